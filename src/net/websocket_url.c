// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "websocket_upgrade.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>

#define URL_MAX_BYTES 65536

/** What curl says of a URL; owned by curl. */
struct pieces {
    char *scheme, *user, *host, *port, *path, *query;
};

static char *http_form(const char *url, const char **problem);
static int take_apart(CURLU *handle, const char *url, struct pieces *pieces, const char **problem);
static int put_together(const struct pieces *pieces, struct ht_websocket_url *parts);

int ht_websocket_url_parse(const char *url, struct ht_websocket_url *parts, const char **problem)
{
    struct pieces pieces = {0};
    CURLU *handle = curl_url();
    char *http = http_form(url, problem);
    int status = HT_ENOMEM;

    *parts = (struct ht_websocket_url){0};
    if (http == NULL) {
        status = **problem == '\0' ? HT_ENOMEM : HT_EINVAL;
    } else if (handle != NULL) {
        status = take_apart(handle, http, &pieces, problem);
        status = status == 0 ? put_together(&pieces, parts) : status;
    }
    curl_free(pieces.scheme);
    curl_free(pieces.user);
    curl_free(pieces.host);
    curl_free(pieces.port);
    curl_free(pieces.path);
    curl_free(pieces.query);
    curl_url_cleanup(handle);
    free(http);
    return status;
}

/* A copy with http or https in place of ws or wss: not every curl knows those. */
static char *http_form(const char *url, const char **problem)
{
    static const struct {
        const char *scheme, *http;
    } schemes[] = {{"ws://", "http://"},
                   {"wss://", "https://"},
                   {"http://", "http://"},
                   {"https://", "https://"}};
    struct ht_buffer text;

    *problem = "";
    for (size_t i = 0; i < HT_COUNT_OF(schemes); i++) {
        struct ht_slice scheme = ht_slice_text(schemes[i].scheme);
        struct ht_slice begin = ht_slice_make(url, strnlen(url, scheme.length));
        if (ht_slice_equal_ignoring_case(begin, scheme)) {
            ht_buffer_init(&text, URL_MAX_BYTES);
            ht_buffer_append_text(&text, schemes[i].http);
            ht_buffer_append_text(&text, url + scheme.length);
            *problem = ht_buffer_status(&text) == HT_ETOOBIG ? "it is too long" : "";
            char *http = ht_buffer_status(&text) == 0 ? ht_buffer_take(&text) : NULL;
            ht_buffer_finish(&text);
            return http;
        }
    }
    *problem = "it must begin with ws:// or wss://";
    return NULL;
}

static int take_apart(CURLU *handle, const char *url, struct pieces *pieces, const char **problem)
{
    CURLUcode result = curl_url_set(handle, CURLUPART_URL, url, 0);

    if (result == CURLUE_OK) {
        curl_url_get(handle, CURLUPART_USER, &pieces->user, 0);
        curl_url_get(handle, CURLUPART_PORT, &pieces->port, 0);
        curl_url_get(handle, CURLUPART_QUERY, &pieces->query, 0);
        result = curl_url_get(handle, CURLUPART_SCHEME, &pieces->scheme, 0);
    }
    result = result == CURLUE_OK ? curl_url_get(handle, CURLUPART_HOST, &pieces->host, 0) : result;
    result = result == CURLUE_OK ? curl_url_get(handle, CURLUPART_PATH, &pieces->path, 0) : result;
    if (result != CURLUE_OK) {
        *problem = result == CURLUE_OUT_OF_MEMORY ? "" : "it is malformed";
        return result == CURLUE_OUT_OF_MEMORY ? HT_ENOMEM : HT_EINVAL;
    }
    if (pieces->user != NULL) {
        *problem = "a user name and password in it are not sent; give a header instead";
        return HT_EINVAL;
    }
    return 0;
}

static int put_together(const struct pieces *pieces, struct ht_websocket_url *parts)
{
    bool has_port = pieces->port != NULL;

    if (asprintf(&parts->host, "%s%s%s", pieces->host, has_port ? ":" : "",
                 has_port ? pieces->port : "") < 0) {
        parts->host = NULL;
        return HT_ENOMEM;
    }
    if (asprintf(&parts->http_url, "%s://%s/", pieces->scheme, parts->host) < 0) {
        parts->http_url = NULL;
        return HT_ENOMEM;
    }
    bool has_query = pieces->query != NULL;
    if (asprintf(&parts->target, "%s%s%s", pieces->path, has_query ? "?" : "",
                 has_query ? pieces->query : "") < 0) {
        parts->target = NULL;
        return HT_ENOMEM;
    }
    return 0;
}

void ht_websocket_url_finish(struct ht_websocket_url *parts)
{
    free(parts->http_url);
    free(parts->host);
    free(parts->target);
    *parts = (struct ht_websocket_url){0};
}
