// SPDX-License-Identifier: MIT
#include "hashtagd/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void ht_buffer_init(struct ht_buffer *buffer, size_t max_bytes)
{
    *buffer = (struct ht_buffer){.max_bytes = max_bytes};
}

void ht_buffer_finish(struct ht_buffer *buffer)
{
    if (buffer != NULL) {
        free(buffer->data);
        ht_buffer_init(buffer, buffer->max_bytes);
    }
}

void ht_buffer_clear(struct ht_buffer *buffer)
{
    buffer->length = 0;
    buffer->status = 0;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

void ht_buffer_drop_front(struct ht_buffer *buffer, size_t length)
{
    if (length >= buffer->length) {
        length = buffer->length;
    }
    if (length == 0) {
        return;
    }
    buffer->length -= length;
    memmove(buffer->data, buffer->data + length, buffer->length);
    buffer->data[buffer->length] = '\0';
}

static int fail(struct ht_buffer *buffer, int status)
{
    if (buffer->status == 0) {
        buffer->status = status;
    }
    return status;
}

int ht_buffer_reserve(struct ht_buffer *buffer, size_t extra)
{
    if (extra > buffer->max_bytes || buffer->length > buffer->max_bytes - extra) {
        return fail(buffer, HT_ETOOBIG);
    }
    size_t needed = buffer->length + extra + 1;
    if (buffer->data != NULL && needed <= buffer->capacity) {
        return 0;
    }
    size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    if (capacity > buffer->max_bytes && needed <= buffer->max_bytes + 1) {
        capacity = buffer->max_bytes + 1;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return fail(buffer, HT_ENOMEM);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int ht_buffer_append(struct ht_buffer *buffer, const void *data, size_t length)
{
    int status = ht_buffer_reserve(buffer, length);
    if (status != 0) {
        return status;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, data, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return 0;
}

int ht_buffer_append_text(struct ht_buffer *buffer, const char *text)
{
    return ht_buffer_append(buffer, text, strlen(text));
}

int ht_buffer_append_slice(struct ht_buffer *buffer, struct ht_slice slice)
{
    return ht_buffer_append(buffer, slice.data, slice.length);
}

int ht_buffer_append_byte(struct ht_buffer *buffer, char byte)
{
    return ht_buffer_append(buffer, &byte, 1);
}

int ht_buffer_append_u64(struct ht_buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return ht_buffer_append(buffer, digits + at, sizeof(digits) - at);
}

int ht_buffer_append_format(struct ht_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    int status = length < 0 ? fail(buffer, HT_EINVAL) : ht_buffer_reserve(buffer, (size_t)length);
    if (status == 0) {
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    return status;
}

int ht_buffer_status(const struct ht_buffer *buffer)
{
    return buffer->status;
}

struct ht_slice ht_buffer_slice(const struct ht_buffer *buffer)
{
    return (struct ht_slice){buffer->data == NULL ? "" : buffer->data, buffer->length};
}

char *ht_buffer_take(struct ht_buffer *buffer)
{
    if (buffer->data == NULL && ht_buffer_reserve(buffer, 0) != 0) {
        return NULL;
    }
    char *data = buffer->data;
    data[buffer->length] = '\0';
    ht_buffer_init(buffer, buffer->max_bytes);
    return data;
}
