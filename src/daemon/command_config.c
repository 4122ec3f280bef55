// SPDX-License-Identifier: MIT
#include "command.h"

#include "config_show.h"
#include "config_variables.h"

static int print(struct ht_buffer *text, FILE *out)
{
    int status = ht_buffer_status(text) == 0 ? HT_EXIT_DONE : HT_EXIT_FAILED;
    (void)fputs(ht_buffer_slice(text).data, out);
    ht_buffer_finish(text);
    return status;
}

int ht_command_config(const struct ht_command_line *line)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 1024 * 1024);
    if (ht_command_flag_value(line, "--markdown") != NULL) {
        ht_config_show_markdown(&text);
        return print(&text, stdout);
    }
    if (ht_command_flag_value(line, "--defaults") != NULL) {
        ht_config_show_defaults(&text);
        return print(&text, stdout);
    }
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_SERVE, &config);
    ht_config_show_effective(&config, &text);
    ht_config_show_variables(line->environment, &text);
    int printed = print(&text, stdout);
    ht_config_finish(&config);
    return status != HT_EXIT_DONE ? status : printed;
}
