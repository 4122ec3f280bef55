// SPDX-License-Identifier: MIT
#include "jetstream_event.h"

#include "../../support/shared.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define POST(inner)                                                                                \
    "{\"did\":\"did:plc:a\",\"time_us\":1783175888377628,\"kind\":\"commit\",\"commit\":{"         \
    "\"rev\":\"3m\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\","               \
    "\"rkey\":\"3k\",\"record\":" inner "}}"

static struct ht_jetstream_looker looker;

static struct ht_jetstream_event look(const char *text)
{
    struct ht_jetstream_event event;
    assert_int_equal(ht_jetstream_look(&looker, ht_slice_text(text), &event), HT_JSON_VERDICT_OK);
    return event;
}

static void test_what_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_wanted, has_key;
        uint64_t time_us;
    } cases[] = {
        {POST("{}"), true, true, 1783175888377628},
        {"{\"did\":\"did:plc:a\",\"time_us\":5,\"kind\":\"commit\",\"commit\":{\"rev\":\"3m\","
         "\"operation\":\"delete\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"3k\"}}",
         true, true, 5},
        {"{\"did\":\"did:plc:a\",\"time_us\":5,\"kind\":\"commit\",\"commit\":{\"rev\":\"3m\","
         "\"operation\":\"create\",\"collection\":\"app.bsky.feed.like\",\"rkey\":\"3k\"}}",
         false, false, 5},
        {"{\"did\":\"did:plc:a\",\"time_us\":6,\"kind\":\"identity\",\"identity\":{}}", false,
         false, 6},
        {"{\"did\":\"did:plc:a\",\"time_us\":7,\"kind\":\"account\",\"account\":{\"active\":true}}",
         false, false, 7},
        {"{\"did\":\"did:plc:a\",\"time_us\":7,\"kind\":\"account\",\"account\":{\"active\":false,"
         "\"status\":\"deleted\"}}",
         true, true, 7},
        /* Any order, any white space, escapes where nobody writes them. */
        {" {\"commit\" : {\"collection\":\"app.bsky.feed.post\", \"rkey\":\"k\",\"rev\":\"r\",\n"
         "\"operation\":\"create\"} , \"kind\":\"\\u0063ommit\", \"t\\u0069me_us\" : 8,"
         "\"did\":\"d\" }\n",
         true, true, 8},
        /* What is missing is missing: the posts are passed on all the same, the reader of tweets
         * says what is wrong with them. */
        {"{\"kind\":\"commit\",\"commit\":{\"collection\":\"app.bsky.feed.post\"}}", true, false,
         0},
        {"{\"did\":5,\"time_us\":\"9\",\"kind\":\"commit\",\"commit\":{\"rev\":\"3m\","
         "\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"3k\"}}",
         true, false, 0},
        {"{\"time_us\":-9,\"kind\":\"commit\",\"commit\":[\"app.bsky.feed.post\"]}", false, false,
         0},
        {"{\"time_us\":1e15,\"kind\":\"commit\",\"commit\":null}", false, false, 0},
        {"{\"time_us\":[10],\"kind\":[\"commit\"]}", false, false, 0},
        {"{\"time_us\":11,\"kind\":\"account\",\"account\":[false]}", false, false, 11},
        {"{\"time_us\":12}", false, false, 12},
        {"{\"time_us\":12,\"time_us\":13}", false, false, 13},
        {"{}", false, false, 0},
        {"[]", false, false, 0},
        {"[{\"time_us\":12,\"kind\":\"commit\"}]", false, false, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_jetstream_event event = look(cases[i].text);
        assert_int_equal(event.is_wanted, cases[i].is_wanted);
        assert_int_equal(event.has_key, cases[i].has_key);
        assert_int_equal(event.time_us, cases[i].time_us);
    }
}

/* A user writes the record: nothing in it is taken for a member of the event. */
static void test_records_cannot_play_the_event(void **state)
{
    (void)state;
    static const char *const records[] = {
        "{\"text\":\"\\\"time_us\\\":1\"}",
        "{\"text\":\"}},\\\"time_us\\\":1,\\\"kind\\\":\\\"account\\\",\\\"a\\\":{\\\"b\\\":{\"}",
        "{\"time_us\":1,\"kind\":\"account\",\"did\":\"did:plc:b\"}",
        "{\"commit\":{\"rev\":\"x\",\"rkey\":\"y\",\"collection\":\"app.bsky.feed.like\"}}",
        "{\"rev\":\"x\",\"rkey\":\"y\",\"operation\":\"delete\",\"collection\":\"z\"}",
        "[[[{\"time_us\":1}]]]",
        "\"\\\\\\\"time_us\\\\\\\":1\"",
        "\"time_us\"",
        "null",
        "{\"\\u0074ime_us\":1}",
    };
    struct ht_jetstream_event plain = look(POST("{}"));
    for (size_t i = 0; i < HT_COUNT_OF(records); i++) {
        char text[1024];
        static const char head[] = POST("@");
        const char *at = strchr(head, '@');
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - head), head, records[i], at + 1);
        struct ht_jetstream_event event = look(text);
        assert_true(event.is_wanted && event.has_key);
        assert_int_equal(event.time_us, plain.time_us);
        assert_int_equal(event.key, plain.key);
    }
}

static void test_keys_tell_events_apart(void **state)
{
    (void)state;
    static const char *const parts[][4] = {
        {"did:a", "k", "create", "r"}, {"did:b", "k", "create", "r"}, {"did:a", "l", "create", "r"},
        {"did:a", "k", "update", "r"}, {"did:a", "k", "create", "s"}, {"did:ak", "", "create", "r"},
        {"did:", "ak", "create", "r"}, {"did:a", "k", "creat", "er"}, {"did:a", "kcreate", "", "r"},
    };
    uint64_t keys[HT_COUNT_OF(parts)];
    for (size_t i = 0; i < HT_COUNT_OF(parts); i++) {
        char text[512];
        for (unsigned time = 1; time < 3; time++) {
            snprintf(
                text, sizeof(text),
                "{\"did\":\"%s\",\"time_us\":%u,\"kind\":\"commit\",\"commit\":{\"rev\":\"%s\","
                "\"operation\":\"%s\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"%s\"}}",
                parts[i][0], time, parts[i][3], parts[i][2], parts[i][1]);
            struct ht_jetstream_event event = look(text);
            assert_true(event.has_key);
            assert_true(time == 1 || event.key == keys[i]);
            keys[i] = event.key;
        }
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(keys[i], keys[k]);
        }
    }
    uint64_t one = look("{\"did\":\"d\",\"time_us\":1,\"kind\":\"account\",\"account\":{"
                        "\"active\":false,\"seq\":1}}")
                       .key;
    uint64_t same = look("{\"did\":\"d\",\"time_us\":2,\"kind\":\"account\",\"account\":{"
                         "\"active\":false,\"seq\":1}}")
                        .key;
    uint64_t other = look("{\"did\":\"d\",\"time_us\":1,\"kind\":\"account\",\"account\":{"
                          "\"active\":false,\"seq\":2}}")
                         .key;
    assert_true(one == same && one != other);
}

static void test_broken_events(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ht_json_verdict verdict;
    } cases[] = {
        {"", HT_JSON_VERDICT_CUT_OFF},
        {"{\"time_us\":1", HT_JSON_VERDICT_CUT_OFF},
        {"{\"time_us\":1}}", HT_JSON_VERDICT_NOT_JSON},
        {"{\"time_us\":1}{\"time_us\":2}", HT_JSON_VERDICT_NOT_JSON},
        {"{time_us:1}", HT_JSON_VERDICT_NOT_JSON},
        {"{\"a\":\"\xff\"}", HT_JSON_VERDICT_BAD_UTF8},
        {"{\"a\":\"\\ud83d\"}", HT_JSON_VERDICT_LONE_SURROGATE},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_jetstream_event event;
        memset(&event, 0xff, sizeof(event));
        assert_int_equal(ht_jetstream_look(&looker, ht_slice_text(cases[i].text), &event),
                         cases[i].verdict);
        assert_true(!event.is_wanted && !event.has_key && event.time_us == 0);
        assert_true(look(POST("{}")).is_wanted);
    }
}

/* What a reading with a general parser says of an event. */
static void judge(struct ht_slice text)
{
    struct ht_jetstream_event event;
    enum ht_json_verdict verdict = ht_jetstream_look(&looker, text, &event);
    struct ht_json *root = ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    assert_true((verdict == HT_JSON_VERDICT_OK) == (root != NULL));
    struct ht_slice kind = ht_json_text(ht_json_member(root, "kind"));
    const struct ht_json *commit = ht_json_member(root, "commit");
    const struct ht_json *active = ht_json_member(ht_json_member(root, "account"), "active");
    bool is_post = ht_slice_equal(kind, HT_SLICE("commit")) &&
                   ht_slice_equal(ht_json_text(ht_json_member(commit, "collection")),
                                  HT_SLICE("app.bsky.feed.post"));
    bool is_end = ht_slice_equal(kind, HT_SLICE("account")) && active != NULL &&
                  ht_json_type(active) == HT_JSON_BOOLEAN && !ht_json_bool(active);
    int64_t time_us = ht_json_i64(ht_json_member(root, "time_us"));
    assert_int_equal(event.is_wanted, is_post || is_end);
    assert_int_equal(event.time_us, time_us > 0 ? time_us : 0);
    ht_json_destroy(root);
}

static void judge_mutations(struct ht_slice text, uint64_t seed)
{
    struct ht_random random;
    char *copy = malloc(text.length + 1);
    assert_non_null(copy);
    ht_random_init(&random, seed);
    for (unsigned round = 0; round < 30; round++) {
        static const char marks[] = "\"\"{}[]:,\\0e\x80 ";
        memcpy(copy, text.data, text.length);
        for (uint64_t changes = 1 + ht_random_below(&random, 3); changes > 0; changes--) {
            copy[ht_random_below(&random, text.length)] =
                marks[ht_random_below(&random, sizeof(marks) - 1)];
        }
        judge(ht_slice_make(copy, text.length));
    }
    free(copy);
}

static void test_captures_and_their_mutations_against_a_general_parser(void **state)
{
    (void)state;
    struct shared_lines lines;
    struct ht_slice line;
    uint64_t count = 0;
    judge_mutations(HT_SLICE(POST("{\"text\":\"\\\"time_us\\\":1\"}")), 99);
    if (!shared_open_pattern(&lines, "bluesky/*.jsonl")) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    while (shared_next(&lines, &line)) {
        judge(line);
        judge_mutations(line, count++);
    }
    assert_int_equal(count, 162);
    shared_close(&lines);
}

static int make_looker(void **state)
{
    (void)state;
    const struct ht_hash_key key = {1, 2};
    ht_jetstream_looker_init(&looker, &key);
    return 0;
}

static int finish_looker(void **state)
{
    (void)state;
    ht_jetstream_looker_finish(&looker);
    ht_jetstream_looker_finish(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_passed_on),
        cmocka_unit_test(test_records_cannot_play_the_event),
        cmocka_unit_test(test_keys_tell_events_apart),
        cmocka_unit_test(test_broken_events),
        cmocka_unit_test(test_captures_and_their_mutations_against_a_general_parser),
    };
    return cmocka_run_group_tests(tests, make_looker, finish_looker);
}
