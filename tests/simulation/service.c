// SPDX-License-Identifier: MIT
#include "service.h"

#include "live.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/sources/many_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A connection:
 *
 *     connect -> (latency) on_agreed -> on_piece, on_piece ... -> end -> ht_live_ended
 *         `-- refused                      `-- stall: nothing more, until it is closed
 */

enum { PIECE_MESSAGES = 12, REPEATS_MAX = 5, STALL_MS = 30000 };

enum step { AGREE, PIECE, SILENCE, END };

struct connection {
    struct ht_live live; /* first */
    struct sim_service *service;
    struct sim_process *process;
    unsigned number;
    size_t at;      /* the next message that the service gives */
    size_t given;   /* messages given to live, in the log's numbers: the cursor */
    bool has_place; /* of an earlier connection or run */
    bool is_paused;
    enum step step;
    enum ht_source_end end;
    struct ht_timer timer;
};

static void connect_service(struct ht_live *live);
static void close_service(struct ht_live *live);
static void pause_service(struct ht_live *live);
static void resume_service(struct ht_live *live);
static size_t write_cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES]);
static void set_cursor(struct ht_live *live, struct ht_slice cursor);
static void destroy(struct ht_live *live);
static void on_due(struct ht_timer *timer);

static const struct ht_live_ops cursor_ops = {.service = "Simulated",
                                              .connect = connect_service,
                                              .close = close_service,
                                              .pause = pause_service,
                                              .resume = resume_service,
                                              .cursor = write_cursor,
                                              .set_cursor = set_cursor,
                                              .destroy = destroy};
static const struct ht_live_ops plain_ops = {.service = "Simulated",
                                             .connect = connect_service,
                                             .close = close_service,
                                             .pause = pause_service,
                                             .resume = resume_service,
                                             .destroy = destroy};

void sim_service_init(struct sim_service *service, struct sim *sim, struct sim_messages *messages,
                      unsigned count)
{
    *service = (struct sim_service){.sim = sim, .messages = messages, .count = count};
    for (unsigned i = 0; i < count; i++) {
        service->logs[i].has_cursor = i == 0 || sim_chance(sim, 600);
    }
}

void sim_service_finish(struct sim_service *service)
{
    for (unsigned i = 0; i < service->count; i++) {
        free(service->logs[i].numbers);
    }
}

void sim_service_publish(struct sim_service *service, uint32_t message)
{
    struct sim_service_log *log =
        &service->logs[ht_random_below(&service->sim->random, service->count)];
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 1024 : log->capacity * 2;
        log->numbers = realloc(log->numbers, log->capacity * sizeof(*log->numbers));
        HT_ASSERT(log->numbers != NULL);
    }
    log->numbers[log->count++] = message;
}

static struct ht_source *make_connection(struct sim_service *service, struct sim_process *process,
                                         unsigned number)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    HT_ASSERT(connection != NULL);
    static const char *const names[SIM_SOURCES_MAX] = {"first", "second", "third"};
    struct ht_live_options options = {.type = "simulated",
                                      .name = names[number],
                                      .clock = &process->clock,
                                      .timers = &process->timers,
                                      .random = &process->random,
                                      .stall_timeout_ms = STALL_MS};
    ht_live_init(&connection->live, service->logs[number].has_cursor ? &cursor_ops : &plain_ops,
                 &options);
    connection->service = service;
    connection->process = process;
    connection->number = number;
    ht_timer_init(&connection->timer, on_due);
    return &connection->live.source;
}

struct ht_source *sim_service_source(struct sim_service *service, struct sim_process *process)
{
    struct ht_source *sources[SIM_SOURCES_MAX];
    for (unsigned i = 0; i < service->count; i++) {
        sources[i] = make_connection(service, process, i);
    }
    return service->count == 1 ? sources[0]
                               : ht_many_source_create(sources, service->count, &process->clock,
                                                       &process->timers, NULL);
}

static struct connection *from_live(struct ht_live *live)
{
    return HT_CONTAINER_OF(live, struct connection, live);
}

static void next(struct connection *connection, enum step step, uint64_t delay_ms)
{
    connection->step = step;
    ht_timer_start(&connection->process->timers, &connection->timer, delay_ms);
}

static uint64_t dice(struct connection *connection, uint64_t most)
{
    return ht_random_below(&connection->service->sim->random, most + 1);
}

static bool happens(struct connection *connection, unsigned per_mille)
{
    return sim_chance(connection->service->sim, per_mille);
}

static void connect_service(struct ht_live *live)
{
    struct connection *connection = from_live(live);
    connection->is_paused = false;
    if (happens(connection, connection->service->faults.refused)) {
        static const enum ht_source_end ends[] = {HT_SOURCE_END_NETWORK, HT_SOURCE_END_HTTP_ERROR,
                                                  HT_SOURCE_END_RATE_LIMITED,
                                                  HT_SOURCE_END_TOO_MANY};
        connection->end = ends[dice(connection, HT_COUNT_OF(ends) - 1)];
        next(connection, END, dice(connection, 1000));
        return;
    }
    next(connection, AGREE, dice(connection, 300));
}

static void agree(struct connection *connection)
{
    const struct sim_service_log *log = &connection->service->logs[connection->number];
    connection->at = log->count;
    if (log->has_cursor && connection->has_place) {
        size_t repeats = dice(connection, REPEATS_MAX);
        connection->at = connection->given > repeats ? connection->given - repeats : 0;
    } else if (log->has_cursor) {
        connection->at = 0;
    }
    SIM_NOTE(connection->service->sim, "source %u: connected at %zu of %zu", connection->number,
             connection->at, log->count);
    ht_live_connected(&connection->live);
    next(connection, PIECE, dice(connection, 200));
}

static void give_broken_line(struct connection *connection)
{
    static const char line[] = "{\"id\":1,\"text\":\"cut o";
    uint32_t number = sim_messages_broken(connection->service->messages, line);
    const struct sim_message *message = &connection->service->messages->items[number];
    ht_live_refuse(&connection->live, ht_slice_make(message->data, message->length), "cut_off");
}

/* One piece of what is read from the socket; where it stops in the middle, the rest is lost. */
static void give_piece(struct connection *connection)
{
    const struct sim_service_log *log = &connection->service->logs[connection->number];
    size_t most = 1 + dice(connection, PIECE_MESSAGES);
    ht_live_received(&connection->live, 2); /* keep-alives too */
    for (size_t i = 0; i < most && connection->at < log->count; i++) {
        const struct sim_message *message =
            &connection->service->messages->items[log->numbers[connection->at]];
        ht_live_message(&connection->live, ht_slice_make(message->data, message->length));
        connection->at++;
        connection->given = connection->at > connection->given ? connection->at : connection->given;
        connection->has_place = true;
    }
    if (happens(connection, connection->service->faults.broken_line)) {
        give_broken_line(connection);
    }
    ht_live_deliver(&connection->live);
}

static void on_piece(struct connection *connection)
{
    const struct sim_service_faults *faults = &connection->service->faults;
    const struct sim_service_log *log = &connection->service->logs[connection->number];
    if (connection->is_paused) {
        return;
    }
    if (happens(connection, faults->cut)) {
        connection->end = happens(connection, 500) ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_ENDED;
        next(connection, END, 0);
        return;
    }
    if (happens(connection, faults->stalls)) {
        connection->step = SILENCE;
        return;
    }
    give_piece(connection);
    if (connection->step == PIECE && !connection->is_paused) {
        next(connection, PIECE,
             connection->at < log->count ? dice(connection, 100) : 500 + dice(connection, 4000));
    }
}

static void on_due(struct ht_timer *timer)
{
    struct connection *connection = HT_CONTAINER_OF(timer, struct connection, timer);
    if (connection->step == AGREE) {
        agree(connection);
    } else if (connection->step == PIECE) {
        on_piece(connection);
    } else if (connection->step == END) {
        struct ht_live_end end = {.end = connection->end};
        ht_live_ended(&connection->live, &end);
    }
}

static void close_service(struct ht_live *live)
{
    struct connection *connection = from_live(live);
    connection->end = HT_SOURCE_END_NETWORK;
    next(connection, END, 0);
}

static void pause_service(struct ht_live *live)
{
    struct connection *connection = from_live(live);
    connection->is_paused = true;
}

static void resume_service(struct ht_live *live)
{
    struct connection *connection = from_live(live);
    connection->is_paused = false;
    if (connection->step == PIECE) {
        next(connection, PIECE, 0);
    }
}

static size_t write_cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    const struct connection *connection = (const struct connection *)live;
    return connection->has_place
               ? (size_t)snprintf(text, HT_SOURCE_OWN_CURSOR_BYTES, "%zu", connection->given)
               : 0;
}

static void set_cursor(struct ht_live *live, struct ht_slice cursor)
{
    struct connection *connection = from_live(live);
    connection->given = 0;
    for (size_t i = 0; i < cursor.length; i++) {
        connection->given = connection->given * 10 + (size_t)(cursor.data[i] - '0');
    }
    connection->has_place = true;
}

static void destroy(struct ht_live *live)
{
    struct connection *connection = from_live(live);
    ht_timer_stop(&connection->process->timers, &connection->timer);
    ht_live_finish(live);
    free(connection);
}

static bool is_taken(const struct sim_message *message)
{
    return message->kind == SIM_NOTICE ||
           (message->kind == SIM_TWEET ? message->on_stream : message->letters) > 0;
}

bool sim_service_is_taken(struct sim_service *service, bool fails)
{
    for (unsigned i = 0; i < service->count; i++) {
        const struct sim_service_log *log = &service->logs[i];
        for (size_t j = log->count; j > 0 && log->has_cursor; j--) {
            const struct sim_message *message = &service->messages->items[log->numbers[j - 1]];
            if (is_taken(message)) {
                continue;
            }
            if (fails) {
                sim_fail(service->sim, "message ~%u~ of source %u, number %zu of %zu, is lost",
                         log->numbers[j - 1], i, j, log->count);
            }
            return false;
        }
    }
    return true;
}
