// SPDX-License-Identifier: MIT

/* start: which expressions -> operation -> on_..._done -> ht_lease_answered() */

#include "dynamodb_leases_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static void fill(struct ht_lease_request *request);
static void start(struct ht_lease_request *request);
static void on_get_done(struct ht_dynamodb_get_item *op);
static void on_put_done(struct ht_dynamodb_put_item *op);
static void on_update_done(struct ht_dynamodb_update_item *op);
static void on_delete_done(struct ht_dynamodb_delete_item *op);
static void answered(struct ht_lease_request *request, struct ht_aws_call *call, int status,
                     struct ht_dynamodb_answer *answer);

void ht_lease_request_start(struct ht_lease *lease, enum ht_lease_action action,
                            const struct ht_position *position)
{
    HT_ASSERT(lease->running == NULL);
    struct ht_lease_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        struct ht_error error;
        int status = ht_error_set(&error, HT_ENOMEM, "Out of memory for a request to DynamoDB.");
        ht_leases_note(lease->leases, &error, status);
        if (lease->first != NULL) {
            ht_lease_end_write(lease, status, &error);
        }
        return;
    }
    request->lease = lease;
    request->action = action;
    if (position != NULL) {
        request->position = *position;
    }
    lease->running = request;
    lease->leases->running_count++;
    fill(request);
    start(request);
}

static void add_name(struct ht_lease_request *request, const char *alias, const char *name)
{
    HT_ASSERT(request->name_count < HT_LEASE_NAMES_MAX);
    request->names[request->name_count++] = (struct ht_dynamodb_name){alias, ht_slice_text(name)};
}

static void add_text(struct ht_lease_request *request, const char *alias, const char *text)
{
    HT_ASSERT(request->value_count < HT_LEASE_VALUES_MAX);
    request->values[request->value_count++] = (struct ht_dynamodb_value){
        .alias = alias, .type = HT_ATTRIBUTE_S, .text = ht_slice_text(text)};
}

static void add_number(struct ht_lease_request *request, const char *alias, uint64_t number)
{
    HT_ASSERT(request->value_count < HT_LEASE_VALUES_MAX);
    request->values[request->value_count++] =
        (struct ht_dynamodb_value){.alias = alias, .type = HT_ATTRIBUTE_N, .number = number};
}

/* The texts from `from` on; no value where there are none, for a set is never empty. */
static bool add_set(struct ht_lease_request *request, const char *alias, size_t from)
{
    if (request->text_count == from) {
        return false;
    }
    HT_ASSERT(request->value_count < HT_LEASE_VALUES_MAX);
    request->values[request->value_count++] =
        (struct ht_dynamodb_value){.alias = alias,
                                   .type = HT_ATTRIBUTE_SS,
                                   .texts = request->texts + from,
                                   .text_count = request->text_count - from};
    return true;
}

static void add_set_text(struct ht_lease_request *request, const char *text)
{
    if (text[0] != '\0' && request->text_count < HT_LEASE_CHILDREN_MAX) {
        request->texts[request->text_count++] = ht_slice_text(text);
    }
}

static void append(struct ht_lease_request *request, const char *text)
{
    size_t length = strlen(request->expression);
    int written =
        snprintf(request->expression + length, sizeof(request->expression) - length, "%s", text);
    HT_ASSERT(written >= 0 && length + (size_t)written < sizeof(request->expression));
}

/* Of a shard that ends: who its children are. */
static void add_children(struct ht_lease_request *request)
{
    const struct ht_dynamodb_leases *leases = request->lease->leases;
    for (size_t i = 0; i < leases->count && request->position.kind == HT_POSITION_END; i++) {
        if (ht_lease_is_child(leases->all[i], request->lease->shard_id)) {
            add_set_text(request, leases->all[i]->shard_id);
        }
    }
}

/* The row's counter, which is the lock of all updates. */
static void fill_counter(struct ht_lease_request *request)
{
    add_name(request, "#c", "leaseCounter");
    add_number(request, ":c", request->lease->counter);
    add_number(request, ":n", request->lease->counter + 1);
    append(request, "SET #c = :n");
}

static void fill_take(struct ht_lease_request *request)
{
    const struct ht_lease *lease = request->lease;
    const char *me = lease->leases->options.worker_id;
    fill_counter(request);
    add_name(request, "#o", "leaseOwner");
    add_name(request, "#g", "checkpointOwner");
    add_text(request, ":o", me);
    append(request, ", #o = :o REMOVE #g");
    if (lease->owner[0] != '\0' && strcmp(lease->owner, me) != 0) {
        add_name(request, "#s", "ownerSwitchesSinceCheckpoint");
        add_number(request, ":s", 1);
        append(request, " ADD #s :s");
    }
}

static void fill_write(struct ht_lease_request *request)
{
    const struct ht_position *position = &request->position;
    fill_counter(request);
    add_name(request, "#k", "checkpoint");
    add_name(request, "#b", "checkpointSubSequenceNumber");
    add_name(request, "#s", "ownerSwitchesSinceCheckpoint");
    add_text(request, ":k", ht_lease_checkpoint_text(position));
    add_number(request, ":b", position->sub_sequence);
    add_number(request, ":s", 0);
    append(request, ", #k = :k, #b = :b, #s = :s");
    add_name(request, "#w", "htWarmSequence");
    if (position->warm_sequence[0] != '\0') {
        add_text(request, ":w", position->warm_sequence);
        append(request, ", #w = :w");
    }
    add_children(request);
    if (add_set(request, ":h", 0)) {
        add_name(request, "#h", "childShardIds");
        append(request, ", #h = :h");
    }
    add_name(request, "#p", "pendingCheckpoint");
    add_name(request, "#q", "pendingCheckpointSubSequenceNumber");
    add_name(request, "#r", "pendingCheckpointState");
    append(request, " REMOVE #p, #q, #r");
    append(request, position->warm_sequence[0] == '\0' ? ", #w" : "");
}

static void fill_create(struct ht_lease_request *request)
{
    const struct ht_lease *lease = request->lease;
    const struct ht_position *position = &request->position;
    add_name(request, "#k", "leaseKey");
    add_text(request, "leaseOwner", lease->leases->options.worker_id);
    add_number(request, "leaseCounter", 0);
    add_number(request, "ownerSwitchesSinceCheckpoint", 0);
    add_text(request, "checkpoint", ht_lease_checkpoint_text(position));
    add_number(request, "checkpointSubSequenceNumber", position->sub_sequence);
    add_text(request, "entityType", "LEASE");
    for (size_t i = 0; i < HT_LEASE_PARENTS; i++) {
        add_set_text(request, lease->parents[i]);
    }
    (void)add_set(request, "parentShardId", 0);
    size_t parent_count = request->text_count;
    add_children(request);
    (void)add_set(request, "childShardIds", parent_count);
    if (lease->hash_keys[0][0] != '\0' && lease->hash_keys[1][0] != '\0') {
        add_text(request, "startingHashKey", lease->hash_keys[0]);
        add_text(request, "endingHashKey", lease->hash_keys[1]);
    }
    if (position->warm_sequence[0] != '\0') {
        add_text(request, "htWarmSequence", position->warm_sequence);
    }
    if (position->kind == HT_POSITION_AT_TIME && position->time_ms > 0) {
        add_number(request, "htTimeMs", (uint64_t)position->time_ms);
    }
}

static void fill(struct ht_lease_request *request)
{
    switch (request->action) {
    case HT_LEASE_TAKE:
        fill_take(request);
        break;
    case HT_LEASE_RENEW:
        fill_counter(request);
        break;
    case HT_LEASE_WRITE:
        fill_write(request);
        break;
    case HT_LEASE_CREATE:
        fill_create(request);
        break;
    case HT_LEASE_RELEASE:
        add_name(request, "#o", "leaseOwner");
        add_name(request, "#c", "leaseCounter");
        add_text(request, ":o", request->lease->leases->options.worker_id);
        add_number(request, ":n", 1);
        append(request, "REMOVE #o ADD #c :n");
        break;
    case HT_LEASE_READ:
    case HT_LEASE_REMOVE:
        break;
    }
}

static void start_update(struct ht_lease_request *request, const struct ht_dynamodb_target *target)
{
    bool is_release = request->action == HT_LEASE_RELEASE;
    request->update = (struct ht_dynamodb_update_item){
        .target = *target,
        .expressions = {.update = request->expression,
                        .condition = is_release ? "#o = :o" : "#c = :c",
                        .names = request->names,
                        .name_count = request->name_count,
                        .values = request->values,
                        .value_count = request->value_count},
        .returned = request->action == HT_LEASE_TAKE ? "ALL_NEW" : NULL,
        .done = on_update_done,
        .user = request,
    };
    ht_dynamodb_update_item_start(request->lease->leases->options.aws, &request->update);
}

static void start(struct ht_lease_request *request)
{
    struct ht_dynamodb_leases *leases = request->lease->leases;
    struct ht_dynamodb_target target = {.table_name = leases->options.table_name,
                                        .key_name = "leaseKey",
                                        .key = ht_slice_text(request->lease->shard_id),
                                        .resource = leases->resource};
    switch (request->action) {
    case HT_LEASE_READ:
        request->get =
            (struct ht_dynamodb_get_item){.target = target, .done = on_get_done, .user = request};
        ht_dynamodb_get_item_start(leases->options.aws, &request->get);
        break;
    case HT_LEASE_CREATE:
        request->put = (struct ht_dynamodb_put_item){
            .target = target,
            .attributes = request->values,
            .attribute_count = request->value_count,
            .expressions = {.condition = "attribute_not_exists(#k)",
                            .names = request->names,
                            .name_count = request->name_count},
            .done = on_put_done,
            .user = request,
        };
        ht_dynamodb_put_item_start(leases->options.aws, &request->put);
        break;
    case HT_LEASE_REMOVE:
        request->delete = (struct ht_dynamodb_delete_item){
            .target = target, .done = on_delete_done, .user = request};
        ht_dynamodb_delete_item_start(leases->options.aws, &request->delete);
        break;
    case HT_LEASE_TAKE:
    case HT_LEASE_RENEW:
    case HT_LEASE_WRITE:
    case HT_LEASE_RELEASE:
        start_update(request, &target);
        break;
    }
}

static void on_get_done(struct ht_dynamodb_get_item *op)
{
    answered(op->user, &op->call, op->status, &op->answer);
}

static void on_put_done(struct ht_dynamodb_put_item *op)
{
    answered(op->user, &op->call, op->status, &op->answer);
}

static void on_update_done(struct ht_dynamodb_update_item *op)
{
    answered(op->user, &op->call, op->status, &op->answer);
}

static void on_delete_done(struct ht_dynamodb_delete_item *op)
{
    answered(op->user, &op->call, op->status, &op->answer);
}

static void answered(struct ht_lease_request *request, struct ht_aws_call *call, int status,
                     struct ht_dynamodb_answer *answer)
{
    struct ht_lease_row row;
    bool has_row = answer->item.kind == '{' &&
                   ht_lease_row_read(&answer->reader, answer->item, &answer->texts, &row) == 0;
    request->lease->running = NULL;
    request->lease->leases->running_count--;
    ht_lease_answered(request, call, status, has_row ? &row : NULL);
}

void ht_lease_request_cancel(struct ht_lease_request *request)
{
    switch (request->action) {
    case HT_LEASE_READ:
        ht_dynamodb_get_item_cancel(&request->get);
        break;
    case HT_LEASE_CREATE:
        ht_dynamodb_put_item_cancel(&request->put);
        break;
    case HT_LEASE_REMOVE:
        ht_dynamodb_delete_item_cancel(&request->delete);
        break;
    case HT_LEASE_TAKE:
    case HT_LEASE_RENEW:
    case HT_LEASE_WRITE:
    case HT_LEASE_RELEASE:
        ht_dynamodb_update_item_cancel(&request->update);
        break;
    }
}

void ht_lease_request_free(struct ht_lease_request *request)
{
    switch (request->action) {
    case HT_LEASE_READ:
        ht_dynamodb_get_item_finish(&request->get);
        break;
    case HT_LEASE_CREATE:
        ht_dynamodb_put_item_finish(&request->put);
        break;
    case HT_LEASE_REMOVE:
        ht_dynamodb_delete_item_finish(&request->delete);
        break;
    case HT_LEASE_TAKE:
    case HT_LEASE_RENEW:
    case HT_LEASE_WRITE:
    case HT_LEASE_RELEASE:
        ht_dynamodb_update_item_finish(&request->update);
        break;
    }
    free(request);
}
