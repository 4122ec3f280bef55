// SPDX-License-Identifier: MIT
#include "hashtagd/backends/embedded_stream.h"

#include "embedded_stream_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STREAM_MAGIC = 0x73747265,
    DEFAULT_LEVEL = -5,
    DEFAULT_MEMORY_BYTES = 24 * 1024 * 1024,
    DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024,
    LEAST_SEGMENT_BYTES = 64 * 1024,
    MAINTAIN_EVERY_MS = 5000,
};

static void run_open(struct ht_job *job);
static void open_done(struct ht_job *job);
static void list(struct ht_stream *stream, struct ht_stream_list *request);
static void on_list_turn(struct ht_timer *timer);
static void consumed(struct ht_stream *stream, const char *shard_id,
                     const struct ht_position *position);
static void on_maintain_due(struct ht_timer *timer);
static void start_maintain(struct ht_embedded_stream *stream);
static void run_maintain(struct ht_job *job);
static void maintain_done(struct ht_job *job);
static struct ht_slice source_cursor(struct ht_stream *stream);
static void close_stream(struct ht_stream *stream, void (*on_closed)(void *user), void *user);
static void run_close(struct ht_job *job);
static void close_done(struct ht_job *job);
static void destroy(struct ht_stream *stream);
static void take_defaults(struct ht_embedded_stream_options *options);
static void show_pressure(struct ht_embedded_stream *stream);

static const struct ht_stream_ops operations = {
    .type = "embedded",
    .list = list,
    .read = ht_embedded_stream_read,
    .cancel_read = ht_embedded_stream_cancel_read,
    .put = ht_embedded_stream_put,
    .consumed = consumed,
    .source_cursor = source_cursor,
    .close = close_stream,
    .destroy = destroy,
};

struct ht_embedded_stream *ht_embedded_stream_from(struct ht_stream *port)
{
    struct ht_embedded_stream *stream = HT_CONTAINER_OF(port, struct ht_embedded_stream, stream);
    HT_ASSERT(stream->magic == STREAM_MAGIC);
    return stream;
}

int ht_embedded_stream_create(struct ht_stream **out,
                              const struct ht_embedded_stream_options *options,
                              struct ht_error *error)
{
    struct ht_embedded_stream *stream = calloc(1, sizeof(*stream));
    char *directory = strdup(options->directory);
    struct ht_embedded_pool *pool = ht_embedded_pool_create();
    *out = NULL;
    if (stream == NULL || directory == NULL || pool == NULL) {
        ht_embedded_pool_drop(pool);
        free(stream);
        free(directory);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    }
    stream->magic = STREAM_MAGIC;
    stream->pool = pool;
    stream->stream.ops = &operations;
    stream->options = *options;
    stream->options.directory = directory;
    take_defaults(&stream->options);
    stream->clock = ht_loop_clock(options->loop);
    stream->timers = ht_loop_timers(options->loop);
    ht_health_init(&stream->stream.health, stream->clock, HT_HEALTH_STARTING);
    ht_timer_init(&stream->list_timer, on_list_turn);
    ht_timer_init(&stream->put_timer, ht_embedded_stream_on_put_turn);
    ht_timer_init(&stream->read_timer, ht_embedded_stream_on_read_turn);
    ht_timer_init(&stream->wait_timer, ht_embedded_stream_on_wait_over);
    ht_timer_init(&stream->maintain_timer, on_maintain_due);
    ht_timer_init(&stream->probe_timer, ht_embedded_stream_on_probe_due);
    ht_embedded_stream_start_job(stream, &stream->open_job, run_open, open_done);
    *out = &stream->stream;
    return 0;
}

static void take_defaults(struct ht_embedded_stream_options *options)
{
    if (options->segment_bytes == 0) {
        uint64_t eighth = options->retention_bytes / 8;
        options->segment_bytes = eighth < DEFAULT_SEGMENT_BYTES ? eighth : DEFAULT_SEGMENT_BYTES;
        if (options->segment_bytes < LEAST_SEGMENT_BYTES) {
            options->segment_bytes = LEAST_SEGMENT_BYTES;
        }
    }
    if (options->memory_bytes == 0) {
        options->memory_bytes = DEFAULT_MEMORY_BYTES;
    }
    if (options->level == 0) {
        options->level = DEFAULT_LEVEL;
    }
}

static void run_open(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    const struct ht_embedded_stream_options *options = &base->stream->options;
    struct ht_segment_log_options log_options = {
        .directory = options->directory,
        .segment_bytes = options->segment_bytes,
        .level = options->level == HT_EMBEDDED_STREAM_PLAIN ? 0 : options->level,
        .now_ms = base->now_ms,
        .log = options->log,
    };
    base->status = ht_segment_log_open(&base->stream->segments, &log_options, &base->error);
    if (base->status == 0) {
        base->retention.consumed = ht_segment_log_figures(base->stream->segments, 0).consumed;
        ht_embedded_stream_settle(base);
    }
}

static void open_done(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    struct ht_embedded_stream *stream = base->stream;
    base->is_running = false;
    if (base->status == 0) {
        struct ht_slice cursor = ht_segment_log_cursor(stream->segments);
        stream->state = HT_EMBEDDED_STREAM_OPEN;
        stream->consumed = base->figures.consumed;
        stream->cursor_bytes = cursor.length;
        memcpy(stream->cursor, cursor.data, cursor.length);
        ht_embedded_stream_end_job(base);
        ht_health_set(&stream->stream.health, HT_HEALTH_WORKING, "%s", "");
        show_pressure(stream);
        if (!stream->is_closing) {
            ht_timer_start(stream->timers, &stream->maintain_timer, MAINTAIN_EVERY_MS);
        }
    } else {
        stream->state = HT_EMBEDDED_STREAM_FAILED;
        stream->open_error = base->error;
        ht_health_fail(&stream->stream.health, HT_HEALTH_FAILED, &base->error);
    }
    ht_embedded_stream_wake_puts(stream);
    ht_embedded_stream_wake_read(stream);
    if (stream->list_count > 0) {
        ht_timer_start(stream->timers, &stream->list_timer, 0);
    }
    if (stream->options.on_opened != NULL) {
        stream->options.on_opened(stream->options.user, base->status, &base->error);
    }
    ht_embedded_stream_check_close(stream);
}

static void list(struct ht_stream *port, struct ht_stream_list *request)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    HT_ASSERT(stream->list_count < HT_COUNT_OF(stream->lists));
    stream->lists[stream->list_count++] = request;
    if (stream->state != HT_EMBEDDED_STREAM_OPENING) {
        ht_timer_start(stream->timers, &stream->list_timer, 0);
    }
}

static void on_list_turn(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, list_timer);
    struct ht_stream_list *lists[HT_COUNT_OF(stream->lists)];
    struct ht_shard shard = {.id = HT_EMBEDDED_STREAM_SHARD};
    size_t count = stream->list_count;
    memcpy(lists, stream->lists, sizeof(lists));
    stream->list_count = 0;
    for (size_t i = 0; i < count; i++) {
        lists[i]->status = stream->open_error.code;
        lists[i]->error = stream->open_error;
        lists[i]->shards = stream->open_error.code == 0 ? &shard : NULL;
        lists[i]->count = stream->open_error.code == 0 ? 1 : 0;
        lists[i]->done(lists[i]);
    }
    ht_embedded_stream_check_close(stream);
}

static void consumed(struct ht_stream *port, const char *shard_id,
                     const struct ht_position *position)
{
    uint64_t sequence;
    (void)shard_id; /* there is one */
    if (position->kind == HT_POSITION_AFTER &&
        ht_slice_to_u64(ht_slice_text(position->sequence_number), UINT64_MAX - 1, &sequence) == 0) {
        ht_embedded_stream_note_consumed(ht_embedded_stream_from(port), sequence);
    }
}

void ht_embedded_stream_note_consumed(struct ht_embedded_stream *stream, uint64_t sequence)
{
    if (sequence <= stream->consumed) {
        return;
    }
    stream->consumed = sequence;
    if (stream->state == HT_EMBEDDED_STREAM_OPEN && !stream->is_closing &&
        (ht_embedded_stream_is_full(stream) ||
         stream->figures.stored_bytes > stream->options.retention_bytes)) {
        start_maintain(stream);
    }
}

static void on_maintain_due(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, maintain_timer);
    uint64_t end = stream->figures.oldest_end;
    if (end > 0 && end <= stream->consumed + 1) {
        start_maintain(stream);
    }
    ht_embedded_pool_age(stream->pool);
    ht_timer_start(stream->timers, &stream->maintain_timer, MAINTAIN_EVERY_MS);
}

static void start_maintain(struct ht_embedded_stream *stream)
{
    stream->maintain_again = stream->maintain_job.is_running;
    if (!stream->maintain_job.is_running) {
        ht_embedded_stream_start_job(stream, &stream->maintain_job, run_maintain, maintain_done);
    }
}

static void run_maintain(struct ht_job *job)
{
    ht_embedded_stream_settle(HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job));
}

static void maintain_done(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    struct ht_embedded_stream *stream = base->stream;
    ht_embedded_stream_end_job(base);
    if (stream->maintain_again && !stream->is_closing) {
        start_maintain(stream);
    }
    ht_embedded_stream_check_close(stream);
}

void ht_embedded_stream_start_job(struct ht_embedded_stream *stream,
                                  struct ht_embedded_stream_job *job, ht_job_fn run, ht_job_fn done)
{
    HT_ASSERT(!job->is_running);
    int64_t now_ms = ht_clock_wall_ms(stream->clock);
    ht_job_init(&job->job, run, done);
    job->stream = stream;
    job->is_running = true;
    job->now_ms = now_ms;
    job->status = 0;
    job->dropped_records = 0;
    ht_error_clear(&job->error);
    job->retention = (struct ht_segment_retention){
        .consumed = stream->consumed,
        .keep_records = stream->options.keep_records,
        .bytes = stream->options.retention_bytes,
        .oldest_ms = now_ms - (int64_t)(stream->options.retention_s * 1000),
    };
    ht_worker_submit(stream->options.worker, &job->job);
}

void ht_embedded_stream_settle(struct ht_embedded_stream_job *job)
{
    struct ht_segment_log *segments = job->stream->segments;
    job->dropped_records = ht_segment_log_retain(segments, &job->retention);
    job->figures = ht_segment_log_figures(segments, job->retention.consumed);
}

void ht_embedded_stream_end_job(struct ht_embedded_stream_job *job)
{
    struct ht_embedded_stream *stream = job->stream;
    struct ht_stream_counters *counters = &stream->stream.counters;
    job->is_running = false;
    stream->figures = job->figures;
    counters->stored_bytes = job->figures.stored_bytes;
    counters->stored_records = job->figures.next_sequence - job->figures.first_sequence;
    counters->dropped_records += job->dropped_records;
    show_pressure(stream);
}

bool ht_embedded_stream_is_full(const struct ht_embedded_stream *stream)
{
    return stream->figures.unconsumed_bytes >= stream->options.retention_bytes;
}

static void show_pressure(struct ht_embedded_stream *stream)
{
    struct ht_health *health = &stream->stream.health;
    if (ht_embedded_stream_is_full(stream)) {
        if (health->state == HT_HEALTH_WORKING) {
            ht_health_set(health, HT_HEALTH_PAUSED,
                          "full: what is not counted yet fills stream.retention_bytes (%" PRIu64
                          "); it goes on when the count catches up",
                          stream->options.retention_bytes);
        }
    } else if (health->state == HT_HEALTH_PAUSED) {
        ht_health_set(health, HT_HEALTH_WORKING, "%s", "");
    }
}

static struct ht_slice source_cursor(struct ht_stream *port)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    return ht_slice_make(stream->cursor, stream->cursor_bytes);
}

static void close_stream(struct ht_stream *port, void (*on_closed)(void *user), void *user)
{
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    HT_ASSERT(!stream->is_closing);
    stream->is_closing = true;
    stream->on_closed = on_closed;
    stream->on_closed_user = user;
    ht_timer_stop(stream->timers, &stream->maintain_timer);
    ht_timer_stop(stream->timers, &stream->probe_timer);
    if (stream->read != NULL) {
        ht_embedded_stream_cancel_read(port, stream->read);
    }
    ht_embedded_stream_check_close(stream);
}

void ht_embedded_stream_check_close(struct ht_embedded_stream *stream)
{
    bool is_busy = stream->open_job.is_running || stream->maintain_job.is_running ||
                   stream->probe_job.is_running || stream->close_job.is_running ||
                   stream->write.base.is_running || stream->load.base.is_running;
    bool is_asked = stream->list_count > 0 || stream->put_first != NULL || stream->read != NULL;
    if (stream->is_closing && !is_busy && !is_asked && stream->state != HT_EMBEDDED_STREAM_CLOSED) {
        stream->state = HT_EMBEDDED_STREAM_CLOSED;
        ht_embedded_stream_start_job(stream, &stream->close_job, run_close, close_done);
    }
}

static void run_close(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    ht_segment_log_close(base->stream->segments);
    base->stream->segments = NULL;
}

static void close_done(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    struct ht_embedded_stream *stream = base->stream;
    base->is_running = false;
    ht_timer_stop(stream->timers, &stream->list_timer);
    ht_timer_stop(stream->timers, &stream->put_timer);
    ht_timer_stop(stream->timers, &stream->read_timer);
    ht_timer_stop(stream->timers, &stream->wait_timer);
    ht_health_set(&stream->stream.health, HT_HEALTH_STOPPED, "%s", "");
    stream->on_closed(stream->on_closed_user);
}

static void destroy(struct ht_stream *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_embedded_stream *stream = ht_embedded_stream_from(port);
    HT_ASSERT(stream->state == HT_EMBEDDED_STREAM_CLOSED && !stream->close_job.is_running);
    ht_embedded_blocks_clear(&stream->recent);
    ht_embedded_blocks_clear(&stream->window);
    ht_embedded_pool_drop(stream->pool);
    free((char *)(uintptr_t)stream->options.directory);
    stream->magic = 0;
    free(stream);
}
