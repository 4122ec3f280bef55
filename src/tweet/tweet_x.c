// SPDX-License-Identifier: MIT
#include "tweet_reading.h"

/*
 * tweet --> identity
 *    |----> its original, where it is a retweet
 *    `----> hashtags of the one or the other
 */

static bool find_identity(struct ht_reading *reading, const struct ht_fields *tweet);
static bool find_original(struct ht_reading *reading, const struct ht_fields *tweet,
                          struct ht_json_value includes, struct ht_fields *original);
static bool find_included(struct ht_reading *reading, struct ht_json_value includes,
                          struct ht_json_value id, struct ht_fields *original);
static bool take_hashtags(struct ht_reading *reading, const struct ht_fields *tweet);
static bool take_hashtag(struct ht_reading *reading, struct ht_json_value element);

bool ht_reading_looks_like_tweet(const struct ht_fields *fields)
{
    static const unsigned char marks[] = {
        HT_MESSAGE_TEXT, HT_MESSAGE_FULL_TEXT, HT_MESSAGE_ENTITIES,  HT_MESSAGE_EXTENDED,
        HT_MESSAGE_NOTE, HT_MESSAGE_RETWEETED, HT_MESSAGE_REFERENCED};
    for (size_t i = 0; i < sizeof(marks); i++) {
        if (ht_reading_is_there(fields->at[marks[i]])) {
            return true;
        }
    }
    return false;
}

bool ht_reading_tweet(struct ht_reading *reading, const struct ht_fields *tweet,
                      struct ht_json_value includes)
{
    struct ht_fields original = {0};
    reading->out->kind = HT_TWEET_KIND_TWEET;
    if (!find_identity(reading, tweet) || !find_original(reading, tweet, includes, &original)) {
        return false;
    }
    bool is_retweet = reading->out->is_retweet;
    if (is_retweet && reading->options->retweets == HT_TWEET_RETWEETS_IGNORE) {
        return true;
    }
    bool has_original = is_retweet && !reading->out->is_original_missing;
    return take_hashtags(reading, has_original ? &original : tweet);
}

/* An edit has an id of its own, but stands for the tweet that was first. */
static bool find_identity(struct ht_reading *reading, const struct ht_fields *tweet)
{
    struct ht_json_value history = tweet->at[HT_MESSAGE_EDIT_HISTORY];
    if (!ht_reading_expect(reading, history, '[', "edit_history_tweet_ids")) {
        return false;
    }
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, history);
    if (ht_json_walk_next(&walk)) {
        return ht_reading_take_id(reading, walk.value);
    }
    if (ht_reading_is_there(tweet->at[HT_MESSAGE_ID_STR])) {
        return ht_reading_take_id(reading, tweet->at[HT_MESSAGE_ID_STR]);
    }
    if (ht_reading_is_there(tweet->at[HT_MESSAGE_ID])) {
        return ht_reading_take_id(reading, tweet->at[HT_MESSAGE_ID]);
    }
    (void)ht_error_set(reading->error, HT_EPARSE, "the tweet has neither id_str nor id");
    return ht_reading_refuse(reading, HT_TWEET_REFUSAL_NO_ID);
}

/* Fills `original` where the tweet is a retweet and the original is in the message. */
static bool find_original(struct ht_reading *reading, const struct ht_fields *tweet,
                          struct ht_json_value includes, struct ht_fields *original)
{
    if (!ht_reading_expect(reading, tweet->at[HT_MESSAGE_RETWEETED], '{', "retweeted_status") ||
        !ht_reading_expect(reading, tweet->at[HT_MESSAGE_REFERENCED], '[', "referenced_tweets")) {
        return false;
    }
    if (ht_reading_is_there(tweet->at[HT_MESSAGE_RETWEETED])) {
        reading->out->is_retweet = true;
        ht_reading_find_fields(reading, tweet->at[HT_MESSAGE_RETWEETED], original);
        return true;
    }
    struct ht_json_walk walk =
        ht_json_walk(&reading->reader->json, tweet->at[HT_MESSAGE_REFERENCED]);
    while (ht_json_walk_next(&walk)) {
        if (walk.value.kind != '{') {
            return ht_reading_refuse_type(reading, "an element of referenced_tweets", "an object");
        }
        ht_reading_find_fields(reading, walk.value, original);
        if (!ht_reading_is_text(reading, original->at[HT_MESSAGE_TYPE], "retweeted")) {
            continue;
        }
        reading->out->is_retweet = true;
        if (ht_reading_looks_like_tweet(original)) {
            return true;
        }
        return find_included(reading, includes, original->at[HT_MESSAGE_ID], original);
    }
    return true;
}

static bool find_included(struct ht_reading *reading, struct ht_json_value includes,
                          struct ht_json_value id, struct ht_fields *original)
{
    const struct ht_json_reader *json = &reading->reader->json;
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    if (!ht_reading_expect(reading, includes, '{', "includes")) {
        return false;
    }
    ht_reading_find_inner(reading, includes, found);
    if (!ht_reading_expect(reading, found[HT_INNER_TWEETS], '[', "includes.tweets")) {
        return false;
    }
    struct ht_slice wanted = ht_json_reader_raw(json, id);
    struct ht_json_walk walk = ht_json_walk(json, found[HT_INNER_TWEETS]);
    while (wanted.length > 2 && ht_json_walk_next(&walk)) {
        ht_reading_find_fields(reading, walk.value, original);
        if (ht_slice_equal(ht_json_reader_raw(json, original->at[HT_MESSAGE_ID]), wanted)) {
            return true;
        }
    }
    reading->out->is_original_missing = true;
    return true;
}

/* The `entities` of extended_tweet or note_tweet in place of `*entities`, where they are there. */
static bool prefer_whole(struct ht_reading *reading, struct ht_json_value whole, const char *what,
                         struct ht_json_value *entities)
{
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    if (!ht_reading_expect(reading, whole, '{', what)) {
        return false;
    }
    ht_reading_find_inner(reading, whole, found);
    if (ht_reading_is_there(found[HT_INNER_ENTITIES])) {
        *entities = found[HT_INNER_ENTITIES];
    }
    return true;
}

static bool take_hashtags(struct ht_reading *reading, const struct ht_fields *tweet)
{
    struct ht_json_value entities = tweet->at[HT_MESSAGE_ENTITIES], found[HT_INNER_KEY_COUNT];
    if (!prefer_whole(reading, tweet->at[HT_MESSAGE_NOTE], "note_tweet", &entities) ||
        !prefer_whole(reading, tweet->at[HT_MESSAGE_EXTENDED], "extended_tweet", &entities) ||
        !ht_reading_expect(reading, entities, '{', "entities")) {
        return false;
    }
    ht_reading_find_inner(reading, entities, found);
    if (!ht_reading_expect(reading, found[HT_INNER_HASHTAGS], '[', "entities.hashtags")) {
        return false;
    }
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, found[HT_INNER_HASHTAGS]);
    while (ht_json_walk_next(&walk)) {
        if (!take_hashtag(reading, walk.value)) {
            return false;
        }
    }
    return true;
}

/* v1.1 has the hashtag in `text`, v2 in `tag`. */
static bool take_hashtag(struct ht_reading *reading, struct ht_json_value element)
{
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    struct ht_slice text;
    if (element.kind != '{') {
        return ht_reading_refuse_type(reading, "an element of entities.hashtags", "an object");
    }
    ht_reading_find_inner(reading, element, found);
    struct ht_json_value tag =
        found[ht_reading_is_there(found[HT_INNER_TEXT]) ? HT_INNER_TEXT : HT_INNER_TAG];
    if (tag.kind != '"') {
        return ht_reading_refuse_type(reading, "the text of a hashtag", "a string");
    }
    if (!ht_reading_text(reading, tag, &text)) {
        return false;
    }
    return ht_reading_add_hashtag(reading, text);
}
