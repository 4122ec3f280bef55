// SPDX-License-Identifier: MIT
#include "hashtagd/backends/dynamodb_leases.h"
#include "hashtagd/base/assert.h"

#include "../../../src/backends/dynamodb_leases_internal.h"
#include "fake_dynamodb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEN_MAX = 16, MINUTE_MS = 60000 };

#define TABLE   "leases"
#define SHARD   "shardId-000000000000"
#define CHILD_A "shardId-000000000001"
#define CHILD_B "shardId-000000000002"

struct world {
    struct fake_dynamodb *fake;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_dynamodb_leases *leases;
    struct ht_dynamodb_leases_load load;
    struct ht_checkpoint seen[SEEN_MAX];
    size_t seen_count;
    bool is_loaded, is_closed;
    unsigned troubles;
};

static void on_trouble(void *user)
{
    ((struct world *)user)->troubles++;
}

static void on_checkpoint(struct ht_dynamodb_leases_load *load,
                          const struct ht_checkpoint *checkpoint)
{
    struct world *world = load->user;
    assert_true(world->seen_count < SEEN_MAX);
    world->seen[world->seen_count++] = *checkpoint;
}

static void on_loaded(struct ht_dynamodb_leases_load *load)
{
    ((struct world *)load->user)->is_loaded = true;
}

static void on_closed(void *user)
{
    ((struct world *)user)->is_closed = true;
}

static void open_leases(struct world *world, const char *worker)
{
    struct ht_dynamodb_leases_options options = {
        .aws = &world->fake->client,
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .table_name = TABLE,
        .worker_id = worker,
        .on_trouble = on_trouble,
        .user = world,
    };
    world->seen_count = 0;
    world->is_loaded = false;
    world->is_closed = false;
    world->load = (struct ht_dynamodb_leases_load){
        .on_checkpoint = on_checkpoint, .done = on_loaded, .user = world};
    assert_int_equal(ht_dynamodb_leases_create(&world->leases, &options, NULL), 0);
    ht_dynamodb_leases_load(world->leases, &world->load);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->fake = calloc(1, sizeof(*world->fake));
    fake_dynamodb_init(world->fake);
    ht_manual_clock_init(&world->clock, 1000000000, 1700000000000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, 1);
    *state = world;
    return 0;
}

/* What is due, and all answers, without faults. */
static void settle(struct world *world)
{
    while (ht_timer_queue_run(&world->timers) > 0 || fake_dynamodb_serve(world->fake, FAKE_NONE)) {
    }
}

static void pass(struct world *world, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 100) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        settle(world);
    }
}

static void close_leases(struct world *world)
{
    ht_dynamodb_leases_close(world->leases, on_closed, world);
    settle(world);
    assert_true(world->is_closed);
    ht_dynamodb_leases_destroy(world->leases);
    world->leases = NULL;
}

/* The process ends: what was under way is broken off. */
static void crash(struct world *world)
{
    while (fake_aws_next(&world->fake->client) != NULL) {
        fake_dynamodb_serve(world->fake, FAKE_LOST_BEFORE);
    }
    ht_dynamodb_leases_destroy(world->leases);
    world->leases = NULL;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->leases != NULL) {
        struct ht_dynamodb_leases *leases = world->leases;
        /* the memory of writes that a test left behind is gone with it */
        leases->ended = leases->ended_last = NULL;
        for (size_t i = 0; i < leases->count; i++) {
            leases->all[i]->first = leases->all[i]->last = NULL;
        }
        while (fake_aws_next(&world->fake->client) != NULL) {
            fake_dynamodb_serve(world->fake, FAKE_LOST_BEFORE);
        }
        close_leases(world);
    }
    ht_timer_queue_finish(&world->timers);
    fake_dynamodb_finish(world->fake);
    free(world->fake);
    free(world);
    return 0;
}

static void put_row(struct world *world, const char *shard, const char *owner, const char *counter,
                    const char *checkpoint)
{
    char text[200], number[64], place[200];
    (void)snprintf(number, sizeof(number), "{\"N\":\"%s\"}", counter);
    (void)snprintf(place, sizeof(place), "{\"S\":\"%s\"}", checkpoint);
    (void)snprintf(text, sizeof(text), "{\"S\":\"%s\"}", owner == NULL ? "" : owner);
    fake_dynamodb_put(world->fake, TABLE, "leaseKey", shard, "leaseCounter", number, "checkpoint",
                      place, "checkpointSubSequenceNumber", "{\"N\":\"0\"}", "somethingElse",
                      "{\"S\":\"kept\"}", owner == NULL ? NULL : "leaseOwner", text, NULL);
}

static void assert_attribute(struct world *world, const char *shard, const char *name,
                             const char *expected)
{
    const char *value = fake_dynamodb_get(world->fake, TABLE, shard, name);
    if (expected == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(value, expected);
    }
}

struct writing {
    struct ht_dynamodb_lease_write write;
    struct ht_position position;
    bool is_done;
};

static void on_written(struct ht_dynamodb_lease_write *write)
{
    ((struct writing *)write->user)->is_done = true;
}

static void start_write(struct world *world, struct writing *writing, const char *shard,
                        const char *sequence)
{
    *writing = (struct writing){0};
    if (strcmp(sequence, "END") == 0) {
        writing->position.kind = HT_POSITION_END;
    } else {
        ht_position_after(&writing->position, ht_slice_text(sequence), 0);
    }
    writing->write = (struct ht_dynamodb_lease_write){
        .shard_id = shard, .position = &writing->position, .done = on_written, .user = writing};
    ht_dynamodb_leases_write(world->leases, &writing->write);
}

static int write_now(struct world *world, const char *shard, const char *sequence)
{
    struct writing writing;
    start_write(world, &writing, shard, sequence);
    settle(world);
    assert_true(writing.is_done);
    return writing.write.status;
}

static void an_empty_table_is_loaded_and_rows_are_made_as_kcl_makes_them(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
    assert_int_equal(world->seen_count, 0);
    const struct ht_lease_shard shard = {
        .shard_id = CHILD_B,
        .parent_id = SHARD,
        .adjacent_parent_id = CHILD_A,
        .starting_hash_key = "0",
        .ending_hash_key = "340282366920938463463374607431768211455",
    };
    assert_int_equal(ht_dynamodb_leases_note_shard(world->leases, &shard), 0);
    assert_int_equal(write_now(world, CHILD_B, "12"), 0);
    assert_attribute(world, CHILD_B, "leaseKey", "{\"S\":\"" CHILD_B "\"}");
    assert_attribute(world, CHILD_B, "leaseOwner", "{\"S\":\"me\"}");
    assert_attribute(world, CHILD_B, "leaseCounter", "{\"N\":\"0\"}");
    assert_attribute(world, CHILD_B, "checkpoint", "{\"S\":\"12\"}");
    assert_attribute(world, CHILD_B, "entityType", "{\"S\":\"LEASE\"}");
    assert_attribute(world, CHILD_B, "parentShardId", "{\"SS\":[\"" SHARD "\",\"" CHILD_A "\"]}");
    assert_attribute(world, CHILD_B, "endingHashKey",
                     "{\"S\":\"340282366920938463463374607431768211455\"}");
}

static void own_and_free_rows_are_taken_at_once_and_what_is_unknown_survives(void **state)
{
    struct world *world = *state;
    put_row(world, SHARD, "me", "7", "100");
    put_row(world, CHILD_A, NULL, "3", "TRIM_HORIZON");
    put_row(world, CHILD_B, "other", "9", "SHARD_END");
    fake_dynamodb_put(world->fake, TABLE, "leaseKey", "Migration3.0", "entityType",
                      "{\"S\":\"CLIENT_VERSION_MIGRATION\"}", NULL);
    open_leases(world, "me");
    settle(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->seen_count, 3);
    assert_string_equal(world->seen[0].position.sequence_number, "100");
    assert_int_equal(world->seen[1].position.kind, HT_POSITION_TRIM_HORIZON);
    assert_int_equal(world->seen[2].position.kind, HT_POSITION_END);
    assert_attribute(world, SHARD, "leaseCounter", "{\"N\":\"8\"}");
    assert_attribute(world, CHILD_A, "leaseOwner", "{\"S\":\"me\"}");
    assert_attribute(world, CHILD_B, "leaseOwner", "{\"S\":\"other\"}");
    assert_int_equal(write_now(world, SHARD, "101"), 0);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"101\"}");
    assert_attribute(world, SHARD, "leaseCounter", "{\"N\":\"9\"}");
    assert_attribute(world, SHARD, "somethingElse", "{\"S\":\"kept\"}");
    close_leases(world);
    assert_attribute(world, SHARD, "leaseOwner", NULL);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"101\"}");
    assert_attribute(world, CHILD_A, "leaseOwner", NULL);
    assert_attribute(world, CHILD_B, "leaseOwner", "{\"S\":\"other\"}");
    assert_attribute(world, "Migration3.0", "leaseCounter", NULL);
}

static void a_foreign_lease_is_taken_when_it_stood_still_for_ten_seconds(void **state)
{
    struct world *world = *state;
    put_row(world, SHARD, "other", "7", "100");
    open_leases(world, "me");
    pass(world, 5000);
    assert_false(world->is_loaded);
    assert_non_null(ht_dynamodb_leases_trouble(world->leases, NULL));
    assert_non_null(strstr(ht_dynamodb_leases_trouble(world->leases, NULL)->text, "'other'"));
    put_row(world, SHARD, "other", "8", "150"); /* it lives */
    pass(world, 9000);
    assert_false(world->is_loaded);
    pass(world, 4000);
    assert_true(world->is_loaded);
    assert_null(ht_dynamodb_leases_trouble(world->leases, NULL));
    assert_string_equal(world->seen[0].position.sequence_number, "150");
    assert_attribute(world, SHARD, "leaseOwner", "{\"S\":\"me\"}");
    assert_attribute(world, SHARD, "ownerSwitchesSinceCheckpoint", "{\"N\":\"1\"}");
}

/* Else they would be counted from their beginning, and the marks of those that ended are gone. */
static void rows_that_another_made_meanwhile_are_known_before_it_begins(void **state)
{
    struct world *world = *state;
    put_row(world, SHARD, "other", "7", "100");
    open_leases(world, "me");
    pass(world, 5000);
    put_row(world, CHILD_A, "other", "3", "50");
    put_row(world, SHARD, "other", "8", "SHARD_END");
    pass(world, 6000);
    assert_false(world->is_loaded);
    put_row(world, CHILD_B, "other", "1", "70");
    put_row(world, CHILD_A, "other", "4", "SHARD_END");
    pass(world, 6000);
    assert_false(world->is_loaded);
    pass(world, 12000); /* it has died */
    assert_true(world->is_loaded);
    assert_int_equal(world->seen_count, 3);
    assert_int_equal(world->seen[0].position.kind, HT_POSITION_END);
    assert_int_equal(world->seen[1].position.kind, HT_POSITION_END);
    assert_string_equal(world->seen[2].shard_id, CHILD_B);
    assert_string_equal(world->seen[2].position.sequence_number, "70");
    assert_attribute(world, CHILD_B, "leaseOwner", "{\"S\":\"me\"}");
}

/* Free when the table was read, and another's when it was asked for: two that were started at once. */
static void rows_of_one_that_was_faster_are_known_before_this_begins(void **state)
{
    struct world *world = *state;
    for (int hides = 0; hides < 2; hides++) {
        world->fake->hides_failed_item = hides == 1;
        fake_dynamodb_remove(world->fake, TABLE, CHILD_A);
        put_row(world, SHARD, NULL, "7", "100");
        open_leases(world, "me");
        assert_true(ht_timer_queue_run(&world->timers) > 0);
        assert_true(fake_dynamodb_serve(world->fake, FAKE_NONE)); /* the scan */
        put_row(world, SHARD, "other", "8", "100");
        pass(world, 3000);
        assert_false(world->is_loaded);
        put_row(world, CHILD_A, NULL, "3", "50"); /* counted, and given back at its end */
        put_row(world, SHARD, "other", "9", "SHARD_END");
        pass(world, 4000);
        assert_true(world->is_loaded);
        assert_int_equal(world->seen_count, 2);
        assert_string_equal(world->seen[1].position.sequence_number, "50");
        close_leases(world);
    }
}

static void a_lease_without_writes_is_renewed_and_one_with_writes_is_not(void **state)
{
    struct world *world = *state;
    put_row(world, SHARD, NULL, "0", "5");
    open_leases(world, "me");
    settle(world);
    uint64_t before = fake_dynamodb_number(world->fake, TABLE, SHARD, "leaseCounter");
    pass(world, MINUTE_MS);
    uint64_t renewals = fake_dynamodb_number(world->fake, TABLE, SHARD, "leaseCounter") - before;
    assert_in_range(renewals, 14, 19);
    before += renewals;
    for (unsigned i = 0; i < 60; i++) {
        char sequence[16];
        (void)snprintf(sequence, sizeof(sequence), "%u", 100 + i);
        assert_int_equal(write_now(world, SHARD, sequence), 0);
        pass(world, 1000);
    }
    assert_int_equal(fake_dynamodb_number(world->fake, TABLE, SHARD, "leaseCounter") - before, 60);
}

static void a_checkpoint_never_moves_back(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "1000"), 0);
    uint64_t updates = world->fake->updates;
    assert_int_equal(write_now(world, SHARD, "999"), 0);
    assert_int_equal(write_now(world, SHARD, "1000"), 0);
    assert_int_equal(world->fake->updates, updates);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"1000\"}");
    assert_int_equal(write_now(world, SHARD, "10000"), 0);
    assert_int_equal(write_now(world, SHARD, "END"), 0);
    assert_int_equal(write_now(world, SHARD, "10001"), 0);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"SHARD_END\"}");
}

static void a_lost_answer_is_recognised_as_an_own_update(void **state)
{
    struct world *world = *state;
    for (int hides = 0; hides < 2; hides++) {
        world->fake->hides_failed_item = hides == 1;
        open_leases(world, "me");
        settle(world);
        struct writing writing;
        start_write(world, &writing, SHARD, hides == 0 ? "10" : "30"); /* made, then updated */
        assert_true(fake_dynamodb_serve(world->fake, FAKE_LOST_AFTER));
        settle(world);
        assert_int_equal(writing.write.status, HT_ECONNECTION);
        assert_int_equal(write_now(world, SHARD, hides == 0 ? "10" : "30"), 0);
        assert_null(ht_dynamodb_leases_trouble(world->leases, NULL));
        start_write(world, &writing, SHARD, hides == 0 ? "20" : "40");
        assert_true(fake_dynamodb_serve(world->fake, FAKE_LOST_AFTER));
        settle(world);
        assert_int_equal(write_now(world, SHARD, hides == 0 ? "21" : "41"), 0);
        assert_attribute(world, SHARD, "checkpoint",
                         hides == 0 ? "{\"S\":\"21\"}" : "{\"S\":\"41\"}");
        close_leases(world);
    }
}

static void a_lost_lease_is_told_and_taken_back_when_the_other_ends(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    put_row(world, SHARD, "other", "50", "15");
    assert_int_equal(write_now(world, SHARD, "20"), HT_EBUSY);
    assert_int_equal(write_now(world, SHARD, "12"), 0); /* the other is further */
    assert_non_null(ht_dynamodb_leases_trouble(world->leases, NULL));
    assert_non_null(strstr(ht_dynamodb_leases_trouble(world->leases, NULL)->text, "two daemons"));
    assert_attribute(world, SHARD, "leaseOwner", "{\"S\":\"other\"}");
    fake_dynamodb_remove(world->fake, TABLE, SHARD);
    put_row(world, SHARD, NULL, "51", "15"); /* the other gives it back */
    pass(world, 3000);
    assert_null(ht_dynamodb_leases_trouble(world->leases, NULL));
    assert_int_equal(write_now(world, SHARD, "20"), 0);
    assert_attribute(world, SHARD, "leaseOwner", "{\"S\":\"me\"}");
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"20\"}");
}

static void load_again(struct world *world)
{
    world->is_loaded = false;
    world->seen_count = 0;
    ht_dynamodb_leases_load(world->leases, &world->load);
    pass(world, 30000);
    assert_true(world->is_loaded);
    assert_false(ht_dynamodb_leases_are_outdated(world->leases));
}

static void what_was_loaded_is_outdated_once_another_was_at_work(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    pass(world, 60000);
    assert_false(ht_dynamodb_leases_are_outdated(world->leases));
    /* it took a row, finished the shard, and gave the child back */
    put_row(world, SHARD, "other", "50", "SHARD_END");
    put_row(world, CHILD_A, NULL, "7", "70");
    pass(world, 4000);
    assert_true(ht_dynamodb_leases_are_outdated(world->leases));
    assert_int_equal(ht_dynamodb_leases_check(world->leases, NULL), HT_EBUSY);
    load_again(world);
    assert_int_equal(world->seen_count, 2);
    assert_attribute(world, CHILD_A, "leaseOwner", "{\"S\":\"me\"}");
    assert_int_equal(ht_dynamodb_leases_check(world->leases, NULL), 0);
    /* it made a row that was not there */
    put_row(world, CHILD_B, "other", "3", "30");
    assert_int_equal(write_now(world, CHILD_B, "40"), HT_EBUSY);
    assert_true(ht_dynamodb_leases_are_outdated(world->leases));
    load_again(world);
    /* it finished a shard whose row is gone by now */
    fake_dynamodb_remove(world->fake, TABLE, CHILD_A);
    ht_manual_clock_advance_ms(&world->clock, 60000);
    pass(world, 4000);
    assert_true(ht_dynamodb_leases_are_outdated(world->leases));
}

static void a_row_that_a_person_removes_outdates_nothing(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    fake_dynamodb_remove(world->fake, TABLE, SHARD);
    pass(world, 8000);
    assert_false(ht_dynamodb_leases_are_outdated(world->leases));
    assert_int_equal(write_now(world, SHARD, "20"), 0);
}

/* One that came late is as it was made; one that counted on was used, by whoever has the same id. */
static void a_row_of_its_own_that_was_not_there_says_whether_it_was_used(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    put_row(world, CHILD_A, "me", "0", "30");
    (void)write_now(world, CHILD_A, "40");
    assert_false(ht_dynamodb_leases_are_outdated(world->leases));
    put_row(world, CHILD_B, "me", "3", "30");
    (void)write_now(world, CHILD_B, "40");
    assert_true(ht_dynamodb_leases_are_outdated(world->leases));
}

static void the_same_worker_id_twice_does_not_fight(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    put_row(world, SHARD, "me", "50", "15");
    assert_int_equal(write_now(world, SHARD, "20"), HT_EBUSY);
    assert_attribute(world, SHARD, "leaseCounter", "{\"N\":\"50\"}");
    pass(world, 9000);
    assert_attribute(world, SHARD, "leaseCounter", "{\"N\":\"50\"}");
    pass(world, 5000);
    assert_int_equal(write_now(world, SHARD, "20"), 0);
}

static void a_finished_shard_has_its_childrens_rows_first(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    const struct ht_lease_shard a = {.shard_id = CHILD_A, .parent_id = SHARD};
    const struct ht_lease_shard b = {.shard_id = CHILD_B, .parent_id = SHARD};
    assert_int_equal(ht_dynamodb_leases_note_shard(world->leases, &a), 0);
    assert_int_equal(ht_dynamodb_leases_note_shard(world->leases, &b), 0);
    struct writing writing;
    start_write(world, &writing, SHARD, "END");
    assert_true(fake_dynamodb_serve(world->fake, FAKE_LOST_AFTER)); /* of the first child */
    settle(world);
    assert_int_equal(writing.write.status, HT_ECONNECTION);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"10\"}");
    assert_int_equal(write_now(world, SHARD, "END"), 0);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"SHARD_END\"}");
    assert_attribute(world, SHARD, "childShardIds", "{\"SS\":[\"" CHILD_A "\",\"" CHILD_B "\"]}");
    assert_attribute(world, CHILD_A, "checkpoint", "{\"S\":\"TRIM_HORIZON\"}");
    assert_attribute(world, CHILD_B, "leaseOwner", "{\"S\":\"me\"}");
    struct writing removal = {.write = {.shard_id = SHARD, .done = on_written}};
    removal.write.user = &removal;
    ht_dynamodb_leases_remove(world->leases, &removal.write);
    settle(world);
    assert_true(removal.is_done);
    assert_null(fake_dynamodb_find(world->fake, TABLE, SHARD));
}

/* Shards of a change stream come and go every few hours, for months. */
static void a_shard_that_is_gone_leaves_nothing_behind(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    for (unsigned i = 0; i < 3000; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "shardId-%012u", i);
        const struct ht_lease_shard shard = {.shard_id = id};
        assert_int_equal(ht_dynamodb_leases_note_shard(world->leases, &shard), 0);
        if (i % 2 == 0) {
            assert_int_equal(write_now(world, id, "10"), 0);
            ht_dynamodb_leases_forget_shard(world->leases, id);
            assert_int_equal(write_now(world, id, "11"),
                             0); /* it has a row: nothing is forgotten */
            assert_attribute(world, id, "leaseCounter", "{\"N\":\"1\"}");
            struct writing removal = {.write = {.shard_id = id, .done = on_written}};
            removal.write.user = &removal;
            ht_dynamodb_leases_remove(world->leases, &removal.write);
            ht_dynamodb_leases_forget_shard(world->leases, id); /* not while that is on its way */
            settle(world);
            assert_true(removal.is_done);
        }
        ht_dynamodb_leases_forget_shard(world->leases, id);
    }
    assert_int_equal(world->leases->count, 0);
}

static void warm_sequence_and_sub_sequence_come_back(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    struct writing writing = {0};
    ht_position_after(&writing.position, HT_SLICE("77"), 3);
    memcpy(writing.position.warm_sequence, "70", 3);
    writing.write = (struct ht_dynamodb_lease_write){
        .shard_id = SHARD, .position = &writing.position, .done = on_written, .user = &writing};
    ht_dynamodb_leases_write(world->leases, &writing.write);
    settle(world);
    assert_true(writing.is_done);
    crash(world);
    open_leases(world, "me");
    settle(world);
    assert_int_equal(world->seen_count, 1);
    assert_string_equal(world->seen[0].position.sequence_number, "77");
    assert_string_equal(world->seen[0].position.warm_sequence, "70");
    assert_int_equal(world->seen[0].position.sub_sequence, 3);
    assert_int_equal(write_now(world, SHARD, "78"), 0);
    assert_attribute(world, SHARD, "htWarmSequence", NULL);
}

static void load_waits_for_a_table_that_is_not_there(void **state)
{
    struct world *world = *state;
    bool needs_person = false;
    world->fake->refuses = "ResourceNotFoundException";
    open_leases(world, "me");
    pass(world, MINUTE_MS);
    assert_false(world->is_loaded);
    const struct ht_error *trouble = ht_dynamodb_leases_trouble(world->leases, &needs_person);
    assert_non_null(trouble);
    assert_true(needs_person);
    assert_non_null(strstr(trouble->text, "hashtagd setup"));
    world->fake->refuses = NULL;
    pass(world, 20000);
    assert_true(world->is_loaded);
    assert_null(ht_dynamodb_leases_trouble(world->leases, NULL));
    assert_true(world->troubles >= 2);
}

static void closing_during_a_load_ends_it(void **state)
{
    struct world *world = *state;
    world->fake->refuses = "ThrottlingException";
    open_leases(world, "me");
    pass(world, 1000);
    close_leases(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, HT_ECANCELED);
    world->fake->refuses = NULL;
}

static void a_row_removed_by_hand_is_made_again(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    assert_int_equal(write_now(world, SHARD, "10"), 0);
    fake_dynamodb_remove(world->fake, TABLE, SHARD);
    assert_int_equal(write_now(world, SHARD, "11"), 0);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"11\"}");
}

static void rows_that_make_no_sense_are_left_alone(void **state)
{
    struct world *world = *state;
    put_row(world, SHARD, NULL, "7", "yesterday");
    put_row(world, CHILD_A, NULL, "7", "70");
    open_leases(world, "me");
    settle(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
    assert_int_equal(world->seen_count, 1);
    assert_string_equal(world->seen[0].shard_id, CHILD_A);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"yesterday\"}");
    assert_attribute(world, SHARD, "leaseCounter", "{\"N\":\"7\"}");
}

static void a_shard_that_begins_at_a_time_does_so_after_a_restart_too(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    struct writing writing = {.position = {.kind = HT_POSITION_AT_TIME, .time_ms = 1700000000123}};
    writing.write = (struct ht_dynamodb_lease_write){
        .shard_id = SHARD, .position = &writing.position, .done = on_written, .user = &writing};
    ht_dynamodb_leases_write(world->leases, &writing.write);
    settle(world);
    assert_true(writing.is_done);
    assert_int_equal(writing.write.status, 0);
    crash(world);
    open_leases(world, "me");
    settle(world);
    assert_int_equal(world->seen_count, 1);
    assert_int_equal(world->seen[0].position.kind, HT_POSITION_AT_TIME);
    assert_int_equal(world->seen[0].position.time_ms, 1700000000123);
}

static void writes_of_one_shard_are_done_in_their_order(void **state)
{
    struct world *world = *state;
    struct writing first, second, third;
    open_leases(world, "me");
    settle(world);
    start_write(world, &first, SHARD, "10");
    start_write(world, &second, SHARD, "20");
    start_write(world, &third, SHARD, "15"); /* behind what is there by then */
    assert_false(first.is_done || second.is_done || third.is_done);
    settle(world);
    assert_true(first.is_done && second.is_done && third.is_done);
    assert_int_equal(first.write.status | second.write.status | third.write.status, 0);
    assert_attribute(world, SHARD, "checkpoint", "{\"S\":\"20\"}");
}

static void the_row_of_a_shard_that_has_none_is_removed_at_once(void **state)
{
    struct world *world = *state;
    open_leases(world, "me");
    settle(world);
    struct writing removal = {.write = {.shard_id = SHARD, .done = on_written}};
    removal.write.user = &removal;
    ht_dynamodb_leases_remove(world->leases, &removal.write);
    settle(world);
    assert_true(removal.is_done);
    assert_int_equal(removal.write.status, 0);
    assert_int_equal(world->fake->deletes, 0);
}

static void nothing_may_be_counted_while_another_has_a_lease(void **state)
{
    struct world *world = *state;
    struct ht_error error = {0};
    put_row(world, SHARD, "other", "7", "70");
    open_leases(world, "me");
    settle(world);
    assert_false(world->is_loaded);
    assert_int_equal(ht_dynamodb_leases_check(world->leases, &error), HT_EBUSY);
    assert_non_null(strstr(error.text, "other"));
    crash(world);
}

/* Any faults, crashes and restarts: what was told to be durable is there, and never less. */
static void whatever_happens_a_durable_checkpoint_stays(void **state)
{
    struct world *world = *state;
    struct ht_random chance;
    ht_random_init(&chance, 20260101);
    uint64_t durable = 0, next = 1;
    open_leases(world, "me");
    for (unsigned round = 0; round < 1000; round++) {
        struct writing writing = {.is_done = true};
        if (world->is_loaded) {
            char sequence[24];
            (void)snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)++next);
            start_write(world, &writing, SHARD, sequence);
        }
        world->fake->hides_failed_item = ht_random_below(&chance, 2) == 0;
        for (unsigned step = 0; step < 20; step++) {
            enum fake_fault fault =
                ht_random_below(&chance, 4) == 0
                    ? (enum fake_fault)ht_random_below(&chance, FAKE_BROKEN_ANSWER + 1)
                    : FAKE_NONE;
            ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, fault);
            ht_manual_clock_advance_ms(&world->clock, ht_random_below(&chance, 200));
        }
        settle(world);
        assert_true(writing.is_done);
        if (writing.position.kind == HT_POSITION_AFTER && writing.write.status == 0) {
            durable = next;
        }
        const char *stored = fake_dynamodb_get(world->fake, TABLE, SHARD, "checkpoint");
        uint64_t value = stored == NULL ? 0 : strtoull(stored + 6, NULL, 10);
        assert_true(value >= durable && value <= next);
        if (ht_random_below(&chance, 20) == 0) {
            crash(world);
            open_leases(world, "me");
            pass(world, 20000);
        }
    }
    assert_true(durable > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_empty_table_is_loaded_and_rows_are_made_as_kcl_makes_them),
        TEST(own_and_free_rows_are_taken_at_once_and_what_is_unknown_survives),
        TEST(a_foreign_lease_is_taken_when_it_stood_still_for_ten_seconds),
        TEST(rows_that_another_made_meanwhile_are_known_before_it_begins),
        TEST(rows_of_one_that_was_faster_are_known_before_this_begins),
        TEST(a_lease_without_writes_is_renewed_and_one_with_writes_is_not),
        TEST(a_checkpoint_never_moves_back),
        TEST(a_lost_answer_is_recognised_as_an_own_update),
        TEST(a_lost_lease_is_told_and_taken_back_when_the_other_ends),
        TEST(what_was_loaded_is_outdated_once_another_was_at_work),
        TEST(a_row_that_a_person_removes_outdates_nothing),
        TEST(a_row_of_its_own_that_was_not_there_says_whether_it_was_used),
        TEST(the_same_worker_id_twice_does_not_fight),
        TEST(a_finished_shard_has_its_childrens_rows_first),
        TEST(warm_sequence_and_sub_sequence_come_back),
        TEST(load_waits_for_a_table_that_is_not_there),
        TEST(closing_during_a_load_ends_it),
        TEST(a_shard_that_is_gone_leaves_nothing_behind),
        TEST(a_row_removed_by_hand_is_made_again),
        TEST(rows_that_make_no_sense_are_left_alone),

        TEST(a_shard_that_begins_at_a_time_does_so_after_a_restart_too),

        TEST(writes_of_one_shard_are_done_in_their_order),

        TEST(the_row_of_a_shard_that_has_none_is_removed_at_once),

        TEST(nothing_may_be_counted_while_another_has_a_lease),

        TEST(whatever_happens_a_durable_checkpoint_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
