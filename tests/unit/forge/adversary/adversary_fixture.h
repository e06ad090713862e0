/* SPDX-License-Identifier: Apache-2.0
 *
 * Two networks, so small that they can be computed in double, and a training of them against each other.
 */
#ifndef TESTS_UNIT_FORGE_ADVERSARY_FIXTURE_H
#define TESTS_UNIT_FORGE_ADVERSARY_FIXTURE_H

#include "forge/adversary/adversary.h"
#include "forge/train/adversarial/adversarial_loss.h"
#include "forge/train/trainer_state.h"
#include "unit/forge/train/trainer_fixture.h"

enum { SAMPLES = 48, GIVEN = 2, NOISE = 3, GIVES = 4, HIDDEN = 16, LAYERS_MAX = 8 };

/* What a network is to be like. */
struct net {
    uint32_t inputs[2], input_count, gives;
    const char *names[2];
    bool norm;    /* it begins with a batch_norm */
    bool sigmoid; /* it ends in one */
};

/* [concat] [batch_norm] linear tanh linear [sigmoid] */
struct model *make_net(const char *name, const struct net *net, uint32_t seed);

static const struct net plain_generator = { { GIVEN }, 1, GIVES, { "input" }, false, false };
static const struct net sure_generator = { { GIVEN }, 1, GIVES, { "input" }, false, true };
static const struct net noisy_generator = { { GIVEN, NOISE }, 2, GIVES, { "input", "noise" }, false, false };
static const struct net lone_generator = { { NOISE }, 1, GIVEN, { "noise" }, false, false };
static const struct net plain_adversary = { { GIVES }, 1, 1, { "input" }, false, false };
static const struct net seeing_adversary = { { GIVES, GIVEN }, 2, 1, { "input", "given" }, false, false };
static const struct net lone_adversary = { { GIVEN }, 1, 1, { "input" }, false, false };

/* A training of two of them. */
struct bed {
    struct fixture f;    /* whose model is the generator */
    struct model *model; /* the adversary's */
    struct adversary *adversary;
    struct batches *batches;
    struct pool *pool;
    struct progress progress;
    struct recipe recipe;
    struct trainer_setup setup;
    struct trainer *trainer;
    uint32_t order[SAMPLES];
    double loss; /* of the last batch, mean */
};

/* Both networks become the bed's, whose recipe is there; and both trainers. */
void lay(struct bed *bed, struct model *generator, struct model *adversary, unsigned threads);
void begin(struct bed *bed);
void clear(struct bed *bed);

#endif
