// SPDX-License-Identifier: MIT
#pragma once

/**
 * Where the tally keeps the texts of its tags: chunks of 128 KiB that are filled one after
 * the other. A text is named by a place: the chunk's number and the offset in it. A record is
 * the length (varint, 1 or 2 bytes) and the bytes; it never crosses a chunk's end.
 *
 * Removed texts stay until half of a full chunk is dead; then `sparse` names it, and the owner
 * moves the living ones on and frees the chunk.
 */

#include "hashtagd/base/slice.h"

#include "varint.h"

#include <stdbool.h>
#include <stdint.h>

#define HT_TAG_TEXTS_CHUNK_BITS  17
#define HT_TAG_TEXTS_CHUNK_BYTES (1u << HT_TAG_TEXTS_CHUNK_BITS)

/** Places are below this. */
#define HT_TAG_TEXTS_PLACE_MAX (UINT64_C(1) << 40)

struct ht_tag_texts_chunk {
    char *data;          /**< owned; NULL where the number is free */
    uint32_t used_bytes; /**< filled, from the start */
    uint32_t dead_bytes; /**< of these, of removed texts */
};

struct ht_tag_texts {
    struct ht_tag_texts_chunk *chunks; /**< owned */
    size_t chunk_count;                /**< numbers in use or free */
    size_t chunk_capacity;             /**< of the array */
    size_t active;                     /**< the chunk that is being filled, where any */
    size_t held_count;                 /**< chunks with data */
    size_t sparse;                     /**< number + 1 of a chunk to be freed; 0: none */
};

/** Where the record of a place stands. */
static inline const unsigned char *ht_tag_texts_at(const struct ht_tag_texts *texts, uint64_t place)
{
    const struct ht_tag_texts_chunk *chunk = &texts->chunks[place >> HT_TAG_TEXTS_CHUNK_BITS];
    return (const unsigned char *)chunk->data + (place & (HT_TAG_TEXTS_CHUNK_BYTES - 1));
}

/** The text at a place; lives until it is removed or moved. */
static inline struct ht_slice ht_tag_texts_get(const struct ht_tag_texts *texts, uint64_t place)
{
    const unsigned char *at = ht_tag_texts_at(texts, place);
    size_t length = (size_t)ht_varint_get(&at);
    return ht_slice_make(at, length);
}

/** Frees everything. */
void ht_tag_texts_finish(struct ht_tag_texts *texts);

/** Stores a copy of `tag`; 0 or HT_ENOMEM. May set `sparse`. */
int ht_tag_texts_append(struct ht_tag_texts *texts, struct ht_slice tag, uint64_t *place);

/** Marks the text at `place` as removed. May set `sparse`. */
void ht_tag_texts_remove(struct ht_tag_texts *texts, uint64_t place);

/** Stores the text at `place` a second time and marks the first as removed; 0 or HT_ENOMEM. */
int ht_tag_texts_move(struct ht_tag_texts *texts, uint64_t place, uint64_t *moved);

/** The place after `place` in the same chunk; false at the chunk's end. */
bool ht_tag_texts_next(const struct ht_tag_texts *texts, uint64_t *place);

/** Frees the chunk `number`, which has no living text and is not active. */
void ht_tag_texts_free_chunk(struct ht_tag_texts *texts, size_t number);

/** Bytes held. */
size_t ht_tag_texts_memory_bytes(const struct ht_tag_texts *texts);
