// SPDX-License-Identifier: MIT
#include "hashtagd/json/writer.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void begin_value(struct ht_json_writer *writer);
static void begin_container(struct ht_json_writer *writer, char bracket, bool is_object);
static void end_container(struct ht_json_writer *writer, char bracket, bool is_object);
static size_t plain_run(const unsigned char *data, size_t length);
static size_t append_escaped(struct ht_buffer *buffer, const unsigned char *data, size_t length);
static size_t utf8_sequence(const unsigned char *data, size_t length, bool *valid);

void ht_json_writer_init(struct ht_json_writer *writer, struct ht_buffer *buffer)
{
    *writer = (struct ht_json_writer){.buffer = buffer};
}

int ht_json_writer_status(const struct ht_json_writer *writer)
{
    return ht_buffer_status(writer->buffer);
}

void ht_json_write_object_begin(struct ht_json_writer *writer)
{
    begin_container(writer, '{', true);
}

void ht_json_write_object_end(struct ht_json_writer *writer)
{
    end_container(writer, '}', true);
}

void ht_json_write_array_begin(struct ht_json_writer *writer)
{
    begin_container(writer, '[', false);
}

void ht_json_write_array_end(struct ht_json_writer *writer)
{
    end_container(writer, ']', false);
}

static void begin_container(struct ht_json_writer *writer, char bracket, bool is_object)
{
    begin_value(writer);
    HT_ASSERT(writer->depth < HT_JSON_WRITER_DEPTH_MAX);
    uint64_t bit = 1ull << ++writer->depth;
    writer->has_items &= ~bit;
    writer->is_object = is_object ? writer->is_object | bit : writer->is_object & ~bit;
    ht_buffer_append_byte(writer->buffer, bracket);
}

static void end_container(struct ht_json_writer *writer, char bracket, bool is_object)
{
    HT_ASSERT(writer->depth > 0 && !writer->after_key);
    HT_ASSERT((writer->is_object >> writer->depth & 1) == (is_object ? 1u : 0u));
    writer->depth--;
    ht_buffer_append_byte(writer->buffer, bracket);
}

/* The comma before an item, and the book-keeping that the item is there. */
static void begin_item(struct ht_json_writer *writer)
{
    uint64_t bit = 1ull << writer->depth;
    if (writer->has_items & bit) {
        HT_ASSERT(writer->depth > 0);
        ht_buffer_append_byte(writer->buffer, ',');
    }
    writer->has_items |= bit;
}

static void begin_value(struct ht_json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    HT_ASSERT(writer->depth == 0 || (writer->is_object >> writer->depth & 1) == 0);
    begin_item(writer);
}

void ht_json_write_key(struct ht_json_writer *writer, const char *key)
{
    ht_json_write_key_slice(writer, ht_slice_text(key));
}

void ht_json_write_key_slice(struct ht_json_writer *writer, struct ht_slice key)
{
    HT_ASSERT(writer->depth > 0 && !writer->after_key);
    HT_ASSERT((writer->is_object >> writer->depth & 1) != 0);
    begin_item(writer);
    ht_json_append_string(writer->buffer, key);
    ht_buffer_append_byte(writer->buffer, ':');
    writer->after_key = true;
}

void ht_json_write_slice(struct ht_json_writer *writer, struct ht_slice text)
{
    begin_value(writer);
    ht_json_append_string(writer->buffer, text);
}

void ht_json_write_text(struct ht_json_writer *writer, const char *text)
{
    if (text == NULL) {
        ht_json_write_null(writer);
        return;
    }
    ht_json_write_slice(writer, ht_slice_text(text));
}

void ht_json_write_i64(struct ht_json_writer *writer, int64_t value)
{
    begin_value(writer);
    if (value < 0) {
        ht_buffer_append_byte(writer->buffer, '-');
    }
    /* the negation of the smallest number only exists without sign */
    ht_buffer_append_u64(writer->buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void ht_json_write_u64(struct ht_json_writer *writer, uint64_t value)
{
    begin_value(writer);
    ht_buffer_append_u64(writer->buffer, value);
}

void ht_json_write_real(struct ht_json_writer *writer, double value)
{
    if (!isfinite(value)) {
        ht_json_write_null(writer);
        return;
    }
    begin_value(writer);
    char text[32];
    if (value == floor(value) && fabs(value) < 1e15) { /* 200, not 2e+02 */
        snprintf(text, sizeof(text), "%.0f", value);
        ht_buffer_append_text(writer->buffer, text);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    ht_buffer_append_text(writer->buffer, text);
}

void ht_json_write_bool(struct ht_json_writer *writer, bool value)
{
    ht_json_write_raw(writer, value ? HT_SLICE("true") : HT_SLICE("false"));
}

void ht_json_write_null(struct ht_json_writer *writer)
{
    ht_json_write_raw(writer, HT_SLICE("null"));
}

void ht_json_write_raw(struct ht_json_writer *writer, struct ht_slice json)
{
    begin_value(writer);
    ht_buffer_append_slice(writer->buffer, json);
}

void ht_json_append_string(struct ht_buffer *buffer, struct ht_slice text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t left = text.length;
    ht_buffer_append_byte(buffer, '"');
    while (left > 0 && ht_buffer_status(buffer) == 0) {
        size_t length = plain_run(data, left);
        ht_buffer_append(buffer, data, length);
        data += length;
        left -= length;
        if (left > 0) {
            length = append_escaped(buffer, data, left);
            data += length;
            left -= length;
        }
    }
    ht_buffer_append_byte(buffer, '"');
}

static bool is_line_separator(const unsigned char *data)
{
    return data[0] == 0xe2 && data[1] == 0x80 && (data[2] & 0xfe) == 0xa8;
}

/* How many bytes from `data` on need no care. */
static size_t plain_run(const unsigned char *data, size_t length)
{
    size_t i = 0;
    while (i < length) {
        unsigned char byte = data[i];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
            break;
        }
        if (byte < 0x80) {
            i++;
            continue;
        }
        bool valid = false;
        size_t step = utf8_sequence(data + i, length - i, &valid);
        if (!valid || (step == 3 && is_line_separator(data + i))) {
            break;
        }
        i += step;
    }
    return i;
}

/* Appends what stands for the character at `data`; returns how many bytes it took. */
static size_t append_escaped(struct ht_buffer *buffer, const unsigned char *data, size_t length)
{
    static const char short_forms[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof(short_forms); i += 2) {
        if ((unsigned char)short_forms[i] == data[0]) {
            char pair[2] = {'\\', short_forms[i + 1]};
            ht_buffer_append(buffer, pair, sizeof(pair));
            return 1;
        }
    }
    if (data[0] < 0x80) {
        ht_buffer_append_format(buffer, "\\u%04x", data[0]);
        return 1;
    }
    bool valid = false;
    size_t step = utf8_sequence(data, length, &valid);
    if (valid) {
        ht_buffer_append_text(buffer, data[2] == 0xa8 ? "\\u2028" : "\\u2029");
    } else {
        ht_buffer_append_text(buffer, "\xef\xbf\xbd");
    }
    return step;
}

/*
 * The length of the sequence at `data`, whose first byte is not ASCII. Where it is broken, of its
 * longest right beginning, at least 1 (Unicode 15, section 3.9, "Substitution of maximal
 * subparts").
 */
static size_t utf8_sequence(const unsigned char *data, size_t length, bool *valid)
{
    unsigned char first = data[0];
    *valid = false;
    if (first < 0xc2 || first > 0xf4) {
        return 1;
    }
    size_t wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t i = 1;
    while (i < wanted && i < length && data[i] >= low && data[i] <= high) {
        low = 0x80;
        high = 0xbf;
        i++;
    }
    *valid = i == wanted;
    return i;
}
