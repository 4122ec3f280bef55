// SPDX-License-Identifier: MIT
#pragma once

/**
 * What every fuzz target has in common. A target is one file, fuzz_<name>.c, with
 * LLVMFuzzerTestOneInput(): it drives one part of the program with the bytes that it gets, and
 * judges by something that is known without that part (FUZZ_CHECK). Everything that a target
 * allocates it frees again, and it keeps nothing from one input to the next: then an input alone is
 * enough to replay what went wrong.
 *
 * Decisions (limits, seeds, where to cut) are taken off the end of the input, so that what the fuzzer
 * finds interesting at its front stays where it is:
 *
 *     struct fuzz_input input = fuzz_input(data, size);
 *     unsigned seed = fuzz_take_byte(&input);
 *     struct fuzz_cuts cuts;
 *     struct ht_slice piece;
 *     fuzz_cuts_init(&cuts, fuzz_rest(&input), seed);
 *     while (fuzz_cuts_next(&cuts, &piece))
 *         feed(piece);
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** The target: called once an input, by libFuzzer. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold whatever the input is. Where it does not, says what (like printf) and aborts, which
 * is a finding. */
#define FUZZ_CHECK(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "\n%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            (void)fprintf(stderr, __VA_ARGS__);                                                    \
            (void)fputc('\n', stderr);                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** Both slices hold the same bytes; where not, shows both. */
#define FUZZ_CHECK_SAME(a, b, what) fuzz_check_same(a, b, what, __FILE__, __LINE__)

/** For FUZZ_CHECK_SAME(). */
void fuzz_check_same(struct ht_slice a, struct ht_slice b, const char *what, const char *file,
                     int line);

/** What is left of an input. */
struct fuzz_input {
    const uint8_t *data;
    size_t length;
};

/** Begins with all of it. */
static inline struct fuzz_input fuzz_input(const uint8_t *data, size_t size)
{
    return (struct fuzz_input){data, size};
}

/** Takes a byte off the end; 0 where nothing is left. */
static inline uint8_t fuzz_take_byte(struct fuzz_input *input)
{
    return input->length == 0 ? 0 : input->data[--input->length];
}

/** Takes a number below `bound` (above 0, up to 2^32) off the end. */
static inline uint32_t fuzz_take_below(struct fuzz_input *input, uint64_t bound)
{
    uint64_t value = 0;
    for (uint64_t room = 1; room < bound; room <<= 8) {
        value = value << 8 | fuzz_take_byte(input);
    }
    return (uint32_t)(value % bound);
}

/** The bytes that are left, as they lie in the fuzzer's memory. */
static inline struct ht_slice fuzz_rest(const struct fuzz_input *input)
{
    return ht_slice_make(input->length == 0 ? "" : (const char *)input->data, input->length);
}

/** A copy of `bytes` on the heap and not a byte more, so that the sanitizer sees a read behind the
 * end. Never NULL; free() it. */
char *fuzz_copy(struct ht_slice bytes);

/** The same with an end mark. */
char *fuzz_text(struct ht_slice bytes);

/** Pieces of some bytes, as a network might cut them. Private fields. */
struct fuzz_cuts {
    struct ht_slice rest;
    struct ht_random random;
    unsigned seed;
    char *piece; /* owned */
};

/** Begins. The same `seed` cuts the same bytes at the same places; 0 does not cut at all, 1 cuts
 * behind every byte. */
void fuzz_cuts_init(struct fuzz_cuts *cuts, struct ht_slice bytes, unsigned seed);

/** Fills in the next piece, a copy of its own that is freed by the next call; false at the end. Call
 * it until it returns false, or finish. */
bool fuzz_cuts_next(struct fuzz_cuts *cuts, struct ht_slice *piece);

/** Frees the last piece. */
void fuzz_cuts_finish(struct fuzz_cuts *cuts);

/** Appends what happened to a journal, so that two runs can be compared: a word, a number, bytes. */
void fuzz_note(struct ht_buffer *journal, const char *what, uint64_t number, struct ht_slice bytes);

/** Room for a journal. */
#define FUZZ_JOURNAL_MAX_BYTES (64u << 20)

/** Bytes of UTF-8 (RFC 3629) in whole characters at the front of `text`; `*is_open`: what follows may be
 * the beginning of another one. */
size_t fuzz_utf8_length(struct ht_slice text, bool *is_open);

/** Whether all of it is UTF-8. */
bool fuzz_is_utf8(struct ht_slice text);
