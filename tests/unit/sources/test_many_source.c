// SPDX-License-Identifier: MIT
#include "hashtagd/sources/many_source.h"

#include "fake_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A part that the test drives by hand. */
struct hand {
    struct ht_source source; /* first */
    struct ht_source_sink *sink;
    char started_with[HT_SOURCE_CURSOR_BYTES];
    size_t started_length;
    unsigned resumed, destroyed;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void hand_start(struct ht_source *source, struct ht_source_sink *sink,
                       struct ht_slice cursor)
{
    struct hand *hand = (struct hand *)source;
    hand->sink = sink;
    memcpy(hand->started_with, cursor.data, cursor.length);
    hand->started_length = cursor.length;
}

static void hand_resume(struct ht_source *source)
{
    ((struct hand *)source)->resumed++;
}

static void hand_stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    ((struct hand *)source)->on_stopped = on_stopped;
    ((struct hand *)source)->on_stopped_user = user;
}

static void hand_destroy(struct ht_source *source)
{
    ((struct hand *)source)->destroyed++;
}

static const struct ht_source_ops hand_ops = {.type = "hand",
                                              .start = hand_start,
                                              .resume = hand_resume,
                                              .stop = hand_stop,
                                              .destroy = hand_destroy};

struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct fake_sink sink;
    struct hand hands[2];
    struct ht_source *many;
    struct ht_log log;
    unsigned stopped;
};

static void world_init(struct world *world)
{
    *world = (struct world){0};
    ht_manual_clock_init(&world->clock, 0, 1000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    fake_sink_init(&world->sink);
    world->log = (struct ht_log){.clock = &world->clock.clock,
                                 .fd = memfd_create("log", MFD_CLOEXEC),
                                 .level = HT_LOG_INFO,
                                 .format = HT_LOG_FORMAT_LOGFMT};
    ht_source_init(&world->hands[0].source, &hand_ops, "one", &world->clock.clock);
    ht_source_init(&world->hands[1].source, &hand_ops, "two", &world->clock.clock);
    struct ht_source *sources[] = {&world->hands[0].source, &world->hands[1].source};
    world->many =
        ht_many_source_create(sources, 2, &world->clock.clock, &world->timers, &world->log);
    assert_non_null(world->many);
}

static void world_finish(struct world *world)
{
    world->many->ops->destroy(world->many);
    assert_int_equal(world->hands[0].destroyed + world->hands[1].destroyed, 2);
    fake_sink_finish(&world->sink);
    (void)close(world->log.fd);
    ht_timer_queue_finish(&world->timers);
}

static void start(struct world *world, const char *cursor)
{
    world->many->ops->start(world->many, &world->sink.sink, ht_slice_text(cursor));
}

static bool deliver(struct hand *hand, const char *message, const char *cursor)
{
    struct ht_slice slice = ht_slice_text(message);
    return hand->sink->ops->deliver(hand->sink, &hand->source, &slice, 1, ht_slice_text(cursor));
}

static void assert_started_with(const struct hand *hand, const char *cursor)
{
    assert_int_equal(hand->started_length, strlen(cursor));
    assert_memory_equal(hand->started_with, cursor, hand->started_length);
}

static void test_all_parts_deliver_through_one_sink(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    assert_int_equal(world.many->part_count, 2);
    start(&world, "");
    assert_true(deliver(&world.hands[0], "a", ""));
    assert_true(deliver(&world.hands[1], "b", ""));
    struct hand *first = &world.hands[0];
    first->sink->ops->refuse(first->sink, &first->source, HT_SLICE("xyz"), "cut_off");
    assert_string_equal(ht_buffer_slice(&world.sink.bytes).data, "a\nb\n");
    assert_int_equal(world.sink.refused, 1);
    assert_int_equal(world.many->messages.total, 2);
    assert_int_equal(world.many->health.last_success_s, 1);
    world_finish(&world);
}

static void test_cursors_come_back_to_who_gave_them(void **state)
{
    (void)state;
    struct world world;
    char cursor[HT_SOURCE_CURSOR_BYTES + 1] = "";
    world_init(&world);
    start(&world, "");
    deliver(&world.hands[1], "b", "two:7 and more");
    assert_true(world.sink.cursor_length > 0);
    deliver(&world.hands[0], "a", "one:1");
    deliver(&world.hands[0], "a", "one:2");
    deliver(&world.hands[1], "b", ""); /* none: the one before holds */
    memcpy(cursor, world.sink.cursor, world.sink.cursor_length);
    world_finish(&world);

    world_init(&world);
    start(&world, cursor);
    assert_started_with(&world.hands[0], "one:2");
    assert_started_with(&world.hands[1], "two:7 and more");
    world_finish(&world);
}

static void test_strange_cursors_harm_nobody(void **state)
{
    static const char *const texts[] = {
        "many",       "many\n",        "many\n\n\n",          "many\none",
        "many\none ", "many\nthree 3", "many\non one\ntw 2\n"};
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(texts); i++) {
        struct world world;
        world_init(&world);
        start(&world, texts[i]);
        assert_int_equal(world.hands[0].started_length + world.hands[1].started_length, 0);
        world_finish(&world);
    }
}

static void test_a_cursor_of_one_source_alone_goes_to_all(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    start(&world, "synthetic:1:2");
    assert_started_with(&world.hands[0], "synthetic:1:2");
    assert_started_with(&world.hands[1], "synthetic:1:2");
    world_finish(&world);
}

static void test_the_largest_cursors_fit(void **state)
{
    (void)state;
    struct hand hands[HT_SOURCE_COUNT_MAX] = {0};
    struct ht_source *sources[HT_SOURCE_COUNT_MAX];
    struct world world;
    char name[HT_SOURCE_NAME_BYTES], cursor[HT_SOURCE_OWN_CURSOR_BYTES + 1];
    world_init(&world);
    memset(name, 'n', sizeof(name));
    memset(cursor, 'c', sizeof(cursor));
    name[sizeof(name) - 1] = '\0';
    cursor[sizeof(cursor) - 1] = '\0';
    for (size_t i = 0; i < HT_SOURCE_COUNT_MAX; i++) {
        name[0] = (char)('a' + i);
        ht_source_init(&hands[i].source, &hand_ops, name, &world.clock.clock);
        sources[i] = &hands[i].source;
    }
    struct ht_source *many = ht_many_source_create(sources, HT_SOURCE_COUNT_MAX, &world.clock.clock,
                                                   &world.timers, NULL);
    many->ops->start(many, &world.sink.sink, HT_SLICE(""));
    for (size_t i = 0; i < HT_SOURCE_COUNT_MAX; i++) {
        deliver(&hands[i], "m", cursor);
    }
    assert_true(world.sink.cursor_length > (size_t)HT_SOURCE_COUNT_MAX * 256);
    many->ops->destroy(many);
    world_finish(&world);
}

static void test_the_log_tells_the_trouble_of_each_part_and_its_end(void **state)
{
    static const char *const expected[] = {
        "level=error part=source msg=\"state changed\" source=one state=failed text=\"no token\"",
        "level=warning part=source msg=\"state changed\" source=two state=waiting text=busy",
        "level=info part=source msg=\"state changed\" source=two state=working",
    };
    (void)state;
    struct world world;
    char text[4096] = "";
    world_init(&world);
    ht_health_set(&world.hands[0].source.health, HT_HEALTH_FAILED, "no token");
    ht_health_set(&world.hands[1].source.health, HT_HEALTH_WAITING, "busy");
    ht_health_set(&world.hands[1].source.health, HT_HEALTH_WAITING,
                  "busy; next try at 22:13:20 UTC");
    ht_health_set(&world.hands[1].source.health, HT_HEALTH_WORKING, "%s", "");
    assert_true(pread(world.log.fd, text, sizeof(text) - 1, 0) > 0);
    for (size_t i = 0; i < HT_COUNT_OF(expected); i++) {
        assert_non_null(strstr(text, expected[i]));
    }
    assert_null(strstr(text, "next try"));
    world_finish(&world);
}

static void test_the_errors_of_all_parts_are_counted(void **state)
{
    (void)state;
    struct world world;
    struct ht_error error;
    world_init(&world);
    ht_error_set(&error, HT_ECONNECTION, "gone");
    ht_health_fail(&world.hands[0].source.health, HT_HEALTH_WAITING, &error);
    ht_error_set(&error, HT_EPERMISSION, "no token");
    ht_health_fail(&world.hands[1].source.health, HT_HEALTH_FAILED, &error);
    assert_int_equal(world.many->health.errors, 2);
    assert_string_equal(world.many->health.last_error, "two: no token");
    world_finish(&world);
}

static void test_only_those_that_wait_are_resumed(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    start(&world, "");
    world.sink.full_at = 1;
    assert_false(deliver(&world.hands[1], "b", ""));
    world.many->ops->resume(world.many);
    assert_int_equal(world.hands[0].resumed, 0);
    assert_int_equal(world.hands[1].resumed, 1);
    world.many->ops->resume(world.many);
    assert_int_equal(world.hands[1].resumed, 1);
    world_finish(&world);
}

/* What was under way may still come while a part holds back, and find room by then. */
static void test_a_part_that_was_told_to_wait_is_resumed_whatever_it_delivers(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    start(&world, "");
    world.sink.full_at = 1;
    assert_false(deliver(&world.hands[0], "a", ""));
    world.sink.full_at = 0;
    assert_true(deliver(&world.hands[0], "b", ""));
    world.many->ops->resume(world.many);
    assert_int_equal(world.hands[0].resumed, 1);
    world_finish(&world);
}

static void on_stopped(void *user)
{
    ++*(unsigned *)user;
}

static void test_it_is_stopped_with_its_last_part(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    start(&world, "");
    world.many->ops->stop(world.many, on_stopped, &world.stopped);
    world.hands[1].on_stopped(world.hands[1].on_stopped_user);
    assert_int_equal(world.stopped, 0);
    world.hands[0].on_stopped(world.hands[0].on_stopped_user);
    assert_int_equal(world.stopped, 1);
    world_finish(&world);
}

static void test_the_state_is_that_of_the_worst_part(void **state)
{
    static const struct {
        enum ht_health_state one, two, expected;
        const char *text;
    } cases[] = {
        {HT_HEALTH_WORKING, HT_HEALTH_WORKING, HT_HEALTH_WORKING, "one: because"},
        {HT_HEALTH_IDLE, HT_HEALTH_WORKING, HT_HEALTH_WORKING, "two: because"},
        {HT_HEALTH_WORKING, HT_HEALTH_WAITING, HT_HEALTH_WAITING, "two: because"},
        {HT_HEALTH_FAILED, HT_HEALTH_WAITING, HT_HEALTH_FAILED, "one: because; also two waiting"},
        {HT_HEALTH_WAITING, HT_HEALTH_FAILED, HT_HEALTH_FAILED, "two: because; also one waiting"},
        {HT_HEALTH_FAILED, HT_HEALTH_FAILED, HT_HEALTH_FAILED, "one: because; also two failed"},
        {HT_HEALTH_PAUSED, HT_HEALTH_WORKING, HT_HEALTH_PAUSED, "one: because"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct world world;
        world_init(&world);
        start(&world, "");
        ht_health_set(&world.hands[0].source.health, cases[i].one, "because");
        ht_health_set(&world.hands[1].source.health, cases[i].two, "because");
        assert_int_equal(world.many->health.state, cases[i].expected);
        assert_string_equal(world.many->health.text, cases[i].text);
        world_finish(&world);
    }
}

/* Whatever the names and words, the text is whole and says how many it leaves out. */
static void test_every_part_in_trouble_is_named(void **state)
{
    (void)state;
    for (size_t name_bytes = 1; name_bytes < HT_SOURCE_NAME_BYTES; name_bytes++) {
        struct hand hands[HT_SOURCE_COUNT_MAX] = {0};
        struct ht_source *sources[HT_SOURCE_COUNT_MAX];
        struct world world;
        char name[HT_SOURCE_NAME_BYTES] = "", words[HT_ERROR_TEXT_BYTES];
        world_init(&world);
        memset(name, 'n', name_bytes);
        memset(words, 'w', sizeof(words));
        words[sizeof(words) - 1] = '\0';
        for (size_t i = 0; i < HT_SOURCE_COUNT_MAX; i++) {
            name[0] = (char)('a' + i);
            ht_source_init(&hands[i].source, &hand_ops, name, &world.clock.clock);
            sources[i] = &hands[i].source;
        }
        struct ht_source *many = ht_many_source_create(sources, HT_SOURCE_COUNT_MAX,
                                                       &world.clock.clock, &world.timers, NULL);
        for (size_t i = 1; i < HT_SOURCE_COUNT_MAX; i++) {
            ht_health_set(&sources[i]->health, HT_HEALTH_WAITING, "%s", words);
        }
        const char *text = many->health.text;
        const char *others = strstr(text, "; also c");
        assert_int_equal(text[0], 'b');
        assert_non_null(others);
        bool are_all_named = others[strlen(others) - 1] == 'g' && strstr(others, ", h") != NULL;
        assert_true(are_all_named || strstr(others, " more") != NULL);
        assert_true(are_all_named || name_bytes > 20);
        many->ops->destroy(many);
        world_finish(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parts_deliver_through_one_sink),
        cmocka_unit_test(test_cursors_come_back_to_who_gave_them),
        cmocka_unit_test(test_strange_cursors_harm_nobody),
        cmocka_unit_test(test_a_cursor_of_one_source_alone_goes_to_all),
        cmocka_unit_test(test_the_largest_cursors_fit),
        cmocka_unit_test(test_the_log_tells_the_trouble_of_each_part_and_its_end),
        cmocka_unit_test(test_the_errors_of_all_parts_are_counted),
        cmocka_unit_test(test_only_those_that_wait_are_resumed),
        cmocka_unit_test(test_a_part_that_was_told_to_wait_is_resumed_whatever_it_delivers),
        cmocka_unit_test(test_every_part_in_trouble_is_named),
        cmocka_unit_test(test_it_is_stopped_with_its_last_part),
        cmocka_unit_test(test_the_state_is_that_of_the_worst_part),
    };
    return cmocka_run_group_tests_name("sources/many_source", tests, NULL, NULL);
}
