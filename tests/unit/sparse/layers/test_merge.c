/* SPDX-License-Identifier: Apache-2.0
 *
 * add and concat: what comes out of several inputs and what each is sent, written out element by element; the same for
 * any number of parts; added to what is there, or not sent at all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

enum { INPUTS = 3, FLOATS_MAX = 12000 };

struct trial {
    struct layer layer;
    struct shape shapes[INPUTS];
    struct tensor in[INPUTS], out;
    float ins[INPUTS][FLOATS_MAX], outs[INPUTS * FLOATS_MAX], gradient[INPUTS * FLOATS_MAX];
    float sent[INPUTS][FLOATS_MAX], before[INPUTS][FLOATS_MAX];
};

static void begin(struct trial *t, const char *kind, const uint32_t *channels, size_t batch)
{
    struct rng rng = rng_make(6, batch);
    struct layer_plan plan;
    struct reason why;

    t->layer = (struct layer){ .kind = layer_kind_find(kind), .input_count = INPUTS };
    for (int j = 0; j < INPUTS; j++) {
        t->shapes[j] = (struct shape){ 3, { channels[j], 3, 5 } };
        t->in[j] = (struct tensor){
            .data = t->ins[j], .shape = t->shapes[j], .elements = shape_elements(&t->shapes[j]), .batch = batch
        };
        for (size_t i = 0; i < tensor_count(&t->in[j]); i++) {
            t->ins[j][i] = rng_normal(&rng);
            t->before[j][i] = rng_normal(&rng);
        }
    }
    assert_ok(layer_plan(&t->layer, t->shapes, &plan, &why), why);
    t->out = (struct tensor){
        .data = t->outs, .shape = plan.shape, .elements = shape_elements(&plan.shape), .batch = batch
    };
    for (size_t i = 0; i < tensor_count(&t->out); i++)
        t->gradient[i] = rng_normal(&rng);
}

/* The first input gets no gradient, the second has one already. */
static void run(struct trial *t, const struct kernels *kernels, unsigned parts)
{
    const struct tensor *const in[] = { &t->in[0], &t->in[1], &t->in[2] };
    float *const in_gradient[] = { NULL, t->sent[1], t->sent[2] };
    const bool accumulate[] = { false, true, false };
    struct layer_back back = { .run = { .layer = &t->layer,
                                        .kernels = kernels,
                                        .in = in,
                                        .out = &t->out,
                                        .mode = LAYER_TRAIN,
                                        .parts = parts },
                               .out_gradient = t->gradient,
                               .in_gradient = in_gradient,
                               .accumulate = accumulate };

    memset(t->outs, 0xff, sizeof t->outs);
    memcpy(t->sent, t->before, sizeof t->sent);
    for (back.run.part = 0; back.run.part < parts; back.run.part++)
        t->layer.kind->forward(&back.run);
    for (back.run.part = 0; back.run.part < parts; back.run.part++)
        t->layer.kind->backward(&back);
}

/* `offset`: of an input's first float in the output. */
static void check_gradients(const struct trial *t, const size_t *offset)
{
    for (size_t i = 0; i < tensor_count(&t->in[1]); i++)
        assert_true(t->sent[1][i] == t->before[1][i] + t->gradient[offset[1] + i]);
    for (size_t i = 0; i < tensor_count(&t->in[2]); i++)
        assert_true(t->sent[2][i] == t->gradient[offset[2] + i]);
}

static void check(struct trial *t, const char *kind, const uint32_t *channels)
{
    static const size_t batches[] = { 1, 7, 65 };
    const bool add = !strcmp(kind, "add");
    const struct kernels *kernels;

    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        for (size_t i = 0; i < 9; i++) {
            size_t offset[INPUTS] = { 0 };

            begin(t, kind, channels, batches[i % 3]);
            run(t, kernels, (unsigned)(1 + i / 3));
            for (int j = 1; j < INPUTS && !add; j++)
                offset[j] = offset[j - 1] + tensor_count(&t->in[j - 1]);
            for (size_t e = 0; add && e < tensor_count(&t->out); e++)
                assert_true(t->outs[e] == t->ins[0][e] + t->ins[1][e] + t->ins[2][e]);
            for (int j = 0; j < INPUTS && !add; j++)
                assert_memory_equal(t->outs + offset[j], t->ins[j], tensor_count(&t->in[j]) * sizeof(float));
            check_gradients(t, offset);
        }
    }
}

static void test_merges(void **state)
{
    struct trial *t = malloc(sizeof *t);

    (void)state;
    assert_non_null(t);
    check(t, "add", (const uint32_t[]){ 9, 9, 9 });
    check(t, "concat", (const uint32_t[]){ 9, 1, 12 });
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_merges) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
