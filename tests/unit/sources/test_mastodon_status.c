// SPDX-License-Identifier: MIT
#include "mastodon_status.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void assert_slice(struct ht_slice slice, const char *text)
{
    assert_true(ht_slice_equal(slice, ht_slice_text(text)));
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id, *edited_at;
        int64_t created_ms;
    } cases[] = {
        {"{\"id\":\"117\",\"created_at\":\"2026-08-02T05:22:17.399Z\",\"edited_at\":null}", "117",
         "", INT64_C(1785648137399)},
        {" {\"edited_at\":\"2026-08-02T05:22:18.000Z\",\"id\":\"1\"} ", "1",
         "2026-08-02T05:22:18.000Z", 0},
        {"{\"account\":{\"id\":\"5\",\"created_at\":\"2018-08-18T00:00:00.000Z\"}}", "", "", 0},
        {"{\"id\":7,\"created_at\":1,\"edited_at\":false}", "", "", 0},
        {"{\"id\":\"a b\",\"created_at\":\"yesterday\"}", "", "", 0},
        {"{}", "", "", 0},
    };
    struct ht_mastodon_status_reader reader;
    ht_mastodon_status_reader_init(&reader);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_mastodon_status status;
        assert_null(ht_mastodon_status_read(&reader, ht_slice_text(cases[i].text), &status));
        assert_slice(ht_mastodon_id_slice(&status.id), cases[i].id);
        assert_slice(status.edited_at, cases[i].edited_at);
        assert_true(status.created_ms == cases[i].created_ms);
    }
    ht_mastodon_status_reader_finish(&reader);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *label;
    } cases[] = {
        {"", "cut_off"},
        {"undefined", "not_json"},
        {"117024236332527350", "not_json"},
        {"[{\"id\":\"1\"}]", "wrong_type"},
        {"{\"id\":\"1\"", "cut_off"},
        {"{\"id\":\"\xff\"}", "bad_utf8"},
        {"{\"id\":\"\\ud800\"}", "lone_surrogate"},
    };
    struct ht_mastodon_status_reader reader;
    ht_mastodon_status_reader_init(&reader);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_mastodon_status status;
        const char *label = ht_mastodon_status_read(&reader, ht_slice_text(cases[i].text), &status);
        assert_non_null(label);
        assert_string_equal(label, cases[i].label);
    }
    ht_mastodon_status_reader_finish(&reader);
}

static void test_pages(void **state)
{
    (void)state;
    static const struct {
        const char *page, *elements; /* elements NULL: no page */
    } cases[] = {
        {"[]", ""},
        {" [ ] \n", ""},
        {"[{\"id\":\"2\"},{\"id\":\"1\",\"tags\":[{\"name\":\"a\"}]}]",
         "{\"id\":\"2\"}|{\"id\":\"1\",\"tags\":[{\"name\":\"a\"}]}|"},
        {"[{\"id\":\"2\"} ,\n 7, null]", "{\"id\":\"2\"}|7|null|"},
        {"[{\"text\":\"\\ud800\"},{}]", "{\"text\":\"\\ud800\"}|{}|"},
        {"[{\"id\":\"2\"}", NULL},
        {"[{\"id\":\"2\"},", NULL},
        {"[{]}", NULL},
        {"{\"error\":\"x\"}", NULL},
        {"<html>", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_slice statuses[HT_MASTODON_PAGE_MAX];
        size_t count;
        int status = ht_mastodon_page_split(ht_slice_text(cases[i].page), statuses, &count);
        assert_int_equal(status, cases[i].elements == NULL ? HT_EPARSE : 0);
        char joined[256] = "";
        for (size_t k = 0; status == 0 && k < count; k++) {
            size_t length = strlen(joined);
            snprintf(joined + length, sizeof(joined) - length, "%.*s|", (int)statuses[k].length,
                     statuses[k].data);
        }
        assert_string_equal(joined, cases[i].elements == NULL ? "" : cases[i].elements);
    }
}

static void test_page_that_is_too_long(void **state)
{
    (void)state;
    for (size_t n = HT_MASTODON_PAGE_MAX; n <= HT_MASTODON_PAGE_MAX + 1; n++) {
        struct ht_slice statuses[HT_MASTODON_PAGE_MAX];
        size_t count;
        struct ht_buffer page;
        ht_buffer_init(&page, 4096);
        for (size_t i = 0; i < n; i++) {
            ht_buffer_append_text(&page, i == 0 ? "[{}" : ",{}");
        }
        ht_buffer_append_text(&page, "]");
        assert_int_equal(ht_mastodon_page_split(ht_buffer_slice(&page), statuses, &count),
                         n > HT_MASTODON_PAGE_MAX ? HT_ETOOBIG : 0);
        assert_int_equal(count, HT_MASTODON_PAGE_MAX);
        ht_buffer_finish(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_page_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
