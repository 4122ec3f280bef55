// SPDX-License-Identifier: MIT

/* The change feed as the program has it: over positions in lease rows. Each request is handed on. */

#include "dynamodb_changes_internal.h"
#include "dynamodb_positions.h"

#include "hashtagd/backends/dynamodb_changes.h"
#include "hashtagd/backends/dynamodb_leases.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"

#include <stdlib.h>

struct leases {
    struct ht_positions positions; /* first: what the feed sees */
    struct ht_dynamodb_leases *leases;
    struct ht_dynamodb_leases_load load;
    struct ht_positions_load *loading;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static int note(struct ht_positions *positions, const char *shard_id, const char *parent_id);
static void forget(struct ht_positions *positions, const char *shard_id);
static void load(struct ht_positions *positions, struct ht_positions_load *request);
static void on_checkpoint(struct ht_dynamodb_leases_load *request,
                          const struct ht_checkpoint *checkpoint);
static void on_loaded(struct ht_dynamodb_leases_load *request);
static void save(struct ht_positions *positions, struct ht_positions_save *request);
static void on_written(struct ht_dynamodb_lease_write *request);
static const struct ht_error *trouble(struct ht_positions *positions, bool *needs_person);
static void close_leases(struct ht_positions *positions, void (*on_closed)(void *user), void *user);

static const struct ht_positions_ops operations = {
    .note = note,
    .forget = forget,
    .load = load,
    .save = save,
    .trouble = trouble,
    .close = close_leases,
};

static struct leases *leases_from(struct ht_positions *positions)
{
    return HT_CONTAINER_OF(positions, struct leases, positions);
}

static void on_trouble(void *user)
{
    struct leases *leases = user;
    if (leases->positions.on_trouble != NULL) {
        leases->positions.on_trouble(leases->positions.on_trouble_user);
    }
}

static int make_leases(struct leases *leases, const struct ht_dynamodb_changes_options *options,
                       const char *table_name, struct ht_error *error)
{
    struct ht_dynamodb_leases_options lease_options = {
        .aws = options->aws,
        .clock = options->clock,
        .timers = options->timers,
        .random = options->random,
        .log = options->log,
        .table_name = table_name,
        .worker_id = options->worker_id,
        .on_trouble = on_trouble,
        .user = leases,
    };
    return ht_dynamodb_leases_create(&leases->leases, &lease_options, error);
}

static int create_positions(struct ht_positions **positions,
                            const struct ht_dynamodb_changes_options *options,
                            struct ht_error *error)
{
    struct leases *leases = calloc(1, sizeof(*leases));
    struct ht_buffer name;
    *positions = NULL;
    ht_buffer_init(&name, 1024);
    (void)ht_buffer_append_format(&name, "%s-changes-leases", options->table_name);
    int status = leases == NULL || ht_buffer_status(&name) != 0
                     ? ht_error_set(error, HT_ENOMEM, "Out of memory for the change feed.")
                     : make_leases(leases, options, name.data, error);
    ht_buffer_finish(&name);
    if (status != 0) {
        free(leases);
        return status;
    }
    leases->positions.ops = &operations;
    *positions = &leases->positions;
    return 0;
}

int ht_dynamodb_changes_create(struct ht_changes **changes,
                               const struct ht_dynamodb_changes_options *options,
                               struct ht_error *error)
{
    struct ht_positions *positions = NULL;
    *changes = NULL;
    int status = create_positions(&positions, options, error);
    return status == 0 ? ht_dynamodb_changes_create_over(changes, options, positions, error)
                       : status;
}

static int note(struct ht_positions *positions, const char *shard_id, const char *parent_id)
{
    struct ht_lease_shard shard = {.shard_id = shard_id, .parent_id = parent_id};
    return ht_dynamodb_leases_note_shard(leases_from(positions)->leases, &shard);
}

static void forget(struct ht_positions *positions, const char *shard_id)
{
    ht_dynamodb_leases_forget_shard(leases_from(positions)->leases, shard_id);
}

static void load(struct ht_positions *positions, struct ht_positions_load *request)
{
    struct leases *leases = leases_from(positions);
    leases->loading = request;
    leases->load = (struct ht_dynamodb_leases_load){
        .on_checkpoint = on_checkpoint, .done = on_loaded, .user = leases};
    ht_dynamodb_leases_load(leases->leases, &leases->load);
}

static void on_checkpoint(struct ht_dynamodb_leases_load *request,
                          const struct ht_checkpoint *checkpoint)
{
    struct leases *leases = request->user;
    leases->loading->on_row(leases->loading, checkpoint->shard_id, &checkpoint->position);
}

static void on_loaded(struct ht_dynamodb_leases_load *request)
{
    struct leases *leases = request->user;
    struct ht_positions_load *loading = leases->loading;
    leases->loading = NULL;
    loading->status = request->status;
    loading->error = request->error;
    loading->done(loading);
}

static void save(struct ht_positions *positions, struct ht_positions_save *request)
{
    struct leases *leases = leases_from(positions);
    request->lease = (struct ht_dynamodb_lease_write){.shard_id = request->shard_id,
                                                      .position = &request->position,
                                                      .done = on_written,
                                                      .user = request};
    if (request->removes) {
        ht_dynamodb_leases_remove(leases->leases, &request->lease);
    } else {
        ht_dynamodb_leases_write(leases->leases, &request->lease);
    }
}

static void on_written(struct ht_dynamodb_lease_write *request)
{
    struct ht_positions_save *saved = request->user;
    saved->status = request->status;
    saved->error = request->error;
    saved->done(saved);
}

static const struct ht_error *trouble(struct ht_positions *positions, bool *needs_person)
{
    return ht_dynamodb_leases_trouble(leases_from(positions)->leases, needs_person);
}

static void on_leases_closed(void *user)
{
    struct leases *leases = user;
    void (*on_closed)(void *) = leases->on_closed;
    void *on_closed_user = leases->on_closed_user;
    ht_dynamodb_leases_destroy(leases->leases);
    free(leases);
    on_closed(on_closed_user);
}

static void close_leases(struct ht_positions *positions, void (*on_closed)(void *user), void *user)
{
    struct leases *leases = leases_from(positions);
    leases->on_closed = on_closed;
    leases->on_closed_user = user;
    ht_dynamodb_leases_close(leases->leases, on_leases_closed, leases);
}
