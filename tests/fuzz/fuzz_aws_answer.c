// SPDX-License-Identifier: MIT

/**
 * What every operation of Amazon's makes of an answer: the last bytes of the input say which
 * operation, which HTTP status and header; the rest is the body. The client is taken out (its
 * functions are defined here), so that nothing is signed or sent. Each operation ends exactly once,
 * with a status that it may have, keeps to its memory and frees it, and what it says is text.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/dynamodb_create_table.h"
#include "hashtagd/aws/dynamodb_delete_item.h"
#include "hashtagd/aws/dynamodb_describe_table.h"
#include "hashtagd/aws/dynamodb_describe_time_to_live.h"
#include "hashtagd/aws/dynamodb_get_item.h"
#include "hashtagd/aws/dynamodb_put_item.h"
#include "hashtagd/aws/dynamodb_scan.h"
#include "hashtagd/aws/dynamodb_streams_describe_stream.h"
#include "hashtagd/aws/dynamodb_streams_get_records.h"
#include "hashtagd/aws/dynamodb_streams_get_shard_iterator.h"
#include "hashtagd/aws/dynamodb_streams_list_streams.h"
#include "hashtagd/aws/dynamodb_update_item.h"
#include "hashtagd/aws/dynamodb_update_table.h"
#include "hashtagd/aws/dynamodb_update_time_to_live.h"
#include "hashtagd/aws/failure.h"
#include "hashtagd/aws/firehose_create_delivery_stream.h"
#include "hashtagd/aws/firehose_describe_delivery_stream.h"
#include "hashtagd/aws/firehose_put_record_batch.h"
#include "hashtagd/aws/iam_create_role.h"
#include "hashtagd/aws/iam_get_role.h"
#include "hashtagd/aws/iam_put_role_policy.h"
#include "hashtagd/aws/kinesis_create_stream.h"
#include "hashtagd/aws/kinesis_describe_stream_summary.h"
#include "hashtagd/aws/kinesis_get_records.h"
#include "hashtagd/aws/kinesis_get_shard_iterator.h"
#include "hashtagd/aws/kinesis_list_shards.h"
#include "hashtagd/aws/kinesis_put_records.h"
#include "hashtagd/aws/s3_create_bucket.h"
#include "hashtagd/aws/s3_get_object.h"
#include "hashtagd/aws/s3_get_public_access_block.h"
#include "hashtagd/aws/s3_head_bucket.h"
#include "hashtagd/aws/s3_head_object.h"
#include "hashtagd/aws/s3_list_objects_v2.h"
#include "hashtagd/aws/s3_put_object.h"
#include "hashtagd/aws/s3_put_public_access_block.h"
#include "hashtagd/aws/sts_get_caller_identity.h"
#include "keys.h"
#include "sts_assume_role.h"

enum {
    PAGES_MAX = 4, /* answers that one operation gets, all the same */
    RECORDS = 3,
};

/* The call that waits, and how often an operation ended. */
static struct ht_aws_call *waiting;
static char a_client, a_state;
static bool is_starting;
static unsigned done_count;
static int done_status;

static struct ht_aws_client *client(void)
{
    return (struct ht_aws_client *)(void *)&a_client;
}

/* -- in the place of aws/client --------------------------------------------------------- */

void ht_aws_call_start(struct ht_aws_client *the_client, struct ht_aws_call *call)
{
    FUZZ_CHECK(the_client == client() && waiting == NULL && call->state == NULL, "start");
    call->state = (struct ht_aws_attempts *)(void *)&a_state;
    waiting = call;
}

void ht_aws_call_cancel(struct ht_aws_call *call)
{
    FUZZ_CHECK(call == waiting || call->state == NULL, "cancel");
}

const char *ht_aws_client_region(const struct ht_aws_client *the_client)
{
    (void)the_client;
    return "eu-west-1";
}

void ht_aws_call_take_answer(struct ht_aws_call *call, struct ht_buffer *answer)
{
    *answer = *call->answer_owner;
    memset(call->answer_owner, 0, sizeof(*call->answer_owner));
    memset(&call->answer, 0, sizeof(call->answer));
}

/* -- what is asked ---------------------------------------------------------------------- */

union operation {
    struct ht_dynamodb_create_table create_table;
    struct ht_dynamodb_delete_item delete_item;
    struct ht_dynamodb_describe_table describe_table;
    struct ht_dynamodb_describe_time_to_live describe_ttl;
    struct ht_dynamodb_get_item get_item;
    struct ht_dynamodb_put_item put_item;
    struct ht_dynamodb_scan scan;
    struct ht_dynamodb_streams_describe_stream describe_stream;
    struct ht_dynamodb_streams_get_records stream_records;
    struct ht_dynamodb_streams_get_shard_iterator stream_iterator;
    struct ht_dynamodb_streams_list_streams list_streams;
    struct ht_dynamodb_update_item update_item;
    struct ht_dynamodb_update_table update_table;
    struct ht_dynamodb_update_time_to_live update_ttl;
    struct ht_firehose_create_delivery_stream create_delivery;
    struct ht_firehose_describe_delivery_stream describe_delivery;
    struct ht_firehose_put_record_batch put_batch;
    struct ht_iam_create_role create_role;
    struct ht_iam_get_role get_role;
    struct ht_iam_put_role_policy put_policy;
    struct ht_kinesis_create_stream create_stream;
    struct ht_kinesis_describe_stream_summary summary;
    struct ht_kinesis_get_records get_records;
    struct ht_kinesis_get_shard_iterator get_iterator;
    struct ht_kinesis_list_shards list_shards;
    struct ht_kinesis_put_records put_records;
    struct ht_s3_create_bucket create_bucket;
    struct ht_s3_get_object get_object;
    struct ht_s3_get_public_access_block get_block;
    struct ht_s3_head_bucket head_bucket;
    struct ht_s3_head_object head_object;
    struct ht_s3_list_objects_v2 list_objects;
    struct ht_s3_put_object put_object;
    struct ht_s3_put_public_access_block put_block;
    struct ht_sts_get_caller_identity identity;
};

static union operation op;
static struct ht_slice batch[RECORDS];
static enum ht_firehose_outcome outcomes[RECORDS];
static struct ht_kinesis_put_entry entries[RECORDS];
static enum ht_kinesis_put_result results[RECORDS];

static void end(int status)
{
    FUZZ_CHECK(!is_starting, "done inside of start");
    done_count++;
    done_status = status;
}

/* A text that an answer gave: all of it can be read, and it lies inside its memory. */
static void touch(struct ht_slice text)
{
    static volatile char sum;
    for (size_t i = 0; i < text.length; i++) {
        sum = (char)(sum + text.data[i]);
    }
}

static void touch_text(const char *text)
{
    touch(ht_slice_text(text));
}

static void touch_item(const struct ht_dynamodb_answer *answer)
{
    if (answer->item.kind != '\0') {
        touch(ht_json_reader_raw(&answer->reader, answer->item));
    }
}

static void touch_table(const struct ht_dynamodb_table_description *table)
{
    touch_text(table->status);
    touch_text(table->key_name);
    touch_text(table->stream_view);
    touch_text(table->stream_arn);
    touch_text(table->arn);
}

#define ENDS(name, type, ...)                                                                      \
    static void on_##name(struct type *done)                                                       \
    {                                                                                              \
        if (done->status == 0) {                                                                   \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        end(done->status);                                                                         \
    }
/* Kinesis has no status of its own. */
#define ENDS_CALL(name, type, ...)                                                                 \
    static void on_##name(struct type *done)                                                       \
    {                                                                                              \
        if (done->call.status == 0) {                                                              \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        end(done->call.status);                                                                    \
    }

ENDS(create_table, ht_dynamodb_create_table, touch_table(&done->table);)
ENDS(delete_item, ht_dynamodb_delete_item, touch_item(&done->answer);)
ENDS(describe_table, ht_dynamodb_describe_table, touch_table(&done->table);)
ENDS(describe_ttl, ht_dynamodb_describe_time_to_live, touch_text(done->attribute_name);)
ENDS(get_item, ht_dynamodb_get_item, touch_item(&done->answer);)
ENDS(put_item, ht_dynamodb_put_item, touch_item(&done->answer);)
ENDS(update_item, ht_dynamodb_update_item, touch_item(&done->answer);)
ENDS(update_table, ht_dynamodb_update_table, touch_table(&done->table);)
ENDS(update_ttl, ht_dynamodb_update_time_to_live, (void)done;)
ENDS(
    scan, ht_dynamodb_scan, touch(done->last_key);
    struct ht_json_walk walk = ht_json_walk(&done->reader, done->items);
    while (ht_json_walk_next(&walk)) { touch(ht_json_reader_raw(&done->reader, walk.value)); })
ENDS(
    describe_stream, ht_dynamodb_streams_describe_stream,
    FUZZ_CHECK(done->shard_count <= HT_DYNAMODB_STREAMS_SHARDS_MAX, "%zu", done->shard_count);
    for (size_t i = 0; i < done->shard_count; i++) {
        touch(done->shards[i].shard_id);
        touch(done->shards[i].parent_shard_id);
        touch(done->shards[i].starting_sequence_number);
        touch(done->shards[i].ending_sequence_number);
    } touch(done->last_shard_id);)
ENDS(stream_iterator, ht_dynamodb_streams_get_shard_iterator, touch(done->iterator);
     FUZZ_CHECK(done->iterator.length > 0 &&
                    done->iterator.length <= HT_DYNAMODB_STREAM_ITERATOR_BYTES,
                "%zu", done->iterator.length);)
ENDS(
    list_streams, ht_dynamodb_streams_list_streams,
    FUZZ_CHECK(done->stream_count <= HT_DYNAMODB_STREAMS_MAX, "%zu", done->stream_count);
    for (size_t i = 0; i < done->stream_count; i++) { touch(done->stream_arns[i]); })
ENDS(create_delivery, ht_firehose_create_delivery_stream, touch_text(done->arn);)
ENDS(describe_delivery, ht_firehose_describe_delivery_stream, touch_text(done->type);
     touch_text(done->arn); touch_text(done->failure); touch_text(done->bucket_arn);
     touch_text(done->role_arn); touch_text(done->prefix);)
ENDS(create_role, ht_iam_create_role, touch_text(done->arn);)
ENDS(get_role, ht_iam_get_role, touch_text(done->arn);)
ENDS(put_policy, ht_iam_put_role_policy, (void)done;)
ENDS_CALL(create_stream, ht_kinesis_create_stream, (void)done;)
ENDS_CALL(summary, ht_kinesis_describe_stream_summary, touch_text(done->summary.arn);
          touch_text(done->summary.status);)
ENDS_CALL(get_iterator, ht_kinesis_get_shard_iterator,
          FUZZ_CHECK(done->iterator[0] != '\0', "no iterator");
          touch_text(done->iterator);)
ENDS_CALL(
    list_shards, ht_kinesis_list_shards, for (size_t i = 0; i < done->count; i++) {
        FUZZ_CHECK(done->shards[i].id[0] != '\0', "no id");
        touch_text(done->shards[i].id);
        touch_text(done->shards[i].parent_id);
        touch_text(done->shards[i].adjacent_parent_id);
    })
ENDS(create_bucket, ht_s3_create_bucket, (void)done;)
ENDS(get_object, ht_s3_get_object, touch(done->body);)
ENDS(get_block, ht_s3_get_public_access_block, (void)done;)
ENDS(head_object, ht_s3_head_object, touch(done->etag);)
ENDS(
    list_objects, ht_s3_list_objects_v2,
    FUZZ_CHECK(done->count <= HT_S3_LIST_MAX, "%zu", done->count);
    for (size_t i = 0; i < done->count; i++) {
        touch(done->objects[i].key);
        touch(done->objects[i].etag);
        touch(done->objects[i].last_modified);
    } touch(done->next_token);)
ENDS(put_object, ht_s3_put_object, touch_text(done->etag);)
ENDS(put_block, ht_s3_put_public_access_block, (void)done;)
ENDS(identity, ht_sts_get_caller_identity, touch_text(done->account); touch_text(done->arn);)

static void on_head_bucket(struct ht_s3_head_bucket *done)
{
    touch_text(done->region);
    end(done->status);
}

static void on_stream_records(struct ht_dynamodb_streams_get_records *done)
{
    for (size_t i = 0; done->status == 0 && i < done->record_count; i++) {
        struct ht_dynamodb_stream_record record;
        touch(done->records[i]);
        if (ht_dynamodb_stream_record_read(done->records[i], &record) == 0) {
            FUZZ_CHECK(record.sequence_number.length > 0, "no sequence number");
            touch(record.event_id);
            touch(record.keys);
            touch(record.new_image);
            touch(record.old_image);
        }
    }
    end(done->status);
}

static void on_put_batch(struct ht_firehose_put_record_batch *done)
{
    size_t failed = 0;
    for (size_t i = 0; done->status == 0 && i < RECORDS; i++) {
        failed += outcomes[i] != HT_FIREHOSE_ACCEPTED;
        FUZZ_CHECK(outcomes[i] <= HT_FIREHOSE_REFUSED, "%d", (int)outcomes[i]);
    }
    FUZZ_CHECK(done->status != 0 || failed == done->failed_count, "%zu, %zu", failed,
               done->failed_count);
    end(done->status);
}

static void on_put_records(struct ht_kinesis_put_records *done)
{
    for (size_t i = 0; done->call.status == 0 && i < RECORDS; i++) {
        FUZZ_CHECK(results[i] <= HT_KINESIS_PUT_FAILED, "%d", (int)results[i]);
    }
    FUZZ_CHECK(memchr(done->reason, '\0', sizeof(done->reason)) != NULL, "reason");
    end(done->call.status);
}

static void on_get_records(struct ht_kinesis_get_records *done)
{
    if (done->call.status == 0) {
        struct ht_buffer answer;
        struct ht_kinesis_page page;
        struct ht_json_reader reader;
        ht_aws_call_take_answer(&done->call, &answer);
        size_t length = answer.length;
        char *body = ht_buffer_take(&answer);
        memset(&page, 0, sizeof(page));
        ht_json_reader_init(&reader, 1u << 24);
        if (ht_kinesis_page_read(&page, &reader, body, length, NULL) == 0) {
            for (size_t i = 0; i < page.count; i++) {
                touch(page.records[i].data);
                touch(page.records[i].partition_key);
                touch(page.records[i].sequence_number);
            }
        }
        ht_kinesis_page_finish(&page);
        ht_json_reader_finish(&reader);
        ht_buffer_finish(&answer);
    }
    end(done->call.status);
}

static void start_item(unsigned number)
{
    const struct ht_dynamodb_target target = {
        .table_name = "t", .key_name = "hashtag", .key = HT_SLICE("k")};
    switch (number) {
    case 0:
        op.create_table = (struct ht_dynamodb_create_table){
            .table_name = "t", .key_name = "hashtag", .done = on_create_table};
        ht_dynamodb_create_table_start(client(), &op.create_table);
        break;
    case 1:
        op.delete_item = (struct ht_dynamodb_delete_item){
            .target = target, .returned = "ALL_OLD", .done = on_delete_item};
        ht_dynamodb_delete_item_start(client(), &op.delete_item);
        break;
    case 2:
        op.describe_table =
            (struct ht_dynamodb_describe_table){.table_name = "t", .done = on_describe_table};
        ht_dynamodb_describe_table_start(client(), &op.describe_table);
        break;
    case 3:
        op.describe_ttl =
            (struct ht_dynamodb_describe_time_to_live){.table_name = "t", .done = on_describe_ttl};
        ht_dynamodb_describe_time_to_live_start(client(), &op.describe_ttl);
        break;
    case 4:
        op.get_item = (struct ht_dynamodb_get_item){.target = target, .done = on_get_item};
        ht_dynamodb_get_item_start(client(), &op.get_item);
        break;
    case 5:
        op.put_item = (struct ht_dynamodb_put_item){.target = target, .done = on_put_item};
        ht_dynamodb_put_item_start(client(), &op.put_item);
        break;
    case 6:
        op.scan = (struct ht_dynamodb_scan){.table_name = "t", .segment_count = 1, .done = on_scan};
        ht_dynamodb_scan_start(client(), &op.scan);
        break;
    case 7:
        op.update_item = (struct ht_dynamodb_update_item){.target = target, .done = on_update_item};
        ht_dynamodb_update_item_start(client(), &op.update_item);
        break;
    case 8:
        op.update_table =
            (struct ht_dynamodb_update_table){.table_name = "t", .done = on_update_table};
        ht_dynamodb_update_table_start(client(), &op.update_table);
        break;
    default:
        op.update_ttl = (struct ht_dynamodb_update_time_to_live){
            .table_name = "t", .attribute_name = "expiresAt", .done = on_update_ttl};
        ht_dynamodb_update_time_to_live_start(client(), &op.update_ttl);
    }
}

static void start_stream(unsigned number)
{
    switch (number) {
    case 10:
        op.describe_stream = (struct ht_dynamodb_streams_describe_stream){
            .stream_arn = HT_SLICE("arn"), .done = on_describe_stream};
        ht_dynamodb_streams_describe_stream_start(client(), &op.describe_stream);
        break;
    case 11:
        op.stream_records = (struct ht_dynamodb_streams_get_records){
            .iterator = HT_SLICE("i"), .limit = 100, .done = on_stream_records};
        ht_dynamodb_streams_get_records_start(client(), &op.stream_records);
        break;
    case 12:
        op.stream_iterator = (struct ht_dynamodb_streams_get_shard_iterator){
            .stream_arn = HT_SLICE("arn"), .shard_id = HT_SLICE("s"), .done = on_stream_iterator};
        ht_dynamodb_streams_get_shard_iterator_start(client(), &op.stream_iterator);
        break;
    case 13:
        op.list_streams =
            (struct ht_dynamodb_streams_list_streams){.table_name = "t", .done = on_list_streams};
        ht_dynamodb_streams_list_streams_start(client(), &op.list_streams);
        break;
    case 14:
        op.create_delivery =
            (struct ht_firehose_create_delivery_stream){.name = "d",
                                                        .role_arn = "r",
                                                        .bucket_arn = "b",
                                                        .prefix = "p",
                                                        .buffer_mib = 1,
                                                        .done = on_create_delivery};
        ht_firehose_create_delivery_stream_start(client(), &op.create_delivery);
        break;
    case 15:
        op.describe_delivery = (struct ht_firehose_describe_delivery_stream){
            .name = "d", .done = on_describe_delivery};
        ht_firehose_describe_delivery_stream_start(client(), &op.describe_delivery);
        break;
    default:
        op.put_batch = (struct ht_firehose_put_record_batch){.stream_name = HT_SLICE("d"),
                                                             .records = batch,
                                                             .count = RECORDS,
                                                             .outcomes = outcomes,
                                                             .done = on_put_batch};
        ht_firehose_put_record_batch_start(client(), &op.put_batch);
    }
}

static void start_kinesis(unsigned number)
{
    int status = 0;
    switch (number) {
    case 17:
        op.create_stream =
            (struct ht_kinesis_create_stream){.stream_name = "s", .done = on_create_stream};
        status = ht_kinesis_create_stream_start(client(), &op.create_stream);
        break;
    case 18:
        op.summary =
            (struct ht_kinesis_describe_stream_summary){.stream_name = "s", .done = on_summary};
        status = ht_kinesis_describe_stream_summary_start(client(), &op.summary);
        break;
    case 19:
        op.get_records = (struct ht_kinesis_get_records){
            .stream_name = "s", .iterator = "i", .limit = 10, .done = on_get_records};
        status = ht_kinesis_get_records_start(client(), &op.get_records);
        break;
    case 20:
        op.get_iterator = (struct ht_kinesis_get_shard_iterator){
            .stream_name = "s", .shard_id = "shard", .done = on_get_iterator};
        status = ht_kinesis_get_shard_iterator_start(client(), &op.get_iterator);
        break;
    case 21:
        op.list_shards =
            (struct ht_kinesis_list_shards){.stream_name = "s", .done = on_list_shards};
        status = ht_kinesis_list_shards_start(client(), &op.list_shards);
        break;
    default:
        op.put_records = (struct ht_kinesis_put_records){.stream_name = "s",
                                                         .entries = entries,
                                                         .count = RECORDS,
                                                         .results = results,
                                                         .done = on_put_records};
        status = ht_kinesis_put_records_start(client(), &op.put_records);
    }
    FUZZ_CHECK(status == 0, "%d", status);
}

static void start_s3(unsigned number)
{
    const struct ht_slice bucket = HT_SLICE("b"), key = HT_SLICE("k");
    switch (number) {
    case 23:
        op.create_bucket = (struct ht_s3_create_bucket){.bucket = bucket, .done = on_create_bucket};
        ht_s3_create_bucket_start(client(), &op.create_bucket);
        break;
    case 24:
        op.get_object =
            (struct ht_s3_get_object){.bucket = bucket, .key = key, .done = on_get_object};
        ht_s3_get_object_start(client(), &op.get_object);
        break;
    case 25:
        op.get_block =
            (struct ht_s3_get_public_access_block){.bucket = bucket, .done = on_get_block};
        ht_s3_get_public_access_block_start(client(), &op.get_block);
        break;
    case 26:
        op.head_bucket = (struct ht_s3_head_bucket){.bucket = bucket, .done = on_head_bucket};
        ht_s3_head_bucket_start(client(), &op.head_bucket);
        break;
    case 27:
        op.head_object =
            (struct ht_s3_head_object){.bucket = bucket, .key = key, .done = on_head_object};
        ht_s3_head_object_start(client(), &op.head_object);
        break;
    case 28:
        op.list_objects = (struct ht_s3_list_objects_v2){.bucket = bucket, .done = on_list_objects};
        ht_s3_list_objects_v2_start(client(), &op.list_objects);
        break;
    case 29:
        op.put_object = (struct ht_s3_put_object){
            .bucket = bucket, .key = key, .creates_only = true, .done = on_put_object};
        ht_s3_put_object_start(client(), &op.put_object);
        break;
    default:
        op.put_block =
            (struct ht_s3_put_public_access_block){.bucket = bucket, .done = on_put_block};
        ht_s3_put_public_access_block_start(client(), &op.put_block);
    }
}

static void start_rest(unsigned number)
{
    switch (number) {
    case 31:
        op.create_role = (struct ht_iam_create_role){
            .role_name = "r", .trust_policy = "{}", .description = "d", .done = on_create_role};
        ht_iam_create_role_start(client(), &op.create_role);
        break;
    case 32:
        op.get_role = (struct ht_iam_get_role){.role_name = "r", .done = on_get_role};
        ht_iam_get_role_start(client(), &op.get_role);
        break;
    case 33:
        op.put_policy = (struct ht_iam_put_role_policy){
            .role_name = "r", .policy_name = "p", .policy = "{}", .done = on_put_policy};
        ht_iam_put_role_policy_start(client(), &op.put_policy);
        break;
    default:
        op.identity = (struct ht_sts_get_caller_identity){.done = on_identity};
        ht_sts_get_caller_identity_start(client(), &op.identity);
    }
}

static void start(unsigned number)
{
    is_starting = true;
    memset(&op, 0, sizeof(op));
    if (number < 10) {
        start_item(number);
    } else if (number < 17) {
        start_stream(number);
    } else if (number < 23) {
        start_kinesis(number);
    } else if (number < 31) {
        start_s3(number);
    } else {
        start_rest(number);
    }
    is_starting = false;
}

static void finish(unsigned number)
{
    switch (number) {
    case 1:
        ht_dynamodb_delete_item_finish(&op.delete_item);
        break;
    case 4:
        ht_dynamodb_get_item_finish(&op.get_item);
        break;
    case 5:
        ht_dynamodb_put_item_finish(&op.put_item);
        break;
    case 6:
        ht_dynamodb_scan_finish(&op.scan);
        break;
    case 7:
        ht_dynamodb_update_item_finish(&op.update_item);
        break;
    default:
        break;
    }
}

/* -- what is answered ------------------------------------------------------------------- */

static void check_words(const char *text, size_t room, const char *what)
{
    struct ht_slice slice = ht_slice_make(text, strnlen(text, room));
    FUZZ_CHECK(slice.length < room, "%s has no end", what);
    FUZZ_CHECK(fuzz_is_utf8(slice), "%s is no UTF-8: %s", what, text);
    for (size_t i = 0; i < slice.length; i++) {
        unsigned char byte = (unsigned char)slice.data[i];
        FUZZ_CHECK(byte >= 0x20 && byte != 0x7f, "%s has a control character", what);
    }
}

static void answer(struct ht_slice body, int http_status, const struct ht_http_header *headers,
                   size_t header_count)
{
    struct ht_aws_call *call = waiting;
    struct ht_buffer bytes;
    struct ht_aws_reply reply = {.service = call->service,
                                 .http_status = http_status,
                                 .headers = headers,
                                 .header_count = header_count,
                                 .body = body};
    waiting = NULL;
    ht_buffer_init(&bytes, 1u << 24);
    FUZZ_CHECK(ht_buffer_append_slice(&bytes, body) == 0, "memory");
    call->state = NULL;
    call->attempts = 1;
    call->answer = bytes;
    call->answer_owner = &bytes;
    call->answer_headers = headers;
    call->answer_header_count = header_count;
    call->status = 0;
    ht_aws_failure_read_request_id(&reply, &call->failure);
    check_words(call->failure.request_id, sizeof(call->failure.request_id), "request id");
    if (http_status >= 300) {
        ht_aws_failure_read(&reply, &call->failure);
        check_words(call->failure.code, sizeof(call->failure.code), "code");
        check_words(call->failure.message, sizeof(call->failure.message), "message");
        call->status = ht_aws_failure_status(&call->failure);
        FUZZ_CHECK(call->status < 0, "an error is none");
        (void)ht_error_set(&call->error, call->status, "%s: %s", call->failure.code,
                           call->failure.message);
    }
    call->done(call);
    ht_buffer_finish(&bytes);
}

/* No operation, but read by itself. */
static void read_role(struct ht_slice body)
{
    struct ht_aws_keys *keys = NULL;
    struct ht_error error = {0};
    int status = ht_sts_assume_role_parse(body, "origin", &keys, &error);
    FUZZ_CHECK((status == 0) == (keys != NULL), "%d", status);
    if (status == 0) {
        touch_text(keys->access_key_id);
        touch_text(keys->secret_access_key);
    } else {
        check_words(error.text, sizeof(error.text), "error");
    }
    ht_aws_keys_release(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int http_statuses[] = {200, 200, 200, 200, 200, 400, 403, 404,
                                        409, 412, 301, 500, 503, 304, 501, 599};
    static const char *const header_names[] = {
        "x-amzn-RequestId",    "x-amzn-ErrorType", "ETag",
        "x-amz-bucket-region", "Content-Length",   "x-amz-retry-after",
        "x-amz-request-id",    "Content-Type"};
    struct fuzz_input input = fuzz_input(data, size);
    unsigned number = fuzz_take_byte(&input) % 36;
    unsigned choice = fuzz_take_byte(&input);
    struct ht_slice rest = fuzz_rest(&input), value = {"", 0};
    const char *mark = rest.length == 0 ? NULL : memchr(rest.data, '\x1f', rest.length);
    if (mark != NULL) { /* a header's value in front */
        value = ht_slice_make(rest.data, (size_t)(mark - rest.data));
        rest = ht_slice_make(mark + 1, rest.length - value.length - 1);
    }
    struct ht_http_header header = {.name = ht_slice_text(header_names[choice / 16 % 8]),
                                    .value = value};
    for (size_t i = 0; i < RECORDS; i++) {
        batch[i] = HT_SLICE("line");
        entries[i] = (struct ht_kinesis_put_entry){HT_SLICE("data"), HT_SLICE("key")};
    }
    char *copy = fuzz_copy(rest);
    rest = ht_slice_make(copy, rest.length);
    done_count = 0;
    if (number == 35) {
        read_role(rest);
    } else {
        start(number);
        for (unsigned page = 0; waiting != NULL && page < PAGES_MAX; page++) {
            bool is_last = page == PAGES_MAX - 1;
            answer(rest, is_last ? 400 : http_statuses[choice % 16], &header, 1);
        }
        FUZZ_CHECK(waiting == NULL && done_count == 1, "operation %u ended %u times", number,
                   done_count);
        FUZZ_CHECK(done_status <= 0, "%d", done_status);
        finish(number);
    }
    free(copy);
    return 0;
}
