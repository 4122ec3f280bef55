// SPDX-License-Identifier: MIT

/*
 *   ask (by name) -> take the page -> a token? -> ask (by token) -> ...
 *                                        |            |
 *                                        no        expired: forget all, ask (by name)
 *                                        v
 *                                      finish
 */

#include "hashtagd/aws/kinesis_list_shards.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

#include <stdlib.h>

enum {
    TOKEN_MAX_BYTES = 1024 * 1024, /* "1 .. 1048576" in the API reference */
    ANSWER_MAX_BYTES = 4 * 1024 * 1024,
    RESTARTS_MAX = 3,
};

static int ask(struct ht_kinesis_list_shards *op);
static void on_answer(struct ht_aws_call *call);
static int take_page(struct ht_kinesis_list_shards *op);
static int take_shard(struct ht_kinesis_list_shards *op, const struct ht_json *shard);
static void finish(struct ht_kinesis_list_shards *op);

int ht_kinesis_list_shards_start(struct ht_aws_client *client, struct ht_kinesis_list_shards *op)
{
    op->client = client;
    return ask(op);
}

static int ask(struct ht_kinesis_list_shards *op)
{
    struct ht_json_writer writer;
    ht_buffer_init(&op->request.body, 2 * TOKEN_MAX_BYTES);
    ht_json_writer_init(&writer, &op->request.body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, op->token != NULL ? "NextToken" : "StreamName");
    ht_json_write_text(&writer, op->token != NULL ? op->token : op->stream_name);
    ht_json_write_object_end(&writer);
    free(op->token);
    op->token = NULL;
    op->call.done = on_answer;
    op->call.max_answer_bytes = ANSWER_MAX_BYTES;
    return ht_kinesis_call_start(op->client, &op->call, "ListShards", op->stream_name,
                                 &op->request);
}

static bool has_expired(const struct ht_kinesis_list_shards *op)
{
    return op->call.status != 0 && op->restarts < RESTARTS_MAX &&
           strcmp(op->call.failure.code, "ExpiredNextTokenException") == 0;
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_list_shards *op = HT_CONTAINER_OF(call, struct ht_kinesis_list_shards, call);
    int status = 0;
    ht_buffer_finish(&op->request.body);
    if (has_expired(op)) {
        op->restarts++;
        op->count = 0;
        status = ask(op);
    } else if (call->status == 0) {
        status = take_page(op);
        if (status == 0 && op->token != NULL) {
            status = ask(op);
        } else if (status == 0) {
            finish(op);
            return;
        }
    } else {
        finish(op);
        return;
    }
    if (status != 0) {
        ht_kinesis_call_fail(call, &op->request, status,
                             status == HT_ETOOBIG ? "it lists too many shards"
                                                  : "it is no list of shards");
        finish(op);
    }
}

static int take_page(struct ht_kinesis_list_shards *op)
{
    struct ht_json *root;
    int status = ht_kinesis_answer_parse(ht_buffer_slice(&op->call.answer), &root);
    const struct ht_json *shards = ht_json_member(root, "Shards");
    struct ht_slice token = ht_json_text(ht_json_member(root, "NextToken"));
    if (status != 0) {
        goto out;
    }
    if (shards == NULL || ht_json_type(shards) != HT_JSON_ARRAY ||
        memchr(token.data, '\0', token.length) != NULL) {
        status = HT_EPARSE;
        goto out;
    }
    for (size_t i = 0; i < ht_json_count(shards); i++) {
        status = take_shard(op, ht_json_element(shards, i));
        if (status != 0) {
            goto out;
        }
    }
    if (token.length > 0) {
        op->token = ht_slice_to_text(token);
        status = op->token == NULL ? HT_ENOMEM : 0;
    }
out:
    ht_json_destroy(root);
    return status;
}

static int grow(struct ht_kinesis_list_shards *op)
{
    if (op->count < op->capacity) {
        return 0;
    }
    if (op->count >= HT_KINESIS_SHARDS_MAX) {
        return HT_ETOOBIG;
    }
    size_t capacity = op->capacity == 0 ? 64 : op->capacity * 2;
    struct ht_kinesis_shard *shards = realloc(op->shards, capacity * sizeof(*shards));
    if (shards == NULL) {
        return HT_ENOMEM;
    }
    op->shards = shards;
    op->capacity = capacity;
    return 0;
}

static int take_shard(struct ht_kinesis_list_shards *op, const struct ht_json *shard)
{
    int status = grow(op);
    if (status != 0) {
        return status;
    }
    struct ht_kinesis_shard *out = &op->shards[op->count];
    *out = (struct ht_kinesis_shard){0};
    if (!ht_kinesis_copy(ht_json_member(shard, "ShardId"), out->id, sizeof(out->id))) {
        return HT_EPARSE;
    }
    (void)ht_kinesis_copy(ht_json_member(shard, "ParentShardId"), out->parent_id,
                          sizeof(out->parent_id));
    (void)ht_kinesis_copy(ht_json_member(shard, "AdjacentParentShardId"), out->adjacent_parent_id,
                          sizeof(out->adjacent_parent_id));
    out->is_closed =
        ht_kinesis_copy(ht_json_find(shard, "SequenceNumberRange.EndingSequenceNumber"),
                        out->ending_sequence, sizeof(out->ending_sequence));
    op->count++;
    return 0;
}

static void finish(struct ht_kinesis_list_shards *op)
{
    struct ht_kinesis_shard *shards = op->shards;
    free(op->token);
    op->token = NULL;
    op->shards = shards;
    op->done(op);
    free(shards);
}

void ht_kinesis_list_shards_cancel(struct ht_kinesis_list_shards *op)
{
    ht_aws_call_cancel(&op->call);
}
