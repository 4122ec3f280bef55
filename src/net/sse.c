// SPDX-License-Identifier: MIT
#include "hashtagd/net/sse.h"

#include "hashtagd/base/assert.h"
#include "http_internal.h"

#include <stdlib.h>

#define SSE_MAGIC       0x48745365u /* "HtSe" */
#define FRAME_MAX_BYTES (16u * 1024u * 1024u)
#define HEAD_MAX_BYTES  65536
#define KEEP_ALIVE_MS   15000
#define RETRY_MS        1000

struct ht_sse {
    uint32_t magic;
    /* fixed after begin */
    struct ht_http_connection *connection; /* not owned: it tells when it goes */
    struct ht_timer_queue *timers;
    uint64_t keep_alive_ms;
    ht_sse_on_gone_fn on_gone;
    void *user;
    /* changing */
    struct ht_timer keep_alive_timer;
};

static struct ht_http_body *build_head(struct ht_http_request_state *request,
                                       const struct ht_sse_options *options);
static void on_keep_alive_due(struct ht_timer *timer);
static void append_event(struct ht_buffer *out, const char *event, struct ht_slice data);
static void on_stream_gone(void *user);
static void destroy(struct ht_sse *stream);

int ht_sse_begin(struct ht_http_request *public, const struct ht_sse_options *options,
                 struct ht_sse **out)
{
    struct ht_http_request_state *request = ht_http_request_from(public);
    struct ht_http_connection *connection = request->connection;

    *out = NULL;
    if (connection == NULL) {
        ht_http_request_destroy(request);
        return HT_ECANCELED;
    }
    struct ht_http_body *head = build_head(request, options);
    if (public->method == HT_HTTP_HEAD && head != NULL) {
        ht_http_connection_answered(connection, head, NULL, false);
        return HT_EUNSUPPORTED;
    }
    struct ht_sse *stream = calloc(1, sizeof *stream);
    if (head == NULL || stream == NULL) {
        ht_http_body_release(head);
        free(stream);
        ht_http_respond_problem(public, 503, "Out of memory; try again in a moment.");
        return HT_ENOMEM;
    }
    stream->magic = SSE_MAGIC;
    stream->connection = connection;
    stream->timers = connection->server->timers;
    stream->keep_alive_ms = options->keep_alive_ms == 0 ? KEEP_ALIVE_MS : options->keep_alive_ms;
    stream->on_gone = options->on_gone;
    stream->user = options->user;
    ht_timer_init(&stream->keep_alive_timer, on_keep_alive_due);
    ht_timer_start(stream->timers, &stream->keep_alive_timer, stream->keep_alive_ms);
    ht_http_connection_stream(connection, head, on_stream_gone, stream);
    ht_http_body_release(head);
    *out = stream;
    return 0;
}

/* No Content-Length and no chunks: the end of the connection is the end of the stream. */
static struct ht_http_body *build_head(struct ht_http_request_state *request,
                                       const struct ht_sse_options *options)
{
    struct ht_http_server *server = request->connection->server;
    struct ht_buffer out;

    ht_buffer_init(&out, HEAD_MAX_BYTES);
    ht_http_respond_begin_head(server, 200, false, &out);
    ht_buffer_append_text(&out, "Content-Type: text/event-stream\r\n"
                                "Cache-Control: no-store\r\n"
                                "X-Accel-Buffering: no\r\n"); /* nginx in front must not collect */
    int status = ht_http_respond_add_headers(options->headers, options->header_count, &out);
    ht_buffer_append_text(&out, "\r\n");
    if (request->public.method != HT_HTTP_HEAD) {
        ht_buffer_append_format(
            &out, "retry: %llu\n\n",
            (unsigned long long)(options->retry_ms == 0 ? RETRY_MS : options->retry_ms));
    }
    server->stats.responses_total[2]++;
    if (status != 0) {
        ht_buffer_finish(&out);
        return NULL;
    }
    return ht_http_body_take(&out);
}

void ht_sse_send(struct ht_sse *stream, const char *event, struct ht_slice data)
{
    struct ht_http_body *frame = ht_sse_format(event, data);

    if (frame != NULL) {
        ht_sse_send_frame(stream, frame);
        ht_http_body_release(frame);
    }
}

struct ht_http_body *ht_sse_format(const char *event, struct ht_slice data)
{
    struct ht_buffer out;

    ht_buffer_init(&out, FRAME_MAX_BYTES);
    append_event(&out, event, data);
    return ht_http_body_take(&out);
}

/* Each line of the data gets its own "data:"; CR, LF and CR LF all end a line there. */
static void append_event(struct ht_buffer *out, const char *event, struct ht_slice data)
{
    size_t start = 0;

    ht_buffer_append_text(out, "event: ");
    ht_buffer_append_text(out, event);
    for (size_t i = 0; i <= data.length; i++) {
        if (i < data.length && data.data[i] != '\n' && data.data[i] != '\r') {
            continue;
        }
        ht_buffer_append_text(out, "\ndata: ");
        ht_buffer_append(out, data.data + start, i - start);
        if (i + 1 < data.length && data.data[i] == '\r' && data.data[i + 1] == '\n') {
            i++;
        }
        start = i + 1;
    }
    ht_buffer_append_text(out, "\n\n");
}

void ht_sse_send_frame(struct ht_sse *stream, struct ht_http_body *frame)
{
    HT_ASSERT(stream->magic == SSE_MAGIC);
    ht_timer_start(stream->timers, &stream->keep_alive_timer, stream->keep_alive_ms);
    ht_http_connection_stream_send(stream->connection, frame);
}

static void on_keep_alive_due(struct ht_timer *timer)
{
    struct ht_sse *stream = HT_CONTAINER_OF(timer, struct ht_sse, keep_alive_timer);
    struct ht_http_body *comment = ht_http_body_create(HT_SLICE(":\n\n"));

    ht_timer_start(stream->timers, &stream->keep_alive_timer, stream->keep_alive_ms);
    if (comment != NULL) {
        ht_http_connection_stream_send(stream->connection, comment);
        ht_http_body_release(comment);
    }
}

static void on_stream_gone(void *user)
{
    struct ht_sse *stream = user;
    ht_sse_on_gone_fn on_gone = stream->on_gone;
    void *gone_user = stream->user;

    HT_ASSERT(stream->magic == SSE_MAGIC);
    destroy(stream);
    on_gone(gone_user);
}

void ht_sse_close(struct ht_sse *stream)
{
    if (stream == NULL) {
        return;
    }
    HT_ASSERT(stream->magic == SSE_MAGIC);
    struct ht_http_connection *connection = stream->connection;
    destroy(stream);
    ht_http_connection_stream_end(connection);
}

static void destroy(struct ht_sse *stream)
{
    ht_timer_stop(stream->timers, &stream->keep_alive_timer);
    stream->magic = 0;
    free(stream);
}
