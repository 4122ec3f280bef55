// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include <inttypes.h>

/*
 * After a start each shard reads recent tweets again, to know their ids. That takes seconds, in which
 * nothing new is counted: who looks is told.
 */

enum { TELL_EVERY_MS = 500 };

struct progress {
    uint64_t read, most; /* records */
};

/* At most what was asked for, and what the stream is known to have. */
static uint64_t most_of(const struct ht_count_shard *shard)
{
    uint64_t most = shard->warmed_records + shard->behind_records;
    return shard->behind_records > 0 && most < shard->warm_records ? most : shard->warm_records;
}

static struct progress progress_of(const struct ht_count *count)
{
    struct progress progress = {0};
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->is_remembering) {
            progress.read += at->warmed_records;
            progress.most += most_of(at);
        }
    }
    return progress;
}

bool ht_count_is_remembering(const struct ht_count *count)
{
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->is_remembering) {
            return true;
        }
    }
    return false;
}

static void tell(struct ht_count *count)
{
    struct progress progress = progress_of(count);
    uint64_t now_ms = ht_clock_monotonic_ms(count->options.clock);
    if (!count->is_remembering_logged) {
        ht_log_info(count->options.log, "count", "remembering recent tweets",
                    HT_NUMBER("records_at_most", progress.most));
        count->is_remembering_logged = true;
    }
    bool is_due =
        !count->is_remembering_told || now_ms - count->remembering_told_ms >= TELL_EVERY_MS;
    if (is_due && count->health.state == HT_HEALTH_WORKING) {
        ht_health_set(&count->health, HT_HEALTH_WORKING,
                      "remembering recent tweets after the start: %" PRIu64 " of at most %" PRIu64
                      " records",
                      progress.read, progress.most);
        count->is_remembering_told = true;
        count->remembering_told_ms = now_ms;
    }
}

void ht_count_tell_remembering(struct ht_count *count)
{
    if (ht_count_is_remembering(count)) {
        tell(count);
        return;
    }
    if (count->is_remembering_told && count->health.state == HT_HEALTH_WORKING) {
        ht_health_set(&count->health, HT_HEALTH_WORKING, "%s", "");
    }
    count->is_remembering_told = false;
}
