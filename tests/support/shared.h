// SPDX-License-Identifier: MIT
#pragma once

/**
 * The corpus of real messages for tests and benchmarks: every message of the files in
 * $HT_SHARED/data, one by one. The folder is not part of the repository; where it is absent a
 * test skips and says so.
 *
 *     struct shared_lines lines;
 *     struct ht_slice line;
 *     if (shared_open(&lines))
 *         while (shared_next(&lines, &line))
 *             use(line);
 *     shared_close(&lines);
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/json/json.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

/** A walk over the corpus. Fields are private. */
struct shared_lines {
    glob_t files;
    size_t file;
    struct ht_buffer text; /* of the current file */
    size_t offset;
    struct ht_json *answer; /* an answer with many tweets in it, and the next of them */
    size_t element;
    struct ht_buffer dump;
};

/** Where the data is: $HT_SHARED, else beside the repository. */
static inline const char *shared_root(void)
{
    const char *root = getenv("HT_SHARED");
    return root != NULL && *root != '\0' ? root : HT_SHARED_DEFAULT;
}

/** Starts a walk over `pattern` (relative to the data folder); false where there are no files. */
static inline bool shared_open_pattern(struct shared_lines *lines, const char *pattern)
{
    char path[4096];
    memset(lines, 0, sizeof(*lines));
    ht_buffer_init(&lines->text, 64u << 20);
    ht_buffer_init(&lines->dump, 64u << 20);
    snprintf(path, sizeof(path), "%s/data/%s", shared_root(), pattern);
    return glob(path, GLOB_BRACE, NULL, &lines->files) == 0;
}

/** Starts a walk over all tweets and notices. */
static inline bool shared_open(struct shared_lines *lines)
{
    return shared_open_pattern(lines, "{v11-search,v2,extended-tweet,messages}/*.json*");
}

static inline bool shared_load(struct shared_lines *lines)
{
    char block[65536];
    size_t length;
    if (lines->file >= lines->files.gl_pathc) {
        return false;
    }
    FILE *file = fopen(lines->files.gl_pathv[lines->file++], "rb");
    ht_buffer_clear(&lines->text);
    lines->offset = 0;
    while (file != NULL && (length = fread(block, 1, sizeof(block), file)) > 0) {
        ht_buffer_append(&lines->text, block, length);
    }
    if (file != NULL) {
        fclose(file);
    }
    return true;
}

/** The next message that is valid JSON; it lives until the next call. A v1.1 search answer is taken
 * apart into its tweets; a v2 answer stays whole. */
static inline bool shared_next(struct shared_lines *lines, struct ht_slice *line)
{
    for (;;) {
        const struct ht_json *tweet =
            ht_json_element(ht_json_member(lines->answer, "statuses"), lines->element++);
        if (tweet != NULL) {
            ht_buffer_clear(&lines->dump);
            *line = ht_slice_make(NULL, 0);
            if (ht_json_dump(tweet, &lines->dump) == 0) {
                *line = ht_buffer_slice(&lines->dump);
            }
            return true;
        }
        ht_json_destroy(lines->answer);
        lines->answer = NULL;
        struct ht_slice rest = ht_buffer_slice(&lines->text);
        size_t consumed = 0;
        if (rest.length > lines->offset) {
            rest = ht_slice_make(rest.data + lines->offset, rest.length - lines->offset);
            lines->answer = ht_json_parse_prefix(rest, &consumed, NULL, NULL);
        }
        lines->offset += consumed;
        lines->element = 0;
        if (lines->answer == NULL && !shared_load(lines)) {
            return false;
        }
        if (lines->answer != NULL && ht_json_member(lines->answer, "statuses") == NULL) {
            *line = ht_slice_make(rest.data, consumed);
            return true;
        }
    }
}

/** Ends a walk, finished or not. */
static inline void shared_close(struct shared_lines *lines)
{
    ht_json_destroy(lines->answer);
    ht_buffer_finish(&lines->text);
    ht_buffer_finish(&lines->dump);
    globfree(&lines->files);
}
