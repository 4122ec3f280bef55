// SPDX-License-Identifier: MIT
#include "hashtagd/sources/mastodon_source.h"

#include "http_stream_answer.h"
#include "mastodon_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/tweet/tweet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   connect -> ask where to stream -> on_instance -> open_stream -> on_piece ... -> on_over
 *      |                                  ^             |  first piece: the gap is filled beside it
 *      '-- known from an earlier time ----|-------------'              (mastodon_fill.c)
 *                                         '-- it will not do --> over_timer -> ht_live_ended
 *
 * Where an attempt ends before its stream brought a byte, the address is asked for again.
 */

#define TYPE "mastodon"

enum {
    MAGIC = 0x4d617374,
    STALL_MS = 45000, /* three heartbeats of 15 s missed: streaming/index.js of Mastodon */
    INSTANCE_BYTES_MAX = 1024 * 1024,
    SEEN_COUNT = 8192, /* four of the widest gaps */
    TEXT_BYTES_MAX = 8192,
    KEPT_BYTES_MAX = 8 * 1024 * 1024,
};

static void init_texts(struct ht_mastodon *mastodon,
                       const struct ht_mastodon_source_options *options);
static uint64_t fingerprint(const struct ht_mastodon *mastodon);
static bool is_complete(const struct ht_mastodon *mastodon);
static void connect(struct ht_live *live);
static void ask_instance(struct ht_mastodon *mastodon);
static void on_instance(void *user, struct ht_http_result *result);
static bool choose_streaming(struct ht_mastodon *mastodon, const struct ht_http_result *result);
static void end_unanswered(struct ht_mastodon *mastodon, const struct ht_http_result *result);
static void open_stream(struct ht_mastodon *mastodon);
static void on_piece(void *user, struct ht_slice piece);
static void on_over(void *user);
static const char *cure(void *user, int status, struct ht_slice body);
static void close_attempt(struct ht_live *live);
static void pause_stream(struct ht_live *live);
static void resume_stream(struct ht_live *live);
static size_t cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES]);
static void set_cursor(struct ht_live *live, struct ht_slice text);
static void destroy(struct ht_live *live);
static struct ht_mastodon *from_live(struct ht_live *live);

struct ht_source *ht_mastodon_source_create(const struct ht_mastodon_source_options *options)
{
    static const struct ht_live_ops ops = {
        .service = "Mastodon",
        .connect = connect,
        .close = close_attempt,
        .pause = pause_stream,
        .resume = resume_stream,
        .cursor = cursor,
        .set_cursor = set_cursor,
        .destroy = destroy,
    };
    struct ht_mastodon *mastodon = calloc(1, sizeof(*mastodon));
    if (mastodon == NULL) {
        return NULL;
    }
    mastodon->magic = MAGIC;
    const struct ht_live_options live = {.type = TYPE,
                                         .name = options->name,
                                         .clock = options->clock,
                                         .timers = options->timers,
                                         .random = options->random,
                                         .log = options->log,
                                         .stall_timeout_ms = STALL_MS};
    ht_live_init(&mastodon->live, &ops, &live);
    mastodon->client = options->client;
    mastodon->accepts_compressed = options->accepts_compressed;
    mastodon->seen_key =
        (struct ht_hash_key){ht_random_u64(options->random), ht_random_u64(options->random)};
    mastodon->seen = ht_recent_ids_create(SEEN_COUNT, &mastodon->seen_key);
    ht_event_reader_init(&mastodon->events, &ht_mastodon_intake_events, mastodon,
                         HT_TWEET_BYTES_MAX);
    ht_mastodon_status_reader_init(&mastodon->statuses);
    ht_mastodon_fill_init(mastodon);
    init_texts(mastodon, options);
    if (!is_complete(mastodon)) {
        destroy(&mastodon->live);
        return NULL;
    }
    return &mastodon->live.source;
}

static void init_texts(struct ht_mastodon *mastodon,
                       const struct ht_mastodon_source_options *options)
{
    struct ht_buffer *const texts[] = {&mastodon->base, &mastodon->authorization,
                                       &mastodon->hashtag};
    for (size_t i = 0; i < HT_COUNT_OF(texts); i++) {
        ht_buffer_init(texts[i], TEXT_BYTES_MAX);
    }
    ht_buffer_init(&mastodon->streaming, HT_MASTODON_URL_BYTES);
    ht_buffer_init(&mastodon->kept, KEPT_BYTES_MAX);
    ht_buffer_init(&mastodon->page, HT_MASTODON_PAGE_BYTES_MAX);
    if (ht_mastodon_url_base(ht_slice_text(options->url), &mastodon->base) == HT_EINVAL) {
        ht_buffer_clear(&mastodon->base);
    }
    ht_buffer_append_format(&mastodon->authorization, "Bearer %s", options->access_token);
    ht_buffer_append_text(&mastodon->hashtag, options->hashtag == NULL ? "" : options->hashtag);
    mastodon->feed =
        (struct ht_mastodon_feed){options->timeline, ht_buffer_slice(&mastodon->hashtag)};
    mastodon->fingerprint = fingerprint(mastodon);
}

/* Of an address that is too long only what could be written: it is refused later. */
static uint64_t fingerprint(const struct ht_mastodon *mastodon)
{
    static const struct ht_hash_key no_secret = {0, 0}; /* the same in every run */
    struct ht_buffer address;
    ht_buffer_init(&address, HT_MASTODON_URL_BYTES);
    if (ht_mastodon_url_stream(ht_buffer_slice(&mastodon->base), &mastodon->feed, &address) != 0) {
        ht_buffer_append_text(&address, "?");
    }
    uint64_t hash = ht_hash_bytes(&no_secret, ht_buffer_slice(&address));
    ht_buffer_finish(&address);
    return hash;
}

static bool is_complete(const struct ht_mastodon *mastodon)
{
    return mastodon->seen != NULL && ht_buffer_status(&mastodon->base) != HT_ENOMEM &&
           ht_buffer_status(&mastodon->authorization) != HT_ENOMEM &&
           ht_buffer_status(&mastodon->hashtag) != HT_ENOMEM;
}

static void connect(struct ht_live *live)
{
    struct ht_mastodon *mastodon = from_live(live);
    mastodon->has_streamed = mastodon->is_paused = false;
    mastodon->is_closing = mastodon->is_out_of_memory = false;
    ht_error_clear(&mastodon->error);
    if (mastodon->base.length == 0) {
        ht_error_set(&mastodon->error, HT_EINVAL,
                     "source.url is no address of a Mastodon server. Give its base address, like "
                     "https://mastodon.social.");
        ht_live_fail(live, HT_SOURCE_END_REFUSED, &mastodon->error);
    } else if (mastodon->streaming.length > 0) {
        open_stream(mastodon);
    } else {
        ask_instance(mastodon);
    }
}

/* The first question goes to the address that a person chose. */
static void ask_instance(struct ht_mastodon *mastodon)
{
    struct ht_buffer url;
    ht_buffer_init(&url, HT_MASTODON_URL_BYTES);
    if (ht_mastodon_url_instance(ht_buffer_slice(&mastodon->base), &url) == 0) {
        const struct ht_mastodon_ask_options ask = {
            .client = mastodon->client,
            .timers = mastodon->live.options.timers,
            .url = url.data,
            .authorization = ht_buffer_slice(&mastodon->authorization),
            .max_bytes = INSTANCE_BYTES_MAX,
            .accepts_compressed = mastodon->accepts_compressed,
            .done = on_instance,
            .user = mastodon};
        mastodon->asking = ht_mastodon_ask_start(&ask);
    }
    ht_buffer_finish(&url);
    if (mastodon->asking == NULL) {
        ht_error_set(&mastodon->error, HT_ENOMEM, "Out of memory for a question to Mastodon.");
        ht_live_fail(&mastodon->live, HT_SOURCE_END_NETWORK, &mastodon->error);
    }
}

static void on_instance(void *user, struct ht_http_result *result)
{
    struct ht_mastodon *mastodon = user;
    mastodon->asking = NULL;
    bool is_unread = result->code == HT_ETOOBIG; /* then it tells nothing, like an old server */
    bool is_down = (result->code != 0 && !is_unread) || result->status >= 500;
    bool is_refused = result->status == 401 || result->status == 403 || result->status == 429;
    if (is_down || is_refused) {
        end_unanswered(mastodon, result);
    } else if (choose_streaming(mastodon, result)) {
        open_stream(mastodon);
    } else {
        const struct ht_live_end end = {
            .end =
                mastodon->error.code == HT_ENOMEM ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_REFUSED,
            .error = &mastodon->error,
        };
        ht_live_ended(&mastodon->live, &end);
    }
}

/* Old servers do not know the question, and stream at their own address. */
static bool choose_streaming(struct ht_mastodon *mastodon, const struct ht_http_result *result)
{
    struct ht_slice base = ht_buffer_slice(&mastodon->base);
    ht_buffer_clear(&mastodon->streaming);
    int status = result->code == 0 && result->status == 200
                     ? ht_mastodon_url_streaming(base, ht_buffer_slice(&result->body),
                                                 &mastodon->streaming, &mastodon->error)
                     : ht_buffer_append_slice(&mastodon->streaming, base);
    if (status != 0 && mastodon->error.code == 0) {
        ht_error_set(&mastodon->error, status,
                     status == HT_ENOMEM ? "Out of memory for the address of Mastodon's stream."
                                         : "The address of Mastodon's stream is too long.");
    }
    return status == 0;
}

static void end_unanswered(struct ht_mastodon *mastodon, const struct ht_http_result *result)
{
    static const char what[] = "the address of its stream";
    struct ht_live_end end = {.error = &mastodon->error};
    if (result->code == 0) {
        struct ht_slice body = ht_buffer_slice(&result->body);
        const struct ht_http_stream_answer answer = {.what = what,
                                                     .status = result->status,
                                                     .body = body,
                                                     .secret =
                                                         ht_buffer_slice(&mastodon->authorization),
                                                     .cure = cure(mastodon, result->status, body)};
        ht_http_stream_explain_answer(&answer, &end.end, &mastodon->error);
    } else {
        ht_http_stream_explain(what, result, &end.end, &mastodon->error);
    }
    end.at_least_ms = ht_http_stream_note_limits(&mastodon->live, result->status, result->headers,
                                                 result->header_count);
    ht_live_ended(&mastodon->live, &end);
}

static void open_stream(struct ht_mastodon *mastodon)
{
    const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Accept", "text/event-stream"),
        {HT_SLICE("Authorization"), ht_buffer_slice(&mastodon->authorization)},
    };
    struct ht_buffer url;
    ht_buffer_init(&url, HT_MASTODON_URL_BYTES);
    if (ht_mastodon_url_stream(ht_buffer_slice(&mastodon->streaming), &mastodon->feed, &url) != 0) {
        ht_buffer_clear(&url); /* then it is refused as an address */
    }
    const struct ht_http_stream_options options = {.client = mastodon->client,
                                                   .url = url.length > 0 ? url.data : "",
                                                   .headers = headers,
                                                   .header_count = HT_COUNT_OF(headers),
                                                   .accepts_compressed =
                                                       mastodon->accepts_compressed,
                                                   .what = "the stream",
                                                   .cure = cure,
                                                   .on_piece = on_piece,
                                                   .on_over = on_over,
                                                   .user = mastodon};
    mastodon->stream = ht_http_stream_open(&mastodon->live, &options);
    if (mastodon->stream == NULL) {
        ht_buffer_clear(&mastodon->streaming);
    }
    ht_buffer_finish(&url);
}

static void on_piece(void *user, struct ht_slice piece)
{
    struct ht_mastodon *mastodon = user;
    if (!mastodon->has_streamed) {
        mastodon->has_streamed = true;
        ht_mastodon_fill_begin(mastodon);
    }
    bool is_taken = ht_mastodon_intake_piece(mastodon, piece);
    ht_mastodon_intake_note_time(mastodon);
    if (!is_taken) {
        ht_error_set(&mastodon->error, HT_ENOMEM, "Out of memory for what Mastodon sent.");
        ht_live_give_up(&mastodon->live, HT_SOURCE_END_NETWORK, &mastodon->error);
    }
}

static void on_over(void *user)
{
    struct ht_mastodon *mastodon = user;
    mastodon->stream = NULL;
    ht_mastodon_fill_end(mastodon);
    ht_event_reader_end(&mastodon->events);
    if (!mastodon->has_streamed) {
        ht_buffer_clear(&mastodon->streaming);
    }
}

static const char *cure(void *user, int status, struct ht_slice body)
{
    (void)user;
    (void)body;
    switch (status) {
    case 301:
    case 302:
    case 307:
    case 308:
        return "set source.url to the address that the server answers at itself";
    case 400:
        return "the server does not know this timeline: choose another source.timeline, or check "
               "source.track and that source.url is the server's base address";
    case 401:
        return "make a token of a user on this server (Preferences, Development, New application, "
               "scope read:statuses) and give it as MASTODON_ACCESS_TOKEN or source.token_file";
    case 403:
        return "the token needs the scope read:statuses, and its user must be confirmed and not "
               "suspended";
    case 404:
    case 410:
        return "check that source.url is the base address of a Mastodon server";
    case 422:
        return "the token must be that of a user, not of an application alone";
    default:
        return NULL;
    }
}

static void close_attempt(struct ht_live *live)
{
    struct ht_mastodon *mastodon = from_live(live);
    mastodon->is_closing = true;
    ht_mastodon_fill_end(mastodon);
    if (mastodon->stream != NULL) {
        ht_http_stream_close(mastodon->stream);
        return;
    }
    ht_mastodon_ask_forget(mastodon->asking);
    mastodon->asking = NULL;
    ht_error_set(&mastodon->error, HT_ECANCELED, "The attempt was given up.");
    ht_live_fail(live, HT_SOURCE_END_ENDED, &mastodon->error);
}

static void pause_stream(struct ht_live *live)
{
    struct ht_mastodon *mastodon = from_live(live);
    mastodon->is_paused = true;
    if (mastodon->stream != NULL) {
        ht_http_stream_pause(mastodon->stream);
    }
}

static void resume_stream(struct ht_live *live)
{
    struct ht_mastodon *mastodon = from_live(live);
    mastodon->is_paused = false;
    if (mastodon->stream != NULL) {
        ht_http_stream_resume(mastodon->stream);
    }
    ht_mastodon_fill_resume(mastodon);
}

/* The type, the fingerprint, what is known, and where pages would begin. */
static size_t cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    const struct ht_mastodon *mastodon = (const struct ht_mastodon *)live; /* its first member */
    struct ht_slice known = ht_mastodon_id_slice(&mastodon->gap.known);
    struct ht_mastodon_id begin = ht_mastodon_gap_begin(&mastodon->gap);
    if (known.length == 0) {
        return 0;
    }
    return (size_t)snprintf(text, HT_SOURCE_OWN_CURSOR_BYTES, TYPE ":%016" PRIx64 ":%.*s:%.*s",
                            mastodon->fingerprint, (int)known.length, known.data, (int)begin.length,
                            begin.text);
}

static void set_cursor(struct ht_live *live, struct ht_slice text)
{
    struct ht_mastodon *mastodon = from_live(live);
    struct ht_mastodon_id known = {0}, begin = {0};
    char ours[sizeof(TYPE) + 32];
    int length = snprintf(ours, sizeof(ours), TYPE ":%016" PRIx64 ":", mastodon->fingerprint);
    if (!ht_slice_starts_with(text, ht_slice_make(ours, (size_t)length))) {
        return; /* of another server or timeline */
    }
    struct ht_slice ids = ht_slice_make(text.data + length, text.length - (size_t)length);
    const char *colon = memchr(ids.data, ':', ids.length);
    if (colon != NULL) {
        size_t at = (size_t)(colon - ids.data);
        (void)ht_mastodon_id_set(&begin, ht_slice_make(colon + 1, ids.length - at - 1));
        ids.length = at;
    }
    if (ht_mastodon_id_set(&known, ids)) {
        ht_mastodon_gap_restore(&mastodon->gap, &known, &begin);
    }
}

static void destroy(struct ht_live *live)
{
    struct ht_mastodon *mastodon = from_live(live);
    HT_ASSERT(mastodon->stream == NULL && mastodon->asking == NULL);
    ht_mastodon_fill_end(mastodon);
    ht_event_reader_finish(&mastodon->events);
    ht_mastodon_status_reader_finish(&mastodon->statuses);
    ht_recent_ids_destroy(mastodon->seen);
    struct ht_buffer *const buffers[] = {&mastodon->base,    &mastodon->authorization,
                                         &mastodon->hashtag, &mastodon->streaming,
                                         &mastodon->kept,    &mastodon->page};
    if (mastodon->authorization.data != NULL) {
        explicit_bzero(mastodon->authorization.data, mastodon->authorization.capacity);
    }
    for (size_t i = 0; i < HT_COUNT_OF(buffers); i++) {
        ht_buffer_finish(buffers[i]);
    }
    ht_live_finish(&mastodon->live);
    mastodon->magic = 0;
    free(mastodon);
}

static struct ht_mastodon *from_live(struct ht_live *live)
{
    struct ht_mastodon *mastodon = HT_CONTAINER_OF(live, struct ht_mastodon, live);
    HT_ASSERT(mastodon->magic == MAGIC);
    return mastodon;
}
