// SPDX-License-Identifier: MIT
#pragma once

/**
 * Several sources behind one: they run side by side, are paused and stopped together, and
 * share one cursor, which holds each one's under its name. The state is that of the part which
 * is worst off; `parts` has each.
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/source.h"

#include <stddef.h>

/** Makes a source of `count` (2 to HT_SOURCE_COUNT_MAX) others with different names; it owns them
 * and destroys them with itself. `log` (NULL: none) is told each one's trouble and its end. NULL where
 * memory is out: then they stay the caller's. */
struct ht_source *ht_many_source_create(struct ht_source *const *sources, size_t count,
                                        struct ht_clock *clock, struct ht_timer_queue *timers,
                                        const struct ht_log *log);
