// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/health.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
#define X(state, name, ready) name,
    HT_HEALTH_MAP(X)
#undef X
};

static const bool is_ready[] = {
#define X(state, name, ready) ready,
    HT_HEALTH_MAP(X)
#undef X
};

void ht_health_init(struct ht_health *health, struct ht_clock *clock, enum ht_health_state state)
{
    *health = (struct ht_health){.clock = clock, .state = state, .since_s = ht_clock_wall_s(clock)};
}

static void change(struct ht_health *health, enum ht_health_state state, const char *text)
{
    if (health->state == state && strcmp(health->text, text) == 0) {
        return;
    }
    health->is_new_state = health->state != state;
    if (health->is_new_state) {
        health->since_s = ht_clock_wall_s(health->clock);
    }
    health->state = state;
    (void)snprintf(health->text, sizeof(health->text), "%s", text);
    if (health->on_change != NULL) {
        health->on_change(health->on_change_user, health);
    }
}

void ht_health_set(struct ht_health *health, enum ht_health_state state, const char *format, ...)
{
    char text[HT_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    change(health, state, text);
}

void ht_health_note_error(struct ht_health *health, const struct ht_error *error)
{
    health->errors++;
    health->last_error_s = ht_clock_wall_s(health->clock);
    const char *text = error->text[0] != '\0' ? error->text : ht_error_meaning(error->code);
    (void)snprintf(health->last_error, sizeof(health->last_error), "%s", text);
}

void ht_health_fail(struct ht_health *health, enum ht_health_state state,
                    const struct ht_error *error)
{
    ht_health_note_error(health, error);
    change(health, state, health->last_error);
}

void ht_health_succeed(struct ht_health *health)
{
    health->last_success_s = ht_clock_wall_s(health->clock);
    health->last_success_monotonic_ms = ht_clock_monotonic_ms(health->clock);
    if (health->state == HT_HEALTH_STARTING || health->state == HT_HEALTH_WAITING) {
        change(health, HT_HEALTH_WORKING, "");
    }
}

enum ht_log_level ht_health_news(struct ht_health *health)
{
    bool is_over = health->is_trouble_told && ht_health_state_is_ready(health->state);
    if (health->state == HT_HEALTH_FAILED || health->state == HT_HEALTH_WAITING) {
        health->is_trouble_told = true;
        /* the same trouble in other words (another request id) is no news */
        return !health->is_new_state               ? HT_LOG_DEBUG
               : health->state == HT_HEALTH_FAILED ? HT_LOG_ERROR
                                                   : HT_LOG_WARNING;
    }
    health->is_trouble_told = health->is_trouble_told && !is_over;
    return is_over ? HT_LOG_INFO : HT_LOG_DEBUG;
}

const char *ht_health_state_name(enum ht_health_state state)
{
    return names[state];
}

bool ht_health_state_is_ready(enum ht_health_state state)
{
    return is_ready[state];
}
