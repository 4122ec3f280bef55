// SPDX-License-Identifier: MIT
#pragma once

/**
 * The two clocks, as an interface, so that tests can run days in seconds.
 *
 * The monotonic clock measures durations and drives timers; it never goes back and
 * its zero means nothing. The wall clock is what people read (UTC since 1970) and
 * may jump either way at any time: never compute a duration from it.
 */

#include <stdint.h>

struct ht_clock;

struct ht_clock_ops {
    /** Nanoseconds since some fixed moment. */
    uint64_t (*monotonic_ns)(struct ht_clock *clock);
    /** Milliseconds since 1970-01-01 UTC. */
    int64_t (*wall_ms)(struct ht_clock *clock);
};

/** Owned by whoever made it; must outlive all that were given it. */
struct ht_clock {
    const struct ht_clock_ops *ops; /**< never NULL */
};

/** The system's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME. Fills the caller's memory. */
void ht_clock_init_system(struct ht_clock *clock);

/** Nanoseconds on the monotonic clock. */
static inline uint64_t ht_clock_monotonic_ns(struct ht_clock *clock)
{
    return clock->ops->monotonic_ns(clock);
}

/** Milliseconds on the monotonic clock. */
static inline uint64_t ht_clock_monotonic_ms(struct ht_clock *clock)
{
    return clock->ops->monotonic_ns(clock) / 1000000u;
}

/** Milliseconds since 1970 UTC. */
static inline int64_t ht_clock_wall_ms(struct ht_clock *clock)
{
    return clock->ops->wall_ms(clock);
}

/** Seconds since 1970 UTC. */
static inline int64_t ht_clock_wall_s(struct ht_clock *clock)
{
    return clock->ops->wall_ms(clock) / 1000;
}

/** A clock that stands still until it is moved: for tests. */
struct ht_manual_clock {
    struct ht_clock clock; /**< hand out &clock */
    uint64_t now_ns;       /**< monotonic; the test moves it */
    int64_t now_wall_ms;   /**< wall; the test moves it */
};

/** Makes a manual clock at the given times. */
void ht_manual_clock_init(struct ht_manual_clock *manual, uint64_t now_ns, int64_t now_wall_ms);

/** Moves both clocks forward by `ms`. */
void ht_manual_clock_advance_ms(struct ht_manual_clock *manual, uint64_t ms);

/** The processor time that the calling thread has used, in nanoseconds; 0 where the system does not
 * tell. For measuring only, so no clock that a test could move. */
uint64_t ht_time_of_thread_ns(void);

/** Bytes that ht_time_format_utc() needs, the NUL included. */
#define HT_TIME_UTC_BYTES 25

/** Writes `wall_ms` as RFC 3339 with milliseconds, "2026-01-31T12:00:00.000Z"; years 0 to 9999,
 * other times are clamped to those. Returns `text`. */
char *ht_time_format_utc(int64_t wall_ms, char text[HT_TIME_UTC_BYTES]);

/** Reads an RFC 3339 time ("2026-01-31T12:00:00Z", fractions and offsets allowed) into `*wall_ms`.
 * HT_EPARSE where it is none. */
int ht_time_parse_utc(const char *text, int64_t *wall_ms) __attribute__((warn_unused_result));
