// SPDX-License-Identifier: MIT
#include "amazon_wire.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 *   start --> arrival (the world's timer) --> effect, answer made
 *     |                                            |
 *     +--------> given up, lost -----------------> told (a timer of the process) -> on_done
 *
 * A request has two ends, its effect and its answer, in any order; the wire goes with the later one.
 */

enum {
    HUGE_BYTES = 10 * 1024 * 1024,
    HEADERS_MAX = 48,
    ANSWER_HEADERS_MAX = 8,
};

struct amazon_wire {
    struct amazon *amazon;
    struct amazon_machine *machine; /* NULL: gone */
    struct amazon_wire *next, *previous;
    /* what was sent: one piece of memory */
    struct amazon_request request;
    struct ht_http_header headers[HEADERS_MAX];
    char *bytes;
    /* who waits */
    ht_http_on_done_fn on_done;
    void *user;
    uint64_t started_ns;
    size_t max_response_bytes;
    /* on its way there */
    struct ht_timer arrival;
    bool is_arriving, has_no_effect;
    /* and back */
    struct ht_timer answer;
    bool is_told, is_decided; /* decided: how it ends is known, arrival changes it no more */
    int code;
    const char *error_text;
    struct amazon_reply reply;
    uint64_t way_back_ms;
};

int __wrap_ht_http_transfer_start(struct ht_http_client *client,
                                  const struct ht_http_transfer_options *options,
                                  struct ht_http_transfer **transfer, struct ht_error *error);
void __wrap_ht_http_transfer_cancel(struct ht_http_transfer *transfer);

static void on_arrival(struct ht_timer *timer);
static void on_answer(struct ht_timer *timer);
static void choose_fate(struct amazon_wire *wire, uint64_t timeout_ms);

/* --- making --- */

static struct ht_slice keep(char **at, struct ht_slice text)
{
    char *begin = *at;
    if (text.length > 0) {
        memcpy(begin, text.data, text.length);
    }
    begin[text.length] = '\0';
    *at += text.length + 1;
    return ht_slice_make(begin, text.length);
}

static void copy_request(struct amazon_wire *wire, const struct ht_http_transfer_options *options)
{
    struct amazon_request *request = &wire->request;
    struct ht_slice url = ht_slice_text(options->url);
    struct ht_slice method = ht_slice_text(options->method == NULL ? "GET" : options->method);
    size_t bytes = url.length + method.length + options->body.length + 3;
    HT_ASSERT(options->header_count <= HEADERS_MAX);
    for (size_t i = 0; i < options->header_count; i++) {
        bytes += options->headers[i].name.length + options->headers[i].value.length + 2;
    }
    char *at = wire->bytes = malloc(bytes);
    HT_ASSERT(at != NULL);
    request->url = keep(&at, url);
    request->method = keep(&at, method);
    request->body = keep(&at, options->body);
    for (size_t i = 0; i < options->header_count; i++) {
        wire->headers[i].name = keep(&at, options->headers[i].name);
        wire->headers[i].value = keep(&at, options->headers[i].value);
    }
    request->headers = wire->headers;
    request->header_count = options->header_count;
    request->fault = AMAZON_FAULTS;
}

static const struct amazon_operation *find_among(const struct amazon_operation *all, size_t count,
                                                 struct ht_slice target)
{
    for (size_t i = 0; i < count; i++) {
        if (ht_slice_equal(target, ht_slice_text(all[i].target))) {
            return &all[i];
        }
    }
    return NULL;
}

static const struct amazon_operation *find_operation(const struct amazon_request *request)
{
    static const struct {
        const struct amazon_operation *all;
        size_t count;
    } services[] = {
        {amazon_kinesis_operations, HT_COUNT_OF(amazon_kinesis_operations)},
        {amazon_dynamodb_operations, HT_COUNT_OF(amazon_dynamodb_operations)},
        {amazon_streams_operations, HT_COUNT_OF(amazon_streams_operations)},
        {amazon_firehose_operations, HT_COUNT_OF(amazon_firehose_operations)},
    };
    struct ht_slice target =
        ht_http_header_find(request->headers, request->header_count, "X-Amz-Target");
    if (target.data == NULL) {
        bool is_container = ht_slice_starts_with(request->url, HT_SLICE("http://169.254."));
        return is_container ? &amazon_container : &amazon_put_object;
    }
    for (size_t i = 0; i < HT_COUNT_OF(services); i++) {
        const struct amazon_operation *found =
            find_among(services[i].all, services[i].count, target);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static void link_in(struct amazon_wire *wire)
{
    struct amazon *amazon = wire->amazon;
    wire->next = amazon->wires;
    if (wire->next != NULL) {
        wire->next->previous = wire;
    }
    amazon->wires = wire;
    amazon->wire_count++;
}

static void free_wire(struct amazon_wire *wire)
{
    struct amazon *amazon = wire->amazon;
    if (wire->previous == NULL) {
        amazon->wires = wire->next;
    } else {
        wire->previous->next = wire->next;
    }
    if (wire->next != NULL) {
        wire->next->previous = wire->previous;
    }
    amazon->wire_count--;
    ht_buffer_finish(&wire->reply.body);
    free(wire->bytes);
    free(wire);
}

int __wrap_ht_http_transfer_start(struct ht_http_client *client,
                                  const struct ht_http_transfer_options *options,
                                  struct ht_http_transfer **transfer, struct ht_error *error)
{
    struct amazon_machine *machine = amazon_machine_from(client);
    struct amazon_wire *wire = amazon_allocate(sizeof(*wire));
    (void)error;
    wire->amazon = machine->amazon;
    wire->machine = machine;
    copy_request(wire, options);
    wire->request.operation = find_operation(&wire->request);
    HT_ASSERT(wire->request.operation != NULL);
    wire->on_done = options->on_done;
    wire->user = options->user;
    wire->started_ns = machine->amazon->options.sim->now_ns;
    wire->max_response_bytes =
        options->max_response_bytes == 0 ? 1024 * 1024 : options->max_response_bytes;
    ht_buffer_init(&wire->reply.body, AMAZON_ANSWER_BYTES);
    ht_timer_init(&wire->arrival, on_arrival);
    ht_timer_init(&wire->answer, on_answer);
    link_in(wire);
    choose_fate(wire, options->timeout_ms);
    if (transfer != NULL) {
        *transfer = (struct ht_http_transfer *)(void *)wire;
    }
    return 0;
}

/* --- fate --- */

static void tell(struct amazon_wire *wire, uint64_t wait_ms, int code, const char *text)
{
    wire->code = code;
    wire->error_text = text;
    ht_timer_start(&wire->machine->process->timers, &wire->answer, wait_ms);
}

static void arrive(struct amazon_wire *wire, uint64_t wait_ms)
{
    wire->is_arriving = true;
    ht_timer_start(&wire->amazon->options.sim->timers, &wire->arrival, wait_ms);
}

static bool can_strike(enum amazon_fault fault, const struct amazon_operation *operation)
{
    const char *target = operation->target == NULL ? "" : operation->target;
    bool reads = strstr(target, "GetRecords") != NULL;
    bool is_dynamodb =
        operation->service == AMAZON_DYNAMODB || operation->service == AMAZON_STREAMS;
    switch (fault) {
    case AMAZON_PARTIAL:
        return strstr(target, "PutRecord") != NULL;
    case AMAZON_EXPIRED_ITERATOR:
    case AMAZON_HUGE:
        return reads;
    case AMAZON_EMPTY_PAGE:
        return reads || strstr(target, "Scan") != NULL;
    case AMAZON_WRONG_CRC:
        return is_dynamodb;
    case AMAZON_LATE: /* of a put it would be a repeat behind the window of recent ids */
        return operation->is_write && operation->service != AMAZON_KINESIS;
    case AMAZON_EXPIRED_KEYS:
        return operation->service != AMAZON_CONTAINER;
    default:
        return true;
    }
}

/* Whether a fault leaves the sender of PutRecords without an answer to what took effect. */
static bool leaves_alone(enum amazon_fault fault, const struct amazon_operation *operation)
{
    return operation->service == AMAZON_KINESIS && operation->is_write &&
           (fault == AMAZON_LOST_AFTER || fault == AMAZON_SILENT_AFTER || fault == AMAZON_CUT ||
            fault == AMAZON_BROKEN_AFTER || fault == AMAZON_SLOW);
}

static enum amazon_fault throw_dice(struct amazon *amazon, const struct amazon_operation *operation)
{
    double at = ht_random_unit(&amazon->options.sim->random);
    if (at >= amazon->rate_sum) {
        return AMAZON_FAULTS;
    }
    for (unsigned i = 0; i < AMAZON_FAULTS; i++) {
        if (at < amazon->rates.rate[i]) {
            enum amazon_fault fault = (enum amazon_fault)i;
            bool is_spared = amazon->options.answers_puts && leaves_alone(fault, operation);
            return can_strike(fault, operation) && !is_spared ? fault : AMAZON_FAULTS;
        }
        at -= amazon->rates.rate[i];
    }
    return AMAZON_FAULTS;
}

static uint64_t one_way(struct amazon *amazon)
{
    return amazon->latency_least_ms +
           amazon_below(amazon, amazon->latency_most_ms - amazon->latency_least_ms + 1);
}

/* An outage of one service, or of all. */
static bool is_out(const struct amazon *amazon, const struct amazon_operation *operation)
{
    return (amazon->outages >> operation->service & 1) != 0;
}

static void choose_fate(struct amazon_wire *wire, uint64_t timeout_ms)
{
    struct amazon *amazon = wire->amazon;
    amazon->requests++;
    if (wire->machine->is_dead) {
        wire->is_decided = wire->has_no_effect = true;
        tell(wire, 1, HT_ECONNECTION, "the process is dead");
        return;
    }
    if (is_out(amazon, wire->request.operation)) {
        wire->is_decided = true;
        tell(wire, one_way(amazon), HT_ECONNECTION, "no connection");
        return;
    }
    enum amazon_fault fault = throw_dice(amazon, wire->request.operation);
    uint64_t there_ms = one_way(amazon), back_ms = one_way(amazon);
    timeout_ms = timeout_ms == 0 ? 3600 * 1000 : timeout_ms;
    wire->request.fault = fault;
    wire->way_back_ms = back_ms;
    tell(wire, timeout_ms, HT_ETIMEDOUT, "no answer in time");
    if (fault < AMAZON_FAULTS && fault != AMAZON_PARTIAL && fault != AMAZON_EXPIRED_ITERATOR &&
        fault != AMAZON_EMPTY_PAGE) {
        amazon_strike(amazon, fault); /* those are struck by the service, where it can */
    }
    switch (fault) {
    case AMAZON_LOST_BEFORE:
        wire->is_decided = true;
        tell(wire, there_ms, HT_ECONNECTION, "connection reset");
        return;
    case AMAZON_SILENT_BEFORE:
        wire->is_decided = true;
        return;
    case AMAZON_LATE:
        wire->is_decided = true;
        if (amazon_below(amazon, 2) == 0) {
            tell(wire, there_ms, HT_ECONNECTION, "connection reset");
        }
        arrive(wire, there_ms + amazon_below(amazon, amazon->late_ms));
        return;
    case AMAZON_SLOW: /* what takes effect when it was given up is late, and another fault */
        there_ms += amazon_below(amazon, amazon->slow_ms);
        there_ms = there_ms < timeout_ms / 2 ? there_ms : timeout_ms / 2;
        wire->way_back_ms += amazon_below(amazon, amazon->slow_ms);
        break;
    default:
        break;
    }
    arrive(wire, there_ms);
}

/* --- arrival --- */

static void serve_fault(struct amazon_wire *wire, enum amazon_fault fault)
{
    const struct amazon_operation *operation = wire->request.operation;
    struct amazon_reply *reply = &wire->reply;
    bool is_xml = operation->service == AMAZON_S3;
    ht_buffer_clear(&reply->body);
    reply->etag[0] = '\0';
    switch (fault) {
    case AMAZON_HTML:
        reply->status = 503;
        (void)ht_buffer_append_text(&reply->body, "<html><head><title>503 Service Temporarily "
                                                  "Unavailable</title></head></html>");
        return;
    case AMAZON_UNAVAILABLE:
        reply->status = 503;
        (void)ht_buffer_append_text(
            &reply->body,
            is_xml ? "<Error><Code>ServiceUnavailable</Code><Message>again</Message></Error>" : "");
        return;
    case AMAZON_THROTTLED:
        if (is_xml) {
            reply->status = 503;
            (void)ht_buffer_append_text(
                &reply->body, "<Error><Code>SlowDown</Code><Message>slow</Message></Error>");
            return;
        }
        amazon_refuse(reply, operation->service == AMAZON_FIREHOSE ? 503 : 400, operation->throttle,
                      "Rate exceeded");
        return;
    case AMAZON_EXPIRED_KEYS:
        reply->status = 400;
        if (is_xml) {
            (void)ht_buffer_append_text(
                &reply->body, "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>");
            return;
        }
        amazon_refuse(reply, 400, "ExpiredTokenException", "The security token is expired");
        return;
    default:
        reply->status = 500;
        if (is_xml) {
            (void)ht_buffer_append_text(
                &reply->body, "<Error><Code>InternalError</Code><Message>again</Message></Error>");
            return;
        }
        amazon_refuse(reply, 500,
                      operation->service == AMAZON_KINESIS || operation->service == AMAZON_FIREHOSE
                          ? "InternalFailure"
                          : "InternalServerError",
                      "");
        return;
    }
}

/* What a fault does to an answer that was made. */
static void spoil(struct amazon_wire *wire)
{
    struct ht_buffer *body = &wire->reply.body;
    switch (wire->request.fault) {
    case AMAZON_BROKEN_AFTER:
        serve_fault(wire, AMAZON_BROKEN_AFTER);
        break;
    case AMAZON_CUT:
        if (wire->reply.status == 200 && body->length > 1) {
            body->length = 1 + amazon_below(wire->amazon, body->length - 1);
            body->data[body->length] = '\0';
        }
        break;
    case AMAZON_HUGE:
        if (wire->reply.status == 200 && body->length > 2) {
            body->length--;
            (void)ht_buffer_append_text(body, ",\"Padding\":\"");
            (void)ht_buffer_reserve(body, HUGE_BYTES);
            memset(body->data + body->length, 'x', HUGE_BYTES);
            body->length += HUGE_BYTES;
            (void)ht_buffer_append_text(body, "\"}");
        }
        break;
    default:
        break;
    }
}

static void take_effect(struct amazon_wire *wire)
{
    struct amazon *amazon = wire->amazon;
    struct amazon_reply *reply = &wire->reply;
    reply->status = 200;
    switch (wire->request.fault) {
    case AMAZON_THROTTLED:
    case AMAZON_UNAVAILABLE:
    case AMAZON_BROKEN_BEFORE:
    case AMAZON_HTML:
    case AMAZON_EXPIRED_KEYS:
        serve_fault(wire, wire->request.fault);
        return;
    default:
        break;
    }
    if (!amazon_admit(amazon, &wire->request, reply)) {
        return;
    }
    wire->request.operation->serve(amazon, &wire->request, reply);
    spoil(wire);
}

/* For the history: what was asked, what it met, what is answered. */
static void note_arrival(const struct amazon_wire *wire)
{
    const struct amazon_request *request = &wire->request;
    const char *target = request->operation->target;
    const char *body = wire->reply.body.length == 0 ? "" : wire->reply.body.data;
    SIM_NOTE(wire->amazon->options.sim, "amazon: %s%s%s %.*s -> %d %.60s",
             target == NULL ? "request" : strchr(target, '.') + 1,
             request->fault < AMAZON_FAULTS ? ", " : "",
             request->fault < AMAZON_FAULTS ? amazon_fault_name(request->fault) : "",
             request->body.length > 80 ? 80 : (int)request->body.length, request->body.data,
             wire->reply.status, body);
}

static void on_arrival(struct ht_timer *timer)
{
    struct amazon_wire *wire = HT_CONTAINER_OF(timer, struct amazon_wire, arrival);
    wire->is_arriving = false;
    if (!wire->has_no_effect) {
        take_effect(wire);
        note_arrival(wire);
    }
    if (wire->is_told) {
        free_wire(wire);
        return;
    }
    if (wire->is_decided) {
        return;
    }
    wire->is_decided = true;
    if (wire->request.fault == AMAZON_SILENT_AFTER) {
        return;
    }
    if (wire->request.fault == AMAZON_LOST_AFTER) {
        tell(wire, wire->way_back_ms, HT_ECONNECTION, "connection reset");
        return;
    }
    /* a slow answer may still come too late: what is due first is told */
    uint64_t limit_ns = wire->answer.due_ns, now_ns = wire->amazon->options.sim->now_ns;
    if (now_ns + wire->way_back_ms * 1000000u < limit_ns) {
        tell(wire, wire->way_back_ms, 0, "");
    }
}

/* --- the answer --- */

static void format_date(int64_t wall_ms, char text[40])
{
    struct tm tm;
    time_t seconds = (time_t)(wall_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    (void)snprintf(text, 40, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add(struct ht_http_header *headers, size_t *count, const char *name, const char *value)
{
    HT_ASSERT(*count < ANSWER_HEADERS_MAX);
    headers[(*count)++] = (struct ht_http_header){ht_slice_text(name), ht_slice_text(value)};
}

static void on_answer(struct ht_timer *timer)
{
    struct amazon_wire *wire = HT_CONTAINER_OF(timer, struct amazon_wire, answer);
    struct amazon *amazon = wire->amazon;
    struct ht_http_header headers[ANSWER_HEADERS_MAX];
    char date[40], crc[16], id[40];
    struct ht_http_result result = {.code = wire->code, .error_text = wire->error_text};
    enum amazon_service service = wire->request.operation->service;
    wire->is_told = true;
    if (wire->code == 0 && wire->reply.body.length > wire->max_response_bytes) {
        result.code = HT_ETOOBIG;
        result.error_text = "the answer is too large";
    }
    if (result.code == 0) {
        result.status = wire->reply.status;
        format_date(sim_wall_ms(amazon->options.sim), date);
        add(headers, &result.header_count, "Date", date);
        (void)snprintf(id, sizeof(id), "R%llu", (unsigned long long)amazon->requests);
        add(headers, &result.header_count, "x-amzn-RequestId", id);
        if (service == AMAZON_DYNAMODB || service == AMAZON_STREAMS) {
            uint32_t sum = ht_digest_crc32(0, ht_buffer_slice(&wire->reply.body));
            bool is_cut = wire->request.fault == AMAZON_CUT; /* by a proxy, behind the sum */
            sum ^= wire->request.fault == AMAZON_WRONG_CRC || is_cut ? 1 : 0;
            (void)snprintf(crc, sizeof(crc), "%u", sum);
            if (!is_cut || (wire->way_back_ms & 1) == 0) {
                add(headers, &result.header_count, "x-amz-crc32", crc);
            }
        }
        if (wire->reply.etag[0] != '\0') {
            add(headers, &result.header_count, "ETag", wire->reply.etag);
        }
        result.headers = headers;
        result.body = wire->reply.body;
        wire->reply.body = (struct ht_buffer){0};
    }
    result.sent_bytes = wire->request.body.length;
    result.total_ns = amazon->options.sim->now_ns - wire->started_ns;
    wire->on_done(wire->user, &result);
    ht_buffer_finish(&result.body);
    if (!wire->is_arriving) {
        free_wire(wire);
    }
}

/* It is given up while it is on its way: now is the last moment at which it may arrive. */
static void hurry(struct amazon_wire *wire, uint64_t wait_ms)
{
    if (amazon_below(wire->amazon, 3) == 0) {
        wire->has_no_effect = true; /* it was in the kernel's buffers only */
    } else {
        arrive(wire, wait_ms);
    }
}

void __wrap_ht_http_transfer_cancel(struct ht_http_transfer *transfer)
{
    struct amazon_wire *wire = (struct amazon_wire *)(void *)transfer;
    const struct amazon_options *options = &wire->amazon->options;
    wire->is_decided = true; /* what was sent goes on */
    if (wire->is_arriving && !options->lets_late && wire->request.fault != AMAZON_LATE) {
        hurry(wire, 0);
    }
    tell(wire, 0, HT_ECANCELED, "canceled");
}

/* --- the end of a process --- */

void amazon_wires_kill(struct amazon_machine *machine)
{
    struct amazon *amazon = machine->amazon;
    for (struct amazon_wire *wire = amazon->wires; wire != NULL; wire = wire->next) {
        if (wire->machine != machine || wire->is_told) {
            continue;
        }
        tell(wire, 1, HT_ECONNECTION, "the process is dead");
        wire->is_decided = true;
        if (wire->is_arriving && wire->request.fault != AMAZON_LATE) {
            hurry(wire, one_way(amazon)); /* before the next life: else it would be late */
        }
    }
}

void amazon_wires_forget(struct amazon_machine *machine)
{
    for (struct amazon_wire *wire = machine->amazon->wires; wire != NULL; wire = wire->next) {
        if (wire->machine == machine) {
            HT_ASSERT(wire->is_told);
            wire->machine = NULL;
        }
    }
}

void amazon_wires_finish(struct amazon *amazon)
{
    while (amazon->wires != NULL) {
        struct amazon_wire *wire = amazon->wires;
        HT_ASSERT(wire->is_told);
        ht_timer_stop(&amazon->options.sim->timers, &wire->arrival);
        free_wire(wire);
    }
}
