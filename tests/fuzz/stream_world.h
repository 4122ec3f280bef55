// SPDX-License-Identifier: MIT
#pragma once

/**
 * A service that speaks HTTP and says what the fuzzer wants, for the sources of X and Mastodon: it takes
 * the place of net/http_transfer. The input is a list of answers with FE FE between them; each
 * request of the source gets the next one, whatever it asked for: a byte for the status, a line with
 * one header field or anything else, and the body. When there are no more, nobody answers.
 *
 * What must hold: the source delivers the same messages, refuses the same bytes and ends at the same
 * cursor however the bodies are cut and however often the sink is full, and stops when it is told.
 */

#include "fuzz.h"

#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/pipeline/source.h"

struct stream_world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct ht_http_client *client; /* a pointer that nobody follows */
    unsigned choice;               /* of the input: which options the source gets */
};

/** Makes the source on the world's parts. Never NULL. */
typedef struct ht_source *(*stream_world_create_fn)(struct stream_world *world);

/** Runs one input, in one piece and in many, and compares. */
void stream_world_check(const uint8_t *data, size_t size, stream_world_create_fn create);
