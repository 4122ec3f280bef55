// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a service says in the body of an error answer, as one short line for a person: JSON of
 * the shapes that X (v2 and v1), Mastodon and Bluesky have, plain text, or HTML without its tags.
 * White space is put together, control characters are left out. Pure; any bytes do no harm.
 */

#include "hashtagd/base/slice.h"

/** The longest text, its NUL counted. */
#define HT_ANSWER_TEXT_BYTES 256

/** The most of a body that is looked at; what is longer is for nobody. */
#define HT_ANSWER_BODY_MAX_BYTES 4096

/** Writes what `body` (cut off at HT_ANSWER_BODY_MAX_BYTES) says to `text`; "" where it says nothing.
 * `secret` (may be empty) is the value of a request's Authorization: what it holds is left out,
 * since there are servers that send back what they got. Returns `text`. */
const char *ht_answer_text(struct ht_slice body, struct ht_slice secret,
                           char text[HT_ANSWER_TEXT_BYTES]);

/** Leaves out of `text`, in place, what of `secret` (as for ht_answer_text()) it holds. */
void ht_answer_hide(char *text, struct ht_slice secret);
