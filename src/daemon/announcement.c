// SPDX-License-Identifier: MIT
#include "announcement.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 *     show -> write job -> done: tried -> (failed) timer -> write job ...
 *     withdraw -> remove job, behind a write job that is on its way
 */

static void run_write(struct ht_job *job);
static int write_url(struct ht_announcement *announcement);
static void write_done(struct ht_job *job);
static void note_outcome(struct ht_announcement *announcement);
static void on_again(struct ht_timer *timer);
static void run_remove(struct ht_job *job);
static void remove_done(struct ht_job *job);

int ht_announcement_init(struct ht_announcement *announcement, const struct ht_data_dir *data_dir,
                         const struct ht_announcement_options *options, struct ht_error *error)
{
    *announcement = (struct ht_announcement){.options = *options};
    ht_job_init(&announcement->write_job, run_write, write_done);
    ht_job_init(&announcement->remove_job, run_remove, remove_done);
    ht_timer_init(&announcement->again_timer, on_again);
    announcement->path = ht_data_dir_join(data_dir, "admin.url");
    announcement->temporary = ht_data_dir_join(data_dir, "admin.url.new");
    if (announcement->path == NULL || announcement->temporary == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory while making the daemon.");
    }
    return 0;
}

int ht_announcement_show(struct ht_announcement *announcement, const char *url,
                         void (*on_tried)(void *user), void *user)
{
    announcement->url = strdup(url);
    if (announcement->url == NULL) {
        return HT_ENOMEM;
    }
    announcement->on_tried = on_tried;
    announcement->user = user;
    ht_worker_submit(announcement->options.worker, &announcement->write_job);
    return 0;
}

static void run_write(struct ht_job *job)
{
    struct ht_announcement *announcement = HT_CONTAINER_OF(job, struct ht_announcement, write_job);

    ht_error_clear(&announcement->error);
    if (write_url(announcement) != 0) {
        (void)unlink(announcement->temporary);
        (void)ht_error_set(&announcement->error, HT_EIO,
                           "%s cannot be written: see to space and permissions there; it is tried "
                           "again each second.",
                           announcement->path);
    }
}

/* It is put in its place whole: a reader never sees half of it. */
static int write_url(struct ht_announcement *announcement)
{
    FILE *file = fopen(announcement->temporary, "we");
    if (file == NULL) {
        return -1;
    }
    bool is_written = fprintf(file, "%s\n", announcement->url) > 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written ? rename(announcement->temporary, announcement->path) : -1;
}

static void write_done(struct ht_job *job)
{
    struct ht_announcement *announcement = HT_CONTAINER_OF(job, struct ht_announcement, write_job);
    void (*on_tried)(void *user) = announcement->on_tried;

    note_outcome(announcement);
    if (announcement->error.code != 0 && !announcement->has_ceased) {
        ht_timer_start(announcement->options.timers, &announcement->again_timer,
                       announcement->options.again_ms);
    }
    announcement->on_tried = NULL;
    if (on_tried != NULL) {
        on_tried(announcement->user);
    }
}

/* Once that it failed, once that it is there. */
static void note_outcome(struct ht_announcement *announcement)
{
    bool has_failed = announcement->error.code != 0;

    if (has_failed && !announcement->was_refused) {
        ht_log_warning(announcement->options.log, "daemon",
                       "clients cannot find this daemon by themselves",
                       HT_TEXT("error", announcement->error.text));
    } else if (!has_failed && announcement->was_refused) {
        ht_log_info(announcement->options.log, "daemon", "clients find this daemon",
                    HT_TEXT("path", announcement->path));
    }
    announcement->was_refused = has_failed;
}

static void on_again(struct ht_timer *timer)
{
    struct ht_announcement *announcement =
        HT_CONTAINER_OF(timer, struct ht_announcement, again_timer);

    ht_worker_submit(announcement->options.worker, &announcement->write_job);
}

void ht_announcement_cease(struct ht_announcement *announcement)
{
    announcement->has_ceased = true;
    ht_timer_stop(announcement->options.timers, &announcement->again_timer);
}

void ht_announcement_withdraw(struct ht_announcement *announcement)
{
    if (announcement->path == NULL) {
        return; /* it could not be made */
    }
    ht_announcement_cease(announcement);
    ht_worker_submit(announcement->options.worker, &announcement->remove_job);
}

static void run_remove(struct ht_job *job)
{
    ht_announcement_withdraw_at_once(HT_CONTAINER_OF(job, struct ht_announcement, remove_job));
}

static void remove_done(struct ht_job *job)
{
    (void)job; /* nobody waits for it but the worker's end */
}

void ht_announcement_withdraw_at_once(const struct ht_announcement *announcement)
{
    (void)unlink(announcement->path);
}

void ht_announcement_finish(struct ht_announcement *announcement)
{
    free(announcement->path);
    free(announcement->temporary);
    free(announcement->url);
    *announcement = (struct ht_announcement){0};
}
