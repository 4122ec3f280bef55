// SPDX-License-Identifier: MIT
#pragma once

/**
 * What to do after the answer to a question for a page of a timeline: take it, ask again
 * later, or give up; and how long to wait so that the server's limits are kept. Pure.
 *
 * Mastodon allows 300 requests in five minutes to an account and an address
 * (docs.joinmastodon.org/api/rate-limits) and tells in every answer how many are left, and until
 * when: X-RateLimit-Reset is a time in RFC 3339, not seconds as elsewhere.
 */

#include "hashtagd/base/random.h"
#include "hashtagd/net/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No wait is longer, whatever a server says: three of its periods. */
#define HT_MASTODON_PACE_WAIT_MAX_MS 900000

/** After so many failures in a row it gives up: about four minutes. */
#define HT_MASTODON_PACE_FAILURES_MAX 10

/** The limits that an answer tells. */
struct ht_mastodon_limits {
    int64_t limit, remaining; /**< requests; -1: not told */
    int64_t reset_ms;         /**< wall time when they start anew; 0: not told */
};

enum ht_mastodon_pace_action {
    HT_MASTODON_PACE_TAKE,    /**< it is a page */
    HT_MASTODON_PACE_NOTHING, /**< the server has nothing of that kind: as good as an empty page */
    HT_MASTODON_PACE_AGAIN,   /**< ask the same again */
    HT_MASTODON_PACE_GIVE_UP, /**< it will not answer */
};

/** What came. */
struct ht_mastodon_pace_input {
    int code;                             /**< of the transfer: 0 or HT_E... */
    int status;                           /**< of the answer */
    const struct ht_http_header *headers; /**< of the answer */
    size_t header_count;
    bool is_of_hashtag; /**< a hashtag's timeline: one that nobody used yet is not found */
    unsigned failures;  /**< in a row, before this one */
    int64_t now_ms;     /**< wall */
};

struct ht_mastodon_pace_decision {
    enum ht_mastodon_pace_action action;
    uint64_t wait_ms; /**< before the next question */
};

/** Reads the limits in the headers of an answer. */
struct ht_mastodon_limits ht_mastodon_limits_read(const struct ht_http_header *headers,
                                                  size_t header_count);

/** Decides. */
struct ht_mastodon_pace_decision ht_mastodon_pace_decide(const struct ht_mastodon_pace_input *input,
                                                         struct ht_random *random);

/** The Date of an answer (RFC 9110, IMF-fixdate) in wall milliseconds; 0 where it has none. */
int64_t ht_mastodon_date_ms(const struct ht_http_header *headers, size_t header_count);
