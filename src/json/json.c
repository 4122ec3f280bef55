// SPDX-License-Identifier: MIT
#include "hashtagd/json/json.h"

#include "json_load.h"

#include <stdio.h>
#include <stdlib.h>

/* A struct ht_json is a json_t under another name. */

static json_t *native(const struct ht_json *value)
{
    return (json_t *)(uintptr_t)value;
}

static struct ht_json *ours(const json_t *value)
{
    return (struct ht_json *)(uintptr_t)value;
}

static struct ht_json *parse(struct ht_slice text, size_t flags, json_error_t *failure,
                             struct ht_json_place *place, struct ht_error *error);
static const struct ht_json *find_step(const struct ht_json *value, const char **path);
static int get(const struct ht_json *value, const char *path, unsigned types,
               const struct ht_json **out, struct ht_error *error);

struct ht_json *ht_json_parse(struct ht_slice text, unsigned flags, struct ht_json_place *place,
                              struct ht_error *error)
{
    json_error_t failure;
    size_t native_flags = JSON_ALLOW_NUL;
    if (flags & HT_JSON_REFUSE_DUPLICATES) {
        native_flags |= JSON_REJECT_DUPLICATES;
    }
    if (!(flags & HT_JSON_ROOT_IS_CONTAINER)) {
        native_flags |= JSON_DECODE_ANY;
    }
    return parse(text, native_flags, &failure, place, error);
}

struct ht_json *ht_json_parse_prefix(struct ht_slice text, size_t *consumed,
                                     struct ht_json_place *place, struct ht_error *error)
{
    json_error_t failure;
    size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
    struct ht_json *root = parse(text, flags, &failure, place, error);
    *consumed = root == NULL ? 0 : (size_t)failure.position;
    return root;
}

static struct ht_json *parse(struct ht_slice text, size_t flags, json_error_t *failure,
                             struct ht_json_place *place, struct ht_error *error)
{
    bool has_memory;
    json_t *root = ht_json_load(text, flags, failure, &has_memory);
    if (root != NULL) {
        return ours(root);
    }
    size_t offset = failure->position < 0 ? 0 : (size_t)failure->position;
    struct ht_json_place where =
        ht_json_place_at(text, offset < text.length ? offset : text.length);
    if (place != NULL) {
        *place = where;
    }
    if (!has_memory) {
        ht_error_set(error, HT_ENOMEM, "out of memory while reading JSON");
        return NULL;
    }
    ht_error_set(error, HT_EPARSE, "line %zu, column %zu: %s", where.line, where.column,
                 failure->text);
    return NULL;
}

void ht_json_destroy(struct ht_json *root)
{
    json_decref(native(root));
}

enum ht_json_type ht_json_type(const struct ht_json *value)
{
    switch (json_typeof(native(value))) {
    case JSON_OBJECT:
        return HT_JSON_OBJECT;
    case JSON_ARRAY:
        return HT_JSON_ARRAY;
    case JSON_STRING:
        return HT_JSON_STRING;
    case JSON_INTEGER:
        return HT_JSON_INTEGER;
    case JSON_REAL:
        return HT_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return HT_JSON_BOOLEAN;
    case JSON_NULL:
        break;
    }
    return HT_JSON_NULL;
}

const char *ht_json_type_name(enum ht_json_type type)
{
    static const char *const names[] = {
        [HT_JSON_OBJECT] = "an object", [HT_JSON_ARRAY] = "an array",
        [HT_JSON_STRING] = "a string",  [HT_JSON_INTEGER] = "a whole number",
        [HT_JSON_REAL] = "a number",    [HT_JSON_BOOLEAN] = "true or false",
        [HT_JSON_NULL] = "null",
    };
    return names[type];
}

const struct ht_json *ht_json_member(const struct ht_json *object, const char *key)
{
    return ours(json_object_get(native(object), key));
}

const struct ht_json *ht_json_element(const struct ht_json *array, size_t index)
{
    return ours(json_array_get(native(array), index));
}

size_t ht_json_count(const struct ht_json *value)
{
    return json_is_object(native(value)) ? json_object_size(native(value))
                                         : json_array_size(native(value));
}

const struct ht_json *ht_json_find(const struct ht_json *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        value = find_step(value, &path);
    }
    return value;
}

/* Takes one key or one [index] off the path. */
static const struct ht_json *find_step(const struct ht_json *value, const char **path)
{
    const char *text = *path;
    if (*text == '[') {
        size_t length = strcspn(text, "]");
        uint64_t index = 0;
        if (text[length] != ']' ||
            ht_slice_to_u64(ht_slice_make(text + 1, length - 1), SIZE_MAX, &index) != 0) {
            return NULL;
        }
        *path = text + length + 1;
        return ht_json_element(value, (size_t)index);
    }
    if (*text == '.') {
        text++;
    }
    size_t length = strcspn(text, ".[");
    *path = text + length;
    return ours(json_object_getn(native(value), text, length));
}

struct ht_slice ht_json_text(const struct ht_json *value)
{
    if (!json_is_string(native(value))) {
        return HT_SLICE("");
    }
    return ht_slice_make(json_string_value(native(value)), json_string_length(native(value)));
}

int64_t ht_json_i64(const struct ht_json *value)
{
    return json_integer_value(native(value));
}

double ht_json_real(const struct ht_json *value)
{
    return json_number_value(native(value));
}

bool ht_json_bool(const struct ht_json *value)
{
    return json_is_true(native(value));
}

int ht_json_get_text(const struct ht_json *value, const char *path, struct ht_slice *out,
                     struct ht_error *error)
{
    const struct ht_json *found = NULL;
    int result = get(value, path, 1u << HT_JSON_STRING, &found, error);
    if (result == 0) {
        *out = ht_json_text(found);
    }
    return result;
}

int ht_json_get_i64(const struct ht_json *value, const char *path, int64_t *out,
                    struct ht_error *error)
{
    const struct ht_json *found = NULL;
    int result = get(value, path, 1u << HT_JSON_INTEGER, &found, error);
    if (result == 0) {
        *out = ht_json_i64(found);
    }
    return result;
}

int ht_json_get_real(const struct ht_json *value, const char *path, double *out,
                     struct ht_error *error)
{
    const struct ht_json *found = NULL;
    int result = get(value, path, 1u << HT_JSON_REAL | 1u << HT_JSON_INTEGER, &found, error);
    if (result == 0) {
        *out = ht_json_real(found);
    }
    return result;
}

int ht_json_get_bool(const struct ht_json *value, const char *path, bool *out,
                     struct ht_error *error)
{
    const struct ht_json *found = NULL;
    int result = get(value, path, 1u << HT_JSON_BOOLEAN, &found, error);
    if (result == 0) {
        *out = ht_json_bool(found);
    }
    return result;
}

int ht_json_get_object(const struct ht_json *value, const char *path, const struct ht_json **out,
                       struct ht_error *error)
{
    return get(value, path, 1u << HT_JSON_OBJECT, out, error);
}

int ht_json_get_array(const struct ht_json *value, const char *path, const struct ht_json **out,
                      struct ht_error *error)
{
    return get(value, path, 1u << HT_JSON_ARRAY, out, error);
}

/* `types` has a bit for each type that will do; the last of them names what was expected. */
static int get(const struct ht_json *value, const char *path, unsigned types,
               const struct ht_json **out, struct ht_error *error)
{
    const struct ht_json *found = ht_json_find(value, path);
    if (found == NULL) {
        return ht_error_set(error, HT_ENOTFOUND, "%s is missing", path);
    }
    enum ht_json_type type = ht_json_type(found);
    if (types & 1u << type) {
        *out = found;
        return 0;
    }
    enum ht_json_type wanted = HT_JSON_NULL;
    while (!(types & 1u << wanted)) {
        wanted--;
    }
    return ht_error_set(error, HT_EINVAL, "%s is %s, expected %s", *path == '\0' ? "it" : path,
                        ht_json_type_name(type), ht_json_type_name(wanted));
}

struct ht_json_members ht_json_members(const struct ht_json *object)
{
    return (struct ht_json_members){.object = object};
}

bool ht_json_members_next(struct ht_json_members *members)
{
    json_t *object = native(members->object);
    members->position = members->position == NULL
                            ? json_object_iter(object)
                            : json_object_iter_next(object, members->position);
    if (members->position == NULL) {
        members->object = NULL;
        return false;
    }
    members->key = ht_slice_make(json_object_iter_key(members->position),
                                 json_object_iter_key_len(members->position));
    members->value = ours(json_object_iter_value(members->position));
    return true;
}

static int append_piece(const char *data, size_t length, void *buffer)
{
    return ht_buffer_append(buffer, data, length);
}

int ht_json_dump(const struct ht_json *value, struct ht_buffer *buffer)
{
    size_t before = buffer->length;
    if (json_dump_callback(native(value), append_piece, buffer, JSON_COMPACT | JSON_ENCODE_ANY) ==
        0) {
        return 0;
    }
    if (buffer->data != NULL) {
        buffer->length = before;
        buffer->data[before] = '\0';
    }
    int status = ht_buffer_status(buffer);
    return status != 0 ? status : HT_ENOMEM;
}

struct ht_json_place ht_json_place_at(struct ht_slice text, size_t offset)
{
    struct ht_json_place place = {.line = 1, .column = 1, .offset = offset};
    for (size_t i = 0; text.data != NULL && i < offset && i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

const char *ht_json_library_version(void)
{
    return jansson_version_str();
}
