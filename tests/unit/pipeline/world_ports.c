// SPDX-License-Identifier: MIT
#include "world_ports.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void on_answer_due(struct ht_timer *timer)
{
    struct world_operation *operation = HT_CONTAINER_OF(timer, struct world_operation, timer);
    struct world *world = operation->world;
    struct world_operation **at = (struct world_operation **)&world->running;
    while (*at != operation) {
        at = &(*at)->next;
    }
    *at = operation->next;
    operation->answer(operation);
    free(operation);
}

struct world_operation *world_answer_later(struct world *world, void *request,
                                           void (*answer)(struct world_operation *operation))
{
    struct world_operation *operation = calloc(1, sizeof(*operation));
    HT_ASSERT(operation != NULL);
    operation->world = world;
    operation->request = request;
    operation->answer = answer;
    operation->next = world->running;
    world->running = operation;
    ht_timer_init(&operation->timer, on_answer_due);
    ht_timer_start(&world->timers, &operation->timer,
                   ht_random_below(&world->random, world->delay_max_ms + 1));
    return operation;
}

void world_crash(struct world *world)
{
    while (world->running != NULL) {
        struct world_operation *operation = world->running;
        world->running = operation->next;
        ht_timer_stop(&world->timers, &operation->timer);
        free(operation);
    }
    ht_timer_stop(&world->timers, &world->changes_timer);
    world->waiting_changes_read = NULL;
    world->first_put = NULL;
    world->first_append = NULL;
    world->removals_read = world->removals_committed;
    for (size_t i = 0; i < WORLD_OWNERS_MAX; i++) {
        world->owners[i].flush = NULL;
        world->owners[i].id = 0;
    }
    world->budget.used_bytes = 0;
    world->budget.waiters = NULL;
}

bool world_takes_fault(unsigned *faults)
{
    if (*faults == 0) {
        return false;
    }
    (*faults)--;
    return true;
}

void world_fail(int *status, struct ht_error *error, const char *what)
{
    *status = ht_error_set(error, HT_ENOSPC, "%s failed: the world is full", what);
}

/* ---- the stream ---- */

static void answer_list(struct world_operation *operation)
{
    struct ht_stream_list *list = operation->request;
    const struct world *world = operation->world;
    struct ht_shard listed[WORLD_SHARDS_MAX];
    if (world_takes_fault(&operation->world->fail_lists)) {
        world_fail(&list->status, &list->error, "list");
        list->done(list);
        return;
    }
    for (size_t i = 0; i < world->shard_count; i++) {
        if (!world->is_unlisted[i]) {
            listed[list->count++] = world->shards[i];
        }
    }
    list->shards = listed;
    list->done(list);
}

static void stream_list(struct ht_stream *stream, struct ht_stream_list *list)
{
    world_answer_later(HT_CONTAINER_OF(stream, struct world, stream), list, answer_list);
}

struct world_batch {
    struct ht_record_batch batch;
    struct ht_record records[WORLD_BATCH_MAX];
    char sequences[WORLD_BATCH_MAX][64];
};

static void release_batch(struct ht_record_batch *batch)
{
    free(batch);
}

unsigned world_shard_number(const struct world *world, const char *id)
{
    for (unsigned i = 0; i < world->shard_count; i++) {
        if (strcmp(world->shards[i].id, id) == 0) {
            return i;
        }
    }
    HT_UNREACHABLE();
}

enum { AGGREGATED = 3, DIGITS = 20 };

uint64_t world_number(const struct world *world, struct ht_slice sequence, uint64_t sub_sequence)
{
    HT_ASSERT(!world->is_kinesis || sequence.length > DIGITS);
    uint64_t number = 0;
    for (size_t i = world->is_kinesis ? sequence.length - DIGITS : 0; i < sequence.length; i++) {
        number = number * 10 + (uint64_t)(sequence.data[i] - '0');
    }
    return world->is_kinesis ? number * AGGREGATED + sub_sequence : number;
}

void world_place(const struct world *world, uint64_t number, char sequence[64],
                 uint64_t *sub_sequence)
{
    *sub_sequence = world->is_kinesis ? number % AGGREGATED : 0;
    if (world->is_kinesis) {
        (void)snprintf(sequence, 64, "495903382712574922063170%0*" PRIu64, DIGITS,
                       number / AGGREGATED);
    } else {
        (void)snprintf(sequence, 64, "%" PRIu64, number);
    }
}

/* The last record of a shard that came before a time. */
static uint64_t last_before(const struct world *world, unsigned shard, int64_t time_ms)
{
    uint64_t last = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        const struct world_record *record = &world->records[i];
        if (record->shard == shard && record->arrival_ms < time_ms) {
            last = record->sequence;
        }
    }
    return last;
}

/* The record behind which reading from `from` begins. */
static uint64_t starts_after(const struct world *world, unsigned shard,
                             const struct ht_position *from)
{
    uint64_t after =
        from->sequence_number[0] == '\0'
            ? 0
            : world_number(world, ht_slice_text(from->sequence_number), from->sub_sequence);
    switch (from->kind) {
    case HT_POSITION_AFTER:
        return after;
    case HT_POSITION_BEFORE:
        if (world->is_kinesis) {
            uint64_t warm = from->warm_sequence[0] == '\0'
                                ? after + 1
                                : world_number(world, ht_slice_text(from->warm_sequence), 0);
            return warm == 0 ? 0 : warm - 1;
        }
        return after > from->records ? after - from->records : 0;
    case HT_POSITION_LATEST:
        return world->last_sequence[shard];
    case HT_POSITION_AT_TIME:
        return last_before(world, shard, from->time_ms);
    case HT_POSITION_TRIM_HORIZON:
    case HT_POSITION_END:
        break;
    }
    return 0;
}

static struct ht_record_batch *make_batch(struct world *world, unsigned shard, uint64_t after,
                                          size_t max_bytes)
{
    struct world_batch *made = calloc(1, sizeof(*made));
    HT_ASSERT(made != NULL);
    made->batch = (struct ht_record_batch){
        .records = made->records, .bytes = sizeof(*made), .release = release_batch};
    made->batch.next.kind = HT_POSITION_AFTER;
    uint64_t last = after;
    for (size_t i = 0; i < world->record_count && made->batch.count < WORLD_BATCH_MAX; i++) {
        const struct world_record *record = &world->records[i];
        if (record->shard != shard || record->sequence <= after) {
            continue;
        }
        size_t at = made->batch.count++;
        uint64_t sub_sequence;
        world_place(world, record->sequence, made->sequences[at], &sub_sequence);
        made->records[at] =
            (struct ht_record){.data = {record->data, record->length},
                               .sequence_number = ht_slice_text(made->sequences[at]),
                               .sub_sequence = sub_sequence,
                               .arrival_ms = record->arrival_ms};
        last = record->sequence;
    }
    char sequence[64];
    uint64_t last_sub_sequence;
    world_place(world, last, sequence, &last_sub_sequence);
    ht_position_after(&made->batch.next, ht_slice_text(sequence), last_sub_sequence);
    if (made->batch.count > 0 && world->batch_bytes > 0) {
        made->batch.bytes = world->batch_bytes < max_bytes ? world->batch_bytes : max_bytes;
    }
    made->batch.behind_records = world->last_sequence[shard] - last;
    if (made->batch.behind_records == 0 && world->shards[shard].closed) {
        made->batch.next = (struct ht_position){.kind = HT_POSITION_END};
    }
    return &made->batch;
}

static void answer_read(struct world_operation *operation)
{
    struct ht_stream_read *read = operation->request;
    struct world *world = operation->world;
    if (world_takes_fault(&world->fail_reads)) {
        world_fail(&read->status, &read->error, "read");
    } else {
        unsigned shard = world_shard_number(world, read->shard_id);
        if ((int)shard + 1 == world->lost_shard) {
            read->status = ht_error_set(&read->error, HT_ENOTFOUND, "there is no such shard");
            read->done(read);
            return;
        }
        read->batch =
            make_batch(world, shard, starts_after(world, shard, &read->from), read->max_bytes);
        bool is_tip =
            read->from.kind == HT_POSITION_LATEST || read->from.kind == HT_POSITION_AT_TIME;
        if (world->is_kinesis && is_tip && read->batch->count == 0 &&
            read->batch->next.kind != HT_POSITION_END) {
            /* no number of a record is known */
            read->batch->next =
                (struct ht_position){.kind = HT_POSITION_AT_TIME, .time_ms = read->from.time_ms};
            if (read->from.kind == HT_POSITION_LATEST) {
                read->batch->next.time_ms = ht_clock_wall_ms(&world->clock.clock);
            }
        }
    }
    read->done(read);
}

static void answer_canceled(struct world_operation *operation)
{
    struct ht_stream_read *read = operation->request;
    read->status = ht_error_set(&read->error, HT_ECANCELED, "canceled");
    read->done(read);
}

static void stream_read(struct ht_stream *stream, struct ht_stream_read *read)
{
    struct world *world = HT_CONTAINER_OF(stream, struct world, stream);
    read->adapter = NULL;
    if (world->hold_reads) {
        read->adapter = world;
        return;
    }
    struct world_operation *operation = world_answer_later(world, read, answer_read);
    unsigned shard = world_shard_number(world, read->shard_id);
    if (world->waits_at_tip && !world->shards[shard].closed &&
        starts_after(world, shard, &read->from) == world->last_sequence[shard]) {
        ht_timer_start(&world->timers, &operation->timer, read->wait_ms);
    }
}

static void stream_cancel_read(struct ht_stream *stream, struct ht_stream_read *read)
{
    struct world *world = HT_CONTAINER_OF(stream, struct world, stream);
    if (read->adapter != NULL) {
        read->adapter = NULL;
        world_answer_later(world, read, answer_canceled);
    }
}

static void answer_put(struct world_operation *operation)
{
    struct world *world = operation->world;
    struct ht_stream_put *put = world->first_put;
    world->first_put = put->adapter;
    if (world_takes_fault(&world->fail_puts)) {
        world_fail(&put->status, &put->error, "put");
        put->done(put);
        return;
    }
    for (size_t i = 0; i < put->count; i++) {
        put->records[i].status = world_takes_fault(&world->refuse_records) ? HT_EINVAL : 0;
        if (put->records[i].status != 0) {
            continue;
        }
        char *text = ht_slice_to_text(put->records[i].data);
        HT_ASSERT(text != NULL);
        world_add_record(world, 0, text);
        free(text);
        struct ht_slice key = put->records[i].partition_key;
        HT_ASSERT(key.length > 0 && key.length < sizeof(world->last_key));
        memcpy(world->last_key, key.data, key.length);
        world->last_key[key.length] = '\0';
    }
    if (put->source_cursor.length > 0 && ht_stream_put_is_whole(put)) {
        memcpy(world->cursor, put->source_cursor.data, put->source_cursor.length);
        world->cursor_length = put->source_cursor.length;
    }
    put->done(put);
}

static void stream_put(struct ht_stream *stream, struct ht_stream_put *put)
{
    struct world *world = HT_CONTAINER_OF(stream, struct world, stream);
    put->adapter = NULL;
    struct ht_stream_put **end = &world->first_put;
    while (*end != NULL) {
        end = (struct ht_stream_put **)&(*end)->adapter;
    }
    *end = put;
    world_answer_later(world, put, answer_put);
}

static void stream_consumed(struct ht_stream *stream, const char *shard_id,
                            const struct ht_position *position)
{
    struct world *world = HT_CONTAINER_OF(stream, struct world, stream);
    if (position->sequence_number[0] != '\0') {
        world->consumed[world_shard_number(world, shard_id)] =
            world_number(world, ht_slice_text(position->sequence_number), position->sub_sequence);
    }
}

static struct ht_slice stream_source_cursor(struct ht_stream *stream)
{
    struct world *world = HT_CONTAINER_OF(stream, struct world, stream);
    return ht_slice_make(world->cursor, world->cursor_length);
}

static const struct ht_stream_ops stream_ops = {.type = "world",
                                                .list = stream_list,
                                                .read = stream_read,
                                                .cancel_read = stream_cancel_read,
                                                .put = stream_put,
                                                .consumed = stream_consumed,
                                                .source_cursor = stream_source_cursor};

/* ---- dead letters ---- */

static void answer_letters(struct world_operation *operation)
{
    struct ht_dead_letters_append *append = operation->request;
    struct world *world = operation->world;
    if (world_takes_fault(&world->fail_letters)) {
        world_fail(&append->status, &append->error, "dead letter");
    }
    for (size_t i = 0; i < append->count && append->status == 0; i++) {
        (void)ht_buffer_append_slice(&world->letters, append->letters[i].reason);
        (void)ht_buffer_append_byte(&world->letters, ' ');
        (void)ht_buffer_append_slice(&world->letters, append->letters[i].data);
        (void)ht_buffer_append_byte(&world->letters, '\n');
        world->letter_count++;
    }
    append->done(append);
}

static void letters_append(struct ht_dead_letters *port, struct ht_dead_letters_append *append)
{
    world_answer_later(HT_CONTAINER_OF(port, struct world, dead_letters), append, answer_letters);
}

static const struct ht_dead_letters_ops letters_ops = {.append = letters_append};

/* ---- the archive ---- */

static void answer_append(struct world_operation *operation)
{
    struct world *world = operation->world;
    struct ht_archive_append *append = world->first_append;
    world->first_append = append->next;
    if (append->adapter != NULL || world_takes_fault(&world->fail_appends)) {
        /* those behind it must not overtake it */
        for (struct ht_archive_append *at = world->first_append; at != NULL; at = at->next) {
            at->adapter = world;
        }
        world_fail(&append->status, &append->error, "append");
        append->done(append);
        return;
    }
    char *all = ht_slice_to_text(append->lines);
    HT_ASSERT(all != NULL);
    char *rest = all;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0';
         line = strsep(&rest, "\n")) {
        HT_ASSERT(world->line_count < WORLD_LINES_MAX);
        world->lines[world->line_count++] = strdup(line);
    }
    free(all);
    (void)snprintf(append->object, sizeof(append->object), "object-%zu",
                   (world->line_count + 99) / 100 * 100);
    append->done(append);
}

static void archive_append(struct ht_archive *archive, struct ht_archive_append *append)
{
    struct world *world = HT_CONTAINER_OF(archive, struct world, archive);
    append->next = NULL;
    append->adapter = NULL;
    struct ht_archive_append **end = &world->first_append;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = append;
    world_answer_later(world, append, answer_append);
}

static void archive_flush(struct ht_archive *archive)
{
    (void)archive;
}

static const struct ht_archive_ops archive_ops = {
    .type = "world", .append = archive_append, .flush = archive_flush};

/* ---- the source ---- */

static void source_start(struct ht_source *source, struct ht_source_sink *sink,
                         struct ht_slice cursor)
{
    struct world *world = HT_CONTAINER_OF(source, struct world, source);
    world->sink = sink;
    world->is_source_started = true;
    (void)snprintf(world->started_with, sizeof(world->started_with), "%.*s", (int)cursor.length,
                   cursor.data == NULL ? "" : cursor.data);
}

static void source_resume(struct ht_source *source)
{
    struct world *world = HT_CONTAINER_OF(source, struct world, source);
    world->is_source_paused = false;
    world->resume_count++;
}

static void answer_source_stop(struct world_operation *operation)
{
    operation->world->on_source_stopped(operation->world->on_source_stopped_user);
}

static void source_stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct world *world = HT_CONTAINER_OF(source, struct world, source);
    world->on_source_stopped = on_stopped;
    world->on_source_stopped_user = user;
    world_answer_later(world, NULL, answer_source_stop);
}

static const struct ht_source_ops source_ops = {
    .type = "world", .start = source_start, .resume = source_resume, .stop = source_stop};

void world_ports_init(struct world *world)
{
    struct ht_clock *clock = &world->clock.clock;
    world->stream.ops = &stream_ops;
    world->table.ops = &world_table_ops;
    for (size_t i = 0; i < WORLD_OWNERS_MAX; i++) {
        world->owners[i].world = world;
        world->owners[i].table.ops = &world_owner_ops;
        world->owners[i].table.has_marks = true;
        ht_health_init(&world->owners[i].table.health, clock, HT_HEALTH_WORKING);
    }
    world->changes.ops = &world_changes_ops;
    world->dead_letters.ops = &letters_ops;
    world->archive.ops = &archive_ops;
    world->source.ops = &source_ops;
    ht_health_init(&world->stream.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&world->table.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&world->changes.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&world->dead_letters.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&world->archive.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&world->source.health, clock, HT_HEALTH_WORKING);
    ht_timer_init(&world->changes_timer, world_changes_due);
}
