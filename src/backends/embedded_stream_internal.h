// SPDX-License-Identifier: MIT
#pragma once

/** The parts of the embedded stream: life and retention (embedded_stream.c), puts
 * (embedded_stream_put.c), reads (embedded_stream_read.c). All fields belong to the loop thread,
 * but for `segments`, which only jobs touch. */

#include "hashtagd/backends/embedded_stream.h"

#include "segment_log.h"

/** Most blocks of a list in memory. */
#define HT_EMBEDDED_BLOCKS_MOST 8192

/** Blocks in order of their numbers, a ring. */
struct ht_embedded_blocks {
    struct ht_segment_block *ring[HT_EMBEDDED_BLOCKS_MOST];
    size_t first, count;
    size_t bytes; /**< that they have room for */
};

/** Most blocks that are kept to be filled again. */
#define HT_EMBEDDED_SPARES_MOST 4

/** Large blocks to be filled again, so that at full speed the system need not give and take the
 * pages of each. */
struct ht_embedded_spares {
    struct ht_segment_block *blocks[HT_EMBEDDED_SPARES_MOST]; /**< owned, oldest first */
    size_t count;
    bool is_used; /**< by the last write */
};

/** Where blocks go back to: the loop's. It lives as long as the stream and its batches. */
struct ht_embedded_pool {
    size_t holders;
    struct ht_embedded_spares spares;
    bool is_used; /**< since ht_embedded_pool_age() */
};

enum ht_embedded_stream_state {
    HT_EMBEDDED_STREAM_OPENING,
    HT_EMBEDDED_STREAM_OPEN,
    HT_EMBEDDED_STREAM_FAILED,
    HT_EMBEDDED_STREAM_CLOSED,
};

struct ht_embedded_stream;

/** What every job of the stream has. */
struct ht_embedded_stream_job {
    struct ht_job job;
    struct ht_embedded_stream *stream;
    bool is_running;
    /* in */
    struct ht_segment_retention retention;
    int64_t now_ms;
    /* out */
    int status;
    struct ht_error error;
    struct ht_segment_log_figures figures;
    uint64_t dropped_records;
};

/** Writes the puts of a list, as many as go into one block. */
struct ht_embedded_stream_write {
    struct ht_embedded_stream_job base;
    struct ht_stream_put *first, *last; /**< linked by `adapter` */
    size_t first_record;                /**< of `first` that is not durable yet */
    struct ht_stream_put *rest;         /**< out: the first that is not done; NULL: all are */
    size_t rest_record;
    struct ht_segment_block *block;   /**< out: what was written, or NULL */
    struct ht_slice cursor;           /**< out: its cursor, in the memory of a put */
    size_t notes_bytes;               /**< room for the notes of its records */
    struct ht_embedded_spares spares; /**< the pool's, while it runs */
};

/** Reads blocks from `sequence` on, or finds the sequence of a time. */
struct ht_embedded_stream_load {
    struct ht_embedded_stream_job base;
    uint64_t read_number; /**< of the read that it was started for */
    bool is_search;       /**< for time_ms, result in `sequence` */
    int64_t time_ms;
    uint64_t sequence;
    struct ht_segment_block *blocks; /**< out: linked by next */
};

struct ht_embedded_stream {
    struct ht_stream stream; /**< first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_embedded_stream_options options; /**< directory is owned */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    /* state */
    enum ht_embedded_stream_state state;
    struct ht_error open_error;
    struct ht_segment_log *segments; /**< the worker's */
    struct ht_segment_log_figures figures;
    uint64_t consumed;
    struct ht_embedded_stream_job open_job, maintain_job, probe_job, close_job;
    struct ht_timer maintain_timer;
    struct ht_timer probe_timer; /**< runs after a write that failed */
    bool maintain_again;         /**< asked for while a maintain_job ran */
    size_t cursor_bytes;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    struct ht_embedded_blocks recent; /**< the newest blocks, up to the tip */
    struct ht_embedded_pool *pool;
    /* lists */
    struct ht_stream_list *lists[16];
    size_t list_count;
    struct ht_timer list_timer;
    /* puts */
    struct ht_stream_put *put_first, *put_last; /**< waiting, linked by `adapter` */
    size_t put_record;                          /**< records of put_first that are durable */
    struct ht_timer put_timer;
    struct ht_embedded_stream_write write;
    /* reads */
    struct ht_stream_read *read; /**< the one that runs, or NULL */
    uint64_t read_number;        /**< counts reads */
    bool read_is_canceled;
    bool read_is_resolved; /**< `want` is known */
    uint64_t want;         /**< the next record to give */
    bool reader_is_known;  /**< a read of this run has told where the reader stands */
    struct ht_timer read_timer, wait_timer;
    bool wait_is_over;
    struct ht_embedded_blocks window; /**< loaded from files, for a reader behind `recent` */
    struct ht_embedded_stream_load load;
    /* close */
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** The stream behind the port. */
struct ht_embedded_stream *ht_embedded_stream_from(struct ht_stream *stream);

/** Makes a job with what all of them are told. */
void ht_embedded_stream_start_job(struct ht_embedded_stream *stream,
                                  struct ht_embedded_stream_job *job, ht_job_fn run,
                                  ht_job_fn done);

/** On the worker: drops what retention lets go, takes the figures. */
void ht_embedded_stream_settle(struct ht_embedded_stream_job *job);

/** On the loop: ends a job and takes over its figures. */
void ht_embedded_stream_end_job(struct ht_embedded_stream_job *job);

/** Remembers that all records up to `sequence` are counted. */
void ht_embedded_stream_note_consumed(struct ht_embedded_stream *stream, uint64_t sequence);

/** Whether what is not consumed fills all the room. */
bool ht_embedded_stream_is_full(const struct ht_embedded_stream *stream);

/** Goes on with closing where nothing runs any more. The last thing that a callback does. */
void ht_embedded_stream_check_close(struct ht_embedded_stream *stream);

/** Begins to look whether writing works again, after it failed. */
void ht_embedded_stream_start_probe(struct ht_embedded_stream *stream);
/** The probe's timer. */
void ht_embedded_stream_on_probe_due(struct ht_timer *timer);

/** ops->put. */
void ht_embedded_stream_put(struct ht_stream *stream, struct ht_stream_put *put);
/** Tries to write what waits, on the next turn. */
void ht_embedded_stream_wake_puts(struct ht_embedded_stream *stream);
/** The put side's timer. */
void ht_embedded_stream_on_put_turn(struct ht_timer *timer);

/** ops->read. */
void ht_embedded_stream_read(struct ht_stream *stream, struct ht_stream_read *read);
/** ops->cancel_read. */
void ht_embedded_stream_cancel_read(struct ht_stream *stream, struct ht_stream_read *read);
/** Lets the running read look again, on the next turn. */
void ht_embedded_stream_wake_read(struct ht_embedded_stream *stream);
/** The read side's timers. */
void ht_embedded_stream_on_read_turn(struct ht_timer *timer);
void ht_embedded_stream_on_wait_over(struct ht_timer *timer);

/** Appends a block to a list, which takes over the reference; without room the first one goes. */
void ht_embedded_blocks_push(struct ht_embedded_blocks *blocks, struct ht_segment_block *block);
/** Takes the first block and its reference out. */
struct ht_segment_block *ht_embedded_blocks_take_first(struct ht_embedded_blocks *blocks);
/** Releases the first block. */
void ht_embedded_blocks_drop_first(struct ht_embedded_blocks *blocks);
/** Releases all. */
void ht_embedded_blocks_clear(struct ht_embedded_blocks *blocks);
/** The block that holds `sequence`, or NULL. */
struct ht_segment_block *ht_embedded_blocks_find(const struct ht_embedded_blocks *blocks,
                                                 uint64_t sequence);
/** The number behind the last record, or 0 where the list is empty. */
uint64_t ht_embedded_blocks_end(const struct ht_embedded_blocks *blocks);

/** An empty pool, held by the caller; NULL where memory is out. */
struct ht_embedded_pool *ht_embedded_pool_create(void);
/** One holder less; the last one frees it and its blocks. NULL is fine. */
void ht_embedded_pool_drop(struct ht_embedded_pool *pool);
/** Takes a reference away, as ht_segment_block_release(), but keeps a large block that nobody refers
 * to any more as a spare, where there is room. NULL is fine. */
void ht_embedded_pool_release(struct ht_embedded_pool *pool, struct ht_segment_block *block);
/** Moves the spares to a write, and what it left back. */
void ht_embedded_pool_lend(struct ht_embedded_pool *pool, struct ht_embedded_spares *spares);
void ht_embedded_pool_take_back(struct ht_embedded_pool *pool, struct ht_embedded_spares *spares);
/** Frees the spares where none was used since this was called last: the rush is over. */
void ht_embedded_pool_age(struct ht_embedded_pool *pool);
/** An empty block with room for so much: a spare, or a new one; NULL where memory is out. */
struct ht_segment_block *ht_embedded_spares_take(struct ht_embedded_spares *spares, size_t bytes);

/** A batch of the records from `want` on that lie in `window` and `recent` without a gap; want must
 * be there. NULL where memory is out. */
struct ht_record_batch *ht_embedded_stream_make_batch(struct ht_embedded_stream *stream,
                                                      uint64_t want, size_t max_bytes);
