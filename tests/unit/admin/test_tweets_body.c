// SPDX-License-Identifier: MIT
#include "admin/tweets_body.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/gzip.h"

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

/* In as many steps as it takes. */
static int read_all(struct ht_tweets_body *body, struct ht_slice bytes, bool is_lines)
{
    int result = ht_tweets_body_begin(body, bytes, is_lines);
    while (result == 0 && !body->is_read) {
        result = ht_tweets_body_go_on(body);
    }
    return result;
}

static int split(struct ht_tweets_body *body, struct ht_slice bytes)
{
    return read_all(body, bytes, true);
}

static int parse(struct ht_tweets_body *body, struct ht_slice bytes)
{
    return read_all(body, bytes, false);
}

static void test_lines(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(split(&body, HT_SLICE("\n a\r\n\r\n\n{\"b\":1} \nlast")), 0);
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
    assert_int_equal(split(&body, HT_SLICE("")), 0);
    assert_int_equal(body.count, 0);
    ht_tweets_body_finish(&body);
    assert_int_equal(split(&body, HT_SLICE("\r\n \n\t")), 0);
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
    assert_int_equal(split(&body, ht_slice_make(text, length - 2)), 0);
    ht_tweets_body_finish(&body);
    assert_int_equal(split(&body, ht_slice_make(text, length)), HT_ETOOBIG);
    ht_tweets_body_finish(&body);
    free(text);
}

static void test_an_array_over_many_lines(void **state)
{
    (void)state;
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(parse(&body, HT_SLICE("[\n{\"id\":1},\n\n {\"id\":2}]\n")), 0);
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
    assert_int_equal(parse(&body, HT_SLICE("nonsense\n{\"id\":1}\n")), 0);
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
    assert_int_equal(parse(&body, HT_SLICE("")), 0);
    assert_int_equal(body.count + body.reject_count, 0);
    ht_tweets_body_finish(&body);
}

/* Blank lines, blanks and what is packed well: no step may take long. */
static void test_a_large_body_takes_many_steps(void **state)
{
    enum { LENGTH = 1 << 20 };
    (void)state;
    char *text = malloc(LENGTH);
    assert_non_null(text);
    for (int i = 0; i < 2; i++) {
        struct ht_tweets_body body;
        unsigned steps = 0;
        memset(text, i == 0 ? '\n' : ' ', LENGTH);
        ht_tweets_body_init(&body);
        assert_int_equal(ht_tweets_body_begin(&body, ht_slice_make(text, LENGTH), i == 0), 0);
        for (; !body.is_read; steps++) {
            assert_int_equal(ht_tweets_body_go_on(&body), 0);
        }
        assert_in_range(steps, LENGTH / 4096, LENGTH / 4096 + 3);
        assert_int_equal(body.count, 0);
        ht_tweets_body_finish(&body);
    }
    free(text);
}

static void test_what_unfolds_without_end_is_refused(void **state)
{
    enum { LENGTH = 1 << 19, TIMES = 65 };
    (void)state;
    struct ht_buffer packed;
    char *line = malloc(LENGTH);
    assert_non_null(line);
    memset(line, 'x', LENGTH - 1);
    line[LENGTH - 1] = '\n';
    ht_buffer_init(&packed, LENGTH);
    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(ht_gzip_format(ht_slice_make(line, LENGTH), &packed), 0);
    }
    free(line);
    struct ht_tweets_body body;
    ht_tweets_body_init(&body);
    assert_int_equal(parse(&body, ht_buffer_slice(&packed)), HT_ETOOBIG);
    ht_tweets_body_finish(&body);
    ht_buffer_finish(&packed);
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
        cmocka_unit_test(test_a_large_body_takes_many_steps),
        cmocka_unit_test(test_what_unfolds_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
