// SPDX-License-Identifier: MIT

/*
 * The requests of a flush, many at a time:
 *
 *   run: next work -> slot -> request -> answer: settle -> done, another step, or again later
 *
 *   delta:    (in already, says the row of its shard: REFRESH) UPDATE -> DONE
 *             condition failed: (READ_MARK ->) all in: DONE; a part: UPDATE of the rest
 *   refresh:  REFRESH -> DONE
 *   deletion: LOOK -> nothing there: DONE; else DELETE of what was seen -> DONE
 *             condition failed: it is another by now, or gone: LOOK
 */

#include "dynamodb_table_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ht_backoff backoff = {.base_ms = 50, .max_ms = 5000};

static int look_at_row(struct ht_dynamodb_slot *slot);
static void start(struct ht_dynamodb_slot *slot);
static void start_update(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_target *target);
static void start_delete(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_target *target);
static void on_updated(struct ht_dynamodb_update_item *op);
static void on_got(struct ht_dynamodb_get_item *op);
static void on_deleted(struct ht_dynamodb_delete_item *op);
static void settle_mark(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_answer *answer);
static void settle_deletion(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_answer *answer);
static void settle_failure(struct ht_dynamodb_slot *slot, const struct ht_aws_call *call,
                           int status);

static struct ht_dynamodb_works *works_of(struct ht_dynamodb_flush *flush,
                                          enum ht_dynamodb_step step)
{
    return step == HT_DYNAMODB_LOOK || step == HT_DYNAMODB_DELETE ? &flush->deletes
                                                                  : &flush->writes;
}

static struct ht_dynamodb_work *work_of(struct ht_dynamodb_slot *slot)
{
    return &works_of(&slot->table->flush, slot->step)->all[slot->work];
}

/* Marks of shards that ended a while ago, a few in each flush, all of them in turn. */
static void choose_removes(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    flush->remove_count = 0;
    for (size_t i = 0; i < table->ended_count && flush->remove_count < HT_DYNAMODB_REMOVES_MAX;
         i++) {
        struct ht_dynamodb_ended *ended = &table->ended[table->ended_cursor % table->ended_count];
        bool is_old = ht_dynamodb_now_ms(table) - ended->since_ms >= HT_DYNAMODB_ENDED_MS;
        table->ended_cursor++;
        if (is_old) {
            memcpy(flush->removes[flush->remove_count++], ended->name, HT_MARK_NAME_BYTES);
        }
    }
}

void ht_dynamodb_work_begin(struct ht_dynamodb_table *table)
{
    static const char *const removes[HT_DYNAMODB_REMOVES_MAX] = {"#r0", "#r1", "#r2"};
    struct ht_dynamodb_flush *flush = &table->flush;
    choose_removes(table);
    (void)snprintf(flush->plain_expression, sizeof(flush->plain_expression),
                   "SET #m = :l, #s = :s, #f = if_not_exists(#f, :f)%s ADD #c :n",
                   table->options.ttl_s > 0 ? ", #x = :x" : "");
    memcpy(flush->expression, flush->plain_expression, sizeof(flush->expression));
    for (size_t i = 0; i < flush->remove_count && i < HT_DYNAMODB_REMOVES_MAX; i++) {
        size_t length = strlen(flush->expression);
        (void)snprintf(flush->expression + length, sizeof(flush->expression) - length, "%s%s",
                       i == 0 ? " REMOVE " : ", ", removes[i]);
    }
}

/* The next work that may be started now, or SIZE_MAX. */
static size_t next_work(struct ht_dynamodb_table *table, struct ht_dynamodb_works *works)
{
    uint64_t now_ms = ht_dynamodb_now_ms(table);
    if (works->again_count > 0) {
        size_t work = works->again[works->again_at];
        if (works->all[work].due_ms <= now_ms) {
            works->again_at = (works->again_at + 1) % (works->count + 1);
            works->again_count--;
            return work;
        }
    }
    while (works->next < works->count && works->all[works->next].step == HT_DYNAMODB_DONE) {
        works->next++;
    }
    return works->next < works->count ? works->next++ : SIZE_MAX;
}

static void try_again(struct ht_dynamodb_works *works, size_t work, uint64_t due_ms)
{
    works->all[work].due_ms = due_ms;
    works->again[(works->again_at + works->again_count) % (works->count + 1)] = (uint32_t)work;
    works->again_count++;
}

static struct ht_dynamodb_slot *free_slot(struct ht_dynamodb_table *table)
{
    for (size_t i = 0; i < HT_PACE_MOST; i++) {
        struct ht_dynamodb_slot *slot = table->slots[i];
        if (slot == NULL) {
            slot = table->slots[i] = calloc(1, sizeof(*slot));
            if (slot != NULL) {
                slot->table = table;
            }
            return slot;
        }
        if (!slot->is_busy) {
            return slot;
        }
    }
    return NULL;
}

static unsigned most_at_once(struct ht_dynamodb_table *table, const struct ht_dynamodb_works *works)
{
    unsigned window = ht_dynamodb_pace_window(&table->pace);
    bool deletes = works == &table->flush.deletes;
    return deletes && window > HT_DYNAMODB_DELETES_AT_ONCE ? HT_DYNAMODB_DELETES_AT_ONCE : window;
}

void ht_dynamodb_work_run(struct ht_dynamodb_table *table, struct ht_dynamodb_works *works,
                          uint64_t until_ns)
{
    bool has_started =
        false; /* one at least: whatever was done before must not take all the time */
    while (table->in_flight < most_at_once(table, works)) {
        if (has_started && ht_clock_monotonic_ns(table->options.clock) >= until_ns) {
            ht_dynamodb_flush_soon(table, 0);
            return;
        }
        size_t work = next_work(table, works);
        if (work == SIZE_MAX) {
            break;
        }
        struct ht_dynamodb_slot *slot = free_slot(table);
        if (slot == NULL) {
            try_again(works, work, ht_dynamodb_now_ms(table) + backoff.base_ms);
            break;
        }
        slot->work = work;
        slot->step = works->all[work].step;
        if (slot->step == HT_DYNAMODB_UPDATE && look_at_row(slot) != 0) {
            try_again(works, work, ht_dynamodb_now_ms(table) + backoff.base_ms);
            break;
        }
        start(slot);
        has_started = true;
    }
    if (works->again_count > 0) {
        uint64_t now_ms = ht_dynamodb_now_ms(table);
        uint64_t due_ms = works->all[works->again[works->again_at]].due_ms;
        ht_dynamodb_flush_soon(table, due_ms > now_ms ? due_ms - now_ms : 1);
    }
}

/* Notes what is left of a delta. 0 or HT_ENOMEM. */
static int note_rest(struct ht_dynamodb_work *work, const struct ht_delta_rest *rest)
{
    if (work->rest == NULL) {
        work->rest = calloc(1, sizeof(*work->rest));
    }
    if (work->rest == NULL) {
        return HT_ENOMEM;
    }
    work->rest->count = rest->count;
    ht_mark_value(rest->first_sequence, rest->first_sub_sequence, work->rest->first);
    return 0;
}

/* What the row of a shard says is counted: usually all before the delta. Another may have had the lease in
 * between; then its marks tell that too, but for hashtags that it deleted. 0 or HT_ENOMEM. */
static int look_at_row(struct ht_dynamodb_slot *slot)
{
    struct ht_dynamodb_table *table = slot->table;
    const struct ht_table_flush *request = table->flush.request;
    const struct ht_delta *delta = &request->deltas[slot->work];
    struct ht_dynamodb_work *work = work_of(slot);
    struct ht_delta_rest rest = {0};
    struct ht_position row;
    bool is_known =
        ht_dynamodb_leases_find(table->leases, request->checkpoints[delta->shard].shard_id, &row);
    struct ht_slice sequence = ht_slice_text(row.sequence_number);
    if (!is_known || (row.kind != HT_POSITION_AFTER && row.kind != HT_POSITION_END) ||
        (row.kind == HT_POSITION_AFTER &&
         ht_sequence_compare_sub(sequence, row.sub_sequence, delta->first_sequence,
                                 delta->first_sub_sequence) < 0)) {
        return 0;
    }
    if (row.kind == HT_POSITION_AFTER &&
        ht_sequence_compare_sub(sequence, row.sub_sequence, delta->last_sequence,
                                delta->last_sub_sequence) < 0) {
        request->count_after(request, slot->work, sequence, row.sub_sequence, &rest);
    }
    if (rest.count == 0) {
        table->counters.already_counted++;
        work->step = slot->step = HT_DYNAMODB_REFRESH;
        return 0;
    }
    return work->rest != NULL && work->rest->count <= rest.count ? 0 : note_rest(work, &rest);
}

static void start(struct ht_dynamodb_slot *slot)
{
    struct ht_dynamodb_table *table = slot->table;
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_dynamodb_target target = {.table_name = table->options.name,
                                        .key_name = "hashtag",
                                        .resource = table->resource,
                                        .max_attempts = 1};
    bool is_deletion = works_of(flush, slot->step) == &flush->deletes;
    target.key = is_deletion ? flush->request->deletes[slot->work]
                             : flush->groups[work_of(slot)->group].hashtag;
    slot->is_busy = true;
    table->in_flight++;
    table->counters.in_flight = table->in_flight;
    table->counters.requests++;
    if (slot->step == HT_DYNAMODB_UPDATE) {
        start_update(slot, &target);
    } else if (slot->step == HT_DYNAMODB_DELETE) {
        start_delete(slot, &target);
    } else {
        slot->get.target = target;
        slot->get.done = on_got;
        slot->get.user = slot;
        ht_dynamodb_get_item_start(table->options.aws, &slot->get);
    }
}

/* The names of the expressions; false where a mark to be removed is the one to be set. */
static bool fill_names(struct ht_dynamodb_slot *slot, const char *mark)
{
    static const char *const removes[HT_DYNAMODB_REMOVES_MAX] = {"#r0", "#r1", "#r2"};
    struct ht_dynamodb_flush *flush = &slot->table->flush;
    bool removes_other = flush->remove_count > 0;
    slot->names[0] = (struct ht_dynamodb_name){"#c", HT_SLICE("htCount")};
    slot->names[1] = (struct ht_dynamodb_name){"#f", HT_SLICE("firstSeen")};
    slot->names[2] = (struct ht_dynamodb_name){"#s", HT_SLICE("lastSeen")};
    slot->names[3] = (struct ht_dynamodb_name){"#m", ht_slice_text(mark)};
    for (size_t i = 0; i < flush->remove_count; i++) {
        slot->names[4 + i] =
            (struct ht_dynamodb_name){removes[i], ht_slice_text(flush->removes[i])};
        removes_other = removes_other && strcmp(flush->removes[i], mark) != 0;
    }
    return removes_other;
}

static void start_update(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_target *target)
{
    struct ht_dynamodb_table *table = slot->table;
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_delta *delta = &flush->request->deltas[slot->work];
    const struct ht_dynamodb_work *work = work_of(slot);
    const struct ht_dynamodb_group *group = &flush->groups[work->group];
    bool removes = fill_names(slot, flush->marks[delta->shard]);
    size_t names = 4 + (removes ? flush->remove_count : 0), values = 0;
    ht_mark_value(delta->last_sequence, delta->last_sub_sequence, slot->last);
    if (work->rest != NULL) {
        memcpy(slot->first, work->rest->first, sizeof(slot->first));
    } else {
        ht_mark_value(delta->first_sequence, delta->first_sub_sequence, slot->first);
    }
    slot->values[values++] = (struct ht_dynamodb_value){
        .alias = ":a", .type = HT_ATTRIBUTE_S, .text = ht_slice_text(slot->first)};
    slot->values[values++] = (struct ht_dynamodb_value){
        .alias = ":l", .type = HT_ATTRIBUTE_S, .text = ht_slice_text(slot->last)};
    slot->values[values++] =
        (struct ht_dynamodb_value){.alias = ":n",
                                   .type = HT_ATTRIBUTE_N,
                                   .number = work->rest != NULL ? work->rest->count : delta->count};
    slot->values[values++] = (struct ht_dynamodb_value){
        .alias = ":f", .type = HT_ATTRIBUTE_N, .number = (uint64_t)group->first_seen_s};
    slot->values[values++] = (struct ht_dynamodb_value){
        .alias = ":s", .type = HT_ATTRIBUTE_N, .number = (uint64_t)group->last_seen_s};
    if (table->options.ttl_s > 0) {
        slot->names[names++] = (struct ht_dynamodb_name){"#x", HT_SLICE("expiresAt")};
        slot->values[values++] = (struct ht_dynamodb_value){.alias = ":x",
                                                            .type = HT_ATTRIBUTE_N,
                                                            .number = (uint64_t)group->last_seen_s +
                                                                      table->options.ttl_s};
    }
    slot->update.target = *target;
    slot->update.expressions = (struct ht_dynamodb_expressions){
        .update = removes ? flush->expression : flush->plain_expression,
        .condition = "attribute_not_exists(#m) OR #m < :a",
        .names = slot->names,
        .name_count = names,
        .values = slot->values,
        .value_count = values};
    slot->update.returned = "UPDATED_NEW";
    slot->update.done = on_updated;
    slot->update.user = slot;
    ht_dynamodb_update_item_start(table->options.aws, &slot->update);
}

static void start_delete(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_target *target)
{
    struct ht_dynamodb_table *table = slot->table;
    const struct ht_dynamodb_seen *seen = &table->flush.seen[slot->work];
    bool has_mark = seen->kind == HT_DYNAMODB_SEEN_MARK;
    bool has_value = has_mark || seen->kind == HT_DYNAMODB_SEEN_TIME;
    struct ht_dynamodb_value time = {
        .alias = ":a", .type = HT_ATTRIBUTE_N, .number = seen->last_seen_s};
    struct ht_dynamodb_value mark = {
        .alias = ":a", .type = HT_ATTRIBUTE_S, .text = ht_slice_text(seen->value)};
    slot->names[0] =
        (struct ht_dynamodb_name){"#a", ht_slice_text(has_mark ? seen->name : "lastSeen")};
    slot->values[0] = has_mark ? mark : time;
    slot->delete.target = *target;
    slot->delete.expressions = (struct ht_dynamodb_expressions){
        .condition = has_value ? "#a = :a" : "attribute_not_exists(#a)",
        .names = slot->names,
        .name_count = 1,
        .values = slot->values,
        .value_count = has_value};
    if (seen->kind == HT_DYNAMODB_SEEN_ODD) {
        slot->delete.expressions = (struct ht_dynamodb_expressions){0};
    }
    slot->delete.returned = "ALL_OLD";
    slot->delete.done = on_deleted;
    slot->delete.user = slot;
    ht_dynamodb_delete_item_start(table->options.aws, &slot->delete);
}

/* The slot is free again and the flush goes on, on the next turn. */
static void release(struct ht_dynamodb_slot *slot)
{
    struct ht_dynamodb_table *table = slot->table;
    slot->is_busy = false;
    table->in_flight--;
    table->counters.in_flight = table->in_flight;
    table->counters.window = ht_dynamodb_pace_window(&table->pace);
    ht_dynamodb_flush_soon(table, 0);
}

static void finish_work(struct ht_dynamodb_slot *slot)
{
    struct ht_dynamodb_flush *flush = &slot->table->flush;
    work_of(slot)->step = HT_DYNAMODB_DONE;
    works_of(flush, slot->step)->done++;
    flush->progress_ms = ht_dynamodb_now_ms(slot->table);
    ht_error_clear(&flush->last_error);
}

/* Goes on with another step at once, before those that wait. */
static void go_on(struct ht_dynamodb_slot *slot, enum ht_dynamodb_step step)
{
    struct ht_dynamodb_works *works = works_of(&slot->table->flush, slot->step);
    work_of(slot)->step = step;
    works->all[slot->work].due_ms = 0;
    works->again_at = (works->again_at + works->count) % (works->count + 1);
    works->again[works->again_at] = (uint32_t)slot->work;
    works->again_count++;
}

static void on_updated(struct ht_dynamodb_update_item *op)
{
    struct ht_dynamodb_slot *slot = op->user;
    struct ht_dynamodb_table *table = slot->table;
    if (op->status == 0) {
        table->counters.updates++;
        ht_dynamodb_pace_grow(&table->pace);
        ht_dynamodb_group_take(&table->flush.groups[work_of(slot)->group], &op->answer);
        finish_work(slot);
    } else if (!ht_dynamodb_condition_failed(&op->call)) {
        settle_failure(slot, &op->call, op->status);
    } else if (op->answer.item.kind == '{') {
        settle_mark(slot, &op->answer);
    } else {
        go_on(slot, HT_DYNAMODB_READ_MARK);
    }
    release(slot);
}

static void on_got(struct ht_dynamodb_get_item *op)
{
    struct ht_dynamodb_slot *slot = op->user;
    struct ht_dynamodb_table *table = slot->table;
    if (op->status != 0) {
        settle_failure(slot, &op->call, op->status);
    } else if (slot->step == HT_DYNAMODB_LOOK) {
        settle_deletion(slot, &op->answer);
    } else if (slot->step == HT_DYNAMODB_REFRESH) {
        ht_dynamodb_group_take(&table->flush.groups[work_of(slot)->group], &op->answer);
        finish_work(slot);
    } else {
        settle_mark(slot, &op->answer);
    }
    release(slot);
}

static void on_deleted(struct ht_dynamodb_delete_item *op)
{
    struct ht_dynamodb_slot *slot = op->user;
    if (op->status == 0) {
        settle_deletion(slot, &op->answer);
    } else if (ht_dynamodb_condition_failed(&op->call)) {
        go_on(slot, HT_DYNAMODB_LOOK);
    } else {
        settle_failure(slot, &op->call, op->status);
    }
    release(slot);
}

/* The text of the mark in an item; empty where it has none. False: it is something else. */
static bool read_mark(const struct ht_dynamodb_answer *answer, const char *name,
                      struct ht_slice *text)
{
    struct ht_json_walk walk = ht_json_walk(&answer->reader, answer->item);
    *text = HT_SLICE("");
    while (ht_json_walk_next(&walk)) {
        struct ht_slice key = ht_json_reader_raw(&answer->reader, walk.key);
        if (ht_slice_equal(ht_slice_make(key.data + 1, key.length - 2), ht_slice_text(name))) {
            struct ht_json_value inner;
            if (ht_attribute_get(&answer->reader, walk.value, &inner) != HT_ATTRIBUTE_S) {
                return false;
            }
            struct ht_slice raw = ht_json_reader_raw(&answer->reader, inner);
            *text = ht_slice_make(raw.data + 1, raw.length - 2);
            return true;
        }
    }
    return true;
}

/* Nothing can be written to this item, and nothing that is done again would change that. */
static void refuse(struct ht_dynamodb_slot *slot, const char *why)
{
    struct ht_dynamodb_table *table = slot->table;
    struct ht_error error;
    struct ht_slice hashtag = table->flush.groups[work_of(slot)->group].hashtag;
    (void)ht_error_set(&error, HT_EINVAL,
                       "The item of hashtag '%.*s' in table %s cannot be counted on (%.200s): mend "
                       "or delete it. The others go on.",
                       (int)(hashtag.length < 100 ? hashtag.length : 100), hashtag.data,
                       table->options.name, why);
    table->counters.refused++;
    ht_health_note_error(&table->table.health, &error);
    ht_log_error(table->options.log, "table", "item refused", HT_TEXT("error", error.text));
    finish_work(slot);
}

/* The condition failed: what does the count include? */
static void settle_mark(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_answer *answer)
{
    struct ht_dynamodb_table *table = slot->table;
    const struct ht_table_flush *request = table->flush.request;
    const struct ht_delta *delta = &request->deltas[slot->work];
    struct ht_dynamodb_work *work = work_of(slot);
    struct ht_slice text, sequence;
    struct ht_delta_rest rest = {0};
    uint64_t sub_sequence;
    bool is_readable = read_mark(answer, table->flush.marks[delta->shard], &text);
    if (is_readable && text.length == 0) {
        go_on(slot, HT_DYNAMODB_UPDATE); /* the item was deleted in between */
        return;
    }
    if (!is_readable || !ht_mark_read(text, &sequence, &sub_sequence)) {
        refuse(slot, "its mark of the shard is no mark");
        return;
    }
    ht_dynamodb_pace_grow(&table->pace);
    ht_dynamodb_group_take(&table->flush.groups[work->group], answer);
    table->counters.already_counted++;
    if (ht_sequence_compare_sub(sequence, sub_sequence, delta->last_sequence,
                                delta->last_sub_sequence) < 0) {
        request->count_after(request, slot->work, sequence, sub_sequence, &rest);
    }
    if (rest.count == 0) {
        finish_work(slot);
        return;
    }
    if (note_rest(work, &rest) != 0) {
        struct ht_error error;
        go_on(slot, HT_DYNAMODB_UPDATE);
        ht_dynamodb_flush_stop(
            table, ht_error_set(&error, HT_ENOMEM, "Out of memory for a flush of the table."),
            &error);
        return;
    }
    go_on(slot, HT_DYNAMODB_UPDATE);
}

/* Takes the mark of an item's member as what the item is known by; false: it is none. */
static bool note_mark(struct ht_dynamodb_seen *seen, const struct ht_dynamodb_answer *answer,
                      struct ht_slice name, struct ht_json_value member)
{
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_json_value inner;
    struct ht_slice sequence;
    uint64_t sub_sequence;
    if (!ht_mark_shard(name, shard_id) ||
        ht_attribute_get(&answer->reader, member, &inner) != HT_ATTRIBUTE_S) {
        return false;
    }
    struct ht_slice raw = ht_json_reader_raw(&answer->reader, inner);
    struct ht_slice value = ht_slice_make(raw.data + 1, raw.length - 2);
    if (value.length >= sizeof(seen->value) || !ht_mark_read(value, &sequence, &sub_sequence)) {
        return false;
    }
    seen->kind = HT_DYNAMODB_SEEN_MARK;
    ht_mark_name(shard_id, seen->name);
    memcpy(seen->value, value.data, value.length);
    seen->value[value.length] = '\0';
    return true;
}

static void note_seen(struct ht_dynamodb_seen *seen, const struct ht_dynamodb_answer *answer)
{
    struct ht_json_walk walk = ht_json_walk(&answer->reader, answer->item);
    *seen = (struct ht_dynamodb_seen){.kind = HT_DYNAMODB_SEEN_NEITHER};
    while (ht_json_walk_next(&walk)) {
        struct ht_slice key = ht_json_reader_raw(&answer->reader, walk.key);
        struct ht_slice name = ht_slice_make(key.data + 1, key.length - 2);
        if (note_mark(seen, answer, name, walk.value)) {
            return;
        }
        if (ht_slice_equal(name, HT_SLICE("lastSeen"))) {
            bool is_whole = ht_attribute_u64(&answer->reader, walk.value, &seen->last_seen_s) == 0;
            seen->kind = is_whole ? HT_DYNAMODB_SEEN_TIME : HT_DYNAMODB_SEEN_ODD;
        }
    }
}

/* LOOK and DELETE: takes down what was there. */
static void settle_deletion(struct ht_dynamodb_slot *slot, const struct ht_dynamodb_answer *answer)
{
    struct ht_dynamodb_table *table = slot->table;
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_removed_item *removed = &flush->removed[slot->work];
    struct ht_slice hashtag = flush->request->deletes[slot->work];
    struct ht_item item = {0};
    if (answer->item.kind == '{') {
        char *text = (char *)(uintptr_t)removed->item.hashtag.data;
        if (text == NULL) {
            text = ht_slice_to_text(hashtag);
        }
        if (text == NULL) {
            try_again(&flush->deletes, slot->work, ht_dynamodb_now_ms(table) + backoff.max_ms);
            return;
        }
        struct ht_buffer arena = {0};
        ht_buffer_init(&arena, HT_DYNAMODB_ITEM_ANSWER_BYTES);
        if (ht_dynamodb_item_read(&answer->reader, answer->item, &arena, &item) != 0) {
            item = (struct ht_item){0}; /* a malformed item goes all the same */
        }
        note_seen(&flush->seen[slot->work], answer);
        ht_buffer_finish(&arena);
        *removed = (struct ht_removed_item){.item = item,
                                            .origin = HT_ORIGIN_USER,
                                            .deleted_at_s = flush->request->now_s,
                                            .event_id = HT_SLICE("")};
        removed->item.hashtag = ht_slice_make(text, hashtag.length);
    }
    if (slot->step == HT_DYNAMODB_LOOK && answer->item.kind == '{') {
        go_on(slot, HT_DYNAMODB_DELETE);
    } else {
        finish_work(slot);
    }
}

static bool is_hot(const struct ht_aws_call *call)
{
    struct ht_slice body = ht_buffer_slice(&call->answer);
    static const char reason[] = "KeyRangeThroughputExceeded";
    return body.length > 0 && memmem(body.data, body.length, reason, sizeof(reason) - 1) != NULL;
}

/* Whether the service refuses this one item and not the table or the request's form. */
static bool is_items_fault(const struct ht_aws_call *call, int status)
{
    const char *message = call->failure.message;
    return status == HT_EINVAL && (strstr(message, "perand in the update") != NULL ||
                                   strstr(message, "Item size") != NULL);
}

static void note_throttle(struct ht_dynamodb_slot *slot, const struct ht_aws_call *call)
{
    struct ht_dynamodb_table *table = slot->table;
    ht_dynamodb_pace_cut(&table->pace, ht_dynamodb_now_ms(table));
    if (call->failure.fault == HT_AWS_FAULT_THROTTLED) {
        table->counters.throttled++;
    }
    if (call->failure.fault == HT_AWS_FAULT_THROTTLED && is_hot(call)) {
        table->counters.hot++;
        table->flush.was_hot = true;
    }
}

static void settle_failure(struct ht_dynamodb_slot *slot, const struct ht_aws_call *call,
                           int status)
{
    struct ht_dynamodb_table *table = slot->table;
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_dynamodb_work *work = work_of(slot);
    struct ht_error error;
    ht_dynamodb_table_explain(table, call, status, &error);
    if (slot->step == HT_DYNAMODB_UPDATE && is_items_fault(call, status)) {
        refuse(slot, call->failure.message);
        return;
    }
    note_throttle(slot, call);
    flush->last_error = error;
    work->attempts++;
    try_again(works_of(flush, slot->step), slot->work,
              ht_dynamodb_now_ms(table) +
                  ht_backoff_ms(&backoff, work->attempts, table->options.random));
    if (ht_dynamodb_table_needs_person(status) && call->failure.fault != HT_AWS_FAULT_CREDENTIALS) {
        ht_dynamodb_flush_stop(table, status, &error);
    }
}

void ht_dynamodb_work_cancel(struct ht_dynamodb_table *table)
{
    for (size_t i = 0; i < HT_PACE_MOST && table->slots[i] != NULL; i++) {
        struct ht_dynamodb_slot *slot = table->slots[i];
        if (!slot->is_busy) {
            continue;
        }
        if (slot->step == HT_DYNAMODB_UPDATE) {
            ht_dynamodb_update_item_cancel(&slot->update);
        } else if (slot->step == HT_DYNAMODB_DELETE) {
            ht_dynamodb_delete_item_cancel(&slot->delete);
        } else {
            ht_dynamodb_get_item_cancel(&slot->get);
        }
    }
}

int ht_dynamodb_item_read(const struct ht_json_reader *reader, struct ht_json_value value,
                          struct ht_buffer *arena, struct ht_item *item)
{
    static const char *const names[] = {"hashtag", "htCount", "firstSeen", "lastSeen", "expiresAt"};
    struct ht_json_keys keys;
    struct ht_json_value found[HT_COUNT_OF(names)];
    *item = (struct ht_item){0};
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(reader, value, &keys, found);
    int status = ht_attribute_text(reader, found[0], arena, &item->hashtag);
    if (status == HT_ENOMEM) {
        return status;
    }
    if (status != 0 || item->hashtag.length == 0 || item->hashtag.length > HT_TABLE_MAX_KEY_BYTES ||
        ht_attribute_u64(reader, found[1], &item->count) != 0) {
        return HT_ENOTFOUND;
    }
    int64_t *const times[] = {&item->first_seen_s, &item->last_seen_s, &item->expires_at_s};
    for (size_t i = 0; i < HT_COUNT_OF(times); i++) {
        if (ht_attribute_seconds(reader, found[2 + i], times[i]) != 0 || *times[i] < 0) {
            *times[i] = 0;
        }
    }
    return 0;
}
