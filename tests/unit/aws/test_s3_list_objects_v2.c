// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_list_objects_v2.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

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
    static const char broken_key[] =
        "<ListBucketResult><Contents><Key>%zz</Key></Contents><EncodingType>url</EncodingType>"
        "</ListBucketResult>";
    const char *const answers[] = {
        "",
        "<html></html>",
        "{}",
        "<ListBucketResult>",
        "<Error><Code>x</Code></Error>",
        "<ListBucketResult><Contents><Key>a</Key></ListBucketResult>",
        "<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>",
        broken_key,
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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_list_asks_and_reads_a_page),
        CASE(test_list_takes_keys_as_they_are_where_they_are_not_encoded),
        CASE(test_list_refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
