/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of classes in the loss, for data in which some are rare: without them a network that never names the rare
 * class is a good one. The weights' mean over the samples is 1, so the learning rate keeps its meaning; none is more
 * than BALANCE_MAX times another's. Only square roots and quotients: the same bits everywhere.
 */
#ifndef FORGE_TRAIN_BALANCE_H
#define FORGE_TRAIN_BALANCE_H

#include <stddef.h>
#include <stdint.h>

enum balance {
    BALANCE_AUTO, /* "root" where a class has less than half the samples of another, else "none" */
    BALANCE_NONE,
    BALANCE_ROOT, /* a class weighs by the inverse root of its samples */
    BALANCE_FULL, /* by the inverse */
};

#define BALANCE_MAX 100.0

const char *balance_name(enum balance balance);
/* -1 when there is no such name; else the balance. */
int balance_find(const char *name);

/* What "auto" stands for with so many samples a class; classes without any do not count. */
enum balance balance_choose(enum balance wanted, const size_t *samples, size_t classes);

/* weights[classes]; 1 for all with BALANCE_NONE. */
void balance_weights(enum balance balance, const size_t *samples, size_t classes, float *weights);

/* Begins the biases behind `value`, which labels are said from of which a sample may have several, at the logarithm of
 * each label's odds among the samples: so that what is learned first is not how rare the rare ones are, for which they
 * would have to move far. Where they are not 0 something has been learned, and they stay. -ENOMEM. */
struct batches;
struct model;
int balance_begin(struct model *model, uint32_t value, const struct batches *batches, const uint32_t *samples,
                  size_t count);

/* How many of the samples have each class, or how many of their words. Freed by the caller. NULL: out of memory. */
size_t *balance_count(const struct batches *batches, const uint32_t *samples, size_t count, size_t classes);
/* bias[classes]: of each label's odds, as if one sample more had it, and one had not. */
void balance_priors(const size_t *labels, size_t samples, size_t classes, float *bias);

#endif
