// SPDX-License-Identifier: MIT
/*
 * The bodies that real servers sent, through the reader of events and the reader of posts,
 * compared with another reading: lines cut by hand, jansson's tree.
 */
#include "event_reader.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/tweet/tweet.h"

#include "../../support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What is told of each event, a line each: "update <identity> edit=0 #a #b". */
struct told {
    struct ht_buffer text;
    struct ht_tweet_reader reader;
    size_t statuses;
};

static void tell_post(struct told *told, struct ht_slice name, struct ht_slice json)
{
    struct ht_tweet tweet;
    struct ht_error error;
    assert_int_equal(ht_tweet_read(&told->reader, json, NULL, &tweet, &error), 0);
    ht_buffer_append_format(&told->text, "%.*s %s %.*s edit=%d", (int)name.length, name.data,
                            ht_tweet_kind_name(tweet.kind), (int)tweet.id.length, tweet.id.data,
                            tweet.is_edit);
    for (size_t i = 0; i < tweet.hashtag_count; i++) {
        ht_buffer_append_format(&told->text, " #%.*s", (int)tweet.hashtags[i].length,
                                tweet.hashtags[i].data);
    }
    ht_buffer_append_byte(&told->text, '\n');
    told->statuses++;
}

static void on_event(void *user, struct ht_slice name, struct ht_slice data)
{
    struct told *told = user;
    char envelope[128];
    if (ht_slice_equal(name, HT_SLICE("update")) ||
        ht_slice_equal(name, HT_SLICE("status.update"))) {
        tell_post(told, name, data);
    } else if (ht_slice_equal(name, HT_SLICE("delete"))) {
        snprintf(envelope, sizeof(envelope), "{\"event\":\"delete\",\"payload\":\"%.*s\"}",
                 (int)data.length, data.data);
        tell_post(told, name, ht_slice_text(envelope));
    } else {
        ht_buffer_append_format(&told->text, "%.*s\n", (int)name.length, name.data);
    }
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    (void)user;
    (void)bytes;
    fail_msg("%s", reason);
}

static void read_as_source(struct told *told, struct ht_slice body, size_t piece_bytes)
{
    static const struct ht_event_reader_events events = {on_event, on_bad};
    struct ht_event_reader reader;
    ht_event_reader_init(&reader, &events, told, HT_TWEET_BYTES_MAX);
    ht_buffer_clear(&told->text);
    for (size_t at = 0; at < body.length; at += piece_bytes) {
        size_t left = body.length - at;
        struct ht_slice piece =
            ht_slice_make(body.data + at, left < piece_bytes ? left : piece_bytes);
        assert_int_equal(ht_event_reader_feed(&reader, piece), 0);
    }
    ht_event_reader_end(&reader);
    ht_event_reader_finish(&reader);
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

static void tell_otherwise(struct ht_buffer *out, struct ht_slice name, struct ht_slice data)
{
    if (ht_slice_equal(name, HT_SLICE("delete"))) {
        ht_buffer_append_format(out, "delete delete %.*s edit=0\n", (int)data.length, data.data);
        return;
    }
    ht_buffer_append_format(out, "%.*s", (int)name.length, name.data);
    if (ht_slice_equal(name, HT_SLICE("update")) ||
        ht_slice_equal(name, HT_SLICE("status.update"))) {
        struct ht_json *status = ht_json_parse(data, 0, NULL, NULL);
        const struct ht_json *inner = ht_json_member(status, "reblog");
        inner = inner == NULL || ht_json_type(inner) != HT_JSON_OBJECT ? status : inner;
        struct ht_slice id = ht_json_text(identity_of(status));
        const struct ht_json *edited = ht_json_member(status, "edited_at");
        ht_buffer_append_format(out, " tweet %.*s edit=%d", (int)id.length, id.data,
                                edited != NULL && ht_json_type(edited) != HT_JSON_NULL);
        const struct ht_json *tags = ht_json_member(inner, "tags");
        for (size_t i = 0; i < ht_json_count(tags); i++) {
            struct ht_slice tag = ht_json_text(ht_json_member(ht_json_element(tags, i), "name"));
            ht_buffer_append_format(out, " #%.*s", (int)tag.length, tag.data);
        }
        ht_json_destroy(status);
    }
    ht_buffer_append_byte(out, '\n');
}

/* The captures have one data line an event, and '\n' at the ends of lines. */
static void read_otherwise(struct ht_buffer *out, struct ht_slice body)
{
    struct ht_slice name = HT_SLICE(""), rest = body;
    ht_buffer_clear(out);
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        struct ht_slice line = ht_slice_make(rest.data, length);
        size_t used = end == NULL ? length : length + 1;
        rest = ht_slice_make(rest.data + used, rest.length - used);
        if (ht_slice_starts_with(line, HT_SLICE("event: "))) {
            name = ht_slice_make(line.data + 7, line.length - 7);
        } else if (ht_slice_starts_with(line, HT_SLICE("data: ")) && rest.length > 0) {
            tell_otherwise(out, name, ht_slice_make(line.data + 6, line.length - 6));
        }
    }
}

static void test_captures(void **state)
{
    (void)state;
    struct shared_lines files;
    struct told told = {.statuses = 0};
    struct ht_buffer other;
    static const struct ht_hash_key key = {1, 2};
    if (!shared_open_pattern(&files, "mastodon/*.sse")) {
        print_message("SKIPPED: no captures of Mastodon, see HT_SHARED\n");
        shared_close(&files);
        skip();
    }
    ht_buffer_init(&told.text, 1u << 20);
    ht_buffer_init(&other, 1u << 20);
    ht_tweet_reader_init(&told.reader, &key);
    while (shared_load(&files)) {
        struct ht_slice body = ht_buffer_slice(&files.text);
        read_otherwise(&other, body);
        assert_true(other.length > 0);
        static const size_t pieces[] = {1, 7, 1000, 1u << 20};
        for (size_t i = 0; i < HT_COUNT_OF(pieces); i++) {
            read_as_source(&told, body, pieces[i]);
            assert_string_equal(told.text.data, other.data);
        }
    }
    assert_true(told.statuses > 0);
    ht_tweet_reader_finish(&told.reader);
    ht_buffer_finish(&told.text);
    ht_buffer_finish(&other);
    shared_close(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_captures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
