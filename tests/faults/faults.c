// SPDX-License-Identifier: MIT
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FRAMES_MAX = 48,
    LIBRARIES_MAX = 64,
};

/* Libraries whose allocations and calls count. libc, the sanitizers and cmocka do not. */
static const char *const counted[] = {"libcurl.", "libjansson.", "libsqlite3.", "libcrypto.",
                                      "libssl.",  "libuv.",      "libzstd.",    "libwslay.",
                                      "libz.",    "libllhttp.",  "libnghttp2."};

static struct faults_map *map;
static bool is_armed;
static struct faults_range executable, libraries[LIBRARIES_MAX];
static size_t library_count;
static __thread bool is_inside;

static int note_module(struct dl_phdr_info *info, size_t size, void *user);
static bool is_counted_library(const char *path);
static void keep_trace(void);

__attribute__((constructor)) static void open_map(void)
{
    const char *path = getenv(FAULTS_FILE_VARIABLE);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    void *frames[2];
    (void)backtrace(frames, 2); /* it loads a library at its first call */
    (void)dl_iterate_phdr(note_module, NULL);
    void *place = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (place == MAP_FAILED) {
        return;
    }
    map = place;
    map->base = executable.begin;
    is_armed = getenv(FAULTS_SERVER_VARIABLE) == NULL;
    /* The programs that this one starts run as ever. */
    (void)unsetenv("LD_PRELOAD");
}

static struct faults_range extent(const struct dl_phdr_info *info)
{
    struct faults_range range = {info->dlpi_addr, info->dlpi_addr};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uint64_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > range.end) {
            range.end = end;
        }
    }
    return range;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    if (info->dlpi_name[0] == '\0' && executable.end == 0) {
        executable = extent(info);
    } else if (is_counted_library(info->dlpi_name) && library_count < LIBRARIES_MAX) {
        libraries[library_count++] = extent(info);
    }
    return 0;
}

static bool is_counted_library(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        if (strncmp(name, counted[i], strlen(counted[i])) == 0) {
            return true;
        }
    }
    return false;
}

struct faults_map *faults_get_map(void)
{
    return map;
}

void faults_arm(bool is_on)
{
    is_armed = is_on;
}

faults_function_fn faults_next(const char *name)
{
    union {
        void *object;
        faults_function_fn function;
    } found = {.object = dlsym(RTLD_NEXT, name)};
    if (found.object == NULL) {
        (void)fprintf(stderr, "faults: no %s behind this library\n", name);
        abort();
    }
    return found.function;
}

static bool is_own_code(uint64_t offset)
{
    size_t low = 0, high = map->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (offset < map->ranges[middle].begin) {
            high = middle;
        } else if (offset >= map->ranges[middle].end) {
            low = middle + 1;
        } else {
            return true;
        }
    }
    return false;
}

enum faults_kind faults_whose(const void *caller)
{
    if (map == NULL || !is_armed || is_inside) {
        return FAULTS_NONE;
    }
    uint64_t at = (uint64_t)(uintptr_t)caller - 1;
    if (at >= executable.begin && at < executable.end) {
        return is_own_code(at - executable.begin) ? FAULTS_ALLOCATION : FAULTS_NONE;
    }
    for (size_t i = 0; i < library_count; i++) {
        if (at >= libraries[i].begin && at < libraries[i].end) {
            return FAULTS_LIBRARY;
        }
    }
    return FAULTS_NONE;
}

bool faults_strike(enum faults_kind kind, const void *caller)
{
    if (faults_whose(caller) == FAULTS_NONE) {
        return false;
    }
    uint64_t number = __atomic_add_fetch(&map->seen[kind], 1, __ATOMIC_SEQ_CST);
    if (map->kind != kind || number < map->first || number > map->last) {
        return false;
    }
    if (__atomic_add_fetch(&map->fired, 1, __ATOMIC_SEQ_CST) == 1) {
        is_inside = true;
        keep_trace();
        is_inside = false;
    }
    if (map->how != FAULTS_SHORT) {
        errno = (int)map->how;
    }
    return true;
}

static void keep_trace(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    size_t length = 0;
    for (int i = 2; i < count && length < sizeof(map->trace) - 1; i++) {
        Dl_info found;
        uintptr_t at = (uintptr_t)frames[i];
        bool is_known = dladdr(frames[i], &found) != 0 && found.dli_fname != NULL;
        int more = snprintf(map->trace + length, sizeof(map->trace) - length, "%s+%#zx %s\n",
                            is_known ? found.dli_fname : "?",
                            is_known ? at - (uintptr_t)found.dli_fbase : at,
                            is_known && found.dli_sname != NULL ? found.dli_sname : "");
        length += more > 0 ? (size_t)more : 0;
    }
}
