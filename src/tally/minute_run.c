// SPDX-License-Identifier: MIT
#include "minute_run.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <stdlib.h>

/* Entries have slots below it. */
#define NO_SLOT UINT32_MAX

/* The most bytes that a block takes: 5 bits, then 96 for a distance and 127 for a count each. */
#define BLOCK_MAX_BYTES (HT_MINUTE_RUN_BLOCK * (96 + 127) / 8 + 8)

static uint32_t least_of(const uint32_t *heads, size_t count);
static bool make_room(struct ht_minute_run_writer *writer);
static void end_block(struct ht_minute_run_writer *writer);
static uint32_t order_of(const struct ht_minute_run_writer *writer);
static void write_code(struct ht_minute_run_writer *writer, uint64_t value, uint32_t order);
static void write_bits(struct ht_minute_run_writer *writer, uint64_t bits, uint32_t count);

uint64_t ht_minute_run_read_long(const unsigned char *bytes, uint64_t *bit, uint32_t order)
{
    uint32_t zeros = 0;
    while ((ht_minute_run_peek(bytes, *bit) & 1) == 0) {
        zeros++;
        *bit += 1;
    }
    *bit += 1;
    uint64_t high = 0;
    for (uint32_t i = 0; i < zeros; i++, *bit += 1) {
        high |= (ht_minute_run_peek(bytes, *bit) & 1) << i;
    }
    uint64_t low = ht_minute_run_peek(bytes, *bit) & ((UINT64_C(1) << order) - 1);
    *bit += order;
    return (high + (UINT64_C(1) << zeros) - 1) << order | low;
}

uint64_t ht_minute_run_find(const struct ht_minute_run *run, uint32_t slot)
{
    uint32_t low = 0;
    uint32_t high = ht_minute_run_mark_count(run->entry_count);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (run->marks[middle].slot <= slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return 0;
    }
    struct ht_minute_run_cursor cursor = ht_minute_run_begin_at(run, low - 1);
    bool found;
    do {
        found = ht_minute_run_next(&cursor);
    } while (found && cursor.slot < slot);
    return found && cursor.slot == slot ? cursor.count : 0;
}

size_t ht_minute_run_memory_bytes(const struct ht_minute_run *run)
{
    return sizeof(*run) + ht_minute_run_mark_count(run->entry_count) * sizeof(run->marks[0]) +
           run->byte_count;
}

void ht_minute_run_writer_begin(struct ht_minute_run_writer *writer)
{
    writer->byte_count = 0;
    writer->mark_count = 0;
    writer->entry_count = 0;
    writer->waiting = 0;
    writer->status = 0;
}

void ht_minute_run_writer_put(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count)
{
    HT_ASSERT(count > 0 && slot != NO_SLOT &&
              (writer->waiting == 0 || slot > writer->slots[writer->waiting - 1]));
    writer->slots[writer->waiting] = slot;
    writer->counts[writer->waiting++] = count;
    writer->entry_count++;
    if (writer->waiting == HT_MINUTE_RUN_BLOCK) {
        end_block(writer);
    }
}

struct ht_minute_run *ht_minute_run_writer_end(struct ht_minute_run_writer *writer)
{
    end_block(writer);
    size_t mark_bytes = writer->mark_count * sizeof(writer->marks[0]);
    size_t byte_count = writer->byte_count + HT_MINUTE_RUN_PADDING;
    /* Offsets in the marks have 32 bits. */
    if (writer->status != 0 || byte_count > UINT32_MAX) {
        return NULL;
    }
    struct ht_minute_run *run = malloc(sizeof(*run) + mark_bytes + byte_count);
    if (run == NULL) {
        return NULL;
    }
    *run = (struct ht_minute_run){.entry_count = writer->entry_count,
                                  .byte_count = (uint32_t)byte_count};
    unsigned char *bytes = (unsigned char *)(run->marks + writer->mark_count);
    if (writer->entry_count > 0) {
        memcpy(run->marks, writer->marks, mark_bytes);
        memcpy(bytes, writer->bytes, writer->byte_count);
    }
    memset(bytes + writer->byte_count, 0, HT_MINUTE_RUN_PADDING);
    return run;
}

struct ht_minute_run *ht_minute_run_merge(struct ht_minute_run_writer *writer,
                                          const struct ht_minute_run *first, size_t count)
{
    HT_ASSERT(count > 0 && count <= HT_MINUTE_RUN_MERGE_MAX);
    ht_minute_run_writer_begin(writer);
    struct ht_minute_run_cursor cursors[HT_MINUTE_RUN_MERGE_MAX];
    /* The slots where the cursors stand, at the end one that no entry has. */
    uint32_t heads[HT_MINUTE_RUN_MERGE_MAX];
    const struct ht_minute_run *run = first;
    for (size_t i = 0; i < count; i++, run = run->next) {
        cursors[i] = ht_minute_run_begin(run);
        heads[i] = ht_minute_run_next(&cursors[i]) ? cursors[i].slot : NO_SLOT;
    }
    for (uint32_t slot = least_of(heads, count); slot != NO_SLOT; slot = least_of(heads, count)) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            if (heads[i] == slot) {
                sum += cursors[i].count;
                heads[i] = ht_minute_run_next(&cursors[i]) ? cursors[i].slot : NO_SLOT;
            }
        }
        ht_minute_run_writer_put(writer, slot, sum);
    }
    struct ht_minute_run *merged = ht_minute_run_writer_end(writer);
    if (merged != NULL) {
        merged->taken = first->taken;
    }
    return merged;
}

void ht_minute_run_writer_finish(struct ht_minute_run_writer *writer)
{
    free(writer->bytes);
    free(writer->marks);
    *writer = (struct ht_minute_run_writer){0};
}

size_t ht_minute_run_writer_memory_bytes(const struct ht_minute_run_writer *writer)
{
    return writer->byte_capacity + writer->mark_capacity * sizeof(writer->marks[0]);
}

static uint32_t least_of(const uint32_t *heads, size_t count)
{
    uint32_t least = NO_SLOT;
    for (size_t i = 0; i < count; i++) {
        least = heads[i] < least ? heads[i] : least;
    }
    return least;
}

/* For one block. */
static bool make_room(struct ht_minute_run_writer *writer)
{
    if (writer->byte_capacity - writer->byte_count < BLOCK_MAX_BYTES) {
        size_t capacity = writer->byte_capacity + writer->byte_capacity / 2 + 2 * BLOCK_MAX_BYTES;
        unsigned char *bytes = realloc(writer->bytes, capacity);
        if (bytes == NULL) {
            return false;
        }
        writer->bytes = bytes;
        writer->byte_capacity = capacity;
    }
    if (writer->mark_count == writer->mark_capacity) {
        size_t capacity = writer->mark_capacity + writer->mark_capacity / 2 + 64;
        struct ht_minute_run_mark *marks = realloc(writer->marks, capacity * sizeof(*marks));
        if (marks == NULL) {
            return false;
        }
        writer->marks = marks;
        writer->mark_capacity = capacity;
    }
    return true;
}

static void end_block(struct ht_minute_run_writer *writer)
{
    uint32_t count = writer->waiting;
    writer->waiting = 0;
    if (count == 0 || writer->status != 0) {
        return;
    }
    if (!make_room(writer)) {
        writer->status = HT_ENOMEM;
        return;
    }
    writer->marks[writer->mark_count++] =
        (struct ht_minute_run_mark){writer->slots[0], (uint32_t)writer->byte_count};
    writer->bits = 0;
    writer->bit_count = 0;
    writer->waiting = count;
    uint32_t order = order_of(writer);
    writer->waiting = 0;
    write_bits(writer, order, 5);
    write_code(writer, writer->counts[0] - 1, 0);
    for (uint32_t i = 1; i < count; i++) {
        write_code(writer, writer->slots[i] - writer->slots[i - 1] - 1, order);
        write_code(writer, writer->counts[i] - 1, 0);
    }
    write_bits(writer, 0, (8 - writer->bit_count % 8) % 8);
}

/* Such that 2^order is about three quarters of the mean distance. */
static uint32_t order_of(const struct ht_minute_run_writer *writer)
{
    uint32_t distances = writer->waiting - 1;
    uint64_t span = writer->slots[distances] - writer->slots[0] - distances;
    uint64_t mean = distances == 0 ? 0 : span * 3 / 4 / distances;
    return mean == 0 ? 0 : 63 - (uint32_t)__builtin_clzll(mean);
}

static void write_code(struct ht_minute_run_writer *writer, uint64_t value, uint32_t order)
{
    uint64_t one = UINT64_C(1);
    uint64_t high = (value >> order) + 1;
    uint64_t low = value & ((one << order) - 1);
    uint32_t zeros = 63 - (uint32_t)__builtin_clzll(high);
    uint64_t tail = high - (one << zeros);
    if (2 * zeros + 1 + order <= 56) {
        uint64_t code = (tail << 1 | 1) << zeros | low << (2 * zeros + 1);
        write_bits(writer, code, 2 * zeros + 1 + order);
        return;
    }
    write_bits(writer, 0, zeros / 2);
    write_bits(writer, 0, zeros - zeros / 2);
    write_bits(writer, 1, 1);
    write_bits(writer, tail & UINT32_MAX, zeros > 32 ? 32 : zeros);
    write_bits(writer, tail >> 32, zeros > 32 ? zeros - 32 : 0);
    write_bits(writer, low, order);
}

/* At most 57 bits. There is room for eight bytes. */
static void write_bits(struct ht_minute_run_writer *writer, uint64_t bits, uint32_t count)
{
    writer->bits |= bits << writer->bit_count;
    writer->bit_count += count;
    uint64_t word = htole64(writer->bits);
    memcpy(writer->bytes + writer->byte_count, &word, sizeof(word));
    uint32_t full = writer->bit_count / 8;
    writer->byte_count += full;
    writer->bits = full == 8 ? 0 : writer->bits >> (8 * full);
    writer->bit_count %= 8;
}
