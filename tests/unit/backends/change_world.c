// SPDX-License-Identifier: MIT
#include "change_world.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/parts.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The calls of the whole program come here: the linker is told so. */
void __wrap_ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call);
void __wrap_ht_aws_call_cancel(struct ht_aws_call *call);

enum { ANSWER_MS = 1 };

static struct world *world_of(struct ht_aws_client *client)
{
    return (struct world *)client;
}

/* -- the stream --------------------------------------------------------------------------------- */

static struct model_shard *find_shard(struct world *world, struct ht_slice id)
{
    for (size_t i = 0; i < world->shard_count; i++) {
        if (ht_slice_equal(ht_slice_text(world->shards[i].id), id)) {
            return &world->shards[i];
        }
    }
    return NULL;
}

static struct ht_slice member(const struct ht_aws_call *call, const char *name)
{
    struct ht_slice value = ht_json_parts_find(call->body, name);
    return value.length > 0 && value.data[0] == '"' ? ht_json_parts_plain_text(value) : value;
}

static int refuse(struct ht_aws_call *call, const char *code, int status)
{
    (void)snprintf(call->failure.code, sizeof(call->failure.code), "%s", code);
    (void)snprintf(call->failure.request_id, sizeof(call->failure.request_id), "REQ");
    call->failure.fault = HT_AWS_FAULT_FINAL;
    return ht_error_set(&call->error, status, "DynamoDB Streams %s on %s: %s (request REQ).",
                        call->operation, call->resource, code);
}

static int answer_table(struct world *world, struct ht_aws_call *call)
{
    world->made[MODEL_TABLE]++;
    if (!world->has_table) {
        return refuse(call, "ResourceNotFoundException", HT_ENOTFOUND);
    }
    (void)ht_buffer_append_format(&call->answer, "{\"Table\":{\"TableName\":\"hashtags\","
                                                 "\"TableStatus\":\"ACTIVE\"");
    if (world->arn != NULL) {
        (void)ht_buffer_append_format(&call->answer, ",\"LatestStreamArn\":\"%s\"", world->arn);
    }
    (void)ht_buffer_append_text(&call->answer, "}}");
    return 0;
}

static int answer_history(struct world *world, struct ht_aws_call *call)
{
    world->made[MODEL_HISTORY]++;
    (void)ht_buffer_append_format(&call->answer, "{\"Streams\":[{\"StreamArn\":\"%s\"}",
                                  world->arn);
    (void)ht_buffer_append_text(&call->answer, ",{\"StreamArn\":\"arn:of-long-ago\"}");
    if (world->old_arn != NULL) {
        (void)ht_buffer_append_format(&call->answer, ",{\"StreamArn\":\"%s\"}", world->old_arn);
    }
    (void)ht_buffer_append_text(&call->answer, "]}");
    return 0;
}

/* Whether a call is about the stream that was there before. */
static bool is_about_old(struct world *world, const struct ht_aws_call *call)
{
    return world->old_arn != NULL &&
           ht_slice_equal(member(call, "StreamArn"), ht_slice_text(world->old_arn));
}

static void append_shard(struct world *world, struct ht_buffer *answer, size_t index, bool is_first)
{
    const struct model_shard *shard = &world->shards[index];
    (void)ht_buffer_append_format(answer, "%s{\"ShardId\":\"%s\"", is_first ? "" : ",", shard->id);
    if (shard->parent[0] != '\0') {
        (void)ht_buffer_append_format(answer, ",\"ParentShardId\":\"%s\"", shard->parent);
    }
    (void)ht_buffer_append_text(answer,
                                ",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\"");
    (void)ht_buffer_append_text(answer,
                                shard->is_closed ? ",\"EndingSequenceNumber\":\"9\"}}" : "}}");
}

static int answer_describe(struct world *world, struct ht_aws_call *call)
{
    struct ht_slice start = member(call, "ExclusiveStartShardId");
    struct ht_slice filter = member(call, "ShardFilter"), parent = {"", 0};
    bool has_begun = start.length == 0, is_cut = false;
    size_t count = 0;
    const char *last = "";
    world->made[MODEL_DESCRIBE]++;
    bool is_old = is_about_old(world, call);
    if (!is_old && (world->arn == NULL ||
                    !ht_slice_equal(member(call, "StreamArn"), ht_slice_text(world->arn)))) {
        return refuse(call, "ResourceNotFoundException", HT_ENOTFOUND);
    }
    if (filter.length > 0 && world->knows_filter) {
        parent = ht_json_parts_plain_text(ht_json_parts_find(filter, "ShardId"));
    }
    (void)ht_buffer_append_format(&call->answer,
                                  "{\"StreamDescription\":{\"StreamStatus\":\"%s\","
                                  "\"StreamViewType\":\"%s\",\"Shards\":[",
                                  is_old ? "DISABLED" : world->status, world->view);
    for (size_t i = 0; i < world->shard_count; i++) {
        const struct model_shard *shard = &world->shards[i];
        bool is_wanted = parent.length == 0 || ht_slice_equal(ht_slice_text(shard->parent), parent);
        is_wanted = is_wanted && shard->is_old == is_old;
        if (has_begun && is_wanted && !shard->is_gone && !shard->is_hidden) {
            is_cut = count == world->page_size;
            if (is_cut) {
                break;
            }
            append_shard(world, &call->answer, i, count++ == 0);
            last = shard->id;
        }
        has_begun = has_begun || ht_slice_equal(ht_slice_text(shard->id), start);
    }
    (void)ht_buffer_append_text(&call->answer, "]");
    if (is_cut) {
        (void)ht_buffer_append_format(&call->answer, ",\"LastEvaluatedShardId\":\"%s\"", last);
    }
    (void)ht_buffer_append_text(&call->answer, "}}");
    return 0;
}

/* An iterator is "<shard>|<index of the next record>|<when it was made>". */
static void append_iterator(struct world *world, struct ht_buffer *answer,
                            const struct model_shard *shard, size_t index)
{
    (void)ht_buffer_append_format(answer, "Iterator\":\"%s|%zu|%" PRIu64 "\"", shard->id, index,
                                  ht_clock_monotonic_ms(&world->clock.clock));
}

static int answer_iterator(struct world *world, struct ht_aws_call *call)
{
    struct model_shard *shard = find_shard(world, member(call, "ShardId"));
    struct ht_slice sequence = member(call, "SequenceNumber");
    world->made[MODEL_ITERATOR]++;
    if (shard == NULL || shard->is_gone || shard->is_old != is_about_old(world, call)) {
        return refuse(call, "ResourceNotFoundException", HT_ENOTFOUND);
    }
    size_t index = shard->trimmed;
    if (ht_slice_equal(member(call, "ShardIteratorType"), HT_SLICE("AFTER_SEQUENCE_NUMBER"))) {
        for (index = 0; index < shard->count; index++) {
            if (ht_sequence_compare(ht_slice_text(shard->records[index].sequence), sequence) > 0) {
                break;
            }
        }
        if (index < shard->trimmed) {
            return refuse(call, "TrimmedDataAccessException", HT_ENOTFOUND);
        }
    }
    (void)ht_buffer_append_text(&call->answer, "{\"Shard");
    append_iterator(world, &call->answer, shard, index);
    (void)ht_buffer_append_byte(&call->answer, '}');
    return 0;
}

static int answer_records(struct world *world, struct ht_aws_call *call)
{
    char text[256];
    uint64_t index = 0, made_ms = 0, limit = 0, now_ms = ht_clock_monotonic_ms(&world->clock.clock);
    struct ht_slice iterator = member(call, "ShardIterator");
    (void)snprintf(text, sizeof(text), "%.*s", (int)iterator.length, iterator.data);
    char *first = strchr(text, '|'), *second = first == NULL ? NULL : strchr(first + 1, '|');
    if (second == NULL) {
        return refuse(call, "ValidationException", HT_EINVAL);
    }
    *first = *second = '\0';
    assert_int_equal(ht_slice_to_u64(ht_slice_text(first + 1), 1000000, &index), 0);
    assert_int_equal(ht_slice_to_u64(ht_slice_text(second + 1), INT64_MAX, &made_ms), 0);
    assert_int_equal(ht_slice_to_u64(member(call, "Limit"), 1000, &limit), 0);
    struct model_shard *shard = find_shard(world, ht_slice_text(text));
    world->made[MODEL_RECORDS]++;
    if (shard == NULL || shard->is_gone) {
        return refuse(call, "ResourceNotFoundException", HT_ENOTFOUND);
    }
    shard->polled_ms = now_ms;
    shard->polls++;
    if (now_ms - made_ms > world->iterator_life_ms) {
        return refuse(call, "ExpiredIteratorException", HT_ETIMEDOUT);
    }
    if (index < shard->trimmed) {
        return refuse(call, "TrimmedDataAccessException", HT_ENOTFOUND);
    }
    (void)ht_buffer_append_text(&call->answer, "{\"Records\":[");
    for (size_t i = 0; i < limit && index < shard->count; i++, index++) {
        (void)ht_buffer_append_format(&call->answer, "%s%s", i == 0 ? "" : ",",
                                      shard->records[index].json);
    }
    (void)ht_buffer_append_byte(&call->answer, ']');
    if (!shard->is_closed || index < shard->count) {
        (void)ht_buffer_append_text(&call->answer, ",\"NextShard");
        append_iterator(world, &call->answer, shard, index);
    }
    (void)ht_buffer_append_byte(&call->answer, '}');
    return 0;
}

static int answer_by_fault(struct world *world, struct ht_aws_call *call)
{
    world->fault_count--;
    if (world->fault_answer != NULL) {
        (void)ht_buffer_append_text(&call->answer, world->fault_answer);
        return 0;
    }
    int status = refuse(call, world->fault_code, world->fault_status);
    call->failure.fault = world->fault;
    return status;
}

static int answer(struct world *world, struct ht_aws_call *call)
{
    if (call->refusal != 0) { /* nothing was sent */
        return call->refusal;
    }
    if (world->fault_count > 0 && strcmp(call->operation, world->fault_operation) == 0) {
        return answer_by_fault(world, call);
    }
    if (strcmp(call->operation, "DescribeTable") == 0) {
        return answer_table(world, call);
    }
    if (strcmp(call->operation, "DescribeStream") == 0) {
        return answer_describe(world, call);
    }
    if (strcmp(call->operation, "ListStreams") == 0) {
        return answer_history(world, call);
    }
    if (strcmp(call->operation, "GetShardIterator") == 0) {
        return answer_iterator(world, call);
    }
    assert_string_equal(call->operation, "GetRecords");
    return answer_records(world, call);
}

void __wrap_ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call)
{
    struct world *world = world_of(client);
    size_t reading = 0;
    assert_true(world->call_count < WORLD_CALLS);
    world->calls[world->call_count++] = (struct model_call){.call = call};
    call->state = (struct ht_aws_attempts *)world; /* it runs */
    for (size_t i = 0; i < world->call_count; i++) {
        reading += strcmp(world->calls[i].call->operation, "GetRecords") == 0;
    }
    world->most_at_once = reading > world->most_at_once ? reading : world->most_at_once;
    ht_timer_start(&world->timers, &world->answer_timer, ANSWER_MS);
}

void __wrap_ht_aws_call_cancel(struct ht_aws_call *call)
{
    struct world *world = (struct world *)call->state;
    for (size_t i = 0; world != NULL && i < world->call_count; i++) {
        if (world->calls[i].call == call) {
            world->calls[i].is_canceled = true;
        }
    }
}

static void on_answer_due(struct ht_timer *timer)
{
    struct world *world = HT_CONTAINER_OF(timer, struct world, answer_timer);
    struct model_call calls[WORLD_CALLS];
    size_t count = world->call_count;
    memcpy(calls, world->calls, sizeof(calls));
    world->call_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ht_aws_call *call = calls[i].call;
        ht_buffer_init(&call->answer, 64 * 1024 * 1024);
        ht_error_clear(&call->error);
        call->state = NULL;
        call->status = calls[i].is_canceled ? ht_error_set(&call->error, HT_ECANCELED, "Canceled.")
                                            : answer(world, call);
        struct ht_buffer body = call->answer;
        call->done(call);
        ht_buffer_finish(&body);
    }
}

/* -- the rows of positions ------------------------------------------------------------------------ */

static struct world *world_from(struct ht_positions *positions)
{
    return HT_CONTAINER_OF(positions, struct world, positions);
}

static struct model_row *find_row(struct world *world, const char *shard_id)
{
    for (size_t i = 0; i < world->row_count; i++) {
        if (strcmp(world->rows[i].shard_id, shard_id) == 0) {
            return &world->rows[i];
        }
    }
    return NULL;
}

static int note(struct ht_positions *positions, const char *shard_id, const char *parent_id)
{
    (void)positions, (void)shard_id, (void)parent_id;
    return 0;
}

static void load(struct ht_positions *positions, struct ht_positions_load *request)
{
    struct world *world = world_from(positions);
    world->load = request;
    ht_timer_start(&world->timers, &world->rows_timer, ANSWER_MS);
}

static void save(struct ht_positions *positions, struct ht_positions_save *request)
{
    struct world *world = world_from(positions);
    request->next = world->saves;
    world->saves = request;
    ht_timer_start(&world->timers, &world->rows_timer, ANSWER_MS);
}

static void take_save(struct world *world, struct ht_positions_save *request)
{
    struct model_row *row = find_row(world, request->shard_id);
    world->save_count++;
    request->status = 0;
    if (world->saves_fail) {
        request->status = ht_error_set(&request->error, HT_EBUSY, "A row is not written.");
    } else if (request->removes && row != NULL) {
        *row = world->rows[--world->row_count];
    } else if (!request->removes) {
        if (row == NULL) {
            assert_true(world->row_count < WORLD_ROWS);
            row = &world->rows[world->row_count++];
        }
        (void)snprintf(row->shard_id, sizeof(row->shard_id), "%s", request->shard_id);
        row->position = request->position;
    }
    request->done(request);
}

static void finish_load(struct world *world)
{
    struct ht_positions_load *request = world->load;
    world->load = NULL;
    request->status = 0;
    if (world->loads_fail) {
        request->status = ht_error_set(&request->error, HT_ECANCELED, "Rows are not loaded.");
    }
    for (size_t i = 0; request->status == 0 && i < world->row_count; i++) {
        request->on_row(request, world->rows[i].shard_id, &world->rows[i].position);
    }
    request->done(request);
}

static void on_rows_due(struct ht_timer *timer)
{
    struct world *world = HT_CONTAINER_OF(timer, struct world, rows_timer);
    struct ht_positions_save *saves = world->saves;
    world->saves = NULL;
    if (world->load != NULL) {
        finish_load(world);
    }
    while (saves != NULL) {
        struct ht_positions_save *next = saves->next;
        take_save(world, saves);
        saves = next;
    }
    if (world->on_rows_closed != NULL) {
        void (*on_closed)(void *) = world->on_rows_closed;
        world->on_rows_closed = NULL;
        world->are_positions_closed = true;
        on_closed(world->on_rows_closed_user);
    }
}

static const struct ht_error *rows_trouble(struct ht_positions *positions, bool *needs_person)
{
    (void)positions, (void)needs_person;
    return NULL;
}

static void close_rows(struct ht_positions *positions, void (*on_closed)(void *user), void *user)
{
    struct world *world = world_from(positions);
    world->on_rows_closed = on_closed;
    world->on_rows_closed_user = user;
    world->loads_fail = true;
    ht_timer_start(&world->timers, &world->rows_timer, ANSWER_MS);
}

static void forget(struct ht_positions *positions, const char *shard_id)
{
    struct world *world = HT_CONTAINER_OF(positions, struct world, positions);
    HT_ASSERT(find_row(world, shard_id) == NULL);
    world->forgotten++;
}

static const struct ht_positions_ops rows_operations = {.note = note,
                                                        .forget = forget,
                                                        .load = load,
                                                        .save = save,
                                                        .trouble = rows_trouble,
                                                        .close = close_rows};

const char *world_row(struct world *world, const char *shard_id)
{
    static char text[HT_SEQUENCE_BYTES + 8];
    const struct model_row *row = find_row(world, shard_id);
    (void)snprintf(text, sizeof(text), "%s%s",
                   row != NULL && row->position.kind == HT_POSITION_END ? "END " : "",
                   row == NULL ? "" : row->position.sequence_number);
    return text;
}

/* -- the world ------------------------------------------------------------------------------------ */

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    ht_manual_clock_init(&world->clock, 1000000000000, 1700000000000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, 1);
    ht_timer_init(&world->answer_timer, on_answer_due);
    ht_timer_init(&world->rows_timer, on_rows_due);
    world->positions.ops = &rows_operations;
    world->has_table = true;
    world->arn = "arn:stream-1";
    world->status = "ENABLED";
    world->view = "NEW_AND_OLD_IMAGES";
    world->next_sequence = 100;
    world->page_size = 100;
    world->knows_filter = true;
    world->iterator_life_ms = 15 * 60 * 1000;
    world->first_order = 1;
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;
    if (world->changes != NULL) {
        world_close(world);
    }
    for (size_t i = 0; i < world->shard_count; i++) {
        for (size_t j = 0; j < world->shards[i].count; j++) {
            free(world->shards[i].records[j].json);
        }
        free(world->shards[i].records);
    }
    ht_timer_queue_finish(&world->timers);
    free(world);
    return 0;
}

void world_run(struct world *world, uint64_t ms)
{
    uint64_t end_ns = world->clock.now_ns + ms * 1000000;
    for (size_t turns = 0;; turns++) {
        assert_true(turns < 1000000);
        uint64_t next_ns = ht_timer_queue_next_ns(&world->timers);
        if (next_ns == UINT64_MAX || world->clock.now_ns + next_ns > end_ns) {
            break;
        }
        world->clock.now_ns += next_ns;
        world->clock.now_wall_ms += (int64_t)(next_ns / 1000000);
        (void)ht_timer_queue_run(&world->timers);
    }
    world->clock.now_ns = end_ns > world->clock.now_ns ? end_ns : world->clock.now_ns;
}

static int on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    struct world *world = user;
    if (world->refuses_touches && world->touches_taken == 0) {
        return HT_EBUSY;
    }
    world->touches_taken -= world->touches_taken > 0;
    size_t length = strlen(world->touched);
    world->touched_count++;
    (void)snprintf(world->touched + length, sizeof(world->touched) - length,
                   is_removed ? "%.*s- " : "%.*s=%" PRIu64 " ", (int)hashtag.length, hashtag.data,
                   count);
    return 0;
}

void world_open(struct world *world)
{
    struct ht_dynamodb_changes_options options = {
        .aws = (struct ht_aws_client *)world,
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .table_name = "hashtags",
        .worker_id = "me",
    };
    struct ht_error error;
    world->loads_fail = false;
    world->is_closed = false;
    world->first_order = 1;
    world->last_order = 0;
    assert_int_equal(
        ht_dynamodb_changes_create_over(&world->changes, &options, &world->positions, &error), 0);
    world->changes->on_touched = on_touched;
    world->changes->on_touched_user = world;
}

static void on_closed(void *user)
{
    ((struct world *)user)->is_closed = true;
}

void world_close(struct world *world)
{
    world->changes->ops->close(world->changes, on_closed, world);
    assert_false(world->is_closed);
    world_run(world, 10000);
    assert_true(world->is_closed);
    world->changes->ops->destroy(world->changes);
    world->changes = NULL;
    assert_int_equal(world->call_count, 0);
}

struct model_shard *world_shard(struct world *world, const char *id, const char *parent)
{
    assert_true(world->shard_count < WORLD_SHARDS);
    struct model_shard *shard = &world->shards[world->shard_count++];
    (void)snprintf(shard->id, sizeof(shard->id), "%s", id);
    (void)snprintf(shard->parent, sizeof(shard->parent), "%s", parent);
    return shard;
}

static void add_record(struct world *world, struct model_shard *shard, char *json)
{
    if (shard->count == shard->capacity) {
        shard->capacity = shard->capacity == 0 ? 16 : shard->capacity * 2;
        shard->records = realloc(shard->records, shard->capacity * sizeof(*shard->records));
        assert_non_null(shard->records);
    }
    struct model_record *record = &shard->records[shard->count++];
    (void)snprintf(record->sequence, sizeof(record->sequence), "%" PRIu64, world->next_sequence++);
    assert_non_null(json);
    record->json = json;
}

void world_record(struct world *world, struct model_shard *shard, const char *json)
{
    add_record(world, shard, strdup(json));
}

static void add_change(struct world *world, struct model_shard *shard, const char *event,
                       const char *tag, const char *image)
{
    char json[1024];
    (void)snprintf(json, sizeof(json),
                   "{\"eventID\":\"e%" PRIu64 "\",\"eventName\":\"%s\",\"dynamodb\":{\"Keys\":"
                   "{\"hashtag\":{\"S\":\"%s\"}},%s,\"SequenceNumber\":\"%" PRIu64 "\","
                   "\"ApproximateCreationDateTime\":1700000001}}",
                   world->next_sequence, event, tag, image, world->next_sequence);
    add_record(world, shard, strdup(json));
}

void world_remove(struct world *world, struct model_shard *shard, const char *tag)
{
    char image[256];
    (void)snprintf(image, sizeof(image),
                   "\"OldImage\":{\"hashtag\":{\"S\":\"%s\"},\"htCount\":{\"N\":\"3\"}}", tag);
    add_change(world, shard, "REMOVE", tag, image);
}

void world_count(struct world *world, struct model_shard *shard, const char *tag, unsigned count)
{
    char image[256];
    (void)snprintf(image, sizeof(image),
                   "\"NewImage\":{\"hashtag\":{\"S\":\"%s\"},\"htCount\":{\"N\":\"%u\"}}", tag,
                   count);
    add_change(world, shard, "MODIFY", tag, image);
}

static void on_read(struct ht_changes_read *read)
{
    ((struct world_reading *)read->user)->is_done = true;
}

void world_start_read(struct world *world, struct world_reading *reading, size_t max_count,
                      uint32_t wait_ms)
{
    *reading = (struct world_reading){
        .read = {.max_count = max_count, .wait_ms = wait_ms, .done = on_read, .user = reading}};
    world->changes->ops->read(world->changes, &reading->read);
}

static void note_names(struct world *world, const struct ht_removal_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct ht_removal *removal = &batch->removals[i];
        size_t length = strlen(world->got);
        (void)snprintf(world->got + length, sizeof(world->got) - length, "%.*s ",
                       (int)removal->item.hashtag.length, removal->item.hashtag.data);
        assert_int_equal(removal->order, world->last_order + 1);
        world->last_order = removal->order;
    }
}

size_t world_read(struct world *world, size_t max_count, uint32_t wait_ms)
{
    struct world_reading reading;
    world_start_read(world, &reading, max_count, wait_ms);
    assert_false(reading.is_done);
    for (int i = 0; i < 200000 && !reading.is_done; i++) {
        world_run(world, 1);
    }
    assert_true(reading.is_done);
    assert_int_equal(reading.read.status, 0);
    size_t count = reading.read.batch->count;
    assert_true(count <= max_count);
    note_names(world, reading.read.batch);
    ht_removal_batch_release(reading.read.batch);
    return count;
}

void world_drain(struct world *world)
{
    while (world_read(world, 500, 0) > 0) {
    }
}

struct committing {
    struct ht_changes_commit commit;
    bool is_done;
};

static void on_commit(struct ht_changes_commit *commit)
{
    ((struct committing *)commit->user)->is_done = true;
}

int world_commit(struct world *world, uint64_t order)
{
    struct committing committing = {.commit = {.first_order = world->first_order,
                                               .last_order = order == 0 ? world->last_order : order,
                                               .archived_at_s = 1700000002,
                                               .object = HT_SLICE("object"),
                                               .done = on_commit}};
    committing.commit.user = &committing;
    world->changes->ops->commit(world->changes, &committing.commit);
    assert_false(committing.is_done);
    for (int i = 0; i < 10000 && !committing.is_done; i++) {
        world_run(world, 1);
    }
    assert_true(committing.is_done);
    if (committing.commit.status == 0) {
        world->first_order = committing.commit.last_order + 1;
    }
    return committing.commit.status;
}

void world_fail(struct world *world, const char *operation, const char *code, int status,
                unsigned count)
{
    world->fault_operation = operation;
    world->fault_code = code;
    world->fault_status = status;
    world->fault = HT_AWS_FAULT_FINAL;
    world->fault_count = count;
    world->fault_answer = NULL;
}
