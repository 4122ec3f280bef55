// SPDX-License-Identifier: MIT
#include "answer_text.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static const struct {
    const char *body, *text;
} rows[] = {
    {"", ""},
    {"  \r\n\t ", ""},
    {"{}", ""},
    {"{\"errors\":[{\"code\":32,\"message\":\"Could not authenticate you.\"}]}",
     "Could not authenticate you. (code 32)"},
    {"{\"errors\":[{\"message\":\"a\"},{\"message\":\"b\"},{\"detail\":\"c\"},{\"message\":\"d\"}]"
     "}",
     "a; b; c"},
    {"{\"errors\":\"sorry\"}", "sorry"},
    {"{\"errors\":[\"sorry\",7,null]}", "sorry"},
    {"{\"title\":\"Unauthorized\",\"type\":\"about:blank\",\"status\":401,\"detail\":"
     "\"Unauthorized\"}",
     "Unauthorized"},
    {"{\"title\":\"ConnectionException\",\"detail\":\"At the limit.\",\"connection_issue\":"
     "\"TooManyConnections\",\"type\":\"https://api.twitter.com/2/problems/streaming-connection\"}",
     "ConnectionException: At the limit. (TooManyConnections)"},
    {"{\"errors\":[{\"parameters\":{\"x\":[\"y\"]},\"message\":\"The query parameter [x] is "
     "bad\"}],"
     "\"title\":\"Invalid Request\",\"detail\":\"One or more parameters were invalid.\"}",
     "Invalid Request: One or more parameters were invalid.; The query parameter [x] is bad"},
    {"{\"error\":\"The access token is invalid\"}", "The access token is invalid"},
    {"{\"error\":\"invalid_client\",\"error_description\":\"Unknown client\"}",
     "invalid_client: Unknown client"},
    {"{\"error\":\"InvalidRequest\",\"message\":\"unknown collection\"}",
     "InvalidRequest: unknown collection"},
    {"{\"error\":{\"message\":\"nested\",\"code\":3}}", "nested"},
    {"{\"error\":\"a\\nb\\u0000c\"}", "a b c"},
    {"Exceeded connection limit for user\r\n", "Exceeded connection limit for user"},
    {"{\"broken\": ", "{\"broken\":"},
    {"[1]", "[1]"},
    {"<html>\n<head><title>503</title><style>p{color:red}</style></head>\n<body><h1>Over "
     "capacity</h1><p>Try &amp; again&nbsp;later &lt;3<script>if (a</b) {}</script></body></html>",
     "Over capacity Try & again later <3"},
    {"<SCRIPT>x</SCRIPT>a<br/>b", "a b"},
    {"a <b", "a"},
    {"<script>never ends", ""},
    {"&unknown; &", "&unknown; &"},
    {"\x1b[31mred\x7f\x01", "[31mred"},
    {"a\xc2\x80 b\xc2\x9b[31mred\xc2\xa0!\xc2\x85", "a b [31mred\xc2\xa0!"},
};

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[HT_ANSWER_TEXT_BYTES];
        assert_string_equal(ht_answer_text(ht_slice_text(rows[i].body), HT_SLICE(""), text),
                            rows[i].text);
    }
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char body[2000], text[HT_ANSWER_TEXT_BYTES];
        size_t at = shift;
        memset(body, 'x', shift);
        for (; at + 4 <= sizeof(body); at += 4) {
            memcpy(body + at, "\U0001f600", 4);
        }
        (void)ht_answer_text(ht_slice_make(body, at), HT_SLICE(""), text);
        size_t length = strlen(text);
        assert_in_range(length, HT_ANSWER_TEXT_BYTES - 8, HT_ANSWER_TEXT_BYTES - 1);
        assert_string_equal(text + length - 3, "...");
        assert_memory_equal(text + length - 7, "\U0001f600", 4);
    }
}

static void test_secrets_are_left_out(void **state)
{
    (void)state;
    char text[HT_ANSWER_TEXT_BYTES];
    assert_string_equal(
        ht_answer_text(HT_SLICE("{\"error\":\"bad: Bearer abcdefgh12, abcdefgh12\"}"),
                       HT_SLICE("Bearer abcdefgh12"), text),
        "bad: Bearer **********, **********");
    assert_string_equal(
        ht_answer_text(HT_SLICE("signature AbCd%2BEfGh%3D of key 12345678 is wrong"),
                       HT_SLICE("OAuth oauth_consumer_key=\"12345678\", "
                                "oauth_signature=\"AbCd%2BEfGh%3D\""),
                       text),
        "signature ************** of key ******** is wrong");
}

static void test_any_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "<>&/{}[]\":,;script\\ aerrorsmessage\xF0\x9F\x98\x80\x80\n";
    struct ht_random random;
    ht_random_init(&random, 3);
    for (unsigned round = 0; round < 3000; round++) {
        char body[HT_ANSWER_BODY_MAX_BYTES * 2], text[HT_ANSWER_TEXT_BYTES];
        size_t length = ht_random_below(&random, round % 50 == 0 ? sizeof(body) : 300);
        for (size_t i = 0; i < length; i++) {
            body[i] = alphabet[ht_random_below(&random, sizeof(alphabet))];
        }
        (void)ht_answer_text(ht_slice_make(body, length), HT_SLICE("Bearer error,sm"), text);
        assert_true(strlen(text) < HT_ANSWER_TEXT_BYTES);
        assert_null(strpbrk(text, "\n\t\r"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_secrets_are_left_out),
        cmocka_unit_test(test_any_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
