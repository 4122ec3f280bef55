// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_put_object.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static unsigned done_count;

static void on_put(struct ht_s3_put_object *op)
{
    (void)op;
    done_count++;
}

static void test_put_sends_body_headers_and_checksums(void **state)
{
    (void)state;
    static const struct ht_http_header metadata[] = {HT_HTTP_HEADER("x-amz-meta-a", "b c")};
    static const struct ht_http_header answer[] = {HT_HTTP_HEADER("etag", "\"abc\"")};
    struct ht_s3_put_object op = {.bucket = HT_SLICE("bin"),
                                  .key = HT_SLICE("a b/\xc3\xa9+~//c?d&e=f%"),
                                  .body = HT_SLICE("123456789"),
                                  .content_type = "text/plain",
                                  .metadata = metadata,
                                  .metadata_count = 1,
                                  .creates_only = true,
                                  .done = on_put};
    done_count = 0;
    ht_s3_checksums_of(op.body, &op.checksums);
    ht_s3_put_object_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->path, "/a%20b/%C3%A9%2B~//c%3Fd%26e%3Df%25");
    assert_string_equal(scripted_pending()->bucket, "bin");
    assert_string_equal(scripted_pending()->body.data, "123456789");
    /* known values of "123456789": CRC-32 cbf43926, MD5 25f9e794323b453885f5181f1b624d0b */
    assert_string_equal(scripted_header("x-amz-checksum-crc32"), "y/Q5Jg==");
    assert_string_equal(scripted_header("Content-MD5"), "JfnnlDI7RTiF9RgfG2JNCw==");
    assert_string_equal(scripted_header("x-amz-meta-a"), "b c");
    assert_string_equal(scripted_header("If-None-Match"), "*");
    assert_int_equal(done_count, 0);
    scripted_answer_headers("", answer, 1);
    assert_int_equal(done_count, 1);
    assert_int_equal(op.status, 0);
    assert_string_equal(op.etag, "\"abc\"");
}

static void test_put_tells_what_a_condition_met(void **state)
{
    (void)state;
    const struct {
        bool creates_only;
        int call_status, http_status, status;
    } cases[] = {
        {true, HT_EEXIST, 412, HT_EEXIST},    {true, HT_EINVAL, 409, HT_EBUSY},
        {true, HT_EIO, 501, HT_EUNSUPPORTED}, {true, HT_EIO, 500, HT_EIO},
        {false, HT_EIO, 501, HT_EIO},         {true, HT_ECONNECTION, 0, HT_ECONNECTION},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_s3_put_object op = {.bucket = HT_SLICE("bin"),
                                      .key = HT_SLICE("a"),
                                      .creates_only = cases[i].creates_only,
                                      .done = on_put};
        ht_s3_put_object_start(scripted_client(), &op);
        assert_null(scripted_header("Content-MD5"));
        scripted_fail(cases[i].call_status, HT_AWS_FAULT_FINAL, cases[i].http_status, "X");
        assert_int_equal(op.status, cases[i].status);
    }
}

static void test_keys_have_1_to_1024_bytes(void **state)
{
    (void)state;
    char key[1026];
    memset(key, 'a', sizeof(key));
    const size_t lengths[] = {0, 1, 1024, 1025};
    const struct ht_http_header etag = {HT_SLICE("ETag"), HT_SLICE("\"x\"")};
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        struct ht_s3_put_object op = {.bucket = HT_SLICE("bin"), .done = on_put};
        op.key = ht_slice_make(key, lengths[i]);
        ht_s3_put_object_start(scripted_client(), &op);
        bool is_bad = i == 0 || i == 3;
        assert_int_equal(op.call.refusal, is_bad ? HT_EINVAL : 0); /* the client sends nothing */
        scripted_answer_headers("", &etag, 1);
        assert_int_equal(op.status, is_bad ? HT_EINVAL : 0);
        assert_int_equal(op.call.error.code, op.status);
    }
}

static void test_an_answer_without_etag_stored_nothing(void **state)
{
    (void)state;
    const struct ht_http_header type = {HT_SLICE("Content-Type"), HT_SLICE("text/html")};
    struct ht_s3_put_object op = {
        .bucket = HT_SLICE("bin"), .key = HT_SLICE("a"), .resource = "bucket bin", .done = on_put};
    ht_s3_put_object_start(scripted_client(), &op);
    scripted_answer_headers("<html>Sign in to this network</html>", &type, 1);
    assert_int_equal(op.status, HT_EIO);
    assert_int_equal(op.call.failure.fault, HT_AWS_FAULT_TRANSIENT);
    assert_non_null(strstr(op.call.error.text, "bucket bin"));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_put_sends_body_headers_and_checksums),
        CASE(test_put_tells_what_a_condition_met),
        CASE(test_keys_have_1_to_1024_bytes),
        CASE(test_an_answer_without_etag_stored_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
