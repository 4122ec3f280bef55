// SPDX-License-Identifier: MIT
#include "json_extents.h"

enum state {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_CLOSE, /* behind '[' */
    EXPECT_KEY,            /* behind ',' in an object */
    EXPECT_KEY_OR_CLOSE,   /* behind '{' */
    EXPECT_COLON,
    EXPECT_COMMA_OR_CLOSE,
    IN_STRING,
    IN_ESCAPE,
    IN_SCALAR, /* a number, true, false or null */
};

/* No event: go on. */
#define NOTHING (-1)

static int step(struct ht_json_extents *extents, const char *data, size_t length);
static int begin_value(struct ht_json_extents *extents, char c);
static int begin_key(struct ht_json_extents *extents, char c);
static int after_value(struct ht_json_extents *extents, char c);
static int close_bracket(struct ht_json_extents *extents, char c);
static int in_string(struct ht_json_extents *extents, const char *data, size_t length);
static int end_string(struct ht_json_extents *extents);
static int in_scalar(struct ht_json_extents *extents, const char *data, size_t length);
static int end_value(struct ht_json_extents *extents);
static bool is_scalar_byte(char c);

void ht_json_extents_init(struct ht_json_extents *extents, size_t at, uint64_t line, unsigned watch)
{
    *extents = (struct ht_json_extents){.at = at, .line = line, .watch = watch};
}

enum ht_json_extents_event ht_json_extents_next(struct ht_json_extents *extents, const char *data,
                                                size_t length)
{
    while (extents->at < length) {
        int event = step(extents, data, length);
        if (event != NOTHING) {
            return (enum ht_json_extents_event)event;
        }
    }
    return HT_JSON_EXTENTS_MORE;
}

void ht_json_extents_skip_to(struct ht_json_extents *extents, size_t at, uint64_t line,
                             unsigned depth)
{
    extents->at = at;
    extents->line = line;
    extents->depth = depth;
    extents->state = EXPECT_COMMA_OR_CLOSE;
    extents->reported = false;
}

void ht_json_extents_expect_value(struct ht_json_extents *extents)
{
    extents->state = EXPECT_VALUE;
    extents->reported = false;
}

static int step(struct ht_json_extents *extents, const char *data, size_t length)
{
    char c = data[extents->at];
    if (extents->state == IN_STRING) {
        return in_string(extents, data, length);
    }
    if (extents->state == IN_SCALAR) {
        return in_scalar(extents, data, length);
    }
    if (extents->state == IN_ESCAPE) {
        /* An escaped line end is none: the line is cut off. */
        if ((unsigned char)c < 0x20) {
            return HT_JSON_EXTENTS_BROKEN;
        }
        extents->at++;
        extents->state = IN_STRING;
        return NOTHING;
    }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        extents->at++;
        if (c == '\n') {
            extents->line++;
            extents->line_begin = extents->at;
            extents->is_line_blank = true;
        }
        return NOTHING;
    }
    switch ((enum state)extents->state) {
    case EXPECT_VALUE_OR_CLOSE:
        return c == ']' ? close_bracket(extents, c) : begin_value(extents, c);
    case EXPECT_VALUE:
        return begin_value(extents, c);
    case EXPECT_KEY_OR_CLOSE:
        return c == '}' ? close_bracket(extents, c) : begin_key(extents, c);
    case EXPECT_KEY:
        return begin_key(extents, c);
    case EXPECT_COLON:
        if (c != ':') {
            return HT_JSON_EXTENTS_BROKEN;
        }
        extents->is_line_blank = false;
        extents->at++;
        extents->state = EXPECT_VALUE;
        return NOTHING;
    case EXPECT_COMMA_OR_CLOSE:
    case IN_STRING:
    case IN_ESCAPE:
    case IN_SCALAR:
        break;
    }
    return after_value(extents, c);
}

/* The event comes before the value is entered, so that its owner can change what it watches. */
static int begin_value(struct ht_json_extents *extents, char c)
{
    bool is_container = c == '{' || c == '[';
    if (!is_container && c != '"' && !is_scalar_byte(c)) {
        return HT_JSON_EXTENTS_BROKEN;
    }
    if (extents->depth <= extents->watch && !extents->reported) {
        extents->reported = true;
        extents->first = c;
        extents->begins_line = extents->is_line_blank;
        extents->column = extents->at - extents->line_begin;
        return HT_JSON_EXTENTS_VALUE;
    }
    extents->reported = false;
    extents->is_line_blank = false;
    if (is_container) {
        if (extents->depth == HT_JSON_EXTENTS_DEPTH) {
            return HT_JSON_EXTENTS_DEEP;
        }
        extents->depth++;
        extents->objects[extents->depth] = c == '{';
        extents->state = c == '{' ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
        extents->at++;
        return NOTHING;
    }
    extents->is_key = false;
    extents->state = c == '"' ? IN_STRING : IN_SCALAR;
    extents->at++;
    return NOTHING;
}

static int begin_key(struct ht_json_extents *extents, char c)
{
    if (c != '"') {
        return HT_JSON_EXTENTS_BROKEN;
    }
    extents->is_line_blank = false;
    extents->at++;
    extents->key = extents->at;
    extents->is_key = true;
    extents->state = IN_STRING;
    return NOTHING;
}

static int after_value(struct ht_json_extents *extents, char c)
{
    if (c == ']' || c == '}') {
        return close_bracket(extents, c);
    }
    if (c != ',') {
        return HT_JSON_EXTENTS_BROKEN;
    }
    extents->is_line_blank = false;
    extents->at++;
    extents->state = extents->objects[extents->depth] ? EXPECT_KEY : EXPECT_VALUE;
    return NOTHING;
}

static int close_bracket(struct ht_json_extents *extents, char c)
{
    if (extents->depth == 0 || extents->objects[extents->depth] != (c == '}')) {
        return HT_JSON_EXTENTS_BROKEN;
    }
    extents->is_line_blank = false;
    extents->depth--;
    extents->at++;
    return end_value(extents);
}

static int in_string(struct ht_json_extents *extents, const char *data, size_t length)
{
    size_t at = extents->at;
    while (at < length && data[at] != '"' && data[at] != '\\' && (unsigned char)data[at] >= 0x20) {
        at++;
    }
    extents->at = at;
    if (at == length) {
        return NOTHING;
    }
    if (data[at] == '"') {
        return end_string(extents);
    }
    if (data[at] != '\\') {
        return HT_JSON_EXTENTS_BROKEN;
    }
    extents->at++;
    extents->state = IN_ESCAPE;
    return NOTHING;
}

static int end_string(struct ht_json_extents *extents)
{
    extents->at++;
    if (!extents->is_key) {
        return end_value(extents);
    }
    extents->key_end = extents->at - 1;
    extents->state = EXPECT_COLON;
    return extents->depth == extents->watch ? HT_JSON_EXTENTS_KEY : NOTHING;
}

static int in_scalar(struct ht_json_extents *extents, const char *data, size_t length)
{
    while (extents->at < length && is_scalar_byte(data[extents->at])) {
        extents->at++;
    }
    return extents->at == length ? NOTHING : end_value(extents);
}

static int end_value(struct ht_json_extents *extents)
{
    extents->state = EXPECT_COMMA_OR_CLOSE;
    return extents->depth <= extents->watch ? HT_JSON_EXTENTS_END : NOTHING;
}

static bool is_scalar_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}
