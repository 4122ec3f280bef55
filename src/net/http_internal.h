// SPDX-License-Identifier: MIT
#pragma once

/**
 * The server's three objects and what its files ask of each other.
 *
 *   server      the listener, the limits, the list of connections
 *   connection  one client; owns at most one request at a time
 *   request     what the handler sees; outlives its connection only where the handler did
 *               not say that it wants to hear of the end (ht_http_request_watch)
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_server.h"
#include "http_parser.h"
#include "transport.h"

struct ht_http_request_state;

/** Connections that are taken in one turn of the loop; more wait for the next. */
#define HT_HTTP_ACCEPTS_A_TURN 32

/** What a connection is doing. The graph is at the top of http_connection.c. */
enum ht_http_connection_state {
    HT_HTTP_CONNECTION_HEAD,    /**< waits for a head or reads one */
    HT_HTTP_CONNECTION_HANDLER, /**< the handler has the request; a body that is unread waits */
    HT_HTTP_CONNECTION_BODY,    /**< reads a body */
    HT_HTTP_CONNECTION_STREAM,  /**< sends a stream of events */
    HT_HTTP_CONNECTION_ENDING,  /**< the last answer is on its way out */
    HT_HTTP_CONNECTION_LINGER,  /**< it is out; reads and drops what the client still sends */
    HT_HTTP_CONNECTION_CLOSED,  /**< waits for its handles */
};

struct ht_http_connection {
    uint32_t magic;
    /* fixed after accept */
    struct ht_http_server *server;
    char peer[HT_ADDRESS_TEXT_BYTES];
    /* the list of the server */
    struct ht_http_connection *next, *previous;
    /* in */
    struct ht_transport transport;
    struct ht_buffer input; /* not yet taken apart; from input_offset on */
    size_t input_offset;
    uint64_t skip_bytes; /* of a body that nobody asked for, before the next head */
    struct ht_http_head_scan scan;
    struct ht_http_parser parser;
    struct ht_http_request_state *request; /* owned; NULL where none is running */
    /* state */
    enum ht_http_connection_state state;
    bool peer_ended;  /* the client sends no more */
    bool is_working;  /* inside work(), so that an answer given from a callback waits for it */
    bool close_after; /* the answer said Connection: close */
    bool must_linger; /* the client may still be sending */
    bool had_request; /* at least one head was complete */
    /* time: one timer for the earlier of two deadlines, 0 where there is none */
    struct ht_timer timer;
    struct ht_timer resume_timer; /* work that is put off to the next turn */
    bool is_queued;               /* among those that wait for their share of a turn */
    struct ht_http_connection *queued_before, *queued_next;
    uint64_t timer_due_ns;
    uint64_t state_deadline_ns;
    uint64_t write_deadline_ns;
    uint64_t write_mark_bytes; /* sent when the write deadline was set */
    uint64_t read_mark_bytes;  /* received when the deadline of the state was set */
    uint64_t received_bytes;
    uint64_t counted_sent_bytes; /* that the server's figures have */
    /* a stream of events */
    void (*on_stream_gone)(void *user);
    void *stream_user;
    /* see http_server_load.c */
    bool is_condemned;         /* to be cut in the next turn */
    size_t buffered_bytes;     /* that the server's sum has of this one */
    uint64_t state_since_ns;   /* when the state began */
    uint64_t state_mark_bytes; /* received and sent until then */
};

/** The request as the handler sees it, and what is behind it. */
struct ht_http_request_state {
    struct ht_http_request public; /* first, so that either pointer leads to the other */
    uint32_t magic;
    struct ht_http_connection *connection; /* NULL once the client is gone */
    struct ht_http_parsed_head head;       /* slices into `bytes` */
    struct ht_http_body_wanted wanted;     /* on_body is NULL where no body is wanted */
    ht_http_on_request_fn on_gone;
    void *on_gone_user;
    struct ht_buffer body;
    bool body_is_complete; /* all of it was read */
    bool body_is_handed;   /* on_body was called */
    bool is_gone;          /* on_gone is being called: an answer now is our own mistake */
    uint64_t started_ns;
    char peer[HT_ADDRESS_TEXT_BYTES];
    /* behind the struct: the headers, then the bytes of the head */
};

struct ht_http_server {
    uint32_t magic;
    /* fixed after create */
    struct ht_http_server_options options; /* with the defaults filled in */
    struct ht_http_head_limits head_limits;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_address address;
    char *read_memory; /* owned; one read at a time, so one is enough */
    struct ht_http_body *continue_line;
    /* changing */
    uv_tcp_t listener;
    bool listener_is_open;
    int spare_fd; /* the listening socket once more: it stays while the listener is paused */
    struct ht_timer listen_timer; /* ends the pause */
    bool is_out_of_files;
    struct ht_http_connection *connections;
    size_t connection_count;
    struct ht_http_server_stats stats;
    char date[32];
    int64_t date_s;
    struct ht_buffer scratch; /* for building heads */
    /* see http_server_load.c */
    size_t buffered_bytes; /* input and output of all connections */
    uint64_t turn_used_ns; /* handling requests, in this turn of the loop */
    struct ht_timer turn_timer;
    struct ht_http_connection *queued_first, *queued_last; /* by how long they wait */
    bool is_serving_queue;                                 /* those that wait have their turn */
    unsigned accepted_count;                               /* connections, in this turn */
    struct ht_http_connection *slowest[HT_HTTP_ACCEPTS_A_TURN]; /* of this turn, slowest first */
    size_t slowest_count, slowest_next; /* those before `next` are used up; gone ones are NULL */
    /* end */
    bool is_draining;
    struct ht_timer accept_timer; /* tries again where memory was out */
    struct ht_timer drain_timer;
    struct ht_timer deadline_timer;
    ht_http_on_closed_fn on_closed;
    void *on_closed_user;
};

/* --- http_server.c --- */

/** Logs at debug what happened to a client. */
void ht_http_server_note(const struct ht_http_server *server, const char *message, const char *peer,
                         int status);

/** A connection could not be taken for want of memory: it is tried again in a moment, without which
 * libuv would never accept another. */
void ht_http_server_accept_later(struct ht_http_server *server);

/** A connection is closed; frees it, and the server where it was the last. */
void ht_http_server_forget(struct ht_http_server *server, struct ht_http_connection *connection);

/* --- http_server_load.c --- */

/** Makes the timer. */
void ht_http_load_init(struct ht_http_server *server);

/** Stops it. */
void ht_http_load_finish(struct ht_http_server *server);

/** Whether requests have had their share of this turn of the loop: the rest waits for the next. */
bool ht_http_load_turn_is_over(const struct ht_http_server *server);

/** Whether a connection has to queue up: the turn is over, or others wait already. */
bool ht_http_load_must_wait(const struct ht_http_server *server);

/** Its work goes on in a later turn, behind those that wait already. Again: it keeps its place. */
void ht_http_load_enqueue(struct ht_http_connection *connection);

/** It waits no more; fine where it did not. */
void ht_http_load_leave_queue(struct ht_http_connection *connection);

/** Whether it has work that waits for a later turn. */
bool ht_http_load_is_put_off(const struct ht_http_connection *connection);

/** Time of this turn went into a request. */
void ht_http_load_spend(struct ht_http_server *server, uint64_t spent_ns);

/** What the connection holds may have changed: counts it, and has the one that holds most cut where
 * all together hold too much. */
void ht_http_load_count(struct ht_http_connection *connection);

/** Whether one more connection may be taken in this turn: counts it then. */
bool ht_http_load_may_accept(struct ht_http_server *server);

/** A connection is about to be freed: forgets it. */
void ht_http_load_forget(struct ht_http_connection *connection);

/** All places are taken: closes the connection, other than `newcomer`, whose client moved least for
 * its time. False where none waits for its client. */
bool ht_http_load_make_room(struct ht_http_connection *newcomer);

/* --- http_connection.c --- */

/** Takes the next connection of the listener. */
void ht_http_connection_accept(struct ht_http_server *server);

/** The server drains: idle ones and streams end. */
void ht_http_connection_drain(struct ht_http_connection *connection);

/** Cuts it off; the handler hears of it. */
void ht_http_connection_cut(struct ht_http_connection *connection);

/** The running request was answered: `answer` (one reference, taken over; NULL: memory is out) is to
 * be sent and the request forgotten. `keeps` says whether the answer promised another. */
void ht_http_connection_answered(struct ht_http_connection *connection, struct ht_http_body *head,
                                 struct ht_http_body *body, bool keeps);

/** The one place that every event ends in: sends, holds back, sets deadlines, closes. */
void ht_http_connection_settle(struct ht_http_connection *connection);

/** Answers with the server's own words; nothing more is read from this client. */
void ht_http_connection_refuse(struct ht_http_connection *connection,
                               const struct ht_http_refusal *refusal);

/** Tells the handler, or the owner of a stream, that the client is gone. */
void ht_http_connection_lose(struct ht_http_connection *connection);

/** Closes the handles; the handler has heard or has nothing to hear. Twice is fine. */
void ht_http_connection_close(struct ht_http_connection *connection);

/** Whether so much output waits that no further request is to be answered. */
bool ht_http_connection_output_is_full(const struct ht_http_connection *connection);

/* --- http_connection_input.c --- */

/** Takes the input apart as far as it goes. */
void ht_http_connection_work(struct ht_http_connection *connection);

/** The input that is not taken apart yet; data is never NULL. */
struct ht_slice ht_http_connection_input(const struct ht_http_connection *connection);

/** The handler asked for the body, maybe outside its on_request. */
void ht_http_connection_collect(struct ht_http_connection *connection);

/* --- http_connection_time.c --- */

/** Does the work that was put off. */
void ht_http_connection_resume(struct ht_http_connection *connection);

/** Makes the timers. */
void ht_http_connection_init_timers(struct ht_http_connection *connection);

/** Changes the state and sets its deadline. */
void ht_http_connection_set_state(struct ht_http_connection *connection,
                                  enum ht_http_connection_state state);

/** The first byte of a head has come: its clock starts. */
void ht_http_connection_begin_head(struct ht_http_connection *connection);

/** Sets or ends the deadline of the output. */
void ht_http_connection_watch_output(struct ht_http_connection *connection);

/** Sets the timer to the earlier deadline. */
void ht_http_connection_arm(struct ht_http_connection *connection);

/* --- http_connection_stream.c --- */

/** The running request becomes a stream whose head is `head`; `on_gone` is called at its end. */
void ht_http_connection_stream(struct ht_http_connection *connection, struct ht_http_body *head,
                               void (*on_gone)(void *user), void *user);

/** Sends a piece of the stream; cuts a client whose queue is full. */
void ht_http_connection_stream_send(struct ht_http_connection *connection,
                                    struct ht_http_body *piece);

/** Ends the stream; on_gone is not called. */
void ht_http_connection_stream_end(struct ht_http_connection *connection);

/* --- http_request.c --- */

/** Parses the head and makes the request. 0; HT_EPARSE with `refusal` filled; HT_ENOMEM. */
int ht_http_request_create(struct ht_http_connection *connection, struct ht_slice head,
                           size_t header_count, struct ht_http_refusal *refusal);

/** Frees it. */
void ht_http_request_destroy(struct ht_http_request_state *request);

/** The client is gone: tells the handler, or leaves the request to it. */
void ht_http_request_gone(struct ht_http_request_state *request);

/** The request whose public part this is. */
struct ht_http_request_state *ht_http_request_from(struct ht_http_request *public);

/* --- http_respond.c --- */

/** Appends status line, Date, Connection and the common fields to `out`. */
void ht_http_respond_begin_head(struct ht_http_server *server, int status, bool keeps,
                                struct ht_buffer *out);

/** Appends the fields; HT_EINVAL where one would break the head. */
int ht_http_respond_add_headers(const struct ht_http_header *headers, size_t count,
                                struct ht_buffer *out);

/** Whether the answer to this request may promise to wait for another. */
bool ht_http_respond_keeps(const struct ht_http_request_state *request);

/** A whole problem answer that ends the connection; one reference. NULL where memory is out. */
struct ht_http_body *ht_http_respond_refusal(struct ht_http_server *server,
                                             const struct ht_http_refusal *refusal, bool head_only);
