// SPDX-License-Identifier: MIT
#pragma once

/**
 * A deletion as JSON, for GET /archive and the event `deleted`.
 */

#include "hashtagd/json/writer.h"
#include "hashtagd/pipeline/archiver.h"

/** Writes `record` as an object; with `is_event` it has the member `archived`, and what is known
 * only of archived ones is left out of others. */
void ht_deletion_format(const struct ht_archiver_record *record, bool is_event,
                        struct ht_json_writer *writer);

/** "user", "ttl" or "unknown". Static. */
const char *ht_deletion_origin_name(enum ht_origin origin);
