// SPDX-License-Identifier: MIT
#include "replay_reader.h"

#include "round_ids.h"

#include "hashtagd/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 128 * 1024 };

struct ht_replay_reader {
    char **files; /* owned, with the texts */
    size_t file_count;
    bool loops;
    size_t file;                    /* the one that is read, or is the next */
    int fd;                         /* of it; -1 where none is open */
    struct ht_documents *documents; /* owned; of it */
    uint64_t round;
    uint64_t number;       /* messages of this round so far, skipped ones included */
    uint64_t skip;         /* as many of this round are not given out */
    uint64_t rejects;      /* of this round so far, skipped ones included */
    uint64_t skip_rejects; /* as many of this round are not given out either */
    bool has_message;      /* one was found in this round */
    char chunk[CHUNK_BYTES];
};

static bool read_event(struct ht_replay_reader *reader, struct ht_replay_batch *batch);
static void open_file(struct ht_replay_reader *reader, struct ht_replay_batch *batch);
static void read_chunk(struct ht_replay_reader *reader, struct ht_replay_batch *batch);
static void close_file(struct ht_replay_reader *reader);
static void end_file(struct ht_replay_reader *reader, struct ht_replay_batch *batch);
static void add_item(struct ht_replay_reader *reader, struct ht_replay_batch *batch,
                     const struct ht_document *document);
static bool is_skipped(const struct ht_replay_reader *reader, bool is_message);
static void fail_errno(struct ht_replay_batch *batch, int errno_value, const char *path);
static void fail_memory(struct ht_replay_reader *reader, struct ht_replay_batch *batch);
static bool may_errno_pass(int errno_value);
static void fail(struct ht_replay_batch *batch, int code, const char *path, const char *what,
                 const char *cure);

struct ht_replay_reader *ht_replay_reader_create(const char *const *files, size_t count, bool loops)
{
    struct ht_replay_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return NULL;
    }
    reader->fd = -1;
    reader->loops = loops;
    reader->files = calloc(count + 1, sizeof(*reader->files));
    for (size_t i = 0; reader->files != NULL && i < count; i++) {
        reader->files[i] = ht_slice_to_text(ht_slice_text(files[i]));
        if (reader->files[i] == NULL) {
            break;
        }
        reader->file_count++;
    }
    if (reader->files == NULL || reader->file_count < count) {
        ht_replay_reader_destroy(reader);
        return NULL;
    }
    return reader;
}

void ht_replay_reader_skip(struct ht_replay_reader *reader, uint64_t round, uint64_t count)
{
    reader->round = round;
    reader->skip = count;
}

void ht_replay_reader_destroy(struct ht_replay_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    close_file(reader);
    for (size_t i = 0; i < reader->file_count; i++) {
        free(reader->files[i]);
    }
    free(reader->files);
    free(reader);
}

void ht_replay_reader_fill(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    ht_buffer_clear(&batch->bytes);
    ht_error_clear(&batch->error);
    batch->count = 0;
    batch->is_last = false;
    batch->may_pass = false;
    if (reader->file_count == 0) {
        batch->is_last = true;
        ht_error_set(&batch->error, HT_EINVAL, "There is no file to replay: set source.files.");
    }
    while (!batch->is_last && batch->count < HT_REPLAY_BATCH_ITEMS &&
           batch->bytes.length < HT_REPLAY_BATCH_BYTES) {
        if (!read_event(reader, batch)) {
            break;
        }
    }
}

/* One step; false where it is better to hand over what there is than to go on. */
static bool read_event(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    if (reader->fd < 0) {
        open_file(reader, batch);
        return true;
    }
    struct ht_document document;
    switch (ht_documents_next(reader->documents, &document)) {
    case HT_DOCUMENTS_MESSAGE:
    case HT_DOCUMENTS_REJECT:
        add_item(reader, batch, &document);
        return true;
    case HT_DOCUMENTS_MORE:
        read_chunk(reader, batch);
        return true;
    case HT_DOCUMENTS_END:
        end_file(reader, batch);
        return true;
    case HT_DOCUMENTS_FAILED:
        fail_memory(reader, batch);
        return false;
    }
    return false;
}

static void open_file(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    const char *path = reader->files[reader->file];
    struct stat about;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0) {
        fail_errno(batch, errno, path);
        return;
    }
    if (fstat(reader->fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        fail(batch, HT_EINVAL, path, "it is a directory", "name the files in source.files");
        return;
    }
    reader->documents = ht_documents_create();
    if (reader->documents == NULL) {
        fail_memory(reader, batch);
    }
}

static void read_chunk(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    ssize_t length = read(reader->fd, reader->chunk, sizeof(reader->chunk));
    if (length > 0) {
        ht_documents_feed(reader->documents, ht_slice_make(reader->chunk, (size_t)length));
    } else if (length == 0) {
        ht_documents_end(reader->documents);
    } else if (errno != EINTR) {
        fail_errno(batch, errno, reader->files[reader->file]);
    }
}

static void close_file(struct ht_replay_reader *reader)
{
    if (reader->fd >= 0) {
        close(reader->fd);
        reader->fd = -1;
    }
    ht_documents_destroy(reader->documents);
    reader->documents = NULL;
}

static void end_file(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    close_file(reader);
    reader->file++;
    if (reader->file < reader->file_count) {
        return;
    }
    /* A round without any message would turn for ever. */
    if (!reader->loops || !reader->has_message) {
        batch->is_last = true;
        return;
    }
    reader->file = 0;
    reader->round++;
    reader->number = reader->skip = 0;
    reader->rejects = reader->skip_rejects = 0;
    reader->has_message = false;
}

static void add_item(struct ht_replay_reader *reader, struct ht_replay_batch *batch,
                     const struct ht_document *document)
{
    struct ht_replay_item *item = &batch->items[batch->count];
    bool is_message = document->refusal == HT_TWEET_REFUSAL_NONE;
    reader->has_message = reader->has_message || is_message;
    reader->number += is_message;
    reader->rejects += !is_message;
    if (is_skipped(reader, is_message)) {
        return;
    }
    *item = (struct ht_replay_item){
        .begin = batch->bytes.length,
        .refusal = document->refusal,
        .round = reader->round,
        .number = reader->number,
    };
    int status = is_message ? ht_round_ids_append(document->bytes, reader->round, &batch->bytes)
                            : ht_buffer_append_slice(&batch->bytes, document->bytes);
    if (status != 0) {
        reader->number -= is_message;
        reader->rejects -= !is_message;
        fail_memory(reader, batch);
        return;
    }
    item->length = batch->bytes.length - item->begin;
    batch->count++;
}

/* A cursor counts messages only: what was rejected behind the last one comes again after a start. */
static bool is_skipped(const struct ht_replay_reader *reader, bool is_message)
{
    if (is_message) {
        return reader->number <= reader->skip;
    }
    return reader->number < reader->skip || reader->rejects <= reader->skip_rejects;
}

static void fail_errno(struct ht_replay_batch *batch, int errno_value, const char *path)
{
    char room[128];
    const char *cure =
        errno_value == ENOENT   ? "correct the path in source.files or put the file there"
        : errno_value == EACCES ? "give the user that runs hashtagd the right to read it"
                                : "see to it that the file can be read";
    batch->may_pass = may_errno_pass(errno_value);
    fail(batch, ht_error_from_errno(errno_value), path, strerror_r(errno_value, room, sizeof(room)),
         cure);
}

/* What there was no memory for is read again: from the start of the round, less what is out. */
static void fail_memory(struct ht_replay_reader *reader, struct ht_replay_batch *batch)
{
    batch->may_pass = true;
    fail(batch, HT_ENOMEM, reader->files[reader->file], "memory is out", "free some memory");
    close_file(reader);
    reader->file = 0;
    reader->skip = reader->number > reader->skip ? reader->number : reader->skip;
    reader->skip_rejects =
        reader->rejects > reader->skip_rejects ? reader->rejects : reader->skip_rejects;
    reader->number = reader->rejects = 0;
}

/* Shortages, and a disk that may be well again; not what a person has to put right. */
static bool may_errno_pass(int errno_value)
{
    return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM ||
           errno_value == EIO || errno_value == EAGAIN;
}

static void fail(struct ht_replay_batch *batch, int code, const char *path, const char *what,
                 const char *cure)
{
    batch->is_last = true;
    ht_error_set(&batch->error, code, "Cannot replay %s: %s; %s%s.", path, what, cure,
                 batch->may_pass ? ": it is tried again" : ", then restart");
}

uint64_t ht_replay_reader_fingerprint(const struct ht_replay_reader *reader)
{
    static const struct ht_hash_key key = {0x7265706c6179, 1};
    uint64_t fingerprint = reader->file_count;
    for (size_t i = 0; i < reader->file_count; i++) {
        fingerprint = fingerprint * 31 + ht_hash_bytes(&key, ht_slice_text(reader->files[i]));
    }
    return fingerprint;
}

void ht_replay_batch_init(struct ht_replay_batch *batch)
{
    *batch = (struct ht_replay_batch){0};
    /* The item that passes the border may be of any size. */
    ht_buffer_init(&batch->bytes, HT_REPLAY_BATCH_BYTES + 2 * HT_DOCUMENTS_MESSAGE_BYTES_MAX);
}

void ht_replay_batch_finish(struct ht_replay_batch *batch)
{
    ht_buffer_finish(&batch->bytes);
    batch->count = 0;
}
