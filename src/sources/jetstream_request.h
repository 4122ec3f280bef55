// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the source `jetstream` asks for: the address of the subscription with its query, the
 * public hosts, and the message that names very many accounts, for which an address is too short
 * (the service waits for it where the query says requireHello).
 * https://github.com/bluesky-social/jetstream, docs/README.md
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The collection of posts, the only one that is wanted. */
#define HT_JETSTREAM_COLLECTION "app.bsky.feed.post"

/** The public hosts, as the service's documentation lists them. */
#define HT_JETSTREAM_HOST_COUNT 4

/** The longest event that is read; the service is asked to leave longer ones out. */
#define HT_JETSTREAM_EVENT_BYTES_MAX (1024u * 1024u)

/** What is asked for. */
struct ht_jetstream_request {
    const char *url;           /**< base address, not owned; "/subscribe" at its end is no harm */
    const char *const *follow; /**< DIDs, not owned; NULL where there are none */
    size_t follow_count;
    bool is_compressed; /**< with the published dictionary */
    uint64_t cursor_us; /**< 0: only what happens from now on */
};

/** The base address of a public host; `index` may be any number. Static. */
const char *ht_jetstream_public_url(uint64_t index);

/** Whether the accounts are so many that they go into a message of their own. */
bool ht_jetstream_says_hello(const struct ht_jetstream_request *request);

/** Appends the address to `out`. HT_ENOMEM or HT_ETOOBIG. */
int ht_jetstream_request_url(const struct ht_jetstream_request *request,
                             struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the message, for ht_jetstream_says_hello(). HT_ENOMEM or HT_ETOOBIG. */
int ht_jetstream_request_hello(const struct ht_jetstream_request *request,
                               struct ht_buffer *out) HT_MUST_CHECK;

/** The host of an address, with the port where it names one, without user and password. */
struct ht_slice ht_jetstream_host(const char *url);
