// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kpl.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/json.h"

#include "../../support/shared.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The data in memory of exactly its size, so that the sanitizer sees a step beyond it. */
static char *exact(struct ht_slice bytes)
{
    char *copy = malloc(bytes.length + (bytes.length == 0));
    assert_non_null(copy);
    if (bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    return copy;
}

/* Puts the magic before a message and its sum behind. */
static struct ht_slice wrap(struct ht_slice message, char *out)
{
    memcpy(out, "\xf3\x89\x9a\xc2", 4);
    if (message.length > 0) {
        memcpy(out + 4, message.data, message.length);
    }
    ht_digest_md5(message, (uint8_t *)out + 4 + message.length);
    return ht_slice_make(out, message.length + 20);
}

static struct ht_slice unhex(struct ht_slice hex, char *out)
{
    assert_int_equal(ht_digest_parse_hex(hex, (uint8_t *)out, hex.length / 2), 0);
    return ht_slice_make(out, hex.length / 2);
}

static void compare(const struct ht_kpl_record *record, const struct ht_json *want)
{
    char data[4096];
    struct ht_slice bytes = unhex(ht_json_text(ht_json_member(want, "data_hex")), data);
    assert_true(ht_slice_equal(record->data, bytes));
    assert_true(
        ht_slice_equal(record->partition_key, ht_json_text(ht_json_member(want, "partition_key"))));
    const struct ht_json *hash = ht_json_member(want, "explicit_hash_key");
    struct ht_slice none = {0};
    assert_true(ht_slice_equal(record->explicit_hash_key,
                               ht_json_type(hash) == HT_JSON_NULL ? none : ht_json_text(hash)));
    assert_int_equal(record->sub_sequence,
                     ht_json_i64(ht_json_member(want, "sub_sequence_number")));
}

static void check_vector(const struct ht_json *vector)
{
    char bytes[4096];
    struct ht_slice data = unhex(ht_json_text(ht_json_member(vector, "hex")), bytes);
    char *copy = exact(data);
    struct ht_kpl kpl;
    struct ht_kpl_record record;
    enum ht_kpl_verdict verdict = ht_kpl_open(&kpl, ht_slice_make(copy, data.length));
    bool is_aggregated = ht_json_bool(ht_json_member(vector, "is_aggregated"));
    assert_int_equal(verdict, is_aggregated ? HT_KPL_AGGREGATED : HT_KPL_PLAIN);
    if (is_aggregated) {
        const struct ht_json *records = ht_json_member(vector, "records");
        assert_int_equal(kpl.record_count, ht_json_count(records));
        for (size_t i = 0; i < ht_json_count(records); i++) {
            assert_true(ht_kpl_next(&kpl, &record));
            compare(&record, ht_json_element(records, i));
        }
        assert_false(ht_kpl_next(&kpl, &record));
        assert_false(kpl.is_damaged);
        ht_kpl_finish(&kpl);
    }
    free(copy);
}

static void the_vectors_come_apart(void **state)
{
    (void)state;
    char path[4096];
    char text[65536];
    snprintf(path, sizeof(path), "%s/data/kpl-vectors.json", shared_root());
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_message("no %s: the vectors are not checked\n", path);
        skip();
    }
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    struct ht_json *root = ht_json_parse(ht_slice_make(text, length), 0, NULL, NULL);
    const struct ht_json *vectors = ht_json_member(root, "vectors");
    assert_true(ht_json_count(vectors) >= 6);
    for (size_t i = 0; i < ht_json_count(vectors); i++) {
        check_vector(ht_json_element(vectors, i));
    }
    ht_json_destroy(root);
}

/* Messages with a right sum, in hex; how many records come out, and whether the rest is damaged. */
static const struct {
    const char *name, *hex;
    int records; /* -1: a plain record */
    bool is_damaged;
} messages[] = {
    {"no record", "0a0161", 0, false},
    {"key behind the record",
     "1a0508001a0178"
     "0a0161",
     1, false},
    {"unknown fields of every wire type",
     "0a0161200f29000102030405060735000102033a0161"
     "1a0508001a0178",
     1, false},
    {"index outside of the table",
     "0a0161"
     "1a0508001a0178"
     "1a0508011a0179"
     "1a0508001a017a",
     1, true},
    {"largest index",
     "0a0161"
     "1a0e08ffffffffffffffffff011a0178",
     0, true},
    {"hash index outside",
     "0a0161"
     "1a0708001000"
     "1a0178",
     0, true},
    {"varint of eleven bytes",
     "0a0161"
     "1a0f08ffffffffffffffffffff011a0178",
     -1, false},
    {"varint beyond 64 bits",
     "0a0161"
     "1a0e08ffffffffffffffffff021a0178",
     -1, false},
    {"varint cut off",
     "0a0161"
     "08ff",
     -1, false},
    {"length past the end", "0a0561", -1, false},
    {"length of 64 bits", "0affffffffffffffffff01", -1, false},
    {"record past the end", "0a01611a7f08001a0178", -1, false},
    {"data past the record", "0a01611a0508001a7f78", -1, false},
    {"no data", "0a01611a020800", -1, false},
    {"no key index", "0a01611a031a0178", -1, false},
    {"key index as bytes", "0a01611a050a001a0178", -1, false},
    {"data as varint", "0a01611a0408001801", -1, false},
    {"keys as varint", "0801", -1, false},
    {"tag without key", "0a01611a0a08001a01782203120161", -1, false},
    {"tag past the end", "0a01611a0908001a017822070a0161", -1, false},
    {"field 0", "0201", -1, false},
    {"group", "0b0c", -1, false},
    {"field number beyond 29 bits", "ffffffffff0f00", -1, false},
    {"fixed 64 cut off", "0a0161210001", -1, false},
    {"fixed 32 cut off", "0a0161250001", -1, false},
};

static void hostile_messages_are_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(messages); i++) {
        char message[256];
        char data[300];
        struct ht_slice all = wrap(unhex(ht_slice_text(messages[i].hex), message), data);
        char *copy = exact(all);
        struct ht_kpl kpl;
        struct ht_kpl_record record;
        int records = -1;
        bool is_damaged = false;
        if (ht_kpl_open(&kpl, ht_slice_make(copy, all.length)) == HT_KPL_AGGREGATED) {
            records = 0;
            while (ht_kpl_next(&kpl, &record)) {
                records++;
            }
            is_damaged = kpl.is_damaged;
            ht_kpl_finish(&kpl);
        }
        if (records != messages[i].records || is_damaged != messages[i].is_damaged) {
            fail_msg("%s: %d records, damaged %d", messages[i].name, records, is_damaged);
        }
        free(copy);
    }
}

static void short_data_and_a_wrong_sum_are_plain(void **state)
{
    (void)state;
    char data[300];
    struct ht_kpl kpl;
    struct ht_slice all = wrap(HT_SLICE("\x0a\x01\x61"), data);
    for (size_t length = 0; length < all.length; length++) {
        char *copy = exact(ht_slice_make(data, length));
        assert_int_equal(ht_kpl_open(&kpl, ht_slice_make(copy, length)), HT_KPL_PLAIN);
        free(copy);
    }
    for (size_t i = 0; i < all.length; i++) {
        data[i] ^= 1;
        assert_int_equal(ht_kpl_open(&kpl, all), HT_KPL_PLAIN);
        data[i] ^= 1;
    }
}

static void random_messages_are_survived(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 7);
    for (int round = 0; round < 20000; round++) {
        static const char tags[] = "\x0a\x12\x1a\x08\x10\x22\x00\x01\x02\xff";
        char message[64];
        char data[100];
        size_t length = ht_random_below(&random, sizeof(message));
        for (size_t i = 0; i < length; i++) {
            message[i] = tags[ht_random_below(&random, sizeof(tags) - 1)];
        }
        struct ht_slice all = wrap(ht_slice_make(message, length), data);
        char *copy = exact(all);
        struct ht_kpl kpl;
        struct ht_kpl_record record;
        if (ht_kpl_open(&kpl, ht_slice_make(copy, all.length)) == HT_KPL_AGGREGATED) {
            size_t records = 0;
            while (ht_kpl_next(&kpl, &record)) {
                records++;
                assert_true(record.data.length <= length);
            }
            assert_true(records == kpl.record_count || kpl.is_damaged);
            ht_kpl_finish(&kpl);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_come_apart),
        cmocka_unit_test(hostile_messages_are_survived),
        cmocka_unit_test(short_data_and_a_wrong_sum_are_plain),
        cmocka_unit_test(random_messages_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
