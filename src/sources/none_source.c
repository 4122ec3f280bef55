// SPDX-License-Identifier: MIT
#include "hashtagd/sources/none_source.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum { MAGIC = 0x4e6f6e65 };

struct none_source {
    struct ht_source source; /* first: what callers see */
    uint32_t magic;
    struct ht_timer_queue *timers; /* not owned */
    struct ht_timer stop_timer;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void resume(struct ht_source *source);
static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user);
static void on_stop_due(struct ht_timer *timer);
static void destroy(struct ht_source *source);
static struct none_source *from_source(struct ht_source *source);

struct ht_source *ht_none_source_create(struct ht_clock *clock, struct ht_timer_queue *timers)
{
    static const struct ht_source_ops ops = {
        .type = "none",
        .start = start,
        .resume = resume,
        .stop = stop,
        .destroy = destroy,
    };
    struct none_source *none = calloc(1, sizeof(*none));
    if (none == NULL) {
        return NULL;
    }
    none->magic = MAGIC;
    none->timers = timers;
    ht_source_init(&none->source, &ops, ops.type, clock);
    ht_health_init(&none->source.health, clock, HT_HEALTH_OFF);
    ht_timer_init(&none->stop_timer, on_stop_due);
    return &none->source;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    (void)from_source(source);
    (void)sink;
    (void)cursor;
}

static void resume(struct ht_source *source)
{
    (void)from_source(source);
}

static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct none_source *none = from_source(source);
    none->on_stopped = on_stopped;
    none->on_stopped_user = user;
    ht_timer_start(none->timers, &none->stop_timer, 0);
}

static void on_stop_due(struct ht_timer *timer)
{
    struct none_source *none = HT_CONTAINER_OF(timer, struct none_source, stop_timer);
    none->on_stopped(none->on_stopped_user);
}

static void destroy(struct ht_source *source)
{
    if (source != NULL) {
        struct none_source *none = from_source(source);
        ht_timer_stop(none->timers, &none->stop_timer);
        none->magic = 0;
        free(none);
    }
}

static struct none_source *from_source(struct ht_source *source)
{
    struct none_source *none = HT_CONTAINER_OF(source, struct none_source, source);
    HT_ASSERT(none->magic == MAGIC);
    return none;
}
