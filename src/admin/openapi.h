// SPDX-License-Identifier: MIT
#pragma once

/**
 * The description of the interface as OpenAPI 3.1, made from the table of routes.
 */

#include "hashtagd/base/buffer.h"

/** Appends the description; `version` is the program's. */
void ht_openapi_format(const char *version, struct ht_buffer *out);

/** The schema of an answer. */
struct ht_openapi_schema {
    const char *name; /**< as routes name it; NULL ends the list */
    const char *json; /**< a JSON Schema */
};

/** The schemas of all answers. */
extern const struct ht_openapi_schema ht_openapi_schemas[];
