// SPDX-License-Identifier: MIT
#pragma once

/**
 * One small HTTP request for keys, with its few repetitions: to a machine's metadata, an agent or
 * STS. Asynchronous; the answer is wiped when it is freed.
 */

#include "hashtagd/aws/credentials.h"

#include <stdbool.h>

/** More header fields than any of these requests has. */
#define HT_AWS_ASK_HEADERS_MAX 6

/** A request. In the caller's memory; stays in place until `done`. */
struct ht_aws_ask {
    /* what to ask; fill, zero the rest */
    const struct ht_aws_credentials_options *options;      /**< borrowed */
    const char *method;                                    /**< static */
    const char *url;                                       /**< the caller's until `done` */
    struct ht_http_header headers[HT_AWS_ASK_HEADERS_MAX]; /**< slices the caller's until `done` */
    size_t header_count;                                   /**< of `headers` */
    struct ht_slice body;                                  /**< the caller's until `done` */
    uint64_t timeout_ms;                                   /**< of an attempt */
    unsigned attempts;                                     /**< 1 and up */
    uint64_t wait_ms;                                      /**< between attempts */
    bool is_direct; /**< never through a proxy: the peer is beside this machine */
    /** Whether an answer that is no 5xx is worth another attempt; NULL: never. */
    bool (*is_temporary)(const struct ht_aws_ask *ask);
    void (*done)(struct ht_aws_ask *ask); /**< once, last, never from inside start or cancel */
    void *user;                           /**< the caller's */
    /* what came */
    int status;            /**< 0: an answer; HT_ECONNECTION, HT_ETIMEDOUT, HT_ECANCELED ... */
    struct ht_error error; /**< where status is not 0 */
    int http_status;       /**< of the answer */
    struct ht_buffer body_of_answer; /**< wiped after `done` */
    /* private */
    struct ht_http_transfer *transfer; /**< private */
    struct ht_timer timer;             /**< private */
    unsigned attempt;                  /**< private */
    bool is_canceled;                  /**< private */
};

/** Starts it. What cannot be started is told by `done` too. */
void ht_aws_ask_start(struct ht_aws_ask *ask);

/** Ends it: `done` follows with HT_ECANCELED. */
void ht_aws_ask_cancel(struct ht_aws_ask *ask);

/** Adds a header; the bytes are the caller's until `done`. */
void ht_aws_ask_add_header(struct ht_aws_ask *ask, const char *name, struct ht_slice value);
