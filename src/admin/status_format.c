// SPDX-License-Identifier: MIT
#include "status.h"

#include "admin_internal.h"
#include "metrics.h"
#include "process.h"
#include "status_parts.h"
#include "status_sources.h"

const char ht_compiler[] =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

static void write_part(struct ht_admin *admin, enum ht_status_part part,
                       struct ht_json_writer *writer)
{
    static const struct ht_health off = {.state = HT_HEALTH_OFF};
    const struct ht_admin_context *context = &admin->context;
    const struct ht_health *health = ht_status_health(context, part);
    health = health == NULL ? &off : health;
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "name");
    ht_json_write_text(writer, ht_status_part_name(part));
    ht_json_write_key(writer, "type");
    ht_json_write_text(writer, ht_status_row(part)->type(context));
    ht_json_write_key(writer, "state");
    ht_json_write_text(writer, ht_health_state_name(health->state));
    ht_json_write_key(writer, "text");
    ht_json_write_text(writer, health->text);
    ht_json_write_key(writer, "since");
    ht_json_write_i64(writer, health == &off ? context->started_at_s : health->since_s);
    ht_json_write_key(writer, "rate");
    ht_json_write_real(writer, ht_status_rate(admin, part));
    ht_json_write_key(writer, "total");
    ht_json_write_u64(writer, ht_status_row(part)->total(context));
    ht_json_write_key(writer, "unit");
    ht_json_write_text(writer, ht_status_row(part)->unit);
    ht_json_write_key(writer, "errors");
    ht_json_write_u64(writer, health->errors);
    ht_json_write_key(writer, "last_error");
    if (health->last_error[0] == '\0') {
        ht_json_write_null(writer);
    } else {
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "at");
        ht_json_write_i64(writer, health->last_error_s);
        ht_json_write_key(writer, "text");
        ht_json_write_text(writer, health->last_error);
        ht_json_write_object_end(writer);
    }
    ht_json_write_key(writer, "last_success_at");
    if (health->last_success_s == 0) {
        ht_json_write_null(writer);
    } else {
        ht_json_write_i64(writer, health->last_success_s);
    }
    ht_json_write_key(writer, "details");
    ht_json_write_object_begin(writer);
    ht_metrics_format_details(admin, part, writer);
    ht_json_write_object_end(writer);
    ht_json_write_object_end(writer);
}

static void write_shards(const struct ht_admin_context *context, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "shards");
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < ht_count_shard_count(context->count); i++) {
        struct ht_count_shard_status shard;
        ht_count_shard_get(context->count, i, &shard);
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "id");
        ht_json_write_text(writer, shard.id);
        ht_json_write_key(writer, "state");
        ht_json_write_text(writer, ht_count_shard_state_name(shard.state));
        ht_json_write_key(writer, "position");
        ht_json_write_text(writer, shard.sequence_number);
        ht_json_write_key(writer, "lag_records");
        ht_json_write_u64(writer, shard.behind_records);
        ht_json_write_key(writer, "lag_seconds");
        ht_json_write_real(writer, (double)shard.behind_ms / 1000);
        ht_json_write_key(writer, "last_success_age_seconds");
        ht_json_write_real(writer, (double)shard.last_success_age_ms / 1000);
        ht_json_write_object_end(writer);
    }
    ht_json_write_array_end(writer);
}

static void write_memory(const struct ht_admin *admin, struct ht_json_writer *writer)
{
    const struct ht_admin_context *context = &admin->context;
    size_t held_body_bytes =
        admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->body_bytes_held;
    ht_json_write_key(writer, "memory");
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "budget_bytes");
    ht_json_write_u64(writer, context->budget->limit_bytes);
    ht_json_write_key(writer, "used_bytes");
    ht_json_write_u64(writer, context->budget->used_bytes);
    ht_json_write_key(writer, "held_body_bytes");
    ht_json_write_u64(writer, held_body_bytes);
    ht_json_write_key(writer, "resident_bytes");
    ht_json_write_u64(writer, ht_process_resident_bytes());
    ht_json_write_object_end(writer);
    ht_json_write_key(writer, "hashtags");
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "distinct");
    ht_json_write_u64(writer, ht_tally_distinct(context->tally, HT_TALLY_ALL));
    ht_json_write_key(writer, "total");
    ht_json_write_u64(writer, ht_tally_total(context->tally, HT_TALLY_ALL));
    ht_json_write_object_end(writer);
}

static void write_loop(const struct ht_admin_context *context, struct ht_json_writer *writer)
{
    const struct ht_histogram *lag = ht_loop_lag(context->loop);
    ht_json_write_key(writer, "loop");
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "lag_p50_seconds");
    ht_json_write_real(writer, (double)ht_histogram_quantile_ns(lag, 0.5) / 1e9);
    ht_json_write_key(writer, "lag_p99_seconds");
    ht_json_write_real(writer, (double)ht_histogram_quantile_ns(lag, 0.99) / 1e9);
    ht_json_write_key(writer, "lag_max_seconds");
    ht_json_write_real(writer, (double)lag->max_ns / 1e9);
    ht_json_write_object_end(writer);
    ht_json_write_key(writer, "build");
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "compiler");
    ht_json_write_text(writer, ht_compiler);
    for (size_t i = 0; i < context->library_count; i++) {
        ht_json_write_key(writer, context->libraries[i].name);
        ht_json_write_text(writer, context->libraries[i].version);
    }
    ht_json_write_object_end(writer);
}

void ht_status_format(struct ht_admin *admin, struct ht_buffer *out)
{
    const struct ht_admin_context *context = &admin->context;
    int64_t now_s = ht_clock_wall_s(context->clock);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "version");
    ht_json_write_text(&writer, context->version);
    ht_json_write_key(&writer, "started_at");
    ht_json_write_i64(&writer, context->started_at_s);
    ht_json_write_key(&writer, "now");
    ht_json_write_i64(&writer, now_s);
    ht_json_write_key(&writer, "uptime_seconds");
    ht_json_write_u64(&writer, (ht_clock_monotonic_ms(context->clock) - admin->created_ms) / 1000);
    ht_json_write_key(&writer, "ready");
    ht_json_write_bool(&writer, ht_status_is_ready(admin));
    ht_json_write_key(&writer, "stopping");
    ht_json_write_bool(&writer, admin->is_stopping);
    ht_json_write_key(&writer, "problems");
    ht_status_write_problems(admin, &writer);
    ht_json_write_key(&writer, "parts");
    ht_json_write_array_begin(&writer);
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        write_part(admin, (enum ht_status_part)i, &writer);
    }
    ht_json_write_array_end(&writer);
    ht_status_write_sources(context, &writer);
    write_shards(context, &writer);
    write_memory(admin, &writer);
    write_loop(context, &writer);
    ht_json_write_object_end(&writer);
}
