// SPDX-License-Identifier: MIT
#include "../../../src/net/utf8_check.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct text_case {
    const char *bytes;
    bool is_utf8;
};

/* First and last of each length, and what lies just outside. */
static const struct text_case cases[] = {
    {"", true},
    {"plain", true},
    {"\x7f", true},
    {"\xc2\x80", true},
    {"\xdf\xbf", true},
    {"\xe0\xa0\x80", true},
    {"\xed\x9f\xbf", true},
    {"\xee\x80\x80", true},
    {"\xef\xbf\xbf", true},
    {"\xf0\x90\x80\x80", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true},
    {"eight ascii and \xe2\x82\xac eight ascii more", true},
    {"\x80", false}, /* nothing to continue */
    {"\xbf", false},
    {"\xc0\x80", false}, /* overlong */
    {"\xc1\xbf", false},
    {"\xe0\x9f\xbf", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xed\xa0\x80", false}, /* surrogates */
    {"\xed\xbf\xbf", false},
    {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", false},
    {"\xfe", false},
    {"\xff", false},
    {"\xc2", false}, /* cut off */
    {"\xe2\x82", false},
    {"\xf0\x9f\x98", false},
    {"\xe2\x82ok", false},
    {"longer than a word \xff and on", false},
    {"\xf8\x88\x80\x80\x80", false},
};

static bool check(const char *bytes, size_t length, size_t cut)
{
    struct ht_utf8_check utf8 = {0};

    return ht_utf8_check_add(&utf8, ht_slice_make(bytes, cut)) &&
           ht_utf8_check_add(&utf8, ht_slice_make(bytes + cut, length - cut)) &&
           ht_utf8_check_is_complete(&utf8);
}

static void test_texts_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        size_t length = strlen(cases[i].bytes);
        for (size_t cut = 0; cut <= length; cut++) {
            if (check(cases[i].bytes, length, cut) != cases[i].is_utf8) {
                fail_msg("case %zu, cut at %zu", i, cut);
            }
        }
    }
}

/* Every code point, against the definition. */
static void test_all_characters(void **state)
{
    (void)state;
    for (unsigned point = 0x80; point < 0x120000; point++) {
        char bytes[4];
        size_t length = 0;
        if (point >= 0x10000) {
            bytes[length++] = (char)(0xf0 | point >> 18);
            bytes[length++] = (char)(0x80 | (point >> 12 & 63));
        } else if (point >= 0x800) {
            bytes[length++] = (char)(0xe0 | point >> 12);
        }
        if (point >= 0x800) {
            bytes[length++] = (char)(0x80 | (point >> 6 & 63));
        } else {
            bytes[length++] = (char)(0xc0 | point >> 6);
        }
        bytes[length++] = (char)(0x80 | (point & 63));
        bool expected = point < 0xd800 || (point > 0xdfff && point < 0x110000);
        if (check(bytes, length, 0) != expected) {
            fail_msg("U+%04X", point);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_cut_anywhere),
        cmocka_unit_test(test_all_characters),
    };
    return cmocka_run_group_tests_name("net/utf8_check", tests, NULL, NULL);
}
