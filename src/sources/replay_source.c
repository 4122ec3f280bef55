// SPDX-License-Identifier: MIT
#include "hashtagd/sources/replay_source.h"

#include "pace.h"
#include "replay_reader.h"
#include "source_cursor.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 *   start -> submit_fill -> (worker: run_fill) -> on_filled -> on_tick -> deliver...
 *               ^                                                |--sink full--> paused --resume-->
 *               '--the other batch is used up--------------------|--it cannot be read--> waiting: fill
 *                                                                '--all read, limit--> idle
 *   stop -> (a fill that runs, else 0 ms) -> on_stopped
 *
 * Of the two batches one is delivered while the worker fills the other.
 */

enum {
    MAGIC = 0x52657073,
    SLICE_NS = 2000000,   /* of work before the loop turns */
    MESSAGES_A_LOOK = 16, /* at the clock */
    RATE_MAX = 1000000000,
    RETRY_MS = 100, /* doubled each time */
    RETRY_MAX_MS = 5000,
};

/* The numbers of the cursor. */
enum { CURSOR_FILES, CURSOR_ROUND, CURSOR_NUMBER, CURSOR_TOTAL, CURSOR_COUNT };

struct replay_source {
    struct ht_source source; /* first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_clock *clock;        /* not owned */
    struct ht_timer_queue *timers; /* not owned */
    struct ht_worker *worker;      /* not owned */
    uint64_t limit;
    uint64_t fingerprint;
    /* the worker's while `is_filling`, else the loop's */
    struct ht_replay_reader *reader; /* owned */
    struct ht_replay_batch batches[2];
    /* the loop's */
    struct ht_source_sink *sink; /* not owned; NULL until started */
    struct ht_job fill_job;
    bool is_filling;   /* batches[1 - current] is with the worker */
    bool is_next_full; /* batches[1 - current] waits to be delivered */
    bool is_stopping;
    unsigned current; /* the batch that is delivered */
    size_t next_item; /* of it */
    uint64_t rejects;
    unsigned retry_ms;
    struct ht_pace pace;
    struct ht_timer tick_timer;
    struct ht_timer stop_timer;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void submit_fill(struct replay_source *replay);
static void run_fill(struct ht_job *job);
static void on_filled(struct ht_job *job);
static bool is_still_failing(const struct replay_source *replay);
static void wait_to_retry(struct replay_source *replay);
static void run(struct replay_source *replay);
static void on_tick(struct ht_timer *timer);
static bool deliver_slice(struct replay_source *replay, uint64_t due);
static bool deliver_item(struct replay_source *replay);
static bool next_batch(struct replay_source *replay);
static void settle(struct replay_source *replay, bool wants_more);
static bool is_used_up(const struct replay_source *replay);
static void resume(struct ht_source *source);
static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user);
static void on_stop_due(struct ht_timer *timer);
static void destroy(struct ht_source *source);
static struct replay_source *from_source(struct ht_source *source);

struct ht_source *ht_replay_source_create(const struct ht_replay_source_options *options)
{
    static const struct ht_source_ops ops = {
        .type = "replay",
        .start = start,
        .resume = resume,
        .stop = stop,
        .destroy = destroy,
    };
    struct replay_source *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        return NULL;
    }
    replay->reader = ht_replay_reader_create(options->files, options->file_count, options->loops);
    if (replay->reader == NULL) {
        free(replay);
        return NULL;
    }
    replay->magic = MAGIC;
    replay->clock = options->clock;
    replay->timers = options->timers;
    replay->worker = options->worker;
    replay->limit = options->limit;
    replay->pace.rate = options->rate < RATE_MAX ? options->rate : RATE_MAX;
    replay->fingerprint = ht_replay_reader_fingerprint(replay->reader);
    ht_source_init(&replay->source, &ops, ops.type, options->clock);
    ht_replay_batch_init(&replay->batches[0]);
    ht_replay_batch_init(&replay->batches[1]);
    replay->retry_ms = RETRY_MS;
    ht_job_init(&replay->fill_job, run_fill, on_filled);
    ht_timer_init(&replay->tick_timer, on_tick);
    ht_timer_init(&replay->stop_timer, on_stop_due);
    return &replay->source;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    struct replay_source *replay = from_source(source);
    uint64_t numbers[CURSOR_COUNT] = {0};
    replay->sink = sink;
    if (ht_source_cursor_parse(ht_source_cursor_own(cursor, source->name), source->ops->type,
                               numbers, CURSOR_COUNT) &&
        numbers[CURSOR_FILES] == replay->fingerprint) {
        ht_replay_reader_skip(replay->reader, numbers[CURSOR_ROUND], numbers[CURSOR_NUMBER]);
        source->position = numbers[CURSOR_TOTAL];
    }
    submit_fill(replay);
}

static void submit_fill(struct replay_source *replay)
{
    replay->is_filling = true;
    ht_worker_submit(replay->worker, &replay->fill_job);
}

/* Worker thread. */
static void run_fill(struct ht_job *job)
{
    struct replay_source *replay = HT_CONTAINER_OF(job, struct replay_source, fill_job);
    ht_replay_reader_fill(replay->reader, &replay->batches[1 - replay->current]);
}

static void on_filled(struct ht_job *job)
{
    struct replay_source *replay = HT_CONTAINER_OF(job, struct replay_source, fill_job);
    replay->is_filling = false;
    replay->is_next_full = true;
    if (replay->is_stopping) {
        ht_timer_start(replay->timers, &replay->stop_timer, 0);
    } else if (is_still_failing(replay)) {
        wait_to_retry(replay);
    } else if (replay->source.health.state == HT_HEALTH_STARTING ||
               replay->source.health.state == HT_HEALTH_WAITING) {
        replay->retry_ms = RETRY_MS;
        run(replay);
    } else if (replay->source.health.state == HT_HEALTH_WORKING &&
               !ht_timer_is_running(&replay->tick_timer)) {
        ht_timer_start(replay->timers, &replay->tick_timer, 0);
    }
}

/* Tried again, and nothing came. */
static bool is_still_failing(const struct replay_source *replay)
{
    const struct ht_replay_batch *next = &replay->batches[1 - replay->current];
    return replay->source.health.state == HT_HEALTH_WAITING && next->count == 0 && next->may_pass;
}

static void wait_to_retry(struct replay_source *replay)
{
    replay->is_next_full = false;
    ht_timer_start(replay->timers, &replay->tick_timer, replay->retry_ms);
    replay->retry_ms = replay->retry_ms * 2 < RETRY_MAX_MS ? replay->retry_ms * 2 : RETRY_MAX_MS;
}

static void run(struct replay_source *replay)
{
    ht_health_set(&replay->source.health, HT_HEALTH_WORKING, "%s", "");
    ht_pace_start(&replay->pace, ht_clock_monotonic_ns(replay->clock));
    ht_timer_start(replay->timers, &replay->tick_timer, ht_pace_tick_ms(&replay->pace));
}

static void on_tick(struct ht_timer *timer)
{
    struct replay_source *replay = HT_CONTAINER_OF(timer, struct replay_source, tick_timer);
    if (replay->source.health.state == HT_HEALTH_WAITING) {
        submit_fill(replay);
        return;
    }
    uint64_t due = ht_pace_due(&replay->pace, ht_clock_monotonic_ns(replay->clock));
    if (replay->limit > 0) {
        uint64_t position = replay->source.position;
        uint64_t left = position < replay->limit ? replay->limit - position : 0;
        due = due < left ? due : left;
    }
    settle(replay, deliver_slice(replay, due));
}

/* Delivers at most `due` messages for at most one slice of time; false where the sink is full. */
static bool deliver_slice(struct replay_source *replay, uint64_t due)
{
    uint64_t end_ns = ht_clock_monotonic_ns(replay->clock) + SLICE_NS;
    uint64_t begun_at = replay->source.position;
    bool wants_more = true;
    for (uint64_t steps = 1; wants_more && replay->source.position - begun_at < due; steps++) {
        if (replay->next_item == replay->batches[replay->current].count && !next_batch(replay)) {
            break;
        }
        wants_more = deliver_item(replay);
        if (steps % MESSAGES_A_LOOK == 0 && ht_clock_monotonic_ns(replay->clock) >= end_ns) {
            break;
        }
    }
    uint64_t sent = replay->source.position - begun_at;
    ht_pace_take(&replay->pace, sent);
    if (sent > 0) {
        ht_rate_add(&replay->source.messages, ht_clock_monotonic_ms(replay->clock), sent);
        ht_health_succeed(&replay->source.health);
    }
    return wants_more;
}

static bool deliver_item(struct replay_source *replay)
{
    struct ht_source *source = &replay->source;
    struct ht_replay_batch *batch = &replay->batches[replay->current];
    const struct ht_replay_item *item = &batch->items[replay->next_item++];
    struct ht_slice bytes = {batch->bytes.data + item->begin, item->length};
    if (item->refusal != HT_TWEET_REFUSAL_NONE) {
        replay->rejects++;
        replay->sink->ops->refuse(replay->sink, &replay->source, bytes,
                                  ht_tweet_refusal_name(item->refusal));
        /* A file of rejects alone must not outrun the sink either: ask it without a message. */
        return replay->sink->ops->deliver(replay->sink, &replay->source, NULL, 0, HT_SLICE(""));
    }
    source->position++;
    char text[HT_SOURCE_CURSOR_BYTES];
    uint64_t numbers[CURSOR_COUNT] = {
        [CURSOR_FILES] = replay->fingerprint,
        [CURSOR_ROUND] = item->round,
        [CURSOR_NUMBER] = item->number,
        [CURSOR_TOTAL] = source->position,
    };
    struct ht_slice cursor =
        ht_source_cursor_format(text, source->ops->type, numbers, CURSOR_COUNT);
    return replay->sink->ops->deliver(replay->sink, &replay->source, &bytes, 1, cursor);
}

/* Takes the other batch where it is full, and has the used one filled; false where there is
 * nothing to deliver now. */
static bool next_batch(struct replay_source *replay)
{
    if (!replay->is_next_full) {
        return false;
    }
    replay->current = 1 - replay->current;
    replay->next_item = 0;
    replay->is_next_full = false;
    if (!replay->batches[replay->current].is_last) {
        submit_fill(replay);
    }
    return replay->batches[replay->current].count > 0;
}

/* Decides how to go on after a slice. */
static void settle(struct replay_source *replay, bool wants_more)
{
    struct ht_source *source = &replay->source;
    const struct ht_replay_batch *batch = &replay->batches[replay->current];
    if (replay->limit > 0 && source->position >= replay->limit) {
        ht_health_set(&source->health, HT_HEALTH_IDLE, "limit reached: %" PRIu64 " messages",
                      source->position);
    } else if (!wants_more) {
        ht_health_set(&source->health, HT_HEALTH_PAUSED, "waits until there is room behind it");
    } else if (is_used_up(replay) && batch->may_pass) {
        ht_health_fail(&source->health, HT_HEALTH_WAITING, &batch->error);
        wait_to_retry(replay);
    } else if (is_used_up(replay) && batch->error.code != 0) {
        ht_health_fail(&source->health, HT_HEALTH_FAILED, &batch->error);
    } else if (is_used_up(replay)) {
        ht_health_set(&source->health, HT_HEALTH_IDLE,
                      "all files are read: %" PRIu64 " messages, %" PRIu64 " rejected",
                      source->position, replay->rejects);
    } else if (replay->next_item < batch->count || replay->is_next_full || replay->pace.rate > 0) {
        ht_timer_start(replay->timers, &replay->tick_timer, ht_pace_tick_ms(&replay->pace));
    }
    /* Else on_filled() goes on. */
}

static bool is_used_up(const struct replay_source *replay)
{
    const struct ht_replay_batch *batch = &replay->batches[replay->current];
    return batch->is_last && replay->next_item == batch->count;
}

static void resume(struct ht_source *source)
{
    struct replay_source *replay = from_source(source);
    if (source->health.state == HT_HEALTH_PAUSED) {
        run(replay);
    }
}

static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct replay_source *replay = from_source(source);
    ht_timer_stop(replay->timers, &replay->tick_timer);
    ht_health_set(&source->health, HT_HEALTH_STOPPED, "%s", "");
    replay->is_stopping = true;
    replay->on_stopped = on_stopped;
    replay->on_stopped_user = user;
    if (!replay->is_filling) {
        ht_timer_start(replay->timers, &replay->stop_timer, 0);
    }
}

static void on_stop_due(struct ht_timer *timer)
{
    struct replay_source *replay = HT_CONTAINER_OF(timer, struct replay_source, stop_timer);
    replay->on_stopped(replay->on_stopped_user);
}

static void destroy(struct ht_source *source)
{
    if (source != NULL) {
        struct replay_source *replay = from_source(source);
        HT_ASSERT(!replay->is_filling);
        ht_timer_stop(replay->timers, &replay->tick_timer);
        ht_timer_stop(replay->timers, &replay->stop_timer);
        ht_replay_reader_destroy(replay->reader);
        ht_replay_batch_finish(&replay->batches[0]);
        ht_replay_batch_finish(&replay->batches[1]);
        replay->magic = 0;
        free(replay);
    }
}

static struct replay_source *from_source(struct ht_source *source)
{
    struct replay_source *replay = HT_CONTAINER_OF(source, struct replay_source, source);
    HT_ASSERT(replay->magic == MAGIC);
    return replay;
}
