// SPDX-License-Identifier: MIT
#include "hashtagd/aws/retry.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define UNIT_FULL 0.999999999

/* The whole table of the standard: which fault, what it costs, how long it waits at most. */
static void test_table(void **state)
{
    static const struct {
        enum ht_aws_fault fault;
        bool is_dynamodb;
        unsigned retries; /* granted before */
        unsigned cost;    /* 0: not tried again */
        uint64_t most_ms; /* the delay never reaches it */
    } cases[] = {
        {HT_AWS_FAULT_THROTTLED, false, 0, 5, 1000},  {HT_AWS_FAULT_THROTTLED, false, 1, 5, 2000},
        {HT_AWS_FAULT_THROTTLED, false, 2, 5, 4000},  {HT_AWS_FAULT_THROTTLED, false, 4, 5, 16000},
        {HT_AWS_FAULT_THROTTLED, false, 5, 5, 20000}, {HT_AWS_FAULT_THROTTLED, false, 60, 5, 20000},
        {HT_AWS_FAULT_THROTTLED, true, 0, 5, 1000},   {HT_AWS_FAULT_THROTTLED, true, 3, 5, 8000},
        {HT_AWS_FAULT_TRANSIENT, false, 0, 14, 50},   {HT_AWS_FAULT_TRANSIENT, false, 1, 14, 100},
        {HT_AWS_FAULT_TRANSIENT, false, 2, 14, 200},  {HT_AWS_FAULT_TRANSIENT, false, 9, 14, 20000},
        {HT_AWS_FAULT_TRANSIENT, true, 0, 14, 25},    {HT_AWS_FAULT_TRANSIENT, true, 1, 14, 50},
        {HT_AWS_FAULT_TRANSIENT, true, 2, 14, 100},   {HT_AWS_FAULT_NONE, false, 0, 0, 0},
        {HT_AWS_FAULT_CREDENTIALS, false, 0, 0, 0},   {HT_AWS_FAULT_SKEW, false, 0, 0, 0},
        {HT_AWS_FAULT_FINAL, true, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        static const double units[] = {0.0, 0.5, UNIT_FULL};
        for (size_t k = 0; k < HT_COUNT_OF(units); k++) {
            struct ht_aws_retry_quota quota;
            struct ht_aws_retry retry = {.max_attempts = 100,
                                         .retries = cases[i].retries,
                                         .is_dynamodb = cases[i].is_dynamodb};
            struct ht_aws_trouble trouble = {cases[i].fault, -1, units[k]};
            ht_aws_retry_quota_init(&quota);
            struct ht_aws_retry_decision decision = ht_aws_retry_decide(&retry, &quota, &trouble);
            assert_int_equal(decision.is_again, cases[i].cost > 0);
            assert_int_equal(quota.tokens, HT_AWS_RETRY_TOKENS - cases[i].cost);
            assert_int_equal(retry.last_cost, cases[i].cost);
            uint64_t expected = (uint64_t)(units[k] * (double)cases[i].most_ms);
            assert_int_equal(decision.delay_ms, expected);
        }
    }
}

static void test_default_attempts(void **state)
{
    (void)state;
    for (int service = 0; service < HT_AWS_SERVICE_COUNT; service++) {
        bool is_dynamodb = service == HT_AWS_DYNAMODB || service == HT_AWS_DYNAMODB_STREAMS;
        assert_int_equal(ht_aws_retry_default_attempts((enum ht_aws_service)service),
                         is_dynamodb ? 4 : 3);
    }
}

static void test_attempts_end(void **state)
{
    struct ht_aws_trouble trouble = {HT_AWS_FAULT_TRANSIENT, -1, 0.5};

    (void)state;
    for (unsigned max = 1; max < 5; max++) {
        struct ht_aws_retry_quota quota;
        struct ht_aws_retry retry = {.max_attempts = max};
        unsigned attempts = 1;
        ht_aws_retry_quota_init(&quota);
        while (ht_aws_retry_decide(&retry, &quota, &trouble).is_again) {
            attempts++;
        }
        assert_int_equal(attempts, max);
    }
}

static void test_empty_bucket_ends_retries(void **state)
{
    struct ht_aws_trouble broken = {HT_AWS_FAULT_TRANSIENT, -1, 0};
    struct ht_aws_trouble throttled = {HT_AWS_FAULT_THROTTLED, -1, 0};
    struct ht_aws_retry retry = {.max_attempts = 1000};
    struct ht_aws_retry_quota quota;
    unsigned granted = 0;

    (void)state;
    ht_aws_retry_quota_init(&quota);
    while (ht_aws_retry_decide(&retry, &quota, &broken).is_again) {
        granted++;
    }
    assert_int_equal(granted, 35); /* 500 / 14 */
    assert_int_equal(quota.tokens, 10);
    assert_true(ht_aws_retry_decide(&retry, &quota, &throttled).is_again);
    assert_true(ht_aws_retry_decide(&retry, &quota, &throttled).is_again);
    assert_false(ht_aws_retry_decide(&retry, &quota, &throttled).is_again);
    assert_int_equal(quota.tokens, 0);
}

static void test_success_pays_back(void **state)
{
    static const struct {
        unsigned tokens, retries, last_cost, after;
    } cases[] = {
        {100, 0, 0, 101},  {500, 0, 0, 500},  {100, 1, 5, 105},
        {100, 2, 14, 114}, {495, 1, 14, 500}, {0, 1, 5, 5},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_aws_retry_quota quota = {cases[i].tokens};
        struct ht_aws_retry retry = {
            .max_attempts = 3, .retries = cases[i].retries, .last_cost = cases[i].last_cost};
        ht_aws_retry_succeed(&retry, &quota);
        assert_int_equal(quota.tokens, cases[i].after);
    }
}

/* Between our own delay and 5 s more. */
static void test_hint_of_the_server(void **state)
{
    static const struct {
        int64_t hint_ms;
        uint64_t delay_ms;
    } cases[] = {
        {-1, 500}, {0, 500}, {499, 500}, {700, 700}, {5499, 5499}, {5501, 5500}, {INT64_MAX, 5500},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_aws_trouble trouble = {HT_AWS_FAULT_THROTTLED, cases[i].hint_ms, 0.5};
        struct ht_aws_retry retry = {.max_attempts = 3};
        struct ht_aws_retry_quota quota;
        ht_aws_retry_quota_init(&quota);
        assert_int_equal(ht_aws_retry_decide(&retry, &quota, &trouble).delay_ms, cases[i].delay_ms);
    }
}

static void test_hint_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t hint_ms;
    } cases[] = {
        {"1500", 1500}, {"0", 0},    {" 20 ", 20}, {"", -1},
        {"-5", -1},     {"1.5", -1}, {"soon", -1}, {"99999999999999999999", -1},
    };

    (void)state;
    assert_int_equal(ht_aws_retry_parse_hint((struct ht_slice){0}), -1);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_int_equal(ht_aws_retry_parse_hint(ht_slice_text(cases[i].text)), cases[i].hint_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_default_attempts),
        cmocka_unit_test(test_attempts_end),
        cmocka_unit_test(test_empty_bucket_ends_retries),
        cmocka_unit_test(test_success_pays_back),
        cmocka_unit_test(test_hint_of_the_server),
        cmocka_unit_test(test_hint_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
