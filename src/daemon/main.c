// SPDX-License-Identifier: MIT
/*
 * The program: takes the command line apart, then runs one command. The wiring of the daemon is
 * in command_serve.c.
 */
#include "command.h"

#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct ht_command_line line;
    struct ht_error error;
    int status;
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    if (ht_command_parse(&line, (const char *const *)(void *)(argv + (argc > 0)), count, &error) !=
        0) {
        (void)fprintf(stderr, "hashtagd: %s\n", error.text);
        status = error.code == HT_ENOMEM ? HT_EXIT_FAILED : HT_EXIT_USAGE;
    } else if (line.is_help) {
        bool is_program = count == 1; /* "hashtagd --help" is not about serve */
        ht_command_print_help(is_program ? NULL : line.command, stdout);
        status = HT_EXIT_DONE;
    } else {
        line.environment = (const char *const *)(void *)environ;
        status = line.command->run(&line);
    }
    ht_command_line_finish(&line);
    if (fflush(stdout) != 0 && status == HT_EXIT_DONE) {
        (void)fprintf(stderr, "hashtagd: the standard output cannot be written\n");
        status = HT_EXIT_FAILED;
    }
    return status;
}
