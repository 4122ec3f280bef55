// SPDX-License-Identifier: MIT
#pragma once

/**
 * Looks at one event of Jetstream for as much as the source needs: whether it is passed on, its
 * time, and what tells it from others. An event is an object that the service made,
 * {"did","time_us","kind","commit":{"rev","operation","collection","rkey","record"}}; only the
 * record in it is a user's, and nobody looks into that here. The whole text is checked to be JSON, so
 * that a broken one is found before it reaches the stream.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/json/reader.h"

#include <stdbool.h>
#include <stdint.h>

/** What was found. */
struct ht_jetstream_event {
    bool is_wanted;   /**< a commit to the collection of posts, or the end of an account */
    bool has_key;     /**< what the key is made of was there; else it may be anything's repeat */
    uint64_t key;     /**< hash of account, record key, operation and revision */
    uint64_t time_us; /**< when the service saw it; 0 where it says nothing that is a time */
};

/** Looks at one event after the other. The fields are private. */
struct ht_jetstream_looker {
    struct ht_json_reader reader;
    struct ht_json_keys event_keys, commit_keys, account_keys;
    struct ht_hash_key hash_key;
    struct ht_buffer scratch; /* resolved escapes; bytes to be hashed */
    bool is_out_of_memory;    /* for resolving a text, in this look */
};

/** Makes it in the caller's memory. `hash_key` (copied) is secret: ids come from outside. */
void ht_jetstream_looker_init(struct ht_jetstream_looker *looker,
                              const struct ht_hash_key *hash_key);

/** Frees its memory. NULL and zeroed memory are fine. */
void ht_jetstream_looker_finish(struct ht_jetstream_looker *looker);

/** Looks at `text` (not owned). On another verdict than OK `*event` is zero: it is no event, except
 * for NO_MEMORY, after which the same text may be looked at again. */
enum ht_json_verdict ht_jetstream_look(struct ht_jetstream_looker *looker, struct ht_slice text,
                                       struct ht_jetstream_event *event) HT_MUST_CHECK;
