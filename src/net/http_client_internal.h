// SPDX-License-Identifier: MIT
#pragma once

/**
 * The client's two objects: the client drives curl's multi handle, a transfer is one easy
 * handle with its callbacks. curl must not be entered again from inside one of its own
 * callbacks, so `inside_curl` tells whether we are in one, and what is asked then is put off.
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"

#include <curl/curl.h>
#include <uv.h>

struct ht_http_client {
    uint32_t magic;
    /* fixed after create */
    uv_loop_t *uv;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    CURLM *multi;
    /* changing */
    struct ht_timer timer; /* curl's own */
    struct ht_http_transfer *transfers;
    unsigned inside_curl;
    size_t open_poll_count; /* handles not closed yet */
    /* end */
    bool is_closing;
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

struct ht_http_transfer {
    uint32_t magic;
    /* fixed after start */
    struct ht_http_client *client;
    ht_http_on_head_fn on_head;
    ht_http_on_data_fn on_data;
    ht_http_on_done_fn on_done;
    void *user;
    CURL *easy;
    struct curl_slist *request_headers;
    size_t max_response_bytes;
    struct ht_slice unsent; /* of a body that is sent once */
    uint64_t started_ns;
    /* the list of the client */
    struct ht_http_transfer *next, *previous;
    /* changing */
    bool is_added; /* to the multi handle */
    bool is_canceled;
    bool is_head_given;
    bool has_stall_timeout;
    bool is_paused;             /* the caller wants no data */
    bool curl_is_paused;        /* curl was told so */
    int failure;                /* why a callback of ours stopped it: HT_E... */
    struct ht_timer turn_timer; /* to be added, or ended, on the next turn */
    struct ht_timer resume_timer;
    struct ht_buffer response_headers; /* raw lines of the last head */
    size_t header_count;
    struct ht_buffer body;
    char error_text[CURL_ERROR_SIZE + 128];
};

/* --- http_client.c --- */

/** Adds the transfer to the multi handle; not from inside curl. */
void ht_http_client_add(struct ht_http_client *client, struct ht_http_transfer *transfer);

/** Takes it off again; not from inside curl. */
void ht_http_client_remove(struct ht_http_client *client, struct ht_http_transfer *transfer);

/** Ends transfers that curl has finished. */
void ht_http_client_collect(struct ht_http_client *client);

/** A transfer is gone: a client that closes may be able to go on. */
void ht_http_client_transfer_gone(struct ht_http_client *client);

/* --- http_transfer.c --- */

/** The one end of a transfer: takes it down and calls on_done. `result` says what curl told. */
void ht_http_transfer_finish(struct ht_http_transfer *transfer, CURLcode result);

/** Stops it on the next turn with `code`, from wherever. */
void ht_http_transfer_fail(struct ht_http_transfer *transfer, int code);
