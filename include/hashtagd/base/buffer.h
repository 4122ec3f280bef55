// SPDX-License-Identifier: MIT
#pragma once

/**
 * A buffer is bytes that grow, up to a maximum that is given when it is made.
 * Reaching the maximum is an ordinary error (HT_ETOOBIG). The content always has a
 * NUL behind it, so that `data` can be read as a C string.
 *
 * An append that fails leaves the content as it was and marks the buffer as failed:
 * a caller may do many appends and look once, with ht_buffer_status().
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

struct ht_buffer {
    char *data;       /**< owned; NULL until the first byte */
    size_t length;    /**< bytes in use */
    size_t capacity;  /**< bytes allocated, the NUL's place included */
    size_t max_bytes; /**< `length` never passes this */
    int status;       /**< 0, or the first error of an append: HT_ENOMEM or HT_ETOOBIG */
};

/** Makes an empty buffer in the caller's memory; allocates nothing. */
void ht_buffer_init(struct ht_buffer *buffer, size_t max_bytes);

/** Frees the content and makes the buffer empty again. NULL and zeroed memory are fine. */
void ht_buffer_finish(struct ht_buffer *buffer);

/** Forgets content and status, keeps the memory. */
void ht_buffer_clear(struct ht_buffer *buffer);

/** Removes the first `length` bytes (at most all of them). */
void ht_buffer_drop_front(struct ht_buffer *buffer, size_t length);

/** Makes room for `extra` more bytes; 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_buffer_reserve(struct ht_buffer *buffer, size_t extra);

/** Appends `length` bytes; 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_buffer_append(struct ht_buffer *buffer, const void *data, size_t length);

/** Appends a C string. */
int ht_buffer_append_text(struct ht_buffer *buffer, const char *text);

/** Appends a slice. */
int ht_buffer_append_slice(struct ht_buffer *buffer, struct ht_slice slice);

/** Appends one byte. */
int ht_buffer_append_byte(struct ht_buffer *buffer, char byte);

/** Appends a decimal number. */
int ht_buffer_append_u64(struct ht_buffer *buffer, uint64_t value);

/** Appends formatted text. */
int ht_buffer_append_format(struct ht_buffer *buffer, const char *format, ...) HT_PRINTF(2, 3);

/** 0, or the first error since the buffer was made or cleared. */
int ht_buffer_status(const struct ht_buffer *buffer);

/** The content; lives until the next change of the buffer. */
struct ht_slice ht_buffer_slice(const struct ht_buffer *buffer);

/** Hands the content (NUL-terminated, never NULL unless memory is out) to the caller, who frees it
 * with free(); the buffer is empty afterwards. */
char *ht_buffer_take(struct ht_buffer *buffer);
