// SPDX-License-Identifier: MIT
#include "serve.h"

#include "hashtagd/base/assert.h"

#include <unistd.h>

/*
 * The order of the end, each step begun by the callback of the one before:
 *
 *     stop -> ingest (the source stops, what it delivered becomes durable)
 *          -> count (what is counted is written)
 *          -> archiver (what is deleted is delivered)
 *          -> administration -> ports -> store -> workers -> the loop ends
 *
 * What fails meanwhile is tried again, until the stages are told to give up, some seconds before the
 * deadline. When that passes, or a second signal comes, the process ends at once: everything durable
 * is safe, the rest is not checkpointed and comes again.
 */

static void on_time_short(struct ht_timer *timer);
static void on_deadline(struct ht_timer *timer);
static void on_ingest_stopped(void *user);
static void on_count_stopped(void *user);
static void on_archiver_stopped(void *user);
static void on_admin_closed(void *user);
static void on_archive_closed(void *user);
static void on_dead_letters_closed(void *user);
static void on_changes_closed(void *user);
static void on_table_closed(void *user);
static void on_windows_closed(void *user);
static void on_stream_closed(void *user);
static void on_store_closed(void *user);
static void on_aws_closed(void *user);
static void stop_next_worker(void *user);

static uint64_t deletions_waiting(const struct ht_daemon *daemon)
{
    return daemon->archiver == NULL ? 0 : ht_archiver_counters(daemon->archiver)->waiting;
}

static void end_at_once(struct ht_daemon *daemon)
{
    ht_log_error(&daemon->log, "daemon",
                 "stopped before everything was drained: no count is lost, what remains will be "
                 "done after the next start, but for deletions that were answered with an error",
                 HT_NUMBER("tweets_not_on_the_stream", ht_ingest_waiting(daemon->ingest)),
                 HT_NUMBER("hashtags_not_written", ht_count_pending_hashtags(daemon->count)),
                 HT_NUMBER("deletions_forgotten", ht_count_waiting_deletions(daemon->count)),
                 HT_NUMBER("deletions_not_archived", deletions_waiting(daemon)));
    ht_announcement_withdraw_at_once(&daemon->announcement);
    _exit(daemon->exit_status == HT_EXIT_DONE ? HT_EXIT_UNDRAINED : daemon->exit_status);
}

static void give_up(struct ht_daemon *daemon)
{
    ht_ingest_give_up(daemon->ingest);
    ht_count_give_up(daemon->count);
    if (daemon->archiver != NULL) {
        ht_archiver_give_up(daemon->archiver);
    }
}

void ht_daemon_stop(struct ht_daemon *daemon, int exit_status)
{
    if (exit_status != HT_EXIT_DONE) {
        /* something is broken: it is not waited for */
        give_up(daemon);
    }
    if (daemon->is_stopping) {
        if (exit_status == HT_EXIT_DONE) {
            end_at_once(daemon);
        }
        daemon->exit_status = exit_status;
        return;
    }
    daemon->is_stopping = true;
    daemon->exit_status = exit_status;
    ht_admin_set_stopping(daemon->admin);
    ht_announcement_cease(&daemon->announcement);
    ht_timer_init(&daemon->deadline_timer, on_time_short);
    ht_timer_start(daemon->timers, &daemon->deadline_timer, HT_DAEMON_DRAIN_MS - HT_DAEMON_LAST_MS);
    ht_ingest_stop(daemon->ingest, on_ingest_stopped, daemon);
}

static void on_time_short(struct ht_timer *timer)
{
    struct ht_daemon *daemon = HT_CONTAINER_OF(timer, struct ht_daemon, deadline_timer);
    ht_timer_init(&daemon->deadline_timer, on_deadline);
    ht_timer_start(daemon->timers, &daemon->deadline_timer, HT_DAEMON_LAST_MS);
    give_up(daemon);
}

static void on_deadline(struct ht_timer *timer)
{
    end_at_once(HT_CONTAINER_OF(timer, struct ht_daemon, deadline_timer));
}

static void on_ingest_stopped(void *user)
{
    struct ht_daemon *daemon = user;
    ht_count_stop(daemon->count, on_count_stopped, daemon);
}

static void on_count_stopped(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->archiver == NULL || !daemon->is_started) {
        on_archiver_stopped(daemon);
        return;
    }
    ht_archiver_stop(daemon->archiver, on_archiver_stopped, daemon);
}

static void note_leftovers(struct ht_daemon *daemon)
{
    size_t tweets = ht_ingest_waiting(daemon->ingest);
    size_t hashtags = ht_count_pending_hashtags(daemon->count);
    uint64_t deletions = deletions_waiting(daemon);
    size_t forgotten = ht_count_waiting_deletions(daemon->count);
    if (tweets == 0 && hashtags == 0 && deletions == 0 && forgotten == 0) {
        return;
    }
    ht_log_error(&daemon->log, "daemon",
                 "not everything could be drained: no count is lost, what remains will be done "
                 "after the next start, but for deletions that were answered with an error",
                 HT_NUMBER("tweets_not_on_the_stream", tweets),
                 HT_NUMBER("hashtags_not_written", hashtags),
                 HT_NUMBER("deletions_forgotten", forgotten),
                 HT_NUMBER("deletions_not_archived", deletions));
    if (daemon->exit_status == HT_EXIT_DONE) {
        daemon->exit_status = HT_EXIT_UNDRAINED;
    }
}

static void on_archiver_stopped(void *user)
{
    struct ht_daemon *daemon = user;
    note_leftovers(daemon);
    ht_admin_close(daemon->admin, 2000, on_admin_closed, daemon);
}

static void on_admin_closed(void *user)
{
    struct ht_daemon *daemon = user;
    daemon->admin = NULL;
    ht_announcement_withdraw(&daemon->announcement);
    if (daemon->archive == NULL) {
        on_archive_closed(daemon);
        return;
    }
    daemon->archive->ops->close(daemon->archive, on_archive_closed, daemon);
}

static void on_archive_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->dead_letters == NULL) {
        on_dead_letters_closed(daemon);
        return;
    }
    daemon->dead_letters->ops->close(daemon->dead_letters, on_dead_letters_closed, daemon);
}

static void on_dead_letters_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->changes == NULL) {
        on_changes_closed(daemon);
        return;
    }
    daemon->changes->ops->close(daemon->changes, on_changes_closed, daemon);
}

static void on_changes_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->table == NULL) {
        on_table_closed(daemon);
        return;
    }
    daemon->table->ops->close(daemon->table, on_table_closed, daemon);
}

static void on_table_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->windows == NULL) {
        on_windows_closed(daemon);
        return;
    }
    daemon->windows->ops->close(daemon->windows, on_windows_closed, daemon);
}

static void on_windows_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->stream == NULL) {
        on_stream_closed(daemon);
        return;
    }
    daemon->stream->ops->close(daemon->stream, on_stream_closed, daemon);
}

static void on_stream_closed(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->store == NULL) {
        on_store_closed(daemon);
        return;
    }
    ht_embedded_store_close(daemon->store, on_store_closed, daemon);
}

static void on_store_closed(void *user)
{
    struct ht_daemon *daemon = user;
    ht_aws_session_close(&daemon->aws, on_aws_closed, daemon);
}

static void on_aws_closed(void *user)
{
    struct ht_daemon *daemon = user;
    ht_http_client_close(daemon->source_client, stop_next_worker, daemon);
    if (daemon->source_client == NULL) {
        stop_next_worker(daemon);
    }
}

/* Stops the workers in reverse order, then ends the loop. */
static void stop_next_worker(void *user)
{
    struct ht_daemon *daemon = user;
    struct ht_worker **const workers[] = {&daemon->source_worker, &daemon->stream_worker,
                                          &daemon->worker};
    for (size_t i = 0; i < HT_COUNT_OF(workers); i++) {
        struct ht_worker *worker = *workers[i];
        if (worker != NULL) {
            *workers[i] = NULL;
            ht_worker_stop(worker, stop_next_worker, daemon);
            return;
        }
    }
    daemon->are_workers_stopped = true;
    ht_timer_stop(daemon->timers, &daemon->deadline_timer);
    ht_log_info(&daemon->log, "daemon", "stopped", HT_NUMBER("status", daemon->exit_status));
    ht_loop_stop(daemon->loop);
}

void ht_daemon_abandon(struct ht_daemon *daemon)
{
    if (daemon->worker == NULL) {
        return;
    }
    daemon->is_stopping = true;
    ht_timer_init(&daemon->deadline_timer, on_deadline);
    if (daemon->admin == NULL) {
        on_admin_closed(daemon);
    } else {
        ht_admin_close(daemon->admin, 0, on_admin_closed, daemon);
    }
    ht_loop_run(daemon->loop);
}

/* An operation that is not there for a part that was never built. */
#define DESTROY(part)                                                                              \
    do {                                                                                           \
        if ((part) != NULL) {                                                                      \
            (part)->ops->destroy(part);                                                            \
        }                                                                                          \
    } while (0)

void ht_daemon_take_down(struct ht_daemon *daemon)
{
    ht_archiver_destroy(daemon->archiver);
    ht_ingest_destroy(daemon->ingest);
    ht_count_destroy(daemon->count);
    ht_tally_destroy(daemon->tally);
    DESTROY(daemon->source);
    DESTROY(daemon->dead_letters);
    DESTROY(daemon->archive);
    DESTROY(daemon->stream);
    DESTROY(daemon->changes);
    DESTROY(daemon->table);
    DESTROY(daemon->windows);
    ht_embedded_store_destroy(daemon->store);
    ht_aws_session_finish(&daemon->aws);
    ht_tls_destroy(daemon->tls);
    ht_loop_destroy(daemon->loop);
    ht_announcement_finish(&daemon->announcement);
    ht_data_dir_close(daemon->data_dir);
}
