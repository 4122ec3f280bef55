// SPDX-License-Identifier: MIT
#pragma once

/**
 * data.dir/admin.url, by which clients on this machine find the daemon. The worker writes it, and
 * where that fails (a full disk) again each moment until it is there; the loop touches no file.
 *
 * Life: ht_announcement_init(); then, once each: ht_announcement_show() when there is something to
 * find, ht_announcement_cease() when the stopping begins, ht_announcement_withdraw() when nobody
 * is to find it any more; ht_announcement_finish() after the worker has stopped. Each of them may be
 * left out.
 */

#include "hashtagd/backends/data_dir.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/worker.h"

#include <stdbool.h>

/** How it is made. Nothing is owned; all of it outlives the announcement. */
struct ht_announcement_options {
    struct ht_worker *worker;
    struct ht_timer_queue *timers;
    const struct ht_log *log;
    uint32_t again_ms; /**< between two tries */
};

/** Zeroed memory is one that was not made. The fields are private. */
struct ht_announcement {
    struct ht_announcement_options options;
    char *path, *temporary;       /* owned */
    char *url;                    /* owned; NULL until it is shown */
    void (*on_tried)(void *user); /* NULL once it was called */
    void *user;
    struct ht_job write_job, remove_job;
    struct ht_timer again_timer;
    struct ht_error error; /* of the last try; the worker's while the job runs */
    bool was_refused;      /* the first try failed */
    bool has_ceased;
};

/** Makes one for `data_dir` (only used here). HT_ENOMEM, with `error` filled. */
int ht_announcement_init(struct ht_announcement *announcement, const struct ht_data_dir *data_dir,
                         const struct ht_announcement_options *options,
                         struct ht_error *error) HT_MUST_CHECK;

/** Begins to write `url` (copied). `on_tried` is called once, on the loop's thread, never from inside
 * this call, when the first try is over; where that failed the log says so. HT_ENOMEM, then nothing
 * begins. */
int ht_announcement_show(struct ht_announcement *announcement, const char *url,
                         void (*on_tried)(void *user), void *user) HT_MUST_CHECK;

/** No further try begins; `on_tried` may still be called. */
void ht_announcement_cease(struct ht_announcement *announcement);

/** Has the worker remove the file, behind a try that is running. Implies ht_announcement_cease(). */
void ht_announcement_withdraw(struct ht_announcement *announcement);

/** Removes the file here and now: the process ends with the next call. */
void ht_announcement_withdraw_at_once(const struct ht_announcement *announcement);

/** Frees what it holds. */
void ht_announcement_finish(struct ht_announcement *announcement);
