// SPDX-License-Identifier: MIT
#pragma once

/**
 * The cursor of a source that counts: its type and some numbers, "synthetic:1:4096".
 * What was written by another type, or has another number of numbers, is no cursor of this one.
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The first line of the cursor of several sources; the others are "NAME CURSOR". */
#define HT_SOURCE_CURSOR_OF_MANY "many"

/** What of `cursor` belongs to the source `name`: its line, where several wrote it together ("" where
 * it has none), else all of it. Part of `cursor`. */
struct ht_slice ht_source_cursor_own(struct ht_slice cursor, const char *name);

/** Writes the cursor into `text` and returns it. At most 8 numbers; the type is short. */
struct ht_slice ht_source_cursor_format(char text[HT_SOURCE_CURSOR_BYTES], const char *type,
                                        const uint64_t *numbers, size_t count);

/** Reads `count` numbers; false, and `numbers` is as it was, where it is no such cursor. */
bool ht_source_cursor_parse(struct ht_slice cursor, const char *type, uint64_t *numbers,
                            size_t count);
