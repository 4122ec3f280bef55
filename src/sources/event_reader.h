// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes a stream of server-sent events apart (WHATWG HTML, "Server-sent events", 9.2.6),
 * whatever pieces it comes in: lines end with CR LF, LF or CR, a leading byte order mark is
 * dropped, lines that begin with ':' are comments (Mastodon's heartbeats; its first bytes are ":)"
 * and an LF), several data lines are joined with LF, an empty line ends an event, an event without
 * data is dropped.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct ht_event_reader_events {
    /** An event; `name` is "message" where it has none. Slices live until on_event returns. */
    void (*on_event)(void *user, struct ht_slice name, struct ht_slice data);
    /** Bytes that are dropped: `reason` is "too_large". */
    void (*on_bad)(void *user, struct ht_slice bytes, const char *reason);
};

/** Private fields. */
struct ht_event_reader {
    const struct ht_event_reader_events *events;
    void *user;
    size_t max_bytes;
    struct ht_buffer line, name, data;
    bool has_data;
    bool is_after_cr;
    bool is_begun;    /* past the byte order mark */
    bool is_skipping; /* an event that is too large, to its end */
};

/** Makes a reader in the caller's memory; `events` and `user` are not owned. `max_bytes` is of an
 * event. */
void ht_event_reader_init(struct ht_event_reader *reader,
                          const struct ht_event_reader_events *events, void *user,
                          size_t max_bytes);

/** Takes the next bytes. 0 or HT_ENOMEM (then the connection should end). */
int ht_event_reader_feed(struct ht_event_reader *reader, struct ht_slice bytes) HT_MUST_CHECK;

/** The connection ended: an event that is not complete is dropped, as the standard says. */
void ht_event_reader_end(struct ht_event_reader *reader);

/** Frees the memory. Zeroed memory is fine. */
void ht_event_reader_finish(struct ht_event_reader *reader);
