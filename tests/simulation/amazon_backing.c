// SPDX-License-Identifier: MIT
#include "amazon_internal.h"
#include "amazon_world.h"

#include "hashtagd/backends/dynamodb_changes.h"
#include "hashtagd/backends/dynamodb_table.h"
#include "hashtagd/backends/firehose_archive.h"
#include "hashtagd/backends/kinesis_stream.h"
#include "hashtagd/backends/s3_archive.h"
#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RECORDS_KEPT = 10,
    PACKING_BYTES = 4 * 1024 * 1024,
    AGGREGATE_MOST = 16,
    WINDOW_OF_RETRIES = 12000, /* what comes meanwhile is less */
};

static struct amazon_world *amazon_of(struct sim_world *world)
{
    return HT_CONTAINER_OF(world, struct amazon_world, world);
}

/* --- the account --- */

static struct sim_world *create(struct sim *sim, struct sim_truth *truth,
                                const struct sim_world_options *options)
{
    struct amazon_world *world = amazon_allocate(sizeof(*world));
    world->world = (struct sim_world){
        .backing = &sim_backing_amazon, .sim = sim, .truth = truth, .options = *options};
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        world->sides[i].world = world;
    }
    ht_buffer_init(&world->packing, PACKING_BYTES);
    struct amazon_options account = {.sim = sim, .watch = amazon_truth_watch(world)};
    account.keys_ms = sim_between(sim, 16, 120) * 60000;
    account.rollover_ms = sim_between(sim, 5, 240) * 60000;
    account.answers_puts = options->repeat_window > 0 && options->repeat_window < WINDOW_OF_RETRIES;
    account.lets_late = options->is_late;
    world->uses_s3 = sim_chance(sim, 300);
    world->amazon = amazon_create(&account);
    amazon_create_stream(world->amazon, AMAZON_STREAM, options->shards);
    amazon_create_table(world->amazon, AMAZON_TABLE, "hashtag", true);
    amazon_create_table(world->amazon, AMAZON_LEASES, "leaseKey", false);
    amazon_create_table(world->amazon, AMAZON_CHANGES, "leaseKey", false);
    amazon_create_delivery(world->amazon, AMAZON_ARCHIVE);
    amazon_create_bucket(world->amazon, AMAZON_ARCHIVE);
    if (options->ttl_s > 0) {
        amazon_set_ttl(world->amazon, AMAZON_TABLE, "expiresAt");
    }
    return &world->world;
}

static void destroy(struct sim_world *world)
{
    struct amazon_world *own = amazon_of(world);
    amazon_destroy(own->amazon);
    amazon_disk_finish(own);
    amazon_truth_finish(own);
    ht_buffer_finish(&own->packing);
    free(own);
}

/* --- a process: as serve_ports.c builds it --- */

static void open_session(struct amazon_side *side)
{
    static const char *const environment[] = {
        "AWS_REGION=eu-west-1",
        "AWS_CONFIG_FILE=/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2/keys",
        NULL,
    };
    struct ht_error error;
    int status = ht_aws_settings_load(&side->settings, environment, &error);
    HT_ASSERT(status == 0);
    struct ht_aws_credentials_options credentials = {
        .loop = amazon_machine_loop(&side->machine),
        .worker = amazon_machine_worker(&side->machine),
        .http = amazon_machine_http(&side->machine),
        .random = &side->process->random,
        .settings = &side->settings,
    };
    status = ht_aws_credentials_create(&side->credentials, &credentials, &error);
    HT_ASSERT(status == 0);
    struct ht_aws_client_options client = {
        .loop = amazon_machine_loop(&side->machine),
        .http = amazon_machine_http(&side->machine),
        .credentials = side->credentials,
        .settings = &side->settings,
        .random = &side->process->random,
    };
    status = ht_aws_client_create(&side->client, &client, &error);
    HT_ASSERT(status == 0);
}

static struct amazon_side *side_of(const struct ht_stream *stream)
{
    return HT_CONTAINER_OF((struct ht_stream_ops *)(uintptr_t)stream->ops, struct amazon_side,
                           stream_ops);
}

static struct ht_slice source_cursor(struct ht_stream *stream)
{
    struct amazon_side *side = side_of(stream);
    struct ht_slice newest = side->real_stream_ops->source_cursor(stream);
    return newest.length > 0 ? newest : ht_slice_make(side->cursor, side->cursor_length);
}

/* The keys that a put came with, until it is done. */
struct amazon_keys_kept {
    struct amazon_keys_kept *next;
    struct ht_stream_put *put;
    void (*done)(struct ht_stream_put *put);
    size_t count;
    struct ht_slice keys[];
};

static struct amazon_keys_kept *kept_keys; /* of all sides */

static void put_done(struct ht_stream_put *put)
{
    struct amazon_keys_kept **link = &kept_keys;
    while ((*link)->put != put) {
        link = &(*link)->next;
    }
    struct amazon_keys_kept *kept = *link;
    *link = kept->next;
    for (size_t i = 0; i < kept->count; i++) {
        put->records[i].partition_key = kept->keys[i];
    }
    put->done = kept->done;
    free(kept);
    put->done(put);
}

/* What a play wants to be refused for good has a key that no stream takes, for as long as it is put. */
static void put_records(struct ht_stream *stream, struct ht_stream_put *put)
{
    static const char long_key[300] = "";
    static const char mark[] = "\"refuse\"";
    struct amazon_keys_kept *kept =
        amazon_allocate(sizeof(*kept) + put->count * sizeof(kept->keys[0]));
    *kept = (struct amazon_keys_kept){
        .next = kept_keys, .put = put, .done = put->done, .count = put->count};
    kept_keys = kept;
    put->done = put_done;
    for (size_t i = 0; i < put->count; i++) {
        struct ht_put_record *record = &put->records[i];
        kept->keys[i] = record->partition_key;
        if (memmem(record->data.data, record->data.length, mark, sizeof(mark) - 1) != NULL) {
            record->partition_key = ht_slice_make(long_key, sizeof(long_key));
        }
    }
    side_of(stream)->real_stream_ops->put(stream, put);
}

/* What the adapter would keep in a file. */
static void keep_cursor(struct amazon_side *side)
{
    struct ht_slice newest = source_cursor(side->stream);
    memmove(side->cursor, newest.data, newest.length);
    side->cursor_length = newest.length;
}

static void on_shards(void *user, const struct ht_shard *shards, size_t count)
{
    struct amazon_side *side = user;
    struct ht_dynamodb_leases *leases = ht_dynamodb_table_leases(side->table);
    for (size_t i = 0; i < count; i++) {
        const struct ht_lease_shard shard = {.shard_id = shards[i].id,
                                             .parent_id = shards[i].parent_id,
                                             .adjacent_parent_id = shards[i].adjacent_parent_id};
        int status = ht_dynamodb_leases_note_shard(leases, &shard);
        HT_ASSERT(status == 0);
    }
}

static void open_stream(struct amazon_side *side)
{
    struct ht_error error;
    struct ht_kinesis_stream_options options = {.aws = side->client,
                                                .clock = &side->process->clock,
                                                .timers = &side->process->timers,
                                                .random = &side->process->random,
                                                .stream_name = AMAZON_STREAM,
                                                .on_shards = on_shards,
                                                .on_shards_user = side};
    int status = ht_kinesis_stream_create(&side->stream, &options, &error);
    HT_ASSERT(status == 0);
    side->real_stream_ops = side->stream->ops;
    side->stream_ops = *side->stream->ops;
    side->stream_ops.source_cursor = source_cursor;
    side->stream_ops.put = put_records;
    side->stream->ops = &side->stream_ops;
}

static void open_table(struct amazon_side *side)
{
    struct ht_error error;
    struct ht_dynamodb_table_options options = {.aws = side->client,
                                                .clock = &side->process->clock,
                                                .timers = &side->process->timers,
                                                .random = &side->process->random,
                                                .name = AMAZON_TABLE,
                                                .leases = AMAZON_LEASES,
                                                .worker_id = side->worker_id,
                                                .ttl_s = side->world->world.options.ttl_s,
                                                .hash_key = {1, 2},
                                                .windows = &side->windows};
    int status = ht_dynamodb_table_create(&side->table, &options, &error);
    HT_ASSERT(status == 0);
}

static void open_changes(struct amazon_side *side)
{
    struct ht_error error;
    struct ht_dynamodb_changes_options options = {.aws = side->client,
                                                  .clock = &side->process->clock,
                                                  .timers = &side->process->timers,
                                                  .random = &side->process->random,
                                                  .table_name = AMAZON_TABLE,
                                                  .worker_id = side->worker_id};
    int status = ht_dynamodb_changes_create(&side->changes, &options, &error);
    HT_ASSERT(status == 0);
}

static void open_archive(struct amazon_side *side)
{
    struct ht_error error;
    struct ht_firehose_archive_options firehose = {.aws = side->client,
                                                   .clock = &side->process->clock,
                                                   .timers = &side->process->timers,
                                                   .random = &side->process->random,
                                                   .dead_letters = &side->letters,
                                                   .name = AMAZON_ARCHIVE,
                                                   .buffer_s = 5,
                                                   .buffer_bytes = 65536,
                                                   .record_bytes = 2048};
    struct ht_s3_archive_options s3 = {.aws = side->client,
                                       .worker = amazon_machine_worker(&side->machine),
                                       .clock = &side->process->clock,
                                       .timers = &side->process->timers,
                                       .bucket = AMAZON_ARCHIVE,
                                       .prefix = "deleted/",
                                       .buffer_s = 10,
                                       .buffer_bytes = 65536};
    int status = side->world->uses_s3
                     ? ht_s3_archive_create(&side->archive, &s3, &error)
                     : ht_firehose_archive_create(&side->archive, &firehose, &error);
    HT_ASSERT(status == 0);
}

static void open_side(struct sim_world *world, struct sim_process *process,
                      struct ht_budget *budget, struct sim_ports *ports)
{
    struct amazon_side *side = &amazon_of(world)->sides[process->number];
    (void)budget;
    side->process = process;
    side->is_open = true;
    (void)snprintf(side->worker_id, sizeof(side->worker_id), "worker-%u", process->number);
    amazon_machine_init(&side->machine, side->world->amazon, process);
    amazon_disk_open(side);
    open_session(side);
    open_table(side);
    side->changes = NULL;
    side->archive = NULL;
    if (world->options.archives) {
        open_changes(side);
        open_archive(side);
    }
    open_stream(side);
    *ports = (struct sim_ports){.stream = side->stream,
                                .table = side->table,
                                .changes = side->changes,
                                .archive = side->archive,
                                .dead_letters = &side->letters};
}

/* archive -> dead letters -> changes -> table -> windows -> stream -> client -> keys, each when the
 * one before is closed. */

static void finish_close(void *user)
{
    struct amazon_side *side = user;
    side->credentials = NULL;
    side->on_closed(side->on_closed_user);
}

static void close_keys(void *user)
{
    struct amazon_side *side = user;
    side->client = NULL;
    ht_aws_credentials_close(side->credentials, finish_close, side);
}

static void close_client(void *user)
{
    struct amazon_side *side = user;
    if (!side->machine.is_dead) {
        keep_cursor(side);
    }
    ht_aws_client_close(side->client, close_keys, side);
}

static void close_stream(void *user)
{
    struct amazon_side *side = user;
    side->stream->ops->close(side->stream, close_client, side);
}

static void close_windows(void *user)
{
    struct amazon_side *side = user;
    side->windows.ops->close(&side->windows, close_stream, side);
}

static void close_table(void *user)
{
    struct amazon_side *side = user;
    side->table->ops->close(side->table, close_windows, side);
}

static void close_changes(void *user)
{
    struct amazon_side *side = user;
    if (side->changes == NULL) {
        close_table(side);
        return;
    }
    side->changes->ops->close(side->changes, close_table, side);
}

static void close_letters(void *user)
{
    struct amazon_side *side = user;
    side->letters.ops->close(&side->letters, close_changes, side);
}

static void close_side(struct sim_world *world, unsigned process, void (*on_closed)(void *user),
                       void *user)
{
    struct amazon_side *side = &amazon_of(world)->sides[process];
    side->on_closed = on_closed;
    side->on_closed_user = user;
    if (side->archive == NULL) {
        close_letters(side);
        return;
    }
    side->archive->ops->close(side->archive, close_letters, side);
}

static void drop_side(struct sim_world *world, unsigned process)
{
    struct amazon_side *side = &amazon_of(world)->sides[process];
    keep_cursor(side);
    amazon_disk_drop(side);
    amazon_machine_kill(&side->machine);
}

static void take_down(struct sim_world *world, unsigned process)
{
    struct amazon_side *side = &amazon_of(world)->sides[process];
    side->stream->ops->destroy(side->stream);
    side->table->ops->destroy(side->table);
    if (side->changes != NULL) {
        side->changes->ops->destroy(side->changes);
        side->archive->ops->destroy(side->archive);
    }
    ht_aws_settings_finish(&side->settings);
    amazon_machine_finish(&side->machine);
    HT_ASSERT(side->disk == NULL);
    side->is_open = false;
}

/* --- what the outside does --- */

static void set_faults(struct sim_world *world, const struct sim_faults *faults)
{
    struct amazon *amazon = amazon_of(world)->amazon;
    struct amazon_rates rates;
    const double lost = faults->lost_request / 1000.0, deaf = faults->lost_answer / 1000.0;
    const double refused = faults->throttled / 1000.0;
    world->faults = *faults;
    rates = (struct amazon_rates){.rate = {
                                      [AMAZON_LOST_BEFORE] = lost * 0.5,
                                      [AMAZON_SILENT_BEFORE] = lost * 0.25,
                                      [AMAZON_BROKEN_BEFORE] = lost * 0.25,
                                      [AMAZON_LOST_AFTER] = deaf * 0.4,
                                      [AMAZON_SILENT_AFTER] = deaf * 0.2,
                                      [AMAZON_BROKEN_AFTER] = deaf * 0.2,
                                      [AMAZON_CUT] = deaf * 0.1,
                                      [AMAZON_WRONG_CRC] = deaf * 0.1,
                                      [AMAZON_LATE] = faults->late_request / 1000.0,
                                      [AMAZON_THROTTLED] = refused * 0.6,
                                      [AMAZON_UNAVAILABLE] = refused * 0.1,
                                      [AMAZON_HTML] = refused * 0.1,
                                      [AMAZON_EXPIRED_KEYS] = refused * 0.1,
                                      [AMAZON_EMPTY_PAGE] = refused * 0.1,
                                      [AMAZON_SLOW] = faults->slow / 1000.0,
                                      [AMAZON_PARTIAL] = faults->partial / 1000.0,
                                      [AMAZON_EXPIRED_ITERATOR] = faults->expired_iterator / 1000.0,
                                      [AMAZON_HUGE] = refused * 0.0005,
                                  }};
    amazon_set_rates(amazon, &rates);
    amazon_set_latency(amazon, 1, 1 + faults->latency_ms / 2);
    amazon_set_worst(amazon, faults->slow_ms, faults->late_ms);
    amazon_set_refusing(amazon, faults->is_refusing);
    unsigned out = faults->is_unreachable ? AMAZON_OUT_ALL : 0;
    out |= faults->is_archive_out ? AMAZON_OUT_FIREHOSE | AMAZON_OUT_S3 : 0;
    out |= faults->is_stream_out ? AMAZON_OUT_KINESIS : 0;
    out |= faults->is_table_out ? AMAZON_OUT_DYNAMODB : 0;
    amazon_set_outage(amazon, out);
}

static void put_packed(struct amazon_world *world, unsigned shard, const struct sim_put *puts,
                       size_t count)
{
    world->inner = puts;
    world->inner_count = count;
    amazon_put_on(world->amazon, shard, HT_SLICE("a"), amazon_pack(world, puts, count));
    world->inner_count = 0;
}

static void put(struct sim_world *world, const struct sim_put *puts, size_t count,
                bool is_aggregated)
{
    struct amazon_world *own = amazon_of(world);
    for (size_t i = 0, step; i < count; i += step) {
        unsigned shard = amazon_shard_of(own->amazon, puts[i].partition_key);
        step = 1;
        while (is_aggregated && step < AGGREGATE_MOST && i + step < count &&
               amazon_shard_of(own->amazon, puts[i + step].partition_key) == shard) {
            step++;
        }
        if (is_aggregated) {
            put_packed(own, shard, puts + i, step);
        } else {
            (void)amazon_put(own->amazon, puts[i].partition_key, puts[i].data);
        }
    }
}

/* A shard by dice; false where it is closed, or there are too many. */
static bool pick_shard(struct sim_world *world, unsigned *shard)
{
    struct amazon *amazon = amazon_of(world)->amazon;
    *shard = (unsigned)amazon_below(amazon, amazon->shard_count);
    return !amazon->shards[*shard].is_closed && amazon->shard_count + 2 <= SIM_SHARDS_MAX;
}

static bool split(struct sim_world *world)
{
    unsigned shard;
    if (!pick_shard(world, &shard) || !amazon_split(amazon_of(world)->amazon, shard)) {
        return false;
    }
    world->truth->shards[shard].is_closed = true;
    SIM_NOTE(world->sim, "amazon: shard %u splits", shard);
    return true;
}

static bool merge(struct sim_world *world)
{
    unsigned shard;
    struct amazon *amazon = amazon_of(world)->amazon;
    if (!pick_shard(world, &shard) || !amazon_merge(amazon, shard)) {
        return false;
    }
    for (unsigned i = 0; i < amazon->shard_count; i++) {
        world->truth->shards[i].is_closed = amazon->shards[i].is_closed;
    }
    SIM_NOTE(world->sim, "amazon: shard %u merges", shard);
    return true;
}

static void trim(struct sim_world *world)
{
    struct amazon_world *own = amazon_of(world);
    uint64_t kept = 3 * world->options.repeat_window + RECORDS_KEPT;
    for (unsigned i = 0; i < own->amazon->shard_count; i++) {
        struct amazon_shard_state *shard = &own->amazon->shards[i];
        uint64_t passed = world->truth->shards[i].checkpointed;
        uint64_t most = passed > kept ? sim_between(world->sim, 0, passed - kept) : 0;
        while (shard->trimmed < shard->count &&
               amazon_truth_passed(own, i, shard->trimmed + 1) <= most) {
            amazon_trim(own->amazon, i, 1);
        }
        world->truth->shards[i].trimmed = amazon_truth_passed(own, i, shard->trimmed);
    }
}

static void roll_feed(struct sim_world *world)
{
    amazon_roll_over(amazon_of(world)->amazon, AMAZON_TABLE, sim_chance(world->sim, 200));
}

/* A hashtag as a text; false where it is too long to be one of the play's. */
static bool text_of(struct ht_slice hashtag, char text[512])
{
    return snprintf(text, 512, "%.*s", (int)hashtag.length, hashtag.data) < 512;
}

static void add_foreign(struct sim_world *world, struct ht_slice hashtag, uint64_t count)
{
    char text[512];
    if (text_of(hashtag, text)) {
        amazon_of(world)->foreign = count;
        amazon_add(amazon_of(world)->amazon, AMAZON_TABLE, text, "htCount", count);
        amazon_of(world)->foreign = 0;
    }
}

static bool delete_foreign(struct sim_world *world, struct ht_slice hashtag)
{
    char text[512];
    return text_of(hashtag, text) && !amazon_truth_is_ahead(amazon_of(world), text) &&
           amazon_delete(amazon_of(world)->amazon, AMAZON_TABLE, text, false);
}

static void expire(struct sim_world *world)
{
    amazon_expire(amazon_of(world)->amazon, AMAZON_TABLE);
}

const struct sim_backing sim_backing_amazon = {
    .name = "amazon",
    .has_shards = true,
    .has_foreign = true,
    .has_second = true,
    .has_aggregates = true,
    .is_slow = true,
    .feed_lag_ms = 120000,
    .create = create,
    .destroy = destroy,
    .open = open_side,
    .close = close_side,
    .drop = drop_side,
    .take_down = take_down,
    .set_faults = set_faults,
    .put = put,
    .split = split,
    .merge = merge,
    .trim = trim,
    .roll_feed = roll_feed,
    .add_foreign = add_foreign,
    .delete_foreign = delete_foreign,
    .expire = expire,
};
