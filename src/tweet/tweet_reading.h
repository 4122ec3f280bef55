// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the files that read a message share:
 *   tweet.c            life, the scan, which service a message is of, names
 *   tweet_reading.c    refusing, texts, identities, hashtags
 *   tweet_x.c          tweets of X: v1.1, v2 envelopes, bare v2
 *   tweet_notice.c     X's notices
 *   tweet_jetstream.c  Bluesky's events
 *   tweet_mastodon.c   Mastodon's statuses
 *
 * Steps return false where reading is over; the reading's `result` says how. The two that look
 * whether a message is of their service return that; what became of it is in the reading.
 */

#include "hashtagd/tweet/tweet.h"

/* Keys of messages and tweets; the notices stand in the order of their kinds. */
#define HT_MESSAGE_KEYS(X)                                                                         \
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
    X(DID, "did")                                                                                  \
    X(ACCOUNT, "account")                                                                          \
    X(PAYLOAD, "payload")                                                                          \
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

/* Keys of what is inside of X's. */
#define HT_INNER_KEYS(X)                                                                           \
    X(ENTITIES, "entities")                                                                        \
    X(HASHTAGS, "hashtags")                                                                        \
    X(TEXT, "text")                                                                                \
    X(TAG, "tag")                                                                                  \
    X(TWEETS, "tweets")                                                                            \
    X(STATUS, "status")                                                                            \
    X(TWEET, "tweet")                                                                              \
    X(ID, "id")                                                                                    \
    X(ID_STR, "id_str")                                                                            \
    X(TRACK, "track")                                                                              \
    X(CODE, "code")                                                                                \
    X(EVENT_AT, "event_at")

/* Keys of Bluesky's events, of the records in them, and of what is inside of those. */
#define HT_JETSTREAM_KEYS(X)                                                                       \
    X(DID, "did")                                                                                  \
    X(KIND, "kind")                                                                                \
    X(COMMIT, "commit")                                                                            \
    X(OPERATION, "operation")                                                                      \
    X(COLLECTION, "collection")                                                                    \
    X(RKEY, "rkey")                                                                                \
    X(RECORD, "record")                                                                            \
    X(FACETS, "facets")                                                                            \
    X(FEATURES, "features")                                                                        \
    X(TYPE, "$type")                                                                               \
    X(TAG, "tag")                                                                                  \
    X(TAGS, "tags")

/* Keys of Mastodon's statuses and of what is inside of them. */
#define HT_MASTODON_KEYS(X)                                                                        \
    X(ID, "id")                                                                                    \
    X(URI, "uri")                                                                                  \
    X(URL, "url")                                                                                  \
    X(ACCOUNT, "account")                                                                          \
    X(CONTENT, "content")                                                                          \
    X(TAGS, "tags")                                                                                \
    X(NAME, "name")                                                                                \
    X(REBLOG, "reblog")                                                                            \
    X(EDITED_AT, "edited_at")

#define X(name, text) HT_MESSAGE_##name,
enum { HT_MESSAGE_KEYS(X) HT_MESSAGE_KEY_COUNT };
#undef X
#define X(name, text) HT_INNER_##name,
enum { HT_INNER_KEYS(X) HT_INNER_KEY_COUNT };
#undef X
#define X(name, text) HT_JETSTREAM_##name,
enum { HT_JETSTREAM_KEYS(X) HT_JETSTREAM_KEY_COUNT };
#undef X
#define X(name, text) HT_MASTODON_##name,
enum { HT_MASTODON_KEYS(X) HT_MASTODON_KEY_COUNT };
#undef X

/** The members of a message or tweet. */
struct ht_fields {
    struct ht_json_value at[HT_MESSAGE_KEY_COUNT];
};

/** One message, on its way. */
struct ht_reading {
    struct ht_tweet_reader *reader;
    const struct ht_tweet_options *options;
    struct ht_tweet *out;
    struct ht_error *error;
    int result;
    size_t hashtag_bytes;
};

/* tweet.c */
/** Scans `bytes` instead of what was read so far; false where they are no JSON. */
bool ht_reading_scan(struct ht_reading *reading, struct ht_slice bytes);

/* tweet_x.c */
/** Whether the members are those of a tweet. */
bool ht_reading_looks_like_tweet(const struct ht_fields *fields);
/** Reads a tweet; `includes` is where the originals of v2 are. */
bool ht_reading_tweet(struct ht_reading *reading, const struct ht_fields *tweet,
                      struct ht_json_value includes);

/* tweet_notice.c */
/** Reads one of X's notices, or finds that the message is unknown. */
bool ht_reading_notice(struct ht_reading *reading, const struct ht_fields *message);
/** {"data":{"delete":{"tweet":{"id"},"event_at"}}} and its relatives: one member with an event. */
bool ht_reading_compliance(struct ht_reading *reading, struct ht_json_value data);

/* tweet_jetstream.c */
/** Reads the event that `object` is; false where it is none. */
bool ht_reading_jetstream(struct ht_reading *reading, struct ht_json_value object);

/* tweet_mastodon.c */
/** Reads the status that `object` is; false where it is none. */
bool ht_reading_status(struct ht_reading *reading, struct ht_json_value object);
/** Reads {"event","payload"}. */
bool ht_reading_mastodon_event(struct ht_reading *reading, const struct ht_fields *message);

/* tweet_reading.c */
/** Memory is out. False. */
bool ht_reading_out_of_memory(struct ht_reading *reading);
/** Refuses the message; the error is set already. False. */
bool ht_reading_refuse(struct ht_reading *reading, enum ht_tweet_refusal refusal);
/** Refuses it because `what` is not `expected`. False. */
bool ht_reading_refuse_type(struct ht_reading *reading, const char *what, const char *expected);
/** Refuses it because `value` is not of `kind`. False. */
bool ht_reading_refuse_kind(struct ht_reading *reading, const char *what, char kind);
/** Takes a refusal back: what was refused is not needed. False where memory was out instead. */
bool ht_reading_forgive(struct ht_reading *reading);
/** Lets the arena hold so many bytes without moving, at most twice the length of the message; before
 * the first text. */
bool ht_reading_reserve(struct ht_reading *reading, size_t bytes);
/** A text, escapes resolved. */
bool ht_reading_text(struct ht_reading *reading, struct ht_json_value value, struct ht_slice *text);
/** Whether `value` is this text, which needs no escapes. */
bool ht_reading_is_text(const struct ht_reading *reading, struct ht_json_value value,
                        const char *text);
/** Takes `id` as the identity. */
bool ht_reading_set_id(struct ht_reading *reading, struct ht_slice id);
/** Takes `value`, a text or whole number that is there, as the identity. */
bool ht_reading_take_id(struct ht_reading *reading, struct ht_json_value value);
/** Takes `value` as what a notice deletes; a notice with none, or a strange one, is one all the
 * same. */
bool ht_reading_take_deleted_id(struct ht_reading *reading, struct ht_json_value value);
/** Takes a text as a hashtag, or counts it among the empty ones. */
bool ht_reading_add_hashtag(struct ht_reading *reading, struct ht_slice text);

/** Whether there is such a value. null means that there is none. */
static inline bool ht_reading_is_there(struct ht_json_value value)
{
    return value.kind != '\0' && value.kind != 'n';
}

/** Refuses the message where `value` is there and of another kind. */
static inline bool ht_reading_expect(struct ht_reading *reading, struct ht_json_value value,
                                     char kind, const char *what)
{
    return !ht_reading_is_there(value) || value.kind == kind ||
           ht_reading_refuse_kind(reading, what, kind);
}

/** Finds the members of a message or tweet. */
static inline void ht_reading_find_fields(const struct ht_reading *reading,
                                          struct ht_json_value object, struct ht_fields *fields)
{
    ht_json_reader_find(&reading->reader->json, object, &reading->reader->message_keys, fields->at);
}

/** Finds the members of something smaller of X's. */
static inline void ht_reading_find_inner(const struct ht_reading *reading,
                                         struct ht_json_value object, struct ht_json_value *found)
{
    ht_json_reader_find(&reading->reader->json, object, &reading->reader->inner_keys, found);
}
