// SPDX-License-Identifier: MIT
#pragma once

/**
 * The conversation with AWS: one signed request with its retries, on the loop. Every operation
 * (aws/kinesis_put_records.h, ...) is written on top of it: it makes the body, starts a call and
 * reads the answer.
 *
 *     keys -> sign -> send -> answer -+-> done
 *              ^                      |
 *              +---- wait <-----------+   throttled, broken, keys expired, clock skewed
 *
 * Each attempt is signed anew. What to try again, and how long to wait, is decided by
 * aws/retry.h. Answers are collected up to a maximum. DynamoDB's checksum is verified. The log
 * names service, operation and request id; never a secret, never a body.
 *
 * Life: ht_aws_client_create(), calls, ht_aws_client_close(). Loop thread only.
 */

#include "hashtagd/aws/credentials.h"
#include "hashtagd/aws/service.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"

struct ht_aws_client;
struct ht_aws_attempts;

/** What a failed call means for whoever asked. */
enum ht_aws_fault {
    HT_AWS_FAULT_NONE,
    HT_AWS_FAULT_THROTTLED, /**< ask less often */
    HT_AWS_FAULT_TRANSIENT, /**< connection, 5xx, wrong checksum: nobody knows whether it took effect */
    HT_AWS_FAULT_CREDENTIALS, /**< none, expired, unknown key */
    HT_AWS_FAULT_SKEW,        /**< the clocks disagree, also after correction */
    HT_AWS_FAULT_FINAL,       /**< the same again would fail the same way */
};

/** What the service said. Zeroed where nothing failed. */
struct ht_aws_failure {
    enum ht_aws_fault fault;
    int http_status;      /**< 0 where no answer came */
    char code[96];        /**< "ResourceNotFoundException", prefixes cut off; "" where none */
    char message[512];    /**< the service's words; "" where none */
    char request_id[160]; /**< "" where none */
};

/** One call. The struct is the caller's and stays in place until `done`. */
struct ht_aws_call {
    /* what to ask; fill, zero the rest */
    enum ht_aws_service service;
    const char *operation;  /**< "PutRecords": X-Amz-Target, and for people. Static, not NULL */
    const char *resource;   /**< for people: "stream twitter_bigdata"; the caller's until `done`;
                              *   may be NULL */
    struct ht_slice body;   /**< the caller's until `done` */
    const char *method;     /**< NULL: "POST" */
    struct ht_slice path;   /**< REST: percent-encoded, begins with '/'; empty: "/" */
    struct ht_slice query;  /**< REST: percent-encoded, without '?' */
    struct ht_slice bucket; /**< S3: put in front of the host or into the path, by S3's rules */
    const struct ht_http_header
        *headers; /**< more headers, the caller's until `done`; a Content-Type
                                           *   among them takes the place of the service's */
    size_t header_count;
    struct ht_slice
        payload_hash;        /**< hex SHA-256 of `body` where it was made already, as on a worker
                                   *   for a large one; empty: the client makes it */
    size_t max_answer_bytes; /**< 0: 1 MiB */
    uint64_t timeout_ms;     /**< an attempt; 0: 30 s */
    unsigned max_attempts;   /**< 0: settings, else the service's default; 1: never again. Requests
                              *   that a service refused for the keys, the clock or the region, and
                              *   so did not look at, are corrected and sent again all the same */
    int refusal; /**< HT_E... where what is asked for makes no sense: nothing is sent, the call ends
                  *   with this status on a later turn; 0: it is sent */
    void (*done)(struct ht_aws_call *call); /**< once, last, never from inside start or cancel */
    void *user;                             /**< the caller's */
    /* what came */
    int status; /**< 0: a 2xx answer; else HT_EBUSY (throttled), HT_ECONNECTION, HT_ETIMEDOUT,
                 *   HT_EPERMISSION (credentials, permissions), HT_ENOTFOUND (no such resource),
                 *   HT_EEXIST (a condition failed, a name is taken), HT_EINVAL (refused as wrong),
                 *   HT_ETOOBIG (answer over its maximum), HT_EIO (5xx), HT_ECANCELED, HT_ENOMEM */
    struct ht_error error;         /**< names service, operation, resource, code, request id */
    struct ht_aws_failure failure; /**< of the last attempt */
    struct ht_buffer answer; /**< the body of the last answer, of errors too; valid during `done`
                              *   and the client's: keep it with ht_aws_call_take_answer() */
    const struct ht_http_header *answer_headers; /**< valid during `done` */
    size_t answer_header_count;
    unsigned attempts;       /**< how many were made */
    uint64_t answer_time_ms; /**< from sending the last attempt to its answer */
    /* private */
    struct ht_aws_attempts *state;  /**< private */
    struct ht_aws_call *next_lost;  /**< private */
    struct ht_buffer *answer_owner; /**< private */
};

/** What a client works with; pointers are borrowed and outlive it. */
struct ht_aws_client_options {
    struct ht_loop *loop;
    struct ht_http_client *http;
    struct ht_aws_credentials *credentials;
    const struct ht_aws_settings *settings;
    struct ht_random *random;
    const struct ht_log *log; /**< may be NULL */
};

/** Figures of one service, for metrics and status. */
struct ht_aws_service_counters {
    uint64_t calls;     /**< ended, well or not */
    uint64_t attempts;  /**< requests sent */
    uint64_t throttled; /**< answers that were a throttle */
    uint64_t transient; /**< attempts that broke */
    uint64_t failed;    /**< calls that failed in the end */
    uint64_t sent_bytes, received_bytes;
    int64_t skew_ms;    /**< server's clock less ours, as last used for signing */
    unsigned in_flight; /**< calls */
};

/** Makes a client. `*client` is the caller's. HT_ENOMEM. */
int ht_aws_client_create(struct ht_aws_client **client, const struct ht_aws_client_options *options,
                         struct ht_error *error) HT_MUST_CHECK;

/** Starts a call. What cannot even be started is told by `done` too. May be called from anywhere on
 * the loop's thread. */
void ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call);

/** During `done`: moves the answer's body into `answer` (which must be empty: initialized, zeroed or
 * finished), whose owner the caller is from now on. */
void ht_aws_call_take_answer(struct ht_aws_call *call, struct ht_buffer *answer);

/** Ends a running call: `done` follows with HT_ECANCELED on a later turn. A call that is not
 * running is left alone. */
void ht_aws_call_cancel(struct ht_aws_call *call);

/** Whether the call was started and `done` was not yet called. */
static inline bool ht_aws_call_is_running(const struct ht_aws_call *call)
{
    return call->state != NULL;
}

/** The region that the client works in; NULL where none is known (yet). */
const char *ht_aws_client_region(const struct ht_aws_client *client);

/** The figures of a service; owned by the client. Never NULL. */
const struct ht_aws_service_counters *ht_aws_client_counters(const struct ht_aws_client *client,
                                                             enum ht_aws_service service);

/** Seconds until the credentials expire; as ht_aws_credentials_seconds_left(). */
int64_t ht_aws_client_credentials_seconds_left(const struct ht_aws_client *client);

/** Cancels what runs, frees the client, then calls on_closed (may be NULL) once, never from inside.
 * NULL is fine: nothing happens. */
void ht_aws_client_close(struct ht_aws_client *client, void (*on_closed)(void *user), void *user);
