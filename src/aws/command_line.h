// SPDX-License-Identifier: MIT
#pragma once

/**
 * A command as people write it, taken apart as a POSIX shell does it (Shell Command Language,
 * "Quoting"), but nothing is expanded: no variables, no patterns, no substitution. Pure.
 */

#include "hashtagd/base/error.h"

#include <stddef.h>

/** Words of a command, the program among them; more is refused. */
#define HT_AWS_COMMAND_WORDS_MAX 64

/** A command in words. To be finished with ht_aws_command_line_finish(). */
struct ht_aws_command_line {
    char *text;                                          /**< owned: the words, each ended */
    size_t bytes;                                        /**< of `text` */
    const char *arguments[HT_AWS_COMMAND_WORDS_MAX + 1]; /**< into `text`; NULL behind the last */
    size_t count;                                        /**< of `arguments` */
};

/** Takes `command` apart. HT_EINVAL (no word, a quote that does not end), HT_ETOOBIG (too many
 * words), HT_ENOMEM; `error` (may be NULL) never shows the command. To be finished in every case. */
int ht_aws_command_line_parse(struct ht_aws_command_line *line, const char *command,
                              struct ht_error *error) HT_MUST_CHECK;

/** Frees it, wiped; zeroed memory is fine. */
void ht_aws_command_line_finish(struct ht_aws_command_line *line);
