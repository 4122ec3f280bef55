// SPDX-License-Identifier: MIT
#include "credentials_fetch.h"

#include "keys.h"
#include "settings_internal.h"

#include "hashtagd/base/assert.h"

#include <string.h>

/*
 *   start -> [ read files, plan, token: worker ] -> region, where none is known
 *         -> source: in the plan | program | agent | machine | web identity
 *         -> role -> role ... -> finish -> done
 */

enum step {
    STEP_READING,
    STEP_REGION,
    STEP_INSTANCE,
    STEP_PROCESS,
    STEP_CONTAINER,
    STEP_ASSUMING,
};

static void run_reading(struct ht_job *job);
static void reading_done(struct ht_job *job);
static void ask_region(struct ht_aws_fetch *fetch);
static void on_region(struct ht_aws_instance_source *source);
static void ask_source(struct ht_aws_fetch *fetch);
static void ask_process(struct ht_aws_fetch *fetch);
static void on_process(struct ht_aws_process_source *source);
static void ask_container(struct ht_aws_fetch *fetch);
static void on_container(struct ht_aws_container_source *source);
static void ask_instance(struct ht_aws_fetch *fetch);
static void on_instance(struct ht_aws_instance_source *source);
static void tell_last_resort(struct ht_aws_fetch *fetch, const struct ht_error *reason);
static void assume(struct ht_aws_fetch *fetch, const struct ht_aws_role *role);
static void on_assumed(struct ht_sts_assume_role *op);
static void go_on(struct ht_aws_fetch *fetch, struct ht_aws_keys *keys);
static void check_expiry(struct ht_aws_fetch *fetch);
static void finish(struct ht_aws_fetch *fetch, int status);
static const char *region_of(const struct ht_aws_fetch *fetch);

void ht_aws_fetch_start(struct ht_aws_fetch *fetch)
{
    fetch->status = 0;
    ht_error_clear(&fetch->error);
    ht_error_clear(&fetch->region_error);
    fetch->keys = NULL;
    fetch->found_region = NULL;
    fetch->is_canceled = false;
    fetch->step = STEP_READING;
    ht_job_init(&fetch->job, run_reading, reading_done);
    ht_worker_submit(fetch->options->worker, &fetch->job);
}

/* On the worker: the settings are never changed, the rest is this run's own. */
static void run_reading(struct ht_job *job)
{
    struct ht_aws_fetch *fetch = HT_CONTAINER_OF(job, struct ht_aws_fetch, job);

    fetch->status =
        ht_aws_settings_read_profiles(fetch->options->settings, &fetch->profiles, &fetch->error);
    if (fetch->status == 0) {
        fetch->status = ht_aws_plan_make(&fetch->plan, fetch->options->settings, fetch->profiles,
                                         &fetch->error);
    }
    if (fetch->status == 0) {
        fetch->status = ht_aws_plan_read_token(&fetch->plan, &fetch->error);
    }
}

static void reading_done(struct ht_job *job)
{
    struct ht_aws_fetch *fetch = HT_CONTAINER_OF(job, struct ht_aws_fetch, job);

    fetch->role = fetch->plan.role_count;
    fetch->is_instance = fetch->plan.source == HT_AWS_SOURCE_INSTANCE && fetch->role == 0;
    if (fetch->is_canceled || fetch->status != 0) {
        finish(fetch, fetch->status);
    } else if (fetch->region == NULL && !ht_aws_instance_is_disabled(fetch->options->settings)) {
        ask_region(fetch);
    } else {
        ask_source(fetch);
    }
}

/* Only the machine may know it; where it does not, that is told by whoever needs a region. */
static void ask_region(struct ht_aws_fetch *fetch)
{
    fetch->step = STEP_REGION;
    fetch->instance = (struct ht_aws_instance_source){
        .options = fetch->options, .wants_region = true, .done = on_region, .user = fetch};
    ht_aws_instance_source_start(&fetch->instance);
}

static void on_region(struct ht_aws_instance_source *source)
{
    struct ht_aws_fetch *fetch = source->user;

    if (source->status == 0) {
        fetch->found_region = source->region;
    } else {
        fetch->region_error = source->error;
        fetch->region_error.code = source->status;
    }
    if (fetch->is_canceled) {
        finish(fetch, HT_ECANCELED);
    } else {
        ask_source(fetch);
    }
}

static void ask_source(struct ht_aws_fetch *fetch)
{
    switch (fetch->plan.source) {
    case HT_AWS_SOURCE_KEYS:
        go_on(fetch, ht_aws_keys_hold(fetch->plan.keys));
        break;
    case HT_AWS_SOURCE_PROCESS:
        ask_process(fetch);
        break;
    case HT_AWS_SOURCE_WEB_IDENTITY:
        assume(fetch, &fetch->plan.web_identity);
        break;
    case HT_AWS_SOURCE_CONTAINER:
        ask_container(fetch);
        break;
    case HT_AWS_SOURCE_INSTANCE:
        ask_instance(fetch);
        break;
    }
}

static void ask_process(struct ht_aws_fetch *fetch)
{
    fetch->step = STEP_PROCESS;
    fetch->process = (struct ht_aws_process_source){.options = fetch->options,
                                                    .command = fetch->plan.command,
                                                    .origin = fetch->plan.origin,
                                                    .done = on_process,
                                                    .user = fetch};
    ht_aws_process_source_start(&fetch->process);
}

static void on_process(struct ht_aws_process_source *source)
{
    struct ht_aws_fetch *fetch = source->user;

    fetch->status = source->status;
    fetch->error = source->error;
    go_on(fetch, source->keys);
}

static void ask_container(struct ht_aws_fetch *fetch)
{
    fetch->step = STEP_CONTAINER;
    fetch->container = (struct ht_aws_container_source){
        .options = fetch->options, .plan = &fetch->plan, .done = on_container, .user = fetch};
    ht_aws_container_source_start(&fetch->container);
}

static void on_container(struct ht_aws_container_source *source)
{
    struct ht_aws_fetch *fetch = source->user;

    fetch->status = source->status;
    fetch->error = source->error;
    go_on(fetch, source->keys);
}

static void ask_instance(struct ht_aws_fetch *fetch)
{
    bool is_silent =
        fetch->region_error.code == HT_ETIMEDOUT || fetch->region_error.code == HT_ECONNECTION;

    if (ht_aws_instance_is_disabled(fetch->options->settings)) {
        ht_error_set(&fetch->region_error, HT_ENOTFOUND,
                     "The instance metadata is turned off by AWS_EC2_METADATA_DISABLED.");
        is_silent = true;
    }
    if (is_silent) { /* it would be so once more */
        tell_last_resort(fetch, &fetch->region_error);
        finish(fetch, fetch->status);
        return;
    }
    fetch->step = STEP_INSTANCE;
    fetch->instance = (struct ht_aws_instance_source){
        .options = fetch->options, .done = on_instance, .user = fetch};
    ht_aws_instance_source_start(&fetch->instance);
}

static void on_instance(struct ht_aws_instance_source *source)
{
    struct ht_aws_fetch *fetch = source->user;

    if (source->status != 0) {
        source->error.code = source->status;
        tell_last_resort(fetch, &source->error);
    }
    go_on(fetch, source->keys);
}

/* Where nothing is set up, that is the reason; where the metadata is asked for, theirs is. */
static void tell_last_resort(struct ht_aws_fetch *fetch, const struct ht_error *reason)
{
    if (!fetch->plan.is_last_resort) {
        fetch->error = *reason;
        fetch->status = reason->code;
        return;
    }
    fetch->status = ht_error_set(
        &fetch->error, HT_ENOTFOUND,
        "No AWS credentials were found: AWS_ACCESS_KEY_ID is not set, the profile \"%.60s\" names "
        "none, there is no web identity, no container endpoint. %s",
        fetch->options->settings->profile, reason->text);
}

static void assume(struct ht_aws_fetch *fetch, const struct ht_aws_role *role)
{
    fetch->step = STEP_ASSUMING;
    fetch->assume = (struct ht_sts_assume_role){
        .options = fetch->options,
        .region = region_of(fetch),
        .role = role,
        .keys = fetch->keys,
        .web_identity_token = ht_buffer_slice(&fetch->plan.token),
        .done = on_assumed,
        .user = fetch,
    };
    ht_sts_assume_role_start(&fetch->assume);
}

static void on_assumed(struct ht_sts_assume_role *op)
{
    struct ht_aws_fetch *fetch = op->user;

    fetch->status = op->status;
    fetch->error = op->error;
    go_on(fetch, op->new_keys);
}

/* With these keys (the fetch's from now on; NULL where that failed) to the next role, or the end. */
static void go_on(struct ht_aws_fetch *fetch, struct ht_aws_keys *keys)
{
    ht_aws_keys_release(fetch->keys);
    fetch->keys = keys;
    if (fetch->is_canceled || fetch->status != 0) {
        finish(fetch, fetch->status);
    } else if (fetch->role > 0) {
        fetch->role--;
        assume(fetch, &fetch->plan.roles[fetch->role]);
    } else {
        check_expiry(fetch);
        finish(fetch, fetch->status);
    }
}

static void check_expiry(struct ht_aws_fetch *fetch)
{
    const struct ht_aws_keys *keys = fetch->keys;
    char expires[HT_TIME_UTC_BYTES];

    if (keys->expires_s != 0 &&
        keys->expires_s <= ht_clock_wall_s(ht_loop_clock(fetch->options->loop))) {
        fetch->status = ht_error_set(
            &fetch->error, HT_EPERMISSION,
            "The AWS keys of the %.200s expired at %s. Get new ones, or look at this machine's "
            "clock.",
            keys->origin, ht_time_format_utc(keys->expires_s * 1000, expires));
    }
}

void ht_aws_fetch_cancel(struct ht_aws_fetch *fetch)
{
    if (fetch->is_canceled) {
        return;
    }
    fetch->is_canceled = true;
    switch ((enum step)fetch->step) {
    case STEP_READING: /* a job always ends by itself */
        break;
    case STEP_REGION:
    case STEP_INSTANCE:
        ht_aws_instance_source_cancel(&fetch->instance);
        break;
    case STEP_PROCESS:
        ht_aws_process_source_cancel(&fetch->process);
        break;
    case STEP_CONTAINER:
        ht_aws_container_source_cancel(&fetch->container);
        break;
    case STEP_ASSUMING:
        ht_sts_assume_role_cancel(&fetch->assume);
        break;
    }
}

static void finish(struct ht_aws_fetch *fetch, int status)
{
    fetch->status = fetch->is_canceled ? HT_ECANCELED : status;
    if (fetch->status == HT_ECANCELED) {
        ht_error_set(&fetch->error, HT_ECANCELED, "The search for AWS credentials was given up.");
    }
    if (fetch->status != 0) {
        ht_aws_keys_release(fetch->keys);
        fetch->keys = NULL;
    }
    ht_aws_plan_finish(&fetch->plan);
    ht_aws_profiles_destroy(fetch->profiles);
    fetch->profiles = NULL;
    fetch->done(fetch);
}

static const char *region_of(const struct ht_aws_fetch *fetch)
{
    return fetch->region != NULL ? fetch->region : fetch->found_region;
}
