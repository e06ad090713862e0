/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/schedule/cost.h"
#include "base/insist.h"
#include "base/size.h"

enum { LEARN = 8, DOUBT = 256, OFF_MAX = 4 };

/* The point that is not above so many rows. */
static unsigned point_below(uint32_t rows)
{
    insist(rows > 0 && rows < 1u << (COST_POINTS - 1), "%u", rows); /* there is a point above */
    return 31 - (unsigned)__builtin_clz(rows);
}

void cost_seed(struct cost *cost, uint64_t (*estimate)(const void *argument, uint32_t rows), const void *argument)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        cost->ns[i] = estimate(argument, 1u << i);
}

uint64_t cost_estimate(const struct cost *cost, uint32_t rows)
{
    const unsigned below = point_below(rows);
    const uint64_t from = cost->ns[below], to = cost->ns[below + 1];
    const uint64_t past = rows - (1u << below);

    if (!past)
        return from;
    return to > from ? from + (to - from) * past / (1u << below) : from;
}

uint64_t cost_estimate_all(const struct cost *cost, uint32_t rows, uint32_t most)
{
    const uint32_t rest = rows % most;

    return saturating_add(saturating_multiply(rows / most, cost_estimate(cost, most)),
                          rest ? cost_estimate(cost, rest) : 0);
}

uint32_t cost_rows(const struct cost *cost, uint64_t ns, uint32_t most)
{
    uint32_t fits = 1, over = most + 1;

    insist(most > 0);
    while (over - fits > 1) {
        uint32_t middle = fits + (over - fits) / 2;

        if (cost_estimate(cost, middle) <= ns)
            fits = middle;
        else
            over = middle;
    }
    return fits;
}

/* What a thread that was away for a while has measured is not believed. */
static uint64_t believed(uint64_t said, uint64_t measured)
{
    return MIN(measured, said * OFF_MAX);
}

uint64_t cost_believed(const struct cost *cost, uint32_t rows, uint64_t most, uint64_t ns)
{
    const uint64_t said = MIN(cost_estimate(cost, rows), most);

    return said ? believed(said, ns) : ns;
}

/* Towards what was measured, by the part of the difference, and at least by something: what is less than the part would
 * stay for ever. */
static void move(uint64_t *ns, uint64_t said, uint64_t measured)
{
    const uint64_t off = believed(said, measured);
    const uint64_t right = said ? (uint64_t)((double)*ns * ((double)off / (double)said)) : measured;

    if (!*ns)
        *ns = measured;
    else if (right > *ns)
        *ns += (right - *ns + LEARN - 1) / LEARN;
    else
        *ns -= MIN((*ns - right + LEARN - 1) / LEARN, *ns - 1); /* 0 is what nothing is known of */
}

void cost_learn(struct cost *cost, uint32_t rows, uint64_t ns)
{
    const unsigned below = point_below(rows);
    const uint64_t said = cost_estimate(cost, rows);

    move(&cost->ns[below], said, ns);
    if (rows != 1u << below)
        move(&cost->ns[below + 1], said, ns);
}

void cost_doubt(struct cost *cost, uint32_t rows)
{
    const unsigned below = point_below(rows);

    for (unsigned i = below; i <= below + 1; i++)
        cost->ns[i] -= (cost->ns[i] + DOUBT - 1) / DOUBT;
}
