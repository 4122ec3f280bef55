// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

/* By place in the route's parameters. */
enum { LIMIT, WINDOW, PREFIX, AFTER };

static void answer_cached(struct ht_admin_exchange *exchange);
static bool read_prefix(struct ht_admin_exchange *exchange, char *prefix,
                        struct ht_list_query *query);

void ht_route_hashtags(struct ht_admin_exchange *exchange)
{
    const struct ht_route_value *values = exchange->values;
    if (!ht_exchange_is_loaded(exchange)) {
        return;
    }
    if (!values[PREFIX].is_given && !values[AFTER].is_given) {
        answer_cached(exchange);
        return;
    }
    struct ht_list_query query = {.window = (enum ht_tally_window)values[WINDOW].number,
                                  .limit = (uint32_t)values[LIMIT].number};
    char prefix[HT_FOLD_BYTES_MAX], after[HT_TALLY_TAG_MAX_BYTES];
    if (!read_prefix(exchange, prefix, &query)) {
        return;
    }
    if (values[AFTER].is_given) {
        size_t length;
        if (ht_cursor_parse(values[AFTER].text, &query.after_count, after, &length) != 0) {
            ht_exchange_answer_problem(exchange, 400,
                                       "after must be the `next` of the page before.");
            return;
        }
        query.has_after = true;
        query.after_tag = ht_slice_make(after, length);
    }
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    if (ht_list_format(exchange->admin->context.tally, &query, &json) != 0) {
        ht_buffer_finish(&json);
        ht_exchange_answer_problem(exchange, 503, "The list is too large; ask for fewer.");
        return;
    }
    ht_exchange_answer_json(exchange, 200, &json);
}

static void answer_cached(struct ht_admin_exchange *exchange)
{
    struct ht_admin *admin = exchange->admin;
    struct ht_list_now now = {.tally = admin->context.tally,
                              .durable_version = ht_count_durable_version(admin->context.count),
                              .now_ms = ht_clock_monotonic_ms(admin->context.clock)};
    struct ht_http_body *body = ht_list_cache_get(
        &admin->lists, &now, (enum ht_tally_window)exchange->values[WINDOW].number,
        (uint32_t)exchange->values[LIMIT].number);
    if (body == NULL) {
        ht_exchange_answer_problem(exchange, 503, "The list is too large; ask for fewer.");
        return;
    }
    ht_exchange_answer_body(exchange, body, "application/json");
}

/* A prefix is folded as the counts are; one that folds to nothing ("#") asks for all. */
static bool read_prefix(struct ht_admin_exchange *exchange, char *prefix,
                        struct ht_list_query *query)
{
    struct ht_slice text = exchange->values[PREFIX].text;
    size_t length = 0;
    int result =
        text.length == 0 ? 0 : ht_fold_tag(exchange->admin->context.fold, text, prefix, &length);
    if (result == HT_EPARSE) {
        ht_exchange_answer_problem(exchange, 400, "prefix is not UTF-8.");
        return false;
    }
    if (result == HT_ETOOBIG) {
        ht_exchange_answer_problem(exchange, 400, "prefix is longer than any hashtag.");
        return false;
    }
    query->prefix = ht_slice_make(prefix, result == 0 ? length : 0);
    return true;
}
