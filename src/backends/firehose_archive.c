// SPDX-License-Identifier: MIT

/*
 *   append: into the open buffer
 *   due (time over, a record full, flush, close): the batch takes the appends
 *   step: pack -> put -> on_put: accepted? -------------------------+-> answer the appends
 *          ^       ^        |                                       |       |
 *          |       +--wait--+ some failed        on_letters <- letters      |
 *          +----------------------------- more lines ---------------+-------+
 *   a call that fails, or no progress: what waits is answered with the error
 */

#include "hashtagd/backends/firehose_archive.h"

#include "archive_buffer.h"
#include "archive_fault.h"
#include "firehose_batch.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"
#include "hashtagd/base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARCHIVE_MAGIC = 0x66697265,
    RECORD_BYTES = 1000000,
    GIVE_UP_MS = 60000, /* without a record accepted */
    LETTERS_MAX = 64,   /* in one append to the dead letters */
    SUSPECTS_MAX = 16,  /* lines refused alone while nothing is accepted: it is the stream */
};

/* Between calls of which some records failed: the pace of the AWS SDKs for throttles, 1 s doubled. */
static const struct ht_backoff pauses = {.base_ms = 1000, .max_ms = 20000};

struct firehose_archive {
    struct ht_archive archive; /* first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_firehose_archive_options options; /* without the name */
    char name[HT_FIREHOSE_NAME_BYTES];
    char resource[HT_FIREHOSE_NAME_BYTES + 32]; /* "delivery stream NAME" */
    struct ht_firehose_limits limits;
    /* state */
    struct ht_archive_buffer open;
    struct ht_firehose_batch batch;
    struct ht_firehose_put_record_batch put;
    bool is_putting;
    unsigned pauses_in_a_row;
    uint64_t progress_ms; /* monotonic: the last record accepted, or the batch's begin */
    struct ht_timer turn_timer;
    struct ht_timer pause_timer;
    /* dead letters */
    struct ht_dead_letter letters[LETTERS_MAX];
    struct ht_dead_letters_append letters_append;
    bool is_writing_letters;
    /* close */
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void append(struct ht_archive *port, struct ht_archive_append *request);
static void flush(struct ht_archive *port);
static void on_due(struct ht_archive_buffer *open);
static void on_turn(struct ht_timer *timer);
static void step(struct firehose_archive *archive);
static bool load(struct firehose_archive *archive);
static void put(struct firehose_archive *archive);
static void on_put(struct ht_firehose_put_record_batch *op);
static void take_outcomes(struct firehose_archive *archive);
static void pause_sending(struct firehose_archive *archive);
static void on_pause_over(struct ht_timer *timer);
static void write_letters(struct firehose_archive *archive);
static void on_letters(struct ht_dead_letters_append *letters);
static void finish_batch(struct firehose_archive *archive);
static void fail(struct firehose_archive *archive, enum ht_health_state state,
                 const struct ht_error *error);
static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user);
static void destroy(struct ht_archive *port);

static const struct ht_archive_ops operations = {
    .type = "firehose",
    .append = append,
    .flush = flush,
    .close = close_archive,
    .destroy = destroy,
};

static struct firehose_archive *archive_from(struct ht_archive *port)
{
    struct firehose_archive *archive = HT_CONTAINER_OF(port, struct firehose_archive, archive);
    HT_ASSERT(archive->magic == ARCHIVE_MAGIC);
    return archive;
}

int ht_firehose_archive_check_name(const char *name, struct ht_error *error)
{
    static const char accepted[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strlen(name);
    if (length > 0 && length < HT_FIREHOSE_NAME_BYTES && strspn(name, accepted) == length) {
        return 0;
    }
    return ht_error_set(error, HT_EINVAL,
                        "'%.80s' is no name of a delivery stream: 1 to 64 letters, digits and "
                        "'_', '.', '-' are accepted.",
                        name);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int ht_firehose_archive_create(struct ht_archive **out,
                               const struct ht_firehose_archive_options *options,
                               struct ht_error *error)
{
    *out = NULL;
    int status = ht_firehose_archive_check_name(options->name, error);
    if (status != 0) {
        return status;
    }
    struct firehose_archive *archive = calloc(1, sizeof(*archive));
    if (archive == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the archive.");
    }
    status = ht_random_secret(&archive->batch.order.secret, sizeof(archive->batch.order.secret));
    if (status != 0) {
        free(archive);
        return ht_error_set(error, status, "The system gives no random bytes for the archive.");
    }
    size_t record_bytes = options->record_bytes == 0 ? RECORD_BYTES : options->record_bytes;
    archive->magic = ARCHIVE_MAGIC;
    archive->archive.ops = &operations;
    archive->options = *options;
    archive->options.name = NULL;
    (void)snprintf(archive->name, sizeof(archive->name), "%s", options->name);
    (void)snprintf(archive->resource, sizeof(archive->resource), "delivery stream %s",
                   options->name);
    archive->limits = (struct ht_firehose_limits){
        .record_bytes = smaller(record_bytes, RECORD_BYTES),
        .line_bytes = HT_FIREHOSE_RECORD_BYTES,
        .batch_bytes = HT_FIREHOSE_BATCH_BYTES,
        .batch_records = HT_FIREHOSE_BATCH_RECORDS,
        .frame_bytes = ht_firehose_batch_frame_bytes(ht_slice_text(options->name)),
    };
    ht_health_init(&archive->archive.health, options->clock, HT_HEALTH_IDLE);
    ht_archive_buffer_init(&archive->open, options->timers, &archive->archive.counters, on_due);
    archive->open.wait_ms = (uint64_t)options->buffer_s * 1000;
    archive->open.full_bytes = smaller(options->buffer_bytes, RECORD_BYTES);
    ht_timer_init(&archive->turn_timer, on_turn);
    ht_timer_init(&archive->pause_timer, on_pause_over);
    *out = &archive->archive;
    return 0;
}

static void append(struct ht_archive *port, struct ht_archive_append *request)
{
    struct firehose_archive *archive = archive_from(port);
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
    step(HT_CONTAINER_OF(open, struct firehose_archive, open));
}

static void on_turn(struct ht_timer *timer)
{
    step(HT_CONTAINER_OF(timer, struct firehose_archive, turn_timer));
}

static void step_soon(struct firehose_archive *archive)
{
    ht_timer_start(archive->options.timers, &archive->turn_timer, 0);
}

static bool is_busy(const struct firehose_archive *archive)
{
    return archive->is_putting || archive->is_writing_letters ||
           ht_timer_is_running(&archive->pause_timer);
}

static bool is_done(const struct firehose_archive *archive)
{
    return !is_busy(archive) && archive->batch.first == NULL && archive->open.first == NULL;
}

/* What is to be done next: one thing, whose end comes back here on a later turn. */
static void step(struct firehose_archive *archive)
{
    struct ht_firehose_batch *batch = &archive->batch;
    if (is_busy(archive)) {
        return;
    }
    if (batch->count == 0 && !load(archive)) {
        return;
    }
    bool is_hopeless = !batch->has_accepted &&
                       ht_firehose_batch_count(batch, HT_FIREHOSE_PIECE_SUSPECT) >= SUSPECTS_MAX;
    if (!is_hopeless && ht_firehose_batch_select(batch, &archive->limits) > 0) {
        put(archive);
    } else if (!ht_firehose_batch_judge(batch)) {
        struct ht_archive_fault fault;
        ht_archive_fault_read(&fault, &archive->put.call,
                              ht_aws_client_region(archive->options.aws), HT_SLICE(""));
        fail(archive, HT_HEALTH_FAILED, &fault.error);
    } else if (ht_firehose_batch_count(batch, HT_FIREHOSE_PIECE_LETTER) > 0) {
        write_letters(archive);
    } else {
        finish_batch(archive);
    }
}

/* Fills the batch; false where there is nothing to do, or it failed. */
static bool load(struct firehose_archive *archive)
{
    struct ht_error error;
    if (archive->batch.first == NULL) {
        if (archive->open.is_due) {
            ht_firehose_batch_take(&archive->batch, ht_archive_buffer_take(&archive->open));
        } else if (archive->is_closing && is_done(archive) && archive->on_closed != NULL) {
            void (*on_closed)(void *) = archive->on_closed;
            archive->on_closed = NULL;
            ht_health_set(&archive->archive.health, HT_HEALTH_STOPPED, "%s", "");
            on_closed(archive->on_closed_user);
            return false;
        }
    }
    if (archive->batch.first == NULL) {
        return false;
    }
    archive->pauses_in_a_row = 0;
    archive->progress_ms = ht_clock_monotonic_ms(archive->options.clock);
    if (ht_firehose_batch_pack(&archive->batch, &archive->limits) != 0) {
        (void)ht_error_set(&error, HT_ENOMEM, "Out of memory for records of the %s.",
                           archive->resource);
        fail(archive, HT_HEALTH_WAITING, &error);
        return false;
    }
    return true;
}

static void put(struct firehose_archive *archive)
{
    struct ht_firehose_batch *batch = &archive->batch;
    archive->archive.counters.lines_retried += batch->repeated_lines;
    archive->is_putting = true;
    archive->put = (struct ht_firehose_put_record_batch){
        .stream_name = ht_slice_text(archive->name),
        .records = batch->records,
        .count = batch->sent_count,
        .outcomes = batch->outcomes,
        .resource = archive->resource,
        .done = on_put,
        .user = archive,
    };
    ht_firehose_put_record_batch_start(archive->options.aws, &archive->put);
}

/* Refused for what the records may hold: not for who asks, or for which stream. */
static bool is_about_records(const struct ht_firehose_put_record_batch *op)
{
    static const char *const codes[] = {"InvalidArgumentException", "ValidationException",
                                        "SerializationException"};
    for (size_t i = 0; i < HT_COUNT_OF(codes); i++) {
        if (strcmp(op->call.failure.code, codes[i]) == 0) {
            return op->call.status != 0;
        }
    }
    return false;
}

static void on_put(struct ht_firehose_put_record_batch *op)
{
    struct firehose_archive *archive = op->user;
    struct ht_archive_fault fault;
    archive->is_putting = false;
    if (op->status == 0) {
        take_outcomes(archive);
        return;
    }
    if (is_about_records(op) && ht_firehose_batch_refuse(&archive->batch) == 0) {
        archive->archive.counters.errors++;
        ht_health_note_error(&archive->archive.health, &op->call.error);
        step_soon(archive);
        return;
    }
    ht_archive_fault_read(&fault, &op->call, ht_aws_client_region(archive->options.aws),
                          HT_SLICE(""));
    fail(archive, fault.state, &fault.error);
}

static void take_outcomes(struct firehose_archive *archive)
{
    struct ht_archive_counters *counters = &archive->archive.counters;
    struct ht_firehose_progress progress;
    bool has_memory = ht_firehose_batch_apply(&archive->batch, &progress) == 0;
    counters->lines_delivered += progress.accepted_lines;
    counters->objects += progress.accepted_records;
    counters->bytes += progress.accepted_bytes;
    if (progress.accepted_records > 0) {
        archive->progress_ms = ht_clock_monotonic_ms(archive->options.clock);
        archive->pauses_in_a_row = 0;
        ht_health_set(&archive->archive.health, HT_HEALTH_WORKING, "%s", "");
        ht_health_succeed(&archive->archive.health);
    }
    counters->errors += archive->put.failed_count > 0 ? 1 : 0;
    if (archive->put.failed_count == progress.refused && has_memory) {
        step_soon(archive);
        return;
    }
    pause_sending(archive);
}

/* Some records are to be sent again. Where none gets through for long, whoever waits is told. */
static void pause_sending(struct firehose_archive *archive)
{
    struct ht_error error;
    struct ht_slice id =
        ht_http_header_find(archive->put.call.answer_headers, archive->put.call.answer_header_count,
                            "x-amzn-RequestId");
    uint64_t now_ms = ht_clock_monotonic_ms(archive->options.clock);
    uint64_t wait_ms = ht_backoff_ms(&pauses, ++archive->pauses_in_a_row, archive->options.random);
    (void)ht_error_set(
        &error, HT_EBUSY,
        "The %s took %zu of %zu records and refused the others for now: they are sent again; if it "
        "lasts, ask AWS for a higher quota. Firehose said %s, request id %.*s: %s",
        archive->resource, archive->put.count - archive->put.failed_count, archive->put.count,
        archive->put.code, (int)id.length, id.length == 0 ? "" : id.data, archive->put.message);
    if (archive->is_closing || now_ms - archive->progress_ms >= GIVE_UP_MS) {
        fail(archive, HT_HEALTH_WAITING, &error);
        return;
    }
    if (archive->pauses_in_a_row > 1) {
        ht_health_fail(&archive->archive.health, HT_HEALTH_WAITING, &error);
    } else {
        ht_health_note_error(&archive->archive.health, &error);
    }
    ht_log_warning(archive->options.log, "archive", "records not accepted, sending them again",
                   HT_TEXT("stream", archive->name), HT_TEXT("code", archive->put.code),
                   HT_TEXT("text", archive->put.message), HT_BYTES("request_id", id),
                   HT_NUMBER("records", archive->put.failed_count), HT_NUMBER("wait_ms", wait_ms));
    ht_timer_start(archive->options.timers, &archive->pause_timer, wait_ms);
}

static void on_pause_over(struct ht_timer *timer)
{
    step(HT_CONTAINER_OF(timer, struct firehose_archive, pause_timer));
}

static struct ht_slice without_newline(struct ht_slice line)
{
    bool has_newline = line.length > 0 && line.data[line.length - 1] == '\n';
    return ht_slice_make(line.data, line.length - (has_newline ? 1 : 0));
}

static void write_letters(struct firehose_archive *archive)
{
    struct ht_firehose_batch *batch = &archive->batch;
    size_t count = 0;
    if (archive->options.dead_letters == NULL) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_EINVAL,
                           "The %s refuses a line for good (%s: %s), and there is no place for "
                           "dead letters.",
                           archive->resource, archive->put.code, archive->put.message);
        fail(archive, HT_HEALTH_FAILED, &error);
        return;
    }
    for (size_t i = 0; i < batch->count && count < LETTERS_MAX; i++) {
        if (batch->pieces[i].state == HT_FIREHOSE_PIECE_LETTER) {
            archive->letters[count++] = (struct ht_dead_letter){
                .data = without_newline(batch->pieces[i].data),
                .shard_id = HT_SLICE(""),
                .sequence_number = HT_SLICE(""),
                .reason = HT_SLICE("refused"),
                .at_ms = ht_clock_wall_ms(archive->options.clock),
            };
        }
    }
    archive->is_writing_letters = true;
    archive->letters_append = (struct ht_dead_letters_append){
        .letters = archive->letters, .count = count, .done = on_letters, .user = archive};
    archive->options.dead_letters->ops->append(archive->options.dead_letters,
                                               &archive->letters_append);
}

static void on_letters(struct ht_dead_letters_append *letters)
{
    struct firehose_archive *archive = letters->user;
    size_t left = letters->count;
    archive->is_writing_letters = false;
    if (letters->status != 0) {
        fail(archive, HT_HEALTH_WAITING, &letters->error);
        return;
    }
    for (size_t i = 0; i < archive->batch.count && left > 0; i++) {
        if (archive->batch.pieces[i].state == HT_FIREHOSE_PIECE_LETTER) {
            archive->batch.pieces[i].state = HT_FIREHOSE_PIECE_LETTERED;
            left--;
        }
    }
    archive->archive.counters.lines_dead_lettered += letters->count;
    ht_log_warning(archive->options.log, "archive", "lines refused for good, kept as dead letters",
                   HT_TEXT("stream", archive->name), HT_NUMBER("lines", letters->count));
    step_soon(archive);
}

static void answer_done(struct firehose_archive *archive)
{
    struct ht_archive_outcome outcome = {.object = archive->resource};
    ht_archive_appends_answer(&archive->archive.counters,
                              ht_firehose_batch_take_done(&archive->batch), &outcome);
}

static void finish_batch(struct firehose_archive *archive)
{
    /* before the answers: a `done` may look at what is left */
    struct ht_archive_outcome outcome = {.object = archive->resource};
    struct ht_archive_append *list = ht_firehose_batch_take_done(&archive->batch);
    ht_firehose_batch_clear(&archive->batch);
    ht_archive_appends_answer(&archive->archive.counters, list, &outcome);
    step_soon(archive);
}

/* Those whose lines are all accepted are answered so; all others fail, and nothing overtakes. */
static void fail(struct firehose_archive *archive, enum ht_health_state state,
                 const struct ht_error *error)
{
    struct ht_error kept = *error;
    struct ht_archive_outcome outcome = {.status = kept.code, .error = &kept};
    archive->archive.counters.errors++;
    ht_health_fail(&archive->archive.health, state, &kept);
    answer_done(archive);
    struct ht_archive_append *list =
        ht_archive_buffer_join(&archive->open, ht_firehose_batch_take_rest(&archive->batch));
    archive->archive.counters.lines_retried += ht_archive_appends_lines(list);
    ht_archive_appends_answer(&archive->archive.counters, list, &outcome);
    step_soon(archive);
}

static void close_archive(struct ht_archive *port, void (*on_closed)(void *user), void *user)
{
    struct firehose_archive *archive = archive_from(port);
    HT_ASSERT(!archive->is_closing);
    archive->is_closing = true;
    archive->on_closed = on_closed;
    archive->on_closed_user = user;
    flush(port);
    if (ht_timer_is_running(&archive->pause_timer)) {
        /* one more try at once, instead of when its pause is over */
        ht_timer_start(archive->options.timers, &archive->pause_timer, 0);
    }
    step_soon(archive);
}

static void destroy(struct ht_archive *port)
{
    if (port == NULL) {
        return;
    }
    struct firehose_archive *archive = archive_from(port);
    HT_ASSERT(is_done(archive));
    ht_archive_buffer_stop(&archive->open);
    ht_timer_stop(archive->options.timers, &archive->turn_timer);
    ht_timer_stop(archive->options.timers, &archive->pause_timer);
    ht_firehose_batch_finish(&archive->batch);
    archive->magic = 0;
    free(archive);
}
