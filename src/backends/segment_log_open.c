// SPDX-License-Identifier: MIT

/*
 * Opening the log:
 *
 *   list the directory -> read each segment's header -> walk through the last segment
 *     no segment at all                    make the first one
 *     the last one has no whole header     it was being made: remove it
 *     a block that is not whole            nothing whole behind it: cut the tail off
 *                                          else it is damage, for a person
 *
 * What is found may not be durable: who wrote it may have been killed before its sync. So all of it
 * is synced before anybody counts on it.
 */

#include "files.h"
#include "segment_log_internal.h"

#include "hashtagd/base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAME_DIGITS = 20,
    SCAN_STEP_BYTES = 256 * 1024,
};

/* A place in the last segment on the walk through it. */
struct scan {
    struct ht_segment_log *log;
    struct ht_segment *segment;
    char *path;
    int64_t offset; /* where the next block begins */
    int64_t size;   /* of the file */
    char *step;     /* SCAN_STEP_BYTES of room */
};

static int list_segments(struct ht_segment_log *log, struct ht_error *error);
static int read_headers(struct ht_segment_log *log, struct ht_error *error);
static int read_header(struct ht_segment_log *log, size_t index, struct ht_error *error);
static int remove_unborn(struct ht_segment_log *log, const char *path, struct ht_error *error);
static int open_last(struct ht_segment_log *log, int64_t now_ms, struct ht_error *error);
static int walk(struct scan *scan, struct ht_error *error);
static int make_durable(const struct scan *scan, struct ht_error *error);
static int check_block(struct scan *scan, struct ht_segment_block_header *header, bool *is_whole);
static void take_block(struct scan *scan, const struct ht_segment_block_header *header,
                       const char *cursor);
static int end_walk(struct scan *scan, struct ht_error *error);
static int find_whole_block(struct scan *scan, bool *found);
static int cut_tail(struct scan *scan, struct ht_error *error);

int ht_segment_log_open(struct ht_segment_log **out, const struct ht_segment_log_options *options,
                        struct ht_error *error)
{
    *out = NULL;
    int status = ht_files_make_directories(options->directory, error);
    struct ht_segment_log *log = status == 0 ? calloc(1, sizeof(*log)) : NULL;
    if (log == NULL) {
        return status != 0 ? status
                           : ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    }
    log->fd = -1;
    log->reader_fd = -1;
    log->segment_bytes = options->segment_bytes;
    log->log = options->log;
    log->packs = options->level != 0;
    log->directory = strdup(options->directory);
    log->zstd = ht_zstd_create(options->level);
    if (log->directory == NULL || log->zstd == NULL) {
        status = ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    }
    if (status == 0) {
        status = list_segments(log, error);
    }
    if (status == 0) {
        status = read_headers(log, error);
    }
    if (status == 0) {
        status = open_last(log, options->now_ms, error);
    }
    if (status != 0) {
        ht_segment_log_close(log);
        return status;
    }
    *out = log;
    return 0;
}

static int compare_segments(const void *a, const void *b)
{
    const struct ht_segment *left = a, *right = b;
    return (left->header.first_sequence > right->header.first_sequence) -
           (left->header.first_sequence < right->header.first_sequence);
}

static int list_segments(struct ht_segment_log *log, struct ht_error *error)
{
    DIR *directory = opendir(log->directory);
    int status = 0;
    if (directory == NULL) {
        return ht_files_error(error, errno, "open the directory", log->directory);
    }
    for (struct dirent *entry; status == 0 && (entry = readdir(directory)) != NULL;) {
        struct ht_segment segment = {0};
        struct ht_slice name = ht_slice_text(entry->d_name);
        if (name.length != NAME_DIGITS + strlen(".seg") ||
            strcmp(entry->d_name + NAME_DIGITS, ".seg") != 0 ||
            ht_slice_to_u64(ht_slice_make(name.data, NAME_DIGITS), UINT64_MAX,
                            &segment.header.first_sequence) != 0) {
            continue;
        }
        status = ht_segment_log_add_segment(log, &segment);
    }
    closedir(directory);
    if (status != 0) {
        return ht_error_set(error, status, "Out of memory for the stream's list of segments.");
    }
    if (log->count > 0) {
        qsort(log->segments, log->count, sizeof(*log->segments), compare_segments);
    }
    return 0;
}

static int read_headers(struct ht_segment_log *log, struct ht_error *error)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < log->count; i++) {
        status = read_header(log, i, error);
    }
    return status;
}

static int read_header(struct ht_segment_log *log, size_t index, struct ht_error *error)
{
    struct ht_segment *segment = &log->segments[index];
    uint64_t name = segment->header.first_sequence;
    char bytes[HT_SEGMENT_HEADER_BYTES] = {0};
    char *path = ht_segment_log_path(log, name);
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    int status = 0;
    if (fd < 0) {
        status = path == NULL
                     ? ht_error_set(error, HT_ENOMEM, "Out of memory for the stream's segments.")
                     : ht_files_error(error, errno, "open", path);
        goto out;
    }
    int64_t length = ht_files_read_at(fd, bytes, sizeof(bytes), 0);
    int64_t size = ht_files_size(fd);
    if (length < 0 || size < 0) {
        status = ht_files_error(error, (int)-(length < 0 ? length : size), "read", path);
        goto out;
    }
    segment->bytes = size;
    if (ht_segment_header_parse(bytes, &segment->header) &&
        segment->header.first_sequence == name) {
        goto out;
    }
    segment->header.first_sequence = name;
    if (index + 1 == log->count && size <= (int64_t)HT_SEGMENT_HEADER_BYTES) {
        status = remove_unborn(log, path, error);
    } else {
        status = ht_segment_log_damaged(log, segment, 0, name, error);
    }
out:
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return status;
}

/* Blocks are written only once the header is durable: a crash came before, nothing was in it. */
static int remove_unborn(struct ht_segment_log *log, const char *path, struct ht_error *error)
{
    ht_log_warning(log->log, "stream", "unfinished segment removed", HT_TEXT("path", path));
    if (unlink(path) != 0) {
        return ht_files_error(error, errno, "remove", path);
    }
    log->count--;
    return ht_files_sync_directory(log->directory, error);
}

static int open_last(struct ht_segment_log *log, int64_t now_ms, struct ht_error *error)
{
    if (log->count == 0) {
        log->next_sequence = now_ms > 0 ? (uint64_t)now_ms * 1000 : 1;
        log->newest_ms = 0;
        return ht_segment_log_start_segment(log, now_ms, error);
    }
    struct ht_segment *last = &log->segments[log->count - 1];
    struct scan scan = {.log = log, .segment = last, .size = last->bytes};
    log->next_sequence = last->header.first_sequence;
    log->newest_ms = last->header.created_ms;
    log->consumed = last->header.consumed;
    log->cursor_bytes = last->header.cursor_bytes;
    memcpy(log->cursor, last->header.cursor, last->header.cursor_bytes);
    scan.offset = (int64_t)HT_SEGMENT_HEADER_BYTES;
    scan.path = ht_segment_log_path(log, last->header.first_sequence);
    scan.step = malloc(SCAN_STEP_BYTES);
    int status = 0;
    if (scan.path == NULL || scan.step == NULL) {
        status = ht_error_set(error, HT_ENOMEM, "Out of memory for reading the stream.");
    } else {
        log->fd = open(scan.path, O_RDWR | O_CLOEXEC);
        status = log->fd < 0 ? ht_files_error(error, errno, "open", scan.path) : walk(&scan, error);
    }
    if (status == 0) {
        status = make_durable(&scan, error);
    }
    free(scan.path);
    free(scan.step);
    return status;
}

static int walk(struct scan *scan, struct ht_error *error)
{
    struct ht_segment_block_header header;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    bool is_whole = true;
    while (scan->offset < scan->size) {
        int status = check_block(scan, &header, &is_whole);
        if (status == 0 && is_whole && header.cursor_bytes > 0) {
            int64_t got = ht_files_read_at(scan->log->fd, cursor, header.cursor_bytes,
                                           scan->offset + (int64_t)HT_SEGMENT_BLOCK_HEADER_BYTES);
            status = got < 0 ? (int)-got : 0;
        }
        if (status != 0) {
            return ht_files_error(error, status, "read", scan->path);
        }
        if (!is_whole) {
            return end_walk(scan, error);
        }
        take_block(scan, &header, cursor);
    }
    scan->segment->bytes = scan->offset;
    scan->segment->is_marked = true;
    return 0;
}

static int make_durable(const struct scan *scan, struct ht_error *error)
{
    if (fdatasync(scan->log->fd) != 0) {
        return ht_files_error(error, errno, "sync", scan->path);
    }
    return ht_files_sync_directory(scan->log->directory, error);
}

/* 0 or an errno value. */
static int check_block(struct scan *scan, struct ht_segment_block_header *header, bool *is_whole)
{
    char bytes[HT_SEGMENT_BLOCK_HEADER_BYTES];
    int64_t at = scan->offset, got = ht_files_read_at(scan->log->fd, bytes, sizeof(bytes), at);
    *is_whole = false;
    if (got < (int64_t)sizeof(bytes)) {
        return got < 0 ? (int)-got : 0;
    }
    if (!ht_segment_block_header_parse(bytes, scan->segment->header.salt, header) ||
        header->first_sequence != scan->log->next_sequence ||
        at + ht_segment_block_file_bytes(header) > scan->size) {
        return 0;
    }
    int64_t left = ht_segment_block_file_bytes(header) - (int64_t)sizeof(bytes);
    uint32_t checksum = 0;
    at += (int64_t)sizeof(bytes);
    while (left > 0) {
        size_t want = left < SCAN_STEP_BYTES ? (size_t)left : SCAN_STEP_BYTES;
        got = ht_files_read_at(scan->log->fd, scan->step, want, at);
        if (got <= 0) {
            return got < 0 ? (int)-got : 0;
        }
        checksum = ht_hash_crc32c(checksum, scan->step, (size_t)got);
        at += got;
        left -= got;
    }
    *is_whole = checksum == header->body_checksum;
    return 0;
}

static void take_block(struct scan *scan, const struct ht_segment_block_header *header,
                       const char *cursor)
{
    struct ht_segment_log *log = scan->log;
    ht_segment_mark_block(scan->segment, header, scan->offset);
    log->next_sequence = header->first_sequence + header->record_count;
    log->newest_ms = header->arrival_ms;
    log->consumed = header->consumed > log->consumed ? header->consumed : log->consumed;
    if (header->cursor_bytes > 0) {
        log->cursor_bytes = header->cursor_bytes;
        memcpy(log->cursor, cursor, header->cursor_bytes);
    }
    scan->offset += ht_segment_block_file_bytes(header);
}

static int end_walk(struct scan *scan, struct ht_error *error)
{
    bool found = false;
    int status = find_whole_block(scan, &found);
    if (status != 0) {
        return ht_files_error(error, status, "read", scan->path);
    }
    if (found) {
        return ht_segment_log_damaged(scan->log, scan->segment, scan->offset,
                                      scan->log->next_sequence, error);
    }
    return cut_tail(scan, error);
}

/* A block is written after the one before is durable. So where a whole header (with this file's
 * salt) comes behind the block that is not whole, no crash has done that. 0 or an errno value. */
static int find_whole_block(struct scan *scan, bool *found)
{
    struct ht_segment_block_header header;
    int64_t at = scan->offset + 1;
    while (at + (int64_t)HT_SEGMENT_BLOCK_HEADER_BYTES <= scan->size) {
        int64_t got = ht_files_read_at(scan->log->fd, scan->step, SCAN_STEP_BYTES, at);
        if (got < (int64_t)HT_SEGMENT_BLOCK_HEADER_BYTES) {
            return got < 0 ? (int)-got : 0;
        }
        size_t places = (size_t)got - HT_SEGMENT_BLOCK_HEADER_BYTES + 1;
        for (size_t i = 0; i < places; i++) {
            if (ht_segment_block_header_parse(scan->step + i, scan->segment->header.salt,
                                              &header)) {
                *found = true;
                return 0;
            }
        }
        at += (int64_t)places;
    }
    return 0;
}

static int cut_tail(struct scan *scan, struct ht_error *error)
{
    ht_log_warning(scan->log->log, "stream", "torn tail cut off",
                   HT_NUMBER("bytes", scan->size - scan->offset), HT_TEXT("path", scan->path),
                   HT_NUMBER("offset", scan->offset));
    int number = ht_files_truncate(scan->log->fd, scan->offset);
    if (number == 0 && fdatasync(scan->log->fd) != 0) {
        number = errno;
    }
    if (number != 0) {
        return ht_files_error(error, number, "cut the torn tail off", scan->path);
    }
    scan->segment->bytes = scan->offset;
    scan->segment->is_marked = true;
    return 0;
}
