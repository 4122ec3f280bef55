// SPDX-License-Identifier: MIT
#include "hashtagd/aws/attribute.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOST_EXPONENT = 9999 };

/* A decimal number: its digits without the point, times ten to the power of `exponent`. */
struct decimal {
    char digits[HT_ATTRIBUTE_NUMBER_BYTES];
    size_t count;
    int exponent;
    bool is_negative;
};

static const char *const type_names[] = {
    [HT_ATTRIBUTE_S] = "S",       [HT_ATTRIBUTE_N] = "N",       [HT_ATTRIBUTE_B] = "B",
    [HT_ATTRIBUTE_BOOL] = "BOOL", [HT_ATTRIBUTE_NULL] = "NULL", [HT_ATTRIBUTE_SS] = "SS",
    [HT_ATTRIBUTE_NS] = "NS",     [HT_ATTRIBUTE_BS] = "BS",     [HT_ATTRIBUTE_M] = "M",
    [HT_ATTRIBUTE_L] = "L",
};

static const char inner_kinds[] = {
    [HT_ATTRIBUTE_S] = '"',  [HT_ATTRIBUTE_N] = '"',    [HT_ATTRIBUTE_B] = '"',
    [HT_ATTRIBUTE_BOOL] = 0, [HT_ATTRIBUTE_NULL] = 't', [HT_ATTRIBUTE_SS] = '[',
    [HT_ATTRIBUTE_NS] = '[', [HT_ATTRIBUTE_BS] = '[',   [HT_ATTRIBUTE_M] = '{',
    [HT_ATTRIBUTE_L] = '[',
};

static enum ht_attribute_type type_of(struct ht_slice quoted, char kind)
{
    struct ht_slice name = {quoted.data + 1, quoted.length - 2};
    for (size_t i = HT_ATTRIBUTE_S; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (ht_slice_equal(name, ht_slice_text(type_names[i]))) {
            bool fits =
                i == HT_ATTRIBUTE_BOOL ? kind == 't' || kind == 'f' : kind == inner_kinds[i];
            return fits ? (enum ht_attribute_type)i : HT_ATTRIBUTE_NONE;
        }
    }
    return HT_ATTRIBUTE_NONE;
}

enum ht_attribute_type ht_attribute_get(const struct ht_json_reader *reader,
                                        struct ht_json_value value, struct ht_json_value *inner)
{
    enum ht_attribute_type type = HT_ATTRIBUTE_NONE;
    if (value.kind != '{') {
        return type;
    }
    struct ht_json_walk walk = ht_json_walk(reader, value);
    if (ht_json_walk_next(&walk)) {
        type = type_of(ht_json_reader_raw(reader, walk.key), walk.value.kind);
        if (inner != NULL) {
            *inner = walk.value;
        }
    }
    return ht_json_walk_next(&walk) ? HT_ATTRIBUTE_NONE : type;
}

int ht_attribute_text(const struct ht_json_reader *reader, struct ht_json_value value,
                      struct ht_buffer *arena, struct ht_slice *text)
{
    struct ht_json_value inner;
    if (ht_attribute_get(reader, value, &inner) != HT_ATTRIBUTE_S) {
        return HT_ENOTFOUND;
    }
    return ht_json_reader_text(reader, inner, arena, text);
}

static struct ht_slice behind(struct ht_slice text, size_t count)
{
    return (struct ht_slice){text.data + count, text.length - count};
}

/* Takes the digits at the beginning of `text`; what is behind them. */
static struct ht_slice take_digits(struct decimal *decimal, struct ht_slice text)
{
    size_t count = 0;
    while (count < text.length && text.data[count] >= '0' && text.data[count] <= '9') {
        decimal->digits[decimal->count++] = text.data[count++];
    }
    return behind(text, count);
}

static int read_exponent(struct ht_slice text, int *exponent)
{
    bool is_negative = false;
    uint64_t number = 0;
    if (text.length > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
        is_negative = text.data[0] == '-';
        text = behind(text, 1);
    }
    if (ht_slice_to_u64(text, MOST_EXPONENT, &number) != 0) {
        return HT_EPARSE;
    }
    *exponent += is_negative ? -(int)number : (int)number;
    return 0;
}

static int read_decimal(struct ht_slice text, struct decimal *decimal)
{
    decimal->count = 0;
    decimal->exponent = 0;
    if (text.length == 0 || text.length > HT_ATTRIBUTE_NUMBER_BYTES) {
        return HT_EPARSE;
    }
    decimal->is_negative = text.data[0] == '-';
    text = take_digits(decimal, behind(text, decimal->is_negative));
    size_t whole = decimal->count;
    if (whole > 0 && text.length > 0 && text.data[0] == '.') {
        text = take_digits(decimal, behind(text, 1));
        decimal->exponent = -(int)(decimal->count - whole);
        whole = decimal->exponent == 0 ? 0 : whole;
    }
    if (whole == 0) {
        return HT_EPARSE;
    }
    if (text.length == 0) {
        return 0;
    }
    return text.data[0] == 'e' || text.data[0] == 'E'
               ? read_exponent(behind(text, 1), &decimal->exponent)
               : HT_EPARSE;
}

/* `*value` * 10 + `digit`; false where that does not fit. */
static bool push_digit(uint64_t *value, char digit)
{
    return !__builtin_mul_overflow(*value, (uint64_t)10, value) &&
           !__builtin_add_overflow(*value, (uint64_t)(digit - '0'), value);
}

/* The size of the number times ten to the power of `shift`, its fraction cut off. */
static int read_size(const struct decimal *decimal, int shift, uint64_t *size, bool *is_exact)
{
    int exponent = decimal->exponent + shift;
    size_t kept = decimal->count;
    bool fits = true;
    *size = 0;
    *is_exact = true;
    if (exponent < 0) {
        kept = kept > (size_t)-exponent ? kept - (size_t)-exponent : 0;
    }
    for (size_t i = 0; fits && i < kept; i++) {
        fits = push_digit(size, decimal->digits[i]);
    }
    for (size_t i = kept; i < decimal->count; i++) {
        *is_exact = *is_exact && decimal->digits[i] == '0';
    }
    for (int i = 0; fits && *size != 0 && i < exponent; i++) {
        fits = push_digit(size, '0');
    }
    return fits ? 0 : HT_ETOOBIG;
}

int ht_attribute_read_decimal(struct ht_slice text, int shift, int64_t *value, bool *is_exact)
{
    struct decimal decimal;
    uint64_t size = 0;
    bool exact = false;
    int status = read_decimal(text, &decimal);
    if (status == 0) {
        status = read_size(&decimal, shift, &size, &exact);
    }
    if (status == 0 && size > (uint64_t)INT64_MAX) {
        status = HT_ETOOBIG;
    }
    if (status == 0) {
        *value = decimal.is_negative ? -(int64_t)size : (int64_t)size;
        if (is_exact != NULL) {
            *is_exact = exact;
        }
    }
    return status;
}

/* The text of a value of type N, which may be no number. */
static int get_number(const struct ht_json_reader *reader, struct ht_json_value value,
                      struct ht_slice *text)
{
    struct ht_json_value inner;
    if (ht_attribute_get(reader, value, &inner) != HT_ATTRIBUTE_N) {
        return HT_ENOTFOUND;
    }
    struct ht_slice quoted = ht_json_reader_raw(reader, inner);
    *text = (struct ht_slice){quoted.data + 1, quoted.length - 2};
    return 0;
}

int ht_attribute_number(const struct ht_json_reader *reader, struct ht_json_value value,
                        struct ht_slice *number)
{
    struct decimal decimal;
    struct ht_slice text;
    int status = get_number(reader, value, &text);
    if (status == 0) {
        status = read_decimal(text, &decimal);
    }
    if (status == 0) {
        *number = text;
    }
    return status;
}

int ht_attribute_u64(const struct ht_json_reader *reader, struct ht_json_value value,
                     uint64_t *number)
{
    struct decimal decimal;
    struct ht_slice text;
    uint64_t size = 0;
    bool is_exact = false;
    int status = get_number(reader, value, &text);
    if (status == 0) {
        status = read_decimal(text, &decimal);
    }
    if (status == 0) {
        status = read_size(&decimal, 0, &size, &is_exact);
    }
    if (status == 0 && !is_exact) {
        status = HT_EPARSE;
    }
    if (status == 0 && decimal.is_negative && size > 0) {
        status = HT_ETOOBIG;
    }
    if (status == 0) {
        *number = size;
    }
    return status;
}

int ht_attribute_i64(const struct ht_json_reader *reader, struct ht_json_value value,
                     int64_t *number)
{
    struct ht_slice text;
    int64_t read = 0;
    bool is_exact = false;
    int status = get_number(reader, value, &text);
    if (status == 0) {
        status = ht_attribute_read_decimal(text, 0, &read, &is_exact);
    }
    if (status == 0 && !is_exact) {
        status = HT_EPARSE;
    }
    if (status == 0) {
        *number = read;
    }
    return status;
}

int ht_attribute_seconds(const struct ht_json_reader *reader, struct ht_json_value value,
                         int64_t *seconds)
{
    struct ht_slice text;
    int status = get_number(reader, value, &text);
    return status == 0 ? ht_attribute_read_decimal(text, 0, seconds, NULL) : status;
}

int ht_attribute_timestamp_ms(const struct ht_json_reader *reader, struct ht_json_value value,
                              int64_t *time_ms)
{
    if (value.kind != '0') {
        return HT_EPARSE;
    }
    return ht_attribute_read_decimal(ht_json_reader_raw(reader, value), 3, time_ms, NULL);
}

void ht_attribute_write_text(struct ht_json_writer *writer, struct ht_slice text)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "S");
    ht_json_write_slice(writer, text);
    ht_json_write_object_end(writer);
}

void ht_attribute_write_number(struct ht_json_writer *writer, struct ht_slice number)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "N");
    ht_json_write_slice(writer, number);
    ht_json_write_object_end(writer);
}

void ht_attribute_write_u64(struct ht_json_writer *writer, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    ht_attribute_write_number(writer, ht_slice_text(text));
}

void ht_attribute_write_i64(struct ht_json_writer *writer, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    ht_attribute_write_number(writer, ht_slice_text(text));
}

void ht_attribute_write_texts(struct ht_json_writer *writer, const struct ht_slice *texts,
                              size_t count)
{
    HT_ASSERT(count > 0);
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "SS");
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        ht_json_write_slice(writer, texts[i]);
    }
    ht_json_write_array_end(writer);
    ht_json_write_object_end(writer);
}
