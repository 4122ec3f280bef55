// SPDX-License-Identifier: MIT
#pragma once

/**
 * jansson's reading, made safe where memory is out. Its lexer ignores that its room for a token could
 * not grow: a string then lacks a byte, and where that is its last quote the library reads and writes
 * behind its memory; at the end of a number an assertion of the library ends the program. Only errno
 * tells of it, and the next number that is read clears that.
 *
 * So where a string or a number is longer than the room is at first, the text is read as the second
 * element of a list whose first is a string, for which the room has grown; and the text is handed over
 * in pieces that end before each number, with a look at errno before each piece. A text behind which
 * more may come cannot be put into a list: what is read so is not safe where memory is out.
 */

#include "hashtagd/base/slice.h"

#include <jansson.h>

#include <stdbool.h>

/** Reads a text by jansson's `flags`. Owned, or NULL with `*failure`; `*has_memory` is false where
 * memory was out, and then it is NULL too. `failure->position` is how much was read. */
json_t *ht_json_load(struct ht_slice text, size_t flags, json_error_t *failure, bool *has_memory);
