// SPDX-License-Identifier: MIT

/*
 * Asks an S3 one thing, with the settings and keys of the environment, for tests in other languages.
 *
 *   s3_probe create BUCKET
 *   s3_probe put BUCKET KEY [NAME=VALUE ...]   stdin is the content; x-amz-meta-NAME headers
 *   s3_probe head BUCKET KEY                   prints length, ETag and x-amz-meta headers, a line each
 *   s3_probe get BUCKET KEY                    the content to stdout
 *   s3_probe list BUCKET PREFIX DELIMITER MAX  all pages of MAX keys: "KEY SIZE", or "PREFIX -"
 *   s3_probe archive BUCKET PREFIX             stdin's lines through the s3 archive, in one object;
 *                                              prints its key
 *   s3_probe firehose STREAM                   stdin's lines through the Firehose archive
 *
 * Exit status 0, or 1 with the error on stderr.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/aws/s3_create_bucket.h"
#include "hashtagd/aws/s3_get_object.h"
#include "hashtagd/aws/s3_head_object.h"
#include "hashtagd/aws/s3_list_objects_v2.h"
#include "hashtagd/aws/s3_put_object.h"
#include "hashtagd/backends/firehose_archive.h"
#include "hashtagd/backends/s3_archive.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

enum {
    INPUT_MAX_BYTES = 64 * 1024 * 1024,
    METADATA_NAME_BYTES = 128,
};

struct probe {
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_http_client *http;
    struct ht_random random;
    struct ht_aws_settings settings;
    struct ht_aws_credentials *credentials;
    struct ht_aws_client *aws;
    char **arguments; /* behind the command */
    int status;
    struct ht_buffer input;
    struct ht_s3_create_bucket create;
    struct ht_s3_put_object put;
    struct ht_http_header metadata[HT_S3_METADATA_MAX];
    char metadata_names[HT_S3_METADATA_MAX][METADATA_NAME_BYTES];
    struct ht_s3_head_object head;
    struct ht_s3_get_object get;
    struct ht_s3_list_objects_v2 list;
    char token[4096];
    struct ht_archive *archive;
    struct ht_archive_append append;
};

static void set_up(struct probe *probe);
static void tear_down(struct probe *probe);

static void die(const struct ht_error *error)
{
    fprintf(stderr, "s3_probe: %s\n", error->text);
    exit(1);
}

/* The work is done: the loop goes on until all is closed. */
static void end(struct probe *probe, int status, const struct ht_error *error)
{
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", ht_error_name(status), error->text);
    }
    probe->status = status == 0 ? 0 : 1;
    tear_down(probe);
}

static void read_input(struct probe *probe)
{
    char room[65536];
    ht_buffer_init(&probe->input, INPUT_MAX_BYTES);
    for (size_t length; (length = fread(room, 1, sizeof(room), stdin)) > 0;) {
        (void)ht_buffer_append(&probe->input, room, length);
    }
    HT_ASSERT(ht_buffer_status(&probe->input) == 0);
}

static void on_created(struct ht_s3_create_bucket *op)
{
    end(op->user, op->status, &op->call.error);
}

static void start_create(struct probe *probe)
{
    probe->create = (struct ht_s3_create_bucket){
        .bucket = ht_slice_text(probe->arguments[0]), .done = on_created, .user = probe};
    ht_s3_create_bucket_start(probe->aws, &probe->create);
}

static void on_put(struct ht_s3_put_object *op)
{
    end(op->user, op->status, &op->call.error);
}

static void start_put(struct probe *probe)
{
    size_t count = 0;
    read_input(probe);
    for (char **pair = probe->arguments + 2; *pair != NULL && count < HT_S3_METADATA_MAX; pair++) {
        const char *equals = strchr(*pair, '=');
        HT_ASSERT(equals != NULL);
        (void)snprintf(probe->metadata_names[count], METADATA_NAME_BYTES, "x-amz-meta-%.*s",
                       (int)(equals - *pair), *pair);
        probe->metadata[count].name = ht_slice_text(probe->metadata_names[count]);
        probe->metadata[count++].value = ht_slice_text(equals + 1);
    }
    probe->put = (struct ht_s3_put_object){
        .bucket = ht_slice_text(probe->arguments[0]),
        .key = ht_slice_text(probe->arguments[1]),
        .body = ht_buffer_slice(&probe->input),
        .content_type = "application/octet-stream",
        .metadata = probe->metadata,
        .metadata_count = count,
        .done = on_put,
        .user = probe,
    };
    ht_s3_checksums_of(probe->put.body, &probe->put.checksums);
    ht_s3_put_object_start(probe->aws, &probe->put);
}

static void on_head(struct ht_s3_head_object *op)
{
    const struct ht_aws_call *call = &op->call;
    if (op->status == 0) {
        printf("length %zu\netag %.*s\n", (size_t)op->length, (int)op->etag.length, op->etag.data);
    }
    for (size_t i = 0; op->status == 0 && i < call->answer_header_count; i++) {
        const struct ht_http_header *header = &call->answer_headers[i];
        if (header->name.length > 11 && strncasecmp(header->name.data, "x-amz-meta-", 11) == 0) {
            printf("%.*s %.*s\n", (int)header->name.length, header->name.data,
                   (int)header->value.length, header->value.data);
        }
    }
    end(op->user, op->status, &op->call.error);
}

static void start_head(struct probe *probe)
{
    probe->head = (struct ht_s3_head_object){.bucket = ht_slice_text(probe->arguments[0]),
                                             .key = ht_slice_text(probe->arguments[1]),
                                             .done = on_head,
                                             .user = probe};
    ht_s3_head_object_start(probe->aws, &probe->head);
}

static void on_get(struct ht_s3_get_object *op)
{
    if (op->status == 0) {
        (void)fwrite(op->body.data, 1, op->body.length, stdout);
    }
    end(op->user, op->status, &op->call.error);
}

static void start_get(struct probe *probe)
{
    probe->get = (struct ht_s3_get_object){.bucket = ht_slice_text(probe->arguments[0]),
                                           .key = ht_slice_text(probe->arguments[1]),
                                           .max_bytes = INPUT_MAX_BYTES,
                                           .done = on_get,
                                           .user = probe};
    ht_s3_get_object_start(probe->aws, &probe->get);
}

static void start_list(struct probe *probe);

static void on_list(struct ht_s3_list_objects_v2 *op)
{
    struct probe *probe = op->user;
    for (size_t i = 0; op->status == 0 && i < op->count; i++) {
        const struct ht_s3_listed *at = &op->objects[i];
        if (at->is_prefix) {
            printf("%.*s -\n", (int)at->key.length, at->key.data);
        } else {
            printf("%.*s %zu\n", (int)at->key.length, at->key.data, (size_t)at->size);
        }
    }
    if (op->status == 0 && op->is_truncated && op->next_token.length < sizeof(probe->token)) {
        (void)snprintf(probe->token, sizeof(probe->token), "%.*s", (int)op->next_token.length,
                       op->next_token.data);
        start_list(probe);
        return;
    }
    end(probe, op->status, &op->call.error);
}

static void start_list(struct probe *probe)
{
    probe->list = (struct ht_s3_list_objects_v2){
        .bucket = ht_slice_text(probe->arguments[0]),
        .prefix = ht_slice_text(probe->arguments[1]),
        .delimiter = ht_slice_text(probe->arguments[2]),
        .continuation = ht_slice_text(probe->token),
        .max_keys = (unsigned)strtoul(probe->arguments[3], NULL, 10),
        .done = on_list,
        .user = probe,
    };
    ht_s3_list_objects_v2_start(probe->aws, &probe->list);
}

static void on_archive_closed(void *user)
{
    struct probe *probe = user;
    probe->archive->ops->destroy(probe->archive);
    if (probe->append.status == 0) {
        printf("%s\n", probe->append.object);
    }
    end(probe, probe->append.status, &probe->append.error);
}

static void on_append(struct ht_archive_append *append)
{
    struct probe *probe = append->user;
    probe->archive->ops->close(probe->archive, on_archive_closed, probe);
}

static void start_append(struct probe *probe);

static void start_archive(struct probe *probe)
{
    struct ht_error error;
    struct ht_s3_archive_options options = {
        .aws = probe->aws,
        .worker = probe->worker,
        .clock = ht_loop_clock(probe->loop),
        .timers = ht_loop_timers(probe->loop),
        .bucket = probe->arguments[0],
        .prefix = probe->arguments[1],
        .buffer_s = 1,
        .buffer_bytes = 1,
    };
    if (ht_s3_archive_create(&probe->archive, &options, &error) != 0) {
        die(&error);
    }
    start_append(probe);
}

static void start_firehose(struct probe *probe)
{
    struct ht_error error;
    struct ht_firehose_archive_options options = {
        .aws = probe->aws,
        .clock = ht_loop_clock(probe->loop),
        .timers = ht_loop_timers(probe->loop),
        .random = &probe->random,
        .name = probe->arguments[0],
        .buffer_s = 1,
        .buffer_bytes = 1,
        .record_bytes = 1024, /* many records, also of a short input */
    };
    if (ht_firehose_archive_create(&probe->archive, &options, &error) != 0) {
        die(&error);
    }
    start_append(probe);
}

static void start_append(struct probe *probe)
{
    read_input(probe);
    probe->append = (struct ht_archive_append){
        .lines = ht_buffer_slice(&probe->input), .count = 1, .done = on_append, .user = probe};
    probe->archive->ops->append(probe->archive, &probe->append);
}

static const struct {
    const char *name;
    int arguments; /* at least */
    void (*start)(struct probe *probe);
} commands[] = {
    {"create", 1, start_create},     {"put", 2, start_put},   {"head", 2, start_head},
    {"get", 2, start_get},           {"list", 4, start_list}, {"archive", 2, start_archive},
    {"firehose", 1, start_firehose},
};

int main(int argc, char **argv)
{
    static struct probe probe;
    for (size_t i = 0; argc > 1 && i < HT_COUNT_OF(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].arguments) {
            probe.arguments = argv + 2;
            set_up(&probe);
            commands[i].start(&probe);
            ht_loop_run(probe.loop);
            ht_loop_destroy(probe.loop);
            ht_aws_settings_finish(&probe.settings);
            ht_buffer_finish(&probe.input);
            return probe.status;
        }
    }
    fprintf(stderr, "usage: s3_probe create|put|head|get|list|archive|firehose NAME ...\n");
    return 2;
}

static void set_up(struct probe *probe)
{
    struct ht_error error;
    ht_random_init(&probe->random, 1);
    if (ht_aws_settings_load(&probe->settings, (const char *const *)environ, &error) != 0 ||
        ht_loop_create(&probe->loop, NULL, &error) != 0 ||
        ht_worker_create(&probe->worker, probe->loop, "probe", &error) != 0 ||
        ht_http_client_create(&probe->http, probe->loop, &error) != 0) {
        die(&error);
    }
    struct ht_aws_credentials_options chain = {.loop = probe->loop,
                                               .worker = probe->worker,
                                               .http = probe->http,
                                               .random = &probe->random,
                                               .settings = &probe->settings};
    if (ht_aws_credentials_create(&probe->credentials, &chain, &error) != 0) {
        die(&error);
    }
    struct ht_aws_client_options options = {.loop = probe->loop,
                                            .http = probe->http,
                                            .credentials = probe->credentials,
                                            .settings = &probe->settings,
                                            .random = &probe->random};
    if (ht_aws_client_create(&probe->aws, &options, &error) != 0) {
        die(&error);
    }
}

static void on_worker_stopped(void *user)
{
    ht_loop_stop(((struct probe *)user)->loop);
}

static void on_http_closed(void *user)
{
    struct probe *probe = user;
    ht_worker_stop(probe->worker, on_worker_stopped, probe);
}

static void on_credentials_closed(void *user)
{
    struct probe *probe = user;
    ht_http_client_close(probe->http, on_http_closed, probe);
}

static void on_client_closed(void *user)
{
    struct probe *probe = user;
    ht_aws_credentials_close(probe->credentials, on_credentials_closed, probe);
}

static void tear_down(struct probe *probe)
{
    ht_aws_client_close(probe->aws, on_client_closed, probe);
}
