// SPDX-License-Identifier: MIT
#include "client_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   endpoint (once a service) -> URL with bucket, path, query -> headers -> signature -> headers
 */

#define ENDPOINT_MAX_BYTES 1024
#define USER_AGENT         "hashtagd/" HT_VERSION

/* Where the parts of the URL are, for the signature. */
struct target {
    struct ht_slice host, path;
    const char *region;
};

static int make_url(struct ht_aws_attempts *attempts, struct target *target,
                    struct ht_error *error);
static void append_host(struct ht_buffer *url, struct ht_slice endpoint, struct ht_slice bucket);
static size_t scheme_length(struct ht_slice url);
static void append_path(struct ht_buffer *url, struct ht_slice bucket, struct ht_slice path);
static void find_parts(const struct ht_buffer *url, size_t path_end, struct target *target);
static int find_endpoint(struct ht_aws_attempts *attempts, struct target *target,
                         struct ht_slice *endpoint, struct ht_error *error);
static const char *pick_region(struct ht_aws_attempts *attempts);
static bool is_bucket_sendable(struct ht_slice bucket);
static struct ht_slice without_default_port(struct ht_slice endpoint);
static int add_headers(struct ht_aws_attempts *attempts, struct aws_request *request,
                       struct ht_slice host, struct ht_error *error);
static int sign(struct ht_aws_attempts *attempts, struct aws_request *request,
                const struct target *target, struct ht_error *error);
static void add(struct aws_request *request, const char *name, struct ht_slice value);

int ht_aws_request_make(struct ht_aws_attempts *attempts, struct aws_request *request,
                        struct ht_error *error)
{
    struct target target = {0};

    request->header_count = 0;
    int status = make_url(attempts, &target, error);
    status = status == 0 ? add_headers(attempts, request, target.host, error) : status;
    return status == 0 ? sign(attempts, request, &target, error) : status;
}

/* "https://" ["bucket."] "host[:port]" ["/bucket"] "/path" ["?" query] */
static int make_url(struct ht_aws_attempts *attempts, struct target *target, struct ht_error *error)
{
    const struct ht_aws_call *call = attempts->call;
    const struct ht_aws_settings *settings = attempts->client->options.settings;
    struct ht_buffer *url = &attempts->url;
    struct ht_slice endpoint = {0};

    int status = find_endpoint(attempts, target, &endpoint, error);
    if (status != 0) {
        return status;
    }
    if (!is_bucket_sendable(call->bucket)) {
        return ht_error_set(error, HT_EINVAL, "this is no name of a bucket");
    }
    bool in_path = call->bucket.length > 0 &&
                   ht_aws_request_uses_path_style(endpoint, call->bucket,
                                                  settings->endpoints[call->service] != NULL);
    append_host(url, endpoint, in_path ? (struct ht_slice){0} : call->bucket);
    append_path(url, in_path ? call->bucket : (struct ht_slice){0}, call->path);
    size_t path_end = url->length;
    if (call->query.length > 0) {
        ht_buffer_append_byte(url, '?');
        ht_buffer_append_slice(url, call->query);
    }
    if (ht_buffer_status(url) != 0) {
        return ht_error_set(error, ht_buffer_status(url), "the address of the request: %s",
                            ht_error_meaning(ht_buffer_status(url)));
    }
    find_parts(url, path_end, target);
    return 0;
}

static void append_host(struct ht_buffer *url, struct ht_slice endpoint, struct ht_slice bucket)
{
    size_t scheme = scheme_length(endpoint);

    ht_buffer_append(url, endpoint.data, scheme);
    if (bucket.length > 0) {
        ht_buffer_append_slice(url, bucket);
        ht_buffer_append_byte(url, '.');
    }
    ht_buffer_append(url, endpoint.data + scheme, endpoint.length - scheme);
}

static size_t scheme_length(struct ht_slice url)
{
    return ht_slice_starts_with(url, HT_SLICE("https://")) ? 8 : 7;
}

/* A bucket alone is "/bucket", without a slash behind it. */
static void append_path(struct ht_buffer *url, struct ht_slice bucket, struct ht_slice path)
{
    if (bucket.length > 0) {
        ht_buffer_append_byte(url, '/');
        ht_buffer_append_slice(url, bucket);
    }
    if (bucket.length == 0 || path.length > 1) {
        ht_buffer_append_slice(url, path.length == 0 ? HT_SLICE("/") : path);
    }
}

/* An endpoint that somebody set may have a path of its own, which is signed too. */
static void find_parts(const struct ht_buffer *url, size_t path_end, struct target *target)
{
    size_t host = scheme_length(ht_buffer_slice(url));
    size_t path = host;

    while (path < path_end && url->data[path] != '/') {
        path++;
    }
    target->host = ht_slice_make(url->data + host, path - host);
    target->path = ht_slice_make(url->data + path, path_end - path);
}

/* Made once a service; for a bucket elsewhere each time, in attempts->url itself. */
static int find_endpoint(struct ht_aws_attempts *attempts, struct target *target,
                         struct ht_slice *endpoint, struct ht_error *error)
{
    const struct ht_aws_call *call = attempts->call;
    struct aws_service_state *service = aws_service_of(attempts);
    const struct ht_aws_settings *settings = attempts->client->options.settings;
    struct ht_buffer made;

    ht_buffer_clear(&attempts->url);
    target->region = pick_region(attempts);
    if (target->region == NULL) {
        return ht_error_set(error, HT_EINVAL,
                            "no AWS region is known. Set AWS_REGION, or region in the profile");
    }
    if (attempts->region[0] == '\0' && service->endpoint != NULL) {
        *endpoint = ht_slice_text(service->endpoint);
        return 0;
    }
    ht_buffer_init(&made, ENDPOINT_MAX_BYTES);
    int status = ht_aws_endpoint(settings, call->service, target->region, &made, error);
    if (status != 0) {
        ht_buffer_finish(&made);
        return status;
    }
    struct ht_slice plain = without_default_port(ht_buffer_slice(&made));
    char *text = ht_slice_to_text(plain);
    ht_buffer_finish(&made);
    if (text == NULL) {
        return ht_error_set(error, HT_ENOMEM, "out of memory");
    }
    if (attempts->region[0] == '\0') {
        service->endpoint = text;
        *endpoint = ht_slice_text(text);
        return 0;
    }
    free(attempts->other_endpoint);
    attempts->other_endpoint = text;
    *endpoint = ht_slice_text(text);
    return 0;
}

static const char *pick_region(struct ht_aws_attempts *attempts)
{
    const struct ht_aws_call *call = attempts->call;
    const struct ht_aws_client *client = attempts->client;

    if (attempts->region[0] == '\0' && call->bucket.length > 0 &&
        ht_slice_equal(call->bucket, ht_slice_text(client->bucket))) {
        snprintf(attempts->region, sizeof attempts->region, "%s", client->bucket_region);
    }
    return attempts->region[0] != '\0' ? attempts->region : ht_aws_client_region(client);
}

/* curl leaves the default port out of Host, and so must the signature. */
static struct ht_slice without_default_port(struct ht_slice endpoint)
{
    bool is_tls = ht_slice_starts_with(endpoint, HT_SLICE("https://"));
    struct ht_slice port = is_tls ? HT_SLICE(":443") : HT_SLICE(":80");

    while (endpoint.length > 0 && endpoint.data[endpoint.length - 1] == '/') {
        endpoint.length--;
    }
    if (endpoint.length > port.length + 8 &&
        memcmp(endpoint.data + endpoint.length - port.length, port.data, port.length) == 0) {
        endpoint.length -= port.length;
    }
    return endpoint;
}

/* Letters, digits, dots and hyphens (and the underscore of old ones): nothing that could end the
 * host name. */
static bool is_bucket_sendable(struct ht_slice bucket)
{
    for (size_t i = 0; i < bucket.length; i++) {
        char byte = bucket.data[i];
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') &&
            !(byte >= '0' && byte <= '9') && byte != '-' && byte != '.' && byte != '_') {
            return false;
        }
    }
    return true;
}

/* A label of the host name where it can be one: no dots (the certificate covers one label), no
 * capitals; never in front of an address or of somebody's own server. */
bool ht_aws_request_uses_path_style(struct ht_slice endpoint, struct ht_slice bucket,
                                    bool is_overridden)
{
    if (is_overridden && memmem(endpoint.data, endpoint.length, ".amazonaws.com", 14) == NULL) {
        return true;
    }
    bool is_label = bucket.length >= 3 && bucket.length <= 63 && bucket.data[0] != '-' &&
                    bucket.data[bucket.length - 1] != '-';
    for (size_t i = 0; is_label && i < bucket.length; i++) {
        char byte = bucket.data[i];
        is_label = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
    }
    return !is_label;
}

/* All that is signed, and what is sent beside it. Host is the first: curl sends its own. */
static int add_headers(struct ht_aws_attempts *attempts, struct aws_request *request,
                       struct ht_slice host, struct ht_error *error)
{
    const struct ht_aws_call *call = attempts->call;
    const char *type = ht_aws_service_content_type(call->service);
    const char *prefix = ht_aws_service_target_prefix(call->service);

    if (call->header_count > 32) {
        return ht_error_set(error, HT_ETOOBIG, "too many headers");
    }
    add(request, "Host", host);
    bool has_type =
        ht_http_header_find(call->headers, call->header_count, "Content-Type").data != NULL;
    if (type[0] != '\0' && !has_type) {
        add(request, "Content-Type", ht_slice_text(type));
    }
    if (prefix[0] != '\0') {
        int length =
            snprintf(attempts->target, sizeof attempts->target, "%s%s", prefix, call->operation);
        HT_ASSERT(length > 0 && (size_t)length < sizeof attempts->target);
        add(request, "X-Amz-Target", ht_slice_text(attempts->target));
    }
    for (size_t i = 0; i < call->header_count; i++) {
        request->headers[request->header_count++] = call->headers[i];
    }
    return 0;
}

static int sign(struct ht_aws_attempts *attempts, struct aws_request *request,
                const struct target *target, struct ht_error *error)
{
    const struct ht_aws_call *call = attempts->call;
    struct aws_service_state *service = aws_service_of(attempts);
    const struct ht_aws_keys *keys = attempts->keys;

    if (call->payload_hash.length == 0 && attempts->payload_hash[0] == '\0') {
        ht_sigv4_hash_payload(call->body, attempts->payload_hash);
    }
    struct ht_slice hash =
        call->payload_hash.length != 0 ? call->payload_hash : ht_slice_text(attempts->payload_hash);
    struct ht_sigv4_identity identity = {ht_slice_text(keys->access_key_id),
                                         ht_slice_text(keys->secret_access_key),
                                         ht_slice_text(keys->session_token)};
    struct ht_sigv4_request to_sign = {
        .method = call->method == NULL ? "POST" : call->method,
        .path = target->path,
        .query = call->query,
        .headers = request->headers,
        .header_count = request->header_count,
        .payload_hash = hash,
        .region = ht_aws_signing_region(call->service, target->region),
        .signing_name = ht_aws_service_signing_name(call->service),
        .is_s3 = call->service == HT_AWS_S3,
        .time_s = (ht_clock_wall_ms(attempts->client->clock) + service->counters.skew_ms) / 1000,
    };
    ht_sigv4_result_finish(&attempts->signature);
    int status =
        ht_sigv4_sign(&to_sign, &identity, &service->key_cache, &attempts->signature, error);
    if (status != 0) {
        return status;
    }
    request->headers[0] = request->headers[--request->header_count]; /* not Host: curl's */
    snprintf(attempts->attempt_text, sizeof attempts->attempt_text, "attempt=%u; max=%u",
             call->attempts + 1, attempts->retry.max_attempts);
    add(request, "X-Amz-Date", ht_slice_text(attempts->signature.time_text));
    if (identity.session_token.length > 0) {
        add(request, "X-Amz-Security-Token", identity.session_token);
    }
    if (to_sign.is_s3) {
        add(request, "X-Amz-Content-SHA256", hash);
    }
    add(request, "Authorization", ht_buffer_slice(&attempts->signature.authorization));
    add(request, "amz-sdk-invocation-id", ht_slice_text(attempts->invocation_id));
    add(request, "amz-sdk-request", ht_slice_text(attempts->attempt_text));
    add(request, "User-Agent", HT_SLICE(USER_AGENT));
    return 0;
}

static void add(struct aws_request *request, const char *name, struct ht_slice value)
{
    HT_ASSERT(request->header_count < HT_COUNT_OF(request->headers));
    request->headers[request->header_count++] = (struct ht_http_header){ht_slice_text(name), value};
}
