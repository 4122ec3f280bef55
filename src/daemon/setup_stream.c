// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/kinesis_create_stream.h"
#include "hashtagd/aws/kinesis_describe_stream_summary.h"

#include <stdio.h>

/* The Kinesis data stream. */

static const char *name(struct ht_setup *setup)
{
    const struct ht_config *config = setup->config;
    return config->stream.type == HT_CONFIG_STREAM_KINESIS ? config->stream.name : NULL;
}

static void on_described(struct ht_kinesis_describe_stream_summary *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int look(struct ht_setup *setup, struct ht_setup_look *look, struct ht_error *error)
{
    struct ht_kinesis_describe_stream_summary op = {
        .stream_name = name(setup), .done = on_described, .user = setup};
    if (ht_kinesis_describe_stream_summary_start(setup->aws->session.client, &op) != 0) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    ht_loop_run(setup->aws->loop);
    if (op.call.status == HT_ENOTFOUND) {
        return 0;
    }
    if (op.call.status != 0) {
        *error = op.call.error;
        return op.call.status;
    }
    look->exists = true;
    look->is_usable = op.summary.is_usable;
    (void)snprintf(look->text, sizeof(look->text), "%s, %lld open shards, keeps %lld hours",
                   op.summary.is_on_demand ? "on demand" : "provisioned",
                   (long long)op.summary.open_shard_count, (long long)op.summary.retention_hours);
    return 0;
}

static void on_created(struct ht_kinesis_create_stream *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make(struct ht_setup *setup, struct ht_error *error)
{
    struct ht_kinesis_create_stream op = {.stream_name = name(setup),
                                          .shard_count = (uint32_t)setup->config->stream.shards,
                                          .done = on_created,
                                          .user = setup};
    if (ht_kinesis_create_stream_start(setup->aws->session.client, &op) != 0) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.call.status == HT_EEXIST ? 0 : op.call.status;
}

const struct ht_setup_resource ht_setup_stream = {
    .kind = "stream",
    .name = name,
    .look = look,
    .make = make,
    .permissions = "kinesis:DescribeStreamSummary and kinesis:CreateStream",
};
