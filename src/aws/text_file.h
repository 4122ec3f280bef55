// SPDX-License-Identifier: MIT
#pragma once

/** Reading small files that people wrote: profiles, tokens. Blocks, so never on the loop's thread
 * while it runs; reentrant. */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"

/**
 * Appends the whole of the file at `path` to `out`, whose maximum holds. HT_ENOTFOUND (no such
 * file), HT_EPERMISSION, HT_ETOOBIG, HT_EINVAL (a directory, a device), HT_EIO, HT_ENOMEM; `error`
 * (may be NULL) names the path, never the content.
 */
int ht_aws_text_file_read(const char *path, struct ht_buffer *out,
                          struct ht_error *error) HT_MUST_CHECK;

/** Overwrites what the buffer holds, and frees it. NULL and zeroed memory are fine. */
void ht_aws_wipe_buffer(struct ht_buffer *buffer);

/** Overwrites a text and frees it. NULL is fine. */
void ht_aws_wipe_text(char *text);
