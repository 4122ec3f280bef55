// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fake_answer send(struct fake_parts *parts, const char *method, const char *path,
                               const char *body)
{
    struct fake_request request = {.method = method,
                                   .path = path,
                                   .headers = {{"Content-Type", "application/x-ndjson"}},
                                   .body = body};
    return fake_parts_ask(parts, &request);
}

static void assert_answer(struct fake_answer answer, int status, const char *body)
{
    if (answer.status != status || strcmp(answer.body, body) != 0) {
        fail_msg("%d %s", answer.status, answer.body);
    }
    assert_string_equal(answer.cache, "no-store");
    fake_answer_finish(&answer);
}

static void assert_problem(struct fake_answer answer, int status, const char *part)
{
    if (answer.status != status) {
        fail_msg("%d %s", answer.status, answer.body);
    }
    assert_string_equal(answer.type, "application/problem+json");
    fake_assert_has(answer.body, part);
    assert_int_equal(answer.retry[0] != '\0', status == 503);
    fake_answer_finish(&answer);
}

/* Deleting */

static void test_delete(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.count.is_found = true;
    assert_answer(send(&parts, "DELETE", "hashtags/%23F%C3%84%6F", NULL), 200,
                  "{\"hashtag\":\"f\xc3\xa4o\",\"count\":3,\"first_seen\":10,\"last_seen\":20,"
                  "\"deleted_at\":30,\"event_id\":\"event-1\"}");
    assert_string_equal(parts.count.deleted, "f\xc3\xa4o");
    parts.count.is_found = false;
    assert_problem(send(&parts, "DELETE", "hashtags/foo", NULL), 404,
                   "There is no hashtag #foo in the table.");
    fake_parts_finish(&parts);
}

static const struct {
    int code, status;
} failures[] = {
    {HT_ENOSPC, 503}, {HT_ECANCELED, 503}, {HT_EIO, 503}, {HT_ECORRUPT, 500}, {HT_EFATAL, 500},
};

static void test_delete_that_fails(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.count.text = "It went wrong.";
    for (size_t i = 0; i < HT_COUNT_OF(failures); i++) {
        parts.count.status = failures[i].code;
        assert_problem(send(&parts, "DELETE", "hashtags/foo", NULL), failures[i].status,
                       "It went wrong.");
    }
    fake_parts_finish(&parts);
}

static const struct {
    const char *path;
    int status;
} tags[] = {
    {"hashtags/%zz", 400},
    {"hashtags/%ff", 400},
    {"hashtags/%23", 404},
    {"hashtags/%00", 404},
};

static void test_tags_that_are_none(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    for (size_t i = 0; i < HT_COUNT_OF(tags); i++) {
        struct fake_answer answer = send(&parts, "DELETE", tags[i].path, NULL);
        if (answer.status != tags[i].status) {
            fail_msg("%s: %d %s", tags[i].path, answer.status, answer.body);
        }
        fake_answer_finish(&answer);
    }
    fake_parts_finish(&parts);
}

static void test_while_counts_are_loaded(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.count.is_loaded = false;
    assert_problem(fake_parts_get(&parts, "hashtags", 503), 503, "still being loaded");
    assert_problem(fake_parts_get(&parts, "hashtags/foo", 503), 503, "still being loaded");
    assert_problem(send(&parts, "DELETE", "hashtags/foo", NULL), 503, "still being loaded");
    fake_parts_finish(&parts);
}

/* One hashtag */

static void test_one_hashtag(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.ttl_s = 100});
    fake_parts_add(&parts, "foo", 4);
    struct fake_answer answer = fake_parts_get(&parts, "hashtags/FOO", 200);
    fake_assert_has(answer.body, "{\"hashtag\":\"foo\",\"count\":4,");
    char expires[64];
    (void)snprintf(expires, sizeof(expires), "\"expires_at\":%lld,",
                   (long long)ht_tally_minute(parts.tally) * 60 + 100);
    fake_assert_has(answer.body, expires);
    fake_assert_has(answer.body, "\"windows\":{\"all\":4,\"24h\":4,\"1h\":4,\"5m\":4}");
    fake_assert_has(answer.body, "\"ranks\":{\"all\":1,\"24h\":1,\"1h\":1,\"5m\":1}");
    fake_assert_has(answer.body, "\"series\":{\"step\":60,\"until\":");
    fake_assert_has(answer.body, ",0,4]},\"series_24h\":{\"step\":1800,\"until\":");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

/* A table of the older notebook has spellings that are not folded; each is a hashtag of its own. */
static void test_a_spelling_of_the_table_goes_first(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    fake_parts_add(&parts, "foo", 4);
    fake_parts_add(&parts, "Foo", 2);
    struct fake_answer answer = fake_parts_get(&parts, "hashtags/Foo", 200);
    fake_assert_has(answer.body, "{\"hashtag\":\"Foo\",\"count\":2,");
    fake_answer_finish(&answer);
    answer = fake_parts_get(&parts, "hashtags/FOO", 200);
    fake_assert_has(answer.body, "{\"hashtag\":\"foo\",\"count\":4,");
    fake_answer_finish(&answer);
    parts.count.is_found = true;
    answer = send(&parts, "DELETE", "hashtags/%23Foo", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(parts.count.deleted, "Foo");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_prefixes(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    fake_parts_add(&parts, "foo", 4);
    fake_parts_add(&parts, "bar", 3);
    static const char *const both[] = {"hashtags?prefix=", "hashtags?prefix=%23", "hashtags"};
    for (size_t i = 0; i < HT_COUNT_OF(both); i++) {
        struct fake_answer answer = fake_parts_get(&parts, both[i], 200);
        fake_assert_has(answer.body, "\"foo\"");
        fake_assert_has(answer.body, "\"bar\"");
        fake_answer_finish(&answer);
    }
    struct fake_answer one = fake_parts_get(&parts, "hashtags?prefix=%23BA", 200);
    assert_null(strstr(one.body, "\"foo\""));
    fake_assert_has(one.body, "\"rank\":1,\"hashtag\":\"bar\"");
    fake_answer_finish(&one);
    fake_parts_finish(&parts);
}

/* Flushing */

static void test_flush(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct fake_answer answer = send(&parts, "POST", "flush", "");
    assert_int_equal(answer.status, 200);
    fake_assert_has(answer.body, "{\"hashtags\":7,\"archived\":2,\"seconds\":");
    fake_answer_finish(&answer);
    parts.archiver.status = HT_ENOSPC;
    assert_problem(send(&parts, "POST", "flush", ""), 503, "The archive is full.");
    parts.count.status = HT_EIO;
    parts.count.text = "The table is away.";
    assert_problem(send(&parts, "POST", "flush", ""), 503, "The table is away.");
    fake_parts_finish(&parts);
}

static void test_flush_where_nothing_is_archived(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.archives_nothing = true});
    struct fake_answer answer = send(&parts, "POST", "flush", "");
    fake_assert_has(answer.body, "{\"hashtags\":7,\"archived\":0,");
    fake_answer_finish(&answer);
    assert_answer(fake_parts_get(&parts, "archive", 200), 200, "{\"deletions\":[]}");
    fake_parts_finish(&parts);
}

static void test_the_archive(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.archiver.record_count = 2;
    for (size_t i = 0; i < 2; i++) {
        parts.archiver.records[i] = (struct ht_archiver_record){.event_id = HT_SLICE("e"),
                                                                .hashtag = HT_SLICE("foo"),
                                                                .count = 2 - i,
                                                                .archived = true,
                                                                .object = HT_SLICE("o")};
    }
    assert_answer(fake_parts_get(&parts, "archive?limit=1", 200), 200,
                  "{\"deletions\":[{\"event_id\":\"e\",\"hashtag\":\"foo\",\"count\":2,\"first_"
                  "seen\":0,\"last_seen\":0,\"deleted_at\":0,\"origin\":\"user\",\"archived_at\":0,"
                  "\"object\":\"o\"}]}");
    fake_parts_finish(&parts);
}

/* Putting */

static void test_tweets(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    assert_answer(send(&parts, "POST", "tweets", "{}\n\nx\n{}"), 202,
                  "{\"accepted\":2,\"rejected\":[{\"line\":3,\"reason\":\"not JSON\"}]}");
    assert_problem(send(&parts, "POST", "tweets", "x\ny\n"), 400,
                   "\"accepted\":0,\"rejected\":[{\"line\":1,\"reason\":\"not JSON\"},{\"line\":2,"
                   "\"reason\":\"not JSON\"}]");
    assert_problem(send(&parts, "POST", "tweets", "\n"), 400, "The body holds no tweet.");
    parts.ingest.status = HT_EBUSY;
    assert_problem(send(&parts, "POST", "tweets", "{}"), 503, "The budget is full.");
    fake_parts_finish(&parts);
}

static void test_tweets_as_json(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct fake_request request = {.method = "POST",
                                   .path = "tweets",
                                   .headers = {{"Content-Type", "application/json; charset=utf-8"}},
                                   .body = "[{\"id\":1},\n{\"id\":2}]"};
    assert_answer(fake_parts_ask(&parts, &request), 202, "{\"accepted\":2,\"rejected\":[]}");
    request.body = "nonsense\n{\"id\":1}";
    struct fake_answer answer = fake_parts_ask(&parts, &request);
    assert_int_equal(answer.status, 202);
    fake_assert_has(answer.body, "{\"accepted\":1,\"rejected\":[{\"line\":1,\"reason\":\"");
    fake_answer_finish(&answer);
    request.headers[0][1] = "text/plain";
    assert_problem(fake_parts_ask(&parts, &request), 415, "application/x-ndjson");
    fake_parts_finish(&parts);
}

static void test_too_many_tweets(void **state)
{
    (void)state;
    enum { COUNT = 50001 };
    char *body = malloc(COUNT * 2 + 1);
    assert_non_null(body);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(body + i * 2, "x\n", 3);
    }
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    assert_problem(send(&parts, "POST", "tweets", body), 413, "in several requests");
    fake_parts_finish(&parts);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delete),
        cmocka_unit_test(test_delete_that_fails),
        cmocka_unit_test(test_tags_that_are_none),
        cmocka_unit_test(test_while_counts_are_loaded),
        cmocka_unit_test(test_one_hashtag),
        cmocka_unit_test(test_a_spelling_of_the_table_goes_first),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_flush_where_nothing_is_archived),
        cmocka_unit_test(test_the_archive),
        cmocka_unit_test(test_tweets),
        cmocka_unit_test(test_tweets_as_json),
        cmocka_unit_test(test_too_many_tweets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
