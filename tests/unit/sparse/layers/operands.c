/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "operands.h"
#include "support/test.h"

enum { PAGE = 4096, CANARY = 0xa5 };

struct operand operand_new(size_t bytes)
{
    struct operand made = { .bytes = bytes };
    size_t pages = (bytes + CACHE_LINE + PAGE - 1) / PAGE + 1, end = pages * PAGE;

    made.map_bytes = end + PAGE;
    made.map = mmap(NULL, made.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(made.map, MAP_FAILED);
    assert_int_equal(mprotect(made.map + end, PAGE, PROT_NONE), 0);
    memset(made.map, CANARY, end);
    made.data = made.map + (end - bytes) / CACHE_LINE * CACHE_LINE;
    memset(made.data, 0xff, bytes);
    return made;
}

void operand_free(struct operand *operand)
{
    const unsigned char *begin = operand->data, *end = operand->map + operand->map_bytes - PAGE;

    for (const unsigned char *at = operand->map; at < end; at++) {
        if ((at < begin || at >= begin + operand->bytes) && *at != CANARY)
            fail_msg("byte %td of an operand of %zu bytes was written", at - begin, operand->bytes);
    }
    munmap(operand->map, operand->map_bytes);
}

float *copy_floats(const void *from, size_t bytes)
{
    float *made = memory_alloc(bytes, 1);

    assert_non_null(made);
    return memcpy(made, from, bytes);
}
