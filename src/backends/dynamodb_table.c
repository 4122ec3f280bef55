// SPDX-License-Identifier: MIT

/*
 *   create -> load (dynamodb_table_load.c) -> flushes (dynamodb_table_flush.c)
 *   close: a running load ends, a running flush has its time -> leases are released -> on_closed
 */

#include "dynamodb_table_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum { TABLE_MAGIC = 0x64796e61 };

static bool is_outdated(struct ht_table *port);
static bool is_waiting(struct ht_table *port);
static void on_lease_trouble(void *user);
static void close_table(struct ht_table *port, void (*on_closed)(void *user), void *user);
static void on_close_turn(struct ht_timer *timer);
static void on_leases_closed(void *user);
static void destroy(struct ht_table *port);

static const struct ht_table_ops operations = {
    .type = "dynamodb",
    .load = ht_dynamodb_load_start,
    .is_outdated = is_outdated,
    .is_waiting = is_waiting,
    .flush = ht_dynamodb_flush_start,
    .close = close_table,
    .destroy = destroy,
};

struct ht_dynamodb_table *ht_dynamodb_table_from(struct ht_table *port)
{
    struct ht_dynamodb_table *table = HT_CONTAINER_OF(port, struct ht_dynamodb_table, table);
    HT_ASSERT(table->magic == TABLE_MAGIC);
    return table;
}

static int create_leases(struct ht_dynamodb_table *table,
                         const struct ht_dynamodb_table_options *options, struct ht_error *error)
{
    const struct ht_dynamodb_leases_options lease_options = {
        .aws = options->aws,
        .clock = options->clock,
        .timers = options->timers,
        .random = options->random,
        .log = options->log,
        .table_name = options->leases,
        .worker_id = options->worker_id,
        .on_trouble = on_lease_trouble,
        .user = table,
    };
    return ht_dynamodb_leases_create(&table->leases, &lease_options, error);
}

int ht_dynamodb_table_create(struct ht_table **out, const struct ht_dynamodb_table_options *options,
                             struct ht_error *error)
{
    *out = NULL;
    size_t length = strlen(options->name);
    if (length == 0 || length > 255) {
        return ht_error_set(error, HT_EINVAL, "A table's name has 1 to 255 bytes.");
    }
    struct ht_dynamodb_table *table = calloc(1, sizeof(*table));
    char *name = strdup(options->name);
    if (table == NULL || name == NULL) {
        free(table);
        free(name);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the table.");
    }
    int status = create_leases(table, options, error);
    if (status != 0) {
        free(table);
        free(name);
        return status;
    }
    table->magic = TABLE_MAGIC;
    table->table.ops = &operations;
    table->table.has_marks = true;
    table->table.delta_bytes = HT_DYNAMODB_DELTA_BYTES;
    table->options = *options;
    table->options.name = name;
    table->options.leases = NULL; /* the leases have their own copies */
    table->options.worker_id = NULL;
    (void)snprintf(table->resource, sizeof(table->resource), "table %s", name);
    ht_health_init(&table->table.health, options->clock, HT_HEALTH_STARTING);
    ht_timer_init(&table->close_timer, on_close_turn);
    ht_dynamodb_flush_init(table);
    *out = &table->table;
    return 0;
}

struct ht_dynamodb_leases *ht_dynamodb_table_leases(struct ht_table *port)
{
    return ht_dynamodb_table_from(port)->leases;
}

const struct ht_dynamodb_table_counters *ht_dynamodb_table_counters(struct ht_table *port)
{
    return &ht_dynamodb_table_from(port)->counters;
}

bool ht_dynamodb_table_needs_person(int status)
{
    return status == HT_EPERMISSION || status == HT_ENOTFOUND || status == HT_EINVAL;
}

/* A policy says no; a wrong key or secret says so itself. */
static bool is_denied(const struct ht_aws_call *call)
{
    return strstr(call->failure.code, "AccessDenied") != NULL ||
           strstr(call->failure.message, "not authorized") != NULL;
}

void ht_dynamodb_table_explain(const struct ht_dynamodb_table *table,
                               const struct ht_aws_call *call, int status, struct ht_error *error)
{
    *error = call->error;
    error->code = status;
    if (status == HT_ENOTFOUND) {
        (void)ht_error_set(
            error, status,
            "Table %s is not there: run 'hashtagd setup', which makes it, or look at "
            "table.name and the region. (%.250s)",
            table->options.name, call->error.text);
    } else if (status == HT_EPERMISSION && is_denied(call)) {
        (void)ht_error_set(error, status,
                           "Not permitted: dynamodb:%s on table %s; allow it in the IAM policy. "
                           "(%.250s)",
                           call->operation, table->options.name, call->error.text);
    }
}

void ht_dynamodb_table_fail(struct ht_dynamodb_table *table, int status,
                            const struct ht_error *error)
{
    ht_health_fail(&table->table.health,
                   ht_dynamodb_table_needs_person(status) ? HT_HEALTH_FAILED : HT_HEALTH_WAITING,
                   error);
}

void ht_dynamodb_table_succeed(struct ht_dynamodb_table *table)
{
    ht_health_succeed(&table->table.health);
    if (ht_dynamodb_leases_trouble(table->leases, NULL) == NULL) {
        ht_health_set(&table->table.health, HT_HEALTH_WORKING, "%s", "");
    }
}

static bool is_outdated(struct ht_table *port)
{
    const struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    return !table->options.counts_nothing && ht_dynamodb_leases_are_outdated(table->leases);
}

/* Scans are consistent: what was written before one begins it reads. */
static bool is_waiting(struct ht_table *port)
{
    const struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    return table->loading.phase == HT_DYNAMODB_LOAD_DESCRIBE ||
           table->loading.phase == HT_DYNAMODB_LOAD_LEASES;
}

/* A lost or missing lease is the table's trouble too. */
static void on_lease_trouble(void *user)
{
    struct ht_dynamodb_table *table = user;
    bool needs_person;
    const struct ht_error *trouble = ht_dynamodb_leases_trouble(table->leases, &needs_person);
    if (table->is_closing) {
        return;
    }
    if (trouble != NULL) {
        ht_health_fail(&table->table.health, needs_person ? HT_HEALTH_FAILED : HT_HEALTH_WAITING,
                       trouble);
    } else if (table->loading.phase == HT_DYNAMODB_LOAD_END) {
        ht_health_set(&table->table.health, HT_HEALTH_WORKING, "%s", "");
    } else {
        ht_health_set(&table->table.health, HT_HEALTH_STARTING, "%s", "");
    }
}

void ht_dynamodb_table_note_ended(struct ht_dynamodb_table *table, const char *shard_id)
{
    char name[HT_MARK_NAME_BYTES];
    ht_mark_name(shard_id, name);
    for (size_t i = 0; i < table->ended_count; i++) {
        if (strcmp(table->ended[i].name, name) == 0) {
            return;
        }
    }
    /* the oldest goes: what items still have of it costs a few bytes */
    size_t place = table->ended_next;
    table->ended_next = (place + 1) % HT_DYNAMODB_ENDED_MAX;
    table->ended_count += table->ended_count < HT_DYNAMODB_ENDED_MAX;
    memcpy(table->ended[place].name, name, sizeof(name));
    table->ended[place].since_ms = ht_dynamodb_now_ms(table);
}

static void close_table(struct ht_table *port, void (*on_closed)(void *user), void *user)
{
    struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    HT_ASSERT(!table->is_closing);
    table->is_closing = true;
    table->on_closed = on_closed;
    table->on_closed_user = user;
    table->close_until_ms = ht_dynamodb_now_ms(table) + HT_DYNAMODB_CLOSE_MS;
    ht_timer_start(table->options.timers, &table->close_timer, 0);
}

void ht_dynamodb_table_look_at_close(struct ht_dynamodb_table *table)
{
    if (table->is_closing) {
        ht_timer_start(table->options.timers, &table->close_timer, 0);
    }
}

/* A flush that runs has until close_until_ms. */
static void on_close_turn(struct ht_timer *timer)
{
    struct ht_dynamodb_table *table = HT_CONTAINER_OF(timer, struct ht_dynamodb_table, close_timer);
    if (table->leases_closed && !ht_dynamodb_load_is_busy(table)) {
        ht_health_set(&table->table.health, HT_HEALTH_STOPPED, "%s", "");
        table->on_closed(table->on_closed_user);
        return;
    }
    ht_dynamodb_load_stop(table);
    if (table->flush.request != NULL && ht_dynamodb_now_ms(table) >= table->close_until_ms) {
        struct ht_error error;
        ht_dynamodb_flush_stop(table, ht_error_set(&error, HT_ECANCELED, "The table is closed."),
                               &error);
        ht_dynamodb_work_cancel(table);
        ht_dynamodb_flush_soon(table, 0);
    }
    bool is_flushing = table->flush.request != NULL;
    if (!is_flushing && !table->leases_closing) {
        table->leases_closing = true;
        ht_dynamodb_leases_close(table->leases, on_leases_closed, table);
    }
    ht_timer_start(table->options.timers, &table->close_timer, 100);
}

static void on_leases_closed(void *user)
{
    struct ht_dynamodb_table *table = user;
    table->leases_closed = true;
    ht_timer_start(table->options.timers, &table->close_timer, 0);
}

static void destroy(struct ht_table *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    HT_ASSERT(table->flush.request == NULL);
    ht_timer_stop(table->options.timers, &table->close_timer);
    ht_dynamodb_load_finish(table);
    ht_dynamodb_flush_finish(table);
    ht_dynamodb_leases_destroy(table->leases);
    free((char *)(uintptr_t)table->options.name);
    table->magic = 0;
    free(table);
}
