// SPDX-License-Identifier: MIT
#pragma once

/**
 * Where the source `jetstream` goes on. Jetstream gives each event the microsecond at which it
 * saw it, and goes on from any such time; that holds on every host, other than its sequence numbers.
 * Events come nearly in the order of their times: a few hundredths of a second late at most. So the
 * source remembers the latest time, and asks from a few seconds before it.
 *
 * All of it is plain calculation. Times are microseconds since 1970; 0 is "none".
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** So much is asked for again. The service's documentation says "a few seconds". */
#define HT_JETSTREAM_EARLY_US UINT64_C(5000000)

/** How far back the public hosts go: 36 hours, as their documentation says. */
#define HT_JETSTREAM_LOOKBACK_US UINT64_C(129600000000)

/** Smaller numbers are no times but sequence numbers, as the service defines it. */
#define HT_JETSTREAM_TIME_MIN_US UINT64_C(1000000000000000)

/** What a cursor of an earlier run turned out to be. */
enum ht_jetstream_cursor_kind {
    HT_JETSTREAM_CURSOR_GOOD,
    HT_JETSTREAM_CURSOR_FOREIGN, /**< another source's, or none at all */
    HT_JETSTREAM_CURSOR_FUTURE,  /**< over ten minutes ahead: a clock was wrong */
};

/** From where to ask. */
struct ht_jetstream_resume {
    uint64_t cursor_us; /**< 0: only what happens from now on */
    bool is_too_old;    /**< the service goes back less far: what lies between is missed */
};

/** Writes the cursor "jetstream:1:<time>" of a time; returns its length, 0 for no time. */
size_t ht_jetstream_cursor_format(uint64_t time_us, char text[HT_SOURCE_OWN_CURSOR_BYTES]);

/** Reads a cursor into `*time_us`, which is 0 unless it is GOOD. */
enum ht_jetstream_cursor_kind ht_jetstream_cursor_parse(struct ht_slice cursor, int64_t now_ms,
                                                        uint64_t *time_us);

/** The latest time after an event of `event_us` (0: it had none). A step back of up to a minute is
 * disorder or a repeat and changes nothing; a larger one is taken: the time before was wrong. */
uint64_t ht_jetstream_cursor_move(uint64_t time_us, uint64_t event_us);

/** Whether a stream of all posts that was asked from `cursor_us` (0: from now on) and began with
 * an event of `first_us` went back less far than was asked: at least a minute is missing, in which
 * the whole network would have been silent. */
bool ht_jetstream_is_gap(uint64_t cursor_us, uint64_t first_us);

/** A connection on which nothing comes, as that of a few accounts may be for days. */
struct ht_jetstream_quiet {
    int64_t service_ms;      /**< wall time by the service's clock when it agreed; 0: not known */
    uint64_t opened_ms;      /**< monotonic: when that was */
    uint64_t quiet_since_ms; /**< monotonic: the last event, or its begin where none came */
};

/** So long nothing must have come until silence counts, and so far behind the service's present it
 * counts: a service that looks through a day and a half for old posts of few accounts is silent
 * meanwhile, for minutes. Our choice. */
#define HT_JETSTREAM_QUIET_MS UINT64_C(3600000)

/** The time to go on from moves by this at least, so that it is not stored at every look. */
#define HT_JETSTREAM_QUIET_STEP_US UINT64_C(600000000)

/** What the service says its time is, in wall milliseconds, where that and ours (`now_ms`) agree to ten
 * minutes; else 0. `date_s` is of its answer's Date, 0 where it had none. */
int64_t ht_jetstream_service_ms(int64_t date_s, int64_t now_ms);

/** The time up to which a quiet connection has brought all there is, where that is worth to be kept
 * instead of `time_us`; else `time_us`. `now_ms` is monotonic. */
uint64_t ht_jetstream_cursor_rest(uint64_t time_us, const struct ht_jetstream_quiet *quiet,
                                  uint64_t now_ms);

/** From where to ask so that nothing after `time_us` is missed. */
struct ht_jetstream_resume ht_jetstream_resume_at(uint64_t time_us, int64_t now_ms);
