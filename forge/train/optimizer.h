/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimisers: how a gradient moves weights. What one remembers between steps stands in slots, arrays as long as the
 * parameters and with the same index; so memory follows the connections. Stateless: the trainer owns slots and counts
 * steps. A step is elementwise, so any share of the parameters may be moved by any thread.
 */
#ifndef FORGE_TRAIN_OPTIMIZER_H
#define FORGE_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse/kernels/kernels.h"

enum { OPTIMIZER_SLOTS_MAX = 2 };

/* How a layer's rate grows as its density falls: each of its neurons sums fewer connections, so a step of the same
 * length changes less of what comes out. At most OPTIMIZER_BOOST_MAX times the rate of a dense layer. */
enum rate_by_density {
    RATE_BY_DENSITY_NONE,
    RATE_BY_DENSITY_ROOT, /* divided by the density's root */
    RATE_BY_DENSITY_FULL, /* divided by the density */
};

#define OPTIMIZER_BOOST_MAX 10.0

const char *rate_by_density_name(enum rate_by_density how);
/* -1 when there is no such name. */
int rate_by_density_find(const char *name);

/* What the rate of a layer with this density is multiplied by. Roots and quotients alone: the same bits everywhere. */
double rate_by_density(enum rate_by_density how, double density);

/* One step, of one run of parameters: a layer's connections or a vector. */
struct optimizer_step {
    float rate, decay; /* of this run */
    float momentum;
    float scale;                    /* the gradient is a sum; this makes it a mean */
    float correction1, correction2; /* of moments that began at 0; see optimizer_tick() */
};

struct optimizer {
    const char *name;  /* as --optimizer takes it */
    const char *title; /* as the lineage says it */
    unsigned slots;
    bool adaptive; /* its steps do not follow the gradient's length, so its rates are others than descent's */
    void (*move)(const struct kernels *kernels, const struct optimizer_step *step, float *values,
                 float *const slots[OPTIMIZER_SLOTS_MAX], const float *gradient, size_t count);
};

/* NULL past the end; the first is "sgd". */
const struct optimizer *optimizer_at(size_t index);
const struct optimizer *optimizer_find(const char *name); /* NULL: not known */

/* Powers of the moments' factors, from step to step: by multiplication alone, so the same bits everywhere. */
struct optimizer_clock {
    double power1, power2;
};

#define OPTIMIZER_CLOCK_START ((struct optimizer_clock){ 1, 1 })

/* The next step's corrections, into *step, whose momentum is set. */
void optimizer_tick(struct optimizer_clock *clock, struct optimizer_step *step);

#endif
