// SPDX-License-Identifier: MIT
#include "synthetic_piece.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void check_piece(struct ht_synthetic_piece piece, const char *utf8, const char *escaped)
{
    if (!ht_slice_equal(piece.utf8, ht_slice_text(utf8)) ||
        !ht_slice_equal(piece.escaped, ht_slice_text(escaped))) {
        print_error("%.*s, %.*s\n", (int)piece.utf8.length, piece.utf8.data,
                    (int)piece.escaped.length, piece.escaped.data);
    }
    assert_true(ht_slice_equal(piece.utf8, ht_slice_text(utf8)));
    assert_true(ht_slice_equal(piece.escaped, ht_slice_text(escaped)));
}

static void test_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool html;
        const char *utf8, *escaped;
        unsigned points;
    } cases[] = {
        {"", false, "", "", 0},
        {"abc", false, "abc", "abc", 3},
        {"a\"b\\c/d", false, "a\"b\\c/d", "a\\\"b\\\\c\\/d", 7},
        {"a&b", false, "a&b", "a&b", 3},
        {"a&<>", true, "a&amp;&lt;&gt;", "a&amp;&lt;&gt;", 14},
        {"é", false, "é", "\\u00e9", 1},
        {"中", false, "中", "\\u4e2d", 1},
        {"😂!", false, "😂!", "\\ud83d\\ude02!", 2},
        {"𠮷", false, "𠮷", "\\ud842\\udfb7", 1},
    };
    struct ht_synthetic_store store = {0};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_synthetic_piece piece =
            ht_synthetic_piece_make(&store, cases[i].text, cases[i].html);
        check_piece(piece, cases[i].utf8, cases[i].escaped);
        assert_int_equal(piece.points, cases[i].points);
    }
    ht_synthetic_store_finish(&store);
}

static void test_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *word, *title, *upper;
    } cases[] = {
        {"love", "Love", "LOVE"},
        {"straße", "Straße", "STRASSE"},
        {"été", "Été", "ÉTÉ"},
        {"ñ", "Ñ", "Ñ"},
        {"÷", "÷", "÷"},
        {"çağrı", "Çağrı", "ÇAĞRı"},
        {"łódź", "Łódź", "ŁÓDŹ"},
        {"śnieg", "Śnieg", "ŚNIEG"},
        {"żółw", "Żółw", "ŻÓŁW"},
        {"phở", "Phở", "PHỞ"},
        {"sài", "Sài", "SÀI"},
        {"việt", "Việt", "VIỆT"},
        {"ёлка", "Ёлка", "ЁЛКА"},
        {"москва", "Москва", "МОСКВА"},
        {"ελλάδα", "Ελλάδα", "ΕΛΛΆΔΑ"},
        {"ήλιος", "Ήλιος", "ΉΛΙΟΣ"},
        {"ύπνος", "Ύπνος", "ΎΠΝΟΣ"},
        {"όώ", "Όώ", "ΌΏ"},
        {"日本", "日本", "日本"},
        {"ไทย", "ไทย", "ไทย"},
        {"cafe\u0301", "Cafe\u0301", "CAFE\u0301"},
    };
    struct ht_synthetic_store store = {0};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_synthetic_piece lower =
            ht_synthetic_piece_spell(&store, cases[i].word, HT_SYNTHETIC_LOWER);
        struct ht_synthetic_piece title =
            ht_synthetic_piece_spell(&store, cases[i].word, HT_SYNTHETIC_TITLE);
        struct ht_synthetic_piece upper =
            ht_synthetic_piece_spell(&store, cases[i].word, HT_SYNTHETIC_UPPER);
        assert_true(ht_slice_equal(lower.utf8, ht_slice_text(cases[i].word)));
        if (!ht_slice_equal(upper.utf8, ht_slice_text(cases[i].upper))) {
            print_error("%s\n", cases[i].word);
        }
        assert_true(ht_slice_equal(title.utf8, ht_slice_text(cases[i].title)));
        assert_true(ht_slice_equal(upper.utf8, ht_slice_text(cases[i].upper)));
    }
    check_piece(ht_synthetic_piece_spell(&store, "azé", HT_SYNTHETIC_WIDE), "ａｚé",
                "\\uff41\\uff5a\\u00e9");
    check_piece(ht_synthetic_piece_spell(&store, "az", HT_SYNTHETIC_BOLD), "𝐚𝐳",
                "\\ud835\\udc1a\\ud835\\udc33");
    ht_synthetic_store_finish(&store);
}

static void test_cutting_at_code_points(void **state)
{
    (void)state;
    struct ht_slice escaped = HT_SLICE("a\\\"\\u00e9\\ud83d\\ude02\\ue000\\/z");
    static const size_t ends[] = {0, 1, 3, 9, 21, 27, 29, 30, 30, 30};
    for (unsigned points = 0; points < HT_COUNT_OF(ends); points++) {
        assert_int_equal(ht_synthetic_escaped_bytes(escaped, points), ends[points]);
    }
}

static void test_the_store_keeps_much(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct ht_synthetic_store store = {0};
    struct ht_slice *kept = calloc(COUNT, sizeof(*kept));
    assert_non_null(kept);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[100];
        int length = snprintf(text, sizeof(text), "%0*u", 1 + (int)(i % 90), i);
        kept[i] = ht_synthetic_store_copy(&store, ht_slice_make(text, (size_t)length));
    }
    for (unsigned i = 0; i < COUNT; i++) {
        char text[100];
        snprintf(text, sizeof(text), "%0*u", 1 + (int)(i % 90), i);
        assert_true(ht_slice_equal(kept[i], ht_slice_text(text)));
    }
    assert_false(store.failed);
    free(kept);
    ht_synthetic_store_finish(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_cutting_at_code_points),
        cmocka_unit_test(test_the_store_keeps_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
