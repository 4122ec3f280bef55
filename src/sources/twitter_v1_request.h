// SPDX-License-Identifier: MIT
#pragma once

/**
 * The address and the body of a request for one of Twitter's streams, once for the life of the
 * source: what is signed each time is what is sent. Pure.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/sources/twitter_v1_parameters.h"

#include <stdbool.h>

/** Where the service was, and where nothing answers any more. */
#define HT_TWITTER_V1_URL "https://stream.twitter.com"

/** The longest address and the longest body: 400 phrases, 5000 users and 25 boxes, encoded, have
 * less than 256 KB. */
#define HT_TWITTER_V1_REQUEST_MAX_BYTES (256u * 1024u)

/** How it is asked. */
struct ht_twitter_v1_asking {
    const char *url; /**< base address, with a path and a query of its own or without; NULL:
                      *   HT_TWITTER_V1_URL */
    bool is_delimited;
    struct ht_twitter_v1_parameters parameters; /**< checked */
};

/**
 * Writes the address into `url` and the form into `body` (both made, empty): statuses/filter is a
 * POST, its parameters in the form; statuses/sample a GET, its parameters in the query, and the body
 * stays empty. The query of the base address is kept. 0, HT_EINVAL where the base address is no http
 * or https URL, HT_ENOMEM or HT_ETOOBIG; `error` (may be NULL) says what to do.
 */
int ht_twitter_v1_request_format(const struct ht_twitter_v1_asking *asking, struct ht_buffer *url,
                                 struct ht_buffer *body, struct ht_error *error) HT_MUST_CHECK;
