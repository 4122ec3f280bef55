// SPDX-License-Identifier: MIT
/* Life, lists, what the worker does. */
#include "hashtagd/base/assert.h"

#include "fixture.h"
#include "kinesis_world.h"

#include "hashtagd/pipeline/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct ht_aws_client world;

struct listing {
    struct ht_stream_list list;
    unsigned done;
    size_t count;
    struct ht_shard shards[WORLD_SHARDS];
};

static void on_list(struct ht_stream_list *list)
{
    struct listing *listing = list->user;
    listing->done++;
    listing->count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        listing->shards[i] = list->shards[i];
    }
}

static void start_list(struct listing *listing)
{
    memset(listing, 0, sizeof(*listing));
    listing->list = (struct ht_stream_list){.done = on_list, .user = listing};
    world.stream->ops->list(world.stream, &listing->list);
    assert_int_equal(listing->done, 0);
}

static void list_shards(struct listing *listing)
{
    start_list(listing);
    world_run(&world, 200);
    assert_int_equal(listing->done, 1);
}

static int set_up(void **state)
{
    world_start(&world, 2);
    return fixture_setup(state);
}

static int tear_down(void **state)
{
    world_finish(&world);
    return fixture_teardown(state);
}

static void a_merged_shard_has_both_parents(void **state)
{
    (void)state;
    struct listing listing;
    world_merge(&world, 0, 1);
    list_shards(&listing);
    assert_int_equal(listing.list.status, 0);
    assert_int_equal(listing.count, 3);
    assert_string_equal(listing.shards[2].parent_id, world.shards[0].id);
    assert_string_equal(listing.shards[2].adjacent_parent_id, world.shards[1].id);
    assert_true(listing.shards[1].closed);
    assert_false(listing.shards[2].closed);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
}

static void on_shards(void *user, const struct ht_shard *shards, size_t count)
{
    struct listing *listing = user;
    assert_int_equal(listing->done, 0);
    listing->count = count;
    for (size_t i = 0; i < count; i++) {
        listing->shards[i] = shards[i];
    }
}

static void whoever_keeps_positions_is_told_of_the_shards_first(void **state)
{
    (void)state;
    struct listing listing, told = {0};
    world_open(&world, &(struct ht_kinesis_stream_options){.on_shards = on_shards,
                                                           .on_shards_user = &told});
    world_merge(&world, 0, 1);
    list_shards(&listing);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.shards[2].parent_id, world.shards[0].id);
    assert_string_equal(told.shards[2].adjacent_parent_id, world.shards[1].id);
}

static void lists_are_paged_and_begin_anew_where_a_token_expired(void **state)
{
    (void)state;
    struct listing listing;
    world_split(&world, 0);
    world.list_page = 1;
    world_fault(&world, (struct world_fault){"ListShards", "ExpiredNextTokenException", 400, NULL,
                                             false, 2, 1});
    list_shards(&listing);
    assert_int_equal(listing.list.status, 0);
    assert_int_equal(listing.count, 4);
    assert_string_equal(listing.shards[3].id, world.shards[3].id);
    assert_int_equal(world.counts.lists, 6);
}

static void lists_at_the_same_time_share_an_answer(void **state)
{
    (void)state;
    struct listing listings[3];
    for (size_t i = 0; i < 3; i++) {
        start_list(&listings[i]);
    }
    world_run(&world, 100);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(listings[i].done, 1);
        assert_int_equal(listings[i].count, 2);
    }
    assert_int_equal(world.counts.lists, 1);
}

static void a_list_that_fails_says_why_and_heals(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int status;
        enum ht_health_state health;
        const char *says;
    } cases[] = {
        {"ResourceNotFoundException", HT_ENOTFOUND, HT_HEALTH_FAILED, "hashtagd setup"},
        {"AccessDeniedException", HT_EPERMISSION, HT_HEALTH_FAILED, "Allow kinesis:ListShards"},
        {"LimitExceededException", HT_EBUSY, HT_HEALTH_WAITING, "R-1"},
        {"", HT_ECONNECTION, HT_HEALTH_WAITING, "ListShards"},
        {"ExpiredNextTokenException", HT_EINVAL, HT_HEALTH_FAILED, "ListShards"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct listing listing;
        world_fault(&world,
                    (struct world_fault){"ListShards", cases[i].code, 400, NULL, false, 0, 100});
        list_shards(&listing);
        assert_int_equal(listing.list.status, cases[i].status);
        assert_int_equal(world.stream->health.state, cases[i].health);
        assert_non_null(strstr(listing.list.error.text, cases[i].says));
        memset(world.faults, 0, sizeof(world.faults));
        list_shards(&listing);
        assert_int_equal(listing.count, 2);
        assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
    }
}

static void a_name_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct ht_stream *stream;
    struct ht_error error;
    struct ht_kinesis_stream_options options = {.aws = &world,
                                                .clock = &world.manual.clock,
                                                .timers = &world.timers,
                                                .random = &world.random,
                                                .stream_name = "a b"};
    assert_int_equal(ht_kinesis_stream_create(&stream, &options, &error), HT_EINVAL);
    assert_null(stream);
    assert_non_null(strstr(error.text, "'a b'"));
}

static unsigned done_count;
static int read_status;
static size_t record_count;

static void on_read(struct ht_stream_read *read)
{
    done_count++;
    read_status = read->status;
    record_count = read->status == 0 ? read->batch->count : 0;
    ht_record_batch_release(read->batch);
}

/* Runs what the worker has, and then the rest. */
static void run_both(struct fixture *fixture)
{
    for (int i = 0; i < 20; i++) {
        world_run(&world, 20);
        fixture_run_ms(fixture, 5);
    }
}

static void read_from_start(struct ht_stream_read *read)
{
    *read = (struct ht_stream_read){.max_bytes = 8u << 20, .wait_ms = 1000, .done = on_read};
    snprintf(read->shard_id, sizeof(read->shard_id), "%s", world.shards[0].id);
    world.stream->ops->read(world.stream, read);
}

static void a_large_answer_is_read_on_the_worker(void **state)
{
    struct fixture *fixture = *state;
    static char text[100000];
    struct ht_stream_read read;
    world_open(&world, &(struct ht_kinesis_stream_options){.worker = fixture->worker});
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 20; i++) {
        world_add(&world, 0, ht_slice_make(text, sizeof(text)), "k");
    }
    done_count = 0;
    read_from_start(&read);
    world_run(&world, 100);
    assert_int_equal(done_count, 0);
    /* a cancel at this moment does not lose what is there */
    world.stream->ops->cancel_read(world.stream, &read);
    run_both(fixture);
    assert_int_equal(done_count, 1);
    assert_int_equal(read_status, 0);
    assert_int_equal(record_count, 20);
}

static void on_put(struct ht_stream_put *put)
{
    assert_int_equal(put->status, 0);
    done_count++;
}

static void put_with_cursor(struct ht_stream_put *put, struct ht_put_record *record,
                            const char *cursor)
{
    *record = (struct ht_put_record){.data = HT_SLICE("x"), .partition_key = HT_SLICE("k")};
    *put = (struct ht_stream_put){
        .records = record, .count = 1, .source_cursor = ht_slice_text(cursor), .done = on_put};
    world.stream->ops->put(world.stream, put);
}

static void open_with_cursor(struct fixture *fixture, const char *path)
{
    world_open(&world, &(struct ht_kinesis_stream_options){
                           .worker = fixture->worker, .cursor_path = path, .log = &fixture->log});
}

static void the_cursor_outlives_the_stream(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture_path(fixture, "cursor");
    struct ht_stream_put puts[3];
    struct ht_put_record records[3];
    open_with_cursor(fixture, path);
    assert_int_equal(world.stream->ops->source_cursor(world.stream).length, 0);
    put_with_cursor(&puts[0], &records[0], "a longer cursor 1");
    put_with_cursor(&puts[1], &records[1], "cursor 2");
    put_with_cursor(&puts[2], &records[2], "cursor 3");
    run_both(fixture);
    assert_true(
        ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("cursor 3")));
    open_with_cursor(fixture, path);
    assert_true(
        ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("cursor 3")));
}

static void a_cursor_that_cannot_be_written_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    const char *directory = fixture_path(fixture, "later");
    const char *path = fixture_path(fixture, "later/cursor");
    struct ht_stream_put put;
    struct ht_put_record record;
    open_with_cursor(fixture, path);
    done_count = 0;
    put_with_cursor(&put, &record, "cursor 1");
    run_both(fixture);
    assert_int_equal(done_count, 1);
    assert_int_equal(world.stream->ops->source_cursor(world.stream).length, 0);
    assert_false(ht_health_state_is_ready(world.stream->health.state));
    assert_non_null(strstr(world.stream->health.text, path));
    assert_int_equal(mkdir(directory, 0700), 0);
    world_run(&world, 5000);
    run_both(fixture);
    assert_true(
        ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("cursor 1")));
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
}

static void a_file_that_is_no_cursor_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char large[HT_SOURCE_CURSOR_BYTES + 1] = {0};
    const char *path = fixture_path(fixture, "cursor");
    struct ht_stream *stream;
    struct ht_error error;
    struct ht_kinesis_stream_options options = {.aws = &world,
                                                .clock = &world.manual.clock,
                                                .timers = &world.timers,
                                                .random = &world.random,
                                                .stream_name = "tweets",
                                                .cursor_path = path};
    fixture_write_file(path, large, sizeof(large));
    assert_int_equal(ht_kinesis_stream_create(&stream, &options, &error), HT_ECORRUPT);
    assert_non_null(strstr(error.text, path));
    options.cursor_path = fixture->directory;
    assert_true(ht_kinesis_stream_create(&stream, &options, &error) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_merged_shard_has_both_parents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_keeps_positions_is_told_of_the_shards_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lists_are_paged_and_begin_anew_where_a_token_expired,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_at_the_same_time_share_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_that_fails_says_why_and_heals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_cannot_be_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_answer_is_read_on_the_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cursor_outlives_the_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_that_cannot_be_written_is_tried_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_cursor_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
