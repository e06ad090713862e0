/* SPDX-License-Identifier: Apache-2.0
 *
 * Every structure that wisp ships: sampled, a few steps down its gradient, along which the loss must fall as the
 * gradient says; then served, and the answers are those of the pass that trained it, to the bit. Those that take longer
 * than a test may get smaller pictures, or fewer words: the layers are the same.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/documents/document.h"
#include "forge/experiment/tasks.h"
#include "forge/plan/assemble.h"
#include "forge/train/loss.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/backward.h"
#include "support/test.h"

enum { BATCH = 2, STEPS = 3, HALVINGS = 12, LABELS = 5 };

/* Multiply-adds of a sample: about how many the density is chosen for, and more than a test has time for. */
#define WORK_WANTED 20e6
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WORK_MAX 20e6 /* the same code, five times as slow */
#define SHRINKS  false
#define LEARNT   33
#else
#define WORK_MAX 100e6
#define SHRINKS  true
#define LEARNT   100
#endif

/* A network on a batch that it is to learn by heart. */
struct school {
    struct model *model;
    struct parameters parameters;
    struct forward *forward;
    struct backward *backward;
    struct loss_batch batch;
    uint32_t lost;
    float *inputs[SIGNATURE_TENSORS_MAX], *gradient, *before;
};

struct work {
    double connections, fixed; /* the dense network's, and what no connection does */
};

static struct work work_of(const struct structure *structure)
{
    struct work work = { 0, 0 };

    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct layer_plan *p = &structure->layers[i].plan;

        work.connections += (double)(p->inputs * p->outputs * p->kernel_height * p->kernel_width) * p->uses;
        work.fixed += p->fixed_cost;
    }
    return work;
}

static double density_for(const struct work *work)
{
    return fmin(0.5, fmax(0.02, WORK_WANTED / work->connections));
}

static bool is_large(const struct structure *structure)
{
    const struct work work = work_of(structure);

    return work.connections * density_for(&work) + work.fixed > WORK_MAX;
}

static struct structure plan_anew(const struct structure *structure)
{
    cleanup_free char *text = document_print(structure);
    struct structure own;
    struct reason why;

    assert_non_null(text);
    assert_ok(catalog_parse(text, &own, &why), why);
    return own;
}

/* The same layers behind inputs of half the height and width, or of half as many frames or words. */
static struct structure shrink(struct structure *structure)
{
    struct structure smaller = *structure;

    for (uint32_t i = 0; i < smaller.signature.input_count; i++) {
        struct shape *shape = &smaller.signature.inputs[i].shape;

        for (unsigned d = shape->rank > 1; d < shape->rank; d++)
            shape->dimension[d] /= 2;
    }
    smaller = plan_anew(&smaller);
    structure_deinit(structure);
    return smaller;
}

static struct model *sample_model(const struct structure *structure)
{
    struct structure own = plan_anew(structure);
    struct model *model;
    struct plan plan;
    struct reason why;
    struct work work;

    while (is_large(&own))
        own = shrink(&own);
    work = work_of(&own);
    assert_ok(plan_solve(&own, DENSITY_ERK, density_for(&work), &plan, &why), why);
    assert_ok(assemble_model(&plan, &(struct assembly){ .name = "t", .seed = 1 }, &model, NULL, &why), why);
    plan_deinit(&plan);
    return model;
}

/* Normal numbers; or words, for who looks them up. */
static void make_input(struct school *s, uint32_t input)
{
    const struct model *model = s->model;
    const size_t count = shape_elements(model_value_shape(model, input)) * BATCH;
    struct rng rng = rng_make(2, (uint64_t)input << 1);
    float *values = memory_alloc(count, sizeof *values);
    uint32_t words = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].kind->indexed && model->layers[i].inputs[0] == input)
            words = model->layers[i].weight.columns;
    }
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = words ? (float)rng_below(&rng, words) : rng_normal(&rng);
    s->inputs[input] = values;
    memcpy(forward_input(s->forward, input), values, count * sizeof *values);
}

static void make_targets(struct school *s)
{
    struct rng rng = rng_make(2, 1);

    for (size_t i = 0; s->batch.classes && i < s->batch.positions * BATCH; i++)
        s->batch.classes[i] = (int32_t)rng_below(&rng, s->batch.features);
    for (size_t i = 0; s->batch.classes && s->batch.loss->targets == TARGETS_WORDS && i < s->batch.positions * BATCH;
         i += 3)
        s->batch.classes[i] = -1;
    for (size_t i = 0; s->batch.loss->targets == TARGETS_LABELS && i < s->batch.positions * BATCH; i++)
        s->batch.classes[i] = i / BATCH < LABELS ? (int32_t)(1 + rng_below(&rng, s->batch.features - 1)) : -1;
    for (size_t i = 0; s->batch.values && i < s->batch.features * s->batch.positions * BATCH; i++)
        s->batch.values[i] =
            s->batch.loss->targets == TARGETS_SET ? (float)rng_below(&rng, 2) : 0.5f * rng_normal(&rng);
}

static void open_school(struct school *s, const struct structure *structure, struct pool *pool)
{
    struct forward_setup setup = { .kernels = kernels_find("auto"), .mode = LAYER_TRAIN, .batch = BATCH, .pool = pool };
    const struct loss *loss;
    struct reason why;

    *s = (struct school){ .model = sample_model(structure) };
    setup.model = s->model;
    assert_int_equal(parameters_map(s->model, &s->parameters), 0);
    assert_int_equal(model_gather_parameters(s->model, &s->parameters), 0);
    s->gradient = parameters_array(&s->parameters);
    s->before = parameters_array(&s->parameters);
    assert_true(s->gradient && s->before);
    assert_ok(forward_new(&setup, &s->forward, &why), why);
    assert_ok(backward_new(s->forward, &s->parameters, &s->backward, &why), why);
    assert_ok(loss_of_model(s->model, task_loss(structure->processing), &loss, &s->lost, &why), why);
    assert_int_equal(loss_batch_init(&s->batch, loss, model_output(s->model), BATCH), 0);
    for (uint32_t i = 0; i < s->model->signature.input_count; i++)
        make_input(s, i);
    make_targets(s);
}

static void close_school(struct school *s)
{
    backward_free(s->backward);
    forward_free(s->forward);
    loss_batch_deinit(&s->batch);
    parameters_deinit(&s->parameters);
    model_free(s->model);
    free(s->gradient);
    free(s->before);
    for (uint32_t i = 0; i < SIGNATURE_TENSORS_MAX; i++)
        free(s->inputs[i]);
}

static double loss_of(struct school *s, struct pool *pool)
{
    struct loss_tally tally = { .samples = 0 };

    forward_run(s->forward, LAYER_TRAIN, s->inputs[0], BATCH);
    loss_run(&s->batch, forward_value(s->forward, model_value(s->model, s->model->layer_count - 1)), BATCH, 0,
             backward_gradient(s->backward, s->lost), pool);
    loss_add(&s->batch, BATCH, &tally);
    return loss_mean(&tally);
}

static double length_of(const struct school *s, const struct parameter_run *run)
{
    double square = 0;

    for (uint64_t k = run->begin; run->trained && k < run->begin + run->count; k++)
        square += (double)s->gradient[k] * (double)s->gradient[k];
    return sqrt(square);
}

/* From what the parameters were, down the gradient, each run of them as far as any other. Returns how much the summed
 * loss falls by it if it is a plane. */
static double move(struct school *s, double far)
{
    double fall = 0;

    for (uint32_t i = 0; i < s->parameters.run_count; i++) {
        const struct parameter_run *run = &s->parameters.runs[i];
        const double length = length_of(s, run);

        for (uint64_t k = run->begin; length > 0 && k < run->begin + run->count; k++)
            s->model->parameters[k] = s->before[k] - (float)(far / length * (double)s->gradient[k]);
        fall += far * length;
    }
    return fall;
}

/* Down the gradient, in steps each half as long as the one before, until the loss falls as the gradient says, within a
 * tenth. A gradient that lacks a part, or has one too many, never gets there. */
static void step_down(struct school *s, struct pool *pool, const char *name)
{
    const double loss = loss_of(s, pool);
    double far, fallen = 0;

    backward_run(s->backward, s->lost, s->gradient);
    memcpy(s->before, s->model->parameters, s->parameters.length * sizeof *s->before);
    far = 0.1 * loss * BATCH / move(s, 1);
    for (int i = 0; i < HALVINGS && !(fabs(fallen - 1) < 0.1); i++, far /= 2) {
        const double fall = move(s, far);

        fallen = (loss - loss_of(s, pool)) * BATCH / fall;
    }
    if (!(fabs(fallen - 1) < 0.1))
        fail_msg("%s: down its gradient the loss %g falls %g times as fast as the gradient says", name, loss, fallen);
}

/* As a client writes it, to be freed. */
static void *sample_of(const struct school *s, uint32_t input, size_t sample)
{
    const struct model_tensor *tensor = &s->model->signature.inputs[input];
    const size_t elements = shape_elements(&tensor->shape);
    float *numbers = memory_alloc(elements, sizeof *numbers);
    int32_t *words = memory_alloc(elements, sizeof *words);

    assert_true(numbers && words);
    for (size_t e = 0; e < elements; e++) {
        numbers[e] = s->inputs[input][e * BATCH + sample];
        words[e] = tensor->dtype == DTYPE_INT32 ? (int32_t)numbers[e] : 0;
    }
    free(tensor->dtype == DTYPE_INT32 ? (void *)numbers : words);
    return tensor->dtype == DTYPE_INT32 ? (void *)words : numbers;
}

/* What the daemon does with a model, against what the trainer measures it by. */
static void check_serving(struct school *s, const char *name)
{
    const uint32_t count = s->model->signature.input_count;
    const size_t out = shape_elements(model_output(s->model));
    cleanup_free float *answers = memory_alloc(out * BATCH, sizeof *answers);
    void *inputs[BATCH * SIGNATURE_TENSORS_MAX], *outputs[BATCH];
    const float *evaluated;
    struct forward *forward;
    struct reason why;

    assert_non_null(answers);
    for (size_t b = 0; b < BATCH; b++) {
        for (uint32_t i = 0; i < count; i++)
            inputs[b * count + i] = sample_of(s, i, b);
        outputs[b] = answers + b * out;
    }
    assert_ok(forward_new(&(struct forward_setup){ .model = s->model, .kernels = kernels_find("auto"), .batch = BATCH },
                          &forward, &why),
              why);
    forward_serve(forward, (const void *const *)inputs, outputs, BATCH);
    forward_free(forward);
    forward_run(s->forward, LAYER_EVALUATE, s->inputs[0], BATCH);
    evaluated = forward_value(s->forward, model_value(s->model, s->model->layer_count - 1));
    for (size_t i = 0; i < out * BATCH; i++) {
        const float other = evaluated[i % out * BATCH + i / out];

        if (memcmp(&answers[i], &other, sizeof other) != 0)
            fail_msg("%s: element %zu is %a when served, and %a when evaluated", name, i, (double)answers[i],
                     (double)other);
    }
    for (size_t i = 0; i < (size_t)BATCH * count; i++)
        free(inputs[i]);
}

struct tally {
    struct pool *pool;
    unsigned structures, trained, large;
};

static int visit(void *argument, const struct structure *structure)
{
    struct tally *tally = argument;
    struct school s;

    tally->structures++;
    assert_true(structure_support(structure).trains);
    if (!SHRINKS && is_large(structure)) {
        tally->large++;
        return 0;
    }
    tally->trained++;
    open_school(&s, structure, tally->pool);
    for (int step = 0; step < STEPS; step++)
        step_down(&s, tally->pool, structure->name);
    check_serving(&s, structure->name);
    close_school(&s);
    return 0;
}

static void test_every_structure_learns_and_serves(void **state)
{
    DIR *folder = opendir(source_path("config/structures"));
    struct tally tally = { .structures = 0 };
    struct dirent *entry;

    (void)state;
    assert_non_null(folder);
    assert_int_equal(pool_new(2, &tally.pool), 0);
    while ((entry = readdir(folder))) {
        char path[512];
        struct reason why;

        if (!strstr(entry->d_name, ".yaml"))
            continue;
        snprintf(path, sizeof path, "%s/%s", source_path("config/structures"), entry->d_name);
        assert_ok(document_read(path, visit, &tally, stderr, &why), why);
    }
    closedir(folder);
    pool_free(tally.pool);
    print_message("%u of %u structures learnt and were served, %u more are too large for a test\n", tally.trained,
                  tally.structures, tally.large);
    assert_true(tally.structures >= 100);
    assert_true(tally.trained >= LEARNT);
}

/* Kinds that no shipped structure has, in one: a squeeze-and-excite block, attention over places, growing both ways. */
static void test_the_other_kinds_learn_and_serve(void **state)
{
    static const char document[] = "name: others\n"
                                   "processing: image.classification\n"
                                   "input: [3, 8, 8]\n"
                                   "layers:\n"
                                   "  - conv2d: {channels: 16, kernel: 3, padding: 1}\n"
                                   "  - hard_swish: {name: block}\n"
                                   "  - reduce\n"
                                   "  - linear: 4\n"
                                   "  - silu\n"
                                   "  - linear: 16\n"
                                   "  - hard_sigmoid: {name: gate}\n"
                                   "  - multiply: {name: gated, from: [block, gate]}\n"
                                   "  - reduce: {name: mean, by: mean, over: channels}\n"
                                   "  - reduce: {name: max, by: max, over: channels, from: gated}\n"
                                   "  - multiply: {name: places, from: [mean, max]}\n"
                                   "  - concat: {from: [places, gated]}\n"
                                   "  - conv2d: {channels: 16, kernel: 3, padding: 1}\n"
                                   "  - pixel_shuffle\n"
                                   "  - dropout: 0.6\n"
                                   "  - max_pool\n"
                                   "  - upsample: {factor: 2, interpolation: bilinear}\n"
                                   "  - upsample: {factor: 2}\n"
                                   "  - all_relu: {slope: 0.6, layer: 2}\n"
                                   "  - leaky_relu\n"
                                   "  - reduce: {by: sum, over: height}\n"
                                   "  - tokens\n"
                                   "  - linear: 5\n"
                                   "  - softmax\n";
    struct tally tally = { .structures = 0 };
    struct reason why;

    (void)state;
    assert_int_equal(pool_new(2, &tally.pool), 0);
    assert_ok(document_parse("others", document, strlen(document), visit, &tally, stderr, &why), why);
    assert_int_equal(tally.trained, 1);
    pool_free(tally.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_other_kinds_learn_and_serve),
        cmocka_unit_test(test_every_structure_learns_and_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
