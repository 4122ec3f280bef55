// SPDX-License-Identifier: MIT

/* What the administration decides of a request before it is handled: which route, which parameters, who
 * may. Values are in their ranges, a refusal is a sentence that can be sent, and nobody gets in who is
 * not on this machine or has no token. */

#include "access.h"
#include "fuzz.h"
#include "negotiation.h"
#include "router.h"

#include "hashtagd/net/url.h"

#include <arpa/inet.h>
#include <strings.h>

static void check_route(struct ht_slice path, struct ht_slice query);
static void check_query(const struct ht_route *route, struct ht_slice query);
static void check_values(const struct ht_route *route, const struct ht_route_value *values);
static void check_access(struct ht_slice host, struct ht_slice origin, struct ht_slice token);
static bool is_this_machine(struct ht_slice host);
static void check_headers(struct ht_slice value);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));
    struct ht_slice rest = ht_slice_make(copy, size);
    struct ht_slice lines[4] = {{copy, 0}, {copy, 0}, {copy, 0}, {copy, 0}};

    for (size_t i = 0; i < HT_COUNT_OF(lines); i++) {
        const char *end = rest.length == 0 ? NULL : memchr(rest.data, '\n', rest.length);
        bool is_last = end == NULL || i + 1 == HT_COUNT_OF(lines);
        size_t length = is_last ? rest.length : (size_t)(end - rest.data);
        lines[i] = ht_slice_make(rest.data, length);
        size_t taken = is_last ? length : length + 1;
        rest = ht_slice_make(rest.data + taken, rest.length - taken);
    }
    check_route(lines[0], lines[1]);
    check_access(lines[0], lines[1], lines[2]);
    check_access(lines[2], lines[3], lines[0]);
    check_headers(lines[0]);
    free(copy);
    return 0;
}

static void check_route(struct ht_slice path, struct ht_slice query)
{
    static const enum ht_http_method methods[] = {HT_HTTP_GET,    HT_HTTP_HEAD, HT_HTTP_POST,
                                                  HT_HTTP_DELETE, HT_HTTP_PUT,  HT_HTTP_OTHER};
    bool is_known = false, is_allowed = false;
    size_t count;
    const struct ht_route *routes = ht_routes(&count);

    for (size_t i = 0; i < HT_COUNT_OF(methods); i++) {
        struct ht_route_match match = ht_route_find(methods[i], path);
        FUZZ_CHECK(match.route == NULL || match.rest.length <= path.length, "the rest of the path");
        FUZZ_CHECK(match.rest.length == 0 ||
                       memchr(match.rest.data, '/', match.rest.length) == NULL,
                   "a segment with a slash");
        is_known = is_known || match.route != NULL;
        is_allowed = is_allowed || match.allow[0] != '\0';
    }
    FUZZ_CHECK(is_known == is_allowed || is_known, "allowed, but nobody knows it");
    for (size_t i = 0; i < count; i++) {
        check_query(&routes[i], query);
    }
}

static void check_query(const struct ht_route *route, struct ht_slice query)
{
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
    struct ht_buffer texts;
    struct ht_error error = {0};

    ht_buffer_init(&texts, 1u << 20);
    int status = ht_route_read_query(route, query, values, &texts, &error);
    if (status == 0) {
        check_values(route, values);
    } else {
        struct ht_slice text = ht_slice_text(error.text);
        FUZZ_CHECK(status == HT_EINVAL && error.code == HT_EINVAL && text.length > 0, "%d", status);
        FUZZ_CHECK(fuzz_is_utf8(text), "a sentence that is no UTF-8: %s", error.text);
    }
    ht_buffer_finish(&texts);
}

static void check_values(const struct ht_route *route, const struct ht_route_value *values)
{
    for (size_t i = 0; route->parameters != NULL && route->parameters[i].name != NULL; i++) {
        const struct ht_route_parameter *parameter = &route->parameters[i];
        size_t choices = 0;
        while (parameter->type == HT_PARAMETER_CHOICE && parameter->choices[choices] != NULL) {
            choices++;
        }
        FUZZ_CHECK(parameter->type != HT_PARAMETER_CHOICE || values[i].number < choices, "choice");
        FUZZ_CHECK(
            parameter->type != HT_PARAMETER_NUMBER ||
                (values[i].number >= parameter->minimum && values[i].number <= parameter->maximum),
            "%s is %llu", parameter->name, (unsigned long long)values[i].number);
        FUZZ_CHECK(parameter->type != HT_PARAMETER_TEXT || values[i].text.data != NULL, "text");
        FUZZ_CHECK(values[i].text.length <= HT_ROUTE_MAX_TEXT_BYTES, "text");
    }
}

static void check_access(struct ht_slice host, struct ht_slice origin, struct ht_slice token)
{
    struct ht_access_rules rules = {.token = NULL};
    struct ht_access_request request = {.host = host, .origin = origin, .authorization = token};
    char secret[] = "s3cret-s3cret-s3cret";

    FUZZ_CHECK(ht_address_parse("127.0.0.1:8080", &rules.address, NULL) == 0, "address");
    if (ht_access_decide(&rules, &request) == HT_ACCESS_GRANTED) {
        FUZZ_CHECK(is_this_machine(host), "host \"%.*s\"", (int)host.length, host.data);
        FUZZ_CHECK(origin.length == host.length + 7 && memcmp(origin.data, "http://", 7) == 0 &&
                       strncasecmp(origin.data + 7, host.data, host.length) == 0,
                   "origin \"%.*s\"", (int)origin.length, origin.data);
    }
    rules.token = secret;
    if (ht_access_decide(&rules, &request) == HT_ACCESS_GRANTED) {
        struct ht_slice sent = ht_slice_trim(ht_slice_make(token.data + 7, token.length - 7));
        FUZZ_CHECK_SAME(sent, ht_slice_text(secret), "token");
    }
    FUZZ_CHECK(ht_access_is_same_secret(host, token) == ht_slice_equal(host, token), "secrets");
}

/* localhost or a loopback address, as the C library reads it, and a port or none. */
static bool is_this_machine(struct ht_slice host)
{
    char *text = fuzz_text(host);
    char *name = text[0] == '[' ? text + 1 : text;
    char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
    struct in_addr v4;
    struct in6_addr v6;
    bool is_here = false;

    if (strlen(text) == host.length && (end != NULL || text[0] != '[')) {
        const char *port = end == NULL ? "" : text[0] == '[' ? end + 1 : end;
        bool has_port =
            port[0] == ':' && port[1] != '\0' && strspn(port + 1, "0123456789") == strlen(port + 1);
        bool is_right = port[0] == '\0' || has_port;
        char *copy =
            fuzz_text(ht_slice_make(name, end == NULL ? strlen(name) : (size_t)(end - name)));
        is_here =
            is_right && (strcasecmp(copy, "localhost") == 0 ||
                         (inet_pton(AF_INET, copy, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127) ||
                         (inet_pton(AF_INET6, copy, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6)));
        free(copy);
    }
    free(text);
    return is_here;
}

static void check_headers(struct ht_slice value)
{
    struct ht_slice list = {value.data, value.length};

    FUZZ_CHECK(!ht_accepts_gzip(list) || memmem(list.data, list.length, "*", 1) != NULL ||
                   list.length >= 4,
               "gzip without a word of it");
    (void)ht_matches_etag(list, HT_SLICE("\"abc\""));
    FUZZ_CHECK(!ht_is_media_type(list, "application/json") || list.length >= 16, "a media type");
}
