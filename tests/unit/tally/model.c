// SPDX-License-Identifier: MIT
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t window_minutes[HT_TALLY_WINDOW_COUNT] = {0, 5, 60, MODEL_MINUTES};

/* qsort has no argument for the window: the count to sort by is copied beside the tag. */
struct sorted {
    uint64_t count;
    const struct model_tag *tag;
};

static int compare_sorted(const void *a, const void *b);
static uint64_t count_of(const struct model *model, const struct model_tag *tag, int64_t age);

void model_init(struct model *model, const struct ht_slice *names, size_t count, int64_t minute)
{
    *model = (struct model){.tag_count = count, .minute = minute};
    model->tags = calloc(count, sizeof(*model->tags));
    assert_non_null(model->tags);
    for (size_t i = 0; i < count; i++) {
        char *copy = ht_slice_to_text(names[i]);
        assert_non_null(copy);
        model->tags[i].name = ht_slice_make(copy, names[i].length);
    }
}

void model_finish(struct model *model)
{
    for (size_t i = 0; i < model->tag_count; i++) {
        free((void *)(uintptr_t)model->tags[i].name.data);
    }
    free(model->tags);
}

void model_add(struct model *model, size_t tag, int64_t minute, uint32_t count, int64_t seen_s)
{
    struct model_tag *item = &model->tags[tag];
    minute = minute > model->minute ? model->minute : minute;
    if (!item->exists) {
        item->exists = true;
        item->first_seen_s = seen_s;
        item->last_seen_s = seen_s;
    }
    item->first_seen_s = seen_s < item->first_seen_s ? seen_s : item->first_seen_s;
    item->last_seen_s = seen_s > item->last_seen_s ? seen_s : item->last_seen_s;
    item->all += count;
    if (minute > model->minute - MODEL_MINUTES) {
        item->minutes[minute % MODEL_MINUTES] += count;
    }
}

void model_remove(struct model *model, size_t tag)
{
    struct ht_slice name = model->tags[tag].name;
    model->tags[tag] = (struct model_tag){.name = name};
}

void model_advance(struct model *model, int64_t minute)
{
    for (int steps = 0; model->minute < minute; steps++) {
        model->minute++;
        for (size_t i = 0; steps < MODEL_MINUTES && i < model->tag_count; i++) {
            model->tags[i].minutes[model->minute % MODEL_MINUTES] = 0;
        }
    }
}

void model_sum(struct model *model)
{
    memset(model->totals, 0, sizeof(model->totals));
    memset(model->distinct, 0, sizeof(model->distinct));
    for (size_t i = 0; i < model->tag_count; i++) {
        struct model_tag *tag = &model->tags[i];
        memset(tag->counts, 0, sizeof(tag->counts));
        tag->counts[HT_TALLY_ALL] = tag->all;
        for (int64_t age = 0; tag->exists && age < MODEL_MINUTES; age++) {
            uint64_t count = count_of(model, tag, age);
            for (int w = HT_TALLY_5M; w < HT_TALLY_WINDOW_COUNT; w++) {
                tag->counts[w] += age < window_minutes[w] ? count : 0;
            }
        }
        for (int w = 0; w < HT_TALLY_WINDOW_COUNT; w++) {
            model->totals[w] += tag->counts[w];
            model->distinct[w] += tag->counts[w] > 0;
        }
    }
}

size_t model_top(const struct model *model, const struct ht_tally_query *query,
                 struct ht_tally_row *rows, bool *more)
{
    struct sorted *sorted = calloc(model->tag_count, sizeof(*sorted));
    assert_non_null(sorted);
    size_t count = 0;
    for (size_t i = 0; i < model->tag_count; i++) {
        const struct model_tag *tag = &model->tags[i];
        if (tag->counts[query->window] > 0 && ht_slice_starts_with(tag->name, query->prefix)) {
            sorted[count++] = (struct sorted){tag->counts[query->window], tag};
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_sorted);
    struct model_tag cursor_tag = {.name = query->after_tag};
    struct sorted cursor = {query->after_count, &cursor_tag};
    size_t start = 0;
    while (query->has_after && start < count && compare_sorted(&sorted[start], &cursor) <= 0) {
        start++;
    }
    size_t found = count - start < query->limit ? count - start : query->limit;
    for (size_t i = 0; i < found; i++) {
        const struct model_tag *tag = sorted[start + i].tag;
        rows[i] = (struct ht_tally_row){tag->name, sorted[start + i].count, start + i + 1,
                                        tag->first_seen_s, tag->last_seen_s};
    }
    *more = count - start > found;
    free(sorted);
    return found;
}

void model_check_item(const struct model *model, struct ht_tally *tally, size_t number)
{
    const struct model_tag *tag = &model->tags[number];
    struct ht_tally_item item;
    int status = ht_tally_get(tally, tag->name, &item);
    assert_int_equal(status, tag->exists ? 0 : HT_ENOTFOUND);
    uint64_t series[HT_TALLY_SERIES_COUNT];
    assert_int_equal(ht_tally_get_series(tally, tag->name, series), status);
    if (!tag->exists) {
        return;
    }
    assert_int_equal(item.first_seen_s, tag->first_seen_s);
    assert_int_equal(item.last_seen_s, tag->last_seen_s);
    for (int w = 0; w < HT_TALLY_WINDOW_COUNT; w++) {
        assert_int_equal(item.counts[w], tag->counts[w]);
        uint32_t rank = 1;
        struct sorted mine = {tag->counts[w], tag};
        for (size_t i = 0; i < model->tag_count; i++) {
            struct sorted other = {model->tags[i].counts[w], &model->tags[i]};
            rank += other.count > 0 && compare_sorted(&other, &mine) < 0;
        }
        bool has_rank = tag->counts[w] > 0 && rank <= HT_TALLY_TOP_MAX;
        assert_int_equal(item.ranks[w], has_rank ? rank : 0);
    }
    for (int64_t age = 0; age < HT_TALLY_SERIES_COUNT; age++) {
        assert_int_equal(item.series[HT_TALLY_SERIES_COUNT - 1 - age], count_of(model, tag, age));
        assert_int_equal(series[HT_TALLY_SERIES_COUNT - 1 - age], count_of(model, tag, age));
    }
    for (int64_t step = 0; step < HT_TALLY_SERIES_24H_COUNT; step++) {
        uint64_t sum = 0;
        for (int64_t i = 0; i < HT_TALLY_SERIES_24H_MINUTES; i++) {
            sum += count_of(model, tag, step * HT_TALLY_SERIES_24H_MINUTES + i);
        }
        assert_int_equal(item.series_24h[HT_TALLY_SERIES_24H_COUNT - 1 - step], sum);
    }
}

void model_check_top(const struct model *model, struct ht_tally *tally,
                     const struct ht_tally_query *query)
{
    for (int w = 0; w < HT_TALLY_WINDOW_COUNT; w++) {
        assert_int_equal(ht_tally_total(tally, (enum ht_tally_window)w), model->totals[w]);
        assert_int_equal(ht_tally_distinct(tally, (enum ht_tally_window)w), model->distinct[w]);
    }
    static struct ht_tally_row wanted[HT_TALLY_TOP_MAX];
    static struct ht_tally_row found[HT_TALLY_TOP_MAX];
    bool wanted_more;
    bool found_more;
    size_t count = model_top(model, query, wanted, &wanted_more);
    assert_int_equal(ht_tally_top(tally, query, found, &found_more), count);
    assert_int_equal(found_more, wanted_more);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i].tag.length, wanted[i].tag.length);
        assert_memory_equal(found[i].tag.data, wanted[i].tag.data, wanted[i].tag.length);
        assert_int_equal(found[i].count, wanted[i].count);
        assert_int_equal(found[i].rank, wanted[i].rank);
        assert_int_equal(found[i].first_seen_s, wanted[i].first_seen_s);
        assert_int_equal(found[i].last_seen_s, wanted[i].last_seen_s);
    }
}

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *left = a;
    const struct sorted *right = b;
    if (left->count != right->count) {
        return left->count > right->count ? -1 : 1;
    }
    return ht_slice_compare(left->tag->name, right->tag->name);
}

static uint64_t count_of(const struct model *model, const struct model_tag *tag, int64_t age)
{
    int64_t minute = model->minute - age;
    return minute < 0 ? 0 : tag->minutes[minute % MODEL_MINUTES];
}
