// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/fold.h"

#include <utf8proc.h>

/*
 * tag --strip--> ASCII or a script that folding leaves alone ---------------> copied
 *                everything else --> NFKC --> case folding --> NFKC --> strip
 *
 * Code points that one step may hold. A composed character of n bytes decomposes into at most
 * 1.5 n code points, so whatever is within the limit of bytes at the end fits here with room.
 */
#define CODE_POINTS_MAX 8192

/* UTF-8 between two steps. */
#define STEP_BYTES_MAX 16384

/* So many marks on one letter are sorted in place; more with the help of a table. */
#define FEW_MARKS 32

static struct ht_slice strip(struct ht_slice text);
static bool is_utf8(struct ht_slice text);
static bool fold_plain(struct ht_slice tag, char *out, size_t *length);
static int fold_unicode(struct ht_slice tag, char *out, size_t *length);
static int decompose_compose(struct ht_slice text, int32_t *points, size_t *count);
static int decompose(struct ht_slice text, int32_t *points, size_t *count);
static void order_marks(int32_t *points, size_t count);
static int fold_case(const int32_t *points, size_t count, char *text, size_t *length);

int ht_fold_tag(enum ht_fold_mode mode, struct ht_slice tag, char *out, size_t *length)
{
    tag = mode == HT_FOLD_CASE ? strip(tag) : ht_fold_strip_hash(tag);
    if (tag.length == 0) {
        return HT_EINVAL;
    }
    if (mode == HT_FOLD_CASE && tag.length <= HT_FOLD_BYTES_MAX && fold_plain(tag, out, length)) {
        return 0;
    }
    if (mode == HT_FOLD_CASE) {
        return fold_unicode(tag, out, length);
    }
    if (tag.length > HT_FOLD_BYTES_MAX) {
        return HT_ETOOBIG;
    }
    if (!is_utf8(tag)) {
        return HT_EPARSE;
    }
    memcpy(out, tag.data, tag.length);
    *length = tag.length;
    return 0;
}

struct ht_slice ht_fold_strip_hash(struct ht_slice tag)
{
    for (;;) {
        size_t skip = 0;
        if (ht_slice_starts_with(tag, HT_SLICE("#"))) {
            skip = 1;
        } else if (ht_slice_starts_with(tag, HT_SLICE("\xef\xbc\x83"))) {
            skip = 3;
        } else {
            return tag;
        }
        tag = ht_slice_make(tag.data + skip, tag.length - skip);
    }
}

static bool is_utf8(struct ht_slice text)
{
    const utf8proc_uint8_t *data = (const utf8proc_uint8_t *)text.data;
    for (size_t i = 0; i < text.length;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t bytes = 1;
        if (data[i] >= 0x80) {
            bytes = utf8proc_iterate(data + i, (utf8proc_ssize_t)(text.length - i), &point);
        }
        if (bytes <= 0) {
            return false;
        }
        i += (size_t)bytes;
    }
    return true;
}

/* U+200C, ZERO WIDTH NON-JOINER, or U+200D, ZERO WIDTH JOINER. */
static bool is_joiner(const char *data)
{
    return memcmp(data, "\xe2\x80\x8c", 3) == 0 || memcmp(data, "\xe2\x80\x8d", 3) == 0;
}

/* Without joiners at both ends and '#' in front, however they are mixed. */
static struct ht_slice strip(struct ht_slice text)
{
    for (;;) {
        text = ht_fold_strip_hash(text);
        if (text.length < 3 || !is_joiner(text.data)) {
            break;
        }
        text = ht_slice_make(text.data + 3, text.length - 3);
    }
    while (text.length >= 3 && is_joiner(text.data + text.length - 3)) {
        text.length -= 3;
    }
    return text;
}

/* A character of three bytes that has no case, no other form and never composes with its
 * neighbours in this set: hiragana, katakana with the long vowel mark, unified ideographs. */
static bool is_inert(const unsigned char *data)
{
    unsigned point = (data[0] & 15u) << 12 | (data[1] & 63u) << 6 | (data[2] & 63u);
    return (data[0] & 0xf0) == 0xe0 && (data[1] & 0xc0) == 0x80 && (data[2] & 0xc0) == 0x80 &&
           ((point >= 0x3041 && point <= 0x3096) || (point >= 0x30a1 && point <= 0x30fa) ||
            point == 0x30fc || (point >= 0x4e00 && point <= 0x9fff));
}

/* Folds what needs no tables; false where the tag does. */
static bool fold_plain(struct ht_slice tag, char *out, size_t *length)
{
    const unsigned char *data = (const unsigned char *)tag.data;
    for (size_t i = 0; i < tag.length;) {
        if (data[i] < 0x80) {
            unsigned char upper = (unsigned char)(data[i] - 'A') < 26;
            out[i] = (char)(data[i] | upper << 5);
            i++;
            continue;
        }
        if (tag.length - i < 3 || !is_inert(data + i)) {
            return false;
        }
        memcpy(out + i, data + i, 3);
        i += 3;
    }
    *length = tag.length;
    return true;
}

static int fold_unicode(struct ht_slice tag, char *out, size_t *length)
{
    int32_t points[CODE_POINTS_MAX];
    char text[STEP_BYTES_MAX];
    size_t count = 0;
    if (tag.length > HT_FOLD_INPUT_BYTES_MAX) {
        return HT_ETOOBIG;
    }
    int result = decompose_compose(tag, points, &count);
    if (result != 0) {
        return result;
    }
    size_t bytes = 0;
    result = fold_case(points, count, text, &bytes);
    if (result != 0) {
        return result;
    }
    result = decompose_compose(ht_slice_make(text, bytes), points, &count);
    if (result != 0) {
        return result;
    }
    bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (bytes + 4 > sizeof(text)) {
            return HT_ETOOBIG;
        }
        bytes += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)text + bytes);
    }
    struct ht_slice folded = strip(ht_slice_make(text, bytes));
    if (folded.length == 0 || folded.length > HT_FOLD_BYTES_MAX) {
        return folded.length == 0 ? HT_EINVAL : HT_ETOOBIG;
    }
    memcpy(out, folded.data, folded.length);
    *length = folded.length;
    return 0;
}

static const utf8proc_option_t nfkc = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;

/* NFKC: text to code points. */
static int decompose_compose(struct ht_slice text, int32_t *points, size_t *count)
{
    int result = decompose(text, points, count);
    if (result != 0) {
        return result;
    }
    order_marks(points, *count);
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(points, (utf8proc_ssize_t)*count, nfkc);
    if (composed < 0) {
        return HT_EPARSE;
    }
    *count = (size_t)composed;
    return 0;
}

static int decompose(struct ht_slice text, int32_t *points, size_t *count)
{
    const utf8proc_uint8_t *data = (const utf8proc_uint8_t *)text.data;
    *count = 0;
    for (size_t i = 0; i < text.length;) {
        utf8proc_int32_t point;
        int boundary = 0;
        utf8proc_ssize_t bytes =
            utf8proc_iterate(data + i, (utf8proc_ssize_t)(text.length - i), &point);
        if (bytes <= 0) {
            return HT_EPARSE;
        }
        utf8proc_ssize_t room = (utf8proc_ssize_t)(CODE_POINTS_MAX - *count);
        utf8proc_ssize_t needed =
            utf8proc_decompose_char(point, points + *count, room, nfkc, &boundary);
        if (needed < 0 || needed > room) {
            return HT_ETOOBIG;
        }
        *count += (size_t)needed;
        i += (size_t)bytes;
    }
    return 0;
}

static unsigned class_of(int32_t point)
{
    return (unsigned)utf8proc_get_property(point)->combining_class & 0xff;
}

static void order_few(int32_t *marks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int32_t mark = marks[i];
        size_t at = i;
        for (; at > 0 && class_of(marks[at - 1]) > class_of(mark); at--) {
            marks[at] = marks[at - 1];
        }
        marks[at] = mark;
    }
}

static void order_many(int32_t *marks, size_t count)
{
    int32_t ordered[CODE_POINTS_MAX];
    size_t begins[257] = {0};
    for (size_t i = 0; i < count; i++) {
        begins[class_of(marks[i]) + 1]++;
    }
    for (size_t class = 1; class < 257; class ++) {
        begins[class] += begins[class - 1];
    }
    for (size_t i = 0; i < count; i++) {
        ordered[begins[class_of(marks[i])]++] = marks[i];
    }
    memcpy(marks, ordered, count * sizeof(*marks));
}

/* The canonical order: marks on one letter by their class, those of one class as they stand.
 * utf8proc_decompose() moves each mark one place at a time: half a second for 16 kB of them. */
static void order_marks(int32_t *points, size_t count)
{
    for (size_t begin = 0; begin < count; begin++) {
        size_t end = begin;
        while (end < count && class_of(points[end]) != 0) {
            end++;
        }
        if (end - begin <= FEW_MARKS) {
            order_few(points + begin, end - begin);
        } else {
            order_many(points + begin, end - begin);
        }
        begin = end;
    }
}

/* Full case folding (C and F of CaseFolding.txt): code points to text. */
static int fold_case(const int32_t *points, size_t count, char *text, size_t *length)
{
    for (size_t i = 0; i < count; i++) {
        utf8proc_int32_t folded[8];
        int boundary = 0;
        utf8proc_ssize_t n =
            utf8proc_decompose_char(points[i], folded, 8, UTF8PROC_CASEFOLD, &boundary);
        if (n < 0 || n > 8 || *length + (size_t)n * 4 > STEP_BYTES_MAX) {
            return HT_ETOOBIG;
        }
        for (utf8proc_ssize_t k = 0; k < n; k++) {
            *length += (size_t)utf8proc_encode_char(folded[k], (utf8proc_uint8_t *)text + *length);
        }
    }
    return 0;
}
