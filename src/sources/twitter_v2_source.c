// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v2_source.h"

#include "answer_text.h"
#include "http_stream.h"
#include "line_reader.h"
#include "live.h"
#include "twitter_v2_call.h"
#include "twitter_v2_cure.h"
#include "twitter_v2_ending.h"
#include "twitter_v2_options.h"
#include "twitter_v2_sync.h"
#include "twitter_v2_token.h"
#include "twitter_v2_url.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/tweet/tweet.h"

#include <stdlib.h>
#include <string.h>

/*
 *   connect -> ask_token -> on_token -+-> ask_rules -> on_rules -+-> open_stream -> on_piece ...
 *      |            (no token)        |      (filtered, once)    |                      |
 *      '------------------------------+--------------------------'                  on_over
 *   any step that fails, close -> the step ends -> ht_live_ended
 *
 * A 401 at the rules or the stream throws a token away that was asked for: once the next one is
 * asked for at once, after that the ladder waits.
 */

enum {
    MAGIC = 0x54777632,
    URL_MAX_BYTES = 4096,
    SECRET_MAX_BYTES = 65536,
    /* "you should see a keep-alive every 20 seconds", and some time for it to arrive */
    STALL_TIMEOUT_MS = 25000,
};

enum step { STEP_NONE, STEP_TOKEN, STEP_RULES, STEP_STREAM };

struct twitter_v2 {
    struct ht_live live; /* first */
    uint32_t magic;
    /* fixed after create */
    struct ht_twitter_v2_options options; /* owned copies; secrets */
    struct ht_http_client *client;        /* not owned */
    struct ht_twitter_v2_cure_context cure_context;
    /* changing */
    enum step step;
    struct ht_buffer authorization; /* "Bearer ..."; empty: to be asked for. A secret */
    struct ht_buffer basic;         /* while a token is asked for. A secret */
    struct ht_buffer url;
    bool has_renewed;        /* a token was asked for after a 401, and X has not agreed since */
    bool asks_token_anew;    /* the stream refused the last one */
    bool are_rules_equal;    /* since the start, or since X found them wrong */
    bool are_refusals_known; /* refused rules were logged */
    bool is_over;            /* nothing of this stream is read any more */
    bool is_time_noted;      /* in this piece */
    struct ht_twitter_v2_call call;
    struct ht_twitter_v2_sync sync;
    struct ht_http_stream *stream; /* frees itself */
    struct ht_line_reader lines;
};

static void connect_source(struct ht_live *live);
static void ask_token(struct twitter_v2 *source);
static void on_token(struct ht_twitter_v2_call *call);
static void go_on(struct twitter_v2 *source);
static void ask_rules(struct twitter_v2 *source);
static void on_rules(struct ht_twitter_v2_sync *sync);
static bool renew_token(struct twitter_v2 *source, int status);
static void open_stream(struct twitter_v2 *source);
static const char *cure_of(void *user, int status, struct ht_slice body);
static bool on_refused(void *user, int status, struct ht_slice body);
static void on_piece(void *user, struct ht_slice piece);
static void on_line(void *user, struct ht_slice line);
static void note_time(struct twitter_v2 *source, struct ht_slice line);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);
static void on_over(void *user);
static void fail_without_token(struct twitter_v2 *source);
static void end(struct twitter_v2 *source, enum ht_source_end end, const struct ht_error *error,
                uint64_t at_least_ms);
static void close_source(struct ht_live *live);
static void pause_source(struct ht_live *live);
static void resume_source(struct ht_live *live);
static void destroy(struct ht_live *live);
static bool has_keys(const struct ht_twitter_v2_options *options);
static void forget(struct ht_buffer *secret);
static struct twitter_v2 *from_live(struct ht_live *live);

static const struct ht_live_ops live_ops = {
    .service = "X",
    .connect = connect_source,
    .close = close_source,
    .pause = pause_source,
    .resume = resume_source,
    .destroy = destroy,
};

static const struct ht_line_reader_events line_events = {.on_line = on_line, .on_bad = on_bad};

struct ht_source *ht_twitter_v2_source_create(const struct ht_twitter_v2_source_options *options)
{
    struct twitter_v2 *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return NULL;
    }
    if (ht_twitter_v2_options_copy(&source->options, options) != 0) {
        ht_twitter_v2_options_finish(&source->options);
        free(source);
        return NULL;
    }
    struct ht_live_options live_options = {
        .type = "twitter-v2",
        .name = options->name,
        .clock = options->clock,
        .timers = options->timers,
        .random = options->random,
        .log = options->log,
        .stall_timeout_ms = STALL_TIMEOUT_MS,
    };
    ht_live_init(&source->live, &live_ops, &live_options);
    source->magic = MAGIC;
    source->client = options->client;
    source->cure_context.has_keys = source->options.bearer_token == NULL;
    source->cure_context.is_sample = source->options.is_sample;
    ht_buffer_init(&source->authorization, SECRET_MAX_BYTES);
    ht_buffer_init(&source->basic, SECRET_MAX_BYTES);
    ht_buffer_init(&source->url, URL_MAX_BYTES);
    ht_line_reader_init(&source->lines, &line_events, source, HT_LINE_FRAMING_LINES,
                        HT_TWEET_BYTES_MAX);
    return &source->live.source;
}

/* -- the token ---------------------------------------------------------------------------- */

static void connect_source(struct ht_live *live)
{
    struct twitter_v2 *source = from_live(live);
    source->is_over = false;
    source->asks_token_anew = false;
    if (source->authorization.length == 0 && source->options.bearer_token != NULL) {
        ht_buffer_append_format(&source->authorization, "Bearer %s", source->options.bearer_token);
    }
    if (source->authorization.length == 0) {
        ask_token(source);
    } else {
        go_on(source);
    }
}

static void ask_token(struct twitter_v2 *source)
{
    const struct ht_twitter_v2_options *options = &source->options;
    if (options->bearer_token != NULL || !has_keys(options)) {
        fail_without_token(source);
        return;
    }
    int status = ht_twitter_v2_token_ask(ht_slice_text(options->consumer_key),
                                         ht_slice_text(options->consumer_secret), &source->basic);
    ht_buffer_clear(&source->url);
    ht_twitter_v2_url_token(&source->url, options->url);
    if (status != 0 || ht_buffer_status(&source->url) != 0) {
        fail_without_token(source);
        return;
    }
    source->step = STEP_TOKEN;
    source->call = (struct ht_twitter_v2_call){
        .client = source->client,
        .live = &source->live,
        .what = "the request for a bearer token",
        .url = source->url.data,
        .authorization = source->basic.data,
        .content_type = HT_TWITTER_V2_TOKEN_TYPE,
        .body = HT_SLICE(HT_TWITTER_V2_TOKEN_BODY),
        .cure_context = source->cure_context,
        .done = on_token,
        .user = source,
    };
    ht_twitter_v2_call_start(&source->call);
}

static void on_token(struct ht_twitter_v2_call *call)
{
    struct twitter_v2 *source = call->user;
    struct ht_error error = {0};
    forget(&source->basic);
    if (call->error.code != 0) {
        end(source, call->end, &call->error, call->at_least_ms);
    } else if (ht_twitter_v2_token_read(call->answer, &source->authorization, &error) != 0) {
        forget(&source->authorization);
        end(source, error.code == HT_ENOMEM ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_PROTOCOL,
            &error, 0);
    } else {
        go_on(source);
    }
}

/* With a token. */
static void go_on(struct twitter_v2 *source)
{
    if (source->options.is_sample || source->are_rules_equal) {
        open_stream(source);
    } else {
        ask_rules(source);
    }
}

/* -- the rules ---------------------------------------------------------------------------- */

static void ask_rules(struct twitter_v2 *source)
{
    source->step = STEP_RULES;
    source->sync = (struct ht_twitter_v2_sync){
        .client = source->client,
        .live = &source->live,
        .base = source->options.url,
        .authorization = source->authorization.data,
        .wanted = source->options.rules,
        .wanted_count = source->options.rule_count,
        .cure_context = source->cure_context,
        .is_quiet = source->are_refusals_known,
        .done = on_rules,
        .user = source,
    };
    ht_twitter_v2_sync_start(&source->sync);
}

static void on_rules(struct ht_twitter_v2_sync *sync)
{
    struct twitter_v2 *source = sync->user;
    struct ht_error error = sync->error;
    ht_answer_hide(error.text, ht_buffer_slice(&source->authorization));
    ht_twitter_v2_sync_finish(sync);
    source->are_rules_equal = error.code == 0;
    source->are_refusals_known = error.code == HT_EINVAL;
    if (source->are_rules_equal) {
        open_stream(source);
    } else if (renew_token(source, sync->status)) {
        ask_token(source);
    } else {
        end(source, sync->end, &error, sync->at_least_ms);
    }
}

/* After a 401: throws a token away that was asked for. Whether the next one may be asked for at
 * once. */
static bool renew_token(struct twitter_v2 *source, int status)
{
    if (status != 401 || source->options.bearer_token != NULL) {
        return false;
    }
    forget(&source->authorization);
    bool is_first = !source->has_renewed;
    source->has_renewed = true;
    return is_first;
}

/* -- the stream --------------------------------------------------------------------------- */

static void open_stream(struct twitter_v2 *source)
{
    struct ht_http_header header = {HT_SLICE("Authorization"),
                                    ht_buffer_slice(&source->authorization)};
    ht_buffer_clear(&source->url);
    ht_twitter_v2_url_stream(&source->url, source->options.url, source->options.is_sample,
                             source->options.backfill_minutes);
    struct ht_http_stream_options options = {
        .client = source->client,
        .url = ht_buffer_status(&source->url) == 0 ? source->url.data : "",
        .headers = &header,
        .header_count = 1,
        .accepts_compressed = source->options.accepts_compressed,
        .what = source->options.is_sample ? "the sample stream" : "the filtered stream",
        .cure = cure_of,
        .takes_over = on_refused,
        .on_piece = on_piece,
        .on_over = on_over,
        .user = source,
    };
    source->step = STEP_STREAM;
    source->stream = ht_http_stream_open(&source->live, &options);
}

static const char *cure_of(void *user, int status, struct ht_slice body)
{
    const struct twitter_v2 *source = user;
    return ht_twitter_v2_cure(status, body, &source->cure_context);
}

/* X does not stream. */
static bool on_refused(void *user, int status, struct ht_slice body)
{
    struct twitter_v2 *source = user;
    struct ht_twitter_v2_ending ending;
    if (ht_twitter_v2_ending_read(body, &ending) && ending.are_rules_stale) {
        source->are_rules_equal = false;
    }
    source->asks_token_anew = renew_token(source, status);
    return source->asks_token_anew;
}

static void on_piece(void *user, struct ht_slice piece)
{
    struct twitter_v2 *source = user;
    struct ht_error error;
    if (source->is_over) {
        return;
    }
    source->has_renewed = false;
    source->is_time_noted = false;
    if (ht_line_reader_feed(&source->lines, piece) != 0) {
        (void)ht_error_set(&error, HT_ENOMEM, "out of memory for a message of the stream");
        ht_live_give_up(&source->live, HT_SOURCE_END_NETWORK, &error);
    }
}

static void on_line(void *user, struct ht_slice line)
{
    struct twitter_v2 *source = user;
    struct ht_twitter_v2_ending ending;
    if (source->is_over) {
        return;
    }
    ht_live_message(&source->live, line);
    if (ht_twitter_v2_ending_read(line, &ending)) {
        source->are_rules_equal = source->are_rules_equal && !ending.are_rules_stale;
        ht_answer_hide(ending.error.text, ht_buffer_slice(&source->authorization));
        ht_live_give_up(&source->live, ending.end, &ending.error);
    } else if (!source->is_time_noted) {
        note_time(source, line);
    }
}

/* Of one post a piece: its "created_at" is enough, and a text cannot hold these quotes. */
static void note_time(struct twitter_v2 *source, struct ht_slice line)
{
    static const char key[] = "\"created_at\":";
    char text[40];
    int64_t wall_ms;
    const char *end_of_line = line.data + line.length;
    const char *at = memmem(line.data, line.length, key, sizeof key - 1);
    if (at == NULL) {
        return;
    }
    at += sizeof key - 1;
    while (at < end_of_line && *at == ' ') {
        at++;
    }
    const char *begin = at < end_of_line && *at == '"' ? at + 1 : end_of_line;
    size_t room = (size_t)(end_of_line - begin);
    const char *quote = memchr(begin, '"', room < sizeof text ? room : sizeof text);
    if (quote == NULL) {
        return;
    }
    memcpy(text, begin, (size_t)(quote - begin));
    text[quote - begin] = '\0';
    if (ht_time_parse_utc(text, &wall_ms) == 0) {
        ht_live_note_time(&source->live, wall_ms);
        source->is_time_noted = true;
    }
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct twitter_v2 *source = user;
    if (!source->is_over) {
        ht_live_refuse(&source->live, bytes, reason);
    }
}

static void on_over(void *user)
{
    struct twitter_v2 *source = user;
    ht_line_reader_end(&source->lines);
    source->is_over = true;
    source->stream = NULL;
    source->step = STEP_NONE;
    if (source->asks_token_anew) {
        source->asks_token_anew = false;
        source->is_over = false;
        ask_token(source);
    }
}

/* -- ends --------------------------------------------------------------------------------- */

static void fail_without_token(struct twitter_v2 *source)
{
    struct ht_error error;
    forget(&source->basic);
    if (source->options.bearer_token == NULL && !has_keys(&source->options)) {
        (void)ht_error_set(&error, HT_EPERMISSION,
                           "there is no token; set TWITTER_BEARER_TOKEN, or TWITTER_CONSUMER_KEY "
                           "and TWITTER_CONSUMER_SECRET");
    } else {
        (void)ht_error_set(&error, HT_ETOOBIG,
                           "the bearer token, the consumer's key or secret, or source.url is too "
                           "long to be one");
    }
    ht_live_fail(&source->live, HT_SOURCE_END_REFUSED, &error);
}

static void end(struct twitter_v2 *source, enum ht_source_end end, const struct ht_error *error,
                uint64_t at_least_ms)
{
    struct ht_live_end how = {.end = end, .error = error, .at_least_ms = at_least_ms};
    source->step = STEP_NONE;
    ht_live_ended(&source->live, &how);
}

static void close_source(struct ht_live *live)
{
    struct twitter_v2 *source = from_live(live);
    source->is_over = true;
    switch (source->step) {
    case STEP_TOKEN:
        ht_twitter_v2_call_cancel(&source->call);
        break;
    case STEP_RULES:
        ht_twitter_v2_sync_cancel(&source->sync);
        break;
    case STEP_STREAM:
        ht_http_stream_close(source->stream);
        break;
    case STEP_NONE:
        break; /* it failed already */
    }
}

static void pause_source(struct ht_live *live)
{
    struct twitter_v2 *source = from_live(live);
    if (source->stream != NULL) {
        ht_http_stream_pause(source->stream);
    }
}

static void resume_source(struct ht_live *live)
{
    struct twitter_v2 *source = from_live(live);
    if (source->stream != NULL) {
        ht_http_stream_resume(source->stream);
    }
}

static void destroy(struct ht_live *live)
{
    struct twitter_v2 *source = from_live(live);
    ht_line_reader_finish(&source->lines);
    forget(&source->authorization);
    forget(&source->basic);
    ht_buffer_finish(&source->url);
    ht_twitter_v2_options_finish(&source->options);
    ht_live_finish(live);
    source->magic = 0;
    free(source);
}

static bool has_keys(const struct ht_twitter_v2_options *options)
{
    return options->consumer_key != NULL && options->consumer_secret != NULL;
}

static void forget(struct ht_buffer *secret)
{
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->capacity);
    }
    ht_buffer_finish(secret);
}

static struct twitter_v2 *from_live(struct ht_live *live)
{
    struct twitter_v2 *source = HT_CONTAINER_OF(live, struct twitter_v2, live);
    HT_ASSERT(source->magic == MAGIC);
    return source;
}
