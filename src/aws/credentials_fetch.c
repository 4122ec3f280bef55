// SPDX-License-Identifier: MIT
#include "credentials_fetch.h"

#include "hashtagd/base/assert.h"
#include "settings_internal.h"

#include <string.h>

/*
 *   start -> [ read files, plan, token: worker ] -> source -> finish -> done
 */

static void run_reading(struct ht_job *job);
static void reading_done(struct ht_job *job);
static void ask_source(struct ht_aws_fetch *fetch);
static void finish(struct ht_aws_fetch *fetch, int status);

void ht_aws_fetch_start(struct ht_aws_fetch *fetch)
{
    fetch->status = 0;
    ht_error_clear(&fetch->error);
    fetch->keys = NULL;
    fetch->found_region = NULL;
    fetch->is_canceled = false;
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

    fetch->source = fetch->plan.source;
    if (fetch->is_canceled || fetch->status != 0) {
        finish(fetch, fetch->is_canceled ? HT_ECANCELED : fetch->status);
    } else {
        ask_source(fetch);
    }
}

static void ask_source(struct ht_aws_fetch *fetch)
{
    if (fetch->plan.source == HT_AWS_SOURCE_KEYS && fetch->plan.role_count == 0) {
        fetch->keys = ht_aws_keys_hold(fetch->plan.keys);
        finish(fetch, 0);
        return;
    }
    ht_error_set(&fetch->error, HT_ENOTFOUND, "No AWS credentials were found.");
    finish(fetch, HT_ENOTFOUND);
}

void ht_aws_fetch_cancel(struct ht_aws_fetch *fetch)
{
    fetch->is_canceled = true;
}

static void finish(struct ht_aws_fetch *fetch, int status)
{
    fetch->status = status;
    if (status == HT_ECANCELED) {
        ht_error_set(&fetch->error, HT_ECANCELED, "The search for AWS credentials was given up.");
    }
    ht_aws_plan_finish(&fetch->plan);
    ht_aws_profiles_destroy(fetch->profiles);
    fetch->profiles = NULL;
    fetch->done(fetch);
}
