// SPDX-License-Identifier: MIT
/*
 * How fast the body of a GetRecords answer becomes records, beside jansson with OpenSSL's base64 and
 * a mere copy. The body has about 10 MB of real tweets (tests/support/shared.h), or of made-up ones
 * where those are not there. The fastest of several rounds counts; each works on a fresh copy of the
 * body, as one comes from the network, and the copying is not in the time.
 */
#include "hashtagd/aws/kinesis_get_records.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"

#include "../../src/backends/kinesis_batch.h"
#include "../support/shared.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_BYTES (10u << 20)
#define ROUNDS     9

/* What this thread alone used: other programs on the machine disturb less. */
static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void add_record(struct ht_buffer *body, struct ht_slice line, unsigned number)
{
    (void)ht_buffer_append_format(
        body,
        "%s{\"SequenceNumber\":\"4959033827149025660855969253836157109592157598%010u\","
        "\"ApproximateArrivalTimestamp\":1.441215410867E9,\"Data\":\"",
        number > 0 ? "," : "", number);
    (void)ht_base64_append(body, line);
    (void)ht_buffer_append_format(body, "\",\"PartitionKey\":\"%u\",\"EncryptionType\":\"NONE\"}",
                                  number);
}

static unsigned add_corpus(struct ht_buffer *body, unsigned number)
{
    struct shared_lines lines;
    struct ht_slice line;
    if (!shared_open_pattern(&lines, "v11-search/*.json*")) {
        return number;
    }
    while (body->length < BODY_BYTES && shared_next(&lines, &line)) {
        add_record(body, line, number++);
    }
    shared_close(&lines);
    return number;
}

static unsigned make_body(struct ht_buffer *body)
{
    static const char made_up[] =
        "{\"created_at\":\"Mon Aug 05 12:00:00 +0000 2013\",\"id_str\":\"364367359\",\"text\":"
        "\"nothing but #words of no meaning\",\"entities\":{\"hashtags\":[{\"text\":\"words\","
        "\"indices\":[12,18]}]},\"user\":{\"id_str\":\"7\",\"name\":\"nobody\"}}";
    unsigned number = 0;
    (void)ht_buffer_append_text(body, "{\"Records\":[");
    while (body->length < BODY_BYTES) {
        unsigned before = number;
        number = add_corpus(body, number);
        if (number == before) {
            add_record(body, HT_SLICE(made_up), number++);
        }
    }
    (void)ht_buffer_append_text(body, "],\"NextShardIterator\":\"AAAA\",\"MillisBehindLatest\":0}");
    return number;
}

static size_t run_jansson(char *body, size_t length, void *state)
{
    size_t bytes = 0;
    (void)state;
    struct ht_json *root = ht_json_parse(ht_slice_make(body, length), 0, NULL, NULL);
    const struct ht_json *records = ht_json_member(root, "Records");
    for (size_t i = 0; i < ht_json_count(records); i++) {
        const struct ht_json *record = ht_json_element(records, i);
        struct ht_slice data = ht_json_text(ht_json_member(record, "Data"));
        unsigned char *out = malloc(data.length);
        int got = EVP_DecodeBlock(out, (const unsigned char *)data.data, (int)data.length);
        bytes += (size_t)(got < 0 ? 0 : got) + out[got / 2];
        bytes += ht_json_text(ht_json_member(record, "SequenceNumber")).length;
        bytes += ht_json_text(ht_json_member(record, "PartitionKey")).length;
        bytes += ht_json_real(ht_json_member(record, "ApproximateArrivalTimestamp")) > 0;
        free(out);
    }
    ht_json_destroy(root);
    free(body);
    return bytes;
}

static size_t run_ours(char *body, size_t length, void *state)
{
    struct ht_kinesis_page page;
    struct ht_kinesis_stand stand;
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    ht_kinesis_stand_at(&stand, &from);
    if (ht_kinesis_page_read(&page, state, body, length, NULL) != 0) {
        return 0;
    }
    struct ht_kinesis_batch_making making = {
        .page = &page, .stand = &stand, .max_records_bytes = 64u << 20, .now_ms = 1};
    if (ht_kinesis_batch_make(&making) != 0) {
        return 0;
    }
    size_t count = making.batch->count;
    ht_record_batch_release(making.batch);
    return count;
}

static size_t run_copy(char *body, size_t length, void *state)
{
    memcpy(state, body, length);
    size_t sum = (unsigned char)((char *)state)[length / 2];
    free(body);
    return sum;
}

static double measure(const struct ht_buffer *body,
                      size_t (*run)(char *body, size_t length, void *state), void *state)
{
    double best = 0;
    size_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char *copy = malloc(body->length + 1);
        if (copy == NULL) {
            abort();
        }
        memcpy(copy, body->data, body->length + 1);
        double start = cpu_ns();
        sum += run(copy, body->length, state);
        double ns = cpu_ns() - start;
        best = best == 0 || ns < best ? ns : best;
    }
    return sum == (size_t)-1 ? 0 : best;
}

int main(void)
{
    static struct ht_json_reader reader;
    static char target[BODY_BYTES * 2];
    struct ht_buffer body;
    ht_buffer_init(&body, sizeof(target));
    ht_json_reader_init(&reader, sizeof(target));
    unsigned count = make_body(&body);
    if (count == 0) {
        return 1;
    }
    printf("a body of %zu bytes, %u records of %zu bytes\n", body.length, count,
           body.length / count);
    double jansson = measure(&body, run_jansson, NULL);
    const struct {
        const char *name;
        double ns;
    } ways[] = {{"jansson and EVP", jansson},
                {"page and batch", measure(&body, run_ours, &reader)},
                {"memcpy", measure(&body, run_copy, target)}};
    for (size_t i = 0; i < 3; i++) {
        printf("  %-16s %8.2f ms %8.2f GB/s %9.0f records/s %7.1f x jansson\n", ways[i].name,
               ways[i].ns / 1e6, (double)body.length / ways[i].ns, count / ways[i].ns * 1e9,
               jansson / ways[i].ns);
    }
    ht_json_reader_finish(&reader);
    ht_buffer_finish(&body);
    return 0;
}
