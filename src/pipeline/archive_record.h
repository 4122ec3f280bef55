// SPDX-License-Identifier: MIT
#pragma once

/**
 * Archive records: the JSON line that goes into the archive, and the ring of the
 * latest ones for GET /archive.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/archiver.h"

/** The name of an origin as the archive has it: "user", "ttl", "unknown". Static. */
const char *ht_archive_record_origin(enum ht_origin origin);

/** Appends the line of a removal, its \n included. 0, HT_ENOMEM or HT_ETOOBIG. */
int ht_archive_record_format(const struct ht_removal *removal, struct ht_buffer *lines);

/** The ring. Zeroed memory is empty. The fields are private. */
struct ht_archive_ring {
    struct ht_archiver_record *entries[HT_ARCHIVER_RECENT_MAX]; /* owned, one allocation each */
    size_t next;                                                /* where the next one goes */
    size_t count;
};

/** Adds a copy of `record`; the oldest falls out. Out of memory: the record is left out (the ring is
 * for people, the archive has it). */
void ht_archive_ring_add(struct ht_archive_ring *ring, const struct ht_archiver_record *record);

/** The record `age` places back, 0 the newest; NULL where there is none. */
const struct ht_archiver_record *ht_archive_ring_get(const struct ht_archive_ring *ring,
                                                     size_t age);

/** Frees all. */
void ht_archive_ring_finish(struct ht_archive_ring *ring);
