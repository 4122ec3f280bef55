// SPDX-License-Identifier: MIT
#pragma once

/**
 * The client's objects: the client drives curl's multi handle; a member is one easy handle in
 * it, a transfer or a WebSocket. curl must not be entered again from inside one of its own
 * callbacks, so `inside_curl` tells whether we are in one, and what is asked then is put off.
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"

#include <curl/curl.h>
#include <uv.h>

/** One easy handle of the client; the first member of what it belongs to. */
struct ht_http_member {
    struct ht_http_client *client;
    CURL *easy;
    struct ht_http_member *next, *previous; /* the list of the client */
    bool is_added;                          /* to the multi handle */
    /* curl has done what the handle was for; from no callback of curl's */
    void (*on_result)(struct ht_http_member *member, CURLcode result);
    /* stops it on the next turn with HT_E..., from wherever */
    void (*fail)(struct ht_http_member *member, int code);
    /* the client closes */
    void (*cancel)(struct ht_http_member *member);
};

struct ht_http_client {
    uint32_t magic;
    /* fixed after create */
    uv_loop_t *uv;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    CURLM *multi;
    const char *ca_file; /* foreign; NULL: the system's */
    /* changing */
    struct ht_timer timer; /* curl's own */
    struct ht_http_member *members;
    unsigned inside_curl;
    size_t open_poll_count; /* handles not closed yet */
    /* end */
    bool is_closing;
    struct ht_timer close_timer;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

struct ht_http_transfer {
    struct ht_http_member member; /* first */
    uint32_t magic;
    /* fixed after start */
    ht_http_on_head_fn on_head;
    ht_http_on_data_fn on_data;
    ht_http_on_done_fn on_done;
    void *user;
    struct curl_slist *request_headers;
    size_t max_response_bytes;
    struct ht_slice unsent; /* of a body that is sent once */
    uint64_t started_ns;
    /* changing */
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

/** The file of trusted issuers: `own` where it is not NULL, else the client's; may be NULL. */
const char *ht_http_client_issuers(const struct ht_http_client *client, const char *own);

/** Puts a new member on the client's list. */
void ht_http_client_link(struct ht_http_client *client, struct ht_http_member *member);

/** Takes it off the list and out of the multi handle; not from inside curl. */
void ht_http_client_unlink(struct ht_http_client *client, struct ht_http_member *member);

/** Adds the member to the multi handle; not from inside curl. */
void ht_http_client_add(struct ht_http_client *client, struct ht_http_member *member);

/** An unlinked member has told its end: a client that closes may be able to go on. */
void ht_http_client_member_gone(struct ht_http_client *client);

/** Gives members the results that curl has for them. */
void ht_http_client_collect(struct ht_http_client *client);

/** A poll handle that somebody else opened on the client's account is closed. */
void ht_http_client_poll_closed(struct ht_http_client *client);
