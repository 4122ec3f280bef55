// SPDX-License-Identifier: MIT
#include "daemon/put.h"

#include "../../support/json_memory.h"

#include "hashtagd/base/assert.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ht_put_entry entries[3];
static struct ht_error error;

static int read_answer(int status, const char *body)
{
    struct ht_put_chunk chunk = {.entries = entries, .count = HT_COUNT_OF(entries)};
    struct ht_put_answer answer = {
        .status = status, .body = ht_slice_text(body), .url = "http://here/"};
    memset(entries, 0, sizeof(entries));
    ht_error_clear(&error);
    return ht_put_answer_read(&answer, &chunk, &error);
}

static void each_refused_line_gets_its_reason(void **state)
{
    (void)state;
    assert_int_equal(read_answer(202,
                                 "{\"accepted\":1,\"rejected\":[{\"line\":3,\"reason\":\"no\"},"
                                 "{\"line\":1},{\"line\":0},{\"line\":4},{}]}"),
                     0);
    assert_string_equal(entries[0].reason, "refused");
    assert_string_equal(entries[1].reason, "");
    assert_string_equal(entries[2].reason, "no");
    assert_int_equal(read_answer(400, "{\"rejected\":[{\"line\":2,\"reason\":\"no\"}]}"), 0);
    assert_string_equal(entries[1].reason, "no");
}

static void other_answers_are_left_to_be_explained(void **state)
{
    (void)state;
    assert_int_equal(read_answer(503, "{\"rejected\":[]}"), HT_ENOTFOUND);
    assert_int_equal(read_answer(400, "{\"detail\":\"no\"}"), HT_ENOTFOUND);
    assert_int_equal(error.code, 0);
}

static void tweets_that_were_taken_are_told_as_such(void **state)
{
    static const char *const answers[] = {"", "<html>", "{}", "[]"};
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        assert_int_equal(read_answer(202, answers[i]), HT_EIO);
        assert_non_null(strstr(error.text, "http://here/ took the last tweets (202)"));
    }
}

static void a_lack_of_memory_is_told_as_one(void **state)
{
    (void)state;
    json_memory_take();
    int result = read_answer(202, "{\"accepted\":3,\"rejected\":[]}");
    json_memory_give_back();
    assert_int_equal(result, HT_ENOMEM);
    assert_non_null(strstr(error.text, "took the last tweets, but memory is out"));
    json_memory_take();
    result = read_answer(400, "{\"accepted\":0,\"rejected\":[]}");
    json_memory_give_back();
    assert_int_equal(result, HT_ENOMEM);
    assert_non_null(strstr(error.text, "refused the last tweets, but memory is out"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refused_line_gets_its_reason),
        cmocka_unit_test(other_answers_are_left_to_be_explained),
        cmocka_unit_test(tweets_that_were_taken_are_told_as_such),
        cmocka_unit_test(a_lack_of_memory_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
