// SPDX-License-Identifier: MIT
#pragma once

/**
 * The bytes of a file on their way into a window: finds out by the first two whether they
 * are gzip, and unpacks them then. No limit on what they unfold to, since they go through piece by
 * piece.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/tweet/tweet.h"

#include <stdbool.h>
#include <stddef.h>

/** The most bytes that one fill adds. */
#define HT_DOCUMENTS_INPUT_FILL_BYTES 65536u

enum ht_documents_input_result {
    HT_DOCUMENTS_INPUT_FILLED,  /**< go on: bytes may have come */
    HT_DOCUMENTS_INPUT_MORE,    /**< the chunk is used up */
    HT_DOCUMENTS_INPUT_DRAINED, /**< nothing comes any more; `reason` says where it ended badly */
    HT_DOCUMENTS_INPUT_FAILED,  /**< memory is out */
};

/** Zeroed is the beginning. */
struct ht_documents_input {
    struct ht_slice chunk;          /**< what is left of it; not owned; the owner sets it */
    bool is_last;                   /**< no more chunks come; the owner sets it */
    bool knows_format;              /**< private */
    char head[HT_GZIP_MAGIC_BYTES]; /**< private: the first bytes, until the format is known */
    size_t head_length;             /**< private */
    struct ht_gzip_reader *gzip;    /**< private, owned; NULL for plain bytes */
    uint64_t unpacked_bytes;        /**< that were put into windows */
    enum ht_tweet_refusal refusal;  /**< with `reason` */
    const char *reason; /**< why gzip data ended badly; static; NULL where they did not */
};

/** Frees what it made. */
void ht_documents_input_finish(struct ht_documents_input *input);

/** Appends at most HT_DOCUMENTS_INPUT_FILL_BYTES to `window`. */
enum ht_documents_input_result ht_documents_input_fill(struct ht_documents_input *input,
                                                       struct ht_buffer *window);
