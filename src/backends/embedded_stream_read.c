// SPDX-License-Identifier: MIT

/*
 * A read:
 *
 *   turn -> where does it stand? (a time is looked up by the worker)
 *        -> in memory: a batch, done; what comes next is loaded ahead
 *        -> in the files: the worker loads blocks into the window, turn again
 *        -> at the tip: wait for a put or for wait_ms, turn again
 */

#include "embedded_stream_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    LOAD_BYTES = 4 * 1024 * 1024,
    LOAD_BLOCKS = 1024,
};

static void resolve(struct ht_embedded_stream *stream);
static int resolve_number(struct ht_embedded_stream *stream, const struct ht_position *from,
                          struct ht_error *error);
static void begin_at(struct ht_embedded_stream *stream, uint64_t want, uint64_t counted);
static void skip_gap(struct ht_embedded_stream *stream, uint64_t to);
static void serve(struct ht_embedded_stream *stream);
static void serve_batch(struct ht_embedded_stream *stream);
static void load_ahead(struct ht_embedded_stream *stream, uint64_t sequence);
static void start_load(struct ht_embedded_stream *stream, uint64_t sequence);
static void run_load(struct ht_job *job);
static void load_done(struct ht_job *job);
static void take_blocks(struct ht_embedded_stream *stream, struct ht_segment_block *blocks);
static void finish(struct ht_embedded_stream *stream, struct ht_record_batch *batch,
                   const struct ht_error *error);

void ht_embedded_stream_read(struct ht_stream *port, struct ht_stream_read *read)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    HT_ASSERT(stream->read == NULL);
    stream->read = read;
    stream->read_number++;
    stream->read_is_canceled = stream->is_closing;
    stream->read_is_resolved = false;
    stream->wait_is_over = false;
    ht_embedded_stream_wake_read(stream);
}

void ht_embedded_stream_cancel_read(struct ht_stream *port, struct ht_stream_read *read)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    if (stream->read == read) {
        stream->read_is_canceled = true;
        ht_embedded_stream_wake_read(stream);
    }
}

void ht_embedded_stream_wake_read(struct ht_embedded_stream *stream)
{
    if (stream->read != NULL) {
        ht_timer_start(stream->timers, &stream->read_timer, 0);
    }
}

void ht_embedded_stream_on_wait_over(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, wait_timer);
    stream->wait_is_over = true;
    ht_embedded_stream_wake_read(stream);
}

void ht_embedded_stream_on_read_turn(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, read_timer);
    struct ht_error error;
    if (stream->read == NULL) {
        return;
    }
    if (stream->read_is_canceled) {
        ht_error_set(&error, HT_ECANCELED, "The read was canceled.");
        finish(stream, NULL, &error);
    } else if (stream->state == HT_EMBEDDED_STREAM_FAILED) {
        finish(stream, NULL, &stream->open_error);
    } else if (stream->state == HT_EMBEDDED_STREAM_OPEN) {
        if (!stream->read_is_resolved) {
            resolve(stream);
        } else {
            serve(stream);
        }
    }
}

static void resolve(struct ht_embedded_stream *stream)
{
    const struct ht_position *from = &stream->read->from;
    struct ht_error error;
    if (stream->load.base.is_running) {
        return; /* loads ahead; its end comes back here */
    }
    switch (from->kind) {
    case HT_POSITION_TRIM_HORIZON:
        begin_at(stream, stream->figures.first_sequence, 0);
        return;
    case HT_POSITION_LATEST:
        begin_at(stream, stream->figures.next_sequence, stream->figures.next_sequence - 1);
        return;
    case HT_POSITION_AT_TIME:
        stream->load.is_search = true;
        stream->load.time_ms = from->time_ms;
        stream->load.read_number = stream->read_number;
        stream->load.blocks = NULL;
        ht_embedded_stream_start_job(stream, &stream->load.base, run_load, load_done);
        return;
    case HT_POSITION_AFTER:
    case HT_POSITION_BEFORE:
        if (resolve_number(stream, from, &error) != 0) {
            finish(stream, NULL, &error);
        }
        return;
    case HT_POSITION_END:
        break;
    }
    ht_error_set(&error, HT_EINVAL, "The shard %s of the embedded stream never ends.",
                 HT_EMBEDDED_STREAM_SHARD);
    finish(stream, NULL, &error);
}

static int resolve_number(struct ht_embedded_stream *stream, const struct ht_position *from,
                          struct ht_error *error)
{
    const struct ht_segment_log_figures *figures = &stream->figures;
    uint64_t after;
    if (ht_slice_to_u64(ht_slice_text(from->sequence_number), UINT64_MAX - 1, &after) != 0) {
        return ht_error_set(error, HT_EINVAL,
                            "'%.40s' is no sequence number of the embedded stream.",
                            from->sequence_number);
    }
    if (after >= figures->next_sequence) {
        return ht_error_set(
            error, HT_ECORRUPT,
            "The stream in %s ends at record %" PRIu64 ", but the table has counted "
            "up to %" PRIu64 ": the stream's files are older than the table, or some "
            "were removed. Restore both from the same time; or stop hashtagd and "
            "remove the whole directory to start an empty stream.",
            stream->options.directory, figures->next_sequence - 1, after);
    }
    uint64_t want = after + 1;
    if (from->kind == HT_POSITION_BEFORE) {
        want = want > from->records ? want - from->records : 0;
        want = want < figures->first_sequence ? figures->first_sequence : want;
    }
    begin_at(stream, want, after);
    return 0;
}

/* `counted`: what the reader has behind it. */
static void begin_at(struct ht_embedded_stream *stream, uint64_t want, uint64_t counted)
{
    stream->read_is_resolved = true;
    stream->want = want;
    if (want < stream->figures.first_sequence) {
        skip_gap(stream, stream->figures.first_sequence);
    }
    if (!stream->reader_is_known) {
        stream->reader_is_known = true;
        ht_embedded_stream_note_consumed(stream, counted);
    }
    serve(stream);
}

/* Numbers before the directory was made were never here. */
static void skip_gap(struct ht_embedded_stream *stream, uint64_t to)
{
    uint64_t created = stream->figures.created_sequence;
    uint64_t from = stream->want > created ? stream->want : created;
    uint64_t missing = to > from ? to - from : 0;
    stream->stream.counters.gap_records += missing;
    ht_log_warning(stream->options.log, "stream", "records are missing",
                   HT_NUMBER("after", stream->want - 1), HT_NUMBER("next", to),
                   HT_NUMBER("missing", missing));
    stream->want = to;
}

static void serve(struct ht_embedded_stream *stream)
{
    uint64_t want = stream->want;
    if (want >= stream->figures.next_sequence) {
        if (stream->wait_is_over || stream->read->wait_ms == 0) {
            serve_batch(stream);
        } else if (!ht_timer_is_running(&stream->wait_timer)) {
            ht_timer_start(stream->timers, &stream->wait_timer, stream->read->wait_ms);
        }
    } else if (ht_embedded_blocks_find(&stream->window, want) != NULL ||
               ht_embedded_blocks_find(&stream->recent, want) != NULL) {
        serve_batch(stream);
    } else if (!stream->load.base.is_running) {
        start_load(stream, want);
    }
}

/* Gives what is in memory, which may be nothing. */
static void serve_batch(struct ht_embedded_stream *stream)
{
    struct ht_stream_counters *counters = &stream->stream.counters;
    struct ht_error error;
    struct ht_record_batch *batch =
        ht_embedded_stream_make_batch(stream, stream->want, stream->read->max_bytes);
    if (batch == NULL) {
        ht_error_set(&error, HT_ENOMEM, "Out of memory for a batch of records.");
        finish(stream, NULL, &error);
        return;
    }
    uint64_t end = stream->want + batch->count;
    batch->next = (struct ht_position){.kind = HT_POSITION_AFTER};
    (void)snprintf(batch->next.sequence_number, sizeof(batch->next.sequence_number), "%" PRIu64,
                   end - 1);
    batch->behind_records = stream->figures.next_sequence - end;
    if (batch->behind_records > 0 && batch->count > 0) {
        batch->behind_ms = stream->figures.newest_ms - batch->records[batch->count - 1].arrival_ms;
    }
    for (size_t i = 0; i < batch->count; i++) {
        counters->bytes_read +=
            batch->records[i].data.length + batch->records[i].partition_key.length;
    }
    counters->records_read += batch->count;
    load_ahead(stream, end);
    finish(stream, batch, NULL);
}

static void load_ahead(struct ht_embedded_stream *stream, uint64_t sequence)
{
    struct ht_embedded_blocks *window = &stream->window;
    while (window->count > 0) {
        const struct ht_segment_block *block = window->ring[window->first];
        if (block->first_sequence + block->record_count > sequence) {
            break;
        }
        ht_embedded_blocks_drop_first(window);
    }
    uint64_t next = window->count > 0 ? ht_embedded_blocks_end(window) : sequence;
    if (next < stream->figures.next_sequence && window->bytes < LOAD_BYTES / 2 &&
        ht_embedded_blocks_find(&stream->recent, next) == NULL && !stream->load.base.is_running &&
        !stream->is_closing) {
        start_load(stream, next);
    }
}

static void start_load(struct ht_embedded_stream *stream, uint64_t sequence)
{
    stream->load.is_search = false;
    stream->load.sequence = sequence;
    stream->load.read_number = stream->read_number;
    stream->load.blocks = NULL;
    ht_embedded_stream_start_job(stream, &stream->load.base, run_load, load_done);
}

static void run_load(struct ht_job *job)
{
    struct ht_embedded_stream_load *load =
        HT_CONTAINER_OF(job, struct ht_embedded_stream_load, base.job);
    struct ht_embedded_stream_job *base = &load->base;
    struct ht_segment_log *segments = base->stream->segments;
    struct ht_segment_block **tail = &load->blocks;
    uint64_t sequence = load->sequence;
    size_t bytes = 0;
    if (load->is_search) {
        base->status =
            ht_segment_log_find_time(segments, load->time_ms, &load->sequence, &base->error);
        ht_embedded_stream_settle(base);
        return;
    }
    for (size_t i = 0; i < LOAD_BLOCKS && bytes < LOAD_BYTES; i++) {
        base->status = ht_segment_log_read(segments, sequence, tail, &base->error);
        if (base->status != 0 || *tail == NULL) {
            break;
        }
        sequence = (*tail)->first_sequence + (*tail)->record_count;
        bytes += (*tail)->length;
        tail = &(*tail)->next;
    }
    if (load->blocks != NULL) {
        base->status = 0; /* the reader gets what is before the error, and meets it next time */
    }
    ht_embedded_stream_settle(base);
}

static void load_done(struct ht_job *job)
{
    struct ht_embedded_stream_load *load =
        HT_CONTAINER_OF(job, struct ht_embedded_stream_load, base.job);
    struct ht_embedded_stream *stream = load->base.stream;
    struct ht_error error = load->base.error;
    bool is_wanted = stream->read != NULL && load->read_number == stream->read_number &&
                     !stream->read_is_canceled &&
                     (load->is_search || stream->want == load->sequence);
    ht_embedded_stream_end_job(&load->base);
    uint64_t first =
        load->blocks == NULL ? stream->figures.next_sequence : load->blocks->first_sequence;
    take_blocks(stream, load->blocks);
    load->blocks = NULL;
    if (load->base.status != 0 && is_wanted) {
        finish(stream, NULL, &error);
    } else if (load->is_search && is_wanted) {
        begin_at(stream, load->sequence, load->sequence - 1);
    } else {
        if (is_wanted && first > stream->want) {
            skip_gap(stream, first);
        }
        ht_embedded_stream_wake_read(stream);
    }
    ht_embedded_stream_check_close(stream);
}

/* What is in the window stays only where the new blocks follow on it. */
static void take_blocks(struct ht_embedded_stream *stream, struct ht_segment_block *blocks)
{
    struct ht_embedded_blocks *window = &stream->window;
    if (blocks != NULL && ht_embedded_blocks_end(window) != blocks->first_sequence) {
        ht_embedded_blocks_clear(window);
    }
    while (blocks != NULL) {
        struct ht_segment_block *block = blocks;
        blocks = block->next;
        block->next = NULL;
        ht_embedded_blocks_push(window, block);
    }
}

static void finish(struct ht_embedded_stream *stream, struct ht_record_batch *batch,
                   const struct ht_error *error)
{
    struct ht_stream_read *read = stream->read;
    stream->read = NULL;
    ht_timer_stop(stream->timers, &stream->read_timer);
    ht_timer_stop(stream->timers, &stream->wait_timer);
    read->batch = batch;
    read->status = 0;
    ht_error_clear(&read->error);
    if (error != NULL) {
        read->status = error->code;
        read->error = *error;
        stream->stream.counters.read_errors += error->code != HT_ECANCELED;
    }
    if (error != NULL && error->code == HT_ECORRUPT) {
        ht_health_fail(&stream->stream.health, HT_HEALTH_FAILED, error);
    }
    read->done(read);
    ht_embedded_stream_check_close(stream);
}
