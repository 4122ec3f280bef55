// SPDX-License-Identifier: MIT
#include "command.h"

int ht_command_check(const struct ht_command_line *line)
{
    (void)line;
    (void)fputs("hashtagd: check tries the services of Amazon, and this build has no Amazon "
                "support; hashtagd config checks the configuration\n",
                stderr);
    return HT_EXIT_USAGE;
}
