// SPDX-License-Identifier: MIT
#pragma once

/**
 * How soon a shard may be asked again: so many calls and so many bytes a second, as two buckets
 * that fill steadily. An answer larger than what is left makes a debt that has to be waited off,
 * as Kinesis itself does after a large one. A pure decision: it gets the time.
 */

#include <stdint.h>

/** Plain memory; the fields are private. */
struct ht_kinesis_pace {
    double calls_per_s, bytes_per_s;
    double calls, bytes; /* what is left */
    uint64_t at_ms;      /* when that was so */
};

/** Starts with full buckets at `now_ms`. Rates are above 0. */
void ht_kinesis_pace_init(struct ht_kinesis_pace *pace, double calls_per_s, double bytes_per_s,
                          uint64_t now_ms);

/** Milliseconds until the next call may be made; 0: now. */
uint64_t ht_kinesis_pace_wait_ms(struct ht_kinesis_pace *pace, uint64_t now_ms);

/** A call is made now. */
void ht_kinesis_pace_call(struct ht_kinesis_pace *pace, uint64_t now_ms);

/** So many bytes came. */
void ht_kinesis_pace_bytes(struct ht_kinesis_pace *pace, uint64_t bytes);
