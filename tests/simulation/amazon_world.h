// SPDX-License-Identifier: MIT
#pragma once

/**
 * The backing "amazon": the real adapters over the simulated Amazon, and what a process has on its
 * own disk: dead letters, the windows' log, the source's cursor (amazon_disk.c).
 */

#include "amazon.h"
#include "world.h"

#include "hashtagd/aws/client.h"
#include "hashtagd/aws/settings.h"
#include "hashtagd/pipeline/source.h"

#define AMAZON_STREAM  "twitter_bigdata"
#define AMAZON_TABLE   "hashtags"
#define AMAZON_LEASES  "hashtags-twitter_bigdata-leases"
#define AMAZON_CHANGES "hashtags-changes-leases"
#define AMAZON_ARCHIVE "deleted-hashtags"

struct amazon_world;
struct amazon_side;

/** One request to the disk, in the list of its side until it is answered. */
struct amazon_disk_request {
    struct ht_timer timer;
    struct amazon_side *side;
    struct amazon_disk_request *next, **link;
    void (*effect)(struct amazon_disk_request *request); /**< sets `code` where it cannot */
    void (*answer)(struct amazon_disk_request *request);
    void *user; /**< the caller's */
    int code;
};

/** One process's side. */
struct amazon_side {
    struct amazon_world *world;
    struct sim_process *process;
    bool is_open;
    struct amazon_machine machine;
    struct ht_aws_settings settings;
    struct ht_aws_credentials *credentials;
    struct ht_aws_client *client;
    char worker_id[32];
    struct ht_stream *stream;
    struct ht_stream_ops stream_ops; /**< the stream's, with the kept cursor */
    const struct ht_stream_ops *real_stream_ops;
    struct ht_table *table;
    struct ht_changes *changes;
    struct ht_archive *archive;
    struct ht_dead_letters letters;
    struct ht_table windows;
    struct amazon_disk_request *disk;
    void (*on_disk_closed)(void *user); /**< of the part that is closing */
    void *on_disk_closed_user;
    void (*on_closed)(void *user);
    void *on_closed_user;
    char cursor[HT_SOURCE_CURSOR_BYTES]; /**< durable; outlives the process */
    size_t cursor_length;
};

/** A part of the windows' log, as it is kept. */
struct amazon_window {
    struct ht_window_part part;
    char *bytes; /**< owned: data, then hashtag */
};

/** How many user records a shard's records hold, up to each and with it. */
struct amazon_places {
    uint64_t *passed; /**< owned */
    size_t count, capacity;
};

struct amazon_world {
    struct sim_world world;
    struct amazon *amazon;
    bool uses_s3;
    struct amazon_side sides[SIM_PROCESSES];
    struct amazon_window *windows[SIM_PROCESSES]; /**< owned */
    size_t window_count[SIM_PROCESSES], window_capacity[SIM_PROCESSES];
    struct amazon_places places[SIM_SHARDS_MAX];
    /* the record that is being put: what is in it; 0: it is one by itself */
    const struct sim_put *inner;
    size_t inner_count;
    size_t removals_passed; /**< so many of the oldest removals are passed by the feed's reader */
    uint64_t foreign;       /**< what another program adds at this moment */
    struct ht_buffer packing;
};

/** Dead letters and the windows' log of a process. */
void amazon_disk_open(struct amazon_side *side);
/** The process was killed: what was written is there or not. */
void amazon_disk_drop(struct amazon_side *side);
void amazon_disk_finish(struct amazon_world *world);

/** What a watch is told, for the truth. */
struct amazon_watch amazon_truth_watch(struct amazon_world *world);
void amazon_truth_finish(struct amazon_world *world);
/** How many user records of a shard the first `records` records of Kinesis hold. */
uint64_t amazon_truth_passed(const struct amazon_world *world, unsigned shard, size_t records);

/** Whether an item has counts that no checkpoint covers: who deletes it then makes them count twice
 * (docs/promises.md). */
bool amazon_truth_is_ahead(const struct amazon_world *world, const char *hashtag);

/** Packs records as Amazon's producer library does. */
struct ht_slice amazon_pack(struct amazon_world *world, const struct sim_put *puts, size_t count);

/** The real adapters over the simulated Amazon. */
extern const struct sim_backing sim_backing_amazon;
