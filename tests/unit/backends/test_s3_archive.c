// SPDX-License-Identifier: MIT
#include "hashtagd/backends/s3_archive.h"

#include "fixture.h"
#include "scripted_calls.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/json/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    APPENDS = 4,
};

struct world {
    struct fixture *fixture;
    struct ht_manual_clock clock;
    struct ht_archive *archive;
    struct ht_archive_append appends[APPENDS];
    char order[64]; /* one letter an answer: "a" for the first append; upper case: failed */
    char last_key[HT_ARCHIVE_OBJECT_BYTES]; /* of the last object that was put */
    bool is_closed;
};

static struct world world;

/* As S3 answers a PutObject. */
static void answer_stored(void)
{
    const struct ht_http_header etag = {HT_SLICE("ETag"), HT_SLICE("\"x\"")};
    scripted_answer_headers("", &etag, 1);
}

static int setup(void **state)
{
    memset(&world, 0, sizeof(world));
    int status = fixture_setup(state);
    world.fixture = *state;
    ht_manual_clock_init(&world.clock, 1000000000, 1769860800123); /* 2026-01-31T12:00:00.123Z */
    return status == 0 ? scripted_setup(NULL) : status;
}

static void make(uint32_t buffer_s, size_t buffer_bytes, bool leaves_out_crc32)
{
    struct ht_error error;
    struct ht_s3_archive_options options = {
        .aws = scripted_client(),
        .worker = world.fixture->worker,
        .clock = &world.clock.clock,
        .timers = ht_loop_timers(world.fixture->loop),
        .bucket = "bin",
        .prefix = "deleted/",
        .buffer_s = buffer_s,
        .buffer_bytes = buffer_bytes,
        .leaves_out_crc32 = leaves_out_crc32,
    };
    assert_int_equal(ht_s3_archive_create(&world.archive, &options, &error), 0);
}

static void on_closed(void *user)
{
    (void)user;
    world.is_closed = true;
    fixture_stop(world.fixture);
}

static int teardown(void **state)
{
    if (!world.is_closed) {
        world.archive->ops->close(world.archive, on_closed, NULL);
        assert_false(world.is_closed);
        fixture_run(world.fixture);
    }
    assert_int_equal(world.archive->health.state, HT_HEALTH_STOPPED);
    assert_int_equal(world.archive->counters.lines_waiting, 0);
    world.archive->ops->destroy(world.archive);
    int status = scripted_teardown(NULL);
    return fixture_teardown(state) == 0 ? status : -1;
}

static void on_append(struct ht_archive_append *append)
{
    size_t length = strlen(world.order);
    assert_string_equal(append->object, append->status == 0 ? world.last_key : "");
    assert_true(length + 1 < sizeof(world.order));
    world.order[length] = (char)((append->status == 0 ? 'a' : 'A') + (append - world.appends));
    world.order[length + 1] = '\0';
}

static void add(size_t index, const char *lines)
{
    world.appends[index] =
        (struct ht_archive_append){.lines = ht_slice_text(lines), .count = 1, .done = on_append};
    size_t before = strlen(world.order);
    world.archive->ops->append(world.archive, &world.appends[index]);
    assert_int_equal(strlen(world.order), before); /* never from inside */
}

/* Waits for the next put; its content must be this. */
static void expect_put(const char *content)
{
    struct ht_buffer back;
    for (int i = 0; i < 5000 && scripted_last()->call == NULL; i++) {
        fixture_run_ms(world.fixture, 1);
    }
    struct scripted_call *call = scripted_pending();
    assert_string_equal(call->operation, "PutObject");
    assert_string_equal(call->method, "PUT");
    assert_string_equal(call->bucket, "bin");
    (void)snprintf(world.last_key, sizeof(world.last_key), "%s", call->path + 1);
    ht_buffer_init(&back, 1 << 20);
    assert_int_equal(ht_gzip_parse(ht_buffer_slice(&call->body), &back), 0);
    assert_string_equal(back.data == NULL ? "" : back.data, content);
    ht_buffer_finish(&back);
}

static void flush(void)
{
    world.archive->ops->flush(world.archive);
}

static void settle(void)
{
    fixture_run_ms(world.fixture, 5);
}

static void test_object_has_a_key_of_its_time_and_checksums(void **state)
{
    (void)state;
    uint8_t md5[HT_DIGEST_MD5_BYTES], given[HT_DIGEST_MD5_BYTES + 2];
    size_t length;
    make(60, 1 << 20, false);
    add(0, "{\"a\":1}\n");
    add(1, "{\"b\":2}\n");
    settle();
    assert_int_equal(scripted_last()->started, 0);
    flush();
    expect_put("{\"a\":1}\n{\"b\":2}\n");
    const char *begin = "deleted/2026/01/31/12/20260131T120000.123Z-";
    assert_memory_equal(world.last_key, begin, strlen(begin));
    assert_string_equal(world.last_key + strlen(begin) + 16, "-000001.jsonl.gz");
    assert_string_equal(scripted_header("If-None-Match"), "*");
    assert_string_equal(scripted_header("Content-Type"), "application/gzip");
    assert_string_equal(scripted_header("x-amz-sdk-checksum-algorithm"), "CRC32");
    struct ht_slice body = ht_buffer_slice(&scripted_pending()->body);
    ht_digest_md5(body, md5);
    assert_int_equal(
        ht_base64_decode(ht_slice_text(scripted_header("Content-MD5")), given, &length), 0);
    assert_int_equal(length, sizeof(md5));
    assert_memory_equal(given, md5, sizeof(md5));
    assert_int_equal(
        ht_base64_decode(ht_slice_text(scripted_header("x-amz-checksum-crc32")), given, &length),
        0);
    assert_int_equal(length, 4);
    uint32_t crc = ht_digest_crc32(0, body);
    const uint8_t expected[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                                (uint8_t)crc};
    assert_memory_equal(given, expected, 4);
    assert_string_equal(world.order, "");
    answer_stored();
    assert_string_equal(world.order, "ab");
    assert_int_equal(world.archive->counters.lines_delivered, 2);
    assert_int_equal(world.archive->counters.objects, 1);
    assert_true(world.archive->counters.bytes > 20);
    assert_int_equal(world.archive->health.state, HT_HEALTH_WORKING);
}

static void test_crc32_is_left_out_where_the_peer_wants_none(void **state)
{
    (void)state;
    make(60, 1, true);
    add(0, "1\n");
    expect_put("1\n");
    assert_null(scripted_header("x-amz-checksum-crc32"));
    assert_null(scripted_header("x-amz-sdk-checksum-algorithm"));
    assert_non_null(scripted_header("Content-MD5"));
    answer_stored();
}

static void test_time_and_bytes_close_an_object(void **state)
{
    (void)state;
    make(1, 6, false);
    add(0, "1\n");
    add(1, "2\n");
    settle();
    assert_null(scripted_last()->call);
    expect_put("1\n2\n"); /* after a second */
    answer_stored();
    add(2, "3\n4\n");
    settle();
    assert_null(scripted_last()->call);
    add(3, "5\n");
    settle();
    expect_put("3\n4\n5\n");
    answer_stored();
    assert_string_equal(world.order, "abcd");
}

static void test_keys_sort_by_time_even_where_the_clock_goes_back(void **state)
{
    (void)state;
    char before[HT_ARCHIVE_OBJECT_BYTES] = "";
    make(60, 1, false);
    for (int i = 0; i < 12; i++) {
        world.order[0] = '\0';
        add(0, "1\n");
        expect_put("1\n");
        assert_true(strcmp(world.last_key, before) > 0);
        (void)snprintf(before, sizeof(before), "%s", world.last_key);
        world.clock.now_wall_ms += i % 3 == 0 ? 3600000 : i % 3 == 1 ? -1800000 : 0;
        answer_stored();
        assert_string_equal(world.order, "a");
    }
}

/* Pain: a lost answer leaves the object twice. */
static void test_what_failed_comes_again_under_the_same_key(void **state)
{
    (void)state;
    char key[HT_ARCHIVE_OBJECT_BYTES];
    make(60, 1 << 20, false);
    add(0, "1\n");
    add(1, "2\n");
    flush();
    expect_put("1\n2\n");
    (void)snprintf(key, sizeof(key), "%s", world.last_key);
    add(2, "3\n");
    scripted_fail(HT_ECONNECTION, HT_AWS_FAULT_TRANSIENT, 0, "no answer");
    assert_string_equal(world.order, "ABC"); /* nothing overtakes */
    assert_int_equal(world.archive->health.state, HT_HEALTH_WAITING);
    world.order[0] = '\0';
    world.clock.now_wall_ms += 7200000;
    add(0, "1\n");
    add(1, "2\n");
    add(2, "3\n");
    flush();
    expect_put("1\n2\n");
    assert_string_equal(world.last_key, key);
    scripted_fail(HT_EEXIST, HT_AWS_FAULT_FINAL, 412, "PreconditionFailed"); /* it was there */
    assert_string_equal(world.order, "ab");
    assert_int_equal(world.archive->health.state, HT_HEALTH_WORKING);
    expect_put("3\n"); /* the rest is due still */
    assert_string_not_equal(world.last_key, key);
    answer_stored();
    assert_string_equal(world.order, "abc");
}

static void test_other_lines_than_those_that_failed_get_another_key(void **state)
{
    (void)state;
    char key[HT_ARCHIVE_OBJECT_BYTES];
    make(60, 1, false);
    add(0, "1\n");
    expect_put("1\n");
    (void)snprintf(key, sizeof(key), "%s", world.last_key);
    scripted_fail(HT_EIO, HT_AWS_FAULT_TRANSIENT, 500, "InternalError");
    add(0, "2\n");
    expect_put("2\n");
    assert_string_not_equal(world.last_key, key);
    answer_stored();
    assert_string_equal(world.order, "Aa");
}

/* Nobody knows whose object that is: it is not ours, and the lines go elsewhere. */
static void test_a_key_that_is_taken_by_another_is_not_used(void **state)
{
    (void)state;
    char key[HT_ARCHIVE_OBJECT_BYTES];
    make(60, 1, false);
    add(0, "1\n");
    expect_put("1\n");
    (void)snprintf(key, sizeof(key), "%s", world.last_key);
    scripted_fail(HT_EEXIST, HT_AWS_FAULT_FINAL, 412, "PreconditionFailed");
    assert_string_equal(world.order, "A");
    add(0, "1\n");
    expect_put("1\n");
    assert_string_not_equal(world.last_key, key);
    answer_stored();
    assert_string_equal(world.order, "Aa");
}

static void test_peers_that_know_no_condition_are_asked_without(void **state)
{
    (void)state;
    make(60, 1, false);
    add(0, "1\n");
    expect_put("1\n");
    scripted_fail(HT_EIO, HT_AWS_FAULT_FINAL, 501, "NotImplemented");
    expect_put("1\n");
    assert_null(scripted_header("If-None-Match"));
    answer_stored();
    add(1, "2\n");
    expect_put("2\n");
    assert_null(scripted_header("If-None-Match")); /* remembered */
    answer_stored();
    assert_string_equal(world.order, "ab");
    assert_int_equal(world.archive->counters.errors, 0);
}

static void test_health_says_the_cure_and_recovers(void **state)
{
    (void)state;
    const struct {
        int status;
        enum ht_aws_fault fault;
        int http_status;
        const char *code;
        enum ht_health_state state;
        const char *text;
    } cases[] = {
        {HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 404, "NoSuchBucket", HT_HEALTH_FAILED, "hashtagd setup"},
        {HT_EPERMISSION, HT_AWS_FAULT_FINAL, 403, "AccessDenied", HT_HEALTH_FAILED, "s3:PutObject"},
        {HT_EPERMISSION, HT_AWS_FAULT_FINAL, 403, "", HT_HEALTH_FAILED, "s3:PutObject"},
        {HT_EINVAL, HT_AWS_FAULT_FINAL, 301, "PermanentRedirect", HT_HEALTH_FAILED, "AWS_REGION"},
        {HT_EPERMISSION, HT_AWS_FAULT_FINAL, 403, "SignatureDoesNotMatch", HT_HEALTH_FAILED,
         "secret access key"},
        {HT_EBUSY, HT_AWS_FAULT_THROTTLED, 503, "SlowDown", HT_HEALTH_WAITING, "SlowDown"},
        {HT_EBUSY, HT_AWS_FAULT_FINAL, 409, "ConditionalRequestConflict", HT_HEALTH_WAITING,
         "ConditionalRequestConflict"},
    };
    make(60, 1, false);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        world.order[0] = '\0';
        add(0, "1\n");
        expect_put("1\n");
        scripted_fail(cases[i].status, cases[i].fault, cases[i].http_status, cases[i].code);
        assert_string_equal(world.order, "A");
        assert_int_equal(world.appends[0].status, cases[i].status);
        assert_int_equal(world.archive->health.state, cases[i].state);
        assert_non_null(strstr(world.archive->health.text, "bucket bin"));
        assert_non_null(strstr(world.archive->health.text, cases[i].text));
        assert_non_null(strstr(world.archive->health.text, "R-1"));
    }
    add(0, "1\n");
    expect_put("1\n");
    answer_stored();
    assert_int_equal(world.archive->health.state, HT_HEALTH_WORKING);
}

static void test_close_puts_what_is_open(void **state)
{
    (void)state;
    make(3600, 1 << 20, false);
    add(0, "1\n");
    world.archive->ops->close(world.archive, on_closed, NULL);
    expect_put("1\n");
    add(1, "2\n");
    answer_stored();
    expect_put("2\n");
    assert_false(world.is_closed);
    scripted_fail(HT_ECONNECTION, HT_AWS_FAULT_TRANSIENT, 0, "no connection");
    assert_string_equal(world.order, "aB");
    settle();
    assert_true(world.is_closed);
}

static void test_names(void **state)
{
    (void)state;
    char long_prefix[300];
    struct ht_error error;
    memset(long_prefix, 'a', sizeof(long_prefix));
    long_prefix[299] = '\0';
    const struct {
        const char *bucket, *prefix;
        bool is_accepted;
    } cases[] = {
        {"bin", "", true},        {"a.b-c", "x/y/", true},     {"ab", "", false},
        {"a/b", "", false},       {"bin", "/x", false},        {"bin", "a\nb", false},
        {"b\xc3\xa9", "", false}, {"bin", long_prefix, false}, {"bin", "caf\xc3\xa9/", true},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        int status = ht_s3_archive_check_names(cases[i].bucket, cases[i].prefix, &error);
        assert_int_equal(status, cases[i].is_accepted ? 0 : HT_EINVAL);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_object_has_a_key_of_its_time_and_checksums),
        CASE(test_crc32_is_left_out_where_the_peer_wants_none),
        CASE(test_time_and_bytes_close_an_object),
        CASE(test_keys_sort_by_time_even_where_the_clock_goes_back),
        CASE(test_what_failed_comes_again_under_the_same_key),
        CASE(test_other_lines_than_those_that_failed_get_another_key),
        CASE(test_a_key_that_is_taken_by_another_is_not_used),
        CASE(test_peers_that_know_no_condition_are_asked_without),
        CASE(test_health_says_the_cure_and_recovers),
        CASE(test_close_puts_what_is_open),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
