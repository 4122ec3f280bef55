// SPDX-License-Identifier: MIT
#include "hashtagd/sources/synthetic_source.h"

#include "pace.h"
#include "source_cursor.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 *   start -> on_tick -> deliver... -> (tick timer) -> on_tick ...
 *                          |--sink full--> paused --resume--> on_tick
 *                          '--limit--> idle
 *   stop -> (0 ms) -> on_stop_due -> on_stopped
 */

enum {
    MAGIC = 0x53796e53,
    SLICE_NS = 2000000,   /* of work before the loop turns */
    MESSAGES_A_LOOK = 16, /* at the clock */
};

struct synthetic_source {
    struct ht_source source; /* first: what callers see */
    uint32_t magic;
    struct ht_synthetic_source_options options;
    struct ht_synthetic_tweets *tweets; /* owned */
    struct ht_source_sink *sink;        /* not owned; NULL until started */
    struct ht_pace pace;
    struct ht_timer tick_timer;
    struct ht_timer stop_timer;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void run(struct synthetic_source *synthetic);
static void on_tick(struct ht_timer *timer);
static bool deliver_slice(struct synthetic_source *synthetic, uint64_t count);
static bool deliver_one(struct synthetic_source *synthetic);
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
    synthetic->source.ops = &ops;
    ht_health_init(&synthetic->source.health, options->clock, HT_HEALTH_STARTING);
    ht_timer_init(&synthetic->tick_timer, on_tick);
    ht_timer_init(&synthetic->stop_timer, on_stop_due);
    return &synthetic->source;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    struct synthetic_source *synthetic = from_source(source);
    uint64_t numbers[2] = {0, 0}; /* seed, index */
    synthetic->sink = sink;
    if (ht_source_cursor_parse(cursor, source->ops->type, numbers, 2) &&
        numbers[0] == synthetic->options.seed) {
        source->position = numbers[1];
    }
    run(synthetic);
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
    bool wants_more = deliver_slice(synthetic, due);
    if (limit > 0 && source->position >= limit) {
        ht_health_set(&source->health, HT_HEALTH_IDLE, "limit reached: %" PRIu64 " messages",
                      source->position);
    } else if (!wants_more) {
        ht_health_set(&source->health, HT_HEALTH_PAUSED, "waits until there is room behind it");
    } else {
        ht_timer_start(synthetic->options.timers, timer, ht_pace_tick_ms(&synthetic->pace));
    }
}

/* Delivers at most `count` messages for at most one slice of time; false where the sink is full. */
static bool deliver_slice(struct synthetic_source *synthetic, uint64_t count)
{
    uint64_t end_ns = ht_clock_monotonic_ns(synthetic->options.clock) + SLICE_NS;
    uint64_t sent = 0;
    bool wants_more = true;
    while (sent < count && wants_more) {
        wants_more = deliver_one(synthetic);
        sent++;
        if (sent % MESSAGES_A_LOOK == 0 &&
            ht_clock_monotonic_ns(synthetic->options.clock) >= end_ns) {
            break;
        }
    }
    ht_pace_take(&synthetic->pace, sent);
    if (sent > 0) {
        ht_rate_add(&synthetic->source.messages, ht_clock_monotonic_ms(synthetic->options.clock),
                    sent);
        ht_health_succeed(&synthetic->source.health);
    }
    return wants_more;
}

static bool deliver_one(struct synthetic_source *synthetic)
{
    struct ht_source *source = &synthetic->source;
    struct ht_synthetic_message message;
    ht_synthetic_tweets_get(synthetic->tweets, source->position, &message);
    source->position++;
    char text[HT_SOURCE_CURSOR_BYTES];
    uint64_t numbers[2] = {synthetic->options.seed, source->position};
    struct ht_slice cursor = ht_source_cursor_format(text, source->ops->type, numbers, 2);
    return synthetic->sink->ops->deliver(synthetic->sink, &message.bytes, 1, cursor);
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
    ht_timer_start(synthetic->options.timers, &synthetic->stop_timer, 0);
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
        ht_synthetic_tweets_destroy(synthetic->tweets);
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
