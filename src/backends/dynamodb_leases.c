// SPDX-License-Identifier: MIT

/*
 *   load: scan pages -> each row -> take what is unfinished -> checkpoints -> done
 *           ^                                  |
 *           +---- others had some, are over <--+
 *   write, remove: into the lease's row of writes -> dynamodb_leases_work.c -> turn: done
 *   tick: renew, look at foreign leases, scan again after a failure
 *   close: what was started ends -> release -> turn: on_closed
 */

#include "dynamodb_leases_internal.h"

#include "hashtagd/aws/failure.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SCAN_KEY_MAX_BYTES = 16 * 1024,
    SCAN_LIMIT = 500,
};

static const struct ht_backoff scan_backoff = {.base_ms = 500, .max_ms = 15000};

static void on_scan_due(struct ht_timer *timer);
static void on_scanned(struct ht_dynamodb_scan *op);
static bool have_others_any(const struct ht_dynamodb_leases *leases);
static int take_rows(struct ht_dynamodb_leases *leases, struct ht_dynamodb_scan *op);
static void take_all(struct ht_dynamodb_leases *leases);
static void on_turn(struct ht_timer *timer);
static void on_tick(struct ht_timer *timer);
static void look_at_load(struct ht_dynamodb_leases *leases);
static void look_at_close(struct ht_dynamodb_leases *leases);
static void look_at_trouble(struct ht_dynamodb_leases *leases);
static void soon(struct ht_dynamodb_leases *leases);

static bool is_name(const char *text, size_t most)
{
    size_t length = strlen(text);
    return length > 0 && length <= most;
}

int ht_dynamodb_leases_create(struct ht_dynamodb_leases **out,
                              const struct ht_dynamodb_leases_options *options,
                              struct ht_error *error)
{
    *out = NULL;
    if (!is_name(options->table_name, 255) ||
        !is_name(options->worker_id, HT_LEASE_WORKER_BYTES - 1)) {
        return ht_error_set(error, HT_EINVAL,
                            "A lease table and a worker id have 1 to 255 bytes in their names.");
    }
    struct ht_dynamodb_leases *leases = calloc(1, sizeof(*leases));
    char *table_name = strdup(options->table_name), *worker_id = strdup(options->worker_id);
    if (leases == NULL || table_name == NULL || worker_id == NULL) {
        free(leases);
        free(table_name);
        free(worker_id);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the leases.");
    }
    leases->options = *options;
    leases->options.table_name = table_name;
    leases->options.worker_id = worker_id;
    (void)snprintf(leases->resource, sizeof(leases->resource), "table %s", table_name);
    ht_buffer_init(&leases->scan_key, SCAN_KEY_MAX_BYTES);
    ht_timer_init(&leases->scan_timer, on_scan_due);
    ht_timer_init(&leases->turn_timer, on_turn);
    ht_timer_init(&leases->tick_timer, on_tick);
    *out = leases;
    return 0;
}

/* Where a shard is, or would be. */
static size_t place_of(const struct ht_dynamodb_leases *leases, const char *shard_id,
                       bool *is_there)
{
    size_t low = 0, high = leases->count;
    *is_there = false;
    while (low < high && !*is_there) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(leases->all[middle]->shard_id, shard_id);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
            *is_there = order == 0;
        }
    }
    return *is_there ? high : low;
}

struct ht_lease *ht_leases_find(const struct ht_dynamodb_leases *leases, const char *shard_id)
{
    bool is_there;
    size_t place = place_of(leases, shard_id, &is_there);
    return is_there ? leases->all[place] : NULL;
}

static int make_room(struct ht_dynamodb_leases *leases)
{
    if (leases->count < leases->capacity) {
        return 0;
    }
    size_t capacity = leases->capacity == 0 ? 16 : leases->capacity * 2;
    struct ht_lease **all = realloc(leases->all, capacity * sizeof(struct ht_lease *));
    if (all == NULL) {
        return HT_ENOMEM;
    }
    leases->all = all;
    leases->capacity = capacity;
    return 0;
}

struct ht_lease *ht_leases_get(struct ht_dynamodb_leases *leases, const char *shard_id)
{
    bool is_there;
    size_t place = place_of(leases, shard_id, &is_there);
    if (is_there) {
        return leases->all[place];
    }
    struct ht_lease *lease = make_room(leases) == 0 ? calloc(1, sizeof(*lease)) : NULL;
    if (lease == NULL) {
        return NULL;
    }
    lease->leases = leases;
    lease->position.kind = HT_POSITION_TRIM_HORIZON;
    (void)snprintf(lease->shard_id, sizeof(lease->shard_id), "%s", shard_id);
    memmove(&leases->all[place + 1], &leases->all[place],
            (leases->count - place) * sizeof(struct ht_lease *));
    leases->all[place] = lease;
    leases->count++;
    return lease;
}

void ht_dynamodb_leases_load(struct ht_dynamodb_leases *leases,
                             struct ht_dynamodb_leases_load *load)
{
    HT_ASSERT(leases->state == HT_LEASES_NEW || leases->state == HT_LEASES_LOADED);
    HT_ASSERT(!leases->is_closing && leases->load == NULL);
    leases->state = HT_LEASES_SCANNING;
    leases->load = load;
    load->status = 0;
    ht_error_clear(&load->error);
    ht_timer_start(leases->options.timers, &leases->scan_timer, 0);
    ht_timer_start(leases->options.timers, &leases->tick_timer, HT_LEASE_TICK_MS);
}

static void on_scan_due(struct ht_timer *timer)
{
    struct ht_dynamodb_leases *leases =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_leases, scan_timer);
    if (leases->is_closing) {
        return;
    }
    leases->is_scanning = true;
    leases->was_lost = leases->was_lost && leases->scan_key.length > 0;
    leases->scan.table_name = leases->options.table_name;
    leases->scan.resource = leases->resource;
    leases->scan.limit = SCAN_LIMIT;
    leases->scan.start_key = ht_buffer_slice(&leases->scan_key);
    leases->scan.done = on_scanned;
    leases->scan.user = leases;
    ht_dynamodb_scan_start(leases->options.aws, &leases->scan);
}

static void on_scanned(struct ht_dynamodb_scan *op)
{
    struct ht_dynamodb_leases *leases = op->user;
    int status = op->status == 0 ? take_rows(leases, op) : op->status;
    uint64_t wait_ms = 0;
    leases->is_scanning = false;
    ht_leases_note_call(leases, &op->call, status);
    if (status != 0) {
        leases->scan_failures++;
        wait_ms = ht_backoff_ms(&scan_backoff, leases->scan_failures, leases->options.random);
        ht_log_warning(leases->options.log, "leases", "lease table not read, trying again",
                       HT_TEXT("error", op->call.error.text), HT_NUMBER("wait_ms", wait_ms));
    } else {
        leases->scan_failures = 0;
    }
    if (!leases->is_closing && (status != 0 || leases->scan_key.length > 0)) {
        ht_timer_start(leases->options.timers, &leases->scan_timer, wait_ms);
    } else if (!leases->is_closing) {
        leases->state = HT_LEASES_TAKING;
        leases->is_outdated = have_others_any(leases);
        take_all(leases);
    }
    ht_leases_look(leases);
}

/* While another worker has leases it makes rows: of the children of shards that it finishes. */
static bool have_others_any(const struct ht_dynamodb_leases *leases)
{
    for (size_t i = 0; i < leases->count; i++) {
        const struct ht_lease *lease = leases->all[i];
        if (lease->exists && !lease->is_mine && lease->position.kind != HT_POSITION_END &&
            lease->owner[0] != '\0' && strcmp(lease->owner, leases->options.worker_id) != 0) {
            return true;
        }
    }
    return false;
}

static int take_row(struct ht_dynamodb_leases *leases, struct ht_dynamodb_scan *op,
                    struct ht_json_value item)
{
    struct ht_lease_row row;
    int status = ht_lease_row_read(&op->reader, item, &op->texts, &row);
    if (status == HT_EPARSE) {
        ht_log_warning(leases->options.log, "leases", "row that makes no sense left alone",
                       HT_TEXT("table", leases->options.table_name),
                       HT_TEXT("shard", row.shard_id));
    }
    if (status == HT_EPARSE || status == HT_ENOTFOUND) {
        return 0;
    }
    struct ht_lease *lease = status == 0 ? ht_leases_get(leases, row.shard_id) : NULL;
    if (lease == NULL) {
        return ht_error_set(&op->call.error, HT_ENOMEM, "Out of memory for the leases.");
    }
    if (!lease->is_mine) { /* of its own it knows more */
        ht_lease_see(lease, &row);
    }
    return 0;
}

static int take_rows(struct ht_dynamodb_leases *leases, struct ht_dynamodb_scan *op)
{
    int status = 0;
    struct ht_json_walk walk = ht_json_walk(&op->reader, op->items);
    while (status == 0 && ht_json_walk_next(&walk)) {
        status = take_row(leases, op, walk.value);
    }
    if (status != 0) {
        return status; /* the same page again: rows that are known already do no harm */
    }
    ht_buffer_clear(&leases->scan_key);
    status = ht_buffer_append_slice(&leases->scan_key, op->last_key);
    return status == 0 ? 0 : ht_error_set(&op->call.error, status, "Out of memory for the leases.");
}

static void take_all(struct ht_dynamodb_leases *leases)
{
    for (size_t i = 0; i < leases->count; i++) {
        ht_lease_advance(leases->all[i]);
    }
}

static void copy_id(char out[HT_SHARD_ID_BYTES], const char *text)
{
    (void)snprintf(out, HT_SHARD_ID_BYTES, "%s", text == NULL ? "" : text);
}

int ht_dynamodb_leases_note_shard(struct ht_dynamodb_leases *leases,
                                  const struct ht_lease_shard *shard)
{
    struct ht_lease *lease = ht_leases_get(leases, shard->shard_id);
    if (lease == NULL) {
        return HT_ENOMEM;
    }
    copy_id(lease->parents[0], shard->parent_id);
    copy_id(lease->parents[1], shard->adjacent_parent_id);
    (void)snprintf(lease->hash_keys[0], sizeof(lease->hash_keys[0]), "%s",
                   shard->starting_hash_key == NULL ? "" : shard->starting_hash_key);
    (void)snprintf(lease->hash_keys[1], sizeof(lease->hash_keys[1]), "%s",
                   shard->ending_hash_key == NULL ? "" : shard->ending_hash_key);
    return 0;
}

void ht_dynamodb_leases_forget_shard(struct ht_dynamodb_leases *leases, const char *shard_id)
{
    bool is_there;
    size_t place = place_of(leases, shard_id, &is_there);
    struct ht_lease *lease = is_there ? leases->all[place] : NULL;
    if (lease == NULL || lease->exists || lease->running != NULL || lease->first != NULL) {
        return;
    }
    leases->count--;
    memmove(&leases->all[place], &leases->all[place + 1],
            (leases->count - place) * sizeof(struct ht_lease *));
    free(lease);
}

bool ht_lease_is_child(const struct ht_lease *lease, const char *parent)
{
    return strcmp(lease->parents[0], parent) == 0 || strcmp(lease->parents[1], parent) == 0;
}

static void append_ended(struct ht_dynamodb_leases *leases, struct ht_dynamodb_lease_write *write)
{
    write->next = NULL;
    if (leases->ended_last != NULL) {
        leases->ended_last->next = write;
    } else {
        leases->ended = write;
    }
    leases->ended_last = write;
    soon(leases);
}

static void start_write(struct ht_dynamodb_leases *leases, struct ht_dynamodb_lease_write *write)
{
    HT_ASSERT(leases->state != HT_LEASES_NEW && !leases->is_closing);
    struct ht_lease *lease = ht_leases_get(leases, write->shard_id);
    write->status = 0;
    write->next = NULL;
    ht_error_clear(&write->error);
    if (lease == NULL) {
        write->status = ht_error_set(&write->error, HT_ENOMEM, "Out of memory for the leases.");
        append_ended(leases, write);
        return;
    }
    if (lease->last != NULL) {
        lease->last->next = write;
    } else {
        lease->first = write;
    }
    lease->last = write;
    ht_lease_advance(lease);
}

void ht_dynamodb_leases_write(struct ht_dynamodb_leases *leases,
                              struct ht_dynamodb_lease_write *write)
{
    write->removes = false;
    start_write(leases, write);
}

void ht_dynamodb_leases_remove(struct ht_dynamodb_leases *leases,
                               struct ht_dynamodb_lease_write *write)
{
    write->removes = true;
    start_write(leases, write);
}

void ht_lease_end_write(struct ht_lease *lease, int status, const struct ht_error *error)
{
    struct ht_dynamodb_lease_write *write = lease->first;
    lease->first = write->next;
    if (lease->first == NULL) {
        lease->last = NULL;
    }
    write->status = status;
    if (status != 0) {
        write->error = *error;
    }
    append_ended(lease->leases, write);
}

static void soon(struct ht_dynamodb_leases *leases)
{
    if (!ht_timer_is_running(&leases->turn_timer)) {
        ht_timer_start(leases->options.timers, &leases->turn_timer, 0);
    }
}

static void free_spent(struct ht_dynamodb_leases *leases)
{
    while (leases->spent != NULL) {
        struct ht_lease_request *request = leases->spent;
        leases->spent = request->next;
        ht_lease_request_free(request);
    }
}

static void tell_load(struct ht_dynamodb_leases *leases)
{
    struct ht_dynamodb_leases_load *load = leases->load;
    leases->load = NULL;
    for (size_t i = 0; i < leases->count && load->status == 0; i++) {
        struct ht_checkpoint checkpoint = {.position = leases->all[i]->position};
        if (leases->all[i]->exists) {
            copy_id(checkpoint.shard_id, leases->all[i]->shard_id);
            load->on_checkpoint(load, &checkpoint);
        }
    }
    load->done(load);
}

static void on_turn(struct ht_timer *timer)
{
    struct ht_dynamodb_leases *leases =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_leases, turn_timer);
    free_spent(leases);
    if (leases->load_ended) {
        leases->load_ended = false;
        tell_load(leases);
    }
    while (leases->ended != NULL) {
        struct ht_dynamodb_lease_write *write = leases->ended;
        leases->ended = write->next;
        if (leases->ended == NULL) {
            leases->ended_last = NULL;
        }
        write->done(write);
    }
    if (leases->trouble_changed) {
        leases->trouble_changed = false;
        if (leases->options.on_trouble != NULL) {
            leases->options.on_trouble(leases->options.user);
        }
    }
    ht_leases_look(leases);
    if (leases->is_closed && leases->ended == NULL && leases->load == NULL &&
        leases->on_closed != NULL) {
        void (*on_closed)(void *user) = leases->on_closed;
        leases->on_closed = NULL;
        on_closed(leases->on_closed_user);
    }
}

static void on_tick(struct ht_timer *timer)
{
    struct ht_dynamodb_leases *leases =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_leases, tick_timer);
    uint64_t now_ms = ht_leases_now_ms(leases);
    for (size_t i = 0; i < leases->count && !leases->is_closing; i++) {
        ht_lease_tick(leases->all[i], now_ms);
        ht_lease_advance(leases->all[i]);
    }
    ht_leases_look(leases);
    ht_timer_start(leases->options.timers, &leases->tick_timer, HT_LEASE_TICK_MS);
}

void ht_leases_look(struct ht_dynamodb_leases *leases)
{
    look_at_load(leases);
    look_at_close(leases);
    look_at_trouble(leases);
    if (leases->spent != NULL) {
        soon(leases);
    }
}

static const struct ht_lease *find_foreign(const struct ht_dynamodb_leases *leases)
{
    for (size_t i = 0; i < leases->count; i++) {
        const struct ht_lease *lease = leases->all[i];
        if (lease->exists && !lease->is_mine && lease->position.kind != HT_POSITION_END) {
            return lease;
        }
    }
    return NULL;
}

static void look_at_load(struct ht_dynamodb_leases *leases)
{
    if (leases->state != HT_LEASES_TAKING || leases->is_closing || find_foreign(leases) != NULL) {
        return;
    }
    if (leases->is_outdated || leases->was_lost) {
        leases->state = HT_LEASES_SCANNING;
        ht_timer_start(leases->options.timers, &leases->scan_timer, 0);
        return;
    }
    leases->state = HT_LEASES_LOADED;
    leases->load_ended = true;
    soon(leases);
}

void ht_leases_note(struct ht_dynamodb_leases *leases, const struct ht_error *error, int status)
{
    if (status == 0) {
        ht_error_clear(&leases->failure);
        return;
    }
    leases->failure = *error;
    leases->failure.code = status;
    leases->needs_person =
        status == HT_EPERMISSION || status == HT_ENOTFOUND || status == HT_EINVAL;
    if (status == HT_ENOTFOUND) {
        (void)ht_error_set(&leases->failure, status,
                           "The lease table %s is not there: run 'hashtagd setup', which makes it. "
                           "(%.200s)",
                           leases->options.table_name, error->text);
    } else if (status == HT_EPERMISSION) {
        (void)ht_error_set(&leases->failure, status,
                           "Table %s keeps the shards' positions and may not be used: allow "
                           "Scan, GetItem, PutItem, UpdateItem and "
                           "DeleteItem on it in the IAM policy. (%.200s)",
                           leases->options.table_name, error->text);
    }
}

void ht_leases_note_call(struct ht_dynamodb_leases *leases, const struct ht_aws_call *call,
                         int status)
{
    ht_leases_note(leases, &call->error, status);
    if (status == HT_EPERMISSION && ht_aws_failure_is_about_keys(&call->failure)) {
        leases->failure = call->error; /* which says it, and no permission would help */
        leases->failure.code = status;
    }
}

/* What failed last is told before what somebody else has. */
static void look_at_trouble(struct ht_dynamodb_leases *leases)
{
    struct ht_error trouble = leases->failure;
    const struct ht_lease *foreign = trouble.code == 0 ? find_foreign(leases) : NULL;
    if (foreign != NULL && foreign->running == NULL && leases->state >= HT_LEASES_TAKING &&
        !leases->is_closing) {
        (void)ht_lease_foreign_error(foreign, &trouble);
        leases->needs_person = false;
    } else if (foreign != NULL) {
        return; /* it is being looked at */
    }
    if (strcmp(trouble.text, leases->trouble.text) != 0) {
        leases->trouble = trouble;
        leases->trouble_changed = true;
        soon(leases);
    }
}

const struct ht_error *ht_dynamodb_leases_trouble(const struct ht_dynamodb_leases *leases,
                                                  bool *needs_person)
{
    if (needs_person != NULL) {
        *needs_person = leases->trouble.code != 0 && leases->needs_person;
    }
    return leases->trouble.code == 0 ? NULL : &leases->trouble;
}

void ht_leases_note_other(struct ht_dynamodb_leases *leases)
{
    leases->was_lost = true;
}

bool ht_dynamodb_leases_are_outdated(const struct ht_dynamodb_leases *leases)
{
    return leases->state == HT_LEASES_LOADED && leases->was_lost;
}

int ht_dynamodb_leases_check(const struct ht_dynamodb_leases *leases, struct ht_error *error)
{
    if (ht_dynamodb_leases_are_outdated(leases)) {
        return ht_error_set(error, HT_EBUSY,
                            "Another process had leases of table %s meanwhile: two daemons are on "
                            "one stream. What was counted since is not written, but read again.",
                            leases->options.table_name);
    }
    const struct ht_lease *foreign = find_foreign(leases);
    if (foreign != NULL) {
        return ht_lease_foreign_error(foreign, error);
    }
    uint64_t now_ms = ht_leases_now_ms(leases);
    for (size_t i = 0; i < leases->count; i++) {
        const struct ht_lease *lease = leases->all[i];
        if (lease->exists && lease->position.kind != HT_POSITION_END &&
            now_ms - lease->sure_ms >= HT_LEASE_SURE_MS) {
            return ht_error_set(error, HT_ETIMEDOUT,
                                "The lease of shard %s in table %s could not be renewed for %d s: "
                                "nothing is counted until it is.",
                                lease->shard_id, leases->options.table_name,
                                HT_LEASE_SURE_MS / 1000);
        }
    }
    return 0;
}

bool ht_dynamodb_leases_find(const struct ht_dynamodb_leases *leases, const char *shard_id,
                             struct ht_position *position)
{
    const struct ht_lease *lease = ht_leases_find(leases, shard_id);
    if (lease == NULL || !lease->exists) {
        return false;
    }
    *position = lease->position;
    return true;
}

void ht_dynamodb_leases_close(struct ht_dynamodb_leases *leases, void (*on_closed)(void *user),
                              void *user)
{
    HT_ASSERT(!leases->is_closing);
    leases->is_closing = true;
    leases->on_closed = on_closed;
    leases->on_closed_user = user;
    leases->close_until_ms = ht_leases_now_ms(leases) + HT_LEASE_CLOSE_MS;
    ht_timer_stop(leases->options.timers, &leases->scan_timer);
    ht_timer_start(leases->options.timers, &leases->tick_timer, HT_LEASE_TICK_MS);
    if (leases->is_scanning) {
        ht_dynamodb_scan_cancel(&leases->scan);
    }
    if (leases->load != NULL && leases->state != HT_LEASES_LOADED) {
        leases->load->status =
            ht_error_set(&leases->load->error, HT_ECANCELED, "The leases are closed.");
        leases->load_ended = true;
    }
    soon(leases);
}

static void release_all(struct ht_dynamodb_leases *leases)
{
    leases->is_releasing = true;
    for (size_t i = 0; i < leases->count; i++) {
        struct ht_lease *lease = leases->all[i];
        if (lease->exists && lease->is_mine && !lease->is_released &&
            lease->position.kind != HT_POSITION_END) {
            ht_lease_request_start(lease, HT_LEASE_RELEASE, NULL);
        }
    }
}

static void cancel_all(struct ht_dynamodb_leases *leases)
{
    for (size_t i = 0; i < leases->count; i++) {
        if (leases->all[i]->running != NULL) {
            ht_lease_request_cancel(leases->all[i]->running);
        }
    }
}

static void look_at_close(struct ht_dynamodb_leases *leases)
{
    if (!leases->is_closing || leases->is_closed) {
        return;
    }
    bool is_late = ht_leases_now_ms(leases) >= leases->close_until_ms;
    if (is_late && leases->running_count > 0) {
        cancel_all(leases);
    }
    if (leases->running_count > 0 || leases->is_scanning) {
        return;
    }
    if (!leases->is_releasing && !is_late) {
        release_all(leases);
    }
    if (leases->running_count == 0) {
        leases->is_closed = true;
        ht_timer_stop(leases->options.timers, &leases->tick_timer);
        soon(leases);
    }
}

void ht_dynamodb_leases_destroy(struct ht_dynamodb_leases *leases)
{
    if (leases == NULL) {
        return;
    }
    HT_ASSERT(leases->running_count == 0 && !leases->is_scanning);
    ht_timer_stop(leases->options.timers, &leases->scan_timer);
    ht_timer_stop(leases->options.timers, &leases->turn_timer);
    ht_timer_stop(leases->options.timers, &leases->tick_timer);
    free_spent(leases);
    for (size_t i = 0; i < leases->count; i++) {
        free(leases->all[i]);
    }
    free(leases->all);
    ht_buffer_finish(&leases->scan_key);
    ht_dynamodb_scan_finish(&leases->scan);
    free((char *)(uintptr_t)leases->options.table_name);
    free((char *)(uintptr_t)leases->options.worker_id);
    free(leases);
}
