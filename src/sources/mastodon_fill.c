// SPDX-License-Identifier: MIT
#include "mastodon_internal.h"

#include "mastodon_pace.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>

/*
 *   begin -> (a moment) -> ask_page -> on_page -> take_page -> ... -> filled, or given up
 *                             ^           |  |        |
 *                             |           |  '-- held while the sink is full --resume--> take_page
 *                             |           |         '-- of a long one some each turn --'
 *                             '-- later --'           |
 *                             '------- the next one --'
 *
 * Where nothing is known, one page with the newest status tells where a later filling begins.
 */

/* The server says that it streams a moment before it does (streaming/index.js: it writes, then
 * subscribes), so the first page is asked for a little later. */
#define FIRST_PAGE_MS 500

/* After a page that is not even half full the timeline is nearly at its end: no hurry. */
#define SHORT_PAGE_WAIT_MS 1000

/* Date cuts the second off, and a server's machines differ a little. */
#define OPENED_MARGIN_MS 2000

/* Of a page, in one turn of the loop. */
#define TURN_BYTES (256 * 1024)

static void on_fill_due(struct ht_timer *timer);
static void ask_page(struct ht_mastodon *mastodon);
static void on_page(void *user, struct ht_http_result *result);
static void note_answer(struct ht_mastodon *mastodon, const struct ht_http_result *result);
static int keep_page(struct ht_mastodon *mastodon, struct ht_http_result *result);
static struct ht_mastodon_pace_decision decide(struct ht_mastodon *mastodon,
                                               const struct ht_http_result *result, int code);
static void take_page(struct ht_mastodon *mastodon);
static void take_anchor(struct ht_mastodon *mastodon);
static void go_on(struct ht_mastodon *mastodon, enum ht_mastodon_gap_verdict verdict);
static void ask_later(struct ht_mastodon *mastodon, uint64_t wait_ms);
static void give_up(struct ht_mastodon *mastodon, const char *why);
static void tell_filled(const struct ht_mastodon *mastodon);
static const char *failure_text(const struct ht_http_result *result, int code);

void ht_mastodon_fill_init(struct ht_mastodon *mastodon)
{
    ht_timer_init(&mastodon->fill_timer, on_fill_due);
}

void ht_mastodon_fill_begin(struct ht_mastodon *mastodon)
{
    ht_mastodon_gap_open(&mastodon->gap);
    mastodon->opened_ms = ht_clock_monotonic_ms(mastodon->live.options.clock);
    mastodon->fill_failures = 0;
    mastodon->fill_new = 0;
    ask_later(mastodon, FIRST_PAGE_MS);
}

static void ask_later(struct ht_mastodon *mastodon, uint64_t wait_ms)
{
    ht_timer_start(mastodon->live.options.timers, &mastodon->fill_timer, wait_ms);
}

static void on_fill_due(struct ht_timer *timer)
{
    struct ht_mastodon *mastodon = HT_CONTAINER_OF(timer, struct ht_mastodon, fill_timer);
    mastodon->is_fill_due = mastodon->is_paused;
    if (mastodon->is_paused) {
        return;
    }
    if (mastodon->is_page_held) {
        take_page(mastodon);
    } else {
        ask_page(mastodon);
    }
}

/* Nothing is delivered from inside. */
void ht_mastodon_fill_resume(struct ht_mastodon *mastodon)
{
    if (mastodon->is_page_held || mastodon->is_fill_due) {
        mastodon->is_fill_due = false;
        ask_later(mastodon, 0);
    }
}

static void ask_page(struct ht_mastodon *mastodon)
{
    struct ht_slice after =
        mastodon->gap.is_filling ? ht_mastodon_id_slice(&mastodon->gap.after) : HT_SLICE("");
    struct ht_buffer url;
    ht_buffer_init(&url, HT_MASTODON_URL_BYTES);
    if (ht_mastodon_url_page(ht_buffer_slice(&mastodon->base), &mastodon->feed, after, &url) == 0) {
        const struct ht_mastodon_ask_options ask = {
            .client = mastodon->client,
            .timers = mastodon->live.options.timers,
            .url = url.data,
            .authorization = ht_buffer_slice(&mastodon->authorization),
            .max_bytes = HT_MASTODON_PAGE_BYTES_MAX,
            .accepts_compressed = mastodon->accepts_compressed,
            .done = on_page,
            .user = mastodon};
        mastodon->page_asking = ht_mastodon_ask_start(&ask);
    }
    ht_buffer_finish(&url);
    if (mastodon->page_asking == NULL) {
        give_up(mastodon, "Out of memory for a question to Mastodon.");
    }
}

static void on_page(void *user, struct ht_http_result *result)
{
    struct ht_mastodon *mastodon = user;
    mastodon->page_asking = NULL;
    note_answer(mastodon, result);
    int code = keep_page(mastodon, result);
    struct ht_mastodon_pace_decision decision = decide(mastodon, result, code);
    mastodon->page_wait_ms = decision.wait_ms;
    switch (decision.action) {
    case HT_MASTODON_PACE_TAKE:
    case HT_MASTODON_PACE_NOTHING:
        mastodon->fill_failures = 0;
        mastodon->is_page_held = mastodon->is_paused;
        if (!mastodon->is_paused) {
            take_page(mastodon);
        }
        return;
    case HT_MASTODON_PACE_AGAIN:
        mastodon->fill_failures++;
        ask_later(mastodon, decision.wait_ms);
        return;
    case HT_MASTODON_PACE_GIVE_UP:
        give_up(mastodon, failure_text(result, code));
        return;
    }
}

/* The limits for a person, and the server's clock. */
static void note_answer(struct ht_mastodon *mastodon, const struct ht_http_result *result)
{
    struct ht_source_connection *connection = &mastodon->live.source.connection;
    struct ht_mastodon_limits limits =
        ht_mastodon_limits_read(result->headers, result->header_count);
    if (limits.remaining >= 0) {
        connection->rate_limit = limits.limit;
        connection->rate_remaining = limits.remaining;
        connection->rate_reset_s = limits.reset_ms / 1000;
    }
    int64_t server_ms = ht_mastodon_date_ms(result->headers, result->header_count);
    if (server_ms == 0) {
        server_ms = ht_clock_wall_ms(mastodon->live.options.clock);
    }
    uint64_t open_ms = ht_clock_monotonic_ms(mastodon->live.options.clock) - mastodon->opened_ms;
    ht_mastodon_gap_opened_at(&mastodon->gap, server_ms - (int64_t)open_ms + OPENED_MARGIN_MS);
}

/* Takes the answer's body over and apart. The transfer's code, or HT_EPARSE where a 200 has no page;
 * a page that is no page must not end a filling. */
static int keep_page(struct ht_mastodon *mastodon, struct ht_http_result *result)
{
    mastodon->page_count = mastodon->page_left = 0;
    mastodon->page_seen = (struct ht_mastodon_gap_page){0};
    if (result->code != 0 || result->status != 200) {
        return result->code;
    }
    ht_buffer_finish(&mastodon->page);
    size_t max_bytes = mastodon->page.max_bytes;
    size_t length = result->body.length;
    mastodon->page = (struct ht_buffer){.data = ht_buffer_take(&result->body),
                                        .length = length,
                                        .capacity = length + 1,
                                        .max_bytes = max_bytes};
    int status = ht_mastodon_page_split(ht_buffer_slice(&mastodon->page), mastodon->page_statuses,
                                        &mastodon->page_count);
    mastodon->page_left = mastodon->page_count;
    return status;
}

static struct ht_mastodon_pace_decision decide(struct ht_mastodon *mastodon,
                                               const struct ht_http_result *result, int code)
{
    const struct ht_mastodon_pace_input input = {
        .code = code,
        .status = result->status,
        .headers = result->headers,
        .header_count = result->header_count,
        .is_of_hashtag = mastodon->hashtag.length > 0,
        .failures = mastodon->fill_failures,
        .now_ms = ht_clock_wall_ms(mastodon->live.options.clock)};
    return ht_mastodon_pace_decide(&input, mastodon->live.options.random);
}

/* The newest stands first. */
static void take_some(struct ht_mastodon *mastodon)
{
    struct ht_mastodon_gap_page *page = &mastodon->page_seen;
    for (size_t bytes = 0;
         mastodon->page_left > 0 && bytes < TURN_BYTES && !mastodon->is_closing;) {
        struct ht_slice text = mastodon->page_statuses[--mastodon->page_left];
        bool is_new = ht_mastodon_intake_status(mastodon, text, &page->newest);
        page->count++;
        page->new_count += is_new;
        mastodon->fill_new += is_new;
        bytes += text.length;
    }
}

/* The books are kept before the last delivery, whose cursor they are; until then the page is as good as
 * not asked for. */
static void take_page(struct ht_mastodon *mastodon)
{
    mastodon->is_page_held = false;
    if (!mastodon->gap.is_filling) {
        take_anchor(mastodon);
        return;
    }
    take_some(mastodon);
    if (mastodon->is_closing) {
        return; /* memory was out, and the page is gone */
    }
    if (mastodon->is_out_of_memory) {
        mastodon->is_out_of_memory = false;
        ht_live_deliver(&mastodon->live);
        ask_later(mastodon, SHORT_PAGE_WAIT_MS);
        return;
    }
    if (mastodon->page_left > 0) {
        mastodon->is_page_held = true;
        ht_live_deliver(&mastodon->live);
        ask_later(mastodon, 0);
        return;
    }
    enum ht_mastodon_gap_verdict verdict =
        ht_mastodon_gap_page(&mastodon->gap, &mastodon->page_seen);
    if (mastodon->page_count < HT_MASTODON_GAP_PAGE_STATUSES / 2 &&
        mastodon->page_wait_ms < SHORT_PAGE_WAIT_MS) {
        mastodon->page_wait_ms = SHORT_PAGE_WAIT_MS;
    }
    ht_mastodon_intake_note_time(mastodon);
    ht_live_deliver(&mastodon->live);
    go_on(mastodon, verdict);
}

static void take_anchor(struct ht_mastodon *mastodon)
{
    struct ht_mastodon_status status;
    if (mastodon->page_count > 0 &&
        ht_mastodon_status_read(&mastodon->statuses, mastodon->page_statuses[0], &status) == NULL) {
        ht_mastodon_gap_anchor(&mastodon->gap, &status.id);
        ht_live_deliver(&mastodon->live);
    }
}

static void go_on(struct ht_mastodon *mastodon, enum ht_mastodon_gap_verdict verdict)
{
    switch (verdict) {
    case HT_MASTODON_GAP_MORE:
        ask_later(mastodon, mastodon->page_wait_ms);
        return;
    case HT_MASTODON_GAP_FILLED:
        tell_filled(mastodon);
        return;
    case HT_MASTODON_GAP_TOO_WIDE:
        give_up(mastodon, "The gap is wider than what is fetched of one.");
        return;
    }
}

static void tell_filled(const struct ht_mastodon *mastodon)
{
    if (mastodon->fill_new > 0) {
        ht_log_info(mastodon->live.options.log, "source", "fetched what came while not connected",
                    HT_TEXT("source", mastodon->live.source.name),
                    HT_NUMBER("statuses", mastodon->fill_new),
                    HT_NUMBER("pages", mastodon->gap.page_count));
    }
}

/* A person is told what is missing, from when to when. */
static void give_up(struct ht_mastodon *mastodon, const char *why)
{
    char from[HT_TIME_UTC_BYTES] = "an unknown time", to[HT_TIME_UTC_BYTES] = "now";
    struct ht_error error;
    if (!mastodon->gap.is_filling && mastodon->gap.page_count == 0) {
        return; /* it was not known where a gap would begin, so there is none */
    }
    int64_t from_ms = ht_mastodon_id_time_ms(&mastodon->gap.after);
    if (from_ms >= 0) {
        ht_time_format_utc(from_ms, from);
    }
    if (mastodon->gap.opened_ms > 0) {
        ht_time_format_utc(mastodon->gap.opened_ms, to);
    }
    mastodon->live.source.connection.gaps++;
    ht_error_set(&error, HT_EIO,
                 "Posts may be missing, from %s to %s: %s %" PRIu64
                 " were fetched in %u pages after the connection was lost.",
                 from, to, why, mastodon->fill_new, mastodon->gap.page_count);
    ht_health_note_error(&mastodon->live.source.health, &error);
    ht_log_warning(mastodon->live.options.log, "source", "posts may be missing",
                   HT_TEXT("source", mastodon->live.source.name), HT_TEXT("from", from),
                   HT_TEXT("to", to), HT_NUMBER("fetched", mastodon->fill_new),
                   HT_NUMBER("pages", mastodon->gap.page_count), HT_TEXT("reason", why));
    ht_mastodon_gap_give_up(&mastodon->gap);
}

static const char *failure_text(const struct ht_http_result *result, int code)
{
    if (result->code != 0) {
        return result->error_text;
    }
    if (code != 0) {
        return "The server's answer is no page of a timeline.";
    }
    switch (result->status) {
    case 401:
    case 403:
    case 422:
        return "The server does not give this timeline to the token; it needs the scope "
               "read:statuses.";
    case 404:
        return "The server has no such timeline.";
    case 429:
        return "The server allows no more requests (429).";
    default:
        return "The server answered with an error.";
    }
}

void ht_mastodon_fill_end(struct ht_mastodon *mastodon)
{
    ht_timer_stop(mastodon->live.options.timers, &mastodon->fill_timer);
    ht_mastodon_ask_forget(mastodon->page_asking);
    mastodon->page_asking = NULL;
    mastodon->is_page_held = mastodon->is_fill_due = false;
    ht_buffer_finish(&mastodon->page);
    ht_mastodon_gap_close(&mastodon->gap);
}
