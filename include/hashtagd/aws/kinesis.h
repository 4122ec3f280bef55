// SPDX-License-Identifier: MIT
#pragma once

/**
 * What all operations of Kinesis Data Streams share: limits and names. Source: Amazon Kinesis
 * Data Streams API Reference, and the service model of botocore 1.43.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest name of a stream with its end mark (1 .. 128 of [a-zA-Z0-9_.-]). */
#define HT_KINESIS_NAME_BYTES 129

/** Longest id of a shard (128) with its end mark, and some room. */
#define HT_KINESIS_SHARD_ID_BYTES 132

/** Longest sequence number ("0|([1-9]\d{0,128})") with its end mark, and some room. */
#define HT_KINESIS_SEQUENCE_BYTES 132

/** Longest shard iterator (512 in the API reference, with room for it to grow) with its end. */
#define HT_KINESIS_ITERATOR_BYTES 2048

/** What GetRecords gives at most: 10 MiB of data. */
#define HT_KINESIS_READ_MAX_BYTES (10 * 1024 * 1024)

/** The most records of one GetRecords. */
#define HT_KINESIS_READ_MAX_RECORDS 10000

/** The most records of one PutRecords. */
#define HT_KINESIS_PUT_MAX_RECORDS 500

/** A request being made. Private to the operations. */
struct ht_kinesis_request {
    struct ht_buffer body;
    char resource[HT_KINESIS_NAME_BYTES + 8]; /* "stream NAME" */
};

/** A shard in an answer. */
struct ht_kinesis_shard {
    char id[HT_KINESIS_SHARD_ID_BYTES];
    char parent_id[HT_KINESIS_SHARD_ID_BYTES];          /**< empty where none */
    char adjacent_parent_id[HT_KINESIS_SHARD_ID_BYTES]; /**< other parent of a merge, or empty */
    char ending_sequence[HT_KINESIS_SEQUENCE_BYTES];    /**< empty where it is open, or not told */
    bool is_closed;
};

/** Whether `name` may be the name of a stream. */
bool ht_kinesis_name_is_valid(const char *name);

/** Whether `text` has the form of a sequence number: 1 to 129 decimal digits. */
bool ht_kinesis_is_sequence(struct ht_slice text);
