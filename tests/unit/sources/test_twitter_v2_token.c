// SPDX-License-Identifier: MIT
#include "twitter_v2_token.h"

#include "../../support/json_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The example that X publishes for application-only authentication. */
static void test_published_vector(void **state)
{
    (void)state;
    struct ht_buffer header;
    ht_buffer_init(&header, 1000);
    assert_int_equal(ht_twitter_v2_token_ask(HT_SLICE("xvz1evFS4wEEPTGEFPHBog"),
                                             HT_SLICE("L8qq9PZyRg6ieKGEKhZolGC0vJWLw8iEJ88DRdyOg"),
                                             &header),
                     0);
    assert_string_equal(header.data, "Basic eHZ6MWV2RlM0d0VFUFRHRUZQSEJvZzpMOHFxOVBaeVJnNmllS0dFS2"
                                     "hab2xHQzB2SldMdzhpRUo4OERSZHlPZw==");
    assert_int_equal(strlen(HT_TWITTER_V2_TOKEN_BODY), 29);
    ht_buffer_finish(&header);
}

static void test_key_and_secret_are_percent_encoded(void **state)
{
    (void)state;
    struct ht_buffer header;
    ht_buffer_init(&header, 1000);
    assert_int_equal(ht_twitter_v2_token_ask(HT_SLICE("a:b"), HT_SLICE("c d"), &header), 0);
    assert_string_equal(header.data, "Basic YSUzQWI6YyUyMGQ="); /* a%3Ab:c%20d */
    ht_buffer_finish(&header);
}

static void test_what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    char key[5000];
    struct ht_buffer header;
    memset(key, 'k', sizeof key);
    ht_buffer_init(&header, 100000);
    assert_int_equal(
        ht_twitter_v2_token_ask(ht_slice_make(key, sizeof key), HT_SLICE("s"), &header),
        HT_ETOOBIG);
    ht_buffer_finish(&header);
}

static void test_token_is_taken_verbatim(void **state)
{
    (void)state;
    struct ht_buffer header;
    struct ht_error error = {0};
    ht_buffer_init(&header, 1000);
    assert_int_equal(
        ht_twitter_v2_token_read(
            HT_SLICE("{\"token_type\":\"Bearer\",\"access_token\":\"AAAA%2FAAA%3D+/\"}"), &header,
            &error),
        0);
    assert_string_equal(header.data, "Bearer AAAA%2FAAA%3D+/");
    assert_int_equal(error.code, 0);
    ht_buffer_finish(&header);
}

static void test_other_answers_are_refused_without_their_secret(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says;
    } cases[] = {
        {"", HT_EPARSE, "no JSON"},
        {"<html>sesame</html>", HT_EPARSE, "no JSON"},
        {"{\"access_token\":\"sesame\"", HT_EPARSE, "no JSON"},
        {"[\"sesame\"]", HT_EPARSE, "no access_token"},
        {"{\"token_type\":\"bearer\"}", HT_EPARSE, "no access_token"},
        {"{\"token_type\":\"bearer\",\"access_token\":\"\"}", HT_EPARSE, "no access_token"},
        {"{\"token_type\":\"bearer\",\"access_token\":7}", HT_EPARSE, "no access_token"},
        {"{\"access_token\":\"sesame\"}", HT_EPERMISSION, "type \"\""},
        {"{\"token_type\":\"mac\",\"access_token\":\"sesame\"}", HT_EPERMISSION, "type \"mac\""},
        {"{\"token_type\":\"bearer\",\"access_token\":\"sesame\\r\\nX: y\"}", HT_EPARSE,
         "no header may hold"},
        {"{\"token_type\":\"bearer\",\"access_token\":\"ses\\u00e4me\"}", HT_EPARSE,
         "no header may hold"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_buffer header;
        struct ht_error error = {0};
        ht_buffer_init(&header, 1000);
        assert_int_equal(ht_twitter_v2_token_read(ht_slice_text(cases[i].body), &header, &error),
                         cases[i].status);
        assert_non_null(strstr(error.text, cases[i].says));
        assert_null(strstr(error.text, "sesame"));
        assert_int_equal(header.length, 0);
        ht_buffer_finish(&header);
    }
}

static void test_an_answer_without_memory_is_not_refused(void **state)
{
    (void)state;
    struct ht_buffer header;
    struct ht_error error = {0};
    ht_buffer_init(&header, 1000);
    json_memory_take();
    int status = ht_twitter_v2_token_read(
        HT_SLICE("{\"token_type\":\"bearer\",\"access_token\":\"A\"}"), &header, &error);
    json_memory_give_back();
    assert_int_equal(status, HT_ENOMEM);
    assert_non_null(strstr(error.text, "out of memory"));
    ht_buffer_finish(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vector),
        cmocka_unit_test(test_key_and_secret_are_percent_encoded),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
        cmocka_unit_test(test_token_is_taken_verbatim),
        cmocka_unit_test(test_an_answer_without_memory_is_not_refused),
        cmocka_unit_test(test_other_answers_are_refused_without_their_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
