/* SPDX-License-Identifier: Apache-2.0
 *
 * The parameter arena: every parameter has one place, and moving a model's values there changes none of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/connections.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

/* 40 -> 33 -> relu -> 5, with a bias for the first alone; values are their numbers, from 1. */
static struct model *make_model(void)
{
    static const char *const kinds[] = { "linear", "relu", "linear" };
    const uint32_t rows[] = { 33, 33, 5 }, columns[] = { 40, 0, 33 };
    struct model *model;
    struct reason why;
    float number = 0;

    assert_int_equal(model_new(3, &model), 0);
    strcpy(model->name, "m");
    strcpy(model->processing, "raw");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 40 } });
    for (uint32_t i = 0; i < 3; i++) {
        struct layer *layer = &model->layers[i];

        layer->kind = layer_kind_find(kinds[i]);
        snprintf(layer->name, sizeof layer->name, "l%u", i);
        layer->inputs[0] = i; /* the value before its own */
        layer->input_count = 1;
        if (!layer->kind->weighted)
            continue;
        layer->parameters[0] = rows[i];
        assert_int_equal(csr_alloc(&layer->weight, rows[i], columns[i], 2 * rows[i]), 0);
        for (uint32_t k = 0; k < 2 * rows[i]; k++) {
            layer->weight.starts[k / 2 + 1] = k / 2 * 2 + 2;
            csr_set_column(&layer->weight, k, k % 2 * 3);
            layer->weight.values[k] = ++number;
        }
    }
    model->layers[0].vectors[0] = (struct vector){ memory_alloc(33, sizeof(float)), 33, true };
    for (uint32_t k = 0; k < 33; k++)
        model->layers[0].vectors[0].data[k] = ++number;
    assert_ok(model_check(model, &why), why);
    return model;
}

static void test_runs_are_aligned_and_apart(void **state)
{
    struct model *model = make_model();
    struct parameters p;
    float *array;

    (void)state;
    assert_int_equal(parameters_map(model, &p), 0);
    assert_int_equal(p.run_count, 3);
    for (uint32_t i = 0; i < p.run_count; i++) {
        assert_int_equal(p.runs[i].begin % (CACHE_LINE / sizeof(float)), 0);
        assert_true(p.runs[i].begin + p.runs[i].count <= (i + 1 < p.run_count ? p.runs[i + 1].begin : p.length));
    }
    array = parameters_array(&p);
    assert_non_null(array);
    for (uint64_t k = 0; k < p.length; k++)
        assert_true(array[k] == 0);
    assert_ptr_equal(parameters_weight(&p, array, 0), array);
    assert_ptr_equal(parameters_vector(&p, array, 0, 0), array + p.runs[1].begin);
    assert_ptr_equal(parameters_weight(&p, array, 2), array + p.runs[2].begin);
    assert_null(parameters_weight(&p, array, 1));
    assert_null(parameters_vector(&p, array, 2, 0));
    free(array);
    parameters_deinit(&p);
    model_free(model);
}

static void check_gathered(const struct model *model, const struct parameters *p)
{
    float number = 0;

    assert_ptr_equal(model->layers[0].weight.values, parameters_weight(p, model->parameters, 0));
    assert_ptr_equal(model->layers[0].vectors[0].data, parameters_vector(p, model->parameters, 0, 0));
    for (uint32_t i = 0; i < 3; i += 2) {
        const struct csr *w = &model->layers[i].weight;

        for (uint64_t k = 0; k < w->count; k++) {
            assert_true(w->values[k] == ++number);
            assert_int_equal(csr_column(w, k), k % 2 * 3);
        }
    }
    for (uint32_t k = 0; k < 33; k++)
        assert_true(model->layers[0].vectors[0].data[k] == ++number);
}

/* Built, read from a file (whose buffer goes), and moved once more. */
static void test_gathering_changes_no_value(void **state)
{
    struct model *model = make_model();
    struct parameters p;
    const char *root = scratch_make();
    const char *path = scratch_path(root, "m.safetensors");
    struct reason why;

    (void)state;
    assert_ok(model_write(model, path, &why), why);
    assert_int_equal(parameters_map(model, &p), 0);
    for (int file = 0; file <= 1; file++) {
        for (int times = 0; times <= 1; times++) {
            assert_int_equal(model_gather_parameters(model, &p), 0);
            check_gathered(model, &p);
            assert_null(model->file);
        }
        model_free(model);
        model = NULL;
        if (!file)
            assert_ok(model_read(path, &model, &why), why);
    }
    parameters_deinit(&p);
    scratch_remove(root);
}

/* Saved, all at other places, and back again; and what no model of that shape can have. */
static void test_connections_are_saved_and_loaded(void **state)
{
    struct model *model = make_model();
    const struct csr *w = &model->layers[2].weight;
    struct parameters p;
    struct reason why;
    uint64_t *old, *new;

    (void)state;
    assert_int_equal(parameters_map(model, &p), 0);
    old = connections_array(&p);
    new = connections_array(&p);
    connections_save(model, &p, old);
    assert_int_equal(old[p.runs[2].begin + 3], 33 + 3);
    memcpy(new, old, p.length * sizeof *new);
    for (uint64_t k = 0; k < w->count; k++) /* the last places there are: rows 0 to 3 have none */
        new[p.runs[2].begin + k] = 5 * 33 - w->count + k;
    assert_ok(connections_check(model, &p, new, &why), why);
    connections_load(model, &p, new);
    assert_ok(csr_check(w, &why), why);
    assert_int_equal(w->starts[4], 0);
    assert_int_equal(csr_column(w, 0), 33 - w->count);
    memset(old, 0, p.length * sizeof *old);
    connections_save(model, &p, old);
    assert_memory_equal(old, new, p.length * sizeof *old);
    new[p.runs[2].begin + 9] = 5 * 33; /* past the last */
    assert_int_equal(connections_check(model, &p, new, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "layer l2, connection 9: place 165 of 165"));
    new[p.runs[2].begin + 9] = new[p.runs[2].begin + 8]; /* twice the same */
    assert_int_equal(connections_check(model, &p, new, &why), WISP_E_FORMAT);
    free(old);
    free(new);
    parameters_deinit(&p);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_are_aligned_and_apart),
        cmocka_unit_test(test_gathering_changes_no_value),
        cmocka_unit_test(test_connections_are_saved_and_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
