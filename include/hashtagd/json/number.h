// SPDX-License-Identifier: MIT
#pragma once

/**
 * Numbers of JSON texts that are wanted as whole ones: times above all, which services write in
 * seconds with a fraction, or with an exponent ("1.441215410867E9"). Pure; any thread.
 */

#include "hashtagd/base/slice.h"

#include <stdint.h>

/** The JSON number `text` times `factor` (1 .. 1000), rounded; 0 where it is none, or beyond 2^52
 * either way, where a double holds no halves. With 1000: "1.441215410867E9" is
 * 1441215410867. */
int64_t ht_json_number_scaled(struct ht_slice text, unsigned factor);
