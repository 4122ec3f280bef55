// SPDX-License-Identifier: MIT
#pragma once

/**
 * The scan loop. It is compiled once for each kind of instructions: a file reader_scan_*.c
 * defines how 64 bytes become masks (reader_masks.h says which functions) and includes this. One
 * that defines nothing gets portable C.
 */

#include "reader_masks.h"
#include "reader_scan.h"
#include "reader_tokens.h"

#if !defined(HAS_FAST_UTF8)
#include "reader_masks_plain.h"
#endif

#include <string.h>

/*
 * Each block of 64 bytes goes through these steps, as masks of one bit a byte:
 *
 *   strings      unescaped quotes; what is inside of strings; escapes; UTF-8
 *   brackets     one by one: nesting, kind, and where an object is the innermost container
 *   order        which token may follow which, for all tokens of the block at once
 *   primitives   numbers of digits alone at once; other numbers and literals one by one
 *
 * The order of tokens. Let a token "follow" another where only white space is between them.
 *
 *   separators are { [ , and :     a value follows a separator and nothing else does but ] or }
 *   , and :                        are not followed by ] or }
 *   { and a , in an object         are followed by a string (a key), if by a value at all
 *   a key                          is followed by : and nothing else is
 *
 * White space runs and strings are crossed with one addition: a bit added at the beginning of a
 * run of ones carries to the place behind it. What reaches over the end of a block is carried into
 * the next one.
 */

/* What one block leaves to the next. */
struct scan {
    struct ht_json_reader *reader;
    struct ht_slice text;
    /* all ones or all zeros */
    uint64_t in_string; /* the block begins inside a string */
    uint64_t in_object; /* the innermost container is an object */
    /* one or zero */
    uint64_t is_escaped;        /* the next byte is escaped */
    uint64_t in_primitive;      /* the last byte belonged to a number or literal */
    uint64_t in_key;            /* a key goes on */
    uint64_t after_key;         /* still looking for what follows a key */
    uint64_t after_separator;   /* ... a separator */
    uint64_t after_comma_colon; /* ... a comma or colon */
    uint64_t before_key;        /* ... a place where a key must be */
    /* nesting */
    uint64_t objects; /* a bit a level: it is an object */
    unsigned depth;
    uint32_t open[HT_JSON_DEPTH_MAX];
    size_t root_end; /* behind the root; 0 while it is not closed */
    /* one by one */
    uint64_t high_tail; /* the last three bytes were 0x80 or above */
    size_t low_at;      /* see ht_scan_unicode_escape() */
    enum ht_json_verdict verdict;
    size_t offset; /* where the verdict was made */
};

/* One block, on its way through the steps. */
struct block {
    struct ht_scan_bytes bytes;
    const char *data; /* 64 bytes */
    size_t begin;     /* their offset in the text */
    uint64_t quotes;  /* not escaped */
    uint64_t inside;  /* from each first quote up to, not including, its second */
    uint64_t string;  /* bytes of strings, both quotes included */
    uint64_t escaped; /* bytes behind a backslash that are no backslash */
    uint64_t object;  /* where the innermost container is an object */
    uint64_t keys;    /* bytes of keys */
};

INLINE bool scan_block(struct scan *scan, struct block *block);
INLINE void find_strings(struct scan *scan, struct block *block);
static bool scan_brackets(struct scan *scan, struct block *block, uint64_t brackets);
INLINE uint64_t check_order(struct scan *scan, struct block *block, uint64_t primitive_starts);
INLINE bool check_primitives(struct scan *scan, struct block *block, uint64_t primitive,
                             uint64_t starts);
static bool check_one_by_one(struct scan *scan, const struct block *block, uint64_t primitive,
                             uint64_t starts);
static bool is_literal(const char *data, unsigned length);
INLINE bool check_strings(struct scan *scan, struct block *block);
INLINE bool check_escapes(struct scan *scan, struct block *block);
static bool check_unicode_escapes(struct scan *scan, const struct block *block, uint64_t escapes);
INLINE bool check_utf8(struct scan *scan, const struct block *block);
static bool check_utf8_one_by_one(struct scan *scan, const struct block *block);
static enum ht_json_verdict check_rest(struct scan *scan);
static bool check_begin(struct scan *scan);

static bool fail(struct scan *scan, enum ht_json_verdict verdict, size_t offset)
{
    scan->verdict = verdict;
    scan->offset = offset;
    return false;
}

INLINE enum ht_json_verdict scan_all(struct ht_json_reader *reader, size_t *offset)
{
    struct scan scan = {.reader = reader, .text = reader->text, .low_at = SIZE_MAX};
    struct block block;
    size_t whole = scan.text.length & ~(size_t)63;
    if (!check_begin(&scan)) {
        *offset = scan.offset;
        return scan.verdict;
    }
    scan.after_separator = 1; /* a value may begin the text */
    bool goes_on = true;
    for (block.begin = 0; block.begin < whole && goes_on; block.begin += 64) {
        block.data = scan.text.data + block.begin;
        goes_on = scan_block(&scan, &block);
    }
    if (goes_on && whole < scan.text.length) {
        char padded[64];
        memset(padded, ' ', sizeof(padded));
        memcpy(padded, scan.text.data + whole, scan.text.length - whole);
        block.data = padded;
        scan_block(&scan, &block);
    }
    enum ht_json_verdict verdict = check_rest(&scan);
    *offset = scan.offset;
    return verdict;
}

/* False where the scan is to stop: a verdict was made, or the root is closed. */
INLINE bool scan_block(struct scan *scan, struct block *block)
{
    classify(block->data, &block->bytes);
    find_strings(scan, block);
    const struct ht_scan_bytes *bytes = &block->bytes;
    uint64_t outside = ~block->string;
    uint64_t brackets = (bytes->open | bytes->close) & outside;
    block->object = scan->in_object;
    if (brackets != 0 && !scan_brackets(scan, block, brackets)) {
        return false;
    }
    uint64_t marks = brackets | (bytes->colon & outside) | (bytes->comma & outside);
    uint64_t primitive = ~(block->string | marks | bytes->space);
    uint64_t starts = primitive & ~(primitive << 1 | scan->in_primitive);
    if (check_order(scan, block, starts) != 0) {
        return fail(scan, HT_JSON_VERDICT_NOT_JSON, block->begin);
    }
    if (!check_primitives(scan, block, primitive, starts) || !check_strings(scan, block)) {
        return false;
    }
    scan->in_primitive = primitive >> 63;
    scan->reader->quotes[block->begin >> 6] = block->quotes;
    scan->reader->colons[block->begin >> 6] = bytes->colon & outside;
    return scan->root_end == 0;
}

/* -- strings ---------------------------------------------------------------------------- */

/* The bytes that an odd number of backslashes stands before, themselves no backslashes. */
INLINE uint64_t find_escaped(struct scan *scan, uint64_t backslash)
{
    const uint64_t even = 0x5555555555555555u;
    uint64_t first = scan->is_escaped & ~backslash;
    backslash &= ~scan->is_escaped; /* one that is escaped itself begins nothing */
    uint64_t starts = backslash & ~(backslash << 1), past_even, past_odd;
    scan->is_escaped = 0;
    if (backslash != 0) {
        (void)__builtin_add_overflow(backslash, starts & even, &past_even);
        scan->is_escaped = __builtin_add_overflow(backslash, starts & ~even, &past_odd);
        first |= ((past_even & ~even) | (past_odd & even)) & ~backslash;
    }
    return first;
}

INLINE void find_strings(struct scan *scan, struct block *block)
{
    block->escaped = 0;
    if ((block->bytes.backslash | scan->is_escaped) != 0) {
        block->escaped = find_escaped(scan, block->bytes.backslash);
    }
    block->quotes = block->bytes.quote & ~block->escaped;
    block->inside = prefix_parity(block->quotes) ^ scan->in_string;
    scan->in_string = 0 - (block->inside >> 63);
    block->string = block->inside | block->quotes;
}

/* -- brackets --------------------------------------------------------------------------- */

static bool scan_brackets(struct scan *scan, struct block *block, uint64_t brackets)
{
    struct ht_json_reader *reader = scan->reader;
    if (reader->bracket_count + 64 > reader->bracket_capacity &&
        ht_scan_reserve_brackets(reader) != 0) {
        return fail(scan, HT_JSON_VERDICT_NO_MEMORY, block->begin);
    }
    for (; brackets != 0; brackets &= brackets - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(brackets);
        uint32_t number = (uint32_t)reader->bracket_count++;
        struct ht_json_bracket *bracket = &reader->brackets[number];
        uint64_t is_object = (unsigned char)block->data[bit] >> 5 & 1; /* { } against [ ] */
        bracket->position = (uint32_t)(block->begin + bit);
        if (block->bytes.open >> bit & 1) {
            if (scan->depth == HT_JSON_DEPTH_MAX) {
                return fail(scan, HT_JSON_VERDICT_TOO_DEEP, bracket->position);
            }
            scan->objects = scan->objects << 1 | is_object;
            scan->open[scan->depth++] = number;
        } else {
            if (scan->depth == 0 || (scan->objects & 1) != is_object) {
                return fail(scan, HT_JSON_VERDICT_NOT_JSON, bracket->position);
            }
            scan->objects >>= 1;
            bracket->match = scan->open[--scan->depth];
            reader->brackets[bracket->match].match = number;
        }
        uint64_t in_object = 0 - (scan->objects & 1);
        block->object ^= (scan->in_object ^ in_object) << bit;
        scan->in_object = in_object;
        if (scan->depth == 0) {
            scan->root_end = bracket->position + 1u;
            break;
        }
    }
    return true;
}

/* -- order of tokens -------------------------------------------------------------------- */

/* From each bit of `places` on over white space: the byte behind it. */
INLINE uint64_t skip_space(uint64_t places, uint64_t space, uint64_t *pending)
{
    uint64_t sum;
    places |= *pending;
    if (space == 0) { /* nothing to cross: how programs write JSON */
        *pending = 0;
        return places;
    }
    *pending = __builtin_add_overflow(places & space, space, &sum);
    return (sum | places) & ~space;
}

/* What follows the tokens that end at the bits of `ends`. */
INLINE uint64_t follow(uint64_t ends, uint64_t space, uint64_t *pending)
{
    uint64_t next = skip_space(ends << 1, space, pending);
    *pending |= ends >> 63;
    return next;
}

/* The mistakes of order. */
INLINE uint64_t check_order(struct scan *scan, struct block *block, uint64_t primitive_starts)
{
    uint64_t outside = ~block->string;
    uint64_t space = block->bytes.space & outside, open = block->bytes.open & outside;
    uint64_t comma = block->bytes.comma & outside, colon = block->bytes.colon & outside;
    uint64_t close = block->bytes.close & outside;
    uint64_t after_separator = follow(open | comma | colon, space, &scan->after_separator);
    uint64_t after_mark = follow(comma | colon, space, &scan->after_comma_colon);
    uint64_t key_places = follow((open | comma) & block->object, space, &scan->before_key);
    uint64_t string_starts = block->quotes & block->inside;
    uint64_t other_values = primitive_starts | open;
    uint64_t past, past_all;
    bool is_over = __builtin_add_overflow(string_starts & key_places, scan->in_key, &past);
    bool is_all_over = __builtin_add_overflow(past, block->string, &past_all);
    scan->in_key = is_over || is_all_over;
    block->keys = block->string & ~past_all;
    uint64_t after_key = skip_space(past_all & outside, space, &scan->after_key);
    return ((string_starts | other_values) & ~after_separator) | (comma & after_separator) |
           (close & after_mark) | (other_values & key_places) | (colon ^ after_key);
}

/* -- numbers, true, false, null --------------------------------------------------------- */

/* Numbers of 1 to 18 digits and nothing else are right as they are, but for a zero in front. All
 * others are looked at one by one, and those that reach into the next block. */
INLINE bool check_primitives(struct scan *scan, struct block *block, uint64_t primitive,
                             uint64_t starts)
{
    const uint64_t last = 1ull << 63;
    uint64_t digits = primitive & block->bytes.digit;
    if (starts == 0) {
        return true;
    }
    if ((starts & block->bytes.zero & digits >> 1) != 0) {
        return fail(scan, HT_JSON_VERDICT_NOT_JSON, block->begin);
    }
    uint64_t run2 = digits & digits >> 1, run4 = run2 & run2 >> 2, run8 = run4 & run4 >> 4;
    uint64_t run19 = run8 & run8 >> 8 & run8 >> 11;
    uint64_t single = starts & (~digits | run19 | last);
    /* from the first digit over digits to something else in the same number */
    uint64_t other = primitive & (~digits | last), plain = primitive & ~other;
    uint64_t reached = (plain + (starts & plain)) & other;
    for (; reached != 0; reached &= reached - 1) {
        uint64_t before = starts & (reached ^ (reached - 1)) >> 1;
        single |= last >> __builtin_clzll(before);
    }
    return single == 0 || check_one_by_one(scan, block, primitive, single);
}

static bool check_one_by_one(struct scan *scan, const struct block *block, uint64_t primitive,
                             uint64_t starts)
{
    for (; starts != 0; starts &= starts - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(starts);
        uint64_t beyond = ~primitive >> bit;
        unsigned length = beyond == 0 ? 64 : (unsigned)__builtin_ctzll(beyond);
        if (bit + length < 64 && is_literal(block->data + bit, length)) {
            continue;
        }
        size_t begin = block->begin + bit;
        enum ht_json_verdict verdict = ht_scan_primitive(scan->text, begin);
        if (verdict != HT_JSON_VERDICT_OK) {
            return fail(scan, verdict, begin);
        }
    }
    return true;
}

/* Whether the `length` bytes at `data`, with one more behind them, are true, false or null. */
static bool is_literal(const char *data, unsigned length)
{
    return (length == 4 && (memcmp(data, "null", 4) == 0 || memcmp(data, "true", 4) == 0)) ||
           (length == 5 && memcmp(data, "fals", 4) == 0 && data[4] == 'e');
}

/* -- what is inside of strings ---------------------------------------------------------- */

INLINE bool check_strings(struct scan *scan, struct block *block)
{
    if ((block->bytes.control & block->inside) != 0) {
        return fail(scan, HT_JSON_VERDICT_NOT_JSON, block->begin);
    }
    if ((block->bytes.backslash & block->keys) != 0) {
        scan->reader->has_escaped_keys = true;
    }
    if (block->escaped != 0 && !check_escapes(scan, block)) {
        return false;
    }
    uint64_t high = block->bytes.high | scan->high_tail;
    scan->high_tail = block->bytes.high >> 61;
    return high == 0 || check_utf8(scan, block);
}

/* Unicode escapes that are whole within the block, no surrogates and in no key are right where four
 * hexadecimal digits follow. The others are looked at one by one. */
INLINE bool check_escapes(struct scan *scan, struct block *block)
{
    const uint64_t cut = 0xf800000000000000u; /* digits may be in the next block */
    struct ht_scan_escapes escapes;
    classify_escapes(block->data, &escapes);
    uint64_t unicode = block->escaped & ~escapes.plain;
    if (unicode == 0) {
        return true;
    }
    uint64_t surrogates = unicode & escapes.d >> 1 & (escapes.hex & ~escapes.octal) >> 2;
    uint64_t pairs_of_digits = escapes.hex & escapes.hex >> 1;
    uint64_t right = escapes.u & pairs_of_digits >> 1 & pairs_of_digits >> 3;
    uint64_t single = unicode & (~right | surrogates | cut | block->keys);
    return single == 0 || check_unicode_escapes(scan, block, single);
}

static bool check_unicode_escapes(struct scan *scan, const struct block *block, uint64_t escapes)
{
    for (; escapes != 0; escapes &= escapes - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(escapes);
        bool is_nul = false;
        enum ht_json_verdict verdict = HT_JSON_VERDICT_NOT_JSON;
        if (block->begin + bit >= scan->text.length) {
            verdict = HT_JSON_VERDICT_CUT_OFF;
        } else if (block->data[bit] == 'u') {
            verdict =
                ht_scan_unicode_escape(scan->text, block->begin + bit, &scan->low_at, &is_nul);
        }
        if (verdict == HT_JSON_VERDICT_OK && is_nul && (block->keys >> bit & 1) != 0) {
            verdict = HT_JSON_VERDICT_NOT_JSON;
        }
        if (verdict != HT_JSON_VERDICT_OK) {
            return fail(scan, verdict, block->begin + bit);
        }
    }
    return true;
}

/* All at once in the middle of the text, one by one where it begins and ends. */
INLINE bool check_utf8(struct scan *scan, const struct block *block)
{
    bool in_middle = block->begin >= 64 && scan->text.length - block->begin >= 64;
    if (HAS_FAST_UTF8 && in_middle && is_utf8(block->data)) {
        return true;
    }
    return check_utf8_one_by_one(scan, block);
}

/* The beginning of the last sequence that begins before `at`. */
static size_t last_sequence(struct ht_slice text, size_t at)
{
    size_t begin = at;
    while (begin > 0 && at - begin < 3 && ((unsigned char)text.data[begin - 1] & 0xc0) == 0x80) {
        begin--;
    }
    return begin > 0 && (unsigned char)text.data[begin - 1] >= 0xc0 ? begin - 1 : at;
}

static bool check_utf8_one_by_one(struct scan *scan, const struct block *block)
{
    size_t end = block->begin + 64, at = last_sequence(scan->text, block->begin);
    end = end < scan->text.length ? end : scan->text.length;
    while (at < end) {
        if ((unsigned char)scan->text.data[at] < 0x80) {
            at++;
            continue;
        }
        enum ht_json_verdict verdict = ht_scan_utf8(scan->text, at, &at);
        if (verdict != HT_JSON_VERDICT_OK) {
            return fail(scan, verdict, at);
        }
    }
    return true;
}

/* -- the end ---------------------------------------------------------------------------- */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_spaces(struct ht_slice text, size_t at)
{
    while (at < text.length && is_space(text.data[at])) {
        at++;
    }
    return at;
}

/* Nothing is behind the root but white space. */
static enum ht_json_verdict check_rest(struct scan *scan)
{
    if (scan->verdict != HT_JSON_VERDICT_OK) {
        return scan->verdict;
    }
    if (scan->root_end == 0) {
        scan->offset = scan->text.length;
        return HT_JSON_VERDICT_CUT_OFF;
    }
    scan->offset = skip_spaces(scan->text, scan->root_end);
    return scan->offset == scan->text.length ? HT_JSON_VERDICT_OK : HT_JSON_VERDICT_NOT_JSON;
}

/* The root is an object or an array. */
static bool check_begin(struct scan *scan)
{
    size_t at = skip_spaces(scan->text, 0);
    if (at == scan->text.length) {
        return fail(scan, HT_JSON_VERDICT_CUT_OFF, at);
    }
    if (scan->text.data[at] != '{' && scan->text.data[at] != '[') {
        return fail(scan, HT_JSON_VERDICT_NOT_JSON, at);
    }
    return true;
}
