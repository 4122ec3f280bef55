// SPDX-License-Identifier: MIT
#include "../../support/shared.h"

#include "judge.h"

#define STATUS(inner)                                                                              \
    "{\"account\":{\"id\":\"4\",\"url\":\"https://a/@b\"},\"content\":\"x\"," inner "}"
#define URI        "\"id\":\"7\",\"uri\":\"https://a/7\",\"url\":\"https://a/@b/7\""
#define NAME(text) "{\"name\":\"" text "\",\"url\":\"https://a/tags/x\"}"
#define TAGS(list) ",\"tags\":[" list "]"
#define FRAME(event, payload)                                                                      \
    "{\"stream\":[\"public\"],\"event\":\"" event "\",\"payload\":" payload "}"
/* a status as the text of a WebSocket's event */
#define INNER(more)                                                                                \
    "\"{\\\"account\\\":{},\\\"content\\\":\\\"\\\",\\\"uri\\\":\\\"https:\\/\\/a\\/7\\\"" more    \
    "}\""

static const struct row rows[] = {
    {"no hashtags", STATUS(URI TAGS("")), HT_TWEET_KIND_TWEET, "https://a/7", "", .skipped = 0},
    {"hashtags", STATUS(URI TAGS(NAME("a") "," NAME("B"))), HT_TWEET_KIND_TWEET, "https://a/7",
     "a B", .skipped = 0},
    {"tags first", "{\"tags\":[" NAME("a") "],\"id\":\"7\",\"account\":{}}", HT_TWEET_KIND_TWEET,
     "7", "a", .skipped = 0},
    {"no tags", STATUS(URI), HT_TWEET_KIND_TWEET, "https://a/7", "", .skipped = 0},
    {"tags null", STATUS(URI ",\"tags\":null"), HT_TWEET_KIND_TWEET, "https://a/7", "",
     .skipped = 0},
    {"no uri", STATUS("\"id\":\"7\",\"url\":\"https://a/@b/7\"" TAGS("")), HT_TWEET_KIND_TWEET,
     "https://a/@b/7", "", .skipped = 0},
    {"uri and url null", STATUS("\"uri\":null,\"url\":null,\"id\":\"7\""), HT_TWEET_KIND_TWEET, "7",
     "", .skipped = 0},
    {"uri and url empty", STATUS("\"uri\":\"\",\"url\":\"\",\"id\":\"7\""), HT_TWEET_KIND_TWEET,
     "7", "", .skipped = 0},
    {"the id a number", STATUS("\"id\":7"), HT_TWEET_KIND_TWEET, "7", "", .skipped = 0},
    {"with the text that was typed", STATUS(URI ",\"text\":\"#x\"" TAGS(NAME("a"))),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .skipped = 0},
    {"an edit", STATUS(URI ",\"edited_at\":\"2026-01-01T00:00:00Z\"" TAGS(NAME("a"))),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .is_edit = true},
    {"no edit", STATUS(URI ",\"edited_at\":null" TAGS(NAME("a"))), HT_TWEET_KIND_TWEET,
     "https://a/7", "a", .skipped = 0},
    {"a boost",
     STATUS(URI ",\"reblog\":{\"id\":\"1\",\"uri\":\"https://c/1\",\"tags\":[" NAME("a") "]}" TAGS(
         NAME("x"))),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .is_retweet = true},
    {"a boost of one without", STATUS(URI ",\"reblog\":{}" TAGS(NAME("x"))), HT_TWEET_KIND_TWEET,
     "https://a/7", "", .is_retweet = true},
    {"no boost", STATUS(URI ",\"reblog\":null" TAGS(NAME("a"))), HT_TWEET_KIND_TWEET, "https://a/7",
     "a", .skipped = 0},
    {"a quote", STATUS(URI ",\"quote\":{\"tags\":[" NAME("q") "]}" TAGS(NAME("a"))),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .skipped = 0},
    {"escapes",
     "{\"\\u0061ccount\":{},\"t\\u0061gs\":[{\"n\\u0061me\":\"\\u00e4\\ud83d\\ude00\"},"
     "{\"name\":\"b\\/\"}],\"ur\\u0069\":\"https:\\/\\/a\\/7\"}",
     HT_TWEET_KIND_TWEET, "https://a/7", "ä😀 b/", .skipped = 0},
    {"of a repeated key the last",
     STATUS("\"uri\":\"x\",\"uri\":\"https://a/7\",\"tags\":[7],\"tags\":[{\"name\":\"x\","
            "\"name\":\"a\"}]"),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .skipped = 0},
    {"empty ones", STATUS(URI TAGS(NAME("") "," NAME("#") "," NAME("a"))), HT_TWEET_KIND_TWEET,
     "https://a/7", "a", .skipped = 2},
    {"what is not read is not judged",
     STATUS(URI ",\"visibility\":5,\"poll\":[],\"text\":{}" TAGS("{\"name\":\"a\",\"url\":7}")),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .skipped = 0},
};

static const struct row frames[] = {
    {"a status", FRAME("update", INNER(",\\\"tags\\\":[{\\\"name\\\":\\\"a\\\\u00e4\\\"}]")),
     HT_TWEET_KIND_TWEET, "https://a/7", "aä", .skipped = 0},
    {"an edit", FRAME("status.update", INNER(",\\\"tags\\\":[{\\\"name\\\":\\\"a\\\"}]")),
     HT_TWEET_KIND_TWEET, "https://a/7", "a", .is_edit = true},
    {"the event's name with escapes", FRAME("upd\\u0061te", INNER("")), HT_TWEET_KIND_TWEET,
     "https://a/7", "", .skipped = 0},
    {"a deletion", "{\"event\":\"delete\",\"payload\":\"114\"}", HT_TWEET_KIND_DELETE, "114", "",
     .skipped = 0},
    {"a deletion by number", "{\"event\":\"delete\",\"payload\":114}", HT_TWEET_KIND_DELETE, "114",
     "", .skipped = 0},
    {"a deletion of nothing", "{\"event\":\"delete\",\"payload\":\"\"}", HT_TWEET_KIND_DELETE, "",
     "", .skipped = 0},
    {"a strange deletion", "{\"event\":\"delete\",\"payload\":{\"id\":\"5\"}}",
     HT_TWEET_KIND_DELETE, "", "", .skipped = 0},
    {"a notification", FRAME("notification", "\"{}\""), HT_TWEET_KIND_EVENT, "", "", .skipped = 0},
    {"no status inside", FRAME("update", "\"{\\\"id\\\":1}\""), HT_TWEET_KIND_UNKNOWN, "", "",
     .skipped = 0},
};

static const struct row others[] = {
    {"a notification", "{\"id\":\"1\",\"type\":\"mention\",\"account\":{},\"status\":{}}",
     HT_TWEET_KIND_UNKNOWN, "", "", .skipped = 0},
    {"an announcement", "{\"id\":\"1\",\"content\":\"x\",\"tags\":[" NAME("a") "]}",
     HT_TWEET_KIND_UNKNOWN, "", "", .skipped = 0},
    {"a tweet", "{\"id\":1,\"account\":null,\"text\":\"x\",\"tags\":[" NAME("a") "]}",
     HT_TWEET_KIND_TWEET, "1", "", .skipped = 0},
    {"X's event", "{\"event\":\"favorite\",\"source\":{}}", HT_TWEET_KIND_EVENT, "", "",
     .skipped = 0},
};

static void says_what_a_status_says(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        check_row(*state, &rows[i], HT_TWEET_NETWORK_MASTODON);
    }
}

static void reads_what_a_websocket_brings(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(frames); i++) {
        check_row(*state, &frames[i], HT_TWEET_NETWORK_MASTODON);
    }
}

static void takes_nothing_else_for_a_status(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(others); i++) {
        check_row(*state, &others[i], HT_TWEET_NETWORK_TWITTER);
    }
}

static const struct refused_row refused[] = {
    {"nothing to know it by", STATUS("\"tags\":[]"), HT_TWEET_REFUSAL_NO_ID, "the status has no"},
    {"uri a number", STATUS("\"uri\":5"), HT_TWEET_REFUSAL_WRONG_TYPE, "uri is not a string"},
    {"all empty", STATUS("\"uri\":\"\",\"id\":\"\""), HT_TWEET_REFUSAL_NO_ID,
     "the tweet's id is empty"},
    {"url a list", STATUS("\"url\":[]"), HT_TWEET_REFUSAL_WRONG_TYPE, "url is not a string"},
    {"id an object", STATUS("\"id\":{}"), HT_TWEET_REFUSAL_WRONG_TYPE, "the id is not"},
    {"reblog true", STATUS(URI ",\"reblog\":true"), HT_TWEET_REFUSAL_WRONG_TYPE,
     "reblog is not an object"},
    {"tags an object", STATUS(URI ",\"tags\":{}"), HT_TWEET_REFUSAL_WRONG_TYPE,
     "tags is not an array"},
    {"the original's tags a string", STATUS(URI ",\"reblog\":{\"tags\":\"x\"}"),
     HT_TWEET_REFUSAL_WRONG_TYPE, "tags is not an array"},
    {"a tag a string", STATUS(URI TAGS("\"a\"")), HT_TWEET_REFUSAL_WRONG_TYPE,
     "an element of tags is not an object"},
    {"a name null", STATUS(URI TAGS(NAME("a") ",{\"name\":null}")), HT_TWEET_REFUSAL_WRONG_TYPE,
     "the name of a tag is not a string"},
    {"payload an object", FRAME("update", "{\"id\":1}"), HT_TWEET_REFUSAL_WRONG_TYPE,
     "payload is not a string"},
    {"payload no JSON", FRAME("update", "\"hello\""), HT_TWEET_REFUSAL_NOT_JSON, "not valid JSON"},
    {"payload cut off", FRAME("update", "\"{\\\"id\\\":\""), HT_TWEET_REFUSAL_CUT_OFF, "the text"},
    {"payload a list", FRAME("status.update", "\"[]\""), HT_TWEET_REFUSAL_WRONG_TYPE,
     "payload is not an object"},
    {"half a pair inside", FRAME("update", INNER(",\\\"a\\\":\\\"\\\\ud83d\\\"")),
     HT_TWEET_REFUSAL_LONE_SURROGATE, "half"},
    {"the inner id a list",
     FRAME("update", "\"{\\\"account\\\":{},\\\"tags\\\":[],\\\"id\\\":[]}\""),
     HT_TWEET_REFUSAL_WRONG_TYPE, "the id is not"},
};

static void refuses_what_cannot_be_read(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(refused); i++) {
        check_refused(*state, &refused[i]);
    }
}

static void boosts_may_be_ignored(void **state)
{
    const struct ht_tweet_options ignore = {.retweets = HT_TWEET_RETWEETS_IGNORE};
    struct ht_tweet tweet;
    struct ht_slice boost = HT_SLICE(STATUS(URI ",\"reblog\":{\"tags\":[" NAME("a") "]}"));
    assert_int_equal(ht_tweet_read(*state, boost, &ignore, &tweet, NULL), 0);
    assert_true(tweet.is_retweet);
    assert_int_equal(tweet.hashtag_count, 0);
}

static void has_an_end_with_huge_lists(void **state)
{
    static const size_t counts[] = {1000, 1001, 60000};
    for (size_t i = 0; i < HT_COUNT_OF(counts); i++) {
        struct ht_tweet tweet;
        char *text = malloc(64 + counts[i] * 16);
        size_t length = (size_t)sprintf(text, "{\"account\":{},\"id\":\"7\",\"tags\":[");
        for (size_t k = 0; k < counts[i]; k++) {
            length += (size_t)sprintf(text + length, "%s{\"name\":\"a\"}", k > 0 ? "," : "");
        }
        memcpy(text + length, "]}", 3);
        int status = ht_tweet_read(*state, ht_slice_text(text), NULL, &tweet, NULL);
        assert_int_equal(status, counts[i] <= 1000 ? 0 : HT_EPARSE);
        assert_int_equal(tweet.hashtag_count, counts[i] <= 1000 ? 1000 : 0);
        free(text);
    }
}

/* The largest event, whose text and whose text's texts are all escapes. */
static void has_room_for_escapes_in_escapes(void **state)
{
    struct ht_tweet tweet;
    char *text = malloc(HT_TWEET_BYTES_MAX + 1);
    size_t length = (size_t)sprintf(
        text, "{\"ev\\u0065nt\":\"upd\\u0061te\",\"payload\":\"{\\\"account\\\":{},\\\"tags\\\":"
              "[{\\\"name\\\":\\\"\\\\n\\\"}],\\\"uri\\\":\\\"");
    size_t escapes = 0;
    while (length < HT_TWEET_BYTES_MAX - 16) {
        memcpy(text + length, "\\\\n", 3);
        length += 3;
        escapes++;
    }
    length += (size_t)sprintf(text + length, "\\\"}\"}");
    for (size_t spare = 0; length < HT_TWEET_BYTES_MAX && spare < 16; spare++) {
        text[length++] = ' ';
    }
    assert_int_equal(ht_tweet_read(*state, ht_slice_make(text, length), NULL, &tweet, NULL), 0);
    assert_int_equal(tweet.id.length, escapes);
    assert_true(ht_slice_equal(tweet.hashtags[0], HT_SLICE("\n")));
    free(text);
}

/* -- against jansson ------------------------------------------------------------------------ */

static int judge_identity(const struct ht_json *status, struct verdict *verdict)
{
    static const char *const keys[] = {"uri", "url"};
    for (size_t i = 0; i < HT_COUNT_OF(keys); i++) {
        const struct ht_json *value = there(status, keys[i]);
        if (value != NULL && !says(value, "")) {
            struct ht_slice text = ht_json_text(value);
            snprintf(verdict->id, sizeof(verdict->id), "%s", text.length > 0 ? text.data : "");
            return is_a(value, HT_JSON_STRING) && text.length > 0 ? 1 : -1;
        }
    }
    const struct ht_json *id = there(status, "id");
    if (is_a(id, HT_JSON_INTEGER)) {
        snprintf(verdict->id, sizeof(verdict->id), "%lld", (long long)ht_json_i64(id));
        return 1;
    }
    struct ht_slice text = ht_json_text(id);
    snprintf(verdict->id, sizeof(verdict->id), "%s", text.length > 0 ? text.data : "");
    return is_a(id, HT_JSON_STRING) && text.length > 0 ? 1 : -1;
}

static void judge_status(const struct ht_json *root, struct verdict *verdict)
{
    const struct ht_json *reblog = there(root, "reblog");
    if (there(root, "account") == NULL ||
        (there(root, "content") == NULL && there(root, "tags") == NULL)) {
        verdict->is_tweet = there(root, "text") != NULL ? judge_identity(root, verdict) : 0;
        if (verdict->is_tweet != 0) {
            fail_msg("no such row may lose its account");
        }
        return;
    }
    verdict->is_edit = there(root, "edited_at") != NULL;
    verdict->is_retweet = reblog != NULL;
    verdict->is_tweet = -1;
    const struct ht_json *tags = there(reblog != NULL ? reblog : root, "tags");
    if (judge_identity(root, verdict) < 0 || (reblog != NULL && !is_a(reblog, HT_JSON_OBJECT)) ||
        (tags != NULL && !is_a(tags, HT_JSON_ARRAY))) {
        return;
    }
    for (size_t i = 0; i < ht_json_count(tags); i++) {
        const struct ht_json *name = there(ht_json_element(tags, i), "name");
        if (!is_a(name, HT_JSON_STRING)) {
            return;
        }
        judge_tag(verdict, ht_json_text(name));
    }
    verdict->is_tweet = 1;
}

static const char *const pieces[] = {
    "\"uri\":\"u\",",
    "\"url\":",
    "\"id\":\"3\",",
    "\"account\":{},",
    "\"reblog\":{",
    "\"tags\":[",
    (NAME("t")),
    "\"name\":",
    "\"edited_at\":",
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
};

static void agrees_with_the_judge_on_changed_rows(void **state)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        if (strstr(rows[i].text, "\"text\"") == NULL && strstr(rows[i].text, "\"#") == NULL) {
            struct ht_slice text = ht_slice_text(rows[i].text);
            judge_message(*state, text, judge_status);
            judge_wrong_types(*state, text, judge_status);
            judge_changes(*state, text, pieces, HT_COUNT_OF(pieces), judge_status);
        }
    }
}

/* The data of the events of a captured body, one line each. */
static size_t judge_lines(struct ht_tweet_reader *reader, struct ht_slice body)
{
    size_t statuses = 0;
    for (size_t at = 0; at < body.length;) {
        const char *line = body.data + at;
        const char *end = memchr(line, '\n', body.length - at);
        size_t length = end == NULL ? body.length - at : (size_t)(end - line);
        at += length + 1;
        if (length > 7 && memcmp(line, "data: {", 7) == 0) {
            struct ht_slice data = ht_slice_make(line + 6, length - 6);
            struct ht_tweet tweet;
            assert_int_equal(ht_tweet_read(reader, data, NULL, &tweet, NULL), 0);
            judge_message(reader, data, judge_status);
            statuses += tweet.kind == HT_TWEET_KIND_TWEET;
        }
    }
    return statuses;
}

static void agrees_with_the_judge_on_captures(void **state)
{
    struct shared_lines files;
    size_t statuses = 0;
    if (!shared_open_pattern(&files, "mastodon/*.sse")) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    while (shared_load(&files)) {
        statuses += judge_lines(*state, ht_buffer_slice(&files.text));
    }
    assert_true(statuses >= 14);
    shared_close(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_a_status_says),
        cmocka_unit_test(reads_what_a_websocket_brings),
        cmocka_unit_test(takes_nothing_else_for_a_status),
        cmocka_unit_test(refuses_what_cannot_be_read),
        cmocka_unit_test(boosts_may_be_ignored),
        cmocka_unit_test(has_an_end_with_huge_lists),
        cmocka_unit_test(has_room_for_escapes_in_escapes),
        cmocka_unit_test(agrees_with_the_judge_on_changed_rows),
        cmocka_unit_test(agrees_with_the_judge_on_captures),
    };
    return cmocka_run_group_tests(tests, make_reader, finish_reader);
}
