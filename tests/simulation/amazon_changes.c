// SPDX-License-Identifier: MIT
#include "amazon_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table's change stream. Each shard has a range of the keys' hashes, and passes it on to one child
 * or to two. A child is listed a moment after its parent was closed. */

#define SEQUENCE_HEAD "1000"

enum {
    ITERATOR_LIFE_MS = 15 * 60 * 1000,
    APPEARS_MOST_MS = 400,
    CHILD_HIDDEN_MOST_MS = 3000,
    FIRST_SHARDS = 2,
    PAGE_SHARDS = 5,
    ANSWER_BYTES = 1024 * 1024,
};

struct place {
    uint64_t table, shard, number, issued_ms;
};

static unsigned open_shard(struct amazon *amazon, struct amazon_table *table, int parent,
                           uint32_t first, uint32_t last)
{
    HT_ASSERT(table->shard_count < AMAZON_SHARDS_MAX);
    uint64_t now_ms = amazon_now_ms(amazon);
    table->shards[table->shard_count] = (struct amazon_change_shard){
        .parent = parent,
        .first_hash = first,
        .last_hash = last,
        .opened_ms = now_ms - (parent < 0 ? 0 : amazon_below(amazon, 60000)),
        .visible_ms = now_ms + (parent < 0 ? 0 : amazon_below(amazon, CHILD_HIDDEN_MOST_MS)),
        .first_sequence = amazon_next_sequence(amazon)};
    return table->shard_count++;
}

void amazon_changes_create(struct amazon *amazon, struct amazon_table *table)
{
    uint32_t step = UINT32_MAX / FIRST_SHARDS;
    table->has_stream = true;
    for (uint32_t i = 0; i < FIRST_SHARDS; i++) {
        bool is_last = i + 1 == FIRST_SHARDS;
        (void)open_shard(amazon, table, -1, i * step, is_last ? UINT32_MAX : (i + 1) * step - 1);
    }
}

void amazon_changes_finish(struct amazon_table *table)
{
    for (unsigned i = 0; i < table->shard_count; i++) {
        for (size_t k = 0; k < table->shards[i].count; k++) {
            free(table->shards[i].changes[k].json);
        }
        free(table->shards[i].changes);
    }
    for (size_t i = 0; i < table->gone_count; i++) {
        free(table->gone[i].key);
    }
    free(table->gone);
}

static unsigned shard_of(const struct amazon_table *table, struct ht_slice key)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * 16777619u;
    }
    for (unsigned i = 0; i < table->shard_count; i++) {
        const struct amazon_change_shard *shard = &table->shards[i];
        if (!shard->is_closed && hash >= shard->first_hash && hash <= shard->last_hash) {
            return i;
        }
    }
    HT_UNREACHABLE();
}

static void format_sequence(uint64_t sequence, char text[32])
{
    (void)snprintf(text, 32, SEQUENCE_HEAD "%020" PRIu64, sequence);
}

static void format_event_id(uint64_t sequence, char text[40])
{
    (void)snprintf(text, 40, "%032" PRIx64, sequence * 0x9e3779b97f4a7c15u);
}

static uint64_t number_in(const char *image, const char *name)
{
    uint64_t number = 0;
    struct ht_slice text = amazon_member(ht_json_parts_find(ht_slice_text(image), name), "N");
    return ht_slice_to_u64(text, UINT64_MAX, &number) == 0 ? number : 0;
}

static void note_removal(struct amazon_table *table, struct ht_slice key, const char *old_image,
                         bool is_ttl, unsigned shard)
{
    struct amazon_change_shard *in = &table->shards[shard];
    table->gone =
        amazon_grow(table->gone, table->gone_count, &table->gone_capacity, sizeof(*table->gone));
    struct amazon_gone *gone = &table->gone[table->gone_count++];
    *gone = (struct amazon_gone){
        .key = amazon_copy(key), .is_ttl = is_ttl, .shard = shard, .number = in->count - 1};
    format_event_id(in->changes[in->count - 1].sequence, gone->event_id);
    gone->count = number_in(old_image, "htCount");
    gone->first_seen_s = number_in(old_image, "firstSeen");
    gone->last_seen_s = number_in(old_image, "lastSeen");
}

/* The record as the API gives it. The time is in whole seconds, as the service has it. */
static char *make_record(const struct amazon_table *table, const struct amazon_change *change,
                         struct ht_slice key, const char *const images[2], bool is_ttl)
{
    struct ht_buffer out;
    char sequence[32], event_id[40];
    const char *event = images[0] == NULL ? "INSERT" : images[1] == NULL ? "REMOVE" : "MODIFY";
    format_sequence(change->sequence, sequence);
    format_event_id(change->sequence, event_id);
    ht_buffer_init(&out, AMAZON_ANSWER_BYTES);
    (void)ht_buffer_append_format(
        &out,
        "{\"eventID\":\"%s\",\"eventName\":\"%s\",\"eventVersion\":\"1.1\",\"eventSource\":"
        "\"aws:dynamodb\",\"awsRegion\":\"eu-west-1\",\"dynamodb\":{\"ApproximateCreationDateTime\""
        ":%" PRId64 ",\"Keys\":{\"%s\":{\"S\":\"%.*s\"}},",
        event_id, event, change->created_ms / 1000, table->key_name, (int)key.length, key.data);
    if (images[1] != NULL) {
        (void)ht_buffer_append_format(&out, "\"NewImage\":%s,", images[1]);
    }
    if (images[0] != NULL) {
        (void)ht_buffer_append_format(&out, "\"OldImage\":%s,", images[0]);
    }
    (void)ht_buffer_append_format(&out,
                                  "\"SequenceNumber\":\"%s\",\"SizeBytes\":100,"
                                  "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}%s}",
                                  sequence,
                                  is_ttl ? ",\"userIdentity\":{\"PrincipalId\":"
                                           "\"dynamodb.amazonaws.com\",\"Type\":\"Service\"}"
                                         : "");
    return ht_buffer_take(&out);
}

void amazon_note_change(struct amazon *amazon, struct amazon_table *table, struct ht_slice key,
                        const char *old_image, const char *new_image, bool is_ttl)
{
    if (old_image != NULL && new_image != NULL && strcmp(old_image, new_image) == 0) {
        return; /* no change, no record */
    }
    unsigned number = shard_of(table, key);
    struct amazon_change_shard *shard = &table->shards[number];
    shard->changes =
        amazon_grow(shard->changes, shard->count, &shard->capacity, sizeof(*shard->changes));
    struct amazon_change *change = &shard->changes[shard->count++];
    uint64_t appears_ms = amazon_now_ms(amazon) + amazon_below(amazon, APPEARS_MOST_MS);
    table->last_visible_ms =
        appears_ms > table->last_visible_ms ? appears_ms : table->last_visible_ms;
    *change = (struct amazon_change){.sequence = amazon_next_sequence(amazon),
                                     .visible_ms = table->last_visible_ms,
                                     .created_ms = amazon_wall_ms(amazon)};
    const char *const images[] = {old_image, new_image};
    change->json = make_record(table, change, key, images, is_ttl);
    if (new_image == NULL) {
        note_removal(table, key, old_image, is_ttl, number);
    }
}

/* --- its life --- */

static void close_shard(struct amazon *amazon, struct amazon_table *table, unsigned number,
                        bool splits)
{
    struct amazon_change_shard *shard = &table->shards[number];
    if (table->shard_count + 2 > AMAZON_SHARDS_MAX) {
        return;
    }
    shard->is_closed = true;
    shard->closed_ms = amazon_now_ms(amazon);
    shard->last_sequence = amazon_next_sequence(amazon);
    uint32_t first = shard->first_hash, last = shard->last_hash;
    if (splits && last - first > 16) {
        uint32_t middle = first + (last - first) / 2;
        (void)open_shard(amazon, table, (int)number, first, middle);
        (void)open_shard(amazon, table, (int)number, middle + 1, last);
    } else {
        (void)open_shard(amazon, table, (int)number, first, last);
    }
}

void amazon_roll_over(struct amazon *amazon, const char *name, bool splits)
{
    struct amazon_table *table = amazon_find_table(amazon, ht_slice_text(name));
    unsigned count = table->shard_count;
    for (unsigned i = 0; i < count; i++) {
        if (!table->shards[i].is_closed) {
            close_shard(amazon, table, i, splits);
        }
    }
}

static void trim_one(struct amazon_change_shard *shard)
{
    struct amazon_change *change = &shard->changes[shard->trimmed++];
    free(change->json);
    change->json = NULL;
}

void amazon_trim_changes(struct amazon *amazon, const char *name, size_t keep)
{
    struct amazon_table *table = amazon_find_table(amazon, ht_slice_text(name));
    for (unsigned i = 0; i < table->shard_count; i++) {
        while (table->shards[i].count - table->shards[i].trimmed > keep) {
            trim_one(&table->shards[i]);
        }
    }
}

void amazon_changes_keep_house(struct amazon *amazon, struct amazon_table *table)
{
    uint64_t now_ms = amazon_now_ms(amazon);
    int64_t oldest_ms = amazon_wall_ms(amazon) - (int64_t)amazon->options.change_ms;
    unsigned count = table->shard_count;
    for (unsigned i = 0; i < count; i++) {
        struct amazon_change_shard *shard = &table->shards[i];
        while (shard->trimmed < shard->count &&
               shard->changes[shard->trimmed].created_ms < oldest_ms) {
            trim_one(shard);
        }
        if (!shard->is_closed && now_ms - shard->opened_ms > amazon->options.rollover_ms) {
            close_shard(amazon, table, i, amazon_below(amazon, 10) == 0 && table->shard_count < 64);
        }
    }
}

size_t amazon_removal_count(const struct amazon *amazon, const char *table)
{
    return amazon_find_table(amazon, ht_slice_text(table))->gone_count;
}

void amazon_removal(const struct amazon *amazon, const char *name, size_t number,
                    struct amazon_removal *removal)
{
    const struct amazon_table *table = amazon_find_table(amazon, ht_slice_text(name));
    const struct amazon_gone *gone = &table->gone[number];
    *removal = (struct amazon_removal){
        .key = gone->key,
        .event_id = gone->event_id,
        .count = gone->count,
        .first_seen_s = gone->first_seen_s,
        .last_seen_s = gone->last_seen_s,
        .deleted_at_s = table->shards[gone->shard].changes[gone->number].created_ms / 1000,
        .shard = gone->shard,
        .is_ttl = gone->is_ttl,
        .is_trimmed = gone->number < table->shards[gone->shard].trimmed};
    format_sequence(table->shards[gone->shard].changes[gone->number].sequence,
                    removal->sequence_number);
}

void amazon_change_shard_id(unsigned shard, char id[48])
{
    (void)snprintf(id, 48, "shardId-%020u-%08x", 1000 + shard, shard * 2654435761u);
}

/* --- what the API says --- */

static bool is_listed(const struct amazon *amazon, const struct amazon_change_shard *shard)
{
    uint64_t now_ms = amazon_now_ms(amazon);
    bool is_over = shard->is_closed && shard->trimmed == shard->count &&
                   now_ms - shard->closed_ms > amazon->options.change_ms;
    return now_ms >= shard->visible_ms && !is_over;
}

static struct amazon_table *table_of(const struct amazon *amazon,
                                     const struct amazon_request *request,
                                     struct amazon_reply *reply)
{
    struct ht_slice arn = amazon_member(request->body, "StreamArn");
    for (unsigned i = 0; i < amazon->table_count; i++) {
        char own[160];
        (void)snprintf(own, sizeof(own),
                       "arn:aws:dynamodb:eu-west-1:111122223333:table/%s/stream/1",
                       amazon->tables[i]->name);
        if (amazon->tables[i]->has_stream && ht_slice_equal(arn, ht_slice_text(own))) {
            return amazon->tables[i];
        }
    }
    amazon_refuse(reply, 400, "ResourceNotFoundException", "Stream not found");
    return NULL;
}

static bool find_shard(const struct amazon *amazon, const struct amazon_table *table,
                       struct ht_slice text, uint64_t *number)
{
    char id[48];
    for (unsigned i = 0; i < table->shard_count; i++) {
        amazon_change_shard_id(i, id);
        if (ht_slice_equal(text, ht_slice_text(id))) {
            *number = i;
            return is_listed(amazon, &table->shards[i]);
        }
    }
    return false;
}

static void write_shard(struct ht_buffer *out, const struct amazon_table *table, unsigned number)
{
    const struct amazon_change_shard *shard = &table->shards[number];
    char id[48], sequence[32];
    amazon_change_shard_id(number, id);
    format_sequence(shard->first_sequence, sequence);
    (void)ht_buffer_append_format(
        out, "{\"ShardId\":\"%s\",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"%s\"", id,
        sequence);
    if (shard->is_closed) {
        format_sequence(shard->last_sequence, sequence);
        (void)ht_buffer_append_format(out, ",\"EndingSequenceNumber\":\"%s\"", sequence);
    }
    (void)ht_buffer_append_text(out, "}");
    if (shard->parent >= 0) {
        amazon_change_shard_id((unsigned)shard->parent, id);
        (void)ht_buffer_append_format(out, ",\"ParentShardId\":\"%s\"", id);
    }
    (void)ht_buffer_append_text(out, "}");
}

/* Where a listing begins: behind the named shard; false where that is gone. */
static bool begin_listing(const struct amazon *amazon, const struct amazon_table *table,
                          const struct amazon_request *request, uint64_t *first)
{
    struct ht_slice start = amazon_member(request->body, "ExclusiveStartShardId");
    if (start.length > 0) {
        if (!find_shard(amazon, table, start, first)) {
            return false;
        }
        ++*first;
    }
    return true;
}

static void describe_stream(struct amazon *amazon, const struct amazon_request *request,
                            struct amazon_reply *reply)
{
    struct amazon_table *table = table_of(amazon, request, reply);
    struct ht_slice filter = ht_json_parts_find(request->body, "ShardFilter");
    uint64_t first = 0, parent = 0, listed = 0;
    char last[48] = "";
    if (table == NULL) {
        return;
    }
    if (!begin_listing(amazon, table, request, &first) ||
        (filter.length > 0 &&
         !find_shard(amazon, table, amazon_member(filter, "ShardId"), &parent))) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Shard not found");
        return;
    }
    (void)ht_buffer_append_text(&reply->body,
                                "{\"StreamDescription\":{\"StreamStatus\":\"ENABLED\","
                                "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\",\"Shards\":[");
    unsigned i = (unsigned)first;
    for (; i < table->shard_count && listed < PAGE_SHARDS; i++) {
        bool is_wanted = filter.length == 0 || table->shards[i].parent == (int)parent;
        if (is_wanted && is_listed(amazon, &table->shards[i])) {
            (void)ht_buffer_append_text(&reply->body, listed++ > 0 ? "," : "");
            write_shard(&reply->body, table, i);
            amazon_change_shard_id(i, last);
        }
    }
    (void)ht_buffer_append_text(&reply->body, "]");
    if (i < table->shard_count && filter.length == 0) {
        (void)ht_buffer_append_format(&reply->body, ",\"LastEvaluatedShardId\":\"%s\"", last);
    }
    (void)ht_buffer_append_text(&reply->body, "}}");
}

static void write_iterator(struct ht_buffer *out, const struct place *place)
{
    (void)ht_buffer_append_format(out,
                                  "\"S%01" PRIu64 "I%04" PRIu64 "N%012" PRIu64 "T%016" PRIu64 "\"",
                                  place->table, place->shard, place->number, place->issued_ms);
}

static bool read_iterator(struct ht_slice text, struct place *place)
{
    return text.length == 37 && text.data[0] == 'S' &&
           ht_slice_to_u64(ht_slice_make(text.data + 1, 1), UINT64_MAX, &place->table) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 3, 4), UINT64_MAX, &place->shard) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 8, 12), UINT64_MAX, &place->number) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 21, 16), UINT64_MAX, &place->issued_ms) == 0;
}

static bool read_sequence(struct ht_slice text, uint64_t *sequence)
{
    return text.length == 24 && memcmp(text.data, SEQUENCE_HEAD, 4) == 0 &&
           ht_slice_to_u64(ht_slice_make(text.data + 4, 20), UINT64_MAX, sequence) == 0;
}

/* Finds the place of a sequence number; false where it is out of what is kept. */
static bool find_place(const struct amazon_change_shard *shard, uint64_t sequence, bool is_after,
                       uint64_t *number)
{
    size_t at = 0;
    while (at < shard->count && shard->changes[at].sequence < sequence + is_after) {
        at++;
    }
    *number = at;
    return at >= shard->trimmed;
}

static void get_shard_iterator(struct amazon *amazon, const struct amazon_request *request,
                               struct amazon_reply *reply)
{
    struct amazon_table *table = table_of(amazon, request, reply);
    struct place place = {.issued_ms = amazon_now_ms(amazon)};
    struct ht_slice type = amazon_member(request->body, "ShardIteratorType");
    uint64_t sequence = 0;
    if (table == NULL) {
        return;
    }
    if (!find_shard(amazon, table, amazon_member(request->body, "ShardId"), &place.shard)) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Shard not found");
        return;
    }
    while (amazon->tables[place.table] != table) {
        place.table++;
    }
    const struct amazon_change_shard *shard = &table->shards[place.shard];
    bool is_at = ht_slice_equal(type, HT_SLICE("AT_SEQUENCE_NUMBER"));
    if (is_at || ht_slice_equal(type, HT_SLICE("AFTER_SEQUENCE_NUMBER"))) {
        if (!read_sequence(amazon_member(request->body, "SequenceNumber"), &sequence)) {
            amazon_refuse(reply, 400, "ValidationException", "Invalid SequenceNumber");
            return;
        }
        if (!find_place(shard, sequence, !is_at, &place.number)) {
            amazon_refuse(reply, 400, "TrimmedDataAccessException",
                          "The operation attempted to read past the oldest stream record");
            return;
        }
    } else if (ht_slice_equal(type, HT_SLICE("LATEST"))) {
        place.number = shard->count;
    } else if (ht_slice_equal(type, HT_SLICE("TRIM_HORIZON"))) {
        place.number = shard->trimmed;
    } else {
        amazon_refuse(reply, 400, "ValidationException", "No such ShardIteratorType");
        return;
    }
    (void)ht_buffer_append_text(&reply->body, "{\"ShardIterator\":");
    write_iterator(&reply->body, &place);
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void write_page(struct amazon *amazon, const struct amazon_request *request,
                       struct amazon_reply *reply, const struct place *place)
{
    const struct amazon_change_shard *shard = &amazon->tables[place->table]->shards[place->shard];
    uint64_t limit = 1000, now_ms = amazon_now_ms(amazon);
    limit = amazon_u64(amazon_member(request->body, "Limit"), limit);
    if (request->fault == AMAZON_EMPTY_PAGE) {
        limit = 0;
        amazon_strike(amazon, AMAZON_EMPTY_PAGE);
    }
    size_t at = place->number;
    (void)ht_buffer_append_text(&reply->body, "{\"Records\":[");
    while (at < shard->count && at - place->number < limit && reply->body.length < ANSWER_BYTES &&
           shard->changes[at].visible_ms <= now_ms) {
        (void)ht_buffer_append_text(&reply->body, at > place->number ? "," : "");
        (void)ht_buffer_append_text(&reply->body, shard->changes[at++].json);
    }
    (void)ht_buffer_append_text(&reply->body, "]");
    if (at < shard->count || !shard->is_closed) {
        struct place next = {place->table, place->shard, at, now_ms};
        (void)ht_buffer_append_text(&reply->body, ",\"NextShardIterator\":");
        write_iterator(&reply->body, &next);
    }
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void get_records(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct place place;
    if (!read_iterator(amazon_member(request->body, "ShardIterator"), &place) ||
        place.table >= amazon->table_count ||
        place.shard >= amazon->tables[place.table]->shard_count) {
        amazon_refuse(reply, 400, "ValidationException", "Invalid ShardIterator");
        return;
    }
    const struct amazon_change_shard *shard = &amazon->tables[place.table]->shards[place.shard];
    if (!is_listed(amazon, shard)) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Shard not found");
        return;
    }
    if (request->fault == AMAZON_EXPIRED_ITERATOR) {
        amazon_strike(amazon, AMAZON_EXPIRED_ITERATOR);
    }
    if (request->fault == AMAZON_EXPIRED_ITERATOR ||
        amazon_now_ms(amazon) - place.issued_ms > ITERATOR_LIFE_MS) {
        amazon_refuse(reply, 400, "ExpiredIteratorException", "Iterator expired");
        return;
    }
    if (place.number < shard->trimmed) {
        amazon_refuse(reply, 400, "TrimmedDataAccessException",
                      "The operation attempted to read past the oldest stream record");
        return;
    }
    write_page(amazon, request, reply, &place);
}

static void list_streams(struct amazon *amazon, const struct amazon_request *request,
                         struct amazon_reply *reply)
{
    struct amazon_table *table =
        amazon_find_table(amazon, amazon_member(request->body, "TableName"));
    (void)ht_buffer_append_text(&reply->body, "{\"Streams\":[");
    if (table != NULL && table->has_stream) {
        (void)ht_buffer_append_format(
            &reply->body,
            "{\"StreamArn\":\"arn:aws:dynamodb:eu-west-1:111122223333:table/%s/stream/1\","
            "\"TableName\":\"%s\",\"StreamLabel\":\"1\"}",
            table->name, table->name);
    }
    (void)ht_buffer_append_text(&reply->body, "]}");
}

const struct amazon_operation amazon_streams_operations[4] = {
    {"DynamoDBStreams_20120810.GetRecords", AMAZON_STREAMS, "LimitExceededException", false,
     get_records},
    {"DynamoDBStreams_20120810.GetShardIterator", AMAZON_STREAMS, "ThrottlingException", false,
     get_shard_iterator},
    {"DynamoDBStreams_20120810.DescribeStream", AMAZON_STREAMS, "LimitExceededException", false,
     describe_stream},
    {"DynamoDBStreams_20120810.ListStreams", AMAZON_STREAMS, "ThrottlingException", false,
     list_streams},
};
