// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/source.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_every_state_and_reason_has_a_label_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HT_SOURCE_LINK_COUNT; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(ht_source_link_name(i), ht_source_link_name(k));
        }
    }
    for (unsigned i = 0; i < HT_SOURCE_END_COUNT; i++) {
        assert_int_equal(strspn(ht_source_end_name(i), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(ht_source_end_name(i)));
        assert_true(strlen(ht_source_end_text(i)) > 5);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(ht_source_end_name(i), ht_source_end_name(k));
        }
    }
}

static void test_what_is_not_known_is_not_zero(void **state)
{
    struct ht_manual_clock clock;
    struct ht_source source;
    char name[200];
    (void)state;
    ht_manual_clock_init(&clock, 0, 0);
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ht_source_init(&source, NULL, name, &clock.clock);
    assert_int_equal(strlen(source.name), HT_SOURCE_NAME_BYTES - 1);
    assert_int_equal(source.connection.behind_ms, -1);
    assert_int_equal(source.connection.undelivered, -1);
    assert_int_equal(source.connection.rate_limit, -1);
    assert_int_equal(source.connection.rate_remaining, -1);
    assert_int_equal(source.health.state, HT_HEALTH_STARTING);
}

static void test_reconnects_are_summed_over_the_parts(void **state)
{
    struct ht_manual_clock clock;
    struct ht_source one, two, many;
    struct ht_source *const parts[] = {&one, &two};
    (void)state;
    ht_manual_clock_init(&clock, 0, 0);
    ht_source_init(&one, NULL, "one", &clock.clock);
    ht_source_init(&two, NULL, "two", &clock.clock);
    ht_source_init(&many, NULL, "many", &clock.clock);
    one.connection.ends[HT_SOURCE_END_ENDED] = 2;
    two.connection.ends[HT_SOURCE_END_STALLED] = 3;
    two.connection.ends[HT_SOURCE_END_PROTOCOL] = 4;
    many.parts = parts;
    many.part_count = HT_COUNT_OF(parts);
    assert_int_equal(ht_source_reconnects(&many), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_and_reason_has_a_label_of_its_own),
        cmocka_unit_test(test_what_is_not_known_is_not_zero),
        cmocka_unit_test(test_reconnects_are_summed_over_the_parts),
    };
    return cmocka_run_group_tests_name("pipeline/source", tests, NULL, NULL);
}
