// SPDX-License-Identifier: MIT
#pragma once

/**
 * The addresses of a Mastodon server: which to ask, and whether its token may go there. Pure.
 * https://docs.joinmastodon.org/methods/streaming/, .../methods/timelines/, .../entities/Instance/
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/sources/mastodon_source.h"

/** Longest address in bytes, that of a timeline with its hashtag included. */
#define HT_MASTODON_URL_BYTES 8192

/** Which posts. */
struct ht_mastodon_feed {
    enum ht_mastodon_timeline timeline;
    struct ht_slice
        hashtag; /**< without '#'; empty: all. There is no REMOTE of a hashtag: then it is
                              *   as PUBLIC */
};

/** Appends `address` in the form that the others want: http or https instead of ws or wss, no '/' at
 * the end, nothing from a '?' or '#' on. HT_EINVAL where it has another scheme or no host. */
int ht_mastodon_url_base(struct ht_slice address, struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the address of the answer that names the streaming host. 0 or the buffer's error; so the
 * others. */
int ht_mastodon_url_instance(struct ht_slice base, struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the address of the stream. */
int ht_mastodon_url_stream(struct ht_slice base, const struct ht_mastodon_feed *feed,
                           struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the address of a page of the timeline: the `limit` statuses that come right after the id
 * `after`, or the newest ones where it is empty. */
int ht_mastodon_url_page(struct ht_slice base, const struct ht_mastodon_feed *feed,
                         struct ht_slice after, struct ht_buffer *out) HT_MUST_CHECK;

/**
 * Appends the base address of the stream, which the server at `base` (in the form of
 * ht_mastodon_url_base()) named in `answer` (of api/v2/instance); where it names none that can be
 * read, `base` itself.
 * On errors `out` is empty. HT_ENOMEM, HT_ETOOBIG: `error` is left alone.
 * HT_EPERMISSION, and `error` says why: the token must not go there. It goes to `base`, which a person
 * chose; to another host only encrypted, as whoever is on the way could read it, and answer in that
 * host's name. Where `base` is not encrypted itself there is nothing left to lose.
 */
int ht_mastodon_url_streaming(struct ht_slice base, struct ht_slice answer, struct ht_buffer *out,
                              struct ht_error *error) HT_MUST_CHECK;
