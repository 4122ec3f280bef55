// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One client and all that it heard. */
struct listener {
    struct ht_http_transfer *transfer;
    struct ht_buffer heard;
    int status;
    bool is_done;
};

static void on_data(void *user, int status, struct ht_slice data)
{
    struct listener *listener = user;
    listener->status = status;
    assert_int_equal(ht_buffer_append_slice(&listener->heard, data), 0);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct listener *listener = user;
    listener->is_done = true;
    listener->status = result->status;
}

static void listen_to(struct fake_parts *parts, struct listener *listener, const char *query)
{
    memset(listener, 0, sizeof(*listener));
    ht_buffer_init(&listener->heard, 1 << 24);
    char url[256];
    (void)snprintf(url, sizeof(url), "%sevents%s", ht_admin_url(parts->admin), query);
    struct ht_http_transfer_options options = {
        .url = url, .on_data = on_data, .on_done = on_done, .user = listener};
    assert_int_equal(ht_http_transfer_start(parts->client, &options, &listener->transfer, NULL), 0);
}

static const char *heard(const struct listener *listener)
{
    return ht_buffer_slice(&listener->heard).data;
}

/* Runs until the listener heard `text`, at most five seconds. */
static void wait_for(struct fake_parts *parts, const struct listener *listener, const char *text)
{
    for (int i = 0; i < 500 && strstr(heard(listener), text) == NULL; i++) {
        fake_parts_run(parts, 10);
    }
    fake_assert_has(heard(listener), text);
}

static void stop(struct fake_parts *parts, struct listener *listener)
{
    if (!listener->is_done) {
        ht_http_transfer_cancel(listener->transfer);
        while (!listener->is_done) {
            fake_parts_run(parts, 5);
        }
    }
    ht_buffer_finish(&listener->heard);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}

static void test_what_comes_first(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    fake_parts_add(&parts, "foo", 2);
    struct listener listener;
    listen_to(&parts, &listener, "?window=1h&limit=5");
    wait_for(&parts, &listener, "event: status\ndata: {\"version\":\"1.2.3\"");
    assert_int_equal(listener.status, 200);
    fake_assert_has(heard(&listener), "event: top\ndata: {\"window\":\"1h\",\"total\":2,");
    fake_assert_has(heard(&listener), "\"series\":[0,");
    fake_assert_has(heard(&listener), "retry: 1000");
    wait_for(&parts, &listener, "event: rates\ndata: {\"at\":");
    fake_assert_has(heard(&listener), "\"lag_seconds\":1.5,\"lag_records\":7}");
    stop(&parts, &listener);
    fake_parts_finish(&parts);
}

static void test_top_comes_when_it_changed(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct listener small, large;
    listen_to(&parts, &small, "?limit=1");
    listen_to(&parts, &large, "?limit=2");
    wait_for(&parts, &small, "event: rates");
    wait_for(&parts, &large, "event: rates");
    assert_int_equal(count_of(heard(&small), "event: top"), 1);
    fake_parts_add(&parts, "foo", 2);
    fake_parts_add(&parts, "bar", 1);
    wait_for(&parts, &small, "\"hashtag\":\"foo\"");
    wait_for(&parts, &large, "\"hashtag\":\"bar\"");
    assert_null(strstr(heard(&small), "\"hashtag\":\"bar\""));
    assert_int_equal(count_of(heard(&small), "event: top"), 2);
    stop(&parts, &small);
    stop(&parts, &large);
    fake_parts_finish(&parts);
}

static void test_a_change_of_state_is_told_soon(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct listener listener;
    listen_to(&parts, &listener, "");
    wait_for(&parts, &listener, "event: status");
    ht_health_set(&parts.table.health, HT_HEALTH_WAITING, "No room.");
    ht_health_set(&parts.table.health, HT_HEALTH_WAITING, "No room at all.");
    wait_for(&parts, &listener, "\"state\":\"waiting\",\"text\":\"No room at all.\"");
    assert_int_equal(count_of(heard(&listener), "event: status"), 2);
    stop(&parts, &listener);
    fake_parts_finish(&parts);
}

static void test_deletions_are_told(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct listener listener;
    listen_to(&parts, &listener, "");
    wait_for(&parts, &listener, "event: status");
    struct ht_archiver_record record = {
        .event_id = HT_SLICE("e"), .hashtag = HT_SLICE("a\nb"), .object = HT_SLICE("")};
    parts.archiver.on_record(parts.archiver.user, &record);
    wait_for(&parts, &listener, "event: deleted\ndata: {\"event_id\":\"e\",\"hashtag\":\"a\\nb\",");
    stop(&parts, &listener);
    parts.archiver.on_record(parts.archiver.user, &record); /* nobody listens */
    fake_parts_finish(&parts);
}

/* As when a thousand hashtags expire at once: none is lost, and they are not a write each. */
static void test_many_deletions_go_out_together(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct listener listener;
    listen_to(&parts, &listener, "");
    wait_for(&parts, &listener, "event: status");
    struct ht_archiver_record record = {.event_id = HT_SLICE("e"), .object = HT_SLICE("")};
    size_t before = strlen(heard(&listener));
    for (int i = 0; i < 1000; i++) {
        record.hashtag = i < 999 ? HT_SLICE("many") : HT_SLICE("last");
        parts.archiver.on_record(parts.archiver.user, &record);
    }
    assert_int_equal(strlen(heard(&listener)), before);
    wait_for(&parts, &listener, "\"hashtag\":\"last\"");
    assert_int_equal(count_of(heard(&listener), "event: deleted\n"), 1000);
    stop(&parts, &listener);
    fake_parts_finish(&parts);
}

static void test_closing_ends_the_streams(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct listener listener;
    listen_to(&parts, &listener, "");
    wait_for(&parts, &listener, "event: status");
    ht_admin_close(parts.admin, 1000, NULL, NULL);
    parts.admin = NULL;
    for (int i = 0; i < 300 && !listener.is_done; i++) {
        fake_parts_run(&parts, 10);
    }
    assert_true(listener.is_done);
    assert_null(parts.archiver.on_record);
    assert_null(parts.table.health.on_change);
    stop(&parts, &listener);
    fake_parts_finish(&parts);
}

static void test_too_many_clients(void **state)
{
    (void)state;
    enum { LIMIT = 200 };
    static struct listener listeners[LIMIT + 1];
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    for (size_t i = 0; i < LIMIT; i++) {
        listen_to(&parts, &listeners[i], "");
    }
    for (size_t i = 0; i < LIMIT; i++) {
        wait_for(&parts, &listeners[i], "event: status");
    }
    listen_to(&parts, &listeners[LIMIT], "");
    while (!listeners[LIMIT].is_done) {
        fake_parts_run(&parts, 10);
    }
    assert_int_equal(listeners[LIMIT].status, 503);
    for (size_t i = 0; i <= LIMIT; i++) {
        stop(&parts, &listeners[i]);
    }
    struct listener next;
    fake_parts_run(&parts, 100);
    listen_to(&parts, &next, "");
    wait_for(&parts, &next, "event: status");
    stop(&parts, &next);
    fake_parts_finish(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_first),
        cmocka_unit_test(test_top_comes_when_it_changed),
        cmocka_unit_test(test_a_change_of_state_is_told_soon),
        cmocka_unit_test(test_deletions_are_told),
        cmocka_unit_test(test_many_deletions_go_out_together),
        cmocka_unit_test(test_closing_ends_the_streams),
        cmocka_unit_test(test_too_many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
