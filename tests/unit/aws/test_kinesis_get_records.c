// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_get_records.h"

#include "hashtagd/base/assert.h"

#include "../tally/failing_memory.h"
#include "fake_aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECORD(sequence, data)                                                                     \
    "{\"SequenceNumber\":\"" sequence "\",\"ApproximateArrivalTimestamp\":1.441215410867E9,"       \
    "\"Data\":\"" data "\",\"PartitionKey\":\"k\",\"EncryptionType\":\"NONE\"}"
#define PAGE(records)                                                                              \
    "{\"Records\":[" records "],\"NextShardIterator\":\"i2\",\"MillisBehindLatest\":5}"

static struct ht_json_reader reader;
static struct ht_error error;

static int set_up(void **state)
{
    (void)state;
    ht_json_reader_init(&reader, 32u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ht_json_reader_finish(&reader);
    return 0;
}

static int read_page(struct ht_kinesis_page *page, const char *text)
{
    size_t length = strlen(text);
    char *body = malloc(length + 1);
    assert_non_null(body);
    memcpy(body, text, length + 1);
    return ht_kinesis_page_read(page, &reader, body, length, &error);
}

static void records_come_decoded_and_in_order(void **state)
{
    (void)state;
    struct ht_kinesis_page page;
    assert_int_equal(read_page(&page, PAGE(RECORD("1", "Zm9vYg==") "," RECORD("22", ""))), 0);
    assert_int_equal(page.count, 2);
    assert_true(ht_slice_equal(page.records[0].data, HT_SLICE("foob")));
    assert_true(ht_slice_equal(page.records[0].partition_key, HT_SLICE("k")));
    assert_true(ht_slice_equal(page.records[0].sequence_number, HT_SLICE("1")));
    assert_int_equal(page.records[0].arrival_ms, 1441215410867);
    assert_int_equal(page.records[1].data.length, 0);
    assert_true(ht_slice_equal(page.last_sequence, HT_SLICE("22")));
    assert_string_equal(page.next_iterator, "i2");
    assert_int_equal(page.behind_ms, 5);
    ht_kinesis_page_finish(&page);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    struct ht_kinesis_page page;
    assert_int_equal(
        read_page(&page,
                  "{\"Records\":[{\"SequenceNumber\":\"\\u0031\",\"Data\":\"\\/\\u002b+\\/\","
                  "\"PartitionKey\":\"\\u00e9\\n\"}],\"NextShardIterator\":\"a\\/b\"}"),
        0);
    assert_int_equal(page.count, 1);
    assert_true(ht_slice_equal(page.records[0].data, HT_SLICE("\xff\xef\xbf")));
    assert_true(ht_slice_equal(page.records[0].partition_key, HT_SLICE("\xc3\xa9\n")));
    assert_true(ht_slice_equal(page.records[0].sequence_number, HT_SLICE("1")));
    assert_int_equal(page.records[0].arrival_ms, 0);
    assert_string_equal(page.next_iterator, "a/b");
    ht_kinesis_page_finish(&page);
}

static void a_bad_record_leaves_its_neighbours(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"SequenceNumber\":\"5\",\"Data\":\"Zg\",\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":\"5\",\"Data\":\"Z*==\",\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":\"5\",\"Data\":7,\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":\"5\",\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":\"5\",\"Data\":\"Zg==\"}",
        "{\"SequenceNumber\":\"5\",\"Data\":\"Zg==\",\"PartitionKey\":null}",
        "{\"SequenceNumber\":\"\",\"Data\":\"Zg==\",\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":\"5x\",\"Data\":\"Zg==\",\"PartitionKey\":\"k\"}",
        "{\"SequenceNumber\":5,\"Data\":\"Zg==\",\"PartitionKey\":\"k\"}",
        "{\"Data\":\"Zg==\",\"PartitionKey\":\"k\"}",
        "{}",
        "[]",
        "null",
        "7",
    };
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        char text[2048];
        struct ht_kinesis_page page;
        snprintf(text, sizeof(text), PAGE(RECORD("1", "Zm9v") ",%s," RECORD("9", "YmFy")), bad[i]);
        assert_int_equal(read_page(&page, text), 0);
        assert_int_equal(page.count, 2);
        assert_int_equal(page.bad_count, 1);
        assert_true(page.bad_reason[0] != '\0');
        assert_true(ht_slice_equal(page.records[1].data, HT_SLICE("bar")));
        assert_true(ht_slice_equal(page.last_sequence, HT_SLICE("9")));
        ht_kinesis_page_finish(&page);
    }
}

static void the_end_of_a_shard_is_told_with_its_children(void **state)
{
    (void)state;
    static const char *const ends[] = {"\"NextShardIterator\":null,", ""};
    for (size_t i = 0; i < HT_COUNT_OF(ends); i++) {
        char text[1024];
        struct ht_kinesis_page page;
        snprintf(text, sizeof(text),
                 "{%s\"Records\":[],\"MillisBehindLatest\":0,\"ChildShards\":["
                 "{\"ShardId\":\"s1\",\"ParentShards\":[\"p1\",\"p2\"],\"HashKeyRange\":{}},"
                 "{\"ShardId\":7},{\"ShardId\":\"s2\",\"ParentShards\":[\"p1\"]}]}",
                 ends[i]);
        assert_int_equal(read_page(&page, text), 0);
        assert_string_equal(page.next_iterator, "");
        assert_int_equal(page.child_count, 2);
        assert_string_equal(page.children[0].id, "s1");
        assert_string_equal(page.children[0].parent_id, "p1");
        assert_string_equal(page.children[0].adjacent_parent_id, "p2");
        assert_string_equal(page.children[1].id, "s2");
        assert_string_equal(page.children[1].adjacent_parent_id, "");
        ht_kinesis_page_finish(&page);
    }
}

/* The list of shards tells of it later; a child without its parent would begin too early. */
static void a_child_whose_parents_cannot_be_read_is_not_told(void **state)
{
    (void)state;
    struct ht_kinesis_page page;
    assert_int_equal(read_page(&page, "{\"Records\":[],\"MillisBehindLatest\":0,\"ChildShards\":["
                                      "{\"ShardId\":\"s1\",\"ParentShards\":[\"p1\",7]},"
                                      "{\"ShardId\":\"s2\",\"ParentShards\":[\"p1\"]}]}"),
                     0);
    assert_int_equal(page.child_count, 1);
    assert_string_equal(page.children[0].id, "s2");
    ht_kinesis_page_finish(&page);
}

/* None of these may be taken for the end of a shard. */
static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        "{\"Records\":null,\"NextShardIterator\":\"i\"}",
        "{\"Records\":{},\"NextShardIterator\":\"i\"}",
        "{\"NextShardIterator\":\"i\"}",
        "{\"Records\":[],\"NextShardIterator\":\"\"}",
        "{\"Records\":[],\"NextShardIterator\":7}",
        "{\"Records\":[],\"NextShardIterator\":\"a\\u0000b\"}",
        "{\"Records\":[]",
        "{\"Records\":[],\"NextShardIterator\":\"\xff\"}",
    };
    for (size_t i = 0; i < HT_COUNT_OF(texts); i++) {
        struct ht_kinesis_page page;
        assert_int_equal(read_page(&page, texts[i]), HT_EPARSE);
        assert_true(error.text[0] != '\0');
        ht_kinesis_page_finish(&page);
    }
}

static void an_answer_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    const char *whole = PAGE(RECORD("1", "Zm9vYg==") "," RECORD("22", ""));
    for (size_t length = 0; length < strlen(whole); length++) {
        char text[1024] = {0};
        struct ht_kinesis_page page;
        memcpy(text, whole, length);
        assert_int_equal(read_page(&page, text), HT_EPARSE);
        ht_kinesis_page_finish(&page);
    }
}

static void a_long_iterator_is_refused(void **state)
{
    (void)state;
    char text[HT_KINESIS_ITERATOR_BYTES + 100];
    struct ht_kinesis_page page;
    snprintf(text, sizeof(text), "{\"Records\":[],\"NextShardIterator\":\"%0*d\"}",
             HT_KINESIS_ITERATOR_BYTES, 1);
    assert_int_equal(read_page(&page, text), HT_EPARSE);
    ht_kinesis_page_finish(&page);
}

static void odd_numbers_do_no_harm(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t behind_ms;
    } cases[] = {{"1e3", 1000},
                 {"-5", 0},
                 {"1e308", 0},
                 {"\"7\"", 0},
                 {"null", 0},
                 {"0.6", 1},
                 {"4e15", 4000000000000000},
                 {"{}", 0}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char text[256];
        struct ht_kinesis_page page;
        snprintf(text, sizeof(text),
                 "{\"Records\":[],\"NextShardIterator\":\"i\",\"MillisBehindLatest\":%s}",
                 cases[i].text);
        assert_int_equal(read_page(&page, text), 0);
        assert_int_equal(page.behind_ms, cases[i].behind_ms);
        ht_kinesis_page_finish(&page);
    }
}

static void many_records_fit(void **state)
{
    (void)state;
    struct ht_buffer text;
    struct ht_kinesis_page page;
    ht_buffer_init(&text, 64u << 20);
    ht_buffer_append_text(&text, "{\"Records\":[");
    for (int i = 0; i < 10000; i++) {
        ht_buffer_append_format(&text, "%s" RECORD("%d", "Zm9v"), i > 0 ? "," : "", i);
    }
    ht_buffer_append_text(&text, "],\"NextShardIterator\":\"i\"}");
    assert_int_equal(ht_buffer_status(&text), 0);
    assert_int_equal(read_page(&page, text.data), 0);
    assert_int_equal(page.count, 10000);
    assert_true(ht_slice_equal(page.records[9999].sequence_number, HT_SLICE("9999")));
    ht_kinesis_page_finish(&page);
    ht_buffer_finish(&text);
}

static unsigned done_count;

static void on_done(struct ht_kinesis_get_records *op)
{
    (void)op;
    done_count++;
}

static void the_request_says_iterator_and_limit(void **state)
{
    (void)state;
    struct ht_aws_client client = {0};
    struct ht_kinesis_get_records op = {
        .stream_name = "tweets", .iterator = "AA\"==", .limit = 250, .done = on_done};
    done_count = 0;
    assert_int_equal(ht_kinesis_get_records_start(&client, &op), 0);
    assert_true(
        ht_slice_equal(op.call.body, HT_SLICE("{\"ShardIterator\":\"AA\\\"==\",\"Limit\":250}")));
    assert_string_equal(op.call.operation, "GetRecords");
    assert_string_equal(op.call.resource, "stream tweets");
    assert_int_equal(done_count, 0);
    fake_aws_break(fake_aws_next(&client));
    assert_int_equal(done_count, 1);
    assert_int_equal(op.call.status, HT_ECONNECTION);
}

/* A record that memory is out for is none that cannot be read: it must not be passed over. */
static void without_memory_no_record_is_passed_over(void **state)
{
    (void)state;
    static const char *const text = PAGE("{\"SequenceNumber\":\"\\u0031\",\"Data\":\"\\/\\/8=\","
                                         "\"PartitionKey\":\"\\u00e9\"}");
    bool has_failed = true;
    for (size_t allocations = 0; has_failed; allocations++) {
        struct ht_json_reader fresh;
        struct ht_kinesis_page page;
        char *body = strdup(text);
        assert_non_null(body);
        ht_json_reader_init(&fresh, 32u << 20);
        (void)failing_memory_set(allocations);
        int status = ht_kinesis_page_read(&page, &fresh, body, strlen(text), &error);
        has_failed = failing_memory_set(SIZE_MAX);
        assert_int_equal(status, has_failed ? HT_ENOMEM : 0);
        assert_int_equal(page.bad_count, 0);
        assert_true(has_failed || page.count == 1);
        ht_kinesis_page_finish(&page);
        ht_json_reader_finish(&fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_decoded_and_in_order),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(a_bad_record_leaves_its_neighbours),
        cmocka_unit_test(the_end_of_a_shard_is_told_with_its_children),
        cmocka_unit_test(a_child_whose_parents_cannot_be_read_is_not_told),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(an_answer_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_long_iterator_is_refused),
        cmocka_unit_test(odd_numbers_do_no_harm),
        cmocka_unit_test(many_records_fit),
        cmocka_unit_test(without_memory_no_record_is_passed_over),
        cmocka_unit_test(the_request_says_iterator_and_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
