/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata of a model file: safetensors allows strings alone, so lists and objects are JSON within the JSON.
 */
#ifndef SPARSE_FILE_MODEL_METADATA_H
#define SPARSE_FILE_MODEL_METADATA_H

#include "base/error.h"
#include "sparse/file/json_text.h"
#include "sparse/graph/model.h"

#define METADATA_FORMAT         "wisp.format"
#define METADATA_FORMAT_VERSION "1"
#define METADATA_GRAPH          "wisp.graph"
#define METADATA_INPUT          "wisp.input"

/* The JSON of an entry that must be there. */
int metadata_json(const json_t *metadata, const char *key, json_t **out, struct reason *why);

/* Everything but format, checksum and graph: name, processing type, inputs, outputs, labels, media, lineage. Refuses
 * entries that have no meaning. */
int metadata_read(const json_t *metadata, struct model *model, struct reason *why);

/* The other way: adds all entries but format, checksum and graph. */
int metadata_write(const struct model *model, json_t *metadata, struct reason *why);

#endif
