// SPDX-License-Identifier: MIT
#pragma once

/**
 * The parts of the change feed over DynamoDB Streams.
 *
 *     dynamodb_changes         the port: reads, batches, health, close; one timer turns all parts
 *     dynamodb_changes_stream  finds the table's stream and lists its shards
 *     dynamodb_changes_reader  reads one shard
 *     dynamodb_changes_commit  the window of removals not committed, and the rows of positions
 *
 * Nothing is started from a callback: callbacks note what came and ask for a turn, and the turn
 * starts what may be started. Times are milliseconds of the monotonic clock.
 */

#include "dynamodb_lineage.h"
#include "dynamodb_positions.h"
#include "dynamodb_removal.h"
#include "embedded_deliveries.h"

#include "hashtagd/aws/dynamodb_describe_table.h"
#include "hashtagd/aws/dynamodb_streams_describe_stream.h"
#include "hashtagd/aws/dynamodb_streams_get_records.h"
#include "hashtagd/aws/dynamodb_streams_get_shard_iterator.h"
#include "hashtagd/aws/dynamodb_streams_list_streams.h"
#include "hashtagd/backends/dynamodb_changes.h"
#include "hashtagd/base/backoff.h"

/** What is wrong, for health; error.code 0: nothing. */
struct ht_changes_trouble {
    enum ht_health_state state;
    struct ht_error error;
};

enum ht_changes_step {
    HT_CHANGES_STEP_POSITIONS, /* read the rows; once */
    HT_CHANGES_STEP_TABLE,     /* ask the table for its stream */
    HT_CHANGES_STEP_LIST,      /* list the shards, page by page */
    HT_CHANGES_STEP_HISTORY, /* rows are of none of its shards: which streams were there before? */
};

/** Finding the stream and its shards. */
struct ht_changes_stream {
    enum ht_changes_step step;
    bool is_running; /* a request of this part */
    bool is_found;   /* a complete listing was seen: reading may go on */
    bool is_enabled;
    bool has_newer; /* the table has another stream by now: this one is read to its end first */
    bool has_looked_back;
    uint64_t due_ms;
    uint64_t describe_due_ms; /* not before: 10 calls a second an account */
    unsigned failures;
    char *arn; /* owned; NULL: none yet */
    char last_shard_id[HT_SHARD_ID_BYTES];
    size_t page_count;
    bool relists; /* a listing is wanted as soon as may be */
    enum ht_dynamodb_stream_view view;
    char *candidates; /* owned: older streams to look at, a line each; NULL: none */
    struct ht_change_shard *asked_parent; /* whose children are being asked for */
    struct ht_changes_trouble trouble;    /* of the requests */
    struct ht_changes_trouble condition;  /* of the stream: off, without old images */
    struct ht_dynamodb_describe_table table_op;
    struct ht_dynamodb_streams_describe_stream stream_op;
    struct ht_dynamodb_streams_list_streams history_op;
    struct ht_positions_load load;
};

enum ht_change_reader_state {
    HT_CHANGE_READER_NEEDS_ITERATOR,
    HT_CHANGE_READER_GETTING_ITERATOR,
    HT_CHANGE_READER_IDLE,
    HT_CHANGE_READER_READING,
    HT_CHANGE_READER_FINISHED, /* to be freed on the next turn */
};

/** Reading one shard. */
struct ht_change_reader {
    struct ht_dynamodb_changes *changes;
    struct ht_change_shard *shard;
    enum ht_change_reader_state state;
    char *iterator; /* owned */
    uint64_t iterator_at_ms;
    bool from_horizon; /* the iterator began at TRIM_HORIZON and nothing came of it yet */
    uint64_t due_ms;
    unsigned failures;
    unsigned idle_rounds; /* empty answers in a row */
    unsigned empty_polls; /* empty answers since the hurried read began */
    bool has_failed;      /* since the hurried read began */
    unsigned held_rounds; /* answers in a row of which nothing could be taken: on_touched says no */
    uint64_t held_since_ms; /* or since the hurried read began */
    unsigned limit;         /* records a call */
    struct ht_changes_trouble trouble;
    struct ht_dynamodb_streams_get_shard_iterator iterator_op;
    struct ht_dynamodb_streams_get_records records_op;
};

/** How many rows are written at the same time. */
enum { HT_CHANGES_SAVES = 4 };

/** One write of a row on its way. */
struct ht_changes_save {
    struct ht_positions_save save;
    struct ht_dynamodb_changes *changes;
    struct ht_change_shard *shard; /* NULL: free */
};

enum ht_changes_commit_step {
    HT_CHANGES_COMMIT_NONE,
    HT_CHANGES_COMMIT_ASKED,
    HT_CHANGES_COMMIT_SAVING,
    HT_CHANGES_COMMIT_REMEMBERING,
};

struct ht_dynamodb_changes {
    struct ht_changes changes; /* first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_dynamodb_changes_options options; /* table_name is owned */
    struct ht_positions *positions;             /* owned until it is closed */
    struct ht_embedded_deliveries *deliveries;  /* owned; NULL without a store */
    char *resource;                             /* owned: "the change stream of table x" */
    /* parts */
    struct ht_changes_stream stream;
    struct ht_lineage lineage;
    struct ht_removal_reader removal_reader;
    size_t turn_start;    /* which shard a turn begins with, so that all have theirs */
    unsigned calls;       /* GetRecords and GetShardIterator under way */
    uint64_t next_due_ms; /* collected during a turn */
    struct ht_timer turn_timer;
    bool is_deferred;               /* a timer of 0 ms runs */
    struct ht_changes_trouble told; /* what health says */
    bool is_dropping_touches;       /* they are refused, and hours old; it was logged */
    /* read */
    struct ht_changes_read *read; /* the one that runs, or NULL */
    uint64_t read_at_ms;
    bool is_woken;
    struct ht_counted_removal *ready_first, *ready_last; /* read, not handed out */
    uint64_t last_order;
    /* commit: handed out, not committed, in order */
    struct ht_counted_removal *window_first, *window_last;
    struct ht_changes_commit *commit; /* the one that runs, or NULL */
    enum ht_changes_commit_step commit_step;
    struct ht_changes_save saves[HT_CHANGES_SAVES];
    struct ht_error save_error;
    const struct ht_removal **remembered; /* owned while remembering */
    struct ht_deliveries_add remembering;
    struct ht_changes_recent *recent; /* the one that runs, or NULL */
    void (*recent_done)(struct ht_changes_recent *recent);
    void *recent_user;
    struct ht_timer recent_timer;
    /* close */
    bool is_closing, is_last_save, is_positions_closing;
    uint64_t close_deadline_ms;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** Makes a feed over given positions, which it owns from then on, also on errors. */
int ht_dynamodb_changes_create_over(struct ht_changes **changes,
                                    const struct ht_dynamodb_changes_options *options,
                                    struct ht_positions *positions,
                                    struct ht_error *error) HT_MUST_CHECK;

/** Asks for a turn as soon as the running one is over. */
void ht_dynamodb_changes_turn_soon(struct ht_dynamodb_changes *changes);

/** Notes that something is to be done at `due_ms`; during a turn. */
void ht_dynamodb_changes_wait_until(struct ht_dynamodb_changes *changes, uint64_t due_ms);

/** The monotonic clock. */
uint64_t ht_dynamodb_changes_now_ms(const struct ht_dynamodb_changes *changes);

/** Brings health up to date with the troubles of the parts. */
void ht_dynamodb_changes_tell(struct ht_dynamodb_changes *changes);

/** Notes a request that failed: what `call` says, and what to do about it. */
void ht_dynamodb_changes_note(struct ht_changes_trouble *trouble, const struct ht_aws_call *call,
                              int status);

/** Starts what finding the stream needs now. */
void ht_changes_stream_step(struct ht_dynamodb_changes *changes, uint64_t now_ms);

/** Cancels its requests. */
void ht_changes_stream_cancel(struct ht_dynamodb_changes *changes);

/** A shard ended: its children are to be found. */
void ht_changes_stream_follow(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard);

/** Whether children of ended shards, or a new listing, are still being waited for. */
bool ht_changes_stream_is_settling(const struct ht_dynamodb_changes *changes);

/** Starts what the shards need now. */
void ht_changes_readers_step(struct ht_dynamodb_changes *changes, uint64_t now_ms);

/** Makes every reader ask at once; where `restarts`, their empty answers are counted anew. */
void ht_changes_readers_hurry(struct ht_dynamodb_changes *changes, bool restarts);

/** Whether each open shard answered twice that it has nothing; `*trouble` is one that fails, or NULL. */
bool ht_changes_readers_are_empty(const struct ht_dynamodb_changes *changes,
                                  const struct ht_changes_trouble **trouble);

/** The trouble of a shard that fails again and again; NULL where there is none. */
const struct ht_changes_trouble *
ht_changes_readers_trouble(const struct ht_dynamodb_changes *changes);

/** Cancels their requests; finished ones are freed. Whether none is left. */
bool ht_changes_readers_close(struct ht_dynamodb_changes *changes);

/** Puts a removal that was handed out into the window. It holds its own reference. */
void ht_changes_window_add(struct ht_dynamodb_changes *changes, struct ht_counted_removal *removal);

/** Goes on with the commit and writes rows that are due. */
void ht_changes_commit_step(struct ht_dynamodb_changes *changes, uint64_t now_ms);

/** Wants the rows of all shards that moved to be written, whatever the time. */
void ht_changes_commit_save_all(struct ht_dynamodb_changes *changes);

/** Whether a row is being written or waits for it. */
bool ht_changes_commit_is_saving(const struct ht_dynamodb_changes *changes);

/** Wants the row of a shard that is gone to be removed. */
void ht_changes_commit_remove_row(struct ht_dynamodb_changes *changes,
                                  struct ht_change_shard *shard);

/** Forgets all removals of the window. */
void ht_changes_window_clear(struct ht_dynamodb_changes *changes);
