// SPDX-License-Identifier: MIT

/* start -> call -> on_answer: read -> done */

#include "hashtagd/aws/s3_get_public_access_block.h"

#include "hashtagd/aws/xml.h"
#include "hashtagd/base/assert.h"

#include <string.h>

enum { VALUE_BYTES = 64 };

static void on_answer(struct ht_aws_call *call);
static int read_switches(struct ht_s3_get_public_access_block *op, struct ht_slice answer);

void ht_s3_get_public_access_block_start(struct ht_aws_client *client,
                                         struct ht_s3_get_public_access_block *op)
{
    op->status = 0;
    op->is_configured = false;
    op->is_wholly_blocked = false;
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "GetPublicAccessBlock",
        .method = "GET",
        .resource = op->resource,
        .bucket = op->bucket,
        .query = HT_SLICE("publicAccessBlock"),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_get_public_access_block *op = call->user;
    op->status = call->status;
    if (strcmp(call->failure.code, "NoSuchPublicAccessBlockConfiguration") == 0) {
        op->status = 0;
    } else if (op->status == 0) {
        op->status = read_switches(op, ht_buffer_slice(&call->answer));
    }
    op->done(op); /* the operation is its owner's again */
}

static int read_switches(struct ht_s3_get_public_access_block *op, struct ht_slice answer)
{
    static const char *const paths[] = {"PublicAccessBlockConfiguration/BlockPublicAcls",
                                        "PublicAccessBlockConfiguration/IgnorePublicAcls",
                                        "PublicAccessBlockConfiguration/BlockPublicPolicy",
                                        "PublicAccessBlockConfiguration/RestrictPublicBuckets"};
    struct ht_buffer texts[HT_COUNT_OF(paths)];
    struct ht_xml_wanted wanted[HT_COUNT_OF(paths)];
    for (size_t i = 0; i < HT_COUNT_OF(paths); i++) {
        ht_buffer_init(&texts[i], VALUE_BYTES);
        wanted[i] = (struct ht_xml_wanted){.path = paths[i], .text = &texts[i]};
    }
    int status = ht_xml_read(answer, wanted, HT_COUNT_OF(paths), &op->call.error);
    if (status != 0) {
        ht_error_prefix(&op->call.error, "S3 GetPublicAccessBlock");
    }
    op->is_configured = status == 0;
    op->is_wholly_blocked = status == 0;
    for (size_t i = 0; i < HT_COUNT_OF(paths); i++) {
        if (status == 0 && !wanted[i].is_found) {
            status = ht_error_set(&op->call.error, HT_EPARSE,
                                  "S3 GetPublicAccessBlock: the answer has no %s.", paths[i]);
            op->is_configured = false;
        }
        bool is_on = ht_slice_equal(ht_slice_trim(ht_buffer_slice(&texts[i])), HT_SLICE("true"));
        op->is_wholly_blocked = op->is_wholly_blocked && is_on;
        ht_buffer_finish(&texts[i]);
    }
    return status;
}

void ht_s3_get_public_access_block_cancel(struct ht_s3_get_public_access_block *op)
{
    ht_aws_call_cancel(&op->call);
}
