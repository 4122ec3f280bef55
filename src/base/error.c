// SPDX-License-Identifier: MIT
#include "hashtagd/base/error.h"

#include "hashtagd/base/slice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A cut in the middle of a UTF-8 sequence would make the text invalid: take the rest of it away. */
static void end_at_character(char *text, size_t capacity)
{
    size_t length = strnlen(text, capacity - 1);
    if (length < capacity - 1) {
        return;
    }
    while (length > 0 && ((unsigned char)text[length - 1] & 0xC0u) == 0x80u) {
        length--;
    }
    if (length > 0 && (unsigned char)text[length - 1] >= 0xC0u) {
        length--;
    }
    text[length] = '\0';
}

/* Texts quote what comes from outside, which may be any bytes. */
static void make_utf8(char *text, size_t capacity)
{
    size_t at = 0;
    end_at_character(text, capacity);
    size_t end = strlen(text);
    while (at < end) {
        size_t length = ht_slice_character_bytes(ht_slice_make(text + at, end - at));
        if (length == 0) {
            text[at] = '?';
        }
        at += length == 0 ? 1 : length;
    }
}

#undef ht_error_set
int ht_error_set(struct ht_error *error, int code, const char *format, ...)
{
    if (error == NULL) {
        return code;
    }
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    make_utf8(error->text, sizeof(error->text));
    return code;
}

int ht_error_prefix(struct ht_error *error, const char *format, ...)
{
    if (error == NULL) {
        return 0;
    }
    char rest[HT_ERROR_TEXT_BYTES];
    memcpy(rest, error->text, sizeof(rest));
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof(error->text)) {
        size_t room = sizeof(error->text) - (size_t)used;
        (void)snprintf(error->text + used, room, ": %.*s", (int)room, rest);
    }
    make_utf8(error->text, sizeof(error->text));
    return error->code;
}

void ht_error_clear(struct ht_error *error)
{
    if (error != NULL) {
        error->code = HT_OK;
        error->text[0] = '\0';
    }
}

const char *ht_error_name(int code)
{
    switch (code) {
    case HT_OK:
        return "HT_OK";
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return #name;
        HT_ERROR_MAP(X)
#undef X
    default:
        return "HT_E?";
    }
}

const char *ht_error_meaning(int code)
{
    switch (code) {
    case HT_OK:
        return "no error";
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        HT_ERROR_MAP(X)
#undef X
    default:
        return "unknown error";
    }
}

int ht_error_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return HT_OK;
    case ENOMEM:
        return HT_ENOMEM;
    case ENOENT:
    case ENOTDIR:
        return HT_ENOTFOUND;
    case EEXIST:
        return HT_EEXIST;
    case ENOSPC:
    case EDQUOT:
        return HT_ENOSPC;
    case EACCES:
    case EPERM:
    case EROFS:
        return HT_EPERMISSION;
    case EAGAIN:
    case EBUSY:
    case EMFILE:
    case ENFILE:
        return HT_EBUSY;
    case ETIMEDOUT:
        return HT_ETIMEDOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return HT_ECONNECTION;
    case EINVAL:
        return HT_EINVAL;
    default:
        return HT_EIO;
    }
}
