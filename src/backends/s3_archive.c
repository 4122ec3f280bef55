// SPDX-License-Identifier: MIT

/*
 *   append: into the open buffer
 *   due (time over, full, flush, close): the object takes the appends
 *   worker: lines -> is it the object that failed? its key, else a new one -> gzip -> checksums
 *   put -> on_put: stored -----------------------------------> its appends are answered
 *    ^        |    If-None-Match unknown: once more without      |
 *    +--------+    failed: its appends and all behind fail       +-> the next object
 */

#include "hashtagd/backends/s3_archive.h"

#include "archive_buffer.h"
#include "archive_fault.h"
#include "archive_name.h"

#include "hashtagd/aws/s3_put_object.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ARCHIVE_MAGIC = 0x61337333,
    MOST_OBJECT_BYTES = 256 * 1024 * 1024,
};

/* An object that was put, without anybody knowing whether it is there. */
struct unsure {
    size_t bytes; /* of its lines; 0: there is none */
    uint8_t hash[HT_DIGEST_SHA256_BYTES];
    char key[HT_ARCHIVE_OBJECT_BYTES];
};

/* The object that is being made and put. */
struct object {
    struct ht_archive_append *first; /* linked by next */
    struct ht_job job;
    int64_t name_ms;  /* time of its name, if it gets a new one */
    uint64_t counter; /* likewise */
    char key[HT_ARCHIVE_OBJECT_BYTES];
    bool is_repeat; /* the key of the unsure one */
    size_t bytes;   /* of its lines */
    uint8_t hash[HT_DIGEST_SHA256_BYTES];
    struct ht_buffer gzip;
    struct ht_s3_checksums checksums;
    int status; /* of the worker's part */
};

struct s3_archive {
    struct ht_archive archive; /* first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_s3_archive_options options; /* without the names */
    char bucket[HT_S3_BUCKET_BYTES];
    char prefix[HT_S3_PREFIX_BYTES];
    char resource[HT_S3_BUCKET_BYTES + 16]; /* "bucket NAME" */
    uint64_t process;                       /* random */
    /* state */
    struct ht_archive_buffer open;
    struct object object;
    struct unsure unsure;
    struct ht_s3_put_object put;
    bool is_running;
    bool knows_condition; /* the peer takes If-None-Match, as far as is known */
    int64_t last_name_ms; /* names never go back */
    uint64_t counter;
    /* close */
    struct ht_timer close_timer;
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void append(struct ht_archive *port, struct ht_archive_append *request);
static void flush(struct ht_archive *port);
static void on_due(struct ht_archive_buffer *open);
static void run_make(struct ht_job *job);
static void on_made(struct ht_job *job);
static void put(struct s3_archive *archive);
static void on_put(struct ht_s3_put_object *op);
static void succeed(struct s3_archive *archive);
static void fail(struct s3_archive *archive, enum ht_health_state state,
                 const struct ht_error *error);
static void next_object(struct s3_archive *archive);
static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_archive *port);

static const struct ht_archive_ops operations = {
    .type = "s3",
    .append = append,
    .flush = flush,
    .close = close_archive,
    .destroy = destroy,
};

static struct s3_archive *archive_from(struct ht_archive *port)
{
    struct s3_archive *archive = HT_CONTAINER_OF(port, struct s3_archive, archive);
    HT_ASSERT(archive->magic == ARCHIVE_MAGIC);
    return archive;
}

static bool has_control_character(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

int ht_s3_archive_check_names(const char *bucket, const char *prefix, struct ht_error *error)
{
    static const char accepted[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t length = strlen(bucket);
    if (length < 3 || length >= HT_S3_BUCKET_BYTES || strspn(bucket, accepted) != length) {
        return ht_error_set(error, HT_EINVAL,
                            "'%.64s' is no name of a bucket: 3 to 63 small letters, digits, '.' "
                            "and '-' are accepted.",
                            bucket);
    }
    if (strlen(prefix) >= HT_S3_PREFIX_BYTES || prefix[0] == '/' || has_control_character(prefix)) {
        return ht_error_set(error, HT_EINVAL,
                            "The archive's prefix '%.64s' %s: something like 'deleted/' is "
                            "accepted.",
                            prefix,
                            prefix[0] == '/' ? "begins with '/'"
                                             : "is too long or has a control character");
    }
    return 0;
}

int ht_s3_archive_create(struct ht_archive **out, const struct ht_s3_archive_options *options,
                         struct ht_error *error)
{
    uint64_t process;
    *out = NULL;
    int status = ht_s3_archive_check_names(options->bucket, options->prefix, error);
    if (status != 0) {
        return status;
    }
    if (ht_random_secret(&process, sizeof(process)) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers.");
    }
    struct s3_archive *archive = calloc(1, sizeof(*archive));
    if (archive == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the archive.");
    }
    archive->magic = ARCHIVE_MAGIC;
    archive->archive.ops = &operations;
    archive->options = *options;
    archive->options.bucket = NULL;
    archive->options.prefix = NULL;
    archive->process = process;
    archive->knows_condition = true;
    (void)snprintf(archive->bucket, sizeof(archive->bucket), "%s", options->bucket);
    (void)snprintf(archive->prefix, sizeof(archive->prefix), "%s", options->prefix);
    (void)snprintf(archive->resource, sizeof(archive->resource), "bucket %s", options->bucket);
    ht_health_init(&archive->archive.health, options->clock, HT_HEALTH_IDLE);
    ht_archive_buffer_init(&archive->open, options->timers, &archive->archive.counters, on_due);
    archive->open.wait_ms = (uint64_t)options->buffer_s * 1000;
    archive->open.full_bytes = options->buffer_bytes;
    ht_timer_init(&archive->close_timer, on_close_turn);
    *out = &archive->archive;
    return 0;
}

static void append(struct ht_archive *port, struct ht_archive_append *request)
{
    struct s3_archive *archive = archive_from(port);
    ht_archive_buffer_add(&archive->open, request);
    if (archive->is_closing) {
        ht_archive_buffer_hurry(&archive->open);
    }
}

static void flush(struct ht_archive *port)
{
    ht_archive_buffer_hurry(&archive_from(port)->open);
}

static void on_due(struct ht_archive_buffer *open)
{
    struct s3_archive *archive = HT_CONTAINER_OF(open, struct s3_archive, open);
    struct object *object = &archive->object;
    if (archive->is_running || !open->is_due) {
        return;
    }
    int64_t now_ms = ht_clock_wall_ms(archive->options.clock);
    archive->last_name_ms = now_ms > archive->last_name_ms ? now_ms : archive->last_name_ms;
    archive->is_running = true;
    object->name_ms = archive->last_name_ms;
    object->counter = ++archive->counter;
    /* what failed comes again as it was, so that it is the same object */
    object->first = archive->unsure.bytes > 0
                        ? ht_archive_buffer_take_bytes(open, archive->unsure.bytes)
                        : ht_archive_buffer_take(open);
    ht_buffer_init(&object->gzip, MOST_OBJECT_BYTES);
    ht_job_init(&object->job, run_make, on_made);
    ht_worker_submit(archive->options.worker, &object->job);
}

static int choose_key(struct s3_archive *archive)
{
    struct object *object = &archive->object;
    const struct unsure *unsure = &archive->unsure;
    char suffix[64];
    object->is_repeat = unsure->bytes > 0 && unsure->bytes == object->bytes &&
                        memcmp(unsure->hash, object->hash, sizeof(object->hash)) == 0;
    if (object->is_repeat) {
        memcpy(object->key, unsure->key, sizeof(object->key));
        return 0;
    }
    (void)snprintf(suffix, sizeof(suffix), "%016" PRIx64 "-%06" PRIu64, archive->process,
                   object->counter);
    return ht_archive_name_format(object->key, sizeof(object->key), archive->prefix,
                                  object->name_ms, suffix);
}

static void run_make(struct ht_job *job)
{
    struct s3_archive *archive = HT_CONTAINER_OF(job, struct s3_archive, object.job);
    struct object *object = &archive->object;
    struct ht_buffer lines;
    ht_buffer_init(&lines, MOST_OBJECT_BYTES);
    for (const struct ht_archive_append *at = object->first; at != NULL; at = at->next) {
        (void)ht_buffer_append_slice(&lines, at->lines);
    }
    object->bytes = lines.length;
    object->status = ht_buffer_status(&lines);
    if (object->status == 0) {
        ht_digest_sha256(ht_buffer_slice(&lines), object->hash);
        object->status = choose_key(archive);
    }
    if (object->status == 0) {
        object->status = ht_gzip_format(ht_buffer_slice(&lines), &object->gzip);
    }
    ht_buffer_finish(&lines);
    ht_s3_checksums_of(ht_buffer_slice(&object->gzip), &object->checksums);
    object->checksums.has_crc32 = !archive->options.leaves_out_crc32;
}

static void on_made(struct ht_job *job)
{
    struct s3_archive *archive = HT_CONTAINER_OF(job, struct s3_archive, object.job);
    struct ht_error error;
    if (archive->object.status == 0) {
        put(archive);
        return;
    }
    (void)ht_error_set(&error, archive->object.status, "No object for the %s could be made: %s.",
                       archive->resource, ht_error_meaning(archive->object.status));
    fail(archive, HT_HEALTH_WAITING, &error);
}

static void put(struct s3_archive *archive)
{
    struct object *object = &archive->object;
    archive->put = (struct ht_s3_put_object){
        .bucket = ht_slice_text(archive->bucket),
        .key = ht_slice_text(object->key),
        .body = ht_buffer_slice(&object->gzip),
        .checksums = object->checksums,
        .content_type = "application/gzip",
        .creates_only = archive->knows_condition,
        .resource = archive->resource,
        .done = on_put,
        .user = archive,
    };
    ht_s3_put_object_start(archive->options.aws, &archive->put);
}

static void on_put(struct ht_s3_put_object *op)
{
    struct s3_archive *archive = op->user;
    struct object *object = &archive->object;
    struct ht_archive_fault fault;
    if (op->status == HT_EUNSUPPORTED && op->creates_only) {
        archive->knows_condition = false;
        put(archive);
        return;
    }
    /* nobody else makes this key: an earlier attempt of ours has got through */
    bool is_ours = op->status == HT_EEXIST && (object->is_repeat || op->call.attempts > 1);
    if (op->status == 0 || is_ours) {
        succeed(archive);
        return;
    }
    archive->unsure.bytes = op->status == HT_EEXIST ? 0 : object->bytes;
    memcpy(archive->unsure.hash, object->hash, sizeof(object->hash));
    memcpy(archive->unsure.key, object->key, sizeof(object->key));
    ht_archive_fault_read(&fault, &op->call, ht_aws_client_region(archive->options.aws),
                          ht_http_header_find(op->call.answer_headers, op->call.answer_header_count,
                                              "x-amz-bucket-region"));
    fault.error.code = op->status;
    /* a conflict with somebody who writes the same key mends by itself */
    fail(archive, op->status == HT_EBUSY ? HT_HEALTH_WAITING : fault.state, &fault.error);
}

static void succeed(struct s3_archive *archive)
{
    struct object *object = &archive->object;
    struct ht_archive_counters *counters = &archive->archive.counters;
    struct ht_archive_append *list = object->first;
    object->first = NULL;
    archive->unsure.bytes = 0;
    counters->lines_delivered += ht_archive_appends_lines(list);
    counters->objects++;
    counters->bytes += object->gzip.length;
    ht_buffer_finish(&object->gzip);
    ht_health_set(&archive->archive.health, HT_HEALTH_WORKING, "%s", "");
    ht_health_succeed(&archive->archive.health);
    struct ht_archive_outcome outcome = {.object = object->key};
    ht_archive_appends_answer(counters, list, &outcome);
    next_object(archive);
}

/* Those behind fail too: nothing may overtake what failed. */
static void fail(struct s3_archive *archive, enum ht_health_state state,
                 const struct ht_error *error)
{
    struct ht_error kept = *error;
    struct ht_archive_counters *counters = &archive->archive.counters;
    struct ht_archive_append *list = archive->object.first;
    archive->object.first = NULL;
    ht_buffer_finish(&archive->object.gzip);
    list = ht_archive_buffer_join(&archive->open, list);
    counters->errors++;
    counters->lines_retried += ht_archive_appends_lines(list);
    ht_health_fail(&archive->archive.health, state, &kept);
    struct ht_archive_outcome outcome = {.status = kept.code, .error = &kept};
    ht_archive_appends_answer(counters, list, &outcome);
    next_object(archive);
}

static void next_object(struct s3_archive *archive)
{
    archive->is_running = false;
    if (archive->open.is_due || archive->is_closing) {
        ht_archive_buffer_hurry(&archive->open);
    }
    if (archive->is_closing) {
        ht_timer_start(archive->options.timers, &archive->close_timer, 0);
    }
}

static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user)
{
    struct s3_archive *archive = archive_from(port);
    HT_ASSERT(!archive->is_closing);
    archive->is_closing = true;
    archive->on_closed = on_closed;
    archive->on_closed_user = user;
    flush(port);
    ht_timer_start(archive->options.timers, &archive->close_timer, 0);
}

static void on_close_turn(struct ht_timer *timer)
{
    struct s3_archive *archive = HT_CONTAINER_OF(timer, struct s3_archive, close_timer);
    if (archive->is_running || archive->open.first != NULL) {
        return; /* the end of the object comes back here */
    }
    ht_health_set(&archive->archive.health, HT_HEALTH_STOPPED, "%s", "");
    archive->on_closed(archive->on_closed_user);
}

static void destroy(struct ht_archive *port)
{
    if (port == NULL) {
        return;
    }
    struct s3_archive *archive = archive_from(port);
    HT_ASSERT(!archive->is_running && archive->open.first == NULL);
    ht_archive_buffer_stop(&archive->open);
    ht_timer_stop(archive->options.timers, &archive->close_timer);
    archive->magic = 0;
    free(archive);
}
