// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes the place of aws/client.h in a test: calls wait in a row until the test answers them, in
 * any order, so that lost answers, throttles and delays are the test's choice. No network, no loop.
 */

#include "hashtagd/aws/client.h"

struct ht_aws_client {
    struct ht_aws_attempts *first, *last; /* calls that wait, in the order of their start */
    size_t waiting;
    size_t started;
};

/* What a call waits with. */
struct ht_aws_attempts {
    struct ht_aws_client *client;
    struct ht_aws_call *call;
    struct ht_aws_attempts *next;
};

/* The oldest call that waits, or NULL. */
struct ht_aws_call *fake_aws_next(struct ht_aws_client *client);

/* Answers with a 2xx and this body. */
void fake_aws_answer(struct ht_aws_call *call, struct ht_slice body);

/* Answers with an error of the service (ProvisionedThroughputExceededException: of a hot partition); `item` (may be empty) is the JSON of the member Item. */
void fake_aws_refuse(struct ht_aws_call *call, const char *code, struct ht_slice item);

/* No answer came. */
void fake_aws_break(struct ht_aws_call *call);
