/* SPDX-License-Identifier: Apache-2.0
 *
 * From a wish to a model: budgets to the last connection, chosen connections, base values of every type, and what a
 * second sampling keeps.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/cost/budget.h"
#include "forge/plan/assemble.h"
#include "forge/plan/edges.h"
#include "forge/plan/lineage.h"
#include "forge/plan/pretrained.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

static const char convolutions[] = "name: c\nprocessing: raw\ninput: [3, 8, 8]\nlayers:\n"
                                   "  - conv2d: {name: a, channels: 6, kernel: 3}\n"
                                   "  - relu\n"
                                   "  - deconv2d: {name: b, channels: 4, kernel: 2, stride: 2}\n"
                                   "  - batch_norm: {name: n}\n"
                                   "  - global_pool\n"
                                   "  - linear: {name: c, neurons: 5}\n";

static struct structure parse(const char *document)
{
    struct structure structure;
    struct reason why;

    assert_ok(catalog_parse(document, &structure, &why), why);
    return structure;
}

static struct structure perceptron(const char *layers)
{
    struct structure structure;
    struct reason why;

    assert_ok(structure_parse_layers(layers, &structure, &why), why);
    strcpy(structure.processing, "raw");
    return structure;
}

static struct plan solved(struct structure structure, const struct plan_wish *wish)
{
    struct plan plan;
    struct reason why;

    assert_ok(plan_solve_wish(&structure, wish, &plan, &why), why);
    return plan;
}

static struct model *assembled(const struct plan *plan, const struct assembly *assembly)
{
    struct model *model;
    struct reason why;

    assert_ok(assemble_model(plan, assembly, &model, NULL, &why), why);
    return model;
}

static void test_sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        double value; /* 0: refused */
    } cases[] = { { "500K", 500e3 },
                  { "500k", 500e3 },
                  { "2M", 2e6 },
                  { "1.5Gi", 1.5 * 1073741824 },
                  { "1Ki", 1024 },
                  { "7", 7 },
                  { "64KiB", 65536 },
                  { "3MB", 3e6 },
                  { "1T", 1e12 },
                  { "", 0 },
                  { "K", 0 },
                  { "0", 0 },
                  { "-1", 0 },
                  { "1KK", 0 },
                  { "1e3", 0 },
                  { "1.2.3", 0 },
                  { "1 K", 0 },
                  { "0x10", 0 },
                  { "99999999999999999999999999999999999999K", 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        double value = 0;
        bool read = budget_parse(cases[i].text, &value);

        if (read != (cases[i].value != 0) || (read && value != cases[i].value))
            fail_msg("\"%s\" is read as %g", cases[i].text, read ? value : 0);
    }
}

/* What a plan takes of a budget; for a file, what it really has. */
static double taken(const struct plan *plan, enum plan_budget budget, const struct assembly *assembly)
{
    struct model *model;
    struct stat file;
    struct reason why;
    const char *folder;

    if (budget == BUDGET_MEMORY)
        return (double)plan->bytes;
    if (budget == BUDGET_FLOPS)
        return plan_flops(plan);
    folder = scratch_make();
    model = assembled(plan, assembly);
    assert_ok(model_write(model, scratch_path(folder, "m"), &why), why);
    assert_int_equal(stat(scratch_path(folder, "m"), &file), 0);
    model_free(model);
    scratch_remove(folder);
    return (double)file.st_size;
}

enum { POTENTIAL_MAX = 1100 };

/* What each number of connections takes, one by one; infinitely much where the given layers leave no such number. The
 * limit stands in the file, so all limits that are tried have as many digits. */
static void measure_all(struct plan *plan, struct plan_wish *wish, enum plan_budget budget, double limit,
                        const struct assembly *assembly, double needed[static POTENTIAL_MAX + 1])
{
    const uint64_t all = structure_potential(&plan->structure);
    struct model *outline = NULL;

    assert_true(all <= POTENTIAL_MAX);
    for (uint64_t connections = 1; connections <= all; connections++) {
        uint64_t bytes, metadata;
        struct reason why;
        int beyond;

        needed[connections] = INFINITY;
        wish->density = (double)connections / (double)all;
        if (plan_again(plan, wish, &beyond, &why))
            continue;
        plan->budget = budget;
        plan->budget_limit = limit;
        needed[connections] = budget == BUDGET_FLOPS ? plan_flops(plan) : (double)plan->bytes;
        if (budget != BUDGET_FILE)
            continue;
        if (!outline)
            assert_ok(assemble_outline(plan, assembly, &outline, &why), why);
        assert_ok(assemble_outline_again(plan, assembly, outline, &why), why);
        assert_ok(model_file_size(outline, &bytes, &metadata, &why), why);
        needed[connections] = (double)bytes;
    }
    model_free(outline);
}

static const char small_picture[] = "name: n\nprocessing: a.b\ninput: [2, 5, 5]\nlayers:\n"
                                    "  - conv2d: {channels: 3, kernel: 3}\n  - relu\n"
                                    "  - conv2d: {channels: 2, kernel: 2}\n  - linear: 9\n  - relu\n"
                                    "  - linear: 4\n  - softmax\n";

/* Whatever the limit, no larger number of connections keeps it: what they take does not grow with every one. */
static void test_a_budget_takes_the_densest_there_is(void **state)
{
    static const struct {
        enum plan_budget budget;
        enum density_method method;
        double from, to;
        bool picture, kernels;
    } cases[] = {
        { BUDGET_FILE, DENSITY_ER, 3000, 3500, false, false },
        { BUDGET_FILE, DENSITY_UNIFORM, 4000, 4200, false, false },
        { BUDGET_FILE, DENSITY_ER, 3000, 3200, true, false },
        { BUDGET_FILE, DENSITY_UNIFORM_PLUS, 3000, 3200, true, true },
        { BUDGET_MEMORY, DENSITY_ERK, 900, 1200, true, false },
        { BUDGET_MEMORY, DENSITY_ERK, 900, 1200, true, true },
        { BUDGET_FLOPS, DENSITY_ER, 1000, 1500, true, false },
        { BUDGET_FLOPS, DENSITY_ERK_PLUS, 1000, 1500, true, true },
    };
    const struct assembly assembly = { .name = "budget", .seed = 4 };
    static double needed[POTENTIAL_MAX + 1];
    unsigned found = 0, turned = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct structure structure = cases[i].picture ? parse(small_picture) : perceptron("40-20-10");
        struct plan_wish wish = { .method = cases[i].method, .sampling = { .kernels = cases[i].kernels } };
        struct plan plan;
        struct reason why;
        uint64_t all;

        assert_ok(plan_prepare(&structure, &plan, &why), why);
        all = structure_potential(&plan.structure);
        measure_all(&plan, &wish, cases[i].budget, cases[i].from, &assembly, needed);
        for (unsigned step = 0; cases[i].from + step < cases[i].to; step++) {
            double limit = cases[i].from + step;
            uint64_t best = all;
            int result = budget_solve(&plan, &wish, cases[i].budget, limit, &assembly, &why);

            while (best && needed[best] > limit)
                best--;
            assert_int_equal(result, best ? 0 : WISP_E_INVALID);
            if (best && wish.density != (double)best / (double)all)
                fail_msg("case %zu, %g: %" PRIu64 " connections fit, %.1f were taken", i, limit, best,
                         wish.density * (double)all);
            found += best > 0;
        }
        for (uint64_t connections = 2; connections <= all; connections++)
            turned += needed[connections] < needed[connections - 1];
        plan_deinit(&plan);
    }
    assert_true(found > 2000 && turned > 100); /* where bisection alone goes astray */
}

/* The file that is written has no more bytes than the limit. */
static void test_a_budget_is_kept_by_the_file(void **state)
{
    static const struct {
        enum plan_budget budget;
        double limit;
        enum density_method method;
    } cases[] = { { BUDGET_FILE, 20000, DENSITY_ER },
                  { BUDGET_FILE, 60000, DENSITY_UNIFORM_PLUS },
                  { BUDGET_FILE, 26000, DENSITY_ERK_PLUS },
                  { BUDGET_MEMORY, 20000, DENSITY_ERK },
                  { BUDGET_FLOPS, 5001, DENSITY_ER } };
    const struct assembly assembly = { .name = "budget", .seed = 4 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct structure structure = perceptron("100-80-60-10");
        struct plan_wish wish = { .method = cases[i].method };
        struct plan plan;
        struct reason why;

        assert_ok(plan_prepare(&structure, &plan, &why), why);
        assert_ok(budget_solve(&plan, &wish, cases[i].budget, cases[i].limit, &assembly, &why), why);
        assert_true(taken(&plan, cases[i].budget, &assembly) <= cases[i].limit);
        assert_true(taken(&plan, cases[i].budget, &assembly) > 0.98 * cases[i].limit);
        plan_deinit(&plan);
    }
}

static void test_kernels_are_whole_and_repaired(void **state)
{
    struct plan_wish wish = { .density = 0.5, .sampling = { .kernels = true, .repair = true } };
    struct plan plan = solved(parse(convolutions), &wish);
    struct model *model = assembled(&plan, &(struct assembly){ .name = "k", .seed = 2 });
    const struct csr *w = &model->layers[0].weight;

    (void)state;
    assert_int_equal(w->count, plan.layers[0].density.connections);
    assert_int_equal(w->count % 9, 0);
    for (uint64_t k = 0; k < w->count; k++)
        assert_int_equal(csr_column(w, k) % 9, k % 9);
    for (uint32_t r = 0; r < w->rows; r++)
        assert_true(w->starts[r + 1] > w->starts[r]);
    model_free(model);
    plan_deinit(&plan);
}

static void test_bernoulli_says_what_came_out(void **state)
{
    struct plan_wish wish = { .density = 0.2, .sampling = { .way = SAMPLING_BERNOULLI } };
    struct plan plan = solved(perceptron("100-80-10"), &wish);
    struct model *model = assembled(&plan, &(struct assembly){ .name = "b", .seed = 2 });
    json_t *lineage = lineage_of_model(model);
    double n = 8800, expected = n * 0.2;

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(lineage, "connections")), model_connections(model));
    assert_true(fabs((double)model_connections(model) - expected) < 5 * sqrt(n * 0.2 * 0.8));
    plan_realise(&plan, model);
    assert_int_equal(plan.connections, model_connections(model));
    json_decref(lineage);
    model_free(model);
    plan_deinit(&plan);
}

/* Small layers side by side and large ones by all: the same model for any number of threads. */
static void test_threads_change_nothing(void **state)
{
    struct plan_wish wish = { .density = 0.3 };
    struct plan plan = solved(perceptron("2000-2000-50-40-30-20-10"), &wish);
    struct model *alone = assembled(&plan, &(struct assembly){ .name = "t", .seed = 2 }), *together;
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_new(3, &pool), 0);
    together = assembled(&plan, &(struct assembly){ .name = "t", .seed = 2, .pool = pool });
    for (uint32_t i = 0; i < plan.layer_count; i++) {
        const struct csr *a = &alone->layers[plan.layers[i].place].weight;
        const struct csr *b = &together->layers[plan.layers[i].place].weight;

        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->starts, b->starts, ((size_t)a->rows + 1) * sizeof *a->starts);
        assert_memory_equal(a->index.narrow, b->index.narrow, a->count * sizeof *a->index.narrow);
        assert_memory_equal(a->values, b->values, a->count * sizeof *a->values);
    }
    model_free(alone);
    model_free(together);
    pool_free(pool);
    plan_deinit(&plan);
}

static void write_text(const char *path, const char *text)
{
    struct reason why;

    assert_ok(file_write(path, &(struct file_part){ text, strlen(text) }, 1, &why), why);
}

/* Chosen connections are there, and stay when the others are drawn anew. */
static void test_chosen_connections_stay(void **state)
{
    const char *folder = scratch_make();
    struct structure structure = perceptron("6-4-3");
    struct option_list words = { .count = 1 };
    struct edges edges = EDGES_NULL;
    struct reason why;
    struct model *model;
    struct plan plan;
    uint64_t counts[2];
    char word[300];

    (void)state;
    write_text(scratch_path(folder, "e.csv"), "output,input,weight\n3,5,0.5\n0,0,-2\n2,1,1\n");
    snprintf(word, sizeof word, "fc1=%s", scratch_path(folder, "e.csv"));
    words.words[0] = word;
    assert_ok(structure_plan(&structure, &why), why);
    assert_ok(edges_read(&words, &structure, &edges, &why), why);
    counts[0] = edges.lists[0].matrix.count;
    counts[1] = 0;
    plan = solved(structure, &(struct plan_wish){ .density = 0.25, .counts = counts });
    assert_int_equal(plan.layers[0].density.connections, 3);
    assert_int_equal(plan.connections, 9);
    model = assembled(&plan, &(struct assembly){ .name = "e", .seed = 2, .edges = &edges });
    for (int turn = 0; turn < 2; turn++) {
        const struct csr *w = &model->layers[0].weight;

        assert_int_equal(w->count, 3);
        assert_int_equal(csr_column(w, 2), 5);
        assert_true(w->values[0] == -2.0f && w->values[1] == 1.0f && w->values[2] == 0.5f);
        assert_ok(resample_model(model, 77, &why), why);
    }
    model_free(model);
    edges_deinit(&edges);
    plan_deinit(&plan);
    scratch_remove(folder);
}

/* ---- base values ---- */

/* A safetensors file from its header and data. */
static void write_base(const char *path, const char *header, const void *data, size_t size)
{
    uint64_t length = strlen(header);
    const struct file_part parts[] = { { &length, sizeof length }, { header, length }, { data, size } };
    struct reason why;

    assert_ok(file_write(path, parts, ARRAY_SIZE(parts), &why), why);
}

/* All of the structure's connections, with the base's values. */
static int inherit(const char *path, struct structure structure, struct model **out, struct reason *why)
{
    struct plan plan =
        solved(structure, &(struct plan_wish){ .density = 1, .sampling = { .weights = WEIGHTS_INHERITED } });
    struct pretrained *base = NULL;
    int result = pretrained_open(path, &base, why);

    *out = NULL;
    if (!result)
        result = assemble_model(&plan, &(struct assembly){ .name = "i", .seed = 1, .base = base }, out, NULL, why);
    pretrained_close(base);
    plan_deinit(&plan);
    return result;
}

static void test_types_of_base_values(void **state)
{
    static const uint16_t halves[] = { 0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555 };
    static const uint16_t brains[] = { 0x3f80, 0xc000, 0x3e80, 0x4b00, 0x8000, 0x3eab };
    static const double doubles[] = { 1, -2, 0.25, 1e6, -0.0, 1.0 / 3 };
    static const struct {
        const char *type;
        const void *data;
        size_t size;
        float expected[6];
    } cases[] = { { "F16", halves, sizeof halves, { 1, -2, 0x1p-24f, 65504, -0.0f, 0x1.554p-2f } },
                  { "BF16", brains, sizeof brains, { 1, -2, 0.25f, 8388608, -0.0f, 0x1.56p-2f } },
                  { "F64", doubles, sizeof doubles, { 1, -2, 0.25f, 1e6f, -0.0f, 1.0f / 3 } } };
    const char *folder = scratch_make();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char header[200];
        struct model *model;
        struct reason why;

        snprintf(header, sizeof header, "{\"fc1.weight\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,%zu]}}",
                 cases[i].type, cases[i].size);
        write_base(scratch_path(folder, "b"), header, cases[i].data, cases[i].size);
        assert_ok(inherit(scratch_path(folder, "b"), perceptron("3-2"), &model, &why), why);
        assert_non_null(model);
        assert_memory_equal(model->layers[0].weight.values, cases[i].expected, sizeof cases[i].expected);
        assert_int_equal(resample_model(model, 3, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "inherited from a base file"));
        model_free(model);
    }
    scratch_remove(folder);
}

/* PyTorch's order of a convolution's, a deconvolution's and a norm's tensors. */
static void test_convolutions_of_a_base(void **state)
{
    static const char header[] = "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[6,3,3,3],\"data_offsets\":[0,648]},"
                                 "\"b.weight\":{\"dtype\":\"F32\",\"shape\":[6,4,2,2],\"data_offsets\":[648,1032]},"
                                 "\"n.running_mean\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[1032,1048]},"
                                 "\"n.weight\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[1048,1064]}}";
    const char *folder = scratch_make();
    struct model *model;
    struct reason why;
    float data[266];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(data); i++)
        data[i] = (float)i;
    write_base(scratch_path(folder, "b"), header, data, sizeof data);
    assert_ok(inherit(scratch_path(folder, "b"), parse(convolutions), &model, &why), why);
    for (uint64_t k = 0; k < 162; k++)
        assert_true(model->layers[0].weight.values[k] == (float)k);
    for (uint32_t out = 0; out < 4; out++)
        for (uint32_t in = 0; in < 6; in++)
            for (uint32_t k = 0; k < 4; k++)
                assert_true(model->layers[2].weight.values[out * 24 + in * 4 + k] ==
                            (float)(162 + (in * 4 + out) * 4 + k));
    assert_true(model->layers[3].vectors[0].data[1] == 263);
    assert_true(model->layers[3].vectors[2].data[1] == 259);
    assert_true(model->layers[3].vectors[3].data[1] == 1);
    model_free(model);
    scratch_remove(folder);
}

/* Given connections keep their weights; the biases, which nobody gave, are the base's. */
static void test_a_base_beside_chosen_connections(void **state)
{
    static const char header[] = "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                 "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}}";
    static const float data[8] = { 1, 1, 1, 1, 1, 1, 5, 7 };
    const char *folder = scratch_make();
    struct structure structure = perceptron("3-2");
    struct option_list words = { .count = 1 };
    struct edges edges = EDGES_NULL;
    const uint64_t counts[1] = { 2 };
    struct pretrained *base;
    struct model *model;
    struct plan plan;
    struct reason why;
    char word[300];

    (void)state;
    write_text(scratch_path(folder, "e.csv"), "output,input,weight\n0,2,0.5\n1,0,-2\n");
    snprintf(word, sizeof word, "fc1=%s", scratch_path(folder, "e.csv"));
    words.words[0] = word;
    assert_ok(structure_plan(&structure, &why), why);
    assert_ok(edges_read(&words, &structure, &edges, &why), why);
    write_base(scratch_path(folder, "b"), header, data, sizeof data);
    assert_ok(pretrained_open(scratch_path(folder, "b"), &base, &why), why);
    plan = solved(
        structure,
        &(struct plan_wish){ .method = DENSITY_FIXED, .counts = counts, .sampling = { .weights = WEIGHTS_INHERITED } });
    model = assembled(&plan, &(struct assembly){ .name = "e", .seed = 2, .edges = &edges, .base = base });
    assert_true(model->layers[0].weight.values[0] == 0.5f && model->layers[0].weight.values[1] == -2.0f);
    assert_true(model->layers[0].vectors[0].data[0] == 5 && model->layers[0].vectors[0].data[1] == 7);
    model_free(model);
    pretrained_close(base);
    edges_deinit(&edges);
    plan_deinit(&plan);
    scratch_remove(folder);
}

static void test_damaged_bases(void **state)
{
    static const struct {
        const char *header, *expected;
    } cases[] = {
        { "[]", "not a safetensors file" },
        { "{\"fc1.weight\":", "not valid JSON" },
        { "{\"fc1.weight\":{\"dtype\":\"U8\",\"shape\":[4,6],\"data_offsets\":[0,24]}}", "its type is U8" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,-3],\"data_offsets\":[0,24]}}", "at most 8 whole numbers" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
          "more than 2^64 elements" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,23]}}", "do not take 23 bytes" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]}}", "not within the file" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[-8,16]}}",
          "data_offsets is not an array" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}", "has the shape [3, 2]" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", "has the shape [6]" },
        { "{\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", "has 6 elements" },
        { "{\"fc1.weight.values\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", "0 row starts" },
        { "{\"fc1.weight.values\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"fc1.weight.col_indices\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[4,8]},"
          "\"fc1.weight.crow_indices\":{\"dtype\":\"U16\",\"shape\":[3],\"data_offsets\":[8,14]},"
          "\"rest\":{\"dtype\":\"U16\",\"shape\":[5],\"data_offsets\":[14,24]}}",
          "the row starts of \"fc1\" are out of order" },
    };
    static const unsigned char data[24] = { 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 9, 0, 1 };
    static const float infinite[6] = { 0, 0, INFINITY };
    const char *folder = scratch_make();
    struct model *model;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_base(scratch_path(folder, "b"), cases[i].header, data, sizeof data);
        assert_int_equal(inherit(scratch_path(folder, "b"), perceptron("3-2"), &model, &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].expected))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, why.text, cases[i].expected);
    }
    write_base(scratch_path(folder, "b"),
               "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", infinite,
               sizeof infinite);
    assert_int_equal(inherit(scratch_path(folder, "b"), perceptron("3-2"), &model, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "no finite float"));
    scratch_remove(folder);
}

/* First weights are drawn for the relu that reads them, whatever thins or normalises them on their way. */
static void test_first_weights_know_who_reads_them(void **state)
{
    static const char *const documents[] = {
        "name: a\nprocessing: raw\ninput: 40\nlayers: [{linear: 30}, relu, {linear: 4}]\n",
        "name: a\nprocessing: raw\ninput: 40\nlayers: [{linear: 30}, dropout, relu, {linear: 4}]\n",
        "name: a\nprocessing: raw\ninput: 40\nlayers: [{linear: 30}, batch_norm, dropout, relu, {linear: 4}]\n",
    };
    const struct plan_wish wish = { .density = 0.5 };
    struct model *models[ARRAY_SIZE(documents)];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        struct plan plan = solved(parse(documents[i]), &wish);

        models[i] = assembled(&plan, &(struct assembly){ .name = "a", .seed = 1 });
        plan_deinit(&plan);
    }
    for (size_t i = 1; i < ARRAY_SIZE(documents); i++) {
        const struct csr *one = &models[0]->layers[0].weight, *other = &models[i]->layers[0].weight;

        assert_int_equal(one->count, other->count);
        assert_memory_equal(one->values, other->values, one->count * sizeof *one->values);
        model_free(models[i]);
    }
    model_free(models[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_read),
        cmocka_unit_test(test_a_budget_takes_the_densest_there_is),
        cmocka_unit_test(test_a_budget_is_kept_by_the_file),
        cmocka_unit_test(test_kernels_are_whole_and_repaired),
        cmocka_unit_test(test_bernoulli_says_what_came_out),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_chosen_connections_stay),
        cmocka_unit_test(test_types_of_base_values),
        cmocka_unit_test(test_convolutions_of_a_base),
        cmocka_unit_test(test_a_base_beside_chosen_connections),
        cmocka_unit_test(test_damaged_bases),
        cmocka_unit_test(test_first_weights_know_who_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
