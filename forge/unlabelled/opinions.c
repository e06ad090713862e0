/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/interrupt.h"
#include "forge/unlabelled/opinions.h"
#include "sparse/passes/forward.h"

/* Epochs of random numbers that no training comes to, so that no pass sees what was trained on. */
enum { PASSES_EPOCH = 1 << 23, ROUND_EPOCHS = 1024 };

struct asking {
    const struct opinions_setup *setup;
    struct recipe noise;
    struct forward *forward;
    size_t classes, max; /* samples of a batch */
    uint32_t *votes;     /* [class][sample] of the batch at hand */
    float *sums;         /* of probabilities, alike; in the order of the passes */
};

/* One pass over a batch, added to what the others said. */
static int ask_once(struct asking *a, const struct batch *batch, struct reason *why)
{
    const struct opinions_setup *s = a->setup;
    const float *p;
    int result = batches_forward(s->batches, batch, a->forward, LAYER_EVALUATE, why);

    if (result)
        return result;
    p = forward_value(a->forward, model_value(s->model, s->model->layer_count - 1));
    for (size_t i = 0; i < batch->count; i++) {
        size_t best = 0;

        for (size_t c = 0; c < a->classes; c++) {
            const size_t at = c * batch->count + i;

            a->sums[at] += p[at];
            best = p[at] > p[best * batch->count + i] ? c : best;
        }
        a->votes[best * batch->count + i]++;
    }
    return 0;
}

static struct opinion opinion_of(const struct asking *a, size_t sample, size_t count)
{
    size_t best = sample;
    struct opinion out = { .class = 0 };

    for (size_t c = 1; c < a->classes; c++) {
        const size_t at = c * count + sample;
        const bool likelier = a->votes[at] == a->votes[best] && a->sums[at] > a->sums[best];

        if (a->votes[at] > a->votes[best] || likelier) {
            best = at;
            out.class = (uint32_t)c;
        }
    }
    out.votes = a->votes[best];
    out.certainty = a->sums[best] / (float)a->setup->passes;
    return out;
}

static int ask_batch(struct asking *a, const uint32_t *which, size_t count, struct opinion *out, struct reason *why)
{
    const struct opinions_setup *s = a->setup;

    memset(a->votes, 0, a->classes * a->max * sizeof *a->votes);
    memset(a->sums, 0, a->classes * a->max * sizeof *a->sums);
    for (uint32_t pass = 0; pass < s->passes; pass++) {
        const struct batch batch = { which, count, &a->noise, PASSES_EPOCH + s->round * ROUND_EPOCHS + pass };
        int result = ask_once(a, &batch, why);

        if (!result && interrupt_wanted())
            result = refuse(why, WISP_E_INTERRUPTED, "interrupted");
        if (result)
            return result;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = opinion_of(a, i, count);
    return 0;
}

static int ask_all(struct asking *a, const uint32_t *which, size_t count, struct opinion *out, struct reason *why)
{
    for (size_t done = 0; done < count;) {
        size_t now = MIN(a->max, count - done);
        int result = ask_batch(a, which + done, now, out + done, why);

        if (result)
            return result;
        done += now;
    }
    return 0;
}

struct recipe opinions_noise(const struct recipe *recipe)
{
    struct recipe noise = *recipe;

    if (!augment_is_on(&noise.augment) && noise.input_dropout == 0)
        noise.input_dropout = OPINION_DROPOUT;
    return noise;
}

int opinions_ask(const struct opinions_setup *s, const uint32_t *which, size_t count, struct opinion *out,
                 struct reason *why)
{
    struct asking a = { .setup = s, .noise = opinions_noise(s->recipe), .max = s->recipe->batch };
    int result;

    a.classes = shape_elements(model_output(s->model));
    a.votes = memory_alloc(a.classes * a.max, sizeof *a.votes);
    a.sums = memory_alloc(a.classes * a.max, sizeof *a.sums);
    result = a.votes && a.sums ? 0 : refuse_errno(why, -ENOMEM, "labelling");
    if (!result)
        result = forward_new(
            &(struct forward_setup){ .model = s->model,
                                     .kernels = s->kernels,
                                     .mode = LAYER_EVALUATE,
                                     .batch = a.max,
                                     .pool = s->pool,
                                     .sparse_input = batches_are_sparse(s->batches) && forward_takes_sparse(s->model) },
            &a.forward, why);
    if (!result)
        result = ask_all(&a, which, count, out, why);
    forward_free(a.forward);
    free(a.votes);
    free(a.sums);
    return result;
}
