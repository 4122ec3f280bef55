// SPDX-License-Identifier: MIT
#pragma once

/**
 * Positions of shards in a DynamoDB table whose rows are those of Amazon's Kinesis Client
 * Library (KCL 2.x and 3.x: leaseKey, leaseOwner, leaseCounter, checkpoint, ...), so that its
 * tools can read them and a later version can share the work with it. One process owns all of
 * them: its worker id stands in leaseOwner, and leaseCounter is lock and heartbeat in one.
 *
 *     load:    scan -> take each unfinished row -> on_checkpoint of each -> done
 *     then:    note_shard() what is known, write() a checkpoint, remove() a row
 *     renew:   a row without a write for 3.3 s has its counter raised
 *     close:   writes end -> leaseOwner removed of each row -> on_closed
 *
 * A row that is free or carries this worker's id is taken at once; a foreign one when its
 * counter stood still for 10 s of the monotonic clock (failoverTimeMillis of KCL). A load waits
 * for that. Each update is conditional on the counter that was read last; where the condition
 * fails, the row tells why: counter + 1 and this worker as owner is an own update whose answer
 * was lost; everything else means that somebody else has the row: the lease is lost, writes fail
 * with HT_EBUSY and say who has it, until it can be taken back.
 *
 * A checkpoint never moves backwards: a write of an earlier position than the row has is done
 * without any request. Attributes that this module does not know survive (updates only), and rows
 * of another entityType than LEASE are left alone. Own attributes begin with "ht": htWarmSequence
 * (position.warm_sequence), htTimeMs (of AT_TIMESTAMP).
 *
 * Trouble from outside never ends a load: it goes on with back-off and is told by on_trouble. A
 * write ends with its error after the client's own retries; write the same again.
 *
 * Life: create, load, ..., close, destroy. Loop thread only.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/table.h"

struct ht_dynamodb_leases;

/** How they are made. Pointers are borrowed and outlive the object, texts are copied. */
struct ht_dynamodb_leases_options {
    struct ht_aws_client *aws;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    const struct ht_log *log; /**< may be NULL */
    const char *table_name;   /**< 3 .. 255 bytes */
    const char *worker_id;    /**< leaseOwner: 1 .. 255 bytes, the same after a restart */
    /** The trouble changed: see ht_dynamodb_leases_trouble(). May be NULL. Not from inside a call. */
    void (*on_trouble)(void *user);
    void *user;
};

/** What is known of a shard beside its position. */
struct ht_lease_shard {
    const char *shard_id;           /**< never NULL */
    const char *parent_id;          /**< NULL or empty: none */
    const char *adjacent_parent_id; /**< the other parent of a merge; NULL or empty: none */
    const char *starting_hash_key;  /**< decimal; NULL or empty: unknown, or no such thing */
    const char *ending_hash_key;    /**< likewise */
};

/** Reads all rows and takes them. The struct is the caller's until `done`. */
struct ht_dynamodb_leases_load {
    /** One row, finished ones (END) too. Valid during the call; each comes once. */
    void (*on_checkpoint)(struct ht_dynamodb_leases_load *load,
                          const struct ht_checkpoint *checkpoint);
    void (*done)(struct ht_dynamodb_leases_load *load); /**< once, not from inside the start */
    void *user;                                         /**< the caller's */
    int status; /**< 0; HT_ECANCELED where the leases were closed before */
    struct ht_error error;
};

/** Makes one shard's position durable, or removes its row. The struct is the caller's until
 * `done`. */
struct ht_dynamodb_lease_write {
    const char *shard_id;               /**< 1 .. HT_SHARD_ID_BYTES - 1 bytes; until `done` */
    const struct ht_position *position; /**< until `done`; BEFORE is taken for AFTER */
    void (*done)(struct ht_dynamodb_lease_write *write); /**< once, not from inside the start */
    void *user;                                          /**< the caller's */
    int status; /**< 0: durable, at this place or a later one. HT_EBUSY: somebody else has the
                 *   lease. Else as ht_aws_call.status; nobody knows, write it again */
    struct ht_error error;
    struct ht_dynamodb_lease_write *next; /**< private */
    bool removes;                         /**< private */
};

/** Makes the object. `*leases` is the caller's. HT_EINVAL (a name), HT_ENOMEM. */
int ht_dynamodb_leases_create(struct ht_dynamodb_leases **leases,
                              const struct ht_dynamodb_leases_options *options,
                              struct ht_error *error) HT_MUST_CHECK;

/** Starts the load: first of all, and again after it was outdated. What is this worker's stays so
 * meanwhile, and is renewed. */
void ht_dynamodb_leases_load(struct ht_dynamodb_leases *leases,
                             struct ht_dynamodb_leases_load *load);

/** Remembers what is known of a shard (copied; noted again: the later one counts) for the time when
 * its row is made, and as child of its parents when these are finished. Any time. 0 or HT_ENOMEM. */
int ht_dynamodb_leases_note_shard(struct ht_dynamodb_leases *leases,
                                  const struct ht_lease_shard *shard) HT_MUST_CHECK;

/** Frees what is remembered of a shard that nobody will speak of any more. One that has a row, or
 * whose row is being written, is left alone: remove that first. */
void ht_dynamodb_leases_forget_shard(struct ht_dynamodb_leases *leases, const char *shard_id);

/** Starts a write, after the load. A row that is not there is made (and owned). END finishes the
 * shard: first the rows of its noted children are made (TRIM_HORIZON), then childShardIds and
 * SHARD_END are written in one. Writes of one shard take effect in the order of their start. */
void ht_dynamodb_leases_write(struct ht_dynamodb_leases *leases,
                              struct ht_dynamodb_lease_write *write);

/** Starts removing a row: for a finished shard that its stream lists no more. Fields as in a
 * write; `position` is not looked at. A row that is not there is fine. */
void ht_dynamodb_leases_remove(struct ht_dynamodb_leases *leases,
                               struct ht_dynamodb_lease_write *write);

/** Where a shard's durable position is known: a copy into `*position` and true. */
bool ht_dynamodb_leases_find(const struct ht_dynamodb_leases *leases, const char *shard_id,
                             struct ht_position *position);

/** Whether another worker had a row since the load that was this worker's, or has made one that was
 * not there: what was counted since is not to be written, whoever has the rows now. */
bool ht_dynamodb_leases_are_outdated(const struct ht_dynamodb_leases *leases);

/** Whether all unfinished rows are surely this worker's at this moment: 0; HT_EBUSY where one is
 * another's, or was; HT_ETIMEDOUT where one was not renewed for so long that another may take it, as after the
 * process stood still. Then what was counted must not be written: another may have written it, and
 * deleted it again. */
int ht_dynamodb_leases_check(const struct ht_dynamodb_leases *leases,
                             struct ht_error *error) HT_MUST_CHECK;

/** What is wrong at the moment: NULL where nothing; else one sentence, owned by the object until
 * the next turn. `*needs_person` (may be NULL): no such table, no permission, ... it tries again,
 * but will hardly mend by itself. */
const struct ht_error *ht_dynamodb_leases_trouble(const struct ht_dynamodb_leases *leases,
                                                  bool *needs_person);

/** Ends: a running load ends with HT_ECANCELED, writes that were started are finished, then each
 * row that this worker has is released; at most 10 s in all, then on_closed, once, never from
 * inside. */
void ht_dynamodb_leases_close(struct ht_dynamodb_leases *leases, void (*on_closed)(void *user),
                              void *user);

/** Frees a closed (or never loaded) object; NULL is fine. */
void ht_dynamodb_leases_destroy(struct ht_dynamodb_leases *leases);
