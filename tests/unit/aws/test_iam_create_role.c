// SPDX-License-Identifier: MIT
#include "hashtagd/aws/iam_create_role.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void on_role_created(struct ht_iam_create_role *op)
{
    (void)op;
}

static void test_create_role(void **state)
{
    (void)state;
    struct ht_iam_create_role op = {.role_name = "r",
                                    .trust_policy = "{\"a\":\"b c\"}",
                                    .description = "For + tests",
                                    .done = on_role_created};
    ht_iam_create_role_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument="
                        "%7B%22a%22%3A%22b+c%22%7D&Description=For+%2B+tests");
    scripted_answer("<CreateRoleResponse><CreateRoleResult><Role><Arn>arn:r</Arn></Role>"
                    "</CreateRoleResult></CreateRoleResponse>");
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "arn:r");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
