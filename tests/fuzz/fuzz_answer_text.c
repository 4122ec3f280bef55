// SPDX-License-Identifier: MIT

/* What a service says in an error's body: one short line without control characters, and nothing of the
 * secret that was sent, however the service sends it back. */

#include "answer_text.h"
#include "fuzz.h"

static void check_line(const char *text);
static void check_secret(const char *text, struct ht_slice secret);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    size_t secret_length = fuzz_take_byte(&input) % 80;
    char text[HT_ANSWER_TEXT_BYTES];

    secret_length = secret_length < input.length ? secret_length : input.length;
    input.length -= secret_length;
    char *secret_copy = fuzz_copy(ht_slice_make(input.data + input.length, secret_length));
    char *body = fuzz_copy(fuzz_rest(&input));
    struct ht_slice secret = ht_slice_make(secret_copy, secret_length);
    memset(text, 'x', sizeof text);
    const char *given = ht_answer_text(ht_slice_make(body, input.length), secret, text);
    FUZZ_CHECK(given == text && memchr(text, '\0', sizeof text) != NULL, "it has an end");
    check_line(text);
    check_secret(text, secret);
    free(secret_copy);
    free(body);
    return 0;
}

static void check_line(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    for (size_t i = 0; bytes[i] != '\0'; i++) {
        FUZZ_CHECK(bytes[i] >= ' ' && bytes[i] != 0x7f, "control character %02x at %zu of \"%s\"",
                   bytes[i], i, text);
        bool is_second_control = bytes[i] == 0xc2 && bytes[i + 1] >= 0x80 && bytes[i + 1] < 0xa0;
        FUZZ_CHECK(!is_second_control, "control character U+00%02x at %zu", bytes[i + 1], i);
        FUZZ_CHECK(bytes[i] != ' ' || (i > 0 && bytes[i + 1] != ' ' && bytes[i + 1] != '\0'),
                   "a blank too many at %zu of \"%s\"", i, text);
    }
}

/* A part of the header's value that is long enough to be a secret. */
static void check_secret(const char *text, struct ht_slice secret)
{
    size_t begin = 0;

    for (size_t at = 0; at <= secret.length; at++) {
        if (at < secret.length && strchr(" \",=", secret.data[at]) == NULL) {
            continue;
        }
        struct ht_slice part = ht_slice_make(secret.data + begin, at - begin);
        bool is_secret = part.length >= 8 && memchr(part.data, '*', part.length) == NULL;
        FUZZ_CHECK(!is_secret || memmem(text, strlen(text), part.data, part.length) == NULL,
                   "\"%s\" shows \"%.*s\"", text, (int)part.length, part.data);
        begin = at + 1;
    }
}
