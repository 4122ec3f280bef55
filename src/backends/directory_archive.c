// SPDX-License-Identifier: MIT

/*
 * Appends:
 *
 *   append: into the open object; the first one starts the timer
 *   time over, full, flush or close: the object waits to be written
 *   worker: all lines -> gzip -> .tmp -> sync -> rename -> sync
 *   done: every append of the object is answered; the next object may be written
 */

#include "hashtagd/backends/directory_archive.h"

#include "archive_buffer.h"
#include "archive_name.h"
#include "files.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ARCHIVE_MAGIC = 0x61726368,
    MOST_OBJECT_BYTES = 1 << 30,
};

/* The object that is being written. */
struct object {
    struct ht_job job;
    bool is_running;
    bool sweeps;                     /* what a crash left is to be removed first */
    struct ht_archive_append *first; /* linked by next; NULL: nothing to write */
    int64_t now_ms;
    int status;
    struct ht_error error;
    uint64_t stored_bytes;
    char name[HT_ARCHIVE_OBJECT_BYTES]; /* below the directory */
};

struct directory_archive {
    struct ht_archive archive; /* first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_directory_archive_options options; /* prefix and directory are owned */
    char *temporary;                             /* "<directory>/.tmp" */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_archive_buffer open; /* what the next object gets */
    struct ht_timer sweep_timer;
    struct object object;
    /* close */
    struct ht_timer close_timer;
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void append(struct ht_archive *port, struct ht_archive_append *request);
static void on_due(struct ht_archive_buffer *open);
static void on_sweep_turn(struct ht_timer *timer);
static void start_write(struct directory_archive *archive);
static void run_write(struct ht_job *job);
static int make_object(struct directory_archive *archive, struct ht_buffer *lines,
                       struct ht_buffer *gzip);
static int store_object(struct directory_archive *archive, struct ht_slice gzip);
static int make_name(struct directory_archive *archive);
static int write_file(const char *path, struct ht_slice bytes, struct ht_error *error);
static int place_file(struct directory_archive *archive, const char *temporary);
static void sweep(struct directory_archive *archive);
static void write_done(struct ht_job *job);
static void flush(struct ht_archive *port);
static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user);
static void check_close(struct directory_archive *archive);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_archive *port);

static const struct ht_archive_ops operations = {
    .type = "directory",
    .append = append,
    .flush = flush,
    .close = close_archive,
    .destroy = destroy,
};

static struct directory_archive *archive_from(struct ht_archive *port)
{
    struct directory_archive *archive = HT_CONTAINER_OF(port, struct directory_archive, archive);
    HT_ASSERT(archive->magic == ARCHIVE_MAGIC);
    return archive;
}

/* Why a prefix is refused, or NULL. */
static const char *fault_of_prefix(struct ht_slice prefix)
{
    if (prefix.length >= HT_DIRECTORY_ARCHIVE_PREFIX_BYTES) {
        return "is longer than 255 bytes";
    }
    for (size_t i = 0; i < prefix.length; i++) {
        bool begins_part = i == 0 || prefix.data[i - 1] == '/';
        if ((unsigned char)prefix.data[i] < 0x20 || prefix.data[i] == 0x7f) {
            return "has a control character";
        }
        if (begins_part && prefix.data[i] == '/') {
            return i == 0 ? "begins with '/'" : "has an empty part";
        }
        if (begins_part && prefix.data[i] == '.') {
            return "has a part that begins with '.'";
        }
    }
    return NULL;
}

int ht_directory_archive_check_prefix(const char *prefix, struct ht_error *error)
{
    const char *fault = fault_of_prefix(ht_slice_text(prefix));
    if (fault == NULL) {
        return 0;
    }
    return ht_error_set(error, HT_EINVAL,
                        "The archive's prefix '%.64s' %s: a relative path inside the archive is "
                        "accepted, such as 'deleted/'.",
                        prefix, fault);
}

int ht_directory_archive_create(struct ht_archive **out,
                                const struct ht_directory_archive_options *options,
                                struct ht_error *error)
{
    *out = NULL;
    int status = ht_directory_archive_check_prefix(options->prefix, error);
    if (status != 0) {
        return status;
    }
    struct directory_archive *archive = calloc(1, sizeof(*archive));
    char *directory = strdup(options->directory), *prefix = strdup(options->prefix);
    char *temporary = ht_files_join(options->directory, ".tmp");
    if (archive == NULL || directory == NULL || prefix == NULL || temporary == NULL) {
        free(archive);
        free(directory);
        free(prefix);
        free(temporary);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the archive.");
    }
    archive->magic = ARCHIVE_MAGIC;
    archive->archive.ops = &operations;
    archive->options = *options;
    archive->options.directory = directory;
    archive->options.prefix = prefix;
    archive->temporary = temporary;
    archive->clock = ht_loop_clock(options->loop);
    archive->timers = ht_loop_timers(options->loop);
    ht_health_init(&archive->archive.health, archive->clock, HT_HEALTH_IDLE);
    ht_archive_buffer_init(&archive->open, archive->timers, &archive->archive.counters, on_due);
    archive->open.wait_ms = (uint64_t)options->buffer_s * 1000;
    archive->open.full_bytes = options->buffer_bytes;
    ht_timer_init(&archive->sweep_timer, on_sweep_turn);
    ht_timer_init(&archive->close_timer, on_close_turn);
    archive->object.sweeps = true;
    ht_timer_start(archive->timers, &archive->sweep_timer, 0);
    *out = &archive->archive;
    return 0;
}

static void append(struct ht_archive *port, struct ht_archive_append *request)
{
    struct directory_archive *archive = archive_from(port);
    ht_archive_buffer_add(&archive->open, request);
    if (archive->is_closing) {
        ht_archive_buffer_hurry(&archive->open);
    }
}

static void on_due(struct ht_archive_buffer *open)
{
    start_write(HT_CONTAINER_OF(open, struct directory_archive, open));
}

static void on_sweep_turn(struct ht_timer *timer)
{
    start_write(HT_CONTAINER_OF(timer, struct directory_archive, sweep_timer));
}

static void start_write(struct directory_archive *archive)
{
    struct object *object = &archive->object;
    if (object->is_running || (!archive->open.is_due && !object->sweeps)) {
        return;
    }
    object->is_running = true;
    object->now_ms = ht_clock_wall_ms(archive->clock);
    object->status = 0;
    ht_error_clear(&object->error);
    if (archive->open.is_due) {
        object->first = ht_archive_buffer_take(&archive->open);
    }
    ht_job_init(&object->job, run_write, write_done);
    ht_worker_submit(archive->options.worker, &object->job);
}

static void run_write(struct ht_job *job)
{
    struct directory_archive *archive = HT_CONTAINER_OF(job, struct directory_archive, object.job);
    struct object *object = &archive->object;
    struct ht_buffer lines, gzip;
    if (object->sweeps) {
        sweep(archive);
        object->sweeps = false;
    }
    if (object->first == NULL) {
        return;
    }
    ht_buffer_init(&lines, MOST_OBJECT_BYTES);
    ht_buffer_init(&gzip, MOST_OBJECT_BYTES);
    object->status = make_object(archive, &lines, &gzip);
    if (object->status == 0) {
        object->status = store_object(archive, ht_buffer_slice(&gzip));
    }
    ht_buffer_finish(&lines);
    ht_buffer_finish(&gzip);
}

static int make_object(struct directory_archive *archive, struct ht_buffer *lines,
                       struct ht_buffer *gzip)
{
    const struct ht_archive_append *request = archive->object.first;
    for (; request != NULL; request = request->next) {
        (void)ht_buffer_append_slice(lines, request->lines);
    }
    int status = ht_buffer_status(lines);
    if (status == 0) {
        status = ht_gzip_format(ht_buffer_slice(lines), gzip);
    }
    if (status == 0) {
        return 0;
    }
    return ht_error_set(&archive->object.error, status,
                        status == HT_ETOOBIG ? "An object of the archive is larger than 1 GiB."
                                             : "Out of memory for an object of the archive.");
}

static int store_object(struct directory_archive *archive, struct ht_slice gzip)
{
    struct object *object = &archive->object;
    struct ht_error *error = &object->error;
    int status = ht_files_make_directories(archive->temporary, error);
    if (status == 0) {
        status = make_name(archive);
    }
    if (status != 0) {
        return status;
    }
    char *path = ht_files_join(archive->temporary, strrchr(object->name, '/') + 1);
    if (path == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for an object of the archive.");
    }
    status = write_file(path, gzip, error);
    if (status == 0) {
        status = place_file(archive, path);
    }
    if (status != 0) {
        (void)unlink(path);
    }
    object->stored_bytes = gzip.length;
    free(path);
    return status;
}

/* Sorted by time; the random part keeps objects of one millisecond, or of a clock that went back,
 * apart. */
static int make_name(struct directory_archive *archive)
{
    struct object *object = &archive->object;
    uint64_t unique;
    char suffix[32];
    int status = ht_random_secret(&unique, sizeof(unique));
    if (status == 0) {
        (void)snprintf(suffix, sizeof(suffix), "%016" PRIx64, unique);
        status = ht_archive_name_format(object->name, sizeof(object->name), archive->options.prefix,
                                        object->now_ms, suffix);
    }
    return status == 0 ? 0
                       : ht_error_set(&object->error, HT_EIO,
                                      "The system gives no time or no random numbers.");
}

static int write_file(const char *path, struct ht_slice bytes, struct ht_error *error)
{
    struct iovec part = {(char *)(uintptr_t)bytes.data, bytes.length};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ht_files_error(error, errno, "make", path);
    }
    int number = ht_files_write_at(fd, &part, 1, 0);
    if (number == 0 && fsync(fd) != 0) {
        number = errno;
    }
    if (close(fd) != 0 && number == 0) {
        number = errno;
    }
    return number == 0 ? 0 : ht_files_error(error, number, "write", path);
}

static int place_file(struct directory_archive *archive, const char *temporary)
{
    struct ht_error *error = &archive->object.error;
    char *path = ht_files_join(archive->options.directory, archive->object.name);
    char *parent = path == NULL ? NULL : strdup(path);
    int status = 0;
    if (parent == NULL) {
        status = ht_error_set(error, HT_ENOMEM, "Out of memory for an object of the archive.");
    } else {
        *strrchr(parent, '/') = '\0';
        status = ht_files_make_directories(parent, error);
    }
    if (status == 0 && rename(temporary, path) != 0) {
        status = ht_files_error(error, errno, "make", path);
    }
    if (status == 0) {
        status = ht_files_sync_names(archive->options.directory, path, error);
    }
    free(path);
    free(parent);
    return status;
}

/* Nobody else writes there: the data directory has one owner. */
static void sweep(struct directory_archive *archive)
{
    DIR *directory = opendir(archive->temporary);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.' && unlinkat(dirfd(directory), entry->d_name, 0) == 0) {
            ht_log_info(archive->options.log, "archive", "unfinished object removed",
                        HT_TEXT("name", entry->d_name));
        }
    }
    closedir(directory);
}

/* The numbers come first, so that a `done` sees them. Those that wait for the next object fail too:
 * nothing may overtake what failed. */
static void answer(struct directory_archive *archive, struct ht_archive_append *first)
{
    const struct object *object = &archive->object;
    struct ht_archive_counters *counters = &archive->archive.counters;
    if (object->status == 0) {
        counters->lines_delivered += ht_archive_appends_lines(first);
        counters->objects++;
        counters->bytes += object->stored_bytes;
        ht_health_set(&archive->archive.health, HT_HEALTH_WORKING, "%s", "");
        ht_health_succeed(&archive->archive.health);
    } else {
        first = ht_archive_buffer_join(&archive->open, first);
        counters->lines_retried += ht_archive_appends_lines(first);
        counters->errors++;
        ht_health_fail(&archive->archive.health, HT_HEALTH_WAITING, &object->error);
    }
    struct ht_archive_outcome outcome = {object->status, &object->error, object->name};
    ht_archive_appends_answer(counters, first, &outcome);
}

static void write_done(struct ht_job *job)
{
    struct directory_archive *archive = HT_CONTAINER_OF(job, struct directory_archive, object.job);
    struct object *object = &archive->object;
    struct ht_archive_append *first = object->first;
    object->is_running = false;
    object->first = NULL;
    if (first != NULL) {
        answer(archive, first);
    }
    if (archive->open.is_due) {
        ht_archive_buffer_hurry(&archive->open);
    }
    check_close(archive);
}

static void flush(struct ht_archive *port)
{
    ht_archive_buffer_hurry(&archive_from(port)->open);
}

static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user)
{
    struct directory_archive *archive = archive_from(port);
    HT_ASSERT(!archive->is_closing);
    archive->is_closing = true;
    archive->on_closed = on_closed;
    archive->on_closed_user = user;
    flush(port);
    check_close(archive);
}

static void check_close(struct directory_archive *archive)
{
    if (archive->is_closing && !archive->object.is_running && archive->open.first == NULL) {
        ht_timer_start(archive->timers, &archive->close_timer, 0);
    }
}

static void on_close_turn(struct ht_timer *timer)
{
    struct directory_archive *archive =
        HT_CONTAINER_OF(timer, struct directory_archive, close_timer);
    if (archive->object.is_running || archive->open.first != NULL) {
        return; /* something came in between: its end comes back here */
    }
    ht_archive_buffer_stop(&archive->open);
    ht_timer_stop(archive->timers, &archive->sweep_timer);
    ht_health_set(&archive->archive.health, HT_HEALTH_STOPPED, "%s", "");
    archive->on_closed(archive->on_closed_user);
}

static void destroy(struct ht_archive *port)
{
    if (port == NULL) {
        return;
    }
    struct directory_archive *archive = archive_from(port);
    HT_ASSERT(!archive->object.is_running && archive->open.first == NULL);
    ht_archive_buffer_stop(&archive->open);
    ht_timer_stop(archive->timers, &archive->sweep_timer);
    ht_timer_stop(archive->timers, &archive->close_timer);
    free((char *)(uintptr_t)archive->options.directory);
    free((char *)(uintptr_t)archive->options.prefix);
    free(archive->temporary);
    archive->magic = 0;
    free(archive);
}
