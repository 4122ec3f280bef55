// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct wait {
    struct ht_timer timer;
    struct fixture *fixture;
};

/* What a test has mounted: a test that fails in between leaves it to the teardown. */
static char mounted[512];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ht_error error;
    assert_non_null(fixture);
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ht-backends-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->log_path, sizeof(fixture->log_path), "%s.log", fixture->directory);
    ht_clock_init_system(&fixture->clock);
    fixture->log = (struct ht_log){.clock = &fixture->clock, .level = HT_LOG_DEBUG};
    fixture->log.format = HT_LOG_FORMAT_LOGFMT;
    fixture->log.fd = open(fixture->log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fixture->log.fd >= 0);
    assert_int_equal(ht_loop_create(&fixture->loop, NULL, &error), 0);
    assert_int_equal(ht_worker_create(&fixture->worker, fixture->loop, "test", &error), 0);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    if (mounted[0] != '\0') {
        fixture_unmount(mounted);
    }
    ht_worker_stop(fixture->worker, fixture_stop, fixture);
    fixture_run(fixture);
    ht_loop_destroy(fixture->loop);
    close(fixture->log.fd);
    (void)remove(fixture->log_path);
    (void)nftw(fixture->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

void fixture_run(struct fixture *fixture)
{
    ht_loop_run(fixture->loop);
}

void fixture_stop(void *pointer)
{
    struct fixture *fixture = pointer;
    ht_loop_stop(fixture->loop);
}

static void on_wait_over(struct ht_timer *timer)
{
    fixture_stop(((struct wait *)(void *)timer)->fixture);
}

void fixture_run_ms(struct fixture *fixture, uint64_t ms)
{
    struct wait wait = {.fixture = fixture};
    ht_timer_init(&wait.timer, on_wait_over);
    ht_timer_start(ht_loop_timers(fixture->loop), &wait.timer, ms);
    fixture_run(fixture);
    ht_timer_stop(ht_loop_timers(fixture->loop), &wait.timer);
}

const char *fixture_path(struct fixture *fixture, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", fixture->directory, name);
    return path;
}

char *fixture_read_file(const char *path, size_t *length)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    char *data = malloc((size_t)info.st_size + 1);
    assert_non_null(data);
    assert_int_equal(read(fd, data, (size_t)info.st_size), info.st_size);
    data[info.st_size] = '\0';
    close(fd);
    if (length != NULL) {
        *length = (size_t)info.st_size;
    }
    return data;
}

void fixture_write_file(const char *path, const void *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
    close(fd);
}

size_t fixture_log_count(struct fixture *fixture, const char *text)
{
    char *log = fixture_read_file(fixture->log_path, NULL);
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    free(log);
    return count;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **fixture_list(const char *path, size_t *count)
{
    DIR *directory = opendir(path);
    char **names = NULL;
    *count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            names = realloc(names, (*count + 1) * sizeof(*names));
            assert_non_null(names);
            names[(*count)++] = strdup(entry->d_name);
        }
    }
    closedir(directory);
    if (*count > 0) {
        qsort(names, *count, sizeof(*names), compare_names);
    }
    return names;
}

void fixture_free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

bool fixture_mount_small(const char *path, unsigned kib)
{
    char options[32];
    (void)snprintf(options, sizeof(options), "size=%uk", kib);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, options) == 0) {
        (void)snprintf(mounted, sizeof(mounted), "%s", path);
        return true;
    }
    print_message("SKIPPED: a small file system cannot be mounted here (root is needed)\n");
    return false;
}

void fixture_unmount(const char *path)
{
    assert_int_equal(umount2(path, MNT_DETACH), 0);
    mounted[0] = '\0';
}
