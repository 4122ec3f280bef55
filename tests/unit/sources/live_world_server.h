// SPDX-License-Identifier: MIT
#pragma once

/**
 * The server of the world: as much of HTTP/1.1 as a stream needs, with faults on demand. The
 * daemon's own server would not break its promises.
 */

#include "live_world.h"

/** Listens on a free port of 127.0.0.1. */
struct live_world_server *live_world_server_create(struct live_world *world, unsigned *port);

/** Closes what is open and frees it, then calls on_closed. */
void live_world_server_close(struct live_world_server *server, void (*on_closed)(void *user),
                             void *user);

/** As the functions of the world. */
void live_world_server_expect(struct live_world_server *server,
                              const struct live_world_exchange *exchange);
unsigned live_world_server_expected_count(const struct live_world_server *server);
void live_world_server_send(struct live_world_server *server, struct ht_slice bytes);
void live_world_server_cut(struct live_world_server *server, enum live_world_ending ending);
