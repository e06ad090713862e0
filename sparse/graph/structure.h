/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure: the layers and neurons of a dense network, before anything is sampled from it.
 *
 * The same graph as a model's (values, layer kinds, parameters), without weights. structure_plan() derives every
 * layer's shape and potential connections from the kinds' plans.
 */
#ifndef SPARSE_GRAPH_STRUCTURE_H
#define SPARSE_GRAPH_STRUCTURE_H

#include "base/error.h"
#include "sparse/construct/density.h"
#include "sparse/graph/model.h"
#include "sparse/layers/layer.h"

struct structure_layer {
    const struct layer_kind *kind;
    char name[LAYER_NAME_MAX];
    uint32_t inputs[LAYER_INPUTS_MAX]; /* numbers of values */
    uint32_t input_count;
    double parameters[LAYER_PARAMETERS_MAX];
    struct layer_plan plan; /* by structure_plan() */
    unsigned line;          /* where it was written, for errors; 0: unknown */
};

struct structure {
    char name[MODEL_NAME_MAX];
    char processing[MODEL_NAME_MAX];
    char network[LAYER_NAME_MAX]; /* "mlp", "resnet", "transformer", … */
    struct signature signature;   /* its inputs and outputs */
    struct structure_layer *layers;
    uint32_t layer_count;
    char *base; /* safetensors file whose values sampled connections inherit; NULL: none */
};

#define STRUCTURE_NULL ((struct structure){ .layers = NULL })

/* How many words are looked up by what the input gives; 0: none are. */
uint32_t structure_words(const struct structure *structure, uint32_t input);

void structure_deinit(struct structure *structure); /* leaves STRUCTURE_NULL; idempotent */

/* The rule for a structure's name at every door: name_check(), and not the ending of a file that verbs take in a name's
 * place (.yaml, .yml, .safetensors). WISP_E_FORMAT. */
int structure_name_check(const char *name, struct reason *why);

/* Checks the graph and plans every layer: names unique, inputs before their layer, parameters in bounds, shapes that
 * fit, potential connections below 2^62 in all. WISP_E_FORMAT, and names the layer. */
int structure_plan(struct structure *structure, struct reason *why);
/* One layer, whose inputs are planned. The reason does not name it. */
int structure_plan_layer(struct structure *structure, uint32_t index, struct reason *why);
/* structure_plan() that says which layer was refused; structure->layer_count: none of them alone. */
int structure_plan_at(struct structure *structure, uint32_t *refused, struct reason *why);

/* As of a model: model.h. */
uint32_t structure_value_count(const struct structure *structure);
uint32_t structure_value(const struct structure *structure, uint32_t index);
const struct shape *structure_value_shape(const struct structure *structure, uint32_t value);
/* The name of an input or a layer. */
const char *structure_value_name(const struct structure *structure, uint32_t value);
/* Whether a layer reads nothing but the value before its own; the first one, an input that is the only one. */
bool structure_reads_previous(const struct structure *structure, uint32_t index);

/* Weighted layers on the longest way from the input to the output. */
uint32_t structure_depth(const struct structure *structure);
/* N: potential connections; lengths of all vectors (biases, norms, positions); multiply-adds of one dense sample. */
uint64_t structure_potential(const struct structure *structure);
uint64_t structure_vectors(const struct structure *structure);
double structure_cost(const struct structure *structure);
uint32_t structure_weighted(const struct structure *structure); /* layers with connections */

/* 128 bits in hexadecimal of what the structure is: processing type, input, and each layer's kind, inputs and
 * parameters, which are in bounds. Names do not count. */
void structure_hash(const struct structure *structure, char out[33]);

/* structure_weighted() layers for density_solve(), in order; their names are the structure's. */
void structure_density_layers(const struct structure *structure, struct density_layer *out);

/* What this version can do with a network of this structure, besides building and drawing it. */
struct structure_support {
    bool serves, trains;                    /* whoever trains also serves */
    const struct structure_layer *obstacle; /* the first layer in the way of what it does not; NULL: none */
    bool several;                           /* not just one output of float32, or an input with a scale: no training */
};

struct structure_support structure_support(const struct structure *structure);
/* One sentence without an end about what it does not; "" when it does all. */
void structure_support_text(const struct structure_support *support, char *text, size_t size);

/* The structure, planned, that a model has; without a name. WISP_E_FORMAT; -ENOMEM. */
int structure_of_model(const struct model *model, struct structure *out, struct reason *why);

/* A multilayer perceptron from "784-1000-1000-10": linear layers with rectifiers between and a softmax at the end.
 * WISP_E_INVALID, and says at which character. */
int structure_parse_layers(const char *text, struct structure *out, struct reason *why);

#endif
