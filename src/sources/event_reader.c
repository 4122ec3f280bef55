// SPDX-License-Identifier: MIT
#include "event_reader.h"

#include <stdint.h>

/*
 *   feed: piece --next_end--> (line + part) -> take_line -> comment | field | empty: dispatch
 *                  '--none--> keep: more to `line`
 *
 * The next CR and the next LF are looked for once each, so that a piece with one kind of them
 * is not read again and again for the other.
 */

#define BYTE_ORDER_MARK HT_SLICE("\xEF\xBB\xBF")
#define ROOM_BYTES      16 /* over max_bytes, for the LF that joins */

/* Where the next line ends are in a piece. */
struct ends {
    size_t cr, lf; /* at or behind `at`; the piece's length where there is none */
};

static void find_ends(struct ends *ends, struct ht_slice bytes, size_t at);
static size_t find_byte(struct ht_slice bytes, size_t at, char byte);
static int keep(struct ht_event_reader *reader, struct ht_slice part);
static int take_line(struct ht_event_reader *reader, struct ht_slice part);
static bool is_kept(struct ht_event_reader *reader, struct ht_slice part);
static void refuse_large(struct ht_event_reader *reader, struct ht_slice part);
static struct ht_slice begin_stream(struct ht_event_reader *reader, struct ht_slice line);
static int take_field(struct ht_event_reader *reader, struct ht_slice line);
static int take_data(struct ht_event_reader *reader, struct ht_slice value);
static void dispatch(struct ht_event_reader *reader);
static void begin_event(struct ht_event_reader *reader);

void ht_event_reader_init(struct ht_event_reader *reader,
                          const struct ht_event_reader_events *events, void *user, size_t max_bytes)
{
    *reader = (struct ht_event_reader){.events = events, .user = user, .max_bytes = max_bytes};
    ht_buffer_init(&reader->line, max_bytes + ROOM_BYTES);
    ht_buffer_init(&reader->name, max_bytes + ROOM_BYTES);
    ht_buffer_init(&reader->data, max_bytes + ROOM_BYTES);
}

int ht_event_reader_feed(struct ht_event_reader *reader, struct ht_slice bytes)
{
    size_t at = 0;
    int result = 0;
    struct ends ends = {0};
    if (bytes.length > 0 && reader->is_after_cr) {
        at = bytes.data[0] == '\n' ? 1 : 0;
        reader->is_after_cr = false;
    }
    find_ends(&ends, bytes, at);
    while (at < bytes.length && result == 0) {
        size_t end = ends.cr < ends.lf ? ends.cr : ends.lf;
        struct ht_slice part = {bytes.data + at, end - at};
        if (end == bytes.length) {
            return keep(reader, part);
        }
        result = take_line(reader, part);
        at = end + 1;
        if (bytes.data[end] == '\r') {
            reader->is_after_cr = at == bytes.length;
            at += at < bytes.length && bytes.data[at] == '\n' ? 1 : 0;
        }
        find_ends(&ends, bytes, at);
    }
    return result;
}

static void find_ends(struct ends *ends, struct ht_slice bytes, size_t at)
{
    if (ends->cr < at || at == 0) {
        ends->cr = find_byte(bytes, at, '\r');
    }
    if (ends->lf < at || at == 0) {
        ends->lf = find_byte(bytes, at, '\n');
    }
}

static size_t find_byte(struct ht_slice bytes, size_t at, char byte)
{
    const char *found = at < bytes.length ? memchr(bytes.data + at, byte, bytes.length - at) : NULL;
    return found == NULL ? bytes.length : (size_t)(found - bytes.data);
}

static int keep(struct ht_event_reader *reader, struct ht_slice part)
{
    if (!is_kept(reader, part)) {
        /* one byte tells that the line is not empty, and whether it is a comment */
        part.length = reader->line.length == 0 && part.length > 0 ? 1 : 0;
    }
    return ht_buffer_append_slice(&reader->line, part);
}

/* `part` goes on with the line and ends it. */
static int take_line(struct ht_event_reader *reader, struct ht_slice part)
{
    int result = 0;
    if (is_kept(reader, part)) {
        struct ht_slice line = part;
        if (reader->line.length > 0) {
            result = ht_buffer_append_slice(&reader->line, part);
            line = ht_buffer_slice(&reader->line);
        }
        line = begin_stream(reader, line);
        if (result == 0) {
            result = take_field(reader, line);
        }
    } else if (reader->is_skipping && reader->line.length + part.length == 0) {
        begin_event(reader);
    }
    reader->is_begun = true;
    ht_buffer_clear(&reader->line);
    return result;
}

/* Whether the line is wanted: comments are not, nor what belongs to an event that is too large,
 * which is found out here. */
static bool is_kept(struct ht_event_reader *reader, struct ht_slice part)
{
    size_t length = reader->line.length + part.length;
    if (reader->is_skipping || length == 0) {
        return !reader->is_skipping;
    }
    if ((reader->line.length > 0 ? reader->line.data[0] : part.data[0]) == ':') {
        return false;
    }
    if (reader->name.length + reader->data.length + length > reader->max_bytes) {
        refuse_large(reader, part);
        return false;
    }
    return true;
}

static void refuse_large(struct ht_event_reader *reader, struct ht_slice part)
{
    struct ht_slice begin = ht_buffer_slice(&reader->data);
    if (!reader->has_data) {
        size_t room = reader->max_bytes - reader->name.length - reader->line.length;
        struct ht_slice more = {part.data, part.length < room ? part.length : room};
        begin = more;
        if (reader->line.length > 0) {
            (void)ht_buffer_append_slice(&reader->line, more); /* what fits is told */
            begin = ht_buffer_slice(&reader->line);
        }
    }
    reader->events->on_bad(reader->user, begin, "too_large");
    reader->is_skipping = true;
}

static struct ht_slice begin_stream(struct ht_event_reader *reader, struct ht_slice line)
{
    if (!reader->is_begun && ht_slice_starts_with(line, BYTE_ORDER_MARK)) {
        line.data += BYTE_ORDER_MARK.length;
        line.length -= BYTE_ORDER_MARK.length;
    }
    return line;
}

static int take_field(struct ht_event_reader *reader, struct ht_slice line)
{
    if (line.length == 0) {
        dispatch(reader);
        return 0;
    }
    const char *colon = memchr(line.data, ':', line.length);
    struct ht_slice name = line, value = HT_SLICE("");
    if (colon != NULL) {
        name.length = (size_t)(colon - line.data);
        value = ht_slice_make(colon + 1, line.length - name.length - 1);
    }
    if (value.length > 0 && value.data[0] == ' ') {
        value.data++;
        value.length--;
    }
    if (ht_slice_equal(name, HT_SLICE("data"))) {
        return take_data(reader, value);
    }
    if (ht_slice_equal(name, HT_SLICE("event"))) {
        ht_buffer_clear(&reader->name);
        return ht_buffer_append_slice(&reader->name, value);
    }
    return 0; /* id and retry do not matter here, others are to be ignored; ':' first: a comment */
}

static int take_data(struct ht_event_reader *reader, struct ht_slice value)
{
    int result = reader->has_data ? ht_buffer_append_byte(&reader->data, '\n') : 0;
    reader->has_data = true;
    return result != 0 ? result : ht_buffer_append_slice(&reader->data, value);
}

static void dispatch(struct ht_event_reader *reader)
{
    struct ht_slice name =
        reader->name.length > 0 ? ht_buffer_slice(&reader->name) : HT_SLICE("message");
    if (reader->has_data) {
        reader->events->on_event(reader->user, name, ht_buffer_slice(&reader->data));
    }
    begin_event(reader);
}

static void begin_event(struct ht_event_reader *reader)
{
    ht_buffer_clear(&reader->name);
    ht_buffer_clear(&reader->data);
    reader->has_data = false;
    reader->is_skipping = false;
}

void ht_event_reader_end(struct ht_event_reader *reader)
{
    begin_event(reader);
    ht_buffer_clear(&reader->line);
    reader->is_after_cr = false;
    reader->is_begun = false;
}

void ht_event_reader_finish(struct ht_event_reader *reader)
{
    ht_buffer_finish(&reader->line);
    ht_buffer_finish(&reader->name);
    ht_buffer_finish(&reader->data);
}
