/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json/json_memory.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/plan/plan.h"
#include "sparse/tensor/csr.h"

static struct layer_plan *planned(const struct plan *plan, uint32_t layer)
{
    return &plan->structure.layers[plan->layers[layer].place].plan;
}

/* Whole kernels, but at least one. */
static uint64_t whole_kernels(const struct density_layer *d)
{
    uint64_t area = d->kernel_width * d->kernel_height, kernels = (d->connections + area / 2) / area;

    return MAX(kernels, 1) * area;
}

static void sum_up(struct plan *plan)
{
    plan->connections = plan->potential = plan->bytes = 0;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        plan->potential += plan->layers[i].density.potential;
        plan->connections += plan->layers[i].density.connections;
        plan->bytes += plan_layer_bytes(plan, i);
    }
}

int plan_again(struct plan *plan, const struct plan_wish *wish, int *beyond, struct reason *why)
{
    cleanup_free struct density_layer *layers = memory_zalloc(plan->layer_count, sizeof *layers);
    int result;

    *beyond = 0;
    if (!layers)
        return refuse_errno(why, -ENOMEM, "plan");
    structure_density_layers(&plan->structure, layers);
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        double potential = (double)planned(plan, i)->inputs * (double)planned(plan, i)->outputs *
                           (double)planned(plan, i)->kernel_height * (double)planned(plan, i)->kernel_width;

        if (wish->counts && wish->counts[i])
            layers[i].fixed = (double)wish->counts[i] / potential;
        else if (wish->given)
            layers[i].fixed = wish->given[i];
    }
    result = density_solve(wish->method, layers, plan->layer_count, wish->density, &plan->sigma, why);
    if (result == WISP_E_INVALID)
        *beyond = density_beyond(wish->method, layers, plan->layer_count, wish->density);
    if (result)
        return result;
    plan->method = wish->method;
    plan->sampling = wish->sampling;
    plan->density = wish->density;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        struct plan_layer *layer = &plan->layers[i];

        layer->density = layers[i];
        layer->chosen = wish->counts && wish->counts[i];
        if (layer->chosen)
            layer->density.connections = wish->counts[i];
        else if (wish->sampling.kernels)
            layer->density.connections = whole_kernels(&layer->density);
    }
    sum_up(plan);
    if (wish->method == DENSITY_FIXED)
        plan->density = (double)plan->connections / (double)plan->potential;
    return 0;
}

int plan_prepare(struct structure *structure, struct plan *out, struct reason *why)
{
    struct plan plan = { .layer_count = structure_weighted(structure) };
    int result;

    plan.layers = memory_zalloc(plan.layer_count, sizeof *plan.layers);
    result = plan.layers ? structure_plan(structure, why) : refuse_errno(why, -ENOMEM, "plan");
    if (result) {
        free(plan.layers);
        return result;
    }
    for (uint32_t i = 0, found = 0; i < structure->layer_count; i++) {
        if (structure->layers[i].kind->weighted)
            plan.layers[found++].place = i;
    }
    plan.structure = *structure;
    *structure = STRUCTURE_NULL;
    *out = plan;
    return 0;
}

int plan_solve_wish(struct structure *structure, const struct plan_wish *wish, struct plan *out, struct reason *why)
{
    int beyond, result = plan_prepare(structure, out, why);

    if (result)
        return result;
    result = plan_again(out, wish, &beyond, why);
    if (result) {
        *structure = out->structure;
        out->structure = STRUCTURE_NULL;
        plan_deinit(out);
    }
    return result;
}

int plan_solve(struct structure *structure, enum density_method method, double density, struct plan *out,
               struct reason *why)
{
    return plan_solve_wish(structure, &(struct plan_wish){ .method = method, .density = density }, out, why);
}

void plan_realise(struct plan *plan, const struct model *model)
{
    for (uint32_t i = 0; i < plan->layer_count; i++)
        plan->layers[i].density.connections = model->layers[plan->layers[i].place].weight.count;
    sum_up(plan);
}

void plan_deinit(struct plan *plan)
{
    structure_deinit(&plan->structure);
    free(plan->layers);
    *plan = PLAN_NULL;
}

/* Value and index. */
static uint64_t connection_bytes(const struct density_layer *d)
{
    uint64_t columns = d->inputs * d->kernel_width * d->kernel_height;

    return sizeof(float) + csr_index_bytes(columns);
}

double plan_connection_cost(const struct plan *plan, uint32_t layer, enum plan_budget budget)
{
    return budget == BUDGET_FLOPS ? 2 * planned(plan, layer)->uses
                                  : (double)connection_bytes(&plan->layers[layer].density);
}

uint64_t plan_layer_bytes(const struct plan *plan, uint32_t layer)
{
    const struct density_layer *d = &plan->layers[layer].density;
    uint64_t bytes = d->connections * connection_bytes(d);

    bytes += (d->outputs + 1) * sizeof(uint64_t);
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++)
        bytes += planned(plan, layer)->vectors[i] * sizeof(float);
    return bytes;
}

bool plan_layer_is_dense(const struct plan *plan, uint32_t layer)
{
    return plan->layers[layer].density.connections == plan->layers[layer].density.potential;
}

double plan_flops(const struct plan *plan)
{
    double sum = 0;

    for (uint32_t i = 0; i < plan->layer_count; i++)
        sum += (double)plan->layers[i].density.connections * planned(plan, i)->uses;
    for (uint32_t i = 0; i < plan->structure.layer_count; i++)
        sum += plan->structure.layers[i].plan.fixed_cost;
    return 2 * sum;
}

const char *plan_budget_name(enum plan_budget budget)
{
    static const char *const names[] = { "none", "file", "memory", "flops" };

    return names[budget];
}

const char *plan_budget_unit(enum plan_budget budget)
{
    static const char *const units[] = { "", "bytes of file", "bytes of memory", "FLOPs a sample" };

    return units[budget];
}

static double realised_sparsity(const struct plan *plan)
{
    return 1 - (double)plan->connections / (double)plan->potential;
}

char *plan_structure_text(const struct plan *plan)
{
    const struct structure *s = &plan->structure;
    size_t capacity = ((size_t)plan->layer_count + 1) * 21 + sizeof s->name, used;
    cleanup_free char *text = calloc(capacity, 1);

    if (!text)
        return NULL;
    if (!strcmp(s->network, "mlp")) {
        used = (size_t)snprintf(text, capacity, "%llu", (unsigned long long)plan->layers[0].density.inputs);
        for (uint32_t i = 0; i < plan->layer_count; i++)
            used += (size_t)snprintf(text + used, capacity - used, "-%llu",
                                     (unsigned long long)plan->layers[i].density.outputs);
    } else if (*s->name) {
        snprintf(text, capacity, "%s", s->name);
    } else {
        char hash[33];

        structure_hash(s, hash);
        snprintf(text, capacity, "%s", hash);
    }
    return steal(&text);
}

/* "2 of 9 layers fully connected: patches, head" */
static void print_dense(const struct plan *plan, FILE *to)
{
    enum { NAMES_MAX = 12 };
    uint32_t dense = 0, named = 0;

    for (uint32_t i = 0; i < plan->layer_count; i++)
        dense += plan_layer_is_dense(plan, i);
    fprintf(to, "%u of %u layer%s fully connected", dense, plan->layer_count, plan->layer_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < plan->layer_count && named < NAMES_MAX; i++) {
        if (plan_layer_is_dense(plan, i))
            fprintf(to, "%s%s", named++ ? ", " : ": ", plan->structure.layers[plan->layers[i].place].name);
    }
    if (dense > named)
        fprintf(to, " and %u more", dense - named);
    putc('\n', to);
}

void plan_print(const struct plan *plan, FILE *to)
{
    fprintf(to, "%-20s %10s %10s %10s %14s %14s %14s %12s\n", "layer", "inputs", "outputs", "p", "potential",
            "requested", "connections", "bytes");
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct density_layer *d = &plan->layers[i].density;

        fprintf(to, "%-20s %10llu %10llu %10.6f %14llu %14.1f %14llu %12llu%s\n",
                plan->structure.layers[plan->layers[i].place].name, (unsigned long long)d->inputs,
                (unsigned long long)d->outputs, d->probability, (unsigned long long)d->potential,
                d->probability * (double)d->potential, (unsigned long long)d->connections,
                (unsigned long long)plan_layer_bytes(plan, i),
                plan->layers[i].chosen ? "  given" : (plan_layer_is_dense(plan, i) ? "  dense" : ""));
    }
    fprintf(to, "%-20s %32s %14llu %14.1f %14llu %12llu\n", "all", "", (unsigned long long)plan->potential,
            plan->density * (double)plan->potential, (unsigned long long)plan->connections,
            (unsigned long long)plan->bytes);
    fprintf(to, "sparsity %.6f asked, %.6f realised; sigma %.6g; ", 1 - plan->density, realised_sparsity(plan),
            plan->sigma);
    print_dense(plan, to);
    fprintf(to, "N = %llu counts weights; biases, norms and positions apart: %llu\n",
            (unsigned long long)plan->potential, (unsigned long long)structure_vectors(&plan->structure));
    if (plan->budget)
        fprintf(to, "density %.6g, the largest within %.15g %s\n", plan->density, plan->budget_limit,
                plan_budget_unit(plan->budget));
}

static json_t *layer_json(const struct plan *plan, uint32_t layer)
{
    const struct density_layer *d = &plan->layers[layer].density;
    const struct structure_layer *l = &plan->structure.layers[plan->layers[layer].place];

    return json_pack("{s:s s:s s:I s:I s:f s:I s:f s:I s:I s:b s:b}", "name", l->name, "kind", l->kind->name, "inputs",
                     (json_int_t)d->inputs, "outputs", (json_int_t)d->outputs, "p", d->probability, "potential",
                     (json_int_t)d->potential, "requested", d->probability * (double)d->potential, "connections",
                     (json_int_t)d->connections, "bytes", (json_int_t)plan_layer_bytes(plan, layer), "dense",
                     plan_layer_is_dense(plan, layer), "given", plan->layers[layer].chosen);
}

void plan_describe(const struct plan *plan, json_t *object)
{
    sampling_describe(&plan->sampling, object);
    if (plan->budget)
        json_object_set_new(object, "budget",
                            json_pack("{s:s s:f}", "of", plan_budget_name(plan->budget), "limit", plan->budget_limit));
}

json_t *plan_json(const struct plan *plan)
{
    char *structure = plan_structure_text(plan);
    json_t *layers = json_array(), *dense = json_array(), *object;

    if (!structure)
        json_note_short();
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        json_array_append_new(layers, layer_json(plan, i));
        if (plan_layer_is_dense(plan, i))
            json_array_append_new(dense, json_string(plan->structure.layers[plan->layers[i].place].name));
    }
    /* JSON has no infinity: sigma is null when every layer is fully connected. */
    object = json_pack("{s:s* s:s s:o s:f s:f s:f s:I s:I s:I s:I s:o s:o}", "structure", structure, "method",
                       density_method_name(plan->method), "sigma",
                       isfinite(plan->sigma) ? json_real(plan->sigma) : json_null(), "sparsity", 1 - plan->density,
                       "density", plan->density, "realised_sparsity", realised_sparsity(plan), "potential",
                       (json_int_t)plan->potential, "connections", (json_int_t)plan->connections, "bytes",
                       (json_int_t)plan->bytes, "vectors", (json_int_t)structure_vectors(&plan->structure),
                       "dense_layers", dense, "layers", layers);
    free(structure);
    if (object)
        plan_describe(plan, object);
    return object;
}
