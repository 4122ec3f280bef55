// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes a stream of bytes apart into the messages of X's streams, whatever pieces it comes
 * in: one JSON text a line, ended by CR LF. A bare LF ends a message too where what stands before
 * it is a whole JSON text (gnip's error lines, some proxies) and is white space inside of one where
 * it is not; empty lines are keep-alives. With `delimited=length` a decimal length and a line
 * end stand before each message, the length counting the message's CR LF; blank lines may come
 * before a length. ("Processing streaming data", dev.twitter.com; hbc's DelimitedStreamReader.)
 *
 * A line over the maximum is dropped to its end and reported once; the next is read again. A
 * message that lies whole in one piece is given without a copy.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum ht_line_framing {
    HT_LINE_FRAMING_LINES,     /**< CR LF ends a message */
    HT_LINE_FRAMING_DELIMITED, /**< a length before each */
};

struct ht_line_reader_events {
    /** A message, without its end and never empty; lives until the feed returns. */
    void (*on_line)(void *user, struct ht_slice line);
    /** Bytes that are no message: `reason` is "too_large", "bad_length" or "cut_off". `bytes` is
     * the beginning at least. */
    void (*on_bad)(void *user, struct ht_slice bytes, const char *reason);
};

/** Private fields. */
struct ht_line_reader {
    const struct ht_line_reader_events *events;
    void *user;
    enum ht_line_framing framing;
    size_t max_bytes;
    struct ht_buffer rest;  /* of a message that is not complete */
    size_t scanned;         /* of `rest`, without an end in it */
    size_t wanted;          /* DELIMITED: bytes of the message that comes; 0: its length comes */
    bool is_skipping;       /* a line that is too large, to its end */
    unsigned bad_lengths;   /* in a row */
    struct ht_buffer given; /* a completed `rest`, kept until the feed returns */
};

/** Makes a reader in the caller's memory; `events` and `user` are not owned. `max_bytes` is of a
 * message. */
void ht_line_reader_init(struct ht_line_reader *reader, const struct ht_line_reader_events *events,
                         void *user, enum ht_line_framing framing, size_t max_bytes);

/** Takes the next bytes. All lines of one feed stay valid until it returns. 0 or HT_ENOMEM (then
 * the connection should end). */
int ht_line_reader_feed(struct ht_line_reader *reader, struct ht_slice bytes) HT_MUST_CHECK;

/** The connection ended: what is left is reported as "cut_off", and the reader is as new. */
void ht_line_reader_end(struct ht_line_reader *reader);

/** Frees the memory. Zeroed memory is fine. */
void ht_line_reader_finish(struct ht_line_reader *reader);
