// SPDX-License-Identifier: MIT

/**
 * The tweet reader against a judge that follows the rules of tweet/tweet.h over a tree of jansson:
 * both agree on what is refused, on kind, identity, hashtags and flags, whatever the bytes. What the
 * note of a tweet says is compared with the tweet as well.
 */

#include "fuzz_data.h"
#include "hashtagd/json/json.h"
#include "hashtagd/tweet/fold.h"
#include "hashtagd/tweet/tweet.h"
#include "hashtagd/tweet/tweet_note.h"

static const struct ht_hash_key hash_key = {5, 6};

/* What the judge found; texts are owned. */
struct verdict {
    bool is_refused;
    enum ht_tweet_kind kind;
    enum ht_tweet_network network;
    struct ht_buffer id, tags; /* tags: each with its length in front */
    int64_t number;
    bool is_editable, is_edit, is_retweet, is_original_missing;
    size_t count, tag_bytes, empty_count;
};

static void refuse(struct verdict *verdict)
{
    verdict->is_refused = true;
}

static const struct ht_json *there(const struct ht_json *object, const char *key)
{
    const struct ht_json *value = ht_json_member(object, key);
    return value == NULL || ht_json_type(value) == HT_JSON_NULL ? NULL : value;
}

static bool is_a(const struct ht_json *value, enum ht_json_type type)
{
    return value != NULL && ht_json_type(value) == type;
}

/* Not there, or of this type. */
static bool may_be(const struct ht_json *value, enum ht_json_type type)
{
    return value == NULL || is_a(value, type);
}

static bool says(const struct ht_json *value, const char *text)
{
    return is_a(value, HT_JSON_STRING) && ht_slice_equal(ht_json_text(value), ht_slice_text(text));
}

static bool has_text(const struct ht_json *value)
{
    return is_a(value, HT_JSON_STRING) && ht_json_text(value).length > 0;
}

static bool take_id(const struct ht_json *value, struct verdict *verdict)
{
    ht_buffer_clear(&verdict->id);
    if (is_a(value, HT_JSON_INTEGER)) {
        (void)ht_json_dump(value, &verdict->id);
        return true;
    }
    ht_buffer_append_slice(&verdict->id, ht_json_text(value));
    return has_text(value);
}

static void take_tag(struct verdict *verdict, const struct ht_json *value)
{
    struct ht_slice tag = ht_json_text(value);
    if (!is_a(value, HT_JSON_STRING) || ht_fold_strip_hash(tag).length == 0) {
        verdict->empty_count++;
        return;
    }
    verdict->count++;
    verdict->tag_bytes += tag.length;
    ht_buffer_append_format(&verdict->tags, "%zu:", tag.length);
    ht_buffer_append_slice(&verdict->tags, tag);
    if (verdict->count > HT_TWEET_HASHTAGS_MAX || verdict->tag_bytes > HT_TWEET_HASHTAG_BYTES_MAX) {
        refuse(verdict);
    }
}

/* -- X ---------------------------------------------------------------------------------- */

static bool looks_like_tweet(const struct ht_json *value)
{
    static const char *const marks[] = {
        "text",       "full_text",        "entities",         "extended_tweet",
        "note_tweet", "retweeted_status", "referenced_tweets"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (there(value, marks[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_same_id(const struct ht_json *a, const struct ht_json *b)
{
    if (a == NULL || b == NULL || ht_json_type(a) != ht_json_type(b)) {
        return false;
    }
    return is_a(a, HT_JSON_INTEGER)
               ? ht_json_i64(a) == ht_json_i64(b)
               : has_text(a) && ht_slice_equal(ht_json_text(a), ht_json_text(b));
}

static const struct ht_json *original_of(const struct ht_json *tweet,
                                         const struct ht_json *includes, struct verdict *verdict)
{
    const struct ht_json *retweeted = there(tweet, "retweeted_status");
    const struct ht_json *list = there(tweet, "referenced_tweets");
    if (!may_be(retweeted, HT_JSON_OBJECT) || !may_be(list, HT_JSON_ARRAY)) {
        refuse(verdict);
        return tweet;
    }
    verdict->is_retweet = retweeted != NULL;
    if (retweeted != NULL) {
        return retweeted;
    }
    for (size_t i = 0; i < ht_json_count(list); i++) {
        const struct ht_json *reference = ht_json_element(list, i);
        if (!is_a(reference, HT_JSON_OBJECT)) {
            refuse(verdict);
            return tweet;
        }
        if (!says(there(reference, "type"), "retweeted")) {
            continue;
        }
        verdict->is_retweet = true;
        if (looks_like_tweet(reference)) {
            return reference;
        }
        const struct ht_json *tweets = there(includes, "tweets");
        if (!may_be(includes, HT_JSON_OBJECT) || !may_be(tweets, HT_JSON_ARRAY)) {
            refuse(verdict);
        }
        for (size_t k = 0; k < ht_json_count(tweets); k++) {
            const struct ht_json *candidate = ht_json_element(tweets, k);
            if (is_same_id(there(candidate, "id"), there(reference, "id"))) {
                return candidate;
            }
        }
        verdict->is_original_missing = true;
        return tweet;
    }
    return tweet;
}

static void take_entities(const struct ht_json *tweet, struct verdict *verdict)
{
    const struct ht_json *note = there(tweet, "note_tweet");
    const struct ht_json *extended = there(tweet, "extended_tweet");
    const struct ht_json *entities = there(extended, "entities");
    entities = entities != NULL ? entities : there(note, "entities");
    entities = entities != NULL ? entities : there(tweet, "entities");
    const struct ht_json *list = there(entities, "hashtags");
    if (!may_be(note, HT_JSON_OBJECT) || !may_be(extended, HT_JSON_OBJECT) ||
        !may_be(entities, HT_JSON_OBJECT) || !may_be(list, HT_JSON_ARRAY)) {
        refuse(verdict);
    }
    for (size_t i = 0; !verdict->is_refused && i < ht_json_count(list); i++) {
        const struct ht_json *element = ht_json_element(list, i);
        const struct ht_json *text = there(element, "text");
        text = text != NULL ? text : there(element, "tag");
        if (!is_a(text, HT_JSON_STRING)) {
            refuse(verdict);
        } else {
            take_tag(verdict, text);
        }
    }
}

static void judge_tweet(const struct ht_json *tweet, const struct ht_json *includes,
                        bool ignores_retweets, struct verdict *verdict)
{
    const struct ht_json *history = there(tweet, "edit_history_tweet_ids");
    const struct ht_json *id = there(tweet, "id_str");
    id = id != NULL ? id : there(tweet, "id");
    id = ht_json_count(history) > 0 ? ht_json_element(history, 0) : id;
    verdict->kind = HT_TWEET_KIND_TWEET;
    if (!may_be(history, HT_JSON_ARRAY) || !take_id(id, verdict)) {
        refuse(verdict);
        return;
    }
    const struct ht_json *original = original_of(tweet, includes, verdict);
    if (!verdict->is_retweet || !ignores_retweets) {
        take_entities(original, verdict);
    }
}

static void take_deleted(const struct ht_json *status, struct verdict *verdict)
{
    const struct ht_json *id = there(status, "id_str");
    if (!take_id(id != NULL ? id : there(status, "id"), verdict)) {
        ht_buffer_clear(&verdict->id);
    }
}

static void judge_compliance(const struct ht_json *data, struct verdict *verdict)
{
    struct ht_json_members members = ht_json_members(data);
    while (ht_json_members_next(&members)) {
        if (there(members.value, "event_at") == NULL) {
            continue;
        }
        verdict->kind = HT_TWEET_KIND_COMPLIANCE;
        if (ht_slice_equal(members.key, HT_SLICE("delete"))) {
            verdict->kind = HT_TWEET_KIND_DELETE;
            take_deleted(there(members.value, "tweet"), verdict);
        }
        return;
    }
}

static int64_t number_of(const struct ht_json *value)
{
    int64_t number = is_a(value, HT_JSON_INTEGER) ? ht_json_i64(value) : 0;
    return number > 0 ? number : 0;
}

static void judge_notice(const struct ht_json *root, struct verdict *verdict)
{
    static const char *const names[] = {
        "delete",        "limit",   "disconnect", "warning",        "scrub_geo", "status_withheld",
        "user_withheld", "friends", "event",      "direct_message", "control",   "for_user"};
    if (is_a(there(root, "errors"), HT_JSON_ARRAY) ||
        (is_a(there(root, "title"), HT_JSON_STRING) &&
         is_a(there(root, "detail"), HT_JSON_STRING))) {
        verdict->kind = HT_TWEET_KIND_ERRORS;
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct ht_json *notice = there(root, names[i]);
        if (notice == NULL) {
            continue;
        }
        verdict->kind = (enum ht_tweet_kind)(HT_TWEET_KIND_DELETE + (int)i);
        if (i == 0) {
            take_deleted(there(notice, "status"), verdict);
        }
        verdict->number = number_of(i == 1   ? there(notice, "track")
                                    : i == 2 ? there(notice, "code")
                                             : NULL);
        return;
    }
}

/* -- Bluesky ---------------------------------------------------------------------------- */

static bool is_event(const struct ht_json *object)
{
    return there(object, "did") != NULL &&
           (there(object, "kind") != NULL || there(object, "$type") != NULL);
}

/* Something of a user's record that is there and of the wrong type is left out and counted. */
static bool is_usable(const struct ht_json *value, enum ht_json_type type, struct verdict *verdict)
{
    verdict->empty_count += value != NULL && !is_a(value, type);
    return is_a(value, type);
}

static void take_features(const struct ht_json *features, struct verdict *verdict)
{
    for (size_t i = 0; !verdict->is_refused && i < ht_json_count(features); i++) {
        const struct ht_json *feature = ht_json_element(features, i);
        const struct ht_json *type = ht_json_member(feature, "$type");
        if (is_usable(feature, HT_JSON_OBJECT, verdict) &&
            is_usable(type, HT_JSON_STRING, verdict) && says(type, "app.bsky.richtext.facet#tag")) {
            take_tag(verdict, ht_json_member(feature, "tag"));
        }
    }
}

static void take_record(const struct ht_json *record, struct verdict *verdict)
{
    if (!is_usable(record, HT_JSON_OBJECT, verdict)) {
        return;
    }
    const struct ht_json *facets = there(record, "facets"), *tags = there(record, "tags");
    if (is_usable(facets, HT_JSON_ARRAY, verdict)) {
        for (size_t i = 0; !verdict->is_refused && i < ht_json_count(facets); i++) {
            const struct ht_json *facet = ht_json_element(facets, i);
            const struct ht_json *features = there(facet, "features");
            if (is_usable(facet, HT_JSON_OBJECT, verdict) &&
                is_usable(features, HT_JSON_ARRAY, verdict)) {
                take_features(features, verdict);
            }
        }
    }
    if (!verdict->is_refused && is_usable(tags, HT_JSON_ARRAY, verdict)) {
        for (size_t i = 0; !verdict->is_refused && i < ht_json_count(tags); i++) {
            take_tag(verdict, ht_json_element(tags, i));
        }
    }
}

static void judge_commit(const struct ht_json *did, const struct ht_json *commit,
                         struct verdict *verdict)
{
    const struct ht_json *collection = there(commit, "collection");
    const struct ht_json *operation = there(commit, "operation"), *rkey = there(commit, "rkey");
    if (!has_text(collection)) {
        refuse(verdict);
        return;
    }
    if (!says(collection, "app.bsky.feed.post")) {
        verdict->kind = HT_TWEET_KIND_OTHER_RECORD;
        return;
    }
    if (!has_text(operation)) {
        refuse(verdict);
        return;
    }
    bool is_delete = says(operation, "delete");
    verdict->is_edit = says(operation, "update");
    if (!is_delete && !verdict->is_edit && !says(operation, "create")) {
        return;
    }
    verdict->kind = is_delete ? HT_TWEET_KIND_DELETE : HT_TWEET_KIND_TWEET;
    verdict->is_editable = !is_delete;
    if (!has_text(did) || !has_text(rkey)) {
        verdict->is_refused = !is_delete;
        return;
    }
    ht_buffer_append_text(&verdict->id, "at://");
    ht_buffer_append_slice(&verdict->id, ht_json_text(did));
    ht_buffer_append_text(&verdict->id, "/app.bsky.feed.post/");
    ht_buffer_append_slice(&verdict->id, ht_json_text(rkey));
    if (!is_delete) {
        take_record(there(commit, "record"), verdict);
    }
}

static void judge_event(const struct ht_json *event, struct verdict *verdict)
{
    const struct ht_json *kind = there(event, "kind");
    bool is_first = kind != NULL;
    kind = is_first ? kind : there(event, "$type");
    verdict->network = HT_TWEET_NETWORK_BLUESKY;
    if (!is_a(kind, HT_JSON_STRING)) {
        refuse(verdict);
        return;
    }
    struct ht_slice name = ht_json_text(kind);
    if (!is_first) {
        const char *hash = memchr(name.data, '#', name.length);
        name.length -= hash == NULL ? name.length : (size_t)(hash + 1 - name.data);
        name.data = hash == NULL ? "" : hash + 1;
    }
    if (ht_slice_equal(name, HT_SLICE("account"))) {
        verdict->kind = HT_TWEET_KIND_ACCOUNT;
    } else if (ht_slice_equal(name, HT_SLICE("identity"))) {
        verdict->kind = HT_TWEET_KIND_IDENTITY;
    } else if (ht_slice_equal(name, HT_SLICE("commit"))) {
        judge_commit(there(event, "did"), is_first ? there(event, "commit") : event, verdict);
    }
}

/* -- Mastodon --------------------------------------------------------------------------- */

static bool is_status(const struct ht_json *object)
{
    return there(object, "account") != NULL &&
           (there(object, "content") != NULL || there(object, "tags") != NULL);
}

static const struct ht_json *identity_of(const struct ht_json *status, struct verdict *verdict)
{
    static const char *const names[] = {"uri", "url"};
    for (size_t i = 0; i < 2; i++) {
        const struct ht_json *value = there(status, names[i]);
        if (!may_be(value, HT_JSON_STRING)) {
            refuse(verdict);
        }
        if (value != NULL && !says(value, "")) {
            return value;
        }
    }
    return there(status, "id");
}

static void judge_status(const struct ht_json *status, bool ignores_retweets,
                         struct verdict *verdict)
{
    const struct ht_json *reblog = there(status, "reblog");
    verdict->kind = HT_TWEET_KIND_TWEET;
    verdict->network = HT_TWEET_NETWORK_MASTODON;
    verdict->is_editable = true;
    verdict->is_edit = there(status, "edited_at") != NULL;
    verdict->is_retweet = reblog != NULL;
    if (!take_id(identity_of(status, verdict), verdict) || !may_be(reblog, HT_JSON_OBJECT)) {
        refuse(verdict);
        return;
    }
    if (verdict->is_retweet && ignores_retweets) {
        return;
    }
    const struct ht_json *tags = there(reblog != NULL ? reblog : status, "tags");
    verdict->is_refused |= !may_be(tags, HT_JSON_ARRAY);
    for (size_t i = 0; !verdict->is_refused && i < ht_json_count(tags); i++) {
        const struct ht_json *name = there(ht_json_element(tags, i), "name");
        if (is_a(name, HT_JSON_STRING)) {
            take_tag(verdict, name);
        } else {
            refuse(verdict);
        }
    }
}

static struct ht_json *parse(struct ht_slice text);

static void judge_mastodon_event(const struct ht_json *root, bool ignores_retweets,
                                 struct verdict *verdict)
{
    const struct ht_json *event = there(root, "event"), *payload = there(root, "payload");
    bool is_edit = says(event, "status.update");
    verdict->network = HT_TWEET_NETWORK_MASTODON;
    verdict->kind = says(event, "delete") ? HT_TWEET_KIND_DELETE : HT_TWEET_KIND_EVENT;
    if (verdict->kind == HT_TWEET_KIND_DELETE && !take_id(payload, verdict)) {
        ht_buffer_clear(&verdict->id);
    }
    if (!is_edit && !says(event, "update")) {
        return;
    }
    struct ht_json *inner = is_a(payload, HT_JSON_STRING) ? parse(ht_json_text(payload)) : NULL;
    if (!is_a(inner, HT_JSON_OBJECT)) {
        refuse(verdict);
    } else if (is_status(inner)) {
        judge_status(inner, ignores_retweets, verdict);
        verdict->is_edit |= is_edit;
    } else {
        verdict->kind = HT_TWEET_KIND_UNKNOWN;
    }
    ht_json_destroy(inner);
}

/* -- the whole -------------------------------------------------------------------------- */

static bool is_too_deep(const struct ht_json *value, unsigned level)
{
    enum ht_json_type type = ht_json_type(value);
    if (type != HT_JSON_OBJECT && type != HT_JSON_ARRAY) {
        return false;
    }
    bool is_deep = level > HT_JSON_DEPTH_MAX;
    for (size_t i = 0; !is_deep && type == HT_JSON_ARRAY && i < ht_json_count(value); i++) {
        is_deep = is_too_deep(ht_json_element(value, i), level + 1);
    }
    struct ht_json_members members = ht_json_members(value);
    while (!is_deep && ht_json_members_next(&members)) {
        is_deep = is_too_deep(members.value, level + 1);
    }
    return is_deep;
}

/* jansson overlooks a NUL byte between values. */
static struct ht_json *parse(struct ht_slice text)
{
    bool has_nul = text.length > 0 && memchr(text.data, '\0', text.length) != NULL;
    return has_nul ? NULL : ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
}

static void judge_root(const struct ht_json *root, bool ignores_retweets, struct verdict *verdict)
{
    const struct ht_json *data = there(root, "data"), *payload = there(root, "payload");
    if (is_event(root)) {
        judge_event(root, verdict);
    } else if (data != NULL && !is_a(data, HT_JSON_OBJECT)) {
        refuse(verdict);
    } else if (looks_like_tweet(data)) {
        judge_tweet(data, there(root, "includes"), ignores_retweets, verdict);
    } else if (data != NULL) {
        judge_compliance(data, verdict);
    } else if (is_status(root)) {
        judge_status(root, ignores_retweets, verdict);
    } else if (looks_like_tweet(root)) {
        judge_tweet(root, NULL, ignores_retweets, verdict);
    } else if (is_event(payload)) {
        judge_event(payload, verdict);
    } else if (is_a(there(root, "event"), HT_JSON_STRING) && payload != NULL) {
        judge_mastodon_event(root, ignores_retweets, verdict);
    } else {
        judge_notice(root, verdict);
    }
}

/* Values that the last one of a repeated key covers may still make a text too deep. Such a text is
 * looked at for agreement only where it is shallow. */
static unsigned bracket_depth(struct ht_slice text)
{
    unsigned depth = 0, most = 0;
    for (size_t i = 0; i < text.length; i++) {
        depth += text.data[i] == '{' || text.data[i] == '[';
        most = depth > most ? depth : most;
    }
    return most;
}

static void compare(const struct ht_tweet *tweet, int status, const struct verdict *verdict,
                    struct ht_slice text)
{
    struct ht_buffer tags;
    ht_buffer_init(&tags, 1u << 22);
    FUZZ_CHECK((status != 0) == verdict->is_refused, "reader %d %s, judge %d: %.*s", status,
               ht_tweet_refusal_name(tweet->refusal), verdict->is_refused, FUZZ_TEXT(text));
    if (status != 0) {
        FUZZ_CHECK(tweet->refusal != HT_TWEET_REFUSAL_NONE && tweet->hashtag_count == 0, "%d",
                   status);
        return;
    }
    for (size_t i = 0; i < tweet->hashtag_count; i++) {
        ht_buffer_append_format(&tags, "%zu:", tweet->hashtags[i].length);
        ht_buffer_append_slice(&tags, tweet->hashtags[i]);
    }
    struct ht_slice id = ht_buffer_slice(&verdict->id), expected = ht_buffer_slice(&verdict->tags);
    bool is_zero = ht_slice_equal(id, HT_SLICE("0")) && ht_slice_equal(tweet->id, HT_SLICE("-0"));
    FUZZ_CHECK(tweet->kind == verdict->kind, "%s, judge %s: %.*s", ht_tweet_kind_name(tweet->kind),
               ht_tweet_kind_name(verdict->kind), FUZZ_TEXT(text));
    FUZZ_CHECK(is_zero || ht_slice_equal(tweet->id, id), "'%.*s', judge '%.*s': %.*s",
               FUZZ_TEXT(tweet->id), FUZZ_TEXT(id), FUZZ_TEXT(text));
    FUZZ_CHECK(ht_slice_equal(ht_buffer_slice(&tags), expected), "'%.*s', judge '%.*s': %.*s",
               (int)tags.length, tags.data, FUZZ_TEXT(expected), FUZZ_TEXT(text));
    FUZZ_CHECK(tweet->network == verdict->network && tweet->number == verdict->number &&
                   tweet->is_editable == verdict->is_editable &&
                   tweet->is_edit == verdict->is_edit && tweet->is_retweet == verdict->is_retweet &&
                   tweet->is_original_missing == verdict->is_original_missing &&
                   tweet->empty_hashtag_count == verdict->empty_count,
               "network %d, number %lld, flags %d%d%d%d, %zu empty: %.*s", (int)tweet->network,
               (long long)tweet->number, tweet->is_editable, tweet->is_edit, tweet->is_retweet,
               tweet->is_original_missing, tweet->empty_hashtag_count, FUZZ_TEXT(text));
    ht_buffer_finish(&tags);
}

static void check_key(const struct ht_tweet *tweet)
{
    char digits[24], text[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)tweet->key);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(tweet->id.length < 23 ? tweet->id.length : 23),
                   tweet->id.data == NULL ? "" : tweet->id.data);
    bool is_number = strcmp(digits, text) == 0;
    FUZZ_CHECK(tweet->id.length == 0 || is_number ||
                   tweet->key == ht_hash_bytes(&hash_key, tweet->id),
               "%s %s", digits, text);
}

/* A note says of the tweet what the tweet says. */
static void check_note(const struct ht_tweet *tweet, const struct ht_tweet_options *options,
                       struct ht_slice text)
{
    struct ht_tweet_reader reader;
    struct ht_tweet read, again;
    size_t bytes = tweet->kind == HT_TWEET_KIND_TWEET ? ht_tweet_note_bytes(tweet) : 0;
    if (bytes == 0) {
        return;
    }
    FUZZ_CHECK(bytes <= HT_TWEET_NOTE_MAX_BYTES, "%zu", bytes);
    char *note = malloc(bytes);
    ht_tweet_note_put(tweet, note);
    ht_tweet_reader_init(&reader, &hash_key);
    int status = ht_tweet_note_read(&reader, ht_slice_make(note, bytes), options, &read);
    FUZZ_CHECK(status == 0, "%d", status);
    struct ht_tweet_reader other;
    ht_tweet_reader_init(&other, &hash_key);
    status = ht_tweet_read(&other, text, options, &again, NULL);
    FUZZ_CHECK(status == 0 && read.key == again.key && read.kind == again.kind &&
                   read.hashtag_count == again.hashtag_count &&
                   read.is_retweet == again.is_retweet && read.is_edit == again.is_edit &&
                   read.is_editable == again.is_editable && read.network == again.network &&
                   read.empty_hashtag_count == again.empty_hashtag_count,
               "%.*s", FUZZ_TEXT(text));
    for (size_t i = 0; i < read.hashtag_count; i++) {
        FUZZ_CHECK(ht_slice_equal(read.hashtags[i], again.hashtags[i]), "%zu", i);
    }
    ht_tweet_reader_finish(&reader);
    ht_tweet_reader_finish(&other);
    free(note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ht_tweet_reader reader;
    struct fuzz_input input = fuzz_input(data, size);
    /* no message ends in it */
    bool ignores = size > 0 && data[size - 1] == 'i' && fuzz_take_byte(&input) == 'i';
    const struct ht_tweet_options options = {ignores ? HT_TWEET_RETWEETS_IGNORE
                                                     : HT_TWEET_RETWEETS_COUNT};
    struct ht_slice rest = fuzz_rest(&input);
    struct ht_tweet tweet;
    struct ht_error error = {0};
    ht_tweet_reader_init(&reader, &hash_key);
    char *copy = fuzz_copy(rest);
    struct ht_slice text = ht_slice_make(copy, rest.length);
    int status = ht_tweet_read(&reader, text, ignores ? &options : NULL, &tweet, &error);
    struct verdict verdict = {.is_refused = false};
    ht_buffer_init(&verdict.id, 1u << 22);
    ht_buffer_init(&verdict.tags, 1u << 22);
    struct ht_json *root = parse(text);
    if (!is_a(root, HT_JSON_OBJECT) || is_too_deep(root, 1)) {
        refuse(&verdict);
    } else {
        judge_root(root, ignores, &verdict);
    }
    ht_json_destroy(root);
    if (bracket_depth(text) <= HT_JSON_DEPTH_MAX) {
        compare(&tweet, status, &verdict, text);
        check_key(&tweet);
        if (status == 0 && !ignores) {
            check_note(&tweet, &options, text);
        }
    }
    ht_buffer_finish(&verdict.id);
    ht_buffer_finish(&verdict.tags);
    ht_tweet_reader_finish(&reader);
    free(copy);
    return 0;
}
