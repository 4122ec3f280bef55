// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

#include <stdlib.h>

/*
 *     ht_route_flush -> the count stage's flush -> on_counted -> the archiver's -> on_archived
 *                                                      |                              |
 *                                                      +--------- finish <------------+
 */

struct work {
    struct ht_admin_exchange *exchange;
    uint64_t started_ns;
    struct ht_count_flush counts;
    struct ht_archiver_flush archive;
};

static void on_counted(struct ht_count_flush *flush);
static void on_archived(struct ht_archiver_flush *flush);
static void finish(struct work *work, const struct ht_error *error);

void ht_route_flush(struct ht_admin_exchange *exchange)
{
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        ht_exchange_answer_problem(exchange, 503, "Out of memory; try again in a moment.");
        return;
    }
    exchange->work = work;
    work->exchange = exchange;
    work->started_ns = ht_clock_monotonic_ns(exchange->admin->context.clock);
    work->counts.done = on_counted;
    work->counts.user = work;
    ht_count_flush(exchange->admin->context.count, &work->counts);
}

static void on_counted(struct ht_count_flush *flush)
{
    struct work *work = flush->user;
    struct ht_archiver *archiver = work->exchange->admin->context.archiver;
    if (flush->status != 0) {
        finish(work, &flush->error);
        return;
    }
    if (archiver == NULL) {
        finish(work, NULL);
        return;
    }
    work->archive.done = on_archived;
    work->archive.user = work;
    ht_archiver_flush(archiver, &work->archive);
}

static void on_archived(struct ht_archiver_flush *flush)
{
    finish(flush->user, flush->status != 0 ? &flush->error : NULL);
}

static void finish(struct work *work, const struct ht_error *error)
{
    struct ht_admin_exchange *exchange = work->exchange;
    uint64_t now_ns = ht_clock_monotonic_ns(exchange->admin->context.clock);
    if (error != NULL) {
        ht_exchange_answer_error(exchange, error);
        free(work);
        return;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, 4096);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "hashtags");
    ht_json_write_u64(&writer, work->counts.hashtags);
    ht_json_write_key(&writer, "archived");
    ht_json_write_u64(&writer, work->archive.archived);
    ht_json_write_key(&writer, "seconds");
    ht_json_write_real(&writer, (double)(now_ns - work->started_ns) / 1e9);
    ht_json_write_object_end(&writer);
    ht_exchange_answer_json(exchange, 200, &json);
    free(work);
}
