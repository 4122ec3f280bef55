// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/ingest.h"

#include "ingest_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"
#include "hashtagd/tweet/tweet_note.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The life of a message from the source:
 *
 *     deliver -> take -> (batch fills) -> send_batches -> on_put -> freed
 *                  |                           ^             |
 *                  +-> letter -> on_letter     +--- wait ----+   (failure: the whole batch again)
 *
 * Batches start in order, several at a time; after a failure only the first goes again until it
 * succeeds. No batch starts while a dead letter is on its way: the source's cursor must not
 * become durable before the letter is.
 */

enum {
    MESSAGE_MAX_BYTES = 2 * 1024 * 1024, /* no stream takes so much; a batch has room for it */
    RUNNING_MAX = 4,
    BATCHES_MAX = 16,
};

static const struct ht_backoff backoff = {.base_ms = 200, .max_ms = 10000};

static bool on_deliver(struct ht_source_sink *sink, const struct ht_source *from,
                       const struct ht_slice *messages, size_t count, struct ht_slice cursor);
static void on_refuse(struct ht_source_sink *sink, const struct ht_source *from,
                      struct ht_slice bytes, const char *reason);
static enum ht_tweet_refusal refusal_named(const char *reason);
static void take_or_rescue(struct ht_ingest *ingest, const struct ht_source *from,
                           struct ht_slice message, const char *reason);
static int judge_and_take(struct ht_ingest *ingest, const struct ht_source *from,
                          struct ht_slice message);
static int collect(struct ht_ingest *ingest, struct ht_slice message, const struct ht_tweet *tweet);
static void on_turn(struct ht_timer *timer);
static void send_batches(struct ht_ingest *ingest);
static void on_put(struct ht_stream_put *put);
static void on_retry_due(struct ht_timer *timer);
static void resume_source(struct ht_ingest *ingest);
static void on_room(struct ht_budget_waiter *waiter);
static int keep_letter(struct ht_ingest *ingest, const char *source, struct ht_slice bytes,
                       const char *reason);
static void on_letter(struct ht_dead_letters_append *append);
static void on_letter_retry(struct ht_timer *timer);
static void on_source_stopped(void *user);

static const struct ht_source_sink_ops sink_ops = {on_deliver, on_refuse};

struct ht_ingest *ht_ingest_create(const struct ht_ingest_options *options)
{
    struct ht_ingest *ingest = calloc(1, sizeof(*ingest));
    if (ingest == NULL) {
        return NULL;
    }
    ingest->sink.ops = &sink_ops;
    ingest->options = *options;
    ht_health_init(&ingest->health, options->clock, HT_HEALTH_STARTING);
    ht_tweet_reader_init(&ingest->reader, &options->tweet_key);
    ht_timer_init(&ingest->turn_timer, on_turn);
    ht_timer_init(&ingest->retry_timer, on_retry_due);
    ingest->budget_waiter.on_room = on_room;
    if (ht_ingest_rescue_init(ingest) != 0) {
        free(ingest);
        return NULL;
    }
    return ingest;
}

void ht_ingest_start(struct ht_ingest *ingest)
{
    struct ht_stream *stream = ingest->options.stream;
    ingest->is_started = true;
    ht_health_set(&ingest->health, HT_HEALTH_WORKING, "%s", "");
    ingest->options.source->ops->start(ingest->options.source, &ingest->sink,
                                       stream->ops->source_cursor(stream));
}

static size_t batch_count(const struct ht_ingest *ingest)
{
    size_t count = 0;
    for (const struct ht_ingest_batch *at = ingest->head; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

/* A cursor that comes alone and goes with nothing that waits is put alone. */
static bool is_news(const struct ht_ingest *ingest, size_t count, struct ht_slice cursor)
{
    return count == 0 && cursor.length > 0 && ingest->tail == NULL &&
           !ht_slice_equal(cursor, ht_slice_make(ingest->cursor, ingest->cursor_length));
}

static bool on_deliver(struct ht_source_sink *sink, const struct ht_source *from,
                       const struct ht_slice *messages, size_t count, struct ht_slice cursor)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(sink, struct ht_ingest, sink);
    for (size_t i = 0; i < count; i++) {
        ingest->counters.received++;
        take_or_rescue(ingest, from, messages[i], NULL);
    }
    if (ht_ingest_rescue_is_empty(ingest)) {
        if (is_news(ingest, count, cursor)) {
            /* without the memory it is stored with the next tweet */
            (void)ht_ingest_batch_open(ingest);
        }
        ht_ingest_note_cursor(ingest, cursor);
    } else if (cursor.length > 0 && cursor.length <= HT_SOURCE_CURSOR_BYTES) {
        memcpy(ingest->rescue.cursor, cursor.data, cursor.length);
        ingest->rescue.cursor_length = cursor.length;
    }
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
    bool is_full = ingest->options.budget->used_bytes >
                       ingest->options.budget->limit_bytes / 100 * HT_BUDGET_INTAKE_SHARE ||
                   batch_count(ingest) >= BATCHES_MAX || !ht_ingest_rescue_is_empty(ingest);
    if (is_full && !ingest->is_source_paused) {
        ingest->is_source_paused = true;
        ingest->counters.pauses++;
        ht_budget_wait(ingest->options.budget, &ingest->budget_waiter);
    }
    return !is_full;
}

static void on_refuse(struct ht_source_sink *sink, const struct ht_source *from,
                      struct ht_slice bytes, const char *reason)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(sink, struct ht_ingest, sink);
    ingest->counters.received++;
    take_or_rescue(ingest, from, bytes, reason);
}

/* Behind what waits for memory already. */
static void take_or_rescue(struct ht_ingest *ingest, const struct ht_source *from,
                           struct ht_slice message, const char *reason)
{
    if (!ht_ingest_rescue_is_empty(ingest) || ht_ingest_take(ingest, from, message, reason) != 0) {
        ht_ingest_rescue_keep(ingest, from, message, reason);
    }
}

void ht_ingest_note_cursor(struct ht_ingest *ingest, struct ht_slice cursor)
{
    if (cursor.length > 0 && cursor.length <= HT_SOURCE_CURSOR_BYTES && ingest->tail != NULL) {
        memcpy(ingest->tail->cursor, cursor.data, cursor.length);
        ingest->tail->cursor_length = cursor.length;
    }
}

void ht_ingest_succeed(struct ht_ingest *ingest)
{
    if (!ingest->is_letter_lost && ht_ingest_rescue_is_empty(ingest)) {
        ht_health_succeed(&ingest->health);
    }
}

/* Sources give the labels of refusals; a label of their own means a line that was not whole. */
static enum ht_tweet_refusal refusal_named(const char *reason)
{
    for (int i = HT_TWEET_REFUSAL_NONE + 1; i < HT_TWEET_REFUSAL_COUNT; i++) {
        if (strcmp(ht_tweet_refusal_name((enum ht_tweet_refusal)i), reason) == 0) {
            return (enum ht_tweet_refusal)i;
        }
    }
    return HT_TWEET_REFUSAL_CUT_OFF;
}

bool ht_ingest_sort(struct ht_ingest *ingest, const struct ht_tweet *tweet)
{
    if (tweet->kind == HT_TWEET_KIND_TWEET) {
        return true;
    }
    ingest->counters.notices[tweet->kind]++;
    if (tweet->kind == HT_TWEET_KIND_LIMIT) {
        /* Real services send several counters at once: the sum would mean nothing. */
        ingest->counters.limit_number_last = tweet->number;
        if (tweet->number > ingest->counters.limit_number_max) {
            ingest->counters.limit_number_max = tweet->number;
        }
    }
    return false;
}

int ht_ingest_take(struct ht_ingest *ingest, const struct ht_source *from, struct ht_slice message,
                   const char *reason)
{
    if (reason == NULL) {
        return judge_and_take(ingest, from, message);
    }
    int status = keep_letter(ingest, from == NULL ? "" : from->name, message, reason);
    ingest->counters.refused[refusal_named(reason)] += from != NULL && status == 0;
    return status;
}

static int judge_and_take(struct ht_ingest *ingest, const struct ht_source *from,
                          struct ht_slice message)
{
    struct ht_tweet tweet;
    int status = ht_tweet_read(&ingest->reader, message, NULL, &tweet, NULL);
    if (status == HT_EPARSE) {
        status = keep_letter(ingest, from->name, message, ht_tweet_refusal_name(tweet.refusal));
        ingest->counters.refused[tweet.refusal] += status == 0;
        return status;
    }
    if (status != 0 || !ht_ingest_sort(ingest, &tweet)) {
        return status;
    }
    if (message.length > MESSAGE_MAX_BYTES) {
        status = keep_letter(ingest, from->name, message, "refused");
        ingest->counters.refused[HT_TWEET_REFUSAL_TOO_LARGE] += status == 0;
        return status;
    }
    return collect(ingest, message, &tweet);
}

size_t ht_ingest_key_bytes(struct ht_slice id)
{
    size_t length = id.length;
    if (length > HT_INGEST_KEY_BYTES_MAX) {
        length = HT_INGEST_KEY_BYTES_MAX;
        while ((id.data[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return length;
}

/* Copies a tweet into the open batch. Its slices point nowhere until the batch is sent: the buffer
 * may still move. */
static int collect(struct ht_ingest *ingest, struct ht_slice message, const struct ht_tweet *tweet)
{
    struct ht_slice id = tweet->id;
    size_t note_bytes = ht_tweet_note_bytes(tweet);
    struct ht_ingest_batch *batch = ht_ingest_batch_open(ingest);
    if (batch == NULL || ht_ingest_batch_grow(batch) != 0 ||
        ht_buffer_reserve(&batch->bytes, message.length + id.length + note_bytes) != 0) {
        if (batch != NULL && batch->count == 0 && batch->cursor_length == 0) {
            ht_ingest_batch_end(ingest, batch); /* it says nothing, so it must not be sent */
        }
        return HT_ENOMEM;
    }
    struct ht_put_record *record = &batch->records[batch->count++];
    *record = (struct ht_put_record){.data = {NULL, message.length},
                                     .partition_key = {NULL, ht_ingest_key_bytes(id)},
                                     .note = {NULL, note_bytes}};
    (void)ht_buffer_append(&batch->bytes, message.data, message.length);
    (void)ht_buffer_append(&batch->bytes, id.data, record->partition_key.length);
    if (note_bytes > 0) {
        ht_tweet_note_put(tweet, batch->bytes.data + batch->bytes.length);
        batch->bytes.length += note_bytes;
    }
    size_t bytes = message.length + id.length + note_bytes + sizeof(*record);
    batch->reserved_bytes += bytes;
    ht_budget_reserve(ingest->options.budget, bytes);
    ingest->waiting_count++;
    return 0;
}

static void on_turn(struct ht_timer *timer)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(timer, struct ht_ingest, turn_timer);
    ht_ingest_rescue_work(ingest);
    send_batches(ingest);
    resume_source(ingest);
    ht_ingest_look_at_stop(ingest);
}

static void point_records(struct ht_ingest_batch *batch)
{
    const char *at = batch->bytes.data;
    for (size_t i = 0; i < batch->count; i++) {
        batch->records[i].data.data = at;
        at += batch->records[i].data.length;
        batch->records[i].partition_key.data = at;
        at += batch->records[i].partition_key.length;
        batch->records[i].note.data = at;
        at += batch->records[i].note.length;
    }
}

/* A cursor may become durable only when everything before it is: a batch that is alone carries its
 * own, one that follows others, or a letter that could not be written, that of the last durable
 * batch. Its own is copied: what is delivered while the put runs moves it on, and may be a letter. */
static struct ht_slice choose_cursor(const struct ht_ingest *ingest, struct ht_ingest_batch *batch)
{
    if (ingest->head == batch && ingest->running_count == 0 && !ingest->is_letter_lost &&
        ht_ingest_rescue_is_empty(ingest)) {
        memcpy(batch->put_cursor, batch->cursor, batch->cursor_length);
        return ht_slice_make(batch->put_cursor, batch->cursor_length);
    }
    return ht_slice_make(ingest->cursor, ingest->cursor_length);
}

/* `batch` is durable, and so is all before its cursor; where that has moved on meanwhile, behind a
 * letter that is still on its way, before the one that the stream was given. One of which a record
 * was refused has given none: its letter comes first. Puts that follow say it too: no stream reads a
 * cursor while it calls done. */
static void keep_cursor(struct ht_ingest *ingest, const struct ht_ingest_batch *batch)
{
    struct ht_slice durable = ingest->letters_count == 0 && ht_ingest_rescue_is_empty(ingest)
                                  ? ht_slice_make(batch->cursor, batch->cursor_length)
                                  : batch->put.source_cursor;
    if (ingest->head != batch || durable.length == 0 || ingest->is_letter_lost ||
        !ht_stream_put_is_whole(&batch->put)) {
        return;
    }
    memmove(ingest->cursor, durable.data, durable.length);
    ingest->cursor_length = durable.length;
    for (struct ht_ingest_batch *at = batch->next; at != NULL; at = at->next) {
        if (at->is_running && at->put.source_cursor.data == ingest->cursor) {
            at->put.source_cursor.length = durable.length;
        }
    }
}

static void send_batches(struct ht_ingest *ingest)
{
    struct ht_stream *stream = ingest->options.stream;
    /* One by one at the end, so that the last one carries its own cursor. */
    size_t most = ingest->failures > 0 || ingest->is_stopping ? 1 : RUNNING_MAX;
    if (ingest->letters_count > 0 || ht_timer_is_running(&ingest->retry_timer)) {
        return;
    }
    for (struct ht_ingest_batch *batch = ingest->head;
         batch != NULL && ingest->running_count < most; batch = batch->next) {
        if (batch->is_running) {
            continue;
        }
        if (batch == ingest->filling) {
            ingest->filling = NULL;
        }
        point_records(batch);
        batch->is_running = true;
        batch->started_ns = ht_clock_monotonic_ns(ingest->options.clock);
        batch->put = (struct ht_stream_put){.records = batch->records,
                                            .count = batch->count,
                                            .source_cursor = choose_cursor(ingest, batch),
                                            .done = on_put,
                                            .user = batch};
        ingest->running_count++;
        stream->ops->put(stream, &batch->put);
    }
}

static void put_again_later(struct ht_ingest *ingest, const struct ht_error *error)
{
    ingest->failures++;
    ingest->counters.put_retries++;
    ht_health_fail(&ingest->health, HT_HEALTH_WAITING, error);
    if (ingest->is_stopping && ingest->is_giving_up) {
        ingest->has_given_up = true;
        return;
    }
    if (ht_timer_is_running(&ingest->retry_timer)) {
        return;
    }
    uint64_t wait_ms = ht_backoff_ms(&backoff, ingest->failures, ingest->options.random);
    ht_log_warning(ingest->options.log, "ingest", "tweets not put on the stream, trying again",
                   HT_TEXT("error", error->text), HT_NUMBER("wait_ms", wait_ms),
                   HT_NUMBER("tweets", ingest->waiting_count));
    ht_timer_start(ingest->options.timers, &ingest->retry_timer, wait_ms);
}

/* The stream has what stood around it, and the cursor behind it. */
static void keep_refused(struct ht_ingest *ingest, struct ht_slice data)
{
    if (keep_letter(ingest, "", data, "refused") != 0) {
        ht_ingest_rescue_keep(ingest, NULL, data, "refused");
    }
}

static void on_put(struct ht_stream_put *put)
{
    struct ht_ingest_batch *batch = put->user;
    struct ht_ingest *ingest = batch->ingest;
    ingest->running_count--;
    batch->is_running = false;
    if (put->status != 0) {
        put_again_later(ingest, &put->error);
        ht_ingest_look_at_stop(ingest);
        return;
    }
    uint64_t now_ns = ht_clock_monotonic_ns(ingest->options.clock);
    ht_histogram_add(&ingest->put_durations, now_ns - batch->started_ns);
    size_t accepted = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].status == 0) {
            accepted++;
        } else {
            ingest->counters.refused[HT_TWEET_REFUSAL_TOO_LARGE]++;
            keep_refused(ingest, batch->records[i].data);
        }
    }
    ingest->counters.accepted += accepted;
    ht_rate_add(&ingest->rate, now_ns / 1000000, accepted);
    keep_cursor(ingest, batch);
    ingest->failures = 0;
    ht_ingest_succeed(ingest);
    ht_ingest_batch_end(ingest, batch);
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}

static void on_retry_due(struct ht_timer *timer)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(timer, struct ht_ingest, retry_timer);
    send_batches(ingest);
}

static void on_room(struct ht_budget_waiter *waiter)
{
    struct ht_ingest *ingest = HT_CONTAINER_OF(waiter, struct ht_ingest, budget_waiter);
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}

static void resume_source(struct ht_ingest *ingest)
{
    if (!ingest->is_source_paused || ingest->is_stopping || ingest->budget_waiter.waiting ||
        ingest->failures > 0 || batch_count(ingest) >= BATCHES_MAX / 2 ||
        !ht_ingest_rescue_is_empty(ingest)) {
        return;
    }
    ingest->is_source_paused = false;
    ingest->options.source->ops->resume(ingest->options.source);
}

static int keep_letter(struct ht_ingest *ingest, const char *source, struct ht_slice bytes,
                       const char *reason)
{
    struct ht_ingest_letters *letters = calloc(1, sizeof(*letters) + bytes.length);
    if (letters == NULL) {
        return HT_ENOMEM;
    }
    char *copy = (char *)(letters + 1);
    if (bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    letters->ingest = ingest;
    (void)snprintf(letters->source, sizeof(letters->source), "%s", source);
    letters->letter = (struct ht_dead_letter){.data = {copy, bytes.length},
                                              .source = ht_slice_text(letters->source),
                                              .reason = ht_slice_text(reason),
                                              .at_ms = ht_clock_wall_ms(ingest->options.clock)};
    letters->reserved_bytes = sizeof(*letters) + bytes.length;
    ht_timer_init(&letters->retry_timer, on_letter_retry);
    ht_budget_reserve(ingest->options.budget, letters->reserved_bytes);
    letters->next = ingest->letters;
    if (letters->next != NULL) {
        letters->next->previous = letters;
    }
    ingest->letters = letters;
    ingest->letters_count++;
    on_letter_retry(&letters->retry_timer);
    return 0;
}

static void on_letter_retry(struct ht_timer *timer)
{
    struct ht_ingest_letters *letters =
        HT_CONTAINER_OF(timer, struct ht_ingest_letters, retry_timer);
    struct ht_dead_letters *port = letters->ingest->options.dead_letters;
    letters->append = (struct ht_dead_letters_append){
        .letters = &letters->letter, .count = 1, .done = on_letter, .user = letters};
    port->ops->append(port, &letters->append);
}

static void free_letters(struct ht_ingest_letters *letters)
{
    struct ht_ingest *ingest = letters->ingest;
    *(letters->previous == NULL ? &ingest->letters : &letters->previous->next) = letters->next;
    if (letters->next != NULL) {
        letters->next->previous = letters->previous;
    }
    ingest->letters_count--;
    ht_budget_release(ingest->options.budget, letters->reserved_bytes);
    free(letters);
}

static void on_letter(struct ht_dead_letters_append *append)
{
    struct ht_ingest_letters *letters = append->user;
    struct ht_ingest *ingest = letters->ingest;
    if (append->status != 0) {
        ht_health_fail(&ingest->health, HT_HEALTH_WAITING, &append->error);
        if (!ingest->is_stopping || !ingest->is_giving_up) {
            letters->attempts++;
            ht_timer_start(ingest->options.timers, &letters->retry_timer,
                           ht_backoff_ms(&backoff, letters->attempts, ingest->options.random));
            return;
        }
        ingest->is_letter_lost = true;
        ingest->lost_letters_count++;
    }
    free_letters(letters);
    ht_ingest_succeed(ingest);
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}

/* What failed before is tried at once, instead of when its back-off is over. */
static void try_now(struct ht_ingest *ingest)
{
    struct ht_timer_queue *timers = ingest->options.timers;
    ingest->failures = 0;
    if (ht_timer_is_running(&ingest->retry_timer)) {
        ht_timer_start(timers, &ingest->retry_timer, 0);
    }
    if (ht_timer_is_running(&ingest->rescue.timer)) {
        ht_timer_start(timers, &ingest->rescue.timer, 0);
    }
    for (struct ht_ingest_letters *at = ingest->letters; at != NULL; at = at->next) {
        if (ht_timer_is_running(&at->retry_timer)) {
            ht_timer_start(timers, &at->retry_timer, 0);
        }
    }
}

void ht_ingest_stop(struct ht_ingest *ingest, void (*on_stopped)(void *user), void *user)
{
    ingest->is_stopping = true;
    ingest->on_stopped = on_stopped;
    ingest->on_stopped_user = user;
    ht_budget_cancel_wait(ingest->options.budget, &ingest->budget_waiter);
    try_now(ingest);
    if (!ingest->is_started) {
        ingest->is_source_stopped = true;
        ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
        return;
    }
    ingest->options.source->ops->stop(ingest->options.source, on_source_stopped, ingest);
}

void ht_ingest_give_up(struct ht_ingest *ingest)
{
    ingest->is_giving_up = true;
    if (ingest->is_stopping) {
        try_now(ingest);
    }
}

static void on_source_stopped(void *user)
{
    struct ht_ingest *ingest = user;
    ingest->is_source_stopped = true;
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}

void ht_ingest_look_at_stop(struct ht_ingest *ingest)
{
    if (!ingest->is_stopping || !ingest->is_source_stopped || ingest->on_stopped == NULL ||
        ingest->running_count > 0 || ingest->letters_count > 0 || ingest->posts_count > 0 ||
        (ingest->head != NULL && !ingest->has_given_up) ||
        (!ht_ingest_rescue_is_empty(ingest) && !ingest->is_giving_up)) {
        return;
    }
    ht_timer_stop(ingest->options.timers, &ingest->turn_timer);
    ht_timer_stop(ingest->options.timers, &ingest->retry_timer);
    ht_timer_stop(ingest->options.timers, &ingest->rescue.timer);
    ht_health_set(&ingest->health, HT_HEALTH_STOPPED, "%s", "");
    void (*on_stopped)(void *) = ingest->on_stopped;
    ingest->on_stopped = NULL;
    on_stopped(ingest->on_stopped_user);
}

void ht_ingest_destroy(struct ht_ingest *ingest)
{
    if (ingest == NULL) {
        return;
    }
    HT_ASSERT(ingest->running_count == 0 && ingest->posts_count == 0);
    ht_timer_stop(ingest->options.timers, &ingest->turn_timer);
    ht_timer_stop(ingest->options.timers, &ingest->retry_timer);
    ht_ingest_rescue_finish(ingest);
    ht_ingest_batch_finish_all(ingest);
    ht_tweet_reader_finish(&ingest->reader);
    free(ingest);
}

size_t ht_ingest_waiting(const struct ht_ingest *ingest)
{
    return ingest->waiting_count + ingest->lost_letters_count + ingest->rescue.count;
}

struct ht_health *ht_ingest_health(struct ht_ingest *ingest)
{
    return &ingest->health;
}

const struct ht_ingest_counters *ht_ingest_counters(const struct ht_ingest *ingest)
{
    return &ingest->counters;
}

struct ht_rate *ht_ingest_rate(struct ht_ingest *ingest)
{
    return &ingest->rate;
}

const struct ht_histogram *ht_ingest_put_durations(const struct ht_ingest *ingest)
{
    return &ingest->put_durations;
}
