// SPDX-License-Identifier: MIT
#include "amazon_world.h"

#include "hashtagd/aws/kinesis_list_shards.h"
#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The simulated services, held to what AWS documents (error names, statuses, limits) as the program's
 * own client reads it. */

#define STREAM_ARN "arn:aws:dynamodb:eu-west-1:111122223333:table/hashtags/stream/1"

struct fixture {
    struct sim sim;
    struct sim_truth truth;
    struct sim_world *world;
    struct amazon *amazon;
    struct sim_ports ports;
    struct ht_budget budget;
    struct ht_aws_client *client;
    /* the last call */
    struct ht_aws_call call;
    char answer[16384];
    bool is_done, is_closed;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const struct sim_world_options options = {.shards = 9, .archives = true, .ttl_s = 3600};
    assert_non_null(fixture);
    sim_init(&fixture->sim, 7);
    sim_truth_init(&fixture->truth, &fixture->sim);
    fixture->world = sim_backing_amazon.create(&fixture->sim, &fixture->truth, &options);
    struct amazon_world *own = HT_CONTAINER_OF(fixture->world, struct amazon_world, world);
    fixture->amazon = own->amazon;
    struct sim_process *process = sim_process_begin(&fixture->sim, 0);
    sim_backing_amazon.open(fixture->world, process, &fixture->budget, &fixture->ports);
    fixture->client = own->sides[0].client;
    *state = fixture;
    return 0;
}

static void set_true(void *user)
{
    *(bool *)user = true;
}

static void run_until(struct fixture *fixture, const bool *done)
{
    uint64_t end_ns = fixture->sim.now_ns + UINT64_C(3600000000000);
    while (!*done && sim_step(&fixture->sim, end_ns)) {
    }
    assert_true(*done);
}

static void pass(struct fixture *fixture, uint64_t ms)
{
    uint64_t end_ns = fixture->sim.now_ns + ms * 1000000;
    while (sim_step(&fixture->sim, end_ns)) {
    }
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    sim_backing_amazon.close(fixture->world, 0, set_true, &fixture->is_closed);
    run_until(fixture, &fixture->is_closed);
    sim_backing_amazon.take_down(fixture->world, 0);
    sim_process_end(&fixture->sim.processes[0]);
    sim_backing_amazon.destroy(fixture->world);
    sim_truth_finish(&fixture->truth);
    sim_finish(&fixture->sim);
    free(fixture);
    return 0;
}

static void on_done(struct ht_aws_call *call)
{
    struct fixture *fixture = call->user;
    (void)snprintf(fixture->answer, sizeof(fixture->answer), "%.*s", (int)call->answer.length,
                   call->answer.length == 0 ? "" : call->answer.data);
    fixture->is_done = true;
}

/* Asks once; the answer is in `fixture`. */
static void ask(struct fixture *fixture, enum ht_aws_service service, const char *operation,
                const char *body)
{
    fixture->is_done = false;
    fixture->call = (struct ht_aws_call){.service = service,
                                         .operation = operation,
                                         .body = ht_slice_text(body),
                                         .max_attempts = 1,
                                         .max_answer_bytes = 32 << 20,
                                         .done = on_done,
                                         .user = fixture};
    ht_aws_call_start(fixture->client, &fixture->call);
    run_until(fixture, &fixture->is_done);
}

/* The text of a member of the last answer; the caller's buffer. */
static const char *member(const struct fixture *fixture, const char *name, char text[256])
{
    char form[64];
    (void)snprintf(form, sizeof(form), "\"%s\":\"", name);
    const char *at = strstr(fixture->answer, form);
    assert_non_null(at);
    at += strlen(form);
    (void)snprintf(text, 256, "%.*s", (int)strcspn(at, "\""), at);
    return text;
}

static void tells_errors_as_documented(void **state)
{
    static const struct {
        enum ht_aws_service service;
        const char *operation, *body;
        int http_status;
        const char *code;
        int status;
    } rows[] = {
        {HT_AWS_KINESIS, "ListShards", "{\"StreamName\":\"other\"}", 400,
         "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_KINESIS, "PutRecords", "{\"StreamName\":\"other\",\"Records\":[]}", 400,
         "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_KINESIS, "GetShardIterator",
         "{\"StreamName\":\"twitter_bigdata\",\"ShardId\":\"shardId-000000000099\","
         "\"ShardIteratorType\":\"TRIM_HORIZON\"}",
         400, "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_KINESIS, "GetShardIterator",
         "{\"StreamName\":\"twitter_bigdata\",\"ShardId\":\"shardId-000000000000\","
         "\"ShardIteratorType\":\"AFTER_SEQUENCE_NUMBER\",\"StartingSequenceNumber\":\"1\"}",
         400, "InvalidArgumentException", HT_EINVAL},
        {HT_AWS_KINESIS, "GetRecords", "{\"ShardIterator\":\"x\"}", 400, "InvalidArgumentException",
         HT_EINVAL},
        {HT_AWS_DYNAMODB, "DescribeTable", "{\"TableName\":\"other\"}", 400,
         "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_DYNAMODB, "Scan", "{\"TableName\":\"other\"}", 400, "ResourceNotFoundException",
         HT_ENOTFOUND},
        {HT_AWS_DYNAMODB, "GetItem", "{\"TableName\":\"hashtags\",\"Key\":{}}", 400,
         "ValidationException", HT_EINVAL},
        {HT_AWS_DYNAMODB, "DeleteItem",
         "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"a\"}},\"ConditionExpression\":"
         "\"#a = :a\",\"ExpressionAttributeNames\":{\"#a\":\"m0\"},"
         "\"ExpressionAttributeValues\":{\":a\":{\"S\":\"1\"}}}",
         400, "ConditionalCheckFailedException", HT_EEXIST},
        {HT_AWS_DYNAMODB_STREAMS, "DescribeStream", "{\"StreamArn\":\"other\"}", 400,
         "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_DYNAMODB_STREAMS, "GetShardIterator",
         "{\"StreamArn\":\"" STREAM_ARN
         "\",\"ShardId\":\"other\",\"ShardIteratorType\":\"LATEST\"}",
         400, "ResourceNotFoundException", HT_ENOTFOUND},
        {HT_AWS_DYNAMODB_STREAMS, "GetRecords", "{\"ShardIterator\":\"x\"}", 400,
         "ValidationException", HT_EINVAL},
        {HT_AWS_FIREHOSE, "PutRecordBatch", "{\"DeliveryStreamName\":\"other\",\"Records\":[]}",
         400, "ResourceNotFoundException", HT_ENOTFOUND},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        ask(fixture, rows[i].service, rows[i].operation, rows[i].body);
        assert_int_equal(fixture->call.failure.http_status, rows[i].http_status);
        assert_string_equal(fixture->call.failure.code, rows[i].code);
        assert_int_equal(fixture->call.status, rows[i].status);
    }
}

/* Each fault, and what the client makes of it. */
static void faults_mean_what_they_say(void **state)
{
    static const struct {
        enum amazon_fault fault;
        enum ht_aws_fault meaning;
        int status, http_status;
    } rows[] = {
        {AMAZON_LOST_BEFORE, HT_AWS_FAULT_TRANSIENT, HT_ECONNECTION, 0},
        {AMAZON_LOST_AFTER, HT_AWS_FAULT_TRANSIENT, HT_ECONNECTION, 0},
        {AMAZON_SILENT_BEFORE, HT_AWS_FAULT_TRANSIENT, HT_ETIMEDOUT, 0},
        {AMAZON_SILENT_AFTER, HT_AWS_FAULT_TRANSIENT, HT_ETIMEDOUT, 0},
        {AMAZON_THROTTLED, HT_AWS_FAULT_THROTTLED, HT_EBUSY, 400},
        {AMAZON_UNAVAILABLE, HT_AWS_FAULT_TRANSIENT, HT_EIO, 503},
        {AMAZON_BROKEN_BEFORE, HT_AWS_FAULT_TRANSIENT, HT_EIO, 500},
        {AMAZON_BROKEN_AFTER, HT_AWS_FAULT_TRANSIENT, HT_EIO, 500},
        {AMAZON_HTML, HT_AWS_FAULT_TRANSIENT, HT_EIO, 503},
        {AMAZON_WRONG_CRC, HT_AWS_FAULT_TRANSIENT, HT_EIO, 200},
        {AMAZON_EXPIRED_KEYS, HT_AWS_FAULT_CREDENTIALS, HT_EPERMISSION, 400},
        {AMAZON_HUGE, HT_AWS_FAULT_NONE, 0, 200},
        {AMAZON_CUT, HT_AWS_FAULT_NONE, 0, 200},
        {AMAZON_EMPTY_PAGE, HT_AWS_FAULT_NONE, 0, 200},
    };
    struct fixture *fixture = *state;
    static const struct amazon_rates none;
    ask(fixture, HT_AWS_DYNAMODB, "Scan",
        "{\"TableName\":\"hashtags\"}"); /* has keys from now on */
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        struct amazon_rates rates = {{0}};
        rates.rate[rows[i].fault] = 1.0;
        uint64_t before = amazon_struck(fixture->amazon, rows[i].fault);
        amazon_set_rates(fixture->amazon, &rates);
        ask(fixture, HT_AWS_DYNAMODB, "Scan", "{\"TableName\":\"hashtags\"}");
        amazon_set_rates(fixture->amazon, &none);
        bool may_be_cut = rows[i].fault == AMAZON_CUT && fixture->call.status == HT_EIO;
        bool is_passed_over = rows[i].fault == AMAZON_HUGE; /* of reads of streams alone */
        assert_true(is_passed_over || amazon_struck(fixture->amazon, rows[i].fault) > before);
        if (!may_be_cut) {
            assert_int_equal(fixture->call.failure.fault, rows[i].meaning);
            assert_int_equal(fixture->call.status, rows[i].status);
            assert_int_equal(fixture->call.failure.http_status, rows[i].http_status);
        }
    }
}

static void an_iterator_lives_five_minutes(void **state)
{
    struct fixture *fixture = *state;
    char iterator[256], body[512];
    ask(fixture, HT_AWS_KINESIS, "GetShardIterator",
        "{\"StreamName\":\"twitter_bigdata\",\"ShardId\":\"shardId-000000000000\","
        "\"ShardIteratorType\":\"TRIM_HORIZON\"}");
    assert_int_equal(fixture->call.status, 0);
    (void)snprintf(body, sizeof(body), "{\"ShardIterator\":\"%s\"}",
                   member(fixture, "ShardIterator", iterator));
    pass(fixture, 299 * 1000);
    ask(fixture, HT_AWS_KINESIS, "GetRecords", body);
    assert_int_equal(fixture->call.status, 0);
    pass(fixture, 2000);
    ask(fixture, HT_AWS_KINESIS, "GetRecords", body);
    assert_string_equal(fixture->call.failure.code, "ExpiredIteratorException");
}

static void a_sixth_read_in_a_second_is_throttled(void **state)
{
    struct fixture *fixture = *state;
    char iterator[256], body[512];
    ask(fixture, HT_AWS_KINESIS, "GetShardIterator",
        "{\"StreamName\":\"twitter_bigdata\",\"ShardId\":\"shardId-000000000000\","
        "\"ShardIteratorType\":\"LATEST\"}");
    (void)snprintf(body, sizeof(body), "{\"ShardIterator\":\"%s\"}",
                   member(fixture, "ShardIterator", iterator));
    for (unsigned i = 0; i < 5; i++) {
        ask(fixture, HT_AWS_KINESIS, "GetRecords", body);
        assert_int_equal(fixture->call.status, 0);
    }
    ask(fixture, HT_AWS_KINESIS, "GetRecords", body);
    assert_int_equal(fixture->call.failure.fault, HT_AWS_FAULT_THROTTLED);
    assert_string_equal(fixture->call.failure.code, "ProvisionedThroughputExceededException");
}

static void a_trimmed_change_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char sequence[256], id[48], iterator[256], body[512];
    amazon_add(fixture->amazon, "hashtags", "a", "htCount", 1);
    amazon_add(fixture->amazon, "hashtags", "a", "htCount", 1);
    pass(fixture, 2000);
    for (unsigned shard = 0; shard < 2; shard++) {
        amazon_change_shard_id(shard, id);
        (void)snprintf(body, sizeof(body),
                       "{\"StreamArn\":\"" STREAM_ARN "\",\"ShardId\":\"%s\","
                       "\"ShardIteratorType\":\"TRIM_HORIZON\"}",
                       id);
        ask(fixture, HT_AWS_DYNAMODB_STREAMS, "GetShardIterator", body);
        (void)snprintf(body, sizeof(body), "{\"ShardIterator\":\"%s\"}",
                       member(fixture, "ShardIterator", iterator));
        ask(fixture, HT_AWS_DYNAMODB_STREAMS, "GetRecords", body);
        if (strstr(fixture->answer, "SequenceNumber") != NULL) {
            break;
        }
    }
    (void)snprintf(body, sizeof(body),
                   "{\"StreamArn\":\"" STREAM_ARN "\",\"ShardId\":\"%s\",\"ShardIteratorType\":"
                   "\"AT_SEQUENCE_NUMBER\",\"SequenceNumber\":\"%s\"}",
                   id, member(fixture, "SequenceNumber", sequence));
    amazon_trim_changes(fixture->amazon, "hashtags", 1);
    ask(fixture, HT_AWS_DYNAMODB_STREAMS, "GetShardIterator", body);
    assert_string_equal(fixture->call.failure.code, "TrimmedDataAccessException");
}

static void an_update_adds_only_where_its_condition_holds(void **state)
{
    static const char body[] =
        "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"a\"}},\"UpdateExpression\":"
        "\"SET #m = :l, #f = if_not_exists(#f, :n) ADD #c :n\",\"ConditionExpression\":"
        "\"attribute_not_exists(#m) OR #m < :l\",\"ExpressionAttributeNames\":{\"#c\":\"htCount\","
        "\"#m\":\"m0\",\"#f\":\"firstSeen\"},\"ExpressionAttributeValues\":{\":l\":{\"S\":\"7\"},"
        "\":n\":{\"N\":\"3\"}},\"ReturnValues\":\"UPDATED_NEW\","
        "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}";
    struct fixture *fixture = *state;
    ask(fixture, HT_AWS_DYNAMODB, "UpdateItem", body);
    assert_int_equal(fixture->call.status, 0);
    assert_non_null(strstr(fixture->answer, "\"htCount\":{\"N\":\"3\"}"));
    assert_null(strstr(fixture->answer, "hashtag\""));
    ask(fixture, HT_AWS_DYNAMODB, "UpdateItem", body);
    assert_string_equal(fixture->call.failure.code, "ConditionalCheckFailedException");
    assert_non_null(strstr(fixture->answer, "\"Item\":{"));
    assert_int_equal(amazon_number(fixture->amazon, "hashtags", "a", "htCount"), 3);
}

/* Else an item that is deleted meanwhile would come again, and no table could tell. */
static void a_request_that_is_given_up_arrives_at_once_or_never(void **state)
{
    struct fixture *fixture = *state;
    struct amazon_rates rates = {.rate = {[AMAZON_SLOW] = 1.0}};
    uint64_t arrived = 0;
    ask(fixture, HT_AWS_DYNAMODB, "Scan", "{\"TableName\":\"hashtags\"}"); /* has keys now */
    amazon_set_rates(fixture->amazon, &rates);
    for (unsigned i = 0; i < 40; i++) {
        fixture->is_done = false;
        fixture->call =
            (struct ht_aws_call){.service = HT_AWS_DYNAMODB,
                                 .operation = "PutItem",
                                 .body = HT_SLICE("{\"TableName\":\"hashtags\",\"Item\":"
                                                  "{\"hashtag\":{\"S\":\"a\"}}}"),
                                 .max_attempts = 1,
                                 .done = on_done,
                                 .user = fixture};
        ht_aws_call_start(fixture->client, &fixture->call);
        ht_aws_call_cancel(&fixture->call);
        run_until(fixture, &fixture->is_done);
        pass(fixture, 1);
        arrived += amazon_delete(fixture->amazon, "hashtags", "a", false);
        pass(fixture, 600000);
        assert_false(amazon_delete(fixture->amazon, "hashtags", "a", false));
    }
    assert_in_range(arrived, 10, 39);
}

/* Writes the row of a lease, whatever is there. */
static void write_lease(struct fixture *fixture, const char *owner, unsigned counter)
{
    char body[512];
    (void)snprintf(body, sizeof(body),
                   "{\"TableName\":\"" AMAZON_LEASES "\",\"Item\":{\"leaseKey\":{\"S\":"
                   "\"shardId-000000000000\"},\"leaseOwner\":{\"S\":\"%s\"},"
                   "\"leaseCounter\":{\"N\":\"%u\"}}}",
                   owner, counter);
    ask(fixture, HT_AWS_DYNAMODB, "PutItem", body);
    assert_int_equal(fixture->call.status, 0);
}

static void a_lease_that_is_renewed_may_not_be_taken(void **state)
{
    struct fixture *fixture = *state;
    write_lease(fixture, "a", 1);
    write_lease(fixture, "a", 2);
    pass(fixture, 10000);
    write_lease(fixture, "b", 3); /* it stood still */
    assert_false(fixture->sim.has_failed);
    pass(fixture, 9000);
    write_lease(fixture, "a", 4);
    assert_true(fixture->sim.has_failed);
    assert_non_null(strstr(fixture->sim.failure, "was taken from b"));
}

static void a_lease_may_not_be_written_by_who_does_not_know_it(void **state)
{
    struct fixture *fixture = *state;
    write_lease(fixture, "a", 1);
    write_lease(fixture, "a", 2);
    assert_false(fixture->sim.has_failed);
    write_lease(fixture, "a", 2);
    assert_true(fixture->sim.has_failed);
    assert_non_null(strstr(fixture->sim.failure, "number 2, was overwritten with number 2"));
}

static void on_listed(struct ht_kinesis_list_shards *op)
{
    struct fixture *fixture = op->user;
    assert_int_equal(op->call.status, 0);
    assert_int_equal(op->count, 12);
    assert_string_equal(op->shards[9].parent_id, "shardId-000000000000");
    assert_string_equal(op->shards[11].adjacent_parent_id, "shardId-000000000003");
    assert_true(op->shards[0].is_closed && op->shards[2].is_closed && !op->shards[9].is_closed);
    fixture->is_done = true;
}

static void shards_are_listed_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct ht_kinesis_list_shards op = {
        .stream_name = "twitter_bigdata", .done = on_listed, .user = fixture};
    assert_true(amazon_split(fixture->amazon, 0));
    assert_true(amazon_merge(fixture->amazon, 2));
    fixture->is_done = false;
    assert_int_equal(ht_kinesis_list_shards_start(fixture->client, &op), 0);
    run_until(fixture, &fixture->is_done);
}

static void a_wrong_clock_is_refused_until_it_is_corrected(void **state)
{
    struct fixture *fixture = *state;
    fixture->sim.processes[0].wall_offset_ms = -3600 * 1000;
    ask(fixture, HT_AWS_DYNAMODB, "Scan", "{\"TableName\":\"hashtags\"}");
    assert_int_equal(fixture->call.status, 0);
    assert_true(fixture->call.attempts > 1);
    ask(fixture, HT_AWS_DYNAMODB, "Scan", "{\"TableName\":\"hashtags\"}");
    assert_int_equal(fixture->call.attempts, 1);
}

/* What is sent just before a kill arrives, or not; nothing that is asked later does. */
static void a_dead_process_changes_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    struct sim_process *process = &fixture->sim.processes[0];
    sim_process_kill(process);
    sim_backing_amazon.drop(fixture->world, 0);
    fixture->is_done = false;
    fixture->call = (struct ht_aws_call){.service = HT_AWS_FIREHOSE,
                                         .operation = "PutRecordBatch",
                                         .body = HT_SLICE("{\"DeliveryStreamName\":"
                                                          "\"deleted-hashtags\",\"Records\":"
                                                          "[{\"Data\":\"eA==\"}]}"),
                                         .done = on_done,
                                         .user = fixture};
    ht_aws_call_start(fixture->client, &fixture->call);
    assert_true(sim_ghost_run(process, &fixture->is_done, 3600000));
    assert_int_not_equal(fixture->call.status, 0);
    sim_backing_amazon.close(fixture->world, 0, set_true, &fixture->is_closed);
    assert_true(sim_ghost_run(process, &fixture->is_closed, 3600000));
    sim_backing_amazon.take_down(fixture->world, 0);
    sim_process_end(process);
    pass(fixture, 3600000);
    assert_int_equal(amazon_line_count(fixture->amazon), 0);
    fixture->is_closed = false;
    process = sim_process_begin(&fixture->sim, 0);
    sim_backing_amazon.open(fixture->world, process, &fixture->budget, &fixture->ports);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(tells_errors_as_documented),
        TEST(faults_mean_what_they_say),
        TEST(an_iterator_lives_five_minutes),
        TEST(a_sixth_read_in_a_second_is_throttled),
        TEST(a_trimmed_change_is_refused),
        TEST(an_update_adds_only_where_its_condition_holds),
        TEST(a_request_that_is_given_up_arrives_at_once_or_never),
        TEST(a_lease_that_is_renewed_may_not_be_taken),
        TEST(a_lease_may_not_be_written_by_who_does_not_know_it),
        TEST(shards_are_listed_page_by_page),
        TEST(a_wrong_clock_is_refused_until_it_is_corrected),
        TEST(a_dead_process_changes_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
