// SPDX-License-Identifier: MIT

/**
 * Folding, of any bytes: total, bounded, valid UTF-8 out, the same when done twice, deaf to the
 * spellings that it takes away ('#' in front, full width, upper case of ASCII, composed or not).
 * Widths: never wider than asked for, nothing in it that drives a terminal.
 */

#include "fuzz_data.h"
#include "hashtagd/tweet/fold.h"
#include "hashtagd/tweet/width.h"

#include <time.h>

static int fold(enum ht_fold_mode mode, struct ht_slice tag, char *room, size_t *length)
{
    char *out = malloc(HT_FOLD_BYTES_MAX);
    *length = 0;
    int status = ht_fold_tag(mode, tag, out, length);
    if (status == 0) {
        FUZZ_CHECK(*length > 0 && *length <= HT_FOLD_BYTES_MAX, "%zu", *length);
        memcpy(room, out, *length);
        FUZZ_CHECK(fuzz_is_utf8(ht_slice_make(room, *length)), "no UTF-8, mode %d", (int)mode);
    }
    free(out);
    return status;
}

static void check_mode(enum ht_fold_mode mode, struct ht_slice tag)
{
    char once[HT_FOLD_BYTES_MAX], twice[HT_FOLD_BYTES_MAX];
    size_t length = 0, again = 0;
    int status = fold(mode, tag, once, &length);
    FUZZ_CHECK(status == 0 || status == HT_EINVAL || status == HT_ETOOBIG || status == HT_EPARSE,
               "%d", status);
    if (status != 0) {
        return;
    }
    struct ht_slice folded = ht_slice_make(once, length);
    FUZZ_CHECK(ht_fold_strip_hash(folded).length == length, "begins with '#'");
    FUZZ_CHECK(fuzz_is_utf8(tag), "made of no UTF-8");
    FUZZ_CHECK(fold(mode, folded, twice, &again) == 0, "folded once only");
    FUZZ_CHECK_SAME(folded, ht_slice_make(twice, again), "folded twice");
}

/* The tag spelled in another way folds to the same. */
static void check_spelling(struct ht_slice tag)
{
    char one[HT_FOLD_BYTES_MAX], other[HT_FOLD_BYTES_MAX];
    size_t length = 0, again = 0;
    struct ht_buffer spelled;
    if (fold(HT_FOLD_CASE, tag, one, &length) != 0) {
        return;
    }
    ht_buffer_init(&spelled, 1u << 20);
    ht_buffer_append_text(&spelled, "#\xef\xbc\x83");
    for (size_t i = 0; i < tag.length; i++) {
        unsigned char byte = (unsigned char)tag.data[i];
        if (byte > 0x20 && byte < 0x7f) {
            /* its full-width form, U+FF01 and on */
            ht_buffer_append_byte(&spelled, (char)0xef);
            ht_buffer_append_byte(&spelled, (char)(byte < 0x60 ? 0xbc : 0xbd));
            ht_buffer_append_byte(&spelled, (char)(byte < 0x60 ? byte + 0x60 : byte + 0x20));
        } else {
            ht_buffer_append_byte(&spelled, (char)byte);
        }
    }
    int status = fold(HT_FOLD_CASE, ht_buffer_slice(&spelled), other, &again);
    if (status != HT_ETOOBIG) {
        FUZZ_CHECK(status == 0, "%d", status);
        FUZZ_CHECK_SAME(ht_slice_make(one, length), ht_slice_make(other, again), "full width");
    }
    ht_buffer_finish(&spelled);
}

static void check_width(struct ht_slice text, size_t columns)
{
    struct ht_buffer out;
    ht_buffer_init(&out, 1u << 20);
    size_t taken = ht_width_append(&out, text, columns);
    struct ht_slice shown = ht_buffer_slice(&out);
    FUZZ_CHECK(taken <= columns, "%zu of %zu", taken, columns);
    FUZZ_CHECK(ht_width_columns(shown) == taken, "%zu, %zu", ht_width_columns(shown), taken);
    FUZZ_CHECK(fuzz_is_utf8(shown), "no UTF-8");
    for (size_t i = 0; i < shown.length; i++) {
        unsigned char byte = (unsigned char)shown.data[i];
        FUZZ_CHECK(byte >= 0x20 && byte != 0x7f, "control %02x", byte);
        FUZZ_CHECK(byte != 0xc2 || (unsigned char)shown.data[i + 1] >= 0xa0, "a C1 control");
    }
    ht_buffer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    size_t columns = 1 + fuzz_take_byte(&input) % 64;
    char *copy = fuzz_copy(fuzz_rest(&input));
    struct ht_slice tag = ht_slice_make(copy, input.length);
    check_mode(HT_FOLD_CASE, tag);
    check_mode(HT_FOLD_NONE, tag);
    check_spelling(tag);
    check_width(tag, columns);
    free(copy);
    return 0;
}
