// SPDX-License-Identifier: MIT
#pragma once

/** Names of archive objects, which sort by time. Pure. */

#include "hashtagd/base/error.h"

#include <stddef.h>
#include <stdint.h>

/** Writes "<prefix>YYYY/MM/DD/HH/<time>-<suffix>.jsonl.gz" (UTC, to the millisecond) into `name` of
 * `size` bytes. HT_EIO where the time has no date, HT_ETOOBIG. */
int ht_archive_name_format(char *name, size_t size, const char *prefix, int64_t wall_ms,
                           const char *suffix) HT_MUST_CHECK;
