/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "operands.h"
#include "turns.h"

enum {
    CALLS_NS = 200 * NS_PER_US, /* a warm measurement takes at least so long */
    BUDGET_NS = 10 * NS_PER_MS, /* of each runner, in all rounds; TURNS_MIN may take longer */
    /* The calls before it, as many as that takes or so many: a third cache gives a matrix all its room not before some.
     */
    WARM_NS = 3 * NS_PER_MS,
    WARM_CALLS_MAX = 16,
    ENOUGH_NS = 20 * NS_PER_MS, /* a call that takes so long fills the caches in a small part of it */
    EVICTING_BYTES = 64 << 20,  /* twice what the third cache holds */
    LINE_FLOATS = 64 / sizeof(float)
};

const char *const caches_names[] = { [CACHES_WARM] = "warm", [CACHES_COLD] = "cold" };

struct runner *runner_add(struct runners *all, struct place *place, const char *name,
                          void (*run)(const struct runner *runner))
{
    struct runner *r = &all->of[all->count++];

    if (all->count > RUNNERS_MAX)
        abort();
    *r = (struct runner){ .run = run, .name = name, .place = place };
    return r;
}

static uint64_t time_calls(const struct runner *r, unsigned calls)
{
    const uint64_t begin = clock_ns();

    if (r->time)
        return MAX(r->time(r, calls), 1);
    for (unsigned i = 0; i < calls; i++)
        r->run(r);
    return MAX(clock_ns() - begin, 1);
}

/* Reads what nobody needs, until nothing else is in any cache. */
static void evict(void)
{
    static float *lines;
    float sum = 0;

    if (!lines)
        lines = random_floats(EVICTING_BYTES / sizeof *lines);
    for (size_t i = 0; i < EVICTING_BYTES / sizeof *lines; i += LINE_FLOATS)
        sum += lines[i];
    __asm__ volatile("" : : "m"(sum)); /* so that they are read at all */
}

/* Warm: after calls that nobody times, which bring its operands back into the caches. */
static uint64_t measure(const struct runner *r, enum caches caches)
{
    if (caches == CACHES_COLD)
        evict();
    else if (r->warming)
        time_calls(r, r->warming);
    return time_calls(r, r->calls);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void runners_take_turns(struct runners *all, enum caches caches)
{
    const uint64_t begin = clock_ns();

    for (unsigned i = 0; i < all->count; i++) {
        struct runner *r = &all->of[i];
        uint64_t ns;

        time_calls(r, 1);
        ns = time_calls(r, 1);
        r->calls = caches == CACHES_COLD ? 1 : (unsigned)(CALLS_NS / ns + 1);
        r->warming = ns < ENOUGH_NS ? (unsigned)MIN(WARM_NS / ns + 1, (uint64_t)WARM_CALLS_MAX) : 0;
    }
    for (all->rounds = 0;
         all->rounds < TURNS_MIN || (all->rounds < TURNS_MAX && clock_ns() - begin < (uint64_t)all->count * BUDGET_NS);
         all->rounds++) {
        for (unsigned i = 0; i < all->count; i++)
            all->of[i].ns[all->rounds] = measure(&all->of[i], caches);
    }
    for (unsigned i = 0; i < all->count; i++) {
        struct runner *r = &all->of[i];
        uint64_t median;

        qsort(r->ns, all->rounds, sizeof *r->ns, compare);
        median = r->ns[all->rounds / 2];
        r->median_us = (double)median / r->calls / 1e3;
    }
}
