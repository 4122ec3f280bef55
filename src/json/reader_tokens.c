// SPDX-License-Identifier: MIT
#include "reader_tokens.h"

#include <string.h>

struct number;

static enum ht_json_verdict literal(struct ht_slice text, size_t begin);
static enum ht_json_verdict number(struct ht_slice text, size_t begin);
static bool fits_64_bits(struct ht_slice digits, bool negative);
static bool fits_double(const struct number *number);

/* The bytes that end a number or a literal; whether they may stand there is seen elsewhere. */
static bool is_delimiter(char byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte == ' ' || byte == '\n' ||
           byte == '\r' || byte == '\t' || byte == ':' || byte == '{' || byte == '[' || byte == '"';
}

static bool is_digit(struct ht_slice text, size_t at)
{
    return at < text.length && (unsigned char)(text.data[at] - '0') <= 9;
}

enum ht_json_verdict ht_scan_primitive(struct ht_slice text, size_t begin)
{
    char first = text.data[begin];
    if (first == '-' || (first >= '0' && first <= '9')) {
        return number(text, begin);
    }
    return literal(text, begin);
}

static enum ht_json_verdict literal(struct ht_slice text, size_t begin)
{
    const char *word = text.data[begin] == 't'   ? "true"
                       : text.data[begin] == 'f' ? "false"
                                                 : "null";
    size_t length = strlen(word), left = text.length - begin;
    size_t compared = left < length ? left : length;
    if (memcmp(text.data + begin, word, compared) != 0) {
        return HT_JSON_VERDICT_NOT_JSON;
    }
    if (left <= length) {
        return HT_JSON_VERDICT_CUT_OFF;
    }
    return is_delimiter(text.data[begin + length]) ? HT_JSON_VERDICT_OK : HT_JSON_VERDICT_NOT_JSON;
}

static struct ht_slice digits_at(struct ht_slice text, size_t begin)
{
    size_t end = begin;
    while (is_digit(text, end)) {
        end++;
    }
    return ht_slice_make(text.data + begin, end - begin);
}

/* The parts of a number. What it does not have is empty. */
struct number {
    struct ht_slice whole, fraction, exponent;
    bool is_negative, has_fraction, has_exponent, is_exponent_negative;
    size_t end; /* behind what could be read as a number */
};

static bool is_one_of(struct ht_slice text, size_t at, const char *two)
{
    return at < text.length && (text.data[at] == two[0] || text.data[at] == two[1]);
}

/* Takes apart -?[0-9]*(\.[0-9]*)?([eE][+-]?[0-9]*)? */
static struct number split_number(struct ht_slice text, size_t at)
{
    struct number number = {.fraction = HT_SLICE(""), .exponent = HT_SLICE("")};
    number.is_negative = text.data[at] == '-';
    at += number.is_negative ? 1 : 0;
    number.whole = digits_at(text, at);
    at += number.whole.length;
    if (is_one_of(text, at, "..")) {
        number.has_fraction = true;
        number.fraction = digits_at(text, ++at);
        at += number.fraction.length;
    }
    if (is_one_of(text, at, "eE")) {
        number.has_exponent = true;
        number.is_exponent_negative = is_one_of(text, ++at, "--");
        at += is_one_of(text, at, "+-") ? 1 : 0;
        number.exponent = digits_at(text, at);
        at += number.exponent.length;
    }
    number.end = at;
    return number;
}

/* Each part has a digit, and a zero in front stands alone. */
static bool is_well_formed(const struct number *number)
{
    return number->whole.length > 0 &&
           (number->whole.length == 1 || number->whole.data[0] != '0') &&
           number->has_fraction == (number->fraction.length > 0) &&
           number->has_exponent == (number->exponent.length > 0);
}

static enum ht_json_verdict number(struct ht_slice text, size_t begin)
{
    struct number number = split_number(text, begin);
    if (number.end >= text.length) {
        return HT_JSON_VERDICT_CUT_OFF;
    }
    if (!is_well_formed(&number) || !is_delimiter(text.data[number.end])) {
        return HT_JSON_VERDICT_NOT_JSON;
    }
    bool is_whole = !number.has_fraction && !number.has_exponent;
    bool fits = is_whole ? fits_64_bits(number.whole, number.is_negative) : fits_double(&number);
    return fits ? HT_JSON_VERDICT_OK : HT_JSON_VERDICT_NOT_JSON;
}

static bool fits_64_bits(struct ht_slice digits, bool negative)
{
    const char *largest = negative ? "9223372036854775808" : "9223372036854775807";
    return digits.length < 19 || (digits.length == 19 && memcmp(digits.data, largest, 19) <= 0);
}

/* 2^1024 - 2^970: from here on a decimal number rounds to infinity (IEEE 754, ties to even). */
static const char first_too_large[] =
    "17976931348623158079372897140530341507993413271003782693617377898044496829276475"
    "09466490179775872070963302864166928879109465555478519404026306574886715058206819"
    "08902000708383676273854845817711531764475730270069855571366959622842914819860834"
    "936475292719074168444365510704342711559699508093042880177904174497792";
#define TOO_LARGE_DIGITS 309

/* The digit at `index` of the whole part with the fraction behind it. */
static char digit_of(const struct number *number, size_t index)
{
    size_t whole = number->whole.length;
    if (index < whole) {
        return number->whole.data[index];
    }
    return index - whole < number->fraction.length ? number->fraction.data[index - whole] : '0';
}

static bool fits_double(const struct number *number)
{
    int64_t power = 0;
    for (size_t i = 0; i < number->exponent.length && power < 100000000; i++) {
        power = power * 10 + (number->exponent.data[i] - '0');
    }
    /* how many digits stand before the point, once the number is written without exponent */
    int64_t places =
        (int64_t)number->whole.length + (number->is_exponent_negative ? -power : power);
    size_t total = number->whole.length + number->fraction.length, first = 0;
    while (first < total && digit_of(number, first) == '0') {
        first++;
        places--;
    }
    if (first == total || places != TOO_LARGE_DIGITS) {
        return first == total || places < TOO_LARGE_DIGITS;
    }
    for (size_t i = 0; i < TOO_LARGE_DIGITS; i++) {
        char digit = digit_of(number, first + i);
        if (digit != first_too_large[i]) {
            return digit < first_too_large[i];
        }
    }
    return false;
}

int ht_scan_hex4(const char *digits)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char byte = (unsigned char)digits[i];
        unsigned letter = (byte | 0x20u) - 'a', decimal = byte - (unsigned)'0';
        if (decimal > 9 && letter > 5) {
            return -1;
        }
        value = value << 4 | (int)(decimal <= 9 ? decimal : letter + 10);
    }
    return value;
}

/* Where fewer than four digits are left: whether those that are there could be some. */
static enum ht_json_verdict cut_digits(struct ht_slice text, size_t begin)
{
    char padded[4] = {'0', '0', '0', '0'};
    memcpy(padded, text.data + begin, text.length - begin);
    return ht_scan_hex4(padded) < 0 ? HT_JSON_VERDICT_NOT_JSON : HT_JSON_VERDICT_CUT_OFF;
}

/* The second half of a pair, whose backslash is due at `at`. */
static enum ht_json_verdict low_surrogate(struct ht_slice text, size_t at)
{
    size_t left = text.length - at;
    if ((left > 0 && text.data[at] != '\\') || (left > 1 && text.data[at + 1] != 'u')) {
        return HT_JSON_VERDICT_LONE_SURROGATE;
    }
    if (left < 6) {
        return left <= 2 ? HT_JSON_VERDICT_CUT_OFF : cut_digits(text, at + 2);
    }
    int unit = ht_scan_hex4(text.data + at + 2);
    return unit >= 0xdc00 && unit <= 0xdfff ? HT_JSON_VERDICT_OK : HT_JSON_VERDICT_LONE_SURROGATE;
}

enum ht_json_verdict ht_scan_unicode_escape(struct ht_slice text, size_t at, size_t *low_at,
                                            bool *is_nul)
{
    if (text.length - at < 5) {
        return cut_digits(text, at + 1);
    }
    int unit = ht_scan_hex4(text.data + at + 1);
    if (unit < 0) {
        return HT_JSON_VERDICT_NOT_JSON;
    }
    *is_nul = unit == 0;
    if ((unit & 0xfc00) == 0xd800) {
        *low_at = at + 6;
        return low_surrogate(text, at + 5);
    }
    if ((unit & 0xfc00) == 0xdc00 && at != *low_at) {
        return HT_JSON_VERDICT_LONE_SURROGATE;
    }
    return HT_JSON_VERDICT_OK;
}

enum ht_json_verdict ht_scan_utf8(struct ht_slice text, size_t begin, size_t *end)
{
    const unsigned char *data = (const unsigned char *)text.data + begin;
    unsigned char first = data[0];
    if (first < 0xc2 || first > 0xf4) {
        return HT_JSON_VERDICT_BAD_UTF8;
    }
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < length; i++) {
        if (begin + i >= text.length) {
            return HT_JSON_VERDICT_CUT_OFF;
        }
        if (data[i] < low || data[i] > high) {
            return HT_JSON_VERDICT_BAD_UTF8;
        }
        low = 0x80;
        high = 0xbf;
    }
    *end = begin + length;
    return HT_JSON_VERDICT_OK;
}

static size_t encode_utf8(unsigned point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6) {
        out[i] = (char)(0x80 | (point & 0x3f));
    }
    out[0] = (char)((0xf00u >> length) | point);
    return length;
}

/* The escape behind the backslash at text.data[at - 1]; returns the bytes written. */
static size_t unescape_one(struct ht_slice text, size_t *at, char *out)
{
    static const char short_forms[] = "b\bf\fn\nr\rt\t";
    char kind = text.data[(*at)++];
    if (kind == 'u') {
        unsigned point = (unsigned)ht_scan_hex4(text.data + *at);
        *at += 4;
        if ((point & 0xf800) == 0xd800) {
            unsigned low = (unsigned)ht_scan_hex4(text.data + *at + 2);
            point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
            *at += 6;
        }
        return encode_utf8(point, out);
    }
    *out = kind;
    for (size_t i = 0; i + 1 < sizeof(short_forms); i += 2) {
        if (short_forms[i] == kind) {
            *out = short_forms[i + 1];
        }
    }
    return 1;
}

size_t ht_scan_unescape(struct ht_slice text, char *out)
{
    size_t length = 0;
    for (size_t at = 0; at < text.length;) {
        if (text.data[at] == '\\') {
            at++;
            length += unescape_one(text, &at, out + length);
        } else {
            out[length++] = text.data[at++];
        }
    }
    return length;
}
