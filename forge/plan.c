/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/plan.h"
#include "sparse/csr.h"

int plan_solve(struct structure *structure, enum density_method method, double density, struct plan *out,
               struct reason *why)
{
    struct plan plan = { .method = method, .density = density };
    int result;

    plan.layers = memory_zalloc(structure->layer_count, sizeof *plan.layers);
    if (!plan.layers)
        return refuse_errno(why, -ENOMEM, "plan");
    for (size_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];

        plan.layers[i] = (struct density_layer){ .inputs = layer->inputs,
                                                 .outputs = layer->outputs,
                                                 .kernel_width = layer->kernel_width,
                                                 .kernel_height = layer->kernel_height };
    }
    result = density_solve(method, plan.layers, structure->layer_count, density, &plan.sigma, why);
    if (result) {
        plan_deinit(&plan);
        return result;
    }
    plan.structure = *structure;
    *structure = STRUCTURE_NULL;
    for (size_t i = 0; i < plan.structure.layer_count; i++) {
        plan.potential += plan.layers[i].potential;
        plan.connections += plan.layers[i].connections;
        plan.bytes += plan_layer_bytes(&plan, i);
    }
    *out = plan;
    return 0;
}

void plan_deinit(struct plan *plan)
{
    structure_deinit(&plan->structure);
    free(plan->layers);
    *plan = PLAN_NULL;
}

uint64_t plan_layer_bytes(const struct plan *plan, size_t layer)
{
    const struct density_layer *l = &plan->layers[layer];
    uint64_t index = l->inputs <= CSR_NARROW_COLUMNS ? sizeof(uint16_t) : sizeof(uint32_t);

    return l->connections * (sizeof(float) + index) + (l->outputs + 1) * sizeof(uint64_t) + l->outputs * sizeof(float);
}

bool plan_layer_is_dense(const struct plan *plan, size_t layer)
{
    return plan->layers[layer].connections == plan->layers[layer].potential;
}

void plan_print(const struct plan *plan, FILE *to)
{
    size_t dense = 0;

    fprintf(to, "%-6s %10s %10s %10s %14s %14s %14s %12s\n", "layer", "inputs", "outputs", "p", "potential",
            "requested", "connections", "bytes");
    for (size_t i = 0; i < plan->structure.layer_count; i++) {
        const struct density_layer *l = &plan->layers[i];

        dense += plan_layer_is_dense(plan, i);
        fprintf(to, "fc%-4zu %10llu %10llu %10.6f %14llu %14.1f %14llu %12llu%s\n", i + 1,
                (unsigned long long)l->inputs, (unsigned long long)l->outputs, l->probability,
                (unsigned long long)l->potential, l->probability * (double)l->potential,
                (unsigned long long)l->connections, (unsigned long long)plan_layer_bytes(plan, i),
                plan_layer_is_dense(plan, i) ? "  dense" : "");
    }
    fprintf(to, "%-6s %32s %14llu %14.1f %14llu %12llu\n", "all", "", (unsigned long long)plan->potential,
            plan->density * (double)plan->potential, (unsigned long long)plan->connections,
            (unsigned long long)plan->bytes);
    fprintf(to, "sparsity %.6f asked, %.6f realised; sigma %.6g; %zu of %zu layers fully connected\n",
            1 - plan->density, 1 - (double)plan->connections / (double)plan->potential, plan->sigma, dense,
            plan->structure.layer_count);
}

static json_t *layer_json(const struct plan *plan, size_t layer)
{
    const struct density_layer *l = &plan->layers[layer];
    char name[32];

    snprintf(name, sizeof name, "fc%zu", layer + 1);
    return json_pack("{s:s s:I s:I s:f s:I s:f s:I s:I s:b}", "name", name, "inputs", (json_int_t)l->inputs, "outputs",
                     (json_int_t)l->outputs, "p", l->probability, "potential", (json_int_t)l->potential, "requested",
                     l->probability * (double)l->potential, "connections", (json_int_t)l->connections, "bytes",
                     (json_int_t)plan_layer_bytes(plan, layer), "dense", plan_layer_is_dense(plan, layer));
}

json_t *plan_json(const struct plan *plan)
{
    char *structure = structure_text(&plan->structure);
    json_t *layers = json_array(), *object;

    for (size_t i = 0; i < plan->structure.layer_count; i++)
        json_array_append_new(layers, layer_json(plan, i));
    /* JSON has no infinity: sigma is null when every layer is fully connected. */
    object = json_pack(
        "{s:s* s:s s:o s:f s:f s:f s:I s:I s:I s:o}", "structure", structure, "method",
        density_method_name(plan->method), "sigma", isfinite(plan->sigma) ? json_real(plan->sigma) : json_null(),
        "sparsity", 1 - plan->density, "density", plan->density, "realised_sparsity",
        1 - (double)plan->connections / (double)plan->potential, "potential", (json_int_t)plan->potential,
        "connections", (json_int_t)plan->connections, "bytes", (json_int_t)plan->bytes, "layers", layers);
    free(structure);
    return object;
}
