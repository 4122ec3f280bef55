// SPDX-License-Identifier: MIT
#pragma once

/**
 * A world for the change feed over DynamoDB Streams: a manual clock, a model of a table's stream
 * that answers the feed's calls (it takes the place of ht_aws_call_start), and rows of positions in
 * memory. Time passes only in world_run(), and every answer takes a millisecond.
 */

#include "../../../src/backends/dynamodb_changes_internal.h"

#include "hashtagd/base/timer.h"

enum {
    WORLD_SHARDS = 400,
    WORLD_CALLS = 64,
    WORLD_ROWS = 512,
};

struct model_record {
    char sequence[40];
    char *json; /* owned */
};

struct model_shard {
    char id[64], parent[64];
    struct model_record *records; /* owned */
    size_t count, capacity;
    size_t trimmed; /* how many of the first are gone */
    bool is_closed, is_gone;
    bool is_hidden;     /* not listed yet */
    bool is_old;        /* of the stream that was there before */
    uint64_t polled_ms; /* when it was last asked for records */
    size_t polls;
};

/* One call that waits for its answer. */
struct model_call {
    struct ht_aws_call *call;
    bool is_canceled;
};

struct model_row {
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_position position;
};

struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_changes *changes;
    /* the stream */
    const char *arn;     /* NULL: the table has none */
    const char *old_arn; /* NULL: there was none before */
    const char *status;  /* "ENABLED"; the old one is always "DISABLED" */
    const char *view;
    bool has_table;
    struct model_shard shards[WORLD_SHARDS];
    size_t shard_count;
    uint64_t next_sequence;
    size_t page_size;
    bool knows_filter;
    uint64_t iterator_life_ms;
    struct model_call calls[WORLD_CALLS];
    size_t call_count;
    struct ht_timer answer_timer;
    size_t most_at_once; /* GetRecords under way at the same time */
    size_t made[5];      /* calls by operation, as in enum model_operation */
    /* faults: the next `fault_count` calls of `fault_operation` fail */
    const char *fault_operation, *fault_code;
    int fault_status;
    enum ht_aws_fault fault;
    unsigned fault_count;
    const char *fault_answer; /* instead of failing: a body */
    /* rows */
    struct ht_positions positions;
    struct model_row rows[WORLD_ROWS];
    size_t row_count, save_count, forgotten;
    bool saves_fail, loads_fail, are_positions_closed;
    struct ht_positions_load *load;
    struct ht_positions_save *saves;
    struct ht_timer rows_timer;
    void (*on_rows_closed)(void *user);
    void *on_rows_closed_user;
    /* what came */
    char got[16384];                  /* names in order, with a space behind each */
    uint64_t first_order, last_order; /* of the removals that are not committed */
    char touched[8192];
    size_t touched_count;
    bool refuses_touches; /* behind the next `touches_taken` */
    size_t touches_taken;
    bool is_closed;
};

enum model_operation {
    MODEL_TABLE,
    MODEL_DESCRIBE,
    MODEL_ITERATOR,
    MODEL_RECORDS,
    MODEL_HISTORY,
};

/* cmocka's setup and teardown: a table with a stream of no shards. */
int world_setup(void **state);
int world_teardown(void **state);

/* Makes the feed; after world_close() again, with the rows as they are: a restart. */
void world_open(struct world *world);
void world_close(struct world *world);

/* Lets time pass. */
void world_run(struct world *world, uint64_t ms);

/* Adds a shard; parent may be "". */
struct model_shard *world_shard(struct world *world, const char *id, const char *parent);

/* Adds a change to a shard: the item `tag` is removed, or counts. */
void world_remove(struct world *world, struct model_shard *shard, const char *tag);
void world_count(struct world *world, struct model_shard *shard, const char *tag, unsigned count);
/* A record as it is; NULL sequence: with the next number. */
void world_record(struct world *world, struct model_shard *shard, const char *json);

/* A read on its way. */
struct world_reading {
    struct ht_changes_read read;
    bool is_done;
};

/* Starts a read; the world has to run until it is done. */
void world_start_read(struct world *world, struct world_reading *reading, size_t max_count,
                      uint32_t wait_ms);

/* Reads until `wait_ms` is over or something comes; appends the names to got. How many came. */
size_t world_read(struct world *world, size_t max_count, uint32_t wait_ms);

/* Reads again and again until a hurried read brings nothing. */
void world_drain(struct world *world);

/* Commits what was read and not committed, up to `order` (0: all). Its status. */
int world_commit(struct world *world, uint64_t order);

/* What the row of a shard says: a sequence number, "END <number>", "" where there is none. */
const char *world_row(struct world *world, const char *shard_id);

/* The next `count` calls of an operation fail. */
void world_fail(struct world *world, const char *operation, const char *code, int status,
                unsigned count);
