// SPDX-License-Identifier: MIT
#pragma once

/** A reader of the small Kinesis, as the count stage is one: it reads on from where it is and keeps what
 * comes. */

#include "kinesis_world.h"

struct reader {
    struct ht_aws_client *world;
    struct ht_stream_read read;
    unsigned done;
    int status;
    struct ht_error error;
    struct ht_position next;
    int64_t behind_ms;
    size_t count; /* in all */
    char texts[512][24];
    uint64_t subs[512];
    bool goes_on;      /* reads again at once */
    size_t max_bytes;  /* of a batch; 0: 4 MiB */
    size_t most_bytes; /* that one had */
};

/* One that begins at a place of a kind, and waits up to a second at the tip. */
void reader_init(struct reader *reader, struct ht_aws_client *world, size_t shard,
                 enum ht_position_kind kind);
/* Starts a read. */
void reader_start(struct reader *reader);
/* Reads, and lets time pass until it is answered. */
void reader_read_once(struct reader *reader);

/* Packs texts as Amazon's producer library does, into 1200 bytes of `out`. */
struct ht_slice reader_aggregate(char *out, const char *const *texts, size_t count);
