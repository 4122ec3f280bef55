// SPDX-License-Identifier: MIT
#pragma once

/**
 * Who this daemon is to others that read the same stream: a text that is made once and kept in
 * the data directory, so that a restarted daemon takes its own leases back at once.
 */

#include "hashtagd/backends/data_dir.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/random.h"

/** Longest worker id with its end mark. */
#define HT_WORKER_ID_BYTES 96

/** Reads data.dir/worker-id into `id`, or makes it: the machine's name and a random number. HT_EIO
 * or HT_EPERMISSION where the file cannot be read or written. Before the loop runs. */
int ht_worker_id_load(const struct ht_data_dir *data_dir, struct ht_random *random,
                      char id[HT_WORKER_ID_BYTES], struct ht_error *error) HT_MUST_CHECK;
