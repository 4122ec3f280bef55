// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_head_object.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static unsigned done_count;

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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
