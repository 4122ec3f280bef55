// SPDX-License-Identifier: MIT
#pragma once

/**
 * The variables of other programs' making that parts of this one read: Amazon's own and the
 * secrets of the Twitter API. They are no keys of the configuration; `hashtagd config` tells which
 * of them are set.
 */

#include "hashtagd/base/buffer.h"

/** Appends a line for each of them that is set in `environment` (NAME=value, ended by NULL), the
 * secret ones as "***". */
void ht_config_show_variables(const char *const *environment, struct ht_buffer *out);
