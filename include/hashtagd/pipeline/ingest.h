// SPDX-License-Identifier: MIT
#pragma once

/**
 * The ingest stage: takes messages from a source (it is the source's sink) and from
 * `POST /tweets`, reads which tweet each one is, and puts the tweets on the stream as
 * they came, with the tweet's id as partition key. Notices are counted and dropped; what
 * cannot be read becomes a dead letter.
 *
 * From the source: messages are copied into batches; batches go to the stream in order and
 * are tried again until they are durable. When the byte budget or the stream is full the
 * source is paused, and nothing is lost. A POST is one put of its own that is never tried
 * again here: its client learns at once that it failed.
 *
 * Life: create, start, stop (drains, for as long as it takes or until told to give up), destroy. One
 * thread.
 */

#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/dead_letters.h"
#include "hashtagd/pipeline/source.h"
#include "hashtagd/pipeline/stream.h"

#include "hashtagd/base/hash.h"
#include "hashtagd/base/histogram.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/tweet/tweet.h"

struct ht_ingest;

/** What the stage works with; all borrowed, all outlive it. */
struct ht_ingest_options {
    struct ht_source *source;
    struct ht_stream *stream;
    struct ht_dead_letters *dead_letters;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    struct ht_budget *budget;
    const struct ht_log *log;     /**< may be NULL */
    struct ht_hash_key tweet_key; /**< the key of ht_tweet_reader_init, the count stage's too */
};

/** What became of one message of a POST. */
struct ht_ingest_verdict {
    bool is_accepted;
    char reason[160]; /**< why not; empty where accepted */
};

/** Messages that somebody waits for. The request is the caller's until `done`. */
struct ht_ingest_post {
    const struct ht_slice *messages;    /**< the caller's, with all bytes, until `done` */
    size_t count;                       /**< 1 and up */
    struct ht_ingest_verdict *verdicts; /**< the caller's, `count` of them, filled before `done` */
    void (*done)(struct ht_ingest_post *post); /**< once, never from inside the call */
    void *user;                                /**< the caller's */
    int status; /**< 0: all accepted ones are durable. HT_EBUSY: budget full, nothing was put.
                 *   Other errors of a put (stream.h): nobody knows which are there */
    struct ht_error error;
    size_t accepted_count;
    /* private */
    struct ht_ingest *ingest;
    struct ht_stream_put put;
    struct ht_put_record *records;
    char *keys;
    char *key_at; /* where the next key goes */
    size_t judged_count;
    size_t reserved_bytes;
    uint64_t started_ns;
    struct ht_timer turn_timer;
    struct ht_ingest_post *next;
};

/** Counters of messages, by what became of them. */
struct ht_ingest_counters {
    uint64_t received;                           /**< from the source and from POST */
    uint64_t accepted;                           /**< durable on the stream */
    uint64_t notices[HT_TWEET_KIND_COUNT];       /**< dropped, by kind; TWEET stays 0 */
    uint64_t refused[HT_TWEET_REFUSAL_COUNT];    /**< dead letters and rejected POSTs, by reason */
    uint64_t put_retries;                        /**< batches that were put again */
    uint64_t pauses;                             /**< how often the source was paused */
    int64_t limit_number_last, limit_number_max; /**< undelivered, as the service reports it */
};

/** Makes a stopped stage; NULL where memory is out. The caller frees it with ht_ingest_destroy. */
struct ht_ingest *ht_ingest_create(const struct ht_ingest_options *options);

/** Starts the source where the stream's durable cursor says. */
void ht_ingest_start(struct ht_ingest *ingest);

/** Puts messages for somebody who waits. */
void ht_ingest_post(struct ht_ingest *ingest, struct ht_ingest_post *post);

/** Stops the source, makes durable what it delivered, then calls on_stopped once, never from
 * inside. What fails is tried again, with back-off, until it succeeds or ht_ingest_give_up() was
 * called. */
void ht_ingest_stop(struct ht_ingest *ingest, void (*on_stopped)(void *user), void *user);

/** The time for stopping is over: what waits to be tried again is tried once more at once, and a stop
 * ends with the next failure. `ht_ingest_waiting` tells what is left: the source brings it again. May
 * be called before the stop, which it then holds for. */
void ht_ingest_give_up(struct ht_ingest *ingest);

/** Frees a stage that was never started or has stopped; NULL is fine. */
void ht_ingest_destroy(struct ht_ingest *ingest);

/** Messages from the source that are not durable yet, on the stream or, at the stop, as dead
 * letters. */
size_t ht_ingest_waiting(const struct ht_ingest *ingest);

/** The stage's own state. */
struct ht_health *ht_ingest_health(struct ht_ingest *ingest);

/** Its counters; live as long as the stage. */
const struct ht_ingest_counters *ht_ingest_counters(const struct ht_ingest *ingest);

/** Tweets made durable a second. */
struct ht_rate *ht_ingest_rate(struct ht_ingest *ingest);

/** How long puts took. */
const struct ht_histogram *ht_ingest_put_durations(const struct ht_ingest *ingest);
