// SPDX-License-Identifier: MIT
#include "keys_world.h"

#include "hashtagd/base/assert.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 2026-01-01T00:00:00Z */
#define BEGIN_WALL_MS 1767225600000

static void on_request(void *user, struct ht_http_request *request);
static void on_body(void *user, struct ht_http_request *request);
static void answer(struct keys_world *world, struct ht_http_request *request);
static void on_gone(void *user, struct ht_http_request *request);
static void note(struct keys_world *world, const struct ht_http_request *request);
static struct keys_answer *find_answer(struct keys_world *world, const char *asked);

void keys_world_begin(struct keys_world *world)
{
    bool uses_system_clock = world->uses_system_clock;
    struct ht_http_server_options options = {.on_request = on_request, .user = world};
    char path[100];

    memset(world, 0, sizeof *world);
    ht_manual_clock_init(&world->clock, 1000000000, BEGIN_WALL_MS);
    HT_ASSERT(ht_loop_create(&world->loop, uses_system_clock ? NULL : &world->clock.clock, NULL) ==
              0);
    HT_ASSERT(ht_worker_create(&world->worker, world->loop, "files", NULL) == 0);
    HT_ASSERT(ht_http_client_create(&world->http, world->loop, NULL) == 0);
    options.loop = world->loop;
    HT_ASSERT(ht_address_parse("127.0.0.1:0", &options.address, NULL) == 0);
    HT_ASSERT(ht_http_server_create(&world->server, &options, NULL) == 0);
    world->port = ht_http_server_address(world->server)->port;
    ht_random_init(&world->random, 1);
    snprintf(world->folder, sizeof world->folder, "/tmp/hashtagd-keys-XXXXXX");
    HT_ASSERT(mkdtemp(world->folder) != NULL);
    snprintf(path, sizeof path, "%s/.aws", world->folder);
    HT_ASSERT(mkdir(path, 0700) == 0);
    keys_world_set(world, "HOME=FOLDER");
}

/* `text` with the words of the world in place of PORT and FOLDER. */
static void expand(const struct keys_world *world, const char *text, struct ht_buffer *out)
{
    ht_buffer_init(out, 100000);
    while (*text != '\0') {
        if (strncmp(text, "PORT", 4) == 0) {
            ht_buffer_append_u64(out, world->port);
            text += 4;
        } else if (strncmp(text, "FOLDER", 6) == 0) {
            ht_buffer_append_text(out, world->folder);
            text += 6;
        } else {
            ht_buffer_append_byte(out, *text++);
        }
    }
}

void keys_world_set(struct keys_world *world, const char *variable)
{
    struct ht_buffer text;

    HT_ASSERT(world->variable_count + 1 < KEYS_WORLD_VARIABLES_MAX);
    expand(world, variable, &text);
    snprintf(world->variables[world->variable_count++], sizeof world->variables[0], "%s",
             text.data);
    ht_buffer_finish(&text);
}

void keys_world_write(struct keys_world *world, const char *name, const char *text)
{
    char path[150];
    struct ht_buffer content;
    bool is_profile = strcmp(name, "config") == 0 || strcmp(name, "credentials") == 0;

    snprintf(path, sizeof path, "%s/%s%s", world->folder, is_profile ? ".aws/" : "", name);
    FILE *file = fopen(path, "w");
    HT_ASSERT(file != NULL);
    expand(world, text, &content);
    fputs(content.data == NULL ? "" : content.data, file);
    fclose(file);
    ht_buffer_finish(&content);
    HT_ASSERT(chmod(path, 0700) == 0);
}

void keys_world_answer(struct keys_world *world, const char *request, int status, const char *body)
{
    HT_ASSERT(world->answer_count < KEYS_WORLD_ANSWERS_MAX);
    world->answers[world->answer_count++] =
        (struct keys_answer){.request = request, .status = status, .body = body};
}

void keys_world_always(struct keys_world *world, const char *request, int status, const char *body)
{
    keys_world_answer(world, request, status, body);
    world->answers[world->answer_count - 1].is_for_ever = true;
}

void keys_world_open(struct keys_world *world)
{
    const char *environment[KEYS_WORLD_VARIABLES_MAX + 1] = {NULL};
    struct ht_error error;

    for (size_t i = 0; i < world->variable_count; i++) {
        environment[i] = world->variables[i];
    }
    HT_ASSERT(ht_aws_settings_load(&world->settings, environment, &error) == 0);
    world->options = (struct ht_aws_credentials_options){.loop = world->loop,
                                                         .worker = world->worker,
                                                         .http = world->http,
                                                         .random = &world->random,
                                                         .settings = &world->settings};
    HT_ASSERT(ht_aws_credentials_create(&world->credentials, &world->options, &error) == 0);
}

static void on_keys(struct ht_aws_credentials_request *request)
{
    struct keys_world *world = request->user;

    world->is_told = true;
    ht_loop_stop(world->loop);
}

void keys_world_get(struct keys_world *world, struct ht_aws_credentials_request *request)
{
    *request = (struct ht_aws_credentials_request){.done = on_keys, .user = world};
    world->is_told = false;
    ht_aws_credentials_get(world->credentials, request);
    while (!world->is_told && world->is_hasty) {
        keys_world_settle(world);
        if (!world->is_told) {
            ht_manual_clock_advance_ms(&world->clock, 1100);
        }
    }
    while (!world->is_told) {
        ht_loop_run(world->loop);
    }
}

struct settle {
    struct keys_world *world;
    struct ht_job job;
    int rounds;
};

static void run_nothing(struct ht_job *job)
{
    (void)job;
    usleep(2000);
}

static void nothing_done(struct ht_job *job)
{
    struct settle *settle = HT_CONTAINER_OF(job, struct settle, job);

    if (--settle->rounds > 0) {
        ht_worker_submit(settle->world->worker, &settle->job);
    } else {
        ht_loop_stop(settle->world->loop);
    }
}

void keys_world_settle(struct keys_world *world)
{
    struct settle settle = {.world = world, .rounds = 15};

    ht_job_init(&settle.job, run_nothing, nothing_done);
    ht_worker_submit(world->worker, &settle.job);
    while (settle.rounds > 0) { /* who is told of keys stops the loop too */
        ht_loop_run(world->loop);
    }
}

unsigned keys_world_asked(const struct keys_world *world, const char *text)
{
    unsigned count = 0;

    for (size_t i = 0; i < world->request_count; i++) {
        count += strncmp(world->requests[i], text, strlen(text)) == 0 ? 1 : 0;
    }
    return count;
}

static void on_request(void *user, struct ht_http_request *request)
{
    struct keys_world *world = user;
    struct ht_http_body_wanted wanted = {.max_bytes = 10000, .on_body = on_body, .user = user};

    if (request->has_body) {
        (void)ht_http_request_collect_body(request, &wanted);
    } else {
        answer(world, request);
    }
}

static void on_body(void *user, struct ht_http_request *request)
{
    answer(user, request);
}

static void answer(struct keys_world *world, struct ht_http_request *request)
{
    struct ht_http_response response = {.status = 404};
    struct ht_buffer body;

    note(world, request);
    struct keys_answer *found = find_answer(world, world->requests[world->request_count - 1]);
    if (found == NULL) {
        ht_http_respond(request, &response);
        return;
    }
    found->is_used = true;
    if (found->status == 0) {
        ht_http_request_watch(request, on_gone, NULL);
        return;
    }
    expand(world, found->body, &body);
    response.status = found->status;
    response.content = ht_buffer_slice(&body);
    ht_http_respond(request, &response);
    ht_buffer_finish(&body);
}

static void note(struct keys_world *world, const struct ht_http_request *request)
{
    struct ht_buffer text;

    HT_ASSERT(world->request_count < KEYS_WORLD_REQUESTS_MAX);
    ht_buffer_init(&text, 100000);
    ht_buffer_append_slice(&text, request->method_name);
    ht_buffer_append_byte(&text, ' ');
    ht_buffer_append_slice(&text, request->target);
    for (size_t i = 0; i < request->header_count; i++) {
        ht_buffer_append_byte(&text, '|');
        ht_buffer_append_slice(&text, request->headers[i].name);
        ht_buffer_append_text(&text, ": ");
        ht_buffer_append_slice(&text, request->headers[i].value);
    }
    ht_buffer_append_text(&text, "| ");
    ht_buffer_append_slice(&text, request->body);
    snprintf(world->requests[world->request_count++], sizeof world->requests[0], "%s", text.data);
    ht_buffer_finish(&text);
}

static struct keys_answer *find_answer(struct keys_world *world, const char *asked)
{
    for (size_t i = 0; i < world->answer_count; i++) {
        struct keys_answer *at = &world->answers[i];
        bool fits = at->request[0] == '*' ? strstr(asked, at->request + 1) != NULL
                                          : strncmp(asked, at->request, strlen(at->request)) == 0;
        if (fits && (at->is_for_ever || !at->is_used)) {
            return at;
        }
    }
    return NULL;
}

static void on_gone(void *user, struct ht_http_request *request)
{
    (void)user;
    (void)request;
}

static void on_closed(void *user)
{
    struct keys_world *world = user;

    ht_loop_stop(world->loop);
}

static void remove_files(const char *folder)
{
    DIR *files = opendir(folder);
    struct dirent *file;
    char path[400];

    while (files != NULL && (file = readdir(files)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        unlink(path);
    }
    if (files != NULL) {
        closedir(files);
    }
    rmdir(folder);
}

void keys_world_end(struct keys_world *world)
{
    char path[100];

    if (world->credentials != NULL) {
        ht_aws_credentials_close(world->credentials, on_closed, world);
        ht_loop_run(world->loop);
    }
    ht_http_client_close(world->http, on_closed, world);
    ht_loop_run(world->loop);
    ht_http_server_close(world->server, 0, on_closed, world);
    ht_loop_run(world->loop);
    ht_worker_stop(world->worker, on_closed, world);
    ht_loop_run(world->loop);
    ht_loop_destroy(world->loop);
    ht_aws_settings_finish(&world->settings);
    snprintf(path, sizeof path, "%s/.aws", world->folder);
    remove_files(path);
    remove_files(world->folder);
}
