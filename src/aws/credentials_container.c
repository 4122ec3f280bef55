// SPDX-License-Identifier: MIT
#include "credentials_answer.h"
#include "credentials_sources.h"
#include "settings_internal.h"

#include "hashtagd/base/assert.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The agent beside a container: ECS (a path on a fixed host) and EKS pod identity (a whole
 * address). Source: AWS SDKs and Tools Reference Guide, "Container credential provider". */

#define ECS_BASE "http://169.254.170.2"

/* botocore's */
#define TIMEOUT_MS 2000
#define ATTEMPTS   3
#define WAIT_MS    1000

static int check_url(const char *url, struct ht_error *error);
static bool is_local_host(struct ht_slice host);
static int take_token(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                      struct ht_error *error);
static void on_answer(struct ht_aws_ask *ask);

int ht_aws_plan_container(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                          struct ht_error *error)
{
    const char *relative =
        ht_aws_settings_variable(settings, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = ht_aws_settings_variable(settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct ht_buffer url;

    if (relative == NULL && full == NULL) {
        return HT_ENOTFOUND;
    }
    if (relative != NULL && relative[0] != '/') {
        return ht_error_set(error, HT_EINVAL,
                            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /.");
    }
    ht_buffer_init(&url, 4096);
    ht_buffer_append_text(&url, relative == NULL ? "" : ECS_BASE);
    ht_buffer_append_text(&url, relative == NULL ? full : relative);
    int status = ht_buffer_status(&url);
    if (status != 0) {
        ht_buffer_finish(&url);
        return ht_error_set(error, status, "The address of the container credentials is too long.");
    }
    plan->url = ht_buffer_take(&url);
    plan->source = HT_AWS_SOURCE_CONTAINER;
    snprintf(plan->origin, sizeof plan->origin, "container endpoint");
    status = check_url(plan->url, error);
    return status != 0 ? status : take_token(plan, settings, error);
}

/* Over plain HTTP keys go only to this machine and the agents' own addresses. */
static int check_url(const char *url, struct ht_error *error)
{
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 127) {
            return ht_error_set(error, HT_EINVAL,
                                "AWS_CONTAINER_CREDENTIALS_FULL_URI (or _RELATIVE_URI) holds a "
                                "blank or a character that no address may hold.");
        }
    }
    if (strncasecmp(url, "https://", 8) == 0 && url[8] != '\0') {
        return 0;
    }
    struct ht_slice host = ht_slice_text("");
    if (strncasecmp(url, "http://", 7) == 0) {
        bool is_bracketed = url[7] == '[';
        size_t length = strcspn(url + 7, is_bracketed ? "]/?#@" : ":/?#@");
        host = ht_slice_make(url + 7, length + (is_bracketed && url[7 + length] == ']' ? 1 : 0));
        if (memchr(url + 7, '@', strcspn(url + 7, "/?#")) != NULL) {
            host.length = 0; /* a name before the host could pass for one */
        }
    }
    if (!is_local_host(host)) {
        return ht_error_set(error, HT_EPERMISSION,
                            "AWS_CONTAINER_CREDENTIALS_FULL_URI must be an https address, or http "
                            "to a loopback address, 169.254.170.2, 169.254.170.23 or "
                            "[fd00:ec2::23]: keys are not fetched from elsewhere in the clear.");
    }
    return 0;
}

static bool is_local_host(struct ht_slice host)
{
    static const char *const names[] = {"localhost", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]", "[::1]"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ht_slice_equal_ignoring_case(host, ht_slice_text(names[i]))) {
            return true;
        }
    }
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (host.length >= sizeof text) {
        return false;
    }
    memcpy(text, host.data, host.length);
    text[host.length] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 &&
           (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET;
}

/* The token goes into a header as it is. */
static int take_token(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                      struct ht_error *error)
{
    const char *path = ht_aws_settings_variable(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = ht_aws_settings_variable(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN");

    if (path != NULL) {
        return ht_aws_settings_expand(settings, path, &plan->token_file, error);
    }
    if (token == NULL) {
        return 0;
    }
    if (strpbrk(token, "\r\n") != NULL) {
        return ht_error_set(error, HT_EINVAL,
                            "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break.");
    }
    return ht_buffer_append_text(&plan->token, token) == 0
               ? 0
               : ht_error_set(error, HT_ETOOBIG,
                              "AWS_CONTAINER_AUTHORIZATION_TOKEN is longer than 64 KiB.");
}

void ht_aws_container_source_start(struct ht_aws_container_source *source)
{
    source->status = 0;
    source->keys = NULL;
    source->ask = (struct ht_aws_ask){.options = source->options,
                                      .method = "GET",
                                      .url = source->plan->url,
                                      .timeout_ms = TIMEOUT_MS,
                                      .attempts = ATTEMPTS,
                                      .wait_ms = WAIT_MS,
                                      .is_direct = true,
                                      .done = on_answer,
                                      .user = source};
    ht_aws_ask_add_header(&source->ask, "Accept", HT_SLICE("application/json"));
    if (source->plan->token.length > 0) {
        ht_aws_ask_add_header(&source->ask, "Authorization", ht_buffer_slice(&source->plan->token));
    }
    ht_aws_ask_start(&source->ask);
}

static void on_answer(struct ht_aws_ask *ask)
{
    struct ht_aws_container_source *source = ask->user;

    if (ask->status != 0) {
        source->status = ht_error_set(&source->error, ask->status,
                                      "The container endpoint at %.200s gave no keys: %s",
                                      source->plan->url, ask->error.text);
    } else if (ask->http_status != 200) {
        source->status = ht_error_set(
            &source->error, ask->http_status >= 500 ? HT_EIO : HT_EPERMISSION,
            "The container endpoint at %.200s answered with status %d. Look at the role of the "
            "task (ECS) or the pod identity association (EKS).",
            source->plan->url, ask->http_status);
    } else {
        source->status =
            ht_aws_answer_parse(HT_AWS_ANSWER_CONTAINER, ht_buffer_slice(&ask->body_of_answer),
                                source->plan->origin, &source->keys, &source->error);
    }
    source->done(source);
}

void ht_aws_container_source_cancel(struct ht_aws_container_source *source)
{
    ht_aws_ask_cancel(&source->ask);
}
