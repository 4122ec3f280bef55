// SPDX-License-Identifier: MIT
#include "synthetic_words.h"

#include "synthetic_vocabulary.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static size_t count_of(const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL) {
        count++;
    }
    return count;
}

static void test_shares_add_up(void **state)
{
    (void)state;
    unsigned sum = 0;
    for (size_t i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        sum += ht_synthetic_languages[i].share;
    }
    assert_int_equal(sum, HT_SYNTHETIC_SHARE_SUM);
}

/* One to three words must make as many hashtags as the language's share of the ranks. */
static void test_words_are_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        size_t words = count_of(ht_synthetic_languages[i].words);
        size_t needed = ht_synthetic_languages[i].share *
                        (HT_SYNTHETIC_RANK_COUNT / HT_SYNTHETIC_SHARE_SUM + 1);
        if (words + words * words + words * words * words < needed) {
            print_error("%s has too few words\n", ht_synthetic_languages[i].code);
        }
        assert_true(words + words * words + words * words * words >= needed);
        assert_true(count_of(ht_synthetic_languages[i].phrases) >= 3);
    }
}

static void test_words_are_distinct(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        const char *const *words = ht_synthetic_languages[i].words;
        for (size_t a = 0; words[a] != NULL; a++) {
            for (size_t b = 0; b < a; b++) {
                assert_string_not_equal(words[a], words[b]);
            }
        }
    }
}

/* ASCII that may not stand in a hashtag, and upper-case letters, which the spellings make. */
static void test_words_are_legal(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        const char *const *words = ht_synthetic_languages[i].words;
        for (size_t a = 0; words[a] != NULL; a++) {
            assert_true(words[a][0] != '\0');
            for (const char *at = words[a]; *at != '\0'; at++) {
                assert_true((unsigned char)*at >= 0x80 || (*at >= 'a' && *at <= 'z'));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_add_up),
        cmocka_unit_test(test_words_are_enough),
        cmocka_unit_test(test_words_are_distinct),
        cmocka_unit_test(test_words_are_legal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
