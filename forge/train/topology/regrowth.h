/* SPDX-License-Identifier: Apache-2.0
 *
 * How connections are exchanged while a network is trained: every so many steps, in each layer, a fraction of them, the
 * weakest, give way to as many where there were none. The methods differ in where that is:
 *
 *   set    at random, after every epoch (Mocanu et al. 2018)
 *   rigl   where the gradient is largest, every 100 steps, the fraction falling to 0 by half a cosine at 3/4 of the
 *          training (Evci et al. 2020)
 */
#ifndef FORGE_TRAIN_TOPOLOGY_REGROWTH_H
#define FORGE_TRAIN_TOPOLOGY_REGROWTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct regrowth_method {
    const char *name;
    bool by_gradient; /* else at random */
    bool fades;       /* the fraction falls by half a cosine */
    uint64_t every;
    double fraction, until;
};

struct regrowth {
    const struct regrowth_method *method; /* NULL: connections stay as they are */
    uint64_t every;                       /* steps; 0: an epoch's */
    double fraction;                      /* of a layer's connections */
    double until;                         /* part of the training after which none are exchanged */
};

/* "set", "rigl,fraction=0.3,every=100,until=0.75". WISP_E_INVALID, and says what there is. */
int regrowth_parse(const char *text, struct regrowth *out, struct reason *why);

/* New reference; NULL: out of memory. */
json_t *regrowth_json(const struct regrowth *regrowth);

/* Whether connections are exchanged in the step after `step` of `steps`. */
bool regrowth_is_due(const struct regrowth *regrowth, uint64_t step, uint64_t steps, uint64_t per_epoch);

/* How much of the way to its end is behind, in [0, 1): where the cosine is read. */
double regrowth_done(const struct regrowth *regrowth, uint64_t step, uint64_t steps);

#endif
