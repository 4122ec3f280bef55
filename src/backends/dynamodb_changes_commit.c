// SPDX-License-Identifier: MIT

/*
 * A commit:
 *
 *   asked --> which rows move, and how far --> write them, a few at a time --> remember the
 *   deliveries for people --> take the removals out of the window --> done
 *   a write failed: the others end --> done with its error; the same commit comes again
 *
 * A row may move up to a shard's last removal that is committed; and where none is outstanding, up to
 * the last record that was read, or to the shard's end. That also happens without a commit, every
 * few seconds, so that a restart does not pass over the same records again.
 */

#include "dynamodb_changes_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum { SAVE_EVERY_MS = 5000 };

static void plan(struct ht_dynamodb_changes *changes);
static void want_save(struct ht_change_shard *shard, struct ht_slice sequence, bool ends);
static void want_due_saves(struct ht_dynamodb_changes *changes, uint64_t now_ms);
static void start_saves(struct ht_dynamodb_changes *changes, uint64_t now_ms);
static void on_saved(struct ht_positions_save *save);
static void look_at_saves(struct ht_dynamodb_changes *changes);
static void remember(struct ht_dynamodb_changes *changes);
static void on_remembered(struct ht_deliveries_add *add);
static void finish(struct ht_dynamodb_changes *changes, int status);

void ht_changes_window_add(struct ht_dynamodb_changes *changes, struct ht_counted_removal *removal)
{
    removal->next = NULL;
    *(changes->window_first == NULL ? &changes->window_first : &changes->window_last->next) =
        removal;
    changes->window_last = removal;
}

void ht_changes_window_clear(struct ht_dynamodb_changes *changes)
{
    while (changes->window_first != NULL) {
        struct ht_counted_removal *removal = changes->window_first;
        changes->window_first = removal->next;
        ht_counted_removal_release(removal);
    }
}

/* Whether the running commit covers a removal of the window. */
static bool is_covered(const struct ht_dynamodb_changes *changes,
                       const struct ht_counted_removal *removal)
{
    return removal != NULL && removal->removal.order <= changes->commit->last_order;
}

void ht_changes_commit_step(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    if (changes->commit_step == HT_CHANGES_COMMIT_ASKED) {
        plan(changes);
    }
    if (!changes->is_closing) {
        want_due_saves(changes, now_ms);
    }
    start_saves(changes, now_ms);
    if (changes->commit_step == HT_CHANGES_COMMIT_SAVING) {
        look_at_saves(changes);
    }
}

/* How far a shard is read, as its row may say where nothing is outstanding. */
static void want_all(struct ht_change_shard *shard)
{
    want_save(shard, ht_slice_text(shard->read_sequence), shard->state == HT_CHANGE_SHARD_ENDED);
}

static void plan(struct ht_dynamodb_changes *changes)
{
    struct ht_counted_removal *at = NULL;
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        at->shard->committing = 0;
    }
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        at->shard->committing++;
        at->shard->last_committing = at;
        at->shard->save_failed = false;
    }
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        if (at->shard->last_committing != at) {
            continue;
        }
        if (at->shard->committing == at->shard->outstanding) {
            want_all(at->shard);
        } else {
            want_save(at->shard, at->sequence_number, false);
        }
    }
    changes->commit_step = HT_CHANGES_COMMIT_SAVING;
}

/* Whether a row would say something new. */
static bool is_news(const struct ht_change_shard *shard, struct ht_slice sequence, bool ends)
{
    if (shard->is_gone || shard->is_end_saved) {
        return false;
    }
    if (ends || sequence.length == 0) {
        return ends;
    }
    return shard->saved_sequence[0] == '\0' ||
           ht_sequence_compare(sequence, ht_slice_text(shard->saved_sequence)) > 0;
}

static void want_save(struct ht_change_shard *shard, struct ht_slice sequence, bool ends)
{
    if (is_news(shard, sequence, ends)) {
        memcpy(shard->save_sequence, sequence.data, sequence.length);
        shard->save_sequence[sequence.length] = '\0';
        shard->saves_end = ends;
        shard->removes_row = false;
        shard->wants_save = true;
    }
}

void ht_changes_commit_remove_row(struct ht_dynamodb_changes *changes,
                                  struct ht_change_shard *shard)
{
    shard->wants_save = true;
    shard->removes_row = true;
    shard->save_failed = false;
    ht_dynamodb_changes_turn_soon(changes);
}

/* Rows of shards that were only passed over move now and then. */
static void want_due_saves(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        struct ht_change_shard *shard = changes->lineage.shards[i];
        bool may_save = shard->outstanding == 0 && !shard->wants_save && !shard->is_saving &&
                        shard->state != HT_CHANGE_SHARD_WAITING &&
                        is_news(shard, ht_slice_text(shard->read_sequence),
                                shard->state == HT_CHANGE_SHARD_ENDED);
        if (!may_save) {
            continue;
        }
        if (shard->saved_at_ms == 0 || now_ms >= shard->saved_at_ms + SAVE_EVERY_MS) {
            want_all(shard);
        } else {
            ht_dynamodb_changes_wait_until(changes, shard->saved_at_ms + SAVE_EVERY_MS);
        }
    }
}

void ht_changes_commit_save_all(struct ht_dynamodb_changes *changes)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        struct ht_change_shard *shard = changes->lineage.shards[i];
        if (shard->outstanding == 0 && shard->state != HT_CHANGE_SHARD_WAITING) {
            want_all(shard);
        }
    }
}

bool ht_changes_commit_is_saving(const struct ht_dynamodb_changes *changes)
{
    for (size_t i = 0; i < changes->lineage.count; i++) {
        if (changes->lineage.shards[i]->wants_save || changes->lineage.shards[i]->is_saving) {
            return true;
        }
    }
    return false;
}

static struct ht_changes_save *find_free(struct ht_dynamodb_changes *changes)
{
    for (size_t i = 0; i < HT_CHANGES_SAVES; i++) {
        if (changes->saves[i].shard == NULL) {
            return &changes->saves[i];
        }
    }
    return NULL;
}

static void start_save(struct ht_dynamodb_changes *changes, struct ht_changes_save *slot,
                       struct ht_change_shard *shard)
{
    slot->changes = changes;
    slot->shard = shard;
    slot->save = (struct ht_positions_save){
        .shard_id = shard->id, .removes = shard->removes_row, .done = on_saved, .user = slot};
    ht_position_after(&slot->save.position, ht_slice_text(shard->save_sequence), 0);
    if (shard->saves_end) {
        slot->save.position.kind = HT_POSITION_END;
    }
    shard->wants_save = false;
    shard->is_saving = true;
    changes->positions->ops->save(changes->positions, &slot->save);
}

static void start_saves(struct ht_dynamodb_changes *changes, uint64_t now_ms)
{
    struct ht_changes_save *slot = find_free(changes);
    for (size_t i = 0; slot != NULL && i < changes->lineage.count; i++) {
        struct ht_change_shard *shard = changes->lineage.shards[i];
        if (shard->wants_save && !shard->is_saving) {
            shard->saved_at_ms = now_ms;
            start_save(changes, slot, shard);
            slot = find_free(changes);
        }
    }
}

static void note_saved(struct ht_change_shard *shard, const struct ht_positions_save *save)
{
    if (save->removes) {
        shard->has_row = false;
        return;
    }
    shard->has_row = true;
    shard->is_end_saved = shard->is_end_saved || save->position.kind == HT_POSITION_END;
    memcpy(shard->saved_sequence, save->position.sequence_number, HT_SEQUENCE_BYTES);
}

static void on_saved(struct ht_positions_save *save)
{
    struct ht_changes_save *slot = save->user;
    struct ht_dynamodb_changes *changes = slot->changes;
    struct ht_change_shard *shard = slot->shard;
    slot->shard = NULL;
    shard->is_saving = false;
    shard->save_failed = save->status != 0;
    if (save->status == 0) {
        note_saved(shard, save);
    } else {
        changes->save_error = save->error;
        ht_log_warning(changes->options.log, "changes", "position not written, trying again",
                       HT_TEXT("shard", shard->id), HT_TEXT("error", save->error.text));
    }
    ht_dynamodb_changes_turn_soon(changes);
}

/* Goes on with the commit when no row that it moves is being written any more. */
static void look_at_saves(struct ht_dynamodb_changes *changes)
{
    bool has_failed = false, is_saving = false;
    struct ht_counted_removal *at = NULL;
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        has_failed = has_failed || at->shard->save_failed;
        is_saving = is_saving || at->shard->is_saving || at->shard->wants_save;
    }
    if (is_saving) {
        return;
    }
    if (has_failed) {
        finish(changes, changes->save_error.code);
    } else if (changes->deliveries == NULL) {
        finish(changes, 0);
    } else {
        remember(changes);
    }
}

static void remember(struct ht_dynamodb_changes *changes)
{
    size_t count = 0;
    struct ht_counted_removal *at = NULL;
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        count++;
    }
    changes->remembered = calloc(count + 1, sizeof(const struct ht_removal *));
    if (changes->remembered == NULL) {
        finish(changes, 0); /* a list for people is shorter, nothing else */
        return;
    }
    count = 0;
    for (at = changes->window_first; is_covered(changes, at); at = at->next) {
        changes->remembered[count++] = &at->removal;
    }
    changes->commit_step = HT_CHANGES_COMMIT_REMEMBERING;
    changes->remembering = (struct ht_deliveries_add){
        .removals = changes->remembered,
        .count = count,
        .archived_at_s = changes->commit->archived_at_s,
        .object = changes->commit->object,
        .done = on_remembered,
        .user = changes,
    };
    ht_embedded_deliveries_add(changes->deliveries, &changes->remembering);
}

static void on_remembered(struct ht_deliveries_add *add)
{
    struct ht_dynamodb_changes *changes = add->user;
    free(changes->remembered);
    changes->remembered = NULL;
    if (add->status != 0) {
        ht_log_warning(changes->options.log, "changes", "deliveries not remembered for the list",
                       HT_TEXT("error", add->error.text));
    }
    finish(changes, 0);
    ht_dynamodb_changes_turn_soon(changes);
}

static void finish(struct ht_dynamodb_changes *changes, int status)
{
    struct ht_changes_commit *commit = changes->commit;
    while (status == 0 && is_covered(changes, changes->window_first)) {
        struct ht_counted_removal *removal = changes->window_first;
        changes->window_first = removal->next;
        removal->shard->outstanding--;
        changes->changes.counters.removals_committed++;
        changes->changes.counters.waiting--;
        ht_counted_removal_release(removal);
    }
    changes->commit = NULL;
    changes->commit_step = HT_CHANGES_COMMIT_NONE;
    commit->status = status;
    ht_error_clear(&commit->error);
    if (status != 0) {
        commit->error = changes->save_error;
    }
    commit->done(commit);
}
