// SPDX-License-Identifier: MIT
#include "mastodon_gap.h"

#include "hashtagd/base/assert.h"

static bool is_filled(const struct ht_mastodon_gap *gap, const struct ht_mastodon_id *newest);

void ht_mastodon_gap_open(struct ht_mastodon_gap *gap)
{
    gap->newest = (struct ht_mastodon_id){0};
    gap->after = ht_mastodon_id_before(&gap->known, HT_MASTODON_GAP_OVERLAP_MS);
    gap->opened_ms = 0;
    gap->page_count = gap->status_count = 0;
    gap->is_filling = gap->known.length > 0;
}

void ht_mastodon_gap_opened_at(struct ht_mastodon_gap *gap, int64_t server_ms)
{
    if (gap->opened_ms == 0) {
        gap->opened_ms = server_ms;
    }
}

void ht_mastodon_gap_live(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id)
{
    ht_mastodon_id_advance(&gap->newest, id);
    if (!gap->is_filling) {
        ht_mastodon_id_advance(&gap->known, &gap->newest);
    }
}

void ht_mastodon_gap_anchor(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id)
{
    if (!gap->is_filling && gap->known.length == 0) {
        gap->known = *id;
    }
}

enum ht_mastodon_gap_verdict ht_mastodon_gap_page(struct ht_mastodon_gap *gap,
                                                  const struct ht_mastodon_id *newest, size_t count)
{
    HT_ASSERT(gap->is_filling);
    bool is_last = is_filled(gap, newest);
    gap->page_count++;
    gap->status_count += (unsigned)count;
    gap->after = *newest;
    ht_mastodon_id_advance(&gap->known, newest);
    if (is_last) {
        ht_mastodon_gap_give_up(gap);
        return HT_MASTODON_GAP_FILLED;
    }
    if (gap->page_count >= HT_MASTODON_GAP_PAGES_MAX ||
        gap->status_count >= HT_MASTODON_GAP_STATUSES_MAX) {
        ht_mastodon_gap_give_up(gap);
        return HT_MASTODON_GAP_TOO_WIDE;
    }
    return HT_MASTODON_GAP_MORE;
}

/* An empty page has no newest id. One that leads nowhere ends it too: such a server does not know
 * min_id. */
static bool is_filled(const struct ht_mastodon_gap *gap, const struct ht_mastodon_id *newest)
{
    int64_t newest_ms = ht_mastodon_id_time_ms(newest);
    return ht_mastodon_id_compare(newest, &gap->after) <= 0 ||
           (gap->opened_ms > 0 && newest_ms >= gap->opened_ms);
}

void ht_mastodon_gap_give_up(struct ht_mastodon_gap *gap)
{
    gap->is_filling = false;
    ht_mastodon_id_advance(&gap->known, &gap->newest);
}

void ht_mastodon_gap_close(struct ht_mastodon_gap *gap)
{
    gap->is_filling = false;
}
