// SPDX-License-Identifier: MIT
#pragma once

/**
 * The count stage: reads every shard of the stream, counts the hashtags of each tweet
 * once, and makes counts and positions durable together.
 *
 *     list shards -> read -> count into tally and pending -> flush deltas + positions
 *
 * Exactly once: the tally (what people see) and `pending` (what is not yet written) move
 * together; a flush takes all that is pending with the positions that it stands for, and
 * the table writes both or neither. A tweet that the stream holds twice is known by its id
 * within the repeat window of its shard; after a restart the window is filled again by
 * reading a little before the checkpoint without counting. What cannot be read becomes a
 * dead letter, durable before the position passes it.
 *
 * Where the table says that another process has counted meanwhile, all that was counted and not
 * written is forgotten, and the table is loaded anew, as after a crash: until then nothing is
 * shown, and who waits is told why.
 *
 * A shard starts when all its parents are read to their end. A shard without a successful
 * read for a while is started afresh by a watchdog.
 *
 * Life: create, start, stop (flushes, for as long as it takes or until told to give up), destroy.
 * One thread.
 */

#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/dead_letters.h"
#include "hashtagd/pipeline/stream.h"
#include "hashtagd/pipeline/table.h"

#include "hashtagd/base/hash.h"
#include "hashtagd/base/histogram.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/rate.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/tally/tally.h"
#include "hashtagd/tweet/fold.h"
#include "hashtagd/tweet/tweet.h"

struct ht_count;

/** What the stage works with and how it counts; pointers are borrowed and outlive it. */
struct ht_count_options {
    struct ht_stream *stream;
    struct ht_table *table;
    struct ht_dead_letters *dead_letters;
    struct ht_tally *tally; /**< made with keep_parts; nobody else changes it */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    struct ht_budget *budget;
    const struct ht_log *log;        /**< may be NULL */
    enum ht_fold_mode fold;          /**< counting.fold */
    bool once_per_tweet;             /**< counting.once_per_tweet; posts of other services than
                                      *   Twitter have each hashtag once in any case */
    size_t repeat_window;            /**< counting.repeat_window: ids and hashtags a shard */
    enum ht_tweet_retweets retweets; /**< counting.retweets */
    uint32_t flush_interval_ms;      /**< table.flush_interval_s */
    bool expires;                    /**< table.ttl_s is set: flush also when nothing changed */
    bool reads; /**< counting.enabled; where not, the table is loaded, and deletions and flushes
                 *   work, but no shard is read */
    struct ht_position start;    /**< where a shard without a checkpoint starts */
    struct ht_hash_key hash_key; /**< secret, for ids that are no numbers; the intake's too, so that
                                  *   its notes can be read */
    /** The table is loaded: answers from the tally are whole from now on. May be NULL. Called again
     * when it was loaded anew. */
    void (*on_loaded)(void *user);
    /** The stage cannot go on (table unusable, memory out): the process must stop. Called at most
     * once, on the loop's thread. */
    void (*on_fatal)(void *user, const struct ht_error *error);
    void *user; /**< for both */
};

enum ht_count_shard_state {
    HT_COUNT_SHARD_WAITING, /**< for its parents to be finished */
    HT_COUNT_SHARD_READING,
    HT_COUNT_SHARD_RETRYING, /**< a read failed; waits to try again */
    HT_COUNT_SHARD_FINISHED,
};

/** One shard, for status and metrics. */
struct ht_count_shard_status {
    const char *id; /**< valid until the next turn */
    enum ht_count_shard_state state;
    const char
        *sequence_number; /**< last counted record; empty where none; valid until the next turn */
    uint64_t behind_records;      /**< 0 where unknown */
    int64_t behind_ms;            /**< 0 at the tip */
    uint64_t last_success_age_ms; /**< since the last successful read */
};

/** A wish to delete a hashtag; in the caller's memory until `done`. */
struct ht_count_delete {
    struct ht_slice hashtag;                       /**< folded; the caller's until `done` */
    void (*done)(struct ht_count_delete *request); /**< once, never from inside the call */
    void *user;                                    /**< the caller's */
    int status; /**< 0: durable (or nothing was there); HT_ECANCELED: the stage stopped before,
                     or has not loaded the table yet; HT_EBUSY: it still reads after its start, and
                     does not know yet what there is */
    struct ht_error error;
    bool found; /**< whether there was an item */
    uint64_t count;
    int64_t first_seen_s, last_seen_s, deleted_at_s;
    char event_id[129]; /**< empty where it is not known yet: the change feed will tell it */
    struct ht_count_delete *next; /* private */
    uint64_t started_ns;          /* private */
    int64_t asked_wall_ms;        /* private */
    bool is_uncertain;            /* private */
};

/** A wish that everything which is on the stream now be counted and written; in the caller's memory
 * until `done`. */
struct ht_count_flush {
    void (*done)(struct ht_count_flush *request); /**< once, never from inside the call */
    void *user;                                   /**< the caller's */
    int status; /**< 0: durable; else why the write failed (it is still tried); HT_EBUSY: what is
                     counted is durable, but the stage still reads after its start, and has not
                     counted all that is on the stream; HT_ECANCELED: the stage stops, or has not
                     loaded the table yet */
    struct ht_error error;
    uint64_t hashtags;           /**< how many deltas were written */
    struct ht_count_flush *next; /* private */
    uint64_t asked_ns;           /* private */
    int64_t asked_wall_ms;       /* private */
    bool is_early;               /* private */
};

/** What became of records and hashtags. */
struct ht_count_counters {
    uint64_t records;                      /**< read and dealt with */
    uint64_t tweets;                       /**< counted */
    uint64_t repeats;                      /**< tweets that were counted before */
    uint64_t edits;                        /**< later versions of tweets that were counted before */
    uint64_t notices[HT_TWEET_KIND_COUNT]; /**< skipped, by kind; TWEET stays 0 */
    uint64_t refused[HT_TWEET_REFUSAL_COUNT]; /**< dead letters, by reason */
    uint64_t hashtags;                        /**< occurrences counted */
    uint64_t hashtags_skipped;                /**< empty, too long or not valid after folding */
    uint64_t remembered;                      /**< records read again only to know their ids */
    uint64_t marked;       /**< occurrences that the table had counted before this start */
    uint64_t corrections;  /**< counts set to what the table told, because others write it too */
    uint64_t refreshes;    /**< hashtags asked for because others touched them */
    uint64_t touches_held; /**< told when there was no room: to be told again */
    uint64_t flush_retries;
    uint64_t reloads;              /**< of the table, because another process had counted */
    uint64_t deletes;              /**< that found an item */
    uint64_t shard_restarts;       /**< by the watchdog */
    uint64_t window_parts_damaged; /**< of the stored windows, skipped at start */
};

/** Makes a stopped stage; NULL where memory is out. The caller frees it with ht_count_destroy. */
struct ht_count *ht_count_create(const struct ht_count_options *options);

/** Loads the table into the tally, then begins to read. */
void ht_count_start(struct ht_count *count);

/** Whether the table is loaded, so that answers from the tally are whole. */
bool ht_count_is_loaded(const struct ht_count *count);

/** Deletes a hashtag: what is pending of it is written, then the item is removed, and the position
 * goes with them, so that no crash brings the counts back. */
void ht_count_delete(struct ht_count *count, struct ht_count_delete *request);

/**
 * Tells that the item of a hashtag was changed in the table, by whomever: it counts `count_seen` now,
 * or was removed. Where that is news, the next flush asks the table for it. To be wired to the
 * change feed's on_touched; the slice lives during the call. Late news do no harm, nor what is told
 * again. 0: taken, or no news; HT_EBUSY: there is no room before the next flush is durable, which
 * then comes at once: hold the change and tell it again; HT_ENOMEM. Unless 0 nothing was done. A
 * stage that stops takes all.
 */
int ht_count_touch(struct ht_count *count, struct ht_slice hashtag, uint64_t count_seen,
                   bool is_removed) HT_MUST_CHECK;

/** Counts what is on the stream now (waiting at most five seconds for it: what is further back is
 * not in it) and writes it. */
void ht_count_flush(struct ht_count *count, struct ht_count_flush *request);

/** Stops reading, writes what is pending, then calls on_stopped once, never from inside. A write that
 * fails is tried again, with back-off, until it succeeds or ht_count_give_up() was called. */
void ht_count_stop(struct ht_count *count, void (*on_stopped)(void *user), void *user);

/** The time for stopping is over: what waits to be written again is tried once more at once, and a
 * stop ends with the next write that fails. ht_count_pending_hashtags and ht_count_waiting_deletions
 * tell what is left: it is not checkpointed, and will be counted again. May be called before the
 * stop, which it then holds for. */
void ht_count_give_up(struct ht_count *count);

/** Frees a stage that was never started or has stopped; NULL is fine. */
void ht_count_destroy(struct ht_count *count);

/** Deltas that are not durable yet. */
size_t ht_count_pending_hashtags(const struct ht_count *count);

/** Deletions that were asked for and are not durable yet; a stop with some of them left forgets
 * them. */
size_t ht_count_waiting_deletions(const struct ht_count *count);

/** How many shards are known: all that the stream lists, finished ones too. The number changes when
 * the stream is listed. */
size_t ht_count_shard_count(const struct ht_count *count);

/** The state of shard `index` (below ht_count_shard_count), in the order of their ids. */
void ht_count_shard_get(const struct ht_count *count, size_t index,
                        struct ht_count_shard_status *status);

/** The name of a shard's state: "waiting", "reading", "retrying", "finished". Static. */
const char *ht_count_shard_state_name(enum ht_count_shard_state state);

/** The stage's own state. */
struct ht_health *ht_count_health(struct ht_count *count);

/** Its counters; live as long as the stage. */
const struct ht_count_counters *ht_count_counters(const struct ht_count *count);

/** Tweets counted a second. */
struct ht_rate *ht_count_tweet_rate(struct ht_count *count);

/** Hashtags counted a second. */
struct ht_rate *ht_count_hashtag_rate(struct ht_count *count);

/** How long flushes took, from their start to durable. */
const struct ht_histogram *ht_count_flush_durations(const struct ht_count *count);

/** How long deletions took, from the wish to durable. */
const struct ht_histogram *ht_count_delete_durations(const struct ht_count *count);

/** How long records lay between the stream and being counted, a record a batch. */
const struct ht_histogram *ht_count_latencies(const struct ht_count *count);

/** A number that grows with every flush and deletion that became durable: an answer that was built
 * before must not be served any more. */
uint64_t ht_count_durable_version(const struct ht_count *count);
