// SPDX-License-Identifier: MIT
#include "process.h"

#include "hashtagd/base/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* As much as there is, however often a signal or the system cuts it. */
static size_t read_all(int fd, char *text, size_t room)
{
    size_t length = 0;
    ssize_t got = 0;
    while (length < room &&
           ((got = read(fd, text + length, room - length)) > 0 || (got < 0 && errno == EINTR))) {
        length += got > 0 ? (size_t)got : 0;
    }
    return length;
}

/* Number `index` of /proc/self/statm, in pages (proc(5)). */
static uint64_t read_pages(size_t index)
{
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    struct ht_slice rest = {text, fd < 0 ? 0 : read_all(fd, text, sizeof(text))};
    if (fd >= 0) {
        (void)close(fd);
    }
    for (size_t i = 0; rest.length > 0; i++) {
        const char *space = memchr(rest.data, ' ', rest.length);
        size_t word = space == NULL ? rest.length : (size_t)(space - rest.data);
        uint64_t pages;
        if (i == index) {
            return ht_slice_to_u64(ht_slice_make(rest.data, word), UINT64_MAX / 65536, &pages) == 0
                       ? pages
                       : 0;
        }
        size_t taken = space == NULL ? word : word + 1;
        rest = ht_slice_make(rest.data + taken, rest.length - taken);
    }
    return 0;
}

uint64_t ht_process_virtual_bytes(void)
{
    return read_pages(0) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t ht_process_resident_bytes(void)
{
    return read_pages(1) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double ht_process_cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

uint64_t ht_process_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    uint64_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count - 1; /* the one that was open to count them */
}

uint64_t ht_process_max_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return UINT64_MAX;
    }
    return (uint64_t)limit.rlim_cur;
}
