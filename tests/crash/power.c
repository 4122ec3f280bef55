// SPDX-License-Identifier: MIT

/*
 * A layer between a program and the C library (LD_PRELOAD) that keeps a journal of what the program
 * does to the files below one directory, and of the HTTP answers that it gives. From the journal
 * tests/crash/power_model.py builds the directory as it may look after a power cut at any point.
 *
 *   HT_POWER_DIRECTORY  the directory; absolute, without links
 *   HT_POWER_JOURNAL    the journal; records are appended
 *   HT_POWER_SYNC_US    a sync takes up to so many microseconds; it syncs nothing
 *   HT_POWER_KILL_AT    the process kills itself when it has noted so many records
 *
 * A change is noted first and done then, both under one lock: a process that is killed leaves at
 * most one change that is noted and not done. One that failed is followed by a record that takes
 * it back. The contents of files that the C library opens for itself (fopen) are not seen.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum { MOST_FDS = 4096, JOURNAL_FD = 3900, ANSWER_BYTES = 2048, MOST_PARTS = 64 };

/* The kinds of records; power_model.py has the same list. */
enum kind {
    KIND_RUN = 1,
    KIND_OPEN,
    KIND_CLOSE,
    KIND_WRITE,
    KIND_TRUNCATE,
    KIND_SYNC_BEGIN,
    KIND_SYNC_END,
    KIND_RENAME,
    KIND_UNLINK,
    KIND_MKDIR,
    KIND_RMDIR,
    KIND_LINK,
    KIND_ALLOCATE,
    KIND_MAP,
    KIND_ANSWER,
    KIND_UNDO,
};

/* Flags of KIND_OPEN. */
enum { OPEN_CREATES = 1, OPEN_TRUNCATES = 2, OPEN_DIRECTORY = 4 };

/* What stands before the bytes of a record; little endian, as the machine is. */
struct record {
    uint32_t bytes; /* of the whole record */
    uint16_t kind;
    uint16_t flags;
    int32_t fd;
    uint32_t unused;
    int64_t a, b;
};

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    char directory[PATH_MAX];
    size_t directory_bytes;
    int journal;
    uint32_t sync_us, random;
    uint64_t noted, kill_at;
    int64_t tickets;
    bool is_ours[MOST_FDS]; /* lies below the directory */
    bool appends[MOST_FDS]; /* was opened so */
} layer = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .journal = -1};

static void note(enum kind kind, int fd, int64_t a, int64_t b);

static void *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    return found;
}

/* The function of this name behind the layer, looked up once. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (real == NULL) {                                                                            \
        *(void **)&real = next_of(#name);                                                          \
    }

static void begin(void)
{
    const char *directory = getenv("HT_POWER_DIRECTORY"), *journal = getenv("HT_POWER_JOURNAL");
    const char *sync_us = getenv("HT_POWER_SYNC_US"), *kill_at = getenv("HT_POWER_KILL_AT");
    if (directory == NULL || journal == NULL || strlen(directory) >= sizeof(layer.directory)) {
        return;
    }
    layer.directory_bytes = strlen(directory);
    memcpy(layer.directory, directory, layer.directory_bytes + 1);
    layer.sync_us = sync_us == NULL ? 0 : (uint32_t)strtoul(sync_us, NULL, 10);
    layer.kill_at = kill_at == NULL ? 0 : strtoull(kill_at, NULL, 10);
    layer.random = (uint32_t)getpid() | 1;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, journal, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) {
        abort();
    }
    layer.journal = fcntl(fd, F_DUPFD_CLOEXEC, JOURNAL_FD);
    (void)syscall(SYS_close, fd);
    if (layer.journal < 0) {
        abort();
    }
    note(KIND_RUN, getpid(), 0, 0);
}

static void lock(void)
{
    (void)pthread_once(&layer.once, begin);
    (void)pthread_mutex_lock(&layer.lock);
}

static void unlock(void)
{
    int number = errno;
    (void)pthread_mutex_unlock(&layer.lock);
    errno = number;
}

/* -- the journal, under the lock ------------------------------------------------------------- */

/* `parts` has a free first place, for the head. */
static void note_parts(struct record *record, struct iovec *parts, int count)
{
    int number = errno;
    size_t bytes = sizeof(*record);
    if (layer.journal < 0) {
        return;
    }
    for (int i = 1; i < count; i++) {
        bytes += parts[i].iov_len;
    }
    record->bytes = (uint32_t)bytes;
    parts[0] = (struct iovec){record, sizeof(*record)};
    if (syscall(SYS_writev, layer.journal, parts, count) != (long)bytes) {
        abort();
    }
    if (++layer.noted == layer.kill_at) {
        (void)kill(getpid(), SIGKILL);
    }
    errno = number;
}

static void note(enum kind kind, int fd, int64_t a, int64_t b)
{
    struct record record = {.kind = (uint16_t)kind, .fd = fd, .a = a, .b = b};
    struct iovec parts[1];
    note_parts(&record, parts, 1);
}

static void note_text(enum kind kind, int fd, unsigned flags, const char *text)
{
    struct record record = {.kind = (uint16_t)kind, .fd = fd, .flags = (uint16_t)flags};
    struct iovec parts[2] = {{0}, {(void *)(uintptr_t)text, strlen(text)}};
    note_parts(&record, parts, 2);
}

/* Two paths with a zero byte between. */
static void note_texts(enum kind kind, const char *from, const char *to)
{
    struct record record = {.kind = (uint16_t)kind};
    struct iovec parts[3] = {
        {0}, {(void *)(uintptr_t)from, strlen(from) + 1}, {(void *)(uintptr_t)to, strlen(to)}};
    note_parts(&record, parts, 3);
}

/* The beginning of the given bytes, `most` of them. */
static void note_bytes(enum kind kind, int fd, int64_t a, const struct iovec *from, size_t most)
{
    struct record record = {.kind = (uint16_t)kind, .fd = fd, .a = a};
    struct iovec parts[MOST_PARTS + 1];
    int count = 1;
    for (const struct iovec *part = from; most > 0; part++) {
        size_t bytes = part->iov_len < most ? part->iov_len : most;
        parts[count++] = (struct iovec){part->iov_base, bytes};
        most -= bytes;
    }
    note_parts(&record, parts, count);
}

/* -- whose file is it? ----------------------------------------------------------------------- */

/* The path as the journal has it: absolute, its last name as given. False where it is not ours. */
static bool find_path(int directory, const char *path, char out[PATH_MAX])
{
    char base[PATH_MAX] = "";
    if (layer.journal < 0) {
        return false;
    }
    if (path[0] != '/') {
        char link[64];
        (void)snprintf(link, sizeof(link),
                       directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, base, sizeof(base) - 1);
        base[length < 0 ? 0 : length] = '\0';
    }
    int length = snprintf(out, PATH_MAX, "%s%s%s", base, path[0] == '/' ? "" : "/", path);
    return length < PATH_MAX && strncmp(out, layer.directory, layer.directory_bytes) == 0 &&
           (out[layer.directory_bytes] == '/' || out[layer.directory_bytes] == '\0');
}

static bool is_ours(int fd)
{
    return fd >= 0 && fd < MOST_FDS && layer.is_ours[fd];
}

static size_t bytes_of(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += parts[i].iov_len;
    }
    return bytes;
}

/* -- opening and closing --------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
    char whole[PATH_MAX];
    lock();
    bool ours = find_path(directory, path, whole);
    unsigned noted = (flags & O_DIRECTORY) != 0 ? OPEN_DIRECTORY : 0;
    if (ours && (flags & O_CREAT) != 0 && !is_there(whole)) {
        noted |= OPEN_CREATES;
    } else if (ours && (flags & O_TRUNC) != 0) {
        noted |= OPEN_TRUNCATES;
    }
    bool changes = (noted & (OPEN_CREATES | OPEN_TRUNCATES)) != 0;
    if (changes) {
        note_text(KIND_OPEN, -1, noted, whole);
    }
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (fd < 0 && changes) {
        note(KIND_UNDO, 0, 0, 0);
    }
    if (fd >= 0 && fd < MOST_FDS) {
        struct stat found;
        layer.is_ours[fd] = ours;
        layer.appends[fd] = (flags & O_APPEND) != 0;
        if (ours && fstat(fd, &found) == 0) {
            note_text(KIND_OPEN, fd, S_ISDIR(found.st_mode) ? OPEN_DIRECTORY : 0, whole);
        }
    }
    unlock();
    return fd;
}

static mode_t mode_of(int flags, va_list *arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(*arguments, mode_t) : 0;
}

#define OPEN_BODY(directory)                                                                       \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    mode_t mode = mode_of(flags, &arguments);                                                      \
    va_end(arguments);                                                                             \
    return open_at(directory, path, flags, mode)

SHOWN int open(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

SHOWN int open64(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

SHOWN int openat(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory);
}

SHOWN int openat64(int directory, const char *path, int flags, ...)
{
    OPEN_BODY(directory);
}

SHOWN int creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

SHOWN int creat64(const char *path, mode_t mode)
{
    return creat(path, mode);
}

SHOWN int close(int fd)
{
    lock();
    if (is_ours(fd)) {
        layer.is_ours[fd] = false;
        note(KIND_CLOSE, fd, 0, 0);
    }
    int result = (int)syscall(SYS_close, fd);
    unlock();
    return result;
}

/* -- writing --------------------------------------------------------------------------------- */

static int peer_port(int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) {
        return 0;
    }
    return peer.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&peer)->sin_port)
           : peer.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&peer)->sin6_port)
                                        : 0;
}

/* The answer is noted before anybody can have it. */
static void note_answer(int fd, const struct iovec *parts, int count)
{
    static const char begin[] = "HTTP/1.1 ";
    int number = errno;
    if (count == 0 || count > MOST_PARTS || parts[0].iov_len < sizeof(begin) - 1 ||
        memcmp(parts[0].iov_base, begin, sizeof(begin) - 1) != 0) {
        return;
    }
    size_t bytes = bytes_of(parts, count);
    lock();
    int port = layer.journal < 0 ? 0 : peer_port(fd);
    if (port != 0) {
        note_bytes(KIND_ANSWER, fd, port, parts, bytes < ANSWER_BYTES ? bytes : ANSWER_BYTES);
    }
    unlock();
    errno = number;
}

/* `offset` below 0: where the file is. */
static ssize_t write_parts(int fd, const struct iovec *parts, int count, int64_t offset)
{
    struct stat found;
    lock();
    if (count > MOST_PARTS) {
        abort();
    }
    int64_t at = offset;
    if (offset < 0) {
        at = layer.appends[fd] && fstat(fd, &found) == 0 ? found.st_size : lseek(fd, 0, SEEK_CUR);
    }
    size_t bytes = bytes_of(parts, count);
    note_bytes(KIND_WRITE, fd, at, parts, bytes);
    ssize_t written = offset < 0 ? syscall(SYS_writev, fd, parts, count)
                                 : syscall(SYS_pwritev, fd, parts, count, offset, 0);
    if (written != (ssize_t)bytes) {
        note(KIND_UNDO, 0, 0, 0);
        if (written > 0) {
            note_bytes(KIND_WRITE, fd, at, parts, (size_t)written);
        }
    }
    unlock();
    return written;
}

SHOWN ssize_t write(int fd, const void *data, size_t bytes)
{
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    if (is_ours(fd)) {
        return write_parts(fd, &part, 1, -1);
    }
    note_answer(fd, &part, 1);
    return syscall(SYS_write, fd, data, bytes);
}

SHOWN ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (is_ours(fd)) {
        return write_parts(fd, parts, count, -1);
    }
    note_answer(fd, parts, count);
    return syscall(SYS_writev, fd, parts, count);
}

SHOWN ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
    REAL(send);
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    note_answer(fd, &part, 1);
    return real(fd, data, bytes, flags);
}

SHOWN ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    note_answer(fd, message->msg_iov, (int)message->msg_iovlen);
    return real(fd, message, flags);
}

SHOWN ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    return is_ours(fd) ? write_parts(fd, &part, 1, offset)
                       : syscall(SYS_pwrite64, fd, data, bytes, offset);
}

SHOWN ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    return pwrite(fd, data, bytes, offset);
}

SHOWN ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return is_ours(fd) ? write_parts(fd, parts, count, offset)
                       : syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

SHOWN ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

SHOWN int ftruncate(int fd, off_t length)
{
    lock();
    bool ours = is_ours(fd);
    if (ours) {
        note(KIND_TRUNCATE, fd, length, 0);
    }
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (ours && result != 0) {
        note(KIND_UNDO, 0, 0, 0);
    }
    unlock();
    return result;
}

SHOWN int ftruncate64(int fd, off64_t length)
{
    return ftruncate(fd, length);
}

SHOWN int fallocate(int fd, int mode, off_t offset, off_t length)
{
    lock();
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    if (is_ours(fd) && result == 0) {
        note(KIND_ALLOCATE, fd, offset, length);
    }
    unlock();
    return result;
}

SHOWN int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    return fallocate(fd, mode, offset, length);
}

SHOWN int posix_fallocate(int fd, off_t offset, off_t length)
{
    return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

SHOWN int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    return posix_fallocate(fd, offset, length);
}

/* What is written through memory is not seen: the model asks which files that may be. */
SHOWN void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (is_ours(fd) && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0) {
        lock();
        note(KIND_MAP, fd, offset, (int64_t)length);
        unlock();
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

SHOWN void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
    return mmap(address, length, protection, flags, fd, offset);
}

/* -- syncing --------------------------------------------------------------------------------- */

static int sync_file(int fd, long number)
{
    lock();
    bool ours = is_ours(fd);
    int64_t ticket = ++layer.tickets;
    if (ours) {
        note(KIND_SYNC_BEGIN, fd, ticket, 0);
    }
    layer.random = layer.random * 1664525u + 1013904223u;
    uint32_t wait_us = layer.sync_us == 0 ? 0 : (layer.random >> 8) % layer.sync_us;
    unlock();
    if (!ours) {
        return (int)syscall(number, fd);
    }
    struct timespec wait = {0, (long)wait_us * 1000};
    (void)syscall(SYS_nanosleep, &wait, NULL);
    lock();
    note(KIND_SYNC_END, fd, ticket, 0);
    unlock();
    return 0;
}

SHOWN int fsync(int fd)
{
    return sync_file(fd, SYS_fsync);
}

SHOWN int fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync);
}

/* -- names ----------------------------------------------------------------------------------- */

SHOWN int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    lock();
    bool ours = find_path(from_directory, from, whole_from);
    ours = find_path(to_directory, to, whole_to) && ours;
    if (ours) {
        note_texts(KIND_RENAME, whole_from, whole_to);
    }
    int result = (int)syscall(SYS_renameat, from_directory, from, to_directory, to);
    if (ours && result != 0) {
        note(KIND_UNDO, 0, 0, 0);
    }
    unlock();
    return result;
}

SHOWN int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

SHOWN int link(const char *from, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    lock();
    bool ours = find_path(AT_FDCWD, from, whole_from);
    ours = find_path(AT_FDCWD, to, whole_to) && ours;
    if (ours) {
        note_texts(KIND_LINK, whole_from, whole_to);
    }
    int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (ours && result != 0) {
        note(KIND_UNDO, 0, 0, 0);
    }
    unlock();
    return result;
}

/* A change of one name, by a call of up to three arguments. */
static int change_name(enum kind kind, int directory, const char *path, long argument)
{
    char whole[PATH_MAX];
    lock();
    bool ours = find_path(directory, path, whole);
    if (ours) {
        note_text(kind, 0, 0, whole);
    }
    long number = kind == KIND_MKDIR ? SYS_mkdirat : SYS_unlinkat;
    int result = (int)syscall(number, directory, path, argument);
    if (ours && result != 0) {
        note(KIND_UNDO, 0, 0, 0);
    }
    unlock();
    return result;
}

SHOWN int unlinkat(int directory, const char *path, int flags)
{
    return change_name((flags & AT_REMOVEDIR) != 0 ? KIND_RMDIR : KIND_UNLINK, directory, path,
                       flags);
}

SHOWN int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

SHOWN int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

SHOWN int mkdirat(int directory, const char *path, mode_t mode)
{
    return change_name(KIND_MKDIR, directory, path, (long)mode);
}

SHOWN int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}
