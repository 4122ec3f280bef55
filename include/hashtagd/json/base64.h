// SPDX-License-Identifier: MIT
#pragma once

/**
 * Base64 as in RFC 4648 section 4: the standard alphabet, padding always there. Decoding
 * is strict: no line ends, no missing or extra padding, and the unused bits of the last
 * character must be zero, so that one text stands for one value and back.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stddef.h>

/** Characters that `length` bytes need. */
static inline size_t ht_base64_encoded_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

/** The most bytes that `length` characters can stand for: room that decoding needs. */
static inline size_t ht_base64_decoded_max(size_t length)
{
    return length / 4 * 3;
}

/** Writes `bytes` as ht_base64_encoded_length() characters to `out`, without an end mark; returns
 * how many. */
size_t ht_base64_encode(struct ht_slice bytes, char *out);

/** Appends `bytes` in Base64 to `buffer`; 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_base64_append(struct ht_buffer *buffer, struct ht_slice bytes);

/** Reads the whole of `text` into `out` (room for ht_base64_decoded_max() bytes; may be the text's
 * own memory) and sets `*length`. HT_EPARSE where it is not strict Base64; `out` then holds
 * rubbish. */
int ht_base64_decode(struct ht_slice text, void *out, size_t *length) HT_MUST_CHECK;
