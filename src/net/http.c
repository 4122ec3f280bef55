// SPDX-License-Identifier: MIT
#include "hashtagd/net/http.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DATE_LENGTH 29
#define BODY_MAGIC  0x48744264u /* "HtBd" */

struct ht_http_body {
    uint32_t magic;
    uint32_t reference_count;
    char *taken; /* owned; NULL where the bytes follow this struct */
    struct ht_slice bytes;
};

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {420, "Enhance Your Calm"}, /* Twitter's own, before there was 429 */
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

struct ht_slice ht_http_header_find(const struct ht_http_header *headers, size_t count,
                                    const char *name)
{
    struct ht_slice wanted = ht_slice_text(name);

    for (size_t i = 0; i < count; i++) {
        if (ht_slice_equal_ignoring_case(headers[i].name, wanted)) {
            return headers[i].value;
        }
    }
    return ht_slice_make(NULL, 0);
}

const char *ht_http_status_text(int status)
{
    for (size_t i = 0; i < HT_COUNT_OF(status_texts); i++) {
        if (status_texts[i].status == status) {
            return status_texts[i].text;
        }
    }
    return "Unknown";
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

static bool read_number(const char *text, size_t length, int *number)
{
    uint64_t value;

    if (ht_slice_to_u64(ht_slice_make(text, length), 9999, &value) != 0) {
        return false;
    }
    *number = (int)value;
    return true;
}

static bool read_month(const char *text, int *month)
{
    for (*month = 0; *month < 12; (*month)++) {
        if (memcmp(text, months + (size_t)*month * 3, 3) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the time is written so: no day 44, no hour 25, the right day of the week. */
static bool is_written_so(int64_t time_s, struct ht_slice text)
{
    struct tm utc;
    time_t time = (time_t)time_s;
    char again[64];

    if (gmtime_r(&time, &utc) == NULL) {
        return false;
    }
    int length =
        snprintf(again, sizeof again, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 days + (size_t)utc.tm_wday * 3, utc.tm_mday, months + (size_t)utc.tm_mon * 3,
                 utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return ht_slice_equal(ht_slice_make(again, (size_t)length), text);
}

int ht_http_date_parse(struct ht_slice text, int64_t *time_s)
{
    struct tm utc = {0};

    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    if (text.length != DATE_LENGTH || !read_number(text.data + 5, 2, &utc.tm_mday) ||
        !read_month(text.data + 8, &utc.tm_mon) || !read_number(text.data + 12, 4, &utc.tm_year) ||
        !read_number(text.data + 17, 2, &utc.tm_hour) ||
        !read_number(text.data + 20, 2, &utc.tm_min) ||
        !read_number(text.data + 23, 2, &utc.tm_sec)) {
        return HT_EPARSE;
    }
    utc.tm_year -= 1900;
    int64_t time = (int64_t)timegm(&utc);
    if (!is_written_so(time, text)) {
        return HT_EPARSE;
    }
    *time_s = time;
    return 0;
}

struct ht_http_body *ht_http_body_create(struct ht_slice bytes)
{
    struct ht_http_body *body = malloc(sizeof *body + bytes.length);

    if (body == NULL) {
        return NULL;
    }
    char *copy = (char *)(body + 1);
    if (bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    *body = (struct ht_http_body){BODY_MAGIC, 1, NULL, ht_slice_make(copy, bytes.length)};
    return body;
}

struct ht_http_body *ht_http_body_take(struct ht_buffer *buffer)
{
    bool failed = ht_buffer_status(buffer) != 0;
    size_t length = buffer->length;
    char *taken = ht_buffer_take(buffer);
    struct ht_http_body *body = malloc(sizeof *body);

    if (body == NULL || taken == NULL || failed) {
        free(body);
        free(taken);
        return NULL;
    }
    *body = (struct ht_http_body){BODY_MAGIC, 1, taken, ht_slice_make(taken, length)};
    return body;
}

struct ht_http_body *ht_http_body_hold(struct ht_http_body *body)
{
    HT_ASSERT(body->magic == BODY_MAGIC && body->reference_count > 0);
    body->reference_count++;
    return body;
}

void ht_http_body_release(struct ht_http_body *body)
{
    if (body == NULL) {
        return;
    }
    HT_ASSERT(body->magic == BODY_MAGIC && body->reference_count > 0);
    if (--body->reference_count == 0) {
        body->magic = 0;
        free(body->taken);
        free(body);
    }
}

struct ht_slice ht_http_body_slice(const struct ht_http_body *body)
{
    HT_ASSERT(body->magic == BODY_MAGIC);
    return body->bytes;
}
