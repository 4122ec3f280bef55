// SPDX-License-Identifier: MIT

/*
 * The source's cursor in a file of its own:
 *
 *     keep -> wanted -> job: write beside, sync, rename, sync the directory -> durable
 *               ^                                    |
 *               +---- a newer one came meanwhile ----+---- it failed: again later
 */

#include "kinesis_stream_internal.h"

#include "hashtagd/base/assert.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RETRY_MS = 5000,
};

static void start_job(struct ht_kinesis_stream *stream);
static void run_job(struct ht_job *job);
static int write_file(const char *path, struct ht_slice bytes, struct ht_error *error);
static void job_done(struct ht_job *job);

int ht_kinesis_stream_load_cursor(struct ht_kinesis_stream *stream, struct ht_error *error)
{
    const char *path = stream->options.cursor_path;
    if (path == NULL) {
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : ht_files_error(error, errno, "open", path);
    }
    int64_t got = ht_files_read_at(fd, stream->cursor, sizeof(stream->cursor), 0);
    int64_t size = ht_files_size(fd);
    close(fd);
    if (got < 0 || size < 0) {
        return ht_files_error(error, (int)-(got < 0 ? got : size), "read", path);
    }
    if (size > HT_SOURCE_CURSOR_BYTES) {
        return ht_error_set(error, HT_ECORRUPT,
                            "%s is no cursor of a source: it has %lld bytes. Remove it to let the "
                            "source begin anew.",
                            path, (long long)size);
    }
    stream->cursor_bytes = (size_t)got;
    return 0;
}

void ht_kinesis_stream_keep_cursor(struct ht_kinesis_stream *stream, struct ht_slice cursor)
{
    HT_ASSERT(cursor.length <= HT_SOURCE_CURSOR_BYTES);
    if (cursor.length == 0) {
        return;
    }
    memcpy(stream->wanted_cursor, cursor.data, cursor.length);
    stream->wanted_bytes = cursor.length;
    stream->is_cursor_wanted = true;
    start_job(stream);
}

static void start_job(struct ht_kinesis_stream *stream)
{
    if (stream->is_cursor_running || !stream->is_cursor_wanted) {
        return;
    }
    stream->is_cursor_wanted = false;
    stream->job_bytes = stream->wanted_bytes;
    memcpy(stream->job_cursor, stream->wanted_cursor, stream->wanted_bytes);
    if (stream->options.cursor_path == NULL || stream->options.worker == NULL) {
        memcpy(stream->cursor, stream->job_cursor, stream->job_bytes);
        stream->cursor_bytes = stream->job_bytes;
        return;
    }
    stream->is_cursor_running = true;
    ht_job_init(&stream->cursor_job, run_job, job_done);
    ht_worker_submit(stream->options.worker, &stream->cursor_job);
}

static void run_job(struct ht_job *job)
{
    struct ht_kinesis_stream *stream = HT_CONTAINER_OF(job, struct ht_kinesis_stream, cursor_job);
    stream->cursor_status =
        write_file(stream->options.cursor_path,
                   ht_slice_make(stream->job_cursor, stream->job_bytes), &stream->cursor_error);
}

static int write_and_sync(const char *path, struct ht_slice bytes, struct ht_error *error)
{
    char copy[HT_SOURCE_CURSOR_BYTES];
    struct iovec part = {.iov_base = copy, .iov_len = bytes.length};
    memcpy(copy, bytes.data, bytes.length);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ht_files_error(error, errno, "open", path);
    }
    int number = ht_files_write_at(fd, &part, 1, 0);
    if (number == 0 && fsync(fd) != 0) {
        number = errno;
    }
    close(fd);
    return number == 0 ? 0 : ht_files_error(error, number, "write", path);
}

static int sync_parent(const char *path, struct ht_error *error)
{
    char *directory = strdup(path);
    char *slash = directory == NULL ? NULL : strrchr(directory, '/');
    if (directory == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the source's cursor.");
    }
    if (slash != NULL) {
        slash[slash == directory] = '\0';
    }
    int status = ht_files_sync_directory(slash == NULL ? "." : directory, error);
    free(directory);
    return status;
}

static int write_file(const char *path, struct ht_slice bytes, struct ht_error *error)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(beside)) {
        return ht_error_set(error, HT_EINVAL, "The path %.100s... is too long.", path);
    }
    int status = write_and_sync(beside, bytes, error);
    if (status == 0 && rename(beside, path) != 0) {
        status = ht_files_error(error, errno, "rename to", path);
    }
    return status == 0 ? sync_parent(path, error) : status;
}

static void job_done(struct ht_job *job)
{
    struct ht_kinesis_stream *stream = HT_CONTAINER_OF(job, struct ht_kinesis_stream, cursor_job);
    stream->is_cursor_running = false;
    if (stream->cursor_status == 0) {
        memcpy(stream->cursor, stream->job_cursor, stream->job_bytes);
        stream->cursor_bytes = stream->job_bytes;
        ht_kinesis_stream_works(stream, HT_KINESIS_TROUBLE_CURSOR);
        start_job(stream);
    } else {
        ht_log_warning(stream->options.log, "kinesis", "source cursor not kept, trying again",
                       HT_TEXT("error", stream->cursor_error.text));
        ht_kinesis_stream_trouble(stream, HT_KINESIS_TROUBLE_CURSOR, &stream->cursor_error);
        stream->is_cursor_wanted = true;
        if (!stream->is_closing) {
            ht_timer_start(stream->options.timers, &stream->cursor_timer, RETRY_MS);
        }
    }
    ht_kinesis_stream_check_close(stream);
}

void ht_kinesis_stream_on_cursor_due(struct ht_timer *timer)
{
    start_job(HT_CONTAINER_OF(timer, struct ht_kinesis_stream, cursor_timer));
}
