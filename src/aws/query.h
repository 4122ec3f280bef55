// SPDX-License-Identifier: MIT
#pragma once

/** Queries of S3 and bodies of the query protocol (IAM, STS): names and values. Pure. */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

/** Appends "name=value" to a query, with '&' where it has something already. HT_ENOMEM,
 * HT_ETOOBIG. */
int ht_aws_query_append(struct ht_buffer *query, const char *name,
                        struct ht_slice value) HT_MUST_CHECK;
