// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../deletion.h"
#include "../routes.h"

static void on_record(void *user, const struct ht_archiver_record *record)
{
    struct ht_json_writer *writer = user;
    ht_deletion_format(record, false, writer);
}

void ht_route_archive(struct ht_admin_exchange *exchange)
{
    struct ht_archiver *archiver = exchange->admin->context.archiver;
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "deletions");
    ht_json_write_array_begin(&writer);
    if (archiver != NULL) {
        ht_archiver_recent(archiver, (size_t)exchange->values[0].number, on_record, &writer);
    }
    ht_json_write_array_end(&writer);
    ht_json_write_object_end(&writer);
    ht_exchange_answer_json(exchange, 200, &json);
}
