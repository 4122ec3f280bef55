// SPDX-License-Identifier: MIT
#include "client.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_URL_BYTES = 2048, MAX_ANSWER_BYTES = 64 * 1024 * 1024, CONNECT_TIMEOUT_MS = 5000 };

static int find_url(struct ht_client *client, const struct ht_config *config,
                    struct ht_error *error);
static void on_answer(void *user, struct ht_http_result *result);
static void on_waited(struct ht_timer *timer);
static void on_signal(void *user, int signal_number);
static void on_http_closed(void *user);

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

/* The address always ends in '/', so that paths can be put behind it. */
static char *copy_url(const char *url)
{
    size_t length = strcspn(url, "\r\n \t?#");
    char *copy = malloc(length + 2);
    if (copy != NULL) {
        memcpy(copy, url, length);
        copy[length] = '\0';
        if (length == 0 || copy[length - 1] != '/') {
            memcpy(copy + length, "/", 2);
        }
    }
    return copy;
}

static int set_up(struct ht_client *client, const struct ht_config *config, struct ht_error *error)
{
    if (config->token != NULL) {
        size_t size = strlen(config->token) + sizeof("Bearer ");
        client->authorization = malloc(size);
        if (client->authorization == NULL) {
            return ht_error_set(error, HT_ENOMEM, "Out of memory.");
        }
        (void)snprintf(client->authorization, size, "Bearer %s", config->token);
    }
    int result = ht_loop_create(&client->loop, NULL, error);
    return result != 0 ? result : ht_http_client_create(&client->http, client->loop, error);
}

int ht_client_open(struct ht_client *client, const struct ht_config *config, const char *url,
                   struct ht_error *error)
{
    *client = (struct ht_client){.data_dir = config->data.dir};
    ht_timer_init(&client->wait_timer, on_waited);
    if (config->admin.tls_cert[0] != '\0') {
        client->ca_file = config->admin.tls_cert;
    }
    int result;
    if (url == NULL) {
        result = find_url(client, config, error);
    } else if (!is_http(url) || strlen(url) > MAX_URL_BYTES) {
        result = ht_error_set(error, HT_EINVAL,
                              "--url: accepted: http://address:port/ or https://address:port/");
    } else {
        client->url = copy_url(url);
        result = client->url == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory.") : 0;
    }
    result = result != 0 ? result : set_up(client, config, error);
    if (result != 0) {
        ht_client_close(client);
    }
    return result;
}

static int find_url(struct ht_client *client, const struct ht_config *config,
                    struct ht_error *error)
{
    if (config->data.dir[0] == '\0') {
        return ht_error_set(error, HT_ENOTFOUND,
                            "Where the daemon is cannot be told: none of STATE_DIRECTORY, "
                            "XDG_STATE_HOME and HOME is set. Say it with --url or --set data.dir=");
    }
    char path[4200], line[MAX_URL_BYTES];
    (void)snprintf(path, sizeof(path), "%s/admin.url", config->data.dir);
    FILE *file = fopen(path, "re");
    bool is_read = file != NULL && fgets(line, sizeof(line), file) != NULL && is_http(line);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read) {
        return ht_error_set(error, HT_ENOTFOUND,
                            "No daemon runs on %s: start one with hashtagd serve, or say where it "
                            "is with --url or --set data.dir=",
                            config->data.dir);
    }
    client->is_found = true;
    client->url = copy_url(line);
    return client->url == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory.") : 0;
}

/* Requests */

static int explain_failure(const struct ht_client *client, int code, const char *text,
                           struct ht_error *error)
{
    if (code == HT_ECANCELED) {
        return ht_error_set(error, code, "Interrupted.");
    }
    if (code == HT_ECONNECTION) {
        return ht_error_set(
            error, code, "No daemon answers at %s (%s): start one with hashtagd serve%s",
            client->url, text, client->is_found ? ", or say where it is with --url" : "");
    }
    if (code == HT_EPERMISSION) {
        return ht_error_set(error, code,
                            "The certificate of %s is not trusted (%s): give this command the "
                            "daemon's configuration, admin.tls_cert and admin.tls_key at least",
                            client->url, text);
    }
    return ht_error_set(error, code, "Asking %s failed: %s", client->url, text);
}

/* What a running transfer ends with. */
struct wait {
    struct ht_client *client;
    struct ht_client_answer *answer;
    struct ht_error *error;
    int code;
};

int ht_client_ask(struct ht_client *client, const struct ht_client_request *request,
                  struct ht_client_answer *answer, struct ht_error *error)
{
    *answer = (struct ht_client_answer){0};
    ht_buffer_init(&answer->body, MAX_ANSWER_BYTES);
    char url[MAX_URL_BYTES * 2];
    (void)snprintf(url, sizeof(url), "%s%s", client->url, request->path);
    struct ht_http_header headers[2];
    size_t count = 0;
    if (client->authorization != NULL) {
        headers[count++] = (struct ht_http_header){HT_SLICE("Authorization"),
                                                   ht_slice_text(client->authorization)};
    }
    if (request->type != NULL) {
        headers[count++] =
            (struct ht_http_header){HT_SLICE("Content-Type"), ht_slice_text(request->type)};
    }
    struct wait wait = {client, answer, error, 0};
    struct ht_http_transfer_options options = {.method = request->method,
                                               .url = url,
                                               .headers = headers,
                                               .header_count = count,
                                               .body = request->body,
                                               .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                               .timeout_ms = request->timeout_ms,
                                               .max_response_bytes = MAX_ANSWER_BYTES,
                                               .ca_file = client->ca_file,
                                               .on_done = on_answer,
                                               .user = &wait};
    struct ht_http_transfer *transfer;
    int result = ht_http_transfer_start(client->http, &options, &transfer, error);
    if (result != 0) {
        return result;
    }
    client->is_done = false;
    ht_loop_run(client->loop);
    if (!client->is_done) { /* Ctrl-C stopped the loop */
        ht_http_transfer_cancel(transfer);
        ht_loop_run(client->loop);
    }
    return wait.code;
}

static void on_answer(void *user, struct ht_http_result *result)
{
    struct wait *wait = user;
    struct ht_client *client = wait->client;
    client->is_done = true;
    ht_loop_stop(client->loop);
    if (result->code != 0) {
        wait->code = explain_failure(client, result->code, result->error_text, wait->error);
        return;
    }
    wait->answer->status = result->status;
    ht_buffer_finish(&wait->answer->body);
    wait->answer->body = result->body;
    ht_buffer_init(&result->body, 0);
    struct ht_slice after =
        ht_http_header_find(result->headers, result->header_count, "Retry-After");
    if (ht_slice_to_u64(after, 3600, &wait->answer->retry_after_s) != 0) {
        wait->answer->retry_after_s = 0;
    }
}

int ht_client_explain(const struct ht_client *client, const struct ht_client_answer *answer,
                      struct ht_error *error)
{
    struct ht_json *problem = ht_json_parse(ht_buffer_slice(&answer->body), 0, NULL, NULL);
    struct ht_slice detail = ht_json_text(ht_json_member(problem, "detail"));
    int shown = (int)(detail.length < 300 ? detail.length : 300);
    int code = HT_EIO;
    if (answer->status == 401 || answer->status == 403) {
        code = ht_error_set(error, HT_EPERMISSION,
                            "The daemon at %s refuses: %.*s Set admin.token_file to the daemon's.",
                            client->url, shown, detail.data);
    } else {
        code = ht_error_set(error, answer->status == 503 ? HT_EBUSY : HT_EIO,
                            "The daemon at %s answered %d%s%.*s", client->url, answer->status,
                            shown > 0 ? ": " : "", shown, detail.data);
    }
    ht_json_destroy(problem);
    return code;
}

void ht_client_answer_finish(struct ht_client_answer *answer)
{
    ht_buffer_finish(&answer->body);
}

/* Waiting */

int ht_client_watch_interrupts(struct ht_client *client, struct ht_error *error)
{
    return ht_loop_watch_signals(client->loop, on_signal, client, error);
}

static void on_signal(void *user, int signal_number)
{
    (void)signal_number;
    struct ht_client *client = user;
    client->is_interrupted = true;
    ht_loop_stop(client->loop);
}

bool ht_client_wait(struct ht_client *client, uint64_t ms)
{
    if (!client->is_interrupted) {
        ht_timer_start(ht_loop_timers(client->loop), &client->wait_timer, ms);
        ht_loop_run(client->loop);
        ht_timer_stop(ht_loop_timers(client->loop), &client->wait_timer);
    }
    return !client->is_interrupted;
}

static void on_waited(struct ht_timer *timer)
{
    ht_loop_stop(HT_CONTAINER_OF(timer, struct ht_client, wait_timer)->loop);
}

/* The end */

void ht_client_close(struct ht_client *client)
{
    if (client->http != NULL) {
        ht_http_client_close(client->http, on_http_closed, client);
        ht_loop_run(client->loop);
    }
    ht_loop_destroy(client->loop);
    if (client->authorization != NULL) {
        explicit_bzero(client->authorization, strlen(client->authorization));
        free(client->authorization);
    }
    free(client->url);
    *client = (struct ht_client){0};
}

static void on_http_closed(void *user)
{
    struct ht_client *client = user;
    ht_loop_stop(client->loop);
}
