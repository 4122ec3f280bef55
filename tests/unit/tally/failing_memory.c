// SPDX-License-Identifier: MIT
#include "failing_memory.h"

/* The linker sends the tests' and the library's calls here (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static size_t left = SIZE_MAX;

bool failing_memory_set(size_t allocations)
{
    bool has_failed = left == SIZE_MAX;
    left = allocations;
    return has_failed;
}

static bool fails(void)
{
    if (left == SIZE_MAX) {
        return false;
    }
    if (left == 0) {
        left = SIZE_MAX;
        return true;
    }
    left--;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}
