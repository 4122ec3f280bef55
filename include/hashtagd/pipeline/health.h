// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a part of the pipeline says of itself: its state, why, since when, and its
 * last error. Every port and stage owns one; `GET /status`, `/readyz`, the dashboard
 * and the metrics read it. One thread (the loop's).
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* state, its name, whether /readyz is content with it */
#define HT_HEALTH_MAP(X)                                                                           \
    X(HT_HEALTH_OFF, "off", true)            /* configured away */                                 \
    X(HT_HEALTH_STARTING, "starting", false) /* not yet at work */                                 \
    X(HT_HEALTH_WORKING, "working", true)                                                          \
    X(HT_HEALTH_IDLE, "idle", true)        /* nothing to do */                                     \
    X(HT_HEALTH_PAUSED, "paused", true)    /* held back by pressure from behind */                 \
    X(HT_HEALTH_WAITING, "waiting", false) /* something outside is wrong; it tries again */        \
    X(HT_HEALTH_FAILED, "failed", false)   /* a person is needed */                                \
    X(HT_HEALTH_STOPPED, "stopped", true)

enum ht_health_state {
#define X(state, name, ready) state,
    HT_HEALTH_MAP(X)
#undef X
};

struct ht_health {
    struct ht_clock *clock;         /**< not owned */
    enum ht_health_state state;     /**< now */
    int64_t since_s;                /**< wall time of the last change of state */
    bool is_new_state;              /**< the last change was one of state, not of text alone */
    char text[HT_ERROR_TEXT_BYTES]; /**< why; may be empty */
    uint64_t errors;                /**< how often ht_health_fail() was called */
    char last_error[HT_ERROR_TEXT_BYTES]; /**< empty where there was none */
    int64_t last_error_s;                 /**< wall time of it, 0 where there was none */
    int64_t last_success_s;               /**< wall time of the last success, 0 where none */
    uint64_t last_success_monotonic_ms;   /**< the same, for ages */
    void (*on_change)(void *user,
                      struct ht_health *health); /**< may be NULL; state or text changed */
    void *on_change_user;                        /**< given to on_change */
    bool is_trouble_told; /**< for on_change alone: it told trouble, and not yet its end */
};

/** Starts in state `state` without text. */
void ht_health_init(struct ht_health *health, struct ht_clock *clock, enum ht_health_state state);

/** Sets state and text (format may give an empty text); tells on_change where anything changed. */
void ht_health_set(struct ht_health *health, enum ht_health_state state, const char *format, ...)
    HT_PRINTF(3, 4);

/** Notes an error and sets the state (usually WAITING or FAILED) with its text. */
void ht_health_fail(struct ht_health *health, enum ht_health_state state,
                    const struct ht_error *error);

/** Notes an error without changing the state: one that was handled. */
void ht_health_note_error(struct ht_health *health, const struct ht_error *error);

/** Notes a success; a part that was STARTING or WAITING is WORKING from now on. */
void ht_health_succeed(struct ht_health *health);

/** How important the change is that on_change is being told: that a part waits or has failed is news
 * that a person must see, and so is the end of it. For on_change alone, once a change. */
enum ht_log_level ht_health_news(struct ht_health *health);

/** The state's name, static. */
const char *ht_health_state_name(enum ht_health_state state);

/** Whether /readyz is content with the state. */
bool ht_health_state_is_ready(enum ht_health_state state);
