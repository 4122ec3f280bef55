// SPDX-License-Identifier: MIT
#include "hashtagd/aws/credentials.h"

#include "credentials_fetch.h"
#include "credentials_refresh.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"
#include "keys.h"

#include <stdlib.h>

/*
 * The set in use, who waits for one, and one run through the chain at a time.
 *
 *   get -> [ waiting ] -> run ends -> [ ended ] -> turn -> done
 *   time, refuse, now -> run
 *
 * After a run that failed the next one waits a little, whoever asks: a program is not started,
 * nor a service asked, many times a second.
 */

#define REGION_RETRY_MS     60000
#define REFUSED_TOO_SOON_MS 3000

static const struct ht_backoff again = {500, 30000};

struct request_list {
    struct ht_aws_credentials_request *first; /* borrowed */
    struct ht_aws_credentials_request **last;
};

struct ht_aws_credentials {
    struct ht_aws_credentials_options options;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_aws_keys *keys; /* in use; NULL: none */
    bool are_of_instance;     /* those may outlive their expiry */
    struct ht_aws_refresh refresh;
    char *region; /* that was found; owned */
    struct request_list waiting, ended;
    struct ht_timer turn_timer;    /* tells the ended requests */
    struct ht_timer refresh_timer; /* a run is due */
    struct ht_aws_fetch fetch;
    bool is_fetching;
    unsigned failed_count;   /* runs in a row */
    uint64_t not_before_ms;  /* monotonic: no run earlier */
    uint64_t fetched_ms;     /* monotonic: when the last good run ended */
    struct ht_error failure; /* of the last run; code 0: it was good */
    bool is_closing;
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void on_turn(struct ht_timer *timer);
static void on_refresh_due(struct ht_timer *timer);
static void start_fetch(struct ht_aws_credentials *credentials);
static void on_fetched(struct ht_aws_fetch *fetch);
static void take_keys(struct ht_aws_credentials *credentials, struct ht_aws_keys *keys);
static void note_failure(struct ht_aws_credentials *credentials, const struct ht_aws_fetch *fetch);
static void extend_instance_keys(struct ht_aws_credentials *credentials);
static void schedule(struct ht_aws_credentials *credentials);
static void answer_waiting(struct ht_aws_credentials *credentials);
static void end_request(struct ht_aws_credentials *credentials,
                        struct ht_aws_credentials_request *request, int status);
static enum ht_aws_freshness freshness(const struct ht_aws_credentials *credentials);
static void drop_keys(struct ht_aws_credentials *credentials);
static void on_close_due(struct ht_timer *timer);
static void list_append(struct request_list *list, struct ht_aws_credentials_request *request);
static struct ht_aws_credentials_request *list_take_first(struct request_list *list);
static bool list_remove(struct request_list *list, struct ht_aws_credentials_request *request);

int ht_aws_credentials_create(struct ht_aws_credentials **out,
                              const struct ht_aws_credentials_options *options,
                              struct ht_error *error)
{
    struct ht_aws_credentials *credentials = calloc(1, sizeof *credentials);

    *out = NULL;
    if (credentials == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for AWS credentials.");
    }
    credentials->options = *options;
    credentials->clock = ht_loop_clock(options->loop);
    credentials->timers = ht_loop_timers(options->loop);
    credentials->waiting.last = &credentials->waiting.first;
    credentials->ended.last = &credentials->ended.first;
    ht_timer_init(&credentials->turn_timer, on_turn);
    ht_timer_init(&credentials->refresh_timer, on_refresh_due);
    ht_timer_init(&credentials->close_timer, on_close_due);
    credentials->fetch.options = &credentials->options;
    credentials->fetch.done = on_fetched;
    credentials->fetch.user = credentials;
    *out = credentials;
    return 0;
}

struct ht_aws_keys *ht_aws_credentials_now(struct ht_aws_credentials *credentials)
{
    enum ht_aws_freshness state = freshness(credentials);

    if (state != HT_AWS_FRESH) {
        start_fetch(credentials);
    }
    if (state == HT_AWS_EXPIRED || (state == HT_AWS_MANDATORY && credentials->failed_count == 0)) {
        return NULL;
    }
    return ht_aws_keys_hold(credentials->keys);
}

void ht_aws_credentials_get(struct ht_aws_credentials *credentials,
                            struct ht_aws_credentials_request *request)
{
    request->status = 0;
    ht_error_clear(&request->error);
    request->keys = credentials->is_closing ? NULL : ht_aws_credentials_now(credentials);
    if (request->keys != NULL) {
        end_request(credentials, request, 0);
    } else if (credentials->is_closing) {
        end_request(credentials, request, HT_ECANCELED);
    } else if (credentials->is_fetching) {
        list_append(&credentials->waiting, request);
    } else { /* it is too early for another run */
        request->error = credentials->failure;
        end_request(credentials, request, credentials->failure.code);
    }
}

void ht_aws_credentials_cancel(struct ht_aws_credentials *credentials,
                               struct ht_aws_credentials_request *request)
{
    if (list_remove(&credentials->waiting, request)) {
        end_request(credentials, request, HT_ECANCELED);
    } else if (list_remove(&credentials->ended, request)) {
        ht_aws_keys_release(request->keys);
        request->keys = NULL;
        end_request(credentials, request, HT_ECANCELED);
    }
}

void ht_aws_credentials_refuse(struct ht_aws_credentials *credentials,
                               const struct ht_aws_keys *keys)
{
    uint64_t now_ms = ht_clock_monotonic_ms(credentials->clock);

    /* a set that has just come cannot be replaced by a better one */
    if (keys != credentials->keys || keys == NULL ||
        now_ms - credentials->fetched_ms < REFUSED_TOO_SOON_MS) {
        return;
    }
    ht_log_warning(credentials->options.log, "credentials", "keys were refused, asking anew",
                   HT_TEXT("origin", keys->origin));
    drop_keys(credentials);
    start_fetch(credentials);
}

static void on_refresh_due(struct ht_timer *timer)
{
    struct ht_aws_credentials *credentials =
        HT_CONTAINER_OF(timer, struct ht_aws_credentials, refresh_timer);
    bool needs_region = ht_aws_credentials_region(credentials) == NULL;

    if (freshness(credentials) != HT_AWS_FRESH || needs_region) {
        start_fetch(credentials);
    }
    schedule(credentials);
}

/* Nothing happens where a run goes on, or where the last one failed a moment ago. */
static void start_fetch(struct ht_aws_credentials *credentials)
{
    if (credentials->is_fetching || credentials->is_closing ||
        ht_clock_monotonic_ms(credentials->clock) < credentials->not_before_ms) {
        return;
    }
    credentials->is_fetching = true;
    credentials->fetch.region = ht_aws_credentials_region(credentials);
    ht_aws_fetch_start(&credentials->fetch);
}

static void on_fetched(struct ht_aws_fetch *fetch)
{
    struct ht_aws_credentials *credentials = fetch->user;

    credentials->is_fetching = false;
    if (fetch->found_region != NULL) {
        free(credentials->region);
        credentials->region = fetch->found_region;
    }
    if (fetch->status == 0) {
        credentials->are_of_instance = fetch->is_instance;
        take_keys(credentials, fetch->keys);
    } else {
        note_failure(credentials, fetch);
    }
    if (credentials->is_closing) {
        ht_timer_start(credentials->timers, &credentials->close_timer, 0);
        return;
    }
    schedule(credentials);
    answer_waiting(credentials);
}

static void take_keys(struct ht_aws_credentials *credentials, struct ht_aws_keys *keys)
{
    drop_keys(credentials);
    credentials->keys = keys;
    credentials->failed_count = 0;
    credentials->not_before_ms = 0;
    credentials->fetched_ms = ht_clock_monotonic_ms(credentials->clock);
    ht_error_clear(&credentials->failure);
    credentials->refresh = ht_aws_refresh_make(ht_clock_wall_s(credentials->clock), keys->expires_s,
                                               credentials->options.random);
    char expires[HT_TIME_UTC_BYTES];
    ht_log_info(credentials->options.log, "credentials", "keys found",
                HT_TEXT("origin", keys->origin),
                HT_TEXT("expires", keys->expires_s == 0
                                       ? "never"
                                       : ht_time_format_utc(keys->expires_s * 1000, expires)));
}

static void note_failure(struct ht_aws_credentials *credentials, const struct ht_aws_fetch *fetch)
{
    credentials->failure = fetch->error;
    credentials->failure.code = fetch->status;
    credentials->failed_count++;
    credentials->not_before_ms =
        ht_clock_monotonic_ms(credentials->clock) +
        ht_backoff_ms(&again, credentials->failed_count, credentials->options.random);
    if (fetch->status == HT_ECANCELED) {
        return;
    }
    extend_instance_keys(credentials);
    bool is_usable = freshness(credentials) != HT_AWS_EXPIRED;
    ht_log_warning(credentials->options.log, "credentials", "no keys this time",
                   HT_TEXT("reason", fetch->error.text),
                   HT_TEXT("goes_on_with", is_usable ? "the old keys" : "none"));
}

/* The service accepts keys of an instance whose renewal is late: better than to stop. */
static void extend_instance_keys(struct ht_aws_credentials *credentials)
{
    enum ht_aws_freshness state = freshness(credentials);
    int64_t now_s = ht_clock_wall_s(credentials->clock);

    if (credentials->keys == NULL || !credentials->are_of_instance ||
        (state != HT_AWS_MANDATORY && state != HT_AWS_EXPIRED)) {
        return;
    }
    struct ht_aws_keys *extended = ht_aws_keys_extend(
        credentials->keys, ht_aws_refresh_extended_s(now_s, credentials->options.random));
    if (extended == NULL) {
        return;
    }
    drop_keys(credentials);
    credentials->keys = extended;
    credentials->refresh =
        ht_aws_refresh_make(now_s, extended->expires_s, credentials->options.random);
}

/* When to look again: at the advisory time, after a failure, for the region. */
static void schedule(struct ht_aws_credentials *credentials)
{
    uint64_t now_ms = ht_clock_monotonic_ms(credentials->clock);
    uint64_t wait_ms = UINT64_MAX;

    if (credentials->keys != NULL && credentials->keys->expires_s != 0) {
        wait_ms =
            ht_aws_refresh_wait_ms(&credentials->refresh, ht_clock_wall_s(credentials->clock));
    }
    if (ht_aws_credentials_region(credentials) == NULL && wait_ms > REGION_RETRY_MS) {
        wait_ms = REGION_RETRY_MS;
    }
    if (credentials->keys != NULL && credentials->not_before_ms > now_ms &&
        wait_ms < credentials->not_before_ms - now_ms) {
        wait_ms = credentials->not_before_ms - now_ms;
    }
    if (wait_ms == UINT64_MAX || credentials->is_closing) {
        ht_timer_stop(credentials->timers, &credentials->refresh_timer);
    } else {
        ht_timer_start(credentials->timers, &credentials->refresh_timer, wait_ms);
    }
}

/* Where the run failed, those who wait get the old set as long as it is valid. */
static void answer_waiting(struct ht_aws_credentials *credentials)
{
    bool is_usable = freshness(credentials) != HT_AWS_EXPIRED;
    struct ht_aws_credentials_request *request;

    if (!is_usable && credentials->failure.code == 0) {
        ht_error_set(&credentials->failure, HT_EPERMISSION,
                     "The AWS keys expired at the moment they came.");
    }
    while ((request = list_take_first(&credentials->waiting)) != NULL) {
        if (is_usable) {
            request->keys = ht_aws_keys_hold(credentials->keys);
        } else {
            request->error = credentials->failure;
        }
        end_request(credentials, request, is_usable ? 0 : credentials->failure.code);
    }
}

static void end_request(struct ht_aws_credentials *credentials,
                        struct ht_aws_credentials_request *request, int status)
{
    request->status = status;
    if (status == HT_ECANCELED) {
        ht_error_set(&request->error, status, "The request for AWS credentials was given up.");
    }
    list_append(&credentials->ended, request);
    ht_timer_start(credentials->timers, &credentials->turn_timer, 0);
}

/* As many as were there: one who asks again from inside `done` is told on the next turn. */
static void on_turn(struct ht_timer *timer)
{
    struct ht_aws_credentials *credentials =
        HT_CONTAINER_OF(timer, struct ht_aws_credentials, turn_timer);
    struct ht_aws_credentials_request *request = credentials->ended.first;
    size_t count = 0;

    for (; request != NULL; request = request->next) {
        count++;
    }
    while (count-- > 0 && (request = list_take_first(&credentials->ended)) != NULL) {
        request->done(request);
    }
}

/* EXPIRED where there are no keys. */
static enum ht_aws_freshness freshness(const struct ht_aws_credentials *credentials)
{
    return credentials->keys == NULL
               ? HT_AWS_EXPIRED
               : ht_aws_refresh_freshness(&credentials->refresh,
                                          ht_clock_wall_s(credentials->clock));
}

static void drop_keys(struct ht_aws_credentials *credentials)
{
    ht_aws_keys_release(credentials->keys);
    credentials->keys = NULL;
}

int64_t ht_aws_credentials_seconds_left(const struct ht_aws_credentials *credentials)
{
    if (credentials->keys == NULL) {
        return -1;
    }
    if (credentials->keys->expires_s == 0) {
        return INT64_MAX;
    }
    int64_t left_s = credentials->keys->expires_s - ht_clock_wall_s(credentials->clock);
    return left_s < 0 ? -1 : left_s;
}

const char *ht_aws_credentials_region(const struct ht_aws_credentials *credentials)
{
    const char *region = credentials->options.settings->region;

    return region != NULL ? region : credentials->region;
}

void ht_aws_credentials_close(struct ht_aws_credentials *credentials, void (*on_closed)(void *user),
                              void *user)
{
    struct ht_aws_credentials_request *request;

    if (credentials == NULL) {
        return;
    }
    HT_ASSERT(!credentials->is_closing);
    credentials->is_closing = true;
    credentials->on_closed = on_closed;
    credentials->on_closed_user = user;
    ht_timer_stop(credentials->timers, &credentials->refresh_timer);
    while ((request = list_take_first(&credentials->waiting)) != NULL) {
        end_request(credentials, request, HT_ECANCELED);
    }
    if (credentials->is_fetching) {
        ht_aws_fetch_cancel(&credentials->fetch);
    } else {
        ht_timer_start(credentials->timers, &credentials->close_timer, 0);
    }
}

static void on_close_due(struct ht_timer *timer)
{
    struct ht_aws_credentials *credentials =
        HT_CONTAINER_OF(timer, struct ht_aws_credentials, close_timer);
    void (*on_closed)(void *user) = credentials->on_closed;
    void *user = credentials->on_closed_user;

    while (credentials->ended.first != NULL) {
        on_turn(&credentials->turn_timer);
    }
    ht_timer_stop(credentials->timers, &credentials->turn_timer);
    drop_keys(credentials);
    free(credentials->region);
    free(credentials);
    if (on_closed != NULL) {
        on_closed(user);
    }
}

static void list_append(struct request_list *list, struct ht_aws_credentials_request *request)
{
    request->next = NULL;
    *list->last = request;
    list->last = &request->next;
}

static struct ht_aws_credentials_request *list_take_first(struct request_list *list)
{
    struct ht_aws_credentials_request *request = list->first;

    if (request != NULL) {
        list->first = request->next;
        list->last = list->first == NULL ? &list->first : list->last;
    }
    return request;
}

static bool list_remove(struct request_list *list, struct ht_aws_credentials_request *request)
{
    struct ht_aws_credentials_request **at = &list->first;

    while (*at != NULL && *at != request) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return false;
    }
    *at = request->next;
    if (list->last == &request->next) {
        list->last = at;
    }
    return true;
}
