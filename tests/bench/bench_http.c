// SPDX-License-Identifier: MIT
/*
 * Serves one prebuilt answer of 2 kB, for a load generator (tests/bench/http.sh), until SIGINT or
 * SIGTERM; then tells requests, processor time a request and the loop's lag.
 *
 *     bench_http 127.0.0.1:8090
 */
#include "hashtagd/net/http_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define BODY_BYTES 2048

struct bench {
    struct ht_loop *loop;
    struct ht_http_server *server;
    struct ht_http_body *body;
    struct ht_http_server_stats stats;
};

static void on_request(void *user, struct ht_http_request *request)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Content-Type", "application/json"),
        HT_HTTP_HEADER("Cache-Control", "no-store")};
    struct bench *bench = user;
    struct ht_http_response response = {
        .status = 200, .headers = headers, .header_count = 2, .body = bench->body};

    ht_http_respond(request, &response);
}

static void on_closed(void *user)
{
    ht_loop_stop(user);
}

static void on_signal(void *user, int signal_number)
{
    struct bench *bench = user;

    (void)signal_number;
    bench->stats = *ht_http_server_stats(bench->server);
    ht_http_server_close(bench->server, 1000, on_closed, bench->loop);
}

static void report(const struct bench *bench)
{
    const struct ht_histogram *lag = ht_loop_lag(bench->loop);
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    double busy_us = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
                     (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
    double requests = (double)bench->stats.requests_total;
    printf("requests %.0f, processor %.2f us each, loop lag p99 under %.1f ms, max %.1f ms\n",
           requests, requests == 0 ? 0 : busy_us / requests,
           (double)ht_histogram_quantile_ns(lag, 0.99) / 1e6, (double)lag->max_ns / 1e6);
}

int main(int argc, char **argv)
{
    char bytes[BODY_BYTES];
    struct bench bench = {0};
    struct ht_error error = {0};
    struct ht_http_server_options options = {.on_request = on_request, .user = &bench};

    if (argc != 2 || ht_address_parse(argv[1], &options.address, &error) != 0 ||
        ht_loop_create(&bench.loop, NULL, &error) != 0) {
        fprintf(stderr, "bench_http address:port\n%s\n", error.text);
        return 2;
    }
    memset(bytes, 'x', sizeof bytes);
    bench.body = ht_http_body_create(ht_slice_make(bytes, sizeof bytes));
    options.loop = bench.loop;
    if (bench.body == NULL || ht_http_server_create(&bench.server, &options, &error) != 0 ||
        ht_loop_watch_signals(bench.loop, on_signal, &bench, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    ht_loop_run(bench.loop);
    report(&bench);
    ht_http_body_release(bench.body);
    ht_loop_destroy(bench.loop);
    return 0;
}
