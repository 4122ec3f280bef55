// SPDX-License-Identifier: MIT

/* start: body -> call -> on_answer -> done */

#include "hashtagd/aws/s3_create_bucket.h"

#include <string.h>

enum {
    MOST_BODY_BYTES = 1024,
};

static void on_answer(struct ht_aws_call *call);

void ht_s3_create_bucket_start(struct ht_aws_client *client, struct ht_s3_create_bucket *op)
{
    const char *region = op->region != NULL ? op->region : ht_aws_client_region(client);
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->is_ours = false;
    op->status = 0;
    if (region != NULL && strcmp(region, "us-east-1") != 0) {
        (void)ht_buffer_append_format(
            &op->body,
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
            region);
    }
    op->status = ht_buffer_status(&op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "CreateBucket",
        .method = "PUT",
        .resource = op->resource,
        .bucket = op->bucket,
        .body = ht_buffer_slice(&op->body),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_create_bucket *op = call->user;
    struct ht_buffer body = op->body;
    op->status = op->status == 0 ? call->status : op->status;
    op->is_ours = strcmp(call->failure.code, "BucketAlreadyOwnedByYou") == 0;
    if (call->status != 0 &&
        (op->is_ours || strcmp(call->failure.code, "BucketAlreadyExists") == 0)) {
        op->status = HT_EEXIST;
    }
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}
