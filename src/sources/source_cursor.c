// SPDX-License-Identifier: MIT
#include "source_cursor.h"

#include "hashtagd/base/assert.h"

enum { MAX_NUMBERS = 8, MAX_DIGITS = 20 };

static struct ht_slice next_line(struct ht_slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->length);
    struct ht_slice line =
        ht_slice_make(rest->data, end == NULL ? rest->length : (size_t)(end - rest->data));
    size_t used = line.length + (end == NULL ? 0 : 1);
    *rest = ht_slice_make(rest->data + used, rest->length - used);
    return line;
}

struct ht_slice ht_source_cursor_own(struct ht_slice cursor, const char *name)
{
    struct ht_slice rest = cursor;
    size_t length = strlen(name);
    if (cursor.length == 0 ||
        !ht_slice_equal(next_line(&rest), HT_SLICE(HT_SOURCE_CURSOR_OF_MANY))) {
        return cursor;
    }
    while (rest.length > 0) {
        struct ht_slice line = next_line(&rest);
        if (line.length > length && line.data[length] == ' ' &&
            memcmp(line.data, name, length) == 0) {
            return ht_slice_make(line.data + length + 1, line.length - length - 1);
        }
    }
    return HT_SLICE("");
}

struct ht_slice ht_source_cursor_format(char text[HT_SOURCE_CURSOR_BYTES], const char *type,
                                        const uint64_t *numbers, size_t count)
{
    size_t length = strlen(type);
    HT_ASSERT(count <= MAX_NUMBERS && length + count * (MAX_DIGITS + 1) <= HT_SOURCE_CURSOR_BYTES);
    memcpy(text, type, length);
    for (size_t i = 0; i < count; i++) {
        char digits[MAX_DIGITS];
        size_t at = sizeof(digits);
        uint64_t value = numbers[i];
        do {
            digits[--at] = (char)('0' + value % 10);
            value /= 10;
        } while (value > 0);
        text[length++] = ':';
        memcpy(text + length, digits + at, sizeof(digits) - at);
        length += sizeof(digits) - at;
    }
    return ht_slice_make(text, length);
}

bool ht_source_cursor_parse(struct ht_slice cursor, const char *type, uint64_t *numbers,
                            size_t count)
{
    uint64_t read[MAX_NUMBERS];
    size_t length = strlen(type);
    HT_ASSERT(count <= MAX_NUMBERS);
    if (!ht_slice_starts_with(cursor, ht_slice_make(type, length))) {
        return false;
    }
    const char *at = cursor.data + length, *end = cursor.data + cursor.length;
    for (size_t i = 0; i < count; i++) {
        if (at == end || *at != ':') {
            return false;
        }
        at++;
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *stop = colon == NULL ? end : colon;
        if (ht_slice_to_u64(ht_slice_make(at, (size_t)(stop - at)), UINT64_MAX, &read[i]) != 0) {
            return false;
        }
        at = stop;
    }
    if (at != end) {
        return false;
    }
    memcpy(numbers, read, count * sizeof(*numbers));
    return true;
}
