// SPDX-License-Identifier: MIT
#include "serve.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/net/libraries.h"

#include <signal.h>
#include <string.h>

/*
 * Each step builds one part and returns its error; the first that fails ends the building. The
 * parts that open files do it on the worker: when both are open the stages start.
 */

enum { ANNOUNCE_AGAIN_MS = 1000 };

static int build_ground(struct ht_daemon *daemon, struct ht_error *error);
static int build_tally(struct ht_daemon *daemon, struct ht_error *error);
static int build_stages(struct ht_daemon *daemon, struct ht_error *error);
static int build_admin(struct ht_daemon *daemon, struct ht_error *error);
static void on_signal(void *user, int signal_number);
static void on_loaded(void *user);
static void announce(struct ht_daemon *daemon);
static void on_announced(void *user);
static void on_fatal(void *user, const struct ht_error *error);

int ht_daemon_build(struct ht_daemon *daemon)
{
    static int (*const steps[])(struct ht_daemon *, struct ht_error *) = {
        build_ground, ht_daemon_build_ports, build_tally, build_stages, build_admin};
    struct ht_error error;
    ht_error_clear(&error);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int status = steps[i](daemon, &error);
        if (status != 0) {
            ht_log_error(&daemon->log, "daemon", "cannot start", HT_TEXT("error", error.text));
            return HT_EXIT_FAILED;
        }
    }
    return HT_EXIT_DONE;
}

static int out_of_memory(struct ht_error *error, const char *part)
{
    return ht_error_set(error, HT_ENOMEM, "Out of memory while making the %s.", part);
}

static int make_announcement(struct ht_daemon *daemon, struct ht_error *error)
{
    struct ht_announcement_options options = {.worker = daemon->worker,
                                              .timers = daemon->timers,
                                              .log = &daemon->log,
                                              .again_ms = ANNOUNCE_AGAIN_MS};
    return ht_announcement_init(&daemon->announcement, daemon->data_dir, &options, error);
}

static int build_ground(struct ht_daemon *daemon, struct ht_error *error)
{
    uint64_t seed;
    int status = ht_data_dir_open(&daemon->data_dir, daemon->config->data.dir, error);
    if (status != 0 && strstr(error->text, daemon->config->data.dir) == NULL) {
        (void)ht_error_prefix(error, "data.dir %s", daemon->config->data.dir);
    }
    if (status != 0) {
        return status;
    }
    if (ht_random_secret(&daemon->hash_key, sizeof(daemon->hash_key)) != 0 ||
        ht_random_secret(&seed, sizeof(seed)) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers.");
    }
    ht_random_init(&daemon->random, seed);
    status = ht_loop_create(&daemon->loop, NULL, error);
    if (status != 0) {
        return status;
    }
    daemon->clock = ht_loop_clock(daemon->loop);
    daemon->timers = ht_loop_timers(daemon->loop);
    ht_budget_init(&daemon->budget, (size_t)daemon->config->memory.budget_bytes);
    status = ht_worker_create(&daemon->worker, daemon->loop, "files", error);
    if (status == 0) {
        status = make_announcement(daemon, error);
    }
    if (status == 0) {
        status = ht_worker_create(&daemon->stream_worker, daemon->loop, "stream", error);
    }
    if (status == 0) {
        status = ht_worker_create(&daemon->source_worker, daemon->loop, "source", error);
    }
    return status != 0 ? status : ht_loop_watch_signals(daemon->loop, on_signal, daemon, error);
}

static int build_tally(struct ht_daemon *daemon, struct ht_error *error)
{
    struct ht_tally_options options = {
        .key = daemon->hash_key, .minute = ht_clock_wall_s(daemon->clock) / 60, .keep_parts = true};
    daemon->tally = ht_tally_create(&options);
    return daemon->tally == NULL ? out_of_memory(error, "tally") : 0;
}

static struct ht_count *make_count(struct ht_daemon *daemon)
{
    const struct ht_config *config = daemon->config;
    struct ht_count_options options = {
        .stream = daemon->stream,
        .table = daemon->table,
        .dead_letters = daemon->dead_letters,
        .tally = daemon->tally,
        .clock = daemon->clock,
        .timers = daemon->timers,
        .random = &daemon->random,
        .budget = &daemon->budget,
        .log = &daemon->log,
        .fold = (enum ht_fold_mode)config->counting.fold,
        .once_per_tweet = config->counting.once_per_tweet,
        .repeat_window = (size_t)config->counting.repeat_window,
        .retweets = (enum ht_tweet_retweets)config->counting.retweets,
        .reads = config->counting.enabled,
        .flush_interval_ms = (uint32_t)(config->table.flush_interval_s * 1000),
        .expires = config->table.ttl_s > 0 && config->table.type == HT_CONFIG_TABLE_EMBEDDED,
        .start = {.kind = config->stream.start.kind, .time_ms = config->stream.start.time_ms},
        .hash_key = daemon->hash_key,
        .on_loaded = on_loaded,
        .on_fatal = on_fatal,
        .user = daemon};
    return ht_count_create(&options);
}

static struct ht_ingest *make_ingest(struct ht_daemon *daemon)
{
    struct ht_ingest_options options = {.source = daemon->source,
                                        .stream = daemon->stream,
                                        .dead_letters = daemon->dead_letters,
                                        .clock = daemon->clock,
                                        .timers = daemon->timers,
                                        .random = &daemon->random,
                                        .budget = &daemon->budget,
                                        .log = &daemon->log,
                                        .tweet_key = daemon->hash_key};
    return ht_ingest_create(&options);
}

/* Others may write the table too: the count stage hears of it from the feed. */
static int on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    struct ht_daemon *daemon = user;
    return ht_count_touch(daemon->count, hashtag, count, is_removed);
}

static int build_stages(struct ht_daemon *daemon, struct ht_error *error)
{
    daemon->count = make_count(daemon);
    daemon->ingest = make_ingest(daemon);
    if (daemon->count == NULL || daemon->ingest == NULL) {
        return out_of_memory(error, "stages");
    }
    if (daemon->changes != NULL) {
        daemon->changes->on_touched = on_touched;
        daemon->changes->on_touched_user = daemon;
    }
    if (daemon->archive == NULL) {
        return 0;
    }
    struct ht_archiver_options options = {.changes = daemon->changes,
                                          .archive = daemon->archive,
                                          .clock = daemon->clock,
                                          .timers = daemon->timers,
                                          .random = &daemon->random,
                                          .budget = &daemon->budget,
                                          .log = &daemon->log};
    daemon->archiver = ht_archiver_create(&options);
    return daemon->archiver == NULL ? out_of_memory(error, "archive stage") : 0;
}

static int build_tls(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    if (config->admin.tls_cert[0] == '\0') {
        return 0;
    }
    return ht_tls_create(&daemon->tls, config->admin.tls_cert, config->admin.tls_key, error);
}

static struct ht_admin *make_admin(struct ht_daemon *daemon)
{
    const struct ht_config *config = daemon->config;
    daemon->libraries[0] = (struct ht_admin_library){"libuv", ht_net_libuv_version()};
    daemon->libraries[1] = (struct ht_admin_library){"libcurl", ht_net_libcurl_version()};
    daemon->libraries[2] = (struct ht_admin_library){"llhttp", ht_net_llhttp_version()};
    daemon->libraries[3] = (struct ht_admin_library){"openssl", ht_net_openssl_version()};
    daemon->libraries[4] = (struct ht_admin_library){"jansson", ht_json_library_version()};
    daemon->libraries[5] = (struct ht_admin_library){"sqlite", ht_embedded_store_library_version()};
    bool archives = daemon->archiver != NULL;
    struct ht_admin_context context = {.loop = daemon->loop,
                                       .clock = daemon->clock,
                                       .timers = daemon->timers,
                                       .log = &daemon->log,
                                       .tally = daemon->tally,
                                       .source = daemon->source,
                                       .ingest = daemon->ingest,
                                       .stream = daemon->stream,
                                       .count = daemon->count,
                                       .table = daemon->table,
                                       .dead_letters = daemon->dead_letters,
                                       .changes = archives ? daemon->changes : NULL,
                                       .archiver = daemon->archiver,
                                       .archive = daemon->archive,
                                       .aws = daemon->aws.client,
                                       .budget = &daemon->budget,
                                       .fold = (enum ht_fold_mode)config->counting.fold,
                                       .ttl_s = config->table.ttl_s,
                                       .started_at_s = ht_clock_wall_s(daemon->clock),
                                       .version = HT_VERSION,
                                       .libraries = daemon->libraries,
                                       .library_count = HT_DAEMON_LIBRARY_COUNT};
    return ht_admin_create(&context);
}

static int build_admin(struct ht_daemon *daemon, struct ht_error *error)
{
    int status = build_tls(daemon, error);
    if (status != 0) {
        return status;
    }
    daemon->admin = make_admin(daemon);
    if (daemon->admin == NULL) {
        return out_of_memory(error, "administration");
    }
    struct ht_admin_listen listen = {.address = daemon->config->admin.listen,
                                     .token = daemon->config->token,
                                     .tls = daemon->tls};
    return ht_admin_listen(daemon->admin, &listen, error);
}

void ht_daemon_on_opened(void *user, int status, const struct ht_error *error)
{
    struct ht_daemon *daemon = user;
    daemon->opening--;
    if (status != 0) {
        ht_log_error(&daemon->log, "daemon", "cannot start", HT_TEXT("error", error->text));
        ht_daemon_stop(daemon, HT_EXIT_FAILED);
        return;
    }
    if (daemon->opening > 0 || daemon->is_stopping) {
        return;
    }
    daemon->is_started = true;
    if (daemon->config->table.type != HT_CONFIG_TABLE_EMBEDDED) {
        /* loading may wait for Amazon: who looks for the reason must find the daemon */
        announce(daemon);
    }
    ht_count_start(daemon->count);
    if (daemon->archiver != NULL) {
        ht_archiver_start(daemon->archiver);
    }
    ht_ingest_start(daemon->ingest);
}

/* Only now is the daemon shown to others: who finds it by the file gets whole answers. */
static void on_loaded(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->config->table.type == HT_CONFIG_TABLE_EMBEDDED) {
        announce(daemon);
    }
}

static void announce(struct ht_daemon *daemon)
{
    int status = ht_announcement_show(&daemon->announcement, ht_admin_url(daemon->admin),
                                      on_announced, daemon);
    if (status != 0) {
        ht_log_warning(&daemon->log, "daemon",
                       "clients cannot find this daemon by themselves: out of memory");
        on_announced(daemon);
    }
}

static void on_announced(void *user)
{
    struct ht_daemon *daemon = user;
    if (daemon->admin == NULL) {
        return; /* it stopped meanwhile */
    }
    ht_log_info(
        &daemon->log, "daemon", "listening", HT_TEXT("dashboard", ht_admin_url(daemon->admin)),
        HT_TEXT("data_dir", ht_data_dir_path(daemon->data_dir)), HT_TEXT("version", HT_VERSION));
}

static void on_signal(void *user, int signal_number)
{
    struct ht_daemon *daemon = user;
    if (signal_number == SIGHUP) {
        ht_log_info(&daemon->log, "daemon",
                    "SIGHUP changes nothing: restart to read the "
                    "configuration again");
        return;
    }
    ht_log_info(&daemon->log, "daemon", "stopping",
                HT_TEXT("signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"));
    ht_daemon_stop(daemon, HT_EXIT_DONE);
}

static void on_fatal(void *user, const struct ht_error *error)
{
    struct ht_daemon *daemon = user;
    ht_log_error(&daemon->log, "daemon", "cannot go on", HT_TEXT("error", error->text));
    ht_daemon_stop(daemon, HT_EXIT_FAILED);
}
