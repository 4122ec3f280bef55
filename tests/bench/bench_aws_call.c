// SPDX-License-Identifier: MIT
/*
 * The processor time of one small POST through the HTTP client, and of one whole signed DynamoDB
 * call, over loopback. The server is a process of its own, so that only our side is counted.
 *
 *     bench_aws_call [COUNT [AT ONCE]]
 */
#include "hashtagd/aws/client.h"
#include "hashtagd/aws/settings.h"
#include "hashtagd/aws/sigv4.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/http_server.h"
#include "hashtagd/net/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE_MAX 512

static const char body[] =
    "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"caturday\"}},\"UpdateExpression\":"
    "\"SET #m = :m ADD #c :n\",\"ConditionExpression\":\"attribute_not_exists(#m) OR #m < :m\","
    "\"ExpressionAttributeNames\":{\"#c\":\"htCount\",\"#m\":\"m0\"},\"ExpressionAttributeValues\":"
    "{\":n\":{\"N\":\"3\"},\":m\":{\"S\":"
    "\"05649590338271254246290608949591508592104117562862906370\"}}}";

static const char answer[] = "{\"Attributes\":{\"htCount\":{\"N\":\"12345\"}}}";

struct bench {
    struct ht_loop *loop;
    struct ht_http_client *http;
    struct ht_aws_client *aws;
    char url[64];
    size_t wanted, started, done, failed;
    struct ht_aws_call calls[AT_ONCE_MAX];
};

/* --- the server --- */

static void on_body(void *user, struct ht_http_request *request)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Content-Type", "application/x-amz-json-1.0"),
        HT_HTTP_HEADER("x-amzn-RequestId",
                       "KJH3GHJ2G4HJ2G34HJG2H3J4G2H3J4GVV4KQNSO5AEMVJF66Q9ASUAAJG")};
    struct ht_http_response response = {
        .status = 200, .headers = headers, .header_count = 2, .body = user};

    ht_http_respond(request, &response);
}

static void on_request(void *user, struct ht_http_request *request)
{
    struct ht_http_body_wanted wanted = {.max_bytes = 1 << 20, .on_body = on_body, .user = user};

    if (ht_http_request_collect_body(request, &wanted) != 0) {
        fprintf(stderr, "a request without a body\n");
    }
}

static _Noreturn void serve(int port_pipe)
{
    struct ht_http_server_options options = {.on_request = on_request,
                                             .max_connection_count = 2 * AT_ONCE_MAX};
    struct ht_http_server *server;
    struct ht_error error;

    HT_ASSERT(ht_loop_create(&options.loop, NULL, &error) == 0);
    HT_ASSERT(ht_address_parse("127.0.0.1:0", &options.address, &error) == 0);
    options.user = ht_http_body_create(HT_SLICE(answer));
    HT_ASSERT(ht_http_server_create(&server, &options, &error) == 0);
    uint16_t port = ht_http_server_address(server)->port;
    HT_ASSERT(write(port_pipe, &port, sizeof port) == sizeof port);
    ht_loop_run(options.loop);
    _exit(0);
}

/* --- transfers alone --- */

static void start_transfer(struct bench *bench);

static void on_transfer(void *user, struct ht_http_result *result)
{
    struct bench *bench = user;

    bench->failed += result->code != 0 || result->status != 200;
    if (++bench->done == bench->wanted) {
        ht_loop_stop(bench->loop);
    } else if (bench->started < bench->wanted) {
        start_transfer(bench);
    }
}

static void start_transfer(struct bench *bench)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Content-Type", "application/x-amz-json-1.0"),
        HT_HTTP_HEADER("X-Amz-Target", "DynamoDB_20120810.UpdateItem"),
        HT_HTTP_HEADER("X-Amz-Date", "20260301T120000Z"), HT_HTTP_HEADER("User-Agent", "bench")};
    struct ht_http_transfer_options options = {.url = bench->url,
                                               .headers = headers,
                                               .header_count = 4,
                                               .body = HT_SLICE(body),
                                               .timeout_ms = 30000,
                                               .connect_timeout_ms = 3000,
                                               .on_done = on_transfer,
                                               .user = bench};

    bench->started++;
    HT_ASSERT(ht_http_transfer_start(bench->http, &options, NULL, NULL) == 0);
}

/* --- whole calls --- */

static void on_call(struct ht_aws_call *call)
{
    struct bench *bench = call->user;

    bench->failed += call->status != 0;
    if (call->status != 0 && bench->failed == 1) {
        fprintf(stderr, "%s\n", call->error.text);
    }
    if (++bench->done == bench->wanted) {
        ht_loop_stop(bench->loop);
    } else if (bench->started < bench->wanted) {
        bench->started++;
        ht_aws_call_start(bench->aws, call);
    }
}

static void start_call(struct bench *bench)
{
    struct ht_aws_call *call = &bench->calls[bench->started++];

    *call = (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                 .operation = "UpdateItem",
                                 .body = HT_SLICE(body),
                                 .done = on_call,
                                 .user = bench};
    ht_aws_call_start(bench->aws, call);
}

/* --- measuring --- */

static double used_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
           (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
}

static void measure(struct bench *bench, const char *what, size_t at_once,
                    void (*start)(struct bench *bench))
{
    struct ht_clock *clock = ht_loop_clock(bench->loop);
    double before_us = used_us();
    uint64_t before_ns = ht_clock_monotonic_ns(clock);

    bench->started = bench->done = bench->failed = 0;
    while (bench->started < at_once) {
        start(bench);
    }
    ht_loop_run(bench->loop);
    double passed_s = (double)(ht_clock_monotonic_ns(clock) - before_ns) / 1e9;
    printf("%-28s %8.2f us of processor each, %7.0f a second, %zu failed\n", what,
           (used_us() - before_us) / (double)bench->wanted, (double)bench->wanted / passed_s,
           bench->failed);
}

static void measure_signing(size_t count)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Host", "dynamodb.eu-west-1.amazonaws.com"),
        HT_HTTP_HEADER("Content-Type", "application/x-amz-json-1.0"),
        HT_HTTP_HEADER("X-Amz-Target", "DynamoDB_20120810.UpdateItem")};
    struct ht_sigv4_identity identity = {.access_key_id = HT_SLICE("AKIDEXAMPLE"),
                                         .secret_access_key = HT_SLICE("secret")};
    struct ht_sigv4_key_cache cache = {.is_set = false};
    double before_us = used_us();

    for (size_t i = 0; i < count; i++) {
        char hash[HT_SIGV4_HASH_BYTES];
        struct ht_sigv4_result result;
        struct ht_sigv4_request request = {.method = "POST",
                                           .headers = headers,
                                           .header_count = 3,
                                           .region = "eu-west-1",
                                           .signing_name = "dynamodb",
                                           .time_s = 1772366400};
        ht_sigv4_hash_payload(HT_SLICE(body), hash);
        request.payload_hash = ht_slice_text(hash);
        HT_ASSERT(ht_sigv4_sign(&request, &identity, &cache, &result, NULL) == 0);
        ht_sigv4_result_finish(&result);
    }
    printf("%-28s %8.2f us of processor each\n", "signature",
           (used_us() - before_us) / (double)count);
}

static void stop(void *user)
{
    ht_loop_stop(user);
}

static void run(uint16_t port, size_t count, size_t at_once)
{
    static struct bench bench;
    char endpoint[64];
    const char *environment[] = {"HOME=/nonexistent",
                                 "AWS_REGION=eu-west-1",
                                 "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
                                 "AWS_SECRET_ACCESS_KEY=secret",
                                 endpoint,
                                 NULL};
    struct ht_aws_settings settings;
    struct ht_aws_client_options options = {.settings = &settings};
    struct ht_worker *worker;
    struct ht_random random;
    struct ht_error error;

    snprintf(bench.url, sizeof bench.url, "http://127.0.0.1:%u/", port);
    snprintf(endpoint, sizeof endpoint, "AWS_ENDPOINT_URL=http://127.0.0.1:%u", port);
    bench.wanted = count;
    ht_random_init(&random, 1);
    HT_ASSERT(ht_loop_create(&bench.loop, NULL, &error) == 0);
    HT_ASSERT(ht_worker_create(&worker, bench.loop, "bench", &error) == 0);
    HT_ASSERT(ht_http_client_create(&bench.http, bench.loop, &error) == 0);
    HT_ASSERT(ht_aws_settings_load(&settings, environment, &error) == 0);
    struct ht_aws_credentials_options chain = {.loop = bench.loop,
                                               .worker = worker,
                                               .http = bench.http,
                                               .random = &random,
                                               .settings = &settings};
    HT_ASSERT(ht_aws_credentials_create(&options.credentials, &chain, &error) == 0);
    options.loop = bench.loop;
    options.http = bench.http;
    options.random = &random;
    HT_ASSERT(ht_aws_client_create(&bench.aws, &options, &error) == 0);
    measure_signing(count);
    measure(&bench, "transfer, one at a time", 1, start_transfer);
    measure(&bench, "transfer, many at once", at_once, start_transfer);
    measure(&bench, "signed call, many at once", at_once, start_call);
    ht_aws_client_close(bench.aws, stop, bench.loop);
    ht_loop_run(bench.loop);
    ht_aws_credentials_close(options.credentials, stop, bench.loop);
    ht_loop_run(bench.loop);
    ht_http_client_close(bench.http, stop, bench.loop);
    ht_loop_run(bench.loop);
    ht_worker_stop(worker, stop, bench.loop);
    ht_loop_run(bench.loop);
    ht_aws_settings_finish(&settings);
    ht_loop_destroy(bench.loop);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000;
    size_t at_once = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 32;
    int port_pipe[2];
    uint16_t port;

    at_once = at_once < 1 ? 1 : (at_once > AT_ONCE_MAX ? AT_ONCE_MAX : at_once);
    count = count < at_once ? at_once : count;
    if (pipe(port_pipe) != 0) {
        return 1;
    }
    pid_t server = fork();
    if (server == 0) {
        serve(port_pipe[1]);
    }
    if (server < 0 || read(port_pipe[0], &port, sizeof port) != sizeof port) {
        return 1;
    }
    run(port, count, at_once);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}
