// SPDX-License-Identifier: MIT

/* start: path -> call -> on_answer: headers -> done */

#include "hashtagd/aws/s3_head_object.h"

#include "s3_path.h"

enum {
    MOST_PATH_BYTES = 4 * 1024,
    HTTP_NOT_FOUND = 404,
};

static void on_answer(struct ht_aws_call *call);

void ht_s3_head_object_start(struct ht_aws_client *client, struct ht_s3_head_object *op)
{
    ht_buffer_init(&op->path, MOST_PATH_BYTES);
    op->length = 0;
    op->etag = HT_SLICE("");
    op->status = ht_s3_path_append(&op->path, op->key);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "HeadObject",
        .method = "HEAD",
        .resource = op->resource,
        .bucket = op->bucket,
        .path = ht_buffer_slice(&op->path),
        .refusal = op->status,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_head_object *op = call->user;
    struct ht_buffer path = op->path;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "S3 HeadObject: the key cannot be sent: %s.",
                           ht_error_meaning(op->status));
    } else {
        bool is_absent = call->status != 0 && call->failure.http_status == HTTP_NOT_FOUND;
        op->status = is_absent ? HT_ENOTFOUND : call->status;
    }
    if (op->status == 0) {
        struct ht_slice length =
            ht_http_header_find(call->answer_headers, call->answer_header_count, "Content-Length");
        op->etag = ht_http_header_find(call->answer_headers, call->answer_header_count, "ETag");
        if (ht_slice_to_u64(length, UINT64_MAX, &op->length) != 0) {
            op->length = 0;
        }
    }
    op->path = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&path);
}
