// SPDX-License-Identifier: MIT
#pragma once

/**
 * Records on their way to Kinesis, so that the order of each key is kept: of one key only the
 * oldest record may be sent, and the next one follows when that is stored. (PutRecords keeps no
 * order among the records of a request, and stores some where others fail.) Records of different
 * keys overtake each other freely. Pure: it gets the time.
 *
 *     add -> READY -> take -> SENT -> done      (its follower becomes READY)
 *              ^                |
 *              +---- again <----+               (failed: READY when it is due)
 *
 * Each step takes constant time, but for again() among many waiting ones. The memory is the
 * callers'.
 */

#include "hashtagd/base/hash.h"

#include <stdbool.h>
#include <stddef.h>

/** Lists of keys. */
#define HT_KINESIS_PUT_BUCKETS 4096

/** One record, in its owner's memory from add to done. Private but for `user` and `index`. */
struct ht_kinesis_put_node {
    void *user;         /**< the owner's */
    size_t index;       /**< the owner's */
    size_t bytes;       /**< data and key */
    unsigned attempts;  /**< how often it failed; the owner's */
    unsigned max_batch; /**< with at most so many records in one request; 0: any */
    bool is_dropped;    /**< its owner gave up: take_dropped() gives it out */
    uint64_t hash;
    uint64_t due_ms;
    struct ht_kinesis_put_node *next;     /* of the list that it waits in */
    struct ht_kinesis_put_node *follower; /* the next of its key */
    struct ht_kinesis_put_node *last;     /* of a key's oldest: its youngest */
    struct ht_kinesis_put_node *chain;    /* of a key's oldest: the next key of the bucket */
};

/** A list in order. Private. */
struct ht_kinesis_put_list {
    struct ht_kinesis_put_node *first, *last;
};

/** The queue. Fields are private. */
struct ht_kinesis_put_queue {
    struct ht_hash_key key;
    struct ht_kinesis_put_list fresh; /* never sent */
    struct ht_kinesis_put_list again; /* failed: by the time when they are due */
    size_t count;                     /* all that were added and are not done */
    struct ht_kinesis_put_node *buckets[HT_KINESIS_PUT_BUCKETS];
};

/** Makes an empty queue. */
void ht_kinesis_put_queue_init(struct ht_kinesis_put_queue *queue, struct ht_hash_key key);

/** Adds a zeroed node with user, index and bytes set, for a record with the given key. */
void ht_kinesis_put_queue_add(struct ht_kinesis_put_queue *queue, struct ht_kinesis_put_node *node,
                              struct ht_slice key);

/** Takes up to `max_count` records of together at most `max_bytes`, of which one is always given,
 * that may be sent now, into `nodes`; returns how many. */
size_t ht_kinesis_put_queue_take(struct ht_kinesis_put_queue *queue, uint64_t now_ms,
                                 struct ht_kinesis_put_node **nodes, size_t max_count,
                                 size_t max_bytes);

/** Takes one dropped record that is READY; NULL where there is none. */
struct ht_kinesis_put_node *ht_kinesis_put_queue_take_dropped(struct ht_kinesis_put_queue *queue);

/** A taken record failed: it becomes READY at `due_ms`. */
void ht_kinesis_put_queue_again(struct ht_kinesis_put_queue *queue,
                                struct ht_kinesis_put_node *node, uint64_t due_ms);

/** A taken record is over and done with; its memory is the owner's again. */
void ht_kinesis_put_queue_done(struct ht_kinesis_put_queue *queue,
                               struct ht_kinesis_put_node *node);

/** Milliseconds until a record may be sent: 0 where one may now, UINT64_MAX where none waits. */
uint64_t ht_kinesis_put_queue_wait_ms(const struct ht_kinesis_put_queue *queue, uint64_t now_ms);
