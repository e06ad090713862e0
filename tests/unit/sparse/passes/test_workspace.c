/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass keeps for its layers: areas as large as asked for, at cache lines, none over another; scratch that layers
 * share, saved bytes that stand from forward to backward; random numbers of their own; and an error for what no memory
 * can hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "support/test.h"
#include "unit/sparse/passes/training.h"

enum { PARTS = 3, LAYERS = 4, ELEMENTS = 8, BATCH = 5 };

/* The areas that a layer was given in the last forward pass, by part. */
static struct layer_run seen[LAYERS][PARTS];
static unsigned backs;

/* Layer i asks for i times as much; the first asks for nothing. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t i = setup->layer->inputs[0];

    if (setup->batch > BATCH)
        return refuse(why, WISP_E_FORMAT, "too many samples");
    assert_int_equal(setup->inputs[0].dimension[0], ELEMENTS);
    assert_int_equal(shape_elements(&setup->plan->shape), ELEMENTS);
    *needs = (struct layer_needs){ .scratch = 100 * i, .scratch_part = 10 * i, .saved = 33 * i };
    return 0;
}

static void forward(const struct layer_run *run)
{
    const uint32_t i = run->layer->inputs[0];

    seen[i][run->part] = *run;
    memset(run->scratch_part, 0xee, 10 * i);
    if (run->part == 0) {
        memset(run->scratch, 0xdd, 100 * i);
        memset(run->saved, (int)i, 33 * i);
        memcpy(run->out->data, run->in[0]->data, tensor_count(run->out) * sizeof(float));
    }
}

static void backward(const struct layer_back *back)
{
    const uint32_t i = back->run.layer->inputs[0];
    const unsigned char *saved = back->run.saved;

    for (uint64_t k = 0; k < 33 * i; k++)
        assert_int_equal(saved[k], i);
    assert_memory_equal(&back->run.random, &seen[i][0].random, sizeof back->run.random);
    if (back->run.part)
        return;
    memset(back->run.scratch, 0xcc, 100 * i);
    if (back->in_gradient[0])
        memcpy(back->in_gradient[0], back->out_gradient, tensor_count(back->run.out) * sizeof(float));
    backs++;
}

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0] };
    return 0;
}

static const struct layer_kind greedy = { .name = "greedy",
                                          .inputs_min = 1,
                                          .inputs_max = 1,
                                          .plan = plan,
                                          .prepare = prepare,
                                          .forward = forward,
                                          .backward = backward };

static struct model *make_model(void)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(LAYERS, &model), 0);
    snprintf(model->name, sizeof model->name, "greedy");
    snprintf(model->processing, sizeof model->processing, "test.greedy");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { ELEMENTS } });
    for (uint32_t i = 0; i < LAYERS; i++) {
        model->layers[i].kind = &greedy;
        snprintf(model->layers[i].name, sizeof model->layers[i].name, "layer%u", i);
        model->layers[i].inputs[0] = i;
        model->layers[i].input_count = 1;
    }
    assert_ok(model_check(model, &why), why);
    return model;
}

/* Whether two areas have no byte in common. */
static bool apart(const void *a, uint64_t a_bytes, const void *b, uint64_t b_bytes)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

    return x + a_bytes <= y || y + b_bytes <= x;
}

static void check_areas(void)
{
    for (uint32_t i = 1; i < LAYERS; i++) {
        for (unsigned part = 0; part < PARTS; part++) {
            const struct layer_run *run = &seen[i][part];

            assert_ptr_equal(run->scratch, seen[1][0].scratch);
            assert_ptr_equal(run->saved, seen[i][0].saved);
            assert_int_equal((uintptr_t)run->scratch % CACHE_LINE, 0);
            assert_int_equal((uintptr_t)run->scratch_part % CACHE_LINE, 0);
            assert_int_equal((uintptr_t)run->saved % CACHE_LINE, 0);
            assert_true(apart(run->scratch, 100 * i, run->scratch_part, 10 * i));
            assert_true(apart(run->scratch, 100 * i, run->saved, 33 * i));
            assert_true(apart(run->scratch_part, 10 * i, run->saved, 33 * i));
            assert_true(part == 0 || apart(run->scratch_part, 10 * i, seen[i][part - 1].scratch_part, 10 * i));
            assert_true(apart(run->saved, 33 * i, seen[i - 1][0].saved, 33 * (i - 1)));
        }
    }
}

/* Each layer and step has a stream of its own, and all parts the same. */
static void check_random(const struct layer_random *step)
{
    for (uint32_t i = 0; i < LAYERS; i++) {
        for (unsigned part = 0; part < PARTS; part++) {
            assert_int_equal(seen[i][part].random.seed, step->seed);
            assert_int_equal(seen[i][part].random.stream, step->stream + i);
            assert_int_equal(seen[i][part].random.first, step->first);
        }
    }
}

static void test_layers_get_what_they_ask_for(void **state)
{
    struct model *model = make_model();
    float input[ELEMENTS * BATCH];
    struct training t;
    struct pool *pool;

    (void)state;
    for (unsigned i = 0; i < ELEMENTS * BATCH; i++)
        input[i] = (float)i;
    assert_int_equal(pool_new(PARTS, &pool), 0);
    training_make(&t, &(struct forward_setup){ .model = model, .batch = BATCH, .pool = pool });
    for (int turn = 0; turn < 3; turn++) {
        const struct layer_random random = { 7, (uint64_t)turn * FORWARD_STREAMS, 2 };

        forward_random(t.forward, &random);
        forward_run(t.forward, LAYER_TRAIN, input, BATCH);
        check_areas();
        check_random(&random);
        memcpy(backward_gradient(t.backward, LAYERS), input, sizeof input);
        backward_run(t.backward, LAYERS, t.gradient);
    }
    assert_int_equal(backs, 3 * LAYERS);
    assert_memory_equal(forward_value(t.forward, LAYERS), input, sizeof input);
    training_free(&t);
    pool_free(pool);
    model_free(model);
}

static void test_what_is_asked_for_is_counted(void **state)
{
    struct model *model = make_model();
    struct forward_setup setup = { .model = model, .mode = LAYER_TRAIN, .batch = BATCH };
    struct forward_bytes bytes, more;
    struct forward *forward;
    struct reason why;

    (void)state;
    assert_ok(forward_bytes(&setup, 1, &bytes, &why), why);
    assert_ok(forward_bytes(&setup, PARTS, &more, &why), why);
    /* Scratch 300, of a part 30, saved 33 + 66 + 99, each up to the next 64. */
    assert_int_equal(bytes.workspace, 320 + 64 + 64 + 128 + 128);
    assert_int_equal(more.workspace - bytes.workspace, (PARTS - 1) * 64);
    assert_int_equal(bytes.activations, (LAYERS + 1) * ELEMENTS * BATCH * sizeof(float));
    assert_ok(forward_new(&setup, &forward, &why), why);
    assert_true(forward_memory(forward) >= bytes.workspace + bytes.activations);
    forward_free(forward);
    setup.batch++;
    assert_int_equal(forward_new(&setup, &forward, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "layer3: too many samples"));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_get_what_they_ask_for),
        cmocka_unit_test(test_what_is_asked_for_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
