// SPDX-License-Identifier: MIT
#include "reconnect.h"

/* "Connecting to a streaming endpoint", developer documentation of X. */
#define NETWORK_STEP_MS 250
#define NETWORK_MAX_MS  16000
#define HTTP_BASE_MS    5000
#define HTTP_MAX_MS     320000
#define RATE_BASE_MS    60000
#define RATE_MAX_MS     960000

static void begin_anew(struct ht_reconnect *reconnect, uint64_t lived_ms);
static uint64_t ladder_ms(struct ht_reconnect *reconnect, const struct ht_reconnect_input *input);
static uint64_t ended_ms(struct ht_reconnect *reconnect, bool has_streamed);
static uint64_t linear_ms(unsigned failures);
static uint64_t doubled_ms(unsigned failures, uint64_t base_ms, uint64_t max_ms);
static unsigned one_more(unsigned *failures);

struct ht_reconnect_decision ht_reconnect_decide(struct ht_reconnect *reconnect,
                                                 const struct ht_reconnect_input *input,
                                                 struct ht_random *random)
{
    if (input->has_streamed) {
        begin_anew(reconnect, input->lived_ms);
    }
    uint64_t step_ms = ladder_ms(reconnect, input);
    uint64_t named_ms = input->at_least_ms < HT_RECONNECT_NAMED_MAX_MS ? input->at_least_ms
                                                                       : HT_RECONNECT_NAMED_MAX_MS;
    uint64_t wait_ms = step_ms > named_ms ? step_ms : named_ms;
    return (struct ht_reconnect_decision){
        .wait_ms = wait_ms + ht_random_below(random, step_ms / 4 + 1),
        .needs_person =
            input->end == HT_SOURCE_END_REFUSED || input->end == HT_SOURCE_END_TOLD_TO_STOP,
    };
}

static void begin_anew(struct ht_reconnect *reconnect, uint64_t lived_ms)
{
    reconnect->network_failures = 0;
    if (lived_ms >= HT_RECONNECT_STEADY_MS) {
        reconnect->http_failures = 0;
        reconnect->rate_failures = 0;
        reconnect->short_lives = 0;
    } else {
        one_more(&reconnect->short_lives);
    }
}

static uint64_t ladder_ms(struct ht_reconnect *reconnect, const struct ht_reconnect_input *input)
{
    switch (input->end) {
    case HT_SOURCE_END_RATE_LIMITED:
    case HT_SOURCE_END_TOO_MANY:
    case HT_SOURCE_END_TOLD_TO_STOP:
        return doubled_ms(one_more(&reconnect->rate_failures), RATE_BASE_MS, RATE_MAX_MS);
    case HT_SOURCE_END_HTTP_ERROR:
    case HT_SOURCE_END_PROTOCOL:
    case HT_SOURCE_END_REFUSED:
        return doubled_ms(one_more(&reconnect->http_failures), HTTP_BASE_MS, HTTP_MAX_MS);
    case HT_SOURCE_END_ENDED:
    case HT_SOURCE_END_NETWORK:
    case HT_SOURCE_END_STALLED:
    case HT_SOURCE_END_TOLD:
    case HT_SOURCE_END_COUNT:
        break;
    }
    return ended_ms(reconnect, input->has_streamed);
}

/* Neither the service nor a proxy had anything against us. */
static uint64_t ended_ms(struct ht_reconnect *reconnect, bool has_streamed)
{
    if (!has_streamed) {
        return linear_ms(one_more(&reconnect->network_failures));
    }
    return reconnect->short_lives > 1 ? linear_ms(reconnect->short_lives - 1) : 0;
}

static uint64_t linear_ms(unsigned failures)
{
    return failures < NETWORK_MAX_MS / NETWORK_STEP_MS ? (uint64_t)failures * NETWORK_STEP_MS
                                                       : NETWORK_MAX_MS;
}

/* Stops at max_ms, so that no number of failures overflows. */
static uint64_t doubled_ms(unsigned failures, uint64_t base_ms, uint64_t max_ms)
{
    uint64_t wait_ms = base_ms;
    while (--failures > 0 && wait_ms < max_ms) {
        wait_ms *= 2;
    }
    return wait_ms < max_ms ? wait_ms : max_ms;
}

static unsigned one_more(unsigned *failures)
{
    if (*failures < 1000000) {
        ++*failures;
    }
    return *failures;
}
