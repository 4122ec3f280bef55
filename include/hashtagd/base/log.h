// SPDX-License-Identifier: MIT
#pragma once

/**
 * Log lines: time, level, part, a stable message, then key=value fields. The message
 * never changes with the data (so that it can be searched for); the data go into
 * fields. Secrets never go in.
 *
 * The level says what the process does next:
 *   error  a part stopped working, a person is needed
 *   warning  something went wrong and is being handled (a retry, a skipped record)
 *   info   a step in the life of the process
 *   debug  everything else
 *
 *     ht_log_info(log, "stream", "segment opened", HT_TEXT("path", path),
 *                 HT_NUMBER("records", count));
 *
 * Any thread may write: one line is one write(2).
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/slice.h"

#include <stdint.h>

enum ht_log_level {
    HT_LOG_ERROR,
    HT_LOG_WARNING,
    HT_LOG_INFO,
    HT_LOG_DEBUG,
};

enum ht_log_format {
    HT_LOG_FORMAT_TEXT,   /**< for a terminal; colours where `colour` is set */
    HT_LOG_FORMAT_LOGFMT, /**< key=value, quoted where needed */
    HT_LOG_FORMAT_JSON,   /**< one object a line */
};

/** One key with its value. `text.data` NULL means that it is a number. */
struct ht_log_field {
    const char *key;      /**< lower case with _, static */
    struct ht_slice text; /**< any bytes; control characters are escaped on output */
    int64_t number;       /**< the value where `text` has none */
};

/** Where lines go. Fixed after it is made. */
struct ht_log {
    struct ht_clock *clock; /**< for the time of each line; not owned */
    int fd;                 /**< usually 2; not owned; -1 drops all lines */
    enum ht_log_level level;
    enum ht_log_format format;
    bool colour;
};

/** A field with a C string (NULL is shown as empty). */
#define HT_TEXT(key_, value_) ((struct ht_log_field){(key_), ht_slice_text_or_empty(value_), 0})
/** A field with a slice. */
#define HT_BYTES(key_, slice_) ((struct ht_log_field){(key_), ht_slice_or_empty(slice_), 0})
/** A field with a whole number. */
#define HT_NUMBER(key_, value_) ((struct ht_log_field){(key_), {NULL, 0}, (int64_t)(value_)})

/** `text`, or "" where it is NULL, as a slice whose data is never NULL. */
static inline struct ht_slice ht_slice_text_or_empty(const char *text)
{
    return ht_slice_text(text == NULL ? "" : text);
}

/** `slice` with data that is never NULL. */
static inline struct ht_slice ht_slice_or_empty(struct ht_slice slice)
{
    return slice.data == NULL ? ht_slice_text("") : slice;
}

/** What one line says. */
struct ht_log_line {
    enum ht_log_level level;
    const char *part;                  /**< who speaks; static */
    const char *message;               /**< static, and the same whatever the data */
    const struct ht_log_field *fields; /**< may be NULL where count is 0 */
    size_t count;
};

/** Writes one line. `log` may be NULL: nothing happens. */
void ht_log_write(const struct ht_log *log, const struct ht_log_line *said);

/** The level that `name` ("error", "warning", "info", "debug") means, or -1. */
int ht_log_level_from_name(const char *name);

/* The fields end with one that is empty, so that a call without fields is standard C too: who uses
 * this one itself must give it. */
#define HT_LOG_AT(log, level, part, message, ...)                                                  \
    ht_log_write(                                                                                  \
        (log),                                                                                     \
        &(const struct ht_log_line){                                                               \
            (level), (part), (message), (const struct ht_log_field[]){__VA_ARGS__},                \
            sizeof((const struct ht_log_field[]){__VA_ARGS__}) / sizeof(struct ht_log_field) - 1})

/** A part stopped working and a person is needed: (log, part, message, fields ...). */
#define ht_log_error(log, part, ...)                                                               \
    HT_LOG_AT(log, HT_LOG_ERROR, part, __VA_ARGS__, (struct ht_log_field){0})
/** Something went wrong and is being handled. */
#define ht_log_warning(log, part, ...)                                                             \
    HT_LOG_AT(log, HT_LOG_WARNING, part, __VA_ARGS__, (struct ht_log_field){0})
/** A step in the life of the process. */
#define ht_log_info(log, part, ...)                                                                \
    HT_LOG_AT(log, HT_LOG_INFO, part, __VA_ARGS__, (struct ht_log_field){0})
/** Everything else. */
#define ht_log_debug(log, part, ...)                                                               \
    HT_LOG_AT(log, HT_LOG_DEBUG, part, __VA_ARGS__, (struct ht_log_field){0})
