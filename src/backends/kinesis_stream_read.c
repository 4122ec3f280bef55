// SPDX-License-Identifier: MIT

/*
 * A read:
 *
 *   step -> an iterator? --no--> GetShardIterator -> step
 *     ^         |                      | refused: from the oldest record, a counted gap
 *     |        yes
 *     |         v
 *     |     may it ask? --no--> wait (pace, back-off, nothing came) -> step
 *     |         |                 | its patience is over: an empty batch, done
 *     |        yes
 *     |         v
 *     |     GetRecords -> make a batch (a large one on the worker) -> done
 *     |         |             | nothing in it
 *     +---------+-------------+
 *       failed, expired
 */

#include "kinesis_stream_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdlib.h>

enum {
    ITERATOR_LIFE_MS = 270 * 1000,       /* of the 300 s that Kinesis gives */
    FIRST_LIMIT = 250,                   /* records, until their size is known */
    AIM_BYTES = 1536 * 1024,             /* of an answer: a few ms to read */
    ON_LOOP_BYTES = 512 * 1024,          /* answers above this are read by the worker */
    ONE_RECORD_BYTES = 16 * 1024 * 1024, /* an answer with one of 10 MiB */
    IDLE_FIRST_MS = 250,
    IDLE_MOST_MS = 1000,
    TRIES_MOST = 4,    /* in one read */
    TRYING_MS = 20000, /* in one read, too */
    CALL_TIMEOUT_MS = 20000,
    CLOSED_QUIET_MS = 3000,            /* a closed shard that stays empty so long, twice, is over */
    BATCH_BYTES = 1024,                /* of a batch beside answer and records, at most */
    ONE_MADE_BYTES = 32 * 1024 * 1024, /* what an aggregated record may become */
};

static const struct ht_backoff backoff = {.base_ms = 200, .max_ms = 10000};
static const struct ht_backoff final_backoff = {.base_ms = 1000, .max_ms = 30000};

static struct ht_kinesis_reader *get_reader(struct ht_kinesis_stream *stream, const char *id);
static void begin(struct ht_kinesis_reader *reader, const struct ht_position *from);
static void on_step_due(struct ht_timer *timer);
static void step(struct ht_kinesis_reader *reader);
static void start_iterator(struct ht_kinesis_reader *reader);
static void on_iterator(struct ht_kinesis_get_shard_iterator *op);
static void wait_or_ask(struct ht_kinesis_reader *reader);
static void ask(struct ht_kinesis_reader *reader);
static void on_records(struct ht_kinesis_get_records *op);
static void make(struct ht_kinesis_reader *reader);
static void run_making(struct ht_job *job);
static void making_done(struct ht_job *job);
static void take_batch(struct ht_kinesis_reader *reader);
static void look_at_empty(struct ht_kinesis_reader *reader, struct ht_record_batch *batch);
static void fail(struct ht_kinesis_reader *reader, bool is_throttled, const struct ht_error *error);
static void finish_empty(struct ht_kinesis_reader *reader);
static void finish_end(struct ht_kinesis_reader *reader);
static void finish(struct ht_kinesis_reader *reader, struct ht_record_batch *batch,
                   const struct ht_error *error);

static uint64_t now_ms(const struct ht_kinesis_reader *reader)
{
    return ht_kinesis_stream_now_ms(reader->stream);
}

static void step_in(struct ht_kinesis_reader *reader, uint64_t delay_ms)
{
    ht_timer_start(reader->stream->options.timers, &reader->timer, delay_ms);
}

void ht_kinesis_stream_read(struct ht_stream *port, struct ht_stream_read *read)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    struct ht_kinesis_reader *reader = get_reader(stream, read->shard_id);
    if (reader == NULL) {
        read->adapter = stream->lost_reads;
        stream->lost_reads = read;
        ht_timer_start(stream->options.timers, &stream->lost_timer, 0);
        return;
    }
    HT_ASSERT(reader->read == NULL);
    reader->read = read;
    reader->tries = 0;
    reader->is_canceled = stream->is_closing;
    reader->has_asked = false;
    reader->began_ms = now_ms(reader);
    reader->wait_until_ms = reader->began_ms + read->wait_ms;
    begin(reader, &read->from);
    step_in(reader, 0);
}

void ht_kinesis_stream_on_lost_due(struct ht_timer *timer)
{
    struct ht_kinesis_stream *stream = HT_CONTAINER_OF(timer, struct ht_kinesis_stream, lost_timer);
    struct ht_stream_read *read = stream->lost_reads;
    if (read == NULL) {
        return;
    }
    stream->lost_reads = read->adapter;
    ht_timer_start(stream->options.timers, timer, 0);
    read->batch = NULL;
    read->status =
        ht_error_set(&read->error, HT_ENOMEM, "Out of memory for reading %s.", read->shard_id);
    ht_kinesis_stream_check_close(stream);
    read->done(read);
}

static struct ht_kinesis_reader *get_reader(struct ht_kinesis_stream *stream, const char *id)
{
    for (struct ht_kinesis_reader *at = stream->readers; at != NULL; at = at->next) {
        if (strcmp(at->shard_id, id) == 0) {
            return at;
        }
    }
    struct ht_kinesis_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return NULL;
    }
    reader->stream = stream;
    memcpy(reader->shard_id, id, strnlen(id, sizeof(reader->shard_id) - 1));
    reader->limit = FIRST_LIMIT;
    ht_timer_init(&reader->timer, on_step_due);
    ht_kinesis_pace_init(&reader->pace, stream->options.reads_per_s,
                         stream->options.read_bytes_per_s, ht_kinesis_stream_now_ms(stream));
    struct ht_kinesis_reader **end = &stream->readers;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = reader;
    return reader;
}

static bool is_same(const struct ht_position *a, const struct ht_position *b)
{
    return a->kind == b->kind && a->time_ms == b->time_ms && a->records == b->records &&
           a->sub_sequence == b->sub_sequence &&
           strcmp(a->sequence_number, b->sequence_number) == 0 &&
           strcmp(a->warm_sequence, b->warm_sequence) == 0 && a->kind != HT_POSITION_LATEST;
}

/* Goes on where the last answer ended, if that is what is asked for. */
static void begin(struct ht_kinesis_reader *reader, const struct ht_position *from)
{
    if (is_same(&reader->stand.at, from)) {
        return;
    }
    ht_kinesis_stand_at(&reader->stand, from);
    reader->has_iterator = false;
    reader->is_fallback = false;
    reader->idle_ms = 0;
    reader->empty_since_ms = 0;
    reader->is_end_checked = false;
    if (from->kind == HT_POSITION_LATEST) {
        /* Another iterator at the tip would skip what came in between: this moment is kept. */
        reader->stand.at.kind = HT_POSITION_AT_TIME;
        reader->stand.at.time_ms = ht_clock_wall_ms(reader->stream->options.clock);
    }
}

static void on_step_due(struct ht_timer *timer)
{
    step(HT_CONTAINER_OF(timer, struct ht_kinesis_reader, timer));
}

/* Its retention is over, and with it all of its records. */
static bool is_gone(const struct ht_kinesis_reader *reader)
{
    return reader->is_unlisted && reader->is_missing;
}

static void step(struct ht_kinesis_reader *reader)
{
    struct ht_error error;
    uint64_t now = now_ms(reader);
    if (reader->read == NULL || reader->state != HT_KINESIS_READER_IDLE) {
        return;
    }
    if (reader->is_canceled) {
        (void)ht_error_set(&error, HT_ECANCELED, "The read was canceled.");
        finish(reader, NULL, &error);
    } else if (reader->stand.at.kind == HT_POSITION_END || is_gone(reader)) {
        finish_end(reader);
    } else if (now < reader->not_before_ms) {
        step_in(reader, reader->not_before_ms - now);
    } else if (!reader->has_iterator || now - reader->iterator_ms > ITERATOR_LIFE_MS) {
        start_iterator(reader);
    } else {
        wait_or_ask(reader);
    }
}

static bool has_sequence(const struct ht_position *position)
{
    return (position->kind == HT_POSITION_AFTER || position->kind == HT_POSITION_BEFORE) &&
           ht_kinesis_is_sequence(ht_slice_text(position->sequence_number));
}

/* A place that the caller gave may lie inside an aggregated record: that is read again, and what is
 * done is left out. */
static struct ht_kinesis_place choose_place(const struct ht_kinesis_reader *reader)
{
    const struct ht_position *at = &reader->stand.at;
    struct ht_kinesis_place place = {.type = HT_KINESIS_TRIM_HORIZON};
    if (at->kind == HT_POSITION_AT_TIME) {
        place.type = HT_KINESIS_AT_TIMESTAMP;
        place.time_ms = at->time_ms;
    } else if (has_sequence(at) && (!reader->is_fallback || reader->stand.is_whole)) {
        bool is_warm = at->kind == HT_POSITION_BEFORE && at->warm_sequence[0] != '\0';
        place.type = reader->stand.is_whole ? HT_KINESIS_AFTER_SEQUENCE_NUMBER
                                            : HT_KINESIS_AT_SEQUENCE_NUMBER;
        memcpy(place.sequence_number, is_warm ? at->warm_sequence : at->sequence_number,
               sizeof(place.sequence_number));
    }
    return place;
}

static void start_iterator(struct ht_kinesis_reader *reader)
{
    struct ht_kinesis_stream *stream = reader->stream;
    struct ht_error error;
    reader->get_iterator =
        (struct ht_kinesis_get_shard_iterator){.call.max_attempts = 2,
                                               .call.timeout_ms = CALL_TIMEOUT_MS,
                                               .stream_name = stream->options.stream_name,
                                               .shard_id = reader->shard_id,
                                               .place = choose_place(reader),
                                               .done = on_iterator,
                                               .user = reader};
    if (reader->read->from.kind == HT_POSITION_LATEST && !reader->has_asked) {
        reader->get_iterator.place.type = HT_KINESIS_LATEST;
    }
    reader->state = HT_KINESIS_READER_ITERATOR;
    int status = ht_kinesis_get_shard_iterator_start(stream->options.aws, &reader->get_iterator);
    if (status != 0) {
        (void)ht_error_set(&error, status, "Out of memory for reading %s.", reader->shard_id);
        fail(reader, false, &error);
    }
}

static void note_gap(struct ht_kinesis_reader *reader, const char *expected)
{
    reader->stream->stream.counters.gap_records++;
    ht_log_error(reader->stream->options.log, "kinesis",
                 "records were trimmed before they were read, going on at the oldest one",
                 HT_TEXT("shard", reader->shard_id), HT_TEXT("after", expected),
                 HT_TEXT("cure", "raise the stream's retention, or keep hashtagd running"));
}

/* Where Kinesis does not know the sequence number, it is from another stream of that name, or so
 * old that it is forgotten. */
static bool is_place_refused(const struct ht_kinesis_get_shard_iterator *op)
{
    const char *code = op->call.failure.code;
    return op->call.failure.http_status == 400 &&
           (strcmp(code, "InvalidArgumentException") == 0 ||
            strcmp(code, "ValidationException") == 0) &&
           (op->place.type == HT_KINESIS_AT_SEQUENCE_NUMBER ||
            op->place.type == HT_KINESIS_AFTER_SEQUENCE_NUMBER);
}

/* From the oldest record on, without what was given already. */
static void fall_back(struct ht_kinesis_reader *reader)
{
    struct ht_position at = reader->stand.at;
    if (reader->stand.is_whole) {
        ht_kinesis_stand_at(&reader->stand, &at);
    }
    reader->stand.is_expecting = false;
    reader->is_fallback = true;
}

static void on_iterator(struct ht_kinesis_get_shard_iterator *op)
{
    struct ht_kinesis_reader *reader = op->user;
    struct ht_error error;
    reader->state = HT_KINESIS_READER_IDLE;
    if (op->call.status == 0) {
        memcpy(reader->iterator, op->iterator, sizeof(reader->iterator));
        reader->has_iterator = true;
        reader->iterator_ms = now_ms(reader);
        step(reader);
    } else if (is_place_refused(op)) {
        note_gap(reader, op->place.sequence_number);
        fall_back(reader);
        step(reader);
    } else {
        (void)ht_kinesis_stream_explain(reader->stream, &op->call, &error);
        fail(reader, op->call.failure.fault == HT_AWS_FAULT_THROTTLED, &error);
    }
}

static void wait_or_ask(struct ht_kinesis_reader *reader)
{
    uint64_t now = now_ms(reader);
    bool is_patient = reader->read->wait_ms > 0;
    uint64_t wait = ht_kinesis_pace_wait_ms(&reader->pace, now);
    uint64_t idle_until = reader->asked_ms + reader->idle_ms;
    if (is_patient && idle_until > now + wait) {
        wait = idle_until - now;
    }
    if (!reader->has_asked || now < reader->wait_until_ms) {
        uint64_t left = reader->wait_until_ms > now ? reader->wait_until_ms - now : 0;
        if (reader->has_asked && left < wait) {
            wait = left;
        } else if (wait == 0) {
            ask(reader);
            return;
        }
        step_in(reader, wait);
        return;
    }
    finish_empty(reader);
}

static size_t answer_room(const struct ht_kinesis_reader *reader)
{
    return reader->limit == 1
               ? ONE_RECORD_BYTES
               : (reader->read->max_bytes < ONE_RECORD_BYTES ? reader->read->max_bytes
                                                             : ONE_RECORD_BYTES);
}

static void ask(struct ht_kinesis_reader *reader)
{
    struct ht_kinesis_stream *stream = reader->stream;
    struct ht_error error;
    uint64_t now = now_ms(reader);
    reader->get_records =
        (struct ht_kinesis_get_records){.call.max_attempts = 1,
                                        .call.timeout_ms = CALL_TIMEOUT_MS,
                                        .call.max_answer_bytes = answer_room(reader),
                                        .stream_name = stream->options.stream_name,
                                        .iterator = reader->iterator,
                                        .limit = reader->limit,
                                        .done = on_records,
                                        .user = reader};
    ht_kinesis_pace_call(&reader->pace, now);
    reader->asked_ms = now;
    reader->state = HT_KINESIS_READER_ASKING;
    int status = ht_kinesis_get_records_start(stream->options.aws, &reader->get_records);
    if (status != 0) {
        (void)ht_error_set(&error, status, "Out of memory for reading %s.", reader->shard_id);
        fail(reader, false, &error);
    }
}

static bool is_code(const struct ht_aws_call *call, const char *code)
{
    return strcmp(call->failure.code, code) == 0;
}

/* The answer was larger than there is room for: ask for fewer. */
static bool ask_for_fewer(struct ht_kinesis_reader *reader)
{
    bool can = reader->limit > 1;
    reader->limit = reader->limit / 4 > 0 ? reader->limit / 4 : 1;
    return can;
}

static void on_records(struct ht_kinesis_get_records *op)
{
    struct ht_kinesis_reader *reader = op->user;
    struct ht_aws_call *call = &op->call;
    struct ht_error error;
    reader->state = HT_KINESIS_READER_IDLE;
    if (call->status == 0) {
        struct ht_buffer answer;
        ht_aws_call_take_answer(call, &answer);
        reader->body_bytes = answer.length;
        reader->body = ht_buffer_take(&answer);
        ht_kinesis_pace_bytes(&reader->pace, reader->body_bytes / 4 * 3);
        make(reader);
        return;
    }
    if (is_code(call, "ExpiredIteratorException") && reader->expirations++ < TRIES_MOST) {
        reader->has_iterator = false;
        step(reader);
        return;
    }
    if (call->status == HT_ETOOBIG && ask_for_fewer(reader)) {
        step(reader);
        return;
    }
    bool is_throttled = call->failure.fault == HT_AWS_FAULT_THROTTLED;
    (void)ht_kinesis_stream_explain(reader->stream, call, &error);
    if (!is_throttled && call->status != HT_ECANCELED) {
        reader->has_iterator = false; /* it may be what is wrong */
    }
    fail(reader, is_throttled, &error);
}

static void make(struct ht_kinesis_reader *reader)
{
    struct ht_kinesis_stream *stream = reader->stream;
    reader->making =
        (struct ht_kinesis_batch_making){.page = &reader->page,
                                         .stand = &reader->stand,
                                         .now_ms = ht_clock_wall_ms(stream->options.clock)};
    reader->state = HT_KINESIS_READER_MAKING;
    ht_job_init(&reader->job, run_making, making_done);
    if (reader->body_bytes > ON_LOOP_BYTES && stream->options.worker != NULL) {
        ht_worker_submit(stream->options.worker, &reader->job);
        return;
    }
    run_making(&reader->job);
    making_done(&reader->job);
}

/* What the list of records may take beside the answer that they lie in. One is always given. */
static size_t records_room(const struct ht_kinesis_reader *reader)
{
    size_t most = reader->read->max_bytes, taken = reader->body_bytes + BATCH_BYTES;
    if (reader->limit == 1 || reader->page.count <= 1) {
        return ONE_MADE_BYTES;
    }
    return most > taken ? most - taken : 0;
}

/* On the worker, or on the loop where it is short. Each has a JSON reader of its own. */
static void run_making(struct ht_job *job)
{
    struct ht_kinesis_reader *reader = HT_CONTAINER_OF(job, struct ht_kinesis_reader, job);
    struct ht_kinesis_stream *stream = reader->stream;
    bool is_on_worker = reader->body_bytes > ON_LOOP_BYTES && stream->options.worker != NULL;
    struct ht_json_reader *json = is_on_worker ? &stream->worker_json : &stream->loop_json;
    char *body = reader->body;
    reader->body = NULL;
    reader->making_status =
        ht_kinesis_page_read(&reader->page, json, body, reader->body_bytes, &reader->making_error);
    if (reader->making_status != 0) {
        ht_kinesis_page_finish(&reader->page);
        return;
    }
    reader->making.max_records_bytes = records_room(reader);
    reader->making_status = ht_kinesis_batch_make(&reader->making);
    if (reader->making_status != 0) {
        (void)ht_error_set(&reader->making_error, reader->making_status,
                           "no memory for the records in it");
    }
}

static void making_done(struct ht_job *job)
{
    struct ht_kinesis_reader *reader = HT_CONTAINER_OF(job, struct ht_kinesis_reader, job);
    struct ht_error error;
    reader->state = HT_KINESIS_READER_IDLE;
    if (reader->making_status == 0) {
        take_batch(reader);
        return;
    }
    int status = reader->making_status == HT_ENOMEM ? HT_ENOMEM : HT_ECONNECTION;
    bool can_shrink = ask_for_fewer(reader);
    if (reader->making_status == HT_ETOOBIG && can_shrink) {
        step(reader);
        return;
    }
    (void)ht_error_set(&error, status,
                       "Kinesis GetRecords on shard %s of stream %s: %s. It is asked again; where "
                       "that goes on, look for a proxy in between.",
                       reader->shard_id, reader->stream->options.stream_name,
                       reader->making_error.text);
    fail(reader, false, &error);
}

/* So many records that a batch has about AIM_BYTES; four times as many as before at most. */
static void adapt_limit(struct ht_kinesis_reader *reader)
{
    size_t records = reader->making.findings.records_read;
    if (records == 0) {
        return;
    }
    double bytes = (double)reader->making.batch->bytes / (double)records;
    reader->record_bytes =
        reader->record_bytes > 0 ? reader->record_bytes * 0.75 + bytes * 0.25 : bytes;
    double room = (double)reader->read->max_bytes / 2;
    double want = (room < AIM_BYTES ? room : AIM_BYTES) / reader->record_bytes;
    double most = (double)reader->limit * 4;
    want = want > most ? most : want;
    want = want > HT_KINESIS_READ_MAX_RECORDS ? HT_KINESIS_READ_MAX_RECORDS : want;
    reader->limit = want < 1 ? 1 : (uint32_t)want;
}

static void count_findings(struct ht_kinesis_reader *reader, const struct ht_record_batch *batch)
{
    const struct ht_kinesis_findings *findings = &reader->making.findings;
    struct ht_stream_counters *counters = &reader->stream->stream.counters;
    counters->records_read += batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        counters->bytes_read += batch->records[i].data.length;
    }
    counters->read_errors += findings->bad_records + findings->damaged_records;
    if (findings->bad_records > 0 || findings->damaged_records > 0) {
        ht_log_warning(reader->stream->options.log, "kinesis", "records left out: not readable",
                       HT_TEXT("shard", reader->shard_id),
                       HT_TEXT("up_to", batch->next.sequence_number),
                       HT_NUMBER("bad", findings->bad_records),
                       HT_NUMBER("damaged_aggregates", findings->damaged_records),
                       HT_TEXT("last_reason", reader->page.bad_reason));
    }
    if (findings->is_trimmed) {
        note_gap(reader, reader->stand.expected);
    }
}

static void end_trouble(struct ht_kinesis_reader *reader)
{
    struct ht_kinesis_stream *stream = reader->stream;
    stream->readers_in_trouble -= reader->is_in_trouble;
    reader->is_in_trouble = false;
    if (stream->readers_in_trouble == 0) {
        ht_kinesis_stream_works(stream, HT_KINESIS_TROUBLE_READ);
    }
}

static void note_success(struct ht_kinesis_reader *reader)
{
    reader->failures = 0;
    reader->expirations = 0;
    reader->not_before_ms = 0;
    reader->is_missing = false;
    end_trouble(reader);
}

static void take_batch(struct ht_kinesis_reader *reader)
{
    struct ht_record_batch *batch = reader->making.batch;
    const struct ht_kinesis_findings *findings = &reader->making.findings;
    reader->has_asked = true;
    memcpy(reader->iterator, reader->page.next_iterator, sizeof(reader->iterator));
    reader->iterator_ms = now_ms(reader);
    reader->has_iterator = !findings->is_end;
    reader->behind_ms = reader->page.behind_ms;
    for (size_t i = 0; i < reader->page.child_count; i++) {
        ht_kinesis_stream_note_child(reader->stream, &reader->page.children[i]);
    }
    count_findings(reader, batch);
    adapt_limit(reader);
    note_success(reader);
    if (findings->records_read > 0) {
        reader->idle_ms = 0;
        reader->empty_since_ms = 0;
        reader->is_end_checked = false;
        /* Some answers tell no lag although more is there: only an empty one tells the tip. */
        batch->behind_ms = batch->behind_ms > 0 || findings->is_end ? batch->behind_ms : 1;
        reader->behind_ms = batch->behind_ms;
    }
    if (batch->count > 0 || findings->is_end) {
        finish(reader, batch, NULL);
        return;
    }
    look_at_empty(reader, batch);
}

/* Kinesis's own ending numbers are above those of all records. */
static bool has_passed_end(const struct ht_kinesis_reader *reader)
{
    const struct ht_position *at = &reader->stand.at;
    return at->kind == HT_POSITION_AFTER && reader->ending_sequence[0] != '\0' &&
           ht_sequence_compare(ht_slice_text(at->sequence_number),
                               ht_slice_text(reader->ending_sequence)) >= 0;
}

/* A closed shard whose answers stay empty at its tip, a fresh iterator's too, is finished, although
 * its iterators go on: so it is with emulators. Kinesis itself ends the iterators of a closed
 * shard, long before that. */
static bool is_over(struct ht_kinesis_reader *reader)
{
    uint64_t now = now_ms(reader);
    if (!reader->is_closed || reader->behind_ms > 0) {
        reader->empty_since_ms = 0;
        return false;
    }
    if (has_passed_end(reader)) {
        return true;
    }
    if (reader->empty_since_ms == 0) {
        reader->empty_since_ms = now;
        return false;
    }
    if (now - reader->empty_since_ms < CLOSED_QUIET_MS) {
        return false;
    }
    if (reader->is_end_checked) {
        return true;
    }
    reader->is_end_checked = true;
    reader->empty_since_ms = now;
    reader->has_iterator = false;
    return false;
}

static void look_at_empty(struct ht_kinesis_reader *reader, struct ht_record_batch *batch)
{
    ht_record_batch_release(batch);
    if (reader->making.findings.records_read == 0 && reader->behind_ms == 0) {
        uint64_t longer = reader->idle_ms == 0 ? IDLE_FIRST_MS : reader->idle_ms * 2;
        reader->idle_ms = longer > IDLE_MOST_MS ? IDLE_MOST_MS : longer;
    }
    if (is_over(reader)) {
        ht_log_info(reader->stream->options.log, "kinesis",
                    "closed shard stays empty, taken as read to its end",
                    HT_TEXT("shard", reader->shard_id));
        finish_end(reader);
        return;
    }
    step(reader);
}

static void fail(struct ht_kinesis_reader *reader, bool is_throttled, const struct ht_error *error)
{
    struct ht_kinesis_stream *stream = reader->stream;
    bool is_final = ht_kinesis_stream_is_final(error->code);
    reader->state = HT_KINESIS_READER_IDLE;
    if (error->code == HT_ECANCELED) {
        reader->is_canceled = true;
        step_in(reader, 0);
        return;
    }
    reader->is_missing = error->code == HT_ENOTFOUND;
    reader->failures++;
    reader->tries++;
    stream->stream.counters.read_errors += !is_throttled;
    reader->not_before_ms =
        now_ms(reader) + ht_backoff_ms(is_final ? &final_backoff : &backoff, reader->failures,
                                       stream->options.random);
    bool is_in_time = now_ms(reader) - reader->began_ms < TRYING_MS;
    if (!is_final && reader->tries < TRIES_MOST && is_in_time && !reader->is_canceled) {
        step_in(reader, 0);
        return;
    }
    stream->readers_in_trouble += !reader->is_in_trouble;
    reader->is_in_trouble = true;
    ht_kinesis_stream_trouble(stream, HT_KINESIS_TROUBLE_READ, error);
    finish(reader, NULL, error);
}

static void finish_empty(struct ht_kinesis_reader *reader)
{
    struct ht_record_batch *batch = ht_kinesis_batch_empty(&reader->stand.at, reader->behind_ms);
    struct ht_error error;
    if (batch == NULL) {
        (void)ht_error_set(&error, HT_ENOMEM, "Out of memory for reading %s.", reader->shard_id);
    }
    finish(reader, batch, batch == NULL ? &error : NULL);
}

static void finish_end(struct ht_kinesis_reader *reader)
{
    if (is_gone(reader) && reader->stand.at.kind != HT_POSITION_END) {
        note_gap(reader, reader->stand.at.sequence_number);
    }
    reader->stand.at.kind = HT_POSITION_END;
    reader->behind_ms = 0;
    end_trouble(reader); /* it is not asked again, so no answer would */
    finish_empty(reader);
}

static void finish(struct ht_kinesis_reader *reader, struct ht_record_batch *batch,
                   const struct ht_error *error)
{
    struct ht_stream_read *read = reader->read;
    struct ht_kinesis_stream *stream = reader->stream;
    ht_timer_stop(stream->options.timers, &reader->timer);
    reader->read = NULL;
    read->batch = batch;
    read->status = batch != NULL ? 0 : error->code;
    if (batch == NULL) {
        read->error = *error;
    }
    ht_kinesis_stream_check_close(stream);
    read->done(read);
}

static void cancel(struct ht_kinesis_reader *reader)
{
    reader->is_canceled = true;
    if (reader->state == HT_KINESIS_READER_ITERATOR) {
        ht_kinesis_get_shard_iterator_cancel(&reader->get_iterator);
    } else if (reader->state == HT_KINESIS_READER_ASKING) {
        ht_kinesis_get_records_cancel(&reader->get_records);
    } else if (reader->state == HT_KINESIS_READER_IDLE) {
        step_in(reader, 0);
    }
}

void ht_kinesis_stream_cancel_read(struct ht_stream *port, struct ht_stream_read *read)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    for (struct ht_kinesis_reader *at = stream->readers; at != NULL; at = at->next) {
        if (at->read == read) {
            cancel(at);
            return;
        }
    }
}

void ht_kinesis_stream_cancel_reads(struct ht_kinesis_stream *stream)
{
    for (struct ht_kinesis_reader *at = stream->readers; at != NULL; at = at->next) {
        if (at->read != NULL) {
            cancel(at);
        }
    }
}

/* A stream that is split and merged for months has more shards behind it than it has. */
static void free_gone(struct ht_kinesis_stream *stream)
{
    for (struct ht_kinesis_reader **at = &stream->readers; *at != NULL;) {
        struct ht_kinesis_reader *reader = *at;
        if (!reader->is_unlisted || reader->read != NULL ||
            reader->state != HT_KINESIS_READER_IDLE || reader->stand.at.kind != HT_POSITION_END) {
            at = &reader->next;
            continue;
        }
        *at = reader->next;
        ht_timer_stop(stream->options.timers, &reader->timer);
        free(reader);
    }
}

/* Both are in the same order, as a rule: the search goes on where the last one ended. */
void ht_kinesis_stream_tell_readers(struct ht_kinesis_stream *stream,
                                    const struct ht_kinesis_shard *shards, size_t count)
{
    size_t place = 0;
    for (struct ht_kinesis_reader *at = stream->readers; at != NULL; at = at->next) {
        size_t i = 0;
        while (i < count && strcmp(shards[(place + i) % count].id, at->shard_id) != 0) {
            i++;
        }
        if (i == count) {
            at->is_unlisted = !ht_kinesis_stream_is_child(stream, at->shard_id);
            continue;
        }
        const struct ht_kinesis_shard *shard = &shards[(place + i) % count];
        place = (place + i + 1) % count;
        at->is_unlisted = false;
        at->is_closed = shard->is_closed;
        memcpy(at->ending_sequence, shard->ending_sequence, sizeof(at->ending_sequence));
    }
    free_gone(stream);
}

void ht_kinesis_stream_free_readers(struct ht_kinesis_stream *stream)
{
    while (stream->readers != NULL) {
        struct ht_kinesis_reader *reader = stream->readers;
        stream->readers = reader->next;
        HT_ASSERT(reader->read == NULL);
        ht_timer_stop(stream->options.timers, &reader->timer);
        free(reader);
    }
}
