// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned changes;

static void on_change(void *user, struct ht_health *health)
{
    (void)user;
    (void)health;
    changes++;
}

static void a_failure_is_remembered_after_it_is_mended(void **state)
{
    (void)state;
    struct ht_manual_clock manual;
    ht_manual_clock_init(&manual, 0, 1000000);
    struct ht_health health;
    ht_health_init(&health, &manual.clock, HT_HEALTH_STARTING);
    health.on_change = on_change;
    changes = 0;
    ht_health_succeed(&health);
    assert_int_equal(health.state, HT_HEALTH_WORKING);
    ht_manual_clock_advance_ms(&manual, 5000);
    struct ht_error error;
    (void)ht_error_set(&error, HT_EIO, "the disk is gone");
    ht_health_fail(&health, HT_HEALTH_WAITING, &error);
    ht_health_fail(&health, HT_HEALTH_WAITING, &error);
    assert_int_equal(health.since_s, 1005);
    assert_string_equal(health.text, "the disk is gone");
    assert_int_equal(changes, 2);
    assert_true(health.is_new_state);
    (void)ht_error_set(&error, HT_EIO, "the disk is gone");
    ht_health_set(&health, HT_HEALTH_WAITING, "in other words");
    assert_int_equal(changes, 3);
    assert_false(health.is_new_state);
    ht_health_succeed(&health);
    assert_int_equal(health.state, HT_HEALTH_WORKING);
    assert_string_equal(health.text, "");
    assert_string_equal(health.last_error, "the disk is gone");
    assert_int_equal(health.errors, 2);
    assert_int_equal(changes, 4);
}

static void success_does_not_hide_what_a_person_must_mend(void **state)
{
    (void)state;
    struct ht_manual_clock manual;
    ht_manual_clock_init(&manual, 0, 0);
    struct ht_health health;
    ht_health_init(&health, &manual.clock, HT_HEALTH_WORKING);
    ht_health_set(&health, HT_HEALTH_FAILED, "broken");
    ht_health_succeed(&health);
    assert_int_equal(health.state, HT_HEALTH_FAILED);
    ht_health_set(&health, HT_HEALTH_PAUSED, "%s", "full");
    ht_health_succeed(&health);
    assert_int_equal(health.state, HT_HEALTH_PAUSED);
}

static void an_error_without_text_is_told_by_its_meaning(void **state)
{
    (void)state;
    struct ht_manual_clock manual;
    ht_manual_clock_init(&manual, 0, 0);
    struct ht_health health;
    ht_health_init(&health, &manual.clock, HT_HEALTH_WORKING);
    struct ht_error error = {.code = HT_ENOSPC};
    ht_health_note_error(&health, &error);
    assert_string_equal(health.last_error, "no space left");
    assert_int_equal(health.state, HT_HEALTH_WORKING);
}

static void states_have_names_and_say_whether_they_are_ready(void **state)
{
    (void)state;
    assert_string_equal(ht_health_state_name(HT_HEALTH_OFF), "off");
    assert_string_equal(ht_health_state_name(HT_HEALTH_STOPPED), "stopped");
    assert_true(ht_health_state_is_ready(HT_HEALTH_IDLE));
    assert_true(ht_health_state_is_ready(HT_HEALTH_PAUSED));
    assert_false(ht_health_state_is_ready(HT_HEALTH_STARTING));
    assert_false(ht_health_state_is_ready(HT_HEALTH_WAITING));
    assert_false(ht_health_state_is_ready(HT_HEALTH_FAILED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_remembered_after_it_is_mended),
        cmocka_unit_test(success_does_not_hide_what_a_person_must_mend),
        cmocka_unit_test(an_error_without_text_is_told_by_its_meaning),
        cmocka_unit_test(states_have_names_and_say_whether_they_are_ready),
    };
    return cmocka_run_group_tests_name("pipeline/health", tests, NULL, NULL);
}
