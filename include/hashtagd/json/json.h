// SPDX-License-Identifier: MIT
#pragma once

/**
 * JSON for configuration, administration and small answers: a text becomes a tree of
 * values, which is asked by path. It is a thin layer over jansson; nobody else includes
 * <jansson.h>. Tweets on the hot path go through json/reader.h instead, writing goes
 * through json/writer.h.
 *
 *     struct ht_json *root = ht_json_parse(text, 0, NULL, &error);
 *     struct ht_slice name;
 *     if (root != NULL && ht_json_get_text(root, "source.rules[2].value", &name, &error) == 0)
 *         use(name);
 *     ht_json_destroy(root);
 *
 * A tree belongs to whoever parsed it. Values, keys and texts taken out of it are
 * borrowed: they live as long as the tree, which nobody changes. One thread at a time.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A value of a tree, or the tree by its root. Opaque. */
struct ht_json;

enum ht_json_type {
    HT_JSON_OBJECT,
    HT_JSON_ARRAY,
    HT_JSON_STRING,
    HT_JSON_INTEGER,
    HT_JSON_REAL,
    HT_JSON_BOOLEAN,
    HT_JSON_NULL,
};

/** What a text may be, beyond RFC 8259's plain document. */
enum ht_json_parse_flags {
    /** An object with the same key twice is refused; else the last one wins. */
    HT_JSON_REFUSE_DUPLICATES = 1,
    /** The root must be an object or an array; else it may be any value. */
    HT_JSON_ROOT_IS_CONTAINER = 2,
};

/** A place in a text, for people: both count from 1; a column is a character, not a byte. */
struct ht_json_place {
    size_t line;   /**< 1 and up */
    size_t column; /**< 1 and up; characters of UTF-8 */
    size_t offset; /**< 0 and up; bytes */
};

/**
 * Parses the whole of `text` (UTF-8; strings may hold U+0000, keys may not). `flags` are
 * of enum ht_json_parse_flags. Returns the root, to be freed with ht_json_destroy(), or
 * NULL; then `*place` (may be NULL) says where, and `error` (may be NULL) is HT_EPARSE with
 * "line 3, column 7: ..." or HT_ENOMEM. At most 2048 levels deep, where what is
 * in the innermost container is a level too; one fewer where a number, or a string with its quotes, has
 * more than 14 bytes.
 */
struct ht_json *ht_json_parse(struct ht_slice text, unsigned flags, struct ht_json_place *place,
                              struct ht_error *error) HT_MUST_CHECK;

/** Like ht_json_parse(), but stops behind the first value and says in `*consumed` how many bytes
 * it took: for values that stand one after the other. */
struct ht_json *ht_json_parse_prefix(struct ht_slice text, size_t *consumed,
                                     struct ht_json_place *place,
                                     struct ht_error *error) HT_MUST_CHECK;

/** Frees the tree. NULL is fine. Only for roots, never for a value inside a tree. */
void ht_json_destroy(struct ht_json *root);

/** What kind of value it is. */
enum ht_json_type ht_json_type(const struct ht_json *value);

/** The kind in words: "an object", "a string", "a whole number" ... Static. */
const char *ht_json_type_name(enum ht_json_type type);

/** The member `key` of an object; NULL where there is none or `object` is NULL or no object. */
const struct ht_json *ht_json_member(const struct ht_json *object, const char *key);

/** The element `index` of an array; NULL where there is none or `array` is NULL or no array. */
const struct ht_json *ht_json_element(const struct ht_json *array, size_t index);

/** How many members or elements; 0 for NULL and for everything that is no container. */
size_t ht_json_count(const struct ht_json *value);

/** The value at `path`: keys with '.' between them, elements as "[n]": "data.items[0].id". The
 * empty path is `value` itself. NULL where there is none. A key that holds '.' or '[' cannot be
 * named: use ht_json_member(). */
const struct ht_json *ht_json_find(const struct ht_json *value, const char *path);

/** A text value; an empty slice (data not NULL) where it is none or `value` is NULL. */
struct ht_slice ht_json_text(const struct ht_json *value);

/** A whole number; 0 where it is none or `value` is NULL. */
int64_t ht_json_i64(const struct ht_json *value);

/** A number, whole or not; 0 where it is none or `value` is NULL. */
double ht_json_real(const struct ht_json *value);

/** True only where the value is `true`. */
bool ht_json_bool(const struct ht_json *value);

/**
 * Typed getters: the value at `path` goes into `*out`. HT_ENOTFOUND where there is none,
 * HT_EINVAL where it is of another type; `error` (may be NULL) then names the path, what
 * was found and what was expected. `*out` stays untouched on errors.
 */
int ht_json_get_text(const struct ht_json *value, const char *path, struct ht_slice *out,
                     struct ht_error *error) HT_MUST_CHECK;
/** Like ht_json_get_text(), for a whole number. */
int ht_json_get_i64(const struct ht_json *value, const char *path, int64_t *out,
                    struct ht_error *error) HT_MUST_CHECK;
/** Like ht_json_get_text(), for a number, whole or not. */
int ht_json_get_real(const struct ht_json *value, const char *path, double *out,
                     struct ht_error *error) HT_MUST_CHECK;
/** Like ht_json_get_text(), for true or false. */
int ht_json_get_bool(const struct ht_json *value, const char *path, bool *out,
                     struct ht_error *error) HT_MUST_CHECK;
/** Like ht_json_get_text(), for an object. */
int ht_json_get_object(const struct ht_json *value, const char *path, const struct ht_json **out,
                       struct ht_error *error) HT_MUST_CHECK;
/** Like ht_json_get_text(), for an array. */
int ht_json_get_array(const struct ht_json *value, const char *path, const struct ht_json **out,
                      struct ht_error *error) HT_MUST_CHECK;

/** A walk over the members of an object, in the order of the text:
 *
 *     struct ht_json_members members = ht_json_members(object);
 *     while (ht_json_members_next(&members))
 *         use(members.key, members.value);
 */
struct ht_json_members {
    struct ht_slice key;          /**< of the current member; NUL-terminated */
    const struct ht_json *value;  /**< of the current member */
    const struct ht_json *object; /**< private */
    void *position;               /**< private */
};

/** Starts a walk; one over NULL or over something else than an object ends at once. */
struct ht_json_members ht_json_members(const struct ht_json *object);

/** Goes to the next (first) member; false where there is none left. */
bool ht_json_members_next(struct ht_json_members *members);

/** Appends `value` to `buffer` as compact JSON: members in order, no spaces. 0, HT_ENOMEM or
 * HT_ETOOBIG; on errors the buffer's content is as it was. */
int ht_json_dump(const struct ht_json *value, struct ht_buffer *buffer) HT_MUST_CHECK;

/**
 * Where in `text` (the text that was parsed) the value at `path` begins, or, with
 * `of_key`, the key of the last member on that path (its opening quote). For messages like
 * "file, line, column". Where a key is there twice it is the last one, as in the tree.
 * HT_ENOTFOUND where there is no such path; HT_EPARSE where the text is no JSON, its root is no
 * container, or it nests deeper than json/reader.h goes.
 */
int ht_json_locate(struct ht_slice text, const char *path, bool of_key,
                   struct ht_json_place *place) HT_MUST_CHECK;

/** Line and column of the byte at `offset` (at most text.length) of `text`. */
struct ht_json_place ht_json_place_at(struct ht_slice text, size_t offset);

/** The version of the library behind it, "2.14". Static. */
const char *ht_json_library_version(void);
