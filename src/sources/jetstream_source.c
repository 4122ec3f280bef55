// SPDX-License-Identifier: MIT
#include "hashtagd/sources/jetstream_source.h"

#include "jetstream_cursor.h"
#include "jetstream_end.h"
#include "jetstream_intake.h"
#include "jetstream_request.h"
#include "live.h"

#include "http_stream.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/websocket.h"

#include <stdlib.h>

/*
 *   connect -> (socket opens) -> on_open -> on_message, on_read_end ... -> on_end -> ht_live_ended
 *      |                            '-- silence: ping ---'                   ^
 *      |-- no memory, a bad address --> on_failed_due ----------> ht_live_ended
 *      '-- close(): the closing handshake, or at once where it is not open --'
 *
 * Where no address is given, each attempt goes to the next of the public hosts: the times by
 * which the source goes on are the same on all of them.
 */

enum {
    MAGIC = 0x4a657473,
    URL_BYTES = 16384,
    HELLO_BYTES = 4 << 20,
    FRAME_BYTES = 4 * HT_JETSTREAM_EVENT_BYTES_MAX, /* longer events than asked for are refused */
    STALL_MS = 75000,                               /* the service pings every 30 s */
    SILENCE_MS = 30000,                             /* then we ping */
    CLOSE_NORMAL = 1000,
};

struct jetstream_source {
    struct ht_live live; /* first: what live sources share */
    uint32_t magic;
    /* fixed after create */
    struct ht_http_client *client; /* not owned */
    char *url;                     /* owned; NULL: the public hosts */
    char **follow;                 /* owned, each of them too */
    size_t follow_count;
    struct ht_buffer hello; /* the message to begin with; empty: none */
    /* changing */
    struct ht_jetstream_intake intake;
    uint64_t host;                     /* of the public ones; any number */
    struct ht_jetstream_resume resume; /* what this attempt asked for */
    uint64_t gap_us;                   /* the time whose gap was told */
    struct ht_websocket *socket;       /* NULL between attempts */
    bool is_open;
    bool is_paused;
    bool is_gap_looked_for; /* of this connection */
    struct ht_jetstream_quiet quiet;
    uint64_t last_byte_ms; /* monotonic */
    struct ht_timer ping_timer;
    struct ht_timer failed_timer;
    struct ht_error failure; /* of an attempt that could not even begin */
};

static bool keep_options(struct jetstream_source *jetstream,
                         const struct ht_jetstream_source_options *options);
static bool keep_follow(struct jetstream_source *jetstream,
                        const struct ht_jetstream_source_options *options);
static void use_dictionary(struct jetstream_source *jetstream, struct ht_slice dictionary);
static void connect(struct ht_live *live);
static int open_socket(struct jetstream_source *jetstream, const char *url);
static void on_failed_due(struct ht_timer *timer);
static void on_open(void *user, const struct ht_http_header *headers, size_t header_count);
static void note_service_time(struct jetstream_source *jetstream, struct ht_slice date);
static void on_bytes(void *user, size_t count);
static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes);
static void on_read_end(void *user);
static void look_for_gap(struct jetstream_source *jetstream);
static void look_at_silence(struct jetstream_source *jetstream);
static void on_ping_due(struct ht_timer *timer);
static void on_end(void *user, const struct ht_websocket_end *end);
static void close_socket(struct ht_live *live);
static void pause_socket(struct ht_live *live);
static void resume_socket(struct ht_live *live);
static size_t cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES]);
static void set_cursor(struct ht_live *live, struct ht_slice text);
static void tell_gap(struct jetstream_source *jetstream, const char *why);
static void destroy(struct ht_live *live);
static struct ht_jetstream_request request_of(const struct jetstream_source *jetstream);
static struct jetstream_source *from_live(struct ht_live *live);

struct ht_source *ht_jetstream_source_create(const struct ht_jetstream_source_options *options)
{
    static const struct ht_live_ops ops = {
        .service = "Jetstream",
        .connect = connect,
        .close = close_socket,
        .pause = pause_socket,
        .resume = resume_socket,
        .cursor = cursor,
        .set_cursor = set_cursor,
        .destroy = destroy,
    };
    const struct ht_live_options live_options = {
        .type = "jetstream",
        .name = options->name,
        .clock = options->clock,
        .timers = options->timers,
        .random = options->random,
        .log = options->log,
        .stall_timeout_ms = STALL_MS,
    };
    struct jetstream_source *jetstream = calloc(1, sizeof(*jetstream));
    if (jetstream == NULL) {
        return NULL;
    }
    jetstream->magic = MAGIC;
    ht_live_init(&jetstream->live, &ops, &live_options);
    ht_timer_init(&jetstream->ping_timer, on_ping_due);
    ht_timer_init(&jetstream->failed_timer, on_failed_due);
    if (!keep_options(jetstream, options)) {
        destroy(&jetstream->live);
        return NULL;
    }
    return &jetstream->live.source;
}

static bool keep_options(struct jetstream_source *jetstream,
                         const struct ht_jetstream_source_options *options)
{
    jetstream->client = options->client;
    jetstream->host = ht_random_below(options->random, HT_JETSTREAM_HOST_COUNT);
    ht_buffer_init(&jetstream->hello, HELLO_BYTES);
    if (ht_jetstream_intake_init(&jetstream->intake, &jetstream->live, options->random) != 0 ||
        !keep_follow(jetstream, options)) {
        return false;
    }
    if (options->url != NULL && *options->url != '\0') {
        jetstream->url = ht_slice_to_text(ht_slice_text(options->url));
        if (jetstream->url == NULL) {
            return false;
        }
    }
    if (options->accepts_compressed && options->dictionary.length > 0) {
        use_dictionary(jetstream, options->dictionary);
    }
    struct ht_jetstream_request request = request_of(jetstream);
    return !ht_jetstream_says_hello(&request) ||
           ht_jetstream_request_hello(&request, &jetstream->hello) == 0;
}

static bool keep_follow(struct jetstream_source *jetstream,
                        const struct ht_jetstream_source_options *options)
{
    if (options->follow_count == 0) {
        return true;
    }
    jetstream->follow = calloc(options->follow_count, sizeof(*jetstream->follow));
    if (jetstream->follow == NULL) {
        return false;
    }
    for (size_t i = 0; i < options->follow_count; i++) {
        jetstream->follow[i] = ht_slice_to_text(ht_slice_text(options->follow[i]));
        if (jetstream->follow[i] == NULL) {
            return false;
        }
        jetstream->follow_count++;
    }
    return true;
}

/* Without it everything comes as well, only larger: no reason to stop. */
static void use_dictionary(struct jetstream_source *jetstream, struct ht_slice dictionary)
{
    if (ht_jetstream_intake_use(&jetstream->intake, dictionary) != 0) {
        ht_log_error(jetstream->live.options.log, "source",
                     "the dictionary is damaged or not the published one: nothing is compressed",
                     HT_TEXT("source", jetstream->live.source.name),
                     HT_NUMBER("dictionary_id", ht_zstd_dictionary_id(dictionary)),
                     HT_NUMBER("expected_id", HT_JETSTREAM_DICTIONARY_ID));
    }
}

static void connect(struct ht_live *live)
{
    struct jetstream_source *jetstream = from_live(live);
    struct ht_jetstream_request request = request_of(jetstream);
    struct ht_buffer url;
    jetstream->resume =
        ht_jetstream_resume_at(jetstream->intake.time_us, ht_clock_wall_ms(live->options.clock));
    request.cursor_us = jetstream->resume.cursor_us;
    ht_buffer_init(&url, URL_BYTES);
    int status = ht_jetstream_request_url(&request, &url);
    if (status == 0) {
        status = open_socket(jetstream, url.data);
    } else {
        (void)ht_error_set(&jetstream->failure, status, "The address of the stream is too long");
    }
    ht_buffer_finish(&url);
    if (status != 0) {
        ht_timer_start(live->options.timers, &jetstream->failed_timer, 0);
    }
}

static int open_socket(struct jetstream_source *jetstream, const char *url)
{
    struct ht_websocket_options options = {
        .url = url,
        .max_message_bytes = FRAME_BYTES,
        .max_unsent_bytes = jetstream->hello.length > 0 ? HELLO_BYTES : 0,
        .on_open = on_open,
        .on_bytes = on_bytes,
        .on_message = on_message,
        .on_read_end = on_read_end,
        .on_end = on_end,
        .user = jetstream,
    };
    return ht_websocket_open(jetstream->client, &options, &jetstream->socket, &jetstream->failure);
}

static void on_failed_due(struct ht_timer *timer)
{
    struct jetstream_source *jetstream =
        HT_CONTAINER_OF(timer, struct jetstream_source, failed_timer);
    struct ht_live_end end = {
        .end = jetstream->failure.code == HT_ENOMEM ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_REFUSED,
        .error = &jetstream->failure,
    };
    ht_live_ended(&jetstream->live, &end);
}

static void on_open(void *user, const struct ht_http_header *headers, size_t header_count)
{
    struct jetstream_source *jetstream = user;
    struct ht_live *live = &jetstream->live;
    jetstream->is_open = true;
    jetstream->is_paused = false;
    jetstream->is_gap_looked_for = false;
    jetstream->intake.first_us = 0;
    jetstream->last_byte_ms = ht_clock_monotonic_ms(live->options.clock);
    note_service_time(jetstream, ht_http_header_find(headers, header_count, "date"));
    ht_timer_start(live->options.timers, &jetstream->ping_timer, SILENCE_MS);
    ht_live_connected(live);
    if (jetstream->resume.is_too_old && jetstream->gap_us != jetstream->intake.time_us) {
        jetstream->gap_us = jetstream->intake.time_us;
        tell_gap(jetstream, "The source was away for longer than Jetstream goes back (36 hours)");
    }
    if (jetstream->hello.length > 0 && ht_websocket_send(jetstream->socket, HT_WEBSOCKET_TEXT,
                                                         ht_buffer_slice(&jetstream->hello)) != 0) {
        ht_live_give_up(live, HT_SOURCE_END_NETWORK, NULL);
    }
}

static void note_service_time(struct jetstream_source *jetstream, struct ht_slice date)
{
    struct ht_clock *clock = jetstream->live.options.clock;
    int64_t date_s;
    if (ht_http_date_parse(date, &date_s) != 0) {
        date_s = 0;
    }
    uint64_t now_ms = ht_clock_monotonic_ms(clock);
    jetstream->quiet = (struct ht_jetstream_quiet){
        .service_ms = ht_jetstream_service_ms(date_s, ht_clock_wall_ms(clock)),
        .opened_ms = now_ms,
        .quiet_since_ms = now_ms};
}

static void on_bytes(void *user, size_t count)
{
    struct jetstream_source *jetstream = user;
    jetstream->last_byte_ms = ht_clock_monotonic_ms(jetstream->live.options.clock);
    if (jetstream->is_open) {
        ht_live_received(&jetstream->live, count);
    }
}

static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes)
{
    struct jetstream_source *jetstream = user;
    jetstream->quiet.quiet_since_ms = ht_clock_monotonic_ms(jetstream->live.options.clock);
    if (ht_jetstream_intake_take(&jetstream->intake, kind, bytes) != 0) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_ENOMEM,
                           "Out of memory for an event of Jetstream: it is asked for again");
        ht_live_give_up(&jetstream->live, HT_SOURCE_END_NETWORK, &error);
    }
}

static void on_read_end(void *user)
{
    struct jetstream_source *jetstream = user;
    ht_jetstream_intake_flush(&jetstream->intake);
    if (!jetstream->is_gap_looked_for && jetstream->intake.first_us != 0) {
        jetstream->is_gap_looked_for = true;
        look_for_gap(jetstream);
    }
}

/* Of some accounts alone nothing may come for days. */
static void look_for_gap(struct jetstream_source *jetstream)
{
    if (jetstream->follow_count == 0 && !jetstream->resume.is_too_old &&
        ht_jetstream_is_gap(jetstream->resume.cursor_us, jetstream->intake.first_us)) {
        tell_gap(jetstream, "Jetstream goes back less far than the source was away");
    }
}

/* Of some accounts nothing may come for days, while the service is there: were the time of their last
 * post kept, the next start would ask from further back than the service goes. */
static void look_at_silence(struct jetstream_source *jetstream)
{
    uint64_t time_us =
        jetstream->follow_count == 0
            ? jetstream->intake.time_us
            : ht_jetstream_cursor_rest(jetstream->intake.time_us, &jetstream->quiet,
                                       ht_clock_monotonic_ms(jetstream->live.options.clock));
    if (time_us != jetstream->intake.time_us) {
        jetstream->intake.time_us = time_us;
        ht_live_move_cursor(&jetstream->live);
    }
}

static void on_ping_due(struct ht_timer *timer)
{
    struct jetstream_source *jetstream =
        HT_CONTAINER_OF(timer, struct jetstream_source, ping_timer);
    const struct ht_live_options *options = &jetstream->live.options;
    uint64_t silent_ms = ht_clock_monotonic_ms(options->clock) - jetstream->last_byte_ms;
    bool is_silent = silent_ms >= SILENCE_MS;
    if (is_silent && !jetstream->is_paused) {
        ht_websocket_ping(jetstream->socket);
    }
    if (!jetstream->is_paused) {
        look_at_silence(jetstream);
    }
    ht_timer_start(options->timers, timer, is_silent ? SILENCE_MS : SILENCE_MS - silent_ms);
}

static void on_end(void *user, const struct ht_websocket_end *end)
{
    struct jetstream_source *jetstream = user;
    struct ht_live *live = &jetstream->live;
    struct ht_jetstream_request request = request_of(jetstream);
    struct ht_jetstream_end found;
    struct ht_live_end told = {0};
    ht_timer_stop(live->options.timers, &jetstream->ping_timer);
    ht_jetstream_intake_flush(&jetstream->intake);
    jetstream->socket = NULL;
    jetstream->is_open = false;
    ht_jetstream_end_explain(end, ht_jetstream_host(request.url), &found);
    told.end = found.end;
    told.error = found.error.code != 0 ? &found.error : NULL;
    if (end->status != 0 && !end->was_open) {
        told.at_least_ms =
            ht_http_stream_note_limits(live, end->status, end->headers, end->header_count);
    }
    if (found.is_cursor_refused && jetstream->resume.cursor_us != 0) {
        jetstream->intake.time_us = 0;
        tell_gap(jetstream, "Jetstream refused the cursor");
    }
    jetstream->host++;
    ht_live_ended(live, &told);
}

static void close_socket(struct ht_live *live)
{
    struct jetstream_source *jetstream = from_live(live);
    if (jetstream->is_open) {
        ht_websocket_close(jetstream->socket, CLOSE_NORMAL);
    } else if (jetstream->socket != NULL) {
        ht_websocket_cancel(jetstream->socket);
    }
    /* Else on_failed_due() follows. */
}

static void pause_socket(struct ht_live *live)
{
    struct jetstream_source *jetstream = from_live(live);
    jetstream->is_paused = true;
    ht_websocket_pause(jetstream->socket);
}

static void resume_socket(struct ht_live *live)
{
    struct jetstream_source *jetstream = from_live(live);
    jetstream->is_paused = false;
    jetstream->last_byte_ms = ht_clock_monotonic_ms(live->options.clock);
    jetstream->quiet.quiet_since_ms = jetstream->last_byte_ms; /* what waited comes now */
    ht_websocket_resume(jetstream->socket);
}

static size_t cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    const struct jetstream_source *jetstream = (const void *)live;
    return ht_jetstream_cursor_format(jetstream->intake.time_us, text);
}

static void set_cursor(struct ht_live *live, struct ht_slice text)
{
    struct jetstream_source *jetstream = from_live(live);
    if (ht_jetstream_cursor_parse(text, ht_clock_wall_ms(live->options.clock),
                                  &jetstream->intake.time_us) == HT_JETSTREAM_CURSOR_FUTURE) {
        tell_gap(jetstream,
                 "The cursor lies in the future: the clock of this machine was wrong, or "
                 "is");
    }
}

/* Once for each: counted, logged, and shown as the last error. */
static void tell_gap(struct jetstream_source *jetstream, const char *why)
{
    struct ht_source *source = &jetstream->live.source;
    struct ht_error error;
    source->connection.gaps++;
    (void)ht_error_set(&error, HT_ENOTFOUND, "%s: posts of the time between may be missed", why);
    ht_health_note_error(&source->health, &error);
    ht_log_warning(jetstream->live.options.log, "source", "posts may be missed",
                   HT_TEXT("source", source->name), HT_TEXT("reason", why));
}

static void destroy(struct ht_live *live)
{
    struct jetstream_source *jetstream = from_live(live);
    HT_ASSERT(jetstream->socket == NULL);
    ht_timer_stop(live->options.timers, &jetstream->ping_timer);
    ht_timer_stop(live->options.timers, &jetstream->failed_timer);
    ht_live_finish(live);
    ht_jetstream_intake_finish(&jetstream->intake);
    ht_buffer_finish(&jetstream->hello);
    for (size_t i = 0; i < jetstream->follow_count; i++) {
        free(jetstream->follow[i]);
    }
    free((void *)jetstream->follow);
    free(jetstream->url);
    jetstream->magic = 0;
    free(jetstream);
}

static struct ht_jetstream_request request_of(const struct jetstream_source *jetstream)
{
    return (struct ht_jetstream_request){
        .url = jetstream->url != NULL ? jetstream->url : ht_jetstream_public_url(jetstream->host),
        .follow = (const char *const *)jetstream->follow,
        .follow_count = jetstream->follow_count,
        .is_compressed = jetstream->intake.zstd != NULL,
    };
}

static struct jetstream_source *from_live(struct ht_live *live)
{
    struct jetstream_source *jetstream = HT_CONTAINER_OF(live, struct jetstream_source, live);
    HT_ASSERT(jetstream->magic == MAGIC);
    return jetstream;
}
