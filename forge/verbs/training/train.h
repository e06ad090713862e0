/* SPDX-License-Identifier: Apache-2.0
 *
 * What `wisp train` was asked for, and what becomes of it in the history.
 */
#ifndef FORGE_VERBS_TRAINING_TRAIN_H
#define FORGE_VERBS_TRAINING_TRAIN_H

#include "forge/cost/history.h"
#include "forge/experiment/candidates.h"
#include "forge/train/runs/run_log.h"
#include "forge/verbs/training/starting.h"

struct train {
    struct experiment_options experiment;
    struct recipe_options recipe_options;
    struct recipe recipe;
    struct semi semi;
    struct starting starting; /* of what begins, where no model was named */
    const char *output, *name, *checkpoint, *resume, *checkpoint_every, *plot;
    struct run_log *log; /* for the plot */
    uint64_t checkpoint_steps;
    double checkpoint_minutes;
    bool json, quiet, no_history, no_fold;
    uint64_t began_ns;
    struct ranks *ranks; /* NULL: this process is alone */
};

/* Not all samples have a label that is used. */
static inline bool train_is_semi(const struct train *train)
{
    return train->semi.labelled || train->experiment.unlabelled;
}

/* What the history is to know, from the model as it was trained: before anything is folded. False: nothing. */
bool train_describe(const struct train *train, const struct experiment *experiment, const struct split *split,
                    const struct training_result *trained, struct store_record *record);
void train_record(const struct train *train, struct store_record *record);

#endif
