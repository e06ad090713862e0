/* SPDX-License-Identifier: Apache-2.0
 *
 * What is packed while guard_packed stands, between forbidden pages: memory_alloc() and free() of the programs that the
 * linker lets wrap them (CMakeLists.txt). Elsewhere it stands where it always does.
 */
#ifndef TESTS_KERNELS_GUARDED_MEMORY_H
#define TESTS_KERNELS_GUARDED_MEMORY_H

#include <stdlib.h>

#include "base/memory.h"
#include "kernels/operands.h"

static bool guard_packed;

#ifdef GUARDED_MEMORY
enum { HELD_MAX = 16 };

static struct guarded held[HELD_MAX]; /* map NULL: it is free */

void *__real_memory_alloc(size_t count, size_t size);
void *__wrap_memory_alloc(size_t count, size_t size);
void *__wrap_memory_zalloc(size_t count, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);

/* A vector that begins inside may run to the end of its line (base/memory.h). */
void *__wrap_memory_alloc(size_t count, size_t size)
{
    size_t at = 0;

    if (!guard_packed)
        return __real_memory_alloc(count, size);
    while (held[at].map)
        assert_true(++at < HELD_MAX);
    held[at] = guarded_bytes((count * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    memset(held[at].memory, UNTOUCHED, held[at].used);
    return held[at].memory;
}

void *__wrap_memory_zalloc(size_t count, size_t size)
{
    void *memory = __wrap_memory_alloc(count, size);

    return memory ? memset(memory, 0, count * size) : NULL;
}

void __wrap_free(void *memory)
{
    for (size_t at = 0; memory && at < HELD_MAX; at++) {
        if (held[at].map && held[at].memory == memory) {
            guarded_free(&held[at]);
            held[at].map = NULL;
            return;
        }
    }
    __real_free(memory);
}
#endif

#endif
