// SPDX-License-Identifier: MIT
#include "command.h"

int ht_command_setup(const struct ht_command_line *line)
{
    (void)line;
    (void)fputs("hashtagd: setup makes resources at Amazon, and this build has no Amazon support; "
                "the embedded parts need no setup: run hashtagd serve\n",
                stderr);
    return HT_EXIT_USAGE;
}
