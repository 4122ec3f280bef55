// SPDX-License-Identifier: MIT

/*
 * Finding the stream:
 *
 *   positions --> table --> list, page by page --> wait a minute --> table --> list ...
 *                  ^ |        |
 *                  | +- none -+-- gone: look again soon
 *                  +-- another stream: only after the one before is read to its end
 *
 * A stream that was switched off and on is another one. Where the rows are of none of its shards,
 * there may be deletions that nobody read yet in the one before, which is kept for a day:
 *
 *   list --> history --> list each older stream, until one has them --> follow that one first
 *
 * Between the pages of a listing, and while waiting, the children of shards that have ended are
 * asked for: after 50 ms, doubling to 1 s, then by a full listing.
 */

#include "dynamodb_changes_internal.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    LIST_EVERY_MS = 60000,
    DESCRIBE_GAP_MS = 120,
    PAGE_GAP_MS = 200,     /* 10 calls a second an account, and we are not alone */
    LOOK_AGAIN_MS = 10000, /* at a table that has no stream, or not yet */
    CHILD_WAIT_MS = 50,    /* Amazon's adapter: doubling to a second */
    CHILD_WAIT_MOST_MS = 1000,
    CHILD_ATTEMPTS = 8,
    CHILDREN_MOST = 5, /* parents at a time; for more a listing is quicker */
    HISTORY_ATTEMPTS = 3,
};

static const struct ht_backoff backoff = {.base_ms = 1000, .max_ms = 20000};

static void load_positions(struct ht_dynamodb_changes *changes);
static void on_row(struct ht_positions_load *load, const char *shard_id,
                   const struct ht_position *position);
static void on_loaded(struct ht_positions_load *load);
static void ask_table(struct ht_dynamodb_changes *changes);
static void on_table(struct ht_dynamodb_describe_table *op);
static void look_at_stream_of(struct ht_dynamodb_changes *changes, struct ht_slice arn);
static void ask_page(struct ht_dynamodb_changes *changes);
static void ask_children(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard);
static void on_shards(struct ht_dynamodb_streams_describe_stream *op);
static void take_page(struct ht_dynamodb_changes *changes,
                      const struct ht_dynamodb_streams_describe_stream *op);
static void take_children(struct ht_dynamodb_changes *changes, struct ht_change_shard *parent,
                          int status);
static void end_listing(struct ht_dynamodb_changes *changes);
static bool settle(struct ht_dynamodb_changes *changes);
static void ask_history(struct ht_dynamodb_changes *changes);
static void on_history(struct ht_dynamodb_streams_list_streams *op);
static void try_older(struct ht_dynamodb_changes *changes);
static void drop_vanished(struct ht_dynamodb_changes *changes);
static void lose_stream(struct ht_dynamodb_changes *changes);
static void set_condition(struct ht_dynamodb_changes *changes);

/* Goes to a step, in a while. */
static void go(struct ht_dynamodb_changes *changes, enum ht_changes_step step, uint64_t wait_ms)
{
    changes->stream.step = step;
    changes->stream.due_ms = ht_dynamodb_changes_now_ms(changes) + wait_ms;
    ht_dynamodb_changes_turn_soon(changes);
}

static void go_well(struct ht_dynamodb_changes *changes, enum ht_changes_step step,
                    uint64_t wait_ms)
{
    changes->stream.failures = 0;
    changes->stream.trouble.error.code = 0;
    go(changes, step, wait_ms);
}

/* Tries the same step again. */
static void go_again(struct ht_dynamodb_changes *changes)
{
    changes->stream.failures++;
    go(changes, changes->stream.step,
       ht_backoff_ms(&backoff, changes->stream.failures, changes->options.random));
}

/* The first shard whose children are to be asked for now. Where there are many, a listing is. */
static struct ht_change_shard *find_childless(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_change_shard *first = NULL;
    size_t count = 0;
    for (size_t i = 0; changes->stream.is_found && i < changes->lineage.count; i++) {
        struct ht_change_shard *shard = changes->lineage.shards[i];
        if (!shard->needs_children) {
            continue;
        }
        if (now_ms < shard->child_due_ms) {
            ht_dynamodb_changes_wait_until(changes, shard->child_due_ms);
            continue;
        }
        first = first == NULL ? shard : first;
        if (count++ >= CHILDREN_MOST) {
            changes->stream.relists = true;
            shard->child_due_ms = now_ms + CHILD_WAIT_MOST_MS;
        }
    }
    return first;
}

/* Asks DescribeStream where that is what is to be done now: whether it is. */
static bool step_describe(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_changes_stream *stream = &changes->stream;
    struct ht_change_shard *childless = find_childless(changes, now_ms);
    bool relists = stream->relists && stream->step == HT_CHANGES_STEP_TABLE &&
                   stream->arn != NULL && stream->failures == 0;
    bool lists = stream->step == HT_CHANGES_STEP_LIST && now_ms >= stream->due_ms;
    if (childless == NULL && !relists && !lists) {
        return false;
    }
    if (now_ms < stream->describe_due_ms) {
        ht_dynamodb_changes_wait_until(changes, stream->describe_due_ms);
    } else if (childless != NULL && !relists) {
        ask_children(changes, childless);
    } else {
        stream->step = HT_CHANGES_STEP_LIST;
        ask_page(changes);
    }
    return true;
}

/* Whether every shard of the stream is read to its end. */
static bool is_read_whole(const struct ht_dynamodb_changes *changes)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        const struct ht_change_shard *shard = changes->lineage.shards[i];
        if (shard->state != HT_CHANGE_SHARD_ENDED || shard->needs_children) {
            return false;
        }
    }
    return true;
}

void ht_changes_stream_step(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_changes_stream *stream = &changes->stream;
    if (stream->is_running || step_describe(changes, now_ms)) {
        return;
    }
    bool may_switch = stream->has_newer && stream->step == HT_CHANGES_STEP_TABLE &&
                      stream->failures == 0 && is_read_whole(changes);
    if (now_ms < stream->due_ms && !may_switch) {
        ht_dynamodb_changes_wait_until(changes, stream->due_ms);
    } else if (stream->step == HT_CHANGES_STEP_POSITIONS) {
        load_positions(changes);
    } else if (stream->step == HT_CHANGES_STEP_HISTORY) {
        ask_history(changes);
    } else {
        ask_table(changes);
    }
}

static void load_positions(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    stream->is_running = true;
    stream->load = (struct ht_positions_load){.on_row = on_row, .done = on_loaded, .user = changes};
    changes->positions->ops->load(changes->positions, &stream->load);
}

static void on_row(struct ht_positions_load *load, const char *shard_id,
                   const struct ht_position *position)
{
    struct ht_dynamodb_changes *changes = load->user;
    struct ht_change_shard *shard =
        ht_lineage_add(&changes->lineage, ht_slice_text(shard_id), (struct ht_slice){"", 0}, NULL);
    if (shard == NULL) {
        return; /* read again from its beginning */
    }
    shard->has_row = true;
    if (position->kind == HT_POSITION_END) {
        shard->is_end_saved = true;
        shard->state = HT_CHANGE_SHARD_ENDED;
    }
    if (position->kind == HT_POSITION_END || position->kind == HT_POSITION_AFTER) {
        memcpy(shard->read_sequence, position->sequence_number, HT_SEQUENCE_BYTES);
        memcpy(shard->saved_sequence, position->sequence_number, HT_SEQUENCE_BYTES);
    }
}

static void on_loaded(struct ht_positions_load *load)
{
    struct ht_dynamodb_changes *changes = load->user;
    changes->stream.is_running = false;
    if (load->status != 0) {
        changes->stream.trouble.state = HT_HEALTH_WAITING;
        changes->stream.trouble.error = load->error;
        go_again(changes);
        return;
    }
    go_well(changes, HT_CHANGES_STEP_TABLE, 0);
}

static void ask_table(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    stream->is_running = true;
    stream->table_op = (struct ht_dynamodb_describe_table){
        .table_name = changes->options.table_name,
        .resource = changes->resource,
        .done = on_table,
        .user = changes,
    };
    ht_dynamodb_describe_table_start(changes->options.aws, &stream->table_op);
}

static void refuse_table(struct ht_dynamodb_changes *changes, const char *words)
{
    struct ht_changes_trouble *trouble = &changes->stream.trouble;
    trouble->state = HT_HEALTH_FAILED;
    ht_error_set(&trouble->error, HT_ENOTFOUND,
                 "Table %s %s: deletions cannot be followed. 'hashtagd setup' makes what is "
                 "missing; it is looked at again by itself.",
                 changes->options.table_name, words);
    changes->stream.failures++;
    go(changes, HT_CHANGES_STEP_TABLE, LOOK_AGAIN_MS);
}

static void on_table(struct ht_dynamodb_describe_table *op)
{
    struct ht_dynamodb_changes *changes = op->user;
    changes->stream.is_running = false;
    if (op->status == HT_ENOTFOUND) {
        refuse_table(changes, "is not there");
    } else if (op->status != 0) {
        ht_dynamodb_changes_note(&changes->stream.trouble, &op->call, op->status);
        go_again(changes);
    } else if (op->table.stream_arn[0] == '\0') {
        refuse_table(changes, "has no change stream");
    } else {
        look_at_stream_of(changes, ht_slice_text(op->table.stream_arn));
    }
}

static void look_at_stream_of(struct ht_dynamodb_changes *changes, struct ht_slice arn)
{
    struct ht_changes_stream *stream = &changes->stream;
    bool is_same = stream->arn != NULL && ht_slice_equal(arn, ht_slice_text(stream->arn));
    if (!is_same && (stream->arn == NULL || is_read_whole(changes))) {
        char *copy = ht_slice_to_text(arn);
        if (copy != NULL) {
            ht_log_info(changes->options.log, "changes", "change stream found",
                        HT_TEXT("stream", copy));
            free(stream->arn);
            stream->arn = copy;
            is_same = true;
        }
    }
    stream->has_newer = !is_same;
    if (stream->arn == NULL) {
        go_again(changes);
        return;
    }
    go_well(changes, HT_CHANGES_STEP_LIST, 0);
}

static void describe(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    stream->is_running = true;
    stream->describe_due_ms = ht_dynamodb_changes_now_ms(changes) + DESCRIBE_GAP_MS;
    stream->stream_op.stream_arn = ht_slice_text(stream->arn);
    stream->stream_op.resource = changes->resource;
    stream->stream_op.done = on_shards;
    stream->stream_op.user = changes;
    ht_dynamodb_streams_describe_stream_start(changes->options.aws, &stream->stream_op);
}

static void ask_page(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    if (stream->last_shard_id[0] == '\0') {
        ht_lineage_begin_listing(&changes->lineage);
        stream->page_count = 0;
        stream->relists = false;
    }
    stream->asked_parent = NULL;
    stream->stream_op = (struct ht_dynamodb_streams_describe_stream){
        .start_shard_id = ht_slice_text(stream->last_shard_id)};
    describe(changes);
}

static void ask_children(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard)
{
    struct ht_changes_stream *stream = &changes->stream;
    stream->asked_parent = shard;
    stream->stream_op =
        (struct ht_dynamodb_streams_describe_stream){.child_shards_of = ht_slice_text(shard->id)};
    describe(changes);
}

static void on_shards(struct ht_dynamodb_streams_describe_stream *op)
{
    struct ht_dynamodb_changes *changes = op->user;
    struct ht_changes_stream *stream = &changes->stream;
    struct ht_change_shard *parent = stream->asked_parent;
    stream->is_running = false;
    stream->asked_parent = NULL;
    if (op->status == 0) {
        take_page(changes, op);
    }
    if (parent != NULL) {
        take_children(changes, parent, op->status);
    } else if (op->status == HT_ENOTFOUND && stream->candidates != NULL) {
        try_older(changes);
    } else if (op->status == HT_ENOTFOUND && stream->last_shard_id[0] != '\0') {
        stream->last_shard_id[0] = '\0'; /* the shard that the page begins behind is gone */
        go_again(changes);
    } else if (op->status == HT_ENOTFOUND) {
        lose_stream(changes);
    } else if (op->status != 0) {
        ht_dynamodb_changes_note(&stream->trouble, &op->call, op->status);
        go_again(changes);
    } else if (stream->last_shard_id[0] != '\0') {
        go_well(changes, HT_CHANGES_STEP_LIST, PAGE_GAP_MS);
    } else {
        end_listing(changes);
    }
}

static void add_shard(struct ht_dynamodb_changes *changes,
                      const struct ht_dynamodb_stream_shard *listed)
{
    bool is_new = false;
    struct ht_change_shard *shard =
        ht_lineage_add(&changes->lineage, listed->shard_id, listed->parent_shard_id, &is_new);
    if (shard == NULL) {
        ht_log_warning(changes->options.log, "changes", "shard cannot be followed",
                       HT_BYTES("shard", listed->shard_id));
        return;
    }
    if (changes->positions->ops->note(changes->positions, shard->id, shard->parent_id) != 0) {
        ht_log_warning(changes->options.log, "changes", "parent of a shard not noted",
                       HT_TEXT("shard", shard->id));
    }
    if (is_new) {
        struct ht_change_shard *parent =
            ht_lineage_find(&changes->lineage, ht_slice_text(shard->parent_id));
        if (parent != NULL) {
            parent->needs_children = false;
        }
        ht_log_debug(changes->options.log, "changes", "shard found", HT_TEXT("shard", shard->id),
                     HT_TEXT("parent", shard->parent_id));
    }
}

static void take_page(struct ht_dynamodb_changes *changes,
                      const struct ht_dynamodb_streams_describe_stream *op)
{
    struct ht_changes_stream *stream = &changes->stream;
    for (size_t i = 0; i < op->shard_count; i++) {
        add_shard(changes, &op->shards[i]);
    }
    if (op->child_shards_of.length > 0) {
        return;
    }
    struct ht_slice last = op->last_shard_id;
    stream->page_count++;
    if (last.length >= sizeof(stream->last_shard_id) ||
        ht_slice_equal(last, ht_slice_text(stream->last_shard_id)) ||
        stream->page_count > HT_LINEAGE_MAX / HT_DYNAMODB_STREAMS_SHARDS_MAX) {
        last.length = 0; /* a listing that never ends is none */
    }
    memcpy(stream->last_shard_id, last.data, last.length);
    stream->last_shard_id[last.length] = '\0';
    stream->is_enabled = op->is_enabled;
    stream->view = op->view;
}

void ht_changes_stream_follow(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard)
{
    shard->needs_children = !ht_lineage_has_child(&changes->lineage, shard);
    shard->child_attempts = 0;
    shard->child_due_ms = 0;
    ht_dynamodb_changes_turn_soon(changes);
}

static void take_children(struct ht_dynamodb_changes *changes, struct ht_change_shard *parent,
                          int status)
{
    uint64_t wait_ms = CHILD_WAIT_MS;
    parent->child_attempts++;
    if (ht_lineage_has_child(&changes->lineage, parent)) {
        parent->needs_children = false;
    } else if (parent->child_attempts >= CHILD_ATTEMPTS || !changes->stream.is_enabled ||
               status == HT_ENOTFOUND || status == HT_EINVAL) {
        parent->needs_children = false; /* a listing of all shows it, now or in a minute */
        changes->stream.relists = true;
    } else {
        for (unsigned i = 1; i < parent->child_attempts && wait_ms < CHILD_WAIT_MOST_MS; i++) {
            wait_ms *= 2;
        }
        wait_ms = wait_ms < CHILD_WAIT_MOST_MS ? wait_ms : CHILD_WAIT_MOST_MS;
        parent->child_due_ms = ht_dynamodb_changes_now_ms(changes) + wait_ms;
    }
    ht_dynamodb_changes_turn_soon(changes);
}

static void end_listing(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    /* a stream of thousands of shards is not listed all the time; one that is off has a follower */
    uint64_t wait_ms = (uint64_t)stream->page_count * PAGE_GAP_MS * 10;
    uint64_t least_ms = stream->is_enabled ? LIST_EVERY_MS : LOOK_AGAIN_MS;
    ht_lineage_end_listing(&changes->lineage);
    if (!settle(changes)) {
        return;
    }
    drop_vanished(changes);
    if (!stream->is_found) {
        ht_log_info(changes->options.log, "changes", "following the change stream",
                    HT_TEXT("stream", stream->arn), HT_NUMBER("shards", changes->lineage.count));
    }
    stream->is_found = true;
    set_condition(changes);
    go_well(changes, HT_CHANGES_STEP_TABLE, wait_ms > least_ms ? wait_ms : least_ms);
}

/* Whether the rows are of the stream that was listed, or nothing in them is unread. */
static bool has_the_rows(const struct ht_dynamodb_changes *changes)
{
    bool has_unread = false;
    for (size_t i = 0; i < changes->lineage.count; i++) {
        const struct ht_change_shard *shard = changes->lineage.shards[i];
        if (shard->has_row && ht_lineage_is_listed(&changes->lineage, shard)) {
            return true;
        }
        has_unread = has_unread || (shard->has_row && shard->state != HT_CHANGE_SHARD_ENDED);
    }
    return !has_unread;
}

/* Whether nobody uses a shard: no reader, no removal that is not committed, no write of its row. */
static bool is_at_rest(const struct ht_change_shard *shard)
{
    return shard->reader == NULL && shard->outstanding == 0 && !shard->wants_save &&
           !shard->is_saving;
}

static void forget(struct ht_dynamodb_changes *changes, struct ht_change_shard *shard)
{
    changes->positions->ops->forget(changes->positions, shard->id);
    ht_lineage_remove(&changes->lineage, shard);
}

/* Forgets the shards of a stream that is not followed now. */
static void forget_listed(struct ht_dynamodb_changes *changes)
{
    for (size_t i = changes->lineage.count; i > 0; i--) {
        struct ht_change_shard *shard = changes->lineage.shards[i - 1];
        if (!shard->has_row && is_at_rest(shard)) {
            forget(changes, shard);
        }
    }
}

/* Whether this stream is to be followed; else goes to an older one. */
static bool settle(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    bool is_last_word = stream->has_looked_back && stream->candidates == NULL;
    if (stream->is_found || is_last_word || has_the_rows(changes)) {
        stream->has_newer = stream->has_newer || stream->candidates != NULL;
        free(stream->candidates);
        stream->candidates = NULL;
        return true;
    }
    forget_listed(changes);
    if (stream->has_looked_back) {
        try_older(changes);
    } else {
        stream->has_looked_back = true;
        go_well(changes, HT_CHANGES_STEP_HISTORY, 0);
    }
    return false;
}

static void ask_history(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    stream->is_running = true;
    stream->history_op = (struct ht_dynamodb_streams_list_streams){
        .table_name = changes->options.table_name,
        .resource = changes->resource,
        .done = on_history,
        .user = changes,
    };
    ht_dynamodb_streams_list_streams_start(changes->options.aws, &stream->history_op);
}

static void on_history(struct ht_dynamodb_streams_list_streams *op)
{
    struct ht_dynamodb_changes *changes = op->user;
    struct ht_changes_stream *stream = &changes->stream;
    struct ht_buffer arns;
    stream->is_running = false;
    if (op->status != 0 && op->status != HT_EPERMISSION && stream->failures < HISTORY_ATTEMPTS) {
        go_again(changes);
        return;
    }
    if (op->status != 0) {
        ht_log_warning(
            changes->options.log, "changes",
            "older change streams cannot be looked for: deletions from before the stream "
            "was switched off may be missing",
            HT_TEXT("error", op->call.error.text));
    }
    ht_buffer_init(&arns, (size_t)256 * 1024);
    for (size_t i = 0; op->status == 0 && i < op->stream_count; i++) {
        if (!ht_slice_equal(op->stream_arns[i], ht_slice_text(stream->arn))) {
            (void)ht_buffer_append_slice(&arns, op->stream_arns[i]);
            (void)ht_buffer_append_byte(&arns, '\n');
        }
    }
    stream->candidates = ht_buffer_take(&arns);
    stream->failures = 0;
    try_older(changes);
}

/* Lists the next older stream; after the last one it is the table's own again. */
static void try_older(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    char *end = stream->candidates == NULL ? NULL : strchr(stream->candidates, '\n');
    free(stream->arn);
    stream->arn = NULL;
    stream->last_shard_id[0] = '\0';
    if (end != NULL) {
        stream->arn =
            ht_slice_to_text(ht_slice_make(stream->candidates, (size_t)(end - stream->candidates)));
        memmove(stream->candidates, end + 1, strlen(end + 1) + 1);
    }
    if (stream->arn == NULL) {
        free(stream->candidates);
        stream->candidates = NULL;
    }
    go_well(changes, stream->arn == NULL ? HT_CHANGES_STEP_TABLE : HT_CHANGES_STEP_LIST, 0);
}

/* Forgets shards that are not listed any more: the stream keeps a day. */
static void drop_vanished(struct ht_dynamodb_changes *changes)
{
    for (size_t i = changes->lineage.count; i > 0; i--) {
        struct ht_change_shard *shard = changes->lineage.shards[i - 1];
        if (!ht_lineage_is_gone(&changes->lineage, shard) || !is_at_rest(shard)) {
            continue;
        }
        if (shard->state != HT_CHANGE_SHARD_ENDED) {
            changes->changes.counters.gaps++;
            ht_log_warning(changes->options.log, "changes",
                           "shard is gone from the stream before it was read: deletions of more "
                           "than 24 hours ago are missing",
                           HT_TEXT("shard", shard->id), HT_TEXT("after", shard->saved_sequence));
            shard->state = HT_CHANGE_SHARD_ENDED;
        }
        shard->is_gone = true;
        if (shard->has_row) {
            ht_changes_commit_remove_row(changes, shard);
        } else {
            forget(changes, shard);
        }
    }
}

/* The stream is no more: what it held is lost, and there may be a new one. */
static void lose_stream(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    ht_log_warning(changes->options.log, "changes", "change stream is gone",
                   HT_TEXT("stream", stream->arn));
    free(stream->arn);
    stream->arn = NULL;
    stream->is_found = false;
    stream->last_shard_id[0] = '\0';
    ht_lineage_begin_listing(&changes->lineage); /* empty ones: nothing is there any more */
    ht_lineage_begin_listing(&changes->lineage);
    ht_lineage_end_listing(&changes->lineage);
    drop_vanished(changes);
    refuse_table(changes, "has lost its change stream");
}

/* What the listing says of the stream as a whole. */
static void set_condition(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    struct ht_error *error = &stream->condition.error;
    const char *table = changes->options.table_name;
    stream->condition.state = HT_HEALTH_FAILED;
    ht_error_clear(error);
    if (stream->has_newer) {
        return; /* what is said of this one no longer matters */
    }
    if (!stream->is_enabled) {
        ht_error_set(error, HT_EINVAL,
                     "The change stream of table %s is switched off: deletions from now on are not "
                     "archived. Switch it on with NEW_AND_OLD_IMAGES ('hashtagd setup' does); the "
                     "new one is found by itself.",
                     table);
    } else if (stream->view == HT_DYNAMODB_STREAM_VIEW_KEYS_ONLY ||
               stream->view == HT_DYNAMODB_STREAM_VIEW_NEW_IMAGE) {
        ht_error_set(error, HT_EINVAL,
                     "The change stream of table %s holds no old images: deleted hashtags are "
                     "archived without their counts. Switch it off and on again with "
                     "NEW_AND_OLD_IMAGES; the new one is found by itself.",
                     table);
    }
}

bool ht_changes_stream_is_settling(const struct ht_dynamodb_changes *changes)
{
    const struct ht_changes_stream *stream = &changes->stream;
    bool is_listing = stream->relists || stream->step == HT_CHANGES_STEP_LIST;
    if (!stream->is_found || stream->has_newer || is_listing || stream->asked_parent != NULL) {
        return true;
    }
    for (size_t i = 0; i < changes->lineage.count; i++) {
        if (changes->lineage.shards[i]->needs_children) {
            return true;
        }
    }
    return false;
}

void ht_changes_stream_cancel(struct ht_dynamodb_changes *changes)
{
    struct ht_changes_stream *stream = &changes->stream;
    if (!stream->is_running) {
        return;
    }
    if (stream->step == HT_CHANGES_STEP_HISTORY) {
        ht_dynamodb_streams_list_streams_cancel(&stream->history_op);
    } else if (stream->step == HT_CHANGES_STEP_TABLE && stream->asked_parent == NULL) {
        ht_dynamodb_describe_table_cancel(&stream->table_op);
    } else if (stream->step != HT_CHANGES_STEP_POSITIONS) {
        ht_dynamodb_streams_describe_stream_cancel(&stream->stream_op);
    }
}
