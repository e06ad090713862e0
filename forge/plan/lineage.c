/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json_memory.h"
#include "forge/plan/assemble.h"
#include "forge/plan/edges.h"
#include "forge/plan/lineage.h"
#include "forge/plan/pretrained.h"

/* Densities that were given, by layer; NULL when there are none. */
static json_t *given_json(const struct plan *plan)
{
    json_t *object = NULL;

    for (uint32_t i = 0; i < plan->layer_count; i++) {
        if (plan->layers[i].density.fixed == 0 || plan->layers[i].chosen)
            continue;
        if (!object)
            object = json_object();
        json_object_set_new(object, plan->structure.layers[plan->layers[i].place].name,
                            json_real(plan->layers[i].density.fixed));
    }
    return object;
}

static json_t *edges_json(const struct plan *plan, const struct edges *edges)
{
    json_t *object = NULL;

    for (uint32_t i = 0; edges && i < plan->layer_count; i++) {
        const struct edge_list *list = &edges->lists[i];

        if (!list->matrix.starts)
            continue;
        if (!object)
            object = json_object();
        json_object_set_new(object, plan->structure.layers[plan->layers[i].place].name,
                            json_pack("{s:s s:I s:b}", "hash", list->hash, "connections",
                                      (json_int_t)list->matrix.count, "weights", list->info.weighted));
    }
    return object;
}

char *lineage_of_build(const struct plan *plan, const struct assembly *assembly)
{
    char *structure = plan_structure_text(plan), *text = NULL;
    json_t *object, *given = given_json(plan), *edges = edges_json(plan, assembly->edges);

    if (!structure)
        json_note_short();
    object = json_pack("{s:s s:s* s:s s:f s:o s:I s:I s:I s:o* s:o*}", "wisp", WISP_VERSION, "structure", structure,
                       "method", density_method_name(plan->method), "sparsity", 1 - plan->density, "sigma",
                       isfinite(plan->sigma) ? json_real(plan->sigma) : json_null(), "seed", (json_int_t)assembly->seed,
                       "connections", (json_int_t)plan->connections, "potential", (json_int_t)plan->potential, "given",
                       given, "edges", edges);
    free(structure);
    if (object) {
        plan_describe(plan, object);
        if (assembly->candidates > 1)
            json_object_set_new(object, "candidates", json_integer((json_int_t)assembly->candidates));
        if (assembly->base)
            json_object_set_new(object, "base",
                                json_pack("{s:s s:s}", "name", pretrained_name(assembly->base), "hash",
                                          pretrained_hash(assembly->base)));
        text = json_to_text(object, JSON_FORM);
    }
    json_decref(object);
    return text;
}

json_t *lineage_of_model(const struct model *model)
{
    json_t *object = model->lineage ? json_from_string(model->lineage, 0, NULL) : NULL;

    if (json_is_object(object))
        return object;
    if (model->lineage && !object && errno == ENOMEM)
        json_note_short(); /* what is stored would lack all that went before */
    json_decref(object);
    return json_object();
}

uint64_t lineage_seed(const struct model *model)
{
    json_t *lineage = lineage_of_model(model);
    const uint64_t seed = (uint64_t)json_integer_value(json_object_get(lineage, "seed"));

    json_decref(lineage);
    return seed;
}

int lineage_store(struct model *model, json_t *lineage)
{
    char *text = lineage ? json_to_text(lineage, JSON_FORM) : NULL;

    json_decref(lineage);
    if (!text)
        return -ENOMEM;
    free(model->lineage);
    model->lineage = text;
    return 0;
}
