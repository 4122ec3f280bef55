// SPDX-License-Identifier: MIT
#include "twitter_v2_ending.h"

#include "../../support/json_memory.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_posts_are_no_endings(void **state)
{
    static const char *const lines[] = {
        "{\"data\":{\"id\":\"1\"}}",
        " \t{ \"data\" : { \"id\":\"1\"}}",
        "{\"data\":{\"id\":\"1\"},\"errors\":[{\"title\":\"Not Found Error\"}]}",
        "{\"errors\":[{\"title\":\"Not Found Error\"}],\"data\":{\"id\":\"1\"}}",
        "{\"includes\":{},\"data\":{\"id\":\"1\"}}",
        "{\"data\":[{\"id\":\"1\"}],\"errors\":[{}]}",
        "{\"data\":{\"delete\":{\"tweet\":{\"id\":\"1\"}}}}",
        "{\"id\":\"1\",\"text\":\"a tweet\"}",
        "{\"errors\":null}",
        "{\"title\":\"a problem\"}",
        "{\"data\":{cut",
        "{\"errors\":[",
        "[]",
        "[{\"errors\":[]}]",
        "{}",
        "7",
        "{\"data\"",
        "{",
        "",
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(lines); i++) {
        struct ht_twitter_v2_ending ending;
        assert_false(ht_twitter_v2_ending_read(ht_slice_text(lines[i]), &ending));
    }
}

#define DISCONNECT(type)                                                                           \
    "{\"errors\":[{\"title\":\"operational-disconnect\",\"disconnect_type\":\"" type               \
    "\",\"detail\":\"It "                                                                          \
    "ends.\",\"type\":\"https://api.x.com/2/problems/operational-disconnect\"}]"                   \
    "}"
#define ISSUE(issue)                                                                               \
    "{\"title\":\"ConnectionException\",\"detail\":\"At its "                                      \
    "limit.\",\"connection_issue\":\"" issue                                                       \
    "\",\"type\":\"https://api.x.com/2/problems/streaming-connection\"}"

static void test_each_kind_of_ending(void **state)
{
    static const struct {
        const char *line;
        enum ht_source_end end;
        bool are_rules_stale;
        const char *says;
    } cases[] = {
        {DISCONNECT("OperationalDisconnect"), HT_SOURCE_END_TOLD, false,
         "ends the stream: OperationalDisconnect: It ends"},
        {DISCONNECT("UpstreamOperationalDisconnect"), HT_SOURCE_END_TOLD, false, "It ends"},
        {DISCONNECT("UpstreamUncleanDisconnect"), HT_SOURCE_END_TOLD, false, "It ends"},
        {DISCONNECT("ForceDisconnect"), HT_SOURCE_END_TOLD, false, "ForceDisconnect"},
        {DISCONNECT("InternalError"), HT_SOURCE_END_TOLD, false, "InternalError"},
        {DISCONNECT("SlowReader"), HT_SOURCE_END_TOLD, false, "read too slowly"},
        {DISCONNECT("PackageUpgraded"), HT_SOURCE_END_TOLD, false, "PackageUpgraded"},
        {DISCONNECT("PackageDowngraded"), HT_SOURCE_END_TOLD, false, "PackageDowngraded"},
        {DISCONNECT("ClientApplicationStateDegraded"), HT_SOURCE_END_TOLD_TO_STOP, false,
         "developer portal"},
        {DISCONNECT("InvalidRules"), HT_SOURCE_END_TOLD_TO_STOP, true, "source.rules"},
        {DISCONNECT("SomethingNew"), HT_SOURCE_END_TOLD, false, "SomethingNew"},
        {ISSUE("TooManyConnections"), HT_SOURCE_END_TOO_MANY, false, "stop the other program"},
        {ISSUE("ProvisioningSubscription"), HT_SOURCE_END_TOLD, false, "Provisioning"},
        {ISSUE("RuleConfigurationIssue"), HT_SOURCE_END_TOLD_TO_STOP, true, "source.rules"},
        {ISSUE("RulesInvalidIssue"), HT_SOURCE_END_TOLD_TO_STOP, true, "source.rules"},
        {ISSUE("SomethingNew"), HT_SOURCE_END_TOO_MANY, false, "SomethingNew"},
        {"{\"errors\":[{\"code\":88,\"message\":\"Rate limit exceeded\"}]}",
         HT_SOURCE_END_RATE_LIMITED, false, "ends the stream: Rate limit exceeded"},
        {"{\"errors\":[{\"code\":89,\"message\":\"Invalid or expired token.\"}]}",
         HT_SOURCE_END_TOLD_TO_STOP, false, "TWITTER_BEARER_TOKEN"},
        {"{\"errors\":[{\"title\":\"UsageCapExceeded\",\"detail\":\"Usage cap exceeded: Monthly "
         "product cap\",\"type\":\"https://api.twitter.com/2/problems/usage-capped\"}]}",
         HT_SOURCE_END_TOLD_TO_STOP, false, "developer portal"},
        {"{\"errors\":[{\"title\":\"New\",\"type\":\"https://api.x.com/2/problems/usage-capped\"}]"
         "}",
         HT_SOURCE_END_TOLD_TO_STOP, false, "New"},
        /* the first that asks for a person counts, else the first */
        {"{\"errors\":[{\"disconnect_type\":\"InternalError\"},{\"disconnect_type\":\"InvalidRules"
         "\"}]}",
         HT_SOURCE_END_TOLD_TO_STOP, true, "InvalidRules"},
        {"{\"errors\":[{\"disconnect_type\":\"InvalidRules\"},{\"code\":88}]}",
         HT_SOURCE_END_TOLD_TO_STOP, true, "InvalidRules"},
        {"{\"title\":\"ConnectionException\",\"connection_issue\":\"TooManyConnections\","
         "\"errors\":[{\"message\":\"At its limit\"}]}",
         HT_SOURCE_END_TOO_MANY, false, "At its limit"},
        /* whatever it is made of */
        {"{\"errors\":[]}", HT_SOURCE_END_TOLD, false, "ends the stream"},
        {"{\"errors\":7}", HT_SOURCE_END_TOLD, false, "ends the stream"},
        {"{\"errors\":[7,null,\"x\"]}", HT_SOURCE_END_TOLD, false, "ends the stream"},
        {"{\"errors\":[{\"title\":7,\"detail\":[]}],\"data\":null}", HT_SOURCE_END_TOLD, false,
         "ends the stream"},
        {"{\"data\":null,\"errors\":[{\"message\":\"gone\"}]}", HT_SOURCE_END_TOLD, false,
         "ends the stream: gone"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_twitter_v2_ending ending = {0};
        assert_true(ht_twitter_v2_ending_read(ht_slice_text(cases[i].line), &ending));
        assert_int_equal(ending.end, cases[i].end);
        assert_int_equal(ending.are_rules_stale, cases[i].are_rules_stale);
        assert_non_null(strstr(ending.error.text, cases[i].says));
        assert_int_equal(ending.error.code, ending.end == HT_SOURCE_END_TOLD_TO_STOP
                                                ? HT_EPERMISSION
                                                : HT_ECONNECTION);
    }
}

static void test_long_words_are_cut(void **state)
{
    (void)state;
    struct ht_twitter_v2_ending ending;
    struct ht_buffer line;
    ht_buffer_init(&line, 1u << 20);
    ht_buffer_append_text(&line, "{\"errors\":[{\"detail\":\"");
    for (unsigned i = 0; i < 20000; i++) {
        ht_buffer_append_text(&line, "x");
    }
    ht_buffer_append_text(&line, "\",\"disconnect_type\":\"InvalidRules\"}]}");
    assert_true(ht_twitter_v2_ending_read(ht_buffer_slice(&line), &ending));
    assert_non_null(strstr(ending.error.text, "source.rules"));
    assert_true(strlen(ending.error.text) < 400);
    ht_buffer_finish(&line);
}

static void test_very_long_lines_are_taken_for_posts(void **state)
{
    (void)state;
    struct ht_twitter_v2_ending ending;
    struct ht_buffer line;
    ht_buffer_init(&line, 1u << 20);
    ht_buffer_append_text(&line, "{\"errors\":[");
    while (line.length < HT_TWITTER_V2_ENDING_MAX_BYTES) {
        ht_buffer_append_text(&line, "0,");
    }
    ht_buffer_append_text(&line, "0]}");
    assert_false(ht_twitter_v2_ending_read(ht_buffer_slice(&line), &ending));
    ht_buffer_finish(&line);
}

static void test_a_line_without_memory_breaks_the_connection(void **state)
{
    (void)state;
    struct ht_twitter_v2_ending ending = {0};
    json_memory_take();
    bool ends = ht_twitter_v2_ending_read(HT_SLICE("{\"errors\":[{}]}"), &ending);
    json_memory_give_back();
    assert_true(ends);
    assert_int_equal(ending.end, HT_SOURCE_END_NETWORK);
    assert_int_equal(ending.error.code, HT_ENOMEM);
    assert_true(ending.are_rules_stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_are_no_endings),
        cmocka_unit_test(test_each_kind_of_ending),
        cmocka_unit_test(test_long_words_are_cut),
        cmocka_unit_test(test_a_line_without_memory_breaks_the_connection),
        cmocka_unit_test(test_very_long_lines_are_taken_for_posts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
