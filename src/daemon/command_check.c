// SPDX-License-Identifier: MIT
#include "command.h"

#include "check.h"

#include <string.h>

/*
 *     configuration -> what is at Amazon -> a daemon -> a marked tweet, the whole way -> the sum
 */

static void make_mark(struct ht_check *check)
{
    (void)snprintf(check->mark, sizeof(check->mark), "hashtagdcheck%010llu",
                   (unsigned long long)ht_random_below(&check->random, UINT64_C(10000000000)));
}

static void run(struct ht_check *check)
{
    if (ht_config_needs_aws(check->config)) {
        ht_check_aws(check);
    }
    if (check->failed_count > 0) {
        ht_check_skip(check, "daemon", "left out, and the marked tweet too: mend the above first");
        return;
    }
    if (ht_check_daemon_find(check)) {
        ht_check_flow(check);
        ht_check_archive(check);
    }
    ht_check_daemon_leave(check);
}

static int check_all(struct ht_check *check)
{
    uint64_t seed;
    ht_clock_init_system(&check->clock);
    if (ht_random_secret(&seed, sizeof(seed)) != 0) {
        (void)fputs("hashtagd: the system gives no random numbers\n", stderr);
        return HT_EXIT_FAILED;
    }
    ht_random_init(&check->random, seed);
    make_mark(check);
    run(check);
    (void)printf("%u ok, %u failed, %u left out\n", check->done_count, check->failed_count,
                 check->skipped_count);
    return check->failed_count == 0 ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

int ht_command_check(const struct ht_command_line *line)
{
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_SERVE, &config);
    if (status == HT_EXIT_DONE) {
        struct ht_check check = {.line = line, .config = &config};
        status = check_all(&check);
        ht_aws_command_close(&check.aws);
    }
    ht_config_finish(&config);
    return status;
}
