// SPDX-License-Identifier: MIT
#include "hashtagd/net/process.h"

#include "hashtagd/base/assert.h"
#include "loop_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   start -> both pipes read to their end, program exits -> three handles closed -> done -> freed
 *              |
 *              +-> over a limit, canceled: killed, pipes closed at once -> exit -> as above
 *
 * A child of the program may keep a pipe open after the program's exit: the time limit ends that.
 */

#define PROCESS_MAGIC    0x48745072u /* "HtPr" */
#define TIMEOUT_MS       60000
#define MAX_OUTPUT_BYTES ((size_t)64 * 1024)
#define MAX_ERROR_BYTES  ((size_t)4 * 1024)
#define PIECE_BYTES      4096
#define ERROR_BYTES      160

/* One of the two pipes. */
struct process_stream {
    uv_pipe_t pipe;
    struct ht_process *process;
    struct ht_buffer *out;
    bool is_cut; /* what does not fit is dropped, else it is an error */
    char piece[PIECE_BYTES];
};

struct ht_process {
    uint32_t magic;
    struct ht_timer_queue *timers;
    ht_process_on_done_fn on_done;
    void *user;
    uv_process_t uv;
    struct process_stream output, errors;
    struct ht_timer timer;
    unsigned open_count; /* handles that are not closed yet */
    bool has_started, has_exited;
    uint64_t timeout_ms;
    char name[ERROR_BYTES / 2];
    char error_text[ERROR_BYTES];
    struct ht_process_result result;
};

static void init_stream(uv_loop_t *uv, struct process_stream *stream, struct ht_process *process);
static int spawn(uv_loop_t *uv, struct ht_process *process,
                 const struct ht_process_options *options);
static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer);
static void on_read(uv_stream_t *uv, ssize_t count, const uv_buf_t *buffer);
static void on_exit_of_program(uv_process_t *uv, int64_t exit_status, int signal_number);
static void on_timeout(struct ht_timer *timer);
static void fail(struct ht_process *process, int code, const char *text);
static void close_handle(uv_handle_t *handle);
static void on_handle_closed(uv_handle_t *handle);
static void finish(struct ht_process *process);
static int tell_start_error(struct ht_error *error, const char *program, int uv_status);
static struct ht_process *process_from(void *pointer);

int ht_process_start(struct ht_loop *loop, const struct ht_process_options *options,
                     struct ht_process **out, struct ht_error *error)
{
    struct ht_process *process = calloc(1, sizeof *process);
    const char *program = options->arguments[0];

    if (out != NULL) {
        *out = NULL;
    }
    if (process == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for starting %s.", program);
    }
    HT_ASSERT(options->on_done != NULL);
    process->magic = PROCESS_MAGIC;
    process->timers = ht_loop_timers(loop);
    process->on_done = options->on_done;
    process->user = options->user;
    process->timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS : options->timeout_ms;
    process->result.error_text = process->error_text;
    snprintf(process->name, sizeof process->name, "%s", program);
    ht_buffer_init(&process->result.output,
                   options->max_output_bytes == 0 ? MAX_OUTPUT_BYTES : options->max_output_bytes);
    ht_buffer_init(&process->result.errors,
                   options->max_error_bytes == 0 ? MAX_ERROR_BYTES : options->max_error_bytes);
    ht_timer_init(&process->timer, on_timeout);
    process->output.out = &process->result.output;
    process->errors.out = &process->result.errors;
    process->errors.is_cut = true;
    init_stream(ht_loop_uv(loop), &process->output, process);
    init_stream(ht_loop_uv(loop), &process->errors, process);
    int status = spawn(ht_loop_uv(loop), process, options);
    if (status != 0) { /* its handles close later, and free it without a word */
        close_handle((uv_handle_t *)&process->output.pipe);
        close_handle((uv_handle_t *)&process->errors.pipe);
        close_handle((uv_handle_t *)&process->uv);
        return tell_start_error(error, program, status);
    }
    process->has_started = true;
    uv_read_start((uv_stream_t *)&process->output.pipe, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&process->errors.pipe, on_alloc, on_read);
    ht_timer_start(process->timers, &process->timer, process->timeout_ms);
    if (out != NULL) {
        *out = process;
    }
    return 0;
}

static void init_stream(uv_loop_t *uv, struct process_stream *stream, struct ht_process *process)
{
    stream->process = process;
    uv_pipe_init(uv, &stream->pipe, 0);
    stream->pipe.data = process;
    process->open_count++;
}

/* 0 or an error of libuv. */
static int spawn(uv_loop_t *uv, struct ht_process *process,
                 const struct ht_process_options *options)
{
    const int flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = (uv_stdio_flags)flags, .data.stream = (uv_stream_t *)&process->output.pipe},
        {.flags = (uv_stdio_flags)flags, .data.stream = (uv_stream_t *)&process->errors.pipe},
    };
    uv_process_options_t uv_options = {
        .exit_cb = on_exit_of_program,
        .file = options->arguments[0],
        .args = (char **)(uintptr_t)options->arguments, /* libuv does not write to them */
        .env = (char **)(uintptr_t)options->environment,
        .flags = UV_PROCESS_DETACHED, /* a group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };
    int status = uv_spawn(uv, &process->uv, &uv_options);

    process->uv.data = process;
    process->open_count++; /* the handle is open even where nothing was started */
    return status;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct process_stream *stream =
        HT_CONTAINER_OF((uv_pipe_t *)handle, struct process_stream, pipe);

    (void)wanted;
    *buffer = uv_buf_init(stream->piece, sizeof stream->piece);
}

static void on_read(uv_stream_t *uv, ssize_t count, const uv_buf_t *buffer)
{
    struct process_stream *stream = HT_CONTAINER_OF((uv_pipe_t *)uv, struct process_stream, pipe);
    struct ht_process *process = process_from(uv->data);

    if (count == UV_EOF) {
        close_handle((uv_handle_t *)uv);
    } else if (count < 0) {
        fail(process, HT_EIO, "its output cannot be read");
    } else if (count > 0) {
        size_t room = stream->out->max_bytes - stream->out->length;
        bool is_over = (size_t)count > room;
        int status = ht_buffer_append(stream->out, buffer->base, is_over ? room : (size_t)count);
        explicit_bzero(buffer->base, (size_t)count); /* it may be a secret */
        if (status != 0) {
            fail(process, status, "out of memory for its output");
        } else if (is_over && !stream->is_cut) {
            fail(process, HT_ETOOBIG, "it printed more than is taken");
        }
    }
}

static void on_exit_of_program(uv_process_t *uv, int64_t exit_status, int signal_number)
{
    struct ht_process *process = process_from(uv->data);

    process->has_exited = true;
    process->result.exit_status = (int)exit_status;
    process->result.signal_number = signal_number;
    close_handle((uv_handle_t *)uv);
}

static void on_timeout(struct ht_timer *timer)
{
    struct ht_process *process = HT_CONTAINER_OF(timer, struct ht_process, timer);
    char text[ERROR_BYTES / 2];

    snprintf(text, sizeof text, "it did not end within %llu ms",
             (unsigned long long)process->timeout_ms);
    fail(process, HT_ETIMEDOUT, text);
}

void ht_process_cancel(struct ht_process *process)
{
    fail(process_from(process), HT_ECANCELED, "it was given up");
}

/* Kills the program and its children; the first reason stays. */
static void fail(struct ht_process *process, int code, const char *text)
{
    if (process->result.code == 0) {
        process->result.code = code;
        /* a long name gives way to the reason */
        snprintf(process->error_text, sizeof process->error_text, "%.80s: %.70s", process->name,
                 text);
    }
    if (!process->has_exited) { /* later the number may be another's */
        uv_kill(-process->uv.pid, SIGKILL);
    }
    close_handle((uv_handle_t *)&process->output.pipe);
    close_handle((uv_handle_t *)&process->errors.pipe);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_handle_closed);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct ht_process *process = process_from(handle->data);

    if (--process->open_count == 0) {
        finish(process);
    }
}

static void finish(struct ht_process *process)
{
    ht_timer_stop(process->timers, &process->timer);
    if (process->has_started) {
        process->on_done(process->user, &process->result);
    }
    if (process->result.output.data != NULL) {
        explicit_bzero(process->result.output.data, process->result.output.capacity);
    }
    ht_buffer_finish(&process->result.output);
    ht_buffer_finish(&process->result.errors);
    process->magic = 0;
    free(process);
}

static int tell_start_error(struct ht_error *error, const char *program, int uv_status)
{
    int code = uv_status == UV_ENOENT || uv_status == UV_ENOTDIR  ? HT_ENOTFOUND
               : uv_status == UV_EACCES || uv_status == UV_EPERM  ? HT_EPERMISSION
               : uv_status == UV_ENOMEM || uv_status == UV_EAGAIN ? HT_ENOMEM
                                                                  : HT_EIO;

    return ht_error_set(error, code, "Cannot start the program %s: %s.", program,
                        uv_strerror(uv_status));
}

static struct ht_process *process_from(void *pointer)
{
    struct ht_process *process = pointer;

    HT_ASSERT(process != NULL && process->magic == PROCESS_MAGIC);
    return process;
}
