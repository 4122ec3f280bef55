// SPDX-License-Identifier: MIT
#include "command.h"

int ht_command_serve(const struct ht_command_line *line)
{
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_SERVE, &config);
    ht_config_finish(&config);
    return status;
}
