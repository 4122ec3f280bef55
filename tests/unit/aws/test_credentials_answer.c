// SPDX-License-Identifier: MIT
#include "../../../src/aws/credentials_answer.h"
#include "../../support/json_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void reads_each_form(void **state)
{
    static const struct {
        enum ht_aws_answer_form form;
        const char *text, *token, *account;
        int64_t expires_s;
    } rows[] = {
        {HT_AWS_ANSWER_PROCESS,
         "{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\"}", NULL, NULL, 0},
        {HT_AWS_ANSWER_PROCESS,
         "{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\",\"SessionToken\":"
         "\"T\",\"Expiration\":\"2026-01-01T00:00:10Z\",\"AccountId\":\"12\",\"More\":[1]}",
         "T", "12", 1767225610},
        {HT_AWS_ANSWER_PROCESS,
         "{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\",\"SessionToken\":"
         "null,\"Expiration\":\"2026-01-01T02:00:10+02:00\"}\n",
         NULL, NULL, 1767225610},
        {HT_AWS_ANSWER_CONTAINER,
         "{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"T\",\"Expiration\":"
         "\"2026-01-01T00:00:10Z\"}",
         "T", NULL, 1767225610},
        {HT_AWS_ANSWER_INSTANCE,
         "{\"Code\":\"Success\",\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\",\"Token\":"
         "\"T\",\"Expiration\":\"2026-01-01T00:00:10Z\"}",
         "T", NULL, 1767225610},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_keys *keys;
        struct ht_error error = {0};
        if (ht_aws_answer_parse(rows[i].form, ht_slice_text(rows[i].text), "tool", &keys, &error) !=
            0) {
            fail_msg("row %zu: %s", i, error.text);
        }
        assert_string_equal(keys->access_key_id, "ID");
        assert_string_equal(keys->secret_access_key, "SECRET");
        assert_true(
            ht_slice_equal(ht_slice_text(keys->session_token), ht_slice_text(rows[i].token)));
        assert_true(
            ht_slice_equal(ht_slice_text(keys->account_id), ht_slice_text(rows[i].account)));
        assert_int_equal(keys->expires_s, rows[i].expires_s);
        assert_string_equal(keys->origin, "tool");
        ht_aws_keys_release(keys);
    }
}

static void refuses_what_is_no_set_of_keys_without_showing_it(void **state)
{
    static const struct {
        enum ht_aws_answer_form form;
        int status;
        const char *text, *expected;
    } rows[] = {
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "", "not JSON"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "SECRET", "not JSON"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "\"SECRET\"", "not JSON"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "{\"Version\":1,\"AccessKeyId\":\"SECRET", "not JSON"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "{\"AccessKeyId\":\"SECRET\"}", "Version"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "{\"Version\":2,\"AccessKeyId\":\"SECRET\"}", "Version"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "{\"Version\":\"1\"}", "Version"},
        {HT_AWS_ANSWER_PROCESS, HT_EINVAL, "{\"Version\":1}", "no access key id"},
        {HT_AWS_ANSWER_PROCESS, HT_EINVAL, "{\"Version\":1,\"AccessKeyId\":\"SECRET\"}",
         "no secret access key"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE, "{\"Version\":1,\"AccessKeyId\":7}", "no string"},
        {HT_AWS_ANSWER_PROCESS, HT_EINVAL,
         "{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\\n\"}",
         "secret access key of tool"},
        {HT_AWS_ANSWER_PROCESS, HT_EPARSE,
         "{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\",\"Expiration\":"
         "\"soon\"}",
         "no time"},
        {HT_AWS_ANSWER_CONTAINER, HT_EINVAL, "{\"message\":\"SECRET\"}", "no access key id"},
        {HT_AWS_ANSWER_INSTANCE, HT_EPERMISSION, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}",
         "AssumeRoleUnauthorizedAccess"},
        {HT_AWS_ANSWER_INSTANCE, HT_EPERMISSION, "{\"AccessKeyId\":\"SECRET\"}", "code"},
        {HT_AWS_ANSWER_INSTANCE, HT_EPARSE, "[]x", "not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_keys *keys;
        struct ht_error error = {0};
        int status =
            ht_aws_answer_parse(rows[i].form, ht_slice_text(rows[i].text), "tool", &keys, &error);
        if (status != rows[i].status || strstr(error.text, rows[i].expected) == NULL) {
            fail_msg("row %zu: status %d, \"%s\"", i, status, error.text);
        }
        assert_null(keys);
        assert_null(strstr(error.text, "SECRET"));
    }
}

static void a_lack_of_memory_is_no_fault_of_the_answer(void **state)
{
    struct ht_aws_keys *keys;
    struct ht_error error = {0};

    (void)state;
    json_memory_take();
    int status = ht_aws_answer_parse(HT_AWS_ANSWER_CONTAINER, HT_SLICE("{\"AccessKeyId\":\"ID\"}"),
                                     "tool", &keys, &error);
    json_memory_give_back();
    assert_int_equal(status, HT_ENOMEM);
    assert_null(keys);
    assert_non_null(strstr(error.text, "memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_form),
        cmocka_unit_test(refuses_what_is_no_set_of_keys_without_showing_it),
        cmocka_unit_test(a_lack_of_memory_is_no_fault_of_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
