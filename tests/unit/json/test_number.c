// SPDX-License-Identifier: MIT
#include "hashtagd/json/number.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *text;
    unsigned factor;
    int64_t value;
} cases[] = {
    {"0", 1, 0},
    {"7", 1000, 7000},
    {"-7", 1000, -7000},
    {"1441215410.867", 1000, 1441215410867},
    {"1.441215410867E9", 1000, 1441215410867},
    {"1.441215410867e+9", 1000, 1441215410867},
    {"1700000000", 1000, 1700000000000},
    {"1700000000.0004", 1000, 1700000000000},
    {"1700000000.0006", 1000, 1700000000001},
    {"1700000000.123456789", 1000, 1700000000123},
    {"0.5", 1, 1},
    {"-0.5", 1, -1},
    {"0.49", 1, 0},
    {"4503599627370495", 1, 4503599627370495},
    {"4503599627370496", 1, 0},
    {"1e308", 1000, 0},
    {"-1e308", 1000, 0},
    {"1e999", 1, 0},
    {"", 1, 0},
    {".", 1, 0},
    {"1.", 1, 1},
    {"x", 1, 0},
    {"7x", 1, 0},
    {"1.2.3", 1, 0},
    {"null", 1, 0},
    {"0000000000000000000000000000000000000000000000000000000000000000000000", 1, 0},
};

static void numbers_are_scaled_and_rounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        int64_t value = ht_json_number_scaled(ht_slice_text(cases[i].text), cases[i].factor);
        if (value != cases[i].value) {
            fail_msg("%s times %u is %lld", cases[i].text, cases[i].factor, (long long)value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_scaled_and_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
