// SPDX-License-Identifier: MIT
#pragma once

/**
 * Addresses to listen on, as people write them: "127.0.0.1:8080", "[::1]:8080",
 * "localhost:8080". Only numbers (and localhost, which is 127.0.0.1): nothing here asks
 * a name server.
 */

#include "hashtagd/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** Bytes of the longest address text, the end mark included. */
#define HT_ADDRESS_TEXT_BYTES 64

/** A checked address. Plain memory. */
struct ht_address {
    char host[HT_ADDRESS_TEXT_BYTES]; /**< "127.0.0.1" or "::1", without brackets */
    uint16_t port;                    /**< 0: any free one */
    bool is_v6;                       /**< whether `host` is an IPv6 address */
};

/** Reads `text`. HT_EPARSE with the cure in `error` (may be NULL) where it is no address and port.
 */
int ht_address_parse(const char *text, struct ht_address *address,
                     struct ht_error *error) HT_MUST_CHECK;

/** Writes "127.0.0.1:8080" or "[::1]:8080" into `text`. Returns `text`. */
char *ht_address_format(const struct ht_address *address, char text[HT_ADDRESS_TEXT_BYTES]);

/** Whether only this machine can reach it: 127.0.0.0/8 or ::1. */
bool ht_address_is_loopback(const struct ht_address *address);
