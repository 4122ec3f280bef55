// SPDX-License-Identifier: MIT
#pragma once

/**
 * A v2 answer whose `data` is a list, taken apart: each tweet of the list becomes a message
 * of its own, in an envelope with those of the included tweets that it refers to.
 *
 * Life: init, then for each answer open and next until it gives nothing more, finish.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/sources/documents.h"

#include "hashtagd/json/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A tweet within the answer. */
struct ht_documents_page_tweet {
    struct ht_slice bytes; /**< points into the answer */
    struct ht_slice id;    /**< as it stands, without quotes; of included tweets only */
    uint64_t line;         /**< where it begins */
};

/** Tweets of an answer, in order. */
struct ht_documents_page_tweets {
    struct ht_documents_page_tweet *items; /**< owned */
    size_t count;
    size_t capacity;
};

struct ht_documents_page {
    struct ht_documents_page_tweets data;     /**< of the answer that is open */
    struct ht_documents_page_tweets included; /**< sorted by id */
    size_t next;                              /**< of `data` */
    struct ht_json_reader reader;             /**< for single tweets */
    struct ht_json_keys keys;                 /**< "id", "referenced_tweets" */
    struct ht_buffer envelope;                /**< the message that next() made */
};

/** Makes it empty; takes no memory. */
void ht_documents_page_init(struct ht_documents_page *page);

/** Frees its memory; zeroed memory is fine. */
void ht_documents_page_finish(struct ht_documents_page *page);

/** Opens `answer` (well-formed, stays until the last next()) that begins in `line`. 0 or
 * HT_ENOMEM. */
int ht_documents_page_open(struct ht_documents_page *page, struct ht_slice answer,
                           uint64_t line) HT_MUST_CHECK;

/** Fills `*document` with the next message or reject and `*event` with which of them; false where
 * there is none left. HT_DOCUMENTS_FAILED is also an event. */
bool ht_documents_page_next(struct ht_documents_page *page, enum ht_documents_event *event,
                            struct ht_document *document);
