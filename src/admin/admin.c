// SPDX-License-Identifier: MIT
#include "hashtagd/admin/admin.h"

#include "admin_internal.h"
#include "tweets_body.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A request:
 *
 *     on_request -> check_access -> route -> query -> [body -> on_body] -> the route's handler
 *          |             |           |         |
 *          +-------------+-----------+---------+--> a problem is answered
 */

enum { ADMIN_MAGIC = 0x61646d6e, EXCHANGE_MAGIC = 0x65786368, SECOND_MS = 1000 };

/* What the dashboard may do, and nothing else: its own files, no markup made of strings. */
static const struct ht_http_header common_headers[] = {
    HT_HTTP_HEADER("Content-Security-Policy",
                   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                   "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
                   "'none'; require-trusted-types-for 'script'; trusted-types 'none'"),
    HT_HTTP_HEADER("X-Content-Type-Options", "nosniff"),
    HT_HTTP_HEADER("X-Frame-Options", "DENY"),
    HT_HTTP_HEADER("Referrer-Policy", "no-referrer"),
    HT_HTTP_HEADER("Cross-Origin-Resource-Policy", "same-origin"),
};

static void on_second(struct ht_timer *timer);
static void on_request(void *user, struct ht_http_request *request);
static bool check_access(struct ht_admin_exchange *exchange);
static void start_route(struct ht_admin_exchange *exchange);
static void on_body(void *user, struct ht_http_request *request);
static void on_gone(void *user, struct ht_http_request *request);
static void on_server_closed(void *user);
static void on_closed_due(struct ht_timer *timer);

struct ht_admin *ht_admin_create(const struct ht_admin_context *context)
{
    struct ht_admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL) {
        return NULL;
    }
    admin->magic = ADMIN_MAGIC;
    admin->context = *context;
    admin->created_ms = ht_clock_monotonic_ms(context->clock);
    ht_timer_init(&admin->second_timer, on_second);
    ht_timer_init(&admin->closed_timer, on_closed_due);
    ht_list_cache_init(&admin->lists);
    ht_events_init(&admin->events, admin);
    ht_status_watch(admin);
    ht_timer_start(context->timers, &admin->second_timer, SECOND_MS);
    return admin;
}

/* The address that a client on this machine uses: the wildcard is no destination. */
static void write_url(struct ht_admin *admin)
{
    struct ht_address address = *ht_http_server_address(admin->server);
    if (strcmp(address.host, "0.0.0.0") == 0 || strcmp(address.host, "::") == 0) {
        (void)snprintf(address.host, sizeof(address.host), "%s",
                       address.is_v6 ? "::1" : "127.0.0.1");
    }
    char text[HT_ADDRESS_TEXT_BYTES];
    (void)snprintf(admin->url, sizeof(admin->url), "%s://%s/",
                   admin->rules.is_tls ? "https" : "http", ht_address_format(&address, text));
}

/* Bodies that are still coming in may take as much as tweets in flight, and one always fits. */
static size_t most_body_bytes(const struct ht_budget *budget)
{
    size_t share = budget->limit_bytes / 100 * HT_BUDGET_INTAKE_SHARE;

    return share > HT_TWEETS_BODY_MAX_BYTES ? share : HT_TWEETS_BODY_MAX_BYTES;
}

int ht_admin_listen(struct ht_admin *admin, const struct ht_admin_listen *listen,
                    struct ht_error *error)
{
    HT_ASSERT(admin->server == NULL);
    admin->rules =
        (struct ht_access_rules){.address = listen->address, .is_tls = listen->tls != NULL};
    if (listen->token != NULL) {
        admin->token = strdup(listen->token);
        if (admin->token == NULL) {
            return ht_error_set(error, HT_ENOMEM, "Out of memory.");
        }
        admin->rules.token = admin->token;
    }
    struct ht_http_server_options options = {
        .loop = admin->context.loop,
        .log = admin->context.log,
        .tls = listen->tls,
        .address = listen->address,
        .on_request = on_request,
        .user = admin,
        .common_headers = common_headers,
        .common_header_count = HT_COUNT_OF(common_headers),
        .max_body_bytes_in_total = most_body_bytes(admin->context.budget),
    };
    int result = ht_http_server_create(&admin->server, &options, error);
    if (result == 0) {
        write_url(admin);
    }
    return result;
}

const char *ht_admin_url(const struct ht_admin *admin)
{
    return admin->url;
}

void ht_admin_set_stopping(struct ht_admin *admin)
{
    admin->is_stopping = true;
    ht_events_note_state(&admin->events);
}

static void on_second(struct ht_timer *timer)
{
    struct ht_admin *admin = HT_CONTAINER_OF(timer, struct ht_admin, second_timer);
    HT_ASSERT(admin->magic == ADMIN_MAGIC);
    ht_timer_start(admin->context.timers, &admin->second_timer, SECOND_MS);
    ht_status_sample(admin);
    ht_events_tick(&admin->events);
}

/* Requests */

static void on_request(void *user, struct ht_http_request *request)
{
    struct ht_admin *admin = ht_admin_from(user);
    struct ht_admin_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        ht_http_respond_problem(request, 503, "Out of memory; try again in a moment.");
        return;
    }
    exchange->magic = EXCHANGE_MAGIC;
    exchange->admin = admin;
    exchange->request = request;
    exchange->started_ns = ht_clock_monotonic_ns(admin->context.clock);
    ht_buffer_init(&exchange->texts, HT_ROUTE_MAX_TEXT_BYTES + 1);
    admin->exchange_count++;
    struct ht_route_match match = ht_route_find(request->method, request->path);
    exchange->route = match.route;
    exchange->rest = match.rest;
    if (!check_access(exchange)) {
        return;
    }
    if (match.route != NULL) {
        start_route(exchange);
        return;
    }
    if (match.allow[0] == '\0') {
        ht_exchange_answer_problem(exchange, 404,
                                   "There is nothing at this path; GET /openapi.json tells what "
                                   "there is.");
        return;
    }
    char detail[256];
    (void)snprintf(detail, sizeof(detail), "%.*s is not for this path; it takes %s.",
                   (int)(request->method_name.length < 40 ? request->method_name.length : 40),
                   request->method_name.data, match.allow);
    struct ht_http_header allow = {HT_SLICE("Allow"), ht_slice_text(match.allow)};
    ht_http_respond_problem_with(
        request, &(struct ht_http_problem){
                     .status = 405, .detail = detail, .headers = &allow, .header_count = 1});
    (void)ht_exchange_release(exchange, 405);
}

/* Somebody follows a link to us: the page that has it sees nothing of what comes. */
static bool is_navigation(const struct ht_http_request *request)
{
    bool only_reads = request->method == HT_HTTP_GET || request->method == HT_HTTP_HEAD;

    return only_reads &&
           ht_slice_equal(ht_http_request_header(request, "Sec-Fetch-Mode"),
                          HT_SLICE("navigate")) &&
           ht_slice_equal(ht_http_request_header(request, "Sec-Fetch-Dest"), HT_SLICE("document"));
}

static bool check_access(struct ht_admin_exchange *exchange)
{
    struct ht_http_request *request = exchange->request;
    struct ht_access_request about = {
        .host = request->host,
        .origin = ht_http_request_header(request, "Origin"),
        .authorization = ht_http_request_header(request, "Authorization"),
        .fetch_site = ht_http_request_header(request, "Sec-Fetch-Site"),
        .is_navigation = is_navigation(request),
        .is_free = exchange->route != NULL && exchange->route->is_free,
    };
    switch (ht_access_decide(&exchange->admin->rules, &about)) {
    case HT_ACCESS_GRANTED:
        return true;
    case HT_ACCESS_BAD_HOST:
        ht_exchange_answer_problem(exchange, 403,
                                   "The Host of the request is no name of this machine. Ask for "
                                   "localhost or the address that the daemon listens on; for other "
                                   "names set admin.token_file.");
        return false;
    case HT_ACCESS_BAD_ORIGIN:
        ht_exchange_answer_problem(exchange, 403,
                                   "The request comes from a page of another origin.");
        return false;
    case HT_ACCESS_NO_TOKEN:
        ht_exchange_answer_problem(exchange, 401,
                                   "A token is needed: Authorization: Bearer <token>, with what "
                                   "stands in the daemon's admin.token_file.");
        return false;
    case HT_ACCESS_BAD_TOKEN:
        ht_exchange_answer_problem(exchange, 401, "This token is not the daemon's.");
        return false;
    }
    HT_UNREACHABLE();
}

static void start_route(struct ht_admin_exchange *exchange)
{
    const struct ht_route *route = exchange->route;
    struct ht_http_request *request = exchange->request;
    struct ht_error error;
    int result =
        ht_route_read_query(route, request->query, exchange->values, &exchange->texts, &error);
    if (result != 0) {
        if (result == HT_EINVAL) {
            ht_exchange_answer_problem(exchange, 400, "%s", error.text);
        } else {
            ht_exchange_answer_problem(exchange, 503, "Out of memory; try again in a moment.");
        }
        return;
    }
    if (route->max_body_bytes == 0) {
        ht_http_request_watch(request, on_gone, exchange);
        route->handle(exchange);
        return;
    }
    struct ht_http_body_wanted wanted = {.max_bytes = route->max_body_bytes,
                                         .is_required = route->needs_body,
                                         .on_body = on_body,
                                         .on_gone = on_gone,
                                         .user = exchange};
    int collected = ht_http_request_collect_body(request, &wanted);
    if (collected != 0) { /* answered already */
        (void)ht_exchange_release(exchange, collected == HT_ETOOBIG ? 413 : 411);
    }
}

static void on_body(void *user, struct ht_http_request *request)
{
    struct ht_admin_exchange *exchange = user;
    HT_ASSERT(exchange->magic == EXCHANGE_MAGIC);
    ht_http_request_watch(request, on_gone, exchange);
    exchange->route->handle(exchange);
}

static void on_gone(void *user, struct ht_http_request *request)
{
    (void)request;
    struct ht_admin_exchange *exchange = user;
    HT_ASSERT(exchange->magic == EXCHANGE_MAGIC);
    exchange->request = NULL;
    exchange->rest = HT_SLICE("");
    if (exchange->work == NULL) { /* the handler has not begun: nobody else would end it */
        (void)ht_exchange_release(exchange, 499);
    }
}

struct ht_route_stats *ht_admin_stats_of(struct ht_admin *admin, const struct ht_route *route)
{
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    HT_ASSERT(count <= HT_ADMIN_MAX_ROUTES);
    return route == NULL ? &admin->unknown : &admin->routes[route - routes];
}

struct ht_admin *ht_admin_from(void *user)
{
    struct ht_admin *admin = user;
    HT_ASSERT(admin != NULL && admin->magic == ADMIN_MAGIC);
    return admin;
}

/* The end */

void ht_admin_close(struct ht_admin *admin, uint64_t deadline_ms, void (*on_closed)(void *user),
                    void *user)
{
    if (admin == NULL) {
        return;
    }
    HT_ASSERT(admin->magic == ADMIN_MAGIC);
    admin->is_stopping = true;
    admin->on_closed = on_closed;
    admin->on_closed_user = user;
    ht_timer_stop(admin->context.timers, &admin->second_timer);
    ht_status_unwatch(admin);
    ht_events_close(&admin->events);
    if (admin->server == NULL) {
        on_server_closed(admin);
        return;
    }
    ht_http_server_close(admin->server, deadline_ms, on_server_closed, admin);
}

static void on_server_closed(void *user)
{
    struct ht_admin *admin = ht_admin_from(user);
    admin->server = NULL;
    admin->is_server_closed = true;
    ht_timer_start(admin->context.timers, &admin->closed_timer, 0);
}

/* Exchanges whose client is gone may still wait for a part behind. */
void ht_admin_exchange_ended(struct ht_admin *admin)
{
    admin->exchange_count--;
    if (admin->is_server_closed) {
        ht_timer_start(admin->context.timers, &admin->closed_timer, 0);
    }
}

static void on_closed_due(struct ht_timer *timer)
{
    struct ht_admin *admin = HT_CONTAINER_OF(timer, struct ht_admin, closed_timer);
    if (admin->exchange_count > 0) {
        return;
    }
    void (*on_closed)(void *user) = admin->on_closed;
    void *user = admin->on_closed_user;
    ht_list_cache_finish(&admin->lists);
    ht_events_finish(&admin->events);
    if (admin->token != NULL) {
        explicit_bzero(admin->token, strlen(admin->token));
        free(admin->token);
    }
    admin->magic = 0;
    free(admin);
    if (on_closed != NULL) {
        on_closed(user);
    }
}
