// SPDX-License-Identifier: MIT
#include "client_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <stdlib.h>

/*
 *   create -> [ calls ] -> close -> each canceled, done -> freed -> on_closed
 */

#define CLIENT_MAGIC  0x4874417cu /* "HtA|" */
#define SPARE_MAX     256
#define URL_MAX_BYTES 16384

static void on_close_due(struct ht_timer *timer);
static void free_attempts(struct ht_aws_attempts *attempts);

static struct ht_aws_client *client_from(const struct ht_aws_client *client)
{
    HT_ASSERT(client != NULL && client->magic == CLIENT_MAGIC);
    return (struct ht_aws_client *)(uintptr_t)client;
}

int ht_aws_client_create(struct ht_aws_client **out, const struct ht_aws_client_options *options,
                         struct ht_error *error)
{
    struct ht_aws_client *client = calloc(1, sizeof *client);
    struct ht_aws_attempts *nobody = calloc(1, sizeof *nobody);

    *out = NULL;
    if (client == NULL || nobody == NULL) {
        free(client);
        free(nobody);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the AWS client.");
    }
    HT_ASSERT(options->loop != NULL && options->http != NULL && options->credentials != NULL &&
              options->settings != NULL && options->random != NULL);
    client->magic = CLIENT_MAGIC;
    client->nobody = nobody;
    client->options = *options;
    client->clock = ht_loop_clock(options->loop);
    client->timers = ht_loop_timers(options->loop);
    for (size_t i = 0; i < HT_AWS_SERVICE_COUNT; i++) {
        ht_aws_retry_quota_init(&client->services[i].quota);
    }
    ht_timer_init(&client->close_timer, on_close_due);
    ht_timer_init(&client->lost_timer, ht_aws_call_tell_lost);
    *out = client;
    return 0;
}

const char *ht_aws_client_region(const struct ht_aws_client *client)
{
    return ht_aws_credentials_region(client_from(client)->options.credentials);
}

const struct ht_aws_service_counters *ht_aws_client_counters(const struct ht_aws_client *client,
                                                             enum ht_aws_service service)
{
    HT_ASSERT((unsigned)service < HT_AWS_SERVICE_COUNT);
    return &client_from(client)->services[service].counters;
}

int64_t ht_aws_client_credentials_seconds_left(const struct ht_aws_client *client)
{
    return ht_aws_credentials_seconds_left(client_from(client)->options.credentials);
}

struct ht_aws_attempts *ht_aws_client_take_attempts(struct ht_aws_client *client,
                                                    struct ht_aws_call *call)
{
    struct ht_aws_attempts *attempts = client_from(client)->spare;

    if (attempts != NULL) {
        client->spare = attempts->next;
        client->spare_count--;
    } else {
        attempts = calloc(1, sizeof *attempts);
        if (attempts == NULL) {
            return NULL;
        }
        ht_buffer_init(&attempts->url, URL_MAX_BYTES);
    }
    attempts->client = client;
    attempts->call = call;
    attempts->previous = NULL;
    attempts->next = client->running;
    if (attempts->next != NULL) {
        attempts->next->previous = attempts;
    }
    client->running = attempts;
    return attempts;
}

void ht_aws_client_give_attempts(struct ht_aws_attempts *attempts)
{
    struct ht_aws_client *client = attempts->client;

    if (attempts->previous == NULL) {
        client->running = attempts->next;
    } else {
        attempts->previous->next = attempts->next;
    }
    if (attempts->next != NULL) {
        attempts->next->previous = attempts->previous;
    }
    struct ht_buffer url = attempts->url;
    ht_sigv4_result_finish(&attempts->signature);
    ht_buffer_finish(&attempts->answer);
    free(attempts->other_endpoint);
    memset(attempts, 0, sizeof *attempts);
    attempts->url = url;
    if (client->spare_count < SPARE_MAX) {
        attempts->next = client->spare;
        client->spare = attempts;
        client->spare_count++;
    } else {
        free_attempts(attempts);
    }
    if (client->is_closing && client->running == NULL) {
        ht_timer_start(client->timers, &client->close_timer, 0);
    }
}

static void free_attempts(struct ht_aws_attempts *attempts)
{
    ht_buffer_finish(&attempts->url);
    free(attempts);
}

void ht_aws_client_close(struct ht_aws_client *client, void (*on_closed)(void *user), void *user)
{
    if (client == NULL) {
        return;
    }
    HT_ASSERT(!client_from(client)->is_closing);
    client->is_closing = true;
    client->on_closed = on_closed;
    client->on_closed_user = user;
    for (struct ht_aws_attempts *at = client->running; at != NULL; at = at->next) {
        ht_aws_attempts_cancel(at);
    }
    ht_timer_start(client->timers, &client->close_timer, 0);
}

static void on_close_due(struct ht_timer *timer)
{
    struct ht_aws_client *client = HT_CONTAINER_OF(timer, struct ht_aws_client, close_timer);
    void (*on_closed)(void *user) = client->on_closed;
    void *user = client->on_closed_user;

    if (client->running != NULL) {
        return; /* the last of them comes back here */
    }
    if (client->lost != NULL) {
        ht_timer_start(client->timers, timer, 0);
        return;
    }
    while (client->spare != NULL) {
        struct ht_aws_attempts *attempts = client->spare;
        client->spare = attempts->next;
        free_attempts(attempts);
    }
    for (size_t i = 0; i < HT_AWS_SERVICE_COUNT; i++) {
        free(client->services[i].endpoint);
        ht_digest_wipe(&client->services[i].key_cache, sizeof client->services[i].key_cache);
    }
    client->magic = 0;
    free(client->nobody);
    free(client);
    if (on_closed != NULL) {
        on_closed(user);
    }
}
