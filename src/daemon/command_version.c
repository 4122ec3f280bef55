// SPDX-License-Identifier: MIT
#include "command.h"

int ht_command_version(const struct ht_command_line *line)
{
    (void)line;
    (void)puts("hashtagd " HT_VERSION);
    return HT_EXIT_DONE;
}
