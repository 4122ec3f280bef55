// SPDX-License-Identifier: MIT
#include "segment_log_internal.h"

#include "files.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAME_BYTES = 32,
    MARK_EVERY_BYTES = 256 * 1024,
    WORTH_PACKING_BYTES = 256,
    MOST_RECORDS = 1 << 24,
};

static int roll_if_full(struct ht_segment_log *log, int64_t now_ms, struct ht_error *error);
static size_t pack(struct ht_segment_log *log, const struct ht_segment_append *append);
static int write_block(struct ht_segment_log *log, const struct ht_segment_append *append,
                       struct ht_segment_block_header *header, struct ht_error *error);
static int take_back(struct ht_segment_log *log, struct ht_segment *last);
static void take_in(struct ht_segment_log *log, const struct ht_segment_append *append,
                    const struct ht_segment_block_header *header);
static bool may_drop(const struct ht_segment_log *log, const struct ht_segment_retention *retention,
                     uint64_t stored_bytes);
static bool drop_oldest(struct ht_segment_log *log);
static uint64_t unconsumed_bytes(const struct ht_segment_log *log, uint64_t consumed);

static struct ht_segment *last_segment(struct ht_segment_log *log)
{
    HT_ASSERT(log->count > 0);
    return &log->segments[log->count - 1];
}

void ht_segment_log_close(struct ht_segment_log *log)
{
    if (log == NULL) {
        return;
    }
    for (size_t i = 0; i < log->count; i++) {
        free(log->segments[i].marks);
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    if (log->reader_fd >= 0) {
        close(log->reader_fd);
    }
    ht_zstd_destroy(log->zstd);
    free(log->segments);
    free(log->room);
    free(log->directory);
    free(log);
}

int ht_segment_log_append(struct ht_segment_log *log, const struct ht_segment_append *append,
                          struct ht_error *error)
{
    struct ht_segment_block *block = append->block;
    HT_ASSERT(block->length <= HT_SEGMENT_MOST_BLOCK_BYTES && block->record_count < MOST_RECORDS);
    HT_ASSERT(append->cursor.length <= HT_SOURCE_CURSOR_BYTES);
    if (block->arrival_ms < log->newest_ms) {
        block->arrival_ms = log->newest_ms;
    }
    int status = roll_if_full(log, block->arrival_ms, error);
    if (status != 0) {
        return status;
    }
    size_t needed = HT_SEGMENT_BLOCK_HEADER_BYTES + HT_SOURCE_CURSOR_BYTES +
                    (log->packs ? ht_zstd_bound(block->length) : 0);
    if (ht_segment_log_make_room(log, needed) != 0) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for a block of the stream.");
    }
    block->first_sequence = log->next_sequence;
    size_t packed = pack(log, append);
    struct ht_segment_block_header header = {
        .is_packed = packed > 0,
        .stored_bytes = (uint32_t)(packed > 0 ? packed : block->length),
        .raw_bytes = (uint32_t)block->length,
        .record_count = block->record_count,
        .cursor_bytes = (uint32_t)append->cursor.length,
        .first_sequence = block->first_sequence,
        .arrival_ms = block->arrival_ms,
        .consumed = append->consumed,
    };
    status = write_block(log, append, &header, error);
    if (status == 0) {
        take_in(log, append, &header);
    }
    return status;
}

static int roll_if_full(struct ht_segment_log *log, int64_t now_ms, struct ht_error *error)
{
    struct ht_segment *last = last_segment(log);
    bool is_empty = last->header.first_sequence == log->next_sequence;
    if (is_empty || (!log->must_roll && last->bytes < (int64_t)log->segment_bytes)) {
        return 0;
    }
    return ht_segment_log_start_segment(log, now_ms, error);
}

/* Packs the records behind the place of header and cursor. The bytes, or 0 where it does not pay. */
static size_t pack(struct ht_segment_log *log, const struct ht_segment_append *append)
{
    const struct ht_segment_block *block = append->block;
    size_t before = HT_SEGMENT_BLOCK_HEADER_BYTES + append->cursor.length, length = 0;
    if (!log->packs || block->length < WORTH_PACKING_BYTES) {
        return 0;
    }
    int status = ht_zstd_pack(log->zstd, ht_slice_make(block->data, block->length),
                              log->room + before, log->room_bytes - before, &length);
    return status == 0 && length < block->length - block->length / 16 ? length : 0;
}

static int write_block(struct ht_segment_log *log, const struct ht_segment_append *append,
                       struct ht_segment_block_header *header, struct ht_error *error)
{
    struct ht_segment *last = last_segment(log);
    char *body = log->room + HT_SEGMENT_BLOCK_HEADER_BYTES;
    size_t cursor_bytes = append->cursor.length;
    if (cursor_bytes > 0) {
        memcpy(body, append->cursor.data, cursor_bytes);
    }
    struct iovec parts[2] = {
        {log->room, HT_SEGMENT_BLOCK_HEADER_BYTES + cursor_bytes},
        {append->block->data, append->block->length},
    };
    header->body_checksum = ht_hash_crc32c(0, body, cursor_bytes);
    if (header->is_packed) {
        parts[1] = (struct iovec){body + cursor_bytes, header->stored_bytes};
    }
    header->body_checksum =
        ht_hash_crc32c(header->body_checksum, parts[1].iov_base, parts[1].iov_len);
    ht_segment_block_header_format(header, last->header.salt, log->room);
    int number = ht_files_write_at(log->fd, parts, parts[1].iov_len > 0 ? 2 : 1, last->bytes);
    if (number == 0 && fdatasync(log->fd) != 0) {
        number = errno;
        log->must_roll = true;
    }
    if (number == 0) {
        return 0;
    }
    if (take_back(log, last) != 0) {
        log->must_roll = true;
    }
    char *path = ht_segment_log_path(log, last->header.first_sequence);
    int status = ht_files_error(error, number, "write to the stream", path == NULL ? "" : path);
    free(path);
    return status;
}

/* The part of the block that was written goes, for its room and for the next one's place. */
static int take_back(struct ht_segment_log *log, struct ht_segment *last)
{
    return ht_files_truncate(log->fd, last->bytes) == 0 && fdatasync(log->fd) == 0 ? 0 : HT_EIO;
}

static void take_in(struct ht_segment_log *log, const struct ht_segment_append *append,
                    const struct ht_segment_block_header *header)
{
    struct ht_segment *last = last_segment(log);
    ht_segment_mark_block(last, header, last->bytes);
    last->bytes += ht_segment_block_file_bytes(header);
    log->next_sequence += header->record_count;
    log->newest_ms = header->arrival_ms;
    log->consumed = append->consumed > log->consumed ? append->consumed : log->consumed;
    if (append->cursor.length > 0) {
        log->cursor_bytes = append->cursor.length;
        memcpy(log->cursor, append->cursor.data, append->cursor.length);
    }
}

/* Makes the file durable under its name before anything is written to it. */
static int create_file(struct ht_segment_log *log, const struct ht_segment_header *header, int *fd,
                       struct ht_error *error)
{
    char bytes[HT_SEGMENT_HEADER_BYTES];
    struct iovec part = {bytes, sizeof(bytes)};
    char *path = ht_segment_log_path(log, header->first_sequence);
    if (path == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for a segment of the stream.");
    }
    ht_segment_header_format(header, bytes);
    int status = 0;
    *fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd < 0) {
        status = ht_files_error(error, errno, "make the segment", path);
        goto out;
    }
    int number = ht_files_write_at(*fd, &part, 1, 0);
    if (number == 0 && fdatasync(*fd) != 0) {
        number = errno;
    }
    if (number != 0) {
        status = ht_files_error(error, number, "make the segment", path);
    } else {
        status = ht_files_sync_directory(log->directory, error);
    }
    if (status != 0) {
        close(*fd);
        (void)unlink(path);
    }
out:
    free(path);
    return status;
}

int ht_segment_log_start_segment(struct ht_segment_log *log, int64_t now_ms, struct ht_error *error)
{
    struct ht_segment segment = {.bytes = (int64_t)HT_SEGMENT_HEADER_BYTES, .is_marked = true};
    segment.header = (struct ht_segment_header){
        .first_sequence = log->next_sequence,
        .created_sequence =
            log->count == 0 ? log->next_sequence : log->segments[0].header.created_sequence,
        .consumed = log->consumed,
        .created_ms = now_ms > log->newest_ms ? now_ms : log->newest_ms,
        .cursor_bytes = log->cursor_bytes,
    };
    memcpy(segment.header.cursor, log->cursor, log->cursor_bytes);
    if (ht_random_secret(&segment.header.salt, sizeof(segment.header.salt)) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers.");
    }
    int fd = -1;
    int status = create_file(log, &segment.header, &fd, error);
    if (status != 0) {
        return status;
    }
    if (ht_segment_log_add_segment(log, &segment) != 0) {
        close(fd); /* the file stays: it is empty, and made again the next time */
        return ht_error_set(error, HT_ENOMEM, "Out of memory for a segment of the stream.");
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    log->fd = fd;
    log->must_roll = false;
    return 0;
}

uint64_t ht_segment_log_retain(struct ht_segment_log *log,
                               const struct ht_segment_retention *retention)
{
    uint64_t stored = ht_segment_log_figures(log, 0).stored_bytes, dropped = 0;
    while (log->count > 1 && may_drop(log, retention, stored)) {
        struct ht_segment oldest = log->segments[0];
        if (!drop_oldest(log)) {
            break;
        }
        stored -= (uint64_t)oldest.bytes;
        dropped += log->segments[0].header.first_sequence - oldest.header.first_sequence;
    }
    return dropped;
}

static bool may_drop(const struct ht_segment_log *log, const struct ht_segment_retention *retention,
                     uint64_t stored_bytes)
{
    const struct ht_segment_header *next = &log->segments[1].header;
    uint64_t last = next->first_sequence - 1;
    if (last > retention->consumed) {
        return false;
    }
    bool is_kept = retention->consumed - last < retention->keep_records;
    return stored_bytes > retention->bytes || (!is_kept && next->created_ms < retention->oldest_ms);
}

static bool drop_oldest(struct ht_segment_log *log)
{
    struct ht_error error;
    uint64_t first = log->segments[0].header.first_sequence;
    char *path = ht_segment_log_path(log, first);
    if (path == NULL) {
        return false;
    }
    bool is_gone = unlink(path) == 0 || errno == ENOENT;
    if (!is_gone) {
        ht_log_warning(log->log, "stream", "segment cannot be removed", HT_TEXT("path", path),
                       HT_TEXT("error", strerror(errno)));
    }
    free(path);
    if (!is_gone) {
        return false;
    }
    if (log->reader_of == first && log->reader_fd >= 0) {
        close(log->reader_fd);
        log->reader_fd = -1;
    }
    free(log->segments[0].marks);
    log->count--;
    memmove(log->segments, log->segments + 1, log->count * sizeof(*log->segments));
    if (ht_files_sync_directory(log->directory, &error) != 0) {
        ht_log_warning(log->log, "stream", "directory not synced", HT_TEXT("error", error.text));
    }
    return true;
}

struct ht_segment_log_figures ht_segment_log_figures(const struct ht_segment_log *log,
                                                     uint64_t consumed)
{
    struct ht_segment_log_figures figures = {
        .created_sequence = log->segments[0].header.created_sequence,
        .first_sequence = log->segments[0].header.first_sequence,
        .next_sequence = log->next_sequence,
        .newest_ms = log->newest_ms,
        .unconsumed_bytes = unconsumed_bytes(log, consumed),
        .consumed = log->consumed,
    };
    if (log->count > 1) {
        figures.oldest_end = log->segments[1].header.first_sequence;
        figures.oldest_end_ms = log->segments[1].header.created_ms;
    }
    for (size_t i = 0; i < log->count; i++) {
        figures.stored_bytes += (uint64_t)log->segments[i].bytes;
    }
    return figures;
}

/* A segment that is counted in part is taken as evenly filled. */
static uint64_t unconsumed_bytes(const struct ht_segment_log *log, uint64_t consumed)
{
    uint64_t end = log->next_sequence;
    double bytes = 0;
    for (size_t i = log->count; i-- > 0 && end > consumed + 1;) {
        uint64_t first = log->segments[i].header.first_sequence;
        uint64_t from = first > consumed ? first : consumed + 1;
        if (end > first) {
            bytes += (double)log->segments[i].bytes * (double)(end - from) / (double)(end - first);
        }
        end = first;
    }
    return (uint64_t)bytes;
}

struct ht_slice ht_segment_log_cursor(const struct ht_segment_log *log)
{
    return ht_slice_make(log->cursor, log->cursor_bytes);
}

int ht_segment_log_make_room(struct ht_segment_log *log, size_t bytes)
{
    if (log->room_bytes >= bytes) {
        return 0;
    }
    char *room = malloc(bytes);
    if (room == NULL) {
        return HT_ENOMEM;
    }
    free(log->room);
    log->room = room;
    log->room_bytes = bytes;
    return 0;
}

char *ht_segment_log_path(const struct ht_segment_log *log, uint64_t first_sequence)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%020" PRIu64 ".seg", first_sequence);
    return ht_files_join(log->directory, name);
}

int ht_segment_log_add_segment(struct ht_segment_log *log, const struct ht_segment *segment)
{
    if (log->count == log->capacity) {
        size_t capacity = log->capacity == 0 ? 16 : log->capacity * 2;
        struct ht_segment *segments = realloc(log->segments, capacity * sizeof(*segments));
        if (segments == NULL) {
            return HT_ENOMEM;
        }
        log->segments = segments;
        log->capacity = capacity;
    }
    log->segments[log->count++] = *segment;
    return 0;
}

void ht_segment_mark_block(struct ht_segment *segment, const struct ht_segment_block_header *header,
                           int64_t offset)
{
    size_t count = segment->mark_count;
    if (count > 0 && offset - segment->marks[count - 1].offset < MARK_EVERY_BYTES) {
        return;
    }
    if (count == segment->mark_capacity) {
        size_t capacity = count == 0 ? 16 : count * 2;
        struct ht_segment_mark *marks = realloc(segment->marks, capacity * sizeof(*marks));
        if (marks == NULL) {
            return;
        }
        segment->marks = marks;
        segment->mark_capacity = capacity;
    }
    segment->marks[segment->mark_count++] =
        (struct ht_segment_mark){header->first_sequence, header->arrival_ms, offset};
}

int ht_segment_log_damaged(const struct ht_segment_log *log, const struct ht_segment *segment,
                           int64_t offset, uint64_t sequence, struct ht_error *error)
{
    char *path = ht_segment_log_path(log, segment->header.first_sequence);
    const char *shown = path == NULL ? "" : path;
    if (offset == 0) {
        ht_error_set(error, HT_ECORRUPT,
                     "The stream's segment %s is damaged at its beginning. Restore the file from a "
                     "copy; or stop hashtagd and move the file away, and its records are lost.",
                     shown);
    } else {
        ht_error_set(error, HT_ECORRUPT,
                     "The stream's segment %s is damaged at byte %" PRId64 ", record %" PRIu64
                     ". Restore the file from a copy; or stop hashtagd and give up this record and "
                     "those behind it in the file: truncate -s %" PRId64 " %s",
                     shown, offset, sequence, offset, shown);
    }
    free(path);
    return HT_ECORRUPT;
}
