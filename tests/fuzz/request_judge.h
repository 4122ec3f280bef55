// SPDX-License-Identifier: MIT
#pragma once

/**
 * A second reader of HTTP/1.1 requests, slow and strict: what it takes has one meaning for every
 * server and proxy there is. The program may refuse more than it does, but must take nothing that
 * it does not, and find the same method, target and body (RFC 9112; the shapes of request smuggling).
 */

#include "fuzz.h"

struct request_judged {
    struct ht_slice method, target;
    struct ht_buffer body; /* the caller's; init before, cleared by judge */
    const char *fault;     /* what is unclear, of the head first; NULL: nothing */
    bool is_head_clear;    /* whether the fault is the body's */
};

/** Takes the first request off the front of `*rest`. */
void request_judge(struct ht_slice *rest, struct request_judged *judged);
