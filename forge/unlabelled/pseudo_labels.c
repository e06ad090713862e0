/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "forge/unlabelled/pseudo_labels.h"

struct candidate {
    float certainty;
    uint32_t class, sample;
};

/* Class by class, the most certain first, of equals the first sample. */
static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->certainty != y->certainty)
        return x->certainty > y->certainty ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* How many of the samples may get this class. */
static size_t quota(const struct pseudo_rule *rule, uint32_t class, size_t count)
{
    double all = 0;

    for (size_t c = 0; c < rule->classes; c++)
        all += (double)rule->known[c];
    return (size_t)(rule->fraction * (double)count * (double)rule->known[class] / all + 0.5);
}

int pseudo_labels_choose(const struct pseudo_rule *rule, const struct opinion *opinions, size_t count, int32_t *labels,
                         struct pseudo_count *out)
{
    cleanup_free struct candidate *candidates = memory_alloc(count, sizeof *candidates);
    size_t taken = 0;

    *out = (struct pseudo_count){ .agreed = 0 };
    if (!candidates)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        labels[i] = -1;
        if (opinions[i].votes >= rule->votes)
            candidates[out->agreed++] = (struct candidate){ opinions[i].certainty, opinions[i].class, (uint32_t)i };
    }
    qsort(candidates, out->agreed, sizeof *candidates, compare);
    for (size_t i = 0; i < out->agreed; i++) {
        const struct candidate *c = &candidates[i];

        taken = i && c->class == candidates[i - 1].class ? taken : 0;
        if (taken == quota(rule, c->class, count))
            continue;
        labels[c->sample] = (int32_t)c->class;
        taken++;
        out->taken++;
    }
    return 0;
}
