// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/fold.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    const char *name, *tag, *folded;
} cases[] = {
    {"plain", "foo", "foo"},
    {"ASCII upper case", "FooBAR_09az", "foobar_09az"},
    {"beside the letters", "@[`{", "@[`{"},
    {"leading #", "#Foo", "foo"},
    {"leading full-width #", "＃Foo", "foo"},
    {"small # becomes one", "﹟Foo", "foo"},
    {"full-width letters", "ＦＯＯ", "foo"},
    {"umlaut composed", "Äpfel", "äpfel"},
    {"umlaut decomposed", "A\xcc\x88pfel", "äpfel"},
    {"sharp s", "Straße", "strasse"},
    {"capital sharp s", "STRAẞE", "strasse"},
    {"ligature", "ﬁn", "fin"},
    {"Turkish dotted I", "İ", "i\xcc\x87"},
    {"Turkish dotless i stays", "ı", "ı"},
    {"sigma", "ΟΔΟΣ", "οδοσ"},
    {"final sigma", "οδος", "οδοσ"},
    {"Cyrillic", "МОСКВА", "москва"},
    {"square corporation", "㍿", "株式会社"},
    {"half-width katakana", "ｶﾞ", "ガ"},
    {"hiragana and kanji", "東京タワーへ行く", "東京タワーへ行く"},
    {"voiced mark composes", "か\xe3\x82\x99", "が"},
    {"accents stay", "café", "café"},
    {"joiners at both ends", "\u200c\u200dnam\u200c", "nam"},
    {"joiner inside stays", "می\u200cخواهم", "می\u200cخواهم"},
    {"joiner before #", "\u200d#x", "x"},
    {"mathematical letters", "𝐇𝐞𝐥𝐥𝐨", "hello"},
    {"Hangul jamo compose", "\u1112\u1161\u11ab", "한"},
    {"Cherokee folds to capitals", "\uab70", "\u13a0"},
    {"iota subscript", "ᾳ", "αι"},
    {"emoji", "😀", "😀"},
};

static void check(enum ht_fold_mode mode, const char *name, const char *tag, const char *expected)
{
    char out[HT_FOLD_BYTES_MAX];
    size_t length = 0;
    if (ht_fold_tag(mode, ht_slice_text(tag), out, &length) != 0 ||
        !ht_slice_equal(ht_slice_make(out, length), ht_slice_text(expected))) {
        fail_msg("%s: %.*s, expected %s", name, (int)length, out, expected);
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(HT_FOLD_CASE, cases[i].name, cases[i].tag, cases[i].folded);
    }
}

static void test_growing_ligature(void **state)
{
    (void)state;
    /* U+FDFA: 3 bytes become 33 */
    char tag[3 * 63], out[HT_FOLD_BYTES_MAX];
    size_t length = 0;
    for (size_t i = 0; i < sizeof(tag); i += 3) {
        memcpy(tag + i, "\xef\xb7\xba", 3);
    }
    assert_int_equal(ht_fold_tag(HT_FOLD_CASE, ht_slice_make(tag, 62 * 3), out, &length), 0);
    assert_int_equal(length, 62 * 33);
    assert_int_equal(ht_fold_tag(HT_FOLD_CASE, ht_slice_make(tag, 63 * 3), out, &length),
                     HT_ETOOBIG);
}

static void test_none_keeps_the_spelling(void **state)
{
    (void)state;
    check(HT_FOLD_NONE, "case", "#FooＦ", "FooＦ");
    check(HT_FOLD_NONE, "joiner", "\u200dx", "\u200dx");
}

static void test_limits(void **state)
{
    (void)state;
    char *tag = malloc(HT_FOLD_INPUT_BYTES_MAX + 1), out[HT_FOLD_BYTES_MAX];
    size_t length = 0;
    memset(tag, 'A', HT_FOLD_INPUT_BYTES_MAX + 1);
    for (int mode = HT_FOLD_CASE; mode <= HT_FOLD_NONE; mode++) {
        assert_int_equal(ht_fold_tag(mode, ht_slice_make(tag, 2048), out, &length), 0);
        assert_int_equal(length, 2048);
        assert_int_equal(ht_fold_tag(mode, ht_slice_make(tag, 2049), out, &length), HT_ETOOBIG);
        assert_int_equal(
            ht_fold_tag(mode, ht_slice_make(tag, HT_FOLD_INPUT_BYTES_MAX + 1), out, &length),
            HT_ETOOBIG);
    }
    /* 2048 letters of four bytes that fold to one byte each */
    for (size_t i = 0; i < 2048; i++) {
        memcpy(tag + 4 * i, "𝐇", 4);
    }
    assert_int_equal(ht_fold_tag(HT_FOLD_CASE, ht_slice_make(tag, 8192), out, &length), 0);
    assert_int_equal(length, 2048);
    free(tag);
}

/* Marks of two classes by turns, and the same marks in canonical order. */
static void test_order_of_many_marks(void **state)
{
    (void)state;
    for (size_t pairs = 1; pairs < 200; pairs++) {
        char mixed[1024] = "x", ordered[1024] = "x";
        char one[HT_FOLD_BYTES_MAX], other[HT_FOLD_BYTES_MAX];
        size_t length = 0, other_length = 0;
        for (size_t i = 0; i < pairs; i++) {
            memcpy(mixed + 1 + 4 * i, i % 2 == 0 ? "\u0301\u0316" : "\u0302\u0316", 4);
            memcpy(ordered + 1 + 2 * i, "\u0316", 2);
            memcpy(ordered + 1 + 2 * (pairs + i), i % 2 == 0 ? "\u0301" : "\u0302", 2);
        }
        struct ht_slice tag = ht_slice_make(mixed, 1 + 4 * pairs);
        assert_int_equal(ht_fold_tag(HT_FOLD_CASE, tag, one, &length), 0);
        tag = ht_slice_make(ordered, 1 + 4 * pairs);
        assert_int_equal(ht_fold_tag(HT_FOLD_CASE, tag, other, &other_length), 0);
        assert_int_equal(length, 1 + 4 * pairs);
        assert_true(ht_slice_equal(ht_slice_make(one, length), tag));
        assert_true(ht_slice_equal(ht_slice_make(other, other_length), tag));
    }
}

/* Sorted one place at a time they take half a second each. */
static void test_thousands_of_marks_take_no_time(void **state)
{
    (void)state;
    struct timespec begin, end;
    char *tag = malloc(HT_FOLD_INPUT_BYTES_MAX), out[HT_FOLD_BYTES_MAX];
    size_t length = 0;
    for (size_t i = 0; i < HT_FOLD_INPUT_BYTES_MAX; i += 2) {
        memcpy(tag + i, i < HT_FOLD_INPUT_BYTES_MAX / 2 ? "\u0345" : "\u0316", 2);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int round = 0; round < 10; round++) {
        struct ht_slice marks = ht_slice_make(tag, HT_FOLD_INPUT_BYTES_MAX);
        assert_int_equal(ht_fold_tag(HT_FOLD_CASE, marks, out, &length), HT_ETOOBIG);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 2);
    free(tag);
}

static void test_nothing_left(void **state)
{
    (void)state;
    static const char *const tags[] = {"", "#", "##", "＃#", "\u200d", "#\u200c#\u200d", "﹟"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char out[HT_FOLD_BYTES_MAX];
        size_t length = 0;
        if (ht_fold_tag(HT_FOLD_CASE, ht_slice_text(tags[i]), out, &length) != HT_EINVAL) {
            fail_msg("case %zu is not refused", i);
        }
    }
}

static void test_broken_utf8(void **state)
{
    (void)state;
    static const char *const tags[] = {
        "\x80", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "あ\xe3\x81"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char out[HT_FOLD_BYTES_MAX];
        size_t length = 0;
        for (int mode = HT_FOLD_CASE; mode <= HT_FOLD_NONE; mode++) {
            if (ht_fold_tag(mode, ht_slice_text(tags[i]), out, &length) != HT_EPARSE) {
                fail_msg("case %zu is not refused, mode %d", i, mode);
            }
        }
    }
}

static size_t random_character(struct ht_random *random, char *out)
{
    uint32_t point;
    do {
        uint64_t range = ht_random_below(random, 4);
        point = (uint32_t)ht_random_below(random, range == 0   ? 0x80
                                                  : range == 1 ? 0x500
                                                  : range == 2 ? 0x10000
                                                               : 0x110000);
    } while (point >= 0xd800 && point <= 0xdfff);
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6) {
        out[i] = (char)(0x80 | (point & 0x3f));
    }
    out[0] = (char)((0xf00 >> length) | point);
    return length;
}

static void test_folding_twice_changes_nothing(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 11);
    for (int round = 0; round < 200000; round++) {
        char tag[64], once[HT_FOLD_BYTES_MAX], twice[HT_FOLD_BYTES_MAX];
        size_t length = 0, once_length = 0, twice_length = 0;
        for (uint64_t left = 1 + ht_random_below(&random, 8); left > 0; left--) {
            length += random_character(&random, tag + length);
        }
        int result = ht_fold_tag(HT_FOLD_CASE, ht_slice_make(tag, length), once, &once_length);
        if (result == HT_EINVAL) {
            continue;
        }
        assert_int_equal(result, 0);
        assert_int_equal(
            ht_fold_tag(HT_FOLD_CASE, ht_slice_make(once, once_length), twice, &twice_length), 0);
        if (!ht_slice_equal(ht_slice_make(once, once_length), ht_slice_make(twice, twice_length))) {
            fail_msg("round %d: %.*s gives %.*s, then %.*s", round, (int)length, tag,
                     (int)once_length, once, (int)twice_length, twice);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_growing_ligature),
        cmocka_unit_test(test_none_keeps_the_spelling),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_order_of_many_marks),
        cmocka_unit_test(test_thousands_of_marks_take_no_time),
        cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_folding_twice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
