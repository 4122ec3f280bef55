// SPDX-License-Identifier: MIT
#include "put.h"

#include "aws_session.h"

#include "hashtagd/backends/data_dir.h"
#include "hashtagd/backends/embedded_stream.h"
#include "hashtagd/backends/kinesis_stream.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/ingest.h"
#include "hashtagd/sources/none_source.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Without a daemon the stream is opened here, with the same stage in front of it that takes in
 * POST /tweets, so that a tweet is judged in one way only:
 *
 *     loop -> worker -> data directory and stream, or conversation with Amazon and stream
 *         -> ingest stage;   taken down in reverse
 */

struct store_sink {
    struct ht_put_sink sink; /* first: callers know only this */
    struct ht_data_dir *data_dir;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_aws_session aws; /* open where the stream is at Amazon */
    struct ht_stream *stream;
    struct ht_source *source;
    struct ht_ingest *ingest;
    struct ht_budget budget;
    struct ht_random random;
    struct ht_log log;
    int opened;                         /* what opening the stream's files ended with */
    struct ht_error *error;             /* of the opening; borrowed */
    struct ht_slice *messages;          /* HT_PUT_CHUNK_MESSAGES of them */
    struct ht_ingest_verdict *verdicts; /* likewise */
};

static int build(struct store_sink *sink, const struct ht_config *config,
                 const char *const *environment, struct ht_error *error);
static void on_opened(void *user, int status, const struct ht_error *error);
static int send_chunk(struct ht_put_sink *base, struct ht_put_chunk *chunk, struct ht_error *error);
static void on_posted(struct ht_ingest_post *post);
static void close_sink(struct ht_put_sink *base);
static void on_step(void *user);

int ht_put_store_open(struct ht_put_sink **sink, const struct ht_config *config,
                      const char *const *environment, struct ht_error *error)
{
    struct store_sink *made = calloc(1, sizeof(*made));
    *sink = NULL;
    if (made == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    made->sink.send = send_chunk;
    made->sink.close = close_sink;
    int result = build(made, config, environment, error);
    if (result != 0) {
        close_sink(&made->sink);
        return result;
    }
    *sink = &made->sink;
    return 0;
}

static int open_kinesis(struct store_sink *sink, const struct ht_config *config,
                        const char *const *environment, struct ht_error *error)
{
    struct ht_aws_session_options session = {.loop = sink->loop,
                                             .worker = sink->worker,
                                             .random = &sink->random,
                                             .log = &sink->log,
                                             .environment = environment};
    int result = ht_aws_session_open(&sink->aws, &session, error);
    struct ht_kinesis_stream_options options = {.aws = sink->aws.client,
                                                .worker = sink->worker,
                                                .clock = ht_loop_clock(sink->loop),
                                                .timers = ht_loop_timers(sink->loop),
                                                .random = &sink->random,
                                                .log = &sink->log,
                                                .stream_name = config->stream.name,
                                                .puts_at_once =
                                                    ht_aws_session_puts_at_once(&sink->aws)};
    return result != 0 ? result : ht_kinesis_stream_create(&sink->stream, &options, error);
}

static int open_embedded(struct store_sink *sink, const struct ht_config *config,
                         struct ht_error *error)
{
    int opened = ht_data_dir_open(&sink->data_dir, config->data.dir, error);
    if (opened != 0) {
        return opened;
    }
    char *directory = ht_data_dir_join(sink->data_dir, "stream");
    if (directory == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    struct ht_embedded_stream_options options = {.loop = sink->loop,
                                                 .worker = sink->worker,
                                                 .log = &sink->log,
                                                 .directory = directory,
                                                 .retention_s = config->stream.retention_s,
                                                 .retention_bytes = config->stream.retention_bytes,
                                                 .on_opened = on_opened,
                                                 .user = sink};
    sink->error = error;
    int result = ht_embedded_stream_create(&sink->stream, &options, error);
    free(directory);
    if (result == 0) {
        ht_loop_run(sink->loop); /* until on_opened */
        result = sink->opened;
    }
    return result;
}

static int build_stage(struct store_sink *sink, struct ht_error *error)
{
    struct ht_clock *clock = ht_loop_clock(sink->loop);
    struct ht_timer_queue *timers = ht_loop_timers(sink->loop);
    sink->source = ht_none_source_create(clock, timers);
    struct ht_ingest_options options = {.source = sink->source,
                                        .stream = sink->stream,
                                        .clock = clock,
                                        .timers = timers,
                                        .random = &sink->random,
                                        .budget = &sink->budget,
                                        .log = &sink->log};
    if (sink->source == NULL ||
        ht_random_secret(&options.tweet_key, sizeof(options.tweet_key)) != 0) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    sink->ingest = ht_ingest_create(&options);
    sink->messages = calloc(HT_PUT_CHUNK_MESSAGES, sizeof(*sink->messages));
    sink->verdicts = calloc(HT_PUT_CHUNK_MESSAGES, sizeof(*sink->verdicts));
    bool is_whole = sink->ingest != NULL && sink->messages != NULL && sink->verdicts != NULL;
    return is_whole ? 0 : ht_error_set(error, HT_ENOMEM, "Out of memory.");
}

static int build(struct store_sink *sink, const struct ht_config *config,
                 const char *const *environment, struct ht_error *error)
{
    uint64_t seed;
    if (ht_random_secret(&seed, sizeof(seed)) != 0) {
        return ht_error_set(error, HT_EIO, "The system gives no random numbers.");
    }
    ht_budget_init(&sink->budget, config->memory.budget_bytes);
    ht_random_init(&sink->random, seed);
    int result = ht_loop_create(&sink->loop, NULL, error);
    if (result == 0) {
        sink->log = (struct ht_log){.clock = ht_loop_clock(sink->loop),
                                    .fd = 2,
                                    .level = HT_LOG_WARNING,
                                    .format = (enum ht_log_format)config->log.format};
        result = ht_worker_create(&sink->worker, sink->loop, "put", error);
    }
    if (result == 0) {
        result = config->stream.type == HT_CONFIG_STREAM_KINESIS
                     ? open_kinesis(sink, config, environment, error)
                     : open_embedded(sink, config, error);
    }
    return result != 0 ? result : build_stage(sink, error);
}

static void on_opened(void *user, int status, const struct ht_error *error)
{
    struct store_sink *sink = user;
    sink->opened = status;
    if (status != 0) {
        *sink->error = *error;
    }
    ht_loop_stop(sink->loop);
}

static int send_chunk(struct ht_put_sink *base, struct ht_put_chunk *chunk, struct ht_error *error)
{
    struct store_sink *sink = HT_CONTAINER_OF(base, struct store_sink, sink);
    for (size_t i = 0; i < chunk->count; i++) {
        sink->messages[i] =
            ht_slice_make(chunk->bytes.data + chunk->entries[i].offset, chunk->entries[i].length);
    }
    struct ht_ingest_post post = {.messages = sink->messages,
                                  .count = chunk->count,
                                  .verdicts = sink->verdicts,
                                  .done = on_posted,
                                  .user = sink};
    ht_ingest_post(sink->ingest, &post);
    ht_loop_run(sink->loop); /* until on_posted */
    if (post.status != 0) {
        *error = post.error;
        return post.status == HT_EBUSY
                   ? ht_error_set(
                         error, HT_EBUSY,
                         "The stream is full of tweets that are not counted yet "
                         "(stream.retention_bytes): run hashtagd serve, then put the rest.")
                   : post.status;
    }
    for (size_t i = 0; i < chunk->count; i++) {
        if (!sink->verdicts[i].is_accepted) {
            (void)snprintf(chunk->entries[i].reason, HT_PUT_REASON_BYTES, "%s",
                           sink->verdicts[i].reason);
        }
    }
    return 0;
}

static void on_posted(struct ht_ingest_post *post)
{
    struct store_sink *sink = post->user;
    ht_loop_stop(sink->loop);
}

static void on_step(void *user)
{
    struct store_sink *sink = user;
    ht_loop_stop(sink->loop);
}

static void close_sink(struct ht_put_sink *base)
{
    struct store_sink *sink = HT_CONTAINER_OF(base, struct store_sink, sink);
    if (sink->ingest != NULL) {
        ht_ingest_stop(sink->ingest, on_step, sink);
        ht_loop_run(sink->loop);
        ht_ingest_destroy(sink->ingest);
    }
    if (sink->source != NULL) {
        sink->source->ops->destroy(sink->source);
    }
    if (sink->stream != NULL) {
        sink->stream->ops->close(sink->stream, on_step, sink);
        ht_loop_run(sink->loop);
        sink->stream->ops->destroy(sink->stream);
    }
    if (sink->aws.http != NULL) {
        ht_aws_session_close(&sink->aws, on_step, sink);
        ht_loop_run(sink->loop);
        ht_aws_session_finish(&sink->aws);
    }
    if (sink->worker != NULL) {
        ht_worker_stop(sink->worker, on_step, sink);
        ht_loop_run(sink->loop);
    }
    ht_loop_destroy(sink->loop);
    ht_data_dir_close(sink->data_dir);
    free(sink->messages);
    free(sink->verdicts);
    free(sink);
}
