// SPDX-License-Identifier: MIT
#include "credentials_answer.h"
#include "credentials_refresh.h"
#include "credentials_sources.h"
#include "text_file.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/url.h"

#include <string.h>
#include <strings.h>

/*
 * IMDSv2 alone, no version 1. Source: Amazon EC2 User Guide, "Use the Instance Metadata Service".
 *
 *   PUT token -> GET role's name -> GET its keys -> done
 *            +-> GET region -> done
 *
 * 401 to a GET: one more token, once.
 */

#define IPV4_BASE     "http://169.254.169.254"
#define IPV6_BASE     "http://[fd00:ec2::254]"
#define TOKEN_SECONDS "21600"
#define TIMEOUT_MAX_S 60
#define ATTEMPTS_MAX  10
#define TEXT_BYTES    2048

enum step {
    STEP_TOKEN,
    STEP_REGION,
    STEP_ROLE,
    STEP_KEYS,
};

static void ask_for(struct ht_aws_instance_source *source, enum step step);
static void on_answer(struct ht_aws_ask *ask);
static void take_answer(struct ht_aws_instance_source *source);
static void take_token(struct ht_aws_instance_source *source);
static void take_region(struct ht_aws_instance_source *source);
static void take_role(struct ht_aws_instance_source *source);
static void take_keys(struct ht_aws_instance_source *source);
static void tell_no_answer(struct ht_aws_instance_source *source);
static void tell_status(struct ht_aws_instance_source *source);
static void fail(struct ht_aws_instance_source *source, int status);
static void finish(struct ht_aws_instance_source *source);
static const char *setting(const struct ht_aws_settings *settings, const char *variable,
                           const char *fallback);
static unsigned number_setting(const struct ht_aws_settings *settings, const char *variable,
                               unsigned max);
static const char *base_address(const struct ht_aws_settings *settings);
static struct ht_slice first_line(const struct ht_buffer *text);

bool ht_aws_instance_is_disabled(const struct ht_aws_settings *settings)
{
    return strcasecmp(setting(settings, "AWS_EC2_METADATA_DISABLED", ""), "true") == 0;
}

void ht_aws_instance_source_start(struct ht_aws_instance_source *source)
{
    source->status = 0;
    source->keys = NULL;
    source->region = NULL;
    source->has_new_token = false;
    ht_buffer_init(&source->url, TEXT_BYTES);
    ht_buffer_init(&source->token, TEXT_BYTES);
    ht_buffer_init(&source->role, TEXT_BYTES);
    ask_for(source, STEP_TOKEN);
}

static void ask_for(struct ht_aws_instance_source *source, enum step step)
{
    static const char *const paths[] = {
        [STEP_TOKEN] = "/latest/api/token",
        [STEP_REGION] = "/latest/meta-data/placement/region",
        [STEP_ROLE] = "/latest/meta-data/iam/security-credentials/",
        [STEP_KEYS] = "/latest/meta-data/iam/security-credentials/",
    };
    const struct ht_aws_settings *settings = source->options->settings;
    struct ht_aws_ask *ask = &source->ask;

    source->step = step;
    ht_buffer_clear(&source->url);
    ht_buffer_append_text(&source->url, base_address(settings));
    ht_buffer_append_text(&source->url, paths[step]);
    if (step == STEP_KEYS) {
        ht_buffer_append_slice(&source->url, ht_buffer_slice(&source->role));
    }
    *ask = (struct ht_aws_ask){
        .options = source->options,
        .method = step == STEP_TOKEN ? "PUT" : "GET",
        .url = ht_buffer_status(&source->url) == 0 ? source->url.data : "",
        .timeout_ms =
            1000u * number_setting(settings, "AWS_METADATA_SERVICE_TIMEOUT", TIMEOUT_MAX_S),
        .attempts = number_setting(settings, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", ATTEMPTS_MAX),
        .wait_ms = 500,
        .is_direct = true,
        .done = on_answer,
        .user = source,
    };
    if (step == STEP_TOKEN) {
        ht_aws_ask_add_header(ask, "x-aws-ec2-metadata-token-ttl-seconds", HT_SLICE(TOKEN_SECONDS));
    } else {
        ht_aws_ask_add_header(ask, "x-aws-ec2-metadata-token", ht_buffer_slice(&source->token));
    }
    ht_aws_ask_start(ask);
}

static void on_answer(struct ht_aws_ask *ask)
{
    struct ht_aws_instance_source *source = ask->user;

    if (ask->status != 0) {
        tell_no_answer(source);
    } else if (ask->http_status == 401 && source->step != STEP_TOKEN && !source->has_new_token) {
        source->has_new_token = true;
        ask_for(source, STEP_TOKEN);
    } else if (ask->http_status != 200) {
        tell_status(source);
    } else {
        take_answer(source);
    }
}

static void take_answer(struct ht_aws_instance_source *source)
{
    switch ((enum step)source->step) {
    case STEP_TOKEN:
        take_token(source);
        break;
    case STEP_REGION:
        take_region(source);
        break;
    case STEP_ROLE:
        take_role(source);
        break;
    case STEP_KEYS:
        take_keys(source);
        break;
    }
}

static void take_token(struct ht_aws_instance_source *source)
{
    struct ht_slice token = first_line(&source->ask.body_of_answer);

    ht_buffer_clear(&source->token);
    if (token.length == 0 || ht_buffer_append_slice(&source->token, token) != 0) {
        ht_error_set(&source->error, HT_EPARSE,
                     "The instance metadata at %s gave no token (IMDSv2). Is it a proxy?",
                     base_address(source->options->settings));
        fail(source, HT_EPARSE);
        return;
    }
    ask_for(source, source->wants_region       ? STEP_REGION
                    : source->role.length == 0 ? STEP_ROLE
                                               : STEP_KEYS);
}

static void take_region(struct ht_aws_instance_source *source)
{
    char *region = ht_slice_to_text(first_line(&source->ask.body_of_answer));

    if (region == NULL || !ht_aws_region_is_valid(region)) {
        ht_aws_wipe_text(region);
        ht_error_set(&source->error, HT_EPARSE,
                     "The instance metadata at %s named no region. Set AWS_REGION.",
                     base_address(source->options->settings));
        fail(source, HT_EPARSE);
        return;
    }
    source->region = region;
    finish(source);
}

static void take_role(struct ht_aws_instance_source *source)
{
    struct ht_slice role = first_line(&source->ask.body_of_answer);

    if (role.length == 0 || ht_url_encode(role, &source->role) != 0) {
        tell_status(source);
        return;
    }
    ask_for(source, STEP_KEYS);
}

static void take_keys(struct ht_aws_instance_source *source)
{
    int64_t now_s = ht_clock_wall_s(ht_loop_clock(source->options->loop));
    struct ht_aws_keys *keys;
    int status =
        ht_aws_answer_parse(HT_AWS_ANSWER_INSTANCE, ht_buffer_slice(&source->ask.body_of_answer),
                            "instance metadata", &keys, &source->error);

    if (status == 0 && keys->expires_s != 0 && keys->expires_s <= now_s) {
        /* its own renewal is late; the services still take them */
        struct ht_aws_keys *extended =
            ht_aws_keys_extend(keys, ht_aws_refresh_extended_s(now_s, source->options->random));
        ht_aws_keys_release(keys);
        keys = extended;
        status =
            keys == NULL ? ht_error_set(&source->error, HT_ENOMEM, "Out of memory for keys.") : 0;
        ht_log_warning(source->options->log, "credentials",
                       "the instance metadata gives expired keys, going on with them");
    }
    if (status != 0) {
        fail(source, status);
        return;
    }
    source->keys = keys;
    finish(source);
}

/* In a container the answer to the PUT may die on the way: it has one hop to live. */
static void tell_no_answer(struct ht_aws_instance_source *source)
{
    const char *base = base_address(source->options->settings);
    int status = source->ask.status;

    if (status == HT_ETIMEDOUT && source->step == STEP_TOKEN) {
        ht_error_set(&source->error, status,
                     "The instance metadata at %.60s did not answer. On no EC2 instance? Set "
                     "AWS_EC2_METADATA_DISABLED=true. In a container on one? Run aws ec2 "
                     "modify-instance-metadata-options --instance-id ID "
                     "--http-put-response-hop-limit 2",
                     base);
    } else {
        ht_error_set(&source->error, status, "The instance metadata at %s did not answer: %s", base,
                     source->ask.error.text);
    }
    fail(source, status);
}

static void tell_status(struct ht_aws_instance_source *source)
{
    const char *base = base_address(source->options->settings);
    int http_status = source->ask.http_status;
    int status = http_status >= 500 ? HT_EIO : HT_EPERMISSION;

    if (source->step == STEP_ROLE && (http_status == 404 || http_status == 200)) {
        status = ht_error_set(&source->error, HT_ENOTFOUND,
                              "The instance has no role, say the instance metadata at %s. Attach "
                              "an instance profile to it.",
                              base);
    } else if (source->step == STEP_TOKEN && http_status == 403) {
        ht_error_set(&source->error, status,
                     "The instance metadata at %.60s is turned off (status 403). Turn it on: aws "
                     "ec2 modify-instance-metadata-options --instance-id ID --http-endpoint "
                     "enabled",
                     base);
    } else {
        ht_error_set(
            &source->error, status, "The instance metadata at %s answered %s with status %d.", base,
            source->step == STEP_TOKEN ? "the request for a token" : "a request", http_status);
    }
    fail(source, status);
}

static void fail(struct ht_aws_instance_source *source, int status)
{
    source->status = status;
    finish(source);
}

static void finish(struct ht_aws_instance_source *source)
{
    ht_aws_wipe_buffer(&source->token);
    ht_buffer_finish(&source->url);
    ht_buffer_finish(&source->role);
    source->done(source);
}

void ht_aws_instance_source_cancel(struct ht_aws_instance_source *source)
{
    ht_aws_ask_cancel(&source->ask);
}

static const char *setting(const struct ht_aws_settings *settings, const char *variable,
                           const char *fallback)
{
    const char *value = ht_aws_settings_variable(settings, variable);

    return value == NULL ? fallback : value;
}

/* 1, botocore's default, where it is not set or out of range. */
static unsigned number_setting(const struct ht_aws_settings *settings, const char *variable,
                               unsigned max)
{
    uint64_t number;

    return ht_slice_to_u64(ht_slice_text(setting(settings, variable, "")), max, &number) == 0 &&
                   number > 0
               ? (unsigned)number
               : 1;
}

static const char *base_address(const struct ht_aws_settings *settings)
{
    if (settings->metadata_endpoint != NULL) {
        return settings->metadata_endpoint;
    }
    return settings->uses_metadata_ipv6 ? IPV6_BASE : IPV4_BASE;
}

static struct ht_slice first_line(const struct ht_buffer *text)
{
    struct ht_slice line = ht_buffer_slice(text);
    const char *end = line.length == 0 ? NULL : memchr(line.data, '\n', line.length);

    if (end != NULL) {
        line.length = (size_t)(end - line.data);
    }
    while (line.length > 0 && line.data[line.length - 1] == '\r') {
        line.length--;
    }
    return ht_slice_trim(line);
}
