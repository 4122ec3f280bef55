// SPDX-License-Identifier: MIT
#pragma once

/**
 * Lists of hashtags as JSON: for GET /hashtags and for the event `top`. The usual ones (a window
 * and a limit, from the top) are built once and shared while nothing changed, or for a few
 * milliseconds while counting goes on; never across a deletion or a flush.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/http.h"
#include "hashtagd/tally/tally.h"

/** The names of the windows as the interface has them, by enum ht_tally_window; ended by NULL. */
extern const char *const ht_window_names[HT_TALLY_WINDOW_COUNT + 1];

/** Longest text of a cursor. */
#define HT_CURSOR_BYTES 2800

/** What a list shows. */
struct ht_list_query {
    enum ht_tally_window window;
    uint32_t limit;
    struct ht_slice prefix; /**< folded; empty: all */
    bool has_after;         /**< behind the cursor below */
    uint64_t after_count;
    struct ht_slice after_tag;
    bool has_series; /**< each hashtag with its last 60 minutes */
};

/** Appends the list. 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_list_format(struct ht_tally *tally, const struct ht_list_query *query,
                   struct ht_buffer *out) HT_MUST_CHECK;

/** Writes the cursor that goes on behind (`count`, `tag`) as text without characters that a query
 * would need encoded. */
void ht_cursor_format(uint64_t count, struct ht_slice tag, char text[HT_CURSOR_BYTES]);

/** Reads a cursor; `tag` (room for HT_TALLY_TAG_MAX_BYTES) and `*length` get its hashtag. HT_EPARSE.
 */
int ht_cursor_parse(struct ht_slice text, uint64_t *count, char *tag, size_t *length) HT_MUST_CHECK;

/** Entries of the cache. */
#define HT_LIST_CACHE_ENTRIES 8

/** Lists that were built. */
struct ht_list_cache {
    struct ht_list_entry {
        struct ht_http_body *body; /* owned reference; NULL: unused */
        enum ht_tally_window window;
        uint32_t limit;
        uint64_t version, durable_version;
        uint64_t built_ms, used_ms; /* monotonic */
    } entries[HT_LIST_CACHE_ENTRIES];
    uint64_t hits, misses;
};

/** What an entry is compared with. */
struct ht_list_now {
    struct ht_tally *tally;
    uint64_t durable_version; /**< of the count stage: grows with each deletion and flush */
    uint64_t now_ms;          /**< monotonic */
};

/** How long a list may be served while counting goes on. */
#define HT_LIST_MAX_AGE_MS 50

/** An empty cache. */
void ht_list_cache_init(struct ht_list_cache *cache);

/** Frees it. */
void ht_list_cache_finish(struct ht_list_cache *cache);

/** The list of `window` and `limit` from the top, borrowed from the cache until its next use. NULL
 * where memory is out. */
struct ht_http_body *ht_list_cache_get(struct ht_list_cache *cache, const struct ht_list_now *now,
                                       enum ht_tally_window window, uint32_t limit);
