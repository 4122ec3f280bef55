// SPDX-License-Identifier: MIT
#pragma once

/**
 * `hashtagd put` in parts: files are read and taken apart (put_files.c), messages go in chunks to
 * the running daemon (put_daemon.c, its answers in put_answer.c) or straight into the stream where
 * none runs, or where it is at Amazon (put_store.c), and what is skipped is listed, file and line
 * (put_report.c).
 */

#include "config.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A chunk is sent when it has so many messages or bytes. */
#define HT_PUT_CHUNK_MESSAGES 2000
#define HT_PUT_CHUNK_BYTES    (1024 * 1024)

/** How many skipped messages are listed; the others are only counted. */
#define HT_PUT_MAX_LISTED 100

/** Longest reason, its end mark included. */
#define HT_PUT_REASON_BYTES 160

/** A message of a chunk, and what became of it. */
struct ht_put_entry {
    size_t offset, length;            /* in the chunk's bytes, without the line end behind it */
    const char *file;                 /* borrowed; as the user named it */
    uint64_t line;                    /* where it begins in the file */
    char reason[HT_PUT_REASON_BYTES]; /* empty: accepted */
};

/** Messages on their way, one a line. */
struct ht_put_chunk {
    struct ht_buffer bytes;
    struct ht_put_entry *entries; /* owned; HT_PUT_CHUNK_MESSAGES of them */
    size_t count;
};

/** Where messages go. */
struct ht_put_sink {
    /** Puts the chunk and waits until it is durable; writes the reason into each entry that was not
     * accepted. 0, or why nothing is known of the chunk; `error` says what to do. */
    int (*send)(struct ht_put_sink *sink, struct ht_put_chunk *chunk, struct ht_error *error);
    void (*close)(struct ht_put_sink *sink); /* frees it */
};

/** What happened so far. */
struct ht_put_report {
    bool is_terminal;      /* stderr is one: show progress */
    uint64_t put;          /* messages accepted */
    uint64_t skipped;      /* messages that are none, or were refused */
    uint64_t listed;       /* of the skipped */
    uint64_t failed_files; /* that could not be read to their end */
    uint64_t read_bytes;   /* of all files */
    uint64_t total_bytes;  /* of all files, where known; else 0 */
    uint64_t started_ns, shown_ns;
    size_t progress_columns; /* of the progress line that stands there; 0: none */
};

/** Makes a sink to the running daemon. HT_ENOTFOUND or HT_ECONNECTION where none runs. */
int ht_put_daemon_open(struct ht_put_sink **sink, const struct ht_config *config,
                       struct ht_error *error) HT_MUST_CHECK;

/** What the daemon answered to a chunk. */
struct ht_put_answer {
    int status;           /* of HTTP */
    struct ht_slice body; /* borrowed */
    const char *url;      /* borrowed; the daemon's, for messages */
};

/** Writes the reason into each entry of `chunk` that the daemon refused. HT_ENOTFOUND, `error` left
 * alone, where the answer says nothing of tweets; HT_ENOMEM and HT_EIO where what became of them cannot
 * be read. */
int ht_put_answer_read(const struct ht_put_answer *answer, struct ht_put_chunk *chunk,
                       struct ht_error *error) HT_MUST_CHECK;

/** Makes a sink straight into the stream: the data directory, HT_EBUSY where a daemon has it; or
 * Kinesis. `environment` is NAME=value, ended by NULL. */
int ht_put_store_open(struct ht_put_sink **sink, const struct ht_config *config,
                      const char *const *environment, struct ht_error *error) HT_MUST_CHECK;

/** Reads the files (paths, "-" for stdin) into the sink. 0, or why it cannot go on; files that
 * cannot be read are told and passed over. */
int ht_put_files(struct ht_put_sink *sink, const char *const *files, size_t count,
                 struct ht_put_report *report, struct ht_error *error) HT_MUST_CHECK;

/** A message was skipped. */
void ht_put_report_skip(struct ht_put_report *report, const char *file, uint64_t line,
                        const char *reason);

/** A file cannot be read (on). */
void ht_put_report_failure(struct ht_put_report *report, const char *file, const char *reason);

/** Shows how far it is, at most ten times a second. */
void ht_put_report_progress(struct ht_put_report *report, uint64_t now_ns);

/** The last lines: put, skipped, seconds. */
void ht_put_report_end(struct ht_put_report *report, uint64_t now_ns);
