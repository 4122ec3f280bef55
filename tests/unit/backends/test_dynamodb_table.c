// SPDX-License-Identifier: MIT
#include "hashtagd/backends/dynamodb_table.h"
#include "hashtagd/base/assert.h"

#include "fake_dynamodb.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TABLE   "hashtags"
#define LEASES  "hashtags-stream-leases"
#define SHARD_0 "shardId-000000000000"
#define SHARD_1 "shardId-000000000031"

enum {
    NOW_S = 1700000000,
    RECORDS_MAX = 40000,
    TAGS = 6,
    SHARDS = 2,
};

/* What a flush of a test is made of: all records of each shard in (from, to]. */
struct flight {
    struct ht_table_flush flush;
    struct world *world;
    struct ht_delta deltas[TAGS * SHARDS];
    char sequences[TAGS * SHARDS][2][24];
    struct ht_checkpoint checkpoints[SHARDS];
    struct ht_slice deletes[TAGS];
    uint64_t from[SHARDS], to[SHARDS];
    unsigned tags[TAGS * SHARDS], shards[TAGS * SHARDS];
    char rest_sequence[24];
    bool is_done;
};

/* The world: a stream whose record n (1 and up) of a shard carries tag (n * 7 + n / 3) % TAGS. */
struct world {
    struct fake_dynamodb *fake;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_table *table;
    struct ht_table_load load;
    bool is_loaded, is_closed;
    uint64_t ttl_s;
    uint64_t loaded_counts[TAGS];
    unsigned loaded_times[TAGS];
    uint64_t checkpoints[SHARDS]; /* as loaded */
    uint64_t marks[SHARDS][TAGS]; /* as loaded; 0: none ahead */
    uint64_t expected;
    uint64_t next_id;
    struct ht_table windows;
    unsigned window_flushes, window_parts;
    int window_status;
};

static const char *const tag_names[TAGS] = {"alpha", "beta",       "gamma",
                                            "delta", "\"quoted\"", "zeta"};
static const char *const shard_ids[SHARDS] = {SHARD_0, SHARD_1};

static unsigned tag_of(uint64_t record)
{
    return (unsigned)((record * 7 + record / 3) % TAGS);
}

static unsigned index_of_tag(struct ht_slice name)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (ht_slice_equal(name, ht_slice_text(tag_names[i]))) {
            return i;
        }
    }
    fail();
    return 0;
}

static unsigned index_of_shard(const char *shard_id)
{
    return strcmp(shard_id, SHARD_1) == 0;
}

static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t count)
{
    struct world *world = load->user;
    for (size_t i = 0; i < count; i++) {
        unsigned tag = index_of_tag(items[i].hashtag);
        world->loaded_counts[tag] = items[i].count;
        world->loaded_times[tag]++;
    }
}

static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    struct world *world = load->user;
    world->checkpoints[index_of_shard(checkpoint->shard_id)] =
        strtoull(checkpoint->position.sequence_number, NULL, 10);
}

static void on_mark(struct ht_table_load *load, const struct ht_mark *mark)
{
    struct world *world = load->user;
    unsigned tag = index_of_tag(mark->hashtag);
    assert_true(world->loaded_times[tag] == 1);
    assert_int_equal(ht_slice_to_u64(mark->sequence_number, UINT64_MAX,
                                     &world->marks[index_of_shard(mark->shard_id)][tag]),
                     0);
}

static void on_expected(struct ht_table_load *load, uint64_t count)
{
    ((struct world *)load->user)->expected = count;
}

static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part)
{
    (void)part;
    ((struct world *)load->user)->window_parts++;
}

static void on_loaded(struct ht_table_load *load)
{
    ((struct world *)load->user)->is_loaded = true;
}

static void on_closed(void *user)
{
    ((struct world *)user)->is_closed = true;
}

/* The windows' table: answers at once, with a part that it had. */
static void load_windows(struct ht_table *table, struct ht_table_load *load)
{
    (void)table;
    struct ht_window_part part = {.minute = 1, .data = HT_SLICE("x")};
    load->status = 0;
    load->on_window_part(load, &part);
    load->done(load);
}

static void flush_windows(struct ht_table *table, struct ht_table_flush *flush)
{
    struct world *world = HT_CONTAINER_OF(table, struct world, windows);
    world->window_flushes++;
    flush->status = world->window_status;
    flush->done(flush);
}

static const struct ht_table_ops window_operations = {
    .type = "windows", .load = load_windows, .flush = flush_windows};

static void open_table(struct world *world)
{
    struct ht_dynamodb_table_options options = {
        .aws = &world->fake->client,
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .name = TABLE,
        .leases = LEASES,
        .worker_id = "me",
        .ttl_s = world->ttl_s,
        .hash_key = {1, 2},
        .windows = &world->windows,
    };
    world->is_loaded = false;
    world->is_closed = false;
    memset(world->marks, 0, sizeof(world->marks));
    memset(world->loaded_counts, 0, sizeof(world->loaded_counts));
    memset(world->loaded_times, 0, sizeof(world->loaded_times));
    memset(world->checkpoints, 0, sizeof(world->checkpoints));
    world->load = (struct ht_table_load){.on_expected = on_expected,
                                         .on_items = on_items,
                                         .on_checkpoint = on_checkpoint,
                                         .on_mark = on_mark,
                                         .on_window_part = on_window_part,
                                         .done = on_loaded,
                                         .user = world};
    assert_int_equal(ht_dynamodb_table_create(&world->table, &options, NULL), 0);
    world->table->ops->load(world->table, &world->load);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->fake = calloc(1, sizeof(*world->fake));
    fake_dynamodb_init(world->fake);
    ht_manual_clock_init(&world->clock, 1000000000, (int64_t)NOW_S * 1000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, 1);
    world->windows.ops = &window_operations;
    *state = world;
    return 0;
}

static void settle(struct world *world)
{
    while (ht_timer_queue_run(&world->timers) > 0 || fake_dynamodb_serve(world->fake, FAKE_NONE)) {
    }
}

static void pass(struct world *world, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 50) {
        ht_manual_clock_advance_ms(&world->clock, 50);
        settle(world);
    }
}

static void close_table(struct world *world)
{
    world->table->ops->close(world->table, on_closed, world);
    pass(world, 11000);
    assert_true(world->is_closed);
    world->table->ops->destroy(world->table);
    world->table = NULL;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->table != NULL) {
        close_table(world);
    }
    ht_timer_queue_finish(&world->timers);
    fake_dynamodb_finish(world->fake);
    free(world->fake);
    free(world);
    return 0;
}

static void on_flushed(struct ht_table_flush *flush)
{
    ((struct flight *)flush->user)->is_done = true;
}

/* Records of the delta behind a place. */
static void count_after(const struct ht_table_flush *flush, size_t delta,
                        struct ht_slice sequence_number, uint64_t sub_sequence,
                        struct ht_delta_rest *rest)
{
    struct flight *flight =
        HT_CONTAINER_OF((struct ht_table_flush *)(uintptr_t)flush, struct flight, flush);
    uint64_t place;
    (void)sub_sequence;
    assert_int_equal(ht_slice_to_u64(sequence_number, UINT64_MAX, &place), 0);
    *rest = (struct ht_delta_rest){0};
    unsigned shard = flight->shards[delta];
    for (uint64_t n = flight->to[shard]; n > flight->from[shard] && n > place; n--) {
        if (tag_of(n) == flight->tags[delta]) {
            rest->count++;
            (void)snprintf(flight->rest_sequence, sizeof(flight->rest_sequence), "%" PRIu64, n);
            rest->first_sequence = ht_slice_text(flight->rest_sequence);
        }
    }
}

static void add_delta(struct flight *flight, unsigned shard, unsigned tag,
                      const uint64_t marks[SHARDS][TAGS])
{
    struct ht_table_flush *flush = &flight->flush;
    struct ht_delta *delta = &flight->deltas[flush->delta_count];
    char(*texts)[24] = flight->sequences[flush->delta_count];
    *delta = (struct ht_delta){.hashtag = ht_slice_text(tag_names[tag]),
                               .shard = shard,
                               .first_seen_s = NOW_S + (int64_t)flight->from[shard],
                               .last_seen_s = NOW_S + (int64_t)flight->to[shard]};
    for (uint64_t n = flight->from[shard] + 1; n <= flight->to[shard]; n++) {
        if (tag_of(n) != tag || (marks != NULL && n <= marks[shard][tag])) {
            continue;
        }
        if (delta->count++ == 0) {
            (void)snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, n);
        }
        (void)snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, n);
    }
    if (delta->count > 0) {
        delta->first_sequence = ht_slice_text(texts[0]);
        delta->last_sequence = ht_slice_text(texts[1]);
        flight->tags[flush->delta_count] = tag;
        flight->shards[flush->delta_count] = shard;
        flush->delta_count++;
    }
}

/* Fills a flight with the records (from, to] of each shard. `marks` as loaded; NULL: none. */
static void board(struct world *world, struct flight *flight, const uint64_t from[SHARDS],
                  const uint64_t to[SHARDS], const uint64_t marks[SHARDS][TAGS])
{
    *flight = (struct flight){.world = world};
    flight->flush = (struct ht_table_flush){.id = ++world->next_id,
                                            .count_after = count_after,
                                            .deltas = flight->deltas,
                                            .checkpoints = flight->checkpoints,
                                            .checkpoint_count = SHARDS,
                                            .deletes = flight->deletes,
                                            .now_s = NOW_S,
                                            .done = on_flushed,
                                            .user = flight};
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        char text[24];
        flight->from[shard] = from[shard];
        flight->to[shard] = to[shard];
        (void)snprintf(flight->checkpoints[shard].shard_id, HT_SHARD_ID_BYTES, "%s",
                       shard_ids[shard]);
        (void)snprintf(text, sizeof(text), "%" PRIu64, to[shard]);
        ht_position_after(&flight->checkpoints[shard].position, ht_slice_text(text), 0);
        for (unsigned tag = 0; tag < TAGS; tag++) {
            add_delta(flight, shard, tag, marks);
        }
    }
}

static void start_flush(struct world *world, struct flight *flight)
{
    flight->is_done = false;
    world->table->ops->flush(world->table, &flight->flush);
}

static int flush_now(struct world *world, struct flight *flight)
{
    start_flush(world, flight);
    settle(world);
    assert_true(flight->is_done);
    return flight->flush.status;
}

static uint64_t truth(unsigned tag, const uint64_t to[SHARDS])
{
    uint64_t count = 0;
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        for (uint64_t n = 1; n <= to[shard]; n++) {
            count += tag_of(n) == tag;
        }
    }
    return count;
}

static uint64_t stored(struct world *world, unsigned tag)
{
    /* the model keeps texts as JSON has them, unescaped in its key */
    return fake_dynamodb_number(world->fake, TABLE, tag_names[tag], "htCount");
}

static void assert_counts(struct world *world, const uint64_t to[SHARDS])
{
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(stored(world, tag), truth(tag, to));
    }
}

static void open_loaded(struct world *world)
{
    open_table(world);
    settle(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
}

static void counts_times_marks_and_positions_are_written(void **state)
{
    struct world *world = *state;
    struct flight flight;
    world->ttl_s = 100;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 70}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, (uint64_t[]){50, 70});
    assert_int_equal(world->fake->conditions_failed, 0);
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "lastSeen"),
                        "{\"N\":\"1700000070\"}");
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "expiresAt"),
                        "{\"N\":\"1700000170\"}");
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "firstSeen"),
                        "{\"N\":\"1700000000\"}");
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m1f"));
    assert_string_equal(fake_dynamodb_get(world->fake, LEASES, SHARD_1, "checkpoint"),
                        "{\"S\":\"70\"}");
    assert_int_equal(flight.flush.total_count, TAGS);
    for (size_t i = 0; i < flight.flush.total_count; i++) {
        const struct ht_table_total *total = &flight.flush.totals[i];
        assert_true(total->exists);
        assert_int_equal(total->count, truth(index_of_tag(total->hashtag), (uint64_t[]){50, 70}));
        assert_int_equal(total->first_seen_s, NOW_S);
        assert_int_equal(total->last_seen_s, NOW_S + 70);
    }
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void the_older_notebooks_items_are_taken_over(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"41\"}", NULL);
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "beta", "htCount", "{\"S\":\"x\"}", NULL);
    open_loaded(world);
    assert_int_equal(world->loaded_counts[0], 41);
    assert_int_equal(world->loaded_times[1], 0);
    assert_int_equal(world->expected, 2);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->items_skipped, 1);
    assert_int_equal(world->window_parts, 1);
    fake_dynamodb_remove(world->fake, TABLE, "beta");
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){6, 0}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(stored(world, 0), 41 + truth(0, (uint64_t[]){6, 0}));
}

/* The table counts up to `before`; then (from, 100] is flushed. */
static void flush_over(struct world *world, uint64_t before, uint64_t from)
{
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){before, 10}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    board(world, &flight, (uint64_t[]){from, 10}, (uint64_t[]){100, 10}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, (uint64_t[]){before > 100 ? before : 100, 10});
    close_table(world);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        fake_dynamodb_remove(world->fake, TABLE, tag_names[tag]);
    }
    fake_dynamodb_remove(world->fake, LEASES, SHARD_0);
    fake_dynamodb_remove(world->fake, LEASES, SHARD_1);
}

static void a_mark_at_any_border_is_counted_on_from(void **state)
{
    struct world *world = *state;
    static const uint64_t borders[][2] = {{50, 50}, {50, 0},  {50, 49},  {50, 43}, {99, 10},
                                          {100, 0}, {120, 0}, {120, 99}, {1, 0},   {7, 3}};
    for (size_t i = 0; i < HT_COUNT_OF(borders); i++) {
        for (int hides = 0; hides < 2; hides++) {
            world->fake->hides_failed_item = hides == 1;
            flush_over(world, borders[i][0], borders[i][1]);
        }
    }
}

static void lost_answers_at_each_step_change_nothing(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    uint64_t at[SHARDS] = {0, 0};
    for (unsigned lost = 0; lost < 20; lost++) {
        uint64_t to[SHARDS] = {at[0] + 20, at[1] + 30};
        board(world, &flight, at, to, NULL);
        start_flush(world, &flight);
        for (unsigned step = 0; !flight.is_done && step < 1000; step++) {
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, step == lost ? FAKE_LOST_AFTER : FAKE_NONE);
            ht_manual_clock_advance_ms(&world->clock, 20);
        }
        assert_true(flight.is_done);
        if (flight.flush.status != 0) { /* the checkpoint's answer */
            assert_int_equal(flush_now(world, &flight), 0);
        }
        assert_counts(world, to);
        memcpy(at, to, sizeof(at));
    }
}

static void a_flush_that_is_tried_again_sends_nothing_twice(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    flight.deletes[0] = ht_slice_text("beta");
    flight.flush.delete_count = 1;
    world->window_status = HT_ENOSPC;
    assert_int_equal(flush_now(world, &flight), HT_ENOSPC);
    uint64_t updates = world->fake->updates, deletes = world->fake->deletes;
    assert_int_equal(flush_now(world, &flight), HT_ENOSPC);
    world->window_status = 0;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(world->fake->updates, updates);
    assert_int_equal(world->fake->deletes, deletes);
    assert_int_equal(world->window_flushes, 3);
    assert_int_equal(flight.flush.removed_count, 1);
    assert_int_equal(flight.flush.removed[0].item.count, truth(1, (uint64_t[]){50, 50}));
    assert_true(ht_slice_equal(flight.flush.removed[0].item.hashtag, HT_SLICE("beta")));
    assert_null(fake_dynamodb_find(world->fake, TABLE, "beta"));
    assert_int_equal(flight.flush.total_count, TAGS - 1);
}

static void a_deletion_whose_answer_was_lost_is_told_all_the_same(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}",
                      "lastSeen", "{\"N\":\"55\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){0, 0}, NULL);
    flight.flush.checkpoint_count = 0;
    flight.deletes[0] = ht_slice_text("alpha");
    flight.deletes[1] = ht_slice_text("beta");
    flight.flush.delete_count = 2;
    start_flush(world, &flight);
    while (!flight.is_done) {
        (void)ht_timer_queue_run(&world->timers);
        struct ht_aws_call *call = fake_aws_next(&world->fake->client);
        bool loses = call != NULL && strcmp(call->operation, "DeleteItem") == 0 &&
                     fake_dynamodb_find(world->fake, TABLE, "alpha") != NULL;
        (void)fake_dynamodb_serve(world->fake, loses ? FAKE_LOST_AFTER : FAKE_NONE);
        ht_manual_clock_advance_ms(&world->clock, 20);
    }
    assert_int_equal(flight.flush.status, 0);
    assert_int_equal(flight.flush.removed_count, 1);
    assert_int_equal(flight.flush.removed[0].item.count, 9);
    assert_int_equal(flight.flush.removed[0].item.last_seen_s, 55);
    assert_int_equal(world->fake->deletes, 2);
}

static void throttles_make_it_slower_and_lose_nothing(void **state)
{
    struct world *world = *state;
    struct flight flight;
    struct ht_random chance;
    ht_random_init(&chance, 5);
    open_loaded(world);
    uint64_t at[SHARDS] = {0, 0};
    for (unsigned round = 0; round < 40; round++) {
        uint64_t to[SHARDS] = {at[0] + 30, at[1] + 30};
        board(world, &flight, at, to, NULL);
        start_flush(world, &flight);
        for (unsigned step = 0; !flight.is_done && step < 5000; step++) {
            (void)ht_timer_queue_run(&world->timers);
            struct ht_aws_call *call = fake_aws_next(&world->fake->client);
            bool is_item = call != NULL && strcmp(call->resource, "table " TABLE) == 0;
            bool throttles = is_item && ht_random_below(&chance, 3) == 0;
            (void)fake_dynamodb_serve(world->fake, throttles ? FAKE_THROTTLED : FAKE_NONE);
            ht_manual_clock_advance_ms(&world->clock, 10);
        }
        assert_true(flight.is_done);
        assert_int_equal(flight.flush.status, 0);
        memcpy(at, to, sizeof(at));
    }
    assert_counts(world, at);
    const struct ht_dynamodb_table_counters *counters = ht_dynamodb_table_counters(world->table);
    assert_true(counters->throttled > 50);
    assert_true(counters->window < 60);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void without_any_progress_a_try_ends_and_says_why(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    world->fake->refuses = "ThrottlingException";
    start_flush(world, &flight);
    pass(world, 9000);
    assert_false(flight.is_done);
    pass(world, 4000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, HT_EBUSY);
    assert_int_equal(world->table->health.state, HT_HEALTH_WAITING);
    world->fake->refuses = "AccessDeniedException";
    start_flush(world, &flight);
    pass(world, 6000);
    assert_int_equal(flight.flush.status, HT_EPERMISSION);
    assert_int_equal(world->table->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->table->health.text, "dynamodb:UpdateItem"));
    world->fake->refuses = NULL;
    start_flush(world, &flight);
    pass(world, 6000);
    assert_int_equal(flight.flush.status, 0);
    assert_counts(world, (uint64_t[]){50, 50});
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void a_load_waits_for_the_table_and_for_its_right_key(void **state)
{
    struct world *world = *state;
    world->fake->refuses = "ResourceNotFoundException";
    open_table(world);
    pass(world, 3000);
    assert_int_equal(world->table->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->table->health.text, "hashtagd setup"));
    world->fake->refuses = NULL;
    world->fake->key_type = "N";
    pass(world, 30000);
    assert_false(world->is_loaded);
    assert_non_null(strstr(world->table->health.text, "another key"));
    world->fake->key_type = NULL;
    pass(world, 30000);
    assert_true(world->is_loaded);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void a_load_with_faults_gives_each_item_once(void **state)
{
    struct world *world = *state;
    struct ht_random chance;
    ht_random_init(&chance, 9);
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned tag = 0; tag < TAGS; tag++) {
            fake_dynamodb_put(world->fake, TABLE, "hashtag", tag == 4 ? "alpha" : tag_names[tag],
                              "htCount", "{\"N\":\"3\"}", "m1f", "{\"S\":\"00212\"}", NULL);
        }
        open_table(world);
        for (unsigned step = 0; !world->is_loaded && step < 100000; step++) {
            enum fake_fault fault =
                ht_random_below(&chance, 3) == 0
                    ? (enum fake_fault)ht_random_below(&chance, FAKE_BROKEN_ANSWER + 1)
                    : FAKE_NONE;
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, fault);
            ht_manual_clock_advance_ms(&world->clock, 10);
        }
        assert_true(world->is_loaded);
        for (unsigned tag = 0; tag < TAGS; tag++) {
            assert_int_equal(world->loaded_times[tag], tag == 4 ? 0 : 1);
            assert_int_equal(world->marks[1][tag], tag == 4 ? 0 : 12);
        }
        close_table(world);
    }
}

static void refreshes_tell_what_is_there(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){0, 0}, NULL);
    const struct ht_slice refreshes[] = {HT_SLICE("alpha"), HT_SLICE("gamma")};
    flight.flush.refreshes = refreshes;
    flight.flush.refresh_count = 2;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(flight.flush.total_count, 2);
    assert_true(flight.flush.totals[0].exists);
    assert_int_equal(flight.flush.totals[0].count, 9);
    assert_false(flight.flush.totals[1].exists);
}

static void marks_of_ended_shards_are_removed_after_a_while(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    board(world, &flight, (uint64_t[]){50, 50}, (uint64_t[]){50, 100}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    pass(world, 16 * 60 * 1000);
    board(world, &flight, (uint64_t[]){50, 100}, (uint64_t[]){50, 150}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m1f"));
    assert_counts(world, (uint64_t[]){50, 150});
}

static void one_malformed_item_does_not_stop_the_others(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"1\"}", "m0",
                      "{\"S\":\"no mark\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->refused, 1);
    assert_int_equal(stored(world, 0), 1);
    assert_int_equal(stored(world, 1), truth(1, (uint64_t[]){50, 0}));
    assert_int_equal(world->table->health.errors, 1);
}

/* The process ends at any point: what was under way may have taken effect or not. */
static void crash(struct world *world, struct ht_random *chance)
{
    while (fake_aws_next(&world->fake->client) != NULL) {
        fake_dynamodb_serve(world->fake,
                            ht_random_below(chance, 2) == 0 ? FAKE_LOST_BEFORE : FAKE_LOST_AFTER);
    }
    /* Nothing of the old process may write any more: its clock runs out, its requests are lost. */
    world->fake->refuses = "ThrottlingException";
    world->table->ops->close(world->table, on_closed, world);
    for (unsigned i = 0; i < 400 && !world->is_closed; i++) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        settle(world);
    }
    assert_true(world->is_closed);
    world->table->ops->destroy(world->table);
    world->table = NULL;
    world->fake->refuses = NULL;
}

static void open_again(struct world *world)
{
    open_table(world);
    for (unsigned i = 0; i < 1000 && !world->is_loaded; i++) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        settle(world);
    }
    assert_true(world->is_loaded);
}

/* What the process before wrote beyond its checkpoint is there already. */
static void assert_counts_with_marks(struct world *world, const uint64_t to[SHARDS])
{
    for (unsigned tag = 0; tag < TAGS; tag++) {
        uint64_t reached[SHARDS];
        for (unsigned shard = 0; shard < SHARDS; shard++) {
            uint64_t mark = world->marks[shard][tag];
            reached[shard] = mark > to[shard] ? mark : to[shard];
        }
        assert_int_equal(stored(world, tag), truth(tag, reached));
    }
}

/* Flushes whose borders differ after each start, any faults, any crash: sums are right. */
static void any_faults_and_crashes_leave_counts_exact(void **state)
{
    struct world *world = *state;
    struct ht_random chance;
    ht_random_init(&chance, 20260102);
    uint64_t at[SHARDS] = {0, 0}, crashes = 0, partial = 0;
    open_loaded(world);
    for (unsigned round = 0; round < 1000; round++) {
        struct flight flight;
        uint64_t to[SHARDS] = {at[0] + ht_random_below(&chance, 20),
                               at[1] + ht_random_below(&chance, 20)};
        /* Sometimes as if no mark had come with the table: then the conditions must find out. */
        bool knows_marks = ht_random_below(&chance, 2) == 0;
        board(world, &flight, at, to, knows_marks ? (const uint64_t(*)[TAGS])world->marks : NULL);
        world->fake->hides_failed_item = ht_random_below(&chance, 2) == 0;
        bool crashes_now = ht_random_below(&chance, 3) == 0;
        unsigned steps = crashes_now ? (unsigned)ht_random_below(&chance, 40) : 20000;
        unsigned one_in = ht_random_below(&chance, 2) == 0 ? 3 : 20;
        start_flush(world, &flight);
        for (unsigned step = 0; step < steps; step++) {
            enum fake_fault fault =
                ht_random_below(&chance, one_in) == 0
                    ? (enum fake_fault)ht_random_below(&chance, FAKE_BROKEN_ANSWER + 1)
                    : FAKE_NONE;
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, fault);
            ht_manual_clock_advance_ms(&world->clock, ht_random_below(&chance, 30));
            if (flight.is_done && flight.flush.status == 0) {
                break;
            }
            if (flight.is_done) {
                start_flush(world, &flight);
            }
        }
        if (crashes_now) {
            crashes++;
            partial += ht_dynamodb_table_counters(world->table)->already_counted;
            crash(world, &chance);
            open_again(world);
            memcpy(at, world->checkpoints, sizeof(at));
        } else {
            assert_true(flight.is_done);
            assert_int_equal(flight.flush.status, 0);
            memcpy(at, to, sizeof(at));
            assert_counts_with_marks(world, at);
        }
    }
    assert_true(crashes > 200 && partial > 100);
}

static void closing_waits_for_a_flush_but_not_for_ever(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    start_flush(world, &flight);
    world->table->ops->close(world->table, on_closed, world);
    settle(world);
    pass(world, 1000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, 0);
    pass(world, 2000);
    assert_true(world->is_closed);
    assert_null(fake_dynamodb_get(world->fake, LEASES, SHARD_0, "leaseOwner"));
    world->table->ops->destroy(world->table);
    world->table = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(counts_times_marks_and_positions_are_written),
        TEST(the_older_notebooks_items_are_taken_over),
        TEST(a_mark_at_any_border_is_counted_on_from),
        TEST(lost_answers_at_each_step_change_nothing),
        TEST(a_flush_that_is_tried_again_sends_nothing_twice),
        TEST(a_deletion_whose_answer_was_lost_is_told_all_the_same),
        TEST(throttles_make_it_slower_and_lose_nothing),
        TEST(without_any_progress_a_try_ends_and_says_why),
        TEST(a_load_waits_for_the_table_and_for_its_right_key),
        TEST(a_load_with_faults_gives_each_item_once),
        TEST(refreshes_tell_what_is_there),
        TEST(marks_of_ended_shards_are_removed_after_a_while),
        TEST(one_malformed_item_does_not_stop_the_others),
        TEST(any_faults_and_crashes_leave_counts_exact),
        TEST(closing_waits_for_a_flush_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
