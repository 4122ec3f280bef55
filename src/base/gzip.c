// SPDX-License-Identifier: MIT
#include "hashtagd/base/gzip.h"

#include "hashtagd/base/assert.h"

#include <zlib.h>

#include <limits.h>
#include <stdlib.h>

enum {
    WINDOW_BITS = 15,
    GZIP_ONLY = 16, /* zlib: added to the window bits, expects or makes the gzip wrapper */
    MEMORY_LEVEL = 8,
    PARSE_STEP_BYTES = 65536,
};

enum reader_place {
    BETWEEN_MEMBERS,
    IN_MEMBER,
    IN_PADDING,
};

struct ht_gzip_reader {
    z_stream zlib;
    enum reader_place place;
    bool has_member;     /* one was read to its end */
    int status;          /* 0 or the error that every further call gives */
    uint64_t room_bytes; /* output that is still allowed */
};

static int write_member(z_stream *zlib, struct ht_slice bytes, struct ht_buffer *out);
static int read_some(struct ht_gzip_reader *reader, struct ht_slice *input);
static int inflate_some(struct ht_gzip_reader *reader, struct ht_slice *input);
static int skip_padding(struct ht_gzip_reader *reader, struct ht_slice *input);
static void set_input(z_stream *zlib, struct ht_slice input);

bool ht_gzip_has_magic(struct ht_slice slice)
{
    return slice.length >= HT_GZIP_MAGIC_BYTES && memcmp(slice.data, "\x1f\x8b", 2) == 0;
}

int ht_gzip_format(struct ht_slice bytes, struct ht_buffer *out)
{
    z_stream zlib = {0};
    if (bytes.length > UINT_MAX) {
        return HT_ETOOBIG;
    }
    if (deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + GZIP_ONLY,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return HT_ENOMEM;
    }
    int status = write_member(&zlib, bytes, out);
    deflateEnd(&zlib);
    return status;
}

static int write_member(z_stream *zlib, struct ht_slice bytes, struct ht_buffer *out)
{
    size_t bound = deflateBound(zlib, (uLong)bytes.length);
    if (bound > UINT_MAX) {
        return HT_ETOOBIG;
    }
    /* The bound is above the truth and may pass the maximum of `out` where the member does not. */
    struct ht_buffer member;
    ht_buffer_init(&member, bound);
    int status = ht_buffer_reserve(&member, bound);
    if (status == 0) {
        set_input(zlib, bytes);
        zlib->next_out = (Bytef *)member.data;
        zlib->avail_out = (uInt)bound;
        int result = deflate(zlib, Z_FINISH);
        HT_ASSERT(result == Z_STREAM_END);
        status = ht_buffer_append(out, member.data, bound - zlib->avail_out);
    }
    ht_buffer_finish(&member);
    return status;
}

int ht_gzip_parse(struct ht_slice slice, struct ht_buffer *out)
{
    struct ht_gzip_reader *reader = ht_gzip_reader_create(out->max_bytes - out->length + 1);
    char *room = malloc(PARSE_STEP_BYTES);
    int status = reader == NULL || room == NULL ? HT_ENOMEM : 0;
    size_t length = PARSE_STEP_BYTES;
    while (status == 0 && (slice.length > 0 || length == PARSE_STEP_BYTES)) {
        status = ht_gzip_reader_read(reader, &slice, room, PARSE_STEP_BYTES, &length);
        if (status == 0) {
            status = ht_buffer_append(out, room, length);
        }
    }
    if (status == 0 && !ht_gzip_reader_is_complete(reader)) {
        status = HT_EPARSE;
    }
    free(room);
    ht_gzip_reader_destroy(reader);
    return status;
}

struct ht_gzip_reader *ht_gzip_reader_create(uint64_t max_output_bytes)
{
    struct ht_gzip_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return NULL;
    }
    if (inflateInit2(&reader->zlib, WINDOW_BITS + GZIP_ONLY) != Z_OK) {
        free(reader);
        return NULL;
    }
    reader->room_bytes = max_output_bytes == 0 ? UINT64_MAX : max_output_bytes;
    return reader;
}

void ht_gzip_reader_destroy(struct ht_gzip_reader *reader)
{
    if (reader != NULL) {
        inflateEnd(&reader->zlib);
        free(reader);
    }
}

int ht_gzip_reader_read(struct ht_gzip_reader *reader, struct ht_slice *input, void *out,
                        size_t capacity, size_t *length)
{
    HT_ASSERT(capacity > 0);
    if (capacity > UINT_MAX) {
        capacity = UINT_MAX;
    }
    reader->zlib.next_out = out;
    reader->zlib.avail_out = (uInt)capacity;
    if (reader->status == 0) {
        reader->status = read_some(reader, input);
    }
    size_t written = capacity - reader->zlib.avail_out;
    if (written > reader->room_bytes) {
        written = (size_t)reader->room_bytes;
        reader->status = HT_ETOOBIG; /* before anything that is wrong behind it */
    }
    *length = written;
    reader->room_bytes -= written;
    return reader->status;
}

bool ht_gzip_reader_is_complete(const struct ht_gzip_reader *reader)
{
    return reader->status == 0 && reader->has_member && reader->place != IN_MEMBER;
}

/* Goes on until the room is full or nothing moves any more. */
static int read_some(struct ht_gzip_reader *reader, struct ht_slice *input)
{
    int status = 0;
    bool moves = true;
    while (status == 0 && moves && reader->zlib.avail_out > 0) {
        size_t input_before = input->length;
        uInt room_before = reader->zlib.avail_out;
        if (reader->place == IN_MEMBER) {
            status = inflate_some(reader, input);
        } else if (input->length > 0) {
            status = skip_padding(reader, input);
        }
        moves = input->length != input_before || reader->zlib.avail_out != room_before ||
                (reader->place == IN_MEMBER && input->length > 0);
    }
    return status;
}

static int inflate_some(struct ht_gzip_reader *reader, struct ht_slice *input)
{
    set_input(&reader->zlib, *input);
    size_t given = reader->zlib.avail_in;
    int result = inflate(&reader->zlib, Z_NO_FLUSH);
    size_t taken = given - reader->zlib.avail_in;
    input->data += taken;
    input->length -= taken;
    switch (result) {
    case Z_STREAM_END:
        reader->place = BETWEEN_MEMBERS;
        reader->has_member = true;
        return 0;
    case Z_OK:
    case Z_BUF_ERROR: /* no input or no room: not an error */
        return 0;
    case Z_MEM_ERROR:
        return HT_ENOMEM;
    default:
        return HT_EPARSE;
    }
}

/* Between members: zero bytes are padding, anything else is the next member. */
static int skip_padding(struct ht_gzip_reader *reader, struct ht_slice *input)
{
    while (reader->has_member && input->length > 0 && input->data[0] == '\0') {
        input->data++;
        input->length--;
        reader->place = IN_PADDING;
    }
    if (input->length == 0) {
        return 0;
    }
    if (reader->place == IN_PADDING) {
        return HT_EPARSE;
    }
    reader->place = IN_MEMBER;
    return inflateReset(&reader->zlib) == Z_OK ? 0 : HT_EPARSE;
}

static void set_input(z_stream *zlib, struct ht_slice input)
{
    /* zlib declares its input as writable unless told otherwise, and never writes to it. */
    zlib->next_in = (Bytef *)(uintptr_t)input.data;
    zlib->avail_in = input.length > UINT_MAX ? UINT_MAX : (uInt)input.length;
}
