// SPDX-License-Identifier: MIT
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Reads, writes and syncs of files and sockets (not of the pipes and event descriptors by which
 * threads wake each other: those have no such errors), and whatever gives a descriptor. A socket
 * whose transfer fails was reset by the peer; none of ours waits, so none is interrupted.
 */

#define CALLER __builtin_return_address(0)

/* The next definition of `name`, looked up once, as a pointer to its type. */
#define NEXT(name)                                                                                 \
    static __typeof__(&(name)) next;                                                               \
    if (next == NULL) {                                                                            \
        next = (__typeof__(next))faults_next(#name);                                               \
    }

enum verdict { PASS, FAIL, CUT };

static enum verdict judge(enum faults_kind kind, int fd, const void *caller)
{
    struct stat found;
    int number = errno;
    if (faults_whose(caller) == FAULTS_NONE) {
        return PASS;
    }
    bool counts = fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode));
    errno = number;
    if (counts && faults_get_map()->is_files_only) {
        counts = S_ISREG(found.st_mode) && fd != STDERR_FILENO;
    }
    if (!counts || !faults_strike(kind, caller)) {
        return PASS;
    }
    if (faults_get_map()->how == FAULTS_SHORT) {
        return CUT;
    }
    if (S_ISSOCK(found.st_mode)) {
        bool was_interrupted = errno == EINTR;
        errno = was_interrupted ? number : ECONNRESET;
        return was_interrupted ? PASS : FAIL;
    }
    return FAIL;
}

static size_t cut(size_t length)
{
    return length < 2 ? length : length / 2;
}

static bool is_failing_open(const void *caller)
{
    return faults_strike(FAULTS_OPEN, caller);
}

ssize_t write(int fd, const void *data, size_t length)
{
    NEXT(write)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
    NEXT(pwrite)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at)
{
    NEXT(pwrite64)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    if (verdict == CUT) {
        return faults_get_map() == NULL ? -1 : write(fd, parts[0].iov_base, cut(parts[0].iov_len));
    }
    return verdict == FAIL ? -1 : next(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    NEXT(pwritev)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    if (verdict == CUT) {
        return pwrite(fd, parts[0].iov_base, cut(parts[0].iov_len), at);
    }
    return verdict == FAIL ? -1 : next(fd, parts, count, at);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    NEXT(send)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, message, flags);
}

int fsync(int fd)
{
    NEXT(fsync)
    return faults_strike(FAULTS_SYNC, CALLER) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    NEXT(fdatasync)
    return faults_strike(FAULTS_SYNC, CALLER) ? -1 : next(fd);
}

ssize_t read(int fd, void *data, size_t length)
{
    NEXT(read)
    enum verdict verdict = judge(FAULTS_READ, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length);
}

ssize_t pread(int fd, void *data, size_t length, off_t at)
{
    NEXT(pread)
    enum verdict verdict = judge(FAULTS_READ, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, at);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t at)
{
    NEXT(pread64)
    enum verdict verdict = judge(FAULTS_READ, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, at);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    NEXT(readv)
    enum verdict verdict = judge(FAULTS_READ, fd, CALLER);
    if (verdict == CUT) {
        return read(fd, parts[0].iov_base, cut(parts[0].iov_len));
    }
    return verdict == FAIL ? -1 : next(fd, parts, count);
}

ssize_t recv(int fd, void *data, size_t length, int flags)
{
    NEXT(recv)
    enum verdict verdict = judge(FAULTS_READ, fd, CALLER);
    return verdict == FAIL ? -1 : next(fd, data, verdict == CUT ? cut(length) : length, flags);
}

/* The third word, where the flags say that there is one. */
static mode_t mode_of(int flags, va_list words)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(words, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    NEXT(open)
    va_list words;
    va_start(words, flags);
    mode_t mode = mode_of(flags, words);
    va_end(words);
    return is_failing_open(CALLER) ? -1 : next(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    NEXT(open64)
    va_list words;
    va_start(words, flags);
    mode_t mode = mode_of(flags, words);
    va_end(words);
    return is_failing_open(CALLER) ? -1 : next(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    NEXT(fopen)
    return is_failing_open(CALLER) ? NULL : next(path, mode);
}

DIR *opendir(const char *path)
{
    NEXT(opendir)
    return is_failing_open(CALLER) ? NULL : next(path);
}

int socket(int domain, int type, int protocol)
{
    NEXT(socket)
    return is_failing_open(CALLER) ? -1 : next(domain, type, protocol);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    NEXT(accept4)
    return is_failing_open(CALLER) ? -1 : next(fd, address, length, flags);
}

int pipe2(int fds[2], int flags)
{
    NEXT(pipe2)
    return is_failing_open(CALLER) ? -1 : next(fds, flags);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    NEXT(socketpair)
    return is_failing_open(CALLER) ? -1 : next(domain, type, protocol, fds);
}

int epoll_create1(int flags)
{
    NEXT(epoll_create1)
    return is_failing_open(CALLER) ? -1 : next(flags);
}

int eventfd(unsigned start, int flags)
{
    NEXT(eventfd)
    return is_failing_open(CALLER) ? -1 : next(start, flags);
}

int ftruncate(int fd, off_t length)
{
    NEXT(ftruncate)
    return judge(FAULTS_WRITE, fd, CALLER) == FAIL ? -1 : next(fd, length);
}

int rename(const char *from, const char *to)
{
    NEXT(rename)
    struct faults_map *map = faults_get_map();
    bool can_fail = map != NULL && map->how != FAULTS_SHORT && map->how != EINTR;
    return faults_strike(FAULTS_WRITE, CALLER) && can_fail ? -1 : next(from, to);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    NEXT(pwritev64)
    enum verdict verdict = judge(FAULTS_WRITE, fd, CALLER);
    if (verdict == CUT) {
        return pwrite(fd, parts[0].iov_base, cut(parts[0].iov_len), at);
    }
    return verdict == FAIL ? -1 : next(fd, parts, count, at);
}

FILE *fopen64(const char *path, const char *mode)
{
    NEXT(fopen64)
    return is_failing_open(CALLER) ? NULL : next(path, mode);
}

int ftruncate64(int fd, off64_t length)
{
    NEXT(ftruncate64)
    return judge(FAULTS_WRITE, fd, CALLER) == FAIL ? -1 : next(fd, length);
}
