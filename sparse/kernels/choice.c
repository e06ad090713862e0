/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/kernels/choice.h"
#include "base/size.h"

/* The smallest of a set's formats within the tie of the class's fastest; none: WEIGHT_FORMATS_MAX. */
static unsigned smallest_of(const struct choice_costs *costs, unsigned batch_class, unsigned set)
{
    const uint64_t *time = costs->time[batch_class];
    uint64_t best = CHOICE_CANNOT;
    unsigned found = WEIGHT_FORMATS_MAX;

    for (unsigned f = 0; weight_format_at(f); f++)
        best = MIN(best, time[f]);
    for (unsigned f = 0; weight_format_at(f); f++) {
        const bool fast = time[f] != CHOICE_CANNOT && (double)time[f] <= CHOICE_TIE * (double)best;

        if (set >> f & 1 && fast && (found == WEIGHT_FORMATS_MAX || costs->memory[f] < costs->memory[found]))
            found = f;
    }
    return found;
}

static bool set_serves(const struct choice_costs *costs, const struct choice *choice, unsigned set)
{
    for (unsigned c = choice->first; c <= choice->last; c++) {
        if (smallest_of(costs, c, set) == WEIGHT_FORMATS_MAX)
            return false;
    }
    return true;
}

void choice_of_costs(const struct choice_costs *costs, struct choice *choice)
{
    uint64_t least = UINT64_MAX;
    unsigned chosen = 0, sets = 1;

    for (unsigned f = 0; weight_format_at(f); f++)
        sets *= 2;
    for (unsigned set = 1; set < sets; set++) {
        uint64_t bytes = 0;

        for (unsigned f = 0; weight_format_at(f); f++)
            bytes += set >> f & 1 ? costs->memory[f] : 0;
        if (bytes < least && set_serves(costs, choice, set)) {
            least = bytes;
            chosen = set;
        }
    }
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        choice->format[c] = smallest_of(costs, MIN(MAX(c, choice->first), choice->last), chosen);
}

bool choice_can(const struct choice *choice, const struct kernels *kernels, const struct csr *w)
{
    for (unsigned c = choice->first; c <= choice->last; c++) {
        if (!weight_format_at(choice->format[c]) || !weight_format_can(kernels, choice->format[c], w, c))
            return false;
    }
    return true;
}
