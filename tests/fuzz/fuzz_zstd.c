// SPDX-License-Identifier: MIT

/* zstd, with and without a dictionary: what is packed comes back; of any bytes never more comes out than
 * there is room for, whatever the frame claims; and both ways of unpacking agree. */

#include "fuzz.h"

#include "hashtagd/base/zstd.h"

#define ROOM_BYTES 20000

static void check_round(struct ht_zstd *zstd, struct ht_slice bytes);
static void check_frame(struct ht_zstd *zstd, struct ht_slice frame, size_t capacity);
static char dictionary[] =
    "{\"did\":\"did:plc:abc\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":"
    "\"3l\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\"";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned choice = fuzz_take_byte(&input);
    size_t capacity = fuzz_take_byte(&input) * 64u;
    int level = (int)(choice % 7) - 3;
    struct ht_zstd *zstd =
        choice & 0x80 ? ht_zstd_create_with(level, HT_SLICE(dictionary)) : ht_zstd_create(level);
    char *copy = fuzz_copy(fuzz_rest(&input));
    struct ht_slice bytes = ht_slice_make(copy, input.length);

    FUZZ_CHECK(zstd != NULL, "memory");
    check_round(zstd, bytes);
    check_frame(zstd, bytes, capacity);
    check_round(zstd, bytes); /* a bad frame leaves nothing behind */
    ht_zstd_destroy(zstd);
    free(copy);
    return 0;
}

static void check_round(struct ht_zstd *zstd, struct ht_slice bytes)
{
    size_t bound = ht_zstd_bound(bytes.length), length = 0, plain_length = 0;
    char *packed = malloc(bound), *plain = malloc(bytes.length + 1);

    FUZZ_CHECK(packed != NULL && plain != NULL, "memory");
    FUZZ_CHECK(ht_zstd_pack(zstd, bytes, packed, bound, &length) == 0, "packed");
    char *frame = fuzz_copy(ht_slice_make(packed, length));
    FUZZ_CHECK(ht_zstd_unpack_some(zstd, ht_slice_make(frame, length), plain, bytes.length,
                                   &plain_length) == 0,
               "unpacked");
    FUZZ_CHECK_SAME(ht_slice_make(plain, plain_length), bytes, "packed and unpacked");
    FUZZ_CHECK(ht_zstd_unpack(zstd, ht_slice_make(frame, length), plain, bytes.length) == 0,
               "exact");
    if (bytes.length > 0) {
        char *less = malloc(bytes.length - 1);
        int status = ht_zstd_unpack_some(zstd, ht_slice_make(frame, length), less, bytes.length - 1,
                                         &plain_length);
        FUZZ_CHECK(status == HT_ETOOBIG && plain_length == 0, "status %d", status);
        free(less);
    }
    free(frame);
    free(packed);
    free(plain);
}

static void check_frame(struct ht_zstd *zstd, struct ht_slice frame, size_t capacity)
{
    char *some = malloc(capacity), *exact = malloc(ROOM_BYTES);
    size_t length = SIZE_MAX;

    FUZZ_CHECK((some != NULL || capacity == 0) && exact != NULL, "memory");
    int status = ht_zstd_unpack_some(zstd, frame, some, capacity, &length);
    FUZZ_CHECK(length <= capacity && (status == 0 || length == 0), "%zu bytes, status %d", length,
               status);
    FUZZ_CHECK(status == 0 || status == HT_EPARSE || status == HT_ETOOBIG, "status %d", status);
    if (status == 0) {
        FUZZ_CHECK(ht_zstd_unpack(zstd, frame, exact, length) == 0, "both ways");
        FUZZ_CHECK_SAME(ht_slice_make(some, length), ht_slice_make(exact, length), "both ways");
        FUZZ_CHECK(ht_zstd_unpack(zstd, frame, exact, length + 1) == HT_EPARSE, "another length");
    }
    free(some);
    free(exact);
}
