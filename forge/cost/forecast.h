/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan will cost, as people and programs read it: what follows from its shapes (cost.h), and what the history
 * says of it (estimate.h).
 */
#ifndef FORGE_COST_FORECAST_H
#define FORGE_COST_FORECAST_H

#include "forge/cost/cost.h"
#include "forge/cost/estimate.h"

struct forecast {
    struct cost_setting setting;
    struct cost cost;
    char machine[STORE_NAME_MAX];
    bool saves;          /* the file is not longer than one may be */
    bool serves, trains; /* by this version; what does not train has no estimate of an epoch, and no accuracy */
    char support[160];   /* a sentence about what it does not; "" */
    struct estimate estimates[ESTIMATE_KINDS];
    bool accuracy_known;
    struct estimate accuracy;
};

/* A history that cannot be read costs a warning on stderr, and then nothing is estimated from it. */
int forecast_make(const char *verb, const struct plan *plan, const struct assembly *assembly,
                  const struct cost_setting *setting, const char *database, struct forecast *out, struct reason *why);

void forecast_print(const struct forecast *forecast, FILE *to);
/* Adds "cost" and "estimates" to the object. */
void forecast_describe(const struct forecast *forecast, json_t *object);

#endif
