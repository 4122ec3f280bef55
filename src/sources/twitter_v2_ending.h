// SPDX-License-Identifier: MIT
#pragma once

/**
 * Tells posts from the errors that X sends within a stream before it ends the connection, and
 * what each of those asks for. An object with `errors`, or with a problem's `title` and `detail`,
 * and without `data` ends the connection; one with `data` is a post, also where `errors` tells that
 * a part of it could not be had.
 * https://docs.x.com/x-api/fundamentals/handling-disconnections
 *
 * Cheap: of a line that begins with {"data":{ nothing more is looked at, and a line over
 * HT_TWITTER_V2_ENDING_MAX_BYTES is taken for a post.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>

/** The longest line that is looked at closely. X's errors have some hundred bytes. */
#define HT_TWITTER_V2_ENDING_MAX_BYTES 65536

/** What an error in the stream says. */
struct ht_twitter_v2_ending {
    enum ht_source_end end;
    bool are_rules_stale; /**< the account's rules must be looked at again */
    struct ht_error
        error; /**< HT_ECONNECTION, HT_ENOMEM, or HT_EPERMISSION where a person is needed: X's words
                              and the cure */
};

/** Whether `line` (one JSON text) says that the connection is ending; then `*ending` is filled. What
 * is no JSON says nothing. Where memory is out nobody knows: then it is taken for the end of a
 * connection that broke (HT_ENOMEM), and the rules for stale. */
bool ht_twitter_v2_ending_read(struct ht_slice line, struct ht_twitter_v2_ending *ending);
