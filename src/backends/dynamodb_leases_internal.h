// SPDX-License-Identifier: MIT
#pragma once

/** The parts of the leases: life, load and trouble (dynamodb_leases.c), what is done with one lease
 * (dynamodb_leases_work.c), the requests (dynamodb_leases_request.c). */

#include "hashtagd/aws/dynamodb_delete_item.h"
#include "hashtagd/aws/dynamodb_get_item.h"
#include "hashtagd/aws/dynamodb_put_item.h"
#include "hashtagd/aws/dynamodb_scan.h"
#include "hashtagd/aws/dynamodb_update_item.h"
#include "hashtagd/backends/dynamodb_leases.h"

#include "dynamodb_lease_row.h"

enum {
    HT_LEASE_PARENTS = 2,
    HT_LEASE_CHILDREN_MAX = 16,
    HT_LEASE_HASH_KEY_BYTES = 48, /* 2^128 - 1 has 39 digits */
    HT_LEASE_NAMES_MAX = 12,
    HT_LEASE_VALUES_MAX = 14,
    HT_LEASE_EXPRESSION_BYTES = 256,
    /* KCL's defaults: LeaseManagementConfig.failoverTimeMillis 10,000; renewed every
     * failover / 3 - 25 ms */
    HT_LEASE_FAILOVER_MS = 10000,
    HT_LEASE_SURE_MS = 8000, /* well before another takes it */
    HT_LEASE_RENEW_MS = 3308,
    HT_LEASE_LOOK_MS = 2000, /* a foreign lease is looked at so often */
    HT_LEASE_TICK_MS = 500,
    HT_LEASE_CLOSE_MS = 10000,
};

/** What a request does to a lease. */
enum ht_lease_action {
    HT_LEASE_READ,
    HT_LEASE_TAKE,
    HT_LEASE_CREATE,
    HT_LEASE_RENEW,
    HT_LEASE_WRITE,
    HT_LEASE_REMOVE,
    HT_LEASE_RELEASE,
};

struct ht_lease;

/** One request on its way. */
struct ht_lease_request {
    struct ht_lease *lease;
    struct ht_lease_request *next; /**< of those that are spent */
    enum ht_lease_action action;
    struct ht_position position; /**< that is written or created */
    union {
        struct ht_dynamodb_get_item get;
        struct ht_dynamodb_put_item put;
        struct ht_dynamodb_update_item update;
        struct ht_dynamodb_delete_item delete;
    };
    char expression[HT_LEASE_EXPRESSION_BYTES];
    struct ht_dynamodb_name names[HT_LEASE_NAMES_MAX];
    size_t name_count;
    struct ht_dynamodb_value values[HT_LEASE_VALUES_MAX];
    size_t value_count;
    struct ht_slice texts[HT_LEASE_CHILDREN_MAX]; /**< of the set among the values */
    size_t text_count;
};

/** A shard: what is known of it, and its row. */
struct ht_lease {
    struct ht_dynamodb_leases *leases;
    char shard_id[HT_SHARD_ID_BYTES];
    char parents[HT_LEASE_PARENTS][HT_SHARD_ID_BYTES];
    char hash_keys[2][HT_LEASE_HASH_KEY_BYTES]; /**< starting, ending */
    /* the row, as it was seen last */
    bool exists;
    bool is_mine;
    bool was_lost;  /**< somebody took it: also one with the same worker id must stand still */
    bool must_read; /**< a condition failed and the answer did not tell why */
    char owner[HT_LEASE_WORKER_BYTES]; /**< where it is not mine */
    uint64_t counter;
    struct ht_position position;
    uint64_t seen_ms;    /**< when this counter was seen first */
    uint64_t looked_ms;  /**< when it was read last */
    uint64_t written_ms; /**< when it was written last, as renewals count it */
    uint64_t sure_ms;    /**< when an answer last said that it is mine */
    /* at work */
    struct ht_lease_request *running;
    struct ht_dynamodb_lease_write *first, *last;
    bool is_released;
};

enum ht_leases_state {
    HT_LEASES_NEW,
    HT_LEASES_SCANNING,
    HT_LEASES_TAKING,
    HT_LEASES_LOADED,
};

struct ht_dynamodb_leases {
    /* fixed after create */
    struct ht_dynamodb_leases_options options; /**< texts are owned */
    char resource[288];                        /**< "table x" */
    /* all leases, sorted by id */
    struct ht_lease **all;
    size_t count, capacity;
    /* load */
    enum ht_leases_state state;
    struct ht_dynamodb_leases_load *load;
    struct ht_dynamodb_scan scan;
    struct ht_buffer scan_key;
    bool is_scanning;
    bool is_outdated; /**< somebody else had leases when it was read: there may be new rows since */
    bool was_lost;    /**< somebody else took or made a row since the scan began */
    unsigned scan_failures;
    struct ht_timer scan_timer;
    /* what happens on the next turn */
    struct ht_timer turn_timer;
    struct ht_dynamodb_lease_write *ended, *ended_last;
    struct ht_lease_request *spent;
    bool trouble_changed, load_ended;
    /* always */
    struct ht_timer tick_timer;
    struct ht_error trouble, failure; /**< what is told; what a request failed with */
    bool needs_person;
    size_t running_count;
    /* close */
    bool is_closing, is_releasing, is_closed;
    uint64_t close_until_ms;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** The lease of a shard; NULL where there is none. */
struct ht_lease *ht_leases_find(const struct ht_dynamodb_leases *leases, const char *shard_id);

/** The same, made where there is none; NULL: memory is out. */
struct ht_lease *ht_leases_get(struct ht_dynamodb_leases *leases, const char *shard_id);

/** Does what is next for a lease, where nothing is on its way. */
void ht_lease_advance(struct ht_lease *lease);

/** Another worker was at work: what was loaded is outdated. */
void ht_leases_note_other(struct ht_dynamodb_leases *leases);

/** Takes in a row that was read where the lease is not this worker's. */
void ht_lease_see(struct ht_lease *lease, const struct ht_lease_row *row);

/** What time does: renewals, looks at foreign leases. */
void ht_lease_tick(struct ht_lease *lease, uint64_t now_ms);

/** An answer came. `row` is NULL where it has none. */
void ht_lease_answered(struct ht_lease_request *request, const struct ht_aws_call *call, int status,
                       const struct ht_lease_row *row);

/** Fills `error` with who has the lease; HT_EBUSY. */
int ht_lease_foreign_error(const struct ht_lease *lease, struct ht_error *error);

/** Ends the first write of a lease, on the next turn. */
void ht_lease_end_write(struct ht_lease *lease, int status, const struct ht_error *error);

/** Starts a request for a lease. `position` is for CREATE and WRITE, else NULL. */
void ht_lease_request_start(struct ht_lease *lease, enum ht_lease_action action,
                            const struct ht_position *position);

/** Gives a running request up. */
void ht_lease_request_cancel(struct ht_lease_request *request);

/** Frees a request that is over. */
void ht_lease_request_free(struct ht_lease_request *request);

/** Whether the noted shard has `parent` among its parents. */
bool ht_lease_is_child(const struct ht_lease *lease, const char *parent);

/** Something may have changed: looks after load, close and trouble. */
void ht_leases_look(struct ht_dynamodb_leases *leases);

/** Notes why a request failed, or (NULL) that one succeeded. */
void ht_leases_note(struct ht_dynamodb_leases *leases, const struct ht_error *error, int status);

/** The same for a call that ended with `status`: it tells keys from permissions. */
void ht_leases_note_call(struct ht_dynamodb_leases *leases, const struct ht_aws_call *call,
                         int status);

/** Monotonic milliseconds. */
static inline uint64_t ht_leases_now_ms(const struct ht_dynamodb_leases *leases)
{
    return ht_clock_monotonic_ms(leases->options.clock);
}
