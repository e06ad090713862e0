/* SPDX-License-Identifier: Apache-2.0
 *
 * A choice of weight formats, by class of batch, from what each would cost. Pure: no clock, no matrix.
 *
 * It is the smallest set of formats in which every class has one within CHOICE_TIE of its fastest. So a second copy of
 * a weight is made only where it is worth it, and what is nearly equal is decided by memory, which is the same every
 * time (docs/design/weight-formats.md).
 */
#ifndef SPARSE_CHOICE_H
#define SPARSE_CHOICE_H

#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/kernels.h"
#include "sparse/kernels/residence.h"

#define CHOICE_TIE     1.05
#define CHOICE_CANNOT  UINT64_MAX
#define CHOICE_UNKNOWN (UINT64_MAX - 1) /* it can, but how fast nobody asked */

struct choice {
    unsigned first, last;           /* the classes that batches will be of */
    enum residence residence;       /* where the weights will stand */
    unsigned format[BATCH_CLASSES]; /* the number of a format; of the classes outside, that of the nearest inside */
};

struct choice_costs {
    uint64_t time[BATCH_CLASSES][WEIGHT_FORMATS_MAX]; /* in any unit, within a class the same */
    uint64_t memory[WEIGHT_FORMATS_MAX];
};

/* Of the classes first .. last, which *choice says, each has a format that can. Fills in the formats. */
void choice_of_costs(const struct choice_costs *costs, struct choice *choice);

/* Whether every class has a format that can run there: what comes from a file is asked this. */
bool choice_can(const struct choice *choice, const struct kernels *kernels, const struct csr *w);

#endif
