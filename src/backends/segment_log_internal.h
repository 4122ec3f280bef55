// SPDX-License-Identifier: MIT
#pragma once

/** Layouts and parts of the segment log that its files share; see segment_log.h. */

#include "hashtagd/base/zstd.h"

#include "segment_log.h"

#define HT_SEGMENT_HEADER_BYTES       ((size_t)512)
#define HT_SEGMENT_BLOCK_HEADER_BYTES ((size_t)64)

/** No block holds more: a record of the largest size may come on top of a nearly full one. */
#define HT_SEGMENT_MOST_BLOCK_BYTES (HT_SEGMENT_BLOCK_BYTES + (size_t)2 * 1024 * 1024)

/** "htsegmt1", little endian. */
#define HT_SEGMENT_MAGIC 0x31746d6765737468u
/** "htb1", little endian: it begins each block header. */
#define HT_SEGMENT_BLOCK_MAGIC 0x31627468u

/** The first bytes of a segment, in memory. */
struct ht_segment_header {
    uint64_t salt;             /**< random */
    uint64_t first_sequence;   /**< of its first record */
    uint64_t created_sequence; /**< of the first record ever in this directory */
    uint64_t consumed;
    int64_t created_ms; /**< no record in it is older, none before it younger */
    size_t cursor_bytes;
    char cursor[HT_SOURCE_CURSOR_BYTES];
};

/** The first bytes of a block, in memory. */
struct ht_segment_block_header {
    uint32_t body_checksum; /**< CRC-32C over cursor and stored records */
    bool is_packed;
    uint32_t stored_bytes; /**< of the records, in the file */
    uint32_t raw_bytes;    /**< of the records, unpacked */
    uint32_t record_count;
    uint32_t cursor_bytes;
    uint64_t first_sequence;
    int64_t arrival_ms;
    uint64_t consumed;
};

/** A block that a reader can jump to. */
struct ht_segment_mark {
    uint64_t first_sequence;
    int64_t arrival_ms;
    int64_t offset;
};

/** One file. */
struct ht_segment {
    struct ht_segment_header header;
    int64_t bytes; /**< of the last segment: up to the end of the last whole block */
    struct ht_segment_mark *marks; /**< about one every 256 KiB; NULL until somebody searches */
    size_t mark_count, mark_capacity;
    bool is_marked; /**< the marks are complete */
};

struct ht_segment_log {
    /* fixed after open */
    char *directory;
    uint64_t segment_bytes;
    const struct ht_log *log;
    struct ht_zstd *zstd;
    bool packs;
    /* the files, oldest first; the last one is written to */
    struct ht_segment *segments;
    size_t count, capacity;
    int fd;             /**< of the last one */
    bool must_roll;     /**< a sync of the last one failed: its pages are not to be trusted */
    int reader_fd;      /**< of the closed segment that was read last, or -1 */
    uint64_t reader_of; /**< its first sequence number */
    /* where the next block begins that a reader in order wants */
    struct ht_segment_mark ahead;
    uint64_t ahead_of; /**< the first sequence number of the segment it lies in, 0: none */
    /* the end */
    uint64_t next_sequence;
    int64_t newest_ms;
    uint64_t consumed;
    size_t cursor_bytes;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    /* room for a block as it is in the file */
    char *room;
    size_t room_bytes;
};

/** Writes a segment header as it is in the file. */
void ht_segment_header_format(const struct ht_segment_header *header,
                              char out[HT_SEGMENT_HEADER_BYTES]);

/** Reads one; false where it is none or damaged. */
bool ht_segment_header_parse(const char in[HT_SEGMENT_HEADER_BYTES],
                             struct ht_segment_header *header);

/** Writes a block header as it is in the file. */
void ht_segment_block_header_format(const struct ht_segment_block_header *header, uint64_t salt,
                                    char out[HT_SEGMENT_BLOCK_HEADER_BYTES]);

/** Reads one; false where it is none, damaged, of another file, or out of bounds. */
bool ht_segment_block_header_parse(const char in[HT_SEGMENT_BLOCK_HEADER_BYTES], uint64_t salt,
                                   struct ht_segment_block_header *header);

/** The bytes of the whole block in the file. */
int64_t ht_segment_block_file_bytes(const struct ht_segment_block_header *header);

/** Unpacks the records at `stored` into a new block. HT_EPARSE where they are not what the header
 * says, HT_ENOMEM. */
int ht_segment_block_unpack(struct ht_segment_log *log,
                            const struct ht_segment_block_header *header, const char *stored,
                            struct ht_segment_block **block) HT_MUST_CHECK;

/** Makes `log->room` at least so large. HT_ENOMEM. */
int ht_segment_log_make_room(struct ht_segment_log *log, size_t bytes) HT_MUST_CHECK;

/** The path of the segment that begins with `first_sequence`; the caller frees it. */
char *ht_segment_log_path(const struct ht_segment_log *log, uint64_t first_sequence) HT_MUST_CHECK;

/** Makes a new last segment: a file with its header, durable. */
int ht_segment_log_start_segment(struct ht_segment_log *log, int64_t now_ms,
                                 struct ht_error *error) HT_MUST_CHECK;

/** Appends one entry to the array of segments. HT_ENOMEM. */
int ht_segment_log_add_segment(struct ht_segment_log *log,
                               const struct ht_segment *segment) HT_MUST_CHECK;

/** Remembers a block as a mark of `segment` where the one before is far enough. Without memory the
 * mark is left out: a reader has a longer way then. */
void ht_segment_mark_block(struct ht_segment *segment, const struct ht_segment_block_header *header,
                           int64_t offset);

/** Fills `error` for damage at `offset` in the segment that begins with `first_sequence`, seen when
 * the record `sequence` was wanted; HT_ECORRUPT. */
int ht_segment_log_damaged(const struct ht_segment_log *log, const struct ht_segment *segment,
                           int64_t offset, uint64_t sequence, struct ht_error *error);
