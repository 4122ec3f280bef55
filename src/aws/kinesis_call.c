// SPDX-License-Identifier: MIT
#include "kinesis_call.h"

#include <stdio.h>

bool ht_kinesis_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < HT_KINESIS_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               length;
}

bool ht_kinesis_is_sequence(struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.length > 0 && text.length <= 129;
}

int ht_kinesis_call_start(struct ht_aws_client *client, struct ht_aws_call *call,
                          const char *operation, const char *stream_name,
                          struct ht_kinesis_request *request)
{
    int status = ht_buffer_status(&request->body);
    if (status != 0) {
        ht_buffer_finish(&request->body);
        return status;
    }
    (void)snprintf(request->resource, sizeof(request->resource), "stream %s", stream_name);
    call->service = HT_AWS_KINESIS;
    call->operation = operation;
    call->resource = request->resource;
    call->body = ht_buffer_slice(&request->body);
    call->status = 0;
    ht_error_clear(&call->error);
    ht_aws_call_start(client, call);
    return 0;
}

int ht_kinesis_answer_parse(struct ht_slice answer, struct ht_json **root)
{
    struct ht_error problem = {0};
    *root = ht_json_parse(answer, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    return problem.code;
}

void ht_kinesis_call_fail(struct ht_aws_call *call, const struct ht_kinesis_request *request,
                          int status, const char *what)
{
    call->status = status == HT_EPARSE ? HT_ECONNECTION : status;
    if (status == HT_ENOMEM) {
        (void)ht_error_set(&call->error, status,
                           "Kinesis %s on %s: out of memory for the answer. It is asked again.",
                           call->operation, request->resource);
        return;
    }
    (void)ht_error_set(&call->error, call->status,
                       "Kinesis %s on %s: the answer cannot be used: %s. It is asked again; "
                       "where that goes on, look for a proxy in between.",
                       call->operation, request->resource, what);
}

bool ht_kinesis_copy(const struct ht_json *text, char *out, size_t capacity)
{
    struct ht_slice slice = ht_json_text(text);
    if (slice.length == 0 || slice.length >= capacity ||
        memchr(slice.data, '\0', slice.length) != NULL) {
        return false;
    }
    memcpy(out, slice.data, slice.length);
    out[slice.length] = '\0';
    return true;
}

bool ht_kinesis_copy_value(const struct ht_json_reader *reader, struct ht_json_value value,
                           char *out, size_t capacity)
{
    struct ht_buffer arena;
    struct ht_slice text;
    if (value.kind != '"') {
        return false;
    }
    ht_buffer_init(&arena, capacity);
    bool fits = ht_json_reader_text(reader, value, &arena, &text) == 0 && text.length > 0 &&
                text.length < capacity && memchr(text.data, '\0', text.length) == NULL;
    if (fits) {
        memcpy(out, text.data, text.length);
        out[text.length] = '\0';
    }
    ht_buffer_finish(&arena);
    return fits;
}
