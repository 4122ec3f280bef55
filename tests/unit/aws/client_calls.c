// SPDX-License-Identifier: MIT
#include "client_calls.h"

#include "hashtagd/base/assert.h"

#include "../../../src/aws/client_internal.h"

#include <time.h>

static void on_done(struct ht_aws_call *call)
{
    struct tried *tried = call->user;
    struct test *test = tried->test;

    test->was_inside |= test->is_inside;
    tried->done_count++;
    snprintf(tried->answer, sizeof tried->answer, "%s",
             call->answer.data == NULL ? "" : call->answer.data);
    struct ht_slice date =
        ht_http_header_find(call->answer_headers, call->answer_header_count, "Date");
    snprintf(tried->date, sizeof tried->date, "%.*s", (int)date.length, date.data);
    assert_false(ht_aws_call_is_running(call));
    test->is_done = ++test->done == test->started;
}

struct ht_aws_call *client_calls_start(struct test *test, struct ht_aws_call what)
{
    struct tried *tried = &test->calls[test->started++];

    tried->test = test;
    tried->call = what;
    tried->call.operation = what.operation == NULL ? "UpdateItem" : what.operation;
    tried->call.resource = "table hashtags";
    tried->call.done = on_done;
    tried->call.user = tried;
    test->is_done = false;
    test->is_inside = true;
    ht_aws_call_start(test->world.aws, &tried->call);
    test->is_inside = false;
    assert_true(ht_aws_call_is_running(&tried->call));
    return &tried->call;
}

struct ht_aws_call *client_calls_start_update(struct test *test)
{
    return client_calls_start(
        test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .body = HT_SLICE("{}")});
}

void client_calls_run(struct test *test)
{
    assert_true(aws_world_run_until(&test->world, &test->is_done));
}

int client_calls_set_up(void **state)
{
    struct test *test = calloc(1, sizeof *test);

    test->world.is_hasty = true;
    aws_world_start(&test->world);
    *state = test;
    return 0;
}

int client_calls_tear_down(void **state)
{
    struct test *test = *state;

    aws_world_finish(&test->world);
    for (unsigned i = 0; i < test->started; i++) {
        assert_int_equal(test->calls[i].done_count, 1);
    }
    assert_false(test->was_inside);
    free(test);
    return 0;
}

/* Signs anew what came over the wire: every signed header is there as it was signed. */
void client_calls_check_signature(struct aws_world *world, const struct aws_world_request *request,
                                  struct aws_world_reply *reply)
{
    struct ht_http_header headers[AWS_WORLD_HEADERS_MAX];
    struct ht_slice sent = aws_world_header(request, "Authorization");
    struct ht_slice is_s3 = aws_world_header(request, "X-Amz-Content-SHA256");
    struct ht_slice token = aws_world_header(request, "X-Amz-Security-Token");
    struct ht_slice date = aws_world_header(request, "X-Amz-Date");
    char hash[HT_SIGV4_HASH_BYTES], key_id[32];
    struct ht_sigv4_result result;
    struct tm utc = {0};
    size_t count = 0;

    (void)reply;
    for (size_t i = 0; i < request->header_count; i++) {
        const char *added[] = {"Authorization", "X-Amz-Content-SHA256",  "X-Amz-Security-Token",
                               "X-Amz-Date",    "amz-sdk-invocation-id", "amz-sdk-request",
                               "Accept",        "Content-Length"};
        bool is_added = false;
        for (size_t k = 0; k < HT_COUNT_OF(added); k++) {
            is_added |=
                ht_slice_equal_ignoring_case(request->headers[i].name, ht_slice_text(added[k]));
        }
        if (!is_added) {
            headers[count++] = request->headers[i];
        }
    }
    ht_sigv4_hash_payload(request->body, hash);
    snprintf(key_id, sizeof key_id, "AKIDWORLD%u", world->key_generation);
    assert_non_null(strptime(date.data, "%Y%m%dT%H%M%SZ", &utc));
    struct ht_sigv4_identity identity = {ht_slice_text(key_id), HT_SLICE("secret"), token};
    char method[16];
    snprintf(method, sizeof method, "%.*s", (int)request->method.length, request->method.data);
    struct ht_sigv4_request again = {.method = method,
                                     .path = request->path,
                                     .query = request->query,
                                     .headers = headers,
                                     .header_count = count,
                                     .payload_hash = ht_slice_text(hash),
                                     .region = "eu-west-1",
                                     .signing_name = is_s3.length > 0 ? "s3" : "kinesis",
                                     .is_s3 = is_s3.length > 0,
                                     .time_s = timegm(&utc)};
    assert_int_equal(ht_sigv4_sign(&again, &identity, NULL, &result, NULL), 0);
    assert_int_equal(sent.length, result.authorization.length);
    assert_memory_equal(sent.data, result.authorization.data, sent.length);
    ht_sigv4_result_finish(&result);
}
