// SPDX-License-Identifier: MIT
#include "archive_fault.h"

#include "hashtagd/base/assert.h"

struct cure {
    enum ht_aws_service service;
    const char *code;    /* as the service names it; NULL: by the status alone */
    int http_status;     /* where the answer had no code */
    const char *problem; /* behind the resource */
    const char *cure;
};

/* Source: the error lists of PutRecordBatch and PutObject in the AWS API references. */
static const struct cure cures[] = {
    {HT_AWS_FIREHOSE, "ResourceNotFoundException", 0, "is not there",
     "make it with `hashtagd setup`, or correct archive.name or the region"},
    {HT_AWS_FIREHOSE, "AccessDeniedException", 0, "may not be written to",
     "give these credentials the permission firehose:PutRecordBatch"},
    {HT_AWS_FIREHOSE, "InvalidKMSResourceException", 0, "cannot use its encryption key",
     "enable the key and let the delivery stream use it"},
    {HT_AWS_FIREHOSE, "InvalidSourceException", 0, "takes no records from programs",
     "name one of the type DirectPut in archive.name"},
    {HT_AWS_S3, "NoSuchBucket", 404, "is not there",
     "make it with `hashtagd setup`, or correct archive.name"},
    {HT_AWS_S3, "AccessDenied", 403, "may not be written to",
     "give these credentials the permission s3:PutObject, and look at the bucket's policy"},
    {HT_AWS_S3, "AllAccessDisabled", 0, "is closed by its owner", "use another bucket"},
    {HT_AWS_S3, "InvalidBucketName", 0, "has a name that no bucket has", "correct archive.name"},
    {HT_AWS_S3, "PermanentRedirect", 301, "is in another region", "set AWS_REGION to the bucket's"},
    {HT_AWS_S3, "TemporaryRedirect", 307, "answers in another region",
     "set AWS_REGION to the bucket's; a new bucket needs some hours"},
    {HT_AWS_S3, "AuthorizationHeaderMalformed", 0, "is in another region",
     "set AWS_REGION to the bucket's"},
    {HT_AWS_S3, "IllegalLocationConstraintException", 0, "is in another region",
     "set AWS_REGION to the bucket's"},
    {HT_AWS_S3, "SignatureDoesNotMatch", 0, "does not accept our signature",
     "correct the secret access key"},
    {HT_AWS_S3, "InvalidAccessKeyId", 0, "does not know the access key",
     "correct the access key id"},
};

static const struct cure *find(const struct ht_aws_call *call)
{
    struct ht_slice code = ht_slice_text(call->failure.code);
    for (size_t i = 0; i < HT_COUNT_OF(cures); i++) {
        bool is_named = code.length > 0 && ht_slice_equal(code, ht_slice_text(cures[i].code));
        bool is_meant = code.length == 0 && cures[i].http_status != 0 &&
                        cures[i].http_status == call->failure.http_status;
        if (cures[i].service == call->service && (is_named || is_meant)) {
            return &cures[i];
        }
    }
    return NULL;
}

static bool needs_a_person(const struct ht_aws_call *call)
{
    return call->failure.fault == HT_AWS_FAULT_FINAL ||
           call->failure.fault == HT_AWS_FAULT_CREDENTIALS ||
           call->failure.fault == HT_AWS_FAULT_SKEW;
}

void ht_archive_fault_read(struct ht_archive_fault *fault, const struct ht_aws_call *call,
                           const char *region, struct ht_slice bucket_region)
{
    const struct cure *cure = find(call);
    const struct ht_aws_failure *failure = &call->failure;
    fault->error = call->error;
    fault->state = cure != NULL || needs_a_person(call) ? HT_HEALTH_FAILED : HT_HEALTH_WAITING;
    if (cure == NULL) {
        return;
    }
    /* the service's own words come last: where the text is cut, they are what goes */
    (void)ht_error_set(&fault->error, call->status,
                       "The %s %s (region %s%s%.*s): %s. %s said %s, request id %s%s%s",
                       call->resource, cure->problem, region == NULL ? "unknown" : region,
                       bucket_region.length > 0 ? ", it is in " : "", (int)bucket_region.length,
                       bucket_region.length > 0 ? bucket_region.data : "", cure->cure,
                       ht_aws_service_name(call->service),
                       failure->code[0] == '\0' ? "no more" : failure->code,
                       failure->request_id[0] == '\0' ? "unknown" : failure->request_id,
                       failure->message[0] == '\0' ? "." : ": ", failure->message);
}
