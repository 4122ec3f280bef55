// SPDX-License-Identifier: MIT

/**
 * A segment log whose file was changed in any way: flipped, cut, filled with the input's bytes, or with
 * blocks whose sums are right and whose content is not (a bomb of zstd, counts that lie). It opens or
 * says that it is damaged, gives only records that were written, in their order, and takes new ones
 * that can be read again.
 */

#include "fuzz_data.h"
#include "hashtagd/base/hash.h"
#include "segment_log.h"
#include "segment_log_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCKS_MAX = 6,
    START_MS = 1000,
    READS_MAX = 64,
};

#define FIRST ((uint64_t)START_MS * 1000)

/* No plug is pulled here: a sync needs no disk. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

int fsync(int fd)
{
    (void)fd;
    return 0;
}

static struct ht_segment_log *open_log(const char *directory, int *status)
{
    struct ht_error error = {0};
    struct ht_segment_log *log = NULL;
    const struct ht_segment_log_options options = {
        .directory = directory, .segment_bytes = 2000, .level = 1, .now_ms = START_MS, .log = NULL};
    *status = ht_segment_log_open(&log, &options, &error);
    FUZZ_CHECK(*status == 0 || *status == HT_ECORRUPT, "open: %d %s", *status, error.text);
    FUZZ_CHECK((*status == 0) == (log != NULL), "%d", *status);
    FUZZ_CHECK(*status == 0 || error.text[0] != '\0', "no words");
    return log;
}

/* "record <n>", and for every third one a long tail. */
static struct ht_slice content_of(uint64_t sequence, char text[256])
{
    int length = snprintf(text, 256, "record %llu%*s", (unsigned long long)sequence,
                          sequence % 3 == 0 ? 150 : 0, "");
    return ht_slice_make(text, (size_t)length);
}

static void append(struct ht_segment_log *log, unsigned count)
{
    struct ht_segment_block *block = ht_segment_block_create((size_t)count * 300 + 1);
    struct ht_error error = {0};
    char text[256];
    uint64_t next = ht_segment_log_figures(log, 0).next_sequence;
    block->arrival_ms = START_MS + count;
    for (unsigned i = 0; i < count; i++) {
        ht_segment_block_add(block, content_of(next + i, text), HT_SLICE("key"));
    }
    struct ht_segment_append append = {block, HT_SLICE("cursor:1:5"), next > FIRST ? FIRST : 0};
    int status = ht_segment_log_append(log, &append, &error);
    FUZZ_CHECK(status == 0, "append: %d %s", status, error.text);
    ht_segment_block_release(block);
}

/* Reads on from `sequence`: 0 at the end, else the error. Those from `foreign` on
 * may be anything, the others are as they were written. */
static int read_all(struct ht_segment_log *log, uint64_t sequence, uint64_t foreign)
{
    for (unsigned reads = 0;; reads++) {
        struct ht_segment_block *block = NULL;
        struct ht_error error = {0};
        FUZZ_CHECK(reads < READS_MAX, "no end");
        int status = ht_segment_log_read(log, sequence, &block, &error);
        if (status != 0 || block == NULL) {
            FUZZ_CHECK(status == 0 || status == HT_ECORRUPT, "read: %d %s", status, error.text);
            return status;
        }
        size_t offset = 0;
        for (uint64_t i = 0; i < block->record_count; i++) {
            struct ht_slice data, key;
            char text[256];
            ht_segment_block_get(block, &offset, &data, &key);
            FUZZ_CHECK(offset <= block->length, "outside");
            if (block->first_sequence + i < foreign) {
                FUZZ_CHECK_SAME(data, content_of(block->first_sequence + i, text), "a record");
                FUZZ_CHECK_SAME(key, HT_SLICE("key"), "a key");
            }
        }
        uint64_t next = block->first_sequence + block->record_count;
        FUZZ_CHECK(next > sequence || block->record_count == 0, "no step");
        bool is_stuck = next <= sequence;
        sequence = next;
        ht_segment_block_release(block);
        if (is_stuck) {
            return 0;
        }
    }
}

/* -- damage ----------------------------------------------------------------------------- */

static char newest[512], oldest[512];

/* Names are numbers, so they order as text. */
static void find_files(const char *directory)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    newest[0] = oldest[0] = '\0';
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%.200s", directory, entry->d_name);
        if (newest[0] == '\0' || strcmp(path, newest) > 0) {
            (void)snprintf(newest, sizeof(newest), "%s", path);
        }
        if (oldest[0] == '\0' || strcmp(path, oldest) < 0) {
            (void)snprintf(oldest, sizeof(oldest), "%s", path);
        }
    }
    closedir(folder);
}

static void write_at(int fd, off_t at, struct ht_slice bytes)
{
    FUZZ_CHECK(bytes.length == 0 ||
                   pwrite(fd, bytes.data, bytes.length, at) == (ssize_t)bytes.length,
               "write");
}

/* A block with right sums and the input's words for what is in it. */
static void write_block(int fd, off_t at, uint64_t next, struct fuzz_input *input)
{
    char first[HT_SEGMENT_HEADER_BYTES], block[HT_SEGMENT_BLOCK_HEADER_BYTES];
    struct ht_segment_header segment;
    if (pread(fd, first, sizeof(first), 0) != (ssize_t)sizeof(first) ||
        !ht_segment_header_parse(first, &segment)) {
        return;
    }
    struct ht_segment_block_header header = {
        .is_packed = fuzz_take_byte(input) & 1,
        .record_count = fuzz_take_below(input, 1ull << (fuzz_take_byte(input) % 33)),
        .raw_bytes = fuzz_take_below(input, 1ull << (fuzz_take_byte(input) % 25)),
        .first_sequence = next,
        .arrival_ms = START_MS,
        .consumed = FIRST};
    struct ht_slice stored = fuzz_rest(input);
    header.stored_bytes = (uint32_t)stored.length;
    header.raw_bytes = header.is_packed ? header.raw_bytes : header.stored_bytes;
    header.body_checksum = ht_hash_crc32c(0, stored.data, stored.length);
    ht_segment_block_header_format(&header, segment.salt, block);
    write_at(fd, at, ht_slice_make(block, sizeof(block)));
    write_at(fd, at + (off_t)sizeof(block), stored);
}

static void damage(unsigned kind, uint64_t next, struct fuzz_input *input)
{
    struct stat now;
    int fd = open(kind & 8 ? oldest : newest, O_RDWR | O_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && fstat(fd, &now) == 0 && now.st_size > 0, "%s", newest);
    off_t at = (off_t)fuzz_take_below(input, (uint64_t)now.st_size);
    switch (kind % 6) {
    case 0: /* some bytes over others */
        write_at(fd, at, fuzz_rest(input));
        break;
    case 1:
        FUZZ_CHECK(ftruncate(fd, at) == 0, "cut");
        break;
    case 2: /* a torn tail: something behind the end */
        write_at(fd, now.st_size, fuzz_rest(input));
        break;
    case 3: { /* one bit */
        char byte;
        FUZZ_CHECK(pread(fd, &byte, 1, at) == 1, "read");
        byte = (char)(byte ^ (1 << fuzz_take_byte(input) % 8));
        write_at(fd, at, ht_slice_make(&byte, 1));
        break;
    }
    case 4: /* a block of ours that lies */
        write_block(fd, now.st_size, next, input);
        break;
    default: /* nothing but the input */
        FUZZ_CHECK(ftruncate(fd, 0) == 0, "cut");
        write_at(fd, 0, fuzz_rest(input));
    }
    close(fd);
}

static void remove_all(const char *directory)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%.200s", directory, entry->d_name);
        if (entry->d_name[0] != '.') {
            (void)unlink(path);
        }
    }
    closedir(folder);
    (void)rmdir(directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    char directory[] = "/tmp/ht-fuzz-log-XXXXXX";
    int status = 0;
    unsigned blocks = 1 + fuzz_take_byte(&input) % BLOCKS_MAX, kind = fuzz_take_byte(&input);
    FUZZ_CHECK(mkdtemp(directory) != NULL, "mkdtemp");
    struct ht_segment_log *log = open_log(directory, &status);
    FUZZ_CHECK(status == 0, "a new one: %d", status);
    for (unsigned i = 0; i < blocks; i++) {
        append(log, 1 + fuzz_take_byte(&input) % 8);
    }
    uint64_t next = ht_segment_log_figures(log, 0).next_sequence;
    FUZZ_CHECK(read_all(log, FIRST, UINT64_MAX) == 0, "as it was written");
    ht_segment_log_close(log);
    find_files(directory);
    damage(kind, next, &input);
    log = open_log(directory, &status);
    if (log != NULL) {
        bool is_foreign = kind % 6 == 4;
        struct ht_segment_log_figures figures = ht_segment_log_figures(log, 0);
        uint64_t foreign = is_foreign ? next : UINT64_MAX;
        FUZZ_CHECK(figures.first_sequence <= figures.next_sequence, "figures");
        status = read_all(log, figures.first_sequence, foreign);
        uint64_t sequence = 0;
        struct ht_error error = {0};
        int found = ht_segment_log_find_time(log, START_MS + 3, &sequence, &error);
        FUZZ_CHECK(found == 0 || found == HT_ECORRUPT, "%d %s", found, error.text);
        if (!is_foreign && figures.next_sequence < UINT64_MAX - 100) {
            /* what comes now is there again after a restart */
            append(log, 3);
            ht_segment_log_close(log);
            log = open_log(directory, &status);
            FUZZ_CHECK(log != NULL, "does not open again");
            FUZZ_CHECK(read_all(log, figures.next_sequence, UINT64_MAX) == 0, "the new ones");
        }
    }
    ht_segment_log_close(log);
    remove_all(directory);
    return 0;
}
