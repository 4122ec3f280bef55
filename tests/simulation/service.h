// SPDX-License-Identifier: MIT
#pragma once

/**
 * Live sources through the real sources/live and sources/reconnect, over a simulated service: one
 * log of messages a source, connections that are refused, stall, are cut in the middle, repeat after
 * a reconnect, and send broken lines.
 *
 * A source with a cursor goes on where the program was; what the service would give again is never
 * lost: sim_service_check() says so at the end. One without starts at the service's tip, and only
 * what it delivered counts.
 */

#include "messages.h"

#include "hashtagd/pipeline/source.h"

enum { SIM_SOURCES_MAX = 3 };

struct sim_service_log {
    uint32_t *numbers; /* owned: messages, in order */
    size_t count, capacity;
    bool has_cursor;
};

/** How the service behaves; per mille of each decision. */
struct sim_service_faults {
    unsigned refused, cut, stalls, broken_line;
};

struct sim_service {
    struct sim *sim;
    struct sim_messages *messages;
    struct sim_service_log logs[SIM_SOURCES_MAX];
    unsigned count;
    struct sim_service_faults faults;
};

void sim_service_init(struct sim_service *service, struct sim *sim, struct sim_messages *messages,
                      unsigned count);
void sim_service_finish(struct sim_service *service);

/** Somebody posts: the message is in the log of one source. */
void sim_service_publish(struct sim_service *service, uint32_t message);

/** Makes the source of a process: one, or several behind one. NULL where there are none. */
struct ht_source *sim_service_source(struct sim_service *service, struct sim_process *process);

/** Whether all that a source with a cursor would give was taken in: it is on the stream, or a dead
 * letter. With `fails` one that is missing is a failure. */
bool sim_service_is_taken(struct sim_service *service, bool fails);
