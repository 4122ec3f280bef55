// SPDX-License-Identifier: MIT

/* start: body -> call -> on_answer -> done */

#include "hashtagd/aws/iam_create_role.h"

#include "query.h"

#include "hashtagd/aws/xml.h"
#include "hashtagd/base/assert.h"

#include <string.h>

enum {
    MOST_BODY_BYTES = 64 * 1024,
};

static void on_answer(struct ht_aws_call *call);
static int read_arn(struct ht_iam_create_role *op, struct ht_slice answer);

static int format(struct ht_iam_create_role *op)
{
    int status = ht_aws_form_append(&op->body, "Action", HT_SLICE("CreateRole"));
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "Version", HT_SLICE("2010-05-08"));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "RoleName", ht_slice_text(op->role_name));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "AssumeRolePolicyDocument",
                                    ht_slice_text(op->trust_policy));
    }
    if (status == 0) {
        status = ht_aws_form_append(&op->body, "Description", ht_slice_text(op->description));
    }
    return status;
}

void ht_iam_create_role_start(struct ht_aws_client *client, struct ht_iam_create_role *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->arn[0] = '\0';
    op->status = format(op);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_IAM,
        .operation = "CreateRole",
        .resource = op->resource,
        .body = ht_buffer_slice(&op->body),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_iam_create_role *op = call->user;
    struct ht_buffer body = op->body;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "IAM CreateRole: the request: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = read_arn(op, ht_buffer_slice(&call->answer));
    }
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}

static int read_arn(struct ht_iam_create_role *op, struct ht_slice answer)
{
    struct ht_buffer arn;
    struct ht_xml_wanted wanted[] = {
        {.path = "CreateRoleResponse/CreateRoleResult/Role/Arn", .text = &arn}};
    ht_buffer_init(&arn, sizeof(op->arn) - 1);
    int status = ht_xml_read(answer, wanted, HT_COUNT_OF(wanted), NULL);
    if (status == 0 && (!wanted[0].is_found || arn.length == 0)) {
        status = HT_EPARSE;
    }
    if (status == 0) {
        memcpy(op->arn, arn.data, arn.length + 1);
    } else {
        (void)ht_error_set(&op->call.error, status,
                           "IAM CreateRole: the answer makes no sense: there is no ARN.");
    }
    ht_buffer_finish(&arn);
    return status;
}
