// SPDX-License-Identifier: MIT
#pragma once

/**
 * Writes JSON straight into a buffer, piece by piece; commas and colons come by
 * themselves. Every string is hostile: quotes, backslashes and control characters are
 * escaped, so are U+2028 and U+2029 (line ends in old JavaScript) and U+007F, and what is no
 * UTF-8 becomes U+FFFD, one for each broken sequence.
 *
 *     struct ht_json_writer writer;
 *     ht_json_writer_init(&writer, &buffer);
 *     ht_json_write_object_begin(&writer);
 *     ht_json_write_key(&writer, "hashtag");
 *     ht_json_write_slice(&writer, tag);
 *     ht_json_write_key(&writer, "count");
 *     ht_json_write_u64(&writer, 12);
 *     ht_json_write_object_end(&writer);
 *     result = ht_json_writer_status(&writer);
 *
 * The functions return nothing: the buffer remembers its first error, and one look at the
 * end tells. Calls in an order that makes no JSON are our own mistake and assert.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/** How deep objects and arrays may nest. */
#define HT_JSON_WRITER_DEPTH_MAX 32

/** The state of one text being written. Fields are private. */
struct ht_json_writer {
    struct ht_buffer *buffer; /* not owned */
    unsigned depth;
    bool after_key;     /* a key was written, its value is due */
    uint64_t has_items; /* a bit a level: a comma is due before the next item */
    uint64_t is_object; /* a bit a level */
};

/** Starts a text that is appended to `buffer` (not owned, outlives the writer). */
void ht_json_writer_init(struct ht_json_writer *writer, struct ht_buffer *buffer);

/** The buffer's first error: 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_json_writer_status(const struct ht_json_writer *writer);

/** Begins an object, as root, element or value of a key. */
void ht_json_write_object_begin(struct ht_json_writer *writer);
/** Ends the innermost object. */
void ht_json_write_object_end(struct ht_json_writer *writer);
/** Begins an array. */
void ht_json_write_array_begin(struct ht_json_writer *writer);
/** Ends the innermost array. */
void ht_json_write_array_end(struct ht_json_writer *writer);

/** Writes the key of the next value; only inside an object. `key` is never NULL. */
void ht_json_write_key(struct ht_json_writer *writer, const char *key);
/** The same for a key of any bytes. */
void ht_json_write_key_slice(struct ht_json_writer *writer, struct ht_slice key);

/** A string from any bytes. */
void ht_json_write_slice(struct ht_json_writer *writer, struct ht_slice text);
/** A string; NULL becomes null. */
void ht_json_write_text(struct ht_json_writer *writer, const char *text);
/** A whole number. */
void ht_json_write_i64(struct ht_json_writer *writer, int64_t value);
/** A whole number. */
void ht_json_write_u64(struct ht_json_writer *writer, uint64_t value);
/** A number with as few digits as read back the same; what is not finite becomes null. */
void ht_json_write_real(struct ht_json_writer *writer, double value);
/** true or false. */
void ht_json_write_bool(struct ht_json_writer *writer, bool value);
/** null. */
void ht_json_write_null(struct ht_json_writer *writer);
/** A value that is JSON already, taken as it is. */
void ht_json_write_raw(struct ht_json_writer *writer, struct ht_slice json);

/** Appends `text` as a JSON string with its quotes, outside of any writer. */
void ht_json_append_string(struct ht_buffer *buffer, struct ht_slice text);
