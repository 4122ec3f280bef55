// SPDX-License-Identifier: MIT
#include "command.h"

#include "setup.h"

#include <unistd.h>

/*
 *     configuration -> session -> who are we? -> each resource -> the sum
 */

static int set_up(const struct ht_command_line *line, const struct ht_config *config,
                  struct ht_aws_command *aws)
{
    struct ht_setup setup = {.config = config,
                             .is_dry_run = ht_command_flag_value(line, "--dry-run") != NULL,
                             .is_terminal = isatty(STDERR_FILENO) == 1,
                             .aws = aws};
    struct ht_error error;
    int status = ht_aws_command_open(aws, line, config, &error);
    if (status == 0) {
        status = ht_aws_command_account(aws, &setup.account, &error);
    }
    if (status != 0) {
        (void)fprintf(stderr, "hashtagd: %s\n", error.text);
        return status == HT_EINVAL ? HT_EXIT_USAGE : HT_EXIT_FAILED;
    }
    ht_aws_command_bucket(aws, config, setup.account.account, setup.bucket);
    (void)printf("account %s, region %s, as %s\n", setup.account.account,
                 ht_aws_client_region(aws->session.client), setup.account.arn);
    if (config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE) {
        struct ht_setup_look look = {0};
        setup.has_delivery = ht_setup_delivery.look(&setup, &look, &error) == 0 && look.exists;
    }
    return ht_setup_run(&setup);
}

int ht_command_setup(const struct ht_command_line *line)
{
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_SERVE, &config);
    if (status == HT_EXIT_DONE && !ht_config_needs_aws(&config)) {
        (void)puts("Nothing to set up: stream, table and archive are embedded, and hashtagd serve "
                   "makes what it needs. For Amazon set stream.type=kinesis, table.type=dynamodb "
                   "and archive.type=firehose or s3.");
    } else if (status == HT_EXIT_DONE) {
        struct ht_aws_command aws = {0};
        status = set_up(line, &config, &aws);
        ht_aws_command_close(&aws);
    }
    ht_config_finish(&config);
    return status;
}
