// SPDX-License-Identifier: MIT
#include "hashtagd/net/url.h"

#include <string.h>

static int decode(struct ht_slice text, bool plus_is_space, struct ht_buffer *out);
static size_t scheme_length(struct ht_slice target);
static struct ht_slice take_authority(struct ht_slice *rest);
static int hex_value(char digit);
static bool is_unreserved(unsigned char byte);
static bool is_target_byte(unsigned char byte);
static struct ht_slice slice_from(struct ht_slice slice, size_t start);

int ht_url_decode(struct ht_slice text, struct ht_buffer *out)
{
    return decode(text, false, out);
}

int ht_url_decode_form(struct ht_slice text, struct ht_buffer *out)
{
    return decode(text, true, out);
}

static int decode(struct ht_slice text, bool plus_is_space, struct ht_buffer *out)
{
    int status = ht_buffer_reserve(out, text.length);

    for (size_t i = 0; status == 0 && i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            if (text.length - i < 3) {
                return HT_EPARSE;
            }
            int high = hex_value(text.data[i + 1]);
            int low = hex_value(text.data[i + 2]);
            if (high < 0 || low < 0) {
                return HT_EPARSE;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        status = ht_buffer_append_byte(out, byte);
    }
    return status;
}

int ht_url_encode(struct ht_slice bytes, struct ht_buffer *out)
{
    static const char digits[] = "0123456789ABCDEF";
    int status = 0;

    for (size_t i = 0; status == 0 && i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (is_unreserved(byte)) {
            status = ht_buffer_append_byte(out, (char)byte);
        } else {
            char triplet[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            status = ht_buffer_append(out, triplet, sizeof triplet);
        }
    }
    return status;
}

int ht_url_split_target(struct ht_slice target, struct ht_url_target *parts)
{
    struct ht_slice rest = target;

    *parts = (struct ht_url_target){0};
    for (size_t i = 0; i < target.length; i++) {
        if (!is_target_byte((unsigned char)target.data[i])) {
            return HT_EPARSE;
        }
    }
    if (ht_slice_equal(target, HT_SLICE("*"))) {
        parts->path = target;
        return 0;
    }
    size_t scheme_bytes = scheme_length(target);
    if (scheme_bytes > 0) {
        rest = slice_from(rest, scheme_bytes);
        parts->authority = take_authority(&rest);
        if (parts->authority.length == 0) {
            return HT_EPARSE;
        }
    } else if (rest.length == 0 || rest.data[0] != '/') {
        return HT_EPARSE;
    }
    const char *mark = rest.length == 0 ? NULL : memchr(rest.data, '?', rest.length);
    if (mark != NULL) {
        size_t at = (size_t)(mark - rest.data);
        parts->query = slice_from(rest, at + 1);
        rest.length = at;
    }
    parts->path = rest.length == 0 ? HT_SLICE("/") : rest;
    return 0;
}

/* The length of "http://" or "https://" where the target begins so, else 0. */
static size_t scheme_length(struct ht_slice target)
{
    static const struct ht_slice schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < 2; i++) {
        size_t length = schemes[i].length;
        if (target.length >= length &&
            ht_slice_equal_ignoring_case(ht_slice_make(target.data, length), schemes[i])) {
            return length;
        }
    }
    return 0;
}

static struct ht_slice take_authority(struct ht_slice *rest)
{
    size_t end = 0;

    while (end < rest->length && rest->data[end] != '/' && rest->data[end] != '?') {
        end++;
    }
    struct ht_slice authority = ht_slice_make(rest->data, end);
    *rest = slice_from(*rest, end);
    return authority;
}

bool ht_url_next_segment(struct ht_slice *rest, struct ht_slice *segment)
{
    if (rest->length == 0 || rest->data[0] != '/') {
        return false;
    }
    size_t end = 1;
    while (end < rest->length && rest->data[end] != '/') {
        end++;
    }
    *segment = ht_slice_make(rest->data + 1, end - 1);
    *rest = slice_from(*rest, end);
    return true;
}

bool ht_url_next_pair(struct ht_slice *rest, struct ht_url_pair *pair)
{
    while (rest->length > 0 && rest->data[0] == '&') {
        *rest = slice_from(*rest, 1);
    }
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->data, '&', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    struct ht_slice whole = ht_slice_make(rest->data, length);
    const char *equals = memchr(whole.data, '=', whole.length);

    pair->name = whole;
    pair->value = ht_slice_make(NULL, 0);
    if (equals != NULL) {
        size_t at = (size_t)(equals - whole.data);
        pair->name.length = at;
        pair->value = slice_from(whole, at + 1);
    }
    *rest = slice_from(*rest, length);
    return true;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static bool is_target_byte(unsigned char byte)
{
    return byte > 0x20 && byte < 0x7f && byte != '#';
}

static struct ht_slice slice_from(struct ht_slice slice, size_t start)
{
    return ht_slice_make(slice.data + start, slice.length - start);
}
