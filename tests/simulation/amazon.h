// SPDX-License-Identifier: MIT
#pragma once

/**
 * Amazon in memory: Kinesis, DynamoDB with its change streams, Firehose, S3 and a container's
 * credentials, behind the program's own HTTP client, whose place they take (amazon_wire.c). All
 * above the wire is real: signing, retries, skew, refreshing keys, every operation and adapter.
 *
 *     amazon_create(&options)
 *       amazon_create_stream(), amazon_create_table(), ...     the account
 *       amazon_machine_init()                                  where a process runs
 *         ... real adapters on amazon_machine_loop(), _http(), _worker() ...
 *       amazon_machine_finish()
 *     amazon_destroy()
 *
 * Time and dice are the play's (sim.h). Requests take their time, arrive, take effect, and are
 * answered, or not: see AMAZON_FAULT_MAP. What was sent goes on by itself when its process is dead.
 */

#include "sim.h"

#include "hashtagd/base/slice.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

#include <stdbool.h>
#include <stdint.h>

/* fault, its name, what happens to a request */
#define AMAZON_FAULT_MAP(X)                                                                        \
    X(AMAZON_LOST_BEFORE, "lost-before")     /* connection reset, no effect */                     \
    X(AMAZON_LOST_AFTER, "lost-after")       /* connection reset, effect */                        \
    X(AMAZON_SILENT_BEFORE, "silent-before") /* never answered, no effect */                       \
    X(AMAZON_SILENT_AFTER, "silent-after")   /* never answered, effect */                          \
    X(AMAZON_LATE, "late")                   /* takes effect after its sender gave it up */        \
    X(AMAZON_SLOW, "slow")                   /* seconds to minutes */                              \
    X(AMAZON_THROTTLED, "throttled")         /* refused for being too many */                      \
    X(AMAZON_UNAVAILABLE, "unavailable")     /* 503 */                                             \
    X(AMAZON_BROKEN_BEFORE, "broken-before") /* 500, no effect */                                  \
    X(AMAZON_BROKEN_AFTER, "broken-after")   /* 500, effect */                                     \
    X(AMAZON_HTML, "html")                   /* a load balancer's page, no effect */               \
    X(AMAZON_CUT, "cut")                     /* 200, the body ends too early */                    \
    X(AMAZON_WRONG_CRC, "wrong-crc")         /* DynamoDB: the checksum is another's */             \
    X(AMAZON_HUGE, "huge")                   /* the answer has 10 MB of what nobody asked for */   \
    X(AMAZON_PARTIAL, "partial")             /* some of a batch fail */                            \
    X(AMAZON_EXPIRED_ITERATOR, "expired-iterator") /* before its time */                           \
    X(AMAZON_EXPIRED_KEYS, "expired-keys")         /* before their time */                         \
    X(AMAZON_EMPTY_PAGE, "empty-page")             /* nothing, and where to go on */

enum amazon_fault {
#define X(fault, name) fault,
    AMAZON_FAULT_MAP(X)
#undef X
        AMAZON_FAULTS
};

struct amazon;

/** What happened in it, told in the moment of the effect, whoever caused it; any may be NULL. */
struct amazon_watch {
    void (*on_record)(void *user, unsigned shard, size_t number);
    void (*on_shard)(void *user, unsigned shard);
    /** An item of a table was written, or removed: `is_removed`, and then the removal is the last one of
     * amazon_removal(). */
    void (*on_item)(void *user, const char *table, const char *key, bool is_removed);
    void (*on_lines)(void *user, struct ht_slice lines);
    /** Asked before the time to live removes an item; NULL: it may. */
    bool (*may_expire)(void *user, const char *key);
    void *user;
};

/** What one is made with. */
struct amazon_options {
    struct sim *sim; /**< time and dice; borrowed */
    struct amazon_watch watch;
    uint64_t retention_ms; /**< of the stream; 0: 24 h */
    uint64_t change_ms;    /**< of change streams; 0: 24 h */
    uint64_t rollover_ms;  /**< the age at which their shards roll over; 0: 4 h */
    uint64_t keys_ms;      /**< the life of a set of keys; 0: 1 h */
    /** No answer to PutRecords that took effect is lost or slow: a repeat, an outage later, would be
     * behind a small window of recent ids, and count, as promised. */
    bool answers_puts;
    /** What its sender gave up while it was on its way may take effect at any time after; else at
     * once or never. */
    bool lets_late;
};

/** How often each fault strikes, of a request that it can strike: 0 .. 1. */
struct amazon_rates {
    double rate[AMAZON_FAULTS];
};

struct amazon *amazon_create(const struct amazon_options *options);
void amazon_destroy(struct amazon *amazon);

/** From now on. All 0 heals. */
void amazon_set_rates(struct amazon *amazon, const struct amazon_rates *rates);

/* The services, as bits of an outage. */
enum amazon_out {
    AMAZON_OUT_KINESIS = 1,
    AMAZON_OUT_DYNAMODB = 2,
    AMAZON_OUT_STREAMS = 4,
    AMAZON_OUT_FIREHOSE = 8,
    AMAZON_OUT_S3 = 16,
    AMAZON_OUT_KEYS = 32,
    AMAZON_OUT_ALL = 63,
};

/** From now on no request reaches these; 0: the outage is over. */
void amazon_set_outage(struct amazon *amazon, unsigned outages);

/** Usual latency of one way: least and most. At first 1 and 20 ms. */
void amazon_set_latency(struct amazon *amazon, uint64_t least_ms, uint64_t most_ms);

/** The longest that a slow request takes one way, and how late a late one comes. At first 90 s and 10
 * minutes; 0 leaves it. */
void amazon_set_worst(struct amazon *amazon, uint64_t slow_ms, uint64_t late_ms);

/** From now on no keys are good and none are given. */
void amazon_set_refusing(struct amazon *amazon, bool is_refusing);

/** How often a fault struck, and how many requests came in all. */
uint64_t amazon_struck(const struct amazon *amazon, enum amazon_fault fault);
uint64_t amazon_requests(const struct amazon *amazon);
const char *amazon_fault_name(enum amazon_fault fault);

/** How often a fault struck in all of these that were destroyed, for who plays many. */
uint64_t amazon_struck_before(enum amazon_fault fault);

/** Requests that have no answer yet, or no effect yet. */
size_t amazon_on_the_wire(const struct amazon *amazon);

/* --- a computer --- */

/** Where a process runs: what its program is given as loop, worker and HTTP client. */
struct amazon_machine {
    uint32_t magic;
    struct amazon *amazon;
    struct sim_process *process;
    bool is_dead; /**< nothing that it does has an effect any more */
    struct ht_job *first_job, *last_job;
    struct ht_timer job_timer;
};

void amazon_machine_init(struct amazon_machine *machine, struct amazon *amazon,
                         struct sim_process *process);

/** The process was killed: what it has on the wire arrives soon, late or never; it is told soon that
 * all is lost, and so is what it asks from now on. */
void amazon_machine_kill(struct amazon_machine *machine);

/** Nothing may be under way. */
void amazon_machine_finish(struct amazon_machine *machine);

struct ht_loop *amazon_machine_loop(struct amazon_machine *machine);
struct ht_worker *amazon_machine_worker(struct amazon_machine *machine);
struct ht_http_client *amazon_machine_http(struct amazon_machine *machine);

/* --- Kinesis --- */

/** One record as it is stored. */
struct amazon_record {
    struct ht_slice data, partition_key;
    char sequence_number[64];
    int64_t arrival_ms;
};

struct amazon_shard_info {
    char id[32], parent_id[32], adjacent_parent_id[32];
    bool is_closed, is_listed;
    size_t record_count;  /**< ever */
    size_t trimmed_count; /**< of these */
};

void amazon_create_stream(struct amazon *amazon, const char *name, unsigned shard_count);

/** Puts a record as another producer would, on the shard of its key. Returns the shard's number. */
unsigned amazon_put(struct amazon *amazon, struct ht_slice partition_key, struct ht_slice data);

/** The same, on an open shard. */
void amazon_put_on(struct amazon *amazon, unsigned shard, struct ht_slice partition_key,
                   struct ht_slice data);

/** Which open shard a key goes to. */
unsigned amazon_shard_of(const struct amazon *amazon, struct ht_slice partition_key);

unsigned amazon_shard_count(const struct amazon *amazon);
void amazon_shard(const struct amazon *amazon, unsigned shard, struct amazon_shard_info *info);
void amazon_record(const struct amazon *amazon, unsigned shard, size_t number,
                   struct amazon_record *record);

/** Reshards; false where that shard cannot be. A merge takes an open neighbour. */
bool amazon_split(struct amazon *amazon, unsigned shard);
bool amazon_merge(struct amazon *amazon, unsigned shard);

/** Drops the oldest records of a shard, as when their time is over. */
void amazon_trim(struct amazon *amazon, unsigned shard, size_t count);

/* --- DynamoDB --- */

void amazon_create_table(struct amazon *amazon, const char *name, const char *key_name,
                         bool has_stream);

/** An attribute's JSON, {"N":"1"}; NULL where there is none. Valid until the next write. */
const char *amazon_attribute(struct amazon *amazon, const char *table, const char *key,
                             const char *name);
/** The number of one; 0 where there is none. */
uint64_t amazon_number(struct amazon *amazon, const char *table, const char *key, const char *name);

/** Writes as another program: adds to a number, or deletes. False where there is no such item. */
void amazon_add(struct amazon *amazon, const char *table, const char *key, const char *name,
                uint64_t number);
bool amazon_delete(struct amazon *amazon, const char *table, const char *key, bool is_ttl);

/** Which attribute has the time at which an item is over. Such items go by amazon_expire(), a part of
 * them each time. */
void amazon_set_ttl(struct amazon *amazon, const char *table, const char *attribute);
void amazon_expire(struct amazon *amazon, const char *table);

/** Closes all open shards of a table's change stream; each goes on in one or two children. */
void amazon_roll_over(struct amazon *amazon, const char *table, bool splits);

/** Drops what the change stream has, but for the newest `keep` of each shard. */
void amazon_trim_changes(struct amazon *amazon, const char *table, size_t keep);

/** A removal, in the order of the table's life. */
struct amazon_removal {
    const char *key, *event_id;
    uint64_t count, first_seen_s, last_seen_s; /**< of the item */
    int64_t deleted_at_s;                      /**< as the change stream says it */
    unsigned shard;                            /**< of the change stream */
    char sequence_number[32];
    bool is_ttl;
    bool is_trimmed; /**< out of the change stream: nobody can read it any more */
};
size_t amazon_removal_count(const struct amazon *amazon, const char *table);
void amazon_removal(const struct amazon *amazon, const char *table, size_t number,
                    struct amazon_removal *removal);

/** The id of a shard of a change stream. */
void amazon_change_shard_id(unsigned shard, char id[48]);

/* --- Firehose and S3 --- */

void amazon_create_delivery(struct amazon *amazon, const char *name);
void amazon_create_bucket(struct amazon *amazon, const char *name);

/** Lines that were accepted, by Firehose and then by S3, in order. */
size_t amazon_line_count(const struct amazon *amazon);
struct ht_slice amazon_line(const struct amazon *amazon, size_t number);
