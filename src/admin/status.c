// SPDX-License-Identifier: MIT
#include "status.h"

#include "admin_internal.h"
#include "status_parts.h"

#include <string.h>

/* The archiver is the stage between changes and archive: where it fails, what it feeds fails. */
struct ht_health *ht_status_health(const struct ht_admin_context *context, enum ht_status_part part)
{
    struct ht_health *health = ht_status_row(part)->health(context);
    if (part == HT_PART_ARCHIVE && context->archiver != NULL && health != NULL &&
        ht_health_state_is_ready(health->state)) {
        struct ht_health *stage = ht_archiver_health(context->archiver);
        return ht_health_state_is_ready(stage->state) ? health : stage;
    }
    return health;
}

/* Changes of state */

/* Of several sources each one's news is told by itself. */
static enum ht_log_level level_of(const struct ht_admin_context *context, struct ht_health *health)
{
    enum ht_log_level level = ht_health_news(health);
    bool is_several = health == &context->source->health && context->source->part_count > 0;
    return is_several ? HT_LOG_DEBUG : level;
}

static void on_change(void *user, struct ht_health *health)
{
    struct ht_admin *admin = ht_admin_from(user);
    const struct ht_admin_context *context = &admin->context;
    const char *name = "dead_letters";
    for (int i = 0; i < HT_STATUS_PARTS; i++) {
        if (ht_status_row((enum ht_status_part)i)->health(context) == health) {
            name = ht_status_part_name((enum ht_status_part)i);
        }
    }
    if (context->archiver != NULL && ht_archiver_health(context->archiver) == health) {
        name = "archiver";
    }
    HT_LOG_AT(context->log, level_of(context, health), "status", "state changed",
              HT_TEXT("of", name), HT_TEXT("state", ht_health_state_name(health->state)),
              HT_TEXT("text", health->text), (struct ht_log_field){0});
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
        watch(admin, ht_status_row((enum ht_status_part)i)->health(&admin->context), is_on);
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
        uint64_t total = ht_status_row((enum ht_status_part)i)->total(&admin->context);
        uint64_t before = admin->rates.totals[i];
        /* A second behind: the sample is of the second that just ended. */
        ht_rate_add(&admin->rates.rates[i], now_ms, total > before ? total - before : 0);
        admin->rates.totals[i] = total;
    }
}

double ht_status_rate(struct ht_admin *admin, enum ht_status_part part)
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
            *name = ht_status_part_name((enum ht_status_part)(*index)++);
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

void ht_status_write_problems(const struct ht_admin *admin, struct ht_json_writer *writer)
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
    ht_status_write_problems(admin, &writer);
}

/* "table is waiting: The disk is full." A reason that only repeats the state is left out. */
static void append_problem(struct ht_buffer *out, const char *name, const struct ht_health *health)
{
    const char *state = ht_health_state_name(health->state);
    const char *text = text_of(health);
    size_t length = strlen(text);
    bool has_end = length > 0 && strchr(".!?)", text[length - 1]) != NULL;
    (void)ht_buffer_append_format(out, "%s%s is %s", out->length > 0 ? " " : "", name, state);
    if (strcmp(text, state) != 0) {
        (void)ht_buffer_append_format(out, ": %s", text);
    }
    (void)ht_buffer_append_text(out, has_end ? "" : ".");
}

void ht_status_describe_problems(const struct ht_admin *admin, struct ht_buffer *out)
{
    if (admin->is_stopping) {
        (void)ht_buffer_append_text(out, "The daemon is stopping.");
    }
    const struct ht_health *health;
    const char *name;
    for (int index = 0; (health = next_problem(admin, &index, &name)) != NULL;) {
        append_problem(out, name, health);
    }
}
