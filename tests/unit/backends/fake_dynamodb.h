// SPDX-License-Identifier: MIT
#pragma once

/**
 * A tiny DynamoDB in the test's memory, behind the hand-answered client of fake_aws.h: tables with
 * one key, the expressions that the program sends, and the faults that a test asks for.
 */

#include "../aws/fake_aws.h"

#include "hashtagd/base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum fake_fault {
    FAKE_NONE,
    FAKE_LOST_BEFORE, /* the request never arrived */
    FAKE_LOST_AFTER,  /* it took effect, the answer was lost */
    FAKE_THROTTLED,
    FAKE_EXPIRED_TOKEN,
    FAKE_BROKEN_ANSWER, /* it took effect, the answer is cut off */
};

enum { FAKE_BUCKETS = 65536, FAKE_LOG = 64 };

struct fake_attribute {
    char *name;
    char *value; /* JSON: {"S":"..."} */
};

struct fake_item {
    char *table;
    char *key;
    struct fake_attribute attributes[40];
    size_t attribute_count;
    struct fake_item *next;
};

struct fake_dynamodb {
    struct ht_aws_client client;
    struct fake_item *buckets[FAKE_BUCKETS];
    size_t item_count;
    bool hides_failed_item;   /* a failed condition comes without the item */
    const char *refuses;      /* every call fails with this code; NULL: none */
    const char *key_type;     /* what DescribeTable says; NULL: "S" */
    const char *table_status; /* the same; NULL: "ACTIVE" */
    uint32_t items_a_page;    /* of a Scan; 0: as many as are asked for */
    /* what was asked */
    uint64_t updates, puts, gets, deletes, scans, conditions_failed;
};

void fake_dynamodb_init(struct fake_dynamodb *fake);
void fake_dynamodb_finish(struct fake_dynamodb *fake);

/* Serves the oldest call that waits; false where none does. */
bool fake_dynamodb_serve(struct fake_dynamodb *fake, enum fake_fault fault);

/* A DeleteItem with this body comes late, when nobody waits for its answer any more. */
void fake_dynamodb_late_delete(struct fake_dynamodb *fake, struct ht_slice body);

/* The item, or NULL. */
struct fake_item *fake_dynamodb_find(struct fake_dynamodb *fake, const char *table,
                                     const char *key);

/* Makes an item (or changes it) from "name", "{...}" pairs, NULL at the end. */
#define fake_dynamodb_put(fake, table, key_name, key, ...)                                         \
    fake_dynamodb_put_pairs(fake, table, key_name, key, (const char *const[]){__VA_ARGS__})
void fake_dynamodb_put_pairs(struct fake_dynamodb *fake, const char *table, const char *key_name,
                             const char *key, const char *const *pairs);

/* Removes the item, where it is there. */
void fake_dynamodb_remove(struct fake_dynamodb *fake, const char *table, const char *key);

/* The JSON of an attribute, or NULL. */
const char *fake_dynamodb_get(struct fake_dynamodb *fake, const char *table, const char *key,
                              const char *name);

/* The number of an attribute {"N":"..."}; 0 where there is none. */
uint64_t fake_dynamodb_number(struct fake_dynamodb *fake, const char *table, const char *key,
                              const char *name);
