// SPDX-License-Identifier: MIT

/**
 * The replay reader on two files of any bytes: it comes to an end, its batches keep their bounds,
 * and a reader that begins behind the n-th message gives the rest of what a reader from the
 * beginning gives.
 */

#include "fuzz_data.h"
#include "replay_reader.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    BATCHES_MAX = 2000,
};

struct file {
    int fd;
    char path[64];
};

static void make_file(struct file *file, struct ht_slice content)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(file->fd >= 0, "memfd");
    FUZZ_CHECK(content.length == 0 ||
                   write(file->fd, content.data, content.length) == (ssize_t)content.length,
               "write");
    (void)snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

/* All messages of the reader's first round, each with its length; how many. */
static uint64_t read_round(struct ht_replay_reader *reader, uint64_t from, struct ht_buffer *out)
{
    struct ht_replay_batch *batch = malloc(sizeof(*batch));
    uint64_t last = from;
    bool is_over = false;
    ht_replay_batch_init(batch);
    for (unsigned count = 0; !is_over; count++) {
        FUZZ_CHECK(count < BATCHES_MAX, "no end");
        ht_replay_reader_fill(reader, batch);
        FUZZ_CHECK(batch->count <= HT_REPLAY_BATCH_ITEMS, "%zu", batch->count);
        for (size_t i = 0; i < batch->count; i++) {
            const struct ht_replay_item *item = &batch->items[i];
            FUZZ_CHECK(item->begin + item->length <= batch->bytes.length, "outside");
            if (item->refusal == HT_TWEET_REFUSAL_NONE) {
                FUZZ_CHECK(item->number == last + 1, "%llu behind %llu",
                           (unsigned long long)item->number, (unsigned long long)last);
                last = item->number;
                ht_buffer_append_format(out, "\n%zu:", item->length);
                ht_buffer_append(out, batch->bytes.data + item->begin, item->length);
            }
        }
        is_over = batch->is_last;
    }
    ht_replay_batch_finish(batch);
    free(batch);
    return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned skipped = fuzz_take_byte(&input);
    struct file files[2];
    struct ht_buffer whole, rest;
    make_file(&files[0], fuzz_take_part(&input));
    make_file(&files[1], fuzz_rest(&input));
    const char *const paths[] = {files[0].path, files[1].path};
    ht_buffer_init(&whole, 1u << 24);
    ht_buffer_init(&rest, 1u << 24);
    struct ht_replay_reader *reader = ht_replay_reader_create(paths, 2, false);
    uint64_t count = read_round(reader, 0, &whole);
    ht_replay_reader_destroy(reader);
    if (count > 0) {
        uint64_t from = skipped % count;
        reader = ht_replay_reader_create(paths, 2, false);
        ht_replay_reader_skip(reader, 0, from);
        FUZZ_CHECK(read_round(reader, from, &rest) == count, "ends elsewhere");
        ht_replay_reader_destroy(reader);
        struct ht_slice all = ht_buffer_slice(&whole), part = ht_buffer_slice(&rest);
        FUZZ_CHECK(part.length <= all.length, "more");
        FUZZ_CHECK_SAME(ht_slice_make(all.data + all.length - part.length, part.length), part,
                        "the rest");
    }
    ht_buffer_finish(&whole);
    ht_buffer_finish(&rest);
    close(files[0].fd);
    close(files[1].fd);
    return 0;
}
