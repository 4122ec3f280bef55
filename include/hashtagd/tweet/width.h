// SPDX-License-Identifier: MIT
#pragma once

/**
 * Text of strangers for a terminal: how many columns it takes (East Asian wide characters
 * two, combining ones none), cut to a width, and with everything that could drive the
 * terminal or turn the line around made visible as U+FFFD. Pure functions on UTF-8.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stddef.h>

/** Columns that `text` takes as ht_width_append() writes it. */
size_t ht_width_columns(struct ht_slice text);

/**
 * Appends `text` to `out` in at most `max_columns` (1 and up) columns: where it is longer it ends in
 * U+2026. Control characters, bidirectional and other format controls (joiners excepted), line
 * separators and what is no UTF-8 become U+FFFD; a character keeps at most four combining ones.
 * Returns the columns written. Errors stay in `out`.
 */
size_t ht_width_append(struct ht_buffer *out, struct ht_slice text, size_t max_columns);
