// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/width.h"

#include <stdbool.h>
#include <utf8proc.h>

enum { MAX_COMBINING = 4, JOINER_FIRST = 0x200c, JOINER_LAST = 0x200d, REPLACEMENT = 0xfffd };

/* One character as it is shown. */
struct shown {
    utf8proc_int32_t code;
    size_t bytes;   /* that it takes in the text; at least 1 */
    size_t columns; /* that it takes on the terminal */
};

static bool is_unsafe(utf8proc_int32_t code)
{
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    case UTF8PROC_CATEGORY_CF:
        return code < JOINER_FIRST || code > JOINER_LAST;
    default:
        return false;
    }
}

static struct shown next_shown(struct ht_slice rest)
{
    struct shown shown = {REPLACEMENT, 1, 1};
    utf8proc_int32_t code;
    utf8proc_ssize_t taken =
        utf8proc_iterate((const utf8proc_uint8_t *)rest.data, (utf8proc_ssize_t)rest.length, &code);
    if (taken <= 0) {
        return shown;
    }
    shown.bytes = (size_t)taken;
    if (is_unsafe(code)) {
        return shown;
    }
    shown.code = code;
    int columns = utf8proc_charwidth(code);
    shown.columns = columns < 0 ? 0 : (size_t)columns;
    return shown;
}

static struct ht_slice drop(struct ht_slice text, size_t bytes)
{
    return ht_slice_make(text.data + bytes, text.length - bytes);
}

size_t ht_width_columns(struct ht_slice text)
{
    size_t columns = 0;
    while (text.length > 0) {
        struct shown shown = next_shown(text);
        columns += shown.columns;
        text = drop(text, shown.bytes);
    }
    return columns;
}

static void append_code(struct ht_buffer *out, utf8proc_int32_t code)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(code, bytes);
    (void)ht_buffer_append(out, bytes, (size_t)length);
}

size_t ht_width_append(struct ht_buffer *out, struct ht_slice text, size_t max_columns)
{
    bool is_cut = ht_width_columns(text) > max_columns;
    size_t room = is_cut ? max_columns - 1 : max_columns;
    size_t columns = 0, combining = 0;
    while (text.length > 0) {
        struct shown shown = next_shown(text);
        text = drop(text, shown.bytes);
        if (columns + shown.columns > room) {
            break;
        }
        columns += shown.columns;
        combining = shown.columns > 0 ? 0 : combining + 1;
        if (combining <= MAX_COMBINING) {
            append_code(out, shown.code);
        }
    }
    if (is_cut) {
        (void)ht_buffer_append_text(out, "\xe2\x80\xa6");
        columns++;
    }
    return columns;
}
