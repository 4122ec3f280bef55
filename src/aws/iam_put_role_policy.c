// SPDX-License-Identifier: MIT

/* start: body -> call -> on_answer -> done */

#include "hashtagd/aws/iam_put_role_policy.h"

#include "query.h"

enum {
    MOST_BODY_BYTES = 64 * 1024,
};

static void on_answer(struct ht_aws_call *call);

static int format(struct ht_iam_put_role_policy *op)
{
    int status = ht_aws_form_append(&op->body, "Action", HT_SLICE("PutRolePolicy"));
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "Version", HT_SLICE("2010-05-08"));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "RoleName", ht_slice_text(op->role_name));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "PolicyName", ht_slice_text(op->policy_name));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "PolicyDocument", ht_slice_text(op->policy));
    }
    return status;
}

void ht_iam_put_role_policy_start(struct ht_aws_client *client, struct ht_iam_put_role_policy *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = format(op);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_IAM,
        .operation = "PutRolePolicy",
        .resource = op->resource,
        .body = ht_buffer_slice(&op->body),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_iam_put_role_policy *op = call->user;
    struct ht_buffer body = op->body;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "IAM PutRolePolicy: the request: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}
