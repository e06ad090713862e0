/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind that steps, position by position, gives what it gives of whole sequences, to the bit: with sequences that
 * begin at different times, so that a step has several positions and its company changes, for every kernel table and
 * any number of parts. What is kept of a sequence is garbage at first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/step.h"
#include "support/test.h"

enum { LENGTH = 19, SEQUENCES = 5, APART = 3, TICKS = LENGTH + APART * (SEQUENCES - 1) };

struct step_case {
    const char *kind;
    double parameters[LAYER_PARAMETERS_MAX]; /* 0 stands for the default */
    struct shape inputs[LAYER_INPUTS_MAX];
    uint32_t words[LAYER_INPUTS_MAX];
    bool whole[LAYER_INPUTS_MAX];
};

#define ALONG(features)                                                                                                \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            features, LENGTH                                                                                           \
        }                                                                                                              \
    }

static const struct step_case cases[] = {
    { .kind = "projection", .parameters = { 5 }, .inputs = { ALONG(7) } },
    { .kind = "embedding", .parameters = { 6, 30 }, .inputs = { { 1, { LENGTH } } }, .words = { 30 } },
    { .kind = "softmax", .inputs = { ALONG(7) } },
    { .kind = "layer_norm", .inputs = { ALONG(7) } },
    { .kind = "batch_norm", .inputs = { ALONG(7) } },
    { .kind = "add", .inputs = { ALONG(4), ALONG(4), ALONG(4) } },
    { .kind = "multiply", .inputs = { ALONG(4), ALONG(4) } },
    { .kind = "concat", .inputs = { ALONG(4), ALONG(3) } },
    { .kind = "slice", .parameters = { 0, 2, 3 }, .inputs = { ALONG(6) } },
    { .kind = "position", .inputs = { ALONG(4) } },
    { .kind = "lstm", .parameters = { 3 }, .inputs = { ALONG(4) } },
    { .kind = "lstm", .parameters = { 3, 0, 1, 0.5 }, .inputs = { ALONG(4), { 1, { 6 } } }, .whole = { false, true } },
    { .kind = "gru", .parameters = { 3 }, .inputs = { ALONG(4) } },
    { .kind = "gru", .parameters = { 3 }, .inputs = { ALONG(4), { 2, { 3, 1 } } }, .whole = { false, true } },
    { .kind = "attention", .parameters = { 2, 1 }, .inputs = { ALONG(6), ALONG(6), ALONG(6) } },
    { .kind = "attention",
      .parameters = { 2, 1 },
      .inputs = { ALONG(6), ALONG(6), ALONG(6), { 1, { LENGTH } } },
      .words = { 0, 0, 0, 3 } },
    { .kind = "attention",
      .parameters = { 2 },
      .inputs = { ALONG(6), { 2, { 6, 21 } }, { 2, { 6, 21 } } },
      .whole = { false, true, true } },
    { .kind = "attention",
      .parameters = { 3, 1 },
      .inputs = { ALONG(6), { 2, { 6, 9 } }, { 2, { 6, 9 } }, { 1, { 9 } } },
      .words = { 0, 0, 0, 3 },
      .whole = { false, true, true, true } },
};

struct bench {
    const struct step_case *c;
    struct layer layer;
    struct layer_plan plan, step_plan;
    struct shape steps[LAYER_INPUTS_MAX]; /* shapes of one position */
    float *inputs[LAYER_INPUTS_MAX];      /* of SEQUENCES samples */
    float *right;                         /* the output of whole sequences */
    unsigned char *memory[SEQUENCES];
    uint64_t kept, bytes;
    struct layer_step step;
    const struct kernels *kernels;
    unsigned parts;
};

static struct tensor tensor_of(const struct shape *shape, size_t batch)
{
    struct tensor made = { .shape = *shape, .elements = shape_elements(shape), .batch = batch };

    made.data = memory_zalloc(tensor_count(&made), sizeof(float));
    assert_non_null(made.data);
    return made;
}

static void fill(float *to, size_t count, uint64_t stream, uint32_t words)
{
    struct rng rng = rng_make(23, stream);

    for (size_t i = 0; i < count; i++)
        to[i] = words ? (float)rng_below(&rng, words) : rng_normal(&rng);
}

static void make_tensors(struct bench *b)
{
    struct layer *layer = &b->layer;
    struct reason why;

    if (layer->kind->weighted) {
        const uint32_t rows = (uint32_t)b->plan.outputs, columns = (uint32_t)b->plan.inputs;

        assert_ok(sample_connections(rows, columns, rows * columns / 2, 5, 1, &layer->weight, &why), why);
        sample_weights(&layer->weight, 2, 5, 1);
    }
    for (unsigned v = 0; v < LAYER_VECTORS_MAX && layer->kind->vectors[v].name; v++) {
        layer->vectors[v] =
            (struct vector){ memory_alloc(b->plan.vectors[v], sizeof(float)), b->plan.vectors[v], true };
        fill(layer->vectors[v].data, b->plan.vectors[v], 60 + v, 0);
        for (uint64_t i = 0; i < b->plan.vectors[v]; i++)
            layer->vectors[v].data[i] = 1 + layer->vectors[v].data[i] * layer->vectors[v].data[i];
    }
    for (uint32_t j = 0; j < layer->input_count; j++) {
        const size_t count = shape_elements(&b->c->inputs[j]) * SEQUENCES;

        b->inputs[j] = memory_alloc(count, sizeof(float));
        fill(b->inputs[j], count, j, b->c->words[j]);
    }
}

/* The same inputs, of which those that go along the sequence have one position. */
static void plan_steps(struct bench *b)
{
    struct layer_step_setup setup = { &b->layer, b->c->inputs, b->c->whole };
    struct reason why;

    for (uint32_t j = 0; j < b->layer.input_count; j++) {
        b->steps[j] = b->c->inputs[j];
        if (!b->c->whole[j])
            b->steps[j].dimension[b->steps[j].rank - 1] = 1;
    }
    assert_ok(layer_step_plan(&setup, &b->kept, &why), why);
    assert_ok(b->layer.kind->plan(b->layer.parameters, b->steps, b->layer.input_count, &b->step_plan, &why), why);
    b->step.length = LENGTH;
    b->bytes = b->kept;
    for (uint32_t j = 0; j < b->layer.input_count; j++) {
        b->step.whole[j] = b->c->whole[j];
        b->step.whole_at[j] = b->bytes;
        if (b->c->whole[j])
            b->bytes += shape_elements(&b->c->inputs[j]) * sizeof(float);
    }
}

static void begin_sequences(struct bench *b)
{
    for (size_t s = 0; s < SEQUENCES; s++) {
        free(b->memory[s]);
        b->memory[s] = memory_alloc(MAX(b->bytes, 1u), 1);
        memset(b->memory[s], 0xff, b->bytes);
        for (uint32_t j = 0; j < b->layer.input_count; j++) {
            float *to = (float *)(void *)(b->memory[s] + b->step.whole_at[j]);

            for (uint64_t e = 0; b->c->whole[j] && e < shape_elements(&b->c->inputs[j]); e++)
                to[e] = b->inputs[j][e * SEQUENCES + s];
        }
    }
}

static struct weights *weights_for(const struct bench *b, uint64_t positions, size_t batch)
{
    const struct csr *w = &b->layer.weight;
    struct weights *made = NULL;

    if (!b->layer.kind->weighted)
        return NULL;
    if (b->layer.kind->indexed) {
        assert_int_equal(weights_borrow(b->kernels, w, &made), 0);
        assert_int_equal(weights_index_columns(made, w), 0);
    } else {
        assert_int_equal(weights_new(b->kernels, w,
                                     &(struct weights_use){ positions, positions * batch, RESIDENCE_PRIVATE, NULL },
                                     &made),
                         0);
    }
    if (b->plan.blocks > 1)
        assert_int_equal(weights_split(made, w, (uint32_t)b->plan.blocks), 0);
    return made;
}

/* `run` on all parts, with the room that the kind asks for. */
static void call(const struct bench *b, layer_step_function *run, const struct tensor *in, struct tensor *out,
                 const struct weights *weights, const struct layer_step *step)
{
    const struct tensor *list[LAYER_INPUTS_MAX] = { &in[0], &in[1], &in[2], &in[3] };
    const bool accumulate[LAYER_INPUTS_MAX] = { false };
    const struct layer_setup setup = { .layer = &b->layer,
                                       .plan = step ? &b->step_plan : &b->plan,
                                       .inputs = step ? b->steps : b->c->inputs,
                                       .batch = SEQUENCES,
                                       .accumulate = accumulate,
                                       .length = step ? LENGTH : 0 };
    struct layer_needs needs = { 0 };
    struct reason why;
    void *scratch, *part;

    if (b->layer.kind->prepare)
        assert_ok(b->layer.kind->prepare(&setup, &needs, &why), why);
    scratch = memory_alloc(MAX(needs.scratch, 1u), 1);
    part = memory_alloc(MAX(needs.scratch_part, 1u), 1);
    for (unsigned p = 0; p < b->parts; p++)
        run(&(struct layer_run){ .layer = &b->layer,
                                 .kernels = b->kernels,
                                 .weights = weights,
                                 .in = list,
                                 .out = out,
                                 .step = step,
                                 .scratch = scratch,
                                 .scratch_part = memset(part, 0xff, needs.scratch_part),
                                 .part = p,
                                 .parts = b->parts });
    free(scratch);
    free(part);
}

static void run_whole(struct bench *b)
{
    struct tensor in[LAYER_INPUTS_MAX] = { { 0 } }, out = tensor_of(&b->plan.shape, SEQUENCES);
    struct weights *weights = weights_for(b, layer_product_positions(&b->plan), SEQUENCES);

    for (uint32_t j = 0; j < b->layer.input_count; j++)
        in[j] =
            (struct tensor){ b->inputs[j], b->c->inputs[j], shape_elements(&b->c->inputs[j]), SEQUENCES, NULL, NULL };
    call(b, b->layer.kind->forward, in, &out, weights, NULL);
    weights_free(weights);
    b->right = out.data;
}

/* Those that run at a tick. */
static size_t running(uint32_t tick, size_t which[SEQUENCES], uint32_t positions[SEQUENCES])
{
    size_t count = 0;

    for (uint32_t s = 0; s < SEQUENCES; s++) {
        if (tick < s * APART || tick - s * APART >= LENGTH)
            continue;
        which[count] = s;
        positions[count++] = tick - s * APART;
    }
    return count;
}

static void run_tick(struct bench *b, uint32_t tick, const struct weights *weights)
{
    struct tensor in[LAYER_INPUTS_MAX] = { { 0 } }, out;
    unsigned char *memory[SEQUENCES];
    uint32_t positions[SEQUENCES];
    size_t which[SEQUENCES], count = running(tick, which, positions);

    for (size_t i = 0; i < count; i++)
        memory[i] = b->memory[which[i]];
    b->step.positions = positions;
    b->step.sequences = memory;
    for (uint32_t j = 0; j < b->layer.input_count; j++) {
        in[j] = tensor_of(&b->steps[j], count);
        for (uint64_t e = 0; !b->c->whole[j] && e < in[j].elements; e++) {
            for (size_t i = 0; i < count; i++)
                in[j].data[e * count + i] = b->inputs[j][(e * LENGTH + positions[i]) * SEQUENCES + which[i]];
        }
    }
    out = tensor_of(&b->step_plan.shape, count);
    call(b, layer_kind_step(b->layer.kind), in, &out, weights, &b->step);
    for (uint64_t e = 0; e < out.elements; e++) {
        for (size_t i = 0; i < count; i++) {
            const float *right = &b->right[(e * LENGTH + positions[i]) * SEQUENCES + which[i]];

            if (memcmp(&out.data[e * count + i], right, sizeof *right) != 0)
                fail_msg("%s, %s, %u parts: feature %zu of sequence %zu at %u is %a, and must be %a", b->c->kind,
                         b->kernels->name, b->parts, (size_t)e, which[i], positions[i], (double)out.data[e * count + i],
                         (double)*right);
        }
    }
    for (uint32_t j = 0; j < b->layer.input_count; j++)
        free(in[j].data);
    free(out.data);
}

static void check_case(const struct step_case *c)
{
    struct bench b = { .c = c, .layer = { .kind = layer_kind_find(c->kind) } };
    struct reason why;

    while (b.layer.input_count < LAYER_INPUTS_MAX && c->inputs[b.layer.input_count].rank)
        b.layer.input_count++;
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && b.layer.kind->parameters[p].name; p++)
        b.layer.parameters[p] = c->parameters[p] != 0 ? c->parameters[p] : b.layer.kind->parameters[p].default_value;
    if (b.layer.kind->indexed) { /* its parameters have names, and an order of their own */
        b.layer.parameters[0] = c->parameters[0];
        b.layer.parameters[1] = c->parameters[1];
    }
    assert_ok(b.layer.kind->plan(b.layer.parameters, c->inputs, b.layer.input_count, &b.plan, &why), why);
    make_tensors(&b);
    plan_steps(&b);
    for (size_t t = 0; (b.kernels = kernels_at(t)); t++) {
        struct weights *weights = weights_for(&b, 1, SEQUENCES);

        for (b.parts = 1; b.parts <= 3; b.parts += 2) {
            run_whole(&b);
            begin_sequences(&b);
            for (uint32_t tick = 0; tick < TICKS; tick++)
                run_tick(&b, tick, weights);
            free(b.right);
        }
        weights_free(weights);
    }
    csr_deinit(&b.layer.weight);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        free(b.layer.vectors[v].data);
    for (uint32_t j = 0; j < b.layer.input_count; j++)
        free(b.inputs[j]);
    for (size_t s = 0; s < SEQUENCES; s++)
        free(b.memory[s]);
}

static void test_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_case(&cases[i]);
}

/* Kinds of elements have no case: they all go one way. None that says that it steps is forgotten. */
static void test_every_kind(void **state)
{
    const struct layer_kind *kind;

    (void)state;
    for (size_t k = 0; (kind = layer_kind_at(k)); k++) {
        const struct step_case alone = { .kind = kind->name, .inputs = { ALONG(5) } };
        bool found = !layer_kind_step(kind);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
            found |= !strcmp(cases[i].kind, kind->name);
        if (!found && (kind->elementwise || kind->train_only)) {
            check_case(&alone);
            found = true;
        }
        if (!found)
            fail_msg("%s steps, and nobody looks", kind->name);
    }
}

static void refused(const char *said, const struct step_case *c)
{
    struct layer layer = { .kind = layer_kind_find(c->kind) };
    const struct layer_step_setup setup = { &layer, c->inputs, c->whole };
    uint64_t kept;
    struct reason why;

    while (c->inputs[layer.input_count].rank)
        layer.input_count++;
    memcpy(layer.parameters, c->parameters, sizeof layer.parameters);
    assert_int_equal(layer_step_plan(&setup, &kept, &why), WISP_E_FORMAT);
    if (!strstr(why.text, said))
        fail_msg("\"%s\" does not say \"%s\"", why.text, said);
}

static void test_refused(void **state)
{
    (void)state;
    refused("needs other positions",
            &(struct step_case){ .kind = "linear", .parameters = { 3 }, .inputs = { ALONG(5) } });
    refused("needs other positions",
            &(struct step_case){ .kind = "conv1d", .parameters = { 3 }, .inputs = { ALONG(5) } });
    refused("input 2 does not go along",
            &(struct step_case){ .kind = "add", .inputs = { ALONG(5), ALONG(5) }, .whole = { false, true } });
    refused("nothing but positions", &(struct step_case){ .kind = "softmax", .inputs = { { 1, { LENGTH } } } });
    refused(
        "not causal",
        &(struct step_case){ .kind = "attention", .parameters = { 1, 0 }, .inputs = { ALONG(4), ALONG(4), ALONG(4) } });
    refused("and some do not", &(struct step_case){ .kind = "attention",
                                                    .parameters = { 1, 1 },
                                                    .inputs = { ALONG(4), ALONG(4), ALONG(4) },
                                                    .whole = { false, true } });
    refused("from the last position",
            &(struct step_case){ .kind = "gru", .parameters = { 3, 1 }, .inputs = { ALONG(4) } });
    refused("to begin with goes along",
            &(struct step_case){ .kind = "gru", .parameters = { 3 }, .inputs = { ALONG(4), ALONG(3) } });
    refused("some of the sequence's positions",
            &(struct step_case){ .kind = "slice", .parameters = { 1, 0, 2 }, .inputs = { ALONG(4) } });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
