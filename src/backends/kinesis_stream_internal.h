// SPDX-License-Identifier: MIT
#pragma once

/** The parts of the Kinesis stream: life, health and listing (kinesis_stream.c), reads
 * (kinesis_stream_read.c), puts (kinesis_stream_put.c), the source's cursor
 * (kinesis_stream_cursor.c). All fields belong to the loop thread, but for those of running jobs. */

#include "hashtagd/aws/kinesis_get_shard_iterator.h"
#include "hashtagd/aws/kinesis_list_shards.h"
#include "hashtagd/aws/kinesis_put_records.h"
#include "hashtagd/backends/kinesis_stream.h"
#include "hashtagd/pipeline/source.h"

#include "kinesis_batch.h"
#include "kinesis_pace.h"
#include "kinesis_put_queue.h"

/** Puts under way at a time, at most. */
#define HT_KINESIS_PUTS_MOST 4

/** Children that are known before a list has them. */
#define HT_KINESIS_CHILDREN_KNOWN_MAX 1024

struct ht_kinesis_stream;

/** What can be wrong; of each the last trouble is remembered until it is over. */
enum ht_kinesis_trouble {
    HT_KINESIS_TROUBLE_LIST,
    HT_KINESIS_TROUBLE_READ,
    HT_KINESIS_TROUBLE_PUT,
    HT_KINESIS_TROUBLE_CURSOR,
    HT_KINESIS_TROUBLES,
};

enum ht_kinesis_reader_state {
    HT_KINESIS_READER_IDLE,     /**< no read, or between two steps of it */
    HT_KINESIS_READER_ITERATOR, /**< get_iterator runs */
    HT_KINESIS_READER_ASKING,   /**< get_records runs */
    HT_KINESIS_READER_MAKING,   /**< the job runs */
};

/** What reads of one shard know. Made at the first read, kept until the stream is destroyed. */
struct ht_kinesis_reader {
    struct ht_kinesis_stream *stream;
    struct ht_kinesis_reader *next;
    char shard_id[HT_SHARD_ID_BYTES];
    enum ht_kinesis_reader_state state;
    struct ht_timer timer; /**< the next step */
    /* of the running read */
    struct ht_stream_read *read; /**< NULL where none runs */
    uint64_t began_ms;           /**< monotonic */
    uint64_t wait_until_ms;      /**< monotonic: the end of its patience */
    unsigned tries;              /**< that failed in it */
    bool is_canceled;
    bool has_asked; /**< an answer came since it began */
    /* where it stands */
    struct ht_kinesis_stand stand;
    bool has_iterator;
    bool is_fallback; /**< the place was refused: from the oldest record on */
    char iterator[HT_KINESIS_ITERATOR_BYTES];
    uint64_t iterator_ms; /**< monotonic: when it was got */
    /* how it goes */
    struct ht_kinesis_pace pace;
    uint32_t limit;         /**< records to ask for */
    double record_bytes;    /**< of a record in an answer, on average */
    uint64_t asked_ms;      /**< monotonic: the last request */
    uint64_t idle_ms;       /**< between requests while nothing comes; 0: something came */
    int64_t behind_ms;      /**< as last told */
    unsigned failures;      /**< in a row */
    unsigned expirations;   /**< in a row */
    uint64_t not_before_ms; /**< monotonic: back-off */
    bool is_in_trouble;
    /* what lists say */
    bool is_closed;
    bool is_unlisted;                        /**< the last list does not have it */
    bool is_missing;                         /**< Kinesis does not know it */
    char ending_sequence[HT_SEQUENCE_BYTES]; /**< empty where not told */
    uint64_t empty_since_ms; /**< monotonic: closed and nothing came since; 0: not so */
    bool is_end_checked;     /**< a fresh iterator was taken to see whether it is the end */
    /* running operations */
    struct ht_kinesis_get_shard_iterator get_iterator;
    struct ht_kinesis_get_records get_records;
    struct ht_job job;
    char *body; /**< owned, until the job has it */
    size_t body_bytes;
    struct ht_kinesis_page page;
    struct ht_kinesis_batch_making making;
    int making_status;
    struct ht_error making_error;
};

struct ht_kinesis_put;

/** A request of a put. */
struct ht_kinesis_put_request {
    struct ht_kinesis_put_records op;
    struct ht_kinesis_stream *stream;
    bool is_running;
    struct ht_kinesis_put_node *nodes[HT_KINESIS_PUT_MAX_RECORDS];
    struct ht_kinesis_put_entry entries[HT_KINESIS_PUT_MAX_RECORDS];
    enum ht_kinesis_put_result results[HT_KINESIS_PUT_MAX_RECORDS];
};

struct ht_kinesis_stream {
    struct ht_stream stream; /**< first: what callers see */
    uint32_t magic;
    /* fixed after create */
    struct ht_kinesis_stream_options options;
    char *name, *cursor_path; /**< owned */
    /* trouble: 0 where all is well */
    int troubles[HT_KINESIS_TROUBLES];
    size_t readers_in_trouble;
    /* lists */
    struct ht_stream_list *lists[16];
    size_t list_count;
    struct ht_timer list_timer;
    struct ht_kinesis_list_shards list_op;
    bool is_listing;
    struct ht_kinesis_shard *children; /**< owned: named by finished shards, not listed yet */
    size_t child_count;
    /* reads */
    struct ht_kinesis_reader *readers;
    struct ht_stream_read *lost_reads; /**< without memory; linked by `adapter` */
    struct ht_timer lost_timer;
    struct ht_json_reader loop_json, worker_json;
    /* puts */
    struct ht_kinesis_put_queue queue;
    struct ht_kinesis_put_request *requests[HT_KINESIS_PUTS_MOST]; /**< owned */
    size_t request_count;                                          /**< that run */
    size_t request_window;                                         /**< that may run */
    struct ht_kinesis_put *puts;                                   /**< all that are not done */
    struct ht_timer put_timer;
    struct ht_stream_put *lost_puts; /**< without memory; linked by `adapter` */
    unsigned put_failures;           /**< requests in a row that failed as a whole */
    uint64_t put_not_before_ms;      /**< monotonic: back-off of all */
    bool has_dropped;                /**< a put gave up and has records in the queue */
    unsigned finishing;              /**< puts are being told that they are done */
    /* cursor */
    char cursor[HT_SOURCE_CURSOR_BYTES]; /**< durable */
    size_t cursor_bytes;
    char wanted_cursor[HT_SOURCE_CURSOR_BYTES]; /**< to be written */
    size_t wanted_bytes;
    bool is_cursor_wanted;
    struct ht_job cursor_job;
    bool is_cursor_running;
    char job_cursor[HT_SOURCE_CURSOR_BYTES]; /**< the job's */
    size_t job_bytes;
    int cursor_status;
    struct ht_error cursor_error;
    struct ht_timer cursor_timer; /**< tries again */
    /* close */
    bool is_closing;
    uint64_t closing_ms; /**< monotonic */
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** The stream behind the port. */
struct ht_kinesis_stream *ht_kinesis_stream_from(struct ht_stream *port);

/** Milliseconds on the monotonic clock. */
uint64_t ht_kinesis_stream_now_ms(const struct ht_kinesis_stream *stream);

/** Copies a call's error and adds the cure; turns its status into one of the port's. */
int ht_kinesis_stream_explain(const struct ht_kinesis_stream *stream,
                              const struct ht_aws_call *call, struct ht_error *error);

/** Notes trouble of a kind, in health too. */
void ht_kinesis_stream_trouble(struct ht_kinesis_stream *stream, enum ht_kinesis_trouble kind,
                               const struct ht_error *error);

/** Notes that a kind works (again). */
void ht_kinesis_stream_works(struct ht_kinesis_stream *stream, enum ht_kinesis_trouble kind);

/** Whether the status means that a person is needed. */
bool ht_kinesis_stream_is_final(int status);

/** Goes on with closing where nothing runs any more; on a later turn. */
void ht_kinesis_stream_check_close(struct ht_kinesis_stream *stream);

/** Remembers a shard that a finished one named. */
void ht_kinesis_stream_note_child(struct ht_kinesis_stream *stream,
                                  const struct ht_kinesis_shard *child);

/** Whether a finished shard named it and no list has it yet. */
bool ht_kinesis_stream_is_child(const struct ht_kinesis_stream *stream, const char *shard_id);

/** ops->read, ops->cancel_read. */
void ht_kinesis_stream_read(struct ht_stream *port, struct ht_stream_read *read);
void ht_kinesis_stream_cancel_read(struct ht_stream *port, struct ht_stream_read *read);
/** Answers reads that there was no memory for. */
void ht_kinesis_stream_on_lost_due(struct ht_timer *timer);
/** Cancels all reads. */
void ht_kinesis_stream_cancel_reads(struct ht_kinesis_stream *stream);
/** Tells the readers what a list says. */
void ht_kinesis_stream_tell_readers(struct ht_kinesis_stream *stream,
                                    const struct ht_kinesis_shard *shards, size_t count);
/** Frees the readers; no read runs. */
void ht_kinesis_stream_free_readers(struct ht_kinesis_stream *stream);

/** ops->put. */
void ht_kinesis_stream_put(struct ht_stream *port, struct ht_stream_put *put);
/** The put side's timer. */
void ht_kinesis_stream_on_put_due(struct ht_timer *timer);

/** Reads the kept cursor. Blocks. */
int ht_kinesis_stream_load_cursor(struct ht_kinesis_stream *stream, struct ht_error *error);
/** Makes a cursor durable, soon. */
void ht_kinesis_stream_keep_cursor(struct ht_kinesis_stream *stream, struct ht_slice cursor);
/** The cursor's timer. */
void ht_kinesis_stream_on_cursor_due(struct ht_timer *timer);
