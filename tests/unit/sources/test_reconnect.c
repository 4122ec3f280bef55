// SPDX-License-Identifier: MIT
#include "reconnect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define FAILURES_MAX 12

/* The documented ladders, written out. */
static const uint64_t network[FAILURES_MAX] = {250,  500,  750,  1000, 1250, 1500,
                                               1750, 2000, 2250, 2500, 2750, 3000};
static const uint64_t http[FAILURES_MAX] = {5000,   10000,  20000,  40000,  80000,  160000,
                                            320000, 320000, 320000, 320000, 320000, 320000};
static const uint64_t rate[FAILURES_MAX] = {60000,  120000, 240000, 480000, 960000, 960000,
                                            960000, 960000, 960000, 960000, 960000, 960000};

struct row {
    enum ht_source_end end;
    const uint64_t *ladder; /* of attempts that never streamed */
    bool is_at_once;        /* after a stream that ran; else the first step of the ladder */
    bool needs_person;
};

static const struct row rows[] = {
    {HT_SOURCE_END_ENDED, network, true, false},
    {HT_SOURCE_END_NETWORK, network, true, false},
    {HT_SOURCE_END_STALLED, network, true, false},
    {HT_SOURCE_END_HTTP_ERROR, http, false, false},
    {HT_SOURCE_END_RATE_LIMITED, rate, false, false},
    {HT_SOURCE_END_TOO_MANY, rate, false, false},
    {HT_SOURCE_END_REFUSED, http, false, true},
    {HT_SOURCE_END_TOLD, network, true, false},
    {HT_SOURCE_END_TOLD_TO_STOP, rate, false, true},
    {HT_SOURCE_END_PROTOCOL, http, false, false},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == HT_SOURCE_END_COUNT, "each end has a row");

/* A generator whose next number below `bound` is `wanted`: xoshiro's output function turned
 * around, with the inverses of 5 and 9 modulo 2^64. */
static struct ht_random random_giving(uint64_t wanted, uint64_t bound)
{
    uint64_t unfair = (0 - bound) % bound;
    uint64_t value = (unfair == 0 ? 0 : bound) + wanted;
    uint64_t turned = value * 0x8E38E38E38E38E39u;
    turned = turned >> 7 | turned << 57;
    struct ht_random random = {{1, turned * 0xCCCCCCCCCCCCCCCDu, 3, 4}};
    return random;
}

static void test_the_extremes_are_extremes(void **state)
{
    (void)state;
    for (uint64_t bound = 1; bound < 300000; bound = bound * 3 + 1) {
        struct ht_random least = random_giving(0, bound), most = random_giving(bound - 1, bound);
        assert_int_equal(ht_random_below(&least, bound), 0);
        assert_int_equal(ht_random_below(&most, bound), bound - 1);
    }
}

/* Decides twice, with the least and the greatest random number, and once more for real. */
static void expect(struct ht_reconnect *reconnect, const struct ht_reconnect_input *input,
                   uint64_t step_ms, bool needs_person)
{
    struct ht_reconnect copies[2] = {*reconnect, *reconnect};
    struct ht_random least = random_giving(0, step_ms / 4 + 1);
    struct ht_random most = random_giving(step_ms / 4, step_ms / 4 + 1);
    struct ht_random any = {{1, 2, 3, 4}};
    uint64_t named_ms = input->at_least_ms < 900000 ? input->at_least_ms : 900000;
    uint64_t base_ms = step_ms > named_ms ? step_ms : named_ms;
    assert_int_equal(ht_reconnect_decide(&copies[0], input, &least).wait_ms, base_ms);
    assert_int_equal(ht_reconnect_decide(&copies[1], input, &most).wait_ms, base_ms + step_ms / 4);
    struct ht_reconnect_decision decision = ht_reconnect_decide(reconnect, input, &any);
    assert_in_range(decision.wait_ms, base_ms, base_ms + step_ms / 4);
    assert_int_equal(decision.needs_person, needs_person);
}

static void test_every_failure_climbs_its_ladder(void **state)
{
    (void)state;
    static const uint64_t lives[] = {0, 1, 9999, 10000, 3600000}; /* no matter without a byte */
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        for (size_t l = 0; l < sizeof(lives) / sizeof(lives[0]); l++) {
            struct ht_reconnect reconnect = {0};
            struct ht_reconnect_input input = {.end = rows[i].end, .lived_ms = lives[l]};
            for (unsigned n = 0; n < FAILURES_MAX; n++) {
                expect(&reconnect, &input, rows[i].ladder[n], rows[i].needs_person);
            }
        }
    }
}

static void test_a_stream_that_ran_begins_anew(void **state)
{
    (void)state;
    static const uint64_t lives[] = {10000, 10001, 3600000};
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        for (size_t l = 0; l < sizeof(lives) / sizeof(lives[0]); l++) {
            struct ht_reconnect reconnect = {5, 5, 5, 5};
            struct ht_reconnect_input input = {
                .end = rows[i].end, .has_streamed = true, .lived_ms = lives[l]};
            for (unsigned n = 0; n < FAILURES_MAX; n++) {
                expect(&reconnect, &input, rows[i].is_at_once ? 0 : rows[i].ladder[0],
                       rows[i].needs_person);
            }
        }
    }
}

static void test_streams_that_end_early_again_and_again_are_not_at_once(void **state)
{
    (void)state;
    static const uint64_t lives[] = {0, 1, 9999};
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        for (size_t l = 0; l < sizeof(lives) / sizeof(lives[0]); l++) {
            struct ht_reconnect reconnect = {0};
            struct ht_reconnect_input input = {
                .end = rows[i].end, .has_streamed = true, .lived_ms = lives[l]};
            for (unsigned n = 0; n < FAILURES_MAX; n++) {
                uint64_t early = n == 0 ? 0 : network[n - 1];
                /* who agrees and then refuses in the stream is not asked every few seconds */
                expect(&reconnect, &input, rows[i].is_at_once ? early : rows[i].ladder[n],
                       rows[i].needs_person);
            }
        }
    }
}

static void test_failed_attempts_between_do_not_hide_early_ends(void **state)
{
    (void)state;
    struct ht_reconnect reconnect = {0};
    const struct ht_reconnect_input early = {HT_SOURCE_END_ENDED, true, 5, 0};
    const struct ht_reconnect_input failed = {HT_SOURCE_END_NETWORK, false, 0, 0};
    for (unsigned n = 0; n < FAILURES_MAX; n++) {
        expect(&reconnect, &early, n == 0 ? 0 : network[n - 1], false);
        expect(&reconnect, &failed, network[0], false);
        expect(&reconnect, &failed, network[1], false);
    }
}

static void test_ladders_are_counted_apart(void **state)
{
    (void)state;
    struct ht_reconnect reconnect = {0};
    for (unsigned n = 0; n < FAILURES_MAX; n++) {
        for (size_t i = 0; i < 3; i++) {
            static const size_t picked[] = {HT_SOURCE_END_NETWORK, HT_SOURCE_END_HTTP_ERROR,
                                            HT_SOURCE_END_RATE_LIMITED};
            const struct ht_reconnect_input input = {.end = rows[picked[i]].end};
            expect(&reconnect, &input, rows[picked[i]].ladder[n], false);
        }
    }
    const struct ht_reconnect_input ran = {HT_SOURCE_END_ENDED, true, 10000, 0};
    expect(&reconnect, &ran, 0, false);
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        struct ht_reconnect fresh = reconnect;
        const struct ht_reconnect_input input = {.end = rows[i].end};
        expect(&fresh, &input, rows[i].ladder[0], rows[i].needs_person);
    }
}

static void test_never_before_the_moment_that_the_service_names(void **state)
{
    (void)state;
    static const uint64_t named[] = {1,      249,    4999,   59999,     60001,
                                     899999, 900000, 900001, UINT64_MAX};
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++) {
            struct ht_reconnect reconnect = {0}, ran = {0};
            struct ht_reconnect_input input = {.end = rows[i].end, .at_least_ms = named[k]};
            for (unsigned n = 0; n < FAILURES_MAX; n++) {
                expect(&reconnect, &input, rows[i].ladder[n], rows[i].needs_person);
            }
            input.has_streamed = true;
            input.lived_ms = 20000;
            expect(&ran, &input, rows[i].is_at_once ? 0 : rows[i].ladder[0], rows[i].needs_person);
        }
    }
}

static void test_ladders_end_and_do_not_overflow(void **state)
{
    (void)state;
    static const unsigned many[] = {63, 64, 65, 1000, 1000000, 4294967295u};
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        for (size_t k = 0; k < sizeof(many) / sizeof(many[0]); k++) {
            struct ht_reconnect reconnect = {many[k], many[k], many[k], many[k]};
            const struct ht_reconnect_input input = {.end = rows[i].end};
            expect(&reconnect, &input,
                   rows[i].ladder == network ? 16000 : rows[i].ladder[FAILURES_MAX - 1],
                   rows[i].needs_person);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_extremes_are_extremes),
        cmocka_unit_test(test_every_failure_climbs_its_ladder),
        cmocka_unit_test(test_a_stream_that_ran_begins_anew),
        cmocka_unit_test(test_streams_that_end_early_again_and_again_are_not_at_once),
        cmocka_unit_test(test_failed_attempts_between_do_not_hide_early_ends),
        cmocka_unit_test(test_ladders_are_counted_apart),
        cmocka_unit_test(test_never_before_the_moment_that_the_service_names),
        cmocka_unit_test(test_ladders_end_and_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
