// SPDX-License-Identifier: MIT

/* start -> call -> on_answer -> done */

#include "hashtagd/aws/s3_put_public_access_block.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/json/base64.h"

static const char body[] =
    "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
    "<BlockPublicPolicy>true</BlockPublicPolicy>"
    "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";

static void on_answer(struct ht_aws_call *call);

void ht_s3_put_public_access_block_start(struct ht_aws_client *client,
                                         struct ht_s3_put_public_access_block *op)
{
    uint8_t md5[HT_DIGEST_MD5_BYTES];
    ht_digest_md5(ht_slice_text(body), md5);
    size_t length = ht_base64_encode(ht_slice_make(md5, sizeof(md5)), op->md5_text);
    op->headers[0] =
        (struct ht_http_header){HT_SLICE("Content-MD5"), ht_slice_make(op->md5_text, length)};
    op->headers[1] = (struct ht_http_header){HT_SLICE("Content-Type"), HT_SLICE("application/xml")};
    op->status = 0;
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "PutPublicAccessBlock",
        .method = "PUT",
        .resource = op->resource,
        .bucket = op->bucket,
        .query = HT_SLICE("publicAccessBlock"),
        .body = ht_slice_text(body),
        .headers = op->headers,
        .header_count = HT_COUNT_OF(op->headers),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_put_public_access_block *op = call->user;
    op->status = call->status;
    op->done(op); /* the operation is its owner's again */
}
