// SPDX-License-Identifier: MIT
#pragma once

/** What the operations of Kinesis share: beginning a call, and texts of small answers. */

#include "hashtagd/aws/kinesis.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/reader.h"

/** Bytes that the body of a request with few members may have. */
#define HT_KINESIS_SMALL_BODY_BYTES 8192

/** Fills `call` for the body in `request` and starts it; 0, or the status of the body's buffer:
 * then the body is freed and nothing is started. */
int ht_kinesis_call_start(struct ht_aws_client *client, struct ht_aws_call *call,
                          const char *operation, const char *stream_name,
                          struct ht_kinesis_request *request) HT_MUST_CHECK;

/** Parses an answer into `*root`, which is the caller's, or NULL on errors: HT_EPARSE where it is no
 * JSON, HT_ENOMEM where nobody knows what it is. */
int ht_kinesis_answer_parse(struct ht_slice answer, struct ht_json **root) HT_MUST_CHECK;

/** Makes a call that came back with 2xx one that failed, because its answer cannot be read. `status`
 * HT_EPARSE, `what` is wrong with it, is told as HT_ECONNECTION; at HT_ENOMEM nothing is. */
void ht_kinesis_call_fail(struct ht_aws_call *call, const struct ht_kinesis_request *request,
                          int status, const char *what);

/** Copies a text that must be there and fit; false where it isn't or doesn't. */
bool ht_kinesis_copy(const struct ht_json *text, char *out, size_t capacity);

/** The same for a value of the fast reader. */
bool ht_kinesis_copy_value(const struct ht_json_reader *reader, struct ht_json_value value,
                           char *out, size_t capacity);
