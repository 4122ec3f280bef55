// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table of `hashtagd top`: a list of hashtags as the daemon answers it, drawn for a terminal.
 * A pure function of the answer, the width and the time.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/json/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How to draw. */
struct ht_top_style {
    size_t columns;  /**< width of the terminal; at least 40 are used */
    int64_t now_s;   /**< wall time, for "last seen" */
    bool has_colour; /**< escape sequences may be used */
};

/** Appends the table for `list` (the answer of GET /hashtags). HT_EPARSE where it is none; errors of
 * the buffer. */
int ht_top_table_format(const struct ht_json *list, const struct ht_top_style *style,
                        struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the table for `answer`, the body of what `url` answered to GET /hashtags. HT_EPARSE where it
 * is no list; HT_ENOMEM; HT_ETOOBIG where the buffer is too small; `error` says what to do. */
int ht_top_table_read(struct ht_slice answer, const char *url, const struct ht_top_style *style,
                      struct ht_buffer *out, struct ht_error *error) HT_MUST_CHECK;

/** Appends `number` with commas between groups of three digits. */
void ht_top_append_grouped(struct ht_buffer *out, uint64_t number);

/** Appends how long ago `seen_s` was: "now", "12 s ago", "5 min ago", "3 h ago" or the day. */
void ht_top_append_age(struct ht_buffer *out, int64_t seen_s, int64_t now_s);
