// SPDX-License-Identifier: MIT
#include "hashtagd/json/parts.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_space(struct ht_slice text, size_t at)
{
    while (at < text.length && is_space(text.data[at])) {
        at++;
    }
    return at;
}

/* What stands out in a string, and between strings. */
enum { IN_STRING = 1, IN_CONTAINER = 2 };

static const unsigned char classes[256] = {
    ['"'] = IN_STRING | IN_CONTAINER,
    ['\\'] = IN_STRING,
    ['{'] = IN_CONTAINER,
    ['['] = IN_CONTAINER,
    ['}'] = IN_CONTAINER,
    [']'] = IN_CONTAINER,
};

/* The offset of the next byte of a class; the length where there is none. */
static size_t find_class(struct ht_slice text, size_t at, unsigned char wanted)
{
    while (at < text.length && (classes[(unsigned char)text.data[at]] & wanted) == 0) {
        at++;
    }
    return at;
}

/* The offset behind the string that begins at `at`; 0 where it does not end. */
static size_t skip_string(struct ht_slice text, size_t at)
{
    at = find_class(text, at + 1, IN_STRING);
    while (at < text.length && text.data[at] == '\\') {
        at = find_class(text, at + 2, IN_STRING);
    }
    return at < text.length ? at + 1 : 0;
}

/* The offset behind the object or array that begins at `at`; 0 where it does not end. */
static size_t skip_container(struct ht_slice text, size_t at)
{
    size_t depth = 0;
    while ((at = find_class(text, at, IN_CONTAINER)) < text.length) {
        char byte = text.data[at];
        if (byte == '"') {
            at = skip_string(text, at);
            if (at == 0) {
                return 0;
            }
            continue;
        }
        at++;
        depth += byte == '{' || byte == '[' ? 1 : (size_t)-1;
        if (depth == 0) {
            return at;
        }
    }
    return 0;
}

static size_t skip_word(struct ht_slice text, size_t at)
{
    while (at < text.length && memchr(",:{}[]\"", text.data[at], 7) == NULL &&
           !is_space(text.data[at])) {
        at++;
    }
    return at;
}

/* The offset behind the value that begins at `at`; 0 where there is none. */
static size_t skip_value(struct ht_slice text, size_t at)
{
    if (at >= text.length) {
        return 0;
    }
    if (text.data[at] == '"') {
        return skip_string(text, at);
    }
    if (text.data[at] == '{' || text.data[at] == '[') {
        return skip_container(text, at);
    }
    size_t end = skip_word(text, at);
    return end > at ? end : 0;
}

struct ht_json_parts ht_json_parts(struct ht_slice text)
{
    struct ht_json_parts parts = {.text = text, .at = skip_space(text, 0)};
    char open = parts.at < text.length ? text.data[parts.at] : '\0';
    parts.is_broken = open != '{' && open != '[';
    parts.close = open == '{' ? '}' : ']';
    if (!parts.is_broken) {
        parts.at = skip_space(text, parts.at + 1);
        parts.is_done = parts.at < text.length && text.data[parts.at] == parts.close;
    }
    return parts;
}

/* Takes the key and its colon. */
static bool take_key(struct ht_json_parts *parts, struct ht_slice *key)
{
    struct ht_slice text = parts->text;
    size_t begin = parts->at;
    size_t end = begin < text.length && text.data[begin] == '"' ? skip_string(text, begin) : 0;
    size_t colon = skip_space(text, end);
    if (end == 0 || colon >= text.length || text.data[colon] != ':') {
        return false;
    }
    *key = (struct ht_slice){text.data + begin + 1, end - begin - 2};
    parts->at = skip_space(text, colon + 1);
    return true;
}

/* Goes over the comma to the next part, or to the end. */
static bool take_comma(struct ht_json_parts *parts)
{
    struct ht_slice text = parts->text;
    parts->at = skip_space(text, parts->at);
    char byte = parts->at < text.length ? text.data[parts->at] : '\0';
    parts->is_done = byte == parts->close;
    if (byte == ',') {
        parts->at = skip_space(text, parts->at + 1);
    }
    return byte == ',' || parts->is_done;
}

bool ht_json_parts_next(struct ht_json_parts *parts, struct ht_slice *key, struct ht_slice *value)
{
    struct ht_slice found = {"", 0};
    if (parts->is_broken || parts->is_done) {
        return false;
    }
    if (parts->close == '}' && !take_key(parts, &found)) {
        parts->is_broken = true;
        return false;
    }
    size_t begin = parts->at, end = skip_value(parts->text, begin);
    parts->at = end;
    parts->is_broken = end == 0 || !take_comma(parts);
    if (parts->is_broken) {
        return false;
    }
    if (key != NULL) {
        *key = found;
    }
    *value = (struct ht_slice){parts->text.data + begin, end - begin};
    return true;
}

struct ht_slice ht_json_parts_find(struct ht_slice text, const char *key)
{
    struct ht_slice found = {"", 0}, name, value, wanted = ht_slice_text(key);
    struct ht_json_parts parts = ht_json_parts(text);
    while (ht_json_parts_next(&parts, &name, &value)) {
        if (ht_slice_equal(name, wanted)) {
            found = value;
        }
    }
    return found;
}

struct ht_slice ht_json_parts_plain_text(struct ht_slice value)
{
    if (value.length < 2 || value.data[0] != '"' ||
        memchr(value.data, '\\', value.length) != NULL) {
        return (struct ht_slice){"", 0};
    }
    return (struct ht_slice){value.data + 1, value.length - 2};
}
