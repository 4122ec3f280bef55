// SPDX-License-Identifier: MIT

/*
 * How fast the embedded stream takes records durably and gives them back.
 *
 *     bench_stream [DIRECTORY [RECORDS]]
 *
 * Synthetic tweets are made first, outside the measurement. For each level: puts alone, then what
 * was put is read from the files, then puts with a reader at the tip. The directory is made, and
 * removed at the end.
 */

#include "hashtagd/backends/embedded_stream.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    TWEETS = 20000,
    PUT_RECORDS = 500,
    PUTS = 16, /* in flight: 8000 tweets, 21 MB */
    READ_BYTES = 1024 * 1024,
};

struct bench;

struct put {
    struct ht_stream_put put;
    struct ht_put_record records[PUT_RECORDS];
    struct bench *bench;
};

struct bench {
    struct ht_clock clock;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_stream *stream;
    const char *directory;
    char *tweets; /* all bytes */
    size_t offsets[TWEETS + 1];
    struct put puts[PUTS];
    size_t wanted, started, durable, read_count;
    bool reads;
    struct ht_stream_read read;
    uint64_t latency_sum_ns, latency_max_ns, latency_count;
    uint64_t put_started_ns[PUTS];
};

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6;
}

static void make_tweets(struct bench *bench)
{
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
    size_t capacity = (size_t)TWEETS * 8192, length = 0;
    bench->tweets = malloc(capacity);
    HT_ASSERT(tweets != NULL && bench->tweets != NULL);
    for (size_t i = 0; i < TWEETS; i++) {
        struct ht_synthetic_message message;
        ht_synthetic_tweets_get(tweets, i, &message);
        HT_ASSERT(length + message.bytes.length <= capacity);
        memcpy(bench->tweets + length, message.bytes.data, message.bytes.length);
        bench->offsets[i] = length;
        length += message.bytes.length;
    }
    bench->offsets[TWEETS] = length;
    ht_synthetic_tweets_destroy(tweets);
    printf("%d tweets, %.0f bytes each\n", TWEETS, (double)length / TWEETS);
}

static void on_opened(void *user, int status, const struct ht_error *error)
{
    struct bench *bench = user;
    if (status != 0) {
        (void)fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
    ht_loop_stop(bench->loop);
}

static void open_stream(struct bench *bench, int level)
{
    struct ht_error error;
    struct ht_embedded_stream_options options = {
        .loop = bench->loop,
        .worker = bench->worker,
        .directory = bench->directory,
        .retention_s = 86400,
        .retention_bytes = (uint64_t)16 << 30,
        .level = level,
        .on_opened = on_opened,
        .user = bench,
    };
    int status = ht_embedded_stream_create(&bench->stream, &options, &error);
    HT_ASSERT(status == 0);
    ht_loop_run(bench->loop);
}

static void on_stopped(void *user)
{
    struct bench *bench = user;
    ht_loop_stop(bench->loop);
}

static void close_stream(struct bench *bench)
{
    bench->stream->ops->close(bench->stream, on_stopped, bench);
    ht_loop_run(bench->loop);
    bench->stream->ops->destroy(bench->stream);
}

static void empty_directory(struct bench *bench)
{
    DIR *directory = opendir(bench->directory);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    closedir(directory);
}

static void stop_if_over(struct bench *bench)
{
    if (bench->durable >= bench->wanted && (!bench->reads || bench->read_count >= bench->wanted)) {
        ht_loop_stop(bench->loop);
    }
}

static void start_put(struct bench *bench, struct put *put)
{
    for (size_t i = 0; i < PUT_RECORDS; i++) {
        size_t tweet = (bench->started + i) % TWEETS;
        put->records[i].data = ht_slice_make(bench->tweets + bench->offsets[tweet],
                                             bench->offsets[tweet + 1] - bench->offsets[tweet]);
        put->records[i].partition_key = HT_SLICE("1234567890123456789");
    }
    bench->started += PUT_RECORDS;
    bench->put_started_ns[put - bench->puts] = ht_clock_monotonic_ns(&bench->clock);
    put->put.source_cursor = HT_SLICE("seed 1 index 1");
    bench->stream->ops->put(bench->stream, &put->put);
}

static void on_put(struct ht_stream_put *request)
{
    struct put *put = request->user;
    struct bench *bench = put->bench;
    uint64_t ns = ht_clock_monotonic_ns(&bench->clock) - bench->put_started_ns[put - bench->puts];
    HT_ASSERT(request->status == 0);
    bench->latency_sum_ns += ns;
    bench->latency_max_ns = ns > bench->latency_max_ns ? ns : bench->latency_max_ns;
    bench->latency_count++;
    bench->durable += PUT_RECORDS;
    if (bench->started < bench->wanted) {
        start_put(bench, put);
    }
    stop_if_over(bench);
}

static void on_read(struct ht_stream_read *read)
{
    struct bench *bench = read->user;
    HT_ASSERT(read->status == 0);
    bench->read_count += read->batch->count;
    read->from = read->batch->next;
    ht_record_batch_release(read->batch);
    if (bench->read_count < bench->wanted) {
        bench->stream->ops->read(bench->stream, read);
    }
    stop_if_over(bench);
}

static void start_read(struct bench *bench)
{
    bench->read = (struct ht_stream_read){.from = {.kind = HT_POSITION_TRIM_HORIZON},
                                          .max_bytes = READ_BYTES,
                                          .wait_ms = 1000,
                                          .done = on_read,
                                          .user = bench};
    bench->stream->ops->read(bench->stream, &bench->read);
}

static void measure(struct bench *bench, const char *name, bool puts, bool reads)
{
    double cpu = cpu_s();
    uint64_t began = ht_clock_monotonic_ns(&bench->clock);
    bench->started = 0;
    bench->durable = puts ? 0 : bench->wanted;
    bench->read_count = 0;
    bench->reads = reads;
    bench->latency_sum_ns = bench->latency_max_ns = bench->latency_count = 0;
    for (size_t i = 0; puts && i < PUTS && bench->started < bench->wanted; i++) {
        bench->puts[i].bench = bench;
        bench->puts[i].put = (struct ht_stream_put){
            .records = bench->puts[i].records, .count = PUT_RECORDS, .done = on_put};
        bench->puts[i].put.user = &bench->puts[i];
        start_put(bench, &bench->puts[i]);
    }
    if (reads) {
        start_read(bench);
    }
    ht_loop_run(bench->loop);
    double seconds = (double)(ht_clock_monotonic_ns(&bench->clock) - began) * 1e-9;
    printf("  %-16s %8.0f records/s, %5.0f MB/s, %4.2f CPU s/s", name,
           (double)bench->wanted / seconds,
           (double)bench->wanted / TWEETS * (double)bench->offsets[TWEETS] / seconds * 1e-6,
           (cpu_s() - cpu) / seconds);
    if (bench->latency_count > 0) {
        printf(", a put %.1f ms, longest %.1f ms",
               (double)bench->latency_sum_ns / (double)bench->latency_count * 1e-6,
               (double)bench->latency_max_ns * 1e-6);
    }
    printf("\n");
    (void)fflush(stdout);
}

static void measure_level(struct bench *bench, int level)
{
    if (level == HT_EMBEDDED_STREAM_PLAIN) {
        printf("plain\n");
    } else {
        printf("zstd level %d\n", level);
    }
    empty_directory(bench);
    open_stream(bench, level);
    measure(bench, "put", true, false);
    printf("  %.0f bytes a record on disk\n",
           (double)bench->stream->counters.stored_bytes / (double)bench->wanted);
    close_stream(bench);
    open_stream(bench, level);
    measure(bench, "read from files", false, true);
    close_stream(bench);
    empty_directory(bench);
    open_stream(bench, level);
    measure(bench, "put and read", true, true);
    close_stream(bench);
}

int main(int argc, char **argv)
{
    static const int levels[] = {-5, 1, -1, -10, -20, HT_EMBEDDED_STREAM_PLAIN};
    static struct bench bench;
    struct ht_error error;
    uint64_t records = 300000;
    ht_clock_init_system(&bench.clock);
    bench.directory = argc > 1 ? argv[1] : "bench-stream.tmp";
    if (argc > 2 && ht_slice_to_u64(ht_slice_text(argv[2]), 1000000000, &records) != 0) {
        (void)fprintf(stderr, "usage: bench_stream [DIRECTORY [RECORDS]]\n");
        return 2;
    }
    bench.wanted = (size_t)(records / PUT_RECORDS * PUT_RECORDS);
    make_tweets(&bench);
    if (ht_loop_create(&bench.loop, NULL, &error) != 0 ||
        ht_worker_create(&bench.worker, bench.loop, "bench", &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (size_t i = 0; i < HT_COUNT_OF(levels); i++) {
        measure_level(&bench, levels[i]);
    }
    empty_directory(&bench);
    (void)rmdir(bench.directory);
    ht_worker_stop(bench.worker, on_stopped, &bench);
    ht_loop_run(bench.loop);
    ht_loop_destroy(bench.loop);
    free(bench.tweets);
    return 0;
}
