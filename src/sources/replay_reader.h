// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the replay source does on the worker thread: reads files and fills batches of
 * messages. No locks: only one thread has it at a time.
 *
 * Life: create, fill again and again until a batch says that it is the last, destroy. Where such a
 * batch says that its error may pass, it can be filled again later, and goes on with the next message.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/sources/documents.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A batch is full with so many items, or so many bytes. */
#define HT_REPLAY_BATCH_ITEMS 1024
#define HT_REPLAY_BATCH_BYTES (256u * 1024u)

/** One message or reject of a batch. */
struct ht_replay_item {
    size_t begin;                  /**< in the batch's bytes */
    size_t length;                 /**< of it */
    enum ht_tweet_refusal refusal; /**< NONE for a message */
    uint64_t round;                /**< which it belongs to */
    uint64_t number;               /**< how many messages of the round are out with it */
};

/** Messages on their way from the worker to the loop. */
struct ht_replay_batch {
    struct ht_buffer bytes; /**< of all items */
    struct ht_replay_item items[HT_REPLAY_BATCH_ITEMS];
    size_t count;
    bool is_last;          /**< nothing comes after it */
    struct ht_error error; /**< why it is the last; code 0 where all was read */
    bool may_pass;         /**< what the error tells may be over soon: the next fill goes on */
};

/** Reads files; its fields are private. */
struct ht_replay_reader;

/** Makes a reader of `count` files (the paths are copied) that begins again after the last one
 * where `loops` is set. NULL where memory is out. */
struct ht_replay_reader *ht_replay_reader_create(const char *const *files, size_t count,
                                                 bool loops);

/** Where to begin instead of at the first message of round 0. Before the first fill. */
void ht_replay_reader_skip(struct ht_replay_reader *reader, uint64_t round, uint64_t count);

/** Frees the reader and closes its file; NULL is fine. */
void ht_replay_reader_destroy(struct ht_replay_reader *reader);

/** Empties `batch` and fills it. Blocks: worker thread only. */
void ht_replay_reader_fill(struct ht_replay_reader *reader, struct ht_replay_batch *batch);

/** A number that tells this list of files from others. */
uint64_t ht_replay_reader_fingerprint(const struct ht_replay_reader *reader);

/** Makes an empty batch. */
void ht_replay_batch_init(struct ht_replay_batch *batch);

/** Frees its memory; zeroed memory is fine. */
void ht_replay_batch_finish(struct ht_replay_batch *batch);
