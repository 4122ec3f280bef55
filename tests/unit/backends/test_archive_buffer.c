// SPDX-License-Identifier: MIT
#include "../../../src/backends/archive_buffer.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct world {
    struct ht_archive_buffer buffer; /* first */
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_archive_counters counters;
    struct ht_archive_append appends[3];
    unsigned due_count, answered;
};

static void on_due(struct ht_archive_buffer *buffer)
{
    HT_CONTAINER_OF(buffer, struct world, buffer)->due_count++;
}

static void on_append(struct ht_archive_append *append)
{
    struct world *world = append->user;
    world->answered++;
    assert_int_equal(world->counters.lines_waiting, 0); /* before the first answer */
}

static int setup(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    ht_manual_clock_init(&world.clock, 1, 1);
    ht_timer_queue_init(&world.timers, &world.clock.clock);
    ht_archive_buffer_init(&world.buffer, &world.timers, &world.counters, on_due);
    world.buffer.wait_ms = 1000;
    world.buffer.full_bytes = 6;
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    ht_archive_buffer_stop(&world->buffer);
    ht_timer_queue_finish(&world->timers);
    return 0;
}

static void add(struct world *world, size_t index, const char *lines)
{
    world->appends[index] = (struct ht_archive_append){
        .lines = ht_slice_text(lines), .count = 1, .done = on_append, .user = world};
    ht_archive_buffer_add(&world->buffer, &world->appends[index]);
}

static unsigned due_after_ms(struct world *world, uint64_t ms)
{
    ht_manual_clock_advance_ms(&world->clock, ms);
    while (ht_timer_queue_next_ns(&world->timers) == 0) {
        (void)ht_timer_queue_run(&world->timers);
    }
    return world->due_count;
}

static void test_due_by_time_of_the_first(void **state)
{
    struct world *world = *state;
    add(world, 0, "1\n");
    assert_int_equal(due_after_ms(world, 600), 0);
    add(world, 1, "2\n");
    assert_int_equal(due_after_ms(world, 399), 0);
    assert_int_equal(due_after_ms(world, 1), 1);
    assert_true(world->buffer.is_due);
    assert_int_equal(world->counters.lines_waiting, 2);
    assert_ptr_equal(ht_archive_buffer_take(&world->buffer), &world->appends[0]);
    assert_ptr_equal(world->appends[0].next, &world->appends[1]);
    assert_false(world->buffer.is_due);
    assert_null(ht_archive_buffer_take(&world->buffer));
}

static void test_due_by_bytes_and_in_a_hurry(void **state)
{
    struct world *world = *state;
    ht_archive_buffer_hurry(&world->buffer); /* nothing waits */
    assert_int_equal(due_after_ms(world, 0), 0);
    add(world, 0, "1234\n");
    assert_int_equal(due_after_ms(world, 0), 0);
    add(world, 1, "\n");
    assert_int_equal(world->due_count, 0); /* on a turn of its own */
    assert_int_equal(due_after_ms(world, 0), 1);
    ht_archive_buffer_hurry(&world->buffer);
    assert_int_equal(due_after_ms(world, 0), 2);
}

static void test_takes_a_part_only_at_a_border(void **state)
{
    struct world *world = *state;
    add(world, 0, "1\n");
    add(world, 1, "2\n");
    add(world, 2, "3\n");
    assert_ptr_equal(ht_archive_buffer_take_bytes(&world->buffer, 4), &world->appends[0]);
    assert_null(world->appends[1].next);
    assert_ptr_equal(world->buffer.first, &world->appends[2]);
    assert_int_equal(world->buffer.bytes, 2);
    assert_ptr_equal(ht_archive_buffer_join(&world->buffer, &world->appends[0]),
                     &world->appends[0]);
    assert_ptr_equal(world->appends[1].next, &world->appends[2]);
    assert_null(world->buffer.first);
    add(world, 0, "1\n");
    add(world, 1, "2\n");
    assert_ptr_equal(ht_archive_buffer_take_bytes(&world->buffer, 3), &world->appends[0]);
    assert_null(world->buffer.first); /* no cut there: all */
}

static void test_answers_in_order_with_what_became_of_them(void **state)
{
    struct world *world = *state;
    struct ht_error error;
    add(world, 0, "1\n");
    add(world, 1, "2\n");
    struct ht_archive_append *list = ht_archive_buffer_take(&world->buffer);
    assert_int_equal(ht_archive_appends_lines(list), 2);
    struct ht_archive_outcome well = {.object = "key"};
    ht_archive_appends_answer(&world->counters, list, &well);
    assert_int_equal(world->answered, 2);
    assert_string_equal(world->appends[1].object, "key");
    add(world, 2, "3\n");
    (void)ht_error_set(&error, HT_EIO, "Broken.");
    struct ht_archive_outcome badly = {.status = HT_EIO, .error = &error};
    ht_archive_appends_answer(&world->counters, ht_archive_buffer_take(&world->buffer), &badly);
    assert_int_equal(world->appends[2].status, HT_EIO);
    assert_string_equal(world->appends[2].error.text, "Broken.");
    assert_string_equal(world->appends[2].object, "");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_due_by_time_of_the_first),
        CASE(test_due_by_bytes_and_in_a_hurry),
        CASE(test_takes_a_part_only_at_a_border),
        CASE(test_answers_in_order_with_what_became_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
