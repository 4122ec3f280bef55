// SPDX-License-Identifier: MIT

/*
 * Finding and reading blocks:
 *
 *   which segment       by its first sequence number, or its time
 *   where to begin      the place behind the block that was read last, or the nearest mark
 *   walk                from header to header up to the block; over into the next segment
 *   read, check, unpack
 */

#include "segment_log_internal.h"

#include "files.h"

#include "hashtagd/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum step {
    STEP_BLOCK, /* a block begins here */
    STEP_END,   /* the segment has no more */
    STEP_ERROR,
};

/* A reader's place. */
struct place {
    struct ht_segment_log *log;
    size_t index; /* of the segment */
    int fd;
    struct ht_segment_mark at; /* where the next block begins and what its number must be */
    struct ht_segment_block_header header;
    struct ht_error *error;
    int status;
};

static int enter(struct place *place, size_t index);
static int open_closed_segment(struct place *place);
static void jump_to_sequence(struct place *place, uint64_t sequence);
static void jump_to_time(struct place *place, int64_t time_ms);
static void mark_segment(struct place *place);
static enum step look(struct place *place);
static void pass(struct place *place);
static int load(struct place *place, struct ht_segment_block **block);

static struct ht_segment *segment_of(const struct place *place)
{
    return &place->log->segments[place->index];
}

static bool is_last(const struct place *place)
{
    return place->index + 1 == place->log->count;
}

int ht_segment_log_read(struct ht_segment_log *log, uint64_t sequence,
                        struct ht_segment_block **block, struct ht_error *error)
{
    struct place place = {.log = log, .fd = -1, .error = error};
    size_t index = log->count - 1;
    *block = NULL;
    while (index > 0 && log->segments[index].header.first_sequence > sequence) {
        index--;
    }
    for (; sequence < log->next_sequence && index < log->count; index++) {
        if (enter(&place, index) != 0) {
            return place.status;
        }
        jump_to_sequence(&place, sequence);
        enum step step;
        while ((step = look(&place)) == STEP_BLOCK) {
            if (place.header.first_sequence + place.header.record_count > sequence) {
                return load(&place, block);
            }
            pass(&place);
        }
        if (step == STEP_ERROR) {
            return place.status;
        }
    }
    return 0;
}

int ht_segment_log_find_time(struct ht_segment_log *log, int64_t time_ms, uint64_t *sequence,
                             struct ht_error *error)
{
    struct place place = {.log = log, .fd = -1, .error = error};
    size_t index = log->count - 1;
    while (index > 0 && log->segments[index].header.created_ms >= time_ms) {
        index--;
    }
    for (; index < log->count; index++) {
        if (enter(&place, index) != 0) {
            return place.status;
        }
        jump_to_time(&place, time_ms);
        enum step step;
        while ((step = look(&place)) == STEP_BLOCK) {
            if (place.header.arrival_ms >= time_ms && place.header.record_count > 0) {
                *sequence = place.header.first_sequence;
                return 0;
            }
            pass(&place);
        }
        if (step == STEP_ERROR) {
            return place.status;
        }
    }
    *sequence = log->next_sequence;
    return 0;
}

/* Goes to the beginning of a segment. */
static int enter(struct place *place, size_t index)
{
    place->index = index;
    place->at = (struct ht_segment_mark){
        .first_sequence = segment_of(place)->header.first_sequence,
        .offset = (int64_t)HT_SEGMENT_HEADER_BYTES,
    };
    if (is_last(place)) {
        place->fd = place->log->fd;
        return 0;
    }
    return open_closed_segment(place);
}

static int open_closed_segment(struct place *place)
{
    struct ht_segment_log *log = place->log;
    uint64_t first = segment_of(place)->header.first_sequence;
    if (log->reader_fd < 0 || log->reader_of != first) {
        char *path = ht_segment_log_path(log, first);
        int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            place->status = path == NULL ? ht_error_set(place->error, HT_ENOMEM,
                                                        "Out of memory for reading the stream.")
                                         : ht_files_error(place->error, errno, "open", path);
        }
        free(path);
        if (fd < 0) {
            return place->status;
        }
        if (log->reader_fd >= 0) {
            close(log->reader_fd);
        }
        log->reader_fd = fd;
        log->reader_of = first;
    }
    place->fd = log->reader_fd;
    return 0;
}

static void jump_to_sequence(struct place *place, uint64_t sequence)
{
    struct ht_segment_log *log = place->log;
    struct ht_segment *segment = segment_of(place);
    if (log->ahead_of == segment->header.first_sequence && log->ahead.first_sequence <= sequence) {
        place->at = log->ahead;
    }
    if (place->at.first_sequence >= sequence) {
        return;
    }
    mark_segment(place);
    size_t low = 0, high = segment->mark_count; /* the last mark at or before it is below `high` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (segment->marks[middle].first_sequence <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0 && segment->marks[low - 1].offset > place->at.offset) {
        place->at = segment->marks[low - 1];
    }
}

static void jump_to_time(struct place *place, int64_t time_ms)
{
    struct ht_segment *segment = segment_of(place);
    mark_segment(place);
    for (size_t i = 0; i < segment->mark_count && segment->marks[i].arrival_ms < time_ms; i++) {
        place->at = segment->marks[i];
    }
}

/* Walks through a whole segment once, to remember places in it. Damage ends the walk: whoever needs
 * what is there will meet it. */
static void mark_segment(struct place *place)
{
    struct ht_segment *segment = segment_of(place);
    if (segment->is_marked) {
        return;
    }
    struct ht_error ignored;
    struct place walker = {.log = place->log, .index = place->index, .fd = place->fd};
    walker.error = &ignored;
    walker.at = (struct ht_segment_mark){
        .first_sequence = segment->header.first_sequence,
        .offset = (int64_t)HT_SEGMENT_HEADER_BYTES,
    };
    while (look(&walker) == STEP_BLOCK) {
        ht_segment_mark_block(segment, &walker.header, walker.at.offset);
        pass(&walker);
    }
    segment->is_marked = true;
}

/* Reads the header at the place. What lies in a closed segment behind the first number of the next
 * one is what a failed write left there. */
static enum step look(struct place *place)
{
    struct ht_segment *segment = segment_of(place);
    uint64_t end = is_last(place) ? UINT64_MAX : segment[1].header.first_sequence;
    char bytes[HT_SEGMENT_BLOCK_HEADER_BYTES];
    if (place->at.offset >= segment->bytes || place->at.first_sequence >= end) {
        return STEP_END;
    }
    int64_t got = ht_files_read_at(place->fd, bytes, sizeof(bytes), place->at.offset);
    if (got < 0) {
        place->status =
            ht_files_error(place->error, (int)-got, "read the stream in", place->log->directory);
        return STEP_ERROR;
    }
    if (got < (int64_t)sizeof(bytes) ||
        !ht_segment_block_header_parse(bytes, segment->header.salt, &place->header) ||
        place->header.first_sequence != place->at.first_sequence ||
        place->at.offset + ht_segment_block_file_bytes(&place->header) > segment->bytes) {
        place->status = ht_segment_log_damaged(place->log, segment, place->at.offset,
                                               place->at.first_sequence, place->error);
        return STEP_ERROR;
    }
    return STEP_BLOCK;
}

static void pass(struct place *place)
{
    place->at.first_sequence += place->header.record_count;
    place->at.arrival_ms = place->header.arrival_ms;
    place->at.offset += ht_segment_block_file_bytes(&place->header);
}

/* Reads the block whose header was looked at. */
static int load(struct place *place, struct ht_segment_block **block)
{
    struct ht_segment_log *log = place->log;
    const struct ht_segment_block_header *header = &place->header;
    size_t bytes = (size_t)header->cursor_bytes + header->stored_bytes;
    int status = ht_segment_log_make_room(log, bytes);
    if (status == 0) {
        int64_t got = ht_files_read_at(place->fd, log->room, bytes,
                                       place->at.offset + (int64_t)HT_SEGMENT_BLOCK_HEADER_BYTES);
        if (got < 0) {
            return ht_files_error(place->error, (int)-got, "read the stream in", log->directory);
        }
        bool is_whole =
            got == (int64_t)bytes && ht_hash_crc32c(0, log->room, bytes) == header->body_checksum;
        status = is_whole
                     ? ht_segment_block_unpack(log, header, log->room + header->cursor_bytes, block)
                     : HT_EPARSE;
    }
    if (status == HT_EPARSE) {
        return ht_segment_log_damaged(log, segment_of(place), place->at.offset,
                                      place->at.first_sequence, place->error);
    }
    if (status != 0) {
        return ht_error_set(place->error, status, "Out of memory for a block of the stream.");
    }
    pass(place);
    log->ahead = place->at;
    log->ahead_of = segment_of(place)->header.first_sequence;
    return 0;
}
