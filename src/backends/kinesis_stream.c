// SPDX-License-Identifier: MIT
#include "hashtagd/backends/kinesis_stream.h"

#include "kinesis_stream_internal.h"

#include "hashtagd/aws/failure.h"
#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STREAM_MAGIC = 0x6b696e73,
    DEFAULT_REQUEST_BYTES = 2 * 1024 * 1024,
    MOST_REQUEST_BYTES = 5 * 1024 * 1024, /* PutRecords before October 2025, and of emulators */
    ANSWER_MAX_BYTES = 32 * 1024 * 1024,
};

static const double default_reads_per_s = 5.0;
static const double default_read_bytes_per_s = 2.0 * 1024 * 1024;

static int start(struct ht_kinesis_stream *stream, struct ht_error *error);
static void list(struct ht_stream *port, struct ht_stream_list *request);
static void on_list_turn(struct ht_timer *timer);
static void on_list(struct ht_kinesis_list_shards *op);
static void answer_lists(struct ht_kinesis_stream *stream, int status, const struct ht_error *error,
                         const struct ht_shard *shards, size_t count);
static void consumed(struct ht_stream *port, const char *shard_id,
                     const struct ht_position *position);
static struct ht_slice source_cursor(struct ht_stream *port);
static void close_stream(struct ht_stream *port, void (*on_closed)(void *user), void *user);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_stream *port);

static const struct ht_stream_ops operations = {
    .type = "kinesis",
    .list = list,
    .read = ht_kinesis_stream_read,
    .cancel_read = ht_kinesis_stream_cancel_read,
    .put = ht_kinesis_stream_put,
    .consumed = consumed,
    .source_cursor = source_cursor,
    .close = close_stream,
    .destroy = destroy,
};

struct ht_kinesis_stream *ht_kinesis_stream_from(struct ht_stream *port)
{
    struct ht_kinesis_stream *stream = HT_CONTAINER_OF(port, struct ht_kinesis_stream, stream);
    HT_ASSERT(stream->magic == STREAM_MAGIC);
    return stream;
}

uint64_t ht_kinesis_stream_now_ms(const struct ht_kinesis_stream *stream)
{
    return ht_clock_monotonic_ms(stream->options.clock);
}

int ht_kinesis_stream_create(struct ht_stream **out,
                             const struct ht_kinesis_stream_options *options,
                             struct ht_error *error)
{
    *out = NULL;
    if (!ht_kinesis_name_is_valid(options->stream_name)) {
        return ht_error_set(error, HT_EINVAL,
                            "stream.name '%.140s' cannot be the name of a Kinesis stream: 1 to 128 "
                            "letters, digits, '_', '.' and '-' are accepted.",
                            options->stream_name);
    }
    struct ht_kinesis_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    }
    stream->magic = STREAM_MAGIC;
    stream->stream.ops = &operations;
    stream->options = *options;
    stream->name = strdup(options->stream_name);
    stream->cursor_path = options->cursor_path == NULL ? NULL : strdup(options->cursor_path);
    stream->options.stream_name = stream->name;
    bool has_path = options->cursor_path == NULL || stream->cursor_path != NULL;
    stream->options.cursor_path = stream->cursor_path;
    int status = has_path ? start(stream, error)
                          : ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    if (status != 0) {
        destroy(&stream->stream);
        return status;
    }
    *out = &stream->stream;
    return 0;
}

static void take_defaults(struct ht_kinesis_stream_options *options)
{
    if (options->max_request_bytes == 0) {
        options->max_request_bytes = DEFAULT_REQUEST_BYTES;
    } else if (options->max_request_bytes > MOST_REQUEST_BYTES) {
        options->max_request_bytes = MOST_REQUEST_BYTES;
    }
    if (options->puts_at_once == 0 || options->puts_at_once > HT_KINESIS_PUTS_MOST) {
        options->puts_at_once = HT_KINESIS_PUTS_MOST;
    }
    if (options->reads_per_s <= 0) {
        options->reads_per_s = default_reads_per_s;
    }
    if (options->read_bytes_per_s <= 0) {
        options->read_bytes_per_s = default_read_bytes_per_s;
    }
}

static int start(struct ht_kinesis_stream *stream, struct ht_error *error)
{
    struct ht_hash_key key = {.k0 = ht_random_u64(stream->options.random),
                              .k1 = ht_random_u64(stream->options.random)};
    take_defaults(&stream->options);
    ht_kinesis_put_queue_init(&stream->queue, key);
    ht_json_reader_init(&stream->loop_json, ANSWER_MAX_BYTES);
    ht_json_reader_init(&stream->worker_json, ANSWER_MAX_BYTES);
    ht_health_init(&stream->stream.health, stream->options.clock, HT_HEALTH_STARTING);
    ht_timer_init(&stream->list_timer, on_list_turn);
    ht_timer_init(&stream->put_timer, ht_kinesis_stream_on_put_due);
    ht_timer_init(&stream->cursor_timer, ht_kinesis_stream_on_cursor_due);
    ht_timer_init(&stream->close_timer, on_close_turn);
    ht_timer_init(&stream->lost_timer, ht_kinesis_stream_on_lost_due);
    stream->request_window = stream->options.puts_at_once;
    stream->children = calloc(HT_KINESIS_CHILDREN_KNOWN_MAX, sizeof(*stream->children));
    bool has_all = stream->name != NULL && stream->children != NULL;
    for (size_t i = 0; i < HT_KINESIS_PUTS_MOST; i++) {
        stream->requests[i] = calloc(1, sizeof(*stream->requests[i]));
        has_all = has_all && stream->requests[i] != NULL;
    }
    if (!has_all) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the stream.");
    }
    return ht_kinesis_stream_load_cursor(stream, error);
}

bool ht_kinesis_stream_is_final(int status)
{
    return status == HT_EPERMISSION || status == HT_ENOTFOUND || status == HT_EINVAL;
}

/* A call's status as one that the port promises. */
static int to_port(int status)
{
    switch (status) {
    case HT_EIO:
    case HT_ETOOBIG:
    case HT_EPARSE:
        return HT_ECONNECTION;
    case HT_EEXIST:
        return HT_EBUSY;
    case HT_EUNSUPPORTED:
        return HT_EINVAL;
    default:
        return status;
    }
}

int ht_kinesis_stream_explain(const struct ht_kinesis_stream *stream,
                              const struct ht_aws_call *call, struct ht_error *error)
{
    const char *name = stream->options.stream_name;
    int status = to_port(call->status);
    const char *text = call->error.text[0] != '\0' ? call->error.text : ht_error_meaning(status);
    if (status == HT_ENOTFOUND) {
        return ht_error_set(error, status,
                            "%s (Create the stream %s with 'hashtagd setup', or correct "
                            "stream.name or AWS_REGION.)",
                            text, name);
    }
    if (status == HT_EPERMISSION && !ht_aws_failure_is_about_keys(&call->failure)) {
        return ht_error_set(error, status,
                            "%s (Allow kinesis:%s on the stream %s; see docs/aws.md.)", text,
                            call->operation, name);
    }
    return ht_error_set(error, status, "%s", text);
}

void ht_kinesis_stream_trouble(struct ht_kinesis_stream *stream, enum ht_kinesis_trouble kind,
                               const struct ht_error *error)
{
    if (stream->troubles[kind] != error->code) {
        ht_log_warning(stream->options.log, "kinesis", "in trouble, trying on",
                       HT_TEXT("error", error->text));
    }
    stream->troubles[kind] = error->code;
    ht_health_fail(&stream->stream.health,
                   ht_kinesis_stream_is_final(error->code) ? HT_HEALTH_FAILED : HT_HEALTH_WAITING,
                   error);
}

void ht_kinesis_stream_works(struct ht_kinesis_stream *stream, enum ht_kinesis_trouble kind)
{
    stream->troubles[kind] = 0;
    for (size_t i = 0; i < HT_KINESIS_TROUBLES; i++) {
        if (stream->troubles[i] != 0) {
            return;
        }
    }
    if (stream->stream.health.state == HT_HEALTH_FAILED) {
        ht_health_set(&stream->stream.health, HT_HEALTH_WORKING, "%s", "");
    }
    ht_health_succeed(&stream->stream.health);
}

static void list(struct ht_stream *port, struct ht_stream_list *request)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    HT_ASSERT(stream->list_count < HT_COUNT_OF(stream->lists));
    stream->lists[stream->list_count++] = request;
    ht_timer_start(stream->options.timers, &stream->list_timer, 0);
}

static void on_list_turn(struct ht_timer *timer)
{
    struct ht_kinesis_stream *stream = HT_CONTAINER_OF(timer, struct ht_kinesis_stream, list_timer);
    struct ht_error error;
    if (stream->is_listing || stream->list_count == 0) {
        return;
    }
    if (stream->is_closing) {
        int status = ht_error_set(&error, HT_ECANCELED, "The stream is being closed.");
        answer_lists(stream, status, &error, NULL, 0);
        return;
    }
    stream->list_op = (struct ht_kinesis_list_shards){
        .stream_name = stream->options.stream_name, .done = on_list, .user = stream};
    stream->is_listing = true;
    int status = ht_kinesis_list_shards_start(stream->options.aws, &stream->list_op);
    if (status != 0) {
        stream->is_listing = false;
        (void)ht_error_set(&error, status, "Out of memory for listing the shards of %s.",
                           stream->options.stream_name);
        answer_lists(stream, status, &error, NULL, 0);
    }
}

static void copy_shard(struct ht_shard *out, const struct ht_kinesis_shard *shard)
{
    _Static_assert(sizeof(out->id) == sizeof(shard->id), "ids of one size");
    memcpy(out->id, shard->id, sizeof(out->id));
    memcpy(out->parent_id, shard->parent_id, sizeof(out->parent_id));
    memcpy(out->adjacent_parent_id, shard->adjacent_parent_id, sizeof(out->adjacent_parent_id));
    out->closed = shard->is_closed;
}

static bool is_listed(const struct ht_kinesis_list_shards *op, const char *id)
{
    for (size_t i = op->count; i > 0; i--) {
        if (strcmp(op->shards[i - 1].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Children that the list has now need not be remembered. */
static void forget_listed_children(struct ht_kinesis_stream *stream,
                                   const struct ht_kinesis_list_shards *op)
{
    size_t kept = 0;
    for (size_t i = 0; i < stream->child_count; i++) {
        if (!is_listed(op, stream->children[i].id)) {
            stream->children[kept++] = stream->children[i];
        }
    }
    stream->child_count = kept;
}

bool ht_kinesis_stream_is_child(const struct ht_kinesis_stream *stream, const char *shard_id)
{
    for (size_t i = 0; i < stream->child_count; i++) {
        if (strcmp(stream->children[i].id, shard_id) == 0) {
            return true;
        }
    }
    return false;
}

void ht_kinesis_stream_note_child(struct ht_kinesis_stream *stream,
                                  const struct ht_kinesis_shard *child)
{
    if (stream->child_count < HT_KINESIS_CHILDREN_KNOWN_MAX &&
        !ht_kinesis_stream_is_child(stream, child->id)) {
        stream->children[stream->child_count++] = *child;
    }
}

static void on_list(struct ht_kinesis_list_shards *op)
{
    struct ht_kinesis_stream *stream = op->user;
    struct ht_error error;
    stream->is_listing = false;
    if (op->call.status != 0) {
        int status = ht_kinesis_stream_explain(stream, &op->call, &error);
        if (status != HT_ECANCELED) {
            ht_kinesis_stream_trouble(stream, HT_KINESIS_TROUBLE_LIST, &error);
        }
        answer_lists(stream, status, &error, NULL, 0);
        return;
    }
    forget_listed_children(stream, op);
    ht_kinesis_stream_tell_readers(stream, op->shards, op->count);
    size_t count = op->count + stream->child_count;
    struct ht_shard *shards = calloc(count + 1, sizeof(*shards));
    if (shards == NULL) {
        int status = ht_error_set(&error, HT_ENOMEM, "Out of memory for the shards of %s.",
                                  stream->options.stream_name);
        answer_lists(stream, status, &error, NULL, 0);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        copy_shard(&shards[i], i < op->count ? &op->shards[i] : &stream->children[i - op->count]);
    }
    ht_kinesis_stream_works(stream, HT_KINESIS_TROUBLE_LIST);
    if (stream->options.on_shards != NULL) {
        stream->options.on_shards(stream->options.on_shards_user, shards, count);
    }
    answer_lists(stream, 0, NULL, shards, count);
    free(shards);
}

/* Requests that are made from inside a `done` wait for the next turn. */
static void answer_lists(struct ht_kinesis_stream *stream, int status, const struct ht_error *error,
                         const struct ht_shard *shards, size_t count)
{
    struct ht_stream_list *lists[HT_COUNT_OF(stream->lists)];
    size_t list_count = stream->list_count;
    memcpy(lists, stream->lists, sizeof(lists));
    stream->list_count = 0;
    for (size_t i = 0; i < list_count; i++) {
        lists[i]->status = status;
        if (error != NULL) {
            lists[i]->error = *error;
        }
        lists[i]->shards = shards;
        lists[i]->count = count;
        lists[i]->done(lists[i]);
    }
    ht_kinesis_stream_check_close(stream);
}

/* Kinesis keeps records by time alone. */
static void consumed(struct ht_stream *port, const char *shard_id,
                     const struct ht_position *position)
{
    (void)ht_kinesis_stream_from(port);
    (void)shard_id;
    (void)position;
}

static struct ht_slice source_cursor(struct ht_stream *port)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    return ht_slice_make(stream->cursor, stream->cursor_bytes);
}

static void close_stream(struct ht_stream *port, void (*on_closed)(void *user), void *user)
{
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    HT_ASSERT(!stream->is_closing);
    stream->is_closing = true;
    stream->closing_ms = ht_kinesis_stream_now_ms(stream);
    stream->on_closed = on_closed;
    stream->on_closed_user = user;
    ht_kinesis_stream_cancel_reads(stream);
    if (stream->is_listing) {
        ht_kinesis_list_shards_cancel(&stream->list_op);
    }
    ht_timer_start(stream->options.timers, &stream->list_timer, 0);
    ht_timer_start(stream->options.timers, &stream->put_timer, 0);
    ht_kinesis_stream_check_close(stream);
}

static bool is_busy(const struct ht_kinesis_stream *stream)
{
    for (const struct ht_kinesis_reader *at = stream->readers; at != NULL; at = at->next) {
        if (at->read != NULL) {
            return true;
        }
    }
    return stream->list_count > 0 || stream->is_listing || stream->lost_reads != NULL ||
           stream->puts != NULL || stream->lost_puts != NULL || stream->finishing > 0 ||
           stream->request_count > 0 || stream->is_cursor_running;
}

void ht_kinesis_stream_check_close(struct ht_kinesis_stream *stream)
{
    if (stream->is_closing && !is_busy(stream)) {
        ht_timer_start(stream->options.timers, &stream->close_timer, 0);
    }
}

static void on_close_turn(struct ht_timer *timer)
{
    struct ht_kinesis_stream *stream =
        HT_CONTAINER_OF(timer, struct ht_kinesis_stream, close_timer);
    void (*on_closed)(void *) = stream->on_closed;
    if (is_busy(stream) || on_closed == NULL) {
        return;
    }
    stream->on_closed = NULL;
    ht_timer_stop(stream->options.timers, &stream->list_timer);
    ht_timer_stop(stream->options.timers, &stream->put_timer);
    ht_timer_stop(stream->options.timers, &stream->cursor_timer);
    ht_health_set(&stream->stream.health, HT_HEALTH_STOPPED, "%s", "");
    on_closed(stream->on_closed_user);
}

static void destroy(struct ht_stream *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_kinesis_stream *stream = ht_kinesis_stream_from(port);
    HT_ASSERT(!is_busy(stream));
    ht_kinesis_stream_free_readers(stream);
    ht_json_reader_finish(&stream->loop_json);
    ht_json_reader_finish(&stream->worker_json);
    for (size_t i = 0; i < HT_KINESIS_PUTS_MOST; i++) {
        free(stream->requests[i]);
    }
    free(stream->children);
    free(stream->name);
    free(stream->cursor_path);
    free(stream);
}
