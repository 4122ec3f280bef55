// SPDX-License-Identifier: MIT
#include "kinesis_world.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct ht_aws_attempts {
    struct ht_aws_client *world;
    struct ht_aws_call *call;
    struct ht_aws_attempts *next;
    uint64_t due_ms;
    bool is_canceled;
};

static uint64_t now_ms(struct ht_aws_client *world)
{
    return ht_clock_monotonic_ms(&world->manual.clock);
}

void ht_aws_call_start(struct ht_aws_client *world, struct ht_aws_call *call)
{
    struct ht_aws_attempts *wait = calloc(1, sizeof(*wait));
    assert_non_null(wait);
    assert_null(call->state);
    assert_int_equal(call->service, HT_AWS_KINESIS);
    *wait = (struct ht_aws_attempts){
        .world = world, .call = call, .due_ms = now_ms(world) + world->latency_ms};
    call->state = wait;
    call->status = 0;
    ht_error_clear(&call->error);
    memset(&call->failure, 0, sizeof(call->failure));
    struct ht_aws_attempts **end = &world->first;
    unsigned puts = strcmp(call->operation, "PutRecords") == 0;
    while (*end != NULL) {
        puts += strcmp((*end)->call->operation, "PutRecords") == 0;
        end = &(*end)->next;
    }
    *end = wait;
    world->counts.puts_at_once =
        puts > world->counts.puts_at_once ? puts : world->counts.puts_at_once;
}

void ht_aws_call_cancel(struct ht_aws_call *call)
{
    if (call->state != NULL && !call->state->is_canceled) {
        call->state->is_canceled = true;
        call->state->due_ms = 0;
        call->state->world->counts.canceled++;
    }
}

void ht_aws_call_take_answer(struct ht_aws_call *call, struct ht_buffer *answer)
{
    assert_non_null(call->answer_owner);
    *answer = *call->answer_owner;
    memset(call->answer_owner, 0, sizeof(*call->answer_owner));
    memset(&call->answer, 0, sizeof(call->answer));
}

static void fail_call(struct ht_aws_call *call, const char *code, int http_status)
{
    static const struct {
        const char *code;
        int status;
        enum ht_aws_fault fault;
    } known[] = {
        {"", HT_ECONNECTION, HT_AWS_FAULT_TRANSIENT},
        {"ProvisionedThroughputExceededException", HT_EBUSY, HT_AWS_FAULT_THROTTLED},
        {"LimitExceededException", HT_EBUSY, HT_AWS_FAULT_THROTTLED},
        {"ResourceNotFoundException", HT_ENOTFOUND, HT_AWS_FAULT_FINAL},
        {"AccessDeniedException", HT_EPERMISSION, HT_AWS_FAULT_FINAL},
        {"InternalFailureException", HT_EIO, HT_AWS_FAULT_TRANSIENT},
        {"Canceled", HT_ECANCELED, HT_AWS_FAULT_NONE},
        {"TooBig", HT_ETOOBIG, HT_AWS_FAULT_FINAL},
    };
    call->status = HT_EINVAL;
    call->failure.fault = HT_AWS_FAULT_FINAL;
    for (size_t i = 0; i < HT_COUNT_OF(known); i++) {
        if (strcmp(known[i].code, code) == 0) {
            call->status = known[i].status;
            call->failure.fault = known[i].fault;
        }
    }
    call->failure.http_status = http_status;
    (void)snprintf(call->failure.code, sizeof(call->failure.code), "%s", code);
    (void)ht_error_set(&call->error, call->status, "Kinesis %s on %s: %s (request id R-1).",
                       call->operation, call->resource, code);
}

static bool has_shard(const struct ht_aws_client *world, const char *id, size_t *index)
{
    for (*index = 0; *index < world->shard_count; (*index)++) {
        if (strcmp(world->shards[*index].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void write_shard(const struct ht_aws_client *world, struct ht_json_writer *out,
                        const struct world_shard *shard)
{
    ht_json_write_object_begin(out);
    ht_json_write_key(out, "ShardId");
    ht_json_write_text(out, shard->id);
    if (shard->parent[0] != '\0') {
        ht_json_write_key(out, "ParentShardId");
        ht_json_write_text(out, shard->parent);
    }
    if (shard->adjacent[0] != '\0') {
        ht_json_write_key(out, "AdjacentParentShardId");
        ht_json_write_text(out, shard->adjacent);
    }
    ht_json_write_key(out, "SequenceNumberRange");
    ht_json_write_object_begin(out);
    ht_json_write_key(out, "StartingSequenceNumber");
    ht_json_write_text(out, "1");
    if (shard->is_closed) {
        ht_json_write_key(out, "EndingSequenceNumber");
        ht_json_write_text(out,
                           world->ending != NULL
                               ? world->ending
                               : "99999999999999999999999999999999999999999999999999999999999");
    }
    ht_json_write_object_end(out);
    ht_json_write_object_end(out);
}

static void answer_list(struct ht_aws_client *world, const struct ht_json *in,
                        struct ht_json_writer *out)
{
    struct ht_slice token = ht_json_text(ht_json_member(in, "NextToken"));
    uint64_t at = 0;
    unsigned written = 0;
    world->counts.lists++;
    assert_true((token.length > 0) != (ht_json_member(in, "StreamName") != NULL));
    if (token.length > 0) {
        assert_int_equal(ht_slice_to_u64(token, 100, &at), 0);
    }
    ht_json_write_key(out, "Shards");
    ht_json_write_array_begin(out);
    for (; at < world->shard_count && (world->list_page == 0 || written < world->list_page); at++) {
        if (world->shards[at].is_listed) {
            write_shard(world, out, &world->shards[at]);
            written++;
        }
    }
    ht_json_write_array_end(out);
    if (at < world->shard_count) {
        char next[32];
        (void)snprintf(next, sizeof(next), "%" PRIu64, at);
        ht_json_write_key(out, "NextToken");
        ht_json_write_text(out, next);
    }
}

static void write_iterator(struct ht_aws_client *world, struct ht_json_writer *out,
                           const char *name, size_t shard, size_t index)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%zu %zu %" PRIu64, shard, index, now_ms(world));
    ht_json_write_key(out, name);
    ht_json_write_text(out, text);
}

static void answer_iterator(struct ht_aws_client *world, struct ht_aws_call *call,
                            const struct ht_json *in, struct ht_json_writer *out)
{
    struct world_counts *counts = &world->counts;
    size_t index;
    size_t at = 0;
    const char *type = ht_json_text(ht_json_member(in, "ShardIteratorType")).data;
    const char *sequence = ht_json_text(ht_json_member(in, "StartingSequenceNumber")).data;
    counts->iterators++;
    (void)snprintf(counts->iterator_type, sizeof(counts->iterator_type), "%s", type);
    (void)snprintf(counts->iterator_sequence, sizeof(counts->iterator_sequence), "%s", sequence);
    if (!has_shard(world, ht_json_text(ht_json_member(in, "ShardId")).data, &index)) {
        fail_call(call, "ResourceNotFoundException", 400);
        return;
    }
    const struct world_shard *shard = &world->shards[index];
    if (strcmp(type, "LATEST") == 0 || strcmp(type, "AT_TIMESTAMP") == 0) {
        at = shard->count; /* all that is there came before */
    } else if (strstr(type, "SEQUENCE") != NULL) {
        bool is_after = strcmp(type, "AFTER_SEQUENCE_NUMBER") == 0;
        while (at < shard->count && ht_sequence_compare(ht_slice_text(shard->records[at].sequence),
                                                        ht_slice_text(sequence)) < is_after) {
            at++;
        }
    }
    write_iterator(world, out, "ShardIterator", index, at);
}

static void write_record(struct ht_json_writer *out, const struct world_record *record)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 32u << 20);
    assert_int_equal(ht_base64_append(&text, ht_slice_make(record->data, record->length)), 0);
    ht_json_write_object_begin(out);
    ht_json_write_key(out, "SequenceNumber");
    ht_json_write_text(out, record->sequence);
    ht_json_write_key(out, "ApproximateArrivalTimestamp");
    ht_json_write_real(out, 1700000000.25);
    ht_json_write_key(out, "Data");
    ht_json_write_slice(out, ht_buffer_slice(&text));
    ht_json_write_key(out, "PartitionKey");
    ht_json_write_text(out, record->key);
    ht_json_write_object_end(out);
    ht_buffer_finish(&text);
}

static void write_children(struct ht_aws_client *world, struct ht_json_writer *out, const char *id)
{
    ht_json_write_key(out, "ChildShards");
    ht_json_write_array_begin(out);
    for (size_t i = 0; i < world->shard_count; i++) {
        const struct world_shard *child = &world->shards[i];
        if (strcmp(child->parent, id) != 0 && strcmp(child->adjacent, id) != 0) {
            continue;
        }
        ht_json_write_object_begin(out);
        ht_json_write_key(out, "ShardId");
        ht_json_write_text(out, child->id);
        ht_json_write_key(out, "ParentShards");
        ht_json_write_array_begin(out);
        ht_json_write_text(out, child->parent);
        if (child->adjacent[0] != '\0') {
            ht_json_write_text(out, child->adjacent);
        }
        ht_json_write_array_end(out);
        ht_json_write_object_end(out);
    }
    ht_json_write_array_end(out);
}

static void answer_get(struct ht_aws_client *world, struct ht_aws_call *call,
                       const struct ht_json *in, struct ht_json_writer *out)
{
    size_t index = 0;
    size_t at = 0;
    unsigned long long issued_ms = 0;
    char *end;
    const char *text = ht_json_text(ht_json_member(in, "ShardIterator")).data;
    uint64_t limit = (uint64_t)ht_json_i64(ht_json_member(in, "Limit"));
    world->counts.gets++;
    world->counts.limit = (unsigned)limit;
    assert_true(limit >= 1 && limit <= 10000);
    index = strtoul(text, &end, 10);
    at = strtoul(end, &end, 10);
    issued_ms = strtoull(end, &end, 10);
    assert_true(*end == '\0' && index < world->shard_count);
    if (now_ms(world) - issued_ms > 300000) {
        fail_call(call, "ExpiredIteratorException", 400);
        return;
    }
    const struct world_shard *shard = &world->shards[index];
    size_t most = world->get_most_bytes == 0 ? 10u << 20 : world->get_most_bytes;
    size_t bytes = 0;
    at = at < shard->trimmed ? shard->trimmed : at;
    ht_json_write_key(out, "Records");
    ht_json_write_array_begin(out);
    for (; at < shard->count && limit > 0 &&
           (bytes == 0 || bytes + shard->records[at].length <= most);
         at++, limit--) {
        bytes += shard->records[at].length + 1;
        write_record(out, &shard->records[at]);
    }
    ht_json_write_array_end(out);
    ht_json_write_key(out, "MillisBehindLatest");
    ht_json_write_u64(out, at < shard->count && !world->hides_lag ? 5000 : 0);
    if (!shard->is_closed || at < shard->count || world->never_ends) {
        write_iterator(world, out, "NextShardIterator", index, at);
    } else {
        write_children(world, out, shard->id);
    }
}

static size_t shard_of(const struct ht_aws_client *world, const char *key)
{
    size_t open[WORLD_SHARDS];
    size_t count = 0;
    for (size_t i = 0; i < world->shard_count; i++) {
        if (!world->shards[i].is_closed) {
            open[count++] = i;
        }
    }
    assert_true(count > 0);
    return count == 0 ? 0 : open[(unsigned char)key[strlen(key) - 1] % count];
}

static bool has_key(const struct ht_json *records, const char *key)
{
    for (size_t i = 0; key != NULL && i < ht_json_count(records); i++) {
        struct ht_slice found =
            ht_json_text(ht_json_member(ht_json_element(records, i), "PartitionKey"));
        if (ht_slice_equal(found, ht_slice_text(key))) {
            return true;
        }
    }
    return false;
}

static void answer_put(struct ht_aws_client *world, struct ht_aws_call *call,
                       const struct ht_json *in, struct ht_json_writer *out)
{
    const struct ht_json *records = ht_json_member(in, "Records");
    unsigned put = world->counts.puts++;
    size_t count = ht_json_count(records);
    size_t bytes = 0;
    assert_true(count >= 1 && count <= 500);
    if (has_key(records, world->poison_key)) {
        fail_call(call, "ValidationException", 400);
        return;
    }
    ht_json_write_key(out, "Records");
    ht_json_write_array_begin(out);
    for (size_t i = 0; i < count; i++) {
        const struct ht_json *record = ht_json_element(records, i);
        struct ht_slice data = ht_json_text(ht_json_member(record, "Data"));
        const char *key = ht_json_text(ht_json_member(record, "PartitionKey")).data;
        const char *code = world->put_fault == NULL ? NULL : world->put_fault(put, i, key);
        char *decoded = malloc(data.length + 1);
        size_t length;
        assert_int_equal(ht_base64_decode(data, decoded, &length), 0);
        bytes += length + strlen(key);
        ht_json_write_object_begin(out);
        ht_json_write_key(out, code != NULL ? "ErrorCode" : "SequenceNumber");
        ht_json_write_text(out, code != NULL ? code
                                             : world_add(world, shard_of(world, key),
                                                         ht_slice_make(decoded, length), key));
        ht_json_write_key(out, code != NULL ? "ErrorMessage" : "ShardId");
        ht_json_write_text(out, code != NULL ? "no" : "s");
        ht_json_write_object_end(out);
        free(decoded);
    }
    ht_json_write_array_end(out);
    struct world_counts *counts = &world->counts;
    counts->put_most_records = count > counts->put_most_records ? count : counts->put_most_records;
    counts->put_most_bytes = bytes > counts->put_most_bytes ? bytes : counts->put_most_bytes;
}

static void answer_well(struct ht_aws_client *world, struct ht_aws_call *call)
{
    struct ht_json_writer out;
    struct ht_json *in = ht_json_parse(call->body, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    assert_non_null(in);
    ht_json_writer_init(&out, &call->answer);
    ht_json_write_object_begin(&out);
    if (strcmp(call->operation, "ListShards") == 0) {
        answer_list(world, in, &out);
    } else if (strcmp(call->operation, "GetShardIterator") == 0) {
        answer_iterator(world, call, in, &out);
    } else if (strcmp(call->operation, "GetRecords") == 0) {
        answer_get(world, call, in, &out);
    } else {
        assert_string_equal(call->operation, "PutRecords");
        answer_put(world, call, in, &out);
    }
    ht_json_write_object_end(&out);
    if (ht_json_writer_status(&out) != 0) { /* no memory for it: lost on the way */
        fail_call(call, "", 0);
    }
    ht_json_destroy(in);
    if (call->status == 0 && call->max_answer_bytes > 0 &&
        call->answer.length > call->max_answer_bytes) {
        fail_call(call, "TooBig", 200);
    }
}

static struct world_fault *find_fault(struct ht_aws_client *world, const char *operation)
{
    for (size_t i = 0; i < HT_COUNT_OF(world->faults); i++) {
        struct world_fault *fault = &world->faults[i];
        if (fault->times == 0 ||
            (fault->operation != NULL && strcmp(fault->operation, operation) != 0)) {
            continue;
        }
        if (fault->after > 0) {
            fault->after--;
            continue;
        }
        fault->times--;
        return fault;
    }
    return NULL;
}

/* Any of the ways in which a call fails. */
static const struct world_fault *find_chaos(struct ht_aws_client *world, const char *operation)
{
    static const struct world_fault ways[] = {
        {NULL, "", 0, NULL, false, 0, 1},
        {NULL, "", 0, NULL, true, 0, 1},
        {NULL, "InternalFailureException", 500, NULL, false, 0, 1},
        {NULL, "InternalFailureException", 500, NULL, true, 0, 1},
        {NULL, "ProvisionedThroughputExceededException", 400, NULL, false, 0, 1},
        {NULL, NULL, 200, "<html>busy</html>", true, 0, 1},
        {NULL, NULL, 200, "{\"Records\":[{\"Sequence", false, 0, 1},
        {NULL, "ExpiredIteratorException", 400, NULL, false, 0, 1},
    };
    if (world->chaos == 0 || ht_random_below(&world->random, 100) >= world->chaos) {
        return NULL;
    }
    bool is_get = strcmp(operation, "GetRecords") == 0;
    return &ways[ht_random_below(&world->random, HT_COUNT_OF(ways) - !is_get)];
}

static void answer(struct ht_aws_client *world, struct ht_aws_attempts *wait)
{
    struct ht_aws_call *call = wait->call;
    bool is_canceled = wait->is_canceled;
    struct ht_aws_attempts **link = &world->first;
    while (*link != wait) {
        link = &(*link)->next;
    }
    *link = wait->next;
    free(wait);
    call->state = NULL;
    ht_buffer_init(&call->answer, 64u << 20);
    const struct world_fault *fault = is_canceled ? NULL : find_fault(world, call->operation);
    if (!is_canceled && fault == NULL) {
        fault = find_chaos(world, call->operation);
    }
    if (!is_canceled && (fault == NULL || fault->takes_effect)) {
        answer_well(world, call);
    }
    if (is_canceled) {
        fail_call(call, "Canceled", 0);
    } else if (fault != NULL && fault->code == NULL) {
        ht_buffer_clear(&call->answer);
        assert_int_equal(ht_buffer_append_text(&call->answer, fault->body), 0);
    } else if (fault != NULL) {
        fail_call(call, fault->code, fault->http_status);
    }
    struct ht_buffer body = call->answer;
    call->answer_owner = &body;
    call->done(call);
    ht_buffer_finish(&body);
}

static struct ht_aws_attempts *due_call(struct ht_aws_client *world)
{
    struct ht_aws_attempts *at = world->first;
    while (at != NULL && at->due_ms > now_ms(world)) {
        at = at->next;
    }
    return at;
}

void world_run(struct ht_aws_client *world, uint64_t ms)
{
    uint64_t end = now_ms(world) + ms;
    for (;;) {
        struct ht_aws_attempts *wait = due_call(world);
        if (ht_timer_queue_run(&world->timers) > 0) {
            continue;
        }
        if (wait != NULL) {
            answer(world, wait);
            continue;
        }
        if (now_ms(world) >= end) {
            return;
        }
        ht_manual_clock_advance_ms(&world->manual, 1);
    }
}

void world_fault(struct ht_aws_client *world, struct world_fault fault)
{
    for (size_t i = 0; i < HT_COUNT_OF(world->faults); i++) {
        if (world->faults[i].times == 0) {
            world->faults[i] = fault;
            return;
        }
    }
    fail();
}

const char *world_add(struct ht_aws_client *world, size_t shard, struct ht_slice data,
                      const char *key)
{
    struct world_shard *to = &world->shards[shard];
    assert_true(to->count < WORLD_RECORDS);
    struct world_record *record = &to->records[to->count++];
    record->data = malloc(data.length + 1);
    memcpy(record->data, data.data, data.length);
    record->length = data.length;
    (void)snprintf(record->key, sizeof(record->key), "%s", key);
    (void)snprintf(record->sequence, sizeof(record->sequence),
                   "4959033827149025660855969253836157109592157598%010u", ++world->next_sequence);
    return record->sequence;
}

const char *world_add_text(struct ht_aws_client *world, size_t shard, const char *text)
{
    return world_add(world, shard, ht_slice_text(text), text);
}

/* The ids come from other shards of the same array: the compiler takes them for one object. */
static void copy_id(char *out, const char *id, size_t size)
{
    size_t length = strnlen(id, size - 1);
    memmove(out, id, length);
    out[length] = '\0';
}

static size_t add_shard(struct ht_aws_client *world, const char *parent, const char *adjacent)
{
    assert_true(world->shard_count < WORLD_SHARDS);
    struct world_shard *shard = &world->shards[world->shard_count];
    (void)snprintf(shard->id, sizeof(shard->id), "shardId-%012zu", world->shard_count);
    copy_id(shard->parent, parent, sizeof(shard->parent));
    copy_id(shard->adjacent, adjacent, sizeof(shard->adjacent));
    shard->records = calloc(WORLD_RECORDS, sizeof(*shard->records));
    assert_non_null(shard->records);
    shard->is_listed = true;
    return world->shard_count++;
}

size_t world_split(struct ht_aws_client *world, size_t shard)
{
    world->shards[shard].is_closed = true;
    size_t first = add_shard(world, world->shards[shard].id, "");
    add_shard(world, world->shards[shard].id, "");
    return first;
}

size_t world_merge(struct ht_aws_client *world, size_t a, size_t b)
{
    world->shards[a].is_closed = world->shards[b].is_closed = true;
    return add_shard(world, world->shards[a].id, world->shards[b].id);
}

void world_trim(struct ht_aws_client *world, size_t shard, size_t index)
{
    world->shards[shard].trimmed = index;
}

void world_start(struct ht_aws_client *world, size_t shards)
{
    memset(world, 0, sizeof(*world));
    ht_manual_clock_init(&world->manual, 1000000000000, 1700000000000);
    ht_timer_queue_init(&world->timers, &world->manual.clock);
    ht_random_init(&world->random, 1);
    world->latency_ms = 5;
    for (size_t i = 0; i < shards; i++) {
        add_shard(world, "", "");
    }
    world_open(world, &(struct ht_kinesis_stream_options){0});
}

void world_open(struct ht_aws_client *world, const struct ht_kinesis_stream_options *options)
{
    struct ht_kinesis_stream_options all = *options;
    struct ht_error error;
    world_close(world);
    all.aws = world;
    all.clock = &world->manual.clock;
    all.timers = &world->timers;
    all.random = &world->random;
    all.stream_name = "tweets";
    assert_int_equal(ht_kinesis_stream_create(&world->stream, &all, &error), 0);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

void world_close(struct ht_aws_client *world)
{
    struct ht_stream *stream = world->stream;
    bool is_closed = false;
    if (stream == NULL) {
        return;
    }
    world->stream = NULL; /* a test that was given up would read on and on what is closing */
    stream->ops->close(stream, on_closed, &is_closed);
    assert_false(is_closed);
    world_run(world, 10000);
    assert_true(is_closed);
    stream->ops->destroy(stream);
}

void world_finish(struct ht_aws_client *world)
{
    world_close(world);
    assert_null(world->first);
    for (size_t i = 0; i < world->shard_count; i++) {
        for (size_t k = 0; k < world->shards[i].count; k++) {
            free(world->shards[i].records[k].data);
        }
        free(world->shards[i].records);
    }
    ht_timer_queue_finish(&world->timers);
}
