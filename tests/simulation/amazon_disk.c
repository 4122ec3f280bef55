// SPDX-License-Identifier: MIT
#include "amazon_internal.h"
#include "amazon_world.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

static void start(struct amazon_side *side, void (*effect)(struct amazon_disk_request *request),
                  void (*answer)(struct amazon_disk_request *request), void *user);

static struct amazon_side *of_letters(struct ht_dead_letters *letters)
{
    return HT_CONTAINER_OF(letters, struct amazon_side, letters);
}

static struct amazon_side *of_windows(struct ht_table *windows)
{
    return HT_CONTAINER_OF(windows, struct amazon_side, windows);
}

/* --- requests --- */

static void take_out(struct amazon_disk_request *request)
{
    *request->link = request->next;
    if (request->next != NULL) {
        request->next->link = request->link;
    }
}

static void on_due(struct ht_timer *timer)
{
    struct amazon_disk_request *request = HT_CONTAINER_OF(timer, struct amazon_disk_request, timer);
    struct amazon_side *side = request->side;
    take_out(request);
    if (side->machine.is_dead) {
        request->code = HT_EIO;
    } else if (side->world->world.faults.is_disk_full) {
        request->code = HT_ENOSPC;
    } else {
        request->effect(request);
    }
    request->answer(request);
    free(request);
}

/* As a worker's jobs do: each behind the one before. */
static void start(struct amazon_side *side, void (*effect)(struct amazon_disk_request *request),
                  void (*answer)(struct amazon_disk_request *request), void *user)
{
    struct amazon_disk_request *request = amazon_allocate(sizeof(*request));
    struct amazon_disk_request **last = &side->disk;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *request = (struct amazon_disk_request){
        .side = side, .link = last, .effect = effect, .answer = answer, .user = user};
    *last = request;
    ht_timer_init(&request->timer, on_due);
    ht_timer_start(&side->process->timers, &request->timer, sim_between(side->process->sim, 0, 4));
}

/* What is on its way to the disk is there, whole, or it is not. */
void amazon_disk_drop(struct amazon_side *side)
{
    bool goes_on = true;
    for (struct amazon_disk_request *at = side->disk; at != NULL; at = at->next) {
        goes_on = goes_on && sim_chance(side->process->sim, 500);
        if (goes_on && !side->world->world.faults.is_disk_full) {
            at->effect(at);
        }
    }
}

/* --- dead letters --- */

static void letters_effect(struct amazon_disk_request *request)
{
    const struct ht_dead_letters_append *append = request->user;
    struct amazon_world *world = request->side->world;
    if (world->world.faults.are_letters_out) {
        request->code = HT_EIO;
        return;
    }
    for (size_t i = 0; i < append->count; i++) {
        sim_truth_letter(world->world.truth, append->letters[i].data, append->letters[i].reason);
    }
}

static void letters_answer(struct amazon_disk_request *request)
{
    struct ht_dead_letters_append *append = request->user;
    append->status = request->code;
    ht_error_clear(&append->error);
    if (request->code != 0) {
        (void)ht_error_set(&append->error, request->code, "The disk does not take it.");
    }
    append->done(append);
}

static void append_letters(struct ht_dead_letters *letters, struct ht_dead_letters_append *append)
{
    start(of_letters(letters), letters_effect, letters_answer, append);
}

static void nothing(struct amazon_disk_request *request)
{
    (void)request;
}

static void closed(struct amazon_disk_request *request)
{
    request->side->on_disk_closed(request->side->on_disk_closed_user);
}

static void close_letters(struct ht_dead_letters *letters, void (*on_closed)(void *user),
                          void *user)
{
    struct amazon_side *side = of_letters(letters);
    side->on_disk_closed = on_closed;
    side->on_disk_closed_user = user;
    start(side, nothing, closed, NULL);
}

static void destroy_letters(struct ht_dead_letters *letters)
{
    (void)letters;
}

/* --- the windows' log --- */

static void keep_part(struct amazon_side *side, const struct ht_window_part *part)
{
    struct amazon_world *world = side->world;
    unsigned of = side->process->number;
    if (part->replaces) {
        for (size_t i = 0; i < world->window_count[of]; i++) {
            struct amazon_window *old = &world->windows[of][i];
            if (old->part.minute == part->minute && old->part.deleted_hashtag.length == 0) {
                old->part.data.length = 0;
            }
        }
    }
    world->windows[of] = amazon_grow(world->windows[of], world->window_count[of],
                                     &world->window_capacity[of], sizeof(struct amazon_window));
    struct amazon_window *window = &world->windows[of][world->window_count[of]++];
    window->bytes = amazon_allocate(part->data.length + part->deleted_hashtag.length + 1);
    window->part = *part;
    char *at = window->bytes;
    if (part->data.length > 0) {
        memcpy(at, part->data.data, part->data.length);
    }
    window->part.data = ht_slice_make(at, part->data.length);
    at += part->data.length;
    if (part->deleted_hashtag.length > 0) {
        memcpy(at, part->deleted_hashtag.data, part->deleted_hashtag.length);
    }
    window->part.deleted_hashtag = ht_slice_make(at, part->deleted_hashtag.length);
}

static void flush_effect(struct amazon_disk_request *request)
{
    const struct ht_table_flush *flush = request->user;
    for (size_t i = 0; i < flush->part_count; i++) {
        keep_part(request->side, &flush->parts[i]);
    }
    for (size_t i = 0; i < flush->delete_count; i++) {
        struct ht_window_part part = {
            .minute = flush->now_s / 60, .data = {"", 0}, .deleted_hashtag = flush->deletes[i]};
        keep_part(request->side, &part);
    }
}

static void flush_answer(struct amazon_disk_request *request)
{
    struct ht_table_flush *flush = request->user;
    flush->status = request->code;
    ht_error_clear(&flush->error);
    if (request->code != 0) {
        (void)ht_error_set(&flush->error, request->code, "The disk does not take it.");
    }
    flush->removed = NULL;
    flush->removed_count = 0;
    flush->totals = NULL;
    flush->total_count = 0;
    flush->done(flush);
}

static void flush_windows(struct ht_table *windows, struct ht_table_flush *flush)
{
    start(of_windows(windows), flush_effect, flush_answer, flush);
}

static void load_answer(struct amazon_disk_request *request)
{
    struct ht_table_load *load = request->user;
    struct amazon_side *side = request->side;
    unsigned of = side->process->number;
    for (size_t i = 0; request->code == 0 && i < side->world->window_count[of]; i++) {
        const struct ht_window_part *part = &side->world->windows[of][i].part;
        bool is_empty = part->data.length == 0 && part->deleted_hashtag.length == 0;
        if (!is_empty && part->minute >= load->oldest_minute) {
            load->on_window_part(load, part);
        }
    }
    load->status = request->code == HT_ENOSPC ? 0 : request->code;
    ht_error_clear(&load->error);
    load->done(load);
}

static void load_windows(struct ht_table *windows, struct ht_table_load *load)
{
    start(of_windows(windows), nothing, load_answer, load);
}

static void close_windows(struct ht_table *windows, void (*on_closed)(void *user), void *user)
{
    struct amazon_side *side = of_windows(windows);
    side->on_disk_closed = on_closed;
    side->on_disk_closed_user = user;
    start(side, nothing, closed, NULL);
}

static void destroy_windows(struct ht_table *windows)
{
    (void)windows;
}

void amazon_disk_open(struct amazon_side *side)
{
    static const struct ht_dead_letters_ops letters_ops = {append_letters, close_letters,
                                                           destroy_letters};
    static const struct ht_table_ops windows_ops = {.type = "windows",
                                                    .load = load_windows,
                                                    .flush = flush_windows,
                                                    .close = close_windows,
                                                    .destroy = destroy_windows};
    side->letters = (struct ht_dead_letters){.ops = &letters_ops};
    side->windows = (struct ht_table){.ops = &windows_ops};
    ht_health_init(&side->letters.health, &side->process->clock, HT_HEALTH_WORKING);
    ht_health_init(&side->windows.health, &side->process->clock, HT_HEALTH_WORKING);
}

void amazon_disk_finish(struct amazon_world *world)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        for (size_t k = 0; k < world->window_count[i]; k++) {
            free(world->windows[i][k].bytes);
        }
        free(world->windows[i]);
    }
}
