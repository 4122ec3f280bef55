// SPDX-License-Identifier: MIT

/*
 * One lease, one request at a time:
 *
 *   advance: read what is unclear -> take -> (END: make children) -> create or write -> advance
 *   answered: settle the row -> advance
 *
 * A condition that failed shows the row. Counter + 1 and this worker as owner: an update of ours
 * whose answer was lost. Else the lease is lost until it is free or stands still.
 */

#include "dynamodb_leases_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>

static bool serve_first(struct ht_lease *lease);
static bool finish_shard(struct ht_lease *lease);
static bool can_take(const struct ht_lease *lease);
static bool is_others(const struct ht_lease *lease, const struct ht_lease_row *row);
static void see_again(struct ht_lease *lease, const struct ht_lease_row *row);
static void settle_own(struct ht_lease *lease, const struct ht_lease_row *row, bool is_read);
static void lose(struct ht_lease *lease, const struct ht_lease_row *row);
static void vanish(struct ht_lease *lease);
static void after_read(struct ht_lease *lease, const struct ht_lease_row *row);
static void after_update(struct ht_lease_request *request, const struct ht_lease_row *row,
                         bool is_done);
static void after_failure(struct ht_lease_request *request, int status);
static void advance_parents(struct ht_lease *child, int status, const struct ht_error *error);

static bool is_unfinished(const struct ht_lease *lease)
{
    return lease->exists && lease->position.kind != HT_POSITION_END;
}

void ht_lease_advance(struct ht_lease *lease)
{
    while (lease->running == NULL) {
        if (lease->must_read) {
            lease->must_read = false;
            ht_lease_request_start(lease, HT_LEASE_READ, NULL);
            return;
        }
        if (can_take(lease)) {
            ht_lease_request_start(lease, HT_LEASE_TAKE, NULL);
            return;
        }
        if (lease->first == NULL || !serve_first(lease)) {
            return;
        }
    }
}

/* Does what the first write needs; true where it is over already. */
static bool serve_first(struct ht_lease *lease)
{
    struct ht_dynamodb_lease_write *write = lease->first;
    if (write->removes) {
        if (!lease->exists) {
            ht_lease_end_write(lease, 0, NULL);
            return true;
        }
        ht_lease_request_start(lease, HT_LEASE_REMOVE, NULL);
        return false;
    }
    if (lease->exists && ht_lease_compare(write->position, &lease->position) <= 0) {
        ht_lease_end_write(lease, 0, NULL);
        return true;
    }
    if (lease->exists && !lease->is_mine) {
        struct ht_error error;
        ht_lease_end_write(lease, ht_lease_foreign_error(lease, &error), &error);
        return true;
    }
    if (write->position->kind == HT_POSITION_END && !finish_shard(lease)) {
        return false;
    }
    ht_lease_request_start(lease, lease->exists ? HT_LEASE_WRITE : HT_LEASE_CREATE,
                           write->position);
    return false;
}

/* Children first, so that whoever reads the table never misses one; false while one is made. */
static bool finish_shard(struct ht_lease *lease)
{
    static const struct ht_position oldest = {.kind = HT_POSITION_TRIM_HORIZON};
    struct ht_dynamodb_leases *leases = lease->leases;
    for (size_t i = 0; i < leases->count; i++) {
        struct ht_lease *child = leases->all[i];
        if (child->exists || !ht_lease_is_child(child, lease->shard_id)) {
            continue;
        }
        if (child->running == NULL) {
            ht_lease_request_start(child, HT_LEASE_CREATE, &oldest);
        }
        return false; /* its answer goes on here */
    }
    return true;
}

static bool can_take(const struct ht_lease *lease)
{
    const struct ht_dynamodb_leases *leases = lease->leases;
    if (!is_unfinished(lease) || lease->is_mine || leases->is_closing) {
        return false;
    }
    bool is_own = strcmp(lease->owner, leases->options.worker_id) == 0;
    return lease->owner[0] == '\0' || (is_own && !lease->was_lost) ||
           ht_leases_now_ms(leases) - lease->seen_ms >= HT_LEASE_FAILOVER_MS;
}

void ht_lease_see(struct ht_lease *lease, const struct ht_lease_row *row)
{
    bool is_news =
        !lease->exists || lease->counter != row->counter || strcmp(lease->owner, row->owner) != 0;
    lease->looked_ms = ht_leases_now_ms(lease->leases);
    if (is_news) {
        lease->seen_ms = lease->looked_ms;
    }
    if (!lease->exists && lease->leases->state == HT_LEASES_LOADED && is_others(lease, row)) {
        ht_leases_note_other(lease->leases);
    }
    lease->exists = true;
    lease->counter = row->counter;
    lease->position = row->position;
    memcpy(lease->owner, row->owner, sizeof(lease->owner));
}

static bool is_own_row(const struct ht_lease *lease, const struct ht_lease_row *row)
{
    return strcmp(row->owner, lease->leases->options.worker_id) == 0;
}

/* Of a row that was not there when all were read: made by an own request that came late, it is as it
 * was made. */
static bool is_others(const struct ht_lease *lease, const struct ht_lease_row *row)
{
    return !is_own_row(lease, row) || row->counter > 0;
}

/* A row that another has moved since it was seen last tells that it is at work, and perhaps made rows
 * that were not there when all were read. An own request that took effect shows as one step. */
static void see_again(struct ht_lease *lease, const struct ht_lease_row *row)
{
    bool is_own_step = is_own_row(lease, row) && row->counter == lease->counter + 1;
    if (lease->exists && lease->counter != row->counter && !is_own_step) {
        ht_leases_note_other(lease->leases);
    }
    ht_lease_see(lease, row);
}

/* The row is this worker's, as `row` says or as the update made it. */
static void own(struct ht_lease *lease, uint64_t counter, const struct ht_position *position)
{
    lease->exists = true;
    lease->is_mine = true;
    lease->was_lost = false;
    lease->owner[0] = '\0';
    lease->counter = counter;
    if (position != NULL) {
        lease->position = *position;
    }
    lease->written_ms = ht_leases_now_ms(lease->leases);
    lease->sure_ms = lease->written_ms;
}

/* A condition failed on a lease that should be this worker's: `row` came with that answer, or was
 * read after it. */
static void settle_own(struct ht_lease *lease, const struct ht_lease_row *row, bool is_read)
{
    bool is_expected =
        row->counter == lease->counter + 1 || (is_read && row->counter == lease->counter);
    if (is_own_row(lease, row) && is_expected) {
        own(lease, row->counter, &row->position);
    } else {
        lose(lease, row);
    }
}

static void lose(struct ht_lease *lease, const struct ht_lease_row *row)
{
    lease->is_mine = false;
    lease->was_lost = true;
    ht_leases_note_other(lease->leases);
    lease->seen_ms = ht_leases_now_ms(lease->leases);
    ht_lease_see(lease, row);
    ht_log_warning(lease->leases->options.log, "leases", "lease lost to another worker",
                   HT_TEXT("shard", lease->shard_id),
                   HT_TEXT("table", lease->leases->options.table_name),
                   HT_TEXT("worker", lease->owner));
}

/* The row is gone: removed by hand. The next write makes it again. */
static void vanish(struct ht_lease *lease)
{
    lease->exists = false;
    lease->is_mine = false;
    lease->was_lost = false;
    lease->owner[0] = '\0';
    lease->counter = 0;
    lease->position = (struct ht_position){.kind = HT_POSITION_TRIM_HORIZON};
}

int ht_lease_foreign_error(const struct ht_lease *lease, struct ht_error *error)
{
    bool is_own = strcmp(lease->owner, lease->leases->options.worker_id) == 0;
    return ht_error_set(
        error, HT_EBUSY,
        "The lease of shard %s in table %s belongs to worker '%s'%s: two daemons are on one "
        "stream, or one ended without giving it back. Stop the other one; the lease is taken when "
        "it stood still for %d s, and counts stay exact meanwhile.",
        lease->shard_id, lease->leases->options.table_name,
        lease->owner[0] == '\0' ? "nobody" : lease->owner,
        is_own ? " of another process with the same id" : "", HT_LEASE_FAILOVER_MS / 1000);
}

void ht_lease_tick(struct ht_lease *lease, uint64_t now_ms)
{
    if (lease->running != NULL) {
        return;
    }
    if (is_unfinished(lease) && lease->is_mine && lease->first == NULL &&
        now_ms - lease->written_ms >= HT_LEASE_RENEW_MS) {
        ht_lease_request_start(lease, HT_LEASE_RENEW, NULL);
    } else if (is_unfinished(lease) && !lease->is_mine &&
               now_ms - lease->looked_ms >= HT_LEASE_LOOK_MS) {
        ht_lease_request_start(lease, HT_LEASE_READ, NULL);
    }
}

void ht_lease_answered(struct ht_lease_request *request, const struct ht_aws_call *call, int status,
                       const struct ht_lease_row *row)
{
    struct ht_lease *lease = request->lease;
    struct ht_dynamodb_leases *leases = lease->leases;
    bool is_conflict = ht_dynamodb_condition_failed(call);
    ht_leases_note_call(leases, call, is_conflict ? 0 : status);
    if (status != 0 && !is_conflict) {
        after_failure(request, status);
    } else if (request->action == HT_LEASE_READ) {
        after_read(lease, row);
    } else if (request->action == HT_LEASE_REMOVE) {
        vanish(lease);
        ht_lease_end_write(lease, 0, NULL);
    } else if (request->action == HT_LEASE_RELEASE) {
        lease->is_mine = false;
        lease->is_released = true;
    } else {
        after_update(request, row, !is_conflict);
    }
    request->next = leases->spent;
    leases->spent = request;
    if (!leases->is_releasing && (status == 0 || is_conflict)) {
        ht_lease_advance(lease);
    }
    if (request->action == HT_LEASE_CREATE) {
        advance_parents(lease, is_conflict ? 0 : status, &leases->failure);
    }
    ht_leases_look(leases);
}

static void after_read(struct ht_lease *lease, const struct ht_lease_row *row)
{
    lease->looked_ms = ht_leases_now_ms(lease->leases);
    if (row == NULL) {
        /* removed by hand; or, after a long halt, by who finished the shard meanwhile */
        if (lease->is_mine && lease->looked_ms - lease->sure_ms >= HT_LEASE_FAILOVER_MS) {
            ht_leases_note_other(lease->leases);
        }
        vanish(lease);
    } else if (lease->is_mine) {
        settle_own(lease, row, true);
    } else {
        see_again(lease, row);
    }
}

/* TAKE, CREATE, RENEW, WRITE: done, or the condition failed. */
static void after_update(struct ht_lease_request *request, const struct ht_lease_row *row,
                         bool is_done)
{
    struct ht_lease *lease = request->lease;
    bool writes = request->action == HT_LEASE_WRITE || request->action == HT_LEASE_CREATE;
    if (is_done && request->action == HT_LEASE_CREATE) {
        own(lease, 0, &request->position);
    } else if (is_done) {
        own(lease, lease->counter + 1,
            writes        ? &request->position
            : row == NULL ? NULL
                          : &row->position);
    } else if (row == NULL) {
        lease->must_read = true;
    } else if (request->action == HT_LEASE_CREATE && is_own_row(lease, row)) {
        if (is_others(lease, row)) {
            ht_leases_note_other(lease->leases);
        }
        own(lease, row->counter, &row->position);
    } else if (lease->is_mine) {
        settle_own(lease, row, false);
    } else {
        see_again(lease, row);
    }
}

/* Nobody knows whether it took effect: the next request's condition will tell. */
static void after_failure(struct ht_lease_request *request, int status)
{
    struct ht_lease *lease = request->lease;
    bool serves = request->action == HT_LEASE_WRITE || request->action == HT_LEASE_CREATE ||
                  request->action == HT_LEASE_REMOVE || request->action == HT_LEASE_READ ||
                  request->action == HT_LEASE_TAKE;
    lease->is_released = lease->is_released || request->action == HT_LEASE_RELEASE;
    lease->looked_ms = ht_leases_now_ms(lease->leases);
    if (request->action == HT_LEASE_RENEW) {
        /* Again at the next tick but two, well before others may take it. */
        lease->written_ms = lease->looked_ms - HT_LEASE_RENEW_MS + 2 * HT_LEASE_TICK_MS;
    }
    if (request->action == HT_LEASE_READ && lease->is_mine) {
        lease->must_read = true;
    }
    while (serves && lease->first != NULL) {
        ht_lease_end_write(lease, status, &lease->leases->failure);
    }
}

/* Parents that wait for the row of a child. */
static void advance_parents(struct ht_lease *child, int status, const struct ht_error *error)
{
    struct ht_dynamodb_leases *leases = child->leases;
    for (size_t i = 0; i < leases->count; i++) {
        struct ht_lease *parent = leases->all[i];
        bool waits = parent->first != NULL && parent->running == NULL && !parent->first->removes &&
                     parent->first->position->kind == HT_POSITION_END &&
                     ht_lease_is_child(child, parent->shard_id);
        if (waits && status != 0) {
            ht_lease_end_write(parent, status, error);
        } else if (waits) {
            ht_lease_advance(parent);
        }
    }
}
