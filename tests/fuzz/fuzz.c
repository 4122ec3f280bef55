// SPDX-License-Identifier: MIT
#include "fuzz.h"

#define SHOWN_MAX_BYTES 4096

static void show(const char *name, struct ht_slice bytes);

void fuzz_check_same(struct ht_slice a, struct ht_slice b, const char *what, const char *file,
                     int line)
{
    if (ht_slice_equal(a, b)) {
        return;
    }
    (void)fprintf(stderr, "\n%s:%d: not the same: %s\n", file, line, what);
    show("one", a);
    show("other", b);
    abort();
}

static void show(const char *name, struct ht_slice bytes)
{
    size_t shown = bytes.length < SHOWN_MAX_BYTES ? bytes.length : SHOWN_MAX_BYTES;

    (void)fprintf(stderr, "%s, %zu bytes: ", name, bytes.length);
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        (void)fprintf(stderr, is_plain ? "%c" : "\\x%02x", byte);
    }
    (void)fputs(shown < bytes.length ? "...\n" : "\n", stderr);
}

char *fuzz_copy(struct ht_slice bytes)
{
    char *copy = malloc(bytes.length);

    if (copy == NULL) {
        FUZZ_CHECK(bytes.length == 0, "no memory for %zu bytes", bytes.length);
        return fuzz_text(bytes);
    }
    if (bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    return copy;
}

char *fuzz_text(struct ht_slice bytes)
{
    char *text = ht_slice_to_text(bytes);

    FUZZ_CHECK(text != NULL, "no memory for %zu bytes", bytes.length);
    return text;
}

void fuzz_cuts_init(struct fuzz_cuts *cuts, struct ht_slice bytes, unsigned seed)
{
    *cuts = (struct fuzz_cuts){.rest = bytes, .seed = seed};
    ht_random_init(&cuts->random, seed);
}

bool fuzz_cuts_next(struct fuzz_cuts *cuts, struct ht_slice *piece)
{
    size_t length = cuts->rest.length;

    fuzz_cuts_finish(cuts);
    if (length == 0) {
        return false;
    }
    if (cuts->seed == 1) {
        length = 1;
    } else if (cuts->seed > 1) {
        /* short ones and long ones alike: a cut within three bytes finds other faults than one
         * within a thousand */
        size_t most = (size_t)1 << ht_random_below(&cuts->random, 11);
        size_t wanted = 1 + (size_t)ht_random_below(&cuts->random, most);
        length = wanted < length ? wanted : length;
    }
    cuts->piece = fuzz_copy(ht_slice_make(cuts->rest.data, length));
    *piece = ht_slice_make(cuts->piece, length);
    cuts->rest = ht_slice_make(cuts->rest.data + length, cuts->rest.length - length);
    return true;
}

void fuzz_cuts_finish(struct fuzz_cuts *cuts)
{
    free(cuts->piece);
    cuts->piece = NULL;
}

void fuzz_note(struct ht_buffer *journal, const char *what, uint64_t number, struct ht_slice bytes)
{
    ht_buffer_append_format(journal, "%s %llu %zu:", what, (unsigned long long)number,
                            bytes.length);
    ht_buffer_append_slice(journal, bytes);
    ht_buffer_append_byte(journal, '\n');
    FUZZ_CHECK(ht_buffer_status(journal) == 0, "the journal is full");
}

size_t fuzz_utf8_length(struct ht_slice text, bool *is_open)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t at = 0;

    *is_open = true;
    while (at < text.length) {
        unsigned char byte = bytes[at];
        size_t more = byte < 0x80 ? 0 : byte < 0xc2 ? 9 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        unsigned low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
        unsigned high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
        *is_open = byte < 0xf5 && more < 9;
        for (size_t i = 1; *is_open && i <= more && at + i < text.length; i++) {
            *is_open =
                bytes[at + i] >= (i == 1 ? low : 0x80) && bytes[at + i] <= (i == 1 ? high : 0xbf);
        }
        if (!*is_open || at + more >= text.length) {
            return at;
        }
        at += more + 1;
    }
    return at;
}

bool fuzz_is_utf8(struct ht_slice text)
{
    bool is_open;

    return fuzz_utf8_length(text, &is_open) == text.length;
}
