// SPDX-License-Identifier: MIT
#include "jetstream_intake.h"

#include "fake_sink.h"

#include "../../support/shared.h"

#include "hashtagd/tweet/tweet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TAGS_MAX = 4096, TEXT_BYTES = 4096 };

static struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct fake_sink sink;
    struct ht_live live;
    struct ht_jetstream_intake intake;
    bool is_stopped;
} world;

/* What a reading of events says: in the order of the events, the tags of each sorted, each once. */
struct reading {
    unsigned posts, deletes, accounts;
    char *tags[TAGS_MAX];
    size_t tag_count;
};

static void on_connect(struct ht_live *live)
{
    ht_live_connected(live);
}

static void on_close(struct ht_live *live)
{
    (void)live;
}

static size_t no_cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    (void)live;
    (void)text;
    return 0;
}

static void on_destroy(struct ht_live *live)
{
    ht_live_finish(live);
}

static void on_stopped(void *user)
{
    *(bool *)user = true;
}

static int make_world(void **state)
{
    static const struct ht_live_ops ops = {
        .service = "Jetstream",
        .connect = on_connect,
        .close = on_close,
        .pause = on_close,
        .resume = on_close,
        .cursor = no_cursor,
        .destroy = on_destroy,
    };
    struct ht_live_options options = {.type = "jetstream",
                                      .clock = &world.clock.clock,
                                      .timers = &world.timers,
                                      .random = &world.random,
                                      .stall_timeout_ms = 1000};
    (void)state;
    ht_manual_clock_init(&world.clock, 1000000, 1783175888000);
    ht_timer_queue_init(&world.timers, &world.clock.clock);
    ht_random_init(&world.random, 3);
    fake_sink_init(&world.sink);
    ht_live_init(&world.live, &ops, &options);
    assert_int_equal(ht_jetstream_intake_init(&world.intake, &world.live, &world.random), 0);
    world.live.source.ops->start(&world.live.source, &world.sink.sink, HT_SLICE(""));
    ht_timer_queue_run(&world.timers);
    assert_int_equal(world.live.source.connection.link, HT_SOURCE_LINK_CONNECTED);
    return 0;
}

static int finish_world(void **state)
{
    (void)state;
    world.live.source.ops->stop(&world.live.source, on_stopped, &world.is_stopped);
    ht_live_ended(&world.live, &(struct ht_live_end){.end = HT_SOURCE_END_ENDED});
    ht_timer_queue_run(&world.timers);
    assert_true(world.is_stopped);
    ht_jetstream_intake_finish(&world.intake);
    ht_jetstream_intake_finish(&world.intake);
    ht_jetstream_intake_finish(NULL);
    world.live.source.ops->destroy(&world.live.source);
    fake_sink_finish(&world.sink);
    ht_timer_queue_finish(&world.timers);
    return 0;
}

static void take(struct ht_slice text)
{
    assert_int_equal(ht_jetstream_intake_take(&world.intake, HT_WEBSOCKET_TEXT, text), 0);
}

static void add_tag(struct reading *reading, struct ht_slice tag)
{
    assert_true(reading->tag_count < TAGS_MAX);
    reading->tags[reading->tag_count] = ht_slice_to_text(tag);
    assert_non_null(reading->tags[reading->tag_count++]);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the tags of one post, and leaves each once: both its lists attach the same tag to it. */
static void settle_from(struct reading *reading, size_t first)
{
    size_t kept = first;
    qsort(reading->tags + first, reading->tag_count - first, sizeof(reading->tags[0]),
          compare_texts);
    for (size_t i = first; i < reading->tag_count; i++) {
        if (kept > first && strcmp(reading->tags[kept - 1], reading->tags[i]) == 0) {
            free(reading->tags[i]);
        } else {
            reading->tags[kept++] = reading->tags[i];
        }
    }
    reading->tag_count = kept;
}

/* The rules as the documentation of the service says them, with a general parser. */
static void read_record(struct reading *reading, const struct ht_json *record)
{
    size_t first = reading->tag_count;
    const struct ht_json *facets = ht_json_member(record, "facets");
    const struct ht_json *tags = ht_json_member(record, "tags");
    for (size_t i = 0; i < ht_json_count(facets); i++) {
        const struct ht_json *features = ht_json_member(ht_json_element(facets, i), "features");
        for (size_t k = 0; k < ht_json_count(features); k++) {
            const struct ht_json *feature = ht_json_element(features, k);
            struct ht_slice tag = ht_json_text(ht_json_member(feature, "tag"));
            if (ht_slice_equal(ht_json_text(ht_json_member(feature, "$type")),
                               HT_SLICE("app.bsky.richtext.facet#tag")) &&
                tag.length > 0) {
                add_tag(reading, tag);
            }
        }
    }
    for (size_t i = 0; i < ht_json_count(tags); i++) {
        struct ht_slice tag = ht_json_text(ht_json_element(tags, i));
        if (tag.length > 0) {
            add_tag(reading, tag);
        }
    }
    settle_from(reading, first);
}

static void read_independently(struct reading *reading, struct ht_slice text)
{
    struct ht_json *root = ht_json_parse(text, 0, NULL, NULL);
    assert_non_null(root);
    const struct ht_json *commit = ht_json_member(root, "commit");
    struct ht_slice kind = ht_json_text(ht_json_member(root, "kind"));
    struct ht_slice operation = ht_json_text(ht_json_member(commit, "operation"));
    if (ht_slice_equal(kind, HT_SLICE("account"))) {
        reading->accounts += !ht_json_bool(ht_json_find(root, "account.active"));
    } else if (ht_slice_equal(ht_json_text(ht_json_member(commit, "collection")),
                              HT_SLICE("app.bsky.feed.post"))) {
        bool is_delete = ht_slice_equal(operation, HT_SLICE("delete"));
        reading->deletes += is_delete;
        reading->posts += !is_delete;
        read_record(reading, ht_json_member(commit, "record"));
    }
    ht_json_destroy(root);
}

/* What comes out of the source, as the stages behind it read it. */
static void read_sink(struct reading *reading)
{
    struct ht_tweet_reader reader;
    struct ht_tweet tweet;
    const struct ht_hash_key key = {1, 2};
    ht_tweet_reader_init(&reader, &key);
    const char *at = world.sink.bytes.data;
    for (size_t i = 0; i < world.sink.count; i++) {
        const char *line_end = strchr(at, '\n');
        size_t first = reading->tag_count;
        assert_non_null(line_end);
        assert_int_equal(
            ht_tweet_read(&reader, ht_slice_make(at, (size_t)(line_end - at)), NULL, &tweet, NULL),
            0);
        reading->posts += tweet.kind == HT_TWEET_KIND_TWEET;
        reading->deletes += tweet.kind == HT_TWEET_KIND_DELETE;
        reading->accounts += tweet.kind == HT_TWEET_KIND_ACCOUNT;
        for (size_t k = 0; k < tweet.hashtag_count; k++) {
            add_tag(reading, tweet.hashtags[k]);
        }
        settle_from(reading, first);
        at = line_end + 1;
    }
    ht_tweet_reader_finish(&reader);
}

static void compare_readings(const struct reading *found, const struct reading *expected)
{
    assert_int_equal(found->posts, expected->posts);
    assert_int_equal(found->deletes, expected->deletes);
    assert_int_equal(found->accounts, expected->accounts);
    assert_int_equal(found->tag_count, expected->tag_count);
    for (size_t i = 0; i < found->tag_count; i++) {
        assert_string_equal(found->tags[i], expected->tags[i]);
    }
    assert_int_equal(world.sink.count, found->posts + found->deletes + found->accounts);
}

static void forget(struct reading *reading)
{
    for (size_t i = 0; i < reading->tag_count; i++) {
        free(reading->tags[i]);
    }
}

#define HEAD(operation, key)                                                                       \
    "{\"did\":\"did:plc:a\",\"time_us\":1783175888000000,\"kind\":\"commit\",\"commit\":{\"rev\":" \
    "\"3m\",\"operation\":\"" operation "\",\"collection\":\"app.bsky.feed.post\",\"rkey\":"       \
    "\"" key "\""
#define TAG(text)                                                                                  \
    "{\"index\":{\"byteStart\":\"0\"},\"features\":[{\"$type\":\"app.bsky.richtext.facet#tag\","   \
    "\"tag\":\"" text "\"}]}"

static void test_made_up_events_through_both_readings(void **state)
{
    (void)state;
    static struct reading found, expected;
    static const char *const events[] = {
        HEAD("create", "1") ",\"record\":{\"facets\":[" TAG("one") "," TAG("Two") "]}}}",
        HEAD("create",
             "2") ",\"record\":{\"facets\":[" TAG("one") "],\"tags\":[\"one\",\"tre\"]}}}",
        HEAD("update", "2") ",\"record\":{\"tags\":[\"\\u00e9t\\u00e9\"]}}}",
        HEAD("delete", "2") "}}",
        HEAD("create", "3") ",\"record\":{\"text\":\"#none\"}}}",
        "{\"did\":\"did:plc:a\",\"kind\":\"account\",\"account\":{\"active\":false},\"time_us\":1}",
        "{\"did\":\"did:plc:a\",\"time_us\":1,\"kind\":\"account\",\"account\":{\"active\":true}}",
    };
    memset(&found, 0, sizeof(found));
    memset(&expected, 0, sizeof(expected));
    for (size_t i = 0; i < HT_COUNT_OF(events); i++) {
        take(ht_slice_text(events[i]));
        read_independently(&expected, ht_slice_text(events[i]));
    }
    ht_jetstream_intake_flush(&world.intake);
    read_sink(&found);
    assert_int_equal(found.posts, 4);
    assert_int_equal(found.tag_count, 5);
    compare_readings(&found, &expected);
    forget(&found);
    forget(&expected);
}

static void test_captures_through_both_readings(void **state)
{
    (void)state;
    static struct reading found, expected;
    struct shared_lines lines;
    struct ht_slice line;
    memset(&found, 0, sizeof(found));
    memset(&expected, 0, sizeof(expected));
    if (!shared_open_pattern(&lines, "bluesky/*.jsonl")) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    while (shared_next(&lines, &line)) {
        while (line.length > 0 && *line.data == '\n') { /* of the line before */
            line = ht_slice_make(line.data + 1, line.length - 1);
        }
        take(line);
        read_independently(&expected, line);
    }
    ht_jetstream_intake_flush(&world.intake);
    read_sink(&found);
    compare_readings(&found, &expected);
    assert_int_equal(found.posts, 18);
    assert_int_equal(found.deletes, 1);
    assert_true(found.tag_count > 0);
    shared_close(&lines);
    forget(&found);
    forget(&expected);
}

/* Writes a post with a number of its own. */
static struct ht_slice numbered(char text[TEXT_BYTES], unsigned number)
{
    int length = snprintf(text, TEXT_BYTES, HEAD("create", "%u") "}}", number);
    return ht_slice_make(text, (size_t)length);
}

/* Six seconds of a flood come again, and all of it is known. */
static void test_the_window_holds_a_flood(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < HT_JETSTREAM_RECENT_COUNT / 6; i++) {
            take(numbered(text, i));
        }
        ht_jetstream_intake_flush(&world.intake);
    }
    assert_int_equal(world.sink.count, HT_JETSTREAM_RECENT_COUNT / 6);
    assert_int_equal(world.live.source.connection.repeats, HT_JETSTREAM_RECENT_COUNT / 6);
    assert_true(HT_JETSTREAM_RECENT_COUNT >= 5 * 100000);
}

/* What is collected is handed over before its room is used again, however much a read brings. */
static void test_many_events_in_one_read(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct ht_buffer expected;
    ht_buffer_init(&expected, 64u << 20);
    for (unsigned i = 0; i < 40000; i++) {
        struct ht_slice post = numbered(text, i);
        take(post);
        ht_buffer_append_slice(&expected, post);
        ht_buffer_append_byte(&expected, '\n');
    }
    assert_true(world.sink.count > 0);
    ht_jetstream_intake_flush(&world.intake);
    assert_int_equal(world.sink.count, 40000);
    assert_true(ht_slice_equal(ht_buffer_slice(&world.sink.bytes), ht_buffer_slice(&expected)));
    ht_buffer_finish(&expected);
}

static void test_the_time_moves_with_every_event(void **state)
{
    (void)state;
    take(HT_SLICE("{\"time_us\":1783175888000002,\"kind\":\"identity\"}"));
    assert_int_equal(world.intake.time_us, 1783175888000002);
    take(HT_SLICE("{\"time_us\":1783175888000001,\"kind\":\"identity\"}"));
    assert_int_equal(world.intake.time_us, 1783175888000002);
    take(HT_SLICE("{\"time_us\":1783175889000001,\"kind\":\"commit\""));
    assert_int_equal(world.intake.time_us, 1783175888000002);
    assert_int_equal(world.live.source.connection.behind_ms, -1);
    world.clock.now_wall_ms = 1783175890000;
    take(HT_SLICE(HEAD("create", "1") "}}"));
    assert_int_equal(world.live.source.connection.behind_ms, 2000);
    assert_int_equal(world.intake.time_us, 1783175888000002);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, finish_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_made_up_events_through_both_readings),
        WORLD_TEST(test_captures_through_both_readings),
        WORLD_TEST(test_the_window_holds_a_flood),
        WORLD_TEST(test_many_events_in_one_read),
        WORLD_TEST(test_the_time_moves_with_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
