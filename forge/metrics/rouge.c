/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/metrics/ngrams.h"
#include "forge/metrics/rouge.h"

static double f1(size_t both, size_t said, size_t wanted)
{
    return both ? 2 * (double)both / (double)(said + wanted) : 0;
}

/* lengths[i][k]: of the longest between the tokens from i and from k on. */
static void fill(const struct tokens *a, const struct tokens *b, uint32_t *lengths)
{
    const size_t row = b->count + 1;

    for (size_t i = a->count; i-- > 0;) {
        for (size_t k = b->count; k-- > 0;) {
            uint32_t *at = lengths + i * row + k;

            *at = a->list[i] == b->list[k] ? 1 + at[row + 1] : MAX(at[row], at[1]);
        }
    }
}

int rouge_common(const struct tokens *a, const struct tokens *b, bool *on_it, size_t *length)
{
    const size_t row = b->count + 1;
    cleanup_free uint32_t *lengths = memory_zalloc((a->count + 1) * row, sizeof *lengths);

    if (!lengths)
        return -ENOMEM;
    fill(a, b, lengths);
    *length = lengths[0];
    if (on_it)
        memset(on_it, 0, a->count * sizeof *on_it);
    for (size_t i = 0, k = 0; on_it && i < a->count && k < b->count;) {
        if (a->list[i] == b->list[k]) {
            on_it[i++] = true;
            k++;
        } else if (lengths[(i + 1) * row + k] >= lengths[i * row + k + 1]) {
            i++;
        } else {
            k++;
        }
    }
    return 0;
}

int rouge_add(struct rouge *rouge, const struct tokens *said, const struct tokens *wanted)
{
    size_t one, two, longest;

    if (ngrams_shared(said, wanted, 1, &one) || ngrams_shared(said, wanted, 2, &two) ||
        rouge_common(said, wanted, NULL, &longest))
        return -ENOMEM;
    rouge->one += f1(one, said->count, wanted->count);
    rouge->two += f1(two, ngrams_count(said, 2), ngrams_count(wanted, 2));
    rouge->longest += f1(longest, said->count, wanted->count);
    rouge->texts++;
    return 0;
}
