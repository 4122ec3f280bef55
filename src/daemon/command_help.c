// SPDX-License-Identifier: MIT
#include "command.h"

#include "nearest.h"

#include <string.h>

int ht_command_help(const struct ht_command_line *line)
{
    if (line->operand_count == 0) {
        ht_command_print_help(NULL, stdout);
        return HT_EXIT_DONE;
    }
    size_t count;
    const struct ht_command *commands = ht_commands(&count);
    struct ht_nearest nearest = {0};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, line->operands[0]) == 0) {
            ht_command_print_help(&commands[i], stdout);
            return HT_EXIT_DONE;
        }
        ht_nearest_offer(&nearest, ht_slice_text(line->operands[0]), commands[i].name);
    }
    (void)fprintf(stderr, "hashtagd: unknown command %s; %s%s%s\n", line->operands[0],
                  nearest.word == NULL ? "hashtagd help lists them" : "did you mean ",
                  nearest.word == NULL ? "" : nearest.word, nearest.word == NULL ? "" : "?");
    return HT_EXIT_USAGE;
}
