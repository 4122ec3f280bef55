// SPDX-License-Identifier: MIT

/*
 * Puts:
 *
 *   put: judge each record, queue
 *   turn: no job runs -> one job takes the whole queue
 *   worker: as many records as make one block -> append, durable
 *   done: what is whole is answered; the rest is the head of the queue again
 *
 * A failure answers all puts that wait: a later one that succeeded would move the source's cursor
 * past records that are not there.
 */

#include "embedded_stream_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MOST_BYTES = 256 };

/* A record's place in the list of puts. */
struct spot {
    struct ht_stream_put *put;
    size_t record;
};

static int judge(const struct ht_put_record *record);
static void submit(struct ht_embedded_stream *stream);
static void run_write(struct ht_job *job);
static struct spot measure(struct ht_embedded_stream_write *write, size_t *bytes);
static struct ht_segment_block *fill(struct ht_embedded_stream_write *write, struct spot end,
                                     size_t bytes);
static void write_done(struct ht_job *job);
static void take_block(struct ht_embedded_stream *stream, struct ht_segment_block *block,
                       struct ht_slice cursor);
static struct ht_stream_put *put_back(struct ht_embedded_stream *stream);
static void answer(struct ht_embedded_stream *stream, struct ht_stream_put *first,
                   const struct ht_error *error);
static void fail_all(struct ht_embedded_stream *stream, const struct ht_error *error);

static struct ht_stream_put *next_of(const struct ht_stream_put *put)
{
    return put->adapter;
}

void ht_embedded_stream_put(struct ht_stream *port, struct ht_stream_put *put)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    HT_ASSERT(put->source_cursor.length <= HT_SOURCE_CURSOR_BYTES);
    for (size_t i = 0; i < put->count; i++) {
        put->records[i].status = judge(&put->records[i]);
    }
    put->adapter = NULL;
    if (stream->put_first == NULL) {
        stream->put_first = put;
    } else {
        stream->put_last->adapter = put;
    }
    stream->put_last = put;
    ht_embedded_stream_wake_puts(stream);
}

static int judge(const struct ht_put_record *record)
{
    HT_ASSERT(record->note.length <= HT_STREAM_NOTE_MAX_BYTES);
    if (record->data.length == 0 || record->partition_key.length == 0 ||
        record->partition_key.length > KEY_MOST_BYTES) {
        return HT_EINVAL;
    }
    return record->data.length > HT_STREAM_MAX_RECORD_BYTES - record->partition_key.length
               ? HT_ETOOBIG
               : 0;
}

void ht_embedded_stream_wake_puts(struct ht_embedded_stream *stream)
{
    if (stream->put_first != NULL && stream->state != HT_EMBEDDED_STREAM_OPENING &&
        !stream->write.base.is_running) {
        ht_timer_start(stream->timers, &stream->put_timer, 0);
    }
}

void ht_embedded_stream_on_put_turn(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, put_timer);
    struct ht_error error;
    if (stream->put_first == NULL || stream->write.base.is_running) {
        return;
    }
    if (stream->state != HT_EMBEDDED_STREAM_OPEN) {
        error = stream->open_error;
        if (error.code == 0) {
            ht_error_set(&error, HT_ECANCELED, "The stream is closed.");
        }
        fail_all(stream, &error);
    } else if (ht_embedded_stream_is_full(stream)) {
        ht_error_set(&error, HT_EBUSY,
                     "The stream in %s holds %" PRIu64
                     " bytes that are not counted yet, and stream.retention_bytes is %" PRIu64
                     ": no more is taken until the count catches up.",
                     stream->options.directory, stream->figures.unconsumed_bytes,
                     stream->options.retention_bytes);
        fail_all(stream, &error);
    } else {
        submit(stream);
    }
    ht_embedded_stream_check_close(stream);
}

static void submit(struct ht_embedded_stream *stream)
{
    struct ht_embedded_stream_write *write = &stream->write;
    write->first = stream->put_first;
    write->last = stream->put_last;
    write->first_record = stream->put_record;
    write->rest = NULL;
    write->block = NULL;
    write->cursor = (struct ht_slice){0};
    write->notes_bytes = 0;
    ht_embedded_pool_lend(stream->pool, &write->spares);
    stream->put_first = NULL;
    stream->put_last = NULL;
    stream->put_record = 0;
    ht_embedded_stream_start_job(stream, &write->base, run_write, write_done);
}

static void run_write(struct ht_job *job)
{
    struct ht_embedded_stream_write *write =
        HT_CONTAINER_OF(job, struct ht_embedded_stream_write, base.job);
    size_t bytes = 0;
    struct spot end = measure(write, &bytes);
    write->rest = end.put;
    write->rest_record = end.record;
    if (bytes > 0 || write->cursor.length > 0) {
        struct ht_segment_block *block = fill(write, end, bytes);
        if (block == NULL) {
            write->base.status = ht_error_set(&write->base.error, HT_ENOMEM,
                                              "Out of memory for a block of the stream.");
        } else {
            struct ht_segment_append append = {block, write->cursor,
                                               write->base.retention.consumed};
            write->base.status =
                ht_segment_log_append(write->base.stream->segments, &append, &write->base.error);
            write->block = block;
        }
    }
    ht_embedded_stream_settle(&write->base);
}

/* How far one block goes, and with which cursor: that of the last put whose end is in it. */
static struct spot measure(struct ht_embedded_stream_write *write, size_t *bytes)
{
    struct spot spot = {write->first, write->first_record};
    for (; spot.put != NULL; spot = (struct spot){next_of(spot.put), 0}) {
        for (; spot.record < spot.put->count; spot.record++) {
            const struct ht_put_record *record = &spot.put->records[spot.record];
            size_t more = record->status == 0
                              ? ht_segment_record_bytes(record->data, record->partition_key)
                              : 0;
            if (*bytes > 0 && *bytes + more > HT_SEGMENT_BLOCK_BYTES) {
                return spot;
            }
            *bytes += more;
            write->notes_bytes += sizeof(uint16_t) + record->note.length;
        }
        if (spot.put->source_cursor.length > 0 && ht_stream_put_is_whole(spot.put)) {
            write->cursor = spot.put->source_cursor;
        }
    }
    return spot;
}

/* Into the block, and its note beside it; without memory for notes there are none. */
static void add_record(struct ht_segment_block *block, const struct ht_put_record *record)
{
    uint16_t length = (uint16_t)record->note.length;
    ht_segment_block_add(block, record->data, record->partition_key);
    if (block->notes != NULL) {
        char *at = block->notes + block->notes_length;
        memcpy(at, &length, sizeof(length));
        if (length > 0) {
            memcpy(at + sizeof(length), record->note.data, length);
        }
        block->notes_length += sizeof(length) + length;
    }
}

static struct ht_segment_block *fill(struct ht_embedded_stream_write *write, struct spot end,
                                     size_t bytes)
{
    struct ht_segment_block *block = ht_embedded_spares_take(&write->spares, bytes);
    struct ht_stream_put *put = write->first;
    size_t record = write->first_record;
    if (block == NULL) {
        return NULL;
    }
    block->arrival_ms = write->base.now_ms;
    block->notes = malloc(write->notes_bytes + 1);
    for (; put != NULL; put = next_of(put), record = 0) {
        size_t count = put == end.put ? end.record : put->count;
        for (; record < count; record++) {
            if (put->records[record].status == 0) {
                add_record(block, &put->records[record]);
            }
        }
        if (put == end.put) {
            break;
        }
    }
    return block;
}

static void write_done(struct ht_job *job)
{
    struct ht_embedded_stream_write *write =
        HT_CONTAINER_OF(job, struct ht_embedded_stream_write, base.job);
    struct ht_embedded_stream *stream = write->base.stream;
    ht_embedded_stream_end_job(&write->base);
    ht_embedded_pool_take_back(stream->pool, &write->spares);
    if (write->base.status == 0) {
        take_block(stream, write->block, write->cursor);
        ht_health_succeed(&stream->stream.health);
        answer(stream, put_back(stream), NULL);
    } else {
        ht_segment_block_release(write->block);
        write->rest = write->first;
        write->rest_record = 0;
        (void)put_back(stream);
        ht_health_fail(&stream->stream.health, HT_HEALTH_WAITING, &write->base.error);
        fail_all(stream, &write->base.error);
        ht_embedded_stream_start_probe(stream);
    }
    ht_embedded_stream_wake_puts(stream);
    ht_embedded_stream_wake_read(stream);
    ht_embedded_stream_check_close(stream);
}

static void take_block(struct ht_embedded_stream *stream, struct ht_segment_block *block,
                       struct ht_slice cursor)
{
    struct ht_embedded_blocks *recent = &stream->recent;
    if (cursor.length > 0) {
        stream->cursor_bytes = cursor.length;
        memcpy(stream->cursor, cursor.data, cursor.length);
    }
    if (block == NULL || block->record_count == 0) {
        ht_segment_block_release(block);
        return;
    }
    stream->stream.counters.records_put += block->record_count;
    stream->stream.counters.bytes_put += block->length;
    ht_embedded_blocks_push(recent, block);
    while (recent->count > 1 && recent->bytes > stream->options.memory_bytes) {
        ht_embedded_pool_release(stream->pool, ht_embedded_blocks_take_first(recent));
    }
}

/* Makes what the job did not do the head of the queue again; the list of what it did. */
static struct ht_stream_put *put_back(struct ht_embedded_stream *stream)
{
    struct ht_embedded_stream_write *write = &stream->write;
    struct ht_stream_put *done = write->first;
    if (write->rest == NULL) {
        return done;
    }
    write->last->adapter = stream->put_first;
    if (stream->put_first == NULL) {
        stream->put_last = write->last;
    }
    stream->put_first = write->rest;
    stream->put_record = write->rest_record;
    if (done == write->rest) {
        return NULL;
    }
    struct ht_stream_put *before = done;
    while (next_of(before) != write->rest) {
        before = next_of(before);
    }
    before->adapter = NULL;
    return done;
}

/* A `done` may put again: that goes into the queue and starts nothing before the next turn. */
static void answer(struct ht_embedded_stream *stream, struct ht_stream_put *first,
                   const struct ht_error *error)
{
    struct ht_stream_counters *counters = &stream->stream.counters;
    while (first != NULL) {
        struct ht_stream_put *put = first;
        first = next_of(put);
        put->adapter = NULL;
        put->status = 0;
        ht_error_clear(&put->error);
        if (error != NULL) {
            put->status = error->code;
            put->error = *error;
            counters->put_errors++;
        }
        for (size_t i = 0; error == NULL && i < put->count; i++) {
            counters->records_refused += put->records[i].status != 0;
        }
        put->done(put);
    }
}

static void fail_all(struct ht_embedded_stream *stream, const struct ht_error *error)
{
    struct ht_stream_put *first = stream->put_first;
    struct ht_error copy = *error;
    stream->put_first = NULL;
    stream->put_last = NULL;
    stream->put_record = 0;
    answer(stream, first, &copy);
}
