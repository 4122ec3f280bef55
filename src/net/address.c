// SPDX-License-Identifier: MIT
#include "hashtagd/net/address.h"

#include "hashtagd/base/slice.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int split(const char *text, struct ht_slice *host, struct ht_slice *port, bool *bracketed);

int ht_address_parse(const char *text, struct ht_address *address, struct ht_error *error)
{
    static const char accepted[] =
        "use address:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080";
    struct ht_slice host;
    struct ht_slice port;
    uint64_t number;
    unsigned char raw[sizeof(struct in6_addr)];

    memset(address, 0, sizeof *address);
    if (split(text, &host, &port, &address->is_v6) != 0) {
        return ht_error_set(error, HT_EPARSE, "\"%s\" is no address to listen on: %s.", text,
                            accepted);
    }
    if (ht_slice_to_u64(port, 65535, &number) != 0) {
        return ht_error_set(error, HT_EPARSE, "\"%s\" has no port from 0 to 65535: %s.", text,
                            accepted);
    }
    if (ht_slice_equal_ignoring_case(host, HT_SLICE("localhost"))) {
        host = HT_SLICE("127.0.0.1");
    }
    address->port = (uint16_t)number;
    if (host.length >= sizeof address->host - sizeof "[]:65535") {
        host.length = 0;
    }
    memcpy(address->host, host.data, host.length);
    if (inet_pton(address->is_v6 ? AF_INET6 : AF_INET, address->host, raw) != 1) {
        return ht_error_set(error, HT_EPARSE, "\"%s\" has no numeric address: %s.", text, accepted);
    }
    return 0;
}

/* Cuts "host:port" or "[host]:port" in two. */
static int split(const char *text, struct ht_slice *host, struct ht_slice *port, bool *bracketed)
{
    const char *colon = strrchr(text, ':');

    *bracketed = text[0] == '[';
    if (colon == NULL || colon == text) {
        return HT_EPARSE;
    }
    *port = ht_slice_text(colon + 1);
    *host = ht_slice_make(text, (size_t)(colon - text));
    if (!*bracketed) {
        return 0;
    }
    if (host->length < 3 || host->data[host->length - 1] != ']') {
        return HT_EPARSE;
    }
    *host = ht_slice_make(text + 1, host->length - 2);
    return 0;
}

char *ht_address_format(const struct ht_address *address, char text[HT_ADDRESS_TEXT_BYTES])
{
    /* the host was checked to leave room for brackets and port */
    snprintf(text, HT_ADDRESS_TEXT_BYTES, address->is_v6 ? "[%.50s]:%u" : "%.50s:%u", address->host,
             (unsigned)address->port);
    return text;
}

bool ht_address_is_loopback(const struct ht_address *address)
{
    struct in6_addr v6;

    if (!address->is_v6) {
        return strncmp(address->host, "127.", 4) == 0;
    }
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
