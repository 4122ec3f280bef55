// SPDX-License-Identifier: MIT
#include "put.h"

#include "hashtagd/base/clock.h"
#include "hashtagd/sources/documents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 *     each file: open -> [read a piece -> each message into the chunk -> full? send] -> close
 *     the rest of the last chunk -> send
 */

enum { PIECE_BYTES = 256 * 1024 };

/* The work on all files. */
struct putting {
    struct ht_put_sink *sink;
    struct ht_put_report *report;
    struct ht_put_chunk chunk;
    struct ht_clock clock;
    char *piece; /* owned, PIECE_BYTES */
    struct ht_error *error;
};

static int put_file(struct putting *putting, const char *file);
static int put_descriptor(struct putting *putting, const char *file, int fd);
static int take_all(struct putting *putting, const char *file, struct ht_documents *documents,
                    bool *is_damaged);
static int add(struct putting *putting, const char *file, const struct ht_document *document);
static int send_chunk(struct putting *putting);
static uint64_t total_bytes(const char *const *files, size_t count);

int ht_put_files(struct ht_put_sink *sink, const char *const *files, size_t count,
                 struct ht_put_report *report, struct ht_error *error)
{
    struct putting putting = {.sink = sink, .report = report, .error = error};
    ht_clock_init_system(&putting.clock);
    ht_buffer_init(&putting.chunk.bytes, HT_PUT_CHUNK_BYTES + 2 * HT_DOCUMENTS_MESSAGE_BYTES_MAX);
    putting.chunk.entries = calloc(HT_PUT_CHUNK_MESSAGES, sizeof(*putting.chunk.entries));
    putting.piece = malloc(PIECE_BYTES);
    int result = putting.chunk.entries == NULL || putting.piece == NULL
                     ? ht_error_set(error, HT_ENOMEM, "Out of memory.")
                     : 0;
    report->total_bytes = total_bytes(files, count);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = put_file(&putting, files[i]);
    }
    if (result == 0) {
        result = send_chunk(&putting);
    }
    ht_buffer_finish(&putting.chunk.bytes);
    free(putting.chunk.entries);
    free(putting.piece);
    return result;
}

static int put_file(struct putting *putting, const char *file)
{
    bool is_stdin = strcmp(file, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        ht_put_report_failure(putting->report, file, strerror(errno));
        return 0;
    }
    int result = put_descriptor(putting, is_stdin ? "stdin" : file, fd);
    if (!is_stdin) {
        (void)close(fd);
    }
    return result;
}

static ssize_t read_piece(int fd, char *piece)
{
    ssize_t length;
    do {
        length = read(fd, piece, PIECE_BYTES);
    } while (length < 0 && errno == EINTR);
    return length;
}

static int put_descriptor(struct putting *putting, const char *file, int fd)
{
    struct ht_documents *documents = ht_documents_create();
    if (documents == NULL) {
        return ht_error_set(putting->error, HT_ENOMEM, "Out of memory.");
    }
    int result = 0;
    bool is_damaged = false, is_last = false;
    while (result == 0 && !is_last) {
        ssize_t length = read_piece(fd, putting->piece);
        if (length < 0) {
            ht_put_report_failure(putting->report, file, strerror(errno));
        }
        is_last = length <= 0;
        if (is_last) {
            ht_documents_end(documents);
        } else {
            ht_documents_feed(documents, ht_slice_make(putting->piece, (size_t)length));
            putting->report->read_bytes += (size_t)length;
        }
        result = take_all(putting, file, documents, &is_damaged);
        ht_put_report_progress(putting->report, ht_clock_monotonic_ns(&putting->clock));
    }
    if (is_damaged) {
        ht_put_report_failure(putting->report, file, "the file could not be read to its end");
    }
    ht_documents_destroy(documents);
    return result;
}

/* Everything that the piece holds. */
static int take_all(struct putting *putting, const char *file, struct ht_documents *documents,
                    bool *is_damaged)
{
    for (;;) {
        struct ht_document document;
        int result = 0;
        switch (ht_documents_next(documents, &document)) {
        case HT_DOCUMENTS_MESSAGE:
            result = add(putting, file, &document);
            break;
        case HT_DOCUMENTS_REJECT:
            *is_damaged = *is_damaged || document.is_damaged;
            ht_put_report_skip(putting->report, file, document.line, document.reason);
            break;
        case HT_DOCUMENTS_MORE:
        case HT_DOCUMENTS_END:
            return 0;
        case HT_DOCUMENTS_FAILED:
            return ht_error_set(putting->error, HT_ENOMEM, "Out of memory.");
        }
        if (result != 0) {
            return result;
        }
    }
}

static int add(struct putting *putting, const char *file, const struct ht_document *document)
{
    struct ht_put_chunk *chunk = &putting->chunk;
    struct ht_put_entry *entry = &chunk->entries[chunk->count];
    *entry = (struct ht_put_entry){.offset = chunk->bytes.length,
                                   .length = document->bytes.length,
                                   .file = file,
                                   .line = document->line};
    if (ht_buffer_append_slice(&chunk->bytes, document->bytes) != 0) {
        return ht_error_set(putting->error, HT_ENOMEM, "Out of memory.");
    }
    /* One a line: a line end inside of JSON is white space between two words of it. */
    for (size_t i = entry->offset; i < chunk->bytes.length; i++) {
        if (chunk->bytes.data[i] == '\n' || chunk->bytes.data[i] == '\r') {
            chunk->bytes.data[i] = ' ';
        }
    }
    if (ht_buffer_append_byte(&chunk->bytes, '\n') != 0) {
        return ht_error_set(putting->error, HT_ENOMEM, "Out of memory.");
    }
    chunk->count++;
    bool is_full =
        chunk->count == HT_PUT_CHUNK_MESSAGES || chunk->bytes.length >= HT_PUT_CHUNK_BYTES;
    return is_full ? send_chunk(putting) : 0;
}

static int send_chunk(struct putting *putting)
{
    struct ht_put_chunk *chunk = &putting->chunk;
    if (chunk->count == 0) {
        return 0;
    }
    int result = putting->sink->send(putting->sink, chunk, putting->error);
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; i < chunk->count; i++) {
        const struct ht_put_entry *entry = &chunk->entries[i];
        if (entry->reason[0] == '\0') {
            putting->report->put++;
        } else {
            ht_put_report_skip(putting->report, entry->file, entry->line, entry->reason);
        }
    }
    chunk->count = 0;
    ht_buffer_clear(&chunk->bytes);
    ht_put_report_progress(putting->report, ht_clock_monotonic_ns(&putting->clock));
    return 0;
}

/* 0 where one of them is no file, such as stdin: then nobody knows how far it is. */
static uint64_t total_bytes(const char *const *files, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat about;
        int found =
            strcmp(files[i], "-") == 0 ? fstat(STDIN_FILENO, &about) : stat(files[i], &about);
        if (found == 0 && !S_ISREG(about.st_mode)) {
            return 0;
        }
        total += found == 0 ? (uint64_t)about.st_size : 0;
    }
    return total;
}
