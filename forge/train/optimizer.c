/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "forge/train/optimizer.h"

#define BETA2   0.999
#define EPSILON 1e-8f

static void move_sgd(const struct kernels *kernels, const struct optimizer_step *step, float *values,
                     float *const slots[OPTIMIZER_SLOTS_MAX], const float *gradient, size_t count)
{
    kernels->sgd(values, slots[0], gradient, count, step->rate, step->momentum, step->decay, step->scale);
}

static void move_adam(const struct kernels *kernels, const struct optimizer_step *step, float *values,
                      float *const slots[OPTIMIZER_SLOTS_MAX], const float *gradient, size_t count)
{
    const struct adam_step adam = { .rate = step->rate,
                                    .beta1 = step->momentum,
                                    .beta2 = (float)BETA2,
                                    .epsilon = EPSILON,
                                    .shrink = step->rate * step->decay,
                                    .scale = step->scale,
                                    .correction1 = step->correction1,
                                    .correction2 = step->correction2 };

    kernels->adam(values, slots[0], slots[1], gradient, count, &adam);
}

static const struct optimizer optimizers[] = {
    { .name = "sgd", .title = "sgd-nesterov", .slots = 1, .move = move_sgd },
    { .name = "adamw",
      .title = "adamw",
      .slots = 2,
      .adaptive = true,

      .move = move_adam },
};

const struct optimizer *optimizer_at(size_t index)
{
    return index < ARRAY_SIZE(optimizers) ? &optimizers[index] : NULL;
}

const struct optimizer *optimizer_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(optimizers); i++) {
        if (!strcmp(optimizers[i].name, name))
            return &optimizers[i];
    }
    return NULL;
}

static const char *const densities[] = {
    [RATE_BY_DENSITY_NONE] = "none", [RATE_BY_DENSITY_ROOT] = "root", [RATE_BY_DENSITY_FULL] = "full"
};

const char *rate_by_density_name(enum rate_by_density how)
{
    return densities[how];
}

int rate_by_density_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(densities); i++) {
        if (!strcmp(densities[i], name))
            return (int)i;
    }
    return -1;
}

double rate_by_density(enum rate_by_density how, double density)
{
    if (how == RATE_BY_DENSITY_NONE || density <= 0)
        return 1;
    return MIN(how == RATE_BY_DENSITY_ROOT ? 1 / sqrt(density) : 1 / density, OPTIMIZER_BOOST_MAX);
}

void optimizer_tick(struct optimizer_clock *clock, struct optimizer_step *step)
{
    clock->power1 *= (double)step->momentum;
    clock->power2 *= BETA2;
    step->correction1 = (float)(1 / (1 - clock->power1));
    step->correction2 = (float)(1 / (1 - clock->power2));
}
