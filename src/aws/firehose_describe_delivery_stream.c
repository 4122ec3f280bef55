// SPDX-License-Identifier: MIT

/* start: body -> call -> on_answer: parse -> done */

#include "hashtagd/aws/firehose_describe_delivery_stream.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"

#include <stdio.h>

enum {
    MOST_BODY_BYTES = 1024,
};

static void on_answer(struct ht_aws_call *call);

void ht_firehose_describe_delivery_stream_start(struct ht_aws_client *client,
                                                struct ht_firehose_describe_delivery_stream *op)
{
    struct ht_json_writer writer;
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    ht_json_writer_init(&writer, &op->body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "DeliveryStreamName");
    ht_json_write_text(&writer, op->name);
    ht_json_write_object_end(&writer);
    op->status = ht_json_writer_status(&writer);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_FIREHOSE,
        .operation = "DescribeDeliveryStream",
        .resource = op->resource,
        .body = ht_buffer_slice(&op->body),
        .refusal = op->status,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_firehose_describe_delivery_stream *op = call->user;
    struct ht_buffer body = op->body;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "Firehose DescribeDeliveryStream: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = ht_firehose_describe_delivery_stream_parse(op, ht_buffer_slice(&call->answer));
    }
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}

static enum ht_firehose_stream_state state_of(struct ht_slice name)
{
    static const char *const names[] = {
        [HT_FIREHOSE_STREAM_OTHER] = "",
        [HT_FIREHOSE_STREAM_CREATING] = "CREATING",
        [HT_FIREHOSE_STREAM_CREATING_FAILED] = "CREATING_FAILED",
        [HT_FIREHOSE_STREAM_DELETING] = "DELETING",
        [HT_FIREHOSE_STREAM_DELETING_FAILED] = "DELETING_FAILED",
        [HT_FIREHOSE_STREAM_ACTIVE] = "ACTIVE",
    };
    for (size_t i = 0; i < HT_COUNT_OF(names); i++) {
        if (ht_slice_equal(name, ht_slice_text(names[i]))) {
            return (enum ht_firehose_stream_state)i;
        }
    }
    return HT_FIREHOSE_STREAM_OTHER;
}

/* What is not there, or too long to be true, is empty. */
static void copy(char *room, size_t size, const struct ht_json *root, const char *path)
{
    struct ht_slice text = ht_json_text(ht_json_find(root, path));
    if (text.length >= size) {
        text.length = 0;
    }
    (void)snprintf(room, size, "%.*s", (int)text.length, text.data);
}

int ht_firehose_describe_delivery_stream_parse(struct ht_firehose_describe_delivery_stream *op,
                                               struct ht_slice answer)
{
#define DESCRIPTION "DeliveryStreamDescription."
#define DESTINATION DESCRIPTION "Destinations[0].ExtendedS3DestinationDescription."
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(answer, 0, NULL, &problem);
    struct ht_slice state = ht_json_text(ht_json_find(root, DESCRIPTION "DeliveryStreamStatus"));
    int status = 0;
    op->state = state_of(state);
    copy(op->type, sizeof(op->type), root, DESCRIPTION "DeliveryStreamType");
    copy(op->arn, sizeof(op->arn), root, DESCRIPTION "DeliveryStreamARN");
    copy(op->failure, sizeof(op->failure), root, DESCRIPTION "FailureDescription.Details");
    copy(op->bucket_arn, sizeof(op->bucket_arn), root, DESTINATION "BucketARN");
    copy(op->role_arn, sizeof(op->role_arn), root, DESTINATION "RoleARN");
    copy(op->prefix, sizeof(op->prefix), root, DESTINATION "Prefix");
    if (problem.code == HT_ENOMEM) {
        status = ht_error_set(&op->call.error, HT_ENOMEM,
                              "Firehose DescribeDeliveryStream: out of memory for the answer. Try "
                              "it again.");
    } else if (state.length == 0) {
        status = ht_error_set(&op->call.error, HT_EPARSE,
                              "Firehose DescribeDeliveryStream: the answer makes no sense: there "
                              "is no DeliveryStreamStatus in it.");
    }
    ht_json_destroy(root);
    return status;
}
