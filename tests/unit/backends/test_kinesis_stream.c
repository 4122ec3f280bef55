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

static void on_sim_closed(void *user)
{
    *(bool *)user = true;
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

/* Reads one shard and compares with what is in it; stops and begins anew at random. */
struct follower {
    struct ht_stream_read read;
    struct ht_position next;
    size_t shard, got;
    bool is_running, is_over;
};

static struct follower followers[WORLD_SHARDS];

static void follow(struct follower *follower);

static void on_followed(struct ht_stream_read *read)
{
    struct follower *follower = read->user;
    follower->is_running = false;
    if (read->status == 0) {
        const struct world_shard *shard = &world.shards[follower->shard];
        for (size_t i = 0; i < read->batch->count; i++) {
            const struct ht_record *record = &read->batch->records[i];
            assert_true(follower->got < shard->count);
            const struct world_record *want = &shard->records[follower->got++];
            assert_true(ht_slice_equal(record->sequence_number, ht_slice_text(want->sequence)));
            assert_true(ht_slice_equal(record->data, ht_slice_make(want->data, want->length)));
        }
        follower->next = read->batch->next;
        follower->is_over = follower->next.kind == HT_POSITION_END;
        ht_record_batch_release(read->batch);
    }
    follow(follower);
}

static void follow(struct follower *follower)
{
    if (follower->is_running || follower->is_over || world.stream == NULL) {
        return;
    }
    follower->is_running = true;
    follower->read = (struct ht_stream_read){.from = follower->next,
                                             .max_bytes = 1u << 20,
                                             .wait_ms = 500,
                                             .done = on_followed,
                                             .user = follower};
    snprintf(follower->read.shard_id, sizeof(follower->read.shard_id), "%s",
             world.shards[follower->shard].id);
    world.stream->ops->read(world.stream, &follower->read);
}

static void start_followers(void)
{
    for (size_t i = 0; i < world.shard_count; i++) {
        followers[i].shard = i;
        followers[i].next.kind =
            followers[i].got == 0 ? HT_POSITION_TRIM_HORIZON : HT_POSITION_AFTER;
        if (followers[i].got > 0) {
            ht_position_after(&followers[i].next,
                              ht_slice_text(world.shards[i].records[followers[i].got - 1].sequence),
                              0);
        }
        follow(&followers[i]);
    }
}

/* Another process: nothing of the reads is left but how far they came. */
static void start_anew(void)
{
    struct ht_stream *stream = world.stream;
    bool is_closed = false;
    world.stream = NULL; /* reads that come back do not go on */
    stream->ops->close(stream, on_sim_closed, &is_closed);
    world_run(&world, 10000);
    assert_true(is_closed);
    stream->ops->destroy(stream);
    world_open(&world, &(struct ht_kinesis_stream_options){0});
    start_followers();
}

struct numbered {
    struct ht_stream_put put;
    struct ht_put_record records[20];
    char texts[20][24];
    bool is_running;
};

static void on_numbered(struct ht_stream_put *put)
{
    struct numbered *numbered = put->user;
    numbered->is_running = false;
}

static void put_numbered(struct numbered *numbered, unsigned round)
{
    if (numbered->is_running) {
        return;
    }
    for (size_t i = 0; i < 20; i++) {
        snprintf(numbered->texts[i], sizeof(numbered->texts[i]), "%u-%zu", round, i);
        numbered->records[i] =
            (struct ht_put_record){.data = ht_slice_text(numbered->texts[i]),
                                   .partition_key = ht_slice_text(numbered->texts[i])};
    }
    numbered->put = (struct ht_stream_put){
        .records = numbered->records, .count = 20, .done = on_numbered, .user = numbered};
    numbered->is_running = true;
    world.stream->ops->put(world.stream, &numbered->put);
}

static void live_through(uint64_t seed)
{
    static struct numbered numbered;
    memset(followers, 0, sizeof(followers));
    ht_random_init(&world.random, seed);
    world.chaos = (unsigned)ht_random_below(&world.random, 40);
    start_followers();
    for (unsigned round = 0; round < 60; round++) {
        put_numbered(&numbered, round);
        world_run(&world, ht_random_below(&world.random, 2000));
        uint64_t event = ht_random_below(&world.random, 20);
        size_t shard = ht_random_below(&world.random, world.shard_count);
        if (event == 0 && world.shard_count + 2 <= WORLD_SHARDS && !world.shards[shard].is_closed) {
            world_split(&world, shard);
            start_followers();
        } else if (event == 1 && followers[shard].is_running) {
            world.stream->ops->cancel_read(world.stream, &followers[shard].read);
        } else if (event == 2 && !numbered.is_running) {
            start_anew();
        }
    }
    world.chaos = 0;
    world_run(&world, 90000);
    assert_false(numbered.is_running);
    for (size_t i = 0; i < world.shard_count; i++) {
        assert_int_equal(followers[i].got, world.shards[i].count);
        assert_int_equal(followers[i].is_over, world.shards[i].is_closed);
    }
    assert_int_equal(world.stream->counters.gap_records, 0);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
    struct ht_stream *stream = world.stream;
    bool is_closed = false;
    world.stream = NULL;
    stream->ops->close(stream, on_sim_closed, &is_closed);
    world_run(&world, 1000);
    assert_true(is_closed);
    stream->ops->destroy(stream);
}

/* Calls of all kinds fail in all ways, shards split, reads are canceled, the stream is opened anew:
 * each record comes once and in its order. */
static void whatever_fails_each_record_comes_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        if (seed > 1) {
            world_start(&world, 2);
        }
        live_through(seed);
        if (seed < 12) {
            world_finish(&world);
        }
    }
}

static void it_can_be_closed_at_every_step(void **state)
{
    (void)state;
    world.latency_ms = 7;
    for (unsigned ms = 0; ms < 40; ms++) {
        struct ht_stream_read read;
        struct ht_stream_put put;
        struct ht_put_record record;
        struct listing listing;
        done_count = 0;
        read_from_start(&read);
        put_with_cursor(&put, &record, "c");
        start_list(&listing);
        world_run(&world, ms);
        world_open(&world, &(struct ht_kinesis_stream_options){0});
        assert_int_equal(done_count, 2);
        assert_int_equal(listing.done, 1);
    }
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
        cmocka_unit_test_setup_teardown(whatever_fails_each_record_comes_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_closed_at_every_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_cannot_be_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_answer_is_read_on_the_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cursor_outlives_the_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_that_cannot_be_written_is_tried_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_cursor_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
