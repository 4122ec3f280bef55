// SPDX-License-Identifier: MIT

/*
 * One shard:
 *
 *   ready --> iterator --> records --> wait --> records --> ... --> no next iterator: ended
 *                ^            |
 *                +- expired --+
 *                +- trimmed --+  from the oldest record, a gap
 *                +-- held ----+  after a wait, from the record that on_touched had no room for
 *
 * A shard asks only while a read waits for removals and nothing is ready for it, so nothing is read
 * ahead; what several shards answer at the same time stays ready for the reads that follow.
 */

#include "dynamodb_changes_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    MOST_CALLS = 4,     /* at the same time: a full answer takes the loop 2 ms */
    BUSY_WAIT_MS = 250, /* after an answer with records: four a second */
    IDLE_WAIT_MS = 250, /* after one without: doubling to a second */
    IDLE_MOST_MS = 1000,
    HURRY_WAIT_MS = 100, /* while somebody waits for the end */
    EMPTY_POLLS = 2,     /* empty answers that say that nothing is there */
    YOUNG_ITERATOR_MS = 60000,
    HELD_WAIT_MS = 250, /* doubling to two seconds */
    HELD_MOST_MS = 2000,
    HELD_PATIENCE_MS = 30000,              /* of a hurried read, while nothing is taken */
    HELD_AGE_MOST_MS = 6 * 60 * 60 * 1000, /* the stream keeps 24 hours */
    TROUBLE_FAILURES = 2,                  /* in a row, until health says so */
};

static const struct ht_backoff backoff = {.base_ms = 500, .max_ms = 15000};
static const struct ht_backoff throttled = {.base_ms = 2000, .max_ms = 15000};

static void open_reader(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard);
static void step(struct ht_change_reader *reader, uint64_t now_ms);
static void ask_iterator(struct ht_change_reader *reader);
static void on_iterator(struct ht_dynamodb_streams_get_shard_iterator *op);
static void ask_records(struct ht_change_reader *reader);
static void on_records(struct ht_dynamodb_streams_get_records *op);
static int take_records(struct ht_change_reader *reader,
                        const struct ht_dynamodb_streams_get_records *op);
static int take_record(struct ht_change_reader *reader, struct ht_slice text);
static int take_removal(struct ht_change_reader *reader,
                        const struct ht_dynamodb_stream_record *record);
static int tell_touched(struct ht_dynamodb_changes *changes,
                        const struct ht_dynamodb_stream_record *record);
static int tell_or_drop(struct ht_dynamodb_changes *changes,
                        const struct ht_dynamodb_stream_record *record);
static void skip_poison(struct ht_change_reader *reader, struct ht_slice sequence_number);
static void go_on(struct ht_change_reader *reader,
                  const struct ht_dynamodb_streams_get_records *op);
static void hold(struct ht_change_reader *reader);
static void handle_failure(struct ht_change_reader *reader, const struct ht_aws_call *call,
                           int status);
static void start_over(struct ht_change_reader *reader, const struct ht_aws_call *call);
static void end_shard(struct ht_change_reader *reader);
static void lose_shard(struct ht_change_reader *reader, const struct ht_aws_call *call);
static void close_reader(struct ht_change_shard *shard);

void ht_changes_readers_step(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_lineage *lineage = &changes->lineage;
    size_t start = lineage->count == 0 ? 0 : changes->turn_start++ % lineage->count;
    for (size_t i = 0; i < lineage->count; i++) {
        struct ht_change_shard *shard = lineage->shards[(start + i) % lineage->count];
        if (shard->reader != NULL && shard->reader->state == HT_CHANGE_READER_FINISHED) {
            close_reader(shard);
        }
        if (changes->stream.is_found && ht_lineage_is_ready(lineage, shard)) {
            open_reader(changes, shard);
        }
        if (shard->reader != NULL) {
            step(shard->reader, now_ms);
        }
    }
}

static void open_reader(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard)
{
    struct ht_change_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return; /* the next turn tries again */
    }
    reader->changes = changes;
    reader->shard = shard;
    reader->limit = HT_DYNAMODB_STREAMS_RECORDS_MAX;
    shard->state = HT_CHANGE_SHARD_OPEN;
    shard->reader = reader;
    changes->changes.counters.open_shards++;
}

static bool is_hurried(const struct ht_dynamodb_changes *changes)
{
    return changes->read != NULL && changes->read->wait_ms == 0;
}

static void step(struct ht_change_reader *reader, uint64_t now_ms)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    bool may_ask = changes->read != NULL && changes->ready_first == NULL &&
                   changes->calls < MOST_CALLS && !changes->is_closing;
    bool is_busy =
        reader->state != HT_CHANGE_READER_NEEDS_ITERATOR && reader->state != HT_CHANGE_READER_IDLE;
    if (!may_ask || is_busy) {
        return;
    }
    if (now_ms < reader->due_ms) {
        ht_dynamodb_changes_wait_until(changes, reader->due_ms);
    } else if (reader->state == HT_CHANGE_READER_NEEDS_ITERATOR) {
        ask_iterator(reader);
    } else {
        ask_records(reader);
    }
}

static void ask_iterator(struct ht_change_reader *reader)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    struct ht_slice after = ht_slice_text(reader->shard->read_sequence);
    reader->state = HT_CHANGE_READER_GETTING_ITERATOR;
    reader->from_horizon = after.length == 0;
    changes->calls++;
    reader->iterator_op = (struct ht_dynamodb_streams_get_shard_iterator){
        .stream_arn = ht_slice_text(changes->stream.arn),
        .shard_id = ht_slice_text(reader->shard->id),
        .type = after.length == 0 ? HT_DYNAMODB_STREAM_TRIM_HORIZON
                                  : HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER,
        .sequence_number = after,
        .resource = changes->resource,
        .done = on_iterator,
        .user = reader,
    };
    ht_dynamodb_streams_get_shard_iterator_start(changes->options.aws, &reader->iterator_op);
}

/* Takes a copy of the iterator that an answer has. 0 or HT_ENOMEM. */
static int keep_iterator(struct ht_change_reader *reader, struct ht_slice iterator)
{
    free(reader->iterator);
    reader->iterator = ht_slice_to_text(iterator);
    reader->iterator_at_ms = ht_dynamodb_changes_now_ms(reader->changes);
    return reader->iterator == NULL ? HT_ENOMEM : 0;
}

static void on_iterator(struct ht_dynamodb_streams_get_shard_iterator *op)
{
    struct ht_change_reader *reader = op->user;
    int status = op->status;
    reader->changes->calls--;
    reader->state = HT_CHANGE_READER_NEEDS_ITERATOR;
    if (status == 0) {
        status = keep_iterator(reader, op->iterator);
    }
    if (status == 0) {
        reader->state = HT_CHANGE_READER_IDLE;
        reader->due_ms = 0;
    } else {
        handle_failure(reader, &op->call, status);
    }
    ht_dynamodb_changes_turn_soon(reader->changes);
}

static void ask_records(struct ht_change_reader *reader)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    reader->state = HT_CHANGE_READER_READING;
    changes->calls++;
    reader->records_op = (struct ht_dynamodb_streams_get_records){
        .iterator = ht_slice_text(reader->iterator),
        .limit = reader->limit,
        .resource = changes->resource,
        .done = on_records,
        .user = reader,
    };
    ht_dynamodb_streams_get_records_start(changes->options.aws, &reader->records_op);
}

static void on_records(struct ht_dynamodb_streams_get_records *op)
{
    struct ht_change_reader *reader = op->user;
    int status = op->status;
    reader->changes->calls--;
    reader->state = HT_CHANGE_READER_NEEDS_ITERATOR;
    if (status == 0) {
        status = take_records(reader, op);
    }
    if (status == 0) {
        go_on(reader, op);
    } else if (op->status == 0 && status == HT_EBUSY) {
        hold(reader);
    } else {
        handle_failure(reader, &op->call, status);
    }
    ht_dynamodb_changes_turn_soon(reader->changes);
}

/* Takes all records in order; where it stops, reading goes on behind the last one taken. */
static int take_records(struct ht_change_reader *reader,
                        const struct ht_dynamodb_streams_get_records *op)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < op->record_count; i++) {
        status = take_record(reader, op->records[i]);
    }
    return status;
}

static int take_record(struct ht_change_reader *reader, struct ht_slice text)
{
    struct ht_change_shard *shard = reader->shard;
    struct ht_dynamodb_changes *changes = reader->changes;
    struct ht_dynamodb_stream_record record;
    int status = ht_dynamodb_stream_record_read(text, &record);
    struct ht_slice sequence = record.sequence_number;
    if (sequence.length > 0 && shard->read_sequence[0] != '\0' &&
        ht_sequence_compare(sequence, ht_slice_text(shard->read_sequence)) <= 0) {
        return 0; /* taken before */
    }
    if (status == 0) {
        status = tell_or_drop(changes, &record);
    }
    if (status == 0) {
        if (record.event == HT_DYNAMODB_STREAM_EVENT_REMOVE) {
            status = take_removal(reader, &record);
        } else if (record.event == HT_DYNAMODB_STREAM_EVENT_OTHER) {
            status = HT_EPARSE;
        }
    }
    if (status == HT_ENOMEM || status == HT_EBUSY) {
        return status;
    }
    changes->changes.counters.records_read++;
    reader->held_rounds = 0;
    if (status != 0) {
        skip_poison(reader, sequence);
    }
    if (sequence.length > 0) {
        memcpy(shard->read_sequence, sequence.data, sequence.length);
        shard->read_sequence[sequence.length] = '\0';
    }
    return 0;
}

static int take_removal(struct ht_change_reader *reader,
                        const struct ht_dynamodb_stream_record *record)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    struct ht_counted_removal *removal = NULL;
    bool has_image = false;
    int status = ht_removal_reader_make(&changes->removal_reader, record, reader->shard->id,
                                        &removal, &has_image);
    if (status != 0) {
        return status;
    }
    if (!has_image && record->old_image.length > 0) {
        changes->changes.counters.records_unreadable++;
        ht_log_warning(changes->options.log, "changes",
                       "old image cannot be read: the deletion is archived with its keys only",
                       HT_TEXT("shard", reader->shard->id),
                       HT_BYTES("sequence", record->sequence_number));
    }
    if (removal->removal.deleted_at_s == 0) {
        removal->removal.deleted_at_s = ht_clock_wall_s(changes->options.clock);
    }
    removal->shard = reader->shard;
    reader->shard->outstanding++;
    *(changes->ready_first == NULL ? &changes->ready_first : &changes->ready_last->next) = removal;
    changes->ready_last = removal;
    changes->changes.counters.removals_read++;
    changes->changes.counters.waiting++;
    return 0;
}

/* What says nothing of a hashtag is passed over; HT_ENOMEM where nobody can say; HT_EBUSY where it
 * has to be told again. */
static int tell_touched(struct ht_dynamodb_changes *changes,
                        const struct ht_dynamodb_stream_record *record)
{
    struct ht_slice hashtag;
    uint64_t count = 0;
    bool has_count = false, is_removed = record->event == HT_DYNAMODB_STREAM_EVENT_REMOVE;
    if (changes->changes.on_touched == NULL) {
        return 0;
    }
    int status =
        ht_removal_reader_touch(&changes->removal_reader, record, &hashtag, &count, &has_count);
    if (status == 0 && (is_removed || has_count)) {
        return changes->changes.on_touched(changes->changes.on_touched_user, hashtag,
                                           is_removed ? 0 : count, is_removed);
    }
    return status == HT_ENOMEM ? HT_ENOMEM : 0;
}

static bool is_too_old(const struct ht_dynamodb_changes *changes, int64_t created_ms)
{
    int64_t age_ms = ht_clock_wall_ms(changes->options.clock) - created_ms;
    return created_ms > 0 && age_ms >= HELD_AGE_MOST_MS;
}

/* Holding ends where removals behind it would be in danger: the age of the record says it, also where
 * the feed gets on, but slower than others write. */
static int tell_or_drop(struct ht_dynamodb_changes *changes,
                        const struct ht_dynamodb_stream_record *record)
{
    int status = tell_touched(changes, record);
    if (status != HT_EBUSY) {
        return status;
    }
    if (!is_too_old(changes, record->created_ms)) {
        changes->is_dropping_touches = false;
        return status;
    }
    changes->changes.counters.touches_dropped++;
    if (!changes->is_dropping_touches) {
        changes->is_dropping_touches = true;
        ht_log_warning(
            changes->options.log, "changes",
            "changes by others are held for 6 hours and now passed over, so that "
            "deletions are archived: counts shown may be old until they are written again",
            HT_BYTES("sequence", record->sequence_number));
    }
    return 0;
}

static void skip_poison(struct ht_change_reader *reader, struct ht_slice sequence_number)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    changes->changes.counters.records_unreadable++;
    ht_log_warning(changes->options.log, "changes", "record cannot be read and is passed over",
                   HT_TEXT("shard", reader->shard->id), HT_BYTES("sequence", sequence_number),
                   HT_TEXT("behind", reader->shard->read_sequence));
}

/* How long to wait behind an answer. */
static uint64_t wait_after(const struct ht_change_reader *reader, size_t record_count)
{
    uint64_t wait_ms = IDLE_WAIT_MS;
    if (is_hurried(reader->changes)) {
        return HURRY_WAIT_MS;
    }
    if (record_count > 0) {
        return BUSY_WAIT_MS;
    }
    for (unsigned i = 1; i < reader->idle_rounds && wait_ms < IDLE_MOST_MS; i++) {
        wait_ms *= 2;
    }
    return wait_ms;
}

static void note_answer(struct ht_change_reader *reader)
{
    reader->failures = 0;
    reader->from_horizon = false;
    reader->trouble.error.code = 0;
    if (reader->changes->told.error.code == 0) {
        ht_health_succeed(&reader->changes->changes.health);
    }
}

static void go_on(struct ht_change_reader *reader, const struct ht_dynamodb_streams_get_records *op)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    note_answer(reader);
    reader->held_rounds = 0;
    reader->idle_rounds =
        op->record_count > 0 ? 0 : reader->idle_rounds + (reader->idle_rounds < 8);
    reader->empty_polls = op->record_count > 0 ? 0 : reader->empty_polls + 1;
    if (op->next_iterator.length == 0) {
        end_shard(reader);
        return;
    }
    if (keep_iterator(reader, op->next_iterator) == 0) {
        reader->state = HT_CHANGE_READER_IDLE;
    }
    reader->due_ms = ht_dynamodb_changes_now_ms(changes) + wait_after(reader, op->record_count);
}

/* There is more than could be taken: no failure, but not read out either. The iterator is fetched
 * anew, for it might expire meanwhile. */
static void hold(struct ht_change_reader *reader)
{
    uint64_t now_ms = ht_dynamodb_changes_now_ms(reader->changes);
    uint64_t wait_ms = HELD_WAIT_MS;
    note_answer(reader);
    reader->idle_rounds = reader->empty_polls = 0;
    if (reader->held_rounds == 0) {
        reader->held_since_ms = now_ms;
    }
    for (unsigned i = 0; i < reader->held_rounds && wait_ms < HELD_MOST_MS; i++) {
        wait_ms *= 2;
    }
    reader->held_rounds += reader->held_rounds < 8;
    reader->due_ms = now_ms + (is_hurried(reader->changes) ? HURRY_WAIT_MS : wait_ms);
}

/* Whether a read that does not wait has waited long enough for room. */
static bool is_stuck(struct ht_change_reader *reader)
{
    uint64_t held_ms = ht_dynamodb_changes_now_ms(reader->changes) - reader->held_since_ms;
    if (reader->held_rounds == 0 || held_ms < HELD_PATIENCE_MS) {
        return false;
    }
    (void)ht_error_set(
        &reader->trouble.error, HT_EBUSY,
        "The change feed is held: others changed more hashtags than can be looked at "
        "before the table is written. It goes on by itself.");
    return true;
}

static bool is_code(const struct ht_aws_call *call, const char *code)
{
    return strcmp(call->failure.code, code) == 0;
}

static void handle_failure(struct ht_change_reader *reader, const struct ht_aws_call *call,
                           int status)
{
    uint64_t now_ms = ht_dynamodb_changes_now_ms(reader->changes);
    if (status == HT_ECANCELED && reader->changes->is_closing) {
        return;
    }
    if (is_code(call, "ExpiredIteratorException") &&
        now_ms - reader->iterator_at_ms > YOUNG_ITERATOR_MS) {
        reader->due_ms = 0; /* the shard waited too long: from where it was */
        return;
    }
    if (is_code(call, "TrimmedDataAccessException") ||
        (is_code(call, "ValidationException") && strcmp(call->operation, "GetShardIterator") == 0 &&
         !reader->from_horizon)) {
        bool had_place = !reader->from_horizon;
        start_over(reader, call);
        if (had_place) { /* a gap is told as one, and is no trouble: the oldest record is there */
            reader->due_ms = 0;
            return;
        }
    } else if (is_code(call, "ResourceNotFoundException")) {
        lose_shard(reader, call);
        return;
    } else if (status == HT_ETOOBIG && reader->limit > 1) {
        reader->limit /= 2;
    }
    reader->failures++;
    reader->has_failed = true;
    ht_dynamodb_changes_note(&reader->trouble, call, status);
    reader->due_ms =
        now_ms +
        ht_backoff_ms(call->failure.fault == HT_AWS_FAULT_THROTTLED ? &throttled : &backoff,
                      reader->failures, reader->changes->options.random);
}

/* The position is older than what the stream holds, or no position of it: go on with the oldest record
 * that is there. */
static void start_over(struct ht_change_reader *reader, const struct ht_aws_call *call)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    if (!reader->from_horizon) {
        changes->changes.counters.gaps++;
        ht_log_warning(
            changes->options.log, "changes",
            "position is no longer in the stream, going on with its oldest record: "
            "deletions of more than 24 hours ago are missing",
            HT_TEXT("shard", reader->shard->id), HT_TEXT("position", reader->shard->read_sequence),
            HT_TEXT("code", call->failure.code), HT_TEXT("request", call->failure.request_id));
    }
    reader->shard->read_sequence[0] = '\0';
}

static void end_shard(struct ht_change_reader *reader)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    reader->state = HT_CHANGE_READER_FINISHED;
    reader->shard->state = HT_CHANGE_SHARD_ENDED;
    ht_log_debug(changes->options.log, "changes", "shard read to its end",
                 HT_TEXT("shard", reader->shard->id));
    ht_changes_stream_follow(changes, reader->shard);
}

/* The shard, or the whole stream, is not there any more. */
static void lose_shard(struct ht_change_reader *reader, const struct ht_aws_call *call)
{
    struct ht_dynamodb_changes *changes = reader->changes;
    changes->changes.counters.gaps++;
    ht_log_warning(changes->options.log, "changes",
                   "shard is gone from the stream while it was read: deletions may be missing",
                   HT_TEXT("shard", reader->shard->id),
                   HT_TEXT("after", reader->shard->read_sequence),
                   HT_TEXT("request", call->failure.request_id));
    reader->state = HT_CHANGE_READER_FINISHED;
    reader->shard->state = HT_CHANGE_SHARD_ENDED;
    changes->stream.relists = true;
}

static void close_reader(struct ht_change_shard *shard)
{
    shard->reader->changes->changes.counters.open_shards--;
    free(shard->reader->iterator);
    free(shard->reader);
    shard->reader = NULL;
}

void ht_changes_readers_hurry(struct ht_dynamodb_changes *changes, bool restarts)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        struct ht_change_reader *reader = changes->lineage.shards[i]->reader;
        if (reader != NULL && (restarts || reader->failures == 0)) {
            reader->due_ms = 0;
            reader->empty_polls = restarts ? 0 : reader->empty_polls;
            reader->has_failed = reader->has_failed && !restarts;
            reader->held_since_ms =
                restarts ? ht_dynamodb_changes_now_ms(changes) : reader->held_since_ms;
        }
    }
}

bool ht_changes_readers_are_empty(const struct ht_dynamodb_changes *changes,
                                  const struct ht_changes_trouble **trouble)
{
    bool are_empty = true;
    *trouble = NULL;
    for (size_t i = 0; i < changes->lineage.count; i++) {
        const struct ht_change_shard *shard = changes->lineage.shards[i];
        if (ht_lineage_is_ready(&changes->lineage, shard)) {
            are_empty = false; /* its turn has not come yet */
        } else if (shard->reader != NULL &&
                   (shard->reader->has_failed || is_stuck(shard->reader))) {
            *trouble = &shard->reader->trouble;
        } else if (shard->reader != NULL && shard->reader->empty_polls < EMPTY_POLLS) {
            are_empty = are_empty && shard->reader->state == HT_CHANGE_READER_FINISHED;
        }
    }
    return are_empty;
}

const struct ht_changes_trouble *
ht_changes_readers_trouble(const struct ht_dynamodb_changes *changes)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        const struct ht_change_reader *reader = changes->lineage.shards[i]->reader;
        if (reader != NULL && reader->failures >= TROUBLE_FAILURES) {
            return &reader->trouble;
        }
    }
    return NULL;
}

bool ht_changes_readers_close(struct ht_dynamodb_changes *changes)
{
    bool is_closed = true;
    for (size_t i = 0; i < changes->lineage.count; i++) {
        struct ht_change_shard *shard = changes->lineage.shards[i];
        if (shard->reader == NULL) {
            continue;
        }
        if (shard->reader->state == HT_CHANGE_READER_GETTING_ITERATOR) {
            ht_dynamodb_streams_get_shard_iterator_cancel(&shard->reader->iterator_op);
            is_closed = false;
        } else if (shard->reader->state == HT_CHANGE_READER_READING) {
            ht_dynamodb_streams_get_records_cancel(&shard->reader->records_op);
            is_closed = false;
        } else {
            close_reader(shard);
        }
    }
    return is_closed;
}
