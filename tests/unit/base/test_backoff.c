// SPDX-License-Identifier: MIT
#include "hashtagd/base/backoff.h"
#include "hashtagd/base/assert.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ht_backoff backoff = {.base_ms = 100, .max_ms = 1000};

static void waits_grow_and_stop_growing(void **state)
{
    (void)state;
    static const struct {
        unsigned attempt;
        uint64_t least_ms, most_ms;
    } cases[] = {{1, 50, 100},   {2, 100, 200},  {3, 200, 400},           {4, 400, 800},
                 {5, 500, 1000}, {6, 500, 1000}, {4000000000u, 500, 1000}};
    struct ht_random random;
    ht_random_init(&random, 7);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        for (int try = 0; try < 200; try++) {
            uint64_t wait_ms = ht_backoff_ms(&backoff, cases[i].attempt, &random);
            assert_in_range(wait_ms, cases[i].least_ms, cases[i].most_ms);
        }
    }
}

static void waits_differ_from_each_other(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 1);
    uint64_t first = ht_backoff_ms(&backoff, 5, &random);
    bool differs = false;
    for (int i = 0; i < 20; i++) {
        differs = differs || ht_backoff_ms(&backoff, 5, &random) != first;
    }
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_and_stop_growing),
        cmocka_unit_test(waits_differ_from_each_other),
    };
    return cmocka_run_group_tests_name("base/backoff", tests, NULL, NULL);
}
