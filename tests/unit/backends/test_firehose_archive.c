// SPDX-License-Identifier: MIT
#include "hashtagd/backends/firehose_archive.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    APPENDS = 8,
};

/* Dead letters that are answered by the test. */
struct letters {
    struct ht_dead_letters port;
    struct ht_dead_letters_append *pending;
    struct ht_buffer texts; /* "line|" each, of what was answered well */
};

struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct letters letters;
    struct ht_archive *archive;
    struct ht_archive_append appends[APPENDS];
    char order[64]; /* one letter an answer: "a" for the first append; upper case: failed */
    bool is_closed;
};

static void append_letters(struct ht_dead_letters *port, struct ht_dead_letters_append *append)
{
    struct letters *letters = HT_CONTAINER_OF(port, struct letters, port);
    assert_null(letters->pending);
    letters->pending = append;
}

static const struct ht_dead_letters_ops letters_ops = {.append = append_letters};

static void answer_letters(struct world *world, int status)
{
    struct ht_dead_letters_append *append = world->letters.pending;
    assert_non_null(append);
    for (size_t i = 0; i < append->count && status == 0; i++) {
        assert_true(ht_slice_equal(append->letters[i].reason, HT_SLICE("refused")));
        assert_int_equal(ht_buffer_append_slice(&world->letters.texts, append->letters[i].data), 0);
        assert_int_equal(ht_buffer_append_byte(&world->letters.texts, '|'), 0);
    }
    append->status = status;
    if (status != 0) {
        (void)ht_error_set(&append->error, status, "The disk is full.");
    }
    world->letters.pending = NULL;
    append->done(append);
}

static int setup(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    *state = &world;
    ht_manual_clock_init(&world.clock, 1000000000, 1700000000000);
    ht_timer_queue_init(&world.timers, &world.clock.clock);
    ht_random_init(&world.random, 7);
    world.letters.port.ops = &letters_ops;
    ht_buffer_init(&world.letters.texts, 1 << 20);
    return scripted_setup(NULL);
}

static void run(struct world *world)
{
    while (ht_timer_queue_next_ns(&world->timers) == 0) {
        (void)ht_timer_queue_run(&world->timers);
    }
}

static void pass_ms(struct world *world, uint64_t ms)
{
    ht_manual_clock_advance_ms(&world->clock, ms);
    run(world);
}

static struct ht_firehose_archive_options options_of(struct world *world, size_t record_bytes)
{
    return (struct ht_firehose_archive_options){
        .aws = scripted_client(),
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .dead_letters = &world->letters.port,
        .name = "bin",
        .buffer_s = 60,
        .buffer_bytes = 1 << 20,
        .record_bytes = record_bytes,
    };
}

static void make(struct world *world, size_t record_bytes)
{
    struct ht_firehose_archive_options options = options_of(world, record_bytes);
    struct ht_error error;
    assert_int_equal(ht_firehose_archive_create(&world->archive, &options, &error), 0);
    assert_int_equal(world->archive->health.state, HT_HEALTH_IDLE);
}

static void on_closed(void *user)
{
    ((struct world *)user)->is_closed = true;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (!world->is_closed) {
        world->archive->ops->close(world->archive, on_closed, world);
        assert_false(world->is_closed);
        run(world);
    }
    assert_true(world->is_closed);
    assert_int_equal(world->archive->health.state, HT_HEALTH_STOPPED);
    assert_int_equal(world->archive->counters.lines_waiting, 0);
    world->archive->ops->destroy(world->archive);
    ht_timer_queue_finish(&world->timers);
    ht_buffer_finish(&world->letters.texts);
    return scripted_teardown(NULL);
}

static void on_append(struct ht_archive_append *append)
{
    struct world *world = append->user;
    size_t length = strlen(world->order);
    assert_string_equal(append->object, append->status == 0 ? "delivery stream bin" : "");
    assert_int_equal(append->status, append->error.code);
    assert_true(length + 1 < sizeof(world->order));
    world->order[length] = (char)((append->status == 0 ? 'a' : 'A') + (append - world->appends));
    world->order[length + 1] = '\0';
}

static void add(struct world *world, size_t index, const char *lines, size_t count)
{
    world->appends[index] = (struct ht_archive_append){
        .lines = ht_slice_text(lines), .count = count, .done = on_append, .user = world};
    size_t before = strlen(world->order);
    world->archive->ops->append(world->archive, &world->appends[index]);
    assert_int_equal(strlen(world->order), before); /* never from inside */
}

static void flush(struct world *world)
{
    world->archive->ops->flush(world->archive);
    run(world);
}

/* The records of the waiting call, each with '|' behind it, decoded. */
static char *sent(size_t *count)
{
    struct ht_error error;
    static char text[4096];
    struct ht_json *root =
        ht_json_parse(ht_buffer_slice(&scripted_pending()->body), 0, NULL, &error);
    assert_non_null(root);
    assert_true(
        ht_slice_equal(ht_json_text(ht_json_member(root, "DeliveryStreamName")), HT_SLICE("bin")));
    const struct ht_json *records = ht_json_member(root, "Records");
    size_t length = 0;
    *count = ht_json_count(records);
    for (size_t i = 0; i < *count; i++) {
        struct ht_slice data = ht_json_text(ht_json_member(ht_json_element(records, i), "Data"));
        size_t decoded;
        char *bytes = malloc(data.length + 1);
        assert_non_null(bytes);
        assert_int_equal(ht_base64_decode(data, bytes, &decoded), 0);
        assert_int_equal(bytes[decoded - 1], '\n');
        if (length + decoded + 2 < sizeof(text)) {
            memcpy(text + length, bytes, decoded);
            length += decoded;
            text[length++] = '|';
        }
        free(bytes);
    }
    text[length] = '\0';
    ht_json_destroy(root);
    return text;
}

static void expect_sent(const char *expected)
{
    size_t count;
    assert_string_equal(sent(&count), expected);
}

/* Answers with one letter a record: '.' accepted, 't' throttled, 'b' broken, 'r' refused. */
static void answer(struct world *world, const char *letters)
{
    size_t count, failed = 0;
    struct ht_buffer body;
    (void)sent(&count);
    assert_int_equal(count, strlen(letters));
    ht_buffer_init(&body, 1 << 20);
    (void)ht_buffer_append_text(&body, "{\"RequestResponses\":[");
    for (size_t i = 0; i < count; i++) {
        const char *code = letters[i] == 't'   ? "ServiceUnavailableException"
                           : letters[i] == 'b' ? "InternalFailure"
                                               : "InvalidArgumentException";
        (void)ht_buffer_append_text(&body, i == 0 ? "" : ",");
        if (letters[i] == '.') {
            (void)ht_buffer_append_text(&body, "{\"RecordId\":\"x\"}");
        } else {
            failed++;
            (void)ht_buffer_append_format(&body, "{\"ErrorCode\":\"%s\",\"ErrorMessage\":\"No.\"}",
                                          code);
        }
    }
    (void)ht_buffer_append_format(&body, "],\"FailedPutCount\":%zu}", failed);
    assert_int_equal(ht_buffer_status(&body), 0);
    scripted_answer(body.data);
    ht_buffer_finish(&body);
    run(world);
}

static void fail_call(struct world *world, int status, enum ht_aws_fault fault, const char *code)
{
    scripted_fail(status, fault, 400, code);
    run(world);
}

static void test_lines_of_appends_are_joined_into_one_record(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1\n2\n", 2);
    add(world, 1, "3\n", 1);
    pass_ms(world, 59999);
    assert_int_equal(scripted_last()->started, 0);
    assert_int_equal(world->archive->counters.lines_waiting, 3);
    pass_ms(world, 1);
    expect_sent("1\n2\n3\n|");
    assert_string_equal(world->order, "");
    answer(world, ".");
    assert_string_equal(world->order, "ab");
    assert_int_equal(world->archive->counters.lines_delivered, 3);
    assert_int_equal(world->archive->counters.lines_retried, 0);
    assert_int_equal(world->archive->counters.objects, 1);
    assert_int_equal(world->archive->counters.bytes, 6);
    assert_int_equal(world->archive->health.state, HT_HEALTH_WORKING);
    pass_ms(world, 120000);
    assert_int_equal(scripted_last()->started, 1);
}

static void test_flush_sends_what_is_held(void **state)
{
    struct world *world = *state;
    make(world, 0);
    flush(world);
    assert_int_equal(scripted_last()->started, 0);
    add(world, 0, "1\n", 1);
    flush(world);
    add(world, 1, "2\n", 1); /* while the call runs: held again */
    expect_sent("1\n|");
    answer(world, ".");
    assert_string_equal(world->order, "a");
    assert_int_equal(scripted_last()->started, 1);
    flush(world);
    expect_sent("2\n|");
    answer(world, ".");
    assert_string_equal(world->order, "ab");
}

static void test_a_full_record_does_not_wait(void **state)
{
    struct world *world = *state;
    make(world, 0);
    char *lines = malloc(1000001);
    assert_non_null(lines);
    memset(lines, 'x', 1000000);
    for (size_t i = 99; i < 1000000; i += 100) {
        lines[i] = '\n';
    }
    lines[999999] = '\0';
    lines[999998] = '\n';
    add(world, 0, lines, 10000);
    run(world);
    assert_int_equal(scripted_last()->started, 0); /* one byte is missing */
    add(world, 1, "\n", 1);
    run(world);
    size_t count;
    (void)sent(&count);
    assert_int_equal(count, 1);
    answer(world, ".");
    assert_string_equal(world->order, "ab");
    free(lines);
}

static char *many_lines(size_t count)
{
    char *lines = malloc(count * 10 + 1);
    assert_non_null(lines);
    for (size_t i = 0; i < count; i++) {
        memcpy(lines + i * 10, "123456789\n", 11);
    }
    return lines;
}

/* Pain: exactly batch-size items are never sent. */
static void test_500_records_are_one_call_and_501_are_two(void **state)
{
    struct world *world = *state;
    const size_t counts[] = {499, 500, 501, 1000};
    char accepted[501];
    memset(accepted, '.', 500);
    make(world, 10);
    for (size_t i = 0; i < HT_COUNT_OF(counts); i++) {
        char *lines = many_lines(counts[i]);
        size_t left = counts[i], calls = scripted_last()->started;
        world->order[0] = '\0';
        add(world, 0, lines, counts[i]);
        flush(world);
        while (left > 0) {
            size_t count, expected = left < 500 ? left : 500;
            (void)sent(&count);
            assert_int_equal(count, expected);
            accepted[expected] = '\0';
            assert_string_equal(world->order, "");
            answer(world, accepted);
            accepted[expected] = '.';
            left -= expected;
        }
        assert_string_equal(world->order, "a");
        assert_int_equal(scripted_last()->started - calls, counts[i] > 500 ? 2 : 1);
        free(lines);
    }
    assert_int_equal(world->archive->counters.lines_delivered, 2500);
}

/* Pains: silent loss, and repeats, of a batch that failed in part. */
static void test_only_failed_records_are_sent_again(void **state)
{
    struct world *world = *state;
    const struct {
        const char *first, *sent_again;
    } cases[] = {
        {"t...", "1\n|"},
        {".t..", "2\n|"},
        {"..t.", "3\n|"},
        {"...t", "4\n|"},
        {"t..b", "1\n|4\n|"},
        {".bb.", "2\n|3\n|"},
        {"tttt", "1\n|2\n|3\n|4\n|"},
    };
    make(world, 2);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        world->order[0] = '\0';
        uint64_t retried = world->archive->counters.lines_retried;
        add(world, 0, "1\n2\n", 2);
        add(world, 1, "3\n4\n", 2);
        flush(world);
        expect_sent("1\n|2\n|3\n|4\n|");
        answer(world, cases[i].first);
        size_t calls = scripted_last()->started;
        assert_string_equal(world->order, "");
        flush(world); /* nothing hurries what is paced */
        pass_ms(world, 499);
        assert_int_equal(scripted_last()->started, calls);
        pass_ms(world, 501);
        expect_sent(cases[i].sent_again);
        answer(world, &"...."[4 - strlen(cases[i].sent_again) / 3]);
        assert_string_equal(world->order, "ab");
        assert_int_equal(world->archive->counters.lines_retried - retried,
                         strlen(cases[i].sent_again) / 3);
    }
    assert_int_equal(world->archive->counters.lines_delivered, 4 * HT_COUNT_OF(cases));
    assert_int_equal(world->archive->counters.errors, HT_COUNT_OF(cases));
}

static void test_pauses_grow_and_health_tells(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1\n", 1);
    flush(world);
    answer(world, "t");
    assert_int_equal(world->archive->health.errors, 1);
    pass_ms(world, 1000);
    answer(world, "t");
    assert_int_equal(world->archive->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(world->archive->health.text, "delivery stream bin"));
    assert_non_null(strstr(world->archive->health.text, "ServiceUnavailableException"));
    pass_ms(world, 999);
    assert_null(scripted_last()->call);
    pass_ms(world, 1001);
    answer(world, ".");
    assert_string_equal(world->order, "a");
    assert_int_equal(world->archive->health.state, HT_HEALTH_WORKING);
}

/* Whoever waits is told after a minute; what was accepted is not sent again. */
static void test_a_stream_that_takes_nothing_fails_what_waits(void **state)
{
    struct world *world = *state;
    make(world, 2);
    add(world, 0, "1\n", 1);
    add(world, 1, "2\n", 1);
    flush(world);
    add(world, 2, "3\n", 1);
    answer(world, ".t");
    for (int i = 0; i < 20 && world->order[0] == '\0'; i++) {
        pass_ms(world, 20000);
        expect_sent("2\n|");
        answer(world, "t");
    }
    assert_string_equal(world->order, "aBC");
    assert_int_equal(world->appends[1].status, HT_EBUSY);
    assert_int_equal(world->archive->health.state, HT_HEALTH_WAITING);
    world->order[0] = '\0';
    add(world, 1, "2\n", 1);
    add(world, 2, "3\n", 1);
    flush(world);
    expect_sent("2\n|3\n|");
    answer(world, "..");
    assert_string_equal(world->order, "bc");
    assert_int_equal(world->archive->health.state, HT_HEALTH_WORKING);
}

static void test_failed_call_fails_all_that_wait_and_says_the_cure(void **state)
{
    struct world *world = *state;
    const struct {
        int status;
        enum ht_aws_fault fault;
        const char *code;
        enum ht_health_state state;
        const char *text;
    } cases[] = {
        {HT_ENOTFOUND, HT_AWS_FAULT_FINAL, "ResourceNotFoundException", HT_HEALTH_FAILED,
         "hashtagd setup"},
        {HT_EPERMISSION, HT_AWS_FAULT_FINAL, "AccessDeniedException", HT_HEALTH_FAILED,
         "firehose:PutRecordBatch"},
        {HT_EINVAL, HT_AWS_FAULT_FINAL, "InvalidSourceException", HT_HEALTH_FAILED, "DirectPut"},
        {HT_EINVAL, HT_AWS_FAULT_FINAL, "InvalidKMSResourceException", HT_HEALTH_FAILED, "key"},
        {HT_EPERMISSION, HT_AWS_FAULT_CREDENTIALS, "ExpiredTokenException", HT_HEALTH_FAILED,
         "ExpiredTokenException"},
        {HT_ECONNECTION, HT_AWS_FAULT_TRANSIENT, "no connection", HT_HEALTH_WAITING,
         "no connection"},
        {HT_EBUSY, HT_AWS_FAULT_THROTTLED, "ServiceUnavailableException", HT_HEALTH_WAITING,
         "ServiceUnavailableException"},
    };
    make(world, 0);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        world->order[0] = '\0';
        add(world, 0, "1\n", 1);
        flush(world);
        add(world, 1, "2\n", 1);
        fail_call(world, cases[i].status, cases[i].fault, cases[i].code);
        assert_string_equal(world->order, "AB"); /* nothing overtakes what failed */
        assert_int_equal(world->appends[0].status, cases[i].status);
        assert_int_equal(world->archive->health.state, cases[i].state);
        const char *text = world->archive->health.text;
        assert_non_null(strstr(text, "delivery stream bin"));
        assert_non_null(strstr(text, cases[i].text));
        assert_non_null(strstr(text, "R-1"));
    }
    world->order[0] = '\0';
    add(world, 0, "1\n", 1);
    add(world, 1, "2\n", 1);
    flush(world);
    answer(world, ".");
    assert_string_equal(world->order, "ab");
    assert_int_equal(world->archive->health.state, HT_HEALTH_WORKING);
    assert_int_equal(world->archive->counters.lines_dead_lettered, 0);
}

/* A lost answer: the lines may be there twice, never not at all. */
static void test_answer_without_sense_fails_what_waits(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1\n", 1);
    flush(world);
    scripted_answer("{\"FailedPutCount\":0,\"RequestResp");
    run(world);
    assert_string_equal(world->order, "A");
    assert_int_equal(world->appends[0].status, HT_EPARSE);
    assert_int_equal(world->archive->health.state, HT_HEALTH_WAITING);
}

/* Pain: a poison record skips or stops its neighbours. The record is halved down to the line. */
static void test_a_refused_line_goes_to_the_dead_letters_alone(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1\n2\n", 2);
    add(world, 1, "bad\n4\n", 2);
    flush(world);
    answer(world, "r");
    expect_sent("1\n2\nbad\n|4\n|");
    answer(world, "r.");
    expect_sent("1\n2\n|bad\n|");
    answer(world, ".r");
    assert_string_equal(world->order, "");
    answer_letters(world, 0);
    run(world);
    assert_string_equal(world->order, "ab");
    assert_string_equal(world->letters.texts.data, "bad|");
    assert_int_equal(world->archive->counters.lines_dead_lettered, 1);
    assert_int_equal(world->archive->counters.lines_delivered, 3);
    assert_int_equal(world->archive->counters.lines_waiting, 0);
}

/* Answers calls as a stream does that refuses each call which holds "bad"; how many there were. */
static size_t serve_refusing_bad(struct world *world)
{
    size_t calls = 0;
    for (; scripted_last()->call != NULL; calls++) {
        size_t count;
        if (strstr(sent(&count), "bad") != NULL) {
            fail_call(world, HT_EINVAL, HT_AWS_FAULT_FINAL, "InvalidArgumentException");
        } else {
            answer(world, &"................"[16 - count]);
        }
        assert_true(calls < 100);
    }
    return calls;
}

static void test_a_line_that_sinks_whole_calls_is_found(void **state)
{
    struct world *world = *state;
    const char *lines[] = {"bad\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\nbad\n5\n6\n7\n8\n",
                           "1\n2\n3\n4\n5\n6\n7\nbad\n"};
    const size_t record_bytes[] = {2, 4, 8, 0};
    for (size_t i = 0; i < HT_COUNT_OF(record_bytes); i++) {
        make(world, record_bytes[i]);
        for (size_t k = 0; k < HT_COUNT_OF(lines); k++) {
            world->order[0] = '\0';
            ht_buffer_clear(&world->letters.texts);
            add(world, 0, lines[k], 8);
            flush(world);
            assert_in_range(serve_refusing_bad(world), 3, 20);
            answer_letters(world, 0);
            run(world);
            assert_string_equal(world->order, "a");
            assert_string_equal(world->letters.texts.data, "bad|");
            assert_int_equal(world->archive->counters.lines_delivered, 7 * (k + 1));
        }
        if (i + 1 < HT_COUNT_OF(record_bytes)) {
            world->archive->ops->close(world->archive, on_closed, world);
            run(world);
            world->archive->ops->destroy(world->archive);
            world->is_closed = false;
        }
    }
}

/* Nobody knows then whether line or stream is wrong: the line is kept until something else goes. */
static void test_a_line_is_not_given_up_while_the_stream_takes_nothing(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "bad\n", 1);
    flush(world);
    fail_call(world, HT_EINVAL, HT_AWS_FAULT_FINAL, "ValidationException");
    assert_string_equal(world->order, "A");
    assert_int_equal(world->archive->health.state, HT_HEALTH_FAILED);
    assert_null(world->letters.pending);
    world->order[0] = '\0';
    add(world, 0, "bad\n", 1);
    add(world, 1, "2\n", 1);
    flush(world);
    (void)serve_refusing_bad(world);
    answer_letters(world, 0);
    run(world);
    assert_string_equal(world->order, "ab");
    assert_string_equal(world->letters.texts.data, "bad|");
}

static void test_a_stream_that_refuses_everything_is_left_soon(void **state)
{
    struct world *world = *state;
    make(world, 0);
    char *lines = many_lines(5000);
    add(world, 0, lines, 5000);
    flush(world);
    while (scripted_last()->call != NULL) {
        fail_call(world, HT_EINVAL, HT_AWS_FAULT_FINAL, "InvalidArgumentException");
        assert_true(scripted_last()->started < 60);
    }
    assert_string_equal(world->order, "A");
    assert_null(world->letters.pending);
    free(lines);
}

static void test_dead_letters_that_fail_fail_the_append(void **state)
{
    struct world *world = *state;
    make(world, 4);
    add(world, 0, "bad\n", 1);
    add(world, 1, "2\n", 1);
    flush(world);
    answer(world, "r.");
    answer_letters(world, HT_ENOSPC);
    run(world);
    assert_string_equal(world->order, "AB");
    assert_int_equal(world->appends[0].status, HT_ENOSPC);
    assert_int_equal(world->archive->counters.lines_dead_lettered, 0);
}

static void test_a_line_too_long_for_a_record_becomes_a_dead_letter(void **state)
{
    struct world *world = *state;
    const size_t lengths[] = {1023999, 1024000, 1024001};
    make(world, 0);
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        char *line = malloc(lengths[i] + 1);
        assert_non_null(line);
        memset(line, 'x', lengths[i]);
        line[lengths[i] - 1] = '\n';
        line[lengths[i]] = '\0';
        world->order[0] = '\0';
        add(world, 0, "before\n", 1);
        add(world, 1, line, 1);
        add(world, 2, "after\n", 1);
        flush(world);
        size_t count;
        (void)sent(&count);
        assert_int_equal(count, lengths[i] > 1024000 ? 2 : 3);
        answer(world, &"..."[3 - count]);
        if (lengths[i] > 1024000) {
            answer_letters(world, 0);
            run(world);
        }
        assert_string_equal(world->order, "abc");
        free(line);
    }
    assert_int_equal(world->archive->counters.lines_dead_lettered, 1);
    assert_int_equal(world->letters.texts.length, 1024001);
}

/* Pain: records that follow each other without a newline. */
static void test_a_missing_newline_is_added(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1", 1);
    add(world, 1, "2\n", 1);
    add(world, 2, "", 0);
    flush(world);
    expect_sent("1\n2\n|");
    answer(world, ".");
    assert_string_equal(world->order, "abc");
    add(world, 3, "", 0);
    flush(world);
    assert_string_equal(world->order, "abcd");
}

static void test_close_sends_what_is_held(void **state)
{
    struct world *world = *state;
    make(world, 0);
    add(world, 0, "1\n", 1);
    world->archive->ops->close(world->archive, on_closed, world);
    run(world);
    expect_sent("1\n|");
    add(world, 1, "2\n", 1);
    answer(world, ".");
    assert_false(world->is_closed);
    expect_sent("2\n|");
    answer(world, ".");
    assert_string_equal(world->order, "ab");
    assert_true(world->is_closed);
}

static void test_close_ends_a_pause_and_tells_what_failed(void **state)
{
    struct world *world = *state;
    make(world, 2);
    add(world, 0, "1\n", 1);
    add(world, 1, "2\n", 1);
    flush(world);
    answer(world, ".t");
    world->archive->ops->close(world->archive, on_closed, world);
    run(world);
    expect_sent("2\n|");
    answer(world, "t");
    assert_string_equal(world->order, "aB");
    assert_true(world->is_closed);
}

static void test_names(void **state)
{
    (void)state;
    const char *good[] = {"a", "deleted-hashtags", "A_b.c-9"};
    const char *bad[] = {"", "a b", "a/b", "\xc3\xa9",
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct ht_error error;
    for (size_t i = 0; i < HT_COUNT_OF(good); i++) {
        assert_int_equal(ht_firehose_archive_check_name(good[i], &error), 0);
    }
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        assert_int_equal(ht_firehose_archive_check_name(bad[i], &error), HT_EINVAL);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_lines_of_appends_are_joined_into_one_record),
        CASE(test_flush_sends_what_is_held),
        CASE(test_a_full_record_does_not_wait),
        CASE(test_500_records_are_one_call_and_501_are_two),
        CASE(test_only_failed_records_are_sent_again),
        CASE(test_pauses_grow_and_health_tells),
        CASE(test_a_stream_that_takes_nothing_fails_what_waits),
        CASE(test_failed_call_fails_all_that_wait_and_says_the_cure),
        CASE(test_answer_without_sense_fails_what_waits),
        CASE(test_a_refused_line_goes_to_the_dead_letters_alone),
        CASE(test_a_line_that_sinks_whole_calls_is_found),
        CASE(test_a_line_is_not_given_up_while_the_stream_takes_nothing),
        CASE(test_a_stream_that_refuses_everything_is_left_soon),
        CASE(test_dead_letters_that_fail_fail_the_append),
        CASE(test_a_line_too_long_for_a_record_becomes_a_dead_letter),
        CASE(test_a_missing_newline_is_added),
        CASE(test_close_sends_what_is_held),
        CASE(test_close_ends_a_pause_and_tells_what_failed),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
