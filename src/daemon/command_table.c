// SPDX-License-Identifier: MIT
#include "command.h"

#include "hashtagd/base/assert.h"

static const struct ht_command_flag config_flags[] = {
    {"--defaults", NULL, "every key with its default, type and meaning"},
    {"--markdown", NULL, "the same as a page: docs/configuration.md"},
    {0},
};

static const struct ht_command_flag setup_flags[] = {
    {"--dry-run", NULL, "say what would be made"},
    {0},
};

static const struct ht_command_flag top_flags[] = {
    {"-n", "N", "how many hashtags, 1 to 1000 (20)"},
    {"--window", "W", "all, 5m, 1h or 24h (all)"},
    {"--watch", NULL, "go on, once a second, until Ctrl-C"},
    {"--url", "URL", "where the daemon is; else the file admin.url in data.dir tells"},
    {0},
};

static const struct ht_command commands[] = {
    {"check", "", "prove that the whole works with this configuration",
     "Looks at every resource at Amazon that the configuration names, then sends one marked tweet\n"
     "the whole way: put, counted, deleted, found in the archive. A line a step, with the cure "
     "where\n"
     "one fails. Uses the running daemon, or starts one for as long as it takes.",
     NULL, 0, ht_command_check},
    {"config", "", "print the effective configuration with where each value came from",
     "Every value can be given in the JSON file as {\"section\": {\"key\": value}}, as the\n"
     "environment variable HASHTAGD_SECTION_KEY and as --set section.key=value; the later wins.\n"
     "Mistakes go to stderr, and the exit status is then 2.",
     config_flags, 0, ht_command_config},
    {"help", "[COMMAND]", "explain a command", "", NULL, 1, ht_command_help},
    {"put", "[FILE...]", "put tweets on the stream",
     "Reads tweets as JSON lines, as a JSON array, as a search answer of v1.1 with `statuses`, as\n"
     "v2 answers whose `data` is one tweet or a list (with `includes`), and as dead letters; "
     "plain\n"
     "or gzip; also events of Bluesky's Jetstream and Mastodon's statuses. `-`, or no FILE at "
     "all, is\n"
     "the standard input. What is no tweet is skipped and listed with file and line.\n"
     "Where a daemon runs on data.dir the tweets go through it; else the stream is opened here.\n"
     "With stream.type kinesis they go to Kinesis directly.",
     NULL, (size_t)-1, ht_command_put},
    {"serve", "", "run the daemon in the foreground (the default)",
     "Logs to stderr and runs until SIGTERM or SIGINT. Exit status 3: not everything was drained\n"
     "in time; nothing is lost.",
     NULL, 0, ht_command_serve},
    {"setup", "", "create stream, table, bucket and delivery stream",
     "Makes what the configuration names at Amazon and is not there, and waits until it can be "
     "used:\n"
     "stream, table with its change stream, tables of leases, bucket, role and delivery stream. "
     "What\n"
     "is there stays as it is. docs/aws.md has the permissions that it needs.",
     setup_flags, 0, ht_command_setup},
    {"top", "", "show the top hashtags of a running daemon",
     "Finds the daemon by the file admin.url in data.dir, or takes --url.", top_flags, 0,
     ht_command_top},
    {"version", "", "print the version", "", NULL, 0, ht_command_version},
};

const struct ht_command *ht_commands(size_t *count)
{
    *count = HT_COUNT_OF(commands);
    return commands;
}
