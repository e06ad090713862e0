/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/outcome.h"
#include "base/size.h"
#include "forge/train/checkpoint.h"
#include "forge/train/trainer_state.h"

/* The arrays of a checkpoint in their order, and where they are here. Returns how many. */
static uint32_t list_arrays(const struct trainer *t, const char *names[static CHECKPOINT_ARRAYS_MAX],
                            float *arrays[static CHECKPOINT_ARRAYS_MAX])
{
    static const char *const slots[OPTIMIZER_SLOTS_MAX] = { "slot0", "slot1" };
    uint32_t count = 0;

    names[count] = "values";
    arrays[count++] = t->setup.model->parameters;
    for (unsigned i = 0; i < MIN(t->optimizer->slots, OPTIMIZER_SLOTS_MAX); i++) {
        names[count] = slots[i];
        arrays[count++] = t->slots[i];
    }
    if (t->best) {
        names[count] = "best";
        arrays[count++] = t->best;
    }
    return count;
}

void trainer_keep(const struct trainer *t, const struct trainer_result *result)
{
    const char *names[CHECKPOINT_ARRAYS_MAX];
    float *arrays[CHECKPOINT_ARRAYS_MAX];
    struct checkpoint c = { .run = t->setup.run,
                            .result = trainer_result_json(result),
                            .epoch = result->epochs,
                            .clock = t->clock,
                            .length = t->parameters.length };
    struct reason why;
    int failed;

    c.array_count = list_arrays(t, names, arrays);
    for (uint32_t i = 0; i < c.array_count; i++)
        c.arrays[i] = (struct checkpoint_array){ names[i], arrays[i] };
    failed = c.result ? checkpoint_write(&c, t->setup.checkpoint, &why)
                      : refuse_errno(&why, -ENOMEM, "%s", t->setup.checkpoint);
    json_decref(c.result);
    if (failed)
        warn_user("train", "no checkpoint of epoch %llu: %s", (unsigned long long)result->epochs, why.text);
}

int trainer_restore(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const struct checkpoint *c = t->setup.resume;
    const char *names[CHECKPOINT_ARRAYS_MAX];
    float *arrays[CHECKPOINT_ARRAYS_MAX];
    uint32_t count = list_arrays(t, names, arrays);
    int result = checkpoint_fits(c, t->setup.run, why);

    if (!result)
        result = trainer_result_parse(c->result, out, why);
    if (result)
        return result;
    if (c->epoch > t->setup.recipe->epochs || out->validated != (t->best != NULL))
        return refuse(why, WISP_E_FORMAT, "epoch %llu is none of this run's", (unsigned long long)c->epoch);
    for (uint32_t i = 0; i < count; i++) {
        if (!checkpoint_array(c, names[i]) || c->array_count != count || c->length != t->parameters.length)
            return refuse(why, WISP_E_FORMAT, "%u arrays of %llu numbers; this run has %u of %llu", c->array_count,
                          (unsigned long long)c->length, count, (unsigned long long)t->parameters.length);
    }
    for (uint32_t i = 0; i < count; i++)
        memcpy(arrays[i], checkpoint_array(c, names[i]), c->length * sizeof(float));
    out->epochs = c->epoch;
    t->clock = c->clock;
    t->step = c->epoch * t->per_epoch;
    t->setup.progress->samples_done += c->epoch * t->setup.train_count;
    return 0;
}
