/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "operands.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/convolution/convolution.h"
#include "support/test.h"

enum { BATCH = 32, SMALL = 3 }; /* SMALL: of finite differences */

/* The first sample's number is no multiple of the words that a generator makes at once. */
static const struct layer_random random_of_step = { .seed = 17, .stream = 3, .first = 5 };

/* ---- the layer, and what it is given ---- */

struct bench {
    const struct layer_case *c;
    struct layer layer;
    struct layer_plan plan;
    float *inputs[LAYER_INPUTS_MAX], *out_gradient; /* of BATCH samples, feature-major */
    float *kept[LAYER_VECTORS_MAX];                 /* vectors as they were */
};

static float *random_floats(size_t count, uint64_t stream, float scale, float shift)
{
    struct rng rng = rng_make(17, stream);
    float *made = memory_alloc(count, sizeof *made);

    assert_non_null(made);
    for (size_t i = 0; i < count; i++)
        made[i] = fmaf(rng_normal(&rng), scale, shift);
    return made;
}

static void make_weight(struct bench *b)
{
    const struct layer_plan *p = &b->plan;
    uint32_t rows = (uint32_t)p->outputs, columns = (uint32_t)(p->inputs * p->kernel_height * p->kernel_width);
    struct reason why;

    assert_ok(
        sample_connections(rows, columns, (uint64_t)(b->c->density * rows * columns), 5, 1, &b->layer.weight, &why),
        why);
    sample_weights(&b->layer.weight, 2, 5, 1);
}

/* What begins at 1 may be a divisor: it stays away from 0. */
static void make_vectors(struct bench *b)
{
    for (unsigned v = 0; v < LAYER_VECTORS_MAX && b->layer.kind->vectors[v].name; v++) {
        size_t count = b->plan.vectors[v];
        float *made = random_floats(count, 100 + v, 0.2f, 0);

        for (size_t i = 0; i < count; i++)
            made[i] = b->layer.kind->vectors[v].first == 1 ? 1 + fabsf(made[i]) : made[i];
        b->layer.vectors[v] = (struct vector){ .data = made, .count = count, .owned = true };
        b->kept[v] = memory_alloc(count, sizeof *made);
        assert_non_null(b->kept[v]);
        memcpy(b->kept[v], made, count * sizeof *made);
    }
}

static void restore_vectors(struct bench *b)
{
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (b->kept[v])
            memcpy(b->layer.vectors[v].data, b->kept[v], b->layer.vectors[v].count * sizeof(float));
    }
}

static float *random_words(size_t count, uint64_t stream, uint32_t words)
{
    struct rng rng = rng_make(17, stream);
    float *made = memory_alloc(count, sizeof *made);

    assert_non_null(made);
    for (size_t i = 0; i < count; i++)
        made[i] = (float)rng_below(&rng, words);
    return made;
}

static float *make_input(const struct layer_case *c, uint32_t j)
{
    const size_t count = shape_elements(&c->inputs[j]) * BATCH;

    return c->words[j] ? random_words(count, j, c->words[j])
                       : random_floats(count, j, c->scale != 0 ? (float)c->scale : 1, 0);
}

static struct bench bench_new(const struct layer_case *c)
{
    struct bench b = { .c = c, .layer = { .kind = layer_kind_find(c->kind), .input_count = c->input_count } };
    struct reason why;

    if (!b.layer.kind)
        fail_msg("there is no kind %s", c->kind);
    snprintf(b.layer.name, sizeof b.layer.name, "%s", c->kind);
    for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && b.layer.kind->parameters[p].name; p++)
        b.layer.parameters[p] = c->parameters[p] != 0 ? c->parameters[p] : b.layer.kind->parameters[p].default_value;
    assert_ok(b.layer.kind->plan(b.layer.parameters, c->inputs, c->input_count, &b.plan, &why), why);
    b.layer.shape = b.plan.shape;
    if (b.layer.kind->weighted)
        make_weight(&b);
    make_vectors(&b);
    for (uint32_t j = 0; j < c->input_count; j++)
        b.inputs[j] = make_input(c, j);
    b.out_gradient = random_floats(shape_elements(&b.plan.shape) * BATCH, 50, 1, 0);
    return b;
}

static void bench_free(struct bench *b)
{
    csr_deinit(&b->layer.weight);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        free(b->layer.vectors[v].data);
        free(b->kept[v]);
    }
    for (uint32_t j = 0; j < b->c->input_count; j++)
        free(b->inputs[j]);
    free(b->out_gradient);
}

/* ---- one run of it ---- */

/* How it is run. `samples` of the bench's from number `first` on. */
struct way {
    const struct kernels *kernels;
    enum layer_mode mode;
    size_t first, samples;
    unsigned parts;
    bool in_place, accumulate, unneeded;
};

/* What came out: the output, and in training the gradients of inputs, connections and vectors, and the vectors. */
struct outcome {
    float *out, *in[LAYER_INPUTS_MAX], *weight, *vectors[LAYER_VECTORS_MAX], *statistics[LAYER_VECTORS_MAX];
};

struct stage {
    struct operand in[LAYER_INPUTS_MAX], out, out_gradient, in_gradient[LAYER_INPUTS_MAX], weight,
        vectors[LAYER_VECTORS_MAX], scratch, saved, *parts;
    struct tensor in_tensor[LAYER_INPUTS_MAX], out_tensor;
    const struct tensor *in_list[LAYER_INPUTS_MAX];
    struct layer_needs needs;
    struct weights *weights;
    struct layer_run run;
};

/* The samples of a way, out of the bench's batch. */
static struct operand pick_samples(const float *all, uint64_t elements, const struct way *way)
{
    struct operand made = operand_new(elements * way->samples * sizeof(float));
    float *to = made.data;

    for (uint64_t e = 0; e < elements; e++) {
        for (size_t s = 0; s < way->samples; s++)
            to[e * way->samples + s] = all[e * BATCH + way->first + s];
    }
    return made;
}

static void stage_room(struct stage *s, const struct bench *b, const struct way *way)
{
    const bool accumulate[LAYER_INPUTS_MAX] = { way->accumulate, way->accumulate, way->accumulate, way->accumulate };
    const struct layer_setup setup = { .layer = &b->layer,
                                       .plan = &b->plan,
                                       .inputs = b->c->inputs,
                                       .mode = way->mode,
                                       .batch = way->samples,
                                       .accumulate = accumulate };
    struct reason why;

    if (b->layer.kind->prepare)
        assert_ok(b->layer.kind->prepare(&setup, &s->needs, &why), why);
    s->scratch = operand_new(s->needs.scratch);
    s->saved = operand_new(s->needs.saved);
    s->parts = calloc(way->parts, sizeof *s->parts);
    assert_non_null(s->parts);
    for (unsigned p = 0; p < way->parts; p++)
        s->parts[p] = operand_new(s->needs.scratch_part);
}

/* As a pass makes them: over so many positions x samples, but for those that run on connections as they stand. */
static struct weights *weights_of(const struct bench *b, const struct way *way)
{
    const struct csr *w = &b->layer.weight;
    const uint64_t positions = layer_product_positions(&b->plan);
    const bool serve = way->mode == LAYER_SERVE, convolves = serve && b->layer.kind->convolution;
    struct weights *made = NULL;

    if (!serve || (b->plan.direct && !convolves) || b->layer.kind->indexed)
        assert_int_equal(weights_borrow(way->kernels, w, &made), 0);
    else if (!b->plan.direct)
        assert_int_equal(
            weights_new(way->kernels, w,
                        &(struct weights_use){ .columns_min = positions, .columns_max = positions * way->samples },
                        &made),
            0);
    if (convolves) {
        struct convolution c = convolution_of_layer(&b->layer, b->c->inputs, &b->plan.shape);

        c.kernels = way->kernels;
        c.batch = way->samples;
        assert_int_equal(convolution_weights(&c, NULL, &made), 0);
    }
    /* With and without: a pass has it from some batch on. */
    if (b->layer.kind->indexed || (way->mode == LAYER_TRAIN && b->layer.kind->by_columns && way->samples % 2))
        assert_int_equal(weights_index_columns(made, w), 0);
    if (serve && b->layer.kind->indexed)
        assert_int_equal(weights_gather_values(made, w), 0);
    if (b->plan.blocks > 1)
        assert_int_equal(weights_split(made, w, (uint32_t)b->plan.blocks), 0);
    return made;
}

static void stage_set(struct stage *s, const struct bench *b, const struct way *way)
{
    *s = (struct stage){ .needs = { .scratch = 0 } };
    for (uint32_t j = 0; j < b->c->input_count; j++) {
        uint64_t elements = shape_elements(&b->c->inputs[j]);

        s->in[j] = pick_samples(b->inputs[j], elements, way);
        s->in_tensor[j] = (struct tensor){
            .data = s->in[j].data, .shape = b->c->inputs[j], .elements = elements, .batch = way->samples
        };
        s->in_list[j] = &s->in_tensor[j];
    }
    s->out_tensor =
        (struct tensor){ .shape = b->plan.shape, .elements = shape_elements(&b->plan.shape), .batch = way->samples };
    s->out = operand_new(tensor_count(&s->out_tensor) * sizeof(float));
    s->out_tensor.data = way->in_place ? s->in[0].data : s->out.data;
    stage_room(s, b, way);
    if (b->layer.kind->weighted)
        s->weights = weights_of(b, way);
    s->run = (struct layer_run){ .layer = &b->layer,
                                 .kernels = way->kernels,
                                 .weights = s->weights,
                                 .in = s->in_list,
                                 .out = &s->out_tensor,
                                 .mode = way->mode,
                                 .random = random_of_step,
                                 .scratch = s->scratch.data,
                                 .saved = s->saved.data,
                                 .parts = way->parts };
}

static void stage_clear(struct stage *s, const struct bench *b, const struct way *way)
{
    for (uint32_t j = 0; j < b->c->input_count; j++)
        operand_free(&s->in[j]);
    operand_free(&s->out);
    operand_free(&s->scratch);
    operand_free(&s->saved);
    for (unsigned p = 0; p < way->parts; p++)
        operand_free(&s->parts[p]);
    free(s->parts);
    weights_free(s->weights);
}

/* backward(), or what follows it, on every part in turn. */
static void back_parts(struct stage *s, const struct way *way, struct layer_back back,
                       void (*run)(const struct layer_back *back))
{
    for (unsigned p = 0; p < way->parts && run; p++) {
        back.run.part = p;
        back.run.scratch_part = memset(s->parts[p].data, 0xff, s->needs.scratch_part);
        run(&back);
    }
}

static void go_back(struct stage *s, const struct bench *b, const struct way *way, struct outcome *out)
{
    float *in_gradient[LAYER_INPUTS_MAX] = { NULL }, *vector_gradient[LAYER_VECTORS_MAX] = { NULL };
    const bool accumulate[LAYER_INPUTS_MAX] = { way->accumulate, way->accumulate, way->accumulate, way->accumulate };
    struct layer_back back;

    s->out_gradient = pick_samples(b->out_gradient, s->out_tensor.elements, way);
    s->weight = operand_new(b->layer.weight.count * sizeof(float));
    for (uint32_t j = 0; j < b->c->input_count; j++) {
        s->in_gradient[j] = way->accumulate ? pick_samples(b->inputs[j], s->in_tensor[j].elements, way)
                                            : operand_new(tensor_count(&s->in_tensor[j]) * sizeof(float));
        in_gradient[j] = way->unneeded ? NULL : s->in_gradient[j].data;
    }
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        s->vectors[v] = operand_new(b->layer.vectors[v].count * sizeof(float));
        vector_gradient[v] = b->kept[v] && !b->layer.kind->vectors[v].statistic ? s->vectors[v].data : NULL;
    }
    memset(s->scratch.data, 0xff, s->needs.scratch);
    back = (struct layer_back){ .run = s->run,
                                .out_gradient = s->out_gradient.data,
                                .in_gradient = in_gradient,
                                .accumulate = accumulate,
                                .weight_gradient = b->layer.kind->weighted ? s->weight.data : NULL,
                                .vector_gradient = vector_gradient };
    back_parts(s, way, back, b->layer.kind->backward);
    back_parts(s, way, back, b->layer.kind->backward_join);
    operand_free(&s->out_gradient);
    out->weight = copy_floats(s->weight.data, s->weight.bytes);
    operand_free(&s->weight);
    for (uint32_t j = 0; j < b->c->input_count; j++) {
        out->in[j] = copy_floats(s->in_gradient[j].data, s->in_gradient[j].bytes);
        operand_free(&s->in_gradient[j]);
    }
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        out->vectors[v] = copy_floats(s->vectors[v].data, s->vectors[v].bytes);
        operand_free(&s->vectors[v]);
    }
}

static struct outcome run_layer(struct bench *b, const struct way *way)
{
    struct outcome out = { 0 };
    struct stage s;

    restore_vectors(b);
    stage_set(&s, b, way);
    for (unsigned p = 0; p < way->parts; p++) {
        struct layer_run run = s.run;

        run.part = p;
        run.scratch_part = s.parts[p].data;
        b->layer.kind->forward(&run);
    }
    out.out = copy_floats(s.out_tensor.data, tensor_count(&s.out_tensor) * sizeof(float));
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        out.statistics[v] = copy_floats(b->layer.vectors[v].data ? b->layer.vectors[v].data : b->out_gradient,
                                        b->layer.vectors[v].count * sizeof(float));
    if (way->mode == LAYER_TRAIN)
        go_back(&s, b, way, &out);
    stage_clear(&s, b, way);
    return out;
}

static void outcome_free(struct outcome *out)
{
    free(out->out);
    free(out->weight);
    for (uint32_t j = 0; j < LAYER_INPUTS_MAX; j++)
        free(out->in[j]);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        free(out->vectors[v]);
        free(out->statistics[v]);
    }
}

/* ---- the same to the bit ---- */

static void assert_bits(const struct bench *b, const char *what, const float *right, const float *got, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&right[i], &got[i], sizeof *right) != 0)
            fail_msg("%s: %s: element %zu of %zu is %a, and must be %a", b->c->kind, what, i, count, (double)got[i],
                     (double)right[i]);
    }
}

static void assert_outcomes(const struct bench *b, const char *what, const struct way *way, const struct outcome *right,
                            const struct outcome *got)
{
    assert_bits(b, what, right->out, got->out, shape_elements(&b->plan.shape) * way->samples);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        assert_bits(b, what, right->statistics[v], got->statistics[v], b->layer.vectors[v].count);
    if (way->mode != LAYER_TRAIN)
        return;
    for (uint32_t j = 0; j < b->c->input_count && !way->unneeded; j++)
        assert_bits(b, what, right->in[j], got->in[j], shape_elements(&b->c->inputs[j]) * way->samples);
    assert_bits(b, what, right->weight, got->weight, b->layer.weight.count);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        assert_bits(b, what, right->vectors[v], got->vectors[v], b->layer.vectors[v].count);
}

static void compare_ways(struct bench *b, const char *what, const struct way *right_way, const struct way *way)
{
    struct outcome right = run_layer(b, right_way), got = run_layer(b, way);

    assert_outcomes(b, what, way, &right, &got);
    outcome_free(&right);
    outcome_free(&got);
}

static void check_tables_and_parts(struct bench *b)
{
    const struct kernels *kernels;

    for (enum layer_mode mode = LAYER_SERVE; mode <= LAYER_TRAIN; mode++) {
        const struct way right = { kernels_find("scalar"), mode, 0, BATCH, 1, false, false, false };

        if (mode == LAYER_TRAIN && !b->layer.kind->backward)
            continue;
        for (size_t t = 0; (kernels = kernels_at(t)); t++) {
            for (unsigned parts = 1; parts <= 7; parts += 2) {
                char what[64];
                struct way way = right;

                way.kernels = kernels;
                way.parts = parts;
                snprintf(what, sizeof what, "%s, %u parts, mode %d", kernels->name, parts, (int)mode);
                compare_ways(b, what, &right, &way);
            }
        }
    }
}

static void check_modes_and_places(struct bench *b)
{
    const struct way right = { kernels_find("auto"), LAYER_SERVE, 0, BATCH, 1, false, false, false };
    struct way way = right;

    way.mode = LAYER_EVALUATE;
    compare_ways(b, "evaluated", &right, &way);
    way.mode = LAYER_SERVE;
    way.in_place = b->layer.kind->in_place;
    compare_ways(b, "in place", &right, &way);
}

/* Every sample alone, and three together. */
static void check_batches(struct bench *b)
{
    const struct way whole = { kernels_find("auto"), LAYER_SERVE, 0, BATCH, 1, false, false, false };
    const uint64_t elements = shape_elements(&b->plan.shape);
    struct outcome right = run_layer(b, &whole);

    for (size_t samples = 1; samples <= 3; samples += 2) {
        for (size_t first = 0; first + samples <= BATCH; first++) {
            struct way way = whole;
            struct outcome got;

            way.first = first;
            way.samples = samples;
            got = run_layer(b, &way);
            for (uint64_t e = 0; e < elements; e++)
                assert_bits(b, "in a smaller batch", &right.out[e * BATCH + first], &got.out[e * samples], samples);
            outcome_free(&got);
        }
    }
    outcome_free(&right);
}

static void check_accumulation(struct bench *b)
{
    const struct way plain = { kernels_find("auto"), LAYER_TRAIN, 0, BATCH, 3, false, false, false };
    struct outcome right = run_layer(b, &plain), got;
    struct way way = plain;

    way.accumulate = true;
    got = run_layer(b, &way);
    for (uint32_t j = 0; j < b->c->input_count; j++) {
        for (size_t i = 0; i < shape_elements(&b->c->inputs[j]) * BATCH; i++)
            right.in[j][i] = b->inputs[j][i] + right.in[j][i];
    }
    assert_outcomes(b, "added to a gradient", &way, &right, &got);
    outcome_free(&got);
    way.accumulate = false;
    way.unneeded = true;
    got = run_layer(b, &way);
    assert_outcomes(b, "nobody needs the input's gradient", &way, &right, &got);
    outcome_free(&got);
    outcome_free(&right);
}

/* ---- against the reference ---- */

static double *widen(const float *from, size_t count)
{
    double *made = memory_alloc(count, sizeof *made);

    assert_non_null(made);
    for (size_t i = 0; i < count; i++)
        made[i] = (double)from[i];
    return made;
}

/* The reference's operands; the bench's first `samples`. */
struct wide {
    struct reference_run run;
    double *in[LAYER_INPUTS_MAX], *weight, *vectors[LAYER_VECTORS_MAX];
};

static struct wide wide_new(struct bench *b, size_t samples, enum layer_mode mode)
{
    const struct way way = { NULL, mode, 0, samples, 1, false, false, false };
    struct wide wide = {
        .run = { .layer = &b->layer, .inputs = b->c->inputs, .batch = samples, .mode = mode, .random = random_of_step }
    };

    restore_vectors(b);
    for (uint32_t j = 0; j < b->c->input_count; j++) {
        struct operand in = pick_samples(b->inputs[j], shape_elements(&b->c->inputs[j]), &way);

        wide.run.in[j] = wide.in[j] = widen(in.data, in.bytes / sizeof(float));
        operand_free(&in);
    }
    wide.run.weight = wide.weight = widen(b->layer.weight.values, b->layer.weight.count);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        wide.run.vectors[v] = wide.vectors[v] = widen(b->layer.vectors[v].data, b->layer.vectors[v].count);
    wide.run.out = memory_alloc(shape_elements(&b->plan.shape) * samples, sizeof *wide.run.out);
    assert_non_null(wide.run.out);
    return wide;
}

static void wide_free(struct wide *wide)
{
    for (uint32_t j = 0; j < LAYER_INPUTS_MAX; j++)
        free(wide->in[j]);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
        free(wide->vectors[v]);
    free(wide->weight);
    free(wide->run.out);
}

static void check_answers(struct bench *b, enum layer_mode mode)
{
    const struct way way = { kernels_find("auto"), mode, 0, BATCH, 1, false, false, false };
    struct wide wide = wide_new(b, BATCH, mode);
    struct outcome got = run_layer(b, &way);

    b->c->reference(&wide.run);
    for (size_t i = 0; i < shape_elements(&b->plan.shape) * BATCH; i++) {
        if (!(fabs((double)got.out[i] - wide.run.out[i]) <= 1e-5 * (1 + fabs(wide.run.out[i]))))
            fail_msg("%s: element %zu of mode %d is %.9g, and in double %.9g", b->c->kind, i, (int)mode,
                     (double)got.out[i], wide.run.out[i]);
    }
    outcome_free(&got);
    wide_free(&wide);
}

/* The sum of the outputs, each times its gradient. */
static double loss_of(const struct bench *b, struct wide *wide)
{
    double loss = 0;

    b->c->reference(&wide->run);
    for (uint64_t e = 0; e < shape_elements(&b->plan.shape); e++) {
        for (size_t s = 0; s < SMALL; s++)
            loss += wide->run.out[e * SMALL + s] * (double)b->out_gradient[e * BATCH + s];
    }
    return loss;
}

static void check_differences(const struct bench *b, struct wide *wide, double *values, const float *gradients,
                              size_t count, const char *what)
{
    for (size_t i = 0; i < count; i += DIFFERENCES_APART) {
        const double kept = values[i], step = 1e-6;
        double up, down, slope;

        values[i] = kept + step;
        up = loss_of(b, wide);
        values[i] = kept - step;
        down = loss_of(b, wide);
        values[i] = kept;
        slope = (up - down) / (2 * step);
        if (!(fabs(slope - (double)gradients[i]) <= 1e-4 * (1 + fabs(slope))))
            fail_msg("%s: the gradient of %s %zu is %.9g, and its finite difference %.9g", b->c->kind, what, i,
                     (double)gradients[i], slope);
    }
}

static void check_gradients(struct bench *b)
{
    const struct way way = { kernels_find("auto"), LAYER_TRAIN, 0, SMALL, 1, false, false, false };
    struct outcome got = run_layer(b, &way);
    struct wide wide = wide_new(b, SMALL, LAYER_TRAIN);

    for (uint32_t j = 0; j < b->c->input_count; j++)
        check_differences(b, &wide, wide.in[j], got.in[j], shape_elements(&b->c->inputs[j]) * SMALL, "input");
    check_differences(b, &wide, wide.weight, got.weight, b->layer.weight.count, "connection");
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (b->kept[v] && !b->layer.kind->vectors[v].statistic)
            check_differences(b, &wide, wide.vectors[v], got.vectors[v], b->layer.vectors[v].count,
                              b->layer.kind->vectors[v].name);
    }
    outcome_free(&got);
    wide_free(&wide);
}

void check_layer(const struct layer_case *c)
{
    struct bench b = bench_new(c);

    check_answers(&b, LAYER_SERVE);
    check_tables_and_parts(&b);
    check_modes_and_places(&b);
    check_batches(&b);
    if (b.layer.kind->backward) {
        check_answers(&b, LAYER_TRAIN);
        check_accumulation(&b);
        check_gradients(&b);
    }
    bench_free(&b);
}
