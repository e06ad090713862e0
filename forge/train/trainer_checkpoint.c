/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/train/checkpoint.h"
#include "forge/train/trainer_state.h"
#include "sparse/graph/connections.h"

/* The arrays of a checkpoint in their order, and where they are here. */
struct arrays {
    uint32_t count;
    const char *names[CHECKPOINT_ARRAYS_MAX];
    float *data[CHECKPOINT_ARRAYS_MAX];
    uint64_t lengths[CHECKPOINT_ARRAYS_MAX];
};

static void add_array(struct arrays *arrays, const struct trainer *t, const char *name, float *data)
{
    arrays->names[arrays->count] = name;
    arrays->lengths[arrays->count] = t->parameters.length;
    arrays->data[arrays->count++] = data;
}

/* Of this training, or of the one beside it. */
static void list_arrays(struct arrays *arrays, const struct trainer *t, bool beside)
{
    static const char *const values[] = { "values", "adversary" }, *const best[] = { "best", "adversary_best" };
    static const char *const slots[][OPTIMIZER_SLOTS_MAX] = { { "slot0", "slot1" },
                                                              { "adversary_slot0", "adversary_slot1" } };

    add_array(arrays, t, values[beside], t->setup.model->parameters);
    for (unsigned i = 0; i < MIN(t->optimizer->slots, OPTIMIZER_SLOTS_MAX); i++)
        add_array(arrays, t, slots[beside][i], t->slots[i]);
    if (t->best)
        add_array(arrays, t, best[beside], t->best);
    if (t->average)
        add_array(arrays, t, "average", t->average);
}

static struct arrays arrays_of(const struct trainer *t)
{
    struct arrays arrays = { .count = 0 };

    list_arrays(&arrays, t, false);
    if (t->setup.beside)
        list_arrays(&arrays, t->setup.beside, true);
    return arrays;
}

/* What has become no number is nothing to go on from, and the file before it is. */
static bool is_finite(const struct checkpoint *c)
{
    for (uint32_t i = 0; i < c->array_count; i++) {
        for (uint64_t k = 0; k < c->arrays[i].length; k++) {
            if (!isfinite(c->arrays[i].data[k]))
                return false;
        }
    }
    return true;
}

/* Which connections there are, and which the best epoch had: in *places, which is freed with free(). -ENOMEM. */
static int list_places(const struct trainer *t, struct checkpoint *c, uint64_t **places)
{
    *places = NULL;
    if (!t->setup.recipe->regrowth.method)
        return 0;
    *places = connections_array(&t->parameters);
    if (!*places)
        return -ENOMEM;
    connections_save(t->setup.model, &t->parameters, *places);
    c->places[c->places_count++] = (struct checkpoint_places){ "places", *places };
    if (t->best_places)
        c->places[c->places_count++] = (struct checkpoint_places){ "best_places", t->best_places };
    return 0;
}

void trainer_keep(struct trainer *t, const struct trainer_result *result)
{
    const struct arrays arrays = arrays_of(t);
    struct trainer_result here = *result;
    struct checkpoint c = { .run = t->setup.run,
                            .epoch = result->epochs,
                            .tally = t->tally,
                            .clock = t->clock,
                            .labels = t->setup.labels,
                            .label_count = t->setup.label_count,
                            .has_beside = t->setup.beside != NULL,
                            .array_count = arrays.count,
                            .length = t->parameters.length };
    cleanup_free uint64_t *places = NULL;
    struct reason why;
    int failed;

    if (ranks_rank(t->setup.ranks)) /* the first keeps what all have */
        return;
    if (c.has_beside)
        c.beside = t->setup.beside->tally;
    here.seconds = trainer_seconds(t);
    c.result = trainer_result_json(&here);
    for (uint32_t i = 0; i < c.array_count; i++)
        c.arrays[i] = (struct checkpoint_array){ arrays.names[i], arrays.data[i], arrays.lengths[i] };
    t->kept_ns = clock_ns();
    if (!c.result || list_places(t, &c, &places))
        failed = refuse_errno(&why, -ENOMEM, "%s", t->setup.checkpoint);
    else
        failed = is_finite(&c) ? checkpoint_write(&c, t->setup.checkpoint, &why) : 0;
    json_decref(c.result);
    if (failed)
        warn_user("train", "no checkpoint after %llu steps: %s", (unsigned long long)t->step, why.text);
}

/* Whether this run could have written it: between two steps, and with a best epoch where there has been one. */
static bool place_fits(const struct trainer *t, const struct checkpoint *c, const struct trainer_result *result)
{
    uint64_t samples = c->tally.samples, count = t->setup.train_count;

    return c->epoch <= t->setup.recipe->epochs && samples <= count &&
           (samples == count || samples % t->setup.recipe->batch == 0) &&
           (c->epoch < t->setup.recipe->epochs || !samples) && result->validated == (t->best && c->epoch) &&
           c->has_beside == (t->setup.beside != NULL);
}

/* The connections of the checkpoint can be this run's. */
static int places_fit(const struct trainer *t, const struct checkpoint *c, struct reason *why)
{
    static const char *const names[CHECKPOINT_PLACES_MAX] = { "places", "best_places" };
    const bool changes = t->setup.recipe->regrowth.method != NULL;
    const uint32_t count = changes ? 1 + (t->best_places != NULL) : 0;
    int result = 0;

    if (c->places_count != count)
        return refuse(why, WISP_E_FORMAT, "connections of %u sets; this run has %u", c->places_count, count);
    for (uint32_t i = 0; !result && i < count; i++) {
        const uint64_t *places = checkpoint_places(c, names[i]);

        /* Of the best epoch there are none before there has been one. */
        if (!places)
            result = refuse(why, WISP_E_FORMAT, "there is no tensor \"%s\"", names[i]);
        else if (i == 0 || c->epoch)
            result = connections_check(t->setup.model, &t->parameters, places, why);
    }
    return result;
}

static int restore_places(struct trainer *t, const struct checkpoint *c, struct reason *why)
{
    const uint64_t *places = checkpoint_places(c, "places"), *best = checkpoint_places(c, "best_places");

    if (!places)
        return 0;
    connections_load(t->setup.model, &t->parameters, places);
    if (best)
        memcpy(t->best_places, best, t->parameters.length * sizeof *best);
    return forward_reconnect(t->forward, why);
}

static int arrays_fit(const struct checkpoint *c, const struct arrays *arrays, struct reason *why)
{
    for (uint32_t i = 0; i < arrays->count; i++) {
        if (!checkpoint_array(c, arrays->names[i], arrays->lengths[i]) || c->array_count != arrays->count)
            return refuse(why, WISP_E_FORMAT, "%u arrays, the first of %llu numbers; this run has %u, \"%s\" of %llu",
                          c->array_count, (unsigned long long)c->length, arrays->count, arrays->names[i],
                          (unsigned long long)arrays->lengths[i]);
    }
    return 0;
}

/* They have made the same steps, one in the midst of the other's. */
static void restore_beside(const struct trainer *t, const struct loss_tally *tally)
{
    struct trainer *beside = t->setup.beside;

    beside->step = t->step;
    beside->clock = t->clock;
    beside->tally = *tally;
}

static int restore(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const struct checkpoint *c = t->setup.resume;
    const struct arrays arrays = arrays_of(t);
    int result = checkpoint_fits(c, t->setup.run, why);

    if (!result)
        result = trainer_result_parse(c->result, out, why);
    if (result)
        return result;
    if (!place_fits(t, c, out))
        return refuse(why, WISP_E_FORMAT, "epoch %llu, sample %llu is no place of this run",
                      (unsigned long long)c->epoch, (unsigned long long)c->tally.samples);
    result = arrays_fit(c, &arrays, why);
    if (!result)
        result = places_fit(t, c, why);
    if (!result)
        result = restore_places(t, c, why);
    if (result)
        return result;
    for (uint32_t i = 0; i < arrays.count; i++)
        memcpy(arrays.data[i], checkpoint_array(c, arrays.names[i], arrays.lengths[i]),
               arrays.lengths[i] * sizeof(float));
    out->epochs = c->epoch;
    t->clock = c->clock;
    t->tally = c->tally;
    t->step = c->epoch * t->per_epoch + (c->tally.samples + t->setup.recipe->batch - 1) / t->setup.recipe->batch;
    t->step = MIN(t->step, t->steps);
    if (t->setup.beside)
        restore_beside(t, &c->beside);
    t->began_ns -= (uint64_t)(out->seconds * (double)NS_PER_S);
    t->setup.progress->samples_done += c->epoch * t->setup.train_count + c->tally.samples;
    return 0;
}

int trainer_restore(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const char *path = t->setup.resume->path;
    int result = restore(t, out, why);

    return result && path ? refuse_in(why, result, "%s", path) : result;
}

int trainer_take_back(struct trainer *t, struct trainer_result *out)
{
    struct checkpoint c = CHECKPOINT_NULL;
    struct reason why;
    int result = t->setup.checkpoint ? checkpoint_read(t->setup.checkpoint, &c, &why) : -ENOENT;

    if (!result) {
        t->setup.resume = &c;
        result = trainer_restore(t, out, &why);
        t->setup.resume = NULL;
    }
    checkpoint_deinit(&c);
    return result;
}
