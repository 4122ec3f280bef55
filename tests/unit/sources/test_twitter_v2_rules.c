// SPDX-License-Identifier: MIT
#include "twitter_v2_rules.h"

#include "../../support/json_memory.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct ht_twitter_v2_rule rule;

static void read_page(struct ht_twitter_v2_held *held, const char *text)
{
    char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
    assert_int_equal(ht_twitter_v2_held_read(held, ht_slice_text(text), next, NULL), 0);
}

static void test_pages_of_the_account(void **state)
{
    (void)state;
    struct ht_twitter_v2_held held = {0};
    char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
    assert_int_equal(
        ht_twitter_v2_held_read(&held,
                                HT_SLICE("{\"data\":[{\"id\":\"1\",\"value\":\"cat\",\"tag\":\"c\"}"
                                         ",{\"id\":\"2\",\"value\":\"d\\u00f6g\"}],\"meta\":"
                                         "{\"sent\":\"x\",\"next_token\":\"n2\"}}"),
                                next, NULL),
        0);
    assert_string_equal(next, "n2");
    assert_int_equal(
        ht_twitter_v2_held_read(&held, HT_SLICE("{\"meta\":{\"sent\":\"x\",\"result_count\":0}}"),
                                next, NULL),
        0);
    assert_string_equal(next, "");
    assert_int_equal(held.count, 2);
    assert_string_equal(held.items[0].tag, "c");
    assert_string_equal(held.items[1].id, "2");
    assert_string_equal(held.items[1].value, "d\xc3\xb6g");
    assert_string_equal(held.items[1].tag, "");
    ht_twitter_v2_held_finish(&held);
}

static void test_what_is_no_page_is_an_error(void **state)
{
    static const char *const pages[] = {
        "",
        "<html>",
        "[]",
        "{\"data\":[]}",
        "{\"data\":[{\"value\":\"cat\"}],\"meta\":{}}",
        "{\"data\":[{\"id\":\"1\"}],\"meta\":{}}",
        "{\"data\":[{\"id\":1,\"value\":\"cat\"}],\"meta\":{}}",
        "{\"data\":[7],\"meta\":{}}",
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(pages); i++) {
        struct ht_twitter_v2_held held = {0};
        struct ht_error error = {0};
        char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
        assert_int_equal(ht_twitter_v2_held_read(&held, ht_slice_text(pages[i]), next, &error),
                         HT_EPARSE);
        assert_non_null(strstr(error.text, "source.url"));
        ht_twitter_v2_held_finish(&held);
    }
}

static void test_a_next_token_without_end_is_refused(void **state)
{
    (void)state;
    struct ht_twitter_v2_held held = {0};
    char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
    char page[400];
    snprintf(page, sizeof page, "{\"meta\":{\"next_token\":\"%0300d\"}}", 0);
    assert_int_equal(ht_twitter_v2_held_read(&held, ht_slice_text(page), next, NULL), HT_EPARSE);
    assert_string_equal(next, "");
}

/* Writes the change as "+0 +2 -11 -12": indexes of wanted rules, ids of held ones. */
static const char *change_of(const rule *wanted, size_t count, const char *held_text)
{
    static char text[512];
    struct ht_twitter_v2_held held = {0};
    struct ht_twitter_v2_change change;
    struct ht_error error = {0};
    read_page(&held, held_text);
    text[0] = '\0';
    if (ht_twitter_v2_change_find(&change, wanted, count, &held, &error) != 0) {
        snprintf(text, sizeof text, "%s", error.text);
    }
    for (size_t i = 0; i < change.addition_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "+%zu ", change.additions[i]);
    }
    for (size_t i = 0; i < change.deletion_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "-%s ", held.items[change.deletions[i]].id);
    }
    ht_twitter_v2_change_finish(&change);
    ht_twitter_v2_held_finish(&held);
    return text;
}

#define HELD(list) "{\"data\":[" list "],\"meta\":{}}"
#define CAT        "{\"id\":\"11\",\"value\":\"cat\",\"tag\":\"t\"}"
#define DOG        "{\"id\":\"12\",\"value\":\"dog\"}"
#define CAT_AGAIN  "{\"id\":\"13\",\"value\":\"cat\",\"tag\":\"t\"}"

static void test_what_is_to_change(void **state)
{
    static const rule cat_dog[] = {{"cat", "t"}, {"dog", ""}};
    static const rule dog_cat[] = {{"dog", NULL}, {"cat", "t"}};
    static const rule retagged[] = {{"dog", "new"}, {"cat", "t"}};
    static const rule twice[] = {{"cat", "t"}, {"dog", ""}, {"cat", "t"}};
    static const rule other[] = {{"zebra", ""}, {"ant", ""}, {"Cat", "t"}, {"cat ", "t"}};
    (void)state;
    assert_string_equal(change_of(cat_dog, 2, HELD("")), "+0 +1 ");
    assert_string_equal(change_of(cat_dog, 2, HELD(CAT "," DOG)), "");
    assert_string_equal(change_of(dog_cat, 2, HELD(CAT "," DOG)), "");
    assert_string_equal(change_of(cat_dog, 2, HELD(DOG)), "+0 ");
    assert_string_equal(change_of(cat_dog, 1, HELD(CAT "," DOG)), "-12 ");
    assert_string_equal(change_of(retagged, 2, HELD(CAT "," DOG)), "+0 -12 ");
    assert_string_equal(change_of(twice, 3, HELD(DOG)), "+0 ");
    assert_string_equal(change_of(twice, 3, HELD(CAT "," DOG)), "");
    assert_string_equal(change_of(cat_dog, 1, HELD(CAT "," CAT_AGAIN)), "-13 ");
    assert_string_equal(change_of(other, 4, HELD(CAT "," DOG)), "+0 +1 +2 +3 -11 -12 ");
    assert_string_equal(change_of(other, 0, HELD(CAT)), "-11 ");
}

static void test_wanted_rules_that_cannot_be(void **state)
{
    static const rule tags[] = {{"dog", ""}, {"cat", "a"}, {"cat", "b"}};
    static const rule empty[] = {{"cat", ""}, {"", "x"}};
    (void)state;
    assert_non_null(strstr(change_of(tags, 3, HELD("")), "source.rules[1] and source.rules[2]"));
    assert_non_null(strstr(change_of(empty, 2, HELD(CAT)), "source.rules[1] has no value"));
}

static void test_what_is_posted(void **state)
{
    static const rule wanted[] = {
        {"#cats -is:retweet \"x\"", "animals"}, {"dog", ""}, {"\xc3\xa4", NULL}};
    (void)state;
    struct ht_twitter_v2_held held = {0};
    struct ht_twitter_v2_change change;
    struct ht_buffer body;
    ht_buffer_init(&body, 1u << 16);
    read_page(&held, HELD("{\"id\":\"21\",\"value\":\"x\"},{\"id\":\"22\",\"value\":\"y\"}"));
    assert_int_equal(ht_twitter_v2_change_find(&change, wanted, 3, &held, NULL), 0);
    assert_int_equal(ht_twitter_v2_change_format_additions(&change, wanted, 0, &body), 3);
    assert_string_equal(body.data, "{\"add\":[{\"value\":\"#cats -is:retweet \\\"x\\\"\",\"tag\":"
                                   "\"animals\"},{\"value\":\"dog\"},{\"value\":\"\xc3\xa4\"}]}");
    ht_buffer_clear(&body);
    assert_int_equal(ht_twitter_v2_change_format_deletions(&change, &held, 0, &body), 2);
    assert_string_equal(body.data, "{\"delete\":{\"ids\":[\"21\",\"22\"]}}");
    ht_buffer_clear(&body);
    assert_int_equal(ht_twitter_v2_change_format_deletions(&change, &held, 1, &body), 1);
    assert_string_equal(body.data, "{\"delete\":{\"ids\":[\"22\"]}}");
    ht_buffer_finish(&body);
    ht_twitter_v2_change_finish(&change);
    ht_twitter_v2_held_finish(&held);
}

/* 2500 rules of the account give way to 2500 others. */
static void test_many_rules_go_in_batches(void **state)
{
    enum { COUNT = 2500 };
    (void)state;
    static char values[COUNT][16];
    static rule wanted[COUNT];
    struct ht_buffer text;
    struct ht_buffer body;
    struct ht_twitter_v2_held held = {0};
    struct ht_twitter_v2_change change;
    ht_buffer_init(&text, 1u << 20);
    ht_buffer_init(&body, 4u << 20);
    ht_buffer_append_text(&text, "{\"meta\":{},\"data\":[");
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(values[i], sizeof values[i], "new%u", i);
        wanted[i] = (rule){values[i], ""};
        ht_buffer_append_format(&text, "%s{\"id\":\"%u\",\"value\":\"old%u\"}", i == 0 ? "" : ",",
                                i, i);
    }
    ht_buffer_append_text(&text, "]}");
    read_page(&held, text.data);
    assert_int_equal(ht_twitter_v2_change_find(&change, wanted, COUNT, &held, NULL), 0);
    assert_int_equal(change.addition_count, COUNT);
    assert_int_equal(change.deletion_count, COUNT);
    assert_int_equal(ht_twitter_v2_change_format_additions(&change, wanted, 0, &body), 1000);
    assert_int_equal(ht_twitter_v2_change_format_additions(&change, wanted, 2000, &body), 500);
    assert_int_equal(ht_twitter_v2_change_format_deletions(&change, &held, 1000, &body), 1000);
    assert_int_equal(ht_twitter_v2_change_format_deletions(&change, &held, 2000, &body), 500);
    assert_int_equal(ht_buffer_status(&body), 0);
    ht_buffer_finish(&text);
    ht_buffer_finish(&body);
    ht_twitter_v2_change_finish(&change);
    ht_twitter_v2_held_finish(&held);
}

/* -- answers ------------------------------------------------------------------------------ */

struct told {
    unsigned count;
    size_t index;
    char value[64];
    char why[128];
};

static void on_refused(void *user, size_t index, const char *value, const char *why)
{
    struct told *told = user;
    told->count++;
    told->index = index;
    snprintf(told->value, sizeof told->value, "%s", value);
    snprintf(told->why, sizeof told->why, "%s", why);
}

#define SUMMARY(created, missing, valid, invalid)                                                  \
    "\"meta\":{\"sent\":\"x\",\"summary\":{\"created\":" #created ",\"not_created\":" #missing     \
    ",\"valid\":" #valid ",\"invalid\":" #invalid "}}"
#define INVALID                                                                                    \
    "{\"value\":\"--b\",\"details\":[\"Rules must contain a non-negation term (at position 1)\","  \
    "\"more\"],\"title\":\"UnprocessableEntity\",\"type\":"                                        \
    "\"https://api.twitter.com/2/problems/invalid-rules\"}"
#define REPEAT                                                                                     \
    "{\"value\":\"cat\",\"id\":\"11\",\"title\":\"DuplicateRule\",\"type\":"                       \
    "\"https://api.twitter.com/2/problems/duplicate-rules\"}"
#define CAP                                                                                        \
    "{\"title\":\"RulesCapExceeded\",\"detail\":\"Too many rules.\",\"type\":"                     \
    "\"https://api.twitter.com/2/problems/rule-cap\"}"

static void test_answers_to_additions(void **state)
{
    static const rule wanted[] = {{"unused", ""}, {"cat", ""}, {"--b", ""}};
    static const size_t additions[] = {1, 2};
    static const struct {
        const char *body;
        bool is_dry_run, has_deletions;
        enum ht_twitter_v2_verdict verdict;
        const char *says;
    } cases[] = {
        {"{" SUMMARY(2, 0, 2, 0) ",\"data\":[{},{}]}", false, false, HT_TWITTER_V2_VERDICT_DONE,
         ""},
        {"{" SUMMARY(2, 0, 2, 0) "}", true, false, HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" SUMMARY(0, 0, 2, 0) "}", true, false, HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" SUMMARY(1, 1, 1, 1) ",\"errors\":[" INVALID "]}", true, false,
         HT_TWITTER_V2_VERDICT_REFUSED,
         "refuses 1 of 2 rules: source.rules[2] \"--b\": Rules must contain a non-negation term "
         "(at position 1); mend source.rules"},
        {"{" SUMMARY(1, 1, 1, 1) ",\"errors\":[" INVALID "]}", false, false,
         HT_TWITTER_V2_VERDICT_REFUSED, "source.rules[2]"},
        /* what X has already */
        {"{" SUMMARY(1, 1, 1, 1) ",\"errors\":[" REPEAT "]}", true, true,
         HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" SUMMARY(1, 1, 1, 1) ",\"errors\":[" REPEAT "]}", false, false,
         HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" SUMMARY(0, 2, 0, 2) ",\"errors\":[" REPEAT "," INVALID "]}", true, false,
         HT_TWITTER_V2_VERDICT_REFUSED, "refuses 1 of 2 rules"},
        /* too many: no matter before deletions */
        {"{" SUMMARY(0, 2, 0, 2) ",\"errors\":[" CAP "]}", true, true, HT_TWITTER_V2_VERDICT_DONE,
         ""},
        {"{" SUMMARY(0, 2, 0, 2) ",\"errors\":[" CAP "]}", true, false,
         HT_TWITTER_V2_VERDICT_REFUSED, "Too many rules"},
        {"{" SUMMARY(0, 2, 0, 2) ",\"errors\":[" CAP "]}", false, true,
         HT_TWITTER_V2_VERDICT_REFUSED, "Too many rules"},
        /* the summary alone says it */
        {"{" SUMMARY(1, 1, 1, 1) "}", true, false, HT_TWITTER_V2_VERDICT_REFUSED,
         "1 of 2 rules invalid"},
        {"{" SUMMARY(1, 1, 2, 0) "}", false, false, HT_TWITTER_V2_VERDICT_REFUSED,
         "made 1 of 2 rules"},
        {"{" SUMMARY(-1, 1, 2, 0) "}", false, false, HT_TWITTER_V2_VERDICT_REFUSED,
         "made 0 of 2 rules"},
        /* problems that name no rule */
        {"{\"errors\":[{\"parameters\":{},\"message\":\"add is not a list\"}],\"title\":\"Invalid "
         "Request\"}",
         true, false, HT_TWITTER_V2_VERDICT_REFUSED, "add is not a list"},
        {"{\"errors\":[{\"value\":\"unheard of\",\"detail\":\"Rule is invalid\"}]}", true, false,
         HT_TWITTER_V2_VERDICT_REFUSED, "\"unheard of\": Rule is invalid"},
        {"{\"errors\":[7,{}]}", true, false, HT_TWITTER_V2_VERDICT_REFUSED, "no reason; no reason"},
        {"{}", true, false, HT_TWITTER_V2_VERDICT_UNCLEAR, "source.url"},
        {"<html>", true, false, HT_TWITTER_V2_VERDICT_UNCLEAR, "source.url"},
        {"", false, false, HT_TWITTER_V2_VERDICT_UNCLEAR, "source.url"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_twitter_v2_asked asked = {.wanted = wanted,
                                            .additions = additions,
                                            .count = 2,
                                            .is_dry_run = cases[i].is_dry_run,
                                            .has_deletions = cases[i].has_deletions};
        struct ht_error error = {0};
        assert_int_equal(
            ht_twitter_v2_additions_judge(ht_slice_text(cases[i].body), &asked, &error),
            cases[i].verdict);
        assert_non_null(strstr(error.text, cases[i].says));
        assert_true((error.code == 0) == (cases[i].verdict == HT_TWITTER_V2_VERDICT_DONE));
    }
}

static void test_each_refused_rule_is_told(void **state)
{
    static const rule wanted[] = {{"cat", ""}, {"--b", ""}};
    static const size_t additions[] = {0, 1};
    (void)state;
    struct told told = {0};
    struct ht_error error;
    struct ht_twitter_v2_asked asked = {.wanted = wanted,
                                        .additions = additions,
                                        .count = 2,
                                        .on_refused = on_refused,
                                        .user = &told};
    assert_int_equal(
        ht_twitter_v2_additions_judge(
            HT_SLICE("{\"errors\":[{\"value\":\"cat\",\"detail\":\"no\"}," INVALID "]}"), &asked,
            &error),
        HT_TWITTER_V2_VERDICT_REFUSED);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.index, 1);
    assert_string_equal(told.value, "--b");
    assert_string_equal(told.why, "Rules must contain a non-negation term (at position 1)");
    assert_non_null(strstr(error.text, "source.rules[0] \"cat\": no; source.rules[1] \"--b\""));
}

static void test_long_refusals_leave_room_for_the_cure(void **state)
{
    (void)state;
    struct ht_buffer body;
    struct ht_error error;
    struct ht_twitter_v2_asked asked = {.count = 1000};
    static const rule wanted[1000] = {{"x", ""}};
    static size_t additions[1000];
    asked.wanted = wanted;
    asked.additions = additions;
    ht_buffer_init(&body, 1u << 20);
    ht_buffer_append_text(&body, "{\"errors\":[{}");
    for (unsigned i = 0; i < 900; i++) {
        ht_buffer_append_text(&body, ",{\"value\":\"");
        for (unsigned j = 0; j < 100; j++) {
            ht_buffer_append_text(&body, "\xc3\xa4");
        }
        ht_buffer_append_format(&body, "\",\"detail\":\"%0300d\"}", 0);
    }
    ht_buffer_append_text(&body, "]}");
    assert_int_equal(ht_twitter_v2_additions_judge(ht_buffer_slice(&body), &asked, &error),
                     HT_TWITTER_V2_VERDICT_REFUSED);
    assert_non_null(strstr(error.text, "refuses 901 of 1000 rules: "));
    assert_non_null(strstr(error.text, "; mend source.rules"));
    ht_buffer_finish(&body);
}

#define DELETED(deleted, missing)                                                                  \
    "\"meta\":{\"summary\":{\"deleted\":" #deleted ",\"not_deleted\":" #missing "}}"
#define GONE                                                                                       \
    "{\"errors\":[{\"parameters\":{},\"message\":\"Rule does not exist\"}],\"title\":\"Invalid "   \
    "Request\",\"type\":\"https://api.twitter.com/2/problems/invalid-request\"}"

static void test_answers_to_deletions(void **state)
{
    static const struct {
        const char *body;
        enum ht_twitter_v2_verdict verdict;
        const char *says;
    } cases[] = {
        {"{" DELETED(2, 0) "}", HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" DELETED(1, 1) ",\"errors\":[" GONE "]}", HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{\"errors\":[" GONE "," GONE "]}", HT_TWITTER_V2_VERDICT_DONE, ""},
        {"{" DELETED(1, 1) "}", HT_TWITTER_V2_VERDICT_REFUSED, "deleted 1 of 2 rules"},
        {"{" DELETED(1, 1) ",\"errors\":[{\"detail\":\"Not now.\"}]}",
         HT_TWITTER_V2_VERDICT_REFUSED, "Not now"},
        {"{" DELETED(0, 2) ",\"errors\":[" GONE ",{\"title\":\"Forbidden\"}]}",
         HT_TWITTER_V2_VERDICT_REFUSED, "Forbidden"},
        {"{}", HT_TWITTER_V2_VERDICT_UNCLEAR, "source.url"},
        {"nothing", HT_TWITTER_V2_VERDICT_UNCLEAR, "source.url"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_error error = {0};
        assert_int_equal(ht_twitter_v2_deletions_judge(ht_slice_text(cases[i].body), 2, &error),
                         cases[i].verdict);
        assert_non_null(strstr(error.text, cases[i].says));
    }
}

static void test_answers_without_memory_are_not_broken(void **state)
{
    static const rule wanted[] = {{"cat", ""}};
    static const size_t additions[] = {0};
    (void)state;
    struct ht_twitter_v2_asked asked = {.wanted = wanted, .additions = additions, .count = 1};
    struct ht_twitter_v2_held held = {0};
    struct ht_error page = {0}, added = {0}, deleted = {0};
    char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
    json_memory_take();
    int status = ht_twitter_v2_held_read(&held, HT_SLICE("{\"meta\":{}}"), next, &page);
    enum ht_twitter_v2_verdict of_added =
        ht_twitter_v2_additions_judge(HT_SLICE("{" SUMMARY(1, 0, 1, 0) "}"), &asked, &added);
    enum ht_twitter_v2_verdict of_deleted =
        ht_twitter_v2_deletions_judge(HT_SLICE("{" DELETED(1, 0) "}"), 1, &deleted);
    json_memory_give_back();
    assert_int_equal(status, HT_ENOMEM);
    assert_non_null(strstr(page.text, "out of memory"));
    assert_int_equal(of_added, HT_TWITTER_V2_VERDICT_UNCLEAR);
    assert_int_equal(added.code, HT_ENOMEM);
    assert_int_equal(of_deleted, HT_TWITTER_V2_VERDICT_UNCLEAR);
    assert_int_equal(deleted.code, HT_ENOMEM);
    ht_twitter_v2_held_finish(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_of_the_account),
        cmocka_unit_test(test_what_is_no_page_is_an_error),
        cmocka_unit_test(test_a_next_token_without_end_is_refused),
        cmocka_unit_test(test_what_is_to_change),
        cmocka_unit_test(test_wanted_rules_that_cannot_be),
        cmocka_unit_test(test_what_is_posted),
        cmocka_unit_test(test_many_rules_go_in_batches),
        cmocka_unit_test(test_answers_to_additions),
        cmocka_unit_test(test_each_refused_rule_is_told),
        cmocka_unit_test(test_long_refusals_leave_room_for_the_cure),
        cmocka_unit_test(test_answers_to_deletions),
        cmocka_unit_test(test_answers_without_memory_are_not_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
