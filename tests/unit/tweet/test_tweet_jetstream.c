// SPDX-License-Identifier: MIT
#include "../../support/shared.h"

#include "judge.h"

#define EVENT(inner)   "{\"did\":\"did:plc:a\",\"time_us\":1783175888384849," inner "}"
#define COMMIT(inner)  EVENT("\"kind\":\"commit\",\"commit\":{\"rev\":\"r\"," inner "}")
#define AT(operation)  "\"operation\":\"" operation "\",\"collection\":\"app.bsky.feed.post\","
#define POST(record)   COMMIT(AT("create") "\"rkey\":\"3k\",\"record\":" record)
#define FACETS(facets) POST("{\"text\":\"x\",\"facets\":[" facets "]}")
#define FEATURES(list) "{\"index\":{\"byteStart\":0,\"byteEnd\":2},\"features\":[" list "]}"
#define TAG(text)      "{\"$type\":\"app.bsky.richtext.facet#tag\",\"tag\":" text "}"
#define LINK           "{\"$type\":\"app.bsky.richtext.facet#link\",\"uri\":\"https://x\",\"tag\":\"no\"}"
#define SECOND(kind, inner)                                                                        \
    "{\"$type\":\"message\",\"payload\":{\"$type\":\"network.bsky.jetstream.subscribeEvents#" kind \
    "\",\"seq\":5,\"did\":\"did:plc:a\",\"time\":\"t\"," inner "}}"
#define ID "at://did:plc:a/app.bsky.feed.post/3k"

static const struct row rows[] = {
    {"no record", COMMIT(AT("create") "\"rkey\":\"3k\""), HT_TWEET_KIND_TWEET, ID, "",
     .skipped = 0},
    {"no hashtags", POST("{\"text\":\"#x\"}"), HT_TWEET_KIND_TWEET, ID, "", .skipped = 0},
    {"facets", FACETS(FEATURES(TAG("\"a\"")) "," FEATURES(TAG("\"B\""))), HT_TWEET_KIND_TWEET, ID,
     "a B", .skipped = 0},
    {"repeats stay", FACETS(FEATURES(TAG("\"a\"")) "," FEATURES(TAG("\"a\""))), HT_TWEET_KIND_TWEET,
     ID, "a a", .skipped = 0},
    {"links are none", FACETS(FEATURES(LINK "," TAG("\"a\"") "," LINK)), HT_TWEET_KIND_TWEET, ID,
     "a", .skipped = 0},
    {"tags beside the text", POST("{\"tags\":[\"a\",\"b\"],\"text\":\"\"}"), HT_TWEET_KIND_TWEET,
     ID, "a b", .skipped = 0},
    {"both, one list behind the other",
     POST("{\"tags\":[\"b\",\"a\",\"b\",\"A\"],\"facets\":[" FEATURES(TAG("\"a\"")) "]}"),
     HT_TWEET_KIND_TWEET, ID, "a b a b A", .skipped = 0},
    {"escapes",
     "{\"\\u0064id\":\"did:plc:\\u0061\",\"kin\\u0064\":\"comm\\u0069t\",\"commit\":{"
     "\"operation\":\"cre\\u0061te\",\"collection\":\"app.bsky.feed.p\\u006fst\","
     "\"rkey\":\"3\\u006b\",\"record\":{\"f\\u0061cets\":[{\"features\":[{\"$\\u0074ype\":"
     "\"app.bsky.richtext.facet#t\\u0061g\",\"tag\":\"\\u00e4\\ud83d\\ude00\"}]}],"
     "\"tags\":[\"b\\/\",\"\\u00e4\\ud83d\\ude00\"]}}}",
     HT_TWEET_KIND_TWEET, ID, "ä😀 b/ ä😀", .skipped = 0},
    {"of a repeated key the last",
     COMMIT(AT("create") "\"rkey\":\"1\",\"rkey\":\"3k\",\"record\":{\"tags\":[\"x\"],\"tags\":["
                         "\"a\"]}"),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 0},
    {"an edit", COMMIT(AT("update") "\"rkey\":\"3k\",\"record\":{\"tags\":[\"a\"]}"),
     HT_TWEET_KIND_TWEET, ID, "a", .is_edit = true},
    {"a deletion", COMMIT(AT("delete") "\"rkey\":\"3k\""), HT_TWEET_KIND_DELETE, ID, "",
     .skipped = 0},
    {"a deletion of nothing", COMMIT(AT("delete") "\"rkey\":5"), HT_TWEET_KIND_DELETE, "", "",
     .skipped = 0},
    {"something else with a post", COMMIT(AT("burn") "\"rkey\":\"3k\""), HT_TWEET_KIND_UNKNOWN, "",
     "", .skipped = 0},
    {"a like", COMMIT("\"operation\":\"create\",\"collection\":\"app.bsky.feed.like\""),
     HT_TWEET_KIND_OTHER_RECORD, "", "", .skipped = 0},
    {"an account", EVENT("\"kind\":\"account\",\"account\":{\"active\":true}"),
     HT_TWEET_KIND_ACCOUNT, "", "", .skipped = 0},
    {"an identity", EVENT("\"kind\":\"identity\",\"identity\":{}"), HT_TWEET_KIND_IDENTITY, "", "",
     .skipped = 0},
    {"another kind", EVENT("\"kind\":\"sync\""), HT_TWEET_KIND_UNKNOWN, "", "", .skipped = 0},
    {"second version",
     SECOND("commit", AT("create") "\"rkey\":\"3k\",\"record\":{\"tags\":[\"a\"]}"),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 0},
    {"second version, a deletion", SECOND("commit", AT("delete") "\"rkey\":\"3k\""),
     HT_TWEET_KIND_DELETE, ID, "", .skipped = 0},
    {"second version, an account", SECOND("account", "\"account\":{}"), HT_TWEET_KIND_ACCOUNT, "",
     "", .skipped = 0},
    {"second version, another kind", SECOND("sync", "\"sync\":{}"), HT_TWEET_KIND_UNKNOWN, "", "",
     .skipped = 0},
    /* a user's record has what the user put there */
    {"the record a string", POST("\"x\""), HT_TWEET_KIND_TWEET, ID, "", .skipped = 1},
    {"facets a string", POST("{\"facets\":\"x\",\"tags\":[\"a\"]}"), HT_TWEET_KIND_TWEET, ID, "a",
     .skipped = 1},
    {"tags a string", POST("{\"tags\":\"x\",\"facets\":[" FEATURES(TAG("\"a\"")) "]}"),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 1},
    {"neighbours of strange facets",
     FACETS("5,null,[],{},{\"features\":null},{\"features\":7}," FEATURES(TAG("\"a\""))),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 4},
    {"neighbours of strange features",
     FACETS(FEATURES("true,null,[],{},{\"$type\":null},{\"$type\":[]}," TAG("5") "," TAG(
         "null") "," TAG("{}") ",{\"$type\":\"app.bsky.richtext.facet#tag\"}," TAG("\"a\""))),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 9},
    {"neighbours of strange tags", POST("{\"tags\":[1,\"a\",null,{\"tag\":\"x\"},[\"y\"],\"b\"]}"),
     HT_TWEET_KIND_TWEET, ID, "a b", .skipped = 4},
    {"empty ones",
     POST("{\"tags\":[\"\",\"#\",\"\\uff03\"],\"facets\":[" FEATURES(TAG("\"\"")) "]}"),
     HT_TWEET_KIND_TWEET, ID, "", .skipped = 4},
    {"byteStart a string",
     FACETS("{\"index\":{\"byteStart\":\"0\"},\"features\":[" TAG("\"a\"") "]}"),
     HT_TWEET_KIND_TWEET, ID, "a", .skipped = 0},
};

static void says_what_an_event_says(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        check_row(*state, &rows[i], HT_TWEET_NETWORK_BLUESKY);
    }
}

static const struct refused_row refused[] = {
    {"did a number", "{\"did\":5,\"kind\":\"commit\",\"commit\":{" AT("create") "\"rkey\":\"3k\"}}",
     HT_TWEET_REFUSAL_WRONG_TYPE, "did is not a string"},
    {"did empty", "{\"did\":\"\",\"kind\":\"commit\",\"commit\":{" AT("create") "\"rkey\":\"3k\"}}",
     HT_TWEET_REFUSAL_NO_ID, "the event has no did"},
    {"kind a number", EVENT("\"kind\":5"), HT_TWEET_REFUSAL_WRONG_TYPE, "the event's kind is not"},
    {"commit a string", EVENT("\"kind\":\"commit\",\"commit\":\"x\""), HT_TWEET_REFUSAL_WRONG_TYPE,
     "commit is not an object"},
    {"no commit", EVENT("\"kind\":\"commit\""), HT_TWEET_REFUSAL_NO_ID,
     "the event has no collection"},
    {"collection a list", COMMIT("\"collection\":[]"), HT_TWEET_REFUSAL_WRONG_TYPE,
     "collection is not a string"},
    {"operation a number", COMMIT("\"operation\":5,\"collection\":\"app.bsky.feed.post\""),
     HT_TWEET_REFUSAL_WRONG_TYPE, "operation is not a string"},
    {"no operation", COMMIT("\"collection\":\"app.bsky.feed.post\""), HT_TWEET_REFUSAL_NO_ID,
     "the event has no operation"},
    {"rkey a number", COMMIT(AT("create") "\"rkey\":5"), HT_TWEET_REFUSAL_WRONG_TYPE,
     "rkey is not a string"},
    {"rkey null", COMMIT(AT("create") "\"rkey\":null"), HT_TWEET_REFUSAL_NO_ID,
     "the event has no rkey"},
    {"rkey empty", COMMIT(AT("update") "\"rkey\":\"\""), HT_TWEET_REFUSAL_NO_ID,
     "the event has no rkey"},
};

static void refuses_what_has_no_identity(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(refused); i++) {
        check_refused(*state, &refused[i]);
    }
}

/* A post with a list of `count` times `element`; the caller frees it. */
static char *post_with(const char *front, size_t count, const char *element)
{
    char *text = malloc(1024 + count * (strlen(element) + 1));
    size_t length = (size_t)sprintf(text,
                                    "{\"did\":\"did:plc:a\",\"kind\":\"commit\",\"commit\":{" AT(
                                        "create") "\"rkey\":\"3k\",\"record\":{%s[",
                                    front);
    for (size_t i = 0; i < count; i++) {
        length += (size_t)sprintf(text + length, "%s%s", i > 0 ? "," : "", element);
    }
    memcpy(text + length, "]}}}", 5);
    return text;
}

static void has_an_end_with_huge_lists(void **state)
{
    static const struct {
        const char *front, *element;
        size_t count;
        enum ht_tweet_refusal refusal;
        size_t tags, skipped;
    } cases[] = {
        {"\"tags\":", "\"a\"", 1000, HT_TWEET_REFUSAL_NONE, 1000, 0},
        {"\"tags\":", "\"a\"", 1001, HT_TWEET_REFUSAL_TOO_MANY_HASHTAGS, 0, 0},
        {"\"tags\":", "\"\\u0061\"", 100000, HT_TWEET_REFUSAL_TOO_MANY_HASHTAGS, 0, 0},
        {"\"tags\":", "5", 500000, HT_TWEET_REFUSAL_NONE, 0, 500000},
        {"\"facets\":", FEATURES(TAG("\"a\"")), 1000, HT_TWEET_REFUSAL_NONE, 1000, 0},
        {"\"facets\":", FEATURES(TAG("\"a\"")), 1001, HT_TWEET_REFUSAL_TOO_MANY_HASHTAGS, 0, 0},
        {"\"facets\":", "[[[[[[[[]]]]]]]]", 60000, HT_TWEET_REFUSAL_NONE, 0, 60000},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_tweet tweet;
        char *text = post_with(cases[i].front, cases[i].count, cases[i].element);
        int status = ht_tweet_read(*state, ht_slice_text(text), NULL, &tweet, NULL);
        free(text);
        assert_int_equal(tweet.refusal, cases[i].refusal);
        assert_int_equal(status, tweet.refusal == HT_TWEET_REFUSAL_NONE ? 0 : HT_EPARSE);
        assert_int_equal(tweet.hashtag_count, cases[i].tags);
        if (status == 0) {
            assert_int_equal(tweet.empty_hashtag_count, cases[i].skipped);
        }
    }
}

/* The largest message, with escapes everywhere: the arena has room for all of it. */
static void has_room_for_escapes(void **state)
{
    struct ht_tweet tweet;
    size_t room = HT_TWEET_BYTES_MAX - 512;
    char *rkey = malloc(room + 1), *text = malloc(HT_TWEET_BYTES_MAX + 1);
    memset(rkey, 'r', room);
    rkey[0] = '\\';
    rkey[1] = '/';
    rkey[room] = '\0';
    int length = sprintf(
        text, COMMIT(AT("create") "\"rkey\":\"%s\",\"record\":{\"tags\":[\"a\\n\"]}"), rkey);
    int status = ht_tweet_read(*state, ht_slice_make(text, (size_t)length), NULL, &tweet, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(tweet.id.length, strlen("at://did:plc:a/app.bsky.feed.post/") + room - 1);
    assert_true(ht_slice_equal(tweet.hashtags[0], HT_SLICE("a\n")));
    free(rkey);
    free(text);
}

/* -- against jansson ------------------------------------------------------------------------ */

static bool judge_features(const struct ht_json *features, struct verdict *verdict)
{
    for (size_t i = 0; i < ht_json_count(features); i++) {
        const struct ht_json *feature = ht_json_element(features, i);
        const struct ht_json *type = ht_json_member(feature, "$type");
        const struct ht_json *tag = ht_json_member(feature, "tag");
        if (!is_a(feature, HT_JSON_OBJECT) || (type != NULL && !is_a(type, HT_JSON_STRING))) {
            verdict->skipped++;
        } else if (says(type, "app.bsky.richtext.facet#tag")) {
            judge_tag(verdict, is_a(tag, HT_JSON_STRING) ? ht_json_text(tag) : HT_SLICE(""));
        }
    }
    return true;
}

static void judge_record(const struct ht_json *record, struct verdict *verdict)
{
    const struct ht_json *facets = there(record, "facets"), *tags = there(record, "tags");
    verdict->skipped += record != NULL && !is_a(record, HT_JSON_OBJECT);
    verdict->skipped += facets != NULL && !is_a(facets, HT_JSON_ARRAY);
    verdict->skipped += tags != NULL && !is_a(tags, HT_JSON_ARRAY);
    for (size_t i = 0; is_a(facets, HT_JSON_ARRAY) && i < ht_json_count(facets); i++) {
        const struct ht_json *facet = ht_json_element(facets, i);
        const struct ht_json *features = there(facet, "features");
        verdict->skipped += !is_a(facet, HT_JSON_OBJECT);
        verdict->skipped += features != NULL && !is_a(features, HT_JSON_ARRAY);
        if (is_a(features, HT_JSON_ARRAY)) {
            judge_features(features, verdict);
        }
    }
    for (size_t i = 0; is_a(tags, HT_JSON_ARRAY) && i < ht_json_count(tags); i++) {
        const struct ht_json *tag = ht_json_element(tags, i);
        judge_tag(verdict, is_a(tag, HT_JSON_STRING) ? ht_json_text(tag) : HT_SLICE(""));
    }
}

static void judge_event(const struct ht_json *root, struct verdict *verdict)
{
    const struct ht_json *did = there(root, "did"), *kind = there(root, "kind");
    const struct ht_json *commit = there(root, "commit");
    if (did == NULL || kind == NULL) {
        return; /* something else; no row has "$type" in front */
    }
    verdict->is_tweet = -1;
    if (!is_a(kind, HT_JSON_STRING)) {
        return;
    }
    const struct ht_json *collection = there(commit, "collection");
    const struct ht_json *operation = there(commit, "operation"), *rkey = there(commit, "rkey");
    if (says(kind, "commit") &&
        (!is_a(collection, HT_JSON_STRING) || ht_json_text(collection).length == 0)) {
        return;
    }
    if (!says(kind, "commit") || !says(collection, "app.bsky.feed.post")) {
        verdict->is_tweet = 0;
        return;
    }
    if (!is_a(operation, HT_JSON_STRING) || ht_json_text(operation).length == 0) {
        return;
    }
    if (!says(operation, "create") && !says(operation, "update")) {
        verdict->is_tweet = 0;
        return;
    }
    if (!is_a(did, HT_JSON_STRING) || ht_json_text(did).length == 0 ||
        !is_a(rkey, HT_JSON_STRING) || ht_json_text(rkey).length == 0) {
        return;
    }
    verdict->is_tweet = 1;
    verdict->is_edit = says(operation, "update");
    snprintf(verdict->id, sizeof(verdict->id), "at://%s/app.bsky.feed.post/%s",
             ht_json_text(did).data, ht_json_text(rkey).data);
    judge_record(there(commit, "record"), verdict);
}

static const char *const pieces[] = {
    "\"did\":\"d\",",
    "\"kind\":\"commit\",",
    "\"commit\":{",
    "\"rkey\":\"k\",",
    "\"record\":",
    "\"facets\":[",
    "\"tags\":[",
    "\"features\":[",
    (TAG("\"t\"")),
    "null",
    "{}",
    "[]",
    "\"x\"",
    "5",
    "}",
    "]",
    ",",
    ":",
    "\"",
    "\\u0061",
    "{",
    "[",
    "update",
    "app.bsky.feed.post",
};

static bool is_for_the_judge(const char *text)
{
    return strstr(text, "payload") == NULL && strstr(text, "\"#") == NULL &&
           strstr(text, "\\n") == NULL;
}

static void agrees_with_the_judge_on_changed_rows(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        if (is_for_the_judge(rows[i].text)) {
            struct ht_slice text = ht_slice_text(rows[i].text);
            judge_message(*state, text, judge_event);
            judge_wrong_types(*state, text, judge_event);
            judge_changes(*state, text, pieces, HT_COUNT_OF(pieces), judge_event);
        }
    }
}

static void agrees_with_the_judge_on_captures(void **state)
{
    struct shared_lines lines;
    struct ht_slice line;
    size_t events = 0;
    if (!shared_open_pattern(&lines, "bluesky/*.jsonl")) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    while (shared_next(&lines, &line)) {
        struct ht_tweet tweet;
        assert_int_equal(ht_tweet_read(*state, line, NULL, &tweet, NULL), 0);
        assert_true(tweet.kind != HT_TWEET_KIND_UNKNOWN);
        judge_message(*state, line, judge_event);
        if (tweet.kind == HT_TWEET_KIND_TWEET) {
            judge_wrong_types(*state, line, judge_event);
        }
        events++;
    }
    assert_true(events > 150);
    shared_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_an_event_says),
        cmocka_unit_test(refuses_what_has_no_identity),
        cmocka_unit_test(has_an_end_with_huge_lists),
        cmocka_unit_test(has_room_for_escapes),
        cmocka_unit_test(agrees_with_the_judge_on_changed_rows),
        cmocka_unit_test(agrees_with_the_judge_on_captures),
    };
    return cmocka_run_group_tests(tests, make_reader, finish_reader);
}
