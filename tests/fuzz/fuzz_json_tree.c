// SPDX-License-Identifier: MIT

/**
 * General JSON and the fast reader, of any bytes: the three scans and jansson agree on what is
 * valid; what is valid survives dumping, writing and parsing again; every value is found where
 * ht_json_locate() says; taking the text apart without checking gives the same members; numbers are
 * scaled as a double would be.
 */

#include "fuzz_data.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/number.h"
#include "hashtagd/json/parts.h"
#include "hashtagd/json/reader.h"
#include "hashtagd/json/writer.h"

#include <math.h>

#define TEXT_MAX_BYTES (1u << 22)

static struct ht_slice dump(const struct ht_json *value, struct ht_buffer *out)
{
    ht_buffer_init(out, TEXT_MAX_BYTES);
    FUZZ_CHECK(ht_json_dump(value, out) == 0, "dump");
    return ht_buffer_slice(out);
}

static void check_same_tree(const struct ht_json *a, const struct ht_json *b, const char *what)
{
    struct ht_buffer one, other;
    struct ht_slice first = dump(a, &one), second = dump(b, &other);
    FUZZ_CHECK_SAME(first, second, what);
    ht_buffer_finish(&one);
    ht_buffer_finish(&other);
}

static unsigned depth_of(const struct ht_json *value)
{
    unsigned most = 0;
    struct ht_json_members members = ht_json_members(value);
    while (ht_json_members_next(&members)) {
        unsigned depth = depth_of(members.value);
        most = depth > most ? depth : most;
    }
    for (size_t i = 0; ht_json_type(value) == HT_JSON_ARRAY && i < ht_json_count(value); i++) {
        unsigned depth = depth_of(ht_json_element(value, i));
        most = depth > most ? depth : most;
    }
    return most + 1;
}

static unsigned brackets_of(struct ht_slice text)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += text.data[i] == '{' || text.data[i] == '[';
    }
    return count;
}

/* -- scans ------------------------------------------------------------------------------ */

/* The reader's text and number of each value are those of the tree. Repeated keys make the walk see
 * more than the tree has, so objects with them are left out. */
static void check_walk(const struct ht_json_reader *reader, struct ht_json_value container,
                       const struct ht_json *tree)
{
    struct ht_json_walk walk = ht_json_walk(reader, container);
    struct ht_buffer arena;
    size_t index = 0;
    ht_buffer_init(&arena, TEXT_MAX_BYTES);
    size_t members = 0;
    while (ht_json_walk_next(&walk)) {
        members++;
    }
    if (members != ht_json_count(tree)) {
        FUZZ_CHECK(container.kind == '{' && members > ht_json_count(tree), "%zu", members);
        return;
    }
    walk = ht_json_walk(reader, container);
    while (ht_json_walk_next(&walk)) {
        const struct ht_json *value = ht_json_element(tree, index);
        struct ht_slice text;
        if (container.kind == '{') {
            FUZZ_CHECK(ht_json_reader_text(reader, walk.key, &arena, &text) == 0, "key");
            char *key = fuzz_text(text);
            value = ht_json_member(tree, key);
            free(key);
        }
        FUZZ_CHECK(value != NULL, "member %zu is missing", index);
        enum ht_json_type type = ht_json_type(value);
        char kind = walk.value.kind;
        FUZZ_CHECK(type == HT_JSON_OBJECT    ? kind == '{'
                   : type == HT_JSON_ARRAY   ? kind == '['
                   : type == HT_JSON_STRING  ? kind == '"'
                   : type == HT_JSON_BOOLEAN ? kind == (ht_json_bool(value) ? 't' : 'f')
                   : type == HT_JSON_NULL    ? kind == 'n'
                                             : kind == '0',
                   "%c is no %s", kind, ht_json_type_name(type));
        if (kind == '"') {
            FUZZ_CHECK(ht_json_reader_text(reader, walk.value, &arena, &text) == 0, "text");
            FUZZ_CHECK_SAME(text, ht_json_text(value), "text");
        } else if (kind == '{' || kind == '[') {
            check_walk(reader, walk.value, value);
        }
        index++;
    }
    ht_buffer_finish(&arena);
}

static void check_scans(struct ht_slice text, const struct ht_json *tree)
{
    static const enum ht_json_level levels[] = {HT_JSON_LEVEL_PLAIN, HT_JSON_LEVEL_SSE2,
                                                HT_JSON_LEVEL_AVX2};
    bool is_judged = brackets_of(text) <= HT_JSON_DEPTH_MAX ||
                     (tree != NULL && depth_of(tree) <= HT_JSON_DEPTH_MAX);
    bool has_nul = text.length > 0 && memchr(text.data, '\0', text.length) != NULL;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct ht_json_reader reader;
        size_t offset = 0;
        ht_json_reader_init(&reader, TEXT_MAX_BYTES);
        if (ht_json_reader_use(&reader, levels[i])) {
            bool is_valid = ht_json_reader_scan(&reader, text, &offset) == HT_JSON_VERDICT_OK;
            bool expected = tree != NULL && !has_nul;
            FUZZ_CHECK(!is_judged || is_valid == expected, "level %d: %d, judge %d, at %zu",
                       (int)levels[i], is_valid, expected, offset);
            FUZZ_CHECK(is_valid || offset <= text.length + 64, "%zu", offset);
            if (is_valid && tree != NULL) {
                check_walk(&reader, ht_json_reader_root(&reader), tree);
            }
        }
        ht_json_reader_finish(&reader);
    }
}

/* -- writing ---------------------------------------------------------------------------- */

static void write_value(struct ht_json_writer *writer, const struct ht_json *value)
{
    struct ht_json_members members = ht_json_members(value);
    switch (ht_json_type(value)) {
    case HT_JSON_OBJECT:
        ht_json_write_object_begin(writer);
        while (ht_json_members_next(&members)) {
            ht_json_write_key_slice(writer, members.key);
            write_value(writer, members.value);
        }
        ht_json_write_object_end(writer);
        break;
    case HT_JSON_ARRAY:
        ht_json_write_array_begin(writer);
        for (size_t i = 0; i < ht_json_count(value); i++) {
            write_value(writer, ht_json_element(value, i));
        }
        ht_json_write_array_end(writer);
        break;
    case HT_JSON_STRING:
        ht_json_write_slice(writer, ht_json_text(value));
        break;
    case HT_JSON_INTEGER:
        ht_json_write_i64(writer, ht_json_i64(value));
        break;
    case HT_JSON_REAL:
        ht_json_write_real(writer, ht_json_real(value));
        break;
    case HT_JSON_BOOLEAN:
        ht_json_write_bool(writer, ht_json_bool(value));
        break;
    case HT_JSON_NULL:
        ht_json_write_null(writer);
        break;
    }
}

/* A whole double may come back as a whole number: compared by value. */
static void check_equal(const struct ht_json *a, const struct ht_json *b)
{
    enum ht_json_type type = ht_json_type(a);
    FUZZ_CHECK(ht_json_count(a) == ht_json_count(b), "%zu, %zu", ht_json_count(a),
               ht_json_count(b));
    struct ht_json_members one = ht_json_members(a), other = ht_json_members(b);
    while (ht_json_members_next(&one) && ht_json_members_next(&other)) {
        FUZZ_CHECK_SAME(one.key, other.key, "key");
        check_equal(one.value, other.value);
    }
    for (size_t i = 0; type == HT_JSON_ARRAY && i < ht_json_count(a); i++) {
        check_equal(ht_json_element(a, i), ht_json_element(b, i));
    }
    if (type == HT_JSON_REAL) {
        double x = ht_json_real(a), y = ht_json_real(b);
        FUZZ_CHECK(memcmp(&x, &y, sizeof(x)) == 0 || (x == y && x == 0), "%.17g, %.17g", x, y);
        return;
    }
    FUZZ_CHECK(type == ht_json_type(b), "%d, %d", (int)type, (int)ht_json_type(b));
    FUZZ_CHECK_SAME(ht_json_text(a), ht_json_text(b), "text");
    FUZZ_CHECK(ht_json_i64(a) == ht_json_i64(b) && ht_json_bool(a) == ht_json_bool(b), "value");
}

static void check_writing(const struct ht_json *tree)
{
    struct ht_buffer text;
    struct ht_json_writer writer;
    if (depth_of(tree) > HT_JSON_WRITER_DEPTH_MAX) {
        return;
    }
    ht_buffer_init(&text, TEXT_MAX_BYTES);
    ht_json_writer_init(&writer, &text);
    write_value(&writer, tree);
    FUZZ_CHECK(ht_json_writer_status(&writer) == 0, "writer");
    struct ht_json *again =
        ht_json_parse(ht_buffer_slice(&text), HT_JSON_REFUSE_DUPLICATES, NULL, NULL);
    FUZZ_CHECK(again != NULL, "%.*s", FUZZ_TEXT(ht_buffer_slice(&text)));
    check_equal(tree, again);
    ht_json_destroy(again);
    ht_buffer_finish(&text);
}

/* Any bytes become a string that parses, and valid ones the same. */
static void check_string(struct ht_slice bytes)
{
    struct ht_buffer text;
    ht_buffer_init(&text, TEXT_MAX_BYTES);
    ht_json_append_string(&text, bytes);
    struct ht_json *value = ht_json_parse(ht_buffer_slice(&text), 0, NULL, NULL);
    FUZZ_CHECK(value != NULL && ht_json_type(value) == HT_JSON_STRING, "%.*s",
               FUZZ_TEXT(ht_buffer_slice(&text)));
    FUZZ_CHECK(fuzz_is_utf8(ht_json_text(value)), "no UTF-8");
    if (fuzz_is_utf8(bytes)) {
        FUZZ_CHECK_SAME(ht_json_text(value), bytes, "string");
    }
    ht_json_destroy(value);
    ht_buffer_finish(&text);
}

/* -- places ----------------------------------------------------------------------------- */

static bool is_nameable(struct ht_slice key)
{
    return key.length > 0 && memchr(key.data, '.', key.length) == NULL &&
           memchr(key.data, '[', key.length) == NULL && memchr(key.data, ']', key.length) == NULL;
}

static void check_place(struct ht_slice text, const struct ht_json *root, const char *path,
                        const struct ht_json *value)
{
    struct ht_json_place place, again;
    FUZZ_CHECK(ht_json_find(root, path) == value, "find %s", path);
    FUZZ_CHECK(ht_json_locate(text, path, false, &place) == 0, "locate %s", path);
    FUZZ_CHECK(place.offset < text.length && place.line > 0 && place.column > 0, "%zu",
               place.offset);
    again = ht_json_place_at(text, place.offset);
    FUZZ_CHECK(again.line == place.line && again.column == place.column, "%zu:%zu", place.line,
               place.column);
    size_t consumed = 0;
    struct ht_json *there = ht_json_parse_prefix(
        ht_slice_make(text.data + place.offset, text.length - place.offset), &consumed, NULL, NULL);
    FUZZ_CHECK(there != NULL, "nothing at %s", path);
    check_same_tree(value, there, path);
    ht_json_destroy(there);
}

static void check_places(struct ht_slice text, const struct ht_json *root, const char *path,
                         const struct ht_json *value, unsigned *left)
{
    char longer[1024];
    struct ht_json_members members = ht_json_members(value);
    while (*left > 0 && ht_json_members_next(&members)) {
        if (is_nameable(members.key) && strlen(path) + members.key.length + 8 < sizeof(longer)) {
            (void)snprintf(longer, sizeof(longer), "%s%s%s", path, *path != '\0' ? "." : "",
                           members.key.data);
            --*left;
            check_place(text, root, longer, members.value);
            check_places(text, root, longer, members.value, left);
        }
    }
    for (size_t i = 0;
         *left > 0 && ht_json_type(value) == HT_JSON_ARRAY && i < ht_json_count(value); i++) {
        if (strlen(path) + 24 < sizeof(longer)) {
            (void)snprintf(longer, sizeof(longer), "%s[%zu]", path, i);
            --*left;
            check_place(text, root, longer, ht_json_element(value, i));
            check_places(text, root, longer, ht_json_element(value, i), left);
        }
    }
}

/* -- parts ------------------------------------------------------------------------------ */

static void check_parts(struct ht_slice text, const struct ht_json *tree)
{
    struct ht_json_parts parts = ht_json_parts(text);
    struct ht_slice key, value;
    size_t count = 0;
    while (ht_json_parts_next(&parts, &key, &value)) {
        FUZZ_CHECK(value.length > 0 && value.data >= text.data &&
                       value.data + value.length <= text.data + text.length,
                   "outside");
        if (tree != NULL && ht_json_type(tree) == HT_JSON_ARRAY) {
            struct ht_json *element = ht_json_parse(value, 0, NULL, NULL);
            FUZZ_CHECK(element != NULL, "element %zu: %.*s", count, FUZZ_TEXT(value));
            check_same_tree(ht_json_element(tree, count), element, "element");
            ht_json_destroy(element);
        }
        count++;
    }
    if (tree != NULL) {
        FUZZ_CHECK(!parts.is_broken, "broken");
        FUZZ_CHECK(ht_json_type(tree) == HT_JSON_ARRAY ? count == ht_json_count(tree)
                                                       : count >= ht_json_count(tree),
                   "%zu of %zu", count, ht_json_count(tree));
    }
    struct ht_slice found = ht_json_parts_find(text, "id");
    (void)ht_json_parts_plain_text(found);
}

static void check_number(struct ht_slice text, const struct ht_json *value)
{
    unsigned factors[] = {1, 1000};
    while (text.length > 0 && strchr(" \t\r\n", text.data[text.length - 1]) != NULL) {
        text.length--;
    }
    while (text.length > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text = ht_slice_make(text.data + 1, text.length - 1);
    }
    for (size_t i = 0; i < 2; i++) {
        int64_t scaled = ht_json_number_scaled(text, factors[i]);
        double real = ht_json_real(value) * factors[i];
        bool fits = isfinite(real) && fabs(real) < 4503599627370496.0 && text.length < 64;
        FUZZ_CHECK(!fits || fabs((double)scaled - real) <= 0.5 + fabs(real) * 1e-15,
                   "%lld for %.17g", (long long)scaled, real);
        FUZZ_CHECK(scaled >= -((int64_t)1 << 52) && scaled <= (int64_t)1 << 52, "%lld",
                   (long long)scaled);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));
    struct ht_slice text = ht_slice_make(copy, size);
    struct ht_json_place place;
    struct ht_error error = {0};
    bool has_nul = size > 0 && memchr(copy, '\0', size) != NULL;
    struct ht_json *root = ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, &place, &error);
    struct ht_json *any = ht_json_parse(text, 0, NULL, NULL);
    struct ht_json *strict = ht_json_parse(text, HT_JSON_REFUSE_DUPLICATES, NULL, NULL);
    FUZZ_CHECK(root != NULL || (error.code == HT_EPARSE && error.text[0] != '\0' &&
                                place.offset <= size && place.line > 0 && place.column > 0),
               "%s %zu", error.text, place.offset);
    FUZZ_CHECK((any != NULL || root == NULL) && (any != NULL || strict == NULL), "flags");
    check_scans(text, root);
    check_string(text);
    if (any != NULL && !has_nul) {
        check_writing(any);
        if (ht_json_type(any) == HT_JSON_INTEGER || ht_json_type(any) == HT_JSON_REAL) {
            check_number(text, any);
        }
    }
    check_parts(text, has_nul ? NULL : root);
    unsigned left = 64;
    if (root != NULL && !has_nul && depth_of(root) <= HT_JSON_DEPTH_MAX &&
        brackets_of(text) <= HT_JSON_DEPTH_MAX) {
        check_places(text, root, "", root, &left);
    }
    (void)ht_json_locate(text, "source.rules[2].value", size % 2 == 0, &place);
    (void)ht_json_number_scaled(text, 1000);
    ht_json_destroy(root);
    ht_json_destroy(any);
    ht_json_destroy(strict);
    free(copy);
    return 0;
}
