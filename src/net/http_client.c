// SPDX-License-Identifier: MIT
#include "hashtagd/net/http_client.h"

#include "hashtagd/base/assert.h"
#include "http_client_internal.h"
#include "loop_internal.h"

#include <limits.h>
#include <stdlib.h>

/*
 * curl asks for two things: to watch a socket (on_curl_socket) and to be called after a
 * while (on_curl_timer). Whatever happens then ends in curl_multi_socket_action(), and each
 * of these in ht_http_client_collect(), for the last transfer may end by its time alone.
 *
 *   create -> [ transfers ] -> close -> each canceled -> multi freed -> poll handles closed
 *          -> freed -> on_closed
 */

/* Kept by themselves curl's are four times the transfers that run at the moment, so that bursts close
 * what the next burst needs. */
#define KEPT_CONNECTIONS_MAX 256L

/* A socket that broke is read so many times, for what its kernel has still: buffers of a few MB, and
 * curl takes at least 16 KB each time but where a small piece is asked for. */
#define BROKEN_READS_MAX 10000

#define CLIENT_MAGIC 0x4874436cu /* "HtCl" */
#define SOCKET_MAGIC 0x4874536bu /* "HtSk" */

/* One socket that curl wants to be watched; freed in its close callback. */
struct client_socket {
    uint32_t magic;
    struct ht_http_client *client;
    curl_socket_t fd;
    int wanted;           /* of UV_READABLE and UV_WRITABLE */
    unsigned error_count; /* times that libuv reported one */
    uv_poll_t poll;
};

static int make_multi(struct ht_http_client *client);
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user);
static struct client_socket *open_socket(struct ht_http_client *client, curl_socket_t fd);
static void watch_socket(struct client_socket *sock, int what);
static void on_poll(uv_poll_t *poll, int status, int poll_events);
static int watch_broken(struct client_socket *sock);
static void close_socket(struct client_socket *sock);
static void on_socket_closed(uv_handle_t *handle);
static int on_curl_timer(CURLM *multi, long timeout_ms, void *user);
static void on_timer(struct ht_timer *timer);
static void act(struct ht_http_client *client, curl_socket_t fd, int flags);
static void on_close_due(struct ht_timer *timer);
static void end_if_closed(struct ht_http_client *client);
static struct ht_http_client *client_from(void *pointer);

int ht_http_client_create(struct ht_http_client **out, struct ht_loop *loop, struct ht_error *error)
{
    struct ht_http_client *client = calloc(1, sizeof *client);

    *out = NULL;
    if (client == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the HTTP client.");
    }
    client->magic = CLIENT_MAGIC;
    client->uv = ht_loop_uv(loop);
    client->clock = ht_loop_clock(loop);
    client->timers = ht_loop_timers(loop);
    ht_timer_init(&client->timer, on_timer);
    ht_timer_init(&client->close_timer, on_close_due);
    if (make_multi(client) != 0) {
        free(client);
        return ht_error_set(error, HT_EFATAL, "libcurl cannot be started.");
    }
    *out = client;
    return 0;
}

static int make_multi(struct ht_http_client *client)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return HT_EFATAL;
    }
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        curl_global_cleanup();
        return HT_ENOMEM;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS_MAX);
    return 0;
}

/* curl wants a socket to be watched, or to be left alone. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct ht_http_client *client = client_from(user);
    struct client_socket *sock = socket_user;

    if (what == CURL_POLL_REMOVE) {
        if (sock != NULL) {
            curl_multi_assign(client->multi, fd, NULL);
            close_socket(sock);
        }
        return 0;
    }
    if (sock == NULL) {
        sock = open_socket(client, fd);
    }
    if (sock != NULL) {
        watch_socket(sock, what);
        return 0;
    }
    /* returning an error would kill the whole multi handle: fail the one transfer */
    struct ht_http_member *member = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&member);
    if (member != NULL) {
        member->fail(member, HT_ENOMEM);
    }
    return 0;
}

static struct client_socket *open_socket(struct ht_http_client *client, curl_socket_t fd)
{
    struct client_socket *sock = calloc(1, sizeof *sock);

    if (sock == NULL) {
        return NULL;
    }
    sock->magic = SOCKET_MAGIC;
    sock->client = client;
    sock->fd = fd;
    sock->poll.data = sock;
    if (uv_poll_init_socket(client->uv, &sock->poll, fd) != 0) {
        free(sock);
        return NULL;
    }
    client->open_poll_count++;
    curl_multi_assign(client->multi, fd, sock);
    return sock;
}

static void watch_socket(struct client_socket *sock, int what)
{
    int wanted = 0;

    /* CURL_POLL_INOUT is both bits */
    wanted |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    wanted |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    sock->wanted = wanted;
    if (wanted == 0) {
        uv_poll_stop(&sock->poll);
    } else {
        uv_poll_start(&sock->poll, wanted, on_poll);
    }
}

static void on_poll(uv_poll_t *poll, int status, int poll_events)
{
    struct client_socket *sock = poll->data;
    int flags = 0;

    HT_ASSERT(sock->magic == SOCKET_MAGIC);
    if (status < 0) {
        poll_events = watch_broken(sock);
        flags = poll_events == 0 ? CURL_CSELECT_ERR : 0;
    }
    flags |= (poll_events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (poll_events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(sock->client, sock->fd, flags);
}

/* libuv reports an error and stops, which for curl is the end at once; but what came before a reset
 * is in the kernel still. So curl is let go on as if nothing had happened, and meets the error itself
 * when it has read all. */
static int watch_broken(struct client_socket *sock)
{
    if (++sock->error_count > BROKEN_READS_MAX ||
        uv_poll_start(&sock->poll, sock->wanted, on_poll) != 0) {
        return 0;
    }
    return sock->wanted;
}

static void close_socket(struct client_socket *sock)
{
    HT_ASSERT(sock->magic == SOCKET_MAGIC);
    /* stopped at once, for curl closes the descriptor right after this */
    uv_poll_stop(&sock->poll);
    uv_close((uv_handle_t *)&sock->poll, on_socket_closed);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct client_socket *sock = handle->data;
    struct ht_http_client *client = sock->client;

    sock->magic = 0;
    free(sock);
    ht_http_client_poll_closed(client);
}

void ht_http_client_poll_closed(struct ht_http_client *client)
{
    client->open_poll_count--;
    end_if_closed(client);
}

/* Called from inside curl: so only the timer is set, and 0 means the next turn. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct ht_http_client *client = client_from(user);

    (void)multi;
    if (timeout_ms < 0) {
        ht_timer_stop(client->timers, &client->timer);
    } else {
        ht_timer_start(client->timers, &client->timer, (uint64_t)timeout_ms);
    }
    return 0;
}

static void on_timer(struct ht_timer *timer)
{
    act(HT_CONTAINER_OF(timer, struct ht_http_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void act(struct ht_http_client *client, curl_socket_t fd, int flags)
{
    int running;

    if (client->multi == NULL) {
        return; /* it is closing, and a socket had its last event */
    }
    client->inside_curl++;
    curl_multi_socket_action(client->multi, fd, flags, &running);
    client->inside_curl--;
    ht_http_client_collect(client);
}

void ht_http_client_trust(struct ht_http_client *client, const char *ca_file)
{
    client_from(client)->ca_file = ca_file;
}

const char *ht_http_client_issuers(const struct ht_http_client *client, const char *own)
{
    return own != NULL ? own : client->ca_file;
}

void ht_http_client_limit(struct ht_http_client *client, size_t max_connections_of_host)
{
    long limit = max_connections_of_host > LONG_MAX ? LONG_MAX : (long)max_connections_of_host;

    curl_multi_setopt(client_from(client)->multi, CURLMOPT_MAX_HOST_CONNECTIONS, limit);
}

void ht_http_client_collect(struct ht_http_client *client)
{
    int waiting;
    CURLMsg *message;

    while (client->multi != NULL && (message = curl_multi_info_read(client->multi, &waiting))) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        struct ht_http_member *member = NULL;
        CURLcode result = message->data.result; /* the message dies with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&member);
        member->on_result(member, result);
    }
}

void ht_http_client_link(struct ht_http_client *client, struct ht_http_member *member)
{
    member->client = client;
    member->next = client->members;
    if (member->next != NULL) {
        member->next->previous = member;
    }
    client->members = member;
}

void ht_http_client_unlink(struct ht_http_client *client, struct ht_http_member *member)
{
    HT_ASSERT(client->inside_curl == 0);
    if (member->is_added) {
        client->inside_curl++;
        curl_multi_remove_handle(client->multi, member->easy);
        client->inside_curl--;
        member->is_added = false;
    }
    if (member->previous == NULL) {
        client->members = member->next;
    } else {
        member->previous->next = member->next;
    }
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
}

void ht_http_client_member_gone(struct ht_http_client *client)
{
    if (client->is_closing && client->members == NULL) {
        ht_timer_start(client->timers, &client->close_timer, 0);
    }
}

void ht_http_client_add(struct ht_http_client *client, struct ht_http_member *member)
{
    HT_ASSERT(client->inside_curl == 0);
    client->inside_curl++;
    CURLMcode result = curl_multi_add_handle(client->multi, member->easy);
    client->inside_curl--;
    member->is_added = result == CURLM_OK;
    if (result != CURLM_OK) {
        member->fail(member, HT_ENOMEM);
    }
}

void ht_http_client_close(struct ht_http_client *client, void (*on_closed)(void *user), void *user)
{
    if (client == NULL) {
        return;
    }
    HT_ASSERT(client_from(client) == client && !client->is_closing);
    client->is_closing = true;
    client->on_closed = on_closed;
    client->on_closed_user = user;
    for (struct ht_http_member *member = client->members; member != NULL; member = member->next) {
        member->cancel(member);
    }
    ht_timer_start(client->timers, &client->close_timer, 0);
}

static void on_close_due(struct ht_timer *timer)
{
    struct ht_http_client *client = HT_CONTAINER_OF(timer, struct ht_http_client, close_timer);

    if (client->members != NULL) {
        return; /* the last of them comes back here */
    }
    client->inside_curl++;
    curl_multi_cleanup(client->multi);
    client->inside_curl--;
    client->multi = NULL;
    ht_timer_stop(client->timers, &client->timer);
    end_if_closed(client);
}

static void end_if_closed(struct ht_http_client *client)
{
    void (*on_closed)(void *user) = client->on_closed;
    void *user = client->on_closed_user;

    if (!client->is_closing || client->multi != NULL || client->open_poll_count > 0) {
        return;
    }
    curl_global_cleanup();
    client->magic = 0;
    free(client);
    if (on_closed != NULL) {
        on_closed(user);
    }
}

static struct ht_http_client *client_from(void *pointer)
{
    struct ht_http_client *client = pointer;

    HT_ASSERT(client != NULL && client->magic == CLIENT_MAGIC);
    return client;
}
