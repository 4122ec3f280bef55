// SPDX-License-Identifier: MIT
#include "jetstream_end.h"

#include "http_stream_answer.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <strings.h>

enum { WHAT_BYTES = 160 };

/* Codes of close frames. */
enum {
    CLOSE_PROTOCOL = 1002,
    CLOSE_UNSUPPORTED = 1003,
    CLOSE_BAD_PAYLOAD = 1007,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_EXTENSION = 1010,
    CLOSE_INTERNAL = 1011,
    CLOSE_RESTART = 1012,
    CLOSE_TRY_LATER = 1013,
};

static void explain_answer(const struct ht_websocket_end *end, struct ht_slice host,
                           struct ht_jetstream_end *out);
static void explain_close(const struct ht_websocket_end *end, struct ht_slice host,
                          struct ht_jetstream_end *out);
static void explain_failure(const struct ht_websocket_end *end, struct ht_jetstream_end *out);
static const char *cure_of(int status);
static bool mentions(struct ht_slice text, struct ht_slice word);

void ht_jetstream_end_explain(const struct ht_websocket_end *end, struct ht_slice host,
                              struct ht_jetstream_end *out)
{
    *out = (struct ht_jetstream_end){.end = HT_SOURCE_END_ENDED};
    if (end->code == HT_EUNSUPPORTED && end->status != 0) {
        explain_answer(end, host, out);
    } else if (end->code == 0) {
        explain_close(end, host, out);
    } else {
        explain_failure(end, out);
    }
}

/* Another answer than 101: what statuses mean, and how the text of an answer is told, is the same
 * for all services. */
static void explain_answer(const struct ht_websocket_end *end, struct ht_slice host,
                           struct ht_jetstream_end *out)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof(what), "the stream of %.*s", (int)host.length, host.data);
    struct ht_http_stream_answer answer = {
        .what = what, .status = end->status, .body = end->body, .cure = cure_of(end->status)};
    ht_http_stream_explain_answer(&answer, &out->end, &out->error);
    if (end->status < 400) {
        out->end = HT_SOURCE_END_REFUSED;
    }
    out->is_cursor_refused = end->status == 400 && mentions(end->body, HT_SLICE("cursor"));
}

static const char *cure_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return "Jetstream itself needs no account: something in front of it asks for one";
    case 404:
    case 405:
    case 410:
        return "no Jetstream is there: source.url is its base address, to which /subscribe is "
               "added";
    case 414:
    case 431:
        return "the list in source.follow is too long for what is in front of the service";
    default:
        return status < 400
                   ? "no WebSocket is there: source.url is the base address of a Jetstream, "
                     "and a proxy in between must let WebSockets through"
                   : NULL;
    }
}

static void explain_close(const struct ht_websocket_end *end, struct ht_slice host,
                          struct ht_jetstream_end *out)
{
    out->end = ht_jetstream_end_of_close(end->close_code);
    const char *cure = out->end == HT_SOURCE_END_REFUSED ? "; look at source.follow" : "";
    if (end->close_reason.length > 0) {
        (void)ht_error_set(&out->error, HT_ECONNECTION,
                           "%.*s closed the connection with code %u: %.*s%s", (int)host.length,
                           host.data, end->close_code, (int)end->close_reason.length,
                           end->close_reason.data, cure);
    } else {
        (void)ht_error_set(&out->error, HT_ECONNECTION, "%.*s closed the connection with code %u%s",
                           (int)host.length, host.data, end->close_code, cure);
    }
}

enum ht_source_end ht_jetstream_end_of_close(unsigned close_code)
{
    switch (close_code) {
    case CLOSE_PROTOCOL:
    case CLOSE_UNSUPPORTED:
    case CLOSE_BAD_PAYLOAD:
    case CLOSE_TOO_BIG:
    case CLOSE_EXTENSION:
        return HT_SOURCE_END_PROTOCOL;
    case CLOSE_POLICY: /* how the service refuses a list of accounts */
        return HT_SOURCE_END_REFUSED;
    case CLOSE_INTERNAL:
        return HT_SOURCE_END_HTTP_ERROR;
    case CLOSE_RESTART:
    case CLOSE_TRY_LATER:
        return HT_SOURCE_END_TOLD;
    default:
        return HT_SOURCE_END_ENDED;
    }
}

/* The words of the socket name the host already. */
static void explain_failure(const struct ht_websocket_end *end, struct ht_jetstream_end *out)
{
    switch (end->code) {
    case HT_EPERMISSION:
    case HT_EINVAL:
        out->end = HT_SOURCE_END_REFUSED;
        break;
    case HT_EPARSE:
    case HT_ETOOBIG:
    case HT_EUNSUPPORTED:
        out->end = HT_SOURCE_END_PROTOCOL;
        break;
    case HT_ECANCELED:
        return; /* by ourselves, who know why */
    default:
        out->end = HT_SOURCE_END_NETWORK;
    }
    const char *cure = end->code == HT_EPERMISSION
                           ? " Check the clock, the system's certificates and a proxy in between."
                           : "";
    (void)ht_error_set(&out->error, end->code, "%s%s", end->error_text, cure);
}

static bool mentions(struct ht_slice text, struct ht_slice word)
{
    for (size_t i = 0; i + word.length <= text.length; i++) {
        if (strncasecmp(text.data + i, word.data, word.length) == 0) {
            return true;
        }
    }
    return false;
}
