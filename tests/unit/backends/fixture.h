// SPDX-License-Identifier: MIT
#pragma once

/** A directory of its own, a loop and a worker for tests of the backends. */

#include "hashtagd/base/log.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

#include <stddef.h>
#include <stdint.h>

struct fixture {
    char directory[64];
    struct ht_clock clock;
    struct ht_loop *loop;
    struct ht_worker *worker;
    char log_path[96];
    struct ht_log log; /* writes to log_path */
};

/* cmocka's setup and teardown; teardown fails where a handle is left. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Runs the loop until fixture_stop() is called. */
void fixture_run(struct fixture *fixture);
void fixture_stop(void *fixture);

/* Runs the loop for a while. */
void fixture_run_ms(struct fixture *fixture, uint64_t ms);

/* "<directory>/<name>" in one of a few static places that are used in turn. */
const char *fixture_path(struct fixture *fixture, const char *name);

/* Whole content of a file, with an end mark; length may be NULL. The caller frees it. */
char *fixture_read_file(const char *path, size_t *length);
void fixture_write_file(const char *path, const void *data, size_t length);

/* How often `text` stands in the log. */
size_t fixture_log_count(struct fixture *fixture, const char *text);

/* Names in a directory, dot names left out, sorted; freed by fixture_free_names. */
char **fixture_list(const char *path, size_t *count);
void fixture_free_names(char **names, size_t count);

/* Mounts a tmpfs of `kib` at `path`, which it makes; false where that is not allowed (says so). */
bool fixture_mount_small(const char *path, unsigned kib);
void fixture_unmount(const char *path);
