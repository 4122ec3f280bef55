// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"

#include "../../../src/backends/kinesis_stream_internal.h"
#include "kinesis_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_aws_client world;

static void after(struct reader *reader, const char *sequence, uint64_t sub)
{
    ht_position_after(&reader->next, ht_slice_text(sequence), sub);
}

static int set_up(void **state)
{
    (void)state;
    world_start(&world, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_finish(&world);
    return 0;
}

/* The last read comes back. */
static void stop(struct reader *reader)
{
    reader->goes_on = false;
    world_run(&world, 2000);
}

static void each_kind_of_place_has_its_iterator(void **state)
{
    (void)state;
    const char *first = world_add_text(&world, 0, "a");
    world_add_text(&world, 0, "b");
    static const struct {
        enum ht_position_kind kind;
        const char *type;
        size_t records;
    } cases[] = {
        {HT_POSITION_TRIM_HORIZON, "TRIM_HORIZON", 2}, {HT_POSITION_LATEST, "LATEST", 0},
        {HT_POSITION_AT_TIME, "AT_TIMESTAMP", 0},      {HT_POSITION_AFTER, "AT_SEQUENCE_NUMBER", 1},
        {HT_POSITION_BEFORE, "AT_SEQUENCE_NUMBER", 1},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct reader reader;
        reader_init(&reader, &world, 0, cases[i].kind);
        after(&reader, first, 0);
        reader.next.kind = cases[i].kind;
        reader.next.time_ms = 1600000000000;
        reader_read_once(&reader);
        assert_int_equal(reader.status, 0);
        assert_string_equal(world.counts.iterator_type, cases[i].type);
        assert_int_equal(reader.count, cases[i].records);
    }
    assert_int_equal(world.stream->counters.gap_records, 0);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
}

static void reading_goes_on_with_the_same_iterator(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world_add_text(&world, 0, "a");
    reader_read_once(&reader);
    world_add_text(&world, 0, "b");
    reader_read_once(&reader);
    assert_int_equal(reader.count, 2);
    assert_string_equal(reader.texts[1], "b");
    assert_int_equal(world.counts.iterators, 1);
    assert_int_equal(world.stream->counters.records_read, 2);
    assert_int_equal(world.stream->counters.bytes_read, 2);
}

static void at_the_tip_a_read_waits_and_comes_back_empty(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    uint64_t start = world.manual.now_ns;
    reader_read_once(&reader);
    assert_int_equal(reader.count, 0);
    assert_int_equal(reader.behind_ms, 0);
    assert_in_range((world.manual.now_ns - start) / 1000000, 1000, 1100);
    assert_in_range(world.counts.gets, 2, 4);
}

static void a_hurried_read_asks_once_and_comes_back(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.read.wait_ms = 0;
    reader_read_once(&reader);
    assert_int_equal(world.counts.gets, 1);
    reader_read_once(&reader);
    assert_int_equal(world.counts.gets, 2);
    world_add_text(&world, 0, "a");
    reader_read_once(&reader);
    assert_int_equal(reader.count, 1);
}

static void records_are_seen_within_a_second(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 20000);
    unsigned gets = world.counts.gets;
    assert_in_range(gets, 19, 24);
    world_add_text(&world, 0, "a");
    world_run(&world, 1020);
    assert_int_equal(reader.count, 1);
    stop(&reader);
}

static void calls_keep_the_pace_while_there_is_more(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world.get_most_bytes = 1;
    world.hides_lag = true;
    for (int i = 0; i < 100; i++) {
        world_add_text(&world, 0, "a");
    }
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 10000);
    assert_in_range(world.counts.gets, 45, 53);
    assert_int_equal(reader.count, world.counts.gets);
    stop(&reader);
}

static void only_an_empty_answer_tells_the_tip(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world.hides_lag = true;
    world_add_text(&world, 0, "a");
    reader_read_once(&reader);
    assert_true(reader.behind_ms > 0);
    reader_read_once(&reader);
    assert_int_equal(reader.behind_ms, 0);
}

static void an_expired_iterator_is_replaced_behind_the_last_record(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    const char *last = world_add_text(&world, 0, "a");
    reader_read_once(&reader);
    world_add_text(&world, 0, "b");
    world_fault(&world, (struct world_fault){"GetRecords", "ExpiredIteratorException", 400, NULL,
                                             false, 0, 2});
    reader_read_once(&reader);
    assert_int_equal(reader.status, 0);
    assert_int_equal(reader.count, 2);
    assert_string_equal(world.counts.iterator_type, "AFTER_SEQUENCE_NUMBER");
    assert_string_equal(world.counts.iterator_sequence, last);
    /* one that is old by the clock is not even tried */
    world_run(&world, 400000);
    world_add_text(&world, 0, "c");
    reader_read_once(&reader);
    assert_int_equal(reader.count, 3);
}

static void iterators_that_always_expire_end_in_an_error(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world_fault(&world, (struct world_fault){"GetRecords", "ExpiredIteratorException", 400, NULL,
                                             false, 0, 1000});
    reader_read_once(&reader);
    assert_true(reader.status != 0);
    assert_true(world.counts.gets < 20);
    memset(world.faults, 0, sizeof(world.faults));
    world_add_text(&world, 0, "a");
    reader_read_once(&reader);
    assert_int_equal(reader.count, 1);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
}

static void latest_loses_nothing_when_its_iterator_expires(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_LATEST);
    world_add_text(&world, 0, "old");
    reader_read_once(&reader);
    assert_int_equal(reader.next.kind, HT_POSITION_AT_TIME);
    assert_int_equal(reader.next.time_ms, 1700000000000);
    world_run(&world, 400000);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 100);
    assert_string_equal(world.counts.iterator_type, "AT_TIMESTAMP");
    world_run(&world, 1000);
    world_add_text(&world, 0, "new");
    world_run(&world, 2000);
    stop(&reader);
    assert_int_equal(reader.count, 1);
    assert_string_equal(reader.texts[0], "new");
}

static void a_trimmed_place_is_a_counted_gap(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_AFTER);
    after(&reader, world_add_text(&world, 0, "a"), 0);
    world_add_text(&world, 0, "b");
    world_add_text(&world, 0, "c");
    world_trim(&world, 0, 2);
    reader_read_once(&reader);
    assert_int_equal(reader.count, 1);
    assert_string_equal(reader.texts[0], "c");
    assert_int_equal(world.stream->counters.gap_records, 1);
    world_add_text(&world, 0, "d");
    reader_read_once(&reader);
    assert_int_equal(world.stream->counters.gap_records, 1);
}

static void a_refused_place_is_a_gap_too_and_nothing_comes_twice(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_AFTER);
    world_add_text(&world, 0, "a");
    after(&reader, world_add_text(&world, 0, "b"), 0);
    world_add_text(&world, 0, "c");
    world_fault(&world, (struct world_fault){"GetShardIterator", "InvalidArgumentException", 400,
                                             NULL, false, 0, 1});
    reader_read_once(&reader);
    assert_string_equal(world.counts.iterator_type, "TRIM_HORIZON");
    assert_int_equal(reader.count, 1);
    assert_string_equal(reader.texts[0], "c");
    assert_int_equal(world.stream->counters.gap_records, 1);
    /* from then on it is a place as any other */
    world_fault(&world, (struct world_fault){"GetRecords", "ExpiredIteratorException", 400, NULL,
                                             false, 0, 1});
    world_add_text(&world, 0, "d");
    reader_read_once(&reader);
    assert_string_equal(world.counts.iterator_type, "AFTER_SEQUENCE_NUMBER");
    assert_int_equal(reader.count, 2);
    /* and may be refused again, in other words */
    world_run(&world, 400000);
    world_fault(&world, (struct world_fault){"GetShardIterator", "ValidationException", 400, NULL,
                                             false, 0, 1});
    world_add_text(&world, 0, "e");
    reader_read_once(&reader);
    assert_int_equal(reader.count, 3);
    assert_string_equal(reader.texts[2], "e");
    assert_int_equal(world.stream->counters.gap_records, 2);
}

static void a_warm_start_gives_what_came_before(void **state)
{
    (void)state;
    struct reader reader;
    const char *warm = world_add_text(&world, 0, "a");
    world_add_text(&world, 0, "b");
    const char *at = world_add_text(&world, 0, "c");
    world_add_text(&world, 0, "d");
    reader_init(&reader, &world, 0, HT_POSITION_BEFORE);
    after(&reader, at, 0);
    reader.next.kind = HT_POSITION_BEFORE;
    snprintf(reader.next.warm_sequence, sizeof(reader.next.warm_sequence), "%s", warm);
    struct ht_position from = reader.next;
    reader_read_once(&reader);
    assert_int_equal(reader.count, 4);
    assert_string_equal(world.counts.iterator_sequence, warm);
    /* where the warm record is trimmed there is less of it, but no gap */
    world_trim(&world, 0, 1);
    reader.next = from;
    reader_read_once(&reader);
    assert_int_equal(reader.count, 7);
    assert_int_equal(world.stream->counters.gap_records, 0);
    /* where the place itself is, there is */
    world_trim(&world, 0, 3);
    reader.next = from;
    reader_read_once(&reader);
    assert_int_equal(reader.count, 8);
    assert_int_equal(world.stream->counters.gap_records, 1);
}

static void an_aggregated_record_is_gone_on_with_in_its_middle(void **state)
{
    (void)state;
    static const char *const texts[] = {"x", "y", "z"};
    char bytes[1200];
    world_add_text(&world, 0, "a");
    const char *sequence = world_add(&world, 0, reader_aggregate(bytes, texts, 3), "agg");
    world_add_text(&world, 0, "b");
    static const char *const all[] = {"a", "x", "y", "z", "b"};
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader_read_once(&reader);
    assert_int_equal(reader.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(reader.texts[i], all[i]);
        assert_int_equal(reader.subs[i], i >= 1 && i <= 3 ? i - 1 : 0);
    }
    for (uint64_t sub = 0; sub < 3; sub++) {
        reader_init(&reader, &world, 0, HT_POSITION_AFTER);
        after(&reader, sequence, sub);
        reader_read_once(&reader);
        assert_int_equal(reader.count, 3 - sub);
        assert_string_equal(reader.texts[0], all[2 + sub]);
    }
    assert_int_equal(world.stream->counters.gap_records, 0);
}

/* Small records take more memory than they have bytes: both together must fit. */
static void a_batch_takes_no_more_than_it_may(void **state)
{
    (void)state;
    static const char *const texts[] = {"x", "y", "z"};
    enum { RECORDS = 300, MAX_BYTES = 16 << 10 };
    char bytes[1200];
    struct reader reader;
    for (int i = 0; i < RECORDS; i++) {
        if (i % 10 == 9) {
            world_add(&world, 0, reader_aggregate(bytes, texts, 3), "agg");
        } else {
            world_add_text(&world, 0, "a");
        }
    }
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.max_bytes = MAX_BYTES;
    while (reader.count < RECORDS + RECORDS / 10 * 2) {
        reader_read_once(&reader);
        assert_int_equal(reader.status, 0);
    }
    assert_in_range(reader.most_bytes, MAX_BYTES / 4, MAX_BYTES);
    assert_in_range(world.counts.gets, 5, 30);
}

/* One record is always given, whatever it becomes. */
static void one_record_is_given_however_small_the_room_is(void **state)
{
    (void)state;
    static const char *const texts[] = {"x", "y", "z"};
    char bytes[1200];
    struct reader reader;
    world_add(&world, 0, reader_aggregate(bytes, texts, 3), "agg");
    world_add_text(&world, 0, "a");
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.max_bytes = 100;
    reader_read_once(&reader);
    assert_int_equal(reader.count, 3);
    reader_read_once(&reader);
    assert_int_equal(reader.count, 4);
}

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

static void list_shards(struct listing *listing)
{
    memset(listing, 0, sizeof(*listing));
    listing->list = (struct ht_stream_list){.done = on_list, .user = listing};
    world.stream->ops->list(world.stream, &listing->list);
    assert_int_equal(listing->done, 0);
    world_run(&world, 200);
    assert_int_equal(listing->done, 1);
}

static void a_split_shard_is_read_to_its_end_and_names_its_children(void **state)
{
    (void)state;
    struct reader reader;
    struct listing listing;
    world_add_text(&world, 0, "a");
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader_read_once(&reader);
    world_add_text(&world, 0, "b");
    size_t child = world_split(&world, 0);
    world.shards[child].is_listed = world.shards[child + 1].is_listed = false;
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 3000);
    assert_int_equal(reader.count, 2);
    assert_int_equal(reader.next.kind, HT_POSITION_END);
    assert_string_equal(reader.next.sequence_number, world.shards[0].records[1].sequence);
    /* the list lags behind: what the shard said is told all the same */
    list_shards(&listing);
    assert_int_equal(listing.count, 4);
    assert_string_equal(listing.shards[2].id, world.shards[child].id);
    assert_string_equal(listing.shards[2].parent_id, world.shards[0].id);
    assert_true(listing.shards[0].closed);
    assert_false(listing.shards[2].closed);
    world.shards[child].is_listed = world.shards[child + 1].is_listed = true;
    list_shards(&listing);
    assert_int_equal(listing.count, 4);
}

static void a_closed_shard_whose_iterators_go_on_ends_when_it_stays_empty(void **state)
{
    (void)state;
    struct reader reader;
    struct listing listing;
    world.never_ends = true;
    world_add_text(&world, 0, "a");
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 30000);
    assert_int_equal(reader.next.kind, HT_POSITION_AFTER);
    world_split(&world, 0);
    list_shards(&listing);
    world_run(&world, 3000);
    assert_int_equal(reader.next.kind, HT_POSITION_AFTER);
    unsigned iterators = world.counts.iterators;
    world_run(&world, 10000);
    assert_int_equal(reader.next.kind, HT_POSITION_END);
    assert_int_equal(world.counts.iterators, iterators + 1);
    assert_int_equal(reader.count, 1);
}

/* Emulators give the number of the last record: whoever has read that one is at the end. */
static void a_closed_shard_that_was_read_to_its_number_ends_at_once(void **state)
{
    (void)state;
    struct reader reader;
    struct listing listing;
    world.never_ends = true;
    world.ending = world_add_text(&world, 0, "a");
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 30000);
    assert_int_equal(reader.next.kind, HT_POSITION_AFTER);
    world_split(&world, 0);
    list_shards(&listing);
    unsigned iterators = world.counts.iterators;
    world_run(&world, 3000);
    assert_int_equal(reader.next.kind, HT_POSITION_END);
    assert_int_equal(world.counts.iterators, iterators);
    assert_int_equal(reader.count, 1);
}

static void a_throttled_shard_backs_off_alone(void **state)
{
    (void)state;
    struct reader throttled;
    struct reader other;
    reader_init(&throttled, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader_init(&other, &world, 1, HT_POSITION_TRIM_HORIZON);
    world_add_text(&world, 0, "a");
    world_add_text(&world, 1, "b");
    world_fault(&world, (struct world_fault){"GetRecords", "ProvisionedThroughputExceededException",
                                             400, NULL, false, 0, 3});
    reader_start(&throttled);
    world_run(&world, 7);
    reader_start(&other);
    world_run(&world, 100);
    assert_int_equal(throttled.done, 0);
    assert_int_equal(world.counts.gets, 0);
    world_run(&world, 5000);
    assert_int_equal(throttled.count, 1);
    assert_int_equal(other.count, 1);
    assert_int_equal(world.stream->counters.read_errors, 0);
}

static void trouble_is_told_and_heals(void **state)
{
    (void)state;
    static const struct {
        const char *operation, *code;
        int http_status, status;
        enum ht_health_state health;
        const char *says;
    } cases[] = {
        {"GetRecords", "", 0, HT_ECONNECTION, HT_HEALTH_WAITING, "request id"},
        {"GetRecords", "InternalFailureException", 500, HT_ECONNECTION, HT_HEALTH_WAITING,
         "GetRecords"},
        {"GetRecords", "ProvisionedThroughputExceededException", 400, HT_EBUSY, HT_HEALTH_WAITING,
         "GetRecords"},
        {"GetRecords", "AccessDeniedException", 400, HT_EPERMISSION, HT_HEALTH_FAILED,
         "Allow kinesis:GetRecords"},
        {"GetShardIterator", "AccessDeniedException", 400, HT_EPERMISSION, HT_HEALTH_FAILED,
         "Allow kinesis:GetShardIterator"},
        {"GetShardIterator", "ResourceNotFoundException", 400, HT_ENOTFOUND, HT_HEALTH_FAILED,
         "hashtagd setup"},
        {"GetRecords", "KMSAccessDeniedException", 400, HT_EINVAL, HT_HEALTH_FAILED, "KMS"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct reader reader;
        world_open(&world, &(struct ht_kinesis_stream_options){0});
        reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
        world_fault(&world, (struct world_fault){cases[i].operation, cases[i].code,
                                                 cases[i].http_status, NULL, false, 0, 100});
        reader_read_once(&reader);
        assert_int_equal(reader.status, cases[i].status);
        assert_int_equal(world.stream->health.state, cases[i].health);
        assert_non_null(strstr(world.stream->health.text, cases[i].says));
        reader_read_once(&reader);
        memset(world.faults, 0, sizeof(world.faults));
        reader_read_once(&reader);
        assert_int_equal(reader.status, 0);
        assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
    }
}

static void refusals_are_not_hammered(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world_fault(&world, (struct world_fault){"GetShardIterator", "AccessDeniedException", 400, NULL,
                                             false, 0, 1000});
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 300000);
    assert_in_range(reader.done, 10, 30);
    stop(&reader);
    memset(world.faults, 0, sizeof(world.faults));
    world_run(&world, 30000);
}

static void answers_that_make_no_sense_are_asked_again(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "{}", "[", "<html>busy</html>", "{\"Records\":[", "{\"Records\":7}", "null"};
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    for (size_t i = 0; i < HT_COUNT_OF(bodies); i++) {
        world_add_text(&world, 0, "a");
        world_fault(&world, (struct world_fault){"GetRecords", NULL, 200, bodies[i], false, 0, 2});
        reader_read_once(&reader);
        assert_int_equal(reader.status, 0);
        assert_int_equal(reader.count, i + 1);
    }
    world_fault(&world, (struct world_fault){"GetShardIterator", NULL, 200, "{}", false, 0, 2});
    reader_init(&reader, &world, 1, HT_POSITION_TRIM_HORIZON);
    reader_read_once(&reader);
    assert_int_equal(reader.status, 0);
}

static void a_bad_record_is_left_out_and_counted(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world_fault(&world,
                (struct world_fault){
                    "GetRecords", NULL, 200,
                    "{\"Records\":[{\"SequenceNumber\":\"7\",\"Data\":\"YQ==\",\"PartitionKey\":"
                    "\"k\"},{\"SequenceNumber\":\"8\",\"Data\":\"!\",\"PartitionKey\":\"k\"}],"
                    "\"NextShardIterator\":\"0 0 1000000\"}",
                    false, 0, 1});
    reader_read_once(&reader);
    assert_int_equal(reader.count, 1);
    assert_string_equal(reader.texts[0], "a");
    assert_string_equal(reader.next.sequence_number, "8");
    assert_int_equal(world.stream->counters.read_errors, 1);
}

static void answers_that_are_too_large_are_asked_for_in_parts(void **state)
{
    (void)state;
    static char text[200001];
    struct reader reader;
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 100; i++) {
        world_add(&world, 0, ht_slice_make(text, sizeof(text) - 1), "k");
    }
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 120000);
    assert_int_equal(reader.count, 100);
    assert_in_range(world.counts.limit, 2, 12);
    stop(&reader);
}

static void a_single_large_record_always_comes(void **state)
{
    (void)state;
    size_t length = 9u << 20;
    char *text = malloc(length);
    struct reader reader;
    memset(text, 'x', length);
    world_add_text(&world, 0, "a");
    world_add(&world, 0, ht_slice_make(text, length), "k");
    world_add_text(&world, 0, "b");
    free(text);
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 60000);
    assert_int_equal(reader.count, 3);
    assert_string_equal(reader.texts[2], "b");
    stop(&reader);
}

static void bytes_keep_the_pace(void **state)
{
    (void)state;
    static char text[100000];
    struct reader reader;
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 400; i++) {
        world_add(&world, 0, ht_slice_make(text, sizeof(text)), "k");
    }
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 10000);
    /* 2 MiB a second, and what may come at once at the beginning */
    assert_in_range(reader.count, 180, 270);
    stop(&reader);
}

static void a_read_can_be_canceled_at_every_step(void **state)
{
    (void)state;
    world.latency_ms = 10;
    for (unsigned after_ms = 0; after_ms < 1300; after_ms += after_ms < 40 ? 1 : 97) {
        struct reader reader;
        world_open(&world, &(struct ht_kinesis_stream_options){0});
        reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
        reader_start(&reader);
        world_run(&world, after_ms);
        if (reader.done > 0) {
            continue;
        }
        world.stream->ops->cancel_read(world.stream, &reader.read);
        assert_int_equal(reader.done, 0);
        world_run(&world, 1);
        assert_int_equal(reader.done, 1);
        assert_int_equal(reader.status, HT_ECANCELED);
        /* and it goes on afterwards */
        reader_read_once(&reader);
        assert_int_equal(reader.status, 0);
        world.stream->ops->cancel_read(world.stream, &reader.read);
    }
}

static void a_read_in_back_off_can_be_canceled(void **state)
{
    (void)state;
    struct reader reader;
    reader_init(&reader, &world, 0, HT_POSITION_TRIM_HORIZON);
    world_fault(&world, (struct world_fault){"GetRecords", "", 0, NULL, false, 0, 3});
    reader_start(&reader);
    world_run(&world, 50);
    assert_int_equal(reader.done, 0);
    world.stream->ops->cancel_read(world.stream, &reader.read);
    world_run(&world, 1);
    assert_int_equal(reader.status, HT_ECANCELED);
}

static void closing_brings_reads_and_lists_back(void **state)
{
    (void)state;
    struct reader readers[2];
    struct listing listing = {.list = {.done = on_list, .user = &listing}};
    for (size_t i = 0; i < 2; i++) {
        reader_init(&readers[i], &world, i, HT_POSITION_TRIM_HORIZON);
        reader_start(&readers[i]);
    }
    world_run(&world, 7);
    world.stream->ops->list(world.stream, &listing.list);
    world_run(&world, 1);
    world_close(&world);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(readers[i].done, 1);
        assert_int_equal(readers[i].status, HT_ECANCELED);
    }
    assert_int_equal(listing.done, 1);
    assert_int_equal(listing.list.status, HT_ECANCELED);
}

static void a_shard_whose_retention_is_over_is_finished(void **state)
{
    (void)state;
    struct reader reader;
    struct listing listing;
    reader_init(&reader, &world, 0, HT_POSITION_AFTER);
    after(&reader, world_add_text(&world, 0, "a"), 0);
    reader_read_once(&reader);
    list_shards(&listing);
    world.shards[0].is_listed = false;
    snprintf(world.shards[0].id, sizeof(world.shards[0].id), "gone");
    list_shards(&listing);
    world_run(&world, 400000);
    reader.goes_on = true;
    reader_start(&reader);
    world_run(&world, 60000);
    assert_int_equal(reader.next.kind, HT_POSITION_END);
    assert_int_equal(world.stream->counters.gap_records, 1);
    assert_int_equal(world.stream->health.state, HT_HEALTH_WORKING);
    assert_non_null(ht_kinesis_stream_from(world.stream)->readers);
    list_shards(&listing);
    assert_null(ht_kinesis_stream_from(world.stream)->readers);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(each_kind_of_place_has_its_iterator),
        CASE(reading_goes_on_with_the_same_iterator),
        CASE(at_the_tip_a_read_waits_and_comes_back_empty),
        CASE(a_hurried_read_asks_once_and_comes_back),
        CASE(records_are_seen_within_a_second),
        CASE(calls_keep_the_pace_while_there_is_more),
        CASE(only_an_empty_answer_tells_the_tip),
        CASE(an_expired_iterator_is_replaced_behind_the_last_record),
        CASE(iterators_that_always_expire_end_in_an_error),
        CASE(latest_loses_nothing_when_its_iterator_expires),
        CASE(a_trimmed_place_is_a_counted_gap),
        CASE(a_refused_place_is_a_gap_too_and_nothing_comes_twice),
        CASE(a_warm_start_gives_what_came_before),
        CASE(an_aggregated_record_is_gone_on_with_in_its_middle),
        CASE(a_batch_takes_no_more_than_it_may),
        CASE(one_record_is_given_however_small_the_room_is),
        CASE(a_split_shard_is_read_to_its_end_and_names_its_children),
        CASE(a_closed_shard_whose_iterators_go_on_ends_when_it_stays_empty),
        CASE(a_closed_shard_that_was_read_to_its_number_ends_at_once),
        CASE(a_throttled_shard_backs_off_alone),
        CASE(trouble_is_told_and_heals),
        CASE(refusals_are_not_hammered),
        CASE(answers_that_make_no_sense_are_asked_again),
        CASE(a_bad_record_is_left_out_and_counted),
        CASE(answers_that_are_too_large_are_asked_for_in_parts),
        CASE(a_single_large_record_always_comes),
        CASE(bytes_keep_the_pace),
        CASE(a_read_can_be_canceled_at_every_step),
        CASE(a_read_in_back_off_can_be_canceled),
        CASE(closing_brings_reads_and_lists_back),
        CASE(a_shard_whose_retention_is_over_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
