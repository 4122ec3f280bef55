// SPDX-License-Identifier: MIT
#pragma once

/**
 * Assertions are for our own mistakes and stay in release builds. Nothing from
 * outside (network, files, configuration, the clock) may trip one: that is an
 * error value (error.h).
 */

/** Prints `what` with its place to stderr and aborts. Never returns. */
_Noreturn void ht_assert_fail(const char *what, const char *file, int line);

/** Dies with the place where `condition` is false. */
#define HT_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : ht_assert_fail(#condition, __FILE__, __LINE__))

/** A place that cannot be reached, such as the end of an exhaustive switch. */
#define HT_UNREACHABLE() ht_assert_fail("unreachable", __FILE__, __LINE__)

/**
 * The struct that holds `member` at `pointer` (not NULL): how a callback gets from a
 * handle back to its object.
 */
#define HT_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/** The number of elements of an array (not of a pointer). */
#define HT_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
