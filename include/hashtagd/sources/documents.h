// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes files of tweets apart into single messages, whatever the form: JSON lines (tweets,
 * events of Bluesky's Jetstream, statuses of Mastodon), one JSON array, a search answer of v1.1 or
 * Mastodon ({"statuses":[...]}), v2 answers ({"data":{...}} or {"data":[...],"includes":{...}}),
 * several of these one after the other or in an array, each on one line or pretty-printed over
 * many; our own dead letters; plain or gzip.
 *
 * A message keeps its bytes. Only the tweets of a v2 list get a new envelope each,
 * {"data":<tweet>,"includes":{"tweets":[<those it refers to>]}}, and dead letters give back
 * what was put into them. What a tweet says is not judged here (tweet/tweet.h does that).
 *
 * Bad input costs as little as can be, and each bad place gives one reject. Behind a document that
 * is broken or cut off reading goes on at its second line, or the next one, that begins (without
 * space before it) with '{' or '['; the lines between that are indented or begin with a closing
 * bracket belong to it. Behind a broken element of a list it goes on where the brackets close, or
 * at the next line that stands as the list's elements do. Lists in lists count as one.
 *
 * Arrays and search answers are never held whole, only the element that is being read; a v2
 * answer is, since `includes` may stand behind the tweets.
 *
 *     struct ht_documents *documents = ht_documents_create();
 *     for (each chunk) {
 *         ht_documents_feed(documents, chunk);              // or ht_documents_end() after the last
 *         struct ht_document document;
 *         while ((event = ht_documents_next(documents, &document)) <= HT_DOCUMENTS_REJECT)
 *             ...use document.bytes before the next call...
 *         // HT_DOCUMENTS_MORE: feed the next chunk; HT_DOCUMENTS_END: that was all
 *     }
 *     ht_documents_destroy(documents);
 *
 * One thread at a time; it may be handed from one to another between calls.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/tweet/tweet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest message; longer ones are rejected. */
#define HT_DOCUMENTS_MESSAGE_BYTES_MAX HT_TWEET_BYTES_MAX

/** The longest v2 answer with a list of tweets; longer ones are rejected as a whole. A page of 500
 * tweets, the most that the service sends, with all it can include has about 4 MiB. */
#define HT_DOCUMENTS_PAGE_BYTES_MAX (16u * 1024u * 1024u)

enum ht_documents_event {
    HT_DOCUMENTS_MESSAGE, /**< a message was found */
    HT_DOCUMENTS_REJECT,  /**< something that is no message was found and skipped */
    HT_DOCUMENTS_MORE, /**< the chunk is used up: feed the next one, or say that it was the last */
    HT_DOCUMENTS_END,  /**< everything was read */
    HT_DOCUMENTS_FAILED, /**< memory is out; every further call says the same */
};

/** What was found. */
struct ht_document {
    /** The message; or the beginning of what was rejected, at most HT_DOCUMENTS_MESSAGE_BYTES_MAX
     * of it, maybe empty. Lives until the next call. */
    struct ht_slice bytes;
    uint64_t line;                 /**< where it begins; the first line is 1 */
    enum ht_tweet_refusal refusal; /**< why it was rejected; NONE for messages */
    const char *reason;            /**< the same for a person; static; NULL for messages */
    bool is_damaged; /**< the input itself (gzip) is damaged or cut off: the rest was not read */
};

/** A reading; its fields are private. */
struct ht_documents;

/** Starts a reading. NULL where memory is out. */
struct ht_documents *ht_documents_create(void);

/** Ends a reading at any point; NULL is fine. */
void ht_documents_destroy(struct ht_documents *documents);

/** Gives the next bytes (not copied: they must stay until HT_DOCUMENTS_MORE). Only at the beginning
 * and after HT_DOCUMENTS_MORE; an empty chunk is fine. */
void ht_documents_feed(struct ht_documents *documents, struct ht_slice chunk);

/** Says that no more bytes come. Call ht_documents_next() until HT_DOCUMENTS_END. */
void ht_documents_end(struct ht_documents *documents);

/** The bytes that have gone through so far, as they are unpacked: what a few bytes of gzip unfold to
 * has no limit here. */
uint64_t ht_documents_unpacked_bytes(const struct ht_documents *documents);

/** Finds the next thing. `*document` is filled for MESSAGE and REJECT. A damaged or cut off gzip
 * stream gives a last reject. */
enum ht_documents_event ht_documents_next(struct ht_documents *documents,
                                          struct ht_document *document);
