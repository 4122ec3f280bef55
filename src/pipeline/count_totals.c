// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include <stdlib.h>

/*
 * A table that others write too:
 *
 *     touch -> touched -> (the next flush boards) refreshes -> totals -> tally
 *                                                    deltas ----^
 *
 * What people see of a hashtag is the total that the table told last, and what is pending behind
 * it. The windows only know what this process counted.
 *
 * `touched` holds no more than one flush takes along; where it is full the feed holds its changes
 * back and the next flush comes at once. So a flush always empties the set, which can only be
 * cleared whole.
 */

enum {
    TOUCHED_MAX = 20000,
    TOUCHED_SHARE = 16, /* of the byte budget: what boards, and what is collected meanwhile */
    TOUCHED_LEAST_BYTES = 256 << 10,
    SLICE_NS = 1000000,
    TOTALS_BETWEEN_LOOKS = 64,
};

int ht_count_totals_init(struct ht_count *count)
{
    count->touched = ht_tag_set_create(&count->options.hash_key);
    count->flight.refreshing = ht_tag_set_create(&count->options.hash_key);
    return count->touched == NULL || count->flight.refreshing == NULL ? HT_ENOMEM : 0;
}

/* Makes the byte budget know how much memory both sets have. */
static void sync_budget(struct ht_count *count)
{
    size_t bytes = count->touched_bytes + count->refreshing_bytes;
    if (bytes > count->touches_reserved_bytes) {
        ht_budget_reserve(count->options.budget, bytes - count->touches_reserved_bytes);
    } else {
        ht_budget_release(count->options.budget, count->touches_reserved_bytes - bytes);
    }
    count->touches_reserved_bytes = bytes;
}

void ht_count_totals_finish(struct ht_count *count)
{
    count->touched_bytes = count->refreshing_bytes = 0;
    sync_budget(count);
    ht_tag_set_destroy(count->touched);
    ht_tag_set_destroy(count->flight.refreshing);
    count->touched = count->flight.refreshing = NULL;
}

/* A set's memory, and what a flush takes for each of its hashtags: so it finds the room. */
static size_t set_bytes(const struct ht_count *count, const struct ht_tag_set *set)
{
    size_t each = sizeof(struct ht_slice) + count->options.table->delta_bytes;
    return ht_tag_set_memory_bytes(set) + ht_tag_set_count(set) * each;
}

static bool has_room(const struct ht_count *count)
{
    size_t share = count->options.budget->limit_bytes / TOUCHED_SHARE;
    size_t most = share > TOUCHED_LEAST_BYTES ? share : TOUCHED_LEAST_BYTES;
    return ht_tag_set_count(count->touched) < TOUCHED_MAX && count->touched_bytes < most;
}

static int refuse(struct ht_count *count)
{
    count->is_refusing = true;
    count->counters.touches_held++;
    ht_count_look_at_touches(count);
    return HT_EBUSY;
}

static bool is_table_waiting(const struct ht_count *count)
{
    struct ht_table *table = count->options.table;
    return table->ops->is_waiting != NULL && table->ops->is_waiting(table);
}

/* While the table is loaded nobody knows what is news, so all is taken down. Before it is read nothing
 * is: a load may wait for days, and the feed must not be held for it. */
static bool is_news(const struct ht_count *count, struct ht_slice hashtag, uint64_t count_seen,
                    bool is_removed)
{
    if (count->is_stopping || hashtag.length == 0 || hashtag.length > HT_TALLY_TAG_MAX_BYTES) {
        return false;
    }
    if (!count->is_loaded) {
        return !is_table_waiting(count);
    }
    uint64_t known = ht_tally_count(count->options.tally, hashtag);
    return is_removed ? known > 0 : count_seen > known;
}

int ht_count_touch(struct ht_count *count, struct ht_slice hashtag, uint64_t count_seen,
                   bool is_removed)
{
    uint32_t number;
    if (!is_news(count, hashtag, count_seen, is_removed) ||
        ht_tag_set_find(count->touched, hashtag, &number)) {
        return 0;
    }
    if (!has_room(count)) {
        return refuse(count);
    }
    if (ht_tag_set_add(count->touched, hashtag, &number) != 0) {
        return HT_ENOMEM;
    }
    count->is_refusing = false;
    count->touched_bytes = set_bytes(count, count->touched);
    sync_budget(count);
    return 0;
}

void ht_count_look_at_touches(struct ht_count *count)
{
    if (count->is_refusing && !count->flight.is_active && !count->is_stopping &&
        ht_tag_set_count(count->touched) > 0) {
        ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
    }
}

/* A hashtag with deltas is told anyway. */
int ht_count_board_refreshes(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    struct ht_tag_set *boarding = count->touched;
    count->touched = flight->refreshing;
    flight->refreshing = boarding;
    count->refreshing_bytes = count->touched_bytes;
    count->touched_bytes = 0;
    size_t most = ht_tag_set_count(boarding);
    if (most == 0) {
        return 0;
    }
    count->is_refusing = false;
    flight->refreshes = calloc(most, sizeof(*flight->refreshes));
    if (flight->refreshes == NULL) {
        return HT_ENOMEM;
    }
    for (uint32_t i = 0; i < most; i++) {
        struct ht_slice tag = ht_tag_set_get(boarding, i);
        if (ht_pending_in_flight_of(count->pending, tag) == 0) {
            flight->refreshes[flight->refresh_count++] = tag;
        }
    }
    count->counters.refreshes += flight->refresh_count;
    return 0;
}

void ht_count_clear_refreshes(struct ht_count *count)
{
    free(count->flight.refreshes);
    count->flight.refreshes = NULL;
    count->flight.refresh_count = 0;
    if (count->flight.refreshing != NULL) {
        ht_tag_set_clear(count->flight.refreshing);
    }
    count->refreshing_bytes = 0;
    sync_budget(count);
}

int ht_count_forget(struct ht_count *count, struct ht_slice hashtag)
{
    (void)ht_tally_remove(count->options.tally, hashtag, NULL);
    return ht_pending_restore(count->pending, hashtag, count->options.tally);
}

/* Nothing is in flight: what is pending is collected. Usually both agree. */
static int apply_total(struct ht_count *count, const struct ht_table_total *total)
{
    uint64_t known = ht_tally_count(count->options.tally, total->hashtag);
    uint64_t stored = total->exists ? total->count : 0;
    uint64_t pending = ht_pending_collected_of(count->pending, total->hashtag);
    if (known == stored + pending) {
        return 0;
    }
    count->counters.corrections++;
    if (stored == 0) {
        return ht_count_forget(count, total->hashtag);
    }
    return ht_tally_correct(count->options.tally, total->hashtag, stored + pending,
                            total->first_seen_s, total->last_seen_s);
}

int ht_count_apply_totals(struct ht_count *count, bool *is_done)
{
    struct ht_count_flight *flight = &count->flight;
    const struct ht_table_flush *flush = &flight->flush;
    uint64_t until_ns = ht_clock_monotonic_ns(count->options.clock) + SLICE_NS;
    size_t total_count = flush->totals == NULL ? 0 : flush->total_count;
    *is_done = false;
    while (flight->totals_applied < total_count) {
        int status = apply_total(count, &flush->totals[flight->totals_applied]);
        if (status != 0) {
            return status;
        }
        flight->totals_applied++;
        if (flight->totals_applied % TOTALS_BETWEEN_LOOKS == 0 &&
            ht_clock_monotonic_ns(count->options.clock) >= until_ns) {
            return 0;
        }
    }
    *is_done = true;
    return 0;
}
