// SPDX-License-Identifier: MIT
#include "request_judge.h"

#include <strings.h>

/* How the body is framed. */
struct framing {
    unsigned hosts, lengths, codings;
    uint64_t length;
    bool is_chunked, is_version_0;
};

static bool take_line(struct ht_slice *rest, struct ht_slice *line);
static const char *read_request_line(struct ht_slice line, struct request_judged *judged,
                                     struct framing *framing);
static const char *read_field(struct ht_slice line, struct framing *framing);
static const char *note_field(struct ht_slice name, struct ht_slice value, struct framing *framing);
static const char *check_framing(const struct framing *framing);
static const char *take_body(struct ht_slice *rest, const struct framing *framing,
                             struct ht_buffer *body);
static const char *take_chunks(struct ht_slice *rest, struct ht_buffer *body);
static bool read_size(struct ht_slice line, uint64_t *size);
static bool is_token(struct ht_slice text);
static bool is_name(struct ht_slice name, const char *wanted);

void request_judge(struct ht_slice *rest, struct request_judged *judged)
{
    struct framing framing = {0};
    struct ht_slice line;

    ht_buffer_clear(&judged->body);
    judged->is_head_clear = false;
    judged->fault = "the head is not all there";
    do {
        if (!take_line(rest, &line)) {
            return;
        }
    } while (line.length == 0); /* RFC 9112 section 2.2 */
    judged->fault = read_request_line(line, judged, &framing);
    while (judged->fault == NULL) {
        if (!take_line(rest, &line)) {
            judged->fault = "a line of the head does not end with CR LF";
        } else if (line.length == 0) {
            break;
        } else {
            judged->fault = read_field(line, &framing);
        }
    }
    if (judged->fault == NULL) {
        judged->fault = check_framing(&framing);
    }
    judged->is_head_clear = judged->fault == NULL;
    if (judged->is_head_clear) {
        judged->fault = take_body(rest, &framing, &judged->body);
    }
}

/* A line up to CR LF, with neither of them inside. */
static bool take_line(struct ht_slice *rest, struct ht_slice *line)
{
    for (size_t i = 0; i < rest->length; i++) {
        if (rest->data[i] == '\n') {
            return false;
        }
        if (rest->data[i] == '\r') {
            if (i + 1 >= rest->length || rest->data[i + 1] != '\n') {
                return false;
            }
            *line = ht_slice_make(rest->data, i);
            *rest = ht_slice_make(rest->data + i + 2, rest->length - i - 2);
            return true;
        }
    }
    return false;
}

static const char *read_request_line(struct ht_slice line, struct request_judged *judged,
                                     struct framing *framing)
{
    const char *space = memchr(line.data, ' ', line.length);
    if (space == NULL) {
        return "no space in the request line";
    }
    judged->method = ht_slice_make(line.data, (size_t)(space - line.data));
    struct ht_slice rest = ht_slice_make(space + 1, line.length - judged->method.length - 1);
    space = rest.length == 0 ? NULL : memchr(rest.data, ' ', rest.length);
    if (space == NULL) {
        return "no version";
    }
    judged->target = ht_slice_make(rest.data, (size_t)(space - rest.data));
    struct ht_slice version = ht_slice_make(space + 1, rest.length - judged->target.length - 1);
    framing->is_version_0 = ht_slice_equal(version, HT_SLICE("HTTP/1.0"));
    for (size_t i = 0; i < judged->target.length; i++) {
        if (judged->target.data[i] <= ' ' || judged->target.data[i] >= 0x7f) {
            return "a byte in the target";
        }
    }
    if (!is_token(judged->method) || judged->target.length == 0) {
        return "no method or target";
    }
    return framing->is_version_0 || ht_slice_equal(version, HT_SLICE("HTTP/1.1"))
               ? NULL
               : "another version";
}

static const char *read_field(struct ht_slice line, struct framing *framing)
{
    const char *colon = memchr(line.data, ':', line.length);
    if (colon == NULL) {
        return "a header line without a colon";
    }
    struct ht_slice name = ht_slice_make(line.data, (size_t)(colon - line.data));
    struct ht_slice value = ht_slice_make(colon + 1, line.length - name.length - 1);
    if (!is_token(name)) {
        return "a field name that is none, or folding";
    }
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < ' ' && byte != '\t') || byte >= 0x7f) {
            return "a control character in a field";
        }
    }
    return note_field(name, ht_slice_trim(value), framing);
}

static const char *note_field(struct ht_slice name, struct ht_slice value, struct framing *framing)
{
    if (is_name(name, "host")) {
        framing->hosts++;
    } else if (is_name(name, "content-length")) {
        framing->lengths++;
        for (size_t i = 0; i < value.length; i++) {
            unsigned digit = (unsigned)(unsigned char)value.data[i] - '0';
            if (digit > 9 || framing->length > (UINT64_MAX - 9) / 10) {
                return "a length that is no number";
            }
            framing->length = framing->length * 10 + digit;
        }
        return value.length == 0 ? "an empty length" : NULL;
    } else if (is_name(name, "transfer-encoding")) {
        framing->codings++;
        framing->is_chunked = is_name(value, "chunked");
        return framing->is_chunked ? NULL : "a transfer coding other than chunked";
    }
    return NULL;
}

static const char *check_framing(const struct framing *framing)
{
    if (framing->hosts > 1 || (framing->hosts == 0 && !framing->is_version_0)) {
        return "not one Host";
    }
    if (framing->lengths > 1 || framing->codings > 1 ||
        (framing->lengths > 0 && framing->codings > 0)) {
        return "more than one length";
    }
    return framing->codings > 0 && framing->is_version_0 ? "a transfer coding in HTTP/1.0" : NULL;
}

static const char *take_body(struct ht_slice *rest, const struct framing *framing,
                             struct ht_buffer *body)
{
    if (framing->is_chunked) {
        return take_chunks(rest, body);
    }
    size_t length = framing->length < rest->length ? (size_t)framing->length : rest->length;
    ht_buffer_append(body, rest->data, length);
    *rest = ht_slice_make(rest->data + length, rest->length - length);
    return NULL; /* a part: the program never says that it has all of it, which is looked at */
}

static const char *take_chunks(struct ht_slice *rest, struct ht_buffer *body)
{
    struct ht_slice line;
    uint64_t size;

    for (;;) {
        if (!take_line(rest, &line)) {
            return "a chunk's line";
        }
        if (!read_size(line, &size)) {
            return "a chunk's size";
        }
        if (size == 0) {
            break;
        }
        if (size > rest->length || rest->length - size < 2) {
            return "a chunk that is not all there";
        }
        ht_buffer_append(body, rest->data, (size_t)size);
        if (memcmp(rest->data + size, "\r\n", 2) != 0) {
            return "no CR LF behind a chunk";
        }
        *rest = ht_slice_make(rest->data + size + 2, rest->length - (size_t)size - 2);
    }
    struct framing ignored = {0};
    for (;;) {
        if (!take_line(rest, &line)) {
            return "a trailer's line";
        }
        if (line.length == 0) {
            return NULL;
        }
        const char *fault = read_field(line, &ignored); /* framing in a trailer frames nothing */
        if (fault != NULL && ignored.lengths + ignored.codings == 0) {
            return fault;
        }
    }
}

/* Hex digits, then nothing or an extension. */
static bool read_size(struct ht_slice line, uint64_t *size)
{
    size_t at = 0;

    *size = 0;
    for (; at < line.length && line.data[at] != ';'; at++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = line.data[at] == '\0' ? NULL : strchr(digits, line.data[at]);
        if (digit == NULL || *size >> 60 != 0) {
            return false;
        }
        *size = *size << 4 | (uint64_t)(digit - digits) % 16;
    }
    return at > 0;
}

static bool is_token(struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                         (byte >= '0' && byte <= '9');
        if (!is_letter && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL)) {
            return false;
        }
    }
    return text.length > 0;
}

static bool is_name(struct ht_slice name, const char *wanted)
{
    return name.length == strlen(wanted) && strncasecmp(name.data, wanted, name.length) == 0;
}
