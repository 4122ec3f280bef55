// SPDX-License-Identifier: MIT
#include "status.h"

#include "admin_internal.h"
#include "metrics.h"
#include "process.h"

#include "hashtagd/base/assert.h"

const char ht_compiler[] =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

/* How one part is asked. */
struct part {
    const char *name;
    const char *unit; /* of rate and total */
    struct ht_health *(*health)(const struct ht_admin_context *c);
    const char *(*type)(const struct ht_admin_context *c);
    uint64_t (*total)(const struct ht_admin_context *c);
};

static struct ht_health *source_health(const struct ht_admin_context *c)
{
    return &c->source->health;
}

static struct ht_health *ingest_health(const struct ht_admin_context *c)
{
    return ht_ingest_health(c->ingest);
}

static struct ht_health *stream_health(const struct ht_admin_context *c)
{
    return &c->stream->health;
}

static struct ht_health *count_health(const struct ht_admin_context *c)
{
    return ht_count_health(c->count);
}

static struct ht_health *table_health(const struct ht_admin_context *c)
{
    return &c->table->health;
}

static struct ht_health *changes_health(const struct ht_admin_context *c)
{
    return c->changes == NULL ? NULL : &c->changes->health;
}

static struct ht_health *archive_health(const struct ht_admin_context *c)
{
    return c->archive == NULL ? NULL : &c->archive->health;
}

static const char *source_type(const struct ht_admin_context *c)
{
    return c->source->ops->type;
}

static const char *stage_type(const struct ht_admin_context *c)
{
    (void)c;
    return "";
}

static const char *stream_type(const struct ht_admin_context *c)
{
    return c->stream->ops->type;
}

static const char *table_type(const struct ht_admin_context *c)
{
    return c->table->ops->type;
}

static const char *changes_type(const struct ht_admin_context *c)
{
    return c->changes == NULL ? "none" : c->changes->ops->type;
}

static const char *archive_type(const struct ht_admin_context *c)
{
    return c->archive == NULL ? "none" : c->archive->ops->type;
}

static uint64_t source_total(const struct ht_admin_context *c)
{
    return c->source->messages.total;
}

static uint64_t ingest_total(const struct ht_admin_context *c)
{
    return ht_ingest_counters(c->ingest)->accepted;
}

static uint64_t stream_total(const struct ht_admin_context *c)
{
    return c->stream->counters.records_put;
}

static uint64_t count_total(const struct ht_admin_context *c)
{
    return ht_count_counters(c->count)->hashtags;
}

static uint64_t table_total(const struct ht_admin_context *c)
{
    return c->table->counters.items_written;
}

static uint64_t changes_total(const struct ht_admin_context *c)
{
    return c->changes == NULL ? 0 : c->changes->counters.removals_read;
}

static uint64_t archive_total(const struct ht_admin_context *c)
{
    return c->archive == NULL ? 0 : c->archive->counters.lines_delivered;
}

static const struct part parts[HT_STATUS_PARTS] = {
    [HT_PART_SOURCE] = {"source", "tweets", source_health, source_type, source_total},
    [HT_PART_INGEST] = {"ingest", "tweets", ingest_health, stage_type, ingest_total},
    [HT_PART_STREAM] = {"stream", "records", stream_health, stream_type, stream_total},
    [HT_PART_COUNT] = {"count", "hashtags", count_health, stage_type, count_total},
    [HT_PART_TABLE] = {"table", "items", table_health, table_type, table_total},
    [HT_PART_CHANGES] = {"changes", "deletions", changes_health, changes_type, changes_total},
    [HT_PART_ARCHIVE] = {"archive", "deletions", archive_health, archive_type, archive_total},
};

const char *ht_status_part_name(enum ht_status_part part)
{
    HT_ASSERT(part < HT_STATUS_PARTS);
    return parts[part].name;
}

/* The archiver is the stage between changes and archive: where it fails, what it feeds fails. */
struct ht_health *ht_status_health(const struct ht_admin_context *context, enum ht_status_part part)
{
    HT_ASSERT(part < HT_STATUS_PARTS);
    struct ht_health *health = parts[part].health(context);
    if (part == HT_PART_ARCHIVE && context->archiver != NULL && health != NULL &&
        ht_health_state_is_ready(health->state)) {
        struct ht_health *stage = ht_archiver_health(context->archiver);
        return ht_health_state_is_ready(stage->state) ? health : stage;
    }
    return health;
}

/* Changes of state */

/* A part that waits or has failed is the only news that a person must see. */
static void on_change(void *user, struct ht_health *health)
{
    struct ht_admin *admin = ht_admin_from(user);
    const struct ht_admin_context *context = &admin->context;
    const char *name = "dead_letters";
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        if (parts[i].health(context) == health) {
            name = parts[i].name;
        }
    }
    if (context->archiver != NULL && ht_archiver_health(context->archiver) == health) {
        name = "archiver";
    }
    enum ht_log_level level = health->state == HT_HEALTH_FAILED    ? HT_LOG_ERROR
                              : health->state == HT_HEALTH_WAITING ? HT_LOG_WARNING
                                                                   : HT_LOG_DEBUG;
    HT_LOG_AT(context->log, level, "status", "state changed", HT_TEXT("of", name),
              HT_TEXT("state", ht_health_state_name(health->state)), HT_TEXT("text", health->text));
    ht_events_note_state(&admin->events);
}

static void watch(struct ht_admin *admin, struct ht_health *health, bool is_on)
{
    if (health != NULL) {
        health->on_change = is_on ? on_change : NULL;
        health->on_change_user = is_on ? admin : NULL;
    }
}

static void watch_all(struct ht_admin *admin, bool is_on)
{
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        watch(admin, parts[i].health(&admin->context), is_on);
    }
    watch(admin, &admin->context.dead_letters->health, is_on);
    if (admin->context.archiver != NULL) {
        watch(admin, ht_archiver_health(admin->context.archiver), is_on);
    }
}

void ht_status_watch(struct ht_admin *admin)
{
    watch_all(admin, true);
}

void ht_status_unwatch(struct ht_admin *admin)
{
    watch_all(admin, false);
}

/* Rates */

void ht_status_sample(struct ht_admin *admin)
{
    uint64_t now_ms = ht_clock_monotonic_ms(admin->context.clock);
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        uint64_t total = parts[i].total(&admin->context);
        uint64_t before = admin->rates.totals[i];
        /* A second behind: the sample is of the second that just ended. */
        ht_rate_add(&admin->rates.rates[i], now_ms, total > before ? total - before : 0);
        admin->rates.totals[i] = total;
    }
}

static double rate_of(struct ht_admin *admin, enum ht_status_part part)
{
    const struct ht_admin_context *context = &admin->context;
    uint64_t now_ms = ht_clock_monotonic_ms(context->clock);
    switch (part) {
    case HT_PART_SOURCE:
        return ht_rate_per_second(&context->source->messages, now_ms);
    case HT_PART_INGEST:
        return ht_rate_per_second(ht_ingest_rate(context->ingest), now_ms);
    case HT_PART_COUNT:
        return ht_rate_per_second(ht_count_hashtag_rate(context->count), now_ms);
    case HT_PART_STREAM:
    case HT_PART_TABLE:
    case HT_PART_CHANGES:
    case HT_PART_ARCHIVE:
    case HT_PART_NONE:
        break;
    }
    return ht_rate_per_second(&admin->rates.rates[part], now_ms);
}

/* Problems */

/* The next part at or after `*index` that /readyz is not content with; NULL where none is left. */
static const struct ht_health *next_problem(const struct ht_admin *admin, int *index,
                                            const char **name)
{
    for (; *index < HT_STATUS_PARTS; (*index)++) {
        const struct ht_health *health =
            ht_status_health(&admin->context, (enum ht_status_part) * index);
        if (health != NULL && !ht_health_state_is_ready(health->state)) {
            *name = parts[(*index)++].name;
            return health;
        }
    }
    const struct ht_health *letters = &admin->context.dead_letters->health;
    bool is_broken = letters->state == HT_HEALTH_WAITING || letters->state == HT_HEALTH_FAILED;
    if (*index == HT_STATUS_PARTS && is_broken) {
        (*index)++;
        *name = "dead_letters";
        return letters;
    }
    return NULL;
}

static const char *text_of(const struct ht_health *health)
{
    return health->text[0] != '\0' ? health->text : ht_health_state_name(health->state);
}

bool ht_status_is_ready(const struct ht_admin *admin)
{
    int index = 0;
    const char *name;
    return !admin->is_stopping && next_problem(admin, &index, &name) == NULL;
}

static void write_problems(const struct ht_admin *admin, struct ht_json_writer *writer)
{
    ht_json_write_array_begin(writer);
    const struct ht_health *health;
    const char *name;
    for (int index = 0; (health = next_problem(admin, &index, &name)) != NULL;) {
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "part");
        ht_json_write_text(writer, name);
        ht_json_write_key(writer, "since");
        ht_json_write_i64(writer, health->since_s);
        ht_json_write_key(writer, "text");
        ht_json_write_text(writer, text_of(health));
        ht_json_write_object_end(writer);
    }
    ht_json_write_array_end(writer);
}

void ht_status_format_problems(const struct ht_admin *admin, struct ht_buffer *out)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    write_problems(admin, &writer);
}

void ht_status_describe_problems(const struct ht_admin *admin, struct ht_buffer *out)
{
    if (admin->is_stopping) {
        (void)ht_buffer_append_text(out, "The daemon is stopping. ");
    }
    const struct ht_health *health;
    const char *name;
    for (int index = 0; (health = next_problem(admin, &index, &name)) != NULL;) {
        (void)ht_buffer_append_format(out, "%s is %s: %s ", name,
                                      ht_health_state_name(health->state), text_of(health));
    }
}

/* The whole */

static void write_part(struct ht_admin *admin, enum ht_status_part part,
                       struct ht_json_writer *writer)
{
    static const struct ht_health off = {.state = HT_HEALTH_OFF};
    const struct ht_admin_context *context = &admin->context;
    const struct ht_health *health = ht_status_health(context, part);
    health = health == NULL ? &off : health;
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "name");
    ht_json_write_text(writer, parts[part].name);
    ht_json_write_key(writer, "type");
    ht_json_write_text(writer, parts[part].type(context));
    ht_json_write_key(writer, "state");
    ht_json_write_text(writer, ht_health_state_name(health->state));
    ht_json_write_key(writer, "text");
    ht_json_write_text(writer, health->text);
    ht_json_write_key(writer, "since");
    ht_json_write_i64(writer, health == &off ? context->started_at_s : health->since_s);
    ht_json_write_key(writer, "rate");
    ht_json_write_real(writer, rate_of(admin, part));
    ht_json_write_key(writer, "total");
    ht_json_write_u64(writer, parts[part].total(context));
    ht_json_write_key(writer, "unit");
    ht_json_write_text(writer, parts[part].unit);
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

static void write_memory(const struct ht_admin_context *context, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "memory");
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "budget_bytes");
    ht_json_write_u64(writer, context->budget->limit_bytes);
    ht_json_write_key(writer, "used_bytes");
    ht_json_write_u64(writer, context->budget->used_bytes);
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
    write_problems(admin, &writer);
    ht_json_write_key(&writer, "parts");
    ht_json_write_array_begin(&writer);
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        write_part(admin, (enum ht_status_part)i, &writer);
    }
    ht_json_write_array_end(&writer);
    write_shards(context, &writer);
    write_memory(context, &writer);
    write_loop(context, &writer);
    ht_json_write_object_end(&writer);
}
