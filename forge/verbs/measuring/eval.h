/* SPDX-License-Identifier: Apache-2.0
 *
 * What `wisp eval --json` says of a model on data, for another verb.
 */
#ifndef FORGE_VERBS_MEASURING_EVAL_H
#define FORGE_VERBS_MEASURING_EVAL_H

#include <jansson.h>

#include "forge/experiment/experiment.h"
#include "sparse/tensor/value_type.h"

/* Figures of the open experiment's model on all samples of its data, a new reference. `values`: that the model was
 * rounded to since it was read; VALUE_FLOAT32: it was not. An exit status; other than 0, it has said why in the name of
 * experiment->verb. */
int eval_figures(const struct experiment *experiment, const struct experiment_options *options, enum value_type values,
                 json_t **out);

#endif
