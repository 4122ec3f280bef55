// SPDX-License-Identifier: MIT
#pragma once

/**
 * The client's objects: the client with what is known of each service, and the attempts of one
 * call. client.c makes and ends both, client_call.c goes from step to step, client_request.c makes
 * the signed request, client_answer.c judges what came.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/aws/failure.h"
#include "hashtagd/aws/retry.h"
#include "hashtagd/aws/settings.h"
#include "hashtagd/aws/sigv4.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/log.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"

#define HT_AWS_BUCKET_BYTES 64 /* S3: at most 63 characters */

/** What is known of one service. */
struct aws_service_state {
    struct ht_aws_service_counters counters;
    struct ht_aws_retry_quota quota;
    struct ht_sigv4_key_cache key_cache;
    char *endpoint; /**< owned, "https://host[:port]"; NULL until first used */
};

struct ht_aws_client {
    uint32_t magic;
    struct ht_aws_client_options options;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct aws_service_state services[HT_AWS_SERVICE_COUNT];
    struct ht_aws_attempts *running; /**< list */
    struct ht_aws_attempts *spare;   /**< list of attempts without a call, kept for the next */
    size_t spare_count;
    /* S3: where the bucket that was asked for last turned out to be */
    char bucket[HT_AWS_BUCKET_BYTES], bucket_region[HT_AWS_REGION_BYTES];
    /* calls that memory was out for */
    struct ht_aws_call *lost;
    struct ht_aws_attempts *nobody; /**< owned: what they have as their state */
    struct ht_timer lost_timer;
    /* end */
    bool is_closing;
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** What the timer of a call is set for. */
enum aws_step {
    AWS_STEP_NONE,
    AWS_STEP_HASH, /**< the next part of a large body */
    AWS_STEP_TRY,  /**< the next attempt */
    AWS_STEP_END,  /**< `done`, with the status that the call has */
};

/** One running call. */
struct ht_aws_attempts {
    uint32_t magic;
    struct ht_aws_client *client;
    struct ht_aws_call *call;
    struct ht_aws_attempts *next, *previous;
    enum aws_step step;
    struct ht_timer timer; /**< for `step` */
    struct ht_http_transfer *transfer;
    struct ht_aws_credentials_request keys_request;
    bool waits_for_keys;
    struct ht_aws_keys *keys; /**< of the attempt that runs; held */
    struct ht_aws_retry retry;
    bool is_canceled;
    /* what was corrected already, each once a call */
    bool has_refused_keys, has_corrected_skew, has_resent, has_moved;
    char region[HT_AWS_REGION_BYTES];       /**< S3: another than the client's; "" where not */
    char payload_hash[HT_SIGV4_HASH_BYTES]; /**< "" until made */
    struct ht_digest_sha256 hashing;        /**< of a large body, as far as */
    size_t hashed_bytes;
    char invocation_id[37]; /**< the same for all attempts */
    char target[96];        /**< X-Amz-Target */
    char attempt_text[40];  /**< amz-sdk-request */
    char *other_endpoint;   /**< owned; of `region` */
    struct ht_buffer url;
    struct ht_sigv4_result signature;
    struct ht_buffer answer; /**< of the last attempt */
    struct ht_error error;   /**< why it failed, where no service said */
};

/** The signed request of one attempt. Slices live as long as the attempts, or as the call. */
struct aws_request {
    struct ht_http_header headers[48];
    size_t header_count;
};

static inline struct aws_service_state *aws_service_of(const struct ht_aws_attempts *attempts)
{
    return &attempts->client->services[attempts->call->service];
}

/* --- client_request.c --- */

/** Makes URL, headers and signature of the next attempt. HT_EINVAL (no region, a header or a
 * bucket that cannot be sent), HT_ENOMEM, HT_ETOOBIG. */
int ht_aws_request_make(struct ht_aws_attempts *attempts, struct aws_request *request,
                        struct ht_error *error) HT_MUST_CHECK;

/** S3: whether the bucket goes into the path. Pure. */
bool ht_aws_request_uses_path_style(struct ht_slice endpoint, struct ht_slice bucket,
                                    bool is_overridden);

/* --- client_answer.c --- */

/** What to do after an attempt. */
enum aws_verdict {
    AWS_VERDICT_END,   /**< well or not: call->status says it */
    AWS_VERDICT_AGAIN, /**< at once */
    AWS_VERDICT_WAIT,  /**< and then again: `*delay_ms` */
};

/** Judges: fills the call's status and failure, learns the clock's skew, corrects what can be
 * corrected. `result`'s body was moved into attempts->answer. */
enum aws_verdict ht_aws_answer_judge(struct ht_aws_attempts *attempts,
                                     const struct ht_http_result *result, uint64_t *delay_ms);

/** Puts the words of a failed call into call->error. */
void ht_aws_answer_tell(struct ht_aws_attempts *attempts);

/* --- client_call.c --- */

/** Tells one of the calls that memory was out for; the client's lost_timer calls it. */
void ht_aws_call_tell_lost(struct ht_timer *timer);

/** Cancels; `done` follows on a later turn. */
void ht_aws_attempts_cancel(struct ht_aws_attempts *attempts);

/* --- client.c --- */

/** The attempts for a new call, in the client's list; NULL where memory is out. */
struct ht_aws_attempts *ht_aws_client_take_attempts(struct ht_aws_client *client,
                                                    struct ht_aws_call *call);

/** The call is over: gives them back. */
void ht_aws_client_give_attempts(struct ht_aws_attempts *attempts);
