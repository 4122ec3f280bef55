// SPDX-License-Identifier: MIT
#pragma once

/** A stream of tags, the table under test over a small DynamoDB, and flushes of any part of the
 * stream, whose truth can be counted. */

#include "hashtagd/backends/dynamodb_table.h"

#include "fake_dynamodb.h"

#define TABLE   "hashtags"
#define LEASES  "hashtags-stream-leases"
#define SHARD_0 "shardId-000000000000"
#define SHARD_1 "shardId-000000000031"

enum {
    NOW_S = 1700000000,
    TAGS = 6,
    SHARDS = 2,
};

/* What a flush of a test is made of: all records of each shard in (from, to]. */
struct flight {
    struct ht_table_flush flush;
    struct world *world;
    struct ht_delta deltas[TAGS * SHARDS];
    char sequences[TAGS * SHARDS][2][24];
    struct ht_checkpoint checkpoints[SHARDS];
    struct ht_slice deletes[TAGS];
    uint64_t from[SHARDS], to[SHARDS];
    unsigned tags[TAGS * SHARDS], shards[TAGS * SHARDS];
    char rest_sequence[24];
    bool is_done;
};

/* The world: a stream whose record n (1 and up) of a shard carries tag (n * 7 + n / 3) % TAGS. */
struct world {
    struct fake_dynamodb *fake;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_table *table;
    struct ht_table_load load;
    bool is_loaded, is_closed;
    uint64_t ttl_s;
    bool counts_nothing;
    uint64_t loaded_counts[TAGS];
    unsigned loaded_times[TAGS];
    uint64_t checkpoints[SHARDS]; /* as loaded */
    uint64_t marks[SHARDS][TAGS]; /* as loaded; 0: none ahead */
    uint64_t expected;
    uint64_t next_id;
    struct ht_table windows;
    unsigned window_flushes, window_parts;
    int window_status, window_load_status;
};

extern const char *const tag_names[TAGS];

/* Which tag a record of the stream has, and the number of a tag. */
unsigned tag_of(uint64_t record);
unsigned index_of_tag(struct ht_slice name);

/* cmocka's; *state is the world. */
int table_setup(void **state);
int table_teardown(void **state);

/* Makes the table and starts its load; the second waits for it, without faults. */
void open_table(struct world *world);
void open_loaded(struct world *world);
void close_table(struct world *world);

/* What is due and all answers, without faults; and the same while time passes. */
void settle(struct world *world);
void pass(struct world *world, uint64_t ms);

/* Fills a flight with the records (from, to] of each shard. `marks` as loaded; NULL: none. */
void board(struct world *world, struct flight *flight, const uint64_t from[SHARDS],
           const uint64_t to[SHARDS], const uint64_t marks[SHARDS][TAGS]);

/* Flushes it, or starts to; its status. */
void start_flush(struct world *world, struct flight *flight);
int flush_now(struct world *world, struct flight *flight);

/* What is counted of a tag up to there, and what the table has. */
uint64_t truth(unsigned tag, const uint64_t to[SHARDS]);
uint64_t stored(struct world *world, unsigned tag);
void assert_counts(struct world *world, const uint64_t to[SHARDS]);

/* For ops->close. */
void world_closed(void *user);
