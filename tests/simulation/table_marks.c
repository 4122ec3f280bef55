// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * A table without transactions, as DynamoDB is:
 *
 *     table_flush -> deltas -> checkpoints -> windows -> deletions -> finish
 *
 * Many conditional writes at once, each with its own fate; a step begins when the one before is
 * confirmed. What was confirmed is not written again when the same flush comes again. A deletion
 * looks first and removes only what it saw.
 */

enum { WRITES_AT_ONCE = 6, TOUCH_MS = 400, HELD_MS = 250 };

enum phase { DELTAS, CHECKPOINTS, DELETIONS, REFRESHES, FINISHED };

struct marks_flush {
    struct ht_table_flush *request; /* NULL: between two tries */
    uint64_t id;
    enum phase phase;
    size_t next, first, in_flight;
    int code; /* the first failure of this try */
    bool *is_written, *is_deleted;
    bool is_logged;
    uint64_t *totals, *told_at; /* of each delta */
    size_t removed_count;
};

static void pump(struct plain_side *side);
static void start_update(struct plain_side *side, size_t delta, uint64_t first, uint64_t count);
static void start_look(struct plain_side *side, size_t number);

/* ---- changes that are told ---- */

struct marks_touch {
    struct marks_touch *next;
    uint64_t number, count;
};

/* Whether the process has taken it. One that is gone needs nothing. */
static bool tell_touch(struct plain_side *side, uint64_t number, uint64_t count)
{
    const struct ht_changes *changes = &side->changes;
    const struct sim_hashtag *hashtag = &side->world->world.truth->hashtags[number];
    if (changes->on_touched == NULL || side->is_dropped) {
        return true;
    }
    int status = changes->on_touched(
        changes->on_touched_user, ht_slice_make(hashtag->text, hashtag->length), count, count == 0);
    HT_ASSERT(status == 0 || status == HT_EBUSY);
    return status == 0;
}

static void on_held_due(struct ht_timer *timer)
{
    struct plain_side *side = HT_CONTAINER_OF(timer, struct plain_side, held_timer);
    while (side->held != NULL && tell_touch(side, side->held->number, side->held->count)) {
        struct marks_touch *told = side->held;
        side->held = told->next;
        free(told);
    }
    if (side->held != NULL) {
        ht_timer_start(&side->process->timers, timer, HELD_MS);
    }
}

static void hold(struct plain_side *side, uint64_t number, uint64_t count)
{
    struct marks_touch *touched = malloc(sizeof(*touched));
    HT_ASSERT(touched != NULL);
    *touched = (struct marks_touch){.number = number, .count = count};
    if (side->held == NULL) {
        ht_timer_start(&side->process->timers, &side->held_timer, HELD_MS);
    }
    *(side->held == NULL ? &side->held : &side->last_held->next) = touched;
    side->last_held = touched;
}

bool plain_marks_is_held(const struct plain_side *side)
{
    return side->held != NULL;
}

/* A stream of changes has an order: behind one that is held nothing is told. */
static void touch_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct plain_side *side = request->side;
    (void)error;
    if (code == 0 && !side->is_dropped &&
        (side->held != NULL || !tell_touch(side, request->numbers[0], request->numbers[1]))) {
        hold(side, request->numbers[0], request->numbers[1]);
    }
}

static const struct plain_kind touch_kind = {.name = "touch", .answer = touch_answer};

static void touch(struct plain_world *world, uint32_t number)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        struct plain_side *side = &world->sides[i];
        if (side->is_open && !side->is_dropped && side->changes.on_touched != NULL) {
            struct plain_request *request = plain_start(side, &touch_kind, PLAIN_FEED, NULL);
            request->numbers[0] = number;
            request->numbers[1] = world->items[number].count;
            request->code = 0; /* the feed brings it in the end */
            plain_delay(request, ht_random_below(&world->world.sim->random, TOUCH_MS));
        }
    }
}

void plain_marks_touch(struct plain_world *world, struct ht_slice hashtag)
{
    touch(world, sim_truth_number(world->world.truth, hashtag));
}

static struct ht_slice text_of(const struct plain_world *world, uint64_t number)
{
    const struct sim_hashtag *hashtag = &world->world.truth->hashtags[number];
    return ht_slice_make(hashtag->text, hashtag->length);
}

/* ---- loading ---- */

static void load_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_table_load *load = request->user;
    load->status = code;
    load->error = *error;
    if (code == 0) {
        (void)plain_lease_is_outdated(request->side);
        plain_load(request->world, load);
    }
    load->done(load);
}

static const struct plain_kind load_kind = {.name = "load", .answer = load_answer};

void plain_marks_read(struct plain_side *side, struct ht_table_load *load)
{
    (void)plain_start(side, &load_kind, PLAIN_TABLE, load);
}

static void table_load(struct ht_table *table, struct ht_table_load *load)
{
    struct plain_side *side = HT_CONTAINER_OF(table, struct plain_side, table);
    if (side->world->world.options.has_leases) {
        plain_lease_load(side, load);
    } else {
        plain_marks_read(side, load);
    }
}

static bool table_is_outdated(struct ht_table *table)
{
    return plain_lease_is_outdated(HT_CONTAINER_OF(table, struct plain_side, table));
}

static bool table_is_waiting(struct ht_table *table)
{
    return HT_CONTAINER_OF(table, struct plain_side, table)->waiting_load != NULL;
}

/* What an answer means for who may not be the only one that writes any more. */
static int judge(const struct plain_side *side, int code)
{
    return code == 0 && !plain_lease_is_sure(side) ? HT_EBUSY : code;
}

/* ---- deltas ---- */

/* One conditional update: only where the mark is before the first record that it stands for. */
static void update_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    const uint64_t *asked = request->numbers;
    struct plain_item *item = &world->items[asked[1]];
    if (item->marks == NULL) {
        item->marks = calloc(SIM_SHARDS_MAX, sizeof(*item->marks));
        HT_ASSERT(item->marks != NULL);
    }
    request->results[0] = item->count == 0 ? 0 : item->marks[asked[2]];
    if (request->results[0] >= asked[3]) {
        request->results[1] = item->count;
        request->results[2] = 0;
        request->results[3] = item->version;
        return;
    }
    if (item->count == 0) {
        item->first_seen_s = (int64_t)asked[6];
    }
    item->count += asked[5];
    item->last_seen_s = (int64_t)asked[7];
    item->marks[asked[2]] = asked[4];
    item->version++;
    uint32_t ttl_s = world->world.options.ttl_s;
    item->expires_at_s = ttl_s == 0 ? 0 : item->last_seen_s + ttl_s;
    request->results[1] = item->count;
    request->results[2] = 1;
    request->results[3] = item->version;
    sim_truth_item(world->world.truth, text_of(world, asked[1]), item->count, 0);
    touch(world, (uint32_t)asked[1]);
}

static void note_failure(struct marks_flush *flush, int code)
{
    flush->code = flush->code == 0 ? code : flush->code;
}

/* Answers may overtake each other: the version of the item says which is the latest. */
static void note_written(struct plain_side *side, const struct plain_request *request)
{
    struct marks_flush *flush = side->flush;
    size_t delta = request->numbers[0];
    flush->is_written[delta] = true;
    flush->totals[delta] = request->results[1];
    flush->told_at[delta] = request->results[3];
}

/* The condition failed: what of the delta stands behind the mark? */
static void settle(struct plain_side *side, const struct plain_request *request)
{
    struct marks_flush *flush = side->flush;
    size_t delta = request->numbers[0];
    unsigned shard = (unsigned)request->numbers[2];
    char sequence[64];
    uint64_t sub_sequence;
    struct ht_delta_rest rest;
    plain_sequence(side->world, shard, request->results[0], sequence, &sub_sequence);
    flush->request->count_after(flush->request, delta, ht_slice_text(sequence), sub_sequence,
                                &rest);
    if (rest.count == 0) {
        note_written(side, request);
        return;
    }
    start_update(side, delta,
                 plain_place(side->world, shard, rest.first_sequence, rest.first_sub_sequence),
                 rest.count);
}

static void update_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct plain_side *side = request->side;
    (void)error;
    side->flush->in_flight--;
    code = judge(side, code);
    if (code != 0) {
        note_failure(side->flush, code);
    } else if (request->results[2] == 1) {
        note_written(side, request);
    } else {
        settle(side, request);
    }
    pump(side);
}

static const struct plain_kind update_kind = {.name = "update",
                                              .effect = update_effect,
                                              .answer = update_answer,
                                              .is_remote = true,
                                              .is_copied = true,
                                              .is_write = true};

static void start_update(struct plain_side *side, size_t delta, uint64_t first, uint64_t count)
{
    const struct ht_table_flush *flush = side->flush->request;
    const struct ht_delta *at = &flush->deltas[delta];
    unsigned shard = plain_shard(side->world, flush->checkpoints[at->shard].shard_id);
    (void)plain_item(side->world, at->hashtag);
    struct plain_request *request = plain_start(side, &update_kind, PLAIN_TABLE, NULL);
    request->numbers[0] = delta;
    request->numbers[1] = sim_truth_number(side->world->world.truth, at->hashtag);
    request->numbers[2] = shard;
    request->numbers[3] = first;
    request->numbers[4] = plain_place(side->world, shard, at->last_sequence, at->last_sub_sequence);
    request->numbers[5] = count;
    request->numbers[6] = (uint64_t)at->first_seen_s;
    request->numbers[7] = (uint64_t)at->last_seen_s;
    side->flush->in_flight++;
    plain_make_late(request);
}

static void write_delta(struct plain_side *side, size_t number)
{
    const struct ht_table_flush *flush = side->flush->request;
    size_t delta = (number + side->flush->first) % flush->delta_count;
    const struct ht_delta *at = &flush->deltas[delta];
    if (side->flush->is_written[delta]) {
        return;
    }
    unsigned shard = plain_shard(side->world, flush->checkpoints[at->shard].shard_id);
    start_update(side, delta,
                 plain_place(side->world, shard, at->first_sequence, at->first_sub_sequence),
                 at->count);
}

/* ---- checkpoints ---- */

/* A lease's counter keeps old ones out. */
static void checkpoint_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    const struct ht_checkpoint *checkpoint = request->made;
    unsigned shard = plain_shard(world, checkpoint->shard_id);
    const struct sim_shard_truth *now = &world->world.truth->shards[shard];
    if (!now->is_finished &&
        plain_passed(world, shard, &checkpoint->position) >= now->checkpointed) {
        plain_checkpoint(world, checkpoint);
    }
}

static void checkpoint_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct plain_side *side = request->side;
    (void)error;
    side->flush->in_flight--;
    code = judge(side, code);
    if (code != 0) {
        note_failure(side->flush, code);
    }
    pump(side);
}

static void checkpoint_discard(struct plain_request *request)
{
    free(request->made);
}

static const struct plain_kind checkpoint_kind = {.name = "checkpoint",
                                                  .effect = checkpoint_effect,
                                                  .answer = checkpoint_answer,
                                                  .discard = checkpoint_discard,
                                                  .is_remote = true,
                                                  .is_write = true};

static void write_checkpoint(struct plain_side *side, size_t number)
{
    struct ht_checkpoint *copy = malloc(sizeof(*copy));
    HT_ASSERT(copy != NULL);
    *copy = side->flush->request->checkpoints[number];
    struct plain_request *request = plain_start(side, &checkpoint_kind, PLAIN_TABLE, NULL);
    request->made = copy;
    side->flush->in_flight++;
}

/* ---- deletions ---- */

static void delete_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    const struct plain_item *item = &world->items[request->numbers[1]];
    request->results[0] = 0;
    if (item->count == 0 || item->version != request->numbers[2]) {
        return;
    }
    int64_t now_s = (int64_t)request->numbers[3];
    (void)plain_remove(world, text_of(world, request->numbers[1]), now_s, HT_ORIGIN_USER);
    request->results[0] = 1;
    request->results[1] = world->removal_count - 1;
    touch(world, (uint32_t)request->numbers[1]);
}

static void delete_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct plain_side *side = request->side;
    struct marks_flush *flush = side->flush;
    (void)error;
    flush->in_flight--;
    if (code != 0) {
        note_failure(flush, code);
    } else if (request->results[0] == 1) {
        const struct plain_removal *removal = &side->world->removals[request->results[1]];
        flush->is_deleted[request->numbers[0]] = true;
        side->removed[flush->removed_count++] =
            (struct ht_removed_item){.item = removal->item,
                                     .origin = removal->origin,
                                     .deleted_at_s = removal->deleted_at_s};
    } else {
        start_look(side, request->numbers[0]);
    }
    pump(side);
}

static const struct plain_kind delete_kind = {.name = "delete",
                                              .effect = delete_effect,
                                              .answer = delete_answer,
                                              .is_remote = true,
                                              .is_copied = true,
                                              .is_write = true};

static void look_effect(struct plain_request *request)
{
    const struct plain_item *item = &request->world->items[request->numbers[1]];
    request->results[0] = item->count;
    request->results[1] = item->version;
}

static void look_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct plain_side *side = request->side;
    struct marks_flush *flush = side->flush;
    (void)error;
    flush->in_flight--;
    code = judge(side, code);
    if (code != 0) {
        note_failure(flush, code);
    } else if (request->results[0] == 0) {
        flush->is_deleted[request->numbers[0]] = true;
    } else {
        struct plain_request *deletion = plain_start(side, &delete_kind, PLAIN_TABLE, NULL);
        memcpy(deletion->numbers, request->numbers, sizeof(deletion->numbers));
        deletion->numbers[2] = request->results[1];
        deletion->numbers[3] = (uint64_t)flush->request->now_s;
        flush->in_flight++;
        plain_make_late(deletion);
    }
    pump(side);
}

static const struct plain_kind look_kind = {
    .name = "look", .effect = look_effect, .answer = look_answer, .is_remote = true};

static void start_look(struct plain_side *side, size_t number)
{
    struct ht_slice tag = side->flush->request->deletes[number];
    (void)plain_item(side->world, tag);
    struct plain_request *request = plain_start(side, &look_kind, PLAIN_TABLE, NULL);
    request->numbers[0] = number;
    request->numbers[1] = sim_truth_number(side->world->world.truth, tag);
    side->flush->in_flight++;
}

/* ---- a flush ---- */

static void clear_flush(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    if (flush == NULL) {
        return;
    }
    free(flush->is_written);
    free(flush->is_deleted);
    free(flush->totals);
    free(flush->told_at);
    free(flush);
    side->flush = NULL;
}

static void *zeroed(size_t count, size_t size)
{
    void *made = calloc(count + 1, size);
    HT_ASSERT(made != NULL);
    return made;
}

static void make_flush(struct plain_side *side, const struct ht_table_flush *request)
{
    clear_flush(side);
    side->flush = zeroed(1, sizeof(*side->flush));
    *side->flush = (struct marks_flush){.id = request->id,
                                        .is_written = zeroed(request->delta_count, sizeof(bool)),
                                        .is_deleted = zeroed(request->delete_count, sizeof(bool)),
                                        .totals = zeroed(request->delta_count, sizeof(uint64_t)),
                                        .told_at = zeroed(request->delta_count, sizeof(uint64_t))};
    free(side->removed);
    side->removed = zeroed(request->delete_count, sizeof(*side->removed));
}

static void begin_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    (void)error;
    request->side->flush->in_flight--;
    code = judge(request->side, code);
    if (code != 0) {
        note_failure(request->side->flush, code);
    }
    pump(request->side);
}

static const struct plain_kind begin_kind = {.name = "flush", .answer = begin_answer};

static void table_flush(struct ht_table *table, struct ht_table_flush *request)
{
    struct plain_side *side = HT_CONTAINER_OF(table, struct plain_side, table);
    HT_ASSERT(side->flush == NULL ||
              (side->flush->request == NULL && request->id >= side->flush->id));
    if (side->flush == NULL || side->flush->id != request->id) {
        make_flush(side, request);
    }
    struct marks_flush *flush = side->flush;
    flush->request = request;
    flush->phase = DELTAS;
    flush->next = flush->in_flight = 0;
    flush->code = 0;
    flush->first = ht_random_below(&side->world->world.sim->random, request->delta_count + 1);
    request->totals = NULL;
    request->total_count = 0;
    flush->in_flight = 1;
    (void)plain_start(side, &begin_kind, PLAIN_TABLE, NULL);
}

static void log_windows(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    for (size_t i = 0; i < flush->request->part_count && !flush->is_logged && !side->is_dropped;
         i++) {
        plain_window(side->world, &flush->request->parts[i]);
    }
    flush->is_logged = true;
}

/* Starts the next write of the phase; false where it has none left. */
static bool start_next(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    const struct ht_table_flush *request = flush->request;
    const size_t counts[] = {request->delta_count, request->checkpoint_count,
                             request->delete_count};
    if (flush->phase >= REFRESHES || flush->next >= counts[flush->phase]) {
        return false;
    }
    size_t number = flush->next++;
    if (flush->phase == DELTAS) {
        write_delta(side, number);
    } else if (flush->phase == CHECKPOINTS) {
        write_checkpoint(side, number);
    } else if (!flush->is_deleted[number]) {
        start_look(side, number);
    }
    return true;
}

static void finish(struct plain_side *side);

static void pump(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    for (;;) {
        while (flush->code == 0 && flush->in_flight < WRITES_AT_ONCE && start_next(side)) {
        }
        if (flush->in_flight > 0) {
            return;
        }
        if (flush->code != 0 || flush->phase == REFRESHES) {
            finish(side);
            return;
        }
        flush->phase++;
        flush->next = 0;
        if (flush->phase == DELETIONS) {
            log_windows(side);
        }
    }
}

/* ---- what a flush tells ---- */

static bool is_deleted(const struct ht_table_flush *flush, struct ht_slice tag)
{
    for (size_t i = 0; i < flush->delete_count; i++) {
        if (ht_slice_equal(flush->deletes[i], tag)) {
            return true;
        }
    }
    return false;
}

static void tell_total(struct plain_side *side, struct ht_table_flush *flush, uint64_t number,
                       uint64_t count)
{
    const struct plain_item *item = &side->world->items[number];
    side->totals[flush->total_count++] =
        (struct ht_table_total){.hashtag = text_of(side->world, number),
                                .exists = count > 0,
                                .count = count,
                                .first_seen_s = count > 0 ? item->first_seen_s : 0,
                                .last_seen_s = count > 0 ? item->last_seen_s : 0};
}

/* Of several deltas of one hashtag the one that was confirmed last has the total. */
static bool is_latest(struct plain_side *side, size_t delta)
{
    struct ht_slice tag = side->flush->request->deltas[delta].hashtag;
    return plain_item(side->world, tag)->told_at == side->flush->told_at[delta];
}

static void tell_totals(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    struct ht_table_flush *request = flush->request;
    struct sim_truth *truth = side->world->world.truth;
    for (size_t i = 0; i < request->delta_count; i++) {
        struct plain_item *item = plain_item(side->world, request->deltas[i].hashtag);
        item->told_at = flush->told_at[i];
    }
    for (size_t i = 0; i < request->delta_count; i++) {
        struct plain_item *item = plain_item(side->world, request->deltas[i].hashtag);
        item->told_at = item->told_at > flush->told_at[i] ? item->told_at : flush->told_at[i];
    }
    free(side->totals);
    side->totals = zeroed(request->delta_count + request->refresh_count, sizeof(*side->totals));
    for (size_t i = 0; i < request->delta_count; i++) {
        struct ht_slice tag = request->deltas[i].hashtag;
        if (!is_deleted(request, tag) && is_latest(side, i)) {
            tell_total(side, request, sim_truth_number(truth, tag), flush->totals[i]);
        }
    }
    for (size_t i = 0; i < request->refresh_count; i++) {
        struct ht_slice tag = request->refreshes[i];
        if (!is_deleted(request, tag)) {
            tell_total(side, request, sim_truth_number(truth, tag),
                       plain_item(side->world, tag)->count);
        }
    }
    request->totals = side->totals;
}

static void finish(struct plain_side *side)
{
    struct marks_flush *flush = side->flush;
    struct ht_table_flush *request = flush->request;
    request->status = flush->code;
    ht_error_clear(&request->error);
    if (flush->code != 0) {
        plain_error(&request->error, flush->code, "some writes");
    } else {
        tell_totals(side);
        request->removed = side->removed;
        request->removed_count = flush->removed_count;
    }
    flush->request = NULL;
    request->done(request);
}

void plain_marks_finish(struct plain_side *side)
{
    clear_flush(side);
    while (side->held != NULL) {
        struct marks_touch *held = side->held;
        side->held = held->next;
        free(held);
    }
    ht_timer_stop(&side->process->timers, &side->held_timer);
    plain_lease_close(side);
}

void plain_marks_open(struct plain_side *side)
{
    static const struct ht_table_ops ops = {.type = "simulated",
                                            .load = table_load,
                                            .is_outdated = table_is_outdated,
                                            .is_waiting = table_is_waiting,
                                            .flush = table_flush};
    side->table = (struct ht_table){.ops = &ops, .has_marks = true};
    plain_lease_open(side);
    ht_timer_init(&side->held_timer, on_held_due);
    ht_health_init(&side->table.health, &side->process->clock, HT_HEALTH_WORKING);
}
