// SPDX-License-Identifier: MIT
#pragma once

/**
 * What came in one minute, packed to some bits a tag: (slot, count) in the order of the slots.
 *
 *     struct | a mark for each block of 128 entries: slot, offset | bits of all blocks
 *
 * A block is five bits k, then for each entry but the first the distance from the slot before,
 * less 1, as an exponential Golomb code of order k, then (for each entry) the count less 1 as one of
 * order 0. Order k of v: v/2^k + 1 in Elias's gamma code (n zeros, a one, n bits), then the low k
 * bits of v. k follows the mean distance in the block, so that dense and thin parts
 * both take little. A mark lets a look-up jump to its block. (Elias, "Universal codeword sets",
 * 1975; Teuhola, "A compression method for clustered bit-vectors", 1978.)
 *
 * A run never changes once it is made; runs are merged into new ones.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Entries in a block. */
#define HT_MINUTE_RUN_BLOCK 128u

/** The most runs that are merged at once. */
#define HT_MINUTE_RUN_MERGE_MAX 16u

/** Bytes behind the bits, so that a reader may look at eight at once. */
#define HT_MINUTE_RUN_PADDING 8u

struct ht_minute_run_mark {
    uint32_t slot;   /**< of the block's first entry */
    uint32_t offset; /**< of the block's bits, in bytes: a block begins with a byte */
};

struct ht_minute_run {
    struct ht_minute_run *next; /**< the owner's: the older run of the same minute */
    bool taken;                 /**< the owner's: whether it was handed out */
    uint32_t entry_count;       /**< a mark stands for each 128 of them */
    uint32_t byte_count;        /**< of the bits, with the padding */
    struct ht_minute_run_mark marks[];
};

/** A place in a run; `slot` and `count` are valid after ht_minute_run_next returned true. */
struct ht_minute_run_cursor {
    const struct ht_minute_run *run;
    const unsigned char *bytes; /**< of all blocks */
    uint64_t bit;               /**< the next one */
    uint32_t entry;             /**< the next one's number */
    uint32_t order;             /**< k of the block */
    uint32_t slot;
    uint64_t count;
};

/** Packs entries; its memory is used again for the next run. */
struct ht_minute_run_writer {
    unsigned char *bytes;             /**< owned */
    size_t byte_count, byte_capacity; /**< in use, allocated */
    struct ht_minute_run_mark *marks; /**< owned */
    size_t mark_count, mark_capacity; /**< in use, allocated */
    uint64_t bits;                    /**< that do not fill a byte yet */
    uint32_t bit_count;               /**< of these */
    uint32_t waiting;                 /**< entries of the block that is being filled */
    uint32_t slots[HT_MINUTE_RUN_BLOCK];
    uint64_t counts[HT_MINUTE_RUN_BLOCK];
    uint32_t entry_count;
    int status; /**< 0 or HT_ENOMEM, since the begin */
};

/** How many marks a run of so many entries has. */
static inline uint32_t ht_minute_run_mark_count(uint32_t entry_count)
{
    return entry_count / HT_MINUTE_RUN_BLOCK + (entry_count % HT_MINUTE_RUN_BLOCK != 0);
}

/** At least 57 bits from `bit` on. */
static inline uint64_t ht_minute_run_peek(const unsigned char *bytes, uint64_t bit)
{
    uint64_t word;
    memcpy(&word, bytes + bit / 8, sizeof(word));
    return le64toh(word) >> (bit % 8);
}

/** Reads a code of which nothing is known. */
uint64_t ht_minute_run_read_long(const unsigned char *bytes, uint64_t *bit, uint32_t order);

/** Reads a code. */
static inline uint64_t ht_minute_run_read(const unsigned char *bytes, uint64_t *bit, uint32_t order)
{
    uint64_t word = ht_minute_run_peek(bytes, *bit);
    uint32_t zeros = (uint32_t)__builtin_ctzll(word | UINT64_C(1) << 63);
    uint32_t length = 2 * zeros + 1 + order;
    if (length > 57) {
        return ht_minute_run_read_long(bytes, bit, order);
    }
    uint64_t one = UINT64_C(1);
    uint64_t high = ((word >> (zeros + 1)) & ((one << zeros) - 1)) + (one << zeros) - 1;
    uint64_t low = (word >> (2 * zeros + 1)) & ((one << order) - 1);
    *bit += length;
    return high << order | low;
}

/** The cursor before the first entry of a block. */
static inline struct ht_minute_run_cursor ht_minute_run_begin_at(const struct ht_minute_run *run,
                                                                 uint32_t block)
{
    const struct ht_minute_run_mark *end = run->marks + ht_minute_run_mark_count(run->entry_count);
    return (struct ht_minute_run_cursor){
        .run = run, .bytes = (const unsigned char *)end, .entry = block * HT_MINUTE_RUN_BLOCK};
}

/** The cursor before the first entry. */
static inline struct ht_minute_run_cursor ht_minute_run_begin(const struct ht_minute_run *run)
{
    return ht_minute_run_begin_at(run, 0);
}

/** Steps to the next entry; false at the end. */
static inline bool ht_minute_run_next(struct ht_minute_run_cursor *cursor)
{
    if (cursor->entry == cursor->run->entry_count) {
        return false;
    }
    if (cursor->entry % HT_MINUTE_RUN_BLOCK == 0) {
        const struct ht_minute_run_mark *mark =
            &cursor->run->marks[cursor->entry / HT_MINUTE_RUN_BLOCK];
        cursor->bit = (uint64_t)mark->offset * 8 + 5;
        cursor->order = cursor->bytes[mark->offset] & 31;
        cursor->slot = mark->slot;
    } else {
        cursor->slot +=
            (uint32_t)ht_minute_run_read(cursor->bytes, &cursor->bit, cursor->order) + 1;
    }
    cursor->count = ht_minute_run_read(cursor->bytes, &cursor->bit, 0) + 1;
    cursor->entry++;
    return true;
}

/** The count of a slot, 0 where the run has none. */
uint64_t ht_minute_run_find(const struct ht_minute_run *run, uint32_t slot);

/** Bytes held. */
size_t ht_minute_run_memory_bytes(const struct ht_minute_run *run);

/** Begins a run. */
void ht_minute_run_writer_begin(struct ht_minute_run_writer *writer);

/** Appends an entry with a slot above the last one's and a count above 0. */
void ht_minute_run_writer_put(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count);

/** The run, owned by the caller who frees it with free(); NULL where memory was out. */
struct ht_minute_run *ht_minute_run_writer_end(struct ht_minute_run_writer *writer);

/** A new run with the sums of `first` and the runs behind it, `count` in all, 1 up to
 * HT_MINUTE_RUN_MERGE_MAX; `taken` as the first's. NULL where memory is out. */
struct ht_minute_run *ht_minute_run_merge(struct ht_minute_run_writer *writer,
                                          const struct ht_minute_run *first, size_t count);

/** Frees the writer's memory. */
void ht_minute_run_writer_finish(struct ht_minute_run_writer *writer);

/** Bytes that the writer holds. */
size_t ht_minute_run_writer_memory_bytes(const struct ht_minute_run_writer *writer);
