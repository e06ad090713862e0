/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass as the daemon runs it: from samples of clients to their answers, in slices; and a step of sequences,
 * which is the layers alone.
 *
 * A step is the inputs, a layer, or the outputs. One that takes longer than a slice is cut into pieces, which run one
 * after the other, and on a pool each piece into a part for each thread: what a part computes does not depend on how
 * many there are (layer.h), and each has its thread's scratch for itself in its time.
 *
 * On a pool all threads walk through a slice by themselves, and meet between two steps, or at its end where each has
 * samples of its own (replicas.h). What comes next follows from the plan, its times and where the slice began, which
 * nobody writes meanwhile, so they agree (docs/design/shards.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/passes/bags.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/pooled.h"
#include "sparse/passes/replicas.h"
#include "sparse/passes/samples.h"

/* More are never needed: a layer of ten seconds in slices of 500 us has 20,000. */
enum { PARTS_MAX = 1 << 20, ELEMENTS_GRAIN = 64, QUICK_NS = 5000000 };

/* One thread's time below which a step is not worth a cache line's way between two. */
enum { SHARED_NS = 100 };

/* Samples go one after the other where that saves more than so little a part of the time. */
enum { APART_GAIN = 16 };

/* What one thread of so many computes of a step at once. */
struct portion {
    unsigned number, count;
    unsigned thread, threads;
};

/* ---- a part of a step ---- */

/* Whether the caller's memory is the value: of one sample of floats, whether others come before and after it or not. */
static bool is_in_place(const struct model_tensor *tensor, size_t count)
{
    return count == 1 && tensor->dtype == DTYPE_FLOAT32;
}

/* The callers' pointers from the first sample on that is computed now, of each as many as the pass is given. */
static const void *const *inputs_now(const struct forward *forward, uint32_t *given)
{
    const struct signature *signature = &forward->setup.model->signature;

    *given = 0;
    for (uint32_t i = 0; i < signature->input_count; i++)
        *given += forward_has_value(&forward->setup, i);
    return forward->serving.inputs + forward->serving.first * *given;
}

static void *const *outputs_now(const struct forward *forward)
{
    return forward->serving.outputs + forward->serving.first * forward->setup.model->signature.output_count;
}

static void share_elements(const struct model_tensor *tensor, const struct portion *portion, uint64_t *first,
                           uint64_t *past)
{
    unsigned long long begin, end;

    pool_share(shape_elements(&tensor->shape), ELEMENTS_GRAIN, portion->number * portion->threads + portion->thread,
               portion->count * portion->threads, &begin, &end);
    *first = begin;
    *past = end;
}

static void take_inputs(const struct forward *forward, const struct portion *portion)
{
    const struct signature *signature = &forward->setup.model->signature;
    const struct serving *serving = &forward->serving;
    const void *const *next;
    uint32_t given;

    if (serving->bags)
        return;
    next = inputs_now(forward, &given);
    for (uint32_t i = 0; i < signature->input_count; i++) {
        struct samples_in samples = { next, given, serving->count, 0, 0 };

        if (!forward_has_value(&forward->setup, i))
            continue;
        next++;
        share_elements(&signature->inputs[i], portion, &samples.begin, &samples.end);
        if (!is_in_place(&signature->inputs[i], serving->count))
            samples_gather(forward->setup.kernels, &signature->inputs[i], &samples, forward->values[i].data);
    }
}

static void give_outputs(const struct forward *forward, const struct portion *portion)
{
    const struct signature *signature = &forward->setup.model->signature;
    const struct serving *serving = &forward->serving;

    for (uint32_t i = 0; i < signature->output_count; i++) {
        const struct model_tensor *output = &signature->outputs[i];
        struct samples_out samples = { outputs_now(forward) + i, signature->output_count, serving->count, 0, 0 };

        share_elements(output, portion, &samples.begin, &samples.end);
        if (!is_in_place(output, serving->count))
            samples_scatter(forward->setup.kernels, output, forward->values[output->value].data, &samples);
    }
}

static void run_layer(const struct forward *forward, uint32_t layer, const struct portion *portion)
{
    struct layer_call call;
    struct layer_run *run = &call.run;

    if (!forward_calls_layer(forward, layer))
        return;
    forward_call(forward, layer, LAYER_SERVE, &call);
    run->part = portion->thread;
    run->parts = portion->threads;
    workspace_lend_part(call.workspace, run);           /* the thread's, whichever part of it is next */
    if (run->layer->kind->in_time && !forward->steps) { /* a part of the samples may take as long as it likes */
        run->stretch = portion->number;
        run->stretches = portion->count;
    } else {
        run->part += portion->number * portion->threads;
        run->parts *= portion->count;
    }
    call.function(run);
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

static void run_step(const struct forward *forward, uint32_t step, const struct portion *portion)
{
    if (!step)
        take_inputs(forward, portion);
    else if (step <= forward->setup.model->layer_count)
        run_layer(forward, step - 1, portion);
    else
        give_outputs(forward, portion);
}

/* ---- where values stand ---- */

/* Layers only read inputs, and no other value is planned over one. */
static void place_inputs(struct forward *forward)
{
    const struct signature *signature = &forward->setup.model->signature;
    uint32_t given;
    const void *const *next = inputs_now(forward, &given);

    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (!forward_has_value(&forward->setup, i))
            continue;
        if (forward->serving.bags)
            forward->values[i].samples = (const float *const *)forward->serving.inputs;
        if (is_in_place(&signature->inputs[i], forward->serving.count))
            forward->values[i].data = (float *)(uintptr_t)*next;
        next++;
    }
}

/* What nobody wants any more goes to the plan's own memory. */
static void place_outputs(struct forward *forward)
{
    const struct signature *signature = &forward->setup.model->signature;

    for (uint32_t i = 0; i < signature->output_count; i++) {
        const uint32_t value = signature->outputs[i].value;
        float *there;

        if (!is_in_place(&signature->outputs[i], forward->serving.count))
            continue;
        there = outputs_now(forward)[i];
        forward->values[value].data = there ? there : forward->buffers[forward->buffer_of[value]];
    }
}

/* What the samples that are computed now are read from and written to, where the caller says by now: one that nobody
 * wants any more has it elsewhere from one slice to the next. */
static void place_samples(struct forward *forward)
{
    place_inputs(forward);
    place_outputs(forward);
}

/* From its first step on; where its samples stand each slice asks. */
static void serve_begin(struct forward *forward, const struct serving *serving)
{
    insist(serving->count == 1 || !forward->setup.apart);
    forward->serving = *serving;
    forward_place(forward, serving->count);
}

/* ---- times ---- */

/* Between one sample and many as on a line. */
static uint64_t between(uint64_t one, uint64_t many, size_t count, size_t most)
{
    if (most < 2 || many <= one)
        return MAX(one, most < 2 ? 0 : many);
    return one + (many - one) * (count - 1) / (most - 1);
}

/* On one thread. */
static uint64_t pass_estimate(const struct forward *forward, size_t count)
{
    const struct step_times *times = &forward->times;

    if (times->apart)
        return times->one_all * count;
    return times->one ? between(times->one_all, times->many_all, count, times->count) : 0;
}

uint64_t forward_estimate(const struct forward *forward, size_t count)
{
    const uint64_t ns = pass_estimate(forward, count), from = pooled_from(forward);

    /* More samples never take less, be it that only they are worth several threads. */
    return ns < from ? ns : MAX(ns / MAX(forward->setup.threads, pool_parts(forward->pool)), from);
}

static uint64_t step_estimate(const struct forward *forward, uint32_t step, size_t count)
{
    const struct step_times *times = &forward->times;

    return times->one ? between(times->one[step], times->many[step], count, times->count) : 0;
}

/* Once more, in full, whatever is in it: what a pass takes at most. */
static void begin_again(struct forward *forward)
{
    if (forward->steps) {
        forward_step_begin(forward, forward->steps, forward->serving.count);
        return;
    }
    serve_begin(forward, &(struct serving){ .inputs = forward->serving.inputs,
                                            .outputs = forward->serving.outputs,
                                            .count = forward->serving.count,
                                            .whole = forward->serving.count });
    place_samples(forward);
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

            run_step(forward, i, &(struct portion){ 0, 1, 0, 1 });
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

    times->apart = false;
    if (!one || !many) {
        free(one);
        free(many);
        return -ENOMEM;
    }
    forward->serving.count = 1;
    times->many_all = times->one_all = time_steps(forward, one);
    memcpy(many, one, step_count(forward) * sizeof *many);
    forward->serving.count = count;
    if (count > 1)
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
    struct step_times *times = &forward->times;
    int result;

    forward->serving = (struct serving){ .inputs = inputs, .outputs = outputs, .count = 1 };
    result = take_times(forward, forward->setup.apart ? 1 : count);
    times->apart =
        forward->setup.apart || (!result && !forward->setup.part &&
                                 times->many_all > times->one_all * count + times->one_all * count / APART_GAIN);
    return !result && !forward->setup.part && !forward->along ? replicas_make(forward) : result;
}

bool forward_is_apart(const struct forward *forward)
{
    return forward->times.apart;
}

int forward_step_time(struct forward *forward, const struct layer_step *steps, size_t count)
{
    int result;

    forward->steps = steps;
    result = take_times(forward, count);
    forward->steps = NULL;
    return result;
}

/* ---- a pass begins ---- */

unsigned forward_threads(const struct forward *forward)
{
    return forward->serving.pooled ? pool_parts(forward->pool) : 1;
}

/* How samples go that were to go together. One thread may have them one after the other all the same: of few samples
 * with a stride that is faster. On several, rows that are shared have their values cross between processors, and halve
 * the weights that each reads; samples that are parted do neither. The network, the batch, and how far processors are
 * from each other decide. On one thread nothing is tried that should take more than twice as long: others wait. */
static void choose_way(struct forward *forward, unsigned threads)
{
    struct serving *serving = &forward->serving;
    const size_t whole = serving->whole, each = (whole + threads - 1) / threads;
    uint64_t together, other;

    if (whole < 2 || serving->apart || serving->bags || !forward->trials || !forward->times.one || forward->steps ||
        forward->setup.part || forward->along)
        return;
    together = pass_estimate(forward, whole) / threads;
    other = threads > 1 ? pass_estimate(forward, each) : forward->times.one_all * whole;
    if (threads > 1 ? whole < (size_t)2 * threads || !replicas_suit(forward, whole, threads) : other > 2 * together)
        return;
    serving->trial = &forward->trials[threads > 1][MIN(whole, (size_t)TRIAL_COUNTS - 1)];
    serving->way = trial_next(serving->trial, together / whole, other / whole);
    serving->apart = threads == 1 && serving->way;
}

/* Of the samples that are left as many as go together. */
static void begin_samples(struct forward *forward)
{
    struct serving *serving = &forward->serving;
    const unsigned threads = forward_threads(forward);
    const size_t left = serving->whole - serving->first;
    size_t count;

    serving->abreast = 1;
    if (threads > 1 && (serving->apart ? left >= threads && replicas_suit(forward, threads, threads) : serving->way))
        serving->abreast = threads;
    serving->together = serving->apart ? serving->abreast : left;
    count = serving->together / serving->abreast;
    if (count != serving->count)
        forward_place(forward, count);
    serving->count = count;
    if (serving->abreast > 1)
        replicas_begin(forward);
}

static void place_all(struct forward *forward)
{
    if (forward->steps)
        return;
    place_samples(forward);
    for (unsigned i = 1; i < forward->serving.abreast; i++)
        place_samples(forward->replicas[i - 1]);
}

/* Of the pass that has begun, the way that its samples go. */
static uint64_t serving_estimate(const struct forward *forward)
{
    const struct serving *serving = &forward->serving;

    if (serving->trial && serving->apart)
        return MAX(forward->times.one_all * serving->whole, forward_estimate(forward, serving->whole));
    return forward_estimate(forward, serving->whole);
}

/* Bags are over soon, and stay on one thread. */
void forward_serve_begin(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count)
{
    const bool bags = bags_suit(forward, inputs, count);

    serve_begin(forward,
                &(struct serving){ .inputs = inputs,
                                   .outputs = outputs,
                                   .count = forward->times.apart && !bags ? 1 : count,
                                   .whole = count,
                                   .apart = forward->times.apart && !bags,
                                   .bags = bags,
                                   .pooled = !bags && pooled_is_worth(forward, pass_estimate(forward, count)) });
    choose_way(forward, forward_threads(forward));
    begin_samples(forward);
}

void forward_step_begin(struct forward *forward, const struct layer_step *steps, size_t count)
{
    forward_place(forward, count);
    forward->steps = steps;
    forward->serving = (struct serving){ .count = count,
                                         .whole = count,
                                         .pooled = pooled_is_worth(forward, pass_estimate(forward, count)),
                                         .at = { .step = first_step(forward) } };
    begin_samples(forward);
}

/* ---- a slice of it ---- */

/* What all threads know of a slice; where it ends, the first says. */
struct slice {
    const struct forward *forward;
    size_t count; /* samples that a step is of, by its times */
    uint64_t ns;
    struct progress from, to;
};

static bool is_first(const struct forward *forward, const struct progress *at)
{
    return at->step == first_step(forward) && !at->piece;
}

static bool is_over(const struct forward *forward, const struct progress *at)
{
    return at->step == past_step(forward);
}

/* Whether no samples are left but those that are computed. */
static bool is_last(const struct forward *forward)
{
    return forward->serving.first + forward->serving.together == forward->serving.whole;
}

/* Whether all threads compute it, and not the first alone. */
static bool is_shared(const struct slice *slice, uint32_t step, unsigned threads)
{
    return threads > 1 &&
           (!slice->forward->times.one || step_estimate(slice->forward, step, slice->count) >= SHARED_NS);
}

/* Whether there is nothing to do: another layer ends with this one, or it is none of the pass's. */
static bool is_empty(const struct forward *forward, uint32_t step)
{
    return step && step <= forward->setup.model->layer_count && !forward_calls_layer(forward, step - 1);
}

static void advance(const struct forward *forward, struct progress *at)
{
    if (++at->piece < at->pieces)
        return;
    *at = (struct progress){ .step = at->step + 1 };
    while (is_empty(forward, at->step))
        at->step++;
}

/* A thread's way through it. What a step reads others wrote in the one before. */
static void walk(void *argument, unsigned thread, unsigned threads)
{
    struct slice *slice = argument;
    const struct forward *forward = slice->forward;
    struct progress at = slice->from;
    uint32_t step = at.step;
    bool shared = false;

    for (uint64_t spent = 0; !is_over(forward, &at); advance(forward, &at)) {
        const bool all = is_shared(slice, at.step, threads);
        const uint64_t cost = step_estimate(forward, at.step, slice->count) / (all ? threads : 1);
        const unsigned pieces = at.pieces ? at.pieces : (unsigned)MIN(cost / slice->ns + 1, (uint64_t)PARTS_MAX);

        if (spent && spent + cost / pieces > slice->ns)
            break;
        at.pieces = pieces;
        spent += cost / pieces + 1;
        if (at.step != step && (shared || all))
            pool_meet(forward->pool, thread);
        if (all || !thread)
            run_step(forward, at.step, &(struct portion){ at.piece, at.pieces, thread, all ? threads : 1 });
        step = at.step;
        shared = all;
    }
    if (!thread)
        slice->to = at;
}

/* A thread's way through samples of its own. All of them stop at the same place: they go by the same times. */
static void walk_own(void *argument, unsigned thread, unsigned threads)
{
    struct slice *slice = argument;
    const struct forward *forward = thread ? slice->forward->replicas[thread - 1] : slice->forward;
    struct slice own = { .forward = forward, .count = slice->count, .ns = slice->ns, .from = slice->from };

    (void)threads;
    walk(&own, 0, 1);
    if (!thread)
        slice->to = own.to;
}

/* The pass is through. */
static void learn(struct forward *forward)
{
    const struct serving *serving = &forward->serving;

    if (serving->trial)
        trial_learn(serving->trial, serving->way, serving->spent_ns / serving->whole);
    if (serving->pooled)
        pooled_learn(forward, pass_estimate(forward, serving->whole));
}

/* As much of the samples that are computed together. */
static void run_some(struct forward *forward, uint64_t ns)
{
    struct serving *serving = &forward->serving;
    struct slice slice = { .forward = forward, .ns = ns, .from = serving->at };
    uint64_t begin = 0;

    place_all(forward);
    slice.count = (serving->together + serving->abreast - 1) / serving->abreast;
    if (serving->pooled || serving->trial)
        begin = clock_ns();
    if (serving->pooled)
        pool_run(forward->pool, serving->abreast > 1 ? walk_own : walk, &slice);
    else
        walk(&slice, 0, 1);
    if (begin)
        serving->spent_ns += clock_ns() - begin;
    if (is_over(forward, &slice.to) && is_last(forward))
        learn(forward);
    serving->at = slice.to;
}

/* As much as takes so long; UINT64_MAX: what is left, without cutting it. */
static bool run_slice(struct forward *forward, uint64_t ns)
{
    struct serving *serving = &forward->serving;
    uint64_t spent = 0;

    insist(ns > 0);
    for (;;) {
        const uint64_t cost = serving->at.step == first_step(forward) ? pass_estimate(forward, serving->count) : ns;

        run_some(forward, ns);
        if (!is_over(forward, &serving->at))
            return true;
        if (is_last(forward))
            return false;
        serving->first += serving->together;
        serving->at = (struct progress){ 0 };
        begin_samples(forward);
        spent += MIN(cost, ns - spent);
        if (ns != UINT64_MAX && ns - spent < cost)
            return true;
    }
}

bool forward_serve_slice(struct forward *forward, uint64_t ns)
{
    const bool whole = is_first(forward, &forward->serving.at);

    return run_slice(forward, whole && serving_estimate(forward) <= ns ? UINT64_MAX : ns);
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
    run_slice(forward, UINT64_MAX);
}
