// SPDX-License-Identifier: MIT
#include "hashtagd/json/reader.h"

#include "hashtagd/base/random.h"
#include "hashtagd/json/json.h"

#include "../../support/effort.h"
#include "../../support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum ht_json_level levels[] = {HT_JSON_LEVEL_PLAIN, HT_JSON_LEVEL_SSE2,
                                            HT_JSON_LEVEL_AVX2};

/* -- the judge: the same text read by jansson ----------------------------------------------- */

static void compare(const struct ht_json_reader *reader, struct ht_json_value value,
                    const struct ht_json *judge);

static void compare_text(const struct ht_json_reader *reader, struct ht_json_value value,
                         struct ht_slice expected)
{
    struct ht_buffer arena;
    struct ht_slice text;
    ht_buffer_init(&arena, SIZE_MAX / 2);
    assert_int_equal(ht_json_reader_text(reader, value, &arena, &text), 0);
    if (!ht_slice_equal(text, expected)) {
        fail_msg("%.*s, expected %.*s", (int)text.length, text.data, (int)expected.length,
                 expected.data);
    }
    ht_buffer_finish(&arena);
}

static void compare_members(const struct ht_json_reader *reader, struct ht_json_value value,
                            const struct ht_json *judge)
{
    struct ht_json_walk walk = ht_json_walk(reader, value);
    size_t count = 0;
    while (ht_json_walk_next(&walk)) {
        count++;
    }
    if (count != ht_json_count(judge)) {
        assert_true(count > ht_json_count(judge)); /* keys that are there twice */
        return;
    }
    struct ht_json_members members = ht_json_members(judge);
    for (walk = ht_json_walk(reader, value); ht_json_walk_next(&walk);) {
        assert_true(ht_json_members_next(&members));
        compare_text(reader, walk.key, members.key);
        compare(reader, walk.value, members.value);
    }
}

static void compare_elements(const struct ht_json_reader *reader, struct ht_json_value value,
                             const struct ht_json *judge)
{
    struct ht_json_walk walk = ht_json_walk(reader, value);
    size_t count = 0;
    while (ht_json_walk_next(&walk)) {
        assert_int_equal(walk.key.kind, '\0');
        compare(reader, walk.value, ht_json_element(judge, count++));
    }
    assert_int_equal(count, ht_json_count(judge));
}

/* Fails where a value and what is in it differs from the judge's. Not deeper than a reader goes. */
static void compare(const struct ht_json_reader *reader, struct ht_json_value value,
                    const struct ht_json *judge)
{
    assert_non_null(judge);
    static const char kinds[] = {
        [HT_JSON_OBJECT] = '{',  [HT_JSON_ARRAY] = '[', [HT_JSON_STRING] = '"',
        [HT_JSON_INTEGER] = '0', [HT_JSON_REAL] = '0',  [HT_JSON_NULL] = 'n',
    };
    enum ht_json_type type = ht_json_type(judge);
    if (type == HT_JSON_BOOLEAN) {
        assert_int_equal(value.kind, ht_json_bool(judge) ? 't' : 'f');
        return;
    }
    assert_int_equal(value.kind, kinds[type]);
    struct ht_slice raw = ht_json_reader_raw(reader, value);
    if (type == HT_JSON_STRING) {
        compare_text(reader, value, ht_json_text(judge));
    } else if (type == HT_JSON_OBJECT) {
        compare_members(reader, value, judge);
    } else if (type == HT_JSON_ARRAY) {
        compare_elements(reader, value, judge);
    } else if (type == HT_JSON_INTEGER) {
        char text[32];
        snprintf(text, sizeof(text), "%lld", (long long)ht_json_i64(judge));
        assert_true(ht_slice_equal(raw, ht_slice_text(text)) ||
                    ht_slice_equal(raw, HT_SLICE("-0")));
    }
}

/* Scans `text` at every level, against the judge, who overlooks a NUL byte behind a number. Returns
 * the verdict. */
static enum ht_json_verdict judge(struct ht_json_reader *reader, struct ht_slice text,
                                  const char *name)
{
    /* memory of its own size, so that the sanitizer sees every step over its end */
    char *copy = malloc(text.length + 1);
    memcpy(copy, text.data, text.length);
    copy = realloc(copy, text.length == 0 ? 1 : text.length);
    struct ht_slice exact = ht_slice_make(copy, text.length);
    struct ht_error error = {0};
    struct ht_json *tree = ht_json_parse(exact, HT_JSON_ROOT_IS_CONTAINER, NULL, &error);
    enum ht_json_verdict first = HT_JSON_VERDICT_OK;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (!ht_json_reader_use(reader, levels[i])) {
            continue;
        }
        size_t offset = 0;
        enum ht_json_verdict verdict = ht_json_reader_scan(reader, exact, &offset);
        bool expected = tree != NULL && memchr(exact.data, '\0', exact.length) == NULL;
        if ((verdict == HT_JSON_VERDICT_OK) != expected && verdict != HT_JSON_VERDICT_TOO_DEEP) {
            fail_msg("%s, level %d: %s at %zu, the judge: %s\n%.*s", name, (int)levels[i],
                     ht_json_verdict_text(verdict), offset, tree == NULL ? error.text : "valid",
                     (int)text.length, text.data);
        }
        if (i > 0 && (verdict == HT_JSON_VERDICT_OK) != (first == HT_JSON_VERDICT_OK)) {
            fail_msg("%s: level %d says %s, plain %s\n%.*s", name, (int)levels[i],
                     ht_json_verdict_text(verdict), ht_json_verdict_text(first), (int)text.length,
                     text.data);
        }
        first = verdict;
        assert_true(offset <= text.length);
        if (verdict == HT_JSON_VERDICT_OK) {
            compare(reader, ht_json_reader_root(reader), tree);
        }
    }
    ht_json_destroy(tree);
    free(copy);
    return first;
}

/* -- tables --------------------------------------------------------------------------------- */

static const char *const valid[] = {
    "{}",
    "[]",
    " \t\r\n[ ] \n",
    "{\"a\":1}",
    "{\"a\" : [ 1 , 2.5 , -3e+10 , true , false , null , \"x\" ] , \"b\" : { } }",
    "[0,-0,0.0,-0.5e-7,10,123456789012345678,9223372036854775807,-9223372036854775808]",
    "[1.7976931348623157e308,1.797693134862315807e308,-1.7976931348623157E+308]",
    "[1e-999999999999999999999,0e999999999999999999,0.000000000000000001e320]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\\u0000\"]",
    "[\"\\\\\",\"\\\\\\\\\",\"\\\\\\\"\",\"a\\\\\"]",
    "[\"\xc3\xa4\xe3\x81\x82\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\x7f\"]",
    "{\"a\":1,\"a\":2}",
    "{\"\":{\"\":{\"\":[]}}}",
    "[[],[[]],[{},{}],{\"a\":{}}]",
    "[\"{\",\"}\",\"[\",\"]\",\",\",\":\",\" \"]",
    "{\"a\\u0062\\\"c\":1,\"\\\\\":2}",
};

static const struct {
    const char *text;
    enum ht_json_verdict verdict;
} refused[] = {
    {"", HT_JSON_VERDICT_CUT_OFF},
    {" \n", HT_JSON_VERDICT_CUT_OFF},
    {"{", HT_JSON_VERDICT_CUT_OFF},
    {"[1", HT_JSON_VERDICT_CUT_OFF},
    {"[1,", HT_JSON_VERDICT_CUT_OFF},
    {"[-", HT_JSON_VERDICT_CUT_OFF},
    {"[1.", HT_JSON_VERDICT_CUT_OFF},
    {"[1e", HT_JSON_VERDICT_CUT_OFF},
    {"[tru", HT_JSON_VERDICT_CUT_OFF},
    {"[true", HT_JSON_VERDICT_CUT_OFF},
    {"{\"a", HT_JSON_VERDICT_CUT_OFF},
    {"{\"a\"", HT_JSON_VERDICT_CUT_OFF},
    {"{\"a\":", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\\", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\\u12", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\\ud83d", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\\ud83d\\u", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\\ud83d\\udc0", HT_JSON_VERDICT_CUT_OFF},
    {"[\"\xe3\x81", HT_JSON_VERDICT_CUT_OFF},
    {"5", HT_JSON_VERDICT_NOT_JSON},
    {"\"a\"", HT_JSON_VERDICT_NOT_JSON},
    {"null", HT_JSON_VERDICT_NOT_JSON},
    {"}", HT_JSON_VERDICT_NOT_JSON},
    {",", HT_JSON_VERDICT_NOT_JSON},
    {":", HT_JSON_VERDICT_NOT_JSON},
    {"[1]]", HT_JSON_VERDICT_NOT_JSON},
    {"[1],", HT_JSON_VERDICT_NOT_JSON},
    {"{} {}", HT_JSON_VERDICT_NOT_JSON},
    {"{}x", HT_JSON_VERDICT_NOT_JSON},
    {"[1}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":1]", HT_JSON_VERDICT_NOT_JSON},
    {"[,]", HT_JSON_VERDICT_NOT_JSON},
    {"[1,]", HT_JSON_VERDICT_NOT_JSON},
    {"[1,,2]", HT_JSON_VERDICT_NOT_JSON},
    {"[1 2]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"a\"\"b\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"a\" \"b\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[1\"b\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"b\"1]", HT_JSON_VERDICT_NOT_JSON},
    {"[[]1]", HT_JSON_VERDICT_NOT_JSON},
    {"[[][]]", HT_JSON_VERDICT_NOT_JSON},
    {"[1:2]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"a\":2]", HT_JSON_VERDICT_NOT_JSON},
    {"{,}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\"}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\",\"b\":1}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":1,}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":1 \"b\":2}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":\"b\":\"c\"}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\"::1}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\" \"b\":1}", HT_JSON_VERDICT_NOT_JSON},
    {"{:1}", HT_JSON_VERDICT_NOT_JSON},
    {"{1:2}", HT_JSON_VERDICT_NOT_JSON},
    {"{[]:2}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":1,2}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\":1,{}}", HT_JSON_VERDICT_NOT_JSON},
    {"{a:1}", HT_JSON_VERDICT_NOT_JSON},
    {"['a']", HT_JSON_VERDICT_NOT_JSON},
    {"[01]", HT_JSON_VERDICT_NOT_JSON},
    {"[00]", HT_JSON_VERDICT_NOT_JSON},
    {"[-01]", HT_JSON_VERDICT_NOT_JSON},
    {"[-]", HT_JSON_VERDICT_NOT_JSON},
    {"[+1]", HT_JSON_VERDICT_NOT_JSON},
    {"[.5]", HT_JSON_VERDICT_NOT_JSON},
    {"[1.]", HT_JSON_VERDICT_NOT_JSON},
    {"[1.e5]", HT_JSON_VERDICT_NOT_JSON},
    {"[1e]", HT_JSON_VERDICT_NOT_JSON},
    {"[1e+]", HT_JSON_VERDICT_NOT_JSON},
    {"[1x]", HT_JSON_VERDICT_NOT_JSON},
    {"[0x10]", HT_JSON_VERDICT_NOT_JSON},
    {"[1-2]", HT_JSON_VERDICT_NOT_JSON},
    {"[9223372036854775808]", HT_JSON_VERDICT_NOT_JSON},
    {"[-9223372036854775809]", HT_JSON_VERDICT_NOT_JSON},
    {"[10000000000000000000]", HT_JSON_VERDICT_NOT_JSON},
    {"[123456789012345678901234567890]", HT_JSON_VERDICT_NOT_JSON},
    {"[1e309]", HT_JSON_VERDICT_NOT_JSON},
    {"[1.7976931348623159e308]", HT_JSON_VERDICT_NOT_JSON},
    {"[1e99999999999999999999]", HT_JSON_VERDICT_NOT_JSON},
    {"[True]", HT_JSON_VERDICT_NOT_JSON},
    {"[truex]", HT_JSON_VERDICT_NOT_JSON},
    {"[truefalse]", HT_JSON_VERDICT_NOT_JSON},
    {"[nul]", HT_JSON_VERDICT_NOT_JSON},
    {"[NaN]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\u\"", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\ud83d\\udex", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\x\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\u12G4\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\U0041\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"a\nb\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\x1f\"]", HT_JSON_VERDICT_NOT_JSON},
    {"[\\n]", HT_JSON_VERDICT_NOT_JSON},
    {"[\x0b]", HT_JSON_VERDICT_NOT_JSON},
    {"[\x0c]", HT_JSON_VERDICT_NOT_JSON},
    {"[1\x1a"
     "2]",
     HT_JSON_VERDICT_NOT_JSON},
    {"\xef\xbb\xbf{}", HT_JSON_VERDICT_NOT_JSON},
    {"{\"a\\u0000b\":1}", HT_JSON_VERDICT_NOT_JSON},
    {"[\"\\ud83d\"]", HT_JSON_VERDICT_LONE_SURROGATE},
    {"[\"\\ud83dx\\ude00\"]", HT_JSON_VERDICT_LONE_SURROGATE},
    {"[\"\\ude00\"]", HT_JSON_VERDICT_LONE_SURROGATE},
    {"[\"\\ud83d\\ud83d\\ude00\"]", HT_JSON_VERDICT_LONE_SURROGATE},
    {"[\"\\ud83d\\ude00\\ude00\"]", HT_JSON_VERDICT_LONE_SURROGATE},
    {"[\"\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xc0\xaf\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xc3\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xe0\x80\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xed\xa0\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xf0\x80\x80\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xf4\x90\x80\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xf5\x80\x80\x80\"]", HT_JSON_VERDICT_BAD_UTF8},
    {"[\"\xff\"]", HT_JSON_VERDICT_BAD_UTF8},
};

/* Every case stands at every place of a block, and over its end. */
static void judge_shifted(struct ht_json_reader *reader, const char *text,
                          enum ht_json_verdict expected)
{
    char shifted[512];
    size_t length = strlen(text);
    for (size_t shift = 0; shift <= 70; shift++) {
        memset(shifted, ' ', shift);
        memcpy(shifted + shift, text, length + 1);
        enum ht_json_verdict verdict = judge(reader, ht_slice_make(shifted, shift + length), text);
        if (verdict != expected) {
            fail_msg("%s: %s, expected: %s", shifted, ht_json_verdict_text(verdict),
                     ht_json_verdict_text(expected));
        }
    }
}

static void test_valid(void **state)
{
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        judge_shifted(*state, valid[i], HT_JSON_VERDICT_OK);
    }
}

static void test_refused(void **state)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        judge_shifted(*state, refused[i].text, refused[i].verdict);
    }
}

static void test_raw_nul(void **state)
{
    assert_int_equal(judge(*state, ht_slice_make("[\"a\0b\"]", 7), "in a string"),
                     HT_JSON_VERDICT_NOT_JSON);
    assert_int_equal(judge(*state, ht_slice_make("[1]\0", 4), "behind"), HT_JSON_VERDICT_NOT_JSON);
    assert_int_equal(judge(*state, ht_slice_make("[\0]", 3), "inside"), HT_JSON_VERDICT_NOT_JSON);
}

static void test_long_backslash_rows(void **state)
{
    for (size_t count = 0; count < 200; count++) {
        char text[256] = "[\"";
        memset(text + 2, '\\', count);
        strcpy(text + 2 + count, "\"]");
        enum ht_json_verdict verdict = judge(*state, ht_slice_text(text), "backslashes");
        assert_int_equal(verdict, count % 2 == 0 ? HT_JSON_VERDICT_OK : HT_JSON_VERDICT_CUT_OFF);
    }
}

static void test_limits(void **state)
{
    struct ht_json_reader *reader = *state;
    char text[2 * HT_JSON_DEPTH_MAX + 3];
    for (size_t depth = HT_JSON_DEPTH_MAX; depth <= HT_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(judge(reader, ht_slice_make(text, 2 * depth), "depth"),
                         depth == HT_JSON_DEPTH_MAX ? HT_JSON_VERDICT_OK
                                                    : HT_JSON_VERDICT_TOO_DEEP);
    }
    struct ht_json_reader small;
    ht_json_reader_init(&small, 4);
    assert_int_equal(ht_json_reader_scan(&small, HT_SLICE("[ 1]"), NULL), HT_JSON_VERDICT_OK);
    assert_int_equal(ht_json_reader_scan(&small, HT_SLICE("[ 12]"), NULL),
                     HT_JSON_VERDICT_TOO_LARGE);
    ht_json_reader_finish(&small);
    ht_json_reader_finish(NULL);
}

static void test_many_brackets(void **state)
{
    size_t count = 300000;
    char *text = malloc(3 * count + 2);
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        memcpy(text + 1 + 3 * i, "[],", 3);
    }
    text[3 * count] = ']';
    assert_int_equal(judge(*state, ht_slice_make(text, 3 * count + 1), "brackets"),
                     HT_JSON_VERDICT_OK);
    free(text);
}

/* -- finding -------------------------------------------------------------------------------- */

static const char *const names[] = {"id",   "id_str", "entities",
                                    "text", "user",   "a_rather_long_key"};

static void test_find(void **state)
{
    struct ht_json_reader *reader = *state;
    static const struct {
        const char *name, *text, *found[6];
    } cases[] = {
        {"none", "{\"x\":1}", {NULL}},
        {"empty", "{}", {NULL}},
        {"all",
         "{\"user\":{\"id\":9},\"a_rather_long_key\" : [1] ,\"id\":5,\n\"text\":\"a:b,\\\"\""
         ",\"id_str\":\"5\",\"entities\":null}",
         {"5", "\"5\"", "null", "\"a:b,\\\"\"", "{\"id\":9}", "[1]"}},
        {"the last of two",
         "{\"id\":1,\"id\":{\"id\":2},\"text\":{},\"text\":3}",
         {"{\"id\":2}", NULL, NULL, "3"}},
        {"ends alike", "{\"xid\":1,\"_id\":2,\"my_entities\":3,\"i\":4,\"d\":5,\"\":6}", {NULL}},
        {"not in children", "{\"a\":{\"id\":1},\"b\":[{\"text\":2}]}", {NULL}},
        {"written with escapes",
         "{\"\\u0069d\":1,\"t\\u0065xt\":2,\"user\":3}",
         {"1", NULL, NULL, "2", "3"}},
        {"quotes in a key", "{\"x\\\"id\":1,\"text\":2}", {NULL, NULL, NULL, "2"}},
    };
    struct ht_json_keys keys;
    ht_json_keys_init(&keys, names, 6);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_json_value found[6];
        assert_int_equal(ht_json_reader_scan(reader, ht_slice_text(cases[i].text), NULL),
                         HT_JSON_VERDICT_OK);
        ht_json_reader_find(reader, ht_json_reader_root(reader), &keys, found);
        for (size_t k = 0; k < 6; k++) {
            struct ht_slice raw = ht_json_reader_raw(reader, found[k]);
            if ((found[k].kind != '\0') != (cases[i].found[k] != NULL) ||
                (found[k].kind != '\0' && !ht_slice_equal(raw, ht_slice_text(cases[i].found[k])))) {
                fail_msg("%s: %s is %.*s", cases[i].name, names[k], (int)raw.length, raw.data);
            }
        }
    }
}

static void test_find_in_no_object(void **state)
{
    struct ht_json_reader *reader = *state;
    struct ht_json_keys keys;
    struct ht_json_value found[6];
    ht_json_keys_init(&keys, names, 6);
    assert_int_equal(ht_json_reader_scan(reader, HT_SLICE("[\"id\"]"), NULL), HT_JSON_VERDICT_OK);
    ht_json_reader_find(reader, ht_json_reader_root(reader), &keys, found);
    assert_int_equal(found[0].kind, '\0');
    struct ht_json_walk walk = ht_json_walk(reader, found[0]);
    assert_false(ht_json_walk_next(&walk));
}

/* -- mutations ------------------------------------------------------------------------------ */

static const char *const pieces[] = {
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "0",
    "-",
    "1e5",
    "true",
    "null",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\xe3\x81\x82",
    "\xf0\x9f",
    "\x80",
    "\x01",
    ".",
    "\"id\":",
    "12345678901234567890",
    "\\\"",
    "\\\\",
    "\\u0000",
    "{}",
    "[]",
    "\"\"",
};

static struct ht_slice mutate(struct ht_random *random, struct ht_slice text, char *out,
                              size_t room)
{
    size_t length = text.length;
    memcpy(out, text.data, length);
    for (uint64_t left = 1 + ht_random_below(random, 3); left > 0; left--) {
        size_t at = ht_random_below(random, length + 1);
        const char *piece = pieces[ht_random_below(random, sizeof(pieces) / sizeof(pieces[0]))];
        size_t added = strlen(piece), removed = ht_random_below(random, 4);
        switch (ht_random_below(random, 4)) {
        case 0: /* cut off */
            length = ht_random_below(random, 8) == 0 ? at : length;
            continue;
        case 1: /* one byte becomes another */
            if (at < length) {
                out[at] = (char)ht_random_u64(random);
            }
            continue;
        case 2: /* insert */
            removed = 0;
            break;
        default: /* replace */
            break;
        }
        removed = removed > length - at ? length - at : removed;
        if (length - removed + added > room) {
            continue;
        }
        memmove(out + at + added, out + at + removed, length - at - removed);
        memcpy(out + at, piece, added);
        length = length - removed + added;
    }
    return ht_slice_make(out, length);
}

static void judge_mutations(struct ht_json_reader *reader, struct ht_slice text, size_t rounds,
                            uint64_t seed)
{
    struct ht_random random;
    ht_random_init(&random, seed);
    char *out = malloc(text.length + 256);
    for (size_t i = 0; i < rounds; i++) {
        struct ht_slice mutated = mutate(&random, text, out, text.length + 256);
        judge(reader, mutated, "mutation");
    }
    free(out);
}

static void test_mutations_of_small_texts(void **state)
{
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        judge_mutations(*state, ht_slice_text(valid[i]), 4000, i);
    }
}

static void test_mutations_of_the_corpus(void **state)
{
    struct shared_lines lines;
    if (!shared_open(&lines)) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    struct ht_slice line;
    uint64_t seed = 1;
    while (shared_next(&lines, &line)) {
        assert_int_equal(judge(*state, line, "corpus"), HT_JSON_VERDICT_OK);
        judge_mutations(*state, line, effort(40, 8), seed++);
    }
    assert_true(seed > 200);
    shared_close(&lines);
}

static int make_reader(void **state)
{
    static struct ht_json_reader reader;
    ht_json_reader_init(&reader, 1u << 20);
    *state = &reader;
    return 0;
}

static int finish_reader(void **state)
{
    ht_json_reader_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_raw_nul),
        cmocka_unit_test(test_long_backslash_rows),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_brackets),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_in_no_object),
        cmocka_unit_test(test_mutations_of_small_texts),
        cmocka_unit_test(test_mutations_of_the_corpus),
    };
    return cmocka_run_group_tests(tests, make_reader, finish_reader);
}
