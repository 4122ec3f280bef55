// SPDX-License-Identifier: MIT

/* A whole connection of the HTTP server over a transport without a socket. However the bytes are cut and
 * however slowly the client reads, the same requests reach the handler and the same answers go out; what
 * reaches it has one meaning only (request_judge.h); and every connection comes to its end. */

#include "fake_transport.h"
#include "fuzz.h"
#include "http_internal.h"
#include "request_judge.h"

#include "hashtagd/net/sse.h"

#define BODY_MAX_BYTES 300
#define LATER_MAX      64
#define PATIENCE_MS    200000
#define BIG_BYTES      300000 /* more than may wait before requests wait too */

/* What the application of the target saw. */
struct seen {
    struct ht_slice method, target; /* copies */
    struct ht_buffer body;
    bool has_body; /* on_body came */
};

struct later {
    struct ht_timer timer;
    struct ht_http_request *request; /* NULL: answered or gone */
    struct world *world;
};

struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_http_server *server;
    struct ht_buffer journal;
    struct ht_random random; /* how the client reads */
    bool reads_slowly;
    bool takes_time;   /* the client does: deadlines pass */
    struct seen *seen; /* owned array */
    size_t seen_count;
    struct later later[LATER_MAX];
    size_t later_count;
    struct ht_http_body *big;
    struct ht_sse *events;
};

static void run_badly(struct world *world, struct ht_slice bytes, unsigned cuts, unsigned reading);
static void forget(struct world *world);
static void begin(struct world *world, unsigned reading);
static void feed(struct world *world, struct ht_slice bytes, unsigned seed);
static void turn(struct world *world, uint64_t ms);
static void wait_until_it_reads(struct world *world);
static void end(struct world *world);
static void finish(struct world *world);
static void on_request(void *user, struct ht_http_request *request);
static void note_request(struct world *world, const struct ht_http_request *request);
static void on_body(void *user, struct ht_http_request *request);
static void on_gone(void *user, struct ht_http_request *request);
static void on_stream_gone(void *user);
static void on_later(struct ht_timer *timer);
static void answer(struct world *world, struct ht_http_request *request, bool is_big);
static void compare_answers(struct ht_slice one, struct ht_slice other);
static size_t last_refusal(struct ht_slice answers);
static void judge(const struct world *world, struct ht_slice bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned cuts = fuzz_take_byte(&input);
    unsigned reading = fuzz_take_byte(&input);
    struct ht_slice bytes = fuzz_rest(&input);
    static struct world whole, pieces; /* large; begin() makes them new */

    begin(&whole, 0);
    feed(&whole, bytes, 0);
    end(&whole);
    struct ht_buffer answers = fake_transport.sent;
    ht_buffer_init(&fake_transport.sent, 0);
    finish(&whole);
    begin(&pieces, reading);
    feed(&pieces, bytes, cuts);
    end(&pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole.journal), ht_buffer_slice(&pieces.journal), "requests");
    compare_answers(ht_buffer_slice(&answers), ht_buffer_slice(&fake_transport.sent));
    judge(&whole, bytes);
    finish(&pieces);
    forget(&pieces);
    run_badly(&pieces, bytes, cuts, reading);
    FUZZ_CHECK(
        ht_slice_starts_with(ht_buffer_slice(&whole.journal), ht_buffer_slice(&pieces.journal)),
        "a slow client is heard otherwise");
    forget(&pieces);
    forget(&whole);
    ht_buffer_finish(&answers);
    return 0;
}

/* A client that is late, and one that breaks the connection: what reaches the handler before is the
 * same. */
static void run_badly(struct world *world, struct ht_slice bytes, unsigned cuts, unsigned reading)
{
    begin(world, reading | 1);
    world->takes_time = (reading & 2) != 0;
    bytes.length -= (reading & 4) != 0 ? bytes.length / 3 : 0;
    feed(world, bytes, cuts | 2);
    if ((reading & 4) != 0) {
        fake_transport_break();
    }
    end(world);
    finish(world);
}

static void forget(struct world *world)
{
    for (size_t i = 0; i < world->seen_count; i++) {
        ht_buffer_finish(&world->seen[i].body);
        free((char *)(uintptr_t)world->seen[i].method.data);
        free((char *)(uintptr_t)world->seen[i].target.data);
    }
    free(world->seen);
    ht_buffer_finish(&world->journal);
}

/* As ht_http_server_create() does it, without a listener. */
static void begin(struct world *world, unsigned reading)
{
    memset(world, 0, sizeof *world);
    fake_transport_reset();
    ht_manual_clock_init(&world->clock, 1000000000, 1700000000000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_buffer_init(&world->journal, FUZZ_JOURNAL_MAX_BYTES);
    ht_random_init(&world->random, reading);
    world->reads_slowly = reading > 0;
    struct ht_http_server *server = calloc(1, sizeof *server);
    FUZZ_CHECK(server != NULL, "memory");
    world->server = server;
    server->options = (struct ht_http_server_options){
        .on_request = on_request,
        .user = world,
        .max_connection_count = 10,
        .max_head_bytes = 1500,
        .max_header_count = 12,
        .max_target_bytes = 200,
        .max_pipelined_bytes = 400,
        .max_body_bytes_in_total = 1000,
        .max_output_bytes = 2000,
        .max_buffered_bytes_in_total = 64u << 20,
        .idle_timeout_ms = 60000,
        .head_timeout_ms = 10000,
        .progress_timeout_ms = 20000,
        .min_bytes_per_s = 1,
        .linger_timeout_ms = 2000,
    };
    server->head_limits = (struct ht_http_head_limits){1500, 12, 200};
    server->clock = &world->clock.clock;
    server->timers = &world->timers;
    server->date_s = -1;
    server->spare_fd = -1;
    ht_http_load_init(server);
    ht_buffer_init(&server->scratch, 65536);
    server->continue_line = ht_http_body_create(HT_SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    fake_transport.left_out = server->continue_line; /* whether it is sent depends on the cuts */
    FUZZ_CHECK(server->continue_line != NULL, "memory");
    fake_transport.room = world->reads_slowly ? 0 : SIZE_MAX;
    ht_http_connection_accept(server);
}

static void feed(struct world *world, struct ht_slice bytes, unsigned seed)
{
    struct fuzz_cuts cuts;
    struct ht_slice piece;

    fuzz_cuts_init(&cuts, bytes, seed);
    while (!fake_transport.is_closing && fuzz_cuts_next(&cuts, &piece)) {
        wait_until_it_reads(world);
        if (!fake_transport.is_closing) {
            fake_transport_receive(piece);
        }
        turn(world, 0);
    }
    fuzz_cuts_finish(&cuts);
}

/* A server that holds the client back must let it go on, once its answers are read. */
static void wait_until_it_reads(struct world *world)
{
    for (unsigned i = 0; !fake_transport.is_reading && !fake_transport.is_closing; i++) {
        FUZZ_CHECK(i < 5000, "it holds the client back for ever");
        turn(world, 1);
    }
}

/* A turn of the loop: the client reads, timers fire. */
static void turn(struct world *world, uint64_t ms)
{
    world->clock.now_ns +=
        ms * 1000000; /* the date stands still, so that answers can be compared */
    if (world->takes_time && ht_random_below(&world->random, 8) == 0) {
        world->clock.now_ns += ht_random_below(&world->random, 12000) * 1000000;
    }
    if (world->reads_slowly) {
        fake_transport.room = (size_t)ht_random_below(&world->random, 2000);
        fake_transport_drain(1 + (size_t)ht_random_below(&world->random, 100000));
    }
    for (unsigned i = 0; ht_timer_queue_next_ns(&world->timers) == 0; i++) {
        FUZZ_CHECK(i < 5000, "its timers never rest");
        ht_timer_queue_run(&world->timers);
    }
}

/* The client waits for all answers, then ends its side; the server must close. */
static void end(struct world *world)
{
    for (unsigned i = 0; i < 400 && !fake_transport.is_closing; i++) {
        turn(world, 1);
    }
    if (!fake_transport.has_ended) {
        wait_until_it_reads(world);
    }
    fake_transport_end();
    for (uint64_t ms = 0; !fake_transport.is_closing; ms += 500) {
        FUZZ_CHECK(ms < PATIENCE_MS, "it never closes");
        turn(world, 500);
    }
}

static void finish(struct world *world)
{
    FUZZ_CHECK(fake_transport_closed(), "closed");
    for (size_t i = 0; i < world->later_count; i++) {
        FUZZ_CHECK(world->later[i].request == NULL, "a request that nobody hears of");
    }
    FUZZ_CHECK(world->events == NULL, "a stream that nobody hears of");
    FUZZ_CHECK(world->server->stats.body_bytes_held == 0, "bytes of bodies are left");
    FUZZ_CHECK(world->server->connection_count == 0, "a connection is left");
    ht_http_load_finish(world->server);
    FUZZ_CHECK(ht_timer_queue_next_ns(&world->timers) == UINT64_MAX, "a timer is left");
    ht_http_body_release(world->server->continue_line);
    ht_http_body_release(world->big);
    ht_buffer_finish(&world->server->scratch);
    free(world->server);
    ht_timer_queue_finish(&world->timers);
    fake_transport_finish();
}

/* --- the application: by the first letter of the path --- */

static void on_request(void *user, struct ht_http_request *request)
{
    struct world *world = user;
    struct ht_http_body_wanted wanted = {
        .max_bytes = BODY_MAX_BYTES, .on_body = on_body, .on_gone = on_gone, .user = world};
    struct ht_sse_options stream = {.on_gone = on_stream_gone, .user = world};
    char kind = request->path.length > 1 ? request->path.data[1] : '\0';

    note_request(world, request);
    if (kind == 'e' || kind == 'r') {
        wanted.is_required = kind == 'r';
        (void)ht_http_request_collect_body(request, &wanted);
    } else if (kind == 'l' && world->later_count < LATER_MAX) {
        struct later *later = &world->later[world->later_count++];
        *later = (struct later){.request = request, .world = world};
        ht_timer_init(&later->timer, on_later);
        ht_timer_start(&world->timers, &later->timer, 1);
        ht_http_request_watch(request, on_gone, world);
    } else if (kind == 's' && ht_sse_begin(request, &stream, &world->events) == 0) {
        ht_sse_send(world->events, "top", HT_SLICE("{}"));
    } else if (kind != 's') {
        answer(world, request, kind == 'b');
    }
}

static void note_request(struct world *world, const struct ht_http_request *request)
{
    fuzz_note(&world->journal, "method", request->method, request->method_name);
    fuzz_note(&world->journal, "target", (uint64_t)request->version_minor, request->target);
    fuzz_note(&world->journal, "path", request->has_body, request->path);
    fuzz_note(&world->journal, "query", request->query.data != NULL, request->query);
    fuzz_note(&world->journal, "host", request->host.data != NULL, request->host);
    for (size_t i = 0; i < request->header_count; i++) {
        fuzz_note(&world->journal, "name", i, request->headers[i].name);
        fuzz_note(&world->journal, "value", i, request->headers[i].value);
    }
    struct seen *more = realloc(world->seen, (world->seen_count + 1) * sizeof *more);
    FUZZ_CHECK(more != NULL, "memory");
    world->seen = more;
    struct seen *seen = &more[world->seen_count++];
    *seen = (struct seen){
        .method = {fuzz_text(request->method_name), request->method_name.length},
        .target = {fuzz_text(request->target), request->target.length},
    };
    ht_buffer_init(&seen->body, 1u << 20);
}

static void on_body(void *user, struct ht_http_request *request)
{
    struct world *world = user;
    struct seen *seen = &world->seen[world->seen_count - 1];

    fuzz_note(&world->journal, "body", 0, request->body);
    FUZZ_CHECK(request->body.length <= BODY_MAX_BYTES, "a body of %zu bytes", request->body.length);
    ht_buffer_append_slice(&seen->body, request->body);
    seen->has_body = true;
    struct ht_http_response response = {.status = 200, .content = request->body};
    ht_http_respond(request, &response);
}

static void on_gone(void *user, struct ht_http_request *request)
{
    struct world *world = user;

    for (size_t i = 0; i < world->later_count; i++) {
        if (world->later[i].request == request) {
            ht_timer_stop(&world->timers, &world->later[i].timer);
            world->later[i].request = NULL;
        }
    }
}

static void on_stream_gone(void *user)
{
    ((struct world *)user)->events = NULL;
}

static void on_later(struct ht_timer *timer)
{
    struct later *later = HT_CONTAINER_OF(timer, struct later, timer);
    struct ht_http_request *request = later->request;

    later->request = NULL;
    answer(later->world, request, false);
}

static void answer(struct world *world, struct ht_http_request *request, bool is_big)
{
    struct ht_http_response response = {.status = 200, .content = HT_SLICE("hello\n")};

    if (is_big && world->big == NULL) {
        static char bytes[BIG_BYTES];
        world->big = ht_http_body_create(ht_slice_make(bytes, sizeof bytes));
        FUZZ_CHECK(world->big != NULL, "memory");
    }
    if (is_big) {
        response = (struct ht_http_response){.status = 200, .body = world->big};
    }
    ht_http_respond(request, &response);
}

/* --- the judge --- */

/* Where a head has more than one fault, which of them is told may depend on the cuts: the last answers
 * may then be other refusals, but nothing before them. */
static void compare_answers(struct ht_slice one, struct ht_slice other)
{
    size_t at = last_refusal(one);

    if (!ht_slice_equal(one, other) && at < one.length && at == last_refusal(other)) {
        one.length = at;
        other.length = at;
    }
    FUZZ_CHECK_SAME(one, other, "answers");
}

/* Where the last answer begins, if it refuses a head; else the end. */
static size_t last_refusal(struct ht_slice answers)
{
    static const char *const refusals[] = {"HTTP/1.1 400 ", "HTTP/1.1 414 ", "HTTP/1.1 431 "};
    size_t last = answers.length;

    for (size_t i = 0; i < HT_COUNT_OF(refusals); i++) {
        struct ht_slice begin = ht_slice_text(refusals[i]);
        for (size_t at = 0; at + begin.length <= answers.length; at++) {
            bool is_here = memcmp(answers.data + at, begin.data, begin.length) == 0;
            last = is_here && (last == answers.length || at > last) ? at : last;
        }
    }
    return last;
}

static void judge(const struct world *world, struct ht_slice bytes)
{
    struct request_judged judged;

    ht_buffer_init(&judged.body, 1u << 20);
    for (size_t i = 0; i < world->seen_count; i++) {
        const struct seen *seen = &world->seen[i];
        request_judge(&bytes, &judged);
        /* of the last one the body may be missing or wrong: its head was clear */
        bool is_last = i + 1 == world->seen_count && !seen->has_body;
        FUZZ_CHECK(judged.fault == NULL || (is_last && judged.is_head_clear),
                   "request %zu was taken: %s", i, judged.fault);
        FUZZ_CHECK_SAME(seen->method, judged.method, "method");
        FUZZ_CHECK_SAME(seen->target, judged.target, "target");
        if (seen->has_body) {
            FUZZ_CHECK_SAME(ht_buffer_slice(&seen->body), ht_buffer_slice(&judged.body), "body");
        }
    }
    ht_buffer_finish(&judged.body);
}
