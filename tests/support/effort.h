// SPDX-License-Identifier: MIT
#pragma once

/**
 * How much of a random series, or of a table that only grows, a test plays. The optimised build
 * plays the whole. Under a sanitizer each step takes ten times as long and looks for faults of
 * memory, undefined behaviour and races, which lie on paths and not in numbers: there the first
 * part is played, large enough to go every way that the whole goes.
 */

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EFFORT_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EFFORT_IS_SANITIZED 1
#endif
#endif

#ifdef EFFORT_IS_SANITIZED
enum { EFFORT_SANITIZED = 1 };
#else
enum { EFFORT_SANITIZED = 0 };
#endif

/** `whole`, or `part` of it under a sanitizer. */
static inline size_t effort(size_t whole, size_t part)
{
    return EFFORT_SANITIZED != 0 ? part : whole;
}
