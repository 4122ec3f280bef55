// SPDX-License-Identifier: MIT
#pragma once

/**
 * What all embedded parts need of the file system, each with an error text that names
 * the path and the cure. All of it blocks: worker thread, or before the loop runs.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdint.h>
#include <sys/uio.h>

/** Fills `error` for the failed step `verb` ("write", "open") on `path` with errno value `number`;
 * returns the code: HT_ENOSPC with advice where the disk, a quota or a size limit is full. */
int ht_files_error(struct ht_error *error, int number, const char *verb, const char *path);

/** Makes the directory and all above it, mode 0700, and makes the new names durable. Those that
 * are there are left alone. */
int ht_files_make_directories(const char *path, struct ht_error *error) HT_MUST_CHECK;

/** Makes the names in the directory durable. */
int ht_files_sync_directory(const char *path, struct ht_error *error) HT_MUST_CHECK;

/** Makes the names durable that lead from the directory `top` down to `path`: whoever made them may
 * have been killed before it could. `top` is a beginning of `path`; "" goes up to the root. */
int ht_files_sync_names(const char *top, const char *path, struct ht_error *error) HT_MUST_CHECK;

/** Makes what an earlier process wrote to the file durable, for it may have been killed before it
 * could; one that is not there is fine. */
int ht_files_sync_content(const char *path, struct ht_error *error) HT_MUST_CHECK;

/** Writes all of `parts` at `offset`; 0 or an errno value (positive). `parts` is changed. */
int ht_files_write_at(int fd, struct iovec *parts, int count, int64_t offset) HT_MUST_CHECK;

/** Reads up to `length` bytes at `offset`, less only at the end of the file. The number read, or a
 * negative errno value. */
int64_t ht_files_read_at(int fd, void *data, size_t length, int64_t offset) HT_MUST_CHECK;

/** Cuts the file to `bytes`, again where a signal interrupts it (ftruncate(2) may end with EINTR); 0 or
 * an errno value (positive). */
int ht_files_truncate(int fd, int64_t bytes) HT_MUST_CHECK;

/** The size of an open file, or a negative errno value. */
int64_t ht_files_size(int fd) HT_MUST_CHECK;

/** Joins directory and name into a new C string that the caller frees; NULL where memory is out. */
char *ht_files_join(const char *directory, const char *name) HT_MUST_CHECK;
