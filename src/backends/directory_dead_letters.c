// SPDX-License-Identifier: MIT

/*
 * Appends: queue -> one job takes all that wait -> lines -> append, sync -> all are answered
 */

#include "hashtagd/backends/directory_dead_letters.h"

#include "files.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    DEAD_LETTERS_MAGIC = 0x64656164,
    WRITE_BYTES = 1024 * 1024,           /* lines are written in pieces of about this size */
    MOST_LINE_BYTES = 128 * 1024 * 1024, /* of one letter */
    DAY_MS = 24 * 3600 * 1000,
};

/* The appends that are being written. */
struct writing {
    struct ht_job job;
    bool is_running;
    struct ht_dead_letters_append *first; /* linked by adapter */
    int64_t now_ms;
    int status;
    struct ht_error error;
};

struct directory_dead_letters {
    struct ht_dead_letters dead_letters; /* first: what callers see */
    uint32_t magic;
    struct ht_directory_dead_letters_options options; /* directory is owned */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_dead_letters_append *first, *last; /* waiting, linked by adapter */
    struct ht_timer write_timer, close_timer;
    struct writing writing;
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
    int64_t synced_day; /* worker: the name of this day's file is durable; days since 1970 */
};

/* The file of the day, open for appending. */
struct day_file {
    char *path;
    int fd;
    int64_t start; /* its size before */
    int64_t end;
};

static void append(struct ht_dead_letters *port, struct ht_dead_letters_append *request);
static void on_write_turn(struct ht_timer *timer);
static void run_write(struct ht_job *job);
static int open_day(struct directory_dead_letters *dead, struct day_file *file);
static int write_letters(struct writing *writing, struct day_file *file, struct ht_buffer *lines);
static int complete_last_line(struct day_file *file, struct ht_buffer *lines);
static void format_letter(const struct ht_dead_letter *letter, struct ht_buffer *lines);
static int write_lines(struct writing *writing, struct day_file *file, struct ht_buffer *lines);
static void write_done(struct ht_job *job);
static void close_dead_letters(struct ht_dead_letters *port, void (*on_closed)(void *user),
                               void *user);
static void check_close(struct directory_dead_letters *dead);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_dead_letters *port);

static const struct ht_dead_letters_ops operations = {
    .append = append,
    .close = close_dead_letters,
    .destroy = destroy,
};

static struct directory_dead_letters *dead_from(struct ht_dead_letters *port)
{
    struct directory_dead_letters *dead =
        HT_CONTAINER_OF(port, struct directory_dead_letters, dead_letters);
    HT_ASSERT(dead->magic == DEAD_LETTERS_MAGIC);
    return dead;
}

int ht_directory_dead_letters_create(struct ht_dead_letters **out,
                                     const struct ht_directory_dead_letters_options *options,
                                     struct ht_error *error)
{
    struct directory_dead_letters *dead = calloc(1, sizeof(*dead));
    char *directory = strdup(options->directory);
    *out = NULL;
    if (dead == NULL || directory == NULL) {
        free(dead);
        free(directory);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the dead letters.");
    }
    dead->magic = DEAD_LETTERS_MAGIC;
    dead->synced_day = -1;
    dead->dead_letters.ops = &operations;
    dead->options = *options;
    dead->options.directory = directory;
    dead->clock = ht_loop_clock(options->loop);
    dead->timers = ht_loop_timers(options->loop);
    ht_health_init(&dead->dead_letters.health, dead->clock, HT_HEALTH_IDLE);
    ht_timer_init(&dead->write_timer, on_write_turn);
    ht_timer_init(&dead->close_timer, on_close_turn);
    *out = &dead->dead_letters;
    return 0;
}

static void append(struct ht_dead_letters *port, struct ht_dead_letters_append *request)
{
    struct directory_dead_letters *dead = dead_from(port);
    request->adapter = NULL;
    if (dead->first == NULL) {
        dead->first = request;
    } else {
        dead->last->adapter = request;
    }
    dead->last = request;
    ht_timer_start(dead->timers, &dead->write_timer, 0);
}

static void on_write_turn(struct ht_timer *timer)
{
    struct directory_dead_letters *dead =
        HT_CONTAINER_OF(timer, struct directory_dead_letters, write_timer);
    struct writing *writing = &dead->writing;
    if (dead->first == NULL || writing->is_running) {
        return;
    }
    writing->is_running = true;
    writing->first = dead->first;
    writing->now_ms = ht_clock_wall_ms(dead->clock);
    writing->status = 0;
    ht_error_clear(&writing->error);
    dead->first = NULL;
    dead->last = NULL;
    ht_job_init(&writing->job, run_write, write_done);
    ht_worker_submit(dead->options.worker, &writing->job);
}

static void run_write(struct ht_job *job)
{
    struct directory_dead_letters *dead =
        HT_CONTAINER_OF(job, struct directory_dead_letters, writing.job);
    struct writing *writing = &dead->writing;
    struct day_file file = {.fd = -1};
    struct ht_buffer lines;
    ht_buffer_init(&lines, MOST_LINE_BYTES);
    writing->status = open_day(dead, &file);
    if (writing->status == 0) {
        writing->status = write_letters(writing, &file, &lines);
    }
    if (writing->status == 0 && fdatasync(file.fd) != 0) {
        writing->status = ht_files_error(&writing->error, errno, "write", file.path);
    }
    if (writing->status == 0 && dead->synced_day != writing->now_ms / DAY_MS) {
        writing->status = ht_files_sync_directory(dead->options.directory, &writing->error);
        dead->synced_day = writing->status == 0 ? writing->now_ms / DAY_MS : dead->synced_day;
    }
    if (file.fd >= 0) {
        /* They all come again: no half line stays in their way. */
        if (writing->status != 0 && ht_files_truncate(file.fd, file.start) != 0) {
            ht_error_prefix(&writing->error, "A torn line stays in the file");
        }
        close(file.fd);
    }
    ht_buffer_finish(&lines);
    free(file.path);
}

static int open_day(struct directory_dead_letters *dead, struct day_file *file)
{
    struct ht_error *error = &dead->writing.error;
    time_t seconds = (time_t)(dead->writing.now_ms / 1000);
    struct tm day;
    char name[32];
    int status = ht_files_make_directories(dead->options.directory, error);
    if (status != 0) {
        return status;
    }
    if (gmtime_r(&seconds, &day) == NULL ||
        strftime(name, sizeof(name), "%Y-%m-%d.jsonl", &day) == 0) {
        return ht_error_set(error, HT_EIO, "The clock shows no time that has a date.");
    }
    file->path = ht_files_join(dead->options.directory, name);
    if (file->path == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for dead letters.");
    }
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        return ht_files_error(error, errno, "open", file->path);
    }
    file->start = ht_files_size(file->fd);
    if (file->start < 0) {
        int number = (int)-file->start;
        close(file->fd);
        file->fd = -1;
        return ht_files_error(error, number, "read", file->path);
    }
    file->end = file->start;
    return 0;
}

static int write_letters(struct writing *writing, struct day_file *file, struct ht_buffer *lines)
{
    int status = complete_last_line(file, lines);
    if (status != 0) {
        return ht_files_error(&writing->error, status, "read", file->path);
    }
    const struct ht_dead_letters_append *request = writing->first;
    for (; request != NULL; request = request->adapter) {
        for (size_t i = 0; i < request->count; i++) {
            format_letter(&request->letters[i], lines);
            status = lines->length < WRITE_BYTES && ht_buffer_status(lines) == 0
                         ? 0
                         : write_lines(writing, file, lines);
            if (status != 0) {
                return status;
            }
        }
    }
    return write_lines(writing, file, lines);
}

/* 0 or an errno value. */
static int complete_last_line(struct day_file *file, struct ht_buffer *lines)
{
    char last = '\n';
    if (file->start > 0) {
        int64_t got = ht_files_read_at(file->fd, &last, 1, file->start - 1);
        if (got < 0) {
            return (int)-got;
        }
    }
    if (last != '\n') {
        (void)ht_buffer_append_byte(lines, '\n');
    }
    return 0;
}

static void format_letter(const struct ht_dead_letter *letter, struct ht_buffer *lines)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, lines);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "data");
    struct ht_buffer text;
    ht_buffer_init(&text, MOST_LINE_BYTES);
    if (ht_base64_append(&text, letter->data) != 0) {
        lines->status = lines->status != 0 ? lines->status : ht_buffer_status(&text);
    }
    ht_json_write_slice(&writer, ht_buffer_slice(&text));
    ht_buffer_finish(&text);
    ht_json_write_key(&writer, "shard");
    ht_json_write_slice(&writer, letter->shard_id);
    ht_json_write_key(&writer, "sequence_number");
    ht_json_write_slice(&writer, letter->sequence_number);
    ht_json_write_key(&writer, "source");
    ht_json_write_slice(&writer, letter->source);
    ht_json_write_key(&writer, "reason");
    ht_json_write_slice(&writer, letter->reason);
    ht_json_write_key(&writer, "at");
    ht_json_write_i64(&writer, letter->at_ms / 1000);
    ht_json_write_object_end(&writer);
    (void)ht_buffer_append_byte(lines, '\n');
}

static int write_lines(struct writing *writing, struct day_file *file, struct ht_buffer *lines)
{
    int status = ht_buffer_status(lines);
    if (status != 0) {
        return ht_error_set(&writing->error, status,
                            status == HT_ETOOBIG ? "A dead letter is too large."
                                                 : "Out of memory for dead letters.");
    }
    struct iovec part = {lines->data, lines->length};
    int number = lines->length == 0 ? 0 : ht_files_write_at(file->fd, &part, 1, file->end);
    if (number != 0) {
        return ht_files_error(&writing->error, number, "write", file->path);
    }
    file->end += (int64_t)lines->length;
    ht_buffer_clear(lines);
    return 0;
}

static void write_done(struct ht_job *job)
{
    struct directory_dead_letters *dead =
        HT_CONTAINER_OF(job, struct directory_dead_letters, writing.job);
    struct ht_dead_letters_append *first = dead->writing.first;
    struct ht_error error = dead->writing.error;
    int status = dead->writing.status;
    dead->writing.is_running = false;
    if (status == 0) {
        ht_health_set(&dead->dead_letters.health, HT_HEALTH_WORKING, "%s", "");
        ht_health_succeed(&dead->dead_letters.health);
    } else {
        ht_health_fail(&dead->dead_letters.health, HT_HEALTH_WAITING, &error);
    }
    while (first != NULL) {
        struct ht_dead_letters_append *request = first;
        first = request->adapter;
        request->status = status;
        request->error = error;
        dead->dead_letters.letters += status == 0 ? request->count : 0;
        dead->dead_letters.errors += status != 0;
        request->done(request);
    }
    if (dead->first != NULL) {
        ht_timer_start(dead->timers, &dead->write_timer, 0);
    }
    check_close(dead);
}

static void close_dead_letters(struct ht_dead_letters *port, void (*on_closed)(void *user),
                               void *user)
{
    struct directory_dead_letters *dead = dead_from(port);
    HT_ASSERT(!dead->is_closing);
    dead->is_closing = true;
    dead->on_closed = on_closed;
    dead->on_closed_user = user;
    check_close(dead);
}

static void check_close(struct directory_dead_letters *dead)
{
    if (dead->is_closing && dead->first == NULL && !dead->writing.is_running) {
        ht_timer_start(dead->timers, &dead->close_timer, 0);
    }
}

static void on_close_turn(struct ht_timer *timer)
{
    struct directory_dead_letters *dead =
        HT_CONTAINER_OF(timer, struct directory_dead_letters, close_timer);
    if (dead->first != NULL || dead->writing.is_running) {
        return; /* something came in between: its end comes back here */
    }
    ht_timer_stop(dead->timers, &dead->write_timer);
    ht_health_set(&dead->dead_letters.health, HT_HEALTH_STOPPED, "%s", "");
    dead->on_closed(dead->on_closed_user);
}

static void destroy(struct ht_dead_letters *port)
{
    if (port == NULL) {
        return;
    }
    struct directory_dead_letters *dead = dead_from(port);
    HT_ASSERT(dead->first == NULL && !dead->writing.is_running);
    ht_timer_stop(dead->timers, &dead->write_timer);
    ht_timer_stop(dead->timers, &dead->close_timer);
    free((char *)(uintptr_t)dead->options.directory);
    dead->magic = 0;
    free(dead);
}
