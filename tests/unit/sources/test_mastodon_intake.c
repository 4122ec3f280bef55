// SPDX-License-Identifier: MIT
#include "mastodon_world.h"

#include "hashtagd/json/json.h"
#include "hashtagd/tweet/tweet.h"

#include "../../support/shared.h"

static void test_events(void **state)
{
    (void)state;
    struct live_world world = {0};
    begin(&world, "[]");
    live_world_send(&world, event("update", status(ID(1), "one", NULL)));
    live_world_send(&world, HT_SLICE(":thump\n\n"));
    live_world_send(&world, event("notification", "{\"id\":\"5\"}"));
    live_world_send(&world, event("filters_changed", "undefined"));
    live_world_send(&world, event("unheard_of", "7"));
    live_world_send(&world, event("update", "undefined"));
    live_world_send(&world, event("update", "[1]"));
    live_world_send(&world, event("delete", "a b"));
    live_world_send(&world, event("update", status(ID(1), "one", NULL))); /* a repeat */
    live_world_send(&world, event("status.update", status(ID(1), "two", "2026-08-02T06:00:00Z")));
    live_world_send(&world, event("status.update", status(ID(1), "six", NULL)));
    live_world_send(&world, event("delete", "117024236332527350"));
    live_world_send(&world, event("update", "{\"uri\":\"https://a.example/none\"}"));
    send_and_await(&world, 3, 6);
    assert_message(&world, 0, status(ID(1), "one", NULL));
    assert_message(&world, 1, status(ID(1), "two", "2026-08-02T06:00:00Z"));
    assert_message(&world, 2, status(ID(1), "six", NULL));
    assert_message(&world, 3, "{\"event\":\"delete\",\"payload\":\"117024236332527350\"}");
    assert_message(&world, 4, "{\"uri\":\"https://a.example/none\"}");
    assert_int_equal(world.sink.refused, 3);
    assert_string_equal(world.sink.reasons.data, "9 not_json\n3 wrong_type\n3 no_id\n");
    assert_int_equal(world.source->connection.skipped, 3);
    assert_int_equal(world.source->connection.repeats, 1);
    assert_true(world.source->connection.behind_ms > 0);
    assert_cursor_has(&world, ID(3));
    live_world_finish(&world);
}

/* No server is bound to write times as others do: a longer one tells versions apart as well. */
static void test_a_long_time_of_editing_is_one_version(void **state)
{
    (void)state;
    static const char edited[] =
        "2026-08-02T06:00:00.00000000000000000000000000000000000000000000000000Z";
    struct live_world world = {0};
    begin(&world, "[]");
    live_world_send(&world, event("update", status(ID(1), "one", NULL)));
    live_world_send(&world, event("update", status(ID(1), "two", edited)));
    live_world_send(&world, event("update", status(ID(1), "two", edited)));
    send_and_await(&world, 2, 3);
    assert_message(&world, 1, status(ID(1), "two", edited));
    assert_int_equal(world.source->connection.repeats, 1);
    live_world_finish(&world);
}

/* -- what real servers sent, compared with another reading: lines cut by hand, jansson's tree -- */

/* "tweet <identity> edit=0 #a #b", a line for each message. */
struct reading {
    struct ht_buffer text;
    struct ht_buffer versions; /* of the statuses so far, a line each */
    size_t count;
};

static void tell_message(struct reading *reading, struct ht_tweet_reader *reader,
                         struct ht_slice message)
{
    struct ht_tweet tweet;
    struct ht_error error;
    assert_int_equal(ht_tweet_read(reader, message, NULL, &tweet, &error), 0);
    ht_buffer_append_format(&reading->text, "%s %.*s edit=%d", ht_tweet_kind_name(tweet.kind),
                            (int)tweet.id.length, tweet.id.data, tweet.is_edit);
    for (size_t i = 0; i < tweet.hashtag_count; i++) {
        ht_buffer_append_format(&reading->text, " #%.*s", (int)tweet.hashtags[i].length,
                                tweet.hashtags[i].data);
    }
    ht_buffer_append_byte(&reading->text, '\n');
    reading->count++;
}

static const struct ht_json *identity_of(const struct ht_json *status)
{
    static const char *const keys[] = {"uri", "url", "id"};
    for (size_t i = 0; i < HT_COUNT_OF(keys); i++) {
        const struct ht_json *value = ht_json_member(status, keys[i]);
        if (value != NULL && ht_json_text(value).length > 0) {
            return value;
        }
    }
    return NULL;
}

/* Whether this version of the status came before, as an independent reader remembers it. */
static bool is_repeat(struct reading *reading, const struct ht_json *status)
{
    struct ht_slice id = ht_json_text(ht_json_member(status, "id"));
    struct ht_slice edited = ht_json_text(ht_json_member(status, "edited_at"));
    char version[256];
    snprintf(version, sizeof(version), "|%.*s %.*s|", (int)id.length, id.data, (int)edited.length,
             edited.data);
    if (reading->versions.length > 0 && strstr(reading->versions.data, version) != NULL) {
        return true;
    }
    ht_buffer_append_text(&reading->versions, version);
    return false;
}

static void tell_status(struct reading *reading, const struct ht_json *status)
{
    const struct ht_json *inner = ht_json_member(status, "reblog");
    const struct ht_json *edited = ht_json_member(status, "edited_at");
    struct ht_slice id = ht_json_text(identity_of(status));
    inner = inner == NULL || ht_json_type(inner) != HT_JSON_OBJECT ? status : inner;
    ht_buffer_append_format(&reading->text, "tweet %.*s edit=%d", (int)id.length, id.data,
                            edited != NULL && ht_json_type(edited) != HT_JSON_NULL);
    const struct ht_json *tags = ht_json_member(inner, "tags");
    for (size_t i = 0; i < ht_json_count(tags); i++) {
        struct ht_slice tag = ht_json_text(ht_json_member(ht_json_element(tags, i), "name"));
        ht_buffer_append_format(&reading->text, " #%.*s", (int)tag.length, tag.data);
    }
    ht_buffer_append_byte(&reading->text, '\n');
    reading->count++;
}

static void tell_event(struct reading *reading, struct ht_slice name, struct ht_slice data)
{
    bool is_update = ht_slice_equal(name, HT_SLICE("update"));
    bool is_edit = ht_slice_equal(name, HT_SLICE("status.update"));
    if (ht_slice_equal(name, HT_SLICE("delete"))) {
        ht_buffer_append_format(&reading->text, "delete %.*s edit=0\n", (int)data.length,
                                data.data);
        reading->count++;
    } else if (is_update || is_edit) {
        struct ht_json *status = ht_json_parse(data, 0, NULL, NULL);
        assert_non_null(status);
        if (!is_repeat(reading, status) || is_edit) {
            tell_status(reading, status);
        }
        ht_json_destroy(status);
    }
}

/* The captures have one data line an event, and '\n' at the ends of lines. */
static void read_otherwise(struct reading *reading, struct ht_slice body)
{
    struct ht_slice name = HT_SLICE(""), rest = body;
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        struct ht_slice line = ht_slice_make(rest.data, length);
        size_t used = end == NULL ? length : length + 1;
        rest = ht_slice_make(rest.data + used, rest.length - used);
        if (ht_slice_starts_with(line, HT_SLICE("event: "))) {
            name = ht_slice_make(line.data + 7, line.length - 7);
        } else if (ht_slice_starts_with(line, HT_SLICE("data: ")) && rest.length > 0) {
            tell_event(reading, name, ht_slice_make(line.data + 6, line.length - 6));
        }
    }
}

/* What the sink got, without the mark at the end. */
static void read_sink(struct reading *reading, const struct live_world *world)
{
    static const struct ht_hash_key key = {1, 2};
    struct ht_tweet_reader reader;
    const char *line = world->sink.bytes.data;
    ht_tweet_reader_init(&reader, &key);
    for (size_t i = 0; i + 1 < world->sink.count; i++) {
        const char *end = strchr(line, '\n');
        tell_message(reading, &reader, ht_slice_make(line, (size_t)(end - line)));
        line = end + 1;
    }
    ht_tweet_reader_finish(&reader);
}

static void compare(struct ht_slice body)
{
    struct reading expected = {.count = 0}, found = {.count = 0};
    struct reading *const readings[] = {&expected, &found};
    struct live_world world = {0};
    for (size_t i = 0; i < HT_COUNT_OF(readings); i++) {
        ht_buffer_init(&readings[i]->text, 1u << 20);
        ht_buffer_init(&readings[i]->versions, 1u << 20);
        ht_buffer_append_text(&readings[i]->text, "\n");
    }
    read_otherwise(&expected, body);
    begin(&world, "[]");
    live_world_send(&world, body);
    live_world_send(&world, HT_SLICE("\n\n"));
    send_and_await(&world, 1, expected.count + 1);
    read_sink(&found, &world);
    assert_string_equal(found.text.data, expected.text.data);
    assert_int_equal(world.sink.refused, 0);
    live_world_finish(&world);
    for (size_t i = 0; i < HT_COUNT_OF(readings); i++) {
        ht_buffer_finish(&readings[i]->text);
        ht_buffer_finish(&readings[i]->versions);
    }
}

static void test_captures(void **state)
{
    (void)state;
    struct shared_lines files;
    if (!shared_open_pattern(&files, "mastodon/*.sse")) {
        print_message("SKIPPED: no captures of Mastodon, see HT_SHARED\n");
        shared_close(&files);
        skip();
    }
    while (shared_load(&files)) {
        compare(ht_buffer_slice(&files.text));
    }
    shared_close(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_a_long_time_of_editing_is_one_version),
        cmocka_unit_test(test_captures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
