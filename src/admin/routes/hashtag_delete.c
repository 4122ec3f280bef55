// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

#include <stdlib.h>

/*
 *     ht_route_hashtag_delete -> the count stage's delete -> on_deleted -> the answer
 */

/* One deletion on its way; its memory is its own, since the client may be gone first. */
struct work {
    struct ht_count_delete request;
    struct ht_admin_exchange *exchange;
    size_t length;
    char tag[HT_FOLD_BYTES_MAX];
};

static void on_deleted(struct ht_count_delete *request);
static void answer(struct ht_admin_exchange *exchange, const struct ht_count_delete *request);

void ht_route_hashtag_delete(struct ht_admin_exchange *exchange)
{
    if (!ht_exchange_is_loaded(exchange)) {
        return;
    }
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        ht_exchange_answer_problem(exchange, 503, "Out of memory; try again in a moment.");
        return;
    }
    if (!ht_exchange_read_tag(exchange, work->tag, &work->length)) {
        free(work);
        return;
    }
    exchange->work = work;
    work->exchange = exchange;
    work->request.hashtag = ht_slice_make(work->tag, work->length);
    work->request.done = on_deleted;
    work->request.user = work;
    ht_count_delete(exchange->admin->context.count, &work->request);
}

static void on_deleted(struct ht_count_delete *request)
{
    struct work *work = request->user;
    if (request->status != 0) {
        ht_exchange_answer_error(work->exchange, &request->error);
    } else if (!request->found) {
        ht_exchange_answer_no_hashtag(work->exchange, request->hashtag);
    } else {
        answer(work->exchange, request);
    }
    free(work);
}

static void answer(struct ht_admin_exchange *exchange, const struct ht_count_delete *request)
{
    struct ht_buffer json;
    ht_buffer_init(&json, 65536);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "hashtag");
    ht_json_write_slice(&writer, request->hashtag);
    ht_json_write_key(&writer, "count");
    ht_json_write_u64(&writer, request->count);
    ht_json_write_key(&writer, "first_seen");
    ht_json_write_i64(&writer, request->first_seen_s);
    ht_json_write_key(&writer, "last_seen");
    ht_json_write_i64(&writer, request->last_seen_s);
    ht_json_write_key(&writer, "deleted_at");
    ht_json_write_i64(&writer, request->deleted_at_s);
    ht_json_write_key(&writer, "event_id");
    if (request->event_id[0] == '\0') {
        ht_json_write_null(&writer);
    } else {
        ht_json_write_text(&writer, request->event_id);
    }
    ht_json_write_object_end(&writer);
    ht_exchange_answer_json(exchange, 200, &json);
}
