// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the backings "transactional" and "marks" share: requests that take time and go wrong, a
 * stream of shards, a change feed, an archive and dead letters, all in memory. They differ in the
 * table: table_transactional.c and table_marks.c.
 *
 * A request has two halves. Its effect happens in the world's time, its answer comes in that of the
 * process; a process that is killed between the two leaves the effect behind. One that was killed
 * before is decided by dice: it happens at once, never, or (what was sent over a network) later.
 */

#include "world.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/source.h"

struct plain_side;
struct plain_world;
struct plain_request;

/** How a kind of request is dealt with. */
struct plain_kind {
    const char *name;
    /** What it does to the world; only where its fate allows it. May set `code`. NULL: nothing. */
    void (*effect)(struct plain_request *request);
    /** Fills the caller's struct and calls its done; `code` is 0 or an error. */
    void (*answer)(struct plain_request *request, int code, const struct ht_error *error);
    /** Frees what an effect made and no answer took; may be NULL. */
    void (*discard)(struct plain_request *request);
    bool is_remote; /**< its answer may get lost */
    bool is_copied; /**< its effect needs its numbers alone: it may come when the process is gone */
    bool is_write;  /**< it changes the world, and a full disk stops it */
};

enum plain_part { PLAIN_STREAM, PLAIN_TABLE, PLAIN_ARCHIVE, PLAIN_LETTERS, PLAIN_FEED };

struct plain_request {
    struct ht_timer timer;
    struct plain_world *world;
    struct plain_side *side; /* NULL: an orphan, whose answer nobody waits for */
    struct plain_request *next, **link;
    const struct plain_kind *kind;
    void *user;      /* the caller's request; the world must not look at it for an orphan */
    bool has_effect; /* to come */
    bool is_answering;
    int code;            /* of the answer */
    uint64_t numbers[8]; /* the kind's own, what is asked */
    uint64_t results[4]; /* and what the effect says */
    void *made;          /* likewise */
};

/** One process's side of the world: its ports and what it has under way. */
struct plain_side {
    struct ht_stream stream;
    struct ht_table table;
    struct ht_changes changes;
    struct ht_archive archive;
    struct ht_dead_letters letters;
    struct plain_world *world;
    struct sim_process *process;
    bool is_open, is_dropped;
    struct plain_request *requests;
    uint64_t puts_until_ns; /* puts take effect in the order of their start */
    /* the feed's reader */
    size_t removals_read;
    struct ht_changes_read *feed_read; /* the one that waits */
    struct ht_timer feed_timer;
    /* the archive's open object */
    struct ht_archive_append *appends, *last_append; /* linked through `next` */
    struct ht_timer object_timer;
    bool is_object_closing;
    /* closing */
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
    /* table_marks.c */
    struct marks_flush *flush;            /* owned */
    struct marks_touch *held, *last_held; /* owned: what was refused, and all behind it */
    struct ht_timer held_timer;
    /* leases.c */
    struct ht_timer lease_timer;
    struct ht_table_load *waiting_load; /* for the lease */
    bool has_lease, is_outdated;
    /* what the last flush told, until the next */
    struct ht_removed_item *removed; /* owned */
    struct ht_table_total *totals;   /* owned */
};

struct plain_record {
    char *block; /* owned: data, then key */
    size_t length, key_length;
    uint64_t group; /* what its sequence number says */
    uint64_t sub;
    int64_t arrival_ms;
};

struct plain_shard {
    struct ht_shard info;
    uint64_t low, high;           /* of the hashes of keys, both included */
    struct plain_record *records; /* owned */
    size_t count, capacity, trimmed;
    uint64_t last_group;
    bool is_unlisted; /* closed long ago, and all its records trimmed */
};

/** A removed item, as the feed has it. */
struct plain_removal {
    char *hashtag; /* owned */
    size_t length;
    struct ht_item item; /* its hashtag is the one above */
    int64_t deleted_at_s;
    enum ht_origin origin;
    bool is_committed;
    char *event_id; /* owned: who reads the feed looks at it while the list grows */
};

struct plain_item {
    uint64_t count; /* 0: not there */
    int64_t first_seen_s, last_seen_s, expires_at_s;
    uint64_t version;
    uint64_t told_at; /* table_marks.c: the last confirmation of a write of it */
    uint64_t *marks;  /* owned; by shard: places; NULL: none */
};

struct plain_window {
    int64_t minute;
    char kind; /* 0 adds, 1 replaces, 2 a deletion */
    uint32_t length;
    char *data; /* owned */
};

struct plain_world {
    struct sim_world world;
    bool is_marks; /* else transactional */
    struct plain_side sides[SIM_PROCESSES];
    struct plain_request *orphans;
    /* stream */
    struct plain_shard shards[SIM_SHARDS_MAX];
    unsigned shard_count;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    struct plain_request *readers[SIM_SHARDS_MAX][SIM_PROCESSES]; /* that wait at the tip */
    /* table: by the truth's number of a hashtag */
    struct plain_item *items; /* owned */
    size_t item_capacity;
    struct ht_checkpoint checkpoints[SIM_SHARDS_MAX];
    bool has_checkpoint[SIM_SHARDS_MAX];
    unsigned lease_owner;         /* number of a process + 1; 0: nobody */
    uint64_t lease_ns;            /* when it was renewed */
    struct plain_window *windows; /* owned */
    size_t window_count, window_capacity;
    /* feed */
    struct plain_removal *removals; /* owned */
    size_t removal_count, removal_capacity, committed;
    uint64_t events;
    uint64_t archive_buffer_ms;
};

/* ---- requests (requests.c) ---- */

/** Starts one: its fate is decided by the faults of `part`. */
struct plain_request *plain_start(struct plain_side *side, const struct plain_kind *kind,
                                  enum plain_part part, void *user);

/** Gives it a time of its own: the effect after `delay_ms`. */
void plain_delay(struct plain_request *request, uint64_t delay_ms);

/** Ends it now with an error (a canceled read, say); its effect does not happen. */
void plain_cancel(struct plain_request *request, int code);

/** The process is gone: decides what becomes of all that it has under way. */
void plain_drop(struct plain_side *side);

/** Frees a request that is in no list any more, or takes it out. */
void plain_free(struct plain_request *request);

/** Where the faults want it: the caller hears of a timeout, and the effect comes later. To be asked
 * when the numbers are filled in. */
void plain_make_late(struct plain_request *request);

/** A copy without a process, of which the effect is still to come. */
struct plain_request *plain_orphan(const struct plain_request *request, uint64_t delay_ms);

/** How long a request takes under the faults of now. */
uint64_t plain_latency_ms(struct plain_world *world);

/** The code that `part` is out with; 0 where it is not. */
int plain_outage(const struct plain_world *world, enum plain_part part, bool is_write);

/** The words for a code. */
void plain_error(struct ht_error *error, int code, const char *what);

/* ---- parts ---- */

void plain_stream_init(struct plain_world *world);
void plain_stream_finish(struct plain_world *world);
void plain_stream_open(struct plain_side *side);
/** What is put there; also what another producer does. */
void plain_stream_put(struct plain_world *world, const struct sim_put *puts, size_t count,
                      bool is_aggregated);
bool plain_stream_split(struct sim_world *world);
bool plain_stream_merge(struct sim_world *world);
void plain_stream_trim(struct sim_world *world);
/** The number of a shard by its id. */
unsigned plain_shard(const struct plain_world *world, const char *id);
/** How many records of a shard a position passes. */
uint64_t plain_passed(const struct plain_world *world, unsigned shard,
                      const struct ht_position *position);
/** The place (from 1) of the last record at or before a sequence number; 0: before all. */
uint64_t plain_place(const struct plain_world *world, unsigned shard, struct ht_slice sequence,
                     uint64_t sub_sequence);
/** The sequence number of a place; 0 gives the one before all. */
void plain_sequence(const struct plain_world *world, unsigned shard, uint64_t place, char text[64],
                    uint64_t *sub_sequence);

void plain_feed_open(struct plain_side *side);
void plain_feed_drop(struct plain_side *side);
void plain_feed_finish(struct plain_world *world);
/** Something was removed: readers that wait are woken. */
void plain_feed_wake(struct plain_world *world);
void plain_archive_open(struct plain_side *side);
void plain_archive_drop(struct plain_side *side);
void plain_letters_open(struct plain_side *side);

/** The item of a hashtag. */
struct plain_item *plain_item(struct plain_world *world, struct ht_slice hashtag);
/** The item as the port says it. */
struct ht_item plain_describe(const struct plain_item *item, struct ht_slice hashtag);
/** Removes an item and puts it in the feed; false where there is none. */
bool plain_remove(struct plain_world *world, struct ht_slice hashtag, int64_t now_s,
                  enum ht_origin origin);
/** Writes a checkpoint. */
void plain_checkpoint(struct plain_world *world, const struct ht_checkpoint *checkpoint);
/** Appends to the log of the windows. */
void plain_window(struct plain_world *world, const struct ht_window_part *part);
/** Tells a load all: items, checkpoints, marks where there are any, windows. */
void plain_load(struct plain_world *world, struct ht_table_load *load);
void plain_table_finish(struct plain_world *world);
void plain_marks_open(struct plain_side *side);
/** Whether the feed is held, because what it told was refused. */
bool plain_marks_is_held(const struct plain_side *side);
/** Tells the processes that an item changed. */
void plain_marks_touch(struct plain_world *world, struct ht_slice hashtag);
void plain_marks_finish(struct plain_side *side);
/** Reads the table into a load that need not wait (any more). */
void plain_marks_read(struct plain_side *side, struct ht_table_load *load);

/** The lease (leases.c), in a world that has_leases. A load goes on when the lease is its side's. */
void plain_lease_open(struct plain_side *side);
void plain_lease_close(struct plain_side *side);
void plain_lease_load(struct plain_side *side, struct ht_table_load *load);
/** Whether what is written now is surely there before another process can have the lease. */
bool plain_lease_is_sure(const struct plain_side *side);
/** Whether another process had it since this one's load. */
bool plain_lease_is_outdated(struct plain_side *side);
void plain_transactional_open(struct plain_side *side);

/** The operations of a backing that both share. */
struct sim_world *plain_create(struct sim *sim, struct sim_truth *truth,
                               const struct sim_world_options *options, bool is_marks);
void plain_destroy(struct sim_world *world);
void plain_open(struct sim_world *world, struct sim_process *process, struct ht_budget *budget,
                struct sim_ports *ports);
void plain_close(struct sim_world *world, unsigned process, void (*on_closed)(void *user),
                 void *user);
void plain_drop_process(struct sim_world *world, unsigned process);
void plain_take_down(struct sim_world *world, unsigned process);
void plain_set_faults(struct sim_world *world, const struct sim_faults *faults);
