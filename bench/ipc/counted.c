/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a process whose allocations and copies are to be counted: stands before the C library's functions.
 * The counters are in the file that WISP_BENCH_COUNTERS names, where whoever measures reads them.
 *
 * What the compiler makes of a copy of known size, a slot's 64 bytes, is no call, and not counted.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counts.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name): glibc's names */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t room);
void *__memmove_chk(void *to, const void *from, size_t bytes, size_t room);
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct counters unseen;
static struct counters *counters = &unseen;

/* Before main(), and before a sandbox that would forbid it. */
__attribute__((constructor)) static void show(void)
{
    const char *path = getenv("WISP_BENCH_COUNTERS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *seen = file < 0 ? MAP_FAILED : mmap(NULL, sizeof unseen, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (file >= 0)
        close(file);
    if (seen != MAP_FAILED)
        counters = seen;
}

/* Of all threads; read by another process between two requests, so nothing is ordered by it. */
static void add(uint64_t *counter, uint64_t count)
{
    __atomic_fetch_add(counter, count, __ATOMIC_RELAXED);
}

#pragma GCC visibility push(default)

/* ---- allocations ---- */

void *malloc(size_t size)
{
    add(&counters->allocations, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    add(&counters->allocations, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    add(&counters->allocations, 1);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    add(&counters->allocations, 1);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = aligned_alloc(alignment, size);
    return *out ? 0 : 12; /* ENOMEM */
}

/* ---- copies ---- */

static void note(size_t bytes)
{
    add(&counters->copies, 1);
    add(&counters->copied_bytes, bytes);
}

/* A loop that is not made a call of memcpy() again. */
static inline void copy_byte(unsigned char *to, const unsigned char *from, size_t at)
{
    to[at] = from[at];
    __asm__ volatile("" : : : "memory");
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    note(bytes);
    for (size_t i = 0; i < bytes; i++)
        copy_byte(to, from, i);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    note(bytes);
    while (bytes--)
        copy_byte(to, from, bytes);
    return to;
}

void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t room)
{
    return bytes > room ? abort(), NULL : memcpy(to, from, bytes);
}

void *__memmove_chk(void *to, const void *from, size_t bytes, size_t room)
{
    return bytes > room ? abort(), NULL : memmove(to, from, bytes);
}

#pragma GCC visibility pop
/* NOLINTEND(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name) */
