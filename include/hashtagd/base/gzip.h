// SPDX-License-Identifier: MIT
#pragma once

/**
 * gzip (RFC 1952) both ways; zlib stays behind this header.
 *
 * Writing: ht_gzip_format() makes one whole member from bytes in memory. Members
 * one after the other are a gzip file too, so a file that grows by whole members
 * can be read at every instant.
 *
 * Reading: struct ht_gzip_reader turns a stream, cut anywhere, into its bytes, a
 * piece at a time and never more than the caller has room for; it reads on over
 * any number of members.
 *
 *     struct ht_slice input = chunk;
 *     while (input.length > 0) {
 *         size_t length;
 *         int status = ht_gzip_reader_read(reader, &input, room, sizeof(room), &length);
 *         if (status < 0) ... broken or over the limit
 *         use(room, length);
 *     }
 *     ...no more input: unless ht_gzip_reader_is_complete(reader), the file was cut off.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How many bytes of a stream tell that it is gzip. */
#define HT_GZIP_MAGIC_BYTES 2

/** Whether `slice` begins as gzip does (1f 8b); false where it is shorter than that. */
bool ht_gzip_has_magic(struct ht_slice slice);

/**
 * Appends one whole gzip member that holds `bytes` to `out`. The same bytes give the
 * same member: it names no time and no file.
 * 0, HT_ENOMEM, or HT_ETOOBIG where `out` would pass its maximum (`out` is then as before,
 * but marked as failed as buffer.h says).
 */
int ht_gzip_format(struct ht_slice bytes, struct ht_buffer *out) HT_MUST_CHECK;

/**
 * Appends the content of `slice`, one or more whole members, to `out`, whose maximum is
 * the limit. 0; HT_EPARSE where it is no gzip, damaged or cut off; HT_ETOOBIG; HT_ENOMEM.
 * On an error `out` may have got a part of the content.
 */
int ht_gzip_parse(struct ht_slice slice, struct ht_buffer *out) HT_MUST_CHECK;

/** A stream on its way through; its fields are private. One thread at a time. */
struct ht_gzip_reader;

/** Makes a reader that gives out at most `max_output_bytes` (0: no limit) in all. NULL where
 * memory is out. */
struct ht_gzip_reader *ht_gzip_reader_create(uint64_t max_output_bytes);

/** Frees the reader; NULL is fine. */
void ht_gzip_reader_destroy(struct ht_gzip_reader *reader);

/**
 * Reads from the front of `*input`, which is moved past what was taken, and writes at most
 * `capacity` (> 0) bytes to `out`, their number to `*length`. Call it again until the input is
 * empty AND `*length` is below `capacity`: the reader may hold output that found no room.
 * Zero bytes behind the last member (padding of tapes and blocks) are skipped.
 * 0; HT_EPARSE where the bytes are no gzip or damaged; HT_ETOOBIG above the reader's limit;
 * HT_ENOMEM. After an error every further call gives the same error. `*length` is right on
 * errors too.
 */
int ht_gzip_reader_read(struct ht_gzip_reader *reader, struct ht_slice *input, void *out,
                        size_t capacity, size_t *length) HT_MUST_CHECK;

/** Whether the stream may end here: at least one member was read and none is open. */
bool ht_gzip_reader_is_complete(const struct ht_gzip_reader *reader);
