/* SPDX-License-Identifier: Apache-2.0
 *
 * The one reader of the container: which tensors there are, where, and the metadata beside them. What they mean is for
 * model_parse.c and forge/plan/pretrained.c.
 *
 * safetensors_open() takes what the safetensors library takes, and a little less: no key twice and none of unknown
 * meaning, at most TENSOR_RANK_MAX dimensions, a header that begins at its first byte, is of bounded size, and whose
 * parts are counted before one is built.
 * safetensors_check_model() is what model files add: seven types, one dimension, and U8 tensors named "__pad_N" of
 * fewer than 64 zero bytes, which the writer puts where the next tensor would not begin at a multiple of 64, because
 * safetensors allows no holes. Another program that saves a model again puts tensors where it likes; that is no fault.
 */
#ifndef SPARSE_FILE_SAFETENSORS_H
#define SPARSE_FILE_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/file/json_text.h"
#include "sparse/graph/model.h"

#define SAFETENSORS_ALIGNMENT 64
#define SAFETENSORS_PAD       "__pad_"
#define SAFETENSORS_METADATA  "__metadata__"
#define SAFETENSORS_LENGTH    8 /* bytes of the header's length, at the start of the file */
/* Of a weight at most: starts, index, values, scales. */
#define TENSOR_OF_WEIGHT_MAX 4
/* Those and the vectors for every layer, those of the model, and as many pads. */
#define SAFETENSORS_COUNT_MAX                                                                                          \
    (2 * ((TENSOR_OF_WEIGHT_MAX + LAYER_VECTORS_MAX) * MODEL_LAYERS_MAX + 1 + GOLDEN_TENSORS_MAX))
#define TENSOR_RANK_MAX 8

/* A layer's tensors are NAME.SUFFIX, with these suffixes for a weight and the kind's own for vectors. */
#define TENSOR_STARTS "weight.crow_indices"
#define TENSOR_INDEX  "weight.col_indices"
#define TENSOR_VALUES "weight.values"
#define TENSOR_SCALES "weight.scales"

/* The model's own, OWNER.SUFFIX: what each feature of a text counts. */
#define TENSOR_MEDIA "wisp.media"
#define TENSOR_IDF   "idf"

/* Those that wisp reads come first; of the others only the size is known. */
enum tensor_type {
    TENSOR_U8,
    TENSOR_U16,
    TENSOR_I32,
    TENSOR_I64,
    TENSOR_F32,
    TENSOR_BF16,
    TENSOR_I8,
    TENSOR_F64, /* from here on: not in model files */
    TENSOR_F16,
    TENSOR_TYPES_READ,
};

const char *tensor_type_name(enum tensor_type type);
/* In which a weight's values of that type stand in a model file. */
enum tensor_type tensor_type_of_values(enum value_type type);
enum tensor_type tensor_type_of(enum dtype dtype);
/* Bytes of so many elements; false when they are too many, or no whole number of bytes. */
bool tensor_type_bytes(enum tensor_type type, uint64_t count, uint64_t *out);

struct safetensor {
    const char *name; /* belongs to the header */
    enum tensor_type type;
    uint32_t rank;
    uint64_t dimension[TENSOR_RANK_MAX];
    uint64_t count;      /* the dimensions' product */
    uint64_t begin, end; /* in the file */
    bool used;           /* taken by safetensors_take() */
};

struct safetensors {
    json_t *header;
    const json_t *metadata;     /* part of the header; an object of strings, or NULL */
    struct safetensor *tensors; /* ascending by name */
    size_t count;
};

#define SAFETENSORS_NULL ((struct safetensors){ .header = NULL })

/* Checks the whole of a file but the tensors' contents. `data` outlives *out. WISP_E_FORMAT, and says what the file is
 * when it is another known thing; -ENOMEM. */
int safetensors_open(const void *data, size_t size, struct safetensors *out, struct reason *why);
void safetensors_close(struct safetensors *file);

/* What a model file has to keep beside, as the head of this file says; then forgets the pads. WISP_E_FORMAT. */
int safetensors_check_model(struct safetensors *file, const void *data, struct reason *why);

/* Reasons quote names from the file, and end up on terminals and in logs: only printable ASCII stays. NULL is taken. */
void safetensors_disarm(struct reason *why);

/* The tensor of that name; NULL when there is none. */
const struct safetensor *safetensors_find(const struct safetensors *file, const char *name);
/* The same, marked as used. */
const struct safetensor *safetensors_take(struct safetensors *file, const char *name);
/* A tensor that was never taken; NULL when there is none. */
const struct safetensor *safetensors_left(const struct safetensors *file);

#endif
