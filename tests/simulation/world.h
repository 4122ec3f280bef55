// SPDX-License-Identifier: MIT
#pragma once

/**
 * A world: what lies behind the ports of the program, and survives it.
 *
 * A backing ("transactional", "marks", "amazon") makes the ports of a process, plays what the
 * outside does to them, and tells the truth (truth.h) of everything durable as it happens. Who
 * plays knows only this header; who checks knows only the truth.
 *
 *     world = backing->create(sim, truth, &options)
 *     open -> ports ... close -> on_closed -> take_down      a process that ends well
 *     open -> ports ... drop -> (ghost: stages stop) -> close -> on_closed -> take_down
 *                                                            one that is killed
 *     put, split, merge, trim ... while processes come and go
 *     destroy
 *
 * What is durable belongs to the world: records, items, positions, removals, archived lines, dead
 * letters, the source's cursor. What a request does, and when, is decided by the world's dice and
 * faults; answers reach a process through its own queue, so one that stands still gets them late.
 */

#include "sim.h"
#include "truth.h"

#include "hashtagd/pipeline/archive.h"
#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/changes.h"
#include "hashtagd/pipeline/dead_letters.h"
#include "hashtagd/pipeline/stream.h"
#include "hashtagd/pipeline/table.h"

/** The ports of one process; owned by the world. */
struct sim_ports {
    struct ht_stream *stream;
    struct ht_table *table;
    struct ht_changes *changes; /**< NULL with archive.type=none */
    struct ht_archive *archive; /**< likewise */
    struct ht_dead_letters *dead_letters;
};

/** What outlives a process, and what a world is made with. */
struct sim_world_options {
    unsigned shards;          /**< at the start; a backing without shards has one */
    bool archives;            /**< else archive.type=none */
    bool is_boundless;        /**< others delete whatever they like, whenever */
    uint32_t ttl_s;           /**< table.ttl_s; 0: never */
    size_t repeat_window;     /**< counting.repeat_window */
    unsigned batch_records;   /**< the most records a read brings */
    bool has_second;          /**< two processes at once will be there */
    bool has_leases;          /**< one of the two writes at a time; where a world can do without */
    bool is_late;             /**< requests may take effect after their sender gave them up */
    struct ht_position start; /**< stream.start */
};

/** How bad the outside is. Rates are per mille of requests; all 0 is a perfect world. */
struct sim_faults {
    unsigned lost_request;     /**< no effect, no answer: the caller is told of a timeout */
    unsigned lost_answer;      /**< the effect, and a timeout */
    unsigned late_request;     /**< a timeout now, the effect some time later, whoever lives then */
    unsigned throttled;        /**< refused for now: HT_EBUSY */
    unsigned partial;          /**< of what takes several, some fail at any position */
    unsigned slow;             /**< takes up to `slow_ms` */
    uint64_t latency_ms;       /**< what a request takes at most, usually */
    uint64_t slow_ms;          /**< what a slow one does */
    uint64_t late_ms;          /**< how late a late one comes, at most */
    unsigned expired_iterator; /**< reads: the place is forgotten and has to be asked anew */
    bool is_unreachable;       /**< outage: every request fails with HT_ECONNECTION */
    bool is_refusing;          /**< expired credentials: HT_EPERMISSION */
    bool is_disk_full;         /**< writes fail with HT_ENOSPC */
    bool is_archive_out;       /**< the archive alone fails */
    bool is_stream_out;        /**< the stream alone fails */
    bool is_table_out;         /**< the table alone fails */
    bool are_letters_out;      /**< the dead letters alone fail */
};

/** One record that another producer puts. */
struct sim_put {
    struct ht_slice data, partition_key; /**< the caller's; copied */
};

struct sim_world;

struct sim_backing {
    const char *name;
    /* what it can be asked */
    bool has_shards;     /**< more than one, splits, merges */
    bool has_foreign;    /**< others write the table: add_foreign, delete_foreign, TTL of its own */
    bool has_second;     /**< two processes at once */
    bool has_aggregates; /**< one record can hold several (KPL) */
    bool is_slow;        /**< played only where it is asked for by name */
    uint64_t feed_lag_ms; /**< so late the feed may tell of a change; 0: at once */
    struct sim_world *(*create)(struct sim *sim, struct sim_truth *truth,
                                const struct sim_world_options *options);
    void (*destroy)(struct sim_world *world);

    /** Makes the ports of a process that began; `budget` and `key` are the process's, and outlive
     * the ports. on_touched of the change feed is for the caller to wire. */
    void (*open)(struct sim_world *world, struct sim_process *process, struct ht_budget *budget,
                 struct sim_ports *ports);
    /** Closes the ports in the order of serve_stop.c; on_closed once, in the process's time. */
    void (*close)(struct sim_world *world, unsigned process, void (*on_closed)(void *user),
                  void *user);
    /** The process was killed: what it has under way happens now, later or never; from now on none
     * of its requests has an effect, and each is answered soon, with an error. */
    void (*drop)(struct sim_world *world, unsigned process);
    /** Frees the ports of a process; they are closed, and the stages are gone. */
    void (*take_down)(struct sim_world *world, unsigned process);

    void (*set_faults)(struct sim_world *world, const struct sim_faults *faults);
    /** Another producer puts records, aggregated into one where the backing can and
     * `is_aggregated`. */
    void (*put)(struct sim_world *world, const struct sim_put *puts, size_t count,
                bool is_aggregated);
    /** Splits a shard, or merges two neighbours; false where there is none, or too many. */
    bool (*split)(struct sim_world *world);
    bool (*merge)(struct sim_world *world);
    /** Lets records at the front of the stream go that every process has counted, and that lie
     * three windows before the checkpoint. */
    void (*trim)(struct sim_world *world);
    /** A shard of the change feed ends and another goes on in its place. */
    void (*roll_feed)(struct sim_world *world);
    /** Another program adds to an item, without marks. */
    void (*add_foreign)(struct sim_world *world, struct ht_slice hashtag, uint64_t count);
    /** Another program deletes an item; false where there is none, or where it has counts that no
     * checkpoint covers: no table can tell those from new ones (docs/promises.md). */
    bool (*delete_foreign)(struct sim_world *world, struct ht_slice hashtag);
    /** The service's own TTL runs: items whose time is up go, in its own time. */
    void (*expire)(struct sim_world *world);
};

/** The part of a world that callers see; a backing's struct begins with it. */
struct sim_world {
    const struct sim_backing *backing;
    struct sim *sim;
    struct sim_truth *truth;
    struct sim_world_options options;
    struct sim_faults faults;
};

/** All or nothing flushes, one shard with retention: what the embedded store promises. */
extern const struct sim_backing sim_backing_transactional;

/** Conditional updates one by one, shards, others that write: what DynamoDB and Kinesis promise, at
 * the ports. */
extern const struct sim_backing sim_backing_marks;

/** All backings; the last is NULL. */
extern const struct sim_backing *const sim_backings[];
