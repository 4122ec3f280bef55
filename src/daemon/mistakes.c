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
    for (size_t i = start; i < mistakes->lines.length; i++) {
        unsigned char byte = (unsigned char)mistakes->lines.data[i];
        if (byte < 0x20 || byte == 0x7f) {
            mistakes->lines.data[i] = '?';
        }
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
