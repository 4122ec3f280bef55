// SPDX-License-Identifier: MIT
#pragma once

/**
 * The configuration as text for people: what is in effect, what there is, and the page of the
 * manual. All of it comes from the table.
 */

#include "config_table.h"

#include "hashtagd/base/buffer.h"

/** Appends a line a key: key = value # where it came from. Secrets are "***". */
void ht_config_show_effective(struct ht_config *config, struct ht_buffer *out);

/** Appends every key with its default, what it accepts and what it means. */
void ht_config_show_defaults(struct ht_buffer *out);

/** Appends docs/configuration.md. */
void ht_config_show_markdown(struct ht_buffer *out);
