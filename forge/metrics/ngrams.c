/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "forge/metrics/ngrams.h"

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Hashes, in order. NULL: out of memory. */
static uint64_t *sorted(const struct tokens *tokens, size_t n)
{
    const size_t count = ngrams_count(tokens, n);
    uint64_t *list = memory_alloc(count + 1, sizeof *list);

    for (size_t i = 0; list && i < count; i++)
        list[i] = XXH3_64bits(tokens->list + i, n * sizeof *tokens->list);
    if (list)
        qsort(list, count, sizeof *list, compare);
    return list;
}

int ngrams_shared(const struct tokens *a, const struct tokens *b, size_t n, size_t *out)
{
    const size_t a_count = ngrams_count(a, n), b_count = ngrams_count(b, n);
    cleanup_free uint64_t *x = sorted(a, n), *y = sorted(b, n);

    *out = 0;
    if (!x || !y)
        return -ENOMEM;
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        *out += x[i] == y[k];
        if (x[i] == y[k])
            k++, i++;
        else if (x[i] < y[k])
            i++;
        else
            k++;
    }
    return 0;
}
