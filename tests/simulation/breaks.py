# SPDX-License-Identifier: MIT
"""Places where the code is broken on purpose; `tools/simulate --breaks` demands that each is caught.

A break is a text of a file and what stands in its place, and the world whose seeds have to fail:
none is whatever a seed draws. One whose text is no longer there fails loudly: the code has changed,
and the break has to follow it.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Break:
    name: str
    what: str
    file: str
    old: str
    new: str
    world: str = ""


BREAKS = [
    Break("mark-not-checked",
          "of a delta that is counted in part the whole is written",
          "src/pipeline/count_flush.c",
          "    *rest = (struct ht_delta_rest){.count = found.count,",
          "    *rest = (struct ht_delta_rest){.count = found.count == 0\n"
          "                                                ? 0\n"
          "                                                : count->flight.deltas[delta].count,"),
    Break("checkpoint-too-early",
          "a checkpoint passes the whole batch although only a part of it is counted",
          "src/pipeline/count_shards.c",
          "const struct ht_record *last = &shard->batches[0]->records[shard->record_index - 1];",
          "const struct ht_record *last = &shard->batches[0]->records[shard->batches[0]->count - 1];"),
    Break("flush-failure-ignored",
          "a flush that failed lands as if it were durable",
          "src/pipeline/count_flush.c",
          "    if (flush->status != 0) {\n        handle_failure(count, &flush->error);\n        return;\n    }\n"
          "    land(count);",
          "    land(count);"),
    Break("commit-before-archive",
          "the feed's position moves although the append failed",
          "src/pipeline/archiver.c",
          "    if (append->status == 0) {\n        shipment->state = SHIPMENT_DURABLE;",
          "    if (true) {\n        shipment->state = SHIPMENT_DURABLE;"),
    Break("window-not-refilled",
          "after a restart the ids before the checkpoint are not read again",
          "src/pipeline/count_shards.c",
          "        records_to_warm(shard) > 0) {\n        begin_to_warm",
          "        records_to_warm(shard) > UINT64_MAX / 2) {\n        begin_to_warm"),
    Break("parents-not-waited-for",
          "a shard starts before its parents are read to their end",
          "src/pipeline/count_lineage.c",
          "return parent == NULL || parent->state == HT_COUNT_SHARD_FINISHED;",
          "return parent == NULL || parent->state != HT_COUNT_SHARD_WAITING;"),
    Break("pending-lost-on-delete",
          "what was counted while a deletion was in the air is not shown any more",
          "src/pipeline/count_totals.c",
          "return ht_pending_restore(count->pending, hashtag, count->options.tally);",
          "return 0;"),
    Break("budget-not-given-back",
          "the memory of a batch that was counted stays reserved",
          "src/pipeline/count_shards.c",
          "    ht_record_batch_release(batch);\n    ht_budget_release(count->options.budget, bytes);\n"
          "    if (next",
          "    ht_record_batch_release(batch);\n    if (bytes % 7 != 0) {\n"
          "        ht_budget_release(count->options.budget, bytes);\n    }\n    if (next"),
    Break("counted-past-budget",
          "what was read is counted to its end although what is pending takes half of the budget",
          "src/pipeline/count_flush.c",
          "    return count->is_running && pending > ",
          "    return count->is_running && count->is_fatal && pending > "),
    Break("touch-not-held",
          "of what others change between two flushes all but two are dropped, instead of held",
          "src/pipeline/count_totals.c",
          "    if (!has_room(count)) {\n        return refuse(count);\n    }",
          "    if (!has_room(count)) {\n        return refuse(count);\n    }\n"
          "    if (ht_tag_set_count(count->touched) >= 2) {\n        return 0;\n    }",
          "marks"),
    Break("retry-with-new-number",
          "a flush that failed is given up, and what it had goes with the next one",
          "src/pipeline/count_flush.c",
          "    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, flush_retry_timer);\n"
          "    write_letters(count);",
          "    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, flush_retry_timer);\n"
          "    ht_pending_finish_flush(count->pending);\n    ht_count_clear_flight(count);\n"
          "    ht_count_flush_now(count);"),
    Break("letter-not-awaited",
          "counts and positions are written although the dead letter failed",
          "src/pipeline/count_flush.c",
          "    if (append->status != 0) {\n        handle_failure(count, &append->error);\n        return;\n"
          "    }\n    ht_count_free_letters(count);",
          "    ht_count_free_letters(count);"),
    Break("cursor-too-early",
          "the cursor of a batch is taken for durable when the one before is",
          "src/pipeline/ingest.c",
          "if (ingest->head == batch && ingest->running_count == 0 && !ingest->is_letter_lost &&",
          "if (!ingest->is_letter_lost &&"),
    Break("letter-behind-cursor",
          "batches go on the stream, with their cursor, while a dead letter is on its way",
          "src/pipeline/ingest.c",
          "if (ingest->letters_count > 0 || ht_timer_is_running(&ingest->retry_timer)) {",
          "if (ht_timer_is_running(&ingest->retry_timer)) {"),
    Break("edit-counts-whole",
          "an edit counts all its hashtags again",
          "src/pipeline/count_records.c",
          "    if (is_known) {\n        tag_count = ht_count_window_keep_new",
          "    if (false && is_known) {\n        tag_count = ht_count_window_keep_new"),
    Break("archive-overtakes",
          "after a failure the deletions behind go first",
          "src/pipeline/archiver.c",
          "    shipment->state = SHIPMENT_WAITING;\n    retry_later(archiver, &append->error);",
          "    shipment->state = archiver->head == shipment && shipment->next != NULL\n"
          "                          ? SHIPMENT_DURABLE\n                          : SHIPMENT_WAITING;\n"
          "    retry_later(archiver, &append->error);"),
    Break("put-given-up",
          "a batch that the stream did not take is dropped",
          "src/pipeline/ingest.c",
          "        put_again_later(ingest, &put->error);\n        ht_ingest_look_at_stop(ingest);\n        return;",
          "        put_again_later(ingest, &put->error);\n        ht_ingest_batch_end(ingest, batch);\n"
          "        ht_ingest_look_at_stop(ingest);\n        return;"),
    Break("consumed-too-far",
          "the stream may let go what is only read",
          "src/pipeline/count_flush.c",
          "            stream->ops->consumed(stream, checkpoint->shard_id, &checkpoint->position);",
          "            struct ht_position far = count->shards != NULL ? count->shards->read_from\n"
          "                                                           : checkpoint->position;\n"
          "            stream->ops->consumed(stream, count->shards != NULL ? count->shards->info.id\n"
          "                                                                : checkpoint->shard_id, &far);"),
    Break("put-partial-ignored",
          "records of a batch that Kinesis did not store are taken for stored",
          "src/backends/kinesis_stream_put.c",
          "if (request->results[i] == HT_KINESIS_PUT_STORED) {",
          "if (true) {",
          "amazon"),
    Break("update-unconditional",
          "a count is added whether or not its mark has moved",
          "src/backends/dynamodb_table_work.c",
          '.condition = "attribute_not_exists(#m) OR #m < :a",',
          '.condition = "attribute_not_exists(#m) OR #m < :a OR #m < :l OR #m = :l",',
          "amazon"),
    Break("checkpoint-before-items",
          "a checkpoint is written while its items are still under way",
          "src/backends/dynamodb_table_flush.c",
          "return works->done == works->count;",
          "return works->next == works->count;",
          "amazon"),
    Break("iterator-expiry-is-end",
          "a shard whose iterator expired is taken for read to its end",
          "src/backends/kinesis_stream_read.c",
          'if (is_code(call, "ExpiredIteratorException") && reader->expirations++ < TRIES_MOST) {\n'
          "        reader->has_iterator = false;\n        step(reader);",
          'if (is_code(call, "ExpiredIteratorException") && reader->expirations++ < TRIES_MOST) {\n'
          "        reader->has_iterator = false;\n        finish_end(reader);",
          "amazon"),
    Break("firehose-failures-ignored",
          "records of a batch that Firehose did not take are taken for delivered",
          "src/aws/firehose_put_record_batch.c",
          "if (found[0].kind == '\"' && found[1].kind != '\"') {\n        return HT_FIREHOSE_ACCEPTED;\n    }",
          "if (reader != NULL) {\n        if (found[1].kind == '\"') {\n            op->failed_count++;\n"
          "        }\n        return HT_FIREHOSE_ACCEPTED;\n    }",
          "amazon"),
    Break("change-position-too-early",
          "a position of the change stream passes what is not archived",
          "src/backends/dynamodb_changes_commit.c",
          "if (at->shard->committing == at->shard->outstanding) {",
          "if (true) {",
          "amazon"),
    Break("lease-unconditional",
          "a lease is written although another worker took it meanwhile",
          "src/backends/dynamodb_leases_request.c",
          "    bool is_release = request->action == HT_LEASE_RELEASE;\n"
          "    request->update = (struct ht_dynamodb_update_item){\n"
          "        .target = *target,\n"
          "        .expressions = {.update = request->expression,\n"
          "                        .condition = is_release ? \"#o = :o\" : \"#c = :c\",",
          "    bool is_release = request->action == HT_LEASE_RELEASE;\n"
          "    for (size_t i = 0; i < request->value_count; i++) {\n"
          "        if (request->values[i].alias[1] == 'c') {\n"
          "            request->values[i].number = UINT32_MAX; /* any is below it */\n"
          "        }\n"
          "    }\n"
          "    request->update = (struct ht_dynamodb_update_item){\n"
          "        .target = *target,\n"
          "        .expressions = {.update = request->expression,\n"
          "                        .condition = is_release ? \"#o = :o\" : \"#c < :c\",",
          "amazon"),
    Break("lease-stolen",
          "a lease that another worker keeps renewed is taken all the same",
          "src/backends/dynamodb_leases_work.c",
          "ht_leases_now_ms(leases) - lease->seen_ms >= HT_LEASE_FAILOVER_MS;",
          "ht_leases_now_ms(leases) - lease->seen_ms >= HT_LEASE_FAILOVER_MS / 10;",
          "amazon"),
    Break("outdated-not-asked",
          "nobody asks whether another process has counted meanwhile",
          "src/pipeline/count_restart.c",
          "return table->ops->is_outdated != NULL && table->ops->is_outdated(table);",
          "return table->ops->is_outdated == NULL && count->is_fatal;",
          "marks"),
    Break("pending-kept",
          "what was counted before the leases were lost is written after they are back",
          "src/pipeline/count_restart.c",
          "    forget_pending(count);\n    ht_tally_clear",
          "    if (count->is_fatal) {\n        forget_pending(count);\n    }\n    ht_tally_clear",
          "marks"),
]


def check(root, one):
    """The text is there, once."""
    text = (root / one.file).read_text()
    if text.count(one.old) != 1:
        raise SystemExit(f"break {one.name}: its text stands {text.count(one.old)} times in {one.file}; "
                         "adapt tests/simulation/breaks.py")
