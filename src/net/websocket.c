// SPDX-License-Identifier: MIT
#include "hashtagd/net/websocket.h"

#include "http_client_curl.h"
#include "hashtagd/base/assert.h"
#include "websocket_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * curl connects and then leaves the connection alone (CURLOPT_CONNECT_ONLY); its handle stays
 * with the client, for curl closes the connection when it goes.
 *
 *   open -> (curl) -> on_result -> poll handle -> work() at each event, timer, call of the owner
 *        -> finish() -> on_end
 */

#define SOCKET_MAGIC       0x48745773u /* "HtWs" */
#define CONNECT_TIMEOUT_MS 10000
#define CLOSE_TIMEOUT_MS   2000
#define LINGER_MS          250
#define MESSAGE_MAX_BYTES  (1024u * 1024u)
#define UNSENT_MAX_BYTES   (64u * 1024u)
#define REQUEST_MAX_BYTES  (128u * 1024u)
#define CONTROL_BYTES      16384u /* in the output, beside messages */
#define CURL_PATIENCE_MS   1000   /* beyond our own timer, whose words are better */

static int set_up(struct ht_websocket *socket, const struct ht_websocket_options *options,
                  struct ht_error *error);
static int set_request(struct ht_websocket *socket, const struct ht_websocket_options *options,
                       struct ht_error *error);
static int set_curl(struct ht_websocket *socket, const struct ht_websocket_options *options);
static void on_turn(struct ht_timer *timer);
static void on_result(struct ht_http_member *member, CURLcode result);
static int open_poll(struct ht_websocket *socket);
static void on_poll(uv_poll_t *handle, int status, int poll_events);
static void on_work(struct ht_timer *timer);
static void work(struct ht_websocket *socket);
static void watch(struct ht_websocket *socket);
static void on_state_over(struct ht_timer *timer);
static void stop(struct ht_websocket *socket, int code);
static void stop_member(struct ht_http_member *member, int code);
static void cancel_member(struct ht_http_member *member);
static void finish(struct ht_websocket *socket);
static void tell_end(struct ht_websocket *socket);
static void close_poll(struct ht_websocket *socket);
static void on_poll_closed(uv_handle_t *handle);
static void destroy(struct ht_websocket *socket);
static struct ht_websocket *socket_from(void *pointer);

int ht_websocket_open(struct ht_http_client *client, const struct ht_websocket_options *options,
                      struct ht_websocket **out, struct ht_error *error)
{
    *out = NULL;
    if (client->is_closing) {
        return ht_error_set(error, HT_ECANCELED, "The HTTP client is closing.");
    }
    struct ht_websocket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for a WebSocket.");
    }
    socket->magic = SOCKET_MAGIC;
    socket->member.client = client;
    socket->member.on_result = on_result;
    socket->member.fail = stop_member;
    socket->member.cancel = cancel_member;
    int status = set_up(socket, options, error);
    if (status != 0) {
        destroy(socket);
        return status;
    }
    ht_http_client_link(client, &socket->member);
    ht_timer_start(client->timers, &socket->turn_timer, 0);
    ht_websocket_enter(socket, HT_WEBSOCKET_CONNECTING, socket->options.connect_timeout_ms);
    *out = socket;
    return 0;
}

static int set_up(struct ht_websocket *socket, const struct ht_websocket_options *options,
                  struct ht_error *error)
{
    struct ht_websocket_options *mine = &socket->options;

    *mine = *options;
    mine->url = mine->subprotocol = mine->ca_file = NULL;
    mine->headers = NULL;
    if (mine->connect_timeout_ms == 0) {
        mine->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    }
    if (mine->close_timeout_ms == 0) {
        mine->close_timeout_ms = CLOSE_TIMEOUT_MS;
    }
    if (mine->max_message_bytes == 0) {
        mine->max_message_bytes = MESSAGE_MAX_BYTES;
    }
    if (mine->max_unsent_bytes == 0) {
        mine->max_unsent_bytes = UNSENT_MAX_BYTES;
    }
    ht_timer_init(&socket->turn_timer, on_turn);
    ht_timer_init(&socket->work_timer, on_work);
    ht_timer_init(&socket->state_timer, on_state_over);
    ht_buffer_init(&socket->head, HT_WEBSOCKET_HEAD_MAX_BYTES + HT_WEBSOCKET_READ_BYTES);
    ht_buffer_init(&socket->body, HT_WEBSOCKET_BODY_MAX_BYTES);
    ht_buffer_init(&socket->sending, REQUEST_MAX_BYTES);
    ht_buffer_init(&socket->output, mine->max_unsent_bytes + CONTROL_BYTES);
    int status = set_request(socket, options, error);
    if (status != 0) {
        return status;
    }
    socket->room = malloc(HT_WEBSOCKET_READ_BYTES);
    status = socket->room == NULL ? HT_ENOMEM : 0;
    status =
        status == 0 ? ht_websocket_frames_init(&socket->frames, mine->max_message_bytes) : status;
    status = status == 0 ? set_curl(socket, options) : status;
    return status == 0 ? 0 : ht_error_set(error, HT_ENOMEM, "Out of memory for a WebSocket.");
}

/* The request waits as what is sent first. */
static int set_request(struct ht_websocket *socket, const struct ht_websocket_options *options,
                       struct ht_error *error)
{
    const char *problem = "";
    int status = ht_websocket_url_parse(options->url, &socket->url, &problem);

    if (status == HT_EINVAL) {
        return ht_error_set(error, status, "The URL of a WebSocket cannot be used: %s.", problem);
    }
    if (status == 0 && ht_websocket_key_make(socket->key) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers for a WebSocket.");
    }
    if (status == 0 && options->subprotocol != NULL) {
        socket->subprotocol = strdup(options->subprotocol);
        status = socket->subprotocol == NULL ? HT_ENOMEM : 0;
    }
    if (status == 0) {
        struct ht_websocket_request request = {.url = &socket->url,
                                               .key = socket->key,
                                               .subprotocol = socket->subprotocol,
                                               .agent = "hashtagd/" HT_VERSION,
                                               .headers = options->headers,
                                               .header_count = options->header_count};
        status = ht_websocket_request_format(&request, &socket->sending);
    }
    if (status == HT_EINVAL || status == HT_ETOOBIG) {
        return ht_error_set(
            error, HT_EINVAL,
            "The WebSocket of %s cannot be asked for: a header has a line break, is "
            "one of the handshake's own, or they are too large.",
            socket->url.host);
    }
    return status == 0 ? 0 : ht_error_set(error, HT_ENOMEM, "Out of memory for a WebSocket.");
}

static int set_curl(struct ht_websocket *socket, const struct ht_websocket_options *options)
{
    CURL *easy = curl_easy_init();

    socket->member.easy = easy;
    if (easy == NULL) {
        return HT_ENOMEM;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &socket->member);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, socket->curl_error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* the ALPN too */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L); /* RFC 6455 section 4.1, point 3 */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hashtagd/" HT_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(socket->options.connect_timeout_ms + CURL_PATIENCE_MS));
    const char *ca_file = ht_http_client_issuers(socket->member.client, options->ca_file);
    CURLcode result = ht_curl_set_target(easy, socket->url.http_url, ca_file, false);
    return result == CURLE_OK ? 0 : HT_ENOMEM;
}

void ht_websocket_enter(struct ht_websocket *socket, enum ht_websocket_state state, uint64_t ms)
{
    socket->state = state;
    if (ms == 0) {
        ht_timer_stop(socket->member.client->timers, &socket->state_timer);
    } else {
        ht_timer_start(socket->member.client->timers, &socket->state_timer, ms);
    }
}

/* The beginning, or an end that somebody asked for. */
static void on_turn(struct ht_timer *timer)
{
    struct ht_websocket *socket = HT_CONTAINER_OF(timer, struct ht_websocket, turn_timer);

    if (socket->stop != 0) {
        socket->code = 0; /* this word is the last */
        ht_websocket_set_end(socket, socket->stop, "%s", ht_error_meaning(socket->stop));
        finish(socket);
    } else if (!socket->member.is_added) {
        ht_http_client_add(socket->member.client, &socket->member);
    }
}

/* curl has connected, or could not. */
static void on_result(struct ht_http_member *member, CURLcode result)
{
    struct ht_websocket *socket = HT_CONTAINER_OF(member, struct ht_websocket, member);
    const char *words =
        socket->curl_error[0] == '\0' ? curl_easy_strerror(result) : socket->curl_error;

    if (socket->stop != 0) {
        return; /* the turn is on its way */
    }
    if (result != CURLE_OK) {
        ht_websocket_set_end(socket, ht_curl_code(result), "The WebSocket of %s: %s.",
                             socket->url.host, words);
        finish(socket);
        return;
    }
    int status = open_poll(socket);
    if (status != 0) {
        ht_websocket_set_end(socket, status, "The WebSocket of %s cannot be watched.",
                             socket->url.host);
        finish(socket);
        return;
    }
    socket->state = HT_WEBSOCKET_UPGRADING; /* the time goes on */
    work(socket);
}

/* curl has closed its own handle for the descriptor before it told the result. */
static int open_poll(struct ht_websocket *socket)
{
    struct ht_http_client *client = socket->member.client;
    curl_socket_t fd = CURL_SOCKET_BAD;
    struct ht_websocket_poll *poll = calloc(1, sizeof *poll);

    if (poll == NULL) {
        return HT_ENOMEM;
    }
    curl_easy_getinfo(socket->member.easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD || uv_poll_init_socket(client->uv, &poll->handle, fd) != 0) {
        free(poll);
        return HT_EIO;
    }
    poll->handle.data = poll;
    poll->client = client;
    poll->socket = socket;
    client->open_poll_count++;
    socket->poll = poll;
    return 0;
}

static void on_poll(uv_poll_t *handle, int status, int poll_events)
{
    struct ht_websocket_poll *poll = handle->data;

    (void)status; /* the read tells what is wrong */
    (void)poll_events;
    if (poll->socket != NULL) {
        work(poll->socket);
    }
}

static void on_work(struct ht_timer *timer)
{
    work(HT_CONTAINER_OF(timer, struct ht_websocket, work_timer));
}

static void work(struct ht_websocket *socket)
{
    HT_ASSERT(socket_from(socket) == socket && !socket->is_working);
    if (socket->stop != 0 || socket->poll == NULL) {
        return;
    }
    socket->is_working = true;
    ht_websocket_flush(socket);
    bool has_more = ht_websocket_read(socket);
    ht_websocket_flush(socket);
    socket->is_working = false;
    if (socket->state == HT_WEBSOCKET_OVER && socket->stop == 0) {
        finish(socket);
        return;
    }
    if (has_more) {
        ht_timer_start(socket->member.client->timers, &socket->work_timer, 0);
    }
    watch(socket);
}

/* What is read on the next turn anyway is not waited for. */
static void watch(struct ht_websocket *socket)
{
    bool is_due = ht_timer_is_running(&socket->work_timer) || socket->stop != 0;
    int wanted = 0;

    if (socket->poll == NULL) {
        return;
    }
    wanted |= !is_due && ht_websocket_is_reading(socket) ? UV_READABLE : 0;
    wanted |= !is_due && ht_websocket_unsent(socket) > 0 ? UV_WRITABLE : 0;
    if (wanted == 0) {
        uv_poll_stop(&socket->poll->handle);
    } else {
        uv_poll_start(&socket->poll->handle, wanted, on_poll);
    }
}

static void on_state_over(struct ht_timer *timer)
{
    struct ht_websocket *socket = HT_CONTAINER_OF(timer, struct ht_websocket, state_timer);

    if (socket->state == HT_WEBSOCKET_CONNECTING) {
        ht_websocket_set_end(socket, HT_ETIMEDOUT, "%s could not be reached within %llu ms.",
                             socket->url.host,
                             (unsigned long long)socket->options.connect_timeout_ms);
    } else if (socket->state == HT_WEBSOCKET_UPGRADING) {
        ht_websocket_set_end(
            socket, HT_ETIMEDOUT, "%s did not answer the upgrade to a WebSocket within %llu ms.",
            socket->url.host, (unsigned long long)socket->options.connect_timeout_ms);
    } else if (socket->state == HT_WEBSOCKET_CLOSING) {
        ht_websocket_set_end(socket, HT_ETIMEDOUT, "%s did not answer the close within %llu ms.",
                             socket->url.host,
                             (unsigned long long)socket->options.close_timeout_ms);
    }
    finish(socket);
}

int ht_websocket_send(struct ht_websocket *socket, enum ht_websocket_kind kind,
                      struct ht_slice bytes)
{
    HT_ASSERT(socket_from(socket) == socket);
    if (socket->state != HT_WEBSOCKET_OPEN || socket->is_send_broken || socket->stop != 0) {
        return HT_ECONNECTION;
    }
    size_t needed = ht_websocket_unsent(socket) + HT_WEBSOCKET_FRAME_HEAD_MAX_BYTES;
    if (bytes.length > socket->options.max_unsent_bytes ||
        needed > socket->options.max_unsent_bytes - bytes.length) {
        return HT_EBUSY;
    }
    uint8_t opcode = kind == HT_WEBSOCKET_TEXT ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
    int status = ht_websocket_frames_write(&socket->frames, opcode, bytes, &socket->output);
    if (status == 0) {
        ht_timer_start(socket->member.client->timers, &socket->work_timer, 0);
    }
    return status;
}

void ht_websocket_ping(struct ht_websocket *socket)
{
    HT_ASSERT(socket_from(socket) == socket);
    if (socket->state != HT_WEBSOCKET_OPEN || socket->has_ping) {
        return;
    }
    if (ht_websocket_frames_write(&socket->frames, WSLAY_PING, ht_slice_make(NULL, 0),
                                  &socket->output) == 0) {
        socket->has_ping = true;
        ht_timer_start(socket->member.client->timers, &socket->work_timer, 0);
    }
}

void ht_websocket_close(struct ht_websocket *socket, unsigned code)
{
    HT_ASSERT(socket_from(socket) == socket && code >= 1000 && code < 5000);
    if (socket->state < HT_WEBSOCKET_OPEN) {
        stop(socket, HT_ECANCELED); /* nobody is there to say farewell to */
    } else if (socket->state == HT_WEBSOCKET_OPEN) {
        ht_websocket_queue_close(socket, code);
        ht_websocket_enter(socket, HT_WEBSOCKET_CLOSING, socket->options.close_timeout_ms);
        ht_timer_start(socket->member.client->timers, &socket->work_timer, 0);
    }
}

void ht_websocket_cancel(struct ht_websocket *socket)
{
    HT_ASSERT(socket_from(socket) == socket);
    stop(socket, HT_ECANCELED);
}

void ht_websocket_pause(struct ht_websocket *socket)
{
    HT_ASSERT(socket_from(socket) == socket);
    socket->is_paused = true;
    if (!socket->is_working) {
        watch(socket);
    }
}

void ht_websocket_resume(struct ht_websocket *socket)
{
    HT_ASSERT(socket_from(socket) == socket);
    socket->is_paused = false;
    ht_timer_start(socket->member.client->timers, &socket->work_timer, 0);
}

void ht_websocket_linger(struct ht_websocket *socket)
{
    ht_websocket_enter(socket, HT_WEBSOCKET_LINGERING,
                       socket->options.close_timeout_ms < LINGER_MS
                           ? socket->options.close_timeout_ms
                           : LINGER_MS);
}

void ht_websocket_set_end(struct ht_websocket *socket, int code, const char *format, ...)
{
    va_list arguments;

    if (socket->code == 0) {
        socket->code = code;
        va_start(arguments, format);
        vsnprintf(socket->error_text, sizeof socket->error_text, format, arguments);
        va_end(arguments);
    }
}

/* From wherever: the end comes on the next turn. */
static void stop(struct ht_websocket *socket, int code)
{
    socket->stop = socket->stop == 0 ? code : socket->stop;
    ht_timer_start(socket->member.client->timers, &socket->turn_timer, 0);
}

static void stop_member(struct ht_http_member *member, int code)
{
    stop(HT_CONTAINER_OF(member, struct ht_websocket, member), code);
}

static void cancel_member(struct ht_http_member *member)
{
    stop(HT_CONTAINER_OF(member, struct ht_websocket, member), HT_ECANCELED);
}

/* The one end. The poll handle goes before curl closes the descriptor. */
static void finish(struct ht_websocket *socket)
{
    struct ht_http_client *client = socket->member.client;

    socket->state = HT_WEBSOCKET_OVER;
    ht_timer_stop(client->timers, &socket->turn_timer);
    ht_timer_stop(client->timers, &socket->work_timer);
    ht_timer_stop(client->timers, &socket->state_timer);
    close_poll(socket);
    ht_http_client_unlink(client, &socket->member);
    tell_end(socket);
    destroy(socket);
    ht_http_client_member_gone(client);
}

static void tell_end(struct ht_websocket *socket)
{
    struct ht_websocket_end end = {
        .code = socket->code,
        .error_text = socket->error_text,
        .close_code = socket->close_code,
        .close_reason = ht_slice_make(socket->close_reason, socket->close_reason_length),
        .was_open = socket->was_open};

    /* once more: the bytes may have moved as the body grew behind them */
    if (ht_websocket_answer_read(&socket->answer, ht_buffer_slice(&socket->head)) ==
        HT_WEBSOCKET_ANSWER_COMPLETE) {
        end.status = socket->answer.status;
        end.headers = socket->answer.headers;
        end.header_count = socket->answer.header_count;
        end.body = ht_buffer_slice(&socket->body);
    }
    socket->options.on_end(socket->options.user, &end);
}

static void close_poll(struct ht_websocket *socket)
{
    struct ht_websocket_poll *poll = socket->poll;

    if (poll != NULL) {
        poll->socket = NULL;
        socket->poll = NULL;
        uv_poll_stop(&poll->handle);
        uv_close((uv_handle_t *)&poll->handle, on_poll_closed);
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct ht_websocket_poll *poll = handle->data;
    struct ht_http_client *client = poll->client;

    free(poll);
    ht_http_client_poll_closed(client);
}

static void destroy(struct ht_websocket *socket)
{
    curl_easy_cleanup(socket->member.easy);
    ht_websocket_url_finish(&socket->url);
    free(socket->subprotocol);
    free(socket->room);
    ht_buffer_finish(&socket->head);
    ht_buffer_finish(&socket->body);
    ht_websocket_frames_finish(&socket->frames);
    ht_buffer_finish(&socket->output);
    ht_buffer_finish(&socket->sending);
    socket->magic = 0;
    free(socket);
}

static struct ht_websocket *socket_from(void *pointer)
{
    struct ht_websocket *socket = pointer;

    HT_ASSERT(socket != NULL && socket->magic == SOCKET_MAGIC);
    return socket;
}
