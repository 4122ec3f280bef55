// SPDX-License-Identifier: MIT
#include "fake_aws.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/* code, status, fault */
static const struct {
    const char *code;
    int status;
    enum ht_aws_fault fault;
    int http_status;
} refusals[] = {
    {"ConditionalCheckFailedException", HT_EEXIST, HT_AWS_FAULT_FINAL, 400},
    {"ResourceInUseException", HT_EEXIST, HT_AWS_FAULT_FINAL, 400},
    {"ThrottlingException", HT_EBUSY, HT_AWS_FAULT_THROTTLED, 400},
    {"ProvisionedThroughputExceededException", HT_EBUSY, HT_AWS_FAULT_THROTTLED, 400},
    {"ResourceNotFoundException", HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 400},
    {"ValidationException", HT_EINVAL, HT_AWS_FAULT_FINAL, 400},
    {"AccessDeniedException", HT_EPERMISSION, HT_AWS_FAULT_FINAL, 400},
    {"ExpiredTokenException", HT_EPERMISSION, HT_AWS_FAULT_CREDENTIALS, 400},
    {"InternalServerError", HT_EIO, HT_AWS_FAULT_TRANSIENT, 500},
};

void ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call)
{
    HT_ASSERT(call->state == NULL);
    struct ht_aws_attempts *state = calloc(1, sizeof(*state));
    HT_ASSERT(state != NULL);
    *state = (struct ht_aws_attempts){.client = client, .call = call};
    call->state = state;
    call->status = 0;
    call->answer = (struct ht_buffer){0};
    call->failure = (struct ht_aws_failure){0};
    ht_error_clear(&call->error);
    if (client->last != NULL) {
        client->last->next = state;
    } else {
        client->first = state;
    }
    client->last = state;
    client->waiting++;
    client->started++;
}

static void take_out(struct ht_aws_call *call)
{
    struct ht_aws_client *client = call->state->client;
    struct ht_aws_attempts **link = &client->first, *before = NULL;
    while (*link != call->state) {
        before = *link;
        link = &(*link)->next;
    }
    *link = call->state->next;
    if (client->last == call->state) {
        client->last = before;
    }
    client->waiting--;
    free(call->state);
    call->state = NULL;
}

static void end(struct ht_aws_call *call)
{
    struct ht_buffer answer = call->answer;
    call->attempts = 1;
    call->done(call);
    ht_buffer_finish(&answer);
}

void ht_aws_call_cancel(struct ht_aws_call *call)
{
    /* The real one answers on a later turn: here the call is answered by the next break. */
    (void)call;
}

struct ht_aws_call *fake_aws_next(struct ht_aws_client *client)
{
    return client->first == NULL ? NULL : client->first->call;
}

void fake_aws_answer(struct ht_aws_call *call, struct ht_slice body)
{
    take_out(call);
    call->status = 0;
    ht_buffer_init(&call->answer, 64u << 20);
    HT_ASSERT(ht_buffer_append_slice(&call->answer, body) == 0);
    end(call);
}

void fake_aws_refuse(struct ht_aws_call *call, const char *code, struct ht_slice item)
{
    take_out(call);
    for (size_t i = 0; i < HT_COUNT_OF(refusals); i++) {
        if (strcmp(refusals[i].code, code) == 0) {
            call->status = refusals[i].status;
            call->failure.fault = refusals[i].fault;
            call->failure.http_status = refusals[i].http_status;
        }
    }
    HT_ASSERT(call->status != 0);
    (void)snprintf(call->failure.code, sizeof(call->failure.code), "%s", code);
    (void)snprintf(call->failure.request_id, sizeof(call->failure.request_id), "REQUEST");
    (void)ht_error_set(&call->error, call->status, "DynamoDB %s on %s: %s (request id REQUEST).",
                       call->operation, call->resource == NULL ? "?" : call->resource, code);
    ht_buffer_init(&call->answer, 64u << 20);
    HT_ASSERT(ht_buffer_append_format(&call->answer, "{\"__type\":\"%s\"%s", code,
                                      item.length > 0 ? ",\"Item\":" : "") == 0);
    HT_ASSERT(ht_buffer_append_slice(&call->answer, item) == 0);
    if (strcmp(code, "ProvisionedThroughputExceededException") == 0) {
        HT_ASSERT(ht_buffer_append_text(&call->answer,
                                        ",\"ThrottlingReasons\":[{\"reason\":"
                                        "\"TableWriteKeyRangeThroughputExceeded\"}]") == 0);
    }
    HT_ASSERT(ht_buffer_append_byte(&call->answer, '}') == 0);
    end(call);
}

void fake_aws_break(struct ht_aws_call *call)
{
    take_out(call);
    call->status = HT_ECONNECTION;
    call->failure.fault = HT_AWS_FAULT_TRANSIENT;
    (void)ht_error_set(&call->error, HT_ECONNECTION, "DynamoDB %s: the connection broke.",
                       call->operation);
    end(call);
}
