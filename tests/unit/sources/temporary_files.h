// SPDX-License-Identifier: MIT
#pragma once

/** A folder of files that a test makes and removes. */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEMPORARY_FILES_MAX = 16 };

struct temporary_files {
    char folder[64];
    char paths[TEMPORARY_FILES_MAX][128];
    size_t count;
};

static inline void temporary_files_init(struct temporary_files *files)
{
    *files = (struct temporary_files){.folder = "/tmp/hashtagd-test-XXXXXX"};
    HT_ASSERT(mkdtemp(files->folder) != NULL);
}

/** A new file with this content; returns its path. */
static inline const char *temporary_files_add(struct temporary_files *files,
                                              struct ht_slice content)
{
    HT_ASSERT(files->count < TEMPORARY_FILES_MAX);
    char *path = files->paths[files->count];
    char folder[sizeof(files->folder)];
    memcpy(folder, files->folder, sizeof(folder));
    snprintf(path, sizeof(files->paths[0]), "%.63s/%zu", folder, files->count);
    files->count++;
    FILE *file = fopen(path, "wb");
    HT_ASSERT(file != NULL && fwrite(content.data, 1, content.length, file) == content.length);
    HT_ASSERT(fclose(file) == 0);
    return path;
}

static inline void temporary_files_finish(struct temporary_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        unlink(files->paths[i]);
    }
    rmdir(files->folder);
}
