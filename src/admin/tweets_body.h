// SPDX-License-Identifier: MIT
#pragma once

/**
 * The body of POST /tweets, taken apart into single messages with the lines on which they begin.
 * JSON lines are cut at line ends and point into the body; everything else goes through
 * sources/documents.h and is copied. It is done step by step, so that a large body leaves others
 * their turn:
 *
 *     ht_tweets_body_init(&body);
 *     result = ht_tweets_body_begin(&body, bytes, is_lines);
 *     while (result == 0 && !body.is_read) result = ht_tweets_body_go_on(&body);
 *     ...
 *     ht_tweets_body_finish(&body);
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_documents;

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
    bool is_read;                     /**< that was all: messages, lines and rejects are there */
    /* private */
    struct ht_slice rest;           /* of the body, not looked at yet */
    uint64_t line;                  /* on which it begins; of JSON lines */
    struct ht_documents *documents; /* owned; NULL for JSON lines, and at the end */
    size_t piece_bytes;             /* that it gets at once */
    bool has_ended;                 /* it got all */
};

/** Nothing yet. */
void ht_tweets_body_init(struct ht_tweets_body *body);

/** Frees the arrays. Zeroed memory is fine. */
void ht_tweets_body_finish(struct ht_tweets_body *body);

/** Begins with `bytes`, which stay until ht_tweets_body_finish(): JSON lines, of which each that is
 * not blank is a message, or any form that `hashtagd put` reads. HT_ENOMEM. */
int ht_tweets_body_begin(struct ht_tweets_body *body, struct ht_slice bytes,
                         bool is_lines) HT_MUST_CHECK;

/** Takes some more of it, some microseconds' worth. 0, HT_ETOOBIG, HT_ENOMEM. Not after an error,
 * nor once `is_read`. */
int ht_tweets_body_go_on(struct ht_tweets_body *body) HT_MUST_CHECK;
