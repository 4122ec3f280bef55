// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the files of the count stage share:
 *   count.c          life: load, start, stop, what others may ask
 *   count_shards.c   discovery, lineage, reading, the watchdog
 *   count_records.c  a record -> hashtags -> tally and pending
 *   count_flush.c    making it durable
 *   count_board.c    what one flush takes along
 *   count_requests.c deletions and flushes that somebody waits for
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/count.h"
#include "hashtagd/tally/pending.h"
#include "hashtagd/tally/recent_ids.h"

/** Batches of one shard that may wait: one being counted, one read ahead. */
#define HT_COUNT_BATCHES_MAX 2

/** One shard. */
struct ht_count_shard {
    struct ht_count *count;
    struct ht_count_shard *next; /* in the order of discovery */
    uint32_t index;              /* its number, for pending and checkpoints */
    /* fixed after discovery */
    struct ht_shard info;
    /* state */
    enum ht_count_shard_state state;
    struct ht_position counted;   /* the checkpoint to write: what is in tally and pending */
    bool has_counted;             /* `counted` holds something */
    bool is_dirty;                /* `counted` moved since it was last given to a flush */
    struct ht_position read_from; /* where the next read goes on */
    struct ht_recent_ids *recent_ids;
    struct ht_record_batch *batches[HT_COUNT_BATCHES_MAX]; /* owned; the first is being counted */
    uint64_t batch_started_ns[HT_COUNT_BATCHES_MAX];       /* when the read of each was started */
    size_t batch_count, record_index;
    bool is_reading, is_canceled;
    bool is_warming; /* what comes is not counted until it is past `counted` */
    bool is_stale;   /* what the running read brings is not wanted any more */
    uint64_t warmed_records, warm_records; /* read again for their ids, and asked for */
    struct ht_stream_read read;
    uint64_t read_started_ns;
    struct ht_timer retry_timer;
    unsigned failures;
    uint64_t behind_records;
    int64_t behind_ms;
    uint64_t last_success_ms;   /* monotonic */
    uint64_t caught_up_ns;      /* start of the last read that found the tip and is counted */
    int64_t counted_arrival_ms; /* arrival of the last record counted */
};

/** One dead letter that waits for the next flush. */
struct ht_count_letter {
    struct ht_count_letter *next;
    struct ht_dead_letter letter; /* its slices point behind the struct */
    size_t bytes;
};

/** Everything that one flush writes; kept until it is durable. */
struct ht_count_flight {
    bool is_active;
    struct ht_delta *deltas; /* of what pending has in flight */
    size_t delta_count;
    struct ht_checkpoint *checkpoints;
    size_t checkpoint_count;
    struct ht_slice *deletes; /* into delete_texts */
    size_t delete_count;
    struct ht_buffer delete_texts;
    struct ht_tally_parts parts;
    struct ht_window_part *window_parts;
    size_t window_part_count;
    struct ht_buffer minute; /* the whole of a closed minute */
    struct ht_count_letter *letters;
    struct ht_dead_letter *letter_array;
    size_t letter_count;
    struct ht_count_delete *delete_requests;
    struct ht_count_flush *flush_requests;
    struct ht_dead_letters_append append;
    struct ht_table_flush flush;
    uint64_t started_ns;
};

struct ht_count {
    /* fixed */
    struct ht_count_options options;
    /* state */
    struct ht_health health;
    struct ht_count_counters counters;
    struct ht_rate tweet_rate, hashtag_rate;
    struct ht_histogram flush_durations, delete_durations, latencies;
    uint64_t durable_version;
    bool is_loading, is_loaded, is_running, is_stopping, is_fatal;
    struct ht_table_load load;
    unsigned load_failures;
    struct ht_timer load_timer;
    /* shards */
    struct ht_count_shard *shards;
    size_t shard_count;
    struct ht_checkpoint *loaded; /* checkpoints of the table, until their shards are met */
    size_t loaded_count, loaded_capacity;
    bool is_listing;
    unsigned list_failures;
    struct ht_stream_list list;
    struct ht_timer list_timer, watchdog_timer;
    /* counting */
    struct ht_tweet_reader reader;
    struct ht_timer work_timer;
    struct ht_count_shard *work_shard; /* whose turn it is */
    char *folded;                      /* room for the folded tags of one tweet */
    struct ht_slice *folded_tags;
    /* flushing */
    struct ht_pending *pending;
    struct ht_count_letter *letters, *last_letter;
    size_t letter_count, pending_reserved_bytes;
    struct ht_count_flight flight;
    struct ht_timer flush_timer, flush_now_timer, flush_retry_timer;
    unsigned flush_failures;
    struct ht_count_delete *delete_requests; /* wait for the next flush, newest first */
    struct ht_count_delete *answers;         /* deletes that found nothing, answered next turn */
    struct ht_count_flush *flush_requests;   /* wait until their records are counted */
    struct ht_count_flush *flush_answers;    /* came too late, answered next turn */
    struct ht_timer answer_timer;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

/* count.c */
/** Gives up: tells the daemon, once. */
void ht_count_fail(struct ht_count *count, const struct ht_error *error);
/** Calls on_stopped where nothing is left to wait for. */
void ht_count_look_at_stop(struct ht_count *count);

/** Notes that a read or a flush succeeded; a table that refuses stays the news until it is mended. */
void ht_count_note_success(struct ht_count *count);
/** Tells the tally which minute it is. */
void ht_count_move_windows(struct ht_count *count);

/* count_shards.c */
/** Prepares timers. */
void ht_count_shards_init(struct ht_count *count);
/** Discovers shards and begins to read. */
void ht_count_shards_start(struct ht_count *count);
/** Starts reads where there is room. */
void ht_count_shards_read(struct ht_count *count);
/** Cancels running reads; those that come back are dropped. */
void ht_count_shards_stop(struct ht_count *count);
/** Makes reads that wait at the tip come back, so that a flush need not wait for them. */
void ht_count_shards_hurry(struct ht_count *count);
/** Whether a read or a listing runs. */
bool ht_count_shards_are_busy(const struct ht_count *count);
/** Begins further back, where repeats left the window of recent ids short; true where it did. */
bool ht_count_shard_warm_again(struct ht_count_shard *shard);
/** Moves `counted` to the last record that was counted, also inside a batch. */
void ht_count_shard_note_position(struct ht_count_shard *shard);
/** Drops the batch that was counted, and moves the shard on. */
void ht_count_shard_batch_done(struct ht_count_shard *shard);
/** Frees all shards. */
void ht_count_shards_finish(struct ht_count *count);

/* count_records.c */
/** Prepares the reader. 0 or HT_ENOMEM. */
int ht_count_records_init(struct ht_count *count);
/** Puts the counting of waiting batches on the next turn. */
void ht_count_work(struct ht_count *count);
/** Frees what the reader holds. */
void ht_count_records_finish(struct ht_count *count);

/* count_flush.c */
/** Prepares timers and the first generation. 0 or HT_ENOMEM. */
int ht_count_flush_init(struct ht_count *count);
/** Starts the interval. */
void ht_count_flush_start(struct ht_count *count);
/** Flushes now where something is wanted and no flush runs. */
void ht_count_flush_now(struct ht_count *count);
/** Whether something is not durable yet. */
bool ht_count_is_dirty(struct ht_count *count);
/** Tries a failed flush again at once, where one waits. */
void ht_count_flush_retry_now(struct ht_count *count);
/** Frees what is left. */
void ht_count_flush_finish(struct ht_count *count);

/* count_board.c */
/** Fills the flight. 0 or HT_ENOMEM. */
int ht_count_board(struct ht_count *count);
/** Frees the flight's dead letters, once they are durable. */
void ht_count_free_letters(struct ht_count *count);
/** Empties the flight. */
void ht_count_clear_flight(struct ht_count *count);
/** Makes the byte budget know how much memory the pending counts have. */
void ht_count_sync_budget(struct ht_count *count);

/* count_requests.c */
/** Puts the flushes aboard whose records are counted. */
void ht_count_board_flush_requests(struct ht_count *count);
/** Looks whether a waiting flush has what it waited for. */
void ht_count_look_at_flushes(struct ht_count *count);
/** Gives a removed item to the oldest wish for it. */
void ht_count_answer_delete(struct ht_count *count, const struct ht_removed_item *removed);
/** Answers everybody who waits with an error; what is aboard will be tried again. */
void ht_count_tell_failure(struct ht_count *count, const struct ht_error *error);
/** Answers the deletes that found nothing and the flushes that came too late. */
void ht_count_on_answer_due(struct ht_timer *timer);
/** Answers every request with HT_ECANCELED. */
void ht_count_flush_cancel(struct ht_count *count);
