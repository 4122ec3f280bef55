// SPDX-License-Identifier: MIT
#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 4096

static int check_kind(int fd, const char *path, struct ht_error *error);
static int read_all(int fd, const char *path, struct ht_buffer *out, struct ht_error *error);

int ht_aws_text_file_read(const char *path, struct ht_buffer *out, struct ht_error *error)
{
    /* not blocking, so that a pipe in the file's place cannot hold the thread */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return ht_error_set(error, ht_error_from_errno(errno), "Cannot read the file %s: %s.", path,
                            strerror(errno));
    }
    int status = check_kind(fd, path, error);
    if (status == 0) {
        status = read_all(fd, path, out, error);
    }
    close(fd);
    return status;
}

static int check_kind(int fd, const char *path, struct ht_error *error)
{
    struct stat about;

    if (fstat(fd, &about) != 0) {
        return ht_error_set(error, ht_error_from_errno(errno), "Cannot read the file %s: %s.", path,
                            strerror(errno));
    }
    /* /dev/null is how people say that there is no such file */
    bool is_null = S_ISCHR(about.st_mode) && strcmp(path, "/dev/null") == 0;
    if (!S_ISREG(about.st_mode) && !is_null) {
        return ht_error_set(error, HT_EINVAL, "Cannot read %s: it is not an ordinary file.", path);
    }
    return 0;
}

static int read_all(int fd, const char *path, struct ht_buffer *out, struct ht_error *error)
{
    char piece[PIECE_BYTES];
    ssize_t count;
    int status = 0;

    while (status == 0 && (count = read(fd, piece, sizeof piece)) != 0) {
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            status = ht_error_set(error, ht_error_from_errno(errno), "Cannot read the file %s: %s.",
                                  path, strerror(errno));
        } else if ((status = ht_buffer_append(out, piece, (size_t)count)) != 0) {
            ht_error_set(error, status,
                         status == HT_ETOOBIG ? "The file %s is larger than %zu bytes, the most "
                                                "that is read."
                                              : "Out of memory for the file %s (at most %zu bytes "
                                                "are read).",
                         path, out->max_bytes);
        }
    }
    explicit_bzero(piece, sizeof piece);
    return status;
}

void ht_aws_wipe_buffer(struct ht_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    if (buffer->data != NULL) {
        explicit_bzero(buffer->data, buffer->capacity);
    }
    ht_buffer_finish(buffer);
}

void ht_aws_wipe_text(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}
