// SPDX-License-Identifier: MIT
#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What allocates. Looking for the next malloc may itself allocate: that comes from a small room
 * of our own, and is never given back.
 */

#define CALLER __builtin_return_address(0)

enum { EARLY_BYTES = 64 * 1024 };

static _Alignas(16) char early[EARLY_BYTES];
static size_t early_bytes;
static bool is_looking;

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

static bool find_next(void)
{
    if (next_free != NULL) {
        return true;
    }
    if (is_looking) {
        return false;
    }
    is_looking = true;
    next_malloc = (void *(*)(size_t))faults_next("malloc");
    next_calloc = (void *(*)(size_t, size_t))faults_next("calloc");
    next_realloc = (void *(*)(void *, size_t))faults_next("realloc");
    next_free = (void (*)(void *))faults_next("free");
    is_looking = false;
    return true;
}

static void *take_early(size_t size)
{
    size_t rounded = (size + 15) / 16 * 16;
    if (rounded > EARLY_BYTES - early_bytes) {
        return NULL;
    }
    void *memory = early + early_bytes;
    early_bytes += rounded;
    return memory;
}

static bool is_early(const void *memory)
{
    return (const char *)memory >= early && (const char *)memory < early + EARLY_BYTES;
}

static bool fails(const void *caller)
{
    enum faults_kind kind = faults_whose(caller);
    return kind != FAULTS_NONE && faults_strike(kind, caller);
}

void *malloc(size_t size)
{
    if (!find_next()) {
        return take_early(size);
    }
    return fails(CALLER) ? NULL : next_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!find_next()) {
        return take_early(count * size);
    }
    return fails(CALLER) ? NULL : next_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    if (!find_next() || is_early(memory)) {
        void *moved = take_early(size);
        if (moved != NULL && memory != NULL) {
            size_t left = (size_t)(early + EARLY_BYTES - (char *)memory);
            memcpy(moved, memory, size < left ? size : left);
        }
        return moved;
    }
    return fails(CALLER) ? NULL : next_realloc(memory, size);
}

void free(void *memory)
{
    if (memory != NULL && !is_early(memory) && find_next()) {
        next_free(memory);
    }
}

char *strdup(const char *text)
{
    static char *(*next)(const char *);
    next = next != NULL ? next : (char *(*)(const char *))faults_next("strdup");
    return fails(CALLER) ? NULL : next(text);
}

char *strndup(const char *text, size_t most)
{
    static char *(*next)(const char *, size_t);
    next = next != NULL ? next : (char *(*)(const char *, size_t))faults_next("strndup");
    return fails(CALLER) ? NULL : next(text, most);
}

int vasprintf(char **text, const char *format, va_list values)
{
    static int (*next)(char **, const char *, va_list);
    next = next != NULL ? next : (int (*)(char **, const char *, va_list))faults_next("vasprintf");
    return fails(CALLER) ? -1 : next(text, format, values);
}

int asprintf(char **text, const char *format, ...)
{
    static int (*next)(char **, const char *, va_list);
    next = next != NULL ? next : (int (*)(char **, const char *, va_list))faults_next("vasprintf");
    if (fails(CALLER)) {
        return -1;
    }
    va_list values;
    va_start(values, format);
    int length = next(text, format, values);
    va_end(values);
    return length;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    next = next != NULL ? next
                        : (int (*)(const char *, const char *, const struct addrinfo *,
                                   struct addrinfo **))faults_next("getaddrinfo");
    return fails(CALLER) ? EAI_MEMORY : next(name, service, hints, found);
}
