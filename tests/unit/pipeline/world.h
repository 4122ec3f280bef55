// SPDX-License-Identifier: MIT
#pragma once

/**
 * A small world for the stages: every port in memory, a manual clock, faults on demand.
 * What is "durable" here outlives a stage: a test drops the stages without stopping them
 * (a crash), makes new ones over the same world, and compares with the truth.
 *
 * All answers come by timers after a delay from the seed, so they interleave.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/clock.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/archive.h"
#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/changes.h"
#include "hashtagd/pipeline/dead_letters.h"
#include "hashtagd/pipeline/source.h"
#include "hashtagd/pipeline/stream.h"
#include "hashtagd/pipeline/table.h"

enum {
    WORLD_RECORDS_MAX = 20000,
    WORLD_SHARDS_MAX = 24,
    WORLD_OWNERS_MAX = 2,
    WORLD_DELTAS_MAX = 4096,
    WORLD_ITEMS_MAX = 2048,
    WORLD_REMOVALS_MAX = 4096,
    WORLD_LETTERS_MAX = 256,
    WORLD_LINES_MAX = 4096,
    WORLD_TAG_BYTES = 32,
    WORLD_BATCH_MAX = 37, /* records a read: odd, so that borders fall everywhere */
};

struct world_record {
    char *data; /* owned */
    size_t length;
    unsigned shard;
    uint64_t sequence; /* in its shard, from 1 */
    int64_t arrival_ms;
};

struct world_item {
    char tag[WORLD_TAG_BYTES];
    uint64_t count; /* 0: not there */
    int64_t first_seen_s, last_seen_s;
    uint64_t marks[WORLD_SHARDS_MAX]; /* the last record of each shard that it includes; 0: none */
};

struct world_removal {
    struct world_item item;
    char event_id[32];
    char object[32];
    int64_t deleted_at_s, archived_at_s;
};

/* A client of a table that has no transaction: writes go one by one, each may get lost, or its
 * answer. What it knows of its flush is gone after a crash. */
struct world_owner {
    struct ht_table table;
    struct world *world;
    struct ht_table_flush *flush;
    uint64_t id; /* of the flush that the rest is about */
    bool has_failed;
    size_t at, first;                          /* next write, and where the writing began */
    bool is_written[WORLD_DELTAS_MAX];         /* confirmed */
    uint64_t totals[WORLD_DELTAS_MAX];         /* what the confirmation told */
    uint64_t told_at[WORLD_DELTAS_MAX];        /* its place among all confirmations */
    bool is_deleted[WORLD_DELTAS_MAX];         /* by the number in deletes */
    bool is_logged;                            /* the windows' parts */
    size_t checkpoints_given, refreshes_given; /* with all flushes */
    struct ht_removed_item removed[64];
    size_t removed_count;
    struct ht_table_total told[WORLD_ITEMS_MAX];
};

/* A write of which nobody had an answer, and which arrives after all: perhaps when its process is gone. */
struct world_late_write {
    char tag[WORLD_TAG_BYTES];
    unsigned shard;
    uint64_t first, last, count;
};

struct world {
    /* the ports that stages are given */
    struct ht_stream stream;
    struct ht_table table;
    struct ht_dead_letters dead_letters;
    struct ht_changes changes;
    struct ht_archive archive;
    struct ht_source source;
    struct ht_budget budget;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;

    /* durable: stream */
    struct world_record records[WORLD_RECORDS_MAX];
    size_t record_count;
    struct ht_shard shards[WORLD_SHARDS_MAX];
    size_t shard_count;
    uint64_t last_sequence[WORLD_SHARDS_MAX];
    uint64_t consumed[WORLD_SHARDS_MAX];
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    /* durable: table */
    struct world_item items[WORLD_ITEMS_MAX];
    size_t item_count;
    struct ht_checkpoint checkpoints[WORLD_SHARDS_MAX];
    size_t checkpoint_count;
    struct ht_buffer
        window_log; /* int64 minute, u8 kind (0 add, 1 replace, 2 deletion), u32 length,
                                    bytes */
    /* durable: change feed, archive, dead letters */
    struct world_removal removals[WORLD_REMOVALS_MAX];
    size_t removal_count, removals_committed;
    char *lines[WORLD_LINES_MAX]; /* owned */
    size_t line_count;
    struct ht_buffer letters; /* the bytes of all, each with \n */
    size_t letter_count;

    /* the change feed's reader; a crash puts it back to what is committed */
    size_t removals_read;
    struct ht_changes_read *waiting_changes_read;
    struct ht_timer changes_timer;

    /* faults: how many of the next operations fail, and how */
    unsigned fail_puts, fail_reads, fail_flushes, fail_letters, fail_appends, fail_commits;
    unsigned fail_changes; /* reads of the change feed */
    unsigned commit_count; /* asked for */
    uint64_t commit_ms;    /* one takes at least so long */
    int load_status;       /* what loading the table ends with */
    size_t batch_bytes;    /* what a batch with records says that it holds, as far as the read lets
                              * it; 0: the truth */
    unsigned fail_lists;   /* listings of the shards */
    unsigned refuse_records; /* how many of the next records that are put are refused for good */
    bool waits_at_tip;       /* a read that finds nothing takes as long as it may */
    bool hold_reads;         /* reads are never answered unless canceled */
    size_t flush_count;      /* flushes of the table that were asked for */
    bool is_outdated;        /* another counted since the load: flushes fail until the next */
    bool is_waiting;         /* the table says that its load waits for another process */
    bool hold_flushes;       /* a flush of the table is never answered */
    int lost_shard;          /* number + 1 of a shard that cannot be read any more; 0: none */
    uint64_t delay_max_ms;   /* answers come after 0 .. this */
    unsigned lost_percent;   /* owners' writes of which the request or the answer is lost */

    /* a table without transactions, and a stream like Kinesis */
    struct world_owner owners[WORLD_OWNERS_MAX];
    struct world_late_write late_writes[64];
    size_t late_count;
    uint64_t confirmations;
    bool is_kinesis;                    /* long sequence numbers, aggregated records, going back by
                                         * the warm sequence number only */
    bool is_unlisted[WORLD_SHARDS_MAX]; /* shards that the listing leaves out */
    /* as of the change feed: what is refused is told again, later */
    int (*on_touched)(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed);
    void *on_touched_user;

    char last_key[257]; /* the partition key of the last record that was put */

    /* the source under test */
    struct ht_source_sink *sink;
    bool is_source_paused, is_source_started;
    char started_with[HT_SOURCE_CURSOR_BYTES + 1];
    unsigned resume_count;
    void (*on_source_stopped)(void *user);
    void *on_source_stopped_user;

    void *running; /* operations not answered yet */
    /* puts and appends take effect in the order of their start */
    struct ht_stream_put *first_put;        /* linked through `adapter` */
    struct ht_archive_append *first_append; /* linked through `next` */
};

/** Makes an empty world with `shard_count` shards; everything from `seed`. */
struct world *world_create(uint64_t seed, size_t shard_count);

/** Frees it. */
void world_destroy(struct world *world);

/** Drops every operation that is not answered: a crash. Call it after the stages are gone. */
void world_crash(struct world *world);

/** Moves time on by `ms`, firing timers on the way. */
void world_run(struct world *world, uint64_t ms);

/** Runs until *done or `limit_ms` are over; returns *done. */
bool world_run_until(struct world *world, const bool *done, uint64_t limit_ms);

/** Puts a tweet on the stream as another producer would. */
void world_add_tweet(struct world *world, unsigned shard, uint64_t id, const char *const *tags,
                     size_t tag_count);

/** Hashtags, as they are spelled. */
struct world_tags {
    const char *const *list;
    size_t count;
};

/** Puts a version of a post that can be edited on the stream: one of Bluesky where the id is even,
 * else one of Mastodon. */
void world_add_post(struct world *world, unsigned shard, uint64_t id, bool is_edit,
                    struct world_tags tags);

/** Puts any bytes on the stream. */
void world_add_record(struct world *world, unsigned shard, const char *data);

/** Adds to an item as an older program would: without marks. */
void world_add_outside(struct world *world, const char *tag, uint64_t count);

/** Deletes an item as another program would; false where that would take a count along that this
 * program has written but not yet checkpointed: nobody could tell that from a new item. */
bool world_delete_outside(struct world *world, const char *tag);

/** Lets the writes arrive that are late. One that finds its item deleted since is taken for lost: no
 * table could tell it from a new one. */
void world_arrive_late(struct world *world);

/** Adds a shard; `parent`, `other_parent`: their numbers or -1. They are closed. Returns its number. */
unsigned world_add_shard(struct world *world, int parent, int other_parent);

/** The durable count of a tag; 0 where it is not there. */
uint64_t world_count(const struct world *world, const char *tag);

/** Sets a bool: for callbacks `on_stopped(user)`. */
void world_set_true(void *user);
