/* SPDX-License-Identifier: Apache-2.0
 *
 * Aligned allocation for tensors: 64-byte aligned (one cache line, one AVX-512 vector), size rounded up to 64 so that a
 * vector load that starts inside may run to the end of the line. Freed with free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#define CACHE_LINE 64

/* count * size bytes, uninitialised; NULL with errno ENOMEM, also when the product overflows. */
void *memory_alloc(size_t count, size_t size);
/* The same, zeroed. */
void *memory_zalloc(size_t count, size_t size);

#endif
