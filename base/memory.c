/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"

void *memory_alloc(size_t count, size_t size)
{
    uint64_t bytes;

    if (!size_multiply(count, size, &bytes) || !size_align(MAX(bytes, 1), CACHE_LINE, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return aligned_alloc(CACHE_LINE, bytes);
}

void *memory_zalloc(size_t count, size_t size)
{
    void *memory = memory_alloc(count, size);

    if (memory)
        memset(memory, 0, count * size);
    return memory;
}
