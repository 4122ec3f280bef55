// SPDX-License-Identifier: MIT
#pragma once

/**
 * A small Kinesis in memory in the place of aws/client.h, with a manual clock: shards that split
 * and merge, iterators that expire, records that are trimmed, and faults on order. Calls are
 * answered one by one while time passes in world_run().
 */

#include "hashtagd/backends/kinesis_stream.h"

#define WORLD_SHARDS  16
#define WORLD_RECORDS 4096

struct world_record {
    char *data;
    size_t length;
    char key[300];
    char sequence[64];
};

struct world_shard {
    char id[64], parent[64], adjacent[64];
    struct world_record *records; /* WORLD_RECORDS of them */
    size_t count;
    size_t trimmed; /* the first that is still there */
    bool is_closed;
    bool is_listed; /* ListShards has it */
};

/* Orders to answer calls of an operation otherwise. */
struct world_fault {
    const char *operation; /* NULL: any */
    const char *code;      /* "" : the connection breaks; NULL: `body` is answered */
    int http_status;
    const char *body;
    bool takes_effect; /* before it fails */
    unsigned after;    /* calls that are answered well before */
    unsigned times;    /* how often */
};

/* What was asked of it. */
struct world_counts {
    unsigned lists, iterators, gets, puts, canceled;
    char iterator_type[32];                  /* of the last iterator */
    char iterator_sequence[64];              /* of the last iterator */
    unsigned limit;                          /* of the last GetRecords */
    size_t put_most_records, put_most_bytes; /* of a request */
    unsigned puts_at_once;                   /* the most */
    unsigned gets_at_once_of_a_shard;        /* the most */
};

struct ht_aws_client {
    struct ht_manual_clock manual;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_stream *stream;
    struct ht_aws_attempts *first; /* calls that wait */
    struct world_shard shards[WORLD_SHARDS];
    size_t shard_count;
    unsigned next_sequence;
    struct world_fault faults[16];
    struct world_counts counts;
    uint64_t latency_ms;     /* of an answer */
    bool never_ends;         /* iterators of closed shards go on, and no children are told */
    const char *ending;      /* EndingSequenceNumber of closed shards; NULL: above all records */
    bool hides_lag;          /* MillisBehindLatest is always 0 */
    unsigned list_page;      /* shards in a page; 0: all */
    unsigned get_most_bytes; /* GetRecords gives no more; 0: 10 MiB */
    unsigned chaos;          /* of a hundred calls so many fail in one way or another */
    const char *poison_key;  /* PutRecords with such a key in it is refused whole */
    /* fails record `index` of request number `put` (0 and up): NULL, or the error code */
    const char *(*put_fault)(unsigned put, size_t index, const char *key);
};

/* Starts with `shards` open shards, and the stream on it. */
void world_start(struct ht_aws_client *world, size_t shards);
/* Makes the stream; options that are not 0 are kept. */
void world_open(struct ht_aws_client *world, const struct ht_kinesis_stream_options *options);
/* Closes and destroys the stream; fails where that takes longer than ten seconds. */
void world_close(struct ht_aws_client *world);
/* Closes what is open and frees all. */
void world_finish(struct ht_aws_client *world);

/* Lets time pass. */
void world_run(struct ht_aws_client *world, uint64_t ms);

/* Orders a fault. */
void world_fault(struct ht_aws_client *world, struct world_fault fault);

/* Puts a record on a shard; returns its sequence number. */
const char *world_add(struct ht_aws_client *world, size_t shard, struct ht_slice data,
                      const char *key);
const char *world_add_text(struct ht_aws_client *world, size_t shard, const char *text);

/* Closes shards and opens children; `b` may be the same as `a`. Returns the first child. */
size_t world_split(struct ht_aws_client *world, size_t shard);
size_t world_merge(struct ht_aws_client *world, size_t a, size_t b);

/* Forgets the records of a shard before `index`. */
void world_trim(struct ht_aws_client *world, size_t shard, size_t index);
