// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `replay`: pushes the tweets of files, read as sources/documents.h says
 * (JSON lines, arrays, search answers, v2 answers, dead letters; plain or gzip), one file after
 * the other, at an even rate or as fast as the sink takes them. The files are read on a worker
 * thread, one piece ahead.
 *
 * With `loops` the files are replayed again and again; from the second round on each tweet gets
 * another id, as the same tweet with the same id would be taken for a repeat: `id`, `id_str` and
 * `edit_history_tweet_ids` of the tweet itself become a mix of the id and the round, from 2^62 up,
 * the same each time.
 *
 * The cursor names the list of files, the round and how many messages of it are out; a cursor of
 * another list is ignored. What is no message is refused to the sink, with nothing lost around
 * it. A file that cannot be read makes the source `failed`, with what to do; what was read before
 * is delivered.
 *
 *     struct ht_source *source = ht_replay_source_create(&(struct ht_replay_source_options){
 *         .clock = clock, .timers = timers, .worker = worker, .files = files, .file_count = 2});
 *     source->ops->start(source, sink, cursor);
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_replay_source_options {
    struct ht_clock *clock;        /**< not owned, outlives the source */
    struct ht_timer_queue *timers; /**< not owned, outlives the source */
    struct ht_worker *worker;      /**< not owned; stopped after the source */
    const char *const *files;      /**< their paths, copied */
    size_t file_count;             /**< 0 makes the source fail when it is started */
    uint64_t rate;                 /**< messages a second, at most 10^9; 0: no limit */
    uint64_t limit; /**< the source is idle after so many messages, those of earlier runs counted;
                     * 0: never */
    bool loops;     /**< begin again after the last file */
};

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_replay_source_create(const struct ht_replay_source_options *options);
