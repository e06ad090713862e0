/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass as the daemon runs it: from samples of clients to their answers, on one thread, in slices; and a
 * step of sequences, which is the layers alone.
 *
 * A step is the inputs, a layer, or the outputs. One that takes longer than a slice is cut into parts, as for the
 * threads of a pool, which run one after the other: what a part computes does not depend on how many there are
 * (layer.h), and each has its part's scratch for itself in its time.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/samples.h"

/* More are never needed: a layer of ten seconds in slices of 500 us has 20,000. */
enum { PARTS_MAX = 1 << 20, ELEMENTS_GRAIN = 64, QUICK_NS = 5000000 };

/* ---- a part of a step ---- */

/* Whether the caller's memory is the value: one sample of floats. */
static bool is_in_place(const struct model_tensor *tensor, size_t count)
{
    return count == 1 && tensor->dtype == DTYPE_FLOAT32;
}

static void share_elements(const struct model_tensor *tensor, unsigned part, unsigned parts, uint64_t *first,
                           uint64_t *past)
{
    unsigned long long begin, end;

    pool_share(shape_elements(&tensor->shape), ELEMENTS_GRAIN, part, parts, &begin, &end);
    *first = begin;
    *past = end;
}

/* Layers only read inputs, and no other value is planned over one. */
static void take_inputs(struct forward *forward, unsigned part, unsigned parts)
{
    const struct signature *signature = &forward->setup.model->signature;
    const struct serving *serving = &forward->serving;
    uint32_t given = 0, at = 0;

    for (uint32_t i = 0; i < signature->input_count; i++)
        given += forward_has_value(&forward->setup, i);
    for (uint32_t i = 0; i < signature->input_count; i++) {
        struct samples_in samples = { serving->inputs + at, given, serving->count, 0, 0 };

        if (!forward_has_value(&forward->setup, i))
            continue;
        at++;
        share_elements(&signature->inputs[i], part, parts, &samples.begin, &samples.end);
        if (is_in_place(&signature->inputs[i], serving->count))
            forward->values[i].data = (float *)(uintptr_t)samples.at[0];
        else
            samples_gather(&signature->inputs[i], &samples, forward->values[i].data);
    }
}

static void give_outputs(const struct forward *forward, unsigned part, unsigned parts)
{
    const struct signature *signature = &forward->setup.model->signature;
    const struct serving *serving = &forward->serving;

    for (uint32_t i = 0; i < signature->output_count; i++) {
        const struct model_tensor *output = &signature->outputs[i];
        struct samples_out samples = { serving->outputs + i, signature->output_count, serving->count, 0, 0 };

        share_elements(output, part, parts, &samples.begin, &samples.end);
        if (!is_in_place(output, serving->count))
            samples_scatter(output, forward->values[output->value].data, &samples);
    }
}

static void run_layer(const struct forward *forward, uint32_t layer, unsigned part, unsigned parts)
{
    struct layer_call call;

    if (!forward_has_layer(&forward->setup, layer))
        return;
    forward_call(forward, layer, LAYER_SERVE, &call);
    workspace_lend_part(call.workspace, &call.run);         /* as the one part: no other runs at the same time */
    if (call.run.layer->kind->in_time && !forward->steps) { /* a part of the samples may take as long as it likes */
        call.run.stretch = part;
        call.run.stretches = parts;
    } else {
        call.run.part = part;
        call.run.parts = parts;
    }
    call.function(&call.run);
}

static uint32_t step_count(const struct forward *forward)
{
    return forward->setup.model->layer_count + 2;
}

/* Of a step of sequences, inputs are there already, and outputs are read where they are. */
static uint32_t first_step(const struct forward *forward)
{
    return forward->steps ? 1 : 0;
}

static uint32_t past_step(const struct forward *forward)
{
    return step_count(forward) - first_step(forward);
}

static void run_step(struct forward *forward, uint32_t step, unsigned part, unsigned parts)
{
    if (!step)
        take_inputs(forward, part, parts);
    else if (step <= forward->setup.model->layer_count)
        run_layer(forward, step - 1, part, parts);
    else
        give_outputs(forward, part, parts);
}

/* ---- times ---- */

/* Between one sample and many as on a line. */
static uint64_t between(uint64_t one, uint64_t many, size_t count, size_t most)
{
    if (most < 2 || many <= one)
        return MAX(one, most < 2 ? 0 : many);
    return one + (many - one) * (count - 1) / (most - 1);
}

uint64_t forward_estimate(const struct forward *forward, size_t count)
{
    const struct step_times *times = &forward->times;

    return times->one ? between(times->one_all, times->many_all, count, times->count) : 0;
}

static uint64_t step_estimate(const struct forward *forward, uint32_t step, size_t count)
{
    const struct step_times *times = &forward->times;

    return times->one ? between(times->one[step], times->many[step], count, times->count) : 0;
}

static void begin_again(struct forward *forward)
{
    if (forward->steps)
        forward_step_begin(forward, forward->steps, forward->serving.count);
    else
        forward_serve_begin(forward, forward->serving.inputs, forward->serving.outputs, forward->serving.count);
}

/* Once more where that is quick: the first time it brings weights and pages in. */
static uint64_t time_steps(struct forward *forward, uint64_t *steps)
{
    uint64_t all = 0;

    for (unsigned again = 0; !again || (again == 1 && all < QUICK_NS); again++) {
        begin_again(forward);
        all = 0;
        for (uint32_t i = first_step(forward); i < past_step(forward); i++) {
            uint64_t begin = clock_ns();

            run_step(forward, i, 0, 1);
            steps[i] = clock_ns() - begin;
            all += steps[i];
        }
    }
    return all;
}

/* Of what is set up to be served, with one sample, and with `count`. */
static int take_times(struct forward *forward, size_t count)
{
    uint64_t *one = calloc(step_count(forward), sizeof *one), *many = calloc(step_count(forward), sizeof *many);
    struct step_times *times = &forward->times;

    if (!one || !many) {
        free(one);
        free(many);
        return -ENOMEM;
    }
    forward->serving.count = 1;
    times->one_all = time_steps(forward, one);
    forward->serving.count = count;
    times->many_all = time_steps(forward, many);
    times->count = count;
    free(times->one);
    free(times->many);
    times->one = one;
    times->many = many;
    return 0;
}

int forward_time(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count)
{
    forward->serving = (struct serving){ inputs, outputs, 1, 0, 0, 0 };
    return take_times(forward, count);
}

int forward_step_time(struct forward *forward, const struct layer_step *steps, size_t count)
{
    int result;

    forward->steps = steps;
    result = take_times(forward, count);
    forward->steps = NULL;
    return result;
}

/* ---- running ---- */

void forward_serve_begin(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count)
{
    const struct signature *signature = &forward->setup.model->signature;

    forward->serving = (struct serving){ inputs, outputs, count, 0, 0, 0 };
    forward_place(forward, count);
    for (uint32_t i = 0; i < signature->output_count; i++) {
        if (is_in_place(&signature->outputs[i], count))
            forward->values[signature->outputs[i].value].data = outputs[i];
    }
}

void forward_step_begin(struct forward *forward, const struct layer_step *steps, size_t count)
{
    forward_place(forward, count);
    forward->steps = steps;
    forward->serving = (struct serving){ NULL, NULL, count, first_step(forward), 0, 0 };
}

static bool is_over(const struct forward *forward)
{
    return forward->serving.step == past_step(forward);
}

/* What is left of it, without a look at times. */
static void run_rest(struct forward *forward)
{
    struct serving *serving = &forward->serving;

    for (; !is_over(forward); serving->step++)
        run_step(forward, serving->step, 0, 1);
}

/* The next part of a step that takes `cost`. */
static void run_part_of(struct forward *forward, uint64_t cost, uint64_t ns)
{
    struct serving *serving = &forward->serving;

    if (!serving->parts)
        serving->parts = (unsigned)MIN(cost / ns + 1, (uint64_t)PARTS_MAX);
    run_step(forward, serving->step, serving->part, serving->parts);
    if (++serving->part < serving->parts)
        return;
    serving->part = serving->parts = 0;
    serving->step++;
}

bool forward_serve_slice(struct forward *forward, uint64_t ns)
{
    struct serving *serving = &forward->serving;
    uint64_t spent = 0;

    if (serving->step == first_step(forward) && !serving->part && forward_estimate(forward, serving->count) <= ns) {
        run_rest(forward);
        return false;
    }
    while (!is_over(forward)) {
        const uint64_t cost = step_estimate(forward, serving->step, serving->count);
        const uint64_t piece = cost / (serving->parts ? serving->parts : cost / ns + 1);

        if (spent && spent + piece > ns)
            break;
        run_part_of(forward, cost, ns);
        spent += piece + 1;
    }
    return !is_over(forward);
}

bool forward_step_slice(struct forward *forward, uint64_t ns)
{
    const bool more = forward_serve_slice(forward, ns);

    if (!more)
        forward->steps = NULL;
    return more;
}

void forward_serve(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count)
{
    forward_serve_begin(forward, inputs, outputs, count);
    run_rest(forward);
}
