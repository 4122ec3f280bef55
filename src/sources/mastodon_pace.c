// SPDX-License-Identifier: MIT
#include "mastodon_pace.h"

#include "mastodon_status.h"

#include "hashtagd/base/backoff.h"

#include <stdio.h>

/* After 429 without a time. */
enum { LIMITED_MS = 60000, SHORTEST_MS = 1000 };

static const struct ht_backoff backoff = {.base_ms = 2000, .max_ms = 60000};

static int64_t number_of(struct ht_slice text);
static uint64_t until(int64_t time_ms, int64_t now_ms);
static uint64_t limited_ms(const struct ht_mastodon_pace_input *input);

struct ht_mastodon_limits ht_mastodon_limits_read(const struct ht_http_header *headers,
                                                  size_t header_count)
{
    return (struct ht_mastodon_limits){
        .limit = number_of(ht_http_header_find(headers, header_count, "X-RateLimit-Limit")),
        .remaining = number_of(ht_http_header_find(headers, header_count, "X-RateLimit-Remaining")),
        .reset_ms =
            ht_mastodon_time_ms(ht_http_header_find(headers, header_count, "X-RateLimit-Reset")),
    };
}

struct ht_mastodon_pace_decision ht_mastodon_pace_decide(const struct ht_mastodon_pace_input *input,
                                                         struct ht_random *random)
{
    struct ht_mastodon_limits limits = ht_mastodon_limits_read(input->headers, input->header_count);
    if (input->code == 0 && input->status == 200) {
        bool is_used_up = limits.remaining == 0;
        return (struct ht_mastodon_pace_decision){
            HT_MASTODON_PACE_TAKE, is_used_up ? until(limits.reset_ms, input->now_ms) : 0};
    }
    if (input->code == 0 && input->status == 404 && input->is_of_hashtag) {
        return (struct ht_mastodon_pace_decision){HT_MASTODON_PACE_NOTHING, 0};
    }
    bool is_limited = input->code == 0 && input->status == 429;
    bool is_passing = input->code != 0 || input->status >= 500 || is_limited;
    if (!is_passing || input->failures + 1 >= HT_MASTODON_PACE_FAILURES_MAX) {
        return (struct ht_mastodon_pace_decision){HT_MASTODON_PACE_GIVE_UP, 0};
    }
    uint64_t wait_ms = ht_backoff_ms(&backoff, input->failures + 1, random);
    uint64_t told_ms = is_limited ? limited_ms(input) : 0;
    return (struct ht_mastodon_pace_decision){HT_MASTODON_PACE_AGAIN,
                                              wait_ms > told_ms ? wait_ms : told_ms};
}

static uint64_t limited_ms(const struct ht_mastodon_pace_input *input)
{
    struct ht_slice after = ht_http_header_find(input->headers, input->header_count, "Retry-After");
    int64_t after_s = number_of(after);
    if (after_s > HT_MASTODON_PACE_WAIT_MAX_MS / 1000) {
        return HT_MASTODON_PACE_WAIT_MAX_MS;
    }
    if (after_s > 0) {
        return (uint64_t)after_s * 1000;
    }
    struct ht_mastodon_limits limits = ht_mastodon_limits_read(input->headers, input->header_count);
    return limits.reset_ms > 0 ? until(limits.reset_ms, input->now_ms) : LIMITED_MS;
}

/* At least a moment, as both clocks may differ a little. */
static uint64_t until(int64_t time_ms, int64_t now_ms)
{
    if (time_ms <= now_ms) {
        return SHORTEST_MS;
    }
    uint64_t wait_ms = (uint64_t)(time_ms - now_ms) + SHORTEST_MS;
    return wait_ms < HT_MASTODON_PACE_WAIT_MAX_MS ? wait_ms : HT_MASTODON_PACE_WAIT_MAX_MS;
}

static int64_t number_of(struct ht_slice text)
{
    uint64_t number;
    return ht_slice_to_u64(text, INT64_MAX, &number) == 0 ? (int64_t)number : -1;
}

int64_t ht_mastodon_date_ms(const struct ht_http_header *headers, size_t header_count)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct ht_slice date = ht_http_header_find(headers, header_count, "Date");
    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    enum { DAY = 5, MONTH = 8, YEAR = 12, TIME = 17, LENGTH = 29 };
    if (date.length != LENGTH) {
        return 0;
    }
    for (int month = 0; month < 12; month++) {
        if (memcmp(date.data + MONTH, months + 3 * (size_t)month, 3) == 0) {
            char text[32];
            (void)snprintf(text, sizeof(text), "%.4s-%02d-%.2sT%.8sZ", date.data + YEAR, month + 1,
                           date.data + DAY, date.data + TIME);
            return ht_mastodon_time_ms(ht_slice_text(text));
        }
    }
    return 0;
}
