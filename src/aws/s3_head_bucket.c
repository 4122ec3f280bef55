// SPDX-License-Identifier: MIT

/* start -> call -> on_answer: region -> done */

#include "hashtagd/aws/s3_head_bucket.h"

#include <stdio.h>

enum {
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
};

static void on_answer(struct ht_aws_call *call);

void ht_s3_head_bucket_start(struct ht_aws_client *client, struct ht_s3_head_bucket *op)
{
    op->status = 0;
    op->region[0] = '\0';
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "HeadBucket",
        .method = "HEAD",
        .resource = op->resource,
        .bucket = op->bucket,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_head_bucket *op = call->user;
    struct ht_slice region =
        ht_http_header_find(call->answer_headers, call->answer_header_count, "x-amz-bucket-region");
    op->status = call->status;
    if (call->status != 0 && call->failure.http_status == HTTP_NOT_FOUND) {
        op->status = HT_ENOTFOUND;
    } else if (call->status != 0 && call->failure.http_status == HTTP_FORBIDDEN) {
        op->status = HT_EPERMISSION;
    }
    if (region.length > 0 && region.length < sizeof(op->region)) {
        (void)snprintf(op->region, sizeof(op->region), "%.*s", (int)region.length, region.data);
    }
    op->done(op); /* the operation is its owner's again */
}
