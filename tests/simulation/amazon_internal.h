// SPDX-License-Identifier: MIT
#pragma once

/** What the simulated Amazon is made of. Services get a request whose sender may do what it asks, and
 * fill the reply; the wire does the rest. */

#include "amazon.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/json/parts.h"

enum {
    AMAZON_ANSWER_BYTES = 64 * 1024 * 1024,
    AMAZON_NAME_BYTES = 64,
    AMAZON_SHARDS_MAX = 512,
    AMAZON_TABLES_MAX = 8,
    AMAZON_KEYS_MAX = 4096,
};

enum amazon_service {
    AMAZON_KINESIS,
    AMAZON_DYNAMODB,
    AMAZON_STREAMS,
    AMAZON_FIREHOSE,
    AMAZON_S3,
    AMAZON_CONTAINER,
};

struct amazon_operation;

/** What came. The slices live until the handler returns. */
struct amazon_request {
    const struct amazon_operation *operation;
    struct ht_slice method, url, body;
    const struct ht_http_header *headers;
    size_t header_count;
    enum amazon_fault fault; /**< AMAZON_FAULTS: none; partial, stale, empty: up to the service */
};

/** What is answered: 200 with `body`, unless told otherwise. */
struct amazon_reply {
    int status;
    struct ht_buffer body;
    char etag[48];
};

struct amazon_operation {
    const char *target; /**< X-Amz-Target; NULL: no JSON service */
    enum amazon_service service;
    const char *throttle; /**< the error that it throttles with */
    bool is_write;
    void (*serve)(struct amazon *amazon, const struct amazon_request *request,
                  struct amazon_reply *reply);
};

/* --- Kinesis --- */

struct amazon_stored {
    char *data, *key; /**< owned, one piece of memory; NULL: trimmed */
    uint32_t data_bytes, key_bytes;
    uint64_t sequence;
    int64_t arrival_ms;
};

struct amazon_shard_state {
    int parent, adjacent_parent; /**< numbers; -1: none */
    int children[2];
    uint64_t first_hash, last_hash; /**< the upper half of the hash keys; both are in */
    bool is_closed;
    int64_t closed_ms;
    uint64_t first_sequence, last_sequence; /**< of the shard's life */
    struct amazon_stored *records;
    size_t count, capacity, trimmed;
    uint64_t calls_ms[5]; /**< when the last ones were, monotonic */
    unsigned call_at;
};

/* --- DynamoDB --- */

struct amazon_attribute_state {
    char name[AMAZON_NAME_BYTES];
    char *value; /**< owned: JSON */
};

struct amazon_item {
    char *key; /**< owned: the text of the key, as JSON writes it */
    struct amazon_attribute_state *attributes;
    size_t count, capacity;
    struct amazon_item *next;
    char *before; /**< owned: its image before the last write; NULL: it was not there */
    uint64_t before_ms, changed_ms; /**< when that image was written, and the last one */
};

struct amazon_change {
    uint64_t sequence;
    char *json; /**< owned: the record; NULL: trimmed */
    uint64_t visible_ms;
    int64_t created_ms;
};

struct amazon_change_shard {
    int parent;
    uint32_t first_hash, last_hash; /**< of keys; both are in */
    bool is_closed;
    uint64_t opened_ms, closed_ms, visible_ms; /**< monotonic; from when on it is listed */
    uint64_t first_sequence, last_sequence;
    struct amazon_change *changes;
    size_t count, capacity, trimmed;
};

struct amazon_gone {
    char *key;
    char event_id[40];
    uint64_t count, first_seen_s, last_seen_s;
    bool is_ttl;
    unsigned shard;
    size_t number; /**< in its shard */
};

struct amazon_table {
    char name[AMAZON_NAME_BYTES], key_name[AMAZON_NAME_BYTES], ttl[AMAZON_NAME_BYTES];
    bool has_stream;
    struct amazon_item **buckets;
    size_t bucket_count, item_count;
    struct amazon_change_shard shards[AMAZON_SHARDS_MAX];
    unsigned shard_count;
    uint64_t last_visible_ms;
    struct amazon_gone *gone;
    size_t gone_count, gone_capacity;
};

/* --- all --- */

struct amazon_line_state {
    char *bytes;
    size_t length;
};

struct amazon_object {
    char *key;
    struct amazon_object *next;
};

struct amazon_wire;

struct amazon {
    struct amazon_options options;
    struct amazon_rates rates;
    double rate_sum;
    unsigned outages; /**< enum amazon_out */
    uint64_t latency_least_ms, latency_most_ms, slow_ms, late_ms;
    bool is_refusing;
    uint64_t struck[AMAZON_FAULTS];
    uint64_t requests;
    struct amazon_wire *wires;
    size_t wire_count;
    int64_t keys_expire_ms[AMAZON_KEYS_MAX]; /**< wall */
    unsigned key_count;
    uint64_t last_sequence;
    struct ht_timer housekeeping;
    /* Kinesis */
    char stream_name[AMAZON_NAME_BYTES];
    struct amazon_shard_state shards[AMAZON_SHARDS_MAX];
    unsigned shard_count;
    /* DynamoDB */
    struct amazon_table *tables[AMAZON_TABLES_MAX];
    unsigned table_count;
    /* Firehose, S3 */
    char delivery_name[AMAZON_NAME_BYTES], bucket_name[AMAZON_NAME_BYTES];
    struct amazon_line_state *lines;
    size_t line_count, line_capacity;
    struct amazon_object *objects;
};

uint64_t amazon_now_ms(const struct amazon *amazon);
int64_t amazon_wall_ms(const struct amazon *amazon);
uint64_t amazon_below(struct amazon *amazon, uint64_t bound);
/** The next number of the one sequence that all records share; it has gaps. */
uint64_t amazon_next_sequence(struct amazon *amazon);

/** Memory or the end. */
void *amazon_allocate(size_t bytes);
/** A larger array; `*capacity` in elements of `size`. */
void *amazon_grow(void *array, size_t count, size_t *capacity, size_t size);
char *amazon_copy(struct ht_slice text);

/** Answers an error of a JSON service. */
void amazon_refuse(struct amazon_reply *reply, int status, const char *code, const char *message);

/** Counts a fault that a service carried out. */
void amazon_strike(struct amazon *amazon, enum amazon_fault fault);

/* The member of a JSON object: its text without quotes where it is a string, else as it is; empty
 * where there is none. */
struct ht_slice amazon_member(struct ht_slice object, const char *name);

/** A decimal number; `usual` where it is none. */
uint64_t amazon_u64(struct ht_slice text, uint64_t usual);

extern const struct amazon_operation amazon_kinesis_operations[4];
extern const struct amazon_operation amazon_dynamodb_operations[6];
extern const struct amazon_operation amazon_streams_operations[4];
extern const struct amazon_operation amazon_firehose_operations[1];
extern const struct amazon_operation amazon_put_object, amazon_container;

void amazon_kinesis_finish(struct amazon *amazon);
void amazon_kinesis_keep_house(struct amazon *amazon);
void amazon_dynamodb_finish(struct amazon *amazon);
void amazon_dynamodb_keep_house(struct amazon *amazon);
void amazon_delivery_finish(struct amazon *amazon);

struct amazon_table *amazon_find_table(const struct amazon *amazon, struct ht_slice name);
struct amazon_item *amazon_find_item(const struct amazon_table *table, struct ht_slice key);
/** Appends {"name":value,...}. */
void amazon_write_item(struct ht_buffer *out, const struct amazon_item *item);

/** A change of an item, for the table's change stream; images are JSON, NULL where there is none. */
void amazon_note_change(struct amazon *amazon, struct amazon_table *table, struct ht_slice key,
                        const char *old_image, const char *new_image, bool is_ttl);
void amazon_changes_create(struct amazon *amazon, struct amazon_table *table);
void amazon_changes_finish(struct amazon_table *table);
void amazon_changes_keep_house(struct amazon *amazon, struct amazon_table *table);

/** Whether the sender's keys and clock are good; else refuses. */
bool amazon_admit(struct amazon *amazon, const struct amazon_request *request,
                  struct amazon_reply *reply);
