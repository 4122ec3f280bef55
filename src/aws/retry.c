// SPDX-License-Identifier: MIT
#include "hashtagd/aws/retry.h"

#include "hashtagd/base/assert.h"

#define MAX_DELAY_MS  20000.0
#define HINT_EXTRA_MS 5000
#define HINT_MAX_MS   86400000u
#define TOKENS_EARNED 1
#define DOUBLINGS_MAX 30

/* What a retry costs and how long the first wait is at most. */
static const struct {
    unsigned cost;
    double base_ms, dynamodb_base_ms;
} kinds[] = {
    [HT_AWS_FAULT_THROTTLED] = {5, 1000.0, 1000.0},
    [HT_AWS_FAULT_TRANSIENT] = {14, 50.0, 25.0},
};

static double delay_of(const struct ht_aws_retry *retry, const struct ht_aws_trouble *trouble);
static double clamp_hint(double delay_ms, int64_t hint_ms);

void ht_aws_retry_quota_init(struct ht_aws_retry_quota *quota)
{
    quota->tokens = HT_AWS_RETRY_TOKENS;
}

unsigned ht_aws_retry_default_attempts(enum ht_aws_service service)
{
    return service == HT_AWS_DYNAMODB || service == HT_AWS_DYNAMODB_STREAMS ? 4 : 3;
}

struct ht_aws_retry_decision ht_aws_retry_decide(struct ht_aws_retry *retry,
                                                 struct ht_aws_retry_quota *quota,
                                                 const struct ht_aws_trouble *trouble)
{
    struct ht_aws_retry_decision decision = {.is_again = false};

    if (trouble->fault != HT_AWS_FAULT_THROTTLED && trouble->fault != HT_AWS_FAULT_TRANSIENT) {
        return decision;
    }
    unsigned cost = kinds[trouble->fault].cost;
    if (retry->retries + 1 >= retry->max_attempts || quota->tokens < cost) {
        return decision;
    }
    quota->tokens -= cost;
    retry->last_cost = cost;
    decision.is_again = true;
    decision.delay_ms = (uint64_t)delay_of(retry, trouble);
    retry->retries++;
    return decision;
}

static double delay_of(const struct ht_aws_retry *retry, const struct ht_aws_trouble *trouble)
{
    double most_ms =
        retry->is_dynamodb ? kinds[trouble->fault].dynamodb_base_ms : kinds[trouble->fault].base_ms;

    for (unsigned i = 0; i < retry->retries && i < DOUBLINGS_MAX; i++) {
        most_ms *= 2;
    }
    most_ms = most_ms > MAX_DELAY_MS ? MAX_DELAY_MS : most_ms;
    return clamp_hint(trouble->unit * most_ms, trouble->hint_ms);
}

/* The server may ask for more, but not for much more. */
static double clamp_hint(double delay_ms, int64_t hint_ms)
{
    double hint = (double)hint_ms;

    if (hint_ms < 0 || hint <= delay_ms) {
        return delay_ms;
    }
    return hint < delay_ms + HINT_EXTRA_MS ? hint : delay_ms + HINT_EXTRA_MS;
}

void ht_aws_retry_succeed(const struct ht_aws_retry *retry, struct ht_aws_retry_quota *quota)
{
    quota->tokens += retry->retries == 0 ? TOKENS_EARNED : retry->last_cost;
    if (quota->tokens > HT_AWS_RETRY_TOKENS) {
        quota->tokens = HT_AWS_RETRY_TOKENS;
    }
}

int64_t ht_aws_retry_parse_hint(struct ht_slice text)
{
    uint64_t value;

    return ht_slice_to_u64(ht_slice_trim(text), HINT_MAX_MS, &value) == 0 ? (int64_t)value : -1;
}
