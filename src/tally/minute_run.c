// SPDX-License-Identifier: MIT
#include "minute_run.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <stdlib.h>
#include <string.h>

static inline void append(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count);
static bool make_room(struct ht_minute_run_writer *writer, size_t entries, size_t bytes);

uint64_t ht_minute_run_find(const struct ht_minute_run *run, uint32_t slot)
{
    size_t low = 0;
    size_t high = run->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->marks[middle].slot <= slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return 0;
    }
    const struct ht_minute_run_mark *mark = &run->marks[low - 1];
    struct ht_minute_run_cursor cursor = ht_minute_run_begin(run);
    cursor.at += mark->offset;
    bool found = ht_minute_run_next(&cursor);
    for (cursor.slot = mark->slot; found && cursor.slot < slot;) {
        found = ht_minute_run_next(&cursor);
    }
    return found && cursor.slot == slot ? cursor.count : 0;
}

size_t ht_minute_run_memory_bytes(const struct ht_minute_run *run)
{
    return sizeof(*run) + run->mark_count * sizeof(run->marks[0]) + run->entry_bytes;
}

void ht_minute_run_writer_begin(struct ht_minute_run_writer *writer)
{
    writer->byte_count = 0;
    writer->mark_count = 0;
    writer->entry_count = 0;
    writer->slot = 0;
    writer->status = 0;
}

void ht_minute_run_writer_put(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count)
{
    HT_ASSERT(count > 0 && (writer->entry_count == 0 || slot > writer->slot));
    if (writer->status != 0 || !make_room(writer, 1, 2 * HT_VARINT_MAX_BYTES)) {
        return;
    }
    append(writer, slot, count);
}

static inline void append(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count)
{
    if (writer->entry_count % HT_MINUTE_RUN_STEP == 0) {
        writer->marks[writer->mark_count++] =
            (struct ht_minute_run_mark){slot, (uint32_t)writer->byte_count};
    }
    unsigned char *at = writer->bytes + writer->byte_count;
    uint64_t key = (uint64_t)(slot - writer->slot) << 1 | (count > 1);
    size_t length = ht_varint_put(at, key);
    if (count > 1) {
        length += ht_varint_put(at + length, count);
    }
    writer->byte_count += length;
    writer->slot = slot;
    writer->entry_count++;
}

struct ht_minute_run *ht_minute_run_writer_end(struct ht_minute_run_writer *writer)
{
    size_t mark_bytes = writer->mark_count * sizeof(writer->marks[0]);
    /* Offsets in the marks have 32 bits. */
    if (writer->status != 0 || writer->byte_count > UINT32_MAX) {
        return NULL;
    }
    struct ht_minute_run *run = malloc(sizeof(*run) + mark_bytes + writer->byte_count);
    if (run == NULL) {
        return NULL;
    }
    *run = (struct ht_minute_run){.entry_count = writer->entry_count,
                                  .mark_count = (uint32_t)writer->mark_count,
                                  .entry_bytes = (uint32_t)writer->byte_count};
    if (writer->entry_count > 0) {
        memcpy(run->marks, writer->marks, mark_bytes);
        memcpy(run->marks + run->mark_count, writer->bytes, writer->byte_count);
    }
    return run;
}

struct ht_minute_run *ht_minute_run_merge(struct ht_minute_run_writer *writer,
                                          const struct ht_minute_run *a,
                                          const struct ht_minute_run *b)
{
    ht_minute_run_writer_begin(writer);
    /* A sum's count may take a byte more than those of its parts. */
    size_t entries = (size_t)a->entry_count + b->entry_count;
    if (!make_room(writer, entries, (size_t)a->entry_bytes + b->entry_bytes + entries)) {
        return NULL;
    }
    struct ht_minute_run_cursor left = ht_minute_run_begin(a);
    struct ht_minute_run_cursor right = ht_minute_run_begin(b);
    bool has_left = ht_minute_run_next(&left);
    bool has_right = ht_minute_run_next(&right);
    while (has_left || has_right) {
        bool use_left = has_left && (!has_right || left.slot <= right.slot);
        bool use_right = has_right && (!has_left || right.slot <= left.slot);
        uint64_t count = (use_left ? left.count : 0) + (use_right ? right.count : 0);
        append(writer, use_left ? left.slot : right.slot, count);
        has_left = use_left ? ht_minute_run_next(&left) : has_left;
        has_right = use_right ? ht_minute_run_next(&right) : has_right;
    }
    struct ht_minute_run *run = ht_minute_run_writer_end(writer);
    if (run != NULL) {
        run->taken = a->taken;
    }
    return run;
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

/* Room for so many entries in so many bytes. */
static bool make_room(struct ht_minute_run_writer *writer, size_t entries, size_t bytes)
{
    if (writer->byte_capacity - writer->byte_count < bytes) {
        size_t capacity = writer->byte_count + bytes + writer->byte_capacity / 2 + 4096;
        unsigned char *grown = realloc(writer->bytes, capacity);
        if (grown == NULL) {
            writer->status = HT_ENOMEM;
            return false;
        }
        writer->bytes = grown;
        writer->byte_capacity = capacity;
    }
    size_t marks = writer->mark_count + entries / HT_MINUTE_RUN_STEP + 1;
    if (marks > writer->mark_capacity) {
        size_t capacity = marks + writer->mark_capacity / 2;
        struct ht_minute_run_mark *grown = realloc(writer->marks, capacity * sizeof(*grown));
        if (grown == NULL) {
            writer->status = HT_ENOMEM;
            return false;
        }
        writer->marks = grown;
        writer->mark_capacity = capacity;
    }
    return true;
}
