// SPDX-License-Identifier: MIT
#include "line_reader.h"

#include <stdint.h>

/*
 * A piece is searched for LF alone. Only where one has no CR before it (rare) is the message
 * looked at: brackets and quotes are followed from where the last such look stopped, so that all
 * looks together read a message once.
 *
 *   feed: [rest] piece --find_end--> take -> give | note_length | on_bad
 *                          '--none--> keep (more to rest, or drop what is too large)
 */

#define NONE            SIZE_MAX
#define ENDS_BYTES      2 /* CR LF */
#define BAD_LENGTHS_MAX 3 /* as twitter's own client, hbc, has it */

static size_t skip_blank(const struct ht_line_reader *reader, struct ht_slice bytes, size_t begin);
static size_t find_end(struct ht_line_reader *reader, struct ht_slice bytes, size_t begin);
static bool is_end(struct ht_line_reader *reader, struct ht_slice part);
static void look(struct ht_line_reader *reader, struct ht_slice part);
static void look_at(struct ht_line_reader *reader, struct ht_slice bytes);
static int keep(struct ht_line_reader *reader, struct ht_slice part);
static int drop_large(struct ht_line_reader *reader, struct ht_slice part);
static int refuse_large(struct ht_line_reader *reader, struct ht_slice part);
static int take(struct ht_line_reader *reader, struct ht_slice part);
static int complete(struct ht_line_reader *reader, struct ht_slice part, struct ht_slice *line);
static void give(struct ht_line_reader *reader, struct ht_slice line, bool has_length);
static void note_length(struct ht_line_reader *reader, struct ht_slice line);
static void begin_message(struct ht_line_reader *reader);
static bool is_too_large(const struct ht_line_reader *reader, size_t length, char last);
static bool is_blank(char byte);
static bool is_container(char byte);
static struct ht_slice trimmed(struct ht_slice line);
static bool is_number(struct ht_slice line);

void ht_line_reader_init(struct ht_line_reader *reader, const struct ht_line_reader_events *events,
                         void *user, enum ht_line_framing framing, size_t max_bytes)
{
    *reader = (struct ht_line_reader){
        .events = events, .user = user, .framing = framing, .max_bytes = max_bytes};
    ht_buffer_init(&reader->rest, max_bytes + ENDS_BYTES);
    ht_buffer_init(&reader->given, max_bytes + ENDS_BYTES);
}

int ht_line_reader_feed(struct ht_line_reader *reader, struct ht_slice bytes)
{
    size_t begin = 0;
    int result = 0;
    while (begin < bytes.length && result == 0) {
        begin = skip_blank(reader, bytes, begin);
        size_t end = find_end(reader, bytes, begin);
        if (end == NONE) {
            return keep(reader, ht_slice_make(bytes.data + begin, bytes.length - begin));
        }
        result = take(reader, ht_slice_make(bytes.data + begin, end - begin));
        begin = end;
    }
    return result;
}

/* Keep-alives, and what is left of the end of the last message. */
static size_t skip_blank(const struct ht_line_reader *reader, struct ht_slice bytes, size_t begin)
{
    if (reader->rest.length > 0) {
        return begin;
    }
    while (begin < bytes.length && (bytes.data[begin] == '\r' || bytes.data[begin] == '\n')) {
        begin++;
    }
    return begin;
}

/* Behind the LF that ends the message; its length, where one was told, says before which byte none
 * is looked for. */
static size_t find_end(struct ht_line_reader *reader, struct ht_slice bytes, size_t begin)
{
    size_t at = begin;
    if (reader->wanted > reader->rest.length + 1) {
        size_t inside = reader->wanted - reader->rest.length - 1;
        if (inside >= bytes.length - begin) {
            return NONE;
        }
        at += inside;
    }
    while (at < bytes.length) {
        const char *lf = memchr(bytes.data + at, '\n', bytes.length - at);
        if (lf == NULL) {
            return NONE;
        }
        at = (size_t)(lf - bytes.data) + 1;
        if (reader->wanted > 0 ||
            is_end(reader, ht_slice_make(bytes.data + begin, at - 1 - begin))) {
            return at;
        }
    }
    return NONE;
}

/* Whether the LF behind `part`, which stands behind `rest`, ends a message. */
static bool is_end(struct ht_line_reader *reader, struct ht_slice part)
{
    const struct ht_buffer *rest = &reader->rest;
    char last = part.length > 0    ? part.data[part.length - 1]
                : rest->length > 0 ? rest->data[rest->length - 1]
                                   : '\r';
    if (last == '\r') {
        return true;
    }
    look(reader, part);
    return !is_container(reader->first) || (reader->depth == 0 && !reader->in_string);
}

/* Follows the brackets up to the end of `part`, which stands behind `rest`. */
static void look(struct ht_line_reader *reader, struct ht_slice part)
{
    const struct ht_buffer *rest = &reader->rest;
    if (reader->looked < rest->length) {
        look_at(reader, ht_slice_make(rest->data + reader->looked, rest->length - reader->looked));
        reader->looked = rest->length;
    }
    size_t known = reader->looked - rest->length;
    look_at(reader, ht_slice_make(part.data + known, part.length - known));
    reader->looked = rest->length + part.length;
}

static void look_at(struct ht_line_reader *reader, struct ht_slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        char byte = bytes.data[i];
        if (!reader->has_first && !is_blank(byte)) {
            reader->has_first = true;
            reader->first = byte;
        }
        if (reader->in_escape) {
            reader->in_escape = false;
        } else if (reader->in_string) {
            reader->in_escape = byte == '\\';
            reader->in_string = byte != '"';
        } else if (byte == '"') {
            reader->in_string = true;
        } else if (is_container(byte)) {
            reader->depth++;
        } else if ((byte == '}' || byte == ']') && reader->depth > 0) {
            reader->depth--;
        }
    }
}

static int keep(struct ht_line_reader *reader, struct ht_slice part)
{
    if (part.length == 0) {
        return 0;
    }
    char last = part.data[part.length - 1];
    if (!reader->is_skipping && is_too_large(reader, reader->rest.length + part.length, last)) {
        int result = refuse_large(reader, part);
        if (result != 0) {
            return result;
        }
        reader->is_skipping = true;
        reader->wanted = reader->wanted > 0 ? 1 : 0; /* its length is behind us */
    }
    return reader->is_skipping ? drop_large(reader, part)
                               : ht_buffer_append_slice(&reader->rest, part);
}

/* Of a message that is too large only the last byte is kept, for a CR. */
static int drop_large(struct ht_line_reader *reader, struct ht_slice part)
{
    look(reader, part);
    ht_buffer_clear(&reader->rest);
    reader->looked = 1;
    return ht_buffer_append_byte(&reader->rest, part.data[part.length - 1]);
}

static int refuse_large(struct ht_line_reader *reader, struct ht_slice part)
{
    struct ht_slice begin = {part.data, part.length};
    if (reader->rest.length > 0) {
        size_t whole = reader->rest.length;
        size_t room = reader->max_bytes > whole ? reader->max_bytes - whole : 0;
        size_t more = room < part.length ? room : part.length;
        int result = ht_buffer_append(&reader->rest, part.data, more);
        if (result != 0) {
            return result;
        }
        begin = ht_buffer_slice(&reader->rest);
        reader->rest.length = whole; /* `part` is still to be looked at */
    }
    begin.length = begin.length < reader->max_bytes ? begin.length : reader->max_bytes;
    reader->events->on_bad(reader->user, begin, "too_large");
    return 0;
}

/* A message with its LF. */
static int take(struct ht_line_reader *reader, struct ht_slice part)
{
    int result = 0;
    struct ht_slice line;
    size_t length = reader->rest.length + part.length - 1;
    char last = part.length > 1           ? part.data[part.length - 2]
                : reader->rest.length > 0 ? reader->rest.data[reader->rest.length - 1]
                                          : '\n';
    bool has_length = reader->wanted > 0;
    reader->wanted = 0;
    if (!reader->is_skipping && is_too_large(reader, length, last)) {
        result = refuse_large(reader, part);
    } else if (!reader->is_skipping) {
        result = complete(reader, part, &line);
        if (result == 0) {
            give(reader, trimmed(line), has_length);
        }
    }
    begin_message(reader);
    return result;
}

/* Where a part of the message came before, all of it goes to where it lives on until the next
 * feed: that happens at most once a feed, with its first message. */
static int complete(struct ht_line_reader *reader, struct ht_slice part, struct ht_slice *line)
{
    *line = part;
    if (reader->rest.length == 0) {
        return 0;
    }
    int result = ht_buffer_append_slice(&reader->rest, ht_slice_make(part.data, part.length - 1));
    struct ht_buffer whole = reader->rest;
    reader->rest = reader->given;
    reader->given = whole;
    *line = ht_buffer_slice(&reader->given);
    return result;
}

static void give(struct ht_line_reader *reader, struct ht_slice line, bool has_length)
{
    if (line.length == 0) {
        return;
    }
    if (reader->framing == HT_LINE_FRAMING_DELIMITED && !has_length &&
        !is_container(line.data[0])) {
        note_length(reader, line);
        return;
    }
    reader->bad_lengths = 0;
    reader->events->on_line(reader->user, line);
}

/* A length that counts no more than an end is that of a keep-alive. One over the maximum is not
 * believed: what comes is read as a line, so that a wrong number cannot swallow the stream. */
static void note_length(struct ht_line_reader *reader, struct ht_slice line)
{
    uint64_t length;
    if (ht_slice_to_u64(line, SIZE_MAX / 2, &length) == 0) {
        bool is_believed = length > ENDS_BYTES && length - ENDS_BYTES <= reader->max_bytes;
        reader->wanted = is_believed ? (size_t)length : 0;
    } else if (++reader->bad_lengths == BAD_LENGTHS_MAX) {
        reader->bad_lengths = 0;
        reader->events->on_bad(reader->user, line, "bad_length");
    }
}

void ht_line_reader_end(struct ht_line_reader *reader)
{
    struct ht_slice left = trimmed(ht_buffer_slice(&reader->rest));
    bool is_length =
        reader->framing == HT_LINE_FRAMING_DELIMITED && reader->wanted == 0 && is_number(left);
    if (left.length > 0 && !reader->is_skipping && !is_length) {
        reader->events->on_bad(reader->user, left, "cut_off");
    }
    begin_message(reader);
    reader->wanted = 0;
    reader->bad_lengths = 0;
}

void ht_line_reader_finish(struct ht_line_reader *reader)
{
    ht_buffer_finish(&reader->rest);
    ht_buffer_finish(&reader->given);
}

static void begin_message(struct ht_line_reader *reader)
{
    ht_buffer_clear(&reader->rest);
    reader->is_skipping = false;
    reader->looked = 0;
    reader->depth = 0;
    reader->has_first = false;
    reader->first = '\0';
    reader->in_string = false;
    reader->in_escape = false;
}

/* A CR at the end may belong to the end. */
static bool is_too_large(const struct ht_line_reader *reader, size_t length, char last)
{
    return length - (last == '\r' ? 1 : 0) > reader->max_bytes;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool is_container(char byte)
{
    return byte == '{' || byte == '[';
}

static struct ht_slice trimmed(struct ht_slice line)
{
    while (line.length > 0 && is_blank(line.data[0])) {
        line.data++;
        line.length--;
    }
    while (line.length > 0 && is_blank(line.data[line.length - 1])) {
        line.length--;
    }
    return line;
}

static bool is_number(struct ht_slice line)
{
    uint64_t number;
    return ht_slice_to_u64(line, UINT64_MAX, &number) == 0;
}
