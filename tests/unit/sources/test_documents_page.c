// SPDX-License-Identifier: MIT
#include "documents_page.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
    const char *name;
    const char *answer;
    const char *messages[4]; /* "LINE MESSAGE", or "LINE!" for a reject */
} cases[] = {
    {"nothing in it", "{\"data\":[]}", {NULL}},
    {"no data", "{\"includes\":{\"tweets\":[{\"id\":\"1\"}]}}", {NULL}},
    {"data deeper is another thing",
     "{\"a\":{\"data\":[{}]},\"data\":[{\"id\":\"1\"}]}",
     {"10 {\"data\":{\"id\":\"1\"}}"}},
    {"lines", "{\"data\":[\n{\"id\":\"1\"},\n\n7]}", {"11 {\"data\":{\"id\":\"1\"}}", "13!"}},
    {"nobody refers to it",
     "{\"data\":[{\"id\":\"1\"}],\"includes\":{\"tweets\":[{\"id\":\"2\"}]}}",
     {"10 {\"data\":{\"id\":\"1\"}}"}},
    {"each gets its own",
     "{\"includes\":{\"users\":[{\"tweets\":[{\"id\":\"2\"}]}],\"tweets\":[{\"id\":\"3\",\"x\":3},"
     "{\"id\":\"2\"}],\"places\":[]},\"data\":[{\"referenced_tweets\":[{\"id\":\"2\"}]},"
     "{\"referenced_tweets\":[{\"id\":\"3\"},{\"id\":\"2\"}]}]}",
     {"10 {\"data\":{\"referenced_tweets\":[{\"id\":\"2\"}]},\"includes\":{\"tweets\":["
      "{\"id\":\"2\"}]}}",
      "10 {\"data\":{\"referenced_tweets\":[{\"id\":\"3\"},{\"id\":\"2\"}]},\"includes\":{"
      "\"tweets\":[{\"id\":\"3\",\"x\":3},{\"id\":\"2\"}]}}"}},
    {"odd types are left to the reader",
     "{\"data\":[{\"referenced_tweets\":{\"id\":\"2\"}},{\"referenced_tweets\":[2,{\"id\":2}]}],"
     "\"includes\":{\"tweets\":[{\"id\":\"2\"},4,{\"id\":2}]}}",
     {"10 {\"data\":{\"referenced_tweets\":{\"id\":\"2\"}}}",
      "10 {\"data\":{\"referenced_tweets\":[2,{\"id\":2}]}}"}},
    {"a broken tweet keeps to itself",
     "{\"data\":[{\"id\":nul},{\"id\":\"1\"}],\"includes\":{\"tweets\":[{\"id\":\"\\ud800\"}]}}",
     {"10 {\"data\":{\"id\":nul}}", "10 {\"data\":{\"id\":\"1\"}}"}},
    {"includes of another type",
     "{\"includes\":[{\"tweets\":[{}]}],\"data\":[{}]}",
     {"10 {\"data\":{}}"}},
};

static void check(struct ht_documents_page *page, size_t i)
{
    enum ht_documents_event event;
    struct ht_document document;
    size_t found = 0;
    assert_int_equal(ht_documents_page_open(page, ht_slice_text(cases[i].answer), 10), 0);
    while (ht_documents_page_next(page, &event, &document)) {
        char got[1024];
        if (event == HT_DOCUMENTS_MESSAGE) {
            snprintf(got, sizeof(got), "%llu %.*s", (unsigned long long)document.line,
                     (int)document.bytes.length, document.bytes.data);
        } else {
            snprintf(got, sizeof(got), "%llu!", (unsigned long long)document.line);
        }
        assert_true(found < HT_COUNT_OF(cases[i].messages));
        if (cases[i].messages[found] == NULL || strcmp(got, cases[i].messages[found]) != 0) {
            print_error("%s: %s\n", cases[i].name, got);
        }
        assert_non_null(cases[i].messages[found]);
        assert_string_equal(got, cases[i].messages[found]);
        found++;
    }
    assert_true(found == HT_COUNT_OF(cases[i].messages) || cases[i].messages[found] == NULL);
}

static void test_answers(void **state)
{
    (void)state;
    struct ht_documents_page page;
    ht_documents_page_init(&page);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
            check(&page, i);
        }
    }
    ht_documents_page_finish(&page);
}

static void test_many_included_are_found(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct ht_buffer answer;
    struct ht_documents_page page;
    enum ht_documents_event event;
    struct ht_document document;
    ht_buffer_init(&answer, 1 << 20);
    ht_documents_page_init(&page);
    ht_buffer_append_text(&answer, "{\"data\":[");
    for (unsigned i = 0; i < COUNT; i++) {
        ht_buffer_append_format(&answer, "%s{\"referenced_tweets\":[{\"id\":\"%u\"}]}",
                                i == 0 ? "" : ",", i * 7 % COUNT);
    }
    ht_buffer_append_text(&answer, "],\"includes\":{\"tweets\":[");
    for (unsigned i = 0; i < COUNT; i++) {
        ht_buffer_append_format(&answer, "%s{\"id\":\"%u\"}", i == 0 ? "" : ",", i * 3 % COUNT);
    }
    ht_buffer_append_text(&answer, "]}}");
    assert_int_equal(ht_documents_page_open(&page, ht_buffer_slice(&answer), 1), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "\"includes\":{\"tweets\":[{\"id\":\"%u\"}]}}",
                 i * 7 % COUNT);
        assert_true(ht_documents_page_next(&page, &event, &document));
        assert_int_equal(event, HT_DOCUMENTS_MESSAGE);
        assert_non_null(strstr(document.bytes.data, wanted));
    }
    assert_false(ht_documents_page_next(&page, &event, &document));
    ht_documents_page_finish(&page);
    ht_buffer_finish(&answer);
}

static void test_too_large_with_what_it_refers_to(void **state)
{
    (void)state;
    struct ht_buffer answer;
    struct ht_documents_page page;
    enum ht_documents_event event;
    struct ht_document document;
    ht_buffer_init(&answer, 4u << 20);
    ht_documents_page_init(&page);
    ht_buffer_append_text(&answer, "{\"data\":[{\"referenced_tweets\":[{\"id\":\"9\"}]},{}],"
                                   "\"includes\":{\"tweets\":[{\"id\":\"9\",\"a\":\"");
    for (size_t i = 0; i < HT_DOCUMENTS_MESSAGE_BYTES_MAX - 50; i++) {
        ht_buffer_append_byte(&answer, 'x');
    }
    ht_buffer_append_text(&answer, "\"}]}}");
    assert_int_equal(ht_documents_page_open(&page, ht_buffer_slice(&answer), 1), 0);
    assert_true(ht_documents_page_next(&page, &event, &document));
    assert_int_equal(event, HT_DOCUMENTS_REJECT);
    assert_int_equal(document.refusal, HT_TWEET_REFUSAL_TOO_LARGE);
    assert_true(ht_documents_page_next(&page, &event, &document));
    assert_int_equal(event, HT_DOCUMENTS_MESSAGE);
    assert_true(ht_slice_equal(document.bytes, HT_SLICE("{\"data\":{}}")));
    ht_documents_page_finish(&page);
    ht_buffer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_many_included_are_found),
        cmocka_unit_test(test_too_large_with_what_it_refers_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
