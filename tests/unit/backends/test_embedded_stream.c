// SPDX-License-Identifier: MIT
#include "hashtagd/backends/embedded_stream.h"

#include "fixture.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORD_BYTES = 100 };

/* The stream under test. */
struct bench {
    struct fixture *fixture;
    struct ht_stream *stream;
    int open_status;
    struct ht_error open_error;
    bool is_closed;
};

static uint64_t first_sequence(struct bench *bench);

static void on_opened(void *user, int status, const struct ht_error *error)
{
    struct bench *bench = user;
    bench->open_status = status;
    bench->open_error = *error;
    fixture_stop(bench->fixture);
}

static struct ht_embedded_stream_options usual_options(struct fixture *fixture)
{
    return (struct ht_embedded_stream_options){
        .loop = fixture->loop,
        .worker = fixture->worker,
        .log = &fixture->log,
        .directory = fixture_path(fixture, "stream"),
        .retention_s = 86400,
        .retention_bytes = 1 << 30,
    };
}

static void open_with(struct bench *bench, struct fixture *fixture,
                      struct ht_embedded_stream_options options)
{
    struct ht_error error;
    *bench = (struct bench){.fixture = fixture, .open_status = 1};
    options.on_opened = on_opened;
    options.user = bench;
    assert_int_equal(ht_embedded_stream_create(&bench->stream, &options, &error), 0);
    fixture_run(fixture);
}

static void open_usual(struct bench *bench, struct fixture *fixture)
{
    open_with(bench, fixture, usual_options(fixture));
    assert_int_equal(bench->open_status, 0);
}

static void on_closed(void *user)
{
    struct bench *bench = user;
    bench->is_closed = true;
    fixture_stop(bench->fixture);
}

static void close_stream(struct bench *bench)
{
    bench->stream->ops->close(bench->stream, on_closed, bench);
    while (!bench->is_closed) {
        fixture_run(bench->fixture);
    }
    bench->stream->ops->destroy(bench->stream);
}

/* A put of records that say their number; stops the loop when it is the last one of `pending`. */
struct put {
    struct ht_stream_put put;
    struct fixture *fixture;
    unsigned *pending;
    struct ht_put_record *records;
    char *bytes;
};

static void on_put(struct ht_stream_put *request)
{
    struct put *put = request->user;
    if (--*put->pending == 0) {
        fixture_stop(put->fixture);
    }
}

static void start_put(struct put *put, struct bench *bench, uint64_t first, size_t count,
                      unsigned *pending)
{
    put->fixture = bench->fixture;
    put->pending = pending;
    put->records = calloc(count + 1, sizeof(*put->records));
    put->bytes = calloc(count + 1, RECORD_BYTES);
    assert_true(put->records != NULL && put->bytes != NULL);
    for (size_t i = 0; i < count; i++) {
        char *text = put->bytes + i * RECORD_BYTES;
        (void)snprintf(text, RECORD_BYTES, "%080" PRIu64, first + i);
        put->records[i].data = ht_slice_text(text);
        put->records[i].partition_key = HT_SLICE("key");
    }
    struct ht_slice cursor = put->put.source_cursor;
    put->put = (struct ht_stream_put){
        .records = put->records, .count = count, .source_cursor = cursor, .done = on_put};
    put->put.user = put;
    ++*pending;
    bench->stream->ops->put(bench->stream, &put->put);
}

static void free_put(struct put *put)
{
    free(put->records);
    free(put->bytes);
}

static int put_some(struct bench *bench, uint64_t first, size_t count, const char *cursor)
{
    struct put put = {.put = {.source_cursor = ht_slice_text(cursor)}};
    unsigned pending = 0;
    start_put(&put, bench, first, count, &pending);
    fixture_run(bench->fixture);
    assert_int_equal(pending, 0);
    free_put(&put);
    return put.put.status;
}

static void on_read(struct ht_stream_read *read)
{
    fixture_stop(read->user);
}

static void start_read(struct bench *bench, struct ht_stream_read *read, struct ht_position from,
                       uint32_t wait_ms)
{
    *read = (struct ht_stream_read){.shard_id = HT_EMBEDDED_STREAM_SHARD,
                                    .from = from,
                                    .max_bytes = 1 << 20,
                                    .wait_ms = wait_ms,
                                    .done = on_read,
                                    .user = bench->fixture};
    bench->stream->ops->read(bench->stream, read);
}

/* Reads on from `*from` until an empty batch; checks that the records count on from `expect`; how
 * many came. */
static uint64_t read_on(struct bench *bench, struct ht_position *from, uint64_t expect)
{
    uint64_t records = 0;
    for (;;) {
        struct ht_stream_read read;
        start_read(bench, &read, *from, 0);
        fixture_run(bench->fixture);
        if (read.status != 0) {
            fail_msg("%s", read.error.text);
        }
        struct ht_record_batch *batch = read.batch;
        for (size_t i = 0; i < batch->count; i++, records++) {
            char text[RECORD_BYTES];
            (void)snprintf(text, sizeof(text), "%080" PRIu64, expect + records);
            if (!ht_slice_equal(batch->records[i].data, ht_slice_text(text))) {
                fail_msg("%.*s is not %s", (int)batch->records[i].data.length,
                         batch->records[i].data.data, text);
            }
            assert_true(ht_slice_equal(batch->records[i].partition_key, HT_SLICE("key")));
        }
        *from = batch->next;
        size_t count = batch->count;
        assert_true(count <= 1 || batch->bytes <= 1 << 20);
        ht_record_batch_release(batch);
        if (count == 0) {
            return records;
        }
    }
}

static uint64_t read_all(struct bench *bench, uint64_t expect)
{
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    return read_on(bench, &from, expect);
}

static void test_put_read_reopen(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    open_usual(&bench, fixture);
    assert_int_equal(bench.stream->ops->source_cursor(bench.stream).length, 0);
    assert_int_equal(read_on(&bench, &from, 0), 0);
    assert_int_equal(put_some(&bench, 0, 3, "one"), 0);
    assert_int_equal(read_on(&bench, &from, 0), 3);
    assert_int_equal(put_some(&bench, 3, 1000, NULL), 0);
    assert_int_equal(put_some(&bench, 1003, 0, "two"), 0);
    assert_int_equal(put_some(&bench, 1003, 0, NULL), 0);
    assert_int_equal(read_on(&bench, &from, 3), 1000);
    assert_true(ht_slice_equal(bench.stream->ops->source_cursor(bench.stream), HT_SLICE("two")));
    assert_int_equal(bench.stream->counters.records_put, 1003);
    assert_int_equal(bench.stream->counters.records_read, 1003);
    assert_int_equal(bench.stream->counters.stored_records, 1003);
    close_stream(&bench);
    open_usual(&bench, fixture);
    assert_true(ht_slice_equal(bench.stream->ops->source_cursor(bench.stream), HT_SLICE("two")));
    assert_int_equal(read_on(&bench, &from, 1003), 0);
    assert_int_equal(read_all(&bench, 0), 1003);
    close_stream(&bench);
}

/* More than one block, puts larger than a block, in the order of their start. */
/* Reads one batch from `from` on: record `i` must have note `i` of `notes`. */
static void assert_notes(struct bench *bench, struct ht_position from, const char *const *notes,
                         size_t count)
{
    struct ht_stream_read read;
    start_read(bench, &read, from, 0);
    fixture_run(bench->fixture);
    assert_int_equal(read.status, 0);
    assert_int_equal(read.batch->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(ht_slice_equal(read.batch->records[i].note, ht_slice_text(notes[i])));
    }
    ht_record_batch_release(read.batch);
}

static void test_notes_live_in_memory_only(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_put_record records[] = {
        {.data = HT_SLICE("a"), .partition_key = HT_SLICE("k"), .note = HT_SLICE("first")},
        {.data = HT_SLICE(""), .partition_key = HT_SLICE("k"), .note = HT_SLICE("refused")},
        {.data = HT_SLICE("b"), .partition_key = HT_SLICE("k")},
        {.data = HT_SLICE("c"), .partition_key = HT_SLICE("k"), .note = HT_SLICE("third")},
    };
    static const char *const notes[] = {"first", "", "third"}, *const none[] = {"", "", ""};
    struct ht_position begin = {.kind = HT_POSITION_TRIM_HORIZON};
    unsigned pending = 1;
    struct put put = {.fixture = fixture, .pending = &pending};
    put.put = (struct ht_stream_put){
        .records = records, .count = HT_COUNT_OF(records), .done = on_put, .user = &put};
    put.put.source_cursor = HT_SLICE("behind the refused one");
    open_usual(&bench, fixture);
    bench.stream->ops->put(bench.stream, &put.put);
    fixture_run(fixture);
    assert_int_equal(put.put.status, 0);
    assert_int_equal(bench.stream->ops->source_cursor(bench.stream).length, 0);
    assert_notes(&bench, begin, notes, 3);
    struct ht_position second = {.kind = HT_POSITION_AFTER};
    (void)snprintf(second.sequence_number, sizeof(second.sequence_number), "%" PRIu64,
                   first_sequence(&bench));
    assert_notes(&bench, second, notes + 1, 2);
    close_stream(&bench);
    open_usual(&bench, fixture);
    assert_notes(&bench, begin, none, 3);
    close_stream(&bench);
}

static void test_many_puts_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    enum { PUTS = 40 };
    struct put puts[PUTS] = {{.fixture = NULL}};
    unsigned pending = 0;
    uint64_t first = 0;
    open_usual(&bench, fixture);
    for (size_t i = 0; i < PUTS; i++) {
        size_t count = i % 10 == 3 ? 120000 : i * 7;
        puts[i].put.source_cursor = ht_slice_text(i % 2 == 0 ? "even" : NULL);
        start_put(&puts[i], &bench, first, count, &pending);
        first += count;
    }
    fixture_run(fixture);
    for (size_t i = 0; i < PUTS; i++) {
        assert_int_equal(puts[i].put.status, 0);
        free_put(&puts[i]);
    }
    assert_true(ht_slice_equal(bench.stream->ops->source_cursor(bench.stream), HT_SLICE("even")));
    assert_int_equal(bench.stream->counters.records_put, first);
    assert_int_equal(read_all(&bench, 0), first);
    close_stream(&bench);
    open_usual(&bench, fixture);
    assert_int_equal(read_all(&bench, 0), first);
    close_stream(&bench);
}

static void test_refused_records(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct put put = {.fixture = NULL};
    unsigned pending = 0;
    char *large = calloc(1, HT_STREAM_MAX_RECORD_BYTES);
    assert_non_null(large);
    open_usual(&bench, fixture);
    start_put(&put, &bench, 0, 7, &pending);
    fixture_run(fixture);
    put.records[1].partition_key.length = 0;
    put.records[2].data.length = 0;
    put.records[3].data = ht_slice_make(large, HT_STREAM_MAX_RECORD_BYTES - 2);
    put.records[4].data = ht_slice_make(large, HT_STREAM_MAX_RECORD_BYTES - 3);
    put.records[5].partition_key = ht_slice_make(large, 257);
    pending = 1;
    bench.stream->ops->put(bench.stream, &put.put);
    fixture_run(fixture);
    static const int expected[] = {0, HT_EINVAL, HT_EINVAL, HT_ETOOBIG, 0, HT_EINVAL, 0};
    assert_int_equal(put.put.status, 0);
    for (size_t i = 0; i < HT_COUNT_OF(expected); i++) {
        assert_int_equal(put.records[i].status, expected[i]);
    }
    assert_int_equal(bench.stream->counters.records_put, 7 + 3);
    assert_int_equal(bench.stream->counters.records_refused, 4);
    free_put(&put);
    free(large);
    close_stream(&bench);
}

static void test_reader_at_the_tip_waits(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_stream_read read;
    struct put put = {.fixture = NULL};
    unsigned pending = 0;
    open_usual(&bench, fixture);
    assert_int_equal(put_some(&bench, 0, 5, NULL), 0);
    start_read(&bench, &read, (struct ht_position){.kind = HT_POSITION_LATEST}, 20);
    fixture_run(fixture);
    assert_int_equal(read.status, 0);
    assert_int_equal(read.batch->count, 0);
    assert_int_equal(read.batch->next.kind, HT_POSITION_AFTER);
    struct ht_position from = read.batch->next;
    ht_record_batch_release(read.batch);
    start_read(&bench, &read, from, 60000);
    fixture_run_ms(fixture, 10);
    start_put(&put, &bench, 5, 2, &pending);
    fixture_run(fixture);
    while (read.batch == NULL) {
        fixture_run(fixture);
    }
    assert_int_equal(read.batch->count, 2);
    assert_int_equal(read.batch->behind_records, 0);
    assert_int_equal(read.batch->behind_ms, 0);
    close_stream(&bench); /* a batch may outlive its stream */
    assert_int_equal(read.batch->records[1].data.data[79], '6');
    ht_record_batch_release(read.batch);
    free_put(&put);
}

static void test_cancel_and_close_end_reads(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_stream_read read;
    open_usual(&bench, fixture);
    start_read(&bench, &read, (struct ht_position){.kind = HT_POSITION_LATEST}, 60000);
    fixture_run_ms(fixture, 5);
    bench.stream->ops->cancel_read(bench.stream, &read);
    fixture_run(fixture);
    assert_int_equal(read.status, HT_ECANCELED);
    assert_null(read.batch);
    start_read(&bench, &read, (struct ht_position){.kind = HT_POSITION_LATEST}, 60000);
    read.status = 77;
    close_stream(&bench);
    assert_int_equal(read.status, HT_ECANCELED);
}

static void test_close_while_it_opens_leaves_nothing_behind(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench = {.fixture = fixture, .open_status = 1};
    options.on_opened = on_opened;
    options.user = &bench;
    assert_int_equal(ht_embedded_stream_create(&bench.stream, &options, NULL), 0);
    close_stream(&bench);
    assert_int_equal(bench.open_status, 0);
    /* a timer that still ran would be in freed memory */
    assert_null(ht_loop_timers(fixture->loop)->first);
}

static void test_close_finishes_puts(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct put puts[3] = {{.fixture = NULL}};
    unsigned pending = 1; /* so that no put stops the loop */
    open_usual(&bench, fixture);
    for (size_t i = 0; i < 3; i++) {
        start_put(&puts[i], &bench, i * 100000, 100000, &pending);
    }
    close_stream(&bench);
    assert_int_equal(pending, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(puts[i].put.status, 0);
        free_put(&puts[i]);
    }
    open_usual(&bench, fixture);
    assert_int_equal(read_all(&bench, 0), 300000);
    close_stream(&bench);
}

static void on_list(struct ht_stream_list *list)
{
    assert_int_equal(list->status, 0);
    assert_int_equal(list->count, 1);
    assert_string_equal(list->shards[0].id, "shardId-000000000000");
    assert_string_equal(list->shards[0].parent_id, "");
    assert_false(list->shards[0].closed);
    fixture_stop(list->user);
}

static void test_list(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_stream_list list = {.done = on_list, .user = fixture, .status = 1};
    open_usual(&bench, fixture);
    bench.stream->ops->list(bench.stream, &list);
    assert_int_equal(list.status, 1);
    fixture_run(fixture);
    assert_int_equal(list.status, 0);
    close_stream(&bench);
}

/* The first sequence number of the stream. */
static uint64_t first_sequence(struct bench *bench)
{
    struct ht_stream_read read;
    uint64_t sequence;
    start_read(bench, &read, (struct ht_position){.kind = HT_POSITION_TRIM_HORIZON}, 0);
    fixture_run(bench->fixture);
    assert_int_equal(read.status, 0);
    assert_true(read.batch->count > 0);
    assert_int_equal(ht_slice_to_u64(read.batch->records[0].sequence_number, UINT64_MAX, &sequence),
                     0);
    ht_record_batch_release(read.batch);
    return sequence;
}

static struct ht_position position(enum ht_position_kind kind, uint64_t sequence, uint64_t records)
{
    struct ht_position from = {.kind = kind, .records = records};
    (void)snprintf(from.sequence_number, sizeof(from.sequence_number), "%" PRIu64, sequence);
    return from;
}

/* From memory, then from the files. */
static void test_positions(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench;
    options.segment_bytes = 3000;
    open_with(&bench, fixture, options);
    for (uint64_t i = 0; i < 1000; i += 50) {
        assert_int_equal(put_some(&bench, i, 50, NULL), 0);
    }
    for (int round = 0; round < 2; round++) {
        uint64_t first = first_sequence(&bench);
        struct {
            struct ht_position from;
            uint64_t expect;
        } cases[] = {
            {position(HT_POSITION_AFTER, first, 0), 1},
            {position(HT_POSITION_AFTER, first + 555, 0), 556},
            {position(HT_POSITION_AFTER, first + 998, 0), 999},
            {position(HT_POSITION_AFTER, first + 999, 0), 1000},
            {position(HT_POSITION_AFTER, first - 1, 0), 0},
            {position(HT_POSITION_BEFORE, first + 999, 1), 999},
            {position(HT_POSITION_BEFORE, first + 999, 0), 1000},
            {position(HT_POSITION_BEFORE, first + 499, 123), 377},
            {position(HT_POSITION_BEFORE, first + 499, 100000), 0},
            {position(HT_POSITION_BEFORE, first + 499, UINT64_MAX), 0},
            {{.kind = HT_POSITION_AT_TIME, .time_ms = 0}, 0},
            {{.kind = HT_POSITION_AT_TIME, .time_ms = INT64_MAX}, 1000},
            {{.kind = HT_POSITION_LATEST}, 1000},
            {{.kind = HT_POSITION_TRIM_HORIZON}, 0},
        };
        for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
            assert_int_equal(read_on(&bench, &cases[i].from, cases[i].expect),
                             1000 - cases[i].expect);
        }
        close_stream(&bench);
        open_with(&bench, fixture, options);
    }
    assert_int_equal(bench.stream->counters.gap_records, 0);
    close_stream(&bench);
}

static void test_positions_that_are_none(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    open_usual(&bench, fixture);
    assert_int_equal(put_some(&bench, 0, 3, NULL), 0);
    uint64_t first = first_sequence(&bench);
    struct {
        struct ht_position from;
        int status;
    } cases[] = {
        {position(HT_POSITION_AFTER, first + 3, 0), HT_ECORRUPT},
        {position(HT_POSITION_BEFORE, UINT64_MAX - 1, 5), HT_ECORRUPT},
        {{.kind = HT_POSITION_AFTER, .sequence_number = "x"}, HT_EINVAL},
        {{.kind = HT_POSITION_AFTER, .sequence_number = ""}, HT_EINVAL},
        {{.kind = HT_POSITION_AFTER, .sequence_number = "99999999999999999999"}, HT_EINVAL},
        {position(HT_POSITION_END, first, 0), HT_EINVAL},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_stream_read read;
        start_read(&bench, &read, cases[i].from, 0);
        fixture_run(fixture);
        assert_int_equal(read.status, cases[i].status);
        assert_null(read.batch);
        assert_true(read.error.text[0] != '\0');
    }
    close_stream(&bench);
}

/* A directory that was removed begins again above all numbers that were given out. */
static void test_numbers_rise_over_a_removed_directory(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    open_usual(&bench, fixture);
    assert_int_equal(put_some(&bench, 0, 1, NULL), 0);
    struct ht_position old = position(HT_POSITION_AFTER, first_sequence(&bench), 0);
    close_stream(&bench);
    size_t count;
    char **names = fixture_list(fixture_path(fixture, "stream"), &count);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "stream/%s", names[i]);
        assert_int_equal(unlink(fixture_path(fixture, name)), 0);
    }
    fixture_free_names(names, count);
    open_usual(&bench, fixture);
    assert_int_equal(put_some(&bench, 0, 4, NULL), 0);
    assert_int_equal(read_on(&bench, &old, 0), 4);
    assert_int_equal(bench.stream->counters.gap_records, 0);
    close_stream(&bench);
}

static void test_full_stream_waits_for_its_reader(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench;
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    uint64_t records = 0, read = 0;
    options.retention_bytes = 1 << 20;
    options.level = HT_EMBEDDED_STREAM_PLAIN;
    open_with(&bench, fixture, options);
    for (int round = 0; round < 5; round++) {
        int status;
        while ((status = put_some(&bench, records, 500, NULL)) == 0) {
            records += 500;
            assert_true(records < 100000);
        }
        assert_int_equal(status, HT_EBUSY);
        assert_int_equal(bench.stream->health.state, HT_HEALTH_PAUSED);
        assert_in_range(bench.stream->counters.stored_bytes, 1 << 20, (1 << 20) + (1 << 18));
        read += read_on(&bench, &from, read);
        assert_int_equal(read, records); /* nothing that was not consumed is gone */
        if (round == 2) {
            close_stream(&bench);
            open_with(&bench, fixture, options);
            assert_int_equal(put_some(&bench, 0, 1, NULL), HT_EBUSY);
            assert_int_equal(read_on(&bench, &from, read), 0); /* tells where the reader stands */
        } else {
            bench.stream->ops->consumed(bench.stream, HT_EMBEDDED_STREAM_SHARD, &from);
        }
        fixture_run_ms(fixture, 50);
        assert_int_equal(bench.stream->health.state, HT_HEALTH_WORKING);
    }
    assert_true(bench.stream->counters.dropped_records > 0);
    assert_int_equal(bench.stream->counters.gap_records, 0);
    close_stream(&bench);
}

static void test_reader_behind_the_memory(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench;
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    uint64_t records = 0, read = 0;
    options.memory_bytes = 100000;
    options.segment_bytes = 100000;
    open_with(&bench, fixture, options);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(put_some(&bench, records, 1500, NULL), 0);
        records += 1500;
        if (i % 10 == 9) {
            struct ht_stream_read request;
            start_read(&bench, &request, from, 0);
            fixture_run(fixture);
            assert_int_equal(request.status, 0);
            read += request.batch->count;
            from = request.batch->next;
            ht_record_batch_release(request.batch);
        }
    }
    assert_true(read < records / 2);
    read += read_on(&bench, &from, read);
    assert_int_equal(read, records);
    close_stream(&bench);
}

static void test_open_failure_reaches_every_request(void **state)
{
    struct fixture *fixture = *state;
    struct bench bench;
    struct ht_stream_read read;
    fixture_write_file(fixture_path(fixture, "stream"), "x", 1);
    open_with(&bench, fixture, usual_options(fixture));
    assert_int_not_equal(bench.open_status, 0);
    assert_int_equal(bench.stream->health.state, HT_HEALTH_FAILED);
    assert_int_equal(put_some(&bench, 0, 1, NULL), bench.open_status);
    start_read(&bench, &read, (struct ht_position){.kind = HT_POSITION_LATEST}, 60000);
    fixture_run(fixture);
    assert_int_equal(read.status, bench.open_status);
    assert_string_equal(read.error.text, bench.open_error.text);
    close_stream(&bench);
}

static void test_damage_reaches_the_reader(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench;
    struct ht_stream_read read;
    size_t count, length;
    char name[64];
    options.segment_bytes = 1;
    open_with(&bench, fixture, options);
    assert_int_equal(put_some(&bench, 0, 10, NULL), 0);
    assert_int_equal(put_some(&bench, 10, 10, NULL), 0);
    struct ht_position second = position(HT_POSITION_AFTER, first_sequence(&bench) + 9, 0);
    close_stream(&bench);
    char **names = fixture_list(fixture_path(fixture, "stream"), &count);
    (void)snprintf(name, sizeof(name), "stream/%s", names[0]);
    fixture_free_names(names, count);
    char *file = fixture_read_file(fixture_path(fixture, name), &length);
    file[length - 1] ^= 1;
    fixture_write_file(fixture_path(fixture, name), file, length);
    free(file);
    open_with(&bench, fixture, options);
    assert_int_equal(bench.open_status, 0);
    start_read(&bench, &read, (struct ht_position){.kind = HT_POSITION_TRIM_HORIZON}, 0);
    fixture_run(fixture);
    assert_int_equal(read.status, HT_ECORRUPT);
    assert_non_null(strstr(read.error.text, name));
    assert_int_equal(bench.stream->health.state, HT_HEALTH_FAILED);
    assert_int_equal(read_on(&bench, &second, 10), 10);
    close_stream(&bench);
}

static void test_full_disk_and_room_again(void **state)
{
    struct fixture *fixture = *state;
    struct ht_embedded_stream_options options = usual_options(fixture);
    struct bench bench;
    uint64_t records = 0;
    int status;
    char *bytes = calloc(1, 1 << 20);
    assert_non_null(bytes);
    if (!fixture_mount_small(fixture_path(fixture, "stream"), 2048)) {
        free(bytes);
        skip();
    }
    fixture_write_file(fixture_path(fixture, "stream/ballast"), bytes, 1 << 20);
    free(bytes);
    options.level = HT_EMBEDDED_STREAM_PLAIN;
    open_with(&bench, fixture, options);
    while ((status = put_some(&bench, records, 700, "c")) == 0) {
        records += 700;
    }
    assert_int_equal(status, HT_ENOSPC);
    assert_int_equal(bench.stream->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(bench.stream->health.text, fixture_path(fixture, "stream")));
    assert_int_equal(unlink(fixture_path(fixture, "stream/ballast")), 0);
    assert_int_equal(put_some(&bench, records, 700, NULL), 0);
    assert_int_equal(bench.stream->health.state, HT_HEALTH_WORKING);
    assert_int_equal(read_all(&bench, 0), records + 700);
    close_stream(&bench);
    fixture_unmount(fixture_path(fixture, "stream"));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_put_read_reopen),
        CASE(test_notes_live_in_memory_only),
        CASE(test_many_puts_at_once),
        CASE(test_refused_records),
        CASE(test_reader_at_the_tip_waits),
        CASE(test_cancel_and_close_end_reads),
        CASE(test_close_while_it_opens_leaves_nothing_behind),
        CASE(test_close_finishes_puts),
        CASE(test_list),
        CASE(test_positions),
        CASE(test_positions_that_are_none),
        CASE(test_numbers_rise_over_a_removed_directory),
        CASE(test_full_stream_waits_for_its_reader),
        CASE(test_reader_behind_the_memory),
        CASE(test_open_failure_reaches_every_request),
        CASE(test_damage_reaches_the_reader),
        CASE(test_full_disk_and_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
