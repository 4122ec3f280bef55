// SPDX-License-Identifier: MIT
#pragma once

/** Names of objects in the paths of requests. Pure. */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

/** Appends "/" and the key, everything but letters, digits, "-._~" and '/' percent-encoded.
 * HT_EINVAL where the key is empty or longer than 1024 bytes (S3 User Guide, "Naming objects"),
 * HT_ENOMEM, HT_ETOOBIG. */
int ht_s3_path_append(struct ht_buffer *path, struct ht_slice key) HT_MUST_CHECK;
