// SPDX-License-Identifier: MIT
#include "daemon/worker_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A data directory, and the file in it. */
struct place {
    char path[64], file[96];
    struct ht_data_dir *data_dir;
    struct ht_random random;
};

static int start(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    struct ht_error error;
    assert_non_null(place);
    (void)snprintf(place->path, sizeof(place->path), "/tmp/hashtagd-worker-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    (void)snprintf(place->file, sizeof(place->file), "%s/worker-id", place->path);
    assert_int_equal(ht_data_dir_open(&place->data_dir, place->path, &error), 0);
    ht_random_init(&place->random, 7);
    *state = place;
    return 0;
}

static int finish(void **state)
{
    struct place *place = *state;
    char lock[96];
    (void)snprintf(lock, sizeof(lock), "%s/lock", place->path);
    ht_data_dir_close(place->data_dir);
    (void)unlink(place->file);
    (void)unlink(lock);
    assert_int_equal(rmdir(place->path), 0);
    free(place);
    return 0;
}

static void the_id_is_made_once_and_kept(void **state)
{
    struct place *place = *state;
    char first[HT_WORKER_ID_BYTES], second[HT_WORKER_ID_BYTES];
    struct ht_error error;
    assert_int_equal(ht_worker_id_load(place->data_dir, &place->random, first, &error), 0);
    assert_true(strlen(first) > 8);
    assert_int_equal(ht_worker_id_load(place->data_dir, &place->random, second, &error), 0);
    assert_string_equal(first, second);
}

static void what_is_no_id_is_made_anew(void **state)
{
    struct place *place = *state;
    static const char *const contents[] = {"", "\n", "two words\n", "\x01\n"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        char id[HT_WORKER_ID_BYTES], again[HT_WORKER_ID_BYTES];
        struct ht_error error;
        FILE *file = fopen(place->file, "we");
        assert_non_null(file);
        assert_true(fputs(contents[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(ht_worker_id_load(place->data_dir, &place->random, id, &error), 0);
        assert_null(strchr(id, ' '));
        assert_true(strlen(id) > 8);
        assert_int_equal(ht_worker_id_load(place->data_dir, &place->random, again, &error), 0);
        assert_string_equal(id, again);
    }
}

static void a_given_id_is_taken_as_it_is(void **state)
{
    struct place *place = *state;
    char id[HT_WORKER_ID_BYTES];
    struct ht_error error;
    FILE *file = fopen(place->file, "we");
    assert_non_null(file);
    assert_true(fputs("worker-of-mine\r\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ht_worker_id_load(place->data_dir, &place->random, id, &error), 0);
    assert_string_equal(id, "worker-of-mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_id_is_made_once_and_kept, start, finish),
        cmocka_unit_test_setup_teardown(what_is_no_id_is_made_anew, start, finish),
        cmocka_unit_test_setup_teardown(a_given_id_is_taken_as_it_is, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
