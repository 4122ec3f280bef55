// SPDX-License-Identifier: MIT
#include "kinesis_pace.h"

/* Two calls may follow each other at once; more of them would be throttled where others read too. */
static const double calls_most = 2.0;

static void fill(struct ht_kinesis_pace *pace, uint64_t now_ms)
{
    double seconds = now_ms > pace->at_ms ? (double)(now_ms - pace->at_ms) / 1000.0 : 0.0;
    pace->calls += seconds * pace->calls_per_s;
    pace->calls = pace->calls > calls_most ? calls_most : pace->calls;
    pace->bytes += seconds * pace->bytes_per_s;
    pace->bytes = pace->bytes > pace->bytes_per_s ? pace->bytes_per_s : pace->bytes;
    pace->at_ms = now_ms;
}

void ht_kinesis_pace_init(struct ht_kinesis_pace *pace, double calls_per_s, double bytes_per_s,
                          uint64_t now_ms)
{
    *pace = (struct ht_kinesis_pace){.calls_per_s = calls_per_s,
                                     .bytes_per_s = bytes_per_s,
                                     .calls = calls_most,
                                     .bytes = bytes_per_s,
                                     .at_ms = now_ms};
}

uint64_t ht_kinesis_pace_wait_ms(struct ht_kinesis_pace *pace, uint64_t now_ms)
{
    fill(pace, now_ms);
    double calls_s = pace->calls >= 1.0 ? 0.0 : (1.0 - pace->calls) / pace->calls_per_s;
    double bytes_s = pace->bytes >= 0.0 ? 0.0 : -pace->bytes / pace->bytes_per_s;
    double wait_ms = (calls_s > bytes_s ? calls_s : bytes_s) * 1000.0;
    uint64_t whole_ms = (uint64_t)wait_ms;
    return (double)whole_ms + 1e-6 < wait_ms ? whole_ms + 1 : whole_ms;
}

void ht_kinesis_pace_call(struct ht_kinesis_pace *pace, uint64_t now_ms)
{
    fill(pace, now_ms);
    pace->calls -= 1.0;
}

void ht_kinesis_pace_bytes(struct ht_kinesis_pace *pace, uint64_t bytes)
{
    pace->bytes -= (double)bytes;
}
