// SPDX-License-Identifier: MIT
#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

static struct scripted_call script;
static char a_state, a_client;
static char next_message[256];

static void copy(char *room, size_t size, struct ht_slice text)
{
    assert_true(text.length < size);
    if (text.length > 0) {
        memcpy(room, text.data, text.length);
    }
    room[text.length] = '\0';
}

int scripted_setup(void **state)
{
    (void)state;
    memset(&script, 0, sizeof(script));
    ht_buffer_init(&script.body, SCRIPTED_BODY_BYTES);
    return 0;
}

int scripted_teardown(void **state)
{
    (void)state;
    ht_buffer_finish(&script.body);
    return script.call == NULL ? 0 : -1;
}

void ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call)
{
    assert_ptr_equal(client, scripted_client());
    assert_null(script.call);
    assert_null(call->state);
    script.call = call;
    script.started++;
    script.is_canceled = false;
    call->state = (struct ht_aws_attempts *)(void *)&a_state;
    ht_buffer_clear(&script.body);
    assert_int_equal(ht_buffer_append_slice(&script.body, call->body), 0);
    copy(script.operation, sizeof(script.operation), ht_slice_text(call->operation));
    copy(script.method, sizeof(script.method), ht_slice_text(call->method));
    copy(script.path, sizeof(script.path), call->path);
    copy(script.query, sizeof(script.query), call->query);
    copy(script.bucket, sizeof(script.bucket), call->bucket);
    script.header_count = call->header_count;
    assert_true(call->header_count <= SCRIPTED_HEADERS);
    for (size_t i = 0; i < call->header_count; i++) {
        copy(script.header_names[i], sizeof(script.header_names[i]), call->headers[i].name);
        copy(script.header_values[i], sizeof(script.header_values[i]), call->headers[i].value);
    }
}

void ht_aws_call_cancel(struct ht_aws_call *call)
{
    if (script.call == call) {
        script.is_canceled = true;
    }
}

const char *ht_aws_client_region(const struct ht_aws_client *client)
{
    (void)client;
    return "eu-west-1";
}

struct ht_aws_client *scripted_client(void)
{
    return (struct ht_aws_client *)(void *)&a_client;
}

struct scripted_call *scripted_pending(void)
{
    assert_non_null(script.call);
    return &script;
}

struct scripted_call *scripted_last(void)
{
    return &script;
}

const char *scripted_header(const char *name)
{
    for (size_t i = 0; i < script.header_count; i++) {
        if (strcasecmp(script.header_names[i], name) == 0) {
            return script.header_values[i];
        }
    }
    return NULL;
}

/* `done` may start the next call. */
static void end(struct ht_buffer *answer)
{
    struct ht_aws_call *call = scripted_pending()->call;
    script.call = NULL;
    call->state = NULL;
    call->attempts = 1;
    call->answer = *answer;
    call->done(call);
    ht_buffer_finish(answer);
}

void scripted_answer_headers(const char *body, const struct ht_http_header *headers, size_t count)
{
    struct ht_buffer answer;
    struct ht_aws_call *call = scripted_pending()->call;
    ht_buffer_init(&answer, SCRIPTED_BODY_BYTES);
    assert_int_equal(ht_buffer_append_text(&answer, body), 0);
    call->status = 0;
    call->answer_headers = headers;
    call->answer_header_count = count;
    end(&answer);
}

void scripted_answer(const char *body)
{
    scripted_answer_headers(body, NULL, 0);
}

void scripted_fail_message(int status, const char *code, const char *message)
{
    (void)snprintf(next_message, sizeof(next_message), "%s", message);
    scripted_fail(status, HT_AWS_FAULT_FINAL, 400, code);
}

void scripted_fail(int status, enum ht_aws_fault fault, int http_status, const char *code)
{
    struct ht_buffer answer;
    struct ht_aws_call *call = scripted_pending()->call;
    ht_buffer_init(&answer, SCRIPTED_BODY_BYTES);
    call->status = status;
    (void)ht_error_set(&call->error, status, "%s on %s: %s (request id R-1).", call->operation,
                       call->resource == NULL ? "?" : call->resource, code);
    call->failure = (struct ht_aws_failure){.fault = fault, .http_status = http_status};
    (void)snprintf(call->failure.code, sizeof(call->failure.code), "%s", code);
    (void)snprintf(call->failure.message, sizeof(call->failure.message), "%s", next_message);
    next_message[0] = '\0';
    (void)snprintf(call->failure.request_id, sizeof(call->failure.request_id), "R-1");
    end(&answer);
}

void scripted_answer_canceled(void)
{
    assert_true(scripted_pending()->is_canceled);
    scripted_fail(HT_ECANCELED, HT_AWS_FAULT_NONE, 0, "canceled");
}
