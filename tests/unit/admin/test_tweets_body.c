// SPDX-License-Identifier: MIT
#include "admin/tweets_body.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_message(const struct ht_tweets_body *body, size_t index, const char *text,
                           uint64_t line)
{
    assert_true(index < body->count);
    if (!ht_slice_equal(body->messages[index], ht_slice_text(text))) {
        fail_msg("found %.*s, expected %s", (int)body->messages[index].length,
                 body->messages[index].data, text);
    }
    assert_int_equal(body->lines[index], line);
}

static void test_lines(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_split(&body, HT_SLICE("\n a\r\n\r\n\n{\"b\":1} \nlast")), 0);
    assert_int_equal(body.count, 3);
    assert_message(&body, 0, "a", 2);
    assert_message(&body, 1, "{\"b\":1}", 5);
    assert_message(&body, 2, "last", 6);
    ht_tweets_body_finish(&body);
}

static void test_no_lines(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_split(&body, HT_SLICE("")), 0);
    assert_int_equal(ht_tweets_body_split(&body, HT_SLICE("\r\n \n\t")), 0);
    assert_int_equal(body.count, 0);
    ht_tweets_body_finish(&body);
}

static void test_too_many_lines(void **state)
{
    (void)state;
    size_t length = (HT_TWEETS_BODY_MAX_COUNT + 1) * 2;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t i = 0; i < length; i += 2) {
        memcpy(text + i, "1\n", 2);
    }
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_split(&body, ht_slice_make(text, length - 2)), 0);
    ht_tweets_body_finish(&body);
    assert_int_equal(ht_tweets_body_split(&body, ht_slice_make(text, length)), HT_ETOOBIG);
    ht_tweets_body_finish(&body);
    free(text);
}

static void test_an_array_over_many_lines(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_parse(&body, HT_SLICE("[\n{\"id\":1},\n\n {\"id\":2}]\n")), 0);
    assert_int_equal(body.count, 2);
    assert_message(&body, 0, "{\"id\":1}", 2);
    assert_message(&body, 1, "{\"id\":2}", 4);
    assert_int_equal(body.reject_count, 0);
    ht_tweets_body_finish(&body);
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_parse(&body, HT_SLICE("nonsense\n{\"id\":1}\n")), 0);
    assert_int_equal(body.count, 1);
    assert_message(&body, 0, "{\"id\":1}", 2);
    assert_int_equal(body.reject_count, 1);
    assert_int_equal(body.rejects[0].line, 1);
    assert_non_null(body.rejects[0].reason);
    ht_tweets_body_finish(&body);
}

static void test_an_empty_body(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(ht_tweets_body_parse(&body, HT_SLICE("")), 0);
    assert_int_equal(body.count + body.reject_count, 0);
    ht_tweets_body_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_no_lines),
        cmocka_unit_test(test_too_many_lines),
        cmocka_unit_test(test_an_array_over_many_lines),
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_an_empty_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
