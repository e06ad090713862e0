/* SPDX-License-Identifier: Apache-2.0
 *
 * A minibatch in groups of samples. A group goes forward through all layers, and back into a gradient of its own; the
 * groups' gradients are added in their order. Which samples a group has follows from the minibatch alone, so the sum
 * has the same bits for any number of threads.
 *
 * As many groups as the pool has threads run at a time, each on one thread: it meets no other before the end, and its
 * activations stay in its core's cache. Those that are left, and a minibatch of one group, are shared layer by layer by
 * all threads. Where a layer's samples meet (layer_kind.forward_gather) a minibatch is one group.
 */
#ifndef FORGE_TRAIN_GROUPS_H
#define FORGE_TRAIN_GROUPS_H

#include "sparse/graph/parameters.h"
#include "sparse/passes/backward.h"
#include "sparse/passes/forward.h"

/* As many as the column kernels hold in registers, and as leave activations of a thousand neurons in a second cache: so
 * on one thread, too, two groups take no longer than their samples in one. */
enum { GROUP_SAMPLES = 64 };

struct groups;

struct groups_setup {
    struct forward_setup pass; /* to train; of minibatches of `batch` samples at most */
    const struct parameters *parameters;
    bool whole; /* a minibatch is one group: somebody needs to see it all in one pass */
};

/* A group's turn. */
struct group {
    struct forward *forward;
    struct backward *backward;
    size_t begin, count; /* of the minibatch's samples; no more than 0 of one without any */
    float *gradient;     /* of this group */
    unsigned lane;       /* which of the passes these are */
    bool alone;          /* on this thread; else on the pool */
};

/* As forward_new(); what is passed is borrowed. */
int groups_new(const struct groups_setup *setup, struct groups **out, struct reason *why);
struct groups *groups_free(struct groups *groups); /* accepts NULL; returns NULL */

/* The samples of a group at most, and how many passes there are: 1, or one for each thread of the pool. */
size_t groups_samples(const struct groups *groups);
unsigned groups_lanes(const struct groups *groups);
/* The first of the passes, which runs on the pool between minibatches. */
struct forward *groups_forward(const struct groups *groups);
struct backward *groups_backward(const struct groups *groups);

/* Calls `run` for each group, which is to overwrite the group's gradient as backward_run() does, and leaves the sum in
 * `gradient`. */
typedef void groups_function(void *argument, const struct group *group);
void groups_run(struct groups *groups, size_t count, groups_function *run, void *argument, float *gradient);

/* Bytes of the groups' own gradients; and of all passes. */
size_t groups_memory(const struct groups *groups);
size_t groups_activation_memory(const struct groups *groups);

/* What they would come to on `threads`, as forward_bytes() does. */
struct groups_bytes {
    uint64_t gradients, passes; /* of passes with the activations of the backward pass */
};
int groups_bytes(const struct groups_setup *setup, unsigned threads, struct groups_bytes *out, struct reason *why);

#endif
