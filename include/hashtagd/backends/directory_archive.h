// SPDX-License-Identifier: MIT
#pragma once

/**
 * The archive port over a directory of gzip files:
 *
 *     <directory>/<prefix>YYYY/MM/DD/HH/20260131T120000.123Z-<random>.jsonl.gz   (UTC)
 *
 * Lines wait in memory (the callers' own) until an object is closed: buffer_s after its
 * first line, at buffer_bytes, or by ops->flush. It is written under a name in
 * <directory>/.tmp, synced, renamed, and its directory is synced; then its appends are
 * answered. So each file is one complete gzip member at every instant. What a crash left
 * in .tmp is removed at the next start.
 *
 * Life: create, appends, ops->close, ops->destroy.
 */

#include "hashtagd/base/log.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/archive.h"

#include <stddef.h>
#include <stdint.h>

/** Longest prefix with its end mark. */
#define HT_DIRECTORY_ARCHIVE_PREFIX_BYTES 256

/** How an archive is made. */
struct ht_directory_archive_options {
    struct ht_loop *loop;     /**< not owned, outlives the archive */
    struct ht_worker *worker; /**< not owned, stopped after the archive is closed */
    const struct ht_log *log; /**< not owned; may be NULL */
    const char *directory;    /**< made where it is missing; copied */
    const char *prefix;       /**< before the date, "deleted/"; may be empty; copied */
    uint32_t buffer_s;        /**< an object is closed so long after its first line */
    size_t buffer_bytes;      /**< ... or when it has so many bytes of lines */
};

/**
 * Whether a prefix stays inside the directory: relative, no part that is empty, "." or ".." or
 * begins with a dot, no control characters, shorter than HT_DIRECTORY_ARCHIVE_PREFIX_BYTES.
 * 0 or HT_EINVAL, with `error` (may be NULL).
 */
int ht_directory_archive_check_prefix(const char *prefix, struct ht_error *error) HT_MUST_CHECK;

/** Makes an archive. `*archive` is the caller's. HT_EINVAL for the prefix, HT_ENOMEM, with `error`
 * (may be NULL). What the directory refuses comes with the appends. Loop thread. */
int ht_directory_archive_create(struct ht_archive **archive,
                                const struct ht_directory_archive_options *options,
                                struct ht_error *error) HT_MUST_CHECK;
