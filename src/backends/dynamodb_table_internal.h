// SPDX-License-Identifier: MIT
#pragma once

/** The parts of the table on DynamoDB: port, health and close (dynamodb_table.c), loading
 * (dynamodb_table_load.c), the steps of a flush (dynamodb_table_flush.c), its requests
 * (dynamodb_table_work.c), what a flush knows of its hashtags (dynamodb_table_groups.c). */

#include "hashtagd/aws/dynamodb_delete_item.h"
#include "hashtagd/aws/dynamodb_describe_table.h"
#include "hashtagd/aws/dynamodb_get_item.h"
#include "hashtagd/aws/dynamodb_scan.h"
#include "hashtagd/aws/dynamodb_update_item.h"
#include "hashtagd/backends/dynamodb_table.h"

#include "dynamodb_mark.h"
#include "dynamodb_pace.h"

enum {
    HT_DYNAMODB_SEGMENTS = 4,
    HT_DYNAMODB_ENDED_MAX = 64,  /* shards whose marks are removed: the latest */
    HT_DYNAMODB_REMOVES_MAX = 3, /* marks removed by one update */
    HT_DYNAMODB_NAMES_MAX = 5 + HT_DYNAMODB_REMOVES_MAX,
    HT_DYNAMODB_DELETES_AT_ONCE = 16,
    HT_DYNAMODB_SLICE_NS = 1500000, /* work of one turn */
    HT_DYNAMODB_NO_PROGRESS_MS = 10000,
    HT_DYNAMODB_CLOSE_MS = 10000,
    /* Another daemon that reads the same stream by mistake may be so far behind: until then marks
     * of ended shards keep it from counting twice. */
    HT_DYNAMODB_ENDED_MS = 15 * 60 * 1000,
};

struct ht_dynamodb_table;

/** A hashtag of a flush. */
struct ht_dynamodb_group {
    struct ht_slice hashtag;           /**< in ht_dynamodb_flush.texts */
    int64_t first_seen_s, last_seen_s; /**< of all its deltas */
    bool is_deleted;                   /**< the flush deletes it */
    bool is_known;                     /**< `total` is what an answer said */
    struct ht_table_total total;
};

/** What is to be done for one delta, refresh or deletion. */
enum ht_dynamodb_step {
    HT_DYNAMODB_UPDATE,
    HT_DYNAMODB_READ_MARK, /**< the condition failed and the answer did not tell the item */
    HT_DYNAMODB_REFRESH,
    HT_DYNAMODB_LOOK, /**< read what is about to be deleted: a lost answer would lose it */
    HT_DYNAMODB_DELETE,
    HT_DYNAMODB_DONE,
};

/** What is left of a delta of which a part is counted already. */
struct ht_dynamodb_rest {
    uint64_t count;
    char first[HT_MARK_VALUE_BYTES];
};

/** What LOOK saw of an item that is to be deleted, and what it is known by: an item that is made anew
 * later has not got that. So a DELETE that arrives late, after its answer was given up, cannot take
 * along what was counted since. */
struct ht_dynamodb_seen {
    enum {
        HT_DYNAMODB_SEEN_MARK,    /**< it has the mark `name` with `value` */
        HT_DYNAMODB_SEEN_TIME,    /**< it has no mark, but lastSeen `last_seen_s` */
        HT_DYNAMODB_SEEN_NEITHER, /**< the older notebook's */
        HT_DYNAMODB_SEEN_ODD, /**< lastSeen is no whole number: deleted whatever it is by then */
    } kind;
    char name[HT_MARK_NAME_BYTES];
    char value[HT_MARK_VALUE_BYTES];
    uint64_t last_seen_s;
};

struct ht_dynamodb_work {
    enum ht_dynamodb_step step;
    uint32_t group; /**< of a delta or refresh */
    unsigned attempts;
    uint64_t due_ms;               /**< not before; while it waits for another try */
    struct ht_dynamodb_rest *rest; /**< owned; NULL: the whole delta */
};

/** What a flush takes for each delta: its work and a place in the ring of those that wait; its group,
 * up to four places in their index, and what is told of it; the hashtag's text, most of the time. */
#define HT_DYNAMODB_DELTA_BYTES                                                                    \
    (sizeof(struct ht_dynamodb_work) + sizeof(uint32_t) + sizeof(struct ht_dynamodb_group) +       \
     4 * sizeof(uint32_t) + sizeof(struct ht_table_total) + 32)

/** A list of works, and where it is. */
struct ht_dynamodb_works {
    struct ht_dynamodb_work *all; /**< owned */
    size_t count;
    size_t next;     /**< the first that was not started in this try */
    size_t done;     /**< how many are DONE */
    uint32_t *again; /**< owned: those that wait for another try, a ring of `count` */
    size_t again_at; /**< its first */
    size_t again_count;
};

/** One request on its way. */
struct ht_dynamodb_slot {
    struct ht_dynamodb_table *table;
    bool is_busy;
    size_t work;
    enum ht_dynamodb_step step;
    struct ht_dynamodb_update_item update;
    struct ht_dynamodb_get_item get;
    struct ht_dynamodb_delete_item delete;
    struct ht_dynamodb_name names[HT_DYNAMODB_NAMES_MAX];
    struct ht_dynamodb_value values[6];
    char first[HT_MARK_VALUE_BYTES], last[HT_MARK_VALUE_BYTES];
};

enum ht_dynamodb_phase {
    HT_DYNAMODB_PREPARING,
    HT_DYNAMODB_WRITING,
    HT_DYNAMODB_CHECKPOINTS,
    HT_DYNAMODB_DELETING,
    HT_DYNAMODB_WINDOWS,
    HT_DYNAMODB_FINISHED,
};

/** A flush, with what is kept of it from one try to the next. */
struct ht_dynamodb_flush {
    struct ht_table_flush *request; /**< NULL between tries */
    bool is_kept;                   /**< there is something of flush `id` */
    uint64_t id;
    enum ht_dynamodb_phase phase;
    /* its hashtags */
    struct ht_buffer texts;
    struct ht_dynamodb_group *groups; /**< owned */
    size_t group_count;
    uint32_t *index; /**< owned: 1 + group, by hash; 0: free */
    size_t index_size;
    size_t prepared; /**< deltas, then refreshes, then deletes that have their group */
    struct ht_dynamodb_works writes, deletes;
    struct ht_removed_item
        *removed; /**< owned; one a delete, in their order; hashtag empty: none */
    size_t removed_count;
    struct ht_dynamodb_seen *seen; /**< owned; one a delete, in their order */
    struct ht_table_total *totals; /**< owned */
    size_t total_count;
    /* the update's expressions */
    char expression[160], plain_expression[160];
    char removes[HT_DYNAMODB_REMOVES_MAX][HT_MARK_NAME_BYTES];
    size_t remove_count;
    char (*marks)[HT_MARK_NAME_BYTES]; /**< owned: the name of each checkpoint's mark */
    /* checkpoints */
    struct ht_dynamodb_lease_write *lease_writes; /**< owned */
    size_t lease_writes_running;
    /* this try */
    uint64_t progress_ms;
    int status; /**< why the try ends when nothing is on its way any more; 0: it goes on */
    struct ht_error error;
    struct ht_error last_error; /**< what went wrong last, while it is tried again */
    bool was_hot;
    struct ht_table_flush windows; /**< what the windows' table gets */
    bool windows_running;
};

/** One segment of the scan. */
struct ht_dynamodb_segment {
    struct ht_dynamodb_table *table;
    struct ht_dynamodb_scan scan;
    struct ht_buffer key; /**< where it goes on */
    struct ht_timer timer;
    bool is_running, is_done;
    unsigned failures;
};

enum ht_dynamodb_load_phase {
    HT_DYNAMODB_LOAD_NONE,
    HT_DYNAMODB_LOAD_DESCRIBE,
    HT_DYNAMODB_LOAD_LEASES,
    HT_DYNAMODB_LOAD_SCAN,
    HT_DYNAMODB_LOAD_WINDOWS,
    HT_DYNAMODB_LOAD_END,
};

struct ht_dynamodb_loading {
    struct ht_table_load *request;
    enum ht_dynamodb_load_phase phase;
    struct ht_dynamodb_describe_table describe;
    bool is_describing;
    unsigned failures;
    struct ht_timer timer;
    struct ht_dynamodb_leases_load leases;
    bool leases_running;
    struct ht_dynamodb_segment segments[HT_DYNAMODB_SEGMENTS];
    struct ht_table_load windows;
    bool windows_running, has_window_parts;
};

/** A shard that is finished for good. */
struct ht_dynamodb_ended {
    char name[HT_MARK_NAME_BYTES]; /**< of its mark */
    uint64_t since_ms;
};

struct ht_dynamodb_table {
    struct ht_table table; /**< first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_dynamodb_table_options options; /**< texts are owned */
    char resource[288];                       /**< "table x" */
    struct ht_dynamodb_leases *leases;        /**< owned */
    struct ht_dynamodb_loading loading;
    struct ht_dynamodb_flush flush;
    struct ht_dynamodb_pace pace;
    struct ht_dynamodb_slot *slots[HT_PACE_MOST]; /**< made when needed */
    unsigned in_flight;
    struct ht_timer pump_timer; /**< the next slice, or the next try of something */
    struct ht_dynamodb_table_counters counters;
    struct ht_dynamodb_ended ended[HT_DYNAMODB_ENDED_MAX]; /**< a ring */
    size_t ended_count, ended_next, ended_cursor;
    bool warned_of_marks;
    /* close */
    bool is_closing, leases_closing, leases_closed;
    uint64_t close_until_ms;
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/* dynamodb_table.c */

/** The adapter of a port. */
struct ht_dynamodb_table *ht_dynamodb_table_from(struct ht_table *port);
/** Sets the health after a failure: whether a person is needed comes from `status`. */
void ht_dynamodb_table_fail(struct ht_dynamodb_table *table, int status,
                            const struct ht_error *error);
/** Sets the health after a success, unless the leases have trouble. */
void ht_dynamodb_table_succeed(struct ht_dynamodb_table *table);
/** Whether the failure will hardly mend by itself. */
bool ht_dynamodb_table_needs_person(int status);
/** The failure in one sentence with its cure. */
void ht_dynamodb_table_explain(const struct ht_dynamodb_table *table,
                               const struct ht_aws_call *call, int status, struct ht_error *error);
/** Notes a shard that is finished: its marks may go, later. */
void ht_dynamodb_table_note_ended(struct ht_dynamodb_table *table, const char *shard_id);
/** Goes on with closing, where that is asked for. */
void ht_dynamodb_table_look_at_close(struct ht_dynamodb_table *table);

/* dynamodb_table_load.c */

void ht_dynamodb_load_start(struct ht_table *port, struct ht_table_load *load);
/** Ends a load because the table is closed. */
void ht_dynamodb_load_stop(struct ht_dynamodb_table *table);
/** Whether something of a load is on its way. */
bool ht_dynamodb_load_is_busy(const struct ht_dynamodb_table *table);
void ht_dynamodb_load_finish(struct ht_dynamodb_table *table);

/* dynamodb_table_flush.c */

void ht_dynamodb_flush_init(struct ht_dynamodb_table *table);
void ht_dynamodb_flush_start(struct ht_table *port, struct ht_table_flush *request);
/** Does the next slice of the flush. */
void ht_dynamodb_flush_pump(struct ht_timer *timer);
/** Lets this try end with an error. */
void ht_dynamodb_flush_stop(struct ht_dynamodb_table *table, int status,
                            const struct ht_error *error);
void ht_dynamodb_flush_soon(struct ht_dynamodb_table *table, uint64_t delay_ms);
void ht_dynamodb_flush_finish(struct ht_dynamodb_table *table);

/* dynamodb_table_groups.c */

/** Frees and forgets the flush before. */
void ht_dynamodb_flush_clear(struct ht_dynamodb_flush *flush);
/** Makes the memory for a new flush. 0 or HT_ENOMEM. */
int ht_dynamodb_flush_reserve(struct ht_dynamodb_table *table) HT_MUST_CHECK;
/** Gives the next deltas, refreshes and deletes their group, for a slice of time; true: all have
 * one. */
bool ht_dynamodb_flush_prepare(struct ht_dynamodb_table *table, uint64_t until_ns);
/** Takes the item that an answer holds as the group's total. */
void ht_dynamodb_group_take(struct ht_dynamodb_group *group,
                            const struct ht_dynamodb_answer *answer);
/** Gathers the totals of all groups. */
void ht_dynamodb_flush_gather(struct ht_dynamodb_flush *flush);

/* dynamodb_table_work.c */

/** Makes the update's expressions. */
void ht_dynamodb_work_begin(struct ht_dynamodb_table *table);
/** Starts what may be started until then. */
void ht_dynamodb_work_run(struct ht_dynamodb_table *table, struct ht_dynamodb_works *works,
                          uint64_t until_ns);
/** Gives up what is on its way. */
void ht_dynamodb_work_cancel(struct ht_dynamodb_table *table);
/** Reads one item. HT_ENOTFOUND: it has no valid hashtag or htCount. `hashtag` of the item is in
 * the answer or in `arena`. */
int ht_dynamodb_item_read(const struct ht_json_reader *reader, struct ht_json_value value,
                          struct ht_buffer *arena, struct ht_item *item);

/** Monotonic milliseconds. */
static inline uint64_t ht_dynamodb_now_ms(const struct ht_dynamodb_table *table)
{
    return ht_clock_monotonic_ms(table->options.clock);
}
