// SPDX-License-Identifier: MIT
#pragma once

/**
 * The server of the world: as much of HTTP/1.1 as a test needs, with faults on demand. The
 * daemon's own server would not break its promises.
 */

#include "aws_world.h"

/** Listens on a free port of 127.0.0.1. */
struct aws_world_server *aws_world_server_create(struct aws_world *world, unsigned *port);

/** Closes what is open and frees it, then calls on_closed. */
void aws_world_server_close(struct aws_world_server *server, void (*on_closed)(void *user),
                            void *user);

/** Closes connections on which nobody waits for an answer. */
void aws_world_server_drop_idle(struct aws_world_server *server);

/** The answer to a request: from the world's expectations or handler. */
void aws_world_answer(struct aws_world *world, const struct aws_world_request *request,
                      struct aws_world_reply *reply);
