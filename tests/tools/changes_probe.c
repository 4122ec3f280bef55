// SPDX-License-Identifier: MIT

/*
 * Follows a table's change stream as the archiver does, with the settings and keys of the
 * environment, for tests in other languages.
 *
 *   changes_probe TABLE DATABASE   prints, a line each, until SIGTERM or SIGINT:
 *       removal EVENT-ID ORIGIN COUNT ITEM    read, before it is committed; ORIGIN is a number
 *       committed N                           the N removals before are durable
 *       refused N                             or not: they are committed again
 *       remembered N                          once, first: deliveries of former runs
 *       closed GAPS UNREADABLE                last
 *
 * DATABASE is the file that remembers deliveries. The log goes to stderr.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/backends/dynamodb_changes.h"
#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/net/http_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

struct probe {
    struct ht_clock clock;
    struct ht_log log;
    struct ht_random random;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_http_client *http;
    struct ht_aws_settings settings;
    struct ht_aws_credentials *credentials;
    struct ht_aws_client *aws;
    struct ht_embedded_store *store;
    struct ht_changes *changes;
    struct ht_changes_recent recent;
    struct ht_changes_read read;
    struct ht_changes_commit commit;
    bool is_stopping;
};

static int set_up(struct probe *probe, const char *table, const char *database,
                  struct ht_error *error);
static void on_recent(struct ht_changes_recent *recent);
static void read_next(struct probe *probe);
static void on_read(struct ht_changes_read *read);
static void on_commit(struct ht_changes_commit *commit);
static void on_signal(void *user, int signal_number);
static void on_changes_closed(void *user);
static void on_aws_closed(void *user);
static void on_credentials_closed(void *user);
static void on_store_closed(void *user);
static void on_http_closed(void *user);
static void on_worker_stopped(void *user);

int main(int argc, char **argv)
{
    static struct probe probe;
    struct ht_error error = {0};
    if (argc != 3) {
        (void)fprintf(stderr, "usage: changes_probe TABLE DATABASE\n");
        return 2;
    }
    if (set_up(&probe, argv[1], argv[2], &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    probe.recent = (struct ht_changes_recent){.max_count = 1000, .done = on_recent, .user = &probe};
    probe.changes->ops->recent(probe.changes, &probe.recent);
    ht_loop_run(probe.loop);
    ht_loop_destroy(probe.loop);
    ht_aws_settings_finish(&probe.settings);
    return 0;
}

static int set_up_net(struct probe *probe, struct ht_error *error)
{
    ht_clock_init_system(&probe->clock);
    ht_random_init(&probe->random, 1);
    probe->log = (struct ht_log){
        .clock = &probe->clock, .fd = 2, .level = HT_LOG_INFO, .format = HT_LOG_FORMAT_LOGFMT};
    int status = ht_aws_settings_load(&probe->settings, (const char *const *)environ, error);
    if (status == 0) {
        status = ht_loop_create(&probe->loop, &probe->clock, error);
    }
    if (status == 0) {
        status = ht_loop_watch_signals(probe->loop, on_signal, probe, error);
    }
    if (status == 0) {
        status = ht_worker_create(&probe->worker, probe->loop, "probe", error);
    }
    return status == 0 ? ht_http_client_create(&probe->http, probe->loop, error) : status;
}

static int set_up_aws(struct probe *probe, struct ht_error *error)
{
    struct ht_aws_credentials_options keys = {.loop = probe->loop,
                                              .worker = probe->worker,
                                              .http = probe->http,
                                              .random = &probe->random,
                                              .log = &probe->log,
                                              .settings = &probe->settings};
    int status = ht_aws_credentials_create(&probe->credentials, &keys, error);
    struct ht_aws_client_options options = {.loop = probe->loop,
                                            .http = probe->http,
                                            .credentials = probe->credentials,
                                            .settings = &probe->settings,
                                            .random = &probe->random,
                                            .log = &probe->log};
    return status == 0 ? ht_aws_client_create(&probe->aws, &options, error) : status;
}

static int set_up(struct probe *probe, const char *table, const char *database,
                  struct ht_error *error)
{
    int status = set_up_net(probe, error);
    if (status == 0) {
        status = set_up_aws(probe, error);
    }
    struct ht_embedded_store_options store = {
        .loop = probe->loop, .worker = probe->worker, .log = &probe->log, .path = database};
    if (status == 0) {
        status = ht_embedded_store_create(&probe->store, &store, error);
    }
    if (status != 0) {
        return status;
    }
    struct ht_dynamodb_changes_options options = {.aws = probe->aws,
                                                  .clock = &probe->clock,
                                                  .timers = ht_loop_timers(probe->loop),
                                                  .random = &probe->random,
                                                  .log = &probe->log,
                                                  .table_name = table,
                                                  .worker_id = "probe",
                                                  .store = probe->store};
    return ht_dynamodb_changes_create(&probe->changes, &options, error);
}

static void say(const char *what, uint64_t number)
{
    (void)printf("%s %" PRIu64 "\n", what, number);
    (void)fflush(stdout);
}

static void on_recent(struct ht_changes_recent *recent)
{
    say("remembered", recent->count);
    read_next(recent->user);
}

static void read_next(struct probe *probe)
{
    if (!probe->is_stopping) {
        probe->read = (struct ht_changes_read){
            .max_count = 50, .wait_ms = 500, .done = on_read, .user = probe};
        probe->changes->ops->read(probe->changes, &probe->read);
    }
}

static void print_removal(const struct ht_removal *removal)
{
    (void)printf("removal %.*s %d %" PRIu64 " %.*s\n", (int)removal->event_id.length,
                 removal->event_id.data, (int)removal->origin, removal->item.count,
                 (int)removal->item_json.length, removal->item_json.data);
}

static void on_read(struct ht_changes_read *read)
{
    struct probe *probe = read->user;
    struct ht_removal_batch *batch = read->status == 0 ? read->batch : NULL;
    size_t count = batch == NULL ? 0 : batch->count;
    for (size_t i = 0; i < count; i++) {
        print_removal(&batch->removals[i]);
    }
    if (count > 0) {
        (void)fflush(stdout);
        probe->commit = (struct ht_changes_commit){.first_order = batch->removals[0].order,
                                                   .last_order = batch->removals[count - 1].order,
                                                   .archived_at_s = ht_clock_wall_s(&probe->clock),
                                                   .object = HT_SLICE("probe"),
                                                   .done = on_commit,
                                                   .user = probe};
        probe->changes->ops->commit(probe->changes, &probe->commit);
    }
    ht_removal_batch_release(batch);
    if (count == 0) {
        read_next(probe);
    }
}

static void on_commit(struct ht_changes_commit *commit)
{
    struct probe *probe = commit->user;
    say(commit->status == 0 ? "committed" : "refused",
        commit->last_order - commit->first_order + 1);
    if (commit->status != 0 && !probe->is_stopping) {
        probe->changes->ops->commit(probe->changes, commit);
        return;
    }
    read_next(probe);
}

static void on_signal(void *user, int signal_number)
{
    struct probe *probe = user;
    (void)signal_number;
    if (!probe->is_stopping) {
        probe->is_stopping = true;
        probe->changes->ops->close(probe->changes, on_changes_closed, probe);
    }
}

static void on_changes_closed(void *user)
{
    struct probe *probe = user;
    (void)printf("closed %" PRIu64 " %" PRIu64 "\n", probe->changes->counters.gaps,
                 probe->changes->counters.records_unreadable);
    probe->changes->ops->destroy(probe->changes);
    ht_aws_client_close(probe->aws, on_aws_closed, probe);
}

static void on_aws_closed(void *user)
{
    struct probe *probe = user;
    ht_aws_credentials_close(probe->credentials, on_credentials_closed, probe);
}

static void on_credentials_closed(void *user)
{
    struct probe *probe = user;
    ht_embedded_store_close(probe->store, on_store_closed, probe);
}

static void on_store_closed(void *user)
{
    struct probe *probe = user;
    ht_embedded_store_destroy(probe->store);
    ht_http_client_close(probe->http, on_http_closed, probe);
}

static void on_http_closed(void *user)
{
    struct probe *probe = user;
    ht_worker_stop(probe->worker, on_worker_stopped, probe);
}

static void on_worker_stopped(void *user)
{
    struct probe *probe = user;
    ht_loop_stop(probe->loop);
}
