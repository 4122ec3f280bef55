// SPDX-License-Identifier: MIT
#pragma once

/**
 * The dead letter port: what could not be read, or was refused for good, is kept
 * whole, so that nothing is lost and its neighbours go on. `done` when durable: a
 * checkpoint moves past a bad record only after that. A letter may be written twice
 * after a crash. Rules for requests as in stream.h.
 *
 * One file of JSON lines a day (UTC): {"data":"<base64>","shard":"","sequence_number":"",
 * "source":"","reason":"","at":<epoch seconds>}; `hashtagd put` reads these files.
 */

#include "hashtagd/pipeline/health.h"

#include "hashtagd/base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct ht_dead_letter {
    struct ht_slice data;            /**< the whole record */
    struct ht_slice shard_id;        /**< empty where it never was on a stream */
    struct ht_slice sequence_number; /**< likewise */
    struct ht_slice source;          /**< name of the source that it came from; empty: not known */
    struct ht_slice reason;          /**< a name of enum ht_tweet_refusal, or "refused" */
    int64_t at_ms;                   /**< wall time */
};

struct ht_dead_letters_append {
    const struct ht_dead_letter *letters; /**< the caller's, with all bytes, until `done` */
    size_t count;
    void (*done)(struct ht_dead_letters_append *append);
    void *user; /**< the caller's */
    int status; /**< 0: durable; else try the same again */
    struct ht_error error;
    void *adapter; /**< the adapter's own */
};

struct ht_dead_letters;

struct ht_dead_letters_ops {
    /** Starts an append. */
    void (*append)(struct ht_dead_letters *dead_letters, struct ht_dead_letters_append *append);
    /** Finishes what runs, then on_closed, once. */
    void (*close)(struct ht_dead_letters *dead_letters, void (*on_closed)(void *user), void *user);
    /** Frees a closed one; NULL is fine. */
    void (*destroy)(struct ht_dead_letters *dead_letters);
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_dead_letters {
    const struct ht_dead_letters_ops *ops;
    struct ht_health health;
    uint64_t letters; /**< made durable */
    uint64_t errors;
};
