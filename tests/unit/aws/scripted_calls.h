// SPDX-License-Identifier: MIT
#pragma once

/**
 * Takes the place of aws/client in tests of what is written on top of it: a call that is started
 * waits here until the test answers it. Nothing is signed, sent or tried again.
 */

#include "hashtagd/aws/client.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SCRIPTED_BODY_BYTES = 8 * 1024 * 1024,
    SCRIPTED_HEADERS = 16,
};

/* What was asked, copied; of the call that waits, or else of the last one. */
struct scripted_call {
    struct ht_aws_call *call; /* NULL: none waits */
    bool is_canceled;
    size_t started;        /* in all */
    struct ht_buffer body; /* owned */
    char operation[64], method[16], path[2048], query[2048], bucket[128];
    char header_names[SCRIPTED_HEADERS][64], header_values[SCRIPTED_HEADERS][512];
    size_t header_count;
};

/* cmocka's setup and teardown: no call may be left. */
int scripted_setup(void **state);
int scripted_teardown(void **state);

/* The call that waits; fails the test where there is none. */
struct scripted_call *scripted_pending(void);
/* The same without looking whether one waits. */
struct scripted_call *scripted_last(void);

/* The value of a header that was sent, or NULL. */
const char *scripted_header(const char *name);

/* Ends the waiting call. */
void scripted_answer(const char *body);
void scripted_answer_headers(const char *body, const struct ht_http_header *headers, size_t count);
void scripted_fail(int status, enum ht_aws_fault fault, int http_status, const char *code);
void scripted_fail_message(int status, const char *code, const char *message);
void scripted_answer_canceled(void);

/* What the client is in these tests: never looked into. */
struct ht_aws_client *scripted_client(void);
