/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/plan.h"
#include "sparse/csr.h"

static int solve(const struct structure *structure, struct plan *plan, struct reason *why)
{
    cleanup_free struct density_layer *layers = memory_zalloc(plan->layer_count, sizeof *layers);
    uint32_t found = 0;
    int result;

    if (!layers)
        return refuse_errno(why, -ENOMEM, "plan");
    structure_density_layers(structure, layers);
    result = density_solve(plan->method, layers, plan->layer_count, plan->density, &plan->sigma, why);
    if (result)
        return result;
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        if (!structure->layers[i].kind->weighted)
            continue;
        plan->layers[found].place = i;
        plan->layers[found].density = layers[found];
        plan->potential += layers[found].potential;
        plan->connections += layers[found].connections;
        found++;
    }
    return 0;
}

int plan_solve(struct structure *structure, enum density_method method, double density, struct plan *out,
               struct reason *why)
{
    struct plan plan = { .method = method, .density = density, .layer_count = structure_weighted(structure) };
    int result;

    plan.layers = memory_zalloc(plan.layer_count, sizeof *plan.layers);
    result = plan.layers ? structure_plan(structure, why) : refuse_errno(why, -ENOMEM, "plan");
    if (!result)
        result = solve(structure, &plan, why);
    if (result) {
        plan_deinit(&plan);
        return result;
    }
    plan.structure = *structure;
    *structure = STRUCTURE_NULL;
    for (uint32_t i = 0; i < plan.layer_count; i++)
        plan.bytes += plan_layer_bytes(&plan, i);
    *out = plan;
    return 0;
}

void plan_deinit(struct plan *plan)
{
    structure_deinit(&plan->structure);
    free(plan->layers);
    *plan = PLAN_NULL;
}

uint64_t plan_layer_bytes(const struct plan *plan, uint32_t layer)
{
    const struct density_layer *d = &plan->layers[layer].density;
    const struct layer_plan *planned = &plan->structure.layers[plan->layers[layer].place].plan;
    uint64_t columns = d->inputs * d->kernel_width * d->kernel_height, bytes;

    bytes = d->connections * (sizeof(float) + (columns <= CSR_NARROW_COLUMNS ? sizeof(uint16_t) : sizeof(uint32_t)));
    bytes += (d->outputs + 1) * sizeof(uint64_t);
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++)
        bytes += planned->vectors[i] * sizeof(float);
    return bytes;
}

bool plan_layer_is_dense(const struct plan *plan, uint32_t layer)
{
    return plan->layers[layer].density.connections == plan->layers[layer].density.potential;
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

void plan_print(const struct plan *plan, FILE *to)
{
    uint32_t dense = 0;

    fprintf(to, "%-10s %10s %10s %10s %14s %14s %14s %12s\n", "layer", "inputs", "outputs", "p", "potential",
            "requested", "connections", "bytes");
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct density_layer *d = &plan->layers[i].density;

        dense += plan_layer_is_dense(plan, i);
        fprintf(to, "%-10s %10llu %10llu %10.6f %14llu %14.1f %14llu %12llu%s\n",
                plan->structure.layers[plan->layers[i].place].name, (unsigned long long)d->inputs,
                (unsigned long long)d->outputs, d->probability, (unsigned long long)d->potential,
                d->probability * (double)d->potential, (unsigned long long)d->connections,
                (unsigned long long)plan_layer_bytes(plan, i), plan_layer_is_dense(plan, i) ? "  dense" : "");
    }
    fprintf(to, "%-10s %32s %14llu %14.1f %14llu %12llu\n", "all", "", (unsigned long long)plan->potential,
            plan->density * (double)plan->potential, (unsigned long long)plan->connections,
            (unsigned long long)plan->bytes);
    fprintf(to, "sparsity %.6f asked, %.6f realised; sigma %.6g; %u of %u layers fully connected\n", 1 - plan->density,
            realised_sparsity(plan), plan->sigma, dense, plan->layer_count);
}

static json_t *layer_json(const struct plan *plan, uint32_t layer)
{
    const struct density_layer *d = &plan->layers[layer].density;
    const struct structure_layer *l = &plan->structure.layers[plan->layers[layer].place];

    return json_pack("{s:s s:s s:I s:I s:f s:I s:f s:I s:I s:b}", "name", l->name, "kind", l->kind->name, "inputs",
                     (json_int_t)d->inputs, "outputs", (json_int_t)d->outputs, "p", d->probability, "potential",
                     (json_int_t)d->potential, "requested", d->probability * (double)d->potential, "connections",
                     (json_int_t)d->connections, "bytes", (json_int_t)plan_layer_bytes(plan, layer), "dense",
                     plan_layer_is_dense(plan, layer));
}

json_t *plan_json(const struct plan *plan)
{
    char *structure = plan_structure_text(plan);
    json_t *layers = json_array(), *object;

    for (uint32_t i = 0; i < plan->layer_count; i++)
        json_array_append_new(layers, layer_json(plan, i));
    /* JSON has no infinity: sigma is null when every layer is fully connected. */
    object = json_pack("{s:s* s:s s:o s:f s:f s:f s:I s:I s:I s:o}", "structure", structure, "method",
                       density_method_name(plan->method), "sigma",
                       isfinite(plan->sigma) ? json_real(plan->sigma) : json_null(), "sparsity", 1 - plan->density,
                       "density", plan->density, "realised_sparsity", realised_sparsity(plan), "potential",
                       (json_int_t)plan->potential, "connections", (json_int_t)plan->connections, "bytes",
                       (json_int_t)plan->bytes, "layers", layers);
    free(structure);
    return object;
}
