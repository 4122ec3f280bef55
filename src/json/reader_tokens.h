// SPDX-License-Identifier: MIT
#pragma once

/**
 * The parts of JSON that are looked at one by one, not as bit masks: numbers with more than
 * digits in them, literals, \u escapes, UTF-8 sequences. Each function looks at the text from
 * an offset on, never past its end, and tells what is wrong, or OK.
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/json/reader.h"

/** Checks the number, true, false or null at `begin`, up to the first byte that can be part of
 * none. RFC 8259 section 6; whole numbers must fit 64 bits, others a double. */
enum ht_json_verdict ht_scan_primitive(struct ht_slice text, size_t begin);

/** Checks the escape whose 'u' is at `at`. `*low_at` is private to a row of calls over one text
 * (start with SIZE_MAX): where the second half of a pair is expected. `*is_nul` tells U+0000. */
enum ht_json_verdict ht_scan_unicode_escape(struct ht_slice text, size_t at, size_t *low_at,
                                            bool *is_nul);

/** Checks the UTF-8 sequence at `begin`, whose first byte is 0x80 or above, and sets `*end` behind
 * it. RFC 3629. */
enum ht_json_verdict ht_scan_utf8(struct ht_slice text, size_t begin, size_t *end);

/** The value of four hexadecimal digits at `digits`, or -1. */
int ht_scan_hex4(const char *digits);

/** Writes the content of a checked string (without its quotes) to `out`, escapes resolved; `out` has
 * room for text.length bytes. Returns how many were written. */
size_t ht_scan_unescape(struct ht_slice text, char *out);
