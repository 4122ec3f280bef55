// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_create_stream.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

static void on_answer(struct ht_aws_call *call);

int ht_kinesis_create_stream_start(struct ht_aws_client *client,
                                   struct ht_kinesis_create_stream *op)
{
    struct ht_json_writer writer;
    ht_buffer_init(&op->request.body, HT_KINESIS_SMALL_BODY_BYTES);
    ht_json_writer_init(&writer, &op->request.body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamName");
    ht_json_write_text(&writer, op->stream_name);
    if (op->shard_count > 0) {
        ht_json_write_key(&writer, "ShardCount");
        ht_json_write_u64(&writer, op->shard_count);
    }
    ht_json_write_key(&writer, "StreamModeDetails");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamMode");
    ht_json_write_text(&writer, op->shard_count > 0 ? "PROVISIONED" : "ON_DEMAND");
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    op->call.done = on_answer;
    return ht_kinesis_call_start(client, &op->call, "CreateStream", op->stream_name, &op->request);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_create_stream *op =
        HT_CONTAINER_OF(call, struct ht_kinesis_create_stream, call);
    ht_buffer_finish(&op->request.body);
    op->done(op);
}
