/* SPDX-License-Identifier: Apache-2.0
 *
 * A model in memory: a graph of layers in topological order, their weights, and what they mean.
 *
 * Its values are numbered: first its inputs, then the output of each layer. A layer reads values before its own.
 * Immutable once loaded or built, but for the trainer, which owns its copy.
 */
#ifndef SPARSE_GRAPH_MODEL_H
#define SPARSE_GRAPH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/graph/decoding.h"
#include "sparse/graph/golden.h"
#include "sparse/graph/name.h"
#include "sparse/graph/signature.h"
#include "sparse/layers/layer.h"
#include "sparse/tensor/csr.h"
#include "sparse/tensor/shape.h"

enum {
    MODEL_LAYERS_MAX = 4096,
    MODEL_LABELS_MAX = 65536,
    MODEL_LABEL_BYTES = 256, /* of one; what libwisp has room for (WISP_LABEL_MAX) */
    MODEL_IDENTITY_MAX = 48,
    MODEL_THRESHOLD_ONE = 1000, /* a threshold of 1, which is none: they lie between 0 and it */
};

struct model {
    char name[MODEL_NAME_MAX];       /* "fashion": letters, digits, ". _ -", begins with a letter or digit */
    char processing[MODEL_NAME_MAX]; /* "image.classification" */
    struct signature signature;      /* its inputs and outputs */
    struct decoding decoding;        /* length 0: it is a plain function of tensors */
    struct layer *layers;
    uint32_t layer_count;
    char **labels; /* label_count of them, or none */
    uint32_t label_count;
    uint32_t *thresholds; /* a label holds from so many thousandths on; label_count of them, or NULL: nobody says */
    char *media;          /* JSON object, as media/ reads it; NULL when the input is raw */
    uint8_t *idf;         /* of a text's features, a byte each, as media/ reads it; NULL: none */
    uint32_t idf_count;
    struct golden golden; /* may be missing */
    char *lineage;        /* JSON object: structure, sparsity, seed, data, accuracy; NULL when unknown */
    void *file;         /* the buffer that weights and vectors are borrowed from; NULL when they are the model's own */
    float *parameters;  /* the array that the values are in (parameters.h); NULL: each has its own */
    size_t file_size;   /* of the file that it was read from */
    size_t file_memory; /* of the buffer `file`: as much, or what the tensors take where they were moved and widened */
    char identity[MODEL_IDENTITY_MAX]; /* "xxh3-128:…", the checksum of the whole file; "" for a built model */
};

/* An empty model with `layer_count` zeroed layers. -ENOMEM. */
int model_new(uint32_t layer_count, struct model **out);
/* Frees the model and everything it points to, but not what a weight or vector that is not `owned` borrows; accepts
 * NULL; returns NULL. */
struct model *model_free(struct model *model);

/* How many values there are, which is the number of no value; and the value that layer `index` makes. */
uint32_t model_value_count(const struct model *model);
uint32_t model_value(const struct model *model, uint32_t index);
/* How often layers and the caller read a value, and who does so last: a layer; the caller is model->layer_count. */
uint32_t model_readers(const struct model *model, uint32_t value, uint32_t *last);
/* Of one sample of a value; of a layer's output once model_check() has been there. */
const struct shape *model_value_shape(const struct model *model, uint32_t value);

/* How many words the model knows whose numbers it reads there; 0: it reads values. */
uint32_t model_words(const struct model *model, uint32_t input);

/* One float32 input, and one float32 output. */
bool model_is_simple(const struct model *model);
/* Of the output, of several the first. */
const struct shape *model_output(const struct model *model);
/* Connections in all layers; the structure's potential connections; and bytes of weights and vectors in memory, in the
 * file's buffer or out of it. */
uint64_t model_connections(const struct model *model);
uint64_t model_potential(const struct model *model);
uint64_t model_memory(const struct model *model);

/* Rounds the values of all weights to what the type has (csr_round()); what a weight borrows is copied first. What
 * it answered before, its golden input, goes. -ENOMEM, and some are rounded. */
int model_round(struct model *model, enum value_type type);
/* Whether values of some weight are of another type than float32; then *out is the first's. */
bool model_is_rounded(const struct model *model, enum value_type *out);

/* For a model that is served from packed weights: frees the file's buffer and the arrays of all weights but those that
 * are needed; what is needed, and the vectors, move into memory of their own. Sizes, identity and everything else stay.
 * -ENOMEM, and the model is whole. */
int model_strip(struct model *model, bool (*needed)(const void *argument, uint32_t layer), const void *argument);

/* The one validator of a graph: names unique, inputs before their layer, kinds' own rules, shapes, what goes in and
 * comes out, label count equal to the first output's elements when there are labels, labels without control characters,
 * a threshold for each of them or none, processing type well formed, an idf for each of a medium's features or none, a
 * way to decode that the graph has. Fills in each layer's `shape` and the signature's outputs. WISP_E_FORMAT, and names
 * the layer. Weights are checked by csr_check() before. */
int model_check(struct model *model, struct reason *why);

#endif
