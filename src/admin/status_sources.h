// SPDX-License-Identifier: MIT
#pragma once

/**
 * What GET /status says of each source: its state, and of a live one its connection.
 */

#include "hashtagd/admin/admin.h"
#include "hashtagd/json/writer.h"

#include <stddef.h>

/** How many sources there are, at least 1. */
size_t ht_status_source_count(const struct ht_admin_context *context);

/** Source `index` (below that count). */
struct ht_source *ht_status_source(const struct ht_admin_context *context, size_t index);

/** Writes the member "sources" of /status. */
void ht_status_write_sources(const struct ht_admin_context *context, struct ht_json_writer *writer);
