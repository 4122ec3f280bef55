// SPDX-License-Identifier: MIT
#pragma once

/**
 * A slice is some bytes that somebody else owns: a pointer and a length, with no
 * end mark. It is passed by value. How long the bytes live is said by whoever
 * hands the slice out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ht_slice {
    const char *data; /**< may be NULL only where length is 0 */
    size_t length;    /**< bytes */
};

/** A slice of a string literal or char array with its end mark left out. */
#define HT_SLICE(literal) ((struct ht_slice){(literal), sizeof(literal) - 1})

/** A slice over `length` bytes at `data`. */
static inline struct ht_slice ht_slice_make(const void *data, size_t length)
{
    return (struct ht_slice){data, length};
}

/** A slice over the C string `text`; NULL gives an empty slice. */
static inline struct ht_slice ht_slice_text(const char *text)
{
    return (struct ht_slice){text, text == NULL ? 0 : strlen(text)};
}

/** Whether both hold the same bytes. */
bool ht_slice_equal(struct ht_slice a, struct ht_slice b);

/** Whether both hold the same bytes, A-Z and a-z taken as the same. ASCII only. */
bool ht_slice_equal_ignoring_case(struct ht_slice a, struct ht_slice b);

/** Below, at or above 0 as a sorts before, with or after b: by bytes, then by length. */
int ht_slice_compare(struct ht_slice a, struct ht_slice b);

/** The same for whole decimal numbers of any length: by value, so that leading zeros say nothing. */
int ht_slice_compare_decimal(struct ht_slice a, struct ht_slice b);

/** Whether `slice` begins with `prefix`. */
bool ht_slice_starts_with(struct ht_slice slice, struct ht_slice prefix);

/** `slice` without the spaces and tabs at both ends. */
struct ht_slice ht_slice_trim(struct ht_slice slice);

/** Bytes of the character that begins `text`: 1 to 4; 0 where `text` is empty or begins with no
 * character of UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t ht_slice_character_bytes(struct ht_slice text);

/**
 * Reads a whole decimal number without sign into `*value`.
 * HT_EPARSE where anything but digits is there or nothing is; HT_ETOOBIG above `max`.
 */
int ht_slice_to_u64(struct ht_slice slice, uint64_t max, uint64_t *value)
    __attribute__((warn_unused_result));

/**
 * Copies the bytes and an end mark to the heap. NULL where memory is out.
 * The caller frees it with free().
 */
char *ht_slice_to_text(struct ht_slice slice);
