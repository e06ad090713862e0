/* SPDX-License-Identifier: Apache-2.0
 *
 * A network and a data set so small that one knows what must come out, and a trainer's run over them.
 */
#ifndef TESTS_UNIT_FORGE_TRAINER_FIXTURE_H
#define TESTS_UNIT_FORGE_TRAINER_FIXTURE_H

#include "forge/train/trainer.h"

/* A data set of grey pictures in memory. */
struct fixture {
    struct dataset data;
    struct media *media;
    struct model *model;
    uint8_t *pixels;
    const struct ranks *ranks; /* that train it together; NULL */
};

/* Sampled by Erdos-Renyi's densities: layers as `wisp build --layers` takes them. */
void make_model(struct fixture *f, const char *layers, double density, uint64_t seed);
/* Two inputs, 0 or 1, and whether they differ: no network without a hidden layer can tell. */
void make_xor(struct fixture *f);
/* Which of four quadrants is brighter, under noise. */
void make_quadrants(struct fixture *f, size_t count);
void drop(struct fixture *f);

/* Trains the model in place. */
void train(struct fixture *f, const struct recipe *recipe, const struct kernels *kernels, unsigned threads,
           struct trainer_result *result);

/* Of all connections and biases. */
uint64_t hash_weights(const struct model *model);

#endif
