// SPDX-License-Identifier: MIT
#pragma once

/**
 * The data directory: everything that the embedded parts keep. It belongs to one
 * process at a time. The owner holds an exclusive lock on its file `lock`, which the
 * kernel gives back however the process ends; the owner's number is written into it,
 * so that the next one can say who is there.
 *
 * Life: ht_data_dir_open() before any other part, ht_data_dir_close() after the last.
 * These calls block (a few small file operations): they belong before and after the
 * loop runs.
 */

#include "hashtagd/base/error.h"

/** A locked data directory. */
struct ht_data_dir;

/**
 * Makes the directory (and those above it, mode 0700) where it is missing and locks it.
 * On success `*data_dir` is the caller's. HT_EBUSY where another process has it, HT_EPERMISSION,
 * HT_ENOSPC, HT_EIO and others where the file system refuses, HT_ENOMEM; then `*data_dir` is NULL
 * and `error` (may be NULL) says what to do.
 */
int ht_data_dir_open(struct ht_data_dir **data_dir, const char *path,
                     struct ht_error *error) HT_MUST_CHECK;

/** Its path as it was given. Owned by the data directory. Never NULL. */
const char *ht_data_dir_path(const struct ht_data_dir *data_dir);

/** The path of `name` inside it, such as "hashtagd.db"; a new string that the caller frees. NULL
 * where memory is out. */
char *ht_data_dir_join(const struct ht_data_dir *data_dir, const char *name) HT_MUST_CHECK;

/** Gives the lock back; NULL is fine. */
void ht_data_dir_close(struct ht_data_dir *data_dir);
