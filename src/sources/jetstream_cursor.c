// SPDX-License-Identifier: MIT
#include "jetstream_cursor.h"

#include "source_cursor.h"

#include <inttypes.h>
#include <stdio.h>

/* Version 1 counts microseconds since 1970. */
enum { CURSOR_VERSION, CURSOR_TIME, CURSOR_COUNT };

#define VERSION          UINT64_C(1)
#define STEP_BACK_MAX_US UINT64_C(60000000)
#define GAP_MIN_US       UINT64_C(60000000)
#define FUTURE_MAX_US    UINT64_C(600000000)

static uint64_t now_us(int64_t now_ms);

size_t ht_jetstream_cursor_format(uint64_t time_us, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    if (time_us == 0) {
        return 0;
    }
    return (size_t)snprintf(text, HT_SOURCE_OWN_CURSOR_BYTES, "jetstream:%" PRIu64 ":%" PRIu64,
                            VERSION, time_us);
}

enum ht_jetstream_cursor_kind ht_jetstream_cursor_parse(struct ht_slice cursor, int64_t now_ms,
                                                        uint64_t *time_us)
{
    uint64_t numbers[CURSOR_COUNT];
    *time_us = 0;
    if (!ht_source_cursor_parse(cursor, "jetstream", numbers, CURSOR_COUNT) ||
        numbers[CURSOR_VERSION] != VERSION || numbers[CURSOR_TIME] < HT_JETSTREAM_TIME_MIN_US) {
        return HT_JETSTREAM_CURSOR_FOREIGN;
    }
    if (numbers[CURSOR_TIME] > now_us(now_ms) + FUTURE_MAX_US) {
        return HT_JETSTREAM_CURSOR_FUTURE;
    }
    *time_us = numbers[CURSOR_TIME];
    return HT_JETSTREAM_CURSOR_GOOD;
}

uint64_t ht_jetstream_cursor_move(uint64_t time_us, uint64_t event_us)
{
    if (event_us < HT_JETSTREAM_TIME_MIN_US) {
        return time_us;
    }
    bool is_step_back = event_us < time_us && time_us - event_us <= STEP_BACK_MAX_US;
    return is_step_back ? time_us : event_us;
}

bool ht_jetstream_is_gap(uint64_t cursor_us, uint64_t first_us)
{
    return cursor_us != 0 && first_us > cursor_us && first_us - cursor_us >= GAP_MIN_US;
}

int64_t ht_jetstream_service_ms(int64_t date_s, int64_t now_ms)
{
    int64_t most_ms = (int64_t)(FUTURE_MAX_US / 1000);
    int64_t at_most_s = (now_ms + most_ms) / 1000, at_least_s = (now_ms - most_ms) / 1000;
    return date_s > 0 && date_s >= at_least_s && date_s <= at_most_s ? date_s * 1000 : 0;
}

uint64_t ht_jetstream_cursor_rest(uint64_t time_us, const struct ht_jetstream_quiet *quiet,
                                  uint64_t now_ms)
{
    if (quiet->service_ms <= 0 || now_ms - quiet->quiet_since_ms < HT_JETSTREAM_QUIET_MS) {
        return time_us;
    }
    uint64_t present_ms = (uint64_t)quiet->service_ms + (now_ms - quiet->opened_ms);
    uint64_t rest_us = (present_ms - HT_JETSTREAM_QUIET_MS) * 1000;
    return rest_us > time_us && rest_us - time_us >= HT_JETSTREAM_QUIET_STEP_US ? rest_us : time_us;
}

struct ht_jetstream_resume ht_jetstream_resume_at(uint64_t time_us, int64_t now_ms)
{
    struct ht_jetstream_resume resume = {0};
    if (time_us >= HT_JETSTREAM_TIME_MIN_US) {
        uint64_t early_us = time_us - HT_JETSTREAM_EARLY_US;
        uint64_t now = now_us(now_ms);
        resume.cursor_us =
            early_us < HT_JETSTREAM_TIME_MIN_US ? HT_JETSTREAM_TIME_MIN_US : early_us;
        resume.is_too_old = now > time_us && now - time_us > HT_JETSTREAM_LOOKBACK_US;
    }
    return resume;
}

static uint64_t now_us(int64_t now_ms)
{
    return now_ms > 0 ? (uint64_t)now_ms * 1000 : 0;
}
