/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model is, as JSON: the members that docs/protocol.md gives to DESCRIBE, as far as a file knows them.
 */
#ifndef SPARSE_FILE_MODEL_JSON_H
#define SPARSE_FILE_MODEL_JSON_H

#include <jansson.h>

#include "sparse/graph/model.h"
#include "sparse/passes/forward.h"

/* name, identity, processing, input, output, connections, potential, sparsity, and how it decodes; inputs and outputs
 * are those of `seen`, who asks sees. A new reference; NULL without memory. */
json_t *model_json_summary(const struct model *model, const struct signature *seen);

/* The description of its input, as media_parse() takes it: with the idf, where the file has it in a tensor. A new
 * reference; NULL without memory. */
json_t *model_json_media(const struct model *model);

/* From how many thousandths of probability on each label holds, for a model that says so. A new reference; NULL without
 * memory. */
json_t *model_json_thresholds(const struct model *model);

/* Adds labels, thresholds, media, lineage and layers; of layers that one of the plans runs also the kernels, for one
 * sample and for `batch`. */
struct model_json_plans {
    const struct forward *const *list;
    size_t count, batch;
};
void model_json_details(json_t *object, const struct model *model, const struct model_json_plans *plans);

#endif
