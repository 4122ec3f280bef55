// SPDX-License-Identifier: MIT
#pragma once

/**
 * The daemon: all parts and the order in which they are built, started, drained and taken
 * down. serve_build.c builds top to bottom (what stands behind the ports: serve_ports.c),
 * serve_stop.c stops in the order of the data, so that nothing is lost on the way, and takes the
 * parts down in reverse.
 *
 *     data directory -> loop -> workers -> conversation with Amazon -> store -> table, change
 *     feed; stream; dead letters; archive -> source -> tally -> count, ingest, archiver
 *     -> administration
 */

#include "announcement.h"
#include "aws_session.h"
#include "command.h"
#include "worker_id.h"

#include "hashtagd/admin/admin.h"
#include "hashtagd/backends/data_dir.h"
#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/tls.h"
#include "hashtagd/net/worker.h"

/** How long a drain may take before the process ends without it; and the end of it, in which the
 * stages try nothing again, so that each has its turn and the parts close in order. */
#define HT_DAEMON_DRAIN_MS 25000
#define HT_DAEMON_LAST_MS  5000

/** How many libraries GET /status names. */
#define HT_DAEMON_LIBRARY_COUNT 6

/** Everything that runs. Zeroed memory is a daemon of which nothing is built yet. */
struct ht_daemon {
    /* fixed */
    const struct ht_config *config; /* not owned */
    const char *const *environment; /* NAME=value, ended by NULL; not owned */
    struct ht_log log;
    struct ht_clock *clock;        /* the loop's */
    struct ht_timer_queue *timers; /* the loop's */
    struct ht_random random;
    struct ht_hash_key hash_key;
    struct ht_admin_library libraries[HT_DAEMON_LIBRARY_COUNT];
    /* owned, in the order in which they are built */
    struct ht_data_dir *data_dir;
    struct ht_loop *loop;
    struct ht_worker *worker;        /* table, archive, dead letters */
    struct ht_worker *stream_worker; /* its syncs do not wait for a flush of the table */
    struct ht_worker *source_worker; /* reads or makes what comes in */
    struct ht_announcement announcement;
    char worker_id[HT_WORKER_ID_BYTES]; /* empty where nothing is shared with others */
    struct ht_aws_session aws;          /* not open where nothing is at Amazon */
    struct ht_embedded_store *store;
    struct ht_table *windows; /* keeps the time windows of a table at Amazon; else NULL */
    struct ht_table *table;
    struct ht_changes *changes; /* NULL where another process follows them */
    struct ht_stream *stream;
    struct ht_archive *archive; /* NULL where archive.type is none */
    struct ht_dead_letters *dead_letters;
    struct ht_http_client *source_client; /* of live sources; NULL where there is none */
    struct ht_source *source;
    struct ht_budget budget;
    struct ht_tally *tally;
    struct ht_count *count;
    struct ht_ingest *ingest;
    struct ht_archiver *archiver; /* NULL where archive.type is none */
    struct ht_tls *tls;           /* NULL where HTTP is plain */
    struct ht_admin *admin;
    /* state */
    unsigned opening; /* stream and store, until both are open */
    bool is_started;  /* the stages run */
    bool is_stopping;
    bool are_workers_stopped;
    struct ht_timer deadline_timer;
    int exit_status;
};

/** Builds everything; what was built stays in `daemon` also on failure, for ht_daemon_take_down().
 * HT_EXIT_DONE, or the exit status, after the reason was logged. */
int ht_daemon_build(struct ht_daemon *daemon);

/** Builds what stands behind each port; a step of ht_daemon_build(). 0 or an error. */
int ht_daemon_build_ports(struct ht_daemon *daemon, struct ht_error *error);

/** Builds the sources, and one source of them where they are several; a step of
 * ht_daemon_build_ports(). 0 or an error. */
int ht_daemon_build_sources(struct ht_daemon *daemon, struct ht_error *error);

/** A part that opens files is open, or cannot be (`user` is the daemon); with the last one the stages
 * start. */
void ht_daemon_on_opened(void *user, int status, const struct ht_error *error);

/** Begins to drain and to stop; `exit_status` is what the process ends with where all goes well. Later
 * calls only raise the exit status. */
void ht_daemon_stop(struct ht_daemon *daemon, int exit_status);

/** Takes down what was built and closed; after the loop has ended, or before it ran. */
void ht_daemon_take_down(struct ht_daemon *daemon);

/** Closes what was built when building failed: the loop runs until that is done. */
void ht_daemon_abandon(struct ht_daemon *daemon);
