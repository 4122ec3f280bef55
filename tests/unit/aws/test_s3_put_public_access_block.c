// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_put_public_access_block.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static unsigned done_count;

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
        CASE(test_public_access_is_blocked_wholly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
