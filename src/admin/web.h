// SPDX-License-Identifier: MIT
#pragma once

/**
 * The dashboard's files (web/), packed into the program when it is built by tools/pack_web.py:
 * each with its type, a tag of its content and, where that is smaller, its gzip form.
 */

#include "hashtagd/base/slice.h"

#include <stddef.h>

struct ht_web_file {
    const char *name;        /**< "app.css" */
    const char *type;        /**< media type with charset */
    const char *etag;        /**< strong entity tag with its quotes, of the plain content */
    const char *etag_gzip;   /**< another one for the gzip form */
    struct ht_slice content; /**< plain */
    struct ht_slice gzip;    /**< length 0 where it is not smaller */
};

/** The file called `name`; NULL where there is none. */
const struct ht_web_file *ht_web_find(struct ht_slice name);

/** All files, sorted by name; `*count` of them. Static; made by tools/pack_web.py. */
const struct ht_web_file *ht_web_files(size_t *count);
