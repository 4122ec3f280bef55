// SPDX-License-Identifier: MIT
#include "round_ids.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* In `wanted` $1 stands for what id 1 becomes, and so on; $r for the round at the end of a name. */
static const struct {
    const char *message;
    const char *wanted;
} cases[] = {
    {"{\"id\":1,\"id_str\":\"1\",\"text\":\"id\"}",
     "{\"id\":$1,\"id_str\":\"$1\",\"text\":\"id\"}"},
    {"{\"user\":{\"id\":3,\"id_str\":\"3\"},\"id\":1,\"retweeted_status\":{\"id\":2}}",
     "{\"user\":{\"id\":3,\"id_str\":\"3\"},\"id\":$1,\"retweeted_status\":{\"id\":2}}"},
    {"{\"data\":{\"id\":\"1\",\"edit_history_tweet_ids\":[\"2\", \"1\"],\"a\":{\"id\":\"3\"}}}",
     "{\"data\":{\"id\":\"$1\",\"edit_history_tweet_ids\":[\"$2\", \"$1\"],\"a\":{\"id\":\"3\"}}}"},
    {"{\"includes\":{\"tweets\":[{\"id\":\"2\"}]},\"data\":{\"text\":\"\",\"id\":\"1\"},\"id\":3}",
     "{\"includes\":{\"tweets\":[{\"id\":\"2\"}]},\"data\":{\"text\":\"\",\"id\":\"$1\"},\"id\":$"
     "3}"},
    {"{\"id\":\"1\",\"referenced_tweets\":[{\"id\":\"2\"}],\"edit_history_tweet_ids\":[\"1\"]}",
     "{\"id\":\"$1\",\"referenced_tweets\":[{\"id\":\"2\"}],\"edit_history_tweet_ids\":[\"$1\"]}"},
    {"{\"delete\":{\"status\":{\"id\":1,\"id_str\":\"1\"}}}",
     "{\"delete\":{\"status\":{\"id\":1,\"id_str\":\"1\"}}}"},
    {"{\"id\":null,\"data\":[{\"id\":1}]}", "{\"id\":null,\"data\":[{\"id\":1}]}"},
    {"{\"id\":99999999999999999999999}", "{\"id\":99999999999999999999999}"},
    {"{\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"rev\":\"3r\",\"rkey\":\"3k\",\"record\":{"
     "\"rkey\":"
     "\"x\",\"id\":5}},\"cursor\":7}",
     "{\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"rev\":\"3r\",\"rkey\":\"3k$r\",\"record\":{"
     "\"rkey\":"
     "\"x\",\"id\":5}},\"cursor\":7}"},
    {"{\"$type\":\"message\",\"payload\":{\"did\":\"d\",\"rkey\":\"a\"}}",
     "{\"$type\":\"message\",\"payload\":{\"did\":\"d\",\"rkey\":\"a$r\"}}"},
    {"{\"account\":{\"id\":\"4\",\"uri\":\"u\"},\"uri\":\"https://a/"
     "9\",\"url\":null,\"reblog\":{\"uri\":"
     "\"https://b/9\"},\"id\":\"1\"}",
     "{\"account\":{\"id\":\"4\",\"uri\":\"u\"},\"uri\":\"https://a/"
     "9$r\",\"url\":null,\"reblog\":{\"uri\":"
     "\"https://b/9\"},\"id\":\"$1\"}"},
    {"{\"uri\":5,\"url\":\"\",\"commit\":\"x\"}", "{\"uri\":5,\"url\":\"$r\",\"commit\":\"x\"}"},
    {"{\"event\":\"update\",\"payload\":\"{\\\"uri\\\":1}\"}",
     "{\"event\":\"update\",\"payload\":\"{\\\"uri\\\":1}\"}"},
    {"{ \"id\" : 1 }", "{ \"id\" : $1 }"},
    {"{}", "{}"},
};

static void expand(const char *wanted, uint64_t round, struct ht_buffer *out)
{
    ht_buffer_clear(out);
    for (; *wanted != '\0'; wanted++) {
        if (*wanted == '$') {
            wanted++;
            if (*wanted == 't') {
                ht_buffer_append_text(out, "$t");
                continue;
            }
            if (*wanted == 'r') {
                if (round != 0) {
                    ht_buffer_append_format(out, "-round-%llu", (unsigned long long)round);
                }
                continue;
            }
            ht_buffer_append_u64(out, ht_round_ids_map((uint64_t)(*wanted - '0'), round));
        } else {
            ht_buffer_append_byte(out, *wanted);
        }
    }
}

static void test_which_ids(void **state)
{
    (void)state;
    struct ht_buffer wanted, got;
    ht_buffer_init(&wanted, 4096);
    ht_buffer_init(&got, 4096);
    for (uint64_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
            expand(cases[i].wanted, round, &wanted);
            ht_buffer_clear(&got);
            assert_int_equal(ht_round_ids_append(ht_slice_text(cases[i].message), round, &got), 0);
            assert_string_equal(got.data, wanted.data);
        }
    }
    ht_buffer_finish(&wanted);
    ht_buffer_finish(&got);
}

static void test_round_0_keeps_all(void **state)
{
    (void)state;
    assert_true(ht_round_ids_map(12345, 0) == 12345);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_new_ids_are_distinct(void **state)
{
    (void)state;
    enum { ROUNDS = 50, IDS = 2000 };
    uint64_t *ids = malloc(sizeof(*ids) * ROUNDS * IDS);
    size_t count = 0;
    assert_non_null(ids);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        for (uint64_t id = 505874924095815681; count < round * IDS; id++) {
            ids[count] = ht_round_ids_map(id, round);
            assert_true(ids[count] >= (uint64_t)1 << 62 && ids[count] < (uint64_t)1 << 63);
            count++;
        }
    }
    qsort(ids, count, sizeof(*ids), compare);
    for (size_t i = 1; i < count; i++) {
        assert_true(ids[i] != ids[i - 1]);
    }
    free(ids);
}

static void test_no_room(void **state)
{
    (void)state;
    struct ht_buffer out;
    ht_buffer_init(&out, 10);
    assert_int_equal(ht_round_ids_append(HT_SLICE("{\"id\":123}"), 1, &out), HT_ETOOBIG);
    ht_buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_ids),
        cmocka_unit_test(test_round_0_keeps_all),
        cmocka_unit_test(test_new_ids_are_distinct),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
