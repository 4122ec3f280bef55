// SPDX-License-Identifier: MIT
#pragma once

/** A second reader of a WebSocket server's frames, by the text of RFC 6455 and in one piece. */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum websocket_judgement {
    WEBSOCKET_RIGHT,
    WEBSOCKET_OPEN, /**< the last frame is not all there */
    WEBSOCKET_WRONG,
};

/** What came: a whole message (its opcode, 1 or 2), a ping (9), a pong (10) or a close (8, with its code as
 * `number`). `bytes` live until it returns. */
typedef void (*websocket_tell_fn)(void *user, unsigned opcode, unsigned number,
                                  struct ht_slice bytes);

/** Tells all that these bytes say until the first mistake or the close. */
enum websocket_judgement websocket_judge(struct ht_slice bytes, size_t max_bytes,
                                         websocket_tell_fn tell, void *user);
