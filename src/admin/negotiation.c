// SPDX-License-Identifier: MIT
#include "negotiation.h"

/* Takes what stands before the next `mark` off the front, without space around it. */
static bool next_item(struct ht_slice *rest, char mark, struct ht_slice *item)
{
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->data, mark, rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    *item = ht_slice_trim(ht_slice_make(rest->data, length));
    size_t taken = end == NULL ? length : length + 1;
    *rest = ht_slice_make(rest->data + taken, rest->length - taken);
    return true;
}

/* "q=0", "q=0.0" and the like: not acceptable. */
static bool is_zero_weight(struct ht_slice parameter)
{
    if (!ht_slice_starts_with(parameter, HT_SLICE("q=")) &&
        !ht_slice_starts_with(parameter, HT_SLICE("Q="))) {
        return false;
    }
    for (size_t i = 2; i < parameter.length; i++) {
        if (parameter.data[i] != '0' && parameter.data[i] != '.') {
            return false;
        }
    }
    return true;
}

bool ht_accepts_gzip(struct ht_slice accept_encoding)
{
    bool all = false;
    struct ht_slice item;
    while (next_item(&accept_encoding, ',', &item)) {
        struct ht_slice name, parameter;
        if (!next_item(&item, ';', &name)) {
            continue;
        }
        bool is_wanted = true;
        while (next_item(&item, ';', &parameter)) {
            is_wanted = is_wanted && !is_zero_weight(parameter);
        }
        if (ht_slice_equal_ignoring_case(name, HT_SLICE("gzip"))) {
            return is_wanted;
        }
        all = all || (is_wanted && ht_slice_equal(name, HT_SLICE("*")));
    }
    return all;
}

bool ht_matches_etag(struct ht_slice if_none_match, struct ht_slice etag)
{
    struct ht_slice item;
    while (next_item(&if_none_match, ',', &item)) {
        if (ht_slice_starts_with(item, HT_SLICE("W/"))) {
            item = ht_slice_make(item.data + 2, item.length - 2);
        }
        if (ht_slice_equal(item, etag) || ht_slice_equal(item, HT_SLICE("*"))) {
            return true;
        }
    }
    return false;
}

bool ht_is_media_type(struct ht_slice content_type, const char *type)
{
    struct ht_slice name;
    return next_item(&content_type, ';', &name) &&
           ht_slice_equal_ignoring_case(name, ht_slice_text(type));
}
