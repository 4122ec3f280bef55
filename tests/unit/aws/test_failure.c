// SPDX-License-Identifier: MIT
#include "hashtagd/aws/failure.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct reading {
    enum ht_aws_service service;
    int http_status;
    const char *body;
    /* expected */
    const char *code, *message;
    enum ht_aws_fault fault;
    int status;
};

static const struct reading readings[] = {
    /* JSON, as botocore cuts it */
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\","
     "\"message\":\"Requested resource not found\"}",
     "ResourceNotFoundException", "Requested resource not found", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {HT_AWS_KINESIS, 400, "{\"__type\":\"ProvisionedThroughputExceededException\"}",
     "ProvisionedThroughputExceededException", "", HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"com.amazon.coral.validate#ValidationException:http://x/"
     "\",\"Message\":\"a\\\"b\"}",
     "ValidationException", "a\"b", HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"x#ConditionalCheckFailedException\",\"message\":\"The conditional\","
     "\"Item\":{\"__type\":{\"S\":\"no\"}}}",
     "ConditionalCheckFailedException", "The conditional", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {HT_AWS_DYNAMODB, 400, "{\"code\":\"ThrottlingException\",\"message\":\"slow\"}",
     "ThrottlingException", "slow", HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":\"TrimmedDataAccessException\",\"message\":\"x\"}",
     "TrimmedDataAccessException", "x", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"x\"}",
     "ExpiredTokenException", "x", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":\"UnrecognizedClientException\"}",
     "UnrecognizedClientException", "", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {HT_AWS_KINESIS, 400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: x\"}",
     "AccessDeniedException", "User: x", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {HT_AWS_KINESIS, 400, "{\"__type\":\"ResourceInUseException\"}", "ResourceInUseException", "",
     HT_AWS_FAULT_FINAL, HT_EEXIST},
    {HT_AWS_KINESIS, 400, "{\"__type\":\"ExpiredIteratorException\"}", "ExpiredIteratorException",
     "", HT_AWS_FAULT_FINAL, HT_ETIMEDOUT},
    {HT_AWS_DYNAMODB, 500, "{\"__type\":\"InternalServerError\"}", "InternalServerError", "",
     HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":\"TransactionConflictException\"}",
     "TransactionConflictException", "", HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_FIREHOSE, 503, "{\"__type\":\"ServiceUnavailableException\"}",
     "ServiceUnavailableException", "", HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_KINESIS, 400, "{\"__type\":\"KMSThrottlingException\"}", "KMSThrottlingException", "",
     HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    /* the clock, and what looks like it */
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: 20260301T120000Z "
     "is "
     "now earlier than 20260301T121000Z (20260301T121500Z - 5 min.)\"}",
     "InvalidSignatureException",
     "Signature expired: 20260301T120000Z is now earlier than 20260301T121000Z (20260301T121500Z - "
     "5 min.)",
     HT_AWS_FAULT_SKEW, HT_EPERMISSION},
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"InvalidSignatureException\",\"message\":\"The request signature we "
     "calculated\"}",
     "InvalidSignatureException", "The request signature we calculated", HT_AWS_FAULT_FINAL,
     HT_EPERMISSION},
    {HT_AWS_DYNAMODB, 400,
     "{\"__type\":\"InvalidSignatureException\",\"message\":\"It does not match. The Canonical "
     "String "
     "for this request should have been\\n'POST\\n/\\n\\nx-amz-security-token:SECRET'\"}",
     "InvalidSignatureException", "It does not match. ", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {HT_AWS_S3, 403,
     "<?xml "
     "version=\"1.0\"?>\n<Error><Code>RequestTimeTooSkewed</Code><Message>off</Message></Error>",
     "RequestTimeTooSkewed", "off", HT_AWS_FAULT_SKEW, HT_EPERMISSION},
    /* XML */
    {HT_AWS_STS, 400,
     "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
     "<Code>ExpiredTokenException</Code><Message>a &lt;b&gt; &amp;amp; c</Message></Error>"
     "<RequestId>r-1</RequestId></ErrorResponse>",
     "ExpiredTokenException", "a <b> &amp; c", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {HT_AWS_S3, 503, "<Error><Code>SlowDown</Code><Message>m</Message></Error>", "SlowDown", "m",
     HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_S3, 503, "<Error><Code>ServiceUnavailable</Code></Error>", "ServiceUnavailable", "",
     HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_S3, 404, "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket", "",
     HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {HT_AWS_S3, 409, "<Error><Code>OperationAborted</Code></Error>", "OperationAborted", "",
     HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_S3, 412, "<Error><Code>PreconditionFailed</Code></Error>", "PreconditionFailed", "",
     HT_AWS_FAULT_FINAL, HT_EEXIST},
    {HT_AWS_DYNAMODB, 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error>",
     "SignatureDoesNotMatch", "", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {HT_AWS_KINESIS, 403, "<ErrorResponse><Errors><Error><Code>InvalidClientTokenId</Code>",
     "InvalidClientTokenId", "", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    /* nothing that can be read: the status decides */
    {HT_AWS_S3, 404, "", "", "", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {HT_AWS_S3, 403, "", "", "", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {HT_AWS_S3, 503, "", "", "", HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_DYNAMODB, 503, "<html><body><b>Http/1.1 Service Unavailable</b></body></html>", "",
     "<html><body><b>Http/1.1 Service Unavailable</b></body></html>", HT_AWS_FAULT_TRANSIENT,
     HT_EIO},
    {HT_AWS_DYNAMODB, 407, "<html>\n<title>proxy</title>", "", "<html> <title>proxy</title>",
     HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 429, "", "", "", HT_AWS_FAULT_THROTTLED, HT_EBUSY},
    {HT_AWS_DYNAMODB, 502, "", "", "", HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_DYNAMODB, 504, "", "", "", HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_DYNAMODB, 408, "", "", "", HT_AWS_FAULT_TRANSIENT, HT_EIO},
    {HT_AWS_DYNAMODB, 501, "", "", "", HT_AWS_FAULT_FINAL, HT_EIO},
    {HT_AWS_DYNAMODB, 413, "", "", "", HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":\"Validation", "", "{\"__type\":\"Validation",
     HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 400, "{\"__type\":7,\"message\":{}}", "", "", HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 400, "[]", "", "[]", HT_AWS_FAULT_FINAL, HT_EINVAL},
    {HT_AWS_DYNAMODB, 400, " \r\n\x01plain\x7f words", "", "plain  words", HT_AWS_FAULT_FINAL,
     HT_EINVAL},
};

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(readings); i++) {
        const struct reading *reading = &readings[i];
        struct ht_aws_failure failure;
        struct ht_aws_reply reply = {.service = reading->service,
                                     .http_status = reading->http_status,
                                     .body = ht_slice_text(reading->body)};
        ht_aws_failure_read(&reply, &failure);
        assert_string_equal(failure.code, reading->code);
        assert_string_equal(failure.message, reading->message);
        assert_int_equal(failure.fault, reading->fault);
        assert_int_equal(failure.http_status, reading->http_status);
        assert_int_equal(ht_aws_failure_status(&failure), reading->status);
    }
}

static void test_headers(void **state)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("X-Amzn-Errortype", "ThrottlingException:http://internal.amazon.com/"),
        HT_HTTP_HEADER("x-amzn-requestid", "abc"), HT_HTTP_HEADER("x-amz-id-2", "def")};
    struct ht_aws_failure failure;
    struct ht_aws_reply reply = {
        .service = HT_AWS_KINESIS, .http_status = 400, .headers = headers, .header_count = 3};

    (void)state;
    ht_aws_failure_read(&reply, &failure);
    assert_string_equal(failure.code, "ThrottlingException");
    assert_string_equal(failure.request_id, "abc def");
    assert_int_equal(failure.fault, HT_AWS_FAULT_THROTTLED);
}

static void test_request_id_of_the_body(void **state)
{
    struct ht_aws_failure failure;
    struct ht_aws_reply reply = {
        .service = HT_AWS_STS,
        .http_status = 403,
        .body = HT_SLICE("<ErrorResponse><Error><Code>AccessDenied</Code></Error>"
                         "<RequestId>r-1</RequestId></ErrorResponse>")};

    (void)state;
    ht_aws_failure_read(&reply, &failure);
    assert_string_equal(failure.request_id, "r-1");
}

static void test_codes_of_single_records(void **state)
{
    (void)state;
    assert_int_equal(ht_aws_failure_classify(HT_AWS_KINESIS, HT_SLICE("InternalFailure")),
                     HT_AWS_FAULT_TRANSIENT);
    assert_int_equal(
        ht_aws_failure_classify(HT_AWS_FIREHOSE, HT_SLICE("ServiceUnavailableException")),
        HT_AWS_FAULT_THROTTLED);
    assert_int_equal(ht_aws_failure_classify(HT_AWS_S3, HT_SLICE("ServiceUnavailable")),
                     HT_AWS_FAULT_THROTTLED);
    assert_int_equal(ht_aws_failure_classify(HT_AWS_DYNAMODB, HT_SLICE("ThrottlingError")),
                     HT_AWS_FAULT_THROTTLED);
    assert_int_equal(ht_aws_failure_classify(HT_AWS_DYNAMODB, HT_SLICE("NeverHeardOf")),
                     HT_AWS_FAULT_FINAL);
    assert_int_equal(ht_aws_failure_classify(HT_AWS_DYNAMODB, HT_SLICE("")), HT_AWS_FAULT_FINAL);
}

static void test_long_texts_are_cut_at_a_character(void **state)
{
    struct ht_aws_failure failure;
    char body[3000] = "{\"__type\":\"ValidationException\",\"message\":\"x";
    size_t length = strlen(body);

    (void)state;
    while (length < 2000) { /* two bytes a letter, from an odd place on */
        memcpy(body + length, "\xc3\xa9", 2);
        length += 2;
    }
    memcpy(body + length, "\"}", 3);
    struct ht_aws_reply reply = {
        .service = HT_AWS_DYNAMODB, .http_status = 400, .body = ht_slice_text(body)};
    ht_aws_failure_read(&reply, &failure);
    size_t cut = strlen(failure.message);
    assert_true(cut >= sizeof failure.message - 3 && cut < sizeof failure.message);
    assert_int_equal((unsigned char)failure.message[cut - 1], 0xa9);
}

static void test_what_is_no_utf8_is_shown_as_such(void **state)
{
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"<html>\xe9t\xe9</html>", "<html>?t?</html>"},
        {"a\xc3\xa9\xc3", "a\xc3\xa9?"},
        {"\xed\xa0\x80\x01", "??? "},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        struct ht_aws_failure failure;
        struct ht_aws_reply reply = {
            .service = HT_AWS_S3, .http_status = 502, .body = ht_slice_text(rows[i].body)};
        ht_aws_failure_read(&reply, &failure);
        assert_string_equal(failure.message, rows[i].message);
    }
}

static void test_region_hints(void **state)
{
    static const struct ht_http_header header[] = {
        HT_HTTP_HEADER("x-amz-bucket-region", "eu-central-1")};
    static const struct ht_http_header bad[] = {
        HT_HTTP_HEADER("x-amz-bucket-region", "evil.example/")};
    char region[HT_AWS_REGION_BYTES];
    struct ht_aws_reply reply = {
        .service = HT_AWS_S3, .http_status = 301, .headers = header, .header_count = 1};

    (void)state;
    assert_true(ht_aws_failure_find_region(&reply, region));
    assert_string_equal(region, "eu-central-1");
    reply.headers = bad;
    assert_false(ht_aws_failure_find_region(&reply, region));
    reply.header_count = 0;
    assert_false(ht_aws_failure_find_region(&reply, region));
    reply.body = HT_SLICE("<Error><Code>AuthorizationHeaderMalformed</Code>"
                          "<Region>us-west-2</Region></Error>");
    assert_true(ht_aws_failure_find_region(&reply, region));
    assert_string_equal(region, "us-west-2");
}

/* Cut anywhere, and with bytes changed anywhere: nothing may go wrong. */
/* No permission helps where the keys are wrong: then nobody must be sent to the policy. */
static void test_keys_are_told_from_permissions(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        bool is_about_keys;
    } codes[] = {{"InvalidSignatureException", true},
                 {"SignatureDoesNotMatch", true},
                 {"AuthFailure", true},
                 {"IncompleteSignature", true},
                 {"MissingAuthenticationToken", true},
                 {"AccessDeniedException", false},
                 {"KMSAccessDeniedException", false},
                 {"", false}};
    for (size_t i = 0; i < HT_COUNT_OF(codes); i++) {
        struct ht_aws_failure failure = {.fault = HT_AWS_FAULT_FINAL};
        (void)snprintf(failure.code, sizeof(failure.code), "%s", codes[i].code);
        assert_int_equal(ht_aws_failure_is_about_keys(&failure), codes[i].is_about_keys);
    }
    struct ht_aws_failure failure = {.fault = HT_AWS_FAULT_CREDENTIALS};
    assert_true(ht_aws_failure_is_about_keys(&failure));
}

static void test_garbage(void **state)
{
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 1);
    for (size_t i = 0; i < HT_COUNT_OF(readings); i++) {
        size_t length = strlen(readings[i].body);
        for (size_t cut = 0; cut <= length; cut++) {
            char *copy = ht_slice_to_text(ht_slice_make(readings[i].body, cut));
            if (cut > 0 && (cut & 1u) != 0) {
                copy[ht_random_below(&random, cut)] = (char)ht_random_below(&random, 256);
            }
            struct ht_aws_failure failure;
            struct ht_aws_reply reply = {.service = readings[i].service,
                                         .http_status = readings[i].http_status,
                                         .body = ht_slice_make(copy, cut)};
            ht_aws_failure_read(&reply, &failure);
            assert_int_not_equal(failure.fault, HT_AWS_FAULT_NONE);
            assert_int_not_equal(ht_aws_failure_status(&failure), 0);
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_request_id_of_the_body),
        cmocka_unit_test(test_codes_of_single_records),
        cmocka_unit_test(test_long_texts_are_cut_at_a_character),
        cmocka_unit_test(test_what_is_no_utf8_is_shown_as_such),
        cmocka_unit_test(test_region_hints),
        cmocka_unit_test(test_keys_are_told_from_permissions),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
