// SPDX-License-Identifier: MIT
#pragma once

/**
 * One run of the program over a world: the real stages, wired as daemon/serve_build.c does it and
 * stopped as daemon/serve_stop.c does, with its deadline. And what its users do: delete, flush, post.
 *
 *     start -> ... -> stop -> (drained, or its deadline) -> gone
 *                  -> kill -> gone, at once
 */

#include "accountant.h"
#include "service.h"
#include "world.h"

#include "hashtagd/pipeline/archiver.h"
#include "hashtagd/pipeline/count.h"
#include "hashtagd/pipeline/ingest.h"

/* as in daemon/serve.h */
enum { SIM_DRAIN_MS = 25000, SIM_DRAIN_LAST_MS = 5000 };

/** How the program is configured. */
struct sim_daemon_options {
    size_t budget_bytes;
    size_t repeat_window;
    uint32_t flush_interval_ms;
    uint32_t ttl_s; /**< the table expires its items by itself */
    enum ht_fold_mode fold;
    bool once_per_tweet, ignores_retweets;
    struct ht_position start;
    unsigned sources; /**< live ones; 0: none */
};

struct sim_wish;

struct sim_daemon {
    struct sim *sim;
    struct sim_world *world;
    struct sim_accountant *accountant;
    struct sim_service *service;
    const struct sim_daemon_options *options;
    unsigned number;
    struct sim_process *process; /* NULL: it is not there */
    struct ht_budget budget;
    struct sim_ports ports;
    struct ht_source *source;
    struct ht_tally *tally;
    struct ht_count *count;
    struct ht_ingest *ingest;
    struct ht_archiver *archiver;
    struct ht_timer deadline_timer;
    bool is_stopping, is_gone, is_drained, is_past_deadline;
    uint64_t started_ns, stopped_ns;
    size_t most_bytes;       /* the most its budget had */
    struct sim_wish *wishes; /* not answered yet */
    uint64_t answers, deletes_found, drains, deadlines, kills;
};

/** Nothing runs yet. */
void sim_daemon_init(struct sim_daemon *daemon, struct sim_world *world,
                     struct sim_accountant *accountant, struct sim_service *service,
                     const struct sim_daemon_options *options);

/** Starts the program; it must not run. */
void sim_daemon_start(struct sim_daemon *daemon);

/** SIGTERM. Where it runs no more, or stops already, nothing. */
void sim_daemon_stop(struct sim_daemon *daemon);

/** kill -9. */
void sim_daemon_kill(struct sim_daemon *daemon);

/** Whether there is a process. */
bool sim_daemon_is_running(const struct sim_daemon *daemon);

/** To be called after each step: takes down what has stopped, and checks what holds at every
 * moment. */
void sim_daemon_look(struct sim_daemon *daemon);

/** DELETE /hashtags/{tag}, POST /flush, POST /tweets with `count` messages (numbers). */
void sim_daemon_delete(struct sim_daemon *daemon, struct ht_slice hashtag);
void sim_daemon_flush(struct sim_daemon *daemon);
void sim_daemon_post(struct sim_daemon *daemon, const uint32_t *messages, size_t count);

/** The stream is out of reach since `began_ns`: who reads it for long enough must say so. */
void sim_daemon_check_outage(struct sim_daemon *daemon, uint64_t began_ns);

/** Whether nothing is pending, and all stages are content. */
bool sim_daemon_is_idle(struct sim_daemon *daemon);

/** What the stages say that is wrong with them; empty where all is well. */
void sim_daemon_explain(struct sim_daemon *daemon, char *text, size_t room);
