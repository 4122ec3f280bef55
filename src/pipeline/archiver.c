// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/archiver.h"

#include "archive_record.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdlib.h>

/*
 * The life of a shipment:
 *
 *     read_next -> on_read -> load -> ship_waiting -> on_append -> commit_head -> on_commit -> freed
 *                                          ^              |             ^             |
 *                                          +--- wait -----+             +--- wait ----+
 *                                                    (failures: one back-off for the stage)
 *
 * Shipments stand in a queue in the order of the feed. Several may be appended at the same
 * time, always in that order: after a failure nothing overtakes, because two deletions of one
 * hashtag must reach the archive in the order in which they happened. Only the head may be
 * committed, and what follows it in the same object.
 */

enum {
    READ_MAX_COUNT = 500,
    READ_WAIT_MS = 1000,
    SHIPMENTS_MAX = 64,
    LINES_MAX_BYTES = 64 * 1024 * 1024,
};

static const struct ht_backoff backoff = {.base_ms = 250, .max_ms = 30000};

enum shipment_state {
    SHIPMENT_WAITING, /* to be appended, for the first time or again */
    SHIPMENT_APPENDING,
    SHIPMENT_DURABLE,
    SHIPMENT_COMMITTING,
};

struct shipment {
    struct ht_archive_append append; /* its user is the archiver's */
    struct ht_archiver *archiver;
    struct shipment *next;
    struct ht_removal_batch *batch; /* owned */
    struct ht_buffer lines;
    enum shipment_state state;
    size_t reserved_bytes;
    uint64_t read_at_ns;
};

struct ht_archiver {
    /* fixed */
    struct ht_archiver_options options;
    /* state */
    struct ht_health health;
    struct ht_archiver_counters counters;
    struct ht_histogram durations;
    struct ht_archive_ring ring;
    struct shipment *head, *tail;
    size_t shipment_count;
    bool reading, committing, stopping;
    bool giving_up;           /* the next failure ends the stop */
    bool given_up;            /* it has come */
    bool read_covers_flushes; /* the running read began after all waiting flushes */
    unsigned read_failures;
    unsigned delivery_failures; /* appends or commits in a row */
    struct ht_changes_recent recent;
    struct ht_changes_read read;
    struct ht_removal_batch *unloaded; /* owned; memory was out for it: it goes first */
    struct ht_changes_commit commit;
    struct ht_timer turn_timer;  /* puts work off to the next turn, and read retries */
    struct ht_timer retry_timer; /* runs while a delivery is to be tried again */
    struct ht_archiver_flush *flushes;
    /* listeners */
    void (*on_record)(void *user, const struct ht_archiver_record *record);
    void *on_record_user;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void on_recent(struct ht_changes_recent *recent);
static void on_turn(struct ht_timer *timer);
static void read_next(struct ht_archiver *archiver);
static void on_read(struct ht_changes_read *read);
static void load_unloaded(struct ht_archiver *archiver);
static struct shipment *load(struct ht_archiver *archiver, struct ht_removal_batch *batch);
static void ship_waiting(struct ht_archiver *archiver);
static void on_append(struct ht_archive_append *append);
static void retry_later(struct ht_archiver *archiver, const struct ht_error *error);
static void on_retry_due(struct ht_timer *timer);
static void commit_head(struct ht_archiver *archiver);
static void on_commit(struct ht_changes_commit *commit);
static void free_shipment(struct shipment *shipment);
static void look_at_flushes(struct ht_archiver *archiver);
static void fail_flushes(struct ht_archiver *archiver, const struct ht_error *error);
static void cancel_flushes(struct ht_archiver *archiver);
static void look_at_stop(struct ht_archiver *archiver);

static bool is_stopped(const struct ht_archiver *archiver)
{
    return archiver->stopping && archiver->on_stopped == NULL;
}

struct ht_archiver *ht_archiver_create(const struct ht_archiver_options *options)
{
    struct ht_archiver *archiver = calloc(1, sizeof(*archiver));
    if (archiver == NULL) {
        return NULL;
    }
    archiver->options = *options;
    ht_health_init(&archiver->health, options->clock, HT_HEALTH_STARTING);
    ht_timer_init(&archiver->turn_timer, on_turn);
    ht_timer_init(&archiver->retry_timer, on_retry_due);
    return archiver;
}

void ht_archiver_start(struct ht_archiver *archiver)
{
    archiver->reading = true;
    archiver->recent = (struct ht_changes_recent){
        .max_count = HT_ARCHIVER_RECENT_MAX, .done = on_recent, .user = archiver};
    archiver->options.changes->ops->recent(archiver->options.changes, &archiver->recent);
}

static struct ht_archiver_record describe(const struct ht_removal *removal)
{
    return (struct ht_archiver_record){
        .event_id = removal->event_id,
        .hashtag = removal->item.hashtag,
        .count = removal->item.count,
        .first_seen_s = removal->item.first_seen_s,
        .last_seen_s = removal->item.last_seen_s,
        .deleted_at_s = removal->deleted_at_s,
        .origin = removal->origin,
    };
}

static void on_recent(struct ht_changes_recent *recent)
{
    struct ht_archiver *archiver = recent->user;
    archiver->reading = false;
    if (recent->status != 0) {
        /* Only the list for people is shorter: nothing to stop for. */
        ht_health_note_error(&archiver->health, &recent->error);
    }
    for (size_t i = recent->status == 0 ? recent->count : 0; i > 0; i--) {
        const struct ht_archived *archived = &recent->archived[i - 1];
        struct ht_archiver_record record = describe(&archived->removal);
        record.archived = true;
        record.archived_at_s = archived->archived_at_s;
        record.object = archived->object;
        ht_archive_ring_add(&archiver->ring, &record);
    }
    ht_health_succeed(&archiver->health);
    read_next(archiver);
}

static void on_turn(struct ht_timer *timer)
{
    struct ht_archiver *archiver = HT_CONTAINER_OF(timer, struct ht_archiver, turn_timer);
    if (is_stopped(archiver)) {
        cancel_flushes(archiver);
        return;
    }
    read_next(archiver);
    look_at_flushes(archiver);
    look_at_stop(archiver);
}

/* Starts the next read, where one is wanted and there is room for what it may bring. */
static void read_next(struct ht_archiver *archiver)
{
    bool is_full = archiver->shipment_count >= SHIPMENTS_MAX ||
                   (archiver->shipment_count > 0 &&
                    !ht_budget_has_room(archiver->options.budget, READ_MAX_COUNT * 256));
    if (archiver->reading || is_full || archiver->given_up ||
        (archiver->stopping && archiver->read_covers_flushes)) {
        return;
    }
    if (archiver->unloaded != NULL) {
        load_unloaded(archiver);
        return;
    }
    bool in_hurry = archiver->flushes != NULL || archiver->stopping;
    archiver->reading = true;
    archiver->read_covers_flushes = in_hurry;
    archiver->read = (struct ht_changes_read){.max_count = READ_MAX_COUNT,
                                              .wait_ms = in_hurry ? 0 : READ_WAIT_MS,
                                              .done = on_read,
                                              .user = archiver};
    archiver->options.changes->ops->read(archiver->options.changes, &archiver->read);
}

static void handle_read_failure(struct ht_archiver *archiver, const struct ht_error *error)
{
    archiver->read_failures++;
    archiver->read_covers_flushes = false;
    ht_health_fail(&archiver->health, HT_HEALTH_WAITING, error);
    fail_flushes(archiver, error);
    if (archiver->stopping && archiver->giving_up) {
        archiver->given_up = true;
        look_at_stop(archiver);
        return;
    }
    ht_timer_start(archiver->options.timers, &archiver->turn_timer,
                   ht_backoff_ms(&backoff, archiver->read_failures, archiver->options.random));
}

static void on_read(struct ht_changes_read *read)
{
    struct ht_archiver *archiver = read->user;
    archiver->reading = false;
    if (read->status != 0) {
        handle_read_failure(archiver, &read->error);
        return;
    }
    if (read->batch->count == 0) {
        if (archiver->read_failures > 0 && archiver->delivery_failures == 0) {
            ht_health_succeed(&archiver->health);
        }
        archiver->read_failures = 0;
        ht_removal_batch_release(read->batch);
        if (archiver->read_covers_flushes && !archiver->stopping) {
            for (struct ht_archiver_flush *flush = archiver->flushes; flush != NULL;
                 flush = flush->next) {
                flush->drained = true;
            }
        }
        ht_timer_start(archiver->options.timers, &archiver->turn_timer, 0);
        return;
    }
    archiver->read_covers_flushes = false;
    archiver->unloaded = read->batch;
    load_unloaded(archiver);
}

/* Nothing more is read before it is loaded: what comes behind must not be committed over it. */
static void load_unloaded(struct ht_archiver *archiver)
{
    struct shipment *shipment = load(archiver, archiver->unloaded);
    if (shipment == NULL) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_ENOMEM,
                           "Out of memory while reading deletions: set memory.budget_bytes lower. "
                           "They are still in the change feed, and are tried again.");
        handle_read_failure(archiver, &error);
        return;
    }
    archiver->unloaded = NULL;
    archiver->read_failures = 0;
    if (archiver->delivery_failures == 0) {
        ht_health_succeed(&archiver->health);
        ship_waiting(archiver);
    }
    ht_timer_start(archiver->options.timers, &archiver->turn_timer, 0);
}

static void tell(struct ht_archiver *archiver, const struct ht_archiver_record *record)
{
    if (archiver->on_record != NULL) {
        archiver->on_record(archiver->on_record_user, record);
    }
}

static struct shipment *load(struct ht_archiver *archiver, struct ht_removal_batch *batch)
{
    struct shipment *shipment = calloc(1, sizeof(*shipment));
    if (shipment == NULL) {
        return NULL;
    }
    shipment->archiver = archiver;
    shipment->batch = batch;
    shipment->read_at_ns = ht_clock_monotonic_ns(archiver->options.clock);
    ht_buffer_init(&shipment->lines, LINES_MAX_BYTES);
    for (size_t i = 0; i < batch->count; i++) {
        if (ht_archive_record_format(&batch->removals[i], &shipment->lines) != 0) {
            ht_buffer_finish(&shipment->lines);
            free(shipment);
            return NULL;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct ht_archiver_record record = describe(&batch->removals[i]);
        tell(archiver, &record);
    }
    shipment->reserved_bytes = batch->bytes + shipment->lines.capacity;
    ht_budget_reserve(archiver->options.budget, shipment->reserved_bytes);
    archiver->counters.waiting += batch->count;
    archiver->shipment_count++;
    *(archiver->head == NULL ? &archiver->head : &archiver->tail->next) = shipment;
    archiver->tail = shipment;
    return shipment;
}

static void ship_waiting(struct ht_archiver *archiver)
{
    struct ht_archive *archive = archiver->options.archive;
    for (struct shipment *at = archiver->head; at != NULL; at = at->next) {
        if (at->state != SHIPMENT_WAITING || archiver->given_up) {
            continue;
        }
        at->state = SHIPMENT_APPENDING;
        at->append = (struct ht_archive_append){.lines = ht_buffer_slice(&at->lines),
                                                .count = at->batch->count,
                                                .done = on_append,
                                                .user = at};
        archive->ops->append(archive, &at->append);
    }
}

static void on_append(struct ht_archive_append *append)
{
    struct shipment *shipment = append->user;
    struct ht_archiver *archiver = shipment->archiver;
    if (append->status == 0) {
        shipment->state = SHIPMENT_DURABLE;
        commit_head(archiver);
        look_at_stop(archiver);
        return;
    }
    shipment->state = SHIPMENT_WAITING;
    retry_later(archiver, &append->error);
}

static void retry_later(struct ht_archiver *archiver, const struct ht_error *error)
{
    ht_health_fail(&archiver->health, HT_HEALTH_WAITING, error);
    fail_flushes(archiver, error);
    if (archiver->stopping && archiver->giving_up) {
        archiver->given_up = true;
    } else if (!ht_timer_is_running(&archiver->retry_timer)) {
        archiver->delivery_failures++;
        archiver->counters.deliveries_retried++;
        uint64_t wait_ms =
            ht_backoff_ms(&backoff, archiver->delivery_failures, archiver->options.random);
        ht_log_warning(archiver->options.log, "archive", "deletions not delivered, trying again",
                       HT_TEXT("error", error->text),
                       HT_NUMBER("deletions", archiver->counters.waiting),
                       HT_NUMBER("wait_ms", wait_ms));
        ht_timer_start(archiver->options.timers, &archiver->retry_timer, wait_ms);
    }
    look_at_stop(archiver);
}

static void on_retry_due(struct ht_timer *timer)
{
    struct ht_archiver *archiver = HT_CONTAINER_OF(timer, struct ht_archiver, retry_timer);
    ship_waiting(archiver);
    commit_head(archiver);
}

/* A commit is a request of its own: those that wait behind the head in the same object go with it. */
static bool is_committed_with(const struct shipment *head, const struct shipment *shipment)
{
    return shipment != NULL && shipment->state == SHIPMENT_DURABLE &&
           strcmp(shipment->append.object, head->append.object) == 0;
}

static void commit_head(struct ht_archiver *archiver)
{
    struct shipment *head = archiver->head;
    if (head == NULL || head->state != SHIPMENT_DURABLE || archiver->committing ||
        ht_timer_is_running(&archiver->retry_timer)) {
        return;
    }
    struct shipment *last = NULL;
    for (struct shipment *at = head; is_committed_with(head, at); at = at->next) {
        at->state = SHIPMENT_COMMITTING;
        last = at;
    }
    archiver->committing = true;
    archiver->commit = (struct ht_changes_commit){
        .first_order = head->batch->removals[0].order,
        .last_order = last->batch->removals[last->batch->count - 1].order,
        .archived_at_s = ht_clock_wall_s(archiver->options.clock),
        .object = ht_slice_text(head->append.object),
        .done = on_commit,
        .user = archiver};
    archiver->options.changes->ops->commit(archiver->options.changes, &archiver->commit);
}

static void remember(struct ht_archiver *archiver, const struct shipment *shipment)
{
    for (size_t i = 0; i < shipment->batch->count; i++) {
        struct ht_archiver_record record = describe(&shipment->batch->removals[i]);
        record.archived = true;
        record.archived_at_s = archiver->commit.archived_at_s;
        record.object = ht_slice_text(shipment->append.object);
        ht_archive_ring_add(&archiver->ring, &record);
        tell(archiver, &record);
    }
    archiver->counters.archived += shipment->batch->count;
    archiver->counters.waiting -= shipment->batch->count;
    ht_histogram_add(&archiver->durations,
                     ht_clock_monotonic_ns(archiver->options.clock) - shipment->read_at_ns);
}

static void on_commit(struct ht_changes_commit *commit)
{
    struct ht_archiver *archiver = commit->user;
    archiver->committing = false;
    if (commit->status != 0) {
        for (struct shipment *at = archiver->head; at != NULL; at = at->next) {
            at->state = at->state == SHIPMENT_COMMITTING ? SHIPMENT_DURABLE : at->state;
        }
        retry_later(archiver, &commit->error);
        return;
    }
    archiver->delivery_failures = 0;
    while (archiver->head != NULL && archiver->head->state == SHIPMENT_COMMITTING) {
        struct shipment *head = archiver->head;
        remember(archiver, head);
        archiver->head = head->next;
        archiver->tail = archiver->head == NULL ? NULL : archiver->tail;
        free_shipment(head);
    }
    ht_health_succeed(&archiver->health);
    /* what was read while deliveries failed has not been shipped yet */
    ship_waiting(archiver);
    commit_head(archiver);
    ht_timer_start(archiver->options.timers, &archiver->turn_timer, 0);
}

static void free_shipment(struct shipment *shipment)
{
    struct ht_archiver *archiver = shipment->archiver;
    archiver->shipment_count--;
    ht_budget_release(archiver->options.budget, shipment->reserved_bytes);
    ht_removal_batch_release(shipment->batch);
    ht_buffer_finish(&shipment->lines);
    free(shipment);
}

void ht_archiver_flush(struct ht_archiver *archiver, struct ht_archiver_flush *flush)
{
    flush->status = 0;
    flush->drained = false;
    flush->archived_before = archiver->counters.archived;
    flush->next = archiver->flushes;
    archiver->flushes = flush;
    archiver->read_covers_flushes = false;
    if (!is_stopped(archiver)) {
        archiver->options.changes->ops->wake(archiver->options.changes);
    }
    ht_timer_start(archiver->options.timers, &archiver->turn_timer, 0);
}

/* Ends the flushes behind which nothing is left; hurries the archive for the others. */
static void look_at_flushes(struct ht_archiver *archiver)
{
    bool hurry = false;
    struct ht_archiver_flush *finished = NULL;
    for (struct ht_archiver_flush **at = &archiver->flushes; *at != NULL;) {
        struct ht_archiver_flush *flush = *at;
        if (flush->drained && archiver->head == NULL) {
            *at = flush->next;
            flush->next = finished;
            finished = flush;
            continue;
        }
        hurry = hurry || flush->drained;
        at = &flush->next;
    }
    while (finished != NULL) {
        struct ht_archiver_flush *flush = finished;
        finished = flush->next;
        flush->archived = archiver->counters.archived - flush->archived_before;
        flush->done(flush);
    }
    if (hurry && archiver->head != NULL) {
        archiver->options.archive->ops->flush(archiver->options.archive);
    }
}

static void fail_flushes(struct ht_archiver *archiver, const struct ht_error *error)
{
    while (archiver->flushes != NULL) {
        struct ht_archiver_flush *flush = archiver->flushes;
        archiver->flushes = flush->next;
        flush->archived = archiver->counters.archived - flush->archived_before;
        flush->status = error->code;
        flush->error = *error;
        flush->done(flush);
    }
}

static void cancel_flushes(struct ht_archiver *archiver)
{
    struct ht_error error;
    (void)ht_error_set(&error, HT_ECANCELED,
                       "The daemon stopped before everything was archived: the rest is archived "
                       "after its restart.");
    fail_flushes(archiver, &error);
}

/* Whoever waits for a flush is told how the stop ended. */
static void end_flushes(struct ht_archiver *archiver, bool is_all_durable)
{
    if (!is_all_durable) {
        cancel_flushes(archiver);
        return;
    }
    for (struct ht_archiver_flush *flush = archiver->flushes; flush != NULL; flush = flush->next) {
        flush->drained = true;
    }
    look_at_flushes(archiver);
}

/* What failed before is tried at once, instead of when its back-off is over. */
static void try_now(struct ht_archiver *archiver)
{
    archiver->read_failures = 0;
    if (ht_timer_is_running(&archiver->retry_timer)) {
        archiver->delivery_failures = 0;
        ht_timer_start(archiver->options.timers, &archiver->retry_timer, 0);
    }
    ht_timer_start(archiver->options.timers, &archiver->turn_timer, 0);
}

void ht_archiver_stop(struct ht_archiver *archiver, void (*on_stopped)(void *user), void *user)
{
    archiver->stopping = true;
    archiver->on_stopped = on_stopped;
    archiver->on_stopped_user = user;
    archiver->read_covers_flushes = false;
    archiver->options.changes->ops->wake(archiver->options.changes);
    try_now(archiver);
}

void ht_archiver_give_up(struct ht_archiver *archiver)
{
    archiver->giving_up = true;
    if (archiver->stopping && archiver->on_stopped != NULL) {
        try_now(archiver);
    }
}

static bool is_waiting_for_answer(const struct ht_archiver *archiver)
{
    bool appending = false;
    for (const struct shipment *at = archiver->head; at != NULL; at = at->next) {
        appending = appending || at->state == SHIPMENT_APPENDING;
    }
    return archiver->reading || archiver->committing || appending;
}

/* Stopped when the feed is read out and all is committed, or when it has given up and no answer is
 * due any more: the rest stays in the feed. */
static void look_at_stop(struct ht_archiver *archiver)
{
    if (!archiver->stopping || archiver->on_stopped == NULL) {
        return;
    }
    bool drained = archiver->read_covers_flushes && !archiver->reading;
    bool failing = archiver->delivery_failures > 0 || archiver->read_failures > 0;
    if (archiver->head != NULL && (drained || failing || archiver->given_up)) {
        archiver->options.archive->ops->flush(archiver->options.archive);
    }
    bool is_done = drained && archiver->head == NULL;
    if (is_waiting_for_answer(archiver) || (!is_done && !archiver->given_up)) {
        return;
    }
    ht_timer_stop(archiver->options.timers, &archiver->turn_timer);
    ht_timer_stop(archiver->options.timers, &archiver->retry_timer);
    while (archiver->head != NULL) {
        struct shipment *head = archiver->head;
        archiver->head = head->next;
        free_shipment(head);
    }
    end_flushes(archiver, is_done);
    ht_health_set(&archiver->health, HT_HEALTH_STOPPED, "%s", "");
    void (*on_stopped)(void *) = archiver->on_stopped;
    archiver->on_stopped = NULL;
    on_stopped(archiver->on_stopped_user);
}

void ht_archiver_destroy(struct ht_archiver *archiver)
{
    if (archiver == NULL) {
        return;
    }
    HT_ASSERT(archiver->head == NULL && !archiver->reading);
    ht_timer_stop(archiver->options.timers, &archiver->turn_timer);
    ht_removal_batch_release(archiver->unloaded);
    ht_archive_ring_finish(&archiver->ring);
    free(archiver);
}

void ht_archiver_recent(struct ht_archiver *archiver, size_t max_count,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user)
{
    for (size_t age = 0; age < max_count; age++) {
        const struct ht_archiver_record *record = ht_archive_ring_get(&archiver->ring, age);
        if (record == NULL) {
            return;
        }
        on_record(user, record);
    }
}

void ht_archiver_listen(struct ht_archiver *archiver,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user)
{
    archiver->on_record = on_record;
    archiver->on_record_user = user;
}

struct ht_health *ht_archiver_health(struct ht_archiver *archiver)
{
    return &archiver->health;
}

const struct ht_archiver_counters *ht_archiver_counters(const struct ht_archiver *archiver)
{
    return &archiver->counters;
}

const struct ht_histogram *ht_archiver_durations(const struct ht_archiver *archiver)
{
    return &archiver->durations;
}
