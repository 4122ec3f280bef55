// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"
#include "http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PROBLEM_MAX_BYTES (1024u * 1024u) /* beside its members */
#define SKIP_MAX_BYTES    65536 /* of a body that nobody asked for; above it closing is cheaper */

static void send_answer(struct ht_http_request_state *request,
                        const struct ht_http_response *response);
static struct ht_http_body *build_head(struct ht_http_request_state *request,
                                       const struct ht_http_response *response, bool keeps,
                                       struct ht_slice content);
static bool status_has_body(int status);
static void build_problem(const struct ht_http_problem *problem, struct ht_buffer *out);
static bool is_safe_field(struct ht_http_header header);
static void refresh_date(struct ht_http_server *server);

void ht_http_respond(struct ht_http_request *public, const struct ht_http_response *response)
{
    struct ht_http_request_state *request = ht_http_request_from(public);

    HT_ASSERT(!request->is_gone);
    if (request->connection == NULL) {
        ht_http_request_destroy(request); /* nobody waits any more */
        return;
    }
    send_answer(request, response);
}

static void send_answer(struct ht_http_request_state *request,
                        const struct ht_http_response *response)
{
    struct ht_http_connection *connection = request->connection;
    struct ht_http_server *server = connection->server;
    struct ht_http_response bare = {.status = 500};
    bool keeps = ht_http_respond_keeps(request);
    struct ht_slice content =
        response->body == NULL ? response->content : ht_http_body_slice(response->body);

    if (!status_has_body(response->status)) {
        content.length = 0;
    }
    struct ht_http_body *head = build_head(request, response, keeps, content);
    if (head == NULL) {
        keeps = false;
        response = &bare;
        content.length = 0;
        head = build_head(request, response, false, content);
    }
    server->stats.responses_total[response->status / 100 % 6]++;
    ht_histogram_add(&server->stats.request_durations,
                     ht_clock_monotonic_ns(server->clock) - request->started_ns);
    bool sends_body = content.length > 0 && request->public.method != HT_HTTP_HEAD;
    /* without a shared body the content was copied behind the head */
    ht_http_connection_answered(connection, head, sends_body ? response->body : NULL, keeps);
}

/* The head, and behind it the content where it is not shared. NULL where it cannot be built. */
static struct ht_http_body *build_head(struct ht_http_request_state *request,
                                       const struct ht_http_response *response, bool keeps,
                                       struct ht_slice content)
{
    struct ht_http_server *server = request->connection->server;
    struct ht_buffer *out = &server->scratch;
    bool copies = response->body == NULL && request->public.method != HT_HTTP_HEAD;

    ht_buffer_clear(out);
    ht_http_respond_begin_head(server, response->status, keeps, out);
    if (ht_http_respond_add_headers(response->headers, response->header_count, out) != 0) {
        return NULL;
    }
    if (status_has_body(response->status)) {
        ht_buffer_append(out, "Content-Length: ", 16);
        ht_buffer_append_u64(out, content.length);
        ht_buffer_append(out, "\r\n", 2);
    }
    ht_buffer_append(out, "\r\n", 2);
    if (!copies || content.length == 0) {
        return ht_buffer_status(out) == 0 ? ht_http_body_create(ht_buffer_slice(out)) : NULL;
    }
    struct ht_buffer whole;
    ht_buffer_init(&whole, out->length + content.length);
    ht_buffer_append_slice(&whole, ht_buffer_slice(out));
    ht_buffer_append_slice(&whole, content);
    return ht_buffer_status(out) == 0 ? ht_http_body_take(&whole) : NULL;
}

void ht_http_respond_begin_head(struct ht_http_server *server, int status, bool keeps,
                                struct ht_buffer *out)
{
    refresh_date(server);
    ht_buffer_append(out, "HTTP/1.1 ", 9);
    ht_buffer_append_u64(out, (uint64_t)status);
    ht_buffer_append_byte(out, ' ');
    ht_buffer_append_text(out, ht_http_status_text(status));
    ht_buffer_append(out, "\r\nDate: ", 8);
    ht_buffer_append_text(out, server->date);
    ht_buffer_append_text(out,
                          keeps ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n");
    /* the caller's own, given once: they cannot be wrong by what a client sends */
    int added = ht_http_respond_add_headers(server->options.common_headers,
                                            server->options.common_header_count, out);
    HT_ASSERT(added == 0 || ht_buffer_status(out) != 0);
}

int ht_http_respond_add_headers(const struct ht_http_header *headers, size_t count,
                                struct ht_buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_safe_field(headers[i])) {
            return HT_EINVAL;
        }
        ht_buffer_append_slice(out, headers[i].name);
        ht_buffer_append(out, ": ", 2);
        ht_buffer_append_slice(out, headers[i].value);
        ht_buffer_append(out, "\r\n", 2);
    }
    return ht_buffer_status(out);
}

bool ht_http_respond_keeps(const struct ht_http_request_state *request)
{
    const struct ht_http_connection *connection = request->connection;

    size_t here = connection->input.length - connection->input_offset;

    if (!request->head.keep_alive || connection->server->is_draining ||
        (connection->peer_ended && here == 0)) {
        return false;
    }
    if (request->body_is_complete) {
        return true;
    }
    /* a body that nobody read: it is stepped over where it is short and sure to come */
    return request->wanted.on_body == NULL && !request->head.is_chunked &&
           !request->head.expects_continue && request->head.content_length <= SKIP_MAX_BYTES;
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void ht_http_respond_problem(struct ht_http_request *request, int status, const char *detail)
{
    struct ht_http_problem problem = {.status = status, .detail = detail};

    ht_http_respond_problem_with(request, &problem);
}

void ht_http_respond_problem_with(struct ht_http_request *request,
                                  const struct ht_http_problem *problem)
{
    struct ht_http_header headers[16] = {
        HT_HTTP_HEADER("Content-Type", "application/problem+json"),
        HT_HTTP_HEADER("Cache-Control", "no-store"),
    };
    size_t count = 2;
    struct ht_buffer json;

    HT_ASSERT(problem->header_count <= HT_COUNT_OF(headers) - 3);
    for (size_t i = 0; i < problem->header_count; i++) {
        headers[count++] = problem->headers[i];
    }
    if (problem->status == 503 &&
        ht_http_header_find(problem->headers, problem->header_count, "Retry-After").data == NULL) {
        headers[count++] = (struct ht_http_header)HT_HTTP_HEADER("Retry-After", "1");
    }
    ht_buffer_init(&json, PROBLEM_MAX_BYTES + problem->members.length);
    build_problem(problem, &json);
    struct ht_http_response response = {.status = problem->status,
                                        .headers = headers,
                                        .header_count = count,
                                        .content = ht_buffer_slice(&json)};
    ht_http_respond(request, &response);
    ht_buffer_finish(&json);
}

static void build_problem(const struct ht_http_problem *problem, struct ht_buffer *out)
{
    ht_buffer_append_text(out, "{\"type\":\"about:blank\",\"title\":");
    ht_json_append_string(out, ht_slice_text(ht_http_status_text(problem->status)));
    ht_buffer_append_text(out, ",\"status\":");
    ht_buffer_append_u64(out, (uint64_t)problem->status);
    ht_buffer_append_text(out, ",\"detail\":");
    ht_json_append_string(out, ht_slice_text(problem->detail));
    if (problem->members.length > 0) {
        ht_buffer_append_byte(out, ',');
        ht_buffer_append_slice(out, problem->members);
    }
    ht_buffer_append_byte(out, '}');
    if (ht_buffer_status(out) != 0) {
        ht_buffer_clear(out); /* the status alone is better than half a document */
    }
}

struct ht_http_body *ht_http_respond_refusal(struct ht_http_server *server,
                                             const struct ht_http_refusal *refusal, bool head_only)
{
    struct ht_http_problem problem = {.status = refusal->status, .detail = refusal->detail};
    struct ht_buffer json;
    struct ht_buffer *out = &server->scratch;

    ht_buffer_init(&json, PROBLEM_MAX_BYTES);
    build_problem(&problem, &json);
    ht_buffer_clear(out);
    ht_http_respond_begin_head(server, refusal->status, false, out);
    ht_buffer_append_text(out, "Content-Type: application/problem+json\r\n"
                               "Cache-Control: no-store\r\n");
    if (refusal->status == 503) {
        ht_buffer_append_text(out, "Retry-After: 1\r\n");
    }
    ht_buffer_append_format(out, "Content-Length: %zu\r\n\r\n", json.length);
    if (!head_only) {
        ht_buffer_append_slice(out, ht_buffer_slice(&json));
    }
    ht_buffer_finish(&json);
    server->stats.responses_total[refusal->status / 100 % 6]++;
    return ht_buffer_status(out) == 0 ? ht_http_body_create(ht_buffer_slice(out)) : NULL;
}

/* A field must not be able to end its line: the rest would be read as another field. */
static bool is_safe_field(struct ht_http_header header)
{
    for (size_t i = 0; i < header.name.length; i++) {
        unsigned char byte = (unsigned char)header.name.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == ':') {
            return false;
        }
    }
    for (size_t i = 0; i < header.value.length; i++) {
        unsigned char byte = (unsigned char)header.value.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return header.name.length > 0;
}

static void refresh_date(struct ht_http_server *server)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_s = ht_clock_wall_s(server->clock);
    time_t now = (time_t)now_s;
    struct tm utc;

    if (now_s == server->date_s || gmtime_r(&now, &utc) == NULL) {
        return;
    }
    server->date_s = now_s;
    snprintf(server->date, sizeof server->date, "%s, %02d %s %04d %02d:%02d:%02d GMT",
             days[utc.tm_wday % 7], utc.tm_mday % 32, months[utc.tm_mon % 12],
             (utc.tm_year + 1900) % 10000, utc.tm_hour % 24, utc.tm_min % 60, utc.tm_sec % 61);
}
