// SPDX-License-Identifier: MIT
#include "../../../src/backends/segment_log.h"

#include "fixture.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { START_MS = 1000, NOISE_BYTES = 100000 };
#define FIRST ((uint64_t)START_MS * 1000)

static struct ht_segment_log *open_log(struct fixture *fixture)
{
    struct ht_segment_log_options options = {
        .directory = fixture_path(fixture, "stream"),
        .segment_bytes = 64u << 20,
        .level = -5,
        .now_ms = START_MS,
        .log = &fixture->log,
    };
    struct ht_segment_log *log;
    struct ht_error error = {0};
    assert_int_equal(ht_segment_log_open(&log, &options, &error), 0);
    return log;
}

/* A block of one record that does not pack: its number, again and again, and noise. */
static void append_noise(struct ht_segment_log *log, uint64_t *noise)
{
    struct ht_error error = {0};
    struct ht_random random;
    uint64_t next = ht_segment_log_figures(log, 0).next_sequence;
    struct ht_segment_block *block = ht_segment_block_create(2 * NOISE_BYTES);
    assert_non_null(block);
    block->arrival_ms = 2000;
    ht_random_init(&random, next);
    noise[0] = next;
    for (size_t i = 1; i < NOISE_BYTES / sizeof(*noise); i++) {
        noise[i] = ht_random_u64(&random);
    }
    ht_segment_block_add(block, ht_slice_make((char *)noise, NOISE_BYTES), HT_SLICE("key"));
    struct ht_segment_append append = {block, {0}, 0};
    assert_int_equal(ht_segment_log_append(log, &append, &error), 0);
    ht_segment_block_release(block);
}

static void expect_noise(struct ht_segment_log *log, uint64_t sequence)
{
    struct ht_segment_block *block;
    struct ht_error error = {0};
    struct ht_slice data, key;
    size_t offset = 0;
    uint64_t number;
    assert_int_equal(ht_segment_log_read(log, sequence, &block, &error), 0);
    assert_non_null(block);
    assert_int_equal(block->first_sequence, sequence);
    ht_segment_block_get(block, &offset, &data, &key);
    memcpy(&number, data.data, sizeof(number));
    assert_int_equal(number, sequence);
    ht_segment_block_release(block);
}

/* Megabytes in one segment: whoever comes back asks for a record far inside of it. */
static void any_place_inside_of_a_long_segment_is_found(void **state)
{
    struct fixture *fixture = *state;
    enum { BLOCKS = 15 };
    struct ht_segment_log *log = open_log(fixture);
    uint64_t *noise = malloc(NOISE_BYTES);
    assert_non_null(noise);
    for (int i = 0; i < BLOCKS; i++) {
        append_noise(log, noise);
    }
    free(noise);
    ht_segment_log_close(log);
    for (uint64_t at = 0; at < BLOCKS; at += 7) {
        log = open_log(fixture); /* nothing is known of its inside */
        expect_noise(log, FIRST + at);
        for (uint64_t other = 0; at == 7 && other < BLOCKS; other++) {
            expect_noise(log, FIRST + BLOCKS - 1 - other); /* its marks are known now */
        }
        ht_segment_log_close(log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_place_inside_of_a_long_segment_is_found, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
