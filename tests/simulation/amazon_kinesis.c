// SPDX-License-Identifier: MIT
#include "amazon_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of 56 digits, of which the last 20 are the account's one sequence. */
#define SEQUENCE_HEAD "496000000000000000000000000000000000"

enum {
    ITERATOR_LIFE_MS = 300 * 1000,
    TOKEN_LIFE_MS = 300 * 1000,
    CALLS_A_SECOND = 5,
    PAGE_SHARDS = 7,
    ANSWER_DATA_BYTES = 2 * 1024 * 1024,
};

/* Where a reader is: in an iterator's text. */
struct place {
    uint64_t shard, number, issued_ms;
};

static void keep_record(struct amazon *amazon, unsigned shard, struct ht_slice key,
                        struct ht_slice data);

static unsigned add_shard(struct amazon *amazon, int parent, int adjacent, uint64_t first,
                          uint64_t last)
{
    HT_ASSERT(amazon->shard_count < AMAZON_SHARDS_MAX);
    unsigned number = amazon->shard_count++;
    struct amazon_shard_state *shard = &amazon->shards[number];
    *shard = (struct amazon_shard_state){.parent = parent,
                                         .adjacent_parent = adjacent,
                                         .children = {-1, -1},
                                         .first_hash = first,
                                         .last_hash = last,
                                         .first_sequence = amazon_next_sequence(amazon)};
    if (amazon->options.watch.on_shard != NULL) {
        amazon->options.watch.on_shard(amazon->options.watch.user, number);
    }
    return number;
}

void amazon_create_stream(struct amazon *amazon, const char *name, unsigned shard_count)
{
    (void)snprintf(amazon->stream_name, sizeof(amazon->stream_name), "%s", name);
    uint64_t step = UINT64_MAX / shard_count;
    for (unsigned i = 0; i < shard_count; i++) {
        bool is_last = i + 1 == shard_count;
        (void)add_shard(amazon, -1, -1, i * step, is_last ? UINT64_MAX : (i + 1) * step - 1);
    }
}

void amazon_kinesis_finish(struct amazon *amazon)
{
    for (unsigned i = 0; i < amazon->shard_count; i++) {
        struct amazon_shard_state *shard = &amazon->shards[i];
        for (size_t k = 0; k < shard->count; k++) {
            free(shard->records[k].data);
        }
        free(shard->records);
    }
}

unsigned amazon_shard_of(const struct amazon *amazon, struct ht_slice partition_key)
{
    uint8_t digest[HT_DIGEST_MD5_BYTES];
    uint64_t hash = 0;
    ht_digest_md5(partition_key, digest);
    for (size_t i = 0; i < 8; i++) {
        hash = hash << 8 | digest[i];
    }
    for (unsigned i = 0; i < amazon->shard_count; i++) {
        const struct amazon_shard_state *shard = &amazon->shards[i];
        if (!shard->is_closed && hash >= shard->first_hash && hash <= shard->last_hash) {
            return i;
        }
    }
    HT_UNREACHABLE();
}

unsigned amazon_put(struct amazon *amazon, struct ht_slice partition_key, struct ht_slice data)
{
    unsigned shard = amazon_shard_of(amazon, partition_key);
    keep_record(amazon, shard, partition_key, data);
    return shard;
}

void amazon_put_on(struct amazon *amazon, unsigned shard, struct ht_slice partition_key,
                   struct ht_slice data)
{
    HT_ASSERT(!amazon->shards[shard].is_closed);
    keep_record(amazon, shard, partition_key, data);
}

static void keep_record(struct amazon *amazon, unsigned number, struct ht_slice key,
                        struct ht_slice data)
{
    struct amazon_shard_state *shard = &amazon->shards[number];
    shard->records =
        amazon_grow(shard->records, shard->count, &shard->capacity, sizeof(*shard->records));
    struct amazon_stored *record = &shard->records[shard->count++];
    char *bytes = malloc(data.length + key.length + 1);
    HT_ASSERT(bytes != NULL);
    memcpy(bytes, data.data, data.length);
    memcpy(bytes + data.length, key.data, key.length);
    *record = (struct amazon_stored){.data = bytes,
                                     .key = bytes + data.length,
                                     .data_bytes = (uint32_t)data.length,
                                     .key_bytes = (uint32_t)key.length,
                                     .sequence = amazon_next_sequence(amazon),
                                     .arrival_ms = amazon_wall_ms(amazon)};
    if (amazon->options.watch.on_record != NULL) {
        amazon->options.watch.on_record(amazon->options.watch.user, number, shard->count - 1);
    }
}

unsigned amazon_shard_count(const struct amazon *amazon)
{
    return amazon->shard_count;
}

static void format_id(int number, char id[32])
{
    id[0] = '\0';
    if (number >= 0) {
        (void)snprintf(id, 32, "shardId-%012d", number);
    }
}

static void format_sequence(uint64_t sequence, char text[64])
{
    (void)snprintf(text, 64, SEQUENCE_HEAD "%020" PRIu64, sequence);
}

/* Records of a closed shard are gone a while after their time; the shard with the last of them. */
static bool is_listed(const struct amazon *amazon, const struct amazon_shard_state *shard)
{
    bool is_empty = shard->trimmed == shard->count;
    return !shard->is_closed || !is_empty ||
           amazon_wall_ms(amazon) - shard->closed_ms < (int64_t)amazon->options.retention_ms;
}

void amazon_shard(const struct amazon *amazon, unsigned number, struct amazon_shard_info *info)
{
    const struct amazon_shard_state *shard = &amazon->shards[number];
    format_id((int)number, info->id);
    format_id(shard->parent, info->parent_id);
    format_id(shard->adjacent_parent, info->adjacent_parent_id);
    info->is_closed = shard->is_closed;
    info->is_listed = is_listed(amazon, shard);
    info->record_count = shard->count;
    info->trimmed_count = shard->trimmed;
}

void amazon_record(const struct amazon *amazon, unsigned number, size_t at,
                   struct amazon_record *record)
{
    const struct amazon_stored *stored = &amazon->shards[number].records[at];
    bool is_there = stored->data != NULL;
    record->data = ht_slice_make(is_there ? stored->data : "", is_there ? stored->data_bytes : 0);
    record->partition_key =
        ht_slice_make(is_there ? stored->key : "", is_there ? stored->key_bytes : 0);
    format_sequence(stored->sequence, record->sequence_number);
    record->arrival_ms = stored->arrival_ms;
}

static void close_shard(struct amazon *amazon, unsigned number)
{
    struct amazon_shard_state *shard = &amazon->shards[number];
    shard->is_closed = true;
    shard->closed_ms = amazon_wall_ms(amazon);
    shard->last_sequence = amazon_next_sequence(amazon);
}

bool amazon_split(struct amazon *amazon, unsigned number)
{
    struct amazon_shard_state *shard = &amazon->shards[number];
    if (shard->is_closed || shard->first_hash == shard->last_hash ||
        amazon->shard_count + 2 > AMAZON_SHARDS_MAX) {
        return false;
    }
    uint64_t first = shard->first_hash, last = shard->last_hash;
    uint64_t middle = first + (last - first) / 2;
    close_shard(amazon, number);
    shard->children[0] = (int)add_shard(amazon, (int)number, -1, first, middle);
    shard->children[1] = (int)add_shard(amazon, (int)number, -1, middle + 1, last);
    return true;
}

bool amazon_merge(struct amazon *amazon, unsigned number)
{
    struct amazon_shard_state *shard = &amazon->shards[number];
    for (unsigned i = 0; i < amazon->shard_count && !shard->is_closed; i++) {
        struct amazon_shard_state *other = &amazon->shards[i];
        if (other->is_closed || shard->last_hash == UINT64_MAX ||
            other->first_hash != shard->last_hash + 1 ||
            amazon->shard_count + 1 > AMAZON_SHARDS_MAX) {
            continue;
        }
        close_shard(amazon, number);
        close_shard(amazon, i);
        int child =
            (int)add_shard(amazon, (int)number, (int)i, shard->first_hash, other->last_hash);
        shard->children[0] = other->children[0] = child;
        return true;
    }
    return false;
}

void amazon_trim(struct amazon *amazon, unsigned number, size_t count)
{
    struct amazon_shard_state *shard = &amazon->shards[number];
    for (; count > 0 && shard->trimmed < shard->count; count--) {
        struct amazon_stored *record = &shard->records[shard->trimmed++];
        free(record->data);
        record->data = record->key = NULL;
    }
}

void amazon_kinesis_keep_house(struct amazon *amazon)
{
    int64_t oldest_ms = amazon_wall_ms(amazon) - (int64_t)amazon->options.retention_ms;
    for (unsigned i = 0; i < amazon->shard_count; i++) {
        struct amazon_shard_state *shard = &amazon->shards[i];
        while (shard->trimmed < shard->count &&
               shard->records[shard->trimmed].arrival_ms < oldest_ms) {
            amazon_trim(amazon, i, 1);
        }
    }
}

/* --- what the API says --- */

/* The stream that is meant is there; else refuses. */
static bool find_stream(const struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct ht_slice name = amazon_member(request->body, "StreamName");
    if (name.length > 0 && ht_slice_equal(name, ht_slice_text(amazon->stream_name))) {
        return true;
    }
    amazon_refuse(reply, 400, "ResourceNotFoundException", "Stream not found.");
    return false;
}

static bool find_shard(const struct amazon *amazon, struct ht_slice id, uint64_t *number)
{
    static const char prefix[] = "shardId-";
    size_t skip = sizeof(prefix) - 1;
    if (id.length <= skip || memcmp(id.data, prefix, skip) != 0) {
        return false;
    }
    struct ht_slice digits = ht_slice_make(id.data + skip, id.length - skip);
    return amazon->shard_count > 0 &&
           ht_slice_to_u64(digits, amazon->shard_count - 1, number) == 0 &&
           is_listed(amazon, &amazon->shards[*number]);
}

static void write_shard(struct ht_buffer *out, const struct amazon *amazon, unsigned number)
{
    const struct amazon_shard_state *shard = &amazon->shards[number];
    char id[32], sequence[64];
    format_id((int)number, id);
    format_sequence(shard->first_sequence, sequence);
    (void)ht_buffer_append_format(out,
                                  "{\"ShardId\":\"%s\",\"HashKeyRange\":{\"StartingHashKey\":"
                                  "\"%" PRIu64 "\",\"EndingHashKey\":\"%" PRIu64
                                  "\"},\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"%s\"",
                                  id, shard->first_hash, shard->last_hash, sequence);
    if (shard->is_closed) {
        format_sequence(shard->last_sequence, sequence);
        (void)ht_buffer_append_format(out, ",\"EndingSequenceNumber\":\"%s\"", sequence);
    }
    (void)ht_buffer_append_text(out, "}");
    if (shard->parent >= 0) {
        format_id(shard->parent, id);
        (void)ht_buffer_append_format(out, ",\"ParentShardId\":\"%s\"", id);
    }
    if (shard->adjacent_parent >= 0) {
        format_id(shard->adjacent_parent, id);
        (void)ht_buffer_append_format(out, ",\"AdjacentParentShardId\":\"%s\"", id);
    }
    (void)ht_buffer_append_text(out, "}");
}

static void list_shards(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct ht_slice token = amazon_member(request->body, "NextToken");
    unsigned first = 0, listed = 0;
    if (token.length > 0) {
        unsigned long long issued_ms = 0;
        char text[64];
        (void)snprintf(text, sizeof(text), "%.*s", (int)token.length, token.data);
        char *end = strchr(text, '-');
        uint64_t number = 0;
        HT_ASSERT(end != NULL);
        number = amazon_u64(ht_slice_make(text, (size_t)(end - text)), number);
        uint64_t issued = 0;
        issued = amazon_u64(ht_slice_text(end + 1), issued);
        issued_ms = issued;
        first = (unsigned)number;
        if (amazon_now_ms(amazon) - issued_ms > TOKEN_LIFE_MS ||
            ht_json_parts_find(request->body, "StreamName").length > 0) {
            amazon_refuse(reply, 400, "ExpiredNextTokenException", "The token has expired.");
            return;
        }
    } else if (!find_stream(amazon, request, reply)) {
        return;
    }
    (void)ht_buffer_append_text(&reply->body, "{\"Shards\":[");
    unsigned i = first;
    for (; i < amazon->shard_count && listed < PAGE_SHARDS; i++) {
        if (is_listed(amazon, &amazon->shards[i])) {
            (void)ht_buffer_append_text(&reply->body, listed++ > 0 ? "," : "");
            write_shard(&reply->body, amazon, i);
        }
    }
    (void)ht_buffer_append_text(&reply->body, "]");
    if (i < amazon->shard_count) {
        (void)ht_buffer_append_format(&reply->body, ",\"NextToken\":\"%u-%" PRIu64 "\"", i,
                                      amazon_now_ms(amazon));
    }
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void write_iterator(struct ht_buffer *out, const struct place *place)
{
    (void)ht_buffer_append_format(out, "\"I%04" PRIu64 "N%012" PRIu64 "T%016" PRIu64 "\"",
                                  place->shard, place->number, place->issued_ms);
}

static bool read_iterator(struct ht_slice text, struct place *place)
{
    return text.length == 35 && text.data[0] == 'I' &&
           ht_slice_to_u64(ht_slice_make(text.data + 1, 4), UINT64_MAX, &place->shard) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 6, 12), UINT64_MAX, &place->number) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 19, 16), UINT64_MAX, &place->issued_ms) == 0;
}

/* The first record whose number is `sequence` or more. */
static size_t find_record(const struct amazon_shard_state *shard, uint64_t sequence)
{
    size_t low = 0, high = shard->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shard->records[middle].sequence < sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool find_sequence(const struct amazon_request *request, const struct amazon *amazon,
                          struct place *place, bool is_after)
{
    const struct amazon_shard_state *shard = &amazon->shards[place->shard];
    struct ht_slice text = amazon_member(request->body, "StartingSequenceNumber");
    static const char head[] = SEQUENCE_HEAD;
    uint64_t sequence = 0;
    if (text.length != 56 || memcmp(text.data, head, 36) != 0 ||
        ht_slice_to_u64(ht_slice_make(text.data + 36, 20), UINT64_MAX, &sequence) != 0 ||
        sequence < shard->first_sequence || (shard->is_closed && sequence > shard->last_sequence)) {
        return false;
    }
    place->number = find_record(shard, sequence + is_after);
    return true;
}

static void get_shard_iterator(struct amazon *amazon, const struct amazon_request *request,
                               struct amazon_reply *reply)
{
    struct place place = {.issued_ms = amazon_now_ms(amazon)};
    struct ht_slice type = amazon_member(request->body, "ShardIteratorType");
    if (!find_stream(amazon, request, reply)) {
        return;
    }
    if (!find_shard(amazon, amazon_member(request->body, "ShardId"), &place.shard)) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Shard not found.");
        return;
    }
    const struct amazon_shard_state *shard = &amazon->shards[place.shard];
    bool is_at = ht_slice_equal(type, HT_SLICE("AT_SEQUENCE_NUMBER"));
    if (is_at || ht_slice_equal(type, HT_SLICE("AFTER_SEQUENCE_NUMBER"))) {
        if (!find_sequence(request, amazon, &place, !is_at)) {
            amazon_refuse(reply, 400, "InvalidArgumentException",
                          "StartingSequenceNumber is not of this shard.");
            return;
        }
    } else if (ht_slice_equal(type, HT_SLICE("LATEST"))) {
        place.number = shard->count;
    } else if (ht_slice_equal(type, HT_SLICE("AT_TIMESTAMP"))) {
        uint64_t seconds = 0;
        struct ht_slice text = amazon_member(request->body, "Timestamp");
        size_t whole = 0;
        while (whole < text.length && text.data[whole] != '.') {
            whole++;
        }
        seconds = amazon_u64(ht_slice_make(text.data, whole), seconds);
        while (place.number < shard->count &&
               shard->records[place.number].arrival_ms < (int64_t)seconds * 1000) {
            place.number++;
        }
    } else if (!ht_slice_equal(type, HT_SLICE("TRIM_HORIZON"))) {
        amazon_refuse(reply, 400, "InvalidArgumentException", "No such ShardIteratorType.");
        return;
    }
    (void)ht_buffer_append_text(&reply->body, "{\"ShardIterator\":");
    write_iterator(&reply->body, &place);
    (void)ht_buffer_append_text(&reply->body, "}");
}

/* Five calls a second and shard. */
static bool is_too_often(struct amazon *amazon, struct amazon_shard_state *shard)
{
    uint64_t now_ms = amazon_now_ms(amazon);
    uint64_t *oldest_ms = &shard->calls_ms[shard->call_at % CALLS_A_SECOND];
    if (*oldest_ms != 0 && now_ms - *oldest_ms < 1000) {
        return true;
    }
    *oldest_ms = now_ms;
    shard->call_at++;
    return false;
}

static void write_record(struct ht_buffer *out, const struct amazon_stored *record)
{
    char sequence[64];
    format_sequence(record->sequence, sequence);
    (void)ht_buffer_append_format(out,
                                  "{\"SequenceNumber\":\"%s\",\"ApproximateArrivalTimestamp\":"
                                  "%" PRId64 ".%03d,\"Data\":\"",
                                  sequence, record->arrival_ms / 1000,
                                  (int)(record->arrival_ms % 1000));
    (void)ht_base64_append(out, ht_slice_make(record->data, record->data_bytes));
    (void)ht_buffer_append_text(out, "\",\"PartitionKey\":");
    ht_json_append_string(out, ht_slice_make(record->key, record->key_bytes));
    (void)ht_buffer_append_text(out, "}");
}

static void write_children(struct ht_buffer *out, const struct amazon *amazon, unsigned number)
{
    const struct amazon_shard_state *shard = &amazon->shards[number];
    char id[32];
    (void)ht_buffer_append_text(out, ",\"ChildShards\":[");
    for (size_t i = 0; i < 2 && shard->children[i] >= 0; i++) {
        const struct amazon_shard_state *child = &amazon->shards[shard->children[i]];
        format_id(shard->children[i], id);
        (void)ht_buffer_append_format(out, "%s{\"ShardId\":\"%s\",\"ParentShards\":[",
                                      i > 0 ? "," : "", id);
        format_id(child->parent, id);
        (void)ht_buffer_append_format(out, "\"%s\"", id);
        if (child->adjacent_parent >= 0) {
            format_id(child->adjacent_parent, id);
            (void)ht_buffer_append_format(out, ",\"%s\"", id);
        }
        (void)ht_buffer_append_text(out, "]}");
    }
    (void)ht_buffer_append_text(out, "]");
}

static void write_page(struct amazon *amazon, const struct amazon_request *request,
                       struct amazon_reply *reply, struct place *place)
{
    const struct amazon_shard_state *shard = &amazon->shards[place->shard];
    uint64_t limit = 10000;
    size_t bytes = 0;
    limit = amazon_u64(amazon_member(request->body, "Limit"), limit);
    if (request->fault == AMAZON_EMPTY_PAGE) {
        limit = 0;
        amazon_strike(amazon, AMAZON_EMPTY_PAGE);
    }
    size_t at = place->number < shard->trimmed ? shard->trimmed : place->number, first = at;
    (void)ht_buffer_append_text(&reply->body, "{\"Records\":[");
    for (; at < shard->count && at - first < limit && bytes < ANSWER_DATA_BYTES; at++) {
        (void)ht_buffer_append_text(&reply->body, at > first ? "," : "");
        write_record(&reply->body, &shard->records[at]);
        bytes += shard->records[at].data_bytes;
    }
    int64_t behind_ms =
        at < shard->count ? amazon_wall_ms(amazon) - shard->records[at].arrival_ms : 0;
    (void)ht_buffer_append_format(&reply->body, "],\"MillisBehindLatest\":%" PRId64, behind_ms);
    if (at == shard->count && shard->is_closed) {
        write_children(&reply->body, amazon, (unsigned)place->shard);
        (void)ht_buffer_append_text(&reply->body, ",\"NextShardIterator\":null}");
        return;
    }
    struct place next = {place->shard, at, amazon_now_ms(amazon)};
    (void)ht_buffer_append_text(&reply->body, ",\"NextShardIterator\":");
    write_iterator(&reply->body, &next);
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void get_records(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct place place;
    if (!read_iterator(amazon_member(request->body, "ShardIterator"), &place) ||
        place.shard >= amazon->shard_count) {
        amazon_refuse(reply, 400, "InvalidArgumentException", "Invalid ShardIterator.");
        return;
    }
    if (request->fault == AMAZON_EXPIRED_ITERATOR) {
        amazon_strike(amazon, AMAZON_EXPIRED_ITERATOR);
    }
    if (request->fault == AMAZON_EXPIRED_ITERATOR ||
        amazon_now_ms(amazon) - place.issued_ms > ITERATOR_LIFE_MS) {
        amazon_refuse(reply, 400, "ExpiredIteratorException", "Iterator expired.");
        return;
    }
    if (is_too_often(amazon, &amazon->shards[place.shard])) {
        amazon_strike(amazon, AMAZON_THROTTLED);
        amazon_refuse(reply, 400, "ProvisionedThroughputExceededException",
                      "Rate exceeded for shard.");
        return;
    }
    write_page(amazon, request, reply, &place);
}

static bool put_one(struct amazon *amazon, struct ht_slice entry, struct ht_buffer *out)
{
    struct ht_slice data = amazon_member(entry, "Data");
    struct ht_slice key = amazon_member(entry, "PartitionKey");
    char *bytes = malloc(ht_base64_decoded_max(data.length) + 1);
    char id[32], sequence[64];
    size_t length = 0;
    HT_ASSERT(bytes != NULL);
    bool is_good = key.length > 0 && ht_base64_decode(data, bytes, &length) == 0;
    if (is_good) {
        unsigned shard = amazon_put(amazon, key, ht_slice_make(bytes, length));
        format_id((int)shard, id);
        format_sequence(amazon->last_sequence, sequence);
        (void)ht_buffer_append_format(out, "{\"SequenceNumber\":\"%s\",\"ShardId\":\"%s\"}",
                                      sequence, id);
    }
    free(bytes);
    return is_good;
}

/* In a partial failure each record has the same chance, and at least one fails. */
static void put_records(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct ht_slice records = ht_json_parts_find(request->body, "Records"), entry;
    bool is_partial = request->fault == AMAZON_PARTIAL;
    uint64_t share = 1 + amazon_below(amazon, 4);
    unsigned failed = 0, count = 0;
    if (!find_stream(amazon, request, reply)) {
        return;
    }
    (void)ht_buffer_append_text(&reply->body, "{\"Records\":[");
    struct ht_json_parts parts = ht_json_parts(records);
    while (ht_json_parts_next(&parts, NULL, &entry)) {
        (void)ht_buffer_append_text(&reply->body, count++ > 0 ? "," : "");
        if (is_partial && (count == 1 ? share > 2 : amazon_below(amazon, share + 1) == 0)) {
            failed++;
            (void)ht_buffer_append_text(
                &reply->body,
                amazon_below(amazon, 2) == 0
                    ? "{\"ErrorCode\":\"ProvisionedThroughputExceededException\","
                      "\"ErrorMessage\":\"Rate exceeded\"}"
                    : "{\"ErrorCode\":\"InternalFailure\",\"ErrorMessage\":\"again\"}");
        } else if (!put_one(amazon, entry, &reply->body)) {
            amazon_refuse(reply, 400, "SerializationException", "Not base64.");
            return;
        }
    }
    if (failed > 0) {
        amazon_strike(amazon, AMAZON_PARTIAL);
    }
    (void)ht_buffer_append_format(&reply->body, "],\"FailedRecordCount\":%u}", failed);
}

const struct amazon_operation amazon_kinesis_operations[4] = {
    {"Kinesis_20131202.GetRecords", AMAZON_KINESIS, "ProvisionedThroughputExceededException", false,
     get_records},
    {"Kinesis_20131202.PutRecords", AMAZON_KINESIS, "ProvisionedThroughputExceededException", true,
     put_records},
    {"Kinesis_20131202.GetShardIterator", AMAZON_KINESIS, "ProvisionedThroughputExceededException",
     false, get_shard_iterator},
    {"Kinesis_20131202.ListShards", AMAZON_KINESIS, "LimitExceededException", false, list_shards},
};
