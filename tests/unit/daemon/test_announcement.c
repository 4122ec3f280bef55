// SPDX-License-Identifier: MIT
#include "daemon/announcement.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

enum { AGAIN_MS = 1 };

/* A data directory, a worker and what is announced there. */
struct place {
    char path[64], file[96], temporary[112];
    struct ht_data_dir *data_dir;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_log log;
    struct ht_announcement announcement;
    struct ht_timer timer;
    unsigned tried_count;
};

static int start(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    struct ht_error error;
    assert_non_null(place);
    (void)snprintf(place->path, sizeof(place->path), "/tmp/hashtagd-announce-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    (void)snprintf(place->file, sizeof(place->file), "%s/admin.url", place->path);
    (void)snprintf(place->temporary, sizeof(place->temporary), "%s.new", place->file);
    assert_int_equal(ht_data_dir_open(&place->data_dir, place->path, &error), 0);
    assert_int_equal(ht_loop_create(&place->loop, NULL, &error), 0);
    assert_int_equal(ht_worker_create(&place->worker, place->loop, "files", &error), 0);
    struct ht_announcement_options options = {.worker = place->worker,
                                              .timers = ht_loop_timers(place->loop),
                                              .log = &place->log,
                                              .again_ms = AGAIN_MS};
    assert_int_equal(ht_announcement_init(&place->announcement, place->data_dir, &options, &error),
                     0);
    *state = place;
    return 0;
}

static void on_stopped(void *user)
{
    struct place *place = user;
    ht_loop_stop(place->loop);
}

static void stop_worker(struct place *place)
{
    ht_worker_stop(place->worker, on_stopped, place);
    ht_loop_run(place->loop);
}

static int finish(void **state)
{
    struct place *place = *state;
    char lock[96];
    (void)snprintf(lock, sizeof(lock), "%s/lock", place->path);
    ht_announcement_finish(&place->announcement);
    ht_loop_destroy(place->loop);
    ht_data_dir_close(place->data_dir);
    (void)unlink(lock);
    assert_int_equal(rmdir(place->path), 0); /* nothing is left in it */
    free(place);
    return 0;
}

static void on_tried(void *user)
{
    struct place *place = user;
    place->tried_count++;
    ht_loop_stop(place->loop);
}

static void show(struct place *place)
{
    assert_int_equal(
        ht_announcement_show(&place->announcement, "http://127.0.0.1:1/", on_tried, place), 0);
    assert_int_equal(place->tried_count, 0);
}

static void on_moment(struct ht_timer *timer)
{
    struct place *place = HT_CONTAINER_OF(timer, struct place, timer);
    ht_loop_stop(place->loop);
}

static void turn(struct place *place)
{
    ht_timer_init(&place->timer, on_moment);
    ht_timer_start(ht_loop_timers(place->loop), &place->timer, 1);
    ht_loop_run(place->loop);
}

static void expect_url(const struct place *place)
{
    char text[64] = "";
    FILE *file = fopen(place->file, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    (void)fclose(file);
    assert_string_equal(text, "http://127.0.0.1:1/\n");
    assert_int_equal(access(place->temporary, F_OK), -1);
}

static void who_looks_finds_the_address_until_it_is_withdrawn(void **state)
{
    struct place *place = *state;
    show(place);
    ht_loop_run(place->loop);
    assert_int_equal(place->tried_count, 1);
    expect_url(place);
    ht_announcement_withdraw(&place->announcement);
    stop_worker(place);
    assert_int_equal(access(place->file, F_OK), -1);
}

static void it_is_tried_again_until_there_is_room(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdir(place->temporary, 0700), 0);
    show(place);
    ht_loop_run(place->loop);
    assert_int_equal(place->tried_count, 1);
    assert_int_equal(access(place->file, F_OK), -1);
    assert_int_equal(rmdir(place->temporary), 0);
    while (access(place->file, F_OK) != 0) {
        turn(place);
    }
    expect_url(place);
    assert_int_equal(place->tried_count, 1);
    ht_announcement_withdraw(&place->announcement);
    stop_worker(place);
}

/* A pipe that nobody reads holds whoever opens it, as a disk does that does not answer. */
static void a_disk_that_hangs_holds_no_loop(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkfifo(place->temporary, 0600), 0);
    show(place);
    for (int i = 0; i < 10; i++) {
        turn(place);
    }
    assert_int_equal(place->tried_count, 0);
    ht_announcement_withdraw(&place->announcement); /* meanwhile it stops */
    int reader = open(place->temporary, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    stop_worker(place);
    (void)close(reader);
    assert_int_equal(place->tried_count, 1);
    assert_int_equal(access(place->file, F_OK), -1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, start, finish)
    const struct CMUnitTest tests[] = {
        CASE(who_looks_finds_the_address_until_it_is_withdrawn),
        CASE(it_is_tried_again_until_there_is_room),
        CASE(a_disk_that_hangs_holds_no_loop),
    };
    return cmocka_run_group_tests_name("daemon/announcement", tests, NULL, NULL);
}
