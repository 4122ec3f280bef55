// SPDX-License-Identifier: MIT
#include "dynamodb_removal.h"

#include "hashtagd/aws/attribute.h"
#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    MOST_IMAGE_BYTES = 16 * 1024 * 1024,
    MOST_EVENT_ID_BYTES = 128,
};

/* The attributes of an item that are read. */
enum name { NAME_HASHTAG, NAME_COUNT, NAME_FIRST_SEEN, NAME_LAST_SEEN, NAME_EXPIRES_AT, NAMES };

static const char *const names[NAMES] = {
    [NAME_HASHTAG] = "hashtag",    [NAME_COUNT] = "htCount",        [NAME_FIRST_SEEN] = "firstSeen",
    [NAME_LAST_SEEN] = "lastSeen", [NAME_EXPIRES_AT] = "expiresAt",
};

static const struct ht_slice empty = {"", 0};

void ht_removal_reader_init(struct ht_removal_reader *reader)
{
    ht_json_reader_init(&reader->keys, MOST_IMAGE_BYTES);
    ht_json_reader_init(&reader->image, MOST_IMAGE_BYTES);
    ht_json_keys_init(&reader->names, names, NAMES);
    ht_buffer_init(&reader->texts, (size_t)2 * MOST_IMAGE_BYTES);
    ht_buffer_init(&reader->json, (size_t)2 * MOST_IMAGE_BYTES);
}

void ht_removal_reader_finish(struct ht_removal_reader *reader)
{
    ht_json_reader_finish(&reader->keys);
    ht_json_reader_finish(&reader->image);
    ht_buffer_finish(&reader->texts);
    ht_buffer_finish(&reader->json);
}

/* Whether `text` is an object that can be read; HT_ENOMEM where nobody can say. */
static int scan(struct ht_json_reader *reader, struct ht_slice text, bool *is_object)
{
    enum ht_json_verdict verdict =
        text.length > 0 ? ht_json_reader_scan(reader, text, NULL) : HT_JSON_VERDICT_CUT_OFF;
    *is_object = verdict == HT_JSON_VERDICT_OK && ht_json_reader_root(reader).kind == '{';
    return verdict == HT_JSON_VERDICT_NO_MEMORY ? HT_ENOMEM : 0;
}

static void find(const struct ht_removal_reader *reader, const struct ht_json_reader *json,
                 struct ht_json_value *found)
{
    ht_json_reader_find(json, ht_json_reader_root(json), &reader->names, found);
}

/* The text of the first attribute of type S: the key of a table whose key has another name. */
static struct ht_slice first_text(struct ht_removal_reader *reader,
                                  const struct ht_json_reader *json)
{
    struct ht_slice text = empty;
    struct ht_json_walk walk = ht_json_walk(json, ht_json_reader_root(json));
    while (text.length == 0 && ht_json_walk_next(&walk)) {
        if (ht_attribute_text(json, walk.value, &reader->texts, &text) != 0) {
            text = empty;
        }
    }
    return text;
}

/* The name of the item in an object of attributes; empty where there is none. */
static struct ht_slice name_in(struct ht_removal_reader *reader, const struct ht_json_reader *json)
{
    struct ht_json_value found[NAMES];
    struct ht_slice text = empty;
    find(reader, json, found);
    if (ht_attribute_text(json, found[NAME_HASHTAG], &reader->texts, &text) != 0) {
        text = first_text(reader, json);
    }
    return text.length <= HT_TABLE_MAX_KEY_BYTES ? text : empty;
}

int ht_removal_reader_touch(struct ht_removal_reader *reader,
                            const struct ht_dynamodb_stream_record *record,
                            struct ht_slice *hashtag, uint64_t *count, bool *has_count)
{
    struct ht_json_value found[NAMES];
    *has_count = false;
    *count = 0;
    ht_buffer_clear(&reader->texts);
    bool has_keys, has_image;
    if (scan(&reader->keys, record->keys, &has_keys) != 0 ||
        scan(&reader->image, record->new_image, &has_image) != 0) {
        return HT_ENOMEM;
    }
    *hashtag = has_keys ? name_in(reader, &reader->keys) : empty;
    if (ht_buffer_status(&reader->texts) != 0) {
        return HT_ENOMEM;
    }
    if (hashtag->length == 0) {
        return HT_EPARSE;
    }
    if (has_image) {
        find(reader, &reader->image, found);
        *has_count = ht_attribute_u64(&reader->image, found[NAME_COUNT], count) == 0;
    }
    return 0;
}

/* The seconds of an attribute; 0 where it is none. */
static int64_t seconds_of(const struct ht_json_reader *json, struct ht_json_value value)
{
    int64_t seconds = 0;
    return ht_attribute_seconds(json, value, &seconds) == 0 && seconds > 0 ? seconds : 0;
}

static void read_image(struct ht_removal_reader *reader, struct ht_item *item)
{
    const struct ht_json_reader *image = &reader->image;
    struct ht_json_value found[NAMES];
    find(reader, image, found);
    if (ht_attribute_u64(image, found[NAME_COUNT], &item->count) != 0) {
        item->count = 0; /* somebody else's item */
    }
    item->first_seen_s = seconds_of(image, found[NAME_FIRST_SEEN]);
    item->last_seen_s = seconds_of(image, found[NAME_LAST_SEEN]);
    item->expires_at_s = seconds_of(image, found[NAME_EXPIRES_AT]);
}

static bool has_member(const struct ht_json_reader *json, struct ht_slice key)
{
    struct ht_json_walk walk = ht_json_walk(json, ht_json_reader_root(json));
    while (ht_json_walk_next(&walk)) {
        if (ht_slice_equal(ht_json_reader_raw(json, walk.key), key)) {
            return true;
        }
    }
    return false;
}

/* Appends the keys that the image lacks, as members with a comma behind each. */
static void append_missing_keys(struct ht_removal_reader *reader)
{
    struct ht_json_walk walk = ht_json_walk(&reader->keys, ht_json_reader_root(&reader->keys));
    while (ht_json_walk_next(&walk)) {
        struct ht_slice key = ht_json_reader_raw(&reader->keys, walk.key);
        if (!has_member(&reader->image, key)) {
            (void)ht_buffer_append_slice(&reader->json, key);
            (void)ht_buffer_append_byte(&reader->json, ':');
            (void)ht_buffer_append_slice(&reader->json,
                                         ht_json_reader_raw(&reader->keys, walk.value));
            (void)ht_buffer_append_byte(&reader->json, ',');
        }
    }
}

/* The item in DynamoDB JSON: the image, and the keys where it lacks them. */
static struct ht_slice item_json(struct ht_removal_reader *reader, bool has_keys, bool has_image)
{
    const struct ht_json_reader *from = has_image ? &reader->image : &reader->keys;
    struct ht_slice whole = ht_json_reader_raw(from, ht_json_reader_root(from));
    ht_buffer_clear(&reader->json);
    if (!has_keys || !has_image) {
        return whole;
    }
    (void)ht_buffer_append_byte(&reader->json, '{');
    append_missing_keys(reader);
    if (reader->json.length == 1) {
        return whole;
    }
    struct ht_json_walk walk = ht_json_walk(&reader->image, ht_json_reader_root(&reader->image));
    if (!ht_json_walk_next(&walk)) {
        reader->json.length--; /* the comma: an empty image has nothing to follow */
    }
    (void)ht_buffer_append_slice(&reader->json,
                                 (struct ht_slice){whole.data + 1, whole.length - 1});
    return ht_buffer_slice(&reader->json);
}

static enum ht_origin origin_of(const struct ht_dynamodb_stream_record *record, bool has_image)
{
    switch (record->identity) {
    case HT_DYNAMODB_STREAM_IDENTITY_TTL:
        return HT_ORIGIN_TTL;
    case HT_DYNAMODB_STREAM_IDENTITY_OTHER:
        return HT_ORIGIN_UNKNOWN;
    case HT_DYNAMODB_STREAM_IDENTITY_NONE:
        break;
    }
    return has_image ? HT_ORIGIN_USER : HT_ORIGIN_UNKNOWN;
}

/* White space between the parts of a JSON text becomes spaces: the text goes into one line. */
static void join_lines(char *json, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        json[i] = json[i] == '\n' || json[i] == '\r' ? ' ' : json[i];
    }
}

static struct ht_slice copy(char **at, struct ht_slice from)
{
    struct ht_slice slice = {*at, from.length};
    memcpy(*at, from.data, from.length);
    *at += from.length;
    return slice;
}

/* Copies a removal whose slices are elsewhere. */
static struct ht_counted_removal *copy_removal(const struct ht_removal *from,
                                               struct ht_slice sequence_number)
{
    size_t bytes = sizeof(struct ht_counted_removal) + from->event_id.length +
                   from->item.hashtag.length + from->item_json.length + sequence_number.length;
    struct ht_counted_removal *removal = malloc(bytes);
    if (removal == NULL) {
        return NULL;
    }
    char *at = (char *)(removal + 1);
    *removal = (struct ht_counted_removal){.removal = *from, .references = 1, .bytes = bytes};
    removal->removal.event_id = copy(&at, from->event_id);
    removal->removal.item.hashtag = copy(&at, from->item.hashtag);
    char *json = at;
    removal->removal.item_json = copy(&at, from->item_json);
    join_lines(json, from->item_json.length);
    removal->sequence_number = copy(&at, sequence_number);
    return removal;
}

/* The event's id; of a record without one, its place. */
static struct ht_slice event_id_of(const struct ht_dynamodb_stream_record *record,
                                   const char *shard_id, struct ht_buffer *texts)
{
    struct ht_slice id = record->event_id;
    if (id.length == 0) {
        size_t begin = texts->length;
        (void)ht_buffer_append_text(texts, shard_id);
        (void)ht_buffer_append_byte(texts, ':');
        (void)ht_buffer_append_slice(texts, record->sequence_number);
        id = (struct ht_slice){texts->data + begin, texts->length - begin};
    }
    size_t over = id.length > MOST_EVENT_ID_BYTES ? id.length - MOST_EVENT_ID_BYTES : 0;
    return (struct ht_slice){id.data + over, id.length - over}; /* the end tells events apart */
}

int ht_removal_reader_make(struct ht_removal_reader *reader,
                           const struct ht_dynamodb_stream_record *record, const char *shard_id,
                           struct ht_counted_removal **out, bool *has_image)
{
    struct ht_removal removal = {.deleted_at_s = record->created_ms / 1000};
    bool has_keys;
    *out = NULL;
    *has_image = false;
    if (scan(&reader->keys, record->keys, &has_keys) != 0 ||
        scan(&reader->image, record->old_image, has_image) != 0) {
        return HT_ENOMEM;
    }
    ht_buffer_clear(&reader->texts);
    /* room for all texts at once, so that none moves */
    if (ht_buffer_reserve(&reader->texts, record->keys.length + record->old_image.length +
                                              record->sequence_number.length + HT_SHARD_ID_BYTES +
                                              1) != 0) {
        return HT_ENOMEM;
    }
    removal.item.hashtag = has_keys ? name_in(reader, &reader->keys) : empty;
    if (removal.item.hashtag.length == 0 && *has_image) {
        removal.item.hashtag = name_in(reader, &reader->image);
    }
    if (removal.item.hashtag.length == 0) {
        return HT_EPARSE;
    }
    if (*has_image) {
        read_image(reader, &removal.item);
    }
    removal.item_json = item_json(reader, has_keys, *has_image);
    removal.origin = origin_of(record, *has_image);
    removal.event_id = event_id_of(record, shard_id, &reader->texts);
    if (ht_buffer_status(&reader->json) != 0 || ht_buffer_status(&reader->texts) != 0) {
        return HT_ENOMEM;
    }
    *out = copy_removal(&removal, record->sequence_number);
    return *out == NULL ? HT_ENOMEM : 0;
}

struct ht_counted_removal *ht_counted_removal_hold(struct ht_counted_removal *removal)
{
    HT_ASSERT(removal->references > 0);
    removal->references++;
    return removal;
}

void ht_counted_removal_release(struct ht_counted_removal *removal)
{
    if (removal != NULL && --removal->references == 0) {
        free(removal);
    }
}
