// SPDX-License-Identifier: MIT
#pragma once

/**
 * Lets an allocation of the code under test fail.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** After so many more allocations one fails, and then none; SIZE_MAX: none fails. Returns whether
 * the one that was set before has failed. */
bool failing_memory_set(size_t allocations);
