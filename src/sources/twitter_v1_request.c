// SPDX-License-Identifier: MIT
#include "twitter_v1_request.h"

#include "twitter_v1_pieces.h"

#include "hashtagd/net/url.h"

static int append_url(const struct ht_twitter_v1_asking *asking, struct ht_buffer *url);
static int append_parameters(const struct ht_twitter_v1_asking *asking, struct ht_buffer *out);
static int append_list(struct ht_buffer *out, const char *name, struct ht_twitter_v1_pieces pieces);

int ht_twitter_v1_request_format(const struct ht_twitter_v1_asking *asking, struct ht_buffer *url,
                                 struct ht_buffer *body, struct ht_error *error)
{
    int status = append_url(asking, url);

    if (status == HT_EINVAL) {
        return ht_error_set(error, status,
                            "source.url is no address that can be asked; write it as "
                            "https://host:port or http://host:port, special characters "
                            "percent-encoded");
    }
    if (status == 0 && asking->parameters.is_sample) {
        bool has_query = memchr(url->data, '?', url->length) != NULL;
        status = ht_buffer_append_byte(url, has_query ? '&' : '?');
        status = status == 0 ? append_parameters(asking, url) : status;
    } else if (status == 0) {
        status = append_parameters(asking, body);
    }
    return status == 0 ? 0
                       : ht_error_set(error, status, "the request cannot be made: %s",
                                      ht_error_meaning(status));
}

/* The path of the endpoint goes behind the base address's own, before its query. */
static int append_url(const struct ht_twitter_v1_asking *asking, struct ht_buffer *url)
{
    struct ht_slice text = ht_slice_text(asking->url != NULL ? asking->url : HT_TWITTER_V1_URL);
    struct ht_url_target base;

    if (ht_url_split_target(text, &base) != 0 || base.authority.length == 0) {
        return HT_EINVAL;
    }
    while (base.path.length > 0 && base.path.data[base.path.length - 1] == '/') {
        base.path.length--;
    }
    ht_buffer_append(url, text.data,
                     (size_t)(base.authority.data - text.data) + base.authority.length);
    ht_buffer_append_slice(url, base.path);
    ht_buffer_append_text(url, asking->parameters.is_sample ? "/1.1/statuses/sample.json"
                                                            : "/1.1/statuses/filter.json");
    ht_buffer_append_text(url, base.query.length > 0 ? "?" : "");
    ht_buffer_append_slice(url, base.query);
    return ht_buffer_status(url);
}

static int append_parameters(const struct ht_twitter_v1_asking *asking, struct ht_buffer *out)
{
    const struct ht_twitter_v1_parameters *all = &asking->parameters;

    ht_buffer_append_text(out, "stall_warnings=true&filter_level=none");
    ht_buffer_append_text(out, asking->is_delimited ? "&delimited=length" : "");
    int status = append_list(out, "track", ht_twitter_v1_pieces(all->track, all->track_count));
    if (status == 0) {
        status = append_list(out, "locations",
                             ht_twitter_v1_pieces(all->locations, all->location_count));
    }
    if (status == 0) {
        status = append_list(out, "follow", ht_twitter_v1_pieces(all->follow, all->follow_count));
    }
    if (status == 0) {
        status =
            append_list(out, "language", ht_twitter_v1_pieces(all->languages, all->language_count));
    }
    return status == 0 ? ht_buffer_status(out) : status;
}

static int append_list(struct ht_buffer *out, const char *name, struct ht_twitter_v1_pieces pieces)
{
    int status = 0;

    while (status == 0 && ht_twitter_v1_pieces_next(&pieces)) {
        if (pieces.count == 1) {
            ht_buffer_append_format(out, "&%s=", name);
        } else {
            ht_buffer_append_text(out, "%2C");
        }
        status = ht_url_encode(pieces.piece, out);
    }
    return status;
}
