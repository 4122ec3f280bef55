// SPDX-License-Identifier: MIT
#pragma once

/**
 * How far the clock of a service is ahead of ours, learned from the Date of its answers. Services
 * refuse requests whose time is off by more than five minutes. Pure.
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/** Differences up to this are not corrected: Date has whole seconds, and answers take their time. */
#define HT_AWS_SKEW_TOLERATED_MS 60000

/** Takes the Date of an answer that came at `now_ms` (our wall clock) into `*skew_ms`; true where
 * that changed it, which is where the difference passes HT_AWS_SKEW_TOLERATED_MS. */
bool ht_aws_skew_learn(int64_t *skew_ms, struct ht_slice date, int64_t now_ms);
