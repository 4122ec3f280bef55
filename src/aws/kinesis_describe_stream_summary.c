// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_describe_stream_summary.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

static void on_answer(struct ht_aws_call *call);
static int read_summary(struct ht_slice answer, struct ht_kinesis_stream_summary *summary);

int ht_kinesis_describe_stream_summary_start(struct ht_aws_client *client,
                                             struct ht_kinesis_describe_stream_summary *op)
{
    struct ht_json_writer writer;
    ht_buffer_init(&op->request.body, HT_KINESIS_SMALL_BODY_BYTES);
    ht_json_writer_init(&writer, &op->request.body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamName");
    ht_json_write_text(&writer, op->stream_name);
    ht_json_write_object_end(&writer);
    op->call.done = on_answer;
    return ht_kinesis_call_start(client, &op->call, "DescribeStreamSummary", op->stream_name,
                                 &op->request);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_describe_stream_summary *op =
        HT_CONTAINER_OF(call, struct ht_kinesis_describe_stream_summary, call);
    int status = call->status == 0 ? read_summary(ht_buffer_slice(&call->answer), &op->summary) : 0;
    if (status != 0) {
        ht_kinesis_call_fail(call, &op->request, status, "it does not tell the status");
    }
    ht_buffer_finish(&op->request.body);
    op->done(op);
}

static int read_summary(struct ht_slice answer, struct ht_kinesis_stream_summary *summary)
{
    struct ht_json *root;
    int status = ht_kinesis_answer_parse(answer, &root);
    const struct ht_json *told = ht_json_member(root, "StreamDescriptionSummary");
    *summary = (struct ht_kinesis_stream_summary){0};
    if (!ht_kinesis_copy(ht_json_member(told, "StreamStatus"), summary->status,
                         sizeof(summary->status))) {
        status = status != 0 ? status : HT_EPARSE;
    }
    (void)ht_kinesis_copy(ht_json_member(told, "StreamARN"), summary->arn, sizeof(summary->arn));
    summary->is_usable =
        strcmp(summary->status, "ACTIVE") == 0 || strcmp(summary->status, "UPDATING") == 0;
    summary->is_on_demand = ht_slice_equal(
        ht_json_text(ht_json_find(told, "StreamModeDetails.StreamMode")), HT_SLICE("ON_DEMAND"));
    summary->open_shard_count = ht_json_i64(ht_json_member(told, "OpenShardCount"));
    summary->retention_hours = ht_json_i64(ht_json_member(told, "RetentionPeriodHours"));
    ht_json_destroy(root);
    return status;
}
