// SPDX-License-Identifier: MIT
/* A chain of credentials that gives what the world says: it takes the place of the real one in every
 * program that links the world. */
#include "hashtagd/base/assert.h"

#include "aws_world.h"

#include <stdio.h>
#include <stdlib.h>

struct ht_aws_credentials {
    struct aws_world *world;
    struct ht_aws_credentials_request *waiting;
    struct ht_timer timer;
    bool is_ready, is_closing;
    void (*on_closed)(void *user);
    void *user;
};

static void on_due(struct ht_timer *timer);

/* NULL where memory is out. */
static struct ht_aws_keys *make_keys(unsigned generation)
{
    struct ht_aws_keys *keys = calloc(1, sizeof *keys);
    char id[32], token[32];

    if (keys == NULL) {
        return NULL;
    }
    snprintf(id, sizeof id, "AKIDWORLD%u", generation);
    snprintf(token, sizeof token, "token%u", generation);
    keys->references = 1;
    keys->access_key_id = ht_slice_to_text(ht_slice_text(id));
    keys->secret_access_key = ht_slice_to_text(HT_SLICE("secret"));
    keys->session_token = generation == 0 ? NULL : ht_slice_to_text(ht_slice_text(token));
    keys->origin = "the world";
    if (keys->access_key_id == NULL || keys->secret_access_key == NULL) {
        ht_aws_keys_release(keys);
        return NULL;
    }
    return keys;
}

struct ht_aws_keys *ht_aws_keys_hold(struct ht_aws_keys *keys)
{
    keys->references++;
    return keys;
}

void ht_aws_keys_release(struct ht_aws_keys *keys)
{
    if (keys == NULL || --keys->references > 0) {
        return;
    }
    free(keys->access_key_id);
    free(keys->secret_access_key);
    free(keys->session_token);
    free(keys);
}

int ht_aws_credentials_create(struct ht_aws_credentials **credentials,
                              const struct ht_aws_credentials_options *options,
                              struct ht_error *error)
{
    (void)error;
    *credentials = calloc(1, sizeof **credentials);
    HT_ASSERT(*credentials != NULL);
    /* the world's own settings, which are not constant there */
    (*credentials)->world =
        HT_CONTAINER_OF((uintptr_t)options->settings, struct aws_world, settings);
    ht_timer_init(&(*credentials)->timer, on_due);
    return 0;
}

struct ht_aws_keys *ht_aws_credentials_now(struct ht_aws_credentials *credentials)
{
    struct aws_world *world = credentials->world;

    if (world->keys_status != 0 || (world->are_keys_late && !credentials->is_ready)) {
        return NULL;
    }
    credentials->is_ready = false;
    return make_keys(world->key_generation);
}

void ht_aws_credentials_get(struct ht_aws_credentials *credentials,
                            struct ht_aws_credentials_request *request)
{
    request->next = credentials->waiting;
    credentials->waiting = request;
    ht_timer_start(credentials->world->timers, &credentials->timer, 0);
}

static void on_due(struct ht_timer *timer)
{
    struct ht_aws_credentials *credentials =
        HT_CONTAINER_OF(timer, struct ht_aws_credentials, timer);
    struct aws_world *world = credentials->world;
    struct ht_aws_credentials_request *request = credentials->waiting;

    if (request != NULL) {
        credentials->waiting = request->next;
        ht_timer_start(world->timers, timer, 0);
        if (request->status == 0) {
            request->status = world->keys_status;
        }
        if (request->status == 0) {
            request->keys = make_keys(world->key_generation);
            request->status = request->keys == NULL ? HT_ENOMEM : 0;
        }
        if (request->status != 0) {
            ht_error_set(&request->error, request->status, "%s",
                         world->keys_text == NULL ? "no keys in this world" : world->keys_text);
        }
        request->done(request);
        return;
    }
    if (credentials->is_closing) {
        void (*on_closed)(void *user) = credentials->on_closed;
        void *user = credentials->user;
        free(credentials);
        on_closed(user);
    }
}

void ht_aws_credentials_cancel(struct ht_aws_credentials *credentials,
                               struct ht_aws_credentials_request *request)
{
    (void)credentials;
    request->status = HT_ECANCELED;
}

void ht_aws_credentials_refuse(struct ht_aws_credentials *credentials,
                               const struct ht_aws_keys *keys)
{
    (void)keys;
    credentials->world->key_refusals++;
    credentials->world->key_generation++;
}

const char *ht_aws_credentials_region(const struct ht_aws_credentials *credentials)
{
    return credentials->world->settings.region;
}

int64_t ht_aws_credentials_seconds_left(const struct ht_aws_credentials *credentials)
{
    (void)credentials;
    return INT64_MAX;
}

void ht_aws_credentials_close(struct ht_aws_credentials *credentials, void (*on_closed)(void *user),
                              void *user)
{
    credentials->is_closing = true;
    credentials->on_closed = on_closed;
    credentials->user = user;
    ht_timer_start(credentials->world->timers, &credentials->timer, 0);
}
