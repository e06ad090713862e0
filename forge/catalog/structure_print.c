/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "forge/catalog/structure_print.h"

static void print_shape(const struct shape *shape, char *text, size_t size)
{
    size_t used = 0;

    *text = 0;
    for (uint32_t d = 0; d < shape->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", d ? " x " : "", shape->dimension[d]);
}

/* What it reads, when that is not the layer before it. */
static void print_reads(const struct structure *structure, uint32_t index, char *text, size_t size)
{
    const struct structure_layer *layer = &structure->layers[index];
    size_t used = 0;

    *text = 0;
    if (structure_reads_previous(structure, index))
        return;
    for (uint32_t i = 0; i < layer->input_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "<- ",
                                 structure_value_name(structure, layer->inputs[i]));
}

void structure_print(const struct structure *structure, FILE *to)
{
    const uint64_t potential = structure_potential(structure);
    const double cost = structure_cost(structure);
    char shape[64], reads[3 * LAYER_NAME_MAX];
    uint32_t weighted = 0;

    fprintf(to, "%s: %s%s%s, depth %u\n", structure->name[0] ? structure->name : "structure", structure->processing,
            structure->network[0] ? ", " : "", structure->network, structure_depth(structure));
    fprintf(to, "  #  %-26s %-14s %-18s %14s\n", "layer", "kind", "output", "potential");
    for (uint32_t v = 0; v < structure->signature.input_count; v++) {
        print_shape(structure_value_shape(structure, v), shape, sizeof shape);
        fprintf(to, "     %-26s %-14s %-18s\n", structure_value_name(structure, v), "", shape);
    }
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        const struct structure_layer *layer = &structure->layers[i];
        uint64_t own = layer->plan.inputs * layer->plan.outputs * layer->plan.kernel_height * layer->plan.kernel_width;
        char place[12] = "", number[24] = "";

        if (layer->kind->weighted) {
            snprintf(place, sizeof place, "%u", ++weighted);
            snprintf(number, sizeof number, "%" PRIu64, own);
        }
        print_shape(&layer->plan.shape, shape, sizeof shape);
        print_reads(structure, i, reads, sizeof reads);
        fprintf(to, "%3s  %-26s %-14s %-18s %14s  %s\n", place, layer->name, layer->kind->name, shape, number, reads);
    }
    fprintf(to,
            "N = %" PRIu64 " potential connection%s in %u layer%s; biases, norms and positions apart: %" PRIu64 "; "
            "%.4g multiply-add%s a sample when dense\n",
            potential, potential == 1 ? "" : "s", weighted, weighted == 1 ? "" : "s", structure_vectors(structure),
            cost, cost == 1 ? "" : "s");
}
