// SPDX-License-Identifier: MIT
#pragma once

/**
 * A fast JSON reader for messages of which only a few values are wanted. One scan checks
 * the whole text, 64 bytes at a time as bit masks, and notes where the brackets, colons and
 * quotes are; then values are found by key without looking at the rest. Nothing is copied.
 *
 *     enum ht_json_verdict verdict = ht_json_reader_scan(&reader, bytes, &offset);
 *     if (verdict == HT_JSON_VERDICT_OK) {
 *         struct ht_json_value found[2];
 *         ht_json_reader_find(&reader, ht_json_reader_root(&reader), &keys, found);
 *         if (found[0].kind == '"')
 *             use(ht_json_reader_raw(&reader, found[0]));
 *     }
 *
 * It accepts and refuses what jansson 2.14 does with JSON_ALLOW_NUL: the root is an object or
 * an array; UTF-8 must be valid; surrogates must come in pairs; whole numbers must fit 64 bits
 * and others a double; control characters in strings, U+0000 in keys and anything behind the
 * root but white space are refused; of a key that is there twice the last one counts. It
 * differs in its limits: HT_JSON_DEPTH_MAX levels (jansson: 2048; real tweets need 12), and the size
 * given to ht_json_reader_init(); and in a NUL byte between a number or literal and what follows,
 * which jansson overlooks.
 *
 * Memory: 16 bytes for each 64 of the longest text so far, and 8 for each bracket in it; so at most
 * 8.4 times the size limit, and for tweets about half of their own size. No recursion. A reader
 * belongs to one thread and is used again for every text.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How deep objects and arrays may nest; the root is level 1. */
#define HT_JSON_DEPTH_MAX 64

/** The most keys that one ht_json_reader_find() looks for. */
#define HT_JSON_KEYS_MAX 40

/* name, what it says to a person */
#define HT_JSON_VERDICT_MAP(X)                                                                     \
    X(OK, "valid")                                                                                 \
    X(NOT_JSON, "not valid JSON")                                                                  \
    X(CUT_OFF, "the text ends too early")                                                          \
    X(TOO_LARGE, "over the size limit")                                                            \
    X(TOO_DEEP, "nested too deep")                                                                 \
    X(BAD_UTF8, "not valid UTF-8")                                                                 \
    X(LONE_SURROGATE, "half of a surrogate pair")                                                  \
    X(NO_MEMORY, "out of memory")

/** What a scan found. */
enum ht_json_verdict {
#define X(name, text) HT_JSON_VERDICT_##name,
    HT_JSON_VERDICT_MAP(X)
#undef X
};

/** Which instructions a scan uses. What is valid is the same; of a text with several faults they may
 * name different ones. */
enum ht_json_level {
    HT_JSON_LEVEL_PLAIN, /**< portable C */
    HT_JSON_LEVEL_SSE2,  /**< every x86-64 */
    HT_JSON_LEVEL_AVX2,  /**< AVX2, BMI and carry-less multiplication */
};

/** Where a value is in the text. */
struct ht_json_value {
    uint32_t begin;   /**< offset of its first byte, a string's quote included */
    uint32_t end;     /**< offset behind its last byte */
    uint32_t bracket; /**< private: of an object or array, its number among the brackets */
    /** '{' '[' '"' 't' 'f' 'n', or '0' for numbers; '\0' where there is no such value */
    char kind;
};

/** A set of keys to look for, prepared once. Fields are private. */
struct ht_json_keys {
    const char *const *names; /* not owned, static */
    uint8_t count;
    uint8_t first[64];              /* by a hash of a key's end: 1 + index, or 0 */
    uint8_t next[HT_JSON_KEYS_MAX]; /* 1 + index of the next one of that hash, or 0 */
    uint8_t length[HT_JSON_KEYS_MAX];
};

/** One bracket of the scanned text. Private. */
struct ht_json_bracket {
    uint32_t position;
    uint32_t match; /* number of the bracket that closes or opens it */
};

/** The reader. Fields are private. */
struct ht_json_reader {
    struct ht_slice text;
    size_t max_bytes;
    enum ht_json_level level;
    uint64_t *quotes; /* owned: a bit a byte, the quotes that begin or end a string */
    uint64_t *colons; /* in the same memory: the colons outside of strings */
    size_t block_capacity;
    struct ht_json_bracket *brackets; /* owned */
    size_t bracket_count, bracket_capacity;
    bool has_escaped_keys;
};

/** Makes a reader for texts of at most `max_bytes` (below 2 GiB); takes no memory yet. */
void ht_json_reader_init(struct ht_json_reader *reader, size_t max_bytes);

/** Frees the memory. NULL and zeroed memory are fine. */
void ht_json_reader_finish(struct ht_json_reader *reader);

/** Chooses the instructions, for tests and comparisons; false, and nothing is changed, where this
 * processor lacks them. A new reader has the best. */
bool ht_json_reader_use(struct ht_json_reader *reader, enum ht_json_level level);

/**
 * Checks `text` (not owned; must stay as long as values of it are used) and prepares finding.
 * On another verdict than OK `*offset` (may be NULL) is about where it went wrong: within 64 bytes,
 * and nothing may be looked for.
 */
enum ht_json_verdict ht_json_reader_scan(struct ht_json_reader *reader, struct ht_slice text,
                                         size_t *offset) HT_MUST_CHECK;

/** The root: an object or an array. */
struct ht_json_value ht_json_reader_root(const struct ht_json_reader *reader);

/** Prepares a set of `count` (1 to HT_JSON_KEYS_MAX) different keys, each of 2 to 64 plain ASCII
 * letters, digits, '_' or '$'; `names` is not copied. */
void ht_json_keys_init(struct ht_json_keys *keys, const char *const *names, size_t count);

/** Looks through the members of `object` once and fills `found[i]` for every key i of `keys`; kind
 * '\0' where there is none. A value that is no object has no members. */
void ht_json_reader_find(const struct ht_json_reader *reader, struct ht_json_value object,
                         const struct ht_json_keys *keys, struct ht_json_value *found);

/** A walk over the members of an object or the elements of an array, in the order of the text. */
struct ht_json_walk {
    struct ht_json_value key;   /**< of the current member: a string; kind '\0' in arrays */
    struct ht_json_value value; /**< the current one */
    const struct ht_json_reader *reader; /* private */
    uint32_t position, end, bracket;     /* private */
    bool in_object;                      /* private */
};

/** Starts a walk; one over something else than an object or array ends at once. */
struct ht_json_walk ht_json_walk(const struct ht_json_reader *reader,
                                 struct ht_json_value container);

/** Goes to the next (first) one; false where there is none left. */
bool ht_json_walk_next(struct ht_json_walk *walk);

/** The bytes of a value as they stand in the text; of a string with its quotes. */
struct ht_slice ht_json_reader_raw(const struct ht_json_reader *reader, struct ht_json_value value);

/**
 * The text of a string value (kind '"'), escapes resolved: a slice of the scanned text where there
 * are none, else of `arena`, to which it is appended; a later append moves what is there, so reserve
 * first where several are kept. 0, HT_ENOMEM or HT_ETOOBIG.
 */
int ht_json_reader_text(const struct ht_json_reader *reader, struct ht_json_value value,
                        struct ht_buffer *arena, struct ht_slice *text) HT_MUST_CHECK;

/** A verdict in words. Static. */
const char *ht_json_verdict_text(enum ht_json_verdict verdict);
