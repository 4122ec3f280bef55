// SPDX-License-Identifier: MIT
#include "ingest_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The life of a POST:
 *
 *     post -> judge messages -> put -> on_put -> done
 *               |        ^
 *               |        +- on_turn_due, for as many as a turn has time for
 *               +-> nothing to put, or no room: answer on the next turn
 */

#define JUDGE_TURN_NS 1000000u /* of a turn of the loop, for all POSTs together */

static int reserve(struct ht_ingest_post *post);
static void judge_on(struct ht_ingest_post *post);
static int judge_some(struct ht_ingest_post *post);
static void on_put(struct ht_stream_put *put);
static void on_turn_due(struct ht_timer *timer);
static void finish(struct ht_ingest_post *post);

void ht_ingest_post(struct ht_ingest *ingest, struct ht_ingest_post *post)
{
    post->ingest = ingest;
    post->records = NULL;
    post->keys = NULL;
    post->accepted_count = 0;
    post->judged_count = 0;
    post->reserved_bytes = 0;
    post->status = 0;
    ht_error_clear(&post->error);
    ht_timer_init(&post->turn_timer, on_turn_due);
    post->started_ns = ht_clock_monotonic_ns(ingest->options.clock);
    ingest->posts_count++;
    post->status = ingest->is_stopping
                       ? ht_error_set(&post->error, HT_EBUSY, "The daemon is stopping.")
                       : reserve(post);
    judge_on(post);
}

/* Goes on, or comes back in the next turn. */
static void judge_on(struct ht_ingest_post *post)
{
    struct ht_ingest *ingest = post->ingest;
    if (post->status == 0) {
        post->status = judge_some(post);
    }
    bool is_judged = post->judged_count == post->count;
    if (post->status != 0 || !is_judged || post->accepted_count == 0) {
        ht_timer_start(ingest->options.timers, &post->turn_timer, 0);
        return;
    }
    post->put = (struct ht_stream_put){
        .records = post->records, .count = post->accepted_count, .done = on_put, .user = post};
    ingest->options.stream->ops->put(ingest->options.stream, &post->put);
}

static void on_turn_due(struct ht_timer *timer)
{
    struct ht_ingest_post *post = HT_CONTAINER_OF(timer, struct ht_ingest_post, turn_timer);
    if (post->status == 0 && post->judged_count < post->count) {
        judge_on(post);
    } else {
        finish(post);
    }
}

/* Reads one message; where it is a tweet its record is filled, the key copied behind the others. */
static int judge(struct ht_ingest_post *post, size_t index)
{
    struct ht_ingest *ingest = post->ingest;
    struct ht_ingest_verdict *verdict = &post->verdicts[index];
    struct ht_tweet tweet;
    struct ht_error error;
    ht_error_clear(&error);
    ingest->counters.received++;
    verdict->is_accepted = false;
    verdict->reason[0] = '\0';
    int status = ht_tweet_read(&ingest->reader, post->messages[index], NULL, &tweet, &error);
    if (status == HT_EPARSE) {
        ingest->counters.refused[tweet.refusal]++;
        (void)snprintf(verdict->reason, sizeof(verdict->reason), "%.159s", error.text);
        return 0;
    }
    if (status != 0) {
        return ht_error_set(&post->error, status, "Out of memory while reading the tweets.");
    }
    if (!ht_ingest_sort(ingest, &tweet)) {
        bool is_notice = tweet.kind != HT_TWEET_KIND_UNKNOWN;
        (void)snprintf(verdict->reason, sizeof(verdict->reason), "not a tweet: %s%s",
                       is_notice ? "a notice of the kind " : "neither text nor entities",
                       is_notice ? ht_tweet_kind_name(tweet.kind) : "");
        return 0;
    }
    size_t length = ht_ingest_key_bytes(tweet.id);
    memcpy(post->key_at, tweet.id.data, length);
    post->records[post->accepted_count++] = (struct ht_put_record){
        .data = post->messages[index], .partition_key = {post->key_at, length}};
    post->key_at += length;
    verdict->is_accepted = true;
    return 0;
}

static int reserve(struct ht_ingest_post *post)
{
    struct ht_ingest *ingest = post->ingest;
    size_t bytes = post->count * (sizeof(*post->records) + HT_INGEST_KEY_BYTES_MAX);
    for (size_t i = 0; i < post->count; i++) {
        bytes += post->messages[i].length;
    }
    if (!ht_budget_reserve_intake(ingest->options.budget, bytes)) {
        return ht_error_set(&post->error, HT_EBUSY,
                            "The memory budget is full: the stages behind are slower than the "
                            "intake. Try again in a moment.");
    }
    post->reserved_bytes = bytes;
    post->records = calloc(post->count, sizeof(*post->records));
    post->keys = malloc(post->count * HT_INGEST_KEY_BYTES_MAX);
    post->key_at = post->keys;
    if (post->records == NULL || post->keys == NULL) {
        return ht_error_set(&post->error, HT_ENOMEM, "Out of memory while taking tweets in.");
    }
    return 0;
}

static int judge_some(struct ht_ingest_post *post)
{
    struct ht_clock *clock = post->ingest->options.clock;
    uint64_t until_ns = ht_clock_monotonic_ns(clock) + JUDGE_TURN_NS / post->ingest->posts_count;
    do {
        int status = judge(post, post->judged_count);
        if (status != 0) {
            return status;
        }
        post->judged_count++;
    } while (post->judged_count < post->count && ht_clock_monotonic_ns(clock) < until_ns);
    return 0;
}

/* Writes what the stream refused for good into the verdicts: records were numbered in the order of
 * the accepted messages. */
static void mark_refused(struct ht_ingest_post *post)
{
    size_t record = 0;
    size_t accepted = 0;
    for (size_t i = 0; i < post->count; i++) {
        if (!post->verdicts[i].is_accepted) {
            continue;
        }
        if (post->records[record++].status == 0) {
            accepted++;
            continue;
        }
        post->verdicts[i].is_accepted = false;
        (void)snprintf(post->verdicts[i].reason, sizeof(post->verdicts[i].reason),
                       "refused by the stream: too large");
        post->ingest->counters.refused[HT_TWEET_REFUSAL_TOO_LARGE]++;
    }
    post->accepted_count = accepted;
}

static void on_put(struct ht_stream_put *put)
{
    struct ht_ingest_post *post = put->user;
    struct ht_ingest *ingest = post->ingest;
    post->status = put->status;
    if (put->status != 0) {
        post->error = put->error;
        post->accepted_count = 0;
        ht_health_note_error(&ingest->health, &put->error);
    } else {
        uint64_t now_ns = ht_clock_monotonic_ns(ingest->options.clock);
        mark_refused(post);
        ht_histogram_add(&ingest->put_durations, now_ns - post->started_ns);
        ingest->counters.accepted += post->accepted_count;
        ht_rate_add(&ingest->rate, now_ns / 1000000, post->accepted_count);
        ht_health_succeed(&ingest->health);
    }
    finish(post);
}

static void finish(struct ht_ingest_post *post)
{
    struct ht_ingest *ingest = post->ingest;
    free(post->records);
    free(post->keys);
    post->records = NULL;
    post->keys = NULL;
    if (post->reserved_bytes > 0) {
        ht_budget_release(ingest->options.budget, post->reserved_bytes);
    }
    ingest->posts_count--;
    /* The stage may be waiting for this POST to stop. */
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
    post->done(post);
}
