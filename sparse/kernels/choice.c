/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/kernels/choice.h"
#include "base/size.h"

/* The formats within the tie of the class's fastest, a bit each. */
static unsigned fast_in(const struct choice_costs *costs, unsigned batch_class)
{
    const uint64_t *time = costs->time[batch_class];
    uint64_t best = CHOICE_CANNOT;
    unsigned set = 0;

    for (unsigned f = 0; weight_format_at(f); f++)
        best = MIN(best, time[f]);
    for (unsigned f = 0; weight_format_at(f); f++) {
        if (time[f] != CHOICE_CANNOT && (double)time[f] <= CHOICE_TIE * (double)best)
            set |= 1u << f;
    }
    return set;
}

/* The smallest of a set's formats; of none: WEIGHT_FORMATS_MAX. */
static unsigned smallest_of(const struct choice_costs *costs, unsigned set)
{
    unsigned found = WEIGHT_FORMATS_MAX;

    for (unsigned f = 0; weight_format_at(f); f++) {
        if (set >> f & 1 && (found == WEIGHT_FORMATS_MAX || costs->memory[f] < costs->memory[found]))
            found = f;
    }
    return found;
}

static bool set_serves(const unsigned *fast, const struct choice *choice, unsigned set)
{
    for (unsigned c = choice->first; c <= choice->last; c++) {
        if (!(set & fast[c]))
            return false;
    }
    return true;
}

void choice_of_costs(const struct choice_costs *costs, struct choice *choice)
{
    uint64_t least = UINT64_MAX;
    unsigned fast[BATCH_CLASSES] = { 0 }, chosen = 0, sets = 1;

    for (unsigned c = choice->first; c <= choice->last; c++)
        fast[c] = fast_in(costs, c);
    for (unsigned f = 0; weight_format_at(f); f++)
        sets *= 2;
    for (unsigned set = 1; set < sets; set++) {
        uint64_t bytes = 0;

        if (!set_serves(fast, choice, set))
            continue;
        for (unsigned f = 0; weight_format_at(f); f++)
            bytes += set >> f & 1 ? costs->memory[f] : 0;
        if (bytes < least) {
            least = bytes;
            chosen = set;
        }
    }
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        choice->format[c] = smallest_of(costs, chosen & fast[MIN(MAX(c, choice->first), choice->last)]);
}

bool choice_can(const struct choice *choice, const struct kernels *kernels, const struct csr *w)
{
    for (unsigned c = choice->first; c <= choice->last; c++) {
        if (!weight_format_at(choice->format[c]) || !weight_format_can(kernels, choice->format[c], w, c))
            return false;
    }
    return true;
}
