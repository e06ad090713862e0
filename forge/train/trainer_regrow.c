/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forge/train/topology/regrow_model.h"
#include "forge/train/trainer_state.h"
#include "sparse/graph/connections.h"

/* The gradient as well: the step that follows moves what is new by nothing. */
static int regrow(struct trainer *t, double fraction, struct reason *why)
{
    const struct recipe *recipe = t->setup.recipe;
    struct regrow_model r = { .model = t->setup.model,
                              .parameters = &t->parameters,
                              .forward = t->forward,
                              .backward = recipe->regrowth.method->by_gradient ? t->backward : NULL,
                              .fraction = fraction,
                              .seed = recipe->seed,
                              .stream = recipe_stream(STREAM_REGROW, 0, 0) + t->step * FORWARD_STREAMS };

    r.arrays[r.array_count++] = t->setup.model->parameters;
    r.arrays[r.array_count++] = t->gradient;
    if (t->average)
        r.arrays[r.array_count++] = t->average;
    for (unsigned i = 0; i < t->optimizer->slots; i++)
        r.arrays[r.array_count++] = t->slots[i];
    return regrow_model(&r, why);
}

int trainer_regrow(struct trainer *t, struct reason *why)
{
    const struct regrowth *regrowth = &t->setup.recipe->regrowth;
    double fraction = regrowth->fraction;

    if (!regrowth_is_due(regrowth, t->step, t->steps, t->per_epoch))
        return 0;
    if (regrowth->method->fades)
        fraction *= schedule_find("cosine")->factor(regrowth_done(regrowth, t->step, t->steps));
    return regrow(t, fraction, why);
}

void trainer_remember(struct trainer *t)
{
    memcpy(t->best, t->setup.model->parameters, t->parameters.length * sizeof *t->best);
    if (t->best_places)
        connections_save(t->setup.model, &t->parameters, t->best_places);
    if (t->setup.beside)
        trainer_remember(t->setup.beside);
}

void trainer_recall(struct trainer *t)
{
    memcpy(t->setup.model->parameters, t->best, t->parameters.length * sizeof *t->best);
    if (t->best_places)
        connections_load(t->setup.model, &t->parameters, t->best_places);
    if (t->setup.beside)
        trainer_recall(t->setup.beside);
}
