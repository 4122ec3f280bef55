// SPDX-License-Identifier: MIT
#include "hashtagd/net/http_server.h"

#include "hashtagd/base/assert.h"
#include "http_internal.h"
#include "loop_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 *   create: listen -> on_connection -> (http_connection.c) ...
 *   no descriptors: the listener is closed, the socket stays -> a moment later: listens again
 *   close: 0 ms -> drain: listener closed, idle ones end -> deadline: the rest is cut
 *          -> the last connection and the listener are closed -> freed -> on_closed
 */

#define SERVER_MAGIC      0x48745376u /* "HtSv" */
#define LISTEN_BACKLOG    511
#define READ_MEMORY_BYTES 65536
#define ACCEPT_RETRY_MS   100
#define LISTEN_PAUSE_MS   250
#define SCRATCH_MAX_BYTES 65536

static void fill_defaults(struct ht_http_server_options *options);
static int listen_at(struct ht_http_server *server, struct ht_error *error);
static int explain_listen(const struct ht_address *address, int status, struct ht_error *error);
static int read_address(struct ht_http_server *server);
static void give_up(struct ht_http_server *server);
static void on_connection(uv_stream_t *listener, int status);
static void pause_listening(struct ht_http_server *server);
static void on_listener_paused(uv_handle_t *handle);
static void on_listen_due(struct ht_timer *timer);
static void close_spare(struct ht_http_server *server);
static void on_accept_due(struct ht_timer *timer);
static void on_drain_due(struct ht_timer *timer);
static void on_deadline(struct ht_timer *timer);
static void on_listener_closed(uv_handle_t *handle);
static void end_if_empty(struct ht_http_server *server);
static struct ht_http_server *server_from(void *pointer);

int ht_http_server_create(struct ht_http_server **out, const struct ht_http_server_options *options,
                          struct ht_error *error)
{
    struct ht_http_server *server = calloc(1, sizeof *server);

    *out = NULL;
    if (server == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the HTTP server.");
    }
    server->magic = SERVER_MAGIC;
    server->options = *options;
    fill_defaults(&server->options);
    server->head_limits = (struct ht_http_head_limits){server->options.max_head_bytes,
                                                       server->options.max_header_count,
                                                       server->options.max_target_bytes};
    server->clock = ht_loop_clock(options->loop);
    server->timers = ht_loop_timers(options->loop);
    server->date_s = -1;
    server->spare_fd = -1;
    ht_buffer_init(&server->scratch, SCRATCH_MAX_BYTES);
    ht_http_load_init(server);
    ht_timer_init(&server->accept_timer, on_accept_due);
    ht_timer_init(&server->listen_timer, on_listen_due);
    ht_timer_init(&server->drain_timer, on_drain_due);
    ht_timer_init(&server->deadline_timer, on_deadline);
    server->read_memory = malloc(READ_MEMORY_BYTES);
    server->continue_line = ht_http_body_create(HT_SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    int status = HT_ENOMEM;
    if (server->read_memory == NULL || server->continue_line == NULL) {
        ht_error_set(error, HT_ENOMEM, "Out of memory for the HTTP server.");
    } else {
        status = listen_at(server, error);
    }
    if (status != 0) {
        give_up(server);
        return status;
    }
    *out = server;
    return 0;
}

/* Takes down a server that never listened. */
static void give_up(struct ht_http_server *server)
{
    server->is_draining = true;
    close_spare(server);
    if (server->listener_is_open) {
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    } else {
        end_if_empty(server);
    }
}

static void fill_defaults(struct ht_http_server_options *options)
{
#define DEFAULT(member, value) options->member = options->member == 0 ? (value) : options->member
    DEFAULT(max_connection_count, 1024);
    DEFAULT(max_head_bytes, 16u * 1024);
    DEFAULT(max_header_count, 100);
    DEFAULT(max_target_bytes, 8u * 1024);
    DEFAULT(max_pipelined_bytes, 64u * 1024);
    DEFAULT(max_body_bytes_in_total, 256u * 1024 * 1024);
    DEFAULT(max_output_bytes, 1024u * 1024);
    DEFAULT(max_buffered_bytes_in_total, 64u * 1024 * 1024);
    DEFAULT(idle_timeout_ms, 60000);
    DEFAULT(head_timeout_ms, 10000);
    DEFAULT(progress_timeout_ms, 20000);
    DEFAULT(min_bytes_per_s, 100);
    DEFAULT(linger_timeout_ms, 2000);
#undef DEFAULT
}

static int listen_at(struct ht_http_server *server, struct ht_error *error)
{
    const struct ht_address *address = &server->options.address;
    struct sockaddr_storage where;

    int status = address->is_v6
                     ? uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)&where)
                     : uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)&where);
    if (status == 0) {
        status = uv_tcp_init(ht_loop_uv(server->options.loop), &server->listener);
    }
    if (status != 0) {
        return explain_listen(address, status, error);
    }
    server->listener.data = server;
    server->listener_is_open = true;
    status = uv_tcp_bind(&server->listener, (const struct sockaddr *)&where, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, on_connection);
    }
    if (status == 0) {
        status = read_address(server);
    }
    int fd = -1;
    if (status == 0) {
        status = uv_fileno((uv_handle_t *)&server->listener, &fd);
    }
    if (status == 0) {
        server->spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        status = server->spare_fd < 0 ? uv_translate_sys_error(errno) : 0;
    }
    return status == 0 ? 0 : explain_listen(address, status, error);
}

static int explain_listen(const struct ht_address *address, int status, struct ht_error *error)
{
    char text[HT_ADDRESS_TEXT_BYTES];

    ht_address_format(address, text);
    switch (status) {
    case UV_EADDRINUSE:
        return ht_error_set(error, HT_EBUSY,
                            "Cannot listen on %s: another program (or another hashtagd) uses this "
                            "port. Stop it, or choose another port; port 0 takes any free one.",
                            text);
    case UV_EACCES:
    case UV_EPERM:
        return ht_error_set(error, HT_EPERMISSION,
                            "Cannot listen on %s: permission denied. Choose a port of 1024 or "
                            "above, or give the program CAP_NET_BIND_SERVICE.",
                            text);
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
        return ht_error_set(error, HT_EINVAL,
                            "Cannot listen on %s: this machine has no such address. Use one of "
                            "its own, 127.0.0.1 for itself alone, or 0.0.0.0 for all.",
                            text);
    default:
        return ht_error_set(error, HT_EIO, "Cannot listen on %s: %s.", text, uv_strerror(status));
    }
}

/* Port 0 was replaced by a real one. */
static int read_address(struct ht_http_server *server)
{
    struct sockaddr_storage bound;
    int length = sizeof bound;

    int status = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &length);
    server->address = server->options.address;
    if (status == 0) {
        server->address.port =
            ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                              : ((struct sockaddr_in *)&bound)->sin_port);
    }
    return status;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct ht_http_server *server = server_from(listener->data);

    if (status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOBUFS || status == UV_ENOMEM) {
        pause_listening(server);
        return;
    }
    if (status != 0) {
        ht_log_warning(server->options.log, "http", "cannot accept a connection",
                       HT_TEXT("error", uv_strerror(status)));
        return;
    }
    if (!ht_http_load_may_accept(server)) {
        ht_timer_start(server->timers, &server->accept_timer, 0); /* libuv keeps it until then */
        return;
    }
    ht_http_connection_accept(server);
}

/* libuv would ask the system again and again, without end, and nobody else had a turn. What comes
 * meanwhile waits in the kernel. */
static void pause_listening(struct ht_http_server *server)
{
    if (!server->is_out_of_files) {
        ht_log_warning(server->options.log, "http",
                       "connections wait: too many open files; raise the limit (ulimit -n, "
                       "LimitNOFILE)");
    }
    server->is_out_of_files = true;
    if (server->listener_is_open && !uv_is_closing((uv_handle_t *)&server->listener)) {
        uv_close((uv_handle_t *)&server->listener, on_listener_paused);
    }
}

static void on_listener_paused(uv_handle_t *handle)
{
    struct ht_http_server *server = server_from(handle->data);

    server->listener_is_open = false;
    if (server->is_draining) {
        end_if_empty(server);
    } else {
        ht_timer_start(server->timers, &server->listen_timer, LISTEN_PAUSE_MS);
    }
}

static void on_listen_due(struct ht_timer *timer)
{
    struct ht_http_server *server = HT_CONTAINER_OF(timer, struct ht_http_server, listen_timer);

    int fd = fcntl(server->spare_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0 || uv_tcp_init(ht_loop_uv(server->options.loop), &server->listener) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        ht_timer_start(server->timers, &server->listen_timer, LISTEN_PAUSE_MS);
        return;
    }
    server->listener.data = server;
    server->listener_is_open = true;
    int status = uv_tcp_open(&server->listener, fd);
    if (status != 0) {
        close(fd);
    } else {
        status = uv_listen((uv_stream_t *)&server->listener, LISTEN_BACKLOG, on_connection);
    }
    if (status != 0) {
        uv_close((uv_handle_t *)&server->listener, on_listener_paused);
    } else if (server->is_out_of_files) {
        server->is_out_of_files = false;
        ht_log_info(server->options.log, "http", "connections are accepted again");
    }
}

static void close_spare(struct ht_http_server *server)
{
    if (server->spare_fd >= 0) {
        close(server->spare_fd);
    }
    server->spare_fd = -1;
}

void ht_http_server_accept_later(struct ht_http_server *server)
{
    ht_log_warning(server->options.log, "http", "cannot accept a connection",
                   HT_TEXT("error", "out of memory"));
    ht_timer_start(server->timers, &server->accept_timer, ACCEPT_RETRY_MS);
}

static void on_accept_due(struct ht_timer *timer)
{
    struct ht_http_server *server = HT_CONTAINER_OF(timer, struct ht_http_server, accept_timer);

    (void)ht_http_load_may_accept(server); /* the first of its turn */
    ht_http_connection_accept(server);
}

void ht_http_server_close(struct ht_http_server *server, uint64_t deadline_ms,
                          ht_http_on_closed_fn on_closed, void *user)
{
    if (server == NULL) {
        return;
    }
    HT_ASSERT(server_from(server) == server);
    ht_timer_start(server->timers, &server->deadline_timer, deadline_ms);
    if (server->is_draining) {
        return;
    }
    server->is_draining = true;
    ht_timer_stop(server->timers, &server->accept_timer);
    ht_timer_stop(server->timers, &server->listen_timer);
    close_spare(server);
    server->on_closed = on_closed;
    server->on_closed_user = user;
    ht_timer_start(server->timers, &server->drain_timer, 0);
    if (server->listener_is_open && !uv_is_closing((uv_handle_t *)&server->listener)) {
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
}

static void on_drain_due(struct ht_timer *timer)
{
    struct ht_http_server *server = HT_CONTAINER_OF(timer, struct ht_http_server, drain_timer);

    /* nothing is taken off the list before its handles are closed, so it may be walked */
    for (struct ht_http_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        ht_http_connection_drain(connection);
    }
    end_if_empty(server);
}

static void on_deadline(struct ht_timer *timer)
{
    struct ht_http_server *server = HT_CONTAINER_OF(timer, struct ht_http_server, deadline_timer);

    for (struct ht_http_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        ht_http_connection_cut(connection);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct ht_http_server *server = server_from(handle->data);

    server->listener_is_open = false;
    end_if_empty(server);
}

void ht_http_server_forget(struct ht_http_server *server, struct ht_http_connection *connection)
{
    if (connection->previous == NULL) {
        server->connections = connection->next;
    } else {
        connection->previous->next = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    ht_http_load_forget(connection);
    server->connection_count--;
    server->stats.connections_open = server->connection_count;
    free(connection);
    end_if_empty(server);
}

static void end_if_empty(struct ht_http_server *server)
{
    if (!server->is_draining || server->listener_is_open || server->connection_count > 0 ||
        ht_timer_is_running(&server->drain_timer)) {
        return;
    }
    ht_http_on_closed_fn on_closed = server->on_closed;
    void *user = server->on_closed_user;

    ht_timer_stop(server->timers, &server->deadline_timer);
    ht_http_load_finish(server);
    ht_buffer_finish(&server->scratch);
    ht_http_body_release(server->continue_line);
    free(server->read_memory);
    server->magic = 0;
    free(server);
    if (on_closed != NULL) {
        on_closed(user);
    }
}

void ht_http_server_note(const struct ht_http_server *server, const char *message, const char *peer,
                         int status)
{
    ht_log_debug(server->options.log, "http", message, HT_TEXT("peer", peer),
                 HT_NUMBER("status", status));
}

const struct ht_address *ht_http_server_address(const struct ht_http_server *server)
{
    return &server->address;
}

const struct ht_http_server_stats *ht_http_server_stats(const struct ht_http_server *server)
{
    return &server->stats;
}

static struct ht_http_server *server_from(void *pointer)
{
    struct ht_http_server *server = pointer;

    HT_ASSERT(server != NULL && server->magic == SERVER_MAGIC);
    return server;
}
