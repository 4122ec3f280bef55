// SPDX-License-Identifier: MIT
#pragma once

/**
 * Records that Amazon's Kinesis Producer Library aggregated: many user records in the data of one
 * Kinesis record. Form: the magic F3 89 9A C2, a protobuf message of a table of partition keys, a
 * table of explicit hash keys and the user records, then the MD5 of the message. Source:
 * amazon-kinesis-producer, aggregation-format.md.
 *
 *     struct ht_kpl kpl;
 *     struct ht_kpl_record record;
 *     if (ht_kpl_open(&kpl, data) == HT_KPL_AGGREGATED) {
 *         while (ht_kpl_next(&kpl, &record))
 *             use(record.data, record.sub_sequence);
 *         if (kpl.is_damaged) ... one of the rest names a key that is not there
 *         ht_kpl_finish(&kpl);
 *     }
 *
 * What is not wholly well formed is a plain record, as in Amazon's own readers: never an error.
 * Pure; any thread. The data is hostile: nothing in it makes the reader look outside of it, and
 * memory is 8 bytes a key of the tables, so at most four times the data.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a record's data is. */
enum ht_kpl_verdict {
    HT_KPL_PLAIN,      /**< one user record */
    HT_KPL_AGGREGATED, /**< opened: walk it, then finish it */
    HT_KPL_NO_MEMORY,  /**< it is aggregated, and there is no memory for its tables */
};

/** One user record. The slices lie in the data. */
struct ht_kpl_record {
    struct ht_slice data;              /**< may be empty */
    struct ht_slice partition_key;     /**< as it stands: may be empty in hostile data */
    struct ht_slice explicit_hash_key; /**< empty where none */
    uint64_t sub_sequence;             /**< 0 and up */
};

/** Where a key lies in the message. Private. */
struct ht_kpl_key {
    uint32_t offset, length;
};

/** A walk over an aggregated record. */
struct ht_kpl {
    size_t record_count;     /**< as the message says; ht_kpl_next() may give fewer */
    bool is_damaged;         /**< the walk ended at a record whose key is not in the tables */
    struct ht_slice message; /* private */
    struct ht_kpl_key *keys; /* private, owned: partition keys, then hash keys */
    size_t partition_key_count, hash_key_count; /* private */
    size_t at;                                  /* private: offset in the message */
    uint64_t next_sub;                          /* private */
};

/** Whether `data` begins as aggregated records do and is long enough: cheap, and no promise. */
bool ht_kpl_is_candidate(struct ht_slice data);

/** Looks at the whole of `data` (the caller's, as long as the walk lasts) and opens it where it is
 * aggregated; only then `kpl` is to be finished. */
enum ht_kpl_verdict ht_kpl_open(struct ht_kpl *kpl, struct ht_slice data) HT_MUST_CHECK;

/** The next user record; false at the end, and at the first one whose key is not in the tables. */
bool ht_kpl_next(struct ht_kpl *kpl, struct ht_kpl_record *record);

/** Frees the tables. */
void ht_kpl_finish(struct ht_kpl *kpl);
