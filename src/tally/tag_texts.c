// SPDX-License-Identifier: MIT
#include "tag_texts.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <stdlib.h>

static void mark_dead(struct ht_tag_texts *texts, uint64_t place);
static void note_sparse(struct ht_tag_texts *texts, size_t number);
static size_t record_bytes(size_t length);
static int open_chunk(struct ht_tag_texts *texts);
static int find_free_number(struct ht_tag_texts *texts, size_t *number);

void ht_tag_texts_finish(struct ht_tag_texts *texts)
{
    for (size_t i = 0; i < texts->chunk_count; i++) {
        free(texts->chunks[i].data);
    }
    free(texts->chunks);
    *texts = (struct ht_tag_texts){0};
}

int ht_tag_texts_append(struct ht_tag_texts *texts, struct ht_slice tag, uint64_t *place)
{
    size_t bytes = record_bytes(tag.length);
    HT_ASSERT(bytes <= HT_TAG_TEXTS_CHUNK_BYTES);
    if (texts->held_count == 0 ||
        texts->chunks[texts->active].used_bytes + bytes > HT_TAG_TEXTS_CHUNK_BYTES) {
        int status = open_chunk(texts);
        if (status != 0) {
            return status;
        }
    }
    struct ht_tag_texts_chunk *chunk = &texts->chunks[texts->active];
    unsigned char *at = (unsigned char *)chunk->data + chunk->used_bytes;
    at += ht_varint_put(at, tag.length);
    memcpy(at, tag.data, tag.length);
    *place = ((uint64_t)texts->active << HT_TAG_TEXTS_CHUNK_BITS) | chunk->used_bytes;
    chunk->used_bytes += (uint32_t)bytes;
    return 0;
}

void ht_tag_texts_remove(struct ht_tag_texts *texts, uint64_t place)
{
    mark_dead(texts, place);
    note_sparse(texts, (size_t)(place >> HT_TAG_TEXTS_CHUNK_BITS));
}

int ht_tag_texts_move(struct ht_tag_texts *texts, uint64_t place, uint64_t *moved)
{
    int status = ht_tag_texts_append(texts, ht_tag_texts_get(texts, place), moved);
    if (status == 0) {
        mark_dead(texts, place);
    }
    return status;
}

bool ht_tag_texts_next(const struct ht_tag_texts *texts, uint64_t *place)
{
    *place += record_bytes(ht_tag_texts_get(texts, *place).length);
    uint64_t offset = *place & (HT_TAG_TEXTS_CHUNK_BYTES - 1);
    size_t number = (size_t)((*place - 1) >> HT_TAG_TEXTS_CHUNK_BITS);
    /* A chunk filled to its last byte makes the offset 0. */
    return offset != 0 && offset < texts->chunks[number].used_bytes;
}

void ht_tag_texts_free_chunk(struct ht_tag_texts *texts, size_t number)
{
    HT_ASSERT(number != texts->active &&
              texts->chunks[number].dead_bytes == texts->chunks[number].used_bytes);
    free(texts->chunks[number].data);
    texts->chunks[number] = (struct ht_tag_texts_chunk){0};
    texts->held_count--;
}

size_t ht_tag_texts_memory_bytes(const struct ht_tag_texts *texts)
{
    return texts->held_count * HT_TAG_TEXTS_CHUNK_BYTES +
           texts->chunk_capacity * sizeof(texts->chunks[0]);
}

static void mark_dead(struct ht_tag_texts *texts, uint64_t place)
{
    struct ht_tag_texts_chunk *chunk = &texts->chunks[place >> HT_TAG_TEXTS_CHUNK_BITS];
    chunk->dead_bytes += (uint32_t)record_bytes(ht_tag_texts_get(texts, place).length);
    HT_ASSERT(chunk->dead_bytes <= chunk->used_bytes);
}

static void note_sparse(struct ht_tag_texts *texts, size_t number)
{
    const struct ht_tag_texts_chunk *chunk = &texts->chunks[number];
    if (number != texts->active && chunk->dead_bytes > chunk->used_bytes / 2) {
        texts->sparse = number + 1;
    }
}

static size_t record_bytes(size_t length)
{
    return length + (length < 0x80 ? 1 : 2);
}

static int open_chunk(struct ht_tag_texts *texts)
{
    size_t number;
    int status = find_free_number(texts, &number);
    if (status != 0) {
        return status;
    }
    char *data = malloc(HT_TAG_TEXTS_CHUNK_BYTES);
    if (data == NULL) {
        return HT_ENOMEM;
    }
    texts->chunks[number] = (struct ht_tag_texts_chunk){.data = data};
    if (number == texts->chunk_count) {
        texts->chunk_count++;
    }
    size_t full = texts->active;
    texts->active = number;
    texts->held_count++;
    if (texts->held_count > 1) {
        note_sparse(texts, full);
    }
    return 0;
}

static int find_free_number(struct ht_tag_texts *texts, size_t *number)
{
    *number = texts->chunk_count;
    for (size_t i = 0; i < texts->chunk_count && texts->held_count < texts->chunk_count; i++) {
        if (texts->chunks[i].data == NULL) {
            *number = i;
            return 0;
        }
    }
    if (texts->chunk_count == HT_TAG_TEXTS_PLACE_MAX >> HT_TAG_TEXTS_CHUNK_BITS) {
        return HT_ENOMEM;
    }
    if (texts->chunk_count < texts->chunk_capacity) {
        return 0;
    }
    size_t capacity = texts->chunk_capacity == 0 ? 16 : texts->chunk_capacity * 2;
    struct ht_tag_texts_chunk *chunks = realloc(texts->chunks, capacity * sizeof(*chunks));
    if (chunks == NULL) {
        return HT_ENOMEM;
    }
    texts->chunks = chunks;
    texts->chunk_capacity = capacity;
    return 0;
}
