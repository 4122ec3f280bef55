// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_get_shard_iterator.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

#include <inttypes.h>
#include <stdio.h>

static void format(struct ht_buffer *body, const struct ht_kinesis_get_shard_iterator *op);
static void on_answer(struct ht_aws_call *call);

static const char *const type_names[] = {
#define X(name, text) [HT_KINESIS_##name] = text,
    HT_KINESIS_ITERATOR_MAP(X)
#undef X
};

int ht_kinesis_get_shard_iterator_start(struct ht_aws_client *client,
                                        struct ht_kinesis_get_shard_iterator *op)
{
    ht_buffer_init(&op->request.body, HT_KINESIS_SMALL_BODY_BYTES);
    format(&op->request.body, op);
    op->call.done = on_answer;
    return ht_kinesis_call_start(client, &op->call, "GetShardIterator", op->stream_name,
                                 &op->request);
}

static void format(struct ht_buffer *body, const struct ht_kinesis_get_shard_iterator *op)
{
    const struct ht_kinesis_place *place = &op->place;
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamName");
    ht_json_write_text(&writer, op->stream_name);
    ht_json_write_key(&writer, "ShardId");
    ht_json_write_text(&writer, op->shard_id);
    ht_json_write_key(&writer, "ShardIteratorType");
    ht_json_write_text(&writer, type_names[place->type]);
    if (place->type == HT_KINESIS_AT_SEQUENCE_NUMBER ||
        place->type == HT_KINESIS_AFTER_SEQUENCE_NUMBER) {
        ht_json_write_key(&writer, "StartingSequenceNumber");
        ht_json_write_text(&writer, place->sequence_number);
    } else if (place->type == HT_KINESIS_AT_TIMESTAMP) {
        char seconds[32];
        int64_t time_ms = place->time_ms < 0 ? 0 : place->time_ms;
        (void)snprintf(seconds, sizeof(seconds), "%" PRId64 ".%03d", time_ms / 1000,
                       (int)(time_ms % 1000));
        ht_json_write_key(&writer, "Timestamp");
        ht_json_write_raw(&writer, ht_slice_text(seconds));
    }
    ht_json_write_object_end(&writer);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_get_shard_iterator *op =
        HT_CONTAINER_OF(call, struct ht_kinesis_get_shard_iterator, call);
    if (call->status == 0) {
        struct ht_json *root;
        int status = ht_kinesis_answer_parse(ht_buffer_slice(&call->answer), &root);
        if (!ht_kinesis_copy(ht_json_member(root, "ShardIterator"), op->iterator,
                             sizeof(op->iterator))) {
            ht_kinesis_call_fail(call, &op->request, status != 0 ? status : HT_EPARSE,
                                 "it has no ShardIterator");
        }
        ht_json_destroy(root);
    }
    ht_buffer_finish(&op->request.body);
    op->done(op);
}

void ht_kinesis_get_shard_iterator_cancel(struct ht_kinesis_get_shard_iterator *op)
{
    ht_aws_call_cancel(&op->call);
}
