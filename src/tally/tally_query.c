// SPDX-License-Identifier: MIT
#include "tally_internal.h"

/* How many items rank before the first of the answer, and how many candidates are certain. */
struct passed {
    uint64_t before;
    uint64_t certain;
};

static bool top_of_leaders(struct ht_tally *tally, const struct ht_tally_query *query,
                           struct passed *passed);
static void top_of_all(struct ht_tally *tally, const struct ht_tally_query *query,
                       struct passed *passed);
static void consider(struct ht_tally *tally, const struct ht_tally_query *query, uint32_t slot,
                     struct passed *passed);
static bool ranks_after_cursor(const struct ht_tally *tally, const struct ht_tally_query *query,
                               uint32_t slot);
static size_t fill_rows(struct ht_tally *tally, struct ht_tally_row *rows, size_t limit,
                        uint64_t before);
static uint64_t count_of_minute(const struct ht_tally *tally, uint32_t slot, int64_t minute);
static void add_late(const struct ht_tally *tally, uint32_t slot, uint64_t *minutes, int64_t count);
static void minutes_of(const struct ht_tally *tally, uint32_t slot, uint64_t *minutes,
                       int64_t count);

size_t ht_tally_top(struct ht_tally *tally, const struct ht_tally_query *query,
                    struct ht_tally_row *rows, bool *more)
{
    HT_ASSERT(query->window < HT_TALLY_WINDOW_COUNT);
    size_t limit = query->limit < 1 ? 1 : query->limit;
    limit = limit > HT_TALLY_TOP_MAX ? HT_TALLY_TOP_MAX : limit;
    struct passed passed = {0};
    /* One more than asked for tells whether others follow. */
    ht_tally_ranking_begin(&tally->ranking, limit + 1);
    bool found = query->prefix.length == 0 && top_of_leaders(tally, query, &passed);
    if (!found && query->prefix.length == 0 && !query->has_after) {
        ht_tally_leaders_rebuild(tally, query->window);
        ht_tally_ranking_begin(&tally->ranking, limit + 1);
        found = top_of_leaders(tally, query, &passed);
        HT_ASSERT(found);
    }
    if (!found) {
        ht_tally_ranking_begin(&tally->ranking, limit + 1);
        top_of_all(tally, query, &passed);
    }
    ht_tally_ranking_sort(tally);
    if (more != NULL) {
        *more = tally->ranking.count > limit;
    }
    return fill_rows(tally, rows, limit, passed.before);
}

uint64_t ht_tally_count(const struct ht_tally *tally, struct ht_slice tag)
{
    uint32_t slot = ht_tally_find_slot(tally, tag, ht_hash_bytes(&tally->key, tag));
    return slot == HT_TAG_INDEX_NO_SLOT ? 0 : ht_tally_entry(tally, slot)->count;
}

int ht_tally_get(struct ht_tally *tally, struct ht_slice tag, struct ht_tally_item *item)
{
    uint32_t slot = ht_tally_find_slot(tally, tag, ht_hash_bytes(&tally->key, tag));
    if (slot == HT_TAG_INDEX_NO_SLOT) {
        return HT_ENOTFOUND;
    }
    const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    *item = (struct ht_tally_item){
        .tag = tag, .first_seen_s = entry->first_seen_s, .last_seen_s = entry->last_seen_s};
    for (int i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        enum ht_tally_window window = (enum ht_tally_window)i;
        item->counts[i] = ht_tally_entry_count(entry, window);
        item->ranks[i] = ht_tally_leaders_rank(tally, window, slot);
    }
    uint64_t minutes[HT_TALLY_MINUTES] = {0};
    minutes_of(tally, slot, minutes, HT_TALLY_MINUTES);
    for (size_t i = 0; i < HT_TALLY_MINUTES; i++) {
        item->series_24h[i / HT_TALLY_SERIES_24H_MINUTES] += minutes[i];
    }
    memcpy(item->series, minutes + HT_TALLY_MINUTES - HT_TALLY_SERIES_COUNT, sizeof(item->series));
    return 0;
}

int ht_tally_get_series(const struct ht_tally *tally, struct ht_slice tag,
                        uint64_t series[HT_TALLY_SERIES_COUNT])
{
    uint32_t slot = ht_tally_find_slot(tally, tag, ht_hash_bytes(&tally->key, tag));
    if (slot == HT_TAG_INDEX_NO_SLOT) {
        return HT_ENOTFOUND;
    }
    memset(series, 0, HT_TALLY_SERIES_COUNT * sizeof(series[0]));
    minutes_of(tally, slot, series, HT_TALLY_SERIES_COUNT);
    return 0;
}

/* Fills the ranking from the candidates; false where these are not enough to be sure. */
static bool top_of_leaders(struct ht_tally *tally, const struct ht_tally_query *query,
                           struct passed *passed)
{
    *passed = (struct passed){0};
    const struct ht_tally_leaders *leaders = &tally->leaders[query->window];
    for (uint32_t i = 0; i < leaders->count; i++) {
        if (ht_tally_leaders_hold(tally, query->window, leaders->slots[i])) {
            passed->certain++;
            consider(tally, query, leaders->slots[i], passed);
        }
    }
    return tally->ranking.count == tally->ranking.limit ||
           passed->certain == tally->distinct[query->window];
}

static void top_of_all(struct ht_tally *tally, const struct ht_tally_query *query,
                       struct passed *passed)
{
    *passed = (struct passed){0};
    for (uint32_t slot = 0; slot < tally->slot_count; slot++) {
        const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
        if (ht_tally_entry_is_dead(entry) || ht_tally_entry_count(entry, query->window) == 0) {
            continue;
        }
        if (query->prefix.length == 0 ||
            ht_slice_starts_with(ht_tally_entry_tag(tally, entry), query->prefix)) {
            consider(tally, query, slot, passed);
        }
    }
}

static void consider(struct ht_tally *tally, const struct ht_tally_query *query, uint32_t slot,
                     struct passed *passed)
{
    if (query->has_after && !ranks_after_cursor(tally, query, slot)) {
        passed->before++;
        return;
    }
    uint64_t count = ht_tally_entry_count(ht_tally_entry(tally, slot), query->window);
    ht_tally_ranking_offer(tally, (struct ht_tally_ranked){count, slot});
}

static bool ranks_after_cursor(const struct ht_tally *tally, const struct ht_tally_query *query,
                               uint32_t slot)
{
    const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    uint64_t count = ht_tally_entry_count(entry, query->window);
    if (count != query->after_count) {
        return count < query->after_count;
    }
    return ht_slice_compare(ht_tally_entry_tag(tally, entry), query->after_tag) > 0;
}

static size_t fill_rows(struct ht_tally *tally, struct ht_tally_row *rows, size_t limit,
                        uint64_t before)
{
    const struct ht_tally_ranking *ranking = &tally->ranking;
    size_t count = ranking->count < limit ? ranking->count : limit;
    for (size_t i = 0; i < count; i++) {
        const struct ht_tally_entry *entry = ht_tally_entry(tally, ranking->items[i].slot);
        rows[i] = (struct ht_tally_row){.tag = ht_tally_entry_tag(tally, entry),
                                        .count = ranking->items[i].count,
                                        .rank = before + i + 1,
                                        .first_seen_s = entry->first_seen_s,
                                        .last_seen_s = entry->last_seen_s};
    }
    return count;
}

/* The counts of the last `count` minutes, the running one last; `minutes` is zeroed. */
static void minutes_of(const struct ht_tally *tally, uint32_t slot, uint64_t *minutes,
                       int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t minute = tally->minute - count + 1 + i;
        minutes[i] = minute < 0 ? 0 : count_of_minute(tally, slot, minute);
    }
    minutes[count - 1] += ht_tally_entry(tally, slot)->fresh;
    add_late(tally, slot, minutes, count);
}

static uint64_t count_of_minute(const struct ht_tally *tally, uint32_t slot, int64_t minute)
{
    uint64_t count = 0;
    const struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(minute)];
    for (const struct ht_minute_run *run = bucket->runs; run != NULL; run = run->next) {
        count += ht_minute_run_find(run, slot);
    }
    return count;
}

static void add_late(const struct ht_tally *tally, uint32_t slot, uint64_t *minutes, int64_t count)
{
    int64_t running = (int64_t)ht_tally_ring_of(tally->minute);
    for (size_t i = 0; i < tally->late_count; i++) {
        const struct ht_tally_delta *delta = &tally->late[i];
        if ((uint32_t)delta->key != slot) {
            continue;
        }
        int64_t age = running - (int64_t)(delta->key >> 32);
        age += age < 0 ? HT_TALLY_MINUTES : 0;
        if (age < count) {
            minutes[count - 1 - age] += delta->count;
        }
    }
}
