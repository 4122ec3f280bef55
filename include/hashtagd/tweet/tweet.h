// SPDX-License-Identifier: MIT
#pragma once

/**
 * Reads one message of a stream: what kind it is, which tweet, and which hashtags it
 * carries. It knows Twitter's v1.1 messages, v2 envelopes ({"data","includes"}), bare v2
 * tweets and v2 tweets with their originals inlined; the events of Bluesky's Jetstream, version 1
 * and 2; and Mastodon's statuses, bare or in the events of its WebSocket. A post or status is a
 * tweet here. It holds to these rules:
 *
 *   - of one tweet `extended_tweet.entities` (v1.1) or `note_tweet.entities` (v2) replace
 *     `entities`: those may be cut short;
 *   - a retweet carries the hashtags of the whole original, once, never its own cut ones on
 *     top: `retweeted_status`, or the "retweeted" one of `referenced_tweets`, inlined or found
 *     in `includes.tweets`; where the original is not there, its own are all there is;
 *   - a quoted tweet's hashtags are not the quoting one's;
 *   - an edited tweet (v2) has the identity of its first version;
 *   - Bluesky's posts carry the hashtags in the text (`record.facets`) and those beside it
 *     (`record.tags`), one list behind the other. Both attach the same hashtag to the same post, so
 *     who counts folds them and takes each once. Their records are made by users: what is of a wrong
 *     type in there is left out and counted, and all else of the post counts;
 *   - a Mastodon status with a `reblog` is a retweet of it, with an identity of its own. The
 *     identity is `uri`, else `url`, else `id`;
 *   - an edit at Bluesky and Mastodon has the identity of the first version and carries all
 *     hashtags of the new one (`is_edit`);
 *   - what is not read is not judged: only a wrong type on the way to a hashtag or an id refuses
 *     a tweet, and then the whole tweet. null means "not there". Of a key that is there twice the
 *     last one counts.
 *
 *     ht_tweet_reader_init(&reader, &key);
 *     struct ht_tweet_options options = {.retweets = HT_TWEET_RETWEETS_COUNT};
 *     int result = ht_tweet_read(&reader, bytes, &options, &tweet, &error);
 *     if (result == HT_EPARSE)
 *         dead_letter(bytes, ht_tweet_refusal_name(tweet.refusal));
 *     else if (result == 0 && tweet.kind == HT_TWEET_KIND_TWEET)
 *         for (size_t i = 0; i < tweet.hashtag_count; i++)
 *             count(tweet.hashtags[i]);
 *
 * A reader belongs to one thread and is used again for every message.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/json/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest message that is read. */
#define HT_TWEET_BYTES_MAX (1024u * 1024u)

/** The most hashtags of one tweet; one with more is refused. */
#define HT_TWEET_HASHTAGS_MAX 1000

/** The most bytes of all hashtags of one tweet; one with more is refused. So much is all text of the
 * longest post that a service takes: X, 25,000 characters. Folding it takes some milliseconds. */
#define HT_TWEET_HASHTAG_BYTES_MAX 100000

/* name, as a metric label and in texts */
#define HT_TWEET_KIND_MAP(X)                                                                       \
    X(UNKNOWN, "unknown") /* JSON, but nothing that is known */                                    \
    X(TWEET, "tweet")                                                                              \
    X(DELETE, "delete")         /* `id` is what was deleted */                                     \
    X(LIMIT, "limit")           /* `number` is how many were not delivered */                      \
    X(DISCONNECT, "disconnect") /* `number` is the code */                                         \
    X(WARNING, "warning")                                                                          \
    X(SCRUB_GEO, "scrub_geo")                                                                      \
    X(STATUS_WITHHELD, "status_withheld")                                                          \
    X(USER_WITHHELD, "user_withheld")                                                              \
    X(FRIENDS, "friends")                                                                          \
    X(EVENT, "event")                                                                              \
    X(DIRECT_MESSAGE, "direct_message")                                                            \
    X(CONTROL, "control")                                                                          \
    X(FOR_USER, "for_user")                                                                        \
    X(COMPLIANCE, "compliance")     /* v2: withheld, drop, undrop, tweet_edit, user_... */         \
    X(ERRORS, "errors")             /* v2: the connection is ending */                             \
    X(ACCOUNT, "account")           /* Bluesky: an account went, or came back */                   \
    X(IDENTITY, "identity")         /* Bluesky: an account's name or keys changed */               \
    X(OTHER_RECORD, "other_record") /* Bluesky: of a collection that holds no posts */

/** What a message is. */
enum ht_tweet_kind {
#define X(name, text) HT_TWEET_KIND_##name,
    HT_TWEET_KIND_MAP(X)
#undef X
        HT_TWEET_KIND_COUNT,
};

/* name, label (a metric label and a dead letter's reason), what it says to a person */
#define HT_TWEET_REFUSAL_MAP(X)                                                                    \
    X(NONE, "none", "not refused")                                                                 \
    X(NOT_JSON, "not_json", "not valid JSON")                                                      \
    X(CUT_OFF, "cut_off", "the JSON ends too early")                                               \
    X(TOO_LARGE, "too_large", "larger than a tweet may be")                                        \
    X(TOO_DEEP, "too_deep", "nested too deep")                                                     \
    X(BAD_UTF8, "bad_utf8", "not valid UTF-8")                                                     \
    X(LONE_SURROGATE, "lone_surrogate", "half of a surrogate pair")                                \
    X(WRONG_TYPE, "wrong_type", "a field has the wrong type")                                      \
    X(NO_ID, "no_id", "a tweet without an id")                                                     \
    X(TOO_MANY_HASHTAGS, "too_many_hashtags", "more hashtags than a tweet may have")

/** Why a message was refused for good. */
enum ht_tweet_refusal {
#define X(name, label, text) HT_TWEET_REFUSAL_##name,
    HT_TWEET_REFUSAL_MAP(X)
#undef X
        HT_TWEET_REFUSAL_COUNT,
};

/** What to do with retweets. */
enum ht_tweet_retweets {
    HT_TWEET_RETWEETS_COUNT,  /**< the hashtags of the whole original, once */
    HT_TWEET_RETWEETS_IGNORE, /**< no hashtags */
};

/** Which service a message is of. What belongs to none of the others is TWITTER. */
enum ht_tweet_network {
    HT_TWEET_NETWORK_TWITTER,
    HT_TWEET_NETWORK_BLUESKY,
    HT_TWEET_NETWORK_MASTODON,
};

/** Zeroed is the default. */
struct ht_tweet_options {
    enum ht_tweet_retweets retweets;
};

/** One message. The slices live until the reader's next read, and only as long as the bytes that
 * were read: they may point into those. */
struct ht_tweet {
    enum ht_tweet_kind kind;
    enum ht_tweet_refusal refusal; /**< NONE unless the read returned HT_EPARSE */
    /** The identity: of a tweet, or of what a delete notice deletes. Decimal (Twitter),
     * "at://did/collection/rkey" (Bluesky), usually a URL (Mastodon; its delete notices have the id
     * that the server knows the status by). Empty where there is none; never empty for a tweet. */
    struct ht_slice id;
    uint64_t key;   /**< `id` as a number, or its keyed hash where it is no plain number */
    int64_t number; /**< of limit and disconnect notices; 0 where missing */
    enum ht_tweet_network network;
    bool is_editable; /**< the service's edits keep the identity and bring all hashtags again */
    bool is_edit;     /**< is_editable, and a later version than the first */
    bool is_retweet;
    bool is_original_missing; /**< a retweet, and its own hashtags had to do */
    /** As spelled, escapes resolved, not yet folded (tweet/fold.h), in the order of the message,
     * repeats included; none is empty or nothing but '#'. NULL where there are none. */
    const struct ht_slice *hashtags;
    size_t hashtag_count;
    /** Left out: empty, nothing but '#', or, of Bluesky's posts, of a wrong type. */
    size_t empty_hashtag_count;
};

/** A reader's memory. The fields are private. */
struct ht_tweet_reader {
    struct ht_json_reader json;
    struct ht_json_keys message_keys, inner_keys; /* tweets and messages; everything smaller */
    struct ht_json_keys jetstream_keys, mastodon_keys;
    struct ht_hash_key key;
    struct ht_slice *hashtags; /* owned array of HT_TWEET_HASHTAGS_MAX, made on the first use */
    struct ht_buffer arena;    /* resolved escapes, and what is put together */
};

/** Makes a reader in the caller's memory. `key` (copied) is for the hashes of ids that are no
 * numbers; readers that share a window of recent ids need the same. */
void ht_tweet_reader_init(struct ht_tweet_reader *reader, const struct ht_hash_key *key);

/** Frees the reader's memory. NULL and zeroed memory are fine. */
void ht_tweet_reader_finish(struct ht_tweet_reader *reader);

/**
 * Reads one message. `bytes` (not owned) may have white space around it. `options` may be NULL.
 * 0: `*out` is filled. HT_EPARSE: the message is refused for good, `out->refusal` says why and
 * `error` (may be NULL) where; another try gives the same. HT_ENOMEM: nothing was read.
 */
int ht_tweet_read(struct ht_tweet_reader *reader, struct ht_slice bytes,
                  const struct ht_tweet_options *options, struct ht_tweet *out,
                  struct ht_error *error) HT_MUST_CHECK;

/** The label of a kind: "tweet", "delete" ... Static. */
const char *ht_tweet_kind_name(enum ht_tweet_kind kind);

/** Why text that the JSON reader refuses is refused. NONE for OK and NO_MEMORY: no fault of the text. */
enum ht_tweet_refusal ht_tweet_refusal_of(enum ht_json_verdict verdict);

/** The label of a refusal: "not_json", "cut_off" ... Static. */
const char *ht_tweet_refusal_name(enum ht_tweet_refusal refusal);

/** A refusal in words. Static. */
const char *ht_tweet_refusal_text(enum ht_tweet_refusal refusal);
