// SPDX-License-Identifier: MIT
#include "worker_id.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_id(const char *path, char id[HT_WORKER_ID_BYTES]);
static void make_id(struct ht_random *random, char id[HT_WORKER_ID_BYTES]);
static int write_id(const struct ht_data_dir *data_dir, const char *path, const char *id,
                    struct ht_error *error);

int ht_worker_id_load(const struct ht_data_dir *data_dir, struct ht_random *random,
                      char id[HT_WORKER_ID_BYTES], struct ht_error *error)
{
    char *path = ht_data_dir_join(data_dir, "worker-id");
    if (path == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the worker id.");
    }
    int status = 0;
    if (!read_id(path, id)) {
        make_id(random, id);
        status = write_id(data_dir, path, id, error);
    }
    free(path);
    return status;
}

/* What is no id (empty after a full disk, edited by hand) is made anew. */
static bool read_id(const char *path, char id[HT_WORKER_ID_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fgets(id, HT_WORKER_ID_BYTES, file) != NULL;
    (void)fclose(file);
    if (!is_read) {
        return false;
    }
    id[strcspn(id, "\r\n")] = '\0';
    for (const char *at = id; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return id[0] != '\0';
}

static void make_id(struct ht_random *random, char id[HT_WORKER_ID_BYTES])
{
    char host[64];
    if (gethostname(host, sizeof(host)) != 0) {
        host[0] = '\0';
    }
    host[sizeof(host) - 1] = '\0';
    (void)snprintf(id, HT_WORKER_ID_BYTES, "%s-%08x", host[0] == '\0' ? "hashtagd" : host,
                   (unsigned)ht_random_below(random, UINT64_C(1) << 32));
}

static int write_id(const struct ht_data_dir *data_dir, const char *path, const char *id,
                    struct ht_error *error)
{
    char *temporary = ht_data_dir_join(data_dir, "worker-id.new");
    if (temporary == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the worker id.");
    }
    FILE *file = fopen(temporary, "we");
    bool is_written = file != NULL && fprintf(file, "%s\n", id) > 0 && fflush(file) == 0 &&
                      fsync(fileno(file)) == 0;
    is_written = (file == NULL || fclose(file) == 0) && is_written;
    is_written = is_written && rename(temporary, path) == 0;
    int code = is_written ? 0 : ht_error_from_errno(errno);
    free(temporary);
    return is_written
               ? 0
               : ht_error_set(error, code,
                              "%s cannot be written: see to space and permissions there.", path);
}
