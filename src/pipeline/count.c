// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/count.h"

#include "count_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdlib.h>

/*
 * The life of the stage:
 *
 *     create -> start -> load -> on_load -> (shards are read, counts are flushed) -> stop -> destroy
 *                        ^ ^         |           |
 *                        | +- wait --+           |
 *                        +------- restart -------+   (count_restart.c)
 */

static const struct ht_backoff backoff = {.base_ms = 500, .max_ms = 15000};

static void load(struct ht_timer *timer);
static void on_expected(struct ht_table_load *load, uint64_t item_count);
static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t item_count);
static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint);
static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part);
static void on_mark(struct ht_table_load *load, const struct ht_mark *mark);
static void on_load(struct ht_table_load *load);

struct ht_count *ht_count_create(const struct ht_count_options *options)
{
    struct ht_count *count = calloc(1, sizeof(*count));
    if (count == NULL) {
        return NULL;
    }
    count->options = *options;
    ht_health_init(&count->health, options->clock, HT_HEALTH_STARTING);
    ht_timer_init(&count->load_timer, load);
    ht_count_shards_init(count);
    int flush_status = ht_count_flush_init(count);
    int records_status = ht_count_records_init(count);
    int totals_status = ht_count_totals_init(count);
    if (flush_status != 0 || records_status != 0 || totals_status != 0) {
        ht_count_destroy(count);
        return NULL;
    }
    return count;
}

void ht_count_start(struct ht_count *count)
{
    load(&count->load_timer);
}

void ht_count_note_success(struct ht_count *count)
{
    if (count->flush_failures > 0 || ht_count_shards_are_failing(count)) {
        return;
    }
    ht_health_succeed(&count->health);
    if (!count->options.reads) {
        ht_health_set(&count->health, HT_HEALTH_IDLE, "counting is switched off");
    }
}

void ht_count_move_windows(struct ht_count *count)
{
    int status = ht_tally_advance(count->options.tally, ht_clock_wall_s(count->options.clock) / 60);
    if (status != 0) {
        /* the windows stand still until the next call has the memory */
        struct ht_error error;
        (void)ht_error_set(&error, status, "Out of memory while moving the time windows on.");
        ht_health_note_error(&count->health, &error);
    }
}

static void load(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, load_timer);
    int64_t minute = ht_clock_wall_s(count->options.clock) / 60;
    if (count->load_failures > 0) {
        ht_tally_clear(count->options.tally); /* what the one that failed has brought comes again */
    }
    ht_count_move_windows(count);
    count->loaded_count = 0;
    ht_count_marks_finish(count);
    count->is_loading = true;
    count->load = (struct ht_table_load){.oldest_minute = minute - 24 * 60,
                                         .on_expected = on_expected,
                                         .on_items = on_items,
                                         .on_checkpoint = on_checkpoint,
                                         .on_mark = on_mark,
                                         .on_window_part = on_window_part,
                                         .done = on_load,
                                         .user = count};
    count->options.table->ops->load(count->options.table, &count->load);
}

static void out_of_memory(struct ht_count *count)
{
    struct ht_error error;
    (void)ht_error_set(&error, HT_ENOMEM,
                       "Out of memory while loading the table: the machine has too little for its "
                       "number of hashtags (about 64 bytes each).");
    ht_count_fail(count, &error);
}

static void on_expected(struct ht_table_load *load, uint64_t item_count)
{
    struct ht_count *count = load->user;
    if (ht_tally_reserve(count->options.tally, (size_t)item_count) != 0) {
        /* only a hint: the tally grows step by step then, and may say it again */
        ht_log_debug(count->options.log, "count", "no room for all items at once",
                     HT_NUMBER("items", item_count));
    }
}

static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t item_count)
{
    struct ht_count *count = load->user;
    for (size_t i = 0; i < item_count && !count->is_fatal; i++) {
        int status = ht_tally_load(count->options.tally, items[i].hashtag, items[i].count,
                                   items[i].first_seen_s, items[i].last_seen_s);
        if (status == HT_ENOMEM) {
            out_of_memory(count);
        }
    }
}

static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    struct ht_count *count = load->user;
    if (count->loaded_count == count->loaded_capacity) {
        size_t capacity = count->loaded_capacity == 0 ? 16 : count->loaded_capacity * 2;
        struct ht_checkpoint *loaded = realloc(count->loaded, capacity * sizeof(*loaded));
        if (loaded == NULL) {
            out_of_memory(count);
            return;
        }
        count->loaded = loaded;
        count->loaded_capacity = capacity;
    }
    count->loaded[count->loaded_count++] = *checkpoint;
}

static void on_mark(struct ht_table_load *load, const struct ht_mark *mark)
{
    struct ht_count *count = load->user;
    if (ht_count_marks_load(count, mark) != 0) {
        out_of_memory(count);
    }
}

static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part)
{
    struct ht_count *count = load->user;
    struct ht_tally *tally = count->options.tally;
    struct ht_error error;
    ht_error_clear(&error);
    int status;
    if (part->deleted_hashtag.length > 0) {
        status = ht_tally_apply_deletion(tally, part->deleted_hashtag);
    } else {
        /* tally only reads it, but its parts own what they point to */
        char *data = ht_slice_to_text(part->data);
        struct ht_tally_part tally_part = {.minute = part->minute,
                                           .kind = part->replaces ? HT_TALLY_PART_REPLACE
                                                                  : HT_TALLY_PART_ADD,
                                           .data = data,
                                           .length = part->data.length};
        status = data == NULL ? HT_ENOMEM : ht_tally_apply_part(tally, &tally_part, &error);
        free(data);
    }
    if (status == HT_ENOMEM) {
        out_of_memory(count);
    } else if (status != 0) {
        count->counters.window_parts_damaged++;
        ht_log_warning(count->options.log, "count", "stored window skipped: it is damaged",
                       HT_NUMBER("minute", part->minute), HT_TEXT("error", error.text));
    }
}

/* Whether trying again could help: what a service or a full disk says, not what a file is. */
static bool is_passing(int status)
{
    return status == HT_ECONNECTION || status == HT_ETIMEDOUT || status == HT_EBUSY ||
           status == HT_EPERMISSION || status == HT_ENOTFOUND || status == HT_ENOSPC;
}

static int compare_checkpoints(const void *a, const void *b)
{
    return strcmp(((const struct ht_checkpoint *)a)->shard_id,
                  ((const struct ht_checkpoint *)b)->shard_id);
}

static void on_load(struct ht_table_load *table_load)
{
    struct ht_count *count = table_load->user;
    count->is_loading = false;
    if (count->is_stopping || count->is_fatal) {
        ht_count_look_at_stop(count);
        return;
    }
    if (table_load->status != 0) {
        ht_health_fail(&count->health, HT_HEALTH_WAITING, &table_load->error);
        if (!is_passing(table_load->status)) {
            ht_count_fail(count, &table_load->error);
            return;
        }
        count->load_failures++;
        ht_timer_start(count->options.timers, &count->load_timer,
                       ht_backoff_ms(&backoff, count->load_failures, count->options.random));
        return;
    }
    if (ht_count_is_outdated(count)) { /* while it was loaded */
        ht_count_restart(count);
        return;
    }
    count->is_loaded = count->is_running = true;
    ht_log_info(count->options.log, "count", "table loaded",
                HT_NUMBER("hashtags", ht_tally_distinct(count->options.tally, HT_TALLY_ALL)),
                HT_NUMBER("total", ht_tally_total(count->options.tally, HT_TALLY_ALL)));
    if (count->loaded_count > 0) {
        qsort(count->loaded, count->loaded_count, sizeof(*count->loaded), compare_checkpoints);
    }
    ht_count_flush_start(count);
    if (count->options.reads) {
        ht_count_shards_start(count);
    } else {
        ht_health_set(&count->health, HT_HEALTH_IDLE, "counting is switched off");
    }
    if (count->options.on_loaded != NULL) {
        count->options.on_loaded(count->options.user);
    }
}

bool ht_count_is_loaded(const struct ht_count *count)
{
    return count->is_loaded;
}

void ht_count_fail(struct ht_count *count, const struct ht_error *error)
{
    if (count->is_fatal) {
        return;
    }
    count->is_fatal = true;
    ht_health_fail(&count->health, HT_HEALTH_FAILED, error);
    if (count->options.on_fatal != NULL) {
        count->options.on_fatal(count->options.user, error);
    }
}

void ht_count_stop(struct ht_count *count, void (*on_stopped)(void *user), void *user)
{
    count->is_stopping = true;
    count->on_stopped = on_stopped;
    count->on_stopped_user = user;
    ht_timer_stop(count->options.timers, &count->work_timer);
    ht_timer_stop(count->options.timers, &count->load_timer);
    ht_timer_stop(count->options.timers, &count->flush_timer);
    ht_count_shards_stop(count);
    ht_count_flush_retry_now(count);
    /* on the next turn, where it looks whether there is something left to write */
    ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
}

void ht_count_give_up(struct ht_count *count)
{
    count->is_giving_up = true;
    if (count->is_stopping) {
        ht_count_flush_retry_now(count);
    }
}

static bool can_write(const struct ht_count *count)
{
    return count->is_running && !count->is_fatal && !count->has_given_up;
}

void ht_count_look_at_stop(struct ht_count *count)
{
    /* a load is not waited for: one from far away may never end; the table's close ends it */
    if (!count->is_stopping || count->on_stopped == NULL || ht_count_shards_are_busy(count)) {
        return;
    }
    if (can_write(count) && ht_count_is_dirty(count)) {
        ht_count_flush_now(count);
    }
    if (can_write(count) && ht_count_is_dirty(count)) {
        return;
    }
    ht_count_flush_cancel(count);
    ht_health_set(&count->health, HT_HEALTH_STOPPED, "%s", "");
    void (*on_stopped)(void *) = count->on_stopped;
    count->on_stopped = NULL;
    on_stopped(count->on_stopped_user);
}

void ht_count_destroy(struct ht_count *count)
{
    if (count == NULL) {
        return;
    }
    ht_timer_stop(count->options.timers, &count->load_timer);
    ht_count_records_finish(count);
    ht_count_shards_finish(count);
    ht_count_flush_finish(count);
    ht_count_totals_finish(count);
    ht_count_marks_finish(count);
    free(count);
}

size_t ht_count_waiting_deletions(const struct ht_count *count)
{
    size_t waiting = count->flight.delete_count;
    for (const struct ht_count_delete *at = count->delete_requests; at != NULL; at = at->next) {
        waiting++;
    }
    return waiting;
}

size_t ht_count_pending_hashtags(const struct ht_count *count)
{
    return ht_pending_collected_count(count->pending) + count->flight.share_count;
}

size_t ht_count_shard_count(const struct ht_count *count)
{
    return count->shard_count;
}

void ht_count_shard_get(const struct ht_count *count, size_t index,
                        struct ht_count_shard_status *status)
{
    HT_ASSERT(index < count->shard_count);
    const struct ht_count_shard *shard = count->by_id[index];
    uint64_t now_ms = ht_clock_monotonic_ms(count->options.clock);
    *status = (struct ht_count_shard_status){
        .id = shard->info.id,
        .state = shard->state,
        .sequence_number = shard->has_counted ? shard->counted.sequence_number : "",
        .behind_records = shard->behind_records,
        .behind_ms = shard->behind_ms,
        .last_success_age_ms = now_ms - shard->last_success_ms};
}

const char *ht_count_shard_state_name(enum ht_count_shard_state state)
{
    static const char *const names[] = {"waiting", "reading", "retrying", "finished"};
    return names[state];
}

struct ht_health *ht_count_health(struct ht_count *count)
{
    return &count->health;
}

const struct ht_count_counters *ht_count_counters(const struct ht_count *count)
{
    return &count->counters;
}

struct ht_rate *ht_count_tweet_rate(struct ht_count *count)
{
    return &count->tweet_rate;
}

struct ht_rate *ht_count_hashtag_rate(struct ht_count *count)
{
    return &count->hashtag_rate;
}

const struct ht_histogram *ht_count_flush_durations(const struct ht_count *count)
{
    return &count->flush_durations;
}

const struct ht_histogram *ht_count_delete_durations(const struct ht_count *count)
{
    return &count->delete_durations;
}

const struct ht_histogram *ht_count_latencies(const struct ht_count *count)
{
    return &count->latencies;
}

uint64_t ht_count_durable_version(const struct ht_count *count)
{
    return count->durable_version;
}
