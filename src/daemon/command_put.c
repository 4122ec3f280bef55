// SPDX-License-Identifier: MIT
#include "command.h"

#include "put.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/clock.h"

#include <unistd.h>

/*
 *     configuration -> the running daemon, or the stream itself -> files -> report
 */

static int open_sink(struct ht_put_sink **sink, const struct ht_command_line *line,
                     const struct ht_config *config, struct ht_error *error);
static int put_all(const struct ht_command_line *line, const struct ht_config *config);

int ht_command_put(const struct ht_command_line *line)
{
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_CLIENT, &config);
    bool is_embedded = config.stream.type == HT_CONFIG_STREAM_EMBEDDED;
    if (status == HT_EXIT_DONE && is_embedded && config.data.dir[0] == '\0') {
        (void)fputs("hashtagd: where the data is cannot be told: none of STATE_DIRECTORY, "
                    "XDG_STATE_HOME and HOME is set; say it with --set data.dir=\n",
                    stderr);
        status = HT_EXIT_USAGE;
    }
    if (status == HT_EXIT_DONE) {
        status = put_all(line, &config);
    }
    ht_config_finish(&config);
    return status;
}

/* A daemon that is gone may have left its address behind: then the store is free. Kinesis is
 * everybody's: no daemon is needed in between. */
static int open_sink(struct ht_put_sink **sink, const struct ht_command_line *line,
                     const struct ht_config *config, struct ht_error *error)
{
    int result = HT_ENOTFOUND;
    if (config->stream.type == HT_CONFIG_STREAM_EMBEDDED) {
        result = ht_put_daemon_open(sink, config, error);
    }
    if (result == HT_ENOTFOUND || result == HT_ECONNECTION) {
        result = ht_put_store_open(sink, config, line->environment, error);
    }
    return result;
}

static int put_all(const struct ht_command_line *line, const struct ht_config *config)
{
    static const char *const standard_input[] = {"-"};
    bool has_files = line->operand_count > 0;
    const char *const *files = has_files ? (const char *const *)line->operands : standard_input;
    struct ht_clock clock;
    ht_clock_init_system(&clock);
    struct ht_put_report report = {.is_terminal = isatty(STDERR_FILENO) == 1,
                                   .started_ns = ht_clock_monotonic_ns(&clock)};
    struct ht_put_sink *sink;
    struct ht_error error;
    int result = open_sink(&sink, line, config, &error);
    if (result == 0) {
        result = ht_put_files(sink, files, has_files ? line->operand_count : 1, &report, &error);
        sink->close(sink);
        ht_put_report_end(&report, ht_clock_monotonic_ns(&clock));
    }
    if (result != 0) {
        (void)fprintf(stderr, "hashtagd: %s\n", error.text);
        if (report.put > 0) {
            (void)fputs("hashtagd: put all of it again: what is there already is not counted "
                        "twice\n",
                        stderr);
        }
        return HT_EXIT_FAILED;
    }
    bool nothing = report.put == 0 && report.skipped > 0;
    return report.failed_files > 0 || nothing ? HT_EXIT_FAILED : HT_EXIT_DONE;
}
