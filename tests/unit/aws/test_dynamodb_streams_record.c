// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_get_records.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_removal_is_read_whole(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record;
    struct ht_slice text = HT_SLICE(
        "{\"eventID\":\"e1\",\"eventName\":\"REMOVE\",\"eventVersion\":\"1.1\",\"eventSource\":"
        "\"aws:dynamodb\",\"awsRegion\":\"eu-west-1\",\"dynamodb\":{"
        "\"ApproximateCreationDateTime\":"
        "1.441215410867E9,\"Keys\":{\"hashtag\":{\"S\":\"a\"}},\"OldImage\":{\"hashtag\":{\"S\":"
        "\"a\"},\"htCount\":{\"N\":\"3\"}},\"SequenceNumber\":\"300000000000000499659\","
        "\"SizeBytes\":41,\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}}");
    assert_int_equal(ht_dynamodb_stream_record_read(text, &record), 0);
    assert_int_equal(record.event, HT_DYNAMODB_STREAM_EVENT_REMOVE);
    assert_int_equal(record.identity, HT_DYNAMODB_STREAM_IDENTITY_NONE);
    assert_true(ht_slice_equal(record.event_id, HT_SLICE("e1")));
    assert_true(ht_slice_equal(record.sequence_number, HT_SLICE("300000000000000499659")));
    assert_int_equal(record.created_ms, 1441215410867);
    assert_true(ht_slice_equal(record.keys, HT_SLICE("{\"hashtag\":{\"S\":\"a\"}}")));
    assert_true(ht_slice_equal(record.old_image,
                               HT_SLICE("{\"hashtag\":{\"S\":\"a\"},\"htCount\":{\"N\":\"3\"}}")));
    assert_int_equal(record.new_image.length, 0);
}

static void who_removed_it_is_told_in_either_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *identity;
        enum ht_dynamodb_stream_identity means;
    } cases[] = {
        {"null", HT_DYNAMODB_STREAM_IDENTITY_NONE},
        {"{\"Type\":\"Service\",\"PrincipalId\":\"dynamodb.amazonaws.com\"}",
         HT_DYNAMODB_STREAM_IDENTITY_TTL},
        {"{\"principalId\":\"dynamodb.amazonaws.com\",\"type\":\"Service\"}",
         HT_DYNAMODB_STREAM_IDENTITY_TTL},
        {"{\"type\":\"SERVICE\",\"principalId\":\"DynamoDB.amazonaws.com\"}",
         HT_DYNAMODB_STREAM_IDENTITY_TTL},
        {"{\"Type\":\"Service\",\"PrincipalId\":\"replication.dynamodb.amazonaws.com\"}",
         HT_DYNAMODB_STREAM_IDENTITY_OTHER},
        {"{\"Type\":\"User\",\"PrincipalId\":\"dynamodb.amazonaws.com\"}",
         HT_DYNAMODB_STREAM_IDENTITY_OTHER},
        {"{\"Type\":\"Service\"}", HT_DYNAMODB_STREAM_IDENTITY_OTHER},
        {"{}", HT_DYNAMODB_STREAM_IDENTITY_OTHER},
        {"[]", HT_DYNAMODB_STREAM_IDENTITY_OTHER},
        {"\"x\"", HT_DYNAMODB_STREAM_IDENTITY_OTHER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_stream_record record;
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "{\"eventName\":\"REMOVE\",\"userIdentity\":%s,\"dynamodb\":"
                       "{\"SequenceNumber\":\"1\"}}",
                       cases[i].identity);
        assert_int_equal(ht_dynamodb_stream_record_read(ht_slice_text(text), &record), 0);
        if (record.identity != cases[i].means) {
            fail_msg("%s", cases[i].identity);
        }
    }
}

static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "1",
        "{}",
        "[]",
        "{\"dynamodb\":{}}",
        "{\"dynamodb\":1}",
        "{\"dynamodb\":{\"SequenceNumber\":12}}",
        "{\"dynamodb\":{\"SequenceNumber\":\"\"}}",
        "{\"dynamodb\":{\"SequenceNumber\":\"1a\"}}",
        "{\"dynamodb\":{\"SequenceNumber\":\"-1\"}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ht_dynamodb_stream_record record;
        if (ht_dynamodb_stream_record_read(ht_slice_text(texts[i]), &record) != HT_EPARSE) {
            fail_msg("%s", texts[i]);
        }
        assert_int_equal(record.sequence_number.length, 0);
    }
}

static void a_sequence_number_over_its_limit_is_refused(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record;
    char text[256];
    for (int digits = 128; digits <= 129; digits++) {
        (void)snprintf(text, sizeof(text), "{\"dynamodb\":{\"SequenceNumber\":\"%0*d\"}}", digits,
                       1);
        assert_int_equal(ht_dynamodb_stream_record_read(ht_slice_text(text), &record),
                         digits == 128 ? 0 : HT_EPARSE);
    }
}

static void a_broken_record_still_tells_its_place(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record;
    struct ht_slice text = HT_SLICE("{\"dynamodb\":{\"SequenceNumber\":\"12\"},\"eventName\"}");
    assert_int_equal(ht_dynamodb_stream_record_read(text, &record), HT_EPARSE);
    assert_true(ht_slice_equal(record.sequence_number, HT_SLICE("12")));
}

static void values_of_a_wrong_type_are_left_out(void **state)
{
    (void)state;
    struct ht_dynamodb_stream_record record;
    struct ht_slice text =
        HT_SLICE("{\"eventID\":7,\"eventName\":[],\"dynamodb\":{\"SequenceNumber\":\"12\",\"Keys\":"
                 "[],\"OldImage\":null,\"NewImage\":\"x\",\"ApproximateCreationDateTime\":\"x\"}}");
    assert_int_equal(ht_dynamodb_stream_record_read(text, &record), 0);
    assert_int_equal(record.event, HT_DYNAMODB_STREAM_EVENT_OTHER);
    assert_int_equal(record.event_id.length, 0);
    assert_int_equal(record.keys.length, 0);
    assert_int_equal(record.old_image.length, 0);
    assert_int_equal(record.new_image.length, 0);
    assert_int_equal(record.created_ms, 0);
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 5);
    for (size_t round = 0; round < 20000; round++) {
        struct ht_dynamodb_stream_record record;
        char text[] = "{\"eventID\":\"e\",\"userIdentity\":{\"Type\":\"Service\"},\"dynamodb\":"
                      "{\"Keys\":{\"a\":{\"S\":\"x\"}},\"SequenceNumber\":\"12\","
                      "\"ApproximateCreationDateTime\":1.5E9}}";
        text[ht_random_below(&random, sizeof(text) - 1)] = (char)ht_random_below(&random, 256);
        int status = ht_dynamodb_stream_record_read(ht_slice_text(text), &record);
        assert_true(status == 0 || status == HT_EPARSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removal_is_read_whole),
        cmocka_unit_test(who_removed_it_is_told_in_either_spelling),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(a_sequence_number_over_its_limit_is_refused),
        cmocka_unit_test(a_broken_record_still_tells_its_place),
        cmocka_unit_test(values_of_a_wrong_type_are_left_out),
        cmocka_unit_test(changed_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
