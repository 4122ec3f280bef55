// SPDX-License-Identifier: MIT
#include "tweet_reading.h"

/*
 * event --payload, scanned--> status --> identity
 *                                |-----> the inner one, where it is a boost
 *                                `-----> hashtags of the one or the other
 */

static bool read_status(struct ht_reading *reading, const struct ht_json_value *status);
static bool take_identity(struct ht_reading *reading, const struct ht_json_value *status);
static bool take_hashtags(struct ht_reading *reading, struct ht_json_value tags);
static bool read_inner(struct ht_reading *reading, struct ht_json_value payload, bool is_edit);

static void find(const struct ht_reading *reading, struct ht_json_value object,
                 struct ht_json_value *found)
{
    ht_json_reader_find(&reading->reader->json, object, &reading->reader->mastodon_keys, found);
}

/* -- a status --------------------------------------------------------------------------- */

bool ht_reading_status(struct ht_reading *reading, struct ht_json_value object)
{
    struct ht_json_value status[HT_MASTODON_KEY_COUNT];
    find(reading, object, status);
    if (!ht_reading_is_there(status[HT_MASTODON_ACCOUNT]) ||
        (!ht_reading_is_there(status[HT_MASTODON_CONTENT]) &&
         !ht_reading_is_there(status[HT_MASTODON_TAGS]))) {
        return false;
    }
    (void)read_status(reading, status);
    return true;
}

static bool read_status(struct ht_reading *reading, const struct ht_json_value *status)
{
    struct ht_tweet *out = reading->out;
    struct ht_json_value reblog = status[HT_MASTODON_REBLOG];
    struct ht_json_value original[HT_MASTODON_KEY_COUNT];
    out->kind = HT_TWEET_KIND_TWEET;
    out->network = HT_TWEET_NETWORK_MASTODON;
    out->is_editable = true;
    out->is_edit = ht_reading_is_there(status[HT_MASTODON_EDITED_AT]);
    if (!take_identity(reading, status) || !ht_reading_expect(reading, reblog, '{', "reblog")) {
        return false;
    }
    out->is_retweet = ht_reading_is_there(reblog);
    if (!out->is_retweet) {
        return take_hashtags(reading, status[HT_MASTODON_TAGS]);
    }
    if (reading->options->retweets == HT_TWEET_RETWEETS_IGNORE) {
        return true;
    }
    find(reading, reblog, original);
    return take_hashtags(reading, original[HT_MASTODON_TAGS]);
}

/* The uri is the same on every server that has the status; an id is not. An empty one is none. */
static bool take_identity(struct ht_reading *reading, const struct ht_json_value *status)
{
    static const unsigned char keys[] = {HT_MASTODON_URI, HT_MASTODON_URL};
    for (size_t i = 0; i < sizeof(keys); i++) {
        struct ht_json_value value = status[keys[i]];
        if (!ht_reading_expect(reading, value, '"', i == 0 ? "uri" : "url")) {
            return false;
        }
        if (ht_reading_is_there(value) && !ht_reading_is_text(reading, value, "")) {
            return ht_reading_take_id(reading, value);
        }
    }
    if (ht_reading_is_there(status[HT_MASTODON_ID])) {
        return ht_reading_take_id(reading, status[HT_MASTODON_ID]);
    }
    (void)ht_error_set(reading->error, HT_EPARSE, "the status has no uri, url or id");
    return ht_reading_refuse(reading, HT_TWEET_REFUSAL_NO_ID);
}

static bool take_hashtags(struct ht_reading *reading, struct ht_json_value tags)
{
    struct ht_json_value found[HT_MASTODON_KEY_COUNT];
    struct ht_slice text;
    if (!ht_reading_expect(reading, tags, '[', "tags")) {
        return false;
    }
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, tags);
    while (ht_json_walk_next(&walk)) {
        if (walk.value.kind != '{') {
            return ht_reading_refuse_type(reading, "an element of tags", "an object");
        }
        find(reading, walk.value, found);
        if (found[HT_MASTODON_NAME].kind != '"') {
            return ht_reading_refuse_type(reading, "the name of a tag", "a string");
        }
        if (!ht_reading_text(reading, found[HT_MASTODON_NAME], &text) ||
            !ht_reading_add_hashtag(reading, text)) {
            return false;
        }
    }
    return true;
}

/* -- an event --------------------------------------------------------------------------- */

bool ht_reading_mastodon_event(struct ht_reading *reading, const struct ht_fields *message)
{
    struct ht_json_value payload = message->at[HT_MESSAGE_PAYLOAD];
    struct ht_slice event;
    if (!ht_reading_text(reading, message->at[HT_MESSAGE_EVENT], &event)) {
        return false;
    }
    reading->out->network = HT_TWEET_NETWORK_MASTODON;
    reading->out->kind = HT_TWEET_KIND_EVENT;
    if (ht_slice_equal(event, HT_SLICE("delete"))) {
        reading->out->kind = HT_TWEET_KIND_DELETE;
        return ht_reading_take_deleted_id(reading, payload);
    }
    bool is_edit = ht_slice_equal(event, HT_SLICE("status.update"));
    if (!is_edit && !ht_slice_equal(event, HT_SLICE("update"))) {
        return true;
    }
    return read_inner(reading, payload, is_edit);
}

/* The status is JSON inside of a text, which the arena keeps; what is in it has no more bytes. */
static bool read_inner(struct ht_reading *reading, struct ht_json_value payload, bool is_edit)
{
    struct ht_slice text;
    ht_buffer_clear(&reading->reader->arena);
    if (!ht_reading_expect(reading, payload, '"', "payload") ||
        !ht_reading_reserve(reading, 2 * reading->reader->json.text.length) ||
        !ht_reading_text(reading, payload, &text) || !ht_reading_scan(reading, text)) {
        return false;
    }
    struct ht_json_value root = ht_json_reader_root(&reading->reader->json);
    if (root.kind != '{') {
        return ht_reading_refuse_type(reading, "payload", "an object");
    }
    if (!ht_reading_status(reading, root)) {
        reading->out->kind = HT_TWEET_KIND_UNKNOWN;
        return true;
    }
    reading->out->is_edit |= is_edit;
    return reading->result == 0;
}
