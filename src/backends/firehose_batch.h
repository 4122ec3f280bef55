// SPDX-License-Identifier: MIT
#pragma once

/**
 * The pure part of the Firehose archive: which lines go into which record, which records go into the
 * next call, and what becomes of them after its answer. Knows no client, clock or timer.
 *
 *     take: appends -> pack: records of whole lines -> select: a call -> apply / refuse: its outcome
 *                                                         ^                   |
 *                                                         +--- any waiting ---+
 *
 * A record that is refused is halved until one line is refused alone: that one is to become a dead
 * letter. Where a whole call is refused, nobody says which record is to blame: the calls get smaller
 * until one record is refused alone. Such a line is only a suspect until the stream has taken something
 * else: else the stream may be what is wrong.
 *
 * No two records of a call tell of the same hashtag, so that its deletions keep their order where a call
 * is taken in part.
 *
 * Appends stay in order; a batch is a part of them, and one is answered once all its lines are done
 * with.
 */

#include "firehose_order.h"

#include "hashtagd/aws/firehose_put_record_batch.h"
#include "hashtagd/pipeline/archive.h"

/** What became of a record. */
enum ht_firehose_piece_state {
    HT_FIREHOSE_PIECE_WAITING, /**< to be sent, for the first time or again */
    HT_FIREHOSE_PIECE_ACCEPTED,
    HT_FIREHOSE_PIECE_SUSPECT,  /**< one line, refused in a call that was refused as a whole */
    HT_FIREHOSE_PIECE_LETTER,   /**< one line, to become a dead letter */
    HT_FIREHOSE_PIECE_LETTERED, /**< that is durable */
};

/** A record: whole lines, each with its newline. */
struct ht_firehose_piece {
    struct ht_slice data; /**< in the batch's bytes or, where too large, the append's own */
    size_t lines;
    size_t ended; /**< so many appends end with it */
    enum ht_firehose_piece_state state;
    bool was_sent;
};

/** How large things may be; zero in a test's options means the service's own limits. */
struct ht_firehose_limits {
    size_t record_bytes;  /**< lines are joined up to this */
    size_t line_bytes;    /**< a longer line cannot be sent at all */
    size_t batch_bytes;   /**< of a call's body */
    size_t batch_records; /**< of a call, at most HT_FIREHOSE_BATCH_RECORDS */
    size_t frame_bytes;   /**< of a body without records */
};

/** The batch and the appends that it is made of. Zeroed memory is an empty one. */
struct ht_firehose_batch {
    struct ht_archive_append *first;  /**< not answered yet, linked by next */
    struct ht_archive_append *next;   /**< the first with lines that no batch has yet */
    size_t next_offset;               /**< how much of its lines was packed */
    struct ht_buffer bytes;           /**< owned: the packed lines */
    struct ht_firehose_piece *pieces; /**< owned */
    size_t count, capacity;
    size_t ended_before; /**< appends that end before the first piece: without lines */
    bool has_accepted;   /**< the stream took a record of this batch */
    size_t call_records; /**< the next call has at most so many */
    /* the call */
    struct ht_firehose_order order;
    size_t sent_count;
    size_t sent[HT_FIREHOSE_BATCH_RECORDS]; /**< indices of pieces, rising */
    struct ht_slice records[HT_FIREHOSE_BATCH_RECORDS];
    enum ht_firehose_outcome outcomes[HT_FIREHOSE_BATCH_RECORDS];
    size_t repeated_lines; /**< of the call: lines that were sent before */
};

/** Figures of an outcome. */
struct ht_firehose_progress {
    size_t accepted_records, accepted_lines, accepted_bytes;
    size_t refused; /**< records that were halved or given up */
};

/** Gives the batch its appends, linked by next; only where it has none. */
void ht_firehose_batch_take(struct ht_firehose_batch *batch, struct ht_archive_append *list);

/** Packs the next part of the appends; the pieces before must be done with. HT_ENOMEM: nothing is
 * packed. */
int ht_firehose_batch_pack(struct ht_firehose_batch *batch,
                           const struct ht_firehose_limits *limits) HT_MUST_CHECK;

/** Chooses the records of the next call; how many, 0 where none waits. */
size_t ht_firehose_batch_select(struct ht_firehose_batch *batch,
                                const struct ht_firehose_limits *limits);

/** Takes over the outcomes of an answered call. HT_ENOMEM: a record that should be halved waits as it
 * is. */
int ht_firehose_batch_apply(struct ht_firehose_batch *batch,
                            struct ht_firehose_progress *progress) HT_MUST_CHECK;

/** The call was refused as a whole, for what is in it. As apply. */
int ht_firehose_batch_refuse(struct ht_firehose_batch *batch) HT_MUST_CHECK;

/** Where nothing waits any more: suspects become dead letters where the stream took something else.
 * False where suspects remain: then nobody knows whether the stream or the line is wrong. */
bool ht_firehose_batch_judge(struct ht_firehose_batch *batch);

/** How many pieces are in a state. */
size_t ht_firehose_batch_count(const struct ht_firehose_batch *batch,
                               enum ht_firehose_piece_state state);

/** Takes the leading appends whose lines are all done with off the list; NULL where there are
 * none. */
struct ht_archive_append *ht_firehose_batch_take_done(struct ht_firehose_batch *batch);

/** Forgets the pieces; appends that are not answered stay. */
void ht_firehose_batch_clear(struct ht_firehose_batch *batch);

/** Takes all appends back and clears; NULL where there are none. */
struct ht_archive_append *ht_firehose_batch_take_rest(struct ht_firehose_batch *batch);

/** Frees the memory; the appends must have been taken. */
void ht_firehose_batch_finish(struct ht_firehose_batch *batch);
