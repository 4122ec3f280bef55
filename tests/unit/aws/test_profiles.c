// SPDX-License-Identifier: MIT
#include "../../../src/aws/profiles.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct ht_aws_profiles *parse(const char *config, const char *credentials)
{
    struct ht_aws_profiles *profiles;
    struct ht_error error;

    assert_int_equal(ht_aws_profiles_create(&profiles, &error), 0);
    assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CONFIG_FILE, "config",
                                           ht_slice_text(config), &error),
                     0);
    assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CREDENTIALS_FILE, "credentials",
                                           ht_slice_text(credentials), &error),
                     0);
    return profiles;
}

static void reads_what_people_write(void **state)
{
    static const struct {
        const char *config, *credentials, *profile, *key, *expected;
    } rows[] = {
        {"[default]\nregion = eu-west-1\n", "", "default", "region", "eu-west-1"},
        {"[default]\nregion=eu-west-1", "", "default", "region", "eu-west-1"},
        {"\xef\xbb\xbf[default]\r\nregion = eu-west-1\r\n\r\n", "", "default", "region",
         "eu-west-1"},
        {"[profile a]\nREGION =\teu-west-1\t\n", "", "a", "region", "eu-west-1"},
        {"[profile \"a b\"]\nregion=x\n", "", "a b", "region", "x"},
        {"[ profile   'a b' ] # why\nregion=x\n", "", "a b", "region", "x"},
        {"[profile default]\nregion=x\n", "", "default", "region", "x"},
        {"# one\n; two\n  # three\n[default]\nregion=x # four\n", "", "default", "region", "x"},
        {"[default]\nregion=x#y\n", "", "default", "region", "x#y"},
        {"[default]\nregion= ; nothing\n", "", "default", "region", NULL},
        {"[default]\nregion=\n", "", "default", "region", NULL},
        {"[a]\nregion=x\n", "", "a", "region", NULL}, /* not without the word profile */
        {"[profile]\nregion=x\n", "", "profile", "region", NULL},
        {"[sso-session a]\nregion=x\n", "", "a", "region", NULL},
        {"[default]\nregion=x\n[default]\noutput=y\n", "", "default", "region", "x"},
        {"[default]\nregion=x\n[default]\nregion=y\n", "", "default", "region", "y"},
        {"[default]\nregion=x\nregion=y\n", "", "default", "region", "y"},
        {"[default]\nregion=x\n", "[default]\nregion=y\n", "default", "region", "y"},
        {"", "[a]\naws_secret_access_key = s # ;t\n", "a", "aws_secret_access_key", "s # ;t"},
        {"", "[a]\naws_secret_access_key = a=b==\n", "a", "aws_secret_access_key", "a=b=="},
        {"", "[profile a]\nregion=x\n", "profile a", "region", "x"},
        {"[default]\ncredential_process = /bin/x \"a # b\"\n", "", "default", "credential_process",
         "/bin/x \"a # b\""},
        {"[default]\ns3 =\n  region = inner\nregion = outer\n", "", "default", "region", "outer"},
        {"[default]\ns3 =\n  region = inner\n", "", "default", "region", NULL},
        {"[default]\na = one\n  two\n\tthree \nregion = x\n", "", "default", "a",
         "one\ntwo\nthree"},
        {"[default]\na = one\n  two\nregion = x\n", "", "default", "region", "x"},
        {"[default]\na = one\n  # not this\n  two\n", "", "default", "a", "one\ntwo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_profiles *profiles = parse(rows[i].config, rows[i].credentials);
        const char *value =
            ht_aws_profiles_get(profiles, HT_AWS_ANY_FILE, rows[i].profile, rows[i].key);
        if (rows[i].expected == NULL) {
            assert_null(value);
        } else {
            assert_non_null(value);
            assert_string_equal(value, rows[i].expected);
        }
        ht_aws_profiles_destroy(profiles);
    }
}

static void tells_files_and_nested_values_apart(void **state)
{
    struct ht_aws_profiles *profiles =
        parse("[profile a]\nregion=c\nservices = local\n[services local]\ndynamodb =\n"
              "  endpoint_url = http://127.0.0.1:8000\n  other = 1\nkinesis =\n"
              "  endpoint_url = http://127.0.0.1:4567\n[profile empty]\n",
              "[a]\nregion=k\n");
    char place[HT_AWS_PLACE_BYTES];

    (void)state;
    assert_string_equal(ht_aws_profiles_get(profiles, HT_AWS_CONFIG_FILE, "a", "region"), "c");
    assert_string_equal(ht_aws_profiles_get(profiles, HT_AWS_CREDENTIALS_FILE, "a", "region"), "k");
    assert_string_equal(
        ht_aws_profiles_get_of_service(profiles, "local", "dynamodb", "endpoint_url"),
        "http://127.0.0.1:8000");
    assert_string_equal(
        ht_aws_profiles_get_of_service(profiles, "local", "kinesis", "endpoint_url"),
        "http://127.0.0.1:4567");
    assert_null(ht_aws_profiles_get_of_service(profiles, "local", "s3", "endpoint_url"));
    assert_null(ht_aws_profiles_get_of_service(profiles, "other", "kinesis", "endpoint_url"));
    assert_true(ht_aws_profiles_has(profiles, "empty"));
    assert_false(ht_aws_profiles_has(profiles, "local"));
    assert_string_equal(ht_aws_profiles_place(profiles, "a", "services", place), "config line 3");
    assert_string_equal(ht_aws_profiles_place(profiles, "a", "none", place), "profile \"a\"");
    ht_aws_profiles_destroy(profiles);
}

static void names_file_and_line_of_a_mistake_and_no_value(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"[default]\nSECRET\n", "config, line 2: the line is no \"key = value\""},
        {"region = SECRET\n", "config, line 1: the line stands before the first [section]"},
        {"[default\nregion = x\n", "config, line 1: the line begins a section"},
        {"\n[]\n", "config, line 2: the line begins a section without a name"},
        {"[default] SECRET\n", "config, line 1: the line has text behind the ]"},
        {"[default]\n = SECRET\n", "config, line 2: the line is indented"},
        {"[default]\n= SECRET\n", "config, line 2: the line has no key"},
        {"[default]\n  a = SECRET\n", "config, line 2: the line is indented"},
        {"[default]\ns3 =\n  SECRET\n", "config, line 3: the line is no \"key = value\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_profiles *profiles;
        struct ht_error error;
        assert_int_equal(ht_aws_profiles_create(&profiles, &error), 0);
        assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CONFIG_FILE, "config",
                                               ht_slice_text(rows[i].text), &error),
                         HT_EPARSE);
        assert_non_null(strstr(error.text, rows[i].expected));
        assert_null(strstr(error.text, "SECRET"));
        ht_aws_profiles_destroy(profiles);
    }
}

static void refuses_binary_and_huge_files(void **state)
{
    struct ht_aws_profiles *profiles;
    struct ht_error error;
    char *huge = calloc(1, HT_AWS_PROFILES_MAX_BYTES + 1);

    (void)state;
    assert_non_null(huge);
    assert_int_equal(ht_aws_profiles_create(&profiles, &error), 0);
    assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CONFIG_FILE, "config",
                                           HT_SLICE("[default]\nregion = a\0b\n"), &error),
                     HT_EPARSE);
    assert_non_null(strstr(error.text, "NUL"));
    assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CREDENTIALS_FILE, "credentials",
                                           ht_slice_make(huge, HT_AWS_PROFILES_MAX_BYTES + 1),
                                           &error),
                     HT_ETOOBIG);
    ht_aws_profiles_destroy(profiles);
    free(huge);
}

static void survives_any_bytes(void **state)
{
    static const char alphabet[] = "[]profile default=#;\"' \t\r\n\nabc\0\xef\xbb\xbf";
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 7);
    for (int round = 0; round < 5000; round++) {
        char text[120];
        size_t length = ht_random_below(&random, sizeof text);
        struct ht_aws_profiles *profiles;
        for (size_t i = 0; i < length; i++) {
            text[i] = alphabet[ht_random_below(&random, sizeof alphabet - 1)];
        }
        assert_int_equal(ht_aws_profiles_create(&profiles, NULL), 0);
        int status = ht_aws_profiles_parse(profiles, HT_AWS_CONFIG_FILE, "config",
                                           ht_slice_make(text, length), NULL);
        assert_true(status == 0 || status == HT_EPARSE);
        (void)ht_aws_profiles_get(profiles, HT_AWS_ANY_FILE, "default", "abc");
        ht_aws_profiles_destroy(profiles);
    }
}

static void files_that_are_not_there_add_nothing(void **state)
{
    struct ht_aws_profiles *profiles;
    struct ht_error error = {0};

    (void)state;
    assert_int_equal(ht_aws_profiles_load(&profiles, NULL, "/nowhere/at/all", &error), 0);
    assert_false(ht_aws_profiles_has(profiles, "default"));
    ht_aws_profiles_destroy(profiles);
    assert_int_equal(ht_aws_profiles_load(&profiles, "/", NULL, &error), HT_EINVAL);
    assert_null(profiles);
    assert_non_null(strstr(error.text, "not an ordinary file"));
    ht_aws_profiles_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_write),
        cmocka_unit_test(tells_files_and_nested_values_apart),
        cmocka_unit_test(names_file_and_line_of_a_mistake_and_no_value),
        cmocka_unit_test(refuses_binary_and_huge_files),
        cmocka_unit_test(survives_any_bytes),
        cmocka_unit_test(files_that_are_not_there_add_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
