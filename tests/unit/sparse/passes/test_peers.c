/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes that share a batch: whatever share of it each has, be it none, they come to what one pass over all of it comes
 * to, and to the same bits of what they gather. Peers are threads here, each with a model of its own.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "unit/sparse/passes/set_layer.h"
#include "unit/sparse/passes/training.h"

enum { INPUTS = 6, HIDDEN = 10, OUTPUTS = 4, LAYERS = 6, BATCH = 24, PEERS = 4, TRIALS = 40 };

/* Normalised twice, and with dropout, which numbers samples through the whole batch. */
static struct model *make_model(void)
{
    static const char *const between[] = { "batch_norm", "dropout", "relu" };
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(LAYERS, &model), 0);
    snprintf(model->name, sizeof model->name, "peers");
    snprintf(model->processing, sizeof model->processing, "test.peers");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { INPUTS } });
    set_linear(&model->layers[0], "first", 0, HIDDEN, INPUTS, 0.6, 1);
    for (uint32_t i = 1; i <= ARRAY_SIZE(between); i++)
        set_plain(&model->layers[i], between[i - 1], i);
    set_linear(&model->layers[4], "second", 4, OUTPUTS, HIDDEN, 0.6, 2);
    set_plain(&model->layers[5], "batch_norm", 5);
    for (uint32_t i = 1; i < LAYERS; i += 4) {
        model->layers[i].parameters[0] = 1e-5;
        model->layers[i].parameters[1] = 0.1;
        for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
            const uint32_t count = i == 1 ? HIDDEN : OUTPUTS;

            model->layers[i].vectors[v] = (struct vector){ memory_zalloc(count, sizeof(float)), count, true };
            for (uint32_t k = 0; k < count; k++)
                model->layers[i].vectors[v].data[k] = 1 + 0.1f * (float)(k + v);
        }
    }
    model->layers[2].parameters[0] = 0.3;
    assert_ok(model_check(model, &why), why);
    return model;
}

struct meeting {
    pthread_barrier_t barrier;
    const void *own[PEERS];
    unsigned count;
};

struct peer {
    struct meeting *meeting;
    struct forward_peers peers;
    unsigned number, threads;
    size_t begin, count, whole; /* its samples, of how many */
    const float *input, *sent;  /* of the whole batch: [feature][whole] */
    float y[OUTPUTS * BATCH];   /* its own: [feature][count] */
    struct training training;
    struct model *model;
};

static void gather(void *argument, const void *own, size_t bytes, void *all)
{
    struct peer *peer = argument;
    struct meeting *meeting = peer->meeting;

    meeting->own[peer->number] = own;
    pthread_barrier_wait(&meeting->barrier);
    for (unsigned i = 0; i < meeting->count; i++)
        memcpy((char *)all + i * bytes, meeting->own[i], bytes);
    pthread_barrier_wait(&meeting->barrier);
}

static void take_share(const struct peer *peer, const float *from, size_t features, float *to)
{
    for (size_t f = 0; f < features; f++)
        memcpy(to + f * peer->count, from + f * peer->whole + peer->begin, peer->count * sizeof *to);
}

/* What is overwritten may be anything before. */
static void spoil(const struct training *training)
{
    for (uint32_t i = 0; i < training->parameters.run_count; i++) {
        const struct parameter_run *run = &training->parameters.runs[i];

        for (uint64_t k = 0; run->trained && k < run->count; k++)
            training->gradient[run->begin + k] = 1e3f;
    }
}

static void *run_peer(void *argument)
{
    struct peer *peer = argument;
    struct pool *pool;
    float input[INPUTS * BATCH];

    assert_int_equal(pool_new(peer->threads, &pool), 0);
    peer->peers.argument = peer;
    peer->model = make_model();
    training_make(&peer->training, &(struct forward_setup){ .model = peer->model,
                                                            .kernels = kernels_find("auto"),
                                                            .batch = MAX(peer->count, 1),
                                                            .pool = pool,
                                                            .peers = peer->peers.count ? &peer->peers : NULL });
    take_share(peer, peer->input, INPUTS, input);
    forward_random(peer->training.forward, &(struct layer_random){ 7, 1 << 20, peer->begin });
    forward_run(peer->training.forward, LAYER_TRAIN, input, peer->count);
    if (peer->count)
        memcpy(peer->y, forward_value(peer->training.forward, LAYERS), OUTPUTS * peer->count * sizeof *peer->y);
    take_share(peer, peer->sent, OUTPUTS, backward_gradient(peer->training.backward, LAYERS));
    spoil(&peer->training);
    backward_run(peer->training.backward, LAYERS, peer->training.gradient);
    pool_free(pool);
    return NULL;
}

static void free_peer(struct peer *peer)
{
    training_free(&peer->training);
    model_free(peer->model);
}

static void near(double a, double b, const char *what)
{
    if (!(fabs(a - b) <= 2e-5 * (1 + fabs(b))))
        fail_msg("%s: %.9g, and %.9g of the whole batch", what, a, b);
}

/* Cuts the batch at random places: some shares are empty. */
static void share_out(struct peer *peers, unsigned count, size_t whole, struct rng *rng)
{
    size_t begin = 0;

    for (unsigned i = 0; i < count; i++) {
        const size_t left = whole - begin, share = i + 1 == count ? left : rng_below(rng, left + 1);

        peers[i].begin = begin;
        peers[i].count = share;
        begin += share;
    }
}

static void compare(struct peer *peers, unsigned count, struct peer *alone)
{
    const struct parameters *parameters = &alone->training.parameters;

    for (unsigned i = 0; i < count; i++) {
        for (size_t f = 0; f < OUTPUTS; f++) {
            for (size_t b = 0; b < peers[i].count; b++)
                near(peers[i].y[f * peers[i].count + b], alone->y[f * alone->whole + peers[i].begin + b], "answer");
        }
        for (uint32_t layer = 1; layer < LAYERS; layer += 4) {
            for (unsigned v = 2; v < 4; v++) { /* the running statistics */
                const struct vector *of = &peers[i].model->layers[layer].vectors[v];

                assert_memory_equal(of->data, peers[0].model->layers[layer].vectors[v].data, of->count * sizeof(float));
                for (uint64_t k = 0; k < of->count; k++)
                    near(of->data[k], alone->model->layers[layer].vectors[v].data[k], "statistic");
            }
        }
    }
    for (uint64_t k = 0; k < parameters->length; k++) {
        double sum = 0;

        for (unsigned i = 0; i < count; i++)
            sum += (double)peers[i].training.gradient[k];
        near(sum, alone->training.gradient[k], "gradient");
    }
}

static void try_shares(size_t whole, struct rng *rng)
{
    static struct peer peers[PEERS], alone;
    float input[INPUTS * BATCH], sent[OUTPUTS * BATCH];
    const unsigned count = 1 + (unsigned)rng_below(rng, PEERS), threads = 1 + (unsigned)rng_below(rng, 2);
    struct meeting meeting = { .count = count };
    pthread_t running[PEERS];

    for (size_t i = 0; i < INPUTS * whole; i++)
        input[i] = 2 + 3 * rng_normal(rng);
    for (size_t i = 0; i < OUTPUTS * whole; i++)
        sent[i] = rng_normal(rng);
    alone = (struct peer){ .threads = 1, .count = whole, .whole = whole, .input = input, .sent = sent };
    run_peer(&alone);
    assert_int_equal(pthread_barrier_init(&meeting.barrier, NULL, count), 0);
    for (unsigned i = 0; i < count; i++)
        peers[i] = (struct peer){ .meeting = &meeting,
                                  .peers = { .count = count, .gather = gather },
                                  .number = i,
                                  .threads = threads,
                                  .whole = whole,
                                  .input = input,
                                  .sent = sent };
    share_out(peers, count, whole, rng);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_create(&running[i], NULL, run_peer, &peers[i]), 0);
    for (unsigned i = 0; i < count; i++)
        pthread_join(running[i], NULL);
    compare(peers, count, &alone);
    for (unsigned i = 0; i < count; i++)
        free_peer(&peers[i]);
    free_peer(&alone);
    pthread_barrier_destroy(&meeting.barrier);
}

static void test_any_shares_come_to_the_whole(void **state)
{
    struct rng rng = rng_make(3, 1);

    (void)state;
    for (unsigned trial = 0; trial < TRIALS; trial++)
        try_shares(1 + (size_t)rng_below(&rng, BATCH), &rng);
    try_shares(1, &rng); /* of which no variance can be taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_shares_come_to_the_whole) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
