// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include "hashtagd/base/backoff.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The life of a shard:
 *
 *     WAITING (for its parents) -> READING -> FINISHED
 *                                 |      ^
 *                                 v      |
 *                                RETRYING       (a read failed, or the watchdog)
 *
 * A shard reads one batch ahead of the one that is being counted.
 */

enum {
    READ_LEAST_BYTES = 64 * 1024,
    READ_MAX_BYTES = 4 * 1024 * 1024,
    READ_WAIT_MS = 1000,
    WATCHDOG_INTERVAL_MS = 5000,
    WATCHDOG_LIMIT_MS = 60000,
};

static const struct ht_backoff backoff = {.base_ms = 200, .max_ms = 10000};

static void read_shard(struct ht_count_shard *shard);
static void on_read(struct ht_stream_read *read);
static void on_retry_due(struct ht_timer *timer);
static void on_watchdog_due(struct ht_timer *timer);
static void advance(struct ht_count_shard *shard, const struct ht_position *position);
static void end_shard(struct ht_count_shard *shard);

void ht_count_shards_init(struct ht_count *count)
{
    ht_count_lineage_init(count);
    ht_timer_init(&count->watchdog_timer, on_watchdog_due);
}

void ht_count_shards_start(struct ht_count *count)
{
    count->watched_ms = ht_clock_monotonic_ms(count->options.clock);
    ht_timer_start(count->options.timers, &count->watchdog_timer, WATCHDOG_INTERVAL_MS);
    ht_count_lineage_list(count);
}

void ht_count_shard_init(struct ht_count_shard *shard)
{
    ht_timer_init(&shard->retry_timer, on_retry_due);
}

static void begin_to_warm(struct ht_count_shard *shard, uint64_t records)
{
    shard->read_from = shard->counted;
    shard->read_from.kind = HT_POSITION_BEFORE;
    shard->read_from.records = records;
    shard->is_warming = shard->is_remembering = true;
    shard->warm_records = records;
    shard->warmed_records = 0;
}

/* Half as much again as the window, because not every record is a tweet with an id of its own. */
static uint64_t records_to_warm(const struct ht_count_shard *shard)
{
    size_t window = shard->count->options.repeat_window;
    return window + window / 2;
}

/* Begins before the checkpoint, so that the window of recent ids is filled again; where that is too
 * little it begins again. */
void ht_count_shard_start(struct ht_count_shard *shard)
{
    if (ht_count_lineage_remember(shard) != 0) {
        return;
    }
    shard->state = HT_COUNT_SHARD_READING;
    if (shard->has_counted && shard->counted.kind == HT_POSITION_AFTER &&
        records_to_warm(shard) > 0) {
        begin_to_warm(shard, records_to_warm(shard));
    }
    ht_log_info(shard->count->options.log, "count", "reading shard",
                HT_TEXT("shard", shard->info.id),
                HT_TEXT("after", shard->has_counted ? shard->counted.sequence_number : ""));
    read_shard(shard);
}

bool ht_count_shard_recall(struct ht_count_shard *shard)
{
    bool is_known =
        shard->counted.sequence_number[0] != '\0' || shard->counted.warm_sequence[0] != '\0';
    if (!is_known) {
        return false;
    }
    shard->is_recalling = true;
    shard->state = HT_COUNT_SHARD_READING;
    begin_to_warm(shard, records_to_warm(shard));
    if (shard->read_from.sequence_number[0] == '\0') {
        /* an end whose last record nobody knows: what is read from there on ends by itself */
        memcpy(shard->read_from.sequence_number, shard->read_from.warm_sequence,
               sizeof(shard->read_from.sequence_number));
    }
    read_shard(shard);
    return true;
}

static void drop_batches(struct ht_count_shard *shard)
{
    while (shard->batch_count > 0) {
        struct ht_record_batch *batch = shard->batches[--shard->batch_count];
        size_t bytes = batch->bytes;
        ht_record_batch_release(batch);
        ht_budget_release(shard->count->options.budget, bytes);
    }
    shard->record_index = 0;
}

bool ht_count_shard_warm_again(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    /* fewer than were asked for: there are no more */
    if (ht_recent_ids_count(shard->memory->recent_ids) >= count->options.repeat_window ||
        shard->warmed_records < shard->warm_records || shard->warm_records > UINT64_MAX / 4) {
        return false;
    }
    drop_batches(shard);
    ht_recent_ids_clear(shard->memory->recent_ids);
    ht_count_trail_init(&shard->memory->trail, count->options.repeat_window);
    if (ht_count_lineage_remember(shard) != 0) {
        return true;
    }
    begin_to_warm(shard, shard->warm_records * 4);
    if (shard->is_reading) {
        shard->is_stale = shard->is_canceled = true;
        count->options.stream->ops->cancel_read(count->options.stream, &shard->read);
    }
    read_shard(shard);
    return true;
}

/* Whether the table is what memory waits for: it refuses to write, or a flush takes so long that what
 * is pending fills half of it. Reading on would only fill the rest. */
static bool is_held_up(const struct ht_count *count)
{
    return count->flush_failures > 0 || (count->flight.is_active && ht_count_is_full(count));
}

static bool is_behind(const struct ht_count_shard *shard)
{
    return shard->behind_records > 0 || shard->behind_ms > 0 || shard->caught_up_ns == 0;
}

/* What one read may bring: all shards together half of the budget. */
static size_t read_bytes(const struct ht_count *count)
{
    size_t readers = 0;
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        readers += at->state == HT_COUNT_SHARD_READING || at->state == HT_COUNT_SHARD_RETRYING;
    }
    size_t bytes = count->options.budget->limit_bytes / 2 / (readers > 0 ? readers : 1);
    bytes = bytes < READ_MAX_BYTES ? bytes : READ_MAX_BYTES;
    return bytes > READ_LEAST_BYTES ? bytes : READ_LEAST_BYTES;
}

/* Whether a read more fits, with all those under way: each may bring as much as it was told. */
static bool has_room(const struct ht_count *count)
{
    size_t bytes = read_bytes(count);
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        bytes += at->is_reading ? at->read.max_bytes : 0;
    }
    return ht_budget_has_room(count->options.budget, bytes);
}

/* Whether no shard has anything, or is about to: then one may read whatever the budget says, so that
 * a small one only slows the counting. */
static bool is_idle(const struct ht_count *count)
{
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->batch_count > 0 || (at->is_reading && at->is_cramped)) {
            return false;
        }
    }
    return true;
}

static bool may_read(const struct ht_count_shard *shard)
{
    const struct ht_count *count = shard->count;
    if (count->is_stopping || count->is_restarting || shard->is_reading ||
        shard->state != HT_COUNT_SHARD_READING || shard->batch_count >= HT_COUNT_BATCHES_MAX ||
        shard->read_from.kind == HT_POSITION_END) {
        return false;
    }
    return has_room(count) || (!is_held_up(count) && is_idle(count));
}

/* Somebody waits for all that is on the stream, and this shard has not yet found its tip since. */
static bool is_in_hurry(const struct ht_count_shard *shard)
{
    for (const struct ht_count_flush *at = shard->count->flush_requests; at != NULL;
         at = at->next) {
        if (at->asked_ns > shard->caught_up_ns) {
            return true;
        }
    }
    return false;
}

/* Where only one may read at a time, one that waits at its tip must not hold up those behind. */
static bool holds_others_up(const struct ht_count_shard *shard)
{
    for (const struct ht_count_shard *at = shard->count->shards; at != NULL; at = at->next) {
        if (at != shard && at->state == HT_COUNT_SHARD_READING && is_behind(at)) {
            return shard->is_cramped;
        }
    }
    return false;
}

static void read_shard(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    if (!may_read(shard)) {
        return;
    }
    shard->is_cramped = !has_room(count);
    shard->is_reading = true;
    shard->is_canceled = false;
    shard->read_started_ns = ht_clock_monotonic_ns(count->options.clock);
    bool waits = !is_in_hurry(shard) && !holds_others_up(shard);
    shard->read = (struct ht_stream_read){.from = shard->read_from,
                                          .max_bytes = read_bytes(count),
                                          .wait_ms = waits ? READ_WAIT_MS : 0,
                                          .done = on_read,
                                          .user = shard};
    memcpy(shard->read.shard_id, shard->info.id, sizeof(shard->read.shard_id));
    count->options.stream->ops->read(count->options.stream, &shard->read);
}

/* Memory was given back: the others have their turn first. */
static void read_after(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    for (struct ht_count_shard *at = shard->next; at != NULL; at = at->next) {
        read_shard(at);
    }
    for (struct ht_count_shard *at = count->shards; at != NULL && at != shard; at = at->next) {
        read_shard(at);
    }
    read_shard(shard);
}

void ht_count_shards_read(struct ht_count *count)
{
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        read_shard(at);
    }
}

static void handle_read_failure(struct ht_count_shard *shard, const struct ht_error *error)
{
    struct ht_count *count = shard->count;
    shard->failures++;
    shard->state = HT_COUNT_SHARD_RETRYING;
    uint64_t wait_ms = ht_backoff_ms(&backoff, shard->failures, count->options.random);
    ht_health_fail(&count->health, HT_HEALTH_WAITING, error);
    ht_log_warning(count->options.log, "count", "shard not read, trying again",
                   HT_TEXT("shard", shard->info.id), HT_TEXT("error", error->text),
                   HT_NUMBER("wait_ms", wait_ms));
    ht_timer_start(count->options.timers, &shard->retry_timer, wait_ms);
}

/* The stream has let it go: whatever it held is out of reach, and its children must not wait. */
static void end_lost_shard(struct ht_count_shard *shard)
{
    struct ht_position position = {.kind = HT_POSITION_END};
    ht_log_warning(shard->count->options.log, "count", "shard is gone before it was read out",
                   HT_TEXT("shard", shard->info.id));
    advance(shard, &position);
    end_shard(shard);
}

/* The tip where it began is a place in time. Until its first record that is what is written: after a
 * crash the tip is elsewhere, and what came in between must be counted. */
static void note_start(struct ht_count_shard *shard)
{
    if (!shard->has_counted && shard->start.kind == HT_POSITION_LATEST &&
        shard->read_from.kind == HT_POSITION_AT_TIME) {
        shard->start = shard->read_from;
        shard->is_dirty = true;
    }
}

static void accept_batch(struct ht_count_shard *shard, struct ht_record_batch *batch)
{
    struct ht_count *count = shard->count;
    shard->failures = 0;
    shard->last_success_ms = ht_clock_monotonic_ms(count->options.clock);
    shard->read_from = batch->next;
    note_start(shard);
    shard->batch_started_ns[shard->batch_count] = shard->read_started_ns;
    shard->batches[shard->batch_count++] = batch;
    ht_budget_reserve(count->options.budget, batch->bytes);
    ht_count_note_success(count);
    ht_count_work(count);
    read_shard(shard);
}

static void on_read(struct ht_stream_read *read)
{
    struct ht_count_shard *shard = read->user;
    struct ht_count *count = shard->count;
    shard->is_reading = false;
    if (count->is_restarting) {
        ht_record_batch_release(read->batch);
        ht_count_look_at_restart(count);
        return;
    }
    if (count->is_stopping) {
        ht_record_batch_release(read->batch);
        ht_count_look_at_stop(count);
        return;
    }
    if (shard->is_stale && (read->status == 0 || read->status == HT_ECANCELED)) {
        shard->is_stale = false;
        ht_record_batch_release(read->batch);
        read_shard(shard);
        return;
    }
    shard->is_stale = false;
    if (read->status == 0) {
        accept_batch(shard, read->batch);
    } else if (read->status == HT_ECANCELED && shard->is_canceled) {
        read_shard(shard);
    } else if (read->status == HT_ENOTFOUND && shard->batch_count == 0 &&
               !ht_count_lineage_has(shard)) {
        end_lost_shard(shard);
    } else {
        handle_read_failure(shard, &read->error);
    }
}

static void on_retry_due(struct ht_timer *timer)
{
    struct ht_count_shard *shard = HT_CONTAINER_OF(timer, struct ht_count_shard, retry_timer);
    shard->state = HT_COUNT_SHARD_READING;
    read_shard(shard);
}

void ht_count_shards_hurry(struct ht_count *count)
{
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->is_reading && !at->is_canceled) {
            at->is_canceled = true;
            count->options.stream->ops->cancel_read(count->options.stream, &at->read);
        }
    }
    ht_count_shards_read(count);
}

static void end_shard(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    bool is_recalling = shard->is_recalling;
    shard->state = HT_COUNT_SHARD_FINISHED;
    shard->failures = 0;
    shard->is_warming = shard->is_remembering = shard->is_recalling = false;
    if (is_recalling) {
        ht_count_lineage_recalled(shard);
        ht_count_lineage_end(count);
        return;
    }
    ht_count_marks_drop(shard);
    ht_log_info(count->options.log, "count", "shard is read to its end",
                HT_TEXT("shard", shard->info.id));
    ht_count_lineage_end(count);
}

/* Whether `position` is past what is counted: while old records are read again it is not. */
static bool is_progress(const struct ht_count_shard *shard, const struct ht_position *position)
{
    if (position->kind == HT_POSITION_END || !shard->has_counted) {
        return position->kind == HT_POSITION_END || position->kind == HT_POSITION_AFTER;
    }
    return position->kind == HT_POSITION_AFTER &&
           ht_sequence_compare_sub(ht_slice_text(position->sequence_number), position->sub_sequence,
                                   ht_slice_text(shard->counted.sequence_number),
                                   shard->counted.sub_sequence) > 0;
}

static void advance(struct ht_count_shard *shard, const struct ht_position *position)
{
    if (shard->is_recalling || !is_progress(shard, position)) {
        return;
    }
    struct ht_position before = shard->counted;
    shard->counted = *position;
    if (position->sequence_number[0] == '\0' && shard->has_counted) {
        /* an end that does not say behind which record */
        memcpy(shard->counted.sequence_number, before.sequence_number,
               sizeof(before.sequence_number));
        shard->counted.sub_sequence = before.sub_sequence;
    }
    memcpy(shard->counted.warm_sequence, before.warm_sequence, sizeof(before.warm_sequence));
    shard->has_counted = shard->is_dirty = true;
}

void ht_count_shard_describe(const struct ht_count_shard *shard, struct ht_checkpoint *checkpoint)
{
    memcpy(checkpoint->shard_id, shard->info.id, sizeof(checkpoint->shard_id));
    if (!shard->has_counted) {
        checkpoint->position = shard->start;
        return;
    }
    checkpoint->position = shard->counted;
    if (shard->memory != NULL && !shard->is_warming) {
        (void)snprintf(checkpoint->position.warm_sequence,
                       sizeof(checkpoint->position.warm_sequence), "%s",
                       ht_count_trail_find(&shard->memory->trail));
    }
}

void ht_count_shard_note_position(struct ht_count_shard *shard)
{
    if (shard->batch_count == 0 || shard->record_index == 0) {
        return;
    }
    const struct ht_record *last = &shard->batches[0]->records[shard->record_index - 1];
    struct ht_position position = {0};
    ht_position_after(&position, last->sequence_number, last->sub_sequence);
    advance(shard, &position);
}

void ht_count_shard_batch_done(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    struct ht_record_batch *batch = shard->batches[0];
    enum ht_position_kind next = batch->next.kind;
    ht_count_shard_note_position(shard);
    advance(shard, &batch->next);
    shard->behind_records = batch->behind_records;
    shard->behind_ms = batch->behind_ms;
    if (batch->behind_records == 0 && batch->behind_ms == 0) {
        shard->caught_up_ns = shard->batch_started_ns[0];
        shard->is_remembering = false;
    }
    shard->batch_count--;
    shard->batches[0] = shard->batches[1];
    shard->batch_started_ns[0] = shard->batch_started_ns[1];
    shard->record_index = 0;
    size_t bytes = batch->bytes;
    ht_record_batch_release(batch);
    ht_budget_release(count->options.budget, bytes);
    if (next == HT_POSITION_END) {
        end_shard(shard);
    }
    read_after(shard);
}

/* A shard that should be reading and has had no answer for long is started afresh: a read that
 * never comes back would otherwise stop it for good in a process that looks healthy. Where the
 * process itself stood still, the answers have not been looked at yet: the next time tells. */
static void on_watchdog_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, watchdog_timer);
    uint64_t now_ms = ht_clock_monotonic_ms(count->options.clock);
    bool stood_still = now_ms - count->watched_ms > WATCHDOG_LIMIT_MS;
    for (struct ht_count_shard *at = stood_still ? NULL : count->shards; at != NULL;
         at = at->next) {
        if (at->state != HT_COUNT_SHARD_READING || at->batch_count > 0 || !at->is_reading ||
            now_ms - at->read_started_ns / 1000000 < WATCHDOG_LIMIT_MS || at->is_canceled) {
            continue;
        }
        count->counters.shard_restarts++;
        struct ht_error error;
        (void)ht_error_set(&error, HT_ETIMEDOUT,
                           "Shard %s has not answered for %d s; its read was started again.",
                           at->info.id, WATCHDOG_LIMIT_MS / 1000);
        ht_health_fail(&count->health, HT_HEALTH_WAITING, &error);
        at->failures++;
        at->is_canceled = true;
        count->options.stream->ops->cancel_read(count->options.stream, &at->read);
    }
    ht_count_shards_read(count);
    count->watched_ms = now_ms;
    ht_timer_start(count->options.timers, &count->watchdog_timer, WATCHDOG_INTERVAL_MS);
}

bool ht_count_shards_are_failing(const struct ht_count *count)
{
    if (count->list_failures > 0) {
        return true;
    }
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->failures > 0) {
            return true;
        }
    }
    return false;
}

bool ht_count_shards_are_busy(const struct ht_count *count)
{
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->is_reading) {
            return true;
        }
    }
    return count->is_listing;
}

void ht_count_shards_stop(struct ht_count *count)
{
    ht_timer_stop(count->options.timers, &count->list_timer);
    ht_timer_stop(count->options.timers, &count->watchdog_timer);
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        ht_timer_stop(count->options.timers, &at->retry_timer);
        if (at->is_reading) {
            count->options.stream->ops->cancel_read(count->options.stream, &at->read);
        }
    }
}

void ht_count_shard_finish(struct ht_count_shard *shard)
{
    drop_batches(shard);
    ht_timer_stop(shard->count->options.timers, &shard->retry_timer);
}

void ht_count_shards_finish(struct ht_count *count)
{
    ht_timer_stop(count->options.timers, &count->watchdog_timer);
    ht_count_lineage_finish(count);
}
