// SPDX-License-Identifier: MIT
#include "mastodon_gap.h"

#include "hashtagd/base/assert.h"

static bool is_filled(const struct ht_mastodon_gap *gap, const struct ht_mastodon_gap_page *page);
static bool is_beyond(const struct ht_mastodon_gap *gap, const struct ht_mastodon_gap_page *page);

void ht_mastodon_gap_open(struct ht_mastodon_gap *gap)
{
    gap->newest = (struct ht_mastodon_id){0};
    gap->horizon = (struct ht_mastodon_id){0};
    gap->horizon_count = 0;
    gap->after = ht_mastodon_gap_begin(gap);
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
    ht_mastodon_gap_note(gap, id);
    ht_mastodon_id_advance(&gap->newest, id);
    if (gap->horizon_count < HT_MASTODON_GAP_HORIZON_STATUSES) {
        gap->horizon_count++;
        gap->horizon = gap->newest;
    }
    if (!gap->is_filling) {
        ht_mastodon_id_advance(&gap->known, &gap->newest);
    }
}

void ht_mastodon_gap_note(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id)
{
    if (id->length > 0) {
        gap->recent[gap->recent_count++ % HT_MASTODON_GAP_OVERLAP_STATUSES] = *id;
    }
}

struct ht_mastodon_id ht_mastodon_gap_begin(const struct ht_mastodon_gap *gap)
{
    struct ht_mastodon_id begin = ht_mastodon_id_before(&gap->known, HT_MASTODON_GAP_OVERLAP_MS);
    if (gap->recent_count >= HT_MASTODON_GAP_OVERLAP_STATUSES) {
        struct ht_mastodon_id oldest = gap->recent[0];
        for (size_t i = 1; i < HT_MASTODON_GAP_OVERLAP_STATUSES; i++) {
            if (ht_mastodon_id_compare(&gap->recent[i], &oldest) < 0) {
                oldest = gap->recent[i];
            }
        }
        ht_mastodon_id_advance(&begin, &oldest);
    }
    /* What the stream brought while a gap was open lies behind it. */
    return ht_mastodon_id_compare(&begin, &gap->known) < 0 ? begin : gap->known;
}

void ht_mastodon_gap_restore(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *known,
                             const struct ht_mastodon_id *begin)
{
    gap->known = *known;
    for (size_t i = 0; begin->length > 0 && i < HT_MASTODON_GAP_OVERLAP_STATUSES; i++) {
        ht_mastodon_gap_note(gap, begin);
    }
}

void ht_mastodon_gap_anchor(struct ht_mastodon_gap *gap, const struct ht_mastodon_id *id)
{
    if (!gap->is_filling && gap->known.length == 0) {
        gap->known = *id;
    }
}

enum ht_mastodon_gap_verdict ht_mastodon_gap_page(struct ht_mastodon_gap *gap,
                                                  const struct ht_mastodon_gap_page *page)
{
    HT_ASSERT(gap->is_filling);
    bool is_last = is_filled(gap, page);
    gap->page_count++;
    gap->status_count += (unsigned)page->count;
    gap->after = page->newest;
    ht_mastodon_id_advance(&gap->known, &page->newest);
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
static bool is_filled(const struct ht_mastodon_gap *gap, const struct ht_mastodon_gap_page *page)
{
    bool is_nowhere = ht_mastodon_id_compare(&page->newest, &gap->after) <= 0;
    bool is_opening = gap->opened_ms > 0 && ht_mastodon_id_time_ms(&page->newest) >= gap->opened_ms;
    return is_nowhere || is_opening || is_beyond(gap, page);
}

/* What an earlier stream brought behind an earlier gap is not new either, so that alone says
 * nothing; nor does a short page, which may be chance. */
static bool is_beyond(const struct ht_mastodon_gap *gap, const struct ht_mastodon_gap_page *page)
{
    return page->new_count == 0 && page->count >= HT_MASTODON_GAP_PAGE_STATUSES / 2 &&
           gap->horizon_count == HT_MASTODON_GAP_HORIZON_STATUSES &&
           ht_mastodon_id_compare(&page->newest, &gap->horizon) >= 0;
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
