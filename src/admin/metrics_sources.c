// SPDX-License-Identifier: MIT
#include "metrics_each.h"

#include "admin_internal.h"
#include "status_sources.h"

/*
 * Metrics with a sample for each source. What only a live source has is left out for the others,
 * and what is not known is left out as well: no number would be a lie.
 */

static bool is_live(const struct ht_source *source)
{
    return source->connection.link != HT_SOURCE_LINK_NONE;
}

typedef uint64_t (*count_of_fn)(const struct ht_source *source);

static void write_counts(const struct ht_admin *admin, struct ht_metrics_writer *writer,
                         count_of_fn count_of)
{
    for (size_t i = 0; i < ht_status_source_count(&admin->context); i++) {
        const struct ht_source *source = ht_status_source(&admin->context, i);
        struct ht_metric_label labels[] = {{"source", source->name}, {NULL, NULL}};
        if (is_live(source)) {
            ht_metrics_write_count(writer, labels, count_of(source));
        }
    }
}

/* A negative value is not known. */
typedef double (*number_of_fn)(const struct ht_source *source);

static void write_numbers(const struct ht_admin *admin, struct ht_metrics_writer *writer,
                          number_of_fn number_of)
{
    for (size_t i = 0; i < ht_status_source_count(&admin->context); i++) {
        const struct ht_source *source = ht_status_source(&admin->context, i);
        struct ht_metric_label labels[] = {{"source", source->name}, {NULL, NULL}};
        double value = number_of(source);
        if (is_live(source) && value >= 0) {
            ht_metrics_write_number(writer, labels, value);
        }
    }
}

#define COUNTS(name, expression)                                                                   \
    static uint64_t name##_of(const struct ht_source *source)                                      \
    {                                                                                              \
        return (uint64_t)(expression);                                                             \
    }                                                                                              \
    void ht_metrics_each_source_##name(const struct ht_admin *admin,                               \
                                       struct ht_metrics_writer *writer)                           \
    {                                                                                              \
        write_counts(admin, writer, name##_of);                                                    \
    }
#define NUMBERS(name, expression)                                                                  \
    static double name##_of(const struct ht_source *source)                                        \
    {                                                                                              \
        return (double)(expression);                                                               \
    }                                                                                              \
    void ht_metrics_each_source_##name(const struct ht_admin *admin,                               \
                                       struct ht_metrics_writer *writer)                           \
    {                                                                                              \
        write_numbers(admin, writer, name##_of);                                                   \
    }

COUNTS(connects, source->connection.connects)
COUNTS(received_bytes, source->connection.received_bytes)
COUNTS(repeats, source->connection.repeats)
COUNTS(skipped, source->connection.skipped)
COUNTS(gaps, source->connection.gaps)
COUNTS(socket_pauses, source->connection.pauses)
NUMBERS(last_byte_timestamp_seconds, source->connection.last_byte_s)
NUMBERS(last_message_timestamp_seconds, source->connection.last_message_s)
NUMBERS(next_try_timestamp_seconds,
        source->connection.link == HT_SOURCE_LINK_WAITING ? source->connection.next_try_s : 0)
NUMBERS(behind_seconds,
        source->connection.behind_ms < 0 ? -1.0 : (double)source->connection.behind_ms / 1000)
NUMBERS(undelivered, source->connection.undelivered)
NUMBERS(rate_limit_remaining, source->connection.rate_remaining)

void ht_metrics_each_source_delivered(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer)
{
    for (size_t i = 0; i < ht_status_source_count(&admin->context); i++) {
        const struct ht_source *source = ht_status_source(&admin->context, i);
        struct ht_metric_label labels[] = {
            {"source", source->name}, {"type", source->ops->type}, {NULL, NULL}};
        ht_metrics_write_count(writer, labels, source->messages.total);
    }
}

void ht_metrics_each_source_reconnects(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer)
{
    for (size_t i = 0; i < ht_status_source_count(&admin->context); i++) {
        const struct ht_source *source = ht_status_source(&admin->context, i);
        for (unsigned end = 0; is_live(source) && end < HT_SOURCE_END_COUNT; end++) {
            struct ht_metric_label labels[] = {
                {"source", source->name},
                {"reason", ht_source_end_name((enum ht_source_end)end)},
                {NULL, NULL}};
            ht_metrics_write_count(writer, labels, source->connection.ends[end]);
        }
    }
}

void ht_metrics_each_source_connection_state(const struct ht_admin *admin,
                                             struct ht_metrics_writer *writer)
{
    for (size_t i = 0; i < ht_status_source_count(&admin->context); i++) {
        const struct ht_source *source = ht_status_source(&admin->context, i);
        for (unsigned link = HT_SOURCE_LINK_CONNECTING;
             is_live(source) && link < HT_SOURCE_LINK_COUNT; link++) {
            struct ht_metric_label labels[] = {
                {"source", source->name},
                {"state", ht_source_link_name((enum ht_source_link)link)},
                {NULL, NULL}};
            ht_metrics_write_count(writer, labels, source->connection.link == link);
        }
    }
}
