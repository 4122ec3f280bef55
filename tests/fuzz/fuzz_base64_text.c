// SPDX-License-Identifier: MIT

/**
 * Base64 against a reading of RFC 4648 character by character, at every alignment, in place and into
 * other memory: the same texts are accepted, they stand for the same bytes, and what is accepted
 * comes back the same.
 */

#include "fuzz_data.h"
#include "hashtagd/json/base64.h"

static int value_of(char character)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = character == '\0' ? NULL : strchr(alphabet, character);
    return at == NULL ? -1 : (int)(at - alphabet);
}

/* Bits into bytes, one character at a time; false where it is not strict. */
static bool judge(struct ht_slice text, struct ht_buffer *out)
{
    size_t pads = 0;
    if (text.length % 4 != 0) {
        return false;
    }
    while (pads < 2 && pads < text.length && text.data[text.length - 1 - pads] == '=') {
        pads++;
    }
    unsigned bits = 0;
    uint32_t value = 0;
    for (size_t i = 0; i < text.length - pads; i++) {
        int sextet = value_of(text.data[i]);
        if (sextet < 0) {
            return false;
        }
        value = (value << 6 | (uint32_t)sextet) & 0xfff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ht_buffer_append_byte(out, (char)(value >> bits & 0xff));
        }
    }
    return (value & ((1u << bits) - 1)) == 0;
}

static void check_decoding(struct ht_slice text, size_t shift)
{
    struct ht_buffer expected, again;
    ht_buffer_init(&expected, 1u << 22);
    ht_buffer_init(&again, 1u << 22);
    bool is_valid = judge(text, &expected);
    size_t room = ht_base64_decoded_max(text.length), length = 0, in_place = 0;
    char *out = malloc(room + shift + 1), *same = malloc(text.length + shift + 1);
    if (text.length > 0) {
        memcpy(same + shift, text.data, text.length);
    }
    int status = ht_base64_decode(text, out + shift, &length);
    int other = ht_base64_decode(ht_slice_make(same + shift, text.length), same + shift, &in_place);
    FUZZ_CHECK((status == 0) == is_valid && status == other, "%d, %d: %.*s", status, other,
               FUZZ_TEXT(text));
    if (is_valid) {
        FUZZ_CHECK_SAME(ht_slice_make(out + shift, length), ht_buffer_slice(&expected), "bytes");
        FUZZ_CHECK_SAME(ht_slice_make(same + shift, in_place), ht_buffer_slice(&expected),
                        "in place");
        FUZZ_CHECK(ht_base64_append(&again, ht_slice_make(out + shift, length)) == 0, "append");
        FUZZ_CHECK_SAME(ht_buffer_slice(&again), text, "text");
    }
    free(out);
    free(same);
    ht_buffer_finish(&expected);
    ht_buffer_finish(&again);
}

/* What is encoded is decoded to the same; a wrong character anywhere is seen. */
static void check_encoding(struct ht_slice bytes, size_t shift, struct fuzz_input *input)
{
    size_t room = ht_base64_encoded_length(bytes.length), length = 0;
    char *text = malloc(room + 1);
    FUZZ_CHECK(ht_base64_encode(bytes, text) == room, "%zu", room);
    check_decoding(ht_slice_make(text, room), shift);
    char *out = malloc(ht_base64_decoded_max(room) + 1);
    FUZZ_CHECK(ht_base64_decode(ht_slice_make(text, room), out, &length) == 0, "decode");
    FUZZ_CHECK_SAME(ht_slice_make(out, length), bytes, "bytes");
    if (room > 0) {
        text[fuzz_take_below(input, room)] = (char)fuzz_take_byte(input);
        check_decoding(ht_slice_make(text, room), shift);
    }
    free(text);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    size_t shift = fuzz_take_byte(&input) % 32;
    struct ht_slice rest = fuzz_rest(&input);
    char *copy = malloc(rest.length + shift + 1);
    if (rest.length > 0) {
        memcpy(copy + shift, rest.data, rest.length);
    }
    check_decoding(ht_slice_make(copy + shift, rest.length), shift);
    struct fuzz_input choices = input;
    check_encoding(ht_slice_make(copy + shift, rest.length), shift, &choices);
    free(copy);
    return 0;
}
