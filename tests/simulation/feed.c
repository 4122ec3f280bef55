// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * What comes behind the table: the change feed, the archive, the dead letters.
 *
 * The archive collects appends in an object, which is closed after a while or when it is told to;
 * then all of them are durable, or none is known to be. Where one fails, those behind it do too.
 */

enum { FEED_BATCH_MAX = 40, HELD_MS = 100 };

/* ---- the change feed ---- */

struct feed_batch {
    struct ht_removal_batch batch;
    struct ht_removal removals[];
};

static void release_removals(struct ht_removal_batch *batch)
{
    free(HT_CONTAINER_OF(batch, struct feed_batch, batch));
}

static struct ht_removal describe(const struct plain_removal *removal, size_t number)
{
    return (struct ht_removal){.order = number + 1,
                               .event_id = ht_slice_text(removal->event_id),
                               .item = removal->item,
                               .deleted_at_s = removal->deleted_at_s,
                               .origin = removal->origin,
                               .item_json = HT_SLICE("{\"hashtag\":{\"S\":\"x\"}}")};
}

static void feed_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    struct plain_side *side = request->side;
    const struct ht_changes_read *read = request->user;
    size_t left = world->removal_count - side->removals_read;
    size_t most = 1 + ht_random_below(&world->world.sim->random, FEED_BATCH_MAX);
    most = most < read->max_count ? most : read->max_count;
    size_t count = left < most ? left : most;
    size_t bytes = sizeof(struct feed_batch) + count * sizeof(struct ht_removal);
    struct feed_batch *made = malloc(bytes);
    HT_ASSERT(made != NULL);
    made->batch = (struct ht_removal_batch){
        .removals = made->removals, .count = count, .bytes = bytes, .release = release_removals};
    for (size_t i = 0; i < count; i++) {
        size_t number = side->removals_read + i;
        made->removals[i] = describe(&world->removals[number], number);
    }
    request->made = made;
}

static void feed_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_changes_read *read = request->user;
    read->status = code;
    read->error = *error;
    read->batch = NULL;
    if (code == 0) {
        struct feed_batch *made = request->made;
        request->made = NULL;
        request->side->removals_read += made->batch.count;
        read->batch = &made->batch;
    }
    read->done(read);
}

static void discard_made(struct plain_request *request)
{
    free(request->made);
}

static const struct plain_kind feed_kind = {.name = "reading the feed",
                                            .effect = feed_effect,
                                            .answer = feed_answer,
                                            .discard = discard_made};

static void on_feed_due(struct ht_timer *timer)
{
    struct plain_side *side = HT_CONTAINER_OF(timer, struct plain_side, feed_timer);
    struct ht_changes_read *read = side->feed_read;
    if (plain_marks_is_held(side) && !side->is_dropped) {
        ht_timer_start(&side->process->timers, timer, HELD_MS);
        return;
    }
    side->feed_read = NULL;
    (void)plain_start(side, &feed_kind, PLAIN_FEED, read);
}

static struct ht_timer_queue *feed_queue(struct plain_side *side)
{
    return &side->process->timers;
}

static void feed_read(struct ht_changes *changes, struct ht_changes_read *read)
{
    struct plain_side *side = HT_CONTAINER_OF(changes, struct plain_side, changes);
    HT_ASSERT(side->feed_read == NULL);
    side->feed_read = read;
    bool has_some = side->removals_read < side->world->removal_count;
    ht_timer_start(feed_queue(side), &side->feed_timer,
                   has_some || side->is_dropped ? 0 : read->wait_ms);
}

static void feed_wake(struct ht_changes *changes)
{
    struct plain_side *side = HT_CONTAINER_OF(changes, struct plain_side, changes);
    if (side->feed_read != NULL) {
        ht_timer_start(feed_queue(side), &side->feed_timer, 0);
    }
}

void plain_feed_wake(struct plain_world *world)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        if (world->sides[i].is_open && !world->sides[i].is_dropped) {
            feed_wake(&world->sides[i].changes);
        }
    }
}

static void commit_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    for (uint64_t i = request->numbers[0]; i <= request->numbers[1]; i++) {
        if (!world->removals[i - 1].is_committed) {
            world->removals[i - 1].is_committed = true;
            sim_truth_commit(world->world.truth, ht_slice_text(world->removals[i - 1].event_id));
        }
    }
    while (world->committed < world->removal_count &&
           world->removals[world->committed].is_committed) {
        world->committed++;
    }
}

static void commit_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_changes_commit *commit = request->user;
    commit->status = code;
    commit->error = *error;
    commit->done(commit);
}

static const struct plain_kind commit_kind = {.name = "commit",
                                              .effect = commit_effect,
                                              .answer = commit_answer,
                                              .is_remote = true,
                                              .is_copied = true,
                                              .is_write = true};

static void feed_commit(struct ht_changes *changes, struct ht_changes_commit *commit)
{
    struct plain_side *side = HT_CONTAINER_OF(changes, struct plain_side, changes);
    struct plain_request *request = plain_start(side, &commit_kind, PLAIN_TABLE, commit);
    request->numbers[0] = commit->first_order;
    request->numbers[1] = commit->last_order;
}

static void recent_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_changes_recent *recent = request->user;
    recent->status = code;
    recent->error = *error;
    recent->count = 0;
    recent->archived = NULL;
    recent->done(recent);
}

static const struct plain_kind recent_kind = {.name = "recent", .answer = recent_answer};

static void feed_recent(struct ht_changes *changes, struct ht_changes_recent *recent)
{
    struct plain_side *side = HT_CONTAINER_OF(changes, struct plain_side, changes);
    (void)plain_start(side, &recent_kind, PLAIN_FEED, recent);
}

void plain_feed_open(struct plain_side *side)
{
    static const struct ht_changes_ops ops = {.type = "simulated",
                                              .read = feed_read,
                                              .wake = feed_wake,
                                              .commit = feed_commit,
                                              .recent = feed_recent};
    side->changes = (struct ht_changes){.ops = &ops};
    side->feed_read = NULL;
    side->removals_read = side->world->committed;
    ht_timer_init(&side->feed_timer, on_feed_due);
    ht_health_init(&side->changes.health, &side->process->clock, HT_HEALTH_WORKING);
}

void plain_feed_drop(struct plain_side *side)
{
    feed_wake(&side->changes);
}

void plain_feed_finish(struct plain_world *world)
{
    for (size_t i = 0; i < world->removal_count; i++) {
        free(world->removals[i].hashtag);
        free(world->removals[i].event_id);
    }
    free(world->removals);
}

/* ---- the archive ---- */

static void close_object(struct ht_timer *timer);

/* The fate of an object: durable, or not, or durable and nobody was told. */
static int write_object(struct plain_side *side)
{
    struct plain_world *world = side->world;
    struct sim *sim = world->world.sim;
    const struct sim_faults *faults = &world->world.faults;
    int code = side->is_dropped ? HT_ECANCELED : plain_outage(world, PLAIN_ARCHIVE, true);
    if (code != 0 || sim_chance(sim, faults->lost_request + faults->throttled)) {
        return code != 0 ? code : HT_ETIMEDOUT;
    }
    bool is_partial = sim_chance(sim, faults->partial);
    for (struct ht_archive_append *at = side->appends; at != NULL; at = at->next) {
        if (is_partial && sim_chance(sim, 500)) {
            return HT_ETIMEDOUT; /* what came before it is there all the same */
        }
        sim_truth_lines(world->world.truth, at->lines);
        side->archive.counters.lines_delivered += at->count;
    }
    return sim_chance(sim, faults->lost_answer) ? HT_ETIMEDOUT : 0;
}

static void close_object(struct ht_timer *timer)
{
    struct plain_side *side = HT_CONTAINER_OF(timer, struct plain_side, object_timer);
    side->is_object_closing = false;
    int code = write_object(side);
    struct ht_archive_append *append = side->appends;
    side->appends = side->last_append = NULL;
    unsigned object = (unsigned)++side->archive.counters.objects;
    while (append != NULL) {
        struct ht_archive_append *next = append->next;
        append->status = code;
        ht_error_clear(&append->error);
        if (code != 0) {
            plain_error(&append->error, code, "append");
        }
        (void)snprintf(append->object, sizeof(append->object), "object-%u", object);
        append->done(append);
        append = next;
    }
}

static void archive_append(struct ht_archive *archive, struct ht_archive_append *append)
{
    struct plain_side *side = HT_CONTAINER_OF(archive, struct plain_side, archive);
    append->next = NULL;
    *(side->appends == NULL ? &side->appends : &side->last_append->next) = append;
    side->last_append = append;
    if (side->is_dropped) {
        ht_timer_start(&side->process->timers, &side->object_timer, 0);
    } else if (!ht_timer_is_running(&side->object_timer)) {
        ht_timer_start(&side->process->timers, &side->object_timer,
                       side->world->archive_buffer_ms + plain_latency_ms(side->world));
    }
}

static void archive_flush(struct ht_archive *archive)
{
    struct plain_side *side = HT_CONTAINER_OF(archive, struct plain_side, archive);
    if (side->appends != NULL && !side->is_object_closing) {
        side->is_object_closing = true;
        ht_timer_start(&side->process->timers, &side->object_timer,
                       side->is_dropped ? 0 : plain_latency_ms(side->world));
    }
}

void plain_archive_open(struct plain_side *side)
{
    static const struct ht_archive_ops ops = {
        .type = "simulated", .append = archive_append, .flush = archive_flush};
    side->archive = (struct ht_archive){.ops = &ops};
    side->appends = side->last_append = NULL;
    side->is_object_closing = false;
    ht_timer_init(&side->object_timer, close_object);
    ht_health_init(&side->archive.health, &side->process->clock, HT_HEALTH_WORKING);
}

/* A part of the open object may be there. */
void plain_archive_drop(struct plain_side *side)
{
    struct sim *sim = side->world->world.sim;
    for (struct ht_archive_append *at = side->appends; at != NULL && sim_chance(sim, 500);
         at = at->next) {
        sim_truth_lines(side->world->world.truth, at->lines);
    }
    if (side->appends != NULL) {
        ht_timer_start(&side->process->timers, &side->object_timer, 0);
    }
}

/* ---- dead letters ---- */

static void letters_effect(struct plain_request *request)
{
    const struct ht_dead_letters_append *append = request->user;
    struct sim *sim = request->world->world.sim;
    bool is_partial = sim_chance(sim, request->world->world.faults.partial);
    for (size_t i = 0; i < append->count; i++) {
        if (is_partial && sim_chance(sim, 500)) {
            request->code = HT_EIO;
            return;
        }
        sim_truth_letter(request->world->world.truth, append->letters[i].data,
                         append->letters[i].reason);
    }
}

static void letters_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_dead_letters_append *append = request->user;
    append->status = code;
    append->error = *error;
    append->done(append);
}

static const struct plain_kind letters_kind = {
    .name = "dead letter", .effect = letters_effect, .answer = letters_answer, .is_write = true};

static void letters_append(struct ht_dead_letters *port, struct ht_dead_letters_append *append)
{
    struct plain_side *side = HT_CONTAINER_OF(port, struct plain_side, letters);
    (void)plain_start(side, &letters_kind, PLAIN_LETTERS, append);
}

void plain_letters_open(struct plain_side *side)
{
    static const struct ht_dead_letters_ops ops = {.append = letters_append};
    side->letters = (struct ht_dead_letters){.ops = &ops};
    ht_health_init(&side->letters.health, &side->process->clock, HT_HEALTH_WORKING);
}
