// SPDX-License-Identifier: MIT
#include "../../../src/aws/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void a_set_lives_as_long_as_somebody_holds_it(void **state)
{
    struct ht_aws_keys_parts parts = {.access_key_id = HT_SLICE("ID"),
                                      .secret_access_key = HT_SLICE("SECRET"),
                                      .account_id = HT_SLICE("1"),
                                      .expires_s = 9};
    struct ht_aws_keys *keys = ht_aws_keys_create(&parts, "here");

    (void)state;
    assert_ptr_equal(ht_aws_keys_hold(keys), keys);
    ht_aws_keys_release(keys);
    assert_string_equal(keys->access_key_id, "ID");
    assert_null(keys->session_token);
    struct ht_aws_keys *longer = ht_aws_keys_extend(keys, 12);
    ht_aws_keys_release(keys);
    assert_string_equal(longer->secret_access_key, "SECRET");
    assert_string_equal(longer->account_id, "1");
    assert_string_equal(longer->origin, "here");
    assert_int_equal(longer->expires_s, 12);
    ht_aws_keys_release(longer);
    ht_aws_keys_release(NULL);
}

static void finds_the_account_of_an_arn(void **state)
{
    static const char *const rows[][2] = {
        {"arn:aws:sts::123456789012:assumed-role/r/s", "123456789012"},
        {"arn:aws:iam:::x", ""},
        {"arn:aws", ""},
        {"", ""},
        {"a:b:c:d:e", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(ht_slice_equal(ht_aws_account_of_arn(ht_slice_text(rows[i][0])),
                                   ht_slice_text(rows[i][1])));
    }
}

static void refuses_what_no_header_may_hold_and_shows_none_of_it(void **state)
{
    static const struct {
        const char *id, *secret, *token, *expected;
    } rows[] = {
        {"", "SECRET", "", "no access key id"},
        {"ID", "", "", "no secret access key"},
        {"I D", "SECRET", "", "access key id of here"},
        {"ID", "SECRET\n", "", "secret access key of here"},
        {"ID", "SECRET", "SECRET\r\nx: y", "session token of here"},
        {"ID", "SECRET\xc3\xa4", "", "secret access key of here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_keys_parts parts = {.access_key_id = ht_slice_text(rows[i].id),
                                          .secret_access_key = ht_slice_text(rows[i].secret),
                                          .session_token = ht_slice_text(rows[i].token)};
        struct ht_error error;
        assert_int_equal(ht_aws_keys_check(&parts, "here", &error), HT_EINVAL);
        assert_non_null(strstr(error.text, rows[i].expected));
        assert_null(strstr(error.text, "SECRET"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_lives_as_long_as_somebody_holds_it),
        cmocka_unit_test(finds_the_account_of_an_arn),
        cmocka_unit_test(refuses_what_no_header_may_hold_and_shows_none_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
