// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes all memory from the reading of JSON (json/json.h) and gives it back, for tests of what a
 * lack of memory is taken for. Nothing else is touched: whoever reads JSON in between gets HT_ENOMEM,
 * whatever the text. Give it back before the first check that may fail.
 */

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

/** What jansson asks for while there is none. Private. */
static inline void *json_memory_none(size_t size)
{
    (void)size;
    errno = ENOMEM;
    return NULL;
}

/** From now on JSON finds no memory. */
static inline void json_memory_take(void)
{
    json_set_alloc_funcs(json_memory_none, free);
}

/** From now on it finds memory again. */
static inline void json_memory_give_back(void)
{
    json_set_alloc_funcs(malloc, free);
}
