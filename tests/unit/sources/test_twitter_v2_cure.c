// SPDX-License-Identifier: MIT
#include "twitter_v2_cure.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_cures(void **state)
{
    static const struct {
        int status;
        const char *body;
        bool has_keys, is_sample;
        const char *says; /* "": no cure */
    } cases[] = {
        {401, "{\"title\":\"Unauthorized\"}", false, false, "TWITTER_BEARER_TOKEN"},
        {401, "{\"title\":\"Unauthorized\"}", true, false, "TWITTER_CONSUMER_KEY"},
        {403, "{\"reason\":\"client-not-enrolled\"}", false, false, "put the app into a project"},
        {403, "{\"reason\":\"client-not-enrolled\"}", false, true, "source.endpoint=filter"},
        {403, "{\"title\":\"Unsupported Authentication\"}", false, false, "app-only"},
        {403, "{\"type\":\".../problems/usage-capped\"}", false, false, "Usage"},
        {403, "<html>", false, false, "access in X's developer portal"},
        {403, "{\"errors\":[{\"code\":99}]}", true, false, "TWITTER_CONSUMER_SECRET"},
        {400, "{\"errors\":[{\"parameters\":{\"backfill_minutes\":[\"3\"]}}]}", false, false,
         "source.backfill_minutes"},
        {400, "{}", false, false, ""},
        {402, "", false, false, "credits"},
        {404, "", false, false, "source.url"},
        {409, "{\"connection_issue\":\"RuleConfigurationIssue\"}", false, false, "source.rules"},
        {429, "{\"connection_issue\":\"TooManyConnections\"}", false, false, "stop the other"},
        {429, "{\"title\":\"Too Many Requests\"}", false, false, ""},
        {503, "Service Unavailable", false, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_twitter_v2_cure_context context = {cases[i].has_keys, cases[i].is_sample};
        const char *cure =
            ht_twitter_v2_cure(cases[i].status, ht_slice_text(cases[i].body), &context);
        assert_non_null(strstr(cure, cases[i].says));
        assert_true((cure[0] == '\0') == (cases[i].says[0] == '\0'));
    }
    struct ht_twitter_v2_cure_context context = {0};
    assert_string_equal(ht_twitter_v2_cure(500, (struct ht_slice){0}, &context), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
