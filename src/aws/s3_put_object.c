// SPDX-License-Identifier: MIT

/* start: path, headers -> call -> on_answer: ETag -> done */

#include "hashtagd/aws/s3_put_object.h"

#include "s3_path.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/json/base64.h"

#include <stdio.h>

enum {
    MOST_PATH_BYTES = 4 * 1024,
    MOST_ANSWER_BYTES = 64 * 1024,
    HTTP_CONFLICT = 409,
    HTTP_PRECONDITION_FAILED = 412,
    HTTP_NOT_IMPLEMENTED = 501,
};

static void on_answer(struct ht_aws_call *call);

void ht_s3_checksums_of(struct ht_slice body, struct ht_s3_checksums *checksums)
{
    checksums->has_md5 = true;
    checksums->has_crc32 = true;
    ht_digest_md5(body, checksums->md5);
    checksums->crc32 = ht_digest_crc32(0, body);
}

static void add_header(struct ht_s3_put_object *op, const char *name, struct ht_slice value)
{
    HT_ASSERT(op->call.header_count < HT_COUNT_OF(op->headers));
    op->headers[op->call.header_count++] = (struct ht_http_header){ht_slice_text(name), value};
}

static void add_checksums(struct ht_s3_put_object *op)
{
    const struct ht_s3_checksums *sums = &op->checksums;
    if (sums->has_md5) {
        size_t length = ht_base64_encode(ht_slice_make(sums->md5, sizeof(sums->md5)), op->md5_text);
        add_header(op, "Content-MD5", ht_slice_make(op->md5_text, length));
    }
    if (sums->has_crc32) {
        const uint8_t bytes[4] = {(uint8_t)(sums->crc32 >> 24), (uint8_t)(sums->crc32 >> 16),
                                  (uint8_t)(sums->crc32 >> 8), (uint8_t)sums->crc32};
        size_t length = ht_base64_encode(ht_slice_make(bytes, sizeof(bytes)), op->crc32_text);
        add_header(op, "x-amz-sdk-checksum-algorithm", HT_SLICE("CRC32"));
        add_header(op, "x-amz-checksum-crc32", ht_slice_make(op->crc32_text, length));
    }
}

void ht_s3_put_object_start(struct ht_aws_client *client, struct ht_s3_put_object *op)
{
    HT_ASSERT(op->metadata_count <= HT_S3_METADATA_MAX);
    ht_buffer_init(&op->path, MOST_PATH_BYTES);
    op->etag[0] = '\0';
    op->status = ht_s3_path_append(&op->path, op->key);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "PutObject",
        .method = "PUT",
        .resource = op->resource,
        .bucket = op->bucket,
        .path = ht_buffer_slice(&op->path),
        .refusal = op->status,
        .body = op->body,
        .headers = op->headers,
        .max_answer_bytes = MOST_ANSWER_BYTES,
        .done = on_answer,
        .user = op,
    };
    add_checksums(op);
    if (op->content_type != NULL) {
        add_header(op, "Content-Type", ht_slice_text(op->content_type));
    }
    if (op->creates_only) {
        add_header(op, "If-None-Match", HT_SLICE("*"));
    }
    for (size_t i = 0; i < op->metadata_count; i++) {
        op->headers[op->call.header_count++] = op->metadata[i];
    }
    ht_aws_call_start(client, &op->call);
}

/* What the condition adds to a call's own statuses. */
static int status_of(const struct ht_s3_put_object *op)
{
    const struct ht_aws_call *call = &op->call;
    if (call->status == 0 || !op->creates_only) {
        return call->status;
    }
    if (call->failure.http_status == HTTP_PRECONDITION_FAILED) {
        return HT_EEXIST;
    }
    if (call->failure.http_status == HTTP_CONFLICT) {
        return HT_EBUSY; /* somebody writes the same key at this moment */
    }
    return call->failure.http_status == HTTP_NOT_IMPLEMENTED ? HT_EUNSUPPORTED : call->status;
}

/* S3 always tells the ETag. Who does not is something in between, as the page of a network that one must
 * sign in to, and has stored nothing. */
static int refuse_answer(struct ht_aws_call *call)
{
    call->failure.fault = HT_AWS_FAULT_TRANSIENT;
    call->status = ht_error_set(
        &call->error, HT_EIO,
        "S3 PutObject on %s: the answer (HTTP %d) has no ETag, so it is not S3's, and nothing is "
        "stored. It is sent again; where that goes on, look for a proxy in between.",
        call->resource == NULL ? "a bucket" : call->resource, call->failure.http_status);
    return call->status;
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_put_object *op = call->user;
    struct ht_buffer path = op->path;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status,
                           "S3 PutObject: a key has 1 to 1024 bytes, this one has %zu.",
                           op->key.length);
    } else {
        op->status = status_of(op);
    }
    if (op->status == 0) {
        struct ht_slice etag =
            ht_http_header_find(call->answer_headers, call->answer_header_count, "ETag");
        if (etag.length == 0) {
            op->status = refuse_answer(call);
        }
        (void)snprintf(op->etag, sizeof(op->etag), "%.*s",
                       (int)(etag.length < sizeof(op->etag) ? etag.length : sizeof(op->etag) - 1),
                       etag.length == 0 ? "" : etag.data);
    }
    op->path = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&path);
}
