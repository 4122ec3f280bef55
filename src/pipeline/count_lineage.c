// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include "hashtagd/base/backoff.h"

#include <stdlib.h>

/*
 * The lineage of shards:
 *
 *     list -> meet -> WAITING for its parents -> started, with the ids that they remember
 *                        |                                        ^
 *                        +-> parents that ended before this start remember again (recall)
 *
 * A finished shard gives its memory back when all its children have it, leaves the list of those
 * that are looked at each turn when its end is written, and is forgotten when the stream does not
 * list it any more. So what each turn and each flush costs depends on the shards that are read.
 */

enum {
    LIST_INTERVAL_MS = 30000,
    MARKS_WAIT_MS = 300000, /* a shard that is not listed for so long will not come */
};

static const struct ht_backoff backoff = {.base_ms = 200, .max_ms = 10000};

static void on_list_due(struct ht_timer *timer);
static void on_list(struct ht_stream_list *list);
static void meet(struct ht_count *count, const struct ht_shard *info);
static void follow_heirs(struct ht_count *count);
static void recall_parents(struct ht_count *count);
static void start_ready_shards(struct ht_count *count);
static void free_memories(struct ht_count *count);
static void forget_unlisted(struct ht_count *count);

void ht_count_lineage_init(struct ht_count *count)
{
    ht_timer_init(&count->list_timer, on_list_due);
}

void ht_count_lineage_list(struct ht_count *count)
{
    if (count->is_listing || count->is_stopping || count->is_restarting) {
        return;
    }
    count->is_listing = true;
    count->list = (struct ht_stream_list){.done = on_list, .user = count};
    count->options.stream->ops->list(count->options.stream, &count->list);
}

static void on_list_due(struct ht_timer *timer)
{
    ht_count_lineage_list(HT_CONTAINER_OF(timer, struct ht_count, list_timer));
}

static void on_list(struct ht_stream_list *list)
{
    struct ht_count *count = list->user;
    count->is_listing = false;
    if (count->is_restarting) {
        ht_count_look_at_restart(count);
        return;
    }
    if (count->is_stopping) {
        ht_count_look_at_stop(count);
        return;
    }
    if (list->status != 0) {
        count->list_failures++;
        ht_health_fail(&count->health, HT_HEALTH_WAITING, &list->error);
        ht_timer_start(count->options.timers, &count->list_timer,
                       ht_backoff_ms(&backoff, count->list_failures, count->options.random));
        return;
    }
    count->list_failures = 0;
    count->listing++;
    uint64_t now_ms = ht_clock_monotonic_ms(count->options.clock);
    count->first_listed_ms = count->listing == 1 ? now_ms : count->first_listed_ms;
    for (size_t i = 0; i < list->count && !count->is_fatal; i++) {
        meet(count, &list->shards[i]);
    }
    follow_heirs(count);
    recall_parents(count);
    start_ready_shards(count);
    forget_unlisted(count);
    if (now_ms - count->first_listed_ms >= MARKS_WAIT_MS) {
        ht_count_marks_finish(count);
    }
    ht_count_note_success(count);
    ht_count_tell_remembering(count);
    ht_timer_start(count->options.timers, &count->list_timer, LIST_INTERVAL_MS);
}

/* The place of an id in `by_id`, or where it belongs. */
static size_t place_of(const struct ht_count *count, const char *id)
{
    size_t low = 0;
    size_t high = count->shard_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(count->by_id[middle]->info.id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct ht_count_shard *find_shard(const struct ht_count *count, const char *id)
{
    size_t place = id[0] == '\0' ? count->shard_count : place_of(count, id);
    return place < count->shard_count && strcmp(count->by_id[place]->info.id, id) == 0
               ? count->by_id[place]
               : NULL;
}

static int compare_with_checkpoint(const void *id, const void *checkpoint)
{
    return strcmp(id, ((const struct ht_checkpoint *)checkpoint)->shard_id);
}

static const struct ht_checkpoint *find_loaded(const struct ht_count *count, const char *id)
{
    return count->loaded_count == 0 ? NULL
                                    : bsearch(id, count->loaded, count->loaded_count,
                                              sizeof(*count->loaded), compare_with_checkpoint);
}

/* Only a shard that was there before this program was begins at the tip: one that came while its
 * parents were followed has records that nobody else will count. */
static void choose_start(struct ht_count_shard *shard)
{
    const struct ht_count *count = shard->count;
    shard->is_heir = count->listing > 1 || find_loaded(count, shard->info.parent_id) != NULL ||
                     find_loaded(count, shard->info.adjacent_parent_id) != NULL;
    shard->read_from = count->options.start;
    if (shard->is_heir && shard->read_from.kind == HT_POSITION_LATEST) {
        shard->read_from.kind = HT_POSITION_TRIM_HORIZON;
    }
    shard->start = shard->read_from;
}

static bool is_heir(const struct ht_count *count, const char *id)
{
    const struct ht_count_shard *shard = find_shard(count, id);
    return shard != NULL && shard->is_heir;
}

/* The heirs of heirs: after several splits while this program did not run, only the first of a line
 * had a checkpoint. The list need not name parents first. */
static void follow_heirs(struct ht_count *count)
{
    bool has_changed = true;
    while (has_changed) {
        has_changed = false;
        for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
            if (at->is_heir || (!is_heir(count, at->info.parent_id) &&
                                !is_heir(count, at->info.adjacent_parent_id))) {
                continue;
            }
            has_changed = at->is_heir = true;
            if (!at->has_counted && at->start.kind == HT_POSITION_LATEST) {
                at->start.kind = at->read_from.kind = HT_POSITION_TRIM_HORIZON;
            }
        }
    }
}

static void adopt_checkpoint(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    const struct ht_checkpoint *loaded = find_loaded(count, shard->info.id);
    choose_start(shard);
    if (loaded == NULL) {
        return;
    }
    shard->counted = loaded->position;
    shard->has_counted = true;
    shard->read_from = shard->counted;
    if (shard->counted.kind == HT_POSITION_END) {
        shard->state = HT_COUNT_SHARD_FINISHED;
        shard->is_told = true;
    }
}

static void make_live(struct ht_count_shard *shard)
{
    struct ht_count_shard **end = &shard->count->shards;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = shard;
    shard->next = NULL;
    shard->is_live = true;
}

static int insert(struct ht_count *count, struct ht_count_shard *shard)
{
    if (count->shard_count == count->shard_capacity) {
        size_t capacity = count->shard_capacity == 0 ? 16 : count->shard_capacity * 2;
        struct ht_count_shard **by_id = realloc(count->by_id, capacity * sizeof(*by_id));
        if (by_id == NULL) {
            return HT_ENOMEM;
        }
        count->by_id = by_id;
        count->shard_capacity = capacity;
    }
    size_t place = place_of(count, shard->info.id);
    memmove(&count->by_id[place + 1], &count->by_id[place],
            (count->shard_count - place) * sizeof(*count->by_id));
    count->by_id[place] = shard;
    count->shard_count++;
    return 0;
}

static void out_of_memory(struct ht_count *count, const char *id)
{
    struct ht_error error;
    (void)ht_error_set(&error, HT_ENOMEM, "Out of memory while opening shard %s.", id);
    ht_count_fail(count, &error);
}

static void meet(struct ht_count *count, const struct ht_shard *info)
{
    struct ht_count_shard *shard = find_shard(count, info->id);
    if (shard != NULL) {
        shard->listing = count->listing;
        return;
    }
    shard = calloc(1, sizeof(*shard));
    if (shard == NULL) {
        out_of_memory(count, info->id);
        return;
    }
    shard->count = count;
    shard->info = *info;
    if (insert(count, shard) != 0) {
        free(shard);
        out_of_memory(count, info->id);
        return;
    }
    shard->index = count->next_index++;
    shard->listing = count->listing;
    shard->last_success_ms = ht_clock_monotonic_ms(count->options.clock);
    ht_count_shard_init(shard);
    adopt_checkpoint(shard);
    ht_count_marks_adopt(shard);
    if (shard->state == HT_COUNT_SHARD_FINISHED) {
        ht_count_marks_drop(shard);
    } else {
        make_live(shard);
    }
}

/* A parent that is not in the list any more was read out or is trimmed: nothing to wait for. */
static bool is_parent_done(const struct ht_count *count, const char *id)
{
    const struct ht_count_shard *parent = find_shard(count, id);
    return parent == NULL || parent->state == HT_COUNT_SHARD_FINISHED;
}

static void recall(struct ht_count *count, const char *id)
{
    struct ht_count_shard *shard = find_shard(count, id);
    if (shard == NULL || shard->state != HT_COUNT_SHARD_FINISHED || shard->memory != NULL ||
        shard->is_live || shard->was_recalled || count->options.repeat_window == 0 ||
        ht_count_lineage_remember(shard) != 0) {
        return;
    }
    shard->was_recalled = true;
    make_live(shard);
    if (!ht_count_shard_recall(shard)) {
        ht_count_lineage_recalled(shard);
    }
}

/* Where its own records do not fill the window, those of its parents were still in it. */
void ht_count_lineage_recalled(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    shard->state = HT_COUNT_SHARD_FINISHED;
    if (ht_recent_ids_count(shard->memory->recent_ids) < count->options.repeat_window) {
        recall(count, shard->info.parent_id);
        recall(count, shard->info.adjacent_parent_id);
        shard->state = HT_COUNT_SHARD_WAITING;
    }
}

/* The children of a shard that ended before this start were perhaps not read far enough to fill
 * their windows of recent ids from their own records. */
static void recall_parents(struct ht_count *count)
{
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->state == HT_COUNT_SHARD_WAITING) {
            recall(count, at->info.parent_id);
            recall(count, at->info.adjacent_parent_id);
        }
    }
}

static void inherit(struct ht_count_shard *shard)
{
    const struct ht_count *count = shard->count;
    const struct ht_count_shard *first = find_shard(count, shard->info.parent_id);
    const struct ht_count_shard *second = find_shard(count, shard->info.adjacent_parent_id);
    if (first == NULL || first->memory == NULL) {
        first = second;
        second = NULL;
    }
    if (first != NULL && first->memory != NULL) {
        ht_recent_ids_inherit(
            shard->memory->recent_ids, first->memory->recent_ids,
            second == NULL || second->memory == NULL ? NULL : second->memory->recent_ids);
    }
}

/* Puts what the parents remember in front of what the shard does. */
static int inherit_late(struct ht_count_shard *shard)
{
    const struct ht_count *count = shard->count;
    struct ht_recent_ids *own = shard->memory->recent_ids;
    struct ht_recent_ids *all =
        ht_recent_ids_create(count->options.repeat_window, &count->options.hash_key);
    if (all == NULL) {
        return HT_ENOMEM;
    }
    shard->memory->recent_ids = all;
    inherit(shard);
    ht_recent_ids_inherit(all, own, NULL);
    ht_recent_ids_destroy(own);
    return 0;
}

static int make_memory(struct ht_count_shard *shard)
{
    struct ht_count *count = shard->count;
    if (shard->memory != NULL) {
        return 0;
    }
    shard->memory = calloc(1, sizeof(*shard->memory));
    if (shard->memory == NULL) {
        return HT_ENOMEM;
    }
    ht_count_trail_init(&shard->memory->trail, count->options.repeat_window);
    shard->memory->recent_ids =
        ht_recent_ids_create(count->options.repeat_window, &count->options.hash_key);
    return shard->memory->recent_ids == NULL ? HT_ENOMEM : 0;
}

int ht_count_lineage_remember(struct ht_count_shard *shard)
{
    int status = make_memory(shard);
    if (status != 0) {
        out_of_memory(shard->count, shard->info.id);
        return status;
    }
    inherit(shard);
    return 0;
}

static bool is_ready(const struct ht_count_shard *shard)
{
    return shard->state == HT_COUNT_SHARD_WAITING &&
           is_parent_done(shard->count, shard->info.parent_id) &&
           is_parent_done(shard->count, shard->info.adjacent_parent_id);
}

/* One that is recalled is only waited for, and its children may be ready then. */
static void start_ready_shards(struct ht_count *count)
{
    bool has_changed = true;
    while (has_changed) {
        has_changed = false;
        for (struct ht_count_shard *at = count->shards; at != NULL && !count->is_fatal;
             at = at->next) {
            if (!is_ready(at)) {
                continue;
            }
            if (!at->was_recalled) {
                ht_count_shard_start(at);
            } else if (inherit_late(at) != 0) {
                out_of_memory(count, at->info.id);
            } else {
                at->state = HT_COUNT_SHARD_FINISHED;
                has_changed = true;
            }
        }
    }
    free_memories(count);
}

static void note_child(struct ht_count *count, const char *parent_id, bool is_waiting)
{
    struct ht_count_shard *parent = find_shard(count, parent_id);
    if (parent != NULL) {
        parent->has_child = true;
        parent->is_needed = parent->is_needed || is_waiting;
    }
}

static void free_memory(struct ht_count_shard *shard)
{
    if (shard->memory != NULL) {
        ht_recent_ids_destroy(shard->memory->recent_ids);
        free(shard->memory);
        shard->memory = NULL;
    }
}

/* Of finished shards whose children are all there and started. */
static void free_memories(struct ht_count *count)
{
    for (size_t i = 0; i < count->shard_count; i++) {
        count->by_id[i]->has_child = count->by_id[i]->is_needed = false;
    }
    for (size_t i = 0; i < count->shard_count; i++) {
        const struct ht_count_shard *child = count->by_id[i];
        bool is_waiting = child->state == HT_COUNT_SHARD_WAITING || child->is_recalling;
        note_child(count, child->info.parent_id, is_waiting);
        note_child(count, child->info.adjacent_parent_id, is_waiting);
    }
    for (size_t i = 0; i < count->shard_count; i++) {
        struct ht_count_shard *shard = count->by_id[i];
        /* the end's checkpoint has its trail until it is written */
        if (shard->state == HT_COUNT_SHARD_FINISHED && !shard->is_live && shard->has_child &&
            !shard->is_needed) {
            free_memory(shard);
        }
    }
}

void ht_count_lineage_end(struct ht_count *count)
{
    start_ready_shards(count);
    ht_count_lineage_list(count);
}

void ht_count_lineage_settle(struct ht_count *count)
{
    for (struct ht_count_shard **at = &count->shards; *at != NULL;) {
        struct ht_count_shard *shard = *at;
        if (shard->state != HT_COUNT_SHARD_FINISHED || shard->is_dirty || shard->is_reading ||
            shard->batch_count > 0) {
            at = &shard->next;
            continue;
        }
        *at = shard->next;
        shard->next = NULL;
        shard->is_live = false;
        if (count->work_shard == shard) {
            count->work_shard = NULL;
        }
    }
}

bool ht_count_lineage_has(const struct ht_count_shard *shard)
{
    return shard->listing == shard->count->listing;
}

static void free_shard(struct ht_count_shard *shard)
{
    ht_count_shard_finish(shard);
    ht_count_marks_drop(shard);
    free_memory(shard);
    free(shard);
}

/* What is pending of a shard that is not live was boarded with its end. */
static void forget_unlisted(struct ht_count *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count->shard_count; i++) {
        struct ht_count_shard *shard = count->by_id[i];
        if (shard->state == HT_COUNT_SHARD_FINISHED && !shard->is_live &&
            !ht_count_lineage_has(shard)) {
            free_shard(shard);
        } else {
            count->by_id[kept++] = shard;
        }
    }
    count->shard_count = kept;
}

void ht_count_lineage_finish(struct ht_count *count)
{
    ht_timer_stop(count->options.timers, &count->list_timer);
    for (size_t i = 0; i < count->shard_count; i++) {
        free_shard(count->by_id[i]);
    }
    free(count->by_id);
    free(count->loaded);
    count->by_id = NULL;
    count->loaded = NULL;
    count->shards = NULL;
    count->shard_count = 0;
}
