// SPDX-License-Identifier: MIT
#pragma once

/**
 * `hashtagd check` in parts: what is at Amazon is looked at (check_aws.c), a daemon is found or
 * started (check_daemon.c), one marked tweet goes the whole way (check_flow.c) and is looked for
 * in the archive (check_archive.c). Each step is one line on stdout, with the cure where it
 * failed; later steps that make no sense then are said to be left out.
 */

#include "aws_command.h"
#include "client.h"
#include "command.h"

#include <stdint.h>
#include <sys/types.h>

/** Room for the mark: a hashtag that nobody else uses. */
#define HT_CHECK_MARK_BYTES 48

/** A check on its way. */
struct ht_check {
    const struct ht_command_line *line; /* borrowed */
    const struct ht_config *config;     /* borrowed */
    /* what is known */
    char mark[HT_CHECK_MARK_BYTES]; /* the marked tweet's hashtag, as it is folded */
    char event_id[160];             /* of its deletion; empty until it is archived */
    char object[1100];              /* where the archive put it; may be empty */
    /* results */
    unsigned done_count, failed_count, skipped_count;
    /* Amazon: open only where a part is there */
    struct ht_aws_command aws;
    struct ht_clock clock;
    struct ht_random random;
    bool has_aws; /* the services can be asked */
    struct ht_aws_account account;
    char bucket[80];   /* of the archive; empty where it is no bucket */
    char prefix[1100]; /* of its objects */
    /* the daemon */
    struct ht_client client;
    bool has_client;
    pid_t child; /* the daemon that was started for the check; 0: none */
    FILE *child_log;
};

/** Prints "ok" with what was found. */
void ht_check_pass(struct ht_check *check, const char *step, const char *format, ...)
    HT_PRINTF(3, 4);

/** Prints "FAIL" with the reason and, in a line of its own, the cure (may be NULL). */
void ht_check_fail(struct ht_check *check, const char *step, const char *text, const char *cure);

/** Prints that a step is left out, and why. */
void ht_check_skip(struct ht_check *check, const char *step, const char *reason);

/** Looks at every resource at Amazon that the configuration names. */
void ht_check_aws(struct ht_check *check);

/** Finds the running daemon, or starts one for as long as the check takes. False where there is none:
 * it was said why. */
bool ht_check_daemon_find(struct ht_check *check);

/** Ends the client, and the daemon that was started. */
void ht_check_daemon_leave(struct ht_check *check);

/** Sends the marked tweet the whole way. */
void ht_check_flow(struct ht_check *check);

/** Looks for the deletion in the archive itself. */
void ht_check_archive(struct ht_check *check);
