// SPDX-License-Identifier: MIT
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_directory(const char *path, struct ht_error *error);
static int sync_parent(const char *path, struct ht_error *error);
static bool is_full(int number);

int ht_files_error(struct ht_error *error, int number, const char *verb, const char *path)
{
    if (is_full(number)) {
        return ht_error_set(
            error, HT_ENOSPC,
            "Cannot %s %s: %s. Free some space there (or raise the limit); a running hashtagd "
            "goes on by itself as soon as there is room.",
            verb, path, strerror(number));
    }
    int code = ht_error_from_errno(number);
    if (code == HT_EPERMISSION) {
        return ht_error_set(error, code,
                            "Cannot %s %s: %s. Give the user that runs hashtagd access to it, or "
                            "choose another data.dir.",
                            verb, path, strerror(number));
    }
    return ht_error_set(error, code, "Cannot %s %s: %s.", verb, path, strerror(number));
}

int ht_files_make_directories(const char *path, struct ht_error *error)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(part)) {
        return ht_error_set(error, HT_EINVAL,
                            "The path of a directory has %zu bytes: 1 to %d are "
                            "accepted.",
                            length, PATH_MAX - 1);
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0') {
            continue;
        }
        char end = part[i];
        part[i] = '\0';
        int status = make_directory(part, error);
        if (status != 0) {
            return status;
        }
        part[i] = end;
    }
    return 0;
}

static int make_directory(const char *path, struct ht_error *error)
{
    struct stat found;
    if (stat(path, &found) == 0) {
        return S_ISDIR(found.st_mode) ? 0 : ht_files_error(error, ENOTDIR, "use", path);
    }
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? 0 : ht_files_error(error, errno, "make the directory", path);
    }
    int status = sync_parent(path, error);
    if (status != 0) {
        /* The next try must not find it and take its name for durable. */
        (void)rmdir(path);
    }
    return status;
}

static int sync_parent(const char *path, struct ht_error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ht_files_sync_directory(".", error);
    }
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    return ht_files_sync_directory(parent, error);
}

int ht_files_sync_directory(const char *path, struct ht_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        /* A parent that may be passed through but not read: its names are not ours to sync. */
        return errno == EACCES ? 0 : ht_files_error(error, errno, "open the directory", path);
    }
    int status = 0;
    if (fsync(fd) != 0 && errno != EINVAL) {
        status = ht_files_error(error, errno, "sync the directory", path);
    }
    close(fd);
    return status;
}

int ht_files_sync_names(const char *top, const char *path, struct ht_error *error)
{
    char part[PATH_MAX];
    size_t length = strlen(path), least = strlen(top);
    int status = 0;
    if (length >= sizeof(part)) {
        return ht_files_error(error, ENAMETOOLONG, "sync the directories of", path);
    }
    memcpy(part, path, length + 1);
    while (status == 0 && length > least) {
        status = sync_parent(part, error);
        while (length > least && part[length - 1] != '/') {
            length--;
        }
        length -= length > least;
        part[length] = '\0';
    }
    return status;
}

int ht_files_sync_content(const char *path, struct ht_error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : ht_files_error(error, errno, "open", path);
    }
    int status = fdatasync(fd) == 0 ? 0 : ht_files_error(error, errno, "sync", path);
    close(fd);
    return status;
}

int ht_files_write_at(int fd, struct iovec *parts, int count, int64_t offset)
{
    while (count > 0) {
        ssize_t written = pwritev(fd, parts, count, offset);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        size_t left = written < 0 ? 0 : (size_t)written;
        offset += (int64_t)left;
        while (count > 0 && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return 0;
}

int64_t ht_files_read_at(int fd, void *data, size_t length, int64_t offset)
{
    size_t have = 0;
    while (have < length) {
        ssize_t got = pread(fd, (char *)data + have, length - have, offset + (int64_t)have);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        have += got < 0 ? 0 : (size_t)got;
    }
    return (int64_t)have;
}

int ht_files_truncate(int fd, int64_t bytes)
{
    while (ftruncate(fd, bytes) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int64_t ht_files_size(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 ? found.st_size : -errno;
}

char *ht_files_join(const char *directory, const char *name)
{
    size_t capacity = strlen(directory) + strlen(name) + 2;
    char *path = malloc(capacity);
    if (path != NULL) {
        (void)snprintf(path, capacity, "%s/%s", directory, name);
    }
    return path;
}

static bool is_full(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}
