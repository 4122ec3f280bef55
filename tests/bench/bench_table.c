// SPDX-License-Identifier: MIT

/*
 * How fast the embedded table is filled, flushed to and loaded.
 *
 *     bench_table [FILE [ITEMS [BUDGET_MIB]]]
 *
 * The table gets its items in flushes of 20,000. Then come flushes of 20,000 deltas each, as a
 * second of a fast stream brings them: most of them of few hashtags that are frequent, the others
 * spread over the whole table. Then it is loaded, which is what a start waits for. The file is
 * removed at the end.
 */

#include "hashtagd/backends/embedded_changes.h"
#include "hashtagd/backends/embedded_table.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    DELTAS = 20000,
    NAME_BYTES = 32,
    FLUSHES = 30,
};

struct bench {
    struct ht_clock clock;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_embedded_store *store;
    struct ht_table *table;
    const char *path;
    struct ht_table_flush flush;
    struct ht_checkpoint checkpoint;
    struct ht_delta deltas[DELTAS];
    char names[DELTAS][NAME_BYTES];
    struct ht_table_load load;
    uint64_t loaded, total, budget_mib;
};

static double now_s(struct bench *bench)
{
    return (double)ht_clock_monotonic_ns(&bench->clock) * 1e-9;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6;
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

static void on_stopped(void *user)
{
    struct bench *bench = user;
    ht_loop_stop(bench->loop);
}

static void open_table(struct bench *bench)
{
    struct ht_error error;
    struct ht_embedded_store_options options = {.loop = bench->loop,
                                                .worker = bench->worker,
                                                .path = bench->path,
                                                .budget_bytes = bench->budget_mib << 20,
                                                .on_opened = on_opened,
                                                .user = bench};
    int status = ht_embedded_store_create(&bench->store, &options, &error);
    HT_ASSERT(status == 0);
    status = ht_embedded_table_create(&bench->table, bench->store, 86400, &error);
    HT_ASSERT(status == 0);
    ht_loop_run(bench->loop);
}

static void close_table(struct bench *bench)
{
    bench->table->ops->close(bench->table, on_stopped, bench);
    ht_loop_run(bench->loop);
    bench->table->ops->destroy(bench->table);
    ht_embedded_store_close(bench->store, on_stopped, bench);
    ht_loop_run(bench->loop);
    ht_embedded_store_destroy(bench->store);
}

/* Names come in no order of their numbers, as those of real hashtags. */
static void set_delta(struct bench *bench, size_t i, uint64_t number)
{
    uint64_t mixed = number * 0x9e3779b97f4a7c15u;
    int length = snprintf(bench->names[i], NAME_BYTES, "%03x%llu", (unsigned)(mixed >> 52),
                          (unsigned long long)number + 100000000);
    bench->deltas[i] =
        (struct ht_delta){.hashtag = ht_slice_make(bench->names[i], (size_t)length), .count = 1};
    bench->deltas[i].first_seen_s = bench->deltas[i].last_seen_s = 1700000000;
}

static int compare_deltas(const void *a, const void *b)
{
    const struct ht_delta *left = a, *right = b;
    return ht_slice_compare(left->hashtag, right->hashtag);
}

static void on_flush(struct ht_table_flush *flush)
{
    struct bench *bench = flush->user;
    HT_ASSERT(flush->status == 0);
    ht_loop_stop(bench->loop);
}

static void flush(struct bench *bench, size_t count)
{
    qsort(bench->deltas, count, sizeof(bench->deltas[0]), compare_deltas);
    bench->flush = (struct ht_table_flush){.deltas = bench->deltas,
                                           .delta_count = count,
                                           .checkpoints = &bench->checkpoint,
                                           .checkpoint_count = 1,
                                           .now_s = 1700000000,
                                           .done = on_flush,
                                           .user = bench};
    bench->table->ops->flush(bench->table, &bench->flush);
    ht_loop_run(bench->loop);
}

static void fill(struct bench *bench, uint64_t items)
{
    double began = now_s(bench), cpu = cpu_s();
    for (uint64_t first = 0; first < items; first += DELTAS) {
        size_t count = items - first < DELTAS ? (size_t)(items - first) : DELTAS;
        for (size_t i = 0; i < count; i++) {
            set_delta(bench, i, first + i);
        }
        flush(bench, count);
    }
    double seconds = now_s(bench) - began;
    printf("fill: %llu items in %.2f s, %.0f items/s, %.2f CPU s/s\n", (unsigned long long)items,
           seconds, (double)items / seconds, (cpu_s() - cpu) / seconds);
}

static void flush_many(struct bench *bench, uint64_t items)
{
    struct ht_random random;
    double longest = 0, sum = 0, cpu = cpu_s();
    ht_random_init(&random, 1);
    for (int round = 0; round < FLUSHES; round++) {
        for (size_t i = 0; i < DELTAS; i++) {
            /* a square favours low numbers: a tenth of the items gets a third of the deltas */
            double unit = ht_random_unit(&random);
            set_delta(bench, i, (uint64_t)(unit * unit * (double)items));
        }
        double began = now_s(bench);
        flush(bench, DELTAS);
        double seconds = now_s(bench) - began;
        longest = seconds > longest ? seconds : longest;
        sum += seconds;
    }
    printf("flush of %d deltas: %.0f ms, longest %.0f ms, %.0f deltas/s, %.2f CPU s/s\n", DELTAS,
           sum / FLUSHES * 1e3, longest * 1e3, DELTAS * FLUSHES / sum, (cpu_s() - cpu) / sum);
}

static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t count)
{
    struct bench *bench = load->user;
    bench->loaded += count;
    for (size_t i = 0; i < count; i++) {
        bench->total += items[i].count;
    }
}

static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    (void)load;
    (void)checkpoint;
}

static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part)
{
    (void)load;
    (void)part;
}

static void on_loaded(struct ht_table_load *load)
{
    struct bench *bench = load->user;
    HT_ASSERT(load->status == 0);
    ht_loop_stop(bench->loop);
}

static void measure_load(struct bench *bench)
{
    double began = now_s(bench), cpu = cpu_s();
    bench->loaded = bench->total = 0;
    open_table(bench);
    double opened = now_s(bench);
    bench->load = (struct ht_table_load){.on_items = on_items,
                                         .on_checkpoint = on_checkpoint,
                                         .on_window_part = on_window_part,
                                         .done = on_loaded,
                                         .user = bench};
    bench->table->ops->load(bench->table, &bench->load);
    ht_loop_run(bench->loop);
    double seconds = now_s(bench) - began;
    printf("load: %llu items (%llu counted), opened after %.0f ms, loaded after %.0f ms, "
           "%.2f CPU s\n",
           (unsigned long long)bench->loaded, (unsigned long long)bench->total,
           (opened - began) * 1e3, seconds * 1e3, cpu_s() - cpu);
    close_table(bench);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct ht_error error;
    uint64_t items = 1000000;
    ht_clock_init_system(&bench.clock);
    bench.path = argc > 1 ? argv[1] : "bench-table.tmp";
    bench.budget_mib = 256;
    if ((argc > 2 && ht_slice_to_u64(ht_slice_text(argv[2]), 100000000, &items) != 0) ||
        (argc > 3 && ht_slice_to_u64(ht_slice_text(argv[3]), 1 << 20, &bench.budget_mib) != 0)) {
        (void)fprintf(stderr, "usage: bench_table [FILE [ITEMS [BUDGET_MIB]]]\n");
        return 2;
    }
    if (ht_loop_create(&bench.loop, NULL, &error) != 0 ||
        ht_worker_create(&bench.worker, bench.loop, "bench", &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)snprintf(bench.checkpoint.shard_id, sizeof(bench.checkpoint.shard_id), "shard");
    (void)unlink(bench.path);
    open_table(&bench);
    fill(&bench, items);
    flush_many(&bench, items);
    close_table(&bench);
    for (int i = 0; i < 3; i++) {
        measure_load(&bench);
    }
    (void)unlink(bench.path);
    ht_worker_stop(bench.worker, on_stopped, &bench);
    ht_loop_run(bench.loop);
    ht_loop_destroy(bench.loop);
    return 0;
}
