// SPDX-License-Identifier: MIT

/**
 * Times and places that are read from text: HTTP dates and RFC 3339 against the calendar of the C
 * library, which must give the same text back; cursors of sources; ids of Mastodon; positions.
 */

#include "fuzz_data.h"
#include "hashtagd/base/clock.h"
#include "hashtagd/net/http.h"
#include "hashtagd/pipeline/position.h"
#include "jetstream_cursor.h"
#include "mastodon_id.h"
#include "source_cursor.h"

#include <time.h>

/* What is accepted is the time that the text says: written again it is the same text. */
static void check_http_date(struct ht_slice text)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    int64_t seconds = 0;
    if (ht_http_date_parse(text, &seconds) != 0) {
        return;
    }
    char again[64];
    struct tm utc;
    time_t time = (time_t)seconds;
    FUZZ_CHECK(gmtime_r(&time, &utc) != NULL, "%lld", (long long)seconds);
    size_t length = strftime(again, sizeof(again), "xxx, %d %b ", &utc);
    length += (size_t)snprintf(again + length, sizeof(again) - length, "%04d", utc.tm_year + 1900);
    (void)strftime(again + length, sizeof(again) - length, " %H:%M:%S GMT", &utc);
    memcpy(again, days[utc.tm_wday], 3);
    FUZZ_CHECK(text.length == strlen(again), "%zu", text.length);
    FUZZ_CHECK_SAME(text, ht_slice_text(again), "HTTP date");
}

/* Every second of the calendar is read as it is written. */
static void check_written(struct fuzz_input *input)
{
    char date[64], rfc[HT_TIME_UTC_BYTES];
    struct tm utc;
    int64_t seconds = 0, wall_ms = 0;
    time_t time = (time_t)fuzz_take_below(input, 1ull << 32) * 58;
    (void)gmtime_r(&time, &utc);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    FUZZ_CHECK(ht_http_date_parse(ht_slice_text(date), &seconds) == 0 && seconds == (int64_t)time,
               "%s", date);
    (void)ht_time_format_utc((int64_t)time * 1000 + 7, rfc);
    FUZZ_CHECK(ht_time_parse_utc(rfc, &wall_ms) == 0 && wall_ms == (int64_t)time * 1000 + 7, "%s",
               rfc);
}

static void check_rfc3339(const char *text)
{
    int64_t wall_ms = 0, again = 0;
    if (ht_time_parse_utc(text, &wall_ms) != 0) {
        return;
    }
    char written[HT_TIME_UTC_BYTES];
    struct tm utc = {0};
    int length = 0;
    FUZZ_CHECK(sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                      &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &length) == 6,
               "%s", text);
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    int day = utc.tm_mday, second = utc.tm_sec;
    int64_t seconds = (int64_t)timegm(&utc);
    FUZZ_CHECK(second == 60 || utc.tm_mday == day, "%s is no day", text);
    /* the fraction adds less than a second, the offset less than a day */
    FUZZ_CHECK(wall_ms - seconds * 1000 < 1000 + 86400000 && wall_ms - seconds * 1000 > -86400000,
               "%s: %lld", text, (long long)wall_ms);
    if (strchr(text + length, '+') == NULL && strchr(text + length, '-') == NULL) {
        FUZZ_CHECK(wall_ms / 1000 == seconds || wall_ms < 0, "%s: %lld", text, (long long)wall_ms);
    }
    (void)ht_time_format_utc(wall_ms, written);
    if (written[0] != '0' || written[1] != '0') {
        FUZZ_CHECK(ht_time_parse_utc(written, &again) == 0, "%s", written);
        FUZZ_CHECK(again == wall_ms || strncmp(written, "9999", 4) == 0, "%s, then %s", text,
                   written);
    }
}

static void check_cursors(struct ht_slice text, struct fuzz_input *input)
{
    static const char *const types[] = {"synthetic", "replay", "jetstream", "mastodon"};
    char room[HT_SOURCE_CURSOR_BYTES], own[HT_SOURCE_OWN_CURSOR_BYTES];
    uint64_t numbers[8], again[8], time_us = 0;
    for (size_t i = 0; i < 4; i++) {
        size_t count = 1 + fuzz_take_byte(input) % 8;
        struct ht_slice part = ht_source_cursor_own(text, types[i]);
        FUZZ_CHECK(part.length == 0 || (part.data >= text.data &&
                                        part.data + part.length <= text.data + text.length),
                   "outside");
        memset(numbers, 0x5a, sizeof(numbers));
        if (ht_source_cursor_parse(part, types[i], numbers, count)) {
            struct ht_slice written = ht_source_cursor_format(room, types[i], numbers, count);
            FUZZ_CHECK(ht_source_cursor_parse(written, types[i], again, count) &&
                           memcmp(numbers, again, count * sizeof(*numbers)) == 0,
                       "%.*s", FUZZ_TEXT(written));
        } else {
            FUZZ_CHECK(numbers[0] == UINT64_C(0x5a5a5a5a5a5a5a5a), "changed");
        }
    }
    enum ht_jetstream_cursor_kind kind = ht_jetstream_cursor_parse(text, 1800000000000, &time_us);
    FUZZ_CHECK(kind == HT_JETSTREAM_CURSOR_GOOD || time_us == 0, "%d", (int)kind);
    if (kind == HT_JETSTREAM_CURSOR_GOOD && time_us != 0) {
        uint64_t same = 0;
        size_t length = ht_jetstream_cursor_format(time_us, own);
        FUZZ_CHECK(ht_jetstream_cursor_parse(ht_slice_make(own, length), 1800000000000, &same) ==
                           HT_JETSTREAM_CURSOR_GOOD &&
                       same == time_us,
                   "%llu", (unsigned long long)time_us);
    }
}

static void check_ids(struct ht_slice text)
{
    struct ht_mastodon_id one = {.length = 0}, other = {.length = 0};
    size_t half = text.length / 2;
    bool is_id = ht_mastodon_id_set(&one, ht_slice_make(text.data, half));
    FUZZ_CHECK(!is_id || ht_slice_equal(ht_mastodon_id_slice(&one), ht_slice_make(text.data, half)),
               "id");
    (void)ht_mastodon_id_set(&other, ht_slice_make(text.data + half, text.length - half));
    int order = ht_mastodon_id_compare(&one, &other), back = ht_mastodon_id_compare(&other, &one);
    FUZZ_CHECK((order < 0) == (back > 0) && (order == 0) == (back == 0), "%d, %d", order, back);
    FUZZ_CHECK(ht_mastodon_id_time_ms(&one) >= -1, "time");
    struct ht_mastodon_id before = ht_mastodon_id_before(&one, 1000);
    FUZZ_CHECK(ht_mastodon_id_compare(&before, &one) <= 0, "before");
    ht_mastodon_id_advance(&one, &other);
    FUZZ_CHECK(ht_mastodon_id_compare(&one, &other) >= 0, "advance");
}

/* Sequence numbers are ordered as numbers are, whatever zeros stand in front. */
static void check_positions(struct ht_slice text)
{
    struct ht_position position;
    char digits[300], shifted[310];
    size_t count = 1;
    digits[0] = '7';
    for (size_t i = 0; i < text.length && count < 120; i++) {
        digits[count++] = (char)('0' + (unsigned char)text.data[i] % 10);
    }
    memcpy(shifted, "000", 3);
    memcpy(shifted + 3, digits, count);
    struct ht_slice one = ht_slice_make(digits, count), other = ht_slice_make(shifted, count + 3);
    FUZZ_CHECK(ht_sequence_compare(one, other) == 0, "zeros in front");
    FUZZ_CHECK(ht_sequence_compare_sub(one, 1, other, 2) < 0, "sub-sequence");
    shifted[3 + count] = '0';
    other.length++;
    FUZZ_CHECK(ht_sequence_compare(one, other) < 0, "ten times as much");
    ht_position_after(&position, one, 7);
    FUZZ_CHECK(ht_slice_equal(ht_slice_text(position.sequence_number), one) &&
                   position.sub_sequence == 7,
               "position");
    ht_position_after(&position, text, 0); /* too long: cut */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    struct fuzz_input choices = input;
    char *copy = fuzz_copy(fuzz_rest(&input));
    char *text = fuzz_text(fuzz_rest(&input));
    struct ht_slice bytes = ht_slice_make(copy, input.length);
    check_http_date(bytes);
    check_rfc3339(text);
    check_written(&choices);
    check_cursors(bytes, &choices);
    check_ids(bytes);
    check_positions(bytes);
    free(copy);
    free(text);
    return 0;
}
