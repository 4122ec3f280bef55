// SPDX-License-Identifier: MIT
#include "top_table.h"

#include "hashtagd/base/clock.h"
#include "hashtagd/tweet/width.h"

enum {
    MIN_COLUMNS = 40,
    MAX_TAG_COLUMNS = 40,
    MAX_BAR_COLUMNS = 40,
    RANK_COLUMNS = 5,
    AGE_COLUMNS = 12,
};

/* How wide the columns are. */
struct widths {
    size_t tag, count, bar;
};

void ht_top_append_grouped(struct ht_buffer *out, uint64_t number)
{
    struct ht_buffer digits;
    ht_buffer_init(&digits, 32);
    (void)ht_buffer_append_u64(&digits, number);
    for (size_t i = 0; i < digits.length; i++) {
        if (i > 0 && (digits.length - i) % 3 == 0) {
            (void)ht_buffer_append_byte(out, ',');
        }
        (void)ht_buffer_append_byte(out, digits.data[i]);
    }
    ht_buffer_finish(&digits);
}

void ht_top_append_age(struct ht_buffer *out, int64_t seen_s, int64_t now_s)
{
    int64_t age_s = now_s - seen_s;
    if (seen_s <= 0) {
        (void)ht_buffer_append_text(out, "unknown");
    } else if (age_s < 1) {
        (void)ht_buffer_append_text(out, "now");
    } else if (age_s < 60) {
        (void)ht_buffer_append_format(out, "%d s ago", (int)age_s);
    } else if (age_s < 3600) {
        (void)ht_buffer_append_format(out, "%d min ago", (int)(age_s / 60));
    } else if (age_s < 86400) {
        (void)ht_buffer_append_format(out, "%d h ago", (int)(age_s / 3600));
    } else {
        char time[HT_TIME_UTC_BYTES];
        (void)ht_buffer_append_format(out, "%.10s", ht_time_format_utc(seen_s * 1000, time));
    }
}

static void pad(struct ht_buffer *out, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        (void)ht_buffer_append_byte(out, ' ');
    }
}

static uint64_t number_of(const struct ht_json *row, const char *key)
{
    int64_t number = ht_json_i64(ht_json_member(row, key));
    return number < 0 ? 0 : (uint64_t)number;
}

/* Counted and not written: where memory is out the columns must not come out narrower. */
static size_t grouped_columns(uint64_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10) {
        digits++;
    }
    return digits + (digits - 1) / 3;
}

static struct widths measure(const struct ht_json *rows, size_t columns)
{
    struct widths widths = {.tag = 8, .count = 5};
    for (size_t i = 0; i < ht_json_count(rows); i++) {
        const struct ht_json *row = ht_json_element(rows, i);
        size_t tag = ht_width_columns(ht_json_text(ht_json_member(row, "hashtag"))) + 1;
        size_t count = grouped_columns(number_of(row, "count"));
        widths.tag = tag > widths.tag ? tag : widths.tag;
        widths.count = count > widths.count ? count : widths.count;
    }
    columns = columns < MIN_COLUMNS ? MIN_COLUMNS : columns;
    widths.tag = widths.tag > MAX_TAG_COLUMNS ? MAX_TAG_COLUMNS : widths.tag;
    size_t fixed = RANK_COLUMNS + 2 + widths.count + 2 + AGE_COLUMNS + 2;
    if (fixed + widths.tag > columns) { /* the names give way first */
        widths.tag = columns > fixed + 8 ? columns - fixed : 8;
    }
    size_t used = fixed + widths.tag + 2;
    widths.bar = columns > used ? columns - used : 0;
    widths.bar = widths.bar > MAX_BAR_COLUMNS ? MAX_BAR_COLUMNS : widths.bar;
    return widths;
}

/* Eighths of a block: U+2588 is a whole one, U+2589 to U+258F are 7 to 1 eighths. */
static void append_bar(struct ht_buffer *out, uint64_t count, uint64_t most, size_t columns)
{
    size_t eighths = most == 0 ? 0 : (size_t)((double)count / (double)most * (double)columns * 8);
    eighths = eighths == 0 && count > 0 && columns > 0 ? 1 : eighths;
    size_t used = 0;
    for (; eighths >= 8; eighths -= 8, used++) {
        (void)ht_buffer_append_text(out, "\xe2\x96\x88");
    }
    if (eighths > 0) {
        char block[4] = {'\xe2', '\x96', (char)(0x90 - (int)eighths), '\0'};
        (void)ht_buffer_append_text(out, block);
        used++;
    }
    pad(out, columns - used);
}

static void append_row(const struct ht_json *row, const struct widths *widths, uint64_t most,
                       const struct ht_top_style *style, struct ht_buffer *out)
{
    (void)ht_buffer_append_format(out, "%*llu  ", RANK_COLUMNS,
                                  (unsigned long long)number_of(row, "rank"));
    (void)ht_buffer_append_byte(out, '#');
    size_t tag =
        1 + ht_width_append(out, ht_json_text(ht_json_member(row, "hashtag")), widths->tag - 1);
    uint64_t count = number_of(row, "count");
    pad(out, widths->tag - tag + 2 + widths->count - grouped_columns(count));
    ht_top_append_grouped(out, count);
    (void)ht_buffer_append_text(out, style->has_colour ? "  \033[36m" : "  ");
    append_bar(out, count, most, widths->bar);
    (void)ht_buffer_append_text(out, style->has_colour ? "\033[0m  " : "  ");
    ht_top_append_age(out, (int64_t)number_of(row, "last_seen"), style->now_s);
    (void)ht_buffer_append_byte(out, '\n');
}

static void append_head(const struct ht_json *list, const struct ht_top_style *style,
                        struct ht_buffer *out)
{
    struct ht_slice window = ht_json_text(ht_json_member(list, "window"));
    bool is_all = ht_slice_equal(window, HT_SLICE("all"));
    (void)ht_buffer_append_text(out, style->has_colour ? "\033[1m" : "");
    ht_top_append_grouped(out, number_of(list, "total"));
    (void)ht_buffer_append_text(out, " counted, ");
    ht_top_append_grouped(out, number_of(list, "distinct"));
    (void)ht_buffer_append_text(out, " different hashtags");
    if (!is_all) {
        (void)ht_buffer_append_text(out, ", last ");
        (void)ht_width_append(out, window, 10);
    }
    (void)ht_buffer_append_text(out, style->has_colour ? "\033[0m\n" : "\n");
}

int ht_top_table_read(struct ht_slice answer, const char *url, const struct ht_top_style *style,
                      struct ht_buffer *out, struct ht_error *error)
{
    struct ht_error problem = {0};
    struct ht_json *list = ht_json_parse(answer, 0, NULL, &problem);
    int result = problem.code == HT_ENOMEM ? HT_ENOMEM : ht_top_table_format(list, style, out);
    ht_json_destroy(list);
    switch (result) {
    case 0:
        return 0;
    case HT_ENOMEM:
        return ht_error_set(error, result, "Out of memory for the list of hashtags; try again.");
    case HT_ETOOBIG:
        return ht_error_set(error, result,
                            "The list of hashtags is too large for a screen; ask for fewer (-n).");
    default:
        return ht_error_set(error, result, "What answers at %s is no hashtagd.", url);
    }
}

int ht_top_table_format(const struct ht_json *list, const struct ht_top_style *style,
                        struct ht_buffer *out)
{
    const struct ht_json *rows = ht_json_member(list, "hashtags");
    if (rows == NULL || ht_json_type(rows) != HT_JSON_ARRAY) {
        return HT_EPARSE;
    }
    append_head(list, style, out);
    if (ht_json_count(rows) == 0) {
        (void)ht_buffer_append_text(
            out,
            "Nothing is counted yet. Where the daemon has a source, the dashboard and /readyz say "
            "whether it works. Without one, put tweets with hashtagd put FILE, or start it "
            "with --set source.type=synthetic\n");
        return ht_buffer_status(out);
    }
    struct widths widths = measure(rows, style->columns);
    uint64_t most = number_of(ht_json_element(rows, 0), "count");
    for (size_t i = 0; i < ht_json_count(rows); i++) {
        append_row(ht_json_element(rows, i), &widths, most, style, out);
    }
    return ht_buffer_status(out);
}
