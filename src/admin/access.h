// SPDX-License-Identifier: MIT
#pragma once

/**
 * Who may ask. Without a token: whoever reaches a loopback address, but no page of another
 * origin, so Host must name this machine (a name of somebody else's that points here would make
 * his page ours: DNS rebinding) and Origin must be this server. Browsers send no Origin with what
 * a page embeds (an image, a script): those tell by Sec-Fetch-Site that it is another's.
 * With a token: whoever has it.
 * Pure decisions.
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/net/address.h"

#include <stdbool.h>

enum ht_access {
    HT_ACCESS_GRANTED,
    HT_ACCESS_BAD_HOST,   /**< 403 */
    HT_ACCESS_BAD_ORIGIN, /**< 403 */
    HT_ACCESS_NO_TOKEN,   /**< 401: none was sent */
    HT_ACCESS_BAD_TOKEN,  /**< 401: another one was sent */
};

/** What is asked of everybody. */
struct ht_access_rules {
    struct ht_address address; /**< where we listen */
    bool is_tls;               /**< we are https */
    const char *token;         /**< not owned; NULL: none is asked for */
};

/** What a request brings; slices with data NULL where the header is missing. */
struct ht_access_request {
    struct ht_slice host;          /**< of Host or of an absolute target */
    struct ht_slice origin;        /**< Origin */
    struct ht_slice authorization; /**< Authorization */
    struct ht_slice fetch_site;    /**< Sec-Fetch-Site, which browsers send and pages cannot set */
    bool is_navigation;            /**< a browser opens a page of ours for its user */
    bool is_free;                  /**< a path that needs no token */
};

/** Decides. The token is compared in constant time. */
enum ht_access ht_access_decide(const struct ht_access_rules *rules,
                                const struct ht_access_request *request);

/** Whether `host` ("name", "name:port", "[v6]:port") names this machine: localhost, a loopback
 * address or the one we listen on. */
bool ht_access_is_own_host(const struct ht_access_rules *rules, struct ht_slice host);

/** Whether both hold the same bytes, in a time that tells nothing of where they differ. */
bool ht_access_is_same_secret(struct ht_slice a, struct ht_slice b);
