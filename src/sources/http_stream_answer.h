// SPDX-License-Identifier: MIT
#pragma once

/**
 * What answers over HTTP mean to a live source: the parts of sources/http_stream.h that need
 * no transfer. Pure, but for the limits, which it notes in the source.
 */

#include "http_stream.h"

/** An answer that is not the stream. */
struct ht_http_stream_answer {
    const char *what;       /**< was asked for */
    int status;             /**< of the answer */
    struct ht_slice body;   /**< as far as it was read */
    struct ht_slice secret; /**< the request's Authorization: left out where the body holds it */
    const char *cure;       /**< for a person; NULL or "": a general one */
};

/** As ht_http_stream_explain(), for an answer in parts. */
void ht_http_stream_explain_answer(const struct ht_http_stream_answer *answer,
                                   enum ht_source_end *end, struct ht_error *error);
