// SPDX-License-Identifier: MIT
#pragma once

/**
 * Another program, started without a shell: its arguments are a list, so nothing in them is ever
 * read as a command. What it prints is collected up to a maximum, it has a time limit, and it gets
 * nothing to read. A program that is over a limit is killed with all that it started (it leads a
 * process group of its own).
 *
 *     static const char *const arguments[] = {"uname", "-r", NULL};
 *     struct ht_process_options options = {.arguments = arguments, .on_done = on_uname, .user = me};
 *     if (ht_process_start(loop, &options, &me->process, &error) != 0) ...
 *
 *     static void on_uname(void *user, struct ht_process_result *result)
 *     {
 *         if (result->code == 0 && result->exit_status == 0) use(result->output.data);
 *     }
 *
 * Starting one takes the loop as long as a fork does, some milliseconds in a large program: not
 * for what is done often. Loop thread only.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/net/loop.h"

struct ht_process;

/** How a program ended. Lives until on_done returns. */
struct ht_process_result {
    /** 0: it ended by itself, whatever its status; HT_ETIMEDOUT, HT_ETOOBIG (it printed too much),
     * HT_ECANCELED, HT_ENOMEM, HT_EIO (its output could not be read). */
    int code;
    const char *error_text;  /**< what failed, for a person; "" where code is 0. Never output */
    int exit_status;         /**< where code is 0 and no signal ended it */
    int signal_number;       /**< that ended it; 0: none */
    struct ht_buffer output; /**< its standard output; on_done may take it with ht_buffer_take() */
    struct ht_buffer errors; /**< its standard error, cut at max_error_bytes */
};

/** Called once, last, on the loop thread, never from inside start or cancel. The process is gone
 * when it returns. */
typedef void (*ht_process_on_done_fn)(void *user, struct ht_process_result *result);

/** What to start. Zeroed members have the meaning told. */
struct ht_process_options {
    const char *const *arguments; /**< the program (a path, or a name looked for in PATH), then its
                                     *   arguments, then NULL; needed during start alone */
    const char *const *environment; /**< NAME=value, ended by NULL; NULL: this program's own.
                                     *   Needed during start alone */
    uint64_t timeout_ms;            /**< 0: 60 s */
    size_t max_output_bytes;        /**< more is HT_ETOOBIG; 0: 64 KiB */
    size_t max_error_bytes;         /**< more is read and dropped; 0: 4 KiB */
    ht_process_on_done_fn on_done;  /**< not NULL */
    void *user;                     /**< for on_done */
};

/**
 * Starts a program. On success `*process` (`process` may be NULL) may be canceled until on_done.
 * HT_ENOTFOUND (no such program), HT_EPERMISSION (it may not be started), HT_ENOMEM, HT_EIO: nothing
 * was started and on_done is not called; `error` (may be NULL) names the program, not its arguments.
 */
int ht_process_start(struct ht_loop *loop, const struct ht_process_options *options,
                     struct ht_process **process, struct ht_error *error) HT_MUST_CHECK;

/** Kills the program: on_done follows with HT_ECANCELED. Calling it again changes nothing. */
void ht_process_cancel(struct ht_process *process);
