/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "forge/lineage.h"

char *lineage_of_plan(const struct plan *plan, uint64_t seed)
{
    char *structure = plan_structure_text(plan), *text = NULL;
    json_t *object;

    object = json_pack("{s:s s:s* s:s s:f s:o s:I s:I s:I}", "wisp", WISP_VERSION, "structure", structure, "method",
                       density_method_name(plan->method), "sparsity", 1 - plan->density, "sigma",
                       isfinite(plan->sigma) ? json_real(plan->sigma) : json_null(), "seed", (json_int_t)seed,
                       "connections", (json_int_t)plan->connections, "potential", (json_int_t)plan->potential);
    free(structure);
    if (object)
        text = json_dumps(object, JSON_FORM);
    json_decref(object);
    return text;
}

json_t *lineage_of_model(const struct model *model)
{
    json_t *object = model->lineage ? json_loads(model->lineage, 0, NULL) : NULL;

    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_object();
}

int lineage_store(struct model *model, json_t *lineage)
{
    char *text = lineage ? json_dumps(lineage, JSON_FORM) : NULL;

    json_decref(lineage);
    if (!text)
        return -ENOMEM;
    free(model->lineage);
    model->lineage = text;
    return 0;
}
