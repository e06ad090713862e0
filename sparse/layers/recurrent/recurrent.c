/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/recurrent/recurrent.h"
#include "sparse/layers/step.h"

const char *const recurrent_directions[] = { "forward", "backward", NULL };

enum { SAMPLES = 8, COLUMNS = 16 }; /* that a part has at least, but for the last */

int recurrent_plan(const double *parameters, const struct shape *inputs, uint32_t input_count,
                   const struct recurrent_form *form, struct layer_plan *out, struct reason *why)
{
    const uint64_t hidden = (uint64_t)parameters[RECURRENT_NEURONS], rows = form->gates * hidden;
    int result = plan_rank(&inputs[0], 2, "features, frames", why);

    if (result)
        return result;
    if (input_count > 1 && shape_elements(&inputs[1]) != form->state)
        return refuse(why, WISP_E_FORMAT, "its state, the second input, has %llu numbers, and must have %u",
                      (unsigned long long)shape_elements(&inputs[1]), form->state);
    *out = (struct layer_plan){ .shape = shape_make(2, form->width, inputs[0].dimension[1], 0),
                                .inputs = inputs[0].dimension[0] + hidden,
                                .outputs = rows,
                                .kernel_height = 1,
                                .kernel_width = 1,
                                .recurrent = hidden,
                                .uses = inputs[0].dimension[1],
                                .vectors = { rows } };
    return 0;
}

int recurrent_prepare(const struct layer_setup *setup, const struct recurrent_room *room, struct layer_needs *needs,
                      struct reason *why)
{
    const uint64_t frames = setup->inputs[0].dimension[1], columns = setup->plan->inputs;
    const bool train = setup->mode == LAYER_TRAIN;
    /* Even, so that a part's share begins at a cache line. */
    uint64_t floats = MAX(room->forward, train ? room->backward : 0), join = 0, saved = 0;

    floats += floats & 1;
    if (train && (!size_multiply(columns, frames, &join) || !size_multiply(room->saved, frames, &saved)))
        saved = UINT64_MAX;
    if (!size_multiply(MAX(floats, join), sizeof(float), &needs->scratch) ||
        !size_multiply(needs->scratch, setup->batch, &needs->scratch) ||
        !size_multiply(saved, sizeof(float), &needs->saved) ||
        !size_multiply(needs->saved, setup->batch, &needs->saved))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

struct recurrence recurrence_of(const struct layer_run *run)
{
    const double *parameters = run->layer->parameters;
    const uint32_t frames = run->in[0]->shape.dimension[1];
    unsigned long long begin, end, first = 0, past = frames;

    pool_share(run->out->batch, SAMPLES, run->part, run->parts, &begin, &end);
    if (run->stretches)
        pool_share(frames, 1, run->stretch, run->stretches, &first, &past);
    return (struct recurrence){ .inputs = run->in[0]->shape.dimension[0],
                                .hidden = (uint32_t)parameters[RECURRENT_NEURONS],
                                .frames = frames,
                                .backward = parameters[RECURRENT_DIRECTION] != 0,
                                .batch = run->out->batch,
                                .begin = begin,
                                .samples = end - begin,
                                .first = (uint32_t)first,
                                .past = (uint32_t)past };
}

float *recurrence_scratch(const struct recurrence *r, void *scratch, uint64_t floats)
{
    return (float *)scratch + r->begin * (floats + (floats & 1));
}

/* ---- frames ---- */

/* Where the part's samples of a row at a frame begin. */
static size_t frame_place(const struct recurrence *r, struct frame frame, size_t row)
{
    return (row * frame.frames + frame.at) * r->batch + r->begin;
}

void frame_take(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *to)
{
    for (size_t row = 0; row < rows; row++) {
        const float *place = from + frame_place(r, frame, row);

        for (size_t s = 0; s < r->samples; s++)
            to[row * r->samples + s] = place[s];
    }
}

void frame_give(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *to)
{
    for (size_t row = 0; row < rows; row++) {
        float *place = to + frame_place(r, frame, row);

        for (size_t s = 0; s < r->samples; s++)
            place[s] = from[row * r->samples + s];
    }
}

void frame_add(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *sum)
{
    for (size_t row = 0; row < rows; row++) {
        const float *place = from + frame_place(r, frame, row);

        for (size_t s = 0; s < r->samples; s++)
            sum[row * r->samples + s] += place[s];
    }
}

/* Where a sequence's state is before this step; NULL: it is zeroes. */
static const float *step_state(const struct layer_run *run, size_t sample)
{
    if (run->step->positions[sample])
        return step_kept(run, sample);
    return run->layer->input_count > 1 ? step_whole(run, 1, sample) : NULL;
}

static void resume(const struct recurrence *r, const struct layer_run *run, size_t row, size_t rows, float *to)
{
    for (size_t s = 0; s < r->samples; s++) {
        const float *state = step_state(run, r->begin + s);

        for (size_t i = 0; i < rows; i++)
            to[i * r->samples + s] = state ? state[row + i] : 0;
    }
}

void recurrence_keep(const struct recurrence *r, const struct layer_run *run, size_t row, size_t rows,
                     const float *from)
{
    for (size_t s = 0; run->step && s < r->samples; s++) {
        float *kept = step_kept(run, r->begin + s) + row;

        for (size_t i = 0; i < rows; i++)
            kept[i] = from[i * r->samples + s];
    }
}

int recurrent_step_plan(const struct layer_step_setup *setup, uint64_t floats, uint64_t *kept, struct reason *why)
{
    if (setup->layer->parameters[RECURRENT_DIRECTION] != 0)
        return refuse(why, WISP_E_FORMAT, "it goes from the last position to the first");
    if (setup->whole[0])
        return refuse(why, WISP_E_FORMAT, "its input 1 does not go along the sequence");
    if (setup->layer->input_count > 1 && !setup->whole[1])
        return refuse(why, WISP_E_FORMAT, "its state to begin with goes along the sequence");
    *kept = floats * sizeof(float);
    return 0;
}

void recurrence_begin(const struct recurrence *r, const struct layer_run *run, size_t row, size_t rows, float *to)
{
    if (run->step)
        resume(r, run, row, rows, to);
    else if (run->layer->input_count > 1)
        frame_take(r, (struct frame){ 0, 1 }, run->in[1]->data + row * r->batch, rows, to);
    else
        memset(to, 0, rows * r->samples * sizeof *to);
}

void recurrence_send(const struct recurrence *r, const struct layer_back *back, size_t row, size_t rows,
                     const float *gradient)
{
    const struct layer_run *run = &back->run;

    if (run->layer->input_count < 2 || !back->in_gradient[1])
        return;
    for (size_t i = 0; i < rows; i++) {
        float *to = back->in_gradient[1] + (row + i) * r->batch + r->begin;

        if (back->accumulate[1])
            run->kernels->add(to, gradient + i * r->samples, r->samples);
        else
            memcpy(to, gradient + i * r->samples, r->samples * sizeof *to);
    }
}

/* ---- the rest of the backward pass ---- */

/* A part's columns of [first, past). */
static void share_columns(const struct layer_run *run, uint32_t first, uint32_t past, uint32_t *begin, uint32_t *end)
{
    unsigned long long from, to;

    pool_share(run->layer->weight.columns, COLUMNS, run->part, run->parts, &from, &to);
    *begin = (uint32_t)MIN(MAX(from, (unsigned long long)first), (unsigned long long)past);
    *end = (uint32_t)MIN(MAX(to, (unsigned long long)*begin), (unsigned long long)past);
}

void recurrent_join_inputs(const struct layer_back *back, const struct recurrence *r, const float *sums)
{
    const struct layer_run *run = &back->run;
    const size_t columns = r->frames * r->batch;
    float *in_gradient = back->in_gradient[0], *into = back->accumulate[0] ? run->scratch : in_gradient;
    unsigned long long first, past;
    uint32_t begin, end;

    share_columns(run, 0, r->inputs, &begin, &end);
    run->kernels->spmm_backward(&run->layer->weight, run->in[0]->data, sums, into, back->weight_gradient, columns,
                                begin, end);
    if (back->accumulate[0])
        run->kernels->add(in_gradient + begin * columns, into + begin * columns, (end - begin) * columns);
    if (back->vector_gradient[0]) {
        pool_share(run->layer->weight.rows, COLUMNS, run->part, run->parts, &first, &past);
        run->kernels->row_sums(sums, back->vector_gradient[0], columns, (uint32_t)first, (uint32_t)past);
    }
}

/* A hidden neuron at every frame, as the frame saw it: as it was after the one before. */
static void fill_before(const struct layer_run *run, const struct recurrence *r, uint32_t neuron, float *to)
{
    const float *after = run->out->data + (size_t)neuron * r->frames * r->batch;

    for (uint32_t step = 0; step < r->frames; step++) {
        float *at = to + recurrence_frame(r, step) * r->batch;

        if (step)
            memcpy(at, after + recurrence_frame(r, step - 1) * r->batch, r->batch * sizeof *at);
        else if (run->layer->input_count > 1)
            memcpy(at, run->in[1]->data + neuron * r->batch, r->batch * sizeof *at);
        else
            memset(at, 0, r->batch * sizeof *at);
    }
}

struct csr recurrent_rows(const struct layer_run *run, uint32_t begin, uint32_t end)
{
    struct csr rows = run->layer->weight;

    rows.starts += begin;
    rows.rows = end - begin;
    return rows;
}

void recurrent_join_hidden(const struct layer_back *back, const struct recurrence *r, const float *sums,
                           const struct recurrent_part *part)
{
    const struct layer_run *run = &back->run;
    const size_t columns = r->frames * r->batch;
    const struct csr rows = recurrent_rows(run, part->begin, part->end);
    float *x = run->scratch; /* a row for each column of the weight; those of inputs are another's */
    uint32_t begin, end;

    share_columns(run, r->inputs, rows.columns, &begin, &end);
    for (uint32_t c = begin; c < end; c++) {
        if (part->seen)
            memcpy(x + c * columns, part->seen + (c - r->inputs) * columns, columns * sizeof *x);
        else
            fill_before(run, r, c - r->inputs, x + c * columns);
    }
    run->kernels->spmm_backward(&rows, x, sums + part->begin * columns, NULL, back->weight_gradient, columns, begin,
                                end);
}
