/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/train/trainer_state.h"

/* ---- what ranks share ---- */

size_t trainer_share(const struct trainer *t, size_t count, size_t *begin)
{
    unsigned long long first, past;

    pool_share(count, 1, ranks_rank(t->setup.ranks), ranks_count(t->setup.ranks), &first, &past);
    *begin = first;
    return past - first;
}

/* The sums so far are the first rank's, so that one rank adds sample by sample to them. */
void trainer_tally(struct trainer *t, size_t count)
{
    struct loss_tally sum = { .samples = 0 };

    if (!ranks_rank(t->setup.ranks))
        sum = t->tally;
    loss_add(&t->batch, count, &sum);
    loss_join(&sum, t->setup.ranks);
    t->tally = sum;
}

int trainer_compare(const struct trainer *t, struct reason *why)
{
    const float *values = t->setup.model->parameters;
    uint64_t own = 0, first;

    for (uint64_t i = 0; t->setup.ranks && i < t->parameters.length; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        own = own * 0x100000001b3 + bits;
    }
    first = own;
    ranks_copy(t->setup.ranks, 0, &first, sizeof first);
    if (first == own)
        return t->setup.beside ? trainer_compare(t->setup.beside, why) : 0;
    return refuse(why, WISP_E_FORMAT,
                  "after %llu steps the weights are no longer the first rank's; do all machines have the same wisp and "
                  "libraries?",
                  (unsigned long long)t->step);
}

/* ---- the gradient's norm ---- */

enum { NORM_BLOCK = 4096, NORM_LANES = 8 };

/* Of the squares: one sum for every eighth element, and those in their order. */
static double sum_block(const float *gradient, uint64_t count)
{
    double lanes[NORM_LANES] = { 0 }, sum = 0;
    uint64_t i = 0;

    for (; i + NORM_LANES <= count; i += NORM_LANES) {
        for (unsigned k = 0; k < NORM_LANES; k++)
            lanes[k] += (double)gradient[i + k] * (double)gradient[i + k];
    }
    for (unsigned k = 0; k < NORM_LANES; k++)
        sum += lanes[k];
    for (; i < count; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    return sum;
}

static void norm_part(void *argument, unsigned part, unsigned parts)
{
    struct trainer *t = argument;
    unsigned long long begin, end;

    pool_share(t->parameters.length, NORM_BLOCK, part, parts, &begin, &end);
    for (uint64_t i = begin; i < end; i += NORM_BLOCK)
        t->norms[i / NORM_BLOCK] = sum_block(t->gradient + i, MIN(end - i, (uint64_t)NORM_BLOCK));
}

uint64_t trainer_norm_blocks(const struct parameters *parameters)
{
    return (parameters->length + NORM_BLOCK - 1) / NORM_BLOCK;
}

/* What the gradient's sum is multiplied by: the mean, and no longer than --clip wants it. What has no gradient is 0 in
 * the array. */
static float clip(struct trainer *t, float scale)
{
    double sum = 0, norm;

    if (!t->norms)
        return scale;
    pool_run(t->setup.pool, norm_part, t);
    for (uint64_t i = 0; i < trainer_norm_blocks(&t->parameters); i++)
        sum += t->norms[i];
    norm = sqrt(sum) * (double)scale;
    return norm > t->setup.recipe->clip ? (float)((double)scale * (t->setup.recipe->clip / norm)) : scale;
}

/* ---- one step of all parameters, shared among the pool ---- */

struct move {
    const struct trainer *trainer;
    struct optimizer_step step;
    double rate;
};

/* What differs from run to run. Biases do not decay: they cost no connection, and pulling them to 0 only shifts the
 * neurons. */
static struct optimizer_step step_of_run(const struct move *move, const struct parameter_run *run)
{
    const struct trainer *t = move->trainer;
    const struct csr *w = &t->setup.model->layers[run->layer].weight;
    struct optimizer_step step = move->step;

    step.rate = (float)move->rate;
    if (run->connections) {
        double density = (double)w->count / ((double)w->rows * (double)w->columns);

        step.rate = (float)(move->rate * rate_by_density(t->setup.recipe->by_density, density));
        step.decay = (float)t->setup.recipe->decay;
    }
    return step;
}

/* A part owns a stretch of the arrays, and moves what of each run lies in it. */
static void move_part(void *argument, unsigned part, unsigned parts)
{
    const struct move *move = argument;
    const struct trainer *t = move->trainer;
    unsigned long long begin, end;

    pool_share(t->parameters.length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint32_t i = 0; i < t->parameters.run_count; i++) {
        const struct parameter_run *run = &t->parameters.runs[i];
        uint64_t from = MAX(begin, run->begin), to = MIN(end, run->begin + run->count);
        float *slots[OPTIMIZER_SLOTS_MAX] = { NULL };
        struct optimizer_step step;

        if (from >= to || !run->trained)
            continue;
        step = step_of_run(move, run);
        for (unsigned k = 0; k < t->optimizer->slots; k++)
            slots[k] = t->slots[k] + from;
        t->optimizer->move(t->setup.kernels, &step, t->setup.model->parameters + from, slots, t->gradient + from,
                           to - from);
    }
}

/* ---- the average ---- */

/* Whole epochs that are in the mean of the last ones; the one that the run's last step ends is whole. */
static uint64_t averaged_epochs(const struct trainer *t)
{
    uint64_t epochs = (t->steps + t->per_epoch - 1) / t->per_epoch, last = (uint64_t)t->setup.recipe->average.amount;
    uint64_t done = t->step == t->steps ? epochs : t->step / t->per_epoch, first = epochs > last ? epochs - last : 0;

    return done > first ? done - first : 0;
}

bool trainer_has_average(const struct trainer *t)
{
    return t->average && t->step && (t->setup.recipe->average.kind == AVERAGE_EMA || averaged_epochs(t));
}

/* How far the average goes towards the weights after a step: young, it forgets fast, and is not held back by weights
 * that were drawn at random. 0: not at all. */
static double average_pace(const struct trainer *t)
{
    const struct average *average = &t->setup.recipe->average;
    double done = (double)t->step - 1;

    if (average->kind == AVERAGE_EMA)
        return 1 - MIN(average->amount, done / (done + 9));
    if (t->step % t->per_epoch && t->step != t->steps)
        return 0;
    return averaged_epochs(t) ? 1 / (double)averaged_epochs(t) : 0;
}

struct averaging {
    float *average, *values;
    uint64_t length;
    float pace;
};

static void average_part(void *argument, unsigned part, unsigned parts)
{
    const struct averaging *a = argument;
    unsigned long long begin, end;

    pool_share(a->length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++)
        a->average[i] += a->pace * (a->values[i] - a->average[i]);
}

/* Statistics as well: they are of weights like these. */
static void average_all(struct trainer *t)
{
    struct averaging a = { t->average, t->setup.model->parameters, t->parameters.length, 0 };

    if (t->average)
        a.pace = (float)average_pace(t);
    if (a.pace > 0)
        pool_run(t->setup.pool, average_part, &a);
}

static void swap_part(void *argument, unsigned part, unsigned parts)
{
    const struct averaging *a = argument;
    unsigned long long begin, end;

    pool_share(a->length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++) {
        float value = a->values[i];

        a->values[i] = a->average[i];
        a->average[i] = value;
    }
}

void trainer_swap_average(struct trainer *t)
{
    struct averaging a = { t->average, t->setup.model->parameters, t->parameters.length, 0 };

    pool_run(t->setup.pool, swap_part, &a);
}

void trainer_step(struct trainer *t, float scale)
{
    struct move move = { .trainer = t, .step.momentum = (float)t->setup.recipe->momentum };

    ranks_sum(t->setup.ranks, t->gradient, t->parameters.length);
    move.step.scale = clip(t, scale);
    move.rate = (double)recipe_rate(t->setup.recipe, t->step, t->steps, t->per_epoch);
    optimizer_tick(&t->clock, &move.step);
    pool_run(t->setup.pool, move_part, &move);
    t->step++;
    average_all(t);
}

struct addition {
    float *to;
    const float *from;
    uint64_t length;
    float factor;
};

static void add_part(void *argument, unsigned part, unsigned parts)
{
    const struct addition *a = argument;
    unsigned long long begin, end;

    pool_share(a->length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++)
        a->to[i] += a->factor * a->from[i];
}

void gradient_add(struct pool *pool, float *to, const float *from, uint64_t length, float factor)
{
    pool_run(pool, add_part, &(struct addition){ to, from, length, factor });
}
