// SPDX-License-Identifier: MIT
#include "command_line.h"

#include <stdlib.h>
#include <string.h>

static const char *take_word(const char *from, char **to);
static const char *take_quoted(const char *from, char **to);

int ht_aws_command_line_parse(struct ht_aws_command_line *line, const char *command,
                              struct ht_error *error)
{
    memset(line, 0, sizeof *line);
    line->bytes = strlen(command) + 2; /* words are no longer than they were, and end */
    line->text = calloc(1, line->bytes);
    if (line->text == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for a command.");
    }
    char *to = line->text;
    for (const char *from = command + strspn(command, " \t\n"); *from != '\0';
         from += strspn(from, " \t\n")) {
        if (line->count == HT_AWS_COMMAND_WORDS_MAX) {
            return ht_error_set(error, HT_ETOOBIG, "The command has more than %d words.",
                                HT_AWS_COMMAND_WORDS_MAX);
        }
        line->arguments[line->count++] = to;
        from = take_word(from, &to);
        if (from == NULL) {
            return ht_error_set(error, HT_EINVAL,
                                "The command has a quote that does not end, or a backslash at its "
                                "end.");
        }
        *to++ = '\0';
    }
    if (line->count == 0 || line->arguments[0][0] == '\0') {
        return ht_error_set(error, HT_EINVAL, "The command names no program.");
    }
    return 0;
}

/* Up to the blank behind the word; NULL where it does not end. */
static const char *take_word(const char *from, char **to)
{
    while (from != NULL && *from != '\0' && strchr(" \t\n", *from) == NULL) {
        if (*from == '"' || *from == '\'') {
            from = take_quoted(from, to);
        } else if (*from == '\\') {
            if (from[1] == '\0') {
                return NULL;
            }
            *(*to)++ = from[1];
            from += 2;
        } else {
            *(*to)++ = *from++;
        }
    }
    return from;
}

/* Inside double quotes a backslash keeps its meaning only before four characters. */
static const char *take_quoted(const char *from, char **to)
{
    char quote = *from++;

    while (*from != quote) {
        if (quote == '"' && *from == '\\' && from[1] != '\0' && strchr("\"\\$`", from[1]) != NULL) {
            from++;
        }
        if (*from == '\0') {
            return NULL;
        }
        *(*to)++ = *from++;
    }
    return from + 1;
}

void ht_aws_command_line_finish(struct ht_aws_command_line *line)
{
    if (line->text != NULL) {
        explicit_bzero(line->text, line->bytes);
        free(line->text);
    }
    memset(line, 0, sizeof *line);
}
