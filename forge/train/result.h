/* SPDX-License-Identifier: Apache-2.0
 *
 * What a training run has come to, after it or at the end of an epoch; and the same as JSON, for checkpoints.
 */
#ifndef FORGE_TRAIN_RESULT_H
#define FORGE_TRAIN_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "forge/train/balance.h"
#include "forge/train/evaluate.h"

/* What ended a run. */
enum ending {
    ENDING_NONE,
    ENDING_INTERRUPTED,
    ENDING_ACCURACY,
    ENDING_PATIENCE,
    ENDING_STEPS,
    ENDING_EPOCHS,
    ENDING_MINUTES,
    ENDING_PAUSED,   /* after some of the epochs, for now: its checkpoint goes on as if it had not */
    ENDING_DIVERGED, /* the loss, or a weight, was no number any more; the model is the last good one */
};

/* As the option is called: "patience"; or "interrupted", "diverged". */
const char *ending_name(enum ending ending);

struct trainer_result {
    uint64_t epochs;       /* finished */
    uint64_t best_epoch;   /* whose weights the model now has; 0: of the point where it was interrupted */
    double loss, accuracy; /* over the last epoch, or what was done of it, while training */
    bool validated;
    double validation_loss, validation_accuracy;  /* of the weights that the model now has */
    struct evaluation_balance validation_balance; /* the same */
    enum ending ending;
    double seconds;       /* that the run has taken, in all its parts */
    enum balance balance; /* what the recipe's "auto" came to */
    double epoch_seconds; /* of the fastest epoch, without its validation; 0: none was finished */
};

struct loss;

/* What the figures on the samples held back are called, which follows from what is learned, and from whom: after a
 * comma; "" without such samples. */
void trainer_result_text(const struct trainer_result *result, const struct loss *loss, bool taught, char *text,
                         size_t size);

/* At the end of an epoch: neither `ending` nor `balance`, which follow from the run. NULL: out of memory. */
json_t *trainer_result_json(const struct trainer_result *result);
/* WISP_E_FORMAT, and says what is missing or out of range; what JSON does not hold is left as it is. */
int trainer_result_parse(const json_t *json, struct trainer_result *out, struct reason *why);

#endif
