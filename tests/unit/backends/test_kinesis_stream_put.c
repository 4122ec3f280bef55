// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"

#include "kinesis_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_aws_client world;
static unsigned order;

/* A put of numbered records. */
struct putter {
    struct ht_stream_put put;
    struct ht_put_record *records;
    char (*texts)[24];
    unsigned done;
    unsigned order; /* the how manieth put that was done */
    int status;
    struct ht_error error;
};

static void on_put(struct ht_stream_put *put)
{
    struct putter *putter = put->user;
    putter->done++;
    putter->order = order++;
    putter->status = put->status;
    putter->error = put->error;
}

/* Records "<name>0", "<name>1", ... with a key each; `keys` 1: all with the key "k". */
static void init_putter(struct putter *putter, const char *name, size_t count, bool is_one_key)
{
    memset(putter, 0, sizeof(*putter));
    putter->records = calloc(count, sizeof(*putter->records));
    putter->texts = calloc(count, sizeof(*putter->texts));
    for (size_t i = 0; i < count; i++) {
        snprintf(putter->texts[i], sizeof(putter->texts[i]), "%s%zu", name, i);
        putter->records[i] = (struct ht_put_record){
            .data = ht_slice_text(putter->texts[i]),
            .partition_key = ht_slice_text(is_one_key ? "k" : putter->texts[i]),
            .status = 99};
    }
    putter->put = (struct ht_stream_put){
        .records = putter->records, .count = count, .done = on_put, .user = putter};
}

static void start_put(struct putter *putter)
{
    world.stream->ops->put(world.stream, &putter->put);
    assert_int_equal(putter->done, 0);
}

static void put(struct putter *putter, uint64_t ms)
{
    start_put(putter);
    world_run(&world, ms);
    assert_int_equal(putter->done, 1);
}

static void finish_putter(struct putter *putter)
{
    free(putter->records);
    free(putter->texts);
}

static size_t stored(void)
{
    size_t count = 0;
    for (size_t i = 0; i < world.shard_count; i++) {
        count += world.shards[i].count;
    }
    return count;
}

/* How often a text is stored. */
static size_t times(const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < world.shard_count; i++) {
        for (size_t k = 0; k < world.shards[i].count; k++) {
            const struct world_record *record = &world.shards[i].records[k];
            count +=
                record->length == strlen(text) && memcmp(record->data, text, record->length) == 0;
        }
    }
    return count;
}

static int set_up(void **state)
{
    (void)state;
    world_start(&world, 2);
    order = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_finish(&world);
    return 0;
}

static void records_are_stored_with_their_keys(void **state)
{
    (void)state;
    struct putter putter;
    init_putter(&putter, "t", 3, false);
    put(&putter, 20);
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(putter.records[i].status, 0);
        assert_int_equal(times(putter.texts[i]), 1);
    }
    assert_int_equal(world.counts.puts, 1);
    assert_int_equal(world.stream->counters.records_put, 3);
    assert_int_equal(world.stream->counters.bytes_put, 6);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
    finish_putter(&putter);
}

static void a_put_of_nothing_is_done(void **state)
{
    (void)state;
    struct putter putter;
    init_putter(&putter, "t", 0, false);
    put(&putter, 1);
    assert_int_equal(putter.status, 0);
    assert_int_equal(world.counts.puts, 0);
    finish_putter(&putter);
}

static void requests_have_at_most_500_records_several_at_once(void **state)
{
    (void)state;
    struct putter putter;
    init_putter(&putter, "t", 2001, false);
    put(&putter, 50);
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 2001);
    assert_int_equal(world.counts.puts, 5);
    assert_int_equal(world.counts.put_most_records, 500);
    assert_int_equal(world.counts.puts_at_once, 4);
    finish_putter(&putter);
}

static void puts_can_be_kept_to_one_at_a_time(void **state)
{
    (void)state;
    struct putter putter;
    world_open(&world, &(struct ht_kinesis_stream_options){.puts_at_once = 1});
    init_putter(&putter, "t", 2001, false);
    put(&putter, 100);
    assert_int_equal(stored(), 2001);
    assert_int_equal(world.counts.puts_at_once, 1);
    finish_putter(&putter);
}

static void requests_have_at_most_so_many_bytes(void **state)
{
    (void)state;
    static char text[300 * 1024];
    struct putter putter;
    world_open(&world, &(struct ht_kinesis_stream_options){.max_request_bytes = 1024 * 1024});
    init_putter(&putter, "t", 20, false);
    for (size_t i = 0; i < 20; i++) {
        putter.records[i].data = ht_slice_make(text, sizeof(text));
    }
    put(&putter, 100);
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 20);
    assert_int_equal(world.counts.put_most_records, 3);
    assert_true(world.counts.put_most_bytes <= 1024 * 1024);
    finish_putter(&putter);
}

static void what_cannot_be_stored_is_refused_alone(void **state)
{
    (void)state;
    char *text = calloc(1, HT_STREAM_MAX_RECORD_BYTES);
    char key[257];
    struct putter putter;
    memset(key, 'k', sizeof(key));
    init_putter(&putter, "t", 6, false);
    putter.records[0].data = ht_slice_make(text, HT_STREAM_MAX_RECORD_BYTES - 1);
    putter.records[1].data = ht_slice_make(text, HT_STREAM_MAX_RECORD_BYTES - 2);
    putter.records[2].data.length = 0;
    putter.records[3].partition_key.length = 0;
    putter.records[4].partition_key = ht_slice_make(key, sizeof(key));
    put(&putter, 50);
    static const int statuses[] = {HT_ETOOBIG, 0, HT_EINVAL, HT_EINVAL, HT_EINVAL, 0};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(putter.records[i].status, statuses[i]);
    }
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 2);
    assert_int_equal(world.stream->counters.records_refused, 4);
    finish_putter(&putter);
    free(text);
}

static size_t bad_first, bad_last;
static unsigned bad_puts;
static const char *bad_code;

static const char *fail_range(unsigned put_number, size_t index, const char *key)
{
    (void)key;
    return put_number < bad_puts && index >= bad_first && index <= bad_last ? bad_code : NULL;
}

static void only_failed_records_are_sent_again(void **state)
{
    (void)state;
    static const char *const codes[] = {"ProvisionedThroughputExceededException",
                                        "InternalFailure"};
    for (size_t first = 0; first < 5; first++) {
        for (size_t last = first; last < 5; last++) {
            struct putter putter;
            size_t before = stored();
            unsigned puts = world.counts.puts;
            bad_first = first;
            bad_last = last;
            bad_puts = puts + 1;
            bad_code = codes[last % 2];
            world.put_fault = fail_range;
            init_putter(&putter, "t", 5, false);
            put(&putter, 1000);
            assert_int_equal(putter.status, 0);
            assert_int_equal(stored(), before + 5);
            assert_true(world.counts.puts > puts + 1);
            finish_putter(&putter);
        }
    }
}

static bool is_hot(const char *key)
{
    return (unsigned char)key[strlen(key) - 1] % 2 == 0;
}

static uint64_t hot_until_ms;

static const char *throttle_hot(unsigned put_number, size_t index, const char *key)
{
    (void)put_number;
    (void)index;
    return is_hot(key) && ht_clock_monotonic_ms(&world.manual.clock) < hot_until_ms
               ? "ProvisionedThroughputExceededException"
               : NULL;
}

static void a_throttled_shard_backs_off_while_the_others_go_on(void **state)
{
    (void)state;
    struct putter putters[3];
    hot_until_ms = ht_clock_monotonic_ms(&world.manual.clock) + 20000;
    world.put_fault = throttle_hot;
    for (size_t i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%zu-", i);
        init_putter(&putters[i], name, 100, false);
        start_put(&putters[i]);
        world_run(&world, 100);
    }
    world_run(&world, 2000);
    assert_int_equal(stored(), 150);
    assert_int_equal(putters[0].done, 0);
    world_run(&world, 26000);
    assert_int_equal(stored(), 300);
    assert_true(world.counts.puts < 60);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(putters[i].done, 1);
        assert_int_equal(putters[i].status, 0);
        finish_putter(&putters[i]);
    }
}

static struct ht_random dice;

static const char *fail_at_random(unsigned put_number, size_t index, const char *key)
{
    (void)put_number;
    (void)index;
    (void)key;
    return ht_random_below(&dice, 3) == 0 ? "InternalFailure" : NULL;
}

/* The records of each key stand in the order in which they were put, whatever fails. */
static void the_order_of_a_key_is_kept(void **state)
{
    (void)state;
    struct putter putters[20];
    char keys[5][8];
    ht_random_init(&dice, 3);
    world.put_fault = fail_at_random;
    for (size_t i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%zu-", i);
        init_putter(&putters[i], name, 30, false);
        for (size_t k = 0; k < 30; k++) {
            snprintf(keys[k % 5], sizeof(keys[0]), "key%zu", k % 5);
            putters[i].records[k].partition_key = ht_slice_text(keys[k % 5]);
        }
        start_put(&putters[i]);
        world_run(&world, i % 3);
    }
    world_run(&world, 55000);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(putters[i].done, 1);
        finish_putter(&putters[i]);
    }
    assert_int_equal(stored(), 600);
    unsigned last[5] = {0};
    for (size_t i = 0; i < world.shard_count; i++) {
        for (size_t k = 0; k < world.shards[i].count; k++) {
            const struct world_record *record = &world.shards[i].records[k];
            char text[24];
            char *end;
            snprintf(text, sizeof(text), "%.*s", (int)record->length, record->data);
            unsigned number = (unsigned)strtoul(text, &end, 10) * 100 + 1;
            number += (unsigned)strtoul(end + 1, NULL, 10);
            size_t key = (size_t)(record->key[3] - '0');
            assert_true(number > last[key]);
            last[key] = number;
        }
    }
}

static void a_lost_answer_is_put_again_whole(void **state)
{
    (void)state;
    struct putter putter;
    world_fault(&world, (struct world_fault){"PutRecords", "", 0, NULL, true, 0, 1});
    init_putter(&putter, "t", 3, false);
    put(&putter, 1000);
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 6);
    assert_int_equal(times("t1"), 2);
    finish_putter(&putter);
    world_fault(&world,
                (struct world_fault){"PutRecords", NULL, 200, "{\"Records\":[]}", true, 0, 1});
    init_putter(&putter, "u", 3, false);
    put(&putter, 1000);
    assert_int_equal(putter.status, 0);
    assert_int_equal(times("u2"), 2);
    finish_putter(&putter);
}

static void trouble_that_lasts_ends_the_put_and_heals(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int http_status, status;
        enum ht_health_state health;
        uint64_t least_ms, most_ms;
        const char *says;
    } cases[] = {
        {"", 0, HT_ECONNECTION, HT_HEALTH_WAITING, 55000, 70000, "PutRecords"},
        {"InternalFailureException", 500, HT_ECONNECTION, HT_HEALTH_WAITING, 55000, 70000,
         "PutRecords"},
        {"ProvisionedThroughputExceededException", 400, HT_EBUSY, HT_HEALTH_WAITING, 55000, 70000,
         "PutRecords"},
        {"AccessDeniedException", 400, HT_EPERMISSION, HT_HEALTH_FAILED, 0, 100,
         "Allow kinesis:PutRecords"},
        {"ResourceNotFoundException", 400, HT_ENOTFOUND, HT_HEALTH_FAILED, 0, 100,
         "hashtagd setup"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct putter putter;
        size_t before = stored();
        unsigned puts = world.counts.puts;
        world_fault(&world, (struct world_fault){"PutRecords", cases[i].code, cases[i].http_status,
                                                 NULL, false, 0, 1000});
        init_putter(&putter, "t", 1500, false);
        start_put(&putter);
        uint64_t start = world.manual.now_ns;
        while (putter.done == 0) {
            world_run(&world, 10);
        }
        assert_in_range((world.manual.now_ns - start) / 1000000, cases[i].least_ms,
                        cases[i].most_ms);
        assert_int_equal(putter.status, cases[i].status);
        assert_int_equal(world.stream->health.state, cases[i].health);
        assert_non_null(strstr(world.stream->health.text, cases[i].says));
        assert_int_equal(world.counts.puts, puts);
        memset(world.faults, 0, sizeof(world.faults));
        putter.done = 0;
        put(&putter, 10000);
        assert_int_equal(putter.status, 0);
        assert_int_equal(stored(), before + 1500);
        assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
        for (size_t shard = 0; shard < world.shard_count; shard++) {
            for (size_t k = 0; k < world.shards[shard].count; k++) {
                free(world.shards[shard].records[k].data);
            }
            world.shards[shard].count = 0;
        }
        finish_putter(&putter);
    }
}

static void a_put_behind_one_that_gave_up_goes_on(void **state)
{
    (void)state;
    struct putter first;
    struct putter second;
    world_fault(&world, (struct world_fault){"PutRecords", "AccessDeniedException", 400, NULL,
                                             false, 0, 1});
    init_putter(&first, "a", 3, true);
    init_putter(&second, "b", 3, true);
    start_put(&first);
    start_put(&second);
    world_run(&world, 2000);
    assert_int_equal(first.done, 1);
    assert_int_equal(first.status, HT_EPERMISSION);
    assert_int_equal(second.done, 1);
    assert_int_equal(second.status, 0);
    assert_int_equal(stored(), 3);
    assert_int_equal(times("b2"), 1);
    finish_putter(&first);
    finish_putter(&second);
}

/* The service refuses any request with the record "t77" in it. */
static void one_record_that_is_refused_does_not_sink_the_others(void **state)
{
    (void)state;
    struct putter putter;
    world.poison_key = "t77";
    init_putter(&putter, "t", 200, false);
    put(&putter, 2000);
    assert_int_equal(putter.status, 0);
    assert_int_equal(stored(), 199);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(putter.records[i].status, i == 77 ? HT_EINVAL : 0);
    }
    finish_putter(&putter);
}

static void the_cursor_is_kept_when_the_records_are_stored(void **state)
{
    (void)state;
    struct putter putter;
    init_putter(&putter, "t", 3, false);
    putter.put.source_cursor = HT_SLICE("line 3");
    start_put(&putter);
    assert_int_equal(world.stream->ops->source_cursor(world.stream).length, 0);
    world_run(&world, 100);
    assert_true(ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("line 3")));
    finish_putter(&putter);
    init_putter(&putter, "u", 1, false);
    put(&putter, 100);
    assert_true(ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("line 3")));
    finish_putter(&putter);
    world_fault(&world, (struct world_fault){"PutRecords", "AccessDeniedException", 400, NULL,
                                             false, 0, 1});
    init_putter(&putter, "v", 1, false);
    putter.put.source_cursor = HT_SLICE("line 4");
    put(&putter, 100);
    assert_true(ht_slice_equal(world.stream->ops->source_cursor(world.stream), HT_SLICE("line 3")));
    finish_putter(&putter);
}

static void closing_finishes_what_is_being_put(void **state)
{
    (void)state;
    struct putter putters[3];
    world.latency_ms = 50;
    for (size_t i = 0; i < 3; i++) {
        init_putter(&putters[i], i == 0 ? "a" : i == 1 ? "b" : "c", 1200, i == 2);
        putters[i].put.count = i == 2 ? 20 : 1200;
        start_put(&putters[i]);
    }
    world_run(&world, 10);
    world_close(&world);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(putters[i].done, 1);
        assert_int_equal(putters[i].status, 0);
        finish_putter(&putters[i]);
    }
    assert_int_equal(stored(), 2420);
}

static void closing_does_not_wait_for_what_keeps_failing(void **state)
{
    (void)state;
    struct putter putter;
    world_fault(&world, (struct world_fault){"PutRecords", "", 0, NULL, false, 0, 1000});
    init_putter(&putter, "t", 700, false);
    start_put(&putter);
    world_run(&world, 10);
    world_close(&world);
    assert_int_equal(putter.done, 1);
    assert_int_equal(putter.status, HT_ECONNECTION);
    finish_putter(&putter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_stored_with_their_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_put_of_nothing_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_have_at_most_500_records_several_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(puts_can_be_kept_to_one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_have_at_most_so_many_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_stored_is_refused_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_failed_records_are_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_throttled_shard_backs_off_while_the_others_go_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_order_of_a_key_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_put_again_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_that_lasts_ends_the_put_and_heals, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_put_behind_one_that_gave_up_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_record_that_is_refused_does_not_sink_the_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_cursor_is_kept_when_the_records_are_stored, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(closing_finishes_what_is_being_put, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_does_not_wait_for_what_keeps_failing, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
