// SPDX-License-Identifier: MIT
#include "mistakes.h"

#include <stdarg.h>

enum { MAX_BYTES = 256 * 1024, MAX_LINE_BYTES = 2000 };

void ht_mistakes_init(struct ht_mistakes *mistakes)
{
    ht_buffer_init(&mistakes->lines, MAX_BYTES);
    mistakes->count = 0;
}

void ht_mistakes_finish(struct ht_mistakes *mistakes)
{
    ht_buffer_finish(&mistakes->lines);
}

/* Terminals do as controls say, those of two bytes (U+0080 to U+009F) too. */
static void make_plain(char *text, size_t length)
{
    struct ht_slice rest = ht_slice_make(text, length);
    while (rest.length > 0) {
        char *at = text + (rest.data - text);
        size_t bytes = ht_slice_character_bytes(rest);
        unsigned char first = (unsigned char)at[0];
        bool is_control = first < 0x20 || first == 0x7f ||
                          (bytes == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0);
        if (bytes == 0 || is_control) {
            bytes = bytes == 0 ? 1 : bytes;
            memset(at, '?', bytes);
        }
        rest = ht_slice_make(rest.data + bytes, rest.length - bytes);
    }
}

void ht_mistakes_add(struct ht_mistakes *mistakes, const char *place, const char *format, ...)
{
    mistakes->count++;
    if (mistakes->count > HT_MISTAKES_MAX) {
        return;
    }
    char text[MAX_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t start = mistakes->lines.length;
    (void)ht_buffer_append_format(&mistakes->lines, "%s: %s", place, text);
    if (mistakes->lines.length > start) {
        make_plain(mistakes->lines.data + start, mistakes->lines.length - start);
    }
    (void)ht_buffer_append_byte(&mistakes->lines, '\n');
}

void ht_mistakes_print(const struct ht_mistakes *mistakes, FILE *out)
{
    (void)fprintf(out, "hashtagd: %zu mistake%s in the configuration; nothing was started\n",
                  mistakes->count, mistakes->count == 1 ? "" : "s");
    struct ht_slice rest = ht_buffer_slice(&mistakes->lines);
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data) + 1;
        (void)fprintf(out, "  %.*s", (int)length, rest.data);
        rest = ht_slice_make(rest.data + length, rest.length - length);
    }
    if (mistakes->count > HT_MISTAKES_MAX) {
        (void)fprintf(out, "  and %zu more\n", mistakes->count - HT_MISTAKES_MAX);
    }
}
