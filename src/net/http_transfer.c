// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "http_client_curl.h"
#include "http_client_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   start -> (next turn, where curl is busy) -> added -> head, data ... -> finish -> on_done
 *   cancel, a failure of ours -> next turn -------------------------------^
 */

#define TRANSFER_MAGIC             0x48745472u /* "HtTr" */
#define CONNECT_TIMEOUT_MS         10000
#define RESPONSE_MAX_BYTES         (1024u * 1024u)
#define RESPONSE_HEADERS_MAX_BYTES 65536
#define RECEIVE_BUFFER_BYTES       102400L /* for answers that are collected */
#define PIECE_BYTES                16384
#define PIECE_MIN_BYTES            1024
#define PIECE_MAX_BYTES            (512u * 1024u)

static int set_up(struct ht_http_transfer *transfer, const struct ht_http_transfer_options *options,
                  struct ht_error *error);
static void set_callbacks(struct ht_http_transfer *transfer);
static int set_method(struct ht_http_transfer *transfer,
                      const struct ht_http_transfer_options *options);
static void set_body(struct ht_http_transfer *transfer,
                     const struct ht_http_transfer_options *options);
static size_t on_body_wanted(char *room, size_t size, size_t count, void *user);
static int on_rewind(void *user, curl_off_t offset, int origin);
static int set_limits(struct ht_http_transfer *transfer,
                      const struct ht_http_transfer_options *options);
static int set_headers(struct ht_http_transfer *transfer,
                       const struct ht_http_transfer_options *options);
static int add_header(struct ht_http_transfer *transfer, struct ht_http_header header);
static void on_turn(struct ht_timer *timer);
static int set_reading(struct ht_http_transfer *transfer,
                       const struct ht_http_transfer_options *options);
static size_t on_header_line(char *data, size_t size, size_t count, void *user);
static size_t give_head(struct ht_http_transfer *transfer, size_t line_length);
static size_t on_response_data(char *data, size_t size, size_t count, void *user);
static size_t collect_data(struct ht_http_transfer *transfer, struct ht_slice data);
static void fail(struct ht_http_transfer *transfer, int code);
static void on_resume(struct ht_timer *timer);
static void on_result(struct ht_http_member *member, CURLcode result);
static void fail_member(struct ht_http_member *member, int code);
static void cancel_member(struct ht_http_member *member);
static void finish(struct ht_http_transfer *transfer, CURLcode curl_result);
static void fill_result(struct ht_http_transfer *transfer, CURLcode curl_result,
                        struct ht_http_result *result);
static struct ht_http_header *split_headers(struct ht_http_transfer *transfer, size_t *count);
static struct ht_http_header take_field(struct ht_slice *rest);
static void destroy(struct ht_http_transfer *transfer);
static struct ht_http_transfer *transfer_from(void *pointer);

int ht_http_transfer_start(struct ht_http_client *client,
                           const struct ht_http_transfer_options *options,
                           struct ht_http_transfer **out, struct ht_error *error)
{
    if (out != NULL) {
        *out = NULL;
    }
    if (client->is_closing) {
        return ht_error_set(error, HT_ECANCELED, "The HTTP client is closing.");
    }
    struct ht_http_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for an HTTP request.");
    }
    transfer->magic = TRANSFER_MAGIC;
    transfer->member.client = client;
    transfer->member.on_result = on_result;
    transfer->member.fail = fail_member;
    transfer->member.cancel = cancel_member;
    int status = set_up(transfer, options, error);
    if (status != 0) {
        destroy(transfer);
        return status;
    }
    ht_http_client_link(client, &transfer->member);
    if (client->inside_curl > 0) {
        ht_timer_start(client->timers, &transfer->turn_timer, 0);
    } else {
        ht_http_client_add(client, &transfer->member);
    }
    if (out != NULL) {
        *out = transfer;
    }
    return 0;
}

static int set_up(struct ht_http_transfer *transfer, const struct ht_http_transfer_options *options,
                  struct ht_error *error)
{
    transfer->on_head = options->on_head;
    transfer->on_data = options->on_data;
    transfer->on_done = options->on_done;
    transfer->user = options->user;
    transfer->started_ns = ht_clock_monotonic_ns(transfer->member.client->clock);
    transfer->max_response_bytes =
        options->max_response_bytes == 0 ? RESPONSE_MAX_BYTES : options->max_response_bytes;
    ht_buffer_init(&transfer->body, transfer->max_response_bytes);
    ht_buffer_init(&transfer->response_headers, RESPONSE_HEADERS_MAX_BYTES);
    ht_timer_init(&transfer->turn_timer, on_turn);
    ht_timer_init(&transfer->resume_timer, on_resume);
    transfer->member.easy = curl_easy_init();
    if (transfer->member.easy == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for an HTTP request.");
    }
    set_callbacks(transfer);
    int status = set_headers(transfer, options);
    if (status == HT_EINVAL) {
        return ht_error_set(error, status, "A header of a request to %s has a line break.",
                            options->url);
    }
    status = status == 0 ? set_method(transfer, options) : status;
    status = status == 0 ? set_limits(transfer, options) : status;
    status = status == 0 ? set_reading(transfer, options) : status;
    return status == 0
               ? 0
               : ht_error_set(error, HT_ENOMEM, "Out of memory for a request to %s.", options->url);
}

static void set_callbacks(struct ht_http_transfer *transfer)
{
    CURL *easy = transfer->member.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer->member);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_response_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hashtagd/" HT_VERSION);
    /* a proxy's answer to CONNECT is not the answer */
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static int set_method(struct ht_http_transfer *transfer,
                      const struct ht_http_transfer_options *options)
{
    CURL *easy = transfer->member.easy;
    const char *method = options->method;
    CURLcode result = CURLE_OK;

    if (method == NULL) {
        method = options->body.length > 0 ? "POST" : "GET";
    }
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (options->body.length > 0 || strcmp(method, "POST") == 0 ||
               strcmp(method, "PUT") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body.length);
        set_body(transfer, options);
        result = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    } else if (strcmp(method, "GET") != 0) {
        result = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    return result == CURLE_OK ? 0 : HT_ENOMEM;
}

/* A body that curl must ask for cannot be rewound, so it is never sent a second time. */
static void set_body(struct ht_http_transfer *transfer,
                     const struct ht_http_transfer_options *options)
{
    CURL *easy = transfer->member.easy;

    if (!options->is_sent_once || options->body.length == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         options->body.data == NULL ? "" : options->body.data);
        return;
    }
    transfer->unsent = options->body;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body_wanted);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
}

static size_t on_body_wanted(char *room, size_t size, size_t count, void *user)
{
    struct ht_http_transfer *transfer = transfer_from(user);
    size_t length = size * count;

    length = length > transfer->unsent.length ? transfer->unsent.length : length;
    memcpy(room, transfer->unsent.data, length);
    transfer->unsent.data += length;
    transfer->unsent.length -= length;
    return length;
}

static int on_rewind(void *user, curl_off_t offset, int origin)
{
    (void)user;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static int set_limits(struct ht_http_transfer *transfer,
                      const struct ht_http_transfer_options *options)
{
    CURL *easy = transfer->member.easy;
    uint64_t connect_ms =
        options->connect_timeout_ms == 0 ? CONNECT_TIMEOUT_MS : options->connect_timeout_ms;

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    if (options->stall_timeout_ms > 0) {
        transfer->has_stall_timeout = true;
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                         (long)((options->stall_timeout_ms + 999) / 1000));
    }
    if (options->max_idle_ms > 0) {
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)((options->max_idle_ms + 999) / 1000));
    }
    if (options->max_age_ms > 0) {
        curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN,
                         (long)((options->max_age_ms + 999) / 1000));
    }
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, options->is_fresh ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, options->is_path_as_is ? 1L : 0L);
    const char *ca_file = ht_http_client_issuers(transfer->member.client, options->ca_file);
    CURLcode result = ht_curl_set_target(easy, options->url, ca_file, options->is_without_proxy);
    return result == CURLE_OK ? 0 : HT_ENOMEM;
}

static int set_reading(struct ht_http_transfer *transfer,
                       const struct ht_http_transfer_options *options)
{
    CURL *easy = transfer->member.easy;
    long read_bytes = RECEIVE_BUFFER_BYTES;

    if (options->on_data != NULL) {
        /* What was read is decoded to its end, even where the first piece pauses: so the size of a
         * read, times what deflate can make of a byte, bounds what curl keeps during a pause. */
        size_t piece = options->piece_bytes == 0 ? PIECE_BYTES : options->piece_bytes;
        piece = piece < PIECE_MIN_BYTES ? PIECE_MIN_BYTES : piece;
        read_bytes = (long)(piece > PIECE_MAX_BYTES ? PIECE_MAX_BYTES : piece);
        /* a pause would hold back all that share a connection of HTTP/2 */
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, read_bytes);
    CURLcode result = CURLE_OK;
    if (options->accepts_compressed) {
        result = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    }
    return result == CURLE_OK ? 0 : HT_ENOMEM;
}

static int set_headers(struct ht_http_transfer *transfer,
                       const struct ht_http_transfer_options *options)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < options->header_count; i++) {
        status = add_header(transfer, options->headers[i]);
    }
    /* curl adds these two by itself: a wait for "100 Continue", and a type nobody gave */
    static const char *const unwanted[] = {"Expect", "Content-Type"};
    for (size_t i = 0; status == 0 && i < HT_COUNT_OF(unwanted); i++) {
        if (ht_http_header_find(options->headers, options->header_count, unwanted[i]).data ==
            NULL) {
            char line[32];
            snprintf(line, sizeof line, "%s:", unwanted[i]);
            struct curl_slist *longer = curl_slist_append(transfer->request_headers, line);
            status = longer == NULL ? HT_ENOMEM : 0;
            transfer->request_headers = longer == NULL ? transfer->request_headers : longer;
        }
    }
    curl_easy_setopt(transfer->member.easy, CURLOPT_HTTPHEADER, transfer->request_headers);
    return status;
}

static int add_header(struct ht_http_transfer *transfer, struct ht_http_header header)
{
    struct ht_buffer line;
    struct curl_slist *longer = NULL;

    size_t room = header.name.length + header.value.length + 3;
    ht_buffer_init(&line, room);
    (void)ht_buffer_reserve(&line, room); /* at once: growing would leave copies behind */
    ht_buffer_append_slice(&line, header.name);
    /* an empty value is written "name;": curl takes "name:" as the wish to leave it out */
    ht_buffer_append_text(&line, header.value.length == 0 ? ";" : ": ");
    ht_buffer_append_slice(&line, header.value);
    bool breaks = line.data != NULL && (memchr(line.data, '\r', line.length) != NULL ||
                                        memchr(line.data, '\n', line.length) != NULL ||
                                        memchr(line.data, '\0', line.length) != NULL);
    if (ht_buffer_status(&line) == 0 && !breaks) {
        longer = curl_slist_append(transfer->request_headers, line.data);
    }
    ht_digest_wipe(line.data, line.capacity);
    ht_buffer_finish(&line);
    if (longer == NULL) {
        return breaks ? HT_EINVAL : HT_ENOMEM;
    }
    transfer->request_headers = longer;
    return 0;
}

/* What had to wait for the next turn: the end, or the beginning. */
static void on_turn(struct ht_timer *timer)
{
    struct ht_http_transfer *transfer = HT_CONTAINER_OF(timer, struct ht_http_transfer, turn_timer);

    if (transfer->is_canceled || transfer->failure != 0) {
        finish(transfer, CURLE_ABORTED_BY_CALLBACK);
    } else if (!transfer->member.is_added) {
        ht_http_client_add(transfer->member.client, &transfer->member);
    }
}

static size_t on_header_line(char *data, size_t size, size_t count, void *user)
{
    struct ht_http_transfer *transfer = transfer_from(user);
    struct ht_slice line = ht_slice_make(data, size * count);

    if (ht_slice_starts_with(line, HT_SLICE("HTTP/"))) {
        /* the head of another answer: the one before was a 100 */
        ht_buffer_clear(&transfer->response_headers);
        transfer->header_count = 0;
        return line.length;
    }
    if (line.length == 0 || line.data[0] == '\r' || line.data[0] == '\n') {
        return give_head(transfer, line.length);
    }
    if (memchr(line.data, ':', line.length) == NULL) {
        return line.length; /* no header */
    }
    if (ht_buffer_append_slice(&transfer->response_headers, line) != 0) {
        transfer->failure = HT_ETOOBIG;
        return 0;
    }
    transfer->header_count++;
    return line.length;
}

/* The head is complete. What curl calls with a body's trailers comes too late to be a head. */
static size_t give_head(struct ht_http_transfer *transfer, size_t line_length)
{
    long status = 0;

    curl_easy_getinfo(transfer->member.easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->on_head == NULL || transfer->is_head_given || status < 200) {
        return line_length;
    }
    if (transfer->is_canceled || transfer->failure != 0) {
        return 0;
    }
    transfer->is_head_given = true;
    size_t count;
    struct ht_http_header *headers = split_headers(transfer, &count);
    if (headers == NULL && transfer->header_count > 0) {
        transfer->failure = HT_ENOMEM;
        return 0;
    }
    transfer->on_head(transfer->user, (int)status, headers, count);
    free(headers);
    return line_length;
}

static size_t on_response_data(char *data, size_t size, size_t count, void *user)
{
    struct ht_http_transfer *transfer = transfer_from(user);
    struct ht_slice piece = ht_slice_make(data, size * count);

    if (transfer->is_canceled || transfer->failure != 0) {
        return 0;
    }
    if (transfer->is_paused) {
        transfer->curl_is_paused = true;
        return CURL_WRITEFUNC_PAUSE; /* curl keeps the piece and gives it again */
    }
    if (transfer->on_data == NULL) {
        return collect_data(transfer, piece);
    }
    long status = 0;
    curl_easy_getinfo(transfer->member.easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->on_data(transfer->user, (int)status, piece);
    return piece.length;
}

static size_t collect_data(struct ht_http_transfer *transfer, struct ht_slice data)
{
    curl_off_t announced = -1;

    if (transfer->body.length == 0) {
        /* room at once for what is announced, so that large answers are not copied as they grow */
        curl_easy_getinfo(transfer->member.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    }
    int status = 0;
    if (announced > 0) { /* too much: not waited for */
        status = (uint64_t)announced <= transfer->max_response_bytes
                     ? ht_buffer_reserve(&transfer->body, (size_t)announced)
                     : HT_ETOOBIG;
    }
    status = status == 0 ? ht_buffer_append_slice(&transfer->body, data) : status;
    if (status != 0) {
        transfer->failure = status;
        return 0;
    }
    return data.length;
}

void ht_http_transfer_cancel(struct ht_http_transfer *transfer)
{
    HT_ASSERT(transfer_from(transfer) == transfer);
    transfer->is_canceled = true;
    ht_timer_start(transfer->member.client->timers, &transfer->turn_timer, 0);
}

static void fail(struct ht_http_transfer *transfer, int code)
{
    transfer->failure = transfer->failure == 0 ? code : transfer->failure;
    ht_timer_start(transfer->member.client->timers, &transfer->turn_timer, 0);
}

void ht_http_transfer_pause(struct ht_http_transfer *transfer)
{
    HT_ASSERT(transfer_from(transfer) == transfer);
    transfer->is_paused = true;
    if (transfer->has_stall_timeout) {
        /* who holds back is no judge of the peer's silence; nothing is slower than 0 */
        curl_easy_setopt(transfer->member.easy, CURLOPT_LOW_SPEED_LIMIT, 0L);
    }
}

void ht_http_transfer_resume(struct ht_http_transfer *transfer)
{
    HT_ASSERT(transfer_from(transfer) == transfer);
    transfer->is_paused = false;
    if (transfer->has_stall_timeout) {
        curl_easy_setopt(transfer->member.easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    }
    if (transfer->curl_is_paused || transfer->has_stall_timeout) {
        /* not from here: curl hands out what it kept at once */
        ht_timer_start(transfer->member.client->timers, &transfer->resume_timer, 0);
    }
}

static void on_resume(struct ht_timer *timer)
{
    struct ht_http_transfer *transfer =
        HT_CONTAINER_OF(timer, struct ht_http_transfer, resume_timer);
    struct ht_http_client *client = transfer->member.client;

    if (transfer->is_paused || !transfer->member.is_added) {
        return;
    }
    bool was_paused = transfer->curl_is_paused;
    client->inside_curl++;
    if (!was_paused) {
        curl_easy_pause(transfer->member.easy,
                        CURLPAUSE_RECV); /* so that its speed is watched again */
    }
    transfer->curl_is_paused = false;
    CURLcode result = curl_easy_pause(transfer->member.easy, CURLPAUSE_CONT);
    client->inside_curl--;
    if (result != CURLE_OK && was_paused && !transfer->is_canceled) {
        /* of what curl kept: the transfer does not end by itself then */
        fail(transfer, ht_curl_code(result));
    }
    ht_http_client_collect(client);
}

static void on_result(struct ht_http_member *member, CURLcode result)
{
    finish(HT_CONTAINER_OF(member, struct ht_http_transfer, member), result);
}

static void fail_member(struct ht_http_member *member, int code)
{
    fail(HT_CONTAINER_OF(member, struct ht_http_transfer, member), code);
}

static void cancel_member(struct ht_http_member *member)
{
    ht_http_transfer_cancel(HT_CONTAINER_OF(member, struct ht_http_transfer, member));
}

/* The one end of a transfer: takes it down and calls on_done. */
static void finish(struct ht_http_transfer *transfer, CURLcode curl_result)
{
    struct ht_http_client *client = transfer->member.client;
    struct ht_http_result result = {0};

    HT_ASSERT(transfer_from(transfer) == transfer);
    fill_result(transfer, curl_result, &result);
    ht_http_client_unlink(client, &transfer->member);
    ht_timer_stop(client->timers, &transfer->turn_timer);
    ht_timer_stop(client->timers, &transfer->resume_timer);
    struct ht_http_header *headers = split_headers(transfer, &result.header_count);
    result.headers = headers;
    transfer->on_done(transfer->user, &result);
    free(headers);
    ht_buffer_finish(&result.body);
    destroy(transfer);
    ht_http_client_member_gone(client);
}

static void fill_result(struct ht_http_transfer *transfer, CURLcode curl_result,
                        struct ht_http_result *result)
{
    long status = 0;
    long connects = 0;
    curl_off_t sent = 0;

    curl_easy_getinfo(transfer->member.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->member.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(transfer->member.easy, CURLINFO_NUM_CONNECTS, &connects);
    result->status = (int)status;
    result->is_connection_reused = connects == 0 && transfer->member.is_added;
    result->sent_bytes = (uint64_t)sent;
    result->total_ns = ht_clock_monotonic_ns(transfer->member.client->clock) - transfer->started_ns;
    result->body = transfer->body;
    transfer->body = (struct ht_buffer){0};
    result->error_text = "";
    if (transfer->is_canceled) {
        result->code = HT_ECANCELED;
    } else if (transfer->failure != 0) {
        result->code = transfer->failure;
    } else {
        /* a peer that does not speak HTTP is no fault of the URL */
        bool has_met = curl_result == CURLE_UNSUPPORTED_PROTOCOL && connects > 0;
        result->code = has_met ? HT_EIO : ht_curl_code(curl_result);
    }
    if (result->code == 0) {
        return;
    }
    bool own = transfer->is_canceled || transfer->failure != 0 || transfer->error_text[0] == '\0';
    if (own) {
        snprintf(transfer->error_text, sizeof transfer->error_text, "%s",
                 transfer->is_canceled || transfer->failure != 0 ? ht_error_meaning(result->code)
                                                                 : curl_easy_strerror(curl_result));
    }
    result->error_text = transfer->error_text;
}

/* The raw lines as fields; slices into them. NULL where there are none or memory is out. */
static struct ht_http_header *split_headers(struct ht_http_transfer *transfer, size_t *count)
{
    struct ht_slice rest = ht_buffer_slice(&transfer->response_headers);
    struct ht_http_header *headers = NULL;

    *count = 0;
    if (transfer->header_count > 0) {
        headers = calloc(transfer->header_count, sizeof *headers);
    }
    while (headers != NULL && rest.length > 0 && *count < transfer->header_count) {
        headers[(*count)++] = take_field(&rest);
    }
    return headers;
}

/* Takes one line, "Name: value" CR LF, off the raw head. */
static struct ht_http_header take_field(struct ht_slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data) + 1;
    const char *colon = memchr(rest->data, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - rest->data);
    size_t value_start = name_length < length ? name_length + 1 : length;
    size_t value_end = length;

    while (value_end > value_start &&
           (rest->data[value_end - 1] == '\n' || rest->data[value_end - 1] == '\r')) {
        value_end--;
    }
    struct ht_http_header field = {
        ht_slice_make(rest->data, name_length),
        ht_slice_trim(ht_slice_make(rest->data + value_start, value_end - value_start))};
    *rest = ht_slice_make(rest->data + length, rest->length - length);
    return field;
}

/* Tokens and signatures are among them. */
static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *at = headers; at != NULL; at = at->next) {
        ht_digest_wipe(at->data, strlen(at->data));
    }
}

static void destroy(struct ht_http_transfer *transfer)
{
    curl_easy_cleanup(transfer->member.easy);
    wipe_headers(transfer->request_headers);
    curl_slist_free_all(transfer->request_headers);
    ht_buffer_finish(&transfer->response_headers);
    ht_buffer_finish(&transfer->body);
    transfer->magic = 0;
    free(transfer);
}

static struct ht_http_transfer *transfer_from(void *pointer)
{
    struct ht_http_transfer *transfer = pointer;

    HT_ASSERT(transfer != NULL && transfer->magic == TRANSFER_MAGIC);
    return transfer;
}
