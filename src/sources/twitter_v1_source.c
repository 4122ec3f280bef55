// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v1_source.h"

#include "http_stream.h"
#include "line_reader.h"
#include "live.h"
#include "oauth1.h"
#include "twitter_v1_cure.h"
#include "twitter_v1_notice.h"
#include "twitter_v1_request.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/tweet/tweet.h"

#include <stdlib.h>
#include <string.h>

/*
 *   create: what is asked for is judged and written once
 *   connect -> (sign) -> open_stream -> on_head -> on_piece -> on_line ... -> on_over
 *      '--------- cannot be asked, or not signed: ht_live_fail ----------> ht_live_ended
 *
 * Each attempt has a nonce and a time of its own, so it is signed anew.
 */

enum {
    MAGIC = 0x54777631,
    /* A keep-alive comes at least every 30 s; three that are missed mean that nothing comes any
     * more ("Connecting to a streaming endpoint", stalls). */
    STALL_TIMEOUT_MS = 90000,
    HEADER_MAX_BYTES = 8192,
};

/* Of OAuth 1.0a; owned copies. */
enum secret { CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET, SECRETS };

struct twitter_v1 {
    struct ht_live live; /* first */
    uint32_t magic;
    /* fixed after create */
    struct ht_http_client *client; /* not owned */
    bool accepts_compressed;
    bool is_sample;
    bool is_twitter; /* not another server that speaks the API */
    enum ht_line_framing framing;
    char *secrets[SECRETS];
    struct ht_buffer url, form; /* as they are signed and sent */
    struct ht_error mistake;    /* it cannot be asked for; code 0: it can */
    /* changing */
    bool is_over;                  /* nothing of this stream is read any more */
    struct ht_http_stream *stream; /* frees itself */
    struct ht_line_reader lines;
    struct ht_slice last_line; /* of this piece */
    int64_t clock_behind_s;    /* the service's clock, less ours; 0: not known */
    char cure[HT_TWITTER_V1_CURE_BYTES];
};

static int copy_secrets(struct twitter_v1 *source,
                        const struct ht_twitter_v1_source_options *options);
static void judge(struct twitter_v1 *source, const struct ht_twitter_v1_source_options *options);
static void on_finding(void *user, const struct ht_twitter_v1_finding *finding);
static void connect_source(struct ht_live *live);
static int sign(const struct twitter_v1 *source, struct ht_buffer *header, struct ht_error *error);
static void open_stream(struct twitter_v1 *source, struct ht_slice authorization);
static void on_head(void *user, int status, const struct ht_http_header *headers, size_t count);
static const char *on_status(void *user, int status, struct ht_slice body);
static void on_piece(void *user, struct ht_slice piece);
static void on_line(void *user, struct ht_slice line);
static void take_notice(struct twitter_v1 *source, enum ht_twitter_v1_notice_kind kind,
                        struct ht_slice line);
static void take_warning(struct twitter_v1 *source, const struct ht_twitter_v1_notice *warning);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);
static void on_over(void *user);
static void close_source(struct ht_live *live);
static void pause_source(struct ht_live *live);
static void resume_source(struct ht_live *live);
static void destroy(struct ht_live *live);
static void release(struct twitter_v1 *source);
static struct twitter_v1 *from_live(struct ht_live *live);

static const struct ht_live_ops live_ops = {
    .service = "Twitter",
    .connect = connect_source,
    .close = close_source,
    .pause = pause_source,
    .resume = resume_source,
    .destroy = destroy,
};

static const struct ht_line_reader_events line_events = {.on_line = on_line, .on_bad = on_bad};

struct ht_source *ht_twitter_v1_source_create(const struct ht_twitter_v1_source_options *options)
{
    struct twitter_v1 *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return NULL;
    }
    source->magic = MAGIC;
    source->client = options->client;
    source->accepts_compressed = options->accepts_compressed;
    source->is_sample = options->is_sample;
    source->is_twitter =
        options->url == NULL || strcasestr(options->url, "//stream.twitter.com") != NULL;
    source->framing = options->is_delimited ? HT_LINE_FRAMING_DELIMITED : HT_LINE_FRAMING_LINES;
    ht_buffer_init(&source->url, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    ht_buffer_init(&source->form, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    if (copy_secrets(source, options) != 0) {
        release(source);
        return NULL;
    }
    struct ht_live_options live_options = {
        .type = "twitter-v1",
        .name = options->name,
        .clock = options->clock,
        .timers = options->timers,
        .random = options->random,
        .log = options->log,
        .stall_timeout_ms = STALL_TIMEOUT_MS,
    };
    ht_live_init(&source->live, &live_ops, &live_options);
    ht_line_reader_init(&source->lines, &line_events, source, source->framing, HT_TWEET_BYTES_MAX);
    judge(source, options);
    if (source->mistake.code == HT_ENOMEM) {
        destroy(&source->live);
        return NULL;
    }
    return &source->live.source;
}

static int copy_secrets(struct twitter_v1 *source,
                        const struct ht_twitter_v1_source_options *options)
{
    const char *texts[SECRETS] = {
        [CONSUMER_KEY] = options->consumer_key,
        [CONSUMER_SECRET] = options->consumer_secret,
        [TOKEN] = options->access_token,
        [TOKEN_SECRET] = options->access_token_secret,
    };
    for (size_t i = 0; i < SECRETS; i++) {
        source->secrets[i] = ht_slice_to_text(ht_slice_text(texts[i]));
        if (source->secrets[i] == NULL) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

/* A mistake is told when it is started, and for as long as it is there: nothing is asked then. */
static void judge(struct twitter_v1 *source, const struct ht_twitter_v1_source_options *options)
{
    struct ht_twitter_v1_asking asking = {
        .url = options->url,
        .is_delimited = options->is_delimited,
        .parameters =
            {
                .is_sample = options->is_sample,
                .track = options->track,
                .track_count = options->track_count,
                .locations = options->locations,
                .location_count = options->location_count,
                .follow = options->follow,
                .follow_count = options->follow_count,
                .languages = options->languages,
                .language_count = options->language_count,
            },
    };
    if (source->is_twitter) {
        ht_log_warning(options->log, "source",
                       "X has switched API v1.1 streaming off: use twitter-v2, jetstream or "
                       "mastodon, or set source.url to a server that still speaks it",
                       HT_TEXT("source", source->live.source.name));
    }
    for (size_t i = 0; i < SECRETS && source->mistake.code == 0; i++) {
        if (source->secrets[i][0] == '\0') {
            (void)ht_error_set(&source->mistake, HT_EPERMISSION,
                               "a key is missing; set TWITTER_CONSUMER_KEY, "
                               "TWITTER_CONSUMER_SECRET, TWITTER_ACCESS_TOKEN and "
                               "TWITTER_ACCESS_TOKEN_SECRET");
        }
    }
    if (ht_twitter_v1_parameters_check(&asking.parameters, on_finding, source) == 0 &&
        source->mistake.code == 0) {
        source->mistake.code =
            ht_twitter_v1_request_format(&asking, &source->url, &source->form, &source->mistake);
    }
}

static void on_finding(void *user, const struct ht_twitter_v1_finding *finding)
{
    struct twitter_v1 *source = user;
    if (finding->is_warning) {
        ht_log_warning(source->live.options.log, "source",
                       "what is asked for will probably surprise",
                       HT_TEXT("source", source->live.source.name), HT_TEXT("key", finding->key),
                       HT_TEXT("why", finding->text));
    } else if (source->mistake.code == 0) {
        (void)ht_error_set(&source->mistake, HT_EINVAL, "source.%s: %s", finding->key,
                           finding->text);
    }
}

/* -- the attempt -------------------------------------------------------------------------- */

static void connect_source(struct ht_live *live)
{
    struct twitter_v1 *source = from_live(live);
    struct ht_error error = source->mistake;
    struct ht_buffer header;

    source->is_over = false;
    source->clock_behind_s = 0;
    ht_buffer_init(&header, HEADER_MAX_BYTES);
    if (error.code == 0 && sign(source, &header, &error) == 0) {
        open_stream(source, ht_buffer_slice(&header));
    } else {
        bool needs_person = error.code != HT_ENOMEM && error.code != HT_EIO;
        ht_live_fail(live, needs_person ? HT_SOURCE_END_REFUSED : HT_SOURCE_END_NETWORK, &error);
    }
    ht_oauth1_wipe(&header);
}

static int sign(const struct twitter_v1 *source, struct ht_buffer *header, struct ht_error *error)
{
    char nonce[HT_OAUTH1_NONCE_BYTES];
    struct ht_oauth1_keys keys = {
        .consumer_key = ht_slice_text(source->secrets[CONSUMER_KEY]),
        .consumer_secret = ht_slice_text(source->secrets[CONSUMER_SECRET]),
        .token = ht_slice_text(source->secrets[TOKEN]),
        .token_secret = ht_slice_text(source->secrets[TOKEN_SECRET]),
    };
    struct ht_oauth1_request request = {
        .method = source->is_sample ? HT_SLICE("GET") : HT_SLICE("POST"),
        .url = ht_buffer_slice(&source->url),
        .form = ht_buffer_slice(&source->form),
    };
    /* Room for all of it at once: a buffer that grows would leave copies behind. */
    if (ht_buffer_reserve(header, HEADER_MAX_BYTES) != 0) {
        return ht_error_set(error, HT_ENOMEM, "out of memory for a request");
    }
    if (ht_oauth1_make_nonce(nonce) != 0) {
        return ht_error_set(error, HT_EIO, "the operating system gives no random numbers");
    }
    struct ht_oauth1_stamp stamp = {.nonce = ht_slice_text(nonce),
                                    .time_s = ht_clock_wall_s(source->live.options.clock)};
    return ht_oauth1_authorize(&request, &keys, &stamp, header, error);
}

static void open_stream(struct twitter_v1 *source, struct ht_slice authorization)
{
    const struct ht_http_header headers[] = {
        {HT_SLICE("Authorization"), authorization},
        HT_HTTP_HEADER("Content-Type", "application/x-www-form-urlencoded"),
    };
    struct ht_http_stream_options options = {
        .client = source->client,
        .method = source->is_sample ? "GET" : "POST",
        .url = source->url.data,
        .headers = headers,
        .header_count = source->is_sample ? 1 : 2,
        .body = ht_buffer_slice(&source->form),
        .accepts_compressed = source->accepts_compressed,
        .what = source->is_sample ? "statuses/sample" : "statuses/filter",
        .on_head = on_head,
        .cure = on_status,
        .on_piece = on_piece,
        .on_over = on_over,
        .user = source,
    };
    source->stream = ht_http_stream_open(&source->live, &options);
}

static void on_head(void *user, int status, const struct ht_http_header *headers, size_t count)
{
    struct twitter_v1 *source = user;
    int64_t date_s;
    (void)status;
    if (ht_http_date_parse(ht_http_header_find(headers, count, "Date"), &date_s) == 0) {
        source->clock_behind_s = date_s - ht_clock_wall_s(source->live.options.clock);
    }
}

static const char *on_status(void *user, int status, struct ht_slice body)
{
    struct twitter_v1 *source = user;
    struct ht_twitter_v1_cure_context context = {
        .status = status,
        .is_twitter = source->is_twitter,
        .is_sample = source->is_sample,
        .clock_behind_s = source->clock_behind_s,
    };
    (void)body;
    return ht_twitter_v1_cure_format(&context, source->cure);
}

/* -- what comes --------------------------------------------------------------------------- */

static void on_piece(void *user, struct ht_slice piece)
{
    struct twitter_v1 *source = user;
    struct ht_error error;
    if (source->is_over) {
        return;
    }
    source->last_line = ht_slice_make(NULL, 0);
    int status = ht_line_reader_feed(&source->lines, piece);
    int64_t time_ms = ht_twitter_v1_notice_time_ms(source->last_line);
    if (time_ms != 0) {
        ht_live_note_time(&source->live, time_ms);
    }
    if (status != 0 && !source->is_over) {
        source->is_over = true;
        (void)ht_error_set(&error, HT_ENOMEM, "out of memory for a message of the stream");
        ht_live_give_up(&source->live, HT_SOURCE_END_NETWORK, &error);
    }
}

static void on_line(void *user, struct ht_slice line)
{
    struct twitter_v1 *source = user;
    if (source->is_over) {
        return;
    }
    source->last_line = line;
    ht_live_message(&source->live, line);
    enum ht_twitter_v1_notice_kind kind = ht_twitter_v1_notice_kind(line);
    if (kind != HT_TWITTER_V1_NOTICE_NONE) {
        take_notice(source, kind, line);
    }
}

/* What stands behind a disconnect notice is not read. */
static void end_stream(struct twitter_v1 *source, enum ht_source_end end,
                       const struct ht_error *error)
{
    source->is_over = true;
    ht_live_deliver(&source->live);
    ht_live_give_up(&source->live, end, error);
}

/* One that cannot be read says nothing; the pipeline makes a dead letter of it. */
static void take_notice(struct twitter_v1 *source, enum ht_twitter_v1_notice_kind kind,
                        struct ht_slice line)
{
    struct ht_source_connection *connection = &source->live.source.connection;
    struct ht_twitter_v1_notice notice;
    struct ht_error error;
    int status = ht_twitter_v1_notice_parse(kind, line, &notice);
    if (status == HT_ENOMEM && kind == HT_TWITTER_V1_NOTICE_DISCONNECT) {
        (void)ht_error_set(&error, status, "out of memory for why the stream ends");
        end_stream(source, HT_SOURCE_END_NETWORK, &error);
        return;
    }
    if (status != 0) {
        return;
    }
    switch (kind) {
    case HT_TWITTER_V1_NOTICE_DISCONNECT:
        end_stream(source, ht_twitter_v1_notice_explain(&notice, &error), &error);
        break;
    case HT_TWITTER_V1_NOTICE_WARNING:
        take_warning(source, &notice);
        break;
    case HT_TWITTER_V1_NOTICE_LIMIT:
        /* Several counters come mixed, so neither the last nor the sum says anything. */
        if (notice.number > connection->undelivered) {
            connection->undelivered = notice.number;
        }
        break;
    case HT_TWITTER_V1_NOTICE_NONE:
        break;
    }
}

static void take_warning(struct twitter_v1 *source, const struct ht_twitter_v1_notice *warning)
{
    struct ht_source *shown = &source->live.source;
    struct ht_error error;
    ht_log_warning(source->live.options.log, "source", "the service warns",
                   HT_TEXT("source", shown->name), HT_TEXT("code", warning->code),
                   HT_NUMBER("percent_full", warning->number), HT_TEXT("text", warning->text));
    if (warning->number >= 0) {
        (void)ht_error_set(
            &error, HT_EBUSY,
            "Twitter: this program takes the tweets too slowly (%s): the queue there "
            "is %lld %% full, and when it is full the connection ends",
            warning->code, (long long)warning->number);
    } else {
        (void)ht_error_set(&error, HT_EBUSY, "Twitter warns (%s): %s", warning->code,
                           warning->text);
    }
    ht_health_note_error(&shown->health, &error);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct twitter_v1 *source = user;
    if (!source->is_over) {
        ht_live_refuse(&source->live, bytes, reason);
    }
}

/* -- the end ------------------------------------------------------------------------------ */

static void on_over(void *user)
{
    struct twitter_v1 *source = user;
    ht_line_reader_end(&source->lines);
    source->is_over = true;
    source->stream = NULL;
}

static void close_source(struct ht_live *live)
{
    struct twitter_v1 *source = from_live(live);
    source->is_over = true;
    ht_http_stream_close(source->stream);
}

static void pause_source(struct ht_live *live)
{
    ht_http_stream_pause(from_live(live)->stream);
}

static void resume_source(struct ht_live *live)
{
    ht_http_stream_resume(from_live(live)->stream);
}

static void destroy(struct ht_live *live)
{
    struct twitter_v1 *source = from_live(live);
    ht_line_reader_finish(&source->lines);
    ht_live_finish(live);
    release(source);
}

static void release(struct twitter_v1 *source)
{
    for (size_t i = 0; i < SECRETS; i++) {
        if (source->secrets[i] != NULL) {
            ht_digest_wipe(source->secrets[i], strlen(source->secrets[i]));
            free(source->secrets[i]);
        }
    }
    ht_buffer_finish(&source->url);
    ht_buffer_finish(&source->form);
    source->magic = 0;
    free(source);
}

static struct twitter_v1 *from_live(struct ht_live *live)
{
    struct twitter_v1 *source = HT_CONTAINER_OF(live, struct twitter_v1, live);
    HT_ASSERT(source->magic == MAGIC);
    return source;
}
