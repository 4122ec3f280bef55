// SPDX-License-Identifier: MIT
#include "synthetic_piece.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    BLOCK_BYTES = 65536,
    MAX_TEXT_BYTES = 200,
    MAX_POINT_BYTES = 12, /* a surrogate pair as \uXXXX\uXXXX */
};

struct ht_synthetic_block {
    struct ht_synthetic_block *next;
    size_t used;
    char bytes[BLOCK_BYTES];
};

/* A text under construction, in both forms. */
struct draft {
    char utf8[MAX_TEXT_BYTES * 8];
    size_t utf8_length;
    char escaped[MAX_TEXT_BYTES * MAX_POINT_BYTES];
    size_t escaped_length;
    unsigned points;
};

static void draft_add(struct draft *draft, uint32_t point);
static void draft_add_utf8(struct draft *draft, uint32_t point);
static void draft_add_escaped(struct draft *draft, uint32_t point);
static void draft_add_unit(struct draft *draft, unsigned unit);
static void draft_add_upper(struct draft *draft, uint32_t point);
static struct ht_synthetic_piece draft_take(struct draft *draft, struct ht_synthetic_store *store);
static const char *html_entity(uint32_t point);
static uint32_t upper_case(uint32_t point);
static uint32_t next_point(const char **text);

void ht_synthetic_store_finish(struct ht_synthetic_store *store)
{
    while (store->blocks != NULL) {
        struct ht_synthetic_block *block = store->blocks;
        store->blocks = block->next;
        free(block);
    }
    *store = (struct ht_synthetic_store){0};
}

struct ht_slice ht_synthetic_store_copy(struct ht_synthetic_store *store, struct ht_slice slice)
{
    HT_ASSERT(slice.length <= BLOCK_BYTES);
    struct ht_synthetic_block *block = store->blocks;
    if (block == NULL || BLOCK_BYTES - block->used < slice.length) {
        block = malloc(sizeof(*block));
        if (block == NULL) {
            store->failed = true;
            return HT_SLICE("");
        }
        block->next = store->blocks;
        block->used = 0;
        store->blocks = block;
    }
    char *bytes = block->bytes + block->used;
    memcpy(bytes, slice.data, slice.length);
    block->used += slice.length;
    return ht_slice_make(bytes, slice.length);
}

struct ht_synthetic_piece ht_synthetic_piece_make(struct ht_synthetic_store *store,
                                                  const char *text, bool html)
{
    struct draft draft;
    draft.utf8_length = draft.escaped_length = draft.points = 0;
    HT_ASSERT(strlen(text) <= MAX_TEXT_BYTES);
    while (*text != '\0') {
        uint32_t point = next_point(&text);
        const char *entity = html ? html_entity(point) : NULL;
        if (entity == NULL) {
            draft_add(&draft, point);
        }
        while (entity != NULL && *entity != '\0') {
            draft_add(&draft, (uint32_t)*entity++);
        }
    }
    return draft_take(&draft, store);
}

struct ht_synthetic_piece ht_synthetic_piece_spell(struct ht_synthetic_store *store,
                                                   const char *word,
                                                   enum ht_synthetic_spelling spelling)
{
    struct draft draft;
    draft.utf8_length = draft.escaped_length = draft.points = 0;
    HT_ASSERT(strlen(word) <= MAX_TEXT_BYTES);
    while (*word != '\0') {
        uint32_t point = next_point(&word);
        bool is_letter = point >= 'a' && point <= 'z';
        if (spelling == HT_SYNTHETIC_WIDE && is_letter) {
            draft_add(&draft, 0xFF41 + point - 'a');
        } else if (spelling == HT_SYNTHETIC_BOLD && is_letter) {
            draft_add(&draft, 0x1D41A + point - 'a');
        } else if (spelling == HT_SYNTHETIC_UPPER ||
                   (spelling == HT_SYNTHETIC_TITLE && draft.points == 0)) {
            draft_add_upper(&draft, point);
        } else {
            draft_add(&draft, point);
        }
    }
    return draft_take(&draft, store);
}

size_t ht_synthetic_escaped_bytes(struct ht_slice escaped, unsigned points)
{
    size_t at = 0;
    for (; points > 0 && at < escaped.length; points--) {
        const char *c = escaped.data + at;
        if (c[0] != '\\') {
            at += 1;
        } else if (c[1] != 'u') {
            at += 2;
        } else {
            /* d8xx to dbxx: the first half of a pair */
            bool is_pair =
                c[2] == 'd' && (c[3] == '8' || c[3] == '9' || c[3] == 'a' || c[3] == 'b');
            at += is_pair ? 12 : 6;
        }
    }
    return at;
}

static void draft_add(struct draft *draft, uint32_t point)
{
    draft_add_utf8(draft, point);
    draft_add_escaped(draft, point);
    draft->points++;
}

static void draft_add_utf8(struct draft *draft, uint32_t point)
{
    char *out = draft->utf8 + draft->utf8_length;
    if (point < 0x80) {
        out[0] = (char)point;
        draft->utf8_length += 1;
    } else if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        draft->utf8_length += 2;
    } else if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        draft->utf8_length += 3;
    } else {
        out[0] = (char)(0xF0 | point >> 18);
        out[1] = (char)(0x80 | (point >> 12 & 0x3F));
        out[2] = (char)(0x80 | (point >> 6 & 0x3F));
        out[3] = (char)(0x80 | (point & 0x3F));
        draft->utf8_length += 4;
    }
}

static void draft_add_escaped(struct draft *draft, uint32_t point)
{
    if (point >= 0x10000) {
        draft_add_unit(draft, 0xD800 + ((point - 0x10000) >> 10));
        draft_add_unit(draft, 0xDC00 + ((point - 0x10000) & 0x3FF));
    } else if (point >= 0x80) {
        draft_add_unit(draft, point);
    } else {
        /* Twitter writes a slash as \/. */
        if (point == '"' || point == '\\' || point == '/') {
            draft->escaped[draft->escaped_length++] = '\\';
        }
        draft->escaped[draft->escaped_length++] = (char)point;
    }
}

static void draft_add_unit(struct draft *draft, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    char *out = draft->escaped + draft->escaped_length;
    out[0] = '\\';
    out[1] = 'u';
    out[2] = digits[unit >> 12 & 15];
    out[3] = digits[unit >> 8 & 15];
    out[4] = digits[unit >> 4 & 15];
    out[5] = digits[unit & 15];
    draft->escaped_length += 6;
}

static void draft_add_upper(struct draft *draft, uint32_t point)
{
    if (point == 0xDF) { /* sharp s */
        draft_add(draft, 'S');
        draft_add(draft, 'S');
    } else {
        draft_add(draft, upper_case(point));
    }
}

static struct ht_synthetic_piece draft_take(struct draft *draft, struct ht_synthetic_store *store)
{
    return (struct ht_synthetic_piece){
        .utf8 = ht_synthetic_store_copy(store, ht_slice_make(draft->utf8, draft->utf8_length)),
        .escaped =
            ht_synthetic_store_copy(store, ht_slice_make(draft->escaped, draft->escaped_length)),
        .points = draft->points,
    };
}

static const char *html_entity(uint32_t point)
{
    switch (point) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

/* The upper case of the letters that the word tables use. Dotless i stays: its upper case is I,
 * which folds to another hashtag. */
static uint32_t upper_case(uint32_t point)
{
    static const struct {
        uint32_t first, last;
        int32_t distance; /* to the upper case */
        uint32_t step;    /* 2: every other letter is lower case, the first one is */
    } rows[] = {
        {'a', 'z', -0x20, 1},
        {0xE0, 0xF6, -0x20, 1},
        {0xF8, 0xFE, -0x20, 1},
        {0x101, 0x12F, -1, 2},
        {0x13A, 0x148, -1, 2},
        {0x14B, 0x177, -1, 2},
        {0x17A, 0x17E, -1, 2},
        {0x1A1, 0x1A1, -1, 1},
        {0x1B0, 0x1B0, -1, 1},
        {0x3AC, 0x3AC, -0x26, 1},
        {0x3AD, 0x3AF, -0x25, 1},
        {0x3B1, 0x3C1, -0x20, 1},
        {0x3C2, 0x3C2, -0x1F, 1} /* final sigma */,
        {0x3C3, 0x3C9, -0x20, 1},
        {0x3CC, 0x3CC, -0x40, 1},
        {0x3CD, 0x3CE, -0x3F, 1},
        {0x430, 0x44F, -0x20, 1},
        {0x450, 0x45F, -0x50, 1},
        {0x1EA1, 0x1EF9, -1, 2},
    };
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        if (point >= rows[i].first && point <= rows[i].last) {
            bool is_lower = (point - rows[i].first) % rows[i].step == 0;
            return is_lower ? (uint32_t)((int32_t)point + rows[i].distance) : point;
        }
    }
    return point;
}

/* Reads one code point of valid UTF-8 and moves past it. */
static uint32_t next_point(const char **text)
{
    const unsigned char *c = (const unsigned char *)*text;
    unsigned length = c[0] < 0x80 ? 1 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
    uint32_t point = length == 1 ? c[0] : c[0] & (0x7Fu >> length);
    for (unsigned i = 1; i < length; i++) {
        point = point << 6 | (c[i] & 0x3F);
    }
    *text += length;
    return point;
}
