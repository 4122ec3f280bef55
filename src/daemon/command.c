// SPDX-License-Identifier: MIT
#include "command.h"

#include "hashtagd/base/assert.h"
#include "nearest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/hashtagd/hashtagd.json"

/* Flags that every command knows. */
static const struct ht_command_flag common_flags[] = {
    {"--config", "FILE", "the configuration file; else HASHTAGD_CONFIG, else " SYSTEM_FILE},
    {"--set", "KEY=VALUE", "set section.key; may be repeated"},
    {"--help", NULL, "explain the command"},
    {0},
};

/* The rest of the arguments while they are taken apart. */
struct cursor {
    const char *const *arguments;
    size_t count, at;
    bool only_operands; /* behind "--" */
};

static const struct ht_command *find_command(const char *name);
static int take_operand(struct ht_command_line *line, const char *word, bool *is_named,
                        struct ht_error *error);
static int take_flag(struct ht_command_line *line, struct cursor *cursor, const char *word,
                     struct ht_error *error);

/* The command's name may stand behind flags, so it is looked for first: the flags depend on it. */
static const struct ht_command *guess_command(const char *const *arguments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *word = arguments[i];
        if (strcmp(word, "--config") == 0 || strcmp(word, "--set") == 0) {
            i++;
        } else if (word[0] != '-') {
            return find_command(word);
        }
    }
    return find_command("serve");
}

int ht_command_parse(struct ht_command_line *line, const char *const *arguments, size_t count,
                     struct ht_error *error)
{
    *line = (struct ht_command_line){.command = guess_command(arguments, count)};
    line->sets = calloc(count + 1, sizeof(*line->sets));
    line->operands = calloc(count + 1, sizeof(*line->operands));
    if (line->sets == NULL || line->operands == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    struct cursor cursor = {arguments, count, 0, false};
    bool is_named = false;
    while (cursor.at < count) {
        const char *word = arguments[cursor.at++];
        if (!cursor.only_operands && strcmp(word, "--") == 0) {
            cursor.only_operands = true;
            continue;
        }
        bool is_flag = !cursor.only_operands && word[0] == '-' && word[1] != '\0';
        int result = is_flag ? take_flag(line, &cursor, word, error)
                             : take_operand(line, word, &is_named, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static const struct ht_command *find_command(const char *name)
{
    size_t count;
    const struct ht_command *commands = ht_commands(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int refuse_command(const char *word, struct ht_error *error)
{
    size_t count;
    const struct ht_command *commands = ht_commands(&count);
    struct ht_nearest nearest = {0};
    for (size_t i = 0; i < count; i++) {
        ht_nearest_offer(&nearest, ht_slice_text(word), commands[i].name);
    }
    if (nearest.word != NULL) {
        return ht_error_set(error, HT_EINVAL, "unknown command %s; did you mean %s?", word,
                            nearest.word);
    }
    return ht_error_set(error, HT_EINVAL, "unknown command %s; hashtagd help lists them", word);
}

static int take_operand(struct ht_command_line *line, const char *word, bool *is_named,
                        struct ht_error *error)
{
    if (line->command == NULL) {
        return refuse_command(word, error);
    }
    if (!*is_named) { /* the first one is the name */
        *is_named = true;
        if (find_command(word) != line->command) {
            return refuse_command(word, error);
        }
        return 0;
    }
    if (line->operand_count >= line->command->max_operands) {
        return ht_error_set(error, HT_EINVAL, "%s takes no %s, found %s", line->command->name,
                            line->operand_count > 0 ? "more than one operand" : "operand", word);
    }
    line->operands[line->operand_count++] = word;
    return 0;
}

static const struct ht_command_flag *find_flag(const struct ht_command_flag *flags,
                                               struct ht_slice name)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (ht_slice_equal(ht_slice_text(flags->name), name)) {
            return flags;
        }
    }
    return NULL;
}

static int refuse_flag(const struct ht_command_line *line, struct ht_slice name,
                       struct ht_error *error)
{
    struct ht_nearest nearest = {0};
    const struct ht_command_flag *lists[] = {common_flags, line->command->flags};
    for (size_t i = 0; i < HT_COUNT_OF(lists); i++) {
        for (const struct ht_command_flag *at = lists[i]; at != NULL && at->name != NULL; at++) {
            ht_nearest_offer(&nearest, name, at->name);
        }
    }
    return ht_error_set(
        error, HT_EINVAL, "%s has no flag %.*s; %s%s%s", line->command->name, (int)name.length,
        name.data, nearest.word != NULL ? "did you mean " : "see hashtagd help ",
        nearest.word != NULL ? nearest.word : line->command->name, nearest.word != NULL ? "?" : "");
}

/* The flag's own value: behind '=', behind a short name, or the next argument. */
static int take_value(const struct ht_command_flag *flag, struct cursor *cursor, const char *word,
                      const char **value, struct ht_error *error)
{
    size_t length = strlen(flag->name);
    *value = "";
    if (flag->value == NULL) {
        return word[length] == '\0'
                   ? 0
                   : ht_error_set(error, HT_EINVAL, "%s takes no value", flag->name);
    }
    if (word[length] == '=') {
        *value = word + length + 1;
    } else if (word[length] != '\0') {
        *value = word + length;
    } else if (cursor->at < cursor->count) {
        *value = cursor->arguments[cursor->at++];
    } else {
        return ht_error_set(error, HT_EINVAL, "%s needs a value: %s %s", flag->name, flag->name,
                            flag->value);
    }
    return 0;
}

/* "--set=a=b" is --set, "-n5" is -n. */
static struct ht_slice name_of_flag(const char *word)
{
    if (word[1] != '-') {
        return ht_slice_make(word, word[2] == '\0' || strlen(word) < 2 ? strlen(word) : 2);
    }
    return ht_slice_make(word, strcspn(word, "="));
}

static int take_flag(struct ht_command_line *line, struct cursor *cursor, const char *word,
                     struct ht_error *error)
{
    if (strcmp(word, "-h") == 0) {
        line->is_help = true;
        return 0;
    }
    if (strcmp(word, "--version") == 0) {
        line->command = find_command("version");
        return 0;
    }
    struct ht_slice name = name_of_flag(word);
    if (line->command == NULL && find_flag(common_flags, name) == NULL) {
        return 0; /* the unknown command is what is wrong */
    }
    const struct ht_command_flag *flags = line->command == NULL ? NULL : line->command->flags;
    const struct ht_command_flag *own = find_flag(flags, name);
    const struct ht_command_flag *common = find_flag(common_flags, name);
    if (own == NULL && common == NULL) {
        return refuse_flag(line, name, error);
    }
    const char *value;
    int result = take_value(own != NULL ? own : common, cursor, word, &value, error);
    if (result != 0) {
        return result;
    }
    if (own != NULL) {
        line->values[own - flags] = value;
    } else if (common->value == NULL) {
        line->is_help = true;
    } else if (strcmp(common->name, "--set") == 0) {
        line->sets[line->set_count++] = value;
    } else {
        line->config = value;
    }
    return 0;
}

void ht_command_line_finish(struct ht_command_line *line)
{
    free(line->sets);
    free(line->operands);
    *line = (struct ht_command_line){0};
}

const char *ht_command_flag_value(const struct ht_command_line *line, const char *name)
{
    const struct ht_command_flag *flag = find_flag(line->command->flags, ht_slice_text(name));
    HT_ASSERT(flag != NULL);
    return line->values[flag - line->command->flags];
}

int ht_command_load_config(const struct ht_command_line *line, enum ht_config_purpose purpose,
                           struct ht_config *config)
{
    struct ht_config_options options = {
        .file = line->config,
        .system_file = SYSTEM_FILE,
        .sets = line->sets,
        .set_count = line->set_count,
        .environment = line->environment,
        .purpose = purpose,
        .is_terminal = isatty(STDERR_FILENO) == 1,
    };
    struct ht_mistakes mistakes;
    ht_mistakes_init(&mistakes);
    int result = ht_config_load(config, &options, &mistakes);
    if (result != 0) {
        ht_mistakes_print(&mistakes, stderr);
    }
    ht_mistakes_finish(&mistakes);
    return result == 0 ? HT_EXIT_DONE : result == HT_ENOMEM ? HT_EXIT_FAILED : HT_EXIT_USAGE;
}

/* Help */

static void print_flags(const struct ht_command_flag *flags, FILE *out)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%s%s", flags->name, flags->value == NULL ? "" : " ",
                       flags->value == NULL ? "" : flags->value);
        (void)fprintf(out, "  %-18s %s\n", name, flags->doc);
    }
}

static void print_list(FILE *out)
{
    (void)fputs("hashtagd counts the hashtags of a stream of tweets, exactly, and shows the top\n"
                "ones live. Without any configuration everything runs inside this one program.\n\n"
                "usage: hashtagd [FLAGS] [COMMAND] [FLAGS] [OPERANDS]\n\ncommands:\n",
                out);
    size_t count;
    const struct ht_command *commands = ht_commands(&count);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s %s", commands[i].name, commands[i].operands);
        (void)fprintf(out, "  %-18s %s\n", name, commands[i].summary);
    }
    (void)fputs("\nflags of every command:\n", out);
    print_flags(common_flags, out);
    (void)fputs("\nTry it:  hashtagd --set source.type=synthetic\n"
                "then open http://127.0.0.1:8080/ in a browser. hashtagd config --defaults lists\n"
                "all settings.\n",
                out);
}

void ht_command_print_help(const struct ht_command *command, FILE *out)
{
    if (command == NULL) {
        print_list(out);
        return;
    }
    (void)fprintf(out, "usage: hashtagd %s%s%s%s\n\n%s.\n", command->name,
                  command->flags == NULL ? "" : " [FLAGS]", command->operands[0] == '\0' ? "" : " ",
                  command->operands, command->summary);
    if (command->text[0] != '\0') {
        (void)fprintf(out, "\n%s\n", command->text);
    }
    (void)fputs("\nflags:\n", out);
    print_flags(command->flags, out);
    print_flags(common_flags, out);
}
