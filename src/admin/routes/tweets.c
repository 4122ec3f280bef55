// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../negotiation.h"
#include "../routes.h"
#include "../tweets_body.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 *     ht_route_tweets -> take the body apart -> the ingest stage's post -> on_posted -> the answer
 *                          |          ^
 *                          +- on_turn +  where it is large
 */

#define READ_TURN_NS 2000000u /* of a turn of the loop, for all bodies that are being read */

struct work {
    struct ht_admin_exchange *exchange;
    struct ht_tweets_body body;
    struct ht_timer turn_timer;
    struct ht_ingest_verdict *verdicts;
    struct ht_ingest_post post;
};

static void read_on(struct work *work);
static void on_turn(struct ht_timer *timer);
static void end_reading(struct work *work, int result);
static void post(struct work *work);
static void on_posted(struct ht_ingest_post *request);
static void answer(struct work *work);
static void finish(struct work *work);

void ht_route_tweets(struct ht_admin_exchange *exchange)
{
    struct ht_slice type = ht_http_request_header(exchange->request, "Content-Type");
    bool is_lines = ht_is_media_type(type, "application/x-ndjson") ||
                    ht_is_media_type(type, "application/jsonl");
    if (!is_lines && !ht_is_media_type(type, "application/json")) {
        ht_exchange_answer_problem(exchange, 415,
                                   "Content-Type must be application/json, or "
                                   "application/x-ndjson for one tweet a line.");
        return;
    }
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        ht_exchange_answer_problem(exchange, 503, "Out of memory; try again in a moment.");
        return;
    }
    /* The body must live until the tweets are on the stream: whoever asked need not. */
    ht_http_request_watch(exchange->request, NULL, NULL);
    exchange->work = work;
    work->exchange = exchange;
    ht_timer_init(&work->turn_timer, on_turn);
    ht_tweets_body_init(&work->body);
    int result = ht_tweets_body_begin(&work->body, exchange->request->body, is_lines);
    if (result != 0) {
        end_reading(work, result);
        return;
    }
    read_on(work);
}

/* Goes on for its share of a turn. */
static void read_on(struct work *work)
{
    struct ht_admin *admin = work->exchange->admin;
    uint64_t until_ns =
        ht_clock_monotonic_ns(admin->context.clock) + READ_TURN_NS / (admin->reading_count + 1);
    int result = 0;
    do {
        result = ht_tweets_body_go_on(&work->body);
    } while (result == 0 && !work->body.is_read &&
             ht_clock_monotonic_ns(admin->context.clock) < until_ns);
    if (result == 0 && !work->body.is_read) {
        admin->reading_count++;
        ht_timer_start(admin->context.timers, &work->turn_timer, 0);
        return;
    }
    end_reading(work, result);
}

static void on_turn(struct ht_timer *timer)
{
    struct work *work = HT_CONTAINER_OF(timer, struct work, turn_timer);
    work->exchange->admin->reading_count--;
    read_on(work);
}

static void end_reading(struct work *work, int result)
{
    if (result == 0 && work->body.count > 0) {
        work->verdicts = calloc(work->body.count, sizeof(*work->verdicts));
        result = work->verdicts == NULL ? HT_ENOMEM : 0;
    }
    if (result == HT_ETOOBIG) {
        ht_exchange_answer_problem(work->exchange, 413,
                                   "More than %d tweets at once, or more than %d bytes unpacked; "
                                   "send them in several requests.",
                                   HT_TWEETS_BODY_MAX_COUNT, HT_TWEETS_BODY_MAX_BYTES);
        finish(work);
    } else if (result != 0) {
        ht_exchange_answer_problem(work->exchange, 503, "Out of memory; try again in a moment.");
        finish(work);
    } else if (work->body.count == 0) {
        answer(work);
    } else {
        post(work);
    }
}

static void post(struct work *work)
{
    work->post = (struct ht_ingest_post){.messages = work->body.messages,
                                         .count = work->body.count,
                                         .verdicts = work->verdicts,
                                         .done = on_posted,
                                         .user = work};
    ht_ingest_post(work->exchange->admin->context.ingest, &work->post);
}

static void on_posted(struct ht_ingest_post *request)
{
    struct work *work = request->user;
    if (request->status != 0) {
        ht_exchange_answer_error(work->exchange, &request->error);
        finish(work);
        return;
    }
    answer(work);
}

static void write_reject(struct ht_json_writer *writer, uint64_t line, const char *reason)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "line");
    ht_json_write_u64(writer, line);
    ht_json_write_key(writer, "reason");
    ht_json_write_text(writer, reason);
    ht_json_write_object_end(writer);
}

/* What the splitting found and what the stage found, in the order of the lines. */
static void write_members(const struct work *work, struct ht_json_writer *writer)
{
    const struct ht_tweets_body *body = &work->body;
    ht_json_write_key(writer, "accepted");
    ht_json_write_u64(writer, work->post.accepted_count);
    ht_json_write_key(writer, "rejected");
    ht_json_write_array_begin(writer);
    size_t reject = 0;
    for (size_t i = 0; i < body->count; i++) {
        while (reject < body->reject_count && body->rejects[reject].line <= body->lines[i]) {
            write_reject(writer, body->rejects[reject].line, body->rejects[reject].reason);
            reject++;
        }
        if (!work->verdicts[i].is_accepted) {
            write_reject(writer, body->lines[i], work->verdicts[i].reason);
        }
    }
    for (; reject < body->reject_count; reject++) {
        write_reject(writer, body->rejects[reject].line, body->rejects[reject].reason);
    }
    ht_json_write_array_end(writer);
}

static void answer_none(struct work *work, struct ht_buffer *members)
{
    struct ht_slice object = ht_buffer_slice(members);
    bool is_whole = ht_buffer_status(members) == 0 && object.length > 2;
    /* Without its braces the object is what a problem may carry. */
    struct ht_slice inner =
        is_whole ? ht_slice_make(object.data + 1, object.length - 2) : HT_SLICE("");
    const char *detail = work->body.count + work->body.reject_count == 0
                             ? "The body holds no tweet."
                             : "No tweet in the body is acceptable; `rejected` tells why.";
    ht_exchange_answer_problem_with(work->exchange, 400, detail, inner);
}

static void answer(struct work *work)
{
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_json_write_object_begin(&writer);
    write_members(work, &writer);
    ht_json_write_object_end(&writer);
    if (work->post.accepted_count == 0) {
        answer_none(work, &json);
        ht_buffer_finish(&json);
    } else {
        ht_exchange_answer_json(work->exchange, 202, &json);
    }
    finish(work);
}

static void finish(struct work *work)
{
    ht_tweets_body_finish(&work->body);
    free(work->verdicts);
    free(work);
}
