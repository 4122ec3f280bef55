// SPDX-License-Identifier: MIT
#include "hashtagd/aws/s3_get_object.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

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

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
