/* SPDX-License-Identifier: Apache-2.0
 *
 * The container of a model file: which tensors there are, where, and the metadata beside them. What they mean is for
 * model_parse.c. Stricter than safetensors itself: every tensor has one dimension and starts at a multiple of 64 in the
 * file. Between them stand only U8 tensors named "__pad_N", fewer than 64 zero bytes up to the next such multiple,
 * because safetensors allows no holes.
 */
#ifndef SPARSE_SAFETENSORS_H
#define SPARSE_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/json_text.h"
#include "sparse/model.h"

#define SAFETENSORS_ALIGNMENT 64
#define SAFETENSORS_PAD       "__pad_"
#define SAFETENSORS_METADATA  "__metadata__"
#define SAFETENSORS_LENGTH    8 /* bytes of the header's length, at the start of the file */
/* Three of a weight and the vectors for every layer, and as many pads. */
#define SAFETENSORS_COUNT_MAX (2 * (3 + LAYER_VECTORS_MAX) * MODEL_LAYERS_MAX)

/* A layer's tensors are NAME.SUFFIX, with these suffixes for a weight and the kind's own for vectors. */
#define TENSOR_STARTS "weight.crow_indices"
#define TENSOR_INDEX  "weight.col_indices"
#define TENSOR_VALUES "weight.values"

enum tensor_type { TENSOR_U8, TENSOR_U16, TENSOR_I32, TENSOR_I64, TENSOR_F32, TENSOR_TYPES };

struct tensor_type_info {
    const char *name; /* as in the file */
    uint32_t size;    /* bytes of one element */
};
extern const struct tensor_type_info tensor_types[TENSOR_TYPES];

struct tensor {
    const char *name; /* belongs to the header */
    enum tensor_type type;
    uint64_t count;
    uint64_t begin, end; /* in the file */
    bool used;           /* taken by safetensors_take() */
};

struct safetensors {
    json_t *header;
    const json_t *metadata; /* part of the header; an object of strings */
    struct tensor *tensors; /* without pads, ascending by name */
    size_t count;
};

#define SAFETENSORS_NULL ((struct safetensors){ .header = NULL })

/* Judges the whole of a file but the tensors' contents. `data` outlives *out. WISP_E_FORMAT, -ENOMEM. */
int safetensors_open(const void *data, size_t size, struct safetensors *out, struct reason *why);
void safetensors_close(struct safetensors *file);

/* The tensor of that name, marked as used; NULL when there is none. */
const struct tensor *safetensors_take(struct safetensors *file, const char *name);
/* A tensor that was never taken; NULL when there is none. */
const struct tensor *safetensors_left(const struct safetensors *file);

#endif
