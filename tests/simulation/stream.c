// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The stream: shards that share the hashes of partition keys among them. A read that finds nothing
 * at the tip waits there until a record comes or its time is over.
 */

enum { GROUP_DIGITS = 20, BATCHES_BYTES = 512 };

static const struct ht_hash_key key_of_keys = {21, 22};
static const char kinesis_head[] = "4959033827125749";

static void list(struct ht_stream *stream, struct ht_stream_list *list);
static void read_shard(struct ht_stream *stream, struct ht_stream_read *read);
static void cancel_read(struct ht_stream *stream, struct ht_stream_read *read);
static void put(struct ht_stream *stream, struct ht_stream_put *put);
static void consumed(struct ht_stream *stream, const char *shard_id,
                     const struct ht_position *position);
static struct ht_slice source_cursor(struct ht_stream *stream);

static struct plain_world *plain_of(struct sim_world *world)
{
    return HT_CONTAINER_OF(world, struct plain_world, world);
}

/* ---- shards ---- */

static unsigned add_shard(struct plain_world *world, uint64_t low, uint64_t high)
{
    unsigned number = sim_truth_shard(world->world.truth);
    struct plain_shard *shard = &world->shards[number];
    *shard = (struct plain_shard){.low = low, .high = high};
    (void)snprintf(shard->info.id, sizeof(shard->info.id), "shardId-%012u", number);
    world->shard_count = number + 1;
    return number;
}

void plain_stream_init(struct plain_world *world)
{
    unsigned count = world->is_marks ? world->world.options.shards : 1;
    uint64_t step = UINT64_MAX / count;
    for (unsigned i = 0; i < count; i++) {
        (void)add_shard(world, i * step, i + 1 == count ? UINT64_MAX : (i + 1) * step - 1);
    }
}

void plain_stream_finish(struct plain_world *world)
{
    for (unsigned i = 0; i < world->shard_count; i++) {
        for (size_t j = 0; j < world->shards[i].count; j++) {
            free(world->shards[i].records[j].block);
        }
        free(world->shards[i].records);
    }
}

unsigned plain_shard(const struct plain_world *world, const char *id)
{
    unsigned number = 0;
    for (const char *at = id + strlen("shardId-"); *at != '\0'; at++) {
        number = number * 10 + (unsigned)(*at - '0');
    }
    HT_ASSERT(number < world->shard_count);
    return number;
}

static void close_shard(struct plain_world *world, unsigned number)
{
    world->shards[number].info.closed = true;
    world->world.truth->shards[number].is_closed = true;
    SIM_NOTE(world->world.sim, "stream: shard %u ends", number);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        if (world->readers[number][i] != NULL) {
            plain_delay(world->readers[number][i], 0);
        }
    }
}

static bool is_open(const struct plain_shard *shard)
{
    return !shard->info.closed;
}

bool plain_stream_split(struct sim_world *world)
{
    struct plain_world *plain = plain_of(world);
    unsigned at = (unsigned)ht_random_below(&world->sim->random, plain->shard_count);
    struct plain_shard *parent = &plain->shards[at];
    if (!is_open(parent) || plain->shard_count + 2 > SIM_SHARDS_MAX ||
        parent->high - parent->low < 16) {
        return false;
    }
    uint64_t middle = parent->low + (parent->high - parent->low) / 2;
    unsigned first = add_shard(plain, parent->low, middle);
    unsigned second = add_shard(plain, middle + 1, parent->high);
    memcpy(plain->shards[first].info.parent_id, parent->info.id, sizeof(parent->info.id));
    memcpy(plain->shards[second].info.parent_id, parent->info.id, sizeof(parent->info.id));
    SIM_NOTE(world->sim, "stream: shard %u splits into %u and %u", at, first, second);
    close_shard(plain, at);
    return true;
}

bool plain_stream_merge(struct sim_world *world)
{
    struct plain_world *plain = plain_of(world);
    unsigned at = (unsigned)ht_random_below(&world->sim->random, plain->shard_count);
    struct plain_shard *one = &plain->shards[at];
    if (!is_open(one) || plain->shard_count + 1 > SIM_SHARDS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < plain->shard_count; i++) {
        struct plain_shard *other = &plain->shards[i];
        if (!is_open(other) || one->high == UINT64_MAX || other->low != one->high + 1) {
            continue;
        }
        unsigned child = add_shard(plain, one->low, other->high);
        memcpy(plain->shards[child].info.parent_id, one->info.id, sizeof(one->info.id));
        memcpy(plain->shards[child].info.adjacent_parent_id, other->info.id,
               sizeof(other->info.id));
        SIM_NOTE(world->sim, "stream: shards %u and %u merge into %u", at, i, child);
        close_shard(plain, at);
        close_shard(plain, i);
        return true;
    }
    return false;
}

void plain_stream_trim(struct sim_world *world)
{
    struct plain_world *plain = plain_of(world);
    uint64_t kept = 3 * world->options.repeat_window + 10;
    for (unsigned i = 0; i < plain->shard_count; i++) {
        struct plain_shard *shard = &plain->shards[i];
        uint64_t passed = world->truth->shards[i].checkpointed;
        if (passed <= kept) {
            continue;
        }
        uint64_t to = sim_between(world->sim, 0, passed - kept);
        if (to > shard->trimmed) {
            shard->trimmed = to;
            world->truth->shards[i].trimmed = to;
            SIM_NOTE(world->sim, "stream: shard %u loses its first %" PRIu64, i, to);
        }
    }
}

/* ---- sequence numbers ---- */

void plain_sequence(const struct plain_world *world, unsigned shard, uint64_t place, char text[64],
                    uint64_t *sub_sequence)
{
    const struct plain_shard *at = &world->shards[shard];
    uint64_t group = place == 0 ? 0 : at->records[place - 1].group;
    *sub_sequence = place == 0 ? 0 : at->records[place - 1].sub;
    if (world->is_marks) {
        (void)snprintf(text, 64, "%s%0*" PRIu64, kinesis_head, GROUP_DIGITS, group);
    } else {
        (void)snprintf(text, 64, "%" PRIu64, group);
    }
}

static uint64_t group_of(const struct plain_world *world, struct ht_slice sequence)
{
    size_t head = world->is_marks ? sizeof(kinesis_head) - 1 : 0;
    HT_ASSERT(sequence.length > head);
    uint64_t group = 0;
    for (size_t i = head; i < sequence.length; i++) {
        group = group * 10 + (uint64_t)(sequence.data[i] - '0');
    }
    return group;
}

uint64_t plain_place(const struct plain_world *world, unsigned shard, struct ht_slice sequence,
                     uint64_t sub_sequence)
{
    const struct plain_shard *at = &world->shards[shard];
    uint64_t group = group_of(world, sequence);
    size_t low = 0;
    size_t high = at->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct plain_record *record = &at->records[middle];
        bool is_after = record->group != group ? record->group > group : record->sub > sub_sequence;
        *(is_after ? &high : &low) = is_after ? middle : middle + 1;
    }
    return low;
}

uint64_t plain_passed(const struct plain_world *world, unsigned shard,
                      const struct ht_position *position)
{
    if (position->kind == HT_POSITION_END) {
        return world->shards[shard].count;
    }
    return position->kind == HT_POSITION_AFTER
               ? plain_place(world, shard, ht_slice_text(position->sequence_number),
                             position->sub_sequence)
               : 0;
}

/* ---- putting ---- */

/* Which open shard has the hash. */
static unsigned shard_of(const struct plain_world *world, struct ht_slice key)
{
    uint64_t hash = ht_hash_bytes(&key_of_keys, key);
    for (unsigned i = world->shard_count; i > 0; i--) {
        const struct plain_shard *shard = &world->shards[i - 1];
        if (is_open(shard) && shard->low <= hash && hash <= shard->high) {
            return i - 1;
        }
    }
    HT_UNREACHABLE();
}

static void wake_readers(struct plain_world *world, unsigned shard)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        if (world->readers[shard][i] != NULL) {
            plain_delay(world->readers[shard][i], plain_latency_ms(world));
            world->readers[shard][i] = NULL;
        }
    }
}

static int64_t arrival_ms(const struct plain_world *world)
{
    /* the embedded stream asks the clock of the process */
    int64_t offset_ms = world->is_marks ? 0 : world->world.sim->processes[0].wall_offset_ms;
    return sim_wall_ms(world->world.sim) + offset_ms;
}

static void append(struct plain_world *world, const struct sim_put *put, bool joins)
{
    unsigned number = shard_of(world, put->partition_key);
    struct plain_shard *shard = &world->shards[number];
    if (shard->count == shard->capacity) {
        shard->capacity = shard->capacity == 0 ? 256 : shard->capacity * 2;
        shard->records = realloc(shard->records, shard->capacity * sizeof(*shard->records));
        HT_ASSERT(shard->records != NULL);
    }
    const struct plain_record *last = shard->count == 0 ? NULL : &shard->records[shard->count - 1];
    bool is_same = joins && last != NULL && last->group == shard->last_group;
    shard->last_group += is_same ? 0 : 1 + (world->is_marks ? put->data.length % 5 : 0);
    struct plain_record *record = &shard->records[shard->count++];
    *record = (struct plain_record){.block = malloc(put->data.length + put->partition_key.length),
                                    .length = put->data.length,
                                    .key_length = put->partition_key.length,
                                    .group = shard->last_group,
                                    .sub = is_same ? shard->records[shard->count - 2].sub + 1 : 0,
                                    .arrival_ms = arrival_ms(world)};
    HT_ASSERT(record->block != NULL);
    memcpy(record->block, put->data.data, put->data.length);
    memcpy(record->block + put->data.length, put->partition_key.data, put->partition_key.length);
    (void)sim_truth_record(world->world.truth, number, put->data, record->arrival_ms);
    wake_readers(world, number);
}

void plain_stream_put(struct plain_world *world, const struct sim_put *puts, size_t count,
                      bool is_aggregated)
{
    unsigned before = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        unsigned shard = shard_of(world, puts[i].partition_key);
        append(world, &puts[i], is_aggregated && world->is_marks && shard == before);
        before = shard;
    }
}

static bool is_refused(struct ht_slice data)
{
    static const char mark[] = "\"refuse\"";
    return memmem(data.data, data.length, mark, sizeof(mark) - 1) != NULL;
}

static void put_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    struct ht_stream_put *put = request->user;
    bool is_partial = world->is_marks && request->code == 0 &&
                      sim_chance(world->world.sim, world->world.faults.partial);
    for (size_t i = 0; i < put->count; i++) {
        struct ht_put_record *record = &put->records[i];
        record->status = is_refused(record->data) ? HT_EINVAL : 0;
        bool is_lost = is_partial && sim_chance(world->world.sim, 400);
        if (record->status == 0 && !is_lost) {
            struct sim_put one = {record->data, record->partition_key};
            append(world, &one, false);
        }
    }
    if (is_partial) {
        request->code = HT_EBUSY;
    } else if (put->source_cursor.length > 0 && ht_stream_put_is_whole(put)) {
        memcpy(world->cursor, put->source_cursor.data, put->source_cursor.length);
        world->cursor_length = put->source_cursor.length;
        SIM_NOTE(world->world.sim, "stream: cursor %.*s", (int)world->cursor_length, world->cursor);
    }
}

static void put_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_stream_put *put = request->user;
    put->status = code;
    put->error = *error;
    put->done(put);
}

static const struct plain_kind put_kind = {
    .name = "put", .effect = put_effect, .answer = put_answer, .is_remote = true, .is_write = true};

/* One whose records come after it went: only those of another producer do, so it is no orphan. */
static void put(struct ht_stream *stream, struct ht_stream_put *put)
{
    struct plain_side *side = HT_CONTAINER_OF(stream, struct plain_side, stream);
    struct plain_request *request = plain_start(side, &put_kind, PLAIN_STREAM, put);
    if (side->is_dropped) {
        return;
    }
    request->made = NULL;
    uint64_t now_ns = side->world->world.sim->now_ns;
    uint64_t due_ns = now_ns + plain_latency_ms(side->world) * 1000000;
    side->puts_until_ns = due_ns > side->puts_until_ns ? due_ns : side->puts_until_ns;
    plain_delay(request, (side->puts_until_ns - now_ns + 999999) / 1000000);
}

static void consumed(struct ht_stream *stream, const char *shard_id,
                     const struct ht_position *position)
{
    struct plain_side *side = HT_CONTAINER_OF(stream, struct plain_side, stream);
    struct plain_world *world = side->world;
    unsigned shard = plain_shard(world, shard_id);
    uint64_t durable = world->world.truth->shards[shard].checkpointed;
    if (!side->is_dropped && position->sequence_number[0] != '\0' &&
        plain_passed(world, shard, position) > durable) {
        sim_fail(world->world.sim,
                 "shard %u: the stream was told that it may let go what no checkpoint passes",
                 shard);
    }
}

static struct ht_slice source_cursor(struct ht_stream *stream)
{
    const struct plain_world *world = HT_CONTAINER_OF(stream, struct plain_side, stream)->world;
    return ht_slice_make(world->cursor, world->cursor_length);
}

/* ---- listing ---- */

static void list_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_stream_list *list = request->user;
    struct plain_world *world = request->world;
    struct ht_shard *shards = calloc(world->shard_count, sizeof(*shards));
    HT_ASSERT(shards != NULL);
    list->status = code;
    list->error = *error;
    list->count = 0;
    for (unsigned i = 0; i < world->shard_count && code == 0; i++) {
        if (!world->shards[i].is_unlisted) {
            shards[list->count++] = world->shards[i].info;
        }
    }
    list->shards = shards;
    list->done(list);
    free(shards);
}

static const struct plain_kind list_kind = {.name = "list", .answer = list_answer};

static void list(struct ht_stream *stream, struct ht_stream_list *list)
{
    struct plain_side *side = HT_CONTAINER_OF(stream, struct plain_side, stream);
    (void)plain_start(side, &list_kind, PLAIN_STREAM, list);
}

/* ---- reading ---- */

struct batch {
    struct ht_record_batch batch;
    char (*sequences)[64]; /* behind the records, in the same block */
    struct ht_record records[];
};

static void release(struct ht_record_batch *batch)
{
    free(HT_CONTAINER_OF(batch, struct batch, batch));
}

/* How many records reading from `from` passes over. */
static uint64_t begins_after(const struct plain_world *world, unsigned shard,
                             const struct ht_position *from)
{
    const struct plain_shard *at = &world->shards[shard];
    uint64_t passed = 0;
    if (from->sequence_number[0] != '\0') {
        passed = plain_place(world, shard, ht_slice_text(from->sequence_number),
                             from->kind == HT_POSITION_AFTER || from->kind == HT_POSITION_BEFORE
                                 ? from->sub_sequence
                                 : 0);
    }
    switch (from->kind) {
    case HT_POSITION_AFTER:
        break;
    case HT_POSITION_BEFORE:
        if (!world->is_marks) {
            passed = passed > from->records ? passed - from->records : 0;
        } else if (from->warm_sequence[0] != '\0') {
            uint64_t warm = plain_place(world, shard, ht_slice_text(from->warm_sequence), 0);
            passed = warm == 0 ? 0 : warm - 1;
        }
        break;
    case HT_POSITION_LATEST:
        passed = at->count;
        break;
    case HT_POSITION_AT_TIME:
        for (passed = at->count;
             passed > 0 && at->records[passed - 1].arrival_ms >= from->time_ms;) {
            passed--;
        }
        break;
    case HT_POSITION_TRIM_HORIZON:
    case HT_POSITION_END:
        passed = 0;
        break;
    }
    return passed > at->trimmed ? passed : at->trimmed;
}

/* What a batch holds of so many records beside their data. */
static size_t list_bytes(size_t records)
{
    return sizeof(struct batch) + records * (sizeof(struct ht_record) + 64);
}

static size_t count_batch(const struct plain_world *world, const struct plain_shard *shard,
                          uint64_t after, size_t max_bytes)
{
    size_t most =
        1 + ht_random_below(&world->world.sim->random, world->world.options.batch_records);
    size_t bytes = 0;
    size_t count = 0;
    while (count < most && after + count < shard->count) {
        bytes += shard->records[after + count].length;
        if (count > 0 && bytes + list_bytes(count + 1) > max_bytes) {
            break;
        }
        count++;
    }
    return count;
}

static void fill_record(const struct plain_world *world, unsigned shard, uint64_t place,
                        struct ht_record *record, char sequence[64])
{
    const struct plain_record *from = &world->shards[shard].records[place - 1];
    *record = (struct ht_record){.data = {from->block, from->length},
                                 .partition_key = {from->block + from->length, from->key_length},
                                 .arrival_ms = from->arrival_ms};
    plain_sequence(world, shard, place, sequence, &record->sub_sequence);
    record->sequence_number = ht_slice_text(sequence);
}

/* Where nothing was read the place is the same; the tip has a time, but no number of a record. */
static struct ht_position next_of(const struct plain_world *world, const struct ht_position *from,
                                  const struct batch *made)
{
    struct ht_position next = *from;
    if (made->batch.count > 0) {
        const struct ht_record *last = &made->records[made->batch.count - 1];
        ht_position_after(&next, last->sequence_number, last->sub_sequence);
        next.warm_sequence[0] = '\0';
    } else if (from->kind == HT_POSITION_LATEST) {
        next = (struct ht_position){.kind = HT_POSITION_AT_TIME, .time_ms = arrival_ms(world)};
    }
    return next;
}

static struct batch *make_batch(struct plain_world *world, unsigned shard, uint64_t after,
                                const struct ht_stream_read *read)
{
    const struct plain_shard *at = &world->shards[shard];
    size_t count = count_batch(world, at, after, read->max_bytes);
    size_t bytes = list_bytes(count);
    struct batch *made = malloc(bytes);
    HT_ASSERT(made != NULL);
    made->sequences = (void *)(made->records + count);
    made->batch = (struct ht_record_batch){
        .records = made->records, .count = count, .bytes = bytes, .release = release};
    for (size_t i = 0; i < count; i++) {
        fill_record(world, shard, after + i + 1, &made->records[i], made->sequences[i]);
        made->batch.bytes += made->records[i].data.length;
    }
    made->batch.next = next_of(world, &read->from, made);
    made->batch.behind_records = world->is_marks ? 0 : at->count - after - count;
    if (after + count < at->count) {
        int64_t age_ms = arrival_ms(world) - at->records[after + count].arrival_ms;
        made->batch.behind_ms = age_ms > 0 ? age_ms : 1;
    } else if (at->info.closed) {
        made->batch.next = (struct ht_position){.kind = HT_POSITION_END};
        if (count > 0 && !world->is_marks) {
            memcpy(made->batch.next.sequence_number, made->sequences[count - 1], 64);
        }
    }
    return made;
}

static void read_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    struct ht_stream_read *read = request->user;
    unsigned shard = plain_shard(world, read->shard_id);
    unsigned process = request->side->process->number;
    const struct plain_shard *at = &world->shards[shard];
    world->readers[shard][process] = NULL;
    uint64_t after = begins_after(world, shard, &read->from);
    uint64_t waited_ms = (world->world.sim->now_ns - request->numbers[0]) / 1000000;
    if (after == at->count && !at->info.closed && waited_ms < read->wait_ms &&
        read->from.kind != HT_POSITION_LATEST) {
        world->readers[shard][process] = request;
        plain_delay(request, read->wait_ms - waited_ms);
        return;
    }
    request->made = make_batch(world, shard, after, read);
}

static void read_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_stream_read *read = request->user;
    read->adapter = NULL;
    read->status = code;
    read->error = *error;
    read->batch = NULL;
    if (code == 0) {
        read->batch = &((struct batch *)request->made)->batch;
        request->made = NULL;
    }
    read->done(read);
}

static void read_discard(struct plain_request *request)
{
    free(request->made);
}

static const struct plain_kind read_kind = {
    .name = "read", .effect = read_effect, .answer = read_answer, .discard = read_discard};

static void read_shard(struct ht_stream *stream, struct ht_stream_read *read)
{
    struct plain_side *side = HT_CONTAINER_OF(stream, struct plain_side, stream);
    struct sim *sim = side->world->world.sim;
    struct plain_request *request = plain_start(side, &read_kind, PLAIN_STREAM, read);
    request->numbers[0] = sim->now_ns;
    read->adapter = request;
    if (request->code == 0 && sim_chance(sim, side->world->world.faults.expired_iterator)) {
        request->code = HT_ETIMEDOUT;
        request->has_effect = false;
    }
}

static void cancel_read(struct ht_stream *stream, struct ht_stream_read *read)
{
    struct plain_side *side = HT_CONTAINER_OF(stream, struct plain_side, stream);
    struct plain_request *request = read->adapter;
    if (request == NULL || request->is_answering) {
        return;
    }
    struct plain_request **reader =
        &side->world->readers[plain_shard(side->world, read->shard_id)][side->process->number];
    *reader = *reader == request ? NULL : *reader;
    plain_cancel(request, HT_ECANCELED);
}

static void close_stream(struct ht_stream *stream, void (*on_closed)(void *user), void *user)
{
    (void)stream;
    on_closed(user);
}

void plain_stream_open(struct plain_side *side)
{
    static const struct ht_stream_ops ops = {.type = "simulated",
                                             .list = list,
                                             .read = read_shard,
                                             .cancel_read = cancel_read,
                                             .put = put,
                                             .consumed = consumed,
                                             .source_cursor = source_cursor,
                                             .close = close_stream};
    side->stream = (struct ht_stream){.ops = &ops};
    ht_health_init(&side->stream.health, &side->process->clock, HT_HEALTH_WORKING);
}
