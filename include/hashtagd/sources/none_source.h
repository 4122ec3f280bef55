// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `none`: nothing comes by itself. Tweets then come from outside: POST /tweets,
 * `hashtagd put`, or other programs that write to the stream. It is off from its making to
 * its end, and keeps no cursor.
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/source.h"

/** Makes the source. `clock` and `timers` are not owned and outlive it. NULL where memory is out. */
struct ht_source *ht_none_source_create(struct ht_clock *clock, struct ht_timer_queue *timers);
