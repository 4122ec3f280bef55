// SPDX-License-Identifier: MIT
#include "access.h"

#include <stdio.h>

bool ht_access_is_same_secret(struct ht_slice a, struct ht_slice b)
{
    volatile unsigned char difference = a.length != b.length;
    for (size_t i = 0; i < a.length; i++) {
        char other = b.length == 0 ? '\0' : b.data[i % b.length];
        difference = (unsigned char)(difference | (unsigned char)(a.data[i] ^ other));
    }
    return difference == 0;
}

static bool is_port(struct ht_slice text)
{
    uint64_t port;
    return ht_slice_to_u64(text, 65535, &port) == 0;
}

/* Takes "name:port" or "[v6]:port" apart; false where it is neither. */
static bool split_host(struct ht_slice text, struct ht_slice *name)
{
    *name = text;
    struct ht_slice rest = {"", 0};
    if (text.length > 0 && text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.length);
        if (end == NULL) {
            return false;
        }
        *name = ht_slice_make(text.data + 1, (size_t)(end - text.data) - 1);
        rest = ht_slice_make(end + 1, text.length - name->length - 2);
    } else {
        const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
        if (colon != NULL) {
            *name = ht_slice_make(text.data, (size_t)(colon - text.data));
            rest = ht_slice_make(colon, text.length - name->length);
        }
    }
    return rest.length == 0 ||
           (rest.data[0] == ':' && is_port(ht_slice_make(rest.data + 1, rest.length - 1)));
}

bool ht_access_is_own_host(const struct ht_access_rules *rules, struct ht_slice host)
{
    struct ht_slice name;
    if (!split_host(host, &name) || name.length == 0) {
        return false;
    }
    if (ht_slice_equal_ignoring_case(name, HT_SLICE("localhost")) ||
        ht_slice_equal_ignoring_case(name, ht_slice_text(rules->address.host))) {
        return true;
    }
    /* Only what is written as an address is one: 127.0.0.1.example is a name. */
    char text[HT_ADDRESS_TEXT_BYTES];
    bool is_v6 = memchr(name.data, ':', name.length) != NULL;
    if (name.length > sizeof(text) - 10) {
        return false;
    }
    (void)snprintf(text, sizeof(text), is_v6 ? "[%.*s]:1" : "%.*s:1", (int)name.length, name.data);
    struct ht_address address;
    return ht_address_parse(text, &address, NULL) == 0 && ht_address_is_loopback(&address);
}

/* An origin is scheme, host and port (RFC 6454); ours has the Host that was asked. */
static bool is_own_origin(const struct ht_access_rules *rules, struct ht_slice origin,
                          struct ht_slice host)
{
    struct ht_slice scheme = ht_slice_text(rules->is_tls ? "https://" : "http://");
    if (!ht_slice_starts_with(origin, scheme)) {
        return false;
    }
    struct ht_slice authority = {origin.data + scheme.length, origin.length - scheme.length};
    return ht_slice_equal_ignoring_case(authority, host);
}

static bool is_other_site(struct ht_slice fetch_site)
{
    return fetch_site.data != NULL && !ht_slice_equal(fetch_site, HT_SLICE("same-origin")) &&
           !ht_slice_equal(fetch_site, HT_SLICE("none"));
}

static enum ht_access check_token(const struct ht_access_rules *rules,
                                  const struct ht_access_request *request)
{
    struct ht_slice scheme = HT_SLICE("Bearer ");
    struct ht_slice sent = request->authorization;
    if (sent.length <= scheme.length ||
        !ht_slice_equal_ignoring_case(ht_slice_make(sent.data, scheme.length), scheme)) {
        return HT_ACCESS_NO_TOKEN;
    }
    struct ht_slice token =
        ht_slice_trim(ht_slice_make(sent.data + scheme.length, sent.length - scheme.length));
    return ht_access_is_same_secret(token, ht_slice_text(rules->token)) ? HT_ACCESS_GRANTED
                                                                        : HT_ACCESS_BAD_TOKEN;
}

enum ht_access ht_access_decide(const struct ht_access_rules *rules,
                                const struct ht_access_request *request)
{
    if (rules->token != NULL) {
        return request->is_free ? HT_ACCESS_GRANTED : check_token(rules, request);
    }
    if (!ht_access_is_own_host(rules, request->host)) {
        return HT_ACCESS_BAD_HOST;
    }
    if (request->origin.data != NULL && !is_own_origin(rules, request->origin, request->host)) {
        return HT_ACCESS_BAD_ORIGIN;
    }
    if (!request->is_navigation && is_other_site(request->fetch_site)) {
        return HT_ACCESS_BAD_ORIGIN;
    }
    return HT_ACCESS_GRANTED;
}
