// SPDX-License-Identifier: MIT
#include "replay_reader.h"
#include "round_ids.h"

#include "../tally/failing_memory.h"
#include "temporary_files.h"

#include "hashtagd/base/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/resource.h>

/* Fills batches until the last and writes all items, "ROUND.NUMBER MESSAGE" or "ROUND.NUMBER!
 * REASON", a line each; at most `max` items. */
static void read_all(struct ht_replay_reader *reader, struct ht_buffer *out, size_t max,
                     struct ht_error *error)
{
    struct ht_replay_batch *batch = malloc(sizeof(*batch));
    assert_non_null(batch);
    ht_replay_batch_init(batch);
    ht_buffer_clear(out);
    size_t count = 0;
    do {
        ht_replay_reader_fill(reader, batch);
        for (size_t i = 0; i < batch->count && count < max; i++, count++) {
            const struct ht_replay_item *item = &batch->items[i];
            ht_buffer_append_format(out, "%llu.%llu", (unsigned long long)item->round,
                                    (unsigned long long)item->number);
            if (item->refusal != HT_TWEET_REFUSAL_NONE) {
                ht_buffer_append_format(out, "! %s\n", ht_tweet_refusal_name(item->refusal));
            } else {
                ht_buffer_append_format(out, " %.*s\n", (int)item->length,
                                        batch->bytes.data + item->begin);
            }
        }
    } while (!batch->is_last && count < max);
    *error = batch->error;
    ht_replay_batch_finish(batch);
    free(batch);
}

static void test_files_in_order(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer out, gzip;
    struct ht_error error;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    ht_buffer_init(&gzip, 1 << 20);
    assert_int_equal(ht_gzip_format(HT_SLICE("[{\"id\":3},{\"id\":4}]"), &gzip), 0);
    const char *paths[] = {
        temporary_files_add(&files, HT_SLICE("{\"id\":1}\nbad\n{\"id\":2}\n")),
        temporary_files_add(&files, HT_SLICE("")),
        temporary_files_add(&files, ht_buffer_slice(&gzip)),
    };
    struct ht_replay_reader *reader = ht_replay_reader_create(paths, 3, false);
    read_all(reader, &out, 100, &error);
    assert_string_equal(out.data, "0.1 {\"id\":1}\n0.1! not_json\n0.2 {\"id\":2}\n"
                                  "0.3 {\"id\":3}\n0.4 {\"id\":4}\n");
    assert_int_equal(error.code, 0);
    ht_replay_reader_destroy(reader);
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_skip(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "0.1 {\"id\":1}\n0.1! not_json\n0.2 {\"id\":2}\n0.3 {\"id\":3}\n",
        "0.1! not_json\n0.2 {\"id\":2}\n0.3 {\"id\":3}\n",
        "0.3 {\"id\":3}\n",
        "",
        "",
    };
    struct temporary_files files;
    struct ht_buffer out;
    struct ht_error error;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    const char *paths[] = {
        temporary_files_add(&files, HT_SLICE("{\"id\":1}\nbad\n{\"id\":2}\n")),
        temporary_files_add(&files, HT_SLICE("{\"id\":3}")),
    };
    for (uint64_t skip = 0; skip < HT_COUNT_OF(wanted); skip++) {
        struct ht_replay_reader *reader = ht_replay_reader_create(paths, 2, false);
        ht_replay_reader_skip(reader, 0, skip);
        read_all(reader, &out, 100, &error);
        assert_string_equal(out.data == NULL ? "" : out.data, wanted[skip]);
        ht_replay_reader_destroy(reader);
    }
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
}

static void test_rounds_have_new_ids(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer out, wanted;
    struct ht_error error;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    ht_buffer_init(&wanted, 1 << 20);
    const char *path = temporary_files_add(&files, HT_SLICE("{\"id\":1}\n{\"id\":2}"));
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t id = 1; id <= 2; id++) {
            ht_buffer_append_format(&wanted, "%llu.%llu {\"id\":%llu}\n", (unsigned long long)round,
                                    (unsigned long long)id,
                                    (unsigned long long)ht_round_ids_map(id, round));
        }
    }
    struct ht_replay_reader *reader = ht_replay_reader_create(&path, 1, true);
    read_all(reader, &out, 6, &error);
    assert_string_equal(out.data, wanted.data);
    ht_replay_reader_destroy(reader);

    /* Beginning in the second round, behind its first message. */
    reader = ht_replay_reader_create(&path, 1, true);
    ht_replay_reader_skip(reader, 1, 1);
    read_all(reader, &out, 3, &error);
    assert_string_equal(out.data, strstr(wanted.data, "1.2"));
    ht_replay_reader_destroy(reader);
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
    ht_buffer_finish(&wanted);
}

static void test_empty_files_do_not_turn_for_ever(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer out;
    struct ht_error error;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    const char *path = temporary_files_add(&files, HT_SLICE("\n\n"));
    struct ht_replay_reader *reader = ht_replay_reader_create(&path, 1, true);
    read_all(reader, &out, 6, &error);
    assert_int_equal(out.length, 0);
    assert_int_equal(error.code, 0);
    ht_replay_reader_destroy(reader);
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
}

/* A file that cannot be opened for a moment: what was given out before it does not come again. */
static void test_reading_goes_on_when_there_are_descriptors(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer out;
    struct ht_error error;
    struct rlimit limit;
    static struct ht_replay_batch batch;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    const char *path = temporary_files_add(&files, HT_SLICE("{\"id\":1}\n{\"id\":2}"));
    struct ht_replay_reader *reader = ht_replay_reader_create(&path, 1, false);
    assert_non_null(reader);
    ht_replay_batch_init(&batch);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max});
    ht_replay_reader_fill(reader, &batch);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    assert_true(batch.count == 0 && batch.is_last && batch.may_pass);
    assert_non_null(strstr(batch.error.text, "tried again"));
    ht_replay_batch_finish(&batch);
    read_all(reader, &out, 100, &error);
    assert_int_equal(error.code, 0);
    assert_string_equal(out.data, "0.1 {\"id\":1}\n0.2 {\"id\":2}\n");
    ht_replay_reader_destroy(reader);
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
}

/* Fills one reader, whose `failing`th allocation fails, until all is out. Whether one failed. */
static bool read_without_memory(struct ht_replay_reader *reader, size_t failing,
                                struct ht_buffer *out)
{
    static struct ht_replay_batch batch;
    bool has_failed = false;
    ht_replay_batch_init(&batch);
    ht_buffer_clear(out);
    do {
        (void)failing_memory_set(has_failed ? SIZE_MAX : failing);
        ht_replay_reader_fill(reader, &batch);
        has_failed |= failing_memory_set(SIZE_MAX);
        for (size_t i = 0; i < batch.count; i++) {
            const struct ht_replay_item *item = &batch.items[i];
            ht_buffer_append_format(out, "%llu %.*s\n", (unsigned long long)item->number,
                                    (int)item->length, batch.bytes.data + item->begin);
        }
    } while (!batch.is_last || batch.may_pass);
    ht_replay_batch_finish(&batch);
    return has_failed;
}

/* A dead letter is written once, also where memory is out behind it. */
static void test_nothing_comes_twice_where_memory_is_out(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer out;
    temporary_files_init(&files);
    ht_buffer_init(&out, 1 << 20);
    const char *paths[] = {
        temporary_files_add(&files, HT_SLICE("bad 1\n{\"id\":1}\nbad 2\nbad 3\n")),
        temporary_files_add(&files, HT_SLICE("bad 4\n{\"id\":2}\nbad 5\n{\"data\":\"e30=\","
                                             "\"reason\":\"refused\"}\nbad 6\n")),
    };
    bool has_failed = true;
    for (size_t failing = 0; has_failed; failing++) {
        struct ht_replay_reader *reader = ht_replay_reader_create(paths, 2, false);
        assert_non_null(reader);
        has_failed = read_without_memory(reader, failing, &out);
        assert_string_equal(out.data, "0 bad 1\n1 {\"id\":1}\n1 bad 2\n1 bad 3\n1 bad 4\n"
                                      "2 {\"id\":2}\n2 bad 5\n3 {}\n3 bad 6\n");
        ht_replay_reader_destroy(reader);
        assert_true(failing < 1000);
    }
    temporary_files_finish(&files);
    ht_buffer_finish(&out);
}

static void test_many_messages_come_in_batches(void **state)
{
    (void)state;
    struct temporary_files files;
    struct ht_buffer content;
    struct ht_replay_batch *batch = malloc(sizeof(*batch));
    temporary_files_init(&files);
    ht_buffer_init(&content, 4 << 20);
    for (unsigned i = 0; i < 3000; i++) {
        ht_buffer_append_format(&content, "{\"id\":%u,\"text\":\"%0*d\"}\n", i, 100 + i % 600, 7);
    }
    const char *path = temporary_files_add(&files, ht_buffer_slice(&content));
    struct ht_replay_reader *reader = ht_replay_reader_create(&path, 1, false);
    ht_replay_batch_init(batch);
    size_t count = 0, batches = 0;
    do {
        ht_replay_reader_fill(reader, batch);
        assert_true(batch->bytes.length < HT_REPLAY_BATCH_BYTES + 1000);
        for (size_t i = 0; i < batch->count; i++) {
            assert_int_equal(batch->items[i].number, ++count);
        }
        batches++;
    } while (!batch->is_last);
    assert_int_equal(count, 3000);
    assert_true(batches > 3);
    ht_replay_batch_finish(batch);
    ht_replay_reader_destroy(reader);
    free(batch);
    temporary_files_finish(&files);
    ht_buffer_finish(&content);
}

static void check_failure(const char *path, const char *words)
{
    struct ht_buffer out;
    struct ht_error error;
    ht_buffer_init(&out, 1 << 20);
    struct ht_replay_reader *reader = ht_replay_reader_create(&path, path == NULL ? 0 : 1, false);
    read_all(reader, &out, 10, &error);
    assert_true(error.code < 0);
    if (strstr(error.text, words) == NULL) {
        print_error("%s\n", error.text);
    }
    assert_non_null(strstr(error.text, words));
    if (path != NULL) {
        assert_non_null(strstr(error.text, path));
    }
    assert_int_equal(out.length, 0);
    ht_replay_reader_destroy(reader);
    ht_buffer_finish(&out);
}

static void test_failures_say_what_to_do(void **state)
{
    (void)state;
    check_failure("/tmp/hashtagd-is-not-there.json", "correct the path in source.files");
    check_failure("/tmp", "it is a directory");
    check_failure(NULL, "set source.files");
}

static void test_fingerprint(void **state)
{
    (void)state;
    static const char *const lists[][2] = {{"a", "b"}, {"b", "a"}, {"ab", ""}, {"a", "c"}};
    uint64_t seen[HT_COUNT_OF(lists)];
    for (size_t i = 0; i < HT_COUNT_OF(lists); i++) {
        struct ht_replay_reader *reader = ht_replay_reader_create(lists[i], 2, false);
        seen[i] = ht_replay_reader_fingerprint(reader);
        assert_true(ht_replay_reader_fingerprint(reader) == seen[i]);
        ht_replay_reader_destroy(reader);
        for (size_t other = 0; other < i; other++) {
            assert_true(seen[other] != seen[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_in_order),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_rounds_have_new_ids),
        cmocka_unit_test(test_empty_files_do_not_turn_for_ever),
        cmocka_unit_test(test_reading_goes_on_when_there_are_descriptors),
        cmocka_unit_test(test_nothing_comes_twice_where_memory_is_out),
        cmocka_unit_test(test_many_messages_come_in_batches),
        cmocka_unit_test(test_failures_say_what_to_do),
        cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
