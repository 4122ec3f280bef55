// SPDX-License-Identifier: MIT
#include "embedded_stream_internal.h"

#include "files.h"

#include "hashtagd/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * After a write that failed nobody may come to put again for as long as the stream says that it
 * does not work. So it looks by itself, each second, whether writing works again:
 *
 *     start -> on_due -> run_probe (worker) -> probe_done -> working again, or start
 */

enum { PROBE_EVERY_MS = 1000, PROBE_BYTES = 1024 * 1024 };

static void run_probe(struct ht_job *job);
static void probe_done(struct ht_job *job);

void ht_embedded_stream_start_probe(struct ht_embedded_stream *stream)
{
    if (!stream->is_closing && !ht_timer_is_running(&stream->probe_timer)) {
        ht_timer_start(stream->timers, &stream->probe_timer, PROBE_EVERY_MS);
    }
}

void ht_embedded_stream_on_probe_due(struct ht_timer *timer)
{
    struct ht_embedded_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_embedded_stream, probe_timer);
    bool is_waiting = stream->stream.health.state == HT_HEALTH_WAITING;
    if (is_waiting && !stream->is_closing && !stream->probe_job.is_running) {
        ht_embedded_stream_start_job(stream, &stream->probe_job, run_probe, probe_done);
    }
}

/* Writes as much as a put may be, for the room of a file system can only be told by using it. */
static int write_probe(const char *path)
{
    static const char zeros[64 * 1024];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    int number = 0;
    for (int64_t offset = 0; offset < PROBE_BYTES && number == 0;
         offset += (int64_t)sizeof(zeros)) {
        struct iovec part = {.iov_base = (void *)(uintptr_t)zeros, .iov_len = sizeof(zeros)};
        number = ht_files_write_at(fd, &part, 1, offset);
    }
    if (number == 0 && fdatasync(fd) != 0) {
        number = errno;
    }
    (void)close(fd);
    (void)unlink(path);
    return number;
}

static void run_probe(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    char *path = ht_files_join(base->stream->options.directory, ".probe");
    int number = path == NULL ? ENOMEM : write_probe(path);
    if (number != 0) {
        base->status = ht_files_error(&base->error, number, "write", path == NULL ? "" : path);
    }
    free(path);
    ht_embedded_stream_settle(base);
}

static void probe_done(struct ht_job *job)
{
    struct ht_embedded_stream_job *base = HT_CONTAINER_OF(job, struct ht_embedded_stream_job, job);
    struct ht_embedded_stream *stream = base->stream;
    ht_embedded_stream_end_job(base);
    if (base->status == 0) {
        ht_health_succeed(&stream->stream.health);
    } else {
        ht_embedded_stream_start_probe(stream);
    }
    ht_embedded_stream_check_close(stream);
}
