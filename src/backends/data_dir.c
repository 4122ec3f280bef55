// SPDX-License-Identifier: MIT
#include "hashtagd/backends/data_dir.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { PID_TEXT_BYTES = 24 };

struct ht_data_dir {
    char *path;
    int lock_fd; /* holds the lock until it is closed */
};

static int take_lock(struct ht_data_dir *data_dir, const char *lock_path, struct ht_error *error);
static int refuse_second(struct ht_data_dir *data_dir, struct ht_error *error);
static void note_owner(struct ht_data_dir *data_dir);

int ht_data_dir_open(struct ht_data_dir **out, const char *path, struct ht_error *error)
{
    *out = NULL;
    int status = ht_files_make_directories(path, error);
    if (status != 0) {
        return status;
    }
    struct ht_data_dir *data_dir = calloc(1, sizeof(*data_dir));
    char *lock_path = ht_files_join(path, "lock");
    if (data_dir != NULL) {
        data_dir->lock_fd = -1;
        data_dir->path = strdup(path);
    }
    if (data_dir == NULL || lock_path == NULL || data_dir->path == NULL) {
        status = ht_error_set(error, HT_ENOMEM, "Out of memory for the data directory.");
    } else {
        status = take_lock(data_dir, lock_path, error);
    }
    if (status == 0) {
        status = ht_files_sync_names("", lock_path, error);
    }
    free(lock_path);
    if (status != 0) {
        ht_data_dir_close(data_dir);
        return status;
    }
    note_owner(data_dir);
    *out = data_dir;
    return 0;
}

static int take_lock(struct ht_data_dir *data_dir, const char *lock_path, struct ht_error *error)
{
    data_dir->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (data_dir->lock_fd < 0) {
        return ht_files_error(error, errno, "open", lock_path);
    }
    if (flock(data_dir->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK ? refuse_second(data_dir, error)
                                : ht_files_error(error, errno, "lock", lock_path);
}

static int refuse_second(struct ht_data_dir *data_dir, struct ht_error *error)
{
    char text[PID_TEXT_BYTES];
    uint64_t pid = 0;
    int64_t length = ht_files_read_at(data_dir->lock_fd, text, sizeof(text), 0);
    struct ht_slice digits = {text, length < 0 ? 0 : (size_t)length};
    if (digits.length > 0 && digits.data[digits.length - 1] == '\n') {
        digits.length--;
    }
    if (ht_slice_to_u64(digits, INT32_MAX, &pid) != 0) {
        return ht_error_set(
            error, HT_EBUSY,
            "The data directory %s is in use by another process (hashtagd): stop it "
            "or choose another data.dir.",
            data_dir->path);
    }
    return ht_error_set(error, HT_EBUSY,
                        "The data directory %s is in use by process %llu (hashtagd): stop it or "
                        "choose another data.dir.",
                        data_dir->path, (unsigned long long)pid);
}

/* For people only: on a full disk the number is missing and the lock works all the same. */
static void note_owner(struct ht_data_dir *data_dir)
{
    char text[PID_TEXT_BYTES];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    struct iovec part = {text, (size_t)length};
    if (ftruncate(data_dir->lock_fd, 0) == 0) {
        int ignored = ht_files_write_at(data_dir->lock_fd, &part, 1, 0);
        (void)ignored;
    }
}

const char *ht_data_dir_path(const struct ht_data_dir *data_dir)
{
    return data_dir->path;
}

char *ht_data_dir_join(const struct ht_data_dir *data_dir, const char *name)
{
    return ht_files_join(data_dir->path, name);
}

void ht_data_dir_close(struct ht_data_dir *data_dir)
{
    if (data_dir != NULL) {
        if (data_dir->lock_fd >= 0) {
            close(data_dir->lock_fd);
        }
        free(data_dir->path);
        free(data_dir);
    }
}
