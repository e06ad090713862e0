/* SPDX-License-Identifier: Apache-2.0
 *
 * A signature as JSON: as it stands in a model file (docs/model-file.md), and as a model is described to people.
 * Whether it makes sense is for signature_check_inputs() and its like; what is read here fits the structs.
 */
#ifndef SPARSE_FILE_SIGNATURE_JSON_H
#define SPARSE_FILE_SIGNATURE_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "sparse/graph/signature.h"

/* The simple form of an input, the array of its dimensions. `what` begins the sentence. WISP_E_FORMAT. */
int shape_read(const json_t *array, const char *what, struct shape *out, struct reason *why);
json_t *shape_write(const struct shape *shape); /* NULL without memory */

/* [{"name", "dtype", "shape", "scale"}, …] and [{"name", "dtype", "value", "scale"}, …]; a dtype that is missing is
 * float32, a scale 1. WISP_E_FORMAT, and says which. */
int inputs_read(const json_t *array, struct signature *out, struct reason *why);
int outputs_read(const json_t *array, struct signature *out, struct reason *why);

/* What was read. NULL without memory, or when a name is not UTF-8. */
json_t *inputs_write(const struct signature *signature);
json_t *outputs_write(const struct signature *signature);

#endif
