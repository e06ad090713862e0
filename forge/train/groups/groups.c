/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "forge/train/groups/groups.h"
#include "sparse/layers/layer.h"

struct lane {
    struct forward *forward;
    struct backward *backward;
    float *gradient; /* of a group that is not the first; NULL where there is none */
};

/* How minibatches are parted. */
struct layout {
    size_t samples; /* of a group */
    unsigned lanes, gradients;
};

struct groups {
    struct groups_setup setup;
    struct layout layout;
    struct lane lanes[];
};

static bool samples_meet(const struct model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].kind->forward_gather)
            return true;
    }
    return false;
}

/* A turn of all lanes needs a gradient for each but the minibatch's first group; what runs between turns, one. */
static struct layout lay_out(const struct groups_setup *setup, unsigned threads)
{
    const size_t batch = setup->pass.batch;
    const bool whole = setup->whole || setup->pass.sparse_input || samples_meet(setup->pass.model);
    const struct layout one = { whole ? batch : MIN(batch, (size_t)GROUP_SAMPLES), 1, 0 };
    const size_t groups = (batch + one.samples - 1) / one.samples;
    const unsigned lanes = groups < threads ? 1 : threads;

    if (groups == 1)
        return one;
    return (struct layout){ one.samples, lanes, groups >= 2 * (size_t)lanes || lanes == 1 ? lanes : lanes - 1 };
}

/* ---- making them ---- */

/* The first is the pool's, when its groups are; the others are one thread's. */
static struct forward_setup setup_of(const struct groups *groups, unsigned lane)
{
    struct forward_setup pass = groups->setup.pass;

    pass.batch = groups->layout.samples;
    if (lane) {
        pass.pool = NULL;
        pass.weights_of = groups->lanes[0].forward;
    }
    return pass;
}

static int make_lane(struct groups *groups, unsigned number, struct reason *why)
{
    const struct forward_setup pass = setup_of(groups, number);
    struct lane *lane = &groups->lanes[number];
    int result = forward_new(&pass, &lane->forward, why);

    if (!result)
        result = backward_new(lane->forward, groups->setup.parameters, &lane->backward, why);
    if (result || number >= groups->layout.gradients)
        return result;
    lane->gradient = parameters_array(groups->setup.parameters);
    return lane->gradient ? 0 : refuse_errno(why, -ENOMEM, "a group's gradient");
}

int groups_new(const struct groups_setup *setup, struct groups **out, struct reason *why)
{
    const struct layout layout = lay_out(setup, pool_parts(setup->pass.pool));
    struct groups *made = calloc(1, sizeof *made + layout.lanes * sizeof *made->lanes);
    int result = 0;

    if (!made)
        return refuse_errno(why, -ENOMEM, "the passes of a minibatch");
    made->setup = *setup;
    made->layout = layout;
    for (unsigned i = 0; !result && i < layout.lanes; i++)
        result = make_lane(made, i, why);
    if (result)
        groups_free(made);
    else
        *out = made;
    return result;
}

struct groups *groups_free(struct groups *groups)
{
    for (unsigned i = groups ? groups->layout.lanes : 0; i-- > 0;) {
        backward_free(groups->lanes[i].backward);
        forward_free(groups->lanes[i].forward);
        free(groups->lanes[i].gradient);
    }
    free(groups);
    return NULL;
}

/* ---- running them ---- */

/* Groups that run at a time, from sample `begin` on. */
struct turn {
    struct groups *groups;
    groups_function *run;
    void *argument;
    size_t begin, count; /* count: of the minibatch */
    unsigned members;
    float *gradient;
};

/* The minibatch's first group has the place of the sum for its own, and the others of its turn one place less. */
static float *gradient_of(const struct turn *turn, unsigned member)
{
    if (!turn->begin && !member)
        return turn->gradient;
    return turn->groups->lanes[turn->begin ? member : member - 1].gradient;
}

static void run_group(const struct turn *turn, unsigned member, bool alone)
{
    const struct groups *groups = turn->groups;
    const size_t begin = turn->begin + member * groups->layout.samples;
    const struct group group = { .forward = groups->lanes[member].forward,
                                 .backward = groups->lanes[member].backward,
                                 .begin = begin,
                                 .count = MIN(turn->count - begin, groups->layout.samples),
                                 .gradient = gradient_of(turn, member),
                                 .lane = member,
                                 .alone = alone };

    turn->run(turn->argument, &group);
}

static void run_member(void *argument, unsigned part, unsigned parts)
{
    (void)parts;
    run_group(argument, part, true);
}

enum { ADD_BLOCK = 4096 };

/* A stretch at a time, so that the sum stays in the first cache while all are added to it. */
static void add_part(void *argument, unsigned part, unsigned parts)
{
    const struct turn *turn = argument;
    const struct groups_setup *setup = &turn->groups->setup;
    unsigned long long begin, end;

    pool_share(setup->parameters->length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint64_t i = begin; i < end; i += ADD_BLOCK) {
        for (unsigned member = turn->begin ? 0 : 1; member < turn->members; member++)
            setup->pass.kernels->add(turn->gradient + i, gradient_of(turn, member) + i,
                                     MIN(end - i, (uint64_t)ADD_BLOCK));
    }
}

/* As many groups as there are lanes, each on a thread. */
static void run_members(struct turn *turn)
{
    struct forward *first = turn->groups->lanes[0].forward;

    forward_lend(first, NULL);
    pool_run(turn->groups->setup.pass.pool, run_member, turn);
    forward_lend(first, turn->groups->setup.pass.pool);
}

void groups_run(struct groups *groups, size_t count, groups_function *run, void *argument, float *gradient)
{
    const struct layout *layout = &groups->layout;
    struct turn turn = { groups, run, argument, 0, count, 0, gradient };

    do {
        const size_t left = (count - turn.begin + layout->samples - 1) / layout->samples;

        turn.members = layout->lanes > 1 && left >= layout->lanes ? layout->lanes : 1;
        if (turn.members > 1)
            run_members(&turn);
        else
            run_group(&turn, 0, false);
        if (turn.begin || turn.members > 1)
            pool_run(groups->setup.pass.pool, add_part, &turn);
        turn.begin += turn.members * layout->samples;
    } while (turn.begin < count);
}

/* ---- what they are ---- */

size_t groups_samples(const struct groups *groups)
{
    return groups->layout.samples;
}

unsigned groups_lanes(const struct groups *groups)
{
    return groups->layout.lanes;
}

struct forward *groups_forward(const struct groups *groups)
{
    return groups->lanes[0].forward;
}

struct backward *groups_backward(const struct groups *groups)
{
    return groups->lanes[0].backward;
}

size_t groups_memory(const struct groups *groups)
{
    return groups->layout.gradients * groups->setup.parameters->length * sizeof(float);
}

size_t groups_activation_memory(const struct groups *groups)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < groups->layout.lanes; i++)
        bytes += forward_memory(groups->lanes[i].forward);
    return bytes;
}

int groups_bytes(const struct groups_setup *setup, unsigned threads, struct groups_bytes *out, struct reason *why)
{
    const struct layout layout = lay_out(setup, threads);
    struct forward_setup pass = setup->pass;
    struct forward_bytes first, other = { .activations = 0 };
    int result;

    pass.batch = layout.samples;
    result = forward_bytes(&pass, threads, &first, why);
    if (!result && layout.lanes > 1)
        result = forward_bytes(&pass, 1, &other, why);
    if (result)
        return result;
    out->gradients = layout.gradients * setup->parameters->length * sizeof(float);
    out->passes = first.weights + 2 * first.activations + first.workspace +
                  (layout.lanes - 1) * (2 * other.activations + other.workspace);
    return 0;
}
