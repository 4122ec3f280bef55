// SPDX-License-Identifier: MIT
#include "serve.h"

#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Connections, segments and the database together may need more than the usual 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/*
 * A large piece that ends in the C library's heap leaves a hole that nothing fits into for long:
 * bodies of requests, batches and blocks of a backlog live for very different times. So each from a
 * megabyte on is a mapping of its own, which grows without being copied and goes back whole. What is
 * large and needed all the time (the intake's batches, the stream's blocks) is kept by those who
 * need it. Of what is small the C library keeps a little, lest each turn ask the system for it.
 */
static void keep_freed_memory(void)
{
#if defined(__GLIBC__)
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

/* A limit on file size is to be an error of the write, as a full disk is, not the end. */
static void survive_file_limit(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
}

static int serve(struct ht_daemon *daemon)
{
    int status = ht_daemon_build(daemon);
    if (status != HT_EXIT_DONE) {
        daemon->exit_status = status; /* for the last line of the log */
        ht_daemon_abandon(daemon);
        ht_daemon_take_down(daemon);
        return status;
    }
    ht_loop_run(daemon->loop);
    status = daemon->exit_status;
    ht_daemon_take_down(daemon);
    return status;
}

int ht_command_serve(const struct ht_command_line *line)
{
    struct ht_config config;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_SERVE, &config);
    if (status == HT_EXIT_DONE) {
        raise_descriptor_limit();
        survive_file_limit();
        keep_freed_memory();
        struct ht_clock clock;
        ht_clock_init_system(&clock);
        bool is_terminal = isatty(STDERR_FILENO) == 1;
        struct ht_daemon daemon = {
            .config = &config,
            .environment = line->environment,
            .log = {.clock = &clock,
                    .fd = STDERR_FILENO,
                    .level = (enum ht_log_level)config.log.level,
                    .format = (enum ht_log_format)config.log.format,
                    .colour = is_terminal && config.log.format == HT_LOG_FORMAT_TEXT}};
        status = serve(&daemon);
    }
    ht_config_finish(&config);
    return status;
}
