// SPDX-License-Identifier: MIT
#pragma once

/** What the rest of net/ needs of the loop: the libuv loop inside. */

#include "hashtagd/net/loop.h"

#include <uv.h>

/** The libuv loop; owned by `loop`, never NULL. */
uv_loop_t *ht_loop_uv(struct ht_loop *loop);
