/* SPDX-License-Identifier: Apache-2.0
 *
 * Small models for tests, built by the same calls that build real ones, and what they are to answer.
 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECIPE_SIZES_MAX = 6 };

/* A golden input: none, one, or one that the model does not answer, because its weights were changed since. */
enum model_golden { GOLDEN_NONE, GOLDEN_RIGHT, GOLDEN_WRONG };

/* Linear layers with a rectifier between them and a softmax at the end; sizes[0] inputs, the last size outputs, and as
 * many labels "label 0", "label 1", … Same recipe, same bits. */
struct model_recipe {
    const char *name;
    const char *processing;           /* "image.classification" */
    uint32_t sizes[RECIPE_SIZES_MAX]; /* up to the first 0 */
    double density;
    uint64_t seed;
    const char *media; /* description of the input, JSON; NULL: none */
    uint32_t idf;      /* features of a text's idf, which is made; 0: none */
    bool unlabelled;
    const char *label; /* of output 0; NULL: "label 0" */
    enum model_golden golden;
    uint32_t threshold; /* of label 0, in thousandths; of each other one more; 0: none have one */
};

/* Builds it and writes it to `path`. */
void model_make(const char *path, const struct model_recipe *recipe);

/* The forward pass of a model file with the scalar kernels, one sample at a time: what every daemon is to answer, to
 * the bit. */
struct reference;
struct reference *reference_new(const char *path);
struct reference *reference_free(struct reference *reference);
size_t reference_inputs(const struct reference *reference);
size_t reference_outputs(const struct reference *reference);
void reference_run(struct reference *reference, const float *input, size_t rows, float *output);

/* Fills `count` floats in [-1, 1) from (seed, stream). */
void floats_make(float *out, size_t count, uint64_t seed, uint64_t stream);

#endif
