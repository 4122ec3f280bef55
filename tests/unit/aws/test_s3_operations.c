// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_create_bucket.h"
#include "hashtagd/aws/s3_get_object.h"
#include "hashtagd/aws/s3_head_bucket.h"
#include "hashtagd/aws/s3_head_object.h"
#include "hashtagd/aws/s3_list_objects_v2.h"
#include "hashtagd/aws/s3_put_object.h"
#include "hashtagd/aws/s3_put_public_access_block.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        struct ht_s3_put_object op = {.bucket = HT_SLICE("bin"), .done = on_put};
        op.key = ht_slice_make(key, lengths[i]);
        ht_s3_put_object_start(scripted_client(), &op);
        scripted_answer("");
        assert_int_equal(op.status, i == 0 || i == 3 ? HT_EINVAL : 0);
        assert_int_equal(op.call.error.code, op.status);
    }
}

static void on_head(struct ht_s3_head_object *op)
{
    (void)op;
    done_count++;
}

static void test_head(void **state)
{
    (void)state;
    static const struct ht_http_header answer[] = {HT_HTTP_HEADER("ETag", "\"x\""),
                                                   HT_HTTP_HEADER("Content-Length", "1234")};
    struct ht_s3_head_object op = {
        .bucket = HT_SLICE("bin"), .key = HT_SLICE("k"), .done = on_head};
    ht_s3_head_object_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->method, "HEAD");
    scripted_answer_headers("", answer, 2);
    assert_int_equal(op.status, 0);
    assert_int_equal(op.length, 1234);
    assert_true(ht_slice_equal(op.etag, HT_SLICE("\"x\"")));
    ht_s3_head_object_start(scripted_client(), &op);
    scripted_fail(HT_EINVAL, HT_AWS_FAULT_FINAL, 404, "");
    assert_int_equal(op.status, HT_ENOTFOUND);
    assert_int_equal(op.length, 0);
}

static char body_seen[64];

static void on_get(struct ht_s3_get_object *op)
{
    (void)snprintf(body_seen, sizeof(body_seen), "%.*s", (int)op->body.length,
                   op->body.length == 0 ? "" : op->body.data);
}

static void test_get(void **state)
{
    (void)state;
    struct ht_s3_get_object op = {
        .bucket = HT_SLICE("bin"), .key = HT_SLICE("k"), .max_bytes = 77, .done = on_get};
    ht_s3_get_object_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->method, "GET");
    assert_int_equal(scripted_pending()->call->max_answer_bytes, 77);
    scripted_answer("content");
    assert_string_equal(body_seen, "content");
    ht_s3_get_object_start(scripted_client(), &op);
    scripted_fail(HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 404, "NoSuchKey");
    assert_int_equal(op.status, HT_ENOTFOUND);
    assert_string_equal(body_seen, "");
}

static char listing[512];

static void on_list(struct ht_s3_list_objects_v2 *op)
{
    size_t length = 0;
    listing[0] = '\0';
    for (size_t i = 0; i < op->count; i++) {
        const struct ht_s3_listed *at = &op->objects[i];
        length += (size_t)snprintf(listing + length, sizeof(listing) - length, "%.*s%s%zu|",
                                   (int)at->key.length, at->key.data, at->is_prefix ? ">" : "=",
                                   (size_t)at->size);
    }
    (void)snprintf(listing + length, sizeof(listing) - length, "%s%.*s",
                   op->is_truncated ? "more:" : "end", (int)op->next_token.length,
                   op->next_token.data);
}

static void test_list_asks_and_reads_a_page(void **state)
{
    (void)state;
    struct ht_s3_list_objects_v2 op = {.bucket = HT_SLICE("bin"),
                                       .prefix = HT_SLICE("a b/"),
                                       .delimiter = HT_SLICE("/"),
                                       .continuation = HT_SLICE("t+/="),
                                       .max_keys = 2,
                                       .done = on_list};
    ht_s3_list_objects_v2_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->query,
                        "list-type=2&encoding-type=url&max-keys=2&prefix=a%20b%2F&delimiter=%2F"
                        "&continuation-token=t%2B%2F%3D");
    scripted_answer(
        "<?xml version=\"1.0\"?><ListBucketResult "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Name>bin</Name><Prefix>a+b%2F</Prefix><IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>n&amp;x</NextContinuationToken>"
        "<Contents><Key>a+b%2F%C3%A9%2B&amp;</Key><Size>12</Size><ETag>&quot;e&quot;</ETag>"
        "<Owner><ID>Key</ID></Owner></Contents>"
        "<Contents><Key>plain</Key><Size>0</Size></Contents>"
        "<CommonPrefixes><Prefix>a%20b%2Fc%2F</Prefix></CommonPrefixes>"
        "<EncodingType>url</EncodingType></ListBucketResult>");
    assert_int_equal(op.status, 0);
    assert_string_equal(listing, "a b/\xc3\xa9+&=12|plain=0|a b/c/>0|more:n&x");
}

static void test_list_takes_keys_as_they_are_where_they_are_not_encoded(void **state)
{
    (void)state;
    struct ht_s3_list_objects_v2 op = {.bucket = HT_SLICE("bin"), .done = on_list};
    ht_s3_list_objects_v2_start(scripted_client(), &op);
    scripted_answer("<ListBucketResult><Contents><Key>a+b%20</Key></Contents></ListBucketResult>");
    assert_int_equal(op.status, 0);
    assert_string_equal(listing, "a+b%20=0|end");
}

static void test_list_refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const char *const answers[] = {
        "",
        "<html></html>",
        "{}",
        "<ListBucketResult>",
        "<Error><Code>x</Code></Error>",
        "<ListBucketResult><Contents><Key>a</Key></ListBucketResult>",
        "<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>%zz</Key></Contents><EncodingType>url</EncodingType>"
        "</ListBucketResult>",
    };
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        struct ht_s3_list_objects_v2 op = {.bucket = HT_SLICE("bin"), .done = on_list};
        ht_s3_list_objects_v2_start(scripted_client(), &op);
        scripted_answer(answers[i]);
        if (op.status != HT_EPARSE) {
            fail_msg("'%s' gives %d", answers[i], op.status);
        }
        assert_string_equal(listing, "end");
    }
}

static void on_bucket(struct ht_s3_head_bucket *op)
{
    (void)op;
    done_count++;
}

static void test_head_bucket_tells_the_region(void **state)
{
    (void)state;
    static const struct ht_http_header answer[] = {
        HT_HTTP_HEADER("x-amz-bucket-region", "eu-central-1")};
    const struct {
        int http_status, status;
    } cases[] = {{404, HT_ENOTFOUND}, {403, HT_EPERMISSION}, {301, HT_EINVAL}};
    struct ht_s3_head_bucket op = {.bucket = HT_SLICE("bin"), .done = on_bucket};
    ht_s3_head_bucket_start(scripted_client(), &op);
    scripted_answer_headers("", answer, 1);
    assert_int_equal(op.status, 0);
    assert_string_equal(op.region, "eu-central-1");
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        ht_s3_head_bucket_start(scripted_client(), &op);
        scripted_fail(HT_EINVAL, HT_AWS_FAULT_FINAL, cases[i].http_status, "");
        assert_int_equal(op.status, cases[i].status);
        assert_string_equal(op.region, "");
    }
}

static void on_created(struct ht_s3_create_bucket *op)
{
    (void)op;
    done_count++;
}

static void test_create_bucket(void **state)
{
    (void)state;
    struct ht_s3_create_bucket op = {.bucket = HT_SLICE("bin"), .done = on_created};
    ht_s3_create_bucket_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->method, "PUT");
    assert_non_null(strstr(scripted_pending()->body.data,
                           "<LocationConstraint>eu-west-1</LocationConstraint>"));
    scripted_answer("");
    assert_int_equal(op.status, 0);
    op.region = "us-east-1";
    ht_s3_create_bucket_start(scripted_client(), &op);
    assert_int_equal(scripted_pending()->body.length, 0);
    scripted_fail(HT_EINVAL, HT_AWS_FAULT_FINAL, 409, "BucketAlreadyOwnedByYou");
    assert_int_equal(op.status, HT_EEXIST);
    assert_true(op.is_ours);
    ht_s3_create_bucket_start(scripted_client(), &op);
    scripted_fail(HT_EINVAL, HT_AWS_FAULT_FINAL, 409, "BucketAlreadyExists");
    assert_int_equal(op.status, HT_EEXIST);
    assert_false(op.is_ours);
}

static void on_blocked(struct ht_s3_put_public_access_block *op)
{
    (void)op;
    done_count++;
}

static void test_public_access_is_blocked_wholly(void **state)
{
    (void)state;
    struct ht_s3_put_public_access_block op = {.bucket = HT_SLICE("bin"), .done = on_blocked};
    ht_s3_put_public_access_block_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->query, "publicAccessBlock");
    assert_non_null(scripted_header("Content-MD5"));
    const char *const switches[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                    "RestrictPublicBuckets"};
    for (size_t i = 0; i < HT_COUNT_OF(switches); i++) {
        char element[64];
        (void)snprintf(element, sizeof(element), "<%s>true</%s>", switches[i], switches[i]);
        assert_non_null(strstr(scripted_pending()->body.data, element));
    }
    scripted_answer("");
    assert_int_equal(op.status, 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_put_sends_body_headers_and_checksums),
        CASE(test_put_tells_what_a_condition_met),
        CASE(test_keys_have_1_to_1024_bytes),
        CASE(test_head),
        CASE(test_get),
        CASE(test_list_asks_and_reads_a_page),
        CASE(test_list_takes_keys_as_they_are_where_they_are_not_encoded),
        CASE(test_list_refuses_what_makes_no_sense),
        CASE(test_head_bucket_tells_the_region),
        CASE(test_create_bucket),
        CASE(test_public_access_is_blocked_wholly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
