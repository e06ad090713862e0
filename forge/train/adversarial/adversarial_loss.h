/* SPDX-License-Identifier: Apache-2.0
 *
 * Adversarial losses, of one number d that the adversary gives of a sample: above 0 where it takes it for real. One
 * table, a row a loss; --adversarial-loss chooses. s is the sigmoid.
 *
 * logistic: the adversary loses -log s(d) of a real sample, -log(1 - s(d)) of a generated one; the generator -log s(d),
 * not log(1 - s(d)), whose slope would vanish where it is seen through (Goodfellow et al. 2014). Smoothing e takes the
 * adversary's target of real samples, and of these alone, to 1 - e (Salimans et al. 2016).
 *
 * hinge: max(0, 1 - d), max(0, 1 + d); the generator -d (Lim and Ye 2017, Miyato et al. 2018). Nothing to smooth.
 */
#ifndef FORGE_TRAIN_ADVERSARIAL_ADVERSARIAL_LOSS_H
#define FORGE_TRAIN_ADVERSARIAL_ADVERSARIAL_LOSS_H

#include <stdbool.h>
#include <stddef.h>

/* Of one sample: what is lost, and its derivative by d. */
struct adversarial_point {
    double loss;
    float slope;
};

/* Whose loss, and of what. */
enum adversarial_turn {
    TURN_REAL,      /* the adversary's, of a sample of the data */
    TURN_GENERATED, /* the adversary's, of one that was generated */
    TURN_DECEIVE,   /* the generator's */
    TURN_COUNT
};

struct adversarial_loss {
    const char *name; /* as --adversarial-loss takes it and the lineage says it */
    bool smooths;     /* the adversary's targets, where that is asked for */
    struct adversarial_point (*of[TURN_COUNT])(float d, float smoothing);
};

/* NULL past the end; the first is "logistic". */
const struct adversarial_loss *adversarial_loss_at(size_t index);
const struct adversarial_loss *adversarial_loss_find(const char *name); /* NULL: not known */

#endif
