// SPDX-License-Identifier: MIT

/*
 * A layer between a program and the C library (LD_PRELOAD) that moves its clocks and breaks its DNS.
 * HT_WORLD names a file that the test has made and changes while the program runs:
 *
 *   0   wall clock, nanoseconds to add
 *   8   monotonic clocks, nanoseconds to add
 *   16  names that end in ".test": 0 they are this machine, 1 try again later, 2 no such name, 3 no answer
 *       as long as it stays so
 *   20  how often such a name was asked for
 *
 * Moving a clock wakes nobody: a timer that is due now fires when the program wakes next.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum { NAMES_ARE_HERE, NAMES_TRY_AGAIN, NAMES_ARE_UNKNOWN, NAMES_HANG };

enum { NANOSECONDS = 1000 * 1000 * 1000, POLL_NS = 10 * 1000 * 1000 };

struct world {
    _Atomic int64_t wall_ns, monotonic_ns;
    _Atomic int32_t names, asked;
};

static struct world still; /* where no file is named: nothing moves */
static struct world *world = &still;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    const char *path = getenv("HT_WORLD");
    int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    void *found = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (found == MAP_FAILED) {
        abort();
    }
    world = found;
    (void)syscall(SYS_close, fd);
}

static int64_t added_to(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return world->wall_ns;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        return world->monotonic_ns;
    default:
        return 0;
    }
}

SHOWN int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)pthread_once(&once, begin);
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0) {
        int64_t ns = (int64_t)time->tv_sec * NANOSECONDS + time->tv_nsec + added_to(clock);
        time->tv_sec = ns / NANOSECONDS;
        time->tv_nsec = ns % NANOSECONDS;
    }
    return result;
}

SHOWN int gettimeofday(struct timeval *time, void *zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

SHOWN time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

static bool is_test_name(const char *node)
{
    size_t length = node == NULL ? 0 : strlen(node);
    return length > 5 && strcmp(node + length - 5, ".test") == 0;
}

SHOWN int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                      struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    (void)pthread_once(&once, begin);
    if (!is_test_name(node)) {
        return real(node, service, hints, found);
    }
    world->asked++;
    while (world->names == NAMES_HANG) {
        struct timespec wait = {0, POLL_NS};
        (void)syscall(SYS_nanosleep, &wait, NULL);
    }
    if (world->names == NAMES_TRY_AGAIN) {
        return EAI_AGAIN;
    }
    return world->names == NAMES_ARE_UNKNOWN ? EAI_NONAME
                                             : real("127.0.0.1", service, hints, found);
}
