// SPDX-License-Identifier: MIT
#pragma once

/**
 * Feeds a stream to a reader in all the ways that pieces can be cut: whole, byte by byte, cut once
 * at each place, and, where it is small, cut twice. Each piece lies in memory of its own, so that a
 * sanitizer sees who reads beyond it or keeps it.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/slice.h"

#include <stdlib.h>
#include <string.h>

/** Streams up to this length are cut twice. */
#define STREAM_PIECES_SMALL 96

/** How one reading goes: `begin` makes a reader, `feed` gives it a piece, `end` ends the stream and
 * compares what came. */
struct stream_pieces {
    void (*begin)(void *user);
    void (*feed)(void *user, struct ht_slice piece);
    void (*end)(void *user);
    void *user;
};

static inline void stream_pieces_feed(const struct stream_pieces *pieces, const char *data,
                                      size_t length)
{
    char *copy = malloc(length == 0 ? 1 : length);
    HT_ASSERT(copy != NULL);
    memcpy(copy, data, length);
    pieces->feed(pieces->user, ht_slice_make(copy, length));
    free(copy);
}

static inline void stream_pieces_cut(const struct stream_pieces *pieces, struct ht_slice stream,
                                     size_t first, size_t second)
{
    pieces->begin(pieces->user);
    stream_pieces_feed(pieces, stream.data, first);
    stream_pieces_feed(pieces, stream.data + first, second - first);
    stream_pieces_feed(pieces, stream.data + second, stream.length - second);
    pieces->end(pieces->user);
}

static inline void stream_pieces_steps(const struct stream_pieces *pieces, struct ht_slice stream,
                                       size_t step)
{
    pieces->begin(pieces->user);
    for (size_t at = 0; at < stream.length; at += step) {
        size_t left = stream.length - at;
        stream_pieces_feed(pieces, stream.data + at, left < step ? left : step);
    }
    pieces->end(pieces->user);
}

static inline void stream_pieces_run(const struct stream_pieces *pieces, struct ht_slice stream)
{
    stream_pieces_steps(pieces, stream, stream.length + 1);
    stream_pieces_steps(pieces, stream, 1);
    stream_pieces_steps(pieces, stream, 7);
    for (size_t first = 0; first <= stream.length; first++) {
        size_t last = stream.length <= STREAM_PIECES_SMALL ? stream.length : first;
        for (size_t second = first; second <= last; second++) {
            stream_pieces_cut(pieces, stream, first, second);
        }
    }
}
