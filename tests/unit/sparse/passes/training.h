/* SPDX-License-Identifier: Apache-2.0
 *
 * Both passes over a model, as a trainer has them.
 */
#ifndef TESTS_UNIT_SPARSE_PASSES_TRAINING_H
#define TESTS_UNIT_SPARSE_PASSES_TRAINING_H

#include <stdlib.h>

#include "sparse/passes/backward.h"
#include "support/test.h"

struct training {
    struct forward *forward;
    struct backward *backward;
    struct parameters parameters;
    float *gradient; /* of all parameters */
};

/* `training` stays where it is; of the setup all counts but the mode. */
static inline void training_make(struct training *training, const struct forward_setup *setup)
{
    struct forward_setup train = *setup;
    struct reason why;

    train.mode = LAYER_TRAIN;
    assert_ok(forward_new(&train, &training->forward, &why), why);
    assert_int_equal(parameters_map(setup->model, &training->parameters), 0);
    training->gradient = parameters_array(&training->parameters);
    assert_non_null(training->gradient);
    assert_ok(backward_new(training->forward, &training->parameters, &training->backward, &why), why);
}

static inline void training_free(struct training *training)
{
    free(training->gradient);
    parameters_deinit(&training->parameters);
    backward_free(training->backward);
    forward_free(training->forward);
}

#endif
