// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned called;

static void on_room(struct ht_budget_waiter *waiter)
{
    assert_false(waiter->waiting);
    called++;
}

static void intake_has_its_share_and_no_more(void **state)
{
    (void)state;
    struct ht_budget budget;
    ht_budget_init(&budget, 1000);
    assert_true(ht_budget_reserve_intake(&budget, 400));
    assert_false(ht_budget_reserve_intake(&budget, 101));
    assert_int_equal(budget.used_bytes, 400);
    assert_true(ht_budget_reserve_intake(&budget, 100));
    assert_true(ht_budget_has_room(&budget, 500));
    assert_false(ht_budget_has_room(&budget, 501));
    ht_budget_reserve(&budget, 5000);
    assert_int_equal(budget.peak_bytes, 5500);
    ht_budget_release(&budget, 5500);
    assert_int_equal(budget.used_bytes, 0);
}

static void one_large_reservation_always_fits_into_an_empty_budget(void **state)
{
    (void)state;
    struct ht_budget budget;
    ht_budget_init(&budget, 1000);
    assert_true(ht_budget_reserve_intake(&budget, 5000));
    assert_false(ht_budget_reserve_intake(&budget, 1));
}

static void waiters_are_called_when_half_of_the_share_is_free(void **state)
{
    (void)state;
    struct ht_budget budget;
    ht_budget_init(&budget, 1000);
    struct ht_budget_waiter first = {.on_room = on_room};
    struct ht_budget_waiter second = {.on_room = on_room};
    called = 0;
    ht_budget_reserve(&budget, 500);
    ht_budget_wait(&budget, &first);
    ht_budget_wait(&budget, &first);
    ht_budget_wait(&budget, &second);
    ht_budget_release(&budget, 100);
    assert_int_equal(called, 0);
    ht_budget_cancel_wait(&budget, &second);
    ht_budget_release(&budget, 150);
    assert_int_equal(called, 1);
    ht_budget_cancel_wait(&budget, &first);
    ht_budget_release(&budget, 250);
    assert_int_equal(called, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intake_has_its_share_and_no_more),
        cmocka_unit_test(one_large_reservation_always_fits_into_an_empty_budget),
        cmocka_unit_test(waiters_are_called_when_half_of_the_share_is_free),
    };
    return cmocka_run_group_tests_name("pipeline/budget", tests, NULL, NULL);
}
