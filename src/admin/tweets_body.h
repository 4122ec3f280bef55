// SPDX-License-Identifier: MIT
#pragma once

/**
 * The body of POST /tweets, taken apart into single messages with the lines on which they begin.
 * JSON lines are cut at line ends and point into the body; everything else goes through
 * sources/documents.h and is copied.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stddef.h>
#include <stdint.h>

/** Most messages of one body. */
#define HT_TWEETS_BODY_MAX_COUNT 50000

/** Most bytes of all messages, unpacked. */
#define HT_TWEETS_BODY_MAX_BYTES (32 * 1024 * 1024)

/** Something that is no message. */
struct ht_tweets_reject {
    uint64_t line;      /**< where it begins */
    const char *reason; /**< static */
};

struct ht_tweets_body {
    struct ht_slice *messages; /**< owned array; the bytes are the body's, or in `copies` */
    uint64_t *lines;           /**< owned array: where each begins; the first line is 1 */
    size_t count;
    struct ht_tweets_reject *rejects; /**< owned array, in the order of the body */
    size_t reject_count;
    size_t capacity, reject_capacity; /**< of the arrays */
    struct ht_buffer copies;          /**< owned */
};

/** Nothing yet. */
void ht_tweets_body_init(struct ht_tweets_body *body);

/** Frees the arrays. Zeroed memory is fine. */
void ht_tweets_body_finish(struct ht_tweets_body *body);

/** JSON lines: each line that is not blank is a message. 0, HT_ETOOBIG, HT_ENOMEM. */
int ht_tweets_body_split(struct ht_tweets_body *body, struct ht_slice bytes) HT_MUST_CHECK;

/** Any form that `hashtagd put` reads. 0, HT_ETOOBIG, HT_ENOMEM. */
int ht_tweets_body_parse(struct ht_tweets_body *body, struct ht_slice bytes) HT_MUST_CHECK;
