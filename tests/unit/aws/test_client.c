// SPDX-License-Identifier: MIT
#include "hashtagd/aws/client.h"

#include "hashtagd/base/assert.h"

#include "../../../src/aws/client_internal.h"
#include "../tally/failing_memory.h"
#include "aws_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define CALLS_MAX 8

struct test;

/* One call and what became of it. */
struct tried {
    struct ht_aws_call call;
    struct test *test;
    unsigned done_count;
    char answer[128];
    char date[64];
};

struct test {
    struct aws_world world;
    struct tried calls[CALLS_MAX];
    unsigned started, done;
    bool is_done, is_inside, was_inside;
};

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

static struct ht_aws_call *start(struct test *test, struct ht_aws_call what)
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

static struct ht_aws_call *start_update(struct test *test)
{
    return start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .body = HT_SLICE("{}")});
}

static void run(struct test *test)
{
    assert_true(aws_world_run_until(&test->world, &test->is_done));
}

static int set_up(void **state)
{
    struct test *test = calloc(1, sizeof *test);

    test->world.is_hasty = true;
    aws_world_start(&test->world);
    *state = test;
    return 0;
}

static int tear_down(void **state)
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

static void test_answer(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "UpdateItem", "{}", aws_world_json("{\"a\":1}"));
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_string_equal(test->calls[0].answer, "{\"a\":1}");
    assert_non_null(strstr(test->calls[0].date, "GMT"));
    assert_string_equal(call->failure.request_id, "request-1");
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_NONE);
    assert_int_equal(call->attempts, 1);
}

static void test_throttle_then_success(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "UpdateItem", NULL,
                     aws_world_error(400, "ProvisionedThroughputExceededException"));
    aws_world_expect(&test->world, "UpdateItem", NULL, aws_world_json("{}"));
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
}

static void test_long_trouble_ends(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < 4; i++) { /* the default of DynamoDB */
        aws_world_expect(&test->world, "UpdateItem", NULL,
                         aws_world_error(i == 0 ? 500 : 400, "ThrottlingException"));
    }
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, HT_EBUSY);
    assert_int_equal(call->attempts, 4);
    assert_string_equal(call->failure.code, "ThrottlingException");
    assert_string_equal(call->error.text,
                        "DynamoDB UpdateItem on table hashtags: ThrottlingException: as asked "
                        "(HTTP 400, request request-4)");
    const struct ht_aws_service_counters *counters =
        ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB);
    assert_int_equal(counters->calls, 1);
    assert_int_equal(counters->failed, 1);
    assert_int_equal(counters->attempts, 4);
    assert_int_equal(counters->throttled, 4);
    assert_int_equal(counters->in_flight, 0);
}

/* One attempt only, whatever happens. */
static void test_faults_of_one_attempt(void **state)
{
    static const struct {
        struct aws_world_reply reply;
        int status;
        enum ht_aws_fault fault;
        int http_status;
        uint64_t timeout_ms;
        size_t max_answer_bytes;
    } cases[] = {
        {{.status = 500}, HT_EIO, HT_AWS_FAULT_TRANSIENT, 500, 0, 0},
        {{.status = 503, .body = {"<html>busy</html>", 17}},
         HT_EIO,
         HT_AWS_FAULT_TRANSIENT,
         503,
         0,
         0},
        {{.is_dropped = true}, HT_ECONNECTION, HT_AWS_FAULT_TRANSIENT, 0, 0, 0},
        {{.is_cut = true, .body = {"{\"a\":1}", 7}},
         HT_ECONNECTION,
         HT_AWS_FAULT_TRANSIENT,
         200,
         0,
         0},
        {{.has_wrong_crc32 = true, .body = {"{}", 2}}, HT_EIO, HT_AWS_FAULT_TRANSIENT, 200, 0, 0},
        {{.is_silent = true}, HT_ETIMEDOUT, HT_AWS_FAULT_TRANSIENT, 0, 30, 0},
        {{.body = {"{\"a\":\"too much\"}", 16}}, HT_ETOOBIG, HT_AWS_FAULT_FINAL, 200, 0, 15},
        {{.status = 413}, HT_EINVAL, HT_AWS_FAULT_FINAL, 413, 0, 0},
    };
    struct test *test = *state;

    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        aws_world_expect(&test->world, "UpdateItem", NULL, cases[i].reply);
        struct ht_aws_call *call =
            start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                             .body = HT_SLICE("{}"),
                                             .max_attempts = 1,
                                             .timeout_ms = cases[i].timeout_ms,
                                             .max_answer_bytes = cases[i].max_answer_bytes});
        run(test);
        assert_int_equal(call->status, cases[i].status);
        assert_int_equal(call->failure.fault, cases[i].fault);
        assert_int_equal(call->failure.http_status, cases[i].http_status);
        assert_int_equal(call->attempts, 1);
        assert_non_null(strstr(call->error.text, "DynamoDB UpdateItem on table hashtags: "));
    }
}

static void test_transient_faults_are_tried_again(void **state)
{
    static const struct aws_world_reply faults[] = {
        {.status = 500},
        {.status = 502, .body = {"<html>", 6}},
        {.is_dropped = true},
        {.is_cut = true, .body = {"{\"a\":1}", 7}},
        {.has_wrong_crc32 = true, .body = {"{}", 2}},
        {.is_silent = true},
    };
    struct test *test = *state;

    for (size_t i = 0; i < HT_COUNT_OF(faults); i++) {
        aws_world_expect(&test->world, "UpdateItem", NULL, faults[i]);
        aws_world_expect(&test->world, "UpdateItem", NULL, aws_world_json("{\"b\":2}"));
        struct ht_aws_call *call =
            start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                             .timeout_ms = faults[i].is_silent ? 30 : 0});
        run(test);
        assert_int_equal(call->status, 0);
        /* libcurl itself sends again what a kept connection lost without a byte */
        assert_in_range(call->attempts, faults[i].is_dropped ? 1 : 2, 2);
        assert_string_equal(test->calls[i].answer, "{\"b\":2}");
        assert_string_equal(call->error.text, "");
    }
}

static void test_final_faults_are_not(void **state)
{
    static const struct {
        const char *code;
        int status;
    } cases[] = {
        {"ResourceNotFoundException", HT_ENOTFOUND},
        {"ConditionalCheckFailedException", HT_EEXIST},
        {"AccessDeniedException", HT_EPERMISSION},
        {"ValidationException", HT_EINVAL},
        {"InvalidSignatureException", HT_EPERMISSION},
    };
    struct test *test = *state;

    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        aws_world_expect(&test->world, NULL, NULL, aws_world_error(400, cases[i].code));
        struct ht_aws_call *call = start_update(test);
        run(test);
        assert_int_equal(call->status, cases[i].status);
        assert_int_equal(call->attempts, 1);
    }
}

/* What the server of this test wants to see of the keys. */
static void check_keys(struct aws_world *world, const struct aws_world_request *request,
                       struct aws_world_reply *reply)
{
    struct ht_slice authorization = aws_world_header(request, "Authorization");
    struct ht_slice token = aws_world_header(request, "X-Amz-Security-Token");

    (void)world;
    assert_true(
        ht_slice_starts_with(authorization, HT_SLICE("AWS4-HMAC-SHA256 Credential=AKIDWORLD")));
    if (token.length == 0) {
        *reply = aws_world_error(400, "ExpiredTokenException");
    } else {
        assert_true(ht_slice_equal(token, HT_SLICE("token1")));
    }
}

static void test_expired_keys_are_fetched_again(void **state)
{
    struct test *test = *state;

    test->world.on_request = check_keys;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
    assert_int_equal(test->world.key_refusals, 1);
}

static void test_keys_that_stay_unknown_end(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < 2; i++) {
        aws_world_expect(&test->world, NULL, NULL,
                         aws_world_error(400, "UnrecognizedClientException"));
    }
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_CREDENTIALS);
    assert_int_equal(call->attempts, 2);
}

static void test_no_keys(void **state)
{
    struct test *test = *state;

    test->world.keys_status = HT_ENOTFOUND;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_CREDENTIALS);
    assert_int_equal(call->attempts, 0);
    assert_string_equal(call->error.text,
                        "DynamoDB UpdateItem on table hashtags: no keys in this world");
    assert_int_equal(test->world.request_count, 0);
}

static void test_late_keys(void **state)
{
    struct test *test = *state;

    test->world.are_keys_late = true;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
}

static int64_t sent_time(const struct aws_world_request *request)
{
    struct tm utc = {0};
    struct ht_slice text = aws_world_header(request, "X-Amz-Date");

    assert_int_equal(text.length, 16);
    assert_non_null(strptime(text.data, "%Y%m%dT%H%M%SZ", &utc));
    return (int64_t)timegm(&utc);
}

/* Refuses what is more than five minutes off, as the services do. */
static void check_time(struct aws_world *world, const struct aws_world_request *request,
                       struct aws_world_reply *reply)
{
    int64_t off_s =
        sent_time(request) - (ht_clock_wall_ms(world->clock) + world->server_skew_ms) / 1000;

    if (off_s > 300 || off_s < -300) {
        *reply = aws_world_error(400, "InvalidSignatureException");
    }
}

static void test_clock_that_is_off_is_corrected(void **state)
{
    struct test *test = *state;
    const struct ht_aws_service_counters *counters =
        ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB);

    test->world.on_request = check_time;
    test->world.server_skew_ms = 3600000;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
    assert_in_range(counters->skew_ms, 3599000, 3601000);
    call = start_update(test); /* the correction stays */
    run(test);
    assert_int_equal(call->attempts, 1);
    test->world.server_skew_ms = -7200000;
    call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
    test->world.server_skew_ms = 0; /* somebody set the clock right */
    call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(counters->skew_ms, 0);
}

static void test_clock_is_learned_before_it_hurts(void **state)
{
    struct test *test = *state;

    test->world.server_skew_ms = 3600000;
    start_update(test);
    run(test);
    test->world.on_request = check_time;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->attempts, 1);
    assert_int_equal(call->status, 0);
}

static void test_clock_is_corrected_once(void **state)
{
    static const char body[] =
        "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature not yet current: x\"}";
    struct test *test = *state;

    for (unsigned i = 0; i < 2; i++) {
        aws_world_expect(&test->world, NULL, NULL,
                         (struct aws_world_reply){.status = 400, .body = HT_SLICE(body)});
    }
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_SKEW);
    assert_int_equal(call->attempts, 2);
}

/* All that is sent beside the body. */
static void check_headers(struct aws_world *world, const struct aws_world_request *request,
                          struct aws_world_reply *reply)
{
    static const struct {
        const char *name, *value;
    } expected[] = {
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.UpdateItem"},
        {"Content-Length", "2"},
        {"Expect", ""},
        {"X-Extra", "a value"},
    };

    (void)reply;
    for (size_t i = 0; i < HT_COUNT_OF(expected); i++) {
        struct ht_slice value = aws_world_header(request, expected[i].name);
        assert_true(ht_slice_equal(value, ht_slice_text(expected[i].value)));
    }
    assert_true(ht_slice_equal(aws_world_header(request, "Host"),
                               ht_slice_text(world->endpoint + strlen("http://"))));
    assert_true(
        ht_slice_starts_with(aws_world_header(request, "User-Agent"), HT_SLICE("hashtagd/")));
    struct ht_slice id = aws_world_header(request, "amz-sdk-invocation-id");
    assert_int_equal(id.length, 36);
    assert_int_equal(id.data[14], '4');
    static char first[37];
    if (request->number == 1) {
        memcpy(first, id.data, 36);
        *reply = aws_world_error(500, "InternalServerError");
    } else {
        assert_true(ht_slice_equal(id, ht_slice_text(first)));
    }
    char text[32];
    snprintf(text, sizeof text, "attempt=%u; max=4", request->number);
    assert_true(ht_slice_equal(aws_world_header(request, "amz-sdk-request"), ht_slice_text(text)));
    assert_non_null(memmem(aws_world_header(request, "Authorization").data, 300,
                           "SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-extra, ",
                           64));
}

static void test_headers(void **state)
{
    static const struct ht_http_header more[] = {HT_HTTP_HEADER("X-Extra", "a value")};
    struct test *test = *state;

    test->world.on_request = check_headers;
    struct ht_aws_call *call = start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                                                .body = HT_SLICE("{}"),
                                                                .headers = more,
                                                                .header_count = 1});
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
}

static void test_header_that_cannot_be_sent(void **state)
{
    static const struct ht_http_header bad[] = {HT_HTTP_HEADER("X-Extra", "a\r\nb: c")};
    struct test *test = *state;

    struct ht_aws_call *call = start(
        test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .headers = bad, .header_count = 1});
    run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_int_equal(test->world.request_count, 0);
}

static void test_no_region(void **state)
{
    struct test *test = *state;
    char *region = test->world.settings.region;

    test->world.settings.region = NULL;
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_non_null(strstr(call->error.text, "AWS_REGION"));
    test->world.settings.region = region;
}

/* --- S3 --- */

static void test_place_of_a_bucket(void **state)
{
    static const struct {
        const char *endpoint, *bucket;
        bool is_overridden, is_in_path;
    } cases[] = {
        {"https://s3.eu-west-1.amazonaws.com", "hashtags", false, false},
        {"https://s3.cn-north-1.amazonaws.com.cn", "hash-tags9", false, false},
        {"https://s3.eu-west-1.amazonaws.com", "hash.tags", false, true},
        {"https://s3.eu-west-1.amazonaws.com", "Hashtags", false, true},
        {"https://s3.eu-west-1.amazonaws.com", "hash_tags", false, true},
        {"https://s3.eu-west-1.amazonaws.com", "ab", false, true},
        {"https://s3.eu-west-1.amazonaws.com", "abc-", false, true},
        {"http://127.0.0.1:9000", "hashtags", true, true},
        {"http://localhost:9000", "hashtags", true, true},
        {"https://minio.example.com", "hashtags", true, true},
        {"https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", "hashtags", true, false},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_int_equal(ht_aws_request_uses_path_style(ht_slice_text(cases[i].endpoint),
                                                        ht_slice_text(cases[i].bucket),
                                                        cases[i].is_overridden),
                         cases[i].is_in_path);
    }
}

/* Signs anew what came over the wire: every signed header is there as it was signed. */
static void check_signature(struct aws_world *world, const struct aws_world_request *request,
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

static void test_what_is_sent_is_what_was_signed(void **state)
{
    static const struct ht_http_header more[] = {HT_HTTP_HEADER("Content-MD5", "abc=="),
                                                 HT_HTTP_HEADER("If-None-Match", "*")};
    struct test *test = *state;

    test->world.on_request = check_signature;
    for (unsigned i = 0; i < 2; i++) { /* without a token, and with */
        test->world.key_generation = i;
        start(test, (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = HT_SLICE("{}")});
        start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                         .method = "PUT",
                                         .bucket = HT_SLICE("hashtags"),
                                         .path = HT_SLICE("/a/../%C3%A9"),
                                         .query = HT_SLICE("partNumber=2&uploadId=x"),
                                         .headers = more,
                                         .header_count = 2,
                                         .body = HT_SLICE("part")});
        start(test, (struct ht_aws_call){
                        .service = HT_AWS_S3, .method = "HEAD", .bucket = HT_SLICE("hashtags")});
        run(test);
    }
    for (unsigned i = 0; i < test->started; i++) {
        assert_int_equal(test->calls[i].call.status, 0);
    }
}

static void check_bucket(struct aws_world *world, const struct aws_world_request *request,
                         struct aws_world_reply *reply)
{
    struct ht_slice authorization = aws_world_header(request, "Authorization");
    bool is_there = memmem(authorization.data, authorization.length, "/us-west-2/s3/", 14) != NULL;

    (void)world;
    assert_true(ht_slice_equal(request->path, HT_SLICE("/my.bucket/a//b/../c%20d")));
    assert_true(ht_slice_equal(request->query, HT_SLICE("uploads")));
    assert_int_equal(aws_world_header(request, "X-Amz-Content-SHA256").length, 64);
    if (!is_there) {
        reply->status = 301;
        reply->headers[0] =
            (struct ht_http_header)HT_HTTP_HEADER("x-amz-bucket-region", "us-west-2");
        reply->header_count = 1;
    }
}

static void test_bucket_elsewhere(void **state)
{
    struct test *test = *state;

    test->world.on_request = check_bucket;
    for (unsigned i = 0; i < 2; i++) {
        struct ht_aws_call *call =
            start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                             .operation = "CreateMultipartUpload",
                                             .bucket = HT_SLICE("my.bucket"),
                                             .path = HT_SLICE("/a//b/../c%20d"),
                                             .query = HT_SLICE("uploads")});
        run(test);
        assert_int_equal(call->status, 0);
        assert_int_equal(call->attempts, i == 0 ? 2 : 1); /* the second knows it */
    }
}

static void test_words_without_a_body(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "HEAD", NULL, (struct aws_world_reply){.status = 403});
    struct ht_aws_call *call = start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                                .operation = "HeadBucket",
                                                                .method = "HEAD",
                                                                .bucket = HT_SLICE("hashtags")});
    run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_string_equal(call->error.text, "S3 HeadBucket on table hashtags: Forbidden (HTTP 403)");
}

static void test_name_that_is_no_bucket(void **state)
{
    struct test *test = *state;

    struct ht_aws_call *call =
        start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                         .operation = "HeadBucket",
                                         .method = "HEAD",
                                         .bucket = HT_SLICE("evil.example/")});
    run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_int_equal(test->world.request_count, 0);
}

/* --- ends --- */

static void test_broken_connection_that_rested_is_tried_at_once(void **state)
{
    struct test *test = *state;

    start_update(test);
    run(test);
    aws_world_drop_connections(&test->world);
    struct ht_aws_call *call =
        start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .max_attempts = 2});
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(test->world.connection_count, 2);
}

static void test_connection_is_kept(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < 5; i++) {
        start_update(test);
        run(test);
    }
    assert_int_equal(test->world.connection_count, 1);
}

static void test_cancel_at_every_step(void **state)
{
    struct test *test = *state;

    /* at once, with keys and without */
    for (unsigned i = 0; i < 2; i++) {
        test->world.are_keys_late = i == 1;
        struct ht_aws_call *call = start_update(test);
        test->is_inside = true;
        ht_aws_call_cancel(call);
        ht_aws_call_cancel(call);
        test->is_inside = false;
        run(test);
        assert_int_equal(call->status, HT_ECANCELED);
    }
    test->world.are_keys_late = false;
    /* on the wire */
    aws_world_expect(&test->world, NULL, NULL, (struct aws_world_reply){.is_silent = true});
    struct ht_aws_call *call = start_update(test);
    aws_world_run_for(&test->world, 20);
    assert_int_equal(aws_world_expected_count(&test->world), 0);
    ht_aws_call_cancel(call);
    run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    assert_string_equal(call->error.text, "DynamoDB UpdateItem on table hashtags: canceled");
    /* while it waits for the next attempt */
    test->world.is_hasty = false;
    aws_world_expect(
        &test->world, NULL, NULL,
        (struct aws_world_reply){.status = 500,
                                 .headers = {HT_HTTP_HEADER("x-amz-retry-after", "4000")},
                                 .header_count = 1});
    call = start_update(test);
    while (aws_world_expected_count(&test->world) > 0) {
        aws_world_run_for(&test->world, 10);
    }
    aws_world_run_for(&test->world, 20);
    assert_true(ht_aws_call_is_running(call));
    ht_aws_call_cancel(call);
    run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    assert_int_equal(call->attempts, 1);
    ht_aws_call_cancel(call); /* nothing runs: nothing happens */
}

static void test_close_with_calls_running(void **state)
{
    struct test *test = *state;

    test->world.is_hasty = false;
    aws_world_expect(&test->world, NULL, NULL, (struct aws_world_reply){.is_silent = true});
    start_update(test);
    while (aws_world_expected_count(&test->world) > 0) {
        aws_world_run_for(&test->world, 5);
    }
    test->world.are_keys_late = true;
    start_update(test);
    test->is_inside = true;
    aws_world_close_client(&test->world);
    test->is_inside = false;
    test->was_inside = false; /* running the loop is in there */
    assert_int_equal(test->done, 2);
    assert_int_equal(test->calls[0].call.status, HT_ECANCELED);
    assert_int_equal(test->calls[1].call.status, HT_ECANCELED);
}

/* A call in memory that its `done` frees, as operations do, with the answer taken or not. */
struct freed {
    struct ht_aws_call call;
    struct ht_buffer *taken;
    bool *is_done;
};

static void on_done_freeing(struct ht_aws_call *call)
{
    struct freed *freed = HT_CONTAINER_OF(call, struct freed, call);

    if (freed->taken != NULL) {
        ht_aws_call_take_answer(call, freed->taken);
        assert_null(call->answer.data);
    }
    *freed->is_done = true;
    free(freed);
}

static void test_done_may_free_the_call(void **state)
{
    struct test *test = *state;
    struct ht_buffer answer = {0};

    for (unsigned i = 0; i < 2; i++) {
        struct freed *freed = calloc(1, sizeof *freed);
        bool is_done = false;
        freed->call = (struct ht_aws_call){
            .service = HT_AWS_DYNAMODB, .operation = "GetItem", .done = on_done_freeing};
        freed->taken = i == 1 ? &answer : NULL;
        freed->is_done = &is_done;
        aws_world_expect(&test->world, "GetItem", NULL, aws_world_json("{\"Item\":{}}"));
        ht_aws_call_start(test->world.aws, &freed->call);
        assert_true(aws_world_run_until(&test->world, &is_done));
    }
    assert_string_equal(answer.data, "{\"Item\":{}}");
    ht_buffer_finish(&answer);
}

static unsigned rounds;

static void on_done_again(struct ht_aws_call *call)
{
    struct test *test = call->user;

    assert_int_equal(call->status, 0);
    if (++rounds < 3) {
        ht_aws_call_start(test->world.aws, call);
    } else {
        test->is_done = true;
    }
}

static void test_done_may_start_the_call_anew(void **state)
{
    struct test *test = *state;
    struct ht_aws_call call = {
        .service = HT_AWS_KINESIS, .operation = "PutRecords", .done = on_done_again, .user = test};

    rounds = 0;
    ht_aws_call_start(test->world.aws, &call);
    run(test);
    assert_int_equal(test->world.request_count, 3);
}

/* Hashed over several turns; the server makes the hash anew. */
static void test_large_body(void **state)
{
    struct test *test = *state;
    size_t length = 3u * 1024u * 1024u + 7;
    char *body = malloc(length);

    assert_non_null(body);
    for (size_t i = 0; i < length; i++) {
        body[i] = (char)(i * 31 + (i >> 8));
    }
    test->world.on_request = check_signature;
    struct ht_aws_call *call =
        start(test, (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = {body, length}});
    run(test);
    assert_int_equal(call->status, 0);
    call = start(test, (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = {body, length}});
    ht_aws_call_cancel(call); /* while it is hashed */
    run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    free(body);
}

/* Each allocation of a start fails once: the call ends all the same, on a later turn. */
static void test_start_without_memory(void **state)
{
    struct test *test = *state;
    bool has_failed = true;
    unsigned refused = 0;

    start_update(test);
    run(test);
    for (size_t allocations = 0; has_failed; allocations++) {
        test->started = test->done = 0;
        memset(test->calls, 0, sizeof test->calls);
        start_update(test); /* so that no attempts of an earlier call are at hand */
        failing_memory_set(allocations);
        struct ht_aws_call *call = start_update(test);
        has_failed = failing_memory_set(SIZE_MAX);
        run(test);
        refused += call->status == HT_ENOMEM;
        assert_true(call->status == 0 || call->status == HT_ENOMEM);
        assert_true((call->status == 0) == (call->error.text[0] == '\0'));
    }
    assert_true(refused >= 5);
    assert_int_equal(ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB)->in_flight, 0);
}

static void test_many_at_once(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < CALLS_MAX; i++) {
        aws_world_expect(&test->world, NULL, NULL,
                         (struct aws_world_reply){.body = HT_SLICE("{}"), .delay_ms = 5});
    }
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        start_update(test);
    }
    assert_int_equal(ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB)->in_flight,
                     CALLS_MAX);
    run(test);
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(test->calls[i].call.status, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer),
        TEST(test_throttle_then_success),
        TEST(test_long_trouble_ends),
        TEST(test_faults_of_one_attempt),
        TEST(test_transient_faults_are_tried_again),
        TEST(test_final_faults_are_not),
        TEST(test_expired_keys_are_fetched_again),
        TEST(test_keys_that_stay_unknown_end),
        TEST(test_no_keys),
        TEST(test_late_keys),
        TEST(test_clock_that_is_off_is_corrected),
        TEST(test_clock_is_learned_before_it_hurts),
        TEST(test_clock_is_corrected_once),
        TEST(test_headers),
        TEST(test_header_that_cannot_be_sent),
        TEST(test_no_region),
        TEST(test_place_of_a_bucket),
        TEST(test_what_is_sent_is_what_was_signed),
        TEST(test_bucket_elsewhere),
        TEST(test_words_without_a_body),
        TEST(test_name_that_is_no_bucket),
        TEST(test_broken_connection_that_rested_is_tried_at_once),
        TEST(test_connection_is_kept),
        TEST(test_cancel_at_every_step),
        TEST(test_close_with_calls_running),
        TEST(test_done_may_free_the_call),
        TEST(test_done_may_start_the_call_anew),
        TEST(test_large_body),
        TEST(test_start_without_memory),
        TEST(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
