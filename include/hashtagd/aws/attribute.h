// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB's attribute values as they stand in JSON, both ways: {"S":"text"}, {"N":"12"},
 * {"SS":["a","b"]}. An item is an object of attributes; it is read with json/reader.h, of which this
 * is the small rest:
 *
 *     static const char *const names[] = {"hashtag", "htCount"};
 *     ht_json_reader_find(&reader, item, &keys, found);
 *     if (ht_attribute_text(&reader, found[0], &arena, &hashtag) == 0 &&
 *         ht_attribute_u64(&reader, found[1], &count) == 0)
 *
 * Values come from outside and may be anything: what is not of the type asked for is HT_ENOTFOUND
 * (no attribute, another type) or HT_EPARSE, never a guess. Numbers are text, because DynamoDB's
 * have 38 digits, and come back in its own form ("1E+2" for 100): they are read exactly. Source:
 * Amazon DynamoDB Developer Guide, "Data types", and API Reference, "AttributeValue".
 */

#include "hashtagd/json/reader.h"
#include "hashtagd/json/writer.h"

#include <stdint.h>

/** Longest text of a number that is read: 38 digits, or up to 126 places written out. */
#define HT_ATTRIBUTE_NUMBER_BYTES 160

/** The type of a value. */
enum ht_attribute_type {
    HT_ATTRIBUTE_NONE, /**< no attribute value, or of a type that is not known */
    HT_ATTRIBUTE_S,
    HT_ATTRIBUTE_N,
    HT_ATTRIBUTE_B,
    HT_ATTRIBUTE_BOOL,
    HT_ATTRIBUTE_NULL,
    HT_ATTRIBUTE_SS,
    HT_ATTRIBUTE_NS,
    HT_ATTRIBUTE_BS,
    HT_ATTRIBUTE_M,
    HT_ATTRIBUTE_L,
};

/** The type of `value` ({"S":...}; any JSON value, also one with kind '\0'), and where `inner` is not
 * NULL, what stands behind the type's name: a JSON string for S, N and B, an array for sets and
 * lists, an object for maps. An object of more or fewer than one member is no attribute value. */
enum ht_attribute_type ht_attribute_get(const struct ht_json_reader *reader,
                                        struct ht_json_value value, struct ht_json_value *inner);

/** The text of a value of type S, as ht_json_reader_text() gives it (may be empty). HT_ENOTFOUND
 * where `value` is no S, HT_ENOMEM, HT_ETOOBIG. */
int ht_attribute_text(const struct ht_json_reader *reader, struct ht_json_value value,
                      struct ht_buffer *arena, struct ht_slice *text) HT_MUST_CHECK;

/** The exact text of a value of type N: a slice of the scanned text. HT_ENOTFOUND where `value` is no
 * N, HT_EPARSE where it is no decimal number or longer than HT_ATTRIBUTE_NUMBER_BYTES. */
int ht_attribute_number(const struct ht_json_reader *reader, struct ht_json_value value,
                        struct ht_slice *number) HT_MUST_CHECK;

/** The value of an N that is whole and fits. As above, and HT_EPARSE where it is not whole,
 * HT_ETOOBIG where it is out of range (below 0 for u64). `*number` is left alone on errors. */
int ht_attribute_u64(const struct ht_json_reader *reader, struct ht_json_value value,
                     uint64_t *number) HT_MUST_CHECK;
/** Likewise. */
int ht_attribute_i64(const struct ht_json_reader *reader, struct ht_json_value value,
                     int64_t *number) HT_MUST_CHECK;

/** The seconds of an N that is a time since 1970: a fraction is cut off. Errors as above. */
int ht_attribute_seconds(const struct ht_json_reader *reader, struct ht_json_value value,
                         int64_t *seconds) HT_MUST_CHECK;

/**
 * Reads a decimal number in any form that JSON or DynamoDB write ("10", "1E+1", "1.5e3"), times ten
 * to the power of `shift`, exactly, into `*value`. Where a fraction is left it is cut off and
 * `*is_exact` (may be NULL) is false. HT_EPARSE, or HT_ETOOBIG where it does not fit.
 */
int ht_attribute_read_decimal(struct ht_slice text, int shift, int64_t *value,
                              bool *is_exact) HT_MUST_CHECK;

/** The milliseconds of a JSON timestamp (epoch seconds as a JSON number, maybe with fraction and
 * exponent). HT_EPARSE where `value` is no such number, HT_ETOOBIG. */
int ht_attribute_timestamp_ms(const struct ht_json_reader *reader, struct ht_json_value value,
                              int64_t *time_ms) HT_MUST_CHECK;

/** Writes {"S":text}. Empty texts are fine, but not in keys. */
void ht_attribute_write_text(struct ht_json_writer *writer, struct ht_slice text);
/** Writes {"N":"12"}. */
void ht_attribute_write_u64(struct ht_json_writer *writer, uint64_t number);
/** Writes {"N":"-12"}. */
void ht_attribute_write_i64(struct ht_json_writer *writer, int64_t number);
/** Writes {"N":number} from the text of a number, as it is. */
void ht_attribute_write_number(struct ht_json_writer *writer, struct ht_slice number);
/** Writes {"SS":[...]}; `count` is 1 or more, for DynamoDB has no empty set. */
void ht_attribute_write_texts(struct ht_json_writer *writer, const struct ht_slice *texts,
                              size_t count);

/** Writes the member "name":{"S":text} of an item. `name` is not NULL. */
static inline void ht_attribute_add_text(struct ht_json_writer *writer, const char *name,
                                         struct ht_slice text)
{
    ht_json_write_key(writer, name);
    ht_attribute_write_text(writer, text);
}

/** Writes the member "name":{"N":"12"}. */
static inline void ht_attribute_add_u64(struct ht_json_writer *writer, const char *name,
                                        uint64_t number)
{
    ht_json_write_key(writer, name);
    ht_attribute_write_u64(writer, number);
}

/** Writes the member "name":{"N":"-12"}. */
static inline void ht_attribute_add_i64(struct ht_json_writer *writer, const char *name,
                                        int64_t number)
{
    ht_json_write_key(writer, name);
    ht_attribute_write_i64(writer, number);
}
