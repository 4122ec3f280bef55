// SPDX-License-Identifier: MIT

/* start: path -> call -> on_answer -> done */

#include "hashtagd/aws/s3_get_object.h"

#include "s3_path.h"

enum {
    MOST_PATH_BYTES = 4 * 1024,
};

static void on_answer(struct ht_aws_call *call);

void ht_s3_get_object_start(struct ht_aws_client *client, struct ht_s3_get_object *op)
{
    ht_buffer_init(&op->path, MOST_PATH_BYTES);
    op->body = HT_SLICE("");
    op->status = ht_s3_path_append(&op->path, op->key);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "GetObject",
        .method = "GET",
        .resource = op->resource,
        .bucket = op->bucket,
        .path = ht_buffer_slice(&op->path),
        .refusal = op->status,
        .max_answer_bytes = op->max_bytes,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_get_object *op = call->user;
    struct ht_buffer path = op->path;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "S3 GetObject: the key cannot be sent: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->body = ht_buffer_slice(&call->answer);
    }
    op->path = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&path);
}
