// SPDX-License-Identifier: MIT

/* start: query -> call -> on_answer: parse -> done -> finish */

#include "hashtagd/aws/s3_list_objects_v2.h"

#include "query.h"

#include "hashtagd/aws/xml.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/net/url.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_QUERY_BYTES = 16 * 1024,
    MOST_ANSWER_BYTES = 8 * 1024 * 1024, /* 1000 keys of 1024 bytes, each byte as %XX */
    MOST_VALUE_BYTES = 16 * 1024,
};

/* A page that is being read. */
struct reading {
    struct ht_s3_list_objects_v2 *op;
    struct ht_xml xml;
    struct ht_buffer value; /* text of the innermost element */
    bool is_encoded;        /* EncodingType is url; S3 says it before or after the keys */
    size_t token_begin, token_length;
    bool has_root;
};

static void on_answer(struct ht_aws_call *call);
static int parse(struct ht_s3_list_objects_v2 *op, struct ht_slice answer);
static int read_page(struct reading *reading);
static int take_value(struct reading *reading);
static int decode_keys(struct ht_s3_list_objects_v2 *op);

int ht_s3_list_objects_v2_format(const struct ht_s3_list_objects_v2 *op, struct ht_buffer *query)
{
    char max_keys[16];
    (void)snprintf(max_keys, sizeof(max_keys), "%u",
                   op->max_keys == 0 || op->max_keys > HT_S3_LIST_MAX ? HT_S3_LIST_MAX
                                                                      : op->max_keys);
    const struct {
        const char *name;
        struct ht_slice value;
    } parts[] = {
        {"list-type", HT_SLICE("2")},
        {"encoding-type", HT_SLICE("url")},
        {"max-keys", ht_slice_text(max_keys)},
        {"prefix", op->prefix},
        {"delimiter", op->delimiter},
        {"start-after", op->start_after},
        {"continuation-token", op->continuation},
    };
    for (size_t i = 0; i < HT_COUNT_OF(parts); i++) {
        int status = parts[i].value.length == 0
                         ? 0
                         : ht_aws_query_append(query, parts[i].name, parts[i].value);
        if (status != 0) {
            return status;
        }
    }
    return ht_buffer_status(query);
}

void ht_s3_list_objects_v2_start(struct ht_aws_client *client, struct ht_s3_list_objects_v2 *op)
{
    ht_buffer_init(&op->query, MOST_QUERY_BYTES);
    ht_buffer_init(&op->texts, (size_t)2 * MOST_ANSWER_BYTES);
    op->listed = NULL;
    op->objects = NULL;
    op->count = 0;
    op->is_truncated = false;
    op->next_token = HT_SLICE("");
    op->status = ht_s3_list_objects_v2_format(op, &op->query);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_S3,
        .operation = "ListObjectsV2",
        .method = "GET",
        .resource = op->resource,
        .bucket = op->bucket,
        .query = op->status == 0 ? ht_buffer_slice(&op->query) : HT_SLICE("list-type=2"),
        .max_answer_bytes = MOST_ANSWER_BYTES,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_s3_list_objects_v2 *op = call->user;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "S3 ListObjectsV2: the query: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = parse(op, ht_buffer_slice(&call->answer));
    }
    struct ht_buffer query = op->query, texts = op->texts;
    struct ht_s3_listed *listed = op->listed;
    op->query = (struct ht_buffer){0};
    op->texts = (struct ht_buffer){0};
    op->listed = NULL;
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&query);
    ht_buffer_finish(&texts);
    free(listed);
}

/* Reads an answer into the results, for which `listed` and `texts` are made. */
static int parse(struct ht_s3_list_objects_v2 *op, struct ht_slice answer)
{
    struct reading reading = {.op = op};
    /* texts are decoded into as much room as the answer has, so that none moves */
    ht_buffer_init(&op->texts, (size_t)2 * MOST_ANSWER_BYTES);
    op->count = 0;
    op->is_truncated = false;
    op->next_token = HT_SLICE("");
    op->listed = calloc(2 * HT_S3_LIST_MAX, sizeof(*op->listed));
    if (op->listed == NULL || ht_buffer_reserve(&op->texts, 2 * answer.length) != 0) {
        return ht_error_set(&op->call.error, HT_ENOMEM, "Out of memory for a list of S3 objects.");
    }
    op->objects = op->listed;
    ht_xml_init(&reading.xml, answer);
    ht_buffer_init(&reading.value, MOST_VALUE_BYTES);
    int status = read_page(&reading);
    if (status == 0 && reading.is_encoded) {
        status = decode_keys(op);
    }
    ht_buffer_finish(&reading.value);
    if (status != 0) {
        op->count = 0;
        return ht_error_set(&op->call.error, status,
                            "S3 ListObjectsV2: the answer makes no sense: %s.",
                            ht_error_meaning(status));
    }
    return 0;
}

static int begin_element(struct reading *reading)
{
    struct ht_s3_list_objects_v2 *op = reading->op;
    bool is_object = ht_xml_is_at(&reading->xml, "ListBucketResult/Contents");
    bool is_prefix = ht_xml_is_at(&reading->xml, "ListBucketResult/CommonPrefixes");
    reading->has_root = reading->has_root || ht_xml_is_at(&reading->xml, "ListBucketResult");
    ht_buffer_clear(&reading->value);
    if (!is_object && !is_prefix) {
        return 0;
    }
    if (op->count == 2 * HT_S3_LIST_MAX) {
        return HT_ETOOBIG;
    }
    op->listed[op->count++] =
        (struct ht_s3_listed){HT_SLICE(""), HT_SLICE(""), HT_SLICE(""), 0, is_prefix};
    return 0;
}

static int read_page(struct reading *reading)
{
    int event;
    while ((event = ht_xml_next(&reading->xml)) > HT_XML_DONE) {
        int status = 0;
        if (event == HT_XML_BEGIN) {
            status = begin_element(reading);
        } else if (event == HT_XML_TEXT) {
            status = ht_xml_append_text(&reading->xml, &reading->value);
        } else {
            status = take_value(reading);
            ht_buffer_clear(&reading->value);
        }
        if (status != 0) {
            return status;
        }
    }
    return event < 0 ? event : reading->has_root ? 0 : HT_EPARSE;
}

/* Keeps the innermost element's text; it has its place for good. */
static int keep(struct reading *reading, struct ht_slice *where)
{
    struct ht_buffer *texts = &reading->op->texts;
    size_t begin = texts->length;
    int status = ht_buffer_append_slice(texts, ht_buffer_slice(&reading->value));
    *where = ht_slice_make(texts->data + begin, texts->length - begin);
    return status;
}

static int take_value(struct reading *reading)
{
    struct ht_s3_list_objects_v2 *op = reading->op;
    const struct ht_xml *xml = &reading->xml;
    struct ht_slice value = ht_buffer_slice(&reading->value);
    struct ht_s3_listed *last = op->count == 0 ? NULL : &op->listed[op->count - 1];
    if (ht_xml_is_at(xml, "ListBucketResult/IsTruncated")) {
        op->is_truncated = ht_slice_equal(value, HT_SLICE("true"));
        return 0;
    }
    if (ht_xml_is_at(xml, "ListBucketResult/EncodingType")) {
        reading->is_encoded = ht_slice_equal(value, HT_SLICE("url"));
        return 0;
    }
    if (ht_xml_is_at(xml, "ListBucketResult/NextContinuationToken")) {
        return keep(reading, &op->next_token);
    }
    if (last == NULL) {
        return 0;
    }
    if (ht_xml_is_at(xml, "ListBucketResult/Contents/Key") ||
        ht_xml_is_at(xml, "ListBucketResult/CommonPrefixes/Prefix")) {
        return keep(reading, &last->key);
    }
    if (ht_xml_is_at(xml, "ListBucketResult/Contents/ETag")) {
        return keep(reading, &last->etag);
    }
    if (ht_xml_is_at(xml, "ListBucketResult/Contents/LastModified")) {
        return keep(reading, &last->last_modified);
    }
    if (ht_xml_is_at(xml, "ListBucketResult/Contents/Size")) {
        return ht_slice_to_u64(value, UINT64_MAX, &last->size) == 0 ? 0 : HT_EPARSE;
    }
    return 0;
}

/* Decoded keys follow behind the encoded ones. */
static int decode_keys(struct ht_s3_list_objects_v2 *op)
{
    for (size_t i = 0; i < op->count; i++) {
        size_t begin = op->texts.length;
        int status = ht_url_decode_form(op->listed[i].key, &op->texts);
        if (status != 0) {
            return status;
        }
        op->listed[i].key = ht_slice_make(op->texts.data + begin, op->texts.length - begin);
    }
    return 0;
}
