// SPDX-License-Identifier: MIT
#pragma once

/**
 * A list of what is wrong with the configuration or the command line, each with its place and
 * the cure, so that all of it is told at once.
 *
 * Life: ht_mistakes_init(), any number of ht_mistakes_add(), ht_mistakes_print(),
 * ht_mistakes_finish().
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"

#include <stdio.h>

/** Most mistakes that are kept; more are only counted. */
#define HT_MISTAKES_MAX 100

struct ht_mistakes {
    struct ht_buffer lines; /**< one mistake a line, each with its \n */
    size_t count;           /**< how many were made, those over HT_MISTAKES_MAX included */
};

/** An empty list in the caller's memory. */
void ht_mistakes_init(struct ht_mistakes *mistakes);

/** Frees the list. Zeroed memory is fine. */
void ht_mistakes_finish(struct ht_mistakes *mistakes);

/** Adds "place: text". `place` is a file with line and column, a variable or a flag; copied. Control
 * characters, and what is no UTF-8, become '?'. */
void ht_mistakes_add(struct ht_mistakes *mistakes, const char *place, const char *format, ...)
    HT_PRINTF(3, 4);

/** Writes the list with a heading that counts them. */
void ht_mistakes_print(const struct ht_mistakes *mistakes, FILE *out);
