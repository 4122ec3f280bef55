// SPDX-License-Identifier: MIT
#pragma once

/**
 * What is known of a timeline, and what is missing: the bookkeeping of the gap that a lost
 * connection leaves. Pure.
 *
 *        known                                 stream opened
 *     -----|==============(missing)=================|-----------> ids
 *       ^  after: pages go from here to there
 *       '-- a little before, for what comes late
 *
 * The stream is opened first; what it brings from then on needs no page. Pages go upward from a
 * little before the last known id until one
 *
 *   - is empty, which no page of a busy timeline ever is; or
 *   - reaches the moment in which the stream was opened: what the server got before has no newer id; or
 *   - holds nothing new, and lies behind the first statuses that the open stream brought.
 *
 * `known` is what may be kept as the cursor: everything up to it was had. It does not pass what is
 * missing while that is being fetched.
 */

#include "mastodon_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Statuses of a page, as asked for: the most that Mastodon gives. */
#define HT_MASTODON_GAP_PAGE_STATUSES 40

/** Pages of one gap at most: a sixth of what a server allows in five minutes. */
#define HT_MASTODON_GAP_PAGES_MAX 50

/** Statuses of one gap at most. */
#define HT_MASTODON_GAP_STATUSES_MAX (HT_MASTODON_GAP_PAGES_MAX * HT_MASTODON_GAP_PAGE_STATUSES)

/** Pages begin so long before the last known id: other servers' statuses come that much late in
 * most cases, and have the id of the moment in which they were written. Our choice. */
#define HT_MASTODON_GAP_OVERLAP_MS 10000

/** But at most so many statuses before it: three pages. */
#define HT_MASTODON_GAP_OVERLAP_STATUSES (3 * HT_MASTODON_GAP_PAGE_STATUSES)

/** So many statuses of an open stream make its horizon: one alone may be old. Our choice. */
#define HT_MASTODON_GAP_HORIZON_STATUSES 20

/** The books. Zeroed is the start; read only for others. */
struct ht_mastodon_gap {
    struct ht_mastodon_id known;   /**< the cursor: all up to it was had; none at first */
    struct ht_mastodon_id newest;  /**< that the stream brought */
    struct ht_mastodon_id horizon; /**< the newest of the first statuses of this stream */
    unsigned horizon_count;        /**< of how many; nothing is said by too few */
    struct ht_mastodon_id after;   /**< while filling: the next page is what comes after it */
    int64_t opened_ms;             /**< when the stream was, by the server's clock; 0: unknown */
    unsigned page_count;           /**< of this filling */
    unsigned status_count;         /**< in them */
    bool is_filling;
    struct ht_mastodon_id recent[HT_MASTODON_GAP_OVERLAP_STATUSES]; /**< a ring of what came last */
    size_t recent_count;                                            /**< ever */
};

/** A page, as the books see it. */
struct ht_mastodon_gap_page {
    struct ht_mastodon_id newest; /**< none where it is empty */
    size_t count;                 /**< of statuses */
    size_t new_count;             /**< of those that had not come before */
};

/** What a page means. */
enum ht_mastodon_gap_verdict {
    HT_MASTODON_GAP_MORE,     /**< ask for the next one */
    HT_MASTODON_GAP_FILLED,   /**< nothing is missing any more */
    HT_MASTODON_GAP_TOO_WIDE, /**< the bounds are reached, and something is missing for good */
};

/** A stream was opened; where something is known, filling begins. */
void ht_mastodon_gap_open(struct ht_mastodon_gap *gap);

/** It was opened before `server_ms` (wall time by the server's clock, and a little more for its
 * machines' differences). The first call for a stream counts. */
void ht_mastodon_gap_opened_at(struct ht_mastodon_gap *gap, int64_t server_ms);

/** The stream brought a new status. */
void ht_mastodon_gap_live(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id);

/** A page, or the stream, brought a status: for the overlap of a later filling. */
void ht_mastodon_gap_note(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id);

/** Where a filling would begin now: a little before what is known; none where nothing is. */
struct ht_mastodon_id ht_mastodon_gap_begin(const struct ht_mastodon_gap *gap);

/** The state after a restart: `known`, and where a filling begins (`begin`; none: as it is for a
 * known id alone). */
void ht_mastodon_gap_restore(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *known,
                             const struct ht_mastodon_id *begin);

/** The newest status of the timeline, asked for when nothing was known: a later filling begins
 * there. */
void ht_mastodon_gap_anchor(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id);

/** A page came. Where the verdict is not MORE, filling is over. Only while filling. */
enum ht_mastodon_gap_verdict ht_mastodon_gap_page(struct ht_mastodon_gap *gap,
                                                  const struct ht_mastodon_gap_page *page);

/** Filling is given up: what is missing stays so. */
void ht_mastodon_gap_give_up(struct ht_mastodon_gap *gap);

/** The stream ended. What was not filled is fetched after the next one is opened. */
void ht_mastodon_gap_close(struct ht_mastodon_gap *gap);
