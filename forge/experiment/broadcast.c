/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "forge/experiment/broadcast.h"
#include "sparse/graph/connections.h"

static int broadcast(const struct ranks *ranks, unsigned from, struct model *model, const struct parameters *parameters)
{
    uint64_t *places = connections_array(parameters);

    if (!places)
        return -ENOMEM;
    connections_save(model, parameters, places);
    ranks_copy(ranks, from, places, parameters->length * sizeof *places);
    connections_load(model, parameters, places);
    ranks_copy(ranks, from, model->parameters, parameters->length * sizeof *model->parameters);
    free(places);
    return 0;
}

int broadcast_model(const struct ranks *ranks, unsigned from, struct model *model, struct reason *why)
{
    struct parameters parameters = PARAMETERS_NULL;
    int result = parameters_map(model, &parameters);

    if (!result)
        result = model_gather_parameters(model, &parameters);
    if (!result)
        result = broadcast(ranks, from, model, &parameters);
    parameters_deinit(&parameters);
    return result ? refuse_errno(why, result, "the best candidate") : 0;
}
