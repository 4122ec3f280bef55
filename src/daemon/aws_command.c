// SPDX-License-Identifier: MIT
#include "aws_command.h"

#include "hashtagd/aws/sts_get_caller_identity.h"
#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void on_step(void *user);
static void fit_bucket(char *bucket);

int ht_aws_command_open(struct ht_aws_command *command, const struct ht_command_line *line,
                        const struct ht_config *config, struct ht_error *error)
{
    uint64_t seed;
    ht_clock_init_system(&command->clock);
    command->log = (struct ht_log){.clock = &command->clock,
                                   .fd = STDERR_FILENO,
                                   .level = HT_LOG_ERROR,
                                   .format = (enum ht_log_format)config->log.format};
    if (ht_random_secret(&seed, sizeof(seed)) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers.");
    }
    ht_random_init(&command->random, seed);
    int status = ht_loop_create(&command->loop, NULL, error);
    if (status == 0) {
        status = ht_worker_create(&command->worker, command->loop, "files", error);
    }
    struct ht_aws_session_options options = {.loop = command->loop,
                                             .worker = command->worker,
                                             .random = &command->random,
                                             .log = &command->log,
                                             .environment = line->environment};
    return status != 0 ? status : ht_aws_session_open(&command->session, &options, error);
}

static void on_identity(struct ht_sts_get_caller_identity *op)
{
    ht_loop_stop(((struct ht_aws_command *)op->user)->loop);
}

/* The second field of an ARN: arn:PARTITION:... */
static void take_partition(const char *arn, char partition[24])
{
    const char *begin = strchr(arn, ':');
    size_t length = begin == NULL ? 0 : strcspn(begin + 1, ":");
    if (length == 0 || length >= 24) {
        (void)snprintf(partition, 24, "aws");
        return;
    }
    memcpy(partition, begin + 1, length);
    partition[length] = '\0';
}

int ht_aws_command_account(struct ht_aws_command *command, struct ht_aws_account *account,
                           struct ht_error *error)
{
    struct ht_sts_get_caller_identity op = {.done = on_identity, .user = command};
    ht_sts_get_caller_identity_start(command->session.client, &op);
    ht_loop_run(command->loop);
    if (op.status != 0) {
        *error = op.error;
        return op.status;
    }
    (void)snprintf(account->arn, sizeof(account->arn), "%s", op.arn);
    (void)snprintf(account->account, sizeof(account->account), "%s", op.account);
    take_partition(account->arn, account->partition);
    return 0;
}

static void on_waited(struct ht_timer *timer)
{
    ht_loop_stop(HT_CONTAINER_OF(timer, struct ht_aws_command, wait_timer)->loop);
}

void ht_aws_command_wait(struct ht_aws_command *command, uint64_t ms)
{
    ht_timer_init(&command->wait_timer, on_waited);
    ht_timer_start(ht_loop_timers(command->loop), &command->wait_timer, ms);
    ht_loop_run(command->loop);
}

void ht_aws_command_bucket(const struct ht_aws_command *command, const struct ht_config *config,
                           const char *account, char bucket[80])
{
    bucket[0] = '\0';
    if (config->archive.type == HT_CONFIG_ARCHIVE_S3) {
        (void)snprintf(bucket, 80, "%s", config->archive.name);
    } else if (config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE) {
        const char *region = ht_aws_client_region(command->session.client);
        if (config->archive.bucket[0] != '\0') {
            (void)snprintf(bucket, 80, "%s", config->archive.bucket);
        } else {
            /* names of buckets have up to 63 characters: the name gives way */
            (void)snprintf(bucket, 80, "%.*s-%s-%s", 63 - 14 - (int)strlen(region),
                           config->archive.name, account, region);
            fit_bucket(bucket);
        }
    }
}

/* Names of delivery streams may hold what those of buckets may not: Amazon S3 User Guide, "Bucket
 * naming rules". */
static void fit_bucket(char *bucket)
{
    for (char *at = bucket; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at - 'A' + 'a');
        } else if (*at == '_' || *at == '.' || (at == bucket && *at == '-')) {
            *at = at == bucket ? 'h' : '-';
        }
    }
}

static void on_step(void *user)
{
    ht_loop_stop(((struct ht_aws_command *)user)->loop);
}

void ht_aws_command_close(struct ht_aws_command *command)
{
    if (command->session.http != NULL) {
        ht_aws_session_close(&command->session, on_step, command);
        ht_loop_run(command->loop);
    }
    ht_aws_session_finish(&command->session);
    if (command->worker != NULL) {
        ht_worker_stop(command->worker, on_step, command);
        ht_loop_run(command->loop);
    }
    ht_loop_destroy(command->loop);
}
