// SPDX-License-Identifier: MIT
#include "amazon_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/json/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Firehose and S3: what was accepted, line by line. */

enum {
    RECORD_BYTES = 1024000,
    BATCH_BYTES = 4 * 1024 * 1024,
};

void amazon_create_delivery(struct amazon *amazon, const char *name)
{
    (void)snprintf(amazon->delivery_name, sizeof(amazon->delivery_name), "%s", name);
}

void amazon_create_bucket(struct amazon *amazon, const char *name)
{
    (void)snprintf(amazon->bucket_name, sizeof(amazon->bucket_name), "%s", name);
}

void amazon_delivery_finish(struct amazon *amazon)
{
    for (size_t i = 0; i < amazon->line_count; i++) {
        free(amazon->lines[i].bytes);
    }
    free(amazon->lines);
    while (amazon->objects != NULL) {
        struct amazon_object *object = amazon->objects;
        amazon->objects = object->next;
        free(object->key);
        free(object);
    }
}

size_t amazon_line_count(const struct amazon *amazon)
{
    return amazon->line_count;
}

struct ht_slice amazon_line(const struct amazon *amazon, size_t number)
{
    return ht_slice_make(amazon->lines[number].bytes, amazon->lines[number].length);
}

static void keep_lines(struct amazon *amazon, struct ht_slice lines)
{
    struct ht_slice rest = lines;
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        amazon->lines = amazon_grow(amazon->lines, amazon->line_count, &amazon->line_capacity,
                                    sizeof(*amazon->lines));
        amazon->lines[amazon->line_count++] =
            (struct amazon_line_state){amazon_copy(ht_slice_make(rest.data, length)), length};
        size_t step = length + (end != NULL);
        rest = ht_slice_make(rest.data + step, rest.length - step);
    }
    if (amazon->options.watch.on_lines != NULL) {
        amazon->options.watch.on_lines(amazon->options.watch.user, lines);
    }
}

/* The lines of a record of a batch, in `lines`; false where it is refused for good. */
static bool read_record(struct ht_slice entry, struct ht_buffer *lines)
{
    struct ht_slice data = amazon_member(entry, "Data");
    size_t length = 0;
    ht_buffer_clear(lines);
    int status = ht_buffer_reserve(lines, ht_base64_decoded_max(data.length) + 1);
    HT_ASSERT(status == 0);
    bool is_good = ht_base64_decode(data, lines->data, &length) == 0 && length <= RECORD_BYTES;
    lines->length = is_good ? length : 0;
    return is_good;
}

static void put_record_batch(struct amazon *amazon, const struct amazon_request *request,
                             struct amazon_reply *reply)
{
    struct ht_slice name = amazon_member(request->body, "DeliveryStreamName"), entry;
    bool is_partial = request->fault == AMAZON_PARTIAL;
    unsigned failed = 0, count = 0;
    struct ht_buffer lines;
    if (!ht_slice_equal(name, ht_slice_text(amazon->delivery_name))) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Firehose not found.");
        return;
    }
    if (request->body.length > BATCH_BYTES * 4u / 3u + 65536u) {
        amazon_refuse(reply, 400, "InvalidArgumentException", "Too large.");
        return;
    }
    ht_buffer_init(&lines, AMAZON_ANSWER_BYTES);
    (void)ht_buffer_append_text(&reply->body, "{\"Encrypted\":false,\"RequestResponses\":[");
    struct ht_json_parts parts = ht_json_parts(ht_json_parts_find(request->body, "Records"));
    while (ht_json_parts_next(&parts, NULL, &entry)) {
        (void)ht_buffer_append_text(&reply->body, count++ > 0 ? "," : "");
        if (!read_record(entry, &lines)) {
            amazon_refuse(reply, 400, "InvalidArgumentException", "A record is too large.");
            goto out;
        }
        if (is_partial && amazon_below(amazon, 2) == 0) {
            failed++;
            (void)ht_buffer_append_text(
                &reply->body,
                amazon_below(amazon, 2) == 0
                    ? "{\"ErrorCode\":\"ServiceUnavailableException\",\"ErrorMessage\":\"slow\"}"
                    : "{\"ErrorCode\":\"InternalFailure\",\"ErrorMessage\":\"again\"}");
        } else {
            keep_lines(amazon, ht_buffer_slice(&lines));
            (void)ht_buffer_append_format(&reply->body, "{\"RecordId\":\"r%zu\"}",
                                          amazon->line_count);
        }
    }
    if (failed > 0) {
        amazon_strike(amazon, AMAZON_PARTIAL);
    }
    (void)ht_buffer_append_format(&reply->body, "],\"FailedPutCount\":%u}", failed);
out:
    ht_buffer_finish(&lines);
}

const struct amazon_operation amazon_firehose_operations[1] = {
    {"Firehose_20150804.PutRecordBatch", AMAZON_FIREHOSE, "ServiceUnavailableException", true,
     put_record_batch},
};

/* --- S3 --- */

static void refuse_object(struct amazon_reply *reply, int status, const char *code)
{
    reply->status = status;
    (void)ht_buffer_append_format(
        &reply->body, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>",
        code);
}

static bool has_object(const struct amazon *amazon, struct ht_slice url)
{
    for (const struct amazon_object *at = amazon->objects; at != NULL; at = at->next) {
        if (ht_slice_equal(url, ht_slice_text(at->key))) {
            return true;
        }
    }
    return false;
}

static bool sums_agree(const struct amazon_request *request)
{
    struct ht_slice given =
        ht_http_header_find(request->headers, request->header_count, "x-amz-checksum-crc32");
    uint32_t sum = ht_digest_crc32(0, request->body);
    const uint8_t bytes[4] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
                              (uint8_t)sum};
    char text[16];
    size_t length = ht_base64_encode(ht_slice_make(bytes, sizeof(bytes)), text);
    return given.data == NULL || ht_slice_equal(given, ht_slice_make(text, length));
}

static void serve_put_object(struct amazon *amazon, const struct amazon_request *request,
                             struct amazon_reply *reply)
{
    struct ht_buffer lines;
    char host[128];
    (void)snprintf(host, sizeof(host), "https://%s.s3.", amazon->bucket_name);
    struct ht_slice only_new =
        ht_http_header_find(request->headers, request->header_count, "If-None-Match");
    if (!ht_slice_starts_with(request->url, ht_slice_text(host))) {
        refuse_object(reply, 404, "NoSuchBucket");
        return;
    }
    if (!sums_agree(request)) {
        refuse_object(reply, 400, "BadDigest");
        return;
    }
    if (only_new.length > 0 && has_object(amazon, request->url)) {
        refuse_object(reply, 412, "PreconditionFailed");
        return;
    }
    ht_buffer_init(&lines, AMAZON_ANSWER_BYTES);
    int status = ht_gzip_parse(request->body, &lines);
    HT_ASSERT(status == 0); /* the program's objects are right */
    struct amazon_object *object = amazon_allocate(sizeof(*object));
    object->key = amazon_copy(request->url);
    object->next = amazon->objects;
    amazon->objects = object;
    keep_lines(amazon, ht_buffer_slice(&lines));
    ht_buffer_finish(&lines);
    (void)snprintf(reply->etag, sizeof(reply->etag), "\"%08x\"", ht_digest_crc32(0, request->body));
}

const struct amazon_operation amazon_put_object = {
    .service = AMAZON_S3, .throttle = "SlowDown", .is_write = true, .serve = serve_put_object};
