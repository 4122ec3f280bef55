// SPDX-License-Identifier: MIT
#include "raw_server.h"

#include "hashtagd/base/assert.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_S       10
#define INPUT_MAX_BYTES (64u * 1024u * 1024u)

static SSL_CTX *make_tls(struct raw_server *server, const struct net_certificate *certificate);
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                   const unsigned char *offered, unsigned offered_length, void *user);
static void *run(void *user);
static void serve(struct raw_server *server, int fd, unsigned number);
static bool accept_tls(struct raw_server *server, struct raw_peer *peer);

void raw_server_start(struct raw_server *server, raw_serve_fn serve_peer, void *user,
                      const struct net_certificate *certificate)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    server->serve = serve_peer;
    server->user = user;
    server->tls = certificate == NULL ? NULL : make_tls(server, certificate);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HT_ASSERT(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0);
    HT_ASSERT(listen(server->listener, 64) == 0);
    HT_ASSERT(getsockname(server->listener, (struct sockaddr *)&address, &length) == 0);
    server->port = ntohs(address.sin_port);
    HT_ASSERT(pthread_create(&server->thread, NULL, run, server) == 0);
}

static SSL_CTX *make_tls(struct raw_server *server, const struct net_certificate *certificate)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    HT_ASSERT(tls != NULL);
    HT_ASSERT(SSL_CTX_use_certificate_chain_file(tls, certificate->cert_path) == 1);
    HT_ASSERT(SSL_CTX_use_PrivateKey_file(tls, certificate->key_path, SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_alpn_select_cb(tls, on_alpn, server);
    return tls;
}

/* Takes none of what is offered. The signature is OpenSSL's. */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                   const unsigned char *offered, unsigned offered_length, void *user)
{
    struct raw_server *server = user;

    (void)ssl;
    (void)chosen;
    (void)chosen_length;
    if (memmem(offered, offered_length, "\x02h2", 3) != NULL) {
        server->h2_offers++;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

void raw_server_stop(struct raw_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    SSL_CTX_free(server->tls);
}

static void *run(void *user)
{
    struct raw_server *server = user;
    unsigned number = 0;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        serve(server, fd, number++);
    }
    return NULL;
}

static void serve(struct raw_server *server, int fd, unsigned number)
{
    struct raw_peer peer = {.fd = fd, .number = number};
    struct timeval silence = {.tv_sec = SILENCE_S};
    int yes = 1;

    ht_buffer_init(&peer.input, INPUT_MAX_BYTES);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (accept_tls(server, &peer)) {
        server->serve(&peer, server->user);
    }
    if (peer.ssl != NULL) {
        SSL_shutdown(peer.ssl);
        SSL_free(peer.ssl);
    }
    close(fd);
    ht_buffer_finish(&peer.input);
}

static bool accept_tls(struct raw_server *server, struct raw_peer *peer)
{
    if (server->tls == NULL) {
        return true;
    }
    peer->ssl = SSL_new(server->tls);
    HT_ASSERT(peer->ssl != NULL && SSL_set_fd(peer->ssl, peer->fd) == 1);
    return SSL_accept(peer->ssl) == 1;
}

bool raw_send(struct raw_peer *peer, const void *data, size_t length)
{
    const char *rest = data;

    while (length > 0) {
        ssize_t sent = peer->ssl == NULL ? send(peer->fd, rest, length, MSG_NOSIGNAL)
                                         : SSL_write(peer->ssl, rest, (int)length);
        if (sent <= 0) {
            return false;
        }
        rest += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool raw_send_text(struct raw_peer *peer, const char *text)
{
    return raw_send(peer, text, strlen(text));
}

size_t raw_receive(struct raw_peer *peer)
{
    char room[65536];
    ssize_t length = peer->ssl == NULL ? recv(peer->fd, room, sizeof room, 0)
                                       : SSL_read(peer->ssl, room, sizeof room);

    if (length <= 0) {
        return 0;
    }
    ht_buffer_append(&peer->input, room, (size_t)length);
    return (size_t)length;
}

bool raw_wait_for(struct raw_peer *peer, const char *text)
{
    while (peer->input.data == NULL ||
           memmem(peer->input.data, peer->input.length, text, strlen(text)) == NULL) {
        if (raw_receive(peer) == 0) {
            return false;
        }
    }
    return true;
}

bool raw_wait_bytes(struct raw_peer *peer, size_t length)
{
    while (peer->input.length < length) {
        if (raw_receive(peer) == 0) {
            return false;
        }
    }
    return true;
}

void raw_drain(struct raw_peer *peer)
{
    do {
        ht_buffer_clear(&peer->input);
    } while (raw_receive(peer) > 0);
}

void raw_reset(struct raw_peer *peer)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}
