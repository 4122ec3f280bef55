// SPDX-License-Identifier: MIT
#include "../../../src/backends/kinesis_batch.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_json_reader reader;
static struct ht_kinesis_page page;
static struct ht_kinesis_batch_making making;
static struct ht_kinesis_stand stand;

static int set_up(void **state)
{
    (void)state;
    ht_json_reader_init(&reader, 1u << 24);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ht_json_reader_finish(&reader);
    return 0;
}

static void stand_after(const char *sequence, uint64_t sub)
{
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    if (sequence != NULL) {
        ht_position_after(&from, ht_slice_text(sequence), sub);
    }
    ht_kinesis_stand_at(&stand, &from);
}

static int make(const char *records, const char *rest, size_t max_records_bytes)
{
    char text[4096];
    int length = snprintf(text, sizeof(text), "{\"Records\":[%s]%s}", records, rest);
    char *body = malloc((size_t)length + 1);
    assert_non_null(body);
    memcpy(body, text, (size_t)length + 1);
    assert_int_equal(ht_kinesis_page_read(&page, &reader, body, (size_t)length, NULL), 0);
    making = (struct ht_kinesis_batch_making){
        .page = &page, .stand = &stand, .max_records_bytes = max_records_bytes, .now_ms = 77};
    return ht_kinesis_batch_make(&making);
}

#define OPEN ",\"NextShardIterator\":\"i\",\"MillisBehindLatest\":3"
#define RECORD(sequence, data)                                                                     \
    "{\"SequenceNumber\":\"" sequence "\",\"Data\":\"" data "\",\"PartitionKey\":\"k\"}"

/* Kinesis takes 256 characters, which may have more bytes than the limit of a key here. */
static void a_long_partition_key_is_cut(void **state)
{
    (void)state;
    char records[2048], key[1101];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    (void)snprintf(records, sizeof(records),
                   "{\"SequenceNumber\":\"5\",\"Data\":\"Zm9v\",\"PartitionKey\":\"%s\"}", key);
    stand_after(NULL, 0);
    assert_int_equal(
        make(records, ",\"NextShardIterator\":\"i\",\"MillisBehindLatest\":3", 1u << 20), 0);
    assert_int_equal(making.batch->count, 1);
    assert_in_range(making.batch->records[0].partition_key.length, 256, 1099);
    assert_true(ht_slice_equal(making.batch->records[0].data, HT_SLICE("foo")));
    ht_record_batch_release(making.batch);
}

static void next_is_behind_the_last_record_also_a_bad_one(void **state)
{
    (void)state;
    stand_after(NULL, 0);
    assert_int_equal(make(RECORD("5", "Zm9v") "," RECORD("6", "!"), OPEN, 1u << 20), 0);
    assert_int_equal(making.batch->count, 1);
    assert_int_equal(making.batch->records[0].arrival_ms, 77);
    assert_int_equal(making.batch->next.kind, HT_POSITION_AFTER);
    assert_string_equal(making.batch->next.sequence_number, "6");
    assert_int_equal(making.batch->behind_ms, 3);
    assert_int_equal(making.findings.bad_records, 1);
    assert_true(stand.is_whole);
    ht_record_batch_release(making.batch);
}

static void an_empty_answer_leaves_the_place(void **state)
{
    (void)state;
    stand_after("5", 2);
    assert_int_equal(make("", OPEN, 1u << 20), 0);
    assert_int_equal(making.batch->count, 0);
    assert_string_equal(making.batch->next.sequence_number, "5");
    assert_int_equal(making.batch->next.sub_sequence, 2);
    assert_false(stand.is_whole);
    ht_record_batch_release(making.batch);
}

static void the_end_keeps_the_last_sequence_number(void **state)
{
    (void)state;
    stand_after("5", 0);
    assert_int_equal(make("", "", 1u << 20), 0);
    assert_int_equal(making.batch->next.kind, HT_POSITION_END);
    assert_string_equal(making.batch->next.sequence_number, "5");
    ht_record_batch_release(making.batch);
    stand_after("5", 0);
    assert_int_equal(make(RECORD("5", "Zm9v") "," RECORD("7", "Zm9v"), "", 1u << 20), 0);
    assert_int_equal(making.batch->count, 1);
    assert_int_equal(making.batch->next.kind, HT_POSITION_END);
    assert_string_equal(making.batch->next.sequence_number, "7");
    assert_false(making.findings.is_trimmed);
    ht_record_batch_release(making.batch);
}

static void records_before_the_place_are_left_out(void **state)
{
    (void)state;
    stand_after("10", 0);
    assert_int_equal(make(RECORD("8", "Zm9v") "," RECORD("9", "Zm9v"), OPEN, 1u << 20), 0);
    assert_int_equal(making.batch->count, 0);
    assert_string_equal(making.batch->next.sequence_number, "10");
    assert_false(stand.is_whole);
    ht_record_batch_release(making.batch);
    assert_int_equal(make(RECORD("10", "Zm9v") "," RECORD("11", "Zm9v"), OPEN, 1u << 20), 0);
    assert_int_equal(making.batch->count, 1);
    assert_string_equal(making.batch->next.sequence_number, "11");
    assert_true(stand.is_whole);
    assert_false(making.findings.is_trimmed);
    ht_record_batch_release(making.batch);
}

/* An aggregated record of `count` empty user records, the last with a key that is not there, in
 * base64. */
static void aggregate(char *out, size_t capacity, size_t count)
{
    char data[2048] = "\xf3\x89\x9a\xc2\x0a\x01k";
    size_t length = 7;
    for (size_t i = 0; i < count; i++) {
        memcpy(data + length, "\x1a\x04\x08\x00\x1a\x00", 6);
        data[length + 3] = i + 1 == count ? '\x05' : '\0';
        length += 6;
    }
    ht_digest_md5(ht_slice_make(data + 4, length - 4), (uint8_t *)data + length);
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    length += 16;
    assert_true(length % 3 == 2 && length / 3 * 4 + 5 < capacity);
    data[length] = '\0';
    size_t at = 0;
    for (size_t i = 0; i < length; i += 3) {
        const unsigned char *in = (const unsigned char *)data + i;
        out[at++] = letters[in[0] >> 2];
        out[at++] = letters[(in[0] & 3) << 4 | in[1] >> 4];
        out[at++] = letters[(in[1] & 15) << 2 | in[2] >> 6];
        out[at++] = i + 2 < length ? letters[in[2] & 63] : '=';
    }
    out[at] = '\0';
}

static void a_damaged_aggregate_gives_what_came_before(void **state)
{
    (void)state;
    char text[1024];
    char record[2048];
    aggregate(text, sizeof(text), 3);
    snprintf(record, sizeof(record),
             "{\"SequenceNumber\":\"4\",\"Data\":\"%s\",\"PartitionKey\":\"k\"},%s", text,
             RECORD("5", "Zm9v"));
    stand_after(NULL, 0);
    assert_int_equal(make(record, OPEN, 1u << 20), 0);
    assert_int_equal(making.batch->count, 3);
    assert_int_equal(making.batch->records[1].sub_sequence, 1);
    assert_int_equal(making.findings.damaged_records, 1);
    assert_true(ht_slice_equal(making.batch->records[2].data, HT_SLICE("foo")));
    ht_record_batch_release(making.batch);
}

static void more_records_than_there_may_be_leave_the_place(void **state)
{
    (void)state;
    char text[1024];
    char record[2048];
    aggregate(text, sizeof(text), 100);
    snprintf(record, sizeof(record),
             "{\"SequenceNumber\":\"4\",\"Data\":\"%s\",\"PartitionKey\":\"k\"}", text);
    stand_after("3", 0);
    assert_int_equal(make(record, OPEN, 50 * sizeof(struct ht_record)), HT_ETOOBIG);
    assert_null(making.batch);
    assert_string_equal(stand.at.sequence_number, "3");
    assert_int_equal(make(record, OPEN, 200 * sizeof(struct ht_record)), 0);
    assert_int_equal(making.batch->count, 99);
    assert_true(making.batch->bytes > 99 * sizeof(struct ht_record));
    ht_record_batch_release(making.batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_is_behind_the_last_record_also_a_bad_one),
        cmocka_unit_test(a_long_partition_key_is_cut),
        cmocka_unit_test(an_empty_answer_leaves_the_place),
        cmocka_unit_test(the_end_keeps_the_last_sequence_number),
        cmocka_unit_test(records_before_the_place_are_left_out),
        cmocka_unit_test(a_damaged_aggregate_gives_what_came_before),
        cmocka_unit_test(more_records_than_there_may_be_leave_the_place),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
