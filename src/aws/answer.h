// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the operations have in common when they read JSON answers: one reader, texts that live as
 * long as the answer, and the sentence for an answer that makes no sense.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/json/reader.h"

/** Scans an answer whose root is an object. 0, or HT_EPARSE (HT_ENOMEM) with the call's error. */
int ht_aws_answer_scan(struct ht_aws_call *call, struct ht_json_reader *reader,
                       struct ht_slice answer) HT_MUST_CHECK;

/** The text of a string; empty where `value` is no string (null and absent are the same). Escapes go to
 * `texts`, in which enough room is reserved, so that nothing moves. */
struct ht_slice ht_aws_answer_text(const struct ht_json_reader *reader, struct ht_json_value value,
                                   struct ht_buffer *texts);

/** Fills the call's error: the answer makes no sense, and why. Returns HT_EPARSE. */
int ht_aws_answer_refuse(struct ht_aws_call *call, const char *why);
