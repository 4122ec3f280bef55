// SPDX-License-Identifier: MIT
#include "serve.h"

#include "hashtagd/backends/directory_archive.h"
#include "hashtagd/backends/directory_dead_letters.h"
#include "hashtagd/backends/dynamodb_changes.h"
#include "hashtagd/backends/dynamodb_table.h"
#include "hashtagd/backends/embedded_changes.h"
#include "hashtagd/backends/embedded_stream.h"
#include "hashtagd/backends/embedded_table.h"
#include "hashtagd/backends/firehose_archive.h"
#include "hashtagd/backends/kinesis_stream.h"
#include "hashtagd/backends/s3_archive.h"

#include <stdlib.h>
#include <strings.h>

/*
 * What stands behind each port, as the configuration says:
 *
 *     conversation with Amazon, where a port needs it -> store -> table -> change feed
 *         -> stream -> dead letters -> archive -> source
 *
 * The parts that open files do it on the worker and tell ht_daemon_on_opened().
 */

static int build_aws(struct ht_daemon *daemon, struct ht_error *error);
static int build_store(struct ht_daemon *daemon, struct ht_error *error);
static int build_table(struct ht_daemon *daemon, struct ht_error *error);
static int build_changes(struct ht_daemon *daemon, struct ht_error *error);
static int build_stream(struct ht_daemon *daemon, struct ht_error *error);
static int build_dead_letters(struct ht_daemon *daemon, struct ht_error *error);
static int build_archive(struct ht_daemon *daemon, struct ht_error *error);

int ht_daemon_build_ports(struct ht_daemon *daemon, struct ht_error *error)
{
    static int (*const steps[])(struct ht_daemon *, struct ht_error *) = {
        build_aws,    build_store,        build_table,   build_changes,
        build_stream, build_dead_letters, build_archive, ht_daemon_build_sources};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int status = steps[i](daemon, error);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static int out_of_memory(struct ht_error *error, const char *part)
{
    return ht_error_set(error, HT_ENOMEM, "Out of memory while making the %s.", part);
}

static int build_aws(struct ht_daemon *daemon, struct ht_error *error)
{
    if (!ht_config_needs_aws(daemon->config)) {
        return 0;
    }
    struct ht_aws_session_options options = {.loop = daemon->loop,
                                             .worker = daemon->worker,
                                             .random = &daemon->random,
                                             .log = &daemon->log,
                                             .environment = daemon->environment};
    int status = ht_worker_id_load(daemon->data_dir, &daemon->random, daemon->worker_id, error);
    return status != 0 ? status : ht_aws_session_open(&daemon->aws, &options, error);
}

static int build_store(struct ht_daemon *daemon, struct ht_error *error)
{
    char *path = ht_data_dir_join(daemon->data_dir, "hashtagd.db");
    if (path == NULL) {
        return out_of_memory(error, "store");
    }
    struct ht_embedded_store_options options = {.loop = daemon->loop,
                                                .worker = daemon->worker,
                                                .log = &daemon->log,
                                                .path = path,
                                                .budget_bytes = daemon->config->memory.budget_bytes,
                                                .on_opened = ht_daemon_on_opened,
                                                .user = daemon};
    int status = ht_embedded_store_create(&daemon->store, &options, error);
    free(path);
    daemon->opening += status == 0;
    return status;
}

static int build_table(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    if (config->table.type == HT_CONFIG_TABLE_EMBEDDED) {
        return ht_embedded_table_create(&daemon->table, daemon->store, config->table.ttl_s, error);
    }
    int status = ht_embedded_table_create(&daemon->windows, daemon->store, 0, error);
    if (status != 0) {
        return status;
    }
    ht_embedded_table_keep_windows(daemon->windows);
    struct ht_dynamodb_table_options options = {.aws = daemon->aws.client,
                                                .clock = daemon->clock,
                                                .timers = daemon->timers,
                                                .random = &daemon->random,
                                                .log = &daemon->log,
                                                .name = config->table.name,
                                                .leases = config->table.leases,
                                                .worker_id = daemon->worker_id,
                                                .ttl_s = config->table.ttl_s,
                                                .hash_key = daemon->hash_key,
                                                .counts_nothing = !config->counting.enabled,
                                                .windows = daemon->windows};
    return ht_dynamodb_table_create(&daemon->table, &options, error);
}

static int build_changes(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    if (config->table.type == HT_CONFIG_TABLE_EMBEDDED) {
        return ht_embedded_changes_create(&daemon->changes, daemon->store, error);
    }
    if (config->archive.type == HT_CONFIG_ARCHIVE_NONE) {
        return 0; /* the positions in the change stream are those of the process that archives */
    }
    struct ht_dynamodb_changes_options options = {.aws = daemon->aws.client,
                                                  .clock = daemon->clock,
                                                  .timers = daemon->timers,
                                                  .random = &daemon->random,
                                                  .log = &daemon->log,
                                                  .table_name = config->table.name,
                                                  .worker_id = daemon->worker_id,
                                                  .store = daemon->store};
    return ht_dynamodb_changes_create(&daemon->changes, &options, error);
}

/* So that the rows of the lease table name parents and children, as KCL's do. */
static void on_shards(void *user, const struct ht_shard *shards, size_t count)
{
    struct ht_daemon *daemon = user;
    if (daemon->config->table.type == HT_CONFIG_TABLE_EMBEDDED) {
        return;
    }
    struct ht_dynamodb_leases *leases = ht_dynamodb_table_leases(daemon->table);
    for (size_t i = 0; i < count; i++) {
        const struct ht_lease_shard shard = {.shard_id = shards[i].id,
                                             .parent_id = shards[i].parent_id,
                                             .adjacent_parent_id = shards[i].adjacent_parent_id};
        if (ht_dynamodb_leases_note_shard(leases, &shard) != 0) {
            ht_log_warning(&daemon->log, "stream", "out of memory for what a shard's row says");
            return;
        }
    }
}

static int build_kinesis(struct ht_daemon *daemon, struct ht_error *error)
{
    char *cursor = ht_data_dir_join(daemon->data_dir, "source-cursor");
    if (cursor == NULL) {
        return out_of_memory(error, "stream");
    }
    struct ht_kinesis_stream_options options = {.aws = daemon->aws.client,
                                                .worker = daemon->stream_worker,
                                                .clock = daemon->clock,
                                                .timers = daemon->timers,
                                                .random = &daemon->random,
                                                .log = &daemon->log,
                                                .stream_name = daemon->config->stream.name,
                                                .cursor_path = cursor,
                                                .puts_at_once =
                                                    ht_aws_session_puts_at_once(&daemon->aws),
                                                .on_shards = on_shards,
                                                .on_shards_user = daemon};
    int status = ht_kinesis_stream_create(&daemon->stream, &options, error);
    free(cursor);
    if (status == 0 && !daemon->config->counting.enabled) {
        /* nobody reads it here, and what is put may come late or never: nothing to wait for */
        ht_health_set(&daemon->stream->health, HT_HEALTH_IDLE, "nothing is read here");
    }
    return status;
}

static int build_stream(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    if (config->stream.type == HT_CONFIG_STREAM_KINESIS) {
        return build_kinesis(daemon, error);
    }
    char *directory = ht_data_dir_join(daemon->data_dir, "stream");
    if (directory == NULL) {
        return out_of_memory(error, "stream");
    }
    struct ht_embedded_stream_options options = {.loop = daemon->loop,
                                                 .worker = daemon->stream_worker,
                                                 .log = &daemon->log,
                                                 .directory = directory,
                                                 .retention_s = config->stream.retention_s,
                                                 .retention_bytes = config->stream.retention_bytes,
                                                 .keep_records = config->counting.repeat_window +
                                                                 config->counting.repeat_window / 2,
                                                 .on_opened = ht_daemon_on_opened,
                                                 .user = daemon};
    int status = ht_embedded_stream_create(&daemon->stream, &options, error);
    free(directory);
    daemon->opening += status == 0;
    return status;
}

static int build_dead_letters(struct ht_daemon *daemon, struct ht_error *error)
{
    char *directory = ht_data_dir_join(daemon->data_dir, "dead-letters");
    if (directory == NULL) {
        return out_of_memory(error, "dead letters");
    }
    struct ht_directory_dead_letters_options options = {
        .loop = daemon->loop, .worker = daemon->worker, .directory = directory};
    int status = ht_directory_dead_letters_create(&daemon->dead_letters, &options, error);
    free(directory);
    return status;
}

static int build_directory(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    char *directory = ht_data_dir_join(daemon->data_dir, "archive");
    if (directory == NULL) {
        return out_of_memory(error, "archive");
    }
    struct ht_directory_archive_options options = {.loop = daemon->loop,
                                                   .worker = daemon->worker,
                                                   .log = &daemon->log,
                                                   .directory = directory,
                                                   .prefix = config->archive.prefix,
                                                   .buffer_s = (uint32_t)config->archive.buffer_s,
                                                   .buffer_bytes = config->archive.buffer_bytes};
    int status = ht_directory_archive_create(&daemon->archive, &options, error);
    free(directory);
    return status;
}

static int build_firehose(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    struct ht_firehose_archive_options options = {.aws = daemon->aws.client,
                                                  .clock = daemon->clock,
                                                  .timers = daemon->timers,
                                                  .random = &daemon->random,
                                                  .log = &daemon->log,
                                                  .name = config->archive.name,
                                                  .dead_letters = daemon->dead_letters,
                                                  .buffer_s = (uint32_t)config->archive.buffer_s,
                                                  .buffer_bytes = config->archive.buffer_bytes};
    return ht_firehose_archive_create(&daemon->archive, &options, error);
}

/* "when_required": what speaks like S3 may refuse checksums that it does not know. */
static bool leaves_out_crc32(const struct ht_daemon *daemon)
{
    const char *value =
        ht_aws_settings_variable(&daemon->aws.settings, "AWS_REQUEST_CHECKSUM_CALCULATION");
    return value != NULL && strcasecmp(value, "when_required") == 0;
}

static int build_s3(struct ht_daemon *daemon, struct ht_error *error)
{
    const struct ht_config *config = daemon->config;
    struct ht_s3_archive_options options = {.aws = daemon->aws.client,
                                            .worker = daemon->worker,
                                            .clock = daemon->clock,
                                            .timers = daemon->timers,
                                            .log = &daemon->log,
                                            .bucket = config->archive.name,
                                            .prefix = config->archive.prefix,
                                            .buffer_s = (uint32_t)config->archive.buffer_s,
                                            .buffer_bytes = config->archive.buffer_bytes,
                                            .leaves_out_crc32 = leaves_out_crc32(daemon)};
    return ht_s3_archive_create(&daemon->archive, &options, error);
}

static int build_archive(struct ht_daemon *daemon, struct ht_error *error)
{
    switch ((enum ht_config_archive)daemon->config->archive.type) {
    case HT_CONFIG_ARCHIVE_DIRECTORY:
        return build_directory(daemon, error);
    case HT_CONFIG_ARCHIVE_FIREHOSE:
        return build_firehose(daemon, error);
    case HT_CONFIG_ARCHIVE_S3:
        return build_s3(daemon, error);
    case HT_CONFIG_ARCHIVE_NONE:
        break;
    }
    return 0;
}
