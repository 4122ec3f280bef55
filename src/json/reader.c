// SPDX-License-Identifier: MIT
#include "hashtagd/json/reader.h"

#include "hashtagd/base/assert.h"
#include "reader_scan.h"
#include "reader_tokens.h"

#include <stdlib.h>
#include <string.h>

static int reserve_masks(struct ht_json_reader *reader, size_t blocks);
static struct ht_json_value value_at(const struct ht_json_reader *reader, uint32_t begin,
                                     uint32_t bracket);
static void find_in_gap(const struct ht_json_reader *reader, const struct ht_json_keys *keys,
                        uint32_t begin, uint32_t bracket, struct ht_json_value *found);
static void find_slowly(const struct ht_json_reader *reader, struct ht_json_value object,
                        const struct ht_json_keys *keys, struct ht_json_value *found);

/* -- life ------------------------------------------------------------------------------- */

void ht_json_reader_init(struct ht_json_reader *reader, size_t max_bytes)
{
    HT_ASSERT(max_bytes < 1u << 31);
    *reader = (struct ht_json_reader){.max_bytes = max_bytes, .level = ht_scan_best_level()};
}

void ht_json_reader_finish(struct ht_json_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    free(reader->quotes);
    free(reader->brackets);
    *reader = (struct ht_json_reader){0};
}

bool ht_json_reader_use(struct ht_json_reader *reader, enum ht_json_level level)
{
    if (level > ht_scan_best_level()) {
        return false;
    }
    reader->level = level;
    return true;
}

enum ht_json_verdict ht_json_reader_scan(struct ht_json_reader *reader, struct ht_slice text,
                                         size_t *offset)
{
    size_t where = 0;
    enum ht_json_verdict verdict = HT_JSON_VERDICT_CUT_OFF;
    reader->text = text;
    if (text.length > reader->max_bytes) {
        where = reader->max_bytes;
        verdict = HT_JSON_VERDICT_TOO_LARGE;
    } else if (reserve_masks(reader, (text.length + 63) / 64) != 0) {
        verdict = HT_JSON_VERDICT_NO_MEMORY;
    } else if (text.length > 0) {
        verdict = ht_scan_text(reader, &where);
    }
    if (offset != NULL) {
        *offset = where;
    }
    return verdict;
}

/* Both kinds of masks are in one piece of memory, which only ever grows. */
static int reserve_masks(struct ht_json_reader *reader, size_t blocks)
{
    if (blocks <= reader->block_capacity) {
        return 0;
    }
    size_t capacity = blocks < 64 ? 64 : blocks + blocks / 2;
    uint64_t *masks = malloc(capacity * 2 * sizeof(uint64_t));
    if (masks == NULL) {
        return HT_ENOMEM;
    }
    free(reader->quotes);
    reader->quotes = masks;
    reader->colons = masks + capacity;
    reader->block_capacity = capacity;
    return 0;
}

const char *ht_json_verdict_text(enum ht_json_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) [HT_JSON_VERDICT_##name] = text,
        HT_JSON_VERDICT_MAP(X)
#undef X
    };
    return texts[verdict];
}

/* -- single values ---------------------------------------------------------------------- */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static uint32_t skip_space(const struct ht_json_reader *reader, uint32_t at)
{
    while (is_space(reader->text.data[at])) {
        at++;
    }
    return at;
}

/* The quote that ends the string which begins at `begin`. */
static uint32_t closing_quote(const struct ht_json_reader *reader, uint32_t begin)
{
    uint32_t at = begin + 1, block = at >> 6;
    uint64_t quotes = reader->quotes[block] >> (at & 63) << (at & 63);
    while (quotes == 0) {
        quotes = reader->quotes[++block];
    }
    return (block << 6) + (uint32_t)__builtin_ctzll(quotes);
}

static uint32_t primitive_end(const struct ht_json_reader *reader, uint32_t at)
{
    char byte;
    do {
        byte = reader->text.data[++at];
    } while (byte != ',' && byte != '}' && byte != ']' && !is_space(byte));
    return at;
}

/* The value at `begin`; `bracket` is the number of the first bracket from there on. */
static struct ht_json_value value_at(const struct ht_json_reader *reader, uint32_t begin,
                                     uint32_t bracket)
{
    struct ht_json_value value = {.begin = begin, .bracket = bracket};
    value.kind = reader->text.data[begin];
    if (value.kind == '"') {
        value.end = closing_quote(reader, begin) + 1;
    } else if (value.kind == '{' || value.kind == '[') {
        value.end = reader->brackets[reader->brackets[bracket].match].position + 1;
    } else {
        value.end = primitive_end(reader, begin);
        if (value.kind <= '9') {
            value.kind = '0';
        }
    }
    return value;
}

struct ht_json_value ht_json_reader_root(const struct ht_json_reader *reader)
{
    return value_at(reader, reader->brackets[0].position, 0);
}

struct ht_slice ht_json_reader_raw(const struct ht_json_reader *reader, struct ht_json_value value)
{
    return ht_slice_make(reader->text.data + value.begin, value.end - value.begin);
}

/* -- keys ------------------------------------------------------------------------------- */

/* Keys are told apart by their last two bytes first. */
static unsigned key_hash(const char *end)
{
    uint16_t tail;
    memcpy(&tail, end - 2, sizeof(tail));
    return (uint32_t)tail * 0x9e3779b1u >> 26;
}

void ht_json_keys_init(struct ht_json_keys *keys, const char *const *names, size_t count)
{
    HT_ASSERT(count > 0 && count <= HT_JSON_KEYS_MAX);
    *keys = (struct ht_json_keys){.names = names, .count = (uint8_t)count};
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        HT_ASSERT(length >= 2 && length <= 64);
        unsigned hash = key_hash(names[i] + length);
        keys->length[i] = (uint8_t)length;
        keys->next[i] = keys->first[hash];
        keys->first[hash] = (uint8_t)(i + 1);
    }
}

/*
 * The members of an object itself, not of what is inside of it, have their colons in the gaps
 * between its own bracket, those of its children, and its end.
 */
void ht_json_reader_find(const struct ht_json_reader *reader, struct ht_json_value object,
                         const struct ht_json_keys *keys, struct ht_json_value *found)
{
    memset(found, 0, keys->count * sizeof(*found));
    if (object.kind != '{') {
        return;
    }
    if (reader->has_escaped_keys) {
        find_slowly(reader, object, keys, found);
        return;
    }
    const struct ht_json_bracket *brackets = reader->brackets;
    uint32_t last = brackets[object.bracket].match, begin = object.begin + 1;
    for (uint32_t next = object.bracket + 1;; next = brackets[next].match + 1) {
        find_in_gap(reader, keys, begin, next, found);
        if (next == last) {
            break;
        }
        begin = brackets[brackets[next].match].position + 1;
    }
}

/* The key that ends with the quote at `end`: its index in `keys`, or -1. */
static int key_index(const struct ht_json_keys *keys, const char *text, const char *end)
{
    for (unsigned i = keys->first[key_hash(end)]; i != 0; i = keys->next[i - 1]) {
        size_t length = keys->length[i - 1];
        const char *begin = (size_t)(end - text) > length ? end - length : text;
        /* a shorter key's own quote stops the comparison */
        if (begin > text && begin[-1] == '"' && memcmp(begin, keys->names[i - 1], length) == 0) {
            return (int)i - 1;
        }
    }
    return -1;
}

/* Looks at the colons from `begin` up to bracket number `bracket`. */
static void find_in_gap(const struct ht_json_reader *reader, const struct ht_json_keys *keys,
                        uint32_t begin, uint32_t bracket, struct ht_json_value *found)
{
    uint32_t end = reader->brackets[bracket].position;
    uint32_t block = begin >> 6, last_block = end >> 6;
    uint64_t colons = reader->colons[block] >> (begin & 63) << (begin & 63);
    for (;;) {
        if (block == last_block) {
            colons &= (1ull << (end & 63)) - 1;
        }
        for (; colons != 0; colons &= colons - 1) {
            uint32_t colon = (block << 6) + (uint32_t)__builtin_ctzll(colons);
            uint32_t quote = colon - 1;
            while (reader->text.data[quote] != '"') {
                quote--;
            }
            int index = key_index(keys, reader->text.data, reader->text.data + quote);
            if (index >= 0) {
                found[index] = value_at(reader, skip_space(reader, colon + 1), bracket);
            }
        }
        if (block++ == last_block) {
            break;
        }
        colons = reader->colons[block];
    }
}

/* With keys that have escapes in them, each is resolved and compared. */
static void find_slowly(const struct ht_json_reader *reader, struct ht_json_value object,
                        const struct ht_json_keys *keys, struct ht_json_value *found)
{
    struct ht_json_walk walk = ht_json_walk(reader, object);
    while (ht_json_walk_next(&walk)) {
        /* the longest key with each of its bytes written \u0000 */
        char plain[64 * 6];
        struct ht_slice key = ht_json_reader_raw(reader, walk.key);
        if (key.length - 2 > sizeof(plain)) {
            continue;
        }
        size_t length = ht_scan_unescape(ht_slice_make(key.data + 1, key.length - 2), plain);
        for (size_t i = 0; i < keys->count; i++) {
            if (keys->length[i] == length && memcmp(plain, keys->names[i], length) == 0) {
                found[i] = walk.value;
            }
        }
    }
}

/* -- walking ---------------------------------------------------------------------------- */

struct ht_json_walk ht_json_walk(const struct ht_json_reader *reader,
                                 struct ht_json_value container)
{
    struct ht_json_walk walk = {.reader = reader, .in_object = container.kind == '{'};
    if (walk.in_object || container.kind == '[') {
        walk.position = skip_space(reader, container.begin + 1);
        walk.end = container.end - 1;
        walk.bracket = container.bracket + 1;
    }
    return walk;
}

bool ht_json_walk_next(struct ht_json_walk *walk)
{
    if (walk->position >= walk->end) {
        return false;
    }
    uint32_t at = walk->position;
    if (walk->in_object) {
        walk->key = value_at(walk->reader, at, 0);
        at = skip_space(walk->reader, walk->key.end); /* the colon */
        at = skip_space(walk->reader, at + 1);
    }
    walk->value = value_at(walk->reader, at, walk->bracket);
    if (walk->value.kind == '{' || walk->value.kind == '[') {
        walk->bracket = walk->reader->brackets[walk->bracket].match + 1;
    }
    at = skip_space(walk->reader, walk->value.end); /* a comma or the end */
    walk->position = at >= walk->end ? walk->end : skip_space(walk->reader, at + 1);
    return true;
}

/* -- text ------------------------------------------------------------------------------- */

int ht_json_reader_text(const struct ht_json_reader *reader, struct ht_json_value value,
                        struct ht_buffer *arena, struct ht_slice *text)
{
    struct ht_slice raw = ht_json_reader_raw(reader, value);
    raw = ht_slice_make(raw.data + 1, raw.length - 2);
    if (memchr(raw.data, '\\', raw.length) == NULL) {
        *text = raw;
        return 0;
    }
    int result = ht_buffer_reserve(arena, raw.length);
    if (result != 0) {
        return result;
    }
    char *out = arena->data + arena->length;
    *text = ht_slice_make(out, ht_scan_unescape(raw, out));
    arena->length += text->length;
    arena->data[arena->length] = '\0';
    return 0;
}
