// SPDX-License-Identifier: MIT
#pragma once

/**
 * A library that is preloaded (LD_PRELOAD) into a program and lets its n-th allocation, write,
 * sync, read or open fail. Whoever starts the program describes the failure in a small file,
 * which both map: so it can also be set while a long program runs, and says afterwards what
 * happened. tests/faults/faults_map.py is the other side of it; the fields and their order are
 * the same.
 *
 * Only the program's own calls count, and those of the libraries that it uses: not those of test
 * code in the same executable, nor of cmocka, libc or a sanitizer. Which addresses are the
 * program's own is read from its symbols by the other side.
 *
 * In a unit test the library takes the place of cmocka's loop over the cases
 * (faults_server.c): each case runs in a child of its own, as often as it is told to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where the file's name and the ends of the server's pipes stand in the environment. */
#define FAULTS_FILE_VARIABLE   "HT_FAULTS_FILE"
#define FAULTS_SERVER_VARIABLE "HT_FAULTS_SERVER"
#define FAULTS_OUTPUT_VARIABLE "HT_FAULTS_OUTPUT"

/** What can fail. The numbers are part of the file. */
enum faults_kind {
    FAULTS_NONE,
    FAULTS_ALLOCATION, /**< memory that the program asks for itself */
    FAULTS_LIBRARY,    /**< memory that a library asks for */
    FAULTS_WRITE,      /**< to a file or socket */
    FAULTS_SYNC,
    FAULTS_READ, /**< of a file or socket */
    FAULTS_OPEN, /**< whatever gives a descriptor */
    FAULTS_KINDS,
};

/** `how` of a write or read that moves only a part of the bytes; any other value is an errno. */
#define FAULTS_SHORT 0

enum {
    FAULTS_TRACE_BYTES = 7936,
    FAULTS_RANGES_MAX = 4096,
};

/** One stretch of the program's own code, as offsets in the executable. */
struct faults_range {
    uint64_t begin, end;
};

/** The file. */
struct faults_map {
    char magic[8];
    uint64_t kind;                /**< of the failure that is set; FAULTS_NONE: nothing fails */
    uint64_t first, last;         /**< operations of this kind, from 1, that fail */
    uint64_t how;                 /**< an errno, or FAULTS_SHORT */
    uint64_t fired;               /**< how many have failed */
    uint64_t seen[FAULTS_KINDS];  /**< operations so far, by kind */
    uint64_t is_own_process_only; /**< children that run another program are left alone */
    uint64_t is_files_only;       /**< reads and writes of sockets and of the log do not count */
    uint64_t has_jumped;          /**< a case of cmocka's failed and left by a jump */
    char reserved[8];
    uint64_t base;                  /**< where the executable lies */
    char trace[FAULTS_TRACE_BYTES]; /**< of the first failure: a line "module+offset" a frame */
    uint64_t range_count;
    struct faults_range ranges[FAULTS_RANGES_MAX]; /**< in ascending order */
};

/** Whether this operation, whose caller returns to `caller`, fails; then errno is set where the
 * failure has one. Counts it. */
bool faults_strike(enum faults_kind kind, const void *caller);

/** Whether `caller` is the program or a library that counts: FAULTS_ALLOCATION, FAULTS_LIBRARY, or
 * FAULTS_NONE. */
enum faults_kind faults_whose(const void *caller);

/** The map, or NULL where there is none. */
struct faults_map *faults_get_map(void);

/** Nothing counts or fails while this is off. */
void faults_arm(bool is_on);

typedef void (*faults_function_fn)(void);

/** The next definition of a function behind this library's, to be cast to its type; ends the
 * process where there is none. */
faults_function_fn faults_next(const char *name);
