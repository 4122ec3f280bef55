// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the operations on one DynamoDB item share: which item, expressions with their names and
 * values, and reading the item that an answer holds. Bodies are written straight into a buffer
 * and answers are read without a tree: an update costs a few microseconds.
 *
 * Every name goes through an alias, because DynamoDB's list of reserved words is long; a value or
 * name that no expression uses is refused by the service (ValidationException). Source: Amazon
 * DynamoDB API Reference, "UpdateItem"; Developer Guide, "Using expressions in DynamoDB".
 *
 * An operation's struct is zeroed before its first start and may be started again after its
 * `done` returned; it keeps its memory until its ..._finish(). Loop thread only.
 */

#include "hashtagd/aws/attribute.h"
#include "hashtagd/aws/client.h"

/** The largest answer of an operation on one item: 400 KB, each byte escaped, and some room. */
#define HT_DYNAMODB_ITEM_ANSWER_BYTES (4u << 20)

/** Which item. All are the caller's until `done`. */
struct ht_dynamodb_target {
    const char *table_name; /**< or the table's ARN */
    const char *key_name;   /**< the partition key's attribute, of type S */
    struct ht_slice key;    /**< 1 .. 2048 bytes of UTF-8 */
    const char *resource;   /**< for people: "table hashtags"; may be NULL */
    unsigned max_attempts;  /**< as ht_aws_call.max_attempts */
};

/** "#alias" and the attribute's name. */
struct ht_dynamodb_name {
    const char *alias;    /**< with its '#'; static, or the caller's until `done` */
    struct ht_slice name; /**< the caller's until `done` */
};

/** ":alias" and its value. */
struct ht_dynamodb_value {
    const char *alias;            /**< with its ':'; static, or the caller's until `done` */
    enum ht_attribute_type type;  /**< S, N or SS */
    struct ht_slice text;         /**< S */
    uint64_t number;              /**< N */
    const struct ht_slice *texts; /**< SS: `text_count` of them, 1 and up */
    size_t text_count;
};

/** The expressions of one request; the caller's until `done`. */
struct ht_dynamodb_expressions {
    const char *update;    /**< "SET ..."; NULL where there is none */
    const char *condition; /**< NULL where there is none */
    const struct ht_dynamodb_name *names;
    size_t name_count;
    const struct ht_dynamodb_value *values;
    size_t value_count;
};

/** The item in an answer. */
struct ht_dynamodb_answer {
    struct ht_json_reader reader; /**< over the answer's bytes; valid during `done` */
    struct ht_json_value item;    /**< '{', or '\0' where the answer has none; read its attributes
                                   *   with ht_json_reader_find() and aws/attribute.h */
    struct ht_buffer texts;       /**< for texts with escapes: has room for all of them */
};

/** Writes the members TableName and Key. */
void ht_dynamodb_write_target(struct ht_json_writer *writer,
                              const struct ht_dynamodb_target *target);

/** Writes the expressions with their names and values; nothing where there are none. */
void ht_dynamodb_write_expressions(struct ht_json_writer *writer,
                                   const struct ht_dynamodb_expressions *expressions);

/** Writes one value, {"S":...}. */
void ht_dynamodb_write_value(struct ht_json_writer *writer, const struct ht_dynamodb_value *value);

/** Looks for the item in `body`: of the members "Attributes" and "Item" the one that is there. 0,
 * HT_EPARSE where the body is no JSON object, HT_ENOMEM. No item is 0 too. */
int ht_dynamodb_answer_read(struct ht_dynamodb_answer *answer, struct ht_slice body) HT_MUST_CHECK;

/** Frees what an answer keeps. Zeroed memory is fine. */
void ht_dynamodb_answer_finish(struct ht_dynamodb_answer *answer);

/** Whether the call failed because the condition did not hold. */
bool ht_dynamodb_condition_failed(const struct ht_aws_call *call);

/** Private to the operations: empties and fills the parts of the call that all of them have. */
void ht_dynamodb_call_prepare(struct ht_aws_call *call, const char *operation,
                              const struct ht_dynamodb_target *target);

/** Private to the operations: the operation's status, with the answer read where there is one. */
int ht_dynamodb_call_read(struct ht_aws_call *call, struct ht_dynamodb_answer *answer);
