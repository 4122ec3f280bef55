// SPDX-License-Identifier: MIT
#pragma once

/** Queries of S3 and bodies of the query protocol (IAM, STS): names and values. Pure. */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

/** Appends "name=value" to a query, with '&' where it has something already. HT_ENOMEM,
 * HT_ETOOBIG. */
int ht_aws_query_append(struct ht_buffer *query, const char *name,
                        struct ht_slice value) HT_MUST_CHECK;

/** The same for a body of application/x-www-form-urlencoded, where a space is '+': some peers
 * take the form apart and make it again before they verify its signature. */
int ht_aws_form_append(struct ht_buffer *form, const char *name,
                       struct ht_slice value) HT_MUST_CHECK;
