// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

/* The stages' functions as the administration calls them; answers come on the next turn, as the
 * real ones promise. */

/* Count */

static void on_count_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, timer);
    struct ht_count_delete *wish = count->delete;
    struct ht_count_flush *flush = count->flush;
    count->delete = NULL;
    count->flush = NULL;
    if (wish != NULL) {
        wish->status =
            count->status == 0 ? 0 : ht_error_set(&wish->error, count->status, "%s", count->text);
        wish->found = count->is_found;
        wish->count = 3;
        wish->first_seen_s = 10;
        wish->last_seen_s = 20;
        wish->deleted_at_s = 30;
        (void)snprintf(wish->event_id, sizeof(wish->event_id), "event-1");
        wish->done(wish);
    }
    if (flush != NULL) {
        flush->status =
            count->status == 0 ? 0 : ht_error_set(&flush->error, count->status, "%s", count->text);
        flush->hashtags = 7;
        flush->done(flush);
    }
}

void ht_count_delete(struct ht_count *count, struct ht_count_delete *request)
{
    (void)snprintf(count->deleted, sizeof(count->deleted), "%.*s", (int)request->hashtag.length,
                   request->hashtag.data);
    if (count->is_slow) {
        count->held = request;
        return;
    }
    count->delete = request;
    ht_timer_init(&count->timer, on_count_due);
    ht_timer_start(count->timers, &count->timer, 0);
}

void ht_count_flush(struct ht_count *count, struct ht_count_flush *request)
{
    count->flush = request;
    ht_timer_init(&count->timer, on_count_due);
    ht_timer_start(count->timers, &count->timer, 0);
}

bool ht_count_is_loaded(const struct ht_count *count)
{
    return count->is_loaded;
}

size_t ht_count_pending_hashtags(const struct ht_count *count)
{
    (void)count;
    return 5;
}

size_t ht_count_shard_count(const struct ht_count *count)
{
    return count->shard_count;
}

void ht_count_shard_get(const struct ht_count *count, size_t index,
                        struct ht_count_shard_status *status)
{
    *status = count->shards[index];
}

const char *ht_count_shard_state_name(enum ht_count_shard_state state)
{
    return state == HT_COUNT_SHARD_READING ? "reading" : "waiting";
}

struct ht_health *ht_count_health(struct ht_count *count)
{
    return &count->health;
}

const struct ht_count_counters *ht_count_counters(const struct ht_count *count)
{
    return &count->counters;
}

struct ht_rate *ht_count_tweet_rate(struct ht_count *count)
{
    return &count->tweets;
}

struct ht_rate *ht_count_hashtag_rate(struct ht_count *count)
{
    return &count->hashtags;
}

const struct ht_histogram *ht_count_flush_durations(const struct ht_count *count)
{
    return &count->durations;
}

const struct ht_histogram *ht_count_delete_durations(const struct ht_count *count)
{
    return &count->durations;
}

const struct ht_histogram *ht_count_latencies(const struct ht_count *count)
{
    return &count->durations;
}

uint64_t ht_count_durable_version(const struct ht_count *count)
{
    return count->durable_version;
}

/* Ingest: a message that begins with '{' is a tweet. */

static void on_post_due(struct ht_timer *timer)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(timer, struct ht_ingest, timer);
    struct ht_ingest_post *post = ingest->post;
    post->status =
        ingest->status == 0 ? 0 : ht_error_set(&post->error, ingest->status, "The budget is full.");
    post->accepted_count = 0;
    for (size_t i = 0; i < post->count && post->status == 0; i++) {
        post->verdicts[i].is_accepted = post->messages[i].data[0] == '{';
        post->accepted_count += post->verdicts[i].is_accepted;
        (void)snprintf(post->verdicts[i].reason, sizeof(post->verdicts[i].reason), "not JSON");
    }
    post->done(post);
}

void ht_ingest_post(struct ht_ingest *ingest, struct ht_ingest_post *post)
{
    ingest->post = post;
    ht_timer_init(&ingest->timer, on_post_due);
    ht_timer_start(ingest->timers, &ingest->timer, 0);
}

size_t ht_ingest_waiting(const struct ht_ingest *ingest)
{
    (void)ingest;
    return 0;
}

struct ht_health *ht_ingest_health(struct ht_ingest *ingest)
{
    return &ingest->health;
}

const struct ht_ingest_counters *ht_ingest_counters(const struct ht_ingest *ingest)
{
    return &ingest->counters;
}

struct ht_rate *ht_ingest_rate(struct ht_ingest *ingest)
{
    return &ingest->rate;
}

const struct ht_histogram *ht_ingest_put_durations(const struct ht_ingest *ingest)
{
    return &ingest->durations;
}

/* Archiver */

static void on_archiver_due(struct ht_timer *timer)
{
    struct ht_archiver *archiver = HT_CONTAINER_OF(timer, struct ht_archiver, timer);
    struct ht_archiver_flush *flush = archiver->flush;
    flush->status = archiver->status == 0
                        ? 0
                        : ht_error_set(&flush->error, archiver->status, "The archive is full.");
    flush->archived = 2;
    flush->done(flush);
}

void ht_archiver_flush(struct ht_archiver *archiver, struct ht_archiver_flush *flush)
{
    archiver->flush = flush;
    ht_timer_init(&archiver->timer, on_archiver_due);
    ht_timer_start(archiver->timers, &archiver->timer, 0);
}

void ht_archiver_recent(struct ht_archiver *archiver, size_t max_count,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user)
{
    for (size_t i = 0; i < archiver->record_count && i < max_count; i++) {
        on_record(user, &archiver->records[i]);
    }
}

void ht_archiver_listen(struct ht_archiver *archiver,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user)
{
    archiver->on_record = on_record;
    archiver->user = user;
}

struct ht_health *ht_archiver_health(struct ht_archiver *archiver)
{
    return &archiver->health;
}

const struct ht_archiver_counters *ht_archiver_counters(const struct ht_archiver *archiver)
{
    return &archiver->counters;
}

const struct ht_histogram *ht_archiver_durations(const struct ht_archiver *archiver)
{
    return &archiver->durations;
}
