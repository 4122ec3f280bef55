// SPDX-License-Identifier: MIT
#include "metrics_each.h"

#include "admin_internal.h"

#include "hashtagd/base/assert.h"

enum { MAX_LIBRARIES = 16 };

static void write_one(struct ht_metrics_writer *writer, const char *name, const char *value,
                      uint64_t count)
{
    struct ht_metric_label labels[] = {{name, value}, {NULL, NULL}};
    ht_metrics_write_count(writer, labels, count);
}

static void write_kinds(struct ht_metrics_writer *writer, const uint64_t *counts)
{
    for (int i = 0; i < HT_TWEET_KIND_COUNT; i++) {
        if (i != HT_TWEET_KIND_TWEET) {
            write_one(writer, "kind", ht_tweet_kind_name((enum ht_tweet_kind)i), counts[i]);
        }
    }
}

static void write_refusals(struct ht_metrics_writer *writer, const uint64_t *counts)
{
    for (int i = 0; i < HT_TWEET_REFUSAL_COUNT; i++) {
        if (i != HT_TWEET_REFUSAL_NONE) {
            write_one(writer, "reason", ht_tweet_refusal_name((enum ht_tweet_refusal)i), counts[i]);
        }
    }
}

void ht_metrics_each_ingest_notices(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_kinds(writer, ht_ingest_counters(admin->context.ingest)->notices);
}

void ht_metrics_each_ingest_refused(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_refusals(writer, ht_ingest_counters(admin->context.ingest)->refused);
}

static uint64_t sum_of(const uint64_t *counts, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += counts[i];
    }
    return sum;
}

uint64_t ht_metrics_sum_ingest_notices(const struct ht_admin *admin)
{
    return sum_of(ht_ingest_counters(admin->context.ingest)->notices, HT_TWEET_KIND_COUNT);
}

uint64_t ht_metrics_sum_ingest_refused(const struct ht_admin *admin)
{
    return sum_of(ht_ingest_counters(admin->context.ingest)->refused, HT_TWEET_REFUSAL_COUNT);
}

void ht_metrics_each_count_notices(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_kinds(writer, ht_count_counters(admin->context.count)->notices);
}

void ht_metrics_each_count_refused(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_refusals(writer, ht_count_counters(admin->context.count)->refused);
}

/* Shards */

typedef double (*shard_value_fn)(const struct ht_count_shard_status *shard);

static void write_shards(const struct ht_admin *admin, struct ht_metrics_writer *writer,
                         shard_value_fn value_of)
{
    for (size_t i = 0; i < ht_count_shard_count(admin->context.count); i++) {
        struct ht_count_shard_status shard;
        ht_count_shard_get(admin->context.count, i, &shard);
        if (shard.state == HT_COUNT_SHARD_FINISHED) {
            continue; /* there may be thousands, and none of them will ever be behind */
        }
        struct ht_metric_label labels[] = {{"shard", shard.id}, {NULL, NULL}};
        ht_metrics_write_number(writer, labels, value_of(&shard));
    }
}

static double lag_records_of(const struct ht_count_shard_status *shard)
{
    return (double)shard->behind_records;
}

static double lag_seconds_of(const struct ht_count_shard_status *shard)
{
    return (double)shard->behind_ms / 1000;
}

static double age_seconds_of(const struct ht_count_shard_status *shard)
{
    return (double)shard->last_success_age_ms / 1000;
}

void ht_metrics_each_shard_lag_records(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer)
{
    write_shards(admin, writer, lag_records_of);
}

void ht_metrics_each_shard_lag_seconds(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer)
{
    write_shards(admin, writer, lag_seconds_of);
}

void ht_metrics_each_shard_last_success_age_seconds(const struct ht_admin *admin,
                                                    struct ht_metrics_writer *writer)
{
    write_shards(admin, writer, age_seconds_of);
}

/* Windows */

void ht_metrics_each_distinct_hashtags(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer)
{
    for (int i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        write_one(writer, "window", ht_window_names[i],
                  ht_tally_distinct(admin->context.tally, (enum ht_tally_window)i));
    }
}

void ht_metrics_each_counted_hashtags(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer)
{
    for (int i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        write_one(writer, "window", ht_window_names[i],
                  ht_tally_total(admin->context.tally, (enum ht_tally_window)i));
    }
}

/* Parts */

typedef uint64_t (*part_value_fn)(const struct ht_health *health);

static void write_parts(const struct ht_admin *admin, struct ht_metrics_writer *writer,
                        part_value_fn value_of)
{
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        const struct ht_health *health = ht_status_health(&admin->context, (enum ht_status_part)i);
        if (health != NULL) {
            write_one(writer, "part", ht_status_part_name((enum ht_status_part)i),
                      value_of(health));
        }
    }
}

static uint64_t ready_of(const struct ht_health *health)
{
    return ht_health_state_is_ready(health->state);
}

static uint64_t errors_of(const struct ht_health *health)
{
    return health->errors;
}

static uint64_t last_success_of(const struct ht_health *health)
{
    return health->last_success_s < 0 ? 0 : (uint64_t)health->last_success_s;
}

void ht_metrics_each_part_ready(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_parts(admin, writer, ready_of);
}

void ht_metrics_each_part_errors(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_parts(admin, writer, errors_of);
}

void ht_metrics_each_part_last_success_timestamp_seconds(const struct ht_admin *admin,
                                                         struct ht_metrics_writer *writer)
{
    write_parts(admin, writer, last_success_of);
}

void ht_metrics_each_part_state(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        const struct ht_health *health = ht_status_health(&admin->context, (enum ht_status_part)i);
        enum ht_health_state now = health == NULL ? HT_HEALTH_OFF : health->state;
        for (int state = HT_HEALTH_OFF; state <= HT_HEALTH_STOPPED; state++) {
            struct ht_metric_label labels[] = {
                {"part", ht_status_part_name((enum ht_status_part)i)},
                {"state", ht_health_state_name((enum ht_health_state)state)},
                {NULL, NULL},
            };
            ht_metrics_write_count(writer, labels, state == (int)now);
        }
    }
}

/* Routes */

static const char *method_of(const struct ht_route *route)
{
    switch (route->method) {
    case HT_HTTP_POST:
        return "POST";
    case HT_HTTP_DELETE:
        return "DELETE";
    case HT_HTTP_GET:
    case HT_HTTP_HEAD:
    case HT_HTTP_PUT:
    case HT_HTTP_OPTIONS:
    case HT_HTTP_PATCH:
    case HT_HTTP_OTHER:
        break;
    }
    return "GET";
}

static void write_codes(struct ht_metrics_writer *writer, const char *route, const char *method,
                        const struct ht_route_stats *stats)
{
    static const char *const codes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 2; i < HT_COUNT_OF(codes); i++) {
        struct ht_metric_label labels[] = {
            {"route", route}, {"method", method}, {"code", codes[i]}, {NULL, NULL}};
        ht_metrics_write_count(writer, labels, stats->responses[i]);
    }
}

void ht_metrics_each_http_requests(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    for (size_t i = 0; i < count; i++) {
        write_codes(writer, routes[i].path, method_of(&routes[i]), &admin->routes[i]);
    }
    write_codes(writer, "", "", &admin->unknown);
}

void ht_metrics_each_http_request_duration_seconds(const struct ht_admin *admin,
                                                   struct ht_metrics_writer *writer)
{
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    for (size_t i = 0; i < count; i++) {
        struct ht_metric_label labels[] = {
            {"route", routes[i].path}, {"method", method_of(&routes[i])}, {NULL, NULL}};
        ht_metrics_write_histogram(writer, labels, &admin->routes[i].durations);
    }
}

/* Build */

void ht_metrics_each_build(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    const struct ht_admin_context *context = &admin->context;
    struct ht_metric_label labels[MAX_LIBRARIES + 3] = {{"version", context->version},
                                                        {"compiler", ht_compiler}};
    size_t used = 2;
    for (size_t i = 0; i < context->library_count && i < MAX_LIBRARIES; i++) {
        labels[used++] =
            (struct ht_metric_label){context->libraries[i].name, context->libraries[i].version};
    }
    ht_metrics_write_count(writer, labels, 1);
}
