// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: the ARN -> done */

#include "hashtagd/aws/firehose_create_delivery_stream.h"

#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"

#include <stdio.h>
#include <string.h>

enum {
    MOST_BODY_BYTES = 16 * 1024,
};

static void on_answer(struct ht_aws_call *call);
static int read_arn(struct ht_firehose_create_delivery_stream *op, struct ht_slice answer);

static void write_member(struct ht_json_writer *writer, const char *key, const char *text)
{
    ht_json_write_key(writer, key);
    ht_json_write_text(writer, text);
}

int ht_firehose_create_delivery_stream_format(const struct ht_firehose_create_delivery_stream *op,
                                              struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    write_member(&writer, "DeliveryStreamName", op->name);
    write_member(&writer, "DeliveryStreamType", "DirectPut");
    ht_json_write_key(&writer, "ExtendedS3DestinationConfiguration");
    ht_json_write_object_begin(&writer);
    write_member(&writer, "RoleARN", op->role_arn);
    write_member(&writer, "BucketARN", op->bucket_arn);
    write_member(&writer, "Prefix", op->prefix);
    if (op->error_prefix != NULL) {
        write_member(&writer, "ErrorOutputPrefix", op->error_prefix);
    }
    ht_json_write_key(&writer, "BufferingHints");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "SizeInMBs");
    ht_json_write_u64(&writer, op->buffer_mib);
    ht_json_write_key(&writer, "IntervalInSeconds");
    ht_json_write_u64(&writer, op->buffer_s);
    ht_json_write_object_end(&writer);
    write_member(&writer, "CompressionFormat", op->compresses ? "GZIP" : "UNCOMPRESSED");
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_firehose_create_delivery_stream_start(struct ht_aws_client *client,
                                              struct ht_firehose_create_delivery_stream *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->arn[0] = '\0';
    op->is_role_unknown = false;
    op->status = ht_firehose_create_delivery_stream_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_FIREHOSE,
        .operation = "CreateDeliveryStream",
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
    struct ht_firehose_create_delivery_stream *op = call->user;
    struct ht_buffer body = op->body;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "Firehose CreateDeliveryStream: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = read_arn(op, ht_buffer_slice(&call->answer));
    }
    op->is_role_unknown = strcmp(call->failure.code, "InvalidArgumentException") == 0 &&
                          strstr(call->failure.message, "assume role") != NULL;
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}

static int read_arn(struct ht_firehose_create_delivery_stream *op, struct ht_slice answer)
{
    struct ht_slice arn = {"", 0};
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(answer, 0, NULL, &problem);
    int status =
        root == NULL ? problem.code : ht_json_get_text(root, "DeliveryStreamARN", &arn, NULL);
    if (status == HT_ENOMEM) {
        (void)ht_error_set(&op->call.error, HT_ENOMEM,
                           "Firehose CreateDeliveryStream: out of memory for the answer. Ask for "
                           "the stream's description.");
    } else if (status == 0 && arn.length < sizeof(op->arn)) {
        (void)snprintf(op->arn, sizeof(op->arn), "%.*s", (int)arn.length, arn.data);
    } else {
        status = ht_error_set(&op->call.error, HT_EPARSE,
                              "Firehose CreateDeliveryStream: the answer makes no sense: there is "
                              "no ARN in it.");
    }
    ht_json_destroy(root);
    return status;
}
