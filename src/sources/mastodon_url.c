// SPDX-License-Identifier: MIT
#include "mastodon_url.h"

#include "mastodon_gap.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/net/url.h"

/* What a base begins with, and what it is written as. */
static const struct {
    const char *scheme, *http;
} schemes[] = {
    {"https://", "https://"},
    {"wss://", "https://"},
    {"http://", "http://"},
    {"ws://", "http://"},
};

static int append_host(struct ht_slice rest, const char *http, struct ht_buffer *out);
static void append_encoded(struct ht_slice text, struct ht_buffer *out);
static struct ht_slice hashtag_of(const struct ht_mastodon_feed *feed);
static int append_named(struct ht_slice base, struct ht_slice named, struct ht_buffer *out,
                        struct ht_error *error);
static size_t scheme_length(struct ht_slice base);
static struct ht_slice authority_of(struct ht_slice base);

int ht_mastodon_url_base(struct ht_slice address, struct ht_buffer *out)
{
    for (size_t i = 0; i < HT_COUNT_OF(schemes); i++) {
        struct ht_slice scheme = ht_slice_text(schemes[i].scheme);
        if (address.length >= scheme.length &&
            ht_slice_equal_ignoring_case(ht_slice_make(address.data, scheme.length), scheme)) {
            struct ht_slice rest =
                ht_slice_make(address.data + scheme.length, address.length - scheme.length);
            return append_host(rest, schemes[i].http, out);
        }
    }
    return HT_EINVAL;
}

static int append_host(struct ht_slice rest, const char *http, struct ht_buffer *out)
{
    size_t length = 0;
    while (length < rest.length && rest.data[length] != '?' && rest.data[length] != '#') {
        length++;
    }
    while (length > 0 && rest.data[length - 1] == '/') {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        /* no address holds a space or a control character, NUL least of all: a server may name this */
        if ((unsigned char)rest.data[i] <= ' ' || rest.data[i] == 0x7F) {
            return HT_EINVAL;
        }
    }
    if (length == 0 || rest.data[0] == '/') {
        return HT_EINVAL;
    }
    int status = ht_buffer_append_text(out, http);
    return status != 0 ? status : ht_buffer_append(out, rest.data, length);
}

int ht_mastodon_url_instance(struct ht_slice base, struct ht_buffer *out)
{
    ht_buffer_append_slice(out, base);
    ht_buffer_append_text(out, "/api/v2/instance");
    return ht_buffer_status(out);
}

int ht_mastodon_url_stream(struct ht_slice base, const struct ht_mastodon_feed *feed,
                           struct ht_buffer *out)
{
    struct ht_slice hashtag = hashtag_of(feed);
    ht_buffer_append_slice(out, base);
    ht_buffer_append_text(out, "/api/v1/streaming/");
    ht_buffer_append_text(out, hashtag.length > 0 ? "hashtag" : "public");
    if (feed->timeline == HT_MASTODON_LOCAL) {
        ht_buffer_append_text(out, "/local");
    } else if (feed->timeline == HT_MASTODON_REMOTE && hashtag.length == 0) {
        ht_buffer_append_text(out, "/remote");
    }
    if (hashtag.length > 0) {
        ht_buffer_append_text(out, "?tag=");
        append_encoded(hashtag, out);
    }
    return ht_buffer_status(out);
}

int ht_mastodon_url_page(struct ht_slice base, const struct ht_mastodon_feed *feed,
                         struct ht_slice after, struct ht_buffer *out)
{
    struct ht_slice hashtag = hashtag_of(feed);
    ht_buffer_append_slice(out, base);
    ht_buffer_append_text(out, "/api/v1/timelines/");
    if (hashtag.length > 0) {
        ht_buffer_append_text(out, "tag/");
        append_encoded(hashtag, out);
    } else {
        ht_buffer_append_text(out, "public");
    }
    unsigned limit = after.length > 0 ? HT_MASTODON_GAP_PAGE_STATUSES : 1;
    ht_buffer_append_format(out, "?limit=%u", limit);
    if (feed->timeline == HT_MASTODON_LOCAL) {
        ht_buffer_append_text(out, "&local=true");
    } else if (feed->timeline == HT_MASTODON_REMOTE && hashtag.length == 0) {
        ht_buffer_append_text(out, "&remote=true");
    }
    if (after.length > 0) {
        ht_buffer_append_text(out, "&min_id=");
        append_encoded(after, out);
    }
    return ht_buffer_status(out);
}

/* What fails is left to the buffer's status. */
static void append_encoded(struct ht_slice text, struct ht_buffer *out)
{
    if (ht_url_encode(text, out) != 0) {
        HT_ASSERT(ht_buffer_status(out) != 0);
    }
}

static struct ht_slice hashtag_of(const struct ht_mastodon_feed *feed)
{
    struct ht_slice hashtag = feed->hashtag;
    if (ht_slice_starts_with(hashtag, HT_SLICE("#"))) {
        hashtag = ht_slice_make(hashtag.data + 1, hashtag.length - 1);
    }
    return hashtag;
}

int ht_mastodon_url_streaming(struct ht_slice base, struct ht_slice answer, struct ht_buffer *out,
                              struct ht_error *error)
{
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(answer, 0, NULL, &problem);
    struct ht_buffer named;
    if (problem.code == HT_ENOMEM) {
        return HT_ENOMEM;
    }
    ht_buffer_init(&named, HT_MASTODON_URL_BYTES);
    int status = ht_mastodon_url_base(
        ht_json_text(ht_json_find(root, "configuration.urls.streaming")), &named);
    ht_json_destroy(root);
    if (status == HT_ENOMEM) {
        goto out;
    }
    if (status != 0 || memchr(named.data, '@', named.length) != NULL) {
        status = ht_buffer_append_slice(out, base);
    } else {
        status = append_named(base, ht_buffer_slice(&named), out, error);
    }
out:
    if (status != 0) {
        ht_buffer_clear(out); /* half an address may be another server's */
    }
    ht_buffer_finish(&named);
    return status;
}

/* The same host is taken as a person wrote it: behind a proxy it may name itself unencrypted. */
static int append_named(struct ht_slice base, struct ht_slice named, struct ht_buffer *out,
                        struct ht_error *error)
{
    size_t base_scheme = scheme_length(base), named_scheme = scheme_length(named);
    struct ht_slice host = authority_of(named);
    if (ht_slice_equal_ignoring_case(authority_of(base), host)) {
        ht_buffer_append(out, base.data, base_scheme);
        ht_buffer_append(out, named.data + named_scheme, named.length - named_scheme);
        return ht_buffer_status(out);
    }
    if (base_scheme > named_scheme) {
        return ht_error_set(
            error, HT_EPERMISSION,
            "The server streams at %.*s, without encryption. The access token is not sent there: "
            "anybody on the way could read it. Ask the server's administrator to set its streaming "
            "address to wss://.",
            (int)host.length, host.data);
    }
    return ht_buffer_append_slice(out, named);
}

/* Of a base: "https://" is longer than "http://". */
static size_t scheme_length(struct ht_slice base)
{
    return ht_slice_starts_with(base, HT_SLICE("https://")) ? 8 : 7;
}

static struct ht_slice authority_of(struct ht_slice base)
{
    size_t begin = scheme_length(base), end = begin;
    while (end < base.length && base.data[end] != '/') {
        end++;
    }
    return ht_slice_make(base.data + begin, end - begin);
}
