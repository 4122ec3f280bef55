// SPDX-License-Identifier: MIT
#include "change_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* -- lineage -------------------------------------------------------------------------------------- */

static void a_parent_is_read_before_its_children(void **state)
{
    struct world *world = *state;
    /* listed in the worst order, and page by page */
    world->page_size = 1;
    struct model_shard *grandchild = world_shard(world, "shardId-1", "shardId-2");
    struct model_shard *child = world_shard(world, "shardId-2", "shardId-3");
    struct model_shard *parent = world_shard(world, "shardId-3", "shardId-0");
    world_remove(world, parent, "a");
    world_remove(world, parent, "b");
    world_remove(world, child, "c");
    world_remove(world, grandchild, "d");
    parent->is_closed = child->is_closed = true;
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "a b c d ");
}

static void a_shard_that_splits_while_it_is_read_is_followed(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    world_remove(world, parent, "a");
    world_open(world);
    assert_int_equal(world_read(world, 10, 1000), 1);
    world_remove(world, parent, "b"); /* behind, and then it splits */
    parent->is_closed = true;
    world_remove(world, world_shard(world, "shardId-2", "shardId-1"), "c");
    world_remove(world, world_shard(world, "shardId-3", "shardId-1"), "d");
    uint64_t before_ns = world->clock.now_ns;
    while (strlen(world->got) < 8) {
        (void)world_read(world, 10, 5000);
    }
    assert_int_equal(strncmp(world->got, "a b ", 4), 0);
    assert_non_null(strstr(world->got, "c "));
    assert_non_null(strstr(world->got, "d "));
    assert_in_range((world->clock.now_ns - before_ns) / 1000000, 0, 3000);
}

static void a_child_that_shows_late_is_found(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    struct model_shard *child = world_shard(world, "shardId-2", "shardId-1");
    child->is_hidden = true;
    world_remove(world, child, "c");
    parent->is_closed = true;
    world_open(world);
    for (int i = 0; i < 4; i++) {
        (void)world_read(world, 10, 400);
    }
    child->is_hidden = false;
    assert_int_equal(world_read(world, 10, 1500), 1);
    assert_string_equal(world->got, "c ");
}

static void a_child_that_shows_very_late_is_found_by_the_listing(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    struct model_shard *child = world_shard(world, "shardId-2", "shardId-1");
    child->is_hidden = true;
    world_remove(world, child, "c");
    parent->is_closed = true;
    world_open(world);
    (void)world_read(world, 10, 30000);
    child->is_hidden = false;
    (void)world_read(world, 10, 60000);
    (void)world_read(world, 10, 5000);
    assert_string_equal(world->got, "c ");
}

static void a_service_that_does_not_know_the_filter_is_fine(void **state)
{
    struct world *world = *state;
    world->knows_filter = false;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    world_open(world);
    (void)world_read(world, 10, 1000);
    parent->is_closed = true;
    world_remove(world, world_shard(world, "shardId-2", "shardId-1"), "c");
    assert_int_equal(world_read(world, 10, 3000), 1);
}

static void a_filter_that_is_refused_leads_to_a_listing(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    world_open(world);
    (void)world_read(world, 10, 1000);
    parent->is_closed = true;
    world_remove(world, world_shard(world, "shardId-2", "shardId-1"), "c");
    world_fail(world, "DescribeStream", "ValidationException", HT_EINVAL, 1);
    assert_int_equal(world_read(world, 10, 3000), 1);
}

static void more_than_a_hundred_shards_are_paged(void **state)
{
    struct world *world = *state;
    char id[32];
    for (int i = 0; i < 350; i++) {
        (void)snprintf(id, sizeof(id), "shardId-%04d", i);
        world_remove(world, world_shard(world, id, ""), "x");
    }
    world_open(world);
    world_drain(world);
    assert_int_equal(strlen(world->got), 700);
    assert_int_equal(world->made[MODEL_DESCRIBE], 4);
}

static void a_page_behind_a_shard_that_is_gone_begins_the_listing_anew(void **state)
{
    struct world *world = *state;
    char id[32];
    world->page_size = 2;
    for (int i = 0; i < 8; i++) {
        (void)snprintf(id, sizeof(id), "shardId-%04d", i);
        world_remove(world, world_shard(world, id, ""), "x");
    }
    world_open(world);
    while (world->made[MODEL_DESCRIBE] < 2) {
        world_run(world, 1);
    }
    world_fail(world, "DescribeStream", "ResourceNotFoundException", HT_ENOTFOUND, 1);
    (void)world_read(world, 10, 10000);
    world_drain(world);
    assert_int_equal(strlen(world->got), 16);
    assert_int_equal(world->changes->counters.gaps, 0);
}

static void a_shard_that_rolls_over_again_and_again_is_followed(void **state)
{
    struct world *world = *state;
    char id[32], parent[32] = "", expected[256] = "";
    world_open(world);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(id, sizeof(id), "shardId-%04d", i);
        struct model_shard *shard = world_shard(world, id, parent);
        char tag[8];
        (void)snprintf(tag, sizeof(tag), "t%d", i);
        world_remove(world, shard, tag);
        (void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s ",
                       tag);
        if (i == 0) {
            world_drain(world);
        }
        (void)world_read(world, 10, 5000);
        shard->is_closed = true;
        (void)snprintf(parent, sizeof(parent), "%s", id);
    }
    world_drain(world);
    assert_string_equal(world->got, expected);
    assert_int_equal(world->changes->counters.gaps, 0);
}

/* -- the stream as a whole ------------------------------------------------------------------------ */

static void a_table_or_stream_that_is_not_there_is_waited_for(void **state)
{
    struct world *world = *state;
    world_remove(world, world_shard(world, "shardId-1", ""), "a");
    world->has_table = false;
    world_open(world);
    (void)world_read(world, 10, 1000);
    assert_int_equal(world->changes->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->changes->health.text, "Table hashtags is not there"));
    assert_non_null(strstr(world->changes->health.text, "hashtagd setup"));
    world->has_table = true;
    world->arn = NULL;
    (void)world_read(world, 10, 11000);
    assert_non_null(strstr(world->changes->health.text, "Table hashtags has no change stream"));
    world->arn = "arn:stream-1";
    (void)world_read(world, 10, 11000);
    (void)world_read(world, 10, 1000);
    assert_string_equal(world->got, "a ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_stream_that_is_off_is_told_and_still_read(void **state)
{
    struct world *world = *state;
    world_remove(world, world_shard(world, "shardId-1", ""), "a");
    world->status = "DISABLED";
    world_open(world);
    (void)world_read(world, 10, 1000);
    assert_string_equal(world->got, "a ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->changes->health.text, "is switched off"));
    world->status = "ENABLED";
    (void)world_read(world, 10, 15000);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_stream_without_old_images_is_told_and_keys_are_archived(void **state)
{
    struct world *world = *state;
    world->view = "KEYS_ONLY";
    world_record(world, world_shard(world, "shardId-1", ""),
                 "{\"eventID\":\"e\",\"eventName\":\"REMOVE\",\"dynamodb\":{\"SequenceNumber\":"
                 "\"100\",\"Keys\":{\"hashtag\":{\"S\":\"a\"}}}}");
    world_open(world);
    (void)world_read(world, 10, 1000);
    assert_string_equal(world->got, "a ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->changes->health.text, "holds no old images"));
    assert_int_equal(world->changes->counters.records_unreadable, 0);
}

static void a_new_stream_is_followed_when_the_old_one_is_read(void **state)
{
    struct world *world = *state;
    struct model_shard *old = world_shard(world, "shardId-1", "");
    world_remove(world, old, "a");
    world_open(world);
    (void)world_read(world, 10, 1000);
    assert_int_equal(world_commit(world, 0), 0);
    world_remove(world, old, "b");
    old->is_closed = true; /* switched off and on: a new stream */
    world->status = "DISABLED";
    (void)world_read(world, 10, 1000);
    assert_string_equal(world->got, "a b ");
    assert_int_equal(world_commit(world, 0), 0);
    (void)world_read(world, 10, 59000);
    old->is_gone = true;
    world->arn = "arn:stream-2";
    world->status = "ENABLED";
    world_remove(world, world_shard(world, "shardId-7", ""), "c");
    for (int i = 0; i < 5; i++) {
        (void)world_read(world, 10, 15000);
    }
    assert_string_equal(world->got, "a b c ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
    assert_int_equal(world->changes->counters.gaps, 0);
}

/* A feed that read a and not b, while the stream is switched off and on. */
static void switch_off_and_on(struct world *world)
{
    struct model_shard *old = world_shard(world, "shardId-1", "");
    world_remove(world, old, "a");
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    world_close(world);
    world_remove(world, old, "b");
    old->is_closed = old->is_old = true;
    world->old_arn = world->arn;
    world->arn = "arn:stream-2";
    world_remove(world, world_shard(world, "shardId-7", ""), "c");
    world_remove(world, world_shard(world, "shardId-8", ""), "d");
    world->got[0] = '\0';
}

static void what_the_stream_before_a_restart_still_holds_comes_first(void **state)
{
    struct world *world = *state;
    switch_off_and_on(world);
    world_open(world);
    (void)world_read(world, 10, 1000);
    assert_string_equal(world->got, "b ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
    world_drain(world); /* knows that there is more to come */
    assert_int_equal(strncmp(world->got, "b ", 2), 0);
    assert_int_equal(strlen(world->got), 6);
    assert_int_equal(world->changes->counters.gaps, 0);
    assert_int_equal(world_commit(world, 0), 0);
    world_close(world);
    world->got[0] = '\0'; /* and never again */
    world_open(world);
    (void)world_read(world, 10, 30000);
    assert_string_equal(world->got, "");
    assert_int_equal(world->made[MODEL_HISTORY], 1);
}

static void close_is_clean_at_any_moment_of_looking_back(void **state)
{
    struct world *world = *state;
    switch_off_and_on(world);
    for (uint64_t ms = 0; ms < 400; ms += ms < 20 ? 1 : 17) {
        struct world_reading waiting;
        world_open(world);
        world_start_read(world, &waiting, 10, 60000);
        world_run(world, ms);
        world_close(world);
        assert_true(waiting.is_done);
        ht_removal_batch_release(waiting.read.batch);
    }
}

static void a_stream_before_that_is_gone_is_a_gap(void **state)
{
    struct world *world = *state;
    switch_off_and_on(world);
    world->old_arn = NULL;
    world_open(world);
    for (int i = 0; i < 3; i++) {
        (void)world_read(world, 10, 5000);
    }
    assert_int_equal(strlen(world->got), 4);
    assert_int_equal(world->changes->counters.gaps, 1);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

/* Whoever has the table made anew does not ask whether the archive is done with it. */
static void a_stream_that_is_lost_while_its_deletions_wait_does_no_harm(void **state)
{
    struct world *world = *state;
    for (int reads = 0; reads < 2; reads++) {
        struct model_shard *known = world_shard(world, reads == 0 ? "shardId-1" : "shardId-4", "");
        world_remove(world, known, "a");
        if (reads == 0) {
            world_open(world);
        }
        while (world_read(world, 10, 5000) == 0) {
        }
        assert_int_equal(world_commit(world, 0), 0);
        struct model_shard *fresh = world_shard(world, reads == 0 ? "shardId-2" : "shardId-5", "");
        world_remove(world, fresh, "b");
        while (world_read(world, 10, 5000) == 0) {
        }
        world->arn = reads == 0 ? "arn:2" : "arn:3";
        known->is_gone = fresh->is_gone = true;
        (void)world_shard(world, reads == 0 ? "shardId-3" : "shardId-6", "");
        for (int i = 0; i < 30; i++) {
            if (reads == 1) {
                (void)world_read(world, 10, 4000);
            } else {
                world_run(world, 4000);
            }
        }
        assert_int_equal(world_commit(world, 0), 0);
    }
    world_drain(world);
    assert_string_equal(world->got, "a b a b ");
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void a_history_that_is_not_permitted_does_not_hold_up(void **state)
{
    struct world *world = *state;
    switch_off_and_on(world);
    world_fail(world, "ListStreams", "AccessDeniedException", HT_EPERMISSION, 1000);
    world_open(world);
    for (int i = 0; i < 3; i++) {
        (void)world_read(world, 10, 5000);
    }
    assert_int_equal(strlen(world->got), 4);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
}

static void many_shards_that_end_together_are_listed_and_not_asked_one_by_one(void **state)
{
    struct world *world = *state;
    char id[32], parent[32];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof(id), "shardId-%03d", i);
        (void)world_shard(world, id, "");
    }
    world_open(world);
    world_drain(world);
    size_t made = world->made[MODEL_DESCRIBE];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof(id), "shardId-1%03d", i);
        (void)snprintf(parent, sizeof(parent), "shardId-%03d", i);
        world->shards[i].is_closed = true;
        world_remove(world, world_shard(world, id, parent), "x");
    }
    uint64_t before_ns = world->clock.now_ns;
    while (strlen(world->got) < 120) {
        (void)world_read(world, 10, 5000);
    }
    uint64_t ms = (world->clock.now_ns - before_ns) / 1000000;
    assert_in_range(ms, 0, 8000);
    assert_true((world->made[MODEL_DESCRIBE] - made) * 120 <= ms + 240);
    assert_in_range(world->made[MODEL_DESCRIBE] - made, 2, 30);
}

static void on_recent(struct ht_changes_recent *recent)
{
    *(bool *)recent->user = true;
    assert_int_equal(recent->status, 0);
    assert_int_equal(recent->count, 0);
}

static void without_a_store_there_are_no_recent_deliveries(void **state)
{
    struct world *world = *state;
    bool is_done = false;
    struct ht_changes_recent recent = {.max_count = 10, .done = on_recent, .user = &is_done};
    world_open(world);
    world->changes->ops->recent(world->changes, &recent);
    assert_false(is_done);
    world_run(world, 10);
    assert_true(is_done);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_parent_is_read_before_its_children),
        CASE(a_shard_that_splits_while_it_is_read_is_followed),
        CASE(a_child_that_shows_late_is_found),
        CASE(a_child_that_shows_very_late_is_found_by_the_listing),
        CASE(a_service_that_does_not_know_the_filter_is_fine),
        CASE(a_filter_that_is_refused_leads_to_a_listing),
        CASE(more_than_a_hundred_shards_are_paged),
        CASE(a_page_behind_a_shard_that_is_gone_begins_the_listing_anew),
        CASE(a_shard_that_rolls_over_again_and_again_is_followed),
        CASE(a_table_or_stream_that_is_not_there_is_waited_for),
        CASE(a_stream_that_is_off_is_told_and_still_read),
        CASE(a_stream_without_old_images_is_told_and_keys_are_archived),
        CASE(a_new_stream_is_followed_when_the_old_one_is_read),
        CASE(what_the_stream_before_a_restart_still_holds_comes_first),
        CASE(close_is_clean_at_any_moment_of_looking_back),
        CASE(a_stream_before_that_is_gone_is_a_gap),
        CASE(a_stream_that_is_lost_while_its_deletions_wait_does_no_harm),
        CASE(a_history_that_is_not_permitted_does_not_hold_up),
        CASE(many_shards_that_end_together_are_listed_and_not_asked_one_by_one),
        CASE(without_a_store_there_are_no_recent_deliveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
