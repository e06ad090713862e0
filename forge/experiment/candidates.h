/* SPDX-License-Identifier: Apache-2.0
 *
 * Several samplings of one structure, each trained by the same recipe on the same split; the best on the validation
 * samples is kept. The first is the model file as it is; number k has the connections of seed + k.
 *
 * Several ranks train one candidate together. Of several candidates each trains its own, as one process would: rank r
 * numbers r, r + ranks, and so on; the best goes to all.
 */
#ifndef FORGE_EXPERIMENT_CANDIDATES_H
#define FORGE_EXPERIMENT_CANDIDATES_H

#include "forge/experiment/experiment.h"
#include "forge/experiment/semi.h"
#include "forge/experiment/split.h"
#include "forge/train/trainer.h"

struct candidates {
    const struct experiment *experiment;
    const struct ranks *ranks; /* that train one network together, or of several candidates some each; NULL */
    const char *path;          /* of the model file */
    const struct recipe *recipe;
    const struct recipe_options *options; /* that the recipe comes from */
    const struct semi *semi;              /* NULL: no training by rounds */
    const struct split *split;
    struct batches *batches;
    const struct answers *answers; /* the experiment's teacher's; NULL */
    struct progress *progress;
    uint64_t began_ns;         /* when the training did, of which the recipe's minutes are */
    const char *checkpoint;    /* file to write after each epoch; NULL: none */
    uint64_t checkpoint_steps; /* and how often besides, as the trainer takes it */
    double checkpoint_minutes;
    struct checkpoint *resume; /* to begin from, and emptied; NULL: the beginning. Both want one candidate, or */
    bool resumes;              /* halving, whose files are called after `checkpoint` (halving.h) and are gone on from */
    uint64_t pause;            /* epochs after which a candidate pauses; 0: never */
    bool announced;            /* what is trained was said */
};

/* What choosing among the candidates has come to, by the validation accuracy that all of them have: at their ends, or
 * after the first round of a halving. */
struct candidates_spread {
    double mean, deviation; /* of a sample of candidates */
    double gained;          /* the chosen one's above the mean */
    uint64_t epochs;        /* of all candidates together */
};

struct training_result {
    struct model *model;     /* the best one, with its lineage; the caller frees it */
    struct model *adversary; /* that it was trained against; the same; NULL: none */
    uint64_t seed;           /* of its connections */
    uint64_t candidates;     /* that were trained */
    struct candidates_spread spread;
    struct trainer_result result;
    json_t *rounds; /* while they are trained: what the best one's came to */
};

/* How many candidates a rank trains at most, one after the other. */
uint64_t candidates_turns(const struct ranks *ranks, uint64_t candidates);

/* Trains them all, or until interrupted. WISP_E_INVALID when training cannot do it: the loss is no number any more, the
 * checkpoint is of another run, the connections cannot be drawn again, ranks have not read the same. WISP_E_FORMAT: a
 * model or sample. -errno. All ranks come to the same result. */
int candidates_run(const struct candidates *candidates, struct training_result *out, struct reason *why);

#endif
