// SPDX-License-Identifier: MIT
#include "hashtagd/aws/iam_put_role_policy.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void on_policy_put(struct ht_iam_put_role_policy *op)
{
    (void)op;
}

static void test_put_role_policy(void **state)
{
    (void)state;
    struct ht_iam_put_role_policy op = {
        .role_name = "r", .policy_name = "p", .policy = "{}", .done = on_policy_put};
    ht_iam_put_role_policy_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p"
                        "&PolicyDocument=%7B%7D");
    scripted_answer("<PutRolePolicyResponse/>");
    assert_int_equal(op.status, 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_put_role_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
