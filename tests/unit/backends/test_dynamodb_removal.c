// SPDX-License-Identifier: MIT
#include "../../../src/backends/dynamodb_removal.h"

#include "../tally/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct ht_dynamodb_stream_record record_of(const char *keys, const char *old_image)
{
    return (struct ht_dynamodb_stream_record){
        .event = HT_DYNAMODB_STREAM_EVENT_REMOVE,
        .event_id = HT_SLICE("event"),
        .sequence_number = HT_SLICE("123"),
        .created_ms = 1700000001500,
        .keys = ht_slice_text(keys),
        .old_image = ht_slice_text(old_image),
        .new_image = {"", 0},
    };
}

static void the_old_image_becomes_the_removal(void **state)
{
    (void)state;
    struct ht_removal_reader reader;
    struct ht_counted_removal *made;
    bool has_image = false;
    const char *image =
        "{\"hashtag\":{\"S\":\"a\\u00e4\"},\"htCount\":{\"N\":\"1E+2\"},\"firstSeen\":"
        "{\"N\":\"1700000000\"},\"lastSeen\":{\"N\":\"1.7E+9\"},\"expiresAt\":"
        "{\"N\":\"1800000000.5\"},\"m1f\":{\"S\":\"0564959\"}}";
    struct ht_dynamodb_stream_record record =
        record_of("{\"hashtag\":{\"S\":\"a\\u00e4\"}}", image);
    ht_removal_reader_init(&reader);
    assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image), 0);
    ht_removal_reader_finish(&reader); /* the removal lives by itself */
    const struct ht_removal *removal = &made->removal;
    assert_true(has_image);
    assert_true(ht_slice_equal(removal->item.hashtag, HT_SLICE("a\xc3\xa4")));
    assert_int_equal(removal->item.count, 100);
    assert_int_equal(removal->item.first_seen_s, 1700000000);
    assert_int_equal(removal->item.last_seen_s, 1700000000);
    assert_int_equal(removal->item.expires_at_s, 1800000000);
    assert_int_equal(removal->deleted_at_s, 1700000001);
    assert_int_equal(removal->origin, HT_ORIGIN_USER);
    assert_true(ht_slice_equal(removal->event_id, HT_SLICE("event")));
    assert_true(ht_slice_equal(removal->item_json, ht_slice_text(image)));
    assert_true(ht_slice_equal(made->sequence_number, HT_SLICE("123")));
    ht_counted_removal_hold(made);
    ht_counted_removal_release(made);
    ht_counted_removal_release(made);
    ht_counted_removal_release(NULL);
}

static void what_there_is_of_an_item_is_archived(void **state)
{
    (void)state;
    static const char keys[] = "{\"hashtag\":{\"S\":\"a\"}}";
    static const struct {
        const char *what, *keys, *image, *name, *json;
        uint64_t count;
        bool has_image;
    } cases[] = {
        {"no image", keys, "", "a", keys, 0, false},
        {"a broken image", keys, "{\"hashtag\":{\"S\":\"\\ud800\"}}", "a", keys, 0, false},
        {"an image that is no object", keys, "[]", "a", keys, 0, false},
        {"somebody else's item", keys, "{\"hashtag\":{\"S\":\"a\"},\"x\":{\"L\":[]}}", "a",
         "{\"hashtag\":{\"S\":\"a\"},\"x\":{\"L\":[]}}", 0, true},
        {"a count that is none", keys, "{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"-1.5\"}}",
         "a", "{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"-1.5\"}}", 0, true},
        {"an image without its keys", keys, "{\"htCount\":{\"N\":\"4\"}}", "a",
         "{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"4\"}}", 4, true},
        {"an empty image", keys, "{ }", "a", "{\"hashtag\":{\"S\":\"a\"} }", 0, true},
        {"lines", keys, "{\r\n\"hashtag\":\n{\"S\":\"a\"} }", "a",
         "{  \"hashtag\": {\"S\":\"a\"} }", 0, true},
        {"no keys", "", "{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"4\"}}", "a",
         "{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"4\"}}", 4, true},
        {"a key of another name", "{\"tag\":{\"S\":\"a\"}}", "{\"htCount\":{\"N\":\"4\"}}", "a",
         "{\"tag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"4\"}}", 4, true},
        {"two keys", "{\"user\":{\"N\":\"7\"},\"tag\":{\"S\":\"a\"}}", "{\"user\":{\"N\":\"7\"}}",
         "a", "{\"tag\":{\"S\":\"a\"},\"user\":{\"N\":\"7\"}}", 0, true},
    };
    struct ht_removal_reader reader;
    ht_removal_reader_init(&reader);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_counted_removal *made = NULL;
        bool has_image = false;
        struct ht_dynamodb_stream_record record = record_of(cases[i].keys, cases[i].image);
        int status = ht_removal_reader_make(&reader, &record, "shard", &made, &has_image);
        if (status != 0 || has_image != cases[i].has_image ||
            made->removal.item.count != cases[i].count ||
            !ht_slice_equal(made->removal.item.hashtag, ht_slice_text(cases[i].name)) ||
            !ht_slice_equal(made->removal.item_json, ht_slice_text(cases[i].json))) {
            fail_msg("%s: %d %.*s", cases[i].what, status,
                     made == NULL ? 0 : (int)made->removal.item_json.length,
                     made == NULL ? "" : made->removal.item_json.data);
        }
        ht_counted_removal_release(made);
    }
    ht_removal_reader_finish(&reader);
}

static void who_removed_it_becomes_the_origin(void **state)
{
    (void)state;
    static const struct {
        enum ht_dynamodb_stream_identity identity;
        const char *image;
        enum ht_origin origin;
    } cases[] = {
        {HT_DYNAMODB_STREAM_IDENTITY_NONE, "{}", HT_ORIGIN_USER},
        {HT_DYNAMODB_STREAM_IDENTITY_TTL, "{}", HT_ORIGIN_TTL},
        {HT_DYNAMODB_STREAM_IDENTITY_OTHER, "{}", HT_ORIGIN_UNKNOWN},
        {HT_DYNAMODB_STREAM_IDENTITY_NONE, "", HT_ORIGIN_UNKNOWN},
        {HT_DYNAMODB_STREAM_IDENTITY_TTL, "", HT_ORIGIN_TTL},
    };
    struct ht_removal_reader reader;
    ht_removal_reader_init(&reader);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_counted_removal *made = NULL;
        bool has_image = false;
        struct ht_dynamodb_stream_record record =
            record_of("{\"hashtag\":{\"S\":\"a\"}}", cases[i].image);
        record.identity = cases[i].identity;
        assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image), 0);
        assert_int_equal(made->removal.origin, cases[i].origin);
        ht_counted_removal_release(made);
    }
    ht_removal_reader_finish(&reader);
}

static void an_event_without_an_id_is_named_by_its_place(void **state)
{
    (void)state;
    struct ht_removal_reader reader;
    struct ht_counted_removal *made = NULL;
    char long_id[201];
    bool has_image = false;
    struct ht_dynamodb_stream_record record = record_of("{\"hashtag\":{\"S\":\"a\"}}", "");
    ht_removal_reader_init(&reader);
    record.event_id = HT_SLICE("");
    assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image), 0);
    assert_true(ht_slice_equal(made->removal.event_id, HT_SLICE("shard:123")));
    ht_counted_removal_release(made);
    memset(long_id, 'x', 200);
    long_id[200] = '\0';
    record.event_id = ht_slice_text(long_id);
    assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image), 0);
    assert_int_equal(made->removal.event_id.length, 128);
    ht_counted_removal_release(made);
    ht_removal_reader_finish(&reader);
}

static void a_removal_without_a_name_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"", "{}", "[", "{\"hashtag\":{\"N\":\"1\"}}",
                                       "{\"hashtag\":{\"S\":\"\"}}"};
    struct ht_removal_reader reader;
    ht_removal_reader_init(&reader);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ht_counted_removal *made = NULL;
        bool has_image = false;
        struct ht_dynamodb_stream_record record = record_of(keys[i], "");
        assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image),
                         HT_EPARSE);
        assert_null(made);
    }
    char too_long[HT_TABLE_MAX_KEY_BYTES + 64];
    (void)snprintf(too_long, sizeof(too_long), "{\"hashtag\":{\"S\":\"%0*d\"}}",
                   HT_TABLE_MAX_KEY_BYTES + 1, 0);
    struct ht_counted_removal *made = NULL;
    bool has_image = false;
    struct ht_dynamodb_stream_record record = record_of(too_long, "");
    assert_int_equal(ht_removal_reader_make(&reader, &record, "shard", &made, &has_image),
                     HT_EPARSE);
    ht_removal_reader_finish(&reader);
}

static void a_touch_tells_name_and_new_count(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *image;
        int status;
        bool has_count;
        uint64_t count;
    } cases[] = {
        {"{\"hashtag\":{\"S\":\"a\"}}", "{\"htCount\":{\"N\":\"12\"}}", 0, true, 12},
        {"{\"hashtag\":{\"S\":\"a\"}}", "", 0, false, 0},
        {"{\"hashtag\":{\"S\":\"a\"}}", "{\"htCount\":{\"S\":\"12\"}}", 0, false, 0},
        {"{\"hashtag\":{\"S\":\"a\"}}", "{\"x\":", 0, false, 0},
        {"", "{\"htCount\":{\"N\":\"12\"}}", HT_EPARSE, false, 0},
    };
    struct ht_removal_reader reader;
    ht_removal_reader_init(&reader);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_stream_record record = record_of(cases[i].keys, "");
        struct ht_slice hashtag;
        uint64_t count = 0;
        bool has_count = false;
        record.new_image = ht_slice_text(cases[i].image);
        assert_int_equal(ht_removal_reader_touch(&reader, &record, &hashtag, &count, &has_count),
                         cases[i].status);
        assert_int_equal(has_count, cases[i].has_count);
        assert_int_equal(count, cases[i].count);
        if (cases[i].status == 0) {
            assert_true(ht_slice_equal(hashtag, HT_SLICE("a")));
        }
    }
    ht_removal_reader_finish(&reader);
}

/* Neither the deletion nor its item is taken for broken because memory was out. */
static void without_memory_nothing_is_taken_for_broken(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record =
        record_of("{\"hashtag\":{\"S\":\"a\\u00e4\"}}", "{\"htCount\":{\"N\":\"2\"}}");
    record.new_image = record.old_image;
    bool has_failed = true;
    for (size_t allocations = 0; has_failed; allocations++) {
        struct ht_removal_reader reader;
        struct ht_counted_removal *made;
        bool has_image = false;
        ht_removal_reader_init(&reader);
        (void)failing_memory_set(allocations);
        int status = ht_removal_reader_make(&reader, &record, "shard", &made, &has_image);
        has_failed = failing_memory_set(SIZE_MAX);
        assert_int_equal(status, has_failed ? HT_ENOMEM : 0);
        assert_true(has_failed || has_image);
        ht_counted_removal_release(made);
        ht_removal_reader_finish(&reader);
    }
}

static void without_memory_no_touch_is_passed_over(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record = record_of("{\"hashtag\":{\"S\":\"a\\u00e4\"}}", "");
    record.new_image = HT_SLICE("{\"htCount\":{\"N\":\"2\"}}");
    bool has_failed = true;
    for (size_t allocations = 0; has_failed; allocations++) {
        struct ht_removal_reader reader;
        struct ht_slice hashtag;
        uint64_t count = 0;
        bool has_count = false;
        ht_removal_reader_init(&reader);
        (void)failing_memory_set(allocations);
        int status = ht_removal_reader_touch(&reader, &record, &hashtag, &count, &has_count);
        has_failed = failing_memory_set(SIZE_MAX);
        assert_int_equal(status, has_failed ? HT_ENOMEM : 0);
        assert_true(has_failed || (has_count && count == 2));
        ht_removal_reader_finish(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_old_image_becomes_the_removal),
        cmocka_unit_test(what_there_is_of_an_item_is_archived),
        cmocka_unit_test(who_removed_it_becomes_the_origin),
        cmocka_unit_test(an_event_without_an_id_is_named_by_its_place),
        cmocka_unit_test(a_removal_without_a_name_is_refused),
        cmocka_unit_test(a_touch_tells_name_and_new_count),
        cmocka_unit_test(without_memory_nothing_is_taken_for_broken),
        cmocka_unit_test(without_memory_no_touch_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
