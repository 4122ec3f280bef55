// SPDX-License-Identifier: MIT
#include "status_sources.h"

#include "admin_internal.h"

size_t ht_status_source_count(const struct ht_admin_context *context)
{
    return context->source->part_count == 0 ? 1 : context->source->part_count;
}

struct ht_source *ht_status_source(const struct ht_admin_context *context, size_t index)
{
    return context->source->part_count == 0 ? context->source : context->source->parts[index];
}

/* A moment, null where it never was. */
static void write_time(struct ht_json_writer *writer, const char *key, int64_t at_s)
{
    ht_json_write_key(writer, key);
    if (at_s == 0) {
        ht_json_write_null(writer);
    } else {
        ht_json_write_i64(writer, at_s);
    }
}

/* A number that is null where it is negative: not known. */
static void write_known(struct ht_json_writer *writer, const char *key, int64_t value)
{
    ht_json_write_key(writer, key);
    if (value < 0) {
        ht_json_write_null(writer);
    } else {
        ht_json_write_i64(writer, value);
    }
}

static void write_count(struct ht_json_writer *writer, const char *key, uint64_t value)
{
    ht_json_write_key(writer, key);
    ht_json_write_u64(writer, value);
}

static void write_limit(const struct ht_source_connection *connection,
                        struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "rate_limit");
    if (connection->rate_limit < 0 && connection->rate_remaining < 0) {
        ht_json_write_null(writer);
        return;
    }
    ht_json_write_object_begin(writer);
    write_known(writer, "limit", connection->rate_limit);
    write_known(writer, "remaining", connection->rate_remaining);
    write_time(writer, "reset_at", connection->rate_reset_s);
    ht_json_write_object_end(writer);
}

static void write_connection(const struct ht_source_connection *connection,
                             struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "connection");
    if (connection->link == HT_SOURCE_LINK_NONE) {
        ht_json_write_null(writer);
        return;
    }
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "state");
    ht_json_write_text(writer, ht_source_link_name(connection->link));
    write_time(writer, "since", connection->since_s);
    write_time(writer, "last_byte_at", connection->last_byte_s);
    write_time(writer, "last_message_at", connection->last_message_s);
    write_time(writer, "next_try_at",
               connection->link == HT_SOURCE_LINK_WAITING ? connection->next_try_s : 0);
    ht_json_write_key(writer, "behind_seconds");
    if (connection->behind_ms < 0) {
        ht_json_write_null(writer);
    } else {
        ht_json_write_real(writer, (double)connection->behind_ms / 1000);
    }
    write_count(writer, "received_bytes", connection->received_bytes);
    write_count(writer, "connects", connection->connects);
    write_count(writer, "repeats", connection->repeats);
    write_count(writer, "skipped", connection->skipped);
    write_count(writer, "gaps", connection->gaps);
    write_count(writer, "pauses", connection->pauses);
    write_known(writer, "undelivered", connection->undelivered);
    write_limit(connection, writer);
    ht_json_write_key(writer, "reconnects");
    ht_json_write_object_begin(writer);
    for (unsigned i = 0; i < HT_SOURCE_END_COUNT; i++) {
        if (connection->ends[i] > 0) {
            write_count(writer, ht_source_end_name((enum ht_source_end)i), connection->ends[i]);
        }
    }
    ht_json_write_object_end(writer);
    ht_json_write_object_end(writer);
}

static void write_source(struct ht_source *source, uint64_t now_ms, struct ht_json_writer *writer)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "name");
    ht_json_write_text(writer, source->name);
    ht_json_write_key(writer, "type");
    ht_json_write_text(writer, source->ops->type);
    ht_json_write_key(writer, "state");
    ht_json_write_text(writer, ht_health_state_name(source->health.state));
    ht_json_write_key(writer, "text");
    ht_json_write_text(writer, source->health.text);
    ht_json_write_key(writer, "since");
    ht_json_write_i64(writer, source->health.since_s);
    ht_json_write_key(writer, "rate");
    ht_json_write_real(writer, ht_rate_per_second(&source->messages, now_ms));
    write_count(writer, "total", source->messages.total);
    write_connection(&source->connection, writer);
    ht_json_write_object_end(writer);
}

void ht_status_write_sources(const struct ht_admin_context *context, struct ht_json_writer *writer)
{
    uint64_t now_ms = ht_clock_monotonic_ms(context->clock);
    ht_json_write_key(writer, "sources");
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < ht_status_source_count(context); i++) {
        write_source(ht_status_source(context, i), now_ms, writer);
    }
    ht_json_write_array_end(writer);
}
