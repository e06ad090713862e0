/* SPDX-License-Identifier: Apache-2.0
 *
 * lstm (Hochreiter and Schmidhuber 1997; Gers et al. 2000): {features, frames} -> {neurons, frames}. A hidden neuron
 * has four rows of the weight, gate by gate, i, f, g, o: input, forget, cell, output. At each frame
 *
 *   c = sigmoid(f + forget_bias) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c)
 *
 * from zeroes on, or from the second input: hidden neurons, then cells. The output is of each
 * frame the hidden neurons, or the whole state.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/layers/recurrent/recurrent.h"

enum { OUTPUT = RECURRENT_DIRECTION + 1, FORGET_BIAS };
enum { HIDDEN, STATE };                /* of output */
enum { GATES = 4, SAVED = GATES + 1 }; /* what sigmoids and tanh made of the sums, then the cells */

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t neurons = (uint32_t)parameters[RECURRENT_NEURONS];

    return recurrent_plan(parameters, inputs, input_count,
                          &(struct recurrent_form){ .gates = GATES,
                                                    .state = 2 * neurons,
                                                    .width = parameters[OUTPUT] == STATE ? 2 * neurons : neurons },
                          out, why);
}

/* A sample's floats of scratch. Forward: what the product reads, its rows, cells, and their tanh. */
static uint64_t forward_floats(uint64_t columns, uint64_t hidden)
{
    return columns + (GATES + 2) * hidden;
}

/* Backward: gradients of what a product read; gates; the gradients of their sums; those of cells; cells before the
 * frame, and the tanh of those after it. */
static uint64_t backward_floats(uint64_t columns, uint64_t hidden)
{
    return columns + (2 * GATES + 3) * hidden;
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
    float *x, *hidden; /* what the product reads: inputs, then hidden neurons */
    float *gates[GATES], *cells, *bent;
    size_t count; /* elements of one gate */
};

static struct work work_of(const struct layer_run *run, const struct recurrence *r)
{
    const size_t count = r->hidden * r->samples;
    const uint64_t columns = (uint64_t)r->inputs + r->hidden;
    struct work w = { .x = recurrence_scratch(r, run->scratch, forward_floats(columns, r->hidden)), .count = count };

    w.hidden = w.x + r->inputs * r->samples;
    for (unsigned g = 0; g < GATES; g++)
        w.gates[g] = w.hidden + (1 + g) * count;
    w.cells = w.hidden + (1 + GATES) * count;
    w.bent = w.cells + count;
    return w;
}

/* From the rows' sums to hidden neurons and cells. */
static void step_forward(const struct layer_run *run, const struct work *w)
{
    const struct kernels *kernels = run->kernels;
    const float bias = (float)run->layer->parameters[FORGET_BIAS];
    const float *in = w->gates[0], *keep = w->gates[1], *new = w->gates[2], *show = w->gates[3];

    for (size_t i = 0; i < w->count; i++)
        w->gates[1][i] += bias;
    kernels->sigmoid(in, w->gates[0], 2 * w->count);
    kernels->tanh(new, w->gates[2], w->count);
    kernels->sigmoid(show, w->gates[3], w->count);
    for (size_t i = 0; i < w->count; i++)
        w->cells[i] = keep[i] * w->cells[i] + in[i] * new[i];
    kernels->tanh(w->cells, w->bent, w->count);
    for (size_t i = 0; i < w->count; i++)
        w->hidden[i] = show[i] * w->bent[i];
}

static void forward(const struct layer_run *run)
{
    const struct recurrence r = recurrence_of(run);
    const struct work w = work_of(run, &r);
    const struct product product = { .bias = run->layer->vectors[0].data, .x = w.x, .y = w.gates[0], .n = r.samples };
    float *out = run->out->data, *cells = out + r.hidden * r.frames * r.batch;

    if (!r.samples)
        return;
    if (recurrence_is_first(&r)) {
        recurrence_begin(&r, run, 0, r.hidden, w.hidden);
        recurrence_begin(&r, run, r.hidden, r.hidden, w.cells);
    }
    for (uint32_t step = r.first; step < r.past; step++) {
        const struct frame frame = { recurrence_frame(&r, step), r.frames };

        frame_take(&r, frame, run->in[0]->data, r.inputs, w.x);
        weights_run(run->weights, &product, 0, 1);
        step_forward(run, &w);
        frame_give(&r, frame, w.hidden, r.hidden, out);
        if (run->layer->parameters[OUTPUT] == STATE)
            frame_give(&r, frame, w.cells, r.hidden, cells);
        if (run->mode == LAYER_TRAIN) /* gates and cells, which are neighbours here and there */
            frame_give(&r, frame, w.gates[0], (size_t)SAVED * r.hidden, run->saved);
    }
    recurrence_keep(&r, run, 0, r.hidden, w.hidden);
    recurrence_keep(&r, run, r.hidden, r.hidden, w.cells);
}

static int step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why)
{
    return recurrent_step_plan(setup, 2 * (uint64_t)setup->layer->parameters[RECURRENT_NEURONS], kept, why);
}

/* ---- backward ---- */

struct work_back {
    float *x, *hidden; /* gradients of what a product reads, or gives to the next */
    float *gates[GATES], *sums[GATES];
    float *cell_gradient, *before, *bent;
    size_t count;
};

static struct work_back work_back_of(const struct layer_run *run, const struct recurrence *r)
{
    const size_t count = r->hidden * r->samples;
    const uint64_t columns = (uint64_t)r->inputs + r->hidden;
    struct work_back w = { .x = recurrence_scratch(r, run->scratch, backward_floats(columns, r->hidden)),
                           .count = count };

    w.hidden = w.x + r->inputs * r->samples;
    for (unsigned g = 0; g < GATES; g++) {
        w.gates[g] = w.hidden + (1 + g) * count;
        w.sums[g] = w.hidden + (1 + GATES + g) * count;
    }
    w.cell_gradient = w.hidden + (1 + 2 * GATES) * count;
    w.before = w.cell_gradient + count;
    w.bent = w.before + count;
    return w;
}

/* From the gradients of hidden neurons and cells to those of the rows' sums and of the cells before. */
static void step_back(const struct kernels *kernels, const struct work_back *w)
{
    const float *in = w->gates[0], *keep = w->gates[1], *new = w->gates[2], *show = w->gates[3];
    float *cell = w->cell_gradient;

    for (size_t i = 0; i < w->count; i++) {
        w->sums[3][i] = w->hidden[i] * w->bent[i];
        w->sums[0][i] = w->hidden[i] * show[i];
    }
    kernels->tanh_backward(w->bent, w->sums[0], w->sums[0], w->count);
    for (size_t i = 0; i < w->count; i++) {
        cell[i] += w->sums[0][i];
        w->sums[0][i] = cell[i] * new[i];
        w->sums[1][i] = cell[i] * w->before[i];
        w->sums[2][i] = cell[i] * in[i];
        cell[i] *= keep[i];
    }
    kernels->sigmoid_backward(in, w->sums[0], w->sums[0], 2 * w->count);
    kernels->tanh_backward(new, w->sums[2], w->sums[2], w->count);
    kernels->sigmoid_backward(show, w->sums[3], w->sums[3], w->count);
}

/* Takes what the way forward has left of a frame. */
static void take_frame(const struct layer_run *run, const struct recurrence *r, const struct work_back *w,
                       uint32_t step)
{
    const struct frame frame = { recurrence_frame(r, step), r->frames };
    const float *gates = run->saved, *cells = gates + GATES * r->hidden * r->frames * r->batch;

    frame_take(r, frame, gates, (size_t)GATES * r->hidden, w->gates[0]);
    frame_take(r, frame, cells, r->hidden, w->bent);
    run->kernels->tanh(w->bent, w->bent, w->count);
    if (step)
        frame_take(r, (struct frame){ recurrence_frame(r, step - 1), r->frames }, cells, r->hidden, w->before);
    else
        recurrence_begin(r, run, r->hidden, r->hidden, w->before);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct recurrence r = recurrence_of(run);
    const struct work_back w = work_back_of(run, &r);
    const float *cells = back->out_gradient + r.hidden * r.frames * r.batch;

    if (!r.samples)
        return;
    memset(w.hidden, 0, w.count * sizeof *w.hidden);
    memset(w.cell_gradient, 0, w.count * sizeof *w.cell_gradient);
    for (uint32_t step = r.frames; step-- > 0;) {
        const struct frame frame = { recurrence_frame(&r, step), r.frames };

        take_frame(run, &r, &w, step);
        frame_add(&r, frame, back->out_gradient, r.hidden, w.hidden);
        if (run->layer->parameters[OUTPUT] == STATE)
            frame_add(&r, frame, cells, r.hidden, w.cell_gradient);
        step_back(run->kernels, &w);
        frame_give(&r, frame, w.sums[0], (size_t)GATES * r.hidden, run->saved);
        run->kernels->spmm_backward(&run->layer->weight, NULL, w.sums[0], w.x, NULL, r.samples, r.inputs,
                                    r.inputs + r.hidden);
    }
    recurrence_send(&r, back, 0, r.hidden, w.hidden);
    recurrence_send(&r, back, r.hidden, r.hidden, w.cell_gradient);
}

/* The sums' gradients stand by now where the gates stood. */
static void backward_join(const struct layer_back *back)
{
    const struct recurrence r = recurrence_of(&back->run);

    recurrent_join_inputs(back, &r, back->run.saved);
    recurrent_join_hidden(back, &r, back->run.saved, &(struct recurrent_part){ 0, GATES * r.hidden, NULL });
}

static const char *const outputs[] = { "hidden", "state", NULL };

const struct layer_kind layer_lstm = {
    .name = "lstm",
    .inputs_min = 1,
    .inputs_max = 2,
    .weighted = true,
    .flow = FLOW_MIXED,
    .vectors = { { .name = "bias" } },
    .parameters = { [RECURRENT_NEURONS] = { "neurons", 0, 1, 1 << 20, PARAMETER_WHOLE },
                    [RECURRENT_DIRECTION] = { "direction", 0, 0, 1, PARAMETER_ENUM },
                    [OUTPUT] = { "output", HIDDEN, HIDDEN, STATE, PARAMETER_ENUM },
                    [FORGET_BIAS] = { "forget_bias", 1, 0, 16, PARAMETER_REAL } },
    .words = { [RECURRENT_DIRECTION] = recurrent_directions, [OUTPUT] = outputs },
    .in_time = true,
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .step = forward,
    .step_plan = step_plan,
    .backward = backward,
    .backward_join = backward_join,
};
