// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_head_bucket.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static unsigned done_count;

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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_head_bucket_tells_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
