// SPDX-License-Identifier: MIT
#include "amazon_wire.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_MS = 24 * 3600 * 1000,
    ROLLOVER_MS = 4 * 3600 * 1000,
    KEYS_MS = 3600 * 1000,
    SLOW_MS = 90 * 1000,
    LATE_MS = 10 * 60 * 1000,
    HOUSEKEEPING_MS = 15000,
    SKEW_MOST_MS = 5 * 60 * 1000,
    SHORT_LIFE_MS = 20 * 60 * 1000,
};

static void keep_house(struct ht_timer *timer);

static uint64_t struck_before[AMAZON_FAULTS];

void *amazon_allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    HT_ASSERT(memory != NULL);
    return memory;
}

void *amazon_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(array, *capacity * size);
    HT_ASSERT(grown != NULL);
    return grown;
}

char *amazon_copy(struct ht_slice text)
{
    char *copy = amazon_allocate(text.length + 1);
    if (text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    return copy;
}

struct amazon *amazon_create(const struct amazon_options *options)
{
    struct amazon *amazon = amazon_allocate(sizeof(*amazon));
    amazon->options = *options;
    amazon->latency_least_ms = 1;
    amazon->latency_most_ms = 20;
    amazon->slow_ms = SLOW_MS;
    amazon->late_ms = LATE_MS;
    uint64_t *const spans[] = {&amazon->options.retention_ms, &amazon->options.change_ms,
                               &amazon->options.rollover_ms, &amazon->options.keys_ms};
    static const uint64_t usual[] = {DAY_MS, DAY_MS, ROLLOVER_MS, KEYS_MS};
    for (size_t i = 0; i < HT_COUNT_OF(spans); i++) {
        *spans[i] = *spans[i] == 0 ? usual[i] : *spans[i];
    }
    ht_timer_init(&amazon->housekeeping, keep_house);
    ht_timer_start(&options->sim->timers, &amazon->housekeeping, HOUSEKEEPING_MS);
    return amazon;
}

/* Retention, time to live, roll-overs. */
static void keep_house(struct ht_timer *timer)
{
    struct amazon *amazon = HT_CONTAINER_OF(timer, struct amazon, housekeeping);
    amazon_kinesis_keep_house(amazon);
    amazon_dynamodb_keep_house(amazon);
    ht_timer_start(&amazon->options.sim->timers, timer, HOUSEKEEPING_MS);
}

void amazon_destroy(struct amazon *amazon)
{
    if (amazon == NULL) {
        return;
    }
    for (size_t i = 0; i < AMAZON_FAULTS; i++) {
        struck_before[i] += amazon->struck[i];
    }
    amazon_wires_finish(amazon);
    ht_timer_stop(&amazon->options.sim->timers, &amazon->housekeeping);
    amazon_kinesis_finish(amazon);
    amazon_dynamodb_finish(amazon);
    amazon_delivery_finish(amazon);
    free(amazon);
}

void amazon_set_rates(struct amazon *amazon, const struct amazon_rates *rates)
{
    amazon->rates = *rates;
    amazon->rate_sum = 0;
    for (size_t i = 0; i < AMAZON_FAULTS; i++) {
        amazon->rate_sum += rates->rate[i];
    }
}

void amazon_set_outage(struct amazon *amazon, unsigned outages)
{
    amazon->outages = outages;
}

void amazon_set_latency(struct amazon *amazon, uint64_t least_ms, uint64_t most_ms)
{
    amazon->latency_least_ms = least_ms;
    amazon->latency_most_ms = most_ms;
}

void amazon_set_worst(struct amazon *amazon, uint64_t slow_ms, uint64_t late_ms)
{
    amazon->slow_ms = slow_ms == 0 ? amazon->slow_ms : slow_ms;
    amazon->late_ms = late_ms == 0 ? amazon->late_ms : late_ms;
}

void amazon_set_refusing(struct amazon *amazon, bool is_refusing)
{
    amazon->is_refusing = is_refusing;
}

uint64_t amazon_struck(const struct amazon *amazon, enum amazon_fault fault)
{
    return amazon->struck[fault];
}

uint64_t amazon_struck_before(enum amazon_fault fault)
{
    return struck_before[fault];
}

uint64_t amazon_requests(const struct amazon *amazon)
{
    return amazon->requests;
}

const char *amazon_fault_name(enum amazon_fault fault)
{
    static const char *const names[] = {
#define X(fault, name) [fault] = name,
        AMAZON_FAULT_MAP(X)
#undef X
    };
    return names[fault];
}

size_t amazon_on_the_wire(const struct amazon *amazon)
{
    return amazon->wire_count;
}

uint64_t amazon_now_ms(const struct amazon *amazon)
{
    return amazon->options.sim->now_ns / 1000000u;
}

int64_t amazon_wall_ms(const struct amazon *amazon)
{
    return sim_wall_ms(amazon->options.sim);
}

uint64_t amazon_below(struct amazon *amazon, uint64_t bound)
{
    return ht_random_below(&amazon->options.sim->random, bound);
}

uint64_t amazon_next_sequence(struct amazon *amazon)
{
    amazon->last_sequence += 1 + amazon_below(amazon, 1000);
    return amazon->last_sequence;
}

void amazon_strike(struct amazon *amazon, enum amazon_fault fault)
{
    amazon->struck[fault]++;
}

void amazon_refuse(struct amazon_reply *reply, int status, const char *code, const char *message)
{
    reply->status = status;
    ht_buffer_clear(&reply->body);
    (void)ht_buffer_append_format(&reply->body,
                                  "{\"__type\":\"com.amazonaws.simulated#%s\",\"message\":\"%s\"}",
                                  code, message);
}

struct ht_slice amazon_member(struct ht_slice object, const char *name)
{
    struct ht_slice value = ht_json_parts_find(object, name);
    if (value.length >= 2 && value.data[0] == '"') {
        return ht_slice_make(value.data + 1, value.length - 2);
    }
    return value;
}

uint64_t amazon_u64(struct ht_slice text, uint64_t usual)
{
    uint64_t number;
    return ht_slice_to_u64(text, UINT64_MAX, &number) == 0 ? number : usual;
}

/* --- keys --- */

static void serve_keys(struct amazon *amazon, const struct amazon_request *request,
                       struct amazon_reply *reply)
{
    char text[HT_TIME_UTC_BYTES];
    (void)request;
    if (amazon->is_refusing) {
        amazon_refuse(reply, 403, "AccessDenied", "No role.");
        return;
    }
    unsigned number = amazon->key_count % AMAZON_KEYS_MAX;
    amazon->key_count++;
    int64_t life_ms = (int64_t)amazon->options.keys_ms;
    /* A machine whose clock is ahead by more than the life of its keys is not played: it takes none,
     * and says so. */
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        int64_t ahead_ms = amazon->options.sim->processes[i].wall_offset_ms;
        life_ms = life_ms > ahead_ms + SHORT_LIFE_MS ? life_ms : ahead_ms + SHORT_LIFE_MS;
    }
    amazon->keys_expire_ms[number] = amazon_wall_ms(amazon) + life_ms;
    (void)ht_buffer_append_format(
        &reply->body,
        "{\"AccessKeyId\":\"ASIA%08u\",\"SecretAccessKey\":\"secret-%u\",\"Token\":\"token-%u\","
        "\"Expiration\":\"%s\"}",
        number, number, number, ht_time_format_utc(amazon->keys_expire_ms[number], text));
}

const struct amazon_operation amazon_container = {
    .service = AMAZON_CONTAINER, .throttle = "Throttling", .serve = serve_keys};

/* "20260301T120000Z" as wall time. */
static int64_t time_of(struct ht_slice text)
{
    char form[32];
    int64_t wall_ms = 0;
    if (text.length != 16) {
        return 0;
    }
    const char *at = text.data;
    (void)snprintf(form, sizeof(form), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", at, at + 4, at + 6, at + 9,
                   at + 11, at + 13);
    return ht_time_parse_utc(form, &wall_ms) == 0 ? wall_ms : 0;
}

static bool refuse_clock(const struct amazon_request *request, struct amazon_reply *reply,
                         int64_t signed_ms, int64_t wall_ms)
{
    bool is_early = signed_ms > wall_ms;
    if (request->operation->service == AMAZON_S3) {
        reply->status = 403;
        (void)ht_buffer_append_text(
            &reply->body, "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code>"
                          "<Message>too large a difference</Message></Error>");
        return false;
    }
    amazon_refuse(reply, 400, "InvalidSignatureException",
                  is_early ? "Signature not yet current: it is later than now (+ 5 min.)"
                           : "Signature expired: it is now earlier than now (- 5 min.)");
    return false;
}

static bool refuse_keys(const struct amazon_request *request, struct amazon_reply *reply,
                        const char *code)
{
    if (request->operation->service == AMAZON_S3) {
        reply->status = 400;
        (void)ht_buffer_append_text(&reply->body, "<?xml version=\"1.0\"?><Error><Code>ExpiredToken"
                                                  "</Code><Message>expired</Message></Error>");
        return false;
    }
    amazon_refuse(reply, 400, code, "The security token included in the request is expired");
    return false;
}

bool amazon_admit(struct amazon *amazon, const struct amazon_request *request,
                  struct amazon_reply *reply)
{
    static const char prefix[] = "AWS4-HMAC-SHA256 Credential=ASIA";
    struct ht_slice date =
        ht_http_header_find(request->headers, request->header_count, "X-Amz-Date");
    struct ht_slice who =
        ht_http_header_find(request->headers, request->header_count, "Authorization");
    struct ht_slice token =
        ht_http_header_find(request->headers, request->header_count, "X-Amz-Security-Token");
    uint64_t number = UINT64_MAX, of_token = UINT64_MAX;
    if (request->operation->service == AMAZON_CONTAINER) {
        return true;
    }
    size_t skip = sizeof(prefix) - 1;
    if (who.length > skip + 8 && token.length > 6 && memcmp(who.data, prefix, skip) == 0) {
        number = amazon_u64(ht_slice_make(who.data + skip, 8), number);
        of_token = amazon_u64(ht_slice_make(token.data + 6, token.length - 6), of_token);
    }
    int64_t signed_ms = time_of(date), wall_ms = amazon_wall_ms(amazon);
    if (number >= AMAZON_KEYS_MAX || number != of_token) {
        return refuse_keys(request, reply, "UnrecognizedClientException");
    }
    if (signed_ms < wall_ms - SKEW_MOST_MS || signed_ms > wall_ms + SKEW_MOST_MS) {
        return refuse_clock(request, reply, signed_ms, wall_ms);
    }
    if (amazon->is_refusing || amazon->keys_expire_ms[number] <= wall_ms) {
        return refuse_keys(request, reply, "ExpiredTokenException");
    }
    return true;
}
