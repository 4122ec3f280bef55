// SPDX-License-Identifier: MIT
#include "aws_session.h"

/*
 *     settings -> HTTP client -> credentials -> client;   closed in reverse
 */

static void on_client_closed(void *user);
static void on_credentials_closed(void *user);
static void on_http_closed(void *user);

int ht_aws_session_open(struct ht_aws_session *session,
                        const struct ht_aws_session_options *options, struct ht_error *error)
{
    int status = ht_aws_settings_load(&session->settings, options->environment, error);
    if (status == 0) {
        status = ht_http_client_create(&session->http, options->loop, error);
    }
    struct ht_aws_credentials_options credentials = {.loop = options->loop,
                                                     .worker = options->worker,
                                                     .http = session->http,
                                                     .random = options->random,
                                                     .log = options->log,
                                                     .settings = &session->settings};
    if (status == 0) {
        status = ht_aws_credentials_create(&session->credentials, &credentials, error);
    }
    struct ht_aws_client_options client = {.loop = options->loop,
                                           .http = session->http,
                                           .credentials = session->credentials,
                                           .settings = &session->settings,
                                           .random = options->random,
                                           .log = options->log};
    return status != 0 ? status : ht_aws_client_create(&session->client, &client, error);
}

void ht_aws_session_close(struct ht_aws_session *session, void (*on_closed)(void *user), void *user)
{
    session->on_closed = on_closed;
    session->user = user;
    struct ht_aws_client *client = session->client;
    if (client == NULL) {
        on_client_closed(session);
        return;
    }
    session->client = NULL;
    ht_aws_client_close(client, on_client_closed, session);
}

static void on_client_closed(void *user)
{
    struct ht_aws_session *session = user;
    struct ht_aws_credentials *credentials = session->credentials;
    if (credentials == NULL) {
        on_credentials_closed(session);
        return;
    }
    session->credentials = NULL;
    ht_aws_credentials_close(credentials, on_credentials_closed, session);
}

static void on_credentials_closed(void *user)
{
    struct ht_aws_session *session = user;
    struct ht_http_client *http = session->http;
    if (http == NULL) {
        on_http_closed(session);
        return;
    }
    session->http = NULL;
    ht_http_client_close(http, on_http_closed, session);
}

static void on_http_closed(void *user)
{
    struct ht_aws_session *session = user;
    session->on_closed(session->user);
}

void ht_aws_session_finish(struct ht_aws_session *session)
{
    ht_aws_settings_finish(&session->settings);
}

size_t ht_aws_session_puts_at_once(const struct ht_aws_session *session)
{
    struct ht_slice endpoint = ht_slice_text(session->settings.endpoints[HT_AWS_KINESIS]);
    return ht_slice_starts_with(endpoint, HT_SLICE("http://")) ? 1 : 0;
}
