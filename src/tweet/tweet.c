// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/tweet.h"

#include "tweet_reading.h"

#include <stdlib.h>

/*
 * bytes --scan--> message -+-> event of Bluesky
 *                          |-> envelope ("data") --> tweet, or compliance
 *                          |-> status of Mastodon
 *                          |-> tweet
 *                          |-> event of Mastodon with a status inside
 *                          `-> notice, or unknown
 */

#define X(name, text) text,
static const char *const message_key_names[] = {HT_MESSAGE_KEYS(X)};
static const char *const inner_key_names[] = {HT_INNER_KEYS(X)};
static const char *const jetstream_key_names[] = {HT_JETSTREAM_KEYS(X)};
static const char *const mastodon_key_names[] = {HT_MASTODON_KEYS(X)};
#undef X

static bool read_message(struct ht_reading *reading);
static bool read_envelope(struct ht_reading *reading, const struct ht_fields *envelope);

/* -- life ------------------------------------------------------------------------------- */

void ht_tweet_reader_init(struct ht_tweet_reader *reader, const struct ht_hash_key *key)
{
    *reader = (struct ht_tweet_reader){.key = *key};
    ht_json_reader_init(&reader->json, HT_TWEET_BYTES_MAX);
    ht_json_keys_init(&reader->message_keys, message_key_names, HT_MESSAGE_KEY_COUNT);
    ht_json_keys_init(&reader->inner_keys, inner_key_names, HT_INNER_KEY_COUNT);
    ht_json_keys_init(&reader->jetstream_keys, jetstream_key_names, HT_JETSTREAM_KEY_COUNT);
    ht_json_keys_init(&reader->mastodon_keys, mastodon_key_names, HT_MASTODON_KEY_COUNT);
    ht_buffer_init(&reader->arena, 2 * HT_TWEET_BYTES_MAX);
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
    struct ht_reading reading = {.reader = reader,
                                 .options = options == NULL ? &defaults : options,
                                 .out = out,
                                 .error = error};
    memset(out, 0, sizeof(*out));
    ht_buffer_clear(&reader->arena);
    if (ht_reading_scan(&reading, bytes)) {
        (void)read_message(&reading);
    }
    out->hashtags = out->hashtag_count == 0 ? NULL : reader->hashtags;
    return reading.result;
}

bool ht_reading_scan(struct ht_reading *reading, struct ht_slice bytes)
{
    struct ht_tweet_reader *reader = reading->reader;
    size_t offset = 0;
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
        return ht_reading_out_of_memory(reading);
    }
    (void)ht_error_set(reading->error, HT_EPARSE, "%s, near byte %zu",
                       ht_json_verdict_text(verdict), offset);
    return ht_reading_refuse(reading, ht_tweet_refusal_of(verdict));
}

/* -- the message ------------------------------------------------------------------------ */

static bool read_message(struct ht_reading *reading)
{
    static const struct ht_json_value none = {0};
    struct ht_json_value root = ht_json_reader_root(&reading->reader->json);
    struct ht_fields message;
    if (root.kind != '{') {
        return ht_reading_refuse_type(reading, "the message", "an object");
    }
    ht_reading_find_fields(reading, root, &message);
    if (ht_reading_is_there(message.at[HT_MESSAGE_DID]) && ht_reading_jetstream(reading, root)) {
        return reading->result == 0;
    }
    if (ht_reading_is_there(message.at[HT_MESSAGE_DATA])) {
        return read_envelope(reading, &message);
    }
    if (ht_reading_is_there(message.at[HT_MESSAGE_ACCOUNT]) && ht_reading_status(reading, root)) {
        return reading->result == 0;
    }
    if (ht_reading_looks_like_tweet(&message)) {
        return ht_reading_tweet(reading, &message, none);
    }
    if (message.at[HT_MESSAGE_PAYLOAD].kind == '{' &&
        ht_reading_jetstream(reading, message.at[HT_MESSAGE_PAYLOAD])) {
        return reading->result == 0;
    }
    if (message.at[HT_MESSAGE_EVENT].kind == '"' &&
        ht_reading_is_there(message.at[HT_MESSAGE_PAYLOAD])) {
        return ht_reading_mastodon_event(reading, &message);
    }
    return ht_reading_notice(reading, &message);
}

static bool read_envelope(struct ht_reading *reading, const struct ht_fields *envelope)
{
    struct ht_json_value data = envelope->at[HT_MESSAGE_DATA];
    struct ht_fields tweet;
    if (!ht_reading_expect(reading, data, '{', "data")) {
        return false;
    }
    ht_reading_find_fields(reading, data, &tweet);
    if (ht_reading_looks_like_tweet(&tweet)) {
        return ht_reading_tweet(reading, &tweet, envelope->at[HT_MESSAGE_INCLUDES]);
    }
    return ht_reading_compliance(reading, data);
}

enum ht_tweet_refusal ht_tweet_refusal_of(enum ht_json_verdict verdict)
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
    return refusals[verdict];
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
