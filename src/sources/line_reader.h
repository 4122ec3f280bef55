// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes a stream of bytes apart into the messages of X's streams, whatever pieces it comes
 * in: one JSON text a line, ended by CR LF. A bare LF ends a message too where what stands before
 * it is a whole JSON text or none that could go on (gnip's error lines, some proxies), and is white
 * space inside of one where it is not; empty lines are keep-alives. With `delimited=length` a
 * decimal length and a line end stand before each message, the length counting the message's CR LF;
 * blank lines may come before a length and behind it. Where a length is wrong the message goes on
 * to the next line end; a message without one is taken as a line.
 * ("Processing streaming data", dev.twitter.com; hbc's DelimitedStreamReader.)
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
    /** Bytes that are no message: `reason` is "too_large", "bad_length" (three lines in a row where
     * a length must stand, and none is one; `bytes` is the third) or "cut_off". `bytes` is the
     * beginning, at most max_bytes of it. */
    void (*on_bad)(void *user, struct ht_slice bytes, const char *reason);
};

/** Private fields. */
struct ht_line_reader {
    const struct ht_line_reader_events *events;
    void *user;
    enum ht_line_framing framing;
    size_t max_bytes;
    struct ht_buffer rest;  /* of a message that is not complete */
    size_t wanted;          /* DELIMITED: bytes of the message that comes; 0: its length comes */
    bool is_skipping;       /* a line that is too large, to its end */
    unsigned bad_lengths;   /* in a row */
    struct ht_buffer given; /* a completed `rest`, kept until the feed returns */
    /* what is known of the message's brackets, asked where an LF has no CR before it */
    size_t looked; /* bytes of the message that were followed */
    size_t depth;  /* open brackets behind them */
    bool in_string;
    bool in_escape;
    bool has_first;
    char first; /* byte that is not blank; any, NUL too */
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
