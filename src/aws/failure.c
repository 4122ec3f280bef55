// SPDX-License-Identifier: MIT
#include "hashtagd/aws/failure.h"

#include "hashtagd/aws/settings.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/json/reader.h"

#include <stdio.h>

/*
 *   headers --> request id, x-amzn-ErrorType --+
 *   body -----> JSON | XML | anything else ----+-> code, message -> fault -> HT_E...
 */

#define JSON_MAX_BYTES (32u * 1024u * 1024u) /* a canceled transaction may hold a hundred items */
#define XML_MAX_BYTES  65536u                /* what is looked at; errors are below 2 KiB */
#define PLAIN_BYTES    512u

struct code_meaning {
    const char *code;
    enum ht_aws_fault fault;
    int status; /* 0: by fault and HTTP status */
};

/* Standard retry mode of botocore 1.43, the service models, and for the rest the API references */
static const struct code_meaning meanings[] = {
    {"Throttling", HT_AWS_FAULT_THROTTLED, 0},
    {"ThrottlingException", HT_AWS_FAULT_THROTTLED, 0},
    {"ThrottledException", HT_AWS_FAULT_THROTTLED, 0},
    {"ThrottlingError", HT_AWS_FAULT_THROTTLED, 0},
    {"RequestThrottledException", HT_AWS_FAULT_THROTTLED, 0},
    {"RequestThrottled", HT_AWS_FAULT_THROTTLED, 0},
    {"TooManyRequestsException", HT_AWS_FAULT_THROTTLED, 0},
    {"ProvisionedThroughputExceededException", HT_AWS_FAULT_THROTTLED, 0},
    {"ProvisionedThroughputExceeded", HT_AWS_FAULT_THROTTLED, 0},
    {"TransactionInProgressException", HT_AWS_FAULT_THROTTLED, 0},
    {"RequestLimitExceeded", HT_AWS_FAULT_THROTTLED, 0},
    {"BandwidthLimitExceeded", HT_AWS_FAULT_THROTTLED, 0},
    {"LimitExceededException", HT_AWS_FAULT_THROTTLED, 0},
    {"SlowDown", HT_AWS_FAULT_THROTTLED, 0},
    {"PriorRequestNotComplete", HT_AWS_FAULT_THROTTLED, 0},
    {"EC2ThrottledException", HT_AWS_FAULT_THROTTLED, 0},
    {"KMSThrottlingException", HT_AWS_FAULT_THROTTLED, 0},
    {"ServiceUnavailableException", HT_AWS_FAULT_THROTTLED, 0},

    {"RequestTimeout", HT_AWS_FAULT_TRANSIENT, 0},
    {"RequestTimeoutException", HT_AWS_FAULT_TRANSIENT, 0},
    {"IDPCommunicationError", HT_AWS_FAULT_TRANSIENT, 0},
    {"InternalFailure", HT_AWS_FAULT_TRANSIENT, 0},
    {"InternalFailureException", HT_AWS_FAULT_TRANSIENT, 0},
    {"InternalServerError", HT_AWS_FAULT_TRANSIENT, 0},
    {"InternalServerErrorException", HT_AWS_FAULT_TRANSIENT, 0},
    {"InternalError", HT_AWS_FAULT_TRANSIENT, 0},
    {"ReplicatedWriteConflictException", HT_AWS_FAULT_TRANSIENT, 0},
    {"TransactionConflictException", HT_AWS_FAULT_TRANSIENT, 0},
    {"TransactionConflict", HT_AWS_FAULT_TRANSIENT, 0},
    {"BadDigest", HT_AWS_FAULT_TRANSIENT, 0},
    {"OperationAborted", HT_AWS_FAULT_TRANSIENT, 0},
    {"ConditionalRequestConflict", HT_AWS_FAULT_TRANSIENT, 0},

    {"ExpiredToken", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {"ExpiredTokenException", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {"UnrecognizedClientException", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {"InvalidClientTokenId", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {"InvalidAccessKeyId", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},
    {"TokenRefreshRequired", HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION},

    {"RequestTimeTooSkewed", HT_AWS_FAULT_SKEW, HT_EPERMISSION},
    {"RequestExpired", HT_AWS_FAULT_SKEW, HT_EPERMISSION},
    {"RequestInTheFuture", HT_AWS_FAULT_SKEW, HT_EPERMISSION},

    {"AccessDenied", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"AccessDeniedException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"InvalidSignatureException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"SignatureDoesNotMatch", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"AuthFailure", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"IncompleteSignature", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"IncompleteSignatureException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"MissingAuthenticationToken", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"MissingAuthenticationTokenException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"OptInRequired", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"NotAuthorized", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"KMSAccessDeniedException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"KMSDisabledException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"KMSInvalidStateException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"KMSNotFoundException", HT_AWS_FAULT_FINAL, HT_EPERMISSION},
    {"KMSOptInRequired", HT_AWS_FAULT_FINAL, HT_EPERMISSION},

    {"ResourceNotFoundException", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"TableNotFoundException", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"NoSuchBucket", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"NoSuchKey", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"NoSuchUpload", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"NoSuchEntity", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},
    {"NotFound", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},

    /* of a shard: who reads on from a new iterator gets what there is, and no person is needed */
    {"ExpiredIteratorException", HT_AWS_FAULT_FINAL, HT_ETIMEDOUT},
    {"TrimmedDataAccessException", HT_AWS_FAULT_FINAL, HT_ENOTFOUND},

    {"ConditionalCheckFailedException", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"ConditionalCheckFailed", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"ResourceInUseException", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"TableAlreadyExistsException", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"PreconditionFailed", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"BucketAlreadyOwnedByYou", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"BucketAlreadyExists", HT_AWS_FAULT_FINAL, HT_EEXIST},
    {"EntityAlreadyExists", HT_AWS_FAULT_FINAL, HT_EEXIST},
};

static const struct code_meaning *find_meaning(struct ht_slice code);
static void read_body(const struct ht_aws_reply *reply, struct ht_aws_failure *failure);
static bool read_json(struct ht_slice body, struct ht_aws_failure *failure);
static void copy_json_text(const struct ht_json_reader *reader, struct ht_json_value value,
                           char *text, size_t size);
static bool read_xml(struct ht_slice body, struct ht_aws_failure *failure);
static struct ht_slice find_element(struct ht_slice xml, const char *name);
static void copy_xml_text(struct ht_slice xml, char *text, size_t size);
static void drop_secrets(struct ht_aws_failure *failure);
static void cut_code(struct ht_slice whole, char *code, size_t size);
static void copy_text(struct ht_slice from, char *text, size_t size);
static enum ht_aws_fault judge(const struct ht_aws_reply *reply,
                               const struct ht_aws_failure *failure);

void ht_aws_failure_read(const struct ht_aws_reply *reply, struct ht_aws_failure *failure)
{
    struct ht_slice type =
        ht_http_header_find(reply->headers, reply->header_count, "x-amzn-ErrorType");

    memset(failure, 0, sizeof *failure);
    failure->http_status = reply->http_status;
    ht_aws_failure_read_request_id(reply, failure);
    read_body(reply, failure);
    if (failure->code[0] == '\0' && type.length > 0) {
        cut_code(type, failure->code, sizeof failure->code);
    }
    drop_secrets(failure);
    failure->fault = judge(reply, failure);
}

/* A wrong signature is explained with the whole request, the session token in it. */
static void drop_secrets(struct ht_aws_failure *failure)
{
    char *canonical = strcasestr(failure->message, "The canonical string");

    if (canonical != NULL) {
        *canonical = '\0';
    }
}

void ht_aws_failure_read_request_id(const struct ht_aws_reply *reply,
                                    struct ht_aws_failure *failure)
{
    struct ht_slice id =
        ht_http_header_find(reply->headers, reply->header_count, "x-amzn-RequestId");
    struct ht_slice more = ht_http_header_find(reply->headers, reply->header_count, "x-amz-id-2");

    if (id.length == 0) {
        id = ht_http_header_find(reply->headers, reply->header_count, "x-amz-request-id");
    }
    copy_text(id, failure->request_id, sizeof failure->request_id);
    size_t length = strlen(failure->request_id);
    if (length > 0 && more.length > 0 && length + 1 + more.length < sizeof failure->request_id) {
        failure->request_id[length] = ' ';
        copy_text(more, failure->request_id + length + 1, sizeof failure->request_id - length - 1);
    }
}

static void read_body(const struct ht_aws_reply *reply, struct ht_aws_failure *failure)
{
    struct ht_slice body = reply->body;

    while (body.length > 0 && (unsigned char)body.data[0] <= ' ') {
        body = ht_slice_make(body.data + 1, body.length - 1);
    }
    if (body.length == 0) {
        return;
    }
    if (body.data[0] == '{' && read_json(body, failure)) {
        return;
    }
    if (body.data[0] == '<' && read_xml(body, failure)) {
        return;
    }
    body.length = body.length > PLAIN_BYTES ? PLAIN_BYTES : body.length;
    copy_text(body, failure->message, sizeof failure->message);
}

static bool read_json(struct ht_slice body, struct ht_aws_failure *failure)
{
    static const char *const names[] = {"__type", "message", "Message", "code"};
    struct ht_json_value found[HT_COUNT_OF(names)];
    struct ht_json_reader reader;
    struct ht_json_keys keys;
    char code[2 * sizeof failure->code];

    ht_json_reader_init(&reader, JSON_MAX_BYTES);
    bool is_json = ht_json_reader_scan(&reader, body, NULL) == HT_JSON_VERDICT_OK;
    if (is_json) {
        ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
        ht_json_reader_find(&reader, ht_json_reader_root(&reader), &keys, found);
        copy_json_text(&reader, found[found[0].kind == '"' ? 0 : 3], code, sizeof code);
        cut_code(ht_slice_text(code), failure->code, sizeof failure->code);
        copy_json_text(&reader, found[found[1].kind == '"' ? 1 : 2], failure->message,
                       sizeof failure->message);
    }
    ht_json_reader_finish(&reader);
    return is_json;
}

static void copy_json_text(const struct ht_json_reader *reader, struct ht_json_value value,
                           char *text, size_t size)
{
    struct ht_buffer arena;
    struct ht_slice slice = {0};

    ht_buffer_init(&arena, JSON_MAX_BYTES);
    if (value.kind == '"' && ht_json_reader_text(reader, value, &arena, &slice) != 0) {
        slice.length = 0;
    }
    copy_text(slice, text, size);
    ht_buffer_finish(&arena);
}

/* An error of S3, STS or IAM; a page of HTML has no such elements. */
static bool read_xml(struct ht_slice body, struct ht_aws_failure *failure)
{
    char code[sizeof failure->code];

    struct ht_slice error = find_element(body, "Error");
    if (error.data == NULL) {
        return false;
    }
    copy_xml_text(find_element(error, "Code"), code, sizeof code);
    cut_code(ht_slice_text(code), failure->code, sizeof failure->code);
    copy_xml_text(find_element(error, "Message"), failure->message, sizeof failure->message);
    if (failure->request_id[0] == '\0') {
        struct ht_slice id = find_element(body, "RequestId");
        copy_xml_text(id.data == NULL ? find_element(body, "RequestID") : id, failure->request_id,
                      sizeof failure->request_id);
    }
    return failure->code[0] != '\0';
}

/* What stands behind the first start tag of that name, up to its end tag or, where it is cut off, to
 * the end. data is NULL where there is none. */
static struct ht_slice find_element(struct ht_slice xml, const char *name)
{
    size_t length = strlen(name);
    char end[32];

    xml.length = xml.length > XML_MAX_BYTES ? XML_MAX_BYTES : xml.length;
    for (size_t i = 0; i + length + 1 < xml.length; i++) {
        char after = xml.data[i + 1 + length];
        if (xml.data[i] != '<' || memcmp(xml.data + i + 1, name, length) != 0 ||
            (after != '>' && after != ' ')) {
            continue;
        }
        const char *start = memchr(xml.data + i, '>', xml.length - i);
        if (start == NULL) {
            break;
        }
        size_t left = xml.length - (size_t)(start + 1 - xml.data);
        int end_length = snprintf(end, sizeof end, "</%s>", name);
        const char *stop = memmem(start + 1, left, end, (size_t)end_length);
        return ht_slice_make(start + 1, stop == NULL ? left : (size_t)(stop - start - 1));
    }
    return (struct ht_slice){0};
}

/* The text up to the next tag, with the five entities of XML resolved. */
static void copy_xml_text(struct ht_slice xml, char *text, size_t size)
{
    static const struct {
        const char *name;
        char byte;
    } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    struct ht_buffer out;

    ht_buffer_init(&out, size);
    for (size_t i = 0; i < xml.length && xml.data[i] != '<' && out.length < size; i++) {
        char byte = xml.data[i];
        struct ht_slice rest = ht_slice_make(xml.data + i, xml.length - i);
        for (size_t k = 0; byte == '&' && k < HT_COUNT_OF(entities); k++) {
            if (ht_slice_starts_with(rest, ht_slice_text(entities[k].name))) {
                byte = entities[k].byte;
                i += strlen(entities[k].name) - 1;
                break;
            }
        }
        ht_buffer_append_byte(&out, byte);
    }
    copy_text(ht_slice_trim(ht_buffer_slice(&out)), text, size);
    ht_buffer_finish(&out);
}

/* "com.amazonaws.x#Name:http://..." is Name: the rule of botocore. */
static void cut_code(struct ht_slice whole, char *code, size_t size)
{
    const char *colon = whole.length == 0 ? NULL : memchr(whole.data, ':', whole.length);
    if (colon != NULL) {
        whole.length = (size_t)(colon - whole.data);
    }
    const char *hash = whole.length == 0 ? NULL : memrchr(whole.data, '#', whole.length);
    if (hash != NULL) {
        whole = ht_slice_make(hash + 1, whole.length - (size_t)(hash + 1 - whole.data));
    }
    copy_text(ht_slice_trim(whole), code, size);
}

/* Cut where a character of UTF-8 begins; no control characters, and '?' for what is no UTF-8. */
static void copy_text(struct ht_slice from, char *text, size_t size)
{
    size_t length = from.length < size ? from.length : size - 1;

    while (length < from.length && length > 0 &&
           ((unsigned char)from.data[length] & 0xc0u) == 0x80u) {
        length--;
    }
    for (size_t i = 0; i < length;) {
        struct ht_slice rest = ht_slice_make(from.data + i, length - i);
        size_t bytes = ht_slice_character_bytes(rest);
        memcpy(text + i, rest.data, bytes);
        if (bytes <= 1) {
            unsigned char byte = (unsigned char)rest.data[0];
            text[i] = bytes == 0 ? '?' : byte < ' ' || byte == 0x7f ? ' ' : rest.data[0];
            bytes = 1;
        }
        i += bytes;
    }
    text[length] = '\0';
}

/* The code says it, else the status. */
static enum ht_aws_fault judge(const struct ht_aws_reply *reply,
                               const struct ht_aws_failure *failure)
{
    const struct code_meaning *meaning = find_meaning(ht_slice_text(failure->code));

    if (ht_aws_failure_may_be_skew(failure) &&
        (strstr(failure->message, "Signature expired") != NULL ||
         strstr(failure->message, "not yet current") != NULL)) {
        return HT_AWS_FAULT_SKEW;
    }
    if (meaning != NULL) {
        return meaning->fault;
    }
    switch (reply->http_status) {
    case 429:
        return HT_AWS_FAULT_THROTTLED;
    case 503:
        return reply->service == HT_AWS_S3 ? HT_AWS_FAULT_THROTTLED : HT_AWS_FAULT_TRANSIENT;
    case 408:
    case 500:
    case 502:
    case 504:
        return HT_AWS_FAULT_TRANSIENT;
    default:
        return HT_AWS_FAULT_FINAL;
    }
}

enum ht_aws_fault ht_aws_failure_classify(enum ht_aws_service service, struct ht_slice code)
{
    const struct code_meaning *meaning = find_meaning(code);

    if (service == HT_AWS_S3 && ht_slice_equal(code, HT_SLICE("ServiceUnavailable"))) {
        return HT_AWS_FAULT_THROTTLED;
    }
    return meaning == NULL ? HT_AWS_FAULT_FINAL : meaning->fault;
}

static const struct code_meaning *find_meaning(struct ht_slice code)
{
    for (size_t i = 0; code.length > 0 && i < HT_COUNT_OF(meanings); i++) {
        if (ht_slice_equal(code, ht_slice_text(meanings[i].code))) {
            return &meanings[i];
        }
    }
    return NULL;
}

bool ht_aws_failure_may_be_skew(const struct ht_aws_failure *failure)
{
    static const char *const codes[] = {
        "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
        "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture"};

    for (size_t i = 0; i < HT_COUNT_OF(codes); i++) {
        if (strcmp(failure->code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool ht_aws_failure_is_about_keys(const struct ht_aws_failure *failure)
{
    static const char *const codes[] = {
        "InvalidSignatureException",          "SignatureDoesNotMatch", "AuthFailure",
        "IncompleteSignatureException",       "IncompleteSignature",   "MissingAuthenticationToken",
        "MissingAuthenticationTokenException"};

    for (size_t i = 0; i < HT_COUNT_OF(codes); i++) {
        if (strcmp(failure->code, codes[i]) == 0) {
            return true;
        }
    }
    return failure->fault == HT_AWS_FAULT_CREDENTIALS;
}

int ht_aws_failure_status(const struct ht_aws_failure *failure)
{
    const struct code_meaning *meaning = find_meaning(ht_slice_text(failure->code));

    if (meaning != NULL && meaning->status != 0) {
        return meaning->status;
    }
    switch (failure->fault) {
    case HT_AWS_FAULT_NONE:
        return 0;
    case HT_AWS_FAULT_THROTTLED:
        return HT_EBUSY;
    case HT_AWS_FAULT_TRANSIENT:
        return HT_EIO;
    case HT_AWS_FAULT_CREDENTIALS:
    case HT_AWS_FAULT_SKEW:
        return HT_EPERMISSION;
    case HT_AWS_FAULT_FINAL:
        break;
    }
    switch (failure->http_status) {
    case 401:
    case 403:
        return HT_EPERMISSION;
    case 404:
        return HT_ENOTFOUND;
    case 412:
        return HT_EEXIST;
    default:
        return failure->http_status >= 500 ? HT_EIO : HT_EINVAL;
    }
}

bool ht_aws_failure_find_region(const struct ht_aws_reply *reply, char region[HT_AWS_REGION_BYTES])
{
    struct ht_slice text =
        ht_http_header_find(reply->headers, reply->header_count, "x-amz-bucket-region");

    if (text.length == 0 && reply->body.length > 0) {
        text = find_element(reply->body, "Region");
    }
    copy_text(text, region, HT_AWS_REGION_BYTES);
    return text.length < HT_AWS_REGION_BYTES && ht_aws_region_is_valid(region);
}
