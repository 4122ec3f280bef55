// SPDX-License-Identifier: MIT
#pragma once

/**
 * The administration: everything that is asked over HTTP. The dashboard, the counts, deleting,
 * putting tweets, state, metrics and live events (docs/http.md). It owns the HTTP server and
 * asks the parts of the pipeline; it holds no state of theirs.
 *
 * One table (src/admin/route_table.c) has every route, one file each in src/admin/routes/; one
 * table (src/admin/metrics_table.c) has every metric.
 *
 *     struct ht_admin_context context = {.loop = loop, .clock = clock, ..., .count = count};
 *     struct ht_admin *admin = ht_admin_create(&context);
 *     if (admin == NULL || ht_admin_listen(admin, &listen, &error) != 0) ...
 *     write(ht_admin_url(admin));
 *     ...
 *     ht_admin_set_stopping(admin);                       // answers say so from now on
 *     ht_admin_close(admin, 5000, on_admin_closed, user); // before the parts are taken down
 *
 * Life: the parts are created first; they outlive the administration. It is up while they start
 * and while they drain, so that both can be watched. Loop thread only.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/address.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/pipeline/archive.h"
#include "hashtagd/pipeline/archiver.h"
#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/changes.h"
#include "hashtagd/pipeline/count.h"
#include "hashtagd/pipeline/dead_letters.h"
#include "hashtagd/pipeline/ingest.h"
#include "hashtagd/pipeline/source.h"
#include "hashtagd/pipeline/stream.h"
#include "hashtagd/pipeline/table.h"
#include "hashtagd/tally/tally.h"
#include "hashtagd/tweet/fold.h"

struct ht_admin;
struct ht_tls;

/** A library that is linked in, for GET /status and the metric hashtagd_build_info. */
struct ht_admin_library {
    const char *name;    /**< "libuv"; static; letters, digits and _ */
    const char *version; /**< static */
};

/** Everything that the administration asks. Nothing of it is owned; all of it outlives the
 * administration. Pointers may be NULL only where it is said. */
struct ht_admin_context {
    struct ht_loop *loop;                     /**< the server runs on it */
    struct ht_clock *clock;                   /**< the loop's */
    struct ht_timer_queue *timers;            /**< the loop's */
    const struct ht_log *log;                 /**< may be NULL */
    struct ht_tally *tally;                   /**< the count stage's; only read */
    struct ht_source *source;                 /**< never NULL: `none` is a source too */
    struct ht_ingest *ingest;                 /**< stage */
    struct ht_stream *stream;                 /**< port */
    struct ht_count *count;                   /**< stage */
    struct ht_table *table;                   /**< port */
    struct ht_dead_letters *dead_letters;     /**< port */
    struct ht_changes *changes;               /**< NULL where nothing is archived */
    struct ht_archiver *archiver;             /**< NULL where nothing is archived */
    struct ht_archive *archive;               /**< NULL where nothing is archived */
    const struct ht_aws_client *aws;          /**< NULL where nothing is at Amazon */
    struct ht_budget *budget;                 /**< memory in flight */
    enum ht_fold_mode fold;                   /**< counting.fold: for the tags in paths */
    uint64_t ttl_s;                           /**< table.ttl_s; 0: items never expire */
    int64_t started_at_s;                     /**< wall time of the process's start */
    const char *version;                      /**< the program's, "0.1.0" */
    const struct ht_admin_library *libraries; /**< may be NULL where count is 0 */
    size_t library_count;
};

/** Where and how to listen. */
struct ht_admin_listen {
    struct ht_address address; /**< port 0: a free one */
    const char *token;         /**< bearer token, copied; NULL: none is asked for */
    struct ht_tls *tls;        /**< NULL: plain HTTP; not owned, outlives the server */
};

/** Makes the administration; it does not listen yet. The context is copied. It takes `on_change` of
 * every part's health for itself and logs what changes. NULL where memory is out. */
struct ht_admin *ht_admin_create(const struct ht_admin_context *context);

/** Listens and answers from now on. Errors as ht_http_server_create(). Once; where it fails
 * ht_admin_close() is still to be called. */
int ht_admin_listen(struct ht_admin *admin, const struct ht_admin_listen *listen,
                    struct ht_error *error) HT_MUST_CHECK;

/** "http://127.0.0.1:8080/": where it listens, as a client on this machine reaches it. Valid after
 * ht_admin_listen(), owned by the administration. */
const char *ht_admin_url(const struct ht_admin *admin);

/** From now on `stopping` is true in GET /status and GET /readyz answers 503; everything else goes
 * on. */
void ht_admin_set_stopping(struct ht_admin *admin);

/** Stops listening, ends the streams of events, lets running requests end, at most `deadline_ms`;
 * then frees everything and calls `on_closed` (may be NULL) once, never from inside this call. NULL
 * is fine: nothing happens, `on_closed` is not called. */
void ht_admin_close(struct ht_admin *admin, uint64_t deadline_ms, void (*on_closed)(void *user),
                    void *user);
