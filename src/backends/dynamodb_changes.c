// SPDX-License-Identifier: MIT

/*
 * One timer turns everything: finding the stream, the shards, the rows, then the read:
 *
 *   read: something is ready -> a batch -> done
 *         nothing: the shards ask, until something is ready, wait_ms is over or it is woken
 *         wait_ms 0: until each shard has said twice that it has nothing, or one cannot be asked
 */

#include "dynamodb_changes_internal.h"

#include "hashtagd/aws/failure.h"
#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    CHANGES_MAGIC = 0x64796e63,
    REST_MS = 1000, /* the longest time without a turn */
    LAST_SAVE_MS = 3000,
};

struct batch {
    struct ht_removal_batch batch; /* first */
    struct ht_counted_removal *items[];
};

static void on_turn(struct ht_timer *timer);
static void start_read(struct ht_changes *port, struct ht_changes_read *read);
static void look_at_read(struct ht_dynamodb_changes *changes, uint64_t now_ms);
static bool is_drained(struct ht_dynamodb_changes *changes, struct ht_error *error);
static void finish_read(struct ht_dynamodb_changes *changes, const struct ht_error *error);
static struct ht_removal_batch *make_batch(struct ht_dynamodb_changes *changes, size_t max_count);
static void wake(struct ht_changes *port);
static void start_commit(struct ht_changes *port, struct ht_changes_commit *commit);
static void start_recent(struct ht_changes *port, struct ht_changes_recent *recent);
static void on_recent(struct ht_changes_recent *recent);
static void on_no_recent(struct ht_timer *timer);
static void close_changes(struct ht_changes *port, void (*on_closed)(void *user), void *user);
static void look_at_close(struct ht_dynamodb_changes *changes, uint64_t now_ms);
static void on_positions_closed(void *user);
static void destroy(struct ht_changes *port);

static const struct ht_changes_ops operations = {
    .type = "dynamodb",
    .read = start_read,
    .wake = wake,
    .commit = start_commit,
    .recent = start_recent,
    .close = close_changes,
    .destroy = destroy,
};

static struct ht_dynamodb_changes *changes_from(struct ht_changes *port)
{
    struct ht_dynamodb_changes *changes =
        HT_CONTAINER_OF(port, struct ht_dynamodb_changes, changes);
    HT_ASSERT(changes->magic == CHANGES_MAGIC);
    return changes;
}

static void free_changes(struct ht_dynamodb_changes *changes)
{
    ht_embedded_deliveries_destroy(changes->deliveries);
    free(changes->resource);
    free((char *)(uintptr_t)changes->options.table_name);
    free(changes);
}

static void on_positions_trouble(void *user)
{
    ht_dynamodb_changes_turn_soon(user);
}

static int set_up(struct ht_dynamodb_changes *changes,
                  const struct ht_dynamodb_changes_options *options, struct ht_error *error)
{
    struct ht_buffer resource;
    ht_buffer_init(&resource, 1024);
    (void)ht_buffer_append_format(&resource, "the change stream of table %s", options->table_name);
    changes->options = *options;
    changes->options.table_name = strdup(options->table_name);
    changes->resource = ht_buffer_take(&resource);
    if (changes->options.table_name == NULL || changes->resource == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the change feed.");
    }
    return options->store == NULL
               ? 0
               : ht_embedded_deliveries_create(&changes->deliveries, options->store, error);
}

static void ignore_closed(void *user)
{
    (void)user;
}

int ht_dynamodb_changes_create_over(struct ht_changes **out,
                                    const struct ht_dynamodb_changes_options *options,
                                    struct ht_positions *positions, struct ht_error *error)
{
    struct ht_dynamodb_changes *changes = calloc(1, sizeof(*changes));
    int status = changes == NULL
                     ? ht_error_set(error, HT_ENOMEM, "Out of memory for the change feed.")
                     : set_up(changes, options, error);
    *out = NULL;
    if (status != 0) {
        if (changes != NULL) {
            free_changes(changes);
        }
        positions->ops->close(positions, ignore_closed, NULL);
        return status;
    }
    changes->magic = CHANGES_MAGIC;
    changes->changes.ops = &operations;
    changes->positions = positions;
    positions->on_trouble = on_positions_trouble;
    positions->on_trouble_user = changes;
    ht_health_init(&changes->changes.health, options->clock, HT_HEALTH_STARTING);
    ht_removal_reader_init(&changes->removal_reader);
    ht_timer_init(&changes->turn_timer, on_turn);
    ht_timer_init(&changes->recent_timer, on_no_recent);
    ht_dynamodb_changes_turn_soon(changes);
    *out = &changes->changes;
    return 0;
}

uint64_t ht_dynamodb_changes_now_ms(const struct ht_dynamodb_changes *changes)
{
    return ht_clock_monotonic_ms(changes->options.clock);
}

void ht_dynamodb_changes_turn_soon(struct ht_dynamodb_changes *changes)
{
    if (!changes->is_deferred) {
        changes->is_deferred = true;
        ht_timer_start(changes->options.timers, &changes->turn_timer, 0);
    }
}

void ht_dynamodb_changes_wait_until(struct ht_dynamodb_changes *changes, uint64_t due_ms)
{
    changes->next_due_ms = due_ms < changes->next_due_ms ? due_ms : changes->next_due_ms;
}

static void on_turn(struct ht_timer *timer)
{
    struct ht_dynamodb_changes *changes =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_changes, turn_timer);
    uint64_t now_ms = ht_dynamodb_changes_now_ms(changes);
    changes->is_deferred = false;
    changes->next_due_ms = now_ms + REST_MS;
    if (changes->is_closing) {
        look_at_close(changes, now_ms);
    } else {
        ht_changes_stream_step(changes, now_ms);
        ht_changes_readers_step(changes, now_ms);
        ht_changes_commit_step(changes, now_ms);
        ht_dynamodb_changes_tell(changes);
        look_at_read(changes, now_ms);
    }
    if (!changes->is_deferred && !changes->is_positions_closing) {
        uint64_t due_ms = changes->next_due_ms;
        ht_timer_start(changes->options.timers, &changes->turn_timer,
                       due_ms > now_ms ? due_ms - now_ms : 0);
    }
}

/* What is to be told: the first of these that is wrong. */
static const struct ht_changes_trouble *find_trouble(struct ht_dynamodb_changes *changes,
                                                     struct ht_changes_trouble *room)
{
    const struct ht_changes_stream *stream = &changes->stream;
    bool needs_person = false;
    const struct ht_error *rows =
        changes->positions->ops->trouble(changes->positions, &needs_person);
    const struct ht_changes_trouble *shard = ht_changes_readers_trouble(changes);
    if (stream->trouble.error.code != 0 &&
        (!stream->is_found || stream->failures > 1 || stream->trouble.state == HT_HEALTH_FAILED)) {
        return &stream->trouble;
    }
    if (rows != NULL) {
        room->state = needs_person ? HT_HEALTH_FAILED : HT_HEALTH_WAITING;
        room->error = *rows;
        return room;
    }
    if (shard != NULL) {
        return shard;
    }
    return stream->condition.error.code != 0 ? &stream->condition : NULL;
}

void ht_dynamodb_changes_tell(struct ht_dynamodb_changes *changes)
{
    struct ht_health *health = &changes->changes.health;
    struct ht_changes_trouble room = {0};
    const struct ht_changes_trouble *trouble = find_trouble(changes, &room);
    if (trouble == NULL) {
        if (changes->stream.is_found && health->state != HT_HEALTH_WORKING) {
            ht_health_set(health, HT_HEALTH_WORKING, "%s", "");
            ht_log_info(changes->options.log, "changes", "change feed works");
        }
        changes->told.error.code = 0;
        return;
    }
    bool is_same =
        trouble->state == changes->told.state && trouble->error.code == changes->told.error.code;
    if (is_same && strcmp(trouble->error.text, changes->told.error.text) == 0) {
        return;
    }
    changes->told = *trouble;
    changes->changes.counters.read_errors++;
    if (is_same) { /* another request id */
        ht_health_set(health, trouble->state, "%s", trouble->error.text);
        return;
    }
    ht_health_fail(health, trouble->state, &trouble->error);
    ht_log_warning(changes->options.log, "changes", "change feed in trouble",
                   HT_TEXT("error", trouble->error.text));
}

void ht_dynamodb_changes_note(struct ht_changes_trouble *trouble, const struct ht_aws_call *call,
                              int status)
{
    bool needs_person = status == HT_EPERMISSION || status == HT_EINVAL ||
                        status == HT_EUNSUPPORTED || status == HT_ETOOBIG;
    trouble->state = needs_person ? HT_HEALTH_FAILED : HT_HEALTH_WAITING;
    if (call->error.code == 0) {
        ht_error_set(&trouble->error, status, "DynamoDB Streams %s: %s.", call->operation,
                     ht_error_meaning(status));
    } else if (status == HT_EPERMISSION && !ht_aws_failure_is_about_keys(&call->failure)) {
        ht_error_set(&trouble->error, status, "%.400s Allow dynamodb:%s there.", call->error.text,
                     call->operation);
    } else {
        trouble->error = call->error;
    }
}

static void start_read(struct ht_changes *port, struct ht_changes_read *read)
{
    struct ht_dynamodb_changes *changes = changes_from(port);
    HT_ASSERT(changes->read == NULL);
    changes->read = read;
    changes->read_at_ms = ht_dynamodb_changes_now_ms(changes);
    changes->is_woken = false;
    if (read->wait_ms == 0) {
        ht_changes_readers_hurry(changes, true);
    }
    ht_dynamodb_changes_turn_soon(changes);
}

static void look_at_read(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_changes_read *read = changes->read;
    struct ht_error error = {0};
    if (read == NULL) {
        return;
    }
    uint64_t due_ms = changes->read_at_ms + read->wait_ms;
    bool is_over = read->wait_ms == 0 ? is_drained(changes, &error) : now_ms >= due_ms;
    if (changes->ready_first != NULL || changes->is_woken || is_over) {
        finish_read(changes, &error);
    } else if (read->wait_ms > 0) {
        ht_dynamodb_changes_wait_until(changes, due_ms);
    }
}

/* Whether a read that does not wait is over: nothing is there, or it cannot be told (`error`). */
static bool is_drained(struct ht_dynamodb_changes *changes, struct ht_error *error)
{
    const struct ht_changes_trouble *trouble = NULL;
    bool needs_person = false;
    const struct ht_error *rows =
        changes->positions->ops->trouble(changes->positions, &needs_person);
    bool is_settling = ht_changes_stream_is_settling(changes);
    bool are_empty = ht_changes_readers_are_empty(changes, &trouble);
    if (is_settling && changes->stream.trouble.error.code != 0) {
        *error = changes->stream.trouble.error;
    } else if (rows != NULL && !changes->stream.is_found) {
        *error = *rows;
    } else if (trouble != NULL) {
        *error = trouble->error;
    }
    return error->code != 0 || (are_empty && !is_settling);
}

static void finish_read(struct ht_dynamodb_changes *changes, const struct ht_error *error)
{
    struct ht_changes_read *read = changes->read;
    bool is_given = error->code == 0 || changes->ready_first != NULL;
    if (changes->is_closing) {
        is_given = false;
    }
    changes->read = NULL;
    changes->is_woken = false;
    read->status = is_given ? 0 : error->code;
    ht_error_clear(&read->error);
    read->batch = is_given ? make_batch(changes, read->max_count) : NULL;
    if (!is_given) {
        read->error = *error;
    } else if (read->batch == NULL) {
        read->status = ht_error_set(&read->error, HT_ENOMEM, "Out of memory for removals.");
    }
    read->done(read);
}

static void release_batch(struct ht_removal_batch *removals)
{
    struct batch *batch = (struct batch *)removals;
    for (size_t i = 0; i < batch->batch.count; i++) {
        ht_counted_removal_release(batch->items[i]);
    }
    free(batch->batch.removals);
    free(batch);
}

static size_t count_ready(const struct ht_dynamodb_changes *changes, size_t most)
{
    size_t count = 0;
    for (const struct ht_counted_removal *at = changes->ready_first; at != NULL && count < most;
         at = at->next) {
        count++;
    }
    return count;
}

/* Takes what is ready, gives each its order and puts it into the window. */
static struct ht_removal_batch *make_batch(struct ht_dynamodb_changes *changes, size_t max_count)
{
    size_t count = count_ready(changes, max_count == 0 ? 1 : max_count);
    struct batch *batch = calloc(1, sizeof(*batch) + count * sizeof(struct ht_counted_removal *));
    struct ht_removal *removals = calloc(count + 1, sizeof(*removals));
    if (batch == NULL || removals == NULL) {
        free(batch);
        free(removals);
        return NULL;
    }
    batch->batch = (struct ht_removal_batch){
        .removals = removals,
        .count = count,
        .bytes = sizeof(*batch) + count * (sizeof(void *) + sizeof(*removals)),
        .release = release_batch,
    };
    for (size_t i = 0; i < count; i++) {
        struct ht_counted_removal *removal = changes->ready_first;
        changes->ready_first = removal->next;
        removal->removal.order = ++changes->last_order;
        removals[i] = removal->removal;
        batch->items[i] = ht_counted_removal_hold(removal);
        batch->batch.bytes += removal->bytes;
        ht_changes_window_add(changes, removal);
    }
    return &batch->batch;
}

static void wake(struct ht_changes *port)
{
    struct ht_dynamodb_changes *changes = changes_from(port);
    ht_changes_readers_hurry(changes, false);
    if (changes->read != NULL) {
        /* one that does not wait asks every shard and ends by itself: waking it again and again must
         * not keep it from that */
        changes->is_woken = changes->read->wait_ms > 0;
        ht_dynamodb_changes_turn_soon(changes);
    }
}

static void start_commit(struct ht_changes *port, struct ht_changes_commit *commit)
{
    struct ht_dynamodb_changes *changes = changes_from(port);
    HT_ASSERT(changes->commit == NULL);
    changes->commit = commit;
    changes->commit_step = HT_CHANGES_COMMIT_ASKED;
    ht_dynamodb_changes_turn_soon(changes);
}

static void start_recent(struct ht_changes *port, struct ht_changes_recent *recent)
{
    struct ht_dynamodb_changes *changes = changes_from(port);
    HT_ASSERT(changes->recent == NULL);
    changes->recent = recent;
    changes->recent_done = recent->done;
    changes->recent_user = recent->user;
    recent->done = on_recent;
    recent->user = changes;
    if (changes->deliveries != NULL) {
        ht_embedded_deliveries_recent(changes->deliveries, recent);
    } else {
        recent->status = 0;
        recent->count = 0;
        ht_timer_start(changes->options.timers, &changes->recent_timer, 0);
    }
}

static void on_no_recent(struct ht_timer *timer)
{
    struct ht_dynamodb_changes *changes =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_changes, recent_timer);
    on_recent(changes->recent);
}

static void on_recent(struct ht_changes_recent *recent)
{
    struct ht_dynamodb_changes *changes = recent->user;
    recent->done = changes->recent_done;
    recent->user = changes->recent_user;
    changes->recent = NULL;
    ht_dynamodb_changes_turn_soon(changes);
    recent->done(recent);
}

static void close_changes(struct ht_changes *port, void (*on_closed)(void *user), void *user)
{
    struct ht_dynamodb_changes *changes = changes_from(port);
    HT_ASSERT(!changes->is_closing);
    changes->is_closing = true;
    changes->on_closed = on_closed;
    changes->on_closed_user = user;
    ht_changes_stream_cancel(changes);
    ht_dynamodb_changes_turn_soon(changes);
}

/* Whether nothing runs any more but writes of rows, and the loading of them, which ends when they
 * are closed. */
static bool is_quiet(struct ht_dynamodb_changes *changes)
{
    bool are_closed = ht_changes_readers_close(changes);
    bool is_loading =
        changes->stream.is_running && changes->stream.step == HT_CHANGES_STEP_POSITIONS;
    return are_closed && (!changes->stream.is_running || is_loading) && changes->commit == NULL &&
           changes->recent == NULL;
}

static void look_at_close(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_error error;
    if (changes->is_positions_closing) {
        return;
    }
    if (changes->read != NULL) {
        (void)ht_error_set(&error, HT_ECANCELED, "The change feed is closed.");
        finish_read(changes, &error);
    }
    ht_changes_commit_step(changes, now_ms);
    if (!is_quiet(changes)) {
        return;
    }
    if (!changes->is_last_save) {
        changes->is_last_save = true;
        changes->close_deadline_ms = now_ms + LAST_SAVE_MS;
        ht_changes_commit_save_all(changes);
        ht_changes_commit_step(changes, now_ms);
    }
    if (ht_changes_commit_is_saving(changes) && now_ms < changes->close_deadline_ms) {
        ht_dynamodb_changes_wait_until(changes, changes->close_deadline_ms);
        return;
    }
    changes->is_positions_closing = true;
    changes->positions->ops->close(changes->positions, on_positions_closed, changes);
}

static void on_positions_closed(void *user)
{
    struct ht_dynamodb_changes *changes = user;
    changes->positions = NULL;
    ht_timer_stop(changes->options.timers, &changes->turn_timer);
    ht_health_set(&changes->changes.health, HT_HEALTH_STOPPED, "%s", "");
    changes->on_closed(changes->on_closed_user);
}

static void destroy(struct ht_changes *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_dynamodb_changes *changes = changes_from(port);
    HT_ASSERT(changes->positions == NULL && changes->read == NULL && changes->commit == NULL);
    while (changes->ready_first != NULL) {
        struct ht_counted_removal *removal = changes->ready_first;
        changes->ready_first = removal->next;
        ht_counted_removal_release(removal);
    }
    ht_changes_window_clear(changes);
    ht_lineage_finish(&changes->lineage);
    ht_removal_reader_finish(&changes->removal_reader);
    free(changes->stream.arn);
    free(changes->stream.candidates);
    changes->magic = 0;
    free_changes(changes);
}
