// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static struct ht_json *get_status(struct fake_parts *parts)
{
    struct fake_answer answer = fake_parts_get(parts, "status", 200);
    struct ht_json *root = ht_json_parse(ht_slice_text(answer.body), 0, NULL, NULL);
    assert_non_null(root);
    fake_answer_finish(&answer);
    return root;
}

static void assert_text(const struct ht_json *root, const char *path, const char *expected)
{
    struct ht_slice text = ht_json_text(ht_json_find(root, path));
    if (!ht_slice_equal(text, ht_slice_text(expected))) {
        fail_msg("%s is %.*s, not %s", path, (int)text.length, text.data, expected);
    }
}

static void test_the_whole(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    fake_parts_add(&parts, "foo", 3);
    parts.stream.counters.records_put = 12;
    parts.stream.counters.stored_bytes = 34;
    parts.ingest.counters.received = 9;
    parts.ingest.counters.notices[HT_TWEET_KIND_DELETE] = 3;
    parts.ingest.counters.notices[HT_TWEET_KIND_LIMIT] = 1;
    parts.ingest.counters.refused[HT_TWEET_REFUSAL_CUT_OFF] = 2;
    struct ht_json *root = get_status(&parts);
    assert_text(root, "version", "1.2.3");
    assert_true(ht_json_bool(ht_json_find(root, "ready")));
    assert_int_equal(ht_json_i64(ht_json_find(root, "started_at")), 1000);
    static const char *const names[] = {"source", "ingest",  "stream", "count",
                                        "table",  "changes", "archive"};
    assert_int_equal(ht_json_count(ht_json_find(root, "parts")), 7);
    for (size_t i = 0; i < 7; i++) {
        const struct ht_json *part = ht_json_element(ht_json_find(root, "parts"), i);
        assert_text(part, "name", names[i]);
        assert_int_equal(ht_json_type(ht_json_member(part, "last_error")), HT_JSON_NULL);
    }
    assert_text(root, "parts[0].state", "off");
    /* what was received and is on no stream is told */
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[1].details.received")), 9);
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[1].details.notices")), 4);
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[1].details.refused")), 2);
    assert_text(root, "parts[2].type", "embedded");
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[2].total")), 12);
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[2].details.stored_bytes")), 34);
    assert_text(root, "shards[0].state", "reading");
    assert_text(root, "shards[0].position", "42");
    assert_int_equal(ht_json_i64(ht_json_find(root, "shards[1].lag_records")), 2);
    assert_int_equal(ht_json_i64(ht_json_find(root, "hashtags.total")), 3);
    assert_text(root, "build.libuv", "1.2.3");
    ht_json_destroy(root);
    fake_parts_finish(&parts);
}

static void test_a_part_that_waits(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct ht_error error;
    ht_error_set(&error, HT_ENOSPC, "The disk is full.");
    ht_health_fail(&parts.table.health, HT_HEALTH_WAITING, &error);
    struct ht_json *root = get_status(&parts);
    assert_false(ht_json_bool(ht_json_find(root, "ready")));
    assert_int_equal(ht_json_count(ht_json_find(root, "problems")), 1);
    assert_text(root, "problems[0].part", "table");
    assert_text(root, "problems[0].text", "The disk is full.");
    assert_text(root, "parts[4].state", "waiting");
    assert_text(root, "parts[4].last_error.text", "The disk is full.");
    assert_int_equal(ht_json_i64(ht_json_find(root, "parts[4].errors")), 1);
    ht_json_destroy(root);
    struct fake_answer answer = fake_parts_get(&parts, "readyz", 503);
    fake_assert_has(answer.body, "table is waiting: The disk is full.");
    fake_assert_has(answer.body, "\"problems\":[{\"part\":\"table\"");
    fake_answer_finish(&answer);
    ht_health_succeed(&parts.table.health);
    answer = fake_parts_get(&parts, "readyz", 200);
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_a_live_source_tells_of_its_connection(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct ht_json *root = get_status(&parts);
    assert_int_equal(ht_json_count(ht_json_find(root, "sources")), 1);
    assert_int_equal(ht_json_type(ht_json_find(root, "sources[0].connection")), HT_JSON_NULL);
    ht_json_destroy(root);

    parts.source.connection = (struct ht_source_connection){.link = HT_SOURCE_LINK_WAITING,
                                                            .since_s = 1001,
                                                            .next_try_s = 1060,
                                                            .behind_ms = 2500,
                                                            .undelivered = -1,
                                                            .rate_limit = 50,
                                                            .rate_remaining = 0,
                                                            .rate_reset_s = 1900};
    parts.source.connection.ends[HT_SOURCE_END_RATE_LIMITED] = 3;
    root = get_status(&parts);
    assert_text(root, "sources[0].connection.state", "waiting");
    assert_int_equal(ht_json_i64(ht_json_find(root, "sources[0].connection.next_try_at")), 1060);
    assert_int_equal(ht_json_type(ht_json_find(root, "sources[0].connection.last_message_at")),
                     HT_JSON_NULL);
    assert_int_equal(ht_json_type(ht_json_find(root, "sources[0].connection.undelivered")),
                     HT_JSON_NULL);
    assert_int_equal(ht_json_i64(ht_json_find(root, "sources[0].connection.rate_limit.remaining")),
                     0);
    const struct ht_json *ends = ht_json_find(root, "sources[0].connection.reconnects");
    assert_int_equal(ht_json_count(ends), 1);
    assert_int_equal(ht_json_i64(ht_json_member(ends, "rate_limited")), 3);
    ht_json_destroy(root);
    struct fake_answer answer = fake_parts_get(&parts, "metrics", 200);
    fake_assert_has(answer.body, "hashtagd_source_reconnects_total{source=\"fake\",reason="
                                 "\"rate_limited\"} 3");
    fake_assert_has(answer.body,
                    "hashtagd_source_connection_state{source=\"fake\",state=\"waiting\"} 1");
    fake_assert_has(answer.body, "hashtagd_source_behind_seconds{source=\"fake\"} 2.5");
    assert_null(strstr(answer.body, "hashtagd_source_undelivered{"));
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_several_sources_are_told_one_by_one(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct ht_source one, two;
    struct ht_source *const list[] = {&one, &two};
    ht_source_init(&one, parts.source.ops, "first", parts.source.health.clock);
    ht_source_init(&two, parts.source.ops, "second", parts.source.health.clock);
    parts.source.parts = list;
    parts.source.part_count = 2;
    two.messages.total = 7;
    ht_health_set(&two.health, HT_HEALTH_WAITING, "gone");
    struct ht_json *root = get_status(&parts);
    assert_text(root, "sources[0].name", "first");
    assert_text(root, "sources[0].state", "starting");
    assert_text(root, "sources[1].text", "gone");
    assert_int_equal(ht_json_i64(ht_json_find(root, "sources[1].total")), 7);
    ht_json_destroy(root);
    struct fake_answer answer = fake_parts_get(&parts, "metrics", 200);
    fake_assert_has(answer.body,
                    "hashtagd_source_delivered_total{source=\"second\",type=\"none\"} 7");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_the_log_tells_why_a_part_does_not_work(void **state)
{
    (void)state;
    int ends[2];
    char text[2048];
    struct ht_clock clock;
    ht_clock_init_system(&clock);
    assert_int_equal(pipe(ends), 0);
    struct ht_log log = {.clock = &clock, .fd = ends[1], .level = HT_LOG_WARNING};
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.log = &log});
    struct ht_error error;
    ht_error_set(&error, HT_ENOTFOUND, "The table is not there.");
    ht_health_fail(&parts.table.health, HT_HEALTH_FAILED, &error);
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    assert_true(length > 0);
    text[length] = '\0';
    fake_assert_has(text, "table");
    fake_assert_has(text, "failed");
    fake_assert_has(text, "The table is not there.");
    fake_parts_finish(&parts);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The lines are read in the order in which they must come: one too many would show. */
static void assert_line(int fd, const char *level, const char *state, const char *why)
{
    char line[512] = "";
    assert_true(read(fd, line, sizeof(line) - 1) > 0);
    fake_assert_has(line, level);
    fake_assert_has(line, state);
    fake_assert_has(line, why);
    fake_assert_has(line, "table");
}

static void test_the_log_tells_why_a_part_waits_and_when_it_is_over(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ht_clock clock;
    ht_clock_init_system(&clock);
    struct ht_log log = {
        .clock = &clock, .fd = ends[1], .level = HT_LOG_INFO, .format = HT_LOG_FORMAT_LOGFMT};
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.log = &log});
    ht_health_set(&parts.table.health, HT_HEALTH_IDLE, "%s", "");
    ht_health_set(&parts.table.health, HT_HEALTH_WAITING, "The disk is full.");
    assert_line(ends[0], "level=warning", "state=waiting", "text=\"The disk is full.\"");
    ht_health_succeed(&parts.table.health);
    assert_line(ends[0], "level=info", "state=working", "");
    ht_health_set(&parts.table.health, HT_HEALTH_IDLE, "%s", "");
    ht_health_set(&parts.table.health, HT_HEALTH_FAILED, "Not permitted.");
    assert_line(ends[0], "level=error", "state=failed", "text=\"Not permitted.\"");
    fake_parts_finish(&parts);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_the_stage_behind_the_archive(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    ht_health_set(&parts.archiver.health, HT_HEALTH_FAILED, "Not permitted.");
    struct fake_answer answer = fake_parts_get(&parts, "readyz", 503);
    fake_assert_has(answer.body, "archive is failed: Not permitted.");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_dead_letters_that_cannot_be_written(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct fake_answer answer = fake_parts_get(&parts, "readyz", 200);
    fake_answer_finish(&answer);
    ht_health_set(&parts.dead_letters.health, HT_HEALTH_WAITING, "The disk is full.");
    answer = fake_parts_get(&parts, "readyz", 503);
    fake_assert_has(answer.body, "dead_letters is waiting: The disk is full.");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_where_nothing_is_archived(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.archives_nothing = true});
    struct ht_json *root = get_status(&parts);
    assert_text(root, "parts[5].state", "off");
    assert_text(root, "parts[6].state", "off");
    assert_text(root, "parts[6].type", "none");
    assert_true(ht_json_bool(ht_json_find(root, "ready")));
    ht_json_destroy(root);
    struct fake_answer answer = fake_parts_get(&parts, "metrics", 200);
    fake_assert_has(answer.body, "hashtagd_part_state{part=\"archive\",state=\"off\"} 1\n");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_several_that_wait(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    ht_health_set(&parts.table.health, HT_HEALTH_STARTING, "%s", "");
    ht_health_set(&parts.archiver.health, HT_HEALTH_WAITING, "No connection");
    struct fake_answer answer = fake_parts_get(&parts, "readyz", 503);
    fake_assert_has(answer.body,
                    "\"detail\":\"table is starting. archive is waiting: No connection.\"");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_stopping(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    ht_admin_set_stopping(parts.admin);
    struct ht_json *root = get_status(&parts);
    assert_true(ht_json_bool(ht_json_find(root, "stopping")));
    assert_false(ht_json_bool(ht_json_find(root, "ready")));
    ht_json_destroy(root);
    struct fake_answer answer = fake_parts_get(&parts, "readyz", 503);
    fake_assert_has(answer.body, "The daemon is stopping.");
    fake_answer_finish(&answer);
    answer = fake_parts_get(&parts, "healthz", 200);
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole),
        cmocka_unit_test(test_a_part_that_waits),
        cmocka_unit_test(test_a_live_source_tells_of_its_connection),
        cmocka_unit_test(test_several_sources_are_told_one_by_one),
        cmocka_unit_test(test_the_log_tells_why_a_part_does_not_work),
        cmocka_unit_test(test_the_stage_behind_the_archive),
        cmocka_unit_test(test_dead_letters_that_cannot_be_written),
        cmocka_unit_test(test_where_nothing_is_archived),
        cmocka_unit_test(test_the_log_tells_why_a_part_waits_and_when_it_is_over),
        cmocka_unit_test(test_several_that_wait),
        cmocka_unit_test(test_stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
