// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a client says of the forms that it takes: small pure decisions on header values
 * (RFC 9110).
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>

/** Whether Accept-Encoding (data NULL where missing) takes gzip: named with a weight above 0, or
 * all are (section 12.5.3). */
bool ht_accepts_gzip(struct ht_slice accept_encoding);

/** Whether If-None-Match (data NULL where missing) holds `etag` or "*"; compared weakly, as section
 * 13.1.2 wants it. */
bool ht_matches_etag(struct ht_slice if_none_match, struct ht_slice etag);

/** Whether Content-Type is `type`, whatever its parameters and case. */
bool ht_is_media_type(struct ht_slice content_type, const char *type);
