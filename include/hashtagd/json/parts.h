// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes a large JSON text apart without checking what is in its parts: the members of an
 * object or the elements of an array, each as the bytes that it stands in. For answers that hold
 * many records: one that is damaged, or nested too deep, is found when it is read by itself, and
 * does not take its neighbours along.
 *
 *     struct ht_json_parts parts = ht_json_parts(answer);
 *     while (ht_json_parts_next(&parts, &key, &value)) { ... }
 *     if (parts.is_broken) ...
 *
 * It looks at quotes and brackets only, in one pass, without memory and without recursion; any
 * bytes do no harm.
 */

#include "hashtagd/base/slice.h"

/** A walk over the parts of one object or array. */
struct ht_json_parts {
    bool is_broken; /**< it is no object or array, ends too early, or is not put together rightly */
    struct ht_slice text; /**< private */
    size_t at;            /**< private: offset of what comes next */
    char close;           /**< private: '}' or ']' */
    bool is_done;         /**< private */
};

/** Starts a walk over `text`, whose bytes live as long as the walk and what it gave. */
struct ht_json_parts ht_json_parts(struct ht_slice text);

/** Goes to the next (first) part; false where there is none left or the text is broken. `*key` (may be
 * NULL) is the key as it is written, without its quotes; empty in arrays. `*value` is never empty. */
bool ht_json_parts_next(struct ht_json_parts *parts, struct ht_slice *key, struct ht_slice *value);

/** The value of member `key` (written without escapes) of the object `text`; the last one where there
 * are several; empty where there is none. */
struct ht_slice ht_json_parts_find(struct ht_slice text, const char *key);

/** The bytes of a string value without its quotes, where it holds no escapes; else empty. */
struct ht_slice ht_json_parts_plain_text(struct ht_slice value);
