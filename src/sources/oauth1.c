// SPDX-License-Identifier: MIT
#include "oauth1.h"

#include "hashtagd/base/digest.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/net/url.h"

#include <stdio.h>
#include <stdlib.h>

/* A parameter whose name and value lie encoded in the arena, one behind the other. */
struct parameter {
    size_t begin, name_length, value_length;
};

/* Parameters on their way to be sorted. */
struct collection {
    struct parameter parameters[HT_OAUTH1_PARAMETERS_MAX];
    struct ht_url_pair sorted[HT_OAUTH1_PARAMETERS_MAX]; /* slices of the arena */
    size_t count;
    struct ht_buffer arena;
    struct ht_buffer decoded;
};

/* One field of the header; not sent where it has no value. */
struct field {
    const char *name;
    struct ht_slice value;
};

#define FIELDS    7
#define SIGNATURE 2 /* its index */

static void list_fields(const struct ht_oauth1_keys *keys, const struct ht_oauth1_stamp *stamp,
                        char time_text[24], struct field fields[FIELDS]);
static int collect_form(struct collection *collection, struct ht_slice form);
static int collect_fields(struct collection *collection, const struct field fields[FIELDS]);
static int collect(struct collection *collection, struct ht_slice name, struct ht_slice value);
static int append_sorted(struct collection *collection, struct ht_buffer *out);
static int compare_parameters(const void *left, const void *right);
static void append_lower(struct ht_buffer *out, struct ht_slice text);
static struct ht_slice without_user(struct ht_slice authority);
static struct ht_slice without_port(struct ht_slice authority, bool is_https);
static int append_header(const struct field fields[FIELDS], struct ht_buffer *out);
static int tell(int status, struct ht_error *error);

int ht_oauth1_make_nonce(char nonce[HT_OAUTH1_NONCE_BYTES])
{
    uint8_t bytes[(HT_OAUTH1_NONCE_BYTES - 1) / 2];

    int status = ht_random_secret(bytes, sizeof bytes);
    if (status == 0) {
        ht_digest_format_hex(bytes, sizeof bytes, nonce);
    }
    return status;
}

int ht_oauth1_append_parameters(const struct ht_oauth1_request *request,
                                const struct ht_oauth1_keys *keys,
                                const struct ht_oauth1_stamp *stamp, struct ht_buffer *out)
{
    struct collection collection;
    struct ht_url_target target;
    struct field fields[FIELDS];
    char time_text[24];

    collection.count = 0;
    ht_buffer_init(&collection.arena, HT_OAUTH1_STAGE_MAX_BYTES);
    ht_buffer_init(&collection.decoded, HT_OAUTH1_STAGE_MAX_BYTES);
    list_fields(keys, stamp, time_text, fields);
    int status = ht_url_split_target(request->url, &target);
    status = status == 0 ? collect_form(&collection, target.query) : status;
    status = status == 0 ? collect_form(&collection, request->form) : status;
    status = status == 0 ? collect_fields(&collection, fields) : status;
    status = status == 0 ? append_sorted(&collection, out) : status;
    ht_buffer_finish(&collection.decoded);
    ht_buffer_finish(&collection.arena);
    return status;
}

/* Lists the header's fields in the order of their names, without the signature's value. */
static void list_fields(const struct ht_oauth1_keys *keys, const struct ht_oauth1_stamp *stamp,
                        char time_text[24], struct field fields[FIELDS])
{
    int length = snprintf(time_text, 24, "%lld", (long long)stamp->time_s);
    const struct field all[FIELDS] = {
        {"oauth_consumer_key", keys->consumer_key},
        {"oauth_nonce", stamp->nonce},
        {"oauth_signature", HT_SLICE("")},
        {"oauth_signature_method", HT_SLICE("HMAC-SHA1")},
        {"oauth_timestamp", ht_slice_make(time_text, (size_t)length)},
        {"oauth_token", keys->token},
        {"oauth_version", stamp->has_no_version ? HT_SLICE("") : HT_SLICE("1.0")},
    };

    memcpy(fields, all, sizeof all);
}

static int collect_form(struct collection *collection, struct ht_slice form)
{
    struct ht_buffer *decoded = &collection->decoded;
    struct ht_url_pair pair;
    int status = 0;

    while (status == 0 && ht_url_next_pair(&form, &pair)) {
        ht_buffer_clear(decoded);
        status = ht_url_decode_form(pair.name, decoded);
        size_t name_length = decoded->length;
        status = status == 0 ? ht_url_decode_form(pair.value, decoded) : status;
        if (status == 0) {
            struct ht_slice both = ht_buffer_slice(decoded);
            status = collect(collection, ht_slice_make(both.data, name_length),
                             ht_slice_make(both.data + name_length, both.length - name_length));
        }
    }
    return status;
}

static int collect_fields(struct collection *collection, const struct field fields[FIELDS])
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < FIELDS; i++) {
        if (fields[i].value.length > 0) {
            status = collect(collection, ht_slice_text(fields[i].name), fields[i].value);
        }
    }
    return status;
}

/* Takes in a pair that is not encoded. */
static int collect(struct collection *collection, struct ht_slice name, struct ht_slice value)
{
    struct ht_buffer *arena = &collection->arena;

    if (collection->count == HT_OAUTH1_PARAMETERS_MAX) {
        return HT_ETOOBIG;
    }
    struct parameter *parameter = &collection->parameters[collection->count++];
    parameter->begin = arena->length;
    int status = ht_url_encode(name, arena);
    parameter->name_length = arena->length - parameter->begin;
    status = status == 0 ? ht_url_encode(value, arena) : status;
    parameter->value_length = arena->length - parameter->begin - parameter->name_length;
    return status;
}

static int append_sorted(struct collection *collection, struct ht_buffer *out)
{
    struct ht_url_pair *sorted = collection->sorted;

    for (size_t i = 0; i < collection->count; i++) {
        const struct parameter *parameter = &collection->parameters[i];
        const char *name = collection->arena.data + parameter->begin;
        sorted[i].name = ht_slice_make(name, parameter->name_length);
        sorted[i].value = ht_slice_make(name + parameter->name_length, parameter->value_length);
    }
    qsort(sorted, collection->count, sizeof *sorted, compare_parameters);
    for (size_t i = 0; i < collection->count; i++) {
        ht_buffer_append_text(out, i == 0 ? "" : "&");
        ht_buffer_append_slice(out, sorted[i].name);
        ht_buffer_append_byte(out, '=');
        ht_buffer_append_slice(out, sorted[i].value);
    }
    return ht_buffer_status(out);
}

static int compare_parameters(const void *left, const void *right)
{
    const struct ht_url_pair *a = left, *b = right;

    int order = ht_slice_compare(a->name, b->name);
    return order != 0 ? order : ht_slice_compare(a->value, b->value);
}

int ht_oauth1_append_base_url(struct ht_slice url, struct ht_buffer *out)
{
    struct ht_url_target target;

    int status = ht_url_split_target(url, &target);
    if (status != 0 || target.authority.length == 0) {
        return status != 0 ? status : HT_EPARSE;
    }
    /* The target has an authority, so a scheme with its "://" stands before it. */
    struct ht_slice scheme =
        ht_slice_make(url.data, (size_t)(target.authority.data - url.data) - 3);
    append_lower(out, scheme);
    ht_buffer_append_text(out, "://");
    append_lower(out, without_port(without_user(target.authority), scheme.length == 5));
    ht_buffer_append_slice(out, target.path);
    return ht_buffer_status(out);
}

static void append_lower(struct ht_buffer *out, struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        ht_buffer_append_byte(out, byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte);
    }
}

static struct ht_slice without_user(struct ht_slice authority)
{
    for (size_t i = authority.length; i > 0; i--) {
        if (authority.data[i - 1] == '@') {
            return ht_slice_make(authority.data + i, authority.length - i);
        }
    }
    return authority;
}

/* Drops the port where it is empty or the scheme's own. */
static struct ht_slice without_port(struct ht_slice authority, bool is_https)
{
    const char *own = is_https ? ":443" : ":80";
    struct ht_slice ends[] = {ht_slice_text(own), HT_SLICE(":")};

    for (size_t i = 0; i < 2; i++) {
        size_t rest = authority.length - ends[i].length;
        if (authority.length > ends[i].length &&
            memcmp(authority.data + rest, ends[i].data, ends[i].length) == 0) {
            return ht_slice_make(authority.data, rest);
        }
    }
    return authority;
}

int ht_oauth1_append_base_string(const struct ht_oauth1_request *request,
                                 struct ht_slice parameters, struct ht_buffer *out)
{
    struct ht_buffer url;

    ht_buffer_init(&url, HT_OAUTH1_STAGE_MAX_BYTES);
    int status = ht_oauth1_append_base_url(request->url, &url);
    if (status == 0) {
        ht_buffer_append_slice(out, request->method);
        ht_buffer_append_byte(out, '&');
        status = ht_url_encode(ht_buffer_slice(&url), out);
    }
    if (status == 0) {
        ht_buffer_append_byte(out, '&');
        status = ht_url_encode(parameters, out);
    }
    ht_buffer_finish(&url);
    return status == 0 ? ht_buffer_status(out) : status;
}

int ht_oauth1_sign(const struct ht_oauth1_keys *keys, struct ht_slice base_string,
                   char signature[HT_OAUTH1_SIGNATURE_BYTES])
{
    struct ht_buffer key;
    uint8_t mac[HT_DIGEST_SHA1_BYTES];

    if (keys->consumer_secret.length > HT_OAUTH1_SECRET_MAX_BYTES ||
        keys->token_secret.length > HT_OAUTH1_SECRET_MAX_BYTES) {
        return HT_ETOOBIG;
    }
    /* Room for all of it at once: a buffer that grows would leave a copy behind. */
    ht_buffer_init(&key, (size_t)6 * HT_OAUTH1_SECRET_MAX_BYTES + 1);
    int status = ht_buffer_reserve(&key, key.max_bytes);
    status = status == 0 ? ht_url_encode(keys->consumer_secret, &key) : status;
    status = status == 0 ? ht_buffer_append_byte(&key, '&') : status;
    status = status == 0 ? ht_url_encode(keys->token_secret, &key) : status;
    if (status == 0) {
        ht_digest_hmac_sha1(ht_buffer_slice(&key), base_string, mac);
        size_t length = ht_base64_encode(ht_slice_make(mac, sizeof mac), signature);
        signature[length] = '\0';
    }
    ht_oauth1_wipe(&key);
    return status;
}

int ht_oauth1_authorize(const struct ht_oauth1_request *request, const struct ht_oauth1_keys *keys,
                        const struct ht_oauth1_stamp *stamp, struct ht_buffer *out,
                        struct ht_error *error)
{
    struct ht_buffer parameters, base_string;
    struct field fields[FIELDS];
    char time_text[24], signature[HT_OAUTH1_SIGNATURE_BYTES];

    ht_buffer_init(&parameters, HT_OAUTH1_STAGE_MAX_BYTES);
    ht_buffer_init(&base_string, HT_OAUTH1_STAGE_MAX_BYTES);
    list_fields(keys, stamp, time_text, fields);
    int status = ht_oauth1_append_parameters(request, keys, stamp, &parameters);
    if (status == 0) {
        status = ht_oauth1_append_base_string(request, ht_buffer_slice(&parameters), &base_string);
    }
    if (status == 0) {
        status = ht_oauth1_sign(keys, ht_buffer_slice(&base_string), signature);
    }
    if (status == 0) {
        fields[SIGNATURE].value = ht_slice_text(signature);
        status = append_header(fields, out);
    }
    ht_buffer_finish(&base_string);
    ht_buffer_finish(&parameters);
    return tell(status, error);
}

static int append_header(const struct field fields[FIELDS], struct ht_buffer *out)
{
    const char *before = "OAuth ";
    int status = 0;

    for (size_t i = 0; status == 0 && i < FIELDS; i++) {
        if (fields[i].value.length > 0) {
            ht_buffer_append_format(out, "%s%s=\"", before, fields[i].name);
            status = ht_url_encode(fields[i].value, out);
            ht_buffer_append_byte(out, '"');
            before = ", ";
        }
    }
    return status == 0 ? ht_buffer_status(out) : status;
}

static int tell(int status, struct ht_error *error)
{
    if (status == HT_EPARSE) {
        return ht_error_set(error, status,
                            "the request cannot be signed: its address is no http or https URL, or "
                            "has a '%%' that encodes nothing; correct source.url");
    }
    return status == 0 ? 0
                       : ht_error_set(error, status, "the request cannot be signed: %s",
                                      ht_error_meaning(status));
}

void ht_oauth1_wipe(struct ht_buffer *buffer)
{
    ht_digest_wipe(buffer->data, buffer->data == NULL ? 0 : buffer->capacity);
    ht_buffer_finish(buffer);
}
