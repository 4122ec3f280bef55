// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/dynamodb_describe_time_to_live.h"
#include "hashtagd/aws/dynamodb_update_table.h"
#include "hashtagd/aws/dynamodb_update_time_to_live.h"

#include <stdio.h>
#include <string.h>

/*
 * What is switched on on the table of counts: the change stream, and the time to live. A table
 * that somebody made by hand may lack them.
 */

#define EXPIRY_ATTRIBUTE "expiresAt"

/* The change stream */

static const char *stream_name(struct ht_setup *setup)
{
    const struct ht_config *config = setup->config;
    bool is_wanted = config->table.type == HT_CONFIG_TABLE_DYNAMODB && !setup->is_table_unfit;
    return is_wanted ? config->table.name : NULL;
}

static int look_at_stream(struct ht_setup *setup, struct ht_setup_look *look,
                          struct ht_error *error)
{
    struct ht_dynamodb_table_description table;
    int status = ht_setup_describe_table(setup, setup->config->table.name, &table, error);
    if (status != 0) {
        return status == HT_ENOTFOUND ? 0 : status;
    }
    look->exists = table.has_stream;
    look->is_usable = table.has_stream && strcmp(table.status, "ACTIVE") == 0;
    (void)snprintf(look->text, sizeof(look->text), "%s", table.stream_view);
    look->is_wrong = table.has_stream && strstr(table.stream_view, "OLD_IMAGE") == NULL;
    if (look->is_wrong) {
        (void)snprintf(look->text, sizeof(look->text),
                       "the table's change stream carries %s, without old images, so deleted items "
                       "would be archived without their counts; switch it off (its readers lose "
                       "their place), then run setup again",
                       table.stream_view);
    }
    return 0;
}

static void on_updated(struct ht_dynamodb_update_table *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make_stream(struct ht_setup *setup, struct ht_error *error)
{
    struct ht_dynamodb_update_table op = {.table_name = setup->config->table.name,
                                          .stream_view = "NEW_AND_OLD_IMAGES",
                                          .resource = "the change stream of the table",
                                          .done = on_updated,
                                          .user = setup};
    ht_dynamodb_update_table_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status;
}

const struct ht_setup_resource ht_setup_change_stream = {
    .kind = "change stream",
    .name = stream_name,
    .look = look_at_stream,
    .make = make_stream,
    .permissions = "dynamodb:DescribeTable and dynamodb:UpdateTable",
};

/* The time to live */

static const char *expiry_name(struct ht_setup *setup)
{
    return setup->config->table.ttl_s > 0 ? stream_name(setup) : NULL;
}

static void on_expiry_described(struct ht_dynamodb_describe_time_to_live *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int look_at_expiry(struct ht_setup *setup, struct ht_setup_look *look,
                          struct ht_error *error)
{
    struct ht_dynamodb_describe_time_to_live op = {.table_name = setup->config->table.name,
                                                   .resource = "the time to live of the table",
                                                   .done = on_expiry_described,
                                                   .user = setup};
    ht_dynamodb_describe_time_to_live_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status != 0) {
        *error = op.call.error;
        return op.status == HT_ENOTFOUND ? 0 : op.status;
    }
    look->exists = op.is_enabled;
    look->is_usable = op.is_enabled; /* ENABLING may take an hour, and nothing waits for it */
    look->is_wrong = op.is_enabled && strcmp(op.attribute_name, EXPIRY_ATTRIBUTE) != 0;
    (void)snprintf(look->text, sizeof(look->text), "attribute %s", op.attribute_name);
    if (look->is_wrong) {
        (void)snprintf(look->text, sizeof(look->text),
                       "the table's time to live looks at the attribute %.200s, not at %s; switch "
                       "it off, then run setup again an hour later",
                       op.attribute_name, EXPIRY_ATTRIBUTE);
    }
    return 0;
}

static void on_expiry_updated(struct ht_dynamodb_update_time_to_live *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make_expiry(struct ht_setup *setup, struct ht_error *error)
{
    struct ht_dynamodb_update_time_to_live op = {.table_name = setup->config->table.name,
                                                 .attribute_name = EXPIRY_ATTRIBUTE,
                                                 .is_enabled = true,
                                                 .resource = "the time to live of the table",
                                                 .done = on_expiry_updated,
                                                 .user = setup};
    ht_dynamodb_update_time_to_live_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status;
}

const struct ht_setup_resource ht_setup_time_to_live = {
    .kind = "time to live",
    .name = expiry_name,
    .look = look_at_expiry,
    .make = make_expiry,
    .permissions = "dynamodb:DescribeTimeToLive and dynamodb:UpdateTimeToLive",
};
