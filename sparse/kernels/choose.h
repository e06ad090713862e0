/* SPDX-License-Identifier: Apache-2.0
 *
 * Which weight format a matrix runs in, by class of batch: asked of the clock when a model is loaded. All give the same
 * bits, so the clock decides about speed only.
 */
#ifndef SPARSE_CHOOSE_H
#define SPARSE_CHOOSE_H

#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/kernels.h"

struct choice {
    unsigned format[BATCH_CLASSES]; /* the number of one */
};

/* Times what can take one sample; batches take the first that can. -ENOMEM. */
int choose_formats(const struct kernels *kernels, const struct csr *w, struct choice *out);

#endif
