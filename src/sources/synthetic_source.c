// SPDX-License-Identifier: MIT
#include "hashtagd/sources/synthetic_source.h"

#include "pace.h"
#include "source_cursor.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 *   start -> submit_fill -> (worker: run_fill) -> on_filled -> on_tick -> deliver...
 *               ^                                                |--sink full--> paused --resume-->
 *               '--the other batch is used up--------------------|
 *                                                                '--limit--> idle
 *   stop -> (a fill that runs, else 0 ms) -> on_stop_due -> on_stopped
 *
 * Of the two batches one is delivered while the worker fills the other. Without a worker a batch
 * is filled where it is needed.
 */

enum {
    MAGIC = 0x53796e53,
    SLICE_NS = 500000,          /* of work before the loop turns */
    MESSAGES_A_DELIVERY = 16,   /* at most, then a look at the clock */
    BATCH_MESSAGES = 256,       /* made at once */
    BATCH_MAX_BYTES = 16 << 20, /* BATCH_MESSAGES of the longest that there are */
};

_Static_assert(BATCH_MESSAGES *HT_SYNTHETIC_MAX_BYTES <= BATCH_MAX_BYTES, "a batch has room");

/* Messages on their way from the worker to the loop. */
struct batch {
    struct ht_buffer bytes;
    size_t lengths[BATCH_MESSAGES];
    size_t count;
    uint64_t first; /* index of its first message */
};

struct synthetic_source {
    struct ht_source source; /* first: what callers see */
    uint32_t magic;
    struct ht_synthetic_source_options options;
    /* the worker's while `is_filling`, else the loop's */
    struct ht_synthetic_tweets *tweets; /* owned */
    struct batch batches[2];
    /* the loop's */
    struct ht_source_sink *sink; /* not owned; NULL until started */
    struct ht_job fill_job;
    bool is_filling;   /* batches[1 - current] is with the worker */
    bool is_next_full; /* batches[1 - current] waits to be delivered */
    bool is_stopping;
    unsigned current;            /* the batch that is delivered */
    size_t next_item, next_byte; /* of it */
    struct ht_pace pace;
    struct ht_timer tick_timer;
    struct ht_timer stop_timer;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void submit_fill(struct synthetic_source *synthetic, uint64_t first);
static void run_fill(struct ht_job *job);
static void on_filled(struct ht_job *job);
static void run(struct synthetic_source *synthetic);
static void on_tick(struct ht_timer *timer);
static bool deliver_slice(struct synthetic_source *synthetic, uint64_t count, uint64_t *sent);
static bool deliver_some(struct synthetic_source *synthetic, size_t count);
static size_t ready_count(struct synthetic_source *synthetic);
static void resume(struct ht_source *source);
static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user);
static void on_stop_due(struct ht_timer *timer);
static void destroy(struct ht_source *source);
static struct synthetic_source *from_source(struct ht_source *source);

struct ht_source *ht_synthetic_source_create(const struct ht_synthetic_source_options *options)
{
    static const struct ht_source_ops ops = {
        .type = "synthetic",
        .start = start,
        .resume = resume,
        .stop = stop,
        .destroy = destroy,
    };
    struct synthetic_source *synthetic = calloc(1, sizeof(*synthetic));
    if (synthetic == NULL) {
        return NULL;
    }
    synthetic->tweets = ht_synthetic_tweets_create(options->seed);
    if (synthetic->tweets == NULL) {
        free(synthetic);
        return NULL;
    }
    synthetic->magic = MAGIC;
    synthetic->options = *options;
    synthetic->pace.rate =
        options->rate < HT_SYNTHETIC_SOURCE_RATE_MAX ? options->rate : HT_SYNTHETIC_SOURCE_RATE_MAX;
    ht_source_init(&synthetic->source, &ops, ops.type, options->clock);
    ht_buffer_init(&synthetic->batches[0].bytes, BATCH_MAX_BYTES);
    ht_buffer_init(&synthetic->batches[1].bytes, BATCH_MAX_BYTES);
    ht_job_init(&synthetic->fill_job, run_fill, on_filled);
    ht_timer_init(&synthetic->tick_timer, on_tick);
    ht_timer_init(&synthetic->stop_timer, on_stop_due);
    return &synthetic->source;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    struct synthetic_source *synthetic = from_source(source);
    uint64_t numbers[2] = {0, 0}; /* seed, index */
    synthetic->sink = sink;
    if (ht_source_cursor_parse(ht_source_cursor_own(cursor, source->name), source->ops->type,
                               numbers, 2) &&
        numbers[0] == synthetic->options.seed) {
        source->position = numbers[1];
    }
    submit_fill(synthetic, source->position);
    run(synthetic);
}

/* Has the batch that is not delivered filled with the messages from `first` on. */
static void submit_fill(struct synthetic_source *synthetic, uint64_t first)
{
    synthetic->batches[1 - synthetic->current].first = first;
    if (synthetic->options.worker == NULL) {
        run_fill(&synthetic->fill_job);
        synthetic->is_next_full = true;
        return;
    }
    synthetic->is_filling = true;
    ht_worker_submit(synthetic->options.worker, &synthetic->fill_job);
}

/* Worker thread. A batch that memory does not suffice for is shorter. */
static void run_fill(struct ht_job *job)
{
    struct synthetic_source *synthetic = HT_CONTAINER_OF(job, struct synthetic_source, fill_job);
    struct batch *batch = &synthetic->batches[1 - synthetic->current];
    ht_buffer_clear(&batch->bytes);
    for (batch->count = 0; batch->count < BATCH_MESSAGES; batch->count++) {
        struct ht_synthetic_message message;
        ht_synthetic_tweets_get(synthetic->tweets, batch->first + batch->count, &message);
        if (ht_buffer_append_slice(&batch->bytes, message.bytes) != 0) {
            break;
        }
        batch->lengths[batch->count] = message.bytes.length;
    }
}

static void on_filled(struct ht_job *job)
{
    struct synthetic_source *synthetic = HT_CONTAINER_OF(job, struct synthetic_source, fill_job);
    synthetic->is_filling = false;
    synthetic->is_next_full = true;
    if (synthetic->is_stopping) {
        ht_timer_start(synthetic->options.timers, &synthetic->stop_timer, 0);
    } else if (synthetic->source.health.state == HT_HEALTH_WORKING &&
               !ht_timer_is_running(&synthetic->tick_timer)) {
        ht_timer_start(synthetic->options.timers, &synthetic->tick_timer, 0);
    }
}

static void run(struct synthetic_source *synthetic)
{
    ht_health_set(&synthetic->source.health, HT_HEALTH_WORKING, "seed %" PRIu64,
                  synthetic->options.seed);
    ht_pace_start(&synthetic->pace, ht_clock_monotonic_ns(synthetic->options.clock));
    ht_timer_start(synthetic->options.timers, &synthetic->tick_timer,
                   ht_pace_tick_ms(&synthetic->pace));
}

static void on_tick(struct ht_timer *timer)
{
    struct synthetic_source *synthetic =
        HT_CONTAINER_OF(timer, struct synthetic_source, tick_timer);
    struct ht_source *source = &synthetic->source;
    uint64_t limit = synthetic->options.limit;
    uint64_t due = ht_pace_due(&synthetic->pace, ht_clock_monotonic_ns(synthetic->options.clock));
    if (limit > 0) {
        uint64_t left = source->position < limit ? limit - source->position : 0;
        due = due < left ? due : left;
    }
    uint64_t sent = 0;
    bool wants_more = deliver_slice(synthetic, due, &sent);
    if (limit > 0 && source->position >= limit) {
        ht_health_set(&source->health, HT_HEALTH_IDLE, "limit reached: %" PRIu64 " messages",
                      source->position);
    } else if (!wants_more) {
        ht_health_set(&source->health, HT_HEALTH_PAUSED, "waits until there is room behind it");
    } else if (synthetic->pace.rate > 0 || sent == due || ready_count(synthetic) > 0) {
        ht_timer_start(synthetic->options.timers, timer, ht_pace_tick_ms(&synthetic->pace));
    }
    /* Else on_filled() goes on. */
}

/* Delivers at most `count` messages for at most one slice of time; false where the sink is full. */
static bool deliver_slice(struct synthetic_source *synthetic, uint64_t count, uint64_t *sent)
{
    uint64_t end_ns = ht_clock_monotonic_ns(synthetic->options.clock) + SLICE_NS;
    bool wants_more = true;
    while (*sent < count && wants_more) {
        size_t some = ready_count(synthetic);
        some = some < MESSAGES_A_DELIVERY ? some : MESSAGES_A_DELIVERY;
        some = some < count - *sent ? some : (size_t)(count - *sent);
        if (some == 0) {
            break;
        }
        wants_more = deliver_some(synthetic, some);
        *sent += some;
        if (ht_clock_monotonic_ns(synthetic->options.clock) >= end_ns) {
            break;
        }
    }
    ht_pace_take(&synthetic->pace, *sent);
    if (*sent > 0) {
        ht_rate_add(&synthetic->source.messages, ht_clock_monotonic_ms(synthetic->options.clock),
                    *sent);
        ht_health_succeed(&synthetic->source.health);
    }
    return wants_more;
}

static bool deliver_some(struct synthetic_source *synthetic, size_t count)
{
    struct ht_source *source = &synthetic->source;
    const struct batch *batch = &synthetic->batches[synthetic->current];
    struct ht_slice messages[MESSAGES_A_DELIVERY];
    for (size_t i = 0; i < count; i++) {
        size_t length = batch->lengths[synthetic->next_item++];
        messages[i] = ht_slice_make(batch->bytes.data + synthetic->next_byte, length);
        synthetic->next_byte += length;
    }
    source->position += count;
    char text[HT_SOURCE_CURSOR_BYTES];
    uint64_t numbers[2] = {synthetic->options.seed, source->position};
    struct ht_slice cursor = ht_source_cursor_format(text, source->ops->type, numbers, 2);
    return synthetic->sink->ops->deliver(synthetic->sink, &synthetic->source, messages, count,
                                         cursor);
}

/* How many messages lie ready. Takes the other batch where the current one is used up, and has that
 * one filled. */
static size_t ready_count(struct synthetic_source *synthetic)
{
    const struct batch *batch = &synthetic->batches[synthetic->current];
    if (synthetic->next_item < batch->count) {
        return batch->count - synthetic->next_item;
    }
    if (!synthetic->is_next_full) {
        return 0;
    }
    synthetic->current = 1 - synthetic->current;
    synthetic->next_item = synthetic->next_byte = 0;
    synthetic->is_next_full = false;
    batch = &synthetic->batches[synthetic->current];
    submit_fill(synthetic, batch->first + batch->count);
    return batch->count;
}

static void resume(struct ht_source *source)
{
    struct synthetic_source *synthetic = from_source(source);
    if (source->health.state == HT_HEALTH_PAUSED) {
        run(synthetic);
    }
}

static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct synthetic_source *synthetic = from_source(source);
    ht_timer_stop(synthetic->options.timers, &synthetic->tick_timer);
    ht_health_set(&source->health, HT_HEALTH_STOPPED, "%s", "");
    synthetic->on_stopped = on_stopped;
    synthetic->on_stopped_user = user;
    synthetic->is_stopping = true;
    if (!synthetic->is_filling) {
        ht_timer_start(synthetic->options.timers, &synthetic->stop_timer, 0);
    }
}

static void on_stop_due(struct ht_timer *timer)
{
    struct synthetic_source *synthetic =
        HT_CONTAINER_OF(timer, struct synthetic_source, stop_timer);
    synthetic->on_stopped(synthetic->on_stopped_user);
}

static void destroy(struct ht_source *source)
{
    if (source != NULL) {
        struct synthetic_source *synthetic = from_source(source);
        ht_timer_stop(synthetic->options.timers, &synthetic->tick_timer);
        ht_timer_stop(synthetic->options.timers, &synthetic->stop_timer);
        HT_ASSERT(!synthetic->is_filling);
        ht_synthetic_tweets_destroy(synthetic->tweets);
        ht_buffer_finish(&synthetic->batches[0].bytes);
        ht_buffer_finish(&synthetic->batches[1].bytes);
        synthetic->magic = 0;
        free(synthetic);
    }
}

static struct synthetic_source *from_source(struct ht_source *source)
{
    struct synthetic_source *synthetic = HT_CONTAINER_OF(source, struct synthetic_source, source);
    HT_ASSERT(synthetic->magic == MAGIC);
    return synthetic;
}
