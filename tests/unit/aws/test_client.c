// SPDX-License-Identifier: MIT
#include "hashtagd/aws/client.h"

#include "hashtagd/base/assert.h"

#include "../../../src/aws/client_internal.h"
#include "../tally/failing_memory.h"
#include "client_calls.h"

#include <time.h>

static void test_answer(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "UpdateItem", "{}", aws_world_json("{\"a\":1}"));
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
        struct ht_aws_call *call = client_calls_start(
            test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                       .body = HT_SLICE("{}"),
                                       .max_attempts = 1,
                                       .timeout_ms = cases[i].timeout_ms,
                                       .max_answer_bytes = cases[i].max_answer_bytes});
        client_calls_run(test);
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
        struct ht_aws_call *call = client_calls_start(
            test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                       .timeout_ms = faults[i].is_silent ? 30 : 0});
        client_calls_run(test);
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
        struct ht_aws_call *call = client_calls_start_update(test);
        client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_CREDENTIALS);
    assert_int_equal(call->attempts, 2);
}

static void test_no_keys(void **state)
{
    struct test *test = *state;

    test->world.keys_status = HT_ENOTFOUND;
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_CREDENTIALS);
    assert_int_equal(call->attempts, 0);
    assert_string_equal(call->error.text,
                        "DynamoDB UpdateItem on table hashtags: no keys in this world");
    assert_int_equal(test->world.request_count, 0);
}

/* A long text of the chain, with its cure at the end, behind a long name. */
static void test_the_cure_of_missing_keys_is_told_whole(void **state)
{
    struct test *test = *state;
    char resource[80], text[384];

    memset(resource, 'r', sizeof resource - 1);
    resource[sizeof resource - 1] = '\0';
    memset(text, 'x', sizeof text);
    snprintf(text + sizeof text - 10, 10, "enabled 2");
    test->world.keys_status = HT_ENOTFOUND;
    test->world.keys_text = text;
    struct ht_aws_call *call =
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_KINESIS,
                                                      .operation = "DescribeStreamSummary",
                                                      .resource = resource});
    client_calls_run(test);
    assert_string_equal(call->error.text + strlen(call->error.text) - strlen(text), text);
}

static void test_late_keys(void **state)
{
    struct test *test = *state;

    test->world.are_keys_late = true;
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
    assert_in_range(counters->skew_ms, 3599000, 3601000);
    call = client_calls_start_update(test); /* the correction stays */
    client_calls_run(test);
    assert_int_equal(call->attempts, 1);
    test->world.server_skew_ms = -7200000;
    call = client_calls_start_update(test);
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
    test->world.server_skew_ms = 0; /* somebody set the clock right */
    call = client_calls_start_update(test);
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(counters->skew_ms, 0);
}

static void test_clock_is_learned_before_it_hurts(void **state)
{
    struct test *test = *state;

    test->world.server_skew_ms = 3600000;
    client_calls_start_update(test);
    client_calls_run(test);
    test->world.on_request = check_time;
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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
    struct ht_aws_call *call =
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                                      .body = HT_SLICE("{}"),
                                                      .headers = more,
                                                      .header_count = 1});
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
}

static void test_header_that_cannot_be_sent(void **state)
{
    static const struct ht_http_header bad[] = {HT_HTTP_HEADER("X-Extra", "a\r\nb: c")};
    struct test *test = *state;

    struct ht_aws_call *call = client_calls_start(
        test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .headers = bad, .header_count = 1});
    client_calls_run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_int_equal(test->world.request_count, 0);
}

static void test_what_makes_no_sense_is_not_sent(void **state)
{
    struct test *test = *state;

    struct ht_aws_call *call =
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3, .refusal = HT_EINVAL});
    client_calls_run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_int_equal(call->attempts, 0);
    assert_int_equal(test->world.request_count, 0);
}

static void test_no_region(void **state)
{
    struct test *test = *state;
    char *region = test->world.settings.region;

    test->world.settings.region = NULL;
    struct ht_aws_call *call = client_calls_start_update(test);
    client_calls_run(test);
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

static void test_what_is_sent_is_what_was_signed(void **state)
{
    static const struct ht_http_header more[] = {HT_HTTP_HEADER("Content-MD5", "abc=="),
                                                 HT_HTTP_HEADER("If-None-Match", "*")};
    struct test *test = *state;

    test->world.on_request = client_calls_check_signature;
    for (unsigned i = 0; i < 2; i++) { /* without a token, and with */
        test->world.key_generation = i;
        client_calls_start(test,
                           (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = HT_SLICE("{}")});
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                      .method = "PUT",
                                                      .bucket = HT_SLICE("hashtags"),
                                                      .path = HT_SLICE("/a/../%C3%A9"),
                                                      .query = HT_SLICE("partNumber=2&uploadId=x"),
                                                      .headers = more,
                                                      .header_count = 2,
                                                      .body = HT_SLICE("part")});
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                      .method = "HEAD",
                                                      .bucket = HT_SLICE("hashtags")});
        client_calls_run(test);
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
            client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                          .operation = "CreateMultipartUpload",
                                                          .bucket = HT_SLICE("my.bucket"),
                                                          .path = HT_SLICE("/a//b/../c%20d"),
                                                          .query = HT_SLICE("uploads")});
        client_calls_run(test);
        assert_int_equal(call->status, 0);
        assert_int_equal(call->attempts, i == 0 ? 2 : 1); /* the second knows it */
    }
}

static void test_words_without_a_body(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "HEAD", NULL, (struct aws_world_reply){.status = 403});
    struct ht_aws_call *call =
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                      .operation = "HeadBucket",
                                                      .method = "HEAD",
                                                      .bucket = HT_SLICE("hashtags")});
    client_calls_run(test);
    assert_int_equal(call->status, HT_EPERMISSION);
    assert_string_equal(call->error.text, "S3 HeadBucket on table hashtags: Forbidden (HTTP 403)");
}

static void test_name_that_is_no_bucket(void **state)
{
    struct test *test = *state;

    struct ht_aws_call *call =
        client_calls_start(test, (struct ht_aws_call){.service = HT_AWS_S3,
                                                      .operation = "HeadBucket",
                                                      .method = "HEAD",
                                                      .bucket = HT_SLICE("evil.example/")});
    client_calls_run(test);
    assert_int_equal(call->status, HT_EINVAL);
    assert_int_equal(test->world.request_count, 0);
}

/* --- ends --- */

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
        TEST(test_the_cure_of_missing_keys_is_told_whole),
        TEST(test_late_keys),
        TEST(test_clock_that_is_off_is_corrected),
        TEST(test_clock_is_learned_before_it_hurts),
        TEST(test_clock_is_corrected_once),
        TEST(test_headers),
        TEST(test_header_that_cannot_be_sent),
        TEST(test_what_makes_no_sense_is_not_sent),
        TEST(test_no_region),
        TEST(test_place_of_a_bucket),
        TEST(test_what_is_sent_is_what_was_signed),
        TEST(test_bucket_elsewhere),
        TEST(test_words_without_a_body),
        TEST(test_name_that_is_no_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
