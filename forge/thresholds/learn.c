/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/thresholds/choose.h"
#include "forge/thresholds/learn.h"
#include "forge/train/evaluate.h"
#include "sparse/passes/forward.h"

enum { BATCH = 128 };

_Static_assert((int)THRESHOLD_ONE == (int)MODEL_THRESHOLD_ONE, "thousandths of one kind");

struct counting {
    const struct dataset *data;
    struct threshold_counts *counts;
    size_t labels;
};

static bool has(const struct dataset *data, uint32_t sample, uint32_t label)
{
    for (uint64_t i = data->set_starts[sample]; i < data->set_starts[sample + 1]; i++) {
        if (data->set[i] == label)
            return true;
    }
    return false;
}

static int count_answers(void *user, const uint32_t *which, size_t count, const float *output)
{
    const struct counting *c = user;

    for (size_t l = 0; l < c->labels; l++) {
        for (size_t i = 0; i < count; i++)
            threshold_count(&c->counts[l], output[l * count + i], has(c->data, which[i], (uint32_t)l));
    }
    return 0;
}

static int ask(const struct model *model, const struct threshold_samples *s, struct counting *counting,
               struct reason *why)
{
    struct loss_batch loss = LOSS_BATCH_NULL;
    struct forward_setup setup = { .model = model, .kernels = s->kernels, .batch = BATCH, .pool = s->pool };
    struct evaluator evaluator = { .model = model,
                                   .batches = s->batches,
                                   .loss = &loss,
                                   .pool = s->pool,
                                   .watch = count_answers,
                                   .watcher = counting };
    struct evaluation e;
    int result = 0;

    if (batches_are_sparse(s->batches) && forward_takes_sparse(model)) {
        setup.mode = LAYER_EVALUATE;
        setup.sparse_input = true;
    }
    if (loss_batch_init(&loss, s->loss, model_output(model), BATCH))
        result = refuse_errno(why, -ENOMEM, "thresholds");
    if (!result)
        result = forward_new(&setup, &evaluator.forward, why);
    if (!result)
        result = evaluate(&evaluator, s->which, s->count, &e, why);
    if (!result)
        evaluation_deinit(&e);
    forward_free(evaluator.forward);
    loss_batch_deinit(&loss);
    return result;
}

bool thresholds_are_wanted(const struct model *model, const struct threshold_samples *samples)
{
    return samples->count && samples->loss->targets == TARGETS_SET && samples->data->set_starts && model->label_count &&
           model->label_count == shape_elements(model_output(model));
}

int thresholds_learn(struct model *model, const struct threshold_samples *samples, struct reason *why)
{
    const size_t labels = model->label_count;
    cleanup_free struct threshold_counts *counts = memory_zalloc(labels, sizeof *counts);
    cleanup_free uint32_t *thresholds = memory_alloc(labels, sizeof *thresholds);
    struct counting counting = { .data = samples->data, .counts = counts, .labels = labels };
    int result = counts && thresholds ? ask(model, samples, &counting, why) : refuse_errno(why, -ENOMEM, "thresholds");

    free(model->thresholds);
    model->thresholds = NULL;
    if (result)
        return result;
    result = thresholds_choose(counts, labels, thresholds);
    if (!result)
        model->thresholds = steal(&thresholds);
    return result == -ENOMEM ? refuse_errno(why, result, "thresholds") : 0;
}
