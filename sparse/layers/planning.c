/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/planning.h"

int plan_window(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t padding, uint32_t *out, struct reason *why)
{
    uint64_t padded = (uint64_t)size + 2 * (uint64_t)padding;

    if (padding >= kernel)
        return refuse(why, WISP_E_FORMAT, "padding %u must be smaller than the kernel %u", padding, kernel);
    if (kernel > padded)
        return refuse(why, WISP_E_FORMAT, "a kernel of %u does not fit in %u (%u with its padding)", kernel, size,
                      (uint32_t)padded);
    *out = (uint32_t)((padded - kernel) / stride + 1);
    return 0;
}

int plan_rank(const struct shape *shape, uint32_t rank, const char *wanted, struct reason *why)
{
    if (shape->rank == rank)
        return 0;
    return refuse(why, WISP_E_FORMAT, "takes an input of %u dimensions (%s), not of %u", rank, wanted, shape->rank);
}

uint64_t plan_positions(const struct shape *shape)
{
    return shape_elements(shape) / shape->dimension[0];
}

int plan_same(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
              struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0] };
    return 0;
}
