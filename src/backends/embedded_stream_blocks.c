// SPDX-License-Identifier: MIT
#include "embedded_stream_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    DIGITS_BYTES = 20,      /* of the largest 64-bit number */
    RECORDS_MOST = 1 << 20, /* of a batch */
};

/* A batch with its records, the digits of their numbers and the blocks that hold their bytes, in
 * one piece of memory. */
struct batch {
    struct ht_record_batch batch; /* first */
    struct ht_segment_block **blocks;
    size_t block_count;
    struct ht_embedded_pool *pool; /* held */
};

/* What a batch will hold. */
struct measure {
    size_t records, blocks, bytes;
};

static struct ht_segment_block *at(const struct ht_embedded_blocks *blocks, size_t index)
{
    return blocks->ring[(blocks->first + index) % HT_EMBEDDED_BLOCKS_MOST];
}

static uint64_t end_of(const struct ht_segment_block *block)
{
    return block->first_sequence + block->record_count;
}

void ht_embedded_blocks_push(struct ht_embedded_blocks *blocks, struct ht_segment_block *block)
{
    if (blocks->count == HT_EMBEDDED_BLOCKS_MOST) {
        ht_embedded_blocks_drop_first(blocks);
    }
    blocks->ring[(blocks->first + blocks->count) % HT_EMBEDDED_BLOCKS_MOST] = block;
    blocks->count++;
    blocks->bytes += block->capacity;
}

struct ht_segment_block *ht_embedded_blocks_take_first(struct ht_embedded_blocks *blocks)
{
    struct ht_segment_block *block = at(blocks, 0);
    blocks->first = (blocks->first + 1) % HT_EMBEDDED_BLOCKS_MOST;
    blocks->count--;
    blocks->bytes -= block->capacity;
    return block;
}

void ht_embedded_blocks_drop_first(struct ht_embedded_blocks *blocks)
{
    ht_segment_block_release(ht_embedded_blocks_take_first(blocks));
}

void ht_embedded_blocks_clear(struct ht_embedded_blocks *blocks)
{
    while (blocks->count > 0) {
        ht_embedded_blocks_drop_first(blocks);
    }
}

struct ht_segment_block *ht_embedded_blocks_find(const struct ht_embedded_blocks *blocks,
                                                 uint64_t sequence)
{
    size_t low = 0, high = blocks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (end_of(at(blocks, middle)) <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < blocks->count && at(blocks, low)->first_sequence <= sequence ? at(blocks, low)
                                                                              : NULL;
}

uint64_t ht_embedded_blocks_end(const struct ht_embedded_blocks *blocks)
{
    return blocks->count == 0 ? 0 : end_of(at(blocks, blocks->count - 1));
}

static struct ht_segment_block *find(const struct ht_embedded_stream *stream, uint64_t sequence)
{
    struct ht_segment_block *block = ht_embedded_blocks_find(&stream->window, sequence);
    return block != NULL ? block : ht_embedded_blocks_find(&stream->recent, sequence);
}

/* Moves `offset` to the record `sequence`. */
static void skip_to(const struct ht_segment_block *block, uint64_t sequence, size_t *offset)
{
    struct ht_slice data, key;
    for (uint64_t i = block->first_sequence; i < sequence; i++) {
        ht_segment_block_get(block, offset, &data, &key);
    }
}

static size_t cost(struct ht_slice data, struct ht_slice key)
{
    return sizeof(struct ht_record) + DIGITS_BYTES + data.length + key.length;
}

static struct measure measure(const struct ht_embedded_stream *stream, uint64_t want,
                              size_t max_bytes)
{
    struct measure sum = {0, 0, sizeof(struct batch)};
    const struct ht_segment_block *block;
    while ((block = find(stream, want)) != NULL) {
        size_t offset = 0;
        skip_to(block, want, &offset);
        sum.blocks++;
        sum.bytes += sizeof(block);
        for (; want < end_of(block); want++) {
            struct ht_slice data, key;
            ht_segment_block_get(block, &offset, &data, &key);
            if (sum.records > 0 &&
                (sum.bytes + cost(data, key) > max_bytes || sum.records == RECORDS_MOST)) {
                return sum;
            }
            sum.records++;
            sum.bytes += cost(data, key);
        }
    }
    return sum;
}

static size_t format_digits(uint64_t value, char digits[DIGITS_BYTES])
{
    char backwards[DIGITS_BYTES];
    size_t count = 0;
    do {
        backwards[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++) {
        digits[i] = backwards[count - 1 - i];
    }
    return count;
}

static void release_batch(struct ht_record_batch *records)
{
    struct batch *batch = (struct batch *)records;
    for (size_t i = 0; i < batch->block_count; i++) {
        ht_embedded_pool_release(batch->pool, batch->blocks[i]);
    }
    ht_embedded_pool_drop(batch->pool);
    free(batch);
}

/* The note at `*offset`, which moves to the next one. */
static struct ht_slice get_note(const struct ht_segment_block *block, size_t *offset)
{
    uint16_t length;
    if (block->notes == NULL) {
        return (struct ht_slice){0};
    }
    const char *at = block->notes + *offset;
    memcpy(&length, at, sizeof(length));
    *offset += sizeof(length) + length;
    return ht_slice_make(at + sizeof(length), length);
}

/* Fills in up to `count` records from the block on; how many. */
static size_t add_records(struct batch *batch, struct ht_segment_block *block, uint64_t want,
                          size_t count)
{
    char *digits = (char *)(batch->blocks + batch->block_count) + batch->batch.count * DIGITS_BYTES;
    size_t offset = 0, note_offset = 0, added = 0;
    skip_to(block, want, &offset);
    for (uint64_t i = block->first_sequence; i < want; i++) {
        (void)get_note(block, &note_offset);
    }
    for (; added < count && want < end_of(block); added++, want++) {
        struct ht_record *record = &batch->batch.records[batch->batch.count++];
        *record = (struct ht_record){.arrival_ms = block->arrival_ms,
                                     .note = get_note(block, &note_offset)};
        ht_segment_block_get(block, &offset, &record->data, &record->partition_key);
        record->sequence_number = ht_slice_make(digits, format_digits(want, digits));
        digits += DIGITS_BYTES;
    }
    return added;
}

struct ht_record_batch *ht_embedded_stream_make_batch(struct ht_embedded_stream *stream,
                                                      uint64_t want, size_t max_bytes)
{
    struct measure sum = measure(stream, want, max_bytes);
    struct batch *batch =
        malloc(sizeof(*batch) + sum.records * (sizeof(struct ht_record) + DIGITS_BYTES) +
               sum.blocks * sizeof(*batch->blocks));
    if (batch == NULL) {
        return NULL;
    }
    *batch = (struct batch){.block_count = sum.blocks, .pool = stream->pool};
    batch->pool->holders++;
    batch->batch.records = (struct ht_record *)(batch + 1);
    batch->blocks = (struct ht_segment_block **)(batch->batch.records + sum.records);
    batch->batch.bytes = sum.bytes;
    batch->batch.release = release_batch;
    for (size_t i = 0; i < sum.blocks; i++) {
        struct ht_segment_block *block = find(stream, want);
        HT_ASSERT(block != NULL); /* measure() has just seen it */
        block->references++;
        batch->blocks[i] = block;
        want += add_records(batch, block, want, sum.records - batch->batch.count);
    }
    return &batch->batch;
}
