// SPDX-License-Identifier: MIT
#pragma once

/**
 * A WebSocket client on its loop against a server of raw bytes on a thread, and the server's half of
 * the protocol. The client writes what it saw into `log`, a word for each event.
 */

#include "hashtagd/net/websocket.h"
#include "raw_server.h"

#include <stdatomic.h>

#define WORLD_LOG_BYTES 4096

/* A client on its loop, and what it saw. */
struct world {
    struct raw_server server;
    struct net_certificate certificate;
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_websocket *socket;
    struct ht_timer timer, other_timer;
    /* what the test wants */
    struct ht_websocket_options options;
    bool is_tls, is_trusted;
    const char *scheme, *path;
    raw_serve_fn serve;
    void (*on_start)(struct world *world);                          /* once open() returned */
    void (*on_message)(struct world *world, struct ht_slice bytes); /* beside the log */
    void (*on_open)(struct world *world);
    void (*on_timer)(struct world *world);
    uint64_t timer_ms;
    const char *script; /* for the server: what it sends after its 101 */
    size_t script_length;
    int first_byte; /* of a flood's frames */
    /* seen */
    char log[WORLD_LOG_BYTES];
    unsigned message_count, read_end_count, end_count, other_turns;
    size_t message_bytes, byte_count;
    uint64_t longest_gap_ns, last_turn_ns;
    int code, status;
    unsigned close_code;
    bool was_open, is_closed_by_test, is_open_inside;
    char error_text[512], body[5000], reason[128], header[64], heard[256];
    atomic_size_t held_bytes;      /* what went out until the client held the server back */
    struct ht_buffer server_input; /* what the server got behind the request */
};

/** Opens the socket and runs until it has ended and the client is closed. */
void world_run(struct world *world);

/** Closes the socket with 1001, twice. */
void world_close(struct world *world);

/** Cancels it, twice. */
void world_cancel(struct world *world);

/** Closes the client, socket and all. */
void world_close_client(struct world *world);

/** Work of its own on each turn of the loop: `other_turns` and `longest_gap_ns` tell of it. */
void world_begin_other_work(struct world *world);

/* --- the server's side, on its thread --- */

/** Reads the request and agrees, with `extra` right behind the answer in the same write. */
bool world_agree(struct raw_peer *peer, const void *extra, size_t length);

/** Reads the client's frames up to its close frame into world->heard: "9:payload close:1000". */
void world_await_close(struct raw_peer *peer, struct world *world);

/** Agrees, sends world->script and waits for the client's close frame. */
void world_serve_script(struct raw_peer *peer, void *user);

/** Reads and says nothing. */
void world_serve_nothing(struct raw_peer *peer, void *user);

/** Sends "a" and "b", goes on talking after the client's close, then answers it. */
void world_serve_closing(struct raw_peer *peer, void *user);

/** For an initializer: a server that sends the bytes of a literal. */
#define SCRIPT(bytes)                                                                              \
    .script = (bytes), .script_length = sizeof(bytes) - 1, .serve = world_serve_script
