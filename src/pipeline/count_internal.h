// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the files of the count stage share:
 *   count.c          life: load, start, stop, what others may ask
 *   count_lineage.c  discovery, parents and children, what finished shards leave
 *   count_shards.c   reading, the watchdog
 *   count_records.c  a record -> hashtags -> tally and pending
 *   count_window.c   which tweets, and which of their hashtags, are counted already
 *   count_marks.c    what the table has counted already
 *   count_flush.c    making it durable
 *   count_board.c    what one flush takes along
 *   count_totals.c   what others wrote
 *   count_requests.c deletions and flushes that somebody waits for
 *   count_restart.c  loading the table anew, where another process counted meanwhile
 *   count_remember.c telling that recent tweets are read again after a start
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/count.h"
#include "hashtagd/tally/marks.h"
#include "hashtagd/tally/pending.h"
#include "hashtagd/tally/recent_ids.h"
#include "hashtagd/tally/tag_set.h"

#include "count_trail.h"

/** Batches of one shard that may wait: one being counted, one read ahead. */
#define HT_COUNT_BATCHES_MAX 2

/** The marks of one shard. */
struct ht_count_marks {
    struct ht_count_marks *next; /* until their shard is met */
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_marks *marks; /* owned */
    size_t reserved_bytes;
};

/** What a shard has from its start to its end. */
struct ht_count_memory {
    struct ht_recent_ids *recent_ids; /* owned */
    struct ht_count_trail trail;
};

/** One shard. */
struct ht_count_shard {
    struct ht_count *count;
    struct ht_count_shard *next; /* of those that are not done with, in the order of discovery */
    uint32_t index;              /* its number for pending; never given twice */
    /* fixed after discovery */
    struct ht_shard info;
    /* lineage */
    uint64_t listing;               /* the last listing that had it */
    bool is_live;                   /* linked through `next` */
    bool is_heir;                   /* came while its parents were followed */
    bool has_child, is_needed;      /* while the lineage is looked at */
    struct ht_count_marks *marks;   /* owned; NULL where nothing is ahead */
    struct ht_count_memory *memory; /* owned; NULL before the start and when nobody needs it */
    /* state */
    enum ht_count_shard_state state;
    struct ht_position counted;   /* the checkpoint to write: what is in tally and pending */
    bool has_counted;             /* `counted` holds something */
    bool is_dirty;                /* `counted` moved since it was last given to a flush */
    bool is_told;                 /* was given to a flush */
    uint32_t checkpoint;          /* its number in the flight that boards */
    struct ht_position read_from; /* where the next read goes on */
    struct ht_position start;     /* where it began, without a checkpoint */
    struct ht_record_batch *batches[HT_COUNT_BATCHES_MAX]; /* owned; the first is being counted */
    uint64_t batch_started_ns[HT_COUNT_BATCHES_MAX];       /* when the read of each was started */
    size_t batch_count, record_index;
    bool is_reading, is_canceled;
    bool is_cramped;     /* the running read was begun without room for it */
    bool is_warming;     /* what comes is not counted until it is past `counted` */
    bool is_remembering; /* warms, and has neither met a newer record yet nor the tip */
    bool was_recalled;   /* or is just recalled */
    bool is_recalling;   /* finished before this start; nothing that comes is counted */
    bool is_stale;       /* what the running read brings is not wanted any more */
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
    uint32_t *shares;        /* the number in pending of each */
    uint32_t *checkpoint_of; /* by a shard's number: its place in checkpoints */
    size_t delta_count;
    size_t share_count, shares_boarded; /* of them become deltas, some each turn */
    struct ht_tag_set *refreshing;      /* owned by the stage */
    struct ht_slice *refreshes;         /* into it */
    size_t refresh_count;
    size_t totals_applied;
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
    bool is_giving_up; /* the next write that fails ends the stop */
    bool has_given_up; /* it has failed */
    bool
        is_restarting; /* all is forgotten as soon as no read runs, then the table is loaded anew */
    struct ht_table_load load;
    unsigned load_failures;
    struct ht_timer load_timer;
    /* shards */
    struct ht_count_shard *shards; /* that are read, wait, or have something to write */
    struct ht_count_shard **by_id; /* all, sorted */
    size_t shard_count, shard_capacity;
    uint32_t next_index;
    uint64_t listing;
    uint64_t first_listed_ms;     /* monotonic */
    struct ht_checkpoint *loaded; /* checkpoints of the table, sorted */
    size_t loaded_count, loaded_capacity;
    struct ht_count_marks *loaded_marks; /* until their shards are met */
    bool is_listing;
    unsigned list_failures;
    struct ht_stream_list list;
    struct ht_timer list_timer, watchdog_timer;
    uint64_t watched_ms;                             /* when the watchdog looked last */
    bool is_remembering_logged, is_remembering_told; /* the latter: in the text of the health */
    uint64_t remembering_told_ms;                    /* monotonic */
    /* counting */
    struct ht_tweet_reader reader;
    struct ht_timer work_timer;
    struct ht_count_shard *work_shard; /* whose turn it is */
    char *folded;                      /* room for the folded tags of one tweet */
    struct ht_slice *folded_tags;
    uint64_t *folded_hashes; /* of each of them, where that is needed */
    /* flushing */
    struct ht_pending *pending;
    struct ht_tag_set *touched;             /* hashtags that others changed */
    size_t touched_bytes, refreshing_bytes; /* memory of each set, and what a flush takes for it */
    size_t touches_reserved_bytes;
    bool is_refusing; /* touches, since there was room last */
    uint64_t flush_id;
    struct ht_timer board_timer, land_timer;
    struct ht_count_letter *letters, *last_letter;
    size_t letter_count;
    size_t letter_bytes; /* of those that wait and those in flight */
    size_t pending_reserved_bytes;
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

/* count_lineage.c */
/** Prepares the listing. */
void ht_count_lineage_init(struct ht_count *count);
/** Lists the shards. */
void ht_count_lineage_list(struct ht_count *count);
/** A shard was read to its end: its children may start. */
void ht_count_lineage_end(struct ht_count *count);
/** Takes shards that are finished and written out of the list of those that are not done with. */
void ht_count_lineage_settle(struct ht_count *count);
/** The last records of a shard were read once more. */
void ht_count_lineage_recalled(struct ht_count_shard *shard);
/** Makes a shard's memory, with what its parents remember. 0, or HT_ENOMEM, which was told. */
int ht_count_lineage_remember(struct ht_count_shard *shard);
/** Whether the stream still lists the shard. */
bool ht_count_lineage_has(const struct ht_count_shard *shard);
/** Frees all shards. */
void ht_count_lineage_finish(struct ht_count *count);

/* count_marks.c */
/** Keeps a mark of the table until its shard is met. 0 or HT_ENOMEM. */
int ht_count_marks_load(struct ht_count *count, const struct ht_mark *mark);
/** Gives a shard its marks. */
void ht_count_marks_adopt(struct ht_count_shard *shard);
/** Whether the table has counted the hashtag of this record already. */
bool ht_count_marks_cover(const struct ht_count_shard *shard, const struct ht_record *record,
                          struct ht_slice hashtag);
/** Whether the table has counted records of the hashtag that are not read again yet. */
bool ht_count_marks_are_ahead(const struct ht_count *count, struct ht_slice hashtag);
/** Drops the marks where the record is past them. */
void ht_count_marks_look(struct ht_count_shard *shard, const struct ht_record *record);
/** Drops the marks of a shard. */
void ht_count_marks_drop(struct ht_count_shard *shard);
/** Drops those whose shards were not met. */
void ht_count_marks_finish(struct ht_count *count);

/* count_totals.c */
/** Prepares the sets. 0 or HT_ENOMEM. */
int ht_count_totals_init(struct ht_count *count);
/** Puts aboard what others touched. 0 or HT_ENOMEM. */
int ht_count_board_refreshes(struct ht_count *count);
/** Forgets what was aboard. */
void ht_count_clear_refreshes(struct ht_count *count);
/** Flushes at once where touches were refused. */
void ht_count_look_at_touches(struct ht_count *count);
/** Applies what the table told, for a slice of time; `*is_done` where nothing is left. 0 or
 * HT_ENOMEM. */
int ht_count_apply_totals(struct ht_count *count, bool *is_done);
/** The item is gone: the tally goes on with what is pending. 0 or HT_ENOMEM. */
int ht_count_forget(struct ht_count *count, struct ht_slice hashtag);
/** Frees the sets. */
void ht_count_totals_finish(struct ht_count *count);

/* count_shards.c */
/** Prepares timers. */
void ht_count_shards_init(struct ht_count *count);
/** Discovers shards and begins to read. */
void ht_count_shards_start(struct ht_count *count);
/** Prepares a shard that was just met. */
void ht_count_shard_init(struct ht_count_shard *shard);
/** Begins to read a shard whose parents are done. */
void ht_count_shard_start(struct ht_count_shard *shard);
/** Begins to read the last records of a finished shard once more, only to know their ids; false where
 * nobody knows where they are. */
bool ht_count_shard_recall(struct ht_count_shard *shard);
/** The checkpoint of a shard, as far as it is counted. */
void ht_count_shard_describe(const struct ht_count_shard *shard, struct ht_checkpoint *checkpoint);
/** Drops its batches and timers. */
void ht_count_shard_finish(struct ht_count_shard *shard);
/** Starts reads where there is room. */
void ht_count_shards_read(struct ht_count *count);
/** Cancels running reads; those that come back are dropped. */
void ht_count_shards_stop(struct ht_count *count);
/** Makes reads that wait at the tip come back, so that a flush need not wait for them. */
void ht_count_shards_hurry(struct ht_count *count);
/** Whether a shard cannot be read at the moment, or the shards not be listed: others that can must
 * not hide it. */
bool ht_count_shards_are_failing(const struct ht_count *count);
/** Whether a read or a listing runs. */
bool ht_count_shards_are_busy(const struct ht_count *count);
/** Begins further back, where repeats left the window of recent ids short; true where it did. */
bool ht_count_shard_warm_again(struct ht_count_shard *shard);
/** Moves `counted` to the last record that was counted, also inside a batch. */
void ht_count_shard_note_position(struct ht_count_shard *shard);
/** Drops the batch that was counted, and moves the shard on. */
void ht_count_shard_batch_done(struct ht_count_shard *shard);
/** Stops the timers. */
void ht_count_shards_finish(struct ht_count *count);

/* count_records.c */
/** Prepares the reader. 0 or HT_ENOMEM. */
int ht_count_records_init(struct ht_count *count);
/** Puts the counting of waiting batches on the next turn. */
void ht_count_work(struct ht_count *count);
/** Frees what the reader holds. */
void ht_count_records_finish(struct ht_count *count);

/* count_window.c */
/** Whether the id was counted before; where not, it is known from now on. */
bool ht_count_window_seen(struct ht_count_shard *shard, const struct ht_record *record,
                          uint64_t id);
/** Keeps of the first `tag_count` of count->folded_tags those that no version of the tweet with this
 * id had; returns how many. */
size_t ht_count_window_keep_new(const struct ht_count_shard *shard, uint64_t id, size_t tag_count);
/** From now on the tweet with this id had the first `tag_count` of count->folded_tags. */
void ht_count_window_note_tags(struct ht_count_shard *shard, const struct ht_record *record,
                               uint64_t id, size_t tag_count);

/* count_flush.c */
/** Prepares timers and the first generation. 0 or HT_ENOMEM. */
int ht_count_flush_init(struct ht_count *count);
/** Starts the interval. */
void ht_count_flush_start(struct ht_count *count);
/** Flushes now where something is wanted and no flush runs. */
void ht_count_flush_now(struct ht_count *count);
/** Whether what is pending, dead letters included, takes half of the budget or what others leave of it,
 * so that no more is counted before it is written. */
bool ht_count_is_full(const struct ht_count *count);
/** Flushes before the interval is over where ht_count_is_full(). */
void ht_count_look_at_memory(struct ht_count *count);
/** Whether something is not durable yet. */
bool ht_count_is_dirty(struct ht_count *count);
/** Tries a failed flush again at once, where one waits. */
void ht_count_flush_retry_now(struct ht_count *count);
/** Frees what is left. */
void ht_count_flush_finish(struct ht_count *count);

/* count_board.c */
/** Fills the flight, but for its deltas. 0 or HT_ENOMEM. */
int ht_count_board(struct ht_count *count);
/** Fills deltas in for a slice of time; true where all are there. */
bool ht_count_board_some(struct ht_count *count);
/** Frees the flight's dead letters, once they are durable. */
void ht_count_free_letters(struct ht_count *count);
/** Empties the flight. */
void ht_count_clear_flight(struct ht_count *count);
/** Makes the byte budget know how much memory the pending counts have. */
void ht_count_sync_budget(struct ht_count *count);

/* count_requests.c */
/** Puts the flushes aboard whose records are counted. */
void ht_count_board_flush_requests(struct ht_count *count);
/** Answers one that is durable. */
void ht_count_answer_flush(struct ht_count_flush *request, uint64_t hashtags);
/** Puts a flush on the next turn where one that waits has what it waited for, else at the end of its
 * patience. */
void ht_count_look_at_flushes(struct ht_count *count);
/** Gives a removed item to the oldest wish for it. */
void ht_count_answer_delete(struct ht_count *count, const struct ht_removed_item *removed);
/** Whether a hashtag that somebody wishes to delete may board. */
bool ht_count_has_ready_delete(const struct ht_count *count);
/** Puts the deletions aboard that may. */
void ht_count_take_deletes(struct ht_count *count);
/** Answers those that have waited too long. */
void ht_count_tell_slow_deletes(struct ht_count *count);
/** Flushes on the next turn where one that waited may board. */
void ht_count_look_at_deletes(struct ht_count *count);
/** Does for a deletion that is durable what is not done yet because the table named no item: answers
 * with the item as the tally knew it, and forgets it. 0 or HT_ENOMEM. */
int ht_count_complete_delete(struct ht_count *count, struct ht_slice hashtag);
/** Answers everybody who waits with an error; what is aboard will be tried again. */
void ht_count_tell_failure(struct ht_count *count, const struct ht_error *error);
/** Answers everybody who waits with an error; nothing of it will be tried again. */
void ht_count_tell_restart(struct ht_count *count, const struct ht_error *error);
/** Answers the deletes that found nothing and the flushes that came too late. */
void ht_count_on_answer_due(struct ht_timer *timer);
/** Answers every request with HT_ECANCELED. */
void ht_count_flush_cancel(struct ht_count *count);

/* count_remember.c */
/** Whether a shard reads again what was counted before the start. */
bool ht_count_is_remembering(const struct ht_count *count);
/** Tells people that it does, how far it is, and when it is over. */
void ht_count_tell_remembering(struct ht_count *count);

/* count_restart.c */
/** Whether another process has counted since the load, so that nothing of what is pending may be
 * written. */
bool ht_count_is_outdated(const struct ht_count *count);
/** Forgets all that was counted, and loads the table anew. No flight may be in the air. */
void ht_count_restart(struct ht_count *count);
/** Goes on with that where no read and no listing runs any more. */
void ht_count_look_at_restart(struct ht_count *count);
