/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the clock which weight format a matrix runs in, by class of batch, when a model is loaded. All formats give the
 * same bits, so the clock decides about speed and memory only.
 */
#ifndef SPARSE_CHOOSE_H
#define SPARSE_CHOOSE_H

#include "sparse/kernels/choice.h"

#define CHOOSE_FOREVER UINT64_MAX

/* Chooses for batches of the classes that *choice says, of weights that stand where it says. Times nothing where one
 * format only can. On the caller's thread, for some milliseconds: of a large matrix, some rows stand for all. No round
 * begins after patience_ns, but for the first ones; 0: nothing is timed, and what formats say of themselves counts.
 * -ENOMEM. */
int choose_formats(const struct kernels *kernels, const struct csr *w, uint64_t patience_ns, struct choice *choice);

#endif
