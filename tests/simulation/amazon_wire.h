// SPDX-License-Identifier: MIT
#pragma once

/** What is between a machine and the services: requests on their way there, answers on their way
 * back. */

#include "amazon_internal.h"

struct amazon_machine *amazon_machine_from(const void *pointer);

/** The machine's process was killed. */
void amazon_wires_kill(struct amazon_machine *machine);

/** The machine goes; all its requests are answered. */
void amazon_wires_forget(struct amazon_machine *machine);

/** Drops what is still on its way to the services. */
void amazon_wires_finish(struct amazon *amazon);
