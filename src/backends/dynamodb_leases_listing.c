// SPDX-License-Identifier: MIT

/* Rows of shards that the stream does not list any more:
 *
 *     noted, noted, ... -> end_listing -> not there, again and again -> not needed -> removed
 */

#include "dynamodb_leases_internal.h"

#include "hashtagd/base/assert.h"

static void on_removed(struct ht_dynamodb_lease_write *write);

static bool is_finished(const struct ht_lease *lease)
{
    return lease->position.kind == HT_POSITION_END;
}

/* A child that has not begun learns from the row that it is one, and so where to begin. */
static bool is_needed_by(const struct ht_lease *child, const struct ht_lease *parent)
{
    if (!ht_lease_is_child(child, parent->shard_id)) {
        return false;
    }
    bool has_begun = child->position.kind == HT_POSITION_AFTER || is_finished(child);
    return !(child->exists && has_begun) && child->unlisted < HT_LEASE_UNLISTED_FINISHED;
}

static bool is_needed(const struct ht_lease *lease)
{
    const struct ht_dynamodb_leases *leases = lease->leases;
    unsigned most = !lease->exists || is_finished(lease) ? HT_LEASE_UNLISTED_FINISHED
                                                         : HT_LEASE_UNLISTED_UNFINISHED;
    bool needed = lease->unlisted < most;
    for (size_t i = 0; !needed && i < leases->count; i++) {
        needed = is_needed_by(leases->all[i], lease);
    }
    return needed;
}

/* Backwards, because what is forgotten leaves the list. */
void ht_dynamodb_leases_end_listing(struct ht_dynamodb_leases *leases)
{
    if (leases->state != HT_LEASES_LOADED || leases->is_closing) {
        return;
    }
    for (size_t i = 0; i < leases->count; i++) {
        struct ht_lease *lease = leases->all[i];
        lease->unlisted = lease->is_listed ? 0 : lease->unlisted + 1;
        lease->is_listed = false;
    }
    for (size_t i = leases->count; i > 0; i--) {
        struct ht_lease *lease = leases->all[i - 1];
        if (lease->is_removing || lease->first != NULL || is_needed(lease)) {
            continue;
        }
        if (!lease->exists) {
            ht_dynamodb_leases_forget_shard(leases, lease->shard_id);
            continue;
        }
        lease->is_removing = true;
        lease->removal =
            (struct ht_dynamodb_lease_write){.shard_id = lease->shard_id, .done = on_removed};
        ht_dynamodb_leases_remove(leases, &lease->removal);
    }
}

/* What failed is found again after the next list. */
static void on_removed(struct ht_dynamodb_lease_write *write)
{
    struct ht_lease *lease = HT_CONTAINER_OF(write, struct ht_lease, removal);
    lease->is_removing = false;
}
