// SPDX-License-Identifier: MIT
#include "hashtagd/aws/sts_get_caller_identity.h"

#include "scripted_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ANSWER(inside)                                                                             \
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"              \
    "<GetCallerIdentityResult>" inside "</GetCallerIdentityResult><ResponseMetadata><RequestId>"   \
    "r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"

static unsigned done_count;

static void on_done(struct ht_sts_get_caller_identity *op)
{
    (void)op;
    done_count++;
}

static void tells_whose_keys_these_are(void **state)
{
    struct ht_sts_get_caller_identity op = {.done = on_done};

    (void)state;
    done_count = 0;
    ht_sts_get_caller_identity_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=GetCallerIdentity&Version=2011-06-15");
    scripted_answer(ANSWER("<Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId>"
                           "<Account>123456789012</Account>"));
    assert_int_equal(done_count, 1);
    assert_int_equal(op.status, 0);
    assert_string_equal(op.account, "123456789012");
    assert_string_equal(op.arn, "arn:aws:iam::123456789012:user/u");
}

static void a_refusal_is_handed_on(void **state)
{
    struct ht_sts_get_caller_identity op = {.done = on_done};

    (void)state;
    done_count = 0;
    ht_sts_get_caller_identity_start(scripted_client(), &op);
    scripted_fail(HT_EPERMISSION, HT_AWS_FAULT_CREDENTIALS, 403, "InvalidClientTokenId");
    assert_int_equal(done_count, 1);
    assert_int_equal(op.status, HT_EPERMISSION);
    assert_string_equal(op.account, "");
}

static void can_be_given_up(void **state)
{
    struct ht_sts_get_caller_identity op = {.done = on_done};

    (void)state;
    done_count = 0;
    ht_sts_get_caller_identity_start(scripted_client(), &op);
    ht_sts_get_caller_identity_cancel(&op);
    assert_int_equal(done_count, 0);
    scripted_answer_canceled();
    assert_int_equal(done_count, 1);
    assert_int_equal(op.status, HT_ECANCELED);
}

static void refuses_answers_that_make_no_sense(void **state)
{
    static const char *const answers[] = {
        "",
        "{}",
        "<a/>",
        ANSWER("<Arn>arn:x</Arn>"),
        ANSWER("<Arn/><Account/>"),
        ANSWER("<Arn>arn:x</Arn><Account>1"),
        ANSWER("<Arn>arn:x</Arn><Account>1234567890123456789012345678901234567890</Account>"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct ht_sts_get_caller_identity op = {.done = on_done};
        assert_int_equal(ht_sts_get_caller_identity_parse(&op, ht_slice_text(answers[i])),
                         HT_EPARSE);
        assert_non_null(strstr(op.error.text, "GetCallerIdentity"));
        assert_string_equal(op.account, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_whose_keys_these_are, scripted_setup,
                                        scripted_teardown),
        cmocka_unit_test_setup_teardown(a_refusal_is_handed_on, scripted_setup, scripted_teardown),
        cmocka_unit_test_setup_teardown(can_be_given_up, scripted_setup, scripted_teardown),
        cmocka_unit_test(refuses_answers_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
