// SPDX-License-Identifier: MIT
#pragma once

/**
 * Trains a zstd dictionary on made-up messages, for tests of what is packed with one.
 */

#include "hashtagd/base/slice.h"

#include <stdint.h>
#include <stdio.h>
#include <zdict.h>

enum { TRAINING_SAMPLES = 400, TRAINING_SAMPLE_BYTES = 400 };

/** Writes sample `number` of the kind that the dictionary is trained on; returns its length. */
static inline size_t training_sample(unsigned number, char text[TRAINING_SAMPLE_BYTES])
{
    unsigned mixed = (number + 1) * 2654435761u;
    return (size_t)snprintf(
        text, TRAINING_SAMPLE_BYTES,
        "{\"did\":\"did:plc:%08x\",\"time_us\":17831758%08u,\"kind\":\"commit\",\"commit\":{"
        "\"rev\":\"3m%08x\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\","
        "\"rkey\":\"3n%08x\",\"record\":{\"text\":\"number %u #made_up\"}}}",
        mixed, number, mixed ^ 0x5555u, mixed ^ 0xaaaau, number);
}

/** Writes a dictionary with the number `id` into `out`; returns its length, 0 where it failed. */
static inline size_t train_dictionary(uint32_t id, char *out, size_t capacity)
{
    static char samples[TRAINING_SAMPLES * TRAINING_SAMPLE_BYTES];
    static size_t lengths[TRAINING_SAMPLES];
    ZDICT_params_t parameters = {.dictID = id};
    size_t total = 0;
    for (unsigned i = 0; i < TRAINING_SAMPLES; i++) {
        lengths[i] = training_sample(i, samples + total);
        total += lengths[i];
    }
    /* The end of the samples is what a dictionary may be made of; the rest is its tables. */
    size_t content = total < capacity / 2 ? total : capacity / 2;
    size_t length = ZDICT_finalizeDictionary(out, capacity, samples + total - content, content,
                                             samples, lengths, TRAINING_SAMPLES, parameters);
    return ZDICT_isError(length) ? 0 : length;
}
