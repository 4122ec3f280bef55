// SPDX-License-Identifier: MIT
#pragma once

/**
 * Errors are values: a function that can fail returns 0 or a negative HT_E...,
 * and, where a person will read it, fills a struct ht_error with one sentence
 * that says what failed, on what, and what to do.
 *
 * The codes say how the caller should react, not which library failed: the
 * library's own words belong in the text. No text may hold a secret.
 */

#include <stdarg.h>
#include <stddef.h>

/* name, value, what it means for the caller */
#define HT_ERROR_MAP(X)                                                                            \
    X(HT_ENOMEM, -1, "out of memory")                                                              \
    X(HT_EINVAL, -2, "invalid argument")                                                           \
    X(HT_EPARSE, -3, "malformed input")                                                            \
    X(HT_ETOOBIG, -4, "over a size limit")                                                         \
    X(HT_ENOTFOUND, -5, "not found")                                                               \
    X(HT_EEXIST, -6, "already exists")                                                             \
    X(HT_EIO, -7, "input or output failed")                                                        \
    X(HT_ENOSPC, -8, "no space left")                                                              \
    X(HT_EBUSY, -9, "no room at the moment, try again")                                            \
    X(HT_ETIMEDOUT, -10, "timed out")                                                              \
    X(HT_ECANCELED, -11, "canceled")                                                               \
    X(HT_ECORRUPT, -12, "stored data is damaged")                                                  \
    X(HT_ECONNECTION, -13, "connection failed")                                                    \
    X(HT_EPERMISSION, -14, "not permitted")                                                        \
    X(HT_EUNSUPPORTED, -15, "not supported")                                                       \
    X(HT_EFATAL, -16, "cannot go on")

enum {
    HT_OK = 0,
#define X(name, value, text) name = value,
    HT_ERROR_MAP(X)
#undef X
};

/** Longest error text, with its end; longer texts are cut at a character border. */
#define HT_ERROR_TEXT_BYTES 512

/** What went wrong, for a person. Zeroed memory is "no error". */
struct ht_error {
    int code;                       /**< 0 or a negative HT_E... */
    char text[HT_ERROR_TEXT_BYTES]; /**< UTF-8, NUL-terminated; empty where code is 0 */
};

/** A function that can fail: its result must be looked at. */
#define HT_MUST_CHECK __attribute__((warn_unused_result))

/** Like printf, for the compiler's checks. */
#define HT_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/**
 * Fills `error` (may be NULL) with `code` and the formatted text; what of it is no UTF-8 becomes '?'.
 * Returns `code`, so that a caller can write `return ht_error_set(...)`.
 */
int ht_error_set(struct ht_error *error, int code, const char *format, ...) HT_PRINTF(3, 4);
#ifdef __clang_analyzer__
/* The analyser sees one file at a time: tell it what comes back. */
#define ht_error_set(error, code, ...) ((ht_error_set)(error, code, __VA_ARGS__), (code))
#endif

/**
 * Puts the formatted words and ": " before the text that `error` (may be NULL) has;
 * the code stays. Returns that code, or 0 where `error` is NULL.
 */
int ht_error_prefix(struct ht_error *error, const char *format, ...) HT_PRINTF(2, 3);

/** Makes `error` (may be NULL) "no error". */
void ht_error_clear(struct ht_error *error);

/** The name of a code, "HT_EINVAL", or "HT_OK", or "HT_E?". Never NULL, static. */
const char *ht_error_name(int code);

/** The general meaning of a code. Never NULL, static. */
const char *ht_error_meaning(int code);

/** The HT_E... that an errno value (positive) asks the caller to react as. */
int ht_error_from_errno(int errno_value);
