// SPDX-License-Identifier: MIT
#include "change_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void a_trimmed_position_is_a_counted_gap(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    world_close(world);
    world_remove(world, shard, "b");
    world_remove(world, shard, "c");
    world_remove(world, shard, "d");
    shard->trimmed = 3;
    world->got[0] = '\0';
    world_open(world);
    assert_int_equal(world_read(world, 10, 5000), 1);
    assert_string_equal(world->got, "d ");
    assert_int_equal(world->changes->counters.gaps, 1);
    assert_int_equal(world_commit(world, 0), 0);
    assert_string_equal(world_row(world, "shardId-1"), "103");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_refused_position_is_a_gap_and_no_trouble(void **state)
{
    static const struct {
        const char *operation, *code;
        int status;
    } cases[] = {{"GetShardIterator", "ValidationException", HT_EINVAL},
                 {"GetShardIterator", "TrimmedDataAccessException", HT_ENOTFOUND},
                 {"GetRecords", "TrimmedDataAccessException", HT_ENOTFOUND}};
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_close(world);
        world_fail(world, cases[i].operation, cases[i].code, cases[i].status, 1);
        world->got[0] = '\0';
        world_open(world);
        assert_int_equal(world_read(world, 10, 0), 1);
        assert_string_equal(world->got, "a ");
        assert_int_equal(world->changes->counters.gaps, 1);
        assert_int_equal(world->changes->health.errors, 0);
    }
}

static void a_place_that_is_always_refused_asks_for_a_person(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    world_close(world);
    world_fail(world, "GetShardIterator", "ValidationException", HT_EINVAL, 1000000);
    world_open(world);
    (void)world_read(world, 10, 59000);
    assert_in_range(1000000 - world->fault_count, 2, 20);
    assert_int_equal(world->changes->health.state, HT_HEALTH_FAILED);
    assert_int_equal(world->changes->counters.gaps, 1);
    world->fault_count = 0;
    (void)world_read(world, 10, 20000);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_shard_that_is_trimmed_while_it_is_read_goes_on(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_open(world);
    assert_int_equal(world_read(world, 10, 1000), 1);
    world_remove(world, shard, "b");
    world_remove(world, shard, "c");
    shard->trimmed = 2;
    for (unsigned i = 0; i < 20 && strlen(world->got) < 4; i++) {
        (void)world_read(world, 10, 5000);
    }
    assert_string_equal(world->got, "a c ");
    assert_int_equal(world->changes->counters.gaps, 1);
}

static void an_expired_iterator_is_fetched_anew_behind_the_last_record(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_open(world);
    assert_int_equal(world_read(world, 10, 1000), 1);
    world_run(world, 20 * 60 * 1000); /* the archive had its hands full */
    world_remove(world, shard, "b");
    assert_int_equal(world_read(world, 10, 1000), 1);
    assert_string_equal(world->got, "a b ");
    assert_int_equal(world->changes->counters.gaps, 0);
    assert_int_equal(world->changes->health.errors, 0);
}

static void iterators_that_expire_at_once_do_not_loop(void **state)
{
    struct world *world = *state;
    (void)world_shard(world, "shardId-1", "");
    world_open(world);
    world_fail(world, "GetRecords", "ExpiredIteratorException", HT_ETIMEDOUT, 1000000);
    (void)world_read(world, 10, 59000);
    assert_in_range(1000000 - world->fault_count, 2, 20);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WAITING); /* for no person */
    world->fault_count = 0;
    (void)world_read(world, 10, 20000);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_lost_shard_is_a_gap_and_its_children_are_read(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    struct model_shard *child = world_shard(world, "shardId-2", "shardId-1");
    world_remove(world, child, "c");
    world_open(world);
    (void)world_read(world, 10, 1000);
    parent->is_gone = true;
    assert_int_equal(world_read(world, 10, 5000), 1);
    assert_int_equal(world->changes->counters.gaps, 1);
}

static void a_missing_permission_is_told_with_its_cure_and_mends(void **state)
{
    struct world *world = *state;
    world_remove(world, world_shard(world, "shardId-1", ""), "a");
    world_fail(world, "GetRecords", "AccessDeniedException", HT_EPERMISSION, 1000000);
    world_open(world);
    (void)world_read(world, 10, 10000);
    assert_int_equal(world->changes->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->changes->health.text, "REQ"));
    assert_non_null(strstr(world->changes->health.text, "table hashtags"));
    assert_non_null(strstr(world->changes->health.text, "Allow dynamodb:GetRecords"));
    world->fault_count = 0;
    (void)world_read(world, 10, 20000);
    assert_string_equal(world->got, "a ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void throttled_shards_are_asked_less(void **state)
{
    struct world *world = *state;
    (void)world_shard(world, "shardId-1", "");
    world_open(world);
    world_fail(world, "GetRecords", "LimitExceededException", HT_EBUSY, 1000000);
    world->fault = HT_AWS_FAULT_THROTTLED;
    (void)world_read(world, 10, 50000);
    assert_in_range(1000000 - world->fault_count, 3, 12);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WAITING);
}

static void a_hurried_read_says_that_it_cannot_tell(void **state)
{
    struct world *world = *state;
    struct world_reading waiting;
    (void)world_shard(world, "shardId-1", "");
    world_fail(world, "GetRecords", "InternalServerError", HT_EIO, 1000000);
    world_open(world);
    world_start_read(world, &waiting, 10, 0);
    world_run(world, 3000);
    assert_true(waiting.is_done);
    assert_int_equal(waiting.read.status, HT_EIO);
    world->fault_count = 0;
    world_run(world, 20000);
    assert_int_equal(world_read(world, 10, 0), 0);
}

static void poison_records_are_counted_and_passed_over(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_record(world, shard,
                 "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"SequenceNumber\":\"101\","
                 "\"Keys\":{\"hashtag\":{\"S\":\"\\ud800\"}}}}");
    world_record(world, shard, "{\"eventName\":\"REMOVE\",\"dynamodb\":{}}");
    world_record(world, shard, "17");
    world_record(world, shard,
                 "{\"eventName\":\"SOMETHING\",\"dynamodb\":{\"SequenceNumber\":"
                 "\"104\",\"Keys\":{\"hashtag\":{\"S\":\"x\"}}}}");
    world_remove(world, shard, "b");
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "a b ");
    assert_int_equal(world->changes->counters.records_unreadable, 4);
    assert_int_equal(world_commit(world, 0), 0);
    assert_string_equal(world_row(world, "shardId-1"), "105");
}

static void a_deletion_whose_old_image_cannot_be_read_is_told_with_its_keys(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_record(world, shard,
                 "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"SequenceNumber\":\"100\","
                 "\"Keys\":{\"hashtag\":{\"S\":\"a\"}},\"OldImage\":{\"htCount\":{]}}}");
    world_remove(world, shard, "b");
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "a b ");
    assert_int_equal(world->changes->counters.removals_read, 2);
    assert_int_equal(world->changes->counters.records_unreadable, 1);
}

static void answers_that_make_no_sense_are_asked_again(void **state)
{
    struct world *world = *state;
    static const char *const operations[] = {"DescribeTable", "DescribeStream", "GetShardIterator",
                                             "GetRecords"};
    static const char *const answers[] = {"",   "{",  "<html></html>",
                                          "[]", "{}", "{\"Records\":[{]}"};
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    for (size_t i = 0; i < 24; i++) {
        world_remove(world, shard, "x");
        world->fault_operation = operations[i % 4];
        world->fault_answer = answers[i / 4];
        world->fault_count = 1;
        world->got[0] = '\0';
        world_open(world);
        for (int j = 0; j < 4; j++) {
            (void)world_read(world, 10, 10000);
        }
        assert_string_equal(world->got, "x ");
        assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
        assert_int_equal(world_commit(world, 0), 0);
        world_close(world);
    }
}

static struct model_shard *add_changes(struct world *world)
{
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_count(world, shard, "a", 1);
    world_remove(world, shard, "b");
    world_count(world, shard, "c", 7);
    world_remove(world, shard, "d");
    world->refuses_touches = true;
    world->touches_taken = 1;
    return shard;
}

static void a_change_that_is_refused_is_held_with_all_behind_it(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = add_changes(world);
    shard->is_closed = true; /* it is not read to its end before it is taken */
    world_open(world);
    assert_int_equal(world_read(world, 10, 10000), 0);
    assert_in_range(shard->polls, 6, 12);
    assert_string_equal(world->touched, "a=1 ");
    assert_int_equal(world->changes->counters.records_read, 1);
    assert_int_equal(world->changes->counters.removals_read, 0);
    assert_int_equal(world->changes->counters.read_errors, 0);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
    assert_int_equal(world->changes->health.errors, 0);
    world->touches_taken = 2;
    assert_int_equal(world_read(world, 10, 10000), 1);
    assert_string_equal(world->touched, "a=1 b- c=7 ");
    world->refuses_touches = false;
    assert_int_equal(world_read(world, 10, 10000), 1);
    assert_string_equal(world->touched, "a=1 b- c=7 d- ");
    assert_string_equal(world->got, "b d ");
    assert_int_equal(world->changes->counters.records_read, 4);
    assert_int_equal(world_commit(world, 0), 0);
    world_run(world, 5000);
    assert_int_equal(world->changes->counters.gaps, 0);
}

static void a_hurried_read_waits_for_what_is_held(void **state)
{
    struct world *world = *state;
    struct world_reading waiting;
    (void)add_changes(world);
    world_open(world);
    world_start_read(world, &waiting, 10, 0);
    world_run(world, 20000);
    assert_false(waiting.is_done);
    world->refuses_touches = false;
    world_run(world, 1000);
    assert_true(waiting.is_done);
    assert_int_equal(waiting.read.status, 0);
    assert_int_equal(waiting.read.batch->count, 2);
    ht_removal_batch_release(waiting.read.batch);
    assert_int_equal(world_read(world, 10, 0), 0);
}

static void a_hurried_read_gives_up_where_nothing_moves(void **state)
{
    struct world *world = *state;
    struct world_reading waiting;
    (void)add_changes(world);
    world_open(world);
    assert_int_equal(world_read(world, 10, 60000), 0); /* held before it came */
    world_start_read(world, &waiting, 10, 0);
    world_run(world, 29000);
    assert_false(waiting.is_done);
    world_run(world, 3000);
    assert_true(waiting.is_done);
    assert_int_equal(waiting.read.status, HT_EBUSY);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
    assert_int_equal(world->changes->counters.read_errors, 0);
    world->refuses_touches = false;
    assert_int_equal(world_read(world, 10, 0), 2);
    assert_int_equal(world_read(world, 10, 0), 0);
}

static void after_six_hours_deletions_go_before_what_is_shown(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = add_changes(world);
    int64_t created_ms = 1700000001000;
    world_open(world);
    world->clock.now_wall_ms = created_ms + 6 * 3600 * 1000 - 10000;
    assert_int_equal(world_read(world, 10, 9000), 0);
    assert_int_equal(world->changes->counters.touches_dropped, 0);
    world->clock.now_wall_ms = created_ms + 6 * 3600 * 1000;
    assert_int_equal(world_read(world, 10, 5000), 2);
    assert_string_equal(world->got, "b d ");
    assert_string_equal(world->touched, "a=1 ");
    assert_int_equal(world->changes->counters.touches_dropped, 3);
    assert_int_equal(world->changes->counters.read_errors, 0);
    /* one that is taken is told, however old it is */
    world->refuses_touches = false;
    world_remove(world, shard, "e");
    assert_int_equal(world_read(world, 10, 5000), 1);
    assert_string_equal(world->touched, "a=1 e- ");
    assert_int_equal(world->changes->counters.touches_dropped, 3);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_trimmed_position_is_a_counted_gap),
        CASE(a_refused_position_is_a_gap_and_no_trouble),
        CASE(a_place_that_is_always_refused_asks_for_a_person),
        CASE(a_shard_that_is_trimmed_while_it_is_read_goes_on),
        CASE(an_expired_iterator_is_fetched_anew_behind_the_last_record),
        CASE(iterators_that_expire_at_once_do_not_loop),
        CASE(a_lost_shard_is_a_gap_and_its_children_are_read),
        CASE(a_missing_permission_is_told_with_its_cure_and_mends),
        CASE(throttled_shards_are_asked_less),
        CASE(a_hurried_read_says_that_it_cannot_tell),
        CASE(poison_records_are_counted_and_passed_over),
        CASE(a_deletion_whose_old_image_cannot_be_read_is_told_with_its_keys),
        CASE(answers_that_make_no_sense_are_asked_again),
        CASE(a_change_that_is_refused_is_held_with_all_behind_it),
        CASE(a_hurried_read_waits_for_what_is_held),
        CASE(a_hurried_read_gives_up_where_nothing_moves),
        CASE(after_six_hours_deletions_go_before_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
