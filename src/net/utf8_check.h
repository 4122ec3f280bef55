// SPDX-License-Identifier: MIT
#pragma once

/**
 * Whether bytes that come in pieces are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF). The first wrong byte is seen in the piece that has it.
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>

/** Where the text stands. Zeroed is the beginning. */
struct ht_utf8_check {
    unsigned char left;      /**< bytes that the last character still lacks */
    unsigned char low, high; /**< between which the next of them must be */
};

/** Takes the next piece. False: it is no UTF-8; the check is then of no use any more. */
bool ht_utf8_check_add(struct ht_utf8_check *check, struct ht_slice piece);

/** Whether the text may end here: no character is half there. */
static inline bool ht_utf8_check_is_complete(const struct ht_utf8_check *check)
{
    return check->left == 0;
}
