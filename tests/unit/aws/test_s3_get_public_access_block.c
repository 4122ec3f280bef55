// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_get_public_access_block.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static unsigned done_count;

static void on_got(struct ht_s3_get_public_access_block *op)
{
    (void)op;
    done_count++;
}

static struct ht_s3_get_public_access_block asked(void)
{
    return (struct ht_s3_get_public_access_block){.bucket = HT_SLICE("bin"), .done = on_got};
}

static void test_only_all_four_switches_block_wholly(void **state)
{
    (void)state;
    for (unsigned off = 0; off < 16; off++) {
        char body[512];
        struct ht_s3_get_public_access_block op = asked();
        (void)snprintf(body, sizeof(body),
                       "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/"
                       "2006-03-01/\"><BlockPublicAcls>%s</BlockPublicAcls><IgnorePublicAcls>%s"
                       "</IgnorePublicAcls><BlockPublicPolicy>%s</BlockPublicPolicy>"
                       "<RestrictPublicBuckets>%s</RestrictPublicBuckets>"
                       "</PublicAccessBlockConfiguration>",
                       (off & 1u) != 0 ? "false" : "true", (off & 2u) != 0 ? "false" : "true",
                       (off & 4u) != 0 ? "false" : "true", (off & 8u) != 0 ? "false" : "true");
        ht_s3_get_public_access_block_start(scripted_client(), &op);
        assert_string_equal(scripted_pending()->method, "GET");
        assert_string_equal(scripted_pending()->query, "publicAccessBlock");
        scripted_answer(body);
        assert_int_equal(op.status, 0);
        assert_true(op.is_configured);
        assert_int_equal(op.is_wholly_blocked, off == 0);
    }
}

static void test_a_bucket_without_any_configuration_is_no_failure(void **state)
{
    (void)state;
    struct ht_s3_get_public_access_block op = asked();
    ht_s3_get_public_access_block_start(scripted_client(), &op);
    scripted_fail(HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 404, "NoSuchPublicAccessBlockConfiguration");
    assert_int_equal(op.status, 0);
    assert_false(op.is_configured);
    assert_false(op.is_wholly_blocked);
}

static void test_what_is_refused_or_no_answer_is_told(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "<html><body>Sign in</body>", "<html>Sign in</html>",
                                      "{}"};
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        struct ht_s3_get_public_access_block op = asked();
        ht_s3_get_public_access_block_start(scripted_client(), &op);
        scripted_answer(bad[i]);
        assert_int_equal(op.status, HT_EPARSE);
        assert_false(op.is_wholly_blocked);
    }
    struct ht_s3_get_public_access_block op = asked();
    ht_s3_get_public_access_block_start(scripted_client(), &op);
    scripted_fail(HT_EPERMISSION, HT_AWS_FAULT_FINAL, 403, "AccessDenied");
    assert_int_equal(op.status, HT_EPERMISSION);
    op = asked();
    ht_s3_get_public_access_block_start(scripted_client(), &op);
    ht_s3_get_public_access_block_cancel(&op);
    scripted_answer_canceled();
    assert_int_equal(op.status, HT_ECANCELED);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_only_all_four_switches_block_wholly),
        CASE(test_a_bucket_without_any_configuration_is_no_failure),
        CASE(test_what_is_refused_or_no_answer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
