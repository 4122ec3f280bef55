// SPDX-License-Identifier: MIT
#include "hashtagd/aws/sts_get_caller_identity.h"

#include "hashtagd/aws/xml.h"

#include <stdio.h>

/* start -> call -> on_answer: parse -> done */

#define RESULT "GetCallerIdentityResponse/GetCallerIdentityResult/"

static void on_answer(struct ht_aws_call *call);

void ht_sts_get_caller_identity_start(struct ht_aws_client *client,
                                      struct ht_sts_get_caller_identity *op)
{
    op->account[0] = '\0';
    op->arn[0] = '\0';
    ht_error_clear(&op->error);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_STS,
        .operation = "GetCallerIdentity",
        .body = HT_SLICE("Action=GetCallerIdentity&Version=2011-06-15"),
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_sts_get_caller_identity *op = call->user;

    op->status = call->status;
    op->error = call->error;
    if (op->status == 0) {
        op->status = ht_sts_get_caller_identity_parse(op, ht_buffer_slice(&call->answer));
    }
    op->done(op);
}

int ht_sts_get_caller_identity_parse(struct ht_sts_get_caller_identity *op, struct ht_slice answer)
{
    struct ht_buffer account, arn;

    ht_buffer_init(&account, sizeof op->account - 1);
    ht_buffer_init(&arn, sizeof op->arn - 1);
    struct ht_xml_wanted wanted[] = {
        {.path = RESULT "Account", .text = &account},
        {.path = RESULT "Arn", .text = &arn},
    };
    int status = ht_xml_read(answer, wanted, 2, &op->error);
    if (status != 0) {
        status = status == HT_ENOMEM ? status : HT_EPARSE;
        ht_error_prefix(&op->error, "STS GetCallerIdentity");
    } else if (account.length == 0 || arn.length == 0) {
        status = ht_error_set(&op->error, HT_EPARSE,
                              "STS GetCallerIdentity: the answer names no account.");
    } else {
        snprintf(op->account, sizeof op->account, "%s", account.data);
        snprintf(op->arn, sizeof op->arn, "%s", arn.data);
    }
    ht_buffer_finish(&account);
    ht_buffer_finish(&arn);
    return status;
}

void ht_sts_get_caller_identity_cancel(struct ht_sts_get_caller_identity *op)
{
    ht_aws_call_cancel(&op->call);
}
