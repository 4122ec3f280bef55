// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the files of the ingest stage share: ingest.c has the source's way, ingest_batch.c its
 * batches, ingest_rescue.c what of it memory was out for, ingest_post.c the way of POST.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/ingest.h"

/** The longest partition key (pipeline/stream.h). */
#define HT_INGEST_KEY_BYTES_MAX 256

/** Some of the source's messages on their way to the stream. */
struct ht_ingest_batch {
    struct ht_stream_put put;
    struct ht_ingest *ingest;
    struct ht_ingest_batch *next;
    struct ht_buffer bytes; /* data, key and note of each record, one behind the other */
    struct ht_put_record *records;
    size_t count, capacity;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    char put_cursor[HT_SOURCE_CURSOR_BYTES]; /* as given to the stream, which reads it until done */
    size_t reserved_bytes;
    uint64_t started_ns;
    bool is_running; /* given to the stream */
};

/** Dead letters on their way. */
struct ht_ingest_letters {
    struct ht_dead_letters_append append;
    struct ht_ingest *ingest;
    struct ht_ingest_letters *previous, *next;
    struct ht_dead_letter letter;
    char source[HT_SOURCE_NAME_BYTES];
    size_t reserved_bytes;
    struct ht_timer retry_timer;
    unsigned attempts;
};

/** Messages for which memory was out when they came, with the cursor behind them. While there are
 * any, those that follow queue up behind them and the source is held back. */
struct ht_ingest_rescue {
    char *bytes; /* had from the beginning */
    size_t begin, end;
    size_t count; /* messages */
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    struct ht_timer timer; /* runs until the next try */
};

struct ht_ingest {
    struct ht_source_sink sink; /* first: the source knows only this */
    /* fixed */
    struct ht_ingest_options options;
    /* state */
    struct ht_health health;
    struct ht_ingest_counters counters;
    struct ht_rate rate;
    struct ht_histogram put_durations;
    struct ht_tweet_reader reader;
    struct ht_ingest_batch *head, *tail; /* in the order of the source; the tail may be filling */
    struct ht_ingest_batch *filling;     /* the tail, or NULL */
    struct ht_ingest_batch *spares;      /* with room, to be filled again */
    size_t spare_count;
    size_t running_count, waiting_count;
    char cursor[HT_SOURCE_CURSOR_BYTES]; /* of the last batch before which all is durable */
    size_t cursor_length;
    struct ht_ingest_letters *letters; /* that are not durable yet */
    size_t letters_count;
    size_t posts_count; /* POSTs that are not answered yet */
    unsigned failures;  /* puts that failed in a row */
    bool is_source_paused, is_source_stopped, is_stopping, is_started;
    bool is_giving_up;           /* the next failure ends the stop */
    bool has_given_up;           /* a put has failed since */
    size_t lost_letters_count;   /* at the stop */
    bool is_letter_lost;         /* something is gone: no cursor may become durable any more */
    struct ht_timer turn_timer;  /* sends what was collected in this turn */
    struct ht_timer retry_timer; /* runs while a batch is to be put again */
    struct ht_budget_waiter budget_waiter;
    struct ht_ingest_rescue rescue;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

/** Calls on_stopped where nothing is left to wait for. */
void ht_ingest_look_at_stop(struct ht_ingest *ingest);

/** The batch that takes the next message, empty where the one before is full: a spare one, else a
 * new one; NULL where memory is out. */
struct ht_ingest_batch *ht_ingest_batch_open(struct ht_ingest *ingest);

/** Makes room for one more record; HT_ENOMEM. */
int ht_ingest_batch_grow(struct ht_ingest_batch *batch);

/** Takes a batch out of the list, keeps its room as a spare or frees it, and gives its part of the
 * budget back. */
void ht_ingest_batch_end(struct ht_ingest *ingest, struct ht_ingest_batch *batch);

/** Ends all batches and frees the spares. */
void ht_ingest_batch_finish_all(struct ht_ingest *ingest);

/** How many bytes of an identity are the partition key: all that fit, without half a character, as
 * some identities are chosen by strangers. */
size_t ht_ingest_key_bytes(struct ht_slice id);

/** Counts a message that is no tweet; returns whether `tweet` is one. */
bool ht_ingest_sort(struct ht_ingest *ingest, const struct ht_tweet *tweet);

/** Takes a message in: on the stream, or where it is refused (by `reason`, static; NULL: it is judged
 * here) to the dead letters. HT_ENOMEM where nothing of this has happened. */
int ht_ingest_take(struct ht_ingest *ingest, const struct ht_source *from, struct ht_slice message,
                   const char *reason);

/** The cursor behind all that was taken in so far; an empty one says nothing. */
void ht_ingest_note_cursor(struct ht_ingest *ingest, struct ht_slice cursor);

/** Something worked: the stage is well, unless something is lost or waits for memory. */
void ht_ingest_succeed(struct ht_ingest *ingest);

/** Takes the room of the rescue; HT_ENOMEM. */
int ht_ingest_rescue_init(struct ht_ingest *ingest);

void ht_ingest_rescue_finish(struct ht_ingest *ingest);

/** Keeps a copy of what could not be taken, `reason` as in ht_ingest_take(). Where not even that has
 * room it is lost. */
void ht_ingest_rescue_keep(struct ht_ingest *ingest, const struct ht_source *from,
                           struct ht_slice bytes, const char *reason);

/** Takes what waits, as far as memory goes; comes back by itself for the rest. */
void ht_ingest_rescue_work(struct ht_ingest *ingest);

/** Whether nothing waits. */
static inline bool ht_ingest_rescue_is_empty(const struct ht_ingest *ingest)
{
    return ingest->rescue.end == 0;
}
