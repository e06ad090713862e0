/* SPDX-License-Identifier: Apache-2.0
 *
 * The network that a training begins with where no model is named: the structure of its processing type, or one that is
 * named, sampled as `wisp build` does it, with an output for each class of the data. It is in a file without a name, so
 * that nothing is left of it, however the process ends.
 */
#ifndef FORGE_VERBS_TRAINING_STARTING_H
#define FORGE_VERBS_TRAINING_STARTING_H

#include "base/options.h"
#include "forge/experiment/experiment.h"
#include "forge/train/progress.h"

struct starting {
    const char *structure; /* that was asked for; NULL: the type's */
    double sparsity;       /* STARTING_SPARSITY unless it was given */
    bool sparsity_given;
    uint64_t outputs; /* that were asked for; 0: as the data have classes */
    const char *name; /* what the model is to be called */
    uint64_t seed;
    /* Of what was built: */
    char built[MODEL_NAME_MAX]; /* its structure; "": nothing is */
    char path[32];
    int fd;
    uint64_t connections, potential;
};

#define STARTING_SPARSITY 0.5
#define STARTING_NULL     ((struct starting){ .sparsity = STARTING_SPARSITY, .fd = -1 })

/* --structure, --sparsity, --outputs. */
void starting_option_rows(struct option_table *table, struct starting *starting);

/* That they go with what else was asked for, a model or none. WISP_E_INVALID. */
int starting_check(const struct starting *starting, const struct experiment_options *options, struct reason *why);

/* Builds what begins, and opens the experiment with it; `options` name it from here on. 0, or the exit status after
 * saying why. The experiment is to be closed, and this too, in any case. */
int starting_open(struct starting *starting, const char *verb, struct experiment_options *options,
                  struct experiment *experiment);
void starting_close(struct starting *starting); /* idempotent */

/* Says what was built, if anything was. */
void starting_tell(const struct starting *starting, const struct experiment *experiment, struct progress *progress);

#endif
