// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/fold.h"

#include "tweet_reading.h"

/* -- refusing --------------------------------------------------------------------------- */

bool ht_reading_out_of_memory(struct ht_reading *reading)
{
    reading->result =
        ht_error_set(reading->error, HT_ENOMEM, "out of memory while reading a tweet");
    return false;
}

bool ht_reading_refuse(struct ht_reading *reading, enum ht_tweet_refusal refusal)
{
    reading->out->refusal = refusal;
    reading->out->hashtag_count = 0;
    reading->result = HT_EPARSE;
    return false;
}

bool ht_reading_refuse_type(struct ht_reading *reading, const char *what, const char *expected)
{
    (void)ht_error_set(reading->error, HT_EPARSE, "%s is not %s", what, expected);
    return ht_reading_refuse(reading, HT_TWEET_REFUSAL_WRONG_TYPE);
}

bool ht_reading_refuse_kind(struct ht_reading *reading, const char *what, char kind)
{
    return ht_reading_refuse_type(reading, what,
                                  kind == '{'   ? "an object"
                                  : kind == '[' ? "an array"
                                                : "a string");
}

/* -- texts ------------------------------------------------------------------------------ */

bool ht_reading_reserve(struct ht_reading *reading, size_t bytes)
{
    return ht_buffer_reserve(&reading->reader->arena, bytes) == 0 ||
           ht_reading_out_of_memory(reading);
}

/* A text; what has escapes in it is resolved into the arena, which is made large enough for all
 * texts of one message at its first use, so that it never moves. */
bool ht_reading_text(struct ht_reading *reading, struct ht_json_value value, struct ht_slice *text)
{
    struct ht_tweet_reader *reader = reading->reader;
    struct ht_slice raw = ht_json_reader_raw(&reader->json, value);
    if (memchr(raw.data, '\\', raw.length) != NULL && reader->arena.length == 0 &&
        ht_buffer_reserve(&reader->arena, reader->json.text.length) != 0) {
        return ht_reading_out_of_memory(reading);
    }
    if (ht_json_reader_text(&reader->json, value, &reader->arena, text) != 0) {
        return ht_reading_out_of_memory(reading);
    }
    return true;
}

bool ht_reading_is_text(const struct ht_reading *reading, struct ht_json_value value,
                        const char *text)
{
    struct ht_slice raw = ht_json_reader_raw(&reading->reader->json, value);
    return value.kind == '"' && raw.length == strlen(text) + 2 &&
           memcmp(raw.data + 1, text, raw.length - 2) == 0;
}

/* -- identity --------------------------------------------------------------------------- */

static uint64_t key_of(const struct ht_tweet_reader *reader, struct ht_slice id)
{
    uint64_t key = 0;
    bool is_plain = id.length > 0 && (id.data[0] != '0' || id.length == 1);
    if (is_plain && ht_slice_to_u64(id, UINT64_MAX, &key) == 0) {
        return key;
    }
    return ht_hash_bytes(&reader->key, id);
}

bool ht_reading_set_id(struct ht_reading *reading, struct ht_slice id)
{
    reading->out->id = id;
    reading->out->key = key_of(reading->reader, id);
    return true;
}

bool ht_reading_take_id(struct ht_reading *reading, struct ht_json_value value)
{
    struct ht_slice id = ht_json_reader_raw(&reading->reader->json, value);
    if (value.kind == '"') {
        if (!ht_reading_text(reading, value, &id)) {
            return false;
        }
    } else if (value.kind != '0' || memchr(id.data, '.', id.length) != NULL ||
               memchr(id.data, 'e', id.length) != NULL || memchr(id.data, 'E', id.length) != NULL) {
        return ht_reading_refuse_type(reading, "the id", "a string or a whole number");
    }
    if (id.length == 0) {
        (void)ht_error_set(reading->error, HT_EPARSE, "the tweet's id is empty");
        return ht_reading_refuse(reading, HT_TWEET_REFUSAL_NO_ID);
    }
    return ht_reading_set_id(reading, id);
}

bool ht_reading_forgive(struct ht_reading *reading)
{
    if (reading->result != HT_EPARSE) {
        return false;
    }
    reading->result = 0;
    reading->out->refusal = HT_TWEET_REFUSAL_NONE;
    ht_error_clear(reading->error);
    return true;
}

bool ht_reading_take_deleted_id(struct ht_reading *reading, struct ht_json_value id)
{
    return (id.kind != '"' && id.kind != '0') || ht_reading_take_id(reading, id) ||
           ht_reading_forgive(reading);
}

/* -- hashtags --------------------------------------------------------------------------- */

bool ht_reading_add_hashtag(struct ht_reading *reading, struct ht_slice text)
{
    struct ht_tweet *out = reading->out;
    if (ht_fold_strip_hash(text).length == 0) {
        out->empty_hashtag_count++;
        return true;
    }
    reading->hashtag_bytes += text.length;
    if (out->hashtag_count == HT_TWEET_HASHTAGS_MAX ||
        reading->hashtag_bytes > HT_TWEET_HASHTAG_BYTES_MAX) {
        (void)ht_error_set(reading->error, HT_EPARSE, "more than %d hashtags, or %d bytes of them",
                           HT_TWEET_HASHTAGS_MAX, HT_TWEET_HASHTAG_BYTES_MAX);
        return ht_reading_refuse(reading, HT_TWEET_REFUSAL_TOO_MANY_HASHTAGS);
    }
    reading->reader->hashtags[out->hashtag_count++] = text;
    return true;
}
