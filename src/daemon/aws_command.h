// SPDX-License-Identifier: MIT
#pragma once

/**
 * The ground of a command that talks to Amazon by itself (`setup`, `check`): a loop, a worker and
 * a session. The command starts one operation, runs the loop until that operation's `done` stops
 * it, and goes on: nothing else happens in the process.
 *
 *     op.done = on_done;                          // calls ht_loop_stop(command->loop)
 *     ht_..._start(command->session.client, &op);
 *     ht_loop_run(command->loop);
 */

#include "aws_session.h"
#include "command.h"

#include "hashtagd/base/timer.h"

/** Zeroed memory is a command that is not open. */
struct ht_aws_command {
    struct ht_clock clock;
    struct ht_log log;
    struct ht_random random;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_aws_session session;
    struct ht_timer wait_timer; /**< private */
};

/** Who the credentials belong to. */
struct ht_aws_account {
    char arn[2100];     /**< of the caller */
    char account[32];   /**< twelve digits */
    char partition[24]; /**< "aws" */
};

/** Opens loop, worker and session. 0 or an error; to be closed in every case. */
int ht_aws_command_open(struct ht_aws_command *command, const struct ht_command_line *line,
                        const struct ht_config *config, struct ht_error *error) HT_MUST_CHECK;

/** Asks STS who we are. 0; HT_ENOTFOUND where there are no credentials or no region; or another
 * error. */
int ht_aws_command_account(struct ht_aws_command *command, struct ht_aws_account *account,
                           struct ht_error *error) HT_MUST_CHECK;

/** Waits. */
void ht_aws_command_wait(struct ht_aws_command *command, uint64_t ms);

/** The bucket of the archive: archive.name for s3; for firehose archive.bucket, or made of name,
 * account and region. Empty where the archive has none. */
void ht_aws_command_bucket(const struct ht_aws_command *command, const struct ht_config *config,
                           const char *account, char bucket[80]);

/** Closes what was opened. */
void ht_aws_command_close(struct ht_aws_command *command);
