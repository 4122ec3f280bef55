// SPDX-License-Identifier: MIT
#include "tweet_reading.h"

/*
 * event --> kind: account, identity, commit --> collection --> operation --> identity --> hashtags
 *
 * Of version 1 the commit is an object in the event; of version 2 its members are the event's own,
 * and the event says what it is in "$type".
 */

#define POSTS "app.bsky.feed.post"

static bool read_event(struct ht_reading *reading, const struct ht_json_value *event,
                       struct ht_slice kind);
static bool read_commit(struct ht_reading *reading, struct ht_json_value did,
                        const struct ht_json_value *commit);
static bool take_identity(struct ht_reading *reading, struct ht_json_value did,
                          const struct ht_json_value *commit);
static bool take_hashtags(struct ht_reading *reading, struct ht_json_value record);
static bool take_facet(struct ht_reading *reading, struct ht_json_value facet);
static bool take_feature(struct ht_reading *reading, struct ht_json_value feature);
static bool take_tags(struct ht_reading *reading, struct ht_json_value tags);

static void find(const struct ht_reading *reading, struct ht_json_value object,
                 struct ht_json_value *found)
{
    ht_json_reader_find(&reading->reader->json, object, &reading->reader->jetstream_keys, found);
}

/* A text that must be there. */
static bool need_text(struct ht_reading *reading, struct ht_json_value value, const char *what,
                      struct ht_slice *text)
{
    if (!ht_reading_expect(reading, value, '"', what)) {
        return false;
    }
    *text = ht_slice_make("", 0);
    if (ht_reading_is_there(value) && !ht_reading_text(reading, value, text)) {
        return false;
    }
    if (text->length == 0) {
        (void)ht_error_set(reading->error, HT_EPARSE, "the event has no %s", what);
        return ht_reading_refuse(reading, HT_TWEET_REFUSAL_NO_ID);
    }
    return true;
}

/* "network.bsky.jetstream.subscribeEvents#commit" is "commit". */
static struct ht_slice fragment_of(struct ht_slice type)
{
    const char *hash = type.length > 0 ? memchr(type.data, '#', type.length) : NULL;
    return hash == NULL ? ht_slice_make("", 0)
                        : ht_slice_make(hash + 1, (size_t)(type.data + type.length - hash) - 1);
}

bool ht_reading_jetstream(struct ht_reading *reading, struct ht_json_value object)
{
    struct ht_json_value event[HT_JETSTREAM_KEY_COUNT];
    struct ht_slice kind = {"", 0};
    find(reading, object, event);
    bool is_first = ht_reading_is_there(event[HT_JETSTREAM_KIND]);
    struct ht_json_value type = event[is_first ? HT_JETSTREAM_KIND : HT_JETSTREAM_TYPE];
    if (!ht_reading_is_there(event[HT_JETSTREAM_DID]) || !ht_reading_is_there(type)) {
        return false;
    }
    reading->out->network = HT_TWEET_NETWORK_BLUESKY;
    /* all texts once, and the identity that is made of three of them */
    if (ht_reading_expect(reading, type, '"', "the event's kind") &&
        ht_reading_reserve(reading, 2 * reading->reader->json.text.length) &&
        ht_reading_text(reading, type, &kind)) {
        (void)read_event(reading, event, is_first ? kind : fragment_of(kind));
    }
    return true;
}

static bool read_event(struct ht_reading *reading, const struct ht_json_value *event,
                       struct ht_slice kind)
{
    struct ht_json_value inner[HT_JETSTREAM_KEY_COUNT];
    if (ht_slice_equal(kind, HT_SLICE("account"))) {
        reading->out->kind = HT_TWEET_KIND_ACCOUNT;
    } else if (ht_slice_equal(kind, HT_SLICE("identity"))) {
        reading->out->kind = HT_TWEET_KIND_IDENTITY;
    }
    if (!ht_slice_equal(kind, HT_SLICE("commit"))) {
        return true;
    }
    struct ht_json_value commit = event[HT_JETSTREAM_COMMIT];
    if (!ht_reading_is_there(event[HT_JETSTREAM_KIND])) {
        return read_commit(reading, event[HT_JETSTREAM_DID], event);
    }
    if (!ht_reading_expect(reading, commit, '{', "commit")) {
        return false;
    }
    find(reading, commit, inner);
    return read_commit(reading, event[HT_JETSTREAM_DID], inner);
}

static bool read_commit(struct ht_reading *reading, struct ht_json_value did,
                        const struct ht_json_value *commit)
{
    struct ht_tweet *out = reading->out;
    struct ht_slice collection, operation;
    if (!need_text(reading, commit[HT_JETSTREAM_COLLECTION], "collection", &collection)) {
        return false;
    }
    if (!ht_slice_equal(collection, HT_SLICE(POSTS))) {
        out->kind = HT_TWEET_KIND_OTHER_RECORD;
        return true;
    }
    if (!need_text(reading, commit[HT_JETSTREAM_OPERATION], "operation", &operation)) {
        return false;
    }
    bool is_delete = ht_slice_equal(operation, HT_SLICE("delete"));
    out->is_edit = ht_slice_equal(operation, HT_SLICE("update"));
    if (!is_delete && !out->is_edit && !ht_slice_equal(operation, HT_SLICE("create"))) {
        return true;
    }
    out->kind = is_delete ? HT_TWEET_KIND_DELETE : HT_TWEET_KIND_TWEET;
    out->is_editable = !is_delete;
    if (!take_identity(reading, did, commit)) {
        return is_delete && ht_reading_forgive(reading);
    }
    return is_delete || take_hashtags(reading, commit[HT_JETSTREAM_RECORD]);
}

/* at://did/collection/rkey, the record's own address. */
static bool take_identity(struct ht_reading *reading, struct ht_json_value did,
                          const struct ht_json_value *commit)
{
    struct ht_buffer *arena = &reading->reader->arena;
    struct ht_slice repository, rkey;
    if (!need_text(reading, did, "did", &repository) ||
        !need_text(reading, commit[HT_JETSTREAM_RKEY], "rkey", &rkey)) {
        return false;
    }
    size_t begin = arena->length;
    ht_buffer_append_text(arena, "at://");
    ht_buffer_append_slice(arena, repository);
    ht_buffer_append_text(arena, "/" POSTS "/");
    if (ht_buffer_append_slice(arena, rkey) != 0) {
        return ht_reading_out_of_memory(reading);
    }
    return ht_reading_set_id(reading, ht_slice_make(arena->data + begin, arena->length - begin));
}

/* -- hashtags --------------------------------------------------------------------------- */

/* Whether `value` is of `kind`. Records are made by users: what is of another kind is left out and
 * counted, and what is beside it stays. */
static bool is_usable(struct ht_reading *reading, struct ht_json_value value, char kind)
{
    if (value.kind != kind && value.kind != '\0') {
        reading->out->empty_hashtag_count++;
    }
    return value.kind == kind;
}

static bool take_hashtags(struct ht_reading *reading, struct ht_json_value record)
{
    struct ht_json_value found[HT_JETSTREAM_KEY_COUNT];
    if (!ht_reading_is_there(record) || !is_usable(reading, record, '{')) {
        return true;
    }
    find(reading, record, found);
    struct ht_json_value facets = found[HT_JETSTREAM_FACETS];
    if (ht_reading_is_there(facets) && is_usable(reading, facets, '[')) {
        struct ht_json_walk walk = ht_json_walk(&reading->reader->json, facets);
        while (ht_json_walk_next(&walk)) {
            if (!take_facet(reading, walk.value)) {
                return false;
            }
        }
    }
    struct ht_json_value tags = found[HT_JETSTREAM_TAGS];
    return !ht_reading_is_there(tags) || !is_usable(reading, tags, '[') || take_tags(reading, tags);
}

static bool take_facet(struct ht_reading *reading, struct ht_json_value facet)
{
    struct ht_json_value found[HT_JETSTREAM_KEY_COUNT];
    if (!is_usable(reading, facet, '{')) {
        return true;
    }
    find(reading, facet, found);
    struct ht_json_value features = found[HT_JETSTREAM_FEATURES];
    if (!ht_reading_is_there(features) || !is_usable(reading, features, '[')) {
        return true;
    }
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, features);
    while (ht_json_walk_next(&walk)) {
        if (!take_feature(reading, walk.value)) {
            return false;
        }
    }
    return true;
}

/* Links and mentions are features too. */
static bool take_feature(struct ht_reading *reading, struct ht_json_value feature)
{
    struct ht_json_value found[HT_JETSTREAM_KEY_COUNT];
    struct ht_slice type, text;
    if (!is_usable(reading, feature, '{')) {
        return true;
    }
    find(reading, feature, found);
    if (!is_usable(reading, found[HT_JETSTREAM_TYPE], '"')) {
        return true;
    }
    if (!ht_reading_text(reading, found[HT_JETSTREAM_TYPE], &type)) {
        return false;
    }
    if (!ht_slice_equal(type, HT_SLICE("app.bsky.richtext.facet#tag"))) {
        return true;
    }
    if (found[HT_JETSTREAM_TAG].kind != '"') {
        reading->out->empty_hashtag_count++;
        return true;
    }
    return ht_reading_text(reading, found[HT_JETSTREAM_TAG], &text) &&
           ht_reading_add_hashtag(reading, text);
}

static bool take_tags(struct ht_reading *reading, struct ht_json_value tags)
{
    struct ht_slice text;
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, tags);
    while (ht_json_walk_next(&walk)) {
        if (is_usable(reading, walk.value, '"') && (!ht_reading_text(reading, walk.value, &text) ||
                                                    !ht_reading_add_hashtag(reading, text))) {
            return false;
        }
    }
    return true;
}
