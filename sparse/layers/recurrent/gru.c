/* SPDX-License-Identifier: Apache-2.0
 *
 * gru (Cho et al. 2014): {features, frames} -> {neurons, frames}. A hidden neuron has three rows of the weight, gate by
 * gate, r, z, n: reset, update, candidate. At each frame the rows of n see r h in the place of the hidden neurons h,
 *
 *   r, z = sigmoid(...), n = tanh(...), h = n + z (h - n)
 *
 * from zeroes on, or from the second input.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/layers/recurrent/recurrent.h"

/* SAVED: what sigmoids and tanh made of the sums, then the hidden neurons that the candidate saw. */
enum { GATES = 3, SAVED = GATES + 1 };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t neurons = (uint32_t)parameters[RECURRENT_NEURONS];
    int result =
        recurrent_plan(parameters, inputs, input_count,
                       &(struct recurrent_form){ .gates = GATES, .state = neurons, .width = neurons }, out, why);

    out->blocks = GATES;
    return result;
}

/* A sample's floats of scratch. Forward: what the product reads, its rows, what the candidate saw, and the
 * hidden neurons. */
static uint64_t forward_floats(uint64_t columns, uint64_t hidden)
{
    return columns + (GATES + 2) * hidden;
}

/* Backward: gradients of what a product read; gates; the gradients of their sums; those of hidden neurons; and the
 * hidden neurons before the frame. */
static uint64_t backward_floats(uint64_t columns, uint64_t hidden)
{
    return columns + (2 * GATES + 2) * hidden;
}

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t columns = setup->plan->inputs, hidden = setup->plan->recurrent;

    return recurrent_prepare(setup,
                             &(struct recurrent_room){ .forward = forward_floats(columns, hidden),
                                                       .backward = backward_floats(columns, hidden),
                                                       .saved = SAVED * hidden },
                             needs, why);
}

/* ---- forward ---- */

/* Where the part's rows stand. */
struct work {
    float *x, *read; /* what the product reads: inputs, then hidden neurons, or what is left of them */
    float *gates[GATES], *seen, *hidden;
    size_t count; /* elements of one gate */
};

static struct work work_of(const struct layer_run *run, const struct recurrence *r)
{
    const size_t count = r->hidden * r->samples;
    const uint64_t columns = (uint64_t)r->inputs + r->hidden;
    struct work w = { .x = recurrence_scratch(r, run->scratch, forward_floats(columns, r->hidden)), .count = count };

    w.read = w.x + r->inputs * r->samples;
    for (unsigned g = 0; g < GATES; g++)
        w.gates[g] = w.read + (1 + g) * count;
    w.seen = w.read + (1 + GATES) * count;
    w.hidden = w.seen + count;
    return w;
}

static void step_forward(const struct layer_run *run, const struct work *w, size_t samples)
{
    const struct kernels *kernels = run->kernels;
    const struct product product = { .bias = run->layer->vectors[0].data, .x = w->x, .y = w->gates[0], .n = samples };
    const float *reset = w->gates[0], *keep = w->gates[1], *new = w->gates[2];

    memcpy(w->read, w->hidden, w->count * sizeof *w->read);
    weights_run_block(run->weights, 0, &product);
    weights_run_block(run->weights, 1, &product);
    kernels->sigmoid(reset, w->gates[0], 2 * w->count);
    for (size_t i = 0; i < w->count; i++)
        w->seen[i] = w->read[i] = reset[i] * w->hidden[i];
    weights_run_block(run->weights, 2, &product);
    kernels->tanh(new, w->gates[2], w->count);
    for (size_t i = 0; i < w->count; i++)
        w->hidden[i] = new[i] + keep[i] * (w->hidden[i] - new[i]);
}

static void forward(const struct layer_run *run)
{
    const struct recurrence r = recurrence_of(run);
    const struct work w = work_of(run, &r);

    if (!r.samples)
        return;
    if (recurrence_is_first(&r))
        recurrence_begin(&r, run, 0, r.hidden, w.hidden);
    for (uint32_t step = r.first; step < r.past; step++) {
        const struct frame frame = { recurrence_frame(&r, step), r.frames };

        frame_take(&r, frame, run->in[0]->data, r.inputs, w.x);
        step_forward(run, &w, r.samples);
        frame_give(&r, frame, w.hidden, r.hidden, run->out->data);
        if (run->mode == LAYER_TRAIN) /* gates and what the candidate saw, which are neighbours here and there */
            frame_give(&r, frame, w.gates[0], (size_t)SAVED * r.hidden, run->saved);
    }
    recurrence_keep(&r, run, 0, r.hidden, w.hidden);
}

static int step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why)
{
    return recurrent_step_plan(setup, (uint64_t)setup->layer->parameters[RECURRENT_NEURONS], kept, why);
}

/* ---- backward ---- */

struct work_back {
    float *x, *read; /* gradients of what a product read */
    float *gates[GATES], *sums[GATES];
    float *hidden, *before; /* gradients of hidden neurons; what those were before the frame */
    size_t count;
};

static struct work_back work_back_of(const struct layer_run *run, const struct recurrence *r)
{
    const size_t count = r->hidden * r->samples;
    const uint64_t columns = (uint64_t)r->inputs + r->hidden;
    struct work_back w = { .x = recurrence_scratch(r, run->scratch, backward_floats(columns, r->hidden)),
                           .count = count };

    w.read = w.x + r->inputs * r->samples;
    for (unsigned g = 0; g < GATES; g++) {
        w.gates[g] = w.read + (1 + g) * count;
        w.sums[g] = w.read + (1 + GATES + g) * count;
    }
    w.hidden = w.read + (1 + 2 * GATES) * count;
    w.before = w.hidden + count;
    return w;
}

/* What rows [begin, end) send back to the hidden neurons, given their sums' gradients. */
static void send_back(const struct layer_run *run, const struct recurrence *r, const struct work_back *w,
                      uint32_t begin, uint32_t end)
{
    const struct csr rows = recurrent_rows(run, begin, end);

    run->kernels->spmm_backward(&rows, NULL, w->sums[0] + begin * r->samples, w->x, NULL, r->samples, r->inputs,
                                r->inputs + r->hidden);
}

/* From the gradients of hidden neurons to those of the rows' sums and of the hidden neurons before. */
static void step_back(const struct layer_run *run, const struct recurrence *r, const struct work_back *w)
{
    const struct kernels *kernels = run->kernels;
    const float *reset = w->gates[0], *keep = w->gates[1], *new = w->gates[2];

    for (size_t i = 0; i < w->count; i++) {
        w->sums[1][i] = w->hidden[i] * (w->before[i] - new[i]);
        w->sums[2][i] = w->hidden[i] * (1 - keep[i]);
        w->hidden[i] *= keep[i];
    }
    kernels->tanh_backward(new, w->sums[2], w->sums[2], w->count);
    send_back(run, r, w, 2 * r->hidden, 3 * r->hidden);
    for (size_t i = 0; i < w->count; i++) {
        w->sums[0][i] = w->read[i] * w->before[i];
        w->hidden[i] += w->read[i] * reset[i];
    }
    kernels->sigmoid_backward(reset, w->sums[0], w->sums[0], 2 * w->count);
    send_back(run, r, w, 0, 2 * r->hidden);
    kernels->add(w->hidden, w->read, w->count);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct recurrence r = recurrence_of(run);
    const struct work_back w = work_back_of(run, &r);

    if (!r.samples)
        return;
    memset(w.hidden, 0, w.count * sizeof *w.hidden);
    for (uint32_t step = r.frames; step-- > 0;) {
        const struct frame frame = { recurrence_frame(&r, step), r.frames };

        frame_take(&r, frame, run->saved, (size_t)GATES * r.hidden, w.gates[0]);
        if (step)
            frame_take(&r, (struct frame){ recurrence_frame(&r, step - 1), r.frames }, run->out->data, r.hidden,
                       w.before);
        else
            recurrence_begin(&r, run, 0, r.hidden, w.before);
        frame_add(&r, frame, back->out_gradient, r.hidden, w.hidden);
        step_back(run, &r, &w);
        frame_give(&r, frame, w.sums[0], (size_t)GATES * r.hidden, run->saved);
    }
    recurrence_send(&r, back, 0, r.hidden, w.hidden);
}

/* The sums' gradients stand by now where the gates stood. */
static void backward_join(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct recurrence r = recurrence_of(run);
    const float *sums = run->saved, *seen = sums + GATES * r.hidden * r.frames * r.batch;

    recurrent_join_inputs(back, &r, sums);
    recurrent_join_hidden(back, &r, sums, &(struct recurrent_part){ 0, 2 * r.hidden, NULL });
    recurrent_join_hidden(back, &r, sums, &(struct recurrent_part){ 2 * r.hidden, 3 * r.hidden, seen });
}

const struct layer_kind layer_gru = {
    .name = "gru",
    .inputs_min = 1,
    .inputs_max = 2,
    .weighted = true,
    .flow = FLOW_MIXED,
    .vectors = { { .name = "bias" } },
    .parameters = { [RECURRENT_NEURONS] = { "neurons", 0, 1, 1 << 20, PARAMETER_WHOLE },
                    [RECURRENT_DIRECTION] = { "direction", 0, 0, 1, PARAMETER_ENUM } },
    .words = { [RECURRENT_DIRECTION] = recurrent_directions },
    .in_time = true,
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .step = forward,
    .step_plan = step_plan,
    .backward = backward,
    .backward_join = backward_join,
};
