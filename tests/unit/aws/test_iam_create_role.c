// SPDX-License-Identifier: MIT
#include "hashtagd/aws/iam_create_role.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

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

static void test_a_role_without_an_arn_makes_no_sense(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "<CreateRoleResponse><CreateRoleResult><Role></Role></CreateRoleResult>"
        "</CreateRoleResponse>",
        "<CreateRoleResponse><CreateRoleResult><Role><Arn></Arn></Role></CreateRoleResult>"
        "</CreateRoleResponse>",
        "<html>",
        "",
    };
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        struct ht_iam_create_role op = {
            .role_name = "r", .trust_policy = "{}", .description = "d", .done = on_role_created};
        ht_iam_create_role_start(scripted_client(), &op);
        scripted_answer(answers[i]);
        assert_int_equal(op.status, HT_EPARSE);
        assert_string_equal(op.arn, "");
        assert_non_null(strstr(op.call.error.text, "there is no ARN"));
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_role),
        CASE(test_a_role_without_an_arn_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
