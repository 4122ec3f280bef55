// SPDX-License-Identifier: MIT

/*
 * A put's records go one by one through the queue, which keeps the order of each key:
 *
 *   put -> queue -> requests of up to 500, several at once -> stored -> ... all: done
 *            ^                     |
 *            +--- not before ... --+  throttled, failed, or nobody knows: that record again
 *                                  |
 *                                  +- refused for good: its status says so
 *
 * A put whose records fail for too long, or where a person is needed, gives up: what it has in the
 * queue is dropped, and when its last request is back it is done with that error.
 */

#include "kinesis_stream_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdlib.h>

enum {
    GIVE_UP_MS = 60000,        /* of failing */
    CLOSING_GIVE_UP_MS = 3000, /* the same when the stream is being closed */
    BEAT_MS = 50,
    KEY_MAX_BYTES = 256,
};

static const struct ht_backoff record_backoff = {.base_ms = 100, .max_ms = 5000};

/* A put, and its records. */
struct ht_kinesis_put {
    struct ht_kinesis_stream *stream;
    struct ht_kinesis_put *next;
    struct ht_stream_put *put;
    size_t remaining;          /* records that are neither stored nor refused */
    uint64_t failing_since_ms; /* monotonic; 0: nothing failed yet */
    struct ht_error error;     /* why it gave up, or what failed last */
    bool has_given_up;
    struct ht_kinesis_put_node nodes[];
};

static int check(const struct ht_put_record *record);
static void send(struct ht_kinesis_stream *stream);
static bool send_one(struct ht_kinesis_stream *stream, struct ht_kinesis_put_request *request);
static void on_sent(struct ht_kinesis_put_records *op);
static void take_results(struct ht_kinesis_put_request *request);
static void take_failure(struct ht_kinesis_put_request *request);
static void settle(struct ht_kinesis_stream *stream, struct ht_kinesis_put_node *node, int status);
static void give_up(struct ht_kinesis_put *put, const struct ht_error *error);
static void drop(struct ht_kinesis_stream *stream);
static void finish_puts(struct ht_kinesis_stream *stream);

void ht_kinesis_stream_put(struct ht_stream *port, struct ht_stream_put *request)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    struct ht_kinesis_put *put =
        calloc(1, sizeof(*put) + request->count * sizeof(struct ht_kinesis_put_node));
    request->adapter = put;
    if (put == NULL) {
        request->adapter = stream->lost_puts;
        stream->lost_puts = request;
        ht_timer_start(stream->options.timers, &stream->put_timer, 0);
        return;
    }
    put->stream = stream;
    put->put = request;
    struct ht_kinesis_put **end = &stream->puts;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = put;
    for (size_t i = 0; i < request->count; i++) {
        struct ht_put_record *record = &request->records[i];
        record->status = check(record);
        if (record->status != 0) {
            stream->stream.counters.records_refused++;
            continue;
        }
        put->nodes[i] = (struct ht_kinesis_put_node){
            .user = put, .index = i, .bytes = record->data.length + record->partition_key.length};
        put->remaining++;
        ht_kinesis_put_queue_add(&stream->queue, &put->nodes[i], record->partition_key);
    }
    ht_timer_start(stream->options.timers, &stream->put_timer, 0);
}

static int check(const struct ht_put_record *record)
{
    if (record->data.length + record->partition_key.length > HT_STREAM_MAX_RECORD_BYTES) {
        return HT_ETOOBIG;
    }
    bool is_right = record->data.length > 0 && record->partition_key.length > 0 &&
                    record->partition_key.length <= KEY_MAX_BYTES;
    return is_right ? 0 : HT_EINVAL;
}

void ht_kinesis_stream_on_put_due(struct ht_timer *timer)
{
    send(HT_CONTAINER_OF(timer, struct ht_kinesis_stream, put_timer));
}

static struct ht_kinesis_put_request *free_request(struct ht_kinesis_stream *stream)
{
    for (size_t i = 0; i < HT_KINESIS_PUTS_MOST; i++) {
        if (!stream->requests[i]->is_running) {
            return stream->requests[i];
        }
    }
    return NULL;
}

static void send(struct ht_kinesis_stream *stream)
{
    bool goes_on = true;
    drop(stream);
    while (goes_on && stream->request_count < stream->request_window &&
           ht_kinesis_stream_now_ms(stream) >= stream->put_not_before_ms) {
        struct ht_kinesis_put_request *request = free_request(stream);
        goes_on = request != NULL && send_one(stream, request);
    }
    finish_puts(stream);
}

/* When the next record may be sent, where no request is running whose end would look again. */
static void wait_for_due(struct ht_kinesis_stream *stream)
{
    uint64_t now = ht_kinesis_stream_now_ms(stream);
    uint64_t wait = ht_kinesis_put_queue_wait_ms(&stream->queue, now);
    uint64_t pause = stream->put_not_before_ms > now ? stream->put_not_before_ms - now : 0;
    if (wait == UINT64_MAX || stream->request_count >= stream->request_window) {
        return;
    }
    ht_timer_start(stream->options.timers, &stream->put_timer, wait > pause ? wait : pause);
}

static bool send_one(struct ht_kinesis_stream *stream, struct ht_kinesis_put_request *request)
{
    size_t count =
        ht_kinesis_put_queue_take(&stream->queue, ht_kinesis_stream_now_ms(stream), request->nodes,
                                  HT_KINESIS_PUT_MAX_RECORDS, stream->options.max_request_bytes);
    if (count == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ht_kinesis_put *put = request->nodes[i]->user;
        const struct ht_put_record *record = &put->put->records[request->nodes[i]->index];
        request->entries[i] = (struct ht_kinesis_put_entry){.data = record->data,
                                                            .partition_key = record->partition_key};
    }
    request->stream = stream;
    request->op = (struct ht_kinesis_put_records){.call.max_attempts = 1,
                                                  .stream_name = stream->options.stream_name,
                                                  .entries = request->entries,
                                                  .count = count,
                                                  .results = request->results,
                                                  .done = on_sent,
                                                  .user = request};
    request->is_running = true;
    stream->request_count++;
    int status = ht_kinesis_put_records_start(stream->options.aws, &request->op);
    if (status != 0) {
        request->is_running = false;
        stream->request_count--;
        request->op.call.status =
            ht_error_set(&request->op.call.error, status,
                         "Out of memory for putting records on %s.", stream->options.stream_name);
        take_failure(request);
    }
    return status == 0;
}

static void on_sent(struct ht_kinesis_put_records *op)
{
    struct ht_kinesis_put_request *request = op->user;
    struct ht_kinesis_stream *stream = request->stream;
    request->is_running = false;
    stream->request_count--;
    if (op->call.status == 0) {
        take_results(request);
    } else {
        take_failure(request);
    }
    send(stream);
}

/* When a record that has failed so often may be sent again. Those of one request wait the same time,
 * up to a common beat, so that they go together again. */
static uint64_t due_ms(const struct ht_kinesis_stream *stream, unsigned attempts)
{
    struct ht_random dice = *stream->options.random;
    uint64_t due =
        ht_kinesis_stream_now_ms(stream) + ht_backoff_ms(&record_backoff, attempts, &dice);
    return (due + BEAT_MS - 1) / BEAT_MS * BEAT_MS;
}

/* Sends the record again later; its put gives up where that has gone on for too long. */
static void try_again(struct ht_kinesis_stream *stream, struct ht_kinesis_put_node *node,
                      const struct ht_error *error)
{
    struct ht_kinesis_put *put = node->user;
    uint64_t now = ht_kinesis_stream_now_ms(stream);
    if (put->failing_since_ms == 0) {
        put->failing_since_ms = now > 0 ? now : 1;
    }
    node->attempts++;
    ht_kinesis_put_queue_again(&stream->queue, node, due_ms(stream, node->attempts));
    uint64_t most = stream->is_closing ? CLOSING_GIVE_UP_MS : GIVE_UP_MS;
    uint64_t since = stream->is_closing && stream->closing_ms > put->failing_since_ms
                         ? stream->closing_ms
                         : put->failing_since_ms;
    if (now - since >= most) {
        give_up(put, error);
    }
}

static void take_results(struct ht_kinesis_put_request *request)
{
    struct ht_kinesis_stream *stream = request->stream;
    size_t failed = 0;
    bool is_throttled = false;
    struct ht_error error;
    (void)ht_error_set(&error, HT_EBUSY,
                       "Kinesis does not take some records for stream %s at the moment (%s). They "
                       "are put again; where that goes on, give the stream more shards.",
                       stream->options.stream_name, request->op.reason);
    for (size_t i = 0; i < request->op.count; i++) {
        if (request->results[i] == HT_KINESIS_PUT_STORED) {
            stream->stream.counters.records_put++;
            stream->stream.counters.bytes_put += request->entries[i].data.length;
            settle(stream, request->nodes[i], 0);
            continue;
        }
        failed++;
        is_throttled = is_throttled || request->results[i] == HT_KINESIS_PUT_THROTTLED;
        try_again(stream, request->nodes[i], &error);
    }
    (void)ht_random_u64(stream->options.random); /* the next request waits otherwise */
    stream->put_failures = 0;
    if (failed == 0) {
        stream->request_window += stream->request_window < stream->options.puts_at_once;
    } else {
        stream->stream.counters.put_errors++;
        stream->request_window =
            is_throttled ? (stream->request_window + 1) / 2 : stream->request_window;
        ht_log_debug(stream->options.log, "kinesis", "records not stored, putting them again",
                     HT_NUMBER("failed", failed), HT_NUMBER("of", request->op.count),
                     HT_TEXT("first", request->op.reason));
    }
    if (failed < request->op.count) {
        ht_kinesis_stream_works(stream, HT_KINESIS_TROUBLE_PUT);
    }
}

/* The service refuses the request as a whole because of what is in it: in halves, until the record
 * stands alone. */
static bool is_content_refused(const struct ht_aws_call *call)
{
    static const char *const codes[] = {"ValidationException", "InvalidArgumentException",
                                        "SerializationException"};
    bool is_such = false;
    for (size_t i = 0; i < HT_COUNT_OF(codes); i++) {
        is_such = is_such || strcmp(call->failure.code, codes[i]) == 0;
    }
    return is_such && call->failure.http_status == 400;
}

static void split(struct ht_kinesis_put_request *request)
{
    struct ht_kinesis_stream *stream = request->stream;
    size_t count = request->op.count;
    uint64_t now = ht_kinesis_stream_now_ms(stream);
    if (count == 1) {
        stream->stream.counters.records_refused++;
        ht_log_warning(stream->options.log, "kinesis", "record refused for good",
                       HT_TEXT("error", request->op.call.error.text));
        settle(stream, request->nodes[0], HT_EINVAL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        request->nodes[i]->max_batch = (unsigned)((count + 1) / 2);
        ht_kinesis_put_queue_again(&stream->queue, request->nodes[i], now);
    }
}

static void take_failure(struct ht_kinesis_put_request *request)
{
    struct ht_kinesis_stream *stream = request->stream;
    struct ht_aws_call *call = &request->op.call;
    struct ht_error error;
    int status = ht_kinesis_stream_explain(stream, call, &error);
    stream->stream.counters.put_errors++;
    if (is_content_refused(call)) {
        split(request);
        return;
    }
    stream->put_failures++;
    stream->put_not_before_ms =
        ht_kinesis_stream_now_ms(stream) +
        ht_backoff_ms(&record_backoff, stream->put_failures, stream->options.random);
    stream->request_window = 1;
    ht_kinesis_stream_trouble(stream, HT_KINESIS_TROUBLE_PUT, &error);
    for (size_t i = 0; i < request->op.count; i++) {
        struct ht_kinesis_put *put = request->nodes[i]->user;
        try_again(stream, request->nodes[i], &error);
        if (ht_kinesis_stream_is_final(status) || status == HT_ECANCELED) {
            give_up(put, &error);
        }
    }
}

/* A record is stored, refused or dropped. */
static void settle(struct ht_kinesis_stream *stream, struct ht_kinesis_put_node *node, int status)
{
    struct ht_kinesis_put *put = node->user;
    ht_kinesis_put_queue_done(&stream->queue, node);
    put->put->records[node->index].status = status;
    put->remaining--;
}

static void give_up(struct ht_kinesis_put *put, const struct ht_error *error)
{
    if (put->has_given_up) {
        return;
    }
    put->has_given_up = true;
    put->error = *error;
    put->stream->has_dropped = true;
    ht_kinesis_stream_trouble(put->stream, HT_KINESIS_TROUBLE_PUT, error);
    for (size_t i = 0; i < put->put->count; i++) {
        put->nodes[i].is_dropped = true;
    }
}

/* A dropped record behind one of another put waits for that; it is found then. */
static void drop(struct ht_kinesis_stream *stream)
{
    while (stream->has_dropped) {
        struct ht_kinesis_put_node *node = ht_kinesis_put_queue_take_dropped(&stream->queue);
        if (node == NULL) {
            break;
        }
        settle(stream, node, 0);
    }
}

static void finish_lost(struct ht_kinesis_stream *stream)
{
    while (stream->lost_puts != NULL) {
        struct ht_stream_put *put = stream->lost_puts;
        stream->lost_puts = put->adapter;
        put->status = ht_error_set(&put->error, HT_ENOMEM, "Out of memory for a put.");
        put->done(put);
    }
}

static void finish_put(struct ht_kinesis_put *put)
{
    struct ht_stream_put *request = put->put;
    if (put->has_given_up) {
        request->status = put->error.code;
        request->error = put->error;
    } else {
        request->status = 0;
        if (ht_stream_put_is_whole(request)) {
            ht_kinesis_stream_keep_cursor(put->stream, request->source_cursor);
        }
    }
    free(put);
    request->done(request);
}

/* Puts are done in the order of their start where they are done at once. A callback may put more. */
static void finish_puts(struct ht_kinesis_stream *stream)
{
    bool has_more_dropped = false;
    finish_lost(stream);
    struct ht_kinesis_put **place = &stream->puts;
    struct ht_kinesis_put *done = NULL;
    struct ht_kinesis_put **done_end = &done;
    while (*place != NULL) {
        struct ht_kinesis_put *put = *place;
        if (put->remaining > 0) {
            has_more_dropped = has_more_dropped || put->has_given_up;
            place = &put->next;
            continue;
        }
        *place = put->next;
        put->next = NULL;
        *done_end = put;
        done_end = &put->next;
    }
    stream->has_dropped = has_more_dropped;
    stream->finishing++;
    while (done != NULL) {
        struct ht_kinesis_put *put = done;
        done = put->next;
        finish_put(put);
    }
    stream->finishing--;
    wait_for_due(stream);
    ht_kinesis_stream_check_close(stream);
}
