// SPDX-License-Identifier: MIT

/*
 * A WebSocket client for tests in other languages.
 *
 *   websocket_probe MODE [--ca FILE] [--subprotocol NAME] [--header "Name: value"] URL...
 *       echo    sends each message back
 *       count   only counts them
 *       hold    counts, and pauses for 20 ms after each
 *
 * Connects to one URL after the other, each until it ends, and prints a line for each:
 *       CODE STATUS CLOSE-CODE MESSAGES BYTES MS ERROR-TEXT
 * CODE is "HT_OK" or an error's name, MS the time from the first message to the end.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/net/websocket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX_BYTES (64u << 20)
#define HOLD_MS           20

struct probe {
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_websocket *socket;
    struct ht_websocket_options options;
    struct ht_http_header header;
    struct ht_timer hold_timer;
    const char *mode;
    char **urls;
    uint64_t messages, bytes, first_ns;
    bool has_failed;
};

static void read_option(struct probe *probe, const char *name, const char *value);
static void open_next(struct probe *probe);
static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes);
static void on_hold_over(struct ht_timer *timer);
static void on_end(void *user, const struct ht_websocket_end *end);
static void on_closed(void *user);

int main(int argc, char **argv)
{
    struct probe probe = {.mode = argc > 1 ? argv[1] : ""};
    struct ht_error error;
    int at = 2;

    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        read_option(&probe, argv[at], argv[at + 1]);
    }
    if (at >= argc) {
        fprintf(stderr, "usage: websocket_probe MODE [--ca FILE] URL...\n");
        return 2;
    }
    probe.urls = argv + at;
    ht_timer_init(&probe.hold_timer, on_hold_over);
    if (ht_loop_create(&probe.loop, NULL, &error) != 0 ||
        ht_http_client_create(&probe.client, probe.loop, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    open_next(&probe);
    ht_loop_run(probe.loop);
    ht_loop_destroy(probe.loop);
    return probe.has_failed ? 1 : 0;
}

static void read_option(struct probe *probe, const char *name, const char *value)
{
    const char *colon = strstr(value, ": ");

    if (strcmp(name, "--ca") == 0) {
        probe->options.ca_file = value;
    } else if (strcmp(name, "--subprotocol") == 0) {
        probe->options.subprotocol = value;
    } else if (strcmp(name, "--header") == 0 && colon != NULL) {
        probe->header.name = ht_slice_make(value, (size_t)(colon - value));
        probe->header.value = ht_slice_text(colon + 2);
        probe->options.headers = &probe->header;
        probe->options.header_count = 1;
    }
}

static void open_next(struct probe *probe)
{
    struct ht_error error;

    if (*probe->urls == NULL) {
        ht_http_client_close(probe->client, on_closed, probe);
        return;
    }
    probe->messages = probe->bytes = probe->first_ns = 0;
    probe->options.url = *probe->urls++;
    probe->options.max_message_bytes = MESSAGE_MAX_BYTES;
    probe->options.max_unsent_bytes = 2 * MESSAGE_MAX_BYTES;
    probe->options.on_message = on_message;
    probe->options.on_end = on_end;
    probe->options.user = probe;
    if (ht_websocket_open(probe->client, &probe->options, &probe->socket, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        probe->has_failed = true;
        ht_http_client_close(probe->client, on_closed, probe);
    }
}

static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes)
{
    struct probe *probe = user;

    if (probe->messages++ == 0) {
        probe->first_ns = ht_clock_monotonic_ns(ht_loop_clock(probe->loop));
    }
    probe->bytes += bytes.length;
    if (strcmp(probe->mode, "echo") == 0 && ht_websocket_send(probe->socket, kind, bytes) != 0) {
        probe->has_failed = true;
        ht_websocket_cancel(probe->socket);
    }
    if (strcmp(probe->mode, "hold") == 0) {
        ht_websocket_pause(probe->socket);
        ht_timer_start(ht_loop_timers(probe->loop), &probe->hold_timer, HOLD_MS);
    }
}

static void on_hold_over(struct ht_timer *timer)
{
    struct probe *probe = HT_CONTAINER_OF(timer, struct probe, hold_timer);

    ht_websocket_resume(probe->socket);
}

static void on_end(void *user, const struct ht_websocket_end *end)
{
    struct probe *probe = user;
    uint64_t now_ns = ht_clock_monotonic_ns(ht_loop_clock(probe->loop));
    uint64_t ms = probe->messages == 0 ? 0 : (now_ns - probe->first_ns) / 1000000u;

    ht_timer_stop(ht_loop_timers(probe->loop), &probe->hold_timer);
    printf("%s %d %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n",
           end->code == 0 ? "HT_OK" : ht_error_name(end->code), end->status, end->close_code,
           probe->messages, probe->bytes, ms, end->error_text);
    fflush(stdout);
    open_next(probe);
}

static void on_closed(void *user)
{
    struct probe *probe = user;

    ht_loop_stop(probe->loop);
}
