// SPDX-License-Identifier: MIT
#pragma once

/**
 * The command line: `hashtagd [FLAGS] [COMMAND] [FLAGS] [OPERANDS]`. One table has every command
 * with its flags; parsing, the help texts and the messages for what nobody knows come from it.
 *
 * Exit status of every command: HT_EXIT_DONE, HT_EXIT_FAILED, HT_EXIT_USAGE; `serve` knows one
 * more.
 */

#include "config.h"

#include "hashtagd/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ht_exit {
    HT_EXIT_DONE = 0,
    HT_EXIT_FAILED = 1,    /**< failed while running */
    HT_EXIT_USAGE = 2,     /**< command line or configuration wrong; nothing was started */
    HT_EXIT_UNDRAINED = 3, /**< serve: the drain's deadline passed */
};

/** Most flags that one command has, the common ones included. */
#define HT_COMMAND_MAX_FLAGS 8

/** A flag of a command. */
struct ht_command_flag {
    const char *name;  /**< with its dashes, "--url" or "-n"; NULL ends a list */
    const char *value; /**< what it takes, for the help: "URL"; NULL: it takes nothing */
    const char *doc;   /**< a line for the help */
};

struct ht_command_line;

/** Runs a command; returns an exit status. */
typedef int (*ht_command_fn)(const struct ht_command_line *line);

struct ht_command {
    const char *name;
    const char *operands;                /**< for the help: "[FILE...]"; "" where it takes none */
    const char *summary;                 /**< a line */
    const char *text;                    /**< more, for `help COMMAND`; may be "" */
    const struct ht_command_flag *flags; /**< its own, ended by a NULL name; may be NULL */
    size_t max_operands;
    ht_command_fn run;
};

/** A command line, taken apart. Everything points into argv or is static. */
struct ht_command_line {
    const struct ht_command *command;
    const char *config; /**< --config; NULL where not given */
    const char **sets;  /**< owned array: each --set, in order */
    size_t set_count;
    bool is_help;                             /**< --help or -h */
    const char *values[HT_COMMAND_MAX_FLAGS]; /**< by place in the command's flags: the value, "" of
                                                * a flag that takes none; NULL: not given */
    const char **operands;                    /**< owned array */
    size_t operand_count;
    const char *const *environment; /**< NAME=value, ended by NULL */
};

/** All commands, sorted by name; `*count` of them. Static. */
const struct ht_command *ht_commands(size_t *count);

/**
 * Takes `arguments` (`count` of them, the program's name left out) apart. 0; HT_EINVAL with one
 * sentence in `error` (never NULL); HT_ENOMEM. Whatever it returns, `line` is to be finished.
 */
int ht_command_parse(struct ht_command_line *line, const char *const *arguments, size_t count,
                     struct ht_error *error) HT_MUST_CHECK;

/** Frees what ht_command_parse() took. */
void ht_command_line_finish(struct ht_command_line *line);

/** The value of the command's flag `name`, "" where it takes none, NULL where it was not given. */
const char *ht_command_flag_value(const struct ht_command_line *line, const char *name);

/** Loads the configuration that the command line and the environment ask for. Where it is wrong the
 * mistakes go to stderr. HT_EXIT_DONE, HT_EXIT_USAGE or HT_EXIT_FAILED; `config` is to be finished
 * in any case. */
int ht_command_load_config(const struct ht_command_line *line, enum ht_config_purpose purpose,
                           struct ht_config *config);

/** Prints the list of commands, or the help of `command` where it is not NULL. */
void ht_command_print_help(const struct ht_command *command, FILE *out);

/** The commands, one file each. */
int ht_command_check(const struct ht_command_line *line);
int ht_command_config(const struct ht_command_line *line);
int ht_command_help(const struct ht_command_line *line);
int ht_command_put(const struct ht_command_line *line);
int ht_command_serve(const struct ht_command_line *line);
int ht_command_setup(const struct ht_command_line *line);
int ht_command_top(const struct ht_command_line *line);
int ht_command_version(const struct ht_command_line *line);
