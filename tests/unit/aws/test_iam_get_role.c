// SPDX-License-Identifier: MIT
#include "hashtagd/aws/iam_get_role.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void on_role(struct ht_iam_get_role *op)
{
    (void)op;
}

static void test_get_role(void **state)
{
    (void)state;
    struct ht_iam_get_role op = {.role_name = "hashtagd-firehose", .done = on_role};
    ht_iam_get_role_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=GetRole&Version=2010-05-08&RoleName=hashtagd-firehose");
    scripted_answer("<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
                    "<GetRoleResult><Role><Path>/</Path><Arn>arn:aws:iam::1:role/r&amp;d</Arn>"
                    "</Role></GetRoleResult></GetRoleResponse>");
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "arn:aws:iam::1:role/r&d");
    const char *const bad[] = {"", "{}", "<GetRoleResponse/>",
                               "<GetRoleResponse><GetRoleResult><Role><Arn>arn:"};
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        ht_iam_get_role_start(scripted_client(), &op);
        scripted_answer(bad[i]);
        assert_int_equal(op.status, HT_EPARSE);
        assert_string_equal(op.arn, "");
    }
    ht_iam_get_role_start(scripted_client(), &op);
    scripted_fail(HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 404, "NoSuchEntity");
    assert_int_equal(op.status, HT_ENOTFOUND);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_get_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
