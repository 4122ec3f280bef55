// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/dynamodb_create_table.h"
#include "hashtagd/aws/dynamodb_describe_table.h"

#include <stdio.h>
#include <string.h>

/*
 * The table of counts and the two tables of positions. A table with another key is somebody
 * else's: it is never touched.
 */

/* Which table, and how it must be. */
struct wanted_table {
    const char *name, *key;
    const char *stream_view; /* NULL: none */
    uint64_t capacity;       /* 0: on demand */
};

static void on_described(struct ht_dynamodb_describe_table *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

int ht_setup_describe_table(struct ht_setup *setup, const char *table,
                            struct ht_dynamodb_table_description *description,
                            struct ht_error *error)
{
    char resource[300];
    (void)snprintf(resource, sizeof(resource), "table %s", table);
    struct ht_dynamodb_describe_table op = {
        .table_name = table, .resource = resource, .done = on_described, .user = setup};
    ht_dynamodb_describe_table_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *description = op.table;
    if (op.status != 0) {
        *error = op.call.error;
    }
    return op.status;
}

static void describe(const struct ht_dynamodb_table_description *table, struct ht_setup_look *look)
{
    if (table->is_on_demand) {
        (void)snprintf(look->text, sizeof(look->text), "on demand");
        return;
    }
    (void)snprintf(look->text, sizeof(look->text), "%llu read and %llu write units",
                   (unsigned long long)table->read_units, (unsigned long long)table->write_units);
}

static int look_at(struct ht_setup *setup, const struct wanted_table *wanted,
                   struct ht_setup_look *look, struct ht_error *error)
{
    struct ht_dynamodb_table_description table;
    int status = ht_setup_describe_table(setup, wanted->name, &table, error);
    if (status != 0) {
        return status == HT_ENOTFOUND ? 0 : status;
    }
    look->exists = true;
    look->is_usable = strcmp(table.status, "ACTIVE") == 0 || strcmp(table.status, "UPDATING") == 0;
    look->is_wrong = strcmp(table.key_name, wanted->key) != 0 || strcmp(table.key_type, "S") != 0 ||
                     table.has_sort_key;
    describe(&table, look);
    if (look->is_wrong) {
        (void)snprintf(look->text, sizeof(look->text),
                       "there is such a table, but its key is %.64s (%.4s)%s, not %s (S) alone; "
                       "give another name with table.name",
                       table.key_name, table.key_type, table.has_sort_key ? " and a sort key" : "",
                       wanted->key);
    }
    return 0;
}

static void on_created(struct ht_dynamodb_create_table *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make_one(struct ht_setup *setup, const struct wanted_table *wanted,
                    struct ht_error *error)
{
    char resource[300];
    (void)snprintf(resource, sizeof(resource), "table %s", wanted->name);
    struct ht_dynamodb_create_table op = {.table_name = wanted->name,
                                          .key_name = wanted->key,
                                          .read_units = wanted->capacity,
                                          .write_units = wanted->capacity,
                                          .stream_view = wanted->stream_view,
                                          .resource = resource,
                                          .done = on_created,
                                          .user = setup};
    ht_dynamodb_create_table_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status == HT_EEXIST ? 0 : op.status;
}

static bool is_wanted(const struct ht_setup *setup)
{
    return setup->config->table.type == HT_CONFIG_TABLE_DYNAMODB;
}

/* The table of counts */

static const char *counts_name(struct ht_setup *setup)
{
    return is_wanted(setup) ? setup->config->table.name : NULL;
}

static struct wanted_table counts(struct ht_setup *setup)
{
    return (struct wanted_table){setup->config->table.name, "hashtag", "NEW_AND_OLD_IMAGES",
                                 setup->config->table.capacity};
}

static int look_at_counts(struct ht_setup *setup, struct ht_setup_look *look,
                          struct ht_error *error)
{
    struct wanted_table wanted = counts(setup);
    int status = look_at(setup, &wanted, look, error);
    setup->is_table_unfit = status != 0 || look->is_wrong;
    return status;
}

static int make_counts(struct ht_setup *setup, struct ht_error *error)
{
    struct wanted_table wanted = counts(setup);
    return make_one(setup, &wanted, error);
}

const struct ht_setup_resource ht_setup_table = {
    .kind = "table",
    .name = counts_name,
    .look = look_at_counts,
    .make = make_counts,
    .permissions = "dynamodb:DescribeTable and dynamodb:CreateTable",
};

/* The positions on the stream */

static const char *leases_name(struct ht_setup *setup)
{
    return is_wanted(setup) ? setup->config->table.leases : NULL;
}

static int look_at_leases(struct ht_setup *setup, struct ht_setup_look *look,
                          struct ht_error *error)
{
    struct wanted_table wanted = {setup->config->table.leases, "leaseKey", NULL, 0};
    return look_at(setup, &wanted, look, error);
}

static int make_leases(struct ht_setup *setup, struct ht_error *error)
{
    struct wanted_table wanted = {setup->config->table.leases, "leaseKey", NULL, 0};
    return make_one(setup, &wanted, error);
}

const struct ht_setup_resource ht_setup_leases = {
    .kind = "leases",
    .name = leases_name,
    .look = look_at_leases,
    .make = make_leases,
    .permissions = "dynamodb:DescribeTable and dynamodb:CreateTable",
};

/* The positions on the change stream */

static const char *changes_leases_name(struct ht_setup *setup)
{
    (void)snprintf(setup->changes_leases, sizeof(setup->changes_leases), "%s-changes-leases",
                   setup->config->table.name);
    return is_wanted(setup) ? setup->changes_leases : NULL;
}

static int look_at_changes_leases(struct ht_setup *setup, struct ht_setup_look *look,
                                  struct ht_error *error)
{
    struct wanted_table wanted = {changes_leases_name(setup), "leaseKey", NULL, 0};
    return look_at(setup, &wanted, look, error);
}

static int make_changes_leases(struct ht_setup *setup, struct ht_error *error)
{
    struct wanted_table wanted = {changes_leases_name(setup), "leaseKey", NULL, 0};
    return make_one(setup, &wanted, error);
}

const struct ht_setup_resource ht_setup_changes_leases = {
    .kind = "leases",
    .name = changes_leases_name,
    .look = look_at_changes_leases,
    .make = make_changes_leases,
    .permissions = "dynamodb:DescribeTable and dynamodb:CreateTable",
};
