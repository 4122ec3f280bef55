// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the archives share: the appends that wait for the next object, when it is time for it,
 * and how they are answered.
 *
 *     append -> add --(first: the clock runs)--> due: time over, enough bytes, or hurry
 *     on_due (next turn): take -> write -> ht_archive_appends_answer
 *     failed: take the rest as well, so that nothing overtakes
 *
 * The buffer links the callers' appends and copies nothing. Loop thread.
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/archive.h"

#include <stdbool.h>

/** The waiting appends. Fields are to be read only. */
struct ht_archive_buffer {
    struct ht_timer_queue *timers;        /**< not owned */
    struct ht_archive_counters *counters; /**< the archive's; lines_waiting is kept */
    uint64_t wait_ms;                     /**< after the first append */
    size_t full_bytes;
    void (*on_due)(struct ht_archive_buffer *buffer); /**< on a turn of its own */
    struct ht_archive_append *first, *last;           /**< linked by next */
    size_t bytes;                                     /**< of their lines */
    bool is_due; /**< they are to be written; stays set until they are taken */
    struct ht_timer wait_timer, due_timer; /* private */
};

/** How a list of appends ended. */
struct ht_archive_outcome {
    int status;
    const struct ht_error *error; /**< may be NULL where status is 0 */
    const char *object;           /**< may be NULL where status is not 0 */
};

/** Makes an empty buffer; timers, counters and on_due are the caller's and stay. */
void ht_archive_buffer_init(struct ht_archive_buffer *buffer, struct ht_timer_queue *timers,
                            struct ht_archive_counters *counters,
                            void (*on_due)(struct ht_archive_buffer *buffer));

/** Adds an append; the buffer becomes due `wait_ms` after the first one or at `full_bytes`. */
void ht_archive_buffer_add(struct ht_archive_buffer *buffer, struct ht_archive_append *append);

/** Makes it due where something waits; where it is due already, on_due comes again. */
void ht_archive_buffer_hurry(struct ht_archive_buffer *buffer);

/** Takes all appends, linked by next, in order; NULL where none waits. It is not due then. */
struct ht_archive_append *ht_archive_buffer_take(struct ht_archive_buffer *buffer);

/** Takes the first appends that together have exactly `bytes` of lines; all of them where there is no
 * such cut. What stays is due still. */
struct ht_archive_append *ht_archive_buffer_take_bytes(struct ht_archive_buffer *buffer,
                                                       size_t bytes);

/** Puts what waits in the buffer behind `list` (may be NULL) and empties it. Returns the whole. */
struct ht_archive_append *ht_archive_buffer_join(struct ht_archive_buffer *buffer,
                                                 struct ht_archive_append *list);

/** Stops its timers, for an archive that is freed. */
void ht_archive_buffer_stop(struct ht_archive_buffer *buffer);

/** How many lines a list has. */
uint64_t ht_archive_appends_lines(const struct ht_archive_append *list);

/** Answers a list in order; lines_waiting has been lowered before the first `done`. */
void ht_archive_appends_answer(struct ht_archive_counters *counters, struct ht_archive_append *list,
                               const struct ht_archive_outcome *outcome);
