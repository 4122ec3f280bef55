// SPDX-License-Identifier: MIT
#pragma once

/** Numbers of answers: whole, with a fraction or with an exponent. */

#include "hashtagd/base/slice.h"

#include <stdint.h>

/** The JSON number `text` times `factor` (1 or 1000), rounded to a whole number; 0 where it is beyond
 * what a time can be (or is none). "1.441215410867E9" times 1000 is 1441215410867. */
int64_t ht_kinesis_number_ms(struct ht_slice text, unsigned factor);
