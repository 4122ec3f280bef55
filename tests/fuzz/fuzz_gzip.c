// SPDX-License-Identifier: MIT

/* gzip: what is packed comes back; a stream says the same however it is cut and however little room
 * there is for its output; and never more comes out than is allowed. Headers and check sums are made here
 * (the fuzzer would not find them), so that the inside of a member is what it works on. */

#include "fuzz.h"

#include "hashtagd/base/gzip.h"

#include <zlib.h>

#define RAW_MAX_BYTES (1u << 20)

static void check_round(struct ht_slice bytes);
static void check_reading(struct ht_slice stream, unsigned seed, uint64_t limit);
static int read_all(struct ht_slice stream, unsigned seed, uint64_t limit, struct ht_buffer *out,
                    bool *is_complete);
static void wrap(struct ht_slice deflated, struct ht_buffer *out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned seed = fuzz_take_byte(&input);
    unsigned choice = fuzz_take_byte(&input);
    uint64_t limit = choice & 2 ? 1 + fuzz_take_byte(&input) * 100u : 0;
    struct ht_buffer stream;

    check_round(fuzz_rest(&input));
    check_reading(fuzz_rest(&input), seed, limit);
    ht_buffer_init(&stream, 4u << 20);
    wrap(fuzz_rest(&input), &stream);
    if (choice & 4) {
        wrap(fuzz_rest(&input), &stream); /* two members */
    }
    check_reading(ht_buffer_slice(&stream), seed, limit);
    ht_buffer_finish(&stream);
    return 0;
}

static void check_round(struct ht_slice bytes)
{
    struct ht_buffer packed, plain;

    ht_buffer_init(&packed, 1u << 20);
    ht_buffer_init(&plain, bytes.length);
    FUZZ_CHECK(ht_gzip_format(bytes, &packed) == 0, "packed");
    FUZZ_CHECK(ht_gzip_parse(ht_buffer_slice(&packed), &plain) == 0, "unpacked");
    FUZZ_CHECK_SAME(ht_buffer_slice(&plain), bytes, "packed and unpacked");
    ht_buffer_finish(&plain);
    if (bytes.length > 0) {
        ht_buffer_init(&plain, bytes.length - 1);
        FUZZ_CHECK(ht_gzip_parse(ht_buffer_slice(&packed), &plain) == HT_ETOOBIG, "too big");
        ht_buffer_finish(&plain);
    }
    ht_buffer_finish(&packed);
}

static void check_reading(struct ht_slice stream, unsigned seed, uint64_t limit)
{
    struct ht_buffer whole, pieces, parsed;
    bool is_complete = false, is_complete_too = false;

    ht_buffer_init(&whole, 64u << 20);
    ht_buffer_init(&pieces, 64u << 20);
    ht_buffer_init(&parsed, limit == 0 ? 64u << 20 : limit);
    int status = read_all(stream, 0, limit, &whole, &is_complete);
    int other = read_all(stream, seed, limit, &pieces, &is_complete_too);
    FUZZ_CHECK(status == other && is_complete == is_complete_too, "status %d, in pieces %d", status,
               other);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in pieces");
    FUZZ_CHECK(limit == 0 || whole.length <= limit, "%zu bytes came out", whole.length);
    int third = ht_gzip_parse(stream, &parsed);
    /* which of two faults is told may differ: parsing asks for a byte more than it has room for */
    FUZZ_CHECK((third == 0) == (status == 0 && is_complete), "%d parsed, %d read", third, status);
    if (third == 0) {
        FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&parsed), "read and parsed");
    }
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
    ht_buffer_finish(&parsed);
}

/* With room for as many bytes as the seed says. */
static int read_all(struct ht_slice stream, unsigned seed, uint64_t limit, struct ht_buffer *out,
                    bool *is_complete)
{
    struct ht_gzip_reader *reader = ht_gzip_reader_create(limit);
    size_t capacity = seed == 0 ? 65536 : 1 + seed % 200;
    char *room = malloc(capacity);
    struct fuzz_cuts cuts;
    struct ht_slice piece;
    int status = 0;

    FUZZ_CHECK(reader != NULL && room != NULL, "memory");
    fuzz_cuts_init(&cuts, stream, seed);
    while (status == 0 && fuzz_cuts_next(&cuts, &piece)) {
        size_t length = capacity;
        while (status == 0 && (piece.length > 0 || length == capacity)) {
            status = ht_gzip_reader_read(reader, &piece, room, capacity, &length);
            FUZZ_CHECK(length <= capacity, "%zu bytes in %zu", length, capacity);
            ht_buffer_append(out, room, length);
        }
    }
    fuzz_cuts_finish(&cuts);
    *is_complete = ht_gzip_reader_is_complete(reader);
    ht_gzip_reader_destroy(reader);
    free(room);
    return status;
}

/* A member around deflated bytes, with the check sum that they have by zlib itself, if they are any. */
static void wrap(struct ht_slice deflated, struct ht_buffer *out)
{
    static unsigned char plain[RAW_MAX_BYTES];
    z_stream zlib = {0};
    char *copy = fuzz_copy(deflated);

    FUZZ_CHECK(inflateInit2(&zlib, -15) == Z_OK, "memory");
    zlib.next_in = (unsigned char *)copy;
    zlib.avail_in = (unsigned)deflated.length;
    zlib.next_out = plain;
    zlib.avail_out = sizeof plain;
    int result = inflate(&zlib, Z_FINISH);
    size_t length = sizeof plain - zlib.avail_out;
    size_t used = deflated.length - zlib.avail_in;
    inflateEnd(&zlib);
    unsigned long sum = crc32(crc32(0, NULL, 0), plain, (unsigned)length);
    ht_buffer_append(out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    ht_buffer_append(out, deflated.data, result == Z_STREAM_END ? used : deflated.length);
    for (int i = 0; i < 8; i++) {
        unsigned long word = i < 4 ? sum : (unsigned long)length;
        ht_buffer_append_byte(out, (char)(word >> 8 * (i % 4)));
    }
    free(copy);
}
