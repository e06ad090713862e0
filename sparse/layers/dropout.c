/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout (Srivastava et al. 2014): in training an element is 0 with probability `rate`, and the others are 1 / (1 -
 * rate) as large; else it gives its input. The word that decides on an element of a sample is that of chance.h; going
 * back looks it up again.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/chance.h"
#include "sparse/layers/moving.h"

/* What of an element's samples is kept, and how large. */
struct drop {
    uint64_t below; /* a word below it drops */
    float scale;
    bool add;
};

static void drop_element(const struct layer_run *run, const struct drop *drop, uint64_t element, const float *from,
                         float *to)
{
    const size_t batch = run->out->batch;
    uint32_t words[CHANCE_WORDS];

    for (size_t done = 0; done < batch; done += CHANCE_WORDS) {
        const size_t now = MIN((size_t)CHANCE_WORDS, batch - done);

        chance_words(&run->random, element, done, now, words);
        for (size_t i = 0; i < now; i++) {
            const size_t b = done + i;
            const float kept = words[i] < drop->below ? 0 : from[b] * drop->scale;

            to[b] = drop->add ? to[b] + kept : kept;
        }
    }
}

static void drop_elements(const struct layer_run *run, const float *from, float *to, bool add)
{
    const double rate = run->layer->parameters[0];
    const struct drop drop = { (uint64_t)(rate * 0x1p32), 1 / (1 - (float)rate), add };
    const size_t batch = run->out->batch;
    unsigned long long begin, end;

    pool_share(run->out->elements, 1, run->part, run->parts, &begin, &end);
    for (uint64_t e = begin; e < end; e++)
        drop_element(run, &drop, e, from + e * batch, to + e * batch);
}

static void forward(const struct layer_run *run)
{
    if (run->mode == LAYER_TRAIN)
        drop_elements(run, run->in[0]->data, run->out->data, false);
    else
        move_only_forward(run);
}

static void backward(const struct layer_back *back)
{
    if (back->in_gradient[0])
        drop_elements(&back->run, back->out_gradient, back->in_gradient[0], back->accumulate[0]);
}

const struct layer_kind layer_dropout = { .name = "dropout",
                                          .inputs_min = 1,
                                          .inputs_max = 1,
                                          .follows = true,
                                          .train_only = true,
                                          .in_place = true,
                                          .parameters = { { "rate", 0.1, 0, 0.99, PARAMETER_REAL } },
                                          .plan = plan_same,
                                          .forward = forward,
                                          .backward = backward };
