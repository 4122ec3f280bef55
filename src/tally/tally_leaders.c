// SPDX-License-Identifier: MIT
#include "tally_internal.h"

static void prune(struct ht_tally *tally, enum ht_tally_window window);
static void choose(struct ht_tally *tally, enum ht_tally_window window, bool raise_floor);
static int compare_with_floor(const struct ht_tally *tally, enum ht_tally_window window,
                              uint32_t slot);
static struct ht_tally_ranked ranked(const struct ht_tally *tally, enum ht_tally_window window,
                                     uint32_t slot);
static void sift_up(const struct ht_tally *tally, struct ht_tally_ranking *ranking, size_t at);
static void sift_down(const struct ht_tally *tally, struct ht_tally_ranking *ranking, size_t at,
                      size_t count);

bool ht_tally_ranks_before(const struct ht_tally *tally, struct ht_tally_ranked a,
                           struct ht_tally_ranked b)
{
    if (a.count != b.count) {
        return a.count > b.count;
    }
    struct ht_slice tag_a = ht_tally_entry_tag(tally, ht_tally_entry(tally, a.slot));
    struct ht_slice tag_b = ht_tally_entry_tag(tally, ht_tally_entry(tally, b.slot));
    return ht_slice_compare(tag_a, tag_b) < 0;
}

void ht_tally_ranking_begin(struct ht_tally_ranking *ranking, size_t limit)
{
    HT_ASSERT(limit <= HT_COUNT_OF(ranking->items));
    ranking->count = 0;
    ranking->limit = limit;
}

void ht_tally_ranking_offer(struct ht_tally *tally, struct ht_tally_ranked item)
{
    struct ht_tally_ranking *ranking = &tally->ranking;
    if (ranking->count < ranking->limit) {
        ranking->items[ranking->count++] = item;
        sift_up(tally, ranking, ranking->count - 1);
    } else if (ranking->limit > 0 && ht_tally_ranks_before(tally, item, ranking->items[0])) {
        ranking->items[0] = item;
        sift_down(tally, ranking, 0, ranking->count);
    }
}

void ht_tally_ranking_sort(struct ht_tally *tally)
{
    struct ht_tally_ranking *ranking = &tally->ranking;
    for (size_t left = ranking->count; left > 1; left--) {
        struct ht_tally_ranked worst = ranking->items[0];
        ranking->items[0] = ranking->items[left - 1];
        ranking->items[left - 1] = worst;
        sift_down(tally, ranking, 0, left - 1);
    }
}

void ht_tally_leaders_offer(struct ht_tally *tally, enum ht_tally_window window, uint32_t slot)
{
    struct ht_tally_leaders *leaders = &tally->leaders[window];
    if (!ht_tally_leaders_hold(tally, window, slot)) {
        return;
    }
    leaders->slots[leaders->count++] = slot;
    ht_tally_entry(tally, slot)->leads |= (1u << window) & 0xf;
    if (leaders->count == HT_TALLY_LEADERS_MAX) {
        prune(tally, window);
    }
}

void ht_tally_leaders_drop(struct ht_tally *tally, uint32_t slot)
{
    for (int window = 0; window < HT_TALLY_WINDOW_COUNT; window++) {
        struct ht_tally_leaders *leaders = &tally->leaders[window];
        bool leads = (ht_tally_entry(tally, slot)->leads >> window & 1) != 0;
        for (uint32_t i = 0; leads && i < leaders->count; i++) {
            if (leaders->slots[i] == slot) {
                leaders->slots[i] = leaders->slots[--leaders->count];
                leads = false;
            }
        }
    }
    ht_tally_entry(tally, slot)->leads = 0;
}

bool ht_tally_leaders_hold(const struct ht_tally *tally, enum ht_tally_window window, uint32_t slot)
{
    uint64_t count = ht_tally_entry_count(ht_tally_entry(tally, slot), window);
    if (count == 0 || !tally->leaders[window].has_floor) {
        return count > 0;
    }
    return compare_with_floor(tally, window, slot) <= 0;
}

void ht_tally_leaders_rebuild(struct ht_tally *tally, enum ht_tally_window window)
{
    ht_tally_ranking_begin(&tally->ranking, HT_TALLY_LEADERS_KEPT);
    for (uint32_t slot = 0; slot < tally->slot_count; slot++) {
        const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
        if (!ht_tally_entry_is_dead(entry) && ht_tally_entry_count(entry, window) > 0) {
            ht_tally_ranking_offer(tally, ranked(tally, window, slot));
        }
    }
    tally->leaders[window].has_floor = false;
    tally->floor_counts[window] = 0;
    choose(tally, window, tally->distinct[window] > HT_TALLY_LEADERS_KEPT);
}

uint32_t ht_tally_leaders_rank(struct ht_tally *tally, enum ht_tally_window window, uint32_t slot)
{
    struct ht_tally_ranked me = ranked(tally, window, slot);
    for (int attempt = 0; attempt < 2 && me.count > 0; attempt++) {
        const struct ht_tally_leaders *leaders = &tally->leaders[window];
        uint32_t held = 0;
        uint32_t before = 0;
        for (uint32_t i = 0; i < leaders->count; i++) {
            if (ht_tally_leaders_hold(tally, window, leaders->slots[i])) {
                held++;
                before +=
                    ht_tally_ranks_before(tally, ranked(tally, window, leaders->slots[i]), me);
            }
        }
        if (ht_tally_leaders_hold(tally, window, slot)) {
            return before < HT_TALLY_TOP_MAX ? before + 1 : 0;
        }
        if (held >= HT_TALLY_TOP_MAX) {
            return 0;
        }
        ht_tally_leaders_rebuild(tally, window);
    }
    return 0;
}

/* What sank below the floor goes first; only where that is not enough, the floor rises. */
static void prune(struct ht_tally *tally, enum ht_tally_window window)
{
    const struct ht_tally_leaders *leaders = &tally->leaders[window];
    ht_tally_ranking_begin(&tally->ranking, HT_TALLY_LEADERS_KEPT);
    uint32_t held = 0;
    for (uint32_t i = 0; i < leaders->count; i++) {
        if (ht_tally_leaders_hold(tally, window, leaders->slots[i])) {
            ht_tally_ranking_offer(tally, ranked(tally, window, leaders->slots[i]));
            held++;
        }
    }
    choose(tally, window, held > HT_TALLY_LEADERS_KEPT);
}

/* Makes what is in the ranking the candidates; the last of them is the new floor, if it is raised. */
static void choose(struct ht_tally *tally, enum ht_tally_window window, bool raise_floor)
{
    struct ht_tally_leaders *leaders = &tally->leaders[window];
    uint64_t bit = UINT64_C(1) << window;
    for (uint32_t i = 0; i < leaders->count; i++) {
        ht_tally_entry(tally, leaders->slots[i])->leads &= ~bit & 0xf;
    }
    const struct ht_tally_ranking *ranking = &tally->ranking;
    leaders->count = (uint32_t)ranking->count;
    for (uint32_t i = 0; i < leaders->count; i++) {
        leaders->slots[i] = ranking->items[i].slot;
        ht_tally_entry(tally, leaders->slots[i])->leads |= bit & 0xf;
    }
    if (raise_floor) {
        struct ht_tally_ranked worst = ranking->items[0];
        struct ht_slice tag = ht_tally_entry_tag(tally, ht_tally_entry(tally, worst.slot));
        memcpy(leaders->floor_tag, tag.data, tag.length);
        leaders->floor_length = (uint16_t)tag.length;
        leaders->has_floor = true;
        tally->floor_counts[window] = worst.count;
    }
}

/* Below, at or above 0 as the slot ranks before, at or after the floor. */
static int compare_with_floor(const struct ht_tally *tally, enum ht_tally_window window,
                              uint32_t slot)
{
    const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    uint64_t count = ht_tally_entry_count(entry, window);
    if (count != tally->floor_counts[window]) {
        return count > tally->floor_counts[window] ? -1 : 1;
    }
    const struct ht_tally_leaders *leaders = &tally->leaders[window];
    return ht_slice_compare(ht_tally_entry_tag(tally, entry),
                            ht_slice_make(leaders->floor_tag, leaders->floor_length));
}

static struct ht_tally_ranked ranked(const struct ht_tally *tally, enum ht_tally_window window,
                                     uint32_t slot)
{
    return (struct ht_tally_ranked){ht_tally_entry_count(ht_tally_entry(tally, slot), window),
                                    slot};
}

static void sift_up(const struct ht_tally *tally, struct ht_tally_ranking *ranking, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        struct ht_tally_ranked item = ranking->items[at];
        if (!ht_tally_ranks_before(tally, ranking->items[parent], item)) {
            return;
        }
        ranking->items[at] = ranking->items[parent];
        ranking->items[parent] = item;
        at = parent;
    }
}

static void sift_down(const struct ht_tally *tally, struct ht_tally_ranking *ranking, size_t at,
                      size_t count)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count &&
            ht_tally_ranks_before(tally, ranking->items[child], ranking->items[child + 1])) {
            child++;
        }
        struct ht_tally_ranked item = ranking->items[at];
        if (!ht_tally_ranks_before(tally, item, ranking->items[child])) {
            return;
        }
        ranking->items[at] = ranking->items[child];
        ranking->items[child] = item;
        at = child;
    }
}
