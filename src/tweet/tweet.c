// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/tweet.h"

#include "hashtagd/tweet/fold.h"

#include <stdlib.h>

/*
 * bytes --scan--> message --> envelope ("data")? --> tweet --> identity
 *                    |            |                    |--> its original, where it is a retweet
 *                    |            `--> compliance       `--> hashtags of the one or the other
 *                    `--> notice, or unknown
 */

/* Keys of tweets, envelopes and notices; the notices stand in the order of their kinds. */
#define TWEET_KEYS(X)                                                                              \
    X(ID, "id")                                                                                    \
    X(ID_STR, "id_str")                                                                            \
    X(EDIT_HISTORY, "edit_history_tweet_ids")                                                      \
    X(TEXT, "text")                                                                                \
    X(FULL_TEXT, "full_text")                                                                      \
    X(ENTITIES, "entities")                                                                        \
    X(EXTENDED, "extended_tweet")                                                                  \
    X(NOTE, "note_tweet")                                                                          \
    X(RETWEETED, "retweeted_status")                                                               \
    X(REFERENCED, "referenced_tweets")                                                             \
    X(TYPE, "type")                                                                                \
    X(DATA, "data")                                                                                \
    X(INCLUDES, "includes")                                                                        \
    X(ERRORS, "errors")                                                                            \
    X(TITLE, "title")                                                                              \
    X(DETAIL, "detail")                                                                            \
    X(DELETE, "delete")                                                                            \
    X(LIMIT, "limit")                                                                              \
    X(DISCONNECT, "disconnect")                                                                    \
    X(WARNING, "warning")                                                                          \
    X(SCRUB_GEO, "scrub_geo")                                                                      \
    X(STATUS_WITHHELD, "status_withheld")                                                          \
    X(USER_WITHHELD, "user_withheld")                                                              \
    X(FRIENDS, "friends")                                                                          \
    X(EVENT, "event")                                                                              \
    X(DIRECT_MESSAGE, "direct_message")                                                            \
    X(CONTROL, "control")                                                                          \
    X(FOR_USER, "for_user")

/* Keys of what is inside of those. */
#define INNER_KEYS(X)                                                                              \
    X(INNER_ENTITIES, "entities")                                                                  \
    X(INNER_HASHTAGS, "hashtags")                                                                  \
    X(INNER_TEXT, "text")                                                                          \
    X(INNER_TAG, "tag")                                                                            \
    X(INNER_TWEETS, "tweets")                                                                      \
    X(INNER_STATUS, "status")                                                                      \
    X(INNER_TWEET, "tweet")                                                                        \
    X(INNER_ID, "id")                                                                              \
    X(INNER_ID_STR, "id_str")                                                                      \
    X(INNER_TRACK, "track")                                                                        \
    X(INNER_CODE, "code")                                                                          \
    X(INNER_EVENT_AT, "event_at")

#define X(name, text) name,
enum { TWEET_KEYS(X) TWEET_KEY_COUNT };
enum { INNER_KEYS(X) INNER_KEY_COUNT };
#undef X

#define X(name, text) text,
static const char *const tweet_key_names[] = {TWEET_KEYS(X)};
static const char *const inner_key_names[] = {INNER_KEYS(X)};
#undef X

/* One read, on its way. Its steps return false where it is over; `result` says how. */
struct read {
    struct ht_tweet_reader *reader;
    struct ht_tweet *out;
    struct ht_error *error;
    int result;
};

/* The members of a tweet or message. */
struct fields {
    struct ht_json_value at[TWEET_KEY_COUNT];
};

static bool scan(struct read *read, struct ht_slice bytes);
static bool read_message(struct read *read, const struct ht_tweet_options *options);
static bool read_envelope(struct read *read, const struct fields *envelope,
                          const struct ht_tweet_options *options);
static bool read_tweet(struct read *read, const struct fields *tweet, struct ht_json_value includes,
                       const struct ht_tweet_options *options);
static bool find_identity(struct read *read, const struct fields *tweet);
static bool find_original(struct read *read, const struct fields *tweet,
                          struct ht_json_value includes, struct fields *original);
static bool find_included(struct read *read, struct ht_json_value includes, struct ht_json_value id,
                          struct fields *original);
static bool take_hashtags(struct read *read, const struct fields *tweet);
static bool take_hashtag(struct read *read, struct ht_json_value element);
static bool read_notice(struct read *read, const struct fields *message);
static bool read_compliance(struct read *read, struct ht_json_value data);

/* -- life ------------------------------------------------------------------------------- */

void ht_tweet_reader_init(struct ht_tweet_reader *reader, const struct ht_hash_key *key)
{
    *reader = (struct ht_tweet_reader){.key = *key};
    ht_json_reader_init(&reader->json, HT_TWEET_BYTES_MAX);
    ht_json_keys_init(&reader->tweet_keys, tweet_key_names, TWEET_KEY_COUNT);
    ht_json_keys_init(&reader->inner_keys, inner_key_names, INNER_KEY_COUNT);
    ht_buffer_init(&reader->arena, HT_TWEET_BYTES_MAX);
}

void ht_tweet_reader_finish(struct ht_tweet_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    ht_json_reader_finish(&reader->json);
    ht_buffer_finish(&reader->arena);
    free(reader->hashtags);
    *reader = (struct ht_tweet_reader){0};
}

int ht_tweet_read(struct ht_tweet_reader *reader, struct ht_slice bytes,
                  const struct ht_tweet_options *options, struct ht_tweet *out,
                  struct ht_error *error)
{
    static const struct ht_tweet_options defaults = {0};
    struct read read = {.reader = reader, .out = out, .error = error};
    memset(out, 0, sizeof(*out));
    if (scan(&read, bytes)) {
        (void)read_message(&read, options == NULL ? &defaults : options);
    }
    out->hashtags = out->hashtag_count == 0 ? NULL : reader->hashtags;
    return read.result;
}

/* -- errors ----------------------------------------------------------------------------- */

static bool out_of_memory(struct read *read)
{
    read->result = ht_error_set(read->error, HT_ENOMEM, "out of memory while reading a tweet");
    return false;
}

static bool refuse(struct read *read, enum ht_tweet_refusal refusal)
{
    read->out->refusal = refusal;
    read->out->hashtag_count = 0;
    read->result = HT_EPARSE;
    return false;
}

static bool refuse_type(struct read *read, const char *what, const char *expected)
{
    (void)ht_error_set(read->error, HT_EPARSE, "%s is not %s", what, expected);
    return refuse(read, HT_TWEET_REFUSAL_WRONG_TYPE);
}

/* Whether there is such a value. null means that there is none. */
static bool is_there(struct ht_json_value value)
{
    return value.kind != '\0' && value.kind != 'n';
}

/* Refuses the tweet where `value` is there and of another kind. */
static bool expect(struct read *read, struct ht_json_value value, char kind, const char *what)
{
    if (!is_there(value) || value.kind == kind) {
        return true;
    }
    return refuse_type(read, what,
                       kind == '{'   ? "an object"
                       : kind == '[' ? "an array"
                                     : "a string");
}

/* -- the message ------------------------------------------------------------------------ */

static bool scan(struct read *read, struct ht_slice bytes)
{
    static const enum ht_tweet_refusal refusals[] = {
        [HT_JSON_VERDICT_OK] = HT_TWEET_REFUSAL_NONE,
        [HT_JSON_VERDICT_NOT_JSON] = HT_TWEET_REFUSAL_NOT_JSON,
        [HT_JSON_VERDICT_CUT_OFF] = HT_TWEET_REFUSAL_CUT_OFF,
        [HT_JSON_VERDICT_TOO_LARGE] = HT_TWEET_REFUSAL_TOO_LARGE,
        [HT_JSON_VERDICT_TOO_DEEP] = HT_TWEET_REFUSAL_TOO_DEEP,
        [HT_JSON_VERDICT_BAD_UTF8] = HT_TWEET_REFUSAL_BAD_UTF8,
        [HT_JSON_VERDICT_LONE_SURROGATE] = HT_TWEET_REFUSAL_LONE_SURROGATE,
        [HT_JSON_VERDICT_NO_MEMORY] = HT_TWEET_REFUSAL_NONE,
    };
    struct ht_tweet_reader *reader = read->reader;
    size_t offset = 0;
    ht_buffer_clear(&reader->arena);
    if (reader->hashtags == NULL) {
        reader->hashtags = malloc(HT_TWEET_HASHTAGS_MAX * sizeof(struct ht_slice));
    }
    enum ht_json_verdict verdict = reader->hashtags == NULL
                                       ? HT_JSON_VERDICT_NO_MEMORY
                                       : ht_json_reader_scan(&reader->json, bytes, &offset);
    if (verdict == HT_JSON_VERDICT_OK) {
        return true;
    }
    if (verdict == HT_JSON_VERDICT_NO_MEMORY) {
        return out_of_memory(read);
    }
    (void)ht_error_set(read->error, HT_EPARSE, "%s, near byte %zu", ht_json_verdict_text(verdict),
                       offset);
    return refuse(read, refusals[verdict]);
}

static void find_fields(const struct read *read, struct ht_json_value object, struct fields *fields)
{
    ht_json_reader_find(&read->reader->json, object, &read->reader->tweet_keys, fields->at);
}

static bool looks_like_tweet(const struct fields *fields)
{
    static const unsigned char marks[] = {TEXT, FULL_TEXT, ENTITIES,  EXTENDED,
                                          NOTE, RETWEETED, REFERENCED};
    for (size_t i = 0; i < sizeof(marks); i++) {
        if (is_there(fields->at[marks[i]])) {
            return true;
        }
    }
    return false;
}

static bool read_message(struct read *read, const struct ht_tweet_options *options)
{
    static const struct ht_json_value none = {0};
    struct ht_json_value root = ht_json_reader_root(&read->reader->json);
    struct fields message;
    if (root.kind != '{') {
        return refuse_type(read, "the message", "an object");
    }
    find_fields(read, root, &message);
    if (is_there(message.at[DATA])) {
        return read_envelope(read, &message, options);
    }
    if (looks_like_tweet(&message)) {
        return read_tweet(read, &message, none, options);
    }
    return read_notice(read, &message);
}

static bool read_envelope(struct read *read, const struct fields *envelope,
                          const struct ht_tweet_options *options)
{
    struct fields tweet;
    if (!expect(read, envelope->at[DATA], '{', "data")) {
        return false;
    }
    find_fields(read, envelope->at[DATA], &tweet);
    if (looks_like_tweet(&tweet)) {
        return read_tweet(read, &tweet, envelope->at[INCLUDES], options);
    }
    return read_compliance(read, envelope->at[DATA]);
}

static bool read_tweet(struct read *read, const struct fields *tweet, struct ht_json_value includes,
                       const struct ht_tweet_options *options)
{
    struct fields original = {0};
    read->out->kind = HT_TWEET_KIND_TWEET;
    if (!find_identity(read, tweet) || !find_original(read, tweet, includes, &original)) {
        return false;
    }
    bool is_retweet = read->out->is_retweet;
    if (is_retweet && options->retweets == HT_TWEET_RETWEETS_IGNORE) {
        return true;
    }
    bool has_original = is_retweet && !read->out->is_original_missing;
    return take_hashtags(read, has_original ? &original : tweet);
}

/* -- identity --------------------------------------------------------------------------- */

/* A text; what has escapes in it is resolved into the arena, which is made large enough for all
 * texts of one message at its first use, so that it never moves. */
static bool text_of(struct read *read, struct ht_json_value value, struct ht_slice *text)
{
    struct ht_tweet_reader *reader = read->reader;
    struct ht_slice raw = ht_json_reader_raw(&reader->json, value);
    if (memchr(raw.data, '\\', raw.length) != NULL && reader->arena.length == 0 &&
        ht_buffer_reserve(&reader->arena, reader->json.text.length) != 0) {
        return out_of_memory(read);
    }
    if (ht_json_reader_text(&reader->json, value, &reader->arena, text) != 0) {
        return out_of_memory(read);
    }
    return true;
}

static uint64_t key_of(const struct ht_tweet_reader *reader, struct ht_slice id)
{
    uint64_t key = 0;
    bool is_plain = id.length > 0 && (id.data[0] != '0' || id.length == 1);
    if (is_plain && ht_slice_to_u64(id, UINT64_MAX, &key) == 0) {
        return key;
    }
    return ht_hash_bytes(&reader->key, id);
}

/* Takes `value`, a text or whole number that is there, as the identity. */
static bool take_id(struct read *read, struct ht_json_value value)
{
    struct ht_slice id = ht_json_reader_raw(&read->reader->json, value);
    if (value.kind == '"') {
        if (!text_of(read, value, &id)) {
            return false;
        }
    } else if (value.kind != '0' || memchr(id.data, '.', id.length) != NULL ||
               memchr(id.data, 'e', id.length) != NULL || memchr(id.data, 'E', id.length) != NULL) {
        return refuse_type(read, "the id", "a string or a whole number");
    }
    if (id.length == 0) {
        (void)ht_error_set(read->error, HT_EPARSE, "the tweet's id is empty");
        return refuse(read, HT_TWEET_REFUSAL_NO_ID);
    }
    read->out->id = id;
    read->out->key = key_of(read->reader, id);
    return true;
}

/* An edit has an id of its own, but stands for the tweet that was first. */
static bool find_identity(struct read *read, const struct fields *tweet)
{
    struct ht_json_value history = tweet->at[EDIT_HISTORY];
    if (!expect(read, history, '[', "edit_history_tweet_ids")) {
        return false;
    }
    struct ht_json_walk walk = ht_json_walk(&read->reader->json, history);
    if (ht_json_walk_next(&walk)) {
        return take_id(read, walk.value);
    }
    if (is_there(tweet->at[ID_STR])) {
        return take_id(read, tweet->at[ID_STR]);
    }
    if (is_there(tweet->at[ID])) {
        return take_id(read, tweet->at[ID]);
    }
    (void)ht_error_set(read->error, HT_EPARSE, "the tweet has neither id_str nor id");
    return refuse(read, HT_TWEET_REFUSAL_NO_ID);
}

/* -- retweets --------------------------------------------------------------------------- */

static bool is_text(const struct read *read, struct ht_json_value value, const char *text)
{
    struct ht_slice raw = ht_json_reader_raw(&read->reader->json, value);
    return value.kind == '"' && raw.length == strlen(text) + 2 &&
           memcmp(raw.data + 1, text, raw.length - 2) == 0;
}

/* Fills `original` where the tweet is a retweet and the original is in the message. */
static bool find_original(struct read *read, const struct fields *tweet,
                          struct ht_json_value includes, struct fields *original)
{
    if (!expect(read, tweet->at[RETWEETED], '{', "retweeted_status") ||
        !expect(read, tweet->at[REFERENCED], '[', "referenced_tweets")) {
        return false;
    }
    if (is_there(tweet->at[RETWEETED])) {
        read->out->is_retweet = true;
        find_fields(read, tweet->at[RETWEETED], original);
        return true;
    }
    struct ht_json_walk walk = ht_json_walk(&read->reader->json, tweet->at[REFERENCED]);
    while (ht_json_walk_next(&walk)) {
        if (walk.value.kind != '{') {
            return refuse_type(read, "an element of referenced_tweets", "an object");
        }
        find_fields(read, walk.value, original);
        if (!is_text(read, original->at[TYPE], "retweeted")) {
            continue;
        }
        read->out->is_retweet = true;
        if (looks_like_tweet(original)) {
            return true;
        }
        return find_included(read, includes, original->at[ID], original);
    }
    return true;
}

static bool find_included(struct read *read, struct ht_json_value includes, struct ht_json_value id,
                          struct fields *original)
{
    const struct ht_json_reader *json = &read->reader->json;
    struct ht_json_value found[INNER_KEY_COUNT];
    if (!expect(read, includes, '{', "includes")) {
        return false;
    }
    ht_json_reader_find(json, includes, &read->reader->inner_keys, found);
    if (!expect(read, found[INNER_TWEETS], '[', "includes.tweets")) {
        return false;
    }
    struct ht_slice wanted = ht_json_reader_raw(json, id);
    struct ht_json_walk walk = ht_json_walk(json, found[INNER_TWEETS]);
    while (wanted.length > 2 && ht_json_walk_next(&walk)) {
        find_fields(read, walk.value, original);
        if (ht_slice_equal(ht_json_reader_raw(json, original->at[ID]), wanted)) {
            return true;
        }
    }
    read->out->is_original_missing = true;
    return true;
}

/* -- hashtags --------------------------------------------------------------------------- */

/* The `entities` of extended_tweet or note_tweet in place of `*entities`, where they are there. */
static bool prefer_whole(struct read *read, struct ht_json_value whole, const char *what,
                         struct ht_json_value *entities)
{
    struct ht_json_value found[INNER_KEY_COUNT];
    if (!expect(read, whole, '{', what)) {
        return false;
    }
    ht_json_reader_find(&read->reader->json, whole, &read->reader->inner_keys, found);
    if (is_there(found[INNER_ENTITIES])) {
        *entities = found[INNER_ENTITIES];
    }
    return true;
}

static bool take_hashtags(struct read *read, const struct fields *tweet)
{
    struct ht_json_value entities = tweet->at[ENTITIES], found[INNER_KEY_COUNT];
    if (!prefer_whole(read, tweet->at[NOTE], "note_tweet", &entities) ||
        !prefer_whole(read, tweet->at[EXTENDED], "extended_tweet", &entities) ||
        !expect(read, entities, '{', "entities")) {
        return false;
    }
    ht_json_reader_find(&read->reader->json, entities, &read->reader->inner_keys, found);
    if (!expect(read, found[INNER_HASHTAGS], '[', "entities.hashtags")) {
        return false;
    }
    struct ht_json_walk walk = ht_json_walk(&read->reader->json, found[INNER_HASHTAGS]);
    while (ht_json_walk_next(&walk)) {
        if (!take_hashtag(read, walk.value)) {
            return false;
        }
    }
    return true;
}

/* v1.1 has the hashtag in `text`, v2 in `tag`. */
static bool take_hashtag(struct read *read, struct ht_json_value element)
{
    struct ht_tweet *out = read->out;
    struct ht_json_value found[INNER_KEY_COUNT];
    struct ht_slice text;
    if (element.kind != '{') {
        return refuse_type(read, "an element of entities.hashtags", "an object");
    }
    ht_json_reader_find(&read->reader->json, element, &read->reader->inner_keys, found);
    struct ht_json_value tag = found[is_there(found[INNER_TEXT]) ? INNER_TEXT : INNER_TAG];
    if (tag.kind != '"') {
        return refuse_type(read, "the text of a hashtag", "a string");
    }
    if (!text_of(read, tag, &text)) {
        return false;
    }
    if (ht_fold_strip_hash(text).length == 0) {
        out->empty_hashtag_count++;
        return true;
    }
    if (out->hashtag_count == HT_TWEET_HASHTAGS_MAX) {
        (void)ht_error_set(read->error, HT_EPARSE, "more than %d hashtags", HT_TWEET_HASHTAGS_MAX);
        return refuse(read, HT_TWEET_REFUSAL_TOO_MANY_HASHTAGS);
    }
    read->reader->hashtags[out->hashtag_count++] = text;
    return true;
}

/* -- notices ---------------------------------------------------------------------------- */

static int64_t number_of(const struct read *read, struct ht_json_value value)
{
    struct ht_slice raw = ht_json_reader_raw(&read->reader->json, value);
    uint64_t number = 0;
    bool is_number = value.kind == '0' && ht_slice_to_u64(raw, INT64_MAX, &number) == 0;
    return is_number ? (int64_t)number : 0;
}

/* The id of the deleted tweet; a notice with none, or a strange one, is a notice all the same. */
static void take_deleted_id(struct read *read, struct ht_json_value status)
{
    struct ht_json_value found[INNER_KEY_COUNT];
    ht_json_reader_find(&read->reader->json, status, &read->reader->inner_keys, found);
    struct ht_json_value id = found[is_there(found[INNER_ID_STR]) ? INNER_ID_STR : INNER_ID];
    if ((id.kind == '"' || id.kind == '0') && !take_id(read, id) && read->result == HT_EPARSE) {
        read->result = 0;
        read->out->refusal = HT_TWEET_REFUSAL_NONE;
        ht_error_clear(read->error);
    }
}

static bool read_notice(struct read *read, const struct fields *message)
{
    struct ht_tweet *out = read->out;
    struct ht_json_value found[INNER_KEY_COUNT];
    if (message->at[ERRORS].kind == '[' ||
        (message->at[TITLE].kind == '"' && message->at[DETAIL].kind == '"')) {
        out->kind = HT_TWEET_KIND_ERRORS;
        return true;
    }
    unsigned key = DELETE;
    while (key <= FOR_USER && !is_there(message->at[key])) {
        key++;
    }
    if (key > FOR_USER) {
        return true;
    }
    out->kind = (enum ht_tweet_kind)(HT_TWEET_KIND_DELETE + (key - DELETE));
    ht_json_reader_find(&read->reader->json, message->at[key], &read->reader->inner_keys, found);
    if (key == DELETE) {
        take_deleted_id(read, found[INNER_STATUS]);
    } else if (key == LIMIT) {
        out->number = number_of(read, found[INNER_TRACK]);
    } else if (key == DISCONNECT) {
        out->number = number_of(read, found[INNER_CODE]);
    }
    return read->result == 0;
}

/* {"data":{"delete":{"tweet":{"id"},"event_at"}}} and its relatives: one member with an event. */
static bool read_compliance(struct read *read, struct ht_json_value data)
{
    struct ht_json_value found[INNER_KEY_COUNT];
    struct ht_json_walk walk = ht_json_walk(&read->reader->json, data);
    while (ht_json_walk_next(&walk)) {
        ht_json_reader_find(&read->reader->json, walk.value, &read->reader->inner_keys, found);
        if (!is_there(found[INNER_EVENT_AT])) {
            continue;
        }
        read->out->kind = HT_TWEET_KIND_COMPLIANCE;
        if (is_text(read, walk.key, "delete")) {
            read->out->kind = HT_TWEET_KIND_DELETE;
            take_deleted_id(read, found[INNER_TWEET]);
        }
        break;
    }
    return read->result == 0;
}

/* -- names ------------------------------------------------------------------------------ */

const char *ht_tweet_kind_name(enum ht_tweet_kind kind)
{
    static const char *const names[] = {
#define X(name, text) [HT_TWEET_KIND_##name] = text,
        HT_TWEET_KIND_MAP(X)
#undef X
    };
    return names[kind];
}

const char *ht_tweet_refusal_name(enum ht_tweet_refusal refusal)
{
    static const char *const names[] = {
#define X(name, label, text) [HT_TWEET_REFUSAL_##name] = label,
        HT_TWEET_REFUSAL_MAP(X)
#undef X
    };
    return names[refusal];
}

const char *ht_tweet_refusal_text(enum ht_tweet_refusal refusal)
{
    static const char *const texts[] = {
#define X(name, label, text) [HT_TWEET_REFUSAL_##name] = text,
        HT_TWEET_REFUSAL_MAP(X)
#undef X
    };
    return texts[refusal];
}
