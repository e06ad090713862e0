/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sparse/layers/shift_list.h"

static uint32_t row_group(const struct shift_route *route, uint32_t row)
{
    return row / route->rows_together * route->together_step;
}

static void count_groups(uint64_t *counts, const struct csr *weight, uint32_t begin, uint32_t end,
                         const struct shift_route *route)
{
    for (uint32_t r = begin; r < end; r++) {
        const uint32_t group = row_group(route, r - begin);

        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++)
            counts[group + route->groups[csr_column(weight, k)]]++;
    }
}

void shift_list_group(const struct shift_list *list, uint32_t groups, const struct csr *weight, uint32_t begin,
                      uint32_t end, const struct shift_route *route)
{
    uint64_t at = 0;

    memset(list->ends, 0, groups * sizeof *list->ends);
    count_groups(list->ends, weight, begin, end, route);
    for (uint32_t g = 0; g < groups; g++) {
        list->begins[g] = at;
        at += list->ends[g];
        list->ends[g] = list->begins[g];
    }
    for (uint32_t r = begin; r < end; r++) {
        const uint32_t group = row_group(route, r - begin);
        const uint64_t offset = (r - begin) % route->rows_together * route->row_offset;

        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++) {
            const uint32_t column = csr_column(weight, k);

            at = list->ends[group + route->groups[column]]++;
            list->offsets[at] = (uint32_t)(offset + route->offsets[column]);
            if (list->values)
                list->values[at] = weight->values[k];
            if (list->sources)
                list->sources[at] = (uint32_t)k;
        }
    }
}

/* Of all columns, with one question for all of them. */
static void take_offsets(const struct csr *weight, uint64_t begin, uint64_t end, const uint32_t *by_column,
                         uint32_t *offsets)
{
    if (csr_is_narrow(weight)) {
        for (uint64_t k = begin; k < end; k++)
            offsets[k] = by_column[weight->index.narrow[k]];
        return;
    }
    for (uint64_t k = begin; k < end; k++)
        offsets[k] = by_column[weight->index.wide[k]];
}

void shift_list_rows(const struct shift_list *list, const struct csr *weight, uint32_t begin, uint32_t end,
                     const struct shift_route *route, uint32_t past)
{
    if (past >= weight->columns) {
        memcpy(list->ends, weight->starts + begin + 1, (end - begin) * sizeof *list->ends);
        for (uint32_t r = begin; r < end; r++)
            take_offsets(weight, list->begins[r - begin], list->ends[r - begin], route->offsets, list->offsets);
        return;
    }
    for (uint32_t r = begin; r < end; r++) {
        uint64_t k = list->begins[r - begin];

        for (; k < weight->starts[r + 1]; k++) {
            const uint32_t column = csr_column(weight, k);

            if (column >= past)
                break;
            list->offsets[k] = route->offsets[column];
        }
        list->ends[r - begin] = k;
    }
}
