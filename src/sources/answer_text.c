// SPDX-License-Identifier: MIT
#include "answer_text.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/json/json.h"

#define ERRORS_MAX       3 /* of a list of them */
#define SECRET_MIN_BYTES 8 /* shorter parts of a header are words */

static bool read_json(struct ht_slice body, struct ht_buffer *out);
static void read_errors(const struct ht_json *errors, struct ht_buffer *out);
static void read_error(const struct ht_json *error, struct ht_buffer *out);
static void add(struct ht_buffer *out, const char *between, struct ht_slice more);
static void read_text(struct ht_slice body, struct ht_buffer *out);
static size_t skip_tag(struct ht_slice body, size_t at);
static size_t skip_element(struct ht_slice body, size_t at, const char *name);
static size_t read_entity(struct ht_slice body, size_t at, char *byte);
static void hide(char *text, size_t length, struct ht_slice secret);
static void hide_one(char *text, size_t length, struct ht_slice part);
static size_t control_length(struct ht_slice text);
static void put_together(struct ht_slice found, char text[HT_ANSWER_TEXT_BYTES]);

const char *ht_answer_text(struct ht_slice body, struct ht_slice secret,
                           char text[HT_ANSWER_TEXT_BYTES])
{
    struct ht_buffer out;
    ht_buffer_init(&out, HT_ANSWER_BODY_MAX_BYTES);
    if (body.length > HT_ANSWER_BODY_MAX_BYTES) {
        body.length = HT_ANSWER_BODY_MAX_BYTES;
    }
    if (!read_json(body, &out)) {
        read_text(body, &out);
    }
    hide(out.data, out.length, secret);
    put_together(ht_buffer_slice(&out), text);
    ht_buffer_finish(&out);
    return text;
}

/* False where it is no JSON object. */
static bool read_json(struct ht_slice body, struct ht_buffer *out)
{
    struct ht_json *root = body.length > 0 ? ht_json_parse(body, 0, NULL, NULL) : NULL;
    bool is_object = root != NULL && ht_json_type(root) == HT_JSON_OBJECT;
    if (is_object) {
        read_error(root, out);
        read_errors(ht_json_member(root, "errors"), out);
    }
    ht_json_destroy(root);
    return is_object;
}

/* X's list of them, or one text in place of it. */
static void read_errors(const struct ht_json *errors, struct ht_buffer *out)
{
    add(out, "; ", ht_json_text(errors));
    size_t count =
        errors != NULL && ht_json_type(errors) == HT_JSON_ARRAY ? ht_json_count(errors) : 0;
    for (size_t i = 0; i < count && i < ERRORS_MAX; i++) {
        const struct ht_json *error = ht_json_element(errors, i);
        struct ht_slice texts[] = {
            ht_json_text(ht_json_member(error, "message")),
            ht_json_text(ht_json_member(error, "detail")),
            ht_json_text(error),
        };
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            add(out, "; ", texts[k]);
        }
        int64_t code = ht_json_i64(ht_json_member(error, "code"));
        if (code != 0) {
            ht_buffer_append_format(out, " (code %lld)", (long long)code);
        }
    }
}

/* "title: detail (connection_issue)" of X, "error: error_description" of Mastodon and OAuth, "error:
 * message" of Bluesky. */
static void read_error(const struct ht_json *error, struct ht_buffer *out)
{
    static const char *const members[] = {"title", "error", "detail", "error_description",
                                          "message"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct ht_json *value = ht_json_member(error, members[i]);
        add(out, ": ", ht_json_text(value));
        add(out, ": ", ht_json_text(ht_json_member(value, "message")));
    }
    struct ht_slice issue = ht_json_text(ht_json_member(error, "connection_issue"));
    if (issue.length > 0) {
        add(out, " (", issue);
        ht_buffer_append_byte(out, ')');
    }
}

/* Services like to say the same twice. */
static void add(struct ht_buffer *out, const char *between, struct ht_slice more)
{
    if (more.length == 0 ||
        (out->length > 0 && memmem(out->data, out->length, more.data, more.length) != NULL)) {
        return;
    }
    if (out->length > 0) {
        ht_buffer_append_text(out, between);
    }
    ht_buffer_append_slice(out, more);
}

static void read_text(struct ht_slice body, struct ht_buffer *out)
{
    size_t at = 0;
    while (at < body.length) {
        char byte = body.data[at];
        if (byte == '<') {
            at = skip_tag(body, at);
            byte = ' ';
        } else if (byte == '&') {
            at += read_entity(body, at, &byte);
        } else {
            at++;
        }
        ht_buffer_append_byte(out, byte);
    }
}

/* Behind the tag at `at`, and behind what is not shown. A '<' that begins none is a byte. */
static size_t skip_tag(struct ht_slice body, size_t at)
{
    static const char *const hidden[] = {"script", "style", "title"};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        size_t length = strlen(hidden[i]);
        if (body.length - at > length &&
            ht_slice_equal_ignoring_case(ht_slice_make(body.data + at + 1, length),
                                         ht_slice_text(hidden[i]))) {
            return skip_element(body, at, hidden[i]);
        }
    }
    const char *end = memchr(body.data + at, '>', body.length - at);
    return end == NULL ? body.length : (size_t)(end - body.data) + 1;
}

static size_t skip_element(struct ht_slice body, size_t at, const char *name)
{
    size_t length = strlen(name);
    for (at++; at + length + 2 <= body.length; at++) {
        if (body.data[at] == '<' && body.data[at + 1] == '/' &&
            ht_slice_equal_ignoring_case(ht_slice_make(body.data + at + 2, length),
                                         ht_slice_text(name))) {
            const char *end = memchr(body.data + at, '>', body.length - at);
            return end == NULL ? body.length : (size_t)(end - body.data) + 1;
        }
    }
    return body.length;
}

/* How long the entity at `at` is, 1 where it is none. */
static size_t read_entity(struct ht_slice body, size_t at, char *byte)
{
    static const struct {
        struct ht_slice name;
        char byte;
    } entities[] = {{{"&amp;", 5}, '&'},  {{"&lt;", 4}, '<'},   {{"&gt;", 4}, '>'},
                    {{"&quot;", 6}, '"'}, {{"&#39;", 5}, '\''}, {{"&nbsp;", 6}, ' '}};
    struct ht_slice rest = {body.data + at, body.length - at};
    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        if (ht_slice_starts_with(rest, entities[i].name)) {
            *byte = entities[i].byte;
            return entities[i].name.length;
        }
    }
    return 1;
}

void ht_answer_hide(char *text, struct ht_slice secret)
{
    hide(text, strlen(text), secret);
}

/* The secret's parts: "Bearer TOKEN", or the quoted values of OAuth 1.0a. */
static void hide(char *text, size_t length, struct ht_slice secret)
{
    size_t begin = 0;
    for (size_t at = 0; at <= secret.length; at++) {
        if (at < secret.length && strchr(" \",=", secret.data[at]) == NULL) {
            continue;
        }
        if (at - begin >= SECRET_MIN_BYTES) {
            hide_one(text, length, ht_slice_make(secret.data + begin, at - begin));
        }
        begin = at + 1;
    }
}

static void hide_one(char *text, size_t length, struct ht_slice part)
{
    char *at = text;
    while (at != NULL && length > 0) {
        size_t left = length - (size_t)(at - text);
        at = memmem(at, left, part.data, part.length);
        if (at != NULL) {
            memset(at, '*', part.length);
            at += part.length;
        }
    }
}

/* Bytes of the control character at the front, 0 where there is none: U+0080 to U+009F too, which a
 * terminal obeys as it does ESC. */
static size_t control_length(struct ht_slice text)
{
    unsigned char first = (unsigned char)text.data[0];
    unsigned char second = text.length > 1 ? (unsigned char)text.data[1] : 0;
    if (first < ' ' || first == 0x7F) {
        return 1;
    }
    return first == 0xC2 && second >= 0x80 && second < 0xA0 ? 2 : 0;
}

/* One line, cut at the border of a character. */
static void put_together(struct ht_slice found, char text[HT_ANSWER_TEXT_BYTES])
{
    size_t length = 0;
    bool is_blank = false, is_cut = false;
    for (size_t i = 0; i < found.length && !is_cut; i++) {
        unsigned char byte = (unsigned char)found.data[i];
        size_t control = control_length(ht_slice_make(found.data + i, found.length - i));
        if (byte == ' ' || control > 0) {
            is_blank = true;
            i += control > 1 ? control - 1 : 0;
            continue;
        }
        is_cut = length + 5 + (is_blank ? 1 : 0) >= HT_ANSWER_TEXT_BYTES;
        if (!is_cut && is_blank && length > 0) {
            text[length++] = ' ';
        }
        is_blank = false;
        text[length] = (char)byte;
        length += is_cut ? 0 : 1;
    }
    if (is_cut) {
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
            length--;
        }
        memcpy(text + length, "...", 3);
        length += 3;
    }
    text[length] = '\0';
}
