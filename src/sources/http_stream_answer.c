// SPDX-License-Identifier: MIT
#include "http_stream_answer.h"

#include "answer_text.h"
#include "mastodon_status.h"

#include <stdio.h>

/* What to do about a status; a source may know better. */
static const char *general_cure(int status);
static bool is_refused(int status);
static uint64_t retry_after_ms(struct ht_live *live, struct ht_slice value);
static struct ht_slice limit_header(const struct ht_http_header *headers, size_t count,
                                    const char *what);
static int64_t number_of(struct ht_slice value);
static int64_t reset_of(struct ht_slice value);
static enum ht_source_end end_of_code(int code);

enum ht_source_end ht_http_stream_end_of(int status, struct ht_slice body)
{
    static const char too_many[] = "TooManyConnections";
    if (status == 420 || status == 429) {
        bool is_too_many = body.length > 0 &&
                           memmem(body.data, body.length, too_many, sizeof(too_many) - 1) != NULL;
        return is_too_many ? HT_SOURCE_END_TOO_MANY : HT_SOURCE_END_RATE_LIMITED;
    }
    return is_refused(status) ? HT_SOURCE_END_REFUSED : HT_SOURCE_END_HTTP_ERROR;
}

static bool is_refused(int status)
{
    static const int statuses[] = {400, 401, 403, 404, 406, 410, 413, 416, 422};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i] == status) {
            return true;
        }
    }
    return false;
}

uint64_t ht_http_stream_note_limits(struct ht_live *live, int status,
                                    const struct ht_http_header *headers, size_t header_count)
{
    struct ht_source_connection *connection = &live->source.connection;
    int64_t limit = number_of(limit_header(headers, header_count, "limit"));
    int64_t remaining = number_of(limit_header(headers, header_count, "remaining"));
    int64_t reset_s = reset_of(limit_header(headers, header_count, "reset"));
    if (limit >= 0 || remaining >= 0 || reset_s >= 0) {
        connection->rate_limit = limit;
        connection->rate_remaining = remaining;
        connection->rate_reset_s = reset_s > 0 ? reset_s : 0;
    }
    uint64_t wait_ms =
        retry_after_ms(live, ht_http_header_find(headers, header_count, "retry-after"));
    int64_t now_ms = ht_clock_wall_ms(live->options.clock);
    /* X refuses a second connection with 429 too, and with attempts left: no reason to wait so long */
    bool is_used_up = remaining == 0 || (status == 429 && remaining < 0);
    if (is_used_up && reset_s > now_ms / 1000) {
        uint64_t until_ms = (uint64_t)(reset_s * 1000 - now_ms);
        wait_ms = until_ms > wait_ms ? until_ms : wait_ms;
    }
    return wait_ms < HT_RECONNECT_NAMED_MAX_MS ? wait_ms : HT_RECONNECT_NAMED_MAX_MS;
}

static uint64_t retry_after_ms(struct ht_live *live, struct ht_slice value)
{
    uint64_t seconds;
    int64_t at_s;
    if (ht_slice_to_u64(value, HT_RECONNECT_NAMED_MAX_MS / 1000, &seconds) == 0) {
        return seconds * 1000;
    }
    if (ht_slice_to_u64(value, UINT64_MAX, &seconds) == 0) {
        return HT_RECONNECT_NAMED_MAX_MS;
    }
    int64_t now_ms = ht_clock_wall_ms(live->options.clock);
    if (ht_http_date_parse(value, &at_s) == 0 && at_s * 1000 > now_ms) {
        return (uint64_t)(at_s * 1000 - now_ms);
    }
    return 0;
}

/* X spells them x-rate-limit-reset, Mastodon X-RateLimit-Reset. */
static struct ht_slice limit_header(const struct ht_http_header *headers, size_t count,
                                    const char *what)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "x-rate-limit-%s", what);
    struct ht_slice value = ht_http_header_find(headers, count, name);
    if (value.length > 0) {
        return value;
    }
    (void)snprintf(name, sizeof(name), "x-ratelimit-%s", what);
    return ht_http_header_find(headers, count, name);
}

/* -1 where it is not there or no number. */
static int64_t number_of(struct ht_slice value)
{
    uint64_t number;
    /* in seconds it must still fit in milliseconds */
    return ht_slice_to_u64(value, INT64_MAX / 1000, &number) == 0 ? (int64_t)number : -1;
}

/* Unix seconds, or a time as Mastodon writes it. */
static int64_t reset_of(struct ht_slice value)
{
    int64_t reset_ms = ht_mastodon_time_ms(value);
    /* a second later rather than too early */
    return reset_ms > 0 ? (reset_ms + 999) / 1000 : number_of(value);
}

void ht_http_stream_explain(const char *what, const struct ht_http_result *result,
                            enum ht_source_end *end, struct ht_error *error)
{
    const struct ht_http_stream_answer answer = {
        .what = what,
        .status = result->status,
        .body = ht_buffer_slice(&result->body),
        .cure = "",
    };
    if (result->code == 0 || (result->code == HT_ETOOBIG && result->status >= 300)) {
        ht_http_stream_explain_answer(&answer, end, error);
    } else {
        *end = end_of_code(result->code);
        ht_error_set(error, result->code, "%s: %s%s", what, result->error_text,
                     result->code == HT_EINVAL ? "; check source.url" : "");
    }
}

static enum ht_source_end end_of_code(int code)
{
    if (code == HT_EINVAL) {
        return HT_SOURCE_END_REFUSED; /* an address that cannot be asked */
    }
    return code == HT_EPARSE || code == HT_ETOOBIG ? HT_SOURCE_END_PROTOCOL : HT_SOURCE_END_NETWORK;
}

void ht_http_stream_explain_answer(const struct ht_http_stream_answer *answer,
                                   enum ht_source_end *end, struct ht_error *error)
{
    char text[HT_ANSWER_TEXT_BYTES];
    const char *cure =
        answer->cure != NULL && *answer->cure != '\0' ? answer->cure : general_cure(answer->status);
    (void)ht_answer_text(answer->body, answer->secret, text);
    *end = ht_http_stream_end_of(answer->status, answer->body);
    ht_error_set(error, *end == HT_SOURCE_END_REFUSED ? HT_EPERMISSION : HT_ECONNECTION,
                 "%s: answered with %d %s%s%s%s%s", answer->what, answer->status,
                 ht_http_status_text(answer->status), *text == '\0' ? "" : ": ", text,
                 *cure == '\0' ? "" : "; ", cure);
}

static const char *general_cure(int status)
{
    static const struct {
        int status;
        const char *cure;
    } cures[] = {
        {401, "check the token or keys, and the clock of this machine"},
        {403, "the account or token may not do this: check its rights and plan"},
        {404, "check source.url"},
        {407, "the proxy wants a login: see HTTPS_PROXY"},
    };
    for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
        if (cures[i].status == status) {
            return cures[i].cure;
        }
    }
    return status >= 300 && status < 400 ? "redirects are not followed: check source.url" : "";
}
