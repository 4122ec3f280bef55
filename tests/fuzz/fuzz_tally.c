// SPDX-License-Identifier: MIT

/**
 * What the table keeps of time windows, as any bytes: parts are applied whole or refused with nothing
 * changed, in bounded memory; what was taken and exported gives the same windows again. Runs of
 * minutes against plain arrays, recent ids against a list.
 */

#include "fuzz_data.h"
#include "hashtagd/tally/recent_ids.h"
#include "hashtagd/tally/tally.h"
#include "minute_run.h"

enum {
    MINUTE = 30000000,
    TAGS = 6,
    ENTRIES_MAX = 400,
    IDS_MAX = 64,
    SLOTS_MAX = 1 << 30,
};

static const char *const tags[TAGS] = {"a", "b", "cc", "d\xc3\xa9", "e", "a longer hashtag"};

static struct ht_tally *make(void)
{
    const struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE, .keep_parts = true};
    struct ht_tally *tally = ht_tally_create(&options);
    FUZZ_CHECK(tally != NULL, "memory");
    for (size_t i = 0; i + 1 < TAGS; i++) {
        FUZZ_CHECK(ht_tally_load(tally, ht_slice_text(tags[i]), 1000, 1, 2) == 0, "load");
    }
    return tally;
}

/* Everything that windows show of the tags. */
static void describe(struct ht_tally *tally, struct ht_buffer *out)
{
    for (int window = 0; window < HT_TALLY_WINDOW_COUNT; window++) {
        ht_buffer_append_format(
            out, "%llu/%llu ",
            (unsigned long long)ht_tally_total(tally, (enum ht_tally_window)window),
            (unsigned long long)ht_tally_distinct(tally, (enum ht_tally_window)window));
    }
    for (size_t i = 0; i < TAGS; i++) {
        struct ht_tally_item item;
        if (ht_tally_get(tally, ht_slice_text(tags[i]), &item) != 0) {
            ht_buffer_append_text(out, "- ");
            continue;
        }
        for (int k = 0; k < HT_TALLY_WINDOW_COUNT; k++) {
            ht_buffer_append_format(out, "%llu ", (unsigned long long)item.counts[k]);
        }
        for (int k = 0; k < HT_TALLY_SERIES_COUNT; k++) {
            ht_buffer_append_format(out, "%llu,", (unsigned long long)item.series[k]);
        }
        for (int k = 0; k < HT_TALLY_SERIES_24H_COUNT; k++) {
            ht_buffer_append_format(out, "%llu;", (unsigned long long)item.series_24h[k]);
        }
    }
}

/* The sums agree with the items. */
static void check_sums(struct ht_tally *tally)
{
    uint64_t sums[HT_TALLY_WINDOW_COUNT] = {0};
    for (size_t i = 0; i < TAGS; i++) {
        struct ht_tally_item item;
        if (ht_tally_get(tally, ht_slice_text(tags[i]), &item) == 0) {
            FUZZ_CHECK(item.counts[HT_TALLY_5M] <= item.counts[HT_TALLY_1H] &&
                           item.counts[HT_TALLY_1H] <= item.counts[HT_TALLY_24H],
                       "windows of %s", tags[i]);
            for (int k = 0; k < HT_TALLY_WINDOW_COUNT; k++) {
                sums[k] += item.counts[k];
            }
        }
    }
    for (int k = 0; k < HT_TALLY_WINDOW_COUNT; k++) {
        FUZZ_CHECK(sums[k] == ht_tally_total(tally, (enum ht_tally_window)k), "sum of window %d",
                   k);
    }
}

static void check_rows(struct ht_tally *tally)
{
    static struct ht_tally_row rows[HT_TALLY_TOP_MAX];
    for (int window = 0; window < HT_TALLY_WINDOW_COUNT; window++) {
        struct ht_tally_query query = {.window = (enum ht_tally_window)window, .limit = 10};
        size_t count = ht_tally_top(tally, &query, rows, NULL);
        FUZZ_CHECK(count <= TAGS && (count == ht_tally_distinct(tally, query.window)), "%zu",
                   count);
        for (size_t i = 1; i < count; i++) {
            FUZZ_CHECK(rows[i - 1].count > rows[i].count ||
                           (rows[i - 1].count == rows[i].count &&
                            ht_slice_compare(rows[i - 1].tag, rows[i].tag) < 0),
                       "order");
        }
    }
}

/* A part of the log, of any bytes: all of it, or nothing. */
static void apply(struct ht_tally *tally, struct fuzz_input *input)
{
    struct ht_error error = {0};
    struct ht_buffer before, after;
    unsigned decision = fuzz_take_byte(input), back = fuzz_take_byte(input);
    struct ht_slice bytes = fuzz_take_part(input);
    char *copy = fuzz_copy(bytes);
    struct ht_tally_part part = {.minute = MINUTE + 2 - (int64_t)back * (decision & 4 ? 8 : 1),
                                 .kind = decision & 1 ? HT_TALLY_PART_ADD : HT_TALLY_PART_REPLACE,
                                 .data = copy,
                                 .length = bytes.length};
    ht_buffer_init(&before, 1u << 20);
    ht_buffer_init(&after, 1u << 20);
    describe(tally, &before);
    int status = ht_tally_apply_part(tally, &part, &error);
    describe(tally, &after);
    FUZZ_CHECK(status == 0 || status == HT_ECORRUPT, "%d", status);
    if (status != 0) {
        FUZZ_CHECK(error.code == status && fuzz_is_utf8(ht_slice_text(error.text)), "%s",
                   error.text);
        FUZZ_CHECK_SAME(ht_buffer_slice(&before), ht_buffer_slice(&after), "a refused part");
    }
    if (decision & 2) {
        FUZZ_CHECK(ht_tally_apply_deletion(tally, ht_slice_text(tags[back % TAGS])) == 0, "delete");
    }
    ht_buffer_finish(&before);
    ht_buffer_finish(&after);
    free(copy);
}

static void add(struct ht_tally *tally, struct fuzz_input *input)
{
    for (unsigned left = fuzz_take_byte(input) % 32; left > 0; left--) {
        unsigned what = fuzz_take_byte(input);
        struct ht_slice tag = ht_slice_text(tags[what % TAGS]);
        if (what >= 250) {
            int status = ht_tally_remove(tally, tag, NULL);
            FUZZ_CHECK(status == 0 || status == HT_ENOTFOUND, "%d", status);
            continue;
        }
        struct ht_tally_add one = {.tag = tag,
                                   .minute = MINUTE + 1 - (int64_t)(fuzz_take_byte(input) * 6),
                                   .seen_s = 60 * (int64_t)MINUTE,
                                   .count = fuzz_take_below(input, 1ull << 24)};
        FUZZ_CHECK(ht_tally_add(tally, &one) == 0, "add");
    }
}

/* Parts taken now, applied to another tally that has the same items, give its windows what this one
 * got; what is exported is all of its minute. */
static void check_log(struct ht_tally *tally)
{
    struct ht_tally_parts parts;
    struct ht_tally *other = make();
    struct ht_error error = {0};
    FUZZ_CHECK(ht_tally_take_parts(tally, &parts) == 0, "take");
    for (size_t i = 0; i < parts.count; i++) {
        int status = ht_tally_apply_part(other, &parts.items[i], &error);
        FUZZ_CHECK(status == 0, "%s", error.text);
        struct ht_buffer all;
        char nothing[] = "";
        ht_buffer_init(&all, 1u << 20);
        status = ht_tally_export_minute(tally, parts.items[i].minute, &all);
        if (status == 0) {
            struct ht_tally_part part = {.minute = parts.items[i].minute,
                                         .kind = HT_TALLY_PART_REPLACE,
                                         .data = all.data == NULL ? nothing : all.data,
                                         .length = all.length};
            FUZZ_CHECK(ht_tally_apply_part(other, &part, &error) == 0, "%s", error.text);
        }
        ht_buffer_finish(&all);
    }
    ht_tally_parts_finish(&parts);
    check_sums(other);
    ht_tally_destroy(other);
}

/* -- runs ------------------------------------------------------------------------------- */

struct entries {
    uint32_t slots[ENTRIES_MAX];
    uint64_t counts[ENTRIES_MAX];
    size_t count;
};

static struct ht_minute_run *make_run(struct ht_minute_run_writer *writer, struct fuzz_input *input,
                                      struct entries *entries)
{
    uint32_t slot = fuzz_take_byte(input);
    unsigned shift = fuzz_take_byte(input) % 20, count_shift = fuzz_take_byte(input) % 33;
    entries->count = fuzz_take_below(input, ENTRIES_MAX) + 1;
    ht_minute_run_writer_begin(writer);
    for (size_t i = 0; i < entries->count; i++) {
        entries->slots[i] = slot;
        entries->counts[i] = 1 + ((uint64_t)fuzz_take_byte(input) << count_shift);
        ht_minute_run_writer_put(writer, slot, entries->counts[i]);
        uint32_t step = 1 + ((uint32_t)fuzz_take_byte(input) << (i % 5 == 0 ? shift : 0));
        if (slot >= SLOTS_MAX - step) {
            entries->count = i + 1;
        }
        slot += step;
    }
    struct ht_minute_run *run = ht_minute_run_writer_end(writer);
    FUZZ_CHECK(run != NULL, "memory");
    return run;
}

static uint64_t count_in(const struct entries *entries, uint32_t slot)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->slots[i] == slot) {
            return entries->counts[i];
        }
    }
    return 0;
}

static void check_runs(struct fuzz_input *input)
{
    static struct entries entries[2];
    struct ht_minute_run_writer writer;
    memset(&writer, 0, sizeof(writer));
    struct ht_minute_run *first = make_run(&writer, input, &entries[0]);
    struct ht_minute_run *second = make_run(&writer, input, &entries[1]);
    struct ht_minute_run_cursor cursor = ht_minute_run_begin(first);
    for (size_t i = 0; i < entries[0].count; i++) {
        FUZZ_CHECK(ht_minute_run_next(&cursor) && cursor.slot == entries[0].slots[i] &&
                       cursor.count == entries[0].counts[i],
                   "entry %zu", i);
        FUZZ_CHECK(ht_minute_run_find(first, cursor.slot) == cursor.count, "find");
    }
    FUZZ_CHECK(!ht_minute_run_next(&cursor), "no end");
    first->next = second;
    struct ht_minute_run *merged = ht_minute_run_merge(&writer, first, 2);
    FUZZ_CHECK(merged != NULL, "memory");
    size_t seen = 0;
    uint64_t sum = 0, expected = 0;
    cursor = ht_minute_run_begin(merged);
    for (; ht_minute_run_next(&cursor); seen++) {
        FUZZ_CHECK(cursor.count ==
                       count_in(&entries[0], cursor.slot) + count_in(&entries[1], cursor.slot),
                   "slot %u", cursor.slot);
        sum += cursor.count;
    }
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < entries[k].count; i++) {
            expected += entries[k].counts[i];
        }
    }
    FUZZ_CHECK(sum == expected && seen <= entries[0].count + entries[1].count, "merged");
    free(merged);
    free(first);
    free(second);
    ht_minute_run_writer_finish(&writer);
}

/* -- recent ids ------------------------------------------------------------------------- */

static void check_ids(struct fuzz_input *input)
{
    const struct ht_hash_key key = {3, 4};
    size_t capacity = fuzz_take_byte(input) % IDS_MAX, count = 0;
    uint64_t list[IDS_MAX];
    struct ht_recent_ids *ids = ht_recent_ids_create(capacity, &key);
    FUZZ_CHECK(ids != NULL, "memory");
    while (input->length > 0) {
        uint64_t id = fuzz_take_byte(input) % 100;
        bool is_known = false;
        for (size_t i = 0; i < count; i++) {
            is_known |= list[i] == id;
        }
        FUZZ_CHECK(ht_recent_ids_has(ids, id) == is_known, "id %d", (int)id);
        FUZZ_CHECK(ht_recent_ids_seen(ids, id) == is_known, "id %d", (int)id);
        if (!is_known && capacity > 0) {
            if (count == capacity) {
                memmove(list, list + 1, --count * sizeof(*list));
            }
            list[count++] = id;
        }
        FUZZ_CHECK(ht_recent_ids_count(ids) == count, "%zu", count);
    }
    ht_recent_ids_destroy(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    struct ht_tally *tally = make();
    uint64_t number;
    unsigned parts = fuzz_take_byte(&input) % 4;
    (void)ht_recent_ids_parse(fuzz_rest(&input), &number);
    for (unsigned i = 0; i <= parts; i++) {
        apply(tally, &input);
        check_sums(tally);
    }
    add(tally, &input);
    check_sums(tally);
    check_rows(tally);
    FUZZ_CHECK(ht_tally_advance(tally, MINUTE + fuzz_take_byte(&input)) == 0, "advance");
    check_sums(tally);
    check_log(tally);
    FUZZ_CHECK(ht_tally_memory_bytes(tally) < (64u << 20), "%zu bytes",
               ht_tally_memory_bytes(tally));
    ht_tally_destroy(tally);
    check_runs(&input);
    check_ids(&input);
    return 0;
}
