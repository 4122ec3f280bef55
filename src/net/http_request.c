// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "http_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST_MAGIC 0x48745271u /* "HtRq" */

static void fill_public(struct ht_http_request_state *request);
static void refuse_collect(struct ht_http_request_state *request, int status, const char *detail);

int ht_http_request_create(struct ht_http_connection *connection, struct ht_slice head,
                           size_t header_count, struct ht_http_refusal *refusal)
{
    size_t header_bytes = header_count * sizeof(struct ht_http_header);
    struct ht_http_request_state *request = malloc(sizeof *request + header_bytes + head.length);

    if (request == NULL) {
        return HT_ENOMEM;
    }
    memset(request, 0, sizeof *request);
    struct ht_http_header *headers = (struct ht_http_header *)(void *)(request + 1);
    char *bytes = (char *)headers + header_bytes;
    memcpy(bytes, head.data, head.length);
    request->magic = REQUEST_MAGIC;
    request->head.headers = headers;
    request->head.header_capacity = header_count;
    ht_http_parser_init(&connection->parser);
    int status =
        ht_http_parser_head(&connection->parser, ht_slice_make(bytes, head.length), &request->head,
                            connection->server->head_limits.max_target_bytes, refusal);
    if (status != 0) {
        free(request);
        return status;
    }
    request->connection = connection;
    request->started_ns = ht_clock_monotonic_ns(connection->server->clock);
    request->body_is_complete = connection->parser.is_complete;
    memcpy(request->peer, connection->peer, sizeof request->peer);
    fill_public(request);
    connection->request = request;
    return 0;
}

static void fill_public(struct ht_http_request_state *request)
{
    const struct ht_http_parsed_head *head = &request->head;

    request->public = (struct ht_http_request){
        .method = head->method,
        .method_name = head->method_name,
        .target = head->target,
        .path = head->parts.path,
        .query = head->parts.query,
        .host = head->host,
        .headers = head->headers,
        .header_count = head->header_count,
        .has_body = head->is_chunked || head->content_length > 0,
        .version_minor = head->version_minor,
        .peer = request->peer,
    };
}

void ht_http_request_destroy(struct ht_http_request_state *request)
{
    HT_ASSERT(request->magic == REQUEST_MAGIC);
    if (request->connection != NULL) {
        request->connection->server->stats.body_bytes_held -= request->body.length;
        request->connection->request = NULL;
    }
    ht_buffer_finish(&request->body);
    request->magic = 0;
    free(request);
}

void ht_http_request_gone(struct ht_http_request_state *request)
{
    struct ht_http_connection *connection = request->connection;
    bool waits_for_body = request->wanted.on_body != NULL && !request->body_is_handed;
    ht_http_on_request_fn on_gone = request->on_gone;
    void *user = request->on_gone_user;

    connection->server->stats.body_bytes_held -= request->body.length;
    connection->request = NULL;
    request->connection = NULL;
    if (on_gone == NULL && !waits_for_body) {
        return; /* the handler still has it, and will answer */
    }
    request->is_gone = true;
    if (on_gone != NULL) {
        on_gone(user, &request->public);
    }
    ht_http_request_destroy(request);
}

void ht_http_request_watch(struct ht_http_request *public, ht_http_on_request_fn on_gone,
                           void *user)
{
    struct ht_http_request_state *request = ht_http_request_from(public);

    request->on_gone = on_gone;
    request->on_gone_user = user;
}

int ht_http_request_collect_body(struct ht_http_request *public,
                                 const struct ht_http_body_wanted *wanted)
{
    struct ht_http_request_state *request = ht_http_request_from(public);
    const struct ht_http_parsed_head *head = &request->head;

    HT_ASSERT(request->wanted.on_body == NULL && wanted->on_body != NULL);
    if (wanted->is_required && !head->is_chunked && !head->has_length) {
        refuse_collect(request, 411, "A body with Content-Length (or chunks) is needed here.");
        return HT_EINVAL;
    }
    if (head->content_length > wanted->max_bytes) {
        char detail[100];
        (void)snprintf(detail, sizeof(detail),
                       "The body of the request is over %zu bytes, the most there may be here.",
                       wanted->max_bytes);
        refuse_collect(request, 413, detail);
        return HT_ETOOBIG;
    }
    request->wanted = *wanted;
    request->on_gone = wanted->on_gone;
    request->on_gone_user = wanted->user;
    /* a body of known length has no use for more room */
    ht_buffer_init(&request->body,
                   head->has_length ? (size_t)head->content_length : wanted->max_bytes);
    if (request->connection != NULL) {
        ht_http_connection_collect(request->connection);
        return 0;
    }
    /* the client went away while nobody listened: as if it had gone just now, so not from here */
    ht_http_request_destroy(request);
    return HT_ECANCELED;
}

static void refuse_collect(struct ht_http_request_state *request, int status, const char *detail)
{
    request->head.keep_alive = false; /* as with all that the server refuses by itself */
    ht_http_respond_problem(&request->public, status, detail);
}

struct ht_slice ht_http_request_header(const struct ht_http_request *request, const char *name)
{
    return ht_http_header_find(request->headers, request->header_count, name);
}

struct ht_http_request_state *ht_http_request_from(struct ht_http_request *public)
{
    struct ht_http_request_state *request =
        HT_CONTAINER_OF(public, struct ht_http_request_state, public);

    HT_ASSERT(request->magic == REQUEST_MAGIC);
    return request;
}
