// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_create_bucket.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static unsigned done_count;

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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
